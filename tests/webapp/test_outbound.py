"""The one door to the network: names, vetted addresses, the race of addresses, https."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address, ip_network
from typing import ClassVar

import pytest

from profiles.problems import Code, ProblemError
from tests.servers.authority import Authority
from tests.servers.dns import NameServer, zone
from tests.servers.processes import PATIENCE
from tests.servers.scripted import ScriptedServer, deaf_port, free_of_listeners, says, server_context
from webapp.outbound import Deadline, HttpsRequest, Mx, Outbound, Srv
from webapp.outbound.trust import verified_context
from webapp.outbound.vetting import is_allowed, is_public

LOOPBACK = (ip_network("127.0.0.0/8"),)

FORBIDDEN = (
    "127.0.0.1",
    "10.42.0.66",
    "192.168.1.1",
    "172.16.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "192.88.99.1",
    "::1",
    "::",
    "fe80::1",
    "fd00::1",
    "ff02::1",
    "::ffff:10.42.0.66",
    "::ffff:127.0.0.1",
    "::10.42.0.66",
    "64:ff9b::a2a:42",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2002:a2a:42::1",
    "2002:7f00:1::",
    "2001:0:a2a:42:0:0:f5d5:ffbd",
)
PUBLIC = ("8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8", "2002:808:808::1")


def code_of(action: object) -> Code:
    with pytest.raises(ProblemError) as caught:
        action()  # type: ignore[operator]
    return caught.value.problems[0].code


# vetting


@pytest.mark.parametrize("address", FORBIDDEN)
def test_inner_addresses_are_forbidden_in_every_disguise(address: str) -> None:
    assert not is_public(ip_address(address))
    assert not is_allowed(address, ())


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address: str) -> None:
    assert is_public(ip_address(address))


def test_allowed_networks_open_what_they_name() -> None:
    networks = (ip_network("10.42.0.0/16"), ip_network("fd00::/8"))

    assert is_allowed("10.42.0.66", networks)
    assert is_allowed("::ffff:10.42.0.66", networks)
    assert is_allowed("fd00::5", networks)
    assert not is_allowed("10.43.0.1", networks)
    assert not is_allowed("fe80::1%eth0", networks)


# the rules


def on_the_web(
    *registered: tuple[str, int], allow_other: bool = True, names: NameServer | None = None
) -> Outbound:
    return Outbound(
        allow_networks=LOOPBACK,
        resolver=names.resolver if names else ("127.0.0.1", 9),
        registered=lambda host, port: (host, port) in registered,
        allow_other=allow_other,
    )


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("mail.example.com", 25),
        ("mail.example.com", 22),
        ("localhost", 993),
        ("127.0.0.1", 993),
        ("mail", 993),
        ("::1", 993),
    ],
)
def test_unregistered_servers_are_public_names_on_mail_ports(host: str, port: int) -> None:
    assert code_of(lambda: on_the_web().target(host, port)) is Code.TARGET_NOT_ALLOWED


@pytest.mark.parametrize(
    "host", ["a b", "a@b.example", "a%b.example", "-a.example", "127.1", "0x7f.1", "a..b", "a\r\nb.example"]
)
def test_host_that_is_none(host: str) -> None:
    assert code_of(lambda: Outbound.unrestricted().target(host, 993)) is Code.HOST_INVALID


def test_registered_server_may_have_any_port(name_server: NameServer) -> None:
    name_server.records = zone(["mail.example.com A 127.0.0.1"])
    outbound = on_the_web(("mail.example.com", 4993), allow_other=False, names=name_server)

    assert outbound.target("MAIL.example.com", 4993).addresses == ("127.0.0.1",)
    assert code_of(lambda: outbound.target("mail.example.com", 993)) is Code.TARGET_NOT_ALLOWED


def test_other_servers_can_be_closed_off(name_server: NameServer) -> None:
    name_server.records = zone(["mail.example.com A 127.0.0.1"])

    assert on_the_web(names=name_server).target("mail.example.com", 993).addresses == ("127.0.0.1",)
    closed = on_the_web(allow_other=False, names=name_server)
    assert code_of(lambda: closed.target("mail.example.com", 993)) is Code.TARGET_NOT_ALLOWED
    assert len(name_server.queries) == 2  # the closed one was not even looked up


def test_forbidden_addresses_are_dropped_and_the_others_kept(name_server: NameServer) -> None:
    name_server.records = zone(["mail.example.com A 127.0.0.1", "mail.example.com A 10.0.0.1"])

    assert on_the_web(names=name_server).target("mail.example.com", 993).addresses == ("127.0.0.1",)


def test_only_forbidden_addresses_is_not_allowed(name_server: NameServer) -> None:
    name_server.records = zone(["mail.example.com A 10.0.0.1", "mail.example.com AAAA fd00::1"])

    assert (
        code_of(lambda: on_the_web(names=name_server).target("mail.example.com", 993)) is Code.TARGET_NOT_ALLOWED
    )


# names


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("NXDOMAIN", Code.DNS_NXDOMAIN),
        ("EMPTY", Code.DNS_NO_ADDRESS),
        ("SERVFAIL", Code.DNS_SERVFAIL),
        ("REFUSED", Code.DNS_SERVFAIL),
        ("TIMEOUT", Code.DNS_TIMEOUT),
    ],
)
def test_ways_a_name_can_fail(name_server: NameServer, fault: str, code: Code) -> None:
    name_server.faults["mail.example.com"] = fault  # type: ignore[assignment]
    outbound = Outbound(resolver=name_server.resolver)
    seconds = 0.5 if fault == "TIMEOUT" else PATIENCE

    assert code_of(lambda: outbound.target("mail.example.com", 993, seconds)) is code


def test_dead_alias_is_named(name_server: NameServer) -> None:
    name_server.records = zone(["mail.example.com CNAME gone.example.net."])

    with pytest.raises(ProblemError) as caught:
        Outbound(resolver=name_server.resolver).target("mail.example.com", 993)

    assert caught.value.problems[0].code is Code.DNS_NXDOMAIN
    assert caught.value.problems[0].params["target"] == "gone.example.net"


def test_alias_is_followed_and_told(name_server: NameServer) -> None:
    name_server.records = zone(["mail.example.com CNAME box.example.net.", "box.example.net A 127.0.0.1"])
    outbound = Outbound(allow_networks=LOOPBACK, resolver=name_server.resolver)

    assert outbound.target("mail.example.com", 993).aliases == ("box.example.net",)
    assert outbound.cname_chain("mail.example.com") == ("box.example.net",)


def test_system_names_include_the_hosts_file() -> None:
    assert "127.0.0.1" in Outbound(allow_networks=LOOPBACK).target("localhost", 993).addresses


def test_localhost_is_here_also_with_a_name_server_of_its_own(name_server: NameServer) -> None:
    outbound = Outbound(allow_networks=LOOPBACK, resolver=name_server.resolver)

    assert "127.0.0.1" in outbound.target("localhost", 993).addresses
    assert name_server.queries == []


def test_records_of_a_domain(name_server: NameServer) -> None:
    name_server.records = zone(
        [
            "_imaps._tcp.example.com SRV 10 1 993 mail.example.com.",
            "_imaps._tcp.example.com SRV 0 5 1993 first.example.com.",
            "_imap._tcp.example.com SRV 0 0 0 .",
            "example.com MX 20 mx2.example.com.",
            "example.com MX 10 mx1.example.com.",
            'example.com TXT "v=spf1 " "-all"',
            'example.com TXT "say \\"hi\\""',
        ]
    )
    outbound = Outbound(resolver=name_server.resolver)

    assert [srv.target for srv in outbound.srv("_imaps._tcp.example.com")] == [
        "first.example.com",
        "mail.example.com",
    ]
    assert outbound.srv("_imap._tcp.example.com") == (Srv(priority=0, weight=0, port=0, target=""),)
    assert outbound.mx("example.com")[0] == Mx(preference=10, exchange="mx1.example.com")
    assert set(outbound.txt("example.com")) == {"v=spf1 -all", 'say "hi"'}
    assert outbound.srv("_pop3s._tcp.example.com") == ()
    assert not outbound.records("example.com", "MX").is_authenticated


def test_dnssec_verdict_of_the_resolver_is_kept(name_server: NameServer) -> None:
    name_server.authenticated = True
    name_server.records = zone(["example.com MX 10 mx.example.com."])

    assert Outbound(resolver=name_server.resolver).records("example.com", "MX").is_authenticated


# connections


def connect(outbound: Outbound, host: str, port: int, seconds: float = PATIENCE) -> str:
    with outbound.connect(outbound.target(host, port), seconds) as stream:
        return stream.peer


def test_refused_and_dropped_connections() -> None:
    outbound = Outbound.unrestricted()
    closed = free_of_listeners()

    assert code_of(lambda: connect(outbound, "127.0.0.1", closed)) is Code.CONNECT_REFUSED
    with deaf_port() as deaf:
        assert code_of(lambda: connect(outbound, "127.0.0.1", deaf, 0.3)) is Code.CONNECT_TIMEOUT


def test_dead_first_address_does_not_hold_up_the_second(name_server: NameServer) -> None:
    """The first address never answers; the second is started a moment later and wins."""
    name_server.records = zone(["mail.example.com A 127.0.0.1", "mail.example.com A 127.0.0.2"])
    outbound = Outbound(allow_networks=LOOPBACK, resolver=name_server.resolver)
    with deaf_port() as port, ScriptedServer(says(b""), host="127.0.0.2", port=port):
        assert connect(outbound, "mail.example.com", port) == "127.0.0.2"


def test_override_of_the_command_line_keeps_the_name() -> None:
    with ScriptedServer(says(b"hello")) as running:
        outbound = Outbound.unrestricted(connect_to={("mail.example.com", 993): ("127.0.0.1", running.port)})
        target = outbound.target("mail.example.com", 993)
        with outbound.connect(target, PATIENCE) as stream:
            assert stream.receive(Deadline(PATIENCE)) == b"hello"

    assert target.endpoint == "mail.example.com:993"


def test_trust_is_the_same_on_every_python(authority: Authority) -> None:
    context = verified_context(authority.ca_file)

    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT
    assert any(cipher["name"] == "AES128-SHA" for cipher in context.get_ciphers())


# https


class Pages(BaseHTTPRequestHandler):
    """A small web site."""

    protocol_version = "HTTP/1.1"
    asked: ClassVar[list[tuple[str, str, dict[str, str]]]] = []

    def do_GET(self) -> None:
        self.asked.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
        match self.path:
            case "/moved":
                self._answer(302, b"", {"Location": "/page"})
            case "/loop":
                self._answer(302, b"", {"Location": "/loop"})
            case "/away":
                self._answer(302, b"", {"Location": "http://127.0.0.1/"})
            case "/large":
                self._answer(200, b"x" * 70_000, {})
            case _:
                self._answer(200, b"<page/>", {"X-Kind": "page"})

    do_PROPFIND = do_GET

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Be quiet."""


