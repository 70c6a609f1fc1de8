"""People who leave, on every kind of database: all of theirs ends at once, and the log tells what was done."""

from __future__ import annotations

import pytest

from profiles.address import Address, parse_address
from profiles.model import Artifact
from profiles.problems import ProblemError
from tests.webapp.admin.world import cheap_accounts
from tests.webapp.batches.followed import DAY, Someone, add_batch
from tests.webapp.clock import Clock
from webapp.accounts import Accounts
from webapp.batches.following import Following, Stage
from webapp.batches.invitations import Invitations
from webapp.batches.leavers import Leavers, Step
from webapp.batches.options import Mode
from webapp.config import Config
from webapp.links import Links, derive, hash_token, new_token
from webapp.store import Store, checks

LINK_KEY = b"link key of a test"
ACTOR = "owner@example.co.jp"


@pytest.fixture
def accounts(store: Store, store_config: Config, clock: Clock) -> Accounts:
    return cheap_accounts(store, store_config, clock)


@pytest.fixture
def leavers(store: Store, accounts: Accounts, clock: Clock) -> Leavers:
    return Leavers(store, record_each=accounts.audit.record_each, now=clock)


def address(text: str) -> Address:
    found, _ = parse_address(text)
    assert found is not None
    return found


LEAVER, STAYS, STRANGER = map(address, ("leaver@example.co.jp", "stays@example.co.jp", "stranger@example.co.jp"))


def test_links_of_every_list_end_and_nobody_elses(leavers: Leavers, store: Store, clock: Clock) -> None:
    people = [Someone(address=str(one), password="secret") for one in (LEAVER, STAYS)]
    links = [
        add_batch(store, LINK_KEY, people, now=clock(), mode=mode)[1]
        for mode in (Mode.INVITATIONS, Mode.READY_MADE)
    ]

    leavers.leave([LEAVER], actor=ACTOR)

    invitations = Invitations(store, link_key=LINK_KEY, now=clock)
    for found in links:
        with pytest.raises(ProblemError):
            invitations.find(found[str(LEAVER)].token)
        assert invitations.find(found[str(STAYS)].token).address == STAYS


def test_check_that_nobody_invited_ends_with_its_download(leavers: Leavers, store: Store, clock: Clock) -> None:
    token, links = new_token(), Links(store, now=clock)
    artifact = Artifact(filename="a.mobileconfig", content_type="text/plain", data=b"secret")
    with store.write() as connection:
        checks.put(
            connection,
            hash_token(token),
            state="ok",
            address_key=LEAVER.key,
            account="{}",
            options="{}",
            at=clock(),
            expires_at=clock() + DAY,
        )
        delivery, handover = derive(token, "delivery"), derive(token, "handover")
        links.lay_ready(connection, token, [artifact], delivery=delivery, handover=handover)

    (seen,) = leavers.look([LEAVER])
    leavers.leave([LEAVER], actor=ACTOR)

    assert (seen.links, seen.checks, seen.is_hit, seen.is_known) == (0, 1, True, False)
    with pytest.raises(ProblemError):
        links.fetch(delivery, "a.mobileconfig")
    with pytest.raises(ProblemError):
        links.claim(handover)


def test_row_that_a_worker_has_not_come_to_is_never_made(
    leavers: Leavers, accounts: Accounts, store: Store, clock: Clock
) -> None:
    people = [Someone(address=str(one), state="waiting") for one in (LEAVER, STAYS)]
    batch, _ = add_batch(store, LINK_KEY, people, now=clock(), state="making")

    leavers.leave([LEAVER], actor=ACTOR)

    following = Following(store, link_key=LINK_KEY, record_each=accounts.audit.record_each, now=clock)
    assert [one.stage for one in following.page(batch).people] == [Stage.CANCELLED, Stage.WAITING]


def test_looking_tells_who_is_hit_and_changes_nothing(leavers: Leavers, store: Store, clock: Clock) -> None:
    _, links = add_batch(store, LINK_KEY, [Someone(address=str(LEAVER))], now=clock())

    hit, stranger = leavers.look([LEAVER, STRANGER])

    assert (hit.links, hit.is_hit) == (1, True)
    assert (stranger.is_hit, stranger.is_known) == (False, False)
    invitations = Invitations(store, link_key=LINK_KEY, now=clock)
    assert invitations.find(links[str(LEAVER)].token).address == LEAVER


def test_run_is_read_back_from_the_log(leavers: Leavers, accounts: Accounts, store: Store, clock: Clock) -> None:
    add_batch(store, LINK_KEY, [Someone(address=str(LEAVER))], now=clock())

    first = leavers.leave([LEAVER, STRANGER], actor=ACTOR)
    second = leavers.leave([STAYS], actor="other")
    leavers.tick(first, Step.SESSIONS, actor="other")
    leavers.tick(first, Step.SESSIONS, actor="third")

    run = leavers.run(first)
    assert run is not None
    assert [(one.address, one.links) for one in run.people] == [(str(LEAVER), 1), (str(STRANGER), 0)]
    assert (run.actor, {step: one.actor for step, one in run.steps.items()}) == (ACTOR, {Step.SESSIONS: "other"})
    other = leavers.run(second)
    assert other is not None
    assert (len(other.people), other.steps) == (1, {})
    assert leavers.run(first - 1) is None
    assert leavers.run(999) is None
    assert accounts.audit.verify()[1] == ()


def test_leaving_twice_is_harmless(leavers: Leavers, store: Store, clock: Clock) -> None:
    add_batch(store, LINK_KEY, [Someone(address=str(LEAVER))], now=clock())

    leavers.leave([LEAVER], actor=ACTOR)
    again = leavers.run(leavers.leave([LEAVER], actor=ACTOR))

    assert again is not None
    assert [one.links for one in again.people] == [0]
