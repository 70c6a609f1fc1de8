"""What a provider's own entry makes of the same reply: app passwords, OAuth, advice, old TLS."""

from __future__ import annotations

import ssl
from dataclasses import replace

import pytest

from profiles.model import Authentication, LocalizedText, MailAccount, Server, SignIn, TlsPolicy
from profiles.problems import Code
from tests.servers.dns import NameServer, zone
from tests.servers.scripted import Imap, Smtp, server_context
from tests.servers.world import CANARY, World, account_on, codes, errors, imap, smtp, stage
from webapp.probes import check
from webapp.probes.report import Report, StageName

WRONG = "NO [AUTHENTICATIONFAILED] Authentication failed"


def run(world: World, account: MailAccount, password: str | None = CANARY) -> Report:
    """Check in the scripted world."""
    return check(account, password, outbound=world.outbound())


def of_provider(account: MailAccount, **settings: object) -> MailAccount:
    """The same account of a provider with these rules."""
    return replace(account, settings=replace(account.settings, **settings))  # type: ignore[arg-type]


def test_refused_password_at_an_app_password_provider(world: World) -> None:
    advice = LocalizedText(texts=(("en", "Make an app password."), ("ja", "アプリ用パスワードを作ります。")))
    with world.serve(Imap(login=WRONG)) as running:
        account = of_provider(account_on(imap(running.port)), sign_in=SignIn.APP_PASSWORD, refusal_advice=advice)
        report = run(world, account)

    assert errors(report) == [Code.AUTH_APP_PASSWORD]
    assert report.problems[0].params["advice"] == advice


def test_oauth_provider_is_checked_up_to_the_login(world: World) -> None:
    with world.serve(Imap()) as reader, world.serve(Smtp()) as sender:
        account = of_provider(account_on(imap(reader.port), smtp(sender.port)), sign_in=SignIn.OAUTH)
        report = run(world, account)

    assert stage(report, "imap", StageName.CAPABILITY).ok
    assert stage(report, "smtp", StageName.CAPABILITY).ok
    assert stage(report, "imap", StageName.LOGIN).ok is None
    assert reader.logins + sender.logins == 0
    assert CANARY.encode() not in reader.inside + sender.inside


def test_server_with_oauth_only_gets_no_password(world: World) -> None:
    with world.serve(Imap()) as running:
        account = account_on(_with_oauth(imap(running.port)))
        run(world, account)

    assert running.logins == 0


def test_old_renegotiation_is_allowed_only_where_the_provider_needs_it(world: World) -> None:
    """Verification is never part of a relaxed policy."""
    relaxed = TlsPolicy(legacy_renegotiation=True, security_level=1)
    expired = server_context(world.authority.faulty("expired"))
    with world.serve(Imap(), tls=expired) as running:
        account = of_provider(account_on(imap(running.port, host="expired.example.com")), tls=relaxed)
        report = run(world, account)

    assert errors(report) == [Code.CERT_EXPIRED]
    assert running.logins == 0


def test_sha1_signatures_work_at_security_level_one(world: World) -> None:
    context = server_context(world.authority.good_rsa(), maximum_version=ssl.TLSVersion.TLSv1_2)
    context.set_ciphers("AES128-SHA:@SECLEVEL=0")
    with world.serve(Imap(), tls=context) as running:
        account = of_provider(account_on(imap(running.port)), tls=TlsPolicy(security_level=1))
        report = run(world, account)

    assert report.ok


@pytest.mark.parametrize(
    ("password", "code"),
    [("abcdefghijklmnop", Code.AUTH_WRONG_PASSWORD), ("my own password", Code.AUTH_APP_PASSWORD)],
)
def test_gmail_refusal_names_the_app_password_by_its_form(world: World, password: str, code: Code) -> None:
    """The names are Google's, the server is ours: no certificate can match, so the rule is asked directly."""
    from webapp.probes.comparison import refined
    from webapp.probes.credentials import credentials
    from webapp.probes.dialogue import Failure

    account = account_on(imap(993, host="imap.gmail.com"))
    failure = refined(
        Failure(Code.AUTH_WRONG_PASSWORD),
        account.settings,
        account.incoming[0],
        credentials("taro@example.com", password),
    )

    assert failure.code is code


def test_both_refused_offers_the_other_form_of_the_user_name(world: World) -> None:
    with (
        world.serve(Imap(login=WRONG)) as reader,
        world.serve(Smtp(login="535 5.7.8 Authentication failed")) as sender,
    ):
        report = world.check(imap(reader.port), smtp(sender.port), compare=True)

    assert Code.USERNAME_FORM_LIKELY in codes(report)
    assert (reader.logins, sender.logins) == (1, 1)


def test_rate_limit_of_imap_is_not_compared(world: World) -> None:
    """Another attempt would only make it worse, also when the person asked for the comparison."""
    with (
        world.serve(Imap(login="NO [LIMIT] LOGIN Rate limit hit.")) as reader,
        world.serve(Smtp()) as sender,
    ):
        report = world.check(imap(reader.port), smtp(sender.port), compare=True)

    assert errors(report) == [Code.AUTH_RATE_LIMITED]
    assert sender.logins == 0


def test_fault_that_both_services_share_is_told_once(world: World) -> None:
    with NameServer(zone(["other.example.com A 127.0.0.1"])) as names:
        report = World(world.authority, names).check(imap(993), smtp(465))

    assert errors(report) == [Code.DNS_NXDOMAIN]
    assert {s.service for s in report.stages if s.ok is False} == {"imap", "smtp"}


def test_nothing_of_the_account_is_in_what_a_stranger_server_sees(world: World) -> None:
    """EHLO and ID tell nothing about this host or the person."""
    import socket

    with world.serve(Imap(capability="IMAP4rev1 SASL-IR AUTH=PLAIN ID")) as reader, world.serve(Smtp()) as sender:
        world.check(imap(reader.port), smtp(sender.port), password=None)

    seen = reader.inside + sender.inside
    assert socket.gethostname().encode() not in seen
    assert b"taro" not in seen


def _with_oauth(server: Server) -> Server:
    return replace(server, authentication=(Authentication.OAUTH2,))
