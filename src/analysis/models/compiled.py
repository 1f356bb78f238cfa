"""The two costly loops of a fit, compiled by numba where that is installed (the ``speed`` extra).

``count_rows`` checks histories, counts customers and keeps the rows that faced a toss, all in one pass;
``sum_leave_terms`` is the likelihood's one sum over these. Both take times in whole days, as in companies' data,
so that what depends on one time alone is worked out once for each day. The results equal NumPy's within rounding
(1e-12) and take less than half the time.

Importing numba and loading the compiled code takes half a second, compiling it, once for each machine, two seconds
more; a fit of a million customers saves a tenth of a second. So fits do not ask for it on their own unless there
are millions of rows. A process that fits often calls ``compile_fits`` once; from then on fits use it from
``LEAST_ROWS`` rows upwards.

One thread only: numba's own threads do not survive the forking of a process.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import inf, log, log1p
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .distinct import ROUNDING, table_of_days
from .histories import MOST_REPEATS, Histories

Floats = NDArray[np.float64]
Integers = NDArray[np.int32]

LEAST_ROWS = 1_000
ROWS_WORTH_LOADING = 5_000_000
"""With so many rows a few fits save what loading costs."""
ROWS_AT_ONCE = 256
"""Rows whose logarithms and exponentials are taken together, in loops of their own."""
EXACT_ENOUGH = {"reassoc", "contract", "arcp", "nsz"}
"""Sums may be reordered, so that they run in parallel lanes; NaN and infinity keep their meaning."""
EXP_STEPS, LOG_STEPS = 8, 128
EXP_OF_MINUS = np.exp(-np.arange(1024 * EXP_STEPS) / EXP_STEPS)
LOG_FROM_ONE = np.log1p(np.arange(2 * LOG_STEPS) / LOG_STEPS)
"""e^−v and log(1 + v) at steps so close that a few terms of a series give the rest to the last digit. Unlike
calls of exp and log, this runs in parallel lanes. The lengths are powers of two, so that ``&`` keeps any index
inside, that of NaN too."""


class Loops(NamedTuple):
    """``count_rows`` and ``sum_leave_terms``, compiled."""

    count_rows: Callable[..., int]
    sum_leave_terms: Callable[..., tuple[float, Floats, Floats]]


class Days(NamedTuple):
    """Histories in whole days: the columns of ``Histories`` as integers, weights aside."""

    x: Integers
    t_x: Integers
    T: Integers
    weights: Floats


def compile_fits() -> bool:
    """Whether numba is installed; if so the compiled loops are loaded, and fits in this process use them."""
    return compiled_loops() is not None


def loops_for(n_rows: int) -> Loops | None:
    """The compiled loops where they pay for so many rows, else None."""
    is_loaded = compiled_loops.cache_info().currsize > 0
    return compiled_loops() if n_rows >= (LEAST_ROWS if is_loaded else ROWS_WORTH_LOADING) else None


@cache
def compiled_loops() -> Loops | None:
    """The loops, compiled; None without numba."""
    try:
        from numba import njit, types
    except ImportError:
        return None
    settings: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": EXACT_ENOUGH}
    given = types.Array(types.float64, 1, "A", readonly=True)
    floats, integers = types.float64[::1], types.int32[::1]
    kept = (integers, integers, integers, floats)
    table = types.float64[:, ::1]
    signatures = (
        types.int64(given, given, given, given, types.float64, table, *kept),
        types.Tuple((types.float64, floats, table))(floats, *kept, floats, types.int64),
    )
    loops = (count_rows, sum_leave_terms)
    try:
        return Loops(
            *(njit(sign, cache=True, **settings)(f) for sign, f in zip(signatures, loops, strict=True))
        )
    except RuntimeError:  # nowhere to keep the compiled code: compiled anew in every process
        return Loops(*(njit(sign, **settings)(f) for sign, f in zip(signatures, loops, strict=True)))


def count_days(histories: Histories, coins_at_start: int, days_per_unit: float) -> tuple[Floats, Days] | None:
    """Customers in a table of purchases by days observed, and the rows that faced a toss.

    The histories need not have been checked. None where a rule is broken or a time is no whole number of days,
    and where the compiled loops are not there or do not pay.
    """
    n_rows = len(histories.x)
    loops = loops_for(n_rows)
    shape = table_of_days(histories.x, histories.T, days_per_unit) if loops else None
    if loops is None or shape is None or shape[1] > n_rows:
        return None
    customers = np.zeros(shape)
    kept = Days(*(np.empty(n_rows, np.int32) for _ in range(3)), np.empty(n_rows))  # room for all rows
    columns = histories.x, histories.t_x, histories.T, histories.weights
    n_kept = loops.count_rows(*columns, days_per_unit, customers, *kept)
    if n_kept < 0:
        return None
    if coins_at_start:
        n_kept = add_one_time_buyers(kept, n_kept, customers[0])
    return customers, Days(*(column[:n_kept] for column in kept))


def add_one_time_buyers(kept: Days, n_kept: int, customers: Floats) -> int:
    """Add a row for each day with customers who never came back, and say how many rows there are then.

    There is room for them: their own rows were not kept.
    """
    days = np.flatnonzero(customers)
    added = slice(n_kept, n_kept + len(days))
    for column, values in zip(kept, (0, 0, days, customers[days]), strict=True):
        column[added] = values
    return added.stop


def leave_terms_of_days(
    theta: Floats, rows: Days, tosses_before_last: Floats, days_per_unit: float
) -> tuple[float, Floats, Floats]:
    """The sums of log(1 + e^u) and its derivatives, as ``beta_geometric.leave_terms_of`` has them."""
    loops = compiled_loops()
    assert loops is not None, "rows are counted in days by the compiled loops alone"
    in_days = theta + [0, log(days_per_unit), 0, 0]
    return loops.sum_leave_terms(in_days, *rows, tosses_before_last, int(rows.T.max(initial=0)) + 1)


def count_rows(
    x: Floats,
    t_x: Floats,
    T: Floats,
    weights: Floats,
    days_per_unit: float,
    customers: Floats,
    kept_x: Integers,
    kept_t_x: Integers,
    kept_T: Integers,
    kept_weights: Floats,
) -> int:
    """Add the customers to the table of purchases by days; keep the rows with purchases, and say how many.

    −1 at the first row that breaks a rule of ``histories.are_possible`` or whose times are not whole days.
    """
    n_kept = 0
    for row in range(len(x)):
        repeats = int(x[row])
        last, age = t_x[row] * days_per_unit, T[row] * days_per_unit
        last_day, day = int(last + 0.5), int(age + 0.5)
        is_possible = (  # with & and |, as branches taken at random cost more than what they spare
            (x[row] == repeats)
            & (0 <= repeats <= MOST_REPEATS)
            & (0 <= t_x[row] <= T[row])
            & ((repeats > 0) | (t_x[row] == 0))
            & (0 <= weights[row] < inf)
            & (abs(last - last_day) <= ROUNDING * last_day)
            & (abs(age - day) <= ROUNDING * day)
        )
        if not is_possible:
            return -1
        customers[repeats, day] += weights[row]
        kept_x[n_kept], kept_t_x[n_kept], kept_T[n_kept] = repeats, last_day, day
        kept_weights[n_kept] = weights[row]
        n_kept += repeats > 0  # a row without purchases is overwritten by the next
    return n_kept


def sum_leave_terms(
    theta: Floats,
    x: Integers,
    t_x: Integers,
    T: Integers,
    weights: Floats,
    tosses_before_last: Floats,
    n_days: int,
) -> tuple[float, Floats, Floats]:
    """The sums of ``leave_terms_of_days`` over these rows; α counts days too.

    log(1 + t/α) and α / (α + t) are worked out once for each day, from 0 to ``n_days`` − 1, and looked up.
    """
    r, alpha, a, b = np.exp(theta)
    log_odds_of_toss = theta[2] - np.log(b + tosses_before_last)
    slope_by_b = -b / (b + tosses_before_last)
    stretch, share = np.empty(n_days), np.empty(n_days)
    for day in range(n_days):
        stretch[day] = log1p(day / alpha)
        share[day] = alpha / (alpha + day)
    silence, u, odds = np.empty(ROWS_AT_ONCE), np.empty(ROWS_AT_ONCE), np.empty(ROWS_AT_ONCE)
    value = s_r = s_al = s_a = s_b = 0.0
    r_r = r_al = r_a = r_b = al_al = al_a = al_b = a_a = a_b = b_b = 0.0
    for start in range(0, len(x), ROWS_AT_ONCE):
        n = min(ROWS_AT_ONCE, len(x) - start)
        for i in range(n):
            row = start + i
            silence[i] = stretch[T[row]] - stretch[t_x[row]]
            u[i] = log_odds_of_toss[x[row]] + (r + x[row]) * silence[i]
        for i in range(n):  # exp(−|u|)
            v = min(abs(u[i]), 1000.0)
            step = int(v * EXP_STEPS + 0.5) & (len(EXP_OF_MINUS) - 1)
            f = step / EXP_STEPS - v
            series = 1 + f / 5 * (1 + f / 6 * (1 + f / 7 * (1 + f / 8)))
            odds[i] = EXP_OF_MINUS[step] * (1 + f * (1 + f / 2 * (1 + f / 3 * (1 + f / 4 * series))))
        for i in range(n):  # max(u, 0) + log(1 + odds)
            step = int(odds[i] * LOG_STEPS + 0.5) & (len(LOG_FROM_ONE) - 1)
            f = (odds[i] - step / LOG_STEPS) / (1 + step / LOG_STEPS)
            series = f * (1 - f * (1 / 2 - f * (1 / 3 - f * (1 / 4 - f * (1 / 5 - f / 6)))))
            value += weights[start + i] * (max(u[i], 0.0) + LOG_FROM_ONE[step] + series)
        for i in range(n):
            row = start + i
            at_age, at_last = share[T[row]], share[t_x[row]]
            left = (1.0 if u[i] > 0 else odds[i]) / (1 + odds[i])
            once = weights[row] * left
            twice = once * (1 - left)
            by_alpha = at_age - at_last
            of_r, of_alpha, of_b = r * silence[i], (r + x[row]) * by_alpha, slope_by_b[x[row]]
            s_r += once * of_r
            s_al += once * of_alpha
            s_a += once
            s_b += once * of_b
            r_r += twice * of_r * of_r + once * of_r
            r_al += twice * of_r * of_alpha + once * r * by_alpha
            r_a += twice * of_r
            r_b += twice * of_r * of_b
            al_al += twice * of_alpha * of_alpha + once * of_alpha * (1 - at_age - at_last)
            al_a += twice * of_alpha
            al_b += twice * of_alpha * of_b
            a_a += twice
            a_b += twice * of_b
            b_b += twice * of_b * of_b + once * of_b * (1 + of_b)
    slope = np.array([s_r, s_al, s_a, s_b])
    bend = np.array(
        [[r_r, r_al, r_a, r_b], [r_al, al_al, al_a, al_b], [r_a, al_a, a_a, a_b], [r_b, al_b, a_b, b_b]]
    )
    return value, slope, bend
