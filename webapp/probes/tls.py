"""TLS of a probe: what the verified handshake shows, and what a failed one means."""

from __future__ import annotations

import re
import ssl
import time

from profiles.problems import Code

# reasons of OpenSSL when the other side does not speak TLS (the name changes with its version)
_PLAIN_TEXT = re.compile(
    r"WRONG_VERSION_NUMBER|UNKNOWN_PROTOCOL|HTTP_REQUEST|HTTPS_PROXY_REQUEST|RECORD_LAYER_FAILURE"
)
_TOO_OLD = re.compile(r"UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION|VERSION_TOO_LOW|WRONG_SSL_VERSION")
_CLIENT_CERT = re.compile(r"CERTIFICATE_REQUIRED")


def is_plain_text(error: ssl.SSLError) -> bool:
    """Whether what came was no TLS record."""
    return bool(_PLAIN_TEXT.search(error.reason or ""))


def code_of(error: ssl.SSLError) -> Code:
    """The code of a TLS error that is about neither certificate nor plain text."""
    reason = error.reason or ""
    if _TOO_OLD.search(reason):
        return Code.TLS_TOO_OLD
    if _CLIENT_CERT.search(reason):
        return Code.TLS_CLIENT_CERT
    return Code.TLS_FAILED


def is_old_cipher(sock: ssl.SSLSocket) -> bool:
    """Whether only static RSA or CBC with SHA-1 could be agreed on: phones take it, Python's default does not."""
    name = (sock.cipher() or ("", "", 0))[0]
    if name.startswith("TLS_"):
        return False
    return not name.startswith(("ECDHE-", "DHE-")) or name.endswith("-SHA")


def days_left(sock: ssl.SSLSocket) -> int | None:
    """How long the verified certificate is still good for."""
    certificate = sock.getpeercert()
    if not certificate:
        return None
    expires = str(certificate["notAfter"])
    return int((ssl.cert_time_to_seconds(expires) - time.time()) // 86400)


def describe(sock: ssl.SSLSocket) -> str:
    """Version and cipher."""
    return f"{sock.version()} {(sock.cipher() or ('', '', 0))[0]}"


def shown_chain(sock: ssl.SSLSocket) -> tuple[bytes, ...]:
    """What the server sent, leaf first, as DER. Public from Python 3.13; before, the same method is private."""
    inner = sock if hasattr(sock, "get_unverified_chain") else getattr(sock, "_sslobj", None)
    reader = getattr(inner, "get_unverified_chain", None)
    certificates = tuple(_der(one) for one in (reader() or ())) if reader else ()
    leaf = sock.getpeercert(binary_form=True)
    return certificates or ((leaf,) if leaf else ())


def _der(certificate: object) -> bytes:
    if isinstance(certificate, bytes):
        return certificate
    # _ssl.Certificate; 1 is PEM, 2 is DER
    return bytes(certificate.public_bytes(2))  # type: ignore[attr-defined]
