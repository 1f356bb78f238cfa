from __future__ import annotations

import re
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.metrics import intervals
from analysis.metrics.frame import ESTIMATE_COLUMNS, REASONS, reason_text
from analysis.metrics.intervals import (
    KIND_RULES,
    adjusted_net_share,
    mean_standard_error,
    poisson_interval,
    quantile_ranks,
    ratio_standard_error,
    summarise,
    wilson_interval,
)

SUMS = list(intervals.SUMS)


def sums_of(kind, n, sum_x=0.0, sum_y=0.0, sum_xx=0.0, sum_yy=0.0, sum_xy=0.0, sampled=True, **more):
    values = dict(zip(["n", *SUMS], (n, sum_x, sum_y, sum_xx, sum_yy, sum_xy), strict=True))
    return pd.DataFrame([{"metric": "m", "kind": kind, "sampled": sampled, **values, **more}])


def sums_of_rows(kind, x, y=None, **more):
    x = np.asarray(x, float)
    y = np.zeros_like(x) if y is None else np.asarray(y, float)
    return sums_of(kind, len(x), x.sum(), y.sum(), x @ x, y @ y, x @ y, **more)


def measure(*args, **more):
    return summarise(sums_of(*args, **more)).iloc[0]


# --- the formulas, against published numbers ---


@pytest.mark.parametrize(
    ("positive", "n", "low", "high"),
    [
        # Newcombe (1998), table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
        # 10 of 20: (.5 + 3.8415/40 ± 1.96·sqrt(.25/20 + 3.8415/1600)) / (1 + 3.8415/20)
        (10, 20, 0.2993, 0.7007),
    ],
)
def test_wilson_limits_are_the_published_ones(positive, n, low, high):
    assert np.round(wilson_interval(positive, n), 4) == pytest.approx([low, high])


def test_wilson_limits_are_exactly_0_and_1_at_the_ends():
    assert wilson_interval(0, 7)[0] == 0
    assert wilson_interval(7, 7)[1] == 1
    assert np.isnan(wilson_interval(0, 0)).all()


@pytest.mark.parametrize(
    ("count", "low", "high"),
    # Garwood (1936): 0 → −ln(.025) = 3.6889; 1 and 10 from the standard table
    [(0, 0.0, 3.6889), (1, 0.0253, 5.5716), (10, 4.7954, 18.3904)],
)
def test_poisson_limits_are_garwoods(count, low, high):
    assert np.round(poisson_interval(count), 4) == pytest.approx([low, high])


def test_poisson_limits_leave_exactly_the_stated_tails():
    low, high = poisson_interval(7, 0.9)
    assert stats.poisson.sf(6, low) == pytest.approx(0.05)
    assert stats.poisson.cdf(7, high) == pytest.approx(0.05)


def test_adjusted_net_share_worked_by_hand():
    # 5 promoters, 2 detractors, 3 others: n' = 13, p' = 5.75/13 = .442308, q' = 2.75/13 = .211538,
    # centre .230769, variance (.653846 − .053254)/13 = .046199, standard error .214940
    centre, error = adjusted_net_share(3, 7, 10)
    assert centre == pytest.approx(0.230769, abs=5e-7)
    assert error == pytest.approx(0.214940, abs=5e-7)


@pytest.mark.parametrize("n", [2, 9, 10, 101])
@pytest.mark.parametrize("q", [0.5, 0.9])
def test_interpolated_quantile_is_numpys(n, q):
    ordered = np.sort(np.random.default_rng(3).exponential(size=n))
    ranks = quantile_ranks(n, q)
    lower, upper = ordered[ranks.lower - 1], ordered[ranks.upper - 1]
    assert lower + ranks.fraction * (upper - lower) == pytest.approx(np.quantile(ordered, q))


