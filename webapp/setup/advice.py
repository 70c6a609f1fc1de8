"""IMAP or POP3: a few questions, a recommendation, and the form with that choice made. Nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from flask import render_template, request, url_for
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from profiles.advice import Advice, Backup, Devices, Offline, Shared, Situation, Space, advise
from webapp import presentation
from webapp.i18n import translate
from webapp.languages import language
from webapp.services import house
from webapp.setup import pages


@dataclass(frozen=True, slots=True)
class Question:
    """One field of a Situation as people are asked, with its answers, the common one first."""

    name: str
    words: LazyString
    answers: tuple[tuple[StrEnum, LazyString], ...]


QUESTIONS = (
    Question(
        "devices",
        _l("How many devices read this mail?"),
        (
            (Devices.SEVERAL, _l("Several, such as a phone and a computer")),
            (Devices.ONE, _l("Only one")),
        ),
    ),
    Question(
        "shared",
        _l("Do others read the same mailbox?"),
        (
            (Shared.NO, _l("No, only I")),
            (Shared.YES, _l("Yes, such as info@ or a family address")),
        ),
    ),
    Question(
        "space",
        _l("How much room is there on the server?"),
        (
            (Space.PLENTY, _l("Plenty, or I do not know")),
            (Space.SCARCE, _l("Little, or mail is deleted after some days")),
        ),
    ),
    Question(
        "offline",
        _l("Must old mail be readable without the network?"),
        (
            (Offline.NO, _l("No, recent mail is enough")),
            (Offline.YES, _l("Yes, all of it")),
        ),
    ),
    Question(
        "backup",
        _l("Who keeps a copy of your mail?"),
        (
            (Backup.SERVER, _l("The mail service")),
            (Backup.OWN, _l("I want a copy of my own")),
        ),
    ),
)
"""What decides most is asked first."""


def advice() -> str:
    """Ask; once answered, recommend."""
    presentation.belongs_to(house())
    situation = _situation()
    asked = any(question.name in request.args for question in QUESTIONS)
    given = advise(situation) if asked else None
    return render_template(
        "setup/advice.html",
        questions=QUESTIONS,
        situation=situation,
        advice=given,
        reasons=_translated(given.reasons) if given else (),
        cautions=_translated(given.cautions) if given else (),
        form_url=None if given is None else _form_url(given),
        device=pages.device(),
    )


def _situation() -> Situation:
    """The answers in the page's address; what is no answer counts as the common one."""
    common, args = Situation(), request.args
    return Situation(
        devices=args.get("devices", common.devices, Devices),
        offline=args.get("offline", common.offline, Offline),
        space=args.get("space", common.space, Space),
        backup=args.get("backup", common.backup, Backup),
        shared=args.get("shared", common.shared, Shared),
    )


def _translated(messages: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(translate(message, language()) for message in messages)


def _form_url(given: Advice) -> str:
    return url_for(".start", protocol=given.protocol.value, device=pages.chosen_device())
