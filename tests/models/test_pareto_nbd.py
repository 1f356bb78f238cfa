"""Pareto/NBD through lifetimes: published numbers, the same numbers every time, and what it cannot tell."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from analysis.models import (
    ParetoNbdFit,
    expected_values,
    fit_gamma_gamma,
    fit_pareto_nbd,
    pareto_nbd,
    value_customers,
)


@pytest.fixture(scope="module")
def fit(cdnow) -> ParetoNbdFit:
    return fit_pareto_nbd(cdnow["x"], cdnow["t_x"], cdnow["T"])


def test_cdnow_parameters_as_published(fit):
    """Fader, Hardie and Lee (2005), table 2."""
    assert fit.params == pytest.approx({"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669}, abs=6e-4)
    assert fit.log_likelihood == pytest.approx(-9594.98, abs=0.005)
    assert (fit.status, fit.n_customers) == ("converged", 2357)


def test_predictions_as_btyd_has_them(fit):
    """The R package BTYD on the same sample: a new customer's year, and the customer x=26 t_x=30.86 T=31."""
    assert fit.expected_purchases_new_customer(52) == pytest.approx(1.473, abs=5e-4)
    assert fit.expected_purchases(52, 26, 30.86, 31) == pytest.approx(25.46, abs=5e-3)
    assert fit.p_alive(26, 30.86, 31) == pytest.approx(0.9979, abs=5e-5)


def test_predictions_equal_lifetimes(fit, cdnow):
    other, columns = fit.as_lifetimes(), [cdnow[name].to_numpy() for name in ("x", "t_x", "T")]
    theirs = other.conditional_expected_number_of_purchases_up_to_time(39, *columns)
    assert fit.expected_purchases(39, *columns) == pytest.approx(theirs, rel=1e-9)
    new = other.expected_number_of_purchases_up_to_time(np.array([1.0, 39.0]))
    assert fit.expected_purchases_new_customer([1.0, 39.0]) == pytest.approx(new, rel=1e-10)


def test_at_least_as_likely_as_lifetimes_own_fit(fit, cdnow, lifetimes, quiet):
    """lifetimes' own search, from a random start; its likelihood is on time divided by the largest T."""
    with quiet():
        other = lifetimes.ParetoNBDFitter().fit(cdnow["x"], cdnow["t_x"], cdnow["T"])
    theirs = -other._negative_log_likelihood_ + cdnow["x"].sum() * np.log(other._scale)
    assert fit.log_likelihood >= theirs - 1e-6
    assert fit.log_likelihood == pytest.approx(theirs, rel=1e-6)


def test_the_same_customers_give_the_same_numbers_and_the_callers_random_state_stays(fit, cdnow):
    np.random.seed(5)
    before = np.random.get_state()[1].copy()
    again = fit_pareto_nbd(cdnow["x"], cdnow["t_x"], cdnow["T"])
    assert (np.random.get_state()[1] == before).all()
    assert again == fit


def test_rows_may_stand_for_several_customers(fit, cdnow):
    grouped = cdnow.groupby(["x", "t_x", "T"]).size().reset_index(name="customers")
    doubled = fit_pareto_nbd(grouped["x"], grouped["t_x"], grouped["T"], 2 * grouped["customers"])
    assert doubled.log_likelihood == pytest.approx(2 * fit.log_likelihood, rel=1e-9)
    assert doubled.params == pytest.approx(fit.params, rel=1e-3)


def test_standard_errors_are_said_not_to_be_given(fit):
    assert np.isnan(list(fit.standard_errors.values())).all()
    assert "no standard errors" in fit.message and "不提供标准误" in fit.message_zh
    with pytest.raises(ValueError, match="without standard errors"):
        fit.draw(10, np.random.default_rng(0))
    assert np.isnan(fit.variance_purchases(13, 2, 10, 30))


def test_customers_can_be_valued_without_intervals_and_not_with(fit, cdnow, repeaters):
    spend = fit_gamma_gamma(repeaters["x"], repeaters["mean_spend"])
    columns = cdnow["x"], cdnow["t_x"], cdnow["T"], cdnow["mean_spend"]
    values = expected_values(fit, spend, *columns, quarter_lengths=[52], discount_rate_per_year=0)
    assert values.expected_purchases == pytest.approx(fit.expected_purchases(52, *columns[:3]), rel=1e-10)
    with pytest.raises(ValueError, match="without standard errors"):
        value_customers(fit, spend, *columns, quarter_lengths=[52])


