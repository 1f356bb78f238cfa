"""Expected values of every customer: the models' own numbers, and lifetimes', reached another way."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.models import (
    expected_values,
    fit_bg_nbd,
    fit_cohort_mean,
    fit_gamma_gamma,
    fit_mbg_nbd,
    fit_mean_spend,
    value_customers,
)

QUARTERS = np.array([92, 90, 91, 92]) / 7


@pytest.fixture(scope="module")
def spend_fit(repeaters):
    return fit_gamma_gamma(repeaters["x"], repeaters["mean_spend"])


@pytest.fixture(scope="module", params=[fit_bg_nbd, fit_mbg_nbd])
def purchase_fit(request, cdnow):
    return request.param(cdnow["x"], cdnow["t_x"], cdnow["T"])


@pytest.fixture(scope="module")
def customers(simulate, simulate_spend) -> pd.DataFrame:
    """20,000 simulated customers in whole days, more than one block of rows, some with many purchases."""
    people = simulate(20_000, seed=81, r=0.5)
    x = np.where(np.arange(20_000) % 1000 == 7, 150.0, people.x)
    T = np.ceil(people.T * 7) / 7
    t_x = np.where(x == 0, 0.0, np.minimum(np.ceil(people.t_x * 7) / 7, T))
    return pd.DataFrame({"x": x, "t_x": t_x, "T": T, "mean_spend": simulate_spend(x, 82)})


def columns_of(customers: pd.DataFrame) -> tuple[pd.Series, ...]:
    return tuple(customers[name] for name in ("x", "t_x", "T", "mean_spend"))


def test_numbers_are_the_models_own(purchase_fit, spend_fit, customers):
    """Asked of the models row by row: purchases, P(alive), spend, and each quarter's discounted margin."""
    x, t_x, T, mean_spend = columns = columns_of(customers)
    found = expected_values(purchase_fit, spend_fit, *columns, quarter_lengths=QUARTERS, gross_margin=0.4)
    spend = spend_fit.expected_spend(x, mean_spend)
    value, before, start = 0.0, 0.0, 0.0
    for length in QUARTERS:
        until = purchase_fit.expected_purchases(start + length, x, t_x, T)
        years = (start + length / 2) * 7 / 365.25
        value = value + (until - before) * spend * 0.4 * 1.1**-years
        before, start = until, start + length
    assert found.p_alive == pytest.approx(purchase_fit.p_alive(x, t_x, T), rel=1e-13)
    assert found.expected_purchases == pytest.approx(before, rel=1e-12)
    assert found.expected_spend == pytest.approx(spend, rel=1e-13)
    assert found.clv == pytest.approx(value, rel=1e-10)
    assert found.total == pytest.approx(np.sum(value), rel=1e-11)


def test_numbers_equal_lifetimes(purchase_fit, spend_fit, customers):
    """Where lifetimes is finite: its 2F1 overflows for some of those with 150 purchases."""
    x, t_x, T, mean_spend = columns = columns_of(customers)
    other, other_spend = purchase_fit.as_lifetimes(), spend_fit.as_lifetimes()
    weeks = 4 * 4.345
    found = expected_values(
        purchase_fit, spend_fit, *columns, quarter_lengths=[4.345] * 4, discount_rate_per_year=0
    )
    with np.errstate(all="ignore"):
        purchases = other.conditional_expected_number_of_purchases_up_to_time(weeks, x, t_x, T).to_numpy()
        alive = np.asarray(other.conditional_probability_alive(x, t_x, T))
        value = other_spend.customer_lifetime_value(
            other, *columns, time=4, discount_rate=0, freq="W"
        ).to_numpy()
    finite = np.isfinite(purchases) & np.isfinite(value)
    assert finite.mean() > 0.99
    assert found.p_alive == pytest.approx(alive, rel=1e-9)
    assert found.expected_purchases[finite] == pytest.approx(purchases[finite], rel=1e-9)
    assert found.clv[finite] == pytest.approx(value[finite], rel=1e-9)


