"""The pages of leavers: paste or upload, look, press once, tick off, export."""

from __future__ import annotations

import io
import re
import time

import pytest

from tests.webapp.admin.world import Host, Person
from tests.webapp.batches.followed import Someone, add_batch
from tests.webapp.page_world import form_token
from webapp.accounts import Role
from webapp.batches.following import Stage

TYPED = (
    "山田 太郎 <t.yamada@example.co.jp>, nobody@example.co.jp\nt.yamada@example.co.jp；ｘ＠example.co.jp bad@@x"
)


def seed(host: Host) -> int:
    here = host.pages.services
    people = [Someone(address="t.yamada@example.co.jp"), Someone(address="stays@example.co.jp")]
    return add_batch(here.store, here.config.link_key, people, now=time.time())[0]


def look(owner: Person, **data: object) -> str:
    token = form_token(owner.client.get("/en/admin/leavers").text)
    answer = owner.client.post("/en/admin/leavers", data={"csrf_token": token, **data})
    assert answer.status_code == 200, answer.text
    return answer.text


def press(owner: Person, page: str) -> str:
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    answer = owner.client.post("/en/admin/leavers/revoke", data=fields)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def test_pasted_addresses_are_read_whatever_stands_around_them(host: Host) -> None:
    seed(host)

    page = look(host.logged_in(Role.OWNER), addresses=TYPED)

    assert "End everything of 3 people" in page
    assert "1 entry is not a mail address" in page
    assert page.count("never invited") == 2


def test_one_press_ends_all_and_leaves_the_steps_to_tick_off(host: Host) -> None:
    batch_id = seed(host)
    owner = host.logged_in(Role.OWNER)

    path = press(owner, look(owner, addresses="t.yamada@example.co.jp"))
    stages = [one.stage for one in host.pages.services.following.page(batch_id).people]
    ticked = owner.post(path + "/step", path, step="password")
    page = owner.client.get(path).text
    table = owner.client.get(path + "/done.csv").data.decode("utf-8-sig")

    assert stages == [Stage.REVOKED, Stage.INVITED]
    assert ticked.status_code == 303
    assert page.count("Mark as done</button>") == 4
    assert "t.yamada@example.co.jp" in table
    assert "Change the mailbox password" in table


def test_list_is_read_from_a_file_in_any_encoding(host: Host) -> None:
    seed(host)
    data = "氏名,メールアドレス\n髙橋,t.yamada@example.co.jp\n".encode("cp932")

    page = look(host.logged_in(Role.OWNER), addresses="", file=(io.BytesIO(data), "退職者.csv"))

    assert "End everything of 1 person" in page
    assert "will end" in page


def test_leaver_who_is_an_admin_here_is_said_so(host: Host) -> None:
    owner = host.logged_in(Role.OWNER)

    assert "owner@example.co.jp is also an admin here." in look(owner, addresses="owner@example.co.jp")


@pytest.mark.parametrize("typed", ["", "   ", "nobody", "@@"])
def test_nobody_named_is_asked_again(host: Host, typed: str) -> None:
    owner = host.logged_in(Role.OWNER)
    token = form_token(owner.client.get("/en/admin/leavers").text)

    answer = owner.client.post("/en/admin/leavers", data={"csrf_token": token, "addresses": typed})

    assert answer.status_code == 422
    assert "Error: " in answer.text


def test_unreadable_file_is_told_with_its_reason(host: Host) -> None:
    owner = host.logged_in(Role.OWNER)
    token = form_token(owner.client.get("/en/admin/leavers").text)

    answer = owner.client.post(
        "/en/admin/leavers", data={"csrf_token": token, "file": (io.BytesIO(b"%PDF-1.7 x"), "a.csv")}
    )

    assert answer.status_code == 422
    assert "it is a PDF file" in answer.text


def test_thousand_addresses_fit_into_the_form(host: Host) -> None:
    many = "\n".join(f"someone.with.a.long.name.{n}@department.example.co.jp" for n in range(1000))
    owner = host.logged_in(Role.OWNER)

    path = press(owner, look(owner, addresses=many))

    run = host.pages.services.leavers.run(int(path.rpartition("/")[2]))
    assert run is not None
    assert len(run.people) == 1000


@pytest.mark.parametrize("role", [Role.HELPDESK, Role.AUDITOR])
def test_leavers_are_for_owner_and_operator(host: Host, role: Role) -> None:
    number = host.pages.services.leavers.leave([], actor="test")
    person = host.logged_in(role)

    assert person.client.get("/admin/leavers").status_code == 403
    assert person.client.get(f"/admin/leavers/{number}").status_code == (200 if role is Role.AUDITOR else 403)
