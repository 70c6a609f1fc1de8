"""SMTP's dialogue: greeting, EHLO, STARTTLS, one log-in, then an envelope to oneself without a message."""

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
    Remark,
    Send,
    StartTls,
    Step,
    begin,
)
from webapp.probes.greetings import demand_greeting
from webapp.probes.report import StageName
from webapp.probes.verdicts import Reply, Situation, verdict

NAME = b"[127.0.0.1]"
"""Our name in EHLO: a literal that tells nothing and passes syntax checks."""
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})\s*")
_LINE = re.compile(rb"(\d{3})([ -]?)(.*)", re.DOTALL)
AUTH_LINE_LIMIT = 512
SMALL_SIZE = 10_000_000
"""Below this a few photos do not get through, which is worth a note; Postfix's default is above."""
BASE64 = 1.37
"""How much larger attachments are in transport."""


def dialogue(plan: Plan) -> Dialogue[None]:
    """The whole conversation; what it learns is in `plan.facts`."""
    talk = Talk(plan)
    yield from begin(plan, talk)
    yield from talk.tell_size()
    yield Enter(StageName.LOGIN)
    if plan.uses_oauth:
        yield Send(b"QUIT\r\n")
        return
    mechanism = talk.choose_mechanism()
    yield Detail(mechanism)
    if plan.credentials is None or not (yield Permission()):
        yield Send(b"QUIT\r\n")
        return
    yield from talk.log_in(mechanism, plan.credentials)
    if plan.envelope:
        yield Enter(StageName.SUBMIT)
        yield from talk.try_envelope()
    else:
        yield Send(b"QUIT\r\n")


