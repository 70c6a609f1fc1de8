"""A PACC reader (draft-ietf-mailmaint-pacc): the document counts only when its digest stands in DNS."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable

from profiles.address import to_ascii
from profiles.model import DEFAULT_PORTS, Protocol, Server, SocketType
from profiles.problems import N_, Code
from webapp.doctor.reading import json_object
from webapp.doctor.strictness import Setup
from webapp.doctor.walk import LookUp, Outcome, Walk, World, is_nothing

PATH = "/.well-known/user-agent-configuration.json"

NO_SERVERS = N_("it names no host to read mail from, or none to send it through")
NO_PROVIDER = N_("it lacks the provider's name or says nothing about passwords")
# What drafts -02 and -03 call it; readers know one of the two.
_SUBMISSION = ("submit", "smtp")


def pacc(world: World) -> Outcome:
    """Ask for the document, then for its digest."""
    walk = Walk(world, "pacc", "PACC")
    url = f"https://ua-auto-config.{world.domain}{PATH}"
    visit = world.web.get_through(url)
    document = json_object(visit) if visit.status == 200 else None
    if document is None:
        walk.note(LookUp.PACC, url, None if is_nothing(visit, world.domain) else False, visit.note)
        return walk.end(None, needs_settings=False)
    setup, reason = _read(document, world)
    walk.note(LookUp.PACC, url, reason is None, reason or visit.note)
    if reason is not None:
        walk.report(Code.CONFIG_UNUSABLE, url=url, reason=reason)
    confirmed = _is_confirmed(walk, url, b64encode(hashlib.sha256(visit.body).digest()).decode())
    return walk.end(setup if confirmed else None, needs_settings=False)


def digests(records: Iterable[str]) -> set[str]:
    """The digests of the TXT records; their order of tags, blanks and unknown tags do not matter."""
    found = set()
    for record in records:
        parts = (part.partition("=") for part in record.split(";"))
        tags = {name.strip(): value.strip() for name, _, value in parts}
        if tags.get("v") == "UAAC1" and tags.get("a", "sha256") == "sha256":
            found.add(tags.get("d", ""))
    return found - {""}


def _is_confirmed(walk: Walk, url: str, digest: str) -> bool:
    name = f"_ua-auto-config.{walk.world.domain}"
    published = digests(walk.world.txt(name))
    confirmed = digest in published
    walk.note(LookUp.PACC, f"TXT {name}", confirmed, ", ".join(sorted(published)))
    if not confirmed:
        code = Code.PACC_DIGEST_STALE if published else Code.PACC_DIGEST_MISSING
        walk.report(code, url=url, name=name, digest=digest)
    return confirmed


def _read(document: dict[str, object], world: World) -> tuple[Setup | None, str | None]:
    protocols = _member(document, "protocols")
    incoming = _first(protocols, ("imap", "pop3"), world)
    outgoing = _first(protocols, _SUBMISSION, world)
    if incoming is None or outgoing is None:
        return None, NO_SERVERS
    name = _member(_member(document, "info"), "provider").get("name")
    password = _member(document, "authentication").get("password")
    if not isinstance(name, str) or not name or not isinstance(password, bool):
        return None, NO_PROVIDER
    return Setup(incoming=incoming, outgoing=outgoing), None


def _member(value: dict[str, object], key: str) -> dict[str, object]:
    member = value.get(key)
    return member if isinstance(member, dict) else {}


def _first(protocols: dict[str, object], keys: tuple[str, ...], world: World) -> Server | None:
    for key in keys:
        host = _member(protocols, key).get("host")
        name = to_ascii(host) if isinstance(host, str) else None
        if name is not None:
            protocol = Protocol.SMTP if key in _SUBMISSION else Protocol(key)
            return Server(
                protocol=protocol,
                hostname=name,
                port=DEFAULT_PORTS[protocol, SocketType.SSL],
                socket_type=SocketType.SSL,
                username=str(world.address),
            )
    return None
