"""What changed from an earlier period, and whether it can be told from noise.

Every kind of metric has its test; p-values are corrected for the number of questions asked at once, and what
is a census or has no interval is given with its size and no verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from analysis.catalogue import DEFAULT
from analysis.metrics.frame import ESTIMATE_COLUMNS, NOT_MEASURED
from analysis.metrics.intervals import CARE_REASONS, NET_SHARE_ANSWERS_ADDED
from analysis.metrics.mover import mover_difference

CHANGE_COLUMNS = (
    "metric", "variant", "by", "group", "against", "period", "base_period", "value", "base_value",
    "difference", "difference_low", "difference_high", "relative_change", "p_value", "p_adjusted", "verdict",
    "reason",
)  # fmt: skip
VERDICTS = ("better", "worse", "no_clear_change", "changed", "size_only", "not_comparable")

SMALL_EXPECTED_COUNT = 5
"""Under this expected count in any of the four cells two shares are compared by Fisher's exact test."""

_KEYS = ["metric", "variant", "by", "group"]
_NUMBERS = [name for name in ESTIMATE_COLUMNS if name not in ("status", "reason")]
_NO_GROUP = "\ue000"  # a private-use sign that stands for a missing `by` or `group` while rows are matched


# --- the tests -----------------------------------------------------------------------------------------


def share_p_value(positive_1: ArrayLike, n_1: ArrayLike, positive_2: ArrayLike, n_2: ArrayLike) -> NDArray:
    """Two-sided p-values that two shares are equal: pooled two-proportion z, Fisher's exact test when small.

    Fisher's test replaces the z test where a cell of the 2 × 2 table is expected to hold fewer than 5 rows.
    Both take the two populations as independent; customers who are in both periods make this an
    approximation (a conservative one where the same customer tends to answer alike).
    """
    positive_1, n_1, positive_2, n_2 = np.broadcast_arrays(
        *(np.asarray(counts, float) for counts in (positive_1, n_1, positive_2, n_2))
    )
    pooled = (positive_1 + positive_2) / (n_1 + n_2)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n_1 + 1 / n_2))
    p_value = z_p_value(positive_1 / n_1 - positive_2 / n_2, error)
    small = np.minimum(n_1, n_2) * np.minimum(pooled, 1 - pooled) < SMALL_EXPECTED_COUNT
    tables = np.stack([positive_1[small], n_1[small], positive_2[small], n_2[small]], axis=-1)
    distinct, which = np.unique(tables, axis=0, return_inverse=True)  # of small groups, many are alike
    p_value[small] = np.array([_fisher_p_value(*table) for table in distinct])[which.ravel()]
    return p_value


def _fisher_p_value(positive_1: float, n_1: float, positive_2: float, n_2: float) -> float:
    table = np.rint([[positive_1, n_1 - positive_1], [positive_2, n_2 - positive_2]]).astype(np.int64)
    return float(stats.fisher_exact(table).pvalue)


def welch_test(
    difference: ArrayLike, error_1: ArrayLike, n_1: ArrayLike, error_2: ArrayLike, n_2: ArrayLike
) -> tuple[NDArray, NDArray]:
    """Two-sided p-values that two means are equal, and the degrees of freedom (Welch 1947, Biometrika 34).

    ``error_1`` and ``error_2`` are the standard errors of the means.
    """
    variance_1, variance_2 = np.square(error_1), np.square(error_2)
    with np.errstate(all="ignore"):
        freedom = (variance_1 + variance_2) ** 2 / (
            variance_1**2 / (np.asarray(n_1) - 1) + variance_2**2 / (np.asarray(n_2) - 1)
        )
        t = np.abs(difference) / np.sqrt(variance_1 + variance_2)
        p_value = 2 * special.stdtr(freedom, -t)
    return np.where(np.equal(difference, 0), 1.0, p_value), freedom


def z_p_value(difference: ArrayLike, error: ArrayLike) -> NDArray:
    """Two-sided p-values of differences with known standard errors; 1 for no difference at all."""
    difference = np.asarray(difference, float)
    with np.errstate(all="ignore"):
        p_value = 2 * special.ndtr(-np.abs(difference) / np.asarray(error, float))
    return np.array(np.where(difference == 0, 1.0, p_value))


