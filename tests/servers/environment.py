"""The whole test world: one name server, Dovecot and Postfix, and the accounts to try on them.

Hosts (all from the private name server `environment.resolver`; wild cards, so any name below works):

* `mail.example.com`, `imap.example.com`, …: 127.0.0.2, a certificate that is good under `environment.ca_file`
* `mail.example.jp`: the same servers for the second domain
* `<fault>.example.com` for each of `Authority.FAULTS`: the same servers with that faulty certificate
* `limited.example.com`: 127.0.0.3, one connection per person
* `localhost` works too, by the system's own hosts file

Ports differ in each run: `environment.dovecot.{imap,imaps,pop3,pop3s}`, `environment.postfix.{submission,
submissions,no_auth,no_starttls}`, `environment.plain.{imap,pop3}` (LOGINDISABLED, no STARTTLS). `imap`, `pop3` and
`submission` are the STARTTLS ports. Accounts with their passwords: `environment.people`, from
tests/servers/people.py.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

from profiles.address import parse_address
from profiles.model import ADDRESS, MailAccount, Protocol, Server, ServiceSettings, SocketType, Source
from tests.servers.authority import Authority
from tests.servers.dns import NameServer
from tests.servers.dovecot import Dovecot
from tests.servers.people import PEOPLE, Person
from tests.servers.postfix import Postfix
from webapp.outbound import Outbound

MAIL_HOST = "mail.example.com"
NETWORKS = (ip_network("127.0.0.0/8"),)

RECORDS = {
    ("*.example.com", "A"): ["127.0.0.2"],
    ("*.example.jp", "A"): ["127.0.0.2"],
    ("limited.example.com", "A"): ["127.0.0.3"],
    ("example.com", "MX"): ["10 mail.example.com."],
    ("example.jp", "MX"): ["10 mail.example.jp."],
    ("localhost", "A"): ["127.0.0.1"],
}

TOML = """\
id = "example.com"
displayName = "Example Corporation"
displayShortName = "Example"
domains = ["example.com", "example.jp"]

[[incomingServer]]
type = "{incoming.protocol}"
hostname = "{incoming.hostname}"
port = {incoming.port}
socketType = "{incoming.socket_type}"
authentication = ["password-cleartext"]
username = "{incoming.username}"

[[outgoingServer]]
type = "smtp"
hostname = "{outgoing.hostname}"
port = {outgoing.port}
socketType = "{outgoing.socket_type}"
authentication = ["password-cleartext"]
username = "{outgoing.username}"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Everything that runs, and the values with which Hagaki reaches it."""

    folder: Path
    authority: Authority
    name_server: NameServer
    dovecot: Dovecot
    plain: Dovecot
    postfix: Postfix

    @classmethod
    @contextmanager
    def start(cls) -> Iterator[Environment]:
        """Start everything in a short temporary folder (UNIX sockets have short names) and stop it again."""
        folder = Path(tempfile.mkdtemp(prefix="hagaki-"))
        folder.chmod(0o755)
        try:
            with ExitStack() as stack:
                yield cls._start(folder, stack)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @classmethod
    def _start(cls, folder: Path, stack: ExitStack) -> Environment:
        for name in ("ca", "d", "p", "s"):
            (folder / name).mkdir()
        authority = Authority(folder / "ca")
        dovecot = stack.enter_context(Dovecot(folder / "d", authority))
        plain = stack.enter_context(Dovecot(folder / "p", authority, plain_only=True))
        return cls(
            folder=folder,
            authority=authority,
            name_server=stack.enter_context(NameServer(dict(RECORDS))),
            dovecot=dovecot,
            plain=plain,
            postfix=stack.enter_context(Postfix(folder / "s", authority, dovecot)),
        )

    @property
    def people(self) -> dict[str, Person]:
        """The accounts by what is special about them: normal, kanji, quota-85, …"""
        return PEOPLE

    @property
    def ca_file(self) -> Path:
        """The trust anchor of every good certificate here."""
        return self.authority.ca_file

    @property
    def resolver(self) -> tuple[str, int]:
        """Host and port of the name server."""
        return self.name_server.resolver

    def outbound(self) -> Outbound:
        """The door to the network with this world's names, trust and addresses."""
        return Outbound(allow_networks=NETWORKS, resolver=self.resolver, ca_file=self.ca_file)

    def variables(self, data: Path) -> dict[str, str]:
        """The HAGAKI_ variables with which a Hagaki of its own finds this world."""
        return {
            "HAGAKI_DATA": str(data),
            "HAGAKI_CA_FILE": str(self.ca_file),
            "HAGAKI_ALLOW_NETWORKS": "127.0.0.0/8",
            "HAGAKI_RESOLVER": self.name_server.address,
        }

    def incoming(
        self,
        protocol: Protocol = Protocol.IMAP,
        socket_type: SocketType = SocketType.SSL,
        *,
        host: str = MAIL_HOST,
        username: str = ADDRESS,
    ) -> Server:
        """The server to read mail from."""
        ports = {
            (Protocol.IMAP, SocketType.SSL): self.dovecot.imaps,
            (Protocol.IMAP, SocketType.STARTTLS): self.dovecot.imap,
            (Protocol.POP3, SocketType.SSL): self.dovecot.pop3s,
            (Protocol.POP3, SocketType.STARTTLS): self.dovecot.pop3,
        }
        port = ports[protocol, socket_type]
        return Server(protocol=protocol, hostname=host, port=port, socket_type=socket_type, username=username)

    def outgoing(
        self, socket_type: SocketType = SocketType.SSL, *, host: str = MAIL_HOST, username: str = ADDRESS
    ) -> Server:
        """The server to send mail through."""
        port = self.postfix.submissions if socket_type is SocketType.SSL else self.postfix.submission
        return Server(protocol=Protocol.SMTP, hostname=host, port=port, socket_type=socket_type, username=username)

    def settings(self, incoming: Server | None = None, outgoing: Server | None = None) -> ServiceSettings:
        """The service of example.com and example.jp; IMAP and SMTP with TLS unless told otherwise."""
        return service((incoming or self.incoming(),), (outgoing or self.outgoing(),))

    def toml(self, incoming: Server | None = None, outgoing: Server | None = None) -> str:
        """The same as `hagaki domain add` reads it."""
        return TOML.format(incoming=incoming or self.incoming(), outgoing=outgoing or self.outgoing())

    def account(
        self, name: str = "normal", *, incoming: Server | None = None, outgoing: Server | None = None
    ) -> MailAccount:
        """The account of the person `name` on these servers."""
        return account_of(PEOPLE[name], self.settings(incoming, outgoing))


def service(incoming: tuple[Server, ...], outgoing: tuple[Server, ...]) -> ServiceSettings:
    """A service for the test domains out of any servers, also none."""
    return ServiceSettings(
        id="example.com",
        display_name="Example Corporation",
        display_short_name="Example",
        domains=("example.com", "example.jp"),
        incoming_servers=incoming,
        outgoing_servers=outgoing,
        source=Source.DOMAIN,
    )


def account_of(person: Person, settings: ServiceSettings) -> MailAccount:
    """A person's account of any service; %EMAILLOCALPART% names serve people with an id."""
    address, problems = parse_address(person.address)
    assert address is not None, problems
    return settings.account(address, "山田 太郎")
