"""The stamp of a page: a QR code with a perforated edge and a strip that says until when it works.

Always black on white, whatever the theme: inverted codes are not read by every scanner.
"""

from __future__ import annotations

from collections.abc import Callable

from markupsafe import Markup, escape

from profiles import qr

_HOLE = 1.8
_FRAME = 2.6
_STRIP = 5.2
_FONT = "'Hiragino Sans','Noto Sans JP','Noto Sans CJK JP',Meiryo,sans-serif"


def stamp(matrix: qr.Matrix, *, label: str, left: str, right: str) -> Markup:
    """Draw the code as a stamp; `left` and `right` are the words of its lower strip."""
    inner = len(matrix) + 2 * qr.QUIET_ZONE
    width = inner + 2 * _FRAME + 1.2
    height = width + _STRIP
    frame = _FRAME + 0.6
    return Markup(
        '<svg class="stamp" xmlns="http://www.w3.org/2000/svg" viewBox="-.3 -.3 {vw:.2f} {vh:.2f}" '
        'width="300" height="{pixels:.0f}" role="img" aria-label="{label}">'
        '<path d="{edge}" fill="#fff" stroke="#8f8f8b" stroke-width=".22"/>'
        '<rect x="2.6" y="2.6" width="{fw:.2f}" height="{fh:.2f}" fill="none" stroke="#d03a1b" stroke-width=".3"/>'
        '<path transform="translate({frame:.2f} {frame:.2f})" d="{modules}" fill="#000" '
        'shape-rendering="crispEdges"/>'
        '<g font-family="{font}" font-size="2.7" font-weight="600" fill="#1a1a1a">'
        '<text x="{x1:.2f}" y="{y:.2f}">{left}</text>'
        '<text x="{x2:.2f}" y="{y:.2f}" text-anchor="end" fill="#b32d10">{right}</text></g></svg>'
    ).format(
        vw=width + 0.6,
        vh=height + 0.6,
        pixels=300 * (height + 0.6) / (width + 0.6),
        label=escape(label),
        edge=perforation(width, height),
        fw=inner + 1.2,
        fh=inner + 1.2 + _STRIP,
        frame=frame,
        modules=qr.path(matrix),
        font=_FONT,
        x1=frame + qr.QUIET_ZONE,
        x2=frame + inner - qr.QUIET_ZONE,
        y=frame + inner + 2.6,
        left=escape(left),
        right=escape(right),
    )


def perforation(width: float, height: float) -> str:
    """The outline of a stamp: half holes at even distances, clockwise from the top left corner."""
    return (
        "M0 0"
        + _side(width, lambda d: f"l{d:.2f} 0", f"a.9 .9 0 0 0 {_HOLE} 0")
        + _side(height, lambda d: f"l0 {d:.2f}", f"a.9 .9 0 0 0 0 {_HOLE}")
        + _side(width, lambda d: f"l-{d:.2f} 0", f"a.9 .9 0 0 0 -{_HOLE} 0")
        + _side(height, lambda d: f"l0 -{d:.2f}", f"a.9 .9 0 0 0 0 -{_HOLE}")
        + "z"
    )


def _side(length: float, line: Callable[[float], str], hole: str) -> str:
    count = round(length / 2.57)
    gap = (length / count - _HOLE) / 2
    return (line(gap) + hole + line(gap)) * count
