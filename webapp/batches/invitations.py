"""Invitations: who may set up which address by a printed link, and the link itself.

The link's token is derived from the link key and the row's id, so that any process can make it again for a
reprint; the database holds its hash. An invitation holds no secret: its page asks for the mailbox password.
"""

from __future__ import annotations

import base64
import hmac
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from profiles.address import Address, parse_address
from profiles.problems import Code, Problem, ProblemError
from webapp.batches.options import BatchState
from webapp.batches.rows import Employee
from webapp.links import TOKEN_BYTES, hash_token, read_token
from webapp.store import Connection, Store
from webapp.store import batches as rows
from webapp.store.batches import InvitationRow

__all__ = ["BatchState", "Invitation", "Invitations", "Invited", "derive_token"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """An employee's link."""

    number: int
    """Of the card."""
    token: str = field(repr=False)
    expires_at: float
    pin: str | None = field(default=None, repr=False)
    """Of a ready-made link; it never travels with the token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """Whom a link invites, as its page shows it."""

    number: int
    address: Address
    full_name: str
    username: str | None
    expires_at: datetime


def derive_token(link_key: bytes, row_id: bytes, generation: int) -> str:
    """The token of an invitation: 128 bits that only the holder of the link key can make."""
    message = b"hagaki invitation " + row_id + generation.to_bytes(4, "big")
    digest = hmac.digest(link_key, message, "sha256")[:TOKEN_BYTES]
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class Invitations:
    """The invitations of one database. `now` is the clock, in seconds since the epoch."""

    def __init__(self, store: Store, *, link_key: bytes, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._link_key = link_key
        self._now = now

    def begin(self, *, name: str, mode: str, total: int) -> int:
        """Begin a batch; return its id."""
        with self._store.write() as connection:
            return rows.add_batch(
                connection, name=name[:255], mode=mode, state=BatchState.MAKING, total=total, at=self._now()
            )

    def end(self, batch_id: int, *, made: int, state: BatchState = BatchState.DONE) -> None:
        """Note how a batch ended."""
        with self._store.write() as connection:
            rows.end_batch(connection, batch_id, state=state, made=made, at=self._now())

    def invite(self, batch_id: int, employees: Sequence[Employee], *, expires_at: float) -> tuple[Invitation, ...]:
        """Invite these people, in their order.

        Whoever has an invitation that still opens keeps it, its number, link and time: a reprint never ends the
        card that is already on a desk.
        """
        if not employees:
            return ()
        with self._store.write() as connection:
            rows.begin_inviting(connection)
            keys = [employee.address.key for employee in employees]
            known = {row.address_key: row for row in rows.living(connection, keys, now=self._now())}
            new = [employee for employee in employees if employee.address.key not in known]
            added = self._add(connection, batch_id, new, expires_at)
            kept = {employee.address.key: self._keep(connection, known, employee) for employee in employees}
            return tuple(kept[key] or added[key] for key in keys)

    def find(self, token: str) -> Invited:
        """Whom a link invites; LINK_UNKNOWN, or LINK_EXPIRED once it was revoked, replaced or is over.

        Looking changes nothing: whoever opens a link, a preview or a mail scanner, uses nothing up.
        """
        if read_token(token) is None:
            raise ProblemError(Problem(Code.LINK_UNKNOWN))
        with self._store.read() as connection:
            row = rows.by_token(connection, hash_token(token))
        if row is None:
            raise ProblemError(Problem(Code.LINK_UNKNOWN))
        address, _ = parse_address(row.address)
        if row.revoked or row.expires_at <= self._now() or address is None:
            raise ProblemError(Problem(Code.LINK_EXPIRED))
        return Invited(
            number=row.number,
            address=address,
            full_name=row.full_name,
            username=row.username,
            expires_at=datetime.fromtimestamp(row.expires_at, UTC),
        )

    def _add(
        self, connection: Connection, batch_id: int, employees: Sequence[Employee], expires_at: float
    ) -> dict[str, Invitation]:
        first = rows.take_numbers(connection, len(employees)) if employees else 0
        added: dict[str, Invitation] = {}
        written: list[InvitationRow] = []
        for number, employee in enumerate(employees, first):
            row_id = secrets.token_bytes(16)
            token = derive_token(self._link_key, row_id, 0)
            written.append(
                InvitationRow(
                    id=row_id,
                    batch_id=batch_id,
                    row=employee.row,
                    number=number,
                    address_key=employee.address.key,
                    address=str(employee.address),
                    full_name=employee.full_name,
                    department=employee.department,
                    username=employee.username,
                    generation=0,
                    token_hash=hash_token(token),
                    created_at=self._now(),
                    expires_at=expires_at,
                    revoked=False,
                    notify=_text_of(employee.notify),
                )
            )
            added[employee.address.key] = Invitation(number=number, token=token, expires_at=expires_at)
        rows.add(connection, written)
        return added

    def _keep(
        self, connection: Connection, known: dict[str, InvitationRow], employee: Employee
    ) -> Invitation | None:
        row = known.get(employee.address.key)
        if row is None:
            return None
        token, generation = derive_token(self._link_key, row.id, row.generation), row.generation
        if hash_token(token) != row.token_hash:
            # The link key was replaced: the old link is lost, and a new generation takes its place.
            generation += 1
            token = derive_token(self._link_key, row.id, generation)
        changed = replace(
            row,
            full_name=employee.full_name,
            department=employee.department,
            username=employee.username,
            generation=generation,
            token_hash=hash_token(token),
            notify=_text_of(employee.notify) or row.notify,
        )
        if changed != row:
            rows.change(connection, changed)
        return Invitation(number=row.number, token=token, expires_at=row.expires_at)


def _text_of(address: Address | None) -> str | None:
    return None if address is None else str(address)
