"""A hosted domain as it should be: DNS, certificates and the real endpoints. Tests then break one thing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from profiles.codes import Code
from profiles.dns_records import RecordType, records, zone_value
from profiles.model import Protocol, ServiceSettings, SocketType
from tests.servers.authority import Authority
from tests.servers.dns import NameServer
from tests.servers.processes import PATIENCE
from tests.servers.web import ANY, Reply, WebServer, wsgi
from tests.webapp.endpoints.asking import Hosted, server, service
from webapp.config import load
from webapp.doctor import Examination, examine
from webapp.doctor.visit import Visit
from webapp.doctor.walk import Outcome
from webapp.endpoints import Discovery
from webapp.outbound import Outbound

DOMAIN = "example.com"
SERVICE_HOST = "hagaki.example.net"
BASE_URL = f"https://{SERVICE_HOST}"
PREFIXES = ("autoconfig", "autodiscover", "ua-auto-config")
CONFIG = "/mail/config-v1.1.xml"
WELL_KNOWN = "/.well-known/autoconfig/mail/config-v1.1.xml"
POX = "/autodiscover/autodiscover.xml"
PACC = "/.well-known/user-agent-configuration.json"
MAIL_HOST = f"mail.{DOMAIN}"
PAGE = Reply(body=b"<!doctype html><html><title>Welcome</title></html>", content_type="text/html")


def settings(**changes: Any) -> ServiceSettings:
    """One IMAP and one SMTP server, both with TLS from the start."""
    values: dict[str, Any] = {
        "incoming_servers": (server(Protocol.IMAP, 993),),
        "outgoing_servers": (server(Protocol.SMTP, 465),),
    }
    return service(DOMAIN, **(values | changes))


@dataclass
class Hosting:
    """The domain's world. `web` answers on 443, `plain` on 80; every name leads to 127.0.0.1."""

    settings: ServiceSettings
    authority: Authority
    names: NameServer
    web: WebServer
    plain: WebServer
    overrides: dict[tuple[str, int], tuple[str, int]] = field(default_factory=dict)

    def publish(self) -> None:
        """Put everything in place as `hagaki domain dns` and the operator's guide say."""
        self._publish_names()
        config = load({"HAGAKI_BASE_URL": BASE_URL, "HAGAKI_TRUSTED_PROXIES": "127.0.0.0/8"})
        application = wsgi(Discovery(Hosted(self.settings), config, _nothing))
        hosts = (*(f"{prefix}.{DOMAIN}" for prefix in PREFIXES), SERVICE_HOST)
        for host in hosts:
            self.web.routes[host, ANY] = self.plain.routes[host, ANY] = application
        self.web.certificates[SERVICE_HOST] = self.authority.issue(SERVICE_HOST)
        # example.com itself is the company's web site, which knows none of our paths.
        self.overrides |= self.web.connect_to(*hosts, DOMAIN) | self.plain.connect_to(*hosts, DOMAIN)
        here = self.settings.for_domain(DOMAIN)
        for one in (*here.incoming_servers, *here.outgoing_servers):
            # TLS is all that the doctor asks of a mail server. Behind STARTTLS nobody listens, which is no fault.
            port = self.web.port if one.socket_type is SocketType.SSL else 1
            self.overrides[one.hostname, one.port] = (self.web.host, port)

    def _publish_names(self) -> None:
        zone = self.names.records
        for record in records(self.settings, DOMAIN, SERVICE_HOST):
            value = zone_value(record) if record.type is RecordType.TXT else record.value
            zone.setdefault((record.name, str(record.type)), []).append(value)
        for host in (DOMAIN, SERVICE_HOST, MAIL_HOST):
            zone[host, "A"] = ["127.0.0.1"]
        zone[DOMAIN, "MX"] = [f"10 {MAIL_HOST}."]

    def outbound(self) -> Outbound:
        """The door of the command line, led to this world."""
        return Outbound.unrestricted(
            resolver=self.names.resolver, ca_file=self.authority.ca_file, connect_to=self.overrides
        )

    def examine(self, *, hosted: bool = True, outbound: Outbound | None = None, **more: Any) -> Examination:
        """Let the doctor look; `hosted` False is a domain of strangers."""
        known = self.settings if hosted else None
        more = {"service_host": SERVICE_HOST, "seconds": PATIENCE} | more
        return examine(DOMAIN, outbound or self.outbound(), settings=known, **more)

    def take_away(self, name: str, *kinds: str) -> None:
        """Remove a name from DNS."""
        for kind in kinds or ("A", "CNAME", "SRV", "TXT", "MX"):
            self.names.records.pop((name, kind), None)
        for port in () if kinds else (443, 80):
            self.overrides.pop((name, port), None)

    def served(self, host: str, path: str) -> Reply:
        """What the healthy service answers there now, to be changed a little."""
        outbound = self.outbound()
        answer = outbound.https_get(f"https://{host}{path}", deadline=PATIENCE)
        return Reply(body=answer.body, content_type=answer.headers["content-type"])

    def change(self, host: str, path: str, old: str, new: str, **reply: Any) -> None:
        """Serve the document with one thing changed."""
        served = self.served(host, path)
        assert old.encode() in served.body
        body = served.body.replace(old.encode(), new.encode())
        self.web.routes[host, path] = Reply(**({"body": body, "content_type": served.content_type} | reply))


@contextmanager
def hosting(authority: Authority, hosted: ServiceSettings | None = None) -> Iterator[Hosting]:
    """Start the world of a healthy domain."""
    with NameServer() as names, WebServer(authority) as web, WebServer(None) as plain:
        world = Hosting(settings=hosted or settings(), authority=authority, names=names, web=web, plain=plain)
        world.publish()
        yield world


def codes(examination: Examination) -> set[Code]:
    """All codes that were found."""
    return {problem.code for problem in examination.problems}


def outcome(examination: Examination, client: str) -> Outcome:
    """One client's outcome."""
    (found,) = (one for one in examination.outcomes if one.client == client)
    return found


def visited(examination: Examination, client: str) -> list[str]:
    """Where one client looked, in its order."""
    return [step.what for step in outcome(examination, client).steps]


def answer(body: bytes = b"", status: int = 200, **headers: str) -> Visit:
    """An answer as a client got it, for the readers of documents."""
    given = {"content-type": "text/xml"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return Visit(method="GET", url=f"https://autoconfig.{DOMAIN}{CONFIG}", status=status, headers=given, body=body)


def _nothing(_environ: Any, start_response: Any) -> list[bytes]:
    start_response("404 Not Found", [("Content-Type", "text/plain")])
    return [b"Not found.\n"]
