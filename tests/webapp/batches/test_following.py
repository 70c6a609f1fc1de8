"""Following a batch up, on every kind of database: stages, filters, pages, and what ends with a link."""

from __future__ import annotations

import pytest

from profiles.model import Artifact
from profiles.problems import Code, Problem, ProblemError
from tests.webapp.admin.world import cheap_accounts
from tests.webapp.batches.followed import DAY, Someone, add_batch
from tests.webapp.clock import Clock
from webapp.accounts import Accounts
from webapp.batches.following import MOST_NAMED, Action, Choice, Following, Show, Stage
from webapp.batches.invitations import Invitations, derive_token
from webapp.batches.options import Mode
from webapp.batches.rows import CellProblem
from webapp.config import Config
from webapp.handouts.card import card_name
from webapp.links import Links, derive, hash_token, new_token
from webapp.store import Store, checks
from webapp.store.values import to_text

LINK_KEY = b"link key of a test"
ACTOR = "owner@example.co.jp"
AT = 1_789_999_000.0
PEOPLE = (
    Someone(address="invited@example.co.jp", full_name="山田 太郎", department="営業部", employee_number="A-1"),
    Someone(address="mailed@example.co.jp", mail_state="sent", link={"mailed_at": AT}),
    Someone(address="opened@example.co.jp", full_name="高橋\u3000美咲", link={"opened_at": AT}),
    Someone(address="validated@example.co.jp", link={"opened_at": AT, "validated_at": AT}),
    Someone(address="issued@example.co.jp", link={"opened_at": AT, "validated_at": AT, "issued_at": AT}),
    Someone(address="fetched@example.co.jp", link={"opened_at": AT, "fetched_at": AT}),
    Someone(address="confirmed@example.co.jp", link={"confirmed_at": AT}),
    Someone(address="locked@example.co.jp", link={"pin_attempts": 5}),
    Someone(address="expired@example.co.jp", link={"expires_at": AT}),
    Someone(address="revoked@example.co.jp", link={"revoked": True, "confirmed_at": AT}),
    Someone(address="lost@example.co.jp", link={"revoked": True, "lost_at": AT}),
    Someone(
        address="failed@example.co.jp",
        state="failed",
        problems=to_text((CellProblem(problem=Problem(Code.AUTH_WRONG_PASSWORD), row=13),)),
    ),
    Someone(
        address="bad@example.co.jp",
        state="bad",
        problems=to_text((CellProblem(problem=Problem(Code.ADDRESS_MISSING), row=14),)),
    ),
    Someone(address="waiting@example.co.jp", state="waiting"),
    Someone(address="cancelled@example.co.jp", state="cancelled"),
    Someone(
        address="unsure@example.co.jp",
        mail_state="unsure",
        mail_problems=to_text((Problem(Code.MAIL_UNSURE),)),
    ),
)


@pytest.fixture
def accounts(store: Store, store_config: Config, clock: Clock) -> Accounts:
    return cheap_accounts(store, store_config, clock)


@pytest.fixture
def following(store: Store, accounts: Accounts, clock: Clock) -> Following:
    return Following(store, link_key=LINK_KEY, record_each=accounts.audit.record_each, now=clock)


@pytest.fixture
def batch(store: Store, clock: Clock) -> int:
    return add_batch(store, LINK_KEY, PEOPLE, now=clock())[0]


def row_of(name: str) -> int:
    return 2 + [one.address for one in PEOPLE].index(f"{name}@example.co.jp")


def opens(store: Store, clock: Clock, token: str) -> bool:
    try:
        Invitations(store, link_key=LINK_KEY, now=clock).find(token)
    except ProblemError:
        return False
    return True


# looking


def test_everybody_stands_at_one_stage(following: Following, batch: int) -> None:
    page = following.page(batch)

    assert [one.row for one in page.people] == list(range(2, 2 + len(PEOPLE)))
    assert page.after is None
    stages = {one.address.partition("@")[0]: one.stage for one in page.people}
    assert stages == {one.address.partition("@")[0]: one.address.partition("@")[0] for one in PEOPLE} | {
        "bad": "failed",
        "unsure": "invited",
    }


