"""The signing certificate: which files hold it, loading and reloading them, and what is wrong with them.

Profiles are signed when they are fetched, so the certificate of today counts. A broken change never replaces a
good certificate in memory; `status` tells about it.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from threading import Lock
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from profiles.problems import Code, Problem, ProblemError
from profiles.signing import Signer, SigningKey, describe_name, is_issued_by, is_self_issued
from webapp import local_ca

_log = logging.getLogger(__name__)

FOLDER = "signing"
_IMPORTED_FILE = "imported.pem"
_SOON = timedelta(days=14)
_PRIVATE_KEY = re.compile(rb"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.+?-----END \1-----\s*", re.DOTALL)


class SigningConfig(Protocol):
    """What of the configuration matters here."""

    @property
    def data(self) -> Path: ...
    @property
    def signing_certificate(self) -> Path | None: ...
    @property
    def signing_key(self) -> Path | None: ...
    @property
    def signing_chain(self) -> Path | None: ...


class Origin(StrEnum):
    """Where the signing certificate comes from."""

    CONFIGURED = "configured"
    """From HAGAKI_SIGNING_CERTIFICATE, _KEY and _CHAIN."""
    IMPORTED = "imported"
    """By `hagaki signing import`."""
    LOCAL = "local"
    """From the built-in authority."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningStatus:
    """What the admin wants to know. The fields are None while no certificate could be loaded at all."""

    origin: Origin
    subject: str | None
    issuer: str | None
    not_after: datetime | None
    days_left: int | None
    key: str | None
    """"RSA 2048" or "ECDSA secp256r1"."""
    certificates: int
    """Certificates that go into a profile: the leaf and those above it."""
    root: Path | None
    """The built-in root that devices may trust; None with a certificate from elsewhere."""
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Files:
    """PEM files; any of them may hold more than its name says (a full chain, a key)."""

    origin: Origin
    certificate: Path
    key: Path
    chain: Path | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        found = (self.certificate, self.key) if self.chain is None else (self.certificate, self.key, self.chain)
        return tuple(dict.fromkeys(found))


