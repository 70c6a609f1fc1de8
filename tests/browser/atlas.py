"""Every page of Hagaki: where it is, from which browser, and what is done there before one looks.

The matrix of the browser tests and scripts/screenshots.py share it, so a page that is not here is neither tried
nor pictured. `explore` makes what the pages show: checks, a hand-over, a card's link, admins, tokens, batches.
"""

from __future__ import annotations

import csv
import json
import time
import zipfile
from base64 import b32decode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import StringIO
from itertools import count
from urllib.error import HTTPError
from urllib.request import urlopen

from playwright.sync_api import Browser, Route, StorageState

from tests.browser.site import ANDROID, IPAD, IPHONE, WINDOWS, Site, Visitor, visitor
from tests.servers.people import PEOPLE, WRONG
from webapp.accounts import second_factor

GOOD, OTHER = PEOPLE["normal"], PEOPLE["second"]
ADMIN, ADMIN_PASSWORD = "owner@example.co.jp", "a bicycle in the rain"
LINE = IPHONE.replace("Version/26.0", "Line/15.1.0")
LANGUAGES = ("ja", "en")
NUMBERS = count()
STALE_SECONDS = 400
"""The links of a finished check end after ten minutes."""
INVITED = PEOPLE["japanese"]
"""Other tests end the cards of others."""
LIST = f"メールアドレス,氏名,部署\n{INVITED.address},鈴木 花子,総務部\naoi@example.jp,山田 葵,営業部\n"
SPOILT = LIST + "jiro@@example.com,佐藤 次郎,営業部\n,田中 恵,経理部\nmegumi@example.com,高橋 恵,経理部\n"
READY_MADE = "メールアドレス,氏名,パスワード\nren@example.jp,佐藤 蓮,twelve signs 5\n"


def nothing(person: Visitor) -> None:
    """The page as it comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page; `kept` is the name of one that is shown only once and therefore played back."""

    path: str = "/"
    act: Callable[[Visitor], None] = nothing
    user_agent: str = IPHONE
    admin: bool = False
    kept: str | None = None
    typed: str = ""
    """Selects what people wrote on it, in whatever language."""


def desk(path: str, act: Callable[[Visitor], None] = nothing) -> Page:
    """A page as a computer opens it."""
    return Page(path=path, act=act, user_agent=WINDOWS)


def behind(path: str, act: Callable[[Visitor], None] = nothing, typed: str = "") -> Page:
    """A page behind the admins' log-in."""
    return Page(path=f"/admin{path}", act=act, user_agent=WINDOWS, admin=True, typed=typed)


def once(name: str, *, admin: bool = True) -> Page:
    """A page that was kept while exploring."""
    return Page(path=f"/admin/kept/{name}", user_agent=WINDOWS, admin=admin, kept=name)


# ---- what is done on a page


def hint(person: Visitor) -> None:
    """The provider's hint before the password."""
    person.page.fill("#address", "taro@gmail.com")
    person.page.wait_for_selector("#provider-hint")


def own_sign_in(person: Visitor) -> None:
    """A provider that takes no password."""
    person.page.fill("#address", "taro@outlook.com")
    person.page.wait_for_selector("#secret", state="hidden")


def mistakes(person: Visitor) -> None:
    """An address that is none, and a password that looks like a slip."""
    person.fill("ｔａｒｏ＠example", "ｐａｓｓ")
    person.page.click("button[value=check]")
    person.page.wait_for_selector(".returned")


def servers_by_hand(person: Visitor) -> None:
    """A provider that nobody knows."""
    person.fill("taro@mail.example.org", "secret")
    person.page.click("button[value=check]")
    person.page.wait_for_selector("#incoming_hostname")


def running(person: Visitor) -> None:
    """The stages while they run; held there, because the servers here answer in no time."""
    person.page.route("**/c/*.json", lambda route: route.abort())
    person.fill(GOOD.address, GOOD.password)
    person.page.click("button[value=check]")
    person.page.wait_for_url("**/c/**")


def started_clock(person: Visitor) -> None:
    """After the download has begun; it is not fetched, because a delivery counts."""
    person.page.route("**/d/**", lambda route: route.fulfill(status=204))
    person.page.click("a[data-starts-clock]")
    person.page.wait_for_selector(".clock .on")


