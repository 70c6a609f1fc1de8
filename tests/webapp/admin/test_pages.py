"""The admin pages as an owner, an operator, a help desk, an auditor and a stranger see them."""

from __future__ import annotations

import re
import time
from dataclasses import replace

import pytest

from tests.servers.dns import NameServer
from tests.webapp.admin.world import OWNER, PASSWORD, Host, Person, shown_once
from tests.webapp.page_world import ADDRESS, REFUSED, form_token, title
from webapp.accounts import COMMAND_LINE, Role, Scope, second_factor
from webapp.accounts.sessions import FRESH_SECONDS, IDLE_SECONDS
from webapp.links import hash_token
from webapp.policy import policy_of
from webapp.probes.report import Stage, StageName
from webapp.store.checks import add_stage
from webapp.store.values import to_text

PAGES = (
    "/admin/",
    "/admin/domains/example.co.jp",
    "/admin/helpdesk",
    "/admin/admins",
    "/admin/sessions",
    "/admin/tokens",
    "/admin/audit",
    "/admin/admins/create",
    "/admin/tokens/create",
    "/admin/admins/1",
)
OPEN = {
    Role.OWNER: set(PAGES),
    Role.OPERATOR: set(PAGES[:3]) | {"/admin/sessions"},
    Role.HELPDESK: set(PAGES[:3]) | {"/admin/sessions"},
    Role.AUDITOR: {*PAGES[:2], *PAGES[3:7]},
}


def first_link(host: Host) -> str:
    url = host.accounts.first_link()
    assert url is not None
    return url.removeprefix(host.accounts.config.base_url)


def key_on(page: str) -> bytes:
    """The secret of the app, from the key that is shown for typing."""
    import base64

    found = re.search(r"<code>([A-Z2-7]{32})</code>", page)
    assert found is not None, page
    return base64.b32decode(found.group(1))


# the law


def test_every_admin_and_api_route_has_its_policy(host: Host) -> None:
    rules = [
        rule for rule in host.pages.app.url_map.iter_rules() if re.match(r"(/<[^>]*>)?/(admin|api)\b", rule.rule)
    ]

    without = [rule.rule for rule in rules if policy_of(host.pages.app.view_functions[rule.endpoint]) is None]

    assert len(rules) > 30
    assert without == []


def test_every_open_page_says_why(host: Host) -> None:
    policies = [
        policy_of(view) for name, view in host.pages.app.view_functions.items() if name.startswith("admin.")
    ]

    open_pages = [policy for policy in policies if policy and not policy.roles and not policy.scope]

    assert all(policy.open_because for policy in open_pages)
    assert len(open_pages) == 4


@pytest.mark.parametrize("path", PAGES)
def test_a_stranger_is_sent_to_the_log_in(host: Host, path: str) -> None:
    answer = host.browser().get(path)

    assert answer.status_code == 303
    assert "/admin/log-in" in answer.headers["Location"]


@pytest.mark.parametrize("role", list(Role))
def test_a_role_sees_its_pages_and_no_others(host: Host, role: Role) -> None:
    host.person("first@example.co.jp", Role.OWNER)
    person = host.logged_in(role)

    seen = {path for path in PAGES if person.client.get(path).status_code == 200}

    assert seen == OPEN[role]


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.HELPDESK, Role.AUDITOR])
def test_only_an_owner_changes_admins(host: Host, role: Role) -> None:
    host.person("first@example.co.jp", Role.OWNER)
    person = host.logged_in(role)

    answer = person.post("/admin/admins/1/disable", "/admin/sessions")

    assert answer.status_code == 403


# set-up


