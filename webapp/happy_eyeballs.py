"""Connects to the first of several addresses that answers, without waiting for a dead one (RFC 8305)."""

from __future__ import annotations

import errno
import os
import selectors
import socket
import time
from collections.abc import Sequence

STAGGER_SECONDS = 0.25


def connect_first(addresses: Sequence[tuple[str, int]], *, seconds: float) -> socket.socket:
    """Return a blocking socket connected to one of `addresses`; a new one is tried every quarter of a second.

    Raises TimeoutError, or the error that tells most when every address failed (refused before unreachable).
    """
    ends = time.monotonic() + seconds
    waiting = list(addresses)
    errors: list[OSError] = []
    with selectors.DefaultSelector() as selector:
        try:
            while waiting or selector.get_map():
                if waiting:
                    _start(waiting.pop(0), selector, errors)
                sock = _first_ready(selector, errors, ends, hurry=bool(waiting))
                if sock is not None:
                    selector.unregister(sock)
                    sock.setblocking(True)
                    return sock
        finally:
            for key in list(selector.get_map().values()):
                selector.unregister(key.fileobj)
                key.data.close()
    raise _most_telling(errors)


def _start(address: tuple[str, int], selector: selectors.BaseSelector, errors: list[OSError]) -> None:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    try:
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        errors.append(error)
        return
    sock.setblocking(False)
    number = sock.connect_ex(address)
    if number in (0, errno.EINPROGRESS):
        selector.register(sock, selectors.EVENT_WRITE, sock)
    else:
        sock.close()
        errors.append(OSError(number, os.strerror(number)))


def _first_ready(
    selector: selectors.BaseSelector, errors: list[OSError], ends: float, *, hurry: bool
) -> socket.socket | None:
    """Wait for one socket; None when the next address is due or one has failed."""
    if not selector.get_map():
        return None
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError
    for key, _ in selector.select(min(left, STAGGER_SECONDS) if hurry else left):
        sock: socket.socket = key.data
        number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number == 0:
            return sock
        selector.unregister(sock)
        sock.close()
        errors.append(OSError(number, os.strerror(number)))
    return None


def _most_telling(errors: list[OSError]) -> OSError:
    order = (ConnectionRefusedError, ConnectionResetError, TimeoutError)
    for kind in order:
        for error in errors:
            if isinstance(error, kind):
                return error
    return errors[0] if errors else OSError(errno.EADDRNOTAVAIL, "no address")
