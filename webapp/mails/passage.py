"""Whether mails to a domain travel encrypted: what its mail exchanger offers, looked at beside the sending.

Many networks close port 25, and then nothing is seen. So a look never holds up mails for long: one look for each
domain, a few seconds for all of them together, and none any more once nobody could be reached.
"""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from enum import StrEnum
from types import TracebackType
from typing import Self

from profiles.problems import Code, Problem, ProblemError
from webapp.mails.session import Ended, Session
from webapp.outbound import Deadline, Outbound

PORT = 25
LOOK_SECONDS = 5.0
REMEMBER_SECONDS = 3600.0
MOST_EXCHANGERS = 2
MOST_UNREACHED = 3
"""Domains in a row that nobody could be reached for, before port 25 is taken for closed."""
AT_ONCE = 2


class Passage(StrEnum):
    """How mails reach a domain."""

    ENCRYPTED = "encrypted"
    CLEAR = "clear"
    UNKNOWN = "unknown"


def note(domain: str, passage: Passage | None) -> Problem | None:
    """What an admin should know of mails to this domain."""
    if passage is Passage.ENCRYPTED:
        return None
    code = Code.MAIL_UNENCRYPTED if passage is Passage.CLEAR else Code.MAIL_ENCRYPTION_UNKNOWN
    return Problem(code, {"domain": domain})


class Passages:
    """Looks at each domain once an hour."""

    def __init__(self, outbound: Outbound, *, own_name: str = "[127.0.0.1]") -> None:
        self._outbound = outbound
        self._own_name = own_name
        self._looks: dict[str, tuple[float, Future[Passage]]] = {}
        self._unreached = 0
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="passage")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Begin no further look."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def look(self, domain: str) -> Future[Passage]:
        """Begin to look, unless that was done."""
        at, look = self._looks.get(domain, (0.0, None))
        now = time.monotonic()
        if look is None or now - at > REMEMBER_SECONDS:
            look = self._threads.submit(self._look, domain)
            self._looks[domain] = (now, look)
        return look

    def seen(self, domain: str, *, wait: float = 0.0) -> Passage | None:
        """What was seen, or is seen within so many seconds; None where nothing is yet."""
        try:
            return self.look(domain).result(wait)
        except NotYet:
            return None

    def _look(self, domain: str) -> Passage:
        if self._unreached >= MOST_UNREACHED:
            return Passage.UNKNOWN
        deadline = Deadline(LOOK_SECONDS)
        try:
            exchangers = [mx.exchange for mx in self._outbound.mx(domain, deadline)] or [domain]
        except ProblemError:
            return Passage.UNKNOWN
        for host in exchangers[:MOST_EXCHANGERS]:
            passage = self._ask(host, deadline)
            if passage is not None:
                self._unreached = 0
                return passage
        self._unreached += 1
        return Passage.UNKNOWN

    def _ask(self, host: str, deadline: Deadline) -> Passage | None:
        """What one exchanger offers; None where it cannot be reached."""
        try:
            target = self._outbound.target(host, PORT, deadline)
            stream = self._outbound.connect(target, deadline.within(LOOK_SECONDS / MOST_EXCHANGERS))
        except ProblemError:
            return None
        with stream:
            session = Session(stream, own_name=self._own_name)
            try:
                if session.greet(deadline).kind != "2":
                    return Passage.UNKNOWN
            except Ended:
                return Passage.UNKNOWN
            return Passage.ENCRYPTED if "STARTTLS" in session.extensions else Passage.CLEAR
