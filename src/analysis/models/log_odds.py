"""Words and phrases that mark a group: found in the comments themselves, without a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import sparse, stats

from .words import Words

Floats = NDArray[np.float64]

PRIOR_WORDS = 500.0
"""Weight of the prior: each group starts as if it had been heard saying this many words in the proportions of
all groups together. A few hundred words steady the rare ones and are soon outweighed for the common ones."""
LEAST_CUSTOMERS = 5
"""Words that fewer customers use are not tested: no such word can mark a group beyond chance, and each would
cost the others power."""
LEAST_RATIO = 1.5
"""A word marks a group if its odds there are at least half as high again as elsewhere. With many comments far
less is beyond chance; and where a group speaks much of one thing, its shares of all other words fall a little,
which marks nothing."""
LONGEST_PHRASE = 6
"""In pieces as they are cut: a name no dictionary knows comes as single characters."""
PHRASE_SHARE = 2 / 3
"""Neighbours are one phrase if at least this share of those who use its rarest word use it in the phrase; a
word said mostly within one phrase is then not reported by itself."""


def measure_log_odds(
    y: ArrayLike, y_others: ArrayLike, n: ArrayLike, n_others: ArrayLike, alpha: ArrayLike, alpha_0: ArrayLike
) -> tuple[Floats, Floats]:
    """How much more one group uses each word than the others do, and how sure that is.

    Parameters
    ----------
    y, y_others : uses of the word in the group and in the others.
    n, n_others : uses of all words there.
    alpha, alpha_0 : the word's pseudo-uses in the prior, and those of all words.

    Returns
    -------
    log_odds : log of the ratio of posterior odds, Monroe, Colaresi & Quinn (2008), "Fightin' Words",
        Political Analysis 16, 372–403, eq. 16:
        log((y + α) / (n + α₀ − y − α)) − log((y' + α) / (n' + α₀ − y' − α)).
    z : that by its approximate standard deviation √(1/(y + α) + 1/(y' + α)), as there.
    """
    y, y_others, n, n_others, alpha, alpha_0 = (
        np.asarray(each, float) for each in (y, y_others, n, n_others, alpha, alpha_0)
    )
    said, said_others = y + alpha, y_others + alpha
    log_odds = np.log(said / (n + alpha_0 - said)) - np.log(said_others / (n_others + alpha_0 - said_others))
    return log_odds, log_odds / np.sqrt(1 / said + 1 / said_others)


@dataclass(frozen=True, eq=False)
class Terms:
    """Words and phrases that may mark a group, and which texts use them.

    ``used`` is texts × terms, 1 where used; ``shown`` their commonest form; ``is_han`` whether Chinese.
    """

    used: sparse.csr_array
    shown: NDArray[np.object_]
    is_han: NDArray[np.bool_]


def find_terms(words: Words, times: ArrayLike, least: int = LEAST_CUSTOMERS) -> Terms:
    """The words and phrases that can be compared between groups.

    A phrase is up to six neighbouring words that begin and end with a telling word (or begin with a negation)
    and mostly stand together; a word that mostly stands in one phrase gives way to it. Chosen on all texts
    together, before groups are looked at, so the choice does not bias their comparison.

    Parameters
    ----------
    times : how many customers gave each text.
    least : terms that fewer customers use are left out.
    """
    times = np.asarray(times, float)
    levels = _phrases(words, times, least)
    keys = [level.keys for level in levels]
    if not levels or not sum(map(len, keys)):
        empty = sparse.csr_array((words.n_texts, 0))
        return Terms(empty, np.empty(0, object), np.empty(0, bool))
    kept = _not_swallowed(levels)
    used = sparse.hstack(
        [level.used[:, keep] for level, keep in zip(levels, kept, strict=True)], format="csr"
    )
    parts = [key for level, keep in zip(levels, kept, strict=True) for key in level.keys[keep]]
    is_han = np.array([words.is_han[list(key)].all() for key in parts], dtype=bool)
    return Terms(used, np.array([_shown(words, key) for key in parts], dtype=object), is_han)


def count_uses(terms: Terms, text: NDArray, customer: NDArray, group: NDArray, n_groups: int) -> Floats:
    """How many customers' comments of each group use each term: groups × terms.

    Every customer counts once in a group: of several comments there, each counts as that part of one, so that
    who says a thing often weighs no more than who says it once, and common words no less than rare ones.

    ``text``, ``customer`` and ``group`` are positions, one entry per comment.
    """
    person, _ = pd.factorize(customer.astype(np.int64) * n_groups + group)
    weight = 1.0 / np.bincount(person)[person] if len(person) else np.empty(0)
    said = sparse.csr_array((weight, (group, text)), shape=(n_groups, terms.used.shape[0]))
    return np.asarray((said @ terms.used).todense(), dtype=float)


def compare_uses(uses: Floats, is_han: NDArray[np.bool_], prior_words: float = PRIOR_WORDS) -> pd.DataFrame:
    """Each group against the others, term by term, within each language.

    Parameters
    ----------
    uses : of each term, groups × terms.
    is_han : which terms are Chinese; English is compared with English and Chinese with Chinese, so that a
        group with more speakers of a language is not marked by all of its words.

    Returns
    -------
    One row per group and term with ``group`` and ``term`` (positions), ``uses``, ``uses_elsewhere``,
    ``log_odds``, ``z``, ``p_value`` (one-sided: said more often) and ``q_value`` (Benjamini & Hochberg 1995 over
    all rows). None for a language that fewer than two groups speak, or that has one term only.
    """
    tables = []
    for of_language in (is_han, ~is_han):
        terms = np.flatnonzero(of_language & (uses.sum(axis=0) > 0))
        mine = uses[:, terms]
        n, total = mine.sum(axis=1), mine.sum(axis=0)
        alpha = prior_words * total / max(total.sum(), 1.0)
        is_compared = (n > 0) & (n < n.sum()) & (len(terms) > 1)  # one word alone is all that is said
        for group in np.flatnonzero(is_compared):
            y, y_others, n_others = mine[group], total - mine[group], n.sum() - n[group]
            log_odds, z = measure_log_odds(y, y_others, n[group], n_others, alpha, prior_words)
            columns = {"uses": y, "uses_elsewhere": y_others, "log_odds": log_odds, "z": z}
            tables.append(pd.DataFrame({"group": group, "term": terms, **columns}))
    compared = pd.concat(tables or [pd.DataFrame(columns=COMPARED, dtype=float)], ignore_index=True)
    compared["p_value"] = stats.norm.sf(compared["z"])
    compared["q_value"] = stats.false_discovery_control(compared["p_value"]) if len(compared) else np.nan
    return compared.astype({"group": int, "term": int})


COMPARED = ("group", "term", "uses", "uses_elsewhere", "log_odds", "z")


def drop_repeats(terms: Terms, marking: pd.DataFrame, times: ArrayLike) -> pd.DataFrame:
    """The marking terms without those that mostly the same customers say as a stronger one of their group.

    Parameters
    ----------
    marking : rows of ``compare_uses``, the strongest of each group first.
    times : how many customers gave each text.
    """
    kept = []
    for _, rows in marking.groupby("group", sort=False):
        used = terms.used[:, rows["term"].to_numpy()]
        shared = np.asarray((used.T @ (used * np.asarray(times, float)[:, None])).todense())
        alone = np.diag(shared)
        overlap = shared / (alone[:, None] + alone - shared)
        mine: list[int] = []
        for row in range(len(rows)):
            if not (overlap[row, mine] >= PHRASE_SHARE).any():
                mine.append(row)
        kept.append(rows.iloc[mine])
    return pd.concat(kept, ignore_index=True) if kept else marking


# --- phrases -------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Level:
    """Phrases of one length: their words, which texts use them, and by how many customers."""

    keys: NDArray[np.int32]
    used: sparse.csr_array
    users: Floats


def _phrases(words: Words, times: Floats, least: int) -> list[_Level]:
    """Telling words, then the phrases of two words and more of which at least so many customers use each."""
    telling = ~words.is_stop
    opening = telling | words.is_negation
    of_word = _users_of_words(words, times)
    begins = np.flatnonzero(words.word >= 0)
    code, keys = words.word[begins], np.arange(len(words.stems), dtype=np.int32)[:, None]
    levels = [_level(words, times, begins, code, keys, telling, least)]
    for length in range(2, LONGEST_PHRASE + 1):
        begins, code, keys = _longer(words, times, begins, code, keys, opening, least, length)
        if not len(begins):
            break
        scarcest = np.where(telling[keys], of_word[keys], np.inf).min(axis=1)
        users = _users(words, times, begins, code, len(keys))
        fits = telling[keys[:, -1]] & (users >= PHRASE_SHARE * scarcest)
        levels.append(_level(words, times, begins, code, keys, fits, least))
    return levels


def _longer(
    words: Words, times: Floats, begins: NDArray, code: NDArray, keys: NDArray, opening: NDArray, least: int,
    length: int,
) -> tuple[NDArray, NDArray, NDArray]:  # fmt: skip
    """The stretches one word longer that enough customers say, where they begin, and their words."""
    users = _users(words, times, begins, code, len(keys))
    end = begins + length - 1
    goes_on = (users[code] >= least) & opening[keys[code, 0]] & (end < len(words.word))
    begins, code, end = begins[goes_on], code[goes_on], end[goes_on]
    goes_on = (words.word[end] >= 0) & (words.text[end] == words.text[begins])
    begins, code, end = begins[goes_on], code[goes_on], end[goes_on]
    longer, pairs = pd.factorize(code.astype(np.int64) * len(words.stems) + words.word[end])
    before, last = np.divmod(pairs, len(words.stems))
    return begins, longer, np.column_stack([keys[before], last]).astype(np.int32)


def _level(
    words: Words, times: Floats, begins: NDArray, code: NDArray, keys: NDArray, fits: NDArray, least: int
) -> _Level:
    used = _used(words, begins, code, len(keys))
    users = times @ used
    kept = np.flatnonzero(fits & (users >= least))
    return _Level(keys[kept], used[:, kept], users[kept])


def _used(words: Words, begins: NDArray, code: NDArray, n_codes: int) -> sparse.csr_array:
    shape = (words.n_texts, n_codes)
    used = sparse.csr_array((np.ones(len(begins)), (words.text[begins], code)), shape=shape)
    used.data[:] = 1.0  # however often a text says it
    return used


def _users(words: Words, times: Floats, begins: NDArray, code: NDArray, n_codes: int) -> Floats:
    return times @ _used(words, begins, code, n_codes)


def _users_of_words(words: Words, times: Floats) -> Floats:
    said = np.flatnonzero(words.word >= 0)
    return _users(words, times, said, words.word[said], len(words.stems))


def _not_swallowed(levels: Sequence[_Level]) -> list[NDArray[np.intp]]:
    """Per level the terms that do not mostly stand within one longer phrase."""
    most: dict[tuple[int, ...], float] = {}
    for level in levels[1:]:
        for key, users in zip(map(tuple, level.keys.tolist()), level.users, strict=True):
            for length in range(1, len(key)):
                for start in range(len(key) - length + 1):
                    part = key[start : start + length]
                    most[part] = max(most.get(part, 0.0), users)
    return [
        np.array(
            [
                position
                for position, (key, users) in enumerate(
                    zip(map(tuple, level.keys.tolist()), level.users, strict=True)
                )
                if most.get(key, 0.0) < PHRASE_SHARE * users
            ],
            dtype=np.intp,
        )
        for level in levels
    ]


def _shown(words: Words, key: Sequence[int]) -> str:
    between = "" if words.is_han[list(key)].all() else " "
    return between.join(words.shown[word] for word in key)
