from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportions_ztest

from analysis.metrics.compare import (
    CHANGE_COLUMNS,
    VERDICTS,
    adjust_p_values,
    compare,
    count_p_value,
    share_p_value,
    welch_test,
)
from analysis.metrics.frame import SUMS
from analysis.metrics.intervals import summarise

PAIRS = [("2026Q1", "2025Q4", "previous", 90, 92)]


def sums(metric, kind, now, then, sampled=True, by=None, group=None, variant="default", better="up"):
    """Two rows of sums, ``now`` and ``then`` each (n, Σx, Σy, Σx², Σy², Σxy), later ones 0 if left out."""
    rows = []
    for period, values in (("2026Q1", now), ("2025Q4", then)):
        if values is not None:
            padded = [*values, *[0.0] * (6 - len(values))]
            rows.append((metric, variant, period, by, group, kind, sampled, better, *padded))
    names = ["metric", "variant", "period", "by", "group", "kind", "sampled", "better", "n", *SUMS]
    return pd.DataFrame(rows, columns=names)


def of_rows(x, y=None):
    x = np.asarray(x, float)
    y = np.zeros_like(x) if y is None else np.asarray(y, float)
    return len(x), x.sum(), y.sum(), x @ x, y @ y, x @ y


def changes_of(*parts, pairs=PAIRS, **more):
    table = pd.concat(parts, ignore_index=True)
    records = table[["metric", "variant", "kind", "sampled", "better"]].drop_duplicates()
    return compare(summarise(table.drop(columns="better")), pairs, records, **more)


def change_of(*args, **more):
    return changes_of(sums("m", *args, **more)).iloc[0]


# --- the tests, against second methods ---


@pytest.mark.parametrize(
    ("now", "then"), [((60, 100), (45, 100)), ((312, 1500), (260, 1400)), ((8, 50), (9, 60))]
)
def test_shares_of_some_size_take_the_pooled_z(now, then):
    expected = proportions_ztest([now[0], then[0]], [now[1], then[1]])[1]
    assert share_p_value(*now, *then) == pytest.approx(expected)


def test_small_shares_take_fishers_exact_test():
    # 3 of 4 against 1 of 4, the tea tasting: (1 + 16 + 16 + 1) / 70
    assert share_p_value(3, 4, 1, 4) == pytest.approx(34 / 70)
    # pooled share 4/100, expected hits 50 · .04 = 2 < 5
    assert share_p_value([4, 60], [50, 100], [0, 45], [50, 100]) == pytest.approx(
        [stats.fisher_exact([[4, 46], [0, 50]]).pvalue, proportions_ztest([60, 45], [100, 100])[1]]
    )
    assert share_p_value(0, 5, 0, 8) == 1


def test_means_take_welch():
    p_value, freedom = welch_test(21.0 - 19.5, 3.1 / 40**0.5, 40, 5.2 / 25**0.5, 25)
    expected = stats.ttest_ind_from_stats(21.0, 3.1, 40, 19.5, 5.2, 25, equal_var=False)
    assert p_value == pytest.approx(expected.pvalue)
    # (.24025 + 1.0816)² / (.24025²/39 + 1.0816²/24) = 1.747288 / .050224
    assert freedom == pytest.approx(34.79, abs=0.005)


def test_counts_take_the_conditional_binomial():
    # 15 against 5 in windows of equal length: P(X ≥ 15 | 20, ½) = 21,700/2^20 = .020695, doubled
    assert count_p_value(15, 90, 5, 90) == pytest.approx(2 * 21_700 / 2**20)
    assert count_p_value(5, 90, 15, 90) == pytest.approx(count_p_value(15, 90, 5, 90))
    # twice the days, twice the count: nothing to see
    assert count_p_value(40, 180, 20, 90) == pytest.approx(1, abs=0.05)
    assert count_p_value(0, 90, 0, 92) == 1


