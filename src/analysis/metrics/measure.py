"""Measure every metric in one scan per fact and time column.

A CASE puts each row into its window, grouping sets give the company and every dimension at once, and the scan
returns the six sums from which ``intervals`` makes value and interval. Shares of the top part need ranks and
take a second shape.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from statistics import NormalDist
from typing import Literal

import numpy as np
import pandas as pd

from analysis.catalogue import Catalogue, Dimension, Metric
from analysis.facts import Book, Coverage
from analysis.facts.compile import (
    COLUMNS_OF_ORDERS,
    KEYS_OF_FACTS,
    OF_CUSTOMERS,
    OF_CUSTOMERS_BY_WINDOW,
    OF_ORDERS,
    WIDE,
    WITH_TRAITS,
    days_of,
)
from analysis.metrics.derived import operands
from analysis.metrics.frame import KEYS, KPI_COLUMNS, NOT_MEASURED, NOT_STATED, SUMS
from analysis.periods import Window, comparison_windows

_RANKED = ("concentration", "quantile")  # the kinds that need the rows in their order


@dataclass(frozen=True)
class Scan:
    """One query: the metrics of one fact and time column, over windows that do not overlap.

    A dimension in whose groups a customer stands several times has a scan of its own, which says nothing of the
    company as a whole: its rows are there once for every group. ``held`` names the tables that stand for facts while
    several scans read them.
    """

    fact: str
    at: str | None
    metrics: tuple[Metric, ...]
    windows: tuple[Window, ...]
    dimensions: tuple[Dimension, ...]
    with_company: bool = True
    held: Mapping[str, str] = field(default_factory=dict, compare=False)

    def source(self, relation: str) -> str:
        """Where a fact is read from: a table that holds what several scans need of it, else the fact itself."""
        return self.held.get(relation, relation)


@dataclass(frozen=True, order=True)
class Holder:
    """Where the column of a dimension stands for a fact's rows.

    Attributes
    ----------
    relation
        The fact itself, or one that is joined to it by customer.
    also_by
        What joins it besides: ``window``, or the ``day`` on which the row happened; empty for the customer alone.
    """

    relation: str
    also_by: Literal["", "window", "day"] = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that join it to a row and its window."""
        return ("customer_id", "period") if self.also_by == "window" else ("customer_id",)

    def join(self, name: str, at: str | None, period: str, labels: str, source: str | None = None) -> str:
        """The join to rows called ``f``.

        Parameters
        ----------
        name
            What the joined rows are called.
        at, period, labels
            The column that says when a row of ``f`` happened, the column of its window, and the windows there are.
        source
            What is read in place of the relation.
        """
        same_customer, source = f"{name}.customer_id = f.customer_id", source or self.relation
        if self.also_by == "window":
            of_windows = f"(select * from {source} where period in ({labels}))"
            return f"left join {of_windows} {name}\n  on {name}.period = {period} and {same_customer}"
        day = f"f.{_day_of(at)}"
        held = f" and {day} >= {name}.held_from and {day} < {name}.held_until" if self.also_by else ""
        return f"left join {source} {name} on {same_customer}{held}"


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
    sums = [frame for frame in _run_all(book, plan(book, present, dimensions)) if len(frame)]
    level = book.settings.confidence_level
    frames = [summarise(pd.concat(sums, ignore_index=True), level)] if sums else []
    frames.append(_absent(book, [metric for metric in wanted if metric not in present]))
    return outside_coverage(book, pd.concat(frames, ignore_index=True)[KPI_COLUMNS])


def measured_metrics(catalogue: Catalogue) -> list[Metric]:
    """Every metric, under every variant, that is worked out from a fact."""
    resolved = [metric for record in catalogue.metrics.values() for metric in record.all_variants()]
    return [metric for metric in resolved if metric.kind not in ("derived", "modelled")]


def missing_tables(book: Book, metric: Metric) -> list[str]:
    """The tables a metric needs that the company does not supply; of those of which one is enough, all."""
    return tables_lacking(metric, book.absent, book.settings.customer_base)


def tables_lacking(metric: Metric, absent: Iterable[str], customer_base: str) -> list[str]:
    """The same for a company that does not supply the ``absent`` tables and counts customers so."""
    absent = set(absent)
    needs = {*metric.needs, *_needed_for_customers(metric, absent, customer_base)} & absent
    return sorted(needs | (set(metric.needs_any) if set(metric.needs_any) <= absent else set()))


