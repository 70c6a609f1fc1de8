"""The one door to the network: names resolved once, every address vetted, connections made to vetted addresses.

Nothing else opens a connection to a host that a person, a domain or DNS has named. Checks and discovery come
through here; the password never passes without verified TLS, which the callers begin with `context`.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Self

from profiles.address import to_ascii
from profiles.model import TlsPolicy
from profiles.problems import Code, Problem, ProblemError
from webapp.outbound import https
from webapp.outbound.deadline import Deadline
from webapp.outbound.https import HttpsAnswer, HttpsRequest
from webapp.outbound.names import Answer, Names, Resolved
from webapp.outbound.race import NotConnected, connect_first
from webapp.outbound.stream import Stream, StreamClosed, StreamTimeout
from webapp.outbound.trust import MODERN, verified_context
from webapp.outbound.vetting import IPNetwork, is_allowed

__all__ = [
    "Answer",
    "Deadline",
    "HttpsAnswer",
    "HttpsRequest",
    "Mx",
    "Outbound",
    "Resolved",
    "Srv",
    "Stream",
    "StreamClosed",
    "StreamTimeout",
    "Target",
    "mx_records",
    "srv_records",
]

MAIL_PORTS = frozenset((110, 143, 465, 587, 993, 995))
HTTPS_PORT = 443
RESOLVE_SECONDS = 3.0
EVERYWHERE: tuple[IPNetwork, ...] = (ip_network("0.0.0.0/0"), ip_network("::/0"))

Registered = Callable[[str, int], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server whose addresses have been vetted. `host` is the name that TLS must prove."""

    host: str
    port: int
    addresses: tuple[str, ...]
    connect_port: int
    """Differs from `port` only by an override of the command line."""
    aliases: tuple[str, ...] = ()

    @property
    def endpoint(self) -> str:
        """`host:port`, as problems name it."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Srv:
    """One SRV record; target "" says that the service is not offered."""

    priority: int
    weight: int
    port: int
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mx:
    """One MX record; exchange "" says that the domain takes no mail."""

    preference: int
    exchange: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbound:
    """How this host reaches others.

    `registered` says which host and port belong to a domain of the host or a known provider. Where it is None, it
    is the host's own hand (the command line): any name, any port. Addresses are vetted in both cases;
    `unrestricted` vets none.
    """

    allow_networks: Iterable[IPNetwork] = ()
    resolver: tuple[str, int] | None = None
    ca_file: Path | None = None
    registered: Registered | None = None
    allow_other: bool = True
    """Whether servers that are not registered may be reached, on the usual mail ports."""
    connect_to: Mapping[tuple[str, int], tuple[str, int]] = field(default_factory=dict)
    """Overrides of `doctor --connect`: host and port to address and port."""
    names: Names = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "allow_networks", tuple(self.allow_networks))
        object.__setattr__(self, "names", Names(self.resolver))

    @classmethod
    def unrestricted(
        cls,
        *,
        resolver: tuple[str, int] | None = None,
        ca_file: Path | None = None,
        connect_to: Mapping[tuple[str, int], tuple[str, int]] | None = None,
    ) -> Self:
        """The door of the command line: any address and port. TLS is verified all the same."""
        return cls(allow_networks=EVERYWHERE, resolver=resolver, ca_file=ca_file, connect_to=connect_to or {})

    # servers

    def target(self, host: str, port: int, deadline: Deadline | float = RESOLVE_SECONDS) -> Target:
        """Resolve and vet a mail server; raise ProblemError where it does not exist or is not allowed."""
        return self._target(host, port, Deadline.of(deadline), usual=MAIL_PORTS, others=self.allow_other)

    def https_target(self, host: str, port: int, deadline: Deadline | float = RESOLVE_SECONDS) -> Target:
        """Resolve and vet a web server. Public ones on port 443 may always be asked; they get no password."""
        usual = frozenset((HTTPS_PORT,))
        return self._target(host, port, Deadline.of(deadline), usual=usual, others=True)

    def other_port(self, target: Target, port: int) -> Target:
        """Another port of the same host, by the same rules; the addresses stay those that were vetted."""
        name = self._admitted(target.host, port, usual=MAIL_PORTS, others=self.allow_other)
        override = self.connect_to.get((name, port))
        if override is not None:
            return self._vetted(name, port, Resolved(addresses=(override[0],)), override[1])
        return replace(target, port=port, connect_port=port)

    def connect(self, target: Target, deadline: Deadline | float) -> Stream:
        """Connect to a vetted target; raise ProblemError with a CONNECT_ code."""
        try:
            sock = connect_first(target.addresses, target.connect_port, Deadline.of(deadline))
        except NotConnected as error:
            raise _problem(error.code, target.host, target.port) from None
        return Stream(sock)

    def context(self, policy: TlsPolicy = MODERN) -> ssl.SSLContext:
        """The verifying TLS context, relaxed only as a provider's policy says."""
        return verified_context(self.ca_file, policy)

    # the web

    def https_get(
        self,
        url: str,
        *,
        deadline: Deadline | float,
        limit: int = 64 * 1024,
        redirects: int = 0,
        headers: Mapping[str, str] | None = None,
    ) -> HttpsAnswer:
        """GET over verified TLS; each redirect is vetted anew. ProblemError where no answer came."""
        request = HttpsRequest(url=url, limit=limit, redirects=redirects, headers=headers or {})
        return https.send(self, request, Deadline.of(deadline))

    def https_request(self, request: HttpsRequest, *, deadline: Deadline | float) -> HttpsAnswer:
        """Send any request over verified TLS."""
        return https.send(self, request, Deadline.of(deadline))

    # names

    def addresses(self, host: str, deadline: Deadline | float = RESOLVE_SECONDS) -> Resolved:
        """The allowed addresses of a name; the forbidden ones are left out."""
        found = self.names.addresses(host, Deadline.of(deadline))
        allowed = tuple(address for address in found.addresses if is_allowed(address, self.allow_networks))
        return Resolved(addresses=allowed, aliases=found.aliases)

    def records(self, name: str, kind: str, deadline: Deadline | float = RESOLVE_SECONDS) -> Answer:
        """The records of a name as texts, with the DNSSEC verdict of the resolver."""
        return self.names.records(name, kind, Deadline.of(deadline))

    def srv(self, name: str, deadline: Deadline | float = RESOLVE_SECONDS) -> tuple[Srv, ...]:
        """SRV records, the first to use first."""
        return srv_records(self.records(name, "SRV", deadline))

    def mx(self, domain: str, deadline: Deadline | float = RESOLVE_SECONDS) -> tuple[Mx, ...]:
        """MX records, the preferred one first."""
        return mx_records(self.records(domain, "MX", deadline))

    def txt(self, name: str, deadline: Deadline | float = RESOLVE_SECONDS) -> tuple[str, ...]:
        """TXT records, their strings joined."""
        return tuple(_unquoted(record) for record in self.records(name, "TXT", deadline).records)

    def cname_chain(self, name: str, deadline: Deadline | float = RESOLVE_SECONDS) -> tuple[str, ...]:
        """The names that CNAMEs lead through, the last one last; empty where there is none."""
        chain: list[str] = []
        within = Deadline.of(deadline)
        while len(chain) < 8:
            found = self.records(chain[-1] if chain else name, "CNAME", within).records
            if not found:
                break
            chain.append(found[0].rstrip(".").lower())
        return tuple(chain)

    # the rules

    def _target(self, host: str, port: int, deadline: Deadline, *, usual: frozenset[int], others: bool) -> Target:
        name = self._admitted(host, port, usual=usual, others=others)
        override = self.connect_to.get((name, port))
        if override is not None:
            return self._vetted(name, port, Resolved(addresses=(override[0],)), override[1])
        try:
            found = self.names.addresses(name, deadline.within(RESOLVE_SECONDS))
        except ProblemError as error:
            raise _problem(error.problems[0].code, name, port, error.problems[0].params) from None
        return self._vetted(name, port, found, port)

    def _admitted(self, host: str, port: int, *, usual: frozenset[int], others: bool) -> str:
        """The rules that need no address: syntax, registered servers, ports."""
        literal = _literal(host)
        name = literal or to_ascii(host)
        if name is None:
            raise _problem(Code.HOST_INVALID, host, port)
        if self.registered is None or self.registered(name, port):
            return name
        if not others or port not in usual or literal is not None or "." not in name:
            raise _problem(Code.TARGET_NOT_ALLOWED, name, port)
        return name

    def _vetted(self, name: str, port: int, found: Resolved, connect_port: int) -> Target:
        allowed = tuple(address for address in found.addresses if is_allowed(address, self.allow_networks))
        if not allowed:
            code = Code.TARGET_NOT_ALLOWED if found.addresses else Code.DNS_NO_ADDRESS
            raise _problem(code, name, port)
        return Target(host=name, port=port, addresses=allowed, connect_port=connect_port, aliases=found.aliases)


