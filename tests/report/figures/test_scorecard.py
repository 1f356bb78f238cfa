"""The trends draw what the frame holds."""

from __future__ import annotations

from types import SimpleNamespace

import matplotlib

from analysis.facts import NotMeasured
from analysis.periods import first_days
from analysis.report.figures import scorecard
from analysis.report.figures.scorecard import (
    figures_over_time,
    plot_trends,
    trend_panels,
)
from analysis.suite import Results

matplotlib.use("agg")


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


# --- trends side by side --------------------------------------------------------------------------


def test_headline_metrics_have_a_panel_each_and_then_the_targets_missed(shop, monkeypatch):
    targets = {"revenue": (400.0, "hit"), "buyers": (99.0, "miss"), "orders": (1.0, "hit")}
    monkeypatch.setattr(scorecard, "_targets", lambda _: targets)
    panels = trend_panels(shop)
    names = [panel.metric.id for panel in panels]
    assert names[0] == "revenue" and names[-1] == "buyers" and "orders" not in names
    assert (panels[0].target, panels[-1].target) == (400.0, 99.0)
    assert all(len(panel.rows) >= 2 for panel in panels)


def test_a_figure_known_in_one_period_has_no_trend(shop, monkeypatch):
    figures = scorecard.figures_over_time

    def known_once(results, metric):
        rows = figures(results, metric)
        return rows.assign(value=rows["value"].where(rows.index == 0)) if metric.id == "revenue" else rows

    monkeypatch.setattr(scorecard, "figures_over_time", known_once)
    assert "revenue" not in [panel.metric.id for panel in trend_panels(shop)]


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
