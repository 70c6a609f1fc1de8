"""The same rules through real servers: what HTTP adds (chunks, Expect, raw Host), and several processes.

gunicorn as `hagaki serve` starts it, with two workers; granian with one, for what it does differently.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from profiles import catalogue
from profiles.problems import Code, ProblemError
from tests.servers.processes import PATIENCE, free_ports, start_daemon, stop_daemon
from tests.webapp.endpoints.asking import full_service, pox, service
from webapp.config import Config, load
from webapp.directory import Directory
from webapp.store import open_store

HAGAKI = str(Path(sys.executable).with_name("hagaki"))
POX_PATH = "/autodiscover/autodiscover.xml"
SERVERS = ("gunicorn", "granian")


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A running Hagaki and the folder where everything of it lies."""

    port: int
    config: Config
    log: Path

    def say(self, request: bytes) -> bytes:
        """Send raw bytes, read until the server closes; a request should ask for `Connection: close`."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            connection.sendall(request)
            return everything(connection)

    def get(self, path: str, host: str, *more: str) -> bytes:
        """GET with a Host as given."""
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Connection: close", *more]
        return self.say("\r\n".join(lines).encode() + b"\r\n\r\n")

    def post(self, body: bytes, *more: str, path: str = POX_PATH) -> bytes:
        """POST a body with a length unless `more` says how else it ends."""
        length = () if any("chunked" in line for line in more) else (f"Content-Length: {len(body)}",)
        lines = [f"POST {path} HTTP/1.1", "Host: autodiscover.corp.example", "Connection: close", *length, *more]
        return self.say("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def everything(connection: socket.socket) -> bytes:
    """What comes until the server closes; one that has answered need not have read all that was sent."""
    parts = []
    with suppress(ConnectionResetError):
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def status(answer: bytes) -> int:
    """The status of the last answer; an interim 100 may stand before it."""
    final = answer.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert final.startswith(b"HTTP/1."), answer[:200]
    return int(final.split(b" ", 2)[1])


def is_settings(answer: bytes) -> bool:
    """Whether an answer holds the settings of corp.example."""
    return status(answer) == 200 and b"<Server>mail.corp.example</Server>" in answer


@contextmanager
def serving(folder: Path, server: str, workers: int) -> Iterator[Service]:
    """Hagaki as a host starts it, with two domains."""
    (port,) = free_ports(1)
    environ = {
        "HAGAKI_DATA": str(folder / "data"),
        "HAGAKI_BIND": f"127.0.0.1:{port}",
        "HAGAKI_BASE_URL": "https://hagaki.host.example",
        "HAGAKI_TRUSTED_PROXIES": "127.0.0.1",
    }
    config = load(environ).prepare()
    directory = Directory(open_store(config))
    for settings in (service("corp.example", "xn--wgv71a119e.jp"), full_service("full.example")):
        directory.add(catalogue.to_toml(settings))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HAGAKI_")}
    log = folder / "serve.log"
    command = [HAGAKI, "serve", "--server", server, "--workers", str(workers)]
    daemon = start_daemon(command, log, env=kept | environ)
    try:
        running = Service(port=port, config=config, log=log)
        until(lambda: daemon.poll() is None and is_up(running), log)
        yield running
    finally:
        stop_daemon(daemon)


def is_up(running: Service) -> bool:
    """Whether the server answers."""
    try:
        return status(running.get("/robots.txt", "x")) == 200
    except OSError:
        return False


def until(condition: Callable[[], bool], log: Path) -> None:
    """Wait for a condition, and fail with the server's log when it never comes."""
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up, log.read_text(errors="replace")[-3000:]
        time.sleep(0.05)


