"""The trends and the revenue chart draw what the frame holds."""

from __future__ import annotations

from types import SimpleNamespace

import matplotlib
from matplotlib.colors import to_hex

from analysis.facts import NotMeasured
from analysis.periods import first_days
from analysis.report.figures import scorecard
from analysis.report.figures.scorecard import (
    figures_over_time,
    plot_revenue_trend,
    plot_trends,
    revenue_by_period,
    trend_panels,
)
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


# --- trends side by side --------------------------------------------------------------------------


def test_headline_metrics_have_a_panel_each_and_then_the_targets_missed(shop, monkeypatch):
    targets = {"revenue": (400.0, "hit"), "buyers": (99.0, "miss"), "orders": (1.0, "hit")}
    monkeypatch.setattr(scorecard, "_targets", lambda _: targets)
    panels = trend_panels(shop)
    names = [panel.metric.id for panel in panels]
    assert names[0] == "revenue" and names[-1] == "buyers" and "orders" not in names
    assert (panels[0].target, panels[-1].target) == (400.0, 99.0)
    assert all(len(panel.rows) >= 2 for panel in panels)


def test_a_panel_draws_its_values_its_interval_and_its_target(shop, drawing, monkeypatch):
    ax, language = drawing
    monkeypatch.setattr(scorecard, "_targets", lambda _: {"revenue": (400.0, "hit")})
    first = plot_trends(shop, language=language, ax=ax)
    lines = first.get_lines()
    assert list(lines[0].get_ydata()) == [0, 165, 402]
    assert list(lines[-1].get_ydata()) == [400.0, 400.0]
    assert {text.get_text() for text in first.texts} >= {"€402.00", "€0.00"}
    words = first.figure._workbook
    assert "€402.00" in words["alt"] and "2024Q4" in words["alt"]


def test_a_running_period_leaves_sums_out_and_keeps_rates(shop):
    book = running(shop).book
    book.settings = shop.book.settings
    results = Results(book, shop.frames)
    metrics = shop.book.catalogue.metrics
    assert figures_over_time(results, metrics["revenue"])["period"].tolist() == ["2024Q2", "2024Q3"]
    rate = figures_over_time(results, metrics["customer_retention_rate"])
    assert rate["is_running"].tolist()[-1]


def test_with_fewer_than_two_periods_there_is_no_chart(shop, drawing):
    ax, language = drawing
    one = Results(shop.book, shop.frames | {"kpis": shop.kpis[shop.kpis["period"] == "2024Q4"]})
    assert plot_trends(one, language=language, ax=ax) == NotMeasured("no_earlier_period")
