"""Batches: all of them, and one with its progress, results and people. Looking changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from flask import Response, abort, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from profiles.problems import Code, Problem
from webapp import i18n, policy
from webapp.accounts import Role
from webapp.admin import batch_words as words
from webapp.admin.forms import AdminForm, sent
from webapp.admin.list_words import mend
from webapp.admin.plots import Bar, bars
from webapp.batches.following import Action, Counts, Show
from webapp.batches.options import Mode, Part
from webapp.batches.results import RETURNED, TABLE
from webapp.batches.rows import CellProblem
from webapp.batches.views import BatchView
from webapp.handouts.card import card_name
from webapp.languages import gettext as _
from webapp.languages import language
from webapp.policy import allow
from webapp.presentation import Count
from webapp.security import row_number
from webapp.services import services

PAGE = 50
SHOWN_PROBLEMS = 20
_EVERYBODY = tuple(Role)
_MAKERS = (Role.OWNER, Role.OPERATOR)


@allow(*_EVERYBODY)
def batches() -> str:
    """List every batch, newest first."""
    before = request.args.get("before", type=row_number)
    found = services().batches.every(before=before, most=PAGE + 1)
    return render_template(
        "admin/batches.html",
        batches=found[:PAGE],
        older=found[PAGE - 1].id if len(found) > PAGE else None,
        is_first=before is None,
        words=words,
        done=_deleted(),
        can_make=_can_make(),
    )


@allow(*_EVERYBODY)
def batch(batch_id: int) -> str:
    """Show one batch: progress, results, and how far its people have come."""
    here = services()
    found = here.batches.view(batch_id)
    show, search = chosen_show(), request.args.get("search", "").strip()[:200]
    after = max(0, request.args.get("after", 0, type=row_number))
    counts = here.following.counts(batch_id)
    return render_template(
        "admin/batch.html",
        batch=found,
        words=words,
        card_name=card_name,
        now=_progress(found),
        shares=_shares(found),
        problems=_problems(found),
        mend=mend,
        trouble=_trouble(found),
        counts=counts,
        tabs=_tabs(counts, show),
        funnel=funnel(counts),
        people=here.following.page(batch_id, show=show, search=search, after=after, most=PAGE),
        show=show,
        search=search,
        is_first=after == 0,
        done=said_done(),
        can_make=_can_make(),
        **_choices(found, counts, show, search),
        **_results(found),
    )


@allow(*_EVERYBODY)
def batch_progress(batch_id: int) -> Response:
    """Tell the page's script how far a batch is."""
    found = services().batches.view(batch_id)
    made, failed = _shares(found)
    return jsonify(
        state=found.state,
        ended=not found.is_active,
        total=found.total,
        done=found.done,
        made=made,
        failed=failed,
        texts=_progress(found),
    )


@allow(*_MAKERS)
def cancel_batch(batch_id: int) -> str | BaseResponse:
    """Ask whether to stop a batch; stop it."""
    found = services().batches.view(batch_id)
    if request.method != "POST":
        return render_template("admin/batch_cancel.html", batch=found)
    sent(AdminForm(request.form))
    services().batches.cancel(batch_id, policy.admin().name)
    return to_batch(batch_id)


@allow(*_MAKERS)
def retry_batch(batch_id: int) -> BaseResponse:
    """Let the rows that failed be made again."""
    sent(AdminForm(request.form))
    count = services().batches.retry(batch_id, policy.admin().name)
    return to_batch(batch_id, done="retry", count=count)


@allow(*_MAKERS, sensitive=True)
def delete_batch(batch_id: int) -> str | BaseResponse | tuple[str, int]:
    """Ask for the batch's name or number; delete everything of it."""
    found = services().batches.view(batch_id)
    counts = services().following.counts(batch_id)
    if request.method != "POST":
        return render_template("admin/batch_delete.html", batch=found, counts=counts, is_wrong=False, typed="")
    sent(AdminForm(request.form))
    typed = request.form.get("typed", "").strip()
    if typed not in (found.name.strip(), str(found.id)):
        page = render_template("admin/batch_delete.html", batch=found, counts=counts, is_wrong=True, typed=typed)
        return page, 422
    services().batches.delete(batch_id, policy.admin().name)
    answer: BaseResponse = redirect(url_for(".batches", done="delete"), 303)
    return answer


# results


@allow(*_MAKERS, sensitive=True, file=True)
def batch_file(batch_id: int, name: str) -> Response:
    """Hand out a result, made anew from the rows."""
    results, part = services().results, max(1, request.args.get("part", 1, type=row_number))
    makers: Mapping[str, tuple[str, Callable[[], Iterator[bytes]]]] = {
        "results.zip": ("application/zip", lambda: results.zip_pieces(batch_id)),
        "results.csv": (TABLE, lambda: results.results_csv(batch_id)),
        "problems.csv": (RETURNED, lambda: results.problems_csv(batch_id)),
        "pins.csv": (TABLE, lambda: results.pins_csv(batch_id)),
        "handouts.pdf": ("application/pdf", lambda: results.handouts_pdf(batch_id, part=part)),
    }
    if name not in makers or part > max(1, results.handout_parts(batch_id)):
        abort(404)
    kind, make = makers[name]
    return download(batch_id, name, kind, make())


