"""The suite of a run: numbers that agree with each other, with the catalogue, and with what was planted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.facts import NotMeasured, open_book
from analysis.suite import measure_suite
from analysis.suite.customer_value import CUSTOMER_COLUMNS, quarter_lengths, top_share
from analysis.suite.everything import kpis_by
from analysis.suite.results import kept_by_content
from analysis.suite.rows import rows_of_period


@pytest.fixture(scope="module")
def results(cdnow):
    return measure_suite(open_book(cdnow, "1997Q4"))


def test_every_metric_under_every_variant_has_a_row_for_every_window(results):
    book = results.book
    company = results.kpis[results.kpis["by"].isna()]
    found = set(zip(company["metric"], company["variant"], company["period"], strict=True))
    wanted = {
        (metric.id, metric.variant, window.label)
        for record in book.catalogue.metrics.values()
        for metric in record.all_variants()
        for window in book.windows
    }
    assert found == wanted
    assert len(company) == len(found)


def test_a_figure_is_a_number_or_says_why_not(results):
    kpis = results.kpis
    missing = kpis["value"].isna()
    assert (kpis.loc[missing, "status"] == "not_measured").all()
    assert kpis.loc[missing, "reason"].notna().all()
    assert not kpis.loc[~missing, "status"].eq("not_measured").any()
    inside = kpis["low"].notna() & kpis["high"].notna()
    assert (kpis.loc[inside, "low"] <= kpis.loc[inside, "value"] + 1e-9).all()
    assert (kpis.loc[inside, "value"] <= kpis.loc[inside, "high"] + 1e-9).all()


def test_cdnow_adds_up(results):
    assert results.is_reconciled
    assert set(results.identities["identity"]) >= {"population", "parts_make_the_whole", "revenue_of_rows"}


def test_customer_equity_is_the_sum_of_the_customers_and_of_their_groups(results):
    equity = results.kpi("customer_equity")["value"]
    assert results.customers["predicted_clv"].sum() == pytest.approx(equity, rel=1e-9)
    rows = results.kpis[(results.kpis["metric"] == "customer_equity") & (results.kpis["by"] == "value_band")]
    assert rows["value"].sum() == pytest.approx(equity, rel=1e-9)
    assert results.kpi("predicted_clv")["value"] == pytest.approx(equity / len(results.customers), rel=1e-12)


def test_the_bridge_leads_from_last_quarters_equity_to_this_ones(results):
    bridge = results.bridge.set_index("step")["amount"]
    assert bridge.drop(["opening", "closing"]).sum() == pytest.approx(
        bridge["closing"] - bridge["opening"], rel=1e-9
    )
    assert bridge["closing"] == pytest.approx(results.kpi("customer_equity")["value"], rel=1e-9)
    assert bridge["opening"] == pytest.approx(
        results.kpi("customer_equity", period="1997Q3")["value"], rel=1e-9
    )


def test_the_at_risk_list_is_the_at_risk_share(results):
    customers, share = results.customers, results.kpi("at_risk_share")
    assert customers["is_at_risk"].sum() == share["numerator"]
    assert customers["is_valuable"].sum() == share["n"] == -(-len(customers) // 2)
    assert (customers.loc[customers["is_at_risk"], "churn_score"] > 0.5).all()


def test_one_time_buyers_are_marked_because_the_model_holds_them_alive(results):
    once = results.customers["is_one_time_buyer"]
    assert (results.customers.loc[once, "p_alive"] == 1).all()
    assert (results.customers.loc[once, "churn_score"] > 0).all()


def test_nobody_joined_so_nothing_is_said_of_new_customers(results):
    found = results.kpi("new_customer_expected_value")
    assert isinstance(found, NotMeasured)
    assert found.reason == "no_new_customers"


def test_calibration_and_tracking_count_what_happened(results):
    # fitted at the end of 1997Q3, judged on 1997Q4: every repeat occasion of the quarter once
    actual = (results.calibration["actual_purchases"] * results.calibration["customers"]).sum()
    row = results.holdout.query("period == '1997Q4' and model == 'bg_nbd'").iloc[0]
    assert actual == pytest.approx(row["actual_total"])
    assert results.calibration["customers"].sum() == 23570
    tracked = results.tracking.iloc[-1]
    assert tracked["actual_cumulative"] == results.customers["repeat_orders"].sum()


def test_cohorts_start_with_everyone(results):
    first = results.cohorts[results.cohorts["steps_since"] == 0]
    assert (first["share"] == 1).all()
    assert first["size"].sum() == 23570
    assert first["cohort"].tolist() == ["1997-01", "1997-02", "1997-03"]


def test_what_was_worked_out_once_is_read_back_the_same(results):
    def never(_):
        raise AssertionError("worked out twice")

    again = kept_by_content(open_book(results.book.params, "1997Q4"), never)
    for name, frame in results.frames.items():
        pd.testing.assert_frame_equal(frame, again.frames[name], check_dtype=False)


def test_other_names_of_values_need_no_new_measurement(results, with_names):
    def never(_):
        raise AssertionError("worked out again")

    own = with_names(results, value_band={"high": {"en": "Best"}}).book
    assert own.fingerprint != results.book.fingerprint  # pages under the old names are another run's
    pd.testing.assert_frame_equal(kept_by_content(own, never).kpis, results.kpis, check_dtype=False)


def test_a_changed_setting_is_another_content(results, cdnow):
    other = results.book.params.model_copy(
        update={"settings": results.book.settings.model_copy(update={"activity_window_days": 90})}
    )
    assert open_book(other, "1997Q4").fingerprint != results.book.fingerprint


def test_a_dimension_outside_the_runs_own_is_measured_when_asked(results):
    extra = kpis_by(results.book, "customer_status")
    own = results.kpis[results.kpis["by"] == "customer_status"]
    key = ["metric", "variant", "period", "by", "group"]
    both = own[own["metric"] == "revenue"].merge(extra, on=key, suffixes=("", "_again"))
    assert len(both) == len(own[own["metric"] == "revenue"])
    assert both["value_again"].to_numpy() == pytest.approx(both["value"].to_numpy())


def test_rows_asked_for_come_default_first(results):
    rows = rows_of_period(results, metrics=["customer_retention_rate"])
    assert rows["variant"].tolist() == ["default", "as_printed", "active_again"]
    assert rows_of_period(results, metrics=["revenue.gross"])["variant"].tolist() == ["gross"]


def test_revenue_growth_is_the_ratio_of_the_revenues(results):
    now, before = results.kpi("revenue")["value"], results.kpi("revenue", period="1997Q3")["value"]
    assert results.kpi("revenue_growth", "previous_period")["value"] == pytest.approx(
        now / before - 1, rel=1e-12
    )


def test_quarters_ahead_are_calendar_quarters():
    from datetime import date

    # 1998: 90, 91, 92, 92 days
    assert np.array(quarter_lengths(date(1998, 1, 1), 4)) * 7 == pytest.approx([90, 91, 92, 92])


def test_the_top_share_counts_up_and_breaks_ties_by_id():
    values, ids = pd.Series([5.0, 9.0, 9.0, 1.0, np.nan]), pd.Series(["e", "c", "b", "a", "z"])
    assert top_share(values, ids, 0.25).tolist() == [
        False,
        False,
        True,
        False,
        False,
    ]  # ceil(4 · ¼) = 1, b before c
    assert top_share(values, ids, 0.5).tolist() == [False, True, True, False, False]


@pytest.mark.parametrize("orders", [[], [("a", "2026-05-05", 10.0)], [("a", "2026-05-05", 0.0)] * 3])
def test_too_little_to_model_is_said_not_guessed(open_orders, orders):
    results = measure_suite(open_orders(orders, "2026Q2"))
    row = results.kpi("customer_equity")
    assert isinstance(row, NotMeasured) or row["status"] == "with_care"
    assert results.is_reconciled


def test_a_smaller_companys_value_is_marked_where_a_mean_stands_in_for_a_model(open_orders):
    orders = [(f"c{n}", f"2026-0{1 + n % 3}-1{n % 9}", 10.0 + n) for n in range(8)]
    orders += [("c0", "2026-05-02", 12.0), ("c1", "2026-05-20", 15.0), ("c1", "2026-06-20", 15.0)]
    results = measure_suite(open_orders(orders, "2026Q2"))
    fits = results.fits.set_index("role")
    assert fits.loc["bg_nbd", "model"] == "cohort_mean"
    assert fits.loc["bg_nbd", "verdict"] in ("with_care", "do_not_use")


def test_the_columns_of_customer_values_are_the_same_with_and_without_customers(results):
    assert list(results.customers.columns)[: len(CUSTOMER_COLUMNS)] == CUSTOMER_COLUMNS
