"""The page of one check: while it runs, when it failed, and what each device is told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
import zxingcpp
from PIL import Image

from profiles import qr
from tests.servers.processes import PATIENCE
from tests.webapp.page_world import (
    ADDRESS,
    CLOSED,
    FULL,
    LOCKED,
    NAME,
    REFUSED,
    SLOW,
    WRONG,
    Pages,
    close_pages,
    form_token,
    open_pages,
    title,
)

DEVICES = ("iphone", "android", "mac", "windows", "linux")
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/26.0 Mobile/15E148 Safari/604.1"
)


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    opened = open_pages(tmp_path / "data")
    yield opened
    close_pages(opened)


def test_running_check_shows_its_stages_with_and_without_script(pages: Pages) -> None:
    where = pages.submit("/en/", password=SLOW).headers["Location"]

    page = pages.client.get(where).text
    view = pages.client.get(where + ".json").json

    assert '<noscript><meta http-equiv="refresh"' in page
    assert 'data-leg="imap"' in page
    assert 'data-leg="smtp"' in page
    assert view["state"] == "running"
    assert [leg["service"] for leg in view["legs"]] == ["imap", "smtp"]


def test_poll_tells_when_it_is_over(pages: Pages) -> None:
    token = pages.checked(WRONG)

    view = pages.client.get(f"/ja/c/{token}.json").json

    assert view["state"] == "failed"
    assert view["problems"] == [{"code": "AUTH_WRONG_PASSWORD", "server": "mail.example.co.jp:993"}]
    assert [step["state"] for step in view["legs"][0]["steps"]] == ["done", "done", "done", "bad", "wait"]


@pytest.mark.parametrize("language", ["ja", "en"])
def test_failed_check_keeps_the_address_and_clears_the_password(pages: Pages, language: str) -> None:
    token = pages.checked(WRONG)

    page = pages.client.get(f"/{language}/c/{token}").text

    assert title(page).startswith({"ja": "エラー：", "en": "Error: "}[language])
    assert 'class="returned" role="alert"' in page
    assert "<code>AUTH_WRONG_PASSWORD</code>" in page
    assert 'name="address" type="email" inputmode="email" autocomplete="username" ' in page
    assert f'value="{ADDRESS}"' in page
    assert f'name="full_name" value="{NAME}"' in page
    assert 'name="compare"' in page
    assert f'value="{WRONG}"' not in page


def test_words_of_a_server_are_no_markup(pages: Pages) -> None:
    token = pages.checked(WRONG)

    page = pages.client.get(f"/c/{token}").text

    assert "&lt;b&gt;Authentication&lt;/b&gt;" in page
    assert "<b>Authentication" not in page


def test_failed_page_can_be_sent_again_as_it_stands(pages: Pages) -> None:
    token = pages.checked(WRONG)
    retry = form_token(pages.client.get(f"/c/{token}").text)

    answer = pages.submit(csrf_token=retry, compare="1")

    assert answer.status_code == 303
    pages.checks.wait(answer.headers["Location"].rpartition("/")[2], PATIENCE)
    assert pages.probe.asked[-1][1] is True


def test_refused_connection_suggests_another_port_for_servers_by_hand(pages: Pages) -> None:
    typed = {
        "address": "taro@unknown.example",
        "incoming_hostname": "imap.unknown.example",
        "incoming_port": "993",
        "outgoing_hostname": "smtp.unknown.example",
    }
    token = pages.checked(REFUSED, **typed)

    page = pages.client.get(f"/c/{token}").text
    again = pages.checked(suggestion="incoming 143 STARTTLS", **typed)

    assert 'name="suggestion" value="incoming 143 STARTTLS"' in page
    assert pages.checks.view(again).account.incoming_server.endpoint == "imap.unknown.example:143"


def test_servers_of_a_domain_are_not_the_employees_to_change(pages: Pages) -> None:
    page = pages.client.get(f"/c/{pages.checked(REFUSED)}").text

    assert 'name="suggestion"' not in page
    assert 'name="incoming_hostname"' not in page


def advised(page: str) -> str:
    """What the page of a failed check says to do, up to its code."""
    return page.partition('class="returned"')[2].partition('class="facts"')[0]


def test_faults_of_a_host_s_own_servers_ask_nothing_of_the_employee(pages: Pages) -> None:
    page = pages.client.get(f"/en/c/{pages.checked(REFUSED)}").text

    assert "There is nothing for you to correct." in advised(page)
    assert "tell the contact at the foot of this page" in advised(page)
    assert "Check protocol and port" not in advised(page)
    assert "Check protocol and port" in page.partition('class="facts"')[2]  # for who looks after the servers


def test_faults_of_servers_by_hand_say_what_to_change(pages: Pages) -> None:
    typed = {"incoming_hostname": "imap.unknown.example", "outgoing_hostname": "smtp.unknown.example"}
    token = pages.checked(REFUSED, address="taro@unknown.example", **typed)

    page = pages.client.get(f"/en/c/{token}").text

    assert "Check protocol and port" in advised(page)
    assert "nothing for you to correct" not in page


def test_a_locked_mailbox_invites_to_no_further_try(pages: Pages) -> None:
    locked = pages.client.get(f"/en/c/{pages.checked(LOCKED)}").text
    wrong = pages.client.get(f"/en/c/{pages.checked(WRONG)}").text

    assert "Do not try again now" in advised(locked)
    assert "Try again below" not in locked
    assert "Try again below" in advised(wrong)


def test_words_of_a_server_lie_open_where_the_advice_is_to_read_them(pages: Pages) -> None:
    closed = pages.client.get(f"/en/c/{pages.checked(CLOSED)}").text
    wrong = pages.client.get(f"/en/c/{pages.checked(WRONG)}").text

    assert "<details open>" in closed.partition("left on 2026-10-01")[0]
    assert "<details open>" not in wrong


def test_japanese_sentences_follow_each_other_without_a_blank(pages: Pages) -> None:
    pages_ja = [pages.client.get(f"/ja/c/{pages.checked()}/{device}").text for device in DEVICES]
    pages_ja.append(pages.client.get(f"/ja/c/{pages.checked(WRONG)}").text)
    pages_ja.append(pages.submit("/ja/", password="").text)

    assert [found for page in pages_ja for found in re.findall(r".{9}。(?:</\w+>)? \w{4}", page)] == []


def test_each_device_s_page_promises_as_many_ways_as_it_shows(pages: Pages) -> None:
    page = pages.client.get(f"/en/c/{pages.checked()}/android").text

    assert "three ways" in page
    assert page.count('class="way"') == 3


def test_unchecked_settings_are_marked_and_hold_no_password(pages: Pages) -> None:
    token = pages.checked(REFUSED)
    page = pages.client.get(f"/c/{token}").text
    unchecked = form_token(page[page.index("/unchecked") :])

    answer = pages.client.post(f"/c/{token}/unchecked", data={"csrf_token": unchecked})
    page = pages.client.get(f"/en/c/{token}/iphone").text

    assert answer.status_code == 303
    assert "These settings were not checked" in page
    assert 'class="postmark"' not in page
    assert pages.checks.view(token).includes_password is False


def test_host_that_forbids_unchecked_settings_offers_none(tmp_path: Path) -> None:
    strict = open_pages(tmp_path / "data", HAGAKI_ALLOW_UNCHECKED="0")
    token = strict.checked(REFUSED)

    page = strict.client.get(f"/c/{token}").text

    close_pages(strict)
    assert "/unchecked" not in page


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("language", ["ja", "en"])
def test_each_device_has_its_page_in_both_languages(pages: Pages, device: str, language: str) -> None:
    token = pages.checked()

    answer = pages.client.get(f"/{language}/c/{token}/{device}")

    assert answer.status_code == 200
    assert f'<html lang="{language}">' in answer.text
    assert 'aria-current="true"' in answer.text
    assert "Set-Cookie" not in answer.headers


def test_device_is_guessed_without_a_choice(pages: Pages) -> None:
    token = pages.checked()

    page = pages.client.get(f"/en/c/{token}", headers={"User-Agent": IPHONE}).text

    assert "data-starts-clock" in page
    assert "/static/img/en/ios-1-allow.svg" in page


def test_warnings_stand_on_the_page_of_a_good_check(pages: Pages) -> None:
    token = pages.checked(FULL)

    page = pages.client.get(f"/en/c/{token}/iphone").text

    assert 'class="postmark"' in page
    assert "83" in page


def test_thunderbird_code_holds_the_account_and_no_password(pages: Pages) -> None:
    token = pages.checked()
    page = pages.client.get(f"/en/c/{token}/android").text
    text = pages.client.get(f"/c/{token}/example.co.jp.k9s").text

    svg = page[page.index('<div class="qr">') :].partition("</div>")[0]
    decoded = _decode(svg.partition("<svg")[2])

    assert decoded.startswith('[1,[1,1],[0,"mail.example.co.jp",993,3,1,')
    assert "correct horse" not in page + text


def _decode(svg: str) -> str:
    """Draw the code's path with squares and read it back."""
    root = ElementTree.fromstring("<svg" + svg)
    side = int(root.attrib["viewBox"].split()[2])
    path = next(node.attrib["d"] for node in root.iter() if node.tag.endswith("path"))
    image = Image.new("L", (side, side), 255)
    x = y = 0
    for step in path.split("m")[1:]:
        move, _, run = step.partition("h")
        dx, dy = move.split()
        x, y = x + int(dx), y + int(dy)
        for column in range(int(run.partition("v")[0])):
            image.putpixel((x + column, y), 0)
    found = zxingcpp.read_barcodes(image.resize((side * 6, side * 6), Image.Resampling.NEAREST))
    return str(found[0].text)