def test_the_set_up_link_makes_the_owner_and_logs_in(host: Host) -> None:
    path, browser = first_link(host), host.browser()
    page = browser.get(path).text
    code = second_factor.code_at(key_on(page), int(host.clock() // 30))

    answer = browser.post(
        path, data={"csrf_token": form_token(page), "name": OWNER, "password": PASSWORD, "code": code}
    )

    assert answer.status_code == 200
    assert len(re.findall(r"<code>[a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4}</code>", answer.text)) == 8
    assert browser.get("/admin/").status_code == 200
    assert browser.get(path).status_code == 410
    assert not (host.accounts.config.data / "setup-link.txt").exists()


def test_opening_the_set_up_link_uses_nothing_up(host: Host) -> None:
    path = first_link(host)

    keys = {key_on(host.browser().get(path).text) for _ in range(3)}

    assert len(keys) == 1
    assert host.browser().head(path).status_code == 200


def test_a_wrong_code_keeps_the_name_and_tells_every_mistake(host: Host) -> None:
    path, browser = first_link(host), host.browser()

    answer = browser.post(
        path,
        data={
            "csrf_token": form_token(browser.get(path).text),
            "name": OWNER,
            "password": "password1234",
            "code": "1",
        },
    )

    assert answer.status_code == 422
    assert OWNER in answer.text
    assert "password1234" not in answer.text
    assert title(answer.text).startswith(("Error", "エラー"))
    assert answer.text.count("field-error") >= 2


# log-in


def test_the_cookie_over_https_is_bound_to_this_host(host: Host) -> None:
    person = host.person(OWNER, Role.OWNER)
    page = person.client.get("/admin/log-in", base_url="https://localhost").text

    answer = person.client.post(
        "/admin/log-in",
        base_url="https://localhost",
        data={"csrf_token": form_token(page), "name": OWNER, "password": PASSWORD},
    )

    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-hagaki_admin=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= {part.strip() for part in cookie.split(";")}
    assert "Domain" not in cookie


def test_over_plain_http_on_this_machine_the_name_is_plain(host: Host) -> None:
    answer = host.person(OWNER, Role.OWNER).give_password()

    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("hagaki_admin=")
    assert {"HttpOnly", "Path=/", "SameSite=Lax"} <= {part.strip() for part in cookie.split(";")}


def test_over_plain_http_from_elsewhere_nobody_logs_in(host: Host) -> None:
    answer = host.browser().get(
        "/admin/log-in", base_url="http://192.0.2.1", environ_base={"REMOTE_ADDR": "192.0.2.9"}
    )

    assert answer.status_code == 403
    assert "https" in answer.text


def test_after_the_password_no_page_opens_yet(host: Host) -> None:
    person = host.person(OWNER, Role.OWNER)
    person.give_password()

    assert person.client.get("/admin/").status_code == 303


def test_the_session_token_changes_with_the_code(host: Host) -> None:
    person = host.person(OWNER, Role.OWNER)
    before = person.give_password().headers["Set-Cookie"]

    after = person.post("/admin/code", code=person.code()).headers["Set-Cookie"]

    assert before.split(";")[0] != after.split(";")[0]


def test_one_goes_on_to_where_one_wanted_to_be(host: Host) -> None:
    person = host.person(OWNER, Role.OWNER)
    where = person.client.get("/admin/sessions").headers["Location"]
    page = person.client.get(where).text

    first = person.client.post(
        "/admin/log-in",
        data={"csrf_token": form_token(page), "name": OWNER, "password": PASSWORD, "next": "/admin/sessions"},
    )
    second = person.post("/admin/code", first.headers["Location"], code=person.code(), next="/admin/sessions")

    assert second.headers["Location"] == "/admin/sessions"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "/c/token"])
def test_nobody_is_sent_elsewhere_after_the_log_in(host: Host, elsewhere: str) -> None:
    person = host.person(OWNER, Role.OWNER)
    person.give_password()

    answer = person.post("/admin/code", code=person.code(), next=elsewhere)

    assert answer.headers["Location"] == "/admin/"


def test_a_wrong_password_is_answered_like_an_unknown_name(host: Host) -> None:
    person = host.person(OWNER, Role.OWNER)
    wrong = person.give_password("wrong")
    person.name = "nobody@example.co.jp"
    unknown = person.give_password()

    def plain(text: str) -> str:
        return re.sub(r'value="[^"]*"', "", text)

    assert (wrong.status_code, plain(wrong.text)) == (unknown.status_code, plain(unknown.text))
    assert wrong.status_code == 422


def test_too_many_tries_are_told(host: Host) -> None:
    person = host.person(OWNER, Role.OWNER)

    statuses = [person.give_password("wrong").status_code for _ in range(6)]

    assert statuses == [422] * 5 + [429]


def test_a_quarter_of_an_hour_without_use_ends_the_session(host: Host) -> None:
    person = host.logged_in(Role.OWNER)

    host.clock.advance(IDLE_SECONDS)

    assert person.client.get("/admin/").status_code == 303


def test_log_out_ends_the_session(host: Host) -> None:
    person = host.logged_in(Role.OWNER)
    cookie = person.client.get_cookie("hagaki_admin")
    assert cookie is not None

    person.post("/admin/log-out", "/admin/")

    assert host.accounts.sessions.find(cookie.value) is None


# forms


def test_a_form_without_its_token_changes_nothing(host: Host) -> None:
    person = host.logged_in(Role.OWNER)

    answer = person.client.post("/admin/admins/create", data={"name": "eve", "role": "owner"})

    assert answer.status_code == 403
    assert [admin.name for admin in host.accounts.people.every()] == [person.name]