def _needed_for_customers(metric: Metric, absent: set[str], customer_base: str) -> set[str]:
    """What says who is a customer (the setting ``customer_base``), and orders where it is about what was ordered."""
    if metric.fact not in OF_ORDERS:
        return set()
    if customer_base == "orders" or metric.fact == "orders" or COLUMNS_OF_ORDERS & _words(metric):
        return {"orders"}
    either = {"orders", "contracts"}
    return {"contracts"} if customer_base == "contracts" else either if either <= absent else set()


def _words(metric: Metric) -> set[str]:
    return set(re.findall(r"\w+", " ".join(text for text in (metric.where, metric.of, metric.per) if text)))


def plan(book: Book, metrics: Sequence[Metric], dimensions: Sequence[str]) -> list[Scan]:
    """The scans that measure these metrics: one per fact, time column and set of windows without overlap."""
    by_scan: dict[tuple[str, str | None, str], list[Metric]] = {}
    for metric in metrics:
        shape = metric.kind if metric.kind in _RANKED else "sums"
        by_scan.setdefault((metric.fact, metric.at, shape), []).append(metric)
    return [
        Scan(fact, at, tuple(group), windows, reached, with_company)
        for (fact, at, _), group in by_scan.items()
        for windows in ([book.windows] if at is None else _without_overlap(book.windows))
        for reached, with_company in _together(book, [book.catalogue.dimensions[d] for d in dimensions], fact)
    ]


def _together(
    book: Book, dimensions: Sequence[Dimension], fact: str
) -> list[tuple[tuple[Dimension, ...], bool]]:
    """The dimensions that one scan can take, with the company as a whole, and each of those that need their own."""
    reached = [dimension for dimension in dimensions if reaches(book, dimension, fact)]
    alone = [dimension for dimension in reached if overlaps(dimension, fact)]
    others = tuple(dimension for dimension in reached if dimension not in alone)
    return [(others, True), *(((dimension,), False) for dimension in alone)]


def reaches(book: Book, dimension: Dimension, fact: str | None) -> bool:
    """Whether a fact's rows can be grouped by a dimension."""
    if fact in dimension.facts:
        return True
    if set(dimension.needs) & set(book.absent):
        return False
    if dimension.of != "customer" or fact not in OF_CUSTOMERS:
        return False
    if dimension.overlapping:
        return fact in OF_CUSTOMERS_BY_WINDOW
    by_contracts = {"contracts"} if book.settings.customer_base != "orders" else set()
    return dimension.changes_hands or not {"orders", "customers", *by_contracts} <= set(book.absent)


def overlaps(dimension: Dimension, fact: str | None) -> bool:
    """Whether a row of the fact can stand in several groups of a dimension: one that carries the column is in one."""
    return dimension.overlapping and fact not in dimension.facts


def holder_of(dimension: Dimension, fact: str, at: str | None) -> Holder:
    """Where the column of a dimension stands for a fact's rows.

    In the fact itself; in what is known of its customer (``customers``); in what he was in a window
    (``customer_periods``, or the fact that the dimension names); or in who held him on a day (``holdings``).
    """
    if fact in dimension.facts or (dimension.is_trait and fact in WITH_TRAITS):
        return Holder(fact)
    if dimension.changes_hands and at is not None:
        return Holder("holdings", "day")
    if dimension.told_in:
        return Holder(dimension.told_in, "window")
    return Holder("customers") if "customers" in dimension.needs else Holder("customer_periods", "window")


def _day_of(at: str | None) -> str:
    """The local day of an instant's column."""
    return f"{at.removesuffix('_at')}_on" if at and at.endswith("_at") else str(at)


