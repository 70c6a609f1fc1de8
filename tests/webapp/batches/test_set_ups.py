"""My set-up below the pages, on each database: what is noted once, and what a lost phone ends."""

from __future__ import annotations

import pytest
from sqlalchemy import Row, select

from profiles.model import Artifact
from profiles.problems import Code, ProblemError
from tests.webapp.batches.followed import Someone, add_batch
from tests.webapp.clock import Clock
from webapp.batches.options import Mode
from webapp.batches.set_ups import SetUps
from webapp.links import Links, derive, hash_token, new_token
from webapp.store import Store, checks, set_ups
from webapp.store.tables import invitations

LINK_KEY = b"k" * 32
TARO, HANAKO = "taro@example.co.jp", "hanako@example.co.jp"
Recorded = list[tuple[str, str, str, dict[str, str]]]


@pytest.fixture
def recorded() -> Recorded:
    return []


@pytest.fixture
def mine(store: Store, clock: Clock, recorded: Recorded) -> SetUps:
    def record(connection: object, actor: str, action: str, subject: str = "", **details: str) -> None:
        del connection
        recorded.append((actor, action, subject, details))

    return SetUps(store, link_key=LINK_KEY, record=record, now=clock)


def invite(store: Store, clock: Clock, address: str = TARO, mode: Mode = Mode.INVITATIONS) -> tuple[bytes, str]:
    """Invite somebody; return the id and the token of the link."""
    someone = Someone(address=address, password="listed" if mode is Mode.READY_MADE else None)
    _, links = add_batch(store, LINK_KEY, [someone], now=clock(), mode=mode)
    return links[address].id, links[address].token


def begin_check(store: Store, clock: Clock, address: str, invitation_id: bytes | None) -> str:
    token = new_token()
    with store.write() as connection:
        checks.put(
            connection, hash_token(token), state="running", address_key=address, account="{}", options="{}",
            at=clock(), expires_at=clock() + 3600, invitation_id=invitation_id,
        )  # fmt: skip
    return token


def finish(store: Store, clock: Clock, token: str) -> bool:
    with store.write() as connection:
        return checks.finish(
            connection, hash_token(token), state="ok", account="{}", outcome="{}", generation=1, now=clock()
        )


def note(store: Store, clock: Clock, owner: bytes, check: str, device: str, kind: str = "mobileconfig") -> bool:
    with store.write() as connection:
        return set_ups.note(
            connection, invitation_id=owner, check_hash=hash_token(check), address=TARO, device=device,
            kind=kind, at=clock(),
        )  # fmt: skip


def test_a_file_that_a_phone_fetches_five_times_is_one_set_up(store: Store, clock: Clock, mine: SetUps) -> None:
    owner, token = invite(store, clock)
    check = new_token()

    noted = [note(store, clock, owner, check, "iphone") for _ in range(5)]
    note(store, clock, owner, check, "mac")
    note(store, clock, owner, check, "android", "k9s")

    assert noted == [True, False, False, False, False]
    assert {one.device for one in mine.view(token).set_ups} == {"iphone", "mac", "android"}


def test_the_newest_stands_first(store: Store, clock: Clock, mine: SetUps) -> None:
    owner, token = invite(store, clock)
    for device in ("iphone", "android", "mac"):
        note(store, clock, owner, new_token(), device)
        clock.advance(60)

    assert [one.device for one in mine.view(token).set_ups] == ["mac", "android", "iphone"]


def test_a_check_that_runs_gets_no_links_any_more(store: Store, clock: Clock, mine: SetUps) -> None:
    owner, token = invite(store, clock)
    by_card, alone = begin_check(store, clock, TARO, owner), begin_check(store, clock, TARO, None)
    other = begin_check(store, clock, HANAKO, None)

    mine.report_lost(token)

    assert [finish(store, clock, one) for one in (by_card, alone, other)] == [False, False, True]


