"""The sheet of values: rows, text and page, and Outlook's own wording."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from profiles.model import Authentication, LocalizedText, RenderOptions
from profiles.outlook_sheet import Outlook
from profiles.outlook_sheet import sections as outlook_sections
from profiles.settings_sheet import render, render_html, rows, sections

from .accounts import COMPLETE, IMAP, POP3_ONLY, account, service


def values_of(found):
    return {row.key: row.value for row in found}


def test_rows_hold_everything_to_type():
    values = values_of(rows(account(COMPLETE), RenderOptions()))

    assert values["account.address"] == "taro.yamada@corp.example"
    assert values["incoming.hostname"] == "imap.corp.example"
    assert values["incoming.port"] == "993"
    assert values["incoming.socketType"] == "SSL/TLS"
    assert values["incoming.username"] == "taro.yamada@corp.example"
    assert values["outgoing.hostname"] == "smtp.corp.example"
    assert values["calendar.url"] == "https://dav.corp.example/cal/"
    assert values["addressbook.url"] == "https://dav.corp.example:8443/card/"


def test_keys_are_unique():
    keys = [row.key for row in rows(account(COMPLETE), RenderOptions())]

    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("form", [render, render_html])
def test_no_password_is_ever_written(form):
    options = RenderOptions(password="hunter2", outgoing_password="hunter3")

    data = form(account(COMPLETE), options).data

    assert b"hunter" not in data


def test_password_is_called_as_the_provider_calls_it():
    label = LocalizedText(texts=(("en", "App password"), ("ja", "アプリパスワード")))

    values = values_of(rows(account(service(password_label=label)), RenderOptions(language="ja")))

    assert values["incoming.password"] == "アプリパスワード"


def test_oauth_service_asks_for_no_password():
    settings = service(incoming_servers=(replace(IMAP, authentication=(Authentication.OAUTH2,)),))

    values = values_of(rows(account(settings), RenderOptions()))

    assert "incoming.password" not in values
    assert values["incoming.authentication"].startswith("OAuth2")


def test_user_name_that_only_the_person_knows_cannot_be_copied():
    settings = service(incoming_servers=(replace(IMAP, username="%ASK%"),))

    (row,) = (row for row in rows(account(settings), RenderOptions()) if row.key == "incoming.username")

    assert "%" not in row.value
    assert not row.copyable


@pytest.mark.parametrize("missing", ["incoming", "outgoing"])
def test_account_of_one_service_still_has_a_sheet(missing):
    found = sections(replace(account(), **{missing: ()}), RenderOptions())

    assert missing not in [section.key for section in found]


def test_labels_are_translated_and_unchecked_is_said():
    options = RenderOptions(unchecked=True, translate=lambda text: f"訳{text}")

    text = render(account(), options).data.decode()

    assert "訳These settings were not checked" in text
    assert all(row.label.startswith("訳") for row in rows(account(), options))


def test_columns_line_up_under_japanese_labels():
    labels = {"Server": "サーバー", "Port": "ポート", "User name": "ユーザー名", "Password": "パスワード"}
    options = RenderOptions(translate=lambda text: labels.get(text, text))

    lines = render(account(), options).data.decode().splitlines()

    assert "  サーバー        imap.corp.example" in lines
    assert "  ポート          993" in lines


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.texts.append(data.strip())


def test_page_stands_alone_and_escapes_what_people_typed():
    artifact = render_html(account(full_name="<script>alert(1)</script> & 山田"), RenderOptions(language="ja"))
    page = Page(artifact.data.decode())

    assert artifact.content_type == "text/html; charset=utf-8"
    assert "<script>alert(1)</script> & 山田" in page.texts
    assert not {"script", "link", "img"} & set(page.tags)


@pytest.mark.parametrize("outlook", Outlook)
def test_outlook_sheet_holds_the_servers(outlook):
    found = outlook_sections(account(POP3_ONLY), RenderOptions(), outlook)
    values = values_of(row for section in found for row in section.rows)

    assert values["account.type"] == "POP"
    assert (values["incoming.hostname"], values["incoming.port"]) == ("mail.corp.example", "995")
    assert (values["outgoing.port"], values["outgoing.socketType"]) == ("587", "STARTTLS")
    assert values["outgoing.username"] == "taro.yamada"


def test_classic_outlook_is_told_its_switches():
    found = outlook_sections(account(), RenderOptions(), Outlook.CLASSIC)
    values = values_of(row for section in found for row in section.rows)

    assert values["incoming.spa"] == values["outgoing.spa"] == "Off"
    assert values["outgoing.authentication"] == "On"
