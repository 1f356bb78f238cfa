"""BG/NBD: the published numbers, lifetimes on the same rows, planted parameters, and data that teach
nothing."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.models import fit_bg_nbd
from analysis.models.bg_nbd import BgNbdFit


@pytest.fixture(scope="module")
def fit(cdnow) -> BgNbdFit:
    return fit_bg_nbd(cdnow["x"], cdnow["t_x"], cdnow["T"])


def test_cdnow_parameters_as_published(fit):
    """Fader, Hardie and Lee (2005), table 2."""
    assert fit.params == pytest.approx({"r": 0.2426, "alpha": 4.4136, "a": 0.7929, "b": 2.4259}, abs=1e-4)
    assert fit.log_likelihood == pytest.approx(-9582.4, abs=0.05)
    assert (fit.n_customers, fit.status) == (2357, "converged")
    assert fit.gradient_norm < 1e-7


def test_same_optimum_and_errors_as_lifetimes(fit, cdnow, lifetimes, quiet):
    with quiet():
        other = lifetimes.BetaGeoFitter().fit(cdnow["x"], cdnow["t_x"], cdnow["T"])
    # lifetimes' likelihood is a mean per customer on time divided by the largest T
    scaled = other._negative_log_likelihood_ * len(cdnow) - cdnow["x"].sum() * np.log(other._scale)
    assert fit.log_likelihood == pytest.approx(-scaled, rel=1e-8)
    assert fit.params == pytest.approx(other.params_.to_dict(), rel=1e-4)
    assert fit.standard_errors == pytest.approx(other.standard_errors_.to_dict(), rel=0.01)


def test_log_likelihood_of_given_histories_sums_to_the_fits(fit, cdnow):
    parts = [fit.log_likelihood_of(part["x"], part["t_x"], part["T"]) for _, part in cdnow.groupby("x")]
    assert sum(parts) == pytest.approx(fit.log_likelihood, rel=1e-12)


def test_new_customers_make_1_4440_repeat_purchases_in_a_year(fit):
    assert fit.expected_purchases_new_customer(52) == pytest.approx(1.4440, abs=5e-5)


def test_the_published_customer(fit):
    assert fit.expected_purchases(52, 26, 30.857, 31) == pytest.approx(25.757, abs=5e-3)
    assert fit.p_alive(26, 30.857, 31) == pytest.approx(0.9689, abs=1e-4)


def test_lifetimes_own_example(fit):
    assert fit.expected_purchases(39, 2, 30.43, 38.86) == pytest.approx(1.226, abs=5e-4)


def test_predictions_equal_lifetimes(fit, cdnow):
    other = fit.as_lifetimes()
    x, t_x, T = cdnow["x"], cdnow["t_x"], cdnow["T"]
    theirs = other.conditional_expected_number_of_purchases_up_to_time(39, x, t_x, T)
    assert fit.expected_purchases(39, x, t_x, T) == pytest.approx(theirs.to_numpy(), rel=1e-10)
    assert fit.p_alive(x, t_x, T) == pytest.approx(other.conditional_probability_alive(x, t_x, T), rel=1e-12)


def test_one_time_buyers_are_alive_by_construction(fit):
    assert fit.p_alive([0, 0], [0, 0], [1, 300]).tolist() == [1, 1]


def test_variance_is_that_of_the_count_distribution(fit):
    """Mean and variance of Σ n P(X(t) = n) for a new customer, by the papers' eq. 8 as lifetimes has it."""
    other, n = fit.as_lifetimes(), np.arange(100)
    chances = np.array([other.probability_of_n_purchases_up_to_time(20, each) for each in n])
    mean, square = chances @ n, chances @ n**2
    assert fit.expected_purchases_new_customer(20) == pytest.approx(mean, rel=1e-4)
    assert fit.variance_purchases(20, 0, 0, 0) == pytest.approx(square - mean**2, rel=1e-3)


def test_arrays_broadcast_and_scalars_give_floats(fit):
    assert isinstance(fit.p_alive(2, 10, 30), float)
    assert isinstance(fit.expected_purchases_new_customer(52), float)
    table = fit.expected_purchases([[13.0], [26.0]], [0, 1, 2], [0, 10, 10], 30)
    assert table.shape == (2, 3)
    assert table[1, 2] == fit.expected_purchases(26, 2, 10, 30)


