"""Figures against targets: probabilities worked out by hand, and what is said where there is none."""

from __future__ import annotations

import math
from datetime import date, timedelta

import pytest
from scipy import stats

from analysis.appraisal.targets import NO_CHANCE, TARGET_COLUMNS, _why_not, chance_above, judge, judge_targets
from analysis.catalogue import load_catalogue
from analysis.facts import NotMeasured
from analysis.metrics.intervals import poisson_interval, wilson_interval
from analysis.metrics.measure import measure
from analysis.suite import Results

METRICS = load_catalogue().metrics
CUSTOMERS = "customer_id,region\nn,north\ns,south"
HEADING = "metric,variant,period,dimension,group_name,target"
# Of two customers at the start of 2026Q2 both are active at its end; revenue 30 north + 60 south.
ORDERS = """order_id,customer_id,ordered_at,amount
1,n,2026-02-10,100
2,s,2026-03-10,50
3,n,2026-05-20,30
4,s,2026-06-15,60"""


def figure(**given):
    names = ("value", "low", "high", "standard_error", "n", "numerator", "denominator")
    return dict.fromkeys(names, float("nan")) | {"status": "measured", "reason": None} | given


def share(positive, n):
    return figure(value=positive / n, n=n, numerator=positive, denominator=n)


def counted(book):
    """Results with what is counted alone: no target here is for a model's figure."""
    return Results(book, {"kpis": measure(book)})


def judged(open_company, *targets, period="2026Q2", dimensions=(), **settings):
    tables = {"orders": ORDERS, "customers": CUSTOMERS, "targets": "\n".join([HEADING, *targets])}
    given = {"data_through": date(2026, 6, 30), "sparkline_periods": 2, "model_draws": 20} | settings
    return judge_targets(counted(open_company(tables, period, **given)), dimensions)


# --- one figure: the probability by the rule of its interval --------------------------------------


@pytest.mark.parametrize(
    ("target", "probability", "verdict"),
    [
        (0.50, 0.97725, "hit"),  # z = 0.10 / √(0.50·0.50/100) = 2
        (0.55, 0.84256, "undetermined"),  # z = 0.05 / √(0.55·0.45/100) = 1.00504
        (0.70, 0.01455, "miss"),  # z = −0.10 / √(0.70·0.30/100) = −2.18218
    ],
)
def test_sixty_of_a_hundred_against_three_targets(target, probability, verdict):
    found = judge(share(60, 100), METRICS["customer_retention_rate"], target, 0.95)
    assert found["probability"] == pytest.approx(probability, abs=5e-6)
    assert (found["verdict"], found["method"]) == (verdict, "score")


def test_of_a_metric_that_is_better_down_the_other_side_counts():
    found = judge(share(60, 100), METRICS["customer_churn_rate"], 0.70, 0.95)
    assert found["probability"] == pytest.approx(1 - 0.01455, abs=5e-6)
    assert found["verdict"] == "hit"


def test_the_probability_at_a_limit_of_wilsons_interval_is_that_of_the_limit():
    low, high = wilson_interval(60, 100, 0.95)
    assert chance_above(share(60, 100), "share", float(low), 0.95).probability == pytest.approx(0.975)
    assert chance_above(share(60, 100), "share", float(high), 0.95).probability == pytest.approx(0.025)


def test_where_few_are_expected_the_binomial_tail_decides():
    assert chance_above(share(5, 5), "share", 0.6, 0.95) == (pytest.approx(1 - 0.6**5), "binomial")
    assert chance_above(share(0, 5), "share", 0.6, 0.95) == (pytest.approx(0.4**5), "binomial")
    # three of three do not prove that nobody ever fails
    assert judge(share(3, 3), METRICS["customer_retention_rate"], 1.0, 0.95)["verdict"] == "undetermined"
    assert judge(share(2, 3), METRICS["customer_retention_rate"], 1.0, 0.95)["verdict"] == "miss"


