"""From a list to a ZIP: every good row gets its files and its link, every bad one comes back."""

from __future__ import annotations

import csv
import io
import plistlib
import re
import subprocess
import zipfile
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import zxingcpp
from PIL import Image

from profiles.address import Address
from profiles.model import Authentication, MailAccount
from profiles.problems import Code, Problem
from profiles.signing import Signer
from tests.conftest import require
from tests.webapp.batches.lists import (
    BAD,
    CP932_PEOPLE,
    DOMAINS,
    HEADINGS,
    PEOPLE,
    csv_bytes,
    workbook_bytes,
    write,
)
from tests.webapp.clock import Clock
from webapp.batches.columns import find_columns
from webapp.batches.gentle import GentleCheck
from webapp.batches.invitations import Invitation, Invitations
from webapp.batches.making import RESULTS, Mode, Part, Tally, Tools, Wanted, make, survey
from webapp.batches.reading import open_list
from webapp.batches.rows import Employee, Rules
from webapp.batches.tables import PINS
from webapp.config import Config, load
from webapp.links import hash_token
from webapp.local_ca import ROOT_FILE
from webapp.probes.report import Report
from webapp.store import Store, open_store
from webapp.store import invitations as invitation_rows

BASE_URL = "https://m.example.co.jp"


@dataclass
class Made:
    """A finished ZIP."""

    tally: Tally
    members: dict[str, bytes]
    progress: list[tuple[int, int]] = field(default_factory=list)

    def table(self, name: str, encoding: str = "utf-8-sig", delimiter: str = ",") -> list[list[str]]:
        """One of the two lists."""
        text = self.members[name].decode(encoding)
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))

    @property
    def results(self) -> dict[str, dict[str, str]]:
        """results.csv by address."""
        head, *rows = self.table("results.csv")
        return {row[1]: dict(zip(head, row, strict=True)) for row in rows}

    def named(self, folder: str, ending: str = "") -> list[str]:
        """The members of a folder."""
        return sorted(name for name in self.members if name.startswith(folder) and name.endswith(ending))


Make = Callable[..., Made]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load({"HAGAKI_DATA": str(tmp_path / "data"), "HAGAKI_BASE_URL": BASE_URL}).prepare()


@pytest.fixture
def opened(config: Config) -> Iterator[Store]:
    store = open_store(config)
    yield store
    store.close()


@pytest.fixture
def make_list(config: Config, opened: Store, tmp_path: Path, signer: Signer) -> Make:
    """Make a list as `hagaki bulk` does."""

    def run(
        data: bytes,
        *,
        name: str = "list.csv",
        mode: Mode = Mode.READY_MADE,
        parts: Sequence[Part] = tuple(Part),
        check: GentleCheck | None = None,
        language: str = "ja",
    ) -> Made:
        listing = open_list(write(tmp_path, data, name))
        columns = find_columns(listing.rows(), file=listing.name)
        rules = Rules(find=DOMAINS.get, needs_password=mode is Mode.READY_MADE)
        wanted = Wanted(
            mode=mode,
            base_url=BASE_URL,
            language=language,
            timezone=ZoneInfo("Asia/Tokyo"),
            expires_at=datetime.now(UTC) + timedelta(days=30),
            parts=frozenset(parts),
        )
        invitations = Invitations(opened, link_key=config.link_key)
        batch = invitations.begin(name=name, mode=mode, total=0)

        def invite(employees: Sequence[Employee], tried: Container[int]) -> Sequence[Invitation]:
            ends = wanted.expires_at.timestamp()
            return invitations.invite(batch, employees, expires_at=ends, mode=mode, tried=tried)

        tools = Tools(signer=signer, invite=invite, check=check)
        total = survey(listing, columns, rules).total
        progress: list[tuple[int, int]] = []
        target = io.BytesIO()
        tally = make(
            listing, columns, rules, wanted, tools, target, total=total,
            on_progress=lambda tally: progress.append((tally.done, tally.total)),
        )  # fmt: skip
        with zipfile.ZipFile(target) as archive:
            assert archive.testzip() is None
            members = {name: archive.read(name) for name in archive.namelist()}
        return Made(tally, members, progress)

    return run


