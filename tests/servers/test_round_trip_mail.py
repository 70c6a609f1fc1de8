"""The test mail to oneself: sent, seen, timed, removed on real servers; told truthfully when it does not come."""

from __future__ import annotations

import pytest

from profiles.model import Protocol, SocketType
from profiles.problems import Code
from tests.servers.environment import Environment, account_of, service
from tests.servers.people import PEOPLE, WRONG
from tests.servers.processes import PATIENCE
from tests.servers.scripted import Imap, ScriptedServer, Smtp
from tests.servers.world import CANARY, World, account_on, imap, smtp
from webapp.probes.test_mail import RoundTrip, can_send_to_self, send_to_self

CAPABILITY = "IMAP4rev1 SASL-IR AUTH=PLAIN"
FOUND_AT_ONCE = {"UID": "* SEARCH 7\nOK done"}


@pytest.mark.servers
@pytest.mark.parametrize("kind", list(SocketType))
def test_mail_to_oneself_comes_and_is_removed(environment: Environment, kind: SocketType) -> None:
    person = PEOPLE["second"]
    account = environment.account(
        "second", incoming=environment.incoming(Protocol.IMAP, kind), outgoing=environment.outgoing(kind)
    )
    mark = environment.dovecot.mark()

    trip = send_to_self(account, person.password, outbound=environment.outbound(), text="届きました。\n.\nEnde")

    assert trip.problems == ()
    assert trip.seconds is not None
    assert trip.is_removed
    assert environment.dovecot.attempts_since(mark) == {"imap": 1, "smtp": 1}
    maildir = environment.dovecot.maildir(person)
    assert [*maildir.glob("new/*"), *maildir.glob("cur/*")] == []


@pytest.mark.servers
def test_other_mail_stays_where_it_is(environment: Environment) -> None:
    """Removing the test mail must not expunge what the person marked as deleted."""
    person = PEOPLE["japanese"]
    maildir = environment.dovecot.maildir(person)
    other = maildir / "cur" / "1700000001.M1P1.mail:2,ST"
    other.write_bytes(b"Subject: marked as deleted\r\n\r\nkeep me\r\n")

    trip = send_to_self(environment.account("japanese"), person.password, outbound=environment.outbound())

    assert trip.is_removed
    assert other.exists()


@pytest.mark.servers
def test_mail_that_smtp_refuses_is_told_by_smtps_code(environment: Environment) -> None:
    person = PEOPLE["not-owner"]

    trip = send_to_self(environment.account("not-owner"), person.password, outbound=environment.outbound())

    assert not trip.ok
    assert [problem.code for problem in trip.problems] == [Code.SMTP_SENDER_REFUSED]


@pytest.mark.servers
def test_wrong_password_sends_nothing(environment: Environment) -> None:
    mark = environment.dovecot.mark()

    trip = send_to_self(environment.account(), WRONG, outbound=environment.outbound())

    assert [problem.code for problem in trip.problems] == [Code.AUTH_WRONG_PASSWORD]
    assert environment.dovecot.attempts_since(mark) == {"imap": 1}


def test_mail_that_never_comes_is_told(world: World) -> None:
    with (
        world.serve(Imap(capability_after_login="IMAP4rev1 UIDPLUS")) as reader,
        world.serve(Smtp(replies={"DATA": "354 go on"})) as sender,
    ):
        trip = _send(world, reader, sender, wait=0.5)

    assert [problem.code for problem in trip.problems] == [Code.TEST_MAIL_NOT_SEEN]
    assert not trip.ok


def test_without_uidplus_nothing_is_expunged(world: World) -> None:
    """A bare EXPUNGE would take the person's own marked messages along."""
    with (
        world.serve(Imap(replies=FOUND_AT_ONCE)) as reader,
        world.serve(Smtp(replies={"DATA": "354 go on"})) as sender,
    ):
        trip = _send(world, reader, sender, wait=PATIENCE)

    assert trip.ok
    assert not trip.is_removed
    assert b"EXPUNGE" not in reader.inside


def test_search_result_that_is_no_number_reaches_no_command(world: World) -> None:
    with (
        world.serve(
            Imap(replies={"UID": "* SEARCH 1:*\nOK done"}, capability_after_login="IMAP4 UIDPLUS")
        ) as reader,
        world.serve(Smtp(replies={"DATA": "354 go on"})) as sender,
    ):
        trip = _send(world, reader, sender, wait=1.0)

    assert b"1:*" not in reader.inside
    assert not trip.is_removed


def test_pop3_cannot_see_a_mail_arrive() -> None:
    person = PEOPLE["normal"]
    only_smtp = account_of(person, service((), (smtp(465),)))

    assert not can_send_to_self(only_smtp)
    assert can_send_to_self(account_on(imap(993), smtp(465)))


def _send(world: World, reader: ScriptedServer, sender: ScriptedServer, *, wait: float) -> RoundTrip:
    account = account_on(imap(reader.port), smtp(sender.port))
    return send_to_self(account, CANARY, outbound=world.outbound(), wait=wait)
