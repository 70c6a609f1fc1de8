"""One https request over the guarded door. No proxy, no cookie; a redirect only where it is asked for."""

from __future__ import annotations

import http.client
import io
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from profiles.problems import Code, Problem, ProblemError
from webapp.outbound.deadline import Deadline
from webapp.outbound.stream import Stream, StreamClosed, StreamTimeout

if TYPE_CHECKING:
    from webapp.outbound import Outbound

HEAD_LIMIT = 64 * 1024
_REDIRECTS = (301, 302, 303, 307, 308)

# OpenSSL's X509_V_ERR_… to codes; the full diagnosis of a mail server's certificate is in webapp/probes.
CERTIFICATE_CODES = {
    9: Code.CERT_NOT_YET_VALID,
    10: Code.CERT_EXPIRED,
    18: Code.CERT_SELF_SIGNED,
    19: Code.CERT_UNKNOWN_CA,
    20: Code.CERT_MISSING_INTERMEDIATE,
    21: Code.CERT_MISSING_INTERMEDIATE,
    62: Code.CERT_WRONG_NAME,
    64: Code.CERT_WRONG_NAME,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpsAnswer:
    """What a web server answered; `headers` have lower-case names."""

    url: str
    """Where the answer came from, after redirects."""
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpsRequest:
    """What to ask. Headers may hold credentials and never show."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    limit: int = 64 * 1024
    redirects: int = 0


def send(outbound: Outbound, request: HttpsRequest, deadline: Deadline) -> HttpsAnswer:
    """Send a request; raise ProblemError where no answer came."""
    url = request.url
    for _ in range(request.redirects + 1):
        answer = _once(outbound, request, url, deadline)
        location = answer.headers.get("location", "")
        if answer.status not in _REDIRECTS or not location or not request.redirects:
            return answer
        url = _next(url, location)
    raise _problem(Code.SERVER_SAID_NO, url, "too many redirects")


def _next(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:  # such as an IPv6 address without its end
        raise _problem(Code.VALUE_INVALID, url, "bad redirect") from None


def _once(outbound: Outbound, request: HttpsRequest, url: str, deadline: Deadline) -> HttpsAnswer:
    host, port, path = _parts(url)
    target = outbound.https_target(host, port, deadline)
    with outbound.connect(target, deadline) as stream:
        try:
            stream.start_tls(outbound.context(), host, deadline)
            stream.send(_head(request, host, port, path) + request.body, deadline)
            return read_answer(stream, request, url, deadline)
        except ssl.SSLCertVerificationError as error:
            raise _problem(CERTIFICATE_CODES.get(error.verify_code, Code.CERT_INVALID), url) from None
        except ssl.SSLError:
            raise _problem(Code.TLS_FAILED, url) from None
        except StreamTimeout:
            raise _problem(Code.SERVER_TOO_SLOW, url) from None
        except StreamClosed:
            raise _problem(Code.CLOSED_EARLY, url) from None
        except (http.client.HTTPException, ValueError):
            raise _problem(Code.SERVER_UNREACHABLE, url, "not an HTTP answer") from None


def _parts(url: str) -> tuple[str, int, str]:
    if not url.isascii() or any(c <= " " or c == "\x7f" for c in url):
        raise _problem(Code.VALUE_INVALID, url)
    try:
        parts = urlsplit(url)
        port = parts.port or 443
    except ValueError:
        raise _problem(Code.VALUE_INVALID, url) from None
    if parts.scheme != "https" or not parts.hostname or parts.username is not None:
        raise _problem(Code.VALUE_INVALID, url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.hostname, port, path


def _head(request: HttpsRequest, host: str, port: int, path: str) -> bytes:
    name = f"[{host}]" if ":" in host else host
    headers = {
        "Host": name if port == 443 else f"{name}:{port}",
        "User-Agent": "Hagaki",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Connection": "close",
        **request.headers,
    }
    if request.body or request.method not in ("GET", "HEAD"):
        headers["Content-Length"] = str(len(request.body))
    if any(c in value for value in headers.values() for c in "\r\n\0"):
        raise ValueError("line end in a header")
    lines = [f"{request.method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


class _Raw(io.RawIOBase):
    """Lets http.client read from a stream with a deadline and a limit."""

    def __init__(self, stream: Stream, deadline: Deadline, limit: int) -> None:
        self._stream = stream
        self._deadline = deadline
        self._rest = b""
        self._left = limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if not self._rest and self._left > 0:
            try:
                self._rest = self._stream.receive(self._deadline)[: self._left]
            except StreamClosed:
                return 0
            self._left -= len(self._rest)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


class _Socket:
    def __init__(self, raw: _Raw) -> None:
        self._raw = raw

    def makefile(self, mode: str) -> io.BufferedReader:  # noqa: ARG002
        return io.BufferedReader(self._raw)


def read_answer(stream: Stream, request: HttpsRequest, url: str, deadline: Deadline) -> HttpsAnswer:
    """Read one answer within its limit, from any stream."""
    raw = _Raw(stream, deadline, request.limit + HEAD_LIMIT)
    response = http.client.HTTPResponse(_Socket(raw), method=request.method)  # type: ignore[arg-type]
    try:
        response.begin()
        body = response.read(request.limit + 1)
        if len(body) > request.limit:
            raise _problem(Code.SERVER_SAID_NO, url, "the answer is too large")
        headers = {name.lower(): value for name, value in response.getheaders()}
        return HttpsAnswer(url=url, status=response.status, headers=headers, body=body)
    finally:
        response.close()


def _problem(code: Code, url: str, reason: str = "") -> ProblemError:
    params = {"url": url, "reason": reason, "server": url, "host": url}
    return ProblemError(Problem(code, params, place=url, server=url))
