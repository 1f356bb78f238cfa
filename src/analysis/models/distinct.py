"""Which rows are alike: predictions are made once for each distinct row and then spread."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .histories import blocks_of

ROUNDING = 1e-14
"""Times this close to whole days, relatively, are whole days: they differ in their last digits only."""


def distinct_rows(*columns: NDArray) -> tuple[tuple[NDArray, ...], NDArray[np.intp]]:
    """The distinct rows, in order of first appearance, and for every row the position of its like.

    Parameters
    ----------
    *columns : equally long one-dimensional arrays; integers must be 0 or more.
    """
    codes, kept = pd.factorize(columns[0])
    for column in columns[1:]:
        column_codes, n_values = as_codes(column)
        codes, kept = pd.factorize(codes * np.int64(n_values) + column_codes)
    first = first_rows(codes, len(kept))
    return tuple(column[first] for column in columns), codes


def as_codes(column: NDArray) -> tuple[NDArray[np.integer], int]:
    """Integers that are equal where the values are, and one more than the largest of them."""
    if column.dtype.kind == "i":
        return column, int(column.max(initial=-1)) + 1
    codes, values = pd.factorize(column)
    return codes, len(values)


def distinct_pairs(
    x: NDArray, T: NDArray, days_per_unit: float
) -> tuple[tuple[NDArray, NDArray], NDArray[np.integer]]:
    """The distinct pairs (x, T), and for every row the position of its like.

    Where every T is a whole number of days, as in companies' data, a pair is a cell of a table of purchases
    by days and nothing has to be sorted or hashed; the pairs then come in the table's order.

    Parameters
    ----------
    x, T : checked columns of histories.
    days_per_unit : length in days of the unit that T counts.
    """
    cells = cells_of(x, T, days_per_unit)
    if cells is None:
        return distinct_rows(x, T)
    cell, is_taken = cells
    taken = np.flatnonzero(is_taken)
    position = np.empty(is_taken.size, dtype=np.int32)
    position[taken] = np.arange(len(taken), dtype=np.int32)
    for rows in blocks_of(len(cell)):
        cell[rows] = position[cell[rows]]
    pair_x, days = np.divmod(taken, is_taken.shape[1])
    return (pair_x.astype(np.float64), days / days_per_unit), cell


def cells_of(
    x: NDArray, T: NDArray, days_per_unit: float
) -> tuple[NDArray[np.int32], NDArray[np.bool_]] | None:
    """The cell of every row in a table of purchases by days, and which cells are taken.

    None where some T is no whole number of days, or where the table would be far larger than the rows.
    """
    shape = table_of_days(x, T, days_per_unit)
    if shape is None:
        return None
    cell, is_taken = np.empty(len(x), dtype=np.int32), np.zeros(shape, dtype=bool)
    for rows in blocks_of(len(x)):
        days = whole_days(T[rows], days_per_unit)
        if days is None:
            return None
        here = x[rows].astype(np.intp) * shape[1] + days.astype(np.intp)
        is_taken.ravel()[here] = True
        cell[rows] = here
    return cell, is_taken


def table_of_days(x: NDArray, T: NDArray, days_per_unit: float) -> tuple[int, int] | None:
    """Rows and columns of a table of purchases by days; the columns need not have been checked.

    None where it would be far larger than the rows, and where there are none.
    """
    most, oldest = float(x.max(initial=-1)), float(T.max(initial=-1)) * days_per_unit
    n_cells = (most + 1) * (oldest + 1)
    if not (most >= 0 and oldest >= 0 and n_cells <= min(4 * len(x) + 1_000_000, np.iinfo(np.int32).max)):
        return None
    return int(most) + 1, round(oldest) + 1


def whole_days(times: NDArray, days_per_unit: float) -> NDArray[np.float64] | None:
    """The times in days where all of them are whole days, else None."""
    exactly = times * days_per_unit
    days = np.rint(exactly)
    return days if (np.abs(exactly - days) <= ROUNDING * days).all() else None


def first_rows(codes: NDArray[np.integer], n_codes: int) -> NDArray[np.intp]:
    """The first row holding each code."""
    first = np.empty(n_codes, dtype=np.intp)
    first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)
    return first


def mostly_distinct(values: NDArray, n_looked_at: int = 20_000) -> bool:
    """Whether grouping equal values would save little, judged on some of them, evenly spread."""
    looked_at = values[:: max(1, len(values) // n_looked_at)]
    return len(np.unique(looked_at)) > len(looked_at) / 2
