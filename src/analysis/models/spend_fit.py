"""What a fitted model of spend can be asked, whichever model it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .fitted import FittedModel, flattened, like_the_input
from .histories import check_rows, is_amount

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SpendFit(FittedModel):
    """A model of what a customer spends per purchase; money is in the unit of ``mean_spend``."""

    def spend_line(self, x: Floats) -> tuple[Floats, Floats]:
        """Expected spend as a line in the observed mean: where it starts and its slope, for each ``x``."""
        raise NotImplementedError

    def mean_square_of_level(self, x: Floats, mean_spend: Floats) -> Floats:
        """Expected square of the customer's own mean spend, given what was observed of him."""
        raise NotImplementedError

    @property
    def relative_variance_of_one_purchase(self) -> float:
        """Variance of one purchase of a customer about his own mean, over that mean squared."""
        raise NotImplementedError

    def expected_spend(self, x: ArrayLike, mean_spend: ArrayLike) -> Floats | float:
        """Expected mean spend per purchase of a customer with ``x`` repeat purchases of this mean.

        Where ``x`` is 0 the population mean is expected and ``mean_spend`` is not read. Arrays broadcast;
        scalars give a float.

        Raises
        ------
        ValueError
            Where ``x`` is negative, or ``mean_spend`` is negative or no number although ``x`` is not 0; the
            first such row is named.
        """
        (x, mean_spend), shape = flattened(x, mean_spend)
        mean_spend = check_spend(x, mean_spend)
        start, slope = self.spend_line(x)
        return like_the_input(start + slope * mean_spend, shape)


def check_spend(x: Floats, mean_spend: Floats) -> Floats:
    """The mean spend, 0 where there was no repeat purchase to take a mean of."""
    if not is_amount(x):
        check_rows(np.isfinite(x) & (x >= 0), "x must be a finite number, 0 or more", x=x)
    usable = np.where(x == 0, 0.0, mean_spend)
    if not is_amount(usable):
        check_rows(
            np.isfinite(usable) & (usable >= 0),
            "mean_spend must be 0 or more where x is not 0",
            x=x,
            mean_spend=usable,
        )
    return usable
