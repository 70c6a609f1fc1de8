"""My set-up: what it shows and what it hides, and what a lost phone ends."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from profiles.address import Address
from tests.servers.processes import PATIENCE
from tests.webapp.page_world import (
    ADDRESS,
    BROWSER,
    GOOD,
    NAME,
    SLOW,
    WRONG,
    Pages,
    close_pages,
    form_token,
    open_pages,
)
from webapp.batches.options import Mode
from webapp.batches.rows import Employee
from webapp.links import hash_token, new_token
from webapp.store import set_ups
from webapp.store.tables import deliveries, handovers, invitations

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) Version/26.0 Mobile/15E148 Safari/604.1"
OTHER = "info@example.co.jp"
PAGES = ("mine", "password", "remove", "lost", "address")
DEVICES = ("iphone", "android", "mac", "windows", "linux")


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    opened = open_pages(tmp_path / "data")
    yield opened
    close_pages(opened)


def invite(pages: Pages, *, seconds: float = 3600, mode: Mode = Mode.INVITATIONS, address: str = ADDRESS) -> str:
    """Invite the one employee; return the token of the link."""
    local, domain = address.split("@")
    settings = pages.services.directory.find(domain)
    assert settings is not None
    ready = {"password": "listed password", "pin": "493817"} if mode is Mode.READY_MADE else {}
    employee = Employee(row=2, address=Address(local, domain), settings=settings, full_name=NAME, **ready)
    invited = pages.services.invitations
    batch = invited.begin(name="list.csv", mode=mode, total=1)
    return invited.invite(batch, [employee], expires_at=time.time() + seconds, mode=mode)[0].token


def fetch(pages: Pages, check: str, user_agent: str = IPHONE) -> TestResponse:
    """Download the profile of a finished check, as the device's page offers it."""
    page = pages.client.get(f"/c/{check}/iphone").text
    found = re.search(r'href="(/d/[^"]+\.mobileconfig)"', page)
    assert found is not None, page
    return pages.client.get(found.group(1), headers={"User-Agent": user_agent})


def form_of(pages: Pages, check: str, what: str) -> str:
    """The token of one of the forms on the page of a finished check."""
    page = pages.client.get(f"/c/{check}/iphone").text
    found = re.search(rf'action="/c/[^"]+/{what}[^"]*">(.*?)</form>', page, re.S)
    assert found is not None, page
    return form_token(found[1])


def report(pages: Pages, token: str, **fields: str | list[str]) -> TestResponse:
    path = f"/s/{token}/lost"
    data = {"csrf_token": pages.form_token(path), **fields}
    return pages.client.post(path, data=data)


def rows(pages: Pages, table: object) -> list[tuple[object, ...]]:
    with pages.services.store.read() as connection:
        return [tuple(row) for row in connection.execute(table.select())]  # type: ignore[attr-defined]


def test_an_unused_card_says_so_and_leads_to_the_form(pages: Pages) -> None:
    token = invite(pages)

    page = pages.client.get(f"/s/{token}/mine", headers={"Accept-Language": "en"}).text

    assert "Nothing has been set up from this card yet." in page
    assert f'href="/s/{token}"' in page
    assert "t.yamada@example.co.jp" in page


def test_what_was_fetched_stands_there_with_device_kind_and_local_time(pages: Pages) -> None:
    token = invite(pages)
    fetch(pages, pages.checked(path=f"/s/{token}"))

    page = pages.client.get(f"/s/{token}/mine", headers={"Accept-Language": "ja"}).text

    assert "iPhone" in page
    assert "プロファイル" in page
    assert re.search(r"<time[^>]*>\d{4}年\d+月\d+日\(.\) \d\d:\d\d</time>", page)


@pytest.mark.parametrize("mode", Mode)
def test_no_page_shows_a_secret_or_needs_a_cookie(mode: Mode, pages: Pages) -> None:
    token = invite(pages, mode=mode)
    if mode is Mode.INVITATIONS:
        fetch(pages, pages.checked(path=f"/s/{token}"))

    for name in PAGES:
        answer = pages.client.get(f"/s/{token}/{name}")

        assert answer.status_code == 200
        assert not [secret for secret in (GOOD, "listed password", "493817") if secret in answer.text]
        assert "Set-Cookie" not in answer.headers
        assert answer.headers["Cache-Control"] == "no-store"
        # links of the check, by which files could be had, stand on its own page only
        assert not re.search(r'"/(ja/|en/)?[cdh]/', answer.text)


