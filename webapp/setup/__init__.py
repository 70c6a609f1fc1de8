"""The employee's pages: form, live check, device pages, delivery.

Every page exists twice: without a prefix (the browser chooses the language) and below /ja and /en. Deliveries
have no prefix.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask

from webapp.setup import advice, again, check, delivery, entry, invitation, lost, mailing, mine
from webapp.setup.names import DEVICE_NAMES
from webapp.setup.styleguide import styleguide

setup = Blueprint("setup", __name__)
DEVICE = "any(iphone, android, mac, windows, linux)"
deliveries = Blueprint("delivery", __name__)
deliveries.add_url_rule("/d/<token>/<filename>", view_func=delivery.deliver)
setup.add_url_rule("/", view_func=entry.start, methods=["GET", "POST"], strict_slashes=False)
setup.add_url_rule("/advice", view_func=advice.advice)
setup.add_url_rule("/c/<token>", view_func=check.check)
setup.add_url_rule(f"/c/<token>/<{DEVICE}:device>", "check")
setup.add_url_rule("/c/<token>.json", view_func=check.poll)
setup.add_url_rule("/c/<token>/unchecked", view_func=check.issue_unchecked, methods=["POST"])
setup.add_url_rule("/c/<token>/renew", view_func=check.renew, methods=["POST"])
setup.add_url_rule("/c/<token>/show-password", view_func=check.show_password, methods=["GET", "POST"])
setup.add_url_rule("/c/<token>/works", view_func=check.works, methods=["POST"])
setup.add_url_rule("/c/<token>/test-mail", view_func=mailing.send_test_mail, methods=["POST"])
setup.add_url_rule("/c/<token>/<name>.k9s", "download_k9s", check.download, defaults={"format_name": "k9s"})
setup.add_url_rule(
    "/c/<token>/<name>.xml", "download_autoconfig", check.download, defaults={"format_name": "autoconfig"}
)
setup.add_url_rule("/h/<token>", view_func=delivery.handover, methods=["GET", "POST"])
setup.add_url_rule(f"/h/<token>/<{DEVICE}:device>", "handover")
setup.add_url_rule("/s/<token>", view_func=invitation.invitation, methods=["GET", "POST"])
setup.add_url_rule(f"/s/<token>/<{DEVICE}:device>", "invitation")
setup.add_url_rule("/s/<token>/opened", view_func=invitation.opened, methods=["POST"])
setup.add_url_rule("/s/<token>/mine", view_func=mine.mine)
setup.add_url_rule("/s/<token>/password", view_func=mine.password_changed)
setup.add_url_rule(f"/s/<token>/password/<{DEVICE}:device>", "password_changed")
setup.add_url_rule("/s/<token>/remove", view_func=mine.remove)
setup.add_url_rule(f"/s/<token>/remove/<{DEVICE}:device>", "remove")
setup.add_url_rule("/s/<token>/lost", view_func=lost.lost, methods=["GET", "POST"])
setup.add_url_rule("/s/<token>/address", view_func=again.another_address, methods=["GET", "POST"])
setup.add_url_rule("/c/<token>/add", view_func=again.add_account, methods=["GET", "POST"])


@setup.context_processor
def _names() -> dict[str, Any]:
    return {"device_names": DEVICE_NAMES}


def init_app(app: Flask) -> None:
    """Register the pages, without and with a language."""
    app.register_blueprint(deliveries)
    if app.extensions["hagaki"].config.development:
        app.register_blueprint(styleguide)
    app.register_blueprint(setup)
    app.register_blueprint(setup, name="setup_in_language", url_prefix="/<any(ja, en):language>")