def test_p_values_are_adjusted_as_benjamini_and_hochberg_do():
    p_values = pd.Series([0.01, 0.04, 0.03, np.nan, 0.005, 0.6], index=list("abcdef"))
    adjusted = adjust_p_values(p_values)
    expected = multipletests(p_values.dropna(), method="fdr_bh")[1]
    assert adjusted.dropna().to_numpy() == pytest.approx(expected)
    # five tests: .005·5/1, .01·5/2, .03·5/3, .04·5/4, .6, each at most the one after it
    assert adjusted.tolist() == pytest.approx([0.025, 0.05, 0.05, np.nan, 0.025, 0.6], nan_ok=True)
    assert adjust_p_values(pd.Series([np.nan])).isna().all()


def test_each_family_is_adjusted_by_itself():
    draws = np.random.default_rng(7)
    drawn = np.where(draws.random(300) < 0.1, np.nan, draws.random(300) ** 3)
    p_values = pd.Series(drawn).round(3)  # with ties
    family = draws.integers(0, 12, 300)
    adjusted = adjust_p_values(p_values, family)
    for one in range(12):
        own = p_values[family == one].dropna()
        assert adjusted[own.index].to_numpy() == pytest.approx(multipletests(own, method="fdr_bh")[1])
    assert adjusted.isna().equals(p_values.isna())


def test_tables_that_are_alike_have_the_same_exact_p_value():
    # 1 of 2 against 0 of 3: of the C(5, 1) = 5 ways to place the one, 2 are as rare, p = 2/5; 2 of 4 against 0 of 4:
    # C(4,2) C(4,0) / C(8,2) = 6/28 and as much on the other side
    found = share_p_value([1, 2, 1, 2], [2, 4, 2, 4], [0, 0, 0, 0], [3, 4, 3, 4])
    assert found == pytest.approx([2 / 5, 12 / 28, 2 / 5, 12 / 28])


# --- kinds, through the frame ---


def test_a_share_has_newcombes_interval():
    # 56/70 against 48/80: .2 (.0524 to .3339), Newcombe (1998)
    change = change_of("share", (70, 56), (80, 48))
    found = [change.difference, change.difference_low, change.difference_high]
    assert found == pytest.approx([0.2, 0.0524, 0.3339], abs=5e-5)
    assert change.p_value == pytest.approx(proportions_ztest([56, 48], [70, 80])[1])
    assert change.relative_change == pytest.approx(0.2 / 0.6)
    assert change.verdict == "better"


def test_a_mean_has_welchs_interval():
    random = np.random.default_rng(2)
    now, then = random.normal(12, 2, 30), random.normal(10, 5, 20)
    change = change_of("mean", of_rows(now), of_rows(then))
    expected = stats.ttest_ind(now, then, equal_var=False)
    limits = expected.confidence_interval(0.95)
    assert change.p_value == pytest.approx(expected.pvalue)
    assert (change.difference_low, change.difference_high) == pytest.approx((limits.low, limits.high))


def test_a_difference_ends_at_the_breadth_of_what_the_metric_can_be():
    # 4 and 5 against 1 and 2 on a scale of 1–5: 3 ± 4.302653·sqrt(.5² + .5²) = 3 ± 3.042435, and no more than 4
    table = pd.concat([sums("m", "mean", of_rows([4, 5]), of_rows([1, 2]))])
    records = table[["metric", "variant", "kind", "sampled", "better"]].drop_duplicates()
    figures = summarise(table.drop(columns="better"))
    whole, cut = (compare(figures, PAIRS, frame).iloc[0] for frame in (records, records.assign(breadth=4.0)))
    assert [whole.difference_low, whole.difference_high] == pytest.approx([-0.042435, 6.042435], abs=1e-6)
    assert (cut.difference_low, cut.difference_high) == (whole.difference_low, 4)
    assert (cut.p_value, cut.verdict) == (whole.p_value, whole.verdict)


