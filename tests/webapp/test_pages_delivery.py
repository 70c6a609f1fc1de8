"""Hand-over and delivery over HTTP: what only looks changes nothing, what is used up says so."""

from __future__ import annotations

import plistlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from defusedxml.ElementTree import fromstring

from tests.conftest import require
from tests.webapp.page_world import DOMAIN_TOML, Pages, close_pages, form_token, open_pages, title
from webapp.certificates import status

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/26.0 Mobile/15E148 Safari/604.1"
)


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    opened = open_pages(tmp_path / "data")
    yield opened
    close_pages(opened)


def delivery_path(pages: Pages, token: str) -> str:
    """Where the profile of a check is fetched."""
    page = pages.client.get(f"/en/c/{token}/iphone").text
    found = re.search(r'href="(/d/[^"]+)"', page)
    assert found is not None
    return found.group(1)


def handover_path(pages: Pages, token: str) -> str:
    """Where the stamp of a check leads."""
    view = pages.checks.view(token)
    assert view.handover is not None
    return f"/h/{view.handover.token}"


def test_profile_is_delivered_as_apple_wants_it(pages: Pages) -> None:
    path = delivery_path(pages, pages.checked())

    answer = pages.client.get(path)

    assert path.endswith("/example.co.jp.mobileconfig")
    assert answer.content_type == "application/x-apple-aspen-config"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="example.co.jp.mobileconfig"'
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in answer.headers


def test_delivered_profile_verifies_and_holds_the_account(pages: Pages, tmp_path: Path) -> None:
    signed = pages.client.get(delivery_path(pages, pages.checked())).data

    plist = plistlib.loads(verify(signed, status(pages.services.config).root, tmp_path))

    mail = plist["PayloadContent"][0]
    assert mail["EmailAddress"] == "t.yamada@example.co.jp"
    assert mail["IncomingMailServerHostName"] == "mail.example.co.jp"
    assert mail["IncomingPassword"] == "correct horse 9"


@pytest.mark.parametrize(("prefix", "words"), [("/en", "Mail for {}"), ("/ja", "{} のメール")])
def test_delivered_profile_names_the_address_in_its_texts(
    pages: Pages, tmp_path: Path, prefix: str, words: str
) -> None:
    signed = pages.client.get(delivery_path(pages, pages.checked(path=prefix))).data

    plist = plistlib.loads(verify(signed, status(pages.services.config).root, tmp_path))

    assert plist["PayloadDisplayName"] == words.format("t.yamada@example.co.jp")
    assert "t.yamada@example.co.jp" in plist["PayloadDescription"]
    assert "t.yamada@example.co.jp" in plist["ConsentText"]["default"]


@pytest.mark.parametrize("ticked", ["(absent)", "0"])
def test_unticked_password_is_not_in_the_profile(pages: Pages, tmp_path: Path, ticked: str) -> None:
    signed = pages.client.get(delivery_path(pages, pages.checked(include_password=ticked))).data

    assert b"correct horse" not in verify(signed, status(pages.services.config).root, tmp_path)


def verify(signed: bytes, root: Path | None, folder: Path) -> bytes:
    """Check the signature with OpenSSL and return the content."""
    (folder / "signed").write_bytes(signed)
    command = f"cms -verify -inform DER -in signed -CAfile {root} -purpose any -out plain"
    subprocess.run([require("openssl"), *command.split()], cwd=folder, check=True, capture_output=True)
    return (folder / "plain").read_bytes()


def test_five_fetches_get_the_same_bytes_and_the_sixth_a_page(pages: Pages) -> None:
    path = delivery_path(pages, pages.checked())

    fetched = {pages.client.get(path).data for _ in range(5)}
    sixth = pages.client.get(path, headers={"Accept-Language": "ja"})

    assert len(fetched) == 1
    assert sixth.status_code == 410
    assert sixth.content_type == "text/html; charset=utf-8"
    assert '<html lang="ja">' in sixth.text


def test_head_does_not_count(pages: Pages) -> None:
    path = delivery_path(pages, pages.checked())

    heads = [pages.client.head(path) for _ in range(9)]

    assert {head.status_code for head in heads} == {200}
    assert heads[0].content_type == "application/x-apple-aspen-config"
    assert heads[0].data == b""
    assert int(heads[0].headers["Content-Length"]) > 1000
    assert pages.client.get(path).status_code == 200


def test_name_of_another_file_is_unknown(pages: Pages) -> None:
    path = delivery_path(pages, pages.checked())

    assert pages.client.get(path.rpartition("/")[0] + "/other.mobileconfig").status_code == 404


