"""What is on its way at the moment of an end: nothing that is being given out outlives the revocation behind it.

SQLite lets one transaction write at a time. PostgreSQL shows a statement only what was committed before it, so the
order of statements decides: each test stops a gift before its commit, lets the end run into it, and looks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy import select, text, update

from profiles.model import Artifact
from profiles.problems import Code
from tests.servers.processes import PATIENCE
from tests.webapp.admin.world import cheap_accounts
from tests.webapp.batches.followed import Someone, add_batch, employee
from tests.webapp.clock import Clock
from tests.webapp.threads import at_once, outcome
from webapp.batches.invitations import Invitations
from webapp.batches.leavers import Leavers
from webapp.config import Config
from webapp.links import Links, hash_token, new_token
from webapp.store import Connection, Store, batch_rows, batches, invitations, tables
from webapp.store import checks as check_rows
from webapp.store import links as link_rows

LINK_KEY = b"k" * 32
TARO = "taro@example.co.jp"
PROFILE = Artifact(data=b"profile", content_type="application/x-x", filename="corp.mobileconfig")


@pytest.fixture
def links(store: Store, clock: Clock) -> Links:
    return Links(store, now=clock)


@pytest.fixture
def card(store: Store, clock: Clock) -> tuple[int, bytes, str]:
    """Batch, invitation and link of one person."""
    batch_id, made = add_batch(store, LINK_KEY, [Someone(address=TARO)], now=clock())
    return batch_id, made[TARO].id, made[TARO].token


@contextmanager
def on_its_way(store: Store, end: Callable[[], object]) -> Iterator[Connection]:
    """A transaction into which an end runs before the commit."""
    ending = threading.Thread(target=end)
    with store.write() as connection:
        yield connection
        ending.start()
        waits_or_is_over(store, ending)
    ending.join(PATIENCE)
    assert not ending.is_alive()


def waits_or_is_over(store: Store, thread: threading.Thread) -> None:
    pause, waiting = threading.Event(), text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    while thread.is_alive() and not store.is_sqlite:
        with store.read() as connection:
            if connection.execute(waiting).scalar_one():
                return
        pause.wait(0.01)


def end(store: Store, clock: Clock, invitation_id: bytes) -> None:
    """What a revocation does."""
    with store.write() as connection:
        invitations.end_of_all(connection, [invitation_id], now=clock())
        this = tables.invitations.c.id == invitation_id
        connection.execute(update(tables.invitations).where(this).values(revoked=True))


def begin_check(connection: Connection, clock: Clock, invitation_id: bytes) -> str:
    token = new_token()
    check_rows.put(
        connection, hash_token(token), state="running", address_key=TARO, account="{}", options="{}",
        at=clock(), expires_at=clock() + 3600, invitation_id=invitation_id,
    )  # fmt: skip
    return token


def finish(connection: Connection, links: Links, clock: Clock, check: str, delivery: str, handover: str) -> bool:
    finished = check_rows.finish(
        connection, hash_token(check), state="ok", account="{}", outcome="{}", generation=1, now=clock()
    )
    if finished:
        links.lay_ready(connection, check, (PROFILE,), delivery=delivery, handover=handover)
    return finished


def test_a_claim_on_its_way_gives_nothing_once_its_group_is_revoked(
    store: Store, clock: Clock, links: Links
) -> None:
    group, delivery, handover, claimed = (new_token() for _ in range(4))
    with store.write() as connection:
        links.lay_ready(connection, group, (PROFILE,), delivery=delivery, handover=handover)

    with on_its_way(store, lambda: links.revoke(group)) as connection:
        won = link_rows.claim(connection, hash_token(handover), now=clock())
        assert won is not None
        link_rows.put_delivery(
            connection, hash_token(claimed), won[0], filename=PROFILE.filename, sealed=b"sealed",
            expires_at=clock() + 600,
        )  # fmt: skip

    for token in (delivery, claimed):
        assert outcome(lambda token=token: links.fetch(token, PROFILE.filename)) is Code.LINK_EXPIRED  # type: ignore[misc]


def test_a_check_that_just_begins_ends_with_its_invitation(
    store: Store, clock: Clock, card: tuple[int, bytes, str]
) -> None:
    _, invitation_id, token = card

    with on_its_way(store, lambda: end(store, clock, invitation_id)) as connection:
        assert invitations.living_id(connection, hash_token(token), now=clock()) == invitation_id
        check = begin_check(connection, clock, invitation_id)

    with store.read() as connection:
        row = check_rows.get(connection, hash_token(check))
    assert row is not None
    assert row.expires_at <= clock()


def test_a_delivery_that_is_just_made_ends_with_its_invitation(
    store: Store, clock: Clock, links: Links, card: tuple[int, bytes, str]
) -> None:
    _, invitation_id, token = card
    delivery = new_token()

    with on_its_way(store, lambda: end(store, clock, invitation_id)) as connection:
        assert invitations.living_id(connection, hash_token(token), now=clock()) == invitation_id
        link_rows.put_delivery(
            connection, hash_token(delivery), hash_token(token), filename=PROFILE.filename, sealed=b"sealed",
            expires_at=clock() + 600,
        )  # fmt: skip

    assert outcome(lambda: links.fetch(delivery, PROFILE.filename)) is Code.LINK_EXPIRED


def test_a_check_that_just_passes_ends_with_its_batch(
    store: Store, clock: Clock, links: Links, card: tuple[int, bytes, str]
) -> None:
    batch_id, invitation_id, _ = card
    delivery, handover = new_token(), new_token()
    with store.write() as connection:
        check = begin_check(connection, clock, invitation_id)

    def delete() -> None:
        with store.write() as connection:
            batches.end_links(connection, batch_id)

    with on_its_way(store, delete) as connection:
        assert finish(connection, links, clock, check, delivery, handover)

    assert outcome(lambda: links.fetch(delivery, PROFILE.filename)) is Code.LINK_EXPIRED
    assert outcome(lambda: links.claim(handover)) is Code.LINK_EXPIRED


def test_a_link_that_a_worker_just_makes_ends_with_its_leaver(
    store: Store, store_config: Config, clock: Clock
) -> None:
    taro, lease = Someone(address=TARO, state="working"), b"l" * 16
    batch_id, _ = add_batch(store, LINK_KEY, [taro], now=clock(), state="making")
    with store.write() as connection:
        connection.execute(update(tables.batch_rows).values(lease=lease, lease_until=clock() + 60))
    audit = cheap_accounts(store, store_config, clock).audit
    leavers = Leavers(store, record_each=audit.record_each, now=clock)
    invited = Invitations(store, link_key=LINK_KEY, now=clock)
    who = employee(2, taro)

    with on_its_way(store, lambda: leavers.leave([who.address], actor="owner")) as connection:
        (row_id,) = batch_rows.hold(connection, lease)
        (link,) = invited.invite_within(connection, batch_id, [who], expires_at=clock() + 3600)
        made = batch_rows.EndedRow(id=row_id, state="made", problems=None, invitation_id=link.id)
        batch_rows.end(connection, lease, [made], at=clock())

    assert outcome(lambda: invited.find(link.token)) is Code.LINK_EXPIRED


@pytest.mark.parametrize("how", ["revoked", "renewed"])
def test_a_list_that_names_the_person_again_revives_no_link(
    store: Store, clock: Clock, card: tuple[int, bytes, str], how: str
) -> None:
    """It writes what it says anew into the invitation that it found: not over the end of that."""
    batch_id, invitation_id, token = card
    invited = Invitations(store, link_key=LINK_KEY, now=clock)
    again = replace(employee(2, Someone(address=TARO)), full_name="山田 太郎")
    made: list[str] = []

    def name_again() -> None:
        (link,) = invited.invite(batch_id, [again], expires_at=clock() + 3600)
        made.append(link.token)

    with on_its_way(store, name_again) as connection:
        invitations.end_of_all(connection, [invitation_id], now=clock())
        new = {"revoked": True} if how == "revoked" else {"generation": 1, "token_hash": b"new" * 10}
        this = tables.invitations.c.id == invitation_id
        connection.execute(update(tables.invitations).where(this).values(**new))

    assert outcome(lambda: invited.find(token)) in (Code.LINK_EXPIRED, Code.LINK_UNKNOWN)
    assert made != [token]
    assert outcome(lambda: invited.find(made[0]).full_name) == "山田 太郎"


def all_at_once(actions: Sequence[Callable[[], object]]) -> list[object]:
    """Let each be done by a thread of its own."""
    turn, taking = iter(actions), threading.Lock()

    def act() -> object:
        with taking:
            action = next(turn)
        return action()

    return at_once(len(actions), act)


def test_sixty_four_at_once_never_wait_for_each_other_and_leave_nothing_open(
    store: Store, clock: Clock, links: Links, card: tuple[int, bytes, str]
) -> None:
    """Checks pass and files are fetched while the invitation is revoked again and again."""
    _, invitation_id, _ = card
    deliveries = [(new_token(), new_token()) for _ in range(24)]
    with store.write() as connection:
        begun = [begin_check(connection, clock, invitation_id) for _ in deliveries]
        ready = [begin_check(connection, clock, invitation_id) for _ in deliveries]
        for check, (delivery, handover) in zip(ready, deliveries, strict=True):
            assert finish(connection, links, clock, check, delivery, handover)
    passed = [(new_token(), new_token()) for _ in begun]

    def passes(number: int) -> None:
        with store.write() as connection:
            invitations.hold_owner(connection, hash_token(begun[number]))
            if finish(connection, links, clock, begun[number], *passed[number]):
                marks = (invitations.Mark.VALIDATED, invitations.Mark.ISSUED)
                invitations.mark_of_check(
                    connection, hash_token(begun[number]), *marks, address_keys=[TARO], now=clock()
                )

    actions: list[Callable[[], object]] = []
    for number, (delivery, _) in enumerate(deliveries):
        actions.append(partial(passes, number))
        actions.append(partial(links.fetch, delivery, PROFILE.filename, device="iphone"))
    actions += [partial(end, store, clock, invitation_id)] * (64 - len(actions))

    found = all_at_once(actions)

    assert Code.DATABASE_UNAVAILABLE not in found
    closed = (Code.LINK_EXPIRED, Code.LINK_UNKNOWN)
    for delivery, handover in [*passed, *deliveries]:
        assert outcome(partial(links.fetch, delivery, PROFILE.filename)) in closed
        assert outcome(partial(links.claim, handover)) in closed
    with store.read() as connection:
        living = select(tables.checks.c.token_hash).where(tables.checks.c.expires_at > clock())
        assert connection.execute(living).all() == []
