"""The figure of the data-quality page: how many orders there are, and which days are measured."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pandas as pd

from analysis.catalogue import label
from analysis.facts import NotMeasured
from analysis.report.figures.style import INKS, PALETTE
from analysis.report.figures.time_axis import name_months
from analysis.report.kpis_shown import say_period
from analysis.report.pages.data_quality_rows import number, order_rates, orders_by_day, shown_windows
from analysis.report.per_language import describe, figure_per_language
from analysis.report.tables_shown import format_date, format_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from analysis.facts import Book
    from analysis.suite import Results

NARROWEST_NAMED = 0.09  # of the axis: the name of a window would not stand clear of its neighbour's below


@figure_per_language
def plot_coverage(results: Results, *, language: str, ax: Axes) -> Axes | NotMeasured:
    """Orders a day over the span of the data, with the measured and the compared windows marked."""
    book = results.book
    days = orders_by_day(book)
    if days.empty:
        return NotMeasured("no_rows")
    rates = order_rates(days)
    _draw_rates(ax, rates, book)
    first, last = days["day"].min(), days["day"].max() + timedelta(days=1)
    _mark_windows(ax, book, first, last, language)
    ax.set_ylim(0, 1.12 * rates["per_day"].max())
    ax.set_ylabel(label("data_quality.coverage_y", language))
    ax.yaxis.set_major_formatter(lambda count, _: format_number(count, language))
    name_months(ax, first, last, language)
    return describe(ax, **_coverage_words(book, days, rates, language))


def _draw_rates(ax: Axes, rates: pd.DataFrame, book: Book) -> None:
    """A step for each week or day; what lies after the days known to this run is grey."""
    ends = rates["starts_on"] + pd.to_timedelta(rates["days"], unit="D")
    edges = [*rates["starts_on"], ends.iloc[-1]]
    cut = pd.Timestamp(book.cut)
    known = rates["starts_on"] < cut
    if known.any():
        n = int(known.sum())
        ax.stairs(rates["per_day"][:n], edges[: n + 1], color=PALETTE["main"], linewidth=1.8, baseline=None)
    if not known.all():
        n = int(known.sum())
        ax.stairs(rates["per_day"][n:], edges[n:], color=PALETTE["muted"], linewidth=1.4, linestyle=":", baseline=None)


def _mark_windows(ax: Axes, book: Book, first: pd.Timestamp, last: pd.Timestamp, language: str) -> None:
    """Shade the window measured and, paler, those it is compared with; name them at the top."""
    span = last - first
    for name, window in shown_windows(book).items():
        start, end = max(pd.Timestamp(window.start), first), min(pd.Timestamp(window.end), last)
        if end <= start:
            continue
        ax.axvspan(start, end, color=INKS["line"] if name == "this" else INKS["hair"], linewidth=0, zorder=0)
        if name == "this" or (end - start) / span >= NARROWEST_NAMED:
            ax.annotate(
                say_period(window.label, book, language) if name == "this" else window.period.label,
                (start + (end - start) / 2, 1), (0, 3), xycoords=("data", "axes fraction"), textcoords="offset points",
                ha="center", va="bottom", color=INKS["ink"] if name == "this" else INKS["soft"], fontsize=10.5,
                fontweight="bold" if name == "this" else "normal", annotation_clip=False,
            )  # fmt: skip


def _coverage_words(book: Book, days: pd.DataFrame, rates: pd.DataFrame, language: str) -> dict[str, str]:
    total, measured = int(days["orders"].sum()), book.window
    inside = days[(days["day"] >= pd.Timestamp(measured.start)) & (days["day"] < pd.Timestamp(measured.end))]
    after = int(days.loc[days["day"] >= pd.Timestamp(book.cut), "orders"].sum())
    last_known = format_date(book.cut - timedelta(days=1), language)
    note = label("data_quality.coverage_note", language)
    if after:
        gap = "" if language == "zh" else " "
        note += gap + label("data_quality.coverage_after", language, n=number(after, language), day=last_known)
    by_week = rates["days"].max() > 1
    return {
        "alt": label(
            "data_quality.coverage_alt", language, total=number(total, language), inside=number(inside["orders"].sum(), language),
            first=format_date(days["day"].min(), language), last=format_date(days["day"].max(), language),
            period=say_period(measured.label, book, language),
        ),
        "title": label(f"data_quality.coverage_title_{'weeks' if by_week else 'days'}", language),
        "note": note,
    }  # fmt: skip
