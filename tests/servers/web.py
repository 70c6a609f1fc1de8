"""Small web servers on loopback: many names on one port (SNI), each with its own certificate and answers.

A test fills `routes` and `certificates`; nothing else is answered but with 404. `wsgi` serves a real application.
"""

from __future__ import annotations

import http.server
import io
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote_to_bytes, urlsplit

from tests.servers.authority import Authority, CertificateFiles

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

ANY = "*"
HTTPS, HTTP = 443, 80


@dataclass(frozen=True, slots=True, kw_only=True)
class WebRequest:
    """One question as it came; `host` is the Host header without port, header names are lower case."""

    method: str
    host: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    is_plain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer. Content-Length is added; header names are written as given."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/xml; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


NOT_FOUND = Reply(status=404, body=b"Not found.\n", content_type="text/plain")
Route = Reply | bytes | Callable[[WebRequest], Reply | None]
"""Bytes are an XML document; a function may look at the request, its None is a 404."""


class WebServer:
    """`routes[host, path] = reply`; ANY stands for any host or any path, the more exact route wins.

    `certificates[host]` is what a name shows, the authority's good one where there is none. `requests` holds what
    was asked. With `authority=None` it speaks plain http.

        with WebServer(authority) as web:
            web.routes["autoconfig.example.com", "/mail/config-v1.1.xml"] = b"<clientConfig/>"
            outbound = Outbound.unrestricted(connect_to=web.connect_to("autoconfig.example.com"), …)
    """

    def __init__(self, authority: Authority | None, *, host: str = "127.0.0.1") -> None:
        self.authority = authority
        self.host = host
        self.routes: dict[tuple[str, str], Route] = {}
        self.certificates: dict[str, CertificateFiles] = {}
        self.requests: list[WebRequest] = []
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()
        self.context = None if authority is None else self._usual(authority)
        """TLS that chooses the certificate by the name asked; None for plain http."""
        self._server = _Server((host, 0), _Handler)
        self._server.web = self
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def connect_to(self, *names: str) -> dict[tuple[str, int], tuple[str, int]]:
        """Overrides that lead these names, on the web's usual port, to this server."""
        usual = HTTP if self.authority is None else HTTPS
        return {(name, usual): (self.host, self.port) for name in names}

    def answer(self, request: WebRequest) -> Reply:
        """The most exact route for a request."""
        self.requests.append(request)
        keys = ((request.host, request.path), (request.host, ANY), (ANY, request.path), (ANY, ANY))
        route = next((self.routes[key] for key in keys if key in self.routes), None)
        if callable(route):
            route = route(request)
        if isinstance(route, bytes):
            return Reply(body=route)
        return NOT_FOUND if route is None else route

    def _usual(self, authority: Authority) -> ssl.SSLContext:
        context = self._context_of(authority.good())
        context.sni_callback = self._choose
        return context

    def _choose(self, sock: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
        files = self.certificates.get(name or "")
        if files is not None:
            sock.context = self._context_of(files)

    def _context_of(self, files: CertificateFiles) -> ssl.SSLContext:
        key = str(files.chain)
        with self._lock:  # every connection has its own thread
            if key not in self._contexts:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(files.chain, files.key)
                self._contexts[key] = context
            return self._contexts[key]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def wsgi(application: WSGIApplication, **environ: str) -> Callable[[WebRequest], Reply]:
    """A route that asks a WSGI application, as a proxy on loopback would; `environ` adds to its environment."""

    def ask(request: WebRequest) -> Reply:
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], _error: Any = None) -> Any:
            started.append((status, headers))
            return lambda _data: None

        body = b"".join(application(_environ(request) | environ, start_response))
        status, headers = started[0]
        given = {name: value for name, value in headers if name.lower() != "content-length"}
        content_type = given.pop("Content-Type", "")
        return Reply(status=int(status[:3]), body=body, content_type=content_type, headers=given)

    return ask


def _environ(request: WebRequest) -> dict[str, Any]:
    own = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()}
    return {
        **own,
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(request.path).decode("latin-1"),
        "QUERY_STRING": request.query,
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(request.body)),
        "HTTP_HOST": request.host,
        "HTTP_X_FORWARDED_PROTO": "http" if request.is_plain else "https",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8080",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = False  # closing waits for them: no test leaves a thread behind
    request_queue_size = 64
    web: WebServer


class _Handler(http.server.BaseHTTPRequestHandler):
    timeout = 30
    server: _Server

    def handle(self) -> None:
        try:
            super().handle()
        except (OSError, ssl.SSLError):
            return  # the client went away, or did not like the certificate

    def setup(self) -> None:
        context = self.server.web.context
        if context is not None:
            self.request.settimeout(self.timeout)
            # The handshake happens here, in the connection's own thread, with the first byte read.
            self.request = context.wrap_socket(self.request, server_side=True, do_handshake_on_connect=False)
        super().setup()

    def finish(self) -> None:
        try:
            super().finish()
        except (OSError, ssl.SSLError):
            pass
        finally:
            self.request.close()

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        request = WebRequest(
            method=self.command,
            host=(self.headers.get("Host") or "").partition(":")[0].lower(),
            path=parts.path,
            query=parts.query,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length),
            is_plain=self.server.web.authority is None,
        )
        reply = self.server.web.answer(request)
        self.send_response(reply.status)
        for name, value in _headers(reply):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Tests read `requests` instead."""


def _headers(reply: Reply) -> Iterable[tuple[str, str]]:
    if reply.content_type:
        yield "Content-Type", reply.content_type
    yield from reply.headers.items()
    yield "Content-Length", str(len(reply.body))
    yield "Connection", "close"
