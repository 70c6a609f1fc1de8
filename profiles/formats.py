"""The one table of output formats: name -> render."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from profiles import autoconfig, autodiscover, k9s, mobileconfig, pacc, settings_sheet, thunderbird_qr
from profiles.model import Artifact, MailAccount, RenderOptions


class RenderSeveral(Protocol):
    """Renders all accounts of one person into one file; `passwords` are theirs, in order."""

    def __call__(
        self, accounts: Sequence[MailAccount], options: RenderOptions, *, passwords: Sequence[str | None] = ()
    ) -> Artifact:
        """Without passwords every account has the one of `options`."""


@dataclass(frozen=True, slots=True)
class Format:
    """An output format. `render` raises ProblemError(FORMAT_CANNOT_HOLD) for an account it cannot hold."""

    name: str
    render: Callable[[MailAccount, RenderOptions], Artifact]
    render_several: RenderSeveral | None = None
    """Absent where one file or code holds one account."""


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        each.name: each
        for each in (
            Format(mobileconfig.NAME, mobileconfig.render, mobileconfig.render_several),
            Format(autoconfig.NAME, autoconfig.render),
            Format(autodiscover.NAME, autodiscover.render),
            Format(pacc.NAME, pacc.render),
            Format(k9s.NAME, k9s.render, k9s.render_several),
            # Phones read large codes badly, and one faulty account would spoil the whole code.
            Format(thunderbird_qr.NAME, thunderbird_qr.render),
            Format(settings_sheet.NAME, settings_sheet.render, settings_sheet.render_several),
        )
    }
)
