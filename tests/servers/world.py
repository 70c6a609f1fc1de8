"""The small world of scripted servers: names, trust, and accounts that point at any server."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from functools import cached_property

from profiles.model import MailAccount, Protocol, Server, SocketType
from profiles.problems import Code
from tests.servers.authority import Authority
from tests.servers.dns import NameServer
from tests.servers.environment import MAIL_HOST, NETWORKS, account_of, service
from tests.servers.people import Person
from tests.servers.processes import PATIENCE
from tests.servers.scripted import Conversation, ScriptedServer, server_context
from webapp.outbound import Outbound
from webapp.probes import Deadlines, check
from webapp.probes.report import Report, Stage, StageName

CANARY = "Kanarienvogel-07"
"""The password of every scripted account: no server may see it in clear, no report may hold it."""

UNHURRIED = Deadlines(
    resolve=PATIENCE,
    connect=PATIENCE,
    tls=PATIENCE,
    greeting=PATIENCE,
    silence=PATIENCE,
    starttls=PATIENCE,
    capability=PATIENCE,
    login=PATIENCE,
    mailbox=PATIENCE,
    submit=PATIENCE,
    look=PATIENCE,
    total=4 * PATIENCE,
)
"""Deadlines for servers that do what they do at once: none of them runs out, however slow the machine is."""
SHORT = Deadlines(
    resolve=PATIENCE,
    connect=1.0,
    tls=1.0,
    greeting=1.0,
    silence=0.3,
    starttls=1.0,
    capability=1.0,
    login=1.0,
    mailbox=1.0,
    submit=1.0,
    look=1.0,
    total=8.0,
)
"""Deadlines for servers that use them up: the verdict is the same, a test need not wait for it."""

PERSON = Person(address="taro@example.com", password=CANARY)


@dataclass(eq=False)
class World:
    """Every name below example.com is 127.0.0.1 here; `context` is TLS with a good certificate."""

    authority: Authority
    name_server: NameServer

    @cached_property
    def context(self) -> ssl.SSLContext:
        """TLS as a healthy server speaks it."""
        return server_context(self.authority.good())

    def outbound(self) -> Outbound:
        """The door to this world."""
        return Outbound(
            allow_networks=NETWORKS, resolver=self.name_server.resolver, ca_file=self.authority.ca_file
        )

    def serve(self, conversation: Conversation, *, tls: ssl.SSLContext | None = None) -> ScriptedServer:
        """A server with TLS from the first byte, good unless `tls` is another."""
        return ScriptedServer(conversation, tls=tls or self.context)

    def check(
        self,
        *servers: Server,
        password: str | None = CANARY,
        deadlines: Deadlines | None = None,
        compare: bool = False,
        person: Person = PERSON,
    ) -> Report:
        """Check an account of these servers."""
        account = account_on(*servers, person=person)
        return check(
            account, password, outbound=self.outbound(), deadlines=deadlines or UNHURRIED, compare=compare
        )


def account_on(*servers: Server, person: Person = PERSON) -> MailAccount:
    """An account with these servers; SMTP ones are outgoing."""
    incoming = tuple(server for server in servers if server.protocol is not Protocol.SMTP)
    outgoing = tuple(server for server in servers if server.protocol is Protocol.SMTP)
    return account_of(person, service(incoming, outgoing))


def server(
    protocol: Protocol, port: int, socket_type: SocketType = SocketType.SSL, *, host: str = MAIL_HOST
) -> Server:
    """One server of an account."""
    return Server(protocol=protocol, hostname=host, port=port, socket_type=socket_type)


def imap(port: int, socket_type: SocketType = SocketType.SSL, *, host: str = MAIL_HOST) -> Server:
    """An IMAP server."""
    return server(Protocol.IMAP, port, socket_type, host=host)


def pop3(port: int, socket_type: SocketType = SocketType.SSL, *, host: str = MAIL_HOST) -> Server:
    """A POP3 server."""
    return server(Protocol.POP3, port, socket_type, host=host)


def smtp(port: int, socket_type: SocketType = SocketType.SSL, *, host: str = MAIL_HOST) -> Server:
    """An SMTP server."""
    return server(Protocol.SMTP, port, socket_type, host=host)


def codes(report: Report) -> list[Code]:
    """All codes, as the report lists them."""
    return [problem.code for problem in report.problems]


def errors(report: Report) -> list[Code]:
    """The codes of errors alone."""
    return [problem.code for problem in report.problems if problem.is_error]


def stage(report: Report, service: str, name: StageName) -> Stage:
    """The one stage of that name."""
    (found,) = (stage for stage in report.stages if stage.service == service and stage.stage is name)
    return found
