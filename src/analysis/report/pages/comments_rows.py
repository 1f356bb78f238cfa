"""What comments are about: themes and marking words of each score group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.facts import Book
from analysis.periods import Window
from analysis.suite import Results

if TYPE_CHECKING:
    from analysis.models.comments import ReadComments


SCORE_GROUPS = ("low", "middle", "high")
MOST_THEMES, LEAST_MENTIONS = 6, 3
MOST_TERMS = 8


def read_periods(results: Results) -> tuple[ReadComments, ReadComments | None]:
    """The comments of the period, and of the previous one where the run measures it, read once."""
    return results.remember("comments", lambda: _read_periods(results.book))


def _read_periods(book: Book) -> tuple[ReadComments, ReadComments | None]:
    before = book.baselines[book.window.label]["previous"]
    window = next((each for each in book.windows if each.label == before), None)
    return _read(book, book.window), _read(book, window) if window else None


def _read(book: Book, window: Window) -> ReadComments:
    from analysis.models.comments import read_comments
    from analysis.models.lexicon import read_themes

    settings = book.settings
    own = {name: theme.model_dump(exclude_defaults=True) for name, theme in settings.comment_themes.items()}
    rows = book.ask(
        "select comment as text, score_group, source, given_on as day, customer_id from feedback "
        "where given_on >= $starts_on and given_on < $ends_on order by given_at, feedback_id",
        starts_on=window.start, ends_on=window.end,
    )  # fmt: skip
    return read_comments(rows, read_themes(own), settings.comment_words_ignored)


def theme_rows(results: Results) -> pd.DataFrame:
    """The themes of each score group, lowest scores first, marked ones first; with their change.

    Returns
    -------
    DataFrame
        Columns of ``measure_themes``, and ``change, change_verdict, change_reason`` against the previous period.
        Where no comment bears a score, all comments are one group. At most six themes of a group, each said by
        three or more.
    """
    return results.remember("theme_rows", lambda: _theme_rows(results))


def _theme_rows(results: Results) -> pd.DataFrame:
    from analysis.models.themes import measure_theme_changes, measure_themes

    now, before = read_periods(results)
    options = {
        "confidence_level": results.book.settings.confidence_level,
        "least_comments": results.book.settings.survey_minimum_answers,
    }
    rows = measure_themes(now, **options).assign(
        change=np.nan, change_verdict=None, change_reason="no_earlier_period"
    )
    if rows.empty:
        return rows
    if before is not None:
        rows = _with_changes(rows, measure_theme_changes(now, before, **options))
    scored = rows["group"].notna().any()
    rows = rows[rows["group"].notna() if scored else rows["group"].isna()]
    rows = rows.assign(group=rows["group"].fillna("all"))
    rows = rows[rows["mentions"] >= LEAST_MENTIONS]
    order = {name: place for place, name in enumerate((*SCORE_GROUPS, "all"))}
    rows = rows.assign(place=rows["group"].map(order)).sort_values(
        ["place", "is_over_represented", "share", "theme"],
        ascending=[True, False, False, True],
        kind="stable",
    )
    return rows.groupby("place", sort=True).head(MOST_THEMES).drop(columns="place").reset_index(drop=True)


def _with_changes(rows: pd.DataFrame, changes: pd.DataFrame) -> pd.DataFrame:
    found = {(row.theme, str(row.group)): row for row in changes.itertuples()}
    told = [found[row.theme, str(row.group)] for row in rows.itertuples()]
    return rows.assign(
        change=[row.difference for row in told],
        change_verdict=[_theme_verdict(row) for row in told],
        change_reason=[row.reason for row in told],
    )


def _theme_verdict(change: Any) -> str:
    if pd.isna(change.difference):
        return "not_compared"
    if not change.is_changed:
        return "no_clear_change"
    return "higher" if change.difference > 0 else "lower"


def term_rows(results: Results) -> pd.DataFrame:
    """The words that mark each score group: ``group, language, terms`` (pairs of a word and its customers)."""
    return results.remember("term_rows", lambda: _term_rows(results))


def _term_rows(results: Results) -> pd.DataFrame:
    from analysis.models.themes import find_terms

    level = results.book.settings.confidence_level
    terms = find_terms(read_periods(results)[0], confidence_level=level, most=MOST_TERMS)
    pairs = [(r.group, r.language, (r.term, r.customers_using, r.theme)) for r in terms.itertuples()]
    listed = pd.DataFrame(pairs, columns=["group", "language", "terms"])
    return listed.groupby(["group", "language"], as_index=False).agg(tuple)
