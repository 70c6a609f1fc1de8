"""Below the pages, on every database: set-up links, log-in, sessions, tokens, the audit log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from argon2 import PasswordHasher
from sqlalchemy import event, text

from profiles.problems import Code, ProblemError
from tests.webapp.admin.world import PASSWORD
from tests.webapp.clock import Clock
from tests.webapp.test_ends import on_its_way
from tests.webapp.threads import at_once, outcome
from webapp.accounts import (
    COMMAND_LINE,
    Accounts,
    AdminState,
    Role,
    Scope,
    SecretsOnce,
    open_accounts,
    passwords,
    second_factor,
)
from webapp.accounts.login import PER_ADMIN_AND_NETWORK, Client
from webapp.accounts.people import SETUP_SECONDS
from webapp.accounts.sessions import FRESH_SECONDS, HALF_SECONDS, IDLE_SECONDS, LONGEST_SECONDS
from webapp.store import admins

HERE = Client(address="192.0.2.7", browser="Firefox, Linux")
ELSEWHERE = Client(address="198.51.100.9")


@dataclass(slots=True)
class Someone:
    """An admin whose app shows a new code whenever one is asked for."""

    once: SecretsOnce
    clock: Clock

    def code(self) -> str:
        self.clock.advance(second_factor.STEP_SECONDS)
        return second_factor.code_at(self.once.secret, int(self.clock() // second_factor.STEP_SECONDS))


@pytest.fixture
def hanako(accounts: Accounts, clock: Clock) -> Someone:
    return Someone(accounts.people.create_ready("Hanako", Role.OWNER, PASSWORD, actor=COMMAND_LINE), clock)


def log_in(accounts: Accounts, who: Someone, client: Client = HERE) -> str:
    """Both steps; the session's token."""
    half = accounts.login.give_password(who.once.name, PASSWORD, client)
    session = accounts.sessions.find(half)
    assert session is not None
    return accounts.login.give_code(half, session, who.code(), client)