def test_a_sampled_ratio_takes_z_and_a_census_none():
    random = np.random.default_rng(3)
    y = random.gamma(4, 5, (2, 200))
    x = y * np.array([[0.5], [0.4]]) + random.normal(0, 2, (2, 200))
    now, then = of_rows(x[0], y[0]), of_rows(x[1], y[1])
    change = change_of("ratio", now, then)
    residuals = x - (x.sum(1) / y.sum(1))[:, None] * y
    errors = np.sqrt(200 / 199 * np.sum(residuals**2, axis=1)) / y.sum(1)
    z = change.difference / np.hypot(*errors)
    assert change.p_value == pytest.approx(2 * stats.norm.sf(abs(z)))
    assert change.difference_low == pytest.approx(change.difference - 1.959964 * np.hypot(*errors))
    census = change_of("ratio", now, then, sampled=False)
    assert (census.verdict, census.reason, census.difference) == ("size_only", "census", change.difference)
    assert np.isnan(census.p_value)


def test_net_shares_take_z_between_adjusted_scores():
    # 50+ 20− of 100 against 35+ 25− of 80:
    #   30/103 = .291262, variance ((71.5)/103 − .084834)/103 = .005916
    #   10/83 = .120482, variance ((61.5)/83 − .014516)/83 = .008752
    # z = .170780 / sqrt(.014668) = 1.41008, p = .15852; limits 17.0780 ± 196 · .121112
    change = change_of("net_share", (100, 30, 0, 70), (80, 10, 0, 60))
    assert change.difference == 30 - 12.5
    assert change.p_value == pytest.approx(0.15852, abs=5e-5)
    found = (change.difference_low, change.difference_high)
    assert found == pytest.approx((-6.6596, 40.8156), abs=0.002)
    assert np.isnan(change.relative_change)


def test_a_sampled_count_is_tested_against_its_days():
    change = change_of("count", (60,), (60,))
    assert change.p_value == pytest.approx(count_p_value(60, 90, 60, 92))
    assert change.verdict == "no_clear_change"
    assert change.difference_low < 0 < change.difference_high
    table = sums("m", "count", (60,), (30,))
    assert changes_of(table).loc[0, "verdict"] == "better"
    # the same two counts when the window is twice as long: the rate has not moved
    twice = changes_of(table, pairs=[("2026Q1", "2025Q4", "previous", 90, 45)])
    assert twice.loc[0, "verdict"] == "no_clear_change"


def test_the_daily_rate_of_a_count_decides_its_direction():
    # 60 in 90 days against 70 in 200: the rate rose from .35 to .67 although the count fell
    table = sums("m", "count", (60,), (70,))
    change = changes_of(table, pairs=[("2026Q1", "2025Q4", "previous", 90, 200)]).iloc[0]
    assert (change.difference, change.verdict) == (-10, "better")


def test_sampled_counts_without_days_are_an_error():
    with pytest.raises(ValueError, match="'?m'? needs the days"):
        changes_of(sums("m", "count", (60,), (30,)), pairs=[("2026Q1", "2025Q4", "previous")])


@pytest.mark.parametrize("kind", ["total", "count"])
def test_a_census_is_given_with_its_size_alone(kind):
    change = change_of(kind, (120, 120.0), (100, 100.0), sampled=False)
    assert (change.difference, change.relative_change) == (20, pytest.approx(0.2))
    assert (change.verdict, change.reason) == ("size_only", "census")
    assert np.isnan([change.p_value, change.p_adjusted, change.difference_low]).all()


def test_concentration_is_given_with_its_size_alone():
    change = change_of("concentration", (50, 60.0, 100.0), (50, 55.0, 100.0))
    assert (change.verdict, change.reason) == ("size_only", "no_interval_rule")


def figures(kind, now, then, better="up", reasons=(None, None)):
    """The change between two (value, low, high) put into the frame as they are."""
    table = pd.DataFrame([now, then], columns=["value", "low", "high"])
    table = table.assign(
        metric="m", variant="default", period=["2026Q1", "2025Q4"], by=None, group=None,
        standard_error=np.nan, n=40, numerator=np.nan, denominator=np.nan, status="measured",
        reason=list(reasons),
    )  # fmt: skip
    bounds = {"numeric_bounds": (-np.inf, np.inf)}
    records = [
        SimpleNamespace(id="m", variant="default", kind=kind, better=better, is_sampled=True, **bounds)
    ]
    return compare(table, PAIRS, records).iloc[0]


