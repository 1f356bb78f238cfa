"""The likelihood's one costly sum, compiled by numba where that is installed (the ``speed`` extra).

One pass over the rows instead of some twenty: twice as fast as NumPy, equal to it within rounding (1e-12).
Importing numba and loading the compiled code takes about two seconds, compiling it, once for each machine, two
more; a fit of a million customers saves less than a tenth of a second. So fits do not ask for it on their own unless
there are millions of rows. A process that fits often calls ``compile_fits`` once; from then on fits use it from
``LEAST_ROWS`` rows (customers who bought again) upwards.

One thread only: numba's own threads do not survive the forking of a process, and on few rows they cost more
than they bring.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import exp, log
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST_ROWS = 100_000
ROWS_WORTH_LOADING = 3_000_000
"""With so many rows a few fits save what loading costs."""
ROWS_AT_ONCE = 256
"""Rows whose logarithms and exponentials are taken together, in loops of their own."""
EXACT_ENOUGH = {"reassoc", "contract", "arcp", "nsz"}
"""Sums may be reordered, so that they run in parallel lanes; NaN and infinity keep their meaning."""


def compile_fits() -> bool:
    """Whether numba is installed; if so the compiled sum is loaded, and fits in this process use it."""
    compiled = compiled_leave_terms()
    if compiled is not None:
        compiled(np.zeros(4), *np.ones((4, 1)), np.zeros(2))
    return compiled is not None


def leave_terms_for(n_rows: int) -> Callable[..., tuple[float, Floats, Floats]] | None:
    """The compiled sum where it pays for so many rows, else None."""
    is_loaded = compiled_leave_terms.cache_info().currsize > 0
    return compiled_leave_terms() if n_rows >= (LEAST_ROWS if is_loaded else ROWS_WORTH_LOADING) else None


@cache
def compiled_leave_terms() -> Callable[..., tuple[float, Floats, Floats]] | None:
    """``sum_leave_terms``, compiled; None without numba."""
    try:
        from numba import njit
    except ImportError:
        return None
    settings: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": EXACT_ENOUGH}
    try:
        return njit(cache=True, **settings)(sum_leave_terms)
    except RuntimeError:  # nowhere to keep the compiled code: compiled anew in every process
        return njit(**settings)(sum_leave_terms)


def sum_leave_terms(
    theta: Floats, x: Floats, t_x: Floats, T: Floats, weights: Floats, tosses_before_last: Floats
) -> tuple[float, Floats, Floats]:
    """The sums of log(1 + e^u) and its derivatives, as ``beta_geometric.leave_terms_of`` has them."""
    r, alpha, a, b = np.exp(theta)
    log_odds_of_toss = theta[2] - np.log(b + tosses_before_last)
    slope_by_b = -b / (b + tosses_before_last)
    silence, u, odds = np.empty(ROWS_AT_ONCE), np.empty(ROWS_AT_ONCE), np.empty(ROWS_AT_ONCE)
    value = s_r = s_al = s_a = s_b = 0.0
    r_r = r_al = r_a = r_b = al_al = al_a = al_b = a_a = a_b = b_b = 0.0
    for start in range(0, len(x), ROWS_AT_ONCE):
        n = min(ROWS_AT_ONCE, len(x) - start)
        for i in range(n):
            silence[i] = log((alpha + T[start + i]) / (alpha + t_x[start + i]))
        for i in range(n):
            u[i] = log_odds_of_toss[int(x[start + i])] + (r + x[start + i]) * silence[i]
            odds[i] = exp(-abs(u[i]))
        for i in range(n):
            value += weights[start + i] * (max(u[i], 0.0) + log(1 + odds[i]))
        for i in range(n):
            row = start + i
            at_age, at_last = 1 / (alpha + T[row]), 1 / (alpha + t_x[row])
            left = (1.0 if u[i] > 0 else odds[i]) / (1 + odds[i])
            once = weights[row] * left
            twice = once * (1 - left)
            by_alpha = alpha * (at_age - at_last)
            of_r, of_alpha, of_b = r * silence[i], (r + x[row]) * by_alpha, slope_by_b[int(x[row])]
            s_r += once * of_r
            s_al += once * of_alpha
            s_a += once
            s_b += once * of_b
            r_r += twice * of_r * of_r + once * of_r
            r_al += twice * of_r * of_alpha + once * r * by_alpha
            r_a += twice * of_r
            r_b += twice * of_r * of_b
            al_al += twice * of_alpha * of_alpha + once * of_alpha * (1 - alpha * (at_age + at_last))
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
