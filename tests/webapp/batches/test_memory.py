"""A long list takes no more memory than a short one: everything is a stream."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]


def bench() -> ModuleType:
    """scripts/bench_bulk.py, which makes lists of any length."""
    spec = importlib.util.spec_from_file_location("bench_bulk", ROOT / "scripts" / "bench_bulk.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def megabytes_of_reading(path: Path) -> float:
    """The largest memory of a process that reads and checks a list."""
    program = (
        "import resource, sys; from pathlib import Path;"
        "from webapp.batches.reading import open_list; from webapp.batches.columns import find_columns;"
        "from webapp.batches.making import survey; from webapp.batches.rows import Rules;"
        "from tests.webapp.batches.lists import DOMAINS;"
        "listing = open_list(Path(sys.argv[1]));"
        "tally = survey(listing, find_columns(listing.rows(), file='x'), Rules(find=DOMAINS.get));"
        "print(tally.made, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, check=True, cwd=ROOT)
    made, megabytes = done.stdout.decode().split()
    assert int(made) > 0
    return float(megabytes)


def test_reading_a_hundred_thousand_rows_stays_small(tmp_path: Path) -> None:
    few = bench().write_list(tmp_path / "few.csv", 1_000)
    many = bench().write_list(tmp_path / "many.csv", 100_000)

    assert megabytes_of_reading(many) < megabytes_of_reading(few) * 1.3


@pytest.mark.soak
def test_making_a_hundred_thousand_rows_stays_small() -> None:
    few, many = bench()._megabytes(10_000), bench()._megabytes(100_000)

    assert many < few * 1.3


@pytest.mark.soak
def test_the_results_of_a_hundred_thousand_rows_stay_small() -> None:
    few, many = (bench()._megabytes(rows, "durable") for rows in (10_000, 100_000))

    assert many < few * 1.3
