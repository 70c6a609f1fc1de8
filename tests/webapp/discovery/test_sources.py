"""Each source alone, on real servers of the test's own."""

from __future__ import annotations

import pytest

from profiles.model import SignIn
from profiles.problems import Code, ProblemError
from tests.servers.scripted import Imap, Pop3, Smtp, is_silent, server_context
from tests.servers.web import Reply
from tests.webapp.discovery.internet import (
    AUTOCONFIG,
    ISPDB,
    WELL_KNOWN,
    Internet,
    document,
    endpoints,
    server,
)
from webapp.discovery.candidates import Trust
from webapp.discovery.guess import guess
from webapp.discovery.published import ispdb, own_autoconfig
from webapp.discovery.records import jmap, mx, srv
from webapp.discovery_names import mx_names
from webapp.outbound import Deadline

MAIL = ["imap mail.example.com:993 SSL", "smtp mail.example.com:465 SSL"]


def other(host: str) -> bytes:
    return document(server("imap", host, 993), server("smtp", host, 465))


# autoconfig


def test_own_autoconfig_is_authenticated(internet: Internet) -> None:
    internet.publishes("autoconfig.example.com", AUTOCONFIG, document())

    (found,) = internet.ask(own_autoconfig)

    assert endpoints(found.settings) == MAIL
    assert found.trust is Trust.AUTHENTICATED
    assert found.where == "https://autoconfig.example.com/mail/config-v1.1.xml"


def test_well_known_is_asked_too_and_stands_second(internet: Internet) -> None:
    internet.publishes("example.com", WELL_KNOWN, other("second.example.com"))
    (alone,) = internet.ask(own_autoconfig)
    internet.publishes("autoconfig.example.com", AUTOCONFIG, document())
    (both,) = internet.ask(own_autoconfig)

    assert alone.settings.incoming_servers[0].hostname == "second.example.com"
    assert endpoints(both.settings) == MAIL


def test_no_source_hears_the_address(internet: Internet) -> None:
    internet.publishes("autoconfig.example.com", AUTOCONFIG, b"")
    internet.publishes("example.com", WELL_KNOWN, b"")
    internet.publishes("ispdb.example.com", "/v1.1/example.com", b"")

    internet.search()

    assert internet.web.requests
    assert all("taro" not in f"{each.path}?{each.query}{each.headers}" for each in internet.web.requests)


def test_a_redirect_is_followed(internet: Internet) -> None:
    moved = Reply(status=301, headers={"Location": "https://www.example.com/config.xml"})
    internet.publishes("example.com", WELL_KNOWN, moved)
    internet.publishes("www.example.com", "/config.xml", document())

    (found,) = internet.ask(own_autoconfig)

    assert endpoints(found.settings) == MAIL


@pytest.mark.parametrize(
    "location",
    [
        "http://www.example.com/config.xml",
        "https://user@www.example.com/",
        "ftp://example.com/",
        "//[::1",
        "/loop",
    ],
)
def test_a_redirect_elsewhere_is_not_followed(internet: Internet, location: str) -> None:
    reply = Reply(status=302, headers={"Location": location})
    internet.publishes("autoconfig.example.com", AUTOCONFIG, reply)
    internet.publishes("autoconfig.example.com", "/loop", Reply(status=302, headers={"Location": "/loop"}))

    assert not internet.search().candidates


def test_a_web_page_instead_of_a_document_says_nothing(internet: Internet) -> None:
    internet.publishes(
        "autoconfig.example.com", "*", Reply(body=b"<!doctype html><p>Welcome", content_type="text/html")
    )

    assert internet.ask(own_autoconfig) == []


def test_a_certificate_for_another_name_is_told(internet: Internet) -> None:
    internet.publishes("autoconfig.example.com", AUTOCONFIG, document())
    internet.publishes("example.com", WELL_KNOWN, document())
    wrong = internet.authority.faulty("wrong-name")
    internet.web.certificates |= {"autoconfig.example.com": wrong, "example.com": wrong}

    with pytest.raises(ProblemError) as caught:
        internet.ask(own_autoconfig)

    assert caught.value.problems[0].code is Code.CERT_WRONG_NAME


def test_a_giant_answer_is_cut_off(internet: Internet) -> None:
    padded = document(extra="<!--" + "x" * 200_000 + "-->")
    internet.publishes("autoconfig.example.com", AUTOCONFIG, padded)

    with pytest.raises(ProblemError):
        internet.ask(own_autoconfig)


