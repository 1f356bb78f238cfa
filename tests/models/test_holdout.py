"""Forecasts judged on what happened: published bins, worked examples, and every rule of the badge."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.models import fit_bg_nbd, fit_cohort_mean, holdout
from analysis.models.holdout import TotalForecast


@pytest.fixture(scope="module")
def fit(cdnow):
    return fit_bg_nbd(cdnow["x"], cdnow["t_x"], cdnow["T"])


@pytest.fixture(scope="module")
def actual(cdnow, bought_after):
    return bought_after(cdnow.index, "1997-09-30", "1998-06-30")


def test_cdnow_bins_as_published(fit, cdnow, actual):
    """Fader, Hardie and Lee (2005), figure 4: 39 weeks of holdout by frequency in the calibration period."""
    expected = fit.expected_purchases(39, cdnow["x"], cdnow["t_x"], cdnow["T"])
    bins = holdout.calibration_by_frequency(cdnow["x"], expected, actual)
    assert bins["frequency"].tolist() == ["0", "1", "2", "3", "4", "5", "6", "7+"]
    assert bins["customers"].tolist() == [1411, 439, 214, 100, 62, 38, 29, 64]
    published = [0.2251, 0.5231, 1.0441, 1.5203, 2.1638, 2.6538, 3.5040, 6.1570]
    assert bins["expected_purchases"].to_numpy() == pytest.approx(published, abs=3e-4)
    happened = [0.2367, 0.6970, 1.3925, 1.5600, 2.5323, 2.9474, 3.8621, 6.3594]
    assert bins["actual_purchases"].to_numpy() == pytest.approx(happened, abs=5e-5)


def test_bins_nobody_is_in_are_left_out():
    bins = holdout.calibration_by_frequency([0, 9, 12], [1, 2, 3], [0, 4, 8])
    assert bins["frequency"].tolist() == ["0", "7+"]
    assert bins.loc[1, ["customers", "expected_purchases", "actual_purchases"]].tolist() == [2, 2.5, 6]


def test_forecasts_side_by_side():
    """Two customers bought 3 and 0. Model 2 and 0.5: total 2.5 of 3, off −1 and 0.5. Last quarter 1 and 1.
    Own rates 2/10 and 0 a week for 5 weeks: 1 and 0."""
    errors = holdout.compare_forecasts([2, 0.5], [3, 0], [1, 1], [2, 0], [10, 0], 5)
    assert errors["forecast_total"].tolist() == [2.5, 2, 1]
    assert errors["relative_error"].tolist() == pytest.approx([-1 / 6, -1 / 3, -2 / 3])
    assert errors["mean_absolute_error"].tolist() == [0.75, 1.5, 1]
    assert errors["root_mean_squared_error"].tolist() == pytest.approx([0.625**0.5, 2.5**0.5, 2**0.5])


def test_gini_is_one_for_the_true_order_and_nought_for_none():
    actual = [5, 1, 0, 3]
    assert holdout.measure_gini([50, 10, 0, 30], actual) == pytest.approx(1)
    assert holdout.measure_gini([-50, -10, 0, -30], actual) == pytest.approx(-1)
    assert holdout.measure_gini([7, 7, 7, 7], actual) == pytest.approx(0)
    assert np.isnan(holdout.measure_gini([1, 2], [4, 4]))


def test_gini_worked_out():
    """Actual 5, 1, 0, 3 (mean 2.25: 2.75, −1.25, −2.25, 0.75); ranks by forecast 3, 4, 1, 2:
    8.25 − 5 − 2.25 + 1.5 = 2.5; by themselves 4, 2, 1, 3: 11 − 2.5 − 2.25 + 2.25 = 8.5."""
    assert holdout.measure_gini([3, 4, 1, 2], [5, 1, 0, 3]) == pytest.approx(2.5 / 8.5)


def test_lift_of_the_top_tenth():
    """11 customers: the top ceil(1.1) = 2 by forecast bought 6 and 2, mean 4; all bought 11 in all, mean 1:
    lift 4."""
    expected = np.arange(11.0)
    actual = np.array([1, 1, 1, 0, 0, 0, 0, 0, 0, 2, 6.0])
    assert holdout.top_decile_lift(expected, actual) == pytest.approx(4)


def test_customers_tied_at_the_edge_enter_with_their_mean():
    """20 customers, top 2: one above, three tied for one place with purchases 0, 3, 6 (mean 3): (5 + 3)/2 =
    4; mean 0.7."""
    expected = np.array([9.0, 8, 8, 8] + [1.0] * 16)
    actual = np.array([5.0, 0, 3, 6] + [0.0] * 16)
    assert holdout.top_decile_lift(expected, actual) == pytest.approx(4 / 0.7)
    assert np.isnan(holdout.top_decile_lift([1, 2], [0, 0]))


def test_share_of_intervals_that_held():
    assert holdout.share_inside([0, 0, 5, 2], [1, 2, 9, 2], [1, 3, 5, 2]) == 0.75
    assert np.isnan(holdout.share_inside([], [], []))


def test_total_forecast_adds_up_its_doubts(fit, cdnow):
    columns = cdnow["x"], cdnow["t_x"], cdnow["T"]
    found = holdout.forecast_total(fit, 39, *columns)
    assert found.expected == pytest.approx(fit.expected_purchases(39, *columns).sum())
    assert found.noise_sd == pytest.approx(np.sqrt(fit.variance_purchases(39, *columns).sum()))
    half = 1.959964 * np.hypot(found.noise_sd, found.parameter_sd)
    assert (found.low, found.high) == pytest.approx((found.expected - half, found.expected + half), rel=1e-6)
    assert found.contains(found.expected) and not found.contains(found.high + 1)


def test_parameter_doubt_of_the_total_by_the_delta_method(fit, cdnow):
    """√(g' Σ g) with the gradient g of the total by finite differences: the draws' spread within 10 %."""
    columns, theta = (cdnow["x"], cdnow["t_x"], cdnow["T"]), np.log(list(fit.params.values()))
    ahead, behind = (
        [fit.with_log_params(theta + s * unit).expected_purchases(39, *columns).sum() for unit in np.eye(4)]
        for s in (1e-4, -1e-4)
    )
    slope = (np.array(ahead) - behind) / 2e-4
    found = holdout.forecast_total(fit, 39, *columns, n_draws=1000)
    assert found.parameter_sd == pytest.approx(np.sqrt(slope @ fit.covariance @ slope), rel=0.1)


def test_a_degenerate_model_forecasts_nothing():
    found = holdout.forecast_total(fit_bg_nbd([], [], []), 13, [0], [0], [5])
    assert np.isnan(found.expected) and not found.contains(0)


def test_nobody_buys_nothing_for_certain(fit):
    found = holdout.check_holdout(fit, 13, [], [], [], actual=[], last_quarter=[])
    assert (found.total.expected, found.total.high, found.actual_total) == (0, 0, 0)
    assert found.badge.code == "holdout_too_few"


def test_purchases_that_cannot_be_are_refused(fit):
    for actual, last_quarter, message in (
        ([np.nan], [0], "actual must be a finite number, 0 or more; row 0"),
        ([-1], [0], "actual must be a finite number, 0 or more; row 0"),
        ([1], [np.nan], "last_quarter must be a finite number; row 0"),
        ([1, 2], [0, 0], "lengths differ"),
    ):
        with pytest.raises(ValueError, match=message):
            holdout.check_holdout(fit, 13, [0], [0], [5], actual=actual, last_quarter=last_quarter)


def test_a_mean_rate_can_be_judged_too(cdnow, actual):
    columns = cdnow["x"], cdnow["t_x"], cdnow["T"]
    found = holdout.check_holdout(
        fit_cohort_mean(*columns), 39, *columns, actual=actual, last_quarter=cdnow["x"]
    )
    assert found.badge.verdict == "do_not_use"  # it forgets that people leave, and cannot rank anybody
    assert found.gini == pytest.approx(0, abs=1e-9)


def test_cdnow_is_judged_on_the_39_weeks_after(fit, cdnow, actual):
    """1,653 forecast against 1,882: −12.1 %, and outside the 95 % interval."""
    found = holdout.check_holdout(
        fit, 39, cdnow["x"], cdnow["t_x"], cdnow["T"], actual=actual, last_quarter=cdnow["x"]
    )
    assert (found.actual_total, found.total.expected) == pytest.approx((1882, 1653.4), abs=0.05)
    assert found.forecasts.loc["model", "relative_error"] == pytest.approx(-0.1215, abs=1e-4)
    assert not found.is_inside
    assert (found.badge.verdict, found.badge.code) == ("with_care", "holdout_total_off")
    assert found.gini > 0.6 and found.top_decile_lift > 4


def test_tracking_sums_expected_repeats_of_each_cohort(fit):
    """Two customers who start at 0 and 2 weeks: E[X(1)], then E[X(2)], then E[X(3)] + E[X(1)]."""
    new = fit.expected_purchases_new_customer
    weeks = holdout.track_repeats(fit, [0.0, 2.0], [0.5, 1.0, 2.5], 3)
    assert weeks["expected_cumulative"].tolist() == pytest.approx([new(1), new(2), new(3) + new(1)])
    assert weeks["actual_cumulative"].tolist() == [2, 2, 3]
    assert weeks["expected_incremental"].sum() == pytest.approx(weeks["expected_cumulative"].iloc[-1])
    assert weeks["actual_incremental"].tolist() == [2, 0, 1]


def test_cdnow_repeats_are_tracked_customer_by_customer(fit, cdnow, purchase_days):
    """Weeks from the end of 1996-12-31. Expected: lifetimes' E[X(t)] summed over all 2,357 customers, one at
    a time. Actual: all of the calibration's repeats at week 39, all of the log's up to 1998-06-30 at week
    78."""
    day = purchase_days["day"]
    first = purchase_days["customer"].map(purchase_days.groupby("customer")["day"].min())
    start = pd.Timestamp("1996-12-31")
    began, repeats = (first - start).dt.days[day == first] / 7, (day - start).dt.days[day > first] / 7
    weeks = holdout.track_repeats(fit, began, repeats, 78).set_index("time")
    other = fit.as_lifetimes()
    for week in (1, 12, 39, 78):
        each = other.expected_number_of_purchases_up_to_time(np.maximum(week - began, 0))
        assert weeks.loc[week, "expected_cumulative"] == pytest.approx(each.sum(), rel=1e-9)
    assert weeks.loc[39, "actual_cumulative"] == cdnow["x"].sum()
    assert weeks.loc[78, "actual_cumulative"] == (day > first).sum()


def judged(*, forecast=1000.0, actual=1000.0, half=50.0, gini=0.5, squared=(1.0, 1.2, 1.3)):
    names = ["model", "same_as_last_quarter", "own_mean_rate"]
    forecasts = pd.DataFrame(
        {
            "forecast_total": [forecast, 900.0, 1100.0],
            "actual_total": actual,
            "relative_error": [(forecast - actual) / actual if actual else np.nan, -0.1, 0.1],
            "root_mean_squared_error": squared,
        },
        index=names,
    )
    total = TotalForecast(forecast, forecast - half, forecast + half, half / 2, half / 2)
    return holdout.judge_holdout(forecasts, total, gini)


@pytest.mark.parametrize(
    ("case", "verdict", "code"),
    [
        ({}, "trusted", "holdout_good"),
        ({"forecast": 1090.0}, "trusted", "holdout_good"),  # within a tenth, though beyond its interval
        (
            {"forecast": 1200.0, "half": 300.0},
            "trusted",
            "holdout_good",
        ),  # beyond a tenth, within its interval
        ({"forecast": 1200.0}, "with_care", "holdout_total_off"),
        ({"forecast": 800.0}, "with_care", "holdout_total_off"),
        ({"forecast": 1300.0}, "do_not_use", "holdout_total_far"),
        ({"forecast": 700.0}, "do_not_use", "holdout_total_far"),
        ({"gini": 0.05}, "do_not_use", "holdout_no_ranking"),
        ({"gini": np.nan}, "do_not_use", "holdout_no_ranking"),
        ({"squared": (1.4, 1.2, 1.3)}, "do_not_use", "holdout_beaten"),
        ({"squared": (1.25, 1.2, 1.3)}, "trusted", "holdout_good"),  # beaten by one only
        ({"actual": 384.0}, "with_care", "holdout_too_few"),
        ({"actual": 0.0}, "with_care", "holdout_too_few"),
        ({"forecast": np.nan, "actual": 100.0}, "do_not_use", "holdout_nothing"),
    ],
)
def test_each_rule_gives_its_verdict(case, verdict, code):
    badge = judged(**case)
    assert (badge.verdict, badge.code) == (verdict, code)
    assert badge.rule and badge.rule_zh


def test_fewer_purchases_than_the_limit_move_by_a_tenth():
    """1.96 √n > n / 10 for n = 384, not for 385: the limit is what its reason says."""
    assert (
        1.959964 * 384**0.5 > 38.4 and 1.959964 * holdout.LEAST_PURCHASES**0.5 < holdout.LEAST_PURCHASES / 10
    )


def quarter(badge, *, inside: bool) -> holdout.Holdout:
    total = TotalForecast(100.0, 90.0, 110.0, 3.0, 4.0)
    nothing = pd.DataFrame()
    return holdout.Holdout(nothing, nothing, total, 100.0 if inside else 120.0, 0.5, 3.0, badge)


def test_intervals_that_hold_too_seldom_call_for_care():
    good, bad = judged(), judged(gini=0.0)
    often = [quarter(good, inside=inside) for inside in (False, True, False, True)]
    seldom = [quarter(good, inside=inside) for inside in (False, False, False, True)]
    assert holdout.judge_quarters(often).verdict == "trusted"
    found = holdout.judge_quarters(seldom)
    assert (found.verdict, found.code) == ("with_care", "holdout_outside_often")
    assert "1 of 4" in found.rule
    assert holdout.judge_quarters(seldom[:3]).verdict == "trusted"  # three quarters say too little
    assert holdout.judge_quarters([*seldom, quarter(bad, inside=True)]).code == "holdout_no_ranking"
    assert holdout.judge_quarters([]).verdict == "do_not_use"


@pytest.mark.slow
def test_the_total_interval_covers_as_promised(simulate):
    """400 samples of 2,000 customers, seeds 2000–2399: actual totals in the 95 % interval in 95 % ± 3.3
    points."""
    inside = 0
    for seed in range(2000, 2400):
        people = simulate(2_000, seed=seed, observed=40, ahead=13)
        fit = fit_bg_nbd(people.x, people.t_x, people.T)
        found = holdout.forecast_total(fit, 13, people.x, people.t_x, people.T, n_draws=100)
        inside += found.contains(people.future.sum())
    assert inside / 400 == pytest.approx(0.95, abs=0.033)
