from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.metrics.derived import (
    Estimate,
    ExpressionError,
    evaluate,
    evaluate_frame,
    mover_difference,
    mover_product,
    mover_ratio,
    mover_sum,
    operands,
)
from analysis.metrics.frame import SUMS
from analysis.metrics.intervals import poisson_interval, summarise, wilson_interval

KNOWN = [
    "revenue", "new_customers", "marketing_cost", "stage_conversion_rate", "stage_conversion_rate.proposal",
]  # fmt: skip


def interval(value, low, high, n=50, **more):
    return Estimate(value, low, high, n, "interval", **more)


def wilson(positive, n):
    return (positive / n, *(float(limit) for limit in wilson_interval(positive, n)))


# --- reading a formula ---


def test_operands_are_named_once_in_reading_order():
    found = operands("(revenue - marketing_cost) / revenue * gross_margin", KNOWN, ["gross_margin"])
    assert [operand.metric for operand in found.metrics] == ["revenue", "marketing_cost"]
    assert found.settings == ("gross_margin",)


def test_a_dotted_id_wins_over_a_period():
    found = operands("stage_conversion_rate.proposal / stage_conversion_rate.proposal.year_ago", KNOWN)
    assert [tuple(operand) for operand in found.metrics] == [
        ("stage_conversion_rate.proposal", "stage_conversion_rate.proposal", None),
        ("stage_conversion_rate.proposal.year_ago", "stage_conversion_rate.proposal", "year_ago"),
    ]
    assert operands("revenue.previous", KNOWN).metrics[0] == ("revenue.previous", "revenue", "previous")


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("new_custommers + 1", "'new_custommers'; did you mean 'new_customers'"),
        ("revenu.previous", "'revenu'; did you mean 'revenue'"),
        ("gros_margin * revenue", "did you mean 'gross_margin'"),
        ("gross_margin.previous", "'gross_margin' is a setting and has no .previous"),
        ("revenue.previous.previous", "no metric or setting 'revenue.previous'"),
    ],
)
def test_an_unknown_name_gets_its_nearest(expression, told):
    with pytest.raises(ExpressionError, match=told.replace(".", r"\.")):
        operands(expression, KNOWN, ["gross_margin"])


def test_a_name_that_is_both_metric_and_setting_is_refused():
    with pytest.raises(ExpressionError, match="both a metric and a setting"):
        operands("revenue", KNOWN, ["revenue"])


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os').getcwd()", "revenue.__class__()", "(lambda: 1)()", "[revenue][0]", "'text'", "True",
        "1j", "revenue ** 2", "revenue // 2", "revenue % 2", "revenue if revenue else 1", "revenue < 2",
        "not revenue", "+revenue", "f'{revenue}'", "abs(revenue, 1)", "min(revenue)", "max(revenue, key=abs)",
        "min(*revenue)", "sum(revenue, 1)", "(x := 1)", "revenue; revenue", "revenue +", "", "1e999",
        "9" * 400, "-" * 900 + "revenue", "1+" * 600 + "1", "(revenue + 1).previous", "revenue\0",
    ],
)  # fmt: skip
def test_anything_but_arithmetic_is_refused(expression):
    with pytest.raises(ExpressionError):
        operands(expression, KNOWN)


# --- MOVER, against published numbers and identities ---


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        # Newcombe (1998), Statistics in Medicine 17, 873–890, table II, method 10
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
    ],
)
def test_difference_of_shares_is_newcombes_hybrid_score(first, second, low, high):
    found = mover_difference(*wilson(*first), *wilson(*second))
    assert np.round(found, 4) == pytest.approx([low, high])


def test_ratio_of_shares_is_the_published_one():
    # 7 of 34 against 1 of 34, MOVER-R with Wilson limits: 7.0000 (1.1537 to 41.9763), as computed by the
    # software to Fagerland, Lydersen & Laake (2017), Statistical Analysis of Contingency Tables, chapter 4
    found = mover_ratio(*wilson(7, 34), *wilson(1, 34))
    assert np.round(found, 4) == pytest.approx([1.1537, 41.9763])


def fieller(value_1, error_1, value_2, error_2, z=1.96):
    g = (z * error_2 / value_2) ** 2
    ratio = value_1 / value_2
    half = z / value_2 * math.sqrt(error_1**2 + ratio**2 * error_2**2 - g * error_1**2)
    return (ratio - half) / (1 - g), (ratio + half) / (1 - g)


