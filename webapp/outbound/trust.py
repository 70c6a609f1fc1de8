"""TLS as every connection uses it: verified, with the host's name, TLS 1.2 or newer, the same on every Python.

Ciphers are OpenSSL's DEFAULT (Python's own list refuses servers that phones accept) and VERIFY_X509_STRICT is off
(Python 3.13 turns it on and then refuses company CAs without an authority key identifier).
"""

from __future__ import annotations

import os
import ssl
from functools import lru_cache
from pathlib import Path

from profiles.model import TlsPolicy

SYSTEM_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
MODERN = TlsPolicy()


def verified_context(ca_file: Path | None, policy: TlsPolicy = MODERN) -> ssl.SSLContext:
    """A context that verifies chain, dates and name; kept as long as `ca_file` does not change."""
    changed = os.stat(ca_file).st_mtime_ns if ca_file else 0
    return _verified(ca_file, changed, policy)


@lru_cache(maxsize=16)
def _verified(ca_file: Path | None, changed: int, policy: TlsPolicy) -> ssl.SSLContext:  # noqa: ARG001
    context = _relaxed(policy)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.check_hostname = True
    # Phones have stopped reading names from the subject.
    context.hostname_checks_common_name = False
    _load_system_anchors(context)
    if ca_file is not None:
        context.load_verify_locations(cafile=str(ca_file))
    return context


def looking_context(policy: TlsPolicy = MODERN) -> ssl.SSLContext:
    """A context that accepts anything, to see what a server shows. Never for credentials."""
    context = _relaxed(policy)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def oldest_context() -> ssl.SSLContext:
    """A context that even accepts TLS 1.0, to tell an old server from a broken one. Never for credentials."""
    context = looking_context()
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def _relaxed(policy: TlsPolicy) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers(f"DEFAULT:@SECLEVEL={policy.security_level}")
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.options |= ssl.OP_NO_COMPRESSION
    legacy = getattr(ssl, "OP_LEGACY_SERVER_CONNECT", 0x4)
    if policy.legacy_renegotiation:
        context.options |= legacy
    else:
        context.options &= ~legacy
    return context


def _load_system_anchors(context: ssl.SSLContext) -> None:
    """Load the system's anchors by path: SSL_CERT_FILE of some shell must not change what is trusted."""
    paths = ssl.get_default_verify_paths()
    file = next((name for name in (paths.openssl_cafile, *SYSTEM_FILES) if os.path.isfile(name)), None)
    folder = paths.openssl_capath if os.path.isdir(paths.openssl_capath) else None
    if folder is not None and any(name.endswith(".0") for name in os.listdir(folder)):
        context.load_verify_locations(capath=folder)  # read on demand, so nothing is parsed now
    elif file is not None:
        context.load_verify_locations(cafile=file)
