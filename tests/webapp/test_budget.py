"""How many wrong passwords are carried to a server: per account, per network, per domain."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from profiles.address import Address
from profiles.model import MailAccount, Source
from profiles.problems import Code, ProblemError
from tests.profiles.accounts import service
from tests.webapp.clock import Clock
from tests.webapp.threads import at_once, outcome
from webapp.budget import ACCOUNT, DOMAIN, NETWORK, Budget, Limit, network_of
from webapp.store import Store

SETTINGS = service()


def account(name: str = "taro", domain: str = "corp.example") -> MailAccount:
    return SETTINGS.account(Address(name, domain))


def typed_account(name: str, domain: str, username: str = "taro") -> MailAccount:
    """Servers that somebody typed: domain and user name are the typist's choice."""
    settings = replace(SETTINGS, source=Source.OPTIONS)
    server = replace(SETTINGS.incoming_servers[0], username=username)
    return replace(settings, incoming_servers=(server,)).account(Address(name, domain))


@pytest.fixture
def budget(store: Store, clock: Clock) -> Budget:
    """An empty budget."""
    return Budget(store, key=b"k" * 32, now=clock)


def fail(budget: Budget, who: MailAccount, client: str | None = None) -> object:
    """One wrong password: None, or the code of the refusal."""
    return outcome(lambda: budget.failed(budget.begin(who, client)))


def test_the_sixth_failure_in_a_quarter_of_an_hour_is_refused(budget: Budget) -> None:
    found = [fail(budget, account()) for _ in range(ACCOUNT.most + 1)]

    assert found == [None] * 5 + [Code.TOO_MANY_ATTEMPTS]


def test_the_refusal_says_for_how_long(budget: Budget, clock: Clock) -> None:
    for _ in range(ACCOUNT.most):
        fail(budget, account())
        clock.advance(60)

    with pytest.raises(ProblemError) as caught:
        budget.begin(account(), None)

    assert caught.value.problems[0].params == {"minutes": "10"}


def test_the_budget_comes_back_as_time_passes(budget: Budget, clock: Clock) -> None:
    for _ in range(ACCOUNT.most):
        fail(budget, account())
    clock.advance(ACCOUNT.seconds)

    assert fail(budget, account()) is None


def test_a_success_frees_the_account(budget: Budget) -> None:
    for _ in range(ACCOUNT.most - 1):
        fail(budget, account(), "192.0.2.1")
    budget.succeeded(budget.begin(account(), "192.0.2.1"), account())

    assert budget.attempts_left(account()) == ACCOUNT.most


def test_a_success_does_not_free_the_network(budget: Budget) -> None:
    """Else whoever has one account here could guess at all others."""
    for number in range(NETWORK.most):
        fail(budget, account(f"victim{number}"), "192.0.2.1")
        ticket = outcome(lambda: budget.begin(account("mallory"), "198.51.100.1"))
        assert isinstance(ticket, bytes)
        budget.succeeded(ticket, account("mallory"))

    assert fail(budget, account("last"), "192.0.2.99") is Code.TOO_MANY_ATTEMPTS


def test_an_attempt_without_a_log_in_is_given_back(budget: Budget) -> None:
    for _ in range(ACCOUNT.most * 3):
        budget.withdraw(budget.begin(account(), "192.0.2.1"))

    assert budget.attempts_left(account()) == ACCOUNT.most


def test_one_account_does_not_use_up_another_s_budget(budget: Budget) -> None:
    for _ in range(ACCOUNT.most):
        fail(budget, account("taro"))

    assert fail(budget, account("hanako")) is None


def test_letter_case_is_no_other_account(budget: Budget) -> None:
    for name in ("taro", "Taro", "TARO", "tAro", "taRo"):
        fail(budget, account(name))

    assert fail(budget, account("tarO")) is Code.TOO_MANY_ATTEMPTS


def test_another_address_with_the_same_login_is_no_other_account(budget: Budget) -> None:
    for number in range(ACCOUNT.most):
        fail(budget, typed_account(f"x{number}", f"d{number}.example"))

    assert fail(budget, typed_account("y", "other.example")) is Code.TOO_MANY_ATTEMPTS


