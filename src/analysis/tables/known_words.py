"""Which of somebody else's words mean which of ours, in columns that hold one of a few."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.catalogue import load_catalogue
from analysis.tables.cells import plain
from analysis.tables.headings import header_words

MOST_WORDS = 20  # a column of more is a text


def map_words(table: str, name: str, cells: Sequence[str]) -> dict[str, str]:
    """Each word of theirs with ours; those that mean none of ours with nothing. Empty, where none is known.

    Parameters
    ----------
    name
        A column of ours that allows some words only.
    """
    allowed = load_catalogue().tables[table].columns[name].allowed or ()
    said = sorted(set(cells))
    if not allowed or len(said) > MOST_WORDS or set(said) <= set(allowed):
        return {}
    known = header_words()["words"].get(f"{table}.{name}", {})
    ours = {plain(word): our for our in allowed for word in (our, *known.get(our, []))}
    found = {word: ours.get(plain(word), "") for word in said}
    return found if any(found.values()) else {}
