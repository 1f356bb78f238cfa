"""SQL for the user's texts as people see them: without the spaces around them, and nothing where a word means so."""

from __future__ import annotations

from collections.abc import Iterable

from analysis.tables.quoting import quoted

SPACES = " \t\r\n\u00a0\u2007\u202f\u3000\ufeff"


def stripped(text: str) -> str:
    """The text without the spaces around it, of whatever kind."""
    # most texts begin and end with a plain character: this look is much cheaper than trimming them
    is_plain = f"ascii({text}) between 33 and 126 and ascii(right({text}, 1)) between 33 and 126"
    return f"case when {is_plain} then {text} else trim({text}, {quoted(SPACES)}) end"


def present(text: str, missing: Iterable[str]) -> str:
    """The text, NULL where it is empty or one of the words that mean it is missing."""
    for word in dict.fromkeys(("", *(word.strip(SPACES) for word in missing))):
        text = f"nullif({text}, {quoted(word)})"
    return text
