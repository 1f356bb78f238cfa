"""The revenue chart draws what the frame holds."""

from __future__ import annotations

from types import SimpleNamespace

import matplotlib
from matplotlib.colors import to_hex

from analysis.facts import NotMeasured
from analysis.periods import first_days
from analysis.report.figures.scorecard import plot_revenue_trend, revenue_by_period
from analysis.report.figures.style import INKS
from analysis.suite import Results

matplotlib.use("agg")


def test_there_is_one_bar_for_each_period_as_high_as_its_revenue(shop, drawing):
    ax, language = drawing
    plot_revenue_trend(shop, language=language, ax=ax)
    assert [bar.get_height() for bar in ax.patches] == [0, 165, 402]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["2024Q2\n0", "2024Q3\n9", "2024Q4\n13"]


def test_those_who_do_not_see_it_are_told_the_numbers(shop, drawing):
    ax, language = drawing
    plot_revenue_trend(shop, language=language, ax=ax)
    words = ax.figure._workbook
    assert "2024Q4" in words["alt"] and "€402.00" in words["alt"] and "13" in words["alt"]
    assert "EUR" in words["title"]


def running(results):
    """The same results as if only the first fifty days of the period were over."""
    book = results.book
    window = first_days(book.period, 50)
    window = type(window)(window.start, window.end, book.window.label, book.period)
    fields = {
        "window": window, "windows": (*book.windows[:-1], window), "settings": book.settings,
        "catalogue": book.catalogue, "baselines": book.baselines, "coverage": book.coverage,
    }  # fmt: skip
    return Results(SimpleNamespace(**fields), results.frames)


def test_a_running_period_is_drawn_pale_and_hatched_and_said_to_be_running(shop, drawing):
    ax, language = drawing
    plot_revenue_trend(running(shop), language=language, ax=ax)
    *whole, last = ax.patches
    assert to_hex(last.get_facecolor()) == INKS["wash"]
    assert last.get_hatch() and not any(bar.get_hatch() for bar in whole)
    assert "50" in ax.figure._workbook["note"]


def test_nothing_sold_gives_no_chart(shop, drawing):
    ax, language = drawing
    kpis = shop.kpis.assign(value=shop.kpis["value"].mask(shop.kpis["metric"] == "revenue"))
    nothing = Results(shop.book, {"kpis": kpis})
    assert revenue_by_period(nothing).empty
    assert plot_revenue_trend(nothing, language=language, ax=ax) == NotMeasured("no_rows")
