"""Mails to employees: composed as values, handed to the host's own relay, no database and no web framework.

A mail holds a link and never a password or PIN. What becomes of it is told for each mail, and "we do not know" is
one of the answers.
"""

from __future__ import annotations

from webapp.mails.letter import Kind, Letter, compose
from webapp.mails.passage import Passage, Passages, note
from webapp.mails.postman import Fate, Handed, Postman
from webapp.mails.relay import Relay, read_relay, sender_of

__all__ = [
    "Fate",
    "Handed",
    "Kind",
    "Letter",
    "Passage",
    "Passages",
    "Postman",
    "Relay",
    "compose",
    "note",
    "read_relay",
    "sender_of",
]
