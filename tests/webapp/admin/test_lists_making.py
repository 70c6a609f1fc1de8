"""From the page of a list to a batch, and everything that must not happen on the way."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from profiles.address import parse_address
from tests.webapp.admin.list_maker import BAD, HEADINGS, NEW, PEOPLE, Maker, form_fields, plain
from tests.webapp.admin.world import PASSWORD, Host, make_host
from tests.webapp.batches.lists import csv_bytes
from tests.webapp.clock import Clock
from tests.webapp.page_world import close_pages, form_token, open_pages, title
from tests.webapp.threads import at_once
from webapp.accounts import Role
from webapp.accounts.sessions import FRESH_SECONDS
from webapp.batches.mailing import Mailing
from webapp.batches.options import BatchState, Mode, Part
from webapp.batches.rows import Employee
from webapp.batches.uploads import MOST_UPLOADED, PIECE, UPLOAD_SECONDS, Uploads

LIST = csv_bytes([HEADINGS, *PEOPLE, *BAD], encoding="cp932")
CANARY = "canary-Ωsecret"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """One application for all that leave it as it was."""
    pages = open_pages(tmp_path_factory.mktemp("making") / "data")
    yield make_host(pages, Clock())
    close_pages(pages)


@pytest.fixture(scope="module")
def maker(host: Host) -> Maker:
    """Its operator."""
    return Maker(host.logged_in(Role.OPERATOR))


@pytest.fixture
def own_host(tmp_path: Path, clock: Clock) -> Iterator[Host]:
    """An application for one test."""
    pages = open_pages(tmp_path / "data")
    yield make_host(pages, clock)
    close_pages(pages)


@pytest.fixture
def own_maker(own_host: Host) -> Maker:
    """Its operator."""
    return Maker(own_host.logged_in(Role.OPERATOR))


def batches_of(host: Host) -> set[int]:
    """Every batch that there is."""
    return {view.id for view in host.pages.services.batches.every()}


def batch_of(location: str) -> int:
    """The id in the address of a batch's page."""
    found = re.fullmatch(r"/en/admin/batches/(\d+)", location)
    assert found is not None, location
    return int(found.group(1))


# making


def test_the_good_rows_become_one_batch(host: Host, maker: Maker) -> None:
    path = maker.uploaded(LIST, "新入社員.csv")

    answer = maker.press(
        path, "make", layout="a4-8", language="ja", days="7", company="株式会社サンプル", help="内線 5500"
    )
    view = host.pages.services.batches.view(batch_of(answer.headers["Location"]))

    assert answer.status_code == 303
    assert view.options is not None
    assert (view.name, view.mode, view.state, view.actor) == (
        "新入社員.csv",
        Mode.INVITATIONS,
        BatchState.WAITING,
        "operator@example.co.jp",
    )
    assert (view.total, view.bad, view.waiting) == (5, 2, 3)
    assert (view.options.layout, view.options.language, view.options.company) == ("a4-8", "ja", "株式会社サンプル")
    assert (view.options.encoding, view.options.delimiter, view.options.headings) == ("cp932", ",", HEADINGS)
    assert view.options.help == "内線 5500"
    assert set(view.options.parts) == set(Part)


def test_pressing_make_twice_or_reloading_makes_one_batch(host: Host, maker: Maker) -> None:
    before = batches_of(host)
    path = maker.uploaded(LIST)
    fields = form_fields(maker.page(path))

    answers = [maker.person.client.post(f"{path}/make", data=fields) for _ in range(2)]
    reloaded = maker.person.client.get(path)

    where = {answer.headers["Location"] for answer in (*answers, reloaded)}
    assert len(where) == 1
    assert len(batches_of(host) - before) == 1


def test_pressing_make_at_once_makes_one_batch(host: Host, maker: Maker) -> None:
    before = batches_of(host)
    path = maker.uploaded(LIST)
    fields = form_fields(maker.page(path))
    cookie = maker.person.client.get_cookie("hagaki_admin")
    assert cookie is not None

    def press() -> str:
        browser = host.browser()
        browser.set_cookie("hagaki_admin", cookie.value)
        return browser.post(f"{path}/make", data=fields).headers["Location"]

    where = at_once(4, press)

    assert len(set(where)) == 1
    assert len(batches_of(host) - before) == 1


def test_what_was_changed_but_not_looked_at_is_not_made(host: Host, maker: Maker) -> None:
    before = batches_of(host)
    path = maker.uploaded(LIST)

    answer = maker.press(path, "make", **{"column-3": "full_name", "column-1": "department"})

    assert answer.headers["Location"] == path
    assert batches_of(host) == before
    assert '<option value="department" selected>' in maker.page(path)


