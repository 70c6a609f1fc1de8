"""Healthy servers that take their time for each reply, in a process of their own: they cost ours nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.authority import Authority, CertificateFiles
from tests.servers.scripted import Imap, ScriptedServer, Smtp, server_context

REPLY_SECONDS = 0.3
TOP = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, slots=True)
class SlowServers:
    """Their TLS ports."""

    imap: int
    smtp: int


@contextmanager
def slow_servers(authority: Authority) -> Iterator[SlowServers]:
    """Start this file as a program; its first line tells the ports, the end of its input ends it."""
    files = authority.good()
    command = [sys.executable, "-m", "tests.servers.slow", str(files.chain), str(files.key)]
    with subprocess.Popen(command, cwd=TOP, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stdin is not None
        try:
            yield SlowServers(*(int(port) for port in program.stdout.readline().split()))
        finally:
            program.stdin.close()


def serve(chain: Path, key: Path) -> None:
    """Be the servers until standard input ends."""
    context = server_context(CertificateFiles(chain=chain, key=key))
    capability = "IMAP4rev1 SASL-IR AUTH=PLAIN ID NAMESPACE"
    slow_imap = Imap(capability=capability, reply_delay=REPLY_SECONDS)
    slow_smtp = Smtp(ehlo=("PIPELINING", "SIZE 1000000", "AUTH PLAIN"), reply_delay=REPLY_SECONDS)
    with ScriptedServer(slow_imap, tls=context) as first, ScriptedServer(slow_smtp, tls=context) as second:
        print(first.port, second.port, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), Path(sys.argv[2]))
