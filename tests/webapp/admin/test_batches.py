"""The pages of batches: what they show, what each role may do, and that every action asks first."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest

from profiles.problems import Code, Problem
from tests.webapp.admin.world import Host, Person, make_host
from tests.webapp.batches.followed import Someone, add_batch
from tests.webapp.clock import Clock
from tests.webapp.page_world import close_pages, form_token, open_pages
from webapp.accounts import Role
from webapp.batches.following import Action, Choice, Show, Stage
from webapp.batches.options import Mode
from webapp.batches.rows import CellProblem
from webapp.store import tables
from webapp.store.values import to_text

AT = 1_789_999_000.0
PEOPLE = (
    Someone(address="t.yamada@example.co.jp", full_name="山田 太郎", department="営業部"),
    Someone(address="h.sato@example.co.jp", full_name="佐藤 花子", link={"opened_at": AT, "fetched_at": AT}),
    Someone(address="i.suzuki@example.co.jp", full_name="鈴木 一郎", link={"opened_at": AT}),
    Someone(address="k.mori@example.co.jp", full_name="森 健", state="failed"),
)
MAKERS = (Role.OWNER, Role.OPERATOR)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A host for pages that change nothing."""
    pages = open_pages(tmp_path_factory.mktemp("shared"))
    host = make_host(pages, Clock())
    seed(host)
    yield host
    close_pages(pages)


@pytest.fixture(scope="module")
def people(shared: Host) -> dict[Role, Person]:
    """One logged-in admin of each role."""
    return {role: shared.logged_in(role) for role in Role}


def seed(host: Host, mode: Mode = Mode.INVITATIONS, **changes: str) -> int:
    here = host.pages.services
    list_ = PEOPLE
    if mode is Mode.READY_MADE:
        list_ = (Someone(address="a@example.co.jp", full_name="A", password="secret words"),)
    batch_id, _ = add_batch(here.store, here.config.link_key, list_, now=time.time(), mode=mode, **changes)
    return batch_id


def stage(host: Host, batch_id: int, row: int) -> Stage | None:
    person = host.pages.services.following.person(batch_id, row)
    return None if person is None else person.stage


# looking


@pytest.mark.parametrize("role", Role)
def test_every_role_sees_batches_and_people(people: dict[Role, Person], role: Role) -> None:
    client = people[role].client

    assert "新入社員 2026年秋" in client.get("/ja/admin/batches").text
    page = client.get("/ja/admin/batches/1").text
    assert "山田 太郎" in page
    assert ("files/results.zip" in page) is (role in MAKERS)
    assert ('name="row"' in page) is (role in MAKERS)
    assert ("/delete" in page) is (role in MAKERS)


def test_without_a_batch_the_page_says_what_one_is(host: Host) -> None:
    page = host.logged_in(Role.OPERATOR).client.get("/en/admin/batches").text

    assert "No batch yet" in page
    assert page.count('href="/en/admin/lists/new"') == 1


def test_visitor_without_a_session_is_sent_to_the_log_in(shared: Host) -> None:
    for path in ("/admin/batches", "/admin/batches/1", "/admin/batches/1/files/results.zip", "/admin/leavers"):
        answer = shared.browser().get(path)
        assert answer.status_code == 303
        assert "/log-in" in answer.headers["Location"]


def test_unknown_batch_and_person_are_404(people: dict[Role, Person]) -> None:
    client = people[Role.OWNER].client

    for path in ("99", "99/progress", "1/people/99", "1/people/2/dance", "1/files/secrets.csv"):
        assert client.get(f"/admin/batches/{path}").status_code == 404, path


def test_filter_and_search_choose_the_people(people: dict[Role, Person]) -> None:
    client = people[Role.OWNER].client

    fetched = client.get("/en/admin/batches/1?show=fetched").text
    found = client.get("/en/admin/batches/1?search=鈴木").text
    nobody = client.get("/en/admin/batches/1?search=nobody").text

    assert "佐藤 花子" in fetched
    assert "山田 太郎" not in fetched
    assert "鈴木 一郎" in found
    assert "佐藤 花子" not in found
    assert "Nobody here." in nobody


