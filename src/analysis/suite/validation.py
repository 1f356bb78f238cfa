"""How well the models forecast: fitted at the end of each earlier period, judged on the next one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis.facts import Book
from analysis.facts.compile import fact_text
from analysis.models import holdout
from analysis.periods import Window
from analysis.suite.customer_value import DAYS_PER_WEEK, Fits, weeks

HOLDOUT_COLUMNS = [
    "period", "model", "forecast_total", "low", "high", "actual_total", "is_inside", "relative_error",
    "relative_error_last_quarter", "relative_error_own_rate", "root_mean_squared_error",
    "root_mean_squared_error_last_quarter", "root_mean_squared_error_own_rate", "gini", "top_decile_lift",
    "verdict", "rule_en", "rule_zh",
]  # fmt: skip


def validate(book: Book, fits: dict[str, Fits | None]) -> dict[str, pd.DataFrame]:
    """Calibration and tracking of the latest holdout, and one row for each earlier period's forecast of the next.

    Returns
    -------
    dict
        ``calibration`` (one row per frequency), ``tracking`` (one row per week), ``holdout`` (one row per period
        forecast and model; the last row of the run's model carries the verdict over all of them).
    """
    judged = [
        (after, name, one)
        for before, after in _consecutive(book, fits)
        for name, one in _judge(book, fits, before, after).items()
    ]
    chosen = [one for _, name, one in judged if name == _chosen(fits)]
    latest = chosen[-1].calibration if chosen else pd.DataFrame(columns=["frequency", "customers"])
    rows = [_row(after, name, one) for after, name, one in judged]
    if chosen:
        badge = holdout.judge_quarters(chosen)
        last = max(i for i, (_, name, _) in enumerate(judged) if name == _chosen(fits))
        rows[last] |= {"verdict": badge.verdict, "rule_en": badge.rule, "rule_zh": badge.rule_zh}
    return {
        "calibration": latest,
        "tracking": _track(book, fits),
        "holdout": pd.DataFrame(rows, columns=HOLDOUT_COLUMNS),
    }


def choose_model(book: Book, fits: dict[str, Fits | None]) -> str:
    """The purchase model that values customers: the one set, or with ``auto`` the better one on the last holdout."""
    if book.settings.model != "auto":
        return book.settings.model
    pairs = _consecutive(book, fits)
    if not pairs:
        return "bg_nbd"
    found = _judge(book, fits, *pairs[-1])
    errors = {name: one.forecasts.loc["model", "root_mean_squared_error"] for name, one in found.items()}
    return min(errors, key=lambda name: (np.nan_to_num(errors[name], nan=np.inf), name))


def _chosen(fits: dict[str, Fits | None]) -> str:
    return next((each.chosen for each in fits.values() if each is not None), "bg_nbd")


def _consecutive(book: Book, fits: dict[str, Fits | None]) -> list[tuple[Window, Window]]:
    """Windows that follow each other without a gap, the earlier one with a fit."""
    by_start = {
        window.start: window for window in book.windows if not window.is_partial or window == book.window
    }
    pairs = [(window, by_start.get(window.end)) for window in book.windows if not window.is_partial]
    return [
        (a, b) for a, b in pairs if b is not None and b.days > 0 and fits.get(a.label) and fits.get(b.label)
    ]


def _judge(
    book: Book, fits: dict[str, Fits | None], before: Window, after: Window
) -> dict[str, holdout.Holdout]:
    """Both models as fitted at the end of one window, on what happened in the next."""
    then = fits[before.label]
    earlier = next(
        (fits.get(w.label) for w in book.windows if w.end == before.start and not w.is_partial), None
    )
    x, t_x, T = weeks(then.histories)
    actual = _purchases_between(then, fits[after.label])
    return {
        name: holdout.check_holdout(
            fit, after.days / DAYS_PER_WEEK, x, t_x, T, actual=actual, last_quarter=_purchases_since(earlier, then),
            n_draws=min(100, book.settings.model_draws), seed=book.settings.random_seed,
        )
        for name, fit in then.purchases.items()
    }  # fmt: skip


def _purchases_between(then: Fits, later: Fits) -> np.ndarray:
    """What each customer known then bought until later."""
    after = later.histories.set_index("customer_id")["repeat_orders"].reindex(then.histories["customer_id"])
    return (after.to_numpy(float) - then.histories["repeat_orders"].to_numpy(float)).clip(min=0)


def _purchases_since(earlier: Fits | None, then: Fits) -> np.ndarray:
    """Repeat purchases of each customer since an earlier fit (all of them, for customers new since)."""
    now = then.histories["repeat_orders"].to_numpy(float)
    if earlier is None:
        return now
    before = earlier.histories.set_index("customer_id")["repeat_orders"].reindex(
        then.histories["customer_id"]
    )
    return now - before.fillna(0.0).to_numpy(float)


def _row(after: Window, name: str, one: holdout.Holdout) -> dict[str, Any]:
    of = one.forecasts
    naive = {"last_quarter": "same_as_last_quarter", "own_rate": "own_mean_rate"}
    errors = {
        f"{kind}_{short}": of.loc[long, kind]
        for short, long in naive.items()
        for kind in ("relative_error", "root_mean_squared_error")
    }
    return {
        "period": after.label, "model": name, "forecast_total": one.total.expected, "low": one.total.low,
        "high": one.total.high, "actual_total": one.actual_total, "is_inside": one.is_inside,
        "relative_error": of.loc["model", "relative_error"],
        "root_mean_squared_error": of.loc["model", "root_mean_squared_error"], **errors, "gini": one.gini,
        "top_decile_lift": one.top_decile_lift, "verdict": one.badge.verdict, "rule_en": one.badge.rule,
        "rule_zh": one.badge.rule_zh,
    }  # fmt: skip


def _track(book: Book, fits: dict[str, Fits | None]) -> pd.DataFrame:
    """Repeat purchases by week of everyone so far, as fitted before the period and as they happened."""
    pairs = [(a, b) for a, b in _consecutive(book, fits) if b == book.window]
    columns = ["time", "ends_on", "is_forecast", "expected_cumulative", "actual_cumulative",
               "expected_incremental", "actual_incremental"]  # fmt: skip
    if not pairs:
        return pd.DataFrame(columns=columns)
    before, after = pairs[-1]
    days = book.ask(fact_text("purchases_by_day"))
    days = days[days["ordered_on"] < pd.Timestamp(after.end)]
    start = days["ordered_on"].min()
    moment = (days["ordered_on"] - start).dt.days.to_numpy(float) / DAYS_PER_WEEK
    n_weeks = int((pd.Timestamp(after.end) - start).days // DAYS_PER_WEEK)
    tracked = holdout.track_repeats(
        fits[before.label].purchase_fit,
        np.repeat(moment, days["first_orders"]),
        np.repeat(moment, days["repeat_orders"]),
        n_weeks,
    )
    ends_on = start + pd.to_timedelta(tracked["time"] * DAYS_PER_WEEK, unit="D")
    return tracked.assign(ends_on=ends_on, is_forecast=ends_on > pd.Timestamp(before.end))[columns]
