"""Mails on the pages of a batch: reminders and second mails are asked for, sent by a worker, and troubles told."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from profiles.address import Address
from tests.servers.dns import NameServer
from tests.servers.processes import PATIENCE
from tests.servers.relay import MailRelay
from tests.servers.scripted import ScriptedServer
from tests.webapp.admin.test_batches import ask, press, seed
from tests.webapp.admin.world import Host
from tests.webapp.mails.writing import read
from webapp.accounts import Role
from webapp.batches.mailing import Mailing
from webapp.store.tables import batch_rows


@pytest.fixture
def relay() -> Iterator[tuple[MailRelay, ScriptedServer]]:
    """What takes the mails of the host."""
    talk = MailRelay(replies={})
    with ScriptedServer(talk) as server:
        yield talk, server


@pytest.fixture
def mailing(host: Host, relay: tuple[MailRelay, ScriptedServer], name_server: NameServer) -> Iterator[Mailing]:
    """The host's own, as pages and worker use it."""
    here = host.pages.services
    _, server = relay
    config = replace(
        here.config,
        smtp_url=f"smtp://{server.host}:{server.port}",
        mail_from=Address("hagaki", "example.co.jp"),
        # Nobody answers: exchangers are not found.
        resolver=name_server.resolver,
    )
    found = Mailing(
        here.store, config, here.directory.find, record=here.accounts.audit.record, wake=lambda batch_id: None
    )
    host.pages.app.extensions["hagaki"] = replace(here, config=config, mailing=found)
    yield found
    found.close()


def send(mailing: Mailing) -> None:
    """What a worker does."""
    for batch_id in mailing.due():
        mailing.send_waiting(batch_id, until=time.monotonic() + PATIENCE)


def test_reminders_go_to_those_who_have_not_begun(
    host: Host, mailing: Mailing, relay: tuple[MailRelay, ScriptedServer]
) -> None:
    seed(host)
    owner = host.logged_in(Role.OWNER)

    page = ask(owner, action="remind", who="all", show="all")
    answer = press(owner, page, "remind")
    send(mailing)

    assert "2 reminders go out." in owner.client.get(answer.headers["Location"]).text
    people = sorted(read(mail)["To"].addresses[0].addr_spec for mail in relay[0].mails)
    assert people == ["i.suzuki@example.co.jp", "t.yamada@example.co.jp"]
    assert host.accounts.audit.newest(most=1)[0].action == "batch.remind"


def test_a_mail_is_sent_again_to_a_ticked_person(
    host: Host, mailing: Mailing, relay: tuple[MailRelay, ScriptedServer]
) -> None:
    seed(host)
    owner = host.logged_in(Role.OPERATOR)

    press(owner, ask(owner, action="resend", who="ticked", row=["2"]), "resend")
    send(mailing)
    page = owner.client.get("/en/admin/batches/1").text

    assert [read(mail)["To"].addresses[0].addr_spec for mail in relay[0].mails] == ["t.yamada@example.co.jp"]
    assert "Mails: sent" in page


def test_a_relay_that_cannot_be_used_is_told_on_the_page(
    host: Host, mailing: Mailing, relay: tuple[MailRelay, ScriptedServer]
) -> None:
    seed(host)
    talk, _ = relay
    talk.replies["MAIL"] = "550 5.7.1 not you"  # type: ignore[index]
    owner = host.logged_in(Role.OWNER)

    press(owner, ask(owner, action="resend", who="ticked", row=["2"]), "resend")
    send(mailing)
    pages = [owner.client.get(f"/{language}/admin/batches/1").text for language in ("en", "ja")]

    assert "takes none from the sender hagaki@example.co.jp" in pages[0]
    assert "HAGAKI_MAIL_FROM" in pages[1]


def test_a_way_without_encryption_is_noted_at_the_person(host: Host, mailing: Mailing) -> None:
    seed(host)
    note = '[{"code":"MAIL_UNENCRYPTED","params":{"domain":"private.example"}}]'
    with host.pages.services.store.write() as connection:
        connection.execute(
            batch_rows.update().where(batch_rows.c.row == 2).values(mail_state="sent", mail_problems=note)
        )

    page = host.logged_in(Role.OWNER).client.get("/en/admin/batches/1/people/2").text

    assert "private.example travel without encryption" in page
