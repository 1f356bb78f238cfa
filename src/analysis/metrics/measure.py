"""Measure every metric in one scan per fact and time column.

A CASE puts each row into its window, grouping sets give the company and every dimension at once, and the scan
returns the six sums from which ``intervals`` makes value and interval. Shares of the top part need ranks and
take a second shape.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
import pandas as pd

from analysis.catalogue import Catalogue, Dimension, Metric
from analysis.facts import Book, Coverage
from analysis.facts.compile import KEYS_OF_FACTS, OF_CUSTOMERS, OF_ORDERS, days_of
from analysis.metrics.derived import operands
from analysis.metrics.frame import KEYS, KPI_COLUMNS, NOT_MEASURED, NOT_STATED, SUMS
from analysis.periods import Window, comparison_windows

_TRAITS = "customer_periods"  # the fact that knows what each customer was in each window
_RANKED = ("concentration", "quantile")  # the kinds that need the rows in their order


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
    needs = {*metric.needs, *({"orders"} if metric.fact in OF_ORDERS else ())}
    return sorted(needs & set(book.absent))


def plan(book: Book, metrics: Sequence[Metric], dimensions: Sequence[str]) -> list[Scan]:
    """The scans that measure these metrics: one per fact, time column and set of windows without overlap."""
    by_scan: dict[tuple[str, str | None, str], list[Metric]] = {}
    for metric in metrics:
        shape = metric.kind if metric.kind in _RANKED else "sums"
        by_scan.setdefault((metric.fact, metric.at, shape), []).append(metric)
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
    knows_customers = not {"orders", "customers"} <= set(book.absent)
    return dimension.of == "customer" and fact in OF_CUSTOMERS and knows_customers


def holder_of(dimension: Dimension, fact: str) -> tuple[str, bool]:
    """Where the column of a dimension stands for a fact's rows, and whether that differs from window to window.

    In the fact itself, in what is known of its customer (``customers``), or in what he was in a window
    (``customer_periods``).
    """
    if fact in dimension.facts or (dimension.of == "customer" and fact in (_TRAITS, "customer_care")):
        return fact, False
    return ("customers", False) if "customers" in dimension.needs else (_TRAITS, True)


def scan_sql(book: Book, scan: Scan, with_company: bool = True) -> str:
    """The statement of a scan, with ``$name`` where a setting goes: windows of the company, and of its groups."""
    if scan.metrics[0].kind == "concentration":
        return _ranked_sql(book, scan, scan.metrics[0], scan.windows)
    if scan.metrics[0].kind == "quantile":
        return _ordered_sql(book, scan, scan.windows)
    names = [dimension.id for dimension in scan.dimensions]
    values: dict[str, str] = {}
    last = _last_columns(scan.metrics)
    sums = [column for i, metric in enumerate(scan.metrics) for column in _sums(i, metric, values, last)]
    sets = ", ".join([*(["(period)"] if with_company else []), *(f"(period, {name})" for name in names)])
    grouping = [f"grouping({name}) as without_{name}" for name in names]
    columns = (f"{expression} as {name}" for expression, name in values.items())
    inner = ",\n    ".join(["period", *_group_columns(scan.dimensions), *columns])
    outer = ",\n  ".join(["period", *names, *grouping, *sums])
    return (
        f"select\n  {outer}\nfrom (\n  select\n    {inner}\n  from (\n{_counted(book, scan, last)}\n  ) placed\n"
        f"  where period is not null\n) valuations\ngroup by grouping sets ({sets})"
    )


def outside_coverage(book: Book, kpis: pd.DataFrame) -> pd.DataFrame:
    """The frame with a window the data do not cover marked as not measured, with the reason."""
    reasons = _reasons_outside(book)
    keys = zip(kpis["metric"], kpis["variant"], kpis["period"], strict=True)
    reason = pd.Series([reasons.get(key) for key in keys], kpis.index, dtype="str")
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


def _reasons_outside(book: Book) -> dict[tuple[str, str, str], str]:
    """Why a metric is not measured in a window, by metric, variant and window, where the data do not cover it."""
    found = {}
    for metric in (metric for record in book.catalogue.metrics.values() for metric in record.all_variants()):
        covered = [book.coverage_of(fact) for fact in sorted(_facts_behind(book, metric))]
        covered.sort(key=lambda one: (one.start is not None, one.start), reverse=True)
        for window in book.windows:
            reasons = (_uncovered(book, window, one, metric.looks_back_to) for one in covered)
            if reason := next((reason for reason in reasons if reason), None):
                found[metric.id, metric.variant, window.label] = reason
    return found


def _facts_behind(book: Book, metric: Metric, depth: int = 0) -> set[str]:
    """The facts, and the dated tables, that a metric cannot be measured without; orders where it names none."""
    if metric.kind == "derived" and depth < 10:
        names = operands(metric.value, list(book.catalogue.metrics), list(book.setting_values)).metrics
        parts = [_facts_behind(book, book.catalogue.metrics[name.metric], depth + 1) for name in names]
        return set().union(*parts) or {"orders"}
    dated = {table for table in metric.needs if days_of(table)}
    return {metric.fact or "orders", *(dated if metric.fact else ())}


def _uncovered(book: Book, window: Window, coverage: Coverage, looks_back_to: str | None) -> str | None:
    if coverage.is_before(window):
        return f"before_data|{coverage.start}"
    if window.days == 0:
        return f"after_data|{book.coverage.last_day}" if book.coverage.end else "not_begun"
    if coverage.is_after(window):
        return f"after_data|{coverage.last_day}"
    if coverage.begins_inside(window) and window != book.window:
        return f"data_begin_inside|{coverage.start}"
    if looks_back_to and not coverage.includes(comparison_windows(window)[looks_back_to]):
        return f"before_data|{coverage.start}"
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
    rows = f"select *, {_window_case(book, scan)} as period from {scan.fact}"
    borrowed: dict[tuple[str, bool], list[str]] = {}
    for dimension in scan.dimensions:
        borrowed.setdefault(holder_of(dimension, scan.fact), []).append(dimension.column_name)
    borrowed = {holder: names for holder, names in borrowed.items() if holder[0] != scan.fact}
    if not borrowed:
        return f"  {rows}"
    columns, joins = [], []
    for place, ((holder, by_window), names) in enumerate(sorted(borrowed.items())):
        traits = ", ".join([*(["period"] if by_window else []), "customer_id", *names])
        where = f" where period in ({labels})" if by_window else ""
        also = f"t{place}.period = f.period and " if by_window else ""
        columns += [f"t{place}.{name}" for name in names]
        joins.append(
            f"left join (select {traits} from {holder}{where}) t{place}\n"
            f"  on {also}t{place}.customer_id = f.customer_id"
        )
    listed, joined = ", ".join(columns), "\n  ".join(joins)
    return f"  select f.*, {listed}\n  from ({rows}) f\n  {joined}"


def _last_columns(metrics: Sequence[Metric]) -> dict[tuple[str, ...], str]:
    """The columns that number rows from the last one backwards: one for all metrics that count the same rows."""
    ways = dict.fromkeys(_last_of(metric) for metric in metrics if metric.last_per)
    return {way: f"from_last_{number}" for number, way in enumerate(ways)}


def _last_of(metric: Metric) -> tuple[str, ...]:
    """The condition and the columns within which a metric's last rows are found.

    Of the metrics made for each value of a column, all are found at once: that column is one more within which.
    """
    within = dict.fromkeys((*metric.last_per, *(metric.one_of[:1] if metric.one_of else ())))
    return (metric.where_of_all or "true", *within)


def _counted(book: Book, scan: Scan, last: Mapping[tuple[str, ...], str]) -> str:
    """The placed rows, numbered from the last one backwards where a metric counts only that."""
    rows = _placed(book, scan)
    if not last:
        return rows
    keys = KEYS_OF_FACTS.get(scan.fact) or getattr(book.catalogue.tables.get(scan.fact), "key", ())
    order = ", ".join(f"{name} desc" for name in (scan.at, *keys))
    columns = [
        f"row_number() over (partition by {', '.join(['period', *within])}, case when {where} then 1 else 0 end "
        f"order by {order}) as {name}"
        for (where, *within), name in last.items()
    ]
    listed = ",\n    ".join(["*", *columns])
    return f"  select {listed}\n  from (\n{rows}\n  ) dated\n  where period is not null"


def _belongs(metric: Metric, last: Mapping[tuple[str, ...], str]) -> str:
    """The condition on the rows that a metric counts."""
    where = f"({metric.where})" if metric.where else "true"
    return f"{where} and {last[_last_of(metric)]} = 1" if metric.last_per else where


def _window_case(book: Book, scan: Scan) -> str:
    branches = []
    for window in scan.windows:
        if scan.at.endswith("_on"):
            start, end = (f"date '{day}'" for day in (window.start, window.end))
        else:
            start, end = (f"timestamp '{moment}'" for moment in book.instants(window))
        branches.append(f"when {scan.at} >= {start} and {scan.at} < {end} then '{window.label}'")
    return "case " + " ".join(branches) + " end"


def _group_columns(dimensions: Sequence[Dimension]) -> list[str]:
    return [
        f"coalesce(cast({each.column_name} as varchar), '{NOT_STATED}') as {each.id}" for each in dimensions
    ]


def _sums(
    number: int, metric: Metric, values: dict[str, str], last: Mapping[tuple[str, ...], str]
) -> list[str]:
    """The metric's sums over its own columns x and y, which are missing on rows that do not belong to it.

    The columns are added to ``values`` (expression → name); metrics that read the same share a column.
    """

    def column(where: str, of: str) -> str:
        return values.setdefault(f"case when {where} then {of} end", f"v{len(values)}")

    where = _belongs(metric, last)
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


def _parts(book: Book, scan: Scan, metric: Metric, grouped: Sequence[Window]) -> str:
    """A metric's value x on each row: once for the company, once for each dimension in the ``grouped`` windows."""
    last = _last_columns([metric])
    rows = _counted(book, scan, last)
    names = "".join(f", {column}" for column in _group_columns(scan.dimensions))
    labels = ", ".join(f"'{window.label}'" for window in grouped)
    nobody = "cast(null as varchar)"
    parts = [f"select {nobody} as by_dimension, {nobody} as group_name, period, x from counted"]
    if labels:
        parts += [
            f"select '{each.id}', {each.id}, period, x from counted where period in ({labels})"
            for each in scan.dimensions
        ]
    return (
        f"with counted as (\n  select period{names}, cast({metric.of} as double) as x\n  from (\n{rows}\n  ) placed\n"
        f"  where period is not null and {_belongs(metric, last)}\n),\n"
        "parts as (\n  " + "\n  union all\n  ".join(parts) + "\n)"
    )


