"""Every fault of a certificate, on real servers, in each of the six ways that TLS begins."""

from __future__ import annotations

import pytest

from profiles.model import Protocol, SocketType
from profiles.problems import Code
from tests.servers.environment import Environment, account_of, service
from tests.servers.people import PEOPLE
from tests.servers.world import codes, errors
from webapp.probes import check
from webapp.probes.report import Report

pytestmark = pytest.mark.servers

FAULTS = {
    "self-signed": [Code.CERT_SELF_SIGNED],
    "expired": [Code.CERT_EXPIRED],
    "not-yet-valid": [Code.CERT_NOT_YET_VALID],
    "wrong-name": [Code.CERT_WRONG_NAME],
    "missing-intermediate": [Code.CERT_MISSING_INTERMEDIATE],
    "unknown-ca": [Code.CERT_UNKNOWN_CA],
    "expired-and-wrong-name": [Code.CERT_EXPIRED, Code.CERT_WRONG_NAME],
}
WAYS = [(protocol, kind) for protocol in Protocol for kind in SocketType]


def run(environment: Environment, protocol: Protocol, kind: SocketType, host: str) -> Report:
    """Check one service under another name."""
    if protocol is Protocol.SMTP:
        settings = service((), (environment.outgoing(kind, host=host),))
    else:
        settings = service((environment.incoming(protocol, kind, host=host),), ())
    person = PEOPLE["normal"]
    return check(account_of(person, settings), person.password, outbound=environment.outbound())


@pytest.mark.parametrize(("protocol", "kind"), WAYS)
@pytest.mark.parametrize("fault", FAULTS)
def test_faulty_certificate_is_named_and_gets_no_password(
    environment: Environment, protocol: Protocol, kind: SocketType, fault: str
) -> None:
    mark = environment.dovecot.mark()

    report = run(environment, protocol, kind, f"{fault}.example.com")

    assert errors(report) == FAULTS[fault]
    assert environment.dovecot.attempts_since(mark) == {}


@pytest.mark.parametrize(("protocol", "kind"), WAYS)
def test_certificate_that_expires_soon_is_a_warning(
    environment: Environment, protocol: Protocol, kind: SocketType
) -> None:
    report = run(environment, protocol, kind, "expires-soon.example.com")

    assert codes(report) == [Code.CERT_EXPIRES_SOON]
    assert report.ok
    ((_, days),) = report.findings.certificate_days
    assert days in (4, 5)


def test_wrong_name_tells_the_names_of_the_certificate(environment: Environment) -> None:
    report = run(environment, Protocol.IMAP, SocketType.SSL, "wrong-name.example.com")

    assert "sv123.example.com" in " ".join(report.problems[0].params.values())


def test_bad_certificate_of_imap_leaves_smtp_without_login(environment: Environment) -> None:
    """The first cause is told once; SMTP's server is looked at and its log-in reported as not tried."""
    person = PEOPLE["normal"]
    account = environment.account(incoming=environment.incoming(host="expired.example.com"))
    mark = environment.dovecot.mark()

    report = check(account, person.password, outbound=environment.outbound())

    assert errors(report) == [Code.CERT_EXPIRED]
    assert environment.dovecot.attempts_since(mark) == {}
