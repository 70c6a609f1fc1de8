"""The WSGI application in front of Flask: which path is whose, and what every discovery request has in common."""

from __future__ import annotations

import logging
import secrets
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from webapp.endpoints import autoconfig, json_v2, pox, well_known
from webapp.endpoints.answers import NOT_SERVED, OK, PLAIN_TEXT, Answer, personal, refused_method
from webapp.endpoints.prepared import Prepared
from webapp.endpoints.questions import Proxies

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from webapp.config import Config
    from webapp.directory import Directory

_log = logging.getLogger(__name__)

Respond = Callable[["WSGIEnvironment", Prepared], Answer]


_ONLY_GET = refused_method("GET, HEAD")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One path: who answers it, to which methods, and what the others get."""

    respond: Respond
    allow: tuple[str, ...] = ("GET", "HEAD")
    """Empty: every method gets the same answer."""
    refusal: Answer = _ONLY_GET
    redirect_to_https: Respond | None = None


def _nothing(_environ: WSGIEnvironment, _prepared: Prepared) -> Answer:
    return NOT_SERVED


_AUTOCONFIG = Route(respond=autoconfig.answer, redirect_to_https=autoconfig.redirect_to_https)
_POX = Route(respond=pox.answer, allow=("POST",), refusal=pox.GET_REFUSED, redirect_to_https=pox.redirect_to_https)
_JSON = Route(respond=json_v2.answer)
_SERVICE = Route(respond=well_known.service, allow=())
_NOTHING = Route(respond=_nothing, allow=())
"""SOAP, EWS and ActiveSync paths: a plain 404, so that no client sends a password after a 401."""

ROUTES: dict[str, Route] = {
    **dict.fromkeys(autoconfig.PATHS, _AUTOCONFIG),
    **dict.fromkeys(pox.PATHS, _POX),
    json_v2.PATH: _JSON,
    well_known.PACC_PATH: Route(respond=well_known.pacc),
    **dict.fromkeys(well_known.SERVICE_PATHS, _SERVICE),
    well_known.ROBOTS_PATH: Route(respond=well_known.robots),
    well_known.TLS_ASK_PATH: Route(respond=well_known.tls_ask),
}
"""Every discovery path as it is usually spelled."""

_MICROSOFT = ("autodiscover", "ews", "microsoft-server-activesync", "mapi", "oab", "rpc")
"""First segments under which only Exchange's clients ask."""


class Discovery:
    """Answers discovery paths from memory and hands everything else to `fallback`."""

    def __init__(self, directory: Directory, config: Config, fallback: WSGIApplication) -> None:
        self._directory = directory
        self._base_url = config.base_url
        self._fallback = fallback
        self._proxies = Proxies(config.trusted_proxies)
        self._prepared = Prepared(directory.snapshot(), config.base_url)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request; a discovery request never makes a 5xx and never reaches Flask."""
        route = ROUTES.get(environ["PATH_INFO"]) or _route_in_any_case(environ["PATH_INFO"])
        if route is None:
            return self._fallback(environ, start_response)
        # Thunderbird sends the password unasked. Nobody behind this line can log it.
        environ.pop("HTTP_AUTHORIZATION", None)
        answer = self._answer(route, environ)
        start_response(answer.status, list(answer.headers))
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]

    def _answer(self, route: Route, environ: WSGIEnvironment) -> Answer:
        try:
            if "HTTP_X_FORWARDED_PROTO" in environ or "HTTP_X_FORWARDED_HOST" in environ:
                self._proxies.apply(environ)
            return self._respond(route, environ)
        except Exception as error:  # noqa: BLE001 - the edge: clients must go on to their next source
            _log_incident(error)
            return NOT_SERVED

    def _respond(self, route: Route, environ: WSGIEnvironment) -> Answer:
        prepared = self._current()
        if route.redirect_to_https and environ.get("hagaki.plain_http") and prepared.redirects_to_https:
            return route.redirect_to_https(environ, prepared)
        method = environ["REQUEST_METHOD"]
        if method in route.allow or not route.allow:
            return route.respond(environ, prepared)
        if method == "OPTIONS":
            return personal(OK, PLAIN_TEXT, b"", ("Allow", ", ".join(route.allow)))
        return route.refusal

    def _current(self) -> Prepared:
        prepared = self._prepared
        snapshot = self._directory.snapshot()
        if snapshot is not prepared.snapshot:
            self._prepared = prepared = Prepared(snapshot, self._base_url)
        return prepared


def _route_in_any_case(path: str) -> Route | None:
    lower = path.lower()
    known = ROUTES.get(lower)
    if known is not None:
        return known
    if lower[1:].partition("/")[0] in _MICROSOFT:
        return _JSON if json_v2.matches(lower) else _NOTHING
    return None


def _log_incident(error: Exception) -> None:
    # The message of an exception may hold an address: only its type and where it happened are written.
    place = traceback.extract_tb(error.__traceback__)[-1]
    _log.error(
        "event=incident part=discovery number=%s error=%s place=%s:%s",
        secrets.token_hex(4),
        type(error).__name__,
        place.name,
        place.lineno,
    )
