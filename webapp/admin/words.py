"""What roles, states, scopes and actions are called on pages, and which pages a role sees in its menu."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from webapp.accounts import AdminState, Role, Scope

ROLES: Mapping[Role, LazyString] = {
    Role.OWNER: _l("Owner"),
    Role.OPERATOR: _l("Operator"),
    Role.HELPDESK: _l("Help desk"),
    Role.AUDITOR: _l("Auditor"),
}
ROLE_HINTS: Mapping[Role, LazyString] = {
    Role.OWNER: _l("everything, admins and tokens included"),
    Role.OPERATOR: _l("domains, lists of people, help desk"),
    Role.HELPDESK: _l("what became of a person’s check"),
    Role.AUDITOR: _l("reads the audit log and changes nothing"),
}
STATES: Mapping[AdminState, LazyString] = {
    AdminState.READY: _l("can log in"),
    AdminState.INVITED: _l("has not used the set-up link yet"),
    AdminState.DISABLED: _l("disabled"),
}
SCOPES: Mapping[Scope, LazyString] = {
    Scope.BATCHES_READ: _l("see lists and their results"),
    Scope.BATCHES_WRITE: _l("make profiles from lists"),
    Scope.DOMAINS_READ: _l("see the domains"),
    Scope.DOMAINS_WRITE: _l("change the domains"),
    Scope.CHECKS_READ: _l("see what became of checks"),
}
ACTIONS: Mapping[str, LazyString] = {
    "admin.create": _l("made an admin"),
    "admin.set_up": _l("finished the set-up"),
    "admin.reset": _l("made a new set-up link"),
    "admin.role": _l("changed a role"),
    "admin.disable": _l("disabled an admin"),
    "session.log_in": _l("logged in"),
    "session.log_out": _l("logged out"),
    "session.refused": _l("typed a wrong password"),
    "session.prove": _l("confirmed it with password and code"),
    "session.end": _l("ended a session"),
    "token.create": _l("made a token"),
    "token.revoke": _l("revoked a token"),
    "helpdesk.search": _l("looked for a person’s checks"),
    "domain.doctor": _l("examined a domain"),
    "list.upload": _l("uploaded a list"),
    "list.delete": _l("deleted an uploaded list"),
}
"""Of the audit log; an action without words here is shown as it is written."""
_EVERYBODY = frozenset(Role)
_MENU: tuple[tuple[str, LazyString, frozenset[Role]], ...] = (
    ("start", _l("Overview"), _EVERYBODY),
    ("helpdesk", _l("Help desk"), _EVERYBODY - {Role.AUDITOR}),
    ("admins", _l("Admins"), frozenset({Role.OWNER, Role.AUDITOR})),
    ("tokens", _l("Tokens"), frozenset({Role.OWNER, Role.AUDITOR})),
    ("sessions", _l("Sessions"), _EVERYBODY),
    ("audit", _l("Audit log"), frozenset({Role.OWNER, Role.AUDITOR})),
)


def menu(role: Role) -> tuple[tuple[str, LazyString], ...]:
    """The pages in the menu of a role: view and words."""
    return tuple((view, words) for view, words, roles in _MENU if role in roles)
