"""Names that stay the same for one mailbox: UUIDs and profile identifiers, derived, never random."""

from __future__ import annotations

from uuid import UUID, uuid5

from profiles.address import Address

NAMESPACE = UUID("6f2c1d0e-8a7b-5c39-9d54-2b7e4a91c0f3")
"""Never change it: every installed profile would become a second one beside the old."""


def derived_uuid(address: Address, kind: str) -> UUID:
    """The UUID of one part (`kind`) of one mailbox, whatever its host, port or name."""
    return uuid5(NAMESPACE, f"{address.key}/{kind}")


def profile_identifier(address: Address, profile_uuid: UUID) -> str:
    """`example.corp.mail.<hash>`: reverse domain first, as Apple asks; the hash keeps mailboxes apart."""
    reverse_domain = ".".join(reversed(address.domain.split(".")))
    return f"{reverse_domain}.mail.{profile_uuid.hex}"
