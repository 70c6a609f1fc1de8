"""A host with a relay of its own, and a batch whose people want mails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from threading import Event
from typing import Any

from sqlalchemy import select, update

from profiles.problems import Code, Problem
from tests.servers.dns import NameServer
from tests.servers.relay import MailRelay
from tests.servers.scripted import ScriptedServer
from tests.webapp.batches.followed import Someone, add_batch
from tests.webapp.clock import Clock
from webapp.batches.invitations import Invitation
from webapp.batches.mailing import Mailing
from webapp.batches.options import Mode
from webapp.config import Config, load
from webapp.store import Store
from webapp.store.tables import batch_rows, invitations
from webapp.store.values import from_text

FOREVER = float("inf")
TARO, HANAKO, JIRO = (
    Someone(address=f"{name}@example.co.jp", full_name=full, mail_state="waiting")
    for name, full in (("taro", "山田 太郎"), ("hanako", "佐藤 花子"), ("jiro", "鈴木 次郎"))
)


@dataclass
class MailWorld:
    """One database, one relay, a clock that only the test moves."""

    store: Store
    config: Config
    clock: Clock
    relay: MailRelay
    server: ScriptedServer
    audit: list[tuple[str, str, str]] = field(default_factory=list)
    woken: list[int] = field(default_factory=list)
    links: dict[str, Invitation] = field(default_factory=dict)

    def mailing(self, **options: Any) -> Mailing:
        """A worker's."""
        return Mailing(
            self.store,
            self.config,
            lambda domain: None,
            record=lambda connection, actor, action, subject="", **details: self.audit.append(
                (actor, action, subject)
            ),
            wake=self.woken.append,
            now=self.clock,
            rate=options.pop("rate", 1e6),
            halted=Event(),
            **options,
        )

    def batch(self, people: Sequence[Someone] = (TARO, HANAKO, JIRO), *, mode: Mode = Mode.INVITATIONS) -> int:
        """A batch that is made, with mails that wait."""
        batch_id, links = add_batch(self.store, self.config.link_key, people, now=self.clock(), mode=mode)
        self.links |= links
        return batch_id

    def send(self, batch_id: int, mailing: Mailing | None = None) -> bool:
        """All that may go now."""
        return (mailing or self.mailing()).send_waiting(batch_id, until=FOREVER)

    def rows(self, batch_id: int) -> list[dict[str, Any]]:
        """The rows in their order."""
        with self.store.read() as connection:
            query = select(batch_rows).where(batch_rows.c.batch_id == batch_id).order_by(batch_rows.c.row)
            return [dict(row) for row in connection.execute(query).mappings()]

    def states(self, batch_id: int) -> list[str | None]:
        """What became of their mails."""
        return [row["mail_state"] for row in self.rows(batch_id)]

    def codes(self, batch_id: int) -> list[list[str]]:
        """What is noted of them; that nothing is known of their exchangers is left out."""
        return [
            [
                problem.code
                for problem in from_text(tuple[Problem, ...], row["mail_problems"] or "[]")
                if problem.code is not Code.MAIL_ENCRYPTION_UNKNOWN
            ]
            for row in self.rows(batch_id)
        ]

    def set_row(self, batch_id: int, row: int, **values: Any) -> None:
        """Change a row."""
        here = (batch_rows.c.batch_id == batch_id, batch_rows.c.row == row)
        with self.store.write() as connection:
            connection.execute(update(batch_rows).where(*here).values(**values))

    def set_link(self, address: str, **values: Any) -> None:
        """Change an invitation."""
        with self.store.write() as connection:
            here = invitations.c.address == address
            connection.execute(update(invitations).where(here).values(**values))

    def link(self, address: str) -> dict[str, Any]:
        """An invitation."""
        with self.store.read() as connection:
            query = select(invitations).where(invitations.c.address == address)
            return dict(connection.execute(query).mappings().one())


def mail_config(base: Config, server: ScriptedServer, name_server: NameServer) -> Config:
    """The configuration with a relay on loopback, and names that nobody has."""
    extra = load(
        {
            "HAGAKI_SMTP_URL": f"smtp://{server.host}:{server.port}",
            "HAGAKI_MAIL_FROM": "hagaki@example.co.jp",
            "HAGAKI_BASE_URL": "https://m.example.co.jp",
            "HAGAKI_RESOLVER": name_server.address,
            "HAGAKI_TIMEZONE": "Asia/Tokyo",
        }
    )
    return replace(
        base,
        smtp_url=extra.smtp_url,
        mail_from=extra.mail_from,
        base_url=extra.base_url,
        timezone=extra.timezone,
        resolver=extra.resolver,
    )
