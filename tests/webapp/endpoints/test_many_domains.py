"""5,000 domains: every answer obeys the rules, and the formats of a domain say the same."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest

from profiles.model import LOCAL_PART, Protocol, ServiceSettings
from tests.webapp.endpoints.asking import Hosted, ask, pox, server, service
from tests.webapp.endpoints.conftest import BASE_URL, fallback
from webapp.config import load
from webapp.endpoints import Discovery

COUNT = 5_000
Way = tuple[str, str, str, str, str]
"""Type, host, port, security and user name of a server."""

SECURITY = {"SSL": "SSL", "TLS": "STARTTLS"}
NAMES = {"%EMAILADDRESS%": "taro@{domain}", "%EMAILLOCALPART%": "taro"}


def settings(number: int) -> ServiceSettings:
    """The settings of one of the domains: ports, user names and hosts differ."""
    direct, local, shared = number % 2 == 0, number % 3 == 0, number % 5 == 0
    more = {"username": LOCAL_PART} if local else {}
    host = "mail.host.example" if shared else f"mx{number}.%EMAILDOMAIN%"
    incoming = [server(Protocol.IMAP, 993 if direct else 143, host, **more)]
    if number % 7 == 0:
        incoming.append(server(Protocol.POP3, 995, host, **more))
    return service(
        f"customer-{number}.example",
        incoming_servers=tuple(incoming),
        outgoing_servers=(server(Protocol.SMTP, 465 if direct else 587, host, **more),),
    )


@pytest.fixture(scope="module")
def domains() -> dict[str, ServiceSettings]:
    """The set."""
    return {each.id: each for each in map(settings, range(COUNT))}


@pytest.fixture(scope="module")
def application(domains: dict[str, ServiceSettings]) -> Discovery:
    """Discovery over the set."""
    return Discovery(Hosted(*domains.values()), load({"HAGAKI_BASE_URL": BASE_URL}), fallback)


def test_formats_of_every_domain_agree_and_name_no_neighbour(
    application: Discovery, domains: dict[str, ServiceSettings]
) -> None:
    for domain, own in domains.items():
        autoconfig = ask(application, "GET", "/mail/config-v1.1.xml", host=f"autoconfig.{domain}")
        autodiscover = ask(application, "POST", "/autodiscover/autodiscover.xml", body=pox(f"taro@{domain}"))

        wanted = expected(own, domain)
        assert read_autoconfig(autoconfig.body, domain) == wanted
        assert read_autodiscover(autodiscover.body) == wanted
        assert names_in(autoconfig.body) | names_in(autodiscover.body) == {domain.encode()}


def test_pacc_of_every_domain_agrees_or_is_left_out(
    application: Discovery, domains: dict[str, ServiceSettings]
) -> None:
    for domain, own in domains.items():
        path = "/.well-known/user-agent-configuration.json"
        reply = ask(application, "GET", path, host=f"ua-auto-config.{domain}")

        ways = expected(own, domain)
        fits = all(security == "SSL" and user == f"taro@{domain}" for _, _, _, security, user in ways)
        assert reply.status == (200 if fits else 404)
        if fits:
            protocols = json.loads(reply.body)["protocols"]
            assert protocols["submit"] == protocols["smtp"]
            assert {kind: protocols[kind]["host"] for kind, *_ in ways} == {kind: host for kind, host, *_ in ways}


def expected(own: ServiceSettings, domain: str) -> list[Way]:
    """What every format has to say."""
    return [
        (
            str(each.protocol),
            each.hostname.replace("%EMAILDOMAIN%", domain),
            str(each.port),
            str(each.socket_type),
            NAMES[each.username].format(domain=domain),
        )
        for each in own.incoming_servers + own.outgoing_servers
    ]


def read_autoconfig(body: bytes, domain: str) -> list[Way]:
    """The servers of an autoconfig answer, as a client reads them."""
    provider = ElementTree.fromstring(body)[0]
    assert provider.get("id") == provider.findtext("domain") == domain
    servers = provider.findall("incomingServer") + provider.findall("outgoingServer")
    return [
        (
            element.get("type", ""),
            element.findtext("hostname", ""),
            element.findtext("port", ""),
            element.findtext("socketType", ""),
            NAMES[element.findtext("username", "")].format(domain=domain),
        )
        for element in servers
    ]


def read_autodiscover(body: bytes) -> list[Way]:
    """The servers of a POX answer, as Outlook reads them."""

    def text(element: ElementTree.Element, name: str) -> str:
        return element.findtext("{*}" + name, "")

    return [
        (
            text(element, "Type").lower(),
            text(element, "Server"),
            text(element, "Port"),
            SECURITY[text(element, "Encryption")],
            text(element, "LoginName"),
        )
        for element in ElementTree.fromstring(body).iterfind(".//{*}Protocol")
    ]


def names_in(body: bytes) -> set[bytes]:
    """The customers' domains that appear in an answer."""
    return {name + b".example" for name in re.findall(rb"customer-\d+", body)}
