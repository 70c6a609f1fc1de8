"""What an employee typed, read once: settings to check, or every problem with its field."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from profiles.address import Address, parse_address, to_ascii
from profiles.model import (
    ADDRESS,
    DEFAULT_PORTS,
    Protocol,
    Server,
    ServiceSettings,
    SocketType,
    Source,
)
from profiles.problems import Code, Problem
from webapp.discovery.candidates import Candidate
from webapp.setup.forms import CHOICES, SetupForm

LONGEST_PASSWORD = 1024
"""Far beyond any server's own limit; longer is a paste gone wrong."""

Find = Callable[[str], ServiceSettings | None]
"""domain -> settings; a domain's own first, then the provider's."""
Search = Callable[[Address], Candidate | None]
"""What the network says about the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """The reading of a form."""

    address: Address | None = None
    settings: ServiceSettings | None = None
    is_complete: bool = False
    """Whether nothing stands in the way of a check."""
    found: Candidate | None = None
    """Servers that the network named and a person should confirm before a password goes there."""
    asks_servers: bool = False
    """Whether the form must ask for the servers."""
    problems: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = ()
    """Things mended on the way, worth saying."""


def look_up(form: SetupForm, find: Find, search: Search) -> Submission:
    """Read only the address: what the form must ask next."""
    address, problems = parse_address(form.address.data or "", place="address")
    if address is None:
        return Submission(problems=problems)
    settings = find(address.domain)
    if settings is not None or form.incoming_hostname.data or form.outgoing_hostname.data:
        return Submission(address=address, settings=settings, asks_servers=settings is None, notes=problems)
    found = search(address)
    if found is not None and not found.needs_confirmation:
        return Submission(address=address, settings=found.settings, notes=problems)
    return Submission(address=address, found=found, asks_servers=True, notes=problems)


def read(form: SetupForm, find: Find, search: Search) -> Submission:
    """Read the whole form, with every problem at once."""
    found = look_up(form, find, search)
    problems = list(found.problems)
    settings = found.settings
    if found.address is not None and found.asks_servers:
        settings, server_problems = servers_by_hand(form, found.address)
        problems += server_problems
    if settings is not None and settings.needs_oauth:
        problems.append(Problem(Code.AUTH_OAUTH_REQUIRED, {"server": settings.display_name}, place="address"))
        return _blocked(found, settings, problems)
    problems += _name_problems(form)
    problems += _username_problems(form, settings)
    problems += password_problems(form.password.data or "", as_typed=bool(form.password_as_typed.data))
    if problems or found.address is None or settings is None:
        return _blocked(found, settings if not found.asks_servers else None, problems)
    return Submission(
        address=found.address,
        settings=settings,
        is_complete=True,
        asks_servers=found.asks_servers,
        notes=found.notes,
    )


def _blocked(found: Submission, settings: ServiceSettings | None, problems: list[Problem]) -> Submission:
    return Submission(
        address=found.address,
        settings=settings,
        found=found.found,
        asks_servers=found.asks_servers,
        problems=tuple(problems),
        notes=found.notes,
    )


def password_problems(password: str, *, as_typed: bool) -> list[Problem]:
    """Ask about what looks like a slip; never change a password."""
    if not password:
        return [Problem(Code.PASSWORD_MISSING, place="password")]
    if len(password) > LONGEST_PASSWORD or any(unicodedata.category(sign) in ("Cc", "Cs") for sign in password):
        return [Problem(Code.PASSWORD_UNUSABLE, place="password")]
    if not as_typed and (password != password.strip() or any(map(_is_full_width, password))):
        return [Problem(Code.PASSWORD_UNUSUAL, place="password")]
    return []


def _is_full_width(sign: str) -> bool:
    # Doubles of ASCII and kana are what an input method leaves behind; kanji may well be meant.
    kana = "\u3000" <= sign <= "\u30ff"
    return kana or unicodedata.east_asian_width(sign) in ("F", "H")


def _name_problems(form: SetupForm) -> list[Problem]:
    name = form.full_name.data or ""
    unusable = any(unicodedata.category(sign) in ("Cc", "Cs", "Cn") for sign in name) or len(name) > 120
    return [Problem(Code.NAME_UNUSABLE, {"name": name[:120]}, place="full_name")] if unusable else []


def _username_problems(form: SetupForm, settings: ServiceSettings | None) -> list[Problem]:
    username = (form.username.data or "").strip()
    if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in username):
        return [Problem(Code.USERNAME_MISSING, place="username")]
    missing = settings is not None and settings.asks_username and not username
    return [Problem(Code.USERNAME_MISSING, place="username")] if missing else []


def servers_by_hand(form: SetupForm, address: Address) -> tuple[ServiceSettings | None, list[Problem]]:
    """Make settings of the servers that the person typed."""
    if not (form.incoming_hostname.data or form.outgoing_hostname.data):
        problem = Problem(Code.SETTINGS_UNKNOWN, {"domain": address.domain}, place="incoming_hostname")
        return None, [problem]
    incoming, problems = _server(form, "incoming", Protocol(_choice(form, "incoming_protocol", "imap")))
    outgoing, more = _server(form, "outgoing", Protocol.SMTP)
    if incoming is None or outgoing is None:
        return None, [*problems, *more]
    settings = ServiceSettings(
        id=address.domain,
        display_name=address.domain,
        display_short_name=address.domain,
        domains=(address.domain,),
        incoming_servers=(incoming,),
        outgoing_servers=(outgoing,),
        source=Source.OPTIONS,
    )
    return settings, []


def _server(form: SetupForm, side: str, protocol: Protocol) -> tuple[Server | None, list[Problem]]:
    problems = []
    typed = (form[f"{side}_hostname"].data or "").strip()
    hostname = to_ascii(unicodedata.normalize("NFKC", typed)) if typed else None
    if hostname is None or "." not in hostname:
        problems.append(Problem(Code.HOST_INVALID, {"host": typed[:255]}, place=f"{side}_hostname"))
    socket_type = SocketType(_choice(form, f"{side}_security", SocketType.SSL))
    port = _port(form[f"{side}_port"].data or "", DEFAULT_PORTS[protocol, socket_type])
    if port is None:
        value = (form[f"{side}_port"].data or "").strip()[:20]
        problems.append(Problem(Code.PORT_INVALID, {"port": value}, place=f"{side}_port"))
    username = (form[f"{side}_username"].data or "").strip() or ADDRESS
    if hostname is None or port is None or problems:
        return None, problems
    server = Server(protocol=protocol, hostname=hostname, port=port, socket_type=socket_type, username=username)
    return server, []


def _choice(form: SetupForm, name: str, default: str) -> str:
    value = form[name].data
    return value if value in CHOICES[name] else default


def _port(text: str, default: int) -> int | None:
    digits = unicodedata.normalize("NFKC", text).strip()
    if not digits:
        return default
    return int(digits) if digits.isascii() and digits.isdigit() and 1 <= int(digits[:6]) <= 65535 else None
