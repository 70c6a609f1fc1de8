"""What the access log may hold: one line per request, never a token, an address or a query string.

Links carry their token in the path, some discovery clients carry a mail address there, and nearly all of them in
the query. So a path is logged only as far as it consists of words that we know to be harmless.
"""

from __future__ import annotations

import ipaddress
import os
import re
import select

from webapp.setting_values import LANGUAGES

HIDDEN = "*"
_LINKS = frozenset({"c", "d", "h", "s"})
"""First segments of links: everything behind them is the link's secret."""
_WORD = re.compile(r"[A-Za-z0-9.][A-Za-z0-9._-]{0,39}\Z")
_LOOKS_RANDOM = re.compile(r"[A-Za-z0-9_-]{20,}\Z")
_KNOWN_LONG = frozenset({"Microsoft-Server-ActiveSync"})


def loggable_path(path: str) -> str:
    """Return `path` with everything hidden that could be secret or personal."""
    segments = path.partition("?")[0].removeprefix("/").split("/")
    first = segments[1:2] if segments[0] in LANGUAGES else segments[:1]
    if first and first[0] in _LINKS:
        kept = segments[: segments.index(first[0]) + 1]
        return "/" + "/".join([*kept, HIDDEN])
    return "/" + "/".join(segment if _is_harmless(segment) else HIDDEN for segment in segments)


def _is_harmless(segment: str) -> bool:
    if not segment or segment in _KNOWN_LONG:
        return True
    return bool(_WORD.match(segment)) and not _LOOKS_RANDOM.match(segment)


def loggable_client(address: str) -> str:
    """Return the network of a client: /24 of IPv4, /48 of IPv6."""
    try:
        client = ipaddress.ip_address(address)
    except ValueError:
        return "-"
    if isinstance(client, ipaddress.IPv6Address) and client.ipv4_mapped:
        client = client.ipv4_mapped
    width = 24 if client.version == 4 else 48
    return str(ipaddress.ip_network((client, width), strict=False))


def line(*, method: str, path: str, status: str, size: str, milliseconds: int, client: str) -> str:
    """Return the log line of one request."""
    known = method if method.isascii() and method.isalpha() and len(method) <= 16 else HIDDEN
    return (
        f"event=request method={known} path={loggable_path(path)} status={status} bytes={size} "
        f"ms={milliseconds} client={loggable_client(client)}"
    )


def where(error: BaseException) -> str:
    """Where a bug of ours happened: files, lines and functions. Its message may hold a password."""
    frames = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append(f"{code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}({code.co_name})")
        trace = trace.tb_next
    return "<".join(reversed(frames[-8:]))


def write(entry: bytes, descriptor: int) -> bool:
    """Write one line; drop it where the reader of the log has stopped reading, which must not stop the service.

    A pipe that select calls writable takes PIPE_BUF (4096) bytes at once, more than a line.
    """
    try:
        writable = select.select([], [descriptor], [], 0)[1]
        return bool(writable) and os.write(descriptor, entry) > 0
    except OSError:
        return False  # closed, or its reader is gone