def test_a_link_that_opens_nothing_opens_none_of_these_pages(pages: Pages) -> None:
    links = {"x": 404, "A" * 22: 404, invite(pages, seconds=-1): 410}

    for token, status in links.items():
        for name in PAGES:
            assert pages.client.get(f"/s/{token}/{name}").status_code == status, (token, name)


def test_looking_changes_nothing(pages: Pages) -> None:
    token = invite(pages)
    fetch(pages, pages.checked(path=f"/s/{token}"))
    before = [rows(pages, table) for table in (invitations, deliveries, handovers, set_ups.set_ups)]

    for name in PAGES:
        for _ in range(2):
            pages.client.get(f"/s/{token}/{name}")
        pages.client.head(f"/s/{token}/{name}")
        pages.client.options(f"/s/{token}/{name}")

    assert [rows(pages, table) for table in (invitations, deliveries, handovers, set_ups.set_ups)] == before


@pytest.mark.parametrize("language", ["ja", "en"])
def test_every_device_has_its_words(language: str, pages: Pages) -> None:
    token = invite(pages)

    for device in DEVICES:
        password = pages.client.get(f"/{language}/s/{token}/password/{device}")
        remove = pages.client.get(f"/{language}/s/{token}/remove/{device}")

        assert password.status_code == remove.status_code == 200
        for page in (password.text, remove.text):
            assert f'/{language}/s/{token}/mine"' in page
        makes_profile = f'href="/{language}/s/{token}/{device}">' in password.text
        assert makes_profile


def test_a_forgotten_password_leads_to_the_hosts_own_help(pages: Pages) -> None:
    page = pages.client.get(f"/s/{invite(pages)}/password", headers={"Accept-Language": "en"}).text

    main = page.split("<footer")[0]
    assert "IT help desk, " in main
    assert 'href="mailto:help@example.co.jp"' in main


def test_a_providers_own_pages_stand_where_a_new_password_is_made(pages: Pages) -> None:
    token = invite(pages, address="taro@gmail.com")

    for path in (f"/en/s/{token}/password", f"/en/s/{token}/lost?again=1"):
        assert pages.client.get(path).status_code == 200
    password = pages.client.get(f"/en/s/{token}/password").text
    report(pages, token)
    lost = pages.client.get(f"/en/s/{token}/lost").text

    for page in (password, lost):
        assert 'href="https://myaccount.google.com/apppasswords"' in page
    assert "app password of Gmail" in password
    assert "Delete the app password of the phone" in lost


def test_a_service_without_passwords_speaks_of_signing_in(pages: Pages) -> None:
    token = invite(pages, address="taro@outlook.com")

    mine = pages.client.get(f"/en/s/{token}/mine").text
    password = pages.client.get(f"/en/s/{token}/password").text
    address = pages.client.get(f"/en/s/{token}/address").text

    assert f"/s/{token}/address" not in mine
    assert "Mail apps do not keep your password here." in password
    assert "Make the profile with the new password" not in password
    assert 'name="password"' not in address


def test_an_ipad_sees_an_ipad(pages: Pages) -> None:
    ipad = IPHONE.replace("iPhone", "iPad")

    page = pages.client.get(f"/s/{invite(pages)}/remove/iphone", headers={"User-Agent": ipad}).text

    assert "ipad-remove-1-general" in page


def test_a_finished_check_of_an_invitation_leads_to_it_and_no_other_does(pages: Pages) -> None:
    token = invite(pages)
    invited = pages.checked(path=f"/s/{token}")
    stranger = pages.checked(address="other@example.co.jp")

    assert f'href="/s/{token}/mine"' in pages.client.get(f"/c/{invited}").text
    assert "/mine" not in pages.client.get(f"/c/{stranger}").text
    assert f'href="/s/{token}/mine"' in pages.client.get(f"/s/{token}").text


