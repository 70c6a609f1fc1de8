"""Problems: what can go wrong, as a stable code with parameters, a summary and advice.

Summary and advice are English msgids with named placeholders, translated by the layer that shows them
(webapp/i18n.py, catalogue `profiles`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from profiles.codes import Code, Severity
from profiles.problem_texts import N_, TEXTS, Text

__all__ = ["N_", "TEXTS", "Code", "Problem", "ProblemError", "Severity", "Text", "quoted"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that went wrong, and where.

    `params` fill the placeholders of the texts (`server`, `address`, …) and never hold a password. `place` names
    the line, cell, key or field in full. `server_text` is what the server said, cleaned, never markup.
    """

    code: Code
    params: Mapping[str, str] = field(default_factory=dict)
    place: str | None = None
    server: str | None = None
    server_text: str | None = None

    @property
    def text(self) -> Text:
        """The untranslated words of this code."""
        return TEXTS[self.code]

    @property
    def severity(self) -> Severity:
        """Error, warning or info."""
        return TEXTS[self.code].severity

    @property
    def is_error(self) -> bool:
        """Whether this fails what was asked."""
        return self.severity is Severity.ERROR


class ProblemError(Exception):
    """Raised where going on is impossible; carries every problem found so far."""

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("; ".join(f"{p.code} {p.place or ''}".strip() for p in self.problems))


def quoted(text: str, limit: int = 80) -> str:
    """What a problem may quote of a file or a form: short and printable."""
    return "".join(sign if sign.isprintable() else "·" for sign in text[:limit])
