"""Calendar and contacts as the last part of a whole check."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from profiles.model import DavService, MailAccount
from profiles.problems import Code
from tests.servers.environment import NETWORKS
from tests.servers.scripted import Imap, ScriptedServer, Smtp
from tests.servers.test_dav import HOST, dav
from tests.servers.web import Reply, WebServer
from tests.servers.world import CANARY, World, account_on, imap, smtp
from webapp.outbound import Outbound
from webapp.probes import check
from webapp.probes.report import Report, Stage


@pytest.fixture
def web(world: World) -> Iterator[WebServer]:
    with WebServer(world.authority) as running:
        running.routes[HOST, "/dav/"] = dav
        yield running


def checked(
    world: World, web: WebServer, *, login: str = "OK Logged in", password: str | None = CANARY
) -> tuple[Report, list[Stage]]:
    """Check an account with mail, calendar and contacts; the stages as they were told."""
    outbound = Outbound(
        allow_networks=NETWORKS,
        resolver=world.name_server.resolver,
        ca_file=world.authority.ca_file,
        connect_to=web.connect_to(HOST),
    )
    told: list[Stage] = []
    with world.serve(Imap(login=login)) as reader, world.serve(Smtp()) as sender:
        account = with_calendar(reader, sender)
        report = check(account, password, outbound=outbound, on_stage=told.append)
    return report, told


def with_calendar(reader: ScriptedServer, sender: ScriptedServer) -> MailAccount:
    service = DavService(url=f"https://{HOST}/dav/", username="taro@example.com")
    return replace(account_on(imap(reader.port), smtp(sender.port)), calendar=service, addressbook=service)


def dav_stages(report: Report) -> list[tuple[str, str, bool | None]]:
    return [(stage.service, stage.stage.value, stage.ok) for stage in report.stages if "dav" in stage.service]


def test_calendar_and_contacts_are_stages_of_the_check(world: World, web: WebServer) -> None:
    report, told = checked(world, web)

    assert report.problems == ()
    assert dav_stages(report) == [
        ("caldav", "connect", True),
        ("caldav", "login", True),
        ("carddav", "connect", True),
        ("carddav", "login", True),
    ]
    assert [stage.service for stage in told[-4:]] == ["caldav", "caldav", "carddav", "carddav"]
    assert sorted(map(str, told)) == sorted(map(str, report.stages))


def test_a_calendar_that_is_down_only_warns_and_stays(world: World, web: WebServer) -> None:
    web.routes[HOST, "/dav/"] = Reply(status=503)

    report, _ = checked(world, web)

    assert report.ok
    assert [problem.code for problem in report.problems] == [Code.DAV_NOT_USABLE] * 2
    assert report.account.calendar is not None


def test_a_calendar_that_refuses_the_password_is_left_out(world: World, web: WebServer) -> None:
    web.routes[HOST, "/dav/"] = Reply(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})

    report, _ = checked(world, web)

    assert report.ok
    assert {problem.params["reason"] for problem in report.problems} == {"AUTH_WRONG_PASSWORD"}
    assert (report.account.calendar, report.account.addressbook) == (None, None)


def test_after_mail_has_failed_no_calendar_hears_the_password(world: World, web: WebServer) -> None:
    report, _ = checked(world, web, login="NO [AUTHENTICATIONFAILED] no")

    assert web.requests == []
    assert {stage.because for stage in report.stages if "dav" in stage.service} == {Code.AUTH_WRONG_PASSWORD}
    assert Code.DAV_NOT_USABLE not in [problem.code for problem in report.problems]
    assert report.account.calendar is not None


def test_without_a_password_it_is_only_looked_whether_they_answer(world: World, web: WebServer) -> None:
    report, _ = checked(world, web, password=None)

    assert dav_stages(report)[:2] == [("caldav", "connect", True), ("caldav", "login", None)]
    assert all("authorization" not in request.headers for request in web.requests)
