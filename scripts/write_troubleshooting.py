"""Writes docs/troubleshooting.md and docs/troubleshooting.ja.md from the table of problems.

Run it after a change of profiles/problem_texts.py or its translation; a test compares the files with the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from profiles.problems import Code, Problem, Severity
from webapp.i18n import describe

DOCS = Path(__file__).parent.parent / "docs"


class Words(NamedTuple):
    """What the page of one language says besides the table."""

    title: str
    introduction: str
    severities: dict[Severity, str]
    admin: str
    """How a sentence for the admin begins in the texts."""
    for_admin: str
    other: str
    """The link to the same page in the other language."""


WORDS = {
    "en": Words(
        title="Troubleshooting",
        introduction=(
            "Every problem has a code, which pages, the command line, JSON and the log all spell alike. Below "
            "stand what it means and what to do; names and numbers are examples. This page is made from the table "
            "of problems by `scripts/write_troubleshooting.py`."
        ),
        severities={Severity.ERROR: "Error", Severity.WARNING: "Warning", Severity.INFO: "Note"},
        admin="Admin:",
        for_admin="For the admin:",
        other="[日本語](troubleshooting.ja.md)",
    ),
    "ja": Words(
        title="困ったときは",
        introduction=(
            "どの問題にもコードがあり、画面、コマンド、JSON、ログで同じように表示されます。"
            "ここでは、その意味と対処を説明します。名前や数字は例です。"
            "このページは、`scripts/write_troubleshooting.py` が問題の一覧から作ります。"
        ),
        severities={Severity.ERROR: "エラー", Severity.WARNING: "警告", Severity.INFO: "お知らせ"},
        admin="管理者の方へ：",
        for_admin="管理者の方へ：",
        other="[English](troubleshooting.md)",
    ),
}
SECTIONS = {
    Code.ADDRESS_INVALID: ("What people type", "入力"),
    Code.LINK_UNKNOWN: ("Links and checks", "リンクと確認"),
    Code.TOML_SYNTAX: ("Domains and settings of the host", "ドメインとサービスの設定"),
    Code.FORMAT_CANNOT_HOLD: ("Profiles and their signature", "プロファイルと署名"),
    Code.DNS_NXDOMAIN: ("Finding and reaching the server", "サーバーへの接続"),
    Code.PORT_SPEAKS_STARTTLS: ("Encryption and certificates", "暗号化と証明書"),
    Code.AUTH_WRONG_PASSWORD: ("Signing in", "ログイン"),
    Code.IMAP_OFF_LIKELY: ("Comparing reading and sending", "受信と送信の比較"),
    Code.MAILBOX_UNAVAILABLE: ("Mailbox and sending", "メールボックスと送信"),
    Code.NOTHING_FOUND: ("Finding settings", "設定を探す"),
    Code.RECORD_MISSING: ("What `hagaki doctor` finds", "「hagaki doctor」の診断"),
    Code.LIST_EMPTY: ("Lists of people", "名簿"),
    Code.MAIL_NOT_SET_UP: ("Invitation mails", "招待メール"),
    Code.INCIDENT: ("Anything else", "そのほか"),
}
"""The first code of each section, in the order of `Code`."""

SAMPLES = {
    "address": "taro@example.jp",
    "asked": "IMAP",
    "base_url": "http://127.0.0.1:8080",
    "bind": "127.0.0.1:8080",
    "client": "Thunderbird",
    "column": "E-Mail",
    "columns": "A (氏名), B (所属)",
    "content_type": "text/html",
    "count": "120",
    "days": "9",
    "digest": "Yv17O1u1N+KeOhLF0eZv/RNE2t6o6NHAYCskZubeISE=",
    "domain": "example.jp",
    "domains": "example.jp",
    "encoding": "UTF-8",
    "expected": "a whole number",
    "field": "address",
    "file": "list.csv",
    "first": "12",
    "folders": "Archive, 2025",
    "format": "pacc",
    "found": "old.example.net.",
    "host": "mail.example.jp",
    "id": "example.jp",
    "incident": "7K3Q-M2",
    "issuer": "Example Intermediate CA",
    "key": "autumn-2026",
    "known": "SSL, STARTTLS",
    "least": "1",
    "left": "4",
    "limit": "254",
    "line": "7",
    "megabytes": "14",
    "minutes": "12",
    "most": "365",
    "name": "autoconfig.example.jp",
    "names": "sv123.example.com",
    "nearest": "HAGAKI_BASE_URL",
    "not_after": "2026-08-31",
    "not_before": "2026-12-01",
    "number": "17",
    "offered": "GSSAPI, NTLM",
    "other": "HAGAKI_SIGNING_KEY",
    "others": "Sheet2, 2025",
    "percent": "85",
    "place": "corp.toml: incomingServer[1].port",
    "port": "993",
    "prefix": "INBOX",
    "protocol": "CalDAV",
    "reason": "…",
    "seconds": "30",
    "security": "STARTTLS",
    "sender": "hagaki@example.jp",
    "server": "mail.example.jp:993",
    "servers": "mail.example.jp:993, mail.example.jp:465",
    "setting": "HAGAKI_SIGNING_CERTIFICATE",
    "sheet": "2026",
    "shortest": "12",
    "source": "ISPDB",
    "spoken": "POP3",
    "status": "503",
    "subject": "Hagaki of Example Corporation",
    "suggestion": "port",
    "type": "CNAME",
    "url": "imap://mail.example.jp",
    "usual": "143",
    "username": "taro",
    "value": "…",
    "where": "mx.example.net",
}
"""Examples for the placeholders of the texts."""

_SENDING = {"server": "mail.example.jp:465"}
_RELAY = {"server": "smtp.example.jp:587"}
_RECORD = {"value": "hagaki.example.net."}
_WEB = {"url": "https://autoconfig.example.jp/mail/config-v1.1.xml"}
_POX = {"url": "https://autodiscover.example.jp/autodiscover/autodiscover.xml"}
_PACC = {
    "url": "https://ua-auto-config.example.jp/.well-known/user-agent-configuration.json",
    "name": "_ua-auto-config.example.jp",
}
SPECIAL: dict[Code, dict[str, str]] = {
    Code.ADDRESS_INVALID: {"address": "taro@example"},
    Code.HOST_INVALID: {"host": "https://mail.example.jp"},
    Code.PORT_INVALID: {"port": "99300"},
    Code.TOML_SYNTAX: {"place": "corp.toml", "reason": "Expected '=' after a key (at line 3, column 8)"},
    Code.FILE_UNREADABLE: {"place": "corp.toml"},
    Code.KEY_UNKNOWN: {"place": "corp.toml: incomingServer[1].prot"},
    Code.LIST_ONE_COLUMN: {"value": "address;name"},
    Code.LIST_ENCODING_GUESSED: {"encoding": "EUC-JP"},
    Code.DOMAIN_MISTYPED: {"domain": "exmaple.jp", "suggestion": "example.jp"},
    Code.VALUE_UNKNOWN: {"place": "corp.toml: incomingServer[1].socketType", "value": "TLS"},
    Code.VALUE_INVALID: {"value": "99300"},
    Code.SERVER_PLAIN_TEXT: {"place": "corp.toml: incomingServer[1].socketType"},
    Code.DOMAIN_REPEATED: {"place": "corp.toml: domains"},
    Code.SETTING_UNKNOWN: {"setting": "HAGAKI_BASEURL"},
    Code.SETTING_INVALID: {"setting": "HAGAKI_RETENTION_DAYS", "value": "a year"},
    Code.BIND_FAILED: {"reason": "Address already in use"},
    Code.DATABASE_UNAVAILABLE: {"reason": "connection refused"},
    Code.FORMAT_CANNOT_HOLD: {"reason": "the format knows only the full address as user name"},
    Code.SIGNER_MISSING: {"place": "/etc/hagaki/signing.pem"},
    Code.SIGNER_LOCAL_CA: {"place": "data/signing/root.pem"},
    Code.WRONG_PROTOCOL: {"server": "mail.example.jp:995"},
    Code.PORT_SPEAKS_STARTTLS: {"server": "mail.example.jp:143"},
    Code.STARTTLS_NOT_OFFERED: {"server": "mail.example.jp:143"},
    Code.STARTTLS_REFUSED: {"server": "mail.example.jp:143"},
    Code.STARTTLS_INJECTION: {"server": "mail.example.jp:143"},
    Code.PREAUTH_REFUSED: {"server": "mail.example.jp:143"},
    Code.AUTH_SMTP_DISABLED: _SENDING,
    Code.AUTH_NEEDS_TLS: {"server": "mail.example.jp:143"},
    Code.AUTH_LOGIN_DISABLED: {"server": "mail.example.jp:143"},
    Code.AUTH_NOT_OFFERED: {"server": "mail.example.jp:25"},
    Code.SMTP_SEPARATE_LIKELY: _SENDING,
    Code.ADMIN_NAME_INVALID: {"name": "Hanako Sato"},
    Code.ADMIN_NAME_TAKEN: {"name": "h.sato@example.co.jp"},
    Code.ADMIN_UNKNOWN: {"name": "h.sato@example.co.jp"},
    Code.ADMIN_LAST_OWNER: {"name": "h.sato@example.co.jp"},
    Code.TOKEN_NAME_INVALID: {"name": ""},
    Code.TOKEN_NAME_TAKEN: {"name": "HR system"},
    Code.TOKEN_UNKNOWN: {"name": "HR system"},
    Code.QUOTA_70: {"percent": "73"},
    Code.SMTP_SENDER_REFUSED: _SENDING,
    Code.SMTP_MAILBOX_FULL: _SENDING,
    Code.SMTP_RECIPIENT_REFUSED: _SENDING,
    Code.SMTP_GREYLISTED: _SENDING,
    Code.SMTP_SIZE_LIMIT: _SENDING,
    Code.MAIL_NOT_SET_UP: {"setting": "HAGAKI_SMTP_URL"},
    Code.HOST_KEY_OTHER: {"setting": "HAGAKI_LINK_KEY"},
    Code.MAIL_RELAY_UNUSABLE: _RELAY | {"reason": "its certificate is not trusted"},
    Code.MAIL_LOGIN_REFUSED: _RELAY,
    Code.MAIL_SENDER_REFUSED: _RELAY,
    Code.MAIL_RECIPIENT_REFUSED: _RELAY,
    Code.MAIL_REFUSED: _RELAY,
    Code.MAIL_PUT_OFF: _RELAY,
    Code.MAIL_GIVEN_UP: _RELAY | {"count": "9"},
    Code.RECORD_MISSING: _RECORD,
    Code.RECORD_ADVISABLE: {"name": "_imaps._tcp.example.jp", "type": "SRV", "value": "0 1 993 mail.example.jp."},
    Code.RECORD_WRONG: _RECORD,
    Code.WEB_UNREACHABLE: _WEB | {"reason": "CONNECT_REFUSED"},
    Code.WEB_STATUS: _WEB,
    Code.WEB_CONTENT_TYPE: _WEB,
    Code.WEB_CATCH_ALL: {"url": "https://example.jp/.well-known/autoconfig/mail/config-v1.1.xml"},
    Code.WEB_ASKS_CREDENTIALS: _POX,
    Code.HTTP_NOT_REDIRECTED: {"url": "http://autoconfig.example.jp/mail/config-v1.1.xml"},
    Code.CONFIG_UNUSABLE: _WEB | {"reason": "one of its servers has no TLS"},
    Code.CONFIG_DISAGREES: {
        "found": "imap old.example.net:993 SSL",
        "expected": "imap mail.example.jp:993 SSL",
    },
    Code.PACC_DIGEST_STALE: _PACC,
    Code.PACC_DIGEST_MISSING: _PACC,
    Code.POX_FAULTY: _POX | {"reason": "Encryption does not fit the port"},
}
"""Where a code needs other examples."""


def page(language: str) -> str:
    """The whole page in one language."""
    words = WORDS[language]
    lines = [f"# {words.title}", "", words.other, "", words.introduction]
    for code in Code:
        if code in SECTIONS:
            lines += ["", f"## {SECTIONS[code][language == 'ja']}"]
        lines += ["", f"### {code}", "", *_entry(code, language, words)]
    return "\n".join(lines) + "\n"


def _entry(code: Code, language: str, words: Words) -> Iterator[str]:
    problem = Problem(code, SAMPLES | SPECIAL.get(code, {}))
    summary, advice = describe(problem, language)
    before, _, after = advice.partition(words.admin)
    yield f"**{words.severities[problem.severity]}**{': ' if language == 'en' else '：'}{summary}"
    if before.strip():
        yield ""
        yield before.strip()
    if after.strip():
        yield ""
        yield f"{words.for_admin} {after.strip()}" if language == "en" else f"{words.for_admin}{after.strip()}"


def write() -> None:
    """Write both pages."""
    for language, name in (("en", "troubleshooting.md"), ("ja", "troubleshooting.ja.md")):
        (DOCS / name).write_text(page(language), encoding="utf-8")


if __name__ == "__main__":
    write()
