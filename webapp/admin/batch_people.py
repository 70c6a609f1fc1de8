"""What is done for people of a batch: for one of them, for those who are ticked, or for all whom a list shows.

Each action asks first and says what will happen to how many. The help desk does two things for one person.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from flask import abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from profiles.problems import Code, Problem
from webapp import policy
from webapp.accounts import Role
from webapp.admin import batch_words as words
from webapp.admin.batches import actions, chosen_show, download, said_done, to_batch
from webapp.admin.forms import AdminForm, sent
from webapp.batches.documents import MOST_CARDS
from webapp.batches.following import Action, Choice, Forecast, Person, Show, Stage
from webapp.batches.options import MailState, Mode, Part, most_days, usual_days
from webapp.batches.views import BatchView
from webapp.handouts.card import card_name
from webapp.languages import gettext as _
from webapp.languages import moment
from webapp.policy import allow
from webapp.services import services

MOST_TICKED = 500
MANY = 2000
"""From so many people on, an action takes seconds."""
HELPDESK = (Action.REISSUE, Action.REVOKE)
_MAKERS = (Role.OWNER, Role.OPERATOR)
_HANDS = (*_MAKERS, Role.HELPDESK)
_NUMBERS = re.compile(r"\d{1,9}(?:,\d{1,9})*\Z")
Page = str | BaseResponse | tuple[str, int]


# many


@allow(*_MAKERS, sensitive=True)
def choose_people(batch_id: int) -> Page:
    """Ask whether to do it; nothing happens yet."""
    sent(AdminForm(request.form))
    batch = services().batches.view(batch_id)
    action = _action(request.form.get("action"), actions(batch))
    everybody = request.form.get("who") == "all"
    choice = _all_shown() if everybody else Choice(rows=_ticked())
    if not everybody and not choice.rows:
        return to_batch(batch_id, none="1", **_shown())
    return _ask(batch, action, choice)


@allow(*_MAKERS, sensitive=True)
def change_people(batch_id: int, action: str) -> Page:
    """Do it."""
    sent(AdminForm(request.form))
    batch = services().batches.view(batch_id)
    which = _action(action, actions(batch))
    choice = _posted_choice()
    days = _days(batch.mode)
    if which is Action.EXTEND and days is None:
        return _ask(batch, which, choice, problems=(_out_of_range(batch.mode),)), 422
    if which is Action.REPRINT:
        return _reprint(batch, choice)
    count = _do(batch, which, choice, days or 1)
    return to_batch(batch_id, done=which.value, count=count, **_shown())


def _ask(batch: BatchView, action: Action, choice: Choice, *, problems: tuple[Problem, ...] = ()) -> str:
    return render_template(
        "admin/batch_confirm.html",
        batch=batch,
        action=action,
        choice=choice,
        rows=",".join(map(str, choice.rows)) if choice.rows is not None else "",
        problems=problems,
        back=url_for(".batch", batch_id=batch.id, **_shown()),
        search=_search(),
        target=url_for(".change_people", batch_id=batch.id, action=action.value),
        person=None,
        **_forecast(batch, action, choice),
    )


def _forecast(batch: BatchView, action: Action, choice: Choice) -> dict[str, object]:
    forecast: Forecast = services().following.forecast(batch.id, choice, action)
    ready = (words.READY_MADE_EFFECTS[action],) if batch.mode is Mode.READY_MADE else ()
    return {
        "words": words,
        "forecast": forecast,
        "many": MANY,
        "effects": (*words.EFFECTS[action], *(ready if action in words.READY_MADE_EFFECTS else ())),
        "days": request.form.get("days") or str(usual_days(batch.mode)),
        "most_days": most_days(batch.mode),
    }


def _do(batch: BatchView, action: Action, choice: Choice, days: int) -> int:
    here, actor = services(), policy.admin().name
    if action in (Action.REMIND, Action.RESEND):
        rows = here.following.meant(batch.id, choice, action)
        send = here.mailing.remind if action is Action.REMIND else here.mailing.send_again
        return send(batch.id, rows, actor=actor).mails if rows else 0
    change: Mapping[Action, Callable[[], int]] = {
        Action.REISSUE: lambda: here.following.reissue(batch.id, choice, actor=actor),
        Action.EXTEND: lambda: here.following.extend(batch.id, choice, days=days, actor=actor),
        Action.REVOKE: lambda: here.following.revoke(batch.id, choice, actor=actor),
    }
    return change[action]()


def _reprint(batch: BatchView, choice: Choice) -> BaseResponse:
    here = services()
    rows = here.following.meant(batch.id, choice, Action.REPRINT)
    if not rows:
        return to_batch(batch.id, done=Action.REPRINT.value, count=0, **_shown())
    if len(rows) > MOST_CARDS:
        # No printer wants more in one file; the archive holds one file after the other.
        pieces = here.results.zip_pieces(batch.id, rows=rows, parts=(Part.HANDOUTS,))
        return download(batch.id, "handouts.zip", "application/zip", pieces, people=str(len(rows)))
    pieces = here.results.handouts_pdf(batch.id, rows=rows)
    return download(batch.id, "handouts.pdf", "application/pdf", pieces, people=str(len(rows)))


# one


@allow(*Role)
def person(batch_id: int, row: int) -> str:
    """Show one person: how far they have come and what went wrong last."""
    batch = services().batches.view(batch_id)
    found = _person(batch_id, row)
    return render_template(
        "admin/batch_person.html",
        batch=batch,
        person=found,
        words=words,
        actions=_actions_for(batch, found),
        facts=_facts(batch, found),
        steps=_steps(found),
        done=said_done(),
    )


@allow(*_MAKERS, sensitive=True)
def reprint_person(batch_id: int, row: int) -> Page:
    """Print the card of this person again: it is the link, so as sensitive as every other download."""
    return _change_person(batch_id, row, Action.REPRINT.value)


@allow(*_HANDS)
def change_person(batch_id: int, row: int, action: str) -> Page:
    """Ask whether to do it for this person; do it."""
    return _change_person(batch_id, row, action)


def _change_person(batch_id: int, row: int, action: str) -> Page:
    batch = services().batches.view(batch_id)
    found = _person(batch_id, row)
    which = _action(action, _actions_for(batch, found))
    choice = Choice(rows=(row,))
    back = url_for(".person", batch_id=batch_id, row=row)
    if request.method != "POST":
        return _ask_one(batch, found, which, choice, back)
    sent(AdminForm(request.form))
    days = _days(batch.mode)
    if which is Action.EXTEND and days is None:
        return _ask_one(batch, found, which, choice, back, _out_of_range(batch.mode)), 422
    if which is Action.REPRINT:
        return _reprint(batch, choice)
    count = _do(batch, which, choice, days or 1)
    answer: BaseResponse = redirect(f"{back}?done={which.value}&count={count}", 303)
    return answer


def _ask_one(
    batch: BatchView, found: Person, action: Action, choice: Choice, back: str, *problems: Problem
) -> str:
    return render_template(
        "admin/batch_confirm.html",
        batch=batch,
        action=action,
        choice=choice,
        rows="",
        problems=problems,
        back=back,
        target=url_for(".change_person", batch_id=batch.id, row=found.row, action=action.value),
        person=found,
        **_forecast(batch, action, choice),
    )


def _facts(batch: BatchView, found: Person) -> tuple[tuple[str, str], ...]:
    """What is known of a person, and of the card; never a link or a PIN."""
    facts = (
        (_("Email address"), found.address),
        (_("Department"), found.department),
        (_("Employee number"), found.employee_number),
        (_("Row of the list"), str(found.row)),
        (_("Card"), "" if found.number is None else card_name(found.number)),
        (_("Kind"), str(words.MODES[found.mode or batch.mode])),
        (_("Link opens until"), "" if found.expires_at is None else moment(found.expires_at)),
        (_("Times a new link was made"), str(found.generation or "")),
        (_("Invitation mail"), _mail(found)),
        (_("Last reminder"), "" if found.reminded_at is None else moment(found.reminded_at)),
        (_("Phone reported lost"), "" if found.lost_at is None else moment(found.lost_at)),
    )
    return tuple((label, value) for label, value in facts if value)


def _mail(found: Person) -> str:
    if found.mail_state is MailState.SENT and Stage.MAILED not in found.times:
        return _("sent, but with a link that a new one has replaced")
    return str(words.MAILS[found.mail_state]) if found.mail_state else ""


def _steps(found: Person) -> tuple[tuple[str, datetime | None], ...]:
    """The way from the invitation on, with the times that are known."""
    if not found.has_link:
        return ()
    return tuple((str(name), found.times.get(stage)) for stage, name in words.FUNNEL.items())


def _actions_for(batch: BatchView, found: Person) -> tuple[Action, ...]:
    """What this admin may do for this person, and what would change something."""
    role = policy.admin().role
    may = actions(batch) if role in _MAKERS else HELPDESK if role is Role.HELPDESK else ()
    able = services().following.forecast
    return tuple(one for one in may if able(batch.id, Choice(rows=(found.row,)), one).able)


def _person(batch_id: int, row: int) -> Person:
    found = services().following.person(batch_id, row)
    if found is None:
        abort(404)
    return found


# what a form says


def _action(word: str | None, possible: tuple[Action, ...]) -> Action:
    if word not in set(Action) or Action(word or "") not in possible:
        abort(404)
    return Action(word or "")


def _search() -> str:
    return request.form.get("search", "").strip()[:200]


def _shown() -> dict[str, Any]:
    """The part of the list that somebody came from, to go back to."""
    show = chosen_show()
    return {
        **({"show": show.value} if show is not Show.ALL else {}),
        **({"search": _search()} if _search() else {}),
    }


def _all_shown() -> Choice:
    return Choice(show=chosen_show(), search=_search())


def _ticked() -> tuple[int, ...]:
    found = [int(text) for text in request.form.getlist("row") if _NUMBERS.match(text) and "," not in text]
    return tuple(dict.fromkeys(found))[:MOST_TICKED]


def _posted_choice() -> Choice:
    text = request.form.get("rows", "")
    if not text:
        return _all_shown()
    if not _NUMBERS.match(text):
        abort(400)
    return Choice(rows=tuple(map(int, text.split(",")))[:MOST_TICKED], show=Show.ALL)


def _days(mode: Mode) -> int | None:
    text = request.form.get("days", "").strip()
    days = int(text) if text.isdecimal() and len(text) < 6 else 0
    return days if 1 <= days <= most_days(mode) else None


def _out_of_range(mode: Mode) -> Problem:
    return Problem(Code.NUMBER_OUT_OF_RANGE, {"least": "1", "most": str(most_days(mode))}, place="days")
