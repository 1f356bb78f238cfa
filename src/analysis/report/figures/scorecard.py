"""The scorecard's chart: revenue by period."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis.catalogue import label
from analysis.facts import NotMeasured
from analysis.report.figures.style import INKS, PALETTE, label_bars
from analysis.report.kpis_shown import (
    chosen,
    join_sentences,
    say_money_short,
    say_period,
    trend_windows,
)
from analysis.report.per_language import describe, figure_per_language
from analysis.report.tables_shown import format_money, format_number
from analysis.suite import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def revenue_by_period(results: Results) -> pd.DataFrame:
    """One row for each period with revenue, oldest first: ``period, revenue, orders, is_running``."""
    book, kpis = results.book, results.company_kpis
    variants = {name: chosen(book, book.catalogue.metrics[name]).variant for name in ("revenue", "orders")}
    kpis = kpis[kpis["variant"] == kpis["metric"].map(variants)]
    wide = kpis.pivot(index="period", columns="metric", values="value").reindex(columns=list(variants))
    labels = [window.label for window in trend_windows(book)]
    rows = wide.reindex(labels).dropna(subset=["revenue"]).rename_axis("period").reset_index()
    return rows.assign(is_running=rows["period"].eq(book.window.label) & book.window.is_partial)


@figure_per_language
def plot_revenue_trend(results: Results, *, language: str, ax: Axes) -> Axes | NotMeasured:
    """Bars of revenue by period with orders below; a period still running is pale and hatched."""
    rows = revenue_by_period(results)
    if not rows["revenue"].any():
        return NotMeasured("no_rows")
    currency = results.book.settings.currency
    is_own = rows["period"].eq(results.book.window.label)
    colours = is_own.map({True: PALETTE["main"], False: PALETTE["muted"]})
    bars = ax.bar(range(len(rows)), rows["revenue"], color=colours, width=0.62)
    for bar in (bar for bar, running in zip(bars, rows["is_running"], strict=True) if running):
        bar.set(facecolor=INKS["wash"], edgecolor=PALETTE["main"], linewidth=1.2, hatch="///")
    label_bars(ax, lambda amount: say_money_short(amount, language, currency))
    orders = [format_number(count, language) for count in rows["orders"]]
    ax.set_xticks(
        range(len(rows)), [f"{p}\n{count}" for p, count in zip(rows["period"], orders, strict=True)]
    )
    ax.axhline(0, color=INKS["line"], linewidth=1)
    return describe(ax, **_revenue_words(results, rows, language))


def _revenue_words(results: Results, rows: pd.DataFrame, language: str) -> dict[str, str]:
    book, currency = results.book, results.book.settings.currency
    told = [
        label(
            "scorecard.revenue_bar", language, period=say_period(row.period, book, language),
            revenue=format_money(row.revenue, language, currency=currency),
            orders=format_number(row.orders, language),
        )
        for row in rows.itertuples()
    ]  # fmt: skip
    note = label("scorecard.revenue_note", language)
    if rows["is_running"].any():
        note = join_sentences(
            [note, label("scorecard.running_note", language, days=book.window.days)], language
        )
    return {
        "alt": label("scorecard.revenue_alt", language, bars=label("kpis.list_join", language).join(told)),
        "title": label("scorecard.revenue_title", language, unit=currency),
        "note": note,
    }
