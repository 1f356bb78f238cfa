"""Measure every metric in one scan per fact and time column.

A CASE puts each row into its window, grouping sets give the company and every dimension at once, and the scan
returns the six sums from which ``intervals`` makes value and interval. Shares of the top part need ranks and
take a second shape.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.catalogue import Catalogue, Dimension, Metric
from analysis.facts import Book
from analysis.metrics.frame import KEYS, KPI_COLUMNS, NOT_MEASURED, NOT_STATED, SUMS
from analysis.periods import Window, comparison_windows

_BY_WINDOW = "customer_periods"  # the fact whose rows already carry their window


@dataclass(frozen=True)
class Scan:
    """One query: the metrics of one fact and time column, over windows that do not overlap."""

    fact: str
    at: str | None
    metrics: tuple[Metric, ...]
    windows: tuple[Window, ...]
    dimensions: tuple[Dimension, ...]


def measure(
    book: Book, dimensions: Sequence[str] = (), metrics: Iterable[Metric] | None = None
) -> pd.DataFrame:
    """The KPI frame of everything that is counted, for every window of the run.

    Parameters
    ----------
    book
        The company's facts.
    dimensions
        Dimensions to break down by, besides the company as a whole. Groups are given for the period itself and
        the windows it is compared with.
    metrics
        Which metrics, each under its variant; all measured ones under all variants if not given.

    Returns
    -------
    DataFrame
        One row per metric, variant, period and group (``by`` and ``group`` missing at company level):
        ``value, low, high, standard_error, n, numerator, denominator, status, reason``.
    """
    from analysis.metrics.intervals import summarise  # brings scipy, which compiling SQL does not need

    wanted = list(metrics) if metrics is not None else measured_metrics(book.catalogue)
    present = [metric for metric in wanted if not missing_tables(book, metric)]
    sums = [_run(book, scan) for scan in plan(book, present, dimensions)]
    frames = [summarise(frame, book.settings.confidence_level) for frame in sums if len(frame)]
    frames.append(_absent(book, [metric for metric in wanted if metric not in present]))
    return outside_coverage(book, pd.concat(frames, ignore_index=True)[KPI_COLUMNS])


def measured_metrics(catalogue: Catalogue) -> list[Metric]:
    """Every metric, under every variant, that is worked out from a fact."""
    resolved = [metric for record in catalogue.metrics.values() for metric in record.all_variants()]
    return [metric for metric in resolved if metric.kind not in ("derived", "modelled")]


def missing_tables(book: Book, metric: Metric) -> list[str]:
    """The tables a metric needs that the company does not supply."""
    needs = {*metric.needs, *({"orders"} if metric.fact in ("orders", _BY_WINDOW) else ())}
    return sorted(needs & set(book.absent))


def plan(book: Book, metrics: Sequence[Metric], dimensions: Sequence[str]) -> list[Scan]:
    """The scans that measure these metrics: one per fact, time column and set of windows without overlap."""
    by_scan: dict[tuple[str, str | None, bool], list[Metric]] = {}
    for metric in metrics:
        by_scan.setdefault((metric.fact, metric.at, metric.kind == "concentration"), []).append(metric)
    chosen = [book.catalogue.dimensions[name] for name in dimensions]
    return [
        Scan(fact, at, tuple(group), windows, tuple(d for d in chosen if reaches(book, d, fact)))
        for (fact, at, _), group in by_scan.items()
        for windows in ([book.windows] if at is None else _without_overlap(book.windows))
    ]


def reaches(book: Book, dimension: Dimension, fact: str) -> bool:
    """Whether a fact's rows can be grouped by a dimension."""
    if set(dimension.needs) & set(book.absent):
        return False
    if fact in dimension.facts:
        return True
    return dimension.of == "customer" and fact in (_BY_WINDOW, "orders")


def scan_sql(book: Book, scan: Scan) -> str:
    """The statement of a scan, with ``$name`` where a setting goes."""
    if scan.metrics[0].kind == "concentration":
        return _ranked_sql(book, scan, scan.metrics[0])
    names = [dimension.id for dimension in scan.dimensions]
    values = [column for i, metric in enumerate(scan.metrics) for column in _values(i, metric)]
    sums = [column for i, metric in enumerate(scan.metrics) for column in _sums(i, metric)]
    sets = ", ".join(["(period)", *(f"(period, {name})" for name in names)])
    grouping = [f"grouping({name}) as without_{name}" for name in names]
    inner = ",\n    ".join(["period", *_group_columns(names), *values])
    outer = ",\n  ".join(["period", *names, *grouping, *sums])
    return (
        f"with placed as (\n{_placed(book, scan)}\n),\nvaluations as (\n  select\n    {inner}\n  from placed\n"
        f"  where period is not null\n)\nselect\n  {outer}\nfrom valuations\ngroup by grouping sets ({sets})"
    )


