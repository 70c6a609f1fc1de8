"""What every process of Hagaki that runs for long does at its start."""

from __future__ import annotations

import logging
import resource


def forbid_core_files() -> None:
    """Leave no picture of our memory on the disk, should a process crash: passwords pass through it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def start_log() -> None:
    """Write our own events to standard error; of what libraries say, only warnings."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING, force=True)
    logging.getLogger("webapp").setLevel(logging.INFO)
