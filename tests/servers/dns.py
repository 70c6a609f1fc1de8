"""A small authoritative DNS server on loopback, UDP and TCP, with the faults that real ones have."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Literal, Self

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

Fault = Literal["NXDOMAIN", "SERVFAIL", "REFUSED", "TIMEOUT", "EMPTY"]
TTL = 60


class NameServer:
    """`records[(name, type)] = [texts]`, e.g. `records["mail.example.com", "A"] = ["127.0.0.1"]`.

    A name `*.example.com` answers for every name below that has none of its own. `faults[name]` is NXDOMAIN,
    SERVFAIL, REFUSED, TIMEOUT (no answer at all) or EMPTY (the name exists, the type does not). What is in neither
    is NXDOMAIN. `truncate` makes UDP answer with TC, so that clients come again by TCP; `queries` holds what was
    asked.
    """

    def __init__(
        self,
        records: dict[tuple[str, str], list[str]] | None = None,
        faults: dict[str, Fault] | None = None,
        *,
        host: str = "127.0.0.1",
        authenticated: bool = False,
    ) -> None:
        self.records = records if records is not None else {}
        self.faults = faults if faults is not None else {}
        self.truncate = False
        self.authenticated = authenticated
        self.queries: list[tuple[str, str]] = []
        self._udp, self._tcp = _bind_both(host, self)
        self.host = host
        self.port: int = self._udp.server_address[1]
        self._threads: list[threading.Thread] = []

    @property
    def address(self) -> str:
        """`host:port`, as HAGAKI_RESOLVER wants it."""
        return f"{self.host}:{self.port}"

    @property
    def resolver(self) -> tuple[str, int]:
        """Host and port, as Outbound wants them."""
        return self.host, self.port

    def answer(self, wire: bytes, *, udp: bool) -> bytes | None:
        """Answer one question; None is silence."""
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        self.queries.append((name, kind))
        fault = self.faults.get(name)
        if fault == "TIMEOUT":
            return None
        response = dns.message.make_response(query, recursion_available=True)
        if udp and self.truncate:
            response.flags |= dns.flags.TC
        elif fault not in (None, "EMPTY"):
            response.set_rcode(dns.rcode.from_text(str(fault)))
        elif fault is None:
            self._fill(response, name, kind)
        if self.authenticated:
            response.flags |= dns.flags.AD
        return response.to_wire()

    def _fill(self, response: dns.message.Message, name: str, kind: str) -> None:
        for _ in range(8):
            answered = self._texts(name, kind)
            if answered:
                response.answer.append(
                    dns.rrset.from_text_list(dns.name.from_text(name), TTL, "IN", kind, answered)
                )
                return
            target = self._texts(name, "CNAME")
            if not target:
                break
            response.answer.append(dns.rrset.from_text_list(dns.name.from_text(name), TTL, "IN", "CNAME", target))
            name = target[0].rstrip(".").lower()
        if not self._exists(name):
            response.set_rcode(dns.rcode.NXDOMAIN)

    def _texts(self, name: str, kind: str) -> list[str]:
        if self._has_own(name):
            return self.records.get((name, kind), [])
        return self.records.get((_wildcard(name), kind), [])

    def _has_own(self, name: str) -> bool:
        return any(known == name for known, _ in self.records)

    def _exists(self, name: str) -> bool:
        below = "." + name
        wildcard = _wildcard(name)
        return any(known in (name, wildcard) or known.endswith(below) for known, _ in self.records)

    def __enter__(self) -> Self:
        for server in (self._udp, self._tcp):
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in (self._udp, self._tcp):
            server.shutdown()
            server.server_close()
        for thread in self._threads:
            thread.join()


class _OverUdp(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        data, sock = self.request
        answer = self.server.name_server.answer(data, udp=True)  # type: ignore[attr-defined]
        if answer is not None:
            sock.sendto(answer, self.client_address)


class _OverTcp(socketserver.StreamRequestHandler):
    timeout = 5

    def handle(self) -> None:
        head = self.rfile.read(2)
        if len(head) < 2:
            return
        wire = self.rfile.read(struct.unpack("!H", head)[0])
        answer = self.server.name_server.answer(wire, udp=False)  # type: ignore[attr-defined]
        if answer is not None:
            self.wfile.write(struct.pack("!H", len(answer)) + answer)


class _Udp(socketserver.UDPServer):
    max_packet_size = 65535


class _Tcp(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def _bind_both(host: str, name_server: NameServer) -> tuple[_Udp, _Tcp]:
    """Take one port number that is free for both transports."""
    for _ in range(50):
        udp = _Udp((host, 0), _OverUdp)
        try:
            tcp = _Tcp((host, udp.server_address[1]), _OverTcp)
        except OSError:
            udp.server_close()
            continue
        udp.name_server = tcp.name_server = name_server  # type: ignore[attr-defined]
        udp.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        return udp, tcp
    raise OSError("no port is free for both UDP and TCP")


def _wildcard(name: str) -> str:
    return "*." + name.partition(".")[2]


def zone(lines: Iterable[str]) -> dict[tuple[str, str], list[str]]:
    """Read `name TYPE text` lines into records, so that a test can show its zone at a glance."""
    records: dict[tuple[str, str], list[str]] = {}
    for line in lines:
        name, kind, text = line.split(None, 2)
        records.setdefault((name.lower(), kind.upper()), []).append(text)
    return records