def test_quantile_ranks_of_small_samples():
    # median of 10: 2nd and 9th hold it with P(2 ≤ B ≤ 8) = 1 − 2·11/1024 = .979
    assert quantile_ranks(10, 0.5) == (2, 5, 6, 0.5, 9)
    # median: 2·(1/2)^5 = .0625 > .05, 2·(1/2)^6 = .03125, so 6 rows are the fewest
    assert (quantile_ranks(5, 0.5).low, quantile_ranks(5, 0.5).high) == (0, 0)
    assert (quantile_ranks(6, 0.5).low, quantile_ranks(6, 0.5).high) == (1, 6)
    # p90, upper limit: .9^35 = .02503 > .025 ≥ .9^36 = .02253
    assert quantile_ranks([35, 36], 0.9).high.tolist() == [0, 36]
    assert quantile_ranks(0, 0.5) == (0, 0, 0, 0, 0)


@pytest.mark.parametrize("q", [0.25, 0.5, 0.9])
def test_quantile_ranks_are_the_tightest_that_cover(q):
    n = np.arange(40, 300)
    ranks = quantile_ranks(n, q)
    # the quantile lies below rank r when fewer than r rows are below it: P(B ≤ r − 1)
    assert (stats.binom.cdf(ranks.low - 1, n, q) <= 0.025).all()
    assert (stats.binom.cdf(ranks.low, n, q) > 0.025).all()
    assert (stats.binom.sf(ranks.high - 1, n, q) <= 0.025).all()
    assert (stats.binom.sf(ranks.high - 2, n, q) > 0.025).all()


# --- numerical care ---


def test_a_column_of_one_value_has_no_spread():
    for value in (0.1, 1 / 3, 1e9 + 0.1, -7.7, 0.0):
        repeated = np.full(1000, value)
        assert mean_standard_error(1000, repeated.sum(), repeated @ repeated) == 0


def test_rounding_of_a_running_sum_stays_tiny():
    # adding .1 a million times one after the other is off by 1e−11 of the sum
    n = 1_000_000
    total, squares = np.full(n, 0.1).cumsum()[-1], np.full(n, 0.1**2).cumsum()[-1]
    assert 0 <= mean_standard_error(n, total, squares) < 1e-8


def test_a_small_spread_on_a_large_mean_survives():
    x = 1e6 + np.tile([-1.0, 1.0], 50)
    expected = x.std(ddof=1) / 10
    assert mean_standard_error(100, x.sum(), x @ x) == pytest.approx(expected, rel=1e-3)


def test_a_constant_ratio_has_no_spread():
    y = np.random.default_rng(5).exponential(100, 400)
    x = 0.3 * y
    error = ratio_standard_error(400, x.sum(), y.sum(), x @ x, y @ y, x @ y)
    assert error == pytest.approx(0, abs=1e-9)


# --- one kind after the other ---


def test_total_is_exact_and_the_total_of_nothing_is_zero():
    row = measure("total", 3, 12.5)
    assert (row.value, row.numerator, row.status, row.reason) == (12.5, 12.5, "measured", "census")
    assert np.isnan([row.low, row.high, row.standard_error, row.denominator]).all()
    nothing = measure("total", 0, None)
    assert (nothing.value, nothing.status) == (0, "measured")


def test_count_has_an_interval_only_where_sampled():
    sampled = measure("count", 10)
    assert [sampled.value, sampled.low, sampled.high] == pytest.approx([10, 4.795389, 18.390356])
    assert sampled.standard_error == pytest.approx(10**0.5)
    census = measure("count", 10, sampled=False)
    assert (census.value, census.reason) == (10, "census")
    assert np.isnan([census.low, census.high, census.standard_error]).all()
    assert measure("count", 0).high == pytest.approx(3.688879)


def test_share_takes_wilson():
    row = measure("share", 20, 10)
    assert [row.value, row.low, row.high] == pytest.approx([0.5, 0.299298, 0.700702], abs=1e-6)
    assert row.standard_error == pytest.approx((0.25 / 20) ** 0.5)
    assert (row.numerator, row.denominator, row.n) == (10, 20, 20)


@pytest.mark.parametrize("sum_x", [7, -1])
def test_a_share_beyond_its_rows_is_refused(sum_x):
    row = measure("share", 5, sum_x)
    assert np.isnan(row.value)
    assert (row.status, row.reason) == ("not_measured", "outside_range")


