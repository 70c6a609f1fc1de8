"""The test mail on the real Dovecot and Postfix: it comes, it is timed, and nothing of it stays."""

from __future__ import annotations

import pytest

from profiles.model import SocketType
from profiles.problems import Code
from tests.servers.authority import Authority
from tests.servers.environment import MAIL_HOST, Environment
from tests.servers.scripted import Connection, Imap, ScriptedServer, server_context
from tests.servers.world import account_on, imap, pop3, smtp
from webapp.outbound import Outbound
from webapp.probes.test_mail import _transparent, can_send_to_self, send_to_self


@pytest.mark.servers
@pytest.mark.parametrize("kind", list(SocketType))
def test_mail_to_oneself_comes_and_is_removed(environment: Environment, kind: SocketType) -> None:
    account = environment.account(
        incoming=environment.incoming(socket_type=kind), outgoing=environment.outgoing(kind)
    )
    trip = send_to_self(account, environment.people["normal"].password, outbound=environment.outbound())

    assert trip.problems == ()
    assert trip.ok
    assert trip.is_removed
    assert all(stage.ok for stage in trip.stages)


@pytest.mark.servers
def test_wrong_password_sends_nothing(environment: Environment) -> None:
    trip = send_to_self(environment.account(), "wrong one", outbound=environment.outbound())

    assert [problem.code for problem in trip.problems] == [Code.AUTH_WRONG_PASSWORD]
    assert {stage.service for stage in trip.stages} == {"imap"}


def test_mail_that_does_not_come_is_told(authority: Authority) -> None:
    quiet = Imap(capability_after_login="IMAP4rev1 IDLE", replies={"IDLE": "+ idling"})
    context = server_context(authority.good())
    with ScriptedServer(quiet, tls=context) as reading, ScriptedServer(_takes_mail, tls=context) as sending:
        outbound = Outbound.unrestricted(
            ca_file=authority.ca_file,
            connect_to={
                (MAIL_HOST, reading.port): ("127.0.0.1", reading.port),
                (MAIL_HOST, sending.port): ("127.0.0.1", sending.port),
            },
        )
        account = account_on(imap(reading.port), smtp(sending.port))
        trip = send_to_self(account, "some password", outbound=outbound, wait=0.5)

    assert [problem.code for problem in trip.problems] == [Code.TEST_MAIL_NOT_SEEN]
    assert not trip.ok
    assert b"Auto-Submitted: auto-generated" in sending.inside


def _takes_mail(connection: Connection) -> None:
    # Lines of the message are commands to this script: only the dot that ends it gets an answer.
    connection.say("220 mx")
    while (line := connection.line()) != b"QUIT":
        if line.startswith(b"EHLO"):
            connection.say("250-mx", "250 AUTH PLAIN")
        elif line.startswith((b"AUTH", b"MAIL", b"RCPT")):
            connection.say("235 ok" if line.startswith(b"AUTH") else "250 ok")
        elif line in (b"DATA", b"."):
            connection.say("354 go on" if line == b"DATA" else "250 queued")


def test_dots_are_doubled() -> None:
    assert _transparent(b"a\n.b\n..c") == b"a\r\n..b\r\n...c\r\n"


def test_pop3_cannot_wait_for_mail() -> None:
    assert not can_send_to_self(account_on(pop3(995), smtp(465)))
    assert can_send_to_self(account_on(imap(993), smtp(465)))
