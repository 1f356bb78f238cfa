"""MBG/NBD: the published numbers, lifetimes on the same rows, planted parameters."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.models import fit_bg_nbd, fit_mbg_nbd
from analysis.models.mbg_nbd import MbgNbdFit


@pytest.fixture(scope="module")
def fit(cdnow) -> MbgNbdFit:
    return fit_mbg_nbd(cdnow["x"], cdnow["t_x"], cdnow["T"])


def test_cdnow_parameters_as_btydplus_has_them(fit):
    """BTYDplus' estimates of Batislam, Denizel and Filiztekin's model on the CDNOW sample."""
    assert fit.params == pytest.approx({"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614}, abs=5e-4)
    assert fit.status == "converged"


def test_same_optimum_and_errors_as_lifetimes(fit, cdnow, lifetimes, quiet):
    with quiet():
        other = lifetimes.ModifiedBetaGeoFitter().fit(cdnow["x"], cdnow["t_x"], cdnow["T"])
    scaled = other._negative_log_likelihood_ * len(cdnow) - cdnow["x"].sum() * np.log(other._scale)
    assert fit.log_likelihood == pytest.approx(-scaled, rel=1e-8)
    assert fit.params == pytest.approx(other.params_.to_dict(), rel=1e-4)
    assert fit.standard_errors == pytest.approx(other.standard_errors_.to_dict(), rel=0.01)


def test_predictions_equal_lifetimes(fit, cdnow):
    other = fit.as_lifetimes()
    x, t_x, T = cdnow["x"], cdnow["t_x"], cdnow["T"]
    theirs = other.conditional_expected_number_of_purchases_up_to_time(39, x, t_x, T)
    assert fit.expected_purchases(39, x, t_x, T) == pytest.approx(theirs.to_numpy(), rel=1e-10)
    assert fit.p_alive(x, t_x, T) == pytest.approx(other.conditional_probability_alive(x, t_x, T), rel=1e-12)
    weeks = np.array([0.1429, 1.0, 3.0, 31.8571, 78.0])
    new = other.expected_number_of_purchases_up_to_time(weeks)
    assert fit.expected_purchases_new_customer(weeks) == pytest.approx(new, rel=1e-10)


def test_one_time_buyers_may_have_left(fit):
    """b/(a + b) stay after the first purchase, and silence makes it less likely."""
    a, b = fit.params["a"], fit.params["b"]
    assert fit.p_alive(0, 0, 0) == pytest.approx(b / (a + b), rel=1e-12)
    assert fit.p_alive(0, 0, 39) < fit.p_alive(0, 0, 10) < fit.p_alive(0, 0, 0)


def test_variance_is_that_of_the_count_distribution(fit):
    other, n = fit.as_lifetimes(), np.arange(100)
    chances = np.array([other.probability_of_n_purchases_up_to_time(20, each) for each in n])
    mean, square = chances @ n, chances @ n**2
    assert fit.variance_purchases(20, 0, 0, 0) == pytest.approx(square - mean**2, rel=1e-3)


def test_planted_parameters_come_back(simulate):
    """30,000 customers, seed 21: each log-parameter within 3.5 of its standard errors."""
    planted = {"r": 0.6, "alpha": 6.0, "a": 0.9, "b": 1.8}
    people = simulate(30_000, seed=21, coins_at_start=1, **planted)
    fit = fit_mbg_nbd(people.x, people.t_x, people.T)
    off = np.log(list(fit.params.values())) - np.log(list(planted.values()))
    assert np.abs(off / np.sqrt(np.diag(fit.covariance))).max() < 3.5


@pytest.mark.parametrize(("coins_at_start", "better"), [(0, "bg_nbd"), (1, "mbg_nbd")])
def test_the_model_that_made_the_data_is_likelier(simulate, coins_at_start, better):
    people = simulate(20_000, seed=22, r=0.8, alpha=5.0, a=1.2, b=1.5, coins_at_start=coins_at_start)
    fits = [fit_one(people.x, people.t_x, people.T) for fit_one in (fit_bg_nbd, fit_mbg_nbd)]
    assert max(fits, key=lambda fit: fit.log_likelihood).model == better


def test_a_fit_in_stages_is_the_fit_of_all_rows(simulate):
    people = simulate(60_000, seed=23, coins_at_start=1)
    x, t_x, T = people.x, np.ceil(people.t_x), np.ceil(people.T)
    rows, number = np.unique(np.column_stack([x, t_x, T]), axis=0, return_counts=True)
    staged, at_once = fit_mbg_nbd(x, t_x, T), fit_mbg_nbd(*rows.T, number)
    assert staged.params == pytest.approx(at_once.params, rel=1e-5)
