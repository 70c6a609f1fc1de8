"""Load for one server, and what it costs that server: requests per second of the worker's processor time.

Processor time instead of the clock: other work on the machine then changes neither side of a ratio. wrk sends the
requests; where it cannot be had, a plain loop over sockets does, more slowly but against the same measure.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

CONNECTIONS = 8
START_SECONDS = 120
SLOW_SECONDS = 20
"""For a server that answers nothing within a round."""
MAILBOXES = 100_000
"""Even one domain is asked by many people: requests that are all alike are cheaper for every server."""
STEP = 7_919
DOMAIN, MAILBOX = "@D@", "@M@"
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, kw_only=True)
class Question:
    """The requests of one kind, spread over `domains` domains."""

    method: str
    target: str
    """Path and query; `{domain}` and `{mailbox}` are filled in."""
    host: str
    body: str = ""
    domains: int = 1

    def request(self, number: int) -> bytes:
        """One request as bytes: another mailbox each time, and another domain where there are several."""
        return (
            self.template()
            .replace(DOMAIN, domain_number(number, self.domains))
            .replace(MAILBOX, f"{number % MAILBOXES:05}")
            .encode()
        )

    def template(self) -> str:
        """The request with its two numbers left open; both have five digits, so that its length is known."""
        domain, mailbox = f"customer-{DOMAIN}.example", f"taro{MAILBOX}"
        body = self.body.format(domain=domain, mailbox=mailbox)
        length = len(body.replace(DOMAIN, "00000").replace(MAILBOX, "00000"))
        lines = [
            f"{self.method} {self.target.format(domain=domain, mailbox=mailbox)} HTTP/1.1",
            f"Host: {self.host.format(domain=domain)}",
            "User-Agent: Mozilla/5.0 Thunderbird/153.0",
            "Accept: */*",
        ]
        if body:
            lines += ["Content-Type: text/xml; charset=utf-8", f"Content-Length: {length}"]
        return "\r\n".join(lines) + "\r\n\r\n" + body


def domain_number(number: int, domains: int) -> str:
    """Steps of a large prime visit all domains out of order."""
    return f"{number * STEP % domains:05}"


def domain_name(number: int) -> str:
    """The name of one of the domains."""
    return f"customer-{number:05}.example"


@dataclass(kw_only=True)
class Contestant:
    """A server with one worker on one processor, and its results."""

    name: str
    command: list[str]
    question: Question
    environ: dict[str, str] = field(default_factory=dict)
    folder: Path = Path()
    rates: list[float] = field(default_factory=list)
    """Requests per second of processor time, one per round."""
    megabytes: float = 0.0
    process: subprocess.Popen[bytes] | None = None
    port: int = 0

    def start(self) -> None:
        """Start the server and wait until it answers."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        command = [part.replace("PORT", str(self.port)) for part in self.command]
        pinned = ["taskset", "-c", "0", *command] if _pins() else command
        self.process = subprocess.Popen(
            pinned,
            env={**os.environ, **self.environ},
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        give_up = time.monotonic() + START_SECONDS
        while not self._answers():
            if time.monotonic() > give_up or self.process.poll() is not None:
                raise RuntimeError(f"{self.name} does not answer: {' '.join(command)}")
            time.sleep(0.1)

    def stop(self) -> None:
        """End the server."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)

    def load(self, seconds: int, script: Path) -> None:
        """Send requests for a while and note the rate and the memory."""
        before = self._processor_seconds()
        requests = _send(self, seconds, script) or _send(self, SLOW_SECONDS, script)
        self.rates.append(requests / max(self._processor_seconds() - before, 1 / _TICKS))
        self.megabytes = max(_megabytes(pid) for pid in self._workers())

    def _answers(self) -> bool:
        try:
            status = _ask_once(self.port, self.question.request(0))
        except OSError:
            return False
        if status not in (0, 200):
            raise RuntimeError(f"{self.name} answers {status}")
        return status == 200

    def _processor_seconds(self) -> float:
        """Of the workers, and of those that ended meanwhile: automx2 crashes now and then with many domains."""
        assert self.process is not None
        return sum(_processor_seconds(pid) for pid in self._workers()) + _reaped_seconds(self.process.pid)

    def _workers(self) -> list[int]:
        assert self.process is not None
        return list(_descendants(self.process.pid)) or [self.process.pid]


@contextmanager
def running(contestants: list[Contestant]) -> Iterator[None]:
    """Start all, and end all."""
    try:
        for contestant in contestants:
            contestant.start()
        yield
    finally:
        for contestant in contestants:
            contestant.stop()


def has_wrk() -> bool:
    """Whether wrk can be used; root installs it."""
    if shutil.which("wrk") is None and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "install", "-y", "-q", "wrk"], capture_output=True, check=False)
    return shutil.which("wrk") is not None


def write_script(question: Question, path: Path) -> None:
    """The requests as a script of wrk."""
    path.write_text(
        f"""
local template = {_lua(question.template())}
local at = -1
function request()
  at = at + 1
  local domain = string.format("%05d", at * {STEP} % {question.domains})
  local mailbox = string.format("%05d", at % {MAILBOXES})
  return (template:gsub("{DOMAIN}", domain):gsub("{MAILBOX}", mailbox))
end
"""
    )


def _lua(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "\\r").replace("\n", "\\n")
    return f'"{escaped}"'


def _send(contestant: Contestant, seconds: int, script: Path) -> int:
    if not script.exists():
        return _send_slowly(contestant, seconds)
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "60s", "-s", str(script)]
    pinned = ["taskset", "-c", "1", *command] if _pins() else command
    done = subprocess.run(
        [*pinned, f"http://127.0.0.1:{contestant.port}/"], capture_output=True, text=True, check=True
    )
    if "Non-2xx" in done.stdout:
        raise RuntimeError(f"{contestant.name} refused requests:\n{done.stdout}")
    counted = re.search(r"(\d+) requests in", done.stdout)
    assert counted is not None, done.stdout
    return int(counted[1])


def _send_slowly(contestant: Contestant, seconds: int) -> int:
    end = time.monotonic() + seconds
    sent = 0
    while time.monotonic() < end:
        request = contestant.question.request(sent)
        if _ask_once(contestant.port, request) != 200:
            raise RuntimeError(f"{contestant.name} refused a request")
        sent += 1
    return sent


def _ask_once(port: int, request: bytes) -> int:
    """Send one request; return the status of the whole answer, 0 where none came."""
    head, _, body = request.partition(b"\r\n\r\n")
    with socket.create_connection(("127.0.0.1", port), timeout=START_SECONDS) as connection:
        connection.sendall(head + b"\r\nConnection: close\r\n\r\n" + body)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    return int(answer.split(b" ", 2)[1]) if answer else 0


def _pins() -> bool:
    return shutil.which("taskset") is not None and (os.cpu_count() or 1) > 1


def _descendants(pid: int) -> Iterator[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children")
    for child in children.read_text().split() if children.exists() else []:
        yield int(child)
        yield from _descendants(int(child))


def _processor_seconds(pid: int) -> float:
    return sum(_stat(pid)[11:13]) / _TICKS


def _reaped_seconds(pid: int) -> float:
    return sum(_stat(pid)[13:15]) / _TICKS


def _stat(pid: int) -> list[int]:
    """The numbers behind the process's name and state in /proc; proc(5) counts from 1 and from the pid."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return [0, *map(int, fields[1:])]


def _megabytes(pid: int) -> float:
    text = Path(f"/proc/{pid}/status").read_text()
    counted = re.search(r"VmRSS:\s+(\d+) kB", text)
    return int(counted[1]) / 1024 if counted else 0.0


PYTHON = sys.executable
