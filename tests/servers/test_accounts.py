"""Every state of an account on a real Dovecot and Postfix, with exactly one log-in per service."""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from profiles.model import Authentication, MailAccount, Protocol, Server, SocketType
from profiles.problems import Code
from tests.servers.dovecot import LIMITED_HOST
from tests.servers.environment import Environment, account_of, service
from tests.servers.people import NO_LOGIN_REASON, PEOPLE, UNSUBSCRIBED_FOLDERS, WRONG, Person
from tests.servers.postfix import SIZE_LIMIT
from tests.servers.world import codes, errors, stage
from webapp.probes import check
from webapp.probes.report import Report, StageName

pytestmark = pytest.mark.servers

INCOMING = [(protocol, kind) for protocol in (Protocol.IMAP, Protocol.POP3) for kind in SocketType]
REFUSED = {
    "wrong": Code.AUTH_WRONG_PASSWORD,
    "disabled": Code.AUTH_WRONG_PASSWORD,
    "no-login": Code.AUTH_ACCOUNT_DISABLED,
    "temporary": Code.AUTH_TEMPORARY,
}
ODD_PASSWORDS = ["kanji", "percent", "quote", "euro", "spaces", "braces", "long"]


def run(environment: Environment, account: MailAccount, password: str | None, *, compare: bool = False) -> Report:
    """Check on the private servers."""
    return check(account, password, outbound=environment.outbound(), compare=compare)


def only_incoming(environment: Environment, person: Person, protocol: Protocol, kind: SocketType) -> MailAccount:
    """The account without its SMTP server."""
    return account_of(person, service((environment.incoming(protocol, kind),), ()))


def only_outgoing(environment: Environment, person: Person, kind: SocketType = SocketType.SSL) -> MailAccount:
    """The account without its incoming server."""
    return account_of(person, service((), (environment.outgoing(kind),)))


@pytest.mark.parametrize(("protocol", "kind"), INCOMING)
@pytest.mark.parametrize("outgoing", list(SocketType))
def test_healthy_account_is_ok(
    environment: Environment, protocol: Protocol, kind: SocketType, outgoing: SocketType
) -> None:
    person = PEOPLE["normal"]
    account = environment.account(
        incoming=environment.incoming(protocol, kind), outgoing=environment.outgoing(outgoing)
    )
    mark = environment.dovecot.mark()

    report = run(environment, account, person.password)

    assert codes(report) == []
    assert report.ok
    assert environment.dovecot.attempts_since(mark) == {protocol.value: 1, "smtp": 1}


def test_healthy_account_shows_every_stage(environment: Environment) -> None:
    report = run(environment, environment.account(), PEOPLE["normal"].password)

    imap = [stage.stage for stage in report.stages if stage.service == "imap"]
    smtp = [stage.stage for stage in report.stages if stage.service == "smtp"]
    first = [StageName.RESOLVE, StageName.CONNECT, StageName.TLS, StageName.GREETING, StageName.CAPABILITY]
    assert imap[:6] == [*first, StageName.LOGIN]
    assert smtp == [*first, StageName.LOGIN, StageName.SUBMIT]
    assert {StageName.MAILBOX, StageName.NAMESPACE, StageName.QUOTA} <= set(imap)
    assert all(stage.code is None for stage in report.stages)


def test_healthy_account_tells_what_it_found(environment: Environment) -> None:
    report = run(environment, environment.account(), PEOPLE["normal"].password)

    findings = report.findings
    assert findings.size_limit == SIZE_LIMIT
    assert dict(findings.special_folders)["Sent"] == "Sent"
    assert findings.incoming_authentication is Authentication.PASSWORD_CLEARTEXT
    assert findings.path_prefix is None
    assert {server for server, _ in findings.certificate_days} == {
        report.account.incoming_server.endpoint,
        report.account.outgoing_server.endpoint,
    }


def test_stages_are_told_as_they_end(environment: Environment) -> None:
    told = []

    report = check(
        environment.account(), PEOPLE["normal"].password, outbound=environment.outbound(), on_stage=told.append
    )

    # IMAP and SMTP run side by side, so their stages may mix.
    assert {(stage.service, stage.stage) for stage in told} == {(s.service, s.stage) for s in report.stages}
    assert [s.stage for s in told if s.service == "imap"] == [
        s.stage for s in report.stages if s.service == "imap"
    ]


@pytest.mark.parametrize(("protocol", "kind"), INCOMING)
@pytest.mark.parametrize("name", ODD_PASSWORDS)
def test_password_of_any_signs_logs_in(
    environment: Environment, protocol: Protocol, kind: SocketType, name: str
) -> None:
    person = PEOPLE[name]
    report = run(environment, only_incoming(environment, person, protocol, kind), person.password)

    assert errors(report) == []


@pytest.mark.parametrize("name", ODD_PASSWORDS)
def test_password_of_any_signs_sends(environment: Environment, name: str) -> None:
    person = PEOPLE[name]
    report = run(environment, only_outgoing(environment, person), person.password)

    assert errors(report) == []