def test_funnel_is_drawn_and_told_in_numbers(people: dict[Role, Person]) -> None:
    page = people[Role.AUDITOR].client.get("/en/admin/batches/1").text

    assert page.count('<rect class="f-ai"') == 6
    assert re.search(r"<td>Opened</td><td class=\"n\">2</td><td class=\"n\">66.7%</td>", page)


def test_no_page_ever_shows_a_link_or_a_pin(host: Host) -> None:
    batch_id = seed(host, Mode.READY_MADE)
    client = host.logged_in(Role.OWNER).client
    here = host.pages.services
    with here.store.read() as connection:
        ids = [link.id for link in here.invitations.again(connection, invitation_ids(host, batch_id)).values()]
        links = here.invitations.again(connection, ids)

    pages = [
        client.get(f"/admin/batches/{batch_id}{path}").text for path in ("", "/people/2", "/people/2/reissue")
    ]

    for link in links.values():
        assert link.pin
        for page in pages:
            assert "/s/" not in page
            assert link.token not in page
            assert link.pin not in page
            assert "secret words" not in page


def invitation_ids(host: Host, batch_id: int) -> list[bytes]:
    from sqlalchemy import select

    from webapp.store.tables import invitations

    with host.pages.services.store.read() as connection:
        query = select(invitations.c.id).where(invitations.c.batch_id == batch_id)
        return list(connection.execute(query).scalars())


# progress


def test_running_batch_shows_progress_with_and_without_script(host: Host) -> None:
    batch_id = seed(host, state="making")
    client = host.logged_in(Role.OWNER).client

    page = client.get(f"/en/admin/batches/{batch_id}").text
    told = client.get(f"/en/admin/batches/{batch_id}/progress").json

    assert '<noscript><meta http-equiv="refresh" content="2; url=' in page
    assert f'data-batch="/en/admin/batches/{batch_id}/progress' in page
    assert 'role="progressbar"' in page
    assert told["ended"] is False
    assert (told["done"], told["total"]) == (4, 4)
    assert told["texts"]["value"] == "4 of 4 rows, 1 with problems"


def test_page_says_that_no_worker_runs(host: Host) -> None:
    batch_id = seed(host, state="making")
    table = tables.batches
    client = host.logged_in(Role.OWNER).client

    def page(silent: float) -> str:
        with host.pages.services.store.write() as connection:
            connection.execute(table.update().values(options='{"expires_at":1}', touched_at=time.time() - silent))
        return client.get(f"/ja/admin/batches/{batch_id}").text

    assert "ワーカーが動いていない" not in page(5)
    assert "ワーカーが動いていない" in page(60)


def test_ended_batch_is_not_followed(people: dict[Role, Person]) -> None:
    client = people[Role.OWNER].client

    page = client.get("/en/admin/batches/1").text

    assert "http-equiv" not in page
    assert "data-batch" not in page
    assert client.get("/en/admin/batches/1/progress").json["ended"] is True


def test_batch_is_stopped_only_after_the_question(host: Host) -> None:
    batch_id = seed(host, state="making")
    owner = host.logged_in(Role.OWNER)
    path = f"/en/admin/batches/{batch_id}/cancel"

    page = owner.client.get(path).text
    assert host.pages.services.batches.view(batch_id).is_active
    assert "3 rows are made and stay" in page

    assert owner.post(path).status_code == 303
    assert not host.pages.services.batches.view(batch_id).is_active


# deleting


@pytest.mark.parametrize("typed", ["新入社員 2026年秋", "1"])
def test_batch_is_deleted_once_its_name_or_number_is_typed(host: Host, typed: str) -> None:
    seed(host)
    owner = host.logged_in(Role.OWNER)

    assert owner.post("/admin/batches/1/delete", typed="something").status_code == 422
    assert owner.client.get("/admin/batches/1").status_code == 200
    assert owner.post("/admin/batches/1/delete", typed=typed).status_code == 303

    assert owner.client.get("/admin/batches/1").status_code == 404


# files


