"""Whatever arrives: never a 5xx, never another domain's data, never an echo without escaping."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.webapp.endpoints.asking import MOBILESYNC, OUTLOOK, Hosted, Reply, ask, full_service, pox, service
from tests.webapp.endpoints.conftest import BASE_URL, fallback
from webapp.config import load
from webapp.endpoints import Discovery

SECRET = "sekret-neighbour.example"
HOSTED = ("corp.example", "full.example")

_DIRECTORY = Hosted(service("corp.example"), full_service("full.example"), service(SECRET))
_APPLICATION = Discovery(
    _DIRECTORY, load({"HAGAKI_BASE_URL": BASE_URL, "HAGAKI_TRUSTED_PROXIES": "127.0.0.1"}), fallback
)

# Text as a WSGI server hands it over: bytes read as latin-1; some servers decode it, against the rule.
_TEXT = st.one_of(
    st.text(max_size=60),
    st.binary(max_size=60).map(lambda data: data.decode("latin-1")),
    st.sampled_from(
        ['"><script>alert(1)</script>', "\r\nSet-Cookie: a=b", "%0d%0aX: y", "\0", "😀", "\ud800", "%" * 50]
    ),
)
_PATHS = st.one_of(
    _TEXT.map(lambda text: "/" + text),
    st.sampled_from(
        [
            "/mail/config-v1.1.xml",
            "/.well-known/autoconfig/mail/config-v1.1.xml",
            "/v1.1/mail/config-v1.1.xml",
            "/autodiscover/autodiscover.xml",
            "/AutoDiscover/AutoDiscover.xml",
            "/autodiscover/autodiscover.json",
            "/.well-known/user-agent-configuration.json",
            "/.well-known/caldav",
            "/.well-known/carddav",
            "/.well-known/jmap",
            "/robots.txt",
            "/internal/tls-ask",
            "/EWS/Exchange.asmx",
        ]
    ),
    _TEXT.map(lambda text: "/autodiscover/autodiscover.json/v1.0/" + text),
    _TEXT.map(lambda text: "/autodiscover/" + text),
)
_HOSTS = st.one_of(_TEXT, _TEXT.map(lambda text: text + ".corp.example"), st.just("autoconfig.corp.example"))
_QUERIES = st.one_of(
    _TEXT,
    st.builds("emailaddress={}".format, _TEXT),
    st.builds("emailaddress={}@corp.example&{}".format, _TEXT, _TEXT),
    st.builds("Email={}@corp.example&Protocol={}".format, _TEXT, _TEXT),
    st.builds("domain={}".format, _TEXT),
)
_BODIES = st.one_of(
    st.binary(max_size=300),
    st.builds(
        lambda text: pox(f"{text}@corp.example").replace(b"taro", b""), st.text("ab<>&'\"%@. ", max_size=30)
    ),
    st.builds(lambda text: text.encode("utf-8", "surrogatepass"), st.text(max_size=100)),
    st.builds(
        pox, st.sampled_from(["a@corp.example", "a@full.example"]), st.sampled_from([OUTLOOK, MOBILESYNC, ""])
    ),
    st.builds(
        lambda cut, junk: pox("a@corp.example")[:cut] + junk + pox("a@corp.example")[cut:],
        st.integers(0, 500),
        st.binary(max_size=8),
    ),
)
_METHODS = st.sampled_from(["GET", "HEAD", "POST", "OPTIONS"])


@settings(max_examples=600, deadline=None)
@given(
    method=_METHODS,
    path=_PATHS,
    host=_HOSTS,
    query=_QUERIES,
    body=_BODIES,
    forwarded=st.one_of(st.none(), _TEXT),
    peer=st.sampled_from(["127.0.0.1", "192.0.2.1", "", "x"]),
)
@example("GET", "/mail/config-v1.1.xml", "autoconfig.corp.example", "", b"", None, "127.0.0.1")
@example("POST", "/autodiscover/autodiscover.xml", "", "", pox("&lt;b&gt;@corp.example"), "http", "127.0.0.1")
def test_any_request(
    method: str, path: str, host: str, query: str, body: bytes, forwarded: str | None, peer: str
) -> None:
    more: dict[str, Any] = {"REMOTE_ADDR": peer}
    if forwarded is not None:
        more |= {"HTTP_X_FORWARDED_PROTO": forwarded, "HTTP_X_FORWARDED_HOST": forwarded}

    reply = ask(_APPLICATION, method, path, query, host=host, body=body, **more)

    assert reply.status < 500
    assert SECRET.encode() not in reply.body
    assert_nothing_is_echoed_raw(reply)
    assert_headers_hold_one_line_each(reply)


def assert_nothing_is_echoed_raw(reply: Reply) -> None:
    """XML answers parse, hold no markup but their own, and name hosted domains only."""
    assert b"<script" not in reply.body
    if reply.body and reply.headers.get("content-type", "").startswith("text/xml"):
        root = ElementTree.fromstring(reply.body)
        assert {element.tag.rpartition("}")[2] for element in root.iter()} <= KNOWN_TAGS
        for element in root.iter():
            if element.tag.endswith(("LoginName", "DisplayName", "EMailAddress")):
                assert (element.text or "").rpartition("@")[2] in HOSTED


def assert_headers_hold_one_line_each(reply: Reply) -> None:
    """No value breaks out of its header."""
    for value in reply.headers.values():
        assert value.isascii()
        assert value.isprintable()
    assert "set-cookie" not in reply.headers
    assert "www-authenticate" not in reply.headers


_AUTOCONFIG_TAGS = (
    "clientConfig emailProvider domain displayName displayShortName incomingServer outgoingServer "
    "hostname port socketType authentication username documentation descr"
)
_AUTODISCOVER_TAGS = (
    "Autodiscover Response User DisplayName Account AccountType Action Protocol Type Server Port LoginName "
    "DomainRequired SPA SSL Encryption AuthRequired UsePOPAuth SMTPLast Error ErrorCode Message DebugData "
    "Culture EMailAddress Settings Url Name"
)
KNOWN_TAGS = frozenset(f"{_AUTOCONFIG_TAGS} {_AUTODISCOVER_TAGS}".split(" "))
