"""The customer-value page: what its tables and callouts say, in both languages, for good and bad input."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from analysis.report.pages import customer_value
from analysis.report.pages.customer_value import (
    how_sure,
    show_holdout,
    show_models,
    show_segments,
    show_top_customers,
    show_trust,
    show_value_basis,
    show_value_by_group,
    show_value_by_spend,
    show_value_tiles,
    show_ways_to_value,
    what_counts,
)
from analysis.suite import Results, measure_suite
from analysis.suite.validation import HOLDOUT_COLUMNS
from reading_pages import body_rows, in_each_language, read, replaced

SCRIPT, FORMULA = "<script>alert(1)</script>", "=cmd|' /C calc'!A0"
EVERYTHING = [getattr(customer_value, name) for name in customer_value.__all__ if name != "show_definitions"]


def with_settings(results: Results, **settings) -> Results:
    params = results.book.params
    changed = params.model_copy(update={"settings": params.settings.model_copy(update=settings)})
    return Results(replace(results.book, params=changed), results.frames)


@pytest.fixture
def valued(shop: Results) -> Results:
    """The shop as if its models had been fitted: three customers worth 600, 300 and 100."""
    customers = pd.DataFrame(
        {
            "customer_id": ["k0", "k1", "n0"], "customer_name": [SCRIPT, FORMULA, None],
            "repeat_orders": [4, 1, 0], "mean_repeat_spend": [25.0, 30.0, None],
            "churn_score": [0.1, 0.7, 0.4],
            "expected_purchases": [20.0, 10.0, 5.0], "expected_spend": [30.0, 30.0, 20.0],
            "predicted_clv": [600.0, 300.0, 100.0], "clv_low": [550.0, 250.0, 80.0],
            "clv_high": [650.0, 350.0, 120.0], "clv_noise_sd": [30.0, 40.0, 0.0],
            "net_revenue_to_date": [125.0, 60.0, 15.0],
            "last_order_on": pd.Timestamp("2024-12-01"), "is_one_time_buyer": [False, False, True],
            "is_valuable": [True, True, False], "is_at_risk": [False, True, False],
        }
    )  # fmt: skip
    kpis = shop.kpis.copy()
    own = (kpis["metric"] == "customer_equity") & (kpis["period"] == "2024Q4") & kpis["by"].isna()
    columns = ["value", "low", "high", "standard_error", "n", "status", "reason"]
    cells = pd.Series([1000.0, 880.0, 1120.0, 120.0, 3, "measured", None], columns)
    kpis.loc[own, columns] = cells.to_numpy()
    return replaced(shop, customers=customers, kpis=kpis)


# --- trust ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdict", "language", "title"),
    [("trusted", "en", "Trusted"), ("with_care", "en", "Use with care"), ("do_not_use", "zh", "不宜使用")],
)
def test_the_worst_verdict_stands_over_the_checks(shop, verdict, language, title):
    fits = shop.fits.assign(verdict=["trusted", "trusted", "trusted", verdict])
    page = read(show_trust(replaced(shop, fits=fits, holdout=shop.holdout.head(0)), language=language))
    assert page.select_one(".wb-callout-title").get_text() == title
    assert len(page.select("tbody tr")) == 3  # purchases, spend, independence


def test_without_fits_the_page_says_why_there_are_no_values(shop):
    html = show_trust(replaced(shop, fits=shop.fits.head(0)), language="en")
    assert "Not measured" in html


# --- what is counted, and how sure it is ----------------------------------------------------------------


def test_values_without_a_margin_are_called_revenue(valued):
    assert "revenue, not profit" in what_counts(valued.book, "en")[1]
    assert "40% of revenue" in what_counts(with_settings(valued, gross_margin=0.4).book, "en")[1]
    assert "收入口径" in what_counts(valued.book, "zh")[1]


def test_the_two_intervals_are_told_apart(valued):
    parameters, chance, _ = how_sure(valued, "en")
    assert "€880–€1,120" in parameters
    # 120² = 14,400 and 30² + 40² = 2,500: √16,900 = 130, 1,000 ± 1.96 · 130; 2,500/16,900 = 15 %
    assert "€745–€1,255" in chance
    assert "15% of that variance" in chance


@pytest.mark.parametrize(("error", "words"), [(-0.132, "13.2% too low"), (0.05, "5.0% too high")])
def test_the_last_forecast_s_error_is_told_with_its_direction(valued, error, words):
    row = {"period": "2024Q4", "model": "bg_nbd", "relative_error": error}
    found = replaced(valued, holdout=pd.DataFrame([row], columns=HOLDOUT_COLUMNS))
    assert words in how_sure(found, "en")[-1]


def test_without_a_forecast_nothing_is_claimed_about_the_model_s_error(valued):
    found = replaced(valued, holdout=valued.holdout.head(0))
    assert "no earlier period" in how_sure(found, "en")[-1]


@in_each_language
def test_the_tiles_open_with_the_equity(valued, language):
    tiles = read(show_value_tiles(valued, language=language)).select(".wb-tile")
    assert len(tiles) == 4
    assert tiles[0].select_one(".wb-tile-value").get_text() == "€1,000"


# --- who holds it --------------------------------------------------------------------------------------


def test_segments_hold_every_customer_and_all_the_equity(valued):
    rows = body_rows(show_segments(valued, language="en"))
    assert [row[0].split(" ")[0] for row in rows] == ["Valuable", "At", "Ineffective"]
    assert [row[1] for row in rows] == ["1", "1", "1"]
    assert [row[3].split(" ")[0] for row in rows] == ["€600", "€300", "€100"]
    assert [row[4] for row in rows] == ["60.0%", "30.0%", "10.0%"]


@in_each_language
def test_hostile_names_are_shown_as_they_are_and_run_nowhere(valued, language):
    html = show_top_customers(valued, language=language)
    assert "<script" not in html
    names = [row[0] for row in body_rows(html)]
    assert names == [f"{SCRIPT} k0", f"{FORMULA} k1", "n0"]


def test_no_more_customers_are_listed_than_asked_for(valued):
    assert len(body_rows(show_top_customers(valued, 2, language="en"))) == 2


def test_spend_groups_are_told_with_the_sum_of_their_customers_intervals(valued):
    rows = body_rows(show_value_by_spend(valued, language="en"))
    assert [row[0] for row in rows][-1] == "One-time buyers"
    assert rows[-1][4] == "€100 €80.00–€120.00"


@pytest.mark.parametrize(("language", "words"), [("en", "stand in one group"), ("zh", "同属一组")])
def test_where_every_dimension_has_one_group_the_page_says_so(valued, language, words):
    modelled = ["customer_equity", "predicted_clv"]
    keys = {"variant": "default", "period": "2024Q4", "by": "customer_status", "group": "existing"}
    rows = [{"metric": name, "value": 1.0, **keys} for name in modelled]
    kpis = valued.kpis[~valued.kpis["metric"].isin(modelled) | valued.kpis["by"].isna()]
    kpis = pd.concat([kpis, pd.DataFrame(rows).reindex(columns=kpis.columns)], ignore_index=True)
    assert words in show_value_by_group(replaced(valued, kpis=kpis), language=language)


# --- how it was worked out -----------------------------------------------------------------------------


def test_forecasts_stand_under_their_period(valued):
    numbers = dict.fromkeys(HOLDOUT_COLUMNS, 0.25) | {
        "period": "2024Q3", "model": "bg_nbd", "forecast_total": 6434.4, "low": 6199.1, "high": 6669.7,
        "actual_total": 7412.0, "is_inside": False, "relative_error": -0.1319, "verdict": "with_care",
    }  # fmt: skip
    html = show_holdout(replaced(valued, holdout=pd.DataFrame([numbers])), language="en")
    assert read(html).select_one(".wb-section").get_text() == "2024Q3"
    [row] = body_rows(html)
    assert row[:4] == ["BG/NBD", "6,434 6,199–6,670", "7,412 outside the interval", "−13.2% 0.250 each"]
    assert row[-1] == "! use with care"


@in_each_language
def test_without_earlier_periods_the_holdout_is_one_line(valued, language):
    html = show_holdout(replaced(valued, holdout=valued.holdout.head(0)), language=language)
    assert "wb-callout" in html
    assert "<table" not in html


def test_ways_to_value_carry_the_reason_of_a_missing_one(shop):
    html = show_ways_to_value(shop, language="en")
    assert read(html).select_one(".wb-below").get_text().count("a ") >= 1
    rows = {row[0]: row[1] for row in body_rows(html)}
    own = shop.kpi("historical_clv", "default")["value"]
    assert rows["revenue"] == f"€{own:.2f}"


@in_each_language
def test_models_are_listed_with_their_parameters(shop, language):
    tables = read(show_models(shop, language=language)).select("table")
    assert len(tables) == 2
    assert len(tables[0].select("tbody tr")) == 3


# --- nothing to show, and everything at once -------------------------------------------------------------


@in_each_language
@pytest.mark.parametrize("show", EVERYTHING, ids=lambda show: show.__name__)
def test_nothing_fails_on_a_company_without_a_single_order(no_orders, show, language):
    html = show(no_orders, language=language)
    assert html
    assert "NotMeasured" not in html


@pytest.mark.slow
@in_each_language
def test_on_real_customers_every_part_is_shown_and_adds_up(cdnow_sample, language):
    from analysis import open_book

    results = measure_suite(open_book(cdnow_sample, "1997Q4"))
    for show in EVERYTHING:
        assert read(show(results, language=language)).get_text(strip=True)
    equity = results.kpi("customer_equity")
    for frame in (
        customer_value.value_by_spend(results.customers, language),
        customer_value.value_by_segment(results.customers, language),
    ):
        assert frame["equity"].sum() == pytest.approx(equity["value"])
        assert frame["customers"].sum() == equity["n"]
        # adding up customers' intervals errs on the wide side of the total's own
        assert frame["low"].sum() < equity["low"] < equity["high"] < frame["high"].sum()
    assert show_value_basis(results, language=language)