@pytest.mark.parametrize("password", [GOOD, WRONG])
def test_the_check_of_an_invitation_shows_the_number_of_the_card(password: str, pages: Pages) -> None:
    card = pages.client.get(f"/en/s/{invite(pages)}").text
    check = pages.checked(password=password, path=f"/s/{invite(pages)}")

    page = pages.client.get(f"/en/c/{check}/iphone").text

    number = re.search(r"Card number \d{3}-\d{4}", card)
    assert number is not None
    assert number.group() in page
    assert "Card number" not in pages.client.get(f"/en/c/{pages.checked()}/iphone").text


def test_a_failed_check_of_an_invitation_leads_to_a_new_password(pages: Pages) -> None:
    token = invite(pages)
    check = pages.checked(password=WRONG, path=f"/s/{token}")

    assert f'href="/en/s/{token}/password"' in pages.client.get(f"/en/c/{check}").text
    assert "/password" not in pages.client.get(f"/en/c/{pages.checked(WRONG)}").text


@pytest.mark.parametrize("device", ["iphone", "android"])
def test_a_new_password_is_tried_where_it_can_be_typed(device: str, pages: Pages) -> None:
    asks, ready = invite(pages), invite(pages, mode=Mode.READY_MADE)

    assert f'href="/en/s/{asks}/{device}"' in pages.client.get(f"/en/s/{asks}/password/{device}").text
    # The list's password is the old one.
    page = pages.client.get(f"/en/s/{ready}/password/{device}").text
    assert f'href="/en/?device={device}"' in page
    assert f'href="/en/s/{ready}/{device}"' not in page


def test_a_failed_check_of_an_invitation_is_tried_again_at_the_invitation(pages: Pages) -> None:
    token = invite(pages)
    check = pages.checked(password=WRONG, path=f"/s/{token}")

    page = pages.client.get(f"/ja/c/{check}").text
    again = pages.client.post(
        f"/s/{token}", data={"csrf_token": form_token(page), "password": GOOD, "address": ADDRESS}
    )

    assert f'action="/ja/s/{token}" id="retry"' in page
    assert again.status_code == 303


# a lost phone


def test_a_lost_phone_ends_every_link_and_the_check_that_runs(pages: Pages) -> None:
    token = invite(pages)
    done = pages.checked(path=f"/s/{token}")
    page = pages.client.get(f"/c/{done}/iphone").text
    file = re.search(r'href="(/d/[^"]+)"', page)
    code = re.search(r'href="[^"]*(/h/[^"]+)"', page)
    assert file is not None
    assert code is not None
    running = pages.submit(f"/s/{token}", password=SLOW).headers["Location"]

    answer = report(pages, token)
    pages.probe.go_on.set()
    pages.checks.wait(running.split("/c/")[1].split("/")[0], PATIENCE)

    assert answer.status_code == 303
    for path in (f"/c/{done}", file.group(1), code.group(1), running):
        assert pages.client.get(path).status_code == 410, path
    # the row of the running check got no files afterwards
    assert not [row for row in rows(pages, deliveries) if row[3] and not row[6]]


def test_a_check_that_the_same_person_began_without_the_card_ends_too(pages: Pages) -> None:
    token = invite(pages)
    alone = pages.checked()

    report(pages, token)

    assert pages.client.get(f"/c/{alone}").status_code == 410


@pytest.mark.parametrize("mode", Mode)
def test_nothing_of_a_check_opens_once_its_invitation_has_ended(mode: Mode, pages: Pages) -> None:
    """Also of one that was issued unchecked: a list's password that nobody tried, or settings without one."""
    token = invite(pages, mode=mode)
    if mode is Mode.READY_MADE:
        sent = {"csrf_token": pages.form_token(f"/s/{token}"), "pin": "493817"}
        check = pages.client.post(f"/s/{token}", data=sent, headers=BROWSER).headers["Location"].split("/")[2]
    else:
        check = pages.checked(path=f"/s/{token}", password=WRONG)
        pages.checks.issue_unchecked(check)
    view = pages.checks.view(check)
    assert view.delivery is not None
    assert view.handover is not None
    paths = {
        "page": f"/c/{check}",
        "steps": f"/c/{check}/android",
        "stages": f"/c/{check}.json",
        "settings file": f"/c/{check}/x.k9s",
        "autoconfig": f"/c/{check}/x.xml",
        "delivery": f"/d/{view.delivery.token}/{view.delivery.filenames[0]}",
        "hand-over": f"/h/{view.handover.token}",
    }
    works = form_of(pages, check, "works")
    before = {name: pages.client.get(path).status_code for name, path in paths.items()}

    report(pages, token)

    after = {name: pages.client.get(path).status_code for name, path in paths.items()}
    assert before == dict.fromkeys(paths, 200)
    assert after == dict.fromkeys(paths, 410)
    assert pages.client.post(f"/c/{check}/works", data={"csrf_token": works}).status_code == 410


