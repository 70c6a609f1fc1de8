"""What each kind of setting may hold: text of the environment -> value, or InvalidValue saying what fits."""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from profiles.address import Address, parse_address
from profiles.problems import N_

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
LANGUAGES = ("ja", "en")
"""The languages that pages, mails and the command line speak."""
SHORTEST_KEY = 16
_HOST_PORT = "HOST:PORT"
_ADDRESS_PORT = N_("ADDRESS or ADDRESS:PORT")
_BASE_URL = N_("https://NAME or http://NAME:PORT")
_DATABASES = N_("sqlite:///PATH or postgresql://NAME:PASSWORD@HOST/DATABASE")
_READABLE_FILE = N_("the path of a file that we can read")


class InvalidValue(ValueError):
    """A value that does not fit; `expected` is a marked text."""

    def __init__(self, expected: str) -> None:
        super().__init__(expected)
        self.expected = expected


def text(value: str) -> str:
    """Anything."""
    return value


def key(value: str) -> bytes:
    """A key long enough not to be guessed."""
    if len(value) < SHORTEST_KEY:
        raise InvalidValue(N_("16 characters or more"))
    return value.encode()


def folder(value: str) -> Path:
    """A folder, there already or not."""
    path = Path(value).expanduser()
    if path.exists() and not path.is_dir():
        raise InvalidValue(N_("the path of a folder that we may write in"))
    return path


def file(value: str) -> Path:
    """A file that is there."""
    path = Path(value).expanduser()
    if not path.is_file() or not os.access(path, os.R_OK):
        raise InvalidValue(_READABLE_FILE)
    return path


def secret_file(value: str) -> str:
    """What stands in the file of a secret, without the newline that editors add."""
    try:
        found = file(value).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        found = ""
    if not found:
        raise InvalidValue(_READABLE_FILE)
    return found


def trust_anchors(value: str) -> Path:
    """A PEM file of certificates."""
    path = file(value)
    try:
        ssl.create_default_context(cafile=path)
    except (ssl.SSLError, OSError):
        raise InvalidValue(N_("the path of a PEM file of certificates")) from None
    return path


def switch(value: str) -> bool:
    """On or off."""
    if value not in ("0", "1"):
        raise InvalidValue(N_("0 or 1"))
    return value == "1"


def days(value: str) -> int:
    """A number of days."""
    if not (value.isascii() and value.isdigit() and 1 <= int(value[:6]) <= 36500):
        raise InvalidValue(N_("a number of days from 1 to 36500"))
    return int(value)


def address(value: str) -> Address | None:
    """A mail address."""
    found, _ = parse_address(value)
    if found is None:
        raise InvalidValue(N_("a mail address such as hagaki@example.jp"))
    return found


def language(value: str) -> str:
    """A language that we speak."""
    if value not in LANGUAGES:
        raise InvalidValue(N_("en or ja"))
    return value


def timezone(value: str) -> ZoneInfo | None:
    """A zone by its name."""
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidValue(N_("a time zone such as Asia/Tokyo")) from None


def system_timezone(environ: Mapping[str, str]) -> ZoneInfo:
    """The zone of the machine: TZ, else where /etc/localtime points, else UTC."""
    _, _, linked = os.path.realpath("/etc/localtime").partition("/zoneinfo/")
    for name in (environ.get("TZ", "").lstrip(":"), linked):
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    return ZoneInfo("UTC")


def networks(value: str) -> tuple[IPNetwork, ...]:
    """Address ranges, separated by commas or blanks."""
    try:
        return tuple(ipaddress.ip_network(part, strict=False) for part in value.replace(",", " ").split())
    except ValueError:
        raise InvalidValue(N_("address ranges such as 10.0.0.0/8, fd00::/8")) from None


def resolver(value: str) -> tuple[str, int]:
    """A DNS server; port 53 unless given."""
    host, port = _host_and_port(value, default_port=53)
    try:
        return str(ipaddress.ip_address(host)), port
    except ValueError:
        raise InvalidValue(_ADDRESS_PORT) from None


def bind(value: str) -> str:
    """An address and port to listen on; an IPv6 address in brackets."""
    host, port = _host_and_port(value, default_port=None)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def base_url(value: str) -> str | None:
    """Scheme, host and perhaps port."""
    parts = _split(value, ("http", "https"), _BASE_URL)
    if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username:
        raise InvalidValue(_BASE_URL)
    return f"{parts.scheme}://{parts.netloc.lower()}"


def base_url_of(bind_address: str) -> str:
    """The URL by which this machine itself reaches an address that we listen on."""
    host, _, port = bind_address.rpartition(":")
    # "Every address of this machine" is no place to go to; loopback is the one that surely answers here.
    reachable = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)  # noqa: S104
    return f"http://{reachable}:{port}"


def database_url(value: str) -> str:
    """A database, with the driver that we bring."""
    if value.startswith("sqlite:///") and len(value) > len("sqlite:///"):
        return value
    url = value.replace("postgres://", "postgresql://", 1)
    parts = _split(url, ("postgresql", "postgresql+psycopg"), _DATABASES)
    return "postgresql+psycopg://" + parts.geturl().split("://", 1)[1]


def url_of(*schemes: str) -> Callable[[str], str | None]:
    """A URL of one of these schemes."""

    def parse(value: str) -> str | None:
        _split(value, schemes, ", ".join(f"{scheme}://…" for scheme in schemes))
        return value

    return parse


def _host_and_port(value: str, *, default_port: int | None) -> tuple[str, int]:
    invalid = InvalidValue(_HOST_PORT if default_port is None else _ADDRESS_PORT)
    if default_port is not None and _is_ipv6(value):
        return value, default_port  # without brackets the whole text is the address
    try:
        parts = urlsplit(f"//{value}")
        host, port = parts.hostname, parts.port or default_port
    except ValueError:
        raise invalid from None
    if not host or port is None or parts.path or parts.query or parts.username:
        raise invalid
    return host, port


def _is_ipv6(value: str) -> bool:
    try:
        ipaddress.IPv6Address(value)
    except ValueError:
        return False
    return True


def _split(value: str, schemes: Iterable[str], expected: str) -> SplitResult:
    try:
        parts = urlsplit(value)
        _ = parts.port  # reads it, and refuses a bad one
    except ValueError:
        raise InvalidValue(expected) from None
    # A PostgreSQL URL may leave the host to its query (a socket's folder).
    if parts.scheme not in schemes or not (
        parts.hostname or (parts.path and parts.scheme.startswith("postgresql"))
    ):
        raise InvalidValue(expected)
    return parts
