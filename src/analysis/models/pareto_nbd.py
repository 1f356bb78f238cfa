"""The Pareto/NBD model of repeat purchases, fitted by lifetimes: for comparison only.

Schmittlein, Morrison and Colombo (1987), Counting Your Customers: Who Are They and What Will They Do Next?,
Management Science 33(1), 1–24; likelihood, P(alive) and expected purchases as in Fader and Hardie (2005), A
Note on Deriving the Pareto/NBD Model, eq. 18–20, 36, 37 and 41.

Customers buy at rate λ ~ Gamma(r, α) and leave at rate μ ~ Gamma(s, β), at any time and not only after a
purchase. No value rests on this model: lifetimes gives no standard errors for it, searches without
derivatives, and does not say whether the search ended. So it is started several times, and the ends must agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import beta_geometric
from .distinct import distinct_rows
from .fitted import DAYS_PER_TIME_UNIT, check_time_unit
from .histories import Histories, check_histories, check_observed
from .messages import worded
from .purchase_fit import PurchaseFit
from .to_lifetimes import contained, lifetimes_fitter

Floats = NDArray[np.float64]

N_STARTS = 3
SEED = 0
MOST_STEPS = 5000
SAME_END = 1e-6
"""Two ends whose log-likelihoods differ relatively by less than this are one maximum."""


@dataclass(frozen=True, eq=False)
class ParetoNbdFit(PurchaseFit):
    """Pareto/NBD as fitted by lifetimes.

    Standard errors, covariance, gradient and condition number are NaN: lifetimes gives none. Predictions are
    NaN for histories where lifetimes' 2F1 overflows (some hundred purchases): missing, never a wrong number.
    """

    model: ClassVar[str] = "pareto_nbd"
    param_names: ClassVar[tuple[str, ...]] = ("r", "alpha", "s", "beta")

    def staying_factor(self, x: Floats, t_x: Floats, T: Floats) -> Floats:
        if not self.is_usable:
            return np.full_like(T, np.nan)
        fitter = self.as_lifetimes()
        with contained(), np.errstate(all="ignore"):
            alive = np.asarray(fitter.conditional_probability_alive(x, t_x, T), dtype=np.float64)
        return np.where((alive >= 0) & (alive <= 1), alive, np.nan)

    def purchases_if_staying(self, t: Floats, x: Floats, T: Floats) -> Floats:
        """Eq. 41 over eq. 36: (r + x)(β + T) / (α + T) · [1 − ((β + T) / (β + T + t))^(s − 1)] / (s − 1)."""
        r, alpha, s, beta = self.params.values()
        stays = -np.log1p(t / (beta + T))
        lasting = -stays if s == 1 else -np.expm1((s - 1) * stays) / (s - 1)
        return (r + x) * (beta + T) / (alpha + T) * lasting

    def pairs_if_staying(self, ends: Floats, worths: Floats, x: Floats, T: Floats) -> Floats:
        """NaN: the variance of future purchases is not worked out for this model."""
        return np.full_like(T, np.nan)

    def draw(self, n_draws: int, rng: np.random.Generator) -> tuple[Self, ...]:
        """Refused: without standard errors there is nothing to draw from."""
        raise ValueError("Pareto/NBD is fitted without standard errors: no parameters can be drawn")

    def as_lifetimes(self) -> Any:
        """The model as lifetimes' ParetoNBDFitter, for anything that takes one."""
        fitter = lifetimes_fitter(self, "ParetoNBDFitter")
        fitter.predict = fitter.conditional_expected_number_of_purchases_up_to_time
        fitter._negative_log_likelihood_ = -self.log_likelihood
        return fitter


