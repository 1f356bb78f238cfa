"""Customer values: worked examples, identities, and intervals that keep their promise."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.models import (
    expected_values,
    fit_bg_nbd,
    fit_cohort_mean,
    fit_gamma_gamma,
    fit_mbg_nbd,
    fit_mean_spend,
    lifetime_value,
    new_customer_value,
    value_customers,
)

QUARTERS = np.array([92, 90, 91, 92]) / 7
TRUE_PURCHASES = {"r": 0.25, "alpha": 4.5, "a": 0.8, "b": 2.5}
TRUE_SPEND = {"p": 6.0, "q": 4.0, "v": 15.0}


@pytest.fixture(scope="module")
def fits(cdnow, repeaters):
    return (
        fit_bg_nbd(cdnow["x"], cdnow["t_x"], cdnow["T"]),
        fit_gamma_gamma(repeaters["x"], repeaters["mean_spend"]),
    )


@pytest.fixture(scope="module")
def columns(cdnow):
    return cdnow["x"], cdnow["t_x"], cdnow["T"], cdnow["mean_spend"]


@pytest.fixture(scope="module")
def values(fits, columns):
    return value_customers(*fits, *columns, quarter_lengths=QUARTERS, gross_margin=0.4)


def test_a_value_is_the_sum_over_quarters(fits, values, cdnow):
    """Each quarter's own expected purchases × spend × margin × 1.1^−(years to its middle)."""
    purchases, spend = fits
    row = cdnow.iloc[0]
    by_hand, start = 0.0, 0.0
    for length in QUARTERS:
        until, before = (
            purchases.expected_purchases(t, row["x"], row["t_x"], row["T"]) for t in (start + length, start)
        )
        years = (start + length / 2) * 7 / 365.25
        by_hand += (until - before) * spend.expected_spend(row["x"], row["mean_spend"]) * 0.4 * 1.1**-years
        start += length
    assert values.clv[0] == pytest.approx(by_hand, rel=1e-12)


def test_parts_are_the_models_own(fits, columns, values):
    purchases, spend = fits
    x, t_x, T, mean_spend = columns
    assert values.p_alive == pytest.approx(purchases.p_alive(x, t_x, T), rel=1e-14)
    assert values.expected_purchases == pytest.approx(purchases.expected_purchases(QUARTERS.sum(), x, t_x, T))
    assert values.expected_spend == pytest.approx(spend.expected_spend(x, mean_spend))


def test_without_discount_and_margin_value_is_purchases_times_spend(fits, columns):
    values = value_customers(*fits, *columns, quarter_lengths=[52], discount_rate_per_year=0)
    assert values.clv == pytest.approx(values.expected_purchases * values.expected_spend)


def test_splitting_the_horizon_changes_only_the_discount(fits, columns):
    one, four = (
        value_customers(*fits, *columns, quarter_lengths=lengths, discount_rate_per_year=0, n_draws=10)
        for lengths in ([52], [13, 13, 13, 13])
    )
    assert four.clv == pytest.approx(one.clv, rel=1e-12)
    assert four.clv_noise_sd == pytest.approx(one.clv_noise_sd, rel=1e-6)


def test_the_total_is_the_sum_and_lies_in_its_interval(values):
    assert float(values.total) == pytest.approx(values.clv.sum())
    assert values.total.low < values.total.total < values.total.high
    assert (values.clv_low < values.clv).all() and (values.clv < values.clv_high).all()
    assert values.total.noise_sd == pytest.approx(np.sqrt((values.clv_noise_sd**2).sum()))


def test_groups_sum_to_the_total_and_everybody_is_the_total(values, cdnow):
    groups = values.sum_interval(np.where(cdnow["x"] > 0, "repeat", "once"))
    assert groups.index.tolist() == ["once", "repeat"]
    assert groups["total"].sum() == pytest.approx(values.total.total)
    assert groups["customers"].tolist() == [1411, 946]
    everybody = values.sum_interval(np.ones(len(cdnow), dtype=bool))
    for name in ("customers", "total", "low", "high", "parameter_sd", "noise_sd"):
        assert getattr(everybody, name) == pytest.approx(getattr(values.total, name), rel=1e-9)


def test_a_group_of_one_has_its_customers_interval(values, cdnow):
    alone = np.arange(len(cdnow)) == 5
    found = values.sum_interval(alone)
    assert (found.total, found.low, found.high, found.noise_sd) == pytest.approx(
        (values.clv[5], values.clv_low[5], values.clv_high[5], values.clv_noise_sd[5]), rel=1e-9
    )


def test_customers_without_a_group_are_left_out(values, cdnow):
    names = np.where(cdnow["x"] > 0, "repeat", None)
    groups = values.sum_interval(names)
    assert groups.index.tolist() == ["repeat"]
    assert groups.loc["repeat", "total"] == pytest.approx(values.clv[cdnow["x"] > 0].sum())
    with pytest.raises(ValueError, match="lengths differ"):
        values.sum_interval(names[:-1])


