"""An application whose checks end as the password says, and what page tests read in its answers.

The live servers are in tests/browser; here the pages are tested, so the outcome of a check is given.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from profiles.address import Address
from profiles.model import MailAccount
from profiles.problems import Code, Problem
from tests.servers.processes import PATIENCE
from webapp import create_app
from webapp.certificates import FOLDER, load_signer
from webapp.checks import Checks
from webapp.config import load
from webapp.discovery.candidates import Discovery
from webapp.probes.report import Report, Stage, StageName
from webapp.services import Services
from webapp.store import open_store

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
"""What every browser asks for."""
GOOD = "correct horse 9"
WRONG = "wrong"
REFUSED = "refused"
LOCKED = "locked"
CLOSED = "closed"
FULL = "nearly full"
SLOW = "slow"
DATABASE = "hagaki.sqlite"

DOMAIN_TOML = """\
id = "example.co.jp"
displayName = "株式会社サンプル"
displayShortName = "サンプル"
domains = ["example.co.jp"]
organization = "株式会社サンプル"
help = { ja = "情報システム部 内線 5500 help@example.co.jp", en = "IT help desk, help@example.co.jp" }
[[incomingServer]]
type = "imap"
hostname = "mail.example.co.jp"
port = 993
socketType = "SSL"
authentication = ["password-cleartext"]
username = "%EMAILADDRESS%"
[[outgoingServer]]
type = "smtp"
hostname = "mail.example.co.jp"
port = 465
socketType = "SSL"
authentication = ["password-cleartext"]
username = "%EMAILADDRESS%"
"""
ADDRESS = "t.yamada@example.co.jp"
NAME = "山田 太郎"


@dataclass(slots=True)
class ScriptedProbe:
    """Ends a check as its password says; remembers what it was asked."""

    asked: list[tuple[MailAccount, bool]] = field(default_factory=list)
    go_on: Event = field(default_factory=Event)

    def __call__(
        self,
        account: MailAccount,
        password: str | None,
        *,
        on_stage: Callable[[Stage], None],
        compare: bool,
        client_address: str | None = None,
    ) -> Report:
        """Report the scripted stages."""
        self.asked.append((account, compare))
        stages: list[Stage] = []
        incoming, outgoing = account.incoming_server, account.outgoing_server

        def report(service: str, name: StageName, ok: bool = True, code: Code | None = None) -> None:
            server = outgoing.endpoint if service == "smtp" else incoming.endpoint
            stages.append(Stage(service=service, stage=name, ok=ok, code=code, server=server, milliseconds=12))
            on_stage(stages[-1])

        for name in (StageName.RESOLVE, StageName.CONNECT):
            report(incoming.protocol, name, not (password == REFUSED and name is StageName.CONNECT))
        if password == SLOW:
            self.go_on.wait(PATIENCE)
        problems = self._problems(password, incoming.endpoint)
        if password != REFUSED:
            report(incoming.protocol, StageName.TLS)
            report(incoming.protocol, StageName.LOGIN, password != WRONG)
        if not any(problem.is_error for problem in problems):
            report("smtp", StageName.LOGIN)
        return Report(account=account, stages=tuple(stages), problems=problems, milliseconds=1234)

    @staticmethod
    def _problems(password: str | None, endpoint: str) -> tuple[Problem, ...]:
        found = {
            WRONG: Problem(
                Code.AUTH_WRONG_PASSWORD, server=endpoint, server_text="NO <b>Authentication</b> failed."
            ),
            REFUSED: Problem(
                Code.CONNECT_REFUSED,
                {"suggested_port": "143", "suggested_security": "STARTTLS"},
                server=endpoint,
            ),
            LOCKED: Problem(Code.AUTH_ACCOUNT_LOCKED, server=endpoint),
            CLOSED: Problem(Code.AUTH_ACCOUNT_DISABLED, server=endpoint, server_text="NO left on 2026-10-01"),
            FULL: Problem(Code.QUOTA_80, {"percent": "83"}, server=endpoint),
        }
        return (found[password],) if password in found else ()


@dataclass(slots=True)
class Pages:
    """The application and a browser without cookies."""

    app: Flask
    probe: ScriptedProbe
    client: FlaskClient

    @property
    def services(self) -> Services:
        """The parts below the pages."""
        found: Services = self.app.extensions["hagaki"]
        return found

    @property
    def checks(self) -> Checks:
        """The checks of this application."""
        return self.services.checks

    def form_token(self, path: str = "/") -> str:
        """The token of the form at `path`."""
        return form_token(self.client.get(path).text)

    def submit(self, path: str = "/", **fields: str) -> TestResponse:
        """Send the form as a browser does, with every field that is not named at its default."""
        data = {
            "csrf_token": self.form_token(path),
            "address": ADDRESS,
            "full_name": NAME,
            "password": GOOD,
            "include_password": "1",
            "include_password_shown": "1",
            **fields,
        }
        sent = {name: value for name, value in data.items() if value != "(absent)"}
        return self.client.post(path, data=sent, headers=BROWSER)

    def checked(self, password: str = GOOD, path: str = "/", **fields: str) -> str:
        """Send the form, wait for the check and return its token."""
        answer = self.submit(path, password=password, **fields)
        assert answer.status_code == 303, answer.text
        token = answer.headers["Location"].split("/c/")[1].split("/")[0]
        self.checks.wait(token, PATIENCE)
        return token


def form_token(page: str) -> str:
    """The hidden token of a page's first form."""
    found = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', page)
    assert found is not None, page
    return found.group(1)


def title(page: str) -> str:
    """The title of a page."""
    found = re.search(r"<title>(.*)</title>", page)
    assert found is not None, page
    return found.group(1)


def no_search(address: Address) -> Discovery:
    """The network knows nothing."""
    del address
    return Discovery()


@cache
def _furniture() -> TemporaryDirectory[str]:
    """Today's tables and a signing authority: making them takes longer than most tests that need them."""
    folder = TemporaryDirectory(prefix="hagaki-furniture-")
    config = load({"HAGAKI_DATA": folder.name}).prepare()
    open_store(config).close()
    load_signer(config)
    return folder


def give_tables(data: Path) -> None:
    """Lay today's tables into a data folder that has none."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (data / DATABASE).exists():
        shutil.copy(Path(_furniture().name, DATABASE), data)


def give_authority(data: Path) -> None:
    """Lay a signing authority into a data folder that has none; the keys of the host stay its own."""
    if not (data / FOLDER).exists():
        shutil.copytree(Path(_furniture().name, FOLDER), data / FOLDER)


def open_pages(data: Path, **variables: str) -> Pages:
    """Make an application with one hosted domain."""
    give_tables(data)
    give_authority(data)
    probe = ScriptedProbe()
    app = create_app(load({"HAGAKI_DATA": str(data), **variables}), probe=probe, search=no_search)
    app.testing = False
    pages = Pages(app, probe, app.test_client(use_cookies=False))
    pages.services.directory.add(DOMAIN_TOML)
    return pages


def close_pages(pages: Pages) -> None:
    """Let nothing of it go on."""
    pages.probe.go_on.set()
    pages.checks.close()
    pages.services.store.close()
