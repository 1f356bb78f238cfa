"""Which of somebody else's headings mean which of our columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from difflib import SequenceMatcher, get_close_matches
from functools import lru_cache
from typing import Any

from analysis.catalogue import load_catalogue, read_yaml
from analysis.tables.cells import plain

LONGEST_HEADING = 60  # characters; what is longer is a text
LIKENESS = 0.86  # from which two headings are taken for the same, misspelt
SURE = 2.8  # from which on a heading is the very word; below, it is to be looked at


@lru_cache(maxsize=1)
def header_words() -> dict[str, Any]:
    """How others head their columns and name their files, as the catalogue has it."""
    return read_yaml("header_words.yml")


@lru_cache(maxsize=512)
def words_for(table: str, name: str) -> tuple[str, ...]:
    """How others head one of our columns; its own name first. A mark * ends the words that may mean something else."""
    known = header_words()
    words = (name, *known.get(f"{table}.{name}", known.get(name, [])))
    return tuple(plain(word) + "*" * word.endswith("*") for word in words)


def is_inverted(table: str, name: str, heading: str) -> bool:
    """Whether a heading says the contrary of our column: "SLA breached" for whether it was met."""
    return plain(heading) in map(plain, header_words().get(f"{table}.not.{name}", []))


def match_columns(
    columns: Sequence[str], table: str, ours: Iterable[str], fits: Callable[[str, str], bool] | None = None
) -> dict[str, str]:
    """Which of a file's columns looks like which of ours, in our order; none of theirs is taken twice.

    The same word counts most, those earlier in the list of words before later ones, then a word within a longer
    heading, a word that may mean something else, and a misspelt one.

    Parameters
    ----------
    fits
        Whether the cells of a column of theirs (the second) can be what ours (the first) holds.
    """
    names = list(ours)
    likeness = {(name, theirs): likeness_to(table, name, theirs) for name in names for theirs in columns}
    found: dict[str, str] = {}
    for (name, theirs), score in sorted(likeness.items(), key=lambda one: -one[1]):
        is_free = name not in found and theirs not in found.values()
        if score > 0 and is_free and (fits is None or fits(name, theirs)):
            found[name] = theirs
    return {name: found[name] for name in names if name in found}


def likeness_to(table: str, name: str, heading: str) -> float:
    """How like a heading is to those of our column, from 0 to 3; the word that stands earlier counts more."""
    inverted = tuple(plain(word) for word in header_words().get(f"{table}.not.{name}", []))
    return _likeness(heading, words_for(table, name) + inverted)


@lru_cache(maxsize=4096)
def _likeness(heading: str, words: tuple[str, ...]) -> float:
    bare = plain(heading)
    if not bare or len(bare) > LONGEST_HEADING:
        return 0.0
    if bare in words:
        return 3 - words.index(bare) / 1000
    sure = [word for word in words if not word.endswith("*")]
    within = [place for place, word in enumerate(sure) if _is_within(word, bare)]
    if within:
        return 2 - within[0] / 1000
    if f"{bare}*" in words:
        return 1.5 - words.index(f"{bare}*") / 1000
    near = get_close_matches(bare, sure, n=1, cutoff=LIKENESS) if len(bare) > 4 else []
    return SequenceMatcher(None, bare, near[0]).ratio() if near else 0.0


def _is_within(word: str, heading: str) -> bool:
    """Whether a word of some length ends or begins a longer heading, such as 订单金额 in 本期订单金额."""
    if re.search(r"[\u4e00-\u9fff]", word):
        return len(word) >= 3 and word in heading
    return len(word) >= 5 and f" {word} " in f" {heading} "


@lru_cache(maxsize=64)
def all_words(table: str, form: str | None) -> frozenset[str]:
    """Every word that heads a column of a table of ours."""
    ours = load_catalogue().tables[table].columns_given_as(form)
    inverted = {plain(word) for name in ours for word in header_words().get(f"{table}.not.{name}", [])}
    return frozenset(word.rstrip("*") for name in ours for word in words_for(table, name)) | inverted
