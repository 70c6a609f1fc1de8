"""Who is logged in where, and the end of it: one's own sessions, for an owner everybody's."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from webapp import policy
from webapp.accounts import Role, Session
from webapp.admin.forms import ChoiceForm, sent
from webapp.policy import allow
from webapp.services import services


@allow(*Role)
def sessions() -> str:
    """List the living sessions."""
    return render_template("admin/sessions.html", sessions=_visible(), form=ChoiceForm())


@allow(*Role)
def end() -> Response:
    """End one of them."""
    form = ChoiceForm(request.form)
    sent(form)
    if form.id.data in {session.id for session in _visible()}:
        services().accounts.sessions.end(form.id.data, actor=policy.admin().name)
    return redirect(url_for(".sessions"), 303)


def _visible() -> tuple[Session, ...]:
    me = policy.admin()
    return services().accounts.sessions.every(None if me.role == Role.OWNER else me.admin_id)
