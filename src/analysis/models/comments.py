"""Comments of customers, read: their language, words and themes, and which of them serve as examples."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from .lexicon import Theme, find_themes, read_themes
from .words import MOST_CHARACTERS, Words, measure_languages, read_words

COLUMNS = ("text", "score_group", "source", "day", "customer_id")
EXAMPLES = 3
EXAMPLE_CHARACTERS = 200
GOOD_LENGTH = 80
"""Examples nearest to this many characters come first: long enough to be understood, short enough to be read."""

_PRIVATE = re.compile(
    r"https?://[!-~]+|www\.[!-~]+|[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]+|\+?\d(?:[ -]?\d){4,}", re.IGNORECASE
)
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
LEFT_OUT = "[\N{HORIZONTAL ELLIPSIS}]"


@dataclass(frozen=True, eq=False)
class ReadComments:
    """Comments, their words and their themes.

    ``comments`` has one row per comment that is not blank: the columns given, ``language`` and ``text_position``
    (of its text among the distinct ones, which ``texts`` and ``words`` are of). ``has_theme`` has one row per
    distinct text and one column per theme.
    """

    comments: pd.DataFrame
    texts: NDArray[np.object_]
    words: Words
    themes: tuple[Theme, ...]
    has_theme: NDArray[np.bool_]

    @cached_property
    def readable(self) -> pd.DataFrame:
        """The comments in which a word could be read."""
        return self.comments[self.comments["language"] != "none"].reset_index(drop=True)

    @cached_property
    def example_rank(self) -> NDArray[np.intp]:
        """How well each text serves as an example: few themes first, then middling length, then the alphabet."""
        off = np.abs(np.array([len(text) for text in self.texts], dtype=int) - GOOD_LENGTH)
        alphabetical = np.argsort(self.texts, kind="stable")
        order = alphabetical[np.lexsort((off[alphabetical], self.has_theme.sum(axis=1)[alphabetical]))]
        rank = np.empty(len(order), dtype=np.intp)
        rank[order] = np.arange(len(order))
        return rank


def read_comments(
    comments: pd.DataFrame, themes: Sequence[Theme] | None = None, ignored_words: Sequence[str] = ()
) -> ReadComments:
    """Comments read: their language, words and themes. Blank and missing ones are left out.

    Parameters
    ----------
    comments : one row per comment: ``text``; ``score_group`` (promoters, passives, detractors; or satisfied,
        neutral, unsatisfied; missing where no score was given), ``source``, ``day``, ``customer_id`` (missing
        ones count as different customers).
    themes : what to look for; the catalogue's if not given. See ``read_themes``.
    ignored_words : words that tell nothing here, such as the company's own name.

    Raises
    ------
    ValueError
        If a column is missing.
    """
    if missing := [name for name in COLUMNS if name not in comments]:
        raise ValueError(f"comments need the columns {', '.join(COLUMNS)}; missing: {', '.join(missing)}")
    themes = read_themes() if themes is None else tuple(themes)
    said = comments["text"].map(lambda text: isinstance(text, str) and not text.isspace() and text != "")
    comments = comments.loc[said.astype(bool), list(comments.columns)].reset_index(drop=True)
    position, texts = pd.factorize(comments["text"].to_numpy(dtype=object))
    words = read_words(list(texts), ignored_words)
    comments["text_position"] = position
    comments["language"] = measure_languages(words)[position]
    return ReadComments(comments, texts, words, themes, find_themes(words, themes))


def measure_sources(read: ReadComments) -> pd.DataFrame:
    """How many comments were read from which source and in which language.

    One row per ``source`` and ``language``: ``comments``, ``customers`` (those known), and ``cut``, the comments
    too long to be read whole.
    """
    comments = read.comments.assign(cut=read.comments["text"].str.len() > MOST_CHARACTERS)
    by = comments.groupby(["source", "language"], sort=True, dropna=False)
    columns = {"comments": ("text", "size"), "customers": ("customer_id", "nunique"), "cut": ("cut", "sum")}
    return by.agg(**columns).astype(int).reset_index()


def customer_positions(comments: pd.DataFrame) -> NDArray[np.intp]:
    """Positions of customers; every comment of an unknown one has its own."""
    code, known = pd.factorize(comments["customer_id"])
    return np.where(code < 0, len(known) + np.arange(len(code)), code)


def choose_examples(read: ReadComments, texts: ArrayLike) -> tuple[str, ...]:
    """The best examples among these texts, given by position; different ones."""
    texts = np.unique(np.asarray(texts, dtype=np.intp))
    best = texts[np.argsort(read.example_rank[texts])[: 4 * EXAMPLES]]
    return tuple(dict.fromkeys(shown_text(text) for text in read.texts[best]))[:EXAMPLES]


def shown_text(text: str) -> str:
    """The comment on one line, cut where it is long, without addresses, long numbers and invisible signs."""
    whole = text[: 2 * EXAMPLE_CHARACTERS].encode("utf-8", "replace").decode()
    shown = " ".join(_UNSEEN.sub(" ", _PRIVATE.sub(LEFT_OUT, whole)).split())
    if len(shown) <= EXAMPLE_CHARACTERS and len(text) <= 2 * EXAMPLE_CHARACTERS:
        return shown
    return shown[: EXAMPLE_CHARACTERS - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"
