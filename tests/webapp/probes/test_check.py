"""The check on scripted servers on loopback: what the two services decide together, and what it suggests."""

from __future__ import annotations

import threading
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from profiles.model import (
    LocalizedText,
    MailAccount,
    Protocol,
    Server,
    ServiceSettings,
    SignIn,
    SocketType,
)
from profiles.problems import Code
from tests.servers.authority import Authority
from tests.servers.environment import MAIL_HOST, account_of, service
from tests.servers.people import Person
from tests.servers.scripted import (
    Conversation,
    Imap,
    ScriptedServer,
    Smtp,
    free_of_listeners,
    says,
    server_context,
)
from tests.servers.world import UNHURRIED
from webapp.outbound import Outbound
from webapp.probes import check
from webapp.probes.report import Report, Stage, StageName

SECRET = "Kanarienvogel-12"
PERSON = Person(address="taro@example.com", password=SECRET)
REFUSES_IMAP = Imap(login="NO [AUTHENTICATIONFAILED] Authentication failed.")
REFUSES_SMTP = Smtp(login="535 5.7.8 Error: authentication failed")


class House:
    """Scripted servers behind the usual ports of one name."""

    def __init__(self, authority: Authority) -> None:
        self.authority = authority
        self.ports: dict[tuple[str, int], tuple[str, int]] = {}

    def serve(self, port: int, conversation: Conversation, *, tls: bool = True) -> ScriptedServer:
        context = server_context(self.authority.good()) if tls else None
        server = ScriptedServer(conversation, tls=context)
        self.ports[MAIL_HOST, port] = ("127.0.0.1", server.port)
        return server

    def close(self, port: int) -> None:
        self.ports[MAIL_HOST, port] = ("127.0.0.1", free_of_listeners())

    def check(self, *servers: Server, password: str | None = SECRET, **options: Any) -> Report:
        incoming = tuple(server for server in servers if server.protocol is not Protocol.SMTP)
        outgoing = tuple(server for server in servers if server.protocol is Protocol.SMTP)
        settings = service(incoming, outgoing)
        return self.check_account(account_of(PERSON, settings), password, **options)

    def check_account(self, account: MailAccount, password: str | None = SECRET, **options: Any) -> Report:
        outbound = Outbound(
            allow_networks=(ip_network("127.0.0.0/8"),), ca_file=self.authority.ca_file, connect_to=self.ports
        )
        return check(account, password, outbound=outbound, deadlines=UNHURRIED, **options)


@pytest.fixture
def house(authority: Authority) -> House:
    here = House(authority)
    for port in (993, 143, 465, 587):
        here.close(port)
    return here


def imap(port: int = 993, socket_type: SocketType = SocketType.SSL) -> Server:
    return Server(protocol=Protocol.IMAP, hostname=MAIL_HOST, port=port, socket_type=socket_type)


def smtp(port: int = 465, socket_type: SocketType = SocketType.SSL) -> Server:
    return Server(protocol=Protocol.SMTP, hostname=MAIL_HOST, port=port, socket_type=socket_type)


def codes(report: Report) -> list[Code]:
    return [problem.code for problem in report.problems]


def stage(report: Report, service: str, name: StageName) -> Stage:
    return next(stage for stage in report.stages if (stage.service, stage.stage) == (service, name))


def test_refused_password_is_tried_on_one_service_only(house: House) -> None:
    with house.serve(993, REFUSES_IMAP) as reading, house.serve(465, Smtp()) as sending:
        report = house.check(imap(), smtp())

    assert codes(report) == [Code.AUTH_WRONG_PASSWORD]
    assert (reading.logins, sending.logins) == (1, 0)
    untried = stage(report, "smtp", StageName.LOGIN)
    assert (untried.ok, untried.code, untried.because) == (None, Code.NOT_TRIED, Code.AUTH_WRONG_PASSWORD)
    assert stage(report, "smtp", StageName.CAPABILITY).ok


def test_comparing_tells_that_imap_is_off(house: House) -> None:
    with house.serve(993, REFUSES_IMAP) as reading, house.serve(465, Smtp()) as sending:
        report = house.check(imap(), smtp(), compare=True)

    assert codes(report) == [Code.AUTH_WRONG_PASSWORD, Code.IMAP_OFF_LIKELY]
    assert (reading.logins, sending.logins) == (1, 1)


def test_comparing_a_password_that_nobody_takes_offers_the_other_name(house: House) -> None:
    with house.serve(993, REFUSES_IMAP), house.serve(465, REFUSES_SMTP):
        report = house.check(imap(), smtp(), compare=True)

    assert codes(report) == [Code.AUTH_WRONG_PASSWORD, Code.AUTH_WRONG_PASSWORD, Code.USERNAME_FORM_LIKELY]
    assert report.problems[-1].params["suggested_username"] == "taro"


def test_smtp_with_another_password(house: House) -> None:
    with house.serve(993, Imap()), house.serve(465, REFUSES_SMTP):
        report = house.check(imap(), smtp())

    assert codes(report) == [Code.AUTH_WRONG_PASSWORD, Code.SMTP_SEPARATE_LIKELY]


def test_smtp_logs_in_although_the_mailbox_is_broken(house: House) -> None:
    with house.serve(993, Imap(replies={"EXAMINE": "NO [SERVERBUG] broken"})), house.serve(465, Smtp()) as sending:
        report = house.check(imap(), smtp())

    assert codes(report) == [Code.MAILBOX_UNAVAILABLE]
    assert sending.logins == 1


