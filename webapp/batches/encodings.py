"""Which encoding a text file is in: told by its mark, else by what fits all of it: UTF-8, Shift_JIS, EUC-JP, or
Windows-1252 where single letters with accents stand among plain ones.

The file is read in pieces and never held.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

from profiles.problems import N_, Code, Problem, ProblemError

PIECE = 1 << 18
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Longest first where one begins with another."""
_CONTROLS = [bytes([sign]) for sign in range(0x20) if sign not in b"\t\n\r\f"]
"""What text has none or little of."""
_NAMES = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 (BOM)",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "utf-32": "UTF-32",
    "cp932": "Shift_JIS (CP932)",
    "euc_jp": "EUC-JP",
    "iso2022_jp": "ISO-2022-JP",
    "cp1252": "Windows-1252",
}
_USUAL = ("utf-8", "cp932")
_HIGH = re.compile(rb"[\x80-\xff]+")
_ACCENTED = re.compile(rb"[\xa0\xc0-\xd6\xd8-\xf6\xf8-\xff]{1,2}\Z")
"""Letters of Windows-1252 that other Western encodings have at other places do not count."""
_FULL_KANA = re.compile("[\u3041-\u30fa\u30fc]")
_STRANGE = re.compile(
    "[\ue000-\uf8ff]|[A-Za-z][\uff61-\uff9f\u4e00-\u9fff][a-z]|(?<![^\\s,;])[\uff61-\uff9f][a-z]"
)
_KANA_AND_KANJI = re.compile("[\uff61-\uff9f]([\u4e00-\u9fff])|([\u4e00-\u9fff])[\uff61-\uff9f]")
_RARE = 0xE0
"""The first bytes of kanji of the second level in Shift_JIS begin here."""
NOT_TEXT = N_("it is neither text nor a workbook")


@dataclass(frozen=True, slots=True)
class Encoding:
    """A codec and what people call it."""

    codec: str
    is_guessed: bool = False
    """Another one would fit the bytes too; somebody should look at the names."""

    @property
    def name(self) -> str:
        """As pages and the command line show it."""
        return _NAMES.get(self.codec, self.codec)


@dataclass(frozen=True, slots=True)
class _Stop:
    """Where decoding stopped."""

    codec: str
    line: int
    offset: int


def detect(path: Path, *, name: str, given: str | None = None) -> Encoding:
    """Return the encoding of all of the file; raises ProblemError LIST_ENCODING with the line, or LIST_FORMAT."""
    candidates = (_codec(given, path),) if given else _candidates(path, name)
    stops: list[_Stop] = []
    for codec in candidates:
        stop = _decode(path, codec) or (_mixture(path) if stops else None)
        if stop is None:
            return Encoding(codec) if codec != "cp932" or given else _perhaps_another(path)
        stops.append(stop)
    # Where UTF-8 held for some lines, it is meant, and something is wrong with it.
    if not given and candidates == _USUAL and stops[0].line == _first_line(path):
        for codec, fits in (("cp1252", _is_western(path)), ("euc_jp", _decode(path, "euc_jp") is None)):
            if fits:
                return Encoding(codec, is_guessed=True)
    # The one that came furthest is most likely what the file was meant to be.
    furthest = max(stops, key=lambda stop: stop.offset)
    params = {"file": name, "line": str(furthest.line), "encoding": Encoding(furthest.codec).name}
    raise ProblemError(Problem(Code.LIST_ENCODING, params, place=f"{name}: {furthest.line}"))


def _perhaps_another(path: Path) -> Encoding:
    """The encoding of a file whose bytes are Shift_JIS, but perhaps only by chance."""
    if _is_western(path):
        return Encoding("cp1252", is_guessed=True)
    with path.open("rb") as file:
        head = file.read(PIECE)
    is_strange = _is_strange(head.decode("cp932", "ignore"))
    if _decode(path, "euc_jp") is None and (is_strange or _FULL_KANA.search(head.decode("euc_jp", "ignore"))):
        return Encoding("euc_jp", is_guessed=True)
    return Encoding("cp932", is_guessed=is_strange)


