"""Histories that cannot be are refused, and the first such row is named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.models.histories import check_histories


def test_checked_histories_are_float_arrays_with_a_customer_each():
    histories = check_histories(pd.Series([0, 2], index=[7, 8]), [0, 3], [5, 6])
    assert [each.dtype for each in (histories.x, histories.t_x, histories.T)] == [np.float64] * 3
    assert histories.n_customers == 2


def test_weights_count_customers():
    assert check_histories([0, 1], [0, 1], [5, 5], [10, 0]).n_customers == 10


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([0, 1], [0], [5, 5]), "lengths differ: x has 2, t_x has 1"),
        (([0, 1.5], [0, 1], [5, 5]), r"x must be a whole number, 0 or more; row 1 .*x = 1.5"),
        (([0, -1], [0, 1], [5, 5]), r"x must be a whole number, 0 or more; row 1"),
        (
            ([0, 1, 1], [0, 6, 7], [5, 5, 5]),
            r"0 <= t_x <= T must hold; row 1 .*t_x = 6, T = 5 \(2 such rows\)",
        ),
        (([1, 1], [1, -1], [5, 5]), r"0 <= t_x <= T must hold; row 1"),
        (([1, 0], [1, 2], [5, 5]), r"t_x must be 0 where x is 0; row 1"),
        (([1, 1], [1, 1], [5, np.nan]), r"T must be a finite number; row 1"),
        (([1, np.inf], [1, 1], [5, 5]), r"x must be a finite number; row 1"),
        (([1, 1], [1, 1], [5, 5], [1, -1]), r"weights must not be negative; row 1"),
        (([1, 2_000_000], [1, 1], [5, 5]), r"x must not exceed 1,000,000; row 1"),
        ((["a", "b"], [1, 1], [5, 5]), "x must hold numbers"),
        ((3, 1, 5), "x must be one-dimensional"),
        (([[1, 2]], [1], [5]), "x must be one-dimensional"),
    ],
)
def test_impossible_histories_name_rule_and_row(columns, message):
    with pytest.raises(ValueError, match=message):
        check_histories(*columns)
