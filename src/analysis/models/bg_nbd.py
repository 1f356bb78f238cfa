"""The BG/NBD model of repeat purchases.

Fader, Hardie and Lee (2005), "Counting Your Customers" the Easy Way: An Alternative to the Pareto/NBD Model,
Marketing Science 24(2), 275–284. Likelihood eq. 6, expected purchases eq. 9 and 10; P(alive) from Hardie's
note 021.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from numpy.typing import ArrayLike

from .purchase_fit import BetaGeometricFit


@dataclass(frozen=True, eq=False)
class BgNbdFit(BetaGeometricFit):
    """BG/NBD as fitted: a customer may leave after each repeat purchase.

    P(alive) is therefore 1 by construction for a customer who bought once.
    """

    model: ClassVar[str] = "bg_nbd"
    coins_at_start: ClassVar[int] = 0
    lifetimes_class: ClassVar[str] = "BetaGeoFitter"


def fit_bg_nbd(
    x: ArrayLike, t_x: ArrayLike, T: ArrayLike, weights: ArrayLike | None = None, *, time_unit: str = "week"
) -> BgNbdFit:
    """BG/NBD parameters of these customers, by maximum likelihood.

    Newton's method on sums over the histories, with NumPy, or with numba as ``compiled`` says; the same
    numbers within rounding.

    Parameters
    ----------
    x : repeat purchases, whole numbers.
    t_x : time from the first purchase to the last; 0 where ``x`` is 0.
    T : time from the first purchase to the end of observation.
    weights : customers per row; 1 where not given.
    time_unit : what ``t_x`` and ``T`` count: ``day``, ``week``, ``month``, ``quarter`` or ``year``.

    Returns
    -------
    BgNbdFit
        ``status`` is ``degenerate``, with NaN parameters and the reason, where the customers cannot teach the
        model.

    Raises
    ------
    ValueError
        For histories that cannot be, naming the first such row.
    """
    return BgNbdFit.fit(x, t_x, T, weights, time_unit)