def refused_log_in(person: Visitor) -> None:
    """A name that nobody has, each time another one: too many tries of one are refused in other words."""
    person.page.fill("#name", f"nobody{next(NUMBERS)}@example.co.jp")
    person.page.fill("#password", "wrong")
    person.page.click("main form button.button")
    person.page.wait_for_selector(".returned")


def code_asked(person: Visitor) -> None:
    """The right password; the code is asked next."""
    person.page.fill("#name", ADMIN)
    person.page.fill("#password", ADMIN_PASSWORD)
    person.page.click("main form button.button")
    person.page.wait_for_selector("#code")


def searched(person: Visitor, address: str = OTHER.address) -> None:
    """The checks of a person."""
    person.page.fill("#address", address)
    person.page.click("main form button.button")
    person.page.wait_for_selector("section + section, section ~ p")


def searched_in_vain(person: Visitor) -> None:
    """Somebody without any check."""
    searched(person, "nobody@example.com")


def examined(person: Visitor) -> None:
    """A domain as the mail apps see it."""
    person.page.click("form[action$=doctor] button")
    person.page.wait_for_selector("#doctor ~ table", timeout=60_000)


def leaver_named(person: Visitor) -> None:
    """Somebody who leaves, looked at before anything is revoked."""
    person.page.fill("textarea", "aoi@example.jp")
    person.page.click("main form .button")
    person.page.wait_for_selector("main.admin table")


PAGES: Mapping[str, Page] = {
    "form": Page(),
    "form-hint": Page(act=hint),
    "form-own-sign-in": Page(act=own_sign_in),
    "form-mistakes": Page(act=mistakes),
    "form-servers": Page(act=servers_by_hand),
    "form-line": Page(user_agent=LINE),
    "form-ipad": Page(user_agent=IPAD),
    "form-desk": desk("/"),
    "advice": Page(path="/advice"),
    "advice-given": Page(path="/advice?devices=one&space=scarce"),
    "checking": Page(act=running),
    "failed": Page(path="{failed}"),
    "iphone": Page(path="{done}/iphone", act=started_clock),
    "ipad": Page(path="{done}/iphone", user_agent=IPAD),
    "android": Page(path="{done}/android", user_agent=ANDROID),
    "mac": desk("{done}/mac"),
    "windows": desk("{done}/windows"),
    "linux": desk("{done}/linux"),
    "handover": Page(path="{handover}/iphone"),
    "handover-android": Page(path="{handover}/android", user_agent=ANDROID),
    "handover-mac": desk("{handover}/mac"),
    "invitation": Page(path="{invitation}"),
    "pin": Page(path="{ready}"),
    "mine": Page(path="{invitation}/mine"),
    "mine-password": Page(path="{invitation}/password"),
    "mine-remove": Page(path="{invitation}/remove/iphone"),
    "mine-remove-desk": desk("{invitation}/remove/windows"),
    "mine-lost": Page(path="{invitation}/lost"),
    "mine-address": Page(path="{invitation}/address"),
    "link-ended": Page(path="/s/nothing"),
    "add-account": Page(path="{done}/add"),
    "not-found": desk("/nothing"),
    "admin-log-in": desk("/admin/log-in"),
    "admin-refused": desk("/admin/log-in", refused_log_in),
    "admin-code": desk("/admin/log-in", code_asked),
    "admin-setup": desk("{setup}"),
    "admin-recovery": once("recovery"),
    "admin-start": behind("/", typed="tbody th"),
    "admin-domain": behind("/domains/example.com"),
    "admin-domain-examined": behind("/domains/example.com", examined),
    "admin-helpdesk": behind("/helpdesk"),
    "admin-helpdesk-found": behind("/helpdesk", searched),
    "admin-helpdesk-in-vain": behind("/helpdesk", searched_in_vain),
    "admin-admins": behind("/admins"),
    "admin-admin": behind("/admins/1"),
    "admin-new-admin": behind("/admins/create"),
    "admin-link": once("link"),
    "admin-again": behind("/again"),
    "admin-tokens": behind("/tokens"),
    "admin-new-token": behind("/tokens/create"),
    "admin-token": once("token"),
    "admin-sessions": behind("/sessions", typed="tbody th"),
    "admin-audit": behind("/audit", typed="td"),
    "admin-audit-verified": behind("/audit?verify=1", typed="td"),
    "admin-not-found": behind("/nothing"),
    "admin-list-new": behind("/lists/new", typed="td"),
    "admin-list": behind("{list}", typed="td, th, mark, h1"),
    "admin-batches": behind("/batches", typed="tbody th"),
    "admin-batch": behind("{batch}", typed="tbody, mark, h1"),
    "admin-batch-person": behind("{batch}/people/2", typed=".head, dd, td"),
    "admin-batch-delete": behind("{batch}/delete", typed="h1, p"),
    "admin-leavers": behind("/leavers"),
    "admin-leavers-named": behind("/leavers", leaver_named, typed="td, th"),
}