@pytest.fixture
def site(authority: Authority) -> Iterator[tuple[Outbound, str]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    server.socket = server_context(authority.good()).wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    Pages.asked.clear()
    port = server.server_address[1]
    outbound = Outbound(
        allow_networks=LOOPBACK,
        ca_file=authority.ca_file,
        connect_to={("autoconfig.example.com", 443): ("127.0.0.1", port)},
    )
    yield outbound, "https://autoconfig.example.com"
    server.shutdown()
    server.server_close()
    thread.join()


def test_get_over_verified_tls(site: tuple[Outbound, str]) -> None:
    outbound, url = site
    answer = outbound.https_get(url + "/page?a=b", deadline=PATIENCE)

    assert (answer.status, answer.body, answer.headers["x-kind"]) == (200, b"<page/>", "page")
    method, path, headers = Pages.asked[0]
    assert (method, path, headers["host"]) == ("GET", "/page?a=b", "autoconfig.example.com")


def test_redirects_only_where_asked_for(site: tuple[Outbound, str]) -> None:
    outbound, url = site

    assert outbound.https_get(url + "/moved", deadline=PATIENCE).status == 302
    assert outbound.https_get(url + "/moved", deadline=PATIENCE, redirects=2).url == url + "/page"
    assert (
        code_of(lambda: outbound.https_get(url + "/loop", deadline=PATIENCE, redirects=2)) is Code.SERVER_SAID_NO
    )
    assert code_of(lambda: outbound.https_get(url + "/away", deadline=PATIENCE, redirects=2)) is Code.VALUE_INVALID


def test_large_answer_is_refused(site: tuple[Outbound, str]) -> None:
    outbound, url = site

    assert code_of(lambda: outbound.https_get(url + "/large", deadline=PATIENCE)) is Code.SERVER_SAID_NO
    assert len(outbound.https_get(url + "/large", deadline=PATIENCE, limit=80_000).body) == 70_000


def test_certificate_of_a_web_site_is_verified(site: tuple[Outbound, str]) -> None:
    outbound, url = site
    without_anchor = Outbound(allow_networks=LOOPBACK, connect_to=outbound.connect_to)

    code = code_of(lambda: without_anchor.https_get(url + "/page", deadline=PATIENCE))

    assert code in (Code.CERT_UNKNOWN_CA, Code.CERT_MISSING_INTERMEDIATE)
    assert Pages.asked == []


def test_header_cannot_begin_another(site: tuple[Outbound, str]) -> None:
    outbound, url = site
    request = HttpsRequest(url=url + "/", headers={"Depth": "0\r\nX: y"})

    assert code_of(lambda: outbound.https_request(request, deadline=PATIENCE)) is Code.SERVER_UNREACHABLE
    assert Pages.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "https://",
        "https://a:b@example.com/",
        "https://example.com/ x",
        "https://example.com:x/",
        "ftp://x",
        "https://例.jp/",
    ],
)
def test_url_that_is_not_asked(url: str) -> None:
    assert code_of(lambda: Outbound.unrestricted().https_get(url, deadline=1)) is Code.VALUE_INVALID


def test_people_reach_web_sites_on_port_443_only() -> None:
    outbound = on_the_web()

    assert code_of(lambda: outbound.https_get("https://example.com:8443/", deadline=1)) is Code.TARGET_NOT_ALLOWED
    assert code_of(lambda: outbound.https_get("https://127.0.0.1/", deadline=1)) is Code.TARGET_NOT_ALLOWED


@pytest.mark.parametrize(
    "answer", [b"* OK imap\r\n", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200, b"HTTP/1.1 x\r\n\r\n"]
)
def test_something_else_than_http(authority: Authority, answer: bytes) -> None:
    with ScriptedServer(says(answer), tls=server_context(authority.good())) as running:
        outbound = Outbound.unrestricted(
            ca_file=authority.ca_file, connect_to={("mail.example.com", 443): ("127.0.0.1", running.port)}
        )
        code = code_of(lambda: outbound.https_get("https://mail.example.com/", deadline=1))

    assert code in (Code.SERVER_UNREACHABLE, Code.SERVER_TOO_SLOW)
