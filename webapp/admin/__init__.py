"""The pages of admins, below /admin, /ja/admin and /en/admin. Who may open each stands beside its function."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask

from webapp.admin import (
    audit,
    batch_people,
    batches,
    domains,
    entry,
    helpdesk,
    leavers,
    lists,
    people,
    sessions,
    start,
    tokens,
)
from webapp.admin.words import ACTIONS, ROLES, SCOPES, STAGES, STATES, actor, menu, subject, told
from webapp.i18n import translate
from webapp.languages import language
from webapp.policy import find_session, session_form_token

admin = Blueprint("admin", __name__)
BOTH = ["GET", "POST"]
admin.add_url_rule("/", view_func=start.start, strict_slashes=False)
admin.add_url_rule("/setup/<token>", view_func=entry.set_up, methods=BOTH)
admin.add_url_rule("/log-in", view_func=entry.log_in, methods=BOTH)
admin.add_url_rule("/code", view_func=entry.second_factor, methods=BOTH)
admin.add_url_rule("/again", view_func=entry.prove_again, methods=BOTH)
admin.add_url_rule("/log-out", view_func=entry.log_out, methods=["POST"])
admin.add_url_rule("/domains/<domain>", view_func=domains.domain)
admin.add_url_rule("/domains/<domain>/doctor", view_func=domains.look, methods=["POST"])
admin.add_url_rule("/lists/new", view_func=lists.new_list, methods=BOTH)
admin.add_url_rule("/lists/sample.csv", view_func=lists.sample_list)
admin.add_url_rule("/lists/<token>", view_func=lists.list_page)
admin.add_url_rule("/lists/<token>/reading", view_func=lists.read_list, methods=["POST"])
admin.add_url_rule("/lists/<token>/problems", view_func=lists.list_problems, methods=["POST"])
admin.add_url_rule("/lists/<token>/card", view_func=lists.list_card, methods=["POST"])
admin.add_url_rule("/lists/<token>/make", view_func=lists.make_list, methods=["POST"])
admin.add_url_rule("/lists/<token>/delete", view_func=lists.delete_list, methods=["POST"])
admin.add_url_rule("/helpdesk", view_func=helpdesk.helpdesk, methods=BOTH)
admin.add_url_rule("/admins", view_func=people.admins)
admin.add_url_rule("/admins/create", view_func=people.create, methods=BOTH)
admin.add_url_rule("/admins/<int:admin_id>", view_func=people.one)
admin.add_url_rule("/admins/<int:admin_id>/role", view_func=people.change_role, methods=["POST"])
admin.add_url_rule("/admins/<int:admin_id>/reset", view_func=people.reset, methods=["POST"])
admin.add_url_rule("/admins/<int:admin_id>/disable", view_func=people.disable, methods=["POST"])
admin.add_url_rule("/sessions", view_func=sessions.sessions)
admin.add_url_rule("/sessions/end", view_func=sessions.end, methods=["POST"])
admin.add_url_rule("/tokens", view_func=tokens.tokens)
admin.add_url_rule("/tokens/create", "create_token", tokens.create, methods=BOTH)
admin.add_url_rule("/tokens/revoke", view_func=tokens.revoke, methods=["POST"])
admin.add_url_rule("/audit", view_func=audit.audit)
admin.add_url_rule("/batches", view_func=batches.batches)
admin.add_url_rule("/batches/<int:batch_id>", view_func=batches.batch)
admin.add_url_rule("/batches/<int:batch_id>/progress", view_func=batches.batch_progress)
admin.add_url_rule("/batches/<int:batch_id>/cancel", view_func=batches.cancel_batch, methods=BOTH)
admin.add_url_rule("/batches/<int:batch_id>/retry", view_func=batches.retry_batch, methods=["POST"])
admin.add_url_rule("/batches/<int:batch_id>/delete", view_func=batches.delete_batch, methods=BOTH)
admin.add_url_rule("/batches/<int:batch_id>/files/<name>", view_func=batches.batch_file)
admin.add_url_rule("/batches/<int:batch_id>/chosen", view_func=batch_people.choose_people, methods=["POST"])
admin.add_url_rule(
    "/batches/<int:batch_id>/chosen/<action>", view_func=batch_people.change_people, methods=["POST"]
)
admin.add_url_rule("/batches/<int:batch_id>/people/<int:row>", view_func=batch_people.person)
admin.add_url_rule(
    "/batches/<int:batch_id>/people/<int:row>/reprint", view_func=batch_people.reprint_person, methods=BOTH
)
admin.add_url_rule(
    "/batches/<int:batch_id>/people/<int:row>/<action>", view_func=batch_people.change_person, methods=BOTH
)
admin.add_url_rule("/leavers", view_func=leavers.leavers, methods=BOTH)
admin.add_url_rule("/leavers/revoke", view_func=leavers.revoke_leavers, methods=["POST"])
admin.add_url_rule("/leavers/<int:number>", view_func=leavers.leavers_run)
admin.add_url_rule("/leavers/<int:number>/step", view_func=leavers.tick_leavers, methods=["POST"])
admin.add_url_rule("/leavers/<int:number>/done.csv", view_func=leavers.leavers_csv)


@admin.context_processor
def _names() -> dict[str, Any]:
    session = find_session()
    known = session if session is not None and session.is_complete else None
    return {
        "me": known,
        "menu": menu(known.role) if known else (),
        "role_names": ROLES,
        "state_names": STATES,
        "scope_names": SCOPES,
        "action_names": ACTIONS,
        "actor": actor,
        "stage_names": STAGES,
        "told": told,
        "subject": subject,
        "session_form_token": session_form_token,
        "texts": _texts,
    }


def _texts(message: str, **params: str) -> str:
    """A text of the layers below, in the page's language."""
    return translate(message, language(), **params)


def init_app(app: Flask) -> None:
    """Register the pages, without and with a language."""
    app.register_blueprint(admin, url_prefix="/admin")
    app.register_blueprint(admin, name="admin_in_language", url_prefix="/<any(ja, en):language>/admin")
