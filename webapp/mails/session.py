"""One connection to an SMTP server: commands and replies with deadlines, TLS, one log-in.

It knows exactly when the last dot of a mail left, which no library tells: before it nothing was handed over,
after it a lost connection means that nobody knows.
"""

from __future__ import annotations

import base64
import re
import ssl
from dataclasses import dataclass

from profiles.problems import N_, Code, Problem, ProblemError, quoted
from webapp.mails.relay import Relay, Security
from webapp.outbound import Deadline, Outbound, Stream, StreamClosed, StreamTimeout

_LINE = re.compile(rb"(\d{3})([ -]?)(.*)", re.DOTALL)
_MOST_LINE = 4096
_MOST_LINES = 100
_SHOWN = 200
_REPLY_SECONDS = 60.0
_UNREACHED = {
    Code.CONNECT_REFUSED: N_("nobody answers on this port"),
    Code.CONNECT_TIMEOUT: N_("it did not answer in time"),
    Code.DNS_NXDOMAIN: N_("its name does not exist"),
    Code.DNS_NO_ADDRESS: N_("its name has no address"),
}
_EXPIRED, _NAMES = (10,), (62, 64)
"""OpenSSL's X509_V_ERR_…"""


class Ended(Exception):
    """The connection was lost, or the server did not answer in time; `reason` is a marked text."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unusable(Exception):
    """Nothing can be handed to this server now."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server said."""

    status: str
    lines: tuple[str, ...]

    @property
    def kind(self) -> str:
        """2 yes, 3 go on, 4 later, 5 no."""
        return self.status[0]

    @property
    def is_leaving(self) -> bool:
        """The server closes the connection, for reasons of its own."""
        return self.status == "421"

    @property
    def shown(self) -> str:
        """As it is quoted."""
        return quoted(f"{self.status} {' '.join(self.lines)}".strip(), _SHOWN)


class Session:
    """One connection. `own_name` is how we introduce ourselves."""

    def __init__(self, stream: Stream, *, own_name: str) -> None:
        self._stream = stream
        self._own_name = own_name
        self._buffer = b""
        self.extensions: dict[str, str] = {}

    def greet(self, deadline: Deadline) -> Reply:
        """The greeting, then EHLO."""
        reply = self._reply(deadline)
        return self.introduce(deadline) if reply.kind == "2" else reply

    def introduce(self, deadline: Deadline) -> Reply:
        """EHLO; what the server can do is in `extensions`."""
        reply = self.ask(f"EHLO {self._own_name}", deadline)
        words = (line.replace("AUTH=", "AUTH ", 1).partition(" ") for line in reply.lines[1:])
        self.extensions = {name.upper(): rest.upper() for name, _, rest in words}
        return reply

    def ask(self, command: str, deadline: Deadline) -> Reply:
        """Send a line and read the reply."""
        if "\r" in command or "\n" in command:
            raise ValueError("line end in a command")
        self.send(command.encode("ascii") + b"\r\n", deadline)
        return self._reply(deadline.within(_REPLY_SECONDS))

    def answer(self, deadline: Deadline) -> Reply:
        """Read the reply to what was sent with `send`."""
        return self._reply(deadline)

    def send(self, data: bytes, deadline: Deadline) -> None:
        """Send bytes."""
        try:
            self._stream.send(data, deadline)
        except (StreamClosed, StreamTimeout, ssl.SSLError) as error:
            raise _ended(error) from None

    def start_tls(self, context: ssl.SSLContext, host: str, deadline: Deadline) -> None:
        """Begin verified TLS; `ssl.SSLError` passes through."""
        if self._buffer or self._stream.has_early_bytes():
            # Said before TLS by somebody on the way, to be taken for the server's words after it.
            raise Ended(N_("it sent something before TLS began"))
        try:
            self._stream.start_tls(context, host, deadline)
        except (StreamClosed, StreamTimeout) as error:
            raise _ended(error) from None

    def close(self) -> None:
        """Leave without waiting for a word."""
        self._stream.close()

    def _reply(self, deadline: Deadline) -> Reply:
        lines: list[str] = []
        while len(lines) < _MOST_LINES:
            found = _LINE.match(self._line(deadline))
            if found is None:
                break
            lines.append(found[3].decode("utf-8", "replace").strip())
            if found[2] != b"-":
                return Reply(found[1].decode(), tuple(lines))
        raise Ended(N_("it does not speak SMTP"))

    def _line(self, deadline: Deadline) -> bytes:
        while b"\n" not in self._buffer:
            if len(self._buffer) > _MOST_LINE:
                raise Ended(N_("it does not speak SMTP"))
            try:
                self._buffer += self._stream.receive(deadline)
            except (StreamClosed, StreamTimeout, ssl.SSLError) as error:
                raise _ended(error) from None
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.rstrip(b"\r")


