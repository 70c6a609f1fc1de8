"""Invitations: who may set up which address by a printed link, and the link itself.

The link's token is derived from the link key and the row's id, so that any process can make it again for a
reprint; the database holds its hash. A link of the mode `invitations` holds no secret: its page asks for the
mailbox password. A ready-made one opens a password of the list, sealed with the link's own token, by a PIN.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import time
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import NoReturn, Protocol

from cryptography.exceptions import InvalidTag

from profiles.address import Address, parse_address
from profiles.problems import Code, Problem, ProblemError
from webapp.batches.options import MOST_READY_MADE_DAYS, BatchState, Mode
from webapp.batches.pins import MOST_WRONG_PINS, is_pin, is_same, new_pin, read_pin
from webapp.batches.rows import Employee
from webapp.links import TOKEN_BYTES, hash_token, read_token, seal, unseal
from webapp.store import Connection, Store
from webapp.store import batches as batch_rows
from webapp.store import invitations as rows
from webapp.store.invitations import InvitationRow, Mark, end_of, end_of_all

__all__ = [
    "BatchState",
    "Invitation",
    "Invitations",
    "Invited",
    "Mark",
    "Opened",
    "Renewed",
    "derive_token",
    "end_of",
    "end_of_all",
    "renewed",
]

MOST_READY_MADE_SECONDS = MOST_READY_MADE_DAYS * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """An employee's link."""

    id: bytes = b""
    number: int
    """Of the card."""
    token: str = field(repr=False)
    expires_at: float
    pin: str | None = field(default=None, repr=False)
    """Of a ready-made link; it never travels with the token."""
    password: str | None = field(default=None, repr=False)
    """What a ready-made link opens, for the documents of its row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """Whom a link invites, as its page shows it."""

    id: bytes
    mode: Mode
    number: int
    address: Address
    full_name: str
    username: str | None
    expires_at: datetime
    tries_left: int
    """PINs that may still be tried, of a ready-made link."""

    @property
    def is_locked(self) -> bool:
        """Whether too many wrong PINs were entered."""
        return self.mode is Mode.READY_MADE and self.tries_left == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What a right PIN opens."""

    invited: Invited
    password: str = field(repr=False)
    tried: bool
    """The live check of the list accepted the password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewed:
    """A new link in the place of an old one, for whoever writes it."""

    generation: int
    token: str = field(repr=False)
    token_hash: bytes
    sealed: bytes | None = field(default=None, repr=False)
    pin: str | None = field(default=None, repr=False)


class Renewable(Protocol):
    """What of an invitation is needed to give it a new link."""

    @property
    def id(self) -> bytes:
        """Of the row."""

    @property
    def mode(self) -> str:
        """What its link opens."""

    @property
    def generation(self) -> int:
        """Of the link so far."""

    @property
    def sealed(self) -> bytes | None:
        """Password and PIN of a ready-made one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Secrets:
    """What is sealed with a ready-made link."""

    password: str = field(repr=False)
    pin: str = field(repr=False)


def derive_token(link_key: bytes, row_id: bytes, generation: int) -> str:
    """The token of an invitation: 128 bits that only the holder of the link key can make."""
    message = b"hagaki invitation " + row_id + generation.to_bytes(4, "big")
    digest = hmac.digest(link_key, message, "sha256")[:TOKEN_BYTES]
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def renewed(link_key: bytes, old: Renewable) -> Renewed | None:
    """The next link of an invitation, a ready-made one with a new PIN; None where its password cannot be opened.

    That is so once the password was forgotten, or the link key is no longer the one it was sealed under.
    """
    generation = old.generation + 1
    token = derive_token(link_key, old.id, generation)
    if old.mode != Mode.READY_MADE:
        return Renewed(generation=generation, token=token, token_hash=hash_token(token))
    held = _open(derive_token(link_key, old.id, old.generation), old.id, old.sealed)
    if held is None:
        return None
    fresh = replace(held, pin=new_pin())
    sealed = _seal(token, old.id, fresh)
    return Renewed(generation=generation, token=token, token_hash=hash_token(token), sealed=sealed, pin=fresh.pin)


