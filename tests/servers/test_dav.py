"""CalDAV and CardDAV: found at the well-known place, signed in to once, and every refusal told."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from profiles.model import DavService, MailAccount
from profiles.problems import Code
from tests.servers.environment import NETWORKS
from tests.servers.web import Reply, WebRequest, WebServer
from tests.servers.world import CANARY, World, account_on, imap
from webapp.outbound import Outbound
from webapp.probes.dav import DavReport, check_dav
from webapp.probes.report import StageName

HOST = "dav.example.com"
BASIC = "Basic " + base64.b64encode(f"taro@example.com:{CANARY}".encode()).decode()
PRINCIPAL = b"""<?xml version="1.0"?><d:multistatus xmlns:d="DAV:"><d:response><d:href>/dav/</d:href><d:propstat>
<d:prop><d:current-user-principal><d:href>/principals/taro/</d:href></d:current-user-principal></d:prop>
<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response></d:multistatus>"""


def dav(request: WebRequest) -> Reply:
    """A server that wants the right password."""
    if request.headers.get("authorization") == BASIC:
        return Reply(status=207, body=PRINCIPAL)
    return Reply(status=401, headers={"WWW-Authenticate": 'Basic realm="dav"'})


def account(path: str = "/") -> MailAccount:
    """Mail, calendar and contacts."""
    service = DavService(url=f"https://{HOST}{path}", username="taro@example.com")
    return replace(account_on(imap(993)), calendar=service, addressbook=service)


def run(world: World, web: WebServer, mail: MailAccount, password: str | None = CANARY) -> DavReport:
    """Check against the web server of the test."""
    outbound = Outbound(
        allow_networks=NETWORKS,
        resolver=world.name_server.resolver,
        ca_file=world.authority.ca_file,
        connect_to=web.connect_to(HOST, "evil.example.com"),
    )
    return check_dav(mail, password, outbound=outbound)


def codes(report: DavReport) -> list[Code]:
    """The codes of all problems."""
    return [problem.code for problem in report.problems]


def test_principal_is_found_behind_the_well_known_redirect(world: World) -> None:
    with WebServer(world.authority) as web:
        for name in ("caldav", "carddav"):
            web.routes[HOST, f"/.well-known/{name}"] = Reply(status=301, headers={"Location": "/dav/"})
        web.routes[HOST, "/dav/"] = dav
        report = run(world, web, account())

    assert codes(report) == []
    assert report.principals == (
        ("caldav", f"https://{HOST}/principals/taro/"),
        ("carddav", f"https://{HOST}/principals/taro/"),
    )
    # Asked for the place without the password, then once with it, for each service.
    assert sum("authorization" in request.headers for request in web.requests) == 2


def test_wrong_password_is_tried_once(world: World) -> None:
    with WebServer(world.authority) as web:
        web.routes[HOST, "/dav/"] = dav
        report = run(world, web, replace(account("/dav/"), addressbook=None), "something else")

    assert codes(report) == [Code.AUTH_WRONG_PASSWORD]
    assert sum("authorization" in request.headers for request in web.requests) == 1


def test_password_does_not_follow_a_redirect(world: World) -> None:
    """The place is found first; the password goes to the last address only if it is still the host's own."""

    def redirects_when_signed_in(request: WebRequest) -> Reply:
        if "authorization" in request.headers:
            return Reply(status=302, headers={"Location": "https://evil.example.com/"})
        return Reply(status=401, headers={"WWW-Authenticate": "Basic"})

    with WebServer(world.authority) as web:
        web.routes[HOST, "/dav/"] = redirects_when_signed_in
        web.routes["evil.example.com", "/"] = dav
        report = run(world, web, replace(account("/dav/"), addressbook=None))

    assert not [request for request in web.requests if request.host == "evil.example.com"]
    assert codes(report) != []


def test_place_on_another_host_does_not_get_the_password(world: World) -> None:
    with WebServer(world.authority) as web:
        web.routes[HOST, "/dav/"] = Reply(status=302, headers={"Location": "https://evil.example.com/"})
        web.routes["evil.example.com", "/"] = dav
        report = run(world, web, replace(account("/dav/"), addressbook=None))

    assert codes(report) == [Code.TARGET_NOT_ALLOWED]
    assert not any("authorization" in request.headers for request in web.requests)


def test_without_a_password_only_the_place_is_checked(world: World) -> None:
    with WebServer(world.authority) as web:
        web.routes[HOST, "/dav/"] = dav
        report = run(world, web, account("/dav/"), None)

    assert codes(report) == []
    assert {stage.ok for stage in report.stages if stage.stage is StageName.LOGIN} == {None}


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(status=404), Code.SERVER_SAID_NO),
        (Reply(status=403), Code.AUTH_NOT_AUTHORIZED),
        (Reply(status=429), Code.AUTH_RATE_LIMITED),
        (Reply(status=503), Code.SERVER_UNAVAILABLE),
        (Reply(status=401, headers={"WWW-Authenticate": "Bearer"}), Code.AUTH_OAUTH_REQUIRED),
        (Reply(status=401, headers={"WWW-Authenticate": "Negotiate"}), Code.AUTH_NO_COMMON_MECHANISM),
        (Reply(status=302, headers={"Location": "/dav/"}), Code.SERVER_SAID_NO),
    ],
)
def test_service_that_says_no(world: World, reply: Reply, code: Code) -> None:
    with WebServer(world.authority) as web:
        web.routes[HOST, "/dav/"] = reply
        report = run(world, web, replace(account("/dav/"), addressbook=None))

    assert codes(report) == [code]
    assert not any("authorization" in request.headers for request in web.requests)


def test_bad_certificate_gets_no_password(world: World) -> None:
    with WebServer(world.authority) as web:
        web.certificates[HOST] = world.authority.faulty("self-signed")
        web.routes[HOST, "/dav/"] = dav
        report = run(world, web, replace(account("/dav/"), addressbook=None))

    assert codes(report) != []
    assert web.requests == []


def test_xml_with_a_bomb_is_refused(world: World) -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>'

    def answers(request: WebRequest) -> Reply:
        return Reply(status=207, body=bomb) if "authorization" in request.headers else dav(request)

    with WebServer(world.authority) as web:
        web.routes[HOST, "/dav/"] = answers
        report = run(world, web, replace(account("/dav/"), addressbook=None))

    assert codes(report) == [Code.SERVER_SAID_NO]
