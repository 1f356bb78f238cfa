"""The scorecard as a whole, and its table of every figure."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest

from analysis.catalogue import FAMILIES, load_catalogue
from analysis.report.findings import Finding
from analysis.report.pages import summary, targets, what_to_do
from analysis.report.pages.scorecard import scorecard_rows, show_scorecard
from analysis.report.pages.summary import show_summary
from analysis.report.pages.targets import show_targets
from analysis.report.pages.tiles import show_headline
from analysis.report.pages.what_moved import show_moved
from analysis.report.pages.what_to_do import show_cautions, show_next_steps
from analysis.report.pages.why import show_why
from analysis.suite import measure_suite
from reading_pages import in_each_language, read, replaced, text

METRICS = load_catalogue().metrics


# --- findings and table ---------------------------------------------------------------------------


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


# --- the headline, what moved, targets, why, what to do -------------------------------------------


SHOWN = (show_summary, show_headline, show_moved, show_targets, show_why, show_next_steps, show_cautions)


RISE = {"verdict": "better", "value": 0.60, "base_value": 0.50}


@pytest.mark.parametrize("show", SHOWN)
@in_each_language
def test_every_part_says_something_whatever_the_company_has(
    shop, no_orders, one_order, seller, show, language
):
    for results in (shop, no_orders, one_order, seller):
        assert text(show(results, language=language))


@in_each_language
def test_changes_to_be_read_with_care_that_have_no_room_are_named(shop, monkeypatch, language):
    names = ["revenue", "orders", "customer_retention_rate", "customer_equity"]
    cautious = [Finding(name, {"en": name, "zh": name}, "with_care", "use_with_care") for name in names]
    monkeypatch.setattr(what_to_do, "find_changes_with_care", lambda results: cautious)
    last = read(show_cautions(shop, language=language)).select("p")[-1].get_text()
    assert METRICS["customer_equity"].name.in_(language) in last
    assert METRICS["orders"].name.in_(language) not in last


@pytest.fixture(scope="module")
def one_order(open_orders):
    book = open_orders(
        [("a", "2024-11-01", 20)],
        "2024Q4",
        model_draws=20,
        sparkline_periods=2,
        data_through=date(2024, 12, 31),
    )
    return measure_suite(book)


@pytest.fixture(scope="module")
def running(open_orders):
    orders = [
        (f"c{n % 30}", f"{date(2024, 1, 1) + timedelta(days=n)}", 20) for n in range(320)
    ]  # until 15 November
    book = open_orders(orders, "2024Q4", model_draws=20, sparkline_periods=3, data_through=date(2024, 11, 15))
    return measure_suite(book)


@in_each_language
def test_a_running_period_says_so_first_and_is_judged_on_the_days_it_has(running, language):
    page = read(show_summary(running, language=language))
    assert page.select_one(".wb-callout.wb-is-partial")
    assert page.select_one(".wb-lead-first").get_text(strip=True)
    for show in SHOWN:
        assert text(show(running, language=language))


def test_both_languages_show_the_same_numbers(shop, retell, judged, monkeypatch):
    results = retell(shop, "repeat_purchase_rate", **RISE)
    for part in (summary, targets):
        monkeypatch.setattr(part, "judge_targets", lambda _: judged)
    for show in (show_summary, show_targets):
        found = [
            sorted(re.findall(r"\d[\d,.]*%", text(show(results, language=each)))) for each in ("en", "zh")
        ]
        assert found[0] == found[1]
