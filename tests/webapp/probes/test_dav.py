"""CalDAV and CardDAV on a small server of the test: where it is and whether it takes the password."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from typing import ClassVar

import pytest

from profiles.model import DavService, MailAccount
from profiles.problems import Code
from tests.servers.authority import Authority
from tests.servers.environment import account_of, service
from tests.servers.people import Person
from tests.servers.scripted import server_context
from webapp.outbound import Outbound
from webapp.probes.dav import DavReport, check_dav

PASSWORD = "Kanarienvogel-11 秘密"
URL = "https://dav.example.com/"
PRINCIPAL = (
    b'<?xml version="1.0"?><multistatus xmlns="DAV:"><response><href>/dav/</href><propstat><prop>'
    b"<current-user-principal><href>/dav/principals/taro/</href></current-user-principal>"
    b"</prop></propstat></response></multistatus>"
)


class Dav(BaseHTTPRequestHandler):
    """A WebDAV server with one person."""

    offered: ClassVar[str] = 'Basic realm="dav"'
    location: ClassVar[str] = "/dav/"
    answer: ClassVar[tuple[int, bytes]] = (207, PRINCIPAL)
    authorizations: ClassVar[list[str]] = []

    def do_PROPFIND(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        authorization = self.headers.get("Authorization")
        if authorization is not None:
            self.authorizations.append(authorization)
        if self.path.startswith("/.well-known/"):
            self._say(301, b"", Location=self.location)
        elif authorization is None:
            self._say(401, b"", **{"WWW-Authenticate": self.offered})
        elif base64.b64decode(authorization.removeprefix("Basic ")) == f"taro@example.com:{PASSWORD}".encode():
            self._say(*self.answer)
        else:
            self._say(401, b"", **{"WWW-Authenticate": self.offered})

    def _say(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Be quiet."""


@pytest.fixture
def outbound(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[Outbound]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Dav)
    server.socket = server_context(authority.good()).wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    monkeypatch.setattr(Dav, "authorizations", [])
    here = ("127.0.0.1", server.server_address[1])
    yield Outbound(
        allow_networks=(ip_network("127.0.0.0/8"),),
        ca_file=authority.ca_file,
        connect_to={("dav.example.com", 443): here, ("other.example.com", 443): here},
    )
    server.shutdown()
    server.server_close()
    thread.join()


def account(url: str = URL) -> MailAccount:
    settings = replace(service((), ()), calendar=DavService(url=url))
    return account_of(Person(address="taro@example.com", password=PASSWORD), settings)


def check(outbound: Outbound, password: str | None = PASSWORD, url: str = URL) -> DavReport:
    return check_dav(account(url), password, outbound=outbound)


def codes(report: DavReport) -> list[Code]:
    return [problem.code for problem in report.problems]


def test_principal_is_found_from_the_host_alone(outbound: Outbound) -> None:
    report = check(outbound)

    assert codes(report) == []
    assert [(stage.service, stage.stage, stage.ok) for stage in report.stages] == [
        ("caldav", "connect", True),
        ("caldav", "login", True),
    ]
    assert report.principals == (("caldav", "https://dav.example.com/dav/principals/taro/"),)


def test_wrong_password_is_tried_once(outbound: Outbound) -> None:
    report = check(outbound, "wrong")

    assert codes(report) == [Code.AUTH_WRONG_PASSWORD]
    assert len(Dav.authorizations) == 1


def test_without_password_only_the_place_is_looked_for(outbound: Outbound) -> None:
    report = check(outbound, None, URL + "dav/")

    assert codes(report) == []
    assert [stage.ok for stage in report.stages] == [True, None]
    assert Dav.authorizations == []


@pytest.mark.parametrize(
    ("offered", "code"),
    [("Bearer", Code.AUTH_OAUTH_REQUIRED), ("Digest realm=x", Code.AUTH_NO_COMMON_MECHANISM)],
)
def test_password_is_not_sent_where_basic_is_not_offered(
    outbound: Outbound, monkeypatch: pytest.MonkeyPatch, offered: str, code: Code
) -> None:
    monkeypatch.setattr(Dav, "offered", offered)

    assert codes(check(outbound)) == [code]
    assert Dav.authorizations == []


def test_redirect_does_not_carry_the_password_to_another_host(
    outbound: Outbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Dav, "location", "https://other.example.com/dav/")

    assert codes(check(outbound)) == [Code.TARGET_NOT_ALLOWED]
    assert Dav.authorizations == []


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((403, b""), Code.AUTH_NOT_AUTHORIZED),
        ((503, b""), Code.SERVER_UNAVAILABLE),
        ((207, b"<html>"), Code.SERVER_SAID_NO),
        ((207, b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'), Code.SERVER_SAID_NO),
        (
            (207, b'<a xmlns="DAV:"><current-user-principal><unauthenticated/></current-user-principal></a>'),
            Code.AUTH_WRONG_PASSWORD,
        ),
    ],
)
def test_other_answers(
    outbound: Outbound, monkeypatch: pytest.MonkeyPatch, answer: tuple[int, bytes], code: Code
) -> None:
    monkeypatch.setattr(Dav, "answer", answer)

    assert codes(check(outbound)) == [code]


def test_password_with_a_line_end_never_leaves(outbound: Outbound) -> None:
    assert codes(check(outbound, "a\r\nX: y")) == [Code.PASSWORD_UNUSABLE]
    assert Dav.authorizations == []