def test_the_token_of_another_session_is_refused(host: Host) -> None:
    owner, other = host.logged_in(Role.OWNER), host.logged_in(Role.OPERATOR)
    token = form_token(other.client.get("/admin/").text)

    answer = owner.client.post("/admin/admins/create", data={"csrf_token": token, "name": "eve", "role": "owner"})

    assert answer.status_code == 403


def test_a_form_started_by_another_site_is_refused(host: Host) -> None:
    person = host.logged_in(Role.OWNER)
    token = form_token(person.client.get("/admin/").text)

    answer = person.client.post(
        "/admin/log-out", data={"csrf_token": token}, headers={"Sec-Fetch-Site": "cross-site"}
    )

    assert answer.status_code == 403
    assert person.client.get("/admin/").status_code == 200


# admins, sessions, tokens


def test_an_owner_adds_an_admin_by_a_link_that_is_shown_once(host: Host) -> None:
    owner = host.logged_in(Role.OWNER)

    page = owner.post("/admin/admins/create", name="jiro", role="helpdesk").text
    link = shown_once(page).removeprefix(host.accounts.config.base_url)

    assert "jiro" in host.browser().get(link).text
    assert link not in owner.client.get("/admin/admins").text


def test_what_is_sensitive_asks_for_password_and_code_again(host: Host) -> None:
    owner = host.logged_in(Role.OWNER)
    host.clock.advance(FRESH_SECONDS)

    first = owner.client.get("/admin/admins/create")
    proof = owner.post("/admin/again", password=PASSWORD, code=owner.code(), next="/admin/admins/create")

    assert "/admin/again" in first.headers["Location"]
    assert proof.headers["Location"] == "/admin/admins/create"
    assert owner.client.get("/admin/admins/create").status_code == 200


def test_a_button_pressed_too_late_leads_back_to_its_page(host: Host) -> None:
    owner = host.logged_in(Role.OWNER)
    token = form_token(owner.client.get("/admin/admins/1").text)
    host.clock.advance(FRESH_SECONDS)

    answer = owner.client.post("/admin/admins/1/reset", data={"csrf_token": token})

    assert answer.headers["Location"] == "/admin/again?next=/admin/admins/1&lost=1"


def test_an_owner_disables_an_admin_at_once(host: Host) -> None:
    owner, other = host.logged_in(Role.OWNER), host.logged_in(Role.OPERATOR)
    number = host.accounts.people.get(other.name).id

    owner.post(f"/admin/admins/{number}/disable", f"/admin/admins/{number}", sure="1")

    assert other.client.get("/admin/").status_code == 303


@pytest.mark.parametrize("action", ["disable", "reset"])
def test_what_ends_everything_of_an_admin_asks_first(host: Host, action: str) -> None:
    owner, other = host.logged_in(Role.OWNER), host.logged_in(Role.OPERATOR)
    page = f"/en/admin/admins/{host.accounts.people.get(other.name).id}"

    question = owner.post(f"{page}/{action}", page).text

    assert f"tokens of {other.name} end at once" in question
    assert f'href="{page}"' in question
    assert other.client.get("/admin/").status_code == 200
    owner.post(f"{page}/{action}", page, sure="1")
    assert other.client.get("/admin/").status_code == 303


def test_a_token_is_revoked_after_the_question(host: Host) -> None:
    owner = host.logged_in(Role.OWNER)
    token = host.accounts.tokens.create("給与 2026", [Scope.BATCHES_READ], actor=COMMAND_LINE)

    question = owner.post("/en/admin/tokens/revoke", "/en/admin/tokens", id="給与 2026").text

    assert "Revoke the token 給与 2026?" in question
    assert host.accounts.tokens.find(token) is not None
    owner.post("/en/admin/tokens/revoke", "/en/admin/tokens", id="給与 2026", sure="1")
    assert host.accounts.tokens.find(token) is None


def test_an_owner_ends_another_admin_s_session_and_others_only_their_own(host: Host) -> None:
    owner, other = host.logged_in(Role.OWNER), host.logged_in(Role.OPERATOR)
    theirs = host.accounts.sessions.every(host.accounts.people.get(owner.name).id)[0].id
    other.post("/admin/sessions/end", "/admin/sessions", id=theirs)
    assert owner.client.get("/admin/").status_code == 200

    mine = host.accounts.sessions.every(host.accounts.people.get(other.name).id)[0].id
    owner.post("/admin/sessions/end", "/admin/sessions", id=mine)

    assert other.client.get("/admin/").status_code == 303


def test_a_token_is_shown_once(host: Host) -> None:
    owner = host.logged_in(Role.OWNER)

    token = shown_once(owner.post("/admin/tokens/create", name="HR", scopes="batches:write", days="30").text)

    assert host.accounts.tokens.find(token) is not None
    assert token not in owner.client.get("/admin/tokens").text


