"""What a row of a list holds in secret, until it is made: password and PIN, and all that a bad row says.

It is sealed with a key that is derived from the link key and the row's own id, which makes database and files
without the link key give nothing away. A bad row is sealed whole: where columns are shifted, any cell may hold the
password, also one that a problem quotes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from cryptography.exceptions import InvalidTag

from webapp.batches.invitations import derive_token
from webapp.batches.rows import CellProblem
from webapp.links import seal, unseal
from webapp.store.values import from_text, to_text

_CONTEXT = "batch row"
_HIDDEN = "…"
_HARMLESS = frozenset({"first", "limit", "line"})
"""Parameters of problems that are never a piece of a cell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSecrets:
    """The secrets of one row."""

    password: str | None = field(default=None, repr=False)
    pin: str | None = field(default=None, repr=False)
    """Of the list."""
    spare_pin: str | None = field(default=None, repr=False)
    """No other row has it: for a person who has no PIN yet."""
    cells: tuple[str, ...] = field(default=(), repr=False)
    """Of a bad row: all of them, as written."""
    address: str = field(default="", repr=False)
    """Of a bad row: as far as it could be read, where it is too doubtful to stand openly."""
    problems: tuple[CellProblem, ...] = field(default=(), repr=False)
    """Of a bad row: in full, with what they quote."""


def seal_row(link_key: bytes, row_id: bytes, secrets: RowSecrets) -> bytes:
    """Seal what is secret of a row."""
    return seal(derive_token(link_key, row_id, 0), to_text(secrets).encode(), context=_CONTEXT)


def open_row(link_key: bytes, row_id: bytes, sealed: bytes | None) -> RowSecrets | None:
    """Open it; None where it was emptied, or sealed under another link key."""
    if not sealed:
        return None
    try:
        text = unseal(derive_token(link_key, row_id, 0), sealed, context=_CONTEXT)
    except InvalidTag:
        return None
    return from_text(RowSecrets, text.decode())


def without_quotes(problems: Sequence[CellProblem], *known: str) -> tuple[CellProblem, ...]:
    """The problems without anything that they quote of the list, but what is `known`: so they may stand openly."""
    return tuple(
        replace(found, value="", problem=replace(found.problem, params=_hidden(found.problem.params, known)))
        for found in problems
    )


def _hidden(params: Mapping[str, str], known: Sequence[str]) -> dict[str, str]:
    return {name: text if name in _HARMLESS or text in known else _HIDDEN for name, text in params.items()}
