"""Rows are made once, whoever works on them and whenever somebody dies; what an admin ends has ended."""

from __future__ import annotations

import secrets
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from profiles.model import MailAccount, ServiceSettings
from profiles.problems import Code, Problem, ProblemError
from tests.webapp.batches.engine import DAY, Engine, people
from tests.webapp.batches.lists import BAD, DOMAINS, HEADINGS
from webapp.batches.options import BatchState, MailState, Mode, RowState
from webapp.batches.working import LEASE_SECONDS, MOST_CLAIMS
from webapp.probes.report import Report
from webapp.store import batch_rows, batches, tables


def refuses(*addresses: str) -> Callable[[MailAccount, str], Report]:
    """A mail server that does not let these people in."""

    def probe(account: MailAccount, password: str) -> Report:
        wrong = str(account.address) in addresses
        return Report(account=account, problems=(Problem(Code.AUTH_WRONG_PASSWORD),) if wrong else ())

    return probe


def links(engine: Engine) -> list[dict[str, object]]:
    """Every invitation."""
    return engine.rows(tables.invitations)


def test_every_good_row_gets_one_link(engine: Engine) -> None:
    batch_id = engine.take([*people(120), *BAD])

    engine.make(batch_id)

    view = engine.batches.view(batch_id)
    assert (view.state, view.made, view.failed, view.done) == (BatchState.DONE, 120, 3, 123)
    assert view.finished_at is not None
    assert Counter(link["address"] for link in links(engine)) == {f"p{n}@corp.example": 1 for n in range(1, 121)}
    assert {engine.refuses(link) for link in links(engine)} == {None}
    rows = engine.rows(tables.batch_rows, state=RowState.MADE)
    assert {row["invitation_id"] for row in rows} == {link["id"] for link in links(engine)}


def test_many_workers_share_a_batch_and_make_nothing_twice(engine: Engine) -> None:
    batch_id = engine.take(people(300))
    workers = [engine.worker(chunk=7) for _ in range(4)]

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(lambda worker: worker.work(batch_id, seconds=600), workers))

    assert engine.batches.view(batch_id).state is BatchState.DONE
    assert engine.states(batch_id) == {"made": 300}
    assert len(links(engine)) == len({link["address"] for link in links(engine)}) == 300


def test_a_batch_that_no_worker_cares_for_says_so(engine: Engine) -> None:
    batch_id = engine.take(people(3))
    at_once = engine.batches.view(batch_id).is_stalled
    engine.clock.advance(31)
    later = engine.batches.view(batch_id).is_stalled
    engine.make(batch_id)
    engine.clock.advance(31)

    assert (at_once, later) == (False, True)
    assert not engine.batches.view(batch_id).is_stalled, "nothing is left to do"


def test_the_speed_is_told_while_it_is_made(engine: Engine) -> None:
    batch_id = engine.take(people(30))
    worker = engine.worker(chunk=10)
    before = engine.batches.view(batch_id)
    worker._one_chunk(batch_id)
    engine.clock.advance(5)
    worker._one_chunk(batch_id)

    during = engine.batches.view(batch_id)
    engine.make(batch_id)

    assert before.rows_per_second is before.seconds_left is None
    assert (during.done, during.rows_per_second, during.seconds_left) == (20, 4.0, 2)
    assert engine.batches.view(batch_id).speed is None


def test_a_message_that_comes_again_does_no_harm(engine: Engine) -> None:
    batch_id = engine.take(people(3))
    engine.make(batch_id)

    engine.make(batch_id)
    engine.make(4711)

    assert len(links(engine)) == 3


def test_the_rows_of_a_dead_worker_go_to_another_one(engine: Engine) -> None:
    batch_id = engine.take(people(10))
    dead = engine.worker(chunk=4)
    dead._claim(batch_id, b"d" * 16)

    engine.make(batch_id)
    before = engine.states(batch_id)
    engine.clock.advance(LEASE_SECONDS + 1)
    engine.make(batch_id)

    assert before == {"made": 6, "working": 4}
    assert engine.states(batch_id) == {"made": 10}
    assert engine.batches.view(batch_id).state is BatchState.DONE
    assert len(links(engine)) == 10


