"""Purchase histories: what the purchase models accept, and what they refuse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

MOST_REPEATS = 1_000_000
"""More repeat purchases than this by one customer is an error in the data, not a history."""
ROWS_AT_ONCE = 8192
"""Rows worked on together, few enough for their intermediate columns to stay in the processor's cache."""


@dataclass(frozen=True)
class Histories:
    """One row per customer, or per distinct history with the number of customers who share it.

    ``x`` repeat purchases, ``t_x`` time from the first purchase to the last, ``T`` time from the first
    purchase to the end of observation, ``weights`` customers; equally long float arrays.
    """

    x: Floats
    t_x: Floats
    T: Floats
    weights: Floats

    @property
    def n_customers(self) -> float:
        return float(self.weights.sum())

    def take(self, rows: NDArray) -> Histories:
        """These rows only."""
        return Histories(self.x[rows], self.t_x[rows], self.T[rows], self.weights[rows])


def check_histories(
    x: ArrayLike, t_x: ArrayLike, T: ArrayLike, weights: ArrayLike | None = None
) -> Histories:
    """Histories as checked arrays.

    Parameters
    ----------
    x, t_x, T : one value per customer; ``x`` whole numbers, ``t_x`` and ``T`` in the same time unit.
    weights : customers per row; 1 where not given.

    Raises
    ------
    ValueError
        Naming the rule and the first row (counted from 0) that breaks it.
    """
    histories = as_histories(x, t_x, T, weights)
    check_rules(histories)
    return histories


def as_histories(x: ArrayLike, t_x: ArrayLike, T: ArrayLike, weights: ArrayLike | None) -> Histories:
    """Histories as equally long arrays whose values have not been checked."""
    columns = as_columns(x, t_x, T)
    if weights is None:
        return Histories(*columns, np.broadcast_to(1.0, len(columns[0])))  # one number, however many rows
    weights = as_numbers("weights", weights)
    check_equal_lengths(x=columns[0], weights=weights)
    return Histories(*columns, weights)


def check_rules(histories: Histories) -> None:
    """Raise where a history cannot be; errors as in ``check_histories``."""
    check_columns(histories.x, histories.t_x, histories.T)
    weights = histories.weights
    if not is_amount(weights):
        check_rows(np.isfinite(weights), "weights must be a finite number", weights=weights)
        check_rows(weights >= 0, "weights must not be negative", weights=weights)


def check_columns(x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """The three columns of histories as checked arrays; errors as in ``check_histories``."""
    x, t_x, T = as_columns(x, t_x, T)
    if not all(are_possible(x[rows], t_x[rows], T[rows]) for rows in blocks_of(len(x))):
        name_what_is_wrong(x, t_x, T)
    return x, t_x, T


def as_columns(x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """The three columns as equally long float arrays; their values are not checked."""
    x, t_x, T = (as_numbers(name, values) for name, values in (("x", x), ("t_x", t_x), ("T", T)))
    check_equal_lengths(x=x, t_x=t_x, T=T)
    return x, t_x, T


def check_observed(histories: Histories) -> None:
    """Raise where there are customers and none was observed for any time."""
    if len(histories.T) and not histories.T.any():
        raise ValueError("T is 0 in every row: nobody has been observed for any time")


def are_possible(x: Floats, t_x: Floats, T: Floats) -> bool:
    """Whether these rows keep all rules. A comparison with NaN is false, so NaN keeps none."""
    return bool(
        x.min() >= 0
        and x.max() <= MOST_REPEATS
        and (x == np.floor(x)).all()
        and t_x.min() >= 0
        and T.max() < np.inf
        and (t_x <= T).all()
        and ((x > 0) | (t_x == 0)).all()
    )


def name_what_is_wrong(x: Floats, t_x: Floats, T: Floats) -> None:
    """Raise, naming the first rule that is broken and the first row that breaks it."""
    for name, values in (("x", x), ("t_x", t_x), ("T", T)):
        check_rows(np.isfinite(values), f"{name} must be a finite number", **{name: values})
    check_rows((x >= 0) & (x == np.floor(x)), "x must be a whole number, 0 or more", x=x)
    check_rows(x <= MOST_REPEATS, f"x must not exceed {MOST_REPEATS:,}", x=x)
    check_rows((t_x >= 0) & (t_x <= T), "0 <= t_x <= T must hold", t_x=t_x, T=T)
    check_rows((x > 0) | (t_x == 0), "t_x must be 0 where x is 0", x=x, t_x=t_x)


def blocks_of(n_rows: int) -> Iterator[slice]:
    """The rows, ``ROWS_AT_ONCE`` at a time."""
    return (slice(start, start + ROWS_AT_ONCE) for start in range(0, n_rows, ROWS_AT_ONCE))


def is_amount(values: Floats) -> bool:
    """Whether every value is a finite number, 0 or more."""
    return not len(values) or bool(values.min() >= 0 and values.max() < np.inf)


def as_numbers(name: str, values: ArrayLike) -> Floats:
    """The values as a one-dimensional float array."""
    try:
        numbers = np.ascontiguousarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold numbers: {error}") from None
    if numbers.ndim != 1 or np.ndim(values) != 1:
        raise ValueError(f"{name} must be one-dimensional, not of shape {np.shape(values)}")
    return numbers


def check_equal_lengths(**columns: NDArray) -> None:
    """Raise unless all columns are equally long."""
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError("lengths differ: " + ", ".join(f"{name} has {n}" for name, n in lengths.items()))


def check_rows(holds: NDArray[np.bool_], rule: str, **columns: NDArray) -> None:
    """Raise, naming the first row for which the rule does not hold."""
    if holds.all():
        return
    row = int(np.argmin(holds))
    found = ", ".join(f"{name} = {values[row]:g}" for name, values in columns.items())
    raise ValueError(f"{rule}; row {row} (counted from 0) has {found} ({int((~holds).sum())} such rows)")
