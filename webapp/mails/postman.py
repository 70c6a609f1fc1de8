"""Hands mails to the relay, many over one connection, and says of each what became of it."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from enum import StrEnum
from types import TracebackType
from typing import Self

from profiles.address import Address
from profiles.problems import N_, Code, Problem
from webapp.mails.relay import Relay
from webapp.mails.session import Ended, Reply, Session, Unusable, open_session, unusable
from webapp.outbound import Deadline, Outbound

PER_CONNECTION = 100
"""Mails over one connection; many servers end it soon after."""
SECONDS = 120.0
"""For one mail, the connection included."""
_AS_SENDER = re.compile(r"sender address|not owned by|send ?as|sender is not allowed", re.IGNORECASE)
"""Postfix and Exchange refuse the sender only once they hear of a recipient."""


class Fate(StrEnum):
    """What became of a mail."""

    SENT = "sent"
    """The relay has taken it over."""
    REFUSED = "refused"
    LATER = "later"
    """Nothing was taken over; it may be tried again."""
    UNSURE = "unsure"
    """The connection was lost after the last dot: taken over or not, nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """What became of one mail, and why."""

    fate: Fate
    problem: Problem | None = None
    concerns_all: bool = False
    """The relay is at fault, not this mail: every other one would meet the same."""
    reply: str = ""
    """What the server said when it took the mail over."""


class Postman:
    """Keeps one connection to the relay. Not for several threads."""

    def __init__(
        self,
        relay: Relay,
        outbound: Outbound,
        sender: Address,
        *,
        own_name: str = "",
        per_connection: int = PER_CONNECTION,
        seconds: float = SECONDS,
    ) -> None:
        self._relay = relay
        self._outbound = outbound
        self._sender = sender
        # A name without a dot proves nothing; the literal passes every check of syntax.
        self._own_name = own_name if "." in own_name and not own_name[-1].isdigit() else "[127.0.0.1]"
        self._per_connection = per_connection
        self._seconds = seconds
        self._session: Session | None = None
        self._carried = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Take leave."""
        if self._session is not None:
            with suppress(Ended):
                self._session.send(b"QUIT\r\n", Deadline(1.0))
        self._drop()

    def hand_over(self, message: EmailMessage, recipient: Address) -> Handed:
        """Hand one mail over. A connection that the server had ended meanwhile is replaced once."""
        deadline = Deadline(self._seconds)
        data = _stuffed(message.as_bytes())
        while True:
            is_fresh = self._session is None
            try:
                handed = self._carry(self._opened(deadline), data, recipient, deadline)
            except Unusable as error:
                self._drop()
                return Handed(fate=Fate.LATER, problem=error.problem, concerns_all=True)
            except Ended as error:
                self._drop()
                if is_fresh:
                    found = unusable(self._relay, error.reason).problem
                    return Handed(fate=Fate.LATER, problem=found, concerns_all=True)
            else:
                self._carried += 1
                return handed

    def _opened(self, deadline: Deadline) -> Session:
        if self._session is not None and self._carried >= self._per_connection:
            self.close()
        if self._session is None:
            self._session = open_session(self._relay, self._outbound, deadline, own_name=self._own_name)
            self._carried = 0
        return self._session

    def _drop(self) -> None:
        if self._session is not None:
            self._session.close()
        self._session = None

    def _carry(self, session: Session, data: bytes, recipient: Address, deadline: Deadline) -> Handed:
        reply = session.ask(f"MAIL FROM:<{self._sender.path}>", deadline)
        if reply.kind != "2":
            raise self._sender_refused(reply)
        reply = session.ask(f"RCPT TO:<{recipient.path}>", deadline)
        if reply.kind == "2":
            reply = session.ask("DATA", deadline)
            if reply.kind == "3":
                return self._deliver(session, data, recipient, deadline)
            return self._refused(session, reply, Code.MAIL_REFUSED, recipient, deadline)
        if reply.kind == "5" and _AS_SENDER.search(reply.shown):
            raise self._sender_refused(reply)
        return self._refused(session, reply, Code.MAIL_RECIPIENT_REFUSED, recipient, deadline)

    def _deliver(self, session: Session, data: bytes, recipient: Address, deadline: Deadline) -> Handed:
        session.send(data, deadline)
        try:
            session.send(b".\r\n", deadline)
            reply = session.answer(deadline)
        except Ended:
            self._drop()
            return Handed(fate=Fate.UNSURE, problem=self._problem(Code.MAIL_UNSURE, recipient), concerns_all=True)
        if reply.kind == "2":
            return Handed(fate=Fate.SENT, reply=reply.shown)
        if reply.is_leaving:
            raise self._leaving(reply)
        return self._judged(reply, Code.MAIL_REFUSED, recipient)

    def _refused(
        self, session: Session, reply: Reply, code: Code, recipient: Address, deadline: Deadline
    ) -> Handed:
        """The mail is not taken; the connection is made ready for the next one."""
        if reply.is_leaving:
            raise Ended(N_("it asks to try again later"))
        try:
            session.ask("RSET", deadline)
        except Ended:
            self._drop()
        return self._judged(reply, code, recipient)

    def _judged(self, reply: Reply, code: Code, recipient: Address) -> Handed:
        if reply.kind == "4":
            return Handed(fate=Fate.LATER, problem=self._problem(Code.MAIL_PUT_OFF, recipient, reply))
        return Handed(fate=Fate.REFUSED, problem=self._problem(code, recipient, reply))

    def _sender_refused(self, reply: Reply) -> Exception:
        if reply.is_leaving:
            return Ended(N_("it asks to try again later"))
        if reply.kind == "4":
            return self._leaving(reply)
        params = {"sender": str(self._sender)}
        return Unusable(
            Problem(Code.MAIL_SENDER_REFUSED, params, server=self._relay.endpoint, server_text=reply.shown)
        )

    def _leaving(self, reply: Reply) -> Unusable:
        return unusable(self._relay, N_("it asks to try again later"), reply.shown)

    def _problem(self, code: Code, recipient: Address, reply: Reply | None = None) -> Problem:
        params = {"address": str(recipient)}
        said = reply.shown if reply is not None else None
        return Problem(code, params, server=self._relay.endpoint, server_text=said)


def _stuffed(data: bytes) -> bytes:
    """A line that begins with a dot gets another one (RFC 5321, 4.5.2)."""
    ended = data if data.endswith(b"\r\n") else data + b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", ended)
