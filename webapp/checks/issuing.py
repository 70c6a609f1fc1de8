"""From a checked account to links: renders, signs, lays ready. The tokens derive from the check's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, tzinfo

from profiles import k9s, mobileconfig, settings_sheet
from profiles.formats import RenderSeveral
from profiles.model import Artifact, MailAccount, RenderOptions
from profiles.problems import Code, ProblemError
from profiles.signing import Signer
from webapp import i18n
from webapp.checks.views import CheckOptions
from webapp.links import Links, derive
from webapp.store import Connection

FORMATS_DELIVERED: Mapping[str, RenderSeveral] = {
    mobileconfig.NAME: mobileconfig.render_several,
    k9s.NAME: k9s.render_several,
    settings_sheet.NAME: settings_sheet.render_several,
}
"""One file for each kind of device: Apple's, Android's, and the values for apps that read no file."""
_WITH_PASSWORD = frozenset({"mobileconfig"})
"""Only what the device removes after reading; an Android phone keeps what it downloads."""
_CANNOT_HOLD = frozenset({Code.FORMAT_CANNOT_HOLD, Code.USERNAME_MISSING})


class Issuing:
    """Makes the files of a check and their links."""

    def __init__(self, links: Links, signer: Callable[[], Signer], *, zone: tzinfo = UTC) -> None:
        self._links = links
        self._signer = signer
        self._zone = zone

    def render(
        self,
        account: MailAccount,
        options: CheckOptions,
        *,
        password: str | None,
        unchecked: bool,
        earlier: Sequence[str | None] = (),
    ) -> tuple[Artifact, ...]:
        """Render and sign every file that can hold the accounts; `earlier` are the passwords of those before."""
        rendering = RenderOptions(
            language=options.language,
            unchecked=unchecked,
            zone=self._zone,
            translate=i18n.catalogue(options.language).gettext,
        )
        passwords = (*(earlier or (None,) * len(options.also)), password)
        return tuple(self._files((*options.also, account), rendering, passwords))

    def _files(
        self, accounts: Sequence[MailAccount], options: RenderOptions, passwords: Sequence[str | None]
    ) -> Iterator[Artifact]:
        for name, render_several in FORMATS_DELIVERED.items():
            held = passwords if name in _WITH_PASSWORD else ()
            try:
                file = render_several(accounts, options, passwords=held)
            except ProblemError as error:
                if not {problem.code for problem in error.problems} <= _CANNOT_HOLD:
                    raise
                # The page of that device says why; the others have their file.
                continue
            yield self._signer().sign(file) if name == "mobileconfig" else file

    def lay_ready(
        self,
        connection: Connection,
        token: str,
        artifacts: tuple[Artifact, ...],
        *,
        generation: int,
        passwords: Sequence[str | None] = (),
    ) -> None:
        """Make the delivery and the hand-over of one generation; the passwords are kept in the latter alone."""
        delivery, handover = link(token, "delivery", generation), link(token, "handover", generation)
        self._links.lay_ready(
            connection, token, artifacts, delivery=delivery, handover=handover, passwords=passwords
        )


def link(token: str, kind: str, generation: int) -> str:
    """The token of a check's delivery or hand-over. Each generation ("a new stamp") has its own."""
    return derive(token, f"{kind} {generation}")
