"""Words, reasons and columns that the parts of the satisfaction page share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from analysis.catalogue import label
from analysis.facts import Book, NotMeasured
from analysis.report.kpi_tables import small_sample_words
from analysis.report.kpis_shown import say_period, say_reason
from analysis.report.numbers_shown import format_interval, is_missing
from analysis.suite import Results


def words(key: str, language: str, **values: Any) -> str:
    """The page's own words for a key."""
    return label(f"satisfaction_page.{key}", language, **values)


def caption_of(key: str, results: Results, language: str) -> str:
    """A table's caption, which names the period."""
    return words(key, language, period=say_period(results.book.window.label, results.book, language))


def listed(names: Sequence[str], language: str) -> str:
    """Names in one line, as the language lists them."""
    return label("kpis.name_join", language).join(names)


def nothing_there(reason: str, book: Book, language: str) -> NotMeasured:
    """A reason of the frame in words, with what it names called by its name."""
    return NotMeasured(say_reason(reason, book, language))


def small_marks(sizes: pd.Series, book: Book, language: str) -> list[str | None]:
    """A mark for each number of answers that is small; None for the others."""
    return [small_sample_words(n, book, language) for n in sizes]


def why_not(results: Results, metric: str, language: str) -> NotMeasured:
    """Why a metric has no figure, in words."""
    figure = results.kpi(metric)
    reason = figure.reason if isinstance(figure, NotMeasured) else "no_rows"
    return nothing_there(str(reason), results.book, language)


def say_share_interval(low: Any, high: Any, language: str) -> str | None:
    """An interval of a share in words; None where there is none."""
    return None if is_missing(low) else format_interval(low, high, "percent", language, decimals=0)