def count_p_value(count_1: ArrayLike, days_1: ArrayLike, count_2: ArrayLike, days_2: ArrayLike) -> NDArray:
    """Two-sided p-values that two counts have the same daily rate.

    Given their sum, the first count of two Poisson processes is binomial with the share of its days
    (Przyborowski & Wilenski 1940, Biometrika 31). The smaller tail is doubled, as in the exact intervals.
    """
    count_1, total = np.asarray(count_1, float), np.add(count_1, count_2)
    share = np.divide(days_1, np.add(days_1, days_2))
    smaller_tail = np.minimum(
        stats.binom.cdf(count_1, total, share), stats.binom.sf(count_1 - 1, total, share)
    )
    return np.minimum(2 * smaller_tail, 1.0)


def adjust_p_values(p_values: pd.Series, family: ArrayLike | None = None) -> pd.Series:
    """Benjamini–Hochberg adjusted p-values within each family of tests; missing ones stay missing, uncounted.

    Benjamini & Hochberg (1995), JRSS B 57, 289–300: of m p-values the k-th smallest becomes the least of
    p_(i) m / i over i ≥ k. All are one family where none is given.
    """
    given = p_values.to_numpy(float)
    tested = np.flatnonzero(~np.isnan(given))
    families = np.zeros(len(given), int) if family is None else np.asarray(family)
    code = pd.factorize(families[tested])[0]
    order = np.lexsort((given[tested], code))
    code, places = code[order], tested[order]
    rank = np.arange(len(code)) - np.searchsorted(code, code) + 1
    scaled = given[places] * (np.bincount(code)[code] / rank) if len(code) else given[places]
    least = pd.Series(scaled[::-1]).groupby(code[::-1]).cummin().to_numpy()[::-1]
    adjusted = np.full(len(given), np.nan)
    adjusted[places] = np.minimum(least, 1.0)
    return pd.Series(adjusted, p_values.index)


# --- one rule per kind: limits of the difference, p-value, direction, and whether it is sure ---------------


def _outcome(
    rows: pd.DataFrame,
    limits: tuple[ArrayLike, ArrayLike] = (np.nan, np.nan),
    p_value: ArrayLike = np.nan,
    direction: ArrayLike | None = None,
    is_sure: ArrayLike = False,
) -> pd.DataFrame:
    columns = {
        "difference_low": limits[0], "difference_high": limits[1], "p_value": p_value,
        "direction": np.sign(rows["difference"] if direction is None else direction), "is_sure": is_sure,
    }  # fmt: skip
    return pd.DataFrame(columns, index=rows.index)


def _mover_limits(rows: pd.DataFrame) -> tuple[NDArray, NDArray]:
    return mover_difference(*(rows[name].to_numpy(float) for name in _ESTIMATES))


_ESTIMATES = ("value", "low", "high", "base_value", "base_low", "base_high")


def _compare_shares(rows: pd.DataFrame, alpha: float) -> pd.DataFrame:
    counts = ("numerator", "denominator", "base_numerator", "base_denominator")
    return _outcome(rows, _mover_limits(rows), share_p_value(*(rows[name] for name in counts)))


def _compare_counts(rows: pd.DataFrame, alpha: float) -> pd.DataFrame:
    rates = rows["value"] / rows["days"] - rows["base_value"] / rows["base_days"]
    p_value = count_p_value(rows["value"], rows["days"], rows["base_value"], rows["base_days"])
    return _outcome(rows, _mover_limits(rows), p_value, rates)


def _compare_means(rows: pd.DataFrame, alpha: float) -> pd.DataFrame:
    errors = rows["standard_error"], rows["base_standard_error"]
    p_value, freedom = welch_test(rows["difference"], errors[0], rows["n"], errors[1], rows["base_n"])
    half = special.stdtrit(np.nan_to_num(freedom, nan=1.0), 1 - alpha / 2) * np.hypot(*errors)
    return _outcome(rows, _around_difference(rows, half), p_value)


def _compare_ratios(rows: pd.DataFrame, alpha: float) -> pd.DataFrame:
    error = np.hypot(rows["standard_error"], rows["base_standard_error"])
    half = special.ndtri(1 - alpha / 2) * error
    return _outcome(rows, _around_difference(rows, half), z_p_value(rows["difference"], error))


def _around_difference(rows: pd.DataFrame, half: ArrayLike) -> tuple[pd.Series, pd.Series]:
    """The limits this far around the difference, cut off at the whole breadth of what the metric can be."""
    widest = np.maximum(rows["breadth"].fillna(np.inf), rows["difference"].abs())
    return (rows["difference"] - half).clip(-widest, widest), (rows["difference"] + half).clip(
        -widest, widest
    )


