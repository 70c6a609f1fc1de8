"""A list between its upload and "make": sealed in pieces in the database, opened as a file that is on no disk.

The key is made from the upload's token, which stands only in the link of its page; so database and backup hold
no password of a list. What was chosen for the list is kept beside it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from tempfile import NamedTemporaryFile

from cryptography.exceptions import InvalidTag

from profiles.problems import Code, Problem, ProblemError
from webapp.batches.columns import Field
from webapp.batches.options import (
    INVITATION_DAYS,
    Mode,
    Part,
    most_days,
)
from webapp.batches.record import Record
from webapp.handouts import Layout
from webapp.links import hash_token, new_token, read_token, seal, unseal
from webapp.store import Store
from webapp.store import uploads as rows
from webapp.store.uploads import UploadRow
from webapp.store.values import from_text, to_text

PIECE = 256 * 1024
UPLOAD_SECONDS = 24 * 3600
MOST_UPLOADED = 25 * 1024 * 1024
_NAME = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What an admin chose for one list so far."""

    mode: Mode = Mode.INVITATIONS
    encoding: str | None = None
    """Of a text file; None as it was found."""
    delimiter: str | None = None
    fields: tuple[Field | None, ...] | None = None
    """What each column means, None for nothing; None at all as it was found."""
    language: str = "en"
    parts: tuple[Part, ...] = tuple(Part)
    layout: Layout = Layout.POSTCARD
    days: int = INVITATION_DAYS
    company: str = ""
    help: str = ""
    check: bool = False
    check_rate: float = 2.0
    mail: bool = False

    @property
    def most_days(self) -> int:
        """How long a link may open."""
        return most_days(self.mode)

    def expires_at(self, now: datetime, zone: tzinfo) -> float:
        """When new links end: with their last day, or for sealed passwords to the hour."""
        last = now + timedelta(days=self.days)
        if self.mode is Mode.READY_MADE:
            return last.timestamp()
        return last.astimezone(zone).replace(hour=23, minute=59, second=0, microsecond=0).timestamp()


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """An uploaded list."""

    token: str = field(repr=False)
    name: str
    size: int
    actor: str
    choices: Choices
    batch_id: int | None
    """What is made, or was made, of it."""
    created_at: datetime
    expires_at: datetime

    @property
    def hash(self) -> bytes:
        """By what a batch names its upload."""
        return hash_token(self.token)


class Uploads:
    """The uploads of one database. `now` is the clock, in seconds since the epoch."""

    def __init__(self, store: Store, *, record: Record, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._record = record
        self._now = now

    def keep(self, data: bytes, *, name: str, actor: str, choices: Choices) -> str:
        """Keep a list for a day; return its token."""
        token = new_token()
        row = UploadRow(
            token_hash=hash_token(token),
            actor=actor,
            name=name[:_NAME],
            size=len(data),
            choices=to_text(choices),
            batch_id=None,
            created_at=self._now(),
            expires_at=self._now() + UPLOAD_SECONDS,
        )
        starts = range(0, len(data), PIECE)
        sealed = [
            seal(token, data[start : start + PIECE], context=_piece(number)) for number, start in enumerate(starts)
        ]
        with self._store.write() as connection:
            rows.purge(connection, now=self._now())
            rows.add(connection, row, sealed)
            self._record(connection, actor, "list.upload", name)
        return token

    def find(self, token: str) -> Upload:
        """The upload behind a link; UPLOAD_ENDED where there is none any more."""
        if read_token(token) is None:
            raise _ended()
        with self._store.read() as connection:
            row = rows.find(connection, hash_token(token), now=self._now())
        if row is None:
            raise _ended()
        return Upload(
            token=token,
            name=row.name,
            size=row.size,
            actor=row.actor,
            choices=from_text(Choices, row.choices),
            batch_id=row.batch_id,
            created_at=datetime.fromtimestamp(row.created_at, UTC),
            expires_at=datetime.fromtimestamp(row.expires_at, UTC),
        )

    def choose(self, token: str, choices: Choices) -> None:
        """Keep what was chosen."""
        with self._store.write() as connection:
            rows.choose(connection, hash_token(token), to_text(choices))

    @contextmanager
    def opened(self, token: str) -> Iterator[Path]:
        """The list as a file, as long as the block lasts."""
        with in_memory(self._pieces(token)) as path:
            yield path

    def survey(self, token: str) -> str | None:
        """What `keep_survey` kept."""
        with self._store.read() as connection:
            sealed = rows.survey(connection, hash_token(token))
        return None if sealed is None else unseal(token, sealed, context="survey").decode()

    def keep_survey(self, token: str, text: str) -> None:
        """Keep what was found out about a list; it quotes cells, so it is sealed as they are."""
        sealed = seal(token, text.encode(), context="survey")
        with self._store.write() as connection:
            rows.keep_survey(connection, hash_token(token), sealed)

    def count_invited(self, address_keys: list[str], mode: Mode) -> int:
        """How many of these addresses have an invitation of this mode that still opens."""
        with self._store.read() as connection:
            return rows.count_invited(connection, address_keys, mode=mode, now=self._now())

    def remove(self, upload: Upload, *, actor: str) -> None:
        """Forget a list at once."""
        with self._store.write() as connection:
            rows.remove(connection, upload.hash)
            self._record(connection, actor, "list.delete", upload.name)

    def purge(self) -> int:
        """Forget every list whose day is over; return how many that were."""
        with self._store.write() as connection:
            return rows.purge(connection, now=self._now())

    def _pieces(self, token: str) -> Iterator[bytes]:
        with self._store.read() as connection:
            for number, sealed in enumerate(rows.pieces(connection, hash_token(token))):
                try:
                    yield unseal(token, sealed, context=_piece(number))
                except InvalidTag:
                    raise _ended() from None


@contextmanager
def in_memory(pieces: Iterable[bytes]) -> Iterator[Path]:
    """A file of these pieces that can be opened by its path and, on Linux, is on no disk."""
    if not hasattr(os, "memfd_create"):
        # Other systems cannot open an unlinked file from its start twice. Mode 0600, gone with the block.
        with NamedTemporaryFile(prefix="hagaki-") as named:
            named.writelines(pieces)
            named.flush()
            yield Path(named.name)
        return
    with open(os.memfd_create("hagaki-list", os.MFD_CLOEXEC), "wb") as file:
        file.writelines(pieces)
        file.flush()
        yield Path(f"/proc/self/fd/{file.fileno()}")


def _piece(number: int) -> str:
    return f"upload {number}"


def _ended() -> ProblemError:
    return ProblemError(Problem(Code.UPLOAD_ENDED))