def scan_sql(book: Book, scan: Scan, grouped: Sequence[Window] | None = None) -> str:
    """The statement of a scan, with ``$name`` where a setting goes: windows of the company, and of its groups.

    Groups are told apart in the ``grouped`` windows, in all if these are not given; in the others all rows are of one
    group without a name.
    """
    if scan.metrics[0].kind == "concentration":
        return _ranked_sql(book, scan, scan.metrics[0], scan.windows)
    if scan.metrics[0].kind == "quantile":
        return _ordered_sql(book, scan, scan.windows)
    names = [dimension.id for dimension in scan.dimensions]
    values: dict[str, str] = {}
    last = _last_columns(scan.metrics)
    sums = [column for i, metric in enumerate(scan.metrics) for column in _sums(i, metric, values, last)]
    sets = ", ".join([*(["(period)"] if scan.with_company else []), *(f"(period, {name})" for name in names)])
    grouping = [f"grouping({name}) as without_{name}" for name in names]
    columns = (f"{expression} as {name}" for expression, name in values.items())
    inner = ",\n    ".join(["period", *_group_columns(scan.dimensions, grouped), *columns])
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
    given = set(metric.needs_any) - set(book.absent)
    dated = {table for table in (*metric.needs, *(given if len(given) == 1 else ())) if days_of(table)}
    return {metric.fact or "orders", *dated}


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
    """Each row of the fact with its window, and with what its dimensions need to know of its customer."""
    labels = ", ".join(f"'{window.label}'" for window in scan.windows)
    if scan.at is None:
        every = len(scan.windows) == len(book.windows)
        rows = f"select * from {scan.fact}" + ("" if every else f" where period in ({labels})")
    else:
        rows = f"select *, {_window_case(book, scan)} as period from {scan.source(scan.fact)}"
    borrowed: dict[Holder, list[str]] = {}
    for dimension in scan.dimensions:
        borrowed.setdefault(holder_of(dimension, scan.fact, scan.at), []).append(dimension.column_name)
    borrowed.pop(Holder(scan.fact), None)
    if not borrowed:
        return f"  {rows}"
    columns, joins = [], []
    for place, (holder, names) in enumerate(sorted(borrowed.items())):
        columns += [f"t{place}.{name}" for name in dict.fromkeys(names)]
        source = scan.source(holder.relation)
        joins.append(holder.join(f"t{place}", scan.at, "f.period", labels, source))
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


