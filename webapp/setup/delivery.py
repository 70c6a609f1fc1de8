"""Handing over: the file itself at a link of its own, and the page that a code leads to on another device.

Phones fetch a download two to five times, the second time often without cookies, so a delivery needs nothing but
its link. A hand-over is claimed by POST: who only looks at it, a preview bot or a mail scanner, changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from profiles.problems import Code, Problem, ProblemError
from webapp import presentation
from webapp.languages import gettext as _
from webapp.links import new_token
from webapp.services import house, services
from webapp.setup import pages
from webapp.setup.devices import Device, detect
from webapp.setup.forms import ConfirmForm, confirm_form

_FILES: Mapping[str, str] = {"profile": ".mobileconfig", "k9s": ".k9s", "values": ".txt"}
"""What a claim may ask for by `file`; `device=android` alone means the settings file."""


def deliver(token: str, filename: str) -> Response:
    """Send the file. HEAD looks without counting."""
    links = services().links
    try:
        if request.method == "HEAD":
            artifact = links.peek(token, filename)
        else:
            artifact = links.fetch(token, filename, device=detect(request.user_agent.string))
    except ProblemError as error:
        again = _("Go back to the page before, load it again and press “Get new links”.")
        raise _with_a_way_on(error, again) from error
    response = Response(artifact.data, content_type=artifact.content_type)
    # Values are there to be read and copied, everything else to be opened by an app.
    how = "inline" if filename.endswith(_FILES["values"]) else "attachment"
    response.headers["Content-Disposition"] = f'{how}; filename="{artifact.filename}"'
    return response


def handover(token: str, device: str | None = None) -> Response | str | tuple[str, int]:
    """Show the neutral page, or claim and go on to the file."""
    del device  # read by pages.device()
    path = f"/h/{token}"
    form = confirm_form(path)
    try:
        if request.method == "POST" and form.csrf_token.validate(form):
            claimed = services().links.claim(token, page=request.form.get("page"))
            filename = claimed.file(_wanted()) or claimed.filenames[0]
            return redirect(url_for("delivery.deliver", token=claimed.token, filename=filename), 303)
        services().links.handover(token)  # raises for a link that is used or has ended
    except ProblemError as error:
        presentation.belongs_to(house())
        again = _("On the screen that shows the stamp, load the page again and press “Get new links”.")
        raise _with_a_way_on(error, again) from error
    if request.method == "POST":
        return _page(form, Problem(Code.FORM_EXPIRED)), 422
    return _page(form, None)


def _with_a_way_on(error: ProblemError, again: str) -> ProblemError:
    """The same problem, told with what a person does who still needs the file."""
    code = error.problems[0].code
    if code not in (Code.LINK_USED, Code.LINK_EXPIRED):
        return error
    if code is Code.LINK_USED:
        again = _("%(again)s If you did not use this link yourself, tell your administrator.", again=again)
    return ProblemError(Problem(code, {"advice": again}))


def _wanted() -> str:
    usual = "k9s" if request.form.get("device") == Device.ANDROID else "profile"
    return _FILES.get(request.form.get("file") or usual, _FILES[usual])


def _page(form: ConfirmForm, problem: Problem | None) -> str:
    presentation.belongs_to(house())
    device = pages.device()
    here = request.view_args or {}
    return render_template(
        "setup/handover.html",
        form=form,
        problem=problem,
        page_path=url_for(".handover", token=here["token"]),
        page_secret=new_token(),
        device=device,
        device_links=tuple((d, url_for(".handover", token=here["token"], device=d.value)) for d in Device),
        asks_password=False,
        is_ipad=pages.is_ipad(),
        signer_is_public=services().signer_is_public(),
        **pages.browser_facts(),
    )
