"""The scorecard: its status lines, tiles, findings and table."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from bs4 import BeautifulSoup

from analysis.catalogue import FAMILIES, load_catalogue
from analysis.periods import first_days
from analysis.report.pages.scorecard import (
    headline_tile,
    running_line,
    scorecard_rows,
    show_findings,
    show_headline,
    show_scorecard,
    show_status,
    status_lines,
)
from analysis.suite import Results

METRICS = load_catalogue().metrics
in_each_language = pytest.mark.parametrize("language", ["en", "zh"])


def read(html):
    return BeautifulSoup(html, "html.parser")


def replaced(results, **frames):
    return Results(results.book, {**results.frames, **frames})


# --- status ---------------------------------------------------------------------------------------


def test_the_days_measured_and_compared_are_printed(shop):
    lines = status_lines(shop, "en")
    assert lines[0] == "Measured: 2024Q4, 1 Oct 2024 – 31 Dec 2024."
    assert lines[1] == "Compared with 2024Q3 (1 Jul 2024 – 30 Sep 2024)."
    assert lines[2] == "No comparison with 2023Q4: the data begin only on 10 Jan 2024."


def test_values_without_a_margin_are_said_to_be_revenue(shop):
    assert any("revenue basis" in line for line in status_lines(shop, "en"))
    assert any("收入口径" in line for line in status_lines(shop, "zh"))


def test_a_running_period_says_how_much_of_it_is_measured(shop):
    period = shop.book.period
    book = SimpleNamespace(window=first_days(period, 50), period=period)
    assert "50 of its 92 days" in running_line(book, "en")
    assert "92天中的50天" in running_line(book, "zh")


@in_each_language
def test_what_does_not_add_up_is_shown_with_both_sides(shop, language):
    assert not read(show_status(shop, language=language)).select(".wb-is-unreconciled")
    identities = shop.identities.assign(holds=shop.identities["identity"] != "population")
    warning = read(show_status(replaced(shop, identities=identities), language=language)).select_one(
        ".wb-is-unreconciled"
    )
    assert "2024Q4" in warning.get_text() and "12" in warning.get_text()


# --- tiles ----------------------------------------------------------------------------------------


def test_a_tile_gives_value_interval_n_change_and_trend(shop):
    tile = headline_tile(shop, METRICS["customer_retention_rate"], "en")
    assert (tile.value, tile.interval) == ("66.7%", "95%: 35.4–87.9% · n\u00a0=\u00a09")
    assert tile.changes == []  # nobody was active at the start of 2024Q3
    assert tile.show(tile.trend[-1]) == "66.7%"


def test_a_figure_counted_in_full_has_no_interval_and_no_verdict(shop):
    tile = headline_tile(shop, METRICS["revenue"], "en")
    assert (tile.value, tile.interval) == ("€402.00", "counted in full · n\u00a0=\u00a013")
    assert tile.changes == [("+143.6% against 2024Q3", "higher")]  # 402 / 165 − 1


def test_a_change_measured_on_other_customers_says_so(shop, retell):
    results = retell(
        shop, "customer_retention_rate", verdict="better", value=0.7, base_value=0.3, n=500, base_n=1000
    )
    tile = headline_tile(results, METRICS["customer_retention_rate"], "en")
    assert tile.changes == [("+40.0 pp against 2024Q3 (n\u00a0−50%)", "better")]
    assert "who is counted" in show_headline(results, language="en")


def test_a_tile_that_is_not_measured_gives_the_reason(shop):
    tile = headline_tile(shop, METRICS["customer_acquisition_cost"], "en")
    assert (tile.value, list(tile.changes), list(tile.trend)) == ("–", [], [])
    assert "table Costs is not supplied" in tile.interval


@in_each_language
def test_every_headline_metric_has_a_tile(shop, language):
    tiles = read(show_headline(shop, language=language)).select(".wb-tile-name")
    wanted = [METRICS[name].name.in_(language) for name in shop.book.settings.headline_metrics]
    assert [tile.get_text() for tile in tiles] == wanted


# --- findings and table ---------------------------------------------------------------------------


@in_each_language
def test_findings_stand_in_a_list_each_with_a_badge(shop, language):
    items = read(show_findings(shop, language=language)).select(".wb-findings > li")
    assert 1 <= len(items) <= 8
    assert all(item.select_one(".wb-badge").get_text(strip=True) for item in items)


def test_every_metric_shown_has_a_row_under_its_family(shop):
    rows = scorecard_rows(shop)
    assert set(rows["metric"]) == {metric.id for metric in METRICS.values() if metric.shown}
    assert rows["family"].drop_duplicates().tolist() == list(FAMILIES)


@in_each_language
def test_what_is_measured_is_in_the_table_and_the_rest_in_one_line_below(shop, language):
    page = read(show_scorecard(shop, language=language))
    heads = [head.get_text(" ", strip=True) for head in page.select("tbody th[scope=row]")]
    absent = METRICS["customer_acquisition_cost"].name.in_(language)
    assert METRICS["revenue"].name.in_(language) in heads
    assert absent not in heads
    assert absent in page.select(".wb-below")[-1].get_text()


def test_a_comparison_no_metric_has_is_left_out_and_explained(shop):
    page = read(show_scorecard(shop, language="en"))
    heads = [head.get_text() for head in page.select("thead th")]
    assert heads == ["Metric", "Value", "95% interval", "n", "Against 2024Q3", "Trend"]
    assert "No comparison with 2023Q4: the data begin only on 10 Jan 2024." in page.get_text()


@in_each_language
def test_without_any_figure_the_scorecard_says_so(shop, language):
    kpis = shop.kpis.assign(value=float("nan"), status="not_measured", reason="no_rows")
    page = read(show_scorecard(replaced(shop, kpis=kpis), language=language))
    assert not page.select("table")
    assert page.select_one(".wb-callout").get_text(strip=True)