def test_settings_file_is_a_download(pages: Pages) -> None:
    token = pages.checked()

    k9s = pages.client.get(f"/c/{token}/example.co.jp.k9s")
    autoconfig = pages.client.get(f"/c/{token}/example.co.jp.xml")

    assert k9s.headers["Content-Disposition"] == 'attachment; filename="example.co.jp.k9s"'
    assert k9s.content_type == "application/octet-stream"
    assert ElementTree.fromstring(k9s.text).tag == "k9settings"
    assert ElementTree.fromstring(autoconfig.text).tag == "clientConfig"


def test_files_of_a_failed_check_are_not_given(pages: Pages) -> None:
    token = pages.checked(WRONG)

    assert pages.client.get(f"/c/{token}/example.co.jp.k9s").status_code == 404


def test_values_stand_in_each_apps_own_words(pages: Pages) -> None:
    token = pages.checked()

    android = pages.client.get(f"/ja/c/{token}/android").text
    windows = pages.client.get(f"/ja/c/{token}/windows").text
    linux = pages.client.get(f"/ja/c/{token}/linux").text

    assert "セキュリティの種類" in android
    assert 'data-copy="mail.example.co.jp"' in android
    assert "接続の保護" in windows
    assert "専用のポートで TLS" in linux


@pytest.mark.parametrize("device", ["", *(f"/{device}" for device in DEVICES)])
def test_every_finished_page_has_download_and_code(pages: Pages, device: str) -> None:
    token = pages.checked()
    page = pages.client.get(f"/c/{token}{device}").text
    view = pages.checks.view(token)

    assert view.delivery is not None
    assert view.handover is not None
    if device != "/android":
        assert f'href="/d/{view.delivery.token}/example.co.jp.mobileconfig"' in page
    assert 'class="stamp"' in page
    assert f"/h/{view.handover.token}" in page


