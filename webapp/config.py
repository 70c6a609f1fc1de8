"""The environment, read once into one frozen Config. Nothing else reads it, and nothing here reads twice.

Every problem is found before anything is refused, so that an operator mends them all in one go. `load` writes
nothing; the data folder and its two keys are made by `Config.prepare` or when a key is first asked for.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from profiles.address import Address
from profiles.problems import N_, Code, Problem, ProblemError
from webapp import setting_values as values
from webapp.setting_values import LANGUAGES, InvalidValue, IPNetwork

__all__ = ["LANGUAGES", "PREFIX", "SECRETS", "SETTINGS", "Config", "IPNetwork", "load"]

Value = TypeVar("Value")

PREFIX = "HAGAKI_"
TEST_PREFIX = "HAGAKI_TEST_"
"""Names of the test suite's own switches; they are not settings and are passed over."""
DEFAULT_BIND = "127.0.0.1:8080"

SECRETS = frozenset(
    ("SECRET_KEY", "LINK_KEY", "DATABASE_URL", "SMTP_URL", "QUEUE_URL", "METRICS_TOKEN", "SIGNING_KEY")
)
"""Settings that may also come as X_FILE."""
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
        "MAIL_FROM",
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
    mail_from: Address | None = None
    """The sender of mails; without it the address that SMTP_URL logs in with."""
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
        except OSError:
            expected = N_("the path of a folder that we may write in")
            params = {"setting": PREFIX + "DATA", "value": str(self.data), "expected": expected}
            raise ProblemError(Problem(Code.SETTING_INVALID, params, place=PREFIX + "DATA")) from None
        return self

    def with_bind(self, bind: str) -> Config:
        """The same with another address to listen on; a BASE_URL that was not given follows."""
        reader = _Reader({PREFIX + "BIND": bind})
        parsed = reader.take("BIND", values.bind, DEFAULT_BIND)
        reader.refuse_problems()
        base_url = self.base_url if self.given_base_url else values.base_url_of(parsed)
        return replace(self, bind=parsed, base_url=base_url)


def load(environ: Mapping[str, str]) -> Config:
    """Read every HAGAKI_ variable; raise ProblemError with all problems."""
    reader = _Reader(environ)
    data = reader.take("DATA", values.folder, Path("data"))
    bind = reader.take("BIND", values.bind, DEFAULT_BIND)
    base_url = reader.take("BASE_URL", values.base_url, None)
    config = Config(
        data=data,
        database_url=reader.take(
            "DATABASE_URL", values.database_url, f"sqlite:///{data.absolute()}/hagaki.sqlite"
        ),
        base_url=base_url or values.base_url_of(bind),
        bind=bind,
        given_base_url=base_url is not None,
        given_secret_key=reader.take("SECRET_KEY", values.key, None),
        given_link_key=reader.take("LINK_KEY", values.key, None),
        ca_file=reader.take("CA_FILE", values.trust_anchors, None),
        allow_networks=reader.take("ALLOW_NETWORKS", values.networks, ()),
        resolver=reader.take("RESOLVER", values.resolver, None),
        signing_certificate=reader.take("SIGNING_CERTIFICATE", values.file, None),
        signing_key=reader.take("SIGNING_KEY", values.file, None),
        signing_chain=reader.take("SIGNING_CHAIN", values.file, None),
        smtp_url=reader.take("SMTP_URL", values.url_of("smtp", "smtps", "smtp+starttls"), None),
        mail_from=reader.take("MAIL_FROM", values.address, None),
        queue_url=reader.take("QUEUE_URL", values.url_of("redis", "rediss", "postgresql"), None),
        trusted_proxies=reader.take("TRUSTED_PROXIES", values.networks, ()),
        language=reader.take("LANGUAGE", values.language, "en"),
        timezone=reader.take("TIMEZONE", values.timezone, None) or values.system_timezone(environ),
        metrics_token=reader.take("METRICS_TOKEN", values.text, None),
        allow_other_servers=reader.take("ALLOW_OTHER_SERVERS", values.switch, base_url is None),
        allow_unchecked=reader.take("ALLOW_UNCHECKED", values.switch, True),
        retention_days=reader.take("RETENTION_DAYS", values.days, 90),
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
        except InvalidValue as error:
            self._invalid(name, "…" if name in SECRETS else self._values[name], error)
            return default

    def oidc(self) -> dict[str, str]:
        """Every OIDC_* setting."""
        return {name: value for name, value in self._values.items() if name.startswith("OIDC_")}

    def require_together(self, first: str, second: str) -> None:
        """Two settings that mean nothing alone."""
        self.require_first(first, second)
        self.require_first(second, first)

    def require_first(self, name: str, needed: str) -> None:
        """A setting that means nothing without another."""
        if name in self._values and needed not in self._values:
            params = {"setting": PREFIX + needed, "other": PREFIX + name}
            self.problems.append(Problem(Code.SETTING_MISSING, params, place=PREFIX + needed))

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
        path = ours[name].strip()
        if not path:
            return
        if ours.get(plain, "").strip():
            self._conflict(plain, name)
            return
        try:
            # SIGNING_KEY is a path itself: there both spellings mean the same.
            self._values[plain] = path if plain == "SIGNING_KEY" else values.secret_file(path)
        except InvalidValue as error:
            self._invalid(name, path, error)

    def _invalid(self, name: str, shown: str, error: InvalidValue) -> None:
        params = {"setting": PREFIX + name, "value": shown, "expected": error.expected}
        self.problems.append(Problem(Code.SETTING_INVALID, params, place=PREFIX + name))

    def _unknown(self, name: str) -> None:
        nearest = get_close_matches(name, sorted(SETTINGS), 1, cutoff=0)[0]
        params = {"setting": PREFIX + name, "nearest": PREFIX + nearest}
        self.problems.append(Problem(Code.SETTING_UNKNOWN, params, place=PREFIX + name))

    def _conflict(self, first: str, second: str) -> None:
        params = {"setting": PREFIX + first, "other": PREFIX + second}
        self.problems.append(Problem(Code.SETTING_CONFLICT, params, place=PREFIX + first))


def _is_oidc(name: str) -> bool:
    return name.startswith("OIDC_") and len(name) > len("OIDC_")


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
