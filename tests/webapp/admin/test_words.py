"""What is said of who acts."""

from __future__ import annotations

import pytest
from flask_babel import force_locale

from tests.webapp.admin.world import Host
from webapp.admin.words import actor


@pytest.mark.parametrize(
    ("name", "ja", "en"),
    [
        ("token payroll 2026", "トークン payroll 2026", "token payroll 2026"),
        ("card 0000012", "はがき 0000012", "card 0000012"),
        ("command line", "コマンドライン", "the command line"),
        ("owner@example.co.jp", "owner@example.co.jp", "owner@example.co.jp"),
        ("token", "token", "token"),  # an admin of this name
    ],
)
def test_an_actor_is_named_in_the_language_of_the_page(host: Host, name: str, ja: str, en: str) -> None:
    said = {}
    with host.pages.app.test_request_context():
        for language in ("ja", "en"):
            with force_locale(language):
                said[language] = actor(name)

    assert said == {"ja": ja, "en": en}