@pytest.mark.parametrize("name", ["results.zip", "results.csv", "problems.csv", "handouts.pdf"])
def test_result_is_streamed_and_noted(shared: Host, people: dict[Role, Person], name: str) -> None:
    answer = people[Role.OPERATOR].client.get(f"/admin/batches/1/files/{name}", buffered=True)

    assert answer.status_code == 200
    assert answer.data
    newest = shared.accounts.audit.newest(most=1)[0]
    assert (newest.action, newest.details) == ("batch.download", {"file": name})
    assert people[Role.HELPDESK].client.get(f"/admin/batches/1/files/{name}").status_code == 403
    assert people[Role.AUDITOR].client.get(f"/admin/batches/1/files/{name}").status_code == 403


def test_bad_rows_and_cards_are_announced_as_they_are(people: dict[Role, Person]) -> None:
    client = people[Role.OPERATOR].client

    assert client.get("/admin/batches/1/files/problems.csv", buffered=True).content_type == "text/csv"
    assert client.get("/admin/batches/1/files/handouts.pdf?part=2", buffered=True).status_code == 404


def test_results_ask_for_the_password_again_after_a_while(host: Host) -> None:
    seed(host)
    owner = host.logged_in(Role.OWNER)
    for _ in range(3):
        host.clock.advance(5 * 60)
        owner.client.get("/admin/batches")

    answer = owner.client.get("/admin/batches/1/files/results.zip")

    assert answer.status_code == 303
    assert "/again" in answer.headers["Location"]


def test_pins_are_offered_for_ready_made_links_with_advice(host: Host) -> None:
    batch_id = seed(host, Mode.READY_MADE)
    client = host.logged_in(Role.OWNER).client

    page = client.get(f"/en/admin/batches/{batch_id}").text
    pins = client.get(f"/admin/batches/{batch_id}/files/pins.csv", buffered=True).data.decode("utf-8-sig")

    assert "PINs go another way" in page
    assert re.search(r"a@example\.co\.jp,A,000-0001,\d{6}", pins)


# many


def ask(owner: Person, **fields: str | list[str]) -> str:
    token = form_token(owner.client.get("/en/admin/batches/1").text)
    answer = owner.client.post("/en/admin/batches/1/chosen", data={"csrf_token": token, **fields})
    assert answer.status_code == 200, answer.text
    return answer.text


def press(owner: Person, page: str, action: str, **fields: str) -> object:
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    return owner.client.post(f"/en/admin/batches/1/chosen/{action}", data={**hidden, **fields})


def test_ticked_people_get_new_links_after_the_question(host: Host) -> None:
    seed(host)
    owner = host.logged_in(Role.OWNER)

    page = ask(owner, action="reissue", who="ticked", row=["2", "3"])
    assert "Make 2 new links" in page
    assert stage(host, 1, 3) is Stage.FETCHED

    answer = press(owner, page, "reissue")
    assert answer.status_code == 303
    assert "2 new links were made." in owner.client.get(answer.headers["Location"]).text
    assert stage(host, 1, 3) is Stage.INVITED
    assert stage(host, 1, 4) is Stage.OPENED


def test_all_whom_the_list_shows_are_revoked(host: Host) -> None:
    seed(host)
    owner = host.logged_in(Role.OPERATOR)

    page = ask(owner, action="revoke", who="all", show="unfinished", search="")
    assert "Revoke 1 link" in page
    press(owner, page, "revoke")

    assert [stage(host, 1, row) for row in (2, 3, 4)] == [Stage.INVITED, Stage.FETCHED, Stage.REVOKED]


def test_the_part_of_the_list_one_came_from_is_shown_again(host: Host) -> None:
    seed(host)
    owner = host.logged_in(Role.OWNER)

    page = ask(owner, action="extend", who="ticked", row=["2"], show="unstarted", search="山田")
    answer = press(owner, page, "extend", days="90")

    assert "show=unstarted" in answer.headers["Location"]
    assert "search=%E5%B1%B1%E7%94%B0" in answer.headers["Location"]


def test_the_same_press_again_says_that_nothing_was_left_to_do(host: Host) -> None:
    seed(host)
    owner = host.logged_in(Role.OWNER)
    page = ask(owner, action="revoke", who="all", show="all")
    press(owner, page, "revoke")

    answer = press(owner, page, "revoke")

    assert "Nothing was left to do" in owner.client.get(answer.headers["Location"]).text


