"""The doctor's own words, for the terminal and for the page. Problems bring theirs."""

from __future__ import annotations

from profiles.problems import N_
from webapp.doctor.walk import LookUp, Outcome

NO_FAULT = N_("%(domain)s: every mail app finds what it needs.")
ADVICE_ONLY = N_("%(domain)s works; there is some advice.")
HAS_FAULTS = N_("%(domain)s has faults that keep mail apps from finding it.")
NOT_HOSTED = N_(
    "%(domain)s is not among your domains, so its records are not compared with anything: only what the mail apps "
    "find is shown."
)
DAYS_LEFT = N_("%(days)s days left")
DOES_NOT_FIT = N_("does not fit: only POP3 is offered")
FINDS_NOTHING = N_("finds nothing")
NOTHING_OFFERED = N_("nothing is published for it, and nothing is missing")
ALL_WELL = N_("finds what is published for it")

LOOK_UPS: dict[LookUp, str] = {
    LookUp.AUTOCONFIG: "autoconfig.",
    LookUp.WELL_KNOWN: "/.well-known",
    LookUp.ISPDB: "ISPDB",
    LookUp.MX: "MX",
    LookUp.AUTODISCOVER: "Autodiscover",
    LookUp.SRV: "SRV",
    LookUp.PACC: "PACC",
    LookUp.DAV: "CalDAV, CardDAV",
}
"""What the kinds of place are called: names of protocols, the same in every language."""


def verdict(outcome: Outcome) -> str:
    """One client's result where it sets up no servers: a text to translate."""
    if outcome.ok is None:
        return DOES_NOT_FIT
    if outcome.ok is False and outcome.needs_settings:
        return FINDS_NOTHING
    return ALL_WELL if any(step.ok for step in outcome.steps) else NOTHING_OFFERED


def verdict_of(ok: bool, *, has_problems: bool) -> str:
    """The whole result in a sentence: a text to translate, with the domain as parameter."""
    if not ok:
        return HAS_FAULTS
    return ADVICE_ONLY if has_problems else NO_FAULT
