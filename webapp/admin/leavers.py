"""People who leave: a list goes in, a look at who is hit, one press, then what is left to do at the provider."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flask import Response, abort, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from profiles.address import Address, parse_address
from profiles.model import ServiceSettings
from profiles.problems import Code, Problem, ProblemError, quoted
from webapp import policy
from webapp.accounts import AdminState, Role
from webapp.admin import batch_words as words
from webapp.admin.forms import AdminForm, sent
from webapp.batches.columns import Field, find_columns
from webapp.batches.defusing import line
from webapp.batches.leavers import MOST_LEAVERS, Run, Step
from webapp.batches.reading import open_list
from webapp.batches.uploads import in_memory
from webapp.languages import gettext as _
from webapp.languages import moment
from webapp.policy import allow
from webapp.security import take_upload
from webapp.services import services

MOST_BYTES = 2 * 1024 * 1024
_MAKERS = (Role.OWNER, Role.OPERATOR)
_READERS = (*_MAKERS, Role.AUDITOR)
_BETWEEN = re.compile(r"[\s,;、，；<>]+")
Page = str | BaseResponse | tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The people whom a form names."""

    addresses: tuple[Address, ...]
    unread: tuple[Problem, ...]
    """What could not be read as an address."""


@allow(*_MAKERS, sensitive=True)
def leavers() -> Page:
    """Ask who leaves; show who is hit. Nothing ends yet."""
    if request.method != "POST":
        return _form()
    take_upload(MOST_BYTES)
    sent(AdminForm(request.form))
    try:
        found = _sent()
    except ProblemError as error:
        return _form(*error.problems), 422
    if not found.addresses:
        return _form(*(found.unread or (Problem(Code.NOBODY_NAMED, place="addresses"),))), 422
    people = services().leavers.look(found.addresses)
    return render_template(
        "admin/leavers_look.html",
        people=people,
        unread=found.unread,
        admins=_admins(found.addresses),
        hit=sum(one.is_hit for one in people),
        addresses="\n".join(map(str, found.addresses)),
    )


@allow(*_MAKERS, sensitive=True)
def revoke_leavers() -> Page:
    """End everything of these people at once."""
    take_upload(MOST_BYTES)
    sent(AdminForm(request.form))
    found = _sent()
    if not found.addresses:
        abort(400)
    number = services().leavers.leave(found.addresses, actor=policy.admin().name)
    return redirect(url_for(".leavers_run", number=number), 303)


@allow(*_READERS)
def leavers_run(number: int) -> str:
    """What was done, and what is left to do."""
    run = _run(number)
    return render_template(
        "admin/leavers_run.html",
        run=run,
        words=words,
        steps=tuple(Step),
        providers=_providers(run),
        can_tick=policy.admin().role in _MAKERS,
    )


@allow(*_MAKERS)
def tick_leavers(number: int) -> BaseResponse:
    """Write that a step is done."""
    sent(AdminForm(request.form))
    _run(number)
    step = request.form.get("step", "")
    if step not in set(Step):
        abort(400)
    services().leavers.tick(number, Step(step), actor=policy.admin().name)
    answer: BaseResponse = redirect(f"{url_for('.leavers_run', number=number)}#steps", 303)
    return answer


@allow(*_READERS, sensitive=True, file=True)
def leavers_csv(number: int) -> Response:
    """What was done, as a table for the file."""
    run = _run(number)
    heading = (_("When"), _("Who"), _("What"), _("Email address"), _("Links"), _("Checks"), _("Waiting rows"))
    rows = [
        (moment(run.at), run.actor, _("everything ended"), one.address, one.links, one.checks, one.rows)
        for one in run.people
    ]
    steps = [
        (moment(ticked.at), ticked.actor, str(words.STEPS[step][0]), "", "", "", "")
        for step, ticked in run.steps.items()
    ]
    text = "".join(line([str(cell) for cell in row]) for row in (heading, *rows, *steps))
    answer = make_response("\ufeff" + text)
    answer.mimetype = "text/csv"
    answer.headers.set("Content-Disposition", "attachment", filename=f"leavers-{number}.csv")
    return answer


def _form(*problems: Problem) -> str:
    return render_template(
        "admin/leavers.html", problems=problems, typed=request.form.get("addresses", ""), most=MOST_LEAVERS
    )


def _sent() -> Sent:
    file = request.files.get("file")
    texts = _of_file(file.read(), file.filename) if file is not None and file.filename else _typed()
    found: dict[str, Address] = {}
    unread: list[Problem] = []
    for text in texts:
        address, problems = parse_address(text, place=quoted(text))
        if address is None:
            unread += problems[:1]
        else:
            found.setdefault(address.key, address)
    if len(found) > MOST_LEAVERS:
        params = {"least": "1", "most": str(MOST_LEAVERS)}
        raise ProblemError(Problem(Code.NUMBER_OUT_OF_RANGE, params, place="addresses"))
    return Sent(addresses=tuple(found.values()), unread=tuple(unread))


def _typed() -> Iterable[str]:
    """Addresses in any arrangement: one a line, with commas between, or copied from a mail with names."""
    pieces = [piece for piece in _BETWEEN.split(request.form.get("addresses", "")) if piece]
    # In "山田 太郎 <t.yamada@example.co.jp>" only what holds an @ is meant; without any, nothing could be read.
    named = [piece for piece in pieces if "@" in piece or "＠" in piece]
    return named or pieces


def _of_file(data: bytes, name: str) -> list[str]:
    with in_memory([data]) as path:
        listing = open_list(path, name=name)
        columns = find_columns(listing.rows(), file=name)
        rows = [row for row in listing.rows() if row.number >= columns.first_row and row.problem is None]
        return [cell for row in rows if (cell := columns.cell(row, Field.ADDRESS).strip())]


def _admins(addresses: Iterable[Address]) -> tuple[str, ...]:
    """Who of them is an admin here, which does not end with the links."""
    keys = {address.key for address in addresses}
    every = services().accounts.people.every()
    return tuple(one.name for one in every if one.name in keys and one.state is not AdminState.DISABLED)


def _providers(run: Run) -> tuple[ServiceSettings, ...]:
    """The mail services of these people, each once, for their own pages."""
    found: Mapping[str, ServiceSettings] = {
        settings.id: settings
        for domain in sorted({one.address.rpartition("@")[2] for one in run.people})
        if (settings := services().directory.find(domain)) is not None
    }
    return tuple(found.values())


def _run(number: int) -> Run:
    run = services().leavers.run(number)
    if run is None:
        abort(404)
    return run
