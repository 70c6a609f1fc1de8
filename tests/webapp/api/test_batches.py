"""Lists through the API: the contract of its answers, what is refused, and results that verify."""

from __future__ import annotations

import csv
import io
import json
import plistlib
import zipfile
from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from werkzeug.test import TestResponse

from profiles.model import MailAccount
from tests.webapp.admin.world import Host, make_host
from tests.webapp.clock import Clock
from tests.webapp.page_world import close_pages, open_pages
from webapp.accounts import COMMAND_LINE, Scope
from webapp.api.documents import BATCH_KEYS
from webapp.api.openapi import description
from webapp.batches.uploads import MOST_UPLOADED
from webapp.batches.working import Leases, Work
from webapp.probes.report import Report

GOOD = "メールアドレス,氏名,部署\nt.yamada@example.co.jp,山田 太郎,営業部\nh.sato@example.co.jp,佐藤 花子,経理部\n"
MIXED = GOOD + "not an address,鈴木 一郎,製造部\n"
PASSWORDS = "address,name,password\na@example.co.jp,A,自転車 in the rain\nb@example.co.jp,B,second secret\n"
URL = "/api/v1/batches"
ALL = (Scope.BATCHES_READ, Scope.BATCHES_RESULTS, Scope.BATCHES_WRITE)
PROGRESS = ("", "/1")
DOWNLOADS = ("/1/results.zip", "/1/results.csv", "/1/problems.csv", "/1/handouts.pdf", "/1/pins.csv")


class Program:
    """A program with a token."""

    def __init__(self, host: Host, *scopes: Scope, name: str = "script") -> None:
        self.host = host
        self.client: FlaskClient = host.pages.app.test_client()
        token = host.accounts.tokens.create(name, scopes, actor=COMMAND_LINE)
        self.headers = {"Authorization": f"Bearer {token}"}

    def post(
        self, text: str | bytes | None = GOOD, *, key: str = "", filename: str = "people.csv", **fields: Any
    ) -> TestResponse:
        data: dict[str, Any] = dict(fields)
        if text is not None:
            raw = text if isinstance(text, bytes) else text.encode()
            data["file"] = (io.BytesIO(raw), filename)
        headers = {**self.headers, **({"Idempotency-Key": key} if key else {})}
        return self.client.post(URL, data=data, headers=headers, content_type="multipart/form-data")

    def get(self, path: str = "") -> TestResponse:
        return self.client.get(URL + path, headers=self.headers, buffered=True)

    def made(self, text: str | bytes = GOOD, **fields: Any) -> int:
        """Post a list and let a worker make it."""
        answer = self.post(text, **fields)
        assert answer.status_code == 202, answer.text
        self.work(answer.json["id"])
        return int(answer.json["id"])

    def work(self, batch_id: int) -> None:
        here = self.host.pages.services

        def probe(account: MailAccount, password: str) -> Report:
            return Report(account=account, problems=())

        work = Work(
            here.store,
            here.directory.find,
            here.invitations,
            link_key=here.config.link_key,
            probe=probe,
            leases=Leases(here.store),
            halted=Event(),
        )
        assert work.work(batch_id, seconds=60)