def _ordered_sql(book: Book, scan: Scan, grouped: Sequence[Window]) -> str:
    """The rows of a value in their order, of each window and group those near a quantile and its limits."""
    quantiles = dict.fromkeys(metric.quantile for metric in scan.metrics)
    near = "\n  or ".join(near_quantile(q, book.settings.confidence_level) for q in quantiles)
    within = "partition by by_dimension, group_name, period"
    return (
        f"{_parts(book, scan, scan.metrics[0], grouped)},\nordered as (\n  select *,\n"
        f"    row_number() over ({within} order by x) as place,\n    count(*) over ({within}) as n\n"
        "  from parts where x is not null\n)\n"
        f"select by_dimension, group_name, period, n, place, x from ordered\nwhere {near}"
    )


def near_quantile(q: float, confidence_level: float) -> str:
    """The condition that ``place`` among ``n`` rows is near a quantile, or near a limit of its interval.

    Which ranks the limits have is asked of the binomial distribution once n is known. The normal one differs from
    it by its skewness, at most (z² − 1)/6 rows, and by rounding to whole rows; 2 + z² on either side holds both.
    """
    z = NormalDist().inv_cdf(0.5 + confidence_level / 2)
    half = f"{z * (q * (1 - q)) ** 0.5:.9f} * sqrt(n)"
    limits = [f"abs(place - n * {q} {sign} {half}) <= {2 + z * z:.3f}" for sign in "+-"]
    middle = f"place between floor((n - 1) * {q}) and floor((n - 1) * {q}) + 3"
    return f"({' or '.join([middle, *limits])})"