def test_a_worker_that_was_taken_for_dead_changes_nothing_when_it_wakes_up(engine: Engine) -> None:
    batch_id = engine.take(people(4))
    sleepy = engine.worker()
    job, rows = sleepy._claim(batch_id, b"s" * 16)
    engine.clock.advance(LEASE_SECONDS + 1)
    engine.make(batch_id)
    before = links(engine)

    assert job is not None
    sleepy._make(job, b"s" * 16, rows)

    assert links(engine) == before
    assert engine.states(batch_id) == {"made": 4}


def test_a_sign_of_life_keeps_a_lease(engine: Engine) -> None:
    batch_id = engine.take(people(4), check=True)
    worker = engine.worker()
    elsewhere: list[bool] = []

    def slow(account: MailAccount, password: str) -> Report:
        if not elsewhere:
            elsewhere.append(True)
            engine.clock.advance(LEASE_SECONDS - 1)
            worker._leases.beat()
            engine.clock.advance(LEASE_SECONDS - 1)
            engine.worker(refuses("p1@corp.example")).work(batch_id, seconds=600)
        return Report(account=account)

    worker._probe = slow
    worker.work(batch_id, seconds=600)

    assert engine.states(batch_id) == {"made": 4}, "the other worker found nothing to claim"


def test_a_row_that_kills_its_workers_is_given_up_alone(engine: Engine) -> None:
    batch_id = engine.take(people(5))
    claimed = []

    def die_with(row: int) -> bool:
        """A worker that works on, until it comes to this row."""
        worker = engine.worker()
        while True:
            lease = secrets.token_bytes(16)
            job, rows = worker._claim(batch_id, lease)
            if job is None or not rows:
                return False
            claimed.append([one.row for one in rows])
            if any(one.row == row and one.claims <= MOST_CLAIMS for one in rows):
                return True
            worker._make(job, lease, rows)

    while die_with(3):
        engine.clock.advance(LEASE_SECONDS + 1)
    engine.make(batch_id)

    assert claimed[:2] == [[2, 3, 4, 5, 6]] * 2
    assert {len(rows) for rows in claimed[2:]} == {1}
    assert claimed.count([3]) == MOST_CLAIMS - 1
    assert engine.states(batch_id) == {"made": 4, "failed": 1}
    assert engine.codes(batch_id) == {"p2@corp.example": [Code.ROW_GIVEN_UP]}
    assert engine.batches.view(batch_id).state is BatchState.DONE