class Invitations:
    """The invitations of one database. `now` is the clock, in seconds since the epoch."""

    def __init__(self, store: Store, *, link_key: bytes, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._link_key = link_key
        self._now = now

    # for who makes them

    def begin(self, *, name: str, mode: str, total: int) -> int:
        """Begin a batch; return its id."""
        with self._store.write() as connection:
            return batch_rows.add_batch(
                connection, name=name[:255], mode=mode, state=BatchState.MAKING, total=total, at=self._now()
            )

    def end(self, batch_id: int, *, made: int, state: BatchState = BatchState.DONE) -> None:
        """Note how a batch ended."""
        with self._store.write() as connection:
            batch_rows.end_batch(connection, batch_id, state=state, made=made, at=self._now())

    def invite(
        self,
        batch_id: int,
        employees: Sequence[Employee],
        *,
        expires_at: float,
        mode: Mode = Mode.INVITATIONS,
        tried: Container[int] = (),
    ) -> tuple[Invitation, ...]:
        """Invite these people in a transaction of its own; see `invite_within`."""
        if not employees:
            return ()
        with self._store.write() as connection:
            return self.invite_within(
                connection, batch_id, employees, expires_at=expires_at, mode=mode, tried=tried
            )

    def invite_within(
        self,
        connection: Connection,
        batch_id: int,
        employees: Sequence[Employee],
        *,
        expires_at: float,
        mode: Mode = Mode.INVITATIONS,
        tried: Container[int] = (),
        spare_pins: Mapping[int, str] = MappingProxyType({}),
    ) -> tuple[Invitation, ...]:
        """Invite these people, in their order, within the caller's transaction.

        Whoever has an invitation of the same mode that still opens keeps it, its number, link and time: a reprint
        never ends the card that is already on a desk. `tried` are the rows whose password the live check accepted;
        `spare_pins` are for rows whose person has no PIN yet, and none in the list.
        A person of whom the list has no password gets a link that asks for it, whatever the mode.
        """
        rows.begin_inviting(connection)
        making = _Making(self._link_key, batch_id, tried, spare_pins, now=self._now(), expires_at=expires_at)
        links: dict[str, Invitation] = {}
        ready = [one for one in employees if mode is Mode.READY_MADE and one.password is not None]
        asked = [one for one in employees if mode is not Mode.READY_MADE or one.password is None]
        for one_mode, people in ((Mode.READY_MADE, ready), (Mode.INVITATIONS, asked)):
            if people:
                links |= self._invite(connection, making, people, one_mode)
        return tuple(links[employee.address.key] for employee in employees)

    def _invite(
        self, connection: Connection, making: _Making, employees: Sequence[Employee], mode: Mode
    ) -> dict[str, Invitation]:
        keys = [employee.address.key for employee in employees]
        known = {row.address_key: row for row in rows.living(connection, keys, mode=mode, now=self._now())}
        new = [employee for employee in employees if employee.address.key not in known]
        first = rows.take_numbers(connection, len(new)) if new else 0
        added = [making.new(number, employee, mode) for number, employee in enumerate(new, first)]
        rows.add(connection, [row for row, _ in added])
        links = {row.address_key: invitation for row, invitation in added}
        for employee in employees:
            row = known.get(employee.address.key)
            if row is not None:
                links[row.address_key] = self._keep(connection, making, row, employee)
        return links

    def _keep(self, connection: Connection, making: _Making, row: InvitationRow, employee: Employee) -> Invitation:
        changed, invitation = making.kept(row, employee)
        if changed.generation != row.generation:
            end_of(connection, row.id, now=self._now())
        if changed != row:
            rows.change(connection, changed)
        return invitation

    def again(self, connection: Connection, ids: Sequence[bytes]) -> dict[bytes, Invitation]:
        """The same links once more, for a reprint, a mail, or the list of PINs.

        Left out is what ended, and what was made under another link key.
        """
        found: dict[bytes, Invitation] = {}
        for row in rows.by_ids(connection, ids):
            token = derive_token(self._link_key, row.id, row.generation)
            if hash_token(token) == row.token_hash and not self._is_over(row):
                held = _open(token, row.id, row.sealed)
                found[row.id] = _invitation(row, token, held)
        return found

    # for who holds a link

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
        return self._invited(row)

    def opened(self, token: str) -> None:
        """Note that somebody opened the link's page; the first time counts."""
        invited = self.find(token)
        with self._store.write() as connection:
            rows.mark(connection, invited.id, Mark.OPENED, now=self._now())

    def open_ready_made(self, token: str, pin: str) -> Opened:
        """What the PIN opens; raises PIN_INVALID (which counts as no try), PIN_WRONG, PIN_LOCKED or as `find`.

        The try is counted before it is compared, and both are one transaction: however many come at once, five
        wrong ones lock the link.
        """
        invited = self.find(token)
        if invited.mode is not Mode.READY_MADE:
            raise ProblemError(Problem(Code.LINK_UNKNOWN))
        typed = read_pin(pin) or ""
        if not is_pin(typed):
            raise ProblemError(Problem(Code.PIN_INVALID, place="pin"))
        with self._store.write() as connection:
            row = rows.count_pin(
                connection, hash_token(token), mode=Mode.READY_MADE, most=MOST_WRONG_PINS, now=self._now()
            )
            held = None if row is None else _open(token, row.id, row.sealed)
            is_right = held is not None and is_same(typed, held.pin)
            if row is not None and is_right:
                rows.forget_wrong_pins(connection, row.id)
                rows.mark(connection, row.id, Mark.OPENED, now=self._now())
        if row is None:
            self._refuse(token)
        elif held is None:
            raise ProblemError(Problem(Code.LINK_EXPIRED))
        elif not is_right:
            raise ProblemError(_wrong(row))
        return Opened(invited=self._invited(row), password=held.password, tried=row.tried)

    def _refuse(self, token: str) -> NoReturn:
        self.find(token)  # ended between the look and the try
        raise ProblemError(Problem(Code.PIN_LOCKED))

    def _invited(self, row: InvitationRow) -> Invited:
        address, _ = parse_address(row.address)
        if self._is_over(row) or address is None:
            # Whose domain it is tells the page whom to ask for a new card.
            raise ProblemError(Problem(Code.LINK_EXPIRED, {"domain": address.domain} if address else {}))
        return Invited(
            id=row.id,
            mode=Mode(row.mode),
            number=row.number,
            address=address,
            full_name=row.full_name,
            username=row.username,
            expires_at=datetime.fromtimestamp(row.expires_at, UTC),
            tries_left=MOST_WRONG_PINS - row.pin_attempts,
        )

    def _is_over(self, row: InvitationRow) -> bool:
        return row.revoked or row.expires_at <= self._now()


class _Making:
    """Rows and links of one batch: new ones, and those that are kept."""

    def __init__(
        self,
        link_key: bytes,
        batch_id: int,
        tried: Container[int],
        spare_pins: Mapping[int, str],
        *,
        now: float,
        expires_at: float,
    ) -> None:
        self._link_key = link_key
        self._batch_id = batch_id
        self._tried = tried
        self._spare_pins = spare_pins
        self._now = now
        self._expires_at = {
            Mode.INVITATIONS: expires_at,
            Mode.READY_MADE: min(expires_at, now + MOST_READY_MADE_SECONDS),
        }

    def new(self, number: int, employee: Employee, mode: Mode) -> tuple[InvitationRow, Invitation]:
        """A row and the link to it."""
        row_id = secrets.token_bytes(16)
        token = derive_token(self._link_key, row_id, 0)
        held = self._secrets(employee, mode, None)
        row = InvitationRow(
            id=row_id,
            batch_id=self._batch_id,
            row=employee.row,
            mode=mode,
            number=number,
            address_key=employee.address.key,
            address=str(employee.address),
            full_name=employee.full_name,
            department=employee.department,
            username=employee.username,
            notify=_text_of(employee.notify),
            sealed=None if held is None else _seal(token, row_id, held),
            tried=held is not None and employee.row in self._tried,
            generation=0,
            token_hash=hash_token(token),
            created_at=self._now,
            expires_at=self._expires_at[mode],
            revoked=False,
        )
        return row, _invitation(row, token, held)

    def kept(self, row: InvitationRow, employee: Employee) -> tuple[InvitationRow, Invitation]:
        """The row with what the list says anew, and its link: the same one, unless that cannot be made or opened.

        A link from before the link key was replaced, or one that wrong PINs have locked, is of use to nobody: the
        next generation takes its place.
        """
        token, generation = derive_token(self._link_key, row.id, row.generation), row.generation
        is_locked = row.mode == Mode.READY_MADE and row.pin_attempts >= MOST_WRONG_PINS
        known = _open(token, row.id, row.sealed)
        if hash_token(token) != row.token_hash or is_locked:
            generation += 1
            token = derive_token(self._link_key, row.id, generation)
        held = self._secrets(employee, Mode(row.mode), None if is_locked else known)
        is_same_link = generation == row.generation
        changed = replace(
            row,
            full_name=employee.full_name,
            department=employee.department,
            username=employee.username,
            notify=_text_of(employee.notify) or row.notify,
            generation=generation,
            token_hash=hash_token(token),
        )
        if held is not None and not (is_same_link and held == known):
            changed = self._sealed_anew(changed, token, held, known, employee)
        elif held is not None and employee.row in self._tried:
            changed = replace(changed, tried=True)
        return changed, _invitation(changed, token, held)

    def _sealed_anew(
        self, row: InvitationRow, token: str, held: _Secrets, known: _Secrets | None, employee: Employee
    ) -> InvitationRow:
        is_same_pin = known is not None and known.pin == held.pin
        is_same_password = known is not None and known.password == held.password
        return replace(
            row,
            sealed=_seal(token, row.id, held),
            # Wrong tries were tries at the old PIN.
            pin_attempts=row.pin_attempts if is_same_pin else 0,
            tried=employee.row in self._tried or (row.tried and is_same_password),
        )

    def _secrets(self, employee: Employee, mode: Mode, known: _Secrets | None) -> _Secrets | None:
        """What is to be sealed: the PIN of the list, else the one there is, else a new one."""
        if mode is not Mode.READY_MADE or employee.password is None:
            return None
        there_is = known.pin if known is not None else self._spare_pins.get(employee.row)
        pin = employee.pin or there_is or new_pin(employee.employee_number)
        return _Secrets(password=employee.password, pin=pin)


def _invitation(row: InvitationRow, token: str, held: _Secrets | None) -> Invitation:
    return Invitation(
        id=row.id,
        number=row.number,
        token=token,
        expires_at=row.expires_at,
        pin=None if held is None else held.pin,
        password=None if held is None else held.password,
    )


def _wrong(row: InvitationRow) -> Problem:
    left = MOST_WRONG_PINS - row.pin_attempts
    return Problem(Code.PIN_WRONG, {"left": str(left)}, place="pin") if left else Problem(Code.PIN_LOCKED)


def _seal(token: str, row_id: bytes, held: _Secrets) -> bytes:
    data = json.dumps([held.password, held.pin]).encode()
    return seal(token, data, context=f"ready-made {row_id.hex()}")


def _open(token: str, row_id: bytes, sealed: bytes | None) -> _Secrets | None:
    if not sealed:
        return None
    try:
        password, pin = json.loads(unseal(token, sealed, context=f"ready-made {row_id.hex()}"))
    except InvalidTag:  # sealed under another link key
        return None
    return _Secrets(password=password, pin=pin)


def _text_of(address: Address | None) -> str | None:
    return None if address is None else str(address)
