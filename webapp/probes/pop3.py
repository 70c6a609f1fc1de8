"""POP3's dialogue: greeting, STLS, CAPA, one log-in, then a look at the maildrop."""

from __future__ import annotations

import re
from collections.abc import Generator

from profiles.model import Protocol
from profiles.problems import Code
from webapp.probes import mechanisms
from webapp.probes.credentials import Credentials, answers, decoded
from webapp.probes.dialogue import (
    Detail,
    Dialogue,
    Enter,
    Failure,
    Line,
    Permission,
    Plan,
    Send,
    StartTls,
    Step,
    begin,
)
from webapp.probes.greetings import demand_greeting
from webapp.probes.report import StageName
from webapp.probes.verdicts import Reply, Situation, verdict

_REFUSAL = re.compile(r"-ERR(?: \[(?P<code>[^\]]+)\])? ?(?P<text>.*)", re.DOTALL)
INITIAL_LIMIT = 255
"""RFC 5034: a line with an initial response may not be longer."""


def dialogue(plan: Plan) -> Dialogue[None]:
    """The whole conversation; what it learns is in `plan.facts`."""
    talk = _Talk(plan)
    yield from begin(plan, talk)
    yield Detail(" ".join(sorted(plan.facts.capabilities)))
    yield Enter(StageName.LOGIN)
    if plan.uses_oauth:
        yield Send(b"QUIT\r\n")
        return
    mechanism = talk.choose_mechanism()
    yield Detail(mechanism)
    if plan.credentials is not None and (yield Permission()):
        yield from talk.log_in(mechanism, plan.credentials)
        yield from talk.look()
    else:
        yield Send(b"QUIT\r\n")


class _Talk:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.mechanisms: frozenset[str] = frozenset()
        self.knows_capa = True

    def greet(self) -> Generator[Step, bytes, None]:
        """The greeting."""
        line = yield Line()
        demand_greeting(line, Protocol.POP3)
        if line[:3].upper() != b"+OK":
            raise self.failure(line.decode("utf-8", "replace"), Situation.GREETING)

    def status(self, situation: Situation) -> Generator[Step, bytes, str]:
        """Read +OK and return its text; raise Failure on anything else."""
        line = (yield Line()).decode("utf-8", "replace")
        if line[:3].upper() == "+OK":
            return line[3:].strip()
        raise self.failure(line, situation)

    def failure(self, line: str, situation: Situation) -> Failure:
        """What a refusal means."""
        found = _REFUSAL.match(line)
        if found is None:
            return Failure(Code.SERVER_SAID_NO, server_text=Reply(status="", text=line).shown)
        reply = Reply(status="-ERR", code=(found["code"] or "").upper(), text=found["text"])
        return Failure(verdict(reply, situation, self.plan.server.hostname), server_text=reply.shown)

    def ask_capabilities(self) -> Generator[Step, bytes, None]:
        """CAPA; a server without it has USER and PASS (RFC 1939)."""
        yield Send(b"CAPA\r\n")
        line = yield Line()
        self.knows_capa = line[:3].upper() == b"+OK"
        names = []
        if self.knows_capa:
            names = yield from self._listed()
        self.plan.facts.capabilities = frozenset(name.split()[0] for name in names if name.split())
        sasl = next((name.split()[1:] for name in names if name.split()[:1] == ["SASL"]), [])
        self.mechanisms = frozenset(sasl)

    def _listed(self) -> Generator[Step, bytes, list[str]]:
        names = []
        while (line := (yield Line())) != b".":
            names.append(line.decode("ascii", "replace").upper())
        return names

    def start_tls(self) -> Generator[Step, bytes, None]:
        """STLS; what was said before it counts for nothing afterwards."""
        yield from self.ask_capabilities()
        if self.knows_capa and "STLS" not in self.plan.facts.capabilities:
            raise Failure(Code.STARTTLS_NOT_OFFERED)
        yield Send(b"STLS\r\n")
        try:
            yield from self.status(Situation.STARTTLS)
        except Failure as failure:
            if not self.knows_capa:  # it could not say that it does not know STLS
                raise Failure(Code.STARTTLS_NOT_OFFERED, server_text=failure.server_text) from None
            raise
        yield StartTls()

    def choose_mechanism(self) -> str:
        """PLAIN, then USER and PASS where they are offered (or CAPA is unknown)."""
        return mechanisms.choose(
            self.mechanisms,
            command=not self.knows_capa or "USER" in self.plan.facts.capabilities,
            instead_of_none=Code.AUTH_LOGIN_DISABLED,
        )

    def log_in(self, mechanism: str, who: Credentials) -> Generator[Step, bytes, None]:
        """One attempt."""
        if mechanism == mechanisms.COMMAND:
            yield Send(b"USER " + who.username + b"\r\n")
            yield from self.status(Situation.LOGIN)
            yield Send(b"PASS " + who.password + b"\r\n")
        else:
            yield from self._authenticate(mechanism, who)
        yield from self.status(Situation.LOGIN)
        self.plan.facts.accepted = True
        self.plan.facts.authentication = mechanisms.authentication(mechanism)

    def _authenticate(self, mechanism: str, who: Credentials) -> Generator[Step, bytes, None]:
        initial = b"AUTH PLAIN " + who.plain + b"\r\n"
        if mechanism == mechanisms.PLAIN and len(initial) <= INITIAL_LIMIT:
            yield Send(initial)
            return
        yield Send(b"AUTH " + mechanism.encode() + b"\r\n")
        for answer in answers(mechanism, who):
            line = yield Line()
            if not line.startswith(b"+") or line[:3].upper() == b"+OK":
                raise self.failure(line.decode("utf-8", "replace"), Situation.LOGIN)
            yield Send(answer(decoded(line[1:])) + b"\r\n")

    def look(self) -> Generator[Step, bytes, None]:
        """STAT and UIDL of one message (of all, the answer could be megabytes)."""
        yield Enter(StageName.MAILBOX)
        commands = [b"STAT\r\n", b"UIDL 1\r\n", b"QUIT\r\n"]
        pipelined = "PIPELINING" in self.plan.facts.capabilities
        yield Send(b"".join(commands) if pipelined else commands[0])
        count = (yield from self.status(Situation.MAILBOX)).split()
        yield Detail(f"{count[0]} messages" if count else "")
        if not pipelined and count[:1] != ["0"]:
            yield Send(commands[1])
            yield Line()  # a server without UIDL refuses; phones then download everything again, but it works
        if not pipelined:
            yield Send(commands[2])
