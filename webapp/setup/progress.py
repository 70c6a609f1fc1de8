"""The stages of a check as a page shows them: one leg per service, a handful of steps, a state for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from profiles.model import MailAccount, Protocol
from webapp.languages import gettext as _
from webapp.probes.dav import endpoint
from webapp.probes.report import Stage, StageName
from webapp.setup.values import TITLES


@dataclass(frozen=True, slots=True)
class Step:
    """One line: `state` is the class of the stylesheet (done, now, wait, bad)."""

    words: str
    state: str
    note: str


@dataclass(frozen=True, slots=True)
class Leg:
    """One service's way."""

    service: str
    title: str
    server: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """All legs, and one sentence for those who hear the page."""

    legs: tuple[Leg, ...]
    milliseconds: int

    @property
    def status(self) -> str:
        """How many steps are done."""
        steps = [step for leg in self.legs for step in leg.steps]
        done = sum(step.state in ("done", "bad") for step in steps)
        return _("%(done)s of %(total)s steps are done.", done=done, total=len(steps))

    @property
    def elapsed(self) -> str:
        """How long it took so far."""
        return _("%(seconds)s seconds so far.", seconds=f"{self.milliseconds / 1000:.1f}")


@dataclass(frozen=True, slots=True)
class _Way:
    """One service of the account: its steps, and which of them wait for the services before."""

    service: str
    title: str
    endpoint: str
    steps: tuple[tuple[LazyString, tuple[StageName, ...]], ...]
    held: tuple[StageName, ...]


_RESOLVE = (_l("Find the server"), (StageName.RESOLVE,))
_CONNECT = (_l("Connect"), (StageName.CONNECT,))
_SECURE = (
    _l("Check encryption and certificate"),
    (StageName.GREETING, StageName.STARTTLS, StageName.TLS, StageName.CAPABILITY),
)
_LOGIN = (_l("Sign in"), (StageName.LOGIN,))
_INBOX = (_l("Open the inbox"), (StageName.MAILBOX, StageName.NAMESPACE, StageName.QUOTA))
_SENDER = (_l("Check the sender address"), (StageName.SUBMIT,))
_STEPS: Mapping[Protocol, tuple[tuple[LazyString, tuple[StageName, ...]], ...]] = {
    Protocol.IMAP: (_RESOLVE, _CONNECT, _SECURE, _LOGIN, _INBOX),
    Protocol.POP3: (_RESOLVE, _CONNECT, _SECURE, _LOGIN, _INBOX),
    Protocol.SMTP: (_RESOLVE, _CONNECT, _SECURE, _LOGIN, _SENDER),
}
_DAV_STEPS = (_CONNECT, _LOGIN)
_CLOSING = frozenset(
    {
        StageName.RESOLVE,
        StageName.CONNECT,
        StageName.TLS,
        StageName.STARTTLS,
        StageName.CAPABILITY,
        StageName.LOGIN,
        StageName.MAILBOX,
        StageName.SUBMIT,
    }
)
"""Stages after which the next step is under way."""


def progress(
    account: MailAccount, stages: Sequence[Stage], *, running: bool, milliseconds: int | None = None
) -> Progress:
    """Draw what is known so far."""
    legs: list[Leg] = []
    for way in _ways(account):
        waits = running and any(not _is_over(leg) for leg in legs)
        legs.append(_leg(way, stages, running=running, held=way.held if waits else ()))
    total = sum(stage.milliseconds for stage in stages) if milliseconds is None else milliseconds
    return Progress(tuple(legs), total)


def _ways(account: MailAccount) -> Iterator[_Way]:
    # The outgoing server hears the password only after the incoming one took it, calendar and contacts after both.
    for server in account.incoming[:1] + account.outgoing[:1]:
        title = str(TITLES[server.protocol])
        yield _Way(server.protocol, title, server.endpoint, _STEPS[server.protocol], _LOGIN[1])
    for name, title, service in (
        ("caldav", _("Calendar"), account.calendar),
        ("carddav", _("Contacts"), account.addressbook),
    ):
        if service is not None:
            yield _Way(name, title, endpoint(service), _DAV_STEPS, _CONNECT[1] + _LOGIN[1])


def _is_over(leg: Leg) -> bool:
    return leg.steps[-1].state in ("done", "bad") or any(step.state == "bad" for step in leg.steps)


def _leg(way: _Way, stages: Sequence[Stage], *, running: bool, held: tuple[StageName, ...]) -> Leg:
    ours = [stage for stage in stages if stage.service == way.service]
    steps: list[Step] = []
    blocked = False
    for words, names in way.steps:
        found = [stage for stage in ours if stage.stage in names and stage.ok is not None]
        state = "wait" if blocked else _state(found, running=running)
        state = "wait" if state == "now" and names[0] in held else state
        blocked = blocked or state in ("bad", "now", "wait")
        steps.append(Step(str(words), state, _note(found, state, running=running, waits=bool(held))))
    return Leg(way.service, way.title, way.endpoint, tuple(steps))


def _state(found: Sequence[Stage], *, running: bool) -> str:
    if any(stage.ok is False for stage in found):
        return "bad"
    if not running:
        return "done" if found else "wait"
    return "done" if any(stage.stage in _CLOSING for stage in found) else "now"


def _note(found: Sequence[Stage], state: str, *, running: bool, waits: bool) -> str:
    if state in ("done", "bad"):
        return _("%(count)s ms", count=sum(stage.milliseconds for stage in found))
    if not running:
        return _("Not tried")
    if state == "now":
        return _("Under way")
    return _("After incoming") if waits else _("Waiting")
