"""The one door to the network: names are resolved once, every address is vetted, and only vetted ones are reached.

Whoever opens a socket in Hagaki does it here. The connection is made to an address that was looked at, never to a
name that could answer differently a second time (DNS rebinding). There is no way to turn verification of
certificates off.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from itertools import chain, zip_longest
from pathlib import Path
from urllib.parse import urlsplit

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import dns.resolver

from profiles.address import to_ascii
from profiles.problems import Code, Problem, ProblemError
from webapp.happy_eyeballs import connect_first

Network = IPv4Network | IPv6Network
Registered = Callable[[str, int], bool]

MAIL_PORTS = frozenset({110, 143, 465, 587, 993, 995})
"""What an unregistered server may be asked on; https_get besides uses 443."""
HTTPS_PORT = 443

_NAT64 = ip_network("64:ff9b::/96")
_V4_COMPATIBLE = ip_network("::/96")
_NEVER = tuple(
    map(
        ip_network,
        ("64:ff9b:1::/48", "192.88.99.0/24", "2001:db8::/32", "fec0::/10", "100.64.0.0/10", "0.0.0.0/8"),
    )
)
"""Ranges that `is_global` of some Python version lets through (measured on 3.11.7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server whose name was resolved and whose addresses were vetted."""

    hostname: str
    port: int
    addresses: tuple[tuple[str, int], ...]
    """Address and port to connect to, in the order to try."""
    aliases: tuple[str, ...] = ()
    """The CNAME chain behind `hostname`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer over https."""

    url: str
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = field(repr=False)
    certificate: bytes = field(default=b"", repr=False)
    """The leaf certificate, DER."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One SRV or MX record; `priority` is MX's preference."""

    priority: int
    weight: int = 0
    port: int = 0
    target: str
    """Lower case without the final dot; empty where the service is "decidedly not offered" (RFC 2782)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Records of one DNS question; `authenticated` is the resolver's AD bit (DNSSEC)."""

    texts: tuple[str, ...] = ()
    services: tuple[Service, ...] = ()
    authenticated: bool = False


class Outbound:
    """What may be reached, and how names are resolved.

    `registered` says whether a host and port belong to a registered domain or known provider: those may have any
    port and any name. None is the host's own hand on the command line, for which everything is registered.
    Without `allow_others`, only registered servers are reached. `connect_to` sends connections elsewhere, for
    trials (`hagaki doctor --connect`): those addresses are named by the host and not vetted.
    """

    def __init__(
        self,
        *,
        allow_networks: Iterable[Network] = (),
        resolver: tuple[str, int] | None = None,
        ca_file: Path | None = None,
        registered: Registered | None = None,
        allow_others: bool = True,
        connect_to: Mapping[tuple[str, int], tuple[str, int]] | None = None,
    ) -> None:
        self.allow_networks = tuple(allow_networks)
        self.ca_file = ca_file
        self._resolver = None if resolver is None else _resolver(resolver)
        self._registered = registered
        self._allow_others = allow_others
        self._connect_to = dict(connect_to or {})

    # reaching servers

    def resolve(self, hostname: str, port: int, *, seconds: float = 3.0) -> Target:
        """Look a server's name up once and keep the addresses that may be reached."""
        server = f"{hostname}:{port}"
        elsewhere = self._connect_to.get((hostname, port))
        if elsewhere is not None:
            return Target(hostname=hostname, port=port, addresses=(elsewhere,))
        known = self._registered is None or self._registered(hostname, port)
        self._require_allowed(hostname, port, server, known=known)
        literal = _literal(hostname)
        if literal is not None:
            addresses: tuple[str, ...] = (literal,)
            aliases: tuple[str, ...] = ()
        else:
            addresses, aliases = self._look_up(hostname, server, seconds)
        vetted = tuple((address, port) for address in addresses if self.allows(address))
        if not vetted:
            raise _error(Code.TARGET_NOT_ALLOWED, server, addresses=", ".join(addresses))
        return Target(hostname=hostname, port=port, addresses=vetted, aliases=aliases)

    def connect(self, target: Target, *, seconds: float = 5.0) -> socket.socket:
        """Connect to the first vetted address that answers (RFC 8305); the socket has no time-out yet."""
        server = f"{target.hostname}:{target.port}"
        try:
            sock = connect_first(target.addresses, seconds=seconds)
        except TimeoutError:
            raise _error(Code.CONNECT_TIMEOUT, server) from None
        except ConnectionRefusedError:
            raise _error(Code.CONNECT_REFUSED, server, port=str(target.port)) from None
        except ConnectionResetError:
            raise _error(Code.CONNECT_RESET, server) from None
        except OSError:
            raise _error(Code.CONNECT_UNREACHABLE, server) from None
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def allows(self, address: str) -> bool:
        """Whether an address may be connected to: a public one, or one that the host allowed by network."""
        ip = ip_address(address.partition("%")[0])
        if any(ip in network for network in self.allow_networks if network.version == ip.version):
            return True
        inner = _unwrapped(ip)
        if inner != ip and any(inner in network for network in self.allow_networks):
            return True
        return _is_public(ip) and _is_public(inner) and not _is_own(inner)

    def https_get(
        self,
        url: str,
        *,
        seconds: float = 4.0,
        limit: int = 64 * 1024,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Ask one https URL; redirects are returned, not followed, so each target is vetted by who follows it.

        Raises ProblemError for names, addresses, connections and certificates, and OSError or HTTPException where
        the answer breaks off or is larger than `limit` bytes.
        """
        parts = urlsplit(url)
        hostname, port = parts.hostname or "", parts.port or HTTPS_PORT
        ends = time.monotonic() + seconds
        target = self.resolve(hostname, port, seconds=seconds)
        sock = self.connect(target, seconds=_left(ends))
        try:
            sock.settimeout(_left(ends))
            if parts.scheme == "https":
                sock = _wrap(sock, hostname, f"{hostname}:{port}", self.context())
            certificate = sock.getpeercert(True) if isinstance(sock, ssl.SSLSocket) else b""
            return _ask(sock, url, method, body, dict(headers or {}), ends, limit, certificate or b"")
        finally:
            sock.close()

    def context(self) -> ssl.SSLContext:
        """TLS for https: verified, system's trust anchors and the host's own."""
        context = ssl.create_default_context()
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if self.ca_file is not None:
            context.load_verify_locations(self.ca_file)
        return context

    # asking DNS

    def srv(self, name: str, *, seconds: float = 3.0) -> Answer:
        """SRV records in the order to try; no record is an empty answer."""
        answer = self._records(name, "SRV", seconds)
        found = tuple(
            Service(priority=r.priority, weight=r.weight, port=r.port, target=_name(r.target))
            for r in answer or ()
        )
        return Answer(
            services=tuple(sorted(found, key=lambda s: (s.priority, -s.weight))), authenticated=_signed(answer)
        )

    def mx(self, name: str, *, seconds: float = 3.0) -> Answer:
        """MX records, best first."""
        answer = self._records(name, "MX", seconds)
        found = tuple(Service(priority=r.preference, target=_name(r.exchange)) for r in answer or ())
        return Answer(services=tuple(sorted(found, key=lambda s: s.priority)), authenticated=_signed(answer))

    def txt(self, name: str, *, seconds: float = 3.0) -> Answer:
        """TXT records; the strings of one record are joined."""
        answer = self._records(name, "TXT", seconds)
        texts = tuple(b"".join(r.strings).decode("utf-8", "replace") for r in answer or ())
        return Answer(texts=texts, authenticated=_signed(answer))

    def addresses(self, name: str, *, seconds: float = 3.0) -> Answer:
        """A and AAAA records as text."""
        answers = [self._records(name, kind, seconds) for kind in ("A", "AAAA")]
        return Answer(texts=tuple(r.address for answer in answers for r in answer or ()))

    def cname(self, name: str, *, seconds: float = 3.0) -> Answer:
        """The alias of a name, if it is one."""
        answer = self._records(name, "CNAME", seconds)
        return Answer(texts=tuple(_name(r.target) for r in answer or ()))

    def _records(self, name: str, kind: str, seconds: float) -> dns.resolver.Answer | None:
        resolver = self._resolver or _system_resolver()
        try:
            return resolver.resolve(name, kind, lifetime=seconds, search=False, raise_on_no_answer=True)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return None
        except dns.exception.Timeout:
            raise _error(Code.DNS_TIMEOUT, name) from None
        except dns.exception.DNSException:
            raise _error(Code.DNS_SERVFAIL, name) from None

    def _require_allowed(self, hostname: str, port: int, server: str, *, known: bool) -> None:
        is_plain_name = to_ascii(hostname) == hostname and "." in hostname
        if not known and not (self._allow_others and is_plain_name and port in MAIL_PORTS | {HTTPS_PORT}):
            raise _error(Code.TARGET_NOT_ALLOWED, server, addresses=hostname)
        if to_ascii(hostname) is None and _literal(hostname) is None:
            raise _error(Code.HOST_INVALID, server, host=hostname)

    def _look_up(self, hostname: str, server: str, seconds: float) -> tuple[tuple[str, ...], tuple[str, ...]]:
        if self._resolver is None:
            return _system_look_up(hostname, server, seconds), ()
        return _dns_look_up(self._resolver, hostname, server, seconds)


def _resolver(server: tuple[str, int]) -> dns.resolver.Resolver:
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [server[0]]
    resolver.port = server[1]
    resolver.use_edns(0, dns.flags.DO, 1232)
    return resolver


def _system_resolver() -> dns.resolver.Resolver:
    try:
        resolver = dns.resolver.Resolver()
    except dns.exception.DNSException:
        raise _error(Code.DNS_SERVFAIL, "resolv.conf") from None
    resolver.use_edns(0, dns.flags.DO, 1232)
    return resolver


def _dns_look_up(
    resolver: dns.resolver.Resolver, hostname: str, server: str, seconds: float
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    ends = time.monotonic() + seconds
    found: list[list[str]] = []
    aliases: list[str] = []
    for kind in ("AAAA", "A"):
        try:
            answer = resolver.resolve(
                hostname, kind, lifetime=max(0.05, ends - time.monotonic()), search=False, raise_on_no_answer=False
            )
        except dns.resolver.NXDOMAIN as error:
            name = _name(error.canonical_name)
            raise _error(Code.DNS_NXDOMAIN, server, host=name if name != hostname else hostname) from None
        except dns.exception.Timeout:
            raise _error(Code.DNS_TIMEOUT, server, host=hostname) from None
        except dns.exception.DNSException:
            raise _error(Code.DNS_SERVFAIL, server, host=hostname) from None
        found.append([record.address for record in answer.rrset or ()])
        aliases = aliases or _aliases(answer, hostname)
    addresses = tuple(address for address in chain(*zip_longest(*found)) if address)
    if not addresses:
        raise _error(Code.DNS_NO_ADDRESS, server, host=aliases[-1] if aliases else hostname)
    return addresses, tuple(aliases)


def _aliases(answer: dns.resolver.Answer, hostname: str) -> list[str]:
    names = [
        _name(c.target) for rrset in answer.response.answer if rrset.rdtype == dns.rdatatype.CNAME for c in rrset
    ]
    return [name for name in names if name != hostname]


def _system_look_up(hostname: str, server: str, seconds: float) -> tuple[str, ...]:
    """Ask as the system does, hosts file included. getaddrinfo cannot be stopped, so it runs beside."""
    result: list[list[str] | socket.gaierror] = []

    def ask() -> None:
        try:
            found = socket.getaddrinfo(hostname, None, type=socket.SOCK_STREAM)
            result.append([str(entry[4][0]) for entry in found])
        except socket.gaierror as error:
            result.append(error)
        except UnicodeError:
            result.append(socket.gaierror(socket.EAI_NONAME, "no name"))

    thread = threading.Thread(target=ask, name="resolve", daemon=True)
    thread.start()
    thread.join(seconds)
    if not result:
        raise _error(Code.DNS_TIMEOUT, server, host=hostname)
    if isinstance(result[0], socket.gaierror):
        raise _error(_GETADDRINFO.get(result[0].errno or 0, Code.DNS_SERVFAIL), server, host=hostname)
    return tuple(dict.fromkeys(result[0]))


_GETADDRINFO = {
    socket.EAI_NONAME: Code.DNS_NXDOMAIN,
    getattr(socket, "EAI_NODATA", socket.EAI_NONAME - 1000): Code.DNS_NO_ADDRESS,
    getattr(socket, "EAI_ADDRFAMILY", socket.EAI_NONAME - 1001): Code.DNS_NO_ADDRESS,
    socket.EAI_AGAIN: Code.DNS_SERVFAIL,
}


def _literal(hostname: str) -> str | None:
    try:
        return str(ip_address(hostname.strip("[]")))
    except ValueError:
        return None


def _unwrapped(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one stands for (mapped, 6to4, Teredo, NAT64, v4-compatible)."""
    if isinstance(ip, IPv4Address):
        return ip
    wrapped = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
    if wrapped is not None:
        return wrapped
    if ip in _NAT64 or (ip in _V4_COMPATIBLE and int(ip) > 1):
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip


def _is_public(ip: IPv4Address | IPv6Address) -> bool:
    if any(ip in network for network in _NEVER if network.version == ip.version):
        return False
    return ip.is_global and not ip.is_multicast


def _is_own(ip: IPv4Address | IPv6Address) -> bool:
    """Whether this machine has the address: only then can a socket be bound to it."""
    family = socket.AF_INET if ip.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.bind((str(ip), 0))
    except OSError:
        return False
    return True


def _wrap(sock: socket.socket, hostname: str, server: str, context: ssl.SSLContext) -> ssl.SSLSocket:
    try:
        return context.wrap_socket(sock, server_hostname=hostname)
    except ssl.SSLCertVerificationError as error:
        raise _error(_CERTIFICATE.get(error.verify_code, Code.CERT_INVALID), server) from None
    except ssl.SSLError:
        raise _error(Code.TLS_FAILED, server) from None


_CERTIFICATE = {
    9: Code.CERT_NOT_YET_VALID,
    10: Code.CERT_EXPIRED,
    18: Code.CERT_SELF_SIGNED,
    19: Code.CERT_UNKNOWN_CA,
    20: Code.CERT_MISSING_INTERMEDIATE,
    21: Code.CERT_MISSING_INTERMEDIATE,
    62: Code.CERT_WRONG_NAME,
    64: Code.CERT_WRONG_NAME,
}
"""OpenSSL's verify codes; webapp/probes/tls.py looks closer at a mail server's certificate."""


def _ask(
    sock: socket.socket,
    url: str,
    method: str,
    body: bytes | None,
    headers: dict[str, str],
    ends: float,
    limit: int,
    certificate: bytes,
) -> Response:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or HTTPS_PORT)
    connection.sock = sock
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = parts.hostname or ""
    if parts.port not in (None, HTTPS_PORT):
        host = f"{host}:{parts.port}"
    sock.settimeout(_left(ends))
    connection.request(
        method, path, body=body, headers={"Host": host, "User-Agent": "Hagaki", "Connection": "close", **headers}
    )
    answer = connection.getresponse()
    data = bytearray()
    while True:
        sock.settimeout(_left(ends))
        part = answer.read1(16 * 1024)
        if not part:
            break
        data += part
        if len(data) > limit:
            raise OSError(f"more than {limit} bytes")
    found = {name.lower(): value for name, value in answer.getheaders()}
    return Response(url=url, status=answer.status, headers=found, body=bytes(data), certificate=certificate)


def _left(ends: float) -> float:
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError("the time for this question is used up")
    return left


def _name(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower().rstrip(".")


def _signed(answer: dns.resolver.Answer | None) -> bool:
    return answer is not None and bool(answer.response.flags & dns.flags.AD)


def _error(code: Code, server: str, **params: str) -> ProblemError:
    return ProblemError(Problem(code, {"server": server, **params}, server=server))