def test_every_good_row_gets_everything(make_list: Make) -> None:
    made = make_list(csv_bytes([HEADINGS, *PEOPLE]))

    stems = ["jane.doe@corp.example Jane Doe", "taro@corp.example 山田 太郎", "yoshida@corp.example 𠮷田 髙志"]
    assert made.named("profiles/") == [f"profiles/{stem}.mobileconfig" for stem in stems]
    assert made.named("k9s/") == [f"k9s/{stem}.k9s" for stem in stems]
    assert made.named("qr/", ".svg") == [f"qr/{stem}.svg" for stem in stems]
    assert made.named("qr/", ".png") == [f"qr/{stem}.png" for stem in stems]
    assert made.members["handouts.pdf"].startswith(b"%PDF")
    assert tuple(made.table("results.csv")[0]) == RESULTS
    assert made.table("problems.csv") == [[*HEADINGS, "問題", "対処"]]
    assert (made.tally.total, made.tally.made, made.tally.failed) == (3, 3, 0)
    assert made.progress[-1] == (3, 3)


def test_every_profile_verifies_and_holds_its_password(
    make_list: Make, signing_config: Config, tmp_path: Path
) -> None:
    made = make_list(csv_bytes([HEADINGS, *PEOPLE]))

    passwords = {}
    for name in made.named("profiles/"):
        (tmp_path / "p").write_bytes(made.members[name])
        command = [
            "cms",
            "-verify",
            "-inform",
            "DER",
            "-in",
            "p",
            "-CAfile",
            str(signing_config.data / "signing" / ROOT_FILE),
            "-purpose",
            "any",
        ]
        done = subprocess.run([require("openssl"), *command], cwd=tmp_path, capture_output=True, check=True)
        mail = plistlib.loads(done.stdout)["PayloadContent"][0]
        passwords[mail["EmailAddress"]] = mail["IncomingPassword"]

    assert passwords == {address: password for _, _, address, _, password in PEOPLE}


@pytest.mark.parametrize("mode", list(Mode))
def test_the_code_of_each_row_is_its_link(mode: Mode, make_list: Make, opened: Store) -> None:
    made = make_list(csv_bytes([HEADINGS, *PEOPLE]), mode=mode)

    for address, result in made.results.items():
        link = result["link"]
        assert re.fullmatch(rf"{BASE_URL}/s/[A-Za-z0-9_-]{{22}}", link)
        stem = result["file"].removeprefix("profiles/").removesuffix(".mobileconfig")
        picture = Image.open(io.BytesIO(made.members[f"qr/{stem}.png"]))
        (code,) = zxingcpp.read_barcodes(picture)
        assert (code.text, code.ec_level) == (link, "Q")
        with opened.read() as connection:
            row = invitation_rows.by_token(connection, hash_token(link[-22:]))
        assert row is not None
        assert row.address == address


def test_invitations_hold_no_password(make_list: Make) -> None:
    made = make_list(csv_bytes([HEADINGS, *PEOPLE]), mode=Mode.INVITATIONS)

    everything = b"".join(made.members.values())
    for _, _, _, _, password in PEOPLE:
        assert password.encode() not in everything


def test_a_list_made_again_keeps_every_link(make_list: Make) -> None:
    """Uploading the mended list again must not end a card that is already on a desk."""
    first = make_list(csv_bytes([HEADINGS, *PEOPLE[:2]]))

    second = make_list(csv_bytes([HEADINGS, *PEOPLE]))

    links = {address: result["link"] for address, result in second.results.items()}
    assert {address: links[address] for address in first.results} == {
        address: result["link"] for address, result in first.results.items()
    }
    assert len(set(links.values())) == 3


