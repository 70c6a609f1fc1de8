"""Hand-outs: printed postcards with the code of an invitation. A hand-out never holds a PIN or a password."""

from webapp.handouts.card import Card, card_digits
from webapp.handouts.sheets import Layout, Sheets

__all__ = ["Card", "Layout", "Sheets", "card_digits"]
