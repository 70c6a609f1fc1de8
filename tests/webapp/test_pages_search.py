"""Addresses that nobody here knows: what the network says about them, and when a person must look at it first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import pytest
from flask.testing import FlaskClient

from profiles.address import Address
from profiles.model import Protocol, Server, ServiceSettings, SocketType, Source
from profiles.problems import Code, Problem
from tests.servers.dns import NameServer, zone
from tests.servers.processes import PATIENCE
from tests.webapp import page_world
from tests.webapp.page_world import WRONG, Pages, close_pages, open_pages
from webapp import create_app
from webapp.budget import Limit
from webapp.config import load
from webapp.directory import providers
from webapp.discovery.cache import CachedSearch
from webapp.discovery.candidates import Candidate, Discovery, Trust, candidate
from webapp.discovery.records import BY_MX_PROVIDER, BY_SRV, BY_SRV_SIGNED

UNKNOWN = "taro@unknown.example"
HOSTS = {
    "incoming_hostname": "in.unknown.example",
    "incoming_port": "993",
    "outgoing_hostname": "out.unknown.example",
    "outgoing_port": "587",
    "outgoing_security": "STARTTLS",
}
CONFIRMED = {**HOSTS, "found": "srv unknown.example"}
OFFLINE = Problem(Code.SOURCE_UNAVAILABLE, {"source": "ISPDB", "reason": "DNS_TIMEOUT"})


def server(protocol: Protocol, host: str, port: int, socket_type: SocketType) -> Server:
    return Server(protocol=protocol, hostname=host, port=port, socket_type=socket_type)


SETTINGS = ServiceSettings(
    id="unknown.example",
    display_name="Unknown",
    display_short_name="Unknown",
    domains=("unknown.example",),
    incoming_servers=(
        server(Protocol.IMAP, "in.unknown.example", 993, SocketType.SSL),
        server(Protocol.POP3, "in.unknown.example", 995, SocketType.SSL),
    ),
    outgoing_servers=(server(Protocol.SMTP, "out.unknown.example", 587, SocketType.STARTTLS),),
    source=Source.SRV,
)


def found(trust: Trust) -> Callable[[Address], Discovery]:
    """A search that ends with one candidate of this trust, and without Thunderbird's database."""
    reason = BY_SRV_SIGNED if trust is Trust.AUTHENTICATED else BY_SRV

    def search(address: Address) -> Discovery:
        settings = replace(SETTINGS, domains=(address.domain,))
        only = candidate(
            settings,
            address,
            source=Source.SRV,
            trust=trust,
            reason=reason,
            where=f"_imaps._tcp.{address.domain}",
        )
        return Discovery(candidates=(only,), problems=(OFFLINE,))

    return search


def by_mx(provider_id: str) -> Callable[[Address], Discovery]:
    """A search that ends at a provider we know, named by plain DNS."""
    (provider,) = (each for each in providers() if each.id == provider_id)

    def search(address: Address) -> Discovery:
        settings = replace(provider, domains=(address.domain,), source=Source.MX)
        only: Candidate = candidate(
            settings,
            address,
            source=Source.MX,
            trust=Trust.DNS,
            reason=BY_MX_PROVIDER,
            where="mx.example",
        )
        return Discovery(candidates=(only,))

    return search


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Pages]:
    search = request.param if callable(request.param) else found(request.param)
    monkeypatch.setattr(page_world, "no_search", search)
    opened = open_pages(tmp_path / "data")
    yield opened
    close_pages(opened)


proved = pytest.mark.parametrize("pages", [found(Trust.AUTHENTICATED)], ids=["proved"], indirect=True)
unproved = pytest.mark.parametrize(
    "pages", [found(Trust.DNS), found(Trust.GUESS)], ids=["dns", "guess"], indirect=True
)


@proved
def test_proved_servers_are_checked_at_once(pages: Pages) -> None:
    token = pages.checked(address=UNKNOWN)

    view = pages.checks.view(token)
    assert view.account.incoming_server.hostname == "in.unknown.example"
    assert view.source is Source.SRV
    assert len(pages.probe.asked) == 1