def test_blocks_of_rows_change_nothing(fits, columns, values, monkeypatch):
    monkeypatch.setattr(lifetime_value, "VALUES_AT_ONCE", 200 * 101)
    small = value_customers(*fits, *columns, quarter_lengths=QUARTERS, gross_margin=0.4)
    assert small.clv_low == pytest.approx(values.clv_low, rel=1e-12)
    assert small.total.high == pytest.approx(values.total.high, rel=1e-12)
    mask = np.arange(len(small.clv)) % 3 == 0
    assert small.sum_interval(mask).high == pytest.approx(values.sum_interval(mask).high, rel=1e-12)


@pytest.mark.parametrize("n_draws", [2, 3, 41, 200])
def test_bounds_are_the_quantiles_of_the_draws(n_draws):
    values = np.sort(np.random.default_rng(64).gamma(0.3, size=(50, n_draws)), axis=1)
    for share in (0.025, 0.975):
        found = lifetime_value.sorted_quantile(values, share)
        assert found == pytest.approx(np.quantile(values, share, axis=1), rel=1e-12)


def test_each_bound_is_the_quantile_of_values_at_drawn_parameters(fits, columns, values):
    """Worked out fit by fit for three customers: the draws of both models, made one after the other."""
    rng, some = np.random.default_rng(0), [1, 20, 2000]
    drawn = list(zip(fits[0].draw(200, rng), lifetime_value.draw_with_mean(fits[1], 200, rng), strict=True))
    chosen = [np.asarray(column)[some] for column in columns]
    each = [expected_values(*pair, *chosen, quarter_lengths=QUARTERS, gross_margin=0.4).clv for pair in drawn]
    low, high = np.quantile(each, (0.025, 0.975), axis=0)
    assert values.clv_low[some] == pytest.approx(low, rel=1e-7)  # ages are interpolated over draws
    assert values.clv_high[some] == pytest.approx(high, rel=1e-7)


def test_the_same_seed_gives_the_same_interval(fits, columns, values):
    def again(seed):
        return value_customers(*fits, *columns, quarter_lengths=QUARTERS, gross_margin=0.4, seed=seed)

    assert (again(0).clv_high == values.clv_high).all()
    assert (again(1).clv_high != values.clv_high).any()
    assert again(1).total.high == pytest.approx(values.total.high, rel=0.03)


@pytest.mark.slow
def test_the_interval_is_the_spread_of_refitted_values(cdnow, columns, values):
    """60 bootstrap samples of the customers, seed 61: their totals at refitted parameters spread as the draws
    do (± 30 %)."""
    rng, totals = np.random.default_rng(61), []
    for _ in range(60):
        some = cdnow.iloc[rng.integers(0, len(cdnow), len(cdnow))]
        spenders = some[(some["x"] > 0) & (some["mean_spend"] > 0)]
        refitted = (
            fit_bg_nbd(some["x"], some["t_x"], some["T"]),
            fit_gamma_gamma(spenders["x"], spenders["mean_spend"]),
        )
        found = value_customers(*refitted, *columns, quarter_lengths=QUARTERS, gross_margin=0.4, n_draws=2)
        totals.append(found.total.total)
    assert np.std(totals) == pytest.approx(values.total.parameter_sd, rel=0.3)


def test_noise_is_that_of_simulated_futures(simulate, simulate_spend, fits):
    """200,000 new customers, seed 62: mean and standard deviation of what they brought in 26 undiscounted
    weeks."""
    people = simulate(200_000, seed=62, observed=26, **TRUE_PURCHASES)
    brought = people.x * simulate_spend(people.x, 63, **TRUE_SPEND) * 0.4
    purchases, spend = (
        fit.with_log_params(np.log(list(truth.values())))
        for fit, truth in zip(fits, (TRUE_PURCHASES, TRUE_SPEND), strict=True)
    )
    new = value_customers(
        purchases,
        spend,
        [0],
        [0],
        [0],
        [0],
        quarter_lengths=[13, 13],
        gross_margin=0.4,
        discount_rate_per_year=0,
    )
    assert new.clv[0] == pytest.approx(brought.mean(), abs=4 * brought.std() / 200_000**0.5)
    assert new.clv_noise_sd[0] == pytest.approx(brought.std(), rel=0.03)


def test_mbg_nbd_and_means_can_value_customers(cdnow, repeaters, columns):
    x, t_x, T, _ = columns
    spend = fit_mean_spend(repeaters["x"], repeaters["mean_spend"])
    for purchases in (fit_mbg_nbd(x, t_x, T), fit_cohort_mean(x, t_x, T)):
        values = value_customers(purchases, spend, *columns, quarter_lengths=QUARTERS)
        assert np.isfinite([values.clv, values.clv_low, values.clv_noise_sd]).all()
        assert values.total.low < values.total.total < values.total.high
    assert np.isnan(values.p_alive).all()