def test_quantiles_are_sure_where_their_intervals_do_not_overlap():
    apart = figures("quantile", (9.0, 8.0, 11.0), (6.0, 5.0, 7.9), better="down")
    assert (apart.verdict, apart.difference) == ("worse", 3)
    assert (apart.difference_low, apart.difference_high) == (pytest.approx(0.1), 6)
    assert np.isnan(apart.p_value)
    assert figures("quantile", (9.0, 7.8, 11.0), (6.0, 5.0, 7.9)).verdict == "no_clear_change"
    # no upper limit now, but the lower one is above everything then
    assert figures("quantile", (9.0, 8.0, np.nan), (6.0, np.nan, 7.9)).verdict == "better"
    assert figures("quantile", (9.0, np.nan, 11.0), (6.0, np.nan, 7.9)).verdict == "size_only"


@pytest.mark.parametrize("kind", ["derived", "modelled"])
def test_intervals_decide_where_there_is_no_test(kind):
    # 10 (8 to 12) against 6 (5 to 7.5): 4 − sqrt(2² + 1.5²) = 1.5, 4 + sqrt(2² + 1²) = 6.2361
    change = figures(kind, (10.0, 8.0, 12.0), (6.0, 5.0, 7.5))
    assert (change.difference_low, change.difference_high) == pytest.approx((1.5, 6.23607))
    assert (change.verdict, np.isnan(change.p_value)) == ("better", True)
    assert figures(kind, (7.0, 5.0, 9.0), (6.0, 5.0, 7.5)).verdict == "no_clear_change"


def test_an_exact_figure_is_its_own_limit():
    nothing = (np.nan, np.nan)
    change = figures("derived", (10.0, 8.0, 12.0), (6.0, *nothing), reasons=(None, "census"))
    assert (change.difference_low, change.difference_high) == pytest.approx((2, 6))
    exact = figures("derived", (10.0, *nothing), (6.0, *nothing), reasons=("census", "census"))
    assert (exact.verdict, exact.reason) == ("size_only", "census")


def test_a_figure_without_interval_is_given_with_its_size_and_the_reason():
    change = figures("derived", (10.0, np.nan, np.nan), (6.0, 5.0, 7.5), reasons=("dependent_operands", None))
    assert (change.verdict, change.reason) == ("size_only", "dependent_operands")
    change = figures("modelled", (10.0, np.nan, np.nan), (6.0, 5.0, 7.5))
    assert (change.verdict, change.reason) == ("size_only", "no_interval")


# --- verdicts ---


@pytest.mark.parametrize(
    ("better", "rise", "fall"),
    [("up", "better", "worse"), ("down", "worse", "better"), ("neither", "changed", "changed")],
)
def test_a_sure_change_is_judged_by_what_is_better(better, rise, fall):
    assert change_of("share", (500, 300), (500, 200), better=better).verdict == rise
    assert change_of("share", (500, 200), (500, 300), better=better).verdict == fall
    assert change_of("share", (500, 205), (500, 200), better=better).verdict == "no_clear_change"


def test_rows_without_spread_differ_by_their_size_alone():
    change = change_of("mean", of_rows([5, 5, 5]), of_rows([4, 4, 4]))
    assert (change.difference, change.verdict, change.reason) == (1, "size_only", "no_spread|3")
    same = change_of("mean", of_rows([5, 5, 5]), of_rows([5, 5]))
    assert (same.p_value, same.verdict) == (1, "no_clear_change")
    one = change_of("mean", of_rows([5]), of_rows([4, 3, 6]))
    assert (one.verdict, one.reason) == ("size_only", "single_row")


def test_care_is_told_with_its_period():
    random = np.random.default_rng(4)
    now, then = random.gamma(4, 5, (2, 40)), random.gamma(4, 5, (2, 12))
    change = change_of("ratio", of_rows(*now), of_rows(*then))
    assert change.reason == "of|2025Q4|few_in_ratio|12"