def fit_pareto_nbd(
    x: ArrayLike, t_x: ArrayLike, T: ArrayLike, weights: ArrayLike | None = None, *, time_unit: str = "week"
) -> ParetoNbdFit:
    """Pareto/NBD parameters of these customers, by maximum likelihood, through lifetimes.

    lifetimes starts its simplex at random. Here it starts at points drawn with a fixed seed of their own, so
    the same customers always give the same numbers and NumPy's global random state is neither read nor moved.

    Parameters
    ----------
    x, t_x, T, weights, time_unit : as for ``fit_bg_nbd``.

    Returns
    -------
    ParetoNbdFit
        ``status`` is ``converged`` where another start ends at the same likelihood, ``fallback`` where none
        does, and ``degenerate``, with NaN parameters and the reason, where the customers cannot teach the
        model or lifetimes' likelihood overflows.

    Raises
    ------
    ValueError
        For histories that cannot be, naming the first such row.
    """
    check_time_unit(time_unit)
    histories = check_histories(x, t_x, T, weights)
    check_observed(histories)
    sums = beta_geometric.sums_of(histories, 1, DAYS_PER_TIME_UNIT[time_unit])
    trouble = beta_geometric.why_not_fittable(histories, sums)
    if trouble:
        return ParetoNbdFit.degenerate(trouble[0], sums.customers, trouble[1], time_unit=time_unit)
    grouped = group_alike(histories)
    ends = sorted(search_from_several(grouped), key=lambda end: -end[0])
    if not ends:
        return ParetoNbdFit.degenerate("lifetimes_fails", sums.customers, {}, time_unit=time_unit)
    return as_fitted(ends, sums.customers, time_unit)


def as_fitted(ends: Sequence[tuple[float, Floats]], customers: float, time_unit: str) -> ParetoNbdFit:
    """The best of the ends, the highest first, and whether the next agrees with it."""
    best, params = ends[0]
    agreed = len(ends) > 1 and best - ends[1][0] <= SAME_END * abs(best)
    nothing = dict.fromkeys(ParetoNbdFit.param_names, np.nan)
    return ParetoNbdFit(
        dict(zip(ParetoNbdFit.param_names, params.tolist(), strict=True)),
        nothing,
        np.full((4, 4), np.nan),
        best,
        customers,
        "converged" if agreed else "fallback",
        *worded("starts_agree" if agreed else "starts_differ", starts=N_STARTS),
        np.nan,
        np.nan,
        time_unit=time_unit,
    )


def group_alike(histories: Histories) -> Histories:
    """One row for each distinct history, with its number of customers; none without customers."""
    some = histories.take(np.flatnonzero(histories.weights > 0))
    (x, t_x, T), which = distinct_rows(some.x, some.t_x, some.T)
    return Histories(x, t_x, T, np.bincount(which, weights=some.weights))


def search_from_several(histories: Histories) -> list[tuple[float, Floats]]:
    """Where the searches ended, log-likelihood (of all customers) and parameters; only finite ones."""
    starts = np.exp(np.random.default_rng(SEED).normal(0.0, 0.3, (N_STARTS, 4)))
    with contained(), np.errstate(all="ignore"):
        from lifetimes import ParetoNBDFitter

        ends = [search(ParetoNBDFitter, histories, start) for start in starts]
    return [end for end in ends if np.isfinite(end[0]) and np.isfinite(end[1]).all() and (end[1] > 0).all()]


def search(fitter_class: Any, histories: Histories, start: Floats) -> tuple[float, Floats]:
    """Where lifetimes' search ends that begins at ``start``, in units of the largest T."""
    columns = histories.x, histories.t_x, histories.T
    try:
        found = fitter_class().fit(
            *columns, histories.weights, initial_params=start, maxiter=MOST_STEPS, maxfev=MOST_STEPS, tol=1e-7
        )
    except (ArithmeticError, ValueError):  # whatever lifetimes cannot get through is no end
        return np.nan, np.full(4, np.nan)
    params = found.params_.to_numpy(dtype=np.float64)
    return float(histories.weights @ fitter_class._conditional_log_likelihood(params, *columns)), params
