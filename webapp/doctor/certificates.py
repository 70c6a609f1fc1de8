"""What the TLS servers of a domain show, and until when it is good. A mail server gets no word but STARTTLS."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from profiles.model import Protocol, SocketType
from profiles.problems import Code, Problem, ProblemError
from webapp.outbound import Deadline, Outbound, Stream, StreamClosed, StreamTimeout
from webapp.outbound.trust import looking_context
from webapp.probes.certificates import EXPIRES_SOON_DAYS, faults
from webapp.probes.tls import code_of, days_left, shown_chain

T = TypeVar("T")

_WORKERS = 8
_REPLY_LIMIT = 8 * 1024
_HTTPS = 443
# What comes before TLS: the words to say, and how the line begins that lets us go on.
_STARTTLS: dict[Protocol, tuple[tuple[bytes, bytes], ...]] = {
    Protocol.IMAP: ((b"", b"* OK"), (b"a STARTTLS\r\n", b"a OK")),
    Protocol.POP3: ((b"", b"+OK"), (b"STLS\r\n", b"+OK")),
    Protocol.SMTP: ((b"", b"220 "), (b"EHLO hagaki.invalid\r\n", b"250 "), (b"STARTTLS\r\n", b"220 ")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where TLS is to be looked at. `protocol` None is a web server."""

    host: str
    port: int = _HTTPS
    protocol: Protocol | None = None
    socket_type: SocketType = SocketType.SSL

    @property
    def server(self) -> str:
        """`host:port`, as problems name it."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What a TLS server shows; `problem` where it cannot be trusted, `silence` where nobody answered."""

    server: str
    not_after: str = ""
    """ISO date."""
    days_left: int | None = None
    issuer: str = ""
    problem: Problem | None = None
    silence: Code | None = None

    @property
    def ok(self) -> bool | None:
        """None where there was nothing to see."""
        if self.silence is not None:
            return None
        return self.problem is None or not self.problem.is_error


def look_at(doors: Iterable[Door], outbound: Outbound, *, seconds: float) -> tuple[Certificate, ...]:
    """Shake hands with every server once, side by side."""
    with ThreadPoolExecutor(max_workers=_WORKERS) as pool:
        return tuple(pool.map(lambda door: _look(door, outbound, seconds), dict.fromkeys(doors)))


def _look(door: Door, outbound: Outbound, seconds: float) -> Certificate:
    try:
        return _shake_hands(
            door, outbound, outbound.context(), Deadline(seconds), read=lambda s: _described(door, s)
        )
    except ProblemError as error:
        return Certificate(server=door.server, silence=error.problems[0].code)
    except (StreamClosed, StreamTimeout):
        return Certificate(server=door.server, silence=Code.CLOSED_EARLY)
    except ssl.SSLCertVerificationError as error:
        return _untrusted(door, outbound, error, Deadline(seconds))
    except ssl.SSLError as error:
        problem = Problem(code_of(error), {"server": door.server, "host": door.host}, server=door.server)
        return Certificate(server=door.server, problem=problem)


def _shake_hands(
    door: Door,
    outbound: Outbound,
    context: ssl.SSLContext,
    deadline: Deadline,
    *,
    read: Callable[[ssl.SSLSocket], T],
) -> T:
    is_web = door.protocol is None
    target = (outbound.https_target if is_web else outbound.target)(door.host, door.port, deadline)
    with outbound.connect(target, deadline) as stream:
        if door.protocol is not None and door.socket_type is SocketType.STARTTLS:
            _ask_for_tls(stream, door.protocol, deadline)
        stream.start_tls(context, door.host, deadline)
        assert stream.tls is not None
        return read(stream.tls)


def _ask_for_tls(stream: Stream, protocol: Protocol, deadline: Deadline) -> None:
    for words, wanted in _STARTTLS[protocol]:
        if words:
            stream.send(words, deadline)
        heard = b""
        while not any(line.startswith(wanted) for line in heard.splitlines(keepends=True) if line.endswith(b"\n")):
            if len(heard) > _REPLY_LIMIT:
                raise StreamClosed
            heard += stream.receive(deadline)


def _described(door: Door, sock: ssl.SSLSocket) -> Certificate:
    shown: Mapping[str, Any] = sock.getpeercert() or {}
    ends = time.gmtime(ssl.cert_time_to_seconds(str(shown["notAfter"])))
    parts = {key: value for rdn in shown.get("issuer", ()) for key, value in rdn}
    issuer = str(parts.get("commonName") or parts.get("organizationName") or "")
    not_after, left = time.strftime("%Y-%m-%d", ends), days_left(sock)
    problem = None
    if left is not None and left <= EXPIRES_SOON_DAYS:
        params = {"server": door.server, "host": door.host, "days": str(left), "not_after": not_after}
        problem = Problem(Code.CERT_EXPIRES_SOON, params, server=door.server)
    return Certificate(server=door.server, not_after=not_after, days_left=left, issuer=issuer, problem=problem)


def _untrusted(
    door: Door, outbound: Outbound, refused: ssl.SSLCertVerificationError, deadline: Deadline
) -> Certificate:
    """Look once more without verifying, only to say what is wrong with it; nothing is sent over this one."""
    try:
        chain = _shake_hands(door, outbound, looking_context(), deadline, read=shown_chain)
    except (ProblemError, StreamClosed, StreamTimeout, ssl.SSLError):
        chain = ()
    fault = faults(chain, door.host, refused.verify_code, refused.verify_message, datetime.now(UTC))[0]
    params = {"server": door.server, "host": door.host} | fault.params
    return Certificate(
        server=door.server,
        not_after=params.get("not_after", ""),
        issuer=params.get("issuer", ""),
        problem=Problem(fault.code, params, server=door.server),
    )