def test_what_is_missing_is_not_comparable_and_says_where():
    assert change_of("share", (0, 0), (80, 40)).reason == "no_rows"
    base_empty = change_of("share", (80, 40), (0, 0))
    assert (base_empty.verdict, base_empty.reason) == ("not_comparable", "of|2025Q4|no_rows")
    assert (base_empty.value, np.isnan(base_empty.difference)) == (0.5, True)
    new_group = changes_of(
        sums("m", "share", (80, 40), (90, 40)),
        sums("m", "share", (8, 4), None, by="region", group="north"),
    )
    assert new_group["reason"].tolist()[1] == "of|2025Q4|group_absent|north"
    table = sums("m", "share", (80, 40), (90, 40))
    for base, reason in (("2025Q1", "period_absent|2025Q1"), (None, "no_earlier_period")):
        assert changes_of(table, pairs=[("2026Q1", base, "year_ago")]).loc[0, "reason"] == reason


# --- families of tests ---


def company_and_groups():
    company = [
        sums("a", "share", (400, 240), (400, 200)),
        sums("b", "share", (300, 160), (300, 140)),
        sums("c", "share", (200, 101), (200, 100)),
    ]
    groups = [sums("a", "share", (100, 50 + 4 * i), (100, 50), by="region", group=f"g{i}") for i in range(4)]
    return company, groups


def test_company_level_metrics_are_one_family_and_groups_another():
    company, groups = company_and_groups()
    found = changes_of(*company, *groups)
    at_company = found["by"].isna()
    for part in (found[at_company], found[~at_company]):
        expected = multipletests(part["p_value"], method="fdr_bh")[1]
        assert part["p_adjusted"].to_numpy() == pytest.approx(expected)
    alone = changes_of(*company)
    assert alone["p_adjusted"].tolist() == found.loc[at_company, "p_adjusted"].tolist()


def test_other_variants_do_not_make_the_headline_less_sure():
    company, _ = company_and_groups()
    more = [sums("a", "share", (400, 210 + i), (400, 200), variant=f"v{i}") for i in range(5)]
    found = changes_of(*company, *more)
    assert found["p_adjusted"].tolist()[:3] == changes_of(*company)["p_adjusted"].tolist()
    chosen = changes_of(*company, *more, headline={"a": "v4"})
    family = chosen[(chosen["variant"] == "v4") | chosen["metric"].isin(["b", "c"])]
    expected = multipletests(family["p_value"], method="fdr_bh")[1]
    assert family["p_adjusted"].to_numpy() == pytest.approx(expected)


def test_each_period_and_base_is_a_family_of_its_own():
    company, _ = company_and_groups()
    table = pd.concat(company, ignore_index=True)
    earlier = table[table["period"] == "2025Q4"].assign(period="2025Q1")
    pairs = [
        ("2026Q1", "2025Q4", "previous"),
        ("2026Q1", "2025Q1", "year_ago"),
        ("2025Q4", "2025Q1", "previous"),
    ]
    found = changes_of(table, earlier, pairs=pairs)
    assert len(found) == 9
    alone = changes_of(table, pairs=pairs[:1])["p_adjusted"].tolist()
    assert found.loc[found["against"] == "year_ago", "p_adjusted"].tolist() == alone
    assert (found.loc[found["period"] == "2025Q4", "p_value"] == 1).all()


# --- the frame ---


def test_the_frame_has_its_columns_and_one_row_per_figure_and_pair():
    company, groups = company_and_groups()
    found = changes_of(*company, *groups)
    assert list(found.columns) == list(CHANGE_COLUMNS)
    assert len(found) == 7
    assert set(found["verdict"]) <= set(VERDICTS)
    assert found.loc[found["metric"] == "a", "group"].isna().sum() == 1
    assert (found["difference"] == found["value"] - found["base_value"]).all()


