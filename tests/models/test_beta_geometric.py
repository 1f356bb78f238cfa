"""The shared likelihood and closed forms of BG/NBD and MBG/NBD, against their definitions."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import betaln, gammaln

from analysis.models import beta_geometric
from analysis.models.histories import check_histories

BOTH = pytest.mark.parametrize("coins_at_start", [0, 1])
PARAMS = {"r": 0.7, "alpha": 3.0, "a": 0.6, "b": 1.9}
SOME = {
    "x": [0, 0, 0, 1, 1, 2, 5, 12, 300, 3],
    "t_x": [0, 0, 0, 4, 0.5, 20, 29.5, 30, 31, 0],
    "T": [0, 12, 12, 4, 30, 31, 29.5, 39, 32, 7],
    "weights": [1, 2, 0, 1, 3.5, 1, 1, 1, 2, 1],
}


def as_printed(params, coins_at_start, x, t_x, T):
    """Log-likelihood of one customer as the papers print it: BG/NBD eq. 6, MBG/NBD appendix A."""
    r, alpha, a, b = params.values()
    tosses = x + coins_at_start
    front = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    stayed = betaln(a, b + tosses) - betaln(a, b) - (r + x) * np.log(alpha + T)
    if tosses == 0:
        return front + stayed
    left = betaln(a + 1, b + tosses - 1) - betaln(a, b) - (r + x) * np.log(alpha + t_x)
    return front + np.logaddexp(stayed, left)


@BOTH
def test_log_likelihood_is_the_printed_one(coins_at_start):
    histories = check_histories(**SOME)
    value, _, _ = beta_geometric.evaluate(
        np.log(list(PARAMS.values())), beta_geometric.sums_of(histories, coins_at_start, 7.0)
    )
    rows = zip(histories.x, histories.t_x, histories.T, strict=True)
    printed = [as_printed(PARAMS, coins_at_start, *row) for row in rows]
    assert value == pytest.approx(histories.weights @ printed, rel=1e-13)


@BOTH
@pytest.mark.parametrize("params", [(0.7, 3.0, 0.6, 1.9), (5.0, 40.0, 30.0, 2e3), (0.05, 0.1, 1e-4, 0.3)])
def test_gradient_and_hessian_are_finite_differences(coins_at_start, params):
    sums = beta_geometric.sums_of(check_histories(**SOME), coins_at_start, 7.0)
    theta, step = np.log(params), 1e-5
    _, gradient, hessian = beta_geometric.evaluate(theta, sums)
    ahead = [beta_geometric.evaluate(theta + step * unit, sums) for unit in np.eye(4)]
    behind = [beta_geometric.evaluate(theta - step * unit, sums) for unit in np.eye(4)]
    slopes = [(f[0] - g[0]) / (2 * step) for f, g in zip(ahead, behind, strict=True)]
    bends = [(f[1] - g[1]) / (2 * step) for f, g in zip(ahead, behind, strict=True)]
    assert gradient == pytest.approx(slopes, rel=1e-6, abs=1e-6 * np.abs(gradient).max())
    assert hessian == pytest.approx(np.array(bends), rel=1e-6, abs=1e-7 * np.abs(hessian).max())


@BOTH
def test_grouped_ages_change_nothing(coins_at_start, simulate, monkeypatch):
    people = simulate(3000, seed=2)
    T = np.ceil(people.T)
    histories, theta = check_histories(people.x, people.t_x, T), np.log(list(PARAMS.values()))

    def evaluated():
        return beta_geometric.evaluate(theta, beta_geometric.sums_of(histories, coins_at_start, 7.0))

    by_day = evaluated()
    monkeypatch.setattr(beta_geometric, "cells_of", lambda *columns: None)
    by_age = evaluated()
    monkeypatch.setattr(beta_geometric, "mostly_distinct", lambda values: True)
    row_by_row = evaluated()
    for in_cells, one, other in zip(by_day, by_age, row_by_row, strict=True):
        assert in_cells == pytest.approx(other, rel=1e-11)
        assert one == pytest.approx(other, rel=1e-11)


def by_integration(params, coins_at_start, t, x, T):
    """Expected purchases of a staying customer: (1 − (1 + p t/A)^−R)/p averaged over p ~ Beta(a, b +
    tosses)."""
    r, alpha, a, b = params.values()
    R, y, B = r + x, t / (alpha + T), b + x + coins_at_start

    def over_log_odds(w):
        log_p, log_q = -np.logaddexp(0, -w), -np.logaddexp(0, w)
        at_p = -np.expm1(-R * np.log1p(np.exp(log_p) * y))
        return np.exp(a * log_p + B * log_q - log_p - betaln(a, B)) * at_p

    centre = np.log(a / B)
    edges = centre + np.array([-300, -40, -10, -3, 0, 3, 10, 40])
    return sum(quad(over_log_odds, *pair, epsrel=1e-12, epsabs=0, limit=200)[0] for pair in pairwise(edges))


@BOTH
@pytest.mark.parametrize(
    ("a", "b", "t", "x", "T"),
    [
        (0.79, 2.43, 52.0, 26, 31.0),
        (0.79, 2.43, 13.0, 0, 0.0),
        (1.0, 2.43, 13.0, 3, 20.0),  # the closed form divides by a − 1
        (1 + 1e-9, 2.43, 13.0, 3, 20.0),
        (0.79, 2.43, 104.0, 400, 52.0),  # as printed, 2F1 overflows
        (6.0, 40.0, 26.0, 5, 100.0),
        (0.3, 5e4, 26.0, 5, 100.0),  # hardly anybody leaves
        (0.79, 2.43, 1e-6, 5, 100.0),
    ],
)
def test_expected_purchases_are_the_integral(coins_at_start, a, b, t, x, T):
    params = {"r": 0.25, "alpha": 4.4, "a": a, "b": b}
    t_, x_, T_ = (np.array([float(each)]) for each in (t, x, T))
    found = beta_geometric.purchases_if_staying(params, coins_at_start, t_, x_, T_)[0]
    assert found == pytest.approx(by_integration(params, coins_at_start, t, x, T), rel=1e-8)


def test_the_average_over_leaving_needs_no_hypergeometric_function():
    rng = np.random.default_rng(4)
    t, x, T = (
        np.exp(rng.uniform(-3, 5, 500)),
        rng.integers(0, 100, 500).astype(float),
        rng.uniform(1, 150, 500),
    )
    expected = beta_geometric.purchases_if_staying(PARAMS, 0, t, x, T)
    R, y = (PARAMS["r"] + x)[:, None], (t / (PARAMS["alpha"] + T))[:, None]
    average = beta_geometric.mean_over_leaving(
        lambda p: beta_geometric.purchases_at(p, R, y), PARAMS["a"], PARAMS["b"] + x
    )
    assert average == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("params", [(1e-5, 1e5), (1e-5, 1e-5), (1e5, 1e5), (0.8, 1e5), (1e5, 0.1)])
def test_edges_of_the_parameters_give_numbers_within_bounds(params):
    rng = np.random.default_rng(5)
    t, x, T = (
        np.exp(rng.uniform(-3, 5, 200)),
        rng.integers(0, 200, 200).astype(float),
        rng.uniform(0, 150, 200),
    )
    expected = beta_geometric.purchases_if_staying(
        {"r": 0.25, "alpha": 4.4, "a": params[0], "b": params[1]}, 0, t, x, T
    )
    most = (0.25 + x) * t / (4.4 + T)
    least = beta_geometric.purchases_at(params[0] / (sum(params) + x), 0.25 + x, t / (4.4 + T))
    assert ((expected <= most * (1 + 1e-8)) & (expected >= least * (1 - 1e-8))).all()


def test_nothing_is_bought_in_no_time():
    zero = np.zeros(3)
    assert beta_geometric.purchases_if_staying(PARAMS, 0, zero, np.arange(3.0), zero).tolist() == [0, 0, 0]


@BOTH
def test_pairs_of_purchases_split_over_stretches_as_products_do(coins_at_start):
    """With worths 1 the split of the time ahead must not matter; worths of c scale pairs by c²."""
    x, T = np.array([0.0, 3.0, 40.0]), np.array([5.0, 30.0, 35.0])
    pairs = beta_geometric.pairs_if_staying
    whole = pairs(PARAMS, coins_at_start, np.array([40.0]), np.ones(1), x, T)
    parts = pairs(PARAMS, coins_at_start, np.array([10.0, 15.0, 40.0]), np.ones(3), x, T)
    assert parts == pytest.approx(whole, rel=1e-6)
    assert pairs(PARAMS, coins_at_start, np.array([40.0]), np.full(1, 3.0), x, T) == pytest.approx(9 * whole)


def test_too_few_or_too_alike_histories_are_refused_with_a_reason():
    def why(x, t_x, T):
        histories = check_histories(x, t_x, T)
        found = beta_geometric.why_not_fittable(histories, beta_geometric.sums_of(histories, 0, 7.0))
        return found and found[0]

    assert why([], [], []) == "no_customers"
    assert why([0, 0], [0, 0], [5, 6]) == "nobody_repeats"
    assert why([1, 2, 0], [1, 2, 0], [5, 6, 7]) == "too_few_repeaters"
    assert why([1] * 50, [3] * 50, [5] * 50) == "too_alike"
    assert why(range(1, 21), range(1, 21), [30] * 20) is None
