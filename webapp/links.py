"""Links: tokens, deliveries (a file to fetch for ten minutes) and hand-overs (claimed once by another device).

A token is 128 random bits and exists only in its link. The database holds a hash to find the row and bytes sealed
with a key that only the token gives, so database, backup and logs together open nothing. What happens to a link is
decided in one statement (webapp/store/links.py): measured, read-then-write had several winners in 50 of 60 races.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from profiles.model import Artifact, MailAccount
from profiles.problems import Code, Problem, ProblemError
from webapp.store import Connection, Store, invitations, set_ups
from webapp.store import links as rows
from webapp.store.invitations import Mark, Owner
from webapp.store.values import from_text

TOKEN_BYTES = 16
TOKEN_LENGTH = 22
SAMPLE_TOKEN = "A" * TOKEN_LENGTH
"""Of a test card: its page says that the code can be read. No link has it, for it is 128 zeros."""
DELIVERY_SECONDS = 10 * 60
HANDOVER_SECONDS = 20 * 60
MOST_FETCHES = 5
"""Phones fetch one download two to five times."""
REMEMBER_SECONDS = 30 * 24 * 3600
"""How long an ended link answers "ended" and not "unknown"."""
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryView:
    """A delivery as a page shows it."""

    token: str
    filenames: tuple[str, ...]
    expires_at: datetime
    fetches_left: int
    """Of the file that has the fewest left."""
    alive: bool

    def file(self, suffix: str) -> str | None:
        """The file for one kind of device."""
        return _ending(self.filenames, suffix)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverView:
    """A hand-over as a page shows it."""

    token: str
    expires_at: datetime
    claimed: bool
    alive: bool
    """Whether it can still be claimed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """What a hand-over holds: the files, and what no delivery ever gets."""

    files: tuple[Artifact, ...]
    passwords: tuple[str | None, ...] = field(default=(), repr=False)
    """Of the accounts in the files, so that another account can be put into the same profile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """What a claimed hand-over gives: a delivery."""

    token: str
    filenames: tuple[str, ...]

    def file(self, suffix: str) -> str | None:
        """The file for one kind of device."""
        return _ending(self.filenames, suffix)


def new_token() -> str:
    """A fresh token, 22 characters."""
    return _encode(secrets.token_bytes(TOKEN_BYTES))


def read_token(text: str) -> bytes | None:
    """The bytes of a token as it stands in a link; None for anything that was never one."""
    if len(text) != TOKEN_LENGTH or not text.isascii():
        return None
    try:
        raw = base64.urlsafe_b64decode(text + "==")
    except (binascii.Error, ValueError):
        return None
    # Base64 has several spellings of the same bytes; a link has one.
    return raw if _encode(raw) == text else None


def derive(token: str, purpose: str) -> str:
    """Another token that whoever holds `token` can make, and nobody else."""
    return _encode(hmac.digest(_bytes(token), b"hagaki link " + purpose.encode(), "sha256")[:TOKEN_BYTES])


def hash_token(token: str) -> bytes:
    """What the database knows of a token."""
    return hashlib.sha256(b"hagaki token " + _bytes(token)).digest()


def seal(token: str, data: bytes, *, context: str) -> bytes:
    """Encrypt so that only the token opens it; `context` must be the same at `unseal`."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(_sealing_key(token)).encrypt(nonce, data, context.encode())


def unseal(token: str, sealed: bytes, *, context: str) -> bytes:
    """Open what `seal` closed."""
    nonce, encrypted = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    return AESGCM(_sealing_key(token)).decrypt(nonce, encrypted, context.encode())


def seal_text(token: str, text: str, *, context: str) -> str:
    """The same for a short text within another value of a row; an empty one stays empty."""
    return _encode(seal(token, text.encode(), context=context)) if text else ""


def unseal_text(token: str, sealed: str, *, context: str) -> str:
    """Open what `seal_text` closed."""
    if not sealed:
        return ""
    padding = "=" * (-len(sealed) % 4)
    return unseal(token, base64.urlsafe_b64decode(sealed + padding), context=context).decode()


