"""Sessions that end while a page stands open: nothing keeps them alive by itself, and everybody finds back."""

from __future__ import annotations

import time

import pytest

from tests.webapp.admin.world import OWNER, PASSWORD, Host, Person
from tests.webapp.batches.followed import Someone, add_batch
from tests.webapp.page_world import form_token
from webapp.accounts import Role
from webapp.accounts.sessions import FRESH_SECONDS, IDLE_SECONDS, TOUCH_SECONDS

FORM = {"name": "eve@example.co.jp", "role": "owner"}


def running_batch(host: Host) -> str:
    """The page of a batch that is being made."""
    here = host.pages.services
    people = (Someone(address="t.yamada@example.co.jp", full_name="山田 太郎"),)
    batch_id, _ = add_batch(here.store, here.config.link_key, people, now=time.time(), state="making")
    return f"/en/admin/batches/{batch_id}"


def prove(person: Person, where: str) -> str:
    """Confirm with password and code; where it leads."""
    page = person.client.get(where).text
    fields = {"csrf_token": form_token(page), "password": PASSWORD, "code": person.code()}
    for name in ("next", "lost"):
        if f'name="{name}" value="' in page:
            fields[name] = page.partition(f'name="{name}" value="')[2].partition('"')[0]
    return person.client.post("/en/admin/again", data=fields).headers["Location"]


# what looks by itself


