"""Links of both modes: kept or made anew, opened by a PIN, locked, ended, and what the database knows of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from sqlalchemy import select

from profiles.address import Address
from profiles.model import Artifact
from profiles.problems import Code
from tests.webapp.batches.lists import DOMAINS
from tests.webapp.clock import Clock
from tests.webapp.threads import at_once, outcome
from webapp.batches.invitations import (
    MOST_READY_MADE_SECONDS,
    Invitation,
    Invitations,
    Mark,
    derive_token,
    end_of,
    renewed,
)
from webapp.batches.options import Mode
from webapp.batches.pins import MOST_WRONG_PINS, is_pin
from webapp.batches.rows import Employee
from webapp.links import Links, hash_token, new_token
from webapp.store import Store
from webapp.store import checks as check_rows
from webapp.store import invitations as rows
from webapp.store.tables import invitations as table
from webapp.store.tables import set_ups

KEY = b"k" * 32
DAY = 24 * 3600.0
PASSWORD = "合言葉 %'\" 1"
PIN, OTHER_PIN, WRONG = "482913", "571830", "999998"
WEEK = 7 * DAY


def person(
    name: str = "taro", *, password: str | None = PASSWORD, pin: str | None = None, row: int = 2
) -> Employee:
    """Somebody on a list."""
    settings = DOMAINS["corp.example"]
    return Employee(
        row=row,
        address=Address(name, "corp.example"),
        settings=settings,
        full_name=name,
        password=password,
        pin=pin,
    )


@dataclass
class World:
    """The invitations of one database."""

    store: Store
    clock: Clock
    made: list[int] = field(default_factory=list)

    @property
    def invitations(self) -> Invitations:
        """As another process would open them."""
        return Invitations(self.store, link_key=KEY, now=self.clock)

    def invite(
        self, *people: Employee, mode: Mode = Mode.READY_MADE, seconds: float = WEEK, tried: Sequence[int] = ()
    ) -> tuple[Invitation, ...]:
        """Invite people with a new list."""
        batch = self.invitations.begin(name="list.csv", mode=mode, total=len(people))
        return self.invitations.invite(batch, people, expires_at=self.clock() + seconds, mode=mode, tried=tried)

    def ready(self, **values: object) -> Invitation:
        """One ready-made link."""
        return self.invite(person(**{"pin": PIN, **values}))[0]  # type: ignore[arg-type]

    def open(self, link: Invitation, pin: str) -> object:
        """The password behind a link, or the code of the refusal."""
        return outcome(lambda: self.invitations.open_ready_made(link.token, pin).password)

    def row(self, link: Invitation) -> rows.InvitationRow:
        """What the database knows."""
        with self.store.read() as connection:
            found = rows.by_ids(connection, [link.id])
        assert len(found) == 1
        return found[0]

    def change(self, link: Invitation, **values: object) -> None:
        """What an admin does."""
        with self.store.write() as connection:
            rows.change(connection, replace(self.row_in(connection, link), **values))  # type: ignore[arg-type]

    @staticmethod
    def row_in(connection: object, link: Invitation) -> rows.InvitationRow:
        """What the database knows, within a transaction."""
        return rows.by_ids(connection, [link.id])[0]  # type: ignore[arg-type]


@pytest.fixture
def world(store: Store, clock: Clock) -> World:
    return World(store, clock)


# kept or new


@pytest.mark.parametrize("mode", list(Mode))
def test_a_reprint_keeps_link_number_and_time(mode: Mode, world: World) -> None:
    (first,) = world.invite(person(), mode=mode)
    world.clock.advance(DAY)
    (again,) = world.invite(person(), mode=mode)

    assert again == first


def test_each_mode_has_a_link_of_its_own(world: World) -> None:
    (invited,) = world.invite(person(), mode=Mode.INVITATIONS)
    (ready,) = world.invite(person(), mode=Mode.READY_MADE)

    assert invited.token != ready.token
    assert invited.pin is None
    assert is_pin(ready.pin or "")
    assert world.invitations.find(invited.token).mode is Mode.INVITATIONS
    assert world.invitations.find(ready.token).mode is Mode.READY_MADE


def test_without_a_password_in_the_list_the_link_asks_for_it(world: World) -> None:
    with_one, without = world.invite(person("a"), person("b", password=None, row=3))

    assert world.invitations.find(with_one.token).mode is Mode.READY_MADE
    assert world.invitations.find(without.token).mode is Mode.INVITATIONS
    assert without.pin is None


def test_the_links_come_in_the_order_of_the_list(world: World) -> None:
    names = [f"p{number}" for number in range(700)]
    people = [person(name, row=row) for row, name in enumerate(names, 2)]
    world.invite(*people[::7])

    links = world.invite(*people)

    assert [str(world.invitations.find(link.token).address.local) for link in links[:20]] == names[:20]
    assert len({link.token for link in links}) == len({link.number for link in links}) == 700


def test_the_same_list_again_leaves_what_is_sealed_as_it_is(world: World) -> None:
    link = world.ready()
    before = world.row(link).sealed
    world.ready()
    world.invite(person(pin=None))

    assert world.row(link).sealed == before
    assert world.open(link, PIN) == PASSWORD


def test_a_changed_password_is_sealed_under_the_same_link_and_pin(world: World) -> None:
    link = world.ready()
    (again,) = world.invite(person(password="another"))

    assert (again.token, again.pin, again.number) == (link.token, PIN, link.number)
    assert world.open(link, PIN) == "another"


def test_a_pin_of_the_list_replaces_the_old_one_and_its_wrong_tries(world: World) -> None:
    link = world.ready()
    world.open(link, WRONG)
    (again,) = world.invite(person(pin=OTHER_PIN))

    assert (again.token, again.pin) == (link.token, OTHER_PIN)
    assert world.row(link).pin_attempts == 0
    assert world.open(link, PIN) is Code.PIN_WRONG
    assert world.open(link, OTHER_PIN) == PASSWORD


def test_wrong_tries_outlive_a_reprint(world: World) -> None:
    link = world.ready()
    world.open(link, WRONG)
    world.invite(person(password="another"))

    assert world.row(link).pin_attempts == 1


def test_a_tried_password_stays_tried_until_it_changes(world: World) -> None:
    (link,) = world.invite(person(pin=PIN), tried=[2])
    assert world.invitations.open_ready_made(link.token, PIN).tried
    world.invite(person())
    assert world.row(link).tried
    world.invite(person(password="another"))
    assert not world.row(link).tried
    world.invite(person(password="another"), tried=[2])
    assert world.row(link).tried


def test_a_link_of_another_link_key_gets_a_new_one(store: Store, clock: Clock, world: World) -> None:
    link = world.ready()
    others = Invitations(store, link_key=b"o" * 32, now=clock)
    batch = others.begin(name="x", mode=Mode.READY_MADE, total=1)
    (again,) = others.invite(batch, [person()], expires_at=clock() + WEEK, mode=Mode.READY_MADE)

    assert again.number == link.number
    assert again.token != link.token
    assert outcome(lambda: others.find(link.token)) is Code.LINK_UNKNOWN
    assert others.open_ready_made(again.token, again.pin or "").password == PASSWORD


@pytest.mark.parametrize(
    ("mode", "most"), [(Mode.READY_MADE, MOST_READY_MADE_SECONDS), (Mode.INVITATIONS, 300 * DAY)]
)
def test_a_sealed_password_lives_thirty_days_at_most(mode: Mode, most: float, world: World) -> None:
    (link,) = world.invite(person(), mode=mode, seconds=300 * DAY)

    assert link.expires_at == world.clock() + most


def test_links_are_made_again_for_a_reprint_with_their_pins(store: Store, world: World) -> None:
    ready, invited = world.ready(), world.invite(person("b"), mode=Mode.INVITATIONS)[0]
    ended = world.ready(name="c", row=4)
    world.change(ended, revoked=True)

    with store.read() as connection:
        again = world.invitations.again(connection, [ready.id, invited.id, ended.id])
        elsewhere = Invitations(store, link_key=b"o" * 32).again(connection, [ready.id, invited.id])

    assert again == {ready.id: ready, invited.id: invited}
    assert again[ready.id].pin == PIN
    assert elsewhere == {}


# the PIN


def test_the_pin_opens_the_password_as_often_as_wanted(world: World) -> None:
    link = world.ready()

    for typed in (PIN, "４８２９１３", "482 913", "482-913"):
        opened = world.invitations.open_ready_made(link.token, typed)
        assert opened.password == PASSWORD
        assert str(opened.invited.address) == "taro@corp.example"
        assert PASSWORD not in repr(opened)


@pytest.mark.parametrize("typed", ["", " ", "48291", "4829133", "abcdef", "48291a", "\x00" * 6, "４"])
def test_what_is_no_pin_counts_as_no_try(typed: str, world: World) -> None:
    link = world.ready()

    assert world.open(link, typed) is Code.PIN_INVALID
    assert world.row(link).pin_attempts == 0


def test_five_wrong_pins_lock_the_link_also_for_the_right_one(world: World) -> None:
    link = world.ready()

    said = [world.open(link, WRONG) for _ in range(5)]

    assert said == [Code.PIN_WRONG] * 4 + [Code.PIN_LOCKED]
    assert world.open(link, PIN) is Code.PIN_LOCKED
    assert world.invitations.find(link.token).is_locked
    assert world.row(link).pin_attempts == MOST_WRONG_PINS


def test_how_many_tries_are_left_is_said(world: World) -> None:
    link = world.ready()
    left = []
    for _ in range(4):
        try:
            world.invitations.open_ready_made(link.token, WRONG)
        except Exception as error:  # noqa: BLE001
            left.append(error.problems[0].params["left"])  # type: ignore[attr-defined]

    assert left == ["4", "3", "2", "1"]


def test_a_right_pin_forgets_the_wrong_ones(world: World) -> None:
    link = world.ready()
    for _ in range(4):
        world.open(link, WRONG)

    assert world.open(link, PIN) == PASSWORD
    assert [world.open(link, WRONG) for _ in range(4)] == [Code.PIN_WRONG] * 4


def test_a_locked_link_gets_a_new_one_from_the_next_list(world: World) -> None:
    link = world.ready()
    for _ in range(5):
        world.open(link, WRONG)
    (again,) = world.invite(person())

    assert again.number == link.number
    assert again.token != link.token
    assert world.open(again, again.pin or "") == PASSWORD
    assert outcome(lambda: world.invitations.find(link.token)) is Code.LINK_UNKNOWN


def test_sixty_four_wrong_pins_at_once_count_five(world: World) -> None:
    link = world.ready()

    said = at_once(64, lambda: world.invitations.open_ready_made(link.token, WRONG))

    assert said.count(Code.PIN_WRONG) == MOST_WRONG_PINS - 1
    assert said.count(Code.PIN_LOCKED) == 64 - (MOST_WRONG_PINS - 1)
    assert world.row(link).pin_attempts == MOST_WRONG_PINS
    assert world.open(link, PIN) is Code.PIN_LOCKED


def test_sixty_four_right_pins_at_once_never_lock(world: World) -> None:
    link = world.ready()

    said = at_once(64, lambda: world.invitations.open_ready_made(link.token, PIN).password)

    assert said == [PASSWORD] * 64
    assert world.row(link).pin_attempts == 0


def test_an_invitation_is_opened_by_no_pin(world: World) -> None:
    (link,) = world.invite(person(), mode=Mode.INVITATIONS)

    assert world.open(link, PIN) is Code.LINK_UNKNOWN


@pytest.mark.parametrize("token", ["", "x", "A" * 22, new_token()])
def test_a_link_that_never_was_is_unknown(token: str, world: World) -> None:
    assert outcome(lambda: world.invitations.open_ready_made(token, PIN)) is Code.LINK_UNKNOWN


@pytest.mark.parametrize("end", ["time", "revoked"])
def test_an_ended_link_opens_nothing(end: str, world: World) -> None:
    link = world.ready()
    if end == "time":
        world.clock.advance(WEEK)
    else:
        world.change(link, revoked=True)

    assert world.open(link, PIN) is Code.LINK_EXPIRED
    assert outcome(lambda: world.invitations.find(link.token)) is Code.LINK_EXPIRED


# what is at rest, and the end of it


def test_neither_link_nor_password_nor_pin_is_in_the_database(store: Store, world: World) -> None:
    link = world.ready()

    with store.read() as connection:
        values = [value for row in connection.execute(select(table)) for value in row]

    held = b"".join(value if isinstance(value, bytes) else str(value).encode() for value in values)
    for secret in (link.token, PASSWORD, PIN):
        assert secret.encode() not in held


def test_the_password_is_forgotten_with_its_time(store: Store, world: World) -> None:
    link, other = world.ready(), world.ready(name="b", row=3)
    world.change(other, revoked=True)
    with store.write() as connection:
        rows.forget_ended(connection, now=world.clock())
    assert world.row(link).sealed
    assert world.row(other).sealed is None

    world.clock.advance(WEEK)
    with store.write() as connection:
        rows.forget_ended(connection, now=world.clock())
    assert world.row(link).sealed is None


def test_the_end_of_an_invitation_ends_all_that_hangs_on_it(store: Store, clock: Clock, world: World) -> None:
    link, other = world.ready(), world.ready(name="b", row=3)
    links = Links(store, now=clock)
    checks = {one.id: new_token() for one in (link, other)}
    files = {one.id: (new_token(), new_token()) for one in (link, other)}
    artifact = Artifact(data=b"x", content_type="x/x", filename="a.mobileconfig")
    with store.write() as connection:
        for one in (link, other):
            check_rows.put(
                connection, hash_token(checks[one.id]), state="ok", address_key="", account="", options="",
                at=clock(), expires_at=clock() + DAY, invitation_id=one.id,
            )  # fmt: skip
            delivery, handover = files[one.id]
            links.lay_ready(connection, checks[one.id], [artifact], delivery=delivery, handover=handover)
    direct = links.deliver([artifact], group=link.token)

    with store.write() as connection:
        end_of(connection, link.id, now=clock())

    for token in (files[link.id][0], direct.token):
        assert outcome(lambda token=token: links.fetch(token, artifact.filename)) is Code.LINK_EXPIRED  # type: ignore[misc]
    assert outcome(lambda: links.claim(files[link.id][1])) is Code.LINK_EXPIRED
    assert links.fetch(files[other.id][0], artifact.filename).data == b"x"
    with store.read() as connection:
        ended, living = (check_rows.get(connection, hash_token(checks[one.id])) for one in (link, other))
    assert ended is not None
    assert ended.expires_at <= clock()
    assert living is not None
    assert living.expires_at > clock()
    assert world.row(link).sealed is None


def test_a_new_link_has_a_new_pin_and_the_same_password(store: Store, world: World) -> None:
    link = world.ready()
    new = renewed(KEY, world.row(link))
    assert new is not None
    world.change(link, generation=new.generation, token_hash=new.token_hash, sealed=new.sealed)

    assert new.token == derive_token(KEY, link.id, 1)
    assert new.pin != PIN
    assert world.invitations.open_ready_made(new.token, new.pin or "").password == PASSWORD
    assert outcome(lambda: world.invitations.find(link.token)) is Code.LINK_UNKNOWN


def test_a_password_that_cannot_be_opened_gets_no_new_link(world: World) -> None:
    row = world.row(world.ready())

    assert renewed(KEY, replace(row, sealed=None)) is None
    assert renewed(b"o" * 32, row) is None
    assert renewed(KEY, replace(row, mode=Mode.INVITATIONS, sealed=None)) is not None


# how far somebody has come


def test_a_mark_is_set_once_and_stays(store: Store, clock: Clock, world: World) -> None:
    link, start = world.ready(), clock()
    for _ in range(2):
        with store.write() as connection:
            rows.mark(connection, link.id, Mark.OPENED, now=clock())
        clock.advance(10)

    with store.read() as connection:
        (opened,) = connection.execute(select(table.c.opened_at)).scalars()
    assert opened == start


def test_who_looks_sets_no_mark(store: Store, world: World) -> None:
    link = world.ready()
    world.invitations.find(link.token)
    world.open(link, WRONG)
    world.open(link, "")

    with store.read() as connection:
        assert not rows.is_marked(connection, link.id, Mark.OPENED)
    world.open(link, PIN)
    with store.read() as connection:
        assert rows.is_marked(connection, link.id, Mark.OPENED)


def test_the_first_fetch_of_a_file_is_noted_once_with_its_device(store: Store, clock: Clock, world: World) -> None:
    link = world.ready()
    links = Links(store, now=clock)
    artifact = Artifact(data=b"x", content_type="x/x", filename="a.mobileconfig")
    made = links.deliver([artifact], group=link.token)

    said = at_once(8, lambda: links.fetch(made.token, artifact.filename, device="iphone").data)

    assert said.count(b"x") == 5
    with store.read() as connection:
        assert rows.is_marked(connection, link.id, Mark.ISSUED)
        assert rows.is_marked(connection, link.id, Mark.FETCHED)
        noted = connection.execute(select(set_ups)).all()
    assert [(row.invitation_id, row.address, row.device, row.kind) for row in noted] == [
        (link.id, "taro@corp.example", "iphone", "mobileconfig")
    ]


def test_of_who_came_without_an_invitation_nothing_is_kept(store: Store, clock: Clock) -> None:
    links = Links(store, now=clock)
    artifact = Artifact(data=b"x", content_type="x/x", filename="a.mobileconfig")

    links.fetch(links.deliver([artifact]).token, artifact.filename, device="iphone")

    with store.read() as connection:
        assert connection.execute(select(set_ups)).all() == []


@pytest.mark.parametrize("end", ["time", "revoked", "renewed"])
def test_under_an_ended_link_nothing_is_delivered(end: str, store: Store, clock: Clock, world: World) -> None:
    link = world.ready()
    if end == "time":
        clock.advance(WEEK)
    elif end == "revoked":
        world.change(link, revoked=True)
    else:
        world.change(link, token_hash=hash_token(new_token()), generation=1)
    artifact = Artifact(data=b"x", content_type="x/x", filename="a.mobileconfig")

    assert outcome(lambda: Links(store, now=clock).deliver([artifact], group=link.token)) is Code.LINK_EXPIRED


@pytest.mark.soak
@pytest.mark.parametrize("number", range(100))
def test_races_of_wrong_pins_never_try_a_sixth(number: int, world: World) -> None:
    link = world.ready(name=f"p{number}")

    said = at_once(64, lambda: world.invitations.open_ready_made(link.token, WRONG))

    assert said.count(Code.PIN_WRONG) == MOST_WRONG_PINS - 1
    assert world.row(link).pin_attempts == MOST_WRONG_PINS
