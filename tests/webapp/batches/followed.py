"""A batch whose people have come differently far, written as the workers and pages write it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import insert, update

from profiles.address import parse_address
from profiles.catalogue import parse
from tests.webapp.page_world import DOMAIN_TOML
from webapp.batches.invitations import Invitation, Invitations
from webapp.batches.options import BatchOptions, Mode
from webapp.batches.rows import Employee
from webapp.store import Store, batches
from webapp.store.tables import batch_rows, invitations
from webapp.store.values import to_text

SETTINGS, _ = parse(DOMAIN_TOML, place="example.co.jp")
DAY = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Someone:
    """One person: what the list says, and what became of the link."""

    address: str
    full_name: str = ""
    department: str = ""
    employee_number: str = ""
    password: str | None = None
    state: str = "made"
    problems: str | None = None
    mail_state: str | None = None
    mail_problems: str | None = None
    link: dict[str, Any] = field(default_factory=dict)
    """Columns of the invitation, as they came to be."""


def add_batch(
    store: Store,
    link_key: bytes,
    people: Sequence[Someone],
    *,
    now: float,
    mode: Mode = Mode.INVITATIONS,
    name: str = "新入社員 2026年秋",
    state: str = "done",
    with_rows: bool = True,
) -> tuple[int, dict[str, Invitation]]:
    """Write a batch; return its id and the links by address."""
    ends = now + (3 if mode is Mode.READY_MADE else 30) * DAY
    options = to_text(BatchOptions(expires_at=ends, language="ja")) if with_rows else ""
    with store.write() as connection:
        batch_id = batches.add_batch(
            connection,
            name=name,
            mode=mode,
            state=state,
            total=len(people),
            at=now,
            actor="owner",
            options=options,
        )
        if state == "done":
            made = sum(one.state == "made" for one in people)
            batches.end_batch(connection, batch_id, state=state, made=made, at=now)
    employees = [(row, one, employee(row, one)) for row, one in enumerate(people, 2)]
    made = [(row, one, who) for row, one, who in employees if one.state == "made"]
    invited = Invitations(store, link_key=link_key, now=lambda: now).invite(
        batch_id, [who for _, _, who in made], expires_at=ends, mode=mode
    )
    links = {one.address: invitation for (_, one, _), invitation in zip(made, invited, strict=True)}
    with store.write() as connection:
        for _, one, _ in made:
            if one.link:
                known = invitations.c.id == links[one.address].id
                connection.execute(update(invitations).where(known).values(**one.link))
        if with_rows:
            values = [_row(batch_id, row, one, links.get(one.address), now) for row, one, _ in employees]
            connection.execute(insert(batch_rows), values)
    return batch_id, links


def employee(row: int, one: Someone) -> Employee:
    """The person as the reader gives it."""
    address, _ = parse_address(one.address)
    assert address is not None
    assert SETTINGS is not None
    return Employee(
        row=row,
        address=address,
        settings=SETTINGS,
        full_name=one.full_name,
        department=one.department,
        employee_number=one.employee_number,
        password=one.password,
    )


def _row(batch_id: int, row: int, one: Someone, link: Invitation | None, now: float) -> dict[str, Any]:
    return {
        "id": secrets.token_bytes(16),
        "batch_id": batch_id,
        "row": row,
        "state": one.state,
        "claims": 1,
        "address_key": one.address.lower(),
        "address": one.address,
        "full_name": one.full_name,
        "department": one.department,
        "employee_number": one.employee_number,
        "has_password": one.password is not None,
        "problems": one.problems,
        "tried": False,
        "invitation_id": None if link is None else link.id,
        "done_at": now,
        "mail_state": one.mail_state,
        "mail_problems": one.mail_problems,
    }
