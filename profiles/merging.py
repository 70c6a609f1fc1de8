"""Mail merge: one format for many people of one domain, a tenth of the cost of rendering each by itself.

What is the same for all is rendered once, for a person who does not exist; the places of that person's words are
found in it and filled for everybody. A template counts only if it gives, byte for byte, what rendering gives, for
two further people whose names need every kind of escaping. Otherwise, and so for any format that one day looks at
a person in a way that is not known here, everybody is rendered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from profiles.address import Address
from profiles.identifiers import derived_uuid
from profiles.model import Artifact, MailAccount, RenderOptions, ServiceSettings
from profiles.xml_document import require_writable

Render = Callable[[MailAccount, RenderOptions], Artifact]

_KINDS = ("profile", "mail", "caldav", "carddav", "eas", "k9s")
"""Parts of a mailbox that have a UUID of their own (profiles.identifiers)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Whose file it is."""

    address: Address
    full_name: str = ""
    username: str | None = None
    password: str | None = field(default=None, repr=False)


_NOBODY = Person(
    address=Address("Local7Qz1w", ""),
    full_name="Name7Qz2w",
    username="User7Qz3w",
    password="Pass7Qz4w",  # noqa: S106 - nobody's
)
_STRANGERS = (
    Person(
        address=Address("O'Neil&Co", ""),
        full_name="& ]] 'x' \"y\" 髙",
        username="a&b<c",
        password="<&>\"'%(x)s",  # noqa: S106 - invented
    ),
    Person(
        address=Address("{a}|B", ""),
        full_name="𠮷田 O'Neil",
        username="%1$s \\1",
        password="&amp;😀 <b>",  # noqa: S106 - invented
    ),
)


class Merge:
    """Renders one format for person after person. `options` are everybody's; the password is each person's own."""

    def __init__(self, render: Render, options: RenderOptions) -> None:
        self._render = render
        self._options = options
        self._templates: dict[tuple[object, ...], _Template | None] = {}
        self._settings: dict[str, ServiceSettings] = {}

    def render(self, settings: ServiceSettings, person: Person, *, unchecked: bool = False) -> Artifact:
        """The file of one person; raises what the format raises."""
        domain = person.address.domain
        known = self._settings.get(domain)
        if known is not settings and known != settings:
            # Another domain, or one whose settings were changed meanwhile.
            self._settings[domain] = settings
            self._templates = {key: kept for key, kept in self._templates.items() if key[0] != domain}
        key = (domain, unchecked, bool(person.full_name), bool(person.username), bool(person.password))
        if key not in self._templates:
            self._templates[key] = self._template(settings, person, unchecked=unchecked)
        template = self._templates[key]
        if template is None:
            return self._alone(settings, person, unchecked=unchecked)
        require_writable(person.full_name, person.password, usernames=(person.username or "",))
        return template.fill(person)

    def _template(self, settings: ServiceSettings, like: Person, *, unchecked: bool) -> _Template | None:
        """A template for people of whom as much is known; None where it would not say the same as rendering."""
        nobody, *strangers = (_of_whom_as_much_is_known(person, like) for person in (_NOBODY, *_STRANGERS))
        template = _Template(self._alone(settings, nobody, unchecked=unchecked), nobody)
        for stranger in strangers:
            if template.fill(stranger) != self._alone(settings, stranger, unchecked=unchecked):
                return None
        return template

    def _alone(self, settings: ServiceSettings, person: Person, *, unchecked: bool) -> Artifact:
        account = settings.account(person.address, person.full_name, username=person.username)
        return self._render(account, replace(self._options, password=person.password, unchecked=unchecked))


class _Template:
    """A rendered file with the places that are each person's own."""

    def __init__(self, rendered: Artifact, nobody: Person) -> None:
        self._rendered = rendered
        text = rendered.data.decode()
        words = {word: name for name, word in _words(nobody, _KINDS).items() if word}
        found = re.split("(" + "|".join(map(re.escape, words)) + ")", text)
        self._pieces = found
        self._places = tuple((index, words[piece]) for index, piece in enumerate(found) if piece in words)
        self._kinds = tuple(kind for kind in _KINDS if any(name.startswith(kind) for _, name in self._places))

    def fill(self, person: Person) -> Artifact:
        """The file of a person."""
        words = _words(person, self._kinds)
        pieces = self._pieces.copy()
        for index, name in self._places:
            pieces[index] = words[name]
        # Not `replace`: it costs as much as the filling.
        rendered = self._rendered
        return Artifact(
            data="".join(pieces).encode(), content_type=rendered.content_type, filename=rendered.filename
        )


def _words(person: Person, kinds: tuple[str, ...]) -> Mapping[str, str]:
    """Everything that a file says of a person alone, as XML writes it."""
    words = {
        "local": _escaped(person.address.local),
        "name": _escaped(person.full_name),
        "username": _escaped(person.username or ""),
        "password": _escaped(person.password or ""),
    }
    for kind in kinds:
        uuid = str(derived_uuid(person.address, kind))
        words[f"{kind} upper"] = uuid.upper()
        words[f"{kind} lower"] = uuid
        words[f"{kind} hex"] = uuid.replace("-", "")
    return words


def _escaped(text: str) -> str:
    if text.isalnum():
        return text
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _of_whom_as_much_is_known(person: Person, like: Person) -> Person:
    return Person(
        address=Address(person.address.local, like.address.domain),
        full_name=person.full_name if like.full_name else "",
        username=person.username if like.username else None,
        password=person.password if like.password else None,
    )
