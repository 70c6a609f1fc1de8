"""Mails of batches: claimed before they are handed over, so that none is sent twice whatever dies on the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, func, insert, or_, select, update

from webapp.store.chunks import chunks
from webapp.store.engine import lock
from webapp.store.tables import batch_rows, batches, invitations, server_turns

_MAILS_LOCK = 0x4D61_696C
_TURN = "mails"
"""In the table of turns; no mail server has this name."""
_MARKS = ("validated_at", "issued_at", "fetched_at", "confirmed_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRow:
    """A row whose mail waits."""

    id: bytes
    row: int
    address_key: str
    address: str
    full_name: str
    notify: str | None
    invitation_id: bytes | None
    mail_kind: str | None
    mail_tries: int
    mailed_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailLink:
    """The invitation that a mail is about."""

    id: bytes
    mode: str
    number: int
    generation: int
    token_hash: bytes
    expires_at: float
    revoked: bool
    notify: str | None
    validated_at: float | None
    issued_at: float | None
    fetched_at: float | None
    confirmed_at: float | None
    mailed_at: float | None
    reminded_at: float | None

    @property
    def is_begun(self) -> bool:
        """Whether the person needs no reminder any more."""
        return any(getattr(self, mark) is not None for mark in _MARKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailEnd:
    """What is written when a mail is settled. Problems are text of webapp.store.values."""

    state: str | None
    problems: str | None = None
    tries: int = 0
    after: float | None = None
    mailed_at: float | None = None


def batch_options(connection: Connection, batch_id: int) -> str | None:
    """The options of a batch that is still there."""
    query = select(batches.c.options).where(batches.c.id == batch_id, batches.c.state != "deleting")
    options: str | None = connection.execute(query).scalar()
    return options


# sending


def next_mail(connection: Connection, batch_id: int, *, now: float) -> MailRow | None:
    """The next mail that may go; nobody else is given it until this transaction ends."""
    lock(connection, _MAILS_LOCK)
    columns = [batch_rows.c[name] for name in MailRow.__dataclass_fields__]
    query = select(*columns).where(batch_rows.c.batch_id == batch_id, _is_due(now))
    # In no order: sorting ten thousand rows for each of them would take longer than sending.
    row = connection.execute(query.limit(1)).mappings().first()
    return None if row is None else MailRow(**row)


def link_of(connection: Connection, row: MailRow) -> MailLink | None:
    """The invitation of a row."""
    columns = [invitations.c[name] for name in MailLink.__dataclass_fields__]
    found = connection.execute(select(*columns).where(invitations.c.id == row.invitation_id)).mappings().first()
    return None if found is None else MailLink(**found)


def states_elsewhere(connection: Connection, row: MailRow) -> set[str]:
    """The states of mails with the same link for other rows: a list that was sent again keeps its links."""
    query = select(batch_rows.c.mail_state).where(
        batch_rows.c.invitation_id == row.invitation_id,
        batch_rows.c.id != row.id,
        batch_rows.c.mail_state.isnot(None),
    )
    return set(connection.execute(query).scalars())


def last_reminder(connection: Connection, address_key: str) -> float | None:
    """When this person was last reminded, of whichever invitation."""
    query = select(func.max(invitations.c.reminded_at)).where(invitations.c.address_key == address_key)
    at: float | None = connection.execute(query).scalar()
    return at


def begin_sending(connection: Connection, row_id: bytes, *, lease: bytes, until: float) -> None:
    """Claim a mail; once this is committed it may be handed over, and never by anybody else."""
    values = {"mail_state": "sending", "mail_lease": lease, "mail_lease_until": until}
    connection.execute(update(batch_rows).where(batch_rows.c.id == row_id).values(values))


def settle(connection: Connection, row_id: bytes, end: MailEnd, *, lease: bytes | None) -> bool:
    """Write what became of a mail; False where it belongs to somebody else by now."""
    ours = batch_rows.c.id == row_id
    if lease is not None:
        # Thought lost already, it may still be told truthfully.
        ours = and_(ours, batch_rows.c.mail_lease == lease, batch_rows.c.mail_state.in_(("sending", "unsure")))
    values = {
        "mail_state": end.state,
        "mail_problems": end.problems,
        "mail_tries": end.tries,
        "mail_after": end.after,
        "mail_lease": None,
        "mail_lease_until": None,
    }
    if end.mailed_at is not None:
        values["mailed_at"] = end.mailed_at
    return bool(connection.execute(update(batch_rows).where(ours).values(values)).rowcount)


def add_note(connection: Connection, row_id: bytes, problems: str) -> None:
    """Write what is known of the way of a mail that went out."""
    sent = and_(batch_rows.c.id == row_id, batch_rows.c.mail_state == "sent", batch_rows.c.mail_problems.is_(None))
    connection.execute(update(batch_rows).where(sent).values(mail_problems=problems))


def note_mailed(connection: Connection, invitation_id: bytes | None, *, at: float, reminded: bool) -> None:
    """Write on the invitation that its mail went out."""
    mine = update(invitations).where(invitations.c.id == invitation_id)
    if reminded:
        connection.execute(mine.values(reminded_at=at))
        mine = mine.where(invitations.c.mailed_at.is_(None))
    connection.execute(mine.values(mailed_at=at))


def lapsed(connection: Connection, *, now: float) -> Sequence[tuple[bytes, bytes, str]]:
    """Mails whose sender gave no sign of life: row, lease, where they went."""
    columns = (batch_rows.c.id, batch_rows.c.mail_lease, batch_rows.c.notify, batch_rows.c.address)
    # By way of the batches, because the index of the states begins with them.
    query = select(*columns).join(batches, batches.c.id == batch_rows.c.batch_id)
    query = query.where(batch_rows.c.mail_state == "sending", batch_rows.c.mail_lease_until < now)
    return [(row[0], row[1], row[2] or row[3]) for row in connection.execute(query)]


def mark_unsure(connection: Connection, row_id: bytes, *, lease: bytes, problems: str) -> None:
    """Say that nobody knows whether a mail went out. Its lease stays: its sender may still tell."""
    mine = and_(batch_rows.c.id == row_id, batch_rows.c.mail_lease == lease, batch_rows.c.mail_state == "sending")
    values = {"mail_state": "unsure", "mail_problems": problems}
    connection.execute(update(batch_rows).where(mine).values(values))


# turns


def paused_until(connection: Connection) -> float:
    """Before then no mail goes out."""
    at = connection.execute(select(server_turns.c.next_at).where(server_turns.c.server == _TURN)).scalar()
    return float(at or 0.0)


def take_turn(connection: Connection, *, pause: float, now: float) -> float:
    """When the next mail may go, whichever worker sends it; within the lock of `next_mail`."""
    at = max(now, paused_until(connection))
    pause_until(connection, at + pause)
    return at


def pause_until(connection: Connection, at: float) -> None:
    """Let no mail go before then."""
    lock(connection, _MAILS_LOCK)
    changed = update(server_turns).where(server_turns.c.server == _TURN).values(next_at=at)
    if not connection.execute(changed).rowcount:
        connection.execute(insert(server_turns).values(server=_TURN, next_at=at))


# what is due


def due(connection: Connection, *, now: float) -> Sequence[int]:
    """Batches with mails that may go now."""
    waiting = select(batch_rows.c.id).where(batch_rows.c.batch_id == batches.c.id, _is_due(now))
    query = select(batches.c.id).where(batches.c.state != "deleting", waiting.exists()).order_by(batches.c.id)
    return connection.execute(query).scalars().all()


def is_due(connection: Connection, batch_id: int, *, now: float) -> bool:
    """Whether a batch has mails that may go now."""
    query = select(batch_rows.c.id).where(batch_rows.c.batch_id == batch_id, _is_due(now)).limit(1)
    return connection.execute(query).first() is not None


def waiting_problem(connection: Connection, batch_id: int) -> str | None:
    """Why the mails of a batch wait, as text; None where nothing holds them up."""
    query = select(batch_rows.c.mail_problems).where(
        batch_rows.c.batch_id == batch_id,
        batch_rows.c.mail_state == "waiting",
        batch_rows.c.mail_problems.isnot(None),
        # With a time of its own it is this one mail that was put off.
        batch_rows.c.mail_after.is_(None),
    )
    problems: str | None = connection.execute(query.limit(1)).scalar()
    return problems


# what an admin asks for


def to_remind(
    connection: Connection, batch_id: int, rows: Sequence[int] | None, *, now: float
) -> list[tuple[bytes, float | None]]:
    """Rows whose people have not set up their mail and can: row id, when they were last reminded.

    Without chosen rows those who have not even opened their link.
    """
    every = invitations.alias()
    reminded = select(func.max(every.c.reminded_at)).where(every.c.address_key == batch_rows.c.address_key)
    query = (
        select(batch_rows.c.id, reminded.scalar_subquery())
        .join(invitations, invitations.c.id == batch_rows.c.invitation_id)
        .where(
            batch_rows.c.batch_id == batch_id,
            _is_idle(),
            invitations.c.revoked.is_(False),
            invitations.c.expires_at > now,
            *(invitations.c[mark].is_(None) for mark in _MARKS),
        )
    )
    if rows is None:
        query = query.where(invitations.c.opened_at.is_(None))
    return [(row[0], row[1]) for part in _parts(rows) for row in connection.execute(query.where(part))]


def to_send(connection: Connection, batch_id: int, rows: Sequence[int] | None) -> list[bytes]:
    """Rows that can be mailed anew; without chosen rows those whose mail failed or is unsure."""
    query = select(batch_rows.c.id).where(
        batch_rows.c.batch_id == batch_id,
        _is_idle(),
    )
    if rows is None:
        query = query.where(batch_rows.c.mail_state.in_(("failed", "unsure")))
    return [row_id for part in _parts(rows) for row_id in connection.execute(query.where(part)).scalars()]


def idle(connection: Connection, row_ids: Sequence[bytes]) -> list[bytes]:
    """Those of these rows (at most `CHUNK`) for which no mail waits; none begins until the transaction ends."""
    query = select(batch_rows.c.id).where(batch_rows.c.id.in_(row_ids), _is_idle()).with_for_update()
    return list(connection.execute(query).scalars())


def queue(connection: Connection, row_ids: Sequence[bytes], *, kind: str) -> None:
    """Let mails of these rows (at most `CHUNK`) wait to be sent."""
    values = {"mail_state": "waiting", "mail_kind": kind, "mail_tries": 0}
    values |= dict.fromkeys(("mail_after", "mail_lease", "mail_lease_until", "mail_problems"))
    connection.execute(update(batch_rows).where(batch_rows.c.id.in_(row_ids)).values(values))


def forget_sent(connection: Connection, row_ids: Sequence[bytes]) -> None:
    """Let links be mailed once more: whether they ever were does not count from now on, for any row.

    Named are the links of these rows, at most `CHUNK`.
    """
    links = select(batch_rows.c.invitation_id).where(batch_rows.c.id.in_(row_ids)).scalar_subquery()
    connection.execute(update(invitations).where(invitations.c.id.in_(links)).values(mailed_at=None))
    unsure = and_(batch_rows.c.invitation_id.in_(links), batch_rows.c.mail_state == "unsure")
    connection.execute(update(batch_rows).where(unsure).values(mail_state=None, mail_problems=None))


def _is_due(now: float) -> ColumnElement[bool]:
    return and_(
        batch_rows.c.mail_state == "waiting",
        batch_rows.c.state == "made",
        or_(batch_rows.c.mail_after.is_(None), batch_rows.c.mail_after <= now),
    )


def _is_idle() -> ColumnElement[bool]:
    """Whether a row was made, and no mail of it waits or is on its way."""
    state = batch_rows.c.mail_state
    return and_(batch_rows.c.state == "made", or_(state.is_(None), state.notin_(("waiting", "sending"))))


def _parts(rows: Sequence[int] | None) -> Iterator[ColumnElement[bool]]:
    """Conditions that together name the chosen rows, each short enough for one statement."""
    if rows is None:
        yield batch_rows.c.row.isnot(None)
        return
    for part in chunks(rows):
        yield batch_rows.c.row.in_(part)
