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
from analysis.report.numbers_shown import format_date, format_number
from analysis.report.pages.data_quality_rows import number, order_rates, orders_by_day, shown_windows
from analysis.report.per_language import describe, figure_per_language

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
    """A step for each week or day; what lies after the days known to this run is grey and dotted."""
    ends = rates["starts_on"] + pd.to_timedelta(rates["days"], unit="D")
    edges = [*rates["starts_on"], ends.iloc[-1]]
    known = int((rates["starts_on"] < pd.Timestamp(book.cut)).sum())
    style = {"color": PALETTE["main"], "linewidth": 1.8, "linestyle": "-"}
    unused = {"color": PALETTE["muted"], "linewidth": 1.4, "linestyle": ":"}
    for part, look in ((slice(0, known), style), (slice(known, len(rates)), unused)):
        steps = rates["per_day"][part]
        if len(steps):
            ax.stairs(steps, edges[part.start : part.stop + 1], baseline=None, **look)


def _mark_windows(ax: Axes, book: Book, first: pd.Timestamp, last: pd.Timestamp, language: str) -> None:
    """Shade the window measured and, paler, those it is compared with; name them at the top."""
    for name, window in shown_windows(book).items():
        start, end = max(pd.Timestamp(window.start), first), min(pd.Timestamp(window.end), last)
        if end <= start:
            continue
        is_this = name == "this"
        ax.axvspan(start, end, color=INKS["line" if is_this else "hair"], linewidth=0, zorder=0)
        if is_this or (end - start) / (last - first) >= NARROWEST_NAMED:
            words = say_period(window.label, book, language) if is_this else window.period.label
            ax.annotate(
                words, (start + (end - start) / 2, 1), (0, 3), xycoords=("data", "axes fraction"),
                textcoords="offset points", ha="center", va="bottom", fontsize=10.5, annotation_clip=False,
                color=INKS["ink" if is_this else "soft"], fontweight="bold" if is_this else "normal",
            )  # fmt: skip


def _coverage_words(book: Book, days: pd.DataFrame, rates: pd.DataFrame, language: str) -> dict[str, str]:
    by_week = rates["days"].max() > 1
    return {
        "alt": _coverage_alt(book, days, language),
        "title": label(f"data_quality.coverage_title_{'weeks' if by_week else 'days'}", language),
        "note": _coverage_note(book, days, language),
    }


def _coverage_alt(book: Book, days: pd.DataFrame, language: str) -> str:
    start, end = pd.Timestamp(book.window.start), pd.Timestamp(book.window.end)
    inside = days.loc[(days["day"] >= start) & (days["day"] < end), "orders"].sum()
    numbers = {"total": number(days["orders"].sum(), language), "inside": number(inside, language)}
    first, last = (format_date(day, language) for day in (days["day"].min(), days["day"].max()))
    ends = {"first": first, "last": last}
    period = say_period(book.window.label, book, language)
    return label("data_quality.coverage_alt", language, period=period, **numbers, **ends)


def _coverage_note(book: Book, days: pd.DataFrame, language: str) -> str:
    note = label("data_quality.coverage_note", language)
    after = days.loc[days["day"] >= pd.Timestamp(book.cut), "orders"].sum()
    if not after:
        return note
    last_known = format_date(book.cut - timedelta(days=1), language)
    unused = label("data_quality.coverage_after", language, n=number(after, language), day=last_known)
    return note + ("" if language == "zh" else " ") + unused