def srv_records(answer: Answer) -> tuple[Srv, ...]:
    """The SRV records of an answer, the first to use first."""
    found = []
    for record in answer.records:
        priority, weight, port, target = record.split()
        found.append(
            Srv(priority=int(priority), weight=int(weight), port=int(port), target=target.rstrip(".").lower())
        )
    return tuple(sorted(found, key=lambda srv: (srv.priority, -srv.weight)))


def mx_records(answer: Answer) -> tuple[Mx, ...]:
    """The MX records of an answer, the preferred one first."""
    pairs = (record.split() for record in answer.records)
    found = [Mx(preference=int(number), exchange=name.rstrip(".").lower()) for number, name in pairs]
    return tuple(sorted(found, key=lambda mx: mx.preference))


def _problem(code: Code, host: str, port: int, params: Mapping[str, str] | None = None) -> ProblemError:
    endpoint = f"{host}:{port}"
    basic = {"server": endpoint, "host": host, "port": str(port), "target": host}
    return ProblemError(Problem(code, basic | dict(params or {}), server=endpoint))


def _literal(host: str) -> str | None:
    try:
        return str(ip_address(host.strip("[]")))
    except ValueError:
        return None


def _unquoted(record: str) -> str:
    """`"v=1" "x"` to `v=1x`; presentation format escapes with backslashes."""
    text, escaped, inside = [], False, False
    for sign in record:
        if escaped or (inside and sign not in '\\"'):
            text.append(sign)
            escaped = False
        elif sign == "\\":
            escaped = True
        elif sign == '"':
            inside = not inside
    return "".join(text)
