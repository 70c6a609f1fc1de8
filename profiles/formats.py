"""The one table of output formats: name -> render."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from profiles import autoconfig, autodiscover, k9s, mobileconfig, pacc, settings_sheet, thunderbird_qr
from profiles.model import Artifact, MailAccount, RenderOptions


@dataclass(frozen=True, slots=True)
class Format:
    """An output format. `render` raises ProblemError(FORMAT_CANNOT_HOLD) for an account it cannot hold."""

    name: str
    render: Callable[[MailAccount, RenderOptions], Artifact]


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        name: Format(name, render)
        for name, render in (
            (mobileconfig.NAME, mobileconfig.render),
            (autoconfig.NAME, autoconfig.render),
            (autodiscover.NAME, autodiscover.render),
            (pacc.NAME, pacc.render),
            (k9s.NAME, k9s.render),
            (thunderbird_qr.NAME, thunderbird_qr.render),
            (settings_sheet.NAME, settings_sheet.render),
        )
    }
)
