"""Every answer carries the header set; pages load nothing foreign and hold no script or style of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from tests.webapp.page_world import REFUSED, WRONG, Pages, ScriptedProbe, close_pages, open_pages
from webapp import create_app, security
from webapp.config import load
from webapp.presentation import STATIC, with_links
from webapp.security import TrustedProxies

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
PO = Path(security.__file__).parent / "translations" / "ja" / "LC_MESSAGES" / "messages.po"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    opened = open_pages(tmp_path_factory.mktemp("pages") / "data")
    yield opened
    close_pages(opened)


@pytest.fixture(scope="module")
def paths(pages: Pages) -> tuple[str, ...]:
    """One path of every kind."""
    good, bad, refused = pages.checked(), pages.checked(WRONG), pages.checked(REFUSED)
    view = pages.checks.view(good)
    assert view.handover is not None
    assert view.delivery is not None
    devices = [f"/c/{good}/{device}" for device in ("iphone", "android", "mac", "windows", "linux")]
    pages_of_both = ["/", *devices, f"/c/{bad}", f"/c/{refused}", f"/h/{view.handover.token}", "/nothing"]
    return (
        *pages_of_both,
        *(f"/{language}{path}" for language in ("ja", "en") for path in pages_of_both),
        f"/c/{good}.json",
        f"/c/{good}/example.co.jp.k9s",
        f"/d/{view.delivery.token}/{view.delivery.file('.mobileconfig')}",
        f"/d/{view.delivery.token}/nothing",
        "/healthz",
        "/readyz",
        "/robots.txt",
        "/static/hagaki.css",
        "/static/nothing",
    )


def test_every_answer_carries_the_headers(pages: Pages, paths: tuple[str, ...]) -> None:
    for path in paths:
        headers = pages.client.get(path, buffered=True).headers

        assert headers["Content-Security-Policy"] == CONTENT_POLICY, path
        assert "max-age=" in headers["Strict-Transport-Security"], path
        assert headers["Referrer-Policy"] == "no-referrer", path
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin", path
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin", path
        assert "camera=()" in headers["Permissions-Policy"], path
        assert headers["X-Robots-Tag"] == "noindex", path
        assert "Set-Cookie" not in headers, path


def test_nothing_but_static_files_is_stored(pages: Pages, paths: tuple[str, ...]) -> None:
    for path in paths:
        stored = pages.client.get(path, buffered=True).headers["Cache-Control"]

        assert (stored == "no-store") is (path != "/static/hagaki.css"), path


def test_pages_hold_no_inline_script_or_style_and_load_nothing_foreign(
    pages: Pages, paths: tuple[str, ...]
) -> None:
    for path in paths:
        answer = pages.client.get(path, buffered=True)
        if answer.mimetype != "text/html":
            continue
        page = answer.text

        assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=", page), path
        loaded = re.findall(r'<(?:link|script|img)[^>]*(?:href|src)="([^"]*)"', page)
        assert loaded, path
        assert all(target.startswith("/static/") for target in loaded), path


def test_no_english_leaks_into_japanese_pages(pages: Pages, paths: tuple[str, ...]) -> None:
    for path in (path for path in paths if path.startswith("/ja/")):
        page = pages.client.get(path).text
        text = re.sub(r"<(script|svg|code|samp)\b.*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)

        assert not re.search(r"\b(the|your|please|you|is|are|and|password)\b", text, re.IGNORECASE), path


def test_every_link_is_followed_without_an_error(pages: Pages, paths: tuple[str, ...]) -> None:
    found = {
        target
        for path in paths
        if not path.startswith("/d/")
        for target in re.findall(r'href="(/[^"]*)"', pages.client.get(path, buffered=True).text)
    }

    for target in sorted(found):
        assert pages.client.head(target, buffered=True).status_code == 200, target


def test_language_links_lead_to_the_same_page(pages: Pages, paths: tuple[str, ...]) -> None:
    for path in (path for path in paths if path.startswith("/ja/") and "nothing" not in path):
        page = pages.client.get(path).text

        assert f'<a href="{path.replace("/ja/", "/en/", 1)}" lang="en"' in page


def test_health_is_plain(pages: Pages) -> None:
    assert pages.client.get("/healthz").status_code == 200
    assert pages.client.get("/readyz").status_code == 200
    assert "Disallow: /" in pages.client.get("/robots.txt").text


def test_stylesheet_and_script_stay_small() -> None:
    assert len((STATIC / "hagaki.css").read_bytes()) < 30_000
    assert len((STATIC / "hagaki.js").read_bytes()) < 12_000


def test_first_page_stays_small(pages: Pages) -> None:
    page = pages.client.get("/ja/")
    loaded = re.findall(r'<(?:link|script|img)[^>]*(?:href|src)="([^"]*)"', page.text)

    total = len(page.data) + sum(len(pages.client.get(target, buffered=True).data) for target in set(loaded))

    assert total < 60_000


def test_japanese_texts_are_complete() -> None:
    with PO.open("rb") as file:
        catalog = read_po(file, locale="ja")

    messages = [message for message in catalog if message.id]
    assert messages
    assert [message.id for message in messages if not message.string or message.fuzzy] == []
    assert [message.id for message in messages if list(message.check(catalog))] == []


def test_every_text_of_the_pages_is_in_the_catalogue() -> None:
    from babel.messages.extract import extract_from_dir

    root = Path(security.__file__).parent.parent
    methods = [("webapp/**.py", "python"), ("templates/**.html", "jinja2")]
    keywords = {"_": None, "_l": None, "gettext": None, "lazy_gettext": None}
    with PO.open("rb") as file:
        catalog = read_po(file, locale="ja")

    found = {
        message[2]
        for folder in ("webapp", "templates")
        for message in extract_from_dir(
            str(root / folder), [(f"**{Path(p).suffix}", method) for p, method in methods], keywords=keywords
        )
        if message[2]
    }

    assert found
    assert sorted(text for text in found if isinstance(text, str) and text not in catalog) == []


def test_bug_of_ours_names_an_incident_and_nothing_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pages = open_pages(tmp_path / "data")
    token = pages.form_token("/en/")

    def broken(domain: str) -> None:
        raise RuntimeError(f"secret value of {domain}")

    pages.services.directory.find = broken  # type: ignore[method-assign]
    answer = pages.submit("/en/", csrf_token=token)

    close_pages(pages)
    assert answer.status_code == 500
    found = re.search(r"Incident ([0-9a-f]{8})", answer.text)
    assert found is not None
    assert found.group(1) in caplog.text
    assert "secret value" not in answer.text + caplog.text
    assert answer.headers["Content-Security-Policy"] == CONTENT_POLICY


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.7, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("192.0.2.1", "203.0.113.9", "192.0.2.1"),
        ("10.0.0.1", "2001:db8::1", "2001:db8::1"),
    ],
)
def test_only_our_own_proxies_are_believed(peer: str, forwarded: str, client: str) -> None:
    import ipaddress

    seen: dict[str, str] = {}

    def application(environ, start_response):  # type: ignore[no-untyped-def]
        seen.update(address=environ["REMOTE_ADDR"], scheme=environ["wsgi.url_scheme"])
        return []

    middleware = TrustedProxies(application, (ipaddress.ip_network("10.0.0.0/8"),))
    environ = {
        "REMOTE_ADDR": peer,
        "HTTP_X_FORWARDED_FOR": forwarded,
        "HTTP_X_FORWARDED_PROTO": "https",
        "wsgi.url_scheme": "http",
    }
    middleware(environ, lambda status, headers, error=None: lambda data: None)

    assert seen["address"] == client
    assert seen["scheme"] == ("https" if peer.startswith("10.") else "http")


def test_help_texts_become_links_and_never_markup() -> None:
    html = str(with_links('Call <b>5500</b>\nhelp@example.co.jp or https://example.co.jp/help?a=1&b="2".'))

    assert "&lt;b&gt;5500&lt;/b&gt;<br>" in html
    assert '<a href="mailto:help@example.co.jp">' in html
    assert '<a href="https://example.co.jp/help?a=1&amp;b=">' in html


@pytest.mark.parametrize(("development", "status"), [(True, 200), (False, 404)])
def test_styleguide_is_for_development_only(tmp_path: Path, development: bool, status: int) -> None:
    config = replace(load({"HAGAKI_DATA": str(tmp_path / "data")}), development=development)
    app = create_app(config, probe=ScriptedProbe())

    answers = [app.test_client().get(path).status_code for path in ("/styleguide", "/ja/styleguide")]

    app.extensions["hagaki"].checks.close()
    app.extensions["hagaki"].store.close()
    assert answers == [status, status]
