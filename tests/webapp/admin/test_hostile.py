"""What a hostile list, a hostile address and a hostile number do to pages and downloads: nothing."""

from __future__ import annotations

import csv
import io
import re
import time
from pathlib import Path

import pytest

from tests.webapp.admin.world import Host, Person, make_host
from tests.webapp.batches.followed import Someone, add_batch
from tests.webapp.clock import Clock
from tests.webapp.page_world import close_pages, open_pages
from tests.webapp.postgres import Postgres
from webapp.accounts import COMMAND_LINE, Role, Scope

MARKUP = "<img src=x onerror=alert(1)>\"'&{{7*7}}"
HUGE = "99999999999999999999999999"
FORMULAS = ("=1+1", "＝1+1", "+1", "＋1", "-1", "－1", "@SUM(1)", "＠SUM(1)")
PEOPLE = (
    Someone(address="t.yamada@example.co.jp", full_name=MARKUP, department=MARKUP, employee_number=MARKUP[:40]),
    *(
        Someone(address=f"f{number}@example.co.jp", full_name=formula, department=formula)
        for number, formula in enumerate(FORMULAS)
    ),
)
PAGES = (
    "/en/admin/",
    "/en/admin/batches",
    "/en/admin/batches/1",
    f"/en/admin/batches/1?search={MARKUP}",
    "/en/admin/batches/1/people/2",
    "/en/admin/batches/1/people/2/reissue",
    "/en/admin/batches/1/cancel",
    "/en/admin/batches/1/delete",
    "/en/admin/audit",
)


def seed(host: Host) -> str:
    """A batch with such people; the token of the first one's link."""
    here = host.pages.services
    _, links = add_batch(here.store, here.config.link_key, PEOPLE, now=time.time(), name=MARKUP)
    return links[PEOPLE[0].address].token


def test_markup_of_a_list_is_text_on_every_page(host: Host) -> None:
    token = seed(host)
    owner = host.logged_in(Role.OWNER)
    host.pages.services.batches.cancel(1, MARKUP.replace(" ", ""))

    pages = {path: owner.client.get(path).text for path in PAGES}
    pages |= {path: owner.client.get(path).text for path in (f"/en/s/{token}", f"/en/s/{token}/mine")}

    assert [path for path, page in pages.items() if "<img src=x" in page or "<imgsrc=x" in page] == []
    assert [path for path, page in pages.items() if "49" in page and "{{7*7}}" not in page] == []
    assert sum("&lt;img src=x" in page for page in pages.values()) >= 8


def test_no_spreadsheet_calculates_what_a_list_says(host: Host) -> None:
    seed(host)
    owner = host.logged_in(Role.OWNER)

    text = owner.client.get("/admin/batches/1/files/results.csv", buffered=True).data.decode("utf-8-sig")

    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert len(cells) > len(FORMULAS)
    assert [cell for cell in cells if re.match(r"[=+\-@＝＋－＠\t\r]", cell)] == []


def test_markup_of_a_list_is_text_on_the_cards(host: Host) -> None:
    seed(host)
    owner = host.logged_in(Role.OWNER)

    card = owner.client.get("/admin/batches/1/files/handouts.pdf", buffered=True)

    assert card.status_code == 200
    assert card.data.startswith(b"%PDF")
    assert b"/JavaScript" not in card.data
    assert b"/URI (javascript" not in card.data


@pytest.mark.parametrize(
    "path",
    [
        "/admin/batches/{}",
        "/admin/batches/{}/progress",
        "/admin/batches/{}/files/results.zip",
        "/admin/batches/1/people/{}",
        "/admin/leavers/{}",
        "/admin/admins/{}",
        "/api/v1/batches/{}",
        "/api/v1/batches/{}/results.csv",
    ],
)
def test_a_number_that_no_row_has_is_not_found(host: Host, path: str) -> None:
    seed(host)
    owner = host.logged_in(Role.OWNER)
    token = host.accounts.tokens.create("script", tuple(Scope), actor=COMMAND_LINE)
    headers = {"Authorization": f"Bearer {token}"}

    found = [owner.client.get(path.format(number), headers=headers) for number in (HUGE, "9223372036854775807")]

    assert [answer.status_code for answer in found] == [404, 404]
    assert all(answer.is_json for answer in found) is path.startswith("/api/")


