"""The mails of batches: each at most once, put off, given up, held up, reminded; on both databases."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from profiles.problems import Code, ProblemError
from tests.servers.dns import NameServer
from tests.servers.relay import MailRelay
from tests.servers.scripted import Connection, ScriptedServer, closes
from tests.webapp.batches.mailed import FOREVER, HANAKO, TARO, MailWorld, mail_config
from tests.webapp.clock import Clock
from tests.webapp.mails.writing import read, text_of
from webapp.batches.mail_round import DAY, PUT_OFF_SECONDS
from webapp.batches.options import Mode
from webapp.config import Config
from webapp.store import Store, batch_mails, chunks


@pytest.fixture
def world(store: Store, store_config: Config, clock: Clock, name_server: NameServer) -> Iterator[MailWorld]:
    """A host whose relay does as its replies say."""
    # Another replies mapping can be filled by the test: the relay reads it as it talks.
    relay = MailRelay(replies={})
    with ScriptedServer(relay) as server:
        config = mail_config(store_config, server, name_server)
        yield MailWorld(store=store, config=config, clock=clock, relay=relay, server=server)


def answer(world: MailWorld, **replies: object) -> None:
    """Let the relay answer so from now on."""
    world.relay.replies.clear()  # type: ignore[attr-defined]
    world.relay.replies.update({{"dot": "."}.get(k, k): v for k, v in replies.items()})  # type: ignore[attr-defined]


def to(world: MailWorld) -> list[str]:
    """Whom the mails went to, in order."""
    return [read(mail)["To"].addresses[0].addr_spec for mail in world.relay.mails]


def test_each_person_gets_one_mail_with_the_own_link(world: MailWorld) -> None:
    batch_id = world.batch()

    more = world.send(batch_id)
    world.send(batch_id)

    assert not more
    assert world.states(batch_id) == ["sent"] * 3
    assert to(world) == ["taro@example.co.jp", "hanako@example.co.jp", "jiro@example.co.jp"]
    for mail, address in zip(world.relay.mails, to(world), strict=True):
        assert f"https://m.example.co.jp/s/{world.links[address].token}" in text_of(read(mail))
        assert world.link(address)["mailed_at"] == world.clock()


def test_the_mail_goes_where_the_list_says(world: MailWorld) -> None:
    batch_id = world.batch()
    world.set_row(batch_id, 3, notify="hanako@private.example")

    world.send(batch_id)

    assert to(world)[1] == "hanako@private.example"
    assert "hanako@example.co.jp" in text_of(read(world.relay.mails[1]))


def test_a_ready_made_link_goes_without_password_and_pin(world: MailWorld) -> None:
    people = [replace(TARO, password="Kanarienvogel-07")]
    batch_id = world.batch(people, mode=Mode.READY_MADE)

    world.send(batch_id)

    mail = world.relay.mails[0]
    pin = world.links["taro@example.co.jp"].pin
    assert pin
    for part in ("plain", "html"):
        content = text_of(read(mail), part)
        assert "PIN" in content
        assert pin not in content
        assert "Kanarienvogel" not in content


def test_a_refused_recipient_fails_alone(world: MailWorld) -> None:
    batch_id = world.batch()
    replies = iter(["250 ok", "550 5.1.1 unknown here", "250 ok"])
    answer(world, RCPT=lambda connection: connection.say(next(replies)))

    world.send(batch_id)

    assert world.states(batch_id) == ["sent", "failed", "sent"]
    assert world.codes(batch_id) == [[], [Code.MAIL_RECIPIENT_REFUSED], []]
    assert world.link("hanako@example.co.jp")["mailed_at"] is None


def test_what_is_put_off_is_tried_later_and_given_up_in_the_end(world: MailWorld) -> None:
    batch_id = world.batch([TARO])
    answer(world, RCPT="450 4.2.0 greylisted")
    waited = []

    while world.states(batch_id) == ["waiting"]:
        world.send(batch_id)
        assert not world.send(batch_id)
        after = world.rows(batch_id)[0]["mail_after"]
        if after:
            waited.append(after - world.clock())
            world.clock.advance(waited[-1])

    assert waited == list(PUT_OFF_SECONDS)
    assert world.states(batch_id) == ["failed"]
    assert world.codes(batch_id) == [[Code.MAIL_GIVEN_UP]]
    assert world.server.clear.count(b"RCPT TO") == len(PUT_OFF_SECONDS) + 1


def test_what_is_put_off_goes_out_once_the_server_takes_it(world: MailWorld) -> None:
    batch_id = world.batch([TARO])
    answer(world, RCPT="450 4.2.0 greylisted")
    world.send(batch_id)
    answer(world)

    world.clock.advance(PUT_OFF_SECONDS[0])
    due = world.mailing().due()
    world.send(batch_id)

    assert due == (batch_id,)
    assert world.states(batch_id) == ["sent"]
    assert world.codes(batch_id) == [[]]


def test_a_relay_that_cannot_be_used_holds_all_up_and_costs_no_mail_its_tries(world: MailWorld) -> None:
    batch_id = world.batch()
    mailing = world.mailing()
    answer(world, MAIL="550 5.7.1 not you")

    more = world.send(batch_id, mailing)

    assert not more
    assert world.states(batch_id) == ["waiting"] * 3
    assert world.server.clear.count(b"MAIL FROM") == 1
    assert (mailing.due(), world.send(batch_id, mailing)) == ((), False)
    trouble = mailing.trouble(batch_id)
    assert trouble is not None
    assert trouble.code is Code.MAIL_SENDER_REFUSED
    assert [row["mail_tries"] for row in world.rows(batch_id)] == [0] * 3


def test_once_the_relay_works_all_goes_out(world: MailWorld) -> None:
    batch_id = world.batch()
    answer(world, MAIL="550 5.7.1 not you")
    world.send(batch_id)
    answer(world)

    world.clock.advance(10)
    mailing = world.mailing()
    due = mailing.due()
    world.send(batch_id, mailing)

    assert due == (batch_id,)
    assert world.states(batch_id) == ["sent"] * 3
    assert mailing.trouble(batch_id) is None


def test_the_pauses_grow_while_the_relay_cannot_be_used(world: MailWorld) -> None:
    batch_id = world.batch([TARO])
    mailing = world.mailing()
    answer(world, MAIL="452 4.3.1 no space")
    pauses = []

    for _ in range(6):
        world.send(batch_id, mailing)
        with world.store.read() as connection:
            pauses.append(batch_mails.paused_until(connection) - world.clock())
        world.clock.advance(pauses[-1])

    assert pauses == [10, 30, 60, 120, 300, 300]


def test_without_a_relay_nothing_is_lost_and_the_reason_told(world: MailWorld) -> None:
    batch_id = world.batch([TARO])
    world.config = replace(world.config, smtp_url=None)
    mailing = world.mailing()

    more = world.send(batch_id, mailing)

    missing, trouble = mailing.missing(), mailing.trouble(batch_id)
    assert not more
    assert world.states(batch_id) == ["waiting"]
    assert missing is not None
    assert (missing.code, missing.place) == (Code.MAIL_NOT_SET_UP, "HAGAKI_SMTP_URL")
    assert trouble is not None
    assert trouble.code is Code.MAIL_NOT_SET_UP


def test_a_sender_is_missing_where_the_log_in_is_no_address(world: MailWorld) -> None:
    world.config = replace(world.config, mail_from=None)

    missing = world.mailing().missing()

    assert missing is not None
    assert missing.place == "HAGAKI_MAIL_FROM"


# at most once


def test_a_lost_answer_leaves_one_mail_unsure_and_it_is_never_sent_by_itself(world: MailWorld) -> None:
    batch_id = world.batch()
    answer(world, **{"#1": closes})

    world.send(batch_id)
    answer(world)
    world.clock.advance(10 * DAY)
    world.send(batch_id)

    assert world.states(batch_id) == ["unsure", "sent", "sent"]
    assert world.codes(batch_id) == [[Code.MAIL_UNSURE], [], []]
    assert world.server.clear.count(b"\r\n.\r\n") == 3


def test_a_relay_that_loses_one_answer_after_the_other_is_left_alone_for_a_while(world: MailWorld) -> None:
    """Else a broken relay would leave a whole company unsure within minutes."""
    batch_id = world.batch()
    answer(world, dot=closes)

    world.send(batch_id)

    assert world.states(batch_id) == ["unsure", "waiting", "waiting"]


def test_a_worker_that_dies_leaves_the_mail_unsure_once_its_lease_is_over(world: MailWorld) -> None:
    batch_id = world.batch([TARO])
    mailing = world.mailing(lease_seconds=60)

    with world.store.write() as connection:  # all that a dead worker leaves behind
        row = batch_mails.next_mail(connection, batch_id, now=world.clock())
        assert row is not None
        batch_mails.begin_sending(connection, row.id, lease=b"l" * 16, until=world.clock() + 60)
    before = (mailing.due(), world.send(batch_id, mailing), world.states(batch_id))
    world.clock.advance(61)
    after = (mailing.due(), world.send(batch_id, mailing), world.states(batch_id))

    assert before == ((), False, ["sending"])
    assert after == ((), False, ["unsure"])
    assert world.codes(batch_id) == [[Code.MAIL_UNSURE]]
    assert world.relay.mails == []


def test_a_worker_that_was_thought_dead_still_tells_the_truth(world: MailWorld) -> None:
    batch_id = world.batch([TARO])

    def slow(connection: Connection) -> None:
        world.clock.advance(61)
        assert world.mailing().due() == ()
        assert world.states(batch_id) == ["unsure"]
        connection.say("250 2.0.0 queued after all")

    answer(world, dot=slow)

    world.send(batch_id, world.mailing(lease_seconds=60))

    assert world.states(batch_id) == ["sent"]
    assert world.codes(batch_id) == [[]]


def test_whoever_has_the_mail_already_does_not_get_it_with_the_next_list(world: MailWorld) -> None:
    first = world.batch([TARO])
    world.send(first)
    second = world.batch([TARO, HANAKO])

    world.send(second)

    assert to(world) == ["taro@example.co.jp", "hanako@example.co.jp"]
    assert world.states(second) == ["sent", "sent"]
    assert world.codes(second) == [[Code.MAIL_SENT_BEFORE], []]


def test_a_mail_that_is_unsure_in_one_batch_is_so_in_the_next(world: MailWorld) -> None:
    first = world.batch([TARO])
    answer(world, **{"#1": closes})
    world.send(first)
    answer(world)
    world.clock.advance(60)
    second = world.batch([TARO])

    world.send(second)

    assert world.states(second) == ["unsure"]
    assert world.relay.mails == []


@pytest.mark.parametrize("change", [{"revoked": True}, {"expires_at": 1.0}])
def test_a_link_that_has_ended_is_not_mailed(world: MailWorld, change: dict[str, object]) -> None:
    batch_id = world.batch([TARO])
    world.set_link("taro@example.co.jp", **change)

    world.send(batch_id)

    assert world.states(batch_id) == ["failed"]
    assert world.codes(batch_id) == [[Code.MAIL_LINK_ENDED]]
    assert world.relay.mails == []


def test_rows_that_are_not_made_yet_are_not_mailed(world: MailWorld) -> None:
    batch_id = world.batch([TARO])
    world.set_row(batch_id, 2, state="working")

    world.send(batch_id)

    assert world.relay.mails == []
    assert world.states(batch_id) == ["waiting"]


def test_sending_ends_with_its_time_and_says_that_more_may_go(world: MailWorld) -> None:
    batch_id = world.batch()

    more = world.mailing().send_waiting(batch_id, until=time.monotonic() - 1)

    assert more
    assert world.states(batch_id) == ["waiting"] * 3


def test_workers_that_send_at_once_share_the_mails(world: MailWorld) -> None:
    people = [replace(TARO, address=f"p{number}@example.co.jp") for number in range(24)]
    # Half of them stand in the next list as well.
    batches = [world.batch(people), world.batch(people[:12])]

    with ThreadPoolExecutor(4) as workers:
        more = list(workers.map(lambda batch_id: world.send(batch_id, world.mailing()), batches * 2))
    world.clock.advance(120)
    for batch_id in batches:
        world.send(batch_id)

    assert more
    assert Counter(to(world)) == {person.address: 1 for person in people}
    assert [set(world.states(batch_id)) for batch_id in batches] == [{"sent"}, {"sent"}]


def test_mails_keep_their_pace_over_all_workers(world: MailWorld) -> None:
    batch_id = world.batch()
    mailing = world.mailing(rate=10.0)

    world.send(batch_id, mailing)

    with world.store.read() as connection:
        assert batch_mails.paused_until(connection) == pytest.approx(world.clock() + 0.3)


# what an admin asks for


def test_send_again_takes_what_failed_and_what_is_unsure(world: MailWorld) -> None:
    batch_id = world.batch()
    world.set_row(batch_id, 2, mail_state="unsure")
    world.set_row(batch_id, 3, mail_state="failed")
    world.set_row(batch_id, 4, mail_state="sent", mailed_at=world.clock())

    queued = world.mailing().send_again(batch_id, None, actor="owner")
    world.send(batch_id)

    assert queued.mails == 2
    assert sorted(to(world)) == ["hanako@example.co.jp", "taro@example.co.jp"]
    assert world.audit == [("owner", "batch.mail", f"batch {batch_id}")]
    assert world.woken == [batch_id]


def test_send_again_of_a_chosen_row_sends_a_second_mail_that_can_be_told_from_the_first(world: MailWorld) -> None:
    batch_id = world.batch([TARO])
    world.send(batch_id)

    world.clock.advance(60)
    world.mailing().send_again(batch_id, [2], actor="owner")
    world.send(batch_id)

    ids = [read(mail)["Message-ID"] for mail in world.relay.mails]
    assert len(set(ids)) == len(ids) == 2


def test_a_mail_that_was_unsure_keeps_its_message_id_so_that_it_need_not_be_seen_twice(world: MailWorld) -> None:
    batch_id = world.batch([TARO])
    answer(world, **{"#1": closes})
    world.send(batch_id)
    first = world.server.clear
    answer(world)
    world.clock.advance(60)

    world.mailing().send_again(batch_id, [2], actor="owner")
    world.send(batch_id)

    message_id = str(read(world.relay.mails[0])["Message-ID"])
    assert first.count(message_id.encode()) == 1


def test_reminders_go_to_those_who_have_not_opened_their_link(world: MailWorld) -> None:
    batch_id = world.batch()
    world.send(batch_id)
    world.set_link("hanako@example.co.jp", opened_at=world.clock())
    world.set_link("jiro@example.co.jp", fetched_at=world.clock(), opened_at=world.clock())

    queued = world.mailing().remind(batch_id, None, actor="owner")
    world.send(batch_id)

    assert queued.mails == 1
    assert to(world)[3:] == ["taro@example.co.jp"]
    assert "まだ" in text_of(read(world.relay.mails[3]))
    assert world.link("taro@example.co.jp")["reminded_at"] == world.clock()
    assert world.audit == [("owner", "batch.remind", f"batch {batch_id}")]


def test_many_mails_are_asked_for_in_pieces_so_that_nobody_waits_long_for_the_database(
    world: MailWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK", 2)
    batch_id = world.batch()
    world.send(batch_id)

    reminded = world.mailing().remind(batch_id, None, actor="owner")
    world.send(batch_id)
    again = world.mailing().send_again(batch_id, [2, 3, 4], actor="owner")
    world.send(batch_id)

    assert (reminded.mails, again.mails) == (3, 3)
    assert [action for _, action, _ in world.audit] == ["batch.remind"] * 2 + ["batch.mail"] * 2
    assert world.woken == [batch_id] * 2
    assert len(world.relay.mails) == 9


def test_a_chosen_person_who_opened_the_link_is_reminded_but_not_one_who_is_further(world: MailWorld) -> None:
    batch_id = world.batch()
    world.send(batch_id)
    world.set_link("taro@example.co.jp", opened_at=world.clock())
    world.set_link("hanako@example.co.jp", validated_at=world.clock())

    queued = world.mailing().remind(batch_id, [2, 3], actor="owner")
    world.send(batch_id)

    assert queued.mails == 1
    assert to(world)[3:] == ["taro@example.co.jp"]


def test_nobody_is_reminded_twice_within_a_day(world: MailWorld) -> None:
    batch_id, other = (world.batch([replace(TARO, mail_state="sent")]) for _ in range(2))
    world.mailing().remind(batch_id, None, actor="owner")
    world.mailing().remind(other, None, actor="owner")
    world.send(batch_id)
    world.send(other)

    again = world.mailing().remind(batch_id, None, actor="owner")
    world.send(batch_id)
    world.clock.advance(DAY)
    next_day = world.mailing().remind(batch_id, None, actor="owner")
    world.send(batch_id)

    assert (again.mails, again.reminded_today) == (0, 1)
    assert (next_day.mails, next_day.reminded_today) == (1, 0)
    assert len(world.relay.mails) == 2


def test_who_begins_after_the_reminder_was_asked_for_gets_none(world: MailWorld) -> None:
    batch_id = world.batch([TARO])
    world.send(batch_id)
    world.mailing().remind(batch_id, None, actor="owner")
    world.set_link("taro@example.co.jp", validated_at=world.clock())

    world.send(batch_id)

    assert len(world.relay.mails) == 1
    assert world.states(batch_id) == ["sent"]


def test_a_batch_that_is_not_there_is_named(world: MailWorld) -> None:
    with pytest.raises(ProblemError) as caught:
        world.mailing().remind(4711, None, actor="owner")

    assert caught.value.problems[0].code is Code.BATCH_UNKNOWN
    assert not world.mailing().send_waiting(4711, until=FOREVER)
