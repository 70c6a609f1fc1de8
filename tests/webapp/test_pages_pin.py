"""The page of a ready-made link: what it asks and never gives away, where it leads, and how far one has come."""

from __future__ import annotations

import plistlib
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from profiles.address import Address
from profiles.problems import Code, Problem, ProblemError
from tests.webapp.page_world import (
    ADDRESS,
    BROWSER,
    GOOD,
    NAME,
    WRONG,
    Pages,
    close_pages,
    form_token,
    open_pages,
    title,
)
from webapp.batches.invitations import Invitation, end_of
from webapp.batches.options import Mode
from webapp.batches.rows import Employee
from webapp.checks.mailing import Mailing
from webapp.links import SAMPLE_TOKEN, hash_token
from webapp.probes.test_mail import RoundTrip
from webapp.store.tables import invitations, set_ups

PIN, OTHER = "482913", "571830"
PASSWORD = "correct 合言葉 <&> 9"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile/15E148 Safari"
)
SCRIPT = {"Accept": "*/*"}
MARKS = ("opened_at", "validated_at", "issued_at", "fetched_at", "confirmed_at")


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    opened = open_pages(tmp_path / "data")
    yield opened
    close_pages(opened)


def invite(
    pages: Pages, *, mode: Mode = Mode.READY_MADE, tried: bool = False, seconds: float = 3600, name: str = NAME
) -> Invitation:
    """One link; its card is printed."""
    local, domain = ADDRESS.split("@")
    settings = pages.services.directory.find(domain)
    assert settings is not None
    employee = Employee(
        row=2, address=Address(local, domain), settings=settings, full_name=name, password=PASSWORD, pin=PIN
    )
    invited = pages.services.invitations
    batch = invited.begin(name="list.csv", mode=mode, total=1)
    made = invited.invite(
        batch, [employee], expires_at=time.time() + seconds, mode=mode, tried=[2] if tried else []
    )
    return made[0]


def send(
    pages: Pages, link: Invitation, pin: str, headers: dict[str, str] | None = None, **fields: str
) -> TestResponse:
    """Send the PIN as a browser does."""
    path = f"/s/{link.token}"
    data = {"csrf_token": pages.form_token(path), "pin": pin, **fields}
    return pages.client.post(path, data=data, headers=headers or BROWSER)


def marks(pages: Pages, link: Invitation) -> dict[str, bool]:
    """How far somebody has come."""
    with pages.services.store.read() as connection:
        columns = [invitations.c[name] for name in MARKS]
        row = connection.execute(select(*columns).where(invitations.c.id == link.id)).one()
    return {name: value is not None for name, value in zip(MARKS, row, strict=True)}


def reached(pages: Pages, link: Invitation) -> set[str]:
    """The marks that are set."""
    return {name.removesuffix("_at") for name, is_set in marks(pages, link).items() if is_set}


def fetched_devices(pages: Pages) -> list[tuple[str, str]]:
    """Device and kind of each set-up."""
    with pages.services.store.read() as connection:
        rows = connection.execute(select(set_ups.c.device, set_ups.c.kind).order_by(set_ups.c.id))
        return [(row.device, row.kind) for row in rows]


# what the page asks, and what it keeps to itself


@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_page_asks_for_the_pin_alone(language: str, pages: Pages) -> None:
    page = pages.client.get(f"/{language}/s/{invite(pages).token}")

    assert page.status_code == 200
    field = re.search(r'<input[^>]*name="pin"[^>]*>', page.text)
    assert field is not None
    assert 'inputmode="numeric"' in field[0]
    assert 'autocomplete="one-time-code"' in field[0]
    assert 'maxlength="6"' in field[0]
    assert "pattern=" in field[0]
    assert '<label for="pin">' in page.text
    for given in (ADDRESS, NAME, "株式会社サンプル"):
        assert given in page.text
    for secret in (PASSWORD, "合言葉", PIN, 'name="password"'):
        assert secret not in page.text
    assert "Set-Cookie" not in page.headers


def test_looking_uses_nothing_up_and_marks_nothing(pages: Pages) -> None:
    link = invite(pages)
    path = f"/s/{link.token}"

    pages.client.head(path)
    pages.client.options(path)
    assert pages.client.get(path).status_code == pages.client.get(path).status_code == 200
    assert pages.client.get(f"{path}/iphone").status_code == 200
    assert pages.client.get(f"{path}/opened").status_code == 405
    assert pages.client.post(path).status_code == 422
    assert pages.client.post(path, data={"pin": PIN}).status_code == 422
    assert pages.client.post(path, data={"csrf_token": "stale", "pin": PIN}).status_code == 422
    assert send(pages, link, "").status_code == 422

    assert reached(pages, link) == set()
    assert send(pages, link, PIN).status_code == 303