@proved
def test_proved_servers_are_shown_with_their_source_and_can_be_changed(pages: Pages) -> None:
    page = pages.client.post("/en/", data={"address": UNKNOWN, "step": "address"}).text

    assert "We found your mail servers" in page
    assert "signed with DNSSEC, names these servers (_imaps._tcp.unknown.example)" in page
    assert "in.unknown.example:993" in page
    assert 'value="in.unknown.example"' in page
    assert 'name="password"' in page


@proved
def test_unchanged_fields_are_the_found_servers(pages: Pages) -> None:
    token = pages.checked(address=UNKNOWN, **CONFIRMED)

    assert pages.checks.view(token).source is Source.SRV


@unproved
def test_unproved_servers_are_shown_before_a_password_goes_there(pages: Pages) -> None:
    answer = pages.submit("/en/", address=UNKNOWN)

    assert answer.status_code == 422
    assert not pages.probe.asked
    assert 'name="incoming_hostname" type="text"' in answer.text
    assert 'value="in.unknown.example"' in answer.text
    assert 'value="out.unknown.example"' in answer.text
    assert '<option value="STARTTLS" selected>' in answer.text
    assert "Plain DNS can be changed on the way" in answer.text
    assert 'name="found" value="srv unknown.example"' in answer.text


@unproved
def test_sending_them_back_unchanged_confirms_them_and_signs_in_once(pages: Pages) -> None:
    token = pages.checked(address=UNKNOWN, **CONFIRMED)

    view = pages.checks.view(token)
    assert (view.source, view.account.incoming_server.hostname) == (Source.SRV, "in.unknown.example")
    assert len(pages.probe.asked) == 1


@unproved
def test_another_try_keeps_the_found_servers(pages: Pages) -> None:
    token = pages.checked(address=UNKNOWN, password=WRONG, **CONFIRMED)

    page = pages.client.get(f"/c/{token}").text

    assert 'name="found" value="srv unknown.example"' in page
    assert 'value="in.unknown.example"' in page


@unproved
def test_corrected_servers_are_the_persons_own(pages: Pages) -> None:
    token = pages.checked(address=UNKNOWN, **{**CONFIRMED, "incoming_hostname": "imap.unknown.example"})

    view = pages.checks.view(token)
    assert (view.source, view.account.incoming_server.hostname) == (Source.OPTIONS, "imap.unknown.example")


@unproved
def test_servers_found_for_another_address_are_not_kept(pages: Pages) -> None:
    answer = pages.submit("/en/", address="taro@other.example", **CONFIRMED)

    assert answer.status_code == 422
    assert 'name="found" value="srv other.example"' in answer.text
    assert not pages.probe.asked


@unproved
def test_sources_that_could_not_be_asked_are_named(pages: Pages) -> None:
    answer = pages.submit("/en/", address=UNKNOWN)

    assert "No answer came from: ISPDB." in answer.text


@proved
def test_typed_servers_go_before_found_ones(pages: Pages) -> None:
    token = pages.checked(
        address=UNKNOWN, incoming_hostname="mine.unknown.example", outgoing_hostname="mine.unknown.example"
    )

    assert pages.checks.view(token).account.incoming_server.hostname == "mine.unknown.example"


@proved
def test_pop3_is_taken_where_the_person_wants_it(pages: Pages) -> None:
    page = pages.client.get("/en/?protocol=pop3").text
    token = pages.checked(address=UNKNOWN, protocol="pop3")

    assert 'name="protocol" value="pop3"' in page
    assert pages.checks.view(token).account.incoming_server.protocol is Protocol.POP3


@pytest.mark.parametrize("pages", [by_mx("m365")], ids=["m365"], indirect=True)
def test_microsoft_365_leads_to_its_own_sign_in_and_asks_no_password(pages: Pages) -> None:
    page = pages.client.post("/en/", data={"address": UNKNOWN, "step": "address"}).text
    answer = pages.submit("/en/", address=UNKNOWN)

    assert "Microsoft 365 wants you to sign in yourself" in page
    assert 'name="password"' not in page
    assert answer.status_code == 422
    assert not pages.probe.asked