def test_mean_takes_t():
    # 2 4 4 4 5 5 7 9: mean 5, Σ(x − 5)² = 32, se = sqrt(32/7/8) = .755929, t(7) = 2.364624 → ± 1.787488
    row = summarise(sums_of_rows("mean", [2, 4, 4, 4, 5, 5, 7, 9])).iloc[0]
    assert [row.value, row.standard_error] == pytest.approx([5, 0.755929], abs=1e-6)
    assert [row.low, row.high] == pytest.approx([3.212512, 6.787488], abs=1e-6)


def test_an_interval_ends_where_the_figure_cannot_be():
    # 1, 1 and 10 hours: mean 4, Σ(x − 4)² = 54, se = sqrt(54/2/3) = 3, t(2) = 4.302653 → 4 ± 12.907958
    whole, cut = (
        summarise(sums_of_rows("mean", [1, 1, 10], **more)).iloc[0] for more in ({}, {"least": 0.0})
    )
    assert [whole.low, whole.high] == pytest.approx([-8.907958, 16.907958], abs=1e-6)
    assert [cut.low, cut.high] == [0, whole.high]
    assert (cut.value, cut.standard_error, cut.status) == (whole.value, whole.standard_error, whole.status)
    # answers 1 and 5 on 1–5: mean 3, se 2, t(1) = 12.7 → 3 ± 25.4
    row = summarise(sums_of_rows("mean", [1, 5], least=1.0, most=5.0)).iloc[0]
    assert (row.low, row.high) == (1, 5)


def test_bounds_that_are_not_those_of_the_rows_cut_nothing():
    # the mean 4 itself lies above the most there is said to be
    row = summarise(sums_of_rows("mean", [1, 1, 10], least=0.0, most=3.0)).iloc[0]
    assert (row.low, row.high) == (0, pytest.approx(16.907958))


def test_bounds_are_each_rows_own_whatever_its_kind_and_place():
    parts = [
        sums_of_rows("mean", [1, 5], least=1.0, most=5.0), sums_of("share", 10, 5, least=np.nan, most=np.nan),
        sums_of_rows("mean", [1, 5], least=np.nan, most=7.0), sums_of_rows("mean", [1, 1, 10], least=0.0, most=np.inf),
    ]  # fmt: skip
    found = summarise(pd.concat(parts).set_axis([7, 3, 9, 1]))
    assert list(found.index) == [7, 3, 9, 1]
    assert found["low"].to_list() == pytest.approx([1, 0.236593, 3 - 2 * 12.706205, 0], abs=1e-5)
    assert found["high"].to_list() == pytest.approx([5, 0.763407, 7, 16.907958], abs=1e-5)


def test_a_mean_of_one_row_has_no_interval_and_says_so():
    row = measure("mean", 1, 6, sum_xx=36)
    assert (row.value, row.status, row.reason) == (6, "with_care", "single_row")
    assert np.isnan([row.low, row.high, row.standard_error]).all()


def test_a_mean_of_equal_rows_is_read_with_care():
    row = summarise(sums_of_rows("mean", [3, 3, 3])).iloc[0]
    assert (row.low, row.high, row.status, row.reason) == (3, 3, "with_care", "no_spread|3")


def test_ratio_takes_the_delta_method():
    # x 2 4 6, y 1 2 2: R = 12/5 = 2.4, residuals −.4 −.8 1.2, Σd² = 2.24,
    # se = sqrt(3/2 · 2.24)/5 = .366606, ± 1.959964 · .366606 = .718535
    row = summarise(sums_of_rows("ratio", [2, 4, 6], [1, 2, 2])).iloc[0]
    assert [row.value, row.standard_error] == pytest.approx([2.4, 0.366606], abs=1e-6)
    assert [row.low, row.high] == pytest.approx([1.681465, 3.118535], abs=1e-6)
    assert (row.numerator, row.denominator) == (12, 5)
    assert (row.status, row.reason) == ("with_care", "few_in_ratio|3")


def test_delta_method_agrees_with_the_jackknife():
    random = np.random.default_rng(11)
    y = random.gamma(4, 5, 500)
    x = 0.4 * y + random.normal(0, 1, 500)
    left_out = (x.sum() - x) / (y.sum() - y)
    jackknife = np.sqrt(499 / 500 * np.sum((left_out - left_out.mean()) ** 2))
    delta = ratio_standard_error(500, x.sum(), y.sum(), x @ x, y @ y, x @ y)
    assert delta == pytest.approx(jackknife, rel=0.01)


