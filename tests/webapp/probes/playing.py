"""Plays a dialogue without a network: the server's lines go in, everything it sends and reports comes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from profiles.model import Protocol, Server, SocketType
from profiles.problems import Code
from webapp.probes.credentials import Credentials
from webapp.probes.dialogue import (
    Dialogue,
    Enter,
    Exactly,
    Facts,
    Failure,
    Line,
    Permission,
    Plan,
    Remark,
    Send,
    StartTls,
    Step,
)
from webapp.probes.report import StageName

WHO = Credentials(username=b"hanako@example.com", password="pass 9€".encode())


class Ended(Exception):
    """The dialogue wanted more than the script holds."""


@dataclass
class Played:
    """What a dialogue did."""

    facts: Facts
    sent: list[bytes] = field(default_factory=list)
    stages: list[StageName] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    failure: Failure | None = None
    started_tls: bool = False

    @property
    def code(self) -> Code | None:
        """What ended it."""
        return None if self.failure is None else self.failure.code

    @property
    def codes(self) -> list[Code]:
        """What it remarked."""
        return [remark.code for remark in self.remarks]

    @property
    def words(self) -> bytes:
        """Everything that was sent."""
        return b"".join(self.sent)


def plan(
    protocol: Protocol,
    socket_type: SocketType = SocketType.SSL,
    *,
    credentials: Credentials | None = WHO,
    host: str = "mail.example.com",
    envelope: bool = True,
    uses_oauth: bool = False,
    client_address: str | None = None,
) -> Plan:
    """A plan for a server that exists only in a script."""
    return Plan(
        server=Server(protocol=protocol, hostname=host, port=1, socket_type=socket_type, username="hanako"),
        credentials=credentials,
        facts=Facts(),
        sender="hanako@example.com",
        envelope=envelope,
        uses_oauth=uses_oauth,
        client_address=client_address,
    )


def play(make: Callable[[Plan], Dialogue[None]], wanted: Plan, script: bytes, *, permitted: bool = True) -> Played:
    """Run `make(wanted)` against what the server says in `script`, all its lines in order."""
    played = Played(facts=wanted.facts)
    server = _Server(script.replace(b"\r\n", b"\n"), permitted=permitted)
    dialogue = make(wanted)
    try:
        step = next(dialogue)
        while True:
            _note(step, played)
            step = dialogue.send(server.answer(step))
    except StopIteration:
        pass
    except Failure as failure:
        played.failure = failure
    return played


class _Server:
    def __init__(self, script: bytes, *, permitted: bool) -> None:
        self.rest = script
        self.permitted = permitted

    def answer(self, step: Step) -> bytes:
        match step:
            case Line():
                if b"\n" not in self.rest:
                    raise Ended
                line, _, self.rest = self.rest.partition(b"\n")
                return line
            case Exactly(count):
                data, self.rest = self.rest[:count], self.rest[count:]
                return data
            case Permission():
                return b"yes" if self.permitted else b""
        return b""


def _note(step: Step, played: Played) -> None:
    match step:
        case Send(data):
            played.sent.append(data)
        case StartTls():
            played.started_tls = True
        case Enter(stage):
            played.stages.append(stage)
        case Remark():
            played.remarks.append(step)
