"""The letters of one batch: what is known of a row and its link, put into a mail."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from profiles.address import Address
from profiles.model import ServiceSettings
from webapp.batches.invitations import derive_token
from webapp.batches.options import BatchOptions, Mode
from webapp.batches.rows import FindSettings
from webapp.config import Config
from webapp.handouts.card import card_name
from webapp.links import hash_token
from webapp.mails import Kind, Letter
from webapp.store.batch_mails import MailLink, MailRow


@dataclass(frozen=True, slots=True)
class Letters:
    """Writes them; of the same batch all speak alike."""

    config: Config
    find: FindSettings
    options: BatchOptions
    sender: Address
    _found: dict[str, ServiceSettings | None] = field(default_factory=dict, repr=False)

    def write(self, row: MailRow, link: MailLink, kind: Kind) -> Letter | None:
        """The letter about a link; None where the link cannot be made again."""
        token = derive_token(self.config.link_key, link.id, link.generation)
        if hash_token(token) != link.token_hash:
            return None  # the link key was replaced since
        address = _address(row.address)
        company, help_desk = self._whom_to_ask(address.domain)
        return Letter(
            kind=kind,
            language=self.options.language,
            sender=self.sender,
            company=company,
            recipient=_address(row.notify or link.notify or row.address),
            reference=_reference(row, link, kind),
            address=address,
            full_name=row.full_name,
            link=f"{self.config.base_url}/s/{token}",
            expires_at=datetime.fromtimestamp(link.expires_at, UTC),
            timezone=self.config.timezone,
            number=card_name(link.number),
            help=help_desk,
            needs_pin=link.mode == Mode.READY_MADE,
        )

    def _whom_to_ask(self, domain: str) -> tuple[str, str]:
        """Company and help desk: as chosen for the batch, else as the domain says."""
        if domain not in self._found:
            self._found[domain] = self.find(domain)
        settings, options = self._found[domain], self.options
        if settings is None:
            return options.company or domain, options.help or ""
        help_desk = settings.help.get(options.language) if settings.help else ""
        return options.company or settings.organization or settings.display_name, options.help or help_desk


def _reference(row: MailRow, link: MailLink, kind: Kind) -> bytes:
    """The same for a mail that is tried again, another one for the next mail about the same link."""
    before = link.reminded_at if kind is Kind.REMINDER else row.mailed_at
    return row.id + link.generation.to_bytes(4, "big") + repr(before).encode()


def _address(text: str) -> Address:
    """An address that was read when the list was taken."""
    local, _, domain = text.rpartition("@")
    return Address(local, domain)