def test_bad_certificate_of_one_port_keeps_the_password_from_the_other(house: House) -> None:
    bad = server_context(house.authority.faulty("expired"))
    with house.serve(993, Imap()) as reading, ScriptedServer(Smtp(), tls=bad) as sending:
        house.ports[MAIL_HOST, 465] = ("127.0.0.1", sending.port)
        report = house.check(imap(), smtp())

    assert Code.CERT_EXPIRED in codes(report)
    assert reading.logins == sending.logins == 0
    assert stage(report, "imap", StageName.LOGIN).because is Code.CERT_EXPIRED


def test_other_port_that_answers_is_suggested(house: House) -> None:
    context = server_context(house.authority.good())
    with house.serve(143, Imap(capability="IMAP4rev1 STARTTLS", starttls=context), tls=False) as other:
        report = house.check(imap())

    (problem,) = report.problems
    assert problem.code is Code.CONNECT_REFUSED
    assert (problem.params["suggested_port"], problem.params["suggested_security"]) == ("143", "STARTTLS")
    assert other.logins == 0


def test_starttls_not_offered_suggests_the_tls_port(house: House) -> None:
    with house.serve(587, Smtp(ehlo=("AUTH PLAIN",)), tls=False), house.serve(465, Smtp()) as other:
        report = house.check(smtp(587, SocketType.STARTTLS))

    (problem,) = report.problems
    assert problem.code is Code.STARTTLS_NOT_OFFERED
    assert (problem.params["suggested_port"], problem.params["suggested_security"]) == ("465", "SSL")
    assert other.logins == 0


def test_nothing_is_suggested_where_nothing_answers(house: House) -> None:
    (problem,) = house.check(imap()).problems

    assert problem.code is Code.CONNECT_REFUSED
    assert "suggested_port" not in problem.params


def provider(**changes: Any) -> ServiceSettings:
    advice = LocalizedText(texts=(("en", "Make an app password."), ("ja", "アプリ パスワードを作ります。")))
    return replace(service((imap(),), ()), refusal_advice=advice, **changes)


def test_provider_that_wants_an_app_password(house: House) -> None:
    with house.serve(993, REFUSES_IMAP):
        report = house.check_account(account_of(PERSON, provider(sign_in=SignIn.APP_PASSWORD)))

    (problem,) = report.problems
    assert problem.code is Code.AUTH_APP_PASSWORD
    advice: object = problem.params["advice"]
    assert isinstance(advice, LocalizedText)
    assert advice.get("en") == "Make an app password."


def test_oauth_provider_gets_no_password(house: House) -> None:
    with house.serve(993, Imap(capability="IMAP4rev1 AUTH=XOAUTH2")) as reading:
        report = house.check_account(account_of(PERSON, provider(sign_in=SignIn.OAUTH)))

    assert report.problems == ()
    assert reading.logins == 0
    assert stage(report, "imap", StageName.LOGIN).code is Code.NOT_TRIED


@pytest.mark.parametrize(("password", "code"), [("a\r\nb", Code.PASSWORD_UNUSABLE), ("", Code.PASSWORD_MISSING)])
def test_unusable_password_opens_no_connection(house: House, password: str, code: Code) -> None:
    with house.serve(993, Imap()) as reading:
        report = house.check(imap(), password=password)

    assert codes(report) == [code]
    assert not report.ok
    assert reading.records == []
    assert {stage.because for stage in report.stages} == {code}


def test_stages_are_told_as_they_end_and_never_two_at_once(house: House) -> None:
    told: list[Stage] = []
    inside = threading.Lock()

    def tell(stage: Stage) -> None:
        assert inside.acquire(blocking=False)
        told.append(stage)
        inside.release()

    with house.serve(993, Imap()), house.serve(465, Smtp()):
        report = house.check(imap(), smtp(), on_stage=tell)

    assert sorted(map(repr, told)) == sorted(map(repr, report.stages))


def test_same_missing_name_is_named_once(house: House) -> None:
    servers = (replace(imap(), hostname="nowhere.invalid"), replace(smtp(), hostname="nowhere.invalid"))

    assert codes(house.check(*servers)) == [Code.DNS_NXDOMAIN]


def test_folders_by_the_thousand_are_no_fault(house: House) -> None:
    lines = "\n".join(f'* LIST (\\HasNoChildren) "/" "Folder {number:0900}"' for number in range(1500))
    with house.serve(993, Imap(replies={"LIST": lines + "\nOK done"})):
        report = house.check(imap())

    assert report.ok


def test_password_that_a_server_echoes_is_hidden(house: House) -> None:
    with house.serve(993, Imap(login=f"NO you said {SECRET}", capability="IMAP4rev1")):
        report = house.check(imap())

    assert SECRET not in repr(report)
    assert report.problems[0].server_text == "NO you said •••"


@pytest.mark.parametrize("greeting", [b"HTTP/1.1 400 Bad Request\r\n", b"SSH-2.0-x\r\n", b"\x00" * 9000])
def test_garbage_in_clear_after_a_tls_attempt(house: House, greeting: bytes) -> None:
    with house.serve(993, says(greeting), tls=False):
        report = house.check(imap())

    assert codes(report) == [Code.NOT_A_MAIL_SERVER]
