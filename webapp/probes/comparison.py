"""What the two services say together, and what the provider's own rules make of a refusal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from profiles.model import MailAccount, Protocol, Server, ServiceSettings, SignIn
from profiles.problems import Code, Problem
from webapp.probes.credentials import Credentials
from webapp.probes.dialogue import Facts, Failure
from webapp.probes.record import Outcome

REFUSALS = frozenset((Code.AUTH_WRONG_PASSWORD, Code.AUTH_APP_PASSWORD, Code.AUTH_WRONG_PASSWORD_OR_DISABLED))
"""The password or the user name is wrong, as far as the server says."""

_ONCE_PER_HOST = ("DNS_", "CERT_", "TARGET_", "HOST_")
_GOOGLE = (".gmail.com", ".googlemail.com")


def refined(failure: Failure, settings: ServiceSettings, server: Server, who: Credentials | None) -> Failure:
    """Say "app password" where the provider wants one, and carry the provider's own advice."""
    if failure.code not in REFUSALS:
        return failure
    code = failure.code
    if settings.sign_in is SignIn.APP_PASSWORD or _is_no_google_app_password(server, who):
        code = Code.AUTH_APP_PASSWORD
    params: dict[str, Any] = failure.params
    if settings.refusal_advice is not None:
        params = params | {"advice": settings.refusal_advice}
    return Failure(code, server_text=failure.server_text, params=params)


def _is_no_google_app_password(server: Server, who: Credentials | None) -> bool:
    """Google's app passwords are 16 letters, shown in groups of four; Workspace domains have the same servers."""
    if who is None or not server.hostname.endswith(_GOOGLE):
        return False
    letters = who.password.replace(b" ", b"")
    return not (len(letters) == 16 and letters.isalpha())


def compared(
    account: MailAccount, incoming: Outcome, outgoing: Outcome, read: Facts | None, sent: Facts | None
) -> Iterator[Problem]:
    """What both results together make likely."""
    if read is None or sent is None:
        return
    if incoming.failed in REFUSALS and sent.accepted:
        yield _note(Code.IMAP_OFF_LIKELY, account, account.incoming[0])
    elif read.accepted and outgoing.failed in REFUSALS | {Code.AUTH_SMTP_DISABLED}:
        yield _note(Code.SMTP_SEPARATE_LIKELY, account, account.outgoing[0])
    elif incoming.failed in REFUSALS and outgoing.failed in REFUSALS:
        yield from _other_username(account)


def _other_username(account: MailAccount) -> Iterator[Problem]:
    """Offer the id instead of the address, or the address instead of the id; the person decides."""
    server = account.incoming[0]
    address = account.address
    other = address.local if server.username.lower() == address.key else str(address)
    yield _note(Code.USERNAME_FORM_LIKELY, account, server, username=other, suggested_username=other)


def _note(code: Code, account: MailAccount, server: Server, **more: str) -> Problem:
    params = {
        "server": server.endpoint,
        "host": server.hostname,
        "protocol": server.protocol.upper(),
        "incoming": Protocol(account.incoming[0].protocol).upper(),
        "username": server.username,
        "address": str(account.address),
    }
    return Problem(code, params | more, server=server.endpoint)


def without_repetition(problems: Iterable[Problem]) -> Iterator[Problem]:
    """The same fault of the same host is named once, also when both services met it."""
    seen: set[tuple[object, ...]] = set()
    for problem in problems:
        params = {key: value for key, value in problem.params.items() if key not in _OF_ONE_SERVICE}
        key = (problem.code, tuple(sorted((name, str(value)) for name, value in params.items())))
        if problem.code.startswith(_ONCE_PER_HOST) and key in seen:
            continue
        seen.add(key)
        yield problem


_OF_ONE_SERVICE = frozenset(("server", "port", "protocol", "security", "username"))