def test_a_list_without_a_good_row_is_not_made(host: Host, maker: Maker) -> None:
    before = batches_of(host)
    path = maker.uploaded(csv_bytes([HEADINGS, *BAD]))

    answer = maker.press(path, "make")

    assert answer.headers["Location"] == path
    assert batches_of(host) == before


def test_whoever_has_a_card_is_counted_before(host: Host, maker: Maker) -> None:
    invitations = host.pages.services.invitations
    batch = invitations.begin(name="before", mode=Mode.INVITATIONS, total=1)

    settings = host.pages.services.directory.find("example.co.jp")
    address, _ = parse_address("T.Yamada@example.co.jp")
    assert settings is not None
    assert address is not None
    invitations.invite(batch, [Employee(row=2, address=address, settings=settings)], expires_at=2**40)

    page = plain(maker.page(maker.uploaded(LIST)))
    other = plain(maker.page(maker.uploaded(LIST, mode="ready-made")))

    assert "1 of them already have a card that still works; they keep it." in page
    assert "already have a card" not in other


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("days", "0", "This must be a number from 1 to 365."),
        ("days", "366", "This must be a number from 1 to 365."),
        ("days", "soon", "This must be a number from 1 to 365."),
        ("days", "nan", "This must be a number from 1 to 365."),
        ("check_rate", "1e9", "This must be a number from 0.01 to 50."),
        ("parts", [], "Nothing is chosen here."),
    ],
)
def test_an_option_that_cannot_be_is_told_at_its_field(
    host: Host, maker: Maker, field: str, value: object, said: str
) -> None:
    before = batches_of(host)
    path = maker.uploaded(LIST)

    answer = maker.press(path, "make", **{field: value, "company": "A company"})  # type: ignore[arg-type]

    assert answer.status_code == 422
    assert title(answer.text).startswith("Error")
    assert said in plain(answer.text)
    assert 'class="field-error"' in answer.text
    assert 'value="A company"' in answer.text
    assert batches_of(host) == before


def test_everything_chosen_is_kept(maker: Maker) -> None:
    path = maker.uploaded(LIST)

    maker.press(
        path, "reading", days="１０", layout="a4-4", parts=["qr"], check="1", check_rate="0.5", help="  a \n b "
    )
    page = maker.page(path)

    assert re.search(r'name="days"[^>]* value="10"', page)
    assert '<option value="a4-4" selected>' in page
    assert re.findall(r'name="parts"[^>]* value="(\w+)" checked', page) == ["qr"]
    assert re.search(r'id="check"[^>]* checked', page)
    assert re.search(r'name="check_rate"[^>]* value="0.5"', page)
    assert re.search(r'name="help"[^>]* value="a b"', page)


def test_mails_are_offered_only_where_there_is_a_server_for_them(own_host: Host, own_maker: Maker) -> None:
    path = own_maker.uploaded(LIST)
    without = own_maker.page(path)
    batch = own_maker.press(path, "make", mail="1").headers["Location"]

    here = own_host.pages.services
    config = replace(here.config, smtp_url="smtp+starttls://hagaki%40example.jp:pw@relay.example.jp:587")
    record = here.accounts.audit.record
    mailing = Mailing(here.store, config, here.directory.find, record=record, wake=lambda batch_id: None)
    own_host.pages.app.extensions["hagaki"] = replace(here, config=config, mailing=mailing)
    with_server = own_maker.page(own_maker.uploaded(LIST))

    assert 'name="mail"' not in without
    assert "HAGAKI_SMTP_URL" in without
    options = here.batches.view(batch_of(batch)).options
    assert options is not None
    assert not options.mail
    assert 'name="mail"' in with_server
    assert "To the address in the column “Mails go to”" in plain(with_server)


def test_links_that_only_this_machine_can_open_are_told(maker: Maker) -> None:
    assert "which other devices cannot open" in plain(maker.page(maker.uploaded(LIST)))


# what is handed out


def test_the_bad_rows_come_back_in_the_encoding_of_the_list(maker: Maker) -> None:
    path = maker.uploaded(LIST, "新入社員.csv")

    answer = maker.press(path, "problems")
    lines = answer.data.decode("cp932").splitlines()

    assert answer.status_code == 200
    assert "filename*=UTF-8''%E6%96%B0" in answer.headers["Content-Disposition"]
    assert answer.headers["Content-Disposition"].isascii()
    assert lines[0] == ",".join((*HEADINGS, "problem", "what to do"))
    assert len(lines) == 3
    assert lines[2].startswith("0005,加藤 愛,a.kato@exmaple.co.jp,'=VLOOKUP(A2),")


