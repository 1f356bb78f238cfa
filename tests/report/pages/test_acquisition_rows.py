"""What the acquisition page counts beside the KPI frame: blocks of figures, new customers by channel, targets."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.catalogue import load_catalogue
from analysis.facts import NotMeasured
from analysis.metrics.intervals import wilson_interval
from analysis.report.pages.acquisition_rows import (
    BLOCKS,
    OF_CHANNELS,
    channels,
    channels_that_do_not_last,
    costs_without_rows,
    targets_of_managers,
)
from analysis.report.pages.breakdowns import MOST_GROUPS, figures_by
from analysis.suite import Results, measure_suite

SCRIPT = "<script>alert(1)</script>"


def test_every_metric_of_acquisition_and_sales_that_is_shown_stands_in_exactly_one_block():
    families = load_catalogue().families
    shown = [metric.id for name in ("acquisition", "sales") for metric in families[name] if metric.shown]
    assert sorted(name for names in BLOCKS.values() for name in names) == sorted(shown)


# --- new customers by channel ---------------------------------------------------------------------


def test_channels_come_with_what_they_brought_what_it_cost_and_who_came_back(seller):
    rows = channels(seller).set_index("channel")
    # 40 new by group, 10 by web, each with one order of 20; 400 and 1,000 of marketing
    assert rows.index.tolist() == [SCRIPT, "web"]
    assert rows["new_customers"].tolist() == [40, 10]
    assert rows["before"].fillna(0).tolist() == [0, 40]
    assert rows["first_value"].tolist() == [20.0, 20.0]
    assert rows["cost"].tolist() == [10.0, 100.0]
    # of the web's 50 customers 40 bought again, of the other's 40 nobody
    assert rows["again"].tolist() == [0.0, 0.8]
    low, high = wilson_interval(40, 50)
    assert rows.loc["web", ["again_low", "again_high"]].tolist() == pytest.approx([float(low), float(high)])


def test_a_cheap_channel_nobody_comes_back_from_is_told(seller):
    [row] = channels_that_do_not_last(channels(seller)).itertuples()
    assert (row.channel, row.again, row.others, row.verdict) == (SCRIPT, 0.0, 0.8, "worse")


def with_figures(results, again: dict[str, tuple[int, int]]) -> Results:
    """The results as if of each channel's customers so many of so many had bought again."""
    figures, changes = figures_by(results, "acquisition_channel", OF_CHANNELS)
    template = figures[(figures["metric"] == "repeat_purchase_rate") & (figures["period"] == "2024Q4")].head(
        1
    )
    rows = [
        template.assign(group=group, value=hits / n, numerator=float(hits), denominator=float(n), n=n)
        for group, (hits, n) in again.items()
    ]
    made = Results(results.book, results.frames)
    made.remembered["figures_by", "acquisition_channel", *OF_CHANNELS] = (pd.concat(rows), changes)
    return made


def test_one_channel_far_below_does_not_make_all_others_look_good(seller):
    results = with_figures(seller, {"a": (0, 500), "b": (450, 500), "c": (455, 500), "d": (445, 500)})
    verdicts = channels(results).set_index("channel")["verdict"].to_dict()
    assert verdicts == {"a": "worse", "b": "no_clear_change", "c": "no_clear_change", "d": "no_clear_change"}


def test_of_more_than_one_odd_channel_each_is_told(seller):
    results = with_figures(
        seller, {"a": (0, 500), "b": (250, 500), "c": (255, 500), "d": (480, 500), "e": (245, 500)}
    )
    verdicts = channels(results).set_index("channel")["verdict"].to_dict()
    quiet = "no_clear_change"
    assert verdicts == {"a": "worse", "b": quiet, "c": quiet, "d": "better", "e": quiet}


def test_a_single_channel_is_held_against_nobody(seller):
    [row] = channels(with_figures(seller, {"a": (10, 500)})).itertuples()
    assert (row.again, pd.isna(row.others), row.verdict) == (0.02, True, None)


def test_of_many_channels_twelve_are_kept(seller):
    results = with_figures(seller, {f"c{n:02d}": (50, 100 + n) for n in range(15)})
    rows = channels(results)
    assert len(rows) == MOST_GROUPS
    assert rows["channel"].iloc[0] == "c14"  # without new customers, those who brought most


def test_without_orders_or_customers_the_reason_is_told(desk, asked):
    assert channels(desk) == NotMeasured("table_absent|customers")
    assert channels(asked) == NotMeasured("table_absent|orders")


# --- targets --------------------------------------------------------------------------------------


def test_targets_of_account_managers_come_least_reached_first(seller):
    rows = targets_of_managers(seller)
    # m1 holds the web's customers: 50 orders of 20 in the quarter, m2 the others: 40
    assert rows.to_numpy().tolist() == [["revenue", "m1", 1000, 1250, 0.8], ["revenue", "m2", 800, 500, 1.6]]


def test_without_targets_the_reason_is_told(shop):
    assert targets_of_managers(shop) == NotMeasured("table_absent|targets")


@pytest.mark.parametrize(
    ("kinds", "absent"),
    [
        (["marketing"], ["sales_cost", "service_cost"]),
        (["marketing", "sales", "service"], []),
        (["general_admin"], []),  # then nothing is known of what winning customers costs
        ([], []),
    ],
)
def test_kinds_of_cost_without_a_row_are_found_where_others_have_rows(open_company, kinds, absent):
    rows = "\n".join(f"2024-11-01,{kind},100" for kind in kinds)
    tables = {"orders": "order_id,customer_id,ordered_at,amount\n1,a,2024-11-02,10"}
    tables |= {"costs": f"spent_on,kind,amount\n{rows}"} if kinds else {}
    results = measure_suite(open_company(tables, "2024Q4", model_draws=20, sparkline_periods=2))
    assert [metric.id for metric in costs_without_rows(results)] == absent
