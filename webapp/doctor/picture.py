"""The picture of an examination: each mail app's route through the places where it looks, as SVG.

A filled dot is what it took, a ring what was not there, a square what is wrong. Every row says its result in
words, and the steps stand in the page below, so nothing hangs on colour or shape alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from xml.etree.ElementTree import Element

from webapp.doctor.markup import tag
from webapp.doctor.walk import LookUp, Outcome, Step
from webapp.doctor.words import LOOK_UPS, RESULTS

STYLE = """
.route { width: 100%; overflow: visible; font: 400 .875rem var(--gothic); }
.route .rail { stroke: var(--edge); stroke-width: 1; }
.route .grid { stroke: var(--line); stroke-width: 1; }
.route .ring { fill: var(--paper); stroke: var(--edge); stroke-width: 2; }
.route .dot { fill: var(--ai); stroke: var(--paper); stroke-width: 2; }
.route .square { fill: var(--shu); stroke: var(--paper); stroke-width: 2; }
.route .head { fill: var(--text-2); font-size: .8125rem; }
.route .v { font-weight: 600; }
.route .bad { fill: var(--shu-text); }
.route .wide { display: none; }
@media (min-width: 60rem) {
  .route { margin-top: -4.5rem !important; }
  .route .wide { display: inline; }
  .route .narrow { display: none; }
}
@media (forced-colors: active) { .route { forced-color-adjust: none; } }
"""

Say = Callable[[str], str]
_HEAD, _ROW, _FOOT = 104, 52, 8
_FIRST, _LAST = 4.0, 94.0
_COLUMNS = {look_up: place for place, look_up in enumerate(LookUp)}


def picture(outcomes: Iterable[Outcome], label: str, say: Say) -> Element:
    """All routes under each other. Lengths are percentages and texts pixels, so it fits every width."""
    rows = tuple(outcomes)
    height = _HEAD + _ROW * len(rows) + _FOOT
    heads = [element for look_up in LookUp for element in _head(look_up, height)]
    routes = [element for number, outcome in enumerate(rows) for element in _route(number, outcome, say)]
    return tag("svg", *heads, *routes, class_="route", height=str(height), role="img", aria_label=label)


def symbol(ok: bool | None, x: str, y: float) -> Element:
    """Dot, square or ring, by the result of a step."""
    if ok is False:
        return tag("svg", tag("rect", x="-7", y="-7", width="14", height="14", class_="square"), x=x, y=str(y),
                   overflow="visible")  # fmt: skip
    return tag("circle", cx=x, cy=str(y), r="7" if ok else "6", class_="dot" if ok else "ring")


def _head(look_up: LookUp, height: int) -> list[Element]:
    x, words = _x(look_up), LOOK_UPS[look_up]
    upright = tag("text", words, class_="head", transform="rotate(-90)", x="0", y="4")
    level = tag("text", words, class_="head", text_anchor="middle", x="0", y="0")
    return [
        tag("line", x1=x, x2=x, y1=str(_HEAD - 4), y2=str(height - _FOOT), class_="grid"),
        tag("svg", upright, x=x, y=str(_HEAD - 10), overflow="visible", class_="narrow"),
        tag("svg", level, x=x, y=str(_HEAD - 12), overflow="visible", class_="wide"),
    ]


def _route(number: int, outcome: Outcome, say: Say) -> list[Element]:
    top = _HEAD + _ROW * number
    y = top + 36
    places = {step.by: _worth(step.by, outcome.steps) for step in outcome.steps}
    order = sorted(places, key=lambda look_up: _COLUMNS[look_up])
    verdict = "v bad" if outcome.ok is False else "v"
    return [
        tag("text", outcome.name, x="0", y=str(top + 18), class_="f-text"),
        tag("text", say(RESULTS[outcome.ok]), x="100%", y=str(top + 18), text_anchor="end",
            class_=f"f-text {verdict}"),
        tag("line", x1=_x(order[0]), x2=_x(order[-1]), y1=str(y), y2=str(y), class_="rail"),
        *(symbol(places[look_up], _x(look_up), y) for look_up in order),
    ]  # fmt: skip


def _worth(look_up: LookUp, steps: tuple[Step, ...]) -> bool | None:
    """One mark for several questions of a kind: the last that led to anything decides, as for the client."""
    found = [step.ok for step in steps if step.by is look_up and step.ok is not None]
    return found[-1] if found else None


def _x(look_up: LookUp) -> str:
    share = _COLUMNS[look_up] / (len(_COLUMNS) - 1)
    return f"{_FIRST + share * (_LAST - _FIRST):.2f}%"
