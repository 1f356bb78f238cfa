"""A chart for a page of one's own: any one figure over the periods."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis.catalogue import Metric, label
from analysis.facts import NotMeasured
from analysis.report.figures.over_periods import draw_points, write_beside
from analysis.report.kpis_shown import (
    figure_by_period,
    join_sentences,
    metric_name,
    say_interval,
    say_level,
    say_money_short,
    say_n,
    say_period,
    say_value,
    short_history_note,
)
from analysis.report.pages.breakdowns import asked_for, in_words
from analysis.report.per_language import describe, figure_per_language
from analysis.suite import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_kpi"]


@figure_per_language
def plot_kpi(results: Results, name: str, *, language: str, ax: Axes) -> Axes | NotMeasured:
    """One figure over the periods: points with intervals, the value beside each, n below.

    Parameters
    ----------
    name
        A metric as ``id``, under the definition the run has chosen, or as ``id.variant``.

    Raises
    ------
    UnknownName
        With the nearest right name, if there is no such metric or variant.
    """
    book = results.book
    metric = asked_for(book, name)
    rows = figure_by_period(results, metric)
    if rows.empty:
        found = results.kpi(metric.id, metric.variant)
        return in_words(found if isinstance(found, NotMeasured) else NotMeasured("no_rows"), book, language)
    draw_points(ax, rows, rows["is_short"] | rows["is_running"], language)
    for row in rows.itertuples():
        write_beside(ax, row, _short(row.value, metric, results, language))
    ax.margins(y=0.18)
    ax.yaxis.set_visible(False)
    ax.grid(False)
    return describe(ax, **_words(results, rows, metric, language))


def _short(value: float, metric: Metric, results: Results, language: str) -> str:
    if metric.unit == "money" and abs(value) >= 10_000:
        return say_money_short(value, language, results.book.settings.currency)
    return say_value(value, metric, results.book, language)


def _words(results: Results, rows: pd.DataFrame, metric: Metric, language: str) -> dict[str, str]:
    book, name = results.book, metric_name(metric, language)
    told = [
        label(
            "own_page.point_sampled" if pd.notna(row.low) else "own_page.point", language,
            period=say_period(row.period, book, language), value=say_value(row.value, metric, book, language),
            interval=say_interval(row.low, row.high, metric, book, language), n=say_n(row.n, language),
        )
        for row in rows.itertuples()
    ]  # fmt: skip
    title = "own_page.trend_sampled" if rows["low"].notna().any() else "own_page.trend"
    short = [w for w in book.windows if w.label in set(rows.loc[rows["is_short"], "period"])]
    notes = [
        label("own_page.note", language),
        short_history_note(book, short, language),
        label("own_page.running", language) if rows["is_running"].any() else "",
    ]
    return {
        "alt": label(
            "own_page.alt", language, name=name, points=label("kpis.list_join", language).join(told)
        ),
        "title": label(title, language, name=name, level=say_level(book, language)),
        "note": join_sentences(notes, language),
    }
