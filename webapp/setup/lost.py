"""A lost phone: one press ends every link of the person, then the page says what only the person can do."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from profiles.model import SignIn
from profiles.problems import Code, Problem
from webapp.batches.options import Mode
from webapp.batches.set_ups import MySetUp
from webapp.services import services
from webapp.setup import mine
from webapp.setup.devices import Device
from webapp.setup.forms import ConfirmForm, confirm_form


def lost(token: str) -> Response | str | tuple[str, int]:
    """Ask, or end everything, or say what is to be done now."""
    here = services().set_ups.view_lost(token)
    form = confirm_form(f"/s/{token}/lost")
    if request.method != "POST":
        wants_form = here.lost_at is None or ("again" in request.args and not here.is_over)
        return _ask(token, here, form) if wants_form else _what_now(token, here)
    if not form.csrf_token.validate(form):
        return _ask(token, here, form, Problem(Code.FORM_EXPIRED)), 422
    services().set_ups.report_lost(token, _chosen(here))
    return redirect(url_for(".lost", token=token), 303)


def _chosen(here: MySetUp) -> frozenset[int]:
    ticked = request.form.getlist("set_up")
    return frozenset(one.id for one in here.set_ups if str(one.id) in ticked)


def _ask(token: str, here: MySetUp, form: ConfirmForm, problem: Problem | None = None) -> str:
    return render_template("setup/lost.html", **mine.context(token, here), form=form, problem=problem)


def _what_now(token: str, here: MySetUp) -> str:
    found = mine.context(token, here)
    families = {one.device for one in here.set_ups if one.lost_at is not None}
    return render_template(
        "setup/lost_now.html",
        **found,
        # Where nobody said which phone it was, the ways of both are shown.
        lost_apple=not families or bool(families & {Device.IPHONE, Device.MAC}),
        lost_android=not families or Device.ANDROID in families,
        lost_windows=Device.WINDOWS in families,
        takes_app_password=found["settings"].sign_in is SignIn.APP_PASSWORD,
        link_ended=here.mode is Mode.READY_MADE,
    )