def _ranked_sql(book: Book, scan: Scan, metric: Metric, grouped: Sequence[Window]) -> str:
    """The share of the top part: customers by value within each window and group, of the ``grouped`` windows."""
    within = "partition by by_dimension, group_name, period"
    top = f"ceil(all_customers * {metric.top}) - (down_to_here - customers)"
    return (
        f"{_parts(book, scan, metric, grouped)},\n"
        "tallied as (\n  select by_dimension, group_name, period, x, count(*) as customers\n"
        "  from parts group by by_dimension, group_name, period, x\n),\n"
        "running as (\n  select *,\n"
        f"    cast(sum(customers) over ({within} order by x desc\n"
        "      rows between unbounded preceding and current row) as bigint) as down_to_here,\n"
        f"    cast(sum(customers) over ({within}) as bigint) as all_customers\n  from tallied\n)\n"
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
    if scan.metrics[0].kind == "quantile":
        alike: dict[tuple[str | None, ...], list[Metric]] = {}
        for metric in scan.metrics:
            alike.setdefault((metric.of, metric.where, *metric.last_per), []).append(metric)
        of_one_value = [replace(scan, metrics=tuple(metrics)) for metrics in alike.values()]
        return pd.concat([_ordered(book, one, compared) for one in of_one_value], ignore_index=True)
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


def _ordered(book: Book, scan: Scan, compared: Sequence[Window]) -> pd.DataFrame:
    """The values at the ranks that make each quantile and its interval: a row for every window and group."""
    found = book.ask(_ordered_sql(book, scan, compared))
    found = found.rename(columns={"by_dimension": "by", "group_name": "group"})
    keys = ["period", "by", "group"]
    numbered = found.assign(by=found["by"].fillna(""), group=found["group"].fillna(""))
    places = numbered.set_index([*keys, "place"])["x"]
    groups = numbered.drop_duplicates(keys)[[*keys, "n"]]
    company = groups[groups["by"] == ""].set_index("period")
    company = company.reindex([window.label for window in scan.windows]).rename_axis("period").reset_index()
    rows = pd.concat([company, groups[groups["by"] != ""]], ignore_index=True)
    rows = rows.fillna({"by": "", "group": "", "n": 0}).astype({"n": "int64"})
    return pd.concat([_at_ranks(book, rows, places, metric) for metric in scan.metrics], ignore_index=True)


def _at_ranks(book: Book, rows: pd.DataFrame, places: pd.Series, metric: Metric) -> pd.DataFrame:
    """The rows of one quantile: keys, ``kind``, ``n``, no sums, and what stands at its ranks."""
    from analysis.metrics.intervals import quantile_ranks

    ranks = quantile_ranks(rows["n"], metric.quantile, book.settings.confidence_level)
    values = {}
    for name in ("low", "lower", "upper", "high"):
        rank = getattr(ranks, name)
        wanted = pd.MultiIndex.from_arrays([rows["period"], rows["by"], rows["group"], rank])
        values[f"x_{name}"] = places.reindex(wanted).to_numpy()
        if (np.isnan(values[f"x_{name}"]) & (rank > 0)).any():
            raise ValueError(
                f"{metric.id}.{metric.variant}: a rank of the quantile was not among the rows asked for"
            )
    record = {
        "metric": metric.id, "variant": metric.variant, "kind": metric.kind, "sampled": metric.is_sampled,
        "q": metric.quantile, **dict.fromkeys(SUMS, np.nan),
    }  # fmt: skip
    named = rows.assign(by=rows["by"].replace("", None), group=rows["group"].where(rows["by"] != "", None))
    return named.assign(**record, **values)


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
