"""The report stands alone, says everything in words, and escapes what strangers serve."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from babel.messages.pofile import read_po

from profiles.dns_records import records, zone_file
from tests.servers.authority import Authority
from tests.servers.web import Reply
from tests.webapp.cli.command import is_japanese
from tests.webapp.doctor.hosting import CONFIG, DOMAIN, SERVICE_HOST, Hosting, hosting
from webapp.doctor import Examination
from webapp.doctor.page import render
from webapp.i18n import FOLDER

MOMENT = datetime(2026, 11, 25, 7, 0, tzinfo=UTC)
EVIL = "<script>alert(1)</script>&amp;"


@pytest.fixture(scope="module")
def well(authority: Authority) -> Iterator[Examination]:
    with hosting(authority) as world:
        yield world.examine()


@pytest.fixture(scope="module")
def broken(authority: Authority) -> Iterator[Examination]:
    with hosting(authority) as world:
        _break(world)
        yield world.examine()


def _break(world: Hosting) -> None:
    world.web.routes[f"autoconfig.{DOMAIN}", CONFIG] = Reply(body=b"Hello", content_type=EVIL)
    world.names.records[f"_imaps._tcp.{DOMAIN}", "SRV"] = ["0 1 993 old.example.org."]
    world.take_away(f"_submissions._tcp.{DOMAIN}")


def text(examination: Examination, language: str = "en") -> str:
    return render(examination, language, MOMENT).decode()


@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_page_loads_nothing_and_runs_nothing(broken: Examination, language: str) -> None:
    page = text(broken, language)

    assert page.startswith(f'<!DOCTYPE html>\n<html lang="{language}">')
    assert not re.search(r"<script|<link|<img|<iframe|\bsrc=|\bonclick|@import|url\(", page)
    assert not re.search(r"<[a-z]+[^>]* style=", page)


def test_what_strangers_serve_is_escaped(broken: Examination) -> None:
    assert "&lt;script&gt;" in text(broken)


def test_every_problem_stands_there_with_code_and_advice(broken: Examination) -> None:
    page = text(broken)

    assert broken.problems
    for problem in broken.problems:
        assert f">{problem.code}<" in page
    assert "Change it to" in page


def test_the_picture_has_a_shape_for_each_result_and_the_words_beside_them(broken: Examination) -> None:
    page = text(broken)
    (picture,) = re.findall(r'<svg class="route".*?</svg>\n?(?=<details|</section)', page, re.S)

    assert {"dot", "ring", "square"} <= set(re.findall(r'class="(\w+)"', picture))
    assert picture.count(">works<") + picture.count(">has faults<") == len(broken.outcomes)
    assert all(f">{outcome.name}<" in picture for outcome in broken.outcomes)


def test_the_zone_text_is_that_of_hagaki_domain_dns(well: Examination, authority: Authority) -> None:
    with hosting(authority) as world:
        wanted = zone_file(records(world.settings, DOMAIN, SERVICE_HOST))

    assert wanted.replace('"', "&quot;") in text(well) or wanted in text(well)


def test_the_healthy_page_shows_the_days_of_every_certificate(well: Examination) -> None:
    page = text(well)

    assert page.count("days left") == len(well.certificates)
    assert "What to do" not in page


def test_the_japanese_page_is_japanese_throughout(broken: Examination) -> None:
    page = text(broken, "ja")

    headings = re.findall(r"<h[12]>(.*?)</h[12]>|<th [^>]*>(.*?)</th>|<summary><span[^>]*>(.*?)</span>", page)
    words = ["".join(found) for found in headings]
    assert [word for word in words if not re.search(r"[ぁ-んァ-ヶ一-龠]", word)] == []
    assert all(is_japanese(paragraph) for paragraph in re.findall(r'class="fix">(.*?)</p>', page))


def test_every_text_of_the_doctor_is_translated() -> None:
    import importlib.util

    spec = importlib.util.spec_from_file_location(
        "update", FOLDER.parent.parent / "scripts/update_translations.py"
    )
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    with (FOLDER / "ja/LC_MESSAGES/messages.po").open("rb") as po:
        japanese = read_po(po, locale="ja")

    mine = [
        m.id for m in script.marked("messages") if m.id and any("/doctor/" in place for place, _ in m.locations)
    ]
    assert [text for text in mine if not getattr(japanese.get(text), "string", "")] == []
