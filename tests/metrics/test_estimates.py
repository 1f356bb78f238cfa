"""What a formula gives: the figure, its interval where there is one, and the reason where there is none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from analysis.metrics.estimates import Estimate, evaluate
from analysis.metrics.formulas import ExpressionError
from analysis.metrics.intervals import poisson_interval, wilson_interval
from analysis.metrics.mover import mover_ratio


def interval(value, low, high, n=50, **more):
    return Estimate(value, low, high, n, "interval", **more)


def wilson(positive, n):
    return (positive / n, *(float(limit) for limit in wilson_interval(positive, n)))


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
