"""The words of the terminal, and the room they take there."""

from __future__ import annotations

from unicodedata import east_asian_width

from analysis.catalogue import label


def say_in_terminal(key: str, language: str, **values: object) -> str:
    """The terminal's words for a key in a language, with `{…}` filled in."""
    return label(f"terminal.{key}", language, **values)


def screen_width(text: str) -> int:
    """How many columns a plain text takes: Chinese characters and most emoji take two."""
    return sum(2 if east_asian_width(sign) in "WF" else 1 for sign in text)
