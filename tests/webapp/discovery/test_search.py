"""All sources together: ranking, naming twice, what cannot be asked, and where nobody may be led."""

from __future__ import annotations

import pytest

from profiles.address import Address
from profiles.problems import Code
from tests.servers.scripted import Imap, Smtp, deaf_port, free_of_listeners
from tests.servers.web import Reply
from tests.webapp.clock import Clock
from tests.webapp.discovery.internet import (
    AUTOCONFIG,
    LOOPBACK,
    PACC,
    TARO,
    WELL_KNOWN,
    Internet,
    document,
    pacc_document,
    server,
    sources,
)
from webapp.discovery.cache import KEEP_INCOMPLETE_SECONDS, KEEP_SECONDS, Cache
from webapp.discovery.candidates import Discovery, Trust
from webapp.outbound import Outbound
from webapp.probes import check

SRV = (
    "_imaps._tcp.example.com SRV 0 1 993 srv.example.com.",
    "_submissions._tcp.example.com SRV 0 1 465 srv.example.com.",
)


def other(host: str) -> bytes:
    return document(server("imap", host, 993), server("smtp", host, 465))


def codes(found: Discovery) -> list[Code]:
    return [problem.code for problem in found.problems]


def test_candidates_stand_in_the_order_of_trust(internet: Internet) -> None:
    internet.has(*SRV, "example.com MX 1 aspmx.l.google.com.")
    internet.publishes("ispdb.example.com", "/v1.1/example.com", other("ispdb.example.com"))
    internet.publishes("autoconfig.example.com", AUTOCONFIG, other("own.example.com"))
    internet.publishes(
        "ua-auto-config.example.com",
        PACC,
        pacc_document(imap={"host": "pacc.example.com"}, submit={"host": "pacc.example.com"}),
    )

    found = internet.search()

    assert sources(found.candidates) == ["autoconfig", "pacc", "ispdb", "mx", "srv"]
    assert [each.needs_confirmation for each in found.candidates] == [False, False, False, True, True]
    assert found.problems == ()


def test_signed_dns_goes_before_plain_dns(internet: Internet) -> None:
    internet.has(*SRV)
    internet.name_server.authenticated = True

    found = internet.search()

    assert (found.candidates[0].trust, found.candidates[0].needs_confirmation) == (Trust.AUTHENTICATED, False)


def test_the_same_servers_are_named_once_under_the_best_source(internet: Internet) -> None:
    internet.has(
        "_imaps._tcp.example.com SRV 0 1 993 mail.example.com.",
        "_submissions._tcp.example.com SRV 0 1 465 mail.example.com.",
    )
    internet.publishes("ispdb.example.com", "/v1.1/example.com", document())
    internet.publishes("example.com", WELL_KNOWN, document())

    found = internet.search()

    assert sources(found.candidates) == ["autoconfig"]


def test_guessing_begins_only_where_nothing_else_was_found(internet: Internet) -> None:
    internet.answers_at("imap.example.com", 993, Imap())
    internet.answers_at("smtp.example.com", 465, Smtp())

    guessed = internet.search()
    internet.has(*SRV)
    named = internet.search()

    assert sources(guessed.candidates) == ["guess"]
    assert guessed.candidates[0].needs_confirmation
    assert sources(named.candidates) == ["srv"]
    assert internet.logins() == 0


def test_nothing_found_says_so(internet: Internet) -> None:
    found = internet.search()

    assert found.best is None
    assert codes(found) == [Code.NOTHING_FOUND]


def test_sources_that_cannot_be_asked_are_named_and_the_others_are_heard(internet: Internet) -> None:
    internet.has(*SRV)
    internet.publishes("ispdb.example.com", "/v1.1/example.com", Reply(status=503))

    found = internet.search()

    assert sources(found.candidates) == ["srv"]
    assert [problem.params for problem in found.problems] == [{"source": "ISPDB", "reason": "SERVER_UNAVAILABLE"}]


def test_a_silent_source_keeps_nobody_past_the_deadline(internet: Internet) -> None:
    internet.has(*SRV)
    with deaf_port() as port:
        internet.has("ispdb.example.com A 127.0.0.1")
        outbound = internet.outbound()
        leads = {**outbound.connect_to, ("ispdb.example.com", 443): ("127.0.0.1", port)}
        object.__setattr__(outbound, "connect_to", leads)

        found = internet.search(outbound=outbound, seconds=3.0)

    assert sources(found.candidates) == ["srv"]
    assert [problem.params["source"] for problem in found.problems] == ["ISPDB"]


