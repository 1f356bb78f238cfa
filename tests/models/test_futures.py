"""Worth of future purchases, its discount and its interpolation over ages."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.models import futures
from analysis.models.bg_nbd import fit_bg_nbd
from analysis.models.histories import check_histories


@pytest.fixture(scope="module")
def fit(cdnow):
    return fit_bg_nbd(cdnow["x"], cdnow["t_x"], cdnow["T"])


def test_a_quarter_is_discounted_to_its_middle():
    """Two quarters of 91.3125 days (a quarter of a year): middles at 1/8 and 3/8 of a year, at 10 % and half
    margin."""
    horizon = futures.horizon_of([91.3125, 91.3125], 0.5, 0.10, "day")
    assert horizon.ends.tolist() == [91.3125, 182.625]
    assert horizon.worths == pytest.approx([0.5 * 1.1**-0.125, 0.5 * 1.1**-0.375])
    in_weeks = futures.horizon_of([91.3125 / 7] * 2, 0.5, 0.10, "week")
    assert in_weeks.worths == pytest.approx(horizon.worths)


@pytest.mark.parametrize(
    ("lengths", "margin", "rate", "message"),
    [
        ([], 1, 0.1, "quarter_lengths must be positive"),
        ([13, 0], 1, 0.1, "quarter_lengths must be positive"),
        ([13, np.nan], 1, 0.1, "quarter_lengths must be positive"),
        ([13], 1.2, 0.1, r"gross_margin must lie in \[0, 1\]"),
        ([13], 1, -1, "discount_rate_per_year must be above -1"),
    ],
)
def test_settings_out_of_range_are_refused(lengths, margin, rate, message):
    with pytest.raises(ValueError, match=message):
        futures.horizon_of(lengths, margin, rate, "week")


def test_worth_is_the_discounted_sum_of_each_quarters_purchases(fit):
    x, T = np.array([0.0, 5.0]), np.array([10.0, 38.0])
    horizon = futures.Horizon(np.array([13.0, 26.0, 40.0]), np.array([0.9, 0.8, 0.7]))
    until = [fit.purchases_if_staying(np.full(2, t), x, T) for t in (13.0, 26.0, 40.0)]
    worth, number = futures.worth_if_staying(fit, horizon, x, T)
    by_hand = 0.9 * until[0] + 0.8 * (until[1] - until[0]) + 0.7 * (until[2] - until[1])
    assert worth == pytest.approx(by_hand, rel=1e-12)
    assert number == pytest.approx(until[2])


def test_interpolation_over_ages_is_as_good_as_working_out_every_age(fit):
    """Ages from a day to five years, for few and many purchases, at drawn parameters."""
    x, T = (each.ravel() for each in np.meshgrid([0.0, 3.0, 60.0], np.arange(1, 1800) / 7.0))
    few_x, few_T = np.array([7.0, 7.0]), np.array([5.0, 9.0])
    x, T = np.concatenate([x, few_x]), np.concatenate([T, few_T])
    fits = fit.draw(6, np.random.default_rng(1))
    horizon = futures.horizon_of([13.0] * 4, 1.0, 0.10, "week")
    found = futures.worths_over_draws(fits, horizon, x, T, futures.age_scale(fit))
    every = np.column_stack([futures.worth_if_staying(each, horizon, x, T)[0] for each in fits])
    assert found.shape == (len(x), 6)
    assert found == pytest.approx(every, rel=1e-7)


def test_distinct_histories_lead_back_to_customers():
    histories = check_histories([0, 2, 0, 2], [0, 5, 0, 6], [9, 9, 9, 9])
    distinct = futures.distinct_histories(histories)
    assert distinct.of_customer.tolist() == [0, 1, 0, 2]
    assert distinct.x[distinct.of_customer].tolist() == [0, 2, 0, 2]
    assert distinct.pair.tolist() == [0, 1, 1]
    assert (distinct.pair_x.tolist(), distinct.pair_T.tolist()) == ([0, 2], [9, 9])
