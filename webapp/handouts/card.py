"""What stands on a postcard: the stamp with the code, whose it is, three steps, until when, whom to ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from profiles.fast_qr import Code
from profiles.problems import N_
from profiles.qr import QUIET_ZONE
from webapp.handouts.drawing import GREY, INK, VERMILION, WORDS, Drawing, Style, TypeFace, is_vertical, wrapped

NUMBER = N_("Card number")
STAMP = N_("Mail set-up")
STAMP_UNTIL = N_("until %(day)s")
TITLE_FIRST = N_("Your mail,")
TITLE_SECOND = N_("on your phone")
SCAN = N_("Scan the stamp with your camera.")
STEP_SCAN = N_("Point the camera at the stamp and open the link that appears.")
STEP_PASSWORD = N_("Check that the address is yours and type the password.")
STEP_PIN = N_("Check that the address is yours and type the PIN that you get another way.")
STEP_FOLLOW = N_("Follow the steps on the screen. It takes about two minutes.")
EXPIRES = N_("Valid until")
OPENS = N_("Page opened")
HELP = N_("Ask")
NAMED = N_("%(name)s (name on a card)")
"""How a person is addressed: 様 in Japanese, the bare name in English."""
_MARK = " (name on a card)"

CODE_LEAST = 25.2
"""Side of the code without its margin, in millimetres: what cameras read at arm's length."""
_MOST_KEPT = 500
_FRAME = 3.5
"""Modules between the margin and the edge of the stamp."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One hand-out. Nothing here opens a mailbox: the page of the link asks for the password, or for the PIN."""

    number: int
    """As the help desk asks for it; it names a row and opens nothing."""
    address: str
    full_name: str
    department: str
    company: str
    code: Code
    """The link as a QR code, level Q."""
    host: str
    """The page that the code opens, as a person compares it."""
    expires: str
    """Date and time in words."""
    expires_day: str
    """The date in few signs, for the stamp."""
    help: str = ""
    needs_pin: bool = False
    """The page asks for a PIN, which is never on the card."""

    @property
    def addressee(self) -> str:
        """Whose card it is: the name, else the address."""
        return self.full_name or self.address

    @property
    def sender(self) -> str:
        """Company and department."""
        return " ".join(part for part in (self.company, self.department) if part)


@dataclass(frozen=True, slots=True)
class Faces:
    """The two typefaces of a card: Gothic for what is read, Mincho for names and numbers."""

    sans: TypeFace
    serif: TypeFace