class Talk:
    """One session; its parts also serve the test mail."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.extensions: dict[str, str] = {}

    def greet(self) -> Generator[Step, bytes, None]:
        """The greeting, waited for in full: Exim punishes whoever speaks first."""
        first = yield Line()
        demand_greeting(first, Protocol.SMTP)
        reply, _ = yield from self.reply(first)
        if not reply.status.startswith("2"):
            raise self.failure(reply, Situation.GREETING)

    def reply(self, line: bytes | None = None) -> Generator[Step, bytes, tuple[Reply, list[str]]]:
        """One reply and its lines; `line` is one that has been read already."""
        lines: list[str] = []
        while True:
            found = _LINE.match((yield Line()) if line is None else line)
            line = None
            if found is None:
                raise Failure(Code.NOT_A_MAIL_SERVER)
            lines.append(found[3].decode("utf-8", "replace").strip())
            if found[2] != b"-":
                return _joined(found[1].decode(), lines), lines

    def expect(self, kind: str, situation: Situation) -> Generator[Step, bytes, list[str]]:
        """Read a reply of this kind ("2", "3"); raise Failure on any other."""
        reply, lines = yield from self.reply()
        if not reply.status.startswith(kind):
            raise self.failure(reply, situation)
        return lines

    def failure(self, reply: Reply, situation: Situation) -> Failure:
        """What a refusal means."""
        return Failure(verdict(reply, situation, self.plan.server.hostname), server_text=reply.shown)

    def ask_capabilities(self) -> Generator[Step, bytes, None]:
        """EHLO; HELO is of no use, it has no AUTH."""
        yield Send(b"EHLO " + NAME + b"\r\n")
        lines = yield from self.expect("2", Situation.GREETING)
        self.extensions = {}
        for line in lines[1:]:
            # "AUTH=LOGIN" is how some old servers repeat themselves.
            name, _, arguments = line.replace("AUTH=", "AUTH ", 1).partition(" ")
            known = self.extensions.get(name.upper(), "")
            self.extensions[name.upper()] = f"{known} {arguments.upper()}".strip()
        self.plan.facts.capabilities = frozenset(self.extensions)

    def tell_size(self) -> Generator[Step, bytes, None]:
        """SIZE as a fact; 0 or nothing means no limit told."""
        size = self.extensions.get("SIZE", "")
        if size.isdigit() and 0 < int(size) < 1 << 53:
            self.plan.facts.size_limit = int(size)
            if int(size) < SMALL_SIZE:
                yield Remark(
                    code=Code.SMTP_SIZE_LIMIT, params={"megabytes": str(int(int(size) / BASE64 / 1_000_000))}
                )
        yield Detail(" ".join(f"{name} {value}".strip() for name, value in self.extensions.items()))

    def start_tls(self) -> Generator[Step, bytes, None]:
        """STARTTLS; EHLO is said again afterwards."""
        yield from self.ask_capabilities()
        if "STARTTLS" not in self.extensions:
            raise Failure(Code.STARTTLS_NOT_OFFERED)
        yield Send(b"STARTTLS\r\n")
        yield from self.expect("2", Situation.STARTTLS)
        yield StartTls()

    def choose_mechanism(self) -> str:
        """From what AUTH lists."""
        offered = frozenset(self.extensions.get("AUTH", "").split())
        return mechanisms.choose(offered, command=False, instead_of_none=Code.AUTH_NOT_OFFERED)

    def log_in(self, mechanism: str, who: Credentials) -> Generator[Step, bytes, None]:
        """One attempt."""
        yield from self._authenticate(mechanism, who)
        yield from self.expect("2", Situation.LOGIN)
        self.plan.facts.accepted = True
        self.plan.facts.authentication = mechanisms.authentication(mechanism)

    def _authenticate(self, mechanism: str, who: Credentials) -> Generator[Step, bytes, None]:
        initial = b"AUTH PLAIN " + who.plain + b"\r\n"
        if mechanism == mechanisms.PLAIN and len(initial) <= AUTH_LINE_LIMIT:
            yield Send(initial)
            return
        yield Send(b"AUTH " + mechanism.encode() + b"\r\n")
        for answer in answers(mechanism, who):
            lines = yield from self.expect("3", Situation.LOGIN)
            yield Send(answer(decoded(lines[-1].encode())) + b"\r\n")

    def try_envelope(self) -> Generator[Step, bytes, None]:
        """MAIL and RCPT to oneself, then RSET: nothing is sent. Who owns the sender shows at RCPT (Postfix)."""
        sender = self.plan.sender.encode()
        mail, rcpt = b"MAIL FROM:<" + sender + b">\r\n", b"RCPT TO:<" + sender + b">\r\n"
        leave = b"RSET\r\nQUIT\r\n"
        pipelined = "PIPELINING" in self.extensions
        yield Send(mail + rcpt + leave if pipelined else mail)
        reply, _ = yield from self.reply()
        if reply.status.startswith("2"):
            if not pipelined:
                yield Send(rcpt)
            reply, _ = yield from self.reply()
            nearest = Code.SMTP_RECIPIENT_REFUSED
        else:
            nearest = Code.SMTP_SENDER_REFUSED
        if not pipelined:
            yield Send(leave)
        if not reply.status.startswith("2"):
            yield from self._judge(reply, nearest)

    def _judge(self, reply: Reply, nearest: Code) -> Generator[Step, bytes, None]:
        code = verdict(reply, Situation.SUBMIT, self.plan.server.hostname)
        if code is Code.SMTP_GREYLISTED:
            # "Later" is what a real client answers with a second try.
            yield Remark(code=code, server_text=reply.shown)
            return
        raise Failure(nearest if code is Code.SERVER_SAID_NO else code, server_text=reply.shown)


def _joined(status: str, lines: list[str]) -> Reply:
    """One reply from its lines; Gmail repeats the enhanced code on each."""
    code = ""
    words = []
    for line in lines:
        found = _ENHANCED.match(line)
        code = code or (found[1] if found else "")
        words.append(line[found.end() :] if found else line)
    return Reply(status=status, code=code, text=" ".join(words))
