"""`hagaki serve`: the real server in a process of its own."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers.processes import PATIENCE
from tests.webapp.cli.command import HAGAKI, Command
from webapp.security import HEADERS

ADDRESS = re.compile(r"http://127\.0\.0\.1:[0-9]+")


@dataclass
class Serving:
    """A server that answers."""

    process: subprocess.Popen[str]
    url: str
    said: list[str]

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        """Status and body."""
        request = urllib.request.Request(self.url + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def get_until(self, wanted: int, path: str, **headers: str) -> tuple[int, str]:
        """Ask again until the status is there, within a span that is far too long."""
        deadline = time.monotonic() + PATIENCE
        pause = threading.Event()
        while True:
            status, body = self.get(path, **headers)
            if status == wanted or time.monotonic() > deadline:
                return status, body
            pause.wait(0.05)

    def stop(self) -> tuple[str, str]:
        """End it as a service manager does; return what it printed since."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.communicate(timeout=PATIENCE)


@contextmanager
def serving(command: Command, *options: str) -> Iterator[Serving]:
    """Start the server on a free port and wait for the line that names its address."""
    with subprocess.Popen(
        [HAGAKI, "serve", "--bind", "127.0.0.1:0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=command.environment(),
        cwd=command.folder,
    ) as process:
        try:
            yield Serving(process, *_address(process))
        finally:
            if process.poll() is None:
                process.terminate()
                process.communicate(timeout=PATIENCE)


def _address(process: subprocess.Popen[str]) -> tuple[str, list[str]]:
    said: list[str] = []
    assert process.stderr is not None
    for line in process.stderr:
        said.append(line)
        found = ADDRESS.search(line)
        if found:
            return found[0], said
    raise AssertionError("".join(said))


@pytest.mark.parametrize("server", ["gunicorn", "granian"])
def test_it_makes_everything_says_its_address_and_answers(server: str, hagaki: Command) -> None:
    with serving(hagaki, "--workers", "1", "--server", server) as running:
        health = running.get("/healthz")
        status, page = running.get("/", **{"Accept-Language": "ja"})
        running.stop()

    assert health[0] == 200
    assert status == 200
    assert 'lang="ja"' in page
    assert any("data" in line for line in running.said), "the first start says what it makes"
    assert (hagaki.folder / "data").stat().st_mode & 0o777 == 0o700


def test_sigterm_ends_it_cleanly(hagaki: Command) -> None:
    with serving(hagaki, "--workers", "2") as running:
        running.get("/healthz")
        running.stop()

    assert running.process.returncode == 0


def test_a_domain_added_while_it_runs_is_answered(hagaki: Command, corp: Path) -> None:
    with serving(hagaki, "--workers", "2", "--threads", "4") as running:
        before, _ = running.get("/mail/config-v1.1.xml", Host="autoconfig.corp.example")
        hagaki("domain", "add", corp)
        after, body = running.get_until(200, "/mail/config-v1.1.xml", Host="autoconfig.corp.example")
        running.stop()

    assert before == 404
    assert after == 200
    assert "mail.corp.example" in body


def test_the_log_holds_neither_tokens_nor_addresses(hagaki: Command) -> None:
    with serving(hagaki, "--workers", "1") as running:
        running.get("/c/canaryTokenOf22Signs_ab")
        running.get("/mail/config-v1.1.xml?emailaddress=canary%40example.com")
        running.get("/autodiscover/autodiscover.json/v1.0/canary@example.com?Protocol=AutodiscoverV1")
        out, err = running.stop()

    assert out.count("event=request") == 3
    assert "canary" not in out + err + "".join(running.said)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"canary-token\r\n\r\n", 400),
        (b"GET /s/canary-token" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET /api/v1/batches HTTP/1.1\r\nHost: x\r\nX: canary-token" + b"a" * 70000 + b"\r\n\r\n", 431),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: canary-token\r\n\r\n", 400),
    ],
    ids=["no-request", "long-path", "long-header", "bad-length"],
)
def test_what_is_no_request_is_answered_with_our_headers_and_quotes_nothing(
    hagaki: Command, sent: bytes, status: int
) -> None:
    with serving(hagaki, "--workers", "1", "--no-worker") as server:
        port = int(server.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
            client.sendall(sent)
            answer = b"".join(iter(lambda: client.recv(65536), b"")).decode()
        log = "".join(server.stop())

    head, _, body = answer.partition("\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ")
    assert all(f"{name}: {value}" in head for name, value in HEADERS.items())
    assert json.loads(body)["code"] == f"HTTP {status}"
    assert "canary-token" not in answer + log


def test_a_hangup_replaces_the_workers_without_refusing_a_request(hagaki: Command) -> None:
    with serving(hagaki, "--workers", "1") as running:
        running.get("/healthz")
        running.process.send_signal(signal.SIGHUP)
        answers = {running.get("/healthz")[0] for _ in range(50)}
        running.stop()

    assert answers == {200}


def test_a_port_in_use_is_said_at_once(hagaki: Command) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        bind = f"127.0.0.1:{taken.getsockname()[1]}"

        done = hagaki("serve", "--bind", bind, status=1)

    assert "BIND_FAILED" in done.err
    assert bind in done.err
    assert not (hagaki.folder / "data").exists()


def test_granian_that_is_not_installed_is_said(hagaki: Command, tmp_path: Path) -> None:
    """A folder in front of the search path makes its import fail as a missing package does."""
    blocker = tmp_path / "blocker"
    blocker.mkdir()
    (blocker / "sitecustomize.py").write_text("import sys; sys.modules['granian'] = None\n")

    done = hagaki("serve", "--server", "granian", variables={"PYTHONPATH": str(blocker)}, status=2)

    assert "hagaki[granian]" in done.err
