"""From last quarter's customer equity to this one's, one change at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from .distinct import distinct_rows
from .futures import Horizon, horizon_of, worth_if_staying
from .histories import Histories, as_numbers, check_equal_lengths, check_histories
from .purchase_fit import PurchaseFit
from .spend_fit import SpendFit, check_spend

Floats = NDArray[np.float64]

STEPS = (
    "no_longer_known",
    "new_customers",
    "bought",
    "stayed_silent",
    "spend",
    "parameters",
    "horizon",
    "settings",
)


@dataclass(frozen=True)
class EquityInputs:
    """All that customer equity at the end of one quarter rests on.

    One entry per customer in the arrays; see ``value_customers``.
    """

    customer_id: ArrayLike
    x: ArrayLike
    t_x: ArrayLike
    T: ArrayLike
    mean_spend: ArrayLike
    purchase_fit: PurchaseFit
    spend_fit: SpendFit
    quarter_lengths: ArrayLike
    gross_margin: float = 1.0
    discount_rate_per_year: float = 0.10


@dataclass(frozen=True)
class EquityBridge:
    """Equity then and now, and what each change contributed, in order.

    ``customers`` counts whom each step concerned. The steps sum to ``closing − opening``.
    """

    opening: float
    closing: float
    steps: dict[str, float]
    customers: dict[str, int]

    @property
    def change(self) -> float:
        return self.closing - self.opening


def equity_bridge(last: EquityInputs, this: EquityInputs) -> EquityBridge:
    """How last quarter's customer equity became this quarter's.

    The total is worked out again with one more thing changed at a time:

    1. ``no_longer_known``: customers of last quarter who are gone from the data (removed, merged) fall out.
    2. ``new_customers``: customers not known then come in, as they are now.
    3. ``bought`` and 4. ``stayed_silent``: the others' histories become this quarter's, those who bought
       since and those who did not.
    5. ``spend``: the others' expected spend follows their new purchases.
    6. ``parameters``: both models are as fitted now; the steps before are all at last quarter's parameters.
    7. ``horizon``: the coming quarters have this quarter's lengths.
    8. ``settings``: gross margin and discount rate are this quarter's.

    Raises
    ------
    ValueError
        Where a customer id stands twice, time units differ, or histories cannot be.
    """
    if last.purchase_fit.time_unit != this.purchase_fit.time_unit:
        raise ValueError(
            f"time units differ: {last.purchase_fit.time_unit} then, {this.purchase_fit.time_unit} now"
        )
    then, now = Customers.of(last), Customers.of(this)
    before, ahead, after = (horizon_with(*each) for each in ((last, last), (this, last), (this, this)))
    gone, new, same_then, same_now = parted(then, now)
    moves, counts = moves_of_the_same(last, before, same_then, same_now)

    opening, lost, arrived = (equity(last, before, each) for each in (then, gone, new))
    refitted, on, closing = (equity(this, each, now) for each in (before, ahead, after))
    unrefitted = opening - lost + arrived + sum(moves)
    changes = (-lost, arrived, *moves, refitted - unrefitted, on - refitted, closing - on)
    concerned = (len(gone.ids), len(new.ids), *counts, *(3 * (len(now.ids),)))
    return EquityBridge(
        opening, closing, dict(zip(STEPS, changes, strict=True)), dict(zip(STEPS, concerned, strict=True))
    )


def moves_of_the_same(
    last: EquityInputs, horizon: Horizon, then: Customers, now: Customers
) -> tuple[tuple[float, float, float], tuple[int, int, int]]:
    """What buying, silence and new spend of the same customers did to equity, and how many did each.

    Last quarter's parameters throughout; purchases first, at last quarter's expected spend.
    """
    worth_then, worth_now = future_worth(last, horizon, then), future_worth(last, horizon, now)
    spend_then, spend_now = expected_spend(last, then), expected_spend(last, now)
    bought = (now.histories.x > then.histories.x) | (now.histories.t_x > then.histories.t_x)
    moved = (worth_now - worth_then) * spend_then
    respent = worth_now * (spend_now - spend_then)
    amounts = float(moved[bought].sum()), float(moved[~bought].sum()), float(respent.sum())
    return amounts, (int(bought.sum()), int((~bought).sum()), int((spend_now != spend_then).sum()))


def parted(then: Customers, now: Customers) -> tuple[Customers, Customers, Customers, Customers]:
    """Customers known only then, only now, and at both times: as they were and as they are, in one order."""
    stayed, known_before = then.ids.isin(now.ids), now.ids.isin(then.ids)
    same_then = then.take(stayed)
    return (
        then.take(~stayed),
        now.take(~known_before),
        same_then,
        now.take(now.ids.get_indexer(same_then.ids)),
    )


@dataclass(frozen=True)
class Customers:
    """Known customers: their ids, histories and mean spends."""

    ids: pd.Index
    histories: Histories
    mean_spend: Floats

    @classmethod
    def of(cls, inputs: EquityInputs) -> Customers:
        """The customers of one quarter, checked."""
        ids = pd.Index(inputs.customer_id)
        if not ids.is_unique:
            raise ValueError(f"customer_id {ids[ids.duplicated()][0]!r} stands more than once")
        histories = check_histories(inputs.x, inputs.t_x, inputs.T)
        mean_spend = as_numbers("mean_spend", inputs.mean_spend)
        check_equal_lengths(customer_id=ids, x=histories.x, mean_spend=mean_spend)
        return cls(ids, histories, check_spend(histories.x, mean_spend))

    def take(self, rows: NDArray) -> Customers:
        return Customers(self.ids[rows], self.histories.take(rows), self.mean_spend[rows])


def horizon_with(quarters: EquityInputs, settings: EquityInputs) -> Horizon:
    """The quarters ahead of one set of inputs at the margin and discount rate of another."""
    return horizon_of(
        quarters.quarter_lengths,
        settings.gross_margin,
        settings.discount_rate_per_year,
        quarters.purchase_fit.time_unit,
    )


def future_worth(inputs: EquityInputs, horizon: Horizon, customers: Customers) -> Floats:
    """Expected worth of each customer's future purchases, one unit of money each, under these models."""
    histories = customers.histories
    (x, T), codes = distinct_rows(histories.x, histories.T)
    worth, _ = worth_if_staying(inputs.purchase_fit, horizon, x, T)
    return inputs.purchase_fit.staying_factor(histories.x, histories.t_x, histories.T) * worth[codes]


def expected_spend(inputs: EquityInputs, customers: Customers) -> Floats:
    """Expected spend of each customer under these models."""
    start, slope = inputs.spend_fit.spend_line(customers.histories.x)
    return start + slope * customers.mean_spend


def equity(inputs: EquityInputs, horizon: Horizon, customers: Customers) -> float:
    """Customer equity under these models."""
    return float(future_worth(inputs, horizon, customers) @ expected_spend(inputs, customers))