def _compare_net_shares(rows: pd.DataFrame, alpha: float) -> pd.DataFrame:
    # The adjusted centres go with the adjusted errors: plain differences over adjusted errors would cry wolf
    # about twice as often as alpha allows at ten answers.
    centre, base_centre = (
        100 * rows[f"{side}numerator"] / (rows[f"{side}n"] + NET_SHARE_ANSWERS_ADDED)
        for side in ("", "base_")
    )
    difference = centre - base_centre
    error = np.hypot(rows["standard_error"], rows["base_standard_error"])
    half = special.ndtri(1 - alpha / 2) * error
    limits = np.clip(difference - half, -200, 200), np.clip(difference + half, -200, 200)
    return _outcome(rows, limits, z_p_value(difference, error), difference)


def _compare_quantiles(rows: pd.DataFrame, alpha: float) -> pd.DataFrame:
    # These limits leave 0 out exactly where the two intervals do not overlap.
    low, high = rows["low"] - rows["base_high"], rows["high"] - rows["base_low"]
    return _outcome(rows, (low, high), is_sure=(low > 0) | (high < 0))


def _compare_intervals(rows: pd.DataFrame, alpha: float) -> pd.DataFrame:
    low, high = _mover_limits(_exact_filled(rows))
    return _outcome(rows, (low, high), is_sure=(low > 0) | (high < 0))