def download(batch_id: int, name: str, kind: str, pieces: Iterator[bytes], **details: str) -> Response:
    """A stream that the audit log tells of."""
    here = services()
    with here.store.write() as connection:
        actor = policy.admin().name
        here.accounts.audit.record(connection, actor, "batch.download", f"batch {batch_id}", file=name, **details)
    answer = Response(pieces, content_type=kind)
    answer.headers.set("Content-Disposition", "attachment", filename=f"batch-{batch_id}-{name}")
    return answer


def _results(batch: BatchView) -> dict[str, Any]:
    """What can be downloaded."""
    if not batch.is_kept or batch.options is None:
        return {"has_results": False, "has_cards": False, "card_files": 0, "has_pins": False}
    has_cards = bool(batch.made) and Part.HANDOUTS in batch.options.parts
    return {
        "has_results": bool(batch.made or batch.failed),
        "has_cards": has_cards,
        "card_files": services().results.handout_parts(batch.id) if has_cards else 0,
        "has_pins": bool(batch.made) and batch.mode is Mode.READY_MADE,
    }


# what the page says


def _progress(batch: BatchView) -> dict[str, str]:
    """The figures, as the page's script puts them in place."""
    speed, left = batch.rows_per_second, batch.seconds_left
    return {
        "made": grouped(batch.made),
        "failed": grouped(batch.failed),
        "waiting": grouped(batch.waiting),
        "speed": "–" if speed is None else f"{speed:,.1f}",
        "left": "–" if left is None else i18n.format_duration(timedelta(seconds=left), language()),
        "state": str(words.STATES[batch.state]),
        "value": _(
            "%(done)s of %(total)s rows, %(failed)s with problems",
            done=grouped(batch.done),
            total=grouped(batch.total),
            failed=grouped(batch.failed),
        ),
    }


def _shares(batch: BatchView) -> tuple[str, str]:
    """Per cent of the rows that are made, and that failed."""
    total = max(batch.total, 1)
    return f"{100 * batch.made / total:.2f}%", f"{100 * batch.failed / total:.2f}%"


def _problems(batch: BatchView) -> tuple[CellProblem, ...]:
    if not batch.failed or policy.admin().role not in _MAKERS:
        return ()
    found = services().batches.problems(batch.id, most=SHOWN_PROBLEMS * 2)
    return tuple(one for one in found if one.problem.is_error)[:SHOWN_PROBLEMS]


def _trouble(batch: BatchView) -> Problem | None:
    if batch.is_stalled:
        return Problem(Code.WORKER_MISSING)
    return services().mailing.trouble(batch.id) if batch.mails else None


def _tabs(counts: Counts, show: Show) -> tuple[tuple[Show, str], ...]:
    shown = [one for one in words.TABS if counts.shown[one] or one in words.ALWAYS or one is show]
    return tuple((one, grouped(counts.shown[one])) for one in shown)


def _choices(batch: BatchView, counts: Counts, show: Show, search: str) -> dict[str, Any]:
    """What can be chosen below the list, and in its search."""
    here = grouped(counts.shown[show])
    everybody = _("all whom the list shows") if search else _("all %(count)s whom the list shows", count=here)
    possible = actions(batch)
    return {
        "actions": possible,
        "offers": tuple((action.value, words.ACTIONS[action].offer) for action in possible),
        "whom": (("ticked", _("those who are ticked")), ("all", everybody)),
        "all_shows": tuple(
            (one.value, f"{name} ({grouped(counts.shown[one])})") for one, name in words.SHOWS.items()
        ),
    }


def funnel(counts: Counts) -> tuple[Bar, ...]:
    """From invited to confirmed."""
    return bars([(str(words.FUNNEL[reached.stage]), reached.people) for reached in counts.funnel])


def said_done() -> str | None:
    """What was just done, said once after the redirect. The address decides only among our own words."""
    count = request.args.get("count", type=row_number)
    what = request.args.get("done", "")
    if count is None or count < 0 or what not in {*Action, "retry"}:
        return None
    if not count:
        return _("Nothing was left to do: it is done already, or it changes nothing for these people.")
    if what == "retry":
        return _("%(count)s rows are tried again.", count=grouped(count))
    return words.ACTIONS[Action(what)].done(Count(count))


def _deleted() -> str | None:
    said = {"delete": _("The batch was deleted."), "list": _("The list was deleted; nothing was made of it.")}
    return said.get(request.args.get("done", ""))


def actions(batch: BatchView) -> tuple[Action, ...]:
    """What this admin may do for many people of a batch."""
    if policy.admin().role not in _MAKERS:
        return ()
    found = [Action.REISSUE, Action.EXTEND, Action.REVOKE]
    if batch.is_kept:
        found.append(Action.REPRINT)
        if services().mailing.missing() is None:
            found += [Action.REMIND, Action.RESEND]
    return tuple(found)


def chosen_show() -> Show:
    """The filter that the address names."""
    word = request.values.get("show", "")
    return Show(word) if word in set(Show) else Show.ALL


def grouped(number: int) -> str:
    """A number as both languages write it."""
    return f"{number:,}"


def to_batch(batch_id: int, **said: Any) -> BaseResponse:
    """Go back to the page of a batch."""
    answer: BaseResponse = redirect(url_for(".batch", batch_id=batch_id, **said), 303)
    return answer


def _can_make() -> bool:
    return policy.admin().role in _MAKERS
