"""MOVER, the method of variance estimates recovery: limits of sums, differences, ratios and products.

The variance near each limit is read back from the distance between estimate and limit, so skewed intervals
stay skewed.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

Limits = tuple[float, float]


def mover_sum(
    value_1: ArrayLike, low_1: ArrayLike, high_1: ArrayLike,
    value_2: ArrayLike, low_2: ArrayLike, high_2: ArrayLike,
) -> tuple[Any, Any]:  # fmt: skip
    """Limits of the sum of two independently estimated quantities.

    Zou & Donner (2008), Statistics in Medicine 27, 1693–1702: each limit lies the root of the summed squared
    distances to the operands' own limits away. Takes numbers or arrays.
    """
    value = np.add(value_1, value_2)
    return (
        value - np.hypot(np.subtract(value_1, low_1), np.subtract(value_2, low_2)),
        value + np.hypot(np.subtract(high_1, value_1), np.subtract(high_2, value_2)),
    )


def mover_difference(
    value_1: ArrayLike, low_1: ArrayLike, high_1: ArrayLike,
    value_2: ArrayLike, low_2: ArrayLike, high_2: ArrayLike,
) -> tuple[Any, Any]:  # fmt: skip
    """Limits of the difference of two independently estimated quantities.

    Zou & Donner (2008); with Wilson limits it is Newcombe's hybrid score interval (1998, method 10). Takes
    numbers or arrays.
    """
    return mover_sum(value_1, low_1, high_1, np.negative(value_2), np.negative(high_2), np.negative(low_2))


def mover_ratio(
    value_1: float, low_1: float, high_1: float, value_2: float, low_2: float, high_2: float
) -> Limits:
    """Limits of the ratio of two independently estimated quantities; not a number if the second may be 0.

    Donner & Zou (2012), Statistical Methods in Medical Research 21, 347–359: the limits are the ratios R at
    which the MOVER limit of θ₁ − R·θ₂ is 0. Where R is negative the other limit of θ₂ counts (Newcombe 2016,
    same journal 25, 1774–1778). Both roots are written so that they stay finite when a coefficient vanishes.
    """
    if value_2 < 0:
        value_1, low_1, high_1, value_2, low_2, high_2 = -value_1, -high_1, -low_1, -value_2, -high_2, -low_2
    if not low_2 > 0:
        return math.nan, math.nan
    if value_1 < 0:
        low, high = mover_ratio(-value_1, -high_1, -low_1, value_2, low_2, high_2)
        return -high, -low
    far_2 = high_2 if low_1 >= 0 else low_2
    return (
        _smaller_root(far_2 * (2 * value_2 - far_2), value_1 * value_2, low_1 * (2 * value_1 - low_1)),
        _larger_root(low_2 * (2 * value_2 - low_2), value_1 * value_2, high_1 * (2 * value_1 - high_1)),
    )


def _smaller_root(a: float, b: float, c: float) -> float:
    # a R² − 2 b R + c = 0 with b ≥ 0, rationalised: no division by an a of 0
    root = b + math.sqrt(max(b * b - a * c, 0.0))
    return c / root if root else 0.0


def _larger_root(a: float, b: float, c: float) -> float:
    return (b + math.sqrt(max(b * b - a * c, 0.0))) / a


def mover_product(
    value_1: float, low_1: float, high_1: float, value_2: float, low_2: float, high_2: float
) -> Limits:
    """Limits of the product of two independently estimated quantities; not a number if both may be 0.

    The ratio of one factor to the reciprocal of the other (Newcombe 2016). The formula is not symmetric, so
    the reciprocal is always taken of the factor known better in proportion to its size: a·b and b·a agree.
    """
    wide, narrow = sorted(
        [(value_1, low_1, high_1), (value_2, low_2, high_2)], key=_relative_width, reverse=True
    )
    value, low, high = narrow
    if low == high:
        return min(value * wide[1], value * wide[2]), max(value * wide[1], value * wide[2])
    if low <= 0 <= high:
        return math.nan, math.nan
    return mover_ratio(*wide, 1 / value, 1 / high, 1 / low)


def _relative_width(triple: tuple[float, float, float]) -> tuple[float, float]:
    value, low, high = triple
    if low == high:
        return 0.0, 0.0
    return ((high - low) / abs(value), low / value) if value else (math.inf, 0.0)
