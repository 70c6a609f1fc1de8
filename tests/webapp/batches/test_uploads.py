"""Below the page, on every database: lists are kept sealed, for a day, and opened as files that are on no disk."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from sqlalchemy import text

from profiles.address import parse_address
from profiles.problems import Code, ProblemError
from tests.webapp.batches.lists import DOMAINS, HEADINGS, PEOPLE, csv_bytes
from tests.webapp.clock import Clock
from webapp.batches.columns import Field
from webapp.batches.invitations import Invitations
from webapp.batches.options import Mode, Part
from webapp.batches.preview import preview
from webapp.batches.rows import Employee
from webapp.batches.uploads import PIECE, UPLOAD_SECONDS, Choices, Uploads, in_memory
from webapp.handouts import Layout
from webapp.store import Connection, Store

CANARY = "canary-Ωsecret"
LIST = csv_bytes([HEADINGS, *PEOPLE, ("9", "x" * 90, "x@corp.example", "", CANARY)] * 3_000)


@dataclass(slots=True)
class Log:
    """Remembers what would be written to the audit log."""

    written: list[tuple[str, str, str]] = field(default_factory=list)

    def __call__(self, connection: Connection, actor: str, action: str, subject: str = "", **details: str) -> None:
        del connection, details
        self.written.append((actor, action, subject))


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def uploads(store: Store, clock: Clock, log: Log) -> Uploads:
    return Uploads(store, record=log, now=clock)


def keep(uploads: Uploads, data: bytes = LIST, choices: Choices | None = None) -> str:
    return uploads.keep(data, name="people.csv", actor="hanako", choices=choices or Choices())


def refusal(act: Callable[[], object]) -> Code | None:
    try:
        act()
    except ProblemError as error:
        return error.problems[0].code
    return None


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7])
def test_a_list_comes_back_as_it_was(uploads: Uploads, size: int) -> None:
    data = os.urandom(size)
    token = keep(uploads, data)

    with uploads.opened(token) as path:
        first, second = path.open("rb"), path.open("rb")
        with first, second:
            assert (first.read(), second.read()) == (data, data)
    assert uploads.find(token).size == size


def test_a_list_is_on_no_disk(uploads: Uploads, tmp_path_factory: pytest.TempPathFactory) -> None:
    with uploads.opened(keep(uploads)) as path:
        assert path.resolve().as_posix().startswith("/memfd:")
        assert CANARY.encode() in path.read_bytes()


def test_without_memory_files_a_private_file_is_used_and_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create")

    with in_memory([b"a", b"b"]) as path:
        assert path.read_bytes() == b"ab"
        assert path.stat().st_mode & 0o777 == 0o600

    assert not path.exists()


def test_the_database_holds_neither_list_nor_token(store: Store, uploads: Uploads) -> None:
    token = keep(uploads)
    uploads.keep_survey(token, f"quotes {CANARY}")

    with store.read() as connection:
        rows = [repr(row) for table in ("uploads", "upload_pieces") for row in connection.execute(
            text(f"SELECT * FROM {table}")
        )]  # fmt: skip

    assert len(rows) > 2
    assert not any(secret in row for row in rows for secret in (CANARY, "canary", token, PEOPLE[0][2]))
    assert uploads.survey(token) == f"quotes {CANARY}"


def test_what_was_chosen_is_kept(uploads: Uploads) -> None:
    token = keep(uploads)
    chosen = Choices(
        mode=Mode.READY_MADE,
        encoding="cp932",
        delimiter="\t",
        fields=(Field.ADDRESS, None, Field.PIN),
        language="ja",
        parts=(Part.QR,),
        layout=Layout.A4_8,
        days=3,
        company="株式会社サンプル",
        check=True,
        check_rate=0.25,
        mail=True,
    )

    uploads.choose(token, chosen)

    assert uploads.find(token).choices == chosen


def test_a_list_ends_after_a_day(uploads: Uploads, clock: Clock) -> None:
    token = keep(uploads)
    clock.advance(UPLOAD_SECONDS - 1)
    before = refusal(lambda: uploads.find(token))
    clock.advance(1)

    assert (before, refusal(lambda: uploads.find(token))) == (None, Code.UPLOAD_ENDED)
    assert (uploads.purge(), uploads.purge()) == (1, 0)


def test_the_next_upload_forgets_the_ended_ones(store: Store, uploads: Uploads, clock: Clock) -> None:
    keep(uploads)
    clock.advance(UPLOAD_SECONDS)

    keep(uploads, b"address\n")

    with store.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM upload_pieces")).scalar_one() == 1


def test_a_removed_list_is_gone_and_both_ends_are_written_down(uploads: Uploads, log: Log) -> None:
    token = keep(uploads)

    uploads.remove(uploads.find(token), actor="jiro")

    assert refusal(lambda: uploads.find(token)) == Code.UPLOAD_ENDED
    assert log.written == [("hanako", "list.upload", "people.csv"), ("jiro", "list.delete", "people.csv")]


@pytest.mark.parametrize("token", ["", "x", "A" * 22, "長" * 22, "A" * 21 + "B"])
def test_a_made_up_token_opens_nothing(uploads: Uploads, token: str) -> None:
    keep(uploads)

    assert refusal(lambda: uploads.find(token)) == Code.UPLOAD_ENDED


def test_cards_that_work_are_counted_by_their_kind(store: Store, uploads: Uploads, clock: Clock) -> None:
    invitations = Invitations(store, link_key=b"k" * 32, now=clock)
    batch = invitations.begin(name="before", mode=Mode.INVITATIONS, total=1)
    address, _ = parse_address("Taro@corp.example")
    assert address is not None
    employee = Employee(row=2, address=address, settings=DOMAINS["corp.example"])
    invitations.invite(batch, [employee], expires_at=clock() + 100)
    keys = [f"a{number}@corp.example" for number in range(1_200)] + [address.key]

    counts = [uploads.count_invited(keys, mode) for mode in Mode]
    clock.advance(100)

    assert counts == [1, 0]
    assert uploads.count_invited(keys, Mode.INVITATIONS) == 0


def test_a_preview_walks_over_a_list_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A workbook of 50,000 rows takes seconds to open; it was opened four times."""
    from webapp.batches.reading import ListFile

    walks: list[str] = []
    rows = ListFile.rows
    monkeypatch.setattr(ListFile, "rows", lambda self: walks.append(self.name) or rows(self))

    with in_memory([LIST]) as path:
        seen = preview(path, "people.csv", Choices(), DOMAINS.get, lambda address_keys, mode: 0)

    assert walks == ["people.csv"]
    assert seen.total > 3_000
    assert len(seen.rows) == 20
