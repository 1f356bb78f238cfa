"""The targets that formulas divide by, as rows of the KPI frame, for the company and for groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from analysis.catalogue import DEFAULT
from analysis.errors import InputError
from analysis.facts import Book
from analysis.metrics.frame import KPI_COLUMNS, MEASURED, NOT_MEASURED, WITH_CARE
from analysis.periods import PeriodError, Window, parse_period

TARGETS_OF = {"revenue_target": "revenue", "won_value_target": "won_value"}
"""The metrics whose figure is the target set for another metric, under its default definition."""

_KEY = ["metric", "period", "by", "group"]
_ASKED = """
select metric, coalesce(variant, '{variant}') as variant, period, dimension, group_name, target
from source_targets
where metric is not null and target is not null
"""


def target_rows(book: Book, dimensions: Sequence[str] = ()) -> pd.DataFrame:
    """The targets of every window, as rows of the KPI frame: the company's, and those of groups.

    A target for the window's own period stands before one for every period. It is for the whole period: while
    this is running it is given with care, and the first days of an earlier period have none. Two different
    targets for one thing are none, and the row says so.

    Parameters
    ----------
    dimensions
        Those whose groups are wanted, for the period itself and those it is compared with.

    Returns
    -------
    DataFrame
        ``KPI_COLUMNS``, exact (``census``) where there is a target. One row for each metric of ``TARGETS_OF`` and
        window at company level; groups only where they have a target.

    Raises
    ------
    InputError
        If a target is for something that is no period.
    """
    targets = read_targets(book) if "targets" not in book.absent else None
    compared = {book.window.label, *book.baselines[book.window.label].values()}
    rows: list[dict[str, Any]] = []
    for metric in (name for name in TARGETS_OF if name in book.catalogue.metrics):
        for window in book.windows:
            rows.append(_row(book, metric, window, None, None, targets))
            if targets is not None and window.label in compared:
                rows += [
                    _row(book, metric, window, by, group, targets)
                    for by, group in _groups(targets, metric, window, dimensions)
                ]
    numbers = dict.fromkeys(("value", "low", "high", "standard_error", "numerator", "denominator"), "float64")
    return pd.DataFrame(rows, columns=KPI_COLUMNS).astype(numbers | {"n": "int64"})


def read_targets(book: Book) -> pd.DataFrame:
    """The targets of ``TARGETS_OF``: ``metric, period, by, group, target``, the period empty for every one."""
    asked_of = {measured: target for target, measured in TARGETS_OF.items()}
    found = every_target(book)
    named = found[found["variant"].eq(DEFAULT) & found["metric"].isin(list(asked_of))]
    periods = [period_label(book, period) for period in named["period"]]
    return named.assign(metric=named["metric"].map(asked_of), period=periods)[[*_KEY, "target"]]


def every_target(book: Book) -> pd.DataFrame:
    """The table of targets: ``metric, variant, period`` (as it is written), ``by, group, target``; gaps are None."""
    found = book.ask(_ASKED.format(variant=DEFAULT))
    named = found.rename(columns={"dimension": "by", "group_name": "group"}).astype(object)
    named = named.where(named.notna(), None)
    return named.assign(target=named["target"].astype(float))


def period_label(book: Book, text: str | None) -> str | None:
    """The label under which the period a target is for is known, however it was written; None for every period.

    Raises
    ------
    InputError
        If it is no period.
    """
    if text is None or not text.strip():
        return None
    try:
        return parse_period(text, book.settings.fiscal_year_start_month).label
    except PeriodError as error:
        raise InputError(f"table targets: {error}") from error


def _groups(
    targets: pd.DataFrame, metric: str, window: Window, dimensions: Sequence[str]
) -> list[tuple[str, str]]:
    """The groups that have a target in the window, in order."""
    own = targets[(targets["metric"] == metric) & targets["by"].isin(dimensions) & targets["group"].notna()]
    own = own[own["period"].isna() | (own["period"] == window.period.label)]
    return sorted(set(zip(own["by"], own["group"], strict=True)))


def _row(
    book: Book, metric: str, window: Window, by: str | None, group: str | None, targets: pd.DataFrame | None
) -> dict[str, Any]:
    value, status, reason = _target(book, metric, window, by, group, targets)
    keys = {"metric": metric, "variant": DEFAULT, "period": window.label, "by": by, "group": group}
    return {**keys, "value": value, "n": 0, "status": status, "reason": reason}


def _target(
    book: Book, metric: str, window: Window, by: str | None, group: str | None, targets: pd.DataFrame | None
) -> tuple[float | None, str, str]:
    """The value to reach, the row's status, and its reason."""
    if targets is None:
        return None, NOT_MEASURED, "table_absent|targets"
    if window.is_partial and window != book.window:
        return None, NOT_MEASURED, f"target_of_whole_period|{window.period.label}"
    found = most_specific(targets, metric, window.period.label, by, group)
    if not found:
        return None, NOT_MEASURED, "no_target"
    if len(found) > 1:
        return None, NOT_MEASURED, f"targets_differ|{len(found)}"
    if window.is_partial:
        return found[0], WITH_CARE, f"census;target_of_whole_period|{window.period.label}"
    return found[0], MEASURED, "census"


def most_specific(
    targets: pd.DataFrame, metric: str, period: str, by: str | None, group: str | None
) -> list[float]:
    """The different targets for one thing: those of the period, else those of every period."""
    own = targets[(targets["metric"] == metric) & _is(targets["by"], by) & _is(targets["group"], group)]
    of_period = own[own["period"] == period]
    chosen = of_period if len(of_period) else own[own["period"].isna()]
    return sorted(set(chosen["target"]))


def _is(column: pd.Series, value: str | None) -> pd.Series:
    return column.isna() if value is None else column == value