def test_impossible_questions_are_refused(fit):
    with pytest.raises(ValueError, match="0 <= t_x <= T"):
        fit.p_alive(2, 31, 30)
    with pytest.raises(ValueError, match=r"t must be a finite number, 0 or more; row 1"):
        fit.expected_purchases([1, -1], 2, 10, 30)


def test_grouped_rows_fit_as_their_customers_do(cdnow, fit):
    grouped = cdnow.groupby(["x", "t_x", "T"]).size().reset_index(name="customers")
    assert len(grouped) < len(cdnow)
    same = fit_bg_nbd(grouped["x"], grouped["t_x"], grouped["T"], grouped["customers"])
    assert same.params == pytest.approx(fit.params, rel=1e-7)
    assert same.standard_errors == pytest.approx(fit.standard_errors, rel=1e-6)
    assert same.n_customers == 2357


def test_days_or_weeks_are_one_model(cdnow, fit):
    """α is a time; a density per day is a seventh of one per week, once for each of Σx purchases."""
    days = fit_bg_nbd(cdnow["x"], cdnow["t_x"] * 7, cdnow["T"] * 7, time_unit="day")
    assert days.params == pytest.approx(fit.params | {"alpha": fit.params["alpha"] * 7}, rel=1e-6)
    assert days.log_likelihood == pytest.approx(fit.log_likelihood - cdnow["x"].sum() * np.log(7), rel=1e-10)
    assert days.time_unit == "day"
    with pytest.raises(ValueError, match="time_unit is 'fortnight'"):
        fit_bg_nbd([1], [1], [2], time_unit="fortnight")


@pytest.mark.parametrize("planted", [(0.25, 4.5, 0.8, 2.5), (1.5, 20.0, 2.0, 8.0)])
def test_planted_parameters_come_back(simulate, planted):
    """30,000 customers, seed 11: each log-parameter within 3.5 of its standard errors."""
    names = ("r", "alpha", "a", "b")
    people = simulate(30_000, seed=11, **dict(zip(names, planted, strict=True)))
    fit = fit_bg_nbd(people.x, people.t_x, people.T)
    assert fit.status == "converged"
    off = (np.log(list(fit.params.values())) - np.log(planted)) / np.sqrt(np.diag(fit.covariance))
    assert np.abs(off).max() < 3.5


def test_a_fit_in_stages_is_the_fit_of_all_rows(simulate):
    """Over 20,000 rows a sample is climbed first; grouped to fewer rows the same customers are fitted at
    once."""
    people = simulate(60_000, seed=12)
    x, t_x, T = people.x, np.ceil(people.t_x), np.ceil(people.T)
    staged = fit_bg_nbd(x, t_x, T)
    rows, number = np.unique(np.column_stack([x, t_x, T]), axis=0, return_counts=True)
    assert len(rows) < 20_000
    at_once = fit_bg_nbd(*rows.T, number)
    assert staged.params == pytest.approx(at_once.params, rel=1e-5)
    assert staged.log_likelihood == pytest.approx(at_once.log_likelihood, rel=1e-12)


def test_rare_repeaters_in_many_rows_are_not_missed(simulate):
    """One in 250 rows repeats: a sample of 10,000 has about 40 of them, all rows have 400."""
    some, none = simulate(1_000, seed=13), np.zeros(100_000)
    x = np.concatenate([some.x, none])
    fit = fit_bg_nbd(x, np.concatenate([some.t_x, none]), np.concatenate([some.T, none + 30]))
    weighted = fit_bg_nbd(
        np.append(some.x, 0),
        np.append(some.t_x, 0),
        np.append(some.T, 30),
        np.append(np.ones(1_000), 100_000),
    )
    assert fit.log_likelihood == pytest.approx(weighted.log_likelihood, rel=1e-10)
    assert fit.params == pytest.approx(weighted.params, rel=1e-3)


