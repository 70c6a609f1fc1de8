"""From an uploaded list to a batch: choose a file, look at what was read, mend, choose, make.

A list is sealed with the token in its page's address and waits for a day. Nothing is made before "make".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

from flask import Response, redirect, render_template, request, url_for
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response as BaseResponse

from profiles.problems import Code, Problem, ProblemError
from webapp import i18n, policy
from webapp.accounts import Role
from webapp.admin import list_words as words
from webapp.admin.forms import AdminForm, sent
from webapp.admin.list_form import read_form, reads_alike
from webapp.admin.list_page import page_of, read, seen_of
from webapp.batches.chosen import batch_options
from webapp.batches.defusing import line
from webapp.batches.documents import Wanted, sample_card
from webapp.batches.options import Mode, Part, usual_days
from webapp.batches.preview import bad_rows, rules
from webapp.batches.returned import ReturnedRows, Shape
from webapp.batches.rows import check_rows, good
from webapp.batches.tables import errors_first
from webapp.batches.uploads import MOST_UPLOADED, Choices, Upload
from webapp.languages import language
from webapp.policy import allow
from webapp.security import take_upload
from webapp.services import services

OVERHEAD = 256 * 1024
"""What a form may hold beside the file."""
DRAINED = 100 * 1024 * 1024
"""How much of a file that is too large is still read: browsers show an answer once they have sent everything."""
_MAKERS = (Role.OWNER, Role.OPERATOR)
Page = str | Response | BaseResponse | tuple[str, int]


@allow(*_MAKERS, sensitive=True)
def new_list() -> Page:
    """Choose a file."""
    if request.method != "POST":
        return _new_page(Mode.INVITATIONS)
    take_upload(MOST_UPLOADED + OVERHEAD)
    try:
        form = AdminForm(request.form)
    except RequestEntityTooLarge:
        _drain()
        return _new_page(Mode.INVITATIONS, _too_large()), 413
    sent(form)
    mode = Mode.READY_MADE if request.form.get("mode") == Mode.READY_MADE else Mode.INVITATIONS
    file = request.files.get("file")
    if file is None or not file.filename:
        return _new_page(mode, Problem(Code.UPLOAD_MISSING, place="file")), 422
    data = file.read()
    if len(data) > MOST_UPLOADED:
        return _new_page(mode, _too_large()), 413
    choices = Choices(mode=mode, days=usual_days(mode), language=language(), mail=False)
    token = services().uploads.keep(data, name=_name(file.filename), actor=policy.admin().name, choices=choices)
    return redirect(url_for(".list_page", token=token), 303)


def _new_page(mode: Mode, *problems: Problem) -> str:
    return render_template(
        "admin/list_new.html",
        problems=problems,
        mode=mode,
        modes=words.MODES,
        fields=words.FIELDS,
        understood=words.UNDERSTOOD,
        most_megabytes=MOST_UPLOADED // (1024 * 1024),
    )


def _too_large() -> Problem:
    return Problem(Code.UPLOAD_TOO_LARGE, {"limit": str(MOST_UPLOADED // (1024 * 1024))}, place="file")


def _drain() -> None:
    stream, left = request.environ["wsgi.input"], min(request.content_length or 0, DRAINED)
    while left > 0 and (piece := stream.read(min(left, 1 << 16))):
        left -= len(piece)


def _name(text: str) -> str:
    """The file's own name: some browsers send a path."""
    name = text.replace("\\", "/").rpartition("/")[2]
    return "".join(sign for sign in name if sign.isprintable()).strip()[-200:] or "list"


@allow(*_MAKERS, file=True)
def sample_list() -> Response:
    """A list to begin with, in the page's language."""
    text = "".join(map(line, words.SAMPLE["ja" if language() == "ja" else "en"]))
    return _download(f"\ufeff{text}".encode(), "sample.csv")


@allow(*_MAKERS, sensitive=True)
def list_page(token: str) -> Page:
    """Show what was read and what can be made of it."""
    upload = _found(token)
    if upload is None:
        return _ended()
    return page_of(upload) if upload.batch_id is None else _batch(upload.batch_id)


@allow(*_MAKERS, sensitive=True)
def read_list(token: str) -> Page:
    """Read the list in the way that was chosen."""
    return _chosen(token, lambda upload: _again(upload.token))


@allow(*_MAKERS, sensitive=True)
def list_problems(token: str) -> Page:
    """Hand out the bad rows, in the list's own encoding, with two columns more."""
    return _chosen(token, _problems_file)


@allow(*_MAKERS, sensitive=True)
def list_card(token: str) -> Page:
    """Hand out one card to try the printer with."""
    return _chosen(token, _card)