def test_nothing_to_compare_gives_an_empty_frame():
    company, _ = company_and_groups()
    assert changes_of(*company, pairs=[]).empty
    assert list(changes_of(*company, pairs=[]).columns) == list(CHANGE_COLUMNS)


def test_two_figures_for_one_key_and_a_metric_without_record_are_errors():
    table = sums("m", "share", (80, 40), (90, 40))
    with pytest.raises(ValueError, match="two figures for .*'metric': 'm'"):
        changes_of(table, table)
    records = pd.DataFrame(columns=["metric", "variant", "kind", "better", "sampled"])
    with pytest.raises(ValueError, match=r"no record says the kind of m \(default\)"):
        compare(summarise(table), PAIRS, records)


# --- false alarms ---


@pytest.mark.slow
def test_quarters_without_change_raise_few_alarms():
    """Seed 99, 1,500 quarters of 8 metrics, none of which moves. With Benjamini–Hochberg at most 5 % of the
    quarters may call any metric better or worse (standard error .0056; discrete tests stay below).
    """
    random, quarters = np.random.default_rng(99), 1500
    rows = []
    for quarter in range(quarters):
        for period in (f"{quarter}a", f"{quarter}b"):
            x = random.gamma(3, 2, (4, 50))
            rows += [(f"mean{i}", period, "mean", *of_rows(values)) for i, values in enumerate(x)]
            hits = random.binomial(150, 0.4, 3)
            rows += [(f"share{i}", period, "share", 150, x, 0, 0, 0, 0) for i, x in enumerate(hits)]
            answers = random.choice([1, 0, -1], p=[0.5, 0.3, 0.2], size=60)
            rows.append(("nps", period, "net_share", *of_rows(answers)))
    table = pd.DataFrame(rows, columns=["metric", "period", "kind", "n", *SUMS])
    table = table.assign(variant="default", by=None, group=None, sampled=True, better="up")
    found = changes_of(table, pairs=[(f"{q}b", f"{q}a", "previous") for q in range(quarters)])
    alarms = found["verdict"].isin(["better", "worse"]).groupby(found["period"]).any()
    assert len(alarms) == quarters
    assert 0.02 < alarms.mean() < 0.05 + 3 * 0.0056


@pytest.mark.slow
@pytest.mark.parametrize("n", [10, 20, 100])
def test_two_net_shares_of_one_population_rarely_differ(n):
    """Seed 98, 10,000 pairs: the test may be timid in small surveys, but not loud (standard error .0022)."""
    answers = np.random.default_rng(98).multinomial(n, [0.4, 0.35, 0.25], size=(10_000, 2))
    net, answered = answers[..., 0] - answers[..., 2], answers[..., 0] + answers[..., 2]
    keys = {"variant": "default", "by": None, "group": None, "kind": "net_share", "sampled": True}
    parts = [
        pd.DataFrame({"n": n, "sum_x": net[:, i], "sum_xx": answered[:, i]}).assign(
            metric=[f"nps{pair}" for pair in range(10_000)], period=period, better="up",
            sum_y=0, sum_yy=0, sum_xy=0, **keys,
        )
        for i, period in enumerate(["2026Q1", "2025Q4"])
    ]  # fmt: skip
    found = changes_of(*parts)
    assert 0.03 < (found["p_value"] < 0.05).mean() < 0.05 + 3 * 0.0022


def test_figures_that_come_as_objects_are_compared_as_numbers_are():
    parts = [
        sums("share", "share", (100, 60.0), (100, 45.0)),
        sums("mean", "mean", of_rows([1, 2, 3, 5]), of_rows([2, 4, 4, 6])),
    ]
    table = pd.concat(parts, ignore_index=True)
    records = table[["metric", "variant", "kind", "sampled", "better"]].drop_duplicates()
    kpis = summarise(table.drop(columns="better"))
    as_objects = kpis.astype(dict.fromkeys(("value", "standard_error", "low", "n"), object))
    pd.testing.assert_frame_equal(compare(as_objects, PAIRS, records), compare(kpis, PAIRS, records))
