"""Grouping equal rows."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.models.distinct import cells_of, distinct_pairs, distinct_rows, mostly_distinct


def test_distinct_rows_come_in_order_of_first_appearance():
    (x, T), codes = distinct_rows(np.array([2.0, 0.0, 2.0, 2.0]), np.array([5.0, 5.0, 5.0, 6.0]))
    assert x.tolist() == [2, 0, 2]
    assert T.tolist() == [5, 5, 6]
    assert codes.tolist() == [0, 1, 0, 2]


def test_distinct_rows_rebuild_every_column():
    rng = np.random.default_rng(1)
    columns = [rng.integers(0, n, 5000).astype(float) for n in (7, 13, 29)]
    kept, codes = distinct_rows(*columns)
    assert all((part[codes] == column).all() for part, column in zip(kept, columns, strict=True))
    assert len(kept[0]) == len(np.unique(np.column_stack(columns), axis=0))


def test_no_rows_have_no_distinct_rows():
    (x, T), codes = distinct_rows(np.empty(0), np.empty(0))
    assert len(x) == len(T) == len(codes) == 0


def test_days_repeat_and_instants_do_not():
    rng = np.random.default_rng(1)
    assert not mostly_distinct(rng.integers(0, 1000, 100_000) / 7)
    assert mostly_distinct(rng.uniform(0, 1000, 100_000))


def test_codes_may_be_given_as_a_column():
    codes = np.array([3, 0, 3, 3], dtype=np.int32)
    (spend, kept), which = distinct_rows(np.array([2.5, 1.0, 2.5, 7.0]), codes)
    assert (spend.tolist(), kept.tolist(), which.tolist()) == ([2.5, 1.0, 7.0], [3, 0, 3], [0, 1, 0, 2])


def in_one_table(x, T, days_per_unit):
    """Whether the pairs need no sorting; they must rebuild the columns and be distinct either way."""
    (pair_x, pair_T), pair_of = distinct_pairs(x, T, days_per_unit)
    assert (pair_x[pair_of] == x).all()
    assert pair_T[pair_of] == pytest.approx(T, rel=1e-14)
    assert len({*zip(pair_x, pair_T, strict=True)}) == len(pair_x) == len({*zip(x, T, strict=True)})
    return cells_of(x, T, days_per_unit) is not None


@pytest.mark.parametrize("days_per_unit", [1.0, 7.0, 365.25 / 12])
def test_whole_days_are_cells_of_a_table(days_per_unit):
    rng = np.random.default_rng(2)
    x, days = rng.integers(0, 9, 20_000).astype(float), rng.integers(0, 400, 20_000)
    assert in_one_table(x, days / days_per_unit, days_per_unit)


def test_other_times_and_huge_tables_are_grouped_by_value():
    rng = np.random.default_rng(3)
    x, T = rng.integers(0, 9, 5_000).astype(float), rng.integers(0, 400, 5_000) / 7
    assert not in_one_table(x, T + 1e-3, 7.0)
    assert not in_one_table(np.append(x, 1e6), np.append(T, 60.0), 7.0)
    assert not in_one_table(x, T * 604_800, 7.0)


def test_no_customers_have_no_pairs():
    (pair_x, pair_T), pair_of = distinct_pairs(np.empty(0), np.empty(0), 7.0)
    assert len(pair_x) == len(pair_T) == len(pair_of) == 0


def test_days_times_a_seventh_are_the_same_days_as_days_over_seven():
    """They differ in the last digit, and stay one pair."""
    days = np.arange(1.0, 2_000.0)
    both = np.concatenate([days / 7, days * (1 / 7)])
    assert len(np.unique(both)) > 1_999
    (_, pair_T), _ = distinct_pairs(np.zeros(len(both)), both, 7.0)
    assert pair_T.tolist() == (days / 7).tolist()