# ---- the world that the pages show


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Where the pages are, what was kept, and the cookies of an admin."""

    site: Site
    places: Mapping[str, str]
    kept: Mapping[tuple[str, str], str]
    cookies: StorageState
    secret: bytes
    """Of the admin's authenticator app."""
    made_at: float

    @property
    def is_stale(self) -> bool:
        """Whether its links end soon."""
        return time.monotonic() - self.made_at > STALE_SECONDS

    def is_alive(self) -> bool:
        """Whether the download can still be fetched: a phone that was reported lost ends it early."""
        try:
            with urlopen(f"{self.site.url}/en{self.places['done']}/iphone") as page:
                return b"data-starts-clock" in page.read()
        except HTTPError as error:
            error.close()
            return False

    @contextmanager
    def opened(
        self, browser: Browser, name: str, *, language: str, width: int = 1280, scheme: str = "light"
    ) -> Iterator[Visitor]:
        """A fresh window on a page, ready to be looked at."""
        page = PAGES[name]
        with visitor(
            browser,
            self.site,
            width=width,
            language=language,
            scheme=scheme,
            user_agent=page.user_agent,
            cookies=self.cookies if page.admin else None,
        ) as person:
            self.show(person, name, language)
            yield person

    def show(self, person: Visitor, name: str, language: str) -> None:
        """Go to a page and do there what belongs to it."""
        page = PAGES[name]
        if page.kept:
            self._play_back(person, page.kept, language)
        person.page.goto(f"{self.site.url}/{language}{page.path.format(**self.places)}")
        page.act(person)

    def _play_back(self, person: Visitor, name: str, language: str) -> None:
        html = self.kept[name, language]

        def answer(route: Route) -> None:
            route.fulfill(body=html, content_type="text/html; charset=utf-8")

        person.page.route(f"**/kept/{name}", answer)


def explore(browser: Browser, site: Site, before: World | None = None) -> World:
    """Make what the pages show; of a world before, only what has grown stale."""
    places = check_twice(browser, site)
    if before is not None:
        with visitor(browser, site) as person:
            # Lists and downloads ask for a log-in of the last ten minutes.
            log_in(person, before.secret)
            cookies = person.context.storage_state()
        return replace(before, places={**before.places, **places}, cookies=cookies, made_at=time.monotonic())
    secret = _create_owner(site)
    cookies, kept, more = _admins(browser, site, secret)
    invitation = _invite(site, LIST, "--only", "qr")
    ready = _invite(site, READY_MADE, "--mode", "ready-made", "--only", "qr")
    return World(
        site=site,
        places={**places, **more, "invitation": invitation, "ready": ready},
        kept=kept,
        cookies=cookies,
        secret=secret,
        made_at=time.monotonic(),
    )


def check_twice(browser: Browser, site: Site) -> dict[str, str]:
    """The paths of a good and a failed check and of the good one's hand-over, without a language."""
    with visitor(browser, site) as person:
        person.page.goto(f"{site.url}/ja/")
        done = person.check(GOOD.address, GOOD.password)
        link = person.page.get_attribute("a[href*='/h/']", "href") or ""
        person.page.goto(f"{site.url}/ja/")
        failed = person.check(OTHER.address, WRONG)
    base = f"{site.url}/ja"
    return {
        "done": done.removeprefix(base),
        "failed": failed.removeprefix(base),
        "handover": "/h/" + link.rpartition("/")[2],
    }