def test_an_odd_row_holds_up_no_other(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    batch_id = engine.take(people(5))
    real = DOMAINS["corp.example"]

    class Odd:
        """Settings that break at one person."""

        def __init__(self) -> None:
            self.calls = 0

        def account(self, address: object, full_name: str, **more: object) -> MailAccount:
            if str(address) == "p3@corp.example":
                raise RuntimeError("canary")
            return real.account(address, full_name)  # type: ignore[arg-type]

    worker = engine.worker(find=lambda domain: Odd())  # type: ignore[arg-type, return-value]
    assert worker.work(batch_id, seconds=600)

    assert engine.states(batch_id) == {"made": 4, "failed": 1}
    assert engine.codes(batch_id) == {"p3@corp.example": [Code.INCIDENT]}


def test_a_domain_that_is_gone_meanwhile_is_said(engine: Engine) -> None:
    batch_id = engine.take(people(2))

    assert engine.worker(find=lambda domain: None).work(batch_id, seconds=600)

    assert set(map(tuple, engine.codes(batch_id).values())) == {(Code.DOMAIN_NOT_SERVED,)}
    assert engine.batches.view(batch_id).state is BatchState.DONE


def test_a_database_that_is_away_counts_against_no_row(engine: Engine) -> None:
    batch_id = engine.take(people(2))

    def away(domain: str) -> None:
        raise ProblemError(Problem(Code.DATABASE_UNAVAILABLE, {"reason": "gone"}))

    with pytest.raises(ProblemError):
        engine.worker(find=away).work(batch_id)

    assert {row["claims"] for row in engine.rows(tables.batch_rows)} == {0}
    assert engine.states(batch_id) == {"waiting": 2}


def test_who_was_invited_before_keeps_the_link(engine: Engine) -> None:
    engine.make(engine.take(people(2)))
    before = {link["address"]: link["token_hash"] for link in links(engine)}

    again = engine.take(people(3))
    engine.make(again)

    after = {link["address"]: link["token_hash"] for link in links(engine)}
    assert before.items() <= after.items()
    assert len(links(engine)) == 3
    assert engine.batches.view(again).made == 3


# ready-made


def test_a_ready_made_row_is_opened_by_its_pin_and_keeps_nothing(engine: Engine) -> None:
    row = (*people(1)[0], "501928")
    batch_id = engine.take([row], headings=(*HEADINGS, "PIN"), mode=Mode.READY_MADE)

    engine.make(batch_id)

    (link,) = links(engine)
    opened = engine.invitations.open_ready_made(engine.token(link), "501928")
    assert opened.password == "canary-1-合言葉"
    assert not opened.tried
    assert engine.rows(tables.batch_rows)[0]["sealed"] is None
    assert "canary" not in engine.text()


def pins(engine: Engine) -> dict[str, str | None]:
    """The PIN of each person."""
    with engine.store.read() as connection:
        found = {link["id"]: link["address"] for link in links(engine)}
        again = engine.invitations.again(connection, list(found))  # type: ignore[arg-type]
    return {str(found[key]): link.pin for key, link in again.items()}


def test_the_same_list_again_changes_no_pin_and_a_list_s_own_pin_counts(engine: Engine) -> None:
    engine.make(engine.take(people(5), mode=Mode.READY_MADE))
    first = pins(engine)
    rows = [(*row[:4], "new password", "") for row in people(4)]
    given = (*people(1, first=5)[0], "501928")

    engine.make(engine.take([*rows, given], headings=(*HEADINGS, "PIN"), mode=Mode.READY_MADE))

    assert len(set(first.values())) == 5
    assert pins(engine) == {**first, "p5@corp.example": "501928"}
    link = next(one for one in links(engine) if one["address"] == "p1@corp.example")
    opened = engine.invitations.open_ready_made(engine.token(link), str(first["p1@corp.example"]))
    assert opened.password == "new password"


def test_a_row_that_was_sealed_under_another_link_key_is_not_made_without_its_password(engine: Engine) -> None:
    batch_id = engine.take(people(1), mode=Mode.READY_MADE)
    worker = engine.worker()
    worker._link_key = b"another key"

    assert worker.work(batch_id, seconds=600)

    assert engine.states(batch_id) == {"failed": 1}
    assert links(engine) == []


def test_a_profile_that_cannot_hold_the_account_fails_a_ready_made_row(engine: Engine) -> None:
    from dataclasses import replace

    def reads_only(domain: str) -> ServiceSettings:
        return replace(DOMAINS["corp.example"], outgoing_servers=())

    ready = engine.take(people(1), mode=Mode.READY_MADE)
    invited = engine.take(people(1, first=2))
    for batch_id in (ready, invited):
        assert engine.worker(find=reads_only).work(batch_id, seconds=600)

    assert engine.states(ready) == {"failed": 1}
    assert engine.states(invited) == {"made": 1}, "the page of an invitation knows other ways"
    assert engine.codes(ready)["p1@corp.example"] == engine.codes(invited)["p2@corp.example"]


# the live check


@pytest.mark.parametrize("mode", list(Mode))
def test_a_refused_password_gets_no_link(engine: Engine, mode: Mode) -> None:
    batch_id = engine.take(people(3), mode=mode, check=True)

    engine.make(batch_id, refuses("p2@corp.example"))

    assert engine.states(batch_id) == {"made": 2, "failed": 1}
    assert engine.codes(batch_id) == {"p2@corp.example": [Code.AUTH_WRONG_PASSWORD]}
    assert {link["address"] for link in links(engine)} == {"p1@corp.example", "p3@corp.example"}
    made = engine.rows(tables.batch_rows, state="made")
    assert all(row["tried"] and row["sealed"] is None for row in made)
    assert {bool(link["tried"]) for link in links(engine)} == {mode is Mode.READY_MADE}


def test_a_server_that_says_too_many_is_left_alone_by_all_workers(engine: Engine) -> None:
    batch_id = engine.take(people(30), check=True, check_rate=50)
    asked: list[str] = []

    def probe(account: MailAccount, password: str) -> Report:
        asked.append(str(account.address))
        code = Code.AUTH_RATE_LIMITED if len(asked) >= 3 else None
        return Report(account=account, problems=(Problem(code),) if code else ())

    engine.clock.advance(1)
    first, second = engine.worker(probe), engine.worker(probe)
    first._one_chunk(batch_id)
    count = len(asked)
    assert second.work(batch_id, seconds=600)

    view = engine.batches.view(batch_id)
    assert count < 12
    assert len(asked) == count, "the second worker never knocked"
    assert (view.made, view.failed) == (30, 0)
    assert [(one.server, one.code) for one in view.stopped] == [("mail.corp.example:993", "AUTH_RATE_LIMITED")]
    untried = [codes for codes in engine.codes(batch_id).values() if codes == [Code.ROW_NOT_TRIED]]
    assert len(untried) >= 28, "only the first two were told nothing of it"


def test_a_check_that_breaks_sends_no_password_twice(engine: Engine) -> None:
    batch_id = engine.take(people(3), check=True)
    asked: list[str] = []

    def probe(account: MailAccount, password: str) -> Report:
        asked.append(password)
        if password.startswith("canary-2"):
            raise RuntimeError(password)
        if password.startswith("canary-3"):
            raise ProblemError(Problem(Code.NAME_UNUSABLE))
        return Report(account=account)

    engine.make(batch_id, probe)

    assert len(asked) == len(set(asked)) == 3
    assert engine.states(batch_id) == {"made": 1, "failed": 2}
    assert engine.codes(batch_id) == {"p2@corp.example": [Code.INCIDENT], "p3@corp.example": [Code.NAME_UNUSABLE]}


def test_rows_without_a_password_are_not_tried_and_not_marked(engine: Engine) -> None:
    rows = [(*row[:4], "") for row in people(2)]

    batch_id = engine.take(rows, check=True)
    engine.make(batch_id, refuses("p1@corp.example"))

    assert engine.states(batch_id) == {"made": 2}
    assert engine.codes(batch_id) == {}


def test_all_workers_together_keep_the_rate_of_a_server(engine: Engine) -> None:
    turns = []
    for _ in range(5):
        with engine.store.write() as connection:
            turns.append(batches.take_turn(connection, "mail.example:993", pause=0.5, now=engine.clock()))
    with engine.store.write() as connection:
        other = batches.take_turn(connection, "other.example:993", pause=0.5, now=engine.clock())
    engine.clock.advance(60)
    with engine.store.write() as connection:
        later = batches.take_turn(connection, "mail.example:993", pause=0.5, now=engine.clock())

    start = engine.clock() - 60
    assert turns == [start, start + 0.5, start + 1, start + 1.5, start + 2]
    assert other == start
    assert later == engine.clock()


def test_first_turns_taken_at_once_are_different_ones(engine: Engine) -> None:
    gate = threading.Barrier(8)

    def take(number: int) -> float:
        gate.wait()
        with engine.store.write() as connection:
            return batches.take_turn(connection, "mail.example:993", pause=1, now=engine.clock())

    with ThreadPoolExecutor(8) as pool:
        turns = sorted(pool.map(take, range(8)))

    assert [turn - engine.clock() for turn in turns] == list(range(8))


def test_a_worker_that_is_told_to_end_finishes_what_began_and_leaves_the_rest(engine: Engine) -> None:
    batch_id = engine.take(people(6), check=True, check_rate=0.001)
    halted = Event()

    def probe(account: MailAccount, password: str) -> Report:
        halted.set()
        return Report(account=account)

    done = engine.worker(probe, halted=halted).work(batch_id)

    assert not done
    assert engine.states(batch_id) == {"made": 1, "waiting": 5}
    assert {row["claims"] for row in engine.rows(tables.batch_rows, state="waiting")} == {0}


# mails


def test_mails_wait_for_people_who_got_none_yet(engine: Engine) -> None:
    engine.make(engine.take(people(1)))
    with engine.store.write() as connection:
        connection.execute(tables.invitations.update().values(mailed_at=engine.clock()))

    batch_id = engine.take([*people(3), *BAD], mail=True)
    engine.make(batch_id)

    states = {row["address"]: row["mail_state"] for row in engine.rows(tables.batch_rows, batch_id=batch_id)}
    assert states["p1@corp.example"] is None, "was mailed before"
    assert states["p2@corp.example"] == states["p3@corp.example"] == MailState.WAITING
    assert engine.batches.view(batch_id).mails == {MailState.WAITING: 2}


# what an admin does


def test_cancelling_keeps_what_is_made_and_makes_no_more(engine: Engine) -> None:
    batch_id = engine.take(people(10), mail=True, mode=Mode.READY_MADE)
    engine.worker(chunk=4)._one_chunk(batch_id)
    job, rows = engine.worker(chunk=2)._claim(batch_id, b"h" * 16)

    engine.batches.cancel(batch_id, "aya")
    assert job is not None
    engine.worker()._make(job, b"h" * 16, rows)
    engine.make(batch_id)

    view = engine.batches.view(batch_id)
    assert (view.state, view.made, view.cancelled, view.done) == (BatchState.CANCELLED, 4, 6, 10)
    assert view.mails == {}
    assert len(links(engine)) == 4
    assert all(row["sealed"] is None for row in engine.rows(tables.batch_rows))
    assert ("aya", "batch.cancel", f"batch {batch_id}") in engine.audit


def test_cancelling_what_is_done_changes_nothing_but_mails(engine: Engine) -> None:
    batch_id = engine.take(people(2))
    engine.make(batch_id)

    engine.batches.cancel(batch_id, "aya")

    assert engine.batches.view(batch_id).state is BatchState.DONE


def test_failed_rows_are_tried_again_where_their_password_is_kept(engine: Engine) -> None:
    batch_id = engine.take(people(4), mode=Mode.READY_MADE, check=True)
    engine.make(batch_id, refuses("p1@corp.example", "p2@corp.example"))
    with engine.store.write() as connection:
        table = tables.batch_rows
        connection.execute(table.update().where(table.c.address == "p2@corp.example").values(sealed=None))

    count = engine.batches.retry(batch_id, "aya")
    during = engine.batches.view(batch_id)
    engine.make(batch_id)

    view = engine.batches.view(batch_id)
    assert count == 1
    assert (during.state, during.waiting, during.finished_at) == (BatchState.WAITING, 1, None)
    assert (view.state, view.made, view.failed) == (BatchState.DONE, 3, 1)
    assert engine.codes(batch_id) == {"p2@corp.example": [Code.AUTH_WRONG_PASSWORD]}
    assert ("aya", "batch.retry", f"batch {batch_id}") in engine.audit


def test_another_try_knocks_at_every_server_again(engine: Engine) -> None:
    batch_id = engine.take(people(2), check=True)
    engine.make(batch_id, refuses("p1@corp.example", "p2@corp.example"))
    with engine.store.write() as connection:
        batch_rows.stop_server(connection, batch_id, "mail.corp.example:993", code="AUTH_RATE_LIMITED", at=0)

    engine.batches.retry(batch_id, "aya")

    assert engine.batches.view(batch_id).stopped == ()


def test_nothing_is_tried_again_before_the_end(engine: Engine) -> None:
    batch_id = engine.take(people(2))

    assert engine.batches.retry(batch_id, "aya") == 0
    assert engine.batches.view(batch_id).state is BatchState.WAITING


def delivery(engine: Engine, group: bytes) -> None:
    """A download of a check, or of a link itself."""
    values = {"token_hash": group[::-1], "filename": "a", "group_hash": group, "sealed": b"x", "fetches": 0}
    with engine.store.write() as connection:
        statement = tables.deliveries.insert()
        connection.execute(statement.values(**values, expires_at=engine.clock() + 600, revoked=False))


def check(engine: Engine, invitation_id: object, token_hash: bytes) -> None:
    """A check that an invitation led to."""
    now = engine.clock()
    values = {"token_hash": token_hash, "state": "ok", "account": "", "options": "", "generation": 1}
    with engine.store.write() as connection:
        statement = tables.checks.insert().values(
            **values, started_at=now, heartbeat_at=now, unchecked=False, expires_at=now + DAY,
            invitation_id=invitation_id,
        )  # fmt: skip
        connection.execute(statement)


def test_deleting_ends_links_checks_and_downloads_at_once(engine: Engine) -> None:
    batch_id = engine.take([*people(3), *BAD], mode=Mode.READY_MADE)
    engine.make(batch_id)
    found = links(engine)
    check(engine, found[0]["id"], b"c" * 32)
    delivery(engine, b"c" * 32)
    delivery(engine, bytes(found[1]["token_hash"]))  # type: ignore[call-overload]

    engine.batches.delete(batch_id, "aya")

    assert engine.batches.every() == ()
    for table in (tables.batches, tables.batch_rows, tables.invitations):
        assert engine.rows(table) == []
    assert {engine.refuses(link) for link in found} == {Code.LINK_UNKNOWN}  # type: ignore[arg-type]
    assert engine.rows(tables.checks)[0]["expires_at"] == 0
    assert [(row["revoked"], row["sealed"]) for row in engine.rows(tables.deliveries)] == [(True, b"")] * 2
    assert ("aya", "batch.delete", f"batch {batch_id}") in engine.audit


def test_a_link_that_another_batch_stands_for_passes_to_it(engine: Engine) -> None:
    first = engine.take(people(3))
    engine.make(first)
    second = engine.take(people(2, first=2))
    engine.make(second)
    before = {link["address"]: link for link in links(engine)}
    check(engine, before["p2@corp.example"]["id"], b"c" * 32)

    engine.batches.delete(first, "aya")

    after = {link["address"]: link for link in links(engine)}
    assert set(after) == {"p2@corp.example", "p3@corp.example"}
    assert {link["batch_id"] for link in after.values()} == {second}
    assert {link["row"] for link in after.values()} == {2, 3}
    assert engine.refuses(after["p2@corp.example"]) is None
    assert engine.refuses(before["p1@corp.example"]) is Code.LINK_UNKNOWN  # type: ignore[arg-type]
    assert engine.rows(tables.checks)[0]["expires_at"] > engine.clock()


def test_deleting_while_workers_work_leaves_nothing(engine: Engine) -> None:
    batch_id = engine.take(people(400))
    workers = [engine.worker(chunk=5) for _ in range(3)]

    with ThreadPoolExecutor(4) as pool:
        under_way = [pool.submit(worker.work, batch_id, seconds=600) for worker in workers]
        engine.batches.delete(batch_id, "aya")
        assert all(one.result() for one in under_way)

    for table in (tables.batches, tables.batch_rows, tables.invitations):
        assert engine.rows(table) == []
