"""Which rows are alike: predictions are made once for each distinct row and then spread."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def distinct_rows(*columns: NDArray) -> tuple[tuple[NDArray, ...], NDArray[np.intp]]:
    """The distinct rows, in order of first appearance, and for every row the position of its like.

    Parameters
    ----------
    *columns : equally long one-dimensional arrays.
    """
    codes, n_codes = np.zeros(len(columns[0]), dtype=np.int64), 1
    for column in columns:
        column_codes, values = pd.factorize(column)
        joined = column_codes + codes * np.int64(len(values))
        codes, kept = pd.factorize(joined) if n_codes > 1 else (column_codes, values)
        n_codes = len(kept)
    first = first_rows(codes, n_codes)
    return tuple(column[first] for column in columns), codes


def first_rows(codes: NDArray[np.integer], n_codes: int) -> NDArray[np.intp]:
    """The first row holding each code."""
    first = np.empty(n_codes, dtype=np.intp)
    first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)
    return first


def mostly_distinct(values: NDArray, n_looked_at: int = 20_000) -> bool:
    """Whether grouping equal values would save little, judged on some of them, evenly spread."""
    looked_at = values[:: max(1, len(values) // n_looked_at)]
    return len(np.unique(looked_at)) > len(looked_at) / 2
