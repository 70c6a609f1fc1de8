"""Reads a domain's PACC document (draft-ietf-mailmaint-pacc, -02 and -03)."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from profiles.address import to_ascii
from profiles.model import (
    DEFAULT_PORTS,
    Authentication,
    DavService,
    Protocol,
    Server,
    ServiceSettings,
    SignIn,
    SocketType,
    Source,
)
from profiles.problems import N_
from webapp.discovery.candidates import Trust
from webapp.discovery.clientconfig import cleaned
from webapp.discovery.found import Found, Question, named_server, settings_of
from webapp.discovery.published import body_of

BY_PACC = N_("The domain publishes these servers over https (%(where)s), and its DNS confirms the document.")
BY_PACC_UNCONFIRMED = N_("The domain publishes these servers over https (%(where)s).")
# The drafts' key for SMTP changed from `smtp` (-02) to `submit` (-03).
_KEYS = (("imap", Protocol.IMAP), ("pop3", Protocol.POP3), ("submit", Protocol.SMTP), ("smtp", Protocol.SMTP))


def pacc(question: Question) -> Iterator[Found]:
    """The domain's document; where DNS holds digests, one of them must be this document's."""
    url = f"https://ua-auto-config.{question.domain}/.well-known/user-agent-configuration.json"
    body = body_of(url, question)
    settings = None if body is None else read(body, question.domain)
    if body is None or settings is None:
        return
    digests = _digests(question.outbound.txt(f"_ua-auto-config.{question.domain}", question.deadline))
    if digests and b64encode(sha256(body).digest()).decode() not in digests:
        return  # stale or forged: a reader must not use it
    reason = BY_PACC if digests else BY_PACC_UNCONFIRMED
    yield Found(source=Source.PACC, trust=Trust.AUTHENTICATED, reason=reason, where=url, settings=settings)


def read(body: bytes, domain: str) -> ServiceSettings | None:
    """The settings a document states; None when it is no such document or names too little."""
    try:
        document: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    protocols = _member(document, "protocols")
    servers: dict[Protocol, Server] = {}
    for key, protocol in _KEYS:
        host = _member(protocols, key).get("host")
        port = DEFAULT_PORTS[protocol, SocketType.SSL]
        server = named_server(protocol, SocketType.SSL, host, port) if isinstance(host, str) else None
        if server is not None:
            servers.setdefault(protocol, server)
    oauth_only = _member(document, "authentication").get("password") is False
    settings = settings_of(
        domain,
        [_for_oauth(server) if oauth_only else server for server in servers.values()],
        Source.PACC,
        name=_provider_name(document),
        calendar=_dav(protocols, "caldav"),
        addressbook=_dav(protocols, "carddav"),
    )
    return replace(settings, sign_in=SignIn.OAUTH) if settings is not None and oauth_only else settings


def _member(value: Any, key: str) -> Mapping[str, Any]:
    member = value.get(key) if isinstance(value, Mapping) else None
    return member if isinstance(member, Mapping) else {}


def _for_oauth(server: Server) -> Server:
    return replace(server, authentication=(Authentication.OAUTH2,))


def _provider_name(document: Any) -> str:
    name = _member(_member(document, "info"), "provider").get("name")
    return cleaned(name, 60) if isinstance(name, str) else ""


def _dav(protocols: Mapping[str, Any], key: str) -> DavService | None:
    url = _member(protocols, key).get("url")
    if not isinstance(url, str) or len(url) > 500 or not (url.isascii() and url.isprintable()):
        return None
    try:
        parts = urlsplit(url)
        has_port = parts.port is not None
    except ValueError:
        return None
    host = to_ascii(parts.hostname or "")
    return None if parts.scheme != "https" or has_port or host is None or "." not in host else DavService(url=url)


def _digests(records: Iterable[str]) -> set[str]:
    digests = set()
    for record in records:
        parts = (part.partition("=") for part in record.split(";"))
        tags = {name.strip(): value.strip() for name, _, value in parts}
        if tags.get("v") == "UAAC1" and tags.get("a", "sha256") == "sha256":
            digests.add(tags.get("d", ""))
    return digests - {""}
