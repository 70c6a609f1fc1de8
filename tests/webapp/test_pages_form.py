"""The first page: what it asks, what it refuses, what it never repeats."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from tests.servers.processes import PATIENCE
from tests.webapp.page_world import ADDRESS, GOOD, WRONG, Pages, close_pages, form_token, open_pages, title
from webapp import security
from webapp.budget import Limit

FIELDS = ("address", "full_name", "password", "include_password", "csrf_token")


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    opened = open_pages(tmp_path / "data")
    yield opened
    close_pages(opened)


@pytest.mark.parametrize(
    ("path", "accept", "language"),
    [
        ("/", "ja,en;q=0.5", "ja"),
        ("/", "en-GB,en", "en"),
        ("/", "fr", "en"),
        ("/", "*", "en"),
        ("/ja", "en", "ja"),
        ("/ja/", "en", "ja"),
        ("/en", "ja", "en"),
        ("/en/", "ja", "en"),
    ],
)
def test_language_comes_from_the_prefix_else_from_the_browser(
    pages: Pages, path: str, accept: str, language: str
) -> None:
    answer = pages.client.get(path, headers={"Accept-Language": accept})

    assert answer.status_code == 200
    assert f'<html lang="{language}">' in answer.text
    assert answer.headers["Content-Language"] == language
    assert "Accept-Language" in answer.headers["Vary"]


def test_first_page_has_every_field_and_no_cookie(pages: Pages) -> None:
    answer = pages.client.get("/")

    assert all(f'name="{field}"' in answer.text for field in FIELDS)
    assert 'type="email" inputmode="email" autocomplete="username" autocapitalize="none"' in answer.text
    assert "Set-Cookie" not in answer.headers


def test_one_hosted_domain_lends_its_name_and_help_desk(pages: Pages) -> None:
    page = pages.client.get("/ja/").text

    assert "株式会社サンプルより" in page
    assert '<a href="mailto:help@example.co.jp">' in page


@pytest.mark.parametrize("path", ["/", "/ja/", "/en/"])
def test_complete_form_is_checked_at_once(pages: Pages, path: str) -> None:
    answer = pages.submit(path)

    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(path + "c/")
    assert len(answer.headers["Location"].rpartition("/")[2]) == 22


def test_device_chosen_by_hand_stays_in_the_url(pages: Pages) -> None:
    page = pages.client.get("/?device=android").text

    answer = pages.submit(device="android")

    assert 'name="device" value="android"' in page
    assert answer.headers["Location"].endswith("/android")


def test_address_alone_shows_the_form_with_what_the_provider_needs(pages: Pages) -> None:
    answer = pages.client.post("/", data={"address": "taro@gmail.com"})

    assert answer.status_code == 422
    assert 'id="provider-hint"' in answer.text
    assert 'name="password"' in answer.text
    assert "field-error" not in answer.text


def test_look_up_by_the_script_is_no_error(pages: Pages) -> None:
    answer = pages.client.post("/", data={"address": "taro@gmail.com", "step": "address"})

    assert answer.status_code == 200
    assert 'id="provider-hint"' in answer.text


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"address": "t.yamada"}, "address"),
        ({"address": ""}, "address"),
        ({"address": "t.yamada@example.co.jp\r\nX"}, "address"),
        ({"password": ""}, "password"),
        ({"password": "a\x00b"}, "password"),
        ({"password": "x" * 1025}, "password"),
        ({"password": "ｐａｓｓｗｏｒｄ"}, "password"),
        ({"password": "ぱすわーど"}, "password"),
        ({"password": " outer blank"}, "password"),
        ({"full_name": "Yamada\x07"}, "full_name"),
        ({"address": "taro@unknown.example"}, "incoming_hostname"),
    ],
)
def test_problem_stands_in_the_summary_and_at_its_field(pages: Pages, fields: dict[str, str], place: str) -> None:
    answer = pages.submit("/en/", **fields)

    assert answer.status_code == 422
    assert title(answer.text).startswith("Error: ")
    assert f'<a href="#{place}">' in answer.text
    assert f'id="{place}-error-1"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert not pages.probe.asked


def test_address_is_kept_and_password_never_comes_back(pages: Pages) -> None:
    secret = " 9f3c-secret"

    page = pages.submit(password=secret).text

    assert f'value="{ADDRESS}"' in page
    assert "9f3c-secret" not in page


def test_full_width_password_is_taken_as_typed_once_confirmed(pages: Pages) -> None:
    asked = pages.submit(password="ｐａｓｓ")
    confirmed = pages.submit(password="ｐａｓｓ", password_as_typed="1")

    assert 'name="password_as_typed"' in asked.text
    assert confirmed.status_code == 303


def test_kanji_password_is_taken_without_asking(pages: Pages) -> None:
    assert pages.submit(password="秘密の合言葉".replace("の", "")).status_code == 303


def test_mended_address_is_said(pages: Pages) -> None:
    answer = pages.client.post("/ja/", data={"address": "ｔ．ｙａｍａｄａ＠example。co。jp", "step": "address"})

    assert f'value="{ADDRESS}"' in answer.text
    assert answer.text.count(ADDRESS) >= 2


def test_provider_with_own_sign_in_gets_no_password_field(pages: Pages) -> None:
    answer = pages.submit(address="taro@outlook.com")

    assert answer.status_code == 422
    assert 'name="password"' not in answer.text
    assert not pages.probe.asked


def test_provider_with_own_user_names_asks_for_one(pages: Pages) -> None:
    missing = pages.submit(address="taro@docomo.ne.jp")
    given = pages.submit(address="taro@docomo.ne.jp", username="d-account")

    assert 'id="username-error-1"' in missing.text
    assert given.status_code == 303
    pages.checks.wait(given.headers["Location"].rpartition("/")[2], PATIENCE)
    assert pages.probe.asked[0][0].incoming_server.username == "d-account"


def test_servers_by_hand_have_sensible_defaults(pages: Pages) -> None:
    token = pages.checked(
        address="taro@unknown.example",
        incoming_hostname="imap.unknown.example",
        outgoing_hostname="smtp.unknown.example",
    )

    account = pages.checks.view(token).account
    assert account.incoming_server.endpoint == "imap.unknown.example:993"
    assert account.outgoing_server.endpoint == "smtp.unknown.example:465"
    assert account.incoming_server.username == "taro@unknown.example"


def test_servers_by_hand_are_taken_as_typed(pages: Pages) -> None:
    token = pages.checked(
        address="taro@unknown.example",
        incoming_protocol="pop3",
        incoming_hostname="pop.unknown.example",
        incoming_port="１１０",
        incoming_security="STARTTLS",
        incoming_username="taro",
        outgoing_hostname="smtp.unknown.example",
        outgoing_port="2587",
        outgoing_security="STARTTLS",
    )

    account = pages.checks.view(token).account
    assert (account.incoming_server.protocol, account.incoming_server.endpoint) == (
        "pop3",
        "pop.unknown.example:110",
    )
    assert account.incoming_server.username == "taro"
    assert account.outgoing_server.endpoint == "smtp.unknown.example:2587"


@pytest.mark.parametrize("field", ["incoming_username", "outgoing_username"])
@pytest.mark.parametrize("sign", ["\r\n", "\ufffe"])
def test_a_user_name_that_no_file_can_hold_is_refused(pages: Pages, field: str, sign: str) -> None:
    answer = pages.submit(
        address="taro@unknown.example",
        incoming_hostname="imap.unknown.example",
        outgoing_hostname="smtp.unknown.example",
        **{field: f"taro{sign}x"},
    )

    assert answer.status_code == 422
    assert f'id="{field}-error-1"' in answer.text


@pytest.mark.parametrize("hostname", ["-", "127.0.0.1", "mail example", "localhost", "a" * 300])
def test_impossible_server_name_is_refused(pages: Pages, hostname: str) -> None:
    answer = pages.submit(
        address="taro@unknown.example", incoming_hostname=hostname, outgoing_hostname="smtp.unknown.example"
    )

    assert answer.status_code == 422
    assert 'id="incoming_hostname-error-1"' in answer.text


@pytest.mark.parametrize("port", ["0", "65536", "99999999999999999999", "x", "-1"])
def test_impossible_port_is_refused(pages: Pages, port: str) -> None:
    answer = pages.submit(
        address="taro@unknown.example",
        incoming_hostname="imap.unknown.example",
        incoming_port=port,
        outgoing_hostname="smtp.unknown.example",
    )

    assert answer.status_code == 422
    assert 'id="incoming_port-error-1"' in answer.text


@pytest.mark.parametrize(
    ("fields", "included"),
    [
        ({}, True),
        ({"include_password": "(absent)"}, False),
        ({"include_password": "(absent)", "include_password_shown": "(absent)"}, True),
    ],
)
def test_unticked_box_keeps_the_password_out(pages: Pages, fields: dict[str, str], included: bool) -> None:
    token = pages.checked(**fields)

    assert pages.checks.view(token).includes_password is included


def test_form_without_token_is_shown_again(pages: Pages) -> None:
    answer = pages.submit(csrf_token="(absent)")

    assert answer.status_code == 422
    assert f'value="{ADDRESS}"' in answer.text
    assert not pages.probe.asked


def test_token_of_another_path_is_refused(pages: Pages) -> None:
    token = pages.checked(WRONG)
    page = pages.client.get(f"/c/{token}").text
    other = form_token(page[page.index("/unchecked") :])

    answer = pages.submit(csrf_token=other)

    assert answer.status_code == 422
    assert len(pages.probe.asked) == 1


def test_old_token_is_refused_and_a_fresh_one_given(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    old = pages.form_token()
    monkeypatch.setattr(security, "FORM_LIFETIME", -1)

    answer = pages.submit(csrf_token=old)

    assert answer.status_code == 422
    assert form_token(answer.text)
    assert f'value="{ADDRESS}"' in answer.text


def test_post_from_another_site_is_refused(pages: Pages) -> None:
    answer = pages.client.post(
        "/",
        data={"address": ADDRESS, "password": GOOD, "csrf_token": pages.form_token()},
        headers={"Sec-Fetch-Site": "cross-site"},
    )

    assert answer.status_code == 403
    assert not pages.probe.asked


def test_null_origin_is_normal(pages: Pages) -> None:
    answer = pages.client.post(
        "/",
        data={"address": ADDRESS, "password": GOOD, "csrf_token": pages.form_token()},
        headers={"Origin": "null", "Sec-Fetch-Site": "same-origin"},
    )

    assert answer.status_code == 303


def test_sixth_wrong_password_is_not_carried_to_the_server(pages: Pages) -> None:
    for _ in range(5):
        pages.checked(WRONG)

    answer = pages.submit(password=WRONG)

    assert answer.status_code == 422
    assert len(pages.probe.asked) == 5
    assert f'value="{ADDRESS}"' in answer.text


def test_huge_form_is_refused(pages: Pages) -> None:
    answer = pages.client.post("/", data={"address": "x" * 200_000})

    assert answer.status_code == 413


@pytest.mark.parametrize("name", ["address", "full_name", "password", "username", "incoming_hostname", "device"])
def test_markup_in_a_field_stays_text(pages: Pages, name: str) -> None:
    answer = pages.submit(**{name: '"><script>alert(1)</script>', "incoming_port": '"><script>alert(1)</script>'})

    assert "<script>alert" not in answer.text


def exchange(pages: Pages, device: str, address: str = "taro@outlook.com") -> TestResponse:
    """Ask for the file of a provider that takes no password."""
    return pages.submit(address=address, device=device, step="profile", password="(absent)")


def test_microsoft_account_gets_an_exchange_profile_without_a_check(pages: Pages) -> None:
    answer = exchange(pages, "iphone")
    signed = pages.client.get(answer.headers["Location"])

    assert answer.status_code == 303
    assert signed.content_type == "application/x-apple-aspen-config"
    assert b"com.apple.eas.account" in signed.data
    assert b"taro@outlook.com" in signed.data
    assert not pages.probe.asked


def test_microsoft_account_on_android_gets_the_file_that_opens_the_sign_in_page(pages: Pages) -> None:
    answer = exchange(pages, "android")

    assert answer.headers["Location"].endswith("/outlook.com.k9s")
    assert b"XOAUTH2" in pages.client.get(answer.headers["Location"]).data


@pytest.mark.parametrize("address", ["t.yamada@example.co.jp", "taro@unknown.example", "no address"])
def test_nobody_else_gets_a_file_without_a_check(pages: Pages, address: str) -> None:
    assert exchange(pages, "iphone", address).status_code == 422


@pytest.mark.parametrize("name", ["a\x00b", "a\x0bb", "a" * 121, "\ufffe"])
def test_file_without_a_check_needs_a_name_that_files_can_hold(pages: Pages, name: str) -> None:
    answer = pages.submit(
        "/en/", address="taro@outlook.com", full_name=name, step="profile", password="(absent)"
    )  # fmt: skip

    assert answer.status_code == 422
    assert 'href="#full_name"' in answer.text


def test_files_without_a_check_are_limited_by_network(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webapp.checks.service.FILES", Limit(2, 3600))

    given = [exchange(pages, "iphone", f"taro{number}@outlook.com") for number in range(3)]

    assert [answer.status_code for answer in given] == [303, 303, 429]
    assert "Very many files were asked for from your network" in given[2].text
    assert "Wait 60 minutes" in given[2].text
    assert "短時間に多くのファイルが要求されました" in pages.submit(
        "/ja/", address="taro@outlook.com", step="profile", password="(absent)"
    ).text  # fmt: skip


def test_file_without_a_check_needs_the_forms_token(pages: Pages) -> None:
    answer = pages.client.post("/", data={"address": "taro@outlook.com", "step": "profile", "password": ""})

    assert answer.status_code == 422
