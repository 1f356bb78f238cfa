"""The statement of a scan: rows put into windows by a CASE, then six sums of every metric, or the ranks it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist

from analysis.catalogue import Dimension, Metric
from analysis.facts import Book
from analysis.facts.compile import KEYS_OF_FACTS
from analysis.metrics.frame import BOUNDS, NOT_STATED
from analysis.metrics.scans import Holder, Scan, holder_of
from analysis.periods import Window


def scan_sql(book: Book, scan: Scan, grouped: Sequence[Window] | None = None) -> str:
    """The statement of a scan, with ``$name`` where a setting goes: windows of the company, and of its groups.

    Groups are told apart in the ``grouped`` windows, in all if these are not given; in the others all rows are of one
    group without a name.
    """
    if scan.metrics[0].kind == "concentration":
        return ranked_sql(book, scan, scan.metrics[0], scan.windows)
    if scan.metrics[0].kind == "quantile":
        return ordered_sql(book, scan, scan.windows)
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
    for name, least_or_most, bound in zip(BOUNDS, ("min", "max"), metric.bounds or (), strict=False):
        if isinstance(bound, str):
            sums[name] = f"{least_or_most}({column(where, f'cast({bound} as double)')})"
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


def ordered_sql(book: Book, scan: Scan, grouped: Sequence[Window]) -> str:
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


def ranked_sql(book: Book, scan: Scan, metric: Metric, grouped: Sequence[Window]) -> str:
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
