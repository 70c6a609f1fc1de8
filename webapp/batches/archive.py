"""A ZIP archive written as a stream.

zipfile keeps half a kilobyte per member until the end, 200 MB for a list of 100,000 people with four files each.
Here the directory waits in a temporary file, so that the memory stays the same for any number of members. The
layout is that of APPNOTE.TXT 6.3: UTF-8 names, sizes known beforehand, ZIP64 where numbers ask for it. Of what
the members hold, nothing is ever in a file of its own.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from datetime import datetime
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import IO, Protocol, Self

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
_UTF8 = 0x0800
_STORED, _DEFLATED = 0, 8
_VERSION, _VERSION_64 = 20, 45
_MADE_BY_UNIX = 3 << 8
_ORDINARY_FILE = 0o100600 << 16
_MOST_16, _MOST_32 = 0xFFFF, 0xFFFFFFFF
_PIECE = 1 << 20
_SPOOLED = 1 << 20


class Writable(Protocol):
    """What takes bytes one after the other; it need be neither seekable nor a file."""

    def write(self, data: bytes, /) -> object:
        """Take these bytes."""


class Packed:
    """A member that grows beside the archive: packed at once, and in memory alone.

    Tables hold links, PINs and the passwords of bad rows, which no temporary file may ever hold. Packed, those of
    a hundred thousand people are a few megabytes.
    """

    def __init__(self) -> None:
        self._packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._pieces: list[bytes] = []
        self.crc = 0
        self.size = 0

    def write(self, data: bytes) -> None:
        """Take these bytes."""
        self.crc = zlib.crc32(data, self.crc)
        self.size += len(data)
        piece = self._packer.compress(data)
        if piece:
            self._pieces.append(piece)

    def packed(self) -> list[bytes]:
        """Everything; nothing can be written after it."""
        self._pieces.append(self._packer.flush())
        return self._pieces


class Archive:
    """Members go in one after the other; `close` writes the directory.

    Whoever sends the archive on while it grows uses `closing`, which stops after each piece.
    """

    def __init__(self, file: Writable, *, now: datetime) -> None:
        self._file = file
        self._offset = 0
        self._count = 0
        self._time = _dos_time(now)
        self._directory = SpooledTemporaryFile(max_size=_SPOOLED)  # noqa: SIM115 - closed by `close`

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and not self._directory.closed:
            self.close()
        self._directory.close()

    def add(self, name: str, data: bytes, *, compress: bool = True) -> None:
        """Add a member; level 1 costs a fortieth of level 9 and wins nearly as much."""
        crc = zlib.crc32(data)
        packed = _deflate(data) if compress else data
        method = _DEFLATED if compress else _STORED
        self._begin(name, method, crc, len(packed), len(data))
        self._write(packed)

    def add_packed(self, name: str, member: Packed) -> None:
        """Add a member that was packed while it grew."""
        packed = member.packed()
        self._begin(name, _DEFLATED, member.crc, sum(map(len, packed)), member.size)
        for piece in packed:
            self._write(piece)

    def close(self) -> None:
        """Write the directory of all members."""
        _exhaust(self.closing())

    def closing(self) -> Iterator[None]:
        """The same, piece after piece."""
        start = self._offset
        for piece in _pieces(self._directory):
            self._write(piece)
            yield
        self._directory.close()
        size, count = self._offset - start, self._count
        if count >= _MOST_16 or start >= _MOST_32 or size >= _MOST_32:
            end = self._offset
            versions = (_VERSION_64 | _MADE_BY_UNIX, _VERSION_64)
            self._write(_END_64.pack(b"PK\6\6", 44, *versions, 0, 0, count, count, size, start))
            self._write(_LOCATOR_64.pack(b"PK\6\7", 0, end, 1))
        few, short, near = min(count, _MOST_16), min(size, _MOST_32), min(start, _MOST_32)
        self._write(_END.pack(b"PK\5\6", 0, 0, few, few, short, near, 0))

    def _begin(self, name: str, method: int, crc: int, packed: int, size: int) -> None:
        if max(packed, size) >= _MOST_32:
            raise ValueError("a member of 4 GB has no place in this archive")
        encoded = name.encode()
        offset = self._offset
        sizes = (method, *self._time, crc, packed, size)
        self._write(_LOCAL.pack(b"PK\3\4", _VERSION, _UTF8, *sizes, len(encoded), 0) + encoded)
        far = offset >= _MOST_32
        extra = struct.pack("<2HQ", 1, 8, offset) if far else b""
        version = _VERSION_64 if far else _VERSION
        entry = _CENTRAL.pack(
            b"PK\1\2", version | _MADE_BY_UNIX, version, _UTF8, *sizes,
            len(encoded), len(extra), 0, 0, 0, _ORDINARY_FILE, _MOST_32 if far else offset,
        )  # fmt: skip
        self._directory.write(entry + encoded + extra)
        self._count += 1

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._offset += len(data)


def _exhaust(steps: Iterator[None]) -> None:
    for _ in steps:
        pass


def _deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def _pieces(source: IO[bytes]) -> Iterator[bytes]:
    source.seek(0)
    while piece := source.read(_PIECE):
        yield piece


def _dos_time(now: datetime) -> tuple[int, int]:
    """Time and date as MS-DOS kept them; they end in 2107."""
    year = min(max(now.year, 1980), 2107)
    clock = now.hour << 11 | now.minute << 5 | now.second // 2
    return clock, (year - 1980) << 9 | now.month << 5 | now.day
