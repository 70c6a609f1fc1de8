"""Every seeded fault of a hosted domain is found, by its code and at its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_network

import pytest

from profiles.model import DavService, Protocol
from profiles.problems import Code
from tests.servers.authority import Authority
from tests.servers.processes import PATIENCE
from tests.servers.web import ANY, Reply
from tests.webapp.doctor.hosting import (
    CONFIG,
    DOMAIN,
    MAIL_HOST,
    PACC,
    PAGE,
    POX,
    SERVICE_HOST,
    WELL_KNOWN,
    Hosting,
    codes,
    hosting,
    outcome,
    settings,
    visited,
)
from tests.webapp.endpoints.asking import server
from webapp.outbound import Outbound

AUTOCONFIG, AUTODISCOVER, UA = f"autoconfig.{DOMAIN}", f"autodiscover.{DOMAIN}", f"ua-auto-config.{DOMAIN}"
DIGEST = f"_{UA}"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing broken, and what must be said about it; `fails` are clients that must not be called well."""

    name: str
    seed: Callable[[Hosting], object]
    codes: frozenset[Code]
    fails: tuple[str, ...] = ()
    where: str = ""


def fault(name: str, seed: Callable[[Hosting], object], *codes: Code, fails: str = "", where: str = "") -> Fault:
    return Fault(name, seed, frozenset(codes), tuple(fails.split()), where)


def record(name: str, kind: str, *values: str) -> Callable[[Hosting], object]:
    return lambda world: world.names.records.__setitem__((name, kind), list(values))


def certificate(host: str, kind: str) -> Callable[[Hosting], object]:
    return lambda world: world.web.certificates.__setitem__(host, world.authority.issue(host, kind))


def reply(host: str, path: str, answer: Reply) -> Callable[[Hosting], object]:
    return lambda world: world.web.routes.__setitem__((host, path), answer)


def changed(old: str, new: str, **answer: str) -> Callable[[Hosting], object]:
    return lambda world: world.change(AUTOCONFIG, CONFIG, old, new, **answer)


def pox(old: str, new: str) -> Callable[[Hosting], object]:
    """The healthy POX answer with one thing changed."""

    def seed(world: Hosting) -> None:
        from webapp.doctor.pox import request_body
        from webapp.outbound import HttpsRequest

        request = HttpsRequest(
            url=f"https://{AUTODISCOVER}{POX}", method="POST", body=request_body(f"user@{DOMAIN}")
        )
        served = world.outbound().https_request(request, deadline=PATIENCE)
        assert old.encode() in served.body
        world.web.routes[AUTODISCOVER, POX] = Reply(body=served.body.replace(old.encode(), new.encode()))

    return seed


def no_web(host: str) -> Callable[[Hosting], object]:
    """The name is there, nobody listens."""
    return lambda world: world.overrides.__setitem__((host, 443), ("127.0.0.1", 1))


def elsewhere(world: Hosting) -> None:
    world.names.records[AUTOCONFIG, "CNAME"] = ["old.example.org."]
    world.names.records["old.example.org", "A"] = ["127.0.0.9"]
    no_web(AUTOCONFIG)(world)


def everything_gone(world: Hosting) -> None:
    for name, kind in list(world.names.records):
        if name not in (DOMAIN, SERVICE_HOST):
            world.take_away(name, kind)
    for host in (AUTOCONFIG, AUTODISCOVER, UA):
        world.take_away(host)


def plain_document(world: Hosting) -> None:
    world.plain.routes[AUTOCONFIG, ANY] = world.served(AUTOCONFIG, CONFIG)


def login_page(world: Hosting) -> None:
    world.web.routes[AUTOCONFIG, CONFIG] = Reply(status=302, headers={"Location": f"https://{SERVICE_HOST}/login"})
    world.web.routes[SERVICE_HOST, "/login"] = PAGE


def downgrade(world: Hosting) -> None:
    plain_document(world)
    world.web.routes[AUTOCONFIG, CONFIG] = Reply(status=301, headers={"Location": f"http://{AUTOCONFIG}{CONFIG}"})