def test_a_mail_with_an_old_link_is_told_as_such(host: Host) -> None:
    here = host.pages.services
    people = (Someone(address="a@example.co.jp", full_name="A", mail_state="sent", link={"mailed_at": AT}),)
    batch_id, _ = add_batch(here.store, here.config.link_key, people, now=time.time())
    owner = host.logged_in(Role.OWNER)
    page = f"/en/admin/batches/{batch_id}/people/2"
    before = owner.client.get(page).text

    owner.post(f"{page}/reissue")

    replaced = "sent, but with a link that a new one has replaced"
    assert replaced not in before
    assert replaced in owner.client.get(page).text


def test_a_failed_mail_is_not_told_like_a_failed_check(host: Host) -> None:
    here = host.pages.services
    people = (Someone(address="a@example.co.jp", mail_state="failed"),)
    batch_id, _ = add_batch(here.store, here.config.link_key, people, now=time.time())

    page = host.logged_in(Role.OWNER).client.get(f"/ja/admin/batches/{batch_id}").text

    assert "メール：送れなかった" in page
    assert "メール：確認できなかった" not in page


def test_problems_are_mended_in_the_words_of_a_page(host: Host) -> None:
    here = host.pages.services
    problems = (CellProblem(problem=Problem(Code.DOMAIN_NOT_SERVED, {"domain": "example.net"}), row=2),)
    people = (Someone(address="a@example.net", state="failed", problems=to_text(problems)),)
    batch_id, _ = add_batch(here.store, here.config.link_key, people, now=time.time())

    page = host.logged_in(Role.OWNER).client.get(f"/en/admin/batches/{batch_id}").text

    assert "or add the domain first" in page
    assert "hagaki domain add" not in page


def test_the_overview_offers_what_comes_next(shared: Host, people: dict[Role, Person]) -> None:
    maker = people[Role.OPERATOR].client.get("/en/admin/").text
    reader = people[Role.AUDITOR].client.get("/en/admin/").text

    assert 'href="/en/admin/lists/new"' in maker
    assert 'href="/en/admin/lists/new"' not in reader
    for page in (maker, reader):
        assert 'href="/en/admin/batches/1"' in page


def test_question_says_how_many_are_left_out_and_why(host: Host) -> None:
    seed(host)

    page = ask(host.logged_in(Role.OWNER), action="revoke", who="all", show="all")

    assert re.search(
        r"<dt>Chosen</dt><dd>4</dd>.*<dt>Will be changed</dt><dd>3</dd>.*<dt>Left out</dt><dd>1</dd>", page, re.S
    )
    assert "Their link was never made, or is revoked already." in page


def test_nobody_ticked_is_said_and_nothing_is_asked(host: Host) -> None:
    seed(host)
    owner = host.logged_in(Role.OWNER)
    token = form_token(owner.client.get("/en/admin/batches/1").text)

    answer = owner.client.post(
        "/en/admin/batches/1/chosen", data={"csrf_token": token, "action": "revoke", "who": "ticked"}
    )

    assert answer.status_code == 303
    assert "Nobody was chosen" in owner.client.get(answer.headers["Location"]).text


@pytest.mark.parametrize("days", ["0", "366", "", "ten", "-1"])
def test_impossible_days_are_asked_again_and_change_nothing(host: Host, days: str) -> None:
    seed(host)
    owner = host.logged_in(Role.OWNER)
    before = host.pages.services.following.person(1, 2)

    page = ask(owner, action="extend", who="ticked", row=["2"])
    answer = press(owner, page, "extend", days=days)

    assert answer.status_code == 422
    assert "a number from 1 to 365" in answer.text
    assert host.pages.services.following.person(1, 2) == before


def test_extended_link_opens_longer(host: Host) -> None:
    seed(host)
    owner = host.logged_in(Role.OWNER)

    press(owner, ask(owner, action="extend", who="ticked", row=["2"]), "extend", days="90")

    person = host.pages.services.following.person(1, 2)
    assert person is not None
    assert person.expires_at is not None
    assert person.expires_at.timestamp() > time.time() + 89 * 24 * 3600