def outside_coverage(book: Book, kpis: pd.DataFrame) -> pd.DataFrame:
    """The frame with a window the data do not cover marked as not measured, with the reason."""
    reasons = {window.label: reason for window in book.windows if (reason := _uncovered(book, window))}
    metrics = [metric for record in book.catalogue.metrics.values() for metric in record.all_variants()]
    back = {
        (metric.id, metric.variant, window.label): f"before_data|{book.coverage.start}"
        for metric in metrics
        if metric.looks_back_to
        for window in book.windows
        if not book.coverage.includes(comparison_windows(window)[metric.looks_back_to])
    }
    keys = list(zip(kpis["metric"], kpis["variant"], kpis["period"], strict=True))
    reason = pd.Series([reasons.get(key[2], back.get(key)) for key in keys], kpis.index, dtype="str")
    uncovered = reason.notna()
    if not uncovered.any():
        return kpis
    kpis = kpis.copy()
    empty = ["value", "low", "high", "standard_error", "numerator", "denominator"]
    kpis.loc[uncovered, empty] = np.nan
    kpis.loc[uncovered, "n"] = 0
    kpis.loc[uncovered, "status"] = NOT_MEASURED
    kpis.loc[uncovered, "reason"] = reason[uncovered]
    return kpis[~(uncovered & kpis["by"].notna())].reset_index(drop=True)


def not_measured_rows(
    metrics: Sequence[Metric], windows: Sequence[Window], reasons: Sequence[str]
) -> pd.DataFrame:
    """Rows that say, for each metric and window, why there is no number."""
    rows = [
        {"metric": metric.id, "variant": metric.variant, "period": window.label, "by": None, "group": None, "n": 0,
         "status": NOT_MEASURED, "reason": reason}
        for metric, reason in zip(metrics, reasons, strict=True)
        for window in windows
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=KPI_COLUMNS)
    numbers = ["value", "low", "high", "standard_error", "numerator", "denominator"]
    return frame.astype(dict.fromkeys(numbers, "float64") | {"n": "int64"})


def _uncovered(book: Book, window: Window) -> str | None:
    coverage = book.coverage
    if coverage.is_before(window):
        return f"before_data|{coverage.start}"
    if window.days == 0:
        return f"after_data|{coverage.last_day}" if coverage.end else "not_begun"
    if coverage.begins_inside(window) and window != book.window:
        return f"data_begin_inside|{coverage.start}"
    return None


def _absent(book: Book, metrics: Sequence[Metric]) -> pd.DataFrame:
    reasons = [
        ";".join(f"table_absent|{table}" for table in missing_tables(book, metric)) for metric in metrics
    ]
    return not_measured_rows(metrics, book.windows, reasons)


def _without_overlap(windows: Sequence[Window]) -> list[tuple[Window, ...]]:
    """Whole periods in one set, the first days of earlier periods in another: a row falls in one window of a set."""
    first_days = [window for window in windows if window.is_partial and window != windows[-1]]
    whole = [window for window in windows if window not in first_days]
    return [tuple(part) for part in (whole, first_days) if part]


def _placed(book: Book, scan: Scan) -> str:
    """Each row of the fact with its window, and with the traits its customer had in that window."""
    if scan.at is None:
        return f"  select * from {scan.fact}"
    borrowed = [d.id for d in scan.dimensions if scan.fact not in d.facts]
    rows = f"select *, {_window_case(book, scan)} as period from {scan.fact}"
    if not borrowed:
        return f"  {rows}"
    traits = ", ".join(f"p.{name}" for name in borrowed)
    return (
        f"  select f.*, {traits}\n  from ({rows}) f\n"
        f"  left join {_BY_WINDOW} p on p.period = f.period and p.customer_id = f.customer_id"
    )


def _window_case(book: Book, scan: Scan) -> str:
    branches = []
    for window in scan.windows:
        if scan.at.endswith("_on"):
            start, end = (f"date '{day}'" for day in (window.start, window.end))
        else:
            start, end = (f"timestamp '{moment}'" for moment in book.instants(window))
        branches.append(f"when {scan.at} >= {start} and {scan.at} < {end} then '{window.label}'")
    return "case " + " ".join(branches) + " end"


def _group_columns(names: Sequence[str]) -> list[str]:
    return [f"coalesce(cast({name} as varchar), '{NOT_STATED}') as {name}" for name in names]


def _values(number: int, metric: Metric) -> list[str]:
    """The metric's own columns: x (and y), missing on rows that do not belong to it."""
    where = f"({metric.where}) and " if metric.where else ""
    if metric.kind == "count":
        return [f"case when {metric.where or 'true'} then 1.0e0 end as x{number}"]
    if metric.kind == "ratio":
        both = f"{where}({metric.of}) is not null and ({metric.per}) is not null"
        return [
            f"case when {both} then cast({metric.of} as double) end as x{number}",
            f"case when {both} then cast({metric.per} as double) end as y{number}",
        ]
    return [f"case when {where}true then cast({metric.of} as double) end as x{number}"]


