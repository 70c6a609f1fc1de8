"""What `hagaki bulk` says: the columns it found, problems, counts; with --json all of it as one document."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from profiles.problems import N_, Code, Problem
from webapp.cli.bulk_choices import Choices
from webapp.cli.terminal import Terminal

if TYPE_CHECKING:
    from webapp.batches.columns import Columns
    from webapp.batches.making import Tally
    from webapp.batches.options import MailState
    from webapp.batches.reading import ListFile
    from webapp.batches.rows import CellProblem, CheckedRow

PREVIEW = 20
SHOWN = 20
"""Problems that a terminal shows one by one; problems.csv and --json hold more."""


class Report:
    """Collects what is to be said of one run."""

    def __init__(self, terminal: Terminal, choices: Choices) -> None:
        self._terminal = terminal
        self._choices = choices
        self._preview: list[dict[str, Any]] = []
        self._hidden = 0
        self.notes: list[Problem] = []
        """What concerns all of the list."""
        self.mails: Mapping[MailState, int] = {}

    def look(self, checked: CheckedRow) -> None:
        """Keep the first rows for the preview."""
        self._hidden += checked.row.is_hidden
        if len(self._preview) < PREVIEW:
            self._preview.append(_row_document(checked))

    def tell_columns(self, listing: ListFile, columns: Columns) -> None:
        """What was found out, before anything happens."""
        say, translate = self._terminal.say, self._terminal.translate
        if listing.encoding is not None:
            text = translate(
                N_("%(file)s: %(encoding)s, delimiter %(delimiter)s"),
                file=listing.name,
                encoding=listing.encoding.name,
                delimiter=_shown_delimiter(listing.delimiter),
            )
        else:
            text = translate(
                N_("%(file)s: Excel, sheet “%(sheet)s”"), file=listing.name, sheet=listing.sheet or ""
            )
        say(text)
        if columns.header_row is None:
            say(translate(N_("There is no row of headings.")))
        else:
            say(translate(N_("Headings are in row %(row)s."), row=str(columns.header_row)))
        for field, index in columns.fields:
            say(f"  {columns.name_of(index)} = {field}")

    def note_hidden(self, listing: ListFile) -> None:
        """Say how many rows the sheet does not show."""
        from webapp.batches.preview import hidden_rows

        self.notes += hidden_rows(self._hidden, listing.name)

    def end(self, listing: ListFile, columns: Columns, tally: Tally, *, made: bool) -> int:
        """Say what came of it; return the exit status."""
        written = self._choices.output if made else None
        if self._terminal.json:
            self._terminal.write_json(self._document(listing, columns, tally, written))
        else:
            self._tell_end(tally, written)
        stopped = any(problem.code is Code.BATCH_CHECK_STOPPED for problem in self.notes)
        return 1 if tally.failed or stopped or self._unsent else 0

    @property
    def _unsent(self) -> int:
        return sum(count for state, count in self.mails.items() if state != "sent")

    def _tell_end(self, tally: Tally, written: Path | None) -> None:
        terminal = self._terminal
        terminal.show(self.notes)
        errors = [found.problem for found in tally.problems if found.problem.is_error]
        terminal.show(errors[:SHOWN])
        if len(errors) > SHOWN:
            more = str(sum(count for code, count in tally.codes.items() if Problem(code).is_error) - SHOWN)
            terminal.say(terminal.translate(N_("… and %(count)s more problems."), count=more))
        numbers = {"total": str(tally.total), "good": str(tally.made), "bad": str(tally.failed)}
        if written is not None:
            text = N_("%(file)s: %(total)s rows, %(good)s made, %(bad)s with problems.")
            click.echo(terminal.translate(text, file=str(written), **numbers))
            self._tell_mails()
        else:
            text = N_("%(total)s rows: %(good)s good, %(bad)s with problems. Nothing was made.")
            click.echo(terminal.translate(text, **numbers))

    def _tell_mails(self) -> None:
        if not self._choices.mail:
            return
        counts = {str(state): str(count) for state, count in self.mails.items()}
        numbers = {"sent": "0", "failed": "0", "unsure": "0"} | counts
        text = N_("Mails: %(sent)s sent, %(failed)s failed, %(unsure)s unsure.")
        click.echo(self._terminal.translate(text, **numbers))
        if "waiting" in counts:
            text = N_("%(count)s mails wait; “hagaki serve” or “hagaki worker” sends them later.")
            click.echo(self._terminal.translate(text, count=counts["waiting"]))

    def _document(self, listing: ListFile, columns: Columns, tally: Tally, written: Path | None) -> dict[str, Any]:
        return {
            "ok": not (tally.failed or self._unsent),
            "file": listing.name,
            "kind": str(listing.kind),
            "encoding": listing.encoding.name if listing.encoding else None,
            "delimiter": listing.delimiter,
            "sheet": listing.sheet,
            "header_row": columns.header_row,
            "columns": _columns_document(columns),
            "mode": self._choices.mode,
            "dry_run": self._choices.dry_run,
            "total": tally.total,
            "good": tally.made,
            "bad": tally.failed,
            "made": tally.made if written else 0,
            "failed": tally.failed,
            "output": str(written) if written else None,
            "mails": {str(state): count for state, count in self.mails.items()},
            "pins": str(self._choices.pins) if written and self._choices.pins else None,
            "preview": self._preview,
            "codes": {str(code): count for code, count in sorted(tally.codes.items())},
            "problems": [
                *(self._terminal.problem_document(problem) for problem in self.notes),
                *(self._problem_document(found) for found in tally.problems),
            ],
        }

    def _problem_document(self, found: CellProblem) -> dict[str, Any]:
        return {
            **self._terminal.problem_document(found.problem),
            "row": found.row,
            "column": found.letter or None,
            "heading": found.heading or None,
            "value": found.value or None,
        }


def _columns_document(columns: Columns) -> list[dict[str, Any]]:
    from webapp.batches.row import column_letter

    fields = {index: field for field, index in columns.fields}
    return [
        {"column": column_letter(index), "heading": heading, "field": fields.get(index)}
        for index, heading in enumerate(columns.headings)
    ]


def _row_document(checked: CheckedRow) -> dict[str, Any]:
    """A row of the preview. Of a password only that there is one."""
    employee = checked.employee
    if employee is None:
        return {"row": checked.row.number, "ok": False}
    return {
        "row": checked.row.number,
        "ok": True,
        "address": str(employee.address),
        "full_name": employee.full_name,
        "department": employee.department,
        "employee_number": employee.employee_number,
        "username": employee.username,
        "has_password": employee.password is not None,
        "has_pin": employee.pin is not None,
    }


def _shown_delimiter(delimiter: str | None) -> str:
    return {"\t": "TAB"}.get(delimiter or "", delimiter or "")