def test_ratio_of_thirty_rows_is_not_badged():
    x = np.arange(30.0)
    assert summarise(sums_of_rows("ratio", x, x + 1)).loc[0, "status"] == "measured"
    assert summarise(sums_of_rows("ratio", x[:29], x[:29] + 1)).loc[0, "status"] == "with_care"


def test_a_census_ratio_has_no_interval_however_few_rows():
    row = summarise(sums_of_rows("ratio", [2, 4, 6], [1, 2, 2], sampled=False)).iloc[0]
    assert (row.value, row.status, row.reason) == (2.4, "measured", "census")
    assert np.isnan([row.low, row.high, row.standard_error]).all()


def test_a_ratio_over_zero_or_less():
    assert measure("ratio", 4, 5, 0).reason == "zero_denominator"
    assert measure("ratio", 4, 5, 0).status == "not_measured"
    refunds = measure("ratio", 40, 5, -2, 30, 20, 3)
    assert (refunds.value, refunds.status, refunds.reason) == (-2.5, "with_care", "negative_denominator")


def test_net_share_takes_adjusted_wald():
    # the example above: 23.0769 ± 1.959964 · 21.4940
    row = measure("net_share", 10, 3, sum_xx=7)
    assert [row.value, row.low, row.high] == pytest.approx([30, -19.0506, 65.2045], abs=1e-4)
    assert (row.standard_error, row.numerator, row.denominator) == (pytest.approx(21.4940, abs=1e-4), 3, 10)


def test_net_share_stays_within_100_and_holds_its_value():
    row = measure("net_share", 5, 5, sum_xx=5)
    assert (row.value, row.high) == (100, 100)
    assert -100 < row.low < 100
    loose = summarise(sums_of("net_share", 200, 200, sum_xx=200), confidence_level=0.5).iloc[0]
    assert loose.low <= loose.value <= loose.high


@pytest.mark.parametrize(("net", "answered"), [(3, 11), (5, 4), (-5, 4)])
def test_contradicting_answers_are_refused(net, answered):
    row = measure("net_share", 10, net, sum_xx=answered)
    assert (row.status, row.reason) == ("not_measured", "outside_range")


def test_quantile_reads_its_values_from_the_ranks():
    values = {"x_low": 2.0, "x_lower": 5.0, "x_upper": 6.0, "x_high": 9.0}
    row = measure("quantile", 10, q=0.5, **values)
    assert (row.value, row.low, row.high, row.status) == (5.5, 2, 9, "measured")
    # p90 of 10 lies at position 8.1 and has no upper limit
    row = measure("quantile", 10, q=0.9, x_low=7.0, x_lower=9.0, x_upper=10.0, x_high=None)
    assert (row.value, row.low) == (pytest.approx(9.1), 7)
    assert np.isnan(row.high)
    assert (row.status, row.reason) == ("with_care", "few_for_quantile|10")


def test_concentration_is_a_value_alone():
    row = measure("concentration", 50, 60, 100)
    assert (row.value, row.numerator, row.denominator) == (0.6, 60, 100)
    assert (row.status, row.reason) == ("measured", "no_interval_rule")
    assert np.isnan(row.low)
    assert measure("concentration", 50, 0, 0).reason == "zero_denominator"


@pytest.mark.parametrize("kind", ["share", "mean", "ratio", "net_share", "quantile", "concentration"])
@pytest.mark.parametrize("empty", [0, None])
def test_an_empty_denominator_is_not_measured(kind, empty):
    more = dict.fromkeys(["q", "x_low", "x_lower", "x_upper", "x_high"], 0.5)
    row = measure(kind, empty, *[empty] * 5, **more)
    assert np.isnan([row.value, row.low, row.high, row.standard_error]).all()
    assert (row.n, row.status, row.reason) == (0, "not_measured", "no_rows")


@pytest.mark.parametrize("kind", ["total", "share", "mean", "ratio", "net_share", "concentration"])
@pytest.mark.parametrize("bad", [None, np.nan, np.inf])
def test_missing_values_are_never_a_number(kind, bad):
    row = measure(kind, 5, *[bad] * 5)
    assert np.isnan(row.value)
    assert (row.n, row.status, row.reason) == (5, "not_measured", "values_missing")