def test_few_may_be_expected_on_the_far_side_of_the_target_too():
    # 100 of 100 against 0.97: three misses are expected, so that none at all is told by 0.97^100 = 0.04755
    assert chance_above(share(100, 100), "share", 0.97, 0.95) == (
        pytest.approx(0.95245, abs=5e-6),
        "binomial",
    )
    # at 0.95 five are expected, which is enough: z = 0.05 / √(0.95·0.05/100) = 2.29416
    assert chance_above(share(100, 100), "share", 0.95, 0.95) == (pytest.approx(0.98911, abs=5e-6), "score")


def test_a_mean_is_judged_by_students_t():
    mean = figure(value=10.0, standard_error=1.0, n=5)
    assert chance_above(mean, "mean", 8.0, 0.95).probability == pytest.approx(
        0.941942, abs=1e-6
    )  # t = 2, 4 df


def test_ratio_and_net_share_are_judged_by_the_normal_with_the_centre_of_their_interval():
    ratio = figure(value=10.0, standard_error=2.0, n=50)
    assert chance_above(ratio, "ratio", 6.0, 0.95).probability == pytest.approx(0.97725, abs=5e-6)  # z = 2
    net = figure(value=100 * 20 / 97, standard_error=5.0, n=97, numerator=20, denominator=97)
    assert chance_above(net, "net_share", 10.0, 0.95).probability == pytest.approx(
        0.97725, abs=5e-6
    )  # 20/100 − 10


def test_a_sampled_count_is_judged_by_the_poisson_tail():
    low, high = poisson_interval(10, 0.95)
    count = figure(value=10.0, low=low, high=high, n=10)
    assert chance_above(count, "count", 5.0, 0.95).probability == pytest.approx(
        stats.poisson.cdf(9, 5)
    )  # 0.968
    assert chance_above(count, "count", 15.0, 0.95).probability == pytest.approx(
        stats.poisson.cdf(10, 15)
    )  # 0.118
    assert chance_above(count, "count", float(low), 0.95).probability == pytest.approx(0.975)
    assert chance_above(count, "count", float(high), 0.95).probability == pytest.approx(0.025)
    # none seen: that there be at least none is sure, that two be due has the probability of seeing none of two, e^−2
    none = figure(value=0.0, low=0.0, high=3.7, n=0)
    assert chance_above(none, "count", 0.0, 0.95).probability == 1.0
    assert chance_above(none, "count", 0.5, 0.95).probability == pytest.approx(math.exp(-0.5))
    assert chance_above(none, "count", 2.0, 0.95).probability == pytest.approx(math.exp(-2))


def test_other_figures_are_judged_by_their_interval_on_the_targets_side():
    modelled = figure(value=100.0, low=100 - 1.959964 * 20, high=100 + 1.959964 * 10)
    assert chance_above(modelled, "modelled", 120.0, 0.95).probability == pytest.approx(0.02275, abs=5e-6)
    assert chance_above(modelled, "modelled", 60.0, 0.95).probability == pytest.approx(0.97725, abs=5e-6)


@pytest.mark.parametrize(("kind", "given"), [
    ("modelled", figure(value=1.0)), ("mean", figure(value=1.0, n=1)), ("quantile", figure(value=1.0, low=1.0)),
    ("mean", figure(value=1.0, n=4, standard_error=0.0)), ("concentration", figure(value=0.4)),
    ("mean", figure(value=1.0, n=1, standard_error=0.5)), ("ratio", figure(value=1.0, n=9, standard_error=0.0)),
    ("net_share", figure(value=100.0, n=9, numerator=9, denominator=9, standard_error=0.0)),
    ("quantile", figure(value=1.0, low=1.0, high=1.0)), ("count", figure(value=1.0, n=1)),
    ("share", figure(value=0.5)), ("share", figure(numerator=0, denominator=0)),
])  # fmt: skip
def test_without_an_interval_of_any_width_there_is_no_probability(kind, given):
    assert chance_above(given, kind, 2.0, 0.95) is NO_CHANCE