@pytest.mark.parametrize("language", ["", "/ja", "/en"])
def test_looking_at_a_hand_over_changes_nothing(pages: Pages, language: str) -> None:
    path = language + handover_path(pages, pages.checked())

    for _ in range(3):
        assert pages.client.get(path).status_code == 200
        assert pages.client.head(path).status_code == 200
        assert pages.client.options(path).status_code == 200
    empty = pages.client.post(path)

    assert empty.status_code == 422
    assert pages.client.get(path).status_code == 200


def test_hand_over_page_is_neutral(pages: Pages) -> None:
    page = pages.client.get(handover_path(pages, pages.checked())).text

    assert "t.yamada" not in page
    assert "山田" not in page


def test_hand_over_is_claimed_once_and_leads_to_the_file(pages: Pages) -> None:
    path = handover_path(pages, pages.checked())
    token = form_token(pages.client.get(path).text)

    first = pages.client.post(path, data={"csrf_token": token})
    second = pages.client.post(path, data={"csrf_token": token})
    seen = pages.client.get(path, headers={"Accept-Language": "en"})

    assert first.status_code == 303
    assert re.fullmatch(r"/d/[\w-]{22}/example\.co\.jp\.mobileconfig", first.headers["Location"])
    assert pages.client.get(first.headers["Location"]).status_code == 200
    assert second.status_code == 410
    assert seen.status_code == 410
    assert title(seen.text).startswith("Error: ")


def page_secret(page: str) -> str:
    """What the page of a hand-over alone knows."""
    found = re.search(r'name="page" value="([\w-]{22})"', page)
    assert found is not None
    return found.group(1)


def test_the_page_that_claimed_may_fetch_again_in_another_form_too(pages: Pages) -> None:
    path = handover_path(pages, pages.checked())
    page = pages.client.get(path + "/android").text
    sent = {"csrf_token": form_token(page), "page": page_secret(page), "device": "android"}

    file, values = (pages.client.post(path, data=sent | {"file": name}) for name in ("k9s", "values"))

    assert file.headers["Location"].rpartition("/")[0] == values.headers["Location"].rpartition("/")[0]
    assert pages.client.get(file.headers["Location"]).status_code == 200
    assert pages.client.get(values.headers["Location"]).status_code == 200


def test_another_page_of_the_same_hand_over_gets_nothing(pages: Pages) -> None:
    path = handover_path(pages, pages.checked())
    first, second = (pages.client.get(path).text for _ in range(2))

    answers = [
        pages.client.post(path, data={"csrf_token": form_token(page), "page": page_secret(page)})
        for page in (first, second)
    ]

    assert [answer.status_code for answer in answers] == [303, 410]


def test_a_used_hand_over_says_where_a_new_one_is_made(pages: Pages) -> None:
    path = handover_path(pages, pages.checked())
    token = form_token(pages.client.get(path).text)
    pages.client.post(path, data={"csrf_token": token})

    english, japanese = (pages.client.get(f"/{language}{path}").text for language in ("en", "ja"))

    assert "press “Get new links”. If you did not use this link yourself" in english
    assert "「新しいリンクにする」を押してください。ご自分で使った覚えがないときは" in japanese
    assert "IT help desk" in english


def test_a_used_up_download_says_the_way_back(pages: Pages) -> None:
    path = delivery_path(pages, pages.checked())
    for _ in range(5):
        pages.client.get(path)

    page = pages.client.get(path, headers={"Accept-Language": "en"}).text

    assert "Go back to the page before" in page
    assert "IT help desk" in page


@pytest.mark.parametrize("device", ["windows", "linux"])
def test_a_computer_that_reads_no_profile_is_given_values(pages: Pages, device: str) -> None:
    page = pages.client.get(f"/en{handover_path(pages, pages.checked())}/{device}").text

    assert 'name="file" value="values"' in page
    assert "Get the profile" not in page


@pytest.mark.parametrize(("device", "step"), [("android", "Import settings"), ("mac", "Device Management")])
def test_hand_over_shows_the_steps_of_the_device(pages: Pages, device: str, step: str) -> None:
    page = pages.client.get(f"/en{handover_path(pages, pages.checked())}/{device}").text

    assert step in page.partition('class="steps"')[2]


def test_hand_over_on_an_iphone_shows_the_steps(pages: Pages) -> None:
    path = "/ja" + handover_path(pages, pages.checked())

    page = pages.client.get(path, headers={"User-Agent": IPHONE}).text

    assert "「許可」を押す" in re.sub(r"</?(?:wbr|span)[^>]*>", "", page)
    assert 'class="clock"' in page