# --- the dispatcher ---


def mixed_sums():
    parts = [
        sums_of("share", 20, 10, metric="a"),
        sums_of("mean", 3, 6, sum_xx=14, metric="b"),
        sums_of("share", 8, 2, metric="c"),
        sums_of("total", 1, 4, metric="d"),
    ]
    return pd.concat(parts).set_axis([7, 3, 9, 1]).assign(period="2026Q1", by=None, group=None)


def test_rows_keep_their_keys_order_and_index():
    kpis = summarise(mixed_sums())
    assert list(kpis.columns) == ["metric", "period", "by", "group", *ESTIMATE_COLUMNS]
    assert list(kpis.index) == [7, 3, 9, 1]
    assert kpis["metric"].tolist() == ["a", "b", "c", "d"]
    assert kpis["value"].tolist() == [0.5, 2, 0.25, 4]


def test_many_rows_at_once_give_what_each_gives_alone():
    together = summarise(mixed_sums())
    alone = pd.concat([summarise(mixed_sums().iloc[[i]]) for i in range(4)])
    pd.testing.assert_frame_equal(together, alone)


def test_types_do_not_depend_on_the_data():
    expected = summarise(mixed_sums()).dtypes[list(ESTIMATE_COLUMNS)]
    assert summarise(mixed_sums().iloc[:0]).dtypes[list(ESTIMATE_COLUMNS)].equals(expected)
    database = mixed_sums().assign(sum_x=[Decimal("10"), Decimal("6"), Decimal("2"), Decimal("4")])
    pd.testing.assert_frame_equal(summarise(database), summarise(mixed_sums()))


def test_a_wider_confidence_gives_a_wider_interval():
    usual, wide = summarise(mixed_sums()), summarise(mixed_sums(), confidence_level=0.99)
    assert (wide["low"] < usual["low"])[:3].all()
    assert (wide["high"] > usual["high"])[:3].all()


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="derived"):
        summarise(sums_of("derived", 1))
    with pytest.raises(ValueError, match="sum_xy"):
        summarise(sums_of("mean", 1).drop(columns="sum_xy"))
    with pytest.raises(ValueError, match="x_lower"):
        summarise(sums_of("quantile", 1))
    with pytest.raises(ValueError, match="confidence_level"):
        summarise(sums_of("mean", 1), confidence_level=95)


# --- reasons ---


def test_every_reason_is_said_in_both_languages_with_the_same_arguments():
    for code, texts in REASONS.items():
        assert set(texts) == {"en", "zh"}, code
        placeholders = [sorted(re.findall(r"\{\d\}", text)) for text in texts.values()]
        assert placeholders[0] == placeholders[1], code
        assert re.search(r"[\u4e00-\u9fff]", texts["zh"]), code


def test_care_reasons_are_reasons():
    assert set(intervals.CARE_REASONS) <= set(REASONS)


def test_reason_text_fills_in_names():
    names = {"spend": "Cost", "region": "region of sale"}
    assert reason_text("few_in_ratio|12").startswith("only 12 rows")
    assert "12" in reason_text("few_in_ratio|12", "zh")
    told = reason_text("of|spend|not_measured_by|region", "en", names)
    assert told == "Cost: not measured by region of sale"
    told = reason_text("of|spend.previous|no_rows", "zh", {"spend": "成本"})
    assert told == "成本（上期）：没有可供计算的数据"


def test_several_reasons_are_joined_and_nothing_is_empty():
    told = reason_text("single_row;no_rows")
    assert told == "one row only, so there is no interval; no rows to measure it on"
    assert reason_text(None) == reason_text(np.nan) == ""


def test_an_unknown_reason_is_shown_as_it_is_and_an_unknown_language_refused():
    assert reason_text("model did not converge", "zh") == "model did not converge"
    with pytest.raises(ValueError, match="'fr'"):
        reason_text("no_rows", "fr")


# --- coverage ---


