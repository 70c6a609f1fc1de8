"""The audit log as a page: newest first, and whether the chain holds."""

from __future__ import annotations

from flask import render_template, request

from webapp.accounts import Role
from webapp.policy import allow
from webapp.security import row_number
from webapp.services import services

PAGE = 100


@allow(Role.OWNER, Role.AUDITOR)
def audit() -> str:
    """Show a page of the log."""
    log = services().accounts.audit
    before = request.args.get("before", type=row_number)
    entries = log.newest(before=before, most=PAGE)
    count, problems = log.verify() if "verify" in request.args else (0, None)
    return render_template(
        "admin/audit.html",
        entries=entries,
        older=entries[-1].number if len(entries) == PAGE else None,
        count=count,
        problems=problems,
    )
