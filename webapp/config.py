"""The environment, read once into one frozen Config. Nothing else reads it, and nothing here reads twice.

Every problem is found before anything is refused, so that an operator mends them all in one go. `load` writes
nothing; the data folder and its two keys are made by `Config.prepare` or when a key is first asked for.
"""

from __future__ import annotations

import ipaddress
import os
import secrets
import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from profiles.problems import Code, Problem, ProblemError

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
Value = TypeVar("Value")

PREFIX = "HAGAKI_"
TEST_PREFIX = "HAGAKI_TEST_"
"""Names of the test suite's own switches; they are not settings and are passed over."""
DEFAULT_BIND = "127.0.0.1:8080"
LANGUAGES = ("en", "ja")
SHORTEST_KEY = 16

SECRETS = frozenset(
    ("SECRET_KEY", "LINK_KEY", "DATABASE_URL", "SMTP_URL", "QUEUE_URL", "METRICS_TOKEN", "SIGNING_KEY")
)
"""Settings that may also come as X_FILE. (SIGNING_KEY is a path itself, so there both spellings mean the same.)"""
SETTINGS = SECRETS | frozenset(
    (
        "ALLOW_NETWORKS",
        "ALLOW_OTHER_SERVERS",
        "ALLOW_UNCHECKED",
        "BASE_URL",
        "BIND",
        "CA_FILE",
        "DATA",
        "LANGUAGE",
        "RESOLVER",
        "RETENTION_DAYS",
        "SIGNING_CERTIFICATE",
        "SIGNING_CHAIN",
        "TIMEZONE",
        "TRUSTED_PROXIES",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What the host decided. Secrets never show in its repr."""

    data: Path
    database_url: str = field(repr=False)
    base_url: str
    """Without a slash at its end."""
    bind: str = DEFAULT_BIND
    given_base_url: bool = False
    given_secret_key: bytes | None = field(default=None, repr=False)
    given_link_key: bytes | None = field(default=None, repr=False)
    ca_file: Path | None = None
    allow_networks: tuple[IPNetwork, ...] = ()
    resolver: tuple[str, int] | None = None
    signing_certificate: Path | None = None
    signing_key: Path | None = None
    signing_chain: Path | None = None
    smtp_url: str | None = field(default=None, repr=False)
    queue_url: str | None = field(default=None, repr=False)
    trusted_proxies: tuple[IPNetwork, ...] = ()
    language: str = "en"
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    metrics_token: str | None = field(default=None, repr=False)
    allow_other_servers: bool = True
    allow_unchecked: bool = True
    retention_days: int = 90
    oidc: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The OIDC_* settings under their names without prefix ("OIDC_ISSUER")."""
    development: bool = False
    """Only by `serve --development`; there is no variable for it."""
    limit_attempts: bool = True
    """The caps of failed log-ins; only benchmarks set it off, so there is no variable for it."""

    @property
    def secret_key(self) -> bytes:
        """Signs forms and sessions; made in the data folder unless given."""
        return self.given_secret_key or _key_file(self.data / "secret.key")

    @property
    def link_key(self) -> bytes:
        """Derives the links of batches; stands in neither database nor backup."""
        return self.given_link_key or _key_file(self.data / "link.key")

    @property
    def hostname(self) -> str:
        """The host of BASE_URL, without port."""
        return urlsplit(self.base_url).hostname or "localhost"

    def prepare(self) -> Config:
        """Make the data folder and the keys."""
        try:
            self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not (self.secret_key and self.link_key):
                raise OSError("empty key file")
        except OSError as error:
            params = {"setting": PREFIX + "DATA", "value": str(self.data), "expected": "a folder we may write in"}
            raise ProblemError(
                Problem(Code.SETTING_INVALID, params, place=PREFIX + "DATA", server_text=str(error))
            ) from None
        return self

    def with_bind(self, bind: str) -> Config:
        """The same with another address to listen on; a BASE_URL that was not given follows."""
        reader = _Reader({PREFIX + "BIND": bind})
        parsed = reader.take("BIND", _bind, DEFAULT_BIND)
        reader.refuse_problems()
        base_url = self.base_url if self.given_base_url else _base_url_of(parsed)
        return replace(self, bind=parsed, base_url=base_url)


def load(environ: Mapping[str, str]) -> Config:
    """Read every HAGAKI_ variable; raise ProblemError with all problems."""
    reader = _Reader(environ)
    data = reader.take("DATA", _folder, Path("data"))
    bind = reader.take("BIND", _bind, DEFAULT_BIND)
    base_url = reader.take("BASE_URL", _base_url, None)
    config = Config(
        data=data,
        database_url=reader.take("DATABASE_URL", _database_url, f"sqlite:///{data.absolute()}/hagaki.sqlite"),
        base_url=base_url or _base_url_of(bind),
        bind=bind,
        given_base_url=base_url is not None,
        given_secret_key=reader.take("SECRET_KEY", _key, None),
        given_link_key=reader.take("LINK_KEY", _key, None),
        ca_file=reader.take("CA_FILE", _trust_anchors, None),
        allow_networks=reader.take("ALLOW_NETWORKS", _networks, ()),
        resolver=reader.take("RESOLVER", _resolver, None),
        signing_certificate=reader.take("SIGNING_CERTIFICATE", _file, None),
        signing_key=reader.take("SIGNING_KEY", _file, None),
        signing_chain=reader.take("SIGNING_CHAIN", _file, None),
        smtp_url=reader.take("SMTP_URL", _url_of("smtp", "smtps", "smtp+starttls"), None),
        queue_url=reader.take("QUEUE_URL", _url_of("redis", "rediss", "postgresql"), None),
        trusted_proxies=reader.take("TRUSTED_PROXIES", _networks, ()),
        language=reader.take("LANGUAGE", _language, "en"),
        timezone=reader.take("TIMEZONE", _timezone, None) or _system_timezone(environ),
        metrics_token=reader.take("METRICS_TOKEN", _text, None),
        allow_other_servers=reader.take("ALLOW_OTHER_SERVERS", _switch, base_url is None),
        allow_unchecked=reader.take("ALLOW_UNCHECKED", _switch, True),
        retention_days=reader.take("RETENTION_DAYS", _days, 90),
        oidc=reader.oidc(),
    )
    reader.require_together("SIGNING_CERTIFICATE", "SIGNING_KEY")
    reader.require_first("SIGNING_CHAIN", "SIGNING_CERTIFICATE")
    reader.refuse_problems()
    return config


class _Reader:
    """Takes settings out of the environment and collects what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        ours = {name.removeprefix(PREFIX): value for name, value in environ.items() if name.startswith(PREFIX)}
        self.problems: list[Problem] = []
        self._values: dict[str, str] = {}
        for name in sorted(ours):
            if not (PREFIX + name).startswith(TEST_PREFIX):
                self._admit(name, ours)

    def take(self, name: str, parse: Callable[[str], Value], default: Value) -> Value:
        """Parse one setting; a bad one becomes a problem and the default stands in until all are read."""
        if name not in self._values:
            return default
        try:
            return parse(self._values[name])
        except _Invalid as error:
            shown = "…" if name in SECRETS else self._values[name]
            params = {"setting": PREFIX + name, "value": shown, "expected": error.expected}
            self.problems.append(Problem(Code.SETTING_INVALID, params, place=PREFIX + name))
            return default

    def oidc(self) -> dict[str, str]:
        """Every OIDC_* setting."""
        return {name: value for name, value in self._values.items() if name.startswith("OIDC_")}

    def require_together(self, first: str, second: str) -> None:
        """Two settings that mean nothing alone."""
        if (first in self._values) != (second in self._values):
            self._conflict(first, second)

    def require_first(self, name: str, needed: str) -> None:
        """A setting that means nothing without another."""
        if name in self._values and needed not in self._values:
            self._conflict(name, needed)

    def refuse_problems(self) -> None:
        """Raise everything found."""
        if self.problems:
            raise ProblemError(self.problems)

    def _admit(self, name: str, ours: Mapping[str, str]) -> None:
        plain = name.removesuffix("_FILE")
        by_file = name.endswith("_FILE") and name not in SETTINGS and (plain in SECRETS or _is_oidc(plain))
        if by_file:
            self._admit_file(name, plain, ours)
        elif name not in SETTINGS and not _is_oidc(name):
            self._unknown(name)
        elif ours[name].strip():
            # An empty value is an unset one: compose files write HAGAKI_X=${X:-}.
            self._values[name] = ours[name].strip()

    def _admit_file(self, name: str, plain: str, ours: Mapping[str, str]) -> None:
        if not ours[name].strip():
            return
        if ours.get(plain, "").strip():
            self._conflict(plain, name)
            return
        try:
            text = Path(ours[name]).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            text = ""
        if not text:
            params = {"setting": PREFIX + name, "value": ours[name], "expected": "a file that we can read"}
            self.problems.append(Problem(Code.SETTING_INVALID, params, place=PREFIX + name))
            return
        self._values[plain] = ours[name] if plain == "SIGNING_KEY" else text

    def _unknown(self, name: str) -> None:
        near = get_close_matches(name, SETTINGS, 1)
        params = {"setting": PREFIX + name, "nearest": PREFIX + near[0] if near else ""}
        self.problems.append(Problem(Code.SETTING_UNKNOWN, params, place=PREFIX + name))

    def _conflict(self, first: str, second: str) -> None:
        params = {"setting": PREFIX + first, "other": PREFIX + second}
        self.problems.append(Problem(Code.SETTING_CONFLICT, params, place=PREFIX + first))


class _Invalid(ValueError):
    """A value that does not fit; says what would."""

    def __init__(self, expected: str) -> None:
        super().__init__(expected)
        self.expected = expected


def _is_oidc(name: str) -> bool:
    return name.startswith("OIDC_") and len(name) > len("OIDC_")


def _text(text: str) -> str:
    return text


def _key(text: str) -> bytes:
    if len(text) < SHORTEST_KEY:
        raise _Invalid(f"{SHORTEST_KEY} characters or more")
    return text.encode()


def _folder(text: str) -> Path:
    path = Path(text).expanduser()
    if path.exists() and not path.is_dir():
        raise _Invalid("a folder")
    return path


def _file(text: str) -> Path:
    path = Path(text).expanduser()
    if not path.is_file() or not os.access(path, os.R_OK):
        raise _Invalid("a file that we can read")
    return path


def _trust_anchors(text: str) -> Path:
    path = _file(text)
    try:
        ssl.create_default_context(cafile=path)
    except (ssl.SSLError, OSError):
        raise _Invalid("a PEM file of certificates") from None
    return path


def _switch(text: str) -> bool:
    if text not in ("0", "1"):
        raise _Invalid("0 or 1")
    return text == "1"


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= 36500):
        raise _Invalid("days, 1 to 36500")
    return int(text)


def _language(text: str) -> str:
    if text not in LANGUAGES:
        raise _Invalid("en, ja")
    return text


def _timezone(text: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _Invalid("a time zone such as Asia/Tokyo") from None


def _system_timezone(environ: Mapping[str, str]) -> ZoneInfo:
    """The zone of the machine: TZ, else where /etc/localtime points, else UTC."""
    _, _, linked = os.path.realpath("/etc/localtime").partition("/zoneinfo/")
    for name in (environ.get("TZ", "").lstrip(":"), linked):
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    return ZoneInfo("UTC")


def _networks(text: str) -> tuple[IPNetwork, ...]:
    return tuple(_network(part) for part in text.replace(",", " ").split())


def _network(text: str) -> IPNetwork:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise _Invalid("address ranges such as 10.0.0.0/8, fd00::/8") from None


def _resolver(text: str) -> tuple[str, int]:
    host, port = _host_and_port(text, default_port=53)
    try:
        return str(ipaddress.ip_address(host)), port
    except ValueError:
        raise _Invalid("ADDRESS or ADDRESS:PORT") from None


def _bind(text: str) -> str:
    host, port = _host_and_port(text, default_port=None)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _host_and_port(text: str, *, default_port: int | None) -> tuple[str, int]:
    expected = "HOST:PORT" if default_port is None else "ADDRESS or ADDRESS:PORT"
    try:
        # A bare IPv6 address has no brackets and therefore no port.
        return str(ipaddress.IPv6Address(text)), _port(default_port)
    except ValueError:
        pass
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _Invalid(expected) from None
    if not host or parts.path or parts.query or parts.username or (port is None and default_port is None):
        raise _Invalid(expected)
    return host, _port(port if port is not None else default_port)


def _port(port: int | None) -> int:
    if port is None:
        raise _Invalid("HOST:PORT")
    return port


def _base_url(text: str) -> str | None:
    parts = _split(text, ("http", "https"), "https://NAME or http://NAME:PORT")
    if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username:
        raise _Invalid("https://NAME or http://NAME:PORT")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _base_url_of(bind: str) -> str:
    host, _, port = bind.rpartition(":")
    # "Every address of this machine" is no place to go to; loopback is the one that surely answers here.
    reachable = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)  # noqa: S104
    return f"http://{reachable}:{port}"


def _database_url(text: str) -> str:
    if text.startswith("sqlite:///") and len(text) > len("sqlite:///"):
        return text
    parts = _split(
        text.replace("postgres://", "postgresql://", 1), ("postgresql", "postgresql+psycopg"), _DATABASES
    )
    return "postgresql+psycopg://" + parts.geturl().split("://", 1)[1]


_DATABASES = "sqlite:///PATH or postgresql://NAME:PASSWORD@HOST/DATABASE"


def _url_of(*schemes: str) -> Callable[[str], str | None]:
    def parse(text: str) -> str | None:
        _split(text, schemes, ", ".join(f"{scheme}://" for scheme in schemes))
        return text

    return parse


def _split(text: str, schemes: Iterable[str], expected: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise _Invalid(expected) from None
    # A PostgreSQL URL may leave the host to its query (a socket's folder).
    if parts.scheme not in schemes or not (
        parts.hostname or (parts.path and parts.scheme.startswith("postgresql"))
    ):
        raise _Invalid(expected)
    return parts


def _key_file(path: Path) -> bytes:
    """Read a key, or make it: written whole and private before its name appears, so two starts agree."""
    try:
        return path.read_bytes().strip()
    except FileNotFoundError:
        pass
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secrets.token_urlsafe(32).encode())
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_bytes().strip()
