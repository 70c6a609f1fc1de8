"""Several accounts of one person in one profile: from a finished check to the next, and what each device gets."""

from __future__ import annotations

import plistlib
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from tests.servers.processes import PATIENCE
from tests.webapp.page_world import (
    ADDRESS,
    DOMAIN_TOML,
    GOOD,
    WRONG,
    Pages,
    close_pages,
    form_token,
    open_pages,
)
from webapp.store.tables import handovers

OTHER, THIRD = "info@example.co.jp", "sales@example.co.jp"
OTHER_PASSWORD = "another horse 7"


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    opened = open_pages(tmp_path / "data")
    yield opened
    close_pages(opened)


def profile_of(pages: Pages, check: str) -> dict[str, object]:
    """The profile behind the button, out of its signature: its text stands in it as it is."""
    page = pages.client.get(f"/c/{check}/iphone").text
    found = re.search(r'href="(/d/[^"]+\.mobileconfig)"', page)
    assert found is not None, page
    data = pages.client.get(found.group(1)).data
    text = data[data.index(b"<?xml") : data.index(b"</plist>") + len(b"</plist>")]
    return dict(plistlib.loads(text))


def passwords_of(profile: dict[str, object]) -> dict[str, str | None]:
    payloads = profile["PayloadContent"]
    assert isinstance(payloads, list)
    return {payload["EmailAddress"]: payload.get("IncomingPassword") for payload in payloads}


def add(pages: Pages, check: str, **fields: str) -> str:
    """Check another address beside a finished check."""
    return pages.checked(path=f"/c/{check}/add", **{"address": OTHER, "password": OTHER_PASSWORD, **fields})


def test_the_next_checks_profile_holds_both_with_their_passwords(pages: Pages) -> None:
    first = pages.checked()

    both = profile_of(pages, add(pages, first))

    assert passwords_of(both) == {ADDRESS: GOOD, OTHER: OTHER_PASSWORD}


def test_it_takes_the_place_of_the_installed_one_and_grows(pages: Pages) -> None:
    first = pages.checked()
    alone = profile_of(pages, first)
    second = add(pages, first)

    three = profile_of(pages, add(pages, second, address=THIRD))

    assert list(passwords_of(three)) == [ADDRESS, OTHER, THIRD]
    assert three["PayloadIdentifier"] == alone["PayloadIdentifier"]
    assert three["PayloadUUID"] == alone["PayloadUUID"]


def test_the_page_names_every_account_and_offers_another(pages: Pages) -> None:
    second = add(pages, pages.checked())

    page = pages.client.get(f"/c/{second}/iphone").text

    assert f"<li>{ADDRESS}</li><li>{OTHER}</li>" in page
    assert f'href="/c/{second}/add"' in page


def test_android_gets_one_file_with_both_and_a_code_for_each(pages: Pages) -> None:
    second = add(pages, pages.checked())

    page = pages.client.get(f"/c/{second}/android").text
    file = re.search(r'href="(/c/[^"]+\.k9s)"', page)
    assert file is not None
    data = pages.client.get(file.group(1)).data

    assert [one.text for one in fromstring(data).iterfind("accounts/account/identities/identity/email")] == [
        ADDRESS, OTHER,
    ]  # fmt: skip
    assert page.count('<div class="qr">') == 2


def test_the_stamp_hands_all_of_them_over(pages: Pages) -> None:
    second = add(pages, pages.checked())
    page = pages.client.get(f"/c/{second}/windows").text
    link = re.search(r'href="[^"]*(/h/[^"]+)"', page)
    assert link is not None

    answer = pages.client.post(link.group(1), data={"csrf_token": pages.form_token(link.group(1))})
    data = pages.client.get(answer.headers["Location"]).data

    assert ADDRESS.encode() in data
    assert OTHER.encode() in data


def test_a_delivery_holds_the_files_and_nothing_of_the_passwords_kept_beside(pages: Pages) -> None:
    second = add(pages, pages.checked())
    delivery = pages.checks.view(second).delivery
    handover = pages.checks.view(second).handover
    assert delivery is not None
    assert handover is not None

    claimed = pages.services.links.claim(handover.token)

    assert set(claimed.filenames) == set(delivery.filenames)
    assert {name.rpartition(".")[2] for name in claimed.filenames} == {"mobileconfig", "k9s", "txt"}


def test_new_links_still_hold_all_of_them(pages: Pages) -> None:
    second = add(pages, pages.checked())

    path = f"/c/{second}"
    page = pages.client.get(f"{path}/iphone").text
    pages.checks.renew(second)

    assert page != pages.client.get(f"{path}/iphone").text
    assert passwords_of(profile_of(pages, second)) == {ADDRESS: GOOD, OTHER: OTHER_PASSWORD}
    third = add(pages, second, address=THIRD)
    assert passwords_of(profile_of(pages, third))[ADDRESS] == GOOD


