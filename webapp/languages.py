"""Which language a page speaks, and how it writes dates: the wiring of Flask-Babel.

`/ja` and `/en` prefix every page; without one the browser's Accept-Language decides, then LANGUAGE.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import flask_babel
from flask import Flask, Response, current_app, g, request
from flask_babel import Babel

from webapp import i18n
from webapp.setting_values import LANGUAGES as LANGUAGES

NAMES = {"ja": "日本語", "en": "English"}


def init_app(app: Flask, *, default: str, timezone: str) -> None:
    """Choose the language per request; take the prefix off the view's arguments and put it back into URLs."""
    app.config["BABEL_DEFAULT_LOCALE"] = default
    app.config["BABEL_DEFAULT_TIMEZONE"] = timezone
    Babel(app, locale_selector=language)
    app.url_value_preprocessor(_take_prefix)
    app.url_defaults(_put_prefix)
    app.after_request(_say_language)


def language() -> str:
    """The language of this request."""
    chosen = g.get("language") or _prefix_of(request.path)
    if chosen in LANGUAGES:
        return str(chosen)
    default = str(current_app.config["BABEL_DEFAULT_LOCALE"])
    # "*" takes the first of the list: the host's own language.
    ours = sorted(LANGUAGES, key=lambda name: name != default)
    return request.accept_languages.best_match(ours, default=default) or default


def gettext(text: str, **values: object) -> str:
    """A text of the pages in this request's language (import it as `_`, so that Babel finds the texts)."""
    return str(flask_babel.gettext(text, **values))


def moment(when: datetime) -> str:
    """A date with its weekday and the time, as the page's language writes it, in the host's zone."""
    return i18n.format_moment(when, language(), _zone())


def clock(when: datetime) -> str:
    """Hours and minutes."""
    return i18n.format_clock(when, _zone())


def postmark_date(when: datetime) -> str:
    """The short date of a postmark."""
    return f"{when.astimezone(_zone()):%y.%m.%d}"


def _zone() -> tzinfo:
    return ZoneInfo(str(current_app.config["BABEL_DEFAULT_TIMEZONE"]))


def _prefix_of(path: str) -> str | None:
    # Also for answers without a route (404): /ja/nothing speaks Japanese.
    first = path.lstrip("/").partition("/")[0]
    return first if first in LANGUAGES else None


def _take_prefix(endpoint: str | None, values: dict[str, Any] | None) -> None:
    del endpoint
    g.language = values.pop("language", None) if values else None


def _put_prefix(endpoint: str, values: dict[str, Any]) -> None:
    prefix = g.get("language")
    if prefix and "language" not in values and current_app.url_map.is_endpoint_expecting(endpoint, "language"):
        values["language"] = prefix


def _say_language(response: Response) -> Response:
    if response.mimetype == "text/html":
        response.headers["Content-Language"] = language()
        response.vary.add("Accept-Language")
    return response