def test_deliveries_and_hand_overs_end_with_their_bytes(store: Store, clock: Clock, mine: SetUps) -> None:
    owner, token = invite(store, clock)
    check, links = begin_check(store, clock, TARO, owner), Links(store, now=clock)
    delivery, handover = derive(check, "delivery"), derive(check, "handover")
    file = Artifact(filename="a.mobileconfig", content_type="text/plain", data=b"secret")
    with store.write() as connection:
        links.lay_ready(connection, check, [file], delivery=delivery, handover=handover, passwords=("one",))

    mine.report_lost(token)

    for attempt in (lambda: links.fetch(delivery, file.filename), lambda: links.claim(handover)):
        with pytest.raises(ProblemError) as refusal:
            attempt()
        assert refusal.value.problems[0].code is Code.LINK_EXPIRED
    with store.read() as connection:
        assert links.handed_over(connection, handover) is None


def invitation(store: Store, owner: bytes) -> Row[tuple[object, ...]]:
    with store.read() as connection:
        return connection.execute(select(invitations).where(invitations.c.id == owner)).one()


def test_both_cards_of_a_person_are_marked_and_the_ready_made_one_ends(
    store: Store, clock: Clock, mine: SetUps
) -> None:
    asks, token = invite(store, clock)
    ready, ready_token = invite(store, clock, mode=Mode.READY_MADE)

    mine.report_lost(token)

    assert invitation(store, asks).lost_at == invitation(store, ready).lost_at == clock()
    assert (invitation(store, asks).revoked, invitation(store, ready).revoked) == (False, True)
    assert invitation(store, ready).sealed is None
    with pytest.raises(ProblemError):
        mine.view(ready_token)
    assert mine.view_lost(ready_token).is_over


def test_only_set_ups_of_the_card_can_be_marked(
    store: Store, clock: Clock, mine: SetUps, recorded: Recorded
) -> None:
    owner, token = invite(store, clock)
    other, other_token = invite(store, clock, HANAKO)
    note(store, clock, owner, new_token(), "iphone")
    note(store, clock, other, new_token(), "android")
    theirs = mine.view(other_token).set_ups[0].id

    mine.report_lost(token, {theirs, mine.view(token).set_ups[0].id})

    assert [one.lost_at is None for one in mine.view(other_token).set_ups] == [True]
    assert mine.view(token).remaining == ()
    assert recorded[0][1:] == ("phone.lost", TARO, {"devices": "iphone"})


def test_nothing_is_ended_where_the_audit_row_cannot_be_written(store: Store, clock: Clock) -> None:
    owner, token = invite(store, clock)
    check = begin_check(store, clock, TARO, owner)

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("no audit row")

    with pytest.raises(RuntimeError):
        SetUps(store, link_key=LINK_KEY, record=refuse, now=clock).report_lost(token)

    assert invitation(store, owner).lost_at is None
    assert finish(store, clock, check)


@pytest.mark.parametrize("days", [0, 31])
def test_a_card_whose_time_is_over_reports_nothing(days: int, store: Store, clock: Clock, mine: SetUps) -> None:
    _, token = invite(store, clock)
    clock.advance(days * 24 * 3600)

    if days:
        with pytest.raises(ProblemError) as refusal:
            mine.report_lost(token)
        assert refusal.value.problems[0].code is Code.LINK_EXPIRED
    else:
        mine.report_lost(token)


def test_the_link_of_a_check_is_the_one_that_opens(store: Store, clock: Clock, mine: SetUps) -> None:
    owner, token = invite(store, clock)
    check, stranger = begin_check(store, clock, TARO, owner), begin_check(store, clock, HANAKO, None)

    assert mine.link_of_check(check) == token
    assert mine.link_of_check(stranger) is None
    assert SetUps(store, link_key=b"other" * 8, record=print, now=clock).link_of_check(check) is None  # type: ignore[arg-type]
    clock.advance(31 * 24 * 3600)
    assert mine.link_of_check(check) is None


def test_looking_at_a_link_that_never_was_is_told_so(mine: SetUps) -> None:
    for token in ("", "x", "A" * 22):
        with pytest.raises(ProblemError) as refusal:
            mine.view(token)
        assert refusal.value.problems[0].code is Code.LINK_UNKNOWN
