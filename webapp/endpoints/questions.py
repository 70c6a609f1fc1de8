"""Reading a request: its parameters, its body, what the host's own proxies say about it.

Whatever arrives here was written by strangers, so nothing in this module raises over it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

BODY_LIMIT = 16 * 1024
_FIELD_LIMIT = 32
_CACHED_PEERS = 1024

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def decoded(text: str) -> str:
    """Return a value of the environment as the text it stands for: percent signs undone, bytes read as UTF-8."""
    if text.isascii() and "%" not in text:
        return text
    return unquote_to_bytes(_raw(text)).decode("utf-8", "replace")


def as_text(text: str) -> str:
    """Read the bytes behind a value of the environment as UTF-8 (a Host header may hold a raw IDN)."""
    return text if text.isascii() else _raw(text).decode("utf-8", "replace")


def parameters(query: str) -> dict[str, str]:
    """The parameters by lower-case name, first value first. `+` stays: it is part of many addresses."""
    found: dict[str, str] = {}
    for pair in query.split("&", _FIELD_LIMIT):
        name, _, value = pair.partition("=")
        if value:
            found.setdefault(name.lower(), decoded(value))
    return found


def read_body(environ: WSGIEnvironment) -> bytes | None:
    """Return the body, or None when it is larger than any discovery request; more than the limit is never read."""
    length = environ.get("CONTENT_LENGTH") or ""
    if length.isascii() and length.isdigit():
        size = int(length) if len(length) < 20 else BODY_LIMIT + 1
    elif environ.get("wsgi.input_terminated") or environ.get("HTTP_TRANSFER_ENCODING"):
        size = BODY_LIMIT + 1  # chunked: the server ends the stream
    else:
        return b""
    if size > BODY_LIMIT and length:
        return None
    body = _read(environ, size)
    return None if len(body) > BODY_LIMIT else body


def _read(environ: WSGIEnvironment, size: int) -> bytes:
    parts: list[bytes] = []
    try:
        while size > 0 and (part := environ["wsgi.input"].read(size)):
            parts.append(part)
            size -= len(part)
    except Exception:  # noqa: BLE001 - each server has its own exceptions for a broken chunk or a lost client
        return b""
    return b"".join(parts)


def _raw(text: str) -> bytes:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")  # a server that decoded by itself, against PEP 3333


class Proxies:
    """Whose X-Forwarded headers are believed, and what they say."""

    def __init__(self, trusted: Iterable[Network]) -> None:
        self._trusted = tuple(trusted)
        self._peers: dict[str, bool] = {}

    def apply(self, environ: WSGIEnvironment) -> None:
        """Let a trusted proxy name the host, and remember its scheme; from anyone else both mean nothing."""
        host = environ.pop("HTTP_X_FORWARDED_HOST", "")
        scheme = environ.pop("HTTP_X_FORWARDED_PROTO", "")
        if not self._trusts(environ.get("REMOTE_ADDR") or ""):
            return
        if host:
            environ["HTTP_HOST"] = _last(host)
        environ["hagaki.plain_http"] = _last(scheme).lower() == "http"

    def _trusts(self, peer: str) -> bool:
        known = self._peers.get(peer)
        if known is None:
            if len(self._peers) >= _CACHED_PEERS:
                self._peers.clear()
            known = self._peers[peer] = self._is_trusted(peer)
        return known

    def _is_trusted(self, peer: str) -> bool:
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return any(address in network for network in self._trusted)


def _last(values: str) -> str:
    # The proxy next to us writes last; what stands before it may come from the client.
    return values.rpartition(",")[2].strip()
