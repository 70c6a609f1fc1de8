"""Handing mails over: what each fault of a relay means for the mail, and what never goes without TLS."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from profiles.address import Address
from profiles.problems import Code
from tests.servers.processes import PATIENCE
from tests.servers.relay import Answer, MailRelay
from tests.servers.scripted import Connection, ScriptedServer, closes, is_silent
from tests.servers.world import CANARY, World
from tests.webapp.mails.writing import LETTER, NOW
from webapp.mails import Fate, Handed, Postman, Relay, compose
from webapp.mails.relay import Security
from webapp.outbound import Outbound

HOST = "relay.example.com"
SENDER = LETTER.sender
TO = LETTER.recipient
MESSAGE = compose(LETTER, now=NOW)


def relay_at(
    server: ScriptedServer, security: Security = Security.OFFERED, *, host: str = HOST, login: bool = False
) -> Relay:
    """The server as a setting names it."""
    username, password = ("hagaki@corp.example", CANARY) if login else ("", "")
    return Relay(host=host, port=server.port, security=security, username=username, password=password)


def postman(world: World, relay: Relay, **options: float) -> Postman:
    """A postman in this world."""
    outbound = Outbound.unrestricted(resolver=world.name_server.resolver, ca_file=world.authority.ca_file)
    return Postman(relay, outbound, SENDER, own_name="m.corp.example", seconds=options.pop("seconds", PATIENCE))


def hand_over(world: World, talk: MailRelay, times: int = 1, *, seconds: float = PATIENCE) -> list[Handed]:
    """Hand the same mail to a relay without TLS, one after the other."""
    with ScriptedServer(talk) as server, postman(world, relay_at(server), seconds=seconds) as carrier:
        return [carrier.hand_over(MESSAGE, TO) for _ in range(times)]


def test_many_mails_go_over_one_connection(world: World) -> None:
    talk = MailRelay()

    with ScriptedServer(talk) as server, postman(world, relay_at(server)) as carrier:
        handed = [carrier.hand_over(MESSAGE, TO) for _ in range(5)]
        connections = len(server.records)

    assert [one.fate for one in handed] == [Fate.SENT] * 5
    assert connections == 1
    assert talk.mails == [MESSAGE.as_bytes()] * 5


def test_the_connection_is_changed_after_so_many_mails(world: World) -> None:
    talk = MailRelay()
    outbound = Outbound.unrestricted(resolver=world.name_server.resolver)

    with ScriptedServer(talk) as server:
        with Postman(relay_at(server), outbound, SENDER, per_connection=2) as carrier:
            handed = [carrier.hand_over(MESSAGE, TO) for _ in range(5)]
        connections = len(server.records)

    assert {one.fate for one in handed} == {Fate.SENT}
    assert connections == 3


def test_the_envelope_names_sender_and_recipient(world: World) -> None:
    with ScriptedServer(MailRelay()) as server, postman(world, relay_at(server)) as carrier:
        carrier.hand_over(MESSAGE, TO)
        said = server.clear

    assert said.startswith(b"EHLO m.corp.example\r\nMAIL FROM:<hagaki@corp.example>\r\n")
    assert b"RCPT TO:<taro.private@mail.example>\r\nDATA\r\n" in said


@pytest.mark.parametrize(
    ("replies", "fate", "code", "concerns_all"),
    [
        ({"RCPT": "550 5.1.1 no such user"}, Fate.REFUSED, Code.MAIL_RECIPIENT_REFUSED, False),
        ({"RCPT": "450 4.2.0 greylisted"}, Fate.LATER, Code.MAIL_PUT_OFF, False),
        ({"RCPT": "553 5.7.1 Sender address rejected: not owned"}, Fate.LATER, Code.MAIL_SENDER_REFUSED, True),
        ({"MAIL": "550 5.7.1 not you"}, Fate.LATER, Code.MAIL_SENDER_REFUSED, True),
        ({"MAIL": "452 4.3.1 no space"}, Fate.LATER, Code.MAIL_RELAY_UNUSABLE, True),
        ({"DATA": "554 5.5.1 no"}, Fate.REFUSED, Code.MAIL_REFUSED, False),
        ({"DATA": "451 4.3.0 later"}, Fate.LATER, Code.MAIL_PUT_OFF, False),
        ({".": "554 5.7.1 looks like spam"}, Fate.REFUSED, Code.MAIL_REFUSED, False),
        ({".": "451 4.7.1 try again"}, Fate.LATER, Code.MAIL_PUT_OFF, False),
        ({".": "421 4.3.2 shutting down"}, Fate.LATER, Code.MAIL_RELAY_UNUSABLE, True),
        ({".": closes}, Fate.UNSURE, Code.MAIL_UNSURE, True),
        ({".": lambda connection: connection.reset()}, Fate.UNSURE, Code.MAIL_UNSURE, True),
        ({"RCPT": "421 4.7.0 too many"}, Fate.LATER, Code.MAIL_RELAY_UNUSABLE, True),
        ({"MAIL": "421 4.7.0 too many"}, Fate.LATER, Code.MAIL_RELAY_UNUSABLE, True),
        ({"RCPT": closes}, Fate.LATER, Code.MAIL_RELAY_UNUSABLE, True),
        ({"MAIL": "hello?"}, Fate.LATER, Code.MAIL_RELAY_UNUSABLE, True),
    ],
)
def test_what_a_reply_means(
    world: World, replies: dict[str, Answer], fate: Fate, code: Code, concerns_all: bool
) -> None:
    (handed,) = hand_over(world, MailRelay(replies=replies))

    assert handed.problem is not None
    assert (handed.fate, handed.problem.code, handed.concerns_all) == (fate, code, concerns_all)


def test_a_server_that_keeps_silent_after_the_last_dot_leaves_it_unsure(world: World) -> None:
    (handed,) = hand_over(world, MailRelay(replies={".": is_silent}), seconds=0.5)

    assert handed.fate is Fate.UNSURE


def test_a_server_that_keeps_silent_before_the_mail_leaves_nothing_unsure(world: World) -> None:
    (handed,) = hand_over(world, MailRelay(replies={"RCPT": is_silent}), seconds=0.5)

    assert (handed.fate, handed.concerns_all) == (Fate.LATER, True)


def test_an_answer_that_drips_is_not_waited_for_longer_than_one_that_does_not_come(world: World) -> None:
    def drips(connection: Connection) -> None:
        connection.drip(b"250 2.0.0 Ok but slowly", 0.1)

    (handed,) = hand_over(world, MailRelay(replies={"MAIL": drips}), seconds=0.5)

    assert handed.fate is Fate.LATER


def test_a_refused_recipient_does_not_hold_up_the_next(world: World) -> None:
    refused = iter(["550 5.1.1 unknown", "250 ok", "250 ok"])

    def rcpt(connection: Connection) -> None:
        connection.say(next(refused))

    handed = hand_over(world, MailRelay(replies={"RCPT": rcpt}), 3)

    assert [one.fate for one in handed] == [Fate.REFUSED, Fate.SENT, Fate.SENT]


@pytest.mark.parametrize("leave", [closes, lambda connection: connection.say("421 4.7.0 too many mails")])
def test_a_connection_that_the_server_ends_between_mails_is_replaced(
    world: World, leave: Callable[[Connection], None]
) -> None:
    count = iter(range(100))

    def mail(connection: Connection) -> None:
        # The third MAIL meets a server that has had enough of this connection.
        if next(count) == 2:
            leave(connection)
        else:
            connection.say("250 ok")

    talk = MailRelay(replies={"MAIL": mail})

    handed = hand_over(world, talk, 4)

    assert [one.fate for one in handed] == [Fate.SENT] * 4
    assert len(talk.mails) == 4


def test_a_mail_that_is_unsure_is_not_handed_over_again_by_itself(world: World) -> None:
    """The first is taken over, but the answer gets lost; the next goes over a new connection."""
    talk = MailRelay(replies={"#1": closes})

    with ScriptedServer(talk) as server, postman(world, relay_at(server)) as carrier:
        handed = carrier.hand_over(MESSAGE, TO)
        sent = server.clear.count(b"\r\n.\r\n")

    assert handed.fate is Fate.UNSURE
    assert sent == 1


def test_lines_with_dots_come_as_they_were(world: World) -> None:
    message = compose(LETTER, now=NOW)
    message.clear_content()
    message.set_content(".\n..\n.hidden\nend.\n", cte="7bit")
    talk = MailRelay()

    with ScriptedServer(talk) as server, postman(world, relay_at(server)) as carrier:
        carrier.hand_over(message, TO)

    assert talk.mails[0].endswith(b"\r\n..\r\n...\r\n..hidden\r\nend.\r\n")


# TLS and the log-in


@pytest.mark.parametrize("security", list(Security))
def test_tls_is_begun_and_the_password_goes_inside_only(world: World, security: Security) -> None:
    talk = MailRelay(starttls=None if security is Security.TLS else world.context)
    tls = world.context if security is Security.TLS else None

    with (
        ScriptedServer(talk, tls=tls) as server,
        postman(world, relay_at(server, security, login=True)) as carrier,
    ):
        handed = carrier.hand_over(MESSAGE, TO)
        clear, secrets = server.clear, server.secrets

    assert handed.fate is Fate.SENT
    assert secrets == [f"\0hagaki@corp.example\0{CANARY}".encode()]
    assert b"AUTH" not in clear
    assert b"MAIL FROM" not in clear


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.OFFERED])
def test_a_password_never_goes_where_starttls_is_not_offered(world: World, security: Security) -> None:
    with (
        ScriptedServer(MailRelay()) as server,
        postman(world, relay_at(server, security, login=True)) as carrier,
    ):
        handed = carrier.hand_over(MESSAGE, TO)
        logins, clear = server.logins, server.clear

    assert handed.problem is not None
    assert handed.problem.params["reason"] == "it does not offer STARTTLS"
    assert (logins, CANARY.encode() in clear) == (0, False)


@pytest.mark.parametrize("fault", ["self-signed", "expired", "wrong-name"])
@pytest.mark.parametrize("security", list(Security))
def test_a_bad_certificate_gets_neither_password_nor_mail(world: World, security: Security, fault: str) -> None:
    from tests.servers.scripted import server_context

    context = server_context(world.authority.faulty(fault))
    talk = MailRelay(starttls=None if security is Security.TLS else context)

    with (
        ScriptedServer(talk, tls=context if security is Security.TLS else None) as server,
        postman(world, relay_at(server, security, login=True)) as carrier,
    ):
        handed = carrier.hand_over(MESSAGE, TO)
        inside, logins = server.inside, server.logins

    assert (handed.fate, handed.concerns_all) == (Fate.LATER, True)
    assert handed.problem is not None
    assert "certificate" in handed.problem.params["reason"]
    assert (inside, logins, talk.mails) == (b"", 0, [])


def test_within_this_machine_starttls_is_not_asked_for(world: World) -> None:
    """A relay on localhost usually has a certificate that nobody trusts."""
    from tests.servers.scripted import server_context

    talk = MailRelay(starttls=server_context(world.authority.faulty("self-signed")))

    with ScriptedServer(talk) as server, postman(world, relay_at(server, host="127.0.0.1")) as carrier:
        handed = carrier.hand_over(MESSAGE, TO)

    assert handed.fate is Fate.SENT


@pytest.mark.parametrize(
    ("login", "code"),
    [
        ("535 5.7.8 authentication failed", Code.MAIL_LOGIN_REFUSED),
        ("454 4.7.0 temporary failure", Code.MAIL_RELAY_UNUSABLE),
    ],
)
def test_a_refused_login_is_tried_once_and_holds_up_all(world: World, login: str, code: Code) -> None:
    talk = MailRelay(login=login)

    with (
        ScriptedServer(talk, tls=world.context) as server,
        postman(world, relay_at(server, Security.TLS, login=True)) as carrier,
    ):
        handed = carrier.hand_over(MESSAGE, TO)
        logins = server.logins

    assert handed.problem is not None
    assert (handed.problem.code, handed.concerns_all, logins) == (code, True, 1)
    assert handed.problem.server_text == login


def test_words_before_tls_are_refused(world: World) -> None:
    def conversation(connection: Connection) -> None:
        connection.say("220 relay ESMTP")
        connection.line()
        connection.say("250-relay", "250 STARTTLS")
        connection.line()
        connection.send(b"220 go\r\n250 injected\r\n")
        connection.silence()

    with ScriptedServer(conversation) as server, postman(world, relay_at(server, Security.STARTTLS)) as carrier:
        handed = carrier.hand_over(MESSAGE, TO)

    assert handed.problem is not None
    assert handed.problem.params["reason"] == "it sent something before TLS began"


@pytest.mark.parametrize(
    ("greeting", "reason"),
    [
        ("554 5.7.1 go away", "it turns us away"),
        ("421 4.3.2 not now", "it asks to try again later"),
        ("* OK IMAP ready", "it does not speak SMTP"),
    ],
)
def test_a_relay_that_does_not_want_us_is_told(world: World, greeting: str, reason: str) -> None:
    (handed,) = hand_over(world, MailRelay(greeting=greeting))

    assert handed.problem is not None
    assert handed.problem.params["reason"] == reason


def test_a_relay_that_is_not_there_is_told(world: World) -> None:
    with ScriptedServer(MailRelay()) as server:
        gone = relay_at(server)

    with postman(world, gone) as carrier:
        handed = carrier.hand_over(MESSAGE, TO)

    assert handed.problem is not None
    assert (handed.fate, handed.problem.code) == (Fate.LATER, Code.MAIL_RELAY_UNUSABLE)
    assert handed.problem.params["reason"] == "nobody answers on this port"


def test_no_address_can_hold_a_line_of_its_own(world: World) -> None:
    """Addresses are dot-atoms; should one ever come another way, nothing is sent at all."""
    bad = Address("taro>\r\nRCPT TO:<evil", "evil.example")

    with ScriptedServer(MailRelay()) as server, postman(world, relay_at(server)) as carrier:
        with pytest.raises(ValueError, match="line end"):
            carrier.hand_over(MESSAGE, bad)
        said = server.clear

    assert b"evil" not in said
