"""What the page of an uploaded list shows. It is read once and kept: nobody waits for a long list twice."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from flask import render_template, request

from profiles.problems import Code, Problem, ProblemError
from webapp.admin import batch_words
from webapp.admin import list_words as words
from webapp.batches.columns import Columns, Field
from webapp.batches.options import Mode
from webapp.batches.preview import (
    KEPT_PROBLEMS,
    Preview,
    chosen_columns,
    open_chosen,
    page_of_problems,
    preview,
    rules,
)
from webapp.batches.reading import ListFile
from webapp.batches.rows import CellProblem
from webapp.batches.uploads import Choices, Upload
from webapp.handouts import Layout
from webapp.languages import LANGUAGES
from webapp.security import row_number
from webapp.services import services
from webapp.store.values import from_text, to_text

PAGE = 50


def page_of(upload: Upload, problems: tuple[Problem, ...] = ()) -> str:
    """Show a list, and what was chosen for it."""
    seen = seen_of(upload)
    config, choices = services().config, upload.choices
    number = max(1, request.args.get("page", 1, type=row_number))
    pages = -(-seen.errors // PAGE)
    number = min(number, pages or 1)
    return render_template(
        "admin/list.html",
        upload=upload,
        size=_size(upload.size),
        seen=seen,
        choices=choices,
        problems=problems,
        notes=_notes(choices, seen),
        found=_problem_page(upload, seen, number),
        page=number,
        pages=pages,
        has_passwords=seen.has(Field.PASSWORD),
        mail_missing=services().mailing.missing(),
        expires_at=datetime.fromtimestamp(choices.expires_at(datetime.now(UTC), config.timezone), UTC),
        check_minutes=max(1, round(seen.good / choices.check_rate / 60)),
        languages=LANGUAGES,
        words=words,
        short_modes=batch_words.MODES.items(),
        layouts=tuple(Layout),
        # What a choice by hand replaced is not known any more.
        encodings=words.encodings("" if choices.encoding else seen.encoding_name),
        delimiters=words.delimiters(None if choices.delimiter else seen.delimiter),
        sign_name={sign: name for name, sign in words.SIGNS.items()},
    )


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{max(count / 1e3, 0.1):.1f} kB"


def seen_of(upload: Upload) -> Preview:
    """What the list holds; read again only where it is to be read in another way, or other domains are known."""
    here, choices = services(), upload.choices
    known = to_text((choices.mode, choices.encoding, choices.delimiter, choices.fields, here.directory.version))
    key = sha256(known.encode()).hexdigest()
    kept_key, _, kept = (here.uploads.survey(upload.token) or "").partition("\n")
    if kept_key == key:
        return from_text(Preview, kept)
    with here.uploads.opened(upload.token) as path:
        seen = preview(path, upload.name, choices, here.directory.find, here.uploads.count_invited)
    here.uploads.keep_survey(upload.token, f"{key}\n{to_text(seen)}")
    return seen


def _notes(choices: Choices, seen: Preview) -> tuple[Problem, ...]:
    config = services().config
    notes = [*seen.remarked]
    if choices.mode is Mode.INVITATIONS and seen.has(Field.PASSWORD) and not choices.check:
        notes.append(Problem(Code.LIST_PASSWORDS_UNUSED))
    if choices.mode is Mode.INVITATIONS and seen.has(Field.PIN):
        notes.append(Problem(Code.LIST_PINS_UNUSED))
    if _is_local(config.hostname):
        notes.append(Problem(Code.LINK_ONLY_LOCAL, {"base_url": config.base_url}))
    return tuple(notes)


def _is_local(host: str) -> bool:
    """Whether only this machine reaches links of this host."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return address.is_loopback or address.is_unspecified


def _problem_page(upload: Upload, seen: Preview, number: int) -> tuple[CellProblem, ...]:
    first = (number - 1) * PAGE
    if first + PAGE <= KEPT_PROBLEMS or seen.errors <= KEPT_PROBLEMS:
        return seen.problems[first : first + PAGE]
    with services().uploads.opened(upload.token) as path:
        listing, columns = read(path, upload)
        wanted = rules(upload.choices, services().directory.find)
        return page_of_problems(listing, columns, wanted, first=first, most=PAGE)


def read(path: Path, upload: Upload) -> tuple[ListFile, Columns]:
    """The list and its columns; raises ProblemError where something is to be said by hand first."""
    listing = open_chosen(path, upload.name, upload.choices)
    columns, problems = chosen_columns(listing, upload.choices)
    if problems:
        raise ProblemError(problems)
    return listing, columns
