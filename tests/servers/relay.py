"""A scripted relay: takes mails whole, and has the faults that a real one shows once a year."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.servers.scripted import Connection, read_sasl

Answer = str | Callable[[Connection], None]
"""A reply, or what happens instead of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRelay:
    """`replies` answer commands by name; "." is what follows the last dot of a mail, "#2" the second mail's."""

    extensions: tuple[str, ...] = ("SIZE 20480000", "AUTH PLAIN LOGIN")
    starttls: ssl.SSLContext | None = None
    greeting: str = "220 relay.example.com ESMTP"
    login: str = "235 2.7.0 Authentication successful"
    replies: Mapping[str, Answer] = field(default_factory=dict)
    mails: list[bytes] = field(default_factory=list)
    """What was taken over, each as it came on the wire."""

    def __call__(self, connection: Connection) -> None:
        """Talk until QUIT."""
        connection.say(self.greeting)
        while True:
            command, _, arguments = connection.line().partition(b" ")
            name = command.decode("ascii").upper()
            match name:
                case "EHLO":
                    self._greet(connection)
                case "STARTTLS":
                    connection.say("220 2.0.0 Ready")
                    assert self.starttls is not None
                    connection.start_tls(self.starttls)
                case "AUTH":
                    read_sasl(connection, arguments, b"334 ")
                    connection.say(self.login)
                case "QUIT":
                    connection.say("221 2.0.0 Bye")
                    return
                case "DATA" if "DATA" not in self.replies:
                    self._take(connection)
                case _:
                    self._answer(connection, self.replies.get(name, "250 2.0.0 Ok"))

    def _greet(self, connection: Connection) -> None:
        offered = ("STARTTLS",) if self.starttls is not None else ()
        lines = ("relay.example.com", *self.extensions, *offered)
        connection.say(*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}")

    def _take(self, connection: Connection) -> None:
        connection.say("354 go on")
        lines = []
        while (line := connection.line()) != b".":
            lines.append(line)
        answer = self.replies.get(f"#{len(self.mails) + 1}", self.replies.get(".", "250 2.0.0 queued as 1"))
        if isinstance(answer, str) and answer.startswith("250"):
            self.mails.append(b"\r\n".join(lines) + b"\r\n")
        self._answer(connection, answer)

    @staticmethod
    def _answer(connection: Connection, answer: Answer) -> None:
        if isinstance(answer, str):
            connection.say(answer)
        else:
            answer(connection)
