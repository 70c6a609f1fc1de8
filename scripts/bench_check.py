#!/usr/bin/env python3
"""Compares a complete check with what nothing can beat: bare log-ins over raw sockets on the same servers.

`ratios()` gives what `make bench` prints; run alone, this prints its own part. Ratios of one run are the figures:
milliseconds belong to a machine.
"""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from profiles.model import MailAccount, Server
from tests.servers.authority import Authority
from tests.servers.delay import DelayProxy
from tests.servers.dns import NameServer, zone
from tests.servers.environment import MAIL_HOST, Environment, account_of, service
from tests.servers.people import PEOPLE
from tests.servers.slow import REPLY_SECONDS, slow_servers
from tests.servers.world import CANARY, World, account_on, imap, smtp
from webapp.outbound import Outbound
from webapp.probes import check

PERSON_ON_SERVERS = PEOPLE["normal"]
HOST_ADDRESS = "127.0.0.2"
HALF_ROUND_TRIP = 0.025
FEW, MANY = 20, 200


def ratios() -> list[tuple[str, float, str]]:
    """Name, ratio and goal of each comparison."""
    near, far = against_bare_logins()
    return [
        ("complete check / both bare log-ins, loopback", near, ""),
        ("complete check / both bare log-ins, 50 ms per round trip", far, "<= 1.3"),
        (f"{MANY} checks at once / {FEW}, {REPLY_SECONDS} s per reply", many_against_few(), "<= 3"),
    ]


def against_bare_logins() -> tuple[float, float]:
    """The check against both log-ins in sequence: directly, and 50 ms per round trip away."""
    with Environment.start() as environment:
        incoming, outgoing = environment.incoming(), environment.outgoing()
        near = compare(environment, incoming, outgoing, rounds=30)
        with (
            DelayProxy((HOST_ADDRESS, incoming.port), seconds=HALF_ROUND_TRIP) as far_incoming,
            DelayProxy((HOST_ADDRESS, outgoing.port), seconds=HALF_ROUND_TRIP) as far_outgoing,
        ):
            far = compare(
                environment,
                replace(incoming, port=far_incoming.port),
                replace(outgoing, port=far_outgoing.port),
                rounds=9,
            )
    return near, far


def compare(environment: Environment, incoming: Server, outgoing: Server, *, rounds: int) -> float:
    """Median of the check over median of the bare log-ins, taken in turn."""
    account = account_of(PERSON_ON_SERVERS, service((incoming,), (outgoing,)))
    outbound = environment.outbound()
    trust = ssl.create_default_context(cafile=str(environment.ca_file))
    ours, bare = [], []
    for _ in range(rounds + 1):
        ours.append(seconds(lambda: checked(account, PERSON_ON_SERVERS.password, outbound)))
        bare.append(seconds(lambda: log_in_barely(trust, incoming.port, outgoing.port)))
    return statistics.median(ours[1:]) / statistics.median(bare[1:])


def checked(account: MailAccount, password: str, outbound: Outbound) -> None:
    """One complete check, which must be good."""
    report = check(account, password, outbound=outbound)
    assert report.ok, report.problems


def seconds(work: Callable[[], None]) -> float:
    """How long `work` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def log_in_barely(trust: ssl.SSLContext, imap_port: int, smtp_port: int) -> None:
    """What no client can do without: connect, TLS, greeting, log in, good bye; IMAP, then SMTP."""
    token = base64.b64encode(f"\0{PERSON_ON_SERVERS.username}\0{PERSON_ON_SERVERS.password}".encode())
    with connected(trust, imap_port) as say:
        say(None, b"* OK")
        say(b"a AUTHENTICATE PLAIN " + token, b"a OK")
        say(b"b LOGOUT", b"* BYE")
    with connected(trust, smtp_port) as say:
        say(None, b"220 ")
        say(b"EHLO bench.example.com", b"250 ")
        say(b"AUTH PLAIN " + token, b"235 ")
        say(b"QUIT", b"221 ")


@contextlib.contextmanager
def connected(trust: ssl.SSLContext, port: int) -> Iterator[Callable[[bytes | None, bytes], None]]:
    """A connection as a function: send a line, read until a line begins as expected."""
    with socket.create_connection((HOST_ADDRESS, port)) as raw:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with trust.wrap_socket(raw, server_hostname=MAIL_HOST) as tls, tls.makefile("rb") as lines:

            def say(command: bytes | None, expected: bytes) -> None:
                if command is not None:
                    tls.sendall(command + b"\r\n")
                # Postfix answers after Python's late ACK of the TLS tickets otherwise (40 ms).
                raw_quick_ack(tls)
                for line in lines:
                    if line.startswith(expected):
                        return
                raise AssertionError(expected)

            yield say


def raw_quick_ack(tls: ssl.SSLSocket) -> None:
    """Ask for immediate acknowledgements, as the check does."""
    tls.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def many_against_few() -> float:
    """The time of 200 checks at once over that of 20; the servers are slow and live in a process of their own."""
    with (
        tempfile.TemporaryDirectory(prefix="hagaki-") as folder,
        NameServer(zone(["*.example.com A 127.0.0.1"])) as names,
    ):
        world = World(Authority(Path(folder)), names)
        with slow_servers(world.authority) as servers:
            account = account_on(imap(servers.imap), smtp(servers.smtp))
            outbound = world.outbound()
            few = seconds(lambda: at_once(FEW, account, outbound))
            many = seconds(lambda: at_once(MANY, account, outbound))
    return many / few


def at_once(count: int, account: MailAccount, outbound: Outbound) -> None:
    """Run `count` checks in as many threads and wait for all."""
    failed: list[Exception] = []

    def one() -> None:
        try:
            checked(account, CANARY, outbound)
        except Exception as error:  # noqa: BLE001 - the measuring thread raises it again
            failed.append(error)

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def main() -> None:
    """Print the ratios."""
    for name, ratio, goal in ratios():
        print(f"{name:60} {ratio:6.2f}  {goal}")


if __name__ == "__main__":
    main()
