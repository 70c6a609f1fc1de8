"""Mail addresses: mended where people slip, refused where they could change a dialogue or a file."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address

import idna

from profiles.problems import Code, Problem, quoted

_LENGTH = 254
"""Of a whole address: RFC 5321 gives a path 256 signs, with its angle brackets."""
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}\Z")
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*\Z")
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))
_WRAPPED = re.compile(r"[^<>@]*<([^<>]*)>\Z")
"""`Taro Yamada <taro@example.jp>`, as mail programs copy an address."""
_AROUND = " \t\r\n;,、“”‘’「」"
_SLIPS = "abcdefghijklmnopqrstuvwxyz0123456789-."
_DOTS = str.maketrans({"。": ".", "．": ".", "｡": ".", "＠": "@"})


@dataclass(frozen=True, slots=True)
class Address:
    """A mailbox address; the domain is lower-case A-labels, the local part as written."""

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"

    @property
    def path(self) -> str:
        """As SMTP and headers write it: a local part with dots in odd places stands in quotation marks."""
        return str(self) if _is_local(self.local) else f'"{self.local}"@{self.domain}'

    @property
    def key(self) -> str:
        """The lower-case form by which one mailbox is recognised."""
        return str(self).lower()


def parse_address(text: str, *, place: str | None = None) -> tuple[Address | None, tuple[Problem, ...]]:
    """Read an address as people type it.

    Full-width characters, zero-width spaces, `。` for `.`, `mailto:`, a name before `<…>`, quotation marks around
    it and a `;` behind it are mended and the mending is told (ADDRESS_MENDED). Local parts are the dot-atoms of
    RFC 5321 in ASCII: quoted ones and SMTPUTF8 are refused, because Apple's payload, FairEmail and the QR import
    do not take them.
    """
    if len(text) > 4 * _LENGTH:
        return _refused(text, place)
    mended = mend(text)
    local, at, domain = mended.rpartition("@")
    ascii_domain = to_ascii(domain)
    if not at or ascii_domain is None or "." not in ascii_domain or not _is_local(local):
        return _refused(text, place)
    address = Address(local, ascii_domain)
    if len(local) + 1 + len(ascii_domain) > _LENGTH:
        return _refused(text, place)
    if mended != text.strip():
        return address, (Problem(Code.ADDRESS_MENDED, {"address": str(address)}, place=place),)
    return address, ()


def parse_recipient(text: str, *, place: str | None = None) -> tuple[Address | None, tuple[Problem, ...]]:
    """Read an address that mail only goes to: as `parse_address`, and with dots anywhere before the @.

    Japanese mobile carriers gave out addresses such as `taro..y.@docomo.example` until 2009, and people keep them.
    """
    address, problems = parse_address(text, place=place)
    local, at, domain = mend(text).rpartition("@")
    ascii_domain = to_ascii(domain)
    if address is not None or not at or ascii_domain is None or "." not in ascii_domain or not _LOCAL.match(local):
        return address, problems
    return Address(local, ascii_domain), ()


def _refused(text: str, place: str | None) -> tuple[None, tuple[Problem]]:
    # Made only when needed: the discovery endpoints read an address with every request.
    return None, (Problem(Code.ADDRESS_INVALID, {"address": quoted(text.strip(), 320)}, place=place),)


def mend(text: str) -> str:
    """Undo what Japanese keyboards and copied mail links do to an address."""
    narrow = text if text.isascii() else _narrow(text)
    narrow = narrow.strip(_AROUND)
    if (wrapped := _WRAPPED.match(narrow)) is not None:
        narrow = wrapped[1].strip(_AROUND)
    # A spreadsheet's mark of text is no part of an address either.
    narrow = narrow.removeprefix("'").strip("<>").strip()
    if narrow[:7].lower() == "mailto:":
        narrow = narrow[7:].split("?", 1)[0]
    return narrow.strip()


def slips(domain: str) -> Iterator[str]:
    """The names that one slip of the fingers makes of a domain: signs exchanged, left out, doubled or mistaken."""
    halves = [(domain[:at], domain[at:]) for at in range(len(domain) + 1)]
    yield from (before + after[1] + after[0] + after[2:] for before, after in halves if len(after) > 1)
    yield from (before + after[1:] for before, after in halves if after)
    yield from (before + sign + after for before, after in halves for sign in _SLIPS)
    yield from (before + sign + after[1:] for before, after in halves if after for sign in _SLIPS)


def to_ascii(domain: str) -> str | None:
    """Return lower-case A-labels of a domain or host name (IDNA 2008), None when it is none."""
    name = domain.strip().rstrip(".").lower()
    if len(name) > 253:
        return None
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except idna.IDNAError:
            return None
    if len(name) > 253 or not _NAME.match(name):
        return None
    # A numeric last label would be an IP address to every resolver ("127.1"), never a name.
    return None if name.rpartition(".")[2].isdigit() else name


def _narrow(text: str) -> str:
    return unicodedata.normalize("NFKC", text.translate(_DOTS)).translate(_INVISIBLE).translate(_DOTS)


def to_host(text: str) -> str | None:
    """Return a host name as A-labels, or an IP address in its shortest form; None when it is neither."""
    try:
        return str(ip_address(text.strip().strip("[]")))
    except ValueError:
        return to_ascii(text)


def _is_local(local: str) -> bool:
    return bool(_LOCAL.match(local)) and not (local.startswith(".") or local.endswith(".") or ".." in local)