def test_counts_agree_with_what_each_filter_shows(following: Following, batch: int) -> None:
    counts = following.counts(batch)

    for show in Show:
        assert counts.shown[show] == len(following.page(batch, show=show).people), show
    assert counts.shown[Show.ALL] == len(PEOPLE)
    assert counts.shown[Show.UNSTARTED] == 3
    assert counts.shown[Show.MAIL_FAILED] == 1


def test_funnel_counts_whoever_ever_came_so_far(following: Following, batch: int) -> None:
    funnel = {reached.stage: reached.people for reached in following.counts(batch).funnel}

    # The mark before is implied where it was never noted: whoever fetched has opened.
    assert funnel == {"invited": 12, "opened": 6, "validated": 5, "issued": 4, "fetched": 3, "confirmed": 2}


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("INVITED@", "invited"),
        ("山田", "invited"),
        ("山田太郎", "invited"),
        ("山田　太郎", "invited"),
        ("高橋美咲", "opened"),
        ("営業", "invited"),
        ("a-1", "invited"),
        ("ｉｎｖｉｔｅｄ", "invited"),
    ],
)
def test_search_finds_address_name_department_and_number(
    following: Following, batch: int, words: str, found: str
) -> None:
    people = following.page(batch, search=words).people

    assert [one.address for one in people] == [f"{found}@example.co.jp"]


def test_search_finds_the_number_on_the_card(following: Following, batch: int) -> None:
    number = following.page(batch).people[0].number

    assert number is not None
    for typed in (f"{number:07}", card_name(number)):
        (found,) = following.page(batch, search=typed).people
        assert found.number == number


@pytest.mark.parametrize("words", ["%", "_", "\\", "' or 1=1 --"])
def test_search_takes_signs_of_sql_as_they_are(following: Following, batch: int, words: str) -> None:
    assert following.page(batch, search=words).people == ()


def test_pages_follow_each_other_without_gap_or_double(following: Following, batch: int) -> None:
    seen: list[int] = []
    after: int | None = 0
    while after is not None:
        page = following.page(batch, after=after, most=5)
        seen += [one.row for one in page.people]
        after = page.after

    assert seen == list(range(2, 2 + len(PEOPLE)))


def test_last_problem_of_row_and_mail_is_told(following: Following, batch: int) -> None:
    problems = {one.address.partition("@")[0]: one.problem for one in following.page(batch).people}

    assert problems["failed"] is not None
    assert problems["failed"].code is Code.AUTH_WRONG_PASSWORD
    assert problems["unsure"] is not None
    assert problems["unsure"].code is Code.MAIL_UNSURE
    assert problems["invited"] is None


def test_last_failed_check_of_a_person_is_told(following: Following, store: Store, clock: Clock) -> None:
    batch, links = add_batch(store, LINK_KEY, PEOPLE[:1], now=clock())
    for at, code in ((1, Code.AUTH_WRONG_PASSWORD), (2, Code.AUTH_APP_PASSWORD)):
        begin_check(store, links["invited@example.co.jp"].id, new_token(), at=clock() + at, problem=Problem(code))

    (person,) = following.page(batch).people

    assert person.problem is not None
    assert person.problem.code is Code.AUTH_APP_PASSWORD


def test_batch_of_the_command_line_is_followed_by_its_invitations(
    following: Following, store: Store, clock: Clock
) -> None:
    batch, _ = add_batch(store, LINK_KEY, PEOPLE[:7], now=clock(), with_rows=False)

    stages = [one.stage for one in following.page(batch).people]

    assert stages == ["invited", "mailed", "opened", "validated", "issued", "fetched", "confirmed"]
    assert following.revoke(batch, Choice(show=Show.OPENED), actor=ACTOR) == 1


def test_unknown_batch_is_said_so(following: Following) -> None:
    with pytest.raises(ProblemError) as caught:
        following.page(404)

    assert caught.value.problems[0].code is Code.BATCH_UNKNOWN


# changing


def begin_check(
    store: Store, invitation_id: bytes, token: str, *, at: float, problem: Problem | None = None
) -> None:
    outcome = to_text({"problems": (problem,)}) if problem else None
    with store.write() as connection:
        checks.put(
            connection,
            hash_token(token),
            state="failed" if problem else "ok",
            address_key="invited@example.co.jp",
            account="{}",
            options="{}",
            at=at,
            expires_at=at + DAY,
            invitation_id=invitation_id,
        )
        if outcome:
            checks.finish(
                connection, hash_token(token), state="failed", account="{}", outcome=outcome, generation=0, now=at
            )