@pytest.mark.parametrize("path", ["/progress?unattended=1", "?unattended=1"])
def test_a_page_that_looks_by_itself_keeps_no_session_alive(host: Host, path: str) -> None:
    batch, person = running_batch(host), host.logged_in(Role.OPERATOR)

    statuses = []
    for _ in range(3):
        host.clock.advance(IDLE_SECONDS // 2)
        statuses.append(person.client.get(batch + path).status_code)

    assert statuses == [200, 303, 303]


def test_a_person_who_looks_keeps_the_session_alive(host: Host) -> None:
    batch, person = running_batch(host), host.logged_in(Role.OPERATOR)

    statuses = []
    for _ in range(3):
        host.clock.advance(IDLE_SECONDS // 2)
        statuses.append(person.client.get(batch).status_code)

    assert statuses == [200, 200, 200]


def test_the_page_of_a_batch_says_that_it_looks_by_itself(host: Host) -> None:
    batch, person = running_batch(host), host.logged_in(Role.OPERATOR)

    page = person.client.get(batch).text

    assert f'data-batch="{batch}/progress?unattended=1"' in page
    assert f'content="2; url={batch}?unattended=1"' in page, page


def test_whoever_chooses_people_is_not_interrupted_by_a_refresh(host: Host) -> None:
    batch, person = running_batch(host), host.logged_in(Role.OPERATOR)

    page = person.client.get(f"{batch}?show=all").text

    assert 'http-equiv="refresh"' not in page
    assert f'data-batch="{batch}/progress?unattended=1"' in page


# a session that has ended


def test_the_log_in_says_that_the_session_has_ended_and_leads_back(host: Host) -> None:
    batch, person = running_batch(host), host.logged_in(Role.OPERATOR)
    host.clock.advance(IDLE_SECONDS)

    answer = person.client.get(f"{batch}?unattended=1")
    page = person.client.get(answer.headers["Location"]).text

    assert "Your session has ended" in page
    assert "was not carried out" not in page
    assert f'name="next" value="{batch}"' in page


def test_the_log_in_of_a_stranger_says_nothing_of_a_session(host: Host) -> None:
    host.person(OWNER, Role.OWNER)

    assert "Your session has ended" not in host.browser().get("/en/admin/log-in").text


@pytest.mark.parametrize(
    ("pressed", "page"),
    [
        ("/chosen", ""),
        ("/chosen/revoke", ""),
        ("/cancel", "/cancel"),
        ("/retry", ""),
        ("/people/2/revoke", "/people/2/revoke"),
    ],
)
def test_a_button_pressed_after_the_end_says_so_and_leads_to_its_page(host: Host, pressed: str, page: str) -> None:
    batch, person = running_batch(host), host.logged_in(Role.OPERATOR)
    token = form_token(person.client.get(batch).text)
    host.clock.advance(IDLE_SECONDS)

    answer = person.client.post(batch + pressed, data={"csrf_token": token, "action": "revoke", "who": "all"})
    log_in = person.client.get(answer.headers["Location"]).text

    assert "was not carried out" in log_in
    assert f'name="next" value="{batch}{page}"' in log_in


def test_leaving_after_the_end_is_calm(host: Host) -> None:
    person = host.logged_in(Role.OPERATOR)
    token = form_token(person.client.get("/en/admin/").text)
    host.clock.advance(IDLE_SECONDS)

    answer = person.client.post("/en/admin/log-out", data={"csrf_token": token})

    assert (answer.status_code, answer.headers["Location"]) == (303, "/en/admin/log-in")


def test_a_page_of_an_earlier_log_in_is_told_from_another_site(host: Host) -> None:
    """Two tabs: the session ended, one logged in anew in the second, and presses a button in the first."""
    person = host.logged_in(Role.OWNER)
    token = form_token(person.client.get("/en/admin/admins/create").text)
    host.clock.advance(IDLE_SECONDS)
    person.log_in()

    answer = person.client.post("/en/admin/admins/create", data={"csrf_token": token, **FORM})

    assert answer.status_code == 403
    assert "another site" not in answer.text
    assert "earlier log-in" in answer.text
    assert 'href="/en/admin/admins/create"' in answer.text


def test_a_page_that_a_role_may_not_open_says_so(host: Host) -> None:
    person = host.logged_in(Role.HELPDESK)

    answer = person.client.get("/en/admin/audit")

    assert answer.status_code == 403
    assert "another site" not in answer.text
    assert "Help desk" in answer.text
    assert 'href="/en/admin/"' in answer.text


# the proof again


def test_what_was_sent_too_late_is_said_to_be_undone(host: Host) -> None:
    owner = host.logged_in(Role.OWNER)
    token = form_token(owner.client.get("/en/admin/admins/create").text)
    host.clock.advance(FRESH_SECONDS)

    answer = owner.client.post("/en/admin/admins/create", data={"csrf_token": token, **FORM})
    again = answer.headers["Location"]
    onward = prove(owner, again)

    assert "was not carried out" in owner.client.get(again).text
    assert onward.partition("?")[0] == "/en/admin/admins/create"
    assert "Confirmed" in owner.client.get(onward).text


def test_after_the_proof_a_file_is_asked_for_on_its_page(host: Host) -> None:
    """A download would leave the question standing, and its address has lost which of several files it was."""
    batch, owner = running_batch(host), host.logged_in(Role.OWNER)
    host.clock.advance(FRESH_SECONDS)

    answer = owner.client.get(f"{batch}/files/handouts.pdf?part=2")
    onward = prove(owner, answer.headers["Location"])

    assert onward.partition("?")[0] == batch
    assert "Confirmed" in owner.client.get(onward).text


def test_a_page_that_asks_for_the_proof_opens_by_itself_afterwards(host: Host) -> None:
    owner = host.logged_in(Role.OWNER)
    host.clock.advance(FRESH_SECONDS)

    answer = owner.client.get("/en/admin/admins/create")
    onward = prove(owner, answer.headers["Location"])

    assert onward == "/en/admin/admins/create"


# what does not exist


def test_a_page_that_is_not_there_leads_admins_to_their_overview(host: Host) -> None:
    person = host.logged_in(Role.OPERATOR)
    host.clock.advance(TOUCH_SECONDS)

    for path in ("/en/admin/nothing", "/en/admin/batches/99"):
        page = person.client.get(path).text
        assert 'href="/en/admin/"' in page, path
        assert 'href="/en/"' not in page, path
