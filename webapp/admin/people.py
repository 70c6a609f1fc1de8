"""Admins: who they are, new ones, other roles, new set-up links, the end."""

from __future__ import annotations

from flask import abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from profiles.problems import Problem, ProblemError
from webapp import policy
from webapp.accounts import Admin, Role
from webapp.admin.forms import AdminFields, AdminForm, sent
from webapp.admin.words import ROLE_HINTS
from webapp.languages import gettext as _
from webapp.policy import allow
from webapp.services import services


@allow(Role.OWNER, Role.AUDITOR)
def admins() -> str:
    """List every admin."""
    return render_template("admin/admins.html", admins=services().accounts.people.every(), Role=Role)


@allow(Role.OWNER, sensitive=True)
def create() -> str | tuple[str, int]:
    """Add an admin and show the set-up link once."""
    form = AdminFields(request.form)
    if request.method != "POST":
        return _form(form)
    sent(form)
    accounts = services().accounts
    try:
        token = accounts.people.create(form.name.data or "", _role(form), actor=policy.admin().name)
    except ProblemError as error:
        return _form(form, error.problems), 422
    return render_template("admin/link.html", name=(form.name.data or "").strip(), url=accounts.setup_url(token))


def _form(form: AdminFields, problems: tuple[Problem, ...] = ()) -> str:
    return render_template(
        "admin/new_admin.html", form=form, problems=problems, roles=tuple(Role), role_hints=ROLE_HINTS
    )


@allow(Role.OWNER, sensitive=True)
def one(admin_id: int) -> str:
    """One admin, with what can be changed."""
    return _one(_found(admin_id))


def _one(admin: Admin, problems: tuple[Problem, ...] = ()) -> str:
    return render_template(
        "admin/admin.html",
        admin=admin,
        problems=problems,
        form=AdminFields(role=admin.role),
        roles=tuple(Role),
        role_hints=ROLE_HINTS,
        open_sessions=services().accounts.sessions.every(admin.id),
    )


@allow(Role.OWNER, sensitive=True)
def change_role(admin_id: int) -> Response | tuple[str, int]:
    """Give another role."""
    form, admin = AdminFields(request.form), _found(admin_id)
    sent(form)
    try:
        services().accounts.people.change_role(admin.name, _role(form), actor=policy.admin().name)
    except ProblemError as error:
        return _one(admin, error.problems), 422
    return redirect(url_for(".admins"), 303)


@allow(Role.OWNER, sensitive=True)
def reset(admin_id: int) -> str:
    """Ask; end what is open and show a new set-up link once."""
    sent(AdminForm(request.form))
    admin, accounts = _found(admin_id), services().accounts
    if "sure" not in request.form:
        return _ask(
            admin,
            ".reset",
            _("Make a new set-up link for %(name)s?", name=admin.name),
            _("Make a new set-up link"),
            _("The old password, the codes, all sessions and tokens of %(name)s end at once.", name=admin.name),
            _("The link is shown once and works for 24 hours. Until it is used, nobody logs in by this name."),
        )
    token = accounts.people.reset(admin.name, actor=policy.admin().name)
    return render_template("admin/link.html", name=admin.name, url=accounts.setup_url(token))


@allow(Role.OWNER, sensitive=True)
def disable(admin_id: int) -> Response | str | tuple[str, int]:
    """Ask; end everything of an admin at once."""
    sent(AdminForm(request.form))
    admin = _found(admin_id)
    if "sure" not in request.form:
        return _ask(
            admin,
            ".disable",
            _("Disable %(name)s?", name=admin.name),
            _("Disable %(name)s", name=admin.name),
            _("All sessions and tokens of %(name)s end at once, and the name lets nobody in.", name=admin.name),
            _("A new set-up link enables it again; the tokens do not come back."),
        )
    try:
        services().accounts.people.disable(admin.name, actor=policy.admin().name)
    except ProblemError as error:
        return _one(admin, error.problems), 422
    return redirect(url_for(".admins"), 303)


def _ask(admin: Admin, endpoint: str, heading: str, press: str, *effects: str) -> str:
    return render_template(
        "admin/sure.html",
        heading=heading,
        effects=effects,
        target=url_for(endpoint, admin_id=admin.id),
        fields={},
        press=press,
        back=url_for(".one", admin_id=admin.id),
    )


def _found(admin_id: int) -> Admin:
    found = next((admin for admin in services().accounts.people.every() if admin.id == admin_id), None)
    if found is None:
        abort(404)
    return found


def _role(form: AdminFields) -> Role:
    if form.role.data not in set(Role):
        abort(400)
    return Role(form.role.data)
