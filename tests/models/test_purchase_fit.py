"""What holds for every model of purchases."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.models import fit_bg_nbd, fit_cohort_mean, fit_mbg_nbd

EVERY = pytest.mark.parametrize("fit_one", [fit_bg_nbd, fit_mbg_nbd, fit_cohort_mean])


@EVERY
def test_purchases_grow_with_time_and_nothing_happens_in_none(fit_one, cdnow):
    fit = fit_one(cdnow["x"], cdnow["t_x"], cdnow["T"])
    table = fit.expected_purchases([[0.0], [1.0], [10.0], [100.0]], cdnow["x"], cdnow["t_x"], cdnow["T"])
    assert (table[0] == 0).all()
    assert (np.diff(table, axis=0) > 0).all()


@EVERY
def test_a_question_for_many_is_the_question_for_each(fit_one, cdnow):
    fit, some = fit_one(cdnow["x"], cdnow["t_x"], cdnow["T"]), cdnow.head(25)
    columns = some["x"], some["t_x"], some["T"]
    for ask in (fit.expected_purchases, fit.variance_purchases):
        singly = [ask(13.0, *row) for row in zip(*columns, strict=True)]
        assert ask(13.0, *columns) == pytest.approx(singly, rel=1e-12)


@EVERY
def test_a_single_purchase_at_most_has_binomial_variance(fit_one, cdnow):
    """Over a minute two purchases are out of the question, so variance is m (1 − m)."""
    fit, minute = fit_one(cdnow["x"], cdnow["t_x"], cdnow["T"]), 1 / 10_080
    mean = fit.expected_purchases(minute, 2, 10, 30)
    assert fit.variance_purchases(minute, 2, 10, 30) == pytest.approx(mean * (1 - mean), rel=1e-3)


def test_variance_is_that_of_simulated_futures(simulate):
    """100,000 customers, seed 51: (future − expected)² averages the variance, within 4 of its errors, in each
    frequency."""
    people = simulate(100_000, seed=51, observed=40, ahead=30)
    fit = fit_bg_nbd(people.x, people.t_x, people.T).with_log_params(np.log([0.25, 4.5, 0.8, 2.5]))
    off = people.future - fit.expected_purchases(30, people.x, people.t_x, people.T)
    variance = fit.variance_purchases(30, people.x, people.t_x, people.T)
    for least, most in ((0, 0), (1, 2), (3, 8), (9, 1000)):
        some = (people.x >= least) & (people.x <= most)
        excess = off[some] ** 2 - variance[some]
        assert abs(excess.mean()) < 4 * excess.std() / some.sum() ** 0.5
        assert abs(off[some].mean()) < 4 * off[some].std() / some.sum() ** 0.5


@pytest.mark.parametrize("t", [-1.0, np.nan, np.inf])
def test_a_time_that_cannot_be_is_refused(t, cdnow):
    fit = fit_bg_nbd(cdnow["x"], cdnow["t_x"], cdnow["T"])
    for ask in (fit.expected_purchases, fit.variance_purchases):
        with pytest.raises(ValueError, match="t must be a finite number, 0 or more"):
            ask(t, 1, 2, 3)
