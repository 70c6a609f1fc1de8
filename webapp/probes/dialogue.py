"""What dialogues and their driver say to each other. Dialogues are generators: they yield steps and never touch a
socket, so a test can feed them lines.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from profiles.model import Authentication, Server, SocketType
from profiles.problems import Code
from webapp.probes.credentials import Credentials
from webapp.probes.report import StageName

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Line:
    """Read one line; the answer is the line without its end."""


@dataclass(frozen=True, slots=True)
class Exactly:
    """Read so many bytes (an IMAP literal)."""

    count: int


@dataclass(frozen=True, slots=True)
class Send:
    """Write bytes. They may hold the password and never show."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class StartTls:
    """Begin verified TLS; refused where the server has already sent something more."""


@dataclass(frozen=True, slots=True)
class Enter:
    """The next stage begins; the one before has ended well."""

    stage: StageName


@dataclass(frozen=True, slots=True)
class Permission:
    """Ask whether the password may be sent now; the answer is b"yes" or b""."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something to report about the present stage that does not end the dialogue."""

    code: Code
    params: Mapping[str, str] = field(default_factory=dict)
    server_text: str | None = None
    fails: bool = False
    """The stage did not end well, although the dialogue goes on."""


@dataclass(frozen=True, slots=True)
class Detail:
    """A plain fact about the present stage, for the curious."""

    text: str


@dataclass(frozen=True, slots=True)
class Wait:
    """From now on this stage may take so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Pause:
    """Do nothing for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Run:
    """Do something else on another connection now."""

    action: Callable[[], None]


Step = Line | Exactly | Send | StartTls | Enter | Permission | Remark | Detail | Wait | Pause | Run
Dialogue = Generator[Step, bytes, T]


class Failure(Exception):
    """What ends a dialogue: the stage's code, what the server said, and what fills the texts."""

    def __init__(
        self,
        code: Code,
        *,
        server_text: str | None = None,
        params: Mapping[str, Any] | None = None,
        also: tuple[Remark, ...] = (),
    ) -> None:
        self.code = code
        self.server_text = server_text
        self.params: dict[str, Any] = dict(params or {})
        self.also = also
        """Further faults found in the same place (a certificate can have several)."""
        super().__init__(str(code))


@dataclass(slots=True, kw_only=True)
class Facts:
    """What one dialogue has learned so far; kept when it fails half-way."""

    capabilities: frozenset[str] = frozenset()
    accepted: bool = False
    """The server took the password."""
    authentication: Authentication | None = None
    path_prefix: str | None = None
    hierarchy_delimiter: str | None = None
    quota_percent: int | None = None
    special_folders: tuple[tuple[str, str], ...] = ()
    unsubscribed_folders: tuple[str, ...] = ()
    size_limit: int | None = None
    certificate_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a dialogue is to do."""

    server: Server
    credentials: Credentials | None
    """None: everything up to the log-in."""
    facts: Facts
    sender: str = ""
    """The address that SMTP sends from, to itself."""
    envelope: bool = True
    uses_oauth: bool = False
    """No password can sign in here; nothing is said about the ways to do it."""
    client_address: str | None = None
    """The browser's address, told to IMAP servers that count wrong log-ins per address."""

    @property
    def uses_starttls(self) -> bool:
        """Whether TLS begins inside the dialogue."""
        return self.server.socket_type is SocketType.STARTTLS


class Opening(Protocol):
    """What every dialogue begins with, in its protocol's own words."""

    def greet(self) -> Generator[Step, bytes, None]:
        """Wait for the server's first line."""

    def start_tls(self) -> Generator[Step, bytes, None]:
        """Turn to TLS."""

    def ask_capabilities(self) -> Generator[Step, bytes, None]:
        """Learn what the server offers, over TLS."""


def begin(plan: Plan, talk: Opening) -> Generator[Step, bytes, None]:
    """Everything before the log-in; capabilities are asked only after TLS, as those before it prove nothing."""
    yield Enter(StageName.GREETING)
    yield from talk.greet()
    if plan.uses_starttls:
        yield Enter(StageName.STARTTLS)
        yield from talk.start_tls()
    yield Enter(StageName.CAPABILITY)
    yield from talk.ask_capabilities()
