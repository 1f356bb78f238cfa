"""Means that stand in for a model: one purchase rate for all customers, one spend for all purchases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .fitted import check_time_unit
from .gamma_gamma import check_spends
from .histories import check_histories
from .messages import worded
from .purchase_fit import PurchaseFit
from .spend_fit import SpendFit

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CohortMeanFit(PurchaseFit):
    """Every customer buys at the mean rate for ever; who has left cannot be told, so P(alive) is missing.

    Purchases are taken as Poisson at that rate, so the noise of future purchases is understated where
    customers differ.
    """

    model: ClassVar[str] = "cohort_mean"
    param_names: ClassVar[tuple[str, ...]] = ("rate",)
    tells_who_left: ClassVar[bool] = False

    @property
    def rate(self) -> float:
        return self.params["rate"]

    def staying_factor(self, x: Floats, t_x: Floats, T: Floats) -> Floats:
        return np.ones_like(T)

    def purchases_if_staying(self, t: Floats, x: Floats, T: Floats) -> Floats:
        return self.rate * t

    def pairs_if_staying(self, ends: Floats, worths: Floats, x: Floats, T: Floats) -> Floats:
        return np.full_like(T, (self.rate * (worths @ np.diff(ends, prepend=0.0))) ** 2)


@dataclass(frozen=True, eq=False)
class MeanSpendFit(SpendFit):
    """Every customer is expected to spend the mean of all repeat purchases."""

    model: ClassVar[str] = "mean_spend"
    param_names: ClassVar[tuple[str, ...]] = ("mean", "coefficient_of_variation")

    @property
    def population_mean(self) -> float:
        return self.params["mean"]

    def spend_line(self, x: Floats) -> tuple[Floats, Floats]:
        return np.full(np.shape(x), self.params["mean"]), np.zeros(np.shape(x))

    def mean_square_of_level(self, x: Floats, mean_spend: Floats) -> Floats:
        return np.full(np.shape(x), self.params["mean"] ** 2)

    @property
    def relative_variance_of_one_purchase(self) -> float:
        return self.params["coefficient_of_variation"] ** 2


def fit_cohort_mean(
    x: ArrayLike,
    t_x: ArrayLike,
    T: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    reason: tuple[str, str] = ("", ""),
    time_unit: str = "week",
) -> CohortMeanFit:
    """The mean purchase rate: all repeat purchases over all time observed.

    Its variance is that of a ratio of sums over customers, and not less than Poisson's. Degenerate where
    nobody bought again. ``reason`` (English, Chinese) says why no model is used.
    """
    check_time_unit(time_unit)
    histories = check_histories(x, t_x, T, weights)
    customers, purchases = histories.n_customers, float(histories.weights @ histories.x)
    if purchases == 0:
        code = "nobody_repeats" if customers else "no_customers"
        return CohortMeanFit.degenerate(code, customers, {"customers": customers}, time_unit=time_unit)
    time = float(histories.weights @ histories.T)
    rate = purchases / time
    variance = (
        max(float(histories.weights @ (histories.x - rate * histories.T) ** 2), purchases) / purchases**2
    )
    likelihood = float(purchases * np.log(rate) - rate * time)
    return CohortMeanFit(
        {"rate": rate},
        {"rate": rate * variance**0.5},
        np.array([[variance]]),
        likelihood,
        customers,
        "fallback",
        *in_both_languages("cohort_mean", reason),
        0.0,
        1.0,
        time_unit=time_unit,
    )


def fit_mean_spend(
    x: ArrayLike,
    mean_spend: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    reason: tuple[str, str] = ("", ""),
) -> MeanSpendFit:
    """The mean spend of all repeat purchases, with its spread from one purchase to another.

    Degenerate without a customer. ``reason`` (English, Chinese) says why no model is used.
    """
    x, mean_spend, weights = check_spends(x, mean_spend, weights)
    customers, purchases = float(weights.sum()), float(weights @ x)
    if customers == 0:
        return MeanSpendFit.degenerate("no_customers", 0.0, {})
    mean = float((weights * x) @ mean_spend) / purchases
    off = mean_spend - mean
    one_purchase = float((weights * x) @ off**2) / max(customers - 1, 1)
    variance = float(weights @ (x * off) ** 2) / (purchases * mean) ** 2
    spread = one_purchase**0.5 / mean
    return MeanSpendFit(
        {"mean": mean, "coefficient_of_variation": spread},
        {"mean": mean * variance**0.5, "coefficient_of_variation": np.nan},
        np.diag([variance, 0.0]),
        np.nan,
        customers,
        "fallback",
        *in_both_languages("mean_spend", reason),
        0.0,
        1.0,
    )


def in_both_languages(code: str, reason: tuple[str, str]) -> tuple[str, str]:
    """The message with its reason, English in English and Chinese in Chinese."""
    return worded(code, reason=reason[0])[0], worded(code, reason=reason[1])[1]