def test_without_a_probability_nothing_is_settled_and_the_figures_own_reason_is_told():
    no_spread = figure(value=1.0, n=4, standard_error=0.0, reason="no_spread")
    for given, reason in ((no_spread, "no_spread"), (figure(value=1.0), "no_interval")):
        found = judge(given, METRICS["resolution_time"], 2.0, 0.95)
        assert math.isnan(found.pop("probability"))
        assert found == {"method": "", "verdict": "undetermined", "reason": reason}


@pytest.mark.parametrize(("positive", "level", "verdict"), [
    (2, 0.75, "hit"), (2, 0.76, "undetermined"), (0, 0.75, "miss"), (0, 0.76, "undetermined"),
])  # fmt: skip
def test_the_level_itself_is_enough(positive, level, verdict):
    # two of two against a half: 1 − 0.5² = 0.75; none of two: 0.5² = 0.25
    assert judge(share(positive, 2), METRICS["customer_retention_rate"], 0.5, level)["verdict"] == verdict


def test_a_narrow_interval_is_one_all_the_same():
    narrow = figure(value=0.50, low=0.40, high=0.60)
    assert chance_above(narrow, "modelled", 0.60, 0.95).probability == pytest.approx(0.025)
    assert chance_above(narrow, "modelled", 0.50, 0.95).probability == 0.5


@pytest.mark.parametrize(("metric", "target", "reason"), [
    ("csat", 0.0, None), ("csat", 1.0, None), ("csat", 1.01, "target_out_of_reach"),
    ("csat", -0.01, "target_out_of_reach"), ("nps", 100.0, None), ("nps", -100.0, None),
    ("acsi_style", 101, "target_out_of_reach"), ("resolution_time", -1, "target_out_of_reach"),
    ("nps", 100.5, "target_out_of_reach"), ("nps", -100.5, "target_out_of_reach"), ("revenue", 1e12, None),
])  # fmt: skip
def test_a_target_may_lie_at_the_end_of_what_a_metric_can_reach_and_not_beyond(metric, target, reason):
    assert _why_not(METRICS[metric], figure(value=0.5), target) == reason


def test_an_exact_figure_reaches_its_target_or_not_and_has_no_probability():
    revenue = METRICS["revenue"]
    for value, target, verdict in ((0.1 + 0.2, 0.3, "hit"), (100.0, 100.01, "miss"), (101.0, 100.0, "hit")):
        found = judge(figure(value=value, reason="census"), revenue, target, 0.95)
        assert (found["verdict"], found["method"]) == (verdict, "exact")
        assert math.isnan(found["probability"]) and found["reason"] == "census"
    lost = judge(figure(value=5.0, reason="census"), METRICS["lost_customers"], 4.0, 0.95)
    assert lost["verdict"] == "miss"  # fewer would be better


# --- a run ----------------------------------------------------------------------------------------


def test_misses_come_first_and_the_periods_own_target_stands_before_the_general(open_company):
    rows = judged(open_company, "revenue,,,,,50", "revenue,,2026-q2,,,120", "orders,,,,,2").set_index(
        "metric"
    )
    assert list(rows.index) == ["revenue", "orders"]
    assert rows.loc["revenue", ["value", "target", "verdict"]].tolist() == [90.0, 120.0, "miss"]
    assert rows.loc["orders", "verdict"] == "hit"


