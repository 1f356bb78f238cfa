"""What a fitted model of purchases can be asked, whichever model it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import beta_geometric
from .distinct import distinct_rows
from .fitted import DAYS_PER_TIME_UNIT, FittedModel, check_time_unit, flattened, like_the_input
from .histories import Histories, as_histories, check_histories, check_observed, check_rows

Floats = NDArray[np.float64]


class StayingDraws(Protocol):
    """The staying factor of histories in each of several fits."""

    def of(self, run: slice) -> Floats:
        """For a run of the histories, one row each, in every fit, one column each."""


@dataclass(frozen=True)
class FitByFit:
    """Staying factors asked of one fit after the other."""

    fits: tuple[PurchaseFit, ...]
    x: Floats
    t_x: Floats
    T: Floats

    def of(self, run: slice) -> Floats:
        return np.column_stack(
            [fit.staying_factor(self.x[run], self.t_x[run], self.T[run]) for fit in self.fits]
        )


@dataclass(frozen=True, eq=False)
class PurchaseFit(FittedModel):
    """A model of repeat purchases; all times are in ``time_unit``."""

    time_unit: str = "week"

    tells_who_left: ClassVar[bool] = True
    """Whether P(alive) is known; otherwise it is missing, and ``staying_factor`` is 1."""

    def __post_init__(self) -> None:
        check_time_unit(self.time_unit)

    def staying_factor(self, x: Floats, t_x: Floats, T: Floats) -> Floats:
        """What ``purchases_if_staying`` is multiplied by for this history. Rows are not checked."""
        raise NotImplementedError

    @classmethod
    def staying_over_draws(cls, fits: Sequence[Self], x: Floats, t_x: Floats, T: Floats) -> StayingDraws:
        """The staying factor in each of several fits; to be asked for some of these histories at a time."""
        return FitByFit(tuple(fits), x, t_x, T)

    def purchases_if_staying(self, t: Floats, x: Floats, T: Floats) -> Floats:
        """Expected purchases in (T, T + t] of a customer who is there at T. Rows are not checked."""
        raise NotImplementedError

    def pairs_if_staying(self, ends: Floats, worths: Floats, x: Floats, T: Floats) -> Floats:
        """Expected product of the worths of two purchases, summed over ordered pairs. Rows are not checked.

        See ``beta_geometric.pairs_if_staying``.
        """
        raise NotImplementedError

    def p_alive(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Floats | float:
        """Probability that a customer with this history is still a customer at T.

        Arrays broadcast; scalars give a float.
        """
        histories, shape = asked_for(x, t_x, T)
        if not self.tells_who_left:
            return like_the_input(np.full_like(histories.T, np.nan), shape)
        return like_the_input(self.staying_factor(histories.x, histories.t_x, histories.T), shape)

    def expected_purchases(self, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Floats | float:
        """Expected purchases in the next ``t`` of a customer with this history.

        Arrays broadcast; scalars give a float. The costly part depends on ``(t, x, T)`` alone and is worked
        out once for each distinct triple.

        Raises
        ------
        ValueError
            For a history that cannot be, or a ``t`` that is negative or no number; the first such row is
            named.
        """
        histories, t, shape = asked_for_with_time(t, x, t_x, T)
        (t, x, T), codes = distinct_rows(t, histories.x, histories.T)
        return like_the_input(
            self.staying_factor(histories.x, histories.t_x, histories.T)
            * self.purchases_if_staying(t, x, T)[codes],
            shape,
        )

    def expected_purchases_new_customer(self, t: ArrayLike) -> Floats | float:
        """Expected repeat purchases in the first ``t`` after a first purchase, which is not counted."""
        return self.expected_purchases(t, 0.0, 0.0, 0.0)

    def variance_purchases(self, t: float, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Floats | float:
        """Variance of the purchases in the next ``t`` of a customer with this history.

        The parameters are taken as known; ``t`` is one number for all customers.
        """
        check_rows(np.isfinite([t]) & (np.array([t]) >= 0), "t must be a finite number, 0 or more")
        histories, shape = asked_for(x, t_x, T)
        (x, T), codes = distinct_rows(histories.x, histories.T)
        end = np.array([float(t)])
        once = self.purchases_if_staying(np.full_like(T, float(t)), x, T)
        pairs = self.pairs_if_staying(end, np.ones(1), x, T)
        stays = self.staying_factor(histories.x, histories.t_x, histories.T)
        return like_the_input(stays * (pairs + once)[codes] - (stays * once[codes]) ** 2, shape)


@dataclass(frozen=True, eq=False)
class BetaGeometricFit(PurchaseFit):
    """BG/NBD or MBG/NBD as fitted: they differ in ``coins_at_start`` alone (see ``beta_geometric``)."""

    param_names: ClassVar[tuple[str, ...]] = ("r", "alpha", "a", "b")
    coins_at_start: ClassVar[int]
    lifetimes_class: ClassVar[str]

    @classmethod
    def fit(
        cls, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, weights: ArrayLike | None, time_unit: str
    ) -> Self:
        """The model at the maximum of its likelihood; degenerate where these histories cannot teach it."""
        check_time_unit(time_unit)
        histories = as_histories(x, t_x, T, weights)
        sums = beta_geometric.sums_of(histories, cls.coins_at_start, DAYS_PER_TIME_UNIT[time_unit])
        check_observed(histories)
        trouble = beta_geometric.why_not_fittable(histories, sums)
        if trouble:
            return cls.degenerate(trouble[0], sums.customers, trouble[1], time_unit=time_unit)
        maximum = beta_geometric.fit_shape(histories, sums)
        return cls.at_maximum(maximum, sums.customers, time_unit=time_unit)

    def staying_factor(self, x: Floats, t_x: Floats, T: Floats) -> Floats:
        return beta_geometric.staying_probability(self.params, self.coins_at_start, x, t_x, T) + self.missing

    @classmethod
    def staying_over_draws(cls, fits: Sequence[Self], x: Floats, t_x: Floats, T: Floats) -> StayingDraws:
        params = np.array([list(fit.params.values()) for fit in fits]).T
        return beta_geometric.StayingDraws.of_histories(params, cls.coins_at_start, x, t_x, T)

    def purchases_if_staying(self, t: Floats, x: Floats, T: Floats) -> Floats:
        return beta_geometric.purchases_if_staying(self.params, self.coins_at_start, t, x, T)

    def pairs_if_staying(self, ends: Floats, worths: Floats, x: Floats, T: Floats) -> Floats:
        return beta_geometric.pairs_if_staying(self.params, self.coins_at_start, ends, worths, x, T)

    @property
    def missing(self) -> float:
        """0, or NaN for a model without parameters: its answers are missing, never 1 by construction."""
        return 0.0 if self.is_usable else np.nan

    def log_likelihood_of(
        self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, weights: ArrayLike | None = None
    ) -> float:
        """Log-likelihood of these histories, summed, at the fit's parameters."""
        histories = as_histories(x, t_x, T, weights)
        sums = beta_geometric.sums_of(histories, self.coins_at_start, DAYS_PER_TIME_UNIT[self.time_unit])
        return beta_geometric.evaluate(np.log(list(self.params.values())), sums)[0]

    def as_lifetimes(
        self,
        x: ArrayLike | None = None,
        t_x: ArrayLike | None = None,
        T: ArrayLike | None = None,
        weights: ArrayLike | None = None,
    ) -> Any:
        """The model as a fitter of the lifetimes package, for anything that takes one.

        The histories are needed only by what reads the fitter's ``data`` (most of its plots).
        """
        from .to_lifetimes import lifetimes_purchase_fitter

        histories = None if x is None else check_histories(x, t_x, T, weights)
        return lifetimes_purchase_fitter(self, histories)


def asked_for(x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> tuple[Histories, tuple[int, ...]]:
    """The histories a prediction is asked for, checked and flat, and the shape of the answer."""
    columns, shape = flattened(x, t_x, T)
    return check_histories(*columns), shape


def asked_for_with_time(
    t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike
) -> tuple[Histories, Floats, tuple[int, ...]]:
    """The same, with the time ahead."""
    (t, *columns), shape = flattened(t, x, t_x, T)
    check_rows(np.isfinite(t) & (t >= 0), "t must be a finite number, 0 or more", t=t)
    return check_histories(*columns), t, shape