def _exact_filled(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with an exact figure standing for its own limits."""
    filled = {}
    for side in ("", "base_"):
        exact = _has_code(rows[f"{side}reason"], ["census"])
        for limit in ("low", "high"):
            filled[side + limit] = rows[side + limit].mask(exact, rows[f"{side}value"])
    return rows.assign(**filled)


def _only_size(rows: pd.DataFrame, alpha: float) -> pd.DataFrame:
    return _outcome(rows)


RULES: dict[str, Callable[[pd.DataFrame, float], pd.DataFrame]] = {
    "share": _compare_shares,
    "count": _compare_counts,
    "mean": _compare_means,
    "ratio": _compare_ratios,
    "net_share": _compare_net_shares,
    "quantile": _compare_quantiles,
    "derived": _compare_intervals,
    "modelled": _compare_intervals,
    "size_only": _only_size,
    "not_comparable": _only_size,
}


# --- over the KPI frame --------------------------------------------------------------------------------


def compare(
    kpis: pd.DataFrame,
    pairs: pd.DataFrame | Iterable[tuple[Any, ...]],
    records: pd.DataFrame | Iterable[Any],
    alpha: float = 0.05,
    headline: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """What changed, one row per metric, variant and group of a period and period it is held against.

    Parameters
    ----------
    kpis
        The KPI frame, derived and modelled metrics included.
    pairs
        ``period, base_period, against`` and, where counts of a sampled process are compared, ``days,
        base_days``: how long each window is. A frame or tuples; ``against`` is ``previous`` or ``year_ago``.
    records
        Per metric and variant its ``kind``, ``better`` (up, down or neither) and whether it is sampled: a
        frame (``metric, variant, kind, better, sampled``, and the ``breadth`` of what it can be, where there
        are bounds) or catalogue records.
    alpha
        The level below which an adjusted p-value counts as sure.
    headline
        The variant shown first, by metric; ``default`` for all others.

    Returns
    -------
    DataFrame
        ``CHANGE_COLUMNS``. ``difference`` is in the metric's unit, ``relative_change`` a share of the base
        (missing for net shares and where the base is not above 0). ``verdict`` is one of ``VERDICTS``:
        ``changed`` is a sure change of a metric that is neither better up nor down, ``size_only`` an exact
        difference or one without a test. ``reason`` holds codes as in the KPI frame.

    Raises
    ------
    ValueError
        If two rows share a key, a metric has no record, or sampled counts come without ``days``.

    Notes
    -----
    Tests: share, pooled z or Fisher's exact test; mean, Welch; ratio and net share, z; sampled count,
    conditional binomial; these have p-values, adjusted by Benjamini–Hochberg over the company-level headline
    metrics per period and ``against``; groups, and other variants, within their metric. Quantiles are sure
    where their intervals do not overlap, derived and modelled metrics where the MOVER interval of the
    difference leaves out 0; these have no p-value and no correction. Limits of the difference are not
    corrected either: MOVER from the intervals of the frame (share: Newcombe's hybrid score), or of coverage
    1 − alpha (mean, ratio, net share). Two periods are taken as independent although many customers are in
    both.
    """
    rows = _with_kind(_paired(kpis, _pairs_frame(pairs)), _records_frame(records))
    rows["difference"] = rows["value"] - rows["base_value"]
    rows["rule"] = _rule(rows)
    _check_days(rows)
    outcomes = [RULES[rule](part, alpha) for rule, part in rows.groupby("rule", sort=False)]
    changes = rows.join(pd.concat(outcomes or [_only_size(rows, alpha)]))
    changes["p_adjusted"] = _adjusted(changes, headline or {})
    changes["relative_change"] = _relative_change(changes)
    changes["verdict"] = _verdict(changes, alpha)
    changes["reason"] = pd.Series(_reasons(changes, set(kpis["period"])), changes.index, dtype="str")
    changes[["by", "group"]] = changes[["by", "group"]].mask(changes[["by", "group"]] == _NO_GROUP)
    return changes[list(CHANGE_COLUMNS)]


def _pairs_frame(pairs: pd.DataFrame | Iterable[tuple[Any, ...]]) -> pd.DataFrame:
    names = ["period", "base_period", "against", "days", "base_days"]
    if not isinstance(pairs, pd.DataFrame):
        pairs = pd.DataFrame([dict(zip(names, pair, strict=False)) for pair in pairs])
    pairs = pairs.reindex(columns=names)
    texts, numbers = names[:3], names[3:]
    return pairs.astype(dict.fromkeys(texts, "str") | dict.fromkeys(numbers, float))


def _records_frame(records: pd.DataFrame | Iterable[Any]) -> pd.DataFrame:
    names = ["metric", "variant", "kind", "better", "sampled", "breadth"]
    if isinstance(records, pd.DataFrame):
        return records.reindex(columns=names).drop_duplicates(["metric", "variant"])
    rows = [
        (r.id, r.variant, r.kind, r.better, r.is_sampled, float(np.ptp(r.numeric_bounds))) for r in records
    ]
    return pd.DataFrame(rows, columns=names).drop_duplicates(["metric", "variant"])


def _paired(kpis: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    figures = kpis.assign(by=kpis["by"].fillna(_NO_GROUP), group=kpis["group"].fillna(_NO_GROUP))
    figures = figures.astype(dict.fromkeys(_NUMBERS, float))  # one without a number may come as objects
    repeated = figures.duplicated([*_KEYS, "period"])
    if repeated.any():
        first = figures.loc[repeated, [*_KEYS, "period"]].iloc[0].replace(_NO_GROUP, None).to_dict()
        raise ValueError(f"two figures for {first}; the KPI frame holds one row per metric, period and group")
    base = figures.rename(columns={name: f"base_{name}" for name in figures.columns if name not in _KEYS})
    current = pairs.merge(figures, on="period")
    return current.merge(base, on=[*_KEYS, "base_period"], how="left")


def _with_kind(rows: pd.DataFrame, records: pd.DataFrame) -> pd.DataFrame:
    typed = rows.merge(records, on=["metric", "variant"], how="left")
    unknown = typed.loc[typed["kind"].isna(), ["metric", "variant"]].drop_duplicates()
    if len(unknown):
        listed = ", ".join(f"{metric} ({variant})" for metric, variant in unknown.to_numpy())
        raise ValueError(f"no record says the kind of {listed}")
    return typed


def _rule(rows: pd.DataFrame) -> NDArray:
    """The test of each row: that of its kind if the figures allow it."""
    comparable = rows["value"].notna() & rows["base_value"].notna()
    return np.select([~comparable, ~_is_testable(rows)], ["not_comparable", "size_only"], rows["kind"])


def _is_testable(rows: pd.DataFrame) -> pd.Series:
    kind = rows["kind"]
    errors = np.hypot(rows["standard_error"], rows["base_standard_error"])
    # Two columns without any spread differ or they do not: no test can say how surely.
    has_error = (errors > 0) | ((errors == 0) & (rows["difference"] == 0))
    has_counts = rows[["numerator", "denominator", "base_numerator", "base_denominator"]].notna().all(axis=1)
    has_interval = _exact_filled(rows)[list(_ESTIMATES)].notna().all(axis=1)
    both_exact = _has_code(rows["reason"], ["census"]) & _has_code(rows["base_reason"], ["census"])
    has_quantile = (rows["low"].notna() & rows["base_high"].notna()) | (
        rows["high"].notna() & rows["base_low"].notna()
    )
    return (
        (kind.eq("share") & has_counts)
        | (kind.eq("count") & rows["sampled"].astype(bool))
        | (kind.eq("mean") & has_error)
        | (kind.eq("ratio") & rows["sampled"].astype(bool) & has_error)
        | (kind.eq("net_share") & has_counts & has_error)
        | (kind.eq("quantile") & has_quantile)
        | (kind.isin(["derived", "modelled"]) & has_interval & ~both_exact)
    )


def _check_days(rows: pd.DataFrame) -> None:
    counts = rows[rows["rule"] == "count"]
    lacking = counts.loc[~((counts["days"] > 0) & (counts["base_days"] > 0)), "metric"].unique()
    if len(lacking):
        raise ValueError(f"comparing the counts of {', '.join(lacking)} needs the days of both windows")


def _adjusted(changes: pd.DataFrame, headline: Mapping[str, str]) -> pd.Series:
    shown_first = [headline.get(metric, DEFAULT) for metric in changes["metric"]]
    company, first = changes["by"].eq(_NO_GROUP), changes["variant"].eq(shown_first)
    family = np.select(
        [company & first, company],
        ["company", "variants of " + changes["metric"]],
        "groups of " + changes["metric"] + " " + changes["variant"],
    )
    families = changes.assign(family=family).groupby(["against", "period", "family"], sort=False).ngroup()
    return adjust_p_values(changes["p_value"], families)


def _relative_change(changes: pd.DataFrame) -> pd.Series:
    base = changes["base_value"].where((changes["base_value"] > 0) & changes["kind"].ne("net_share"))
    return changes["difference"] / base


def _verdict(changes: pd.DataFrame, alpha: float) -> pd.Series:
    sure = changes["is_sure"].astype(bool) | (changes["p_adjusted"] < alpha)
    wanted = changes["better"].map({"up": 1, "down": -1, "neither": 0})
    untested = changes["rule"].isin(["not_comparable", "size_only"])
    verdict = np.select(
        [untested, ~sure, wanted == 0, changes["direction"] == wanted],
        [changes["rule"], "no_clear_change", "changed", "better"],
        "worse",
    )
    return pd.Series(verdict, changes.index, dtype="str")


# --- reasons -------------------------------------------------------------------------------------------


def _reasons(changes: pd.DataFrame, periods: set[str]) -> list[str | None]:
    names = ["rule", "status", "reason", "base_status", "base_reason", "base_period", "group"]
    rows = changes[names].astype(object).where(changes[names].notna(), "")
    return [_reason(row, periods) or None for row in rows.itertuples(index=False)]


def _reason(row: Any, periods: set[str]) -> str:
    if row.rule == "not_comparable":
        return row.reason if row.status == NOT_MEASURED else _base_reason(row, periods)
    parts, base_parts = ([part for part in text.split(";") if part] for text in (row.reason, row.base_reason))
    if row.rule != "size_only":
        parts, base_parts = ([part for part in side if _is_care(part)] for side in (parts, base_parts))
    told = [*parts, *(f"of|{row.base_period}|{part}" for part in base_parts if part not in parts)]
    return ";".join(told) or ("no_interval" if row.rule == "size_only" else "")


def _base_reason(row: Any, periods: set[str]) -> str:
    if not row.base_period:
        return "no_earlier_period"
    if row.base_status:
        return ";".join(f"of|{row.base_period}|{part}" for part in row.base_reason.split(";"))
    if row.base_period not in periods:
        return f"period_absent|{row.base_period}"
    absent = "metric_absent" if row.group == _NO_GROUP else f"group_absent|{row.group}"
    return f"of|{row.base_period}|{absent}"


def _is_care(part: str) -> bool:
    return not set(part.split("|")).isdisjoint(CARE_REASONS)


def _has_code(reasons: pd.Series, codes: list[str]) -> pd.Series:
    pattern = rf"(?:^|;)(?:{'|'.join(codes)})(?:$|[|;])"
    return reasons.astype("str").str.contains(pattern, regex=True, na=False)
