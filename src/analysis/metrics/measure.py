"""Measure every metric in one scan per fact and time column.

A CASE puts each row into its window, grouping sets give the company and every dimension at once, and the scan
returns the six sums from which ``intervals`` makes value and interval. Shares of the top part need ranks and
take a second shape.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

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


def scan_sql(book: Book, scan: Scan, with_company: bool = True) -> str:
    """The statement of a scan, with ``$name`` where a setting goes: windows of the company, and of its groups."""
    if scan.metrics[0].kind == "concentration":
        return _ranked_sql(book, scan, scan.metrics[0], scan.windows)
    names = [dimension.id for dimension in scan.dimensions]
    values: dict[str, str] = {}
    sums = [column for i, metric in enumerate(scan.metrics) for column in _sums(i, metric, values)]
    sets = ", ".join([*(["(period)"] if with_company else []), *(f"(period, {name})" for name in names)])
    grouping = [f"grouping({name}) as without_{name}" for name in names]
    columns = (f"{expression} as {name}" for expression, name in values.items())
    inner = ",\n    ".join(["period", *_group_columns(names), *columns])
    outer = ",\n  ".join(["period", *names, *grouping, *sums])
    return (
        f"select\n  {outer}\nfrom (\n  select\n    {inner}\n  from (\n{_placed(book, scan)}\n  ) placed\n"
        f"  where period is not null\n) valuations\ngroup by grouping sets ({sets})"
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
    labels = ", ".join(f"'{window.label}'" for window in scan.windows)
    if scan.at is None:
        every = len(scan.windows) == len(book.windows)
        return f"  select * from {scan.fact}" + ("" if every else f" where period in ({labels})")
    borrowed = [d.id for d in scan.dimensions if scan.fact not in d.facts]
    rows = f"select *, {_window_case(book, scan)} as period from {scan.fact}"
    if not borrowed:
        return f"  {rows}"
    traits = ", ".join(["period", "customer_id", *borrowed])
    return (
        f"  select f.*, {', '.join(f'p.{name}' for name in borrowed)}\n  from ({rows}) f\n"
        f"  left join (select {traits} from {_BY_WINDOW} where period in ({labels})) p\n"
        "  on p.period = f.period and p.customer_id = f.customer_id"
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


def _sums(number: int, metric: Metric, values: dict[str, str]) -> list[str]:
    """The metric's sums over its own columns x and y, which are missing on rows that do not belong to it.

    The columns are added to ``values`` (expression → name); metrics that read the same share a column.
    """

    def column(where: str, of: str) -> str:
        return values.setdefault(f"case when {where} then {of} end", f"v{len(values)}")

    where = f"({metric.where})" if metric.where else "true"
    if metric.kind == "count":
        x = column(where, "1")
        return [f"count({x}) as n_{number}", f"cast(count({x}) as double) as sum_x_{number}"]
    if metric.kind == "ratio":
        both = f"{where} and ({metric.of}) is not null and ({metric.per}) is not null"
        x, y = (column(both, f"cast({each} as double)") for each in (metric.of, metric.per))
    else:
        x, y = column(where, f"cast({metric.of} as double)"), ""
    sums = {"n": f"count({x})", "sum_x": f"sum({x})"}
    if metric.kind in ("mean", "ratio", "net_share"):
        sums["sum_xx"] = f"sum({x} * {x})"
    if metric.kind == "ratio":
        sums |= {"sum_y": f"sum({y})", "sum_yy": f"sum({y} * {y})", "sum_xy": f"sum({x} * {y})"}
    return [f"{expression} as {name}_{number}" for name, expression in sums.items()]


def _ranked_sql(book: Book, scan: Scan, metric: Metric, grouped: Sequence[Window]) -> str:
    """The share of the top part: customers by value within each window and group, of the ``grouped`` windows."""
    parts = []
    for name, windows in ((None, scan.windows), *((each.id, grouped) for each in scan.dimensions)):
        group = f"coalesce(cast({name} as varchar), '{NOT_STATED}')" if name else "cast(null as varchar)"
        by = f"'{name}'" if name else "cast(null as varchar)"
        parts.append(
            f"select {by} as by_dimension, {group} as group_name, period, cast({metric.of} as double) as x\n"
            f"  from (\n{_placed(book, replace(scan, windows=tuple(windows)))}\n  ) placed\n"
            f"  where period is not null and ({metric.where or 'true'})"
        )
    within = "partition by by_dimension, group_name, period"
    top = f"ceil(all_customers * {metric.top}) - (down_to_here - customers)"
    return (
        "with parts as (\n  "
        + "\n  union all\n  ".join(parts)
        + "\n),\ncounted as (\n  select by_dimension, group_name, period, x, count(*) as customers\n"
        "  from parts group by by_dimension, group_name, period, x\n),\n"
        "running as (\n  select *,\n"
        f"    cast(sum(customers) over ({within} order by x desc\n"
        "      rows between unbounded preceding and current row) as bigint) as down_to_here,\n"
        f"    cast(sum(customers) over ({within}) as bigint) as all_customers\n  from counted\n)\n"
        "select by_dimension, group_name, period, sum(customers) as n,\n"
        f"  sum(x * greatest(0, least(customers, {top}))) as sum_x, sum(x * customers) as sum_y\n"
        "from running group by by_dimension, group_name, period"
    )


def _run(book: Book, scan: Scan) -> pd.DataFrame:
    """The sums of every metric of a scan: the company's for all windows, groups' for those that are compared."""
    compared = tuple(window for window in scan.windows if window.label in _compared(book))
    if scan.metrics[0].kind == "concentration":
        one_each = [replace(scan, metrics=(metric,)) for metric in scan.metrics]
        return pd.concat([_ranked(book, one, compared) for one in one_each], ignore_index=True)
    company = book.ask(scan_sql(book, replace(scan, dimensions=())))
    parts = [_by_metric(_every_window(company, scan), scan.metrics)]
    if scan.dimensions and compared:
        groups = book.ask(scan_sql(book, replace(scan, windows=compared), with_company=False))
        parts += [_of_dimension(groups, scan, dimension.id) for dimension in scan.dimensions]
    return pd.concat(parts, ignore_index=True)


def _ranked(book: Book, scan: Scan, compared: Sequence[Window]) -> pd.DataFrame:
    found = book.ask(_ranked_sql(book, scan, scan.metrics[0], compared)).rename(
        columns={
            "by_dimension": "by",
            "group_name": "group",
            "n": "n_0",
            "sum_x": "sum_x_0",
            "sum_y": "sum_y_0",
        }
    )
    company = found["by"].isna()
    whole = _every_window(found[company].drop(columns=["by", "group"]), scan)
    parts = [_by_metric(rows, scan.metrics) for rows in (whole, found[~company]) if len(rows)]
    return pd.concat(parts, ignore_index=True)


def _of_dimension(groups: pd.DataFrame, scan: Scan, dimension: str) -> pd.DataFrame:
    rows = groups[groups[f"without_{dimension}"] == 0]
    sums = _by_metric(rows.assign(by=dimension, group=rows[dimension]), scan.metrics)
    return sums[sums["n"] > 0]


def _every_window(sums: pd.DataFrame, scan: Scan) -> pd.DataFrame:
    """A row for every window, also for those in which nothing happened."""
    filled = sums.set_index("period").reindex([window.label for window in scan.windows])
    counts = [f"n_{number}" for number in range(len(scan.metrics))]
    filled[counts] = filled[counts].fillna(0)
    return filled.reset_index(names="period").assign(by=None, group=None)


def _by_metric(wide: pd.DataFrame, metrics: Sequence[Metric]) -> pd.DataFrame:
    """Sums side by side as rows, one for each metric and row: keys, ``kind``, ``sampled``, ``n`` and the sums."""
    none = np.full(len(wide), np.nan)

    def stacked(name: str) -> np.ndarray:
        columns = (wide.get(f"{name}_{number}") for number in range(len(metrics)))
        return np.concatenate(
            [none if one is None else one.to_numpy(float, na_value=np.nan) for one in columns]
        )

    repeated = {
        "metric": [metric.id for metric in metrics], "variant": [metric.variant for metric in metrics],
        "kind": [metric.kind for metric in metrics], "sampled": [metric.is_sampled for metric in metrics],
    }  # fmt: skip
    keys = {name: pd.Series(values).repeat(len(wide)).array for name, values in repeated.items()}
    keys |= {name: pd.concat([wide[name]] * len(metrics)).array for name in ("period", "by", "group")}
    sums = {name: stacked(name) for name in ("n", *SUMS)}
    return pd.DataFrame(keys | sums)[[*KEYS, "kind", "sampled", "n", *SUMS]]


def _compared(book: Book) -> set[str]:
    """The windows for which groups are given."""
    return {book.window.label, *book.baselines[book.window.label].values()}
