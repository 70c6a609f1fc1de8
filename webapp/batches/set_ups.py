"""My set-up: what an invited person set up where, and what ends when a phone is lost.

Whoever holds the card sees device families and dates, never a secret. Looking changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from profiles.address import Address, parse_address
from profiles.problems import Code, Problem, ProblemError
from webapp.batches.invitations import derive_token, end_of_all
from webapp.batches.options import Mode
from webapp.batches.record import Record
from webapp.handouts import card_digits
from webapp.links import hash_token, read_token
from webapp.store import Connection, Store
from webapp.store import set_ups as rows
from webapp.store.set_ups import OwnerRow, SetUpRow

LOST = "phone.lost"
"""The action in the audit log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUp:
    """One file that a person fetched."""

    id: int
    address: str
    device: str
    """A device family (webapp.setup.devices.Device)."""
    kind: str
    """mobileconfig, k9s, txt"""
    at: datetime
    lost_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MySetUp:
    """A person's set-up as its page shows it."""

    number: int
    """Of the card."""
    mode: Mode
    address: Address
    full_name: str
    expires_at: datetime
    lost_at: datetime | None
    """When the person last reported a lost phone."""
    is_over: bool
    """The link opens nothing any more; what is to be done about the lost phone can still be read."""
    set_ups: tuple[SetUp, ...]

    @property
    def remaining(self) -> tuple[SetUp, ...]:
        """Those that are not lost."""
        return tuple(one for one in self.set_ups if one.lost_at is None)


class SetUps:
    """The set-ups of one database. `now` is the clock, in seconds since the epoch."""

    def __init__(
        self, store: Store, *, link_key: bytes, record: Record, now: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._link_key = link_key
        self._record = record
        self._now = now

    def view(self, token: str) -> MySetUp:
        """What is known of whom a link invites; LINK_UNKNOWN, or LINK_EXPIRED once it has ended."""
        with self._store.read() as connection:
            owner = _known(connection, token)
            set_ups = rows.of_invitation(connection, owner.id)
        view = self._view(owner, set_ups)
        if view.is_over:
            raise ProblemError(_ended(view))
        return view

    def view_lost(self, token: str) -> MySetUp:
        """The same for the page of a lost phone: a ready-made link ends with the report, but not this page."""
        with self._store.read() as connection:
            owner = _known(connection, token)
            set_ups = rows.of_invitation(connection, owner.id)
        view = self._view(owner, set_ups)
        if view.is_over and (view.lost_at is None or owner.expires_at <= self._now()):
            raise ProblemError(_ended(view))
        return view

    def report_lost(self, token: str, set_up_ids: Collection[int] = ()) -> None:
        """End everything that could still reach a lost phone; raises like `view`.

        Checks, deliveries and hand-overs end, running ones too. A sealed password is forgotten and its link ends.
        A link that asks for the password holds nothing and stays, for the new phone.
        """
        now = self._now()
        with self._store.write() as connection:
            owner = _known(connection, token)
            living = rows.living(connection, owner.address_key, now=now)
            if owner.id not in living:
                raise ProblemError(Problem(Code.LINK_EXPIRED))
            lost = [one for one in rows.of_invitation(connection, owner.id) if one.id in set_up_ids]
            rows.mark_lost(connection, living, [one.id for one in lost], at=now)
            end_of_all(connection, tuple(living), now=now)
            rows.end_checks(connection, owner.address_key, at=now)
            rows.revoke(connection, [one for one, mode in living.items() if mode == Mode.READY_MADE])
            devices = ", ".join(sorted({one.device for one in lost}))
            # Not known who it is, only which card they hold.
            self._record(connection, f"card {card_digits(owner.number)}", LOST, owner.address, devices=devices)

    def link_of_check(self, check_token: str) -> str | None:
        """The link by which a person came to a check; None where there is none that still opens."""
        with self._store.read() as connection:
            owner = rows.owner_of_check(connection, hash_token(check_token))
        if owner is None or owner.revoked or owner.expires_at <= self._now():
            return None
        token = derive_token(self._link_key, owner.id, owner.generation)
        return token if hash_token(token) == owner.token_hash else None

    def _view(self, owner: OwnerRow, set_ups: Collection[SetUpRow]) -> MySetUp:
        address, _ = parse_address(owner.address)
        if address is None:
            raise ProblemError(Problem(Code.LINK_EXPIRED))
        return MySetUp(
            number=owner.number,
            mode=Mode(owner.mode),
            address=address,
            full_name=owner.full_name,
            expires_at=datetime.fromtimestamp(owner.expires_at, UTC),
            lost_at=_moment(owner.lost_at),
            is_over=owner.revoked or owner.expires_at <= self._now(),
            set_ups=tuple(map(_set_up, set_ups)),
        )


def _known(connection: Connection, token: str) -> OwnerRow:
    owner = rows.owner(connection, hash_token(token)) if read_token(token) else None
    if owner is None:
        raise ProblemError(Problem(Code.LINK_UNKNOWN))
    return owner


def _ended(view: MySetUp) -> Problem:
    """Whose domain it is tells the page whom to ask for a new card."""
    return Problem(Code.LINK_EXPIRED, {"domain": view.address.domain})


def _set_up(row: SetUpRow) -> SetUp:
    return SetUp(
        id=row.id,
        address=row.address,
        device=row.device,
        kind=row.kind,
        at=datetime.fromtimestamp(row.at, UTC),
        lost_at=_moment(row.lost_at),
    )


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
