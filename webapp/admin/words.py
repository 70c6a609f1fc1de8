"""What roles, states, scopes and actions are called on pages, and which pages a role sees in its menu."""

from __future__ import annotations

import re
from collections.abc import Mapping

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from webapp.accounts import COMMAND_LINE, AdminState, Role, Scope
from webapp.admin import batch_words
from webapp.handouts.card import card_name
from webapp.probes.report import StageName

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
    Scope.BATCHES_READ: _l("see how far lists are and what is wrong in them"),
    Scope.BATCHES_RESULTS: _l("download the results of lists: links, PINs and passwords"),
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
    "phone.lost": _l("reported a lost phone"),
    "domain.doctor": _l("examined a domain"),
    "batch.take": _l("took a list as a batch"),
    "batch.cancel": _l("stopped a batch"),
    "batch.retry": _l("let failed rows be made again"),
    "batch.delete": _l("deleted a batch"),
    "batch.expire": _l("deleted a batch whose time was over"),
    "batch.download": _l("downloaded a result"),
    "batch.remind": _l("sent reminders"),
    "batch.mail": _l("sent invitation mails again"),
    "link.reissue": _l("made a new link"),
    "link.extend": _l("let a link open longer"),
    "link.revoke": _l("revoked a link"),
    "leaver.revoke": _l("ended everything of a leaver"),
    "leavers.revoke": _l("ended everything of leavers"),
    "leavers.step": _l("ticked off a step for leavers"),
    "list.upload": _l("uploaded a list"),
    "list.delete": _l("deleted an uploaded list"),
}
"""Of the audit log; an action without words here is shown as it is written."""
DETAILS: Mapping[str, LazyString] = {
    "role": _l("Role"),
    "before": _l("Before"),
    "after": _l("After"),
    "scopes": _l("What it may do"),
    "second_factor": _l("Second factor"),
    "network": _l("Network"),
    "name": _l("Name"),
    "mode": _l("Kind"),
    "rows": _l("Rows"),
    "good": _l("Good rows"),
    "passed_on": _l("Links that went over to another batch"),
    "file": _l("File"),
    "people": _l("People"),
    "mails": _l("Mails"),
    "batch": _l("Batch"),
    "card": _l("Card"),
    "cards": _l("Cards, by number"),
    "days": _l("Days"),
    "links": _l("Links that opened"),
    "checks": _l("Checks and downloads"),
    "devices": _l("Devices"),
    "step": _l("Step"),
}
_VALUES: Mapping[str, Mapping[str, LazyString]] = {
    **{name: {role.value: words for role, words in ROLES.items()} for name in ("role", "before", "after")},
    "second_factor": {
        "app": _l("authenticator app"),
        "recovery code": _l("recovery code"),
        "set-up": _l("just set up"),
    },
    "mode": {mode.value: words for mode, words in batch_words.MODES.items()},
    "step": {step.value: words for step, (words, _) in batch_words.STEPS.items()},
}
_SUBJECTS: Mapping[str, LazyString] = {
    "batch": _l("Batch no. %(number)s"),
    "leavers": _l("Leavers, run %(number)s"),
}
_NUMBERED = re.compile(r"(batch|leavers) (\d+)\Z")
ACTORS: Mapping[str, LazyString] = {
    COMMAND_LINE: _l("the command line"),
    "set-up link": _l("the first set-up link"),
}
_KINDS_OF_ACTOR: Mapping[str, LazyString] = {"token": _l("token %(name)s"), "card": _l("card %(name)s")}
"""An admin's name has no blank in it."""
STAGES: Mapping[StageName, LazyString] = {
    StageName.RESOLVE: _l("Find the server"),
    StageName.CONNECT: _l("Connect"),
    StageName.TLS: _l("Check encryption and certificate"),
    StageName.STARTTLS: _l("Switch to encryption"),
    StageName.GREETING: _l("Wait for the greeting"),
    StageName.CAPABILITY: _l("Ask what the server offers"),
    StageName.LOGIN: _l("Sign in"),
    StageName.MAILBOX: _l("Open the inbox"),
    StageName.NAMESPACE: _l("Read the folder prefix"),
    StageName.QUOTA: _l("Read the room that is left"),
    StageName.SUBMIT: _l("Check the sender address"),
}
_EVERYBODY = frozenset(Role)
_MENU: tuple[tuple[str, LazyString, frozenset[Role]], ...] = (
    ("start", _l("Overview"), _EVERYBODY),
    ("batches", _l("Batches"), _EVERYBODY),
    ("leavers", _l("Leavers"), frozenset({Role.OWNER, Role.OPERATOR})),
    ("helpdesk", _l("Help desk"), _EVERYBODY - {Role.AUDITOR}),
    ("admins", _l("Admins"), frozenset({Role.OWNER, Role.AUDITOR})),
    ("tokens", _l("Tokens"), frozenset({Role.OWNER, Role.AUDITOR})),
    ("sessions", _l("Sessions"), _EVERYBODY),
    ("audit", _l("Audit log"), frozenset({Role.OWNER, Role.AUDITOR})),
)


def actor(name: str) -> str:
    """Who acts, in words: an admin by name, a token, a card whose holder reported something, the command line."""
    kind, _, which = name.partition(" ")
    if name in ACTORS or kind not in _KINDS_OF_ACTOR or not which:
        return str(ACTORS.get(name, name))
    return str(_KINDS_OF_ACTOR[kind]) % {"name": which}


def told(name: str, value: str) -> tuple[str, str]:
    """A detail of the audit log in words; what is not known here stays as it is written."""
    parts = (SCOPES.get(Scope(part)) if part in set(Scope) else None for part in value.split())
    scopes = [str(words) for words in parts if words is not None] if name == "scopes" else []
    cards = re.sub(r"\d+", lambda found: card_name(int(found[0])), value) if name in ("card", "cards") else ""
    words = _VALUES.get(name, {}).get(value, value)
    return str(DETAILS.get(name, name)), ", ".join(scopes) or cards or str(words)


def subject(text: str) -> str:
    """Whom or what an entry of the audit log concerns: a batch and a run of leavers in words."""
    found = _NUMBERED.match(text)
    return str(_SUBJECTS[found[1]]) % {"number": found[2]} if found else text


def menu(role: Role) -> tuple[tuple[str, LazyString], ...]:
    """The pages in the menu of a role: view and words."""
    return tuple((view, words) for view, words, roles in _MENU if role in roles)