class Links:
    """Deliveries and hand-overs in one database. `now` is the clock, in seconds since the epoch."""

    def __init__(self, store: Store, *, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now = now

    def lay_ready(
        self,
        connection: Connection,
        group: str,
        artifacts: Iterable[Artifact],
        *,
        delivery: str,
        handover: str,
        passwords: Sequence[str | None] = (),
    ) -> None:
        """Make a delivery and a hand-over of the same files within the caller's transaction.

        `group` is the token that stands above both: revoking it ends them. The passwords are sealed in the
        hand-over alone.
        """
        held = HandedOver(files=tuple(artifacts), passwords=tuple(passwords))
        self._put_delivery(connection, delivery, hash_token(group), held.files)
        sealed = seal(handover, _pack_all(held), context="handover")
        ends = self._now() + HANDOVER_SECONDS
        rows.put_handover(connection, hash_token(handover), hash_token(group), sealed=sealed, expires_at=ends)

    def deliver(self, artifacts: Iterable[Artifact], *, group: str | None = None) -> Claimed:
        """Make a delivery that stands alone, or under the invitation whose token `group` is: issued, then."""
        files, token = tuple(artifacts), new_token()
        group_hash = hash_token(group or token)
        with self._store.write() as connection:
            if group is not None:
                self._issue(connection, group_hash)
            self._put_delivery(connection, token, group_hash, files)
        return Claimed(token=token, filenames=tuple(artifact.filename for artifact in files))

    def fetch(self, token: str, filename: str, *, device: str | None = None) -> Artifact:
        """Hand a file out, which counts; raises LINK_UNKNOWN, LINK_EXPIRED or LINK_USED.

        With the first fetch it is noted how far an invited person has come, and with which device.
        """
        token_hash = _known_hash(token)
        with self._store.write() as connection:
            group_hash = rows.group_of(connection, token_hash) or b""
            owner = invitations.hold_owner(connection, group_hash)
            got = rows.fetch(connection, token_hash, filename=filename, now=self._now(), most=MOST_FETCHES)
            if got is None:
                raise ProblemError(self._why_not(connection, token_hash, filename))
            if got.fetches == 1 and device is not None and owner is not None:
                self._note_fetch(connection, owner, group_hash, filename, device)
        return _open_artifact(token, filename, got.sealed)

    def note_fetch(self, connection: Connection, group_hash: bytes, filename: str, device: str) -> None:
        """Note that an invited person has a file of this group; of others nothing is kept."""
        owner = invitations.hold_owner(connection, group_hash)
        if owner is not None:
            self._note_fetch(connection, owner, group_hash, filename, device)

    def _note_fetch(
        self, connection: Connection, owner: Owner, group_hash: bytes, filename: str, device: str
    ) -> None:
        if _is_invited(owner):
            invitations.mark(connection, owner.id, Mark.FETCHED, now=self._now())
        set_ups.note(
            connection,
            invitation_id=owner.id,
            check_hash=group_hash,
            address=owner.address,
            device=device,
            kind=filename.rpartition(".")[2],
            at=self._now(),
        )

    def peek(self, token: str, filename: str) -> Artifact:
        """The same file for HEAD, which does not count."""
        token_hash = _known_hash(token)
        with self._store.read() as connection:
            row = self._living_delivery(connection, token_hash, filename)
            if row is None:
                raise ProblemError(self._why_not(connection, token_hash, filename))
        return _open_artifact(token, filename, row.sealed)

    def claim(self, token: str, *, page: str | None = None) -> Claimed:
        """Turn a hand-over into a delivery of ten minutes, once; raises like `fetch`.

        `page` is a secret that the claiming page alone holds: pressed again there, it leads to the same delivery,
        for who dismisses an iPhone's question or misses its eight minutes is the same person on the same device.
        """
        token_hash = _known_hash(token)
        delivery = derive(token, f"claim {page}") if page else new_token()
        with self._store.write() as connection:
            won = rows.claim(connection, token_hash, now=self._now())
            if won is None:
                before = self.view_delivery(connection, delivery)
                if before is not None and before.alive:
                    return Claimed(token=delivery, filenames=before.filenames)
                raise ProblemError(self._why_no_claim(connection, token_hash))
            group_hash, sealed = won
            artifacts = _unpack_all(unseal(token, sealed, context="handover")).files
            self._put_delivery(connection, delivery, group_hash, artifacts)
        return Claimed(token=delivery, filenames=tuple(artifact.filename for artifact in artifacts))

    def view_delivery(self, connection: Connection, token: str) -> DeliveryView | None:
        """What is left of a delivery; changes nothing."""
        found = rows.delivery(connection, hash_token(token))
        if not found:
            return None
        left = max(0, min(MOST_FETCHES - row.fetches for row in found))
        ends = min(row.expires_at for row in found)
        alive = left > 0 and ends > self._now() and not any(row.revoked for row in found)
        names = tuple(row.filename for row in found)
        return DeliveryView(token=token, filenames=names, expires_at=_moment(ends), fetches_left=left, alive=alive)

    def view_handover(self, connection: Connection, token: str) -> HandoverView | None:
        """What is left of a hand-over; changes nothing."""
        row = rows.handover(connection, hash_token(token))
        if row is None:
            return None
        claimed = row.claimed_at is not None
        alive = not claimed and row.expires_at > self._now() and not row.revoked
        return HandoverView(token=token, expires_at=_moment(row.expires_at), claimed=claimed, alive=alive)

    def handover(self, token: str) -> HandoverView:
        """A hand-over that can be claimed, for its page; raises like `claim`, changes nothing."""
        token_hash = _known_hash(token)
        with self._store.read() as connection:
            view = self.view_handover(connection, token)
            if view is None or not view.alive:
                raise ProblemError(self._why_no_claim(connection, token_hash))
        return view

    def handed_over(self, connection: Connection, token: str) -> HandedOver | None:
        """What a hand-over whose time has not ended holds, claimed or not."""
        row = rows.handover(connection, hash_token(token))
        if row is None or row.expires_at <= self._now() or row.revoked:
            return None
        return _unpack_all(unseal(token, row.sealed, context="handover"))

    def revoke(self, group: str) -> None:
        """End every delivery and hand-over made under this token."""
        with self._store.write() as connection:
            rows.revoke(connection, hash_token(group))

    def purge(self) -> None:
        """Forget the bytes of everything that has ended."""
        now = self._now()
        with self._store.write() as connection:
            rows.purge(connection, now=now, most=MOST_FETCHES, forgotten_before=now - REMEMBER_SECONDS)

    def _put_delivery(
        self, connection: Connection, token: str, group_hash: bytes, artifacts: tuple[Artifact, ...]
    ) -> None:
        ends = self._now() + DELIVERY_SECONDS
        for artifact in artifacts:
            name = artifact.filename
            sealed = seal(token, _pack((artifact,)), context=f"delivery {name}")
            token_hash = hash_token(token)
            rows.put_delivery(connection, token_hash, group_hash, filename=name, sealed=sealed, expires_at=ends)

    def _issue(self, connection: Connection, invitation_hash: bytes) -> None:
        invitation_id = invitations.living_id(connection, invitation_hash, now=self._now())
        if invitation_id is None:
            raise ProblemError(Problem(Code.LINK_EXPIRED))
        invitations.mark(connection, invitation_id, Mark.OPENED, Mark.ISSUED, now=self._now())

    def _living_delivery(
        self, connection: Connection, token_hash: bytes, filename: str
    ) -> rows.DeliveryRow | None:
        for row in rows.delivery(connection, token_hash):
            living = row.fetches < MOST_FETCHES and row.expires_at > self._now() and not row.revoked
            if row.filename == filename and living:
                return row
        return None

    def _why_not(self, connection: Connection, token_hash: bytes, filename: str) -> Problem:
        found = [row for row in rows.delivery(connection, token_hash) if row.filename == filename]
        if not found:
            return Problem(Code.LINK_UNKNOWN)
        used_up = found[0].fetches >= MOST_FETCHES
        return Problem(Code.LINK_USED if used_up and not found[0].revoked else Code.LINK_EXPIRED)

    def _why_no_claim(self, connection: Connection, token_hash: bytes) -> Problem:
        row = rows.handover(connection, token_hash)
        if row is None:
            return Problem(Code.LINK_UNKNOWN)
        return Problem(Code.LINK_USED if row.claimed_at is not None and not row.revoked else Code.LINK_EXPIRED)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beside:
    """Of what was chosen for a check, what is read here."""

    also: tuple[MailAccount, ...] = ()


def _is_invited(owner: Owner) -> bool:
    """Whether the account that a person is invited to set up stands in the files of a check."""
    beside = from_text(_Beside, owner.options).also
    return owner.invited == owner.address or any(one.address.key == owner.invited for one in beside)


def _ending(filenames: tuple[str, ...], suffix: str) -> str | None:
    return next((name for name in filenames if name.endswith(suffix)), None)


def _known_hash(token: str) -> bytes:
    if read_token(token) is None:
        raise ProblemError(Problem(Code.LINK_UNKNOWN))
    return hash_token(token)


def _bytes(token: str) -> bytes:
    raw = read_token(token)
    if raw is None:
        raise ValueError("not a token")
    return raw


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _sealing_key(token: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"hagaki seal").derive(_bytes(token))


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _pack_all(held: HandedOver) -> bytes:
    return json.dumps({"files": _pack(held.files).decode(), "passwords": held.passwords}).encode()


def _unpack_all(data: bytes) -> HandedOver:
    held = json.loads(data)
    return HandedOver(files=_unpack(held["files"].encode()), passwords=tuple(held["passwords"]))


def _pack(artifacts: Iterable[Artifact]) -> bytes:
    return json.dumps(
        [(a.filename, a.content_type, base64.b64encode(a.data).decode()) for a in artifacts]
    ).encode()


def _unpack(data: bytes) -> tuple[Artifact, ...]:
    return tuple(
        Artifact(filename=filename, content_type=content_type, data=base64.b64decode(encoded))
        for filename, content_type, encoded in json.loads(data)
    )


def _open_artifact(token: str, filename: str, sealed: bytes) -> Artifact:
    return _unpack(unseal(token, sealed, context=f"delivery {filename}"))[0]
