"""From a checked account to links: renders, signs, lays ready. The tokens derive from the check's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from profiles.formats import FORMATS
from profiles.model import Artifact, MailAccount, RenderOptions
from profiles.problems import Code, ProblemError
from profiles.signing import Signer
from webapp import i18n
from webapp.checks.views import CheckOptions
from webapp.links import Links, derive
from webapp.store import Connection

FORMATS_DELIVERED = ("mobileconfig", "k9s", "sheet")
"""One file for each kind of device: Apple's, Android's, and the values for apps that read no file."""
_WITH_PASSWORD = frozenset({"mobileconfig"})
"""Only what the device removes after reading; an Android phone keeps what it downloads."""
_CANNOT_HOLD = frozenset({Code.FORMAT_CANNOT_HOLD, Code.USERNAME_MISSING})


class Issuing:
    """Makes the files of a check and their links."""

    def __init__(self, links: Links, signer: Callable[[], Signer]) -> None:
        self._links = links
        self._signer = signer

    def render(
        self, account: MailAccount, options: CheckOptions, *, password: str | None, unchecked: bool
    ) -> tuple[Artifact, ...]:
        """Render and sign every file that can hold the account."""
        rendering = RenderOptions(
            language=options.language,
            password=password,
            unchecked=unchecked,
            translate=i18n.catalogue(options.language).gettext,
        )
        return tuple(self._files(account, rendering))

    def _files(self, account: MailAccount, options: RenderOptions) -> Iterator[Artifact]:
        bare = replace(options, password=None, outgoing_password=None)
        for name in FORMATS_DELIVERED:
            try:
                file = FORMATS[name].render(account, options if name in _WITH_PASSWORD else bare)
            except ProblemError as error:
                if not {problem.code for problem in error.problems} <= _CANNOT_HOLD:
                    raise
                # The page of that device says why; the others have their file.
                continue
            yield self._signer().sign(file) if name == "mobileconfig" else file

    def lay_ready(
        self, connection: Connection, token: str, artifacts: tuple[Artifact, ...], *, generation: int
    ) -> None:
        """Make the delivery and the hand-over of one generation."""
        delivery, handover = link(token, "delivery", generation), link(token, "handover", generation)
        self._links.lay_ready(connection, token, artifacts, delivery=delivery, handover=handover)


def link(token: str, kind: str, generation: int) -> str:
    """The token of a check's delivery or hand-over. Each generation ("a new stamp") has its own."""
    return derive(token, f"{kind} {generation}")
