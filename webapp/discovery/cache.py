"""Keeps discoveries for some minutes, so that a retry or a colleague does not ask everybody again.

Only so many searches run at once: strangers cannot make this host ask the world in their name.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from profiles.address import Address
from profiles.problems import Code, Problem, ProblemError
from webapp.discovery.candidates import Discovery

KEEP_SECONDS = 300.0
KEEP_INCOMPLETE_SECONDS = 30.0
"""Where a source could not be asked, the next try shall be a real one soon."""
SIZE = 1000
AT_ONCE = 8

Search = Callable[[Address], Discovery]
"""What the network says about an address that nobody here knows."""


class Cache:
    """Discoveries by domain, in the memory of one process."""

    def __init__(self, *, size: int = SIZE, now: Callable[[], float] = time.monotonic) -> None:
        self._size, self._now = size, now
        self._kept: dict[str, tuple[float, Discovery]] = {}
        self._lock = threading.Lock()

    def get(self, address: Address) -> Discovery | None:
        """What was found for the address's domain while it is fresh, made for this person."""
        with self._lock:
            until, discovery = self._kept.get(address.domain, (0.0, Discovery()))
        return _readdressed(discovery, address) if until > self._now() else None

    def put(self, domain: str, discovery: Discovery) -> None:
        """Keep a discovery."""
        incomplete = any(problem.code is Code.SOURCE_UNAVAILABLE for problem in discovery.problems)
        until = self._now() + (KEEP_INCOMPLETE_SECONDS if incomplete else KEEP_SECONDS)
        with self._lock:
            self._kept.pop(domain, None)
            if len(self._kept) >= self._size:
                del self._kept[next(iter(self._kept))]  # the one kept longest
            self._kept[domain] = (until, discovery)


class CachedSearch:
    """A search that many people share."""

    def __init__(
        self,
        search: Search,
        cache: Cache | None = None,
        *,
        at_once: int = AT_ONCE,
        permit: Callable[[], None] = lambda: None,
    ) -> None:
        self._search = search
        self._cache = cache or Cache()
        self._permit = permit
        self._places = threading.BoundedSemaphore(at_once)

    def __call__(self, address: Address) -> Discovery:
        """What was found, now or some minutes ago; BUSY where too many search already.

        `permit` is asked before a search begins; the problems that it raises are the answer.
        """
        kept = self._cache.get(address)
        if kept is not None:
            return kept
        if not self._places.acquire(blocking=False):
            return Discovery(problems=(Problem(Code.BUSY),))
        try:
            self._permit()
            found = self._search(address)
        except ProblemError as error:
            return Discovery(problems=error.problems)
        finally:
            self._places.release()
        self._cache.put(address.domain, found)
        return found


def _readdressed(discovery: Discovery, address: Address) -> Discovery:
    candidates = tuple(replace(c, account=c.settings.account(address)) for c in discovery.candidates)
    return replace(discovery, candidates=candidates)