@pytest.mark.parametrize(
    "path",
    [
        "/admin/batches?before={}",
        "/admin/batches/1?after={}",
        "/admin/audit?before={}",
        "/api/v1/batches?before={}",
    ],
)
@pytest.mark.parametrize("number", [HUGE, f"-{HUGE}", "٣", "1e9", "\x00"])
def test_a_number_that_is_none_in_a_query_changes_nothing(host: Host, path: str, number: str) -> None:
    seed(host)
    owner = host.logged_in(Role.OWNER)
    token = host.accounts.tokens.create("script", tuple(Scope), actor=COMMAND_LINE)

    answer = owner.client.get(path.format(number), headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "going_to",
    ["é", "//evil.example/admin", "/admin\r\nX: y", "https://evil.example/admin", "/\\evil.example", "\x00"],
)
def test_a_log_in_leads_nowhere_else(host: Host, going_to: str) -> None:
    owner = host.person("owner@example.co.jp", Role.OWNER)

    asked = owner.client.get("/admin/log-in", query_string={"next": going_to})
    owner.post("/admin/log-in", name=owner.name, password="a bicycle in the rain", next=going_to)
    answer = owner.post("/admin/code", code=owner.code(), next=going_to)

    assert asked.status_code == 200
    assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/")


def test_a_card_is_printed_again_only_after_a_fresh_proof(host: Host) -> None:
    """It is the link itself: as sensitive as every other download."""
    seed(host)
    owner = host.logged_in(Role.OWNER)
    path = "/admin/batches/1/people/2/reprint"
    fresh = owner.post(path)
    host.clock.advance(11 * 60)

    again = owner.client.get(path)
    sent = owner.client.post(path, data={"csrf_token": "x"})

    assert (fresh.status_code, fresh.mimetype) == (200, "application/pdf")
    for answer in (again, sent):
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith("/admin/again?")


def test_only_numbers_that_a_row_can_have_are_paths(host: Host) -> None:
    routes = host.pages.app.url_map.bind("")

    assert routes.test("/admin/batches/1/people/2147483647")
    assert not routes.test("/admin/batches/1/people/2147483648")
    assert not routes.test("/admin/batches/1/people/٣")


@pytest.mark.postgresql
def test_what_postgresql_refuses_is_no_failure_of_the_database(
    tmp_path: Path, clock: Clock, postgresql: Postgres
) -> None:
    """It takes no NUL in a text, and no number that its column cannot hold."""
    pages = open_pages(tmp_path / "data", HAGAKI_DATABASE_URL=postgresql.new_database())
    host = make_host(pages, clock)
    seed(host)
    owner = host.logged_in(Role.OWNER)
    token = host.accounts.tokens.create("script", tuple(Scope), actor=COMMAND_LINE)
    paths = {
        "/admin/batches/1?search=%00": 200,
        "/admin/batches/1?after=2147483648": 200,
        "/admin/batches/1/people/2147483648": 404,
        "/api/v1/batches/2147483648": 404,
        "/api/v1/domains/%00": 404,
        f"/d/{'A' * 22}/%00": 404,
    }

    headers = {"Authorization": f"Bearer {token}"}
    found = {path: owner.client.get(path, headers=headers).status_code for path in paths}
    stranger = Person("x\0", b"", (), clock, host.browser())
    refused = stranger.give_password()
    close_pages(pages)

    assert found == paths
    assert refused.status_code == 422
    assert "The name or the password is wrong." in refused.text
