"""What goes back: a status, a ready list of headers, bytes. Made once wherever the request does not change it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import sha256

from webapp.security import HEADERS

Header = tuple[str, str]

OK = "200 OK"
BAD_REQUEST = "400 Bad Request"
NOT_FOUND = "404 Not Found"
METHOD_NOT_ALLOWED = "405 Method Not Allowed"
TOO_LARGE = "413 Content Too Large"

PLAIN_TEXT = "text/plain; charset=utf-8"
STORABLE = "public, max-age=300"
"""Same bytes for everyone who asks; a proxy in front may hold a changed domain's old answer for five minutes."""
PERSONAL = "no-store"

# The set of every response, as narrow as XML and JSON can have it: they load and run nothing, and a server checks
# each value character by character. Discovery also answers under the domains of the host's customers, so one
# request must not tie every subdomain of theirs to https.
_SECURITY: tuple[Header, ...] = tuple(
    {
        **HEADERS,
        "Strict-Transport-Security": HEADERS["Strict-Transport-Security"].partition(";")[0],
        "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }.items()
)
_STORED = (("Cache-Control", STORABLE), *_SECURITY)
_NOT_STORED = (("Cache-Control", PERSONAL), *_SECURITY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer, ready to be sent as often as asked."""

    status: str
    headers: tuple[Header, ...]
    body: bytes
    etag: str = ""


def personal(status: str, content_type: str, body: bytes, *more: Header) -> Answer:
    """An answer that nobody may store: it names a person, or it may be another one in a minute."""
    length = ("Content-Length", str(len(body)))
    return Answer(status=status, headers=(length, *more, *unsized(content_type)), body=body)


def unsized(content_type: str) -> tuple[Header, ...]:
    """The headers of a personal answer but for its length."""
    return (("Content-Type", content_type), *_NOT_STORED)


def storable(content_type: str, body: bytes) -> Answer:
    """An answer that is the same for everyone, with its ETag."""
    etag = f'"{sha256(body).hexdigest()[:32]}"'
    own = (("Content-Length", str(len(body))), ("ETag", etag))
    return Answer(status=OK, headers=(*own, *_shared(content_type)), body=body, etag=etag)


@cache
def _shared(content_type: str) -> tuple[Header, ...]:
    # One object for all domains: thousands of copies would push each other out of the processor's cache.
    return (("Content-Type", content_type), *_STORED)


def redirect(status: str, location: str) -> Answer:
    """An answer that sends the client elsewhere; never to a log-in page."""
    return personal(status, PLAIN_TEXT, b"", ("Location", location))


def refused_method(allow: str, content_type: str = PLAIN_TEXT, body: bytes = b"Method not allowed.\n") -> Answer:
    """405 with the methods that are served."""
    return personal(METHOD_NOT_ALLOWED, content_type, body, ("Allow", allow))


def conditional(answer: Answer, if_none_match: str | None) -> Answer:
    """The answer itself, or 304 where the client holds the same bytes already."""
    if if_none_match is None or not _matches(if_none_match, answer.etag):
        return answer
    kept = tuple(header for header in answer.headers if not header[0].startswith("Content-"))
    return Answer(status="304 Not Modified", headers=kept, body=b"")


def _matches(if_none_match: str, etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in tags or "*" in tags


NOT_SERVED = personal(NOT_FOUND, PLAIN_TEXT, b"Not served here.\n")
"""For foreign domains and paths. Clients go on to their next source after a 404, and only after a 404."""
