"""Shares and their comparison, against published numbers and statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint, proportions_ztest

from analysis.models.shares import compare_shares, design_effects, wilson_limits


def compared(*counts: float):
    return compare_shares(*(np.array([float(count)]) for count in counts), 0.95).iloc[0]


@pytest.mark.parametrize(("mentions", "n"), [(0, 10), (1, 29), (15, 148), (81, 263), (10, 10)])
def test_limits_of_a_share_are_wilsons(mentions, n):
    low, high = wilson_limits(mentions, n, 0.95)
    assert (low, high) == pytest.approx(proportion_confint(mentions, n, method="wilson"), abs=1e-12)


def test_nothing_has_no_limits():
    assert np.isnan(wilson_limits(0, 0, 0.95)).all()


def test_the_difference_has_newcombes_limits():
    # Newcombe (1998), table II: 56/70 − 48/80, method 10: 0.0524 to 0.3339
    row = compared(56, 70, 48, 80)
    assert row["difference"] == pytest.approx(0.2)
    assert (row["difference_low"], row["difference_high"]) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_the_test_is_the_pooled_one_of_two_shares():
    z, p_value = proportions_ztest([56, 48], [70, 80])
    assert tuple(compared(56, 70, 48, 80)[["z", "p_value"]]) == pytest.approx((z, p_value))


def test_few_expected_comments_are_tested_exactly():
    # 3 of 3 against 0 of 3: of the 20 ways to choose 3 of 6, the two extreme ones, 2/20
    assert compared(3, 3, 0, 3)["p_value"] == pytest.approx(0.1)


@pytest.mark.parametrize("counts", [(0, 40, 0, 60), (40, 40, 60, 60), (1, 4, 0, 0), (0, 0, 0, 0)])
def test_where_all_or_none_are_mentions_there_is_nothing_to_test(counts):
    assert np.isnan(compared(*counts)[["z", "p_value"]].astype(float)).all()


def test_one_comment_each_overstates_nothing():
    assert design_effects(np.array([[1.0], [0], [0], [1], [0]]), np.ones(5)) == pytest.approx([1.0])


def test_customers_who_repeat_themselves_count_once():
    # three customers with 4 comments each, one always of the theme: share 4/12 = 1/3; residuals (4 − 4/3), (−4/3)
    # twice, squares 64/9 + 16/9 + 16/9 = 96/9; 3/2 · (96/9)/144 over (1/3 · 2/3)/11 = (1/9)/(2/99) = 5.5
    assert design_effects(np.array([[4.0], [0], [0]]), np.full(3, 4.0)) == pytest.approx([5.5])


def test_a_theme_in_no_comment_or_of_one_customer_is_worth_as_many_as_there_are_customers():
    assert design_effects(np.zeros((3, 1)), np.array([1.0, 2, 3])) == pytest.approx([2.0])
    assert design_effects(np.array([[2.0]]), np.array([5.0])) == pytest.approx([5.0])
    assert design_effects(np.empty((0, 2)), np.empty(0)) == pytest.approx([1.0, 1.0])