def test_whoever_unticks_the_password_keeps_it_out_for_that_account_alone(pages: Pages) -> None:
    second = add(pages, pages.checked(), include_password="(absent)")

    assert passwords_of(profile_of(pages, second)) == {ADDRESS: GOOD, OTHER: None}
    pages.checks.renew(second)
    assert passwords_of(profile_of(pages, second)) == {ADDRESS: GOOD, OTHER: None}
    assert pages.checks.view(second).holds_secrets


def test_a_user_name_of_its_own_is_the_second_accounts_alone(pages: Pages) -> None:
    second = add(pages, pages.checked(), username="shared-7")

    payloads = profile_of(pages, second)["PayloadContent"]
    assert isinstance(payloads, list)
    assert [payload["IncomingMailServerUsername"] for payload in payloads] == [ADDRESS, "shared-7"]


def test_after_a_wrong_password_the_first_account_is_still_there(pages: Pages) -> None:
    first = pages.checked()
    failed = add(pages, first, password=WRONG)
    page = pages.client.get(f"/c/{failed}").text

    assert f'action="/c/{first}/add" id="retry"' in page
    answer = pages.client.post(
        f"/c/{first}/add", data={"csrf_token": form_token(page), "address": OTHER, "password": OTHER_PASSWORD}
    )
    again = answer.headers["Location"].split("/c/")[1]
    pages.checks.wait(again, PATIENCE)
    assert passwords_of(profile_of(pages, again)) == {ADDRESS: GOOD, OTHER: OTHER_PASSWORD}


@pytest.mark.parametrize("address", [ADDRESS, "Ｔ.Yamada@EXAMPLE.co.jp"])
def test_an_address_that_is_in_it_already_is_told(address: str, pages: Pages) -> None:
    asked = len(pages.probe.asked)
    first = pages.checked()

    answer = pages.submit(f"/c/{first}/add", address=address)

    assert answer.status_code == 422
    assert "is among these accounts already" in answer.text
    assert len(pages.probe.asked) == asked + 1


def test_nothing_can_be_added_to_a_check_that_failed(pages: Pages) -> None:
    failed = pages.checked(password=WRONG)

    assert pages.client.get(f"/c/{failed}/add").status_code == 410
    assert pages.client.get(f"/c/{'A' * 22}/add").status_code == 404


def test_the_form_is_bound_to_its_check_and_empty_ones_use_nothing_up(pages: Pages) -> None:
    first, other = pages.checked(), pages.checked(address=THIRD)
    foreign = pages.form_token(f"/c/{other}/add")

    assert pages.submit(f"/c/{first}/add", address=OTHER, csrf_token=foreign).status_code == 422
    assert pages.client.post(f"/c/{first}/add").status_code == 422
    assert pages.client.get(f"/c/{first}/add").status_code == 200
    assert "Set-Cookie" not in pages.client.get(f"/c/{first}/add").headers


def test_the_database_holds_no_password_of_either_in_the_open(pages: Pages, tmp_path: Path) -> None:
    add(pages, pages.checked())

    found = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())

    assert GOOD.encode() not in found
    assert OTHER_PASSWORD.encode() not in found


def test_once_it_is_forgotten_the_device_asks_for_the_first_password(pages: Pages) -> None:
    first = pages.checked()
    with pages.services.store.write() as connection:
        connection.execute(handovers.update().values(expires_at=0))

    page = pages.client.get(f"/c/{first}/add", headers={"Accept-Language": "en"}).text
    second = add(pages, first)

    assert "The device will ask for a password" in page
    assert passwords_of(profile_of(pages, second)) == {ADDRESS: None, OTHER: OTHER_PASSWORD}
    assert not pages.checks.view(second).includes_password


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ("removalDate = 2099-03-31", "It stays until Tuesday 31 March 2099."),
        ("removalDate = 2099-03-31T18:00:00Z", "It stays until Tuesday 31 March 2099, 18:00."),
        ("removeAfterDays = 90", "It stays for 90 days after you install it."),
        ("removalDate = 2099-03-31\nremoveAfterDays = 90", "but at most 90 days after you install it."),
        ("removalDate = 2020-03-31", "Its last day was Tuesday 31 March 2020"),
        ("", None),
    ],
)
def test_the_page_says_when_the_profile_removes_itself(rules: str, words: str | None, pages: Pages) -> None:
    pages.services.directory.add(f"{DOMAIN_TOML}[profile]\n{rules}\n", replace=True)
    check = pages.checked()

    for device in ("iphone", "mac"):
        page = pages.client.get(f"/en/c/{check}/{device}").text
        assert ("This profile removes itself" in page) == (words is not None)
        assert words is None or words in page


def test_an_address_that_signs_in_on_a_page_of_its_own_is_led_to_the_first_page(pages: Pages) -> None:
    first = pages.checked()

    answer = pages.submit(f"/en/c/{first}/add", address="taro@outlook.com", csrf_token="(absent)")
    sent = pages.submit(f"/c/{first}/add", address="taro@outlook.com")

    assert answer.status_code == sent.status_code == 422
    assert "wants you to sign in yourself" in answer.text
    assert 'name="password"' not in answer.text
    assert "Look up another address" in answer.text
