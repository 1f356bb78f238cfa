"""What customers' comments are about, in English and Chinese: themes and marking words by score group.

``read_comments`` reads a frame of comments once; the other functions take what it returns. A theme says what a
comment is about; praise or complaint follows from the score group it is said in. Examples stand as customers
wrote them, but for addresses and long numbers: whoever shows them escapes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from . import lexicon, log_odds
from .comments import ReadComments, choose_examples, customer_positions, measure_sources, read_comments
from .lexicon import Theme, read_themes
from .shares import compare_shares, design_effects, wilson_limits, with_q_values
from .words import languages_spoken, read_words

__all__ = [
    "ReadComments", "Theme", "find_terms", "measure_sources", "measure_theme_changes", "measure_themes",
    "read_comments", "read_themes",
]  # fmt: skip

Floats = NDArray[np.float64]

MOST_LOOKED_AT = 300
"""Marking words of a group among which repeats are looked for."""

# --- themes --------------------------------------------------------------------------------------------

THEME_COLUMNS = (
    "theme", "group", "comments", "mentions", "share", "low", "high", "design_effect", "share_of_others",
    "difference", "difference_low", "difference_high", "z", "p_value", "q_value", "is_over_represented",
    "status", "reason", "examples",
)  # fmt: skip
CHANGE_COLUMNS = (
    "theme", "group", "comments", "comments_before", "mentions", "mentions_before", "share", "share_before",
    "difference", "difference_low", "difference_high", "z", "p_value", "q_value", "is_changed", "status", "reason",
)  # fmt: skip


def measure_themes(
    read: ReadComments,
    by: str = "score_group",
    *,
    confidence_level: float = 0.95,
    false_discovery_rate: float = 0.05,
    least_comments: int = 30,
) -> pd.DataFrame:
    """How often each group of comments speaks of each theme, against the other groups.

    Parameters
    ----------
    by : the column that makes groups; comments without one count in the rows of all comments only.
    least_comments : groups of fewer are marked ``with_care``.

    Returns
    -------
    One row per theme and group, and one with a missing ``group`` for all comments; none for no comments.
    ``comments`` (in which a word could be read) and ``mentions`` are counts; ``share`` = mentions/comments with
    its Wilson interval ``low`` to ``high``. ``difference`` from ``share_of_others`` has Newcombe's interval (1998,
    Statistics in Medicine 17, 873–890, method 10); ``z`` is that of the pooled test of two shares, and
    ``p_value`` its two-sided one or, where a cell expects fewer than 5, Fisher's exact one; ``q_value`` is by
    Benjamini & Hochberg (1995, JRSS B 57, 289–300) over all rows that are tested. ``is_over_represented``: said
    more often than by the others, at this false discovery rate. ``reason``: ``few_comments|n`` or ``no_others``.
    ``examples``: up to three comments.

    Several comments of one customer count for less: counts enter intervals and tests divided by the
    ``design_effect`` (Rao & Scott 1992, Biometrics 48, 577–585).
    """
    groups = _groups_of(read.readable, by)
    if not groups:
        return pd.DataFrame(columns=list(THEME_COLUMNS))
    counted = [_count_themes(read, rows) for _, rows in groups]
    tables = []
    for position, ((group, _), mine) in enumerate(zip(groups, counted, strict=True)):
        others = _count_themes(read, _rows_but(groups, position))
        tables.append(_group_against_others(read, group, mine, others, confidence_level, least_comments))
    themes = with_q_values(pd.concat(tables, ignore_index=True))
    themes["is_over_represented"] = (themes["q_value"] <= false_discovery_rate) & (themes["z"] > 0)
    themes["examples"] = _examples(read, groups)
    return themes[list(THEME_COLUMNS)]


def measure_theme_changes(
    now: ReadComments,
    before: ReadComments,
    by: str = "score_group",
    *,
    confidence_level: float = 0.95,
    false_discovery_rate: float = 0.05,
    least_comments: int = 30,
) -> pd.DataFrame:
    """How the share of comments on each theme changed since the period before.

    Both must have been read for the same themes.

    Returns
    -------
    One row per theme and group of either period, and one with a missing ``group`` for all comments; columns as
    of ``measure_themes``, ``difference`` being now less before. The interval takes both periods' comments as
    independent. ``is_changed``: at this false discovery rate over all rows. Where one period has no comments of a
    group the row says so in ``reason`` (``no_comments_now``, ``no_comments_before``) and is not measured.
    """
    if [theme.id for theme in now.themes] != [theme.id for theme in before.themes]:
        raise ValueError("both periods must be read for the same themes")
    rows_now, rows_before = (dict(_groups_of(each.readable, by)) for each in (now, before))
    tables = [
        _changes_of(
            group,
            _count_themes(now, rows_now.get(group, _NO_ROWS)),
            _count_themes(before, rows_before.get(group, _NO_ROWS)),
            confidence_level,
            least_comments,
        ).assign(theme=[theme.id for theme in now.themes])
        for group in dict.fromkeys([*rows_now, *rows_before])
    ]
    if not tables:
        return pd.DataFrame(columns=list(CHANGE_COLUMNS))
    changes = with_q_values(pd.concat(tables, ignore_index=True))
    changes["is_changed"] = changes["q_value"] <= false_discovery_rate
    return changes[list(CHANGE_COLUMNS)]


# --- marking words -------------------------------------------------------------------------------------

TERM_COLUMNS = (
    "group", "term", "language", "customers", "customers_using", "share", "low", "high", "share_of_others", "log_odds",
    "z", "p_value", "q_value", "theme", "examples",
)  # fmt: skip


def find_terms(
    read: ReadComments,
    by: str = "score_group",
    *,
    confidence_level: float = 0.95,
    false_discovery_rate: float = 0.05,
    least_customers: int = log_odds.LEAST_CUSTOMERS,
    most: int = 20,
) -> pd.DataFrame:
    """Words and phrases that one group uses more than the others, whether or not a theme knows them.

    Returns
    -------
    One row per ``group`` and ``term`` with the highest ``z`` first, up to ``most`` per group and ``language``;
    none where no word stands out. ``customers`` are those of the group who said a word of that language, and
    ``customers_using`` those who used the term at least once; ``share`` (with its Wilson interval) and
    ``share_of_others`` count each of a customer's several comments as that part of one. ``log_odds`` (1.5 times
    the odds or more) and ``z`` as of ``measure_log_odds``; ``q_value`` by Benjamini & Hochberg over all words and
    groups tested. Of words that mostly the same customers say the strongest stands for all. ``theme`` is the
    theme that knows the word, missing where none does.
    """
    comments = read.readable[read.readable[by].notna()]
    group, groups = pd.factorize(comments[by], sort=True)
    if len(groups) < 2:
        return pd.DataFrame(columns=list(TERM_COLUMNS))
    text, customer = comments["text_position"].to_numpy(), customer_positions(comments)
    times = np.bincount(text[_first_of_pairs(text, customer)], minlength=len(read.texts))
    terms = log_odds.find_terms(read.words, times, least_customers)
    uses = log_odds.count_uses(terms, text, customer, group, len(groups))
    compared = log_odds.compare_uses(uses, terms.is_han)
    is_marking = (compared["q_value"] <= false_discovery_rate) & (
        compared["log_odds"] >= np.log(log_odds.LEAST_RATIO)
    )
    marking = compared[is_marking].sort_values(["group", "z", "term"], ascending=[True, False, False])
    marking = marking.groupby("group").head(MOST_LOOKED_AT)
    marking = log_odds.drop_repeats(terms, marking, times)
    language = np.where(terms.is_han[marking["term"]], "zh", "en")
    marking = marking[marking.groupby(["group", language]).cumcount() < most]
    grouped = comments.assign(group=group, customer=customer)
    return _terms_shown(read, grouped, groups, terms, marking, confidence_level)


def _terms_shown(
    read: ReadComments, comments: pd.DataFrame, groups: pd.Index, terms: log_odds.Terms, marking: pd.DataFrame,
    confidence_level: float,
) -> pd.DataFrame:  # fmt: skip
    position, of_group = marking["term"].to_numpy(), marking["group"].to_numpy()
    is_han, uses = terms.is_han[position].astype(int), marking["uses"].to_numpy()
    speakers = _speakers(read, comments, len(groups))
    n = speakers[is_han, of_group]
    low, high = wilson_limits(uses, n, confidence_level)
    said = [
        comments[(comments["group"] == group).to_numpy() & _uses(terms, term)[comments["text_position"]]]
        for group, term in zip(of_group, position, strict=True)
    ]
    shown = list(terms.shown[position])
    return pd.DataFrame(
        {
            "group": groups[of_group],
            "term": shown,
            "language": np.where(is_han, "zh", "en"),
            "customers": n,
            "customers_using": [each["customer"].nunique() for each in said],
            "share": uses / n,
            "low": low,
            "high": high,
            "share_of_others": marking["uses_elsewhere"].to_numpy() / (speakers.sum(axis=1)[is_han] - n),
            **{name: marking[name].to_numpy() for name in ("log_odds", "z", "p_value", "q_value")},
            "theme": pd.Series(_known_themes(read, shown), dtype=object),
            "examples": [choose_examples(read, each["text_position"]) for each in said],
        },
        columns=list(TERM_COLUMNS),
    )


def _speakers(read: ReadComments, comments: pd.DataFrame, n_groups: int) -> NDArray[np.int64]:
    """Customers of each group who said an English word (first row) and a Chinese one (second)."""
    rows = []
    for is_spoken in languages_spoken(read.words):
        speaking = comments[is_spoken[comments["text_position"]]]
        people = speaking.groupby("group")["customer"].nunique()
        rows.append(people.reindex(range(n_groups), fill_value=0).to_numpy())
    return np.array(rows)


def _uses(terms: log_odds.Terms, term: int) -> NDArray[np.bool_]:
    return terms.used[:, [term]].toarray()[:, 0] > 0


def _known_themes(read: ReadComments, shown: list[str]) -> list[str | None]:
    known = lexicon.find_themes(read_words(shown), read.themes)
    return [read.themes[row.argmax()].id if row.any() else None for row in known]


# --- counts --------------------------------------------------------------------------------------------

_NO_ROWS = np.empty(0, dtype=np.intp)


@dataclass(frozen=True, eq=False)
class _Counts:
    """Comments of a group and of each theme in it, and by what a customer's several comments overstate them."""

    comments: int
    mentions: Floats
    design_effect: Floats

    @property
    def effective(self) -> tuple[Floats, Floats]:
        return self.mentions / self.design_effect, self.comments / self.design_effect