def _invite(site: Site, people: str, *options: str) -> str:
    """The path of a card's link."""
    listing, archive = site.data / "people.csv", site.data / "people.zip"
    listing.write_text(people, "utf-8")
    archive.unlink(missing_ok=True)
    site.hagaki("bulk", str(listing), "-o", str(archive), *options)
    with zipfile.ZipFile(archive) as made:
        rows = csv.DictReader(StringIO(made.read("results.csv").decode("utf-8-sig")))
        link = next(rows)["link"]
    return "/s/" + link.rpartition("/")[2]


def _admins(
    browser: Browser, site: Site, secret: bytes
) -> tuple[StorageState, Mapping[tuple[str, str], str], Mapping[str, str]]:
    """An owner who is logged in, the pages shown once, and where a set-up link, a list and a batch are."""
    kept: dict[tuple[str, str], str] = {}
    with visitor(browser, site) as person:
        log_in(person, secret)
        cookies = person.context.storage_state()
        for language in LANGUAGES:
            kept["recovery", language] = _claim(browser, site, language)
            kept["link", language] = _submit(person, language, "admins/create", f"{language}@example.co.jp")
            kept["token", language] = _submit(person, language, "tokens/create", f"API {len(kept)}")
        batch = _make(person)
        listing = _upload(person)
    setup = _set_up_path(site, "next@example.co.jp")
    return cookies, kept, {"setup": setup, "list": listing, "batch": batch}


def _upload(person: Visitor) -> str:
    """Upload a list; where it is looked at, below /admin."""
    page = person.page
    page.goto(f"{person.site.url}/ja/admin/lists/new")
    file = {"name": "社員名簿.csv", "mimeType": "text/csv", "buffer": SPOILT.encode("cp932")}
    page.set_input_files("#file", files=[file])
    page.click("main form .button")
    page.wait_for_selector("#reading")
    return page.url.partition("/admin")[2]


def _make(person: Visitor) -> str:
    """Make what a list allows, and wait for the end; where the batch is, below /admin."""
    page = person.page
    _upload(person)
    page.click("button[formaction$=make]")
    page.wait_for_url("**/batches/*")
    page.wait_for_selector("#progress")
    page.wait_for_selector("[data-batch]", state="detached", timeout=60_000)
    return page.url.partition("/admin")[2].partition("?")[0].partition("#")[0]


def _create_owner(site: Site) -> bytes:
    made = site.hagaki("admin", "create", ADMIN, "--password-stdin", "--json", words=ADMIN_PASSWORD)
    return key_of(json.loads(made)["totp"])


def key_of(text: str) -> bytes:
    """The second factor's key as it stands on the page."""
    return b32decode(text.strip())


def code_now(secret: bytes) -> str:
    """What the authenticator app shows."""
    return second_factor.code_at(secret, int(time.time() // second_factor.STEP_SECONDS))


def log_in(person: Visitor, secret: bytes) -> None:
    """Both steps of an admin's log-in."""
    page = person.page
    page.goto(f"{person.site.url}/ja/admin/log-in")
    code_asked(person)
    page.fill("#code", code_now(secret))
    page.click("main form button.button")
    page.wait_for_selector("main.admin")


def _submit(person: Visitor, language: str, path: str, name: str) -> str:
    """Name something new and keep the page that shows its secret."""
    page = person.page
    page.goto(f"{person.site.url}/{language}/admin/{path}")
    page.fill("#name", name)
    for box in page.query_selector_all("input[name=scopes]")[:1]:
        box.check()
    page.click("main form .button")
    page.wait_for_selector("[data-copy]")
    return page.content()


def _claim(browser: Browser, site: Site, language: str) -> str:
    """Use a set-up link and keep the page with the recovery codes."""
    path = _set_up_path(site, f"claimed-{language}@example.co.jp")
    with visitor(browser, site, language=language) as person:
        page = person.page
        page.goto(f"{site.url}/{language}{path}")
        page.fill("#password", ADMIN_PASSWORD)
        secret = key_of(page.locator("details code").text_content() or "")
        page.fill("#code", code_now(secret))
        page.click("main form .button")
        page.wait_for_selector("ol code")
        return page.content()


def _set_up_path(site: Site, name: str) -> str:
    link = site.hagaki("admin", "create", name, "--role", "helpdesk")
    return "/admin/setup/" + link.split("/admin/setup/")[1].split()[0]