@pytest.mark.parametrize("pin", ["", "48291", "48291x", "\x00", "<script>", "9" * 5000])
def test_what_is_no_pin_is_said_and_not_counted(pin: str, pages: Pages) -> None:
    link = invite(pages)

    for _ in range(6):
        answer = send(pages, link, pin)
        assert answer.status_code == 422
    assert title(answer.text).startswith("Error:")
    assert 'aria-invalid="true"' in answer.text
    assert "A PIN has six digits." in answer.text
    assert "<script>" not in answer.text
    assert send(pages, link, PIN).status_code == 303


@pytest.mark.parametrize(
    ("language", "wrong", "locked"),
    [("ja", "PINが違います。", "ロックされています"), ("en", "This PIN is not right.", "This link is locked")],
)
def test_wrong_pins_are_counted_and_lock_the_link(language: str, wrong: str, locked: str, pages: Pages) -> None:
    link = invite(pages)
    path = f"/{language}/s/{link.token}"
    data = {"csrf_token": pages.form_token(path), "pin": OTHER}

    answers = [pages.client.post(path, data=data, headers=BROWSER) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [422] * 4 + [410]
    assert [str(left) in answer.text for left, answer in zip((4, 3, 2, 1), answers[:4], strict=True)] == [True] * 4
    assert wrong in answers[0].text
    right = pages.client.post(path, data=data | {"pin": PIN}, headers=BROWSER)
    for answer in (answers[4], right, pages.client.get(path)):
        assert answer.status_code == 410
        assert locked in answer.text
        assert "PIN_LOCKED" in answer.text
        assert 'name="pin"' not in answer.text
        assert OTHER not in answer.text
    assert reached(pages, link) == set()


def test_the_typed_pin_is_never_sent_back(pages: Pages) -> None:
    assert OTHER not in send(pages, invite(pages), OTHER).text


def test_a_form_of_one_link_does_not_fit_another(pages: Pages) -> None:
    link = invite(pages)

    answer = send(pages, link, PIN, csrf_token=form_token(pages.client.get("/").text))

    assert answer.status_code == 422
    assert reached(pages, link) == set()


def test_an_ended_link_says_so_in_both_languages(pages: Pages) -> None:
    link = invite(pages, seconds=-1)

    assert "期限が切れています" in pages.client.get(f"/ja/s/{link.token}").text
    assert "no longer valid" in pages.client.get(f"/en/s/{link.token}").text
    assert pages.client.post(f"/s/{link.token}", data={"pin": PIN}).status_code == 410


# where it leads


@pytest.mark.parametrize("tried", [True, False])
def test_the_right_pin_leads_a_browser_to_the_steps_and_the_profile(tried: bool, pages: Pages) -> None:
    link = invite(pages, tried=tried)

    answer = send(pages, link, PIN, headers={**BROWSER, "User-Agent": IPHONE}, device="iphone")
    assert answer.status_code == 303
    page = pages.client.get(answer.headers["Location"])
    assert page.status_code == 200
    assert ("These settings were not checked" in page.text) is not tried
    assert PASSWORD not in page.text
    delivery = re.search(r"/d/[\w-]{22}/[^\"]+\.mobileconfig", page.text)
    assert delivery is not None
    profile = pages.client.get(delivery[0], headers={"User-Agent": IPHONE})
    assert profile.status_code == 200
    assert profile.content_type == "application/x-apple-aspen-config"
    assert password_of(profile.data) == PASSWORD
    assert pages.probe.asked == []


def password_of(signed: bytes) -> str:
    """The password in a signed profile."""
    plist = plistlib.loads(signed[signed.index(b"<?xml") : signed.index(b"</plist>") + 8])
    return str(plist["PayloadContent"][0]["IncomingPassword"])


@pytest.mark.parametrize("headers", [SCRIPT, {"Accept": "application/octet-stream"}, {"Accept": ""}])
def test_the_right_pin_leads_a_program_to_the_file(headers: dict[str, str], pages: Pages) -> None:
    answer = send(pages, invite(pages), PIN, headers=headers)

    assert answer.status_code == 303
    assert re.fullmatch(r"/d/[\w-]{22}/[\w.@%-]+\.mobileconfig", answer.headers["Location"])
    assert password_of(pages.client.get(answer.headers["Location"]).data) == PASSWORD


def test_a_program_may_ask_for_androids_file(pages: Pages) -> None:
    answer = send(pages, invite(pages), PIN, headers=SCRIPT, device="android")

    assert answer.headers["Location"].endswith(".k9s")


def test_a_program_that_types_a_password_waits_for_the_check_and_gets_the_file(pages: Pages) -> None:
    link = invite(pages, mode=Mode.INVITATIONS)
    path = f"/s/{link.token}"
    data = {"csrf_token": pages.form_token(path), "password": GOOD}

    answer = pages.client.post(path, data=data, headers=SCRIPT)

    assert answer.status_code == 303
    assert re.fullmatch(r"/d/[\w-]{22}/[\w.@%-]+\.mobileconfig", answer.headers["Location"])
    assert password_of(pages.client.get(answer.headers["Location"]).data) == GOOD


def test_a_program_whose_check_fails_is_led_to_the_page_that_says_why(pages: Pages) -> None:
    link = invite(pages, mode=Mode.INVITATIONS)
    path = f"/s/{link.token}"
    data = {"csrf_token": pages.form_token(path), "password": WRONG}

    answer = pages.client.post(path, data=data, headers=SCRIPT)

    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/c/")
    assert "AUTH_WRONG_PASSWORD" in pages.client.get(answer.headers["Location"]).text


def test_a_name_without_an_entry_in_the_list_is_left_out(pages: Pages) -> None:
    answer = send(pages, invite(pages, name=""), PIN, headers=SCRIPT)

    assert pages.client.get(answer.headers["Location"]).status_code == 200


# how far somebody has come


def test_the_pages_script_says_that_it_was_opened(pages: Pages) -> None:
    for mode in Mode:
        link = invite(pages, mode=mode)
        path = f"/s/{link.token}"
        page = pages.client.get(path).text
        found = re.search(r'data-opened="([^"]+)"', page)
        assert found is not None
        assert pages.client.post(found[1]).status_code == 422
        assert reached(pages, link) == set()

        answer = pages.client.post(found[1], data={"csrf_token": form_token(page)})

        assert (answer.status_code, answer.data) == (204, b"")
        assert reached(pages, link) == {"opened"}


def test_the_marks_of_a_ready_made_link(pages: Pages) -> None:
    link = invite(pages, tried=True)
    answer = send(pages, link, PIN, headers=SCRIPT)
    assert reached(pages, link) == {"opened", "validated", "issued"}

    pages.client.head(answer.headers["Location"])
    assert reached(pages, link) == {"opened", "validated", "issued"}
    pages.client.get(answer.headers["Location"], headers={"User-Agent": IPHONE})
    pages.client.get(answer.headers["Location"], headers={"User-Agent": "profiled"})
    assert reached(pages, link) == {"opened", "validated", "issued", "fetched"}
    assert fetched_devices(pages) == [("iphone", "mobileconfig")]


def test_an_untried_password_is_issued_and_not_validated(pages: Pages) -> None:
    link = invite(pages)
    send(pages, link, PIN)

    assert reached(pages, link) == {"opened", "issued"}


def test_the_marks_of_an_invitation(pages: Pages) -> None:
    link = invite(pages, mode=Mode.INVITATIONS)
    path = f"/s/{link.token}"
    pages.checked(password=WRONG, path=path)
    assert reached(pages, link) == {"opened"}
    check = pages.checked(path=path)
    assert reached(pages, link) == {"opened", "validated", "issued"}

    page = pages.client.get(f"/c/{check}/iphone").text
    delivery = re.search(r"/d/[\w-]{22}/[^\"]+\.mobileconfig", page)
    assert delivery is not None
    pages.client.get(delivery[0], headers={"User-Agent": IPHONE})
    assert reached(pages, link) == {"opened", "validated", "issued", "fetched"}


def test_androids_file_counts_as_fetched(pages: Pages) -> None:
    link = invite(pages, mode=Mode.INVITATIONS)
    check = pages.checked(path=f"/s/{link.token}")
    page = pages.client.get(f"/c/{check}/android").text
    file = re.search(r'href="(/c/[^"]+\.k9s)"', page)
    assert file is not None

    pages.client.head(file[1])
    assert "fetched" not in reached(pages, link)
    pages.client.get(file[1], headers={"User-Agent": "Mozilla/5.0 (Linux; Android 10; K) Chrome/140 Mobile"})

    assert "fetched" in reached(pages, link)
    assert fetched_devices(pages) == [("android", "k9s")]


def test_the_handed_over_file_counts_for_its_device(pages: Pages) -> None:
    link = invite(pages, mode=Mode.INVITATIONS)
    check = pages.checked(path=f"/s/{link.token}")
    handover = pages.checks.view(check).handover
    assert handover is not None
    path = f"/h/{handover.token}"

    claimed = pages.client.post(path, data={"csrf_token": pages.form_token(path)})
    pages.client.get(claimed.headers["Location"], headers={"User-Agent": IPHONE})

    assert fetched_devices(pages) == [("iphone", "mobileconfig")]


def test_who_says_that_it_works_is_thanked_once_and_for_all(pages: Pages) -> None:
    link = invite(pages, mode=Mode.INVITATIONS)
    check = pages.checked(path=f"/s/{link.token}")
    page = pages.client.get(f"/c/{check}/iphone").text
    form = re.search(r'action="(/c/[^"]+/works[^"]*)">(.*?)</form>', page, re.S)
    assert form is not None
    assert pages.client.post(form[1]).status_code == 422
    assert pages.client.get(form[1]).status_code == 405
    assert "confirmed" not in reached(pages, link)

    answer = pages.client.post(form[1], data={"csrf_token": form_token(form[2])})

    assert answer.status_code == 303
    assert "confirmed" in reached(pages, link)
    assert "Thank you." in pages.client.get(answer.headers["Location"]).text


@pytest.mark.parametrize(("seconds", "confirmed"), [(0.5, True), (None, False)])
def test_a_test_mail_that_comes_back_confirms(seconds: float | None, confirmed: bool, pages: Pages) -> None:
    lost = () if confirmed else (Problem(Code.TEST_MAIL_NOT_SEEN),)
    trip = RoundTrip(seconds=seconds, is_removed=True, stages=(), problems=lost)
    pages.checks._mailing = Mailing(lambda *_: trip, pages.checks.budget)
    link = invite(pages, mode=Mode.INVITATIONS)
    check = pages.checked(path=f"/s/{link.token}")

    pages.checks.send_test_mail(check, GOOD, subject="", text="")

    assert ("confirmed" in reached(pages, link)) is confirmed


def test_who_came_without_an_invitation_is_not_asked(pages: Pages) -> None:
    assert 'id="works"' not in pages.client.get(f"/c/{pages.checked()}/iphone").text


def test_a_failed_check_confirms_nothing(pages: Pages) -> None:
    link = invite(pages, mode=Mode.INVITATIONS)
    check = pages.checked(password=WRONG, path=f"/s/{link.token}")
    page = pages.client.get(f"/c/{check}").text
    token = form_token(page)

    assert 'id="works"' not in page
    assert pages.client.post(f"/c/{check}/works", data={"csrf_token": token}).status_code == 422
    assert "confirmed" not in reached(pages, link)


def test_what_was_issued_unchecked_after_a_failure_is_marked_as_issued(pages: Pages) -> None:
    link = invite(pages, mode=Mode.INVITATIONS)
    check = pages.checked(password=WRONG, path=f"/s/{link.token}")

    pages.checks.issue_unchecked(check)

    assert reached(pages, link) == {"opened", "issued"}


def test_a_revoked_invitation_starts_no_check_and_ends_its_own(pages: Pages) -> None:
    link = invite(pages, mode=Mode.INVITATIONS)
    path = f"/s/{link.token}"
    token = pages.form_token(path)
    check = pages.checked(path=path)
    delivery = pages.checks.view(check).delivery
    assert delivery is not None
    with pages.services.store.write() as connection:
        end_of(connection, link.id, now=time.time())
        connection.execute(
            invitations.update().where(invitations.c.token_hash == hash_token(link.token)).values(revoked=True)
        )

    assert pages.client.get(f"/c/{check}").status_code == 410
    assert pages.client.get(f"/d/{delivery.token}/{delivery.filenames[0]}").status_code == 410
    assert pages.client.post(path, data={"csrf_token": token, "password": GOOD}).status_code == 410
    assert len(pages.probe.asked) == 1


def test_a_service_that_signs_in_by_its_own_page_is_marked_as_well(pages: Pages) -> None:
    """There is no check; the file goes out under the invitation itself, whatever the list holds."""
    settings = pages.services.directory.find("outlook.com")
    assert settings is not None
    assert settings.needs_oauth
    employee = Employee(
        row=2,
        address=Address("taro", "outlook.com"),
        settings=settings,
        full_name=NAME,
        password=PASSWORD,
        pin=PIN,
    )
    invited = pages.services.invitations
    batch = invited.begin(name="list.csv", mode=Mode.READY_MADE, total=1)
    (link,) = invited.invite(batch, [employee], expires_at=time.time() + 3600, mode=Mode.READY_MADE)
    path = f"/s/{link.token}"
    page = pages.client.get(path).text
    assert 'name="pin"' not in page
    assert 'name="password"' not in page

    data = {"csrf_token": form_token(page), "step": "profile", "device": "android"}
    answer = pages.client.post(path, data=data, headers=BROWSER)
    assert answer.status_code == 303
    assert reached(pages, link) == {"opened", "issued"}
    pages.client.get(answer.headers["Location"], headers={"User-Agent": "Mozilla/5.0 (Linux; Android 10; K)"})

    assert reached(pages, link) == {"opened", "issued", "fetched"}
    assert fetched_devices(pages) == [("android", "k9s")]


def test_an_invitation_that_ends_while_its_form_is_sent_starts_no_check(pages: Pages) -> None:
    link = invite(pages, seconds=-1)
    settings = pages.services.directory.find("example.co.jp")
    assert settings is not None

    with pytest.raises(ProblemError) as raised:
        pages.checks.start(settings, Address("taro", "example.co.jp"), "", GOOD, invitation=link.token)

    assert raised.value.problems[0].code is Code.LINK_EXPIRED
    assert pages.probe.asked == []


def test_sweeping_forgets_the_passwords_of_ended_links(pages: Pages) -> None:
    ended, living = invite(pages, seconds=-1), invite(pages)

    pages.checks.sweep()

    with pages.services.store.read() as connection:
        found = connection.execute(select(invitations.c.id, invitations.c.sealed)).all()
    sealed = {row.id: row.sealed for row in found}
    assert sealed[ended.id] is None
    assert sealed[living.id] is not None


# the test card


@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_code_of_a_test_card_opens_a_friendly_page(language: str, pages: Pages) -> None:
    page = pages.client.get(f"/{language}/s/{SAMPLE_TOKEN}")

    assert page.status_code == 200
    assert ("読み取れました" if language == "ja" else "can be read") in title(page.text)
    assert "<form" not in page.text
    assert pages.client.post(f"/s/{SAMPLE_TOKEN}/opened").status_code == 422


# the password itself, for apps that read no profile


def opened_check(pages: Pages, link: Invitation) -> str:
    """The token of the check behind an opened link."""
    return send(pages, link, PIN).headers["Location"].split("/c/")[1].split("/")[0]


def password_form(page: str) -> re.Match[str] | None:
    """The form that shows the password."""
    return re.search(r'action="(/c/[^"]+/show-password[^"]*)">(.*?)</form>', page, re.S)


@pytest.mark.parametrize("device", ["android", "windows", "mac", "linux"])
def test_other_apps_are_told_the_password_by_a_press(device: str, pages: Pages) -> None:
    check = opened_check(pages, invite(pages))
    page = pages.client.get(f"/c/{check}/{device}").text
    form = password_form(page)
    assert form is not None
    assert "合言葉" not in page
    looked = pages.client.get(form[1])
    assert (looked.status_code, looked.headers["Location"].startswith("/c/")) == (302, True)
    assert pages.client.post(form[1]).status_code == 422

    shown = pages.client.post(form[1], data={"csrf_token": form_token(form[2])})

    assert shown.status_code == 200
    assert shown.headers["Cache-Control"] == "no-store"
    assert "correct 合言葉 &lt;&amp;&gt; 9" in shown.text
    assert "<&>" not in shown.text


def test_an_iphone_has_it_in_the_profile(pages: Pages) -> None:
    assert password_form(pages.client.get(f"/c/{opened_check(pages, invite(pages))}/iphone").text) is None


def test_a_password_that_was_typed_is_never_shown(pages: Pages) -> None:
    ready = opened_check(pages, invite(pages))
    form = password_form(pages.client.get(f"/c/{ready}/windows").text)
    assert form is not None
    typed = pages.checked()

    assert password_form(pages.client.get(f"/c/{typed}/windows").text) is None
    other = pages.client.post(f"/c/{typed}/show-password", data={"csrf_token": form_token(form[2])})
    assert other.status_code == 422
    assert GOOD not in other.text


def test_an_ended_link_shows_no_password(pages: Pages) -> None:
    link = invite(pages)
    check = opened_check(pages, link)
    form = password_form(pages.client.get(f"/c/{check}/windows").text)
    assert form is not None
    with pages.services.store.write() as connection:
        end_of(connection, link.id, now=time.time())

    shown = pages.client.post(form[1], data={"csrf_token": form_token(form[2])})

    assert shown.status_code == 410
    assert "合言葉" not in shown.text
