"""From a checked account to links: renders, signs, lays ready. The tokens derive from the check's own."""

from __future__ import annotations

from collections.abc import Callable

from profiles.formats import FORMATS
from profiles.model import Artifact, MailAccount, RenderOptions
from profiles.signing import Signer
from webapp import i18n
from webapp.checks.views import CheckOptions
from webapp.links import Links, derive
from webapp.store import Connection

FORMATS_DELIVERED = ("mobileconfig",)


class Issuing:
    """Makes the files of a check and their links."""

    def __init__(self, links: Links, signer: Callable[[], Signer]) -> None:
        self._links = links
        self._signer = signer

    def render(
        self, account: MailAccount, options: CheckOptions, *, password: str | None, unchecked: bool
    ) -> tuple[Artifact, ...]:
        """Render and sign every file; raises ProblemError where one cannot be made."""
        rendering = RenderOptions(
            language=options.language,
            password=password,
            unchecked=unchecked,
            translate=i18n.catalogue(options.language).gettext,
        )
        signer = self._signer()
        return tuple(signer.sign(FORMATS[name].render(account, rendering)) for name in FORMATS_DELIVERED)

    def lay_ready(
        self, connection: Connection, token: str, artifacts: tuple[Artifact, ...], *, generation: int
    ) -> None:
        """Make the delivery and the hand-over of one generation."""
        delivery, handover = link(token, "delivery", generation), link(token, "handover", generation)
        self._links.lay_ready(connection, token, artifacts, delivery=delivery, handover=handover)


def link(token: str, kind: str, generation: int) -> str:
    """The token of a check's delivery or hand-over. Each generation ("a new stamp") has its own."""
    return derive(token, f"{kind} {generation}")