def _is_strange(text: str) -> bool:
    """Whether nobody writes so: signs of nobody, Japanese signs within Western words, kana beside rare kanji.

    Shift_JIS makes such of other encodings; half-width kana beside usual kanji (ｼｽﾃﾑ部) is everyday Japanese.
    """
    kanji = (match[1] or match[2] for match in _KANA_AND_KANJI.finditer(text))
    return _STRANGE.search(text) is not None or any(sign.encode("cp932", "replace")[0] >= _RARE for sign in kanji)


def _first_line(path: Path) -> int | None:
    """The first line that is not ASCII."""
    with path.open("rb") as file:
        lines = enumerate(iter(lambda: file.readline(PIECE), b""), 1)
        return next((number for number, line in lines if not line.isascii()), None)


def _is_western(path: Path) -> bool:
    """Whether all that is not ASCII are one or two letters with accents: Japanese stands in longer runs."""
    single = runs = 0
    with path.open("rb") as file:
        for line in iter(lambda: file.readline(PIECE), b""):
            for match in _HIGH.finditer(line):
                if not _ACCENTED.match(match[0]):
                    return False
                runs += 1
                single += len(match[0]) == 1
    return single * 2 > runs


def is_known(text: str) -> bool:
    """Whether Python knows an encoding of this name that turns bytes of files into text."""
    try:
        found = codecs.lookup(text)
    except LookupError:
        return False
    return found._is_text_encoding and found.name not in ("idna", "punycode", "undefined")


def _codec(given: str, path: Path) -> str:
    name = codecs.lookup(given).name
    if name == "utf-16":
        # The codec of this name insists on a mark.
        with path.open("rb") as file:
            head = file.read(PIECE)
        if not head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16-be" if head[0::2].count(0) > head[1::2].count(0) else "utf-16-le"
    # What Windows calls Shift_JIS is CP932, and the names in such a list need its signs (髙, ①).
    return {"shift_jis": "cp932", "utf-8": "utf-8-sig"}.get(name, name)


def _candidates(path: Path, name: str) -> tuple[str, ...]:
    with path.open("rb") as file:
        head = file.read(PIECE)
    for mark, codec in _MARKS:
        if head.startswith(mark):
            return (codec,)
    if head.isascii() and b"\x1b$" in head:
        return ("iso2022_jp", "iso2022_jp_ext")
    if sum(map(head.count, _CONTROLS)) * 20 <= len(head):
        return _USUAL
    # UTF-16 without a mark: the NULs of its ASCII signs stand on one side.
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if not max(even, odd) or min(even, odd) * 20 > max(even, odd):
        raise ProblemError(Problem(Code.LIST_FORMAT, {"file": name, "reason": NOT_TEXT}, place=name))
    return ("utf-16-le",) if odd > even else ("utf-16-be",)


def _mixture(path: Path) -> _Stop | None:
    """Where a file changes between UTF-8 and Shift_JIS; None where it does not.

    Most UTF-8 text is Shift_JIS too, of signs that nobody wrote. A line of Shift_JIS that holds a whole sign of
    three bytes and is UTF-8 does not happen.
    """
    first: str | None = None
    offset = 0
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(PIECE), b""), 1):
            found = None if line.isascii() else _codec_of(line)
            first = first or found
            if found != first and found is not None and first is not None:
                return _Stop(first, number, 2**62 + offset)
            offset += len(line)
    return None


def _codec_of(line: bytes) -> str:
    try:
        return "utf-8" if any(sign > "\u07ff" for sign in line.decode()) else "cp932"
    except UnicodeDecodeError:
        return "cp932"


def _decode(path: Path, codec: str) -> _Stop | None:
    """Decode all of the file; return where that stopped, None at the end."""
    decoder = codecs.getincrementaldecoder(codec)()
    line, offset = 1, 0
    with path.open("rb") as file:
        while True:
            piece = file.read(PIECE)
            try:
                line += decoder.decode(piece, final=not piece).count("\n")
            except UnicodeDecodeError as error:
                before = error.object[: error.start].decode(codec, "ignore")
                return _Stop(codec, line + before.count("\n"), offset + error.start)
            offset += len(piece)
            if not piece:
                return None