@pytest.fixture
def program(host: Host) -> Program:
    return Program(host, *ALL)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A program of a host that many tests share: they change nothing. One batch, 1, is finished."""
    pages = open_pages(tmp_path_factory.mktemp("shared"))
    program = Program(make_host(pages, Clock()), *ALL)
    program.made()
    yield program
    close_pages(pages)


def rows_of(answer: TestResponse) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))


# a list goes in


def test_posted_list_is_accepted_and_says_how_far_it_is(program: Program) -> None:
    answer = program.post(mode="invitations")

    assert answer.status_code == 202
    assert tuple(answer.json) == BATCH_KEYS or set(answer.json) == set(BATCH_KEYS)
    assert answer.json["state"] == "waiting"
    assert (answer.json["total"], answer.json["done"], answer.json["failed"]) == (2, 0, 0)
    assert answer.json["results"] is None
    assert answer.headers["Location"].endswith(f"/api/v1/batches/{answer.json['id']}")
    assert program.get(f"/{answer.json['id']}").json == answer.json


def test_finished_batch_names_its_results(program: Program) -> None:
    batch_id = program.made()

    answer = program.get(f"/{batch_id}").json

    assert (answer["state"], answer["done"], answer["failed"]) == ("done", 2, 0)
    assert answer["results"] == f"/api/v1/batches/{batch_id}/results.zip"
    assert program.get(answer["results"].removeprefix(URL)).status_code == 200


def test_bad_rows_are_told_with_cell_and_mending(program: Program) -> None:
    answer = program.post(MIXED)

    assert answer.status_code == 202
    assert (answer.json["total"], answer.json["done"], answer.json["failed"]) == (3, 1, 1)
    (problem,) = [one for one in answer.json["problems"] if one["severity"] == "error"]
    assert set(problem) >= {
        "code", "severity", "summary", "advice", "place", "row", "column", "heading", "value",
    }  # fmt: skip
    assert (problem["row"], problem["column"], problem["heading"]) == (4, "A", "メールアドレス")
    assert problem["value"] == "not an address"
    assert problem["place"] == "people.csv: A4 (メールアドレス)"


def test_strict_list_with_a_bad_row_makes_nothing(program: Program) -> None:
    answer = program.post(MIXED, strict="true")

    assert answer.status_code == 422
    assert answer.json["problems"][0]["row"] == 4
    assert program.get().json == {"batches": []}


def test_mended_list_makes_only_what_is_missing(program: Program) -> None:
    first = program.made(MIXED)
    links = {row["address"]: row["link"] for row in rows_of(program.get(f"/{first}/results.csv")) if row["link"]}

    second = program.made(MIXED.replace("not an address", "i.suzuki@example.co.jp"))

    again = {row["address"]: row["link"] for row in rows_of(program.get(f"/{second}/results.csv"))}
    assert len(links) == 2
    assert len(again) == 3
    assert links.items() <= again.items()


@pytest.mark.parametrize(
    ("text", "fields", "code"),
    [
        (None, {}, "FIELD_MISSING"),
        (GOOD, {"mode": "nothing"}, "FIELD_UNUSABLE"),
        (GOOD, {"days": "0"}, "FIELD_UNUSABLE"),
        (GOOD, {"days": "soon"}, "FIELD_UNUSABLE"),
        (PASSWORDS, {"mode": "ready-made", "days": "31"}, "FIELD_UNUSABLE"),
        (GOOD, {"layout": "a3"}, "FIELD_UNUSABLE"),
        (GOOD, {"parts": "profiles,everything"}, "FIELD_UNUSABLE"),
        (GOOD, {"language": "fr"}, "FIELD_UNUSABLE"),
        (GOOD, {"check_rate": "1000"}, "FIELD_UNUSABLE"),
        (GOOD, {"check": "perhaps"}, "FIELD_UNUSABLE"),
        (GOOD, {"encoding": "klingon"}, "FIELD_UNUSABLE"),
        (GOOD, {"delimiter": "::"}, "FIELD_UNUSABLE"),
        (GOOD, {"map": "A"}, "FIELD_UNUSABLE"),
        (GOOD, {"map": "A=shoe_size"}, "FIELD_UNUSABLE"),
        (GOOD, {"company": "x" * 300}, "FIELD_UNUSABLE"),
        (GOOD, {"moed": "invitations"}, "VALUE_UNKNOWN"),
        (GOOD, {"map": "Z=address"}, "LIST_COLUMN_UNKNOWN"),
        (GOOD, {"mail": "true"}, "MAIL_NOT_SET_UP"),
        ("", {}, "LIST_EMPTY"),
        ("name\nA\n", {}, "LIST_ADDRESS_COLUMN_MISSING"),
        (b"%PDF-1.7 of something", {}, "LIST_FORMAT"),
        (b"PK\x03\x04 torn", {}, "LIST_FORMAT"),
        (GOOD, {"mode": "ready-made"}, "LIST_PASSWORDS_MISSING"),
    ],
)
def test_unusable_request_is_422_with_its_place_and_makes_nothing(
    shared: Program, text: str | bytes | None, fields: dict[str, str], code: str
) -> None:
    answer = shared.post(text, **fields)

    assert answer.status_code == 422, answer.text
    assert code in [problem["code"] for problem in answer.json["problems"]]
    assert all(problem["place"] and problem["advice"] for problem in answer.json["problems"])
    assert [batch["id"] for batch in shared.get().json["batches"]] == [1]


def test_every_wrong_field_is_told_at_once(shared: Program) -> None:
    answer = shared.post(None, mode="x", days="y", layout="z")

    assert {problem["place"] for problem in answer.json["problems"]} == {"file", "mode", "days", "layout"}


def test_list_that_is_too_large_is_413(program: Program) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    body = head + b"a" * (MOST_UPLOADED + 300 * 1024) + b"\r\n--x--\r\n"

    # As bytes: the test client would write the parts of so large a form into a file of its own.
    answer = program.client.post(
        URL, data=body, headers=program.headers, content_type="multipart/form-data; boundary=x"
    )

    assert answer.status_code == 413
    assert answer.json["code"] == "HTTP 413"
    assert program.get().json == {"batches": []}


def test_list_of_a_megabyte_with_long_lines_is_read(program: Program) -> None:
    rows = "".join(f"p{n}@example.co.jp,{n}番,{'部' * 200}\n" for n in range(1_700))
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    body = head + ("メールアドレス,氏名,部署\n" + rows).encode() + b"\r\n--x--\r\n"
    assert len(body) > 1_000_000

    answer = program.client.post(
        URL, data=body, headers=program.headers, content_type="multipart/form-data; boundary=x"
    )

    assert answer.status_code == 202, answer.text
    assert answer.json["total"] == 1_700


def test_choices_of_the_request_are_kept(host: Host, program: Program) -> None:
    cp932 = "a;b\nt.yamada@example.co.jp;髙橋\n".encode("cp932")
    answer = program.post(
        cp932,
        name="新入社員",
        layout="a4-8",
        parts=["profiles", "handouts"],
        language="ja",
        days="7",
        company="株式会社テスト",
        help_desk="内線 100",
        encoding="cp932",
        delimiter="semicolon",
        map=["a=address", "b=full_name"],
    )

    view = host.pages.services.batches.view(answer.json["id"])

    assert view.options is not None
    assert view.name == "新入社員"
    assert (view.options.layout, view.options.language) == ("a4-8", "ja")
    assert view.options.parts == ("profiles", "handouts")
    assert (view.options.company, view.options.help) == ("株式会社テスト", "内線 100")
    assert (view.options.encoding, view.options.delimiter) == ("cp932", ";")
    (person,) = host.pages.services.following.page(view.id).people
    assert (person.address, person.full_name) == ("t.yamada@example.co.jp", "髙橋")


# the same request again


def test_same_key_of_the_same_token_is_the_same_batch(program: Program) -> None:
    first, second = program.post(key="run 1"), program.post(key="run 1")

    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json["id"] == second.json["id"]
    assert len(program.get().json["batches"]) == 1


def test_other_key_or_other_token_is_another_batch(host: Host, program: Program) -> None:
    other = Program(host, *ALL, name="other")

    ids = {program.post(key="run 1").json["id"], program.post(key="run 2").json["id"]}
    ids |= {other.post(key="run 1").json["id"], program.post().json["id"], program.post().json["id"]}

    assert len(ids) == 5


def test_key_with_another_list_is_refused(program: Program) -> None:
    program.post(key="run 1")

    answer = program.post(MIXED, key="run 1")

    assert answer.status_code == 422
    assert [problem["code"] for problem in answer.json["problems"]] == ["KEY_REUSED"]


def test_key_of_a_refused_list_can_be_used_again(program: Program) -> None:
    assert program.post("name\nA\n", key="run 1").status_code == 422

    assert program.post(GOOD, key="run 1").status_code == 202


# results


def test_zip_holds_everything_and_each_link_opens(host: Host, program: Program) -> None:
    batch_id = program.made()

    answer = program.get(f"/{batch_id}/results.zip")

    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    assert archive.testzip() is None
    names = archive.namelist()
    assert {"handouts.pdf", "results.csv", "problems.csv"} <= set(names)
    assert len([name for name in names if name.startswith("profiles/")]) == 2
    for row in rows_of(program.get(f"/{batch_id}/results.csv")):
        path = "/s/" + row["link"].rpartition("/s/")[2]
        assert host.pages.client.get(path).status_code == 200


@pytest.mark.parametrize(
    ("name", "kind", "begins"),
    [
        ("results.csv", "text/csv", b"\xef\xbb\xbfrow,"),
        ("problems.csv", "text/csv", b"\xef\xbb\xbf"),
        ("handouts.pdf", "application/pdf", b"%PDF"),
        ("results.zip", "application/zip", b"PK"),
    ],
)
def test_result_is_a_file_of_its_kind(program: Program, name: str, kind: str, begins: bytes) -> None:
    batch_id = program.made(MIXED)

    answer = program.get(f"/{batch_id}/{name}")

    assert answer.status_code == 200
    assert answer.mimetype == kind
    assert answer.data.startswith(begins)
    assert f"batch-{batch_id}-{name}" in answer.headers["Content-Disposition"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_bad_rows_claim_no_encoding_but_that_of_their_list(program: Program) -> None:
    """Whoever believes a charset would read 髙橋 as noise and send that back."""
    batch_id = program.made(MIXED.encode("cp932"))

    answer = program.get(f"/{batch_id}/problems.csv")

    assert "鈴木 一郎" in answer.data.decode("cp932")
    assert answer.content_type == "text/csv"
    assert program.get(f"/{batch_id}/results.csv").content_type == "text/csv; charset=utf-8"


def test_cards_beyond_the_last_file_are_not_there(program: Program) -> None:
    batch_id = program.made()

    assert program.get(f"/{batch_id}/handouts.pdf?part=1").status_code == 200
    assert program.get(f"/{batch_id}/handouts.pdf?part=2").status_code == 404


def test_pins_and_links_are_never_in_one_file(program: Program) -> None:
    batch_id = program.made(PASSWORDS, mode="ready-made")

    pins = rows_of(program.get(f"/{batch_id}/pins.csv"))
    results = program.get(f"/{batch_id}/results.csv").text

    assert [len(row["pin"]) for row in pins] == [6, 6]
    assert "/s/" not in str(pins)
    assert not any(row["pin"] in results for row in pins)
    assert "自転車" not in results


def test_download_stands_in_the_audit_log(host: Host, program: Program) -> None:
    batch_id = program.made()
    program.get(f"/{batch_id}/results.zip")

    newest = host.accounts.audit.newest(most=1)[0]
    assert (newest.actor, newest.action, newest.subject) == ("token script", "batch.download", f"batch {batch_id}")


def test_cancelled_batch_stays_with_what_is_made(program: Program) -> None:
    batch_id = program.post().json["id"]

    answer = program.client.post(f"{URL}/{batch_id}/cancel", headers=program.headers)

    assert answer.status_code == 200
    assert answer.json["state"] == "cancelled"
    assert program.get(f"/{batch_id}").json["done"] == 2


def test_deleted_batch_is_gone_with_its_links(host: Host, program: Program) -> None:
    batch_id = program.made()
    link = rows_of(program.get(f"/{batch_id}/results.csv"))[0]["link"]

    assert program.client.delete(f"{URL}/{batch_id}", headers=program.headers).status_code == 204

    assert program.get(f"/{batch_id}").status_code == 404
    assert program.get().json == {"batches": []}
    assert host.pages.client.get("/s/" + link.rpartition("/s/")[2]).status_code in (404, 410)


def test_list_of_batches_goes_back_page_by_page(program: Program) -> None:
    ids = [program.post().json["id"] for _ in range(3)]

    first = [batch["id"] for batch in program.get("?most=2").json["batches"]]
    second = [batch["id"] for batch in program.get(f"?most=2&before={first[-1]}").json["batches"]]

    assert first + second == ids[::-1]


# who may


@pytest.mark.parametrize(
    ("scope", "path"),
    [(Scope.BATCHES_READ, path) for path in PROGRESS] + [(Scope.BATCHES_RESULTS, path) for path in DOWNLOADS],
)
def test_reading_needs_a_token_with_its_scope(shared: Program, scope: Scope, path: str) -> None:
    assert shared.client.get(URL + path).status_code == 401
    assert shared.client.get(URL + path, headers={"Authorization": "Bearer hagaki_nothing"}).status_code == 401
    others = Program(shared.host, *(one for one in Scope if one is not scope), name=f"others {path}")
    assert others.get(path).status_code == 403
    assert others.client.head(URL + path, headers=others.headers).status_code == 403
    assert Program(shared.host, scope, name=f"reader {path}").get(path).status_code == 200


SHIFTED = "address,name,password\nnight train to Aomori,A,a@example.co.jp\n"


def test_what_follows_progress_sees_no_quotes_of_a_ready_made_list(host: Host, program: Program) -> None:
    """With shifted columns a problem of the address quotes the password."""
    batch_id = program.made(SHIFTED, mode="ready-made")
    reader = Program(host, Scope.BATCHES_READ, Scope.BATCHES_WRITE, name="reader")

    seen, cancelled = (
        reader.get(f"/{batch_id}"),
        reader.client.post(f"{URL}/{batch_id}/cancel", headers=reader.headers),
    )

    assert seen.json["problems"][0]["place"] == "people.csv: A2 (address)"
    assert "night train" not in seen.text
    assert "night train" not in cancelled.text
    assert "night train" in program.get(f"/{batch_id}").text


def test_changing_needs_the_scope_to_write(host: Host, program: Program) -> None:
    batch_id = program.made()
    reader = Program(host, Scope.BATCHES_READ, name="reader")

    assert reader.post().status_code == 403
    assert reader.client.post(f"{URL}/{batch_id}/cancel", headers=reader.headers).status_code == 403
    assert reader.client.delete(f"{URL}/{batch_id}", headers=reader.headers).status_code == 403
    assert reader.client.post(URL, data={"mode": "invitations"}).status_code == 401
    assert len(reader.get().json["batches"]) == 1


@pytest.mark.parametrize("path", [*PROGRESS[1:], *DOWNLOADS])
def test_unknown_batch_is_404(shared: Program, path: str) -> None:
    answer = shared.get(path.replace("/1", "/99", 1))

    assert answer.status_code == 404
    assert answer.json["problems"][0]["code"] == "BATCH_UNKNOWN"


def test_unknown_batch_cannot_be_changed(shared: Program) -> None:
    assert shared.client.post(f"{URL}/99/cancel", headers=shared.headers).status_code == 404
    assert shared.client.delete(f"{URL}/99", headers=shared.headers).status_code == 404


def test_errors_of_the_api_are_json_whatever_is_accepted(shared: Program) -> None:
    answer = shared.client.get("/api/v1/nothing", headers={"Accept": "*/*"})

    assert answer.status_code == 404
    assert answer.is_json


# nothing secret stays


def test_no_password_of_a_list_is_in_answers_or_files(host: Host, program: Program) -> None:
    program.made(PASSWORDS, mode="ready-made")

    seen = json.dumps([program.get("/1").json, program.get().json], ensure_ascii=False)
    assert "second secret" not in seen
    for file in host.pages.services.config.data.rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            assert b"second secret" not in data, file
            assert "自転車".encode() not in data, file


def test_ready_made_profile_holds_the_password_of_its_row(program: Program) -> None:
    batch_id = program.made(PASSWORDS, mode="ready-made")

    archive = zipfile.ZipFile(io.BytesIO(program.get(f"/{batch_id}/results.zip").data))

    signed = [archive.read(name) for name in archive.namelist() if name.startswith("profiles/")]
    plists = [plistlib.loads(data[data.index(b"<?xml") : data.index(b"</plist>") + 8]) for data in signed]
    passwords = {payload["IncomingPassword"] for plist in plists for payload in plist["PayloadContent"]}
    assert passwords == {"自転車 in the rain", "second secret"}


# the description says what happens


def test_answers_are_as_the_description_has_them(host: Host, program: Program) -> None:
    document = description(host.pages.app)

    def check(name: str, answer: object) -> None:
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        Draft202012Validator(schema).validate(answer)

    batch_id = program.made(MIXED)
    check("Batch", program.get(f"/{batch_id}").json)
    check("Batch", program.post(MIXED).json)
    check("Batches", program.get().json)
    check("Problems", program.post(None).json)
    check("Problems", program.post(MIXED, strict="1").json)
    check("Problems", program.get("/99").json)
    check("Error", program.client.get(URL).json)
    check("Error", program.client.get("/api/v1/nothing").json)
