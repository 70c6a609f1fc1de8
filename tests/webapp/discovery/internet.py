"""A small internet on loopback: names, web servers and mail servers, and a search that goes through it."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from ipaddress import ip_network
from typing import Any

from profiles.address import Address
from profiles.model import Server, ServiceSettings
from tests.servers.authority import Authority
from tests.servers.dns import NameServer, zone
from tests.servers.processes import PATIENCE
from tests.servers.scripted import Conversation, ScriptedServer, server_context
from tests.servers.web import Reply, WebServer
from webapp.directory import providers
from webapp.discovery.candidates import Discovery
from webapp.discovery.found import Ask, Found, Question
from webapp.discovery.search import Searcher
from webapp.outbound import Deadline, Outbound
from webapp.probes.diagnosis import answers

TARO = Address("taro", "example.com")
ISPDB = "https://ispdb.example.com/v1.1/"
LOOPBACK = (ip_network("127.0.0.0/8"),)
AUTOCONFIG = "/mail/config-v1.1.xml"
WELL_KNOWN = "/.well-known/autoconfig/mail/config-v1.1.xml"
PACC = "/.well-known/user-agent-configuration.json"

SERVER = (
    '<{tag} type="{type}"><hostname>{host}</hostname><port>{port}</port><socketType>{socket}</socketType>'
    "<authentication>{authentication}</authentication><username>{username}</username></{tag}>"
)


def server(type: str, host: str, port: int, socket: str = "SSL", **more: str) -> str:
    """One server entry of an autoconfig document."""
    values = {"authentication": "password-cleartext", "username": "%EMAILADDRESS%", **more}
    tag = "outgoingServer" if type == "smtp" else "incomingServer"
    return SERVER.format(tag=tag, type=type, host=host, port=port, socket=socket, **values)


def document(*servers: str, head: str = "", extra: str = "") -> bytes:
    """An autoconfig document; without servers, IMAP and SMTP at mail.example.com."""
    inside = "".join(servers) or server("imap", "mail.example.com", 993) + server("smtp", "mail.example.com", 465)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{head}<clientConfig version="1.1"><emailProvider id="example.com">'
        f"<domain>example.com</domain><displayName>Example Mail</displayName>{inside}{extra}"
        "</emailProvider></clientConfig>"
    ).encode()


def pacc_document(**protocols: Any) -> bytes:
    """A PACC document; without protocols, IMAP and SMTP at mail.example.com."""
    named = protocols or {"imap": {"host": "mail.example.com"}, "submit": {"host": "mail.example.com"}}
    return json.dumps({"protocols": named, "info": {"provider": {"name": "Example"}}}).encode()


def digest(body: bytes) -> str:
    """The TXT record of a PACC document."""
    return f'"v=UAAC1; a=sha256; d={b64encode(sha256(body).digest()).decode()}"'


@dataclass(eq=False)
class Internet:
    """Every web server's name and every mail port is led to a server here; nothing leaves loopback."""

    authority: Authority
    name_server: NameServer
    web: WebServer
    stack: ExitStack
    ports: dict[tuple[str, int], tuple[str, int]] = field(default_factory=dict)
    mail: list[ScriptedServer] = field(default_factory=list)

    def has(self, *lines: str) -> None:
        """Add `name TYPE text` lines to DNS."""
        for key, texts in zone(lines).items():
            self.name_server.records.setdefault(key, []).extend(texts)

    def publishes(self, host: str, path: str, reply: Reply | bytes) -> None:
        """Let a web server have a page."""
        self.has(f"{host} A 127.0.0.1")
        self.web.routes[host, path] = reply

    def answers_at(self, host: str, port: int, conversation: Conversation, *, tls: bool = True) -> ScriptedServer:
        """Run a mail server where `host:port` leads to."""
        context = server_context(self.authority.good()) if tls else None
        running = self.stack.enter_context(ScriptedServer(conversation, tls=context))
        self.ports[host, port] = (running.host, running.port)
        self.mail.append(running)
        return running

    def outbound(self) -> Outbound:
        """The command line's door: any address."""
        hosts = {name for name, kind in self.name_server.records if kind == "A"}
        leads = {**self.web.connect_to(*hosts), **self.ports}
        return Outbound.unrestricted(
            resolver=self.name_server.resolver, ca_file=self.authority.ca_file, connect_to=leads
        )

    def guarded(self, **more: Any) -> Outbound:
        """The door that people on the web have: public addresses only."""
        return Outbound(
            resolver=self.name_server.resolver,
            ca_file=self.authority.ca_file,
            registered=lambda host, port: False,
            **more,
        )

    def question(self, *, outbound: Outbound | None = None, domain: str = "example.com", **more: Any) -> Question:
        """What a single source is asked."""
        door = outbound or self.outbound()
        values = {"deadline": Deadline(PATIENCE), "providers": providers(), "ispdb_url": ISPDB, **more}
        return Question(domain=domain, outbound=door, answers=partial(answers, outbound=door), **values)

    def ask(self, source: Ask, **more: Any) -> list[Found]:
        """Ask one source."""
        return list(source(self.question(**more)))

    def search(self, address: Address = TARO, *, outbound: Outbound | None = None, **more: Any) -> Discovery:
        """Search everywhere."""
        door = outbound or self.outbound()
        values = {"providers": providers(), "ispdb_url": ISPDB, "seconds": PATIENCE, **more}
        return Searcher(outbound=door, answers=partial(answers, outbound=door), **values).search(address)

    def logins(self) -> int:
        """How many log-ins the mail servers saw."""
        return sum(running.logins for running in self.mail)


def endpoints(settings: ServiceSettings) -> list[str]:
    """The servers of settings, in order, as one readable list."""
    return [named(each) for each in settings.incoming_servers + settings.outgoing_servers]


def named(each: Server) -> str:
    """A server in a few words."""
    return f"{each.protocol} {each.endpoint} {each.socket_type}"


def sources(found: Iterable[Any]) -> list[str]:
    """The sources of candidates or findings."""
    return [str(each.source) for each in found]