def _groups_of(comments: pd.DataFrame, by: str) -> list[tuple[str | None, NDArray[np.intp]]]:
    """The groups in the order of their names, all comments (None) first, and the comments of each."""
    if comments.empty:
        return []
    code, names = pd.factorize(comments[by], sort=True)
    every = np.arange(len(comments))
    return [(None, every), *((name, every[code == position]) for position, name in enumerate(names))]


def _rows_but(groups: Sequence[tuple[str | None, NDArray[np.intp]]], position: int) -> NDArray[np.intp]:
    """The comments of all groups but this one; none for all comments."""
    others = [rows for other, (_, rows) in enumerate(groups) if other not in (0, position)]
    return np.concatenate(others) if position and others else _NO_ROWS


def _count_themes(read: ReadComments, rows: NDArray[np.intp]) -> _Counts:
    comments = read.readable.iloc[rows]
    has_theme = read.has_theme[comments["text_position"].to_numpy()].astype(float)
    customer, known = pd.factorize(customer_positions(comments))
    size = np.bincount(customer, minlength=len(known)).astype(float)
    mentions = np.column_stack(
        [np.bincount(customer, column, minlength=len(known)) for column in has_theme.T]
        or [np.empty((len(known), 0))]
    )
    return _Counts(len(comments), has_theme.sum(axis=0), design_effects(mentions, size))


