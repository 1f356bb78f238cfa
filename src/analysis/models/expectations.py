"""What is expected of every customer: staying, purchases, spend and value, without intervals.

Made for millions of customers. Expected purchases are P(alive), which every history has for itself, times a
factor that depends on (x, T) alone and needs 2F1; that factor, its discounted sum over quarters and the line
in the observed mean that expected spend follows are worked out once for each distinct pair. What is left for
each customer is one logarithm and one exponential, taken a block of rows at a time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .distinct import distinct_pairs
from .fitted import DAYS_PER_TIME_UNIT
from .futures import Horizon, horizon_of, worth_if_staying
from .histories import as_numbers, blocks_of, check_columns, check_equal_lengths
from .purchase_fit import PurchaseFit
from .spend_fit import SpendFit, check_spend

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ExpectedValues:
    """What is expected of customers, one entry each in the order given.

    Attributes
    ----------
    p_alive : probability of still being a customer; NaN where the model does not tell.
    expected_purchases : over the whole horizon.
    expected_spend : per purchase.
    clv : discounted expected margin over the horizon.
    """

    p_alive: Floats
    expected_purchases: Floats
    expected_spend: Floats
    clv: Floats

    @property
    def total(self) -> float:
        """The value of all customers together."""
        return float(self.clv.sum())


def expected_values(
    purchase_fit: PurchaseFit,
    spend_fit: SpendFit,
    x: ArrayLike,
    t_x: ArrayLike,
    T: ArrayLike,
    mean_spend: ArrayLike,
    *,
    quarter_lengths: ArrayLike,
    gross_margin: float = 1.0,
    discount_rate_per_year: float = 0.10,
) -> ExpectedValues:
    """What each customer is expected to do and to be worth over the coming quarters.

    The same numbers as ``value_customers`` gives, without its intervals and a hundred times faster. Columns
    that a degenerate model would give are NaN.

    Parameters
    ----------
    purchase_fit, spend_fit : models as fitted.
    x, t_x, T : one history per customer, in the purchase model's time unit.
    mean_spend : mean over repeat purchases; not read where ``x`` is 0.
    quarter_lengths : lengths of the coming stretches, in the purchase model's time unit.
    gross_margin : share of spend that is margin; 1 gives values on a revenue basis.
    discount_rate_per_year : annual effective rate; a quarter's margin is discounted to the quarter's middle.

    Raises
    ------
    ValueError
        For histories or spends that cannot be (the first such row is named), or settings out of range.
    """
    (x, t_x, T), mean_spend = check_customers(x, t_x, T, mean_spend)
    horizon = horizon_of(quarter_lengths, gross_margin, discount_rate_per_year, purchase_fit.time_unit)

    pairs, pair_of = distinct_pairs(x, T, DAYS_PER_TIME_UNIT[purchase_fit.time_unit])
    return expect(purchase_fit, spend_fit, horizon, pairs, pair_of, (x, t_x, T), mean_spend)


def check_customers(
    x: ArrayLike, t_x: ArrayLike, T: ArrayLike, mean_spend: ArrayLike
) -> tuple[tuple[Floats, Floats, Floats], Floats]:
    """Histories and mean spends as checked columns of one length, one entry per customer.

    Raises
    ------
    ValueError
        For histories or spends that cannot be; the first such row is named.
    """
    histories = check_columns(x, t_x, T)
    mean_spend = as_numbers("mean_spend", mean_spend)
    check_equal_lengths(x=histories[0], mean_spend=mean_spend)
    return histories, check_spend(histories[0], mean_spend)


def expect(
    purchase_fit: PurchaseFit,
    spend_fit: SpendFit,
    horizon: Horizon,
    pairs: tuple[Floats, Floats],
    pair_of: NDArray[np.integer],
    histories: tuple[Floats, Floats, Floats],
    mean_spend: Floats,
) -> ExpectedValues:
    """``expected_values`` of checked columns, given the distinct pairs (x, T) and which each customer has."""
    worth, number = worth_if_staying(purchase_fit, horizon, *pairs)
    start, slope = spend_fit.spend_line(pairs[0])
    p_alive, purchases, spend, clv = columns = tuple(np.empty(len(mean_spend)) for _ in range(4))
    for rows in blocks_of(len(mean_spend)):
        pair = pair_of[rows].astype(np.intp)
        stays = purchase_fit.staying_factor(*(column[rows] for column in histories))
        p_alive[rows] = stays
        purchases[rows] = stays * number[pair]
        spend[rows] = start[pair] + slope[pair] * mean_spend[rows]
        clv[rows] = stays * worth[pair] * spend[rows]
    if not purchase_fit.tells_who_left:
        p_alive.fill(np.nan)
    return ExpectedValues(*columns)
