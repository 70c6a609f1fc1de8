"""Batches through the API: a list goes in, its progress is asked for, results come out as streams.

A list is read in memory, because it may hold passwords, and its rows are kept sealed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from flask import Response, abort, jsonify, request, url_for
from werkzeug.datastructures import MultiDict

from profiles.problems import Code, Problem, ProblemError, quoted
from webapp import policy
from webapp.accounts import Scope
from webapp.api import batch_form
from webapp.api.batch_form import BatchForm
from webapp.api.documents import MOST_PROBLEMS, batch_document, cell_document, listed_document
from webapp.batches.chosen import batch_options
from webapp.batches.columns import Columns, Field, find_columns
from webapp.batches.making import survey
from webapp.batches.options import Mode
from webapp.batches.reading import ListFile, open_list
from webapp.batches.results import RETURNED, TABLE
from webapp.batches.rows import Rules
from webapp.batches.uploads import MOST_UPLOADED, in_memory
from webapp.policy import allow_token
from webapp.security import row_number, take_upload
from webapp.services import services

OVERHEAD = 256 * 1024
"""What the other fields and the borders of the form may take."""
MOST_LISTED = 100


@allow_token(Scope.BATCHES_WRITE)
def create_batch() -> Response:
    """Make a batch of a list.

    The answer comes as soon as the list is read; GET tells how far it is. Sending a mended list again makes only
    what is missing: whoever has a link that opens keeps it.
    """
    take_upload(MOST_UPLOADED + OVERHEAD)
    form = _form()
    with in_memory([form.data]) as path:
        choices = form.listing
        listing = open_list(path, name=form.filename, encoding=choices.encoding, delimiter=choices.delimiter)
        columns = find_columns(listing.rows(), file=listing.name, given=choices.mapped)
        refusal = _refuse_strictly(form, listing, columns)
        if refusal is not None:
            return refusal
        batch_id = _take(form, listing, columns)
    answer = _answer(batch_id)
    answer.status_code = 202
    answer.headers["Location"] = url_for(".show_batch", batch_id=batch_id)
    return answer


@allow_token(Scope.BATCHES_READ)
def list_batches() -> Response:
    """List the batches, newest first."""
    before, most = request.args.get("before", type=row_number), request.args.get("most", 50, type=row_number)
    found = services().batches.every(before=before, most=max(1, min(most, MOST_LISTED)))
    return jsonify(batches=[listed_document(batch) for batch in found])


@allow_token(Scope.BATCHES_READ)
def show_batch(batch_id: int) -> Response:
    """Tell how far a batch is and what is wrong with its rows."""
    return _answer(batch_id)


@allow_token(Scope.BATCHES_WRITE)
def cancel_batch(batch_id: int) -> Response:
    """Stop a batch; what is made stays."""
    services().batches.cancel(batch_id, policy.token().actor)
    return _answer(batch_id)


@allow_token(Scope.BATCHES_WRITE)
def delete_batch(batch_id: int) -> Response:
    """Delete a batch with its links and everything that came of them."""
    services().batches.delete(batch_id, policy.token().actor)
    return Response(status=204)


# results: each holds links, PINs, or the passwords of rows that go back


@allow_token(Scope.BATCHES_RESULTS)
def batch_zip(batch_id: int) -> Response:
    """Download everything in one ZIP."""
    return _stream(batch_id, "results.zip", "application/zip", services().results.zip_pieces)


@allow_token(Scope.BATCHES_RESULTS)
def batch_results(batch_id: int) -> Response:
    """Download what became of each row."""
    return _stream(batch_id, "results.csv", TABLE, services().results.results_csv)


@allow_token(Scope.BATCHES_RESULTS)
def batch_problems(batch_id: int) -> Response:
    """Download the bad rows, to mend and send again."""
    return _stream(batch_id, "problems.csv", RETURNED, services().results.problems_csv)


@allow_token(Scope.BATCHES_RESULTS)
def batch_handouts(batch_id: int) -> Response:
    """Download the cards to print."""
    part = max(1, request.args.get("part", 1, type=row_number))
    if part > max(1, services().results.handout_parts(batch_id)):
        abort(404)

    def cards(batch_id: int) -> Iterator[bytes]:
        return services().results.handouts_pdf(batch_id, part=part)

    return _stream(batch_id, "handouts.pdf", "application/pdf", cards)


@allow_token(Scope.BATCHES_RESULTS)
def batch_pins(batch_id: int) -> Response:
    """Download the PINs of ready-made links."""
    return _stream(batch_id, "pins.csv", TABLE, services().results.pins_csv)


def _stream(batch_id: int, name: str, kind: str, make: Callable[[int], Iterator[bytes]]) -> Response:
    pieces = make(batch_id)
    here = services()
    with here.store.write() as connection:
        here.accounts.audit.record(
            connection, policy.token().actor, "batch.download", f"batch {batch_id}", file=name
        )
    answer = Response(pieces, content_type=kind)
    answer.headers.set("Content-Disposition", "attachment", filename=f"batch-{batch_id}-{name}")
    return answer


# a list


def _form() -> BatchForm:
    file = request.files.get("file")
    sent: MultiDict[str, str] = request.form
    return batch_form.read(
        sent,
        None if file is None else file.read(),
        (file.filename or "") if file is not None else "",
        language=services().config.language,
    )


def _refuse_strictly(form: BatchForm, listing: ListFile, columns: Columns) -> Response | None:
    """What speaks against the list as a whole."""
    if form.choices.mode is Mode.READY_MADE and not columns.has(Field.PASSWORD):
        params = {"file": listing.name}
        raise ProblemError(Problem(Code.LIST_PASSWORDS_MISSING, params, place=listing.name))
    if not form.strict:
        return None
    rules = Rules(find=services().directory.find, needs_password=form.choices.mode is Mode.READY_MADE)
    tally = survey(listing, columns, rules)
    if not tally.failed:
        return None
    answer = jsonify(ok=False, problems=[cell_document(found) for found in tally.problems])
    answer.status_code = 422
    return answer


def _take(form: BatchForm, listing: ListFile, columns: Columns) -> int:
    here, actor = services(), policy.token().actor
    missing = here.mailing.missing()
    if form.choices.mail and missing is not None:
        raise ProblemError(missing)
    options = batch_options(
        form.choices,
        listing,
        columns,
        now=datetime.now(UTC),
        zone=here.config.timezone,
        can_mail=missing is None,
    )
    return here.batches.take(
        listing,
        columns,
        options,
        mode=form.choices.mode,
        actor=actor,
        upload_hash=_repeated(form, actor),
        name=form.name,
    )


def _repeated(form: BatchForm, actor: str) -> bytes | None:
    key = request.headers.get("Idempotency-Key", "").strip()
    if not key:
        return None
    if len(key) > batch_form.LONGEST_KEY:
        params = {"value": quoted(key), "expected": f"at most {batch_form.LONGEST_KEY} characters"}
        raise ProblemError(Problem(Code.FIELD_UNUSABLE, params, place="Idempotency-Key"))
    return services().repeats.upload_hash(key, actor=actor, name=form.name, data=form.data)


def _answer(batch_id: int) -> Response:
    batches = services().batches
    batch = batches.view(batch_id)
    # Where columns are shifted, what a problem quotes may be a password of the list.
    quotes = batch.mode is not Mode.READY_MADE or Scope.BATCHES_RESULTS in policy.token().scopes
    return jsonify(batch_document(batch, batches.problems(batch_id, most=MOST_PROBLEMS, quotes=quotes)))


ROUTES: tuple[tuple[str, str, Callable[..., Any]], ...] = (
    ("POST", "/batches", create_batch),
    ("GET", "/batches", list_batches),
    ("GET", "/batches/<int:batch_id>", show_batch),
    ("DELETE", "/batches/<int:batch_id>", delete_batch),
    ("POST", "/batches/<int:batch_id>/cancel", cancel_batch),
    ("GET", "/batches/<int:batch_id>/results.zip", batch_zip),
    ("GET", "/batches/<int:batch_id>/results.csv", batch_results),
    ("GET", "/batches/<int:batch_id>/problems.csv", batch_problems),
    ("GET", "/batches/<int:batch_id>/handouts.pdf", batch_handouts),
    ("GET", "/batches/<int:batch_id>/pins.csv", batch_pins),
)
