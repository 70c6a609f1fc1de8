"""Where the POST of an invitation leads: a browser to the page with the device's steps, a program to the file.

Both get a 303. Whoever names text/html in Accept, as every browser does, has somebody who watches the check and
reads what to do next. A script (curl asks for */*) wants the file: its answer waits for the check, and only where
that fails it leads to the page, which says why.
"""

from __future__ import annotations

from flask import redirect, request, url_for
from werkzeug.wrappers import Response

from webapp.checks import CheckView
from webapp.services import services
from webapp.setup import pages
from webapp.setup.devices import Device

WAIT_SECONDS = 45.0
"""A little more than the longest check takes (webapp.probes.deadlines)."""


def onward(token: str) -> Response:
    """Lead on from the check of this token."""
    if _reads_pages():
        return redirect(pages.check_url(token), 303)
    services().checks.wait(token, WAIT_SECONDS)
    filename = _file(services().checks.view(token))
    if filename is None:
        return redirect(pages.check_url(token), 303)
    return redirect(filename, 303)


def _reads_pages() -> bool:
    return any(kind == "text/html" and quality > 0 for kind, quality in request.accept_mimetypes)


def _file(view: CheckView) -> str | None:
    """The delivery of the wanted file, the profile unless something else is asked for."""
    delivery = view.delivery
    if delivery is None or not delivery.alive:
        return None
    suffix = ".k9s" if pages.chosen_device() is Device.ANDROID else ".mobileconfig"
    filename = delivery.file(suffix) or delivery.filenames[0]
    return url_for("delivery.deliver", token=delivery.token, filename=filename)
