"""Metrics measured on a few typed rows, with the expected values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.catalogue import load_catalogue
from analysis.metrics.frame import KPI_COLUMNS
from analysis.metrics.gaps import missing_tables
from analysis.metrics.measure import measure, measured_metrics
from analysis.metrics.scans import plan

# The quarter is 2026Q2; the activity window 90 days.
#   a  active at the start (February), buys twice in the quarter
#   b  active at the start, buys nothing: lost
#   c  new in the quarter
#   d  known since 2025, inactive at the start, returns
ORDERS = [
    ("a", "2026-02-10", 100.0),
    ("a", "2026-04-20", 50.0),
    ("a", "2026-05-20", 30.0),
    ("a", "2026-05-25", -10.0),  # a return
    ("b", "2026-03-01", 60.0),
    ("c", "2026-06-15", 40.0),
    ("d", "2025-05-05", 80.0),
    ("d", "2026-06-20", 20.0),
    ("", "2026-06-21", 5.0),  # anonymous: revenue, but nobody's history
]


@pytest.fixture(scope="module")
def kpis(open_orders):
    return measure(open_orders(ORDERS, "2026Q2", activity_window_days=90), ["value_band", "customer_status"])


def figure(kpis, metric, variant="default", period="2026Q2", by=None, group=None):
    rows = kpis[(kpis["metric"] == metric) & (kpis["variant"] == variant) & (kpis["period"] == period)]
    rows = rows[rows["by"].isna()] if by is None else rows[(rows["by"] == by) & (rows["group"] == group)]
    assert len(rows) == 1, (metric, variant, by, group, len(rows))
    return rows.iloc[0]


@pytest.mark.parametrize(
    ("metric", "variant", "value", "n"),
    [
        ("revenue", "default", 135.0, 6),  # 50 + 30 − 10 + 40 + 20 + 5
        ("revenue", "gross", 145.0, 5),
        ("orders", "default", 5.0, 5),  # the return is no order
        ("buyers", "default", 3.0, 3),  # a, c, d
        ("average_order_value", "default", 27.0, 6),  # 135 / 5
        ("opening_customers", "default", 2.0, 2),  # a, b
        ("closing_customers", "default", 3.0, 3),  # a, c, d
        ("new_customers", "default", 1.0, 1),
        ("returned_customers", "default", 1.0, 1),
        ("lost_customers", "default", 1.0, 1),
        ("customer_retention_rate", "default", 1 / 2, 2),
        ("customer_retention_rate", "as_printed", (3 - 1) / 2, 4),  # exceeds the share: d returned
        ("customer_retention_rate", "active_again", 1 / 2, 2),
        ("customer_churn_rate", "default", 1 / 2, 2),
        ("customer_churn_rate", "lost_over_all", 1 / 4, 4),
        ("customer_churn_rate", "lost_over_average", 1 / 2.5, 4),
        ("customer_growth_rate", "default", (3 - 2) / 2, 4),
        ("churned_value", "default", 60.0, 1),  # b's last year
        ("winback_rate", "default", 1.0, 1),  # d alone was known and inactive
        ("net_revenue_retention", "default", 20 / 80, 1),  # d bought 80 a year ago
        ("gross_revenue_retention", "default", 20 / 80, 1),
        ("net_revenue_retention", "previous_period", (70 + 0) / (100 + 60), 2),
        ("gross_revenue_retention", "previous_period", 70 / 160, 2),
        ("repeat_purchase_rate", "default", 1 / 3, 3),  # a has two orders since 2 April
        ("repeat_purchase_rate", "lifetime", 2 / 4, 4),  # a and d
        ("repeat_purchase_rate", "in_period", 1 / 3, 3),
        ("purchase_frequency", "default", 4 / 3, 3),  # a 2, c 1, d 1
        ("revenue_per_customer", "default", (70 + 40 + 20) / 3, 3),
        ("new_customer_first_value", "default", 40.0, 1),
        ("historical_clv", "default", (170 + 60 + 40 + 100) / 4, 4),
        ("expansion_share", "default", 0.0, 3),  # d bought less than a year ago
        ("top_decile_share", "default", 170 / (170 + 60 + 40 + 20), 4),  # ceil(4 / 10) = 1 customer: a
        ("average_order_value_of_year", "default", (170 + 60 + 40 + 20) / 6, 4),
        ("orders_per_customer_year", "default", 6 / 4, 4),
    ],
)
def test_values_worked_out_by_hand(kpis, metric, variant, value, n):
    row = figure(kpis, metric, variant)
    assert row["value"] == pytest.approx(value)
    assert row["n"] == n


def test_every_measured_metric_of_the_catalogue_has_its_row(kpis):
    keys = set(zip(kpis["metric"], kpis["variant"], strict=True))
    assert keys == {(metric.id, metric.variant) for metric in measured_metrics(load_catalogue())}
    assert list(kpis.columns) == KPI_COLUMNS
    assert not kpis.duplicated(["metric", "variant", "period", "by", "group"]).any()


def test_groups_of_an_additive_metric_make_the_whole(kpis):
    for dimension in ("value_band", "customer_status"):
        parts = kpis[
            (kpis["metric"] == "revenue") & (kpis["variant"] == "default") & (kpis["period"] == "2026Q2")
        ]
        assert parts[parts["by"] == dimension]["value"].sum() == pytest.approx(135.0)


def test_a_row_without_a_customer_is_in_a_group_of_its_own(kpis):
    assert figure(kpis, "revenue", by="value_band", group="not_stated")["value"] == 5.0


def test_a_group_has_the_traits_its_customer_had_in_that_window(kpis):
    # c is new in 2026Q2; a was new in 2026Q1 and is existing now
    assert figure(kpis, "revenue", by="customer_status", group="new")["value"] == 40.0
    assert figure(kpis, "revenue", period="2026Q1", by="customer_status", group="new")["value"] == 160.0


def test_the_top_tenth_is_counted_up_and_ties_go_by_id(open_orders):
    # eleven buyers of 10 each: ceil(11 / 10) = 2 customers hold 20 of 110
    book = open_orders([(f"c{n:02}", "2026-05-01", 10.0) for n in range(11)], "2026Q2")
    assert figure(measure(book), "top_decile_share")["value"] == pytest.approx(20 / 110)


def test_a_table_that_is_not_supplied_is_a_reason_not_a_zero(kpis):
    row = figure(kpis, "marketing_cost")
    assert row["status"] == "not_measured"
    assert row["reason"] == "table_absent|costs"
    assert np.isnan(row["value"])


def test_costs_fall_into_the_period_of_their_day(open_orders, tmp_path):
    (tmp_path / "costs.csv").write_text(
        "day,what,money\n2026-03-31,marketing,1\n2026-04-01,marketing,100\n2026-06-30,sales,20\n2026-07-01,sales,7\n"
    )
    columns = {"spent_on": "day", "kind": "what", "amount": "money"}
    book = open_orders(ORDERS, "2026Q2", {"costs": {"file": str(tmp_path / "costs.csv"), "columns": columns}})
    kpis = measure(book)
    assert figure(kpis, "marketing_cost")["value"] == 100.0
    assert figure(kpis, "sales_cost")["value"] == 20.0
    assert figure(kpis, "service_cost")["value"] == 0.0  # nothing was spent: a measured zero


def test_a_window_before_the_data_is_not_measured_and_says_so(open_orders):
    kpis = measure(open_orders([("a", "2026-05-05", 1.0)], "2026Q2"))
    row = figure(kpis, "revenue", period="2025Q2")
    assert (row["status"], row["reason"]) == ("not_measured", "before_data|2026-05-05")


def test_a_metric_that_looks_back_beyond_the_data_is_not_measured(open_orders):
    kpis = measure(open_orders([("a", "2026-01-02", 1.0), ("a", "2026-05-05", 1.0)], "2026Q2"))
    assert figure(kpis, "net_revenue_retention")["reason"] == "before_data|2026-01-02"
    assert figure(kpis, "net_revenue_retention", "previous_period")["value"] == 1.0


def test_a_quarter_with_nothing_measures_zero_revenue_and_no_rate(open_orders):
    book = open_orders([("a", "2025-01-05", 10.0)], "2026Q2")
    kpis = measure(book)
    assert figure(kpis, "revenue")["value"] == 0.0
    assert figure(kpis, "customer_retention_rate")["status"] == "not_measured"
    assert figure(kpis, "average_order_value")["status"] == "not_measured"


def test_an_empty_table_measures_nothing_and_fails_nowhere(open_orders):
    kpis = measure(open_orders([], "2026Q2"), ["value_band"])
    assert figure(kpis, "revenue")["value"] == 0.0
    assert figure(kpis, "top_decile_share")["status"] == "not_measured"


def test_one_customer_gives_a_share_with_a_wide_interval(open_orders):
    kpis = measure(open_orders([("a", "2026-03-30", 10.0), ("a", "2026-05-05", 10.0)], "2026Q2"))
    row = figure(kpis, "customer_retention_rate")
    assert (row["value"], row["n"]) == (1.0, 1)
    assert row["low"] == pytest.approx(0.2065, abs=1e-4)  # Wilson for 1 of 1: 1 / (1 + 1.96²)


def test_money_reaches_below_zero_only_where_it_was_given_back(open_orders):
    # 10 and 90 a head: 50 ± 12.7·40; one of whom gave 20 back in the end: −10 and 90
    bought = [("a", "2026-05-05", 10.0), ("b", "2026-05-05", 90.0)]
    kpis, given_back = (
        measure(open_orders(orders, "2026Q2")) for orders in (bought, [*bought, ("a", "2026-05-06", -20.0)])
    )
    for metric in ("revenue_per_customer", "new_customer_first_value", "average_order_value"):
        assert figure(kpis, metric)["low"] == 0
    assert figure(given_back, "revenue_per_customer")[["value", "low"]].to_list() == [40, -10]
    assert figure(given_back, "average_order_value")["low"] == -20  # no row is less


def test_one_scan_per_fact_and_time_column(open_orders):
    book = open_orders(ORDERS, "2026Q2")
    present = [m for m in measured_metrics(book.catalogue) if not missing_tables(book, m)]
    scans = plan(book, present, ["value_band"])
    shapes = [(scan.fact, scan.at, scan.metrics[0].kind == "concentration") for scan in scans]
    assert len(shapes) == len(set(shapes)) == 4  # customer_periods, its ranks, customer_dealings, orders


def test_only_the_metrics_asked_for_are_measured(open_orders):
    book = open_orders(ORDERS, "2026Q2")
    kpis = measure(book, metrics=[book.catalogue.metric("revenue", "gross")])
    assert set(zip(kpis["metric"], kpis["variant"], strict=True)) == {("revenue", "gross")}
