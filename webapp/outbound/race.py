"""Happy eyeballs: the first of several addresses that answers, each started a moment after the one before."""

from __future__ import annotations

import errno
import selectors
import socket
import time
from collections.abc import Sequence
from itertools import chain, zip_longest

from profiles.problems import Code
from webapp.outbound.deadline import Deadline

STAGGER = 0.25

_CODES = {
    errno.ECONNREFUSED: Code.CONNECT_REFUSED,
    errno.ECONNRESET: Code.CONNECT_RESET,
    errno.ECONNABORTED: Code.CONNECT_RESET,
    errno.ETIMEDOUT: Code.CONNECT_TIMEOUT,
}
# What tells most about the server comes first.
_TELLING = (Code.CONNECT_RESET, Code.CONNECT_REFUSED, Code.CONNECT_TIMEOUT, Code.CONNECT_UNREACHABLE)


class NotConnected(Exception):
    """No address answered."""

    def __init__(self, code: Code) -> None:
        self.code = code
        super().__init__(code)


def connect_first(
    addresses: Sequence[str], port: int, deadline: Deadline, stagger: float = STAGGER
) -> socket.socket:
    """Return a non-blocking connected socket to one of `addresses`, tried in turn, families mixed."""
    with selectors.DefaultSelector() as selector:
        race = _Race(_interleaved(addresses), port, selector)
        try:
            return race.run(deadline, stagger)
        finally:
            race.close_losers()


class _Race:
    def __init__(self, addresses: list[str], port: int, selector: selectors.BaseSelector) -> None:
        self._waiting = addresses
        self._port = port
        self._selector = selector
        self._started: list[socket.socket] = []
        self._codes: set[Code] = set()
        self._winner: socket.socket | None = None

    def run(self, deadline: Deadline, stagger: float) -> socket.socket:
        next_start = time.monotonic()
        while not deadline.is_over:
            running = self._selector.get_map()
            if self._waiting and (time.monotonic() >= next_start or not running):
                self._start(self._waiting.pop(0))
                next_start = time.monotonic() + stagger
            elif not running:
                break
            pause = min(deadline.remaining, max(0.0, next_start - time.monotonic()) if self._waiting else 60.0)
            for key, _ in self._selector.select(pause):
                sock = key.fileobj
                assert isinstance(sock, socket.socket)
                if self._has_won(sock):
                    self._winner = sock
                    return sock
        raise NotConnected(self._verdict())

    def close_losers(self) -> None:
        for sock in self._started:
            if sock is not self._winner:
                sock.close()

    def _start(self, address: str) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            sock = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            self._codes.add(_code_of(error.errno))
            return
        self._started.append(sock)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A loopback connection may fail at once; it then shows as writable with its error.
        failed = sock.connect_ex((address, self._port))
        if failed in (0, errno.EINPROGRESS):
            self._selector.register(sock, selectors.EVENT_WRITE)
        else:
            self._codes.add(_code_of(failed))

    def _has_won(self, sock: socket.socket) -> bool:
        self._selector.unregister(sock)
        failed = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failed:
            self._codes.add(_code_of(failed))
        return not failed

    def _verdict(self) -> Code:
        unfinished = bool(self._selector.get_map()) or bool(self._waiting)
        codes = self._codes | ({Code.CONNECT_TIMEOUT} if unfinished else set())
        return next((code for code in _TELLING if code in codes), Code.CONNECT_UNREACHABLE)


def _code_of(number: int | None) -> Code:
    return _CODES.get(number or 0, Code.CONNECT_UNREACHABLE)


def _interleaved(addresses: Sequence[str]) -> list[str]:
    six = [address for address in addresses if ":" in address]
    four = [address for address in addresses if ":" not in address]
    pairs = zip_longest(six, four)
    return [address for address in chain.from_iterable(pairs) if address is not None]