def test_bad_rows_come_back_and_good_ones_are_made(make_list: Make) -> None:
    made = make_list(csv_bytes([HEADINGS, *PEOPLE, *BAD]))

    assert (made.tally.made, made.tally.failed) == (3, 3)
    head, *rows = made.table("problems.csv")
    assert head == [*HEADINGS, "問題", "対処"]
    assert [row[0] for row in rows] == ["0004", "0005", "0006"]
    assert rows[1][2] == "'=A1"
    assert all(row[5] and row[6] for row in rows)
    assert rows[0][5].startswith("B5: ")
    statuses = [(row[0], row[2], row[5]) for row in made.table("results.csv")[1:]]
    assert statuses[-3:] == [
        ("5", "failed", "NAME_MISSING"),
        ("6", "failed", "CELL_FORMULA"),
        ("7", "failed", "DOMAIN_NOT_SERVED"),
    ]


def test_the_returned_list_can_be_mended_and_sent_again(make_list: Make) -> None:
    """With our two columns in it, and a password that we had to defuse."""
    bad = ("0004", "", "nobody@corp.example", "営業部", "=secret+1")
    returned = make_list(csv_bytes([HEADINGS, bad])).members["problems.csv"].decode("utf-8-sig")

    made = make_list(returned.replace("0004,,", "0004,高橋,").encode("utf-8-sig"))

    assert made.tally.failed == 0
    assert b"'=secret" not in made.members["k9s/nobody@corp.example 高橋.k9s"]
    assert b"=secret+1" in made.members["k9s/nobody@corp.example 高橋.k9s"]
    assert made.table("problems.csv") == [[*HEADINGS, "問題", "対処"]]


@pytest.mark.parametrize(("encoding", "delimiter"), [("cp932", ","), ("utf-16", "\t"), ("utf-8-sig", ";")])
@pytest.mark.parametrize("language", ["ja", "en"])
def test_bad_rows_come_back_in_the_encoding_of_the_list(
    encoding: str, delimiter: str, language: str, make_list: Make
) -> None:
    data = csv_bytes([HEADINGS, *CP932_PEOPLE, *BAD], encoding=encoding, delimiter=delimiter)

    made = make_list(data, language=language)

    rows = made.table("problems.csv", encoding, delimiter)
    assert [row[1] for row in rows[1:]] == ["", "佐藤", "鈴木"]
    assert "?" not in "".join(cell for row in rows for cell in row)


def test_every_list_for_excel_begins_with_the_mark(make_list: Make) -> None:
    made = make_list(workbook_bytes([HEADINGS, PEOPLE[0], *BAD]), name="list.xlsx")

    assert made.members["results.csv"].startswith(b"\xef\xbb\xbf")
    assert made.members["problems.csv"].startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize("part", list(Part))
def test_a_part_can_be_made_alone(part: Part, make_list: Make) -> None:
    made = make_list(csv_bytes([HEADINGS, *PEOPLE]), parts=[part])

    folders = {name.split("/")[0].split(".")[0] for name in made.members}
    assert folders == {part.value, "results", "pins", "problems"}


def check_of(codes: dict[str, Code], clock: Clock) -> GentleCheck:
    """A check that finds what the table says of an address."""

    def probe(account: MailAccount, password: str) -> Report:
        assert password
        code = codes.get(str(account.address))
        return Report(account=account, problems=() if code is None else (Problem(code),))

    return GentleCheck(probe, rate=1000, clock=clock, sleep=lambda seconds: clock.advance(seconds))


def test_a_row_whose_password_is_refused_is_not_made(make_list: Make, clock: Clock) -> None:
    with check_of({"taro@corp.example": Code.AUTH_WRONG_PASSWORD}, clock) as check:
        made = make_list(csv_bytes([HEADINGS, *PEOPLE]), check=check)

    assert made.results["taro@corp.example"]["status"] == "failed"
    assert made.results["taro@corp.example"]["code"] == "AUTH_WRONG_PASSWORD"
    assert made.results["taro@corp.example"]["link"] == ""
    assert len(made.named("profiles/")) == 2
    assert [row[2] for row in made.table("problems.csv")[1:]] == ["taro@corp.example"]


