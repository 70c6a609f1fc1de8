"""The result as a page that stands alone: to read on any screen, to keep, to send to whoever keeps the DNS."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from xml.etree.ElementTree import Element

from profiles.dns_records import zone_file
from profiles.problems import Problem, Severity
from webapp.doctor import picture, words
from webapp.doctor.certificates import Certificate
from webapp.doctor.examination import Examination
from webapp.doctor.markup import drawing, page, tag
from webapp.doctor.records import Comparison
from webapp.doctor.walk import Outcome, Step, words_of
from webapp.i18n import format_moment, translate

_STYLE = (
    picture.STYLE
    + """
.top { display: flex; gap: var(--s-4); align-items: center; }
.top svg { width: 3rem; flex: none; }
.top h1 { overflow-wrap: anywhere; }
.found > li { padding: var(--s-4) 0; border-top: 1px solid var(--line); }
.found > li:first-child { border-top: 0; padding-top: 0; }
.found code, .zone, td code { overflow-wrap: anywhere; }
.found .fix { margin-top: var(--s-1); }
.key { display: flex; flex-wrap: wrap; gap: var(--s-1) var(--s-5); font-size: var(--t-s); color: var(--text-2); }
.zone { margin: 0; padding: var(--s-4); background: var(--paper-2); border: 1px solid var(--line);
  border-radius: var(--r-1); font: 400 var(--t-xs)/1.7 var(--mono); white-space: pre-wrap; user-select: all; }
