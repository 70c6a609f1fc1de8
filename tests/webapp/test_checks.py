"""A check from start to links: stages as they end, outcomes, limits, what stays at rest. The probes are scripted
here; tests/webapp/probes tries real servers."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from sqlalchemy import text, update

from profiles.address import Address
from profiles.model import Artifact, MailAccount, Protocol, Source
from profiles.problems import Code, Problem, ProblemError
from profiles.signing import Signer
from tests.profiles.accounts import service
from tests.servers.processes import PATIENCE
from tests.webapp.clock import Clock
from tests.webapp.threads import at_once, outcome
from webapp.certificates import load_signer
from webapp.checks import KEEP_SECONDS, LOST_SECONDS, RENEWABLE_SECONDS, Checks, CheckState, CheckView, running
from webapp.config import Config, load
from webapp.directory import Directory
from webapp.links import DELIVERY_SECONDS, HANDOVER_SECONDS
from webapp.probes.report import Findings, Report, Stage, StageName
from webapp.store import Store, tables
from webapp.store import checks as check_rows

SETTINGS = service()
TARO = Address("taro", "corp.example")
PASSWORD = "canary-パスワード%'\"9"
WRONG = Problem(
    Code.AUTH_WRONG_PASSWORD, {"server": "imap.corp.example:993"}, server_text="[AUTHENTICATIONFAILED]"
)


@dataclass
class Scripted:
    """A probe that ends as told, once it may go on."""

    problems: tuple[Problem, ...] = ()
    login: bool | None = True
    login_code: Code | None = None
    findings: Findings = field(default_factory=Findings)
    error: Exception | None = None
    go_on: threading.Event = field(default_factory=threading.Event)
    halfway: threading.Event = field(default_factory=threading.Event)
    asked: list[tuple[MailAccount, str | None, bool]] = field(default_factory=list)
    told: list[str | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.go_on.set()

    def __call__(
        self,
        account: MailAccount,
        password: str | None,
        *,
        on_stage: Callable[[Stage], None],
        compare: bool,
        client_address: str | None,
    ) -> Report:
        self.asked.append((account, password, compare))
        self.told.append(client_address)
        stages = [stage(StageName.RESOLVE), stage(StageName.LOGIN, self.login, self.login_code)]
        on_stage(stages[0])
        self.halfway.set()
        assert self.go_on.wait(PATIENCE)
        if self.error is not None:
            raise self.error
        on_stage(stages[1])
        return Report(
            account=account,
            stages=tuple(stages),
            problems=self.problems,
            findings=self.findings,
            milliseconds=1234,
        )


def stage(name: StageName, ok: bool | None = True, code: Code | None = None) -> Stage:
    """A stage of the incoming server."""
    return Stage(service="imap", stage=name, ok=ok, code=code, server="imap.corp.example:993", milliseconds=7)


@dataclass
class World:
    """Checks with everything around them."""

    checks: Checks
    probe: Scripted
    clock: Clock

    def start(self, password: str | None = PASSWORD, **options: object) -> str:
        """Begin a check of Taro."""
        values: dict[str, object] = {"settings": SETTINGS, "address": TARO, "full_name": "山田 太郎"} | options
        return self.checks.start(password=password, **values)  # type: ignore[arg-type]

    def checked(self, **options: object) -> CheckView:
        """A check of Taro when it has ended."""
        token = self.start(**options)
        self.checks.wait(token, PATIENCE)
        return self.checks.view(token)

    def fetch(self, view: CheckView) -> Artifact:
        """The profile behind a check's delivery."""
        assert view.delivery is not None
        return self.checks.links.fetch(view.delivery.token, view.delivery.file(".mobileconfig"))


@pytest.fixture(scope="session")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    """A signer of the built-in authority."""
    return load_signer(load({"HAGAKI_DATA": str(tmp_path_factory.mktemp("signing"))}).prepare())


@pytest.fixture
def world(store: Store, store_config: Config, signer: Signer, clock: Clock) -> Iterator[World]:
    """Checks whose probe is scripted and whose clock stands still."""
    probe = Scripted()
    checks = Checks(store, Directory(store), store_config, probe=probe, signer=lambda: signer, now=clock)
    yield World(checks, probe, clock)
    probe.go_on.set()
    checks.close()


# outcomes