@pytest.fixture(scope="module", params=SERVERS)
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One server of each kind."""
    with serving(tmp_path_factory.mktemp(request.param), request.param, workers=1) as service_:
        yield service_


@pytest.mark.parametrize(
    "path",
    [
        "/mail/config-v1.1.xml",
        "/.well-known/autoconfig/mail/config-v1.1.xml",
        "/v1.1/mail/config-v1.1.xml",
        "/mail/config-v1.1.xml?emailaddress=taro%40corp.example",
        "/mail/config-v1.1.xml?emailaddress=EVOLUTIONUSER@corp.example&emailmd5=0123",
    ],
)
def test_autoconfig_is_answered(running: Service, path: str) -> None:
    answer = running.get(path, "autoconfig.corp.example")

    assert status(answer) == 200
    assert b"<hostname>mail.corp.example</hostname>" in answer


@pytest.mark.parametrize("host", ["autoconfig.xn--wgv71a119e.jp", "AUTOCONFIG.XN--WGV71A119E.JP:443"])
def test_idn_host_as_clients_send_it(running: Service, host: str) -> None:
    answer = running.get("/mail/config-v1.1.xml", host)

    assert b"<domain>xn--wgv71a119e.jp</domain>" in answer


def test_idn_host_as_raw_bytes(running: Service) -> None:
    answer = running.get("/mail/config-v1.1.xml", "autoconfig.日本語.jp")

    # granian hands no such Host over; without one there is nothing to find.
    assert status(answer) in (200, 404)
    assert (status(answer) == 200) == (b"<domain>xn--wgv71a119e.jp</domain>" in answer)


def test_head_has_a_length_and_no_body(running: Service) -> None:
    answer = running.say(b"HEAD /mail/config-v1.1.xml HTTP/1.1\r\nHost: corp.example\r\nConnection: close\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")

    assert status(answer) == 200
    assert b"content-length: " in head.lower()
    assert body == b""


def test_304_has_no_body(running: Service) -> None:
    first = running.get("/mail/config-v1.1.xml", "corp.example")
    (etag,) = [line for line in first.decode().splitlines() if line.lower().startswith("etag:")]

    again = running.get("/mail/config-v1.1.xml", "corp.example", f"If-None-Match: {etag.partition(': ')[2]}")

    assert status(again) == 304
    assert again.partition(b"\r\n\r\n")[2] == b""


def test_http_1_0_without_host_finds_the_domain_by_address(running: Service) -> None:
    answer = running.say(b"GET /mail/config-v1.1.xml?emailaddress=a@corp.example HTTP/1.0\r\n\r\n")

    assert status(answer) == 200


def test_A0_post_as_outlook_sends_it(running: Service) -> None:
    headers = ("User-Agent: Microsoft Office/16.0", "Content-Type: text/xml; charset=utf-8", "Pragma: no-cache")

    assert is_settings(running.post(pox("taro@corp.example"), *headers, path="/Autodiscover/Autodiscover.xml"))


def test_B3_preemptive_password_is_neither_answered_nor_logged(running: Service) -> None:
    secret = "dGFyb0Bjb3JwLmV4YW1wbGU6Y2FuYXJ5LXBhc3N3b3Jk"

    answer = running.post(pox("taro@corp.example"), f"Authorization: Basic {secret}")

    assert is_settings(answer)
    log = running.log.read_text()
    assert not [word for word in (secret, "canary", "taro") if word in log]


def test_queries_and_addresses_in_paths_are_not_logged(running: Service) -> None:
    running.get("/mail/config-v1.1.xml?emailaddress=canary-person@corp.example", "x")
    running.get("/autodiscover/autodiscover.json/v1.0/canary-person@corp.example?Protocol=AutodiscoverV1", "x")

    assert "canary-person" not in running.log.read_text()


@pytest.mark.parametrize("text", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_B6_encodings_on_the_wire(running: Service, text: str) -> None:
    assert is_settings(running.post(pox("taro@corp.example").decode().replace("utf-8", "utf-16").encode(text)))


@pytest.mark.parametrize("content_type", ["text/xml", "text/html", "application/x-www-form-urlencoded", "\t;;;="])
def test_B9_content_type_is_not_looked_at(running: Service, content_type: str) -> None:
    assert is_settings(running.post(pox("taro@corp.example"), f"Content-Type: {content_type}"))


def test_B13_expect_100_continue_as_dot_net_sends_it(running: Service) -> None:
    body = pox("taro@corp.example")
    head = (
        f"POST {POX_PATH} HTTP/1.1\r\nHost: corp.example\r\nContent-Length: {len(body)}\r\n"
        "Expect: 100-continue\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", running.port), timeout=PATIENCE) as connection:
        connection.sendall(head.encode())
        interim = connection.recv(4096)
        connection.sendall(body)
        answer = interim + everything(connection)

    assert interim.startswith(b"HTTP/1.1 100")
    assert is_settings(answer)


def chunked(body: bytes, size: int) -> bytes:
    """A body in chunks."""
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_B14_chunked_body(running: Service, size: int) -> None:
    answer = running.post(chunked(pox("taro@corp.example"), size), "Transfer-Encoding: chunked")

    assert is_settings(answer)


def test_H10_oversized_chunked_body_is_413(running: Service) -> None:
    answer = running.post(chunked(b" " * 40_000, 4_000), "Transfer-Encoding: chunked")

    assert status(answer) == 413


@pytest.mark.parametrize(
    "body",
    [b"zz\r\nhello\r\n", b"5\r\nhello", b"-1\r\n\r\n", b"ffffffffffffffff\r\nx\r\n", b"5\r\nhelloX0\r\n\r\n"],
)
def test_H14_broken_chunks_are_no_5xx(running: Service, body: bytes) -> None:
    with socket.create_connection(("127.0.0.1", running.port), timeout=PATIENCE) as connection:
        connection.sendall(
            f"POST {POX_PATH} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode() + body
        )
        with suppress(OSError):  # it may have closed already
            connection.shutdown(socket.SHUT_WR)
        answer = everything(connection)

    assert answer == b"" or status(answer) < 500


def test_H15_length_and_chunks_together_are_not_smuggled(running: Service) -> None:
    body = (
        chunked(pox("taro@corp.example"), 100)
        + b"GET /mail/config-v1.1.xml HTTP/1.1\r\nHost: corp.example\r\n\r\n"
    )
    answer = running.post(body, "Transfer-Encoding: chunked", "Content-Length: 5")

    assert answer.count(b"HTTP/1.1 ") <= 1 or status(answer) == 400
    assert is_settings(running.post(pox("taro@corp.example")))


def test_client_that_leaves_early_harms_nobody(running: Service) -> None:
    for part in (
        b"",
        b"POST ",
        b"POST /autodiscover/autodiscover.xml HTTP/1.1\r\nContent-Length: 500\r\n\r\n<Auto",
    ):
        with socket.create_connection(("127.0.0.1", running.port), timeout=PATIENCE) as connection:
            connection.sendall(part)

    assert is_settings(running.post(pox("taro@corp.example")))
    assert "event=incident" not in running.log.read_text()


def test_kept_connection_answers_one_after_another(running: Service) -> None:
    body = pox("taro@corp.example")
    one = f"POST {POX_PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    last = b"GET /mail/config-v1.1.xml HTTP/1.1\r\nHost: corp.example\r\nConnection: close\r\n\r\n"

    answer = running.say(one + one + last)

    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert answer.count(b"<LoginName>taro@corp.example</LoginName>") == 3 * 2


def test_plain_http_behind_the_proxy_is_redirected(running: Service) -> None:
    answer = running.get(POX_PATH, "autodiscover.corp.example", "X-Forwarded-Proto: http")

    assert status(answer) == 302
    assert b"https://hagaki.host.example/autodiscover/autodiscover.xml" in answer


def test_flask_stands_behind(running: Service) -> None:
    assert status(running.get("/healthz", "hagaki.host.example")) == 200


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """gunicorn with two processes."""
    with serving(tmp_path_factory.mktemp("two-workers"), "gunicorn", workers=2) as service_:
        yield service_


def answers(running: Service, domain: str) -> set[tuple[int, bytes]]:
    """What twenty new connections, spread over all processes, are told about a domain."""
    found = [running.get("/mail/config-v1.1.xml", f"autoconfig.{domain}") for _ in range(20)]
    return {(status(answer), answer.partition(b"\r\n\r\n")[2]) for answer in found}


def test_a_change_is_seen_by_every_process_without_a_restart(two_workers: Service) -> None:
    domain = "later.example"
    assert {status for status, _ in answers(two_workers, domain)} == {404}
    # The command line works in a process of its own, as this directory does.
    Directory(open_store(two_workers.config)).add(catalogue.to_toml(service(domain)))
    seen = time.monotonic() + 1.0

    until(lambda: time.monotonic() > seen, two_workers.log)

    ((code, body),) = answers(two_workers, domain)
    assert code == 200
    assert b"<domain>later.example</domain>" in body


def test_a_broken_change_is_refused_and_the_old_one_stays(two_workers: Service) -> None:
    before = answers(two_workers, "corp.example")
    directory = Directory(open_store(two_workers.config))
    (entry,) = directory.export("corp.example")
    broken = entry.toml.replace("993", "99399").replace('"SSL"', '"plain"')

    with pytest.raises(ProblemError) as refused:
        directory.add(broken, replace=True)

    assert len(refused.value.problems) > 1
    assert Code.SERVER_PLAIN_TEXT in {problem.code for problem in refused.value.problems}
    seen = time.monotonic() + 1.0
    until(lambda: time.monotonic() > seen, two_workers.log)
    assert answers(two_workers, "corp.example") == before
