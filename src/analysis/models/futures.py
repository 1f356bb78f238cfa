"""Expected worth of future purchases for each distinct history, and its spread over parameter draws.

The worth of a customer's future is staying factor(x, t_x, T) × worth if staying(x, T). The second part needs
2F1 and is worked out once for each distinct (x, T); over draws it is worked out at a few ages for each x and
interpolated, because it is smooth in T.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import block_diag, csr_array

from .distinct import distinct_pairs, distinct_rows
from .fitted import DAYS_PER_TIME_UNIT, TIME_UNITS_PER_YEAR
from .purchase_fit import PurchaseFit, StayingDraws

Floats = NDArray[np.float64]

AGES_PER_X = 16
"""Ages T at which the worth is worked out for each x; between them it is interpolated to about 1e-9."""


@dataclass(frozen=True)
class Horizon:
    """Consecutive stretches of the future.

    ``ends`` are counted from now in the model's time unit; ``worths`` is what a unit of money earned in each
    is worth now.
    """

    ends: Floats
    worths: Floats


def horizon_of(
    quarter_lengths: ArrayLike, gross_margin: float, discount_rate_per_year: float, time_unit: str
) -> Horizon:
    """The coming quarters, margins discounted at the annual effective rate to each quarter's middle.

    Raises
    ------
    ValueError
        For no quarters, a length that is not positive, a margin that is not a share, or a rate of −1 or less.
    """
    lengths = np.atleast_1d(np.asarray(quarter_lengths, dtype=np.float64))
    if lengths.ndim != 1 or not lengths.size or not (np.isfinite(lengths) & (lengths > 0)).all():
        raise ValueError(f"quarter_lengths must be positive numbers, at least one; found {quarter_lengths!r}")
    if not 0 <= gross_margin <= 1:
        raise ValueError(f"gross_margin must lie in [0, 1]; found {gross_margin!r}")
    if not -1 < discount_rate_per_year < np.inf:
        raise ValueError(f"discount_rate_per_year must be above -1; found {discount_rate_per_year!r}")
    ends = np.cumsum(lengths)
    years_to_middle = (ends - lengths / 2) / TIME_UNITS_PER_YEAR[time_unit]
    return Horizon(ends, gross_margin * (1 + discount_rate_per_year) ** -years_to_middle)


@dataclass(frozen=True)
class DistinctHistories:
    """Distinct histories, each with its distinct pair (x, T), and which one each customer has."""

    x: Floats
    t_x: Floats
    T: Floats
    pair: NDArray[np.intp]
    pair_x: Floats
    pair_T: Floats
    of_customer: NDArray[np.intp]


def distinct_histories(x: Floats, t_x: Floats, T: Floats, time_unit: str) -> DistinctHistories:
    """The distinct histories of these customers."""
    (pair_x, pair_T), pair_of_customer = distinct_pairs(x, T, DAYS_PER_TIME_UNIT[time_unit])
    (last, pair), of_customer = distinct_rows(t_x, pair_of_customer)
    return DistinctHistories(pair_x[pair], last, pair_T[pair], pair, pair_x, pair_T, of_customer)


def worth_if_staying(fit: PurchaseFit, horizon: Horizon, x: Floats, T: Floats) -> tuple[Floats, Floats]:
    """Expected worth of the purchases within the horizon for each (x, T), and their expected number.

    Each purchase is taken to bring one unit of money. Summed by parts: Σ w_j (N_j − N_(j−1)) is
    Σ (w_j − w_(j+1)) N_j, so that only the ends at which the worth changes are worked out.
    """
    falls = horizon.worths - np.append(horizon.worths[1:], 0.0)
    needed = falls != 0
    needed[-1] = True  # the number of purchases, even where they are worth nothing
    ends = horizon.ends[needed]
    columns = (np.repeat(ends, len(x)), np.tile(x, len(ends)), np.tile(T, len(ends)))
    until = fit.purchases_if_staying(*columns).reshape(len(ends), -1)
    return falls[needed] @ until, until[-1]


def worths_over_draws(
    fits: Sequence[PurchaseFit], horizon: Horizon, x: Floats, T: Floats, scale: float
) -> Floats:
    """The worth if staying for each (x, T), one row each, and each draw, one column each."""
    node_x, node_T, spread = ages_to_work_out(x, T, scale)
    at_nodes = np.column_stack([worth_if_staying(fit, horizon, node_x, node_T)[0] for fit in fits])
    return np.exp(spread @ np.log(np.maximum(at_nodes, 1e-300)))


def ages_to_work_out(x: Floats, T: Floats, scale: float) -> tuple[Floats, Floats, csr_array]:
    """Ages for each x, and the matrix that spreads values worked out there over all (x, T).

    Where an x comes with few ages, these themselves; else Chebyshev's in log(scale + T), with the matrix of
    the polynomial through them.
    """
    order = np.lexsort((T, x))
    blocks, node_x, node_T = [], [], []
    for group in np.split(order, np.flatnonzero(np.diff(x[order])) + 1):
        ages, block = (
            chebyshev_ages(T[group], scale) if len(group) > AGES_PER_X else (T[group], np.eye(len(group)))
        )
        blocks.append(block)
        node_T.append(ages)
        node_x.append(np.full(len(ages), x[group[0]]))
    spread = csr_array(block_diag(blocks, format="csr"))[np.argsort(order)]
    return np.concatenate(node_x), np.concatenate(node_T), spread


def chebyshev_ages(T: Floats, scale: float) -> tuple[Floats, Floats]:
    """Chebyshev ages over the range of T, and the barycentric matrix from values there to values at T."""
    k = np.arange(AGES_PER_X)
    nodes = -np.cos(np.pi * k / (AGES_PER_X - 1))
    signs = np.where(k % 2, -1.0, 1.0) * np.where((k == 0) | (k == AGES_PER_X - 1), 0.5, 1.0)
    low, high = np.log(scale + T.min()), np.log(scale + T.max())
    at = np.clip(2 * (np.log(scale + T) - low) / (high - low) - 1, -1, 1)
    distance = at[:, None] - nodes
    on_node = np.abs(distance) < 1e-14
    ratio = signs / np.where(on_node, 1.0, distance)
    matrix = np.where(on_node.any(axis=1, keepdims=True), on_node, ratio / ratio.sum(axis=1, keepdims=True))
    ages = np.exp(low + (nodes + 1) / 2 * (high - low)) - scale
    return np.maximum(ages, 0.0), matrix


def staying_over_draws(fits: Sequence[PurchaseFit], distinct: DistinctHistories) -> StayingDraws:
    """The staying factor of the distinct histories in each draw, to be asked for some of them at a time."""
    return type(fits[0]).staying_over_draws(fits, distinct.x, distinct.t_x, distinct.T)


def age_scale(fit: PurchaseFit) -> float:
    """The time scale on which predictions change with age: the model's α where it has one."""
    return fit.params.get("alpha", 1.0)
