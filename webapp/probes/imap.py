"""IMAP's dialogue: greeting, STARTTLS, capabilities, one log-in, then one look at mailbox, names and quota."""

from __future__ import annotations

from collections.abc import Generator

from profiles.model import Protocol
from profiles.problems import Code
from webapp.probes import mechanisms
from webapp.probes.credentials import Credentials, answers, decoded
from webapp.probes.dialogue import (
    Detail,
    Dialogue,
    Enter,
    Exactly,
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
from webapp.probes.imap_look import Look, commands, judge
from webapp.probes.imap_words import Response, literal_size, quoted, read_response
from webapp.probes.report import StageName
from webapp.probes.verdicts import Reply, Situation, verdict
from webapp.probes.wire import TooMuch


def dialogue(plan: Plan) -> Dialogue[None]:
    """The whole conversation; what it learns is in `plan.facts`."""
    talk = Talk(plan)
    yield from begin(plan, talk)
    yield Enter(StageName.LOGIN)
    if plan.uses_oauth:
        yield Send(talk.tagged(b"LOGOUT"))
        return
    mechanism = talk.choose_mechanism()
    yield Detail(mechanism)
    if plan.credentials is not None and (yield Permission()):
        yield from talk.log_in(mechanism, plan.credentials)
        yield from talk.look()
    else:
        yield Send(talk.tagged(b"LOGOUT"))


class Talk:
    """One session; its parts also serve the test mail."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.host = plan.server.hostname
        self.number = 0
        self.capabilities: frozenset[str] = frozenset()

    def tagged(self, command: bytes) -> bytes:
        """The next command with its tag."""
        self.number += 1
        return b"a%d %s\r\n" % (self.number, command)

    @property
    def tag(self) -> str:
        """The tag of the last command."""
        return f"a{self.number}"

    # reading

    def response(self) -> Generator[Step, bytes, Response]:
        """One response, its literals expanded."""
        data = yield Line()
        size = literal_size(data)
        while size is not None:
            data += b"\r\n" + (yield Exactly(size))
            line = yield Line()
            data, size = data + line, literal_size(line)
        response = read_response(data)
        if response.tag == "*" and response.word in ("CAPABILITY", "OK", "PREAUTH"):
            self._notice(response)
        return response

    def result(self, situation: Situation) -> Generator[Step, bytes, Response]:
        """Skip to the tagged result of the last command; raise Failure unless it is OK."""
        said: list[Response] = []
        while True:
            response = yield from self.response()
            if response.tag == self.tag:
                self._notice(response)
                self.demand_ok(response, situation, said)
                return response
            if response.word == "BYE":
                raise self.failure(response, situation, said)
            if response.word in ("NO", "BAD"):
                said.append(response)

    def demand_ok(self, response: Response, situation: Situation, said: list[Response] | None = None) -> None:
        """Raise Failure unless the server agreed."""
        if response.word != "OK":
            raise self.failure(response, situation, said or [])

    def failure(self, response: Response, situation: Situation, said: list[Response]) -> Failure:
        """What a refusal means, with what was said before it (Gmail's WEBALERT)."""
        words = [response.text, *(f"{one.code} {one.text}" for one in said)]
        full = Reply(status=response.word, code=response.code, text=" ".join(words))
        shown = Reply(status=response.word, code=response.code, text=response.text)
        return Failure(verdict(full, situation, self.host), server_text=shown.shown)

    def _notice(self, response: Response) -> None:
        if response.word == "CAPABILITY":
            self._set_capabilities(response.rest.decode("ascii", "replace"))
        elif response.code == "CAPABILITY":
            self._set_capabilities(response.code_arguments)

    def _set_capabilities(self, text: str) -> None:
        self.capabilities = frozenset(text.upper().split())
        self.plan.facts.capabilities = self.capabilities

    # the stages

    def greet(self) -> Generator[Step, bytes, None]:
        """The greeting; PREAUTH would leave nothing to check, and before TLS it is an attack."""
        line = yield Line()
        demand_greeting(line, Protocol.IMAP)
        response = read_response(line)
        self._notice(response)
        if response.word == "PREAUTH":
            raise Failure(Code.PREAUTH_REFUSED)
        if response.word == "BYE":
            raise self.failure(response, Situation.GREETING, [])

    def start_tls(self) -> Generator[Step, bytes, None]:
        """STARTTLS; what was said before it counts for nothing afterwards."""
        if not self.capabilities:
            yield from self.ask_capabilities()
        if "STARTTLS" not in self.capabilities:
            raise Failure(Code.STARTTLS_NOT_OFFERED)
        yield Send(self.tagged(b"STARTTLS"))
        yield from self.result(Situation.STARTTLS)
        yield StartTls()
        self.capabilities = self.plan.facts.capabilities = frozenset()

    def ask_capabilities(self) -> Generator[Step, bytes, None]:
        """CAPABILITY, unless the server has told already."""
        if not self.capabilities:
            yield Send(self.tagged(b"CAPABILITY"))
            yield from self.result(Situation.GREETING)
        yield Detail(" ".join(sorted(self.capabilities)))

    def choose_mechanism(self) -> str:
        """LOGINDISABLED is obeyed: the LOGIN command is then never sent."""
        offered = frozenset(name[5:] for name in self.capabilities if name.startswith("AUTH="))
        return mechanisms.choose(
            offered,
            command="LOGINDISABLED" not in self.capabilities,
            instead_of_none=Code.AUTH_LOGIN_DISABLED,
        )

    def log_in(self, mechanism: str, who: Credentials) -> Generator[Step, bytes, None]:
        """One attempt."""
        before = self._client_id()
        self.capabilities = frozenset()
        offered = self.plan.facts.capabilities
        if mechanism == mechanisms.COMMAND:
            yield from self._login_command(before, who, offered)
        else:
            yield from self._authenticate(before, mechanism, who, has_initial="SASL-IR" in offered)
        yield from self.result(Situation.LOGIN)
        self.plan.facts.accepted = True
        self.plan.facts.authentication = mechanisms.authentication(mechanism)

    def _client_id(self) -> bytes:
        """ID with the browser's address: Dovecot then counts wrong log-ins per browser, not per Hagaki."""
        if self.plan.client_address is None or "ID" not in self.capabilities:
            return b""
        return self.tagged(b'ID ("name" "Hagaki" "x-originating-ip" "%s")' % self.plan.client_address.encode())

    def _login_command(
        self, before: bytes, who: Credentials, offered: frozenset[str]
    ) -> Generator[Step, bytes, None]:
        command = before + self.tagged(b"LOGIN")[:-2]
        for value in (who.username, who.password):
            string = quoted(value)
            if string is not None:
                command += b" " + string
            elif "LITERAL+" in offered or ("LITERAL-" in offered and len(value) <= 4096):
                command += b" {%d+}\r\n%s" % (len(value), value)
            else:
                yield Send(command + b" {%d}\r\n" % len(value))
                yield from self._continuation()
                command = value
        yield Send(command + b"\r\n")

    def _authenticate(
        self, before: bytes, mechanism: str, who: Credentials, *, has_initial: bool
    ) -> Generator[Step, bytes, None]:
        command = b"AUTHENTICATE " + mechanism.encode()
        if mechanism == mechanisms.PLAIN and has_initial:
            yield Send(before + self.tagged(command + b" " + who.plain))
            return
        yield Send(before + self.tagged(command))
        for answer in answers(mechanism, who):
            challenge = yield from self._continuation()
            yield Send(answer(challenge) + b"\r\n")

    def _continuation(self) -> Generator[Step, bytes, bytes]:
        """Wait until the server asks to go on; return its challenge."""
        said: list[Response] = []
        while True:
            response = yield from self.response()
            if response.tag == "+":
                return decoded(response.after_tag)
            if response.tag == self.tag or response.word == "BYE":
                raise self.failure(response, Situation.LOGIN, said)
            said.append(response)

    def look(self) -> Generator[Step, bytes, None]:
        """Everything after the log-in in one write: a round trip instead of six."""
        yield Enter(StageName.MAILBOX)
        if not self.capabilities:
            yield Send(self.tagged(b"CAPABILITY"))
            yield from self.result(Situation.MAILBOX)
        wanted = commands(self.capabilities)
        self.plan.facts.capabilities = self.capabilities
        tags: dict[str, bytes] = {}
        block = b""
        for command in wanted:
            block += self.tagged(command)
            tags[self.tag] = command
        yield Send(block)
        look = Look()
        try:
            yield from self._collect(tags, look)
        except TooMuch:
            # Ten thousand folders are no fault; what was read is judged.
            if not look.has_examined:
                raise
        yield from judge(look, self.plan.facts, self.capabilities)

    def _collect(self, tags: dict[str, bytes], look: Look) -> Generator[Step, bytes, None]:
        while tags:
            response = yield from self.response()
            command = tags.pop(response.tag, None)
            if command is None:
                look.take(response)
            elif command.startswith(b"EXAMINE"):
                self.demand_ok(response, Situation.MAILBOX, look.complaints)
                look.has_examined = True
            elif response.word == "BAD" and not look.has_examined:
                look.complaints.append(response)
            if response.word == "BYE" and not look.has_examined:
                raise self.failure(response, Situation.MAILBOX, look.complaints)
            if response.word == "BYE":
                return
