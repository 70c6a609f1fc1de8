"""Asks each URL once, whichever client wants it, and remembers what came."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from profiles.problems import Code, Problem, ProblemError
from webapp.outbound import Deadline, HttpsAnswer, HttpsRequest, Outbound, StreamClosed, StreamTimeout
from webapp.outbound.https import read_answer

_LIMIT = 64 * 1024
_WORKERS = 12
_HOPS = 4
_REDIRECTS = (301, 302, 303, 307, 308)
_UNKNOWN_NAME = (Code.DNS_NXDOMAIN, Code.DNS_NO_ADDRESS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What one question to a web server brought: an answer, or the problem that kept it away."""

    method: str
    url: str
    status: int = 0
    """0: no answer."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    problem: Problem | None = None

    @property
    def host(self) -> str:
        """The name asked."""
        return urlsplit(self.url).hostname or ""

    @property
    def is_plain(self) -> bool:
        """Whether it went over plain http."""
        return self.url.startswith("http://")

    @property
    def content_type(self) -> str:
        """The media type alone, lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def location(self) -> str:
        """Where a redirect leads, as a whole URL; empty where it is none."""
        given = self.headers.get("location", "") if self.status in _REDIRECTS else ""
        try:
            return urljoin(self.url, given) if given else ""
        except ValueError:
            return ""

    @property
    def has_no_name(self) -> bool:
        """Whether the host name does not exist: nobody offers anything there."""
        return self.problem is not None and self.problem.code in _UNKNOWN_NAME

    @property
    def is_absent(self) -> bool:
        """Whether it says in an orderly way that there is nothing here."""
        return self.status in (404, 405, 410) or self.has_no_name

    @property
    def note(self) -> str:
        """The outcome in a few words."""
        if self.problem is not None:
            return str(self.problem.code)
        return " ".join(part for part in (str(self.status), self.content_type, self.location) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A question as a client asks it, and the answer that ended its redirects."""

    asked: Visit
    final: Visit


class Web:
    """The web as the clients see it. `seconds` bounds each question. Many threads may ask."""

    def __init__(self, outbound: Outbound, *, seconds: float = 5.0) -> None:
        self._outbound = outbound
        self._seconds = seconds
        self._visits: dict[tuple[str, str, bytes], Future[Visit]] = {}
        self._chains: dict[tuple[str, str, bytes], Chain] = {}
        self._lock = threading.Lock()

    def get(self, url: str) -> Visit:
        """GET without following redirects."""
        return self._follow("GET", url, b"", hops=0)

    def get_through(self, url: str) -> Visit:
        """GET, following redirects; the door vets each of them anew."""
        return self._follow("GET", url, b"", hops=_HOPS)

    def post_through(self, url: str, body: bytes) -> Visit:
        """POST XML, without credentials, and again where a redirect leads, as Autodiscover clients do."""
        return self._follow("POST", url, body, hops=_HOPS)

    def prefetch(self, urls: Iterable[str]) -> None:
        """Ask many URLs side by side, so that the clients find them answered."""
        with ThreadPoolExecutor(max_workers=_WORKERS) as pool:
            list(pool.map(self.get_through, urls))

    def chains(self) -> tuple[Chain, ...]:
        """Every question that a client asked, in the order of the URLs."""
        return tuple(self._chains[key] for key in sorted(self._chains))

    def _follow(self, method: str, url: str, body: bytes, *, hops: int) -> Visit:
        asked = final = self._once(method, url, body)
        while hops and final.location.startswith(("https://", "http://")):
            final, hops = self._once(method, final.location, body), hops - 1
        with self._lock:
            self._chains[method, url, body] = Chain(asked=asked, final=final)
        return final

    def _once(self, method: str, url: str, body: bytes) -> Visit:
        key = (method, url, body)
        with self._lock:
            mine = key not in self._visits
            future = self._visits.setdefault(key, Future())
        if mine:
            try:
                future.set_result(self._ask(method, url, body))
            except BaseException as error:
                future.set_exception(error)
                raise
        return future.result()

    def _ask(self, method: str, url: str, body: bytes) -> Visit:
        headers = {"Content-Type": "text/xml; charset=utf-8"} if body else {}
        deadline = Deadline(self._seconds)
        request = HttpsRequest(url=url, method=method, headers=headers, body=body, limit=_LIMIT)
        try:
            if url.startswith("http://"):
                answer = _plain(self._outbound, request, deadline)
            else:
                answer = self._outbound.https_request(request, deadline=deadline)
        except ProblemError as error:
            return Visit(method=method, url=url, problem=error.problems[0])
        return Visit(method=method, url=url, status=answer.status, headers=answer.headers, body=answer.body)


def _plain(outbound: Outbound, request: HttpsRequest, deadline: Deadline) -> HttpsAnswer:
    """GET over plain http, as clients still do: only to see that it leads to https. Nothing secret is in it."""
    url = request.url
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 80
    except ValueError:
        raise _no_answer(Code.VALUE_INVALID, url) from None
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.isascii() or not path.isprintable() or " " in path:
        raise _no_answer(Code.VALUE_INVALID, url)
    target = outbound.https_target(host, port, deadline)
    head = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Hagaki\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    with outbound.connect(target, deadline) as stream:
        try:
            stream.send(head.encode("ascii"), deadline)
            return read_answer(stream, request, url, deadline)
        except StreamTimeout:
            raise _no_answer(Code.SERVER_TOO_SLOW, url) from None
        except StreamClosed:
            raise _no_answer(Code.CLOSED_EARLY, url) from None
        except (http.client.HTTPException, ValueError):
            raise _no_answer(Code.SERVER_UNREACHABLE, url) from None


def _no_answer(code: Code, url: str) -> ProblemError:
    return ProblemError(Problem(code, {"url": url, "server": url, "host": url}, place=url, server=url))
