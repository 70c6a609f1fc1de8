"""Many checks in one process: all of them right, none mixed up, nothing left behind; the goals of the clock."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from profiles.model import Protocol, SocketType
from profiles.problems import Code
from tests.servers.environment import Environment
from tests.servers.people import PEOPLE, WRONG
from tests.servers.scripted import Connection, Imap, ScriptedServer, Smtp, is_silent
from tests.servers.slow import slow_servers
from tests.servers.world import CANARY, UNHURRIED, World, account_on, errors, imap, server, smtp
from webapp.probes import Deadlines, check
from webapp.probes.report import Report

FAULT_SECONDS, LATE_LOGIN_SECONDS, TOTAL_SECONDS = 12, 25, 40
"""Goals: a fault is told within 12 s, after a late reply to the log-in within 25 s, everything within 40 s."""


def at_once(count: int, work: Callable[[int], Report]) -> list[Report]:
    """Run `work` in as many threads as there are pieces of it, all released together."""
    gate = threading.Barrier(count)

    def one(number: int) -> Report:
        gate.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_verdicts_of_simultaneous_checks_are_not_mixed_up(world: World) -> None:
    scripts = (Imap(), Imap(login="NO [AUTHENTICATIONFAILED] no"), Imap(login="NO [EXPIRED] Password expired"))
    expected = ([], [Code.AUTH_WRONG_PASSWORD], [Code.AUTH_PASSWORD_EXPIRED])
    with (
        world.serve(scripts[0]) as healthy,
        world.serve(scripts[1]) as refusing,
        world.serve(scripts[2]) as expired,
        world.serve(Smtp()) as sender,
    ):
        ports = (healthy.port, refusing.port, expired.port)
        outbound = world.outbound()
        reports = at_once(
            30,
            lambda number: check(
                account_on(imap(ports[number % 3]), smtp(sender.port)),
                CANARY,
                outbound=outbound,
                deadlines=UNHURRIED,
            ),
        )

    assert [errors(report) for report in reports] == [expected[number % 3] for number in range(30)]
    assert (healthy.logins, refusing.logins, expired.logins, sender.logins) == (10, 10, 10, 10)


@pytest.mark.servers
def test_twenty_real_accounts_at_once(environment: Environment) -> None:
    names = ["normal", "kanji", "quote", "euro", "prefix"] * 4
    outbound = environment.outbound()
    mark = environment.dovecot.mark()

    reports = at_once(
        20,
        lambda number: check(
            environment.account(names[number]),
            PEOPLE[names[number]].password,
            outbound=outbound,
            deadlines=UNHURRIED,
        ),
    )

    assert Counter(tuple(errors(report)) for report in reports) == {(): 20}
    assert environment.dovecot.attempts_since(mark) == {"imap": 20, "smtp": 20}


@pytest.mark.soak
def test_two_hundred_checks_at_once_on_slow_servers(world: World) -> None:
    with slow_servers(world.authority) as servers:
        account, outbound = account_on(imap(servers.imap), smtp(servers.smtp)), world.outbound()
        reports = at_once(200, lambda _: check(account, CANARY, outbound=outbound))

    assert Counter(tuple(errors(report)) for report in reports) == {(): 200}


@pytest.mark.soak
@pytest.mark.servers
def test_every_real_fault_a_hundred_times(environment: Environment) -> None:
    expected = {
        "disabled": [Code.AUTH_WRONG_PASSWORD],
        "no-login": [Code.AUTH_ACCOUNT_DISABLED],
        "temporary": [Code.AUTH_TEMPORARY],
        "not-owner": [Code.SMTP_SENDER_REFUSED],
        "broken": [Code.MAILBOX_UNAVAILABLE],
        "quota-full": [Code.QUOTA_FULL, Code.SMTP_MAILBOX_FULL],
    }
    outbound = environment.outbound()

    def one(name: str) -> tuple[str, tuple[Code, ...]]:
        report = check(environment.account(name), PEOPLE[name].password, outbound=outbound)
        return name, tuple(errors(report))

    with ThreadPoolExecutor(8) as pool:
        found = Counter(pool.map(one, [name for name in expected for _ in range(100)]))

    assert found == {(name, tuple(codes)): 100 for name, codes in expected.items()}


@pytest.mark.soak
@pytest.mark.servers
def test_wrong_password_is_one_attempt_in_a_hundred_checks(environment: Environment) -> None:
    outbound = environment.outbound()
    mark = environment.dovecot.mark()

    with ThreadPoolExecutor(8) as pool:
        reports = list(pool.map(lambda _: check(environment.account(), WRONG, outbound=outbound), range(100)))

    assert Counter(tuple(errors(report)) for report in reports) == {(Code.AUTH_WRONG_PASSWORD,): 100}
    assert environment.dovecot.attempts_since(mark) == {"imap": 100}


def drips(connection: Connection) -> None:
    """One byte per half second for ever."""
    connection.drip(b"* OK " + b"x" * 8000)


def is_silent_after_login(connection: Connection) -> None:
    """A server that never answers the log-in."""
    Imap(login=None)(connection)


@pytest.mark.soak
@pytest.mark.parametrize("protocol", list(Protocol))
@pytest.mark.parametrize("kind", list(SocketType))
@pytest.mark.parametrize("conversation", [is_silent, drips])
def test_slow_server_is_told_within_the_goal(
    world: World, protocol: Protocol, kind: SocketType, conversation: Callable[[Connection], None]
) -> None:
    """With the deadlines as they are, on a server that uses each of them up."""
    with ScriptedServer(conversation) as running:
        report = world.check(server(protocol, running.port, kind), deadlines=Deadlines())

    assert not report.ok
    assert report.milliseconds <= FAULT_SECONDS * 1000


@pytest.mark.soak
def test_late_login_reply_is_told_within_the_goal(world: World) -> None:
    with world.serve(is_silent_after_login) as reader, world.serve(Smtp()) as sender:
        report = world.check(imap(reader.port), smtp(sender.port), deadlines=Deadlines())

    assert errors(report) == [Code.SERVER_TOO_SLOW]
    assert report.milliseconds <= (LATE_LOGIN_SECONDS + 2) * 1000
    assert report.milliseconds <= TOTAL_SECONDS * 1000
