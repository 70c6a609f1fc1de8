"""One hosted domain: the DNS records to publish, and how mail apps find it."""

from __future__ import annotations

from flask import abort, render_template, request

from profiles.address import to_ascii
from profiles.dns_records import zone_file
from profiles.model import ServiceSettings
from webapp import policy
from webapp.accounts import Role
from webapp.admin.forms import AdminForm, sent
from webapp.doctor import Examination, examine, words
from webapp.doctor.records import proposed
from webapp.doctor.walk import words_of
from webapp.languages import language
from webapp.outbound import Outbound
from webapp.policy import allow
from webapp.services import services

SECONDS = 3.0
"""A person waits for each question, so it is shorter than on the command line."""
_READERS = (Role.OWNER, Role.OPERATOR, Role.HELPDESK, Role.AUDITOR)


@allow(*_READERS)
def domain(domain: str) -> str:
    """Show the records to publish."""
    return _page(domain, _hosted(domain), None)


@allow(Role.OWNER, Role.OPERATOR, Role.HELPDESK)
def look(domain: str) -> str:
    """Play the mail apps' look-ups now and show what came of them."""
    sent(AdminForm(request.form))
    settings = _hosted(domain)
    accounts = services().accounts
    with accounts.store.write() as connection:
        accounts.audit.record(connection, policy.admin().name, "domain.doctor", domain)
    found = examine(domain, _outbound(), settings=settings, service_host=_service_host(), seconds=SECONDS)
    return _page(domain, settings, found)


def _hosted(domain: str) -> ServiceSettings:
    settings = services().directory.hosted(domain)
    if settings is None:
        abort(404)
    return settings


def _page(domain: str, settings: ServiceSettings, found: Examination | None) -> str:
    records = proposed(settings, domain, _service_host())
    return render_template(
        "admin/domain.html",
        domain=domain,
        settings=settings,
        service_host=_service_host(),
        records=records,
        zone=zone_file(records),
        found=found,
        pieces=words.grouped(found.problems, language()) if found else (),
        verdict=words.verdict_of(found.ok, has_problems=bool(found.problems)) if found else "",
        doctor=words,
        words_of=words_of,
        form=AdminForm(),
    )


def _service_host() -> str:
    host = to_ascii(services().config.hostname) or ""
    return host if "." in host else ""


def _outbound() -> Outbound:
    """The door of this page: names of others too, for the doctor follows DNS, but only public addresses."""
    config = services().config
    return Outbound(
        allow_networks=config.allow_networks,
        resolver=config.resolver,
        ca_file=config.ca_file,
        registered=services().directory.is_registered,
        allow_other=True,
    )
