"""What happens by itself: dead readings go, stalled batches go on, and what has had its time is forgotten."""

from __future__ import annotations

import secrets

import pytest

from profiles.problems import Code
from tests.webapp.batches.engine import DAY, Engine, people
from tests.webapp.batches.lists import BAD
from tests.webapp.batches.test_engine_making import refuses
from tests.webapp.batches.test_engine_taking import upload
from webapp.batches.options import BatchState, Mode
from webapp.batches.service import READING_SECONDS, SECRETS_SECONDS, STALLED_SECONDS
from webapp.store import batches, tables


def begin(engine: Engine) -> int:
    """A batch whose list is being read."""
    batch_id, _ = engine.batches._begin(
        "list.csv", engine.options(), mode=Mode.INVITATIONS, actor="aya", upload_hash=None
    )
    return batch_id


def test_a_reading_whose_process_died_is_removed(engine: Engine) -> None:
    batch_id = begin(engine)
    engine.batches.sweep()
    before = [view.id for view in engine.batches.every()]
    engine.clock.advance(READING_SECONDS + 1)

    engine.batches.sweep()

    assert before == [batch_id]
    assert engine.batches.every() == ()
    assert engine.rows(tables.batches) == []


def test_a_batch_that_nobody_works_on_is_gone_on_with_once(engine: Engine) -> None:
    batch_id = engine.take(people(3))
    at_once = engine.batches.sweep()
    engine.clock.advance(STALLED_SECONDS + 1)

    first, second = engine.batches.sweep(), engine.batches.sweep()

    assert at_once == ()
    assert first == (batch_id,)
    assert second == (), "another worker's sweep does not ask again"


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_a_clock_that_is_set_anew_holds_up_no_batch(engine: Engine, seconds: float) -> None:
    batch_id = engine.take(people(6))
    engine.worker(chunk=4)._claim(batch_id, b"d" * 16)

    engine.clock.advance(seconds)
    found = engine.batches.sweep()
    engine.make(batch_id)

    assert found == (batch_id,)
    assert engine.states(batch_id) == {"made": 6}


def test_a_batch_that_is_worked_on_is_left_alone(engine: Engine) -> None:
    engine.take(people(3))
    engine.clock.advance(STALLED_SECONDS + 1)
    with engine.store.write() as connection:
        batches.beat(connection, [1], at=engine.clock())
        batches.begin_making(connection, 1, at=engine.clock())

    assert engine.batches.sweep() == ()


def test_a_batch_whose_last_worker_died_before_the_end_is_ended(engine: Engine) -> None:
    batch_id = engine.take(people(3))
    engine.worker()._one_chunk(batch_id)
    before = engine.batches.view(batch_id).state
    engine.clock.advance(STALLED_SECONDS + 1)

    for stalled in engine.batches.sweep():
        engine.make(stalled)

    assert before is BatchState.MAKING
    assert engine.batches.view(batch_id).state is BatchState.DONE


def test_a_batch_of_the_command_line_is_nobody_else_s_work(engine: Engine) -> None:
    engine.invitations.begin(name="people.csv", mode=Mode.INVITATIONS, total=5)
    engine.clock.advance(STALLED_SECONDS + 1)

    assert engine.batches.sweep() == ()
    engine.make(1)
    assert engine.batches.view(1).state is BatchState.MAKING


def test_cancelling_and_deleting_that_broke_off_are_finished(engine: Engine) -> None:
    cancelled, deleted = engine.take(people(3)), engine.take(people(3, first=10))
    engine.make(deleted)
    with engine.store.write() as connection:
        for batch_id, state in ((cancelled, BatchState.CANCELLED), (deleted, BatchState.DELETING)):
            batches.set_state(connection, batch_id, known=BatchState, state=state, at=engine.clock())

    engine.batches.sweep()

    assert engine.states(cancelled) == {"cancelled": 3}
    assert [row["id"] for row in engine.rows(tables.batches)] == [cancelled]
    assert engine.rows(tables.invitations) == []


def test_a_batch_goes_when_its_time_is_over_and_its_links_have_ended(engine: Engine) -> None:
    batch_id = engine.take(people(2))
    engine.make(batch_id)
    with engine.store.write() as connection:
        connection.execute(tables.invitations.update().values(expires_at=engine.clock() + 100 * DAY))

    seen = []
    for days in (89, 6, 6):
        engine.clock.advance(days * DAY)
        engine.batches.sweep()
        seen.append(len(engine.batches.every()))

    assert seen == [1, 1, 0], "89 days, 95 days with living links, 101 days"
    assert engine.rows(tables.batch_rows) == engine.rows(tables.invitations) == []
    assert ("hagaki", "batch.expire", f"batch {batch_id}") in engine.audit


def test_what_a_killed_command_left_goes_too(engine: Engine) -> None:
    engine.invitations.begin(name="people.csv", mode=Mode.INVITATIONS, total=5)
    engine.clock.advance(91 * DAY)

    engine.batches.sweep()

    assert engine.batches.every() == ()


def test_passwords_of_links_that_have_ended_are_forgotten(engine: Engine) -> None:
    engine.make(engine.take(people(3), mode=Mode.READY_MADE))
    with engine.store.write() as connection:
        table = tables.invitations
        connection.execute(table.update().where(table.c.row == 2).values(revoked=True))

    engine.batches.forget()
    first = [row["sealed"] is None for row in engine.rows(tables.invitations)]
    engine.clock.advance(31 * DAY)
    engine.batches.forget()
    second = [row["sealed"] is None for row in engine.rows(tables.invitations)]

    assert sorted(first) == [False, False, True]
    assert second == [True] * 3


def test_what_failed_rows_hold_is_forgotten_after_a_week(engine: Engine) -> None:
    batch_id = engine.take([*people(2), *BAD], mode=Mode.READY_MADE, check=True)
    engine.make(batch_id, refuses("p1@corp.example"))

    engine.batches.forget()
    first = sum(row["sealed"] is not None for row in engine.rows(tables.batch_rows))
    engine.clock.advance(SECRETS_SECONDS + 1)
    engine.batches.forget()
    second = sum(row["sealed"] is not None for row in engine.rows(tables.batch_rows))

    assert (first, second) == (4, 0)
    assert engine.batches.retry(batch_id, "aya") == 0
    assert engine.codes(batch_id)["p1@corp.example"] == [Code.AUTH_WRONG_PASSWORD]


def test_uploads_go_with_their_time(engine: Engine) -> None:
    token_hash = upload(engine)

    engine.batches.forget()
    before = engine.rows(tables.uploads)
    engine.clock.advance(3601)
    engine.batches.forget()

    assert [row["token_hash"] for row in before] == [token_hash]
    assert engine.rows(tables.uploads) == engine.rows(tables.upload_pieces) == []


def test_turns_of_servers_are_forgotten(engine: Engine) -> None:
    with engine.store.write() as connection:
        batches.take_turn(connection, secrets.token_hex(4), pause=1, now=engine.clock())
    engine.clock.advance(2 * DAY)

    engine.batches.forget()

    assert engine.rows(tables.server_turns) == []
