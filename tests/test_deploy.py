"""The shipped proxy configurations and systemd unit: they fit the application, and nginx does what they say."""

from __future__ import annotations

import json
import re
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from http.client import HTTPConnection, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.conftest import require
from tests.servers.authority import Authority
from tests.servers.processes import PATIENCE, free_ports
from tests.webapp.cli.command import HAGAKI
from webapp.api.batches import OVERHEAD
from webapp.batches.uploads import MOST_UPLOADED
from webapp.config import SECRETS, SETTINGS
from webapp.endpoints.discovery import ROUTES

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
CADDY = (DEPLOY / "Caddyfile").read_text()
NGINX = (DEPLOY / "nginx.conf").read_text()
UNIT = (DEPLOY / "hagaki.service").read_text()
WORKER_UNIT = (DEPLOY / "hagaki-worker.service").read_text()
MACHINES = (DEPLOY / "compose.machines.yaml").read_text()
SETTINGS_FILE = (DEPLOY / "environment").read_text()
COMMAND = (DEPLOY / "hagaki").read_text()
DISCOVERY = sorted(set(ROUTES) - {"/robots.txt", "/internal/tls-ask"})
LISTEN = re.compile(r"listen (\[::\]:)?(80|443)( ssl)?;")


@pytest.mark.parametrize("path", [*DISCOVERY, "/EWS/Exchange.asmx", "/Microsoft-Server-ActiveSync"])
def test_both_proxies_drop_passwords_from_every_discovery_path(path: str) -> None:
    caddy = re.search(r"@discovery path (.*)", CADDY)
    nginx = re.search(r'"~\*(.*)" "";', NGINX)
    assert caddy is not None
    assert nginx is not None

    assert any(fnmatch(path.lower(), pattern.lower()) for pattern in caddy.group(1).split())
    assert re.search(nginx.group(1), path, re.IGNORECASE)


@pytest.mark.parametrize("path", ["/", "/ja/c/abc", "/api/v1/batches", "/metrics", "/s/abc"])
def test_pages_and_api_keep_their_authorization(path: str) -> None:
    caddy = re.search(r"@discovery path (.*)", CADDY)
    nginx = re.search(r'"~\*(.*)" "";', NGINX)
    assert caddy is not None
    assert nginx is not None

    assert not any(fnmatch(path, pattern) for pattern in caddy.group(1).split())
    assert not re.search(nginx.group(1), path, re.IGNORECASE)


@pytest.mark.parametrize("text", [CADDY, NGINX, MACHINES, SETTINGS_FILE])
def test_only_settings_that_exist_are_named(text: str) -> None:
    known = SETTINGS | {f"{name}_FILE" for name in SECRETS}

    assert set(re.findall(r"HAGAKI_([A-Z_]+)", text)) <= known


def test_the_unit_leaves_no_core_file_and_keeps_its_state() -> None:
    for unit, command in ((UNIT, "serve"), (WORKER_UNIT, "worker")):
        assert "LimitCORE=0" in unit
        assert "StateDirectory=hagaki" in unit
        assert f"ExecStart=/opt/hagaki/bin/hagaki {command}" in unit
    assert "HAGAKI_DATA=/var/lib/hagaki" in SETTINGS_FILE


def test_service_and_command_share_user_and_settings(tmp_path: Path) -> None:
    """A command of root's own would leave files that the service cannot read, and links with another address."""
    settings = tmp_path / "environment"
    settings.write_text(SETTINGS_FILE.replace("/var/lib/hagaki", f"{tmp_path}/data"))
    as_user = "setpriv --reuid=hagaki --regid=hagaki --init-groups /opt/hagaki/bin/hagaki"
    script = COMMAND.replace("/etc/hagaki/environment", str(settings)).replace(as_user, HAGAKI)

    done = subprocess.run(
        ["sh", "-c", script, "hagaki", "config", "check", "--json"], capture_output=True, text=True, check=True
    )

    found = {setting["name"]: setting["value"] for setting in json.loads(done.stdout)["settings"]}
    assert found["HAGAKI_BASE_URL"] == "https://setup.example.jp"
    assert found["HAGAKI_DATA"] == f"{tmp_path}/data"
    for unit in (UNIT, WORKER_UNIT):
        assert "EnvironmentFile=/etc/hagaki/environment" in unit
        assert "User=hagaki\nGroup=hagaki\n" in unit
    assert as_user in COMMAND


def test_nginx_keeps_its_word(proxy: Proxy) -> None:
    """One start of nginx for all: it takes longer than the questions."""
    discovery = proxy.ask("POST", "/autodiscover/autodiscover.xml", headers={"Authorization": "Basic c2VjcmV0"})
    api = proxy.ask("GET", "/api/v1/batches", headers={"Authorization": "Bearer token"})
    forged = proxy.ask("GET", "/", headers={"X-Forwarded-Proto": "http", "X-Forwarded-For": "192.0.2.1"})
    internal = proxy.ask("GET", "/internal/tls-ask?domain=example.jp")
    plain = proxy.ask_plain("/mail/config-v1.1.xml")
    page = proxy.ask_plain("/c/secret")

    assert "authorization" not in discovery.heard
    assert api.heard["authorization"] == "Bearer token"
    assert forged.heard["x-forwarded-proto"] == "https"
    assert forged.heard["x-forwarded-for"] == "127.0.0.1"
    assert internal.status == 404
    assert plain.heard["x-forwarded-proto"] == "http"
    assert (page.status, page.location) == (308, "https://setup.example.jp/c/secret")
    assert "secret" not in proxy.written()


