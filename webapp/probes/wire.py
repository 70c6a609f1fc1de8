"""Lines over a stream, with limits: 8 KiB a line, 1 MiB a session."""

from __future__ import annotations

from webapp.outbound import Deadline, Stream

LINE_LIMIT = 8 * 1024
SESSION_LIMIT = 1024 * 1024


class TooMuch(Exception):
    """The server sends more than a mail server does."""


class Wire:
    """Reads lines and literals from one stream."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self._buffer = bytearray()

    def line(self, deadline: Deadline) -> bytes:
        """The next line without its end."""
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            if len(self._buffer) > LINE_LIMIT:
                raise TooMuch
            searched = len(self._buffer)
            self._fill(deadline)
        if end > LINE_LIMIT:
            raise TooMuch
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line.removesuffix(b"\r")

    def exactly(self, count: int, deadline: Deadline) -> bytes:
        """So many bytes."""
        if count > SESSION_LIMIT:
            raise TooMuch
        while len(self._buffer) < count:
            self._fill(deadline)
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    @property
    def has_more(self) -> bool:
        """Whether the server has sent something beyond what was read."""
        return bool(self._buffer) or self.stream.has_early_bytes()

    def _fill(self, deadline: Deadline) -> None:
        if self.stream.received > SESSION_LIMIT:
            raise TooMuch
        self._buffer += self.stream.receive(deadline)
