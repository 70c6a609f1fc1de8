"""A list becomes a batch whole or not at all, and what it holds in secret is nowhere in the open."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from itertools import count

import pytest

from profiles.model import ServiceSettings
from profiles.problems import Code, Problem, ProblemError
from tests.webapp.batches.engine import Engine, people
from tests.webapp.batches.lists import BAD, DOMAINS, HEADINGS, csv_bytes, write
from webapp.batches.columns import find_columns
from webapp.batches.options import BatchState, Mode
from webapp.batches.reading import open_list
from webapp.batches.sealing import open_row
from webapp.batches.service import READING_SECONDS
from webapp.batches.taking import CHUNK
from webapp.store import tables, uploads
from webapp.store.uploads import UploadRow


def upload(engine: Engine) -> bytes:
    """An upload of which a batch is to be made."""
    token_hash = secrets.token_bytes(32)
    row = UploadRow(
        token_hash=token_hash,
        actor="aya",
        name="list.csv",
        size=10,
        choices="{}",
        batch_id=None,
        created_at=engine.clock(),
        expires_at=engine.clock() + 3600,
    )
    with engine.store.write() as connection:
        uploads.add(connection, row, [b"sealed"])
    return token_hash


def test_a_list_waits_for_workers_with_every_row(engine: Engine) -> None:
    batch_id = engine.take([*people(3), *BAD])

    view = engine.batches.view(batch_id)
    assert (view.state, view.name, view.actor) == (BatchState.WAITING, "list.csv", "aya")
    assert (view.total, view.waiting, view.bad, view.failed, view.done) == (6, 3, 3, 3, 3)
    assert engine.enqueued == [(batch_id, 4)]
    assert engine.audit == [("aya", "batch.take", f"batch {batch_id}")]


def test_a_long_list_is_written_in_pieces(engine: Engine) -> None:
    batch_id = engine.take(people(1_234))

    rows = engine.rows(tables.batch_rows, batch_id=batch_id)
    assert sorted(row["row"] for row in rows) == list(range(2, 1_236))
    assert len({row["id"] for row in rows}) == 1_234


def test_the_list_s_form_is_kept_for_the_bad_rows_that_go_back(engine: Engine) -> None:
    listing = open_list(write(engine.folder, csv_bytes([HEADINGS, *people(2)], encoding="cp932", delimiter=";")))
    columns = find_columns(listing.rows(), file=listing.name)

    batch_id = engine.batches.take(listing, columns, engine.options(), mode=Mode.INVITATIONS, actor="aya")

    options = engine.batches.view(batch_id).options
    assert options is not None
    assert (options.encoding, options.delimiter, options.headings) == ("cp932", ";", HEADINGS)
    assert options.fields == columns.fields


def test_making_an_upload_twice_gives_the_same_batch(engine: Engine) -> None:
    token_hash = upload(engine)

    first = engine.take(people(3), upload_hash=token_hash)
    again = engine.take(people(3), upload_hash=token_hash)

    assert first == again
    assert len(engine.batches.every()) == 1


def test_an_upload_whose_reading_died_can_be_made_again(engine: Engine) -> None:
    token_hash = upload(engine)
    dead, _ = engine.batches._begin(
        "list.csv", engine.options(), mode=Mode.INVITATIONS, actor="aya", upload_hash=token_hash
    )

    at_once = engine.take(people(3), upload_hash=token_hash)
    engine.clock.advance(READING_SECONDS + 1)
    later = engine.take(people(3), upload_hash=token_hash)

    assert at_once == dead, "as long as it may still be read"
    assert later != dead
    assert engine.batches.view(later).waiting == 3


def test_a_list_without_people_leaves_nothing(engine: Engine) -> None:
    with pytest.raises(ProblemError) as raised:
        engine.take([])

    assert raised.value.problems[0].code is Code.LIST_EMPTY
    assert engine.batches.every() == ()
    assert engine.enqueued == []


def after_the_first_piece(engine: Engine, happens: Callable[[], object]) -> None:
    """Let something happen while a list is read, once its first rows are written."""
    looked_up = count(1)

    def find(domain: str) -> ServiceSettings | None:
        if next(looked_up) == CHUNK + 1:
            happens()
        return DOMAINS.get(domain)

    engine.batches._find = find


def test_a_reading_that_breaks_off_leaves_nothing(engine: Engine) -> None:
    def fill_the_disk() -> None:
        raise ProblemError(Problem(Code.DATABASE_UNAVAILABLE, {"reason": "the disk is full"}))

    after_the_first_piece(engine, fill_the_disk)

    with pytest.raises(ProblemError):
        engine.take(people(600))

    assert engine.batches.every() == ()
    assert engine.rows(tables.batches) == []
    assert engine.rows(tables.batch_rows) == []


def test_a_list_that_is_deleted_while_it_is_read_stays_deleted(engine: Engine) -> None:
    after_the_first_piece(engine, lambda: engine.batches.delete(1, "ken"))

    with pytest.raises(ProblemError) as raised:
        engine.take(people(1_200))

    assert raised.value.problems[0].code is Code.BATCH_UNKNOWN
    assert engine.rows(tables.batches) == engine.rows(tables.batch_rows) == []


def test_a_list_that_is_cancelled_while_it_is_read_stays_cancelled(engine: Engine) -> None:
    after_the_first_piece(engine, lambda: engine.batches.cancel(1, "ken"))

    batch_id = engine.take(people(1_200))

    view = engine.batches.view(batch_id)
    assert (view.state, view.total, view.cancelled) == (BatchState.CANCELLED, 500, 500)
    assert engine.enqueued == []


def test_a_queue_that_is_away_keeps_no_list_out(engine: Engine) -> None:
    engine.queue_is_away = True

    batch_id = engine.take(people(3))

    assert engine.batches.view(batch_id).state is BatchState.WAITING
    engine.clock.advance(9)
    assert engine.batches.sweep() == (batch_id,)


def test_a_list_of_bad_rows_alone_is_done_at_once(engine: Engine) -> None:
    batch_id = engine.take(BAD)

    view = engine.batches.view(batch_id)
    assert (view.state, view.done, view.failed) == (BatchState.DONE, 3, 3)


def test_the_database_holds_no_password_of_a_list(engine: Engine) -> None:
    shifted = ("0009", "佐藤", "canary-shifted-pass", "営業部", "sato@corp.example")
    surplus = (*people(1, first=77)[0][:4], "canary", "-surplus-pass")

    engine.take([*people(3), *BAD, shifted, surplus], mode=Mode.READY_MADE)

    text = engine.text()
    assert "canary" not in text
    assert "surplus-pass" not in text
    assert "nobody@corp.example" in text, "an address that is sound is shown"


def test_problems_show_what_a_bad_row_says_as_long_as_it_is_kept(engine: Engine) -> None:
    batch_id = engine.take([*people(1), *BAD])

    told = {found.problem.code: found for found in engine.batches.problems(batch_id)}
    with engine.store.write() as connection:
        connection.execute(tables.batch_rows.update().values(sealed=None))
    later = {found.problem.code: found for found in engine.batches.problems(batch_id)}

    assert told[Code.CELL_FORMULA].value == "=A1"
    assert told[Code.DOMAIN_NOT_SERVED].problem.params == {"domain": "nowhere.example"}
    assert [found.row for found in told.values()] == [3, 4, 5]
    assert later.keys() == told.keys()
    assert later[Code.CELL_FORMULA].value == ""


def test_only_so_many_problems_are_told(engine: Engine) -> None:
    batch_id = engine.take(BAD)

    assert len(engine.batches.problems(batch_id, most=2)) == 2


def secrets_of(engine: Engine, batch_id: int) -> dict[str, object]:
    """What is sealed of each row."""
    key = engine.config.link_key
    return {
        row["address"]: open_row(key, row["id"], row["sealed"])
        for row in engine.rows(tables.batch_rows, batch_id=batch_id)
    }


def test_ready_made_rows_seal_password_and_a_pin_of_their_own(engine: Engine) -> None:
    given = (*people(1, first=900)[0], "501928")
    rows = [(*row, "") for row in people(50)]

    batch_id = engine.take([*rows, given], headings=(*HEADINGS, "PIN"), mode=Mode.READY_MADE)

    sealed = secrets_of(engine, batch_id)
    pins = [kept.pin or kept.spare_pin for kept in sealed.values()]  # type: ignore[attr-defined]
    assert sealed["p900@corp.example"].pin == "501928"  # type: ignore[attr-defined]
    assert sealed["p1@corp.example"].password == "canary-1-合言葉"  # type: ignore[attr-defined]
    assert len(set(pins)) == 51
    assert all(len(pin) == 6 and pin.isdecimal() for pin in pins)


def test_another_link_key_opens_nothing(engine: Engine) -> None:
    batch_id = engine.take(people(1), mode=Mode.READY_MADE)
    (row,) = engine.rows(tables.batch_rows, batch_id=batch_id)

    assert open_row(b"another key", row["id"], row["sealed"]) is None


@pytest.mark.parametrize("check", [False, True])
def test_passwords_that_nobody_will_use_are_not_even_sealed(engine: Engine, check: bool) -> None:
    batch_id = engine.take(people(2), check=check)

    rows = engine.rows(tables.batch_rows, batch_id=batch_id)
    assert [row["sealed"] is not None for row in rows] == [check, check]
    assert all(row["has_password"] for row in rows)


def test_batches_are_listed_newest_first_in_pages(engine: Engine) -> None:
    ids = [engine.take(people(1)) for _ in range(5)]

    first = engine.batches.every(most=2)
    rest = engine.batches.every(before=first[-1].id, most=10)

    assert [view.id for view in (*first, *rest)] == ids[::-1]


def test_an_unknown_batch_is_said(engine: Engine) -> None:
    for look in (
        engine.batches.view,
        engine.batches.problems,
        lambda batch_id: engine.batches.cancel(batch_id, "aya"),
        lambda batch_id: engine.batches.delete(batch_id, "aya"),
        lambda batch_id: engine.batches.retry(batch_id, "aya"),
    ):
        with pytest.raises(ProblemError) as raised:
            look(77)
        assert raised.value.problems[0] == Problem(Code.BATCH_UNKNOWN, {"id": "77"})


def test_a_batch_of_the_command_line_is_shown_too(engine: Engine) -> None:
    made = engine.invitations.begin(name="people.csv", mode=Mode.INVITATIONS, total=5)
    during = engine.batches.view(made)
    engine.invitations.end(made, made=4)

    view = engine.batches.view(made)
    assert (during.state, during.total, during.is_kept) == (BatchState.MAKING, 5, False)
    assert (view.state, view.total, view.made, view.failed) == (BatchState.DONE, 5, 4, 1)