def loop(world: Hosting) -> None:
    headers = {"Location": CONFIG}
    world.web.routes[AUTOCONFIG, CONFIG] = Reply(status=302, headers=headers)


EVERYONE = "thunderbird thunderbird-android fairemail delta-chat evolution kmail outlook"
FAULTS = (
    # DNS
    fault("wrong-srv-target", record(f"_imaps._tcp.{DOMAIN}", "SRV", "0 1 993 old.example.org."),
          Code.RECORD_WRONG, where=f"_imaps._tcp.{DOMAIN} SRV"),
    fault("one-srv-too-many",
          record(f"_submissions._tcp.{DOMAIN}", "SRV", f"0 1 465 {MAIL_HOST}.", "9 1 465 old.example.org."),
          Code.RECORD_WRONG),
    fault("srv-port", record(f"_imaps._tcp.{DOMAIN}", "SRV", f"0 1 143 {MAIL_HOST}."), Code.RECORD_WRONG),
    fault("srv-offers-what-is-denied", record(f"_pop3s._tcp.{DOMAIN}", "SRV", "0 1 995 pop.example.org."),
          Code.RECORD_WRONG),
    fault("autodiscover-srv-port", record(f"_autodiscover._tcp.{DOMAIN}", "SRV", f"0 0 8443 {SERVICE_HOST}."),
          Code.RECORD_WRONG),
    # Where https at autoconfig. fails, Delta Chat is the one that does not come by http to be led further.
    fault("no-autoconfig-name", lambda world: world.take_away(AUTOCONFIG),
          Code.RECORD_MISSING, Code.CLIENT_FINDS_NOTHING,
          fails="thunderbird-android kmail delta-chat"),
    fault("autoconfig-name-leads-elsewhere", elsewhere, Code.RECORD_WRONG, Code.WEB_UNREACHABLE,
          fails="delta-chat"),
    fault("no-autodiscover-at-all",
          lambda world: (world.take_away(AUTODISCOVER), world.take_away(f"_autodiscover._tcp.{DOMAIN}")),
          Code.RECORD_MISSING, Code.CLIENT_FINDS_NOTHING, fails="outlook"),
    fault("name-servers-fail", lambda world: (world.names.faults.__setitem__(AUTOCONFIG, "SERVFAIL"),
                                              world.overrides.pop((AUTOCONFIG, 443))),
          Code.DNS_SERVFAIL, Code.WEB_UNREACHABLE, fails="delta-chat"),
    fault("name-servers-of-the-domain-fail", lambda world: world.names.faults.__setitem__(DOMAIN, "SERVFAIL"),
          Code.DNS_SERVFAIL, where=DOMAIN),
    fault("nothing-published", everything_gone, Code.RECORD_MISSING, Code.CLIENT_FINDS_NOTHING, fails=EVERYONE),
    # certificates
    *(fault(f"{kind}-certificate-on-{host.partition('.')[0]}", certificate(host, kind), code, fails=fails,
            where=f"{host}:443")
      for host, kind, code, fails in (
          (AUTOCONFIG, "expired", Code.CERT_EXPIRED, "delta-chat"),
          (AUTODISCOVER, "wrong-name", Code.CERT_WRONG_NAME, ""),
          (UA, "self-signed", Code.CERT_SELF_SIGNED, ""),
          (AUTOCONFIG, "missing-intermediate", Code.CERT_MISSING_INTERMEDIATE, "delta-chat"),
          (AUTOCONFIG, "unknown-ca", Code.CERT_UNKNOWN_CA, "delta-chat"),
          (AUTODISCOVER, "not-yet-valid", Code.CERT_NOT_YET_VALID, ""),
          (DOMAIN, "wrong-name", Code.CERT_WRONG_NAME, ""),
          (SERVICE_HOST, "expired", Code.CERT_EXPIRED, ""),
      )),
    fault("expired-certificate-on-the-mail-server", certificate(MAIL_HOST, "expired"), Code.CERT_EXPIRED,
          where=f"{MAIL_HOST}:993"),
    # the web
    fault("web-site-catches-all", reply(DOMAIN, ANY, PAGE), Code.WEB_CATCH_ALL),
    fault("http-not-redirected", plain_document, Code.HTTP_NOT_REDIRECTED),
    fault("http-shows-a-page",
          lambda world: world.plain.routes.__setitem__((AUTODISCOVER, ANY), PAGE), Code.HTTP_NOT_REDIRECTED),
    fault("https-leads-to-http", downgrade, Code.HTTP_NOT_REDIRECTED, fails="thunderbird-android"),
    fault("redirect-to-a-log-in-page", login_page, Code.WEB_CATCH_ALL, fails="delta-chat"),
    fault("redirects-without-end", loop, Code.WEB_STATUS, fails="delta-chat"),
    fault("wrong-content-type", changed("<", "<", content_type="text/html"),
          Code.WEB_CONTENT_TYPE, Code.CONFIG_UNUSABLE, fails="thunderbird"),
    fault("autodiscover-asks-for-a-password", reply(AUTODISCOVER, ANY, Reply(status=401)),
          Code.WEB_ASKS_CREDENTIALS),
    fault("server-trouble", reply(AUTOCONFIG, ANY, Reply(status=503)), Code.WEB_STATUS, fails="delta-chat"),
    fault("nobody-listens", no_web(AUTOCONFIG), Code.WEB_UNREACHABLE, fails="delta-chat"),
    # PACC
    fault("stale-digest", record(DIGEST, "TXT", '"v=UAAC1; a=sha256; d=b2xk"'), Code.PACC_DIGEST_STALE,
          fails="pacc"),
    fault("no-digest", record(DIGEST, "TXT"), Code.PACC_DIGEST_MISSING),
    fault("pacc-as-plain-text", lambda world: world.change(UA, PACC, "{", "{", content_type="text/plain"),
          Code.WEB_CONTENT_TYPE),
    fault("pacc-without-servers", lambda world: world.change(UA, PACC, '"imap"', '"imap4"'), Code.CONFIG_UNUSABLE,
          fails="pacc"),
    fault("pacc-without-a-provider", lambda world: world.change(UA, PACC, '"provider"', '"giver"'),
          Code.CONFIG_UNUSABLE, fails="pacc"),
    fault("pacc-is-a-page", reply(UA, PACC, PAGE), Code.WEB_CATCH_ALL),
    # the document
    fault("blanks-around-a-value", changed(f"<hostname>{MAIL_HOST}", f"<hostname>\n {MAIL_HOST}"),
          Code.CONFIG_UNUSABLE, fails="thunderbird-android"),
    fault("plain-text-server", changed("<socketType>SSL", "<socketType>plain"), Code.CONFIG_UNUSABLE,
          fails=EVERYONE.replace(" outlook", "")),
    fault("oauth-only", changed("password-cleartext", "OAuth2"), Code.CONFIG_UNUSABLE,
          fails="thunderbird thunderbird-android"),
    fault("port-behind-security",
          changed("<port>993</port>\n      <socketType>SSL</socketType>",
                  "<socketType>SSL</socketType><port>993</port>"),
          Code.CONFIG_UNUSABLE, fails="fairemail"),
    fault("no-domain", changed(f"<domain>{DOMAIN}</domain>", ""), Code.CONFIG_UNUSABLE,
          fails="thunderbird thunderbird-android"),
    fault("bad-id", changed(f'id="{DOMAIN}"', 'id="Example Mail"'), Code.CONFIG_UNUSABLE,
          fails="thunderbird thunderbird-android"),
    fault("placeholder-in-a-host", changed(f"<hostname>{MAIL_HOST}", "<hostname>mail.%EMAILDOMAIN%"),
          Code.CONFIG_UNUSABLE, fails="fairemail"),
    fault("odd-user-name", changed("%EMAILADDRESS%", "EXAMPLE\\%EMAILLOCALPART%"), Code.CONFIG_UNUSABLE,
          Code.CONFIG_DISAGREES, fails="fairemail thunderbird"),
    fault("other-user-name", changed("%EMAILADDRESS%", "%EMAILLOCALPART%"), Code.CONFIG_DISAGREES,
          fails="thunderbird kmail"),
    fault("other-server", changed(MAIL_HOST, "old.example.org"), Code.CONFIG_DISAGREES, fails="thunderbird kmail"),
    fault("no-way-to-send", changed('type="smtp"', 'type="http"'), Code.CONFIG_UNUSABLE, fails="thunderbird"),
    fault("not-well-formed", changed("</clientConfig>", ""), Code.CONFIG_UNUSABLE, Code.CLIENT_FINDS_NOTHING,
          fails="delta-chat"),
    fault("entities", changed("<clientConfig", '<!DOCTYPE x [<!ENTITY a "b">]><clientConfig'),
          Code.CONFIG_UNUSABLE, fails="delta-chat"),
    # Autodiscover
    *(fault(f"pox-{name}", pox(old, new), Code.POX_FAULTY, fails="outlook")
      for name, old, new in (
          ("ssl-off", "<SSL>on</SSL>", "<SSL>off</SSL>"),
          ("ssl-true", "<SSL>on</SSL>", "<SSL>true</SSL>"),
          ("encryption-starttls-on-993", "<Encryption>SSL", "<Encryption>TLS"),
          ("no-encryption", "<Encryption>SSL</Encryption>", ""),
          ("empty-login-name", f"<LoginName>user@{DOMAIN}", "<LoginName>"),
          ("spa-on", "<SPA>off</SPA>", "<SPA>on</SPA>"),
          ("domain-required", "<DomainRequired>off", "<DomainRequired>on"),
          ("no-port", "<Port>993</Port>", ""),
          ("odd-port", "<Port>993</Port>", "<Port>imaps</Port>"),
          ("no-smtp", "<Type>SMTP", "<Type>NNTP"),
      )),
    fault("pox-blank-line-first", pox("<?xml ", "\n<?xml "), Code.POX_FAULTY),
    fault("pox-other-server", pox(MAIL_HOST, "old.example.org"), Code.CONFIG_DISAGREES, fails="outlook"),
    fault("pox-login-name", pox(f"<LoginName>user@{DOMAIN}", "<LoginName>user"), Code.CONFIG_DISAGREES,
          fails="outlook"),
    fault("json-without-https",
          lambda world: [world.web.routes.__setitem__((AUTODISCOVER, f"/autodiscover/autodiscover.json{tail}"),
              Reply(body=b'{"Protocol":"AutodiscoverV1","Url":"http://x/"}', content_type="application/json"))
              for tail in ("", f"/v1.0/user@{DOMAIN}")],
          Code.POX_FAULTY, fails="outlook"),
)  # fmt: skip
WARNINGS = (
    fault("no-srv", lambda world: world.take_away(f"_imaps._tcp.{DOMAIN}"), Code.RECORD_ADVISABLE),
    fault("certificate-ends-soon", certificate(AUTOCONFIG, "expires-soon"), Code.CERT_EXPIRES_SOON),
    fault("mail-host-without-address",
          lambda world: (world.take_away(MAIL_HOST, "A"),
                         [world.overrides.pop((MAIL_HOST, port)) for port in (993, 465)]),
          Code.MAIL_HOST_UNKNOWN),
)  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_seeded_fault_is_found(fault: Fault, healthy: Hosting) -> None:
    fault.seed(healthy)

    examination = healthy.examine()

    assert fault.codes <= codes(examination), [(p.code, p.place, p.params) for p in examination.problems]
    assert not examination.ok or fault.codes == {Code.PACC_DIGEST_MISSING}
    assert [client for client in fault.fails if outcome(examination, client).ok is not False] == []
    assert fault.where in {""} | {p.place or "" for p in examination.problems} | {
        p.server or "" for p in examination.problems
    }