def claim(accounts: Accounts, token: str, clock: Clock, name: str = "first") -> SecretsOnce:
    secret = accounts.people.look_at_link(token).secret
    code = second_factor.code_at(secret, int(clock() // second_factor.STEP_SECONDS))
    return accounts.people.claim(token, name, PASSWORD, code)


# RFC 6238, appendix B (its eight digits end with these six)
@pytest.mark.parametrize(("at", "code"), [(59, "287082"), (1111111109, "081804"), (2000000000, "279037")])
def test_codes_are_those_of_the_specification(at: int, code: str) -> None:
    assert second_factor.code_at(b"12345678901234567890", at // 30) == code


@pytest.mark.parametrize("password", ["short", "password1234", "aaaaaaaaaaaaaaa", "hanakohanako", "x" * 2000])
def test_an_easy_password_is_refused(password: str) -> None:
    weak = passwords.weakness(password, "hanako@example.jp")

    assert weak is not None
    assert weak.code == Code.ADMIN_PASSWORD_WEAK


def test_an_offered_password_is_taken() -> None:
    assert [passwords.weakness(passwords.offer(), "hanako") for _ in range(50)] == [None] * 50


# set-up links


def test_the_first_link_makes_an_owner(accounts: Accounts, clock: Clock) -> None:
    token = accounts.people.first_link()
    assert token is not None

    claim(accounts, token, clock)

    assert [(admin.name, admin.role, admin.state) for admin in accounts.people.every()] == [
        ("first", "owner", "ready")
    ]


def test_there_is_no_first_link_once_there_is_an_admin(accounts: Accounts, hanako: Someone) -> None:
    assert accounts.first_link() is None


def test_a_fresh_first_link_ends_the_older_one(accounts: Accounts, clock: Clock) -> None:
    old, _ = accounts.people.first_link(), accounts.people.first_link()
    assert old is not None

    assert outcome(lambda: claim(accounts, old, clock)) == Code.SETUP_LINK_ENDED


def test_the_first_link_stands_in_a_private_file(accounts: Accounts) -> None:
    url = accounts.first_link()

    path = accounts.config.data / "setup-link.txt"
    assert path.read_text().strip() == url
    assert path.stat().st_mode & 0o777 == 0o600


def test_of_many_claims_one_wins(accounts: Accounts, clock: Clock) -> None:
    token = accounts.people.first_link()
    assert token is not None

    outcomes = at_once(8, lambda: outcome(lambda: claim(accounts, token, clock) and None))

    assert sorted(map(str, outcomes)) == sorted(map(str, [None] + [Code.SETUP_LINK_ENDED] * 7))


def test_a_link_ends_after_a_day(accounts: Accounts, clock: Clock) -> None:
    token = accounts.people.create("taro", Role.OPERATOR, actor=COMMAND_LINE)
    clock.advance(SETUP_SECONDS + 1)

    assert outcome(lambda: claim(accounts, token, clock)) == Code.SETUP_LINK_ENDED


def test_a_mistake_does_not_use_the_link_up(accounts: Accounts, clock: Clock) -> None:
    token = accounts.people.create("taro", Role.OPERATOR, actor=COMMAND_LINE)

    with pytest.raises(ProblemError) as caught:
        accounts.people.claim(token, "", "short", "12")
    claim(accounts, token, clock)

    assert {problem.code for problem in caught.value.problems} == {Code.ADMIN_PASSWORD_WEAK, Code.CODE_WRONG}


# log-in


def test_password_and_code_open_a_session(accounts: Accounts, hanako: Someone) -> None:
    session = accounts.sessions.find(log_in(accounts, hanako))

    assert session is not None
    assert (session.name, session.is_complete, session.network) == ("hanako", True, "192.0.2.0/24")


def test_a_password_alone_opens_nothing(accounts: Accounts, hanako: Someone) -> None:
    session = accounts.sessions.find(accounts.login.give_password("hanako", PASSWORD, HERE))

    assert session is not None
    assert not session.is_complete


def test_the_session_of_the_password_ends_with_the_code(accounts: Accounts, hanako: Someone) -> None:
    half = accounts.login.give_password("hanako", PASSWORD, HERE)
    session = accounts.sessions.find(half)
    assert session is not None

    accounts.login.give_code(half, session, hanako.code(), HERE)

    assert accounts.sessions.find(half) is None


@pytest.mark.parametrize(("name", "password"), [("hanako", "wrong"), ("nobody", PASSWORD)])
def test_a_wrong_name_and_a_wrong_password_look_alike(
    accounts: Accounts, hanako: Someone, name: str, password: str
) -> None:
    assert outcome(lambda: accounts.login.give_password(name, password, HERE)) == Code.LOGIN_REFUSED


def test_a_code_works_once(accounts: Accounts, hanako: Someone, clock: Clock) -> None:
    code = hanako.code()
    for expected in (None, Code.CODE_WRONG):
        half = accounts.login.give_password("hanako", PASSWORD, HERE)
        session = accounts.sessions.find(half)
        assert session is not None
        found = outcome(
            lambda half=half, session=session: accounts.login.give_code(half, session, code, HERE) and None
        )
        assert found == expected


def test_a_recovery_code_works_once(accounts: Accounts, hanako: Someone) -> None:
    code = hanako.once.recovery_codes[0].upper().replace("-", " ")
    for expected in (None, Code.CODE_WRONG):
        half = accounts.login.give_password("hanako", PASSWORD, HERE)
        session = accounts.sessions.find(half)
        assert session is not None
        found = outcome(
            lambda half=half, session=session: accounts.login.give_code(half, session, code, HERE) and None
        )
        assert found == expected
    assert accounts.login.recovery_codes_left(accounts.people.get("hanako").id) == second_factor.RECOVERY_CODES - 1


def test_guessing_a_password_ends_after_five_tries(accounts: Accounts, hanako: Someone, clock: Clock) -> None:
    for _ in range(PER_ADMIN_AND_NETWORK.most):
        assert outcome(lambda: accounts.login.give_password("hanako", "wrong", HERE)) == Code.LOGIN_REFUSED

    assert outcome(lambda: accounts.login.give_password("hanako", PASSWORD, HERE)) == Code.TOO_MANY_ATTEMPTS
    clock.advance(PER_ADMIN_AND_NETWORK.seconds + 1)
    assert accounts.login.give_password("hanako", PASSWORD, HERE)


def test_a_guesser_does_not_lock_the_admin_out(accounts: Accounts, hanako: Someone) -> None:
    for _ in range(PER_ADMIN_AND_NETWORK.most):
        outcome(lambda: accounts.login.give_password("hanako", "wrong", ELSEWHERE))

    assert log_in(accounts, hanako)


def test_knowing_the_password_does_not_allow_to_guess_codes(accounts: Accounts, hanako: Someone) -> None:
    def guess() -> None:
        half = accounts.login.give_password("hanako", PASSWORD, HERE)
        session = accounts.sessions.find(half)
        assert session is not None
        accounts.login.give_code(half, session, "no code", HERE)

    assert [outcome(guess) for _ in range(6)] == [Code.CODE_WRONG] * 5 + [Code.TOO_MANY_ATTEMPTS]


# sessions


@pytest.mark.parametrize("seconds", [IDLE_SECONDS, LONGEST_SECONDS])
def test_a_session_ends_by_itself(accounts: Accounts, hanako: Someone, clock: Clock, seconds: int) -> None:
    token = log_in(accounts, hanako)

    clock.advance(seconds)

    assert accounts.sessions.find(token) is None


def test_use_keeps_a_session_alive_but_not_for_ever(accounts: Accounts, hanako: Someone, clock: Clock) -> None:
    token = log_in(accounts, hanako)
    step = IDLE_SECONDS - 60

    lived = 0
    while accounts.sessions.find(token) is not None:
        clock.advance(step)
        lived += step

    assert LONGEST_SECONDS - step <= lived <= LONGEST_SECONDS + step


def test_the_second_step_has_five_minutes(accounts: Accounts, hanako: Someone, clock: Clock) -> None:
    half = accounts.login.give_password("hanako", PASSWORD, HERE)

    clock.advance(HALF_SECONDS)

    assert accounts.sessions.find(half) is None


def test_a_proof_grows_old_and_can_be_renewed(accounts: Accounts, hanako: Someone, clock: Clock) -> None:
    token = log_in(accounts, hanako)
    clock.advance(FRESH_SECONDS)
    old = accounts.sessions.find(token)
    assert old is not None

    accounts.login.prove_again(token, old, PASSWORD, hanako.code(), HERE)

    renewed = accounts.sessions.find(token)
    assert renewed is not None
    assert (old.is_fresh, renewed.is_fresh) == (False, True)


@pytest.mark.parametrize("how", ["disable", "reset"])
def test_disabling_and_resetting_end_everything_at_once(
    accounts: Accounts, hanako: Someone, clock: Clock, how: str
) -> None:
    other = Someone(accounts.people.create_ready("jiro", Role.OWNER, PASSWORD, actor=COMMAND_LINE), clock)
    session, admin = log_in(accounts, other), accounts.people.get("jiro")
    token = accounts.tokens.create("his", [Scope.BATCHES_READ], actor="jiro", admin_id=admin.id)
    half = accounts.login.give_password("jiro", PASSWORD, HERE)

    getattr(accounts.people, how)("jiro", actor="hanako")

    assert accounts.sessions.find(session) is None
    assert accounts.sessions.find(half) is None
    assert accounts.tokens.find(token) is None
    assert outcome(lambda: accounts.login.give_password("jiro", PASSWORD, HERE)) == Code.LOGIN_REFUSED


@pytest.mark.parametrize("how", ["app", "recovery code"])
def test_a_session_that_just_begins_ends_with_a_reset(
    accounts: Accounts, hanako: Someone, clock: Clock, how: str
) -> None:
    """What the log-in does in its last transaction, into which the reset runs before the commit."""
    admin = accounts.people.get("hanako")
    here = {"complete": True, "network": "", "browser": ""}

    with on_its_way(accounts.store, lambda: accounts.people.reset("hanako", actor=COMMAND_LINE)) as connection:
        if how == "app":
            assert admins.take_step(connection, admin.id, int(clock()))
        else:
            assert admins.hold(connection, admin.id) is not None
        begun = accounts.sessions.begin(connection, admin.id, **here)  # type: ignore[arg-type]

    assert accounts.sessions.find(begun) is None


class Interrupted(PasswordHasher):
    """A stronger hasher, during whose work something happens."""

    meanwhile: Callable[[], object] | None = None

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        happens, self.meanwhile = self.meanwhile, None
        if happens is not None:
            happens()
        return super().hash(password, salt=salt)


def test_a_password_that_is_just_hashed_anew_does_not_outlive_a_reset(
    accounts: Accounts, hanako: Someone, clock: Clock
) -> None:
    hasher = Interrupted(time_cost=2, memory_cost=8, parallelism=1)
    newer = open_accounts(accounts.store, accounts.config, hasher=hasher, now=clock)
    hasher.meanwhile = lambda: accounts.people.reset("hanako", actor=COMMAND_LINE)

    newer.login.give_password("hanako", PASSWORD, HERE)

    assert hasher.meanwhile is None
    assert accounts.people.get("hanako").state is AdminState.INVITED
    assert outcome(lambda: accounts.login.give_password("hanako", PASSWORD, HERE)) == Code.LOGIN_REFUSED


def test_no_session_begins_for_who_was_reset_behind_the_set_up(accounts: Accounts, hanako: Someone) -> None:
    accounts.people.reset("hanako", actor=COMMAND_LINE)

    assert outcome(lambda: accounts.login.begin_after_setup("hanako", HERE)) == Code.LOGIN_REFUSED


@pytest.mark.parametrize("change", ["role", "disable", "reset"])
def test_no_token_is_made_for_who_is_no_owner_any_more(
    accounts: Accounts, hanako: Someone, clock: Clock, change: str
) -> None:
    """The page was opened by an owner; what happened since then would have ended the token."""
    Someone(accounts.people.create_ready("jiro", Role.OWNER, PASSWORD, actor=COMMAND_LINE), clock)
    jiro = accounts.people.get("jiro")
    if change == "role":
        accounts.people.change_role("jiro", Role.AUDITOR, actor="hanako")
    else:
        getattr(accounts.people, change)("jiro", actor="hanako")

    made = outcome(lambda: accounts.tokens.create("his", tuple(Scope), actor="jiro", admin_id=jiro.id))

    assert made is Code.ADMIN_UNKNOWN
    assert accounts.tokens.every() == ()


def test_the_code_of_the_set_up_does_not_work_again(accounts: Accounts, clock: Clock) -> None:
    """Also where the clock of the phone is a little ahead: a code of the next step is taken, and used up."""
    link = accounts.people.create("jiro", Role.OPERATOR, actor=COMMAND_LINE)
    secret = accounts.people.look_at_link(link).secret
    ahead = second_factor.code_at(secret, int(clock() // second_factor.STEP_SECONDS) + 1)
    accounts.people.claim(link, "", PASSWORD, ahead)

    half = accounts.login.give_password("jiro", PASSWORD, HERE)
    session = accounts.sessions.find(half)
    assert session is not None

    assert outcome(lambda: accounts.login.give_code(half, session, ahead, HERE)) is Code.CODE_WRONG


def test_a_name_that_nobody_has_costs_the_same_writes_and_leaves_no_row(
    accounts: Accounts, hanako: Someone
) -> None:
    """A write more for known names would tell by its time who is an admin; rows for others would fill the log."""
    commits: list[str] = []
    writing = "hanako"
    event.listen(accounts.store.engine, "commit", lambda _: commits.append(writing))

    for writing in ("hanako", "nobody"):
        before = accounts.audit.verify()[0]
        refused = outcome(lambda name=writing: accounts.login.give_password(name, "no " + PASSWORD, HERE))  # type: ignore[misc]
        assert refused == Code.LOGIN_REFUSED
        assert accounts.audit.verify()[0] == before + (writing == "hanako")

    assert commits.count("hanako") == commits.count("nobody") > 0


def test_disabling_ends_a_set_up_link(accounts: Accounts, clock: Clock) -> None:
    link = accounts.people.create("jiro", Role.OPERATOR, actor=COMMAND_LINE)

    accounts.people.disable("jiro", actor=COMMAND_LINE)

    assert outcome(lambda: claim(accounts, link, clock)) == Code.SETUP_LINK_ENDED


def test_the_last_owner_stays(accounts: Accounts, hanako: Someone) -> None:
    accounts.people.create("invited", Role.OWNER, actor=COMMAND_LINE)

    assert outcome(lambda: accounts.people.disable("hanako", actor="hanako")) == Code.ADMIN_LAST_OWNER
    assert (
        outcome(lambda: accounts.people.change_role("hanako", Role.AUDITOR, actor="hanako"))
        == Code.ADMIN_LAST_OWNER
    )


# tokens


def test_a_token_is_known_until_it_is_revoked(accounts: Accounts) -> None:
    text = accounts.tokens.create("HR", [Scope.BATCHES_WRITE], actor=COMMAND_LINE)
    found = accounts.tokens.find(text)
    assert found is not None

    accounts.tokens.revoke("HR", actor=COMMAND_LINE)

    assert found.scopes == (Scope.BATCHES_WRITE,)
    assert accounts.tokens.find(text) is None


def test_a_token_ends_on_its_day(accounts: Accounts, clock: Clock) -> None:
    text = accounts.tokens.create("HR", [Scope.BATCHES_READ], actor=COMMAND_LINE, days=30)

    clock.advance(30 * 24 * 3600)

    assert accounts.tokens.find(text) is None


def test_no_secret_stands_in_the_database(accounts: Accounts, hanako: Someone) -> None:
    session = log_in(accounts, hanako)
    token = accounts.tokens.create("HR", [Scope.BATCHES_READ], actor=COMMAND_LINE)
    link = accounts.people.create("jiro", Role.OPERATOR, actor=COMMAND_LINE)

    rows = []
    with accounts.store.read() as connection:
        for table in (
            "admins",
            "admin_setups",
            "admin_recovery_codes",
            "admin_sessions",
            "api_tokens",
            "audit_rows",
        ):
            rows += [repr(row) for row in connection.execute(text(f"SELECT * FROM {table}"))]

    secrets = (session, token.removeprefix("hagaki_"), link, PASSWORD, hanako.once.recovery_codes[0])
    assert [secret for secret in secrets if any(secret in row for row in rows)] == []
    assert not any(repr(hanako.once.secret)[2:-1] in row for row in rows)


# audit


def test_an_untouched_log_verifies(accounts: Accounts, hanako: Someone) -> None:
    log_in(accounts, hanako)

    assert accounts.audit.verify() == (2, ())


@pytest.mark.parametrize("change", ["actor = 'taro'", "action = 'nothing'", "at = at + 1", "details = '{}'"])
def test_a_changed_row_is_named_and_no_other(accounts: Accounts, hanako: Someone, change: str) -> None:
    log_in(accounts, hanako)
    accounts.people.create("jiro", Role.OPERATOR, actor=COMMAND_LINE)

    with accounts.store.write() as connection:
        connection.execute(text(f"UPDATE audit_rows SET {change} WHERE number = 2"))

    _, problems = accounts.audit.verify()
    assert [(problem.code, problem.params["number"]) for problem in problems] == [(Code.AUDIT_ROW_CHANGED, "2")]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_removed_row_is_named(accounts: Accounts, hanako: Someone, number: int) -> None:
    log_in(accounts, hanako)
    accounts.people.create("jiro", Role.OPERATOR, actor=COMMAND_LINE)

    with accounts.store.write() as connection:
        connection.execute(text(f"DELETE FROM audit_rows WHERE number = {number}"))

    _, problems = accounts.audit.verify()
    assert [(problem.code, problem.params["number"]) for problem in problems] == [
        (Code.AUDIT_ROW_MISSING, str(number))
    ]


def test_without_its_audit_row_nothing_happens(accounts: Accounts, hanako: Someone) -> None:
    with accounts.store.write() as connection:
        connection.execute(text("DROP TABLE audit_rows"))

    with pytest.raises(ProblemError):
        accounts.people.create("jiro", Role.OPERATOR, actor=COMMAND_LINE)

    assert [admin.name for admin in accounts.people.every()] == ["hanako"]


def test_rows_written_at_once_form_one_chain(accounts: Accounts) -> None:
    names = iter([f"admin{number}" for number in range(8)])

    at_once(8, lambda: accounts.people.create(next(names), Role.AUDITOR, actor=COMMAND_LINE))

    assert accounts.audit.verify() == (8, ())
