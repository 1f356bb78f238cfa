"""Limits of sums, differences, ratios and products, against published numbers, identities and a second method."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analysis.metrics.intervals import wilson_interval
from analysis.metrics.mover import mover_difference, mover_product, mover_ratio, mover_sum


def wilson(positive, n):
    return (positive / n, *(float(limit) for limit in wilson_interval(positive, n)))


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        # Newcombe (1998), Statistics in Medicine 17, 873–890, table II, method 10
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
    ],
)
def test_difference_of_shares_is_newcombes_hybrid_score(first, second, low, high):
    found = mover_difference(*wilson(*first), *wilson(*second))
    assert np.round(found, 4) == pytest.approx([low, high])


def test_ratio_of_shares_is_the_published_one():
    # 7 of 34 against 1 of 34, MOVER-R with Wilson limits: 7.0000 (1.1537 to 41.9763), as computed by the
    # software to Fagerland, Lydersen & Laake (2017), Statistical Analysis of Contingency Tables, chapter 4
    found = mover_ratio(*wilson(7, 34), *wilson(1, 34))
    assert np.round(found, 4) == pytest.approx([1.1537, 41.9763])


def fieller(value_1, error_1, value_2, error_2, z=1.96):
    g = (z * error_2 / value_2) ** 2
    ratio = value_1 / value_2
    half = z / value_2 * math.sqrt(error_1**2 + ratio**2 * error_2**2 - g * error_1**2)
    return (ratio - half) / (1 - g), (ratio + half) / (1 - g)


@pytest.mark.parametrize("value_1", [10.0, 1.0, 0.0, -1.0, -10.0])
def test_ratio_of_symmetric_intervals_is_fiellers(value_1):
    def symmetric(value, error):
        return value, value - 1.96 * error, value + 1.96 * error

    for error_1, error_2 in [(1.5, 0.4), (0.1, 2.0), (3.0, 0.0)]:
        found = mover_ratio(*symmetric(value_1, error_1), *symmetric(5.0, error_2))
        assert found == pytest.approx(fieller(value_1, error_1, 5.0, error_2))


def test_ratio_limits_are_where_the_difference_touches_zero():
    random = np.random.default_rng(8)
    for _ in range(200):
        value_1, value_2 = random.normal(0, 5), random.uniform(1, 5)
        first = (value_1, value_1 - random.exponential(4), value_1 + random.exponential(4))
        second = (value_2, value_2 * random.uniform(0.1, 1), value_2 + random.exponential(6))
        low, high = mover_ratio(*first, *second)
        assert low <= value_1 / value_2 <= high
        for limit, side in ((low, 0), (high, 1)):
            scaled = sorted(limit * x for x in second[1:])
            assert mover_difference(*first, limit * value_2, *scaled)[side] == pytest.approx(0, abs=1e-8)


def test_ratio_turns_with_its_signs_and_is_open_when_the_denominator_may_be_zero():
    low, high = mover_ratio(6, 4, 9, 3, 2, 5)
    assert mover_ratio(-6, -9, -4, 3, 2, 5) == pytest.approx((-high, -low))
    assert mover_ratio(6, 4, 9, -3, -5, -2) == pytest.approx((-high, -low))
    assert np.isnan(mover_ratio(6, 4, 9, 3, 0, 5)).all()
    # high₂ = 2·value₂ makes the quadratic term vanish
    assert mover_ratio(6, 4, 9, 3, 2, 6)[0] == pytest.approx(4 * (12 - 4) / (2 * 6 * 3))


def test_against_a_fixed_number_every_form_only_moves_the_limits():
    fixed = (4.0, 4.0, 4.0)
    assert mover_sum(10, 7, 15, *fixed) == pytest.approx((11, 19))
    assert mover_difference(*fixed, 10, 7, 15) == pytest.approx((-11, -3))
    assert mover_product(10, 7, 15, *fixed) == (28, 60)
    assert mover_product(10, 7, 15, -2, -2, -2) == (-30, -14)
    assert mover_ratio(10, 7, 15, *fixed) == pytest.approx((7 / 4, 15 / 4))
    assert mover_ratio(*fixed, 10, 7, 15) == pytest.approx((4 / 15, 4 / 7))


def test_a_product_does_not_depend_on_the_order():
    random = np.random.default_rng(9)
    for _ in range(100):
        values = random.uniform(0.5, 5, 2)
        triples = [(v, v * random.uniform(0.1, 1), v * random.uniform(1, 3)) for v in values]
        low, high = mover_product(*triples[0], *triples[1])
        assert (low, high) == mover_product(*triples[1], *triples[0])
        assert low <= values[0] * values[1] <= high


def test_a_product_of_small_errors_is_the_delta_method():
    # sqrt((5·.01)² + (3·.02)²) = .078102
    low, high = mover_product(3, 2.99, 3.01, 5, 4.98, 5.02)
    assert (low, high) == pytest.approx((15 - 0.078102, 15 + 0.078102), abs=1e-3)


def test_a_factor_that_may_be_zero_is_fine_but_not_two():
    low, high = mover_product(1, -2, 4, 5, 4, 6)
    assert low < 0 < high
    assert (low, high) == pytest.approx(mover_ratio(1, -2, 4, 1 / 5, 1 / 6, 1 / 4))
    assert np.isnan(mover_product(1, -2, 4, 1, -1, 3)).all()
