"""Doing one thing in many threads at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from profiles.problems import Code, ProblemError


def at_once(count: int, action: Callable[[], object]) -> list[object]:
    """Call `action` in `count` threads together; the code of a problem is a result too."""
    barrier = threading.Barrier(count)

    def wait_and_act(_number: int) -> object:
        barrier.wait()
        return outcome(action)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(wait_and_act, range(count)))


def outcome(action: Callable[[], object]) -> object:
    """The result, or the code of the problem in the way."""
    try:
        return action()
    except ProblemError as error:
        return Code(error.problems[0].code)