@pytest.mark.parametrize("value_1", [10.0, 1.0, 0.0, -1.0, -10.0])
def test_ratio_of_symmetric_intervals_is_fiellers(value_1):
    def symmetric(value, error):
        return value, value - 1.96 * error, value + 1.96 * error

    for error_1, error_2 in [(1.5, 0.4), (0.1, 2.0), (3.0, 0.0)]:
        found = mover_ratio(*symmetric(value_1, error_1), *symmetric(5.0, error_2))
        assert found == pytest.approx(fieller(value_1, error_1, 5.0, error_2))


def test_ratio_limits_are_where_the_difference_touches_zero():
    random = np.random.default_rng(8)
    for _ in range(200):
        value_1, value_2 = random.normal(0, 5), random.uniform(1, 5)
        first = (value_1, value_1 - random.exponential(4), value_1 + random.exponential(4))
        second = (value_2, value_2 * random.uniform(0.1, 1), value_2 + random.exponential(6))
        low, high = mover_ratio(*first, *second)
        assert low <= value_1 / value_2 <= high
        for limit, side in ((low, 0), (high, 1)):
            scaled = sorted(limit * x for x in second[1:])
            assert mover_difference(*first, limit * value_2, *scaled)[side] == pytest.approx(0, abs=1e-8)


def test_ratio_turns_with_its_signs_and_is_open_when_the_denominator_may_be_zero():
    low, high = mover_ratio(6, 4, 9, 3, 2, 5)
    assert mover_ratio(-6, -9, -4, 3, 2, 5) == pytest.approx((-high, -low))
    assert mover_ratio(6, 4, 9, -3, -5, -2) == pytest.approx((-high, -low))
    assert np.isnan(mover_ratio(6, 4, 9, 3, 0, 5)).all()
    # high₂ = 2·value₂ makes the quadratic term vanish
    assert mover_ratio(6, 4, 9, 3, 2, 6)[0] == pytest.approx(4 * (12 - 4) / (2 * 6 * 3))


def test_against_a_fixed_number_every_form_only_moves_the_limits():
    fixed = (4.0, 4.0, 4.0)
    assert mover_sum(10, 7, 15, *fixed) == pytest.approx((11, 19))
    assert mover_difference(*fixed, 10, 7, 15) == pytest.approx((-11, -3))
    assert mover_product(10, 7, 15, *fixed) == (28, 60)
    assert mover_product(10, 7, 15, -2, -2, -2) == (-30, -14)
    assert mover_ratio(10, 7, 15, *fixed) == pytest.approx((7 / 4, 15 / 4))
    assert mover_ratio(*fixed, 10, 7, 15) == pytest.approx((4 / 15, 4 / 7))


def test_a_product_does_not_depend_on_the_order():
    random = np.random.default_rng(9)
    for _ in range(100):
        values = random.uniform(0.5, 5, 2)
        triples = [(v, v * random.uniform(0.1, 1), v * random.uniform(1, 3)) for v in values]
        low, high = mover_product(*triples[0], *triples[1])
        assert (low, high) == mover_product(*triples[1], *triples[0])
        assert low <= values[0] * values[1] <= high


def test_a_product_of_small_errors_is_the_delta_method():
    # sqrt((5·.01)² + (3·.02)²) = .078102
    low, high = mover_product(3, 2.99, 3.01, 5, 4.98, 5.02)
    assert (low, high) == pytest.approx((15 - 0.078102, 15 + 0.078102), abs=1e-3)


def test_a_factor_that_may_be_zero_is_fine_but_not_two():
    low, high = mover_product(1, -2, 4, 5, 4, 6)
    assert low < 0 < high
    assert (low, high) == pytest.approx(mover_ratio(1, -2, 4, 1 / 5, 1 / 6, 1 / 4))
    assert np.isnan(mover_product(1, -2, 4, 1, -1, 3)).all()


# --- working formulas out ---