@allow(*_MAKERS, sensitive=True)
def make_list(token: str) -> Page:
    """Make the good rows, once."""
    return _chosen(token, _make)


@allow(*_MAKERS, sensitive=True)
def delete_list(token: str) -> Page:
    """Stop, and forget the list at once."""
    sent(AdminForm(request.form))
    upload = _found(token)
    if upload is not None:
        services().uploads.remove(upload, actor=policy.admin().name)
    return redirect(url_for(".batches", done="list"), 303)


# the form


def _found(token: str) -> Upload | None:
    try:
        return services().uploads.find(token)
    except ProblemError as error:
        if error.problems[0].code is not Code.UPLOAD_ENDED:
            raise
        return None


def _ended() -> tuple[str, int]:
    return render_template("admin/list_ended.html", problem=Problem(Code.UPLOAD_ENDED)), 410


def _chosen(token: str, act: Callable[[Upload], Page]) -> Page:
    """Keep what the form says, then act; but only where the list was seen as it is read now."""
    sent(AdminForm(request.form))
    before = _found(token)
    if before is None:
        return _ended()
    if before.batch_id is not None:
        return _batch(before.batch_id)
    seen = seen_of(before)
    shown = None if seen.unreadable else tuple(column.meaning for column in seen.columns)
    choices, problems = read_form(request.form, before.choices, shown)
    if choices != before.choices:
        services().uploads.choose(token, choices)
    upload = replace(before, choices=choices)
    if problems:
        return page_of(upload, problems), 422
    if not reads_alike(choices, before.choices):
        return _again(token)
    try:
        return act(upload)
    except ProblemError as error:
        # The list cannot be read: its page says why, and offers other ways.
        if not _is_about_list(error):
            raise
        return _again(token)


def _is_about_list(error: ProblemError) -> bool:
    return all(problem.code.startswith(("LIST_", "FILE_")) for problem in error.problems)


def _again(token: str) -> BaseResponse:
    return redirect(url_for(".list_page", token=token), 303)


# what a button does


def _problems_file(upload: Upload) -> Response:
    target = BytesIO()
    with services().uploads.opened(upload.token) as path:
        listing, columns = read(path, upload)
        translate = i18n.catalogue(language()).gettext
        returned = ReturnedRows(target, Shape.of(listing, columns), describe=_described, translate=translate)
        for checked in bad_rows(listing, columns, rules(upload.choices, services().directory.find)):
            returned.add(checked.row.cells, errors_first(found.problem for found in checked.problems))
    return _download(target.getvalue(), f"{Path(upload.name).stem}-problems.csv")


def _described(problem: Problem) -> tuple[str, str]:
    return i18n.describe(problem, language())[0], words.mend(problem)


def _card(upload: Upload) -> Response | BaseResponse:
    here, choices = services(), upload.choices
    with here.uploads.opened(upload.token) as path:
        listing, columns = read(path, upload)
        checked = check_rows(listing, columns, rules(choices, here.directory.find))
        employee = next(good(checked), None)
    if employee is None:
        return _again(upload.token)
    pdf = sample_card(employee, _wanted(choices))
    return _download(pdf, "card.pdf", "application/pdf")


def _wanted(choices: Choices) -> Wanted:
    config = services().config
    return Wanted(
        mode=choices.mode,
        base_url=config.base_url,
        language=choices.language,
        timezone=config.timezone,
        expires_at=datetime.fromtimestamp(choices.expires_at(datetime.now(UTC), config.timezone), UTC),
        parts=frozenset({Part.HANDOUTS}),
        layout=choices.layout,
        company=choices.company or None,
        help=choices.help or None,
    )


def _make(upload: Upload) -> BaseResponse:
    here = services()
    if not seen_of(upload).good:
        return _again(upload.token)
    with here.uploads.opened(upload.token) as path:
        listing, columns = read(path, upload)
        batch_id = here.batches.take(
            listing,
            columns,
            batch_options(
                upload.choices,
                listing,
                columns,
                now=datetime.now(UTC),
                zone=here.config.timezone,
                can_mail=here.mailing.missing() is None,
            ),
            mode=upload.choices.mode,
            actor=policy.admin().name,
            upload_hash=upload.hash,
        )
    return _batch(batch_id)


def _batch(batch_id: int) -> BaseResponse:
    return redirect(url_for(".batch", batch_id=batch_id), 303)


def _download(data: bytes, filename: str, kind: str = "text/csv") -> Response:
    # Without a charset: the file is in the encoding of its list. The name in both spellings that browsers know.
    plain = "".join(sign if sign.isascii() and sign not in '"\\' else "_" for sign in filename)
    answer = Response(data, content_type=kind)
    answer.headers["Content-Disposition"] = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename)}"
    return answer
