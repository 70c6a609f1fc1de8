"""The first line of a server: which protocol it speaks, if any."""

from __future__ import annotations

import re

from profiles.model import Protocol
from profiles.problems import Code
from webapp.probes.dialogue import Failure
from webapp.probes.verdicts import clean

_GREETINGS = (
    (Protocol.IMAP, re.compile(rb"\* (OK|PREAUTH|BYE)\b", re.IGNORECASE)),
    (Protocol.POP3, re.compile(rb"(\+OK|-ERR)\b", re.IGNORECASE)),
    # "SSH-2.0" looks like a continuation line to careless readers: demand the digits.
    (Protocol.SMTP, re.compile(rb"\d{3}([ -]|\Z)")),
)


def recognise(line: bytes) -> Protocol | None:
    """Return the mail protocol of a greeting, None when it is something else (web, SSH, …)."""
    return next((protocol for protocol, pattern in _GREETINGS if pattern.match(line)), None)


def demand_greeting(line: bytes, protocol: Protocol) -> None:
    """Raise Failure unless the greeting is that of `protocol`."""
    found = recognise(line)
    if found is protocol:
        return
    shown = clean(line.decode("utf-8", "replace"))
    if found is None:
        raise Failure(Code.NOT_A_MAIL_SERVER, server_text=shown)
    raise Failure(
        Code.WRONG_PROTOCOL, server_text=shown, params={"asked": protocol.upper(), "spoken": found.upper()}
    )
