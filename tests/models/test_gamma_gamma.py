"""Gamma-Gamma: the published numbers, lifetimes on the same rows, planted parameters, and its gate."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy.stats import spearmanr

from analysis.models import fit_gamma_gamma, spend_independence
from analysis.models.gamma_gamma import GammaGammaFit, evaluate, sums_of


@pytest.fixture(scope="module")
def fit(repeaters) -> GammaGammaFit:
    return fit_gamma_gamma(repeaters["x"], repeaters["mean_spend"])


def test_cdnow_parameters_as_published(fit):
    """Fader and Hardie (2013), note 025: 946 customers."""
    assert fit.n_customers == 946
    assert fit.params == pytest.approx({"p": 6.25, "q": 3.74, "v": 15.44}, abs=0.006)
    assert fit.log_likelihood == pytest.approx(-4055.92, abs=0.005)
    assert fit.status == "converged"


def test_same_optimum_and_errors_as_lifetimes(fit, repeaters, lifetimes, quiet):
    with quiet():
        other = lifetimes.GammaGammaFitter().fit(repeaters["x"], repeaters["mean_spend"])
    assert fit.log_likelihood == pytest.approx(-other._negative_log_likelihood_ * 946, rel=1e-8)
    assert fit.params == pytest.approx(other.params_.to_dict(), rel=1e-4)
    assert fit.standard_errors == pytest.approx(other.standard_errors_.to_dict(), rel=0.01)


def test_expected_spend_is_a_mean_of_own_and_population(fit):
    """Eq. 5: weight p x / (p x + q − 1) on the customer's own mean, the rest on p v / (q − 1)."""
    p, q, v = fit.params.values()
    assert fit.expected_spend(0, np.nan) == pytest.approx(p * v / (q - 1))
    assert fit.expected_spend(0, 1e9) == pytest.approx(35.17, abs=0.005)
    own = p * 3 / (p * 3 + q - 1)
    assert fit.expected_spend(3, 50.0) == pytest.approx(own * 50 + (1 - own) * p * v / (q - 1))


def test_expected_spend_equals_lifetimes(fit, repeaters):
    theirs = fit.as_lifetimes().conditional_expected_average_profit(repeaters["x"], repeaters["mean_spend"])
    ours = fit.expected_spend(repeaters["x"], repeaters["mean_spend"])
    assert ours == pytest.approx(theirs.to_numpy(), rel=1e-12)


def test_expected_spend_refuses_what_cannot_be(fit):
    with pytest.raises(ValueError, match=r"mean_spend must be 0 or more where x is not 0; row 1"):
        fit.expected_spend([0, 2], [np.nan, np.nan])


@pytest.mark.parametrize("params", [(6.0, 4.0, 15.0), (0.3, 1.2, 400.0), (50.0, 90.0, 2.0)])
def test_gradient_and_hessian_are_finite_differences(params):
    sums = sums_of(
        np.array([1.0, 1, 2, 7, 90]), np.array([20.0, 3, 55, 31, 12]), np.array([1.0, 2, 1, 0.5, 3])
    )
    theta, step = np.log(params), 1e-5
    _, gradient, hessian = evaluate(theta, sums)
    ahead = [evaluate(theta + step * unit, sums) for unit in np.eye(3)]
    behind = [evaluate(theta - step * unit, sums) for unit in np.eye(3)]
    slopes = [(f[0] - g[0]) / (2 * step) for f, g in zip(ahead, behind, strict=True)]
    bends = [(f[1] - g[1]) / (2 * step) for f, g in zip(ahead, behind, strict=True)]
    assert gradient == pytest.approx(slopes, rel=1e-6, abs=1e-6 * np.abs(gradient).max())
    assert hessian == pytest.approx(np.array(bends), rel=1e-6, abs=1e-7 * np.abs(hessian).max())


@pytest.mark.parametrize("planted", [(6.0, 4.0, 15.0), (1.5, 2.5, 800.0)])
def test_planted_parameters_come_back(simulate_spend, planted):
    """30,000 customers, seed 31: each log-parameter within 3.5 of its standard errors (fitted in stages)."""
    x = 1.0 + np.random.default_rng(31).geometric(0.3, 30_000)
    fit = fit_gamma_gamma(x, simulate_spend(x, 31, **dict(zip("pqv", planted, strict=True))))
    off = (np.log(list(fit.params.values())) - np.log(planted)) / np.sqrt(np.diag(fit.covariance))
    assert np.abs(off).max() < 3.5


def test_weights_count_customers(repeaters, fit):
    doubled = fit_gamma_gamma(repeaters["x"], repeaters["mean_spend"], np.full(946, 2))
    assert doubled.params == pytest.approx(fit.params, rel=1e-6)
    assert doubled.log_likelihood == pytest.approx(2 * fit.log_likelihood, rel=1e-12)


def test_money_may_be_in_any_unit(repeaters, fit):
    cents = fit_gamma_gamma(repeaters["x"], repeaters["mean_spend"] * 100)
    assert cents.params == pytest.approx(fit.params | {"v": fit.params["v"] * 100}, rel=1e-6)