def test_a_server_that_says_too_many_is_left_alone(make_list: Make, clock: Clock) -> None:
    people = [("0", "x", f"a{number}@corp.example", "", "secret") for number in range(40)]
    with check_of({"a0@corp.example": Code.AUTH_RATE_LIMITED}, clock) as check:
        made = make_list(csv_bytes([HEADINGS, *people]), check=check)

    assert made.tally.failed == 0
    untried = [result for result in made.results.values() if result["code"] == "ROW_NOT_TRIED"]
    assert len(untried) >= 32, "all rows behind the chunk in which the server said it"
    assert [problem.code for problem in check.problems] == [Code.BATCH_CHECK_STOPPED]


def test_log_ins_keep_to_the_rate_of_their_server(clock: Clock) -> None:
    begun: list[float] = []
    settings = DOMAINS["corp.example"]

    def probe(account: MailAccount, password: str) -> Report:
        return Report(account=account)

    def sleep(seconds: float) -> None:
        clock.advance(seconds)
        begun.append(clock())

    employees = [
        Employee(row=number, address=Address(f"a{number}", "corp.example"), settings=settings, password="x")
        for number in range(5)
    ]
    start = clock()
    with GentleCheck(probe, rate=2, clock=clock, sleep=sleep) as check:
        check.check(employees)

    assert [moment - start for moment in begun] == pytest.approx([0.5, 1.0, 1.5, 2.0])


def test_a_format_that_cannot_hold_the_account_fails_the_ready_made_row_only(make_list: Make) -> None:
    settings = DOMAINS["corp.example"]
    oauth = replace(settings.incoming_servers[0], authentication=(Authentication.OAUTH2,))
    broken = replace(settings, id="web.example", domains=("web.example",), incoming_servers=(oauth,))
    data = csv_bytes([HEADINGS, ("1", "x", "a@web.example", "", "secret"), PEOPLE[0]])
    table = dict(DOMAINS) | {"web.example": broken}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.webapp.batches.test_making.DOMAINS", table)
        ready, invited = (
            make_list(data, mode=mode).results["a@web.example"] for mode in (Mode.READY_MADE, Mode.INVITATIONS)
        )

    assert (ready["status"], ready["code"]) == ("failed", "FORMAT_CANNOT_HOLD")
    assert (invited["status"], invited["code"], invited["file"]) == ("made", "FORMAT_CANNOT_HOLD", "")
    assert invited["link"]


def test_the_pin_of_a_card_opens_its_link_and_nothing_else_in_the_zip(
    make_list: Make, config: Config, opened: Store
) -> None:
    made = make_list(csv_bytes([(*HEADINGS, "PIN"), (*PEOPLE[0], "501928"), (*PEOPLE[1], "")]))

    head, *rows = made.table("pins.csv")
    assert tuple(head) == PINS
    assert rows[0][4] == "501928"
    assert len(rows[1][4]) == 6
    # The one that we made may stand in a date or a serial number by chance; the given one cannot.
    assert b"501928" not in b"".join(data for name, data in made.members.items() if name != "pins.csv")
    invitations = Invitations(opened, link_key=config.link_key)
    for row in rows:
        link = made.results[row[1]]["link"]
        password = next(person[4] for person in PEOPLE if person[2] == row[1])
        assert invitations.open_ready_made(link[-22:], row[4]).password == password
        assert link not in ",".join(row)


def test_a_list_made_again_keeps_every_pin(make_list: Make) -> None:
    first = make_list(csv_bytes([HEADINGS, *PEOPLE[:2]]))

    second = make_list(csv_bytes([HEADINGS, *PEOPLE]))

    assert second.table("pins.csv")[:3] == first.table("pins.csv")


@pytest.mark.parametrize("accepted", [True, False])
def test_a_password_that_the_check_accepted_is_marked(
    accepted: bool, make_list: Make, opened: Store, clock: Clock
) -> None:
    codes = {} if accepted else {"taro@corp.example": Code.AUTH_RATE_LIMITED}
    with check_of(codes, clock) as check:
        made = make_list(csv_bytes([HEADINGS, PEOPLE[0]]), check=check)

    with opened.read() as connection:
        row = invitation_rows.by_token(connection, hash_token(made.results["taro@corp.example"]["link"][-22:]))
    assert row is not None
    assert row.tried is accepted
