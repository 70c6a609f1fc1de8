"""HAGAKI_SMTP_URL, read: which server takes the mails of this host, and who we are to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from profiles.address import Address, parse_address, to_host
from profiles.problems import N_, Code, Problem, ProblemError

SETTING, SENDER_SETTING = "HAGAKI_SMTP_URL", "HAGAKI_MAIL_FROM"


class Security(StrEnum):
    """When TLS begins. Where it begins, it is verified."""

    TLS = "smtps"
    STARTTLS = "smtp+starttls"
    OFFERED = "smtp"
    """STARTTLS where the server offers it; never within this machine, where nobody listens on the way."""


PORTS = {Security.TLS: 465, Security.STARTTLS: 587, Security.OFFERED: 25}


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """The server that takes our mails."""

    host: str
    port: int
    security: Security
    username: str = ""
    password: str = field(default="", repr=False)

    @property
    def endpoint(self) -> str:
        """`host:port`, as problems name it."""
        return f"{self.host}:{self.port}"

    @property
    def is_local(self) -> bool:
        """Whether it runs on this machine."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def read_relay(smtp_url: str | None) -> Relay:
    """Read the setting; MAIL_NOT_SET_UP where there is none, SETTING_INVALID where no server is named."""
    if smtp_url is None:
        raise ProblemError(Problem(Code.MAIL_NOT_SET_UP, {"setting": SETTING}, place=SETTING))
    parts = urlsplit(smtp_url)
    host = to_host(unquote(parts.hostname or ""))
    if host is None:
        params = {"setting": SETTING, "value": "…", "expected": N_("the name of a server")}
        raise ProblemError(Problem(Code.SETTING_INVALID, params, place=SETTING))
    security = Security(parts.scheme)
    return Relay(
        host=host,
        port=parts.port or PORTS[security],
        security=security,
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


def sender_of(relay: Relay, mail_from: Address | None) -> Address:
    """Whose mails they are: the setting, else the address we log in with; MAIL_NOT_SET_UP without both."""
    sender = mail_from or parse_address(relay.username)[0]
    if sender is None:
        raise ProblemError(Problem(Code.MAIL_NOT_SET_UP, {"setting": SENDER_SETTING}, place=SENDER_SETTING))
    return sender
