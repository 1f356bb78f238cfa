"""Values, intervals and reasons of the measured metrics, worked out from six sums per row.

A kind of metric is a rule over ``n, sum_x, sum_y, sum_xx, sum_yy, sum_xy``, so no interval needs the rows
themselves. ``summarise`` applies the rule of each row's kind; the functions above it are the formulas.

Whatever stands without an interval says why in ``reason``: a census (``census``), too few rows, or no rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from analysis.metrics.frame import BOUNDS, MEASURED, NOT_MEASURED, SUMS, WITH_CARE

SMALL_RATIO_ROWS = 30
"""Under this many rows the delta-method interval of a ratio covers too little and is badged."""

NET_SHARE_ANSWERS_ADDED = 3
"""Answers the adjusted Wald method adds to a net share: ¾ positive, ¾ negative, 1½ neutral."""

# --- the formulas --------------------------------------------------------------------------------------


def wilson_interval(
    positive: ArrayLike, n: ArrayLike, confidence_level: float = 0.95
) -> tuple[NDArray, NDArray]:
    """Limits of a share, by Wilson's score interval.

    Wilson (1927), JASA 22, 209–212; Newcombe (1998), Statistics in Medicine 17, 857–872, method 3.
    Exactly 0 at no hit and exactly 1 at all hits; not a number where ``n`` is 0.
    """
    positive, n = np.asarray(positive, float), np.asarray(n, float)
    z = _normal_quantile(confidence_level)
    with np.errstate(all="ignore"):
        share = positive / n
        middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    low = np.where((positive == 0) & (n > 0), 0.0, middle - half)
    high = np.where((positive == n) & (n > 0), 1.0, middle + half)
    return low, high


def poisson_interval(count: ArrayLike, confidence_level: float = 0.95) -> tuple[NDArray, NDArray]:
    """Limits of the expected count, exact for a Poisson process.

    Garwood (1936), Biometrika 28, 437–442: half the chi-squared quantiles at 2k and 2k + 2 degrees of
    freedom, which are gamma quantiles of shape k and k + 1. The lower limit of a count of 0 is 0.
    """
    count = np.asarray(count, float)
    tail = (1 - confidence_level) / 2
    low = np.where(count > 0, special.gammaincinv(np.maximum(count, 1), tail), 0.0)
    return low, special.gammaincinv(count + 1, 1 - tail)


def mean_standard_error(n: ArrayLike, sum_x: ArrayLike, sum_xx: ArrayLike) -> NDArray:
    """Standard error of a mean from n, Σx and Σx²; not a number for fewer than two rows.

    What the subtraction Σx² − (Σx)²/n leaves below its own rounding error is taken as 0, so a column of one
    value has a standard error of 0.
    """
    n, sum_x, sum_xx = (np.asarray(sums, float) for sums in (n, sum_x, sum_xx))
    with np.errstate(all="ignore"):
        squares = _without_rounding(sum_xx - sum_x**2 / n, sum_xx, n)
        return np.where(n > 1, np.sqrt(squares / (n - 1) / n), np.nan)


def ratio_standard_error(
    n: ArrayLike, sum_x: ArrayLike, sum_y: ArrayLike, sum_xx: ArrayLike, sum_yy: ArrayLike, sum_xy: ArrayLike
) -> NDArray:
    """Standard error of Σx/Σy by the delta method; not a number for fewer than two rows.

    With R = Σx/Σy the residuals d = x − R·y have mean 0, so the variance of R is
    n/(n − 1) · Σd² / (Σy)² (Cochran 1977, Sampling Techniques, sec. 6.4, no finite-population correction).
    """
    n, sum_x, sum_y, sum_xx, sum_yy, sum_xy = (
        np.asarray(sums, float) for sums in (n, sum_x, sum_y, sum_xx, sum_yy, sum_xy)
    )
    with np.errstate(all="ignore"):
        ratio = sum_x / sum_y
        size = sum_xx + 2 * np.abs(ratio * sum_xy) + ratio**2 * sum_yy
        squares = _without_rounding(sum_xx - 2 * ratio * sum_xy + ratio**2 * sum_yy, size, n)
        return np.where(n > 1, np.sqrt(n / (n - 1) * squares) / np.abs(sum_y), np.nan)


def adjusted_net_share(net: ArrayLike, answered: ArrayLike, n: ArrayLike) -> tuple[NDArray, NDArray]:
    """Centre and standard error of a net share (in [−1, 1]) after adding three answers.

    ¾ positive, ¾ negative and 1½ neutral ones are added: adjusted Wald, Rocks (2016), The American
    Statistician 70, 365–372.

    Parameters
    ----------
    net
        Positive minus negative answers.
    answered
        Positive plus negative answers.
    n
        All answers, the neutral ones too.
    """
    net, answered, n = (np.asarray(counts, float) for counts in (net, answered, n))
    n_adjusted = n + NET_SHARE_ANSWERS_ADDED
    centre = net / n_adjusted
    variance = (answered + 2 * 0.75) / n_adjusted - centre**2
    return centre, np.sqrt(variance / n_adjusted)


class QuantileRanks(NamedTuple):
    """The ranks (1 = smallest) whose values make a quantile and its interval. 0: there is no such limit."""

    low: NDArray
    lower: NDArray
    upper: NDArray
    fraction: NDArray
    high: NDArray


def quantile_ranks(n: ArrayLike, q: ArrayLike, confidence_level: float = 0.95) -> QuantileRanks:
    """The ranks to fetch for a quantile: lower limit, the two to interpolate between, upper limit.

    The quantile is ``x[lower] + fraction · (x[upper] − x[lower])`` at position (n − 1)·q, counted from 0
    (Hyndman & Fan 1996, type 7). The number of rows below it is binomial(n, q), so ``x[low]`` and
    ``x[high]`` hold it with at least ``confidence_level``, each tail at most half of the rest (David &
    Nagaraja 2003, Order Statistics, sec. 7.1). ``low`` or ``high`` is 0 where n is too small for that limit.
    """
    n, q = np.broadcast_arrays(np.asarray(n, np.int64), np.asarray(q, float))
    rows = np.maximum(n, 1)
    position = (rows - 1) * q
    lower = np.floor(position).astype(np.int64)
    tail = (1 - confidence_level) / 2
    low = stats.binom.ppf(tail, rows, q).astype(np.int64)
    high = stats.binom.ppf(1 - tail, rows, q).astype(np.int64) + 1
    ranks = (low, lower + 1, np.minimum(lower + 2, rows), position - lower, np.where(high > rows, 0, high))
    return QuantileRanks(*(np.where(n > 0, rank, 0)[()] for rank in ranks))


def _normal_quantile(confidence_level: float) -> float:
    return float(special.ndtri(0.5 + confidence_level / 2))


def _without_rounding(squares: NDArray, size: NDArray, n: NDArray) -> NDArray:
    # The sums carry an error of about eps · sqrt(n) of their size; a remainder below that is noise.
    noise = 4 * np.finfo(float).eps * np.sqrt(np.maximum(n, 1)) * size
    return np.where(squares > noise, squares, np.where(np.isnan(squares), np.nan, 0.0))


# --- one rule per kind ---------------------------------------------------------------------------------


def _measure_total(sums: pd.DataFrame, confidence_level: float) -> pd.DataFrame:
    # The total of no rows is 0; the total of rows whose values are all missing is not.
    value = sums["sum_x"].where(sums["n"] > 0, 0.0)
    return _estimates(sums, value, numerator=value, reasons=[(value.notna(), "census")])


def _measure_count(sums: pd.DataFrame, confidence_level: float) -> pd.DataFrame:
    count, sampled = sums["n"].astype(float), sums["sampled"]
    low, high = poisson_interval(count, confidence_level)
    return _estimates(
        sums,
        count,
        interval=(np.where(sampled, low, np.nan), np.where(sampled, high, np.nan)),
        standard_error=np.where(sampled, np.sqrt(count), np.nan),
        numerator=count,
        reasons=[(~sampled, "census")],
    )


def _measure_share(sums: pd.DataFrame, confidence_level: float) -> pd.DataFrame:
    positive, n = sums["sum_x"], sums["n"]
    outside = (positive < 0) | (positive > n)
    with np.errstate(all="ignore"):
        share = (positive / n).mask(outside)
        standard_error = np.sqrt(share * (1 - share) / n)
    return _estimates(
        sums,
        share,
        interval=wilson_interval(positive.mask(outside), n, confidence_level),
        standard_error=standard_error,
        numerator=positive,
        denominator=n,
        reasons=[(n == 0, "no_rows"), (outside, "outside_range")],
    )


def _measure_mean(sums: pd.DataFrame, confidence_level: float) -> pd.DataFrame:
    n = sums["n"]
    with np.errstate(all="ignore"):
        mean = (sums["sum_x"] / n).mask(n == 0)
    standard_error = mean_standard_error(n, sums["sum_x"], sums["sum_xx"])
    half = special.stdtrit(np.maximum(n - 1, 1), 0.5 + confidence_level / 2) * standard_error
    return _estimates(
        sums,
        mean,
        interval=(mean - half, mean + half),
        standard_error=standard_error,
        numerator=sums["sum_x"],
        denominator=n,
        reasons=[
            (n == 0, "no_rows"),
            ((n == 1) & mean.notna(), "single_row"),
            (standard_error == 0, "no_spread|" + n.astype(str)),
        ],
    )


def _measure_ratio(sums: pd.DataFrame, confidence_level: float) -> pd.DataFrame:
    n, sampled, sum_y = sums["n"], sums["sampled"], sums["sum_y"]
    with np.errstate(all="ignore"):
        ratio = (sums["sum_x"] / sum_y).mask(sum_y == 0)
    error = ratio_standard_error(*(sums[name] for name in ("n", *SUMS)))
    standard_error = np.where(sampled & ratio.notna(), error, np.nan)
    half = _normal_quantile(confidence_level) * standard_error
    return _estimates(
        sums,
        ratio,
        interval=(ratio - half, ratio + half),
        standard_error=standard_error,
        numerator=sums["sum_x"],
        denominator=sum_y,
        reasons=[
            (n == 0, "no_rows"),
            (sum_y == 0, "zero_denominator"),
            (ratio.isna(), "values_missing"),
            (~sampled & (sum_y < 0), "census;negative_denominator"),
            (~sampled, "census"),
            (sum_y < 0, "negative_denominator"),
            (n == 1, "single_row"),
            (standard_error == 0, "no_spread|" + n.astype(str)),
            (n < SMALL_RATIO_ROWS, "few_in_ratio|" + n.astype(str)),
        ],
    )


def _measure_net_share(sums: pd.DataFrame, confidence_level: float) -> pd.DataFrame:
    net, answered, n = sums["sum_x"], sums["sum_xx"], sums["n"]
    outside = (answered > n) | (net.abs() > answered)
    with np.errstate(all="ignore"):
        value = (100 * net / n).mask(outside | (n == 0))
    centre, error = adjusted_net_share(net, answered.mask(outside | (n == 0)), n)
    half = _normal_quantile(confidence_level) * error
    # The centre is pulled towards 0; at low confidence levels the value itself must stay inside.
    low = np.minimum(np.clip(100 * (centre - half), -100, 100), value)
    high = np.maximum(np.clip(100 * (centre + half), -100, 100), value)
    return _estimates(
        sums,
        value,
        interval=(low, high),
        standard_error=100 * error,
        numerator=net,
        denominator=n,
        reasons=[(n == 0, "no_rows"), (outside, "outside_range")],
    )


def _measure_quantile(sums: pd.DataFrame, confidence_level: float) -> pd.DataFrame:
    n = sums["n"]
    ranks = quantile_ranks(n, sums["q"], confidence_level)
    low, high = sums["x_low"].mask(ranks.low == 0), sums["x_high"].mask(ranks.high == 0)
    value = sums["x_lower"] + ranks.fraction * (sums["x_upper"] - sums["x_lower"])
    value = value.mask(n == 0)
    open_ended = value.notna() & ((ranks.low == 0) | (ranks.high == 0))
    return _estimates(
        sums,
        value,
        interval=(low, high),
        reasons=[(n == 0, "no_rows"), (open_ended, "few_for_quantile|" + n.astype(str))],
    )


def _measure_concentration(sums: pd.DataFrame, confidence_level: float) -> pd.DataFrame:
    top, whole = sums["sum_x"], sums["sum_y"]
    with np.errstate(all="ignore"):
        share = (top / whole).mask(whole == 0)
    return _estimates(
        sums,
        share,
        numerator=top,
        denominator=whole,
        reasons=[
            (sums["n"] == 0, "no_rows"),
            (whole == 0, "zero_denominator"),
            (share.notna() & (whole < 0), "no_interval_rule;negative_denominator"),
            (share.notna(), "no_interval_rule"),
        ],
    )


Rule = Callable[[pd.DataFrame, float], pd.DataFrame]

KIND_RULES: dict[str, Rule] = {
    "total": _measure_total,
    "count": _measure_count,
    "share": _measure_share,
    "mean": _measure_mean,
    "ratio": _measure_ratio,
    "net_share": _measure_net_share,
    "quantile": _measure_quantile,
    "concentration": _measure_concentration,
}
"""The rule of each kind that is measured from sums (``derived`` and ``modelled`` are not)."""

QUANTILE_COLUMNS = ("q", "x_low", "x_lower", "x_upper", "x_high")

# Under these a figure is to be read with care; all others explain, or tell why there is none.
CARE_REASONS = (
    "single_row",
    "no_spread",
    "few_in_ratio",
    "negative_denominator",
    "few_for_quantile",
    "model_with_care",
)


def _estimates(
    sums: pd.DataFrame,
    value: pd.Series,
    interval: tuple[ArrayLike, ArrayLike] = (np.nan, np.nan),
    standard_error: ArrayLike = np.nan,
    numerator: ArrayLike = np.nan,
    denominator: ArrayLike = np.nan,
    reasons: Sequence[tuple[ArrayLike, ArrayLike]] = (),
) -> pd.DataFrame:
    low, high = interval
    columns = {
        "value": value, "low": low, "high": high, "standard_error": standard_error, "n": sums["n"],
        "numerator": numerator, "denominator": denominator,
    }  # fmt: skip
    estimates = pd.DataFrame(columns, index=sums.index)
    missing = value.isna()
    estimates.loc[missing, ["low", "high", "standard_error"]] = np.nan
    unexplained = estimates[["low", "high"]].isna().all(axis=1)
    reason = _first_reason([*reasons, (missing, "values_missing"), (unexplained, "no_interval")], sums.index)
    return estimates.assign(status=status_of(missing, reason), reason=reason)


def _first_reason(reasons: Sequence[tuple[ArrayLike, ArrayLike]], index: pd.Index) -> pd.Series:
    masks = [np.asarray(mask, bool) for mask, _ in reasons]
    codes = np.select(masks, [np.asarray(code, object) for _, code in reasons], "")
    return pd.Series(codes, index, dtype="str").mask(codes == "")


def status_of(missing: pd.Series, reason: pd.Series) -> pd.Series:
    """``not_measured`` where the value is missing, ``with_care`` if the reason says so, else ``measured``."""
    pattern = rf"(?:^|[|;])(?:{'|'.join(CARE_REASONS)})(?:$|[|;])"
    with_care = reason.str.contains(pattern, regex=True, na=False)
    status = np.select([missing, with_care], [NOT_MEASURED, WITH_CARE], MEASURED)
    return pd.Series(status, missing.index, dtype="str")


def summarise(sums: pd.DataFrame, confidence_level: float = 0.95) -> pd.DataFrame:
    """Value, interval, size and status of every metric, one row for each row of sums.

    Parameters
    ----------
    sums
        One row per metric, variant, period and group. Besides its key columns: ``kind``; ``sampled`` (false:
        a census); ``n``, rows with a value (for ``count``: rows; for ``concentration``: customers); and
        ``sum_x, sum_y, sum_xx, sum_yy, sum_xy``. ``share``: x is 1 or 0. ``net_share``: x is 1, 0 or −1.
        ``concentration``: Σx is the top part, Σy the whole. ``quantile`` rows need ``q`` and the values at
        the ranks of ``quantile_ranks``: ``x_low, x_lower, x_upper, x_high`` (missing where the rank is 0).
        ``least, most``, where given: what the figure can be; no interval reaches beyond.
    confidence_level
        Coverage of the intervals.

    Returns
    -------
    DataFrame
        The key columns, then ``value, low, high, standard_error, n, numerator, denominator, status,
        reason``; the same index. Shares lie in [0, 1], net shares in [−100, 100] (their standard error is
        the adjusted one). ``reason`` holds codes, see ``REASONS``.

    Raises
    ------
    ValueError
        If a column is missing, a kind has no rule over sums, or the confidence level is not in (0, 1).
    """
    _check_sums(sums, confidence_level)
    numbered = _typed(sums.reset_index(drop=True))
    measures = [
        KIND_RULES[kind](rows, confidence_level) for kind, rows in numbered.groupby("kind", sort=False)
    ]
    inputs = {"kind", "sampled", "n", *SUMS, *QUANTILE_COLUMNS, *BOUNDS}
    keys = sums[[name for name in sums.columns if name not in inputs]].reset_index(drop=True)
    measures = measures or [_measure_total(numbered, confidence_level)]  # no rows: the columns alone
    return keys.join(_within_bounds(pd.concat(measures).sort_index(), numbered)).set_axis(sums.index)


def _within_bounds(estimates: pd.DataFrame, sums: pd.DataFrame) -> pd.DataFrame:
    """The estimates with intervals cut off where what they estimate cannot be.

    The true value lies within the bounds, so what is left holds it exactly as often as the whole did. A value that
    itself lies outside shows that the bounds are not those of its rows: its interval stays as it is.
    """
    if not set(BOUNDS) & set(sums.columns):
        return estimates
    least, most = (sums.get(name, pd.Series(np.nan, sums.index)) for name in BOUNDS)
    value = estimates["value"]
    low = estimates["low"].mask((estimates["low"] < least) & (least <= value), least)
    high = estimates["high"].mask((estimates["high"] > most) & (most >= value), most)
    return estimates.assign(low=low, high=high)


def _check_sums(sums: pd.DataFrame, confidence_level: float) -> None:
    if not 0 < confidence_level < 1:
        raise ValueError(f"confidence_level is {confidence_level}; expected a number between 0 and 1")
    missing = [name for name in ("kind", "sampled", "n", *SUMS) if name not in sums.columns]
    if not missing:
        unknown = sorted(set(map(str, sums["kind"].unique())) - set(KIND_RULES))
        if unknown:
            raise ValueError(f"no rule over sums for kind {unknown}; expected {sorted(KIND_RULES)}")
        if (sums["kind"] == "quantile").any():
            missing = [name for name in QUANTILE_COLUMNS if name not in sums.columns]
    if missing:
        raise ValueError(f"the sums lack {missing}")


def _typed(sums: pd.DataFrame) -> pd.DataFrame:
    # SQL hands over decimals, wide integers and NULL; an infinite sum is no number either.
    numbers = [name for name in (*SUMS, *QUANTILE_COLUMNS, *BOUNDS) if name in sums.columns]
    typed = sums.assign(**{name: _floats(sums[name]) for name in numbers})
    rows = _floats(sums["n"]).fillna(0).astype(np.int64)
    return typed.assign(n=rows, sampled=sums["sampled"].fillna(False).astype(bool))


def _floats(column: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce").astype(float)
    return numbers.where(np.isfinite(numbers))
