"""What `make bench` runs: every measurement as a ratio, beside its goal, in one table.

A part that cannot run here is named with the reason; the others go on. `--strict` makes a missed goal exit 1.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

PARTS = {
    "signing": "bench_signing",
    "check": "bench_check",
    "endpoints": "bench_endpoints",
    "bulk": "bench_bulk",
}
"""Each offers `ratios()`: name, ratio and goal ("<= 1.7", "" where there is none) of every comparison."""

Ratio = tuple[str, float, str]
WIDTH = 62


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table."""

    name: str
    value: float
    goal: str

    @property
    def verdict(self) -> str:
        """Whether the goal is reached."""
        if self.goal[:2] not in COMPARISONS:
            return ""
        reached = COMPARISONS[self.goal[:2]](self.value, float(self.goal[2:]))
        return "yes" if reached else "NO"


COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<=": lambda value, goal: value <= goal,
    ">=": lambda value, goal: value >= goal,
}


def main() -> int:
    """Run the parts asked for, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"one of {', '.join(PARTS)}; all without any")
    parser.add_argument("--strict", action="store_true", help="exit 1 where a goal is missed or a part is missing")
    wanted = parser.parse_args()
    unknown = [part for part in wanted.parts if part not in PARTS]
    if unknown:
        parser.error(f"unknown part: {', '.join(unknown)}")
    missing = [part for part in wanted.parts or PARTS if not _run(part)]
    return 1 if wanted.strict and missing else 0


def _run(part: str) -> bool:
    """Print one part of the table; return whether it ran and reached its goals."""
    print(f"\n{part}", flush=True)
    try:
        rows = [Row(name=name, value=value, goal=goal) for name, value, goal in _ratios(part)]
    except Exception as error:  # noqa: BLE001 - one part that cannot run must not hide the others
        print(f"  not measured: {type(error).__name__}: {error}")
        traceback.print_exc()
        return False
    print(f"  {'':{WIDTH}} {'ratio':>8}  {'goal':8} reached")
    for row in rows:
        print(f"  {row.name:{WIDTH}} {row.value:8.2f}  {row.goal:8} {row.verdict}", flush=True)
    return all(row.verdict != "NO" for row in rows)


def _ratios(part: str) -> list[Ratio]:
    measured: list[Ratio] = importlib.import_module(PARTS[part]).ratios()
    return measured


if __name__ == "__main__":
    sys.exit(main())
