"""Means that stand in for a model."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.models import fit_cohort_mean, fit_mean_spend


def test_the_rate_is_all_purchases_over_all_time():
    """3 purchases in 10 + 10 + 20 weeks: 0.075 a week; Poisson's error 0.075/√3 exceeds the ratio's.

    The ratio's: off = 1 − 0.75, 2 − 0.75, 0 − 1.5; Σ off² = 3.875 > 3, so √3.875/40 = 0.04921.
    """
    fit = fit_cohort_mean([1, 2, 0], [5, 8, 0], [10, 10, 20])
    assert fit.rate == pytest.approx(0.075)
    assert fit.standard_errors["rate"] == pytest.approx(3.875**0.5 / 40)
    assert fit.expected_purchases(13, [0, 2], [0, 8], [20, 10]).tolist() == pytest.approx([0.975, 0.975])
    assert fit.expected_purchases_new_customer(13) == pytest.approx(0.975)


def test_its_error_is_never_below_poisson():
    """Customers exactly alike leave no residual: √Σx / ΣT = √20/200."""
    fit = fit_cohort_mean([2] * 10, [5] * 10, [20] * 10)
    assert fit.standard_errors["rate"] == pytest.approx(20**0.5 / 200)


def test_weights_count_customers():
    fit = fit_cohort_mean([1, 0], [5, 0], [10, 10], [3, 1])
    assert (fit.rate, fit.n_customers) == (pytest.approx(3 / 40), 4)


def test_who_is_alive_is_not_told():
    fit = fit_cohort_mean([1, 2, 0], [5, 8, 0], [10, 10, 20])
    assert np.isnan(fit.p_alive(1, 5, 10))
    assert np.isnan(fit.p_alive([1, 0], [5, 0], 10)).all()


def test_purchases_are_taken_as_poisson():
    fit = fit_cohort_mean([1, 2, 0], [5, 8, 0], [10, 10, 20])
    assert fit.variance_purchases(13, 1, 5, 10) == pytest.approx(0.975)


def test_without_a_repeat_there_is_no_rate():
    fit = fit_cohort_mean([0, 0], [0, 0], [5, 9])
    assert fit.status == "degenerate" and np.isnan(fit.expected_purchases(13, 0, 0, 5))
    assert fit_cohort_mean([], [], []).status == "degenerate"


def test_mean_spend_weighs_customers_by_their_purchases():
    """One purchase at 10 and three at 30: (10 + 90)/4 = 25."""
    fit = fit_mean_spend([1, 3], [10, 30])
    assert fit.population_mean == 25
    assert fit.expected_spend([0, 3], [np.nan, 30.0]).tolist() == [25, 25]


def test_spread_of_one_purchase_is_learnt_from_means():
    """Purchases of mean 40 and standard deviation 8, 20,000 customers, seed 41: 0.2 of the mean."""
    rng = np.random.default_rng(41)
    x = 1.0 + rng.integers(0, 5, 20_000)
    fit = fit_mean_spend(x, 40 + 8 / np.sqrt(x) * rng.standard_normal(20_000))
    assert fit.params["coefficient_of_variation"] == pytest.approx(0.2, rel=0.02)
    assert fit.standard_errors["mean"] == pytest.approx(8 / np.sqrt(x.sum()), rel=0.03)


def test_constant_spend_has_no_spread_and_can_be_drawn():
    fit = fit_mean_spend([1, 2, 3], [9.99] * 3)
    assert fit.relative_variance_of_one_purchase == pytest.approx(0, abs=1e-20)
    assert [each.population_mean for each in fit.draw(4, np.random.default_rng(0))] == pytest.approx(
        [9.99] * 4
    )
    assert fit_mean_spend([], []).status == "degenerate"


def test_the_reason_is_given_in_both_languages():
    fit = fit_cohort_mean([1], [5], [10], reason=("too few.", "太少。"))
    assert fit.message.endswith("too few.") and fit.message_zh.endswith("太少。")
