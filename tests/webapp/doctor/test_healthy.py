"""No false alarm: a domain that is set up as the operator's guide says has no problem at all."""

from __future__ import annotations

from typing import Any

import pytest

from profiles.model import LOCAL_PART, DavService, Protocol
from tests.servers.authority import Authority
from tests.servers.web import ANY, Reply
from tests.webapp.doctor.hosting import DOMAIN, MAIL_HOST, PREFIXES, Hosting, hosting, outcome, settings
from tests.webapp.endpoints.asking import server

CLIENTS = ["thunderbird", "thunderbird-android", "fairemail", "delta-chat", "evolution", "kmail", "outlook"]


def told(world: Hosting) -> list[str]:
    return [f"{problem.code} {problem.place} {dict(problem.params)}" for problem in world.examine().problems]


def test_the_healthy_domain_has_no_problem(healthy: Hosting) -> None:
    assert told(healthy) == []


def test_every_client_sets_up_the_servers_of_the_domain(healthy: Hosting) -> None:
    examination = healthy.examine()

    for client in [*CLIENTS, "pacc"]:
        setup = outcome(examination, client).setup
        assert setup is not None, client
        assert setup.incoming.endpoint == f"{MAIL_HOST}:993"
        assert setup.outgoing.endpoint == f"{MAIL_HOST}:465"
        assert setup.incoming.username == f"user@{DOMAIN}"


def test_the_certificates_of_all_names_are_shown_with_their_days(healthy: Hosting) -> None:
    examination = healthy.examine()

    shown = {one.server: one for one in examination.certificates}
    assert set(shown) >= {f"{prefix}.{DOMAIN}:443" for prefix in PREFIXES} | {f"{MAIL_HOST}:993"}
    assert all(one.ok and (one.days_left or 0) > 14 and one.not_after for one in shown.values())


@pytest.mark.parametrize(
    "changes",
    [
        {"incoming_servers": (server(Protocol.IMAP, 993), server(Protocol.POP3, 995))},
        {"incoming_servers": (server(Protocol.POP3, 995), server(Protocol.IMAP, 993))},
        {"outgoing_servers": (server(Protocol.SMTP, 465), server(Protocol.SMTP, 587))},
        {"outgoing_servers": (server(Protocol.SMTP, 587),)},
        {"incoming_servers": (server(Protocol.IMAP, 143),), "outgoing_servers": (server(Protocol.SMTP, 587),)},
        {"incoming_servers": (server(Protocol.IMAP, 993, username=LOCAL_PART),),
         "outgoing_servers": (server(Protocol.SMTP, 465, username=LOCAL_PART),)},
        {"activesync_url": f"https://sync.{DOMAIN}/Microsoft-Server-ActiveSync"},
    ],
    ids=["imap-and-pop3", "pop3-first", "two-ways-to-send", "starttls-sending", "starttls-only", "local-part",
         "activesync"],
)  # fmt: skip
def test_other_healthy_domains_have_no_problem(authority: Authority, changes: dict[str, Any]) -> None:
    with hosting(authority, settings(**changes)) as world:
        assert told(world) == []


def test_calendar_and_contacts_are_found_by_apple(authority: Authority) -> None:
    dav = f"https://dav.{DOMAIN}"
    services = settings(
        calendar=DavService(url=f"{dav}/calendar/"), addressbook=DavService(url=f"{dav}/contacts/")
    )
    with hosting(authority, services) as world:
        world.names.records[f"dav.{DOMAIN}", "A"] = ["127.0.0.1"]
        world.overrides |= world.web.connect_to(f"dav.{DOMAIN}")
        world.web.routes[f"dav.{DOMAIN}", ANY] = Reply(status=401, headers={"WWW-Authenticate": "Basic"})

        examination = world.examine()

        assert examination.problems == ()
        assert outcome(examination, "apple").ok is True
        assert f"{dav}/calendar/" in {request_url(request) for request in world.web.requests}


def request_url(request: Any) -> str:
    return f"https://{request.host}{request.path}"


def test_a_domain_with_pop3_only_is_healthy_and_does_not_fit_the_clients_without_it(authority: Authority) -> None:
    with hosting(authority, settings(incoming_servers=(server(Protocol.POP3, 995),))) as world:
        examination = world.examine()

        assert examination.problems == ()
        assert outcome(examination, "thunderbird").ok is True
        assert outcome(examination, "outlook").ok is True
        assert outcome(examination, "thunderbird-android").ok is None
        assert outcome(examination, "delta-chat").ok is None


def test_a_domain_without_any_web_site_of_its_own_is_healthy(healthy: Hosting) -> None:
    healthy.take_away(DOMAIN, "A")
    healthy.overrides = {place: to for place, to in healthy.overrides.items() if place[0] != DOMAIN}

    assert told(healthy) == []


def test_names_that_lead_to_the_service_by_address_are_as_good_as_a_cname(healthy: Hosting) -> None:
    for prefix in PREFIXES:
        healthy.take_away(f"{prefix}.{DOMAIN}", "CNAME")
        healthy.names.records[f"{prefix}.{DOMAIN}", "A"] = ["127.0.0.1"]

    assert told(healthy) == []


def test_a_proxy_with_other_addresses_that_answers_well_is_no_wrong_record(healthy: Hosting) -> None:
    healthy.take_away(f"autoconfig.{DOMAIN}", "CNAME")
    healthy.names.records[f"autoconfig.{DOMAIN}", "A"] = ["127.0.0.9"]

    assert told(healthy) == []


def test_autodiscover_by_srv_alone_is_only_a_piece_of_advice(healthy: Hosting) -> None:
    healthy.take_away(f"autodiscover.{DOMAIN}")

    examination = healthy.examine()

    assert examination.ok
    assert [problem.code for problem in examination.problems] == ["RECORD_ADVISABLE"]
    assert outcome(examination, "outlook").ok is True


def test_a_domain_of_strangers_that_answers_alike_everywhere_has_no_problem(healthy: Hosting) -> None:
    examination = healthy.examine(hosted=False)

    assert examination.problems == ()
    assert examination.records == ()


def test_priorities_of_srv_are_the_hosts_own_choice(healthy: Hosting) -> None:
    healthy.names.records[f"_imaps._tcp.{DOMAIN}", "SRV"] = [f"5 7 993 {MAIL_HOST}."]

    assert told(healthy) == []


def test_two_digests_during_a_change_are_well(healthy: Hosting) -> None:
    name = f"_ua-auto-config.{DOMAIN}"
    healthy.names.records[name, "TXT"].append('"d=b2xk;v=UAAC1 ; a=sha256; x=1;"')

    assert told(healthy) == []
