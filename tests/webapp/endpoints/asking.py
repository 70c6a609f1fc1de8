"""A WSGI question and its answer as plain values, checked by wsgiref's validator on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from warnings import catch_warnings, filterwarnings
from wsgiref.validate import WSGIWarning, validator
from xml.etree import ElementTree

from profiles.model import (
    DavService,
    Link,
    LocalizedText,
    Protocol,
    Server,
    ServiceSettings,
    SocketType,
)
from webapp.directory import Directory, Snapshot

OUTLOOK = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
MOBILESYNC = "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006"
REQUEST_NAMESPACE = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"


class Hosted(Directory):
    """The directory without its database: given domains; adding one makes the next snapshot."""

    def __init__(self, *entries: ServiceSettings) -> None:
        self._given = Snapshot()
        self.give(*entries)

    def snapshot(self) -> Snapshot:
        """What was given."""
        return self._given

    def give(self, *entries: ServiceSettings) -> None:
        """Add entries, or put them in the place of others."""
        hosted = {domain: entry for entry in entries for domain in entry.domains}
        self._given = Snapshot(
            self._given.version + 1,
            {**self._given.entries, **{entry.id: entry for entry in entries}},
            {**self._given.hosted, **hosted},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back."""

    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes = field(repr=False)

    @property
    def xml(self) -> ElementTree.Element:
        """The body, parsed."""
        return ElementTree.fromstring(self.body)


def service(domain: str, *more: str, **changes: Any) -> ServiceSettings:
    """Settings of a mail service for `domain`, with `changes`."""
    values: dict[str, Any] = {
        "id": domain,
        "display_name": f"Mail of {domain}",
        "display_short_name": domain[:20],
        "domains": (domain, *more),
        "incoming_servers": (server(Protocol.IMAP, 993), server(Protocol.POP3, 995)),
        "outgoing_servers": (server(Protocol.SMTP, 465),),
    }
    return ServiceSettings(**(values | changes))


def server(protocol: Protocol, port: int, hostname: str = "mail.%EMAILDOMAIN%", **more: Any) -> Server:
    """A server whose TLS fits its port."""
    security = SocketType.SSL if port in (993, 995, 465) else SocketType.STARTTLS
    return Server(protocol=protocol, hostname=hostname, port=port, socket_type=security, **more)


def full_service(domain: str) -> ServiceSettings:
    """Settings with everything beside mail: calendar, contacts, JMAP, ActiveSync, a help page."""
    return service(
        domain,
        calendar=DavService(url="https://dav.%EMAILDOMAIN%/calendars/"),
        addressbook=DavService(url="https://dav.%EMAILDOMAIN%/contacts/"),
        jmap_url="https://jmap.%EMAILDOMAIN%/session",
        activesync_url="https://sync.%EMAILDOMAIN%/Microsoft-Server-ActiveSync",
        documentation=Link(
            url="https://help.example/mail?a=1&b=2",
            title=LocalizedText(texts=(("en", "Help <1>"), ("ja", "手引き"))),
        ),
    )


def ask(
    application: Any,
    method: str,
    path: str,
    query: str = "",
    *,
    host: str = "autoconfig.corp.example",
    body: bytes = b"",
    **environ: Any,
) -> Reply:
    """Ask as a WSGI server would; every answer is checked against PEP 3333."""
    started: list[tuple[str, list[tuple[str, str]]]] = []
    question: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "HTTP_HOST": host,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8080",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
        "wsgi.errors": _Silent(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if body:
        question["CONTENT_LENGTH"] = str(len(body))
    question.update(environ)

    def start_response(status: str, headers: list[tuple[str, str]], _error: Any = None) -> Any:
        started.append((status, headers))
        return lambda _data: None

    with catch_warnings():
        filterwarnings("ignore", "Unknown REQUEST_METHOD", WSGIWarning)  # the validator knows no WebDAV
        answer = validator(application)(question, start_response)
    data = b"".join(answer)
    answer.close()
    ((status, headers),) = started
    return Reply(status=int(status[:3]), headers={name.lower(): value for name, value in headers}, body=data)


def pox(address: str, schema: str = OUTLOOK) -> bytes:
    """The request as Thunderbird sends it."""
    return f"""<?xml version="1.0" encoding="utf-8"?>
    <Autodiscover xmlns="{REQUEST_NAMESPACE}">
      <Request>
        <EMailAddress>{address}</EMailAddress>
        <AcceptableResponseSchema>{schema}</AcceptableResponseSchema>
      </Request>
    </Autodiscover>
""".encode()


def error_code(reply: Reply) -> str:
    """The code of a POX error, "" where it is none."""
    return reply.xml.findtext(".//{*}ErrorCode") or ""


class _Silent:
    def write(self, _text: str) -> None: ...

    def writelines(self, _lines: list[str]) -> None: ...

    def flush(self) -> None: ...