def test_nginx_waits_for_the_whole_body(proxy: Proxy) -> None:
    before = proxy.upstream.requests
    with proxy.connection() as connection:
        connection.putrequest("POST", "/", skip_host=True)
        connection.putheader("Host", "setup.example.jp")
        connection.putheader("Content-Length", "10")
        connection.endheaders(b"12345")
        proxy.ask("GET", "/")  # the proxy had time for a whole other request
        waited = proxy.upstream.requests - before
        connection.send(b"67890")
        answer = json.loads(connection.getresponse().read())

    assert waited == 1
    assert answer["body"] == "1234567890"


def test_both_proxies_take_the_largest_list() -> None:
    caddy = [int(size) * 1_000_000 for size in re.findall(r"(?:max_size|request_buffers) (\d+)MB", CADDY)]
    nginx = [int(size) * 1024 * 1024 for size in re.findall(r"client_\w+_size (\d+)m;", NGINX)]

    assert len(caddy) == len(nginx) == 2
    assert all(size >= MOST_UPLOADED + OVERHEAD for size in caddy + nginx)


def test_nginx_writes_no_list_to_its_disk(proxy: Proxy) -> None:
    """A list may hold passwords. With its folder gone, nginx could not take the body any other way."""
    (proxy.folder / "client_body").rmdir()
    list_of_people = "a" * (1024 * 1024)

    with proxy.connection() as connection:
        connection.request("POST", "/", list_of_people, {"Host": "setup.example.jp"})
        response = connection.getresponse()
        answer = response.read()

    assert response.status == 200
    assert json.loads(answer)["body"] == list_of_people
    assert "proxy_max_temp_file_size 0;" in NGINX, "answers hold passwords too"


# the pieces


class Upstream(ThreadingHTTPServer):
    """Stands in Hagaki's place and tells what it heard."""

    requests = 0


class Echo(BaseHTTPRequestHandler):
    """Answers with the request."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        assert isinstance(self.server, Upstream)
        self.server.requests += 1
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        heard = {name.lower(): value for name, value in self.headers.items()}
        answer = json.dumps({"heard": heard, "body": body}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


@dataclass(frozen=True)
class Answer:
    """What came back through the proxy."""

    status: int
    location: str | None
    heard: dict[str, str]


@dataclass(frozen=True)
class Proxy:
    """A running nginx with the shipped configuration."""

    tls_port: int
    plain_port: int
    context: ssl.SSLContext
    upstream: Upstream
    folder: Path

    def connection(self) -> Connection:
        return Connection(self.tls_port, self.context)

    def ask(self, method: str, path: str, *, headers: dict[str, str] | None = None) -> Answer:
        with self.connection() as connection:
            connection.request(method, path, headers={"Host": "setup.example.jp", **(headers or {})})
            return _answer(connection)

    def ask_plain(self, path: str) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.plain_port, timeout=PATIENCE)
        connection.request("GET", path, headers={"Host": "setup.example.jp"})
        try:
            return _answer(connection)
        finally:
            connection.close()

    def written(self) -> str:
        """Everything in nginx's logs."""
        return "".join(file.read_text() for file in self.folder.glob("*.log"))


class Connection(HTTPSConnection):
    """https to the proxy's port, as if it were setup.example.jp."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        super().__init__("127.0.0.1", port, timeout=PATIENCE, context=context)

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _answer(connection: HTTPConnection) -> Answer:
    response = connection.getresponse()
    body = response.read()
    heard = json.loads(body)["heard"] if response.status == 200 else {}
    return Answer(response.status, response.getheader("Location"), heard)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    server = Upstream(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def proxy(upstream: Upstream, authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    program = require("nginx")
    folder = tmp_path_factory.mktemp("nginx")
    tls_port, plain_port = free_ports(2)
    files = authority.good()
    (folder / "nginx.conf").write_text(
        _adapted(folder, tls_port, plain_port, upstream.server_address[1], files.chain, files.key)
    )
    process = subprocess.Popen([program, "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "start.log"])
    try:
        _wait_for(plain_port, process)
        context = ssl.create_default_context(cafile=authority.ca_file)
        yield Proxy(tls_port, plain_port, context, upstream, folder)
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _adapted(folder: Path, tls_port: int, plain_port: int, upstream: int, chain: Path, key: Path) -> str:
    ports = {"443": tls_port, "80": plain_port}
    hagaki = LISTEN.sub(
        lambda found: "" if found[1] else f"listen 127.0.0.1:{ports[found[2]]}{found[3] or ''};", NGINX
    )
    hagaki = hagaki.replace("127.0.0.1:8080", f"127.0.0.1:{upstream}")
    hagaki = hagaki.replace("/var/log/nginx/", f"{folder}/")
    hagaki = hagaki.replace("/etc/letsencrypt/live/setup.example.jp/fullchain.pem", str(chain))
    hagaki = hagaki.replace("/etc/letsencrypt/live/setup.example.jp/privkey.pem", str(key))
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/start.log;\n"
        f"events {{}}\nhttp {{ {temporary}\n{hagaki} }}\n"
    )


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                return
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.02)
            pytest.fail("nginx refused the configuration")
    pytest.fail("nginx does not answer")
