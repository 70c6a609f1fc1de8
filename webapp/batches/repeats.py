"""Requests that a program sends again because it never saw the answer: the same key means the same batch.

A key is kept like an upload, without its list, and forgotten with it after a day.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable

from profiles.problems import Code, Problem, ProblemError, quoted
from webapp.batches.uploads import UPLOAD_SECONDS
from webapp.store import Store
from webapp.store import uploads as rows
from webapp.store.uploads import UploadRow


class Repeats:
    """The keys of one database. `now` is the clock, in seconds since the epoch."""

    def __init__(self, store: Store, *, link_key: bytes, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._link_key = link_key
        self._now = now

    def upload_hash(self, key: str, *, actor: str, name: str, data: bytes) -> bytes:
        """By what `Batches.take` knows this request again; KEY_REUSED where the key came with another list."""
        now = self._now()
        # Keyed: the list may hold passwords, and a plain digest of a short list could be guessed at.
        sent = hmac.digest(self._link_key, b"hagaki list " + data, "sha256").hex()
        row = UploadRow(
            token_hash=hashlib.sha256(b"\0".join((b"hagaki request", actor.encode(), key.encode()))).digest(),
            actor=actor,
            name=name[:255],
            size=len(data),
            choices=sent,
            batch_id=None,
            created_at=now,
            expires_at=now + UPLOAD_SECONDS,
        )
        with self._store.write() as connection:
            known = rows.keep_first(connection, row, now=now)
        if not hmac.compare_digest(known.choices, sent):
            raise ProblemError(Problem(Code.KEY_REUSED, {"key": quoted(key)}, place="Idempotency-Key"))
        return row.token_hash
