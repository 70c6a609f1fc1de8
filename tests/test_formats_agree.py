"""Every output states the same host, port, security and user name. Each is read back by a reader of its own."""

from __future__ import annotations

import json
import plistlib
from dataclasses import dataclass
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.formats import FORMATS
from profiles.model import DEFAULT_PORTS, Protocol, RenderOptions, Server, SocketType
from profiles.settings_sheet import rows
from tests.profiles.accounts import COMPLETE, POP3_ONLY, SUBMISSION, account, service

OUTLOOK = "{http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a}"


@dataclass(frozen=True)
class Stated:
    """What an output says about one server."""

    protocol: str
    hostname: str
    port: int
    security: str
    username: str


def chosen(server: Server) -> Stated:
    return Stated(server.protocol.value, server.hostname, server.port, server.socket_type.value, server.username)


def read_mobileconfig(data, mail_account):
    mail = plistlib.loads(data)["PayloadContent"][0]
    protocol = {"EmailTypeIMAP": "imap", "EmailTypePOP": "pop3"}[mail["EmailAccountType"]]
    return tuple(
        Stated(
            name,
            mail[f"{side}MailServerHostName"],
            mail[f"{side}MailServerPortNumber"],
            # The only switch is TLS or none; devices take 587 for STARTTLS.
            {True: "STARTTLS" if mail[f"{side}MailServerPortNumber"] == 587 else "SSL"}[
                mail[f"{side}MailServerUseSSL"]
            ],
            mail[f"{side}MailServerUsername"],
        )
        for side, name in (("Incoming", protocol), ("Outgoing", "smtp"))
    )


def read_autoconfig(data, mail_account):
    provider = fromstring(data).find("emailProvider")
    address = mail_account.address

    def stated(element):
        template = element.findtext("username")
        filled = template.replace("%EMAILADDRESS%", str(address)).replace("%EMAILLOCALPART%", address.local)
        return Stated(
            element.get("type"),
            element.findtext("hostname"),
            int(element.findtext("port")),
            element.findtext("socketType"),
            filled,
        )

    return stated(provider.find("incomingServer")), stated(provider.find("outgoingServer"))


def read_autodiscover(data, mail_account):
    def stated(protocol):
        assert protocol.findtext(f"{OUTLOOK}SSL") == "on"
        return Stated(
            protocol.findtext(f"{OUTLOOK}Type").lower(),
            protocol.findtext(f"{OUTLOOK}Server"),
            int(protocol.findtext(f"{OUTLOOK}Port")),
            {"SSL": "SSL", "TLS": "STARTTLS"}[protocol.findtext(f"{OUTLOOK}Encryption")],
            protocol.findtext(f"{OUTLOOK}LoginName"),
        )

    found = [stated(protocol) for protocol in fromstring(data).iter(f"{OUTLOOK}Protocol")]
    return found[0], found[-1]


def read_pacc(data, mail_account):
    protocols = json.loads(data)["protocols"]
    name = "imap" if "imap" in protocols else "pop3"
    ports = {"imap": 993, "pop3": 995}
    address = str(mail_account.address)
    return (
        Stated(name, protocols[name]["host"], ports[name], "SSL", address),
        Stated("smtp", protocols["submit"]["host"], 465, "SSL", address),
    )


def read_k9s(data, mail_account):
    def stated(element):
        return Stated(
            element.get("type").lower(),
            element.findtext("host"),
            int(element.findtext("port")),
            {"SSL_TLS_REQUIRED": "SSL", "STARTTLS_REQUIRED": "STARTTLS"}[element.findtext("connection-security")],
            element.findtext("username"),
        )

    root = fromstring(data)
    return stated(root.find(".//incoming-server")), stated(root.find(".//outgoing-server"))


def read_thunderbird_qr(data, mail_account):
    def stated(protocol, host, port, security, _auth, username, *_rest):
        return Stated(protocol, host, port, {2: "STARTTLS", 3: "SSL"}[security], username)

    _, _, (number, *incoming), [[(_, *outgoing), _]] = json.loads(data)
    return stated({0: "imap", 1: "pop3"}[number], *incoming), stated("smtp", *outgoing)


def read_sheet(data, mail_account):
    values = {row.key: row.value for row in rows(mail_account, RenderOptions())}
    assert all(value in data.decode() for value in values.values())

    def stated(side, protocol):
        return Stated(
            protocol,
            values[f"{side}.hostname"],
            int(values[f"{side}.port"]),
            {"SSL/TLS": "SSL", "STARTTLS": "STARTTLS"}[values[f"{side}.socketType"]],
            values[f"{side}.username"],
        )

    protocol = "imap" if "(IMAP)" in data.decode() else "pop3"
    return stated("incoming", protocol), stated("outgoing", "smtp")


READERS = {
    "mobileconfig": read_mobileconfig,
    "autoconfig": read_autoconfig,
    "autodiscover": read_autodiscover,
    "pacc": read_pacc,
    "k9s": read_k9s,
    "thunderbird-qr": read_thunderbird_qr,
    "sheet": read_sheet,
}


def assert_agrees(name, mail_account):
    data = FORMATS[name].render(mail_account, RenderOptions(password="secret")).data

    stated = READERS[name](data, mail_account)

    assert stated == (chosen(mail_account.incoming_server), chosen(mail_account.outgoing_server))


def test_every_format_has_a_reader():
    assert set(READERS) == set(FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_format_states_the_accounts_servers(name):
    assert_agrees(name, account(COMPLETE))


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "pacc"])
@pytest.mark.parametrize("settings", [POP3_ONLY, service(outgoing_servers=(SUBMISSION,))], ids=["pop3", "587"])
def test_format_states_what_pacc_cannot(name, settings):
    assert_agrees(name, account(settings))


HOSTS = st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z0-9])?\.example", fullmatch=True)
USERNAMES = st.sampled_from(["%EMAILADDRESS%", "%EMAILLOCALPART%", "%EMAILLOCALPART%.%EMAILDOMAIN%", "d&account"])


@st.composite
def servers(draw, protocol, kinds):
    kind = draw(st.sampled_from(kinds))
    return Server(
        protocol=protocol,
        hostname=draw(HOSTS),
        port=DEFAULT_PORTS[protocol, kind],
        socket_type=kind,
        username=draw(USERNAMES),
    )


@given(st.data())
def test_any_service_is_stated_alike(data):
    protocol = data.draw(st.sampled_from([Protocol.IMAP, Protocol.POP3]))
    settings = service(
        incoming_servers=(data.draw(servers(protocol, [SocketType.SSL])),),
        outgoing_servers=(data.draw(servers(Protocol.SMTP, list(SocketType))),),
    )

    for name in FORMATS:
        if name != "pacc":
            assert_agrees(name, account(settings))