def test_second_moment_of_the_level_is_that_of_the_posterior(fit):
    """A customer's level p/ν with ν ~ Gamma(p x + q, v + x m), simulated 4 million times, seed 33."""
    p, q, v = fit.params.values()
    levels = p / np.random.default_rng(33).gamma(p * 2 + q, 1 / (v + 2 * 30.0), 4_000_000)
    found = fit.mean_square_of_level(np.array([2.0]), np.array([30.0]))[0]
    assert found == pytest.approx((levels**2).mean(), rel=2e-3)


def test_a_level_without_variance_is_said_to_have_none():
    fit = fit_gamma_gamma([1] * 12, range(1, 13))
    tail = GammaGammaFit.with_log_params(fit, np.log([1.0, 1.5, 10.0]))
    assert tail.mean_square_of_level(np.zeros(1), np.zeros(1)) == np.inf  # q = 1.5 ≤ 2


@pytest.mark.parametrize(
    ("x", "spend", "n_wrong"), [([0, 1, 2], [5, 5, 6], 1), ([1, 1, 2], [0, -3, 6], 2), ([1, 1.5], [3, 3], 1)]
)
def test_rows_that_should_have_been_left_out_are_counted(x, spend, n_wrong):
    with pytest.raises(ValueError, match=rf"x >= 1 .* mean_spend > 0 .*\({n_wrong} such rows\)"):
        fit_gamma_gamma(x, spend)


@pytest.mark.parametrize(
    ("x", "spend", "reason"),
    [
        ([], [], "no customers"),
        ([1, 2, 3], [5, 6, 7], r"Too few repeat customers \(3\)"),
        ([1, 2] * 50, [9.99] * 100, r"spends the same \(9.99\)"),
        ([1, 2] * 50, [5, 6, 5, 6] * 25, "only 2 different"),
    ],
)
def test_data_that_teach_nothing_give_no_numbers(x, spend, reason):
    fit = fit_gamma_gamma(x, spend)
    assert fit.status == "degenerate"
    assert re.search(reason, fit.message) and fit.message_zh
    assert np.isnan([*fit.params.values(), fit.population_mean, fit.expected_spend(2, 5.0)]).all()


def test_spend_without_a_mean_is_not_used():
    """Spend with tail index 0.6 (planted q) has no mean: q ≤ 1 is degenerate and says so."""
    rng = np.random.default_rng(34)
    x = np.full(5000, 3.0)
    spend = rng.gamma(2.0 * x) / rng.gamma(0.6, 1 / 5.0, 5000) / x
    fit = fit_gamma_gamma(x, spend)
    assert fit.status == "degenerate"
    in_words = [float(re.search(r"q = (\d\.\d+)", text)[1]) for text in (fit.message, fit.message_zh)]
    assert in_words == pytest.approx([0.6, 0.6], abs=0.05)
    assert np.isnan(fit.expected_spend([0, 3], [0.0, 10.0])).all()


def test_cdnow_frequency_and_spend_go_together(repeaters):
    gate = spend_independence(repeaters["x"], repeaters["mean_spend"])
    assert gate.correlation == pytest.approx(0.21, abs=0.005)
    assert gate.correlation == pytest.approx(spearmanr(repeaters["x"], repeaters["mean_spend"]).statistic)
    assert 0.10 < gate.low < gate.correlation < gate.high
    assert gate.verdict == "with_care" and "beyond ±0.10" in gate.badge.rule


@pytest.mark.parametrize(
    ("planted", "verdict"),
    [(0.0, "trusted"), (0.2, "with_care"), (-0.2, "with_care"), (0.45, "do_not_use"), (-0.45, "do_not_use")],
)
def test_verdict_follows_the_nearer_bound(planted, verdict):
    """5,000 customers whose log spend correlates with log frequency as planted, seed 35."""
    rng = np.random.default_rng(35)
    u, w = rng.standard_normal((2, 5000))
    x = np.ceil(np.exp(1.5 + u))
    gate = spend_independence(x, np.exp(planted * u + (1 - planted**2) ** 0.5 * w))
    assert gate.verdict == verdict


def test_the_interval_is_worked_out_as_said():
    """n = 10, ranks 1–10 with the last two swapped: ρ = 1 − 6·2/990 = 0.98788; arctanh ρ = 2.5501;
    half-width 1.96 √((1 + ρ²/2)/7) = 0.9036; so tanh 1.6465 = 0.9284 to tanh 3.4537 = 0.9980."""
    spend = [1, 2, 3, 4, 5, 6, 7, 8, 10, 9]
    gate = spend_independence(range(1, 11), spend)
    assert (gate.correlation, gate.low, gate.high) == pytest.approx((0.98788, 0.9284, 0.9980), abs=1e-4)


@pytest.mark.parametrize(
    ("x", "spend"), [([1, 2], [3, 4]), ([2] * 20, range(1, 21)), (range(1, 21), [5] * 20)]
)
def test_what_cannot_be_told_is_used_with_care(x, spend):
    gate = spend_independence(x, spend)
    assert np.isnan(gate.correlation) and gate.verdict == "with_care"
