"""Cards on paper: one postcard a page, or four or eight on A4 with lines to cut along."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from fpdf import FPDF
from fpdf.fonts import TTFFont
from pylopdf_fonts_jp import sans_path, serif_path

from webapp.handouts.card import Card, Designer, Faces
from webapp.handouts.drawing import MM, Drawing, TypeFace

_CUT = 0.6
"""Grey of the lines to cut along: seen by the person with the knife, hardly on the card."""

_REMEMBERED = 4096


class Layout(StrEnum):
    """What is printed on."""

    POSTCARD = "postcard"
    A4_4 = "a4-4"
    A4_8 = "a4-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """A page and the places of the cards on it, in millimetres."""

    width: float
    height: float
    columns: int
    rows: int
    inset: tuple[float, float] = (0.0, 0.0)
    """Of a card within its place."""

    @property
    def places(self) -> tuple[tuple[float, float], ...]:
        across, down = self.width / self.columns, self.height / self.rows
        return tuple(
            (column * across + self.inset[0], row * down + self.inset[1])
            for row in range(self.rows)
            for column in range(self.columns)
        )


_PAGES = {
    Layout.POSTCARD: _Page(width=100, height=148, columns=1, rows=1),
    Layout.A4_4: _Page(width=210, height=297, columns=2, rows=2, inset=(2.5, 0.25)),
    Layout.A4_8: _Page(width=210, height=297, columns=2, rows=4),
}


class Sheets:
    """A PDF file in the making. `title` is what a viewer shows, `translate` gives the words of the card."""

    def __init__(
        self, layout: Layout, *, language: str, translate: Callable[[str], str], title: str, now: datetime
    ) -> None:
        self._page = _PAGES[layout]
        self._pdf = FPDF(unit="mm", format=(self._page.width, self._page.height))
        self._pdf.set_auto_page_break(False)
        self._pdf.set_lang(language)
        self._pdf.set_title(title)
        self._pdf.set_creator("Hagaki")
        self._pdf.set_creation_date(now)
        self._pdf.add_font("sans", fname=sans_path())
        self._pdf.add_font("serif", fname=serif_path())
        faces = Faces(self._face("sans"), self._face("serif"))
        designer = Designer(faces, translate)
        is_small = layout is Layout.A4_8
        self._draw = designer.slip if is_small else designer.postcard
        ground = designer.slip_ground if is_small else designer.postcard_ground
        self._grounds = {needs_pin: str(ground(needs_pin=needs_pin)) for needs_pin in (False, True)}
        self.count = 0

    def add(self, card: Card) -> None:
        """Put a card on the next place."""
        place = self.count % len(self._page.places)
        if place == 0:
            self._new_page()
        x, y = self._page.places[place]
        ground, own = self._grounds[card.needs_pin], str(self._draw(card))
        self._write(f"q 1 0 0 1 {x * MM:.2f} {(self._page.height - y) * MM:.2f} cm\n{ground}\n{own}\nQ")
        self.count += 1

    def data(self) -> bytes:
        """The finished file, its fonts cut down to the signs that are used. Nothing can be added after it."""
        return bytes(self._pdf.output())

    def close(self) -> None:
        """Let the font files go, where the file is not wanted any more."""
        for font in self._pdf.fonts.values():
            if isinstance(font, TTFFont):
                font.close()

    def _new_page(self) -> None:
        self._pdf.add_page()
        for family in ("sans", "serif"):
            # Showing nothing makes a font one of the page's resources.
            self._pdf.set_font(family, size=8)
            self._pdf.text(0, 0, "")
        self._write(f"q 1 0 0 1 0 {self._page.height * MM:.2f} cm\n[3 3] 0 d {self._cuts()}\nQ")

    def _cuts(self) -> Drawing:
        drawing = Drawing()
        width, height = self._page.width, self._page.height
        for column in range(1, self._page.columns):
            x = column * width / self._page.columns
            drawing.line(x, 0, x, height, width=0.2, colour=(_CUT,) * 3)
        for row in range(1, self._page.rows):
            y = row * height / self._page.rows
            drawing.line(0, y, width, y, width=0.2, colour=(_CUT,) * 3)
        return drawing

    def _face(self, family: str) -> TypeFace:
        font = self._pdf.fonts[family]
        assert isinstance(font, TTFFont)
        # Company, date and help desk are the same on thousands of cards, and names are made of few signs.
        return TypeFace(
            i=font.i,
            encode_text=lru_cache(_REMEMBERED)(font.encode_text),
            get_text_width=lru_cache(_REMEMBERED)(font.get_text_width),
        )

    def _write(self, operators: str) -> None:
        # There is no public way to write operators; a test that draws a card fails if this one goes.
        self._pdf._out(operators)