# ISPDB


def test_ispdb_is_asked_by_domain(internet: Internet) -> None:
    internet.publishes("ispdb.example.com", "/v1.1/example.com", document())

    (found,) = internet.ask(ispdb)

    assert (found.trust, found.where) == (Trust.AUTHENTICATED, ISPDB + "example.com")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_database_in_trouble_is_told(internet: Internet, status: int) -> None:
    internet.publishes("ispdb.example.com", "/v1.1/example.com", Reply(status=status))

    with pytest.raises(ProblemError):
        internet.ask(ispdb)


# SRV


def test_srv_names_servers_in_rfc_order(internet: Internet) -> None:
    internet.has(
        "_imaps._tcp.example.com SRV 20 1 993 backup.example.com.",
        "_imaps._tcp.example.com SRV 10 1 1993 imap.example.com.",
        "_imap._tcp.example.com SRV 0 0 0 .",
        "_pop3s._tcp.example.com SRV 0 1 995 pop.example.com.",
        "_submissions._tcp.example.com SRV 0 1 465 smtp.example.com.",
        "_submission._tcp.example.com SRV 0 1 587 smtp.example.com.",
    )

    (found,) = internet.ask(srv)

    assert endpoints(found.settings) == [
        "imap imap.example.com:1993 SSL",
        "imap backup.example.com:993 SSL",
        "pop3 pop.example.com:995 SSL",
        "smtp smtp.example.com:465 SSL",
        "smtp smtp.example.com:587 STARTTLS",
    ]
    assert found.trust is Trust.DNS


def test_signed_srv_is_authenticated(internet: Internet) -> None:
    internet.has(
        "_imaps._tcp.example.com SRV 0 1 993 imap.example.com.",
        "_submissions._tcp.example.com SRV 0 1 465 smtp.example.com.",
    )
    internet.name_server.authenticated = True

    (found,) = internet.ask(srv)

    assert found.trust is Trust.AUTHENTICATED
    assert "DNSSEC" in found.reason


def test_srv_of_one_side_only_names_no_account(internet: Internet) -> None:
    internet.has(
        "_imaps._tcp.example.com SRV 0 1 993 imap.example.com.", "_submissions._tcp.example.com SRV 0 0 0 ."
    )

    assert internet.ask(srv) == []


# MX


def test_mx_of_a_known_provider_brings_its_settings_and_hints(internet: Internet) -> None:
    internet.has("example.com MX 10 example-com.mail.protection.outlook.com.")

    (found,) = internet.ask(mx)

    assert found.settings.display_name == "Microsoft 365"
    assert found.settings.sign_in is SignIn.OAUTH
    assert found.settings.password_hint is not None
    assert (found.settings.domains, found.trust) == (("example.com",), Trust.DNS)


def test_the_preferred_mx_decides(internet: Internet) -> None:
    internet.has("example.com MX 20 backup.mail.protection.outlook.com.", "example.com MX 1 aspmx.l.google.com.")

    (found,) = internet.ask(mx)

    assert found.settings.display_name == "Gmail"


def test_a_name_that_only_ends_like_a_provider_is_none(internet: Internet) -> None:
    internet.has("example.com MX 1 mx.notgoogle.com.")

    assert internet.ask(mx) == []


def test_mx_leads_to_what_the_mail_service_publishes(internet: Internet) -> None:
    internet.has("customer.example MX 10 mx1.mail.example.com.")
    internet.publishes("autoconfig.example.com", AUTOCONFIG, document())

    (found,) = internet.ask(mx, domain="customer.example")

    assert endpoints(found.settings) == MAIL
    assert found.settings.domains == ("customer.example",)
    assert found.trust is Trust.DNS


def test_mx_leads_to_ispdb_by_its_registrable_domain(internet: Internet) -> None:
    internet.has("customer.example MX 10 mx1.mail.example.com.")
    internet.publishes("ispdb.example.com", "/v1.1/example.com", document())

    (found,) = internet.ask(mx, domain="customer.example")

    assert found.where == ISPDB + "example.com"


def test_signed_mx_is_authenticated(internet: Internet) -> None:
    internet.has("example.com MX 1 aspmx.l.google.com.")
    internet.name_server.authenticated = True

    (found,) = internet.ask(mx)

    assert found.trust is Trust.AUTHENTICATED