def test_there_are_at_least_twenty_of_them() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 20


@pytest.mark.parametrize("fault", WARNINGS, ids=lambda fault: fault.name)
def test_a_lesser_fault_is_a_warning_only(fault: Fault, healthy: Hosting) -> None:
    fault.seed(healthy)

    examination = healthy.examine()

    assert codes(examination) == fault.codes
    assert examination.ok


@pytest.mark.parametrize("fault", FAULTS[::4], ids=lambda fault: fault.name)
def test_a_domain_of_strangers_is_played_without_a_crash(fault: Fault, healthy: Hosting) -> None:
    fault.seed(healthy)

    examination = healthy.examine(hosted=False)

    assert len(examination.outcomes) == 9
    assert not codes(examination) & {Code.RECORD_MISSING, Code.RECORD_ADVISABLE}


# MX


def by_mx_only(world: Hosting, *, signed: bool) -> None:
    """example.com publishes nothing; the company that receives its mail does."""
    document = world.served(AUTOCONFIG, CONFIG)
    everything_gone(world)
    world.names.records[DOMAIN, "MX"] = ["10 mx1.in.example.org."]
    world.names.records["autoconfig.example.org", "A"] = ["127.0.0.1"]
    world.web.routes["autoconfig.example.org", CONFIG] = document
    world.web.certificates["autoconfig.example.org"] = world.authority.issue("autoconfig.example.org")
    world.overrides |= world.web.connect_to("autoconfig.example.org")
    world.names.authenticated = signed