def test_cards_of_ticked_people_are_printed_again(host: Host) -> None:
    seed(host)
    owner = host.logged_in(Role.OWNER)

    answer = press(owner, ask(owner, action="reprint", who="ticked", row=["2"]), "reprint")

    assert answer.status_code == 200
    assert answer.mimetype == "application/pdf"
    assert answer.data.startswith(b"%PDF")


def test_mails_are_offered_only_where_a_relay_is_set_up(host: Host) -> None:
    seed(host)

    page = host.logged_in(Role.OWNER).client.get("/en/admin/batches/1").text

    assert 'value="reissue"' in page
    assert 'value="remind"' not in page


@pytest.mark.parametrize("role", [Role.HELPDESK, Role.AUDITOR])
def test_many_people_are_for_owner_and_operator(shared: Host, people: dict[Role, Person], role: Role) -> None:
    client = people[role].client
    token = form_token(client.get("/admin/batches/1").text)

    for path in ("chosen", "chosen/revoke", "cancel", "retry", "delete"):
        data = {"csrf_token": token, "rows": "2", "action": "revoke", "who": "ticked", "row": "2"}
        assert client.post(f"/admin/batches/1/{path}", data=data).status_code == 403, path
    assert stage(shared, 1, 2) is Stage.INVITED


@pytest.mark.parametrize("path", ["chosen", "chosen/revoke", "cancel", "retry", "delete", "people/2/revoke"])
def test_form_of_another_session_is_refused(shared: Host, people: dict[Role, Person], path: str) -> None:
    data = {"csrf_token": "x", "rows": "2", "action": "revoke", "who": "ticked", "row": "2", "typed": "1"}

    assert people[Role.OWNER].client.post(f"/admin/batches/1/{path}", data=data).status_code == 403
    assert stage(shared, 1, 2) is Stage.INVITED


# one


def test_person_is_shown_step_by_step(people: dict[Role, Person]) -> None:
    page = people[Role.AUDITOR].client.get("/en/admin/batches/1/people/3").text

    assert "h.sato@example.co.jp" in page
    assert page.count('<li class="done">') >= 2
    assert "What can be done" not in page


def test_help_desk_makes_a_new_link_for_one_person(host: Host) -> None:
    seed(host)
    helper = host.logged_in(Role.HELPDESK)

    page = helper.client.get("/en/admin/batches/1/people/3").text
    assert "people/3/reissue" in page
    assert "people/3/extend" not in page
    assert "Make 1 new link" in helper.client.get("/en/admin/batches/1/people/3/reissue").text
    assert helper.client.get("/en/admin/batches/1/people/3/extend").status_code == 404

    answer = helper.post("/en/admin/batches/1/people/3/reissue")
    assert answer.status_code == 303
    assert stage(host, 1, 3) is Stage.INVITED
    newest = host.accounts.audit.newest(most=1)[0]
    assert (newest.actor, newest.action, newest.subject) == (
        "helpdesk@example.co.jp",
        "link.reissue",
        "h.sato@example.co.jp",
    )


def test_action_that_would_change_nothing_is_not_offered(host: Host) -> None:
    seed(host)
    host.pages.services.following.revoke(1, Choice(show=Show.UNSTARTED), actor="test")
    client = host.logged_in(Role.OWNER).client

    page = client.get("/en/admin/batches/1/people/2").text

    assert "people/2/reissue" in page
    assert "people/2/revoke" not in page
    assert client.get("/en/admin/batches/1/people/2/revoke").status_code == 404


@pytest.mark.parametrize("action", Action)
def test_every_action_has_words_in_both_languages(action: Action) -> None:
    from webapp.admin import batch_words

    assert batch_words.ACTIONS[action]
    assert batch_words.EFFECTS[action]


def test_help_desk_finds_the_invitations_of_an_address(host: Host) -> None:
    first, second = seed(host), seed(host)
    helper = host.logged_in(Role.HELPDESK)

    page = helper.post("/en/admin/helpdesk", address="h.sato@example.co.jp").text

    assert f"/en/admin/batches/{first}/people/3" in page
    assert f"/en/admin/batches/{second}/people/3" in page
    assert "profile fetched" in page