def open_session(relay: Relay, outbound: Outbound, deadline: Deadline, *, own_name: str) -> Session:
    """Connect, begin TLS, log in; raises Unusable with why it cannot be."""
    try:
        stream = outbound.connect(outbound.target(relay.host, relay.port, deadline), deadline)
    except ProblemError as error:
        raise unusable(relay, _UNREACHED.get(error.problems[0].code, N_("it cannot be reached"))) from None
    session = Session(stream, own_name=own_name)
    try:
        _begin(session, relay, outbound, deadline)
    except Ended as error:
        session.close()
        raise unusable(relay, error.reason) from None
    except ssl.SSLError as error:
        session.close()
        raise unusable(relay, _tls_reason(error)) from None
    except BaseException:
        session.close()
        raise
    return session


def unusable(relay: Relay, reason: str, said: str | None = None) -> Unusable:
    """Why nothing can be handed over now."""
    params = {"reason": reason}
    return Unusable(Problem(Code.MAIL_RELAY_UNUSABLE, params, server=relay.endpoint, server_text=said))


def _begin(session: Session, relay: Relay, outbound: Outbound, deadline: Deadline) -> None:
    if relay.security is Security.TLS:
        session.start_tls(outbound.context(), relay.host, deadline)
    _demand(session.greet(deadline), "2", relay)
    if relay.security is not Security.TLS and _wants_starttls(session, relay):
        _demand(session.ask("STARTTLS", deadline), "2", relay)
        session.start_tls(outbound.context(), relay.host, deadline)
        _demand(session.introduce(deadline), "2", relay)
    if relay.username:
        _log_in(session, relay, deadline)


def _wants_starttls(session: Session, relay: Relay) -> bool:
    """Whether TLS begins now; raises where it must and cannot. A password never goes without it."""
    if relay.security is Security.OFFERED and not relay.username:
        return "STARTTLS" in session.extensions and not relay.is_local
    if "STARTTLS" not in session.extensions:
        raise unusable(relay, N_("it does not offer STARTTLS"))
    return True


def _log_in(session: Session, relay: Relay, deadline: Deadline) -> None:
    """One attempt: who tries again and again is locked out."""
    name, password = relay.username.encode(), relay.password.encode()
    offered = session.extensions.get("AUTH", "").split()
    if "PLAIN" in offered:
        initial = _base64(b"\0".join((b"", name, password)))
        reply = session.ask(f"AUTH PLAIN {initial}", deadline)
    elif "LOGIN" in offered:
        reply = session.ask("AUTH LOGIN", deadline)
        for answer in (name, password):
            if reply.kind == "3":
                reply = session.ask(_base64(answer), deadline)
    else:
        raise unusable(relay, N_("it offers no log-in that Hagaki knows"))
    if reply.kind == "4":
        raise unusable(relay, N_("it asks to try again later"), reply.shown)
    if reply.kind != "2":
        raise Unusable(Problem(Code.MAIL_LOGIN_REFUSED, server=relay.endpoint, server_text=reply.shown))


def _demand(reply: Reply, kind: str, relay: Relay) -> None:
    if reply.kind != kind:
        later = reply.kind == "4"
        reason = N_("it asks to try again later") if later else N_("it turns us away")
        raise unusable(relay, reason, reply.shown)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _ended(error: Exception) -> Ended:
    if isinstance(error, StreamTimeout):
        return Ended(N_("it did not answer in time"))
    return Ended(N_("it closed the connection"))


def _tls_reason(error: ssl.SSLError) -> str:
    if not isinstance(error, ssl.SSLCertVerificationError):
        return N_("TLS did not come about")
    if error.verify_code in _NAMES:
        return N_("its certificate is made out to another name")
    if error.verify_code in _EXPIRED:
        return N_("its certificate has expired")
    return N_("its certificate is not trusted")
