"""Files and codes of a finished check that hold no password, rendered anew whenever a page asks."""

from __future__ import annotations

from profiles.formats import FORMATS
from profiles.model import Artifact, RenderOptions
from profiles.problems import Problem, ProblemError
from webapp import i18n
from webapp.checks import CheckView


def options(view: CheckView, language: str) -> RenderOptions:
    """How to render for this check, without a password."""
    gettext = i18n.catalogue(language).gettext
    return RenderOptions(language=language, unchecked=view.unchecked, translate=gettext)


def render(view: CheckView, format_name: str) -> Artifact:
    """Render one format; raises ProblemError where it cannot hold the account."""
    return FORMATS[format_name].render(view.account, options(view, view.options.language))


def render_if_possible(view: CheckView, format_name: str) -> Artifact | None:
    """The same, None where the format cannot hold the account: the page leaves that way out."""
    try:
        return render(view, format_name)
    except ProblemError:
        return None


def refusal(view: CheckView, format_name: str) -> Problem | None:
    """Why a format cannot hold the account, None where it can."""
    try:
        render(view, format_name)
    except ProblemError as error:
        return error.problems[0]
    return None
