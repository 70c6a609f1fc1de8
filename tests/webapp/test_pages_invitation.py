"""The page of a printed link: whose it is, what it asks, what it never gives away, and when it ends."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from profiles.address import Address
from tests.webapp.page_world import (
    ADDRESS,
    DOMAIN_TOML,
    GOOD,
    NAME,
    WRONG,
    Pages,
    close_pages,
    form_token,
    open_pages,
)
from webapp.batches.rows import Employee
from webapp.links import hash_token, new_token
from webapp.store import invitations as invitation_rows
from webapp.store.tables import invitations


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    opened = open_pages(tmp_path / "data")
    yield opened
    close_pages(opened)


def invite(pages: Pages, *, seconds: float = 3600, full_name: str = NAME) -> str:
    """Invite the one employee; return the token of the link."""
    local, domain = ADDRESS.split("@")
    settings = pages.services.directory.find(domain)
    assert settings is not None
    employee = Employee(row=2, address=Address(local, domain), settings=settings, full_name=full_name)
    invited = pages.services.invitations
    batch = invited.begin(name="list.csv", mode="invitations", total=1)
    return invited.invite(batch, [employee], expires_at=time.time() + seconds)[0].token


def test_the_page_knows_whose_it_is_and_asks_the_password_alone(pages: Pages) -> None:
    answer = pages.client.get(f"/s/{invite(pages)}", headers={"Accept-Language": "ja"})

    assert answer.status_code == 200
    assert f'value="{ADDRESS}" required readonly' in answer.text
    assert "山田 太郎" in answer.text
    assert 'name="full_name"' not in answer.text
    assert 'name="password"' in answer.text
    assert "Set-Cookie" not in answer.headers
    assert re.search("はがき番号 000-0001", answer.text)


def test_a_password_leads_to_the_check_of_that_address(pages: Pages) -> None:
    path = f"/s/{invite(pages)}"

    token = pages.checked(path=path, address="someone.else@example.co.jp", full_name="Somebody Else")

    account, _ = pages.probe.asked[-1]
    assert str(account.address) == ADDRESS
    assert account.full_name == NAME
    assert pages.client.get(f"/c/{token}").status_code == 200


@pytest.mark.parametrize("device", ["iphone", "android", "windows"])
def test_the_device_chosen_by_hand_is_kept(device: str, pages: Pages) -> None:
    token = invite(pages)

    page = pages.client.get(f"/s/{token}/{device}")
    answer = pages.submit(f"/s/{token}", device=device)

    assert page.status_code == 200
    assert answer.headers["Location"].endswith(f"/{device}")


def test_looking_and_empty_forms_use_nothing_up(pages: Pages) -> None:
    """HEAD, GET, a double GET, a scanner that presses every button: the link still works afterwards."""
    path = f"/s/{invite(pages)}"

    pages.client.head(path)
    pages.client.options(path)
    assert pages.client.get(path).status_code == pages.client.get(path).status_code == 200
    assert pages.client.post(path).status_code == 422
    assert pages.client.post(path, data={"csrf_token": pages.form_token(path)}).status_code == 422
    assert pages.checked(password=WRONG, path=path)
    assert pages.checked(password=GOOD, path=path)


def test_a_form_of_one_link_does_not_fit_another(pages: Pages) -> None:
    path = f"/s/{invite(pages)}"

    answer = pages.submit(path, csrf_token=form_token(pages.client.get("/").text))

    assert answer.status_code == 422
    assert pages.probe.asked == []


@pytest.mark.parametrize("token", ["x", "B" * 22, "A" * 21 + "Q", "A" * 21 + "B", "-" * 200])
def test_a_link_that_never_was_is_404(token: str, pages: Pages) -> None:
    assert pages.client.get(f"/s/{token}").status_code == 404


def test_a_link_ends_with_its_time(pages: Pages) -> None:
    assert pages.client.get(f"/s/{invite(pages, seconds=-1)}").status_code == 410


def test_a_revoked_link_is_410(pages: Pages) -> None:
    token = invite(pages)
    with pages.services.store.write() as connection:
        connection.execute(
            invitations.update().where(invitations.c.token_hash == hash_token(token)).values(revoked=True)
        )

    assert pages.client.get(f"/s/{token}").status_code == 410
    assert pages.client.post(f"/s/{token}").status_code == 410


@pytest.mark.parametrize("page", ["", "/mine", "/lost", "/password"])
def test_an_ended_link_names_whom_to_ask_also_where_several_companies_are_hosted(page: str, pages: Pages) -> None:
    other = DOMAIN_TOML.replace("example.co.jp", "other.example").replace("5500", "6600")
    pages.services.directory.add(other)

    answer = pages.client.get(f"/ja/s/{invite(pages, seconds=-1)}{page}")

    assert answer.status_code == 410
    assert "内線 5500" in answer.text
    assert "内線 6600" not in answer.text


def test_a_page_that_does_not_exist_names_the_only_company(pages: Pages) -> None:
    assert "内線 5500" in pages.client.get("/ja/nothing").text


def test_the_other_language_stays_at_the_card_also_after_a_mistake(pages: Pages) -> None:
    path = f"/s/{invite(pages)}"

    refused = pages.submit(f"/ja{path}", password="")

    assert refused.status_code == 422
    assert f'href="/en{path}" lang="en"' in refused.text


def test_without_a_name_in_the_list_the_page_asks_for_it(pages: Pages) -> None:
    path = f"/s/{invite(pages, full_name='')}"

    assert 'name="full_name"' in pages.client.get(path).text
    pages.checked(path=path, full_name="Hanako")
    assert pages.probe.asked[-1][0].full_name == "Hanako"


def test_no_link_is_in_the_database(pages: Pages, tmp_path: Path) -> None:
    token = invite(pages)

    with pages.services.store.read() as connection:
        assert invitation_rows.by_token(connection, hash_token(token)) is not None
        assert invitation_rows.by_token(connection, hash_token(new_token())) is None
    written = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
    assert token.encode() not in written


def test_both_languages_have_the_page(pages: Pages) -> None:
    token = invite(pages)

    assert '<html lang="ja">' in pages.client.get(f"/ja/s/{token}").text
    assert '<html lang="en">' in pages.client.get(f"/en/s/{token}").text