def test_without_dns_every_source_says_so(internet: Internet) -> None:
    offline = Outbound.unrestricted(resolver=("127.0.0.1", free_of_listeners()))

    found = internet.search(outbound=offline, seconds=1.0)

    assert not found.candidates
    told = {problem.params.get("source") for problem in found.problems}
    assert told >= {"autoconfig", "ISPDB", "PACC", "SRV", "MX", "JMAP"}
    assert codes(found)[-1] is Code.NOTHING_FOUND


# where nobody may be led


def test_a_name_with_a_private_address_is_not_asked(internet: Internet) -> None:
    internet.publishes("autoconfig.example.com", AUTOCONFIG, document())
    internet.publishes("example.com", WELL_KNOWN, document())

    found = internet.search(outbound=internet.guarded())

    assert not found.candidates
    assert internet.web.requests == []
    assert {"source": "autoconfig", "reason": "TARGET_NOT_ALLOWED"} in [
        problem.params for problem in found.problems
    ]


def test_a_redirect_to_a_private_host_is_refused(internet: Internet) -> None:
    moved = Reply(status=302, headers={"Location": "https://inside.example.com/admin"})
    internet.publishes("autoconfig.example.com", AUTOCONFIG, moved)
    internet.has("inside.example.com A 10.0.0.1")
    leads = internet.web.connect_to("autoconfig.example.com")

    found = internet.search(outbound=internet.guarded(allow_networks=LOOPBACK, connect_to=leads))

    assert not found.candidates
    assert [(each.host, each.path) for each in internet.web.requests] == [("autoconfig.example.com", AUTOCONFIG)]


@pytest.mark.parametrize(
    ("host", "port"), [("inside.example.com", 993), ("public.example.com", 22), ("metadata.example.com", 993)]
)
def test_a_document_that_names_a_forbidden_server_leads_nobody_there(
    internet: Internet, host: str, port: int
) -> None:
    internet.publishes(
        "autoconfig.example.com",
        AUTOCONFIG,
        document(server("imap", host, port), server("smtp", "smtp.example.com", 465)),
    )
    internet.has(
        "inside.example.com A 10.0.0.1",
        "public.example.com A 192.0.43.10",
        "metadata.example.com A 169.254.169.254",
        "smtp.example.com A 127.0.0.1",
    )
    found = internet.search().best
    assert found is not None

    report = check(found.account, "Kanarienvogel-07", outbound=internet.guarded())

    assert {problem.code for problem in report.problems} == {Code.TARGET_NOT_ALLOWED}
    assert [stage for stage in report.stages if stage.ok] == []


def test_guessing_reaches_no_private_address(internet: Internet) -> None:
    internet.has("imap.example.com A 127.0.0.1", "smtp.example.com A 127.0.0.1")
    imap = internet.answers_at("imap.example.com", 993, Imap())
    internet.answers_at("smtp.example.com", 465, Smtp())

    found = internet.search(outbound=internet.guarded(connect_to=internet.ports))

    assert not found.candidates
    assert imap.records == []


# the cache


def test_a_discovery_is_kept_for_some_minutes_and_fits_the_next_person(internet: Internet) -> None:
    internet.has(*SRV)
    clock = Clock()
    cache = Cache(now=clock)
    cache.put("example.com", internet.search())

    kept = cache.get(Address("hanako", "example.com"))
    clock.advance(KEEP_SECONDS + 1)
    later = cache.get(TARO)

    assert kept is not None
    assert kept.candidates[0].account.incoming_server.username == "hanako@example.com"
    assert later is None


def test_an_incomplete_discovery_is_kept_only_for_a_moment(internet: Internet) -> None:
    internet.publishes("ispdb.example.com", "/v1.1/example.com", Reply(status=503))
    clock = Clock()
    cache = Cache(now=clock)
    cache.put("example.com", internet.search())

    assert cache.get(TARO) is not None
    clock.advance(KEEP_INCOMPLETE_SECONDS + 1)

    assert cache.get(TARO) is None


def test_the_cache_does_not_grow_for_ever() -> None:
    cache = Cache(size=3, now=Clock())

    for number in range(5):
        cache.put(f"{number}.example", Discovery())

    kept = [number for number in range(5) if cache.get(Address("a", f"{number}.example")) is not None]
    assert kept == [2, 3, 4]


@pytest.mark.parametrize("trust", list(Trust))
def test_every_trust_has_a_word(trust: Trust) -> None:
    assert trust.word in {"own", "provider", "authenticated", "dns", "guess"}