def test_a_token_without_scope_is_refused(host: Host) -> None:
    assert host.logged_in(Role.OWNER).post("/admin/tokens/create", name="HR", days="30").status_code == 422


def test_every_mistake_about_a_token_is_told_at_once(host: Host) -> None:
    page = host.logged_in(Role.OWNER).post("/en/admin/tokens/create", name="", days="30").text

    assert page.count('class="field-error"') == 2


# help desk and domains


def test_the_help_desk_reads_out_cause_and_advice(host: Host) -> None:
    token = host.pages.checked(REFUSED)
    person = host.logged_in(Role.HELPDESK)

    page = person.post("/admin/helpdesk", address="Ｔ．Ｙａｍａｄａ＠example.co.jp").text

    assert "CONNECT_REFUSED" in page
    assert "mail.example.co.jp:993" in page
    assert token not in page


def test_the_help_desk_sees_no_link(host: Host) -> None:
    token = host.pages.checked()
    view = host.pages.checks.view(token)
    person = host.logged_in(Role.HELPDESK)

    page = person.post("/admin/helpdesk", address=ADDRESS).text

    assert view.delivery is not None
    assert view.handover is not None
    assert not any(secret in page for secret in (token, view.delivery.token, view.handover.token))


def test_the_stages_of_a_check_are_told_service_by_service(host: Host) -> None:
    token_hash = hash_token(host.pages.checked(REFUSED))
    later = (("smtp", True), ("imap", None))
    with host.pages.services.store.write() as connection:
        for service, ok in later:
            stage = Stage(service=service, stage=StageName.LOGIN, ok=ok, server="mail.example.co.jp:1")
            add_stage(connection, token_hash, stage=to_text(stage), now=time.time())

    page = host.logged_in(Role.HELPDESK).post("/en/admin/helpdesk", address=ADDRESS).text

    services = re.findall(r'<th scope="row" class="t">(IMAP|SMTP) ', page)
    assert services == ["IMAP", "IMAP", "IMAP", "SMTP"]
    assert re.search(r'<td class="n skip-s">–</td><td class="x"><span class="state">not tried', page)


def test_a_domain_shows_its_records_as_table_and_as_zone(host: Host) -> None:
    page = host.logged_in(Role.OPERATOR).client.get("/admin/domains/example.co.jp").text

    assert "_imaps._tcp.example.co.jp" in page
    assert "3600 IN SRV" in page


def test_the_doctor_says_what_mail_apps_find(host: Host, name_server: NameServer) -> None:
    """The name server knows nothing, so every app comes back with empty hands, and the page says so."""
    here = host.pages.services
    resolver = ("127.0.0.1", name_server.port)
    host.pages.app.extensions["hagaki"] = replace(here, config=replace(here.config, resolver=resolver))
    person = host.logged_in(Role.HELPDESK)

    page = person.post("/admin/domains/example.co.jp/doctor", "/admin/domains/example.co.jp").text

    assert "Thunderbird" in page
    assert "CLIENT_FINDS_NOTHING" in page
    assert host.accounts.audit.newest()[0].action == "domain.doctor"


def test_a_domain_that_is_not_hosted_has_no_page(host: Host) -> None:
    assert host.logged_in(Role.OWNER).client.get("/admin/domains/example.net").status_code == 404


# everywhere


@pytest.mark.parametrize("language", ["ja", "en"])
def test_pages_speak_both_languages_and_load_nothing_foreign(host: Host, language: str) -> None:
    owner: Person = host.logged_in(Role.OWNER)
    host.accounts.tokens.create("HR", [Scope.BATCHES_READ], actor=COMMAND_LINE)

    for path in PAGES:
        answer = owner.client.get(f"/{language}{path}")
        assert answer.status_code == 200, path
        assert f'<html lang="{language}">' in answer.text
        assert answer.headers["Cache-Control"] == "no-store"
        assert "style=" not in answer.text
        assert not re.search(r'(src|href)="(https?:)?//', answer.text)
        assert bool(re.search("[ぁ-ん]", re.sub(r"日本語|葉書", "", answer.text))) == (language == "ja"), path


def test_what_admins_do_is_written_down_without_secrets(host: Host) -> None:
    owner = host.logged_in(Role.OWNER)
    link = shown_once(owner.post("/admin/admins/create", name="jiro", role="helpdesk").text)
    token = shown_once(owner.post("/admin/tokens/create", name="HR", scopes="batches:read", days="30").text)

    page = owner.client.get("/admin/audit?verify=1").text
    actions = [entry.action for entry in host.accounts.audit.newest()]

    assert actions[:2] == ["token.create", "admin.create"]
    assert not any(secret in page for secret in (PASSWORD, token, link.rpartition("/")[2]))
    assert host.accounts.audit.verify()[1] == ()
