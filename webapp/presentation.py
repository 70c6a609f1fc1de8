"""What templates may call: texts of problems, dates, versioned static files, and whose page this is."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, g, request, url_for
from markupsafe import Markup, escape

from profiles.model import ServiceSettings
from profiles.problems import Problem
from webapp import i18n, languages, phrases

STATIC = Path(__file__).parent / "static"
_LINKABLE = re.compile(
    r"(?P<url>https?://[^\s<>\"']+[^\s<>\"'.,;:!?)」）。、])|(?P<mail>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)", re.ASCII
)


def init_app(app: Flask) -> None:
    """Give the templates their filters and names."""
    app.add_template_filter(summary, "summary")
    app.add_template_filter(advice, "advice")
    app.add_template_filter(breakable, "breakable")
    app.add_template_filter(Count, "grouped")
    app.add_template_filter(with_links, "with_links")
    app.add_template_filter(phrases.marked, "phrases")
    app.add_template_global(static_url, "static_url")
    app.context_processor(_names)


def summary(problem: Problem) -> str:
    """What happened, in the page's language."""
    return i18n.describe(problem, languages.language())[0]


def advice(problem: Problem) -> str:
    """What to do next, in the page's language."""
    return i18n.describe(problem, languages.language())[1]


class Count(int):
    """A number that a text writes with its thousands apart, as both languages do: `%(num)s` of ngettext too."""

    def __str__(self) -> str:
        return f"{int(self):,}"


def breakable(text: str) -> Markup:
    """Let a long address break before its @, a host name before its dots."""
    before = "(?=@)" if "@" in text else r"(?=\.)"
    return Markup(re.sub(before, "<wbr>", str(escape(text))))  # noqa: S704 - escaped just now


def with_links(text: str) -> Markup:
    """Turn web and mail addresses of a help text into links, line ends into breaks."""
    parts: list[str] = []
    end = 0
    for match in _LINKABLE.finditer(text):
        parts.append(str(escape(text[end : match.start()])))
        target = match["url"] or f"mailto:{match['mail']}"
        parts.append(f'<a href="{escape(target)}">{escape(match.group())}</a>')
        end = match.end()
    parts.append(str(escape(text[end:])))
    return Markup("<br>".join("".join(parts).strip().splitlines()))  # noqa: S704 - every part is escaped


@cache
def _fingerprint(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]


def static_url(name: str) -> str:
    """The address of a static file, changed with its bytes so that browsers may keep it."""
    return url_for("static", filename=name, v=_fingerprint(name))


def belongs_to(settings: ServiceSettings | None) -> None:
    """Say whose page this is: the foot names the help desk and the head the company."""
    g.settings = settings


def _names() -> dict[str, Any]:
    language = languages.language()
    settings: ServiceSettings | None = g.get("settings")
    hosted = settings if settings is not None and settings.source == "domain" else None
    return {
        "language": language,
        "language_names": languages.NAMES,
        "language_links": tuple((code, _in_language(code)) for code in languages.LANGUAGES),
        "moment": languages.moment,
        "clock": languages.clock,
        "postmark_date": languages.postmark_date,
        "home_url": url_for("setup_in_language.start", language=language),
        # Japanese sentences follow each other without a blank.
        "gap": "" if language == "ja" else " ",
        "sender": (hosted.organization or hosted.display_name) if hosted else None,
        "help": hosted.help.get(language) if hosted and hosted.help else None,
        "documentation": hosted.documentation if hosted else None,
    }


def _in_language(code: str) -> str:
    """This page in another language. Pages without a GET of their own lead to the first one."""
    endpoint = request.endpoint or ""
    view = endpoint.rpartition(".")[2]
    if endpoint.startswith("admin"):
        # What a POST shows has no address of its own.
        target = view if request.method == "GET" else "start"
        values = (request.view_args or {}) if request.method == "GET" else {}
        return url_for(f"admin_in_language.{target}", **{**values, "language": code})
    can_be_read = request.url_rule is not None and "GET" in (request.url_rule.methods or ())
    if endpoint.startswith("setup") and can_be_read:
        here = {**(request.view_args or {}), "language": code}
        try:
            return url_for(f"setup_in_language.{view}", **{**_device(), **here})
        except ValueError:
            # A query may name a device that no page has.
            return url_for(f"setup_in_language.{view}", **here)
    return url_for("setup_in_language.start", language=code)


def _device() -> dict[str, Any]:
    device = request.args.get("device", "")
    return {"device": device} if device.isalpha() and len(device) < 10 else {}
