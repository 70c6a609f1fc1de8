"""The help desk: an address, and what to read out to its owner. It is posted, so no log or history has it."""

from __future__ import annotations

from flask import render_template, request

from profiles.address import parse_address
from profiles.model import ServiceSettings
from webapp import policy
from webapp.accounts import Role
from webapp.admin import batch_words
from webapp.admin.forms import SearchForm, sent
from webapp.checks.history import PastCheck, last_checks
from webapp.policy import allow
from webapp.probes.report import Stage
from webapp.services import services

_SERVICES = ("imap", "pop3", "smtp", "caldav", "carddav")


@allow(Role.OWNER, Role.OPERATOR, Role.HELPDESK)
def helpdesk() -> str | tuple[str, int]:
    """Ask for an address; show its last checks."""
    form = SearchForm(request.form)
    if request.method != "POST":
        return render_template("admin/helpdesk.html", form=form, problems=(), address=None)
    sent(form)
    address, problems = parse_address(form.address.data or "", place="address")
    if address is None:
        return render_template("admin/helpdesk.html", form=form, problems=problems, address=None), 422
    here = services()
    with here.store.write() as connection:
        here.accounts.audit.record(connection, policy.admin().name, "helpdesk.search", str(address))
    checks: tuple[PastCheck, ...] = last_checks(here.store, address)
    settings: ServiceSettings | None = here.directory.find(address.domain)
    return render_template(
        "admin/helpdesk.html",
        form=form,
        problems=(),
        address=address,
        checks=checks,
        settings=settings,
        invited=here.following.of_address(address),
        words=batch_words,
        in_order=_in_order,
    )


def _in_order(stages: tuple[Stage, ...]) -> list[Stage]:
    """One service after the other: they were tried at the same time, and would jump to and fro when read out."""
    return sorted(stages, key=lambda stage: _SERVICES.index(stage.service))
