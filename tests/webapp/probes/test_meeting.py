"""When the second service may get the password."""

from __future__ import annotations

import pytest

from profiles.problems import Code
from webapp.outbound import Deadline
from webapp.probes.meeting import Meeting


def meeting(*, compare: bool = False, same_host: bool = True) -> Meeting:
    return Meeting(has_incoming=True, has_outgoing=True, same_host=same_host, compare=compare)


def test_smtp_waits_for_the_incoming_verdict() -> None:
    assert meeting().outgoing_gate(Deadline(0.01)) is Code.SERVER_TOO_SLOW


@pytest.mark.parametrize(
    ("verdict", "compare", "answer"),
    [
        (None, False, None),
        (Code.AUTH_WRONG_PASSWORD, False, Code.AUTH_WRONG_PASSWORD),
        (Code.AUTH_WRONG_PASSWORD, True, None),
        (Code.CONNECT_REFUSED, False, Code.CONNECT_REFUSED),
        (Code.AUTH_RATE_LIMITED, True, Code.AUTH_RATE_LIMITED),
        (Code.AUTH_IP_BLOCKED, True, Code.AUTH_IP_BLOCKED),
    ],
)
def test_smtp_logs_in_after(verdict: Code | None, compare: bool, answer: Code | None) -> None:
    here = meeting(compare=compare)
    here.tell_incoming(verdict)

    assert here.outgoing_gate(Deadline(1)) is answer


def test_first_verdict_counts() -> None:
    """A broken mailbox comes after the password was taken."""
    here = meeting()
    here.tell_incoming(None)
    here.tell_incoming(Code.MAILBOX_UNAVAILABLE)

    assert here.outgoing_gate(Deadline(1)) is None


@pytest.mark.parametrize(("same_host", "answer"), [(True, Code.CERT_EXPIRED), (False, None)])
def test_broken_tls_of_one_service_keeps_the_password_from_the_other(same_host: bool, answer: Code | None) -> None:
    here = meeting(same_host=same_host)
    here.tell_tls(Code.CERT_EXPIRED, outgoing=True)

    assert here.incoming_gate(Deadline(1)) is answer


def test_wrong_port_says_nothing_about_trust() -> None:
    here = meeting()
    here.tell_tls(Code.CONNECT_REFUSED, outgoing=True)

    assert here.incoming_gate(Deadline(1)) is None
