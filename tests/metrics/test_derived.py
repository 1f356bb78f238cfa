"""Formulas over the KPI frame: per period and group, in any order, with what is missing told."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from analysis.metrics.derived import evaluate_frame
from analysis.metrics.formulas import ExpressionError
from analysis.metrics.frame import SUMS
from analysis.metrics.intervals import summarise


def derived(metric, value, variant="default", independent=True):
    return SimpleNamespace(id=metric, variant=variant, value=value, independent=independent)


def kpi_frame(*rows):
    """Rows of (metric, period, by, group, kind, n, sum_x); the squared deviations of a mean sum to 90."""
    columns = ["metric", "period", "by", "group", "kind", "n", "sum_x"]
    sums = pd.DataFrame(list(rows), columns=columns).assign(variant="default")
    sums = sums.assign(sampled=~sums["kind"].isin(["total", "count"]), **dict.fromkeys(SUMS[1:], 0.0))
    sums["sum_xx"] = sums["sum_x"] ** 2 / sums["n"].clip(lower=1) + 90
    return summarise(sums)


def costs_and_customers():
    return kpi_frame(
        ("spend", "2026Q1", None, None, "total", 3, 900.0),
        ("spend", "2025Q4", None, None, "total", 3, 600.0),
        ("spend", "2026Q1", "region", "north", "total", 2, 800.0),
        ("new", "2026Q1", None, None, "count", 30, None),
        ("new", "2026Q1", "region", "north", "count", 10, None),
        ("new", "2026Q1", "region", "south", "count", 20, None),
        ("new", "2026Q1", "channel", "web", "count", 30, None),
        ("order_value", "2026Q1", None, None, "mean", 10, 500.0),
    )


WINDOWS = {"2026Q1": ("2025Q4", None)}


def figure(kpis, metric, by=None, group=None, variant="default", period="2026Q1"):
    rows = kpis[(kpis["metric"] == metric) & (kpis["variant"] == variant) & (kpis["period"] == period)]
    rows = rows[rows["by"].isna() if by is None else (rows["by"] == by) & (rows["group"] == group)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_derived_rows_are_added_per_group():
    kpis = evaluate_frame(costs_and_customers(), [derived("cac", "spend / new")], WINDOWS)
    company, north = figure(kpis, "cac"), figure(kpis, "cac", "region", "north")
    assert (company.value, company.numerator, company.denominator, company.n) == (30, 900, 30, 30)
    assert (company.status, company.reason) == ("measured", "census")
    assert north.value == 80
    assert len(kpis) == 8 + 4  # company, north, south, web
    pd.testing.assert_frame_equal(kpis.iloc[:8], costs_and_customers())


def test_an_operand_without_the_dimension_is_said():
    kpis = evaluate_frame(costs_and_customers(), [derived("cac", "spend / new")], WINDOWS)
    web = figure(kpis, "cac", "channel", "web")
    assert np.isnan(web.value)
    assert (web.status, web.reason) == ("not_measured", "of|spend|not_measured_by|channel")


def test_a_setting_has_every_dimension():
    kpis = evaluate_frame(costs_and_customers(), [derived("half", "new * factor")], WINDOWS, {"factor": 0.5})
    assert figure(kpis, "half", "channel", "web").value == 15


def test_a_missing_group_is_zero_only_where_the_metric_adds_up():
    formulas = [derived("cac", "spend / new")]
    south = figure(evaluate_frame(costs_and_customers(), formulas, WINDOWS), "cac", "region", "south")
    assert (south.status, south.reason) == ("not_measured", "of|spend|group_absent|south")
    kpis = evaluate_frame(costs_and_customers(), formulas, WINDOWS, additive={"spend"})
    assert (figure(kpis, "cac", "region", "south").value, figure(kpis, "cac").value) == (0, 30)
    assert figure(kpis, "cac", "channel", "web").reason == "of|spend|not_measured_by|channel"


def test_a_period_measured_as_a_whole_only_has_no_zero_groups():
    lagged = [derived("cac", "spend.previous / new", variant="lagged")]
    kpis = evaluate_frame(costs_and_customers(), lagged, WINDOWS, additive={"spend"})
    assert figure(kpis, "cac", variant="lagged").value == 20
    north = figure(kpis, "cac", "region", "north", variant="lagged")
    assert (north.status, north.reason) == ("not_measured", "of|spend.previous|not_measured_by|region")


def test_what_no_row_states_is_no_groups_figure():
    # All 100 of sales cost name no channel: neither the web's customers nor those without a channel cost that.
    frame = kpi_frame(
        ("sales", "2026Q1", None, None, "total", 1, 100.0),
        ("sales", "2026Q1", "channel", "not_stated", "total", 1, 100.0),
        ("new", "2026Q1", None, None, "count", 30, None),
        ("new", "2026Q1", "channel", "web", "count", 20, None),
        ("new", "2026Q1", "channel", "not_stated", "count", 10, None),
    )
    kpis = evaluate_frame(frame, [derived("cac", "sales / new")], WINDOWS, additive={"sales", "new"})
    for group in ("web", "not_stated"):
        assert figure(kpis, "cac", "channel", group).reason == "of|sales|not_measured_by|channel"
    unstated = frame[frame["group"] != "web"]
    kpis = evaluate_frame(unstated, [derived("cac", "sales / new")], WINDOWS, additive={"sales", "new"})
    assert figure(kpis, "cac", "channel", "not_stated").value == 10  # nobody names one: they are all in it


def test_other_periods_are_looked_up_by_their_labels():
    formulas = [
        derived("growth", "spend / spend.previous - 1"),
        derived("growth", "spend / spend.year_ago - 1", variant="yearly"),
    ]
    kpis = evaluate_frame(costs_and_customers(), formulas, WINDOWS)
    assert figure(kpis, "growth").value == 0.5
    assert figure(kpis, "growth", variant="yearly").reason == "of|spend.year_ago|no_earlier_period"
    kpis = evaluate_frame(costs_and_customers(), formulas, {"2026Q1": ("2025Q3", "2025Q1")})
    assert figure(kpis, "growth").reason == "of|spend.previous|period_absent|2025Q3"


def test_settings_of_a_period_come_on_top():
    kpis = evaluate_frame(
        costs_and_customers(), [derived("daily", "new / days")], WINDOWS, {"days": 1},
        period_settings={"2026Q1": {"days": 90}},
    )  # fmt: skip
    assert figure(kpis, "daily").value == pytest.approx(1 / 3)


def test_formulas_may_use_formulas_in_any_order_and_variants_by_name():
    formulas = [
        derived("payback", "cac / order_value"),
        derived("gap", "cac.lagged - cac"),
        derived("cac", "spend.previous / new", variant="lagged"),
        derived("cac", "spend / new"),
    ]
    kpis = evaluate_frame(costs_and_customers(), formulas, WINDOWS)
    assert figure(kpis, "gap").value == -10
    # order_value: mean 50, Σ(x − 50)² = 90, se = sqrt(90/9/10) = 1, t(9) = 2.262157
    payback = figure(kpis, "payback")
    assert [payback.value, payback.low, payback.high] == pytest.approx([0.6, 30 / 52.262157, 30 / 47.737843])


def test_figures_sharing_a_sampled_source_have_no_interval_across_formulas():
    formulas = [derived("per_new", "order_value / new"), derived("both", "per_new * order_value")]
    both = figure(evaluate_frame(costs_and_customers(), formulas, WINDOWS), "both")
    assert both.value == pytest.approx(50 / 30 * 50)
    assert (both.status, both.reason) == ("measured", "dependent_operands")
    assert np.isnan([both.low, both.high]).all()


def test_the_record_can_say_that_its_operands_depend():
    kpis = costs_and_customers()
    more = kpi_frame(("margin", "2026Q1", None, None, "mean", 10, 5.0))
    formula = derived("profit", "order_value * margin", independent=False)
    row = figure(evaluate_frame(pd.concat([kpis, more]), [formula], WINDOWS), "profit")
    assert (row.value, row.reason) == (25, "dependent_operands")


def test_a_sampled_row_without_interval_is_not_taken_for_exact():
    kpis = costs_and_customers()
    kpis.loc[kpis["metric"] == "order_value", ["low", "high"]] = np.nan
    row = figure(evaluate_frame(kpis, [derived("double", "order_value * 2")], WINDOWS), "double")
    assert (row.value, row.reason) == (100, "of|order_value|no_interval")


def test_a_metric_never_measured_and_one_that_failed_give_their_reasons():
    kpis = costs_and_customers()
    kpis.loc[kpis["metric"] == "order_value", ["value", "status", "reason"]] = [
        np.nan, "not_measured", "table_absent|orders",
    ]  # fmt: skip
    formulas = [derived("a", "order_value / new"), derived("b", "churn / new")]
    found = evaluate_frame(kpis, formulas, WINDOWS, known_metric_ids=["churn"])
    assert figure(found, "a", "channel", "web").reason == "of|order_value|table_absent|orders"
    assert figure(found, "b").reason == "of|churn|metric_absent"


def test_running_twice_changes_nothing():
    formulas = [derived("cac", "spend / new"), derived("cac", "spend.previous / new", variant="lagged")]
    once = evaluate_frame(costs_and_customers(), formulas, WINDOWS)
    pd.testing.assert_frame_equal(evaluate_frame(once, formulas, WINDOWS), once)


def test_no_formulas_and_no_periods_leave_the_frame():
    kpis = costs_and_customers()
    pd.testing.assert_frame_equal(evaluate_frame(kpis, [], WINDOWS), kpis)
    pd.testing.assert_frame_equal(evaluate_frame(kpis, [derived("cac", "spend / new")], {}), kpis)


def test_a_circle_and_an_unknown_name_are_errors():
    circle = [derived("a", "b + 1"), derived("b", "a.previous + 1")]
    with pytest.raises(ExpressionError, match="circle: .*a.*b"):
        evaluate_frame(costs_and_customers(), circle, WINDOWS)
    with pytest.raises(ExpressionError, match="did you mean 'spend'"):
        evaluate_frame(costs_and_customers(), [derived("cac", "spent / new")], WINDOWS)