def test_others_keep_their_links(pages: Pages) -> None:
    token = invite(pages)
    other = pages.checked(address="other@example.co.jp")

    report(pages, token)

    assert pages.client.get(f"/c/{other}").status_code == 200


def test_a_link_that_asks_for_the_password_stays_for_the_new_phone(pages: Pages) -> None:
    token = invite(pages)

    report(pages, token)

    assert pages.client.get(f"/s/{token}").status_code == 200
    assert pages.checked(path=f"/s/{token}")
    assert (
        "You reported a lost phone" in pages.client.get(f"/s/{token}/mine", headers={"Accept-Language": "en"}).text
    )


def test_a_ready_made_link_ends_and_its_password_is_forgotten(pages: Pages) -> None:
    token = invite(pages, mode=Mode.READY_MADE)

    answer = report(pages, token)

    assert pages.client.get(f"/s/{token}").status_code == 410
    assert pages.client.get(f"/s/{token}/mine").status_code == 410
    with pages.services.store.read() as connection:
        assert connection.execute(invitations.select()).mappings().one()["sealed"] is None
    # what is to be done now can still be read
    page = pages.client.get(answer.headers["Location"])
    assert page.status_code == 200
    assert f"/s/{token}/password" not in page.text


def test_a_ready_made_link_of_the_same_person_ends_with_a_report_from_the_other_card(pages: Pages) -> None:
    asks, ready = invite(pages), invite(pages, mode=Mode.READY_MADE)

    report(pages, asks)

    assert pages.client.get(f"/s/{ready}").status_code == 410
    assert pages.client.get(f"/s/{asks}").status_code == 200


def test_the_device_that_is_named_is_marked_and_no_other(pages: Pages) -> None:
    token = invite(pages)
    fetch(pages, pages.checked(path=f"/s/{token}"))
    fetch(pages, pages.checked(path=f"/s/{token}"), user_agent="Mozilla/5.0 (Macintosh) Safari/605")
    with pages.services.store.read() as connection:
        mac, phone = connection.execute(set_ups.set_ups.select().order_by(set_ups.set_ups.c.at.desc())).all()

    report(pages, token, set_up=[str(phone.id), "999", "x"])

    here = pages.services.set_ups.view(token)
    assert [one.id for one in here.remaining] == [mac.id]
    assert here.lost_at is not None
    page = pages.client.get(f"/s/{token}/lost", headers={"Accept-Language": "en"}).text
    assert "icloud.com/find" in page
    assert "google.com/android" not in page


def test_the_report_stands_in_the_audit_log_without_the_link(pages: Pages) -> None:
    token = invite(pages)

    report(pages, token)

    entry = pages.services.accounts.audit.newest()[0]
    assert (entry.actor, entry.action, entry.subject) == ("card 0000001", "phone.lost", ADDRESS)
    assert token not in repr(entry)
    assert pages.services.accounts.audit.verify()[1] == ()


def test_a_second_phone_can_be_reported_later(pages: Pages) -> None:
    token = invite(pages)
    report(pages, token)

    page = pages.client.get(f"/s/{token}/lost?again=1")
    answer = pages.client.post(f"/s/{token}/lost", data={"csrf_token": form_token(page.text)})

    assert answer.status_code == 303
    assert len(pages.services.accounts.audit.newest()) == 2