@pytest.mark.parametrize(("protocol", "kind"), INCOMING)
@pytest.mark.parametrize("name", REFUSED)
def test_refused_incoming_login(environment: Environment, protocol: Protocol, kind: SocketType, name: str) -> None:
    person = PEOPLE["normal" if name == "wrong" else name]
    password = WRONG if name == "wrong" else person.password
    account = environment.account(
        "normal" if name == "wrong" else name, incoming=environment.incoming(protocol, kind)
    )
    mark = environment.dovecot.mark()

    report = run(environment, account, password)

    # POP3 has no code for a closed account: there the words decide.
    assert errors(report) == [REFUSED[name]]
    assert stage(report, protocol.value, StageName.LOGIN).ok is False
    # SMTP is looked at up to its log-in, and then not tried: a typo costs one attempt.
    assert stage(report, "smtp", StageName.LOGIN).ok is None
    assert stage(report, "smtp", StageName.LOGIN).code is Code.NOT_TRIED
    assert environment.dovecot.attempts_since(mark) == {protocol.value: 1}


@pytest.mark.parametrize("kind", list(SocketType))
@pytest.mark.parametrize(("name", "code"), [("wrong", Code.AUTH_WRONG_PASSWORD), ("disabled", None)])
def test_refused_outgoing_login(environment: Environment, kind: SocketType, name: str, code: Code | None) -> None:
    person = PEOPLE["normal" if name == "wrong" else name]
    password = WRONG if name == "wrong" else person.password
    mark = environment.dovecot.mark()

    report = run(environment, only_outgoing(environment, person, kind), password)

    assert errors(report) == [code or Code.AUTH_WRONG_PASSWORD]
    assert environment.dovecot.attempts_since(mark) == {"smtp": 1}


@pytest.mark.parametrize("protocol", [Protocol.IMAP, Protocol.POP3])
def test_reason_of_a_closed_account_is_shown(environment: Environment, protocol: Protocol) -> None:
    account = environment.account("no-login", incoming=environment.incoming(protocol))

    report = run(environment, account, PEOPLE["no-login"].password)

    (problem,) = (problem for problem in report.problems if problem.is_error)
    assert problem.server_text is not None
    assert NO_LOGIN_REASON in problem.server_text


def test_without_a_password_everything_before_the_login_is_checked(environment: Environment) -> None:
    mark = environment.dovecot.mark()

    report = run(environment, environment.account(), None)

    assert stage(report, "imap", StageName.CAPABILITY).ok
    assert stage(report, "smtp", StageName.CAPABILITY).ok
    assert stage(report, "imap", StageName.LOGIN).code is Code.NOT_TRIED
    assert environment.dovecot.attempts_since(mark) == {}


def test_quota_of_three_quarters_is_a_warning(environment: Environment) -> None:
    report = run(environment, environment.account("quota-75"), PEOPLE["quota-75"].password)

    assert codes(report) == [Code.QUOTA_70]
    assert report.ok
    assert report.findings.quota_percent == 75


def test_quota_over_80_percent_is_a_warning(environment: Environment) -> None:
    report = run(environment, environment.account("quota-85"), PEOPLE["quota-85"].password)

    assert codes(report) == [Code.QUOTA_80]
    assert report.ok
    assert report.findings.quota_percent == 85


def test_full_mailbox_is_an_error_on_both_sides(environment: Environment) -> None:
    report = run(environment, environment.account("quota-full"), PEOPLE["quota-full"].password)

    assert set(errors(report)) == {Code.QUOTA_FULL, Code.SMTP_MAILBOX_FULL}, report.problems
    assert report.findings.quota_percent == 100


def test_namespace_prefix_is_found_and_is_no_error(environment: Environment) -> None:
    report = run(environment, environment.account("prefix"), PEOPLE["prefix"].password)

    assert codes(report) == [Code.NAMESPACE_PREFIX]
    assert report.ok
    assert report.findings.path_prefix == "INBOX"
    assert dict(report.findings.special_folders)["Sent"] == "INBOX.Sent"
    assert report.account.path_prefix == "INBOX"


def test_folders_without_subscription_are_named(environment: Environment) -> None:
    report = run(environment, environment.account("unsubscribed"), PEOPLE["unsubscribed"].password)

    assert codes(report) == [Code.FOLDERS_UNSUBSCRIBED]
    assert report.ok
    assert set(report.findings.unsubscribed_folders) == set(UNSUBSCRIBED_FOLDERS)


def test_broken_mailbox_is_not_a_login_problem(environment: Environment) -> None:
    report = run(environment, environment.account("broken"), PEOPLE["broken"].password)

    assert stage(report, "imap", StageName.LOGIN).ok
    assert errors(report) == [Code.MAILBOX_UNAVAILABLE]


def test_sender_that_belongs_to_somebody_else_is_refused(environment: Environment) -> None:
    report = run(environment, environment.account("not-owner"), PEOPLE["not-owner"].password)

    assert errors(report) == [Code.SMTP_SENDER_REFUSED]
    assert stage(report, "smtp", StageName.SUBMIT).code is Code.SMTP_SENDER_REFUSED