def test_a_domain_found_by_an_unsigned_mx_only_is_told_so(healthy: Hosting) -> None:
    by_mx_only(healthy, signed=False)

    examination = healthy.examine(hosted=False)

    assert {Code.CONFIG_ONLY_BY_MX, Code.MX_UNTRUSTED} <= codes(examination)
    assert outcome(examination, "thunderbird-android").ok is True
    assert outcome(examination, "delta-chat").ok is False


def test_a_signed_mx_is_trusted(healthy: Hosting) -> None:
    by_mx_only(healthy, signed=True)

    found = codes(healthy.examine(hosted=False))

    assert Code.CONFIG_ONLY_BY_MX in found
    assert Code.MX_UNTRUSTED not in found


# calendar and contacts


def test_a_calendar_that_nobody_can_find_is_told(authority: Authority) -> None:
    with hosting(authority, settings(calendar=DavService(url=f"https://dav.{DOMAIN}/calendar/"))) as world:
        world.take_away(f"_caldavs._tcp.{DOMAIN}")

        examination = world.examine()

        assert Code.CLIENT_FINDS_NOTHING in codes(examination)
        assert outcome(examination, "apple").ok is False


def test_a_calendar_server_that_does_not_answer_is_told(authority: Authority) -> None:
    with hosting(authority, settings(calendar=DavService(url=f"https://dav.{DOMAIN}/calendar/"))) as world:
        world.names.records[f"dav.{DOMAIN}", "A"] = ["127.0.0.1"]
        no_web(f"dav.{DOMAIN}")(world)

        examination = world.examine()

        assert Code.WEB_UNREACHABLE in codes(examination)
        assert outcome(examination, "apple").ok is False


