"""Plays each mail client's look-ups for a domain and says what it would configure, or where it fails."""

from webapp.doctor.examination import Examination, examine

__all__ = ["Examination", "examine"]