def lay_ready(store: Store, clock: Clock, group: str) -> tuple[Links, str, str]:
    links = Links(store, now=clock)
    delivery, handover = derive(group, "delivery"), derive(group, "handover")
    artifact = Artifact(filename="a.mobileconfig", content_type="text/plain", data=b"secret")
    with store.write() as connection:
        links.lay_ready(connection, group, [artifact], delivery=delivery, handover=handover)
    return links, delivery, handover


@pytest.mark.parametrize("action", [Action.REVOKE, Action.REISSUE])
def test_old_link_and_all_that_hangs_on_it_end_at_once(
    following: Following, store: Store, clock: Clock, action: Action
) -> None:
    batch, links = add_batch(store, LINK_KEY, PEOPLE[:1], now=clock())
    link, check = links["invited@example.co.jp"], new_token()
    begin_check(store, link.id, check, at=clock())
    ready, delivery, handover = lay_ready(store, clock, check)
    of_link, second, _ = lay_ready(store, clock, link.token)

    change = following.revoke if action is Action.REVOKE else following.reissue
    assert change(batch, Choice(rows=(2,)), actor=ACTOR) == 1

    assert not opens(store, clock, link.token)
    for links_of, token in ((ready, delivery), (of_link, second)):
        with pytest.raises(ProblemError) as caught:
            links_of.fetch(token, "a.mobileconfig")
        assert caught.value.problems[0].code is Code.LINK_EXPIRED
    with pytest.raises(ProblemError):
        ready.claim(handover)
    with store.read() as connection:
        row = checks.get(connection, hash_token(check))
    assert row is not None
    assert row.expires_at <= clock()


def test_reissue_makes_the_next_generation_and_begins_anew(
    following: Following, store: Store, clock: Clock
) -> None:
    batch, links = add_batch(store, LINK_KEY, PEOPLE[6:7], now=clock())
    link = links["confirmed@example.co.jp"]

    following.reissue(batch, Choice(rows=(2,)), actor=ACTOR)

    assert opens(store, clock, derive_token(LINK_KEY, link.id, 1))
    person = following.person(batch, 2)
    assert person is not None
    assert (person.stage, person.generation, person.number) == (Stage.INVITED, 1, link.number)


def test_reissue_revives_what_was_revoked_or_has_expired(
    following: Following, store: Store, clock: Clock, batch: int
) -> None:
    rows = (row_of("revoked"), row_of("expired"), row_of("lost"))

    following.reissue(batch, Choice(rows=rows), actor=ACTOR)

    found = [following.person(batch, row) for row in rows]
    assert [one and one.stage for one in found] == [Stage.INVITED] * 3
    assert all(one and one.expires_at and one.expires_at.timestamp() > clock() + 2 * DAY for one in found)


def test_reissued_ready_made_link_opens_the_password_with_a_new_pin(
    following: Following, store: Store, clock: Clock
) -> None:
    someone = Someone(address="a@example.co.jp", password="自転車 in the rain")
    batch, links = add_batch(store, LINK_KEY, [someone], now=clock(), mode=Mode.READY_MADE)
    link = links["a@example.co.jp"]
    assert link.pin

    following.reissue(batch, Choice(rows=(2,)), actor=ACTOR)

    invitations = Invitations(store, link_key=LINK_KEY, now=clock)
    with store.read() as connection:
        new = invitations.again(connection, [link.id])[link.id]
    assert new.pin
    assert new.token != link.token
    assert invitations.open_ready_made(new.token, new.pin).password == someone.password
    assert not opens(store, clock, link.token)


def test_ready_made_link_without_its_password_cannot_be_reissued(
    following: Following, store: Store, clock: Clock
) -> None:
    someone = Someone(address="a@example.co.jp", password="secret")
    batch, _ = add_batch(store, LINK_KEY, [someone], now=clock(), mode=Mode.READY_MADE)
    following.revoke(batch, Choice(), actor=ACTOR)

    assert following.forecast(batch, Choice(), Action.REISSUE).able == 0
    assert following.reissue(batch, Choice(), actor=ACTOR) == 0
    person = following.person(batch, 2)
    assert person is not None
    assert person.stage is Stage.REVOKED
    assert not person.can_reissue


