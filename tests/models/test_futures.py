"""Worth of future purchases, its discount and its interpolation over ages."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.models import beta_geometric, fit_bg_nbd, fit_cohort_mean, fit_mbg_nbd, futures


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


@pytest.mark.parametrize("worths", [(0.9, 0.9, 0.7), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (0.7, 0.9, 0.9)])
def test_stretches_of_one_worth_are_worth_what_each_adds(fit, worths):
    x, T = np.array([0.0, 5.0]), np.array([10.0, 38.0])
    until = [fit.purchases_if_staying(np.full(2, t), x, T) for t in (13.0, 26.0, 40.0)]
    worth, number = futures.worth_if_staying(
        fit, futures.Horizon(np.array([13.0, 26.0, 40.0]), np.array(worths)), x, T
    )
    by_hand = worths[0] * until[0] + worths[1] * (until[1] - until[0]) + worths[2] * (until[2] - until[1])
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
    columns = [np.array(each, float) for each in ([0, 2, 0, 2], [0, 5, 0, 6], [9, 9, 9, 9])]
    distinct = futures.distinct_histories(*columns, "week")
    assert distinct.of_customer.tolist() == [0, 1, 0, 2]
    assert distinct.x[distinct.of_customer].tolist() == [0, 2, 0, 2]
    assert distinct.pair.tolist() == [0, 1, 1]
    assert (distinct.pair_x.tolist(), distinct.pair_T.tolist()) == ([0, 2], [9, 9])


@pytest.mark.parametrize("fit_one", [fit_bg_nbd, fit_mbg_nbd, fit_cohort_mean])
@pytest.mark.parametrize("held", [0, 5_000])
def test_staying_factors_over_draws_are_those_of_each_draw(cdnow, fit_one, held, monkeypatch):
    monkeypatch.setattr(beta_geometric, "MOST_TIMES_HELD", held)
    columns = [np.append(cdnow[name], more) for name, more in (("x", 900.0), ("t_x", 20.0), ("T", 39.0))]
    fit = fit_one(*columns)
    distinct = futures.distinct_histories(*columns, "week")
    fits = fit.draw(5, np.random.default_rng(2))
    staying = futures.staying_over_draws(fits, distinct)
    some = slice(10, 700)
    each = [one.staying_factor(distinct.x[some], distinct.t_x[some], distinct.T[some]) for one in fits]
    assert staying.of(some) == pytest.approx(np.column_stack(each), rel=1e-11)
    assert staying.of(slice(0, len(distinct.x))).shape == (len(distinct.x), 5)
