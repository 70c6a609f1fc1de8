"""API tokens: a new one is shown once, an old one can be revoked."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from profiles.problems import Code, Problem, ProblemError
from webapp import policy
from webapp.accounts import Role, Scope
from webapp.admin.forms import ChoiceForm, TokenForm, sent
from webapp.languages import gettext as _
from webapp.policy import allow
from webapp.services import services

DAYS = ("30", "90", "365")


@allow(Role.OWNER, Role.AUDITOR)
def tokens() -> str:
    """List every token."""
    return render_template(
        "admin/tokens.html", tokens=services().accounts.tokens.every(), form=ChoiceForm(), Role=Role
    )


@allow(Role.OWNER, sensitive=True)
def create() -> str | tuple[str, int]:
    """Make a token and show it once."""
    form = TokenForm(request.form)
    if request.method != "POST":
        return _form(form)
    sent(form)
    chosen = _chosen()
    days = int(form.days.data) if form.days.data in DAYS else int(DAYS[0])
    me = policy.admin()
    try:
        token = services().accounts.tokens.create(
            form.name.data or "", chosen, actor=me.name, admin_id=me.admin_id, days=days
        )
    except ProblemError as error:
        return _form(form, error.problems), 422
    return render_template("admin/token.html", name=form.name.data, token=token)


def _form(form: TokenForm, problems: tuple[Problem, ...] = ()) -> str:
    return render_template(
        "admin/new_token.html", form=form, problems=problems, scopes=tuple(Scope), chosen=_chosen(), days=DAYS
    )


def _chosen() -> tuple[Scope, ...]:
    return tuple(Scope(word) for word in request.form.getlist("scopes") if word in set(Scope))


@allow(Role.OWNER, sensitive=True)
def revoke() -> Response | str:
    """Ask whether to end a token; end it at once."""
    form = ChoiceForm(request.form)
    sent(form)
    if "sure" not in request.form:
        return render_template(
            "admin/sure.html",
            heading=_("Revoke the token %(name)s?", name=form.id.data),
            effects=(
                _("Programs that use it are refused at once."),
                _("It cannot be brought back; a new token has to be put into them."),
            ),
            target=url_for(".revoke"),
            fields={"id": form.id.data},
            press=_("Revoke %(name)s", name=form.id.data),
            back=url_for(".tokens"),
        )
    try:
        services().accounts.tokens.revoke(form.id.data or "", actor=policy.admin().name)
    except ProblemError as error:
        if error.problems[0].code != Code.TOKEN_UNKNOWN:
            raise
    return redirect(url_for(".tokens"), 303)