@pytest.mark.parametrize("csrf", ["", "forged", "(other link)"])
def test_a_report_needs_the_pages_own_form(csrf: str, pages: Pages) -> None:
    token = invite(pages)
    value = form_token(pages.client.get(f"/s/{token}").text) if csrf == "(other link)" else csrf

    answer = pages.client.post(f"/s/{token}/lost", data={"csrf_token": value})

    assert answer.status_code == 422
    assert pages.services.set_ups.view(token).lost_at is None
    foreign = pages.client.post(f"/s/{token}/lost", headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403


def test_reports_of_one_card_do_not_fit_another(pages: Pages) -> None:
    assert pages.client.post(f"/s/{new_token()}/lost").status_code == 404
    assert pages.client.post("/s/x/lost").status_code == 404


# another address


def test_another_address_is_checked_with_a_user_name_of_its_own(pages: Pages) -> None:
    token = invite(pages)
    path = f"/s/{token}/address"

    check = pages.checked(path=path, address=OTHER, username="shared-7")

    account, _ = pages.probe.asked[-1]
    assert str(account.address) == OTHER
    assert {server.username for server in account.incoming + account.outgoing} == {"shared-7"}
    assert pages.client.get(f"/c/{check}").status_code == 200


def test_without_a_user_name_the_services_own_is_taken(pages: Pages) -> None:
    pages.checked(path=f"/s/{invite(pages)}/address", address=OTHER)

    account, _ = pages.probe.asked[-1]
    assert account.incoming_server.username == OTHER


def test_another_address_belongs_to_the_card_but_does_not_make_it_done(pages: Pages) -> None:
    """It shows in "my set-up" and ends with a lost phone; but the invitation is to one address, still open."""
    token = invite(pages)
    check = pages.checked(path=f"/s/{token}/address", address=OTHER)
    fetch(pages, check)

    with pages.services.store.read() as connection:
        invitation = connection.execute(invitations.select()).mappings().one()
    assert invitation["validated_at"] is None
    assert invitation["fetched_at"] is None
    assert [one.address for one in pages.services.set_ups.view(token).set_ups] == [OTHER]
    report(pages, token)
    assert pages.client.get(f"/c/{check}").status_code == 410


def test_files_with_the_invited_account_among_others_make_it_done(pages: Pages) -> None:
    """Whoever adds an address before the first file is fetched fetches both in one."""
    both = pages.checked(path=f"/c/{pages.checked(path=f'/s/{invite(pages)}')}/add", address=OTHER)

    fetch(pages, both)
    pages.client.post(f"/c/{both}/works", data={"csrf_token": form_of(pages, both, "works")})

    with pages.services.store.read() as connection:
        invitation = connection.execute(invitations.select()).mappings().one()
    assert invitation["fetched_at"] is not None
    assert invitation["confirmed_at"] is not None


def test_an_address_of_another_service_is_told_where_to_go(pages: Pages) -> None:
    answer = pages.submit(f"/s/{invite(pages)}/address", address="taro@gmail.com")

    assert answer.status_code == 422
    assert "taro@gmail.com" in answer.text
    assert "example.co.jp" in answer.text
    assert pages.probe.asked == []


def test_a_wrong_password_leads_back_to_the_same_form(pages: Pages) -> None:
    token = invite(pages)
    check = pages.checked(password=WRONG, path=f"/s/{token}/address", address=OTHER, username="shared-7")

    page = pages.client.get(f"/en/c/{check}").text

    assert f'action="/en/s/{token}/address" id="retry"' in page
    assert 'name="username" type="text"' in page
    assert 'value="shared-7"' in page
    answer = pages.client.post(
        f"/s/{token}/address",
        data={"csrf_token": form_token(page), "address": OTHER, "username": "shared-8", "password": GOOD},
    )
    assert answer.status_code == 303
    pages.checks.wait(answer.headers["Location"].split("/c/")[1], PATIENCE)
    assert pages.probe.asked[-1][0].incoming_server.username == "shared-8"


def test_the_database_knows_no_link_of_these_forms(pages: Pages) -> None:
    token = invite(pages)
    pages.checked(password=WRONG, path=f"/s/{token}/address", address=OTHER)

    with pages.services.store.read() as connection:
        text = "".join(str(row) for row in connection.exec_driver_sql("SELECT * FROM checks"))

    assert token not in text
    assert hash_token(token).hex() not in text
