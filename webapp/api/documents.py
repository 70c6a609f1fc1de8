"""What the API answers, as JSON documents: problems and batches."""

from __future__ import annotations

from typing import Any

from flask import url_for

from profiles.problems import Problem
from webapp.batches.rows import CellProblem
from webapp.batches.views import BatchView
from webapp.i18n import describe

Document = dict[str, Any]

BATCH_KEYS = ("id", "state", "total", "done", "failed", "problems", "results")
"""Of one batch: the contract, to the letter."""
LISTED_KEYS = ("id", "name", "mode", "state", "created_at", "total", "done", "failed", "results")
"""Of a batch in the list of all."""
MOST_PROBLEMS = 1_000


def problem_document(problem: Problem) -> Document:
    """One problem, in English: a program reads the code."""
    summary, advice = describe(problem, "en")
    return {
        "code": problem.code.value,
        "severity": problem.severity.value,
        "summary": summary,
        "advice": advice,
        "server": problem.server,
        "place": problem.place,
    }


def cell_document(found: CellProblem) -> Document:
    """One problem of a list, with its cell; the words are those of `hagaki bulk --json`."""
    return {
        **problem_document(found.problem),
        "row": found.row or None,
        "column": found.letter or None,
        "heading": found.heading or None,
        "value": found.value or None,
    }


def batch_document(batch: BatchView, problems: tuple[CellProblem, ...]) -> Document:
    """One batch: how far it is, what is wrong with its rows, where its results are."""
    return _chosen(BATCH_KEYS, _everything(batch) | {"problems": [cell_document(found) for found in problems]})


def listed_document(batch: BatchView) -> Document:
    """One batch in the list of all."""
    return _chosen(LISTED_KEYS, _everything(batch))


def _everything(batch: BatchView) -> Document:
    results = url_for("api.batch_zip", batch_id=batch.id) if batch.finished_at is not None else None
    return {
        "id": batch.id,
        "name": batch.name,
        "mode": batch.mode,
        "state": batch.state,
        "created_at": batch.created_at.isoformat(),
        "total": batch.total,
        "done": batch.done,
        "failed": batch.failed,
        "results": results,
    }


def _chosen(keys: tuple[str, ...], document: Document) -> Document:
    return {key: document[key] for key in keys}
