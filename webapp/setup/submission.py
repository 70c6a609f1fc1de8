"""What an employee typed, read once: settings to check, or every problem with its field."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace

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
from profiles.xml_document import is_writable
from webapp.discovery.candidates import Candidate, Discovery
from webapp.languages import gettext as _
from webapp.setup.forms import CHOICES, SetupForm, forget_servers, preferred, server_fields

LONGEST_PASSWORD = 1024
"""Far beyond any server's own limit; longer is a paste gone wrong."""

USERNAMES = ("username", "incoming_username", "outgoing_username")

Find = Callable[[str], ServiceSettings | None]
"""domain -> settings; a domain's own first, then the provider's."""
Search = Callable[[Address], Discovery]
"""What the network says about the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """The reading of a form."""

    address: Address | None = None
    settings: ServiceSettings | None = None
    is_complete: bool = False
    """Whether nothing stands in the way of a check."""
    found: Candidate | None = None
    """Servers that the network named, shown with where they come from and open to correction."""
    unavailable: tuple[str, ...] = ()
    """Sources that could not be asked."""
    asks_servers: bool = False
    """Whether a person must name or confirm the servers before a password goes there."""
    problems: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = ()
    """Things mended on the way, worth saying."""

    @property
    def is_over_budget(self) -> bool:
        """Whether this network has searched too often; servers typed by hand are still taken."""
        return any(problem.code is Code.TOO_MANY_SEARCHES for problem in self.problems)


def look_up(form: SetupForm, find: Find, search: Search) -> Submission:
    """Read only the address: what the form must ask next."""
    address, problems = parse_address(form.address.data or "", place="address")
    if address is None:
        return Submission(problems=problems)
    settings = find(address.domain)
    if settings is not None:
        return Submission(address=address, settings=settings, notes=problems)
    shown_for = (form.found.data or "").partition(" ")[2]
    if shown_for and shown_for != address.domain:
        forget_servers(form)  # they were found for the address that stood here before
    if names_servers(form) and not shown_for:
        return Submission(address=address, asks_servers=True, notes=problems)
    return _searched(form, address, search(address), problems)


def _searched(form: SetupForm, address: Address, discovery: Discovery, notes: tuple[Problem, ...]) -> Submission:
    """What the network named: taken where it is proved, or where the person confirmed it by sending it back."""
    refused = tuple(replace(p, place="address") for p in discovery.problems if p.code is Code.TOO_MANY_SEARCHES)
    if refused:
        form.found.data = ""  # what the form names is taken as typed by hand
        unnamed = () if names_servers(form) else refused
        return Submission(address=address, asks_servers=True, problems=unnamed, notes=notes)
    unavailable = tuple(p.params["source"] for p in discovery.problems if p.code is Code.SOURCE_UNAVAILABLE)
    source = (form.found.data or "").partition(" ")[0]
    found = next((each for each in discovery.candidates if each.source == source), discovery.best)
    here = Submission(address=address, found=found, unavailable=unavailable, asks_servers=True, notes=notes)
    if found is None:
        return here
    if names_servers(form):
        return replace(here, settings=found.settings, asks_servers=False) if _is_confirmed(form, found) else here
    # Where no password is taken, none can go astray.
    if found.needs_confirmation and not found.settings.needs_oauth:
        return here
    return replace(here, settings=found.settings, asks_servers=False)


def names_servers(form: SetupForm) -> bool:
    """Whether the servers are written in the form."""
    return bool(form.incoming_hostname.data or form.outgoing_hostname.data)


def _is_confirmed(form: SetupForm, found: Candidate) -> bool:
    """Whether the form's servers are those that were found: nothing was corrected."""
    account = found.settings.account(found.account.address, prefer=preferred(form))
    return all((form[name].data or "").strip() == value for name, value in server_fields(account).items())


def read(form: SetupForm, find: Find, search: Search) -> Submission:
    """Read the whole form, with every problem at once."""
    found = look_up(form, find, search)
    if found.is_over_budget:
        return found
    if found.found is not None and found.asks_servers and not names_servers(form):
        return found  # to be confirmed first
    problems = list(found.problems)
    settings = found.settings
    if found.address is not None and found.asks_servers:
        settings, server_problems = servers_by_hand(form, found.address)
        problems += server_problems
    if settings is not None and settings.needs_oauth:
        problems.append(Problem(Code.AUTH_OAUTH_REQUIRED, {"server": settings.display_name}, place="address"))
        return replace(found, settings=settings, problems=tuple(problems))
    problems += name_problems(form)
    problems += _username_problems(form, settings)
    problems += password_problems(form.password.data or "", as_typed=bool(form.password_as_typed.data))
    if problems or found.address is None or settings is None:
        shown = None if found.asks_servers else settings
        return replace(found, settings=shown, problems=tuple(problems))
    return replace(found, settings=settings, is_complete=True)


def password_problems(password: str, *, as_typed: bool) -> list[Problem]:
    """Ask about what looks like a slip; never change a password."""
    if not password:
        return [Problem(Code.PASSWORD_MISSING, place="password")]
    if len(password) > LONGEST_PASSWORD or not is_writable(password):
        return [Problem(Code.PASSWORD_UNUSABLE, place="password")]
    if not as_typed and (password != password.strip() or any(map(_is_full_width, password))):
        advice = _("If it is written exactly so, type it once more and tick the box below. Otherwise correct it.")
        return [Problem(Code.PASSWORD_UNUSUAL, {"advice": advice}, place="password")]
    return []


def _is_full_width(sign: str) -> bool:
    # Doubles of ASCII and kana are what an input method leaves behind; kanji may well be meant.
    kana = "\u3000" <= sign <= "\u30ff"
    return kana or unicodedata.east_asian_width(sign) in ("F", "H")


def name_problems(form: SetupForm) -> list[Problem]:
    """What speaks against the name, which stands in every file."""
    name = form.full_name.data or ""
    unusable = not is_writable(name) or len(name) > 120
    return [Problem(Code.NAME_UNUSABLE, {"name": name[:120]}, place="full_name")] if unusable else []


def _username_problems(form: SetupForm, settings: ServiceSettings | None) -> list[Problem]:
    typed = {name: (form[name].data or "").strip() for name in USERNAMES}
    unusable = [
        Problem(Code.USERNAME_UNUSABLE, place=name)
        for name, username in typed.items()
        if not is_writable(username)
    ]
    missing = settings is not None and settings.asks_username and not typed["username"]
    return unusable or ([Problem(Code.USERNAME_MISSING, place="username")] if missing else [])


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