@pytest.mark.parametrize(
    ("wanted", "filename"),
    [
        ({}, "example.co.jp.mobileconfig"),
        ({"device": "iphone"}, "example.co.jp.mobileconfig"),
        ({"device": "android"}, "example.co.jp.k9s"),
        ({"device": "android", "file": "k9s"}, "example.co.jp.k9s"),
        ({"device": "android", "file": "values"}, "example.co.jp.txt"),
        ({"device": "android", "file": "profile"}, "example.co.jp.mobileconfig"),
        ({"device": "toaster", "file": "../../x"}, "example.co.jp.mobileconfig"),
    ],
)
def test_each_device_claims_its_own_file(pages: Pages, wanted: dict[str, str], filename: str) -> None:
    path = handover_path(pages, pages.checked())
    token = form_token(pages.client.get(path).text)

    claimed = pages.client.post(path, data={"csrf_token": token} | wanted)

    assert claimed.status_code == 303
    assert claimed.headers["Location"].rpartition("/")[2] == filename
    assert pages.client.get(claimed.headers["Location"]).status_code == 200


def test_android_page_asks_for_androids_file(pages: Pages) -> None:
    page = pages.client.get("/en" + handover_path(pages, pages.checked()) + "/android").text

    assert '<input type="hidden" name="device" value="android">' in page
    assert "t.yamada" not in page


def android_delivery(pages: Pages, file: str) -> str:
    """Where the claimed file of an Android phone is."""
    path = handover_path(pages, pages.checked())
    token = form_token(pages.client.get(path).text)
    wanted = {"csrf_token": token, "device": "android", "file": file}
    return str(pages.client.post(path, data=wanted).headers["Location"])


def test_settings_file_is_unsigned_and_leaves_the_password_to_the_app(pages: Pages) -> None:
    answer = pages.client.get(android_delivery(pages, "k9s"))

    root = fromstring(answer.data)
    assert answer.content_type == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="example.co.jp.k9s"'
    assert answer.headers["Cache-Control"] == "no-store"
    assert root.findtext(".//incoming-server/host") == "mail.example.co.jp"
    assert root.findtext(".//identity/email") == "t.yamada@example.co.jp"
    assert b"correct horse" not in answer.data


def test_values_are_read_in_the_browser_without_the_password(pages: Pages) -> None:
    answer = pages.client.get(android_delivery(pages, "values"))

    assert answer.content_type == "text/plain; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'inline; filename="example.co.jp.txt"'
    assert "mail.example.co.jp" in answer.text
    assert "correct horse" not in answer.text


@pytest.mark.parametrize("file", ["k9s", "values"])
def test_androids_files_end_after_five_fetches_and_head_does_not_count(pages: Pages, file: str) -> None:
    path = android_delivery(pages, file)

    heads = [pages.client.head(path).status_code for _ in range(7)]
    fetched = [pages.client.get(path) for _ in range(6)]

    assert set(heads) == {200}
    assert len({answer.data for answer in fetched[:5]}) == 1
    assert [answer.status_code for answer in fetched] == [200] * 5 + [410]


def test_line_is_told_to_open_safari(pages: Pages) -> None:
    path = "/ja" + handover_path(pages, pages.checked())

    page = pages.client.get(path, headers={"User-Agent": IPHONE.replace("Version/26.0", "Line/15.1.0")}).text

    assert "Safariで開いてください" in page
    assert "?openExternalBrowser=1" in page


@pytest.mark.parametrize("token", ["A" * 22, "x", "A" * 21 + "B", "%00"])
def test_unknown_links_are_not_found(pages: Pages, token: str) -> None:
    assert pages.client.get(f"/h/{token}").status_code == 404
    assert pages.client.get(f"/d/{token}/x.mobileconfig").status_code == 404
    assert pages.client.head(f"/d/{token}/x.mobileconfig").status_code == 404


def test_an_account_that_no_profile_holds_gets_values_and_no_steps_to_install(pages: Pages) -> None:
    by_starttls = DOMAIN_TOML.replace("993", "143").replace('"SSL"', '"STARTTLS"', 1)
    pages.services.directory.add(by_starttls, replace=True)

    page = pages.client.get(f"/en/c/{pages.checked()}/iphone").text

    assert "<title>Set up your mail on this iPhone | " in page
    assert "mail.example.co.jp" in page
    assert "Profile Downloaded" not in page
    assert "8 minutes" not in page
