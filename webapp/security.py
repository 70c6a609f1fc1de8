"""What every response and every POST obeys: the header set, form tokens without cookies, whose proxy is believed.

Flask-WTF's session CSRF is for admin forms; employee forms must work without cookies, so their token is signed,
timed and bound to the path (which holds the link's token) instead.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping, Sequence
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any

from flask import Flask, Request, Response, abort, current_app, request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.routing import IntegerConverter, Map
from wtforms.csrf.core import CSRF, CSRFTokenField
from wtforms.validators import ValidationError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from webapp.config import Config

FORM_LIFETIME = 12 * 60 * 60
"""Seconds a form may stay open before its token is refused (the address is kept then, so nobody loses work)."""

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# clipboard-write stays open for ourselves: the copy buttons need it.
_CLOSED = (
    "accelerometer", "autoplay", "browsing-topics", "camera", "display-capture", "encrypted-media",
    "fullscreen", "geolocation", "gyroscope", "hid", "identity-credentials-get", "idle-detection",
    "local-fonts", "magnetometer", "microphone", "midi", "payment", "picture-in-picture",
    "screen-wake-lock", "serial", "usb", "window-management", "xr-spatial-tracking",
)  # fmt: skip
# HSTS without includeSubDomains: other services of the company may live below our name without TLS.
HEADERS: Mapping[str, str] = {
    "Strict-Transport-Security": "max-age=31536000",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in _CLOSED) + ", clipboard-write=(self)",
    "X-Robots-Tag": "noindex",
}
"""On every response, whatever answers it. Discovery answers carry them too (webapp/endpoints)."""

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


MOST_NUMBER = 2**31 - 1
"""No row has a larger one, and PostgreSQL calls it an error to ask for it."""


class RowNumber(IntegerConverter):
    """A whole number in a path; what no row can have is no path."""

    regex = "[0-9]{1,10}"

    def __init__(self, map: Map) -> None:
        super().__init__(map, max=MOST_NUMBER)


def row_number(text: str) -> int:
    """The same in a query (`args.get(…, type=row_number)`): ValueError, so the default, for anything else."""
    found = int(text[:12])
    if not 0 <= found <= MOST_NUMBER:
        raise ValueError
    return found


def init_app(app: Flask) -> None:
    """Refuse foreign POSTs, keep uploads off the disk and put the header set on every answer."""
    app.request_class = PrivateRequest
    app.url_map.converters["int"] = RowNumber
    app.before_request(refuse_impossible_paths)
    app.before_request(refuse_foreign_posts)
    app.after_request(add_headers)


def add_headers(response: Response) -> Response:
    """Add the header set; nothing but static files may be stored by anyone."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint != "static" or response.status_code >= 400:
        response.headers["Cache-Control"] = "no-store"
    elif "v" in request.args:
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def refuse_impossible_paths() -> None:
    """Refuse a NUL in a path: PostgreSQL takes it in no text, so nothing has such a name."""
    if "\0" in request.path:
        abort(404)


def refuse_foreign_posts() -> None:
    """Refuse a state-changing request that another site started.

    `Origin: null` is normal under `Referrer-Policy: no-referrer`, so only Sec-Fetch-Site counts; browsers without
    it still need the form's token.
    """
    if request.method not in _SAFE_METHODS and request.headers.get("Sec-Fetch-Site") == "cross-site":
        abort(403)


class PrivateRequest(Request):
    """A request whose uploads stay in memory; how much may come is limited at each route.

    Werkzeug writes whatever is larger than 500 kB into a temporary file, and a list of people may hold passwords.
    """

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        del total_content_length, content_type, filename, content_length
        return BytesIO()


def take_upload(most: int) -> None:
    """Let this request carry a file; called before anything of its form is looked at."""
    request.max_content_length = most
    # Werkzeug holds every piece that it has read and not parsed yet against this limit, those of files included:
    # with 64 kB for both, a file is refused by chance, whenever a piece ends in the middle of a line.
    request.max_form_memory_size = most


class FormToken(CSRF):  # type: ignore[misc]  # WTForms ships no types
    """WTForms' CSRF by a signed, timed token bound to the path; no cookie, no session."""

    def setup_form(self, form: Any) -> Sequence[tuple[str, Any]]:
        """Remember the path that the token is bound to (`Meta.csrf_context`)."""
        self.path: str = form.meta.csrf_context
        return list(super().setup_form(form))

    def generate_csrf_token(self, csrf_token_field: CSRFTokenField) -> str:
        """Make a fresh token for this path."""
        del csrf_token_field
        return _serializer().dumps(self.path)

    def validate_csrf_token(self, form: Any, field: CSRFTokenField) -> None:
        """Accept only a token of this path that is not too old."""
        del form
        try:
            path = _serializer().loads(field.data or "", max_age=FORM_LIFETIME)
        except BadSignature as error:
            raise ValidationError("form token") from error
        if path != self.path:
            raise ValidationError("form token")


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt="employee-form")


class TrustedProxies:
    """WSGI: believes X-Forwarded-For and X-Forwarded-Proto from the host's own proxies and from nobody else."""

    def __init__(self, application: WSGIApplication, networks: Iterable[Network]) -> None:
        self.application = application
        self.networks = tuple(networks)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Rewrite the client's address and scheme, then go on."""
        forwarded = environ.pop("HTTP_X_FORWARDED_FOR", "")
        scheme = environ.pop("HTTP_X_FORWARDED_PROTO", "")
        if self._is_trusted(environ.get("REMOTE_ADDR", "")):
            environ["REMOTE_ADDR"] = self._client(environ.get("REMOTE_ADDR", ""), forwarded)
            scheme = scheme.rpartition(",")[2].strip().lower()
            if scheme in ("http", "https"):
                environ["wsgi.url_scheme"] = scheme
                environ["hagaki.forwarded_proto"] = scheme
        return self.application(environ, start_response)

    def _client(self, peer: str, forwarded: str) -> str:
        # From the right: the first address that is not one of our proxies; what stands left of it is hearsay.
        hops = [hop.strip().strip("[]") for hop in forwarded.split(",") if hop.strip()]
        client = peer
        while hops and self._is_trusted(client):
            if _address(hops[-1]) is None:
                break
            client = hops.pop()
        return client

    def _is_trusted(self, text: str) -> bool:
        address = _address(text)
        return address is not None and any(address in network for network in self.networks)


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def trust_proxies(application: Callable[..., Any], config: Config) -> TrustedProxies:
    """Wrap a WSGI application so that it sees the real client behind the host's proxies."""
    return TrustedProxies(application, config.trusted_proxies)
