"""Files and codes of a finished check that hold no password, rendered anew whenever a page asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from profiles.formats import FORMATS
from profiles.model import Artifact, RenderOptions
from profiles.problems import Problem, ProblemError
from webapp import i18n, languages
from webapp.checks import CheckView
from webapp.services import services


def options(view: CheckView, language: str) -> RenderOptions:
    """How to render for this check, without a password."""
    gettext = i18n.catalogue(language).gettext
    zone = services().config.timezone
    return RenderOptions(language=language, unchecked=view.unchecked, zone=zone, translate=gettext)


def render(view: CheckView, format_name: str) -> Artifact:
    """Render one format; raises ProblemError where it cannot hold the account."""
    chosen, how = FORMATS[format_name], options(view, view.options.language)
    if chosen.render_several is None:
        return chosen.render(view.account, how)
    return chosen.render_several(view.accounts, how)


def render_if_possible(view: CheckView, format_name: str) -> Artifact | None:
    """The same, None where the format cannot hold the account: the page leaves that way out."""
    try:
        return render(view, format_name)
    except ProblemError:
        return None


def thunderbird_texts(view: CheckView) -> tuple[tuple[str, str], ...]:
    """Each account's address with the text of its code; an account that no code can hold is left out."""
    how = options(view, view.options.language)
    found = []
    for account in view.accounts:
        try:
            text = FORMATS["thunderbird-qr"].render(account, how).data.decode()
        except ProblemError:
            continue
        found.append((str(account.address), text))
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """When a profile removes itself."""

    after: str | None
    """The last day or the moment, as the page writes it."""
    days: int | None
    """After the installation."""
    is_over: bool


def removal(view: CheckView) -> Removal | None:
    """When the profile of a check removes itself; None where it stays."""
    rules, zone = view.accounts[0].settings.profile, services().config.timezone
    moment = rules.removal_moment(zone)
    if not rules.removes_itself:
        return None
    return Removal(
        after=None if moment is None else _last(moment.astimezone(zone)),
        days=rules.remove_after_days,
        is_over=moment is not None and moment <= datetime.now(UTC),
    )


def _last(moment: datetime) -> str:
    """The day that ends with the moment, else the moment itself."""
    if moment.time() != time():
        return languages.moment(moment)
    return i18n.format_day(moment - timedelta(days=1), languages.language(), services().config.timezone)


def refusal(view: CheckView, format_name: str) -> Problem | None:
    """Why a format cannot hold the account, None where it can."""
    try:
        render(view, format_name)
    except ProblemError as error:
        return error.problems[0]
    return None