def _sums(number: int, metric: Metric) -> list[str]:
    x, y = f"x{number}", f"y{number}"
    sums = {"n": f"count({x})", "sum_x": f"sum({x})"}
    if metric.kind in ("mean", "ratio", "net_share"):
        sums["sum_xx"] = f"sum({x} * {x})"
    if metric.kind == "ratio":
        sums |= {"sum_y": f"sum({y})", "sum_yy": f"sum({y} * {y})", "sum_xy": f"sum({x} * {y})"}
    return [f"{expression} as {name}_{number}" for name, expression in sums.items()]


def _ranked_sql(book: Book, scan: Scan, metric: Metric) -> str:
    """The share of the top part: customers ranked within each window and group, ties by id."""
    parts = []
    for name in (None, *(dimension.id for dimension in scan.dimensions)):
        group = f"coalesce(cast({name} as varchar), '{NOT_STATED}')" if name else "cast(null as varchar)"
        by = f"'{name}'" if name else "cast(null as varchar)"
        parts.append(
            f"select {by} as by_dimension, {group} as group_name, period, customer_id,\n"
            f"    cast({metric.of} as double) as x\n"
            f"  from placed where period is not null and ({metric.where or 'true'})"
        )
    within = "partition by by_dimension, group_name, period"
    return (
        f"with placed as (\n{_placed(book, scan)}\n),\nparts as (\n  "
        + "\n  union all\n  ".join(parts)
        + "\n),\n"
        f"ranked as (\n  select *, row_number() over ({within} order by x desc, customer_id) as place,\n"
        f"    count(*) over ({within}) as customers\n  from parts\n)\n"
        "select by_dimension, group_name, period, count(*) as n,\n"
        f"  sum(case when place <= ceil(customers * {metric.top}) then x else 0 end) as sum_x, sum(x) as sum_y\n"
        "from ranked group by by_dimension, group_name, period"
    )


def _run(book: Book, scan: Scan) -> pd.DataFrame:
    if scan.metrics[0].kind == "concentration":
        one_each = [Scan(scan.fact, scan.at, (m,), scan.windows, scan.dimensions) for m in scan.metrics]
        return pd.concat([_ranked(book, one) for one in one_each], ignore_index=True)
    wide = book.ask(scan_sql(book, scan))
    company = [_company_level(wide, scan, number, metric) for number, metric in enumerate(scan.metrics)]
    groups = [
        _by_group(wide, scan, dimension.id, number, metric, _compared(book))
        for dimension in scan.dimensions
        for number, metric in enumerate(scan.metrics)
    ]
    return pd.concat([*company, *groups], ignore_index=True)


def _ranked(book: Book, scan: Scan) -> pd.DataFrame:
    metric = scan.metrics[0]
    found = book.ask(scan_sql(book, scan)).rename(columns={"by_dimension": "by", "group_name": "group"})
    company = found["by"].isna()
    whole = _every_window(found[company].drop(columns=["by", "group"]), scan).assign(by=None, group=None)
    parts = found[~company & found["period"].isin(_compared(book))]
    return _labelled(pd.concat([whole, parts], ignore_index=True), metric)


def _company_level(wide: pd.DataFrame, scan: Scan, number: int, metric: Metric) -> pd.DataFrame:
    flags = [f"without_{dimension.id}" for dimension in scan.dimensions]
    rows = wide[(wide[flags] == 1).all(axis=1)] if flags else wide
    sums = _every_window(_of_metric(rows, number), scan)
    return _labelled(sums.assign(by=None, group=None), metric)


def _by_group(
    wide: pd.DataFrame, scan: Scan, dimension: str, number: int, metric: Metric, periods: set[str]
) -> pd.DataFrame:
    rows = wide[(wide[f"without_{dimension}"] == 0) & wide["period"].isin(periods)]
    sums = _of_metric(rows, number).assign(by=dimension, group=rows[dimension])
    return _labelled(sums[sums["n"] > 0], metric)


def _of_metric(rows: pd.DataFrame, number: int) -> pd.DataFrame:
    names = [name for name in ("n", *SUMS) if f"{name}_{number}" in rows.columns]
    renamed = rows[["period", *(f"{name}_{number}" for name in names)]]
    return renamed.set_axis(["period", *names], axis=1)


def _every_window(sums: pd.DataFrame, scan: Scan) -> pd.DataFrame:
    """A row for every window, also for those in which nothing happened."""
    filled = sums.set_index("period").reindex([window.label for window in scan.windows])
    filled["n"] = filled["n"].fillna(0)
    return filled.rename_axis("period").reset_index()


def _labelled(sums: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    keys: dict[str, Any] = {
        "metric": metric.id, "variant": metric.variant, "kind": metric.kind, "sampled": metric.is_sampled,
    }  # fmt: skip
    return sums.assign(**keys).reindex(columns=[*KEYS, "kind", "sampled", "n", *SUMS])


def _compared(book: Book) -> set[str]:
    """The windows for which groups are given."""
    return {book.window.label, *book.baselines[book.window.label].values()}