def test_they_are_those_of_valued_customers(purchase_fit, spend_fit, cdnow):
    columns = columns_of(cdnow)
    values = value_customers(purchase_fit, spend_fit, *columns, quarter_lengths=QUARTERS, n_draws=2)
    found = expected_values(purchase_fit, spend_fit, *columns, quarter_lengths=QUARTERS)
    for name in ("p_alive", "expected_purchases", "expected_spend", "clv"):
        assert (getattr(found, name) == getattr(values, name)).all()
    assert found.total == pytest.approx(values.total.total, rel=1e-12)


@pytest.mark.parametrize("shift_weeks", [0.0, 0.01])
def test_times_need_not_be_whole_days(purchase_fit, spend_fit, customers, shift_weeks):
    some = customers.head(500).assign(T=lambda known: known["T"] + shift_weeks)
    found = expected_values(purchase_fit, spend_fit, *columns_of(some), quarter_lengths=[13])
    asked = purchase_fit.expected_purchases(13, some["x"], some["t_x"], some["T"])
    assert found.expected_purchases == pytest.approx(asked, rel=1e-12)


def test_the_order_of_customers_is_kept(purchase_fit, spend_fit, customers):
    found = expected_values(purchase_fit, spend_fit, *columns_of(customers), quarter_lengths=QUARTERS)
    back = expected_values(purchase_fit, spend_fit, *columns_of(customers[::-1]), quarter_lengths=QUARTERS)
    assert back.clv[::-1] == pytest.approx(found.clv, rel=1e-14)


def test_means_can_stand_in_and_do_not_tell_who_left(cdnow, repeaters):
    x, t_x, T, mean_spend = columns_of(cdnow)
    rate, spend = fit_cohort_mean(x, t_x, T), fit_mean_spend(repeaters["x"], repeaters["mean_spend"])
    found = expected_values(
        rate, spend, x, t_x, T, mean_spend, quarter_lengths=[10], discount_rate_per_year=0
    )
    assert np.isnan(found.p_alive).all()
    assert found.clv == pytest.approx(np.full(2357, 10 * rate.rate * spend.population_mean))


def test_a_degenerate_model_gives_no_values_but_what_the_other_says(purchase_fit, spend_fit, cdnow):
    columns = columns_of(cdnow)
    without = expected_values(purchase_fit, fit_gamma_gamma([], []), *columns, quarter_lengths=[13])
    assert np.isnan([*without.clv, *without.expected_spend, without.total]).all()
    assert np.isfinite([without.expected_purchases, without.p_alive]).all()
    without = expected_values(fit_bg_nbd([], [], []), spend_fit, *columns, quarter_lengths=[13])
    assert np.isnan([without.clv, without.p_alive, without.expected_purchases]).all()
    assert np.isfinite(without.expected_spend).all()


def test_no_customers_are_worth_nothing(purchase_fit, spend_fit):
    nobody = expected_values(purchase_fit, spend_fit, [], [], [], [], quarter_lengths=[13])
    assert (len(nobody.clv), nobody.total) == (0, 0.0)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"x": [1.0, 1.5]}, r"x must be a whole number, 0 or more; row 1"),
        ({"t_x": [1.0, 9.0]}, r"0 <= t_x <= T must hold; row 1"),
        ({"T": [2.0, np.nan]}, r"T must be a finite number; row 1"),
        ({"mean_spend": [3.0, -1.0]}, r"mean_spend must be 0 or more where x is not 0; row 1"),
        ({"mean_spend": [3.0]}, "lengths differ"),
        ({"quarter_lengths": [0]}, "quarter_lengths"),
    ],
)
def test_what_cannot_be_is_refused(purchase_fit, spend_fit, changed, message):
    asked = {"x": [1, 2], "t_x": [1, 2], "T": [2, 3], "mean_spend": [5, 5], "quarter_lengths": [13]} | changed
    with pytest.raises(ValueError, match=message):
        expected_values(purchase_fit, spend_fit, **asked)