def test_the_bad_rows_mended_are_a_list_again(maker: Maker) -> None:
    returned = maker.press(maker.uploaded(LIST), "problems").data.decode("cp932")
    mended = (
        returned.replace("exmaple", "example").replace("'=VLOOKUP(A2)", "総務部").replace("0004,,", "0004,中村,")
    )

    page = plain(maker.page(maker.uploaded(mended.encode("cp932"))))

    assert "Good rows 2 Rows to mend 0" in page
    assert page.count("Hagaki’s own note; passed over") == 2


def test_a_card_is_printed_as_a_test_and_nothing_is_made(host: Host, maker: Maker) -> None:
    before = batches_of(host)
    path = maker.uploaded(LIST)

    answer = maker.press(path, "card", layout="a4-4")

    assert answer.data.startswith(b"%PDF-")
    assert answer.mimetype == "application/pdf"
    assert batches_of(host) == before


@pytest.mark.parametrize(("language", "heading"), [("ja", "メールアドレス"), ("en", "address")])
def test_the_sample_is_a_good_list(maker: Maker, language: str, heading: str) -> None:
    data = maker.person.client.get(f"/{language}/admin/lists/sample.csv").data

    page = plain(maker.page(maker.uploaded(data)))

    assert data.decode("utf-8-sig").startswith(heading)
    assert "The headings stand in row 1." in page
    assert "(not used) Mail address" in page


# ends


def test_stopping_deletes_the_list_at_once(own_host: Host, own_maker: Maker) -> None:
    path = own_maker.uploaded(LIST)

    own_maker.press(path, "delete")

    assert own_maker.person.client.get(path).status_code == 410
    assert rows_of(own_host, "uploads") == rows_of(own_host, "upload_pieces") == 0
    assert [entry.action for entry in own_host.accounts.audit.newest()][:2] == ["list.delete", "list.upload"]


def test_a_list_waits_for_one_day(own_host: Host, own_maker: Maker) -> None:
    here, clock = own_host.pages.services, Clock()
    uploads = Uploads(here.store, record=own_host.accounts.audit.record, now=clock)
    own_host.pages.app.extensions["hagaki"] = replace(here, accounts=own_host.accounts, uploads=uploads)
    path = own_maker.uploaded(LIST)
    clock.advance(UPLOAD_SECONDS - 1)
    before = own_maker.person.client.get(path).status_code
    fields = form_fields(own_maker.page(path))

    clock.advance(1)
    answers = [own_maker.person.client.get(path), own_maker.person.client.post(f"{path}/make", data=fields)]

    assert before == 200
    assert [answer.status_code for answer in answers] == [410, 410]
    assert "This list is no longer here." in answers[0].text
    assert uploads.purge() == 1
    assert rows_of(own_host, "upload_pieces") == 0


@pytest.mark.parametrize("token", ["x", "A" * 22, "../../etc", "%00", "長" * 22])
def test_a_made_up_address_is_a_list_that_is_not_here(maker: Maker, token: str) -> None:
    assert maker.person.client.get(f"/en/admin/lists/{token}").status_code in (404, 410)


# who may


@pytest.mark.parametrize("role", [Role.HELPDESK, Role.AUDITOR])
def test_other_roles_see_no_list(host: Host, maker: Maker, role: Role) -> None:
    path = maker.uploaded(LIST)
    other = host.logged_in(role)
    token = form_token(other.client.get("/admin/").text)

    gets = [other.client.get(one).status_code for one in (NEW, path, "/en/admin/lists/sample.csv")]
    posts = [
        other.client.post(f"{path}/{button}", data={"csrf_token": token}).status_code
        for button in ("reading", "problems", "card", "make", "delete")
    ]

    assert gets == [403] * 3
    assert posts == [403] * 5


def test_a_stranger_with_the_address_sees_nothing(host: Host, maker: Maker) -> None:
    path = maker.uploaded(LIST)

    answer = host.browser().get(path)

    assert answer.status_code == 303
    assert "/log-in" in answer.headers["Location"]


@pytest.mark.parametrize("button", ["reading", "problems", "card", "make", "delete"])
def test_no_button_works_without_the_token_of_the_session(host: Host, maker: Maker, button: str) -> None:
    path = maker.uploaded(LIST)

    answer = maker.person.client.post(f"{path}/{button}", data={"csrf_token": "0" * 64})

    assert answer.status_code == 403
    assert maker.person.client.get(path).status_code == 200


def test_an_upload_without_the_token_is_refused(host: Host, maker: Maker) -> None:
    before = rows_of(host, "uploads")
    answer = maker.upload(LIST, token="0" * 64)

    assert answer.status_code == 403
    assert rows_of(host, "uploads") == before