def test_acquisition_cost_of_the_seed():
    # 100,000 + 25,000 over 1,000 new customers
    found = evaluate(
        "(marketing_cost + sales_cost) / new_customers",
        {
            "marketing_cost": Estimate(100_000, n=4),
            "sales_cost": Estimate(25_000, n=2),
            "new_customers": Estimate(1000, n=1000),
        },
    )
    assert (found.value, found.certainty, found.status, found.reason) == (125, "exact", "measured", "census")
    assert (found.n, found.numerator, found.denominator) == (1000, 125_000, 1000)
    assert math.isnan(found.low) and math.isnan(found.high)


def test_return_on_investment_of_the_seed():
    # (200,000 + 10 % · 1,000 · 1,000 − 50,000) / 50,000 = 250,000 / 50,000
    found = evaluate(
        "(saved + rate * customers * spend - cost) / cost",
        {"saved": Estimate(200_000), "customers": Estimate(1000), "cost": Estimate(50_000)},
        {"rate": 0.10, "spend": 1000},
    )
    assert found.value == 5.0
    assert found.certainty == "exact"


def test_acquisition_cost_against_value_of_the_seed():
    assert evaluate("cac / clv", {"cac": Estimate(125), "clv": Estimate(500)}).value == 0.25


def test_precedence_and_functions():
    given = {"a": Estimate(7), "b": Estimate(-2)}
    assert evaluate("-a + b * 3 - 4 / 2", given).value == -15
    assert evaluate("max(abs(b), min(a, 1), 0.5)", given).value == 2
    assert evaluate("a", given).value == 7


def test_a_sampled_operand_gives_its_interval():
    given = {"cost": Estimate(1000.0, n=3), "contacts": interval(50.0, 40.0, 65.0, n=50)}
    found = evaluate("cost / contacts", given)
    assert (found.value, found.low, found.high) == (20, pytest.approx(1000 / 65), pytest.approx(25))
    assert (found.certainty, found.reason, found.n) == ("interval", "", 50)


def test_growth_shifts_and_signs():
    given = {"now": interval(120.0, 110.0, 135.0), "then": interval(100.0, 90.0, 110.0)}
    low, high = mover_ratio(120, 110, 135, 100, 90, 110)
    found = evaluate("now / then - 1", given)
    assert (found.low, found.high) == (pytest.approx(low - 1), pytest.approx(high - 1))
    turned = evaluate("-(now / then - 1)", given)
    assert (turned.low, turned.high) == (-found.high, -found.low)


def test_a_cap_cuts_the_interval_too():
    given = {"churn": interval(0.2, 0.05, 0.3)}
    found = evaluate("1 / max(churn, 0.1)", given)
    assert (found.value, found.low, found.high) == (5, pytest.approx(1 / 0.3), pytest.approx(10))
    assert evaluate("abs(x)", {"x": interval(-1.0, -3.0, 2.0)}).limits == (1, 0, 3)
    assert evaluate("abs(x)", {"x": interval(-2.0, -3.0, -1.0)}).limits == (2, 1, 3)


def test_max_of_two_estimates_has_no_interval_and_says_so():
    found = evaluate("max(a, b)", {"a": interval(1.0, 0.5, 2.0), "b": interval(3.0, 2.5, 4.0)})
    assert (found.value, found.certainty, found.reason) == (3, "no_interval", "no_function_interval|max")
    assert math.isnan(found.low)


def test_an_operand_used_twice_has_no_interval():
    given = {"a": interval(3.0, 2.0, 4.0), "b": Estimate(10.0)}
    found = evaluate("a / (a + b)", given)
    assert (found.value, found.certainty, found.reason) == (3 / 13, "no_interval", "dependent_operands")
    assert evaluate("b / (a + b)", given).certainty == "interval"


def test_operands_of_the_same_facts_have_no_interval():
    given = {"a": interval(3.0, 2.0, 4.0), "b": interval(5.0, 4.0, 6.0), "c": Estimate(2.0)}
    assert evaluate("a * b", given, independent=False).reason == "dependent_operands"
    assert evaluate("a * c", given, independent=False).certainty == "interval"
    assert evaluate("a * b", given).certainty == "interval"


def test_a_hidden_common_source_is_found():
    shared = frozenset(["new_customers@2026Q1"])
    given = {"cac": interval(3.0, 2.0, 4.0, sources=shared), "value": interval(5.0, 4.0, 6.0, sources=shared)}
    assert evaluate("value / cac", given).reason == "dependent_operands"


