"""The MBG/NBD model of repeat purchases.

Batislam, Denizel and Filiztekin (2007), Empirical validation and comparison of models for customer base
analysis, International Journal of Research in Marketing 24(3), 201–209, appendix A; expected purchases as in
Wagner and Hoppe (2008), International Journal of Research in Marketing 25(3), 225–226.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from numpy.typing import ArrayLike

from .purchase_fit import BetaGeometricFit


@dataclass(frozen=True, eq=False)
class MbgNbdFit(BetaGeometricFit):
    """MBG/NBD as fitted: a customer may leave straight after the first purchase as well."""

    model: ClassVar[str] = "mbg_nbd"
    coins_at_start: ClassVar[int] = 1
    lifetimes_class: ClassVar[str] = "ModifiedBetaGeoFitter"


def fit_mbg_nbd(
    x: ArrayLike, t_x: ArrayLike, T: ArrayLike, weights: ArrayLike | None = None, *, time_unit: str = "week"
) -> MbgNbdFit:
    """MBG/NBD parameters of these customers, by maximum likelihood.

    Parameters, result and errors are those of ``fit_bg_nbd``.
    """
    return MbgNbdFit.fit(x, t_x, T, weights, time_unit)