def test_a_domain_that_takes_no_mail_has_none(internet: Internet) -> None:
    internet.has("example.com MX 0 .")

    assert internet.ask(mx) == []


def test_public_suffixes_are_never_asked(internet: Internet) -> None:
    internet.has("customer.example MX 10 mx.sample.co.jp.")

    internet.ask(mx, domain="customer.example")

    asked = {name for name, _ in internet.name_server.queries}
    assert "autoconfig.sample.co.jp" in asked
    assert not asked & {"autoconfig.co.jp", "autoconfig.jp"}


@pytest.mark.parametrize(
    ("host", "names"),
    [
        ("mx.sample.co.jp", ("sample.co.jp",)),
        ("mx1.in.sample.co.jp", ("in.sample.co.jp", "sample.co.jp")),
        ("sample.co.jp", ("sample.co.jp",)),
        ("co.jp", ()),
        ("mx.city.kobe.jp", ("city.kobe.jp",)),
        ("jp", ()),
    ],
)
def test_the_names_of_an_exchanger(host: str, names: tuple[str, ...]) -> None:
    assert mx_names(host) == names


# JMAP and guessing


def test_jmap_names_a_host_whose_mail_servers_answer(internet: Internet) -> None:
    internet.has("_jmap._tcp.example.com SRV 0 1 443 api.example.com.", "api.example.com A 127.0.0.1")
    internet.answers_at("api.example.com", 993, Imap())
    internet.answers_at("api.example.com", 465, Smtp())

    (found,) = internet.ask(jmap)

    assert endpoints(found.settings) == ["imap api.example.com:993 SSL", "smtp api.example.com:465 SSL"]
    assert found.trust is Trust.GUESS


def test_jmap_without_mail_servers_says_nothing(internet: Internet) -> None:
    internet.has("_jmap._tcp.example.com SRV 0 1 443 api.example.com.")

    assert internet.ask(jmap) == []


def test_guess_takes_usual_names_that_answer_and_never_logs_in(internet: Internet) -> None:
    internet.answers_at(
        "imap.example.com", 143, Imap(starttls=server_context(internet.authority.good())), tls=False
    )
    internet.answers_at("mail.example.com", 995, Pop3())
    internet.answers_at("smtp.example.com", 465, Smtp())

    (found,) = internet.ask(guess)

    assert endpoints(found.settings) == ["imap imap.example.com:143 STARTTLS", "smtp smtp.example.com:465 SSL"]
    assert found.trust is Trust.GUESS
    assert internet.logins() == 0


def test_guess_prefers_tls_from_the_start(internet: Internet) -> None:
    internet.answers_at(
        "imap.example.com", 143, Imap(starttls=server_context(internet.authority.good())), tls=False
    )
    internet.answers_at("mail.example.com", 993, Imap())
    internet.answers_at("mail.example.com", 465, Smtp())

    (found,) = internet.ask(guess)

    assert endpoints(found.settings) == MAIL


def test_guess_asks_the_host_that_receives_the_mail(internet: Internet) -> None:
    internet.has("customer.example MX 10 sv1.example.com.")
    internet.answers_at("sv1.example.com", 993, Imap())
    internet.answers_at("sv1.example.com", 465, Smtp())

    (found,) = internet.ask(guess, domain="customer.example")

    assert endpoints(found.settings) == ["imap sv1.example.com:993 SSL", "smtp sv1.example.com:465 SSL"]


def test_guess_leaves_out_what_does_not_prove_its_name_or_speaks_something_else(internet: Internet) -> None:
    internet.ports["imap.example.com", 993] = internet.ports["smtp.example.com", 465] = (
        internet.web.host,
        internet.web.port,
    )
    internet.answers_at("mail.example.com", 465, Imap())
    internet.answers_at("mail.example.org", 993, Imap())
    internet.answers_at("mail.example.org", 465, Smtp())

    assert internet.ask(guess, deadline=Deadline(2)) == []
    assert internet.ask(guess, domain="example.org") == []


def test_silent_servers_are_not_waited_for_past_the_deadline(internet: Internet) -> None:
    internet.answers_at("imap.example.com", 993, is_silent)

    assert internet.ask(guess, deadline=Deadline(0.5)) == []
