"""How well a purchase model forecasts: fitted at the end of one quarter, judged on the next.

Arrays hold one entry per customer known at the end of the fit: ``expected`` purchases of the holdout and the
``actual`` ones, not counting any first purchase. Frames have one row for each thing named in their function.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from .badge import Badge, judged
from .futures import Horizon, age_scale, distinct_histories, staying_over_draws, worths_over_draws
from .histories import as_numbers, check_equal_lengths, check_histories, check_rows
from .purchase_fit import PurchaseFit

Floats = NDArray[np.float64]

NORMAL_975 = 1.959963984540054
VALUES_AT_ONCE = 100_000

LEAST_PURCHASES = 385
"""With fewer purchases in the holdout, Poisson chance alone moves their total by more than a tenth in one of
twenty quarters: (1.96 / 0.10)² = 384.2."""
TOTAL_WITH_CARE = 0.10
"""Equity is proportional to the purchase total, and a tenth is the change that the sensitivity table
shows."""
TOTAL_DO_NOT_USE = 0.25
"""A value that may be a quarter off changes which budgets pay."""
LEAST_GINI = 0.10
"""Below a tenth of the best possible ranking, the order of customers is close to chance, and so are all lists
made from it."""
LEAST_SHARE_INSIDE = 0.5
LEAST_QUARTERS = 4


@dataclass(frozen=True)
class TotalForecast:
    """The purchases expected of all customers together in the holdout.

    ``low`` to ``high`` is the 95 % predictive interval of the actual total: parameter doubt and the noise of
    the purchases, by the normal distribution.
    """

    expected: float
    low: float
    high: float
    parameter_sd: float
    noise_sd: float

    def contains(self, actual: float) -> bool:
        return bool(self.low <= actual <= self.high)


def forecast_total(
    fit: PurchaseFit,
    t: float,
    x: ArrayLike,
    t_x: ArrayLike,
    T: ArrayLike,
    *,
    n_draws: int = 200,
    seed: int = 0,
) -> TotalForecast:
    """The purchases that these customers will make together in the next ``t``, with a 95 % interval.

    Missing throughout where the model is degenerate. A season or a campaign is not in it: the models take
    each customer's purchase rate as constant while he stays.
    """
    histories = check_histories(x, t_x, T)
    if not fit.is_usable or not len(histories.x):
        return TotalForecast(*(5 * (np.nan if len(histories.x) else 0.0,)))
    if n_draws < 2:
        raise ValueError(f"n_draws must be at least 2; found {n_draws}")
    expected = float(np.sum(fit.expected_purchases(t, histories.x, histories.t_x, histories.T)))
    noise_sd = float(np.sqrt(np.sum(fit.variance_purchases(t, histories.x, histories.t_x, histories.T))))
    distinct = distinct_histories(histories.x, histories.t_x, histories.T, fit.time_unit)
    number = np.bincount(distinct.of_customer, minlength=len(distinct.x))
    fits = fit.draw(n_draws, np.random.default_rng(seed))
    once = Horizon(np.array([float(t)]), np.ones(1))
    purchases = worths_over_draws(fits, once, distinct.pair_x, distinct.pair_T, age_scale(fit))
    staying = staying_over_draws(fits, distinct)
    totals, at_once = np.zeros(n_draws), max(1, VALUES_AT_ONCE // n_draws)
    for start in range(0, len(number), at_once):
        run = slice(start, start + at_once)
        totals += number[run] @ (staying.of(run) * purchases[distinct.pair[run]])
    parameter_sd = float(totals.std())
    half = NORMAL_975 * float(np.hypot(parameter_sd, noise_sd))
    return TotalForecast(expected, max(0.0, expected - half), expected + half, parameter_sd, noise_sd)


def calibration_by_frequency(
    x: ArrayLike, expected: ArrayLike, actual: ArrayLike, last_bin: int = 7
) -> pd.DataFrame:
    """Mean expected and actual purchases by number of earlier repeat purchases.

    Returns
    -------
    DataFrame
        One row for each frequency 0, 1, … that occurs; ``last_bin`` or more together. Columns ``frequency``
        (the last written ``7+``), ``customers``, ``expected_purchases``, ``actual_purchases``.
    """
    x, expected, actual = checked_columns(x=x, expected=expected, actual=actual)
    bins = np.minimum(x, last_bin).astype(int)
    number = np.bincount(bins, minlength=last_bin + 1)
    sums = [np.bincount(bins, weights=each, minlength=last_bin + 1) for each in (expected, actual)]
    some = np.flatnonzero(number)
    return pd.DataFrame(
        {
            "frequency": [f"{each}+" if each == last_bin else str(each) for each in some],
            "customers": number[some],
            "expected_purchases": sums[0][some] / number[some],
            "actual_purchases": sums[1][some] / number[some],
        }
    )


def compare_forecasts(
    expected: ArrayLike, actual: ArrayLike, last_quarter: ArrayLike, x: ArrayLike, T: ArrayLike, t: float
) -> pd.DataFrame:
    """The model's forecast beside two that need no model.

    Parameters
    ----------
    last_quarter : repeat purchases of each customer in the quarter before the holdout.
    x, T, t : repeat purchases, age and length of the holdout: a customer's own mean rate is x / T (0 where T
        is 0).

    Returns
    -------
    DataFrame
        One row for each of ``model``, ``same_as_last_quarter``, ``own_mean_rate`` (the index). Columns
        ``forecast_total``, ``actual_total``, ``relative_error`` of the total, ``mean_absolute_error`` and
        ``root_mean_squared_error`` per customer. The last is the one to rank by: the mean absolute error
        rewards forecasting 0 for everybody.
    """
    expected, actual, last_quarter, x, T = checked_columns(
        expected=expected, actual=actual, last_quarter=last_quarter, x=x, T=T
    )
    own_rate = np.divide(x, T, out=np.zeros_like(x), where=T > 0)
    forecasts = {"model": expected, "same_as_last_quarter": last_quarter, "own_mean_rate": own_rate * t}
    return pd.DataFrame({name: errors_of(each, actual) for name, each in forecasts.items()}).T


def errors_of(forecast: Floats, actual: Floats) -> dict[str, float]:
    """How far one forecast is from what happened."""
    off, total = forecast - actual, float(actual.sum())
    some = len(off) > 0
    return {
        "forecast_total": float(forecast.sum()),
        "actual_total": total,
        "relative_error": float(off.sum()) / total if total else np.nan,
        "mean_absolute_error": float(np.abs(off).mean()) if some else np.nan,
        "root_mean_squared_error": float(np.sqrt((off**2).mean())) if some else np.nan,
    }


def share_inside(low: ArrayLike, high: ArrayLike, actual: ArrayLike) -> float:
    """Share of intervals that contain what happened; NaN without any."""
    low, high, actual = checked_columns(low=low, high=high, actual=actual)
    return float(((low <= actual) & (actual <= high)).mean()) if len(actual) else np.nan


def measure_gini(expected: ArrayLike, actual: ArrayLike) -> float:
    """How well the forecast ranks customers: 1 as their purchases rank them, 0 as chance does.

    The Gini coefficient of actual purchases in the order of expected ones, over that in their own order;
    customers with equal forecasts share their rank. NaN where all customers bought alike.
    """
    expected, actual = checked_columns(expected=expected, actual=actual)
    if len(actual) < 2 or np.ptp(actual) == 0:
        return np.nan
    centred = actual - actual.mean()
    return float((centred @ pd.Series(expected).rank()) / (centred @ pd.Series(actual).rank()))


def top_decile_lift(expected: ArrayLike, actual: ArrayLike) -> float:
    """Mean actual purchases of the tenth of customers with the highest forecasts, over the mean of all.

    The tenth is ceil(n / 10) customers; those tied at its edge enter with their mean. NaN where nobody
    bought.
    """
    expected, actual = checked_columns(expected=expected, actual=actual)
    if not actual.sum():
        return np.nan
    n_top = -(-len(actual) // 10)
    edge = np.partition(expected, -n_top)[-n_top]
    above, tied = expected > edge, expected == edge
    top_total = actual[above].sum() + (n_top - above.sum()) * actual[tied].mean()
    return float(top_total / n_top / actual.mean())


def track_repeats(
    fit: PurchaseFit,
    first_purchase_at: ArrayLike,
    repeat_purchases_at: ArrayLike,
    n_steps: int,
    *,
    step: float = 1.0,
) -> pd.DataFrame:
    """Repeat purchases of a cohort, expected and actual, over time.

    Parameters
    ----------
    first_purchase_at : when each customer bought first, in the model's time unit from the start of the
        tracking.
    repeat_purchases_at : when each repeat purchase was made; one entry per purchase.
    n_steps, step : how many stretches, and their length (1: weeks, where the model counts weeks).

    Returns
    -------
    DataFrame
        One row for each stretch, with its end ``time`` and ``expected_incremental``, ``actual_incremental``,
        ``expected_cumulative``, ``actual_cumulative``. Expected is Σ over customers of E[X(time − first)]; a
        purchase at the very end of a stretch belongs to it.
    """
    first = as_numbers("first_purchase_at", first_purchase_at)
    repeats = as_numbers("repeat_purchases_at", repeat_purchases_at)
    check_rows(np.isfinite(first) & (first >= 0), "first_purchase_at must be 0 or more", first=first)
    check_rows(np.isfinite(repeats), "repeat_purchases_at must be a finite number", repeats=repeats)
    ends = step * np.arange(1, n_steps + 1)
    starts, number = np.unique(first, return_counts=True)
    ages = np.maximum(ends[:, None] - starts, 0.0)
    expected = np.asarray(fit.expected_purchases_new_customer(ages)) @ number
    actual = np.searchsorted(np.sort(repeats), ends * (1 + 1e-12), side="right").astype(float)
    return pd.DataFrame(
        {
            "time": ends,
            "expected_incremental": np.diff(expected, prepend=0.0),
            "actual_incremental": np.diff(actual, prepend=0.0),
            "expected_cumulative": expected,
            "actual_cumulative": actual,
        }
    )


@dataclass(frozen=True)
class Holdout:
    """One holdout, judged: by frequency, beside naive forecasts, in total, by ranking; and a badge."""

    calibration: pd.DataFrame
    forecasts: pd.DataFrame
    total: TotalForecast
    actual_total: float
    gini: float
    top_decile_lift: float
    badge: Badge

    @property
    def is_inside(self) -> bool:
        return self.total.contains(self.actual_total)


def check_holdout(
    fit: PurchaseFit,
    t: float,
    x: ArrayLike,
    t_x: ArrayLike,
    T: ArrayLike,
    *,
    actual: ArrayLike,
    last_quarter: ArrayLike,
    n_draws: int = 200,
    seed: int = 0,
) -> Holdout:
    """How well the model forecast the next ``t`` of these customers.

    Parameters
    ----------
    x, t_x, T : histories at the end of the fit.
    actual : purchases of each in the holdout.
    last_quarter : repeat purchases of each in the quarter before it.
    """
    histories = check_histories(x, t_x, T)
    actual, last_quarter = checked_columns(actual=actual, last_quarter=last_quarter)
    check_equal_lengths(x=histories.x, actual=actual)
    check_rows(
        np.isfinite(actual) & (actual >= 0), "actual must be a finite number, 0 or more", actual=actual
    )
    check_rows(np.isfinite(last_quarter), "last_quarter must be a finite number", last_quarter=last_quarter)
    expected = np.asarray(fit.expected_purchases(t, histories.x, histories.t_x, histories.T))
    forecasts = compare_forecasts(expected, actual, last_quarter, histories.x, histories.T, t)
    total = forecast_total(fit, t, histories.x, histories.t_x, histories.T, n_draws=n_draws, seed=seed)
    gini = measure_gini(expected, actual) if fit.is_usable else np.nan
    return Holdout(
        calibration_by_frequency(histories.x, expected, actual),
        forecasts,
        total,
        float(actual.sum()),
        gini,
        top_decile_lift(expected, actual) if fit.is_usable else np.nan,
        judge_holdout(forecasts, total, gini),
    )


def judge_holdout(forecasts: pd.DataFrame, total: TotalForecast, gini: float) -> Badge:
    """How far to trust the model after one holdout; the first rule that applies gives the verdict.

    ``do_not_use``: no forecast · total off by more than a quarter and outside its interval · ranking near
    chance (Gini below 0.10) · both naive forecasts closer per customer. ``with_care``: too few purchases to
    judge by (385) · total off by more than a tenth and outside its interval. Else ``trusted``. With too few
    purchases only the first rule can forbid the model.

    Parameters
    ----------
    forecasts : as ``compare_forecasts`` gives them.
    """
    model, naive = forecasts.loc["model"], forecasts.drop("model")["root_mean_squared_error"].min()
    actual, error, squared = model["actual_total"], model["relative_error"], model["root_mean_squared_error"]
    outside = not total.contains(actual)
    if not np.isfinite(model["forecast_total"]):
        return judged("do_not_use", "holdout_nothing")
    if actual < LEAST_PURCHASES:
        return judged("with_care", "holdout_too_few", actual=actual, least=LEAST_PURCHASES)
    if abs(error) > TOTAL_DO_NOT_USE and outside:
        return judged("do_not_use", "holdout_total_far", error=error)
    if not gini >= LEAST_GINI:
        return judged("do_not_use", "holdout_no_ranking", gini=gini, least=LEAST_GINI)
    if squared > forecasts.drop("model")["root_mean_squared_error"].max():
        return judged("do_not_use", "holdout_beaten", error=squared, naive=naive)
    if abs(error) > TOTAL_WITH_CARE and outside:
        return judged("with_care", "holdout_total_off", error=error)
    return judged("trusted", "holdout_good", error=error, gini=gini)


def judge_quarters(holdouts: Sequence[Holdout]) -> Badge:
    """How far to trust the model after several holdouts, the latest last.

    The latest decides, unless it is ``trusted`` while the actual total lay in its 95 % interval in fewer than
    half of four or more quarters: then ``with_care``, because the intervals promise too much.
    """
    if not holdouts:
        return judged("do_not_use", "holdout_nothing")
    latest, inside, n = holdouts[-1].badge, sum(each.is_inside for each in holdouts), len(holdouts)
    if latest.verdict == "trusted" and n >= LEAST_QUARTERS and inside < LEAST_SHARE_INSIDE * n:
        return judged("with_care", "holdout_outside_often", inside=inside, n=n)
    return latest


def checked_columns(**columns: ArrayLike) -> list[Floats]:
    """The columns as equally long float arrays."""
    arrays = {name: as_numbers(name, values) for name, values in columns.items()}
    check_equal_lengths(**arrays)
    return list(arrays.values())