def test_expected_purchases_where_s_is_one(fit):
    """(1 − q^(s−1))/(s − 1) → −log q; q = (β + T)/(β + T + t) = 10/15, (r + x)(β + T)/(α + T) = 2·10/10."""
    one = fit.with_log_params(np.log([1.0, 5.0, 1.0, 5.0]))
    near = fit.with_log_params(np.log([1.0, 5.0, 1 + 1e-9, 5.0]))
    asked = np.array([5.0]), np.array([1.0]), np.array([5.0])
    assert one.purchases_if_staying(*asked) == pytest.approx(2 * np.log(1.5), rel=1e-12)
    assert near.purchases_if_staying(*asked) == pytest.approx(2 * np.log(1.5), rel=1e-8)


def test_where_lifetimes_overflows_nothing_is_told(fit):
    """Its 2F1 overflows for 1,000 purchases when β is far above α: missing, not a wrong number."""
    steep = fit.with_log_params(np.log([0.55, 0.1, 0.6, 5000.0]))
    assert np.isnan(steep.p_alive(1000, 3, 10)) and np.isnan(steep.expected_purchases(13, 1000, 3, 10))
    assert np.isfinite(steep.p_alive(2, 3, 10))


@pytest.mark.parametrize(
    ("histories", "reason"),
    [
        (([], [], []), "no customers"),
        (([0] * 20, [0] * 20, [9] * 20), "bought again"),
        (([2] * 50, [5] * 50, [20] * 50), "only 1 different"),
    ],
)
def test_data_that_teach_nothing_give_no_numbers(histories, reason):
    fit = fit_pareto_nbd(*histories)
    assert fit.status == "degenerate" and reason in fit.message
    assert np.isnan([fit.p_alive(1, 1, 5), fit.expected_purchases(13, 1, 1, 5), fit.params["r"]]).all()


def test_a_likelihood_that_is_never_finite_is_no_fit(monkeypatch, cdnow):
    monkeypatch.setattr(pareto_nbd, "search", lambda *asked: (np.nan, np.full(4, np.nan)))
    fit = fit_pareto_nbd(cdnow["x"], cdnow["t_x"], cdnow["T"])
    assert fit.status == "degenerate" and "no finite likelihood" in fit.message


def test_starts_that_end_apart_are_said_to():
    low, high = (-101.0, np.full(4, 2.0)), (-100.0, np.full(4, 1.0))
    fit = pareto_nbd.as_fitted([high, low], 10.0, "week")
    assert fit.status == "fallback" and "different likelihoods" in fit.message
    assert set(fit.params.values()) == {1.0}


def test_no_warning_reaches_the_caller(cdnow):
    some = cdnow.head(60)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit_pareto_nbd(some["x"], some["t_x"], some["T"])


def simulated(n: int, seed: int, r: float, alpha: float, s: float, beta: float):
    """Histories of n customers over 40 weeks; the last of k purchases in (0, u) is at u times a Beta(k, 1)."""
    rng = np.random.default_rng(seed)
    leaves = rng.exponential(size=n) / rng.gamma(s, 1 / beta, n)
    until = np.minimum(leaves, 40.0)
    x = rng.poisson(rng.gamma(r, 1 / alpha, n) * until).astype(float)
    return x, np.where(x > 0, until * rng.beta(np.maximum(x, 1), 1), 0.0), np.full(n, 40.0)


def test_the_planted_likelihood_comes_back(lifetimes):
    """3,000 customers, seed 3: the maximum is above the truth's likelihood, and by no more than chance: twice the
    gain is χ² with 4 degrees of freedom, 18.5 at 99.9 %."""
    truth = np.array([0.6, 8.0, 0.8, 12.0])
    columns = simulated(3_000, 3, *truth)
    fit = fit_pareto_nbd(*columns)
    at_truth = lifetimes.ParetoNBDFitter._conditional_log_likelihood(truth, *columns).sum()
    assert fit.status == "converged"
    assert 0 <= 2 * (fit.log_likelihood - at_truth) < 18.5