def test_an_operand_without_interval_leaves_none_and_is_named():
    given = {"a": Estimate(3.0, n=1, certainty="no_interval", status="with_care", reason="single_row")}
    found = evaluate("a * 2", given)
    assert (found.value, found.certainty, found.status) == (6, "no_interval", "with_care")
    assert found.reason == "of|a|single_row"
    assert evaluate("a", {"a": Estimate(3.0, certainty="no_interval")}).reason == "of|a|no_interval"


def test_care_is_carried_along():
    given = {"a": interval(3.0, 2.0, 4.0, status="with_care", reason="few_in_ratio|12"), "b": Estimate(2.0)}
    found = evaluate("a + b", given)
    assert (found.status, found.reason, found.certainty) == ("with_care", "of|a|few_in_ratio|12", "interval")


def test_a_missing_operand_gives_its_reason():
    missing = Estimate(math.nan, status="not_measured", reason="table_absent|costs")
    found = evaluate("(cost + 5) / n", {"cost": missing, "n": Estimate(4.0)})
    assert math.isnan(found.value)
    assert (found.n, found.status, found.reason) == (0, "not_measured", "of|cost|table_absent|costs")


def test_division_by_zero_is_not_measured():
    found = evaluate("a / b", {"a": Estimate(5.0), "b": Estimate(0.0)})
    assert (found.status, found.reason) == ("not_measured", "division_by_zero")
    assert evaluate("0 / 0", {}).reason == "division_by_zero"


def test_a_denominator_that_may_be_zero_leaves_no_interval():
    found = evaluate("a / b", {"a": Estimate(5.0), "b": interval(2.0, -1.0, 5.0)})
    assert (found.value, found.certainty, found.reason) == (2.5, "no_interval", "denominator_may_be_zero")


def test_a_negative_denominator_is_read_with_care():
    found = evaluate("a / b - 1", {"a": Estimate(5.0), "b": Estimate(-2.0)})
    assert (found.value, found.status, found.reason) == (-3.5, "with_care", "census;negative_denominator")


def test_an_operand_that_is_not_given_is_an_error():
    with pytest.raises(ExpressionError, match="'revenue'"):
        evaluate("revenue / 2", {"revenues": Estimate(1.0)})


# --- over the KPI frame ---


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


# --- MOVER on planted truth ---


def mean_estimates(random, draw, n, replicates):
    x = draw(random, (replicates, n))
    half = stats.t.ppf(0.975, n - 1) * x.std(1, ddof=1) / math.sqrt(n)
    return [interval(m, m - h, m + h, n) for m, h in zip(x.mean(1).tolist(), half.tolist(), strict=True)]


def share_estimates(random, share, n, replicates):
    return [interval(*wilson(int(k), n), n) for k in random.binomial(n, share, replicates)]


def count_estimates(random, rate, replicates):
    counts = random.poisson(rate, replicates)
    low, high = poisson_interval(counts)
    return [interval(float(k), float(a), float(b), int(k)) for k, a, b in zip(counts, low, high, strict=True)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("expression", "truth"),
    [
        ("mean + other", 30.0),
        ("mean - other", -10.0),
        ("mean / other", 0.5),
        ("mean * other", 200.0),
        ("share * mean", 3.0),
        ("cost / count", 25.0),
        ("share * mean / other - margin", 0.15 - 0.4),
    ],
)
def test_mover_covers_the_planted_truth(expression, truth):
    """Seed 4711, 4,000 replicates: standard error of a coverage of .95 is .0034; Wilson and Garwood limits
    are a little wide, so .94 to .98 is asked for."""
    random, replicates = np.random.default_rng(4711), 4000
    columns = {
        "mean": mean_estimates(random, lambda r, size: r.normal(10, 4, size), 25, replicates),
        "other": mean_estimates(random, lambda r, size: r.normal(20, 6, size), 20, replicates),
        "share": share_estimates(random, 0.3, 80, replicates),
        "count": count_estimates(random, 40.0, replicates),
    }
    settings = {"cost": 1000.0, "margin": 0.4}
    samples = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    found = [evaluate(expression, sample, settings) for sample in samples]
    inside = [estimate.low <= truth <= estimate.high for estimate in found]
    assert 0.94 < np.mean(inside) < 0.98