def test_a_degenerate_model_gives_no_values_but_what_the_other_says(fits, columns):
    purchases, spend = fits
    nobody, nothing = fit_bg_nbd([], [], []), fit_gamma_gamma([], [])
    without = value_customers(purchases, nothing, *columns, quarter_lengths=QUARTERS)
    assert np.isnan(without.clv).all() and np.isnan(without.total.total)
    assert np.isfinite(without.expected_purchases).all() and np.isnan(without.expected_spend).all()
    without = value_customers(nobody, spend, *columns, quarter_lengths=QUARTERS)
    assert np.isnan(without.p_alive).all() and np.isfinite(without.expected_spend).all()
    assert np.isnan(without.sum_interval(np.arange(2357) % 2)["total"]).all()


def test_no_customers_are_worth_nothing(fits):
    values = value_customers(*fits, [], [], [], [], quarter_lengths=QUARTERS)
    assert (len(values.clv), values.total.total, values.total.customers) == (0, 0, 0)


def test_what_cannot_be_is_refused(fits):
    def value(x=(1,), mean_spend=(5.0,), **settings):
        return value_customers(*fits, x, (1,), (2,), mean_spend, **{"quarter_lengths": [13], **settings})

    with pytest.raises(ValueError, match="mean_spend must be 0 or more where x is not 0; row 0"):
        value(mean_spend=(np.nan,))
    with pytest.raises(ValueError, match="lengths differ"):
        value(mean_spend=(5.0, 6.0))
    with pytest.raises(ValueError, match="n_draws must be at least 2"):
        value(n_draws=1)
    with pytest.raises(ValueError, match="quarter_lengths"):
        value(quarter_lengths=[])


def test_draws_without_a_mean_spend_are_drawn_anew(simulate_spend):
    """With q near 1 many draws fall below it, where no mean exists; none may be used."""
    x = np.ones(60)
    fit = fit_gamma_gamma(x, simulate_spend(x, 65, p=2.0, q=1.6, v=20.0))
    assert fit.is_usable
    close = fit.with_log_params(np.log([fit.params["p"], 1.02, fit.params["v"]]))
    assert any(each.params["q"] <= 1 for each in close.draw(100, np.random.default_rng(0)))
    drawn = lifetime_value.draw_with_mean(close, 100, np.random.default_rng(0))
    assert len(drawn) == 100 and all(each.params["q"] > 1 for each in drawn)


def test_a_new_customer_is_first_order_and_expected_repeats(fits):
    purchases, spend = fits
    one = new_customer_value(
        *fits, 12.0, quarter_lengths=QUARTERS, gross_margin=0.4, discount_rate_per_year=0
    )
    repeats = purchases.expected_purchases_new_customer(QUARTERS.sum())
    assert one.expected_repeat_purchases == pytest.approx(repeats)
    assert one.repeat_margin == pytest.approx(repeats * spend.population_mean * 0.4)
    assert one.value == pytest.approx(12 + one.repeat_margin)
    assert 12 < one.low < one.value < one.high
    assert isinstance(one.value, float)


def test_new_customers_may_be_asked_for_by_channel(fits):
    both = new_customer_value(*fits, [12.0, 20.0], quarter_lengths=QUARTERS)
    assert (both.value - both.first_order_margin).tolist() == pytest.approx([both.repeat_margin] * 2)
    assert np.isnan(new_customer_value(fits[0], fit_gamma_gamma([], []), 12.0, quarter_lengths=[13]).value)


@pytest.mark.slow
def test_intervals_of_the_total_cover_as_promised(simulate, simulate_spend, fits):
    """400 samples of 1,500 customers, seeds 1000–1399.

    The 95 % interval must hold the expected total at the planted parameters, and the predictive one what the
    customers really brought, in 95 % ± 3.3 points (three errors of a share in 400).
    """
    true_purchases, true_spend = (
        fit.with_log_params(np.log(list(truth.values())))
        for fit, truth in zip(fits, (TRUE_PURCHASES, TRUE_SPEND), strict=True)
    )
    expected_inside = realised_inside = 0
    for seed in range(1000, 1400):
        people = simulate(1_500, seed=seed, observed=45, ahead=26, **TRUE_PURCHASES)
        rng = np.random.default_rng(seed)
        level = rng.gamma(TRUE_SPEND["q"], 1 / TRUE_SPEND["v"], 1_500)
        some, later = np.maximum(people.x, 1), np.maximum(people.future, 1)
        mean_spend = np.where(people.x > 0, rng.gamma(6.0 * some) / level / some, 0.0)
        brought = np.where(people.future > 0, rng.gamma(6.0 * later) / level, 0.0).sum()
        columns = people.x, people.t_x, people.T, mean_spend
        fitted = fit_bg_nbd(*columns[:3]), fit_gamma_gamma(people.x[people.x > 0], mean_spend[people.x > 0])
        asked = {"quarter_lengths": [26], "discount_rate_per_year": 0.0}
        found = value_customers(*fitted, *columns, **asked, n_draws=100, seed=seed).total
        truth = value_customers(true_purchases, true_spend, *columns, **asked, n_draws=2).total.total
        expected_inside += found.low <= truth <= found.high
        realised_inside += found.predictive_low <= brought <= found.predictive_high
    assert expected_inside / 400 == pytest.approx(0.95, abs=0.033)
    assert realised_inside / 400 == pytest.approx(0.95, abs=0.033)
