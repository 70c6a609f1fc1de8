"""IMAP's grammar as far as a check reads it: quoting what is sent, lists and literals of what comes."""

from __future__ import annotations

import re
from dataclasses import dataclass

_STATUS = re.compile(rb"(?:\[(?P<code>[^\]\s]+)(?: (?P<rest>[^\]]*))?\])? ?(?P<text>.*)", re.DOTALL)
_TOKEN = re.compile(
    rb'\s*(?:(?P<open>\()|(?P<close>\))|"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<atom>[^\s()"]+))', re.DOTALL
)
_LITERAL = re.compile(rb"\s*\{(\d{1,9})\+?\}\r\n")
_DEPTH = 20

Value = str | list["Value"] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One response: tag (* for untagged), its word, and the rest as bytes with literals expanded."""

    tag: str
    word: str
    rest: bytes
    after_tag: bytes
    """As sent: a challenge is case-sensitive."""

    @property
    def code(self) -> str:
        """The response code in brackets, upper-case."""
        return (self._status()["code"] or b"").decode("ascii", "replace").upper()

    @property
    def code_arguments(self) -> str:
        """What follows the response code inside its brackets."""
        return (self._status()["rest"] or b"").decode("ascii", "replace")

    @property
    def text(self) -> str:
        """The words for people."""
        return (self._status()["text"] or b"").decode("utf-8", "replace").strip()

    def _status(self) -> re.Match[bytes]:
        found = _STATUS.match(self.rest)
        assert found is not None
        return found


def read_response(data: bytes) -> Response:
    """Split a response line."""
    tag, _, after = data.partition(b" ")
    word, _, rest = after.partition(b" ")
    name = word.decode("ascii", "replace").upper()
    return Response(tag=tag.decode("ascii", "replace"), word=name, rest=rest, after_tag=after)


def literal_size(line: bytes) -> int | None:
    """How many bytes of a literal follow this line."""
    found = re.search(rb"\{(\d{1,9})\+?\}\Z", line)
    return int(found[1]) if found else None


def read_values(data: bytes) -> list[Value]:
    """Read lists, strings, literals, atoms and NIL; what is broken ends the reading."""
    stack: list[list[Value]] = [[]]
    position = 0
    while position < len(data):
        literal = _LITERAL.match(data, position)
        if literal:
            end = literal.end() + int(literal[1])
            stack[-1].append(_decode(data[literal.end() : end]))
            position = end
            continue
        token = _TOKEN.match(data, position)
        if token is None or not _take(token, stack):
            break
        position = token.end()
    return stack[0]


def _take(token: re.Match[bytes], stack: list[list[Value]]) -> bool:
    if token["open"]:
        inner: list[Value] = []
        stack[-1].append(inner)
        stack.append(inner)
        return len(stack) <= _DEPTH
    if token["close"]:
        if len(stack) == 1:
            return False
        stack.pop()
        return True
    if token["quoted"] is not None:
        stack[-1].append(_decode(re.sub(rb"\\(.)", rb"\1", token["quoted"], flags=re.DOTALL)))
    else:
        atom = _decode(token["atom"])
        stack[-1].append(None if atom.upper() == "NIL" else atom)
    return True


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def quoted(data: bytes) -> bytes | None:
    """A quoted string, None where only a literal can carry the bytes."""
    if not data.isascii() or any(sign in data for sign in b"\r\n\0"):
        return None
    return b'"' + data.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def folder_name(wire_name: str) -> str:
    """A folder's name from IMAP's modified UTF-7, as people read it; broken names stay as they are."""
    try:
        return re.sub(r"&([^-]*)-", _decode_utf7, wire_name)
    except ValueError:
        return wire_name


def _decode_utf7(match: re.Match[str]) -> str:
    if not match[1]:
        return "&"
    return ("+" + match[1].replace(",", "/") + "-").encode("ascii").decode("utf-7")