@pytest.mark.parametrize("pages", [by_mx("gmail")], ids=["gmail"], indirect=True)
def test_a_provider_known_by_its_mx_gives_its_hints(pages: Pages) -> None:
    answer = pages.submit("/en/", address=UNKNOWN)
    token = pages.checked(
        address=UNKNOWN,
        found="mx unknown.example",
        incoming_hostname="imap.gmail.com",
        incoming_port="993",
        outgoing_hostname="smtp.gmail.com",
        outgoing_port="465",
    )

    assert "Your mail is on Gmail" in answer.text
    assert 'value="imap.gmail.com"' in answer.text
    assert pages.checks.view(token).account.settings.refusal_advice is not None


# the live search


@pytest.fixture
def live(tmp_path: Path, name_server: NameServer) -> Iterator[Callable[[str], FlaskClient]]:
    """An application that really searches; DNS names servers of unknown.example."""
    name_server.records |= zone(
        [
            "_imaps._tcp.unknown.example SRV 0 1 993 in.unknown.example.",
            "_submissions._tcp.unknown.example SRV 0 1 465 out.unknown.example.",
        ]
    )
    opened = []

    def open_live(allow_other_servers: str) -> FlaskClient:
        variables = {
            "HAGAKI_DATA": str(tmp_path / "data"),
            "HAGAKI_RESOLVER": name_server.address,
            "HAGAKI_ALLOW_OTHER_SERVERS": allow_other_servers,
        }
        app = create_app(load(variables))
        opened.append(app)
        return app.test_client()

    yield open_live
    for app in opened:
        app.extensions["hagaki"].checks.close()
        app.extensions["hagaki"].store.close()


def test_the_network_is_searched_once_in_some_minutes(
    live: Callable[[str], FlaskClient], name_server: NameServer
) -> None:
    client = live("1")

    first = client.post("/en/", data={"address": UNKNOWN, "step": "address"}).text
    asked = len(name_server.queries)
    second = client.post("/en/", data={"address": "hanako@unknown.example", "step": "address"}).text

    assert 'value="in.unknown.example"' in first
    assert 'value="in.unknown.example"' in second
    assert len(name_server.queries) == asked


def test_a_host_that_forbids_other_servers_searches_nowhere(
    live: Callable[[str], FlaskClient], name_server: NameServer
) -> None:
    page = live("0").post("/en/", data={"address": UNKNOWN, "step": "address"}).text

    assert "We do not know this provider" in page
    assert name_server.queries == []


def test_only_so_many_search_at_once() -> None:
    going_on, go_on = Event(), Event()

    def slow(address: Address) -> Discovery:
        going_on.set()
        go_on.wait(PATIENCE)
        return Discovery()

    search = CachedSearch(slow, at_once=1)
    thread = Thread(target=search, args=(Address("a", "first.example"),))
    thread.start()
    assert going_on.wait(PATIENCE)

    refused = search(Address("a", "second.example"))
    go_on.set()
    thread.join()

    assert [problem.code for problem in refused.problems] == [Code.BUSY]
    assert search(Address("a", "second.example")).problems == ()


@proved
def test_searches_are_limited_by_network_and_servers_by_hand_still_work(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webapp.services.SEARCHES", Limit(2, 3600))

    looked = [
        pages.client.post("/en/", data={"address": f"a@{n}.example", "step": "address"}) for n in (1, 2, 1, 3)
    ]
    sent = pages.submit("/ja/", address="a@3.example")
    by_hand = pages.submit("/en/", address="a@3.example", **CONFIRMED | {"found": "srv 3.example"})

    assert [answer.status_code for answer in looked] == [200, 200, 200, 429]
    assert "Enter your mail servers by hand, or wait 60 minutes" in looked[3].text
    assert 'name="incoming_hostname"' in looked[3].text
    assert sent.status_code == 429
    assert "メールサーバーを自分で入力するか" in sent.text
    assert by_hand.status_code == 303
    view = pages.checks.view(by_hand.headers["Location"].rpartition("/")[2])
    assert view.source is Source.OPTIONS


@proved
def test_another_network_may_search(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webapp.services.SEARCHES", Limit(1, 3600))

    def look(number: int, client: str) -> int:
        data = {"address": f"a@{number}.example", "step": "address"}
        return pages.client.post("/en/", data=data, environ_base={"REMOTE_ADDR": client}).status_code

    assert [look(1, "192.0.2.1"), look(2, "192.0.2.7"), look(3, "198.51.100.1")] == [200, 429, 200]