# the order of look-ups


def test_fairemail_takes_srv_before_autoconfig_where_submission_is_named(authority: Authority) -> None:
    sending = (server(Protocol.SMTP, 465), server(Protocol.SMTP, 587))
    with hosting(authority, settings(outgoing_servers=sending)) as world:
        examination = world.examine()

        assert visited(examination, "fairemail") == [f"SRV _imaps._tcp.{DOMAIN}", f"SRV _submission._tcp.{DOMAIN}"]
        setup = outcome(examination, "fairemail").setup
        assert setup is not None
        assert setup.outgoing.endpoint == f"{MAIL_HOST}:587"


def test_thunderbird_goes_from_https_over_http_to_the_database_the_mx_and_autodiscover(healthy: Hosting) -> None:
    healthy.web.routes[AUTOCONFIG, ANY] = healthy.plain.routes[AUTOCONFIG, ANY] = Reply(status=404)
    healthy.names.records[DOMAIN, "MX"] = ["10 mx.example.org."]

    places = [place.partition("?")[0] for place in visited(healthy.examine(), "thunderbird")]

    assert places == [
        f"https://{AUTOCONFIG}{CONFIG}",
        f"https://{DOMAIN}{WELL_KNOWN}",
        f"http://{AUTOCONFIG}{CONFIG}",
        f"http://{DOMAIN}{WELL_KNOWN}",
        f"https://live.thunderbird.net/autoconfig/v1.1/{DOMAIN}",
        f"https://autoconfig.example.org{CONFIG}",
        "https://live.thunderbird.net/autoconfig/v1.1/example.org",
        f"https://{AUTODISCOVER}{POX}",
    ]