class Designer:
    """Draws cards in one language."""

    def __init__(self, faces: Faces, translate: Callable[[str], str]) -> None:
        self._faces = faces
        self._say = translate
        self._kept: dict[tuple[object, ...], str] = {}

    # the large card, 100 x 148 mm

    def postcard_ground(self, *, needs_pin: bool) -> Drawing:
        """What is the same on every postcard."""
        drawing = Drawing()
        self._boxes(drawing, 93, 7)
        title = self._sans(10.5, bold=True)
        drawing.text(7, 60, self._say(TITLE_FIRST), title)
        drawing.text(7, 65.6, self._say(TITLE_SECOND), title)
        for line, text in enumerate(wrapped(self._say(SCAN), self._sans(8), 36, lines=2)):
            drawing.text(7, 72 + 4.5 * line, text, self._sans(8))
        drawing.line(7, 95, 93, 95, width=0.2, colour=VERMILION)
        self._steps(drawing, 7, 102.5, _steps(needs_pin), size=8.5, step=6.6, room=80)
        return drawing

    def postcard(self, card: Card) -> Drawing:
        """What is this card's own."""
        drawing = Drawing()
        self._stamp(drawing, card, 7, 7)
        self._number(drawing, card, 93, 7)
        self._addressee(drawing, card)
        self._foot(drawing, card, 7, 129.5, size=7.5, step=4.3, room=66)
        return drawing

    def _addressee(self, drawing: Drawing, card: Card) -> None:
        name = self._addressed(card)
        sender = self._serif(9.5)
        if is_vertical(card.full_name):
            size, spacing = (17, 0.06) if len(name) > 8 else (23, 0.12)
            drawing.vertical(69, 25, 92, name, self._serif(size), spacing=spacing)
            drawing.vertical(84.5, 27, 92, card.sender, sender, spacing=0.14)
            return
        # An address is never broken, only made smaller.
        lines = wrapped(name, self._serif(15), 44, lines=2) if card.full_name else [name]
        for number, line in enumerate(lines):
            drawing.text(49, 50 + 7 * number, line, self._serif(15).fitting(line, 44))
        for number, line in enumerate(wrapped(card.sender, sender, 44, lines=3)):
            drawing.text(49, 36 - 4.5 * (2 - number), line, sender)

    # the small card, 105 x 74.25 mm, eight on a sheet

    def slip_ground(self, *, needs_pin: bool) -> Drawing:
        """What is the same on every small card."""
        drawing = Drawing()
        self._boxes(drawing, 98, 6)
        self._steps(drawing, 48, 37, _steps(needs_pin), size=6.6, step=7.2, room=46, lines=2)
        return drawing

    def slip(self, card: Card) -> Drawing:
        """What is this card's own."""
        drawing = Drawing()
        self._stamp(drawing, card, 6, 6)
        self._number(drawing, card, 98, 6)
        sender = self._serif(7.5)
        drawing.text(48, 22.5, card.sender, sender.fitting(card.sender, 50))
        name = self._addressed(card)
        drawing.text(48, 30, name, self._serif(15).fitting(name, 50))
        self._foot(drawing, card, 6, 58.5, size=6.6, step=4.0, room=74)
        return drawing

    # parts of both

    def _stamp(self, drawing: Drawing, card: Card, x: float, y: float) -> None:
        """The stamp with its code and its lower strip."""
        modules = card.code.side
        module = max(36 / (modules + 2 * QUIET_ZONE + 2 * _FRAME), CODE_LEAST / modules)
        margin = (_FRAME + QUIET_ZONE) * module
        key = ("stamp", modules, card.expires_day)
        drawing.add(self._again(key, lambda frame: self._frame(frame, card, x, y, module)))
        drawing.code(x + margin, y + margin, modules * module, card.code)

    def _frame(self, drawing: Drawing, card: Card, x: float, y: float, module: float) -> None:
        inner = (card.code.side + 2 * QUIET_ZONE) * module
        frame = _FRAME * module
        width, strip = inner + 2 * frame, 5.2 * module
        drawing.perforation(x, y, width, width + strip)
        inside = 2.6 * module
        across, down = width - 2 * inside, width + strip - 2 * inside
        drawing.box(x + inside, y + inside, across, down, stroke=0.2, colour=VERMILION)
        margin = frame + QUIET_ZONE * module
        baseline = y + frame + inner + 2.4 * module
        drawing.text(x + margin, baseline, self._say(STAMP), self._sans(5.2, bold=True))
        until = self._say(STAMP_UNTIL) % {"day": card.expires_day}
        drawing.text(x + width - margin, baseline, until, self._sans(5.2, WORDS, bold=True), align="right")

    def _again(self, key: tuple[object, ...], draw: Callable[[Drawing], None]) -> str:
        """What `draw` draws, kept for the other cards on which it is the same."""
        if key not in self._kept:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            drawing = Drawing()
            draw(drawing)
            self._kept[key] = str(drawing)
        return self._kept[key]

    def _boxes(self, drawing: Drawing, right: float, top: float) -> None:
        for number in range(7):
            stroke = 0.45 if number < 3 else 0.2
            drawing.box(_box_left(right, number), top, 5.1, 7.2, stroke=stroke, colour=VERMILION)
        dash = _box_left(right, 3)
        drawing.line(dash - 1.95, top + 3.6, dash - 0.55, top + 3.6, width=0.2, colour=VERMILION)
        drawing.text(right, top + 10, self._say(NUMBER), self._sans(5.5, WORDS), align="right")

    def _number(self, drawing: Drawing, card: Card, right: float, top: float) -> None:
        digits = [(_box_left(right, at) + 2.55, digit) for at, digit in enumerate(card_digits(card.number))]
        drawing.spread(digits, top + 5.1, self._sans(11))

    def _steps(
        self,
        drawing: Drawing,
        x: float,
        y: float,
        texts: Sequence[str],
        *,
        size: float,
        step: float,
        room: float,
        lines: int = 1,
    ) -> None:
        style = self._sans(size)
        for number, text in enumerate(texts, 1):
            drawing.text(x, y, f"{number}", self._serif(size + 3.5, WORDS))
            said = self._say(text)
            indent = size * 0.7
            parts = wrapped(said, style, room, lines=lines) if lines > 1 else [said]
            for line, part in enumerate(parts):
                drawing.text(x + indent, y + 3.1 * line, part, style.fitting(part, room))
            y += step

    def _foot(
        self, drawing: Drawing, card: Card, x: float, y: float, *, size: float, step: float, room: float
    ) -> None:
        rows = [(EXPIRES, card.expires, True), (OPENS, card.host, True), (HELP, card.help, False)]

        def draw(foot: Drawing) -> None:
            shown = [row for row in rows if row[1]]
            for number, (title, text, bold) in enumerate(shown):
                foot.text(x, y + number * step, self._say(title), self._sans(size, WORDS))
                style = self._sans(size, INK if bold else GREY, bold=bold)
                foot.text(x + 2.4 * size, y + number * step, text, style.fitting(text, room))

        drawing.add(self._again(("foot", card.expires, card.host, card.help), draw))

    def _addressed(self, card: Card) -> str:
        if not card.full_name:
            return card.address
        return (self._say(NAMED) % {"name": card.full_name}).removesuffix(_MARK)

    def _sans(self, size: float, colour: tuple[float, ...] = INK, *, bold: bool = False) -> Style:
        return Style(self._faces.sans, size, colour, bold)

    def _serif(self, size: float, colour: tuple[float, ...] = INK) -> Style:
        return Style(self._faces.serif, size, colour)


def card_digits(number: int) -> str:
    """The seven digits in the boxes."""
    return f"{number % 10_000_000:07}"


def card_name(number: int) -> str:
    """`402-0137`, as the help desk hears it."""
    digits = card_digits(number)
    return f"{digits[:3]}-{digits[3:]}"


def _steps(needs_pin: bool) -> tuple[str, ...]:
    return STEP_SCAN, STEP_PIN if needs_pin else STEP_PASSWORD, STEP_FOLLOW


def _box_left(right: float, number: int) -> float:
    width = 7 * 5.1 + 6 * 0.9 + 1.6
    return right - width + number * 6.0 + (1.6 if number > 2 else 0.0)