def test_of_one_verdict_the_catalogues_order_stands_and_what_cannot_be_compared_comes_last(open_company):
    rows = judged(
        open_company, "revenu,,,,,7", "orders,,,,,9", "top_decile_share,,,,,0.5", "buyers,,,,,9", "revenue,,,,,91",
        "customer_retention_rate,,,,,0.5",
    )  # fmt: skip
    known = [name for name in METRICS if name in ("orders", "buyers", "revenue")]
    assert list(rows["metric"]) == [*known, "customer_retention_rate", "top_decile_share", "revenu"]
    assert tuple(rows.columns) == TARGET_COLUMNS
    assert set(rows[["value", "low", "high", "n", "target", "probability"]].dtypes.astype(str)) == {"float64"}
    assert rows["target"].tolist()[-3:] == [0.5, 0.5, 7.0]


def test_a_rate_of_two_customers_settles_nothing(open_company):
    [row] = judged(open_company, "customer_retention_rate,,,,,0.5").itertuples()
    # two of two against a half: 1 − 0.5² = 0.75
    assert (row.verdict, row.method, row.probability) == ("undetermined", "binomial", pytest.approx(0.75))


def test_groups_are_judged_where_they_are_asked_for(open_company):
    targets = ("revenue,,,region,north,25", "revenue,,2026Q2,region,south,70", "revenue,,,industry,x,1")
    assert isinstance(judged(open_company, *targets), NotMeasured)  # none is the company's
    rows = judged(open_company, *targets, dimensions=["region"]).set_index("group")
    assert rows["verdict"].to_dict() == {"south": "miss", "north": "hit"}
    assert rows["value"].to_dict() == {"south": 60.0, "north": 30.0}
    [row] = judged(open_company, "revenu,,,region,north,25", dimensions=["region"]).itertuples()
    assert (row.group, row.verdict, row.reason) == ("north", "not_compared", "metric_unknown")


@pytest.mark.parametrize(("targets", "reason"), [
    (("revenue,,,,,50", "revenue,,,,,60"), "targets_differ|2"), (("nps,,,,,30",), "table_absent"),
    (("customer_retention_rate,,,,,68",), "target_out_of_reach"), (("revenu,,,,,50",), "metric_unknown"),
    (("customer_retention_rate,as_printed,,,,0.6",), "target_of_other_definition"),
    (("top_decile_share,,,,,0.5",), "no_direction"), (("orders,,next spring,,,50",), "target_of_no_period|next spring"),
])  # fmt: skip
def test_what_cannot_be_compared_says_why(open_company, targets, reason):
    [row] = judged(open_company, *targets).itertuples()
    assert row.verdict == "not_compared"
    assert row.reason.startswith(reason)


def test_the_definition_the_run_has_chosen_is_judged_by_its_own_target(open_company):
    target = "customer_retention_rate,active_again,,,,0.2"
    [row] = judged(
        open_company, target, variants={"customer_retention_rate": "active_again"}
    ).itertuples()  # two of two bought again: 1 − 0.2² = 0.96
    assert (row.variant, row.verdict, row.probability) == ("active_again", "hit", pytest.approx(0.96))


def test_while_the_period_runs_nothing_is_hit_or_missed(open_company):
    weekly = [f"w{n},n,{date(2025, 4, 1) + timedelta(days=7 * n)},0" for n in range(61)]  # up to 26 May 2026
    tables = {"orders": "\n".join([*ORDERS.splitlines(), *weekly]), "targets": f"{HEADING}\nrevenue,,,,,10"}
    book = open_company(tables, "2026Q2", data_through=date(2026, 5, 31), sparkline_periods=2, model_draws=20)
    [row] = judge_targets(counted(book)).itertuples()
    assert (row.value, row.target, row.verdict) == (30.0, 10.0, "undetermined")  # 30 until 31 May
    assert row.reason == "target_of_whole_period|2026Q2"


def test_without_a_table_of_targets_or_without_one_for_the_period_the_reason_stands(open_company):
    book = open_company({"orders": ORDERS}, "2026Q2", data_through=date(2026, 6, 30), model_draws=20)
    assert judge_targets(counted(book)) == NotMeasured("table_absent|targets")
    assert judged(open_company, "revenue,,2025Q1,,,50") == NotMeasured("no_target")
