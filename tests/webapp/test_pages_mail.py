"""The test mail to oneself on the page of a finished check."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from profiles.model import MailAccount
from profiles.problems import Code, Problem
from tests.servers.environment import Environment
from tests.servers.people import PEOPLE
from tests.webapp.page_world import GOOD, WRONG, Pages, close_pages, form_token, open_pages
from webapp import create_app
from webapp.checks.mailing import Mailing
from webapp.config import load
from webapp.probes.test_mail import RoundTrip


class Post:
    """Delivers at once, or refuses the wrong password."""

    def __init__(self) -> None:
        self.sent: list[tuple[MailAccount, str]] = []

    def __call__(self, account: MailAccount, password: str, subject: str, text: str) -> RoundTrip:
        self.sent.append((account, subject))
        if password == WRONG:
            refused = Problem(Code.AUTH_WRONG_PASSWORD, {"server": "mail.example.co.jp:993"})
            return RoundTrip(seconds=None, is_removed=False, stages=(), problems=(refused,))
        return RoundTrip(seconds=0.52, is_removed=True, stages=(), problems=())


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def pages(tmp_path: Path, post: Post) -> Iterator[Pages]:
    opened = open_pages(tmp_path / "data")
    opened.checks._mailing = Mailing(post, opened.checks.budget)
    yield opened
    close_pages(opened)


def send(pages: Pages, token: str, password: str, *, device: str = "") -> str:
    """Press the button on the English page and return the page it leads to."""
    page = pages.client.get(f"/en/c/{token}{device}").text
    action = re.search(r'action="([^"]+/test-mail[^"]*)"', page)
    assert action is not None
    token_of_form = form_token(page[page.index("/test-mail") :])
    answer = pages.client.post(action.group(1), data={"csrf_token": token_of_form, "password": password})
    assert answer.status_code == 303
    return pages.client.get(answer.headers["Location"]).text


@pytest.mark.parametrize("device", ["", "/iphone", "/android"])
def test_the_page_says_how_long_the_mail_took(pages: Pages, device: str) -> None:
    page = send(pages, pages.checked(), GOOD, device=device)

    assert "Your test mail arrived after 0.5 seconds. It has been removed again." in page


def test_a_reload_sends_nothing(pages: Pages, post: Post) -> None:
    token = pages.checked()
    send(pages, token, GOOD)

    pages.client.get(f"/en/c/{token}?mail=nonsense")

    assert len(post.sent) == 1


def test_a_refused_password_is_told_and_counted(pages: Pages) -> None:
    token = pages.checked()

    page = send(pages, token, WRONG)

    assert "AUTH_WRONG_PASSWORD" in page
    assert pages.checks.budget.attempts_left(pages.checks.view(token).account) == 4


def test_the_budget_stops_guessing_here_too(pages: Pages, post: Post) -> None:
    token = pages.checked()
    for _ in range(5):
        send(pages, token, WRONG)

    page = send(pages, token, GOOD)

    assert "TOO_MANY_ATTEMPTS" in page
    assert len(post.sent) == 5


def test_an_empty_password_is_asked_for(pages: Pages, post: Post) -> None:
    page = send(pages, pages.checked(), "")

    assert "PASSWORD_MISSING" in page
    assert post.sent == []


def test_without_the_forms_token_nothing_is_sent(pages: Pages, post: Post) -> None:
    token = pages.checked()

    answer = pages.client.post(f"/c/{token}/test-mail", data={"password": GOOD})

    assert answer.status_code == 303
    assert post.sent == []


def test_a_failed_check_offers_no_mail(pages: Pages, post: Post) -> None:
    token = pages.checked(WRONG)

    assert "test-mail" not in pages.client.get(f"/c/{token}").text


@pytest.mark.servers
def test_a_real_mail_goes_round(environment: Environment, tmp_path: Path) -> None:
    person = PEOPLE["second"]
    app = create_app(load(environment.variables(tmp_path / "data")))
    services = app.extensions["hagaki"]
    services.directory.add(environment.toml())
    client: FlaskClient = app.test_client()
    pages = Pages(app, None, client)  # type: ignore[arg-type]
    try:
        token = pages.checked(person.password, address=person.address)
        page = send(pages, token, person.password)
    finally:
        services.checks.close()
        services.store.close()

    assert re.search(r"Your test mail arrived after \d+\.\d seconds", page)