def test_a_200_that_is_no_answer_ends_the_search_of_thunderbird(healthy: Hosting) -> None:
    healthy.web.routes[AUTOCONFIG, ANY] = healthy.plain.routes[AUTOCONFIG, ANY] = Reply(status=404)
    healthy.web.routes[AUTODISCOVER, POX] = PAGE

    examination = healthy.examine()

    assert visited(examination, "thunderbird")[-1] == f"https://{AUTODISCOVER}{POX}"
    assert outcome(examination, "thunderbird").ok is False
    assert outcome(examination, "outlook").ok is True


def test_the_database_is_left_out_on_request(healthy: Hosting) -> None:
    examination = healthy.examine(ispdb=False)

    steps = [step.what for outcome in examination.outcomes for step in outcome.steps]
    assert not [step for step in steps if "thunderbird.net" in step]


def test_each_question_is_asked_once(healthy: Hosting) -> None:
    healthy.examine()

    asked = [(r.method, r.host, r.path, r.query) for r in (*healthy.web.requests, *healthy.plain.requests)]
    plain = {(r.method, r.host, r.path, r.query) for r in healthy.plain.requests}
    assert len(asked) <= len(set(asked)) + len(plain)


def test_no_question_carries_credentials(healthy: Hosting) -> None:
    healthy.examine()

    assert not [r for r in (*healthy.web.requests, *healthy.plain.requests) if "authorization" in r.headers]


# no way into the host's own network


def restricted(world: Hosting) -> Outbound:
    """The door of a page: the world itself may be reached, other private addresses may not."""
    return Outbound(
        allow_networks=(ip_network("127.0.0.1/32"),),
        resolver=world.names.resolver,
        ca_file=world.authority.ca_file,
        registered=lambda host, _port: host.endswith(("example.com", "example.net")),
        connect_to=world.overrides,
    )


def test_a_redirect_into_a_private_network_is_refused(healthy: Hosting) -> None:
    healthy.names.records["inside.example.org", "A"] = ["10.0.0.7"]
    location = {"Location": "https://inside.example.org/secret"}
    healthy.web.routes[AUTOCONFIG, CONFIG] = Reply(status=302, headers=location)

    examination = healthy.examine(outbound=restricted(healthy))

    (told, *_) = [p for p in examination.problems if p.code is Code.WEB_UNREACHABLE]
    assert told.params["reason"] == Code.TARGET_NOT_ALLOWED
    # The others are led to the service by http://autoconfig.
    assert outcome(examination, "delta-chat").ok is False


def test_an_srv_record_into_a_private_network_is_refused(healthy: Hosting) -> None:
    healthy.take_away(AUTODISCOVER)
    healthy.names.records["inside.example.org", "A"] = ["10.0.0.7"]
    healthy.names.records[f"_autodiscover._tcp.{DOMAIN}", "SRV"] = ["0 0 443 inside.example.org."]

    examination = healthy.examine(outbound=restricted(healthy))

    (step,) = [s for s in outcome(examination, "outlook").steps if s.what.startswith("https://inside")]
    assert (step.ok, step.note) == (False, Code.TARGET_NOT_ALLOWED)
