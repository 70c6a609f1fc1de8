"""Menu words of other people's apps stand on our pages exactly as those apps write them (docs/wording.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from scripts.draw_illustrations import PICTURES
from tests.webapp.page_world import Pages, close_pages, open_pages
from tests.webapp.test_pages_mine import invite

Texts = dict[tuple[str, str, str], str]
DONE, PASSWORD, REMOVE = "done", "password", "remove"

# From the projects' own files of texts: thunderbird-android (values-ja/strings.xml), FairEmail
# (values-ja-rJP/strings.xml), Thunderbird 153's language packs, evolution 3.46 and kmail 22.12 (ja.mo).
WORDS = [
    # Thunderbird for Android and K-9 Mail
    (
        DONE,
        "android",
        "ja",
        ("「開始」", "「設定をインポート」", "「QR コードをスキャン」", "「ファイルを選択」", "「インポート」"),
    ),
    (DONE, "android", "en", ("“Get started”", "“Import settings”", "“Scan QR code”", "“Select file”", "“Import”")),
    (
        PASSWORD,
        "android",
        "ja",
        ("設定→アカウント名→メール受信→受信メールサーバー設定", "メール送信→送信メールサーバー設定"),
    ),
    (
        PASSWORD,
        "android",
        "en",
        ("Settings→your account→Fetching mail→Incoming server", "Sending mail→Outgoing server"),
    ),
    (REMOVE, "android", "ja", ("設定→アカウント名→⋮→アカウントを削除",)),
    # FairEmail
    (DONE, "android", "ja", ("設定→ウィザード→その他のプロバイダー", "「確認」", "「保存」")),
    (DONE, "android", "en", ("Settings→Wizard→Other provider", "“Check”", "“Save”")),
    (PASSWORD, "android", "ja", ("設定→手動セットアップとアカウントの設定→アカウント→アカウント名→パスワード",)),
    (PASSWORD, "android", "en", ("Settings→Manual setup and account options→Accounts→your account→Password",)),
    # Gmail and Android itself
    (DONE, "android", "ja", ("設定→アカウントを追加→その他→メールアドレスを入力→個人用（IMAP）",)),
    (REMOVE, "android", "ja", ("パスワード、パスキー、アカウント",)),
    # Apple
    (
        PASSWORD,
        "iphone",
        "ja",
        ("設定→アプリ→メール→メールアカウント→アカウント名→アカウント→パスワード", "iOS 17まで"),
    ),
    (PASSWORD, "iphone", "en", ("Settings→Apps→Mail→Mail Accounts→your account→Account→Password", "up to iOS 17")),
    (REMOVE, "iphone", "ja", ("設定→アプリ→メール→メールアカウント→そのアカウント→アカウントを削除",)),
    (DONE, "mac", "ja", ("「デバイス管理」", "「プライバシーとセキュリティ」の「プロファイル」")),
    (REMOVE, "mac", "ja", ("「デバイス管理」", "「プライバシーとセキュリティ」の「プロファイル」")),
    # Thunderbird on a computer
    (
        DONE,
        "windows",
        "ja",
        (
            "「アカウントを追加」",
            "「新しいアカウント」",
            "「メールアカウント」",
            "「続ける」",
            "「完了」",
            "接続の保護",
        ),
    ),
    (DONE, "windows", "en", ("“Add Account”", "“New Account”", "“Mail Account”", "“Continue”", "“Finish”")),
    (REMOVE, "windows", "ja", ("アカウント設定→アカウント名→削除",)),
    # Outlook
    (
        DONE,
        "windows",
        "ja",
        ("「自分で自分のアカウントを手動で設定」", "「詳細オプション」", "「接続」", "暗号化方法"),
    ),
    (REMOVE, "windows", "en", ("File→Account Settings→Account Settings→your account→Remove",)),
    # Evolution and KMail
    (DONE, "linux", "ja", ("「メールのアカウント」", "専用のポートで TLS", "暗号化方法", "「Add Account...」")),
    (DONE, "linux", "en", ("“Mail Account”", "TLS on a dedicated port", "Encryption method", "“Add Account”")),
    (REMOVE, "linux", "ja", ("設定→KMail を設定→アカウント→受信→削除",)),
]

DRAWN = [
    ("android-1-import", "設定をインポート", "Import settings"),
    ("android-2-scan", "QR コードをスキャン", "Scan QR code"),
    ("android-2-file", "ファイルを選択", "Select file"),
    ("thunderbird-1-add", "メールアカウント...", "Mail Account…"),
    ("thunderbird-2-continue", "続ける", "Continue"),
    ("fairemail", "確認", "Check"),
    ("evolution", "メールのアカウント", "Mail Account"),
    ("kmail", "Add Account...", "Add Account..."),
]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    opened = open_pages(tmp_path_factory.mktemp("words"))
    yield opened
    close_pages(opened)


@pytest.fixture(scope="module")
def texts(pages: Pages) -> Texts:
    """The words of each page, without its tags."""
    token, card = pages.checked(), invite(pages)
    return {
        (kind, device, language): _words(pages, f"/{language}{path}")
        for language in ("ja", "en")
        for device in ("iphone", "android", "mac", "windows", "linux")
        for kind, path in (
            (DONE, f"/c/{token}/{device}"),
            (PASSWORD, f"/s/{card}/password/{device}"),
            (REMOVE, f"/s/{card}/remove/{device}"),
        )
    }


def _words(pages: Pages, path: str) -> str:
    answer = pages.client.get(path)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", answer.text)).replace("&amp;", "&")


@pytest.mark.parametrize(("kind", "device", "language", "words"), WORDS)
def test_words_are_the_apps_own(
    texts: Texts, kind: str, device: str, language: str, words: tuple[str, ...]
) -> None:
    page = texts[kind, device, language]

    assert [word for word in words if word not in page] == []


@pytest.mark.parametrize(("name", "japanese", "english"), DRAWN)
def test_drawn_words_are_the_apps_own(name: str, japanese: str, english: str) -> None:
    assert (PICTURES[name].words["ja"][-1], PICTURES[name].words["en"][-1]) == (japanese, english)


def by_hand(pages: Pages, **fields: str) -> str:
    """Check an account whose servers were typed."""
    servers = {"incoming_hostname": "in.unknown.example", "outgoing_hostname": "out.unknown.example"}
    return pages.checked(address="taro@unknown.example", **servers, **fields)


def test_gmail_is_told_of_pop_where_mail_is_read_by_pop(pages: Pages) -> None:
    words = _words(pages, f"/ja/c/{by_hand(pages, incoming_protocol='pop3')}/android")

    assert "個人用（POP3）" in words
    assert "個人用（IMAP）" not in words


def test_a_mac_is_told_of_the_mail_password_where_the_profile_brings_none(pages: Pages) -> None:
    without = _words(pages, f"/en/c/{pages.checked(include_password='(absent)')}/mac")
    inside = _words(pages, f"/en/c/{pages.checked()}/mac")

    assert "Then enter the mail password." in without
    assert "Then enter the mail password." not in inside


def test_an_iphone_without_a_profile_is_told_where_to_enter_the_values(pages: Pages) -> None:
    """Apple's payload cannot ask for STARTTLS where mail is read."""
    token = by_hand(pages, incoming_security="STARTTLS")

    words = _words(pages, f"/en/c/{token}/iphone")

    assert "There is no profile for this account" in words
    assert "Settings→Apps→Mail→Mail Accounts→Add Account→Other→Add Mail Account" in words
    assert "See whether it worked" in words
    assert "When it does not work" in words


@pytest.mark.parametrize("device", ["iphone", "mac"])
def test_the_consent_that_every_profile_asks_for_is_told(pages: Pages, device: str) -> None:
    """Apple's devices always show ConsentText, and every profile of ours has one."""
    assert "text about this profile" in _words(pages, f"/en/c/{pages.checked()}/{device}")


def test_an_iphone_with_a_profile_is_told_what_to_do_when_it_does_not_work(pages: Pages) -> None:
    assert "install the new profile over this one" in _words(pages, f"/en/c/{pages.checked()}/iphone")


def test_whoever_must_delete_an_old_account_is_told_where_it_is(pages: Pages) -> None:
    words = _words(pages, f"/en/c/{pages.checked()}/iphone")

    assert "Settings→Apps→Mail→Mail Accounts→the account→Delete Account" in words


@pytest.mark.parametrize("language", ["ja", "en"])
def test_a_microsoft_account_is_told_which_kind_to_add(pages: Pages, language: str) -> None:
    answer = pages.submit(f"/{language}/", address="taro@outlook.com", device="iphone", step="address")

    assert "Microsoft Exchange" in answer.text
    assert "check your mail once more from the start" not in answer.text
