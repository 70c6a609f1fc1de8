"""Every POST of every page without the token of its own form, or from another site: it changes nothing."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from werkzeug.routing import Rule

from tests.webapp.admin.world import Host, make_host
from tests.webapp.batches.followed import Someone, add_batch
from tests.webapp.clock import Clock
from tests.webapp.page_world import close_pages, form_token, open_pages
from webapp.accounts import Role
from webapp.batches.uploads import Choices

ADMINS = "/admin/"
TEST_MAIL = "/c/<token>/test-mail"
"""Leads back to its page in any case, with what became of the mail signed in the address."""

DONE_WITH = ("/admin/code",)
"""Leads whoever is logged in to the first page, whatever is sent."""


class World:
    """A host with one of everything that a form can change."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.owner, self.other = host.logged_in(Role.OWNER), host.logged_in(Role.OPERATOR)
        here = host.pages.services
        people = [Someone(address="t.yamada@example.co.jp"), Someone(address="f@example.co.jp", state="failed")]
        _, links = add_batch(here.store, here.config.link_key, people, now=time.time())
        self.card = links[people[0].address].token
        self.check = host.pages.checked()
        view = host.pages.checks.view(self.check)
        assert view.handover is not None
        self.handover = view.handover.token
        self.upload = here.uploads.keep(b"a,b\n", name="l.csv", actor=self.owner.name, choices=Choices())
        self.setup = host.accounts.people.create("new@example.co.jp", Role.AUDITOR, actor="test")

    def path(self, rule: Rule) -> str:
        """A path of a rule that exists here."""
        tokens = {"/s/": self.card, "/c/": self.check, "/h/": self.handover, "/admin/setup/": self.setup}
        token = next((one for start, one in tokens.items() if rule.rule.startswith(start)), self.upload)
        values = {"token": token, "batch_id": "1", "row": "2", "admin_id": "2", "number": "1", "action": "reissue"}
        path = re.sub(r"<(?:[^<>:]+:)?(\w+)>", lambda found: values.get(found[1], "example.co.jp"), rule.rule)
        return path.replace("/any(iphone, android, mac, windows, linux)", "")

    def rows(self) -> list[object]:
        """What all tables hold, but how often somebody looked."""
        from webapp.store import tables

        left_out = ("seen_at", "used_at")
        with self.host.pages.services.store.read() as connection:
            return [
                (table.name, [tuple(v for k, v in row.items() if k not in left_out) for row in found])
                for table in tables.metadata.sorted_tables
                for found in [connection.execute(table.select()).mappings().all()]
            ]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    pages = open_pages(tmp_path_factory.mktemp("posts"))
    yield World(make_host(pages, Clock()))
    close_pages(pages)


def posts(world: World) -> list[Rule]:
    """The rules that take a POST, once each: those with a language are the same views."""
    rules = world.host.pages.app.url_map.iter_rules()
    return [
        rule
        for rule in rules
        if "POST" in (rule.methods or ())
        and "language" not in rule.arguments
        and not rule.rule.startswith("/api/")
    ]


FIELDS = {
    "action": "revoke", "who": "all", "id": "x", "role": "owner", "name": "eve@example.co.jp", "days": "30",
    "scopes": "batches:read", "typed": "1", "addresses": "t.yamada@example.co.jp", "step": "account",
    "address": "t.yamada@example.co.jp", "full_name": "A", "password": "correct horse 9", "code": "123456",
}  # fmt: skip


@pytest.mark.parametrize("kind", ["none", "of another session", "of another path", "cross-site"])
def test_a_post_that_its_own_page_did_not_send_changes_nothing(world: World, kind: str) -> None:
    tokens = {
        "none": "",
        "of another session": form_token(world.other.client.get("/admin/lists/new").text),
        "of another path": form_token(world.host.pages.client.get("/").text),
        "cross-site": "",
    }
    headers = {"Sec-Fetch-Site": "cross-site"} if kind == "cross-site" else {}
    browser = world.owner
    before, wrong = world.rows(), []

    for rule in posts(world):
        if (rule.rule, kind) == ("/", "of another path") or rule.rule in DONE_WITH:
            continue
        own = form_token(browser.client.get("/admin/lists/new").text) if rule.rule.startswith(ADMINS) else ""
        data = {**FIELDS, "csrf_token": own if kind == "cross-site" else tokens[kind]}
        answer = browser.client.post(world.path(rule), data=data, headers=headers)
        refused = answer.status_code in ((403,) if kind == "cross-site" else (403, 404, 410, 422))
        goes_back = (
            rule.rule == TEST_MAIL and kind != "cross-site" and "mail=" in answer.headers.get("Location", "")
        )
        if not refused and not goes_back:
            wrong.append((rule.rule, answer.status_code, answer.headers.get("Location")))

    assert len(posts(world)) > 40
    assert wrong == []
    assert world.rows() == before