def test_submission_without_auth_is_not_offered(environment: Environment) -> None:
    person = PEOPLE["normal"]
    outgoing = environment.outgoing(SocketType.STARTTLS)
    account = account_of(
        person, service((environment.incoming(),), (_on_port(outgoing, environment.postfix.no_auth),))
    )

    report = run(environment, account, person.password)

    assert errors(report) == [Code.AUTH_NOT_OFFERED]


def test_id_instead_of_address_logs_in(environment: Environment) -> None:
    person = PEOPLE["id"]
    account = environment.account(
        "id",
        incoming=environment.incoming(username="%EMAILLOCALPART%"),
        outgoing=environment.outgoing(username="%EMAILLOCALPART%"),
    )

    report = run(environment, account, person.password)

    assert codes(report) == []


def test_connection_limit_is_not_a_wrong_password(environment: Environment) -> None:
    person = PEOPLE["second"]
    incoming = environment.incoming(host="limited.example.com")
    account = account_of(person, service((incoming,), ()))

    with logged_in(environment, person, LIMITED_HOST):
        report = run(environment, account, person.password)

    assert errors(report) == [Code.AUTH_CONNECTION_LIMIT]


def test_comparison_tells_that_imap_is_switched_off(environment: Environment) -> None:
    person = PEOPLE["imap-off"]
    mark = environment.dovecot.mark()

    report = run(environment, environment.account("imap-off"), person.password, compare=True)

    assert Code.IMAP_OFF_LIKELY in codes(report)
    assert stage(report, "smtp", StageName.LOGIN).ok
    assert environment.dovecot.attempts_since(mark) == {"imap": 1, "smtp": 1}


def test_comparison_with_a_wrong_password_tries_each_service_once(environment: Environment) -> None:
    mark = environment.dovecot.mark()

    report = run(environment, environment.account(), WRONG, compare=True)

    assert Code.AUTH_WRONG_PASSWORD in errors(report)
    assert Code.IMAP_OFF_LIKELY not in codes(report)
    assert environment.dovecot.attempts_since(mark) == {"imap": 1, "smtp": 1}


def test_smtp_that_refuses_what_imap_accepted_is_told_apart(environment: Environment) -> None:
    person = PEOPLE["smtp-off"]

    report = run(environment, environment.account("smtp-off"), person.password)

    assert Code.SMTP_SEPARATE_LIKELY in codes(report)
    assert not report.ok
    assert stage(report, "imap", StageName.LOGIN).ok


@pytest.mark.parametrize("protocol", [Protocol.IMAP, Protocol.POP3])
def test_port_without_tls_never_gets_the_password(environment: Environment, protocol: Protocol) -> None:
    person = PEOPLE["normal"]
    port = environment.plain.imap if protocol is Protocol.IMAP else environment.plain.pop3
    incoming = _on_port(environment.incoming(protocol, SocketType.STARTTLS), port)
    mark = environment.plain.mark()

    report = run(environment, account_of(person, service((incoming,), ())), person.password)

    assert errors(report) == [Code.STARTTLS_NOT_OFFERED]
    assert environment.plain.attempts_since(mark) == {}


def test_submission_without_starttls_never_gets_the_password(environment: Environment) -> None:
    person = PEOPLE["normal"]
    outgoing = _on_port(environment.outgoing(SocketType.STARTTLS), environment.postfix.no_starttls)

    report = run(environment, account_of(person, service((), (outgoing,))), person.password)

    assert errors(report) == [Code.STARTTLS_NOT_OFFERED]


def test_healthy_account_never_fails(environment: Environment) -> None:
    account, password = environment.account(), PEOPLE["normal"].password

    failed = [
        codes(report) for report in (run(environment, account, password) for _ in range(50)) if report.problems
    ]

    assert failed == []


@pytest.mark.soak
def test_healthy_account_never_fails_in_a_thousand(environment: Environment) -> None:
    account, password = environment.account(), PEOPLE["normal"].password

    failed = [codes(r) for r in (run(environment, account, password) for _ in range(1000)) if r.problems]

    assert failed == []


def _on_port(server: Server, port: int) -> Server:
    return replace(server, port=port)


@contextmanager
def logged_in(environment: Environment, person: Person, host: str) -> Iterator[None]:
    """Hold one IMAP connection of a person open."""
    context = ssl.create_default_context(cafile=str(environment.ca_file))
    token = base64.b64encode(f"\0{person.username}\0{person.password}".encode())
    with (
        socket.create_connection((host, environment.dovecot.imaps)) as sock,
        context.wrap_socket(sock, server_hostname="mail.example.com") as tls,
        tls.makefile("rwb") as stream,
    ):
        stream.readline()
        stream.write(b"a AUTHENTICATE PLAIN " + token + b"\r\n")
        stream.flush()
        assert stream.readline().startswith(b"a OK")
        yield
