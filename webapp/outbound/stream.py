"""A connection that keeps its deadlines: bytes in, bytes out, TLS. A dripping server cannot stretch them."""

from __future__ import annotations

import select
import socket
import ssl
from types import TracebackType
from typing import Self

from webapp.outbound.deadline import Deadline

CHUNK = 65536
_QUICKACK = getattr(socket, "TCP_QUICKACK", None)


class StreamTimeout(Exception):
    """The deadline passed; `heard` tells whether the server had sent anything in this step."""

    def __init__(self, *, heard: bool) -> None:
        self.heard = heard
        super().__init__("deadline passed")


class StreamClosed(Exception):
    """The server closed the connection (or reset it)."""

    def __init__(self, *, reset: bool = False) -> None:
        self.reset = reset
        super().__init__("reset" if reset else "closed")


class Stream:
    """One non-blocking socket. `ssl.SSLError` passes through; it becomes a code where the cause is known."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        sock.setblocking(False)
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        self._heard = False
        self.received = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def tls(self) -> ssl.SSLSocket | None:
        """The TLS socket, once TLS has begun."""
        return self._sock if isinstance(self._sock, ssl.SSLSocket) else None

    @property
    def peer(self) -> str:
        """The address we are connected to."""
        try:
            return str(self._sock.getpeername()[0])
        except OSError:
            return ""

    def listen_anew(self) -> None:
        """Forget what was heard: a new step begins."""
        self._heard = False

    def receive(self, deadline: Deadline) -> bytes:
        """Return the next bytes; never an empty value."""
        while True:
            try:
                self._acknowledge_at_once()
                data = self._sock.recv(CHUNK)
            except OSError as error:
                self._recover(error, select.POLLIN, deadline)
                continue
            if not data:
                raise StreamClosed
            self._heard = True
            self.received += len(data)
            return data

    def send(self, data: bytes, deadline: Deadline) -> None:
        """Send everything."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._sock.send(rest) :]
            except OSError as error:
                self._recover(error, select.POLLOUT, deadline)

    def has_early_bytes(self) -> bool:
        """Whether the server has sent something that nobody asked for (before TLS begins)."""
        try:
            return bool(self._sock.recv(1, socket.MSG_PEEK))
        except (BlockingIOError, OSError):
            return False

    def start_tls(self, context: ssl.SSLContext, host: str, deadline: Deadline) -> None:
        """Begin TLS; `host` is always sent and, with a verifying context, always checked."""
        self.listen_anew()
        try:
            # Wrapping moves the descriptor into the new object, so the poll object stays right.
            wrapped = context.wrap_socket(self._sock, server_hostname=host, do_handshake_on_connect=False)
        except OSError as error:
            raise StreamClosed(reset=True) from error
        self._sock = wrapped
        while True:
            try:
                self._acknowledge_at_once()
                wrapped.do_handshake()
            except OSError as error:
                self._recover(error, select.POLLIN, deadline)
                self._heard = True
            else:
                return

    def close(self) -> None:
        """Close without waiting for anybody."""
        self._sock.close()

    def _recover(self, error: OSError, event: int, deadline: Deadline) -> None:
        """Wait for what the socket wants, or say how it ended; other TLS errors pass through."""
        if isinstance(error, BlockingIOError):
            self._wait(event, deadline)
        elif isinstance(error, ssl.SSLWantReadError):
            self._wait(select.POLLIN, deadline)
        elif isinstance(error, ssl.SSLWantWriteError):
            self._wait(select.POLLOUT, deadline)
        elif isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            raise error
        else:
            raise StreamClosed(reset=isinstance(error, ConnectionResetError)) from None

    def _wait(self, event: int, deadline: Deadline) -> None:
        self._poll.modify(self._sock, event)
        if deadline.is_over or not self._poll.poll(deadline.milliseconds):
            raise StreamTimeout(heard=self._heard)

    def _acknowledge_at_once(self) -> None:
        """Servers without TCP_NODELAY stall 40 ms for a delayed ACK (Postfix after TLS 1.3 tickets)."""
        if _QUICKACK is not None:
            try:
                self._sock.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
            except OSError:
                return
