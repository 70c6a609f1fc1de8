"""Writing XML: one way to turn an element tree into bytes, and the characters XML cannot hold."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from profiles.problems import Code, Problem, ProblemError

DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'

# XML 1.0's `Char` without any control character: parsers turn CR into LF, and no one types the others.
_UNWRITABLE = re.compile("[^\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def is_writable(text: str) -> bool:
    """Whether `text` comes back from an XML file as it went in.

    plistlib writes U+FFFE, which no parser reads; ElementTree writes control characters without complaint.
    """
    return _UNWRITABLE.search(text) is None


def require_writable(full_name: str, *passwords: str | None, usernames: Iterable[str] = ()) -> None:
    """Refuse what people typed and XML cannot hold. Forms refuse it earlier and name the field."""
    if not is_writable(full_name):
        raise ProblemError(Problem(Code.NAME_UNUSABLE))
    if not all(map(is_writable, usernames)):
        raise ProblemError(Problem(Code.USERNAME_UNUSABLE, place="username"))
    if not all(is_writable(password) for password in passwords if password is not None):
        raise ProblemError(Problem(Code.PASSWORD_UNUSABLE))


def add(parent: Element, tag: str, text: str) -> Element:
    """Append `<tag>text</tag>`; no white space around the text, since Thunderbird for Android keeps it."""
    child = SubElement(parent, tag)
    child.text = text
    return child


def document(root: Element, declaration: bytes = DECLARATION) -> bytes:
    """Indented UTF-8 bytes; nothing comes before the declaration (Thunderbird refuses even a newline)."""
    indent(root)
    return declaration + tostring(root, encoding="unicode").encode() + b"\n"
