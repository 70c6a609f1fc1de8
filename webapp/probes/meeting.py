"""Where the incoming and the outgoing probe wait for each other, so that a wrong password is tried once."""

from __future__ import annotations

import threading

from profiles.problems import Code
from webapp.outbound import Deadline

TLS_WAIT = 3.0
"""How long the incoming log-in waits for the other service's TLS on the same host."""

_STOP_COMPARING = frozenset((Code.AUTH_RATE_LIMITED, Code.AUTH_IP_BLOCKED, Code.AUTH_ACCOUNT_LOCKED))
"""Another attempt would make it worse."""


SPOILS_TRUST = frozenset(
    (
        *(code for code in Code if code.startswith("CERT_") and code is not Code.CERT_EXPIRES_SOON),
        Code.TLS_FAILED,
        Code.STARTTLS_INJECTION,
        Code.PREAUTH_REFUSED,
    )
)
"""Somebody may sit between us and this host."""


class Meeting:
    """Knows what each side has found. `has_incoming` and `has_outgoing` say who takes part."""

    def __init__(self, *, has_incoming: bool, has_outgoing: bool, same_host: bool, compare: bool) -> None:
        self._same_host = same_host
        self._compare = compare
        self._incoming_settled = threading.Event()
        self._outgoing_tls_settled = threading.Event()
        self._broken_tls: Code | None = None
        self._incoming_code: Code | None = None
        if not has_incoming:
            self._incoming_settled.set()
        if not has_outgoing:
            self._outgoing_tls_settled.set()

    def tell_tls(self, code: Code | None, *, outgoing: bool) -> None:
        """One side's TLS is up (None), or the side ended with a code before."""
        if code in SPOILS_TRUST:
            self._broken_tls = self._broken_tls or code
        if outgoing:
            self._outgoing_tls_settled.set()

    def tell_incoming(self, code: Code | None) -> None:
        """The incoming server took the password (None), or the check ended with a code."""
        if not self._incoming_settled.is_set():
            self._incoming_code = code
            self._incoming_settled.set()

    def incoming_gate(self, total: Deadline) -> Code | None:
        """A host whose TLS is broken on one port does not get the password on the other."""
        if not self._same_host:
            return None
        self._outgoing_tls_settled.wait(total.within(TLS_WAIT).remaining)
        return self._broken_tls

    def outgoing_gate(self, total: Deadline) -> Code | None:
        """SMTP logs in only after the incoming server took the password, unless comparing was asked for."""
        if not self._incoming_settled.wait(total.remaining):
            return Code.SERVER_TOO_SLOW
        if self._same_host and self._broken_tls is not None:
            return self._broken_tls
        if self._incoming_code is None or (self._compare and self._incoming_code not in _STOP_COMPARING):
            return None
        return self._incoming_code