def test_outlook_page_says_where_the_password_goes(pages: Pages) -> None:
    page = pages.client.get(f"/en/c/{pages.checked()}/windows").text

    assert "Your password goes to Microsoft" in page


def test_stamp_leads_to_the_hand_over(tmp_path: Path) -> None:
    pages = open_pages(tmp_path / "data", HAGAKI_BASE_URL="https://m.example.co.jp")
    token = pages.checked()

    page = pages.client.get(f"/en/c/{token}/windows").text
    view = pages.checks.view(token)

    close_pages(pages)
    assert view.handover is not None
    url = f"https://m.example.co.jp/h/{view.handover.token}"
    assert f'href="{url}"' in page
    assert qr.path(qr.matrix(url, "M")) in page
    assert "HAGAKI_BASE_URL" not in page


def test_code_that_only_this_computer_could_open_says_so(pages: Pages) -> None:
    page = pages.client.get(f"/en/c/{pages.checked()}/windows").text

    assert "A phone cannot open this code." in page
    assert "http://127.0.0.1:8080" in page


def test_used_up_links_can_be_made_anew(pages: Pages) -> None:
    token = pages.checked()
    view = pages.checks.view(token)
    assert view.delivery is not None
    path = f"/d/{view.delivery.token}/{view.delivery.file('.mobileconfig')}"
    for _ in range(5):
        pages.client.get(path)
    page = pages.client.get(f"/en/c/{token}/iphone").text

    answer = pages.client.post(f"/en/c/{token}/renew", data={"csrf_token": form_token(page)})
    renewed = pages.client.get(f"/en/c/{token}/iphone").text

    assert "Get new links" in page
    assert answer.status_code == 303
    assert "data-starts-clock" in renewed


@pytest.mark.parametrize("path", ["unchecked", "renew"])
def test_changes_need_their_token_and_a_post(pages: Pages, path: str) -> None:
    token = pages.checked(REFUSED)

    assert pages.client.get(f"/c/{token}/{path}").status_code == 405
    assert pages.client.post(f"/c/{token}/{path}").status_code == 422
    assert pages.checks.view(token).unchecked is False


@pytest.mark.parametrize("token", ["A" * 22, "x", "%00", "a/b", "ｘ" * 22, "A" * 21 + "B"])
@pytest.mark.parametrize("suffix", ["", ".json", "/iphone", "/x.k9s"])
def test_unknown_check_is_not_found(pages: Pages, token: str, suffix: str) -> None:
    assert pages.client.get(f"/c/{token}{suffix}").status_code == 404


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("device", ["iphone", "android", "mac", "windows", "linux"])
def test_every_picture_of_a_device_page_exists(pages: Pages, device: str, language: str) -> None:
    page = pages.client.get(f"/{language}/c/{pages.checked()}/{device}").text

    pictures = re.findall(r'<img src="([^"]+)" alt="([^"]+)" width="\d+" height="\d+"', page)
    steps = [(url, alt) for url, alt in pictures if f"/img/{language}/" in url]
    assert len(steps) >= 2
    for url, _ in steps:
        assert pages.client.get(url, buffered=True).status_code == 200