def _first_of_pairs(*columns: NDArray) -> NDArray[np.bool_]:
    return ~pd.DataFrame(dict(enumerate(columns))).duplicated().to_numpy()


def _group_against_others(
    read: ReadComments, group: str | None, mine: _Counts, others: _Counts, confidence_level: float, least: int
) -> pd.DataFrame:
    low, high = wilson_limits(*mine.effective, confidence_level)
    is_small = mine.comments < least
    lonely = group is not None and not others.comments
    reason = f"few_comments|{mine.comments}" if is_small else "no_others" if lonely else ""
    with np.errstate(invalid="ignore"):
        share_of_others = others.mentions / (others.comments or np.nan)
    return pd.DataFrame(
        {
            "theme": [theme.id for theme in read.themes],
            "group": pd.Series([group] * len(read.themes), dtype=object),
            "comments": mine.comments,
            "mentions": mine.mentions.astype(int),
            "share": mine.mentions / mine.comments,
            "low": low,
            "high": high,
            "design_effect": mine.design_effect,
            "share_of_others": share_of_others,
            **compare_shares(*mine.effective, *others.effective, confidence_level),
            "status": "with_care" if is_small else "measured",
            "reason": reason,
        }
    )


def _changes_of(
    group: str | None, now: _Counts, before: _Counts, confidence_level: float, least: int
) -> pd.DataFrame:
    fewest = min(now.comments, before.comments)
    absent = "no_comments_now" if not now.comments else "no_comments_before" if not before.comments else ""
    return pd.DataFrame(
        {
            "group": pd.Series([group] * len(now.mentions), dtype=object),
            "comments": now.comments,
            "comments_before": before.comments,
            "mentions": now.mentions.astype(int),
            "mentions_before": before.mentions.astype(int),
            "share": now.mentions / (now.comments or np.nan),
            "share_before": before.mentions / (before.comments or np.nan),
            **compare_shares(*now.effective, *before.effective, confidence_level),
            "status": "not_measured" if absent else "with_care" if fewest < least else "measured",
            "reason": absent or (f"few_comments|{fewest}" if fewest < least else ""),
        }
    )


def _examples(
    read: ReadComments, groups: Sequence[tuple[str | None, NDArray[np.intp]]]
) -> list[tuple[str, ...]]:
    """Examples for each group and theme, in the order of the frame of themes."""
    position = read.readable["text_position"].to_numpy()
    return [
        choose_examples(read, position[rows][of_theme[position[rows]]])
        for _, rows in groups
        for of_theme in read.has_theme.T
    ]