def test_a_network_has_twenty_failures_an_hour(budget: Budget, clock: Clock) -> None:
    found = [fail(budget, account(f"p{number}"), f"192.0.2.{number}") for number in range(NETWORK.most + 1)]
    other = fail(budget, account("other"), "198.51.100.1")
    clock.advance(NETWORK.seconds)

    assert found == [None] * 20 + [Code.TOO_MANY_ATTEMPTS]
    assert other is None
    assert fail(budget, account("later"), "192.0.2.1") is None


def test_a_domain_has_a_budget(budget: Budget) -> None:
    found = [fail(budget, account(f"p{number}"), f"10.{number}.0.1") for number in range(DOMAIN.most + 1)]

    assert found == [None] * DOMAIN.most + [Code.TOO_MANY_ATTEMPTS]
    assert fail(budget, account("p", "corp.example.jp"), "10.9.9.9") is None


def test_typed_servers_have_a_budget_whatever_the_domain(budget: Budget) -> None:
    found = [
        fail(budget, typed_account(f"p{number}", f"d{number}.example", f"u{number}"), f"10.{number}.0.1")
        for number in range(DOMAIN.most + 1)
    ]

    assert found[-1] is Code.TOO_MANY_ATTEMPTS


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix:", None),
        ("", None),
        (None, None),
    ],
)
def test_networks(address: str | None, network: str | None) -> None:
    assert network_of(address) == network


def test_the_count_outlives_the_process(store: Store, clock: Clock) -> None:
    for _ in range(ACCOUNT.most):
        fail(Budget(store, key=b"k" * 32, now=clock), account())

    assert fail(Budget(store, key=b"k" * 32, now=clock), account()) is Code.TOO_MANY_ATTEMPTS


def test_an_attempt_whose_process_died_stays_counted(budget: Budget) -> None:
    for _ in range(ACCOUNT.most):
        budget.begin(account(), None)

    assert outcome(lambda: budget.begin(account(), None)) is Code.BUSY
    assert budget.attempts_left(account()) == 0


@pytest.mark.parametrize("threads", [64])
def test_many_attempts_at_once_do_not_slip_through(budget: Budget, threads: int) -> None:
    found = at_once(threads, lambda: budget.begin(account(), "192.0.2.1"))

    assert sum(isinstance(ticket, bytes) for ticket in found) == ACCOUNT.most
    assert found.count(Code.BUSY) == threads - ACCOUNT.most


def test_benchmarks_can_set_it_off(store: Store, clock: Clock) -> None:
    budget = Budget(store, key=b"k" * 32, now=clock, enabled=False)

    assert [fail(budget, account()) for _ in range(50)] == [None] * 50


def test_rows_do_not_tell_whom_they_count(budget: Budget, store: Store) -> None:
    fail(budget, account(), "192.0.2.1")

    with store.read() as connection:
        dump = repr(connection.execute(text("SELECT * FROM attempts")).all())
    assert "taro" not in dump
    assert "corp.example" not in dump
    assert "192.0.2" not in dump


def test_purging_keeps_what_a_limit_looks_at(budget: Budget, clock: Clock, store: Store) -> None:
    for _ in range(ACCOUNT.most):
        fail(budget, account())
    budget.purge()
    assert budget.attempts_left(account()) == 0

    clock.advance(DOMAIN.seconds + 1)
    budget.purge()
    with store.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM attempts")).scalar_one() == 0


LITTLE = Limit(3, 3600)


def test_what_one_network_asks_for_is_limited_and_says_for_how_long(budget: Budget, clock: Clock) -> None:
    def ask(address: str | None) -> object:
        return outcome(lambda: budget.spend("files", LITTLE, address, Code.TOO_MANY_FILES))

    assert [ask(f"192.0.2.{last}") for last in range(4)] == [None] * 3 + [Code.TOO_MANY_FILES]
    assert [ask("198.51.100.1"), ask(None)] == [None, None]
    assert outcome(lambda: budget.spend("searches", LITTLE, "192.0.2.9", Code.TOO_MANY_SEARCHES)) is None
    clock.advance(LITTLE.seconds)
    assert ask("192.0.2.1") is None


def test_many_who_ask_at_once_do_not_slip_through(budget: Budget) -> None:
    found = at_once(64, lambda: budget.spend("files", LITTLE, "192.0.2.1", Code.TOO_MANY_FILES))

    assert found.count(None) == LITTLE.most
    assert found.count(Code.TOO_MANY_FILES) == 64 - LITTLE.most
