"""Grouping equal rows."""

from __future__ import annotations

import numpy as np

from analysis.models.distinct import distinct_rows, mostly_distinct


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
