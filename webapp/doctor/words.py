"""The doctor's own words, for the terminal and for the page. Problems bring theirs."""

from __future__ import annotations

from collections.abc import Iterable

from profiles.problems import N_, Problem, Severity
from webapp.doctor.walk import LookUp, Outcome
from webapp.i18n import describe

NO_FAULT = N_("%(domain)s: every mail app finds what it needs.")
ADVICE_ONLY = N_("%(domain)s works; there is some advice.")
HAS_FAULTS = N_("%(domain)s has faults that mislead mail apps or keep them away.")
NOT_HOSTED = N_(
    "%(domain)s is not among your domains, so its records are not compared with anything: only what the mail apps "
    "find is shown."
)
DAYS_LEFT = N_("%(days)s days left")
DOES_NOT_FIT = N_("does not fit: only POP3 is offered")
FINDS_NOTHING = N_("finds nothing")
NOTHING_OFFERED = N_("nothing is published for it, and nothing is missing")
ALL_WELL = N_("finds what is published for it")

TITLE = N_("How mail apps find %(domain)s")
FIGURES = N_("Mail apps without a fault: %(well)s of %(all)s. Findings: %(problems)s.")
PROBLEMS = N_("What to do")
ROUTES = N_("Where each mail app looks")
PICTURE = N_("The way of each mail app through the places where it looks. Its steps stand below in words.")
STEP, ANSWER, STATE = N_("Step"), N_("What came"), N_("State")
RECORDS = N_("DNS records")
RECORD, WANTED, PUBLISHED = N_("Record"), N_("Should be"), N_("Published now")
NOTHING = N_("nothing")
TO_PUBLISH = N_("All records as zone-file text")
ONE_CLICK = N_("One click selects everything, to copy it.")
CERTIFICATES = N_("Certificates")
SERVER, UNTIL, ISSUER = N_("Server"), N_("Valid until"), N_("Issued by")
ADVISED = N_("advisable")
MARKS = {True: N_("found"), None: N_("nothing there"), False: N_("wrong")}
RESULTS = {True: N_("works"), None: N_("does not fit"), False: N_("has faults")}
RECORD_STATES = {True: N_("as it should be"), None: N_("not needed"), False: N_("wrong or missing")}
CERTIFICATE_STATES = {True: N_("valid"), None: N_("not reached from here"), False: N_("not valid")}
SEVERITIES = {Severity.ERROR: N_("Error"), Severity.WARNING: N_("Warning"), Severity.INFO: N_("Note")}
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


def grouped(problems: Iterable[Problem], language: str) -> list[tuple[Problem, list[str], str]]:
    """Problems of one code with the same advice as one piece: the first, what happened to each, the advice.

    Errors come first.
    """
    pieces: dict[tuple[str, str], tuple[Problem, list[str], str]] = {}
    for problem in sorted(problems, key=lambda problem: list(Severity).index(problem.severity)):
        summary, advice = describe(problem, language)
        _, summaries, _ = pieces.setdefault((problem.code, advice), (problem, [], advice))
        if summary not in summaries:
            summaries.append(summary)
    return list(pieces.values())