def test_a_good_check_gives_a_delivery_and_a_hand_over(world: World) -> None:
    view = world.checked()

    assert (view.state, view.source, view.milliseconds) == (CheckState.OK, Source.DOMAIN, 1234)
    assert view.account == SETTINGS.account(TARO, "山田 太郎")
    assert [(s.stage, s.ok, s.milliseconds) for s in view.stages] == [
        (StageName.RESOLVE, True, 7),
        (StageName.LOGIN, True, 7),
    ]
    assert view.delivery is not None
    assert view.handover is not None
    assert (view.delivery.alive, view.delivery.fetches_left, view.handover.alive) == (True, 5, True)
    assert (view.delivery.expires_at - view.started_at).total_seconds() == DELIVERY_SECONDS
    assert (view.handover.expires_at - view.started_at).total_seconds() == HANDOVER_SECONDS
    assert view.includes_password


def test_the_delivered_profile_is_signed_and_holds_the_password(world: World) -> None:
    artifact = world.fetch(world.checked())

    assert artifact.filename.endswith(".mobileconfig")
    assert artifact.data[:1] == b"\x30"
    assert b"canary" in artifact.data


def test_a_profile_without_the_password_where_it_was_not_wanted(world: World) -> None:
    view = world.checked(include_password=False)

    assert not view.includes_password
    assert b"canary" not in world.fetch(view).data


def test_the_hand_over_gives_the_same_bytes(world: World) -> None:
    view = world.checked()
    assert view.handover is not None

    claimed = world.checks.links.claim(view.handover.token)

    assert world.checks.links.fetch(claimed.token, claimed.filenames[0]) == world.fetch(view)


def test_a_refused_password_gives_its_problem_and_no_link(world: World) -> None:
    world.probe.problems, world.probe.login = (WRONG,), False
    view = world.checked()

    assert (view.state, view.problems) == (CheckState.FAILED, (WRONG,))
    assert (view.delivery, view.handover, view.attempts_left) == (None, None, 4)
    assert not view.includes_password


def test_warnings_do_not_fail_a_check(world: World) -> None:
    world.probe.problems = (Problem(Code.QUOTA_80, {"percent": "83"}),)
    view = world.checked()

    assert (view.state, view.problems) == (CheckState.OK, world.probe.problems)


def test_findings_flow_into_the_account_and_the_profile(world: World) -> None:
    world.probe.findings = Findings(path_prefix="INBOX", quota_percent=83)
    view = world.checked()

    assert view.account.path_prefix == "INBOX"
    assert view.findings == world.probe.findings
    assert b"IncomingMailServerIMAPPathPrefix" in world.fetch(view).data


def test_a_problem_that_ends_the_check_is_its_outcome(world: World) -> None:
    problem = Problem(Code.DNS_NXDOMAIN, {"server": "imap.corp.example:993"})
    world.probe.error = ProblemError(problem)

    view = world.checked()

    assert (view.state, view.problems) == (CheckState.FAILED, (problem,))