def covered(kind, draw, truth, replicates=4000, **more):
    """The share of samples whose 95 % interval holds the truth, one row of sums per sample."""
    x, y = draw(replicates)
    sums = pd.DataFrame(
        {
            "kind": kind, "sampled": True, "n": x.shape[1], "sum_x": x.sum(1), "sum_y": y.sum(1),
            "sum_xx": (x**2).sum(1), "sum_yy": (y**2).sum(1), "sum_xy": (x * y).sum(1), **more,
        }
    )  # fmt: skip
    found = summarise(sums)
    return ((found["low"] <= truth) & (truth <= found["high"])).mean()


@pytest.mark.slow
def test_intervals_cover_what_they_promise():
    """Seed 20260, 4,000 samples each: a coverage of .95 has a standard error of .0034, three and a half of
    which are allowed. The delta method promises .95 in large samples only: 100,000 samples of 60 gave .940.
    """
    random = np.random.default_rng(20260)

    def normal(replicates):
        x = random.normal(5, 3, (replicates, 12))
        return x, np.zeros_like(x)

    def baskets(replicates):
        y = 1 + random.poisson(2, (replicates, 60))
        return random.gamma(y, 20.0), y.astype(float)

    def answers(replicates):
        x = random.choice([1.0, 0.0, -1.0], p=[0.5, 0.3, 0.2], size=(replicates, 40))
        return x, np.zeros_like(x)

    assert covered("mean", normal, 5) == pytest.approx(0.95, abs=0.012)
    assert covered("ratio", baskets, 20) == pytest.approx(0.94, abs=0.012)
    assert covered("net_share", answers, 30) == pytest.approx(0.95, abs=0.012)


def test_what_is_cut_off_an_interval_never_held_the_truth():
    """Seed 20263, 4,000 samples of 5 each: times of gamma shape 4, whose t intervals hold the mean in .931 of 20,000
    samples, and very uneven log-normal ones (σ = 1.5: .689), where t covers too little, cut off or not.
    """
    random = np.random.default_rng(20263)
    even, uneven = random.gamma(4, 1, (4000, 5)), random.lognormal(0, 1.5, (4000, 5))
    for x, truth, coverage in ((even, 4, 0.931), (uneven, np.exp(1.5**2 / 2), 0.689)):
        whole, cut = (
            covered("mean", lambda _, x=x: (x, 0 * x), truth, **more) for more in ({}, {"least": 0.0})
        )
        assert cut == whole == pytest.approx(coverage, abs=3.5 * (coverage * (1 - coverage) / 4000) ** 0.5)
    ratings = random.choice([1.0, 4.0, 5.0], p=[0.1, 0.2, 0.7], size=(4000, 6))  # mean 4.4 on 1–5
    whole, cut = (
        covered("mean", lambda _: (ratings, 0 * ratings), 4.4, **more)
        for more in ({}, {"least": 1.0, "most": 5.0})
    )
    assert cut == whole


@pytest.mark.slow
def test_rank_intervals_cover_any_distribution():
    """Seed 20261, 4,000 samples of 50 from a skewed distribution; the promise is at least .95."""
    random = np.random.default_rng(20261)
    ordered = np.sort(random.lognormal(0, 1.5, (4000, 50)), axis=1)
    for q in (0.5, 0.9):
        ranks = quantile_ranks(50, q)
        truth = stats.lognorm.ppf(q, 1.5)
        inside = (ordered[:, ranks.low - 1] <= truth) & (truth <= ordered[:, ranks.high - 1])
        assert 0.94 < inside.mean() < 0.99


def test_wilson_covers_on_average_over_all_samples():
    # no simulation needed: P(k) is known for every k. Averaged over p the coverage is close to nominal.
    k, shares = np.arange(31), np.linspace(0.05, 0.95, 181)
    low, high = wilson_interval(k, 30)
    probability = stats.binom.pmf(k, 30, shares[:, None])
    coverage = (probability * ((low <= shares[:, None]) & (shares[:, None] <= high))).sum(1)
    assert coverage.mean() == pytest.approx(0.95, abs=0.01)


def test_every_kind_of_sums_has_a_rule():
    assert set(KIND_RULES) == {
        "total", "count", "share", "mean", "ratio", "net_share", "quantile", "concentration",
    }  # fmt: skip