def _group_columns(dimensions: Sequence[Dimension], grouped: Sequence[Window] | None = None) -> list[str]:
    named = {each.id: f"coalesce(cast({each.column_name} as varchar), '{NOT_STATED}')" for each in dimensions}
    if grouped is not None:
        labels = ", ".join(f"'{window.label}'" for window in grouped)
        named = {name: f"case when period in ({labels}) then {group} end" for name, group in named.items()}
    return [f"{group} as {name}" for name, group in named.items()]


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
    n = f"count({x})"
    if metric.kind == "total":  # of rows whose values are all missing it is missing, not 0: they must be seen
        n = f"coalesce(nullif({n}, 0), count({column(where, '1')}))"
    sums = {"n": n, "sum_x": f"sum({x})"}
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
    parts = parts if scan.with_company else []
    if labels:
        parts += [
            f"select '{each.id}' as by_dimension, {each.id} as group_name, period, x from counted "
            f"where period in ({labels})"
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


def _run_all(book: Book, scans: Sequence[Scan]) -> Iterator[pd.DataFrame]:
    """The sums of every scan; what several of them read of a fact is put together once, and forgotten after them."""
    by_fact: dict[str, list[Scan]] = {}
    for scan in scans:
        by_fact.setdefault(scan.fact, []).append(scan)
    with ExitStack() as kept:
        known = {
            holder.relation: kept.enter_context(book.holding(f"held_{holder.relation}", sql))
            for holder, sql in _shared_lookups(book, scans).items()
        }
        for fact, its in by_fact.items():
            with ExitStack() as own:
                held = dict(known)
                if fact in WIDE and sum(_readings(book, scan) for scan in its) > 1:
                    held[fact] = own.enter_context(book.holding(f"held_{fact}", _columns_used(book, its)))
                yield from (_run(book, replace(scan, held=held)) for scan in its)


def _readings(book: Book, scan: Scan) -> int:
    """How often a scan reads its fact."""
    if scan.metrics[0].kind in _RANKED:
        return len({_value_of(metric) for metric in scan.metrics})
    has_groups = bool(scan.dimensions) and any(w.label in _compared(book) for w in scan.windows)
    return scan.with_company + has_groups


def _shared_lookups(book: Book, scans: Sequence[Scan]) -> dict[Holder, str]:
    """The statements that look up, once for all scans, what dimensions borrow of customers in the windows compared."""
    columns: dict[Holder, list[str]] = {}
    for scan in scans:
        for dimension in scan.dimensions:
            holder = holder_of(dimension, scan.fact, scan.at)
            if (
                holder.relation != scan.fact
                and holder.also_by != "day"
                and not overlaps(dimension, scan.fact)
            ):
                columns.setdefault(holder, []).append(dimension.column_name)
    labels = ", ".join(f"'{label}'" for label in sorted(_compared(book)))
    # Customers are put together from all orders; what is kept for their windows has the same traits.
    is_kept = any(scan.fact in OF_CUSTOMERS_BY_WINDOW for scan in scans)
    source = {"customers": "customer_stretches"} if is_kept else {}
    return {
        holder: f"select {', '.join(dict.fromkeys([*holder.keys, *names]))} "
        f"from {source.get(holder.relation, holder.relation)}"
        + (f" where period in ({labels})" if holder.also_by else "")
        for holder, names in columns.items()
        if len(names) > len(set(names))  # more than one scan asks
    }


def _columns_used(book: Book, scans: Sequence[Scan]) -> str:
    """The statement for those columns of a fact that its scans name, so that holding it takes little memory."""
    fact, words = scans[0].fact, {"customer_id", *KEYS_OF_FACTS.get(scans[0].fact, ())}
    words |= set(getattr(book.catalogue.tables.get(fact), "key", ()))
    for scan in scans:
        words |= {str(scan.at), _day_of(scan.at), *(each.column_name for each in scan.dimensions)}
        for metric in scan.metrics:
            words |= {*_words(metric), *metric.last_per, *(metric.one_of or ())}
    return f"select {', '.join(name for name in book.columns_of(fact) if name in words)} from {fact}"


def _value_of(metric: Metric) -> tuple[str | None, ...]:
    """What metrics of ranks have in common that can be read off the same order."""
    return metric.of, metric.where, *metric.last_per


def _run(book: Book, scan: Scan) -> pd.DataFrame:
    """The sums of every metric of a scan: the company's for all windows, groups' for those that are compared."""
    compared = tuple(window for window in scan.windows if window.label in _compared(book))
    scan = scan if scan.with_company else replace(scan, windows=compared)
    if not scan.windows:
        return pd.DataFrame()
    if scan.metrics[0].kind == "concentration":
        one_each = [replace(scan, metrics=(metric,)) for metric in scan.metrics]
        return pd.concat([_ranked(book, one, compared) for one in one_each], ignore_index=True)
    if scan.metrics[0].kind == "quantile":
        alike: dict[tuple[str | None, ...], list[Metric]] = {}
        for metric in scan.metrics:
            alike.setdefault(_value_of(metric), []).append(metric)
        of_one_value = [replace(scan, metrics=tuple(metrics)) for metrics in alike.values()]
        return pd.concat([_ordered(book, one, compared) for one in of_one_value], ignore_index=True)
    company, groups = _company_and_groups(book, scan, compared)
    parts = [_every_window(company, scan)] if scan.with_company else []
    parts += [_of_dimension(groups, dimension.id) for dimension in scan.dimensions if len(groups)]
    sums = _by_metric(pd.concat(parts, ignore_index=True), scan.metrics)
    return sums[sums["by"].isna() | (sums["n"] > 0)]


def _company_and_groups(
    book: Book, scan: Scan, compared: Sequence[Window]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The sums of a scan side by side: the company's in every window, and groups' in those that are compared.

    Facts by window are put together from several others: they are read once for both. Where rows borrow what their
    customers were, only those of the windows compared do.
    """
    wants_groups = bool(scan.dimensions and compared)
    if scan.with_company and wants_groups and scan.at is None:
        sums = book.ask(scan_sql(book, scan, compared))
        is_company = sums[[f"without_{each.id}" for each in scan.dimensions]].eq(1).all(axis=1)
        is_compared = sums["period"].isin([window.label for window in compared])
        return sums[is_company], sums[~is_company & is_compared]
    company = book.ask(scan_sql(book, replace(scan, dimensions=()))) if scan.with_company else pd.DataFrame()
    of_groups = replace(scan, windows=tuple(compared), with_company=False)
    return company, book.ask(scan_sql(book, of_groups)) if wants_groups else pd.DataFrame()


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
    whole = _every_window(found[company].drop(columns=["by", "group"]), scan) if scan.with_company else []
    parts = [_by_metric(rows, scan.metrics) for rows in (whole, found[~company]) if len(rows)]
    return pd.concat(parts, ignore_index=True)


def _ordered(book: Book, scan: Scan, compared: Sequence[Window]) -> pd.DataFrame:
    """The values at the ranks that make each quantile and its interval: a row for every window and group."""
    found = book.ask(_ordered_sql(book, scan, compared))
    found = found.rename(columns={"by_dimension": "by", "group_name": "group"})
    keys = ["period", "by", "group"]
    found["row"] = found.groupby(keys, dropna=False, sort=False).ngroup()
    groups = found.drop_duplicates("row")[[*keys, "n", "row"]]
    labels = [window.label for window in scan.windows] if scan.with_company else []
    company = groups[groups["by"].isna()].set_index("period").reindex(labels).reset_index(names="period")
    rows = pd.concat([company, groups[groups["by"].notna()]], ignore_index=True)
    rows = rows.fillna({"n": 0, "row": -1}).astype({"n": "int64", "row": "int64"})
    step = int(rows["n"].max()) + 1 if len(rows) else 1  # a place of a row is one number: row × step + place
    places = pd.Series(found["x"].to_numpy(float), found["row"] * step + found["place"])
    measured = [_at_ranks(book, rows, places, step, metric) for metric in scan.metrics]
    return pd.concat(measured, ignore_index=True).drop(columns="row")


def _at_ranks(book: Book, rows: pd.DataFrame, places: pd.Series, step: int, metric: Metric) -> pd.DataFrame:
    """The rows of one quantile: keys, ``kind``, ``n``, no sums, and what stands at its ranks."""
    from analysis.metrics.intervals import quantile_ranks

    ranks = quantile_ranks(rows["n"], metric.quantile, book.settings.confidence_level)
    values = {}
    for name in ("low", "lower", "upper", "high"):
        rank = getattr(ranks, name)
        values[f"x_{name}"] = places.reindex(rows["row"].to_numpy() * step + rank).to_numpy()
        if (np.isnan(values[f"x_{name}"]) & (rank > 0)).any():
            raise ValueError(
                f"{metric.id}.{metric.variant}: a rank of the quantile was not among the rows asked for"
            )
    return rows.assign(
        metric=metric.id, variant=metric.variant, kind=metric.kind, sampled=metric.is_sampled, q=metric.quantile,
        **dict.fromkeys(SUMS, np.nan), **values,
    )  # fmt: skip


def _of_dimension(groups: pd.DataFrame, dimension: str) -> pd.DataFrame:
    rows = groups[groups[f"without_{dimension}"] == 0]
    return rows.assign(by=dimension, group=rows[dimension])


def _every_window(sums: pd.DataFrame, scan: Scan) -> pd.DataFrame:
    """A row for every window, also for those in which nothing happened."""
    filled = sums.set_index("period").reindex([window.label for window in scan.windows])
    counts = [f"n_{number}" for number in range(len(scan.metrics))]
    filled[counts] = filled[counts].fillna(0)
    return filled.reset_index(names="period").assign(by=None, group=None)


def _by_metric(wide: pd.DataFrame, metrics: Sequence[Metric]) -> pd.DataFrame:
    """Sums side by side as rows, one for each metric and row: keys, ``kind``, ``sampled``, ``n`` and the sums."""
    rows, none = len(wide), np.full(len(wide), np.nan)
    wide_sums = {
        name: column.to_numpy(float, na_value=np.nan)
        for name, column in wide.items()
        if re.fullmatch(r"(n|sum_[xy]+)_\d+", str(name))
    }
    said = {
        "metric": [metric.id for metric in metrics], "variant": [metric.variant for metric in metrics],
        "kind": [metric.kind for metric in metrics], "sampled": [metric.is_sampled for metric in metrics],
    }  # fmt: skip
    columns = {name: np.repeat(np.asarray(values, object), rows) for name, values in said.items()}
    columns |= {
        name: np.tile(wide[name].to_numpy(object), len(metrics)) for name in ("period", "by", "group")
    }
    for name in ("n", *SUMS):
        parts = [wide_sums.get(f"{name}_{number}", none) for number in range(len(metrics))]
        columns[name] = np.concatenate(parts)
    types = dict.fromkeys((*KEYS, "kind"), "str") | {"sampled": bool}
    return pd.DataFrame(columns).astype(types)[[*KEYS, "kind", "sampled", "n", *SUMS]]


def _compared(book: Book) -> set[str]:
    """The windows for which groups are given."""
    return {book.window.label, *book.baselines[book.window.label].values()}
