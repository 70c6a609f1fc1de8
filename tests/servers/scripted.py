"""Servers that do what real ones will not do for a test: scripted dialogues with faults, on loopback.

A conversation is a function that is given one `Connection`. Everything a client sends is recorded, apart for the
time before and after TLS, so a test can prove that no password came early and how many log-ins were tried.
"""

from __future__ import annotations

import base64
import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.servers.authority import CertificateFiles
from tests.servers.processes import free_ports

IDLE_SECONDS = 30.0
LINE_LIMIT = 1 << 16
LOGIN_COMMAND = re.compile(rb"(?im)^(?:\S+ (?:LOGIN |AUTHENTICATE )|AUTH |PASS |APOP )")


class Gone(Exception):
    """The client closed the connection."""


@dataclass(slots=True)
class Record:
    """What one connection received."""

    clear: bytearray = field(default_factory=bytearray)
    inside: bytearray = field(default_factory=bytearray)
    """After TLS had begun."""
    secrets: list[bytes] = field(default_factory=list)
    """SASL answers and LOGIN arguments, decoded."""
    closed_by_client: bool = False


class Connection:
    """One client, seen from the server."""

    def __init__(self, sock: socket.socket, record: Record, stop: threading.Event) -> None:
        self._sock = sock
        self._buffer = b""
        self._inside = isinstance(sock, ssl.SSLSocket)
        self.record = record
        self.stop = stop

    def send(self, data: bytes) -> None:
        """Send raw bytes."""
        try:
            self._sock.sendall(data)
        except (OSError, ValueError) as error:
            raise Gone from error

    def say(self, *lines: str | bytes) -> None:
        """Send lines in one write."""
        encoded = (line.encode() if isinstance(line, str) else line for line in lines)
        self.send(b"".join(line + b"\r\n" for line in encoded))

    def line(self) -> bytes:
        """Read one line without its end."""
        while b"\n" not in self._buffer and len(self._buffer) < LINE_LIMIT:
            self._receive()
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.rstrip(b"\r")

    def bytes(self, count: int) -> bytes:
        """Read an IMAP literal."""
        while len(self._buffer) < count:
            self._receive()
        data, self._buffer = self._buffer[:count], self._buffer[count:]
        return data

    def _receive(self) -> None:
        try:
            data = self._sock.recv(65536)
        except (OSError, ValueError) as error:
            raise Gone from error
        if not data:
            self.record.closed_by_client = True
            raise Gone
        (self.record.inside if self._inside else self.record.clear).extend(data)
        self._buffer += data

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Begin TLS as the server."""
        try:
            self._sock = context.wrap_socket(self._sock, server_side=True)
        except (OSError, ValueError) as error:
            raise Gone from error
        self._inside = True

    def silence(self) -> None:
        """Say nothing until the client goes away."""
        while True:
            self._receive()
            self._buffer = b""

    def drip(self, data: bytes, seconds: float = 0.5) -> None:
        """Send one byte per `seconds`, then silence."""
        for index in range(len(data)):
            self.send(data[index : index + 1])
            self.pause(seconds)
        self.silence()

    def pause(self, seconds: float) -> None:
        """Let time pass; the end of the test ends it at once."""
        if self.stop.wait(seconds):
            raise Gone

    def half_close(self) -> None:
        """Close the sending side only."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Close with RST."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.close()
        raise Gone

    def close(self) -> None:
        """Close at once."""
        with contextlib.suppress(OSError):
            self._sock.close()


Conversation = Callable[[Connection], None]


class ScriptedServer:
    """Runs one conversation per connection, each in its thread. `tls` makes it TLS from the first byte."""

    def __init__(
        self,
        conversation: Conversation,
        *,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.conversation = conversation
        self.records: list[Record] = []
        self.errors: list[BaseException] = []
        self._tls = tls
        self._stop = threading.Event()
        self._listener = socket.create_server((host, port), backlog=1000)
        self.host = host
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    @property
    def clear(self) -> bytes:
        """All that clients sent outside TLS."""
        return b"".join(bytes(record.clear) for record in self.records)

    @property
    def inside(self) -> bytes:
        """All that clients sent inside TLS."""
        return b"".join(bytes(record.inside) for record in self.records)

    @property
    def logins(self) -> int:
        """How many log-in commands came, over all connections."""
        return len(LOGIN_COMMAND.findall(self.clear)) + len(LOGIN_COMMAND.findall(self.inside))

    @property
    def secrets(self) -> list[bytes]:
        """Everything that was sent as user name or password, decoded."""
        return [secret for record in self.records for secret in record.secrets]

    def __enter__(self) -> Self:
        self._acceptor = threading.Thread(target=self._accept, daemon=True, name="scripted-accept")
        self._acceptor.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join()
        with self._lock:
            still_open = list(self._open)
        for sock in still_open:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        if self.errors and error is None:
            raise self.errors[0]

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.settimeout(IDLE_SECONDS)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._serve, args=(sock,), daemon=True, name="scripted-serve")
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        record = Record()
        with self._lock:
            self.records.append(record)
            # TLS detaches the socket it wraps; a duplicate lets the end of the test still close it.
            handle = sock.dup()
            self._open.add(handle)
        connection = Connection(sock, record, self._stop)
        try:
            if self._tls is not None:
                connection.start_tls(self._tls)
            self.conversation(connection)
        except Gone:
            pass
        except Exception as error:  # noqa: BLE001 - the test must see what went wrong in this thread
            self.errors.append(error)
        finally:
            with self._lock:
                self._open.discard(handle)
            handle.close()
            connection.close()