def test_where_nobody_leaves_predictions_stand_and_errors_do_not(simulate):
    """Purchases at a constant rate: P(alive) must be near 1, purchases near the Gamma–Poisson expectation."""
    people = simulate(3_000, seed=14, r=1.0, alpha=5.0, a=1e-9, b=1e3)
    fit = fit_bg_nbd(people.x, people.t_x, people.T)
    assert fit.status == "fallback"
    assert "do not pin down a, b" in fit.message and "a, b" in fit.message_zh
    assert np.isnan([fit.standard_errors["a"], fit.standard_errors["b"]]).all()
    assert np.isfinite([fit.standard_errors["r"], fit.standard_errors["alpha"]]).all()
    regular = people.x > 0
    assert fit.p_alive(people.x, people.t_x, people.T)[regular].mean() > 0.97
    constant = (1 + people.x) / (5 + people.T) * 13
    assert fit.expected_purchases(13, people.x, people.t_x, people.T).sum() == pytest.approx(
        constant.sum(), rel=0.03
    )


def test_where_all_leave_alike_the_mean_chance_is_found(simulate):
    """p is 0.2 for everybody (a and b huge): a / (a + b) is learnt, their size is not."""
    people = simulate(20_000, seed=15, r=1.0, alpha=2.0, a=2e6, b=8e6)
    fit = fit_bg_nbd(people.x, people.t_x, people.T)
    assert fit.params["a"] / (fit.params["a"] + fit.params["b"]) == pytest.approx(0.2, abs=0.01)
    truth = np.log([1.0, 2.0])
    off = (np.log([fit.params["r"], fit.params["alpha"]]) - truth) / np.sqrt(np.diag(fit.covariance)[:2])
    assert np.abs(off).max() < 3.5


def test_badly_scaled_time_is_no_obstacle(cdnow, fit):
    seconds = fit_bg_nbd(cdnow["x"], cdnow["t_x"] * 604_800, cdnow["T"] * 604_800)
    assert seconds.status == "converged"
    assert seconds.params == pytest.approx(fit.params | {"alpha": fit.params["alpha"] * 604_800}, rel=1e-6)


@pytest.mark.parametrize(
    ("histories", "reason"),
    [
        (([], [], []), "no customers"),
        (([0] * 100, [0] * 100, [20] * 100), "None of the 100 customers bought again"),
        (([3, 1, 2], [9, 5, 8], [10, 10, 10]), "Too few repeat customers (3)"),
        (([2] * 100, [5] * 100, [20] * 100), "only 1 different"),
    ],
)
def test_data_that_teach_nothing_give_no_numbers(histories, reason):
    fit = fit_bg_nbd(*histories)
    assert fit.status == "degenerate" and not fit.is_usable
    assert reason in fit.message and fit.message_zh
    assert np.isnan([*fit.params.values(), *fit.standard_errors.values(), fit.log_likelihood]).all()
    assert np.isnan(fit.p_alive([0, 1], [0, 1], [5, 5])).all()
    assert np.isnan(fit.expected_purchases(13, 0, 0, 5))
    assert np.isnan(fit.variance_purchases(13, 1, 1, 5))


def test_weights_of_nought_are_no_customers():
    assert fit_bg_nbd([1, 2], [1, 2], [5, 5], [0, 0]).message == fit_bg_nbd([], [], []).message


def test_customers_never_observed_are_refused():
    with pytest.raises(ValueError, match="T is 0 in every row"):
        fit_bg_nbd([0, 0], [0, 0], [0, 0])


@pytest.mark.slow
def test_intervals_of_parameters_cover_as_promised(simulate):
    """400 samples of 2,000 customers, seeds 0–399: 95 % intervals cover log r and log α in 95 % ± 3.3 points.

    3.3 points are three standard errors of a share of 0.95 in 400.
    """
    truth, inside = np.log([0.25, 4.5]), np.zeros(2)
    for seed in range(400):
        people = simulate(2_000, seed=seed, observed=52)
        fit = fit_bg_nbd(people.x, people.t_x, people.T)
        off = np.log([fit.params["r"], fit.params["alpha"]]) - truth
        inside += np.abs(off) <= 1.96 * np.sqrt(np.diag(fit.covariance)[:2])
    assert inside / 400 == pytest.approx([0.95, 0.95], abs=0.033)
