"""Reading an Autodiscover POX request: whose settings are asked for, and in which schema.

Names are matched without their namespace: clients use prefixes, and Microsoft's pages print `https://` namespaces.
expat alone, without ElementTree or defusedxml: a DOCTYPE is refused before anything can be declared in it, the
size is limited by the caller and the depth here, and it takes a third of the time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.parsers import expat

from profiles.autodiscover import ADDRESS_NOT_FOUND, INVALID_REQUEST

_DEPTH_LIMIT = 32
_REQUEST = ["Autodiscover", "Request"]
_BLANKS = b" \t\r\n"
_UTF16_BEGINNINGS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"<\0": "utf-16-le", b"\0<": "utf-16-be"}

# The document as nearly every client sends it, for which expat would be half of the whole answer's time. A body
# that matches is plain ASCII without a reference, comment or attribute but xmlns, so there is nothing to parse in
# it; a property test holds it against expat.
_TEXT = rb"[ -%'-;=?-~]"
_USUAL = re.compile(
    rb"""(?:<\?xml\ version="1\.0"(?:\ encoding="[Uu][Tt][Ff]-8")?\ ?\?>[\ \t\r\n]*)?
    <Autodiscover(?:\ xmlns="[!#-%'-;=?-~]*")?>[\ \t\r\n]*<Request>[\ \t\r\n]*
    <EMailAddress>("""
    + _TEXT
    + rb"""+)</EMailAddress>[\ \t\r\n]*
    <AcceptableResponseSchema>("""
    + _TEXT
    + rb"""*)</AcceptableResponseSchema>[\ \t\r\n]*
    </Request>[\ \t\r\n]*</Autodiscover>[\ \t\r\n]*\Z""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoxRequest:
    """What a client asked."""

    address: str
    schema: str
    """The AcceptableResponseSchema, as sent."""


class PoxRefused(Exception):
    """A request that gets an error; `error` is its code and message."""

    def __init__(self, error: tuple[int, str]) -> None:
        self.error = error
        super().__init__(error[1])


def parse(body: bytes) -> PoxRequest:
    """Read the body, or raise PoxRefused."""
    usual = _USUAL.match(body)
    if usual is not None:
        address, schema = usual[1].decode().strip(), usual[2].decode().strip()
        if address:
            return PoxRequest(address=address, schema=schema)
    return parse_any(body)


def parse_any(body: bytes) -> PoxRequest:
    """Read a body of any form."""
    reader = _Reader()
    try:
        reader.read(_as_utf8(body))
    except (expat.ExpatError, ValueError) as error:
        raise PoxRefused(INVALID_REQUEST) from error
    values = reader.values
    if reader.requests != 1 or len(values) != reader.fields:
        raise PoxRefused(INVALID_REQUEST)
    if values.get("LegacyDN"):
        raise PoxRefused(ADDRESS_NOT_FOUND)  # it would win over the address, and only Exchange knows any
    if not values.get("EMailAddress") or "AcceptableResponseSchema" not in values:
        raise PoxRefused(INVALID_REQUEST)
    return PoxRequest(address=values["EMailAddress"], schema=values["AcceptableResponseSchema"])


def _as_utf8(body: bytes) -> bytes:
    encoding = _UTF16_BEGINNINGS.get(body[:2])
    if encoding is not None:
        body = body.decode(encoding).encode()
    # Some clients end the document with a NUL, or begin it with an empty line.
    return body.removeprefix(b"\xef\xbb\xbf").lstrip(_BLANKS).rstrip(_BLANKS + b"\0")


class _Reader:
    """Collects the text of the elements in Autodiscover/Request."""

    __slots__ = ("field", "fields", "path", "requests", "texts")

    def __init__(self) -> None:
        self.path: list[str] = []
        self.requests = 0
        self.fields = 0
        self.field: list[str] | None = None
        self.texts: dict[str, list[str]] = {}

    @property
    def values(self) -> dict[str, str]:
        """The fields by local name, white space around them dropped."""
        return {name: "".join(parts).strip() for name, parts in self.texts.items()}

    def read(self, document: bytes) -> None:
        """Parse the whole document."""
        # Overrules the declared encoding: .NET declares UTF-16 for a string that it then sends as UTF-8.
        parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.Parse(document, True)

    def _start(self, tag: str, _attributes: dict[str, str]) -> None:
        path = self.path
        path.append(tag.rpartition(":")[2])
        if len(path) == 3 and path[:2] == _REQUEST:
            self.fields += 1
            self.field = self.texts[path[2]] = []
        elif path == _REQUEST:
            self.requests += 1
        elif len(path) > _DEPTH_LIMIT:
            raise PoxRefused(INVALID_REQUEST)

    def _end(self, _tag: str) -> None:
        self.path.pop()
        self.field = None

    def _text(self, text: str) -> None:
        if self.field is not None:
            self.field.append(text)


def _refuse_doctype(*_declaration: object) -> None:
    raise PoxRefused(INVALID_REQUEST)
