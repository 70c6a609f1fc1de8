"""The answers of all hosted domains, made at the first question and kept until the directory changes.

One `Prepared` belongs to one snapshot of the directory. Only names that are hosted are kept, so strangers cannot
fill the memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from profiles import autoconfig, autodiscover, pacc
from profiles.address import Address, parse_address, to_ascii
from profiles.model import ADDRESS, DOMAIN, LOCAL_PART, ServiceSettings
from profiles.problems import ProblemError
from webapp.endpoints.answers import OK, Answer, personal, redirect, storable
from webapp.endpoints.questions import as_text

if TYPE_CHECKING:
    from webapp.directory import Snapshot

SERVICE_PREFIXES = ("autoconfig", "autodiscover", "ua-auto-config")
"""First labels under which clients ask for a domain."""
POX_PATH = "/autodiscover/autodiscover.xml"
_KEPT = 200_000
_LONGEST_NAME = 255

Value = TypeVar("Value")


class Kept(dict[str, Value | None], Generic[Value]):
    """Values by domain, made when first asked for. None is not kept: the domain has nothing of this kind."""

    def __init__(self, make: Callable[[str], Value | None]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, domain: str) -> Value | None:
        try:
            value = self._make(domain)
        except ProblemError:
            return None  # the format cannot hold this domain: the client asks elsewhere
        if value is not None and len(self) < _KEPT:
            self[domain] = value
        return value


class Names(dict[str, str]):
    """Host names as asked -> the hosted domain they stand for, "" for foreign ones."""

    def __init__(self, hosted: Mapping[str, ServiceSettings], prefixes: Iterable[str]) -> None:
        super().__init__()
        self._hosted = hosted
        self._prefixes = frozenset(prefixes)

    def __missing__(self, host: str) -> str:
        name = _canonical(host)
        domain = self._find(name)
        # Only the plain spelling is kept: letter cases and ports make thousands of others.
        if domain and name == host and len(self) < _KEPT:
            self[host] = domain
        return domain

    def _find(self, name: str) -> str:
        prefix, _, rest = name.partition(".")
        candidates = (rest, name) if prefix in self._prefixes else (name,)
        return next((domain for domain in candidates if domain in self._hosted), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Slotted:
    """A prepared XML answer of one domain, cut where the local part of the address goes."""

    parts: tuple[bytes, ...]

    @classmethod
    def cut(cls, template: bytes, domain: str) -> Slotted:
        """Put the domain in and cut the rest: a local part that looks like a placeholder then stays as it is."""
        address, local, at = ADDRESS.encode(), LOCAL_PART.encode(), f"@{domain}".encode()
        filled = template.replace(address, local + at).replace(DOMAIN.encode(), at[1:])
        return cls(parts=tuple(filled.split(local)))

    def fill(self, local: str) -> bytes:
        """The answer for one mailbox."""
        return escape(local).encode().join(self.parts)


class Prepared:
    """Every answer that depends on a domain alone."""

    def __init__(self, snapshot: Snapshot, base_url: str) -> None:
        self.snapshot = snapshot
        self.base_url = base_url.rstrip("/")
        self.base_host = urlsplit(base_url).hostname or ""
        self.by_host = Names(snapshot.hosted, SERVICE_PREFIXES)
        self.by_address = Names(snapshot.hosted, ())
        self.autoconfig: Kept[Answer] = Kept(self._autoconfig)
        self.pacc: Kept[Answer] = Kept(self._pacc)
        self.pox: Kept[Slotted] = Kept(self._pox)
        self.mobilesync: Kept[Slotted] = Kept(self._mobilesync)
        self.json: dict[str, Kept[Answer]] = {
            "autodiscoverv1": Kept(self._json_pox),
            "activesync": Kept(self._json_activesync),
        }
        """V2 answers by the lower-case name of the protocol."""
        self.well_known: dict[str, Kept[Answer]] = {
            "/.well-known/caldav": Kept(self._caldav),
            "/.well-known/carddav": Kept(self._carddav),
            "/.well-known/jmap": Kept(self._jmap),
        }

    @property
    def redirects_to_https(self) -> bool:
        """Whether there is an https address to send plain http to (a local trial has none)."""
        return self.base_url.startswith("https://")

    def domain_of_address(self, text: str) -> str | None:
        """The hosted domain of an address, "" for a foreign one, None where it is no address."""
        local, _, domain = text.rpartition("@")
        if not local or "@" in local:
            return None
        found = self.by_address[domain]
        if not found and "." not in _canonical(domain):
            return None
        return found

    def address(self, text: str) -> Address | None:
        """The address as it may be echoed, None where it is none."""
        return parse_address(text)[0]

    def _autoconfig(self, domain: str) -> Answer:
        return storable(autoconfig.CONTENT_TYPE, autoconfig.render_settings(self._here(domain), domain))

    def _pacc(self, domain: str) -> Answer:
        return storable(pacc.CONTENT_TYPE, pacc.render_settings(self._here(domain), domain))

    def _pox(self, domain: str) -> Slotted:
        return Slotted.cut(autodiscover.settings_template(self._here(domain), domain), domain)

    def _mobilesync(self, domain: str) -> Slotted | None:
        url = self._here(domain).activesync_url
        return None if url is None else Slotted.cut(autodiscover.mobilesync_template(url), domain)

    def _json_pox(self, domain: str) -> Answer:
        # The address comes from configuration, never from the request's Host.
        base = self.base_url if self.redirects_to_https else f"https://autodiscover.{domain}"
        return _json(autodiscover.json_answer("AutodiscoverV1", base + POX_PATH))

    def _json_activesync(self, domain: str) -> Answer | None:
        url = self._here(domain).activesync_url
        return None if url is None else _json(autodiscover.json_answer("ActiveSync", url))

    def _caldav(self, domain: str) -> Answer | None:
        service = self._here(domain).calendar
        return None if service is None else _moved(service.url)

    def _carddav(self, domain: str) -> Answer | None:
        service = self._here(domain).addressbook
        return None if service is None else _moved(service.url)

    def _jmap(self, domain: str) -> Answer | None:
        url = self._here(domain).jmap_url
        return None if url is None else _moved(url)

    def _here(self, domain: str) -> ServiceSettings:
        return self.snapshot.hosted[domain].for_domain(domain)


def _canonical(host: str) -> str:
    """Lower-case A-labels without a port, "" for what is no host name."""
    if len(host) > _LONGEST_NAME:
        return ""
    return to_ascii(as_text(host).partition(":")[0]) or ""


def _json(body: bytes) -> Answer:
    return personal(OK, autodiscover.JSON_CONTENT_TYPE, body)


def _moved(url: str) -> Answer:
    return redirect("301 Moved Permanently", url)