@media (max-width: 43.99rem) {
  .asked tr { grid-template-columns: minmax(0, 1fr) auto; }
  .asked :is(td, th) { grid-column: 1 / -1; }
  .asked .t { grid-column: 1; }
  .asked .x { grid-column: 2; }
  .asked td[data-label]::before { content: attr(data-label); display: block; font-size: var(--t-xs);
    color: var(--text-2); }
}
.note { color: var(--text-2); font-size: var(--t-s); }
.state.warn { color: var(--text); font-weight: 600; }
.state.warn::before { border-color: var(--shu); }
summary .state { margin-right: var(--s-4); min-width: 7.5em; display: inline-block; }
"""
)
_STATE_CLASSES = {True: "state done", False: "state bad", None: "state"}
_SEVERITY_CLASSES = {Severity.ERROR: "state bad", Severity.WARNING: "state warn", Severity.INFO: "state"}


def render(examination: Examination, language: str, moment: datetime) -> bytes:
    """The whole page in one language; `moment` knows its time zone."""
    title = translate(words.TITLE, language, domain=examination.domain)
    return page(language, title, _STYLE, _Report(examination, language).body(title, moment))


class _Report:
    """The parts of the page, all in one language."""

    def __init__(self, examination: Examination, language: str) -> None:
        self._found = examination
        self._language = language

    def body(self, title: str, moment: datetime) -> Element:
        when = tag(
            "time", format_moment(moment, self._language, moment.tzinfo or UTC), datetime=moment.isoformat()
        )
        return tag(
            "body",
            tag(
                "main",
                tag(
                    "div",
                    tag("div", drawing("mark.svg"), tag("h1", title), class_="top"),
                    tag("p", when, class_="small note"),
                    class_="head",
                ),
                self._verdict(),
                self._problems(),
                self._routes(),
                self._records(),
                self._certificates(),
                class_="admin",
            ),
        )

    def _say(self, message: str, **params: object) -> str:
        return translate(message, self._language, **params)

    def _verdict(self) -> Element:
        found = self._found
        said = self._say(words.verdict_of(found.ok, has_problems=bool(found.problems)), domain=found.domain)
        well = sum(1 for outcome in found.outcomes if outcome.ok)
        figures = self._say(words.FIGURES, well=well, all=len(found.outcomes), problems=len(found.problems))
        if found.ok:
            return tag("section", tag("div", tag("h2", said), tag("p", figures)), class_="panel")
        return tag("section", tag("div", tag("h2", said), tag("p", figures), class_="returned"), class_="panel")

    def _problems(self) -> Element | None:
        if not self._found.problems:
            return None
        pieces = words.grouped(self._found.problems, self._language)
        return self._section(words.PROBLEMS, tag("ul", *(self._piece(*piece) for piece in pieces), class_="found"))

    def _piece(self, problem: Problem, summaries: list[str], advice: str) -> Element:
        severity = tag("span", self._say(words.SEVERITIES[problem.severity]))
        severity.set("class", _SEVERITY_CLASSES[problem.severity])
        return tag(
            "li",
            tag("p", severity, " ", tag("code", str(problem.code), class_="note")),
            *(tag("p", tag("strong", summary)) for summary in summaries),
            tag("p", advice, class_="fix"),
        )

    def _routes(self) -> Element:
        key = tag(
            "p",
            *(tag("span", self._say(text), class_=_STATE_CLASSES[ok]) for ok, text in words.MARKS.items()),
            class_="key",
        )
        routes = picture.picture(self._found.outcomes, self._say(words.PICTURE), self._say)
        return self._section(words.ROUTES, key, routes, *map(self._client, self._found.outcomes))

    def _client(self, outcome: Outcome) -> Element:
        result = self._say(words.RESULTS[outcome.ok])
        return tag(
            "details",
            tag("summary", tag("span", result, class_=_STATE_CLASSES[outcome.ok]), tag("strong", outcome.name)),
            tag("p", self._outcome_words(outcome)),
            self._steps(outcome.steps),
        )

    def _outcome_words(self, outcome: Outcome) -> str:
        if outcome.setup is None:
            return self._say(words.verdict(outcome))
        return f"{words_of(outcome.setup.incoming)}, {words_of(outcome.setup.outgoing)}"

    def _steps(self, steps: Iterable[Step]) -> Element:
        rows = [
            (
                tag("td", tag("code", step.what), class_="t"),
                tag("td", self._say(step.note) or "–", class_="note"),
                self._state(step.ok, words.MARKS[step.ok]),
            )
            for step in steps
        ]
        return self._table((words.STEP, words.ANSWER, words.STATE), rows)

    def _records(self) -> Element:
        if not self._found.records:
            return self._section(words.RECORDS, tag("p", self._say(words.NOT_HOSTED, domain=self._found.domain)))
        rows = [self._record(one) for one in self._found.records]
        wanted = [replace(one.record, purpose=self._say(one.record.purpose)) for one in self._found.records]
        return self._section(
            words.RECORDS,
            self._table((words.RECORD, words.WANTED, words.PUBLISHED, words.STATE), rows),
            tag("h3", self._say(words.TO_PUBLISH)),
            tag("p", self._say(words.ONE_CLICK), class_="note"),
            tag("pre", zone_file(wanted), class_="zone", tabindex="0"),
        )

    def _record(self, one: Comparison) -> tuple[Element, ...]:
        found = [tag("code", value) for value in one.found]
        lines = [part for value in found for part in (value, tag("br"))][:-1]
        advice = one.problem is not None and not one.problem.is_error
        state = words.ADVISED if advice else words.RECORD_STATES[one.ok]
        return (
            tag("td", tag("code", one.record.name), " ", str(one.record.type), class_="t"),
            tag("td", tag("code", one.record.value)),
            tag("td", *lines) if lines else tag("td", self._say(words.NOTHING), class_="note"),
            self._state(one.ok, state),
        )

    def _certificates(self) -> Element | None:
        if not self._found.certificates:
            return None
        rows = [self._certificate(one) for one in self._found.certificates]
        heads = (words.SERVER, words.UNTIL, words.ISSUER, words.STATE)
        return self._section(words.CERTIFICATES, self._table(heads, rows))

    def _certificate(self, one: Certificate) -> tuple[Element, ...]:
        days = "" if one.days_left is None else self._say(words.DAYS_LEFT, days=one.days_left)
        until = f"{one.not_after} ({days})" if one.not_after and days else one.not_after or "–"
        code = one.problem.code if one.problem else one.silence
        state = self._say(words.CERTIFICATE_STATES[one.ok])
        return (
            tag("td", tag("code", one.server), class_="t"),
            tag("td", until),
            tag("td", one.issuer or "–", class_="note"),
            tag("td", tag("span", str(code) if one.problem and code else state, class_=_STATE_CLASSES[one.ok]),
                class_="x"),
        )  # fmt: skip

    def _state(self, ok: bool | None, message: str) -> Element:
        return tag("td", tag("span", self._say(message), class_=_STATE_CLASSES[ok]), class_="x")

    def _section(self, heading: str, *children: Element | None) -> Element:
        return tag("section", tag("h2", self._say(heading)), *children, class_="panel")

    def _table(self, heads: tuple[str, ...], rows: Iterable[tuple[Element, ...]]) -> Element:
        head = tag("tr", *(tag("th", self._say(text), scope="col") for text in heads))
        lines = []
        for cells in rows:
            for text, cell in zip(heads, cells, strict=True):
                if cell.get("class", "") not in ("t", "x"):
                    cell.set("data-label", self._say(text))  # shown where a narrow screen has no head
            lines.append(tag("tr", *cells))
        return tag("table", tag("thead", head), tag("tbody", *lines), class_="fold asked")