@pytest.mark.parametrize(("mode", "most"), [(Mode.INVITATIONS, 365), (Mode.READY_MADE, 30)])
def test_extending_goes_as_far_as_the_mode_allows(
    following: Following, store: Store, clock: Clock, mode: Mode, most: int
) -> None:
    someone = Someone(address="a@example.co.jp", password="secret")
    batch, _ = add_batch(store, LINK_KEY, [someone], now=clock(), mode=mode)

    following.extend(batch, Choice(), days=5_000, actor=ACTOR)

    person = following.person(batch, 2)
    assert person is not None
    assert person.expires_at is not None
    # Invitations end with their last day, sealed passwords to the hour.
    late = person.expires_at.timestamp() - (clock() + most * DAY)
    assert 0 <= late < DAY if mode is Mode.INVITATIONS else late == 0


def test_extending_shortens_nothing_and_revives_nothing(following: Following, clock: Clock, batch: int) -> None:
    before = following.person(batch, row_of("invited"))

    following.extend(batch, Choice(), days=1, actor=ACTOR)

    after = following.person(batch, row_of("invited"))
    assert before is not None
    assert after is not None
    assert after.expires_at == before.expires_at
    revoked = following.person(batch, row_of("revoked"))
    assert revoked is not None
    assert revoked.stage is Stage.REVOKED
    expired = following.person(batch, row_of("expired"))
    assert expired is not None
    assert expired.stage is Stage.INVITED


def test_action_reaches_those_whom_filter_and_search_show(following: Following, batch: int) -> None:
    forecast = following.forecast(batch, Choice(show=Show.UNSTARTED), Action.REVOKE)

    assert (forecast.chosen, forecast.able) == (3, 3)
    assert following.revoke(batch, Choice(show=Show.UNSTARTED, search="mailed"), actor=ACTOR) == 1
    person = following.person(batch, row_of("mailed"))
    assert person is not None
    assert person.stage is Stage.REVOKED


@pytest.mark.parametrize("action", Action)
def test_forecast_is_what_happens(following: Following, batch: int, action: Action) -> None:
    forecast = following.forecast(batch, Choice(), action)

    assert forecast.chosen == len(PEOPLE)
    assert len(following.meant(batch, Choice(), action)) == forecast.able
    if action is Action.REISSUE:
        assert following.reissue(batch, Choice(), actor=ACTOR) == forecast.able
    if action is Action.EXTEND:
        assert following.extend(batch, Choice(), days=60, actor=ACTOR) == forecast.able
    if action is Action.REVOKE:
        assert following.revoke(batch, Choice(), actor=ACTOR) == forecast.able


def test_each_person_stands_in_the_audit_log(following: Following, accounts: Accounts, batch: int) -> None:
    following.revoke(batch, Choice(show=Show.UNSTARTED), actor=ACTOR)

    entries = [entry for entry in accounts.audit.newest() if entry.action == "link.revoke"]
    assert {entry.subject for entry in entries} == {
        "invited@example.co.jp",
        "mailed@example.co.jp",
        "unsure@example.co.jp",
    }
    assert {entry.details["batch"] for entry in entries} == {str(batch)}
    assert {entry.actor for entry in entries} == {ACTOR}


def test_without_its_audit_row_nothing_changes(store: Store, clock: Clock, batch: int) -> None:
    class Full(Exception):
        pass

    def fail(*args: object, **kwargs: object) -> None:
        raise Full

    broken = Following(store, link_key=LINK_KEY, record_each=fail, now=clock)

    with pytest.raises(Full):
        broken.revoke(batch, Choice(rows=(2,)), actor=ACTOR)

    person = broken.person(batch, 2)
    assert person is not None
    assert person.stage is Stage.INVITED


def test_many_people_are_told_of_together(
    following: Following, store: Store, clock: Clock, accounts: Accounts
) -> None:
    people = [Someone(address=f"p{n}@example.co.jp") for n in range(MOST_NAMED + 1)]
    batch, _ = add_batch(store, LINK_KEY, people, now=clock())

    assert following.revoke(batch, Choice(), actor=ACTOR) == MOST_NAMED + 1

    entries = [entry for entry in accounts.audit.newest() if entry.action == "link.revoke"]
    assert [entry.details["people"] for entry in entries] == ["1", str(MOST_NAMED)]
    assert {entry.subject for entry in entries} == {f"batch {batch}"}
