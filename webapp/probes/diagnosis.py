"""Second looks at a server that failed: more connections, never with credentials, that find the cause.

A first look says "TLS failed"; these say that the port wants STARTTLS, which faults the certificate has, that the
server is too old, or that another port would answer.
"""

from __future__ import annotations

import ssl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

from profiles.model import DEFAULT_PORTS, Protocol, Server, SocketType, TlsPolicy
from profiles.problems import Code, ProblemError
from webapp.outbound import Deadline, Outbound, Stream, StreamClosed, StreamTimeout, Target
from webapp.outbound.trust import looking_context, oldest_context
from webapp.probes import tls
from webapp.probes.certificates import Fault, faults, subject_names
from webapp.probes.dialogue import Failure, Remark
from webapp.probes.greetings import recognise
from webapp.probes.wire import TooMuch, Wire

NETWORK_ERRORS = (ProblemError, StreamTimeout, StreamClosed, TooMuch, ssl.SSLError)
PROPOSED_NAMES = 5

# STARTTLS on a connection that is looked at; no answer is read as a word for people
_STARTTLS = {
    Protocol.IMAP: (b"a1 STARTTLS\r\n", b"a1 OK"),
    Protocol.POP3: (b"STLS\r\n", b"+OK"),
    Protocol.SMTP: (b"EHLO [127.0.0.1]\r\nSTARTTLS\r\n", b"220"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Looker:
    """Looks at one server again."""

    outbound: Outbound
    target: Target
    server: Server
    policy: TlsPolicy

    # plain text and TLS mixed up

    def after_plain_text(self, deadline: Deadline) -> Failure:
        """TLS was begun and clear text came back: read the greeting in clear."""
        line = self._greeting_in_clear(deadline)
        protocol = None if line is None else recognise(line)
        if protocol is self.server.protocol:
            suggested = {"suggested_port": str(self.server.port), "suggested_security": SocketType.STARTTLS.value}
            return Failure(Code.PORT_SPEAKS_STARTTLS, params=suggested)
        if protocol is not None:
            spoken = {"asked": self.server.protocol.upper(), "spoken": protocol.upper()}
            return Failure(Code.WRONG_PROTOCOL, params=spoken)
        return Failure(Code.NOT_A_MAIL_SERVER)

    def after_early_end(self, end: StreamClosed, deadline: Deadline) -> Failure:
        """TLS was begun and the server hung up: perhaps it expected clear text.

        A server that closes without reading our first bytes looks like one that resets; where nothing is sent,
        as here, the two differ.
        """
        try:
            with self._connected(deadline) as stream:
                line = Wire(stream).line(deadline)
        except StreamClosed as second:
            return Failure(Code.CONNECT_RESET if second.reset else Code.CLOSED_EARLY)
        except NETWORK_ERRORS:
            return Failure(Code.CONNECT_RESET if end.reset else Code.CLOSED_EARLY)
        return self.after_plain_text(deadline) if recognise(line) else Failure(Code.CLOSED_EARLY)

    def speaks_tls(self, deadline: Deadline) -> bool:
        """Whether a silent port answers a TLS handshake."""
        try:
            with self._connected(deadline) as stream:
                stream.start_tls(oldest_context(), self.server.hostname, deadline)
                return True
        except ssl.SSLError as error:
            return not tls.is_plain_text(error)
        except NETWORK_ERRORS:
            return False

    def wants_client_certificate(self, deadline: Deadline) -> bool:
        """Whether the server asks for a certificate of ours (in TLS 1.3 the refusal comes after the handshake)."""
        asked = False

        def notice(*event: object) -> None:
            nonlocal asked
            asked = asked or getattr(event[4], "name", "") == "CERTIFICATE_REQUEST"

        context = looking_context(self.policy)
        # The only way in Python to see the request; absent in other implementations, then the answer is no.
        if not hasattr(context, "_msg_callback"):
            return False
        context._msg_callback = notice
        try:
            with self._after_clear_part(deadline) as stream:
                stream.start_tls(context, self.server.hostname, deadline)
        except NETWORK_ERRORS:
            pass
        return asked

    # TLS itself

    def after_tls_error(self, error: ssl.SSLError, deadline: Deadline) -> Failure:
        """Which TLS error it was."""
        code = tls.code_of(error)
        if code is Code.TLS_FAILED and self._speaks_old_tls(deadline):
            code = Code.TLS_TOO_OLD
        elif code is Code.TLS_FAILED and self.wants_client_certificate(deadline):
            code = Code.TLS_CLIENT_CERT
        return Failure(code, params={"reason": (error.reason or "").replace("_", " ").lower()})

    def after_certificate_error(self, error: ssl.SSLCertVerificationError, deadline: Deadline) -> Failure:
        """All faults of the certificate, the name to use instead where there is one."""
        chain = self._chain(deadline)
        host = self.server.hostname
        first, *others = faults(chain, host, error.verify_code, error.verify_message, datetime.now(UTC))
        proposal = self._proposed_name(chain, deadline) if _has_wrong_name((first, *others)) else {}
        also = tuple(Remark(code=other.code, params=other.params | proposal, fails=True) for other in others)
        return Failure(first.code, params=first.params | proposal, also=also)

    def _speaks_old_tls(self, deadline: Deadline) -> bool:
        try:
            with self._after_clear_part(deadline) as stream:
                stream.start_tls(oldest_context(), self.server.hostname, deadline)
                sock = stream.tls
                return sock is not None and sock.version() in ("SSLv3", "TLSv1", "TLSv1.1")
        except NETWORK_ERRORS:
            return False

    def _chain(self, deadline: Deadline) -> tuple[bytes, ...]:
        try:
            with self._after_clear_part(deadline) as stream:
                stream.start_tls(looking_context(self.policy), self.server.hostname, deadline)
                sock = stream.tls
                return () if sock is None else tls.shown_chain(sock)
        except NETWORK_ERRORS:
            return ()

    def _proposed_name(self, chain: tuple[bytes, ...], deadline: Deadline) -> dict[str, str]:
        """A name of the certificate that leads to the same address (typical of shared hosting)."""
        from cryptography import x509

        if not chain:
            return {}
        names = subject_names(x509.load_der_x509_certificate(chain[0]))
        for name in [name for name in names if not name.startswith("*.")][:PROPOSED_NAMES]:
            try:
                found = self.outbound.addresses(name, deadline.within(1.0))
            except ProblemError:
                continue
            if set(found.addresses) & set(self.target.addresses):
                return {"suggested_host": name}
        return {}

    # connections

    def _connected(self, deadline: Deadline) -> Stream:
        return self.outbound.connect(self.target, deadline)

    def _greeting_in_clear(self, deadline: Deadline) -> bytes | None:
        try:
            with self._connected(deadline) as stream:
                return Wire(stream).line(deadline)
        except NETWORK_ERRORS:
            return None

    def _after_clear_part(self, deadline: Deadline) -> Stream:
        """A connection on which TLS is to begin now, STARTTLS said where it belongs."""
        stream = self._connected(deadline)
        if self.server.socket_type is SocketType.STARTTLS:
            try:
                begin_tls_in_clear(Wire(stream), self.server.protocol, deadline)
            except NETWORK_ERRORS:
                stream.close()
                raise
        return stream


def begin_tls_in_clear(wire: Wire, protocol: Protocol, deadline: Deadline) -> None:
    """Say STARTTLS on a connection that carries no credentials; raise StreamClosed where it is refused."""
    if recognise(wire.line(deadline)) is not protocol:
        raise StreamClosed
    command, agreed = _STARTTLS[protocol]
    for part in command.splitlines(keepends=True):
        wire.stream.send(part, deadline)
        line = wire.line(deadline)
        while line.startswith(b"* ") or line[3:4] == b"-":
            line = wire.line(deadline)
    if not line.upper().startswith(agreed.upper()):
        raise StreamClosed


def answers(server: Server, deadline: Deadline, *, outbound: Outbound) -> bool:
    """Whether a server greets in its protocol's way, with a good certificate. It is not signed in."""
    try:
        target = outbound.target(server.hostname, server.port, deadline)
    except ProblemError:
        return False
    return _answers(outbound, target, server, server.port, server.socket_type, deadline=deadline)


def suggest(outbound: Outbound, target: Target, server: Server, deadline: Deadline) -> dict[str, str]:
    """Whether the protocol's other usual port answers in its way, with a good certificate."""
    others = [
        (port, socket_type)
        for (protocol, socket_type), port in DEFAULT_PORTS.items()
        if protocol is server.protocol and (port, socket_type) != (server.port, server.socket_type)
    ]
    with ThreadPoolExecutor(len(others), thread_name_prefix="suggest") as pool:
        answered = list(
            pool.map(lambda other: _answers(outbound, target, server, *other, deadline=deadline), others)
        )
    for (port, socket_type), good in zip(others, answered, strict=True):
        if good:
            return {"suggested_port": str(port), "suggested_security": socket_type.value}
    return {}


def _answers(
    outbound: Outbound, target: Target, server: Server, port: int, socket_type: SocketType, *, deadline: Deadline
) -> bool:
    try:
        with outbound.connect(outbound.other_port(target, port), deadline) as stream:
            wire = Wire(stream)
            if socket_type is SocketType.STARTTLS:
                begin_tls_in_clear(wire, server.protocol, deadline)
            stream.start_tls(outbound.context(), server.hostname, deadline)
            return socket_type is SocketType.STARTTLS or recognise(wire.line(deadline)) is server.protocol
    except NETWORK_ERRORS:
        return False


def _has_wrong_name(found: tuple[Fault, ...]) -> bool:
    return any(fault.code is Code.CERT_WRONG_NAME for fault in found)