def server_context(files: CertificateFiles, **settings: object) -> ssl.SSLContext:
    """TLS of a server; `settings` are attributes of the context (minimum_version, verify_mode, …)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    for name, value in settings.items():
        setattr(context, name, value)
    context.load_cert_chain(files.chain, files.key)
    return context


def free_of_listeners() -> int:
    """A port on which nobody listens, nor will another server of the same test."""
    return free_ports(1)[0]


@contextlib.contextmanager
def deaf_port() -> Iterator[int]:
    """A port whose SYN is never answered, as behind a firewall that drops: its backlog is full."""
    with socket.socket() as listener, contextlib.ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = int(listener.getsockname()[1])
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        yield port


@dataclass(frozen=True, slots=True, kw_only=True)
class Imap:
    """An IMAP server. Replies are without tag; `* …` lines before the last stay untagged; None is silence."""

    login: str | None = "OK Logged in"
    greeting: str = "* OK ready"
    capability: str = "IMAP4rev1 SASL-IR AUTH=PLAIN"
    capability_after_tls: str | None = None
    capability_after_login: str = "IMAP4rev1 NAMESPACE"
    starttls: ssl.SSLContext | None = None
    starttls_reply: str = "OK Begin TLS"
    injected: bytes = b""
    """Sent in clear together with the reply to STARTTLS."""
    replies: Mapping[str, str] = field(default_factory=dict)
    """Replies to further commands by their name; OK otherwise."""
    login_delay: float = 0
    reply_delay: float = 0

    def __call__(self, connection: Connection) -> None:
        connection.pause(self.reply_delay)
        connection.say(*self.greeting.split("\n"))
        announced = self.capability
        logged_in = False
        while True:
            line = connection.line()
            tag, _, rest = line.partition(b" ")
            command, _, arguments = rest.partition(b" ")
            name = command.decode("ascii", "replace").upper()
            connection.pause(self.reply_delay)
            match name:
                case "CAPABILITY":
                    shown = self.capability_after_login if logged_in else announced
                    connection.say(f"* CAPABILITY {shown}", tag + b" OK done")
                case "STARTTLS":
                    connection.send(tag + b" " + self.starttls_reply.encode() + b"\r\n" + self.injected)
                    if self.starttls is not None and self.starttls_reply.startswith("OK"):
                        connection.start_tls(self.starttls)
                        announced = self.capability_after_tls or announced
                case "LOGIN" | "AUTHENTICATE":
                    self._read_credentials(connection, name, arguments)
                    connection.pause(self.login_delay)
                    if self.login is None:
                        connection.silence()
                    self._answer(connection, tag, str(self.login))
                    logged_in = str(self.login).startswith("OK")
                case "LOGOUT":
                    connection.say("* BYE", tag + b" OK bye")
                    return
                case _:
                    self._answer(connection, tag, self.replies.get(name, "OK done"))

    @staticmethod
    def _answer(connection: Connection, tag: bytes, reply: str) -> None:
        *untagged, last = reply.split("\n")
        connection.say(*untagged, last if last.startswith("* ") else tag + b" " + last.encode())

    @staticmethod
    def _read_credentials(connection: Connection, name: str, arguments: bytes) -> None:
        if name == "AUTHENTICATE":
            read_sasl(connection, arguments, b"+ ")
            return
        secret = arguments
        while literal := re.search(rb"\{(\d+)(\+?)\}$", arguments):
            if not literal[2]:
                connection.say("+ go on")
            secret += connection.bytes(int(literal[1]))
            arguments = connection.line()
            secret += arguments
        connection.record.secrets.append(secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pop3:
    """A POP3 server; `login` answers PASS and AUTH."""

    login: str | None = "+OK Logged in"
    greeting: str = "+OK ready"
    capability: tuple[str, ...] = ("USER", "SASL PLAIN", "UIDL", "TOP")
    starttls: ssl.SSLContext | None = None
    starttls_reply: str = "+OK Begin TLS"
    injected: bytes = b""
    login_delay: float = 0

    def __call__(self, connection: Connection) -> None:
        connection.say(self.greeting)
        while True:
            command, _, arguments = connection.line().partition(b" ")
            name = command.decode("ascii", "replace").upper()
            match name:
                case "CAPA":
                    connection.say("+OK", *self.capability, ".")
                case "STLS":
                    self._start_tls(connection)
                case "USER":
                    connection.record.secrets.append(arguments)
                    connection.say("+OK")
                case "PASS":
                    connection.record.secrets.append(arguments)
                    self._log_in(connection)
                case "AUTH":
                    read_sasl(connection, arguments, b"+ ")
                    self._log_in(connection)
                case "QUIT":
                    connection.say("+OK bye")
                    return
                case _:
                    connection.say("+OK 0 0" if name == "STAT" else "+OK")

    def _start_tls(self, connection: Connection) -> None:
        connection.send(self.starttls_reply.encode() + b"\r\n" + self.injected)
        if self.starttls is not None and self.starttls_reply.startswith("+OK"):
            connection.start_tls(self.starttls)

    def _log_in(self, connection: Connection) -> None:
        connection.pause(self.login_delay)
        if self.login is None:
            connection.silence()
        connection.say(str(self.login))


@dataclass(frozen=True, slots=True, kw_only=True)
class Smtp:
    """An SMTP server; `ehlo` are its extensions, `replies` answer MAIL, RCPT, … by the command's name."""

    login: str | None = "235 2.7.0 Authentication successful"
    greeting: str = "220 smtp.example.com ESMTP"
    ehlo: tuple[str, ...] = ("SIZE 20480000", "AUTH PLAIN LOGIN")
    ehlo_after_tls: tuple[str, ...] | None = None
    ehlo_reply: str | None = None
    """Answers EHLO instead of the extensions."""
    starttls: ssl.SSLContext | None = None
    starttls_reply: str = "220 2.0.0 Ready to start TLS"
    injected: bytes = b""
    replies: Mapping[str, str] = field(default_factory=dict)
    login_delay: float = 0
    reply_delay: float = 0

    def __call__(self, connection: Connection) -> None:
        connection.pause(self.reply_delay)
        connection.say(*self.greeting.split("\n"))
        extensions = self.ehlo
        while True:
            command, _, arguments = connection.line().partition(b" ")
            name = command.decode("ascii", "replace").upper()
            connection.pause(self.reply_delay)
            match name:
                case "EHLO":
                    self._greet(connection, extensions)
                case "STARTTLS":
                    if self._starts_tls(connection):
                        extensions = self.ehlo_after_tls or tuple(e for e in extensions if e != "STARTTLS")
                case "AUTH":
                    self._log_in(connection, arguments)
                case "QUIT":
                    connection.say("221 2.0.0 Bye")
                    return
                case _:
                    connection.say(*self.replies.get(name, "250 2.0.0 Ok").split("\n"))

    def _starts_tls(self, connection: Connection) -> bool:
        connection.send(self.starttls_reply.encode() + b"\r\n" + self.injected)
        if self.starttls is None or not self.starttls_reply.startswith("220"):
            return False
        connection.start_tls(self.starttls)
        return True

    def _log_in(self, connection: Connection, arguments: bytes) -> None:
        read_sasl(connection, arguments, b"334 ")
        connection.pause(self.login_delay)
        if self.login is None:
            connection.silence()
        connection.say(*str(self.login).split("\n"))

    def _greet(self, connection: Connection, extensions: tuple[str, ...]) -> None:
        if self.ehlo_reply is not None:
            connection.say(*self.ehlo_reply.split("\n"))
            return
        lines = ("smtp.example.com", *extensions)
        connection.say(*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}")


def read_sasl(connection: Connection, arguments: bytes, prompt: bytes) -> None:
    """Read what follows AUTH or AUTHENTICATE: initial response, or the answers to our prompts."""
    mechanism, _, initial = arguments.partition(b" ")
    prompts = {b"LOGIN": (b"VXNlcm5hbWU6", b"UGFzc3dvcmQ6"), b"CRAM-MD5": (b"PDEuMkBleGFtcGxlLmNvbT4=",)}
    answers = []
    expected = prompts.get(mechanism.upper(), (b"",))
    if initial:
        answers.append(initial)
        expected = expected[1:]
    for text in expected:
        connection.say(prompt + text)
        answers.append(connection.line())
    for answer in answers:
        with contextlib.suppress(ValueError):
            connection.record.secrets.append(base64.b64decode(answer, validate=True))


def says(data: bytes) -> Conversation:
    """A server that only sends `data` and then waits."""

    def conversation(connection: Connection) -> None:
        connection.send(data)
        connection.silence()

    return conversation


def closes(connection: Connection) -> None:
    """Close without a word. Closing with the client's bytes unread would be a reset instead."""
    connection.half_close()
    connection.silence()


def is_silent(connection: Connection) -> None:
    """Accept and say nothing."""
    connection.silence()