def test_lists_need_a_fresh_log_in(own_host: Host, own_maker: Maker) -> None:
    path = own_maker.uploaded(LIST)
    token = form_token(own_maker.page(path))
    own_host.clock.advance(FRESH_SECONDS)

    seen = own_maker.person.client.get(path)
    pressed = own_maker.person.client.post(f"{path}/make", data={"csrf_token": token})
    again = own_maker.page(seen.headers["Location"])
    onward = re.search(r'name="next" value="([^"]+)"', again)
    assert onward is not None
    proof = own_maker.person.post("/admin/again", password=PASSWORD, code=own_maker.person.code(), next=onward[1])

    for answer in (seen, pressed):
        assert "/again?next=" in answer.headers["Location"]
        assert path.rpartition("/")[2] not in answer.headers["Location"]  # no token in a query
    assert proof.headers["Location"] == path
    assert own_maker.person.client.get(path).status_code == 200


# sizes


@pytest.mark.parametrize(
    ("language", "said"), [("en", "The file is larger than 25 MB"), ("ja", "25 MBを超えています")]
)
def test_a_file_that_is_too_large_is_refused_in_words(host: Host, maker: Maker, language: str, said: str) -> None:
    before = rows_of(host, "uploads")
    page = f"/{language}/admin/lists/new"
    token = form_token(maker.person.client.get(page).text)

    answer = maker.send(page, b"x" * (MOST_UPLOADED + 2**20), "large.csv", csrf_token=token)

    assert answer.status_code == 413
    assert said in plain(answer.text)
    assert 'href="#file"' in answer.text
    assert rows_of(host, "uploads") == before


def test_the_menu_says_where_a_list_belongs(maker: Maker) -> None:
    assert re.search(r'href="/en/admin/batches" aria-current="true"', maker.page(maker.uploaded(LIST)))


def test_no_file_is_told(maker: Maker) -> None:
    token = form_token(maker.person.client.get(NEW).text)

    answer = maker.person.client.post(NEW, data={"csrf_token": token, "mode": "ready-made"})

    assert answer.status_code == 422
    assert "No file was chosen." in plain(answer.text)
    assert re.search(r'value="ready-made" checked', answer.text)


def test_other_forms_stay_small(maker: Maker) -> None:
    path = maker.uploaded(LIST)

    answer = maker.person.client.post(f"{path}/reading", data={"csrf_token": "x" * 100_000})

    assert answer.status_code == 413


# secrets


def test_no_password_of_a_list_reaches_a_file(
    own_host: Host, own_maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Searched is the data folder; no temporary file is made at all, not even one without a name."""
    temporary = Path(own_host.pages.services.config.data).parent / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    made_temporary: list[object] = []
    for name in ("TemporaryFile", "NamedTemporaryFile", "SpooledTemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, lambda *_, name=name, **__: made_temporary.append(name))
    padding = [(f"9{n:04}", "x" * 90, f"e{n}@example.co.jp", "y" * 90, f"{CANARY}-{n}") for n in range(4_000)]
    data = csv_bytes([HEADINGS, *PEOPLE, *BAD, *padding])
    assert len(data) > 3 * PIECE

    path = own_maker.uploaded(data, mode="ready-made")
    own_maker.page(path)
    own_maker.press(path, "reading", **{"column-4": ""})
    own_maker.page(path)
    own_maker.press(path, "reading", **{"column-4": "password"})
    own_maker.press(path, "problems")
    own_maker.press(path, "make")

    signs = [CANARY.encode(code) for code in ("utf-8", "utf-16-le", "cp932") if code != "cp932"]
    files = [file for file in Path(own_host.pages.services.config.data).parent.rglob("*") if file.is_file()]
    assert made_temporary == []
    assert len(files) > 2
    assert [file for file in files if any(sign in file.read_bytes() for sign in signs)] == []


def test_pieces_of_another_list_or_order_open_nothing(own_host: Host, own_maker: Maker) -> None:
    rows = csv_bytes([HEADINGS, *((f"{n}", "x" * 90, f"e{n}@example.co.jp", "", "") for n in range(6_000))])
    path = own_maker.uploaded(rows)

    with own_host.pages.services.store.write() as connection:
        connection.execute(text("UPDATE upload_pieces SET number = 9 WHERE number = 0"))
        connection.execute(text("UPDATE upload_pieces SET number = 0 WHERE number = 1"))

    assert own_maker.person.client.get(path).status_code == 410


def rows_of(host: Host, table: str) -> int:
    """How many rows a table has."""
    with host.pages.services.store.read() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


@pytest.mark.parametrize("length", [200_000, 65_530, 131_000])
def test_a_file_is_taken_wherever_the_pieces_of_the_request_end(maker: Maker, length: int) -> None:
    """Werkzeug reads 64 kB at a time and counted what it had not parsed yet against the limit for fields."""
    lines = b"address\r\n" + b"x" * length + b"\r\n" + b"t.yamada@example.co.jp\r\n" * 4_000

    assert maker.upload(lines).status_code == 303
