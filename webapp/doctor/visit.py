"""Asks each URL once, whichever client wants it, and remembers what came."""

from __future__ import annotations

import http.client
import io
import ssl
import threading
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from profiles.problems import Code, Problem, ProblemError
from webapp.outbound import Deadline, HttpsRequest, Outbound, Stream, StreamClosed, StreamTimeout

_LIMIT = 64 * 1024
_WORKERS = 8
UNKNOWN_NAME = (Code.DNS_NXDOMAIN, Code.DNS_NO_ADDRESS)


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
        """Where a redirect leads."""
        return self.headers.get("location", "")

    @property
    def has_no_name(self) -> bool:
        """Whether the host name does not exist: nobody offers anything there."""
        return self.problem is not None and self.problem.code in UNKNOWN_NAME

    @property
    def note(self) -> str:
        """The outcome in a few words."""
        if self.problem is not None:
            return str(self.problem.code)
        return " ".join(part for part in (str(self.status), self.content_type, self.location) if part)


class Web:
    """The web as the clients see it. `seconds` bounds each question."""

    def __init__(self, outbound: Outbound, *, seconds: float = 5.0) -> None:
        self._outbound = outbound
        self._seconds = seconds
        self._visits: dict[tuple[str, str, bytes], Visit] = {}
        self._lock = threading.Lock()

    def get(self, url: str) -> Visit:
        """GET without following redirects."""
        return self._once("GET", url, b"")

    def get_through(self, url: str, *, hops: int = 4) -> Visit:
        """GET, following redirects to https."""
        visit = self.get(url)
        while visit.status in (301, 302, 303, 307, 308) and visit.location.startswith("https://") and hops:
            visit, hops = self.get(visit.location), hops - 1
        return visit

    def post(self, url: str, body: bytes) -> Visit:
        """POST XML, without credentials."""
        return self._once("POST", url, body)

    def prefetch(self, urls: Iterable[str]) -> None:
        """Ask many URLs side by side, so that the clients find them answered."""
        with ThreadPoolExecutor(max_workers=_WORKERS) as pool:
            list(pool.map(self.get, urls))

    def visits(self) -> tuple[Visit, ...]:
        """Everything that was asked."""
        return tuple(self._visits.values())

    def _once(self, method: str, url: str, body: bytes) -> Visit:
        key = (method, url, body)
        visit = self._visits.get(key)
        if visit is None:
            visit = self._ask(method, url, body)
            with self._lock:
                self._visits.setdefault(key, visit)
        return visit

    def _ask(self, method: str, url: str, body: bytes) -> Visit:
        headers = {"Content-Type": "text/xml; charset=utf-8"} if body else {}
        deadline = Deadline(self._seconds)
        try:
            if url.startswith("http://"):
                status, got, data = plain_get(self._outbound, url, deadline)
                return Visit(method=method, url=url, status=status, headers=got, body=data)
            request = HttpsRequest(url=url, method=method, headers=headers, body=body, limit=_LIMIT)
            answer = self._outbound.https_request(request, deadline=deadline)
        except ProblemError as error:
            return Visit(method=method, url=url, problem=error.problems[0])
        return Visit(method=method, url=url, status=answer.status, headers=answer.headers, body=answer.body)


def plain_get(outbound: Outbound, url: str, deadline: Deadline) -> tuple[int, Mapping[str, str], bytes]:
    """GET over plain http, as old clients still do: only to see that it leads to https."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 80
    target = outbound.https_target(host, port, deadline)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    head = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Hagaki\r\nConnection: close\r\n\r\n"
    with outbound.connect(target, deadline) as stream:
        try:
            stream.send(head.encode("latin-1"), deadline)
            return _read(stream, deadline)
        except (StreamTimeout, StreamClosed, http.client.HTTPException, ValueError) as error:
            code = Code.SERVER_TOO_SLOW if isinstance(error, StreamTimeout) else Code.SERVER_UNREACHABLE
            raise ProblemError(Problem(code, {"server": url, "host": host}, place=url, server=url)) from None


def _read(stream: Stream, deadline: Deadline) -> tuple[int, Mapping[str, str], bytes]:
    data = b""
    while len(data) <= _LIMIT:
        try:
            data += stream.receive(deadline)
        except StreamClosed:
            break
    response = http.client.HTTPResponse(_Answered(data))  # type: ignore[arg-type]
    response.begin()
    body = response.read(_LIMIT)
    return response.status, {name.lower(): value for name, value in response.getheaders()}, body


class _Answered:
    """Bytes already received, in the shape http.client reads from."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, mode: str) -> io.BytesIO:  # noqa: ARG002 - http.client's call
        return io.BytesIO(self._data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What a TLS server shows, and until when; `problem` where it cannot be trusted."""

    server: str
    not_after: str = ""
    """ISO date."""
    days_left: int | None = None
    issuer: str = ""
    problem: Problem | None = None


def certificate(outbound: Outbound, host: str, port: int, *, seconds: float = 5.0) -> Certificate:
    """Shake hands with a TLS server and read its certificate; a mail server gets no word more."""
    server = f"{host}:{port}"
    deadline = Deadline(seconds)
    try:
        target = (
            outbound.target(host, port, deadline) if port != 443 else outbound.https_target(host, port, deadline)
        )
        with outbound.connect(target, deadline) as stream:
            stream.start_tls(outbound.context(), host, deadline)
            shown = stream.tls.getpeercert() if stream.tls else None
    except ProblemError as error:
        return Certificate(server=server, problem=error.problems[0])
    except ssl.SSLCertVerificationError as error:
        return Certificate(server=server, problem=_certificate_problem(server, host, error))
    except (ssl.SSLError, StreamClosed, StreamTimeout):
        return Certificate(server=server, problem=Problem(Code.TLS_FAILED, {"server": server}, server=server))
    return _described(server, shown or {})


def _certificate_problem(server: str, host: str, error: ssl.SSLCertVerificationError) -> Problem:
    from webapp.outbound.https import CERTIFICATE_CODES

    code = CERTIFICATE_CODES.get(error.verify_code, Code.CERT_INVALID)
    return Problem(code, {"server": server, "host": host, "reason": error.verify_message}, server=server)


def _described(server: str, shown: Mapping[str, object]) -> Certificate:
    seconds = ssl.cert_time_to_seconds(str(shown["notAfter"]))
    parts = {key: value for rdn in shown.get("issuer", ()) for key, value in rdn}  # type: ignore[attr-defined]
    issuer = str(parts.get("commonName") or parts.get("organizationName") or "")
    return Certificate(
        server=server,
        not_after=time.strftime("%Y-%m-%d", time.gmtime(seconds)),
        days_left=int((seconds - time.time()) // 86400),
        issuer=issuer,
    )