def test_a_bug_becomes_an_incident_without_the_password(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world.probe.error = UnicodeEncodeError("ascii", f"LOGIN taro {PASSWORD}", 11, 12, "canary")

    view = world.checked()

    assert [problem.code for problem in view.problems] == [Code.INCIDENT]
    assert view.problems[0].params["incident"] in caplog.text
    assert "canary" not in caplog.text


def test_a_signer_that_cannot_sign_is_a_failed_check(store: Store, store_config: Config) -> None:
    def no_signer() -> Signer:
        raise ProblemError(Problem(Code.SIGNER_EXPIRED))

    checks = Checks(store, Directory(store), store_config, probe=Scripted(), signer=no_signer)
    token = checks.start(SETTINGS, TARO, "", PASSWORD)
    checks.wait(token, PATIENCE)

    assert [problem.code for problem in checks.view(token).problems] == [Code.SIGNER_EXPIRED]


def test_options_reach_the_probe_and_the_view(world: World) -> None:
    settings = service(incoming_servers=(*SETTINGS.incoming_servers, *pop3()))
    view = world.checked(
        settings=settings, prefer=Protocol.POP3, compare=True, language="ja", username="yamada", full_name=""
    )

    ((account, password, compare),) = world.probe.asked
    assert (account.incoming_server.protocol, password, compare) == (Protocol.POP3, PASSWORD, True)
    assert (view.options.language, view.account.full_name) == ("ja", "")


def test_only_the_host_s_own_servers_are_told_where_the_person_sits(world: World) -> None:
    for source in (Source.DOMAIN, Source.PROVIDER, Source.OPTIONS):
        world.checked(settings=replace(SETTINGS, source=source), client_address="192.0.2.7")

    world.checked(client_address="unix:")

    assert world.probe.told == ["192.0.2.7", None, None, None]


def pop3() -> tuple[object, ...]:
    """A POP3 server beside the IMAP one."""
    return (replace(SETTINGS.incoming_servers[0], protocol=Protocol.POP3, port=995),)


# while it runs


def test_a_stage_shows_as_it_ends(world: World) -> None:
    world.probe.go_on.clear()
    token = world.start()
    assert world.probe.halfway.wait(PATIENCE)
    world.clock.advance(3)

    view = world.checks.view(token)

    assert (view.state, [s.stage for s in view.stages]) == (CheckState.RUNNING, [StageName.RESOLVE])
    assert (view.milliseconds, view.delivery, view.finished_at) == (3000, None, None)


def test_another_process_can_show_it(world: World, store: Store, store_config: Config) -> None:
    token = world.start()
    world.checks.wait(token, PATIENCE)

    elsewhere = Checks(store, Directory(store), store_config, probe=Scripted(), now=world.clock)

    assert elsewhere.view(token) == world.checks.view(token)


def test_a_check_whose_process_died_is_lost(world: World) -> None:
    world.probe.go_on.clear()
    token = world.start()
    assert world.probe.halfway.wait(PATIENCE)
    world.clock.advance(LOST_SECONDS + 1)

    view = world.checks.view(token)

    assert (view.state, [problem.code for problem in view.problems]) == (CheckState.LOST, [Code.CHECK_LOST])


def test_a_check_that_gives_signs_of_life_is_not_lost(world: World) -> None:
    world.probe.go_on.clear()
    token = world.start()
    assert world.probe.halfway.wait(PATIENCE)
    for _ in range(4):
        world.clock.advance(LOST_SECONDS - 1)
        world.checks.beat()

    assert world.checks.view(token).state is CheckState.RUNNING


def test_too_many_checks_at_once_are_told_to_wait(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "MOST_WAITING", 2)
    world.probe.go_on.clear()
    for number in range(2):
        world.start(address=Address(f"p{number}", "corp.example"))

    assert outcome(world.start) is Code.BUSY


def test_many_checks_at_once_each_get_their_own_outcome(world: World) -> None:
    numbers = iter(range(100))

    def check() -> object:
        number = next(numbers)
        view = world.checked(address=Address(f"p{number}", "corp.example"), client_address=f"10.0.{number}.1")
        return view.state, str(view.account.address) == f"p{number}@corp.example", len(view.stages)

    assert at_once(32, check) == [(CheckState.OK, True, 2)] * 32


# the budget


def test_the_sixth_wrong_password_is_not_carried_to_the_server(world: World) -> None:
    world.probe.problems, world.probe.login = (WRONG,), False
    left = [world.checked().attempts_left for _ in range(5)]

    assert left == [4, 3, 2, 1, 0]
    assert outcome(world.start) is Code.TOO_MANY_ATTEMPTS
    assert len(world.probe.asked) == 5


def test_a_right_password_frees_the_account(world: World) -> None:
    world.probe.problems, world.probe.login = (WRONG,), False
    world.checked()
    world.probe.problems, world.probe.login = (), True
    world.checked()
    world.probe.problems, world.probe.login = (WRONG,), False

    assert world.checked().attempts_left == 4


@pytest.mark.parametrize(
    ("login", "code"),
    [(None, Code.NOT_TRIED), (False, Code.AUTH_LOGIN_DISABLED), (False, Code.AUTH_NO_COMMON_MECHANISM)],
)
def test_a_check_that_sent_no_password_is_not_counted(world: World, login: bool | None, code: Code) -> None:
    world.probe.problems, world.probe.login, world.probe.login_code = (Problem(code),), login, code
    world.probe.problems = (Problem(Code.CONNECT_REFUSED),)

    assert [world.checked().attempts_left for _ in range(6)] == [5] * 6


def test_typed_servers_count_even_without_a_log_in(world: World) -> None:
    """Else the form could be used to look for open ports."""
    world.probe.problems, world.probe.login = (Problem(Code.CONNECT_REFUSED),), None
    typed = replace(SETTINGS, source=Source.OPTIONS)

    assert [world.checked(settings=typed).attempts_left for _ in range(3)] == [4, 3, 2]


def test_an_unknown_address_and_a_wrong_password_look_alike(world: World) -> None:
    world.probe.problems, world.probe.login = (WRONG,), False
    views = [world.checked(address=Address(name, "corp.example")) for name in ("taro", "nobody")]

    assert views[0].problems == views[1].problems
    assert views[0].attempts_left == views[1].attempts_left


# unchecked, renewed, revoked


def test_a_failed_check_can_be_issued_unchecked_and_without_password(world: World) -> None:
    world.probe.problems, world.probe.login = (Problem(Code.CONNECT_TIMEOUT),), None
    failed = world.checked()
    assert failed.can_issue_unchecked

    world.checks.issue_unchecked(failed.token)
    view = world.checks.view(failed.token)

    assert (view.state, view.unchecked, view.includes_password) == (CheckState.FAILED, True, False)
    assert b"canary" not in world.fetch(view).data
    assert view.problems == failed.problems


def test_issuing_unchecked_twice_makes_one_pair_of_links(world: World) -> None:
    world.probe.problems = (WRONG,)
    token = world.checked().token

    assert at_once(8, lambda: world.checks.issue_unchecked(token)) == [None] * 8
    assert world.checks.view(token).unchecked


def test_a_host_can_forbid_issuing_unchecked(store: Store, store_config: Config, signer: Signer) -> None:
    config = replace(store_config, allow_unchecked=False)
    checks = Checks(store, Directory(store), config, probe=Scripted(problems=(WRONG,)), signer=lambda: signer)
    token = checks.start(SETTINGS, TARO, "", PASSWORD)
    checks.wait(token, PATIENCE)

    assert not checks.view(token).can_issue_unchecked
    assert outcome(lambda: checks.issue_unchecked(token)) is Code.LINK_EXPIRED
    assert checks.view(token).delivery is None


def test_a_check_that_passed_is_never_marked_unchecked(world: World) -> None:
    view = world.checked()
    world.checks.issue_unchecked(view.token)

    assert not world.checks.view(view.token).unchecked


def test_renewing_gives_fresh_links_to_the_same_bytes(world: World) -> None:
    old = world.checked()
    profile = world.fetch(old)
    world.clock.advance(DELIVERY_SECONDS + 1)
    world.checks.renew(old.token)
    new = world.checks.view(old.token)

    assert new.delivery is not None
    assert new.handover is not None
    assert old.handover is not None
    assert new.handover.token != old.handover.token
    assert world.fetch(new) == profile
    assert world.checks.links.claim(new.handover.token)


def test_a_password_is_forgotten_with_its_hand_over(world: World) -> None:
    view = world.checked()
    world.clock.advance(HANDOVER_SECONDS)

    assert outcome(lambda: world.checks.renew(view.token)) is Code.LINK_EXPIRED


def test_renewing_cannot_keep_a_password_for_ever(world: World) -> None:
    view = world.checked()
    renewals = 0
    while outcome(lambda: world.checks.renew(view.token)) is None:
        world.clock.advance(HANDOVER_SECONDS - 1)
        renewals += 1
        assert renewals < 10

    assert world.clock() - view.started_at.timestamp() < RENEWABLE_SECONDS + HANDOVER_SECONDS


def test_a_profile_without_password_can_be_renewed_all_day(world: World) -> None:
    view = world.checked(include_password=False)
    world.clock.advance(KEEP_SECONDS - 1)
    world.checks.renew(view.token)

    assert world.fetch(world.checks.view(view.token))


def test_renewing_at_the_same_moment_makes_one_pair_of_links(world: World) -> None:
    view = world.checked()

    assert at_once(8, lambda: world.checks.renew(view.token)) == [None] * 8
    assert world.fetch(world.checks.view(view.token))


def test_a_check_without_links_cannot_be_renewed(world: World) -> None:
    world.probe.problems = (WRONG,)

    assert outcome(lambda: world.checks.renew(world.checked().token)) is Code.LINK_EXPIRED
    assert outcome(lambda: world.checks.renew("A" * 22)) is Code.LINK_UNKNOWN


def test_revoking_ends_the_links(world: World) -> None:
    view = world.checked()
    world.checks.revoke(view.token)

    assert outcome(lambda: world.fetch(view)) is Code.LINK_EXPIRED
    assert world.checks.view(view.token).state is CheckState.EXPIRED


def test_a_revoked_check_gets_no_new_links(world: World) -> None:
    view = world.checked(include_password=False)
    world.checks.revoke(view.token)

    assert outcome(lambda: world.checks.renew(view.token)) is Code.LINK_EXPIRED
    assert world.checks.view(view.token).delivery is None


def test_revoking_a_running_check_leaves_it_without_links(world: World, store: Store) -> None:
    world.probe.go_on.clear()
    token = world.start()
    assert world.probe.halfway.wait(PATIENCE)
    world.checks.revoke(token)
    world.probe.go_on.set()
    world.checks.wait(token, PATIENCE)

    with store.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM deliveries")).scalar_one() == 0


def test_a_lost_check_that_was_issued_unchecked_stays_so(world: World) -> None:
    """Its thread may still come to an end: the links that the person has must not change behind their back."""
    world.probe.go_on.clear()
    token = world.start()
    assert world.probe.halfway.wait(PATIENCE)
    world.clock.advance(LOST_SECONDS + 1)
    world.checks.issue_unchecked(token)
    world.probe.go_on.set()
    world.checks.wait(token, PATIENCE)

    assert world.checks.view(token).unchecked
    assert b"canary" not in world.fetch(world.checks.view(token)).data


# the end


def test_a_check_expires_and_is_forgotten(world: World, store: Store) -> None:
    view = world.checked()
    world.clock.advance(KEEP_SECONDS)
    expired = world.checks.view(view.token)
    world.checks.sweep()

    assert (expired.state, expired.delivery, expired.handover) == (CheckState.EXPIRED, None, None)
    assert outcome(lambda: world.checks.view(view.token)) is Code.LINK_UNKNOWN
    with store.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM check_stages")).scalar_one() == 0


def test_a_check_that_was_ended_early_is_known_as_ended_for_its_day(world: World) -> None:
    """A phone that was reported lost, or its owner on another one, reads that the link has ended."""
    view = world.checked()
    world.checks.revoke(view.token)
    world.checks.sweep()
    ended = world.checks.view(view.token)
    world.clock.advance(KEEP_SECONDS)
    world.checks.sweep()

    assert (ended.state, ended.delivery, ended.handover) == (CheckState.EXPIRED, None, None)
    assert outcome(lambda: world.checks.view(view.token)) is Code.LINK_UNKNOWN


def test_nothing_is_kept_of_the_checks_of_a_deleted_batch(world: World, store: Store) -> None:
    view = world.checked()
    with store.write() as connection:
        connection.execute(update(tables.checks).values(expires_at=check_rows.OF_DELETED))
    world.checks.sweep()

    assert outcome(lambda: world.checks.view(view.token)) is Code.LINK_UNKNOWN


@pytest.mark.parametrize("token", ["", "x", "A" * 22, "é" * 22])
def test_what_was_never_a_check_is_unknown(world: World, token: str) -> None:
    assert outcome(lambda: world.checks.view(token)) is Code.LINK_UNKNOWN


def test_no_password_and_no_token_is_at_rest(world: World, store: Store, store_config: Config) -> None:
    world.probe.findings = Findings(path_prefix="INBOX")
    view = world.checked()
    world.probe.problems, world.probe.login = (WRONG,), False
    world.checked(address=Address("hanako", "corp.example"))
    with store.read() as connection:
        dump = "".join(
            repr(connection.execute(text(f"SELECT * FROM {table}")).all())
            for table in ("checks", "check_stages", "deliveries", "handovers", "attempts")
        )
    files = b"".join(path.read_bytes() for path in Path(store_config.data).iterdir() if path.is_file())

    for form in (PASSWORD, "canary", view.token):
        assert form not in dump
        assert form.encode() not in files


def test_a_sweeper_can_be_started_and_stopped(world: World, caplog: pytest.LogCaptureFixture) -> None:
    others = set(threading.enumerate())  # applications that other tests opened sweep too

    world.checks.start_sweeping()
    world.checks.start_sweeping()
    started = set(threading.enumerate()) - others
    sweepers = [thread for thread in started if thread.name == "hagaki-sweeper"]
    world.checks.close()

    assert len(sweepers) == 1
    assert not sweepers[0].is_alive()
    assert caplog.records == []