_Mark = tuple[tuple[int, int, int] | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loaded:
    """What the files held when they looked like `mark`; `signer` may be older than a broken change."""

    mark: _Mark
    signer: Signer | None
    problems: tuple[Problem, ...]


# Checking an RSA key at load costs as much as signing a hundred profiles, hence once per change of the files.
_loaded: dict[_Files, _Loaded] = {}
_loading = Lock()


def load_signer(config: SigningConfig, *, now: datetime | None = None) -> Signer:
    """Return today's signer, the last good one after a broken change; ProblemError when there is none."""
    today = now or datetime.now(UTC)
    loaded = _load(_files(config, today), today)
    if loaded.signer is None:
        raise ProblemError(loaded.problems)
    return loaded.signer


def status(config: SigningConfig, *, now: datetime | None = None) -> SigningStatus:
    """Describe the signer and everything that is, or soon will be, wrong with it."""
    today = now or datetime.now(UTC)
    files = _files(config, today)
    loaded = _load(files, today)
    signer = loaded.signer
    is_local = files.origin is Origin.LOCAL
    return SigningStatus(
        origin=files.origin,
        subject=describe_name(signer.certificate.subject) if signer else None,
        issuer=describe_name(signer.certificate.issuer) if signer else None,
        not_after=_end(signer) if signer else None,
        days_left=(_end(signer) - today).days if signer else None,
        key=_describe_key(signer.key) if signer else None,
        certificates=1 + len(signer.chain) if signer else 0,
        root=config.data / FOLDER / local_ca.ROOT_FILE if is_local else None,
        problems=_status_problems(loaded, files, config, today),
    )


def issue(config: SigningConfig, *, now: datetime | None = None) -> SigningStatus:
    """Make a new signing certificate of the built-in authority and use it, also instead of an imported one."""
    _require_unconfigured(config, "hagaki signing issue")
    today = now or datetime.now(UTC)
    folder = config.data / FOLDER
    local_ca.issue_signer(folder, today)
    imported = folder / _IMPORTED_FILE
    if imported.exists():
        imported.replace(imported.with_suffix(".pem.old"))
    return status(config, now=today)


def import_files(
    config: SigningConfig,
    certificate: Path,
    key: Path,
    chain: Path | None = None,
    *,
    now: datetime | None = None,
) -> SigningStatus:
    """Copy a certificate, its key and its chain into the data folder and use them, if they can sign today."""
    _require_unconfigured(config, "hagaki signing import")
    today = now or datetime.now(UTC)
    files = _Files(origin=Origin.IMPORTED, certificate=certificate, key=key, chain=chain)
    signer = _read_signer(files, today)
    folder = config.data / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    certificates = (signer.certificate, *signer.chain)
    pem = b"".join(one.public_bytes(Encoding.PEM) for one in certificates)
    local_ca.write_private(folder / _IMPORTED_FILE, local_ca.key_pem(signer.key) + pem)
    return status(config, now=today)


def _files(config: SigningConfig, now: datetime) -> _Files:
    if config.signing_certificate is not None:
        return _Files(
            origin=Origin.CONFIGURED,
            certificate=config.signing_certificate,
            key=config.signing_key or config.signing_certificate,
            chain=config.signing_chain,
        )
    folder = config.data / FOLDER
    imported = folder / _IMPORTED_FILE
    if imported.exists():
        return _Files(origin=Origin.IMPORTED, certificate=imported, key=imported)
    path = folder / local_ca.SIGNER_FILE
    files = _Files(origin=Origin.LOCAL, certificate=path, key=path)
    if not _is_current(files, now):
        local_ca.ensure_signer(folder, now)
    return files


def _is_current(files: _Files, now: datetime) -> bool:
    """Whether the local signer is loaded, unchanged and not about to end: then no file needs to be read."""
    loaded = _loaded.get(files)
    if loaded is None or loaded.signer is None or loaded.mark != _mark(files):
        return False
    return loaded.signer.certificate.not_valid_after_utc - now > local_ca.RENEW_BEFORE


def _load(files: _Files, now: datetime) -> _Loaded:
    mark = _mark(files)
    loaded = _loaded.get(files)
    if loaded is not None and loaded.mark == mark:
        return loaded
    with _loading:
        before = _loaded.get(files)
        if before is None or before.mark != mark:
            _loaded[files] = _read(files, mark, before, now)
        return _loaded[files]


def _read(files: _Files, mark: _Mark, before: _Loaded | None, now: datetime) -> _Loaded:
    try:
        signer = _read_signer(files, now)
    except ProblemError as error:
        codes = ",".join(problem.code for problem in error.problems)
        _log.warning("event=signer_refused code=%s file=%s", codes, files.certificate)
        last_good = before.signer if before else None
        # Without a good one nothing is remembered, so that the next call tries the files again.
        return _Loaded(mark=mark if last_good else (), signer=last_good, problems=error.problems)
    return _Loaded(mark=mark, signer=signer, problems=())


def _mark(files: _Files) -> _Mark:
    return tuple(_mark_of(path) for path in files.paths)


def _mark_of(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read_signer(files: _Files, now: datetime) -> Signer:
    key = _read_key(files.key)
    certificates = [one for path in files.paths for one in _read_certificates(path)]
    if not certificates:
        raise ProblemError(_file_problem(Code.SIGNER_MISSING, files.certificate))
    leaf = next((one for one in certificates if one.public_key() == key.public_key()), certificates[0])
    signer = Signer(certificate=leaf, chain=_chain(leaf, certificates), key=key)
    problems = signer.validity_problems(now)
    if problems:
        raise ProblemError(problems)
    return signer


def _chain(leaf: x509.Certificate, certificates: list[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    """Order the certificates from the leaf upwards, whatever their order in the files."""
    chain: list[x509.Certificate] = []
    current = leaf
    while not is_self_issued(current) and len(chain) < len(certificates):
        above = next((one for one in certificates if is_issued_by(current, one)), None)
        if above is None:
            break
        chain.append(above)
        current = above
    # Devices hold the root themselves; it stays only where nothing else shows who issued the leaf.
    return tuple(chain[:-1] if len(chain) > 1 and is_self_issued(chain[-1]) else chain)


def _read_certificates(path: Path) -> list[x509.Certificate]:
    data = _read_bytes(path)
    if b"-----BEGIN CERTIFICATE-----" not in data:
        return []
    try:
        return x509.load_pem_x509_certificates(data)
    except ValueError:
        raise ProblemError(_file_problem(Code.FILE_UNREADABLE, path)) from None


def _read_key(path: Path) -> SigningKey:
    found = _PRIVATE_KEY.search(_read_bytes(path))
    if found is None:
        raise ProblemError(_file_problem(Code.SIGNER_MISSING, path))
    try:
        key = load_pem_private_key(found.group(), None)
    except (TypeError, ValueError, UnsupportedAlgorithm):
        # TypeError: the key is encrypted, and there is no one to ask for its pass phrase.
        raise ProblemError(_file_problem(Code.SIGNER_KEY_UNSUPPORTED, path)) from None
    if isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        return key
    raise ProblemError(_file_problem(Code.SIGNER_KEY_UNSUPPORTED, path))


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise ProblemError(_file_problem(Code.FILE_UNREADABLE, path)) from None


def _file_problem(code: Code, path: Path) -> Problem:
    return Problem(code, {"file": str(path)}, place=str(path))


def _status_problems(loaded: _Loaded, files: _Files, config: SigningConfig, now: datetime) -> tuple[Problem, ...]:
    problems = list(loaded.problems)
    signer = loaded.signer
    if signer is not None:
        problems += signer.validity_problems(now)
        problems += _soon(signer, now)
    if files.origin is Origin.LOCAL:
        root = config.data / FOLDER / local_ca.ROOT_FILE
        problems.append(_file_problem(Code.SIGNER_LOCAL_CA, root))
    return tuple(problems)


def _soon(signer: Signer, now: datetime) -> list[Problem]:
    end = _end(signer)
    # A certificate that lives a few days is renewed in its last third.
    lifetime = end - signer.certificate.not_valid_before_utc
    if not now < end < now + min(_SOON, lifetime / 3):
        return []
    params = {
        "subject": describe_name(signer.certificate.subject),
        "days": str((end - now).days),
        "not_after": f"{end:%Y-%m-%d}",
    }
    return [Problem(Code.SIGNER_EXPIRES_SOON, params)]


def _end(signer: Signer) -> datetime:
    """When the first certificate of the chain ends."""
    return min(one.not_valid_after_utc for one in (signer.certificate, *signer.chain))


def _describe_key(key: SigningKey) -> str:
    return f"RSA {key.key_size}" if isinstance(key, rsa.RSAPrivateKey) else f"ECDSA {key.curve.name}"


def _require_unconfigured(config: SigningConfig, command: str) -> None:
    if config.signing_certificate is not None:
        setting = "HAGAKI_SIGNING_CERTIFICATE"
        params = {"setting": setting, "other": command}
        raise ProblemError(Problem(Code.SETTING_CONFLICT, params, place=setting))
