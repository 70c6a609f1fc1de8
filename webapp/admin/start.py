"""The first page: what is hosted here, and what needs a hand."""

from __future__ import annotations

from flask import render_template

from webapp import certificates, policy
from webapp.accounts import Role
from webapp.admin import batch_words
from webapp.policy import allow
from webapp.services import services

FEW_RECOVERY_CODES = 3
NEWEST = 3


@allow(*Role)
def start() -> str:
    """Offer what comes next; list the newest batches and the hosted domains."""
    here = services()
    left = here.accounts.login.recovery_codes_left(policy.admin().admin_id)
    return render_template(
        "admin/start.html",
        batches=here.batches.every(most=NEWEST),
        words=batch_words,
        can_make=policy.admin().role in (Role.OWNER, Role.OPERATOR),
        entries=tuple(here.directory.snapshot().entries.values()),
        recovery_codes_left=left,
        few_recovery_codes=left < FEW_RECOVERY_CODES,
        signing=certificates.status(here.config),
    )
