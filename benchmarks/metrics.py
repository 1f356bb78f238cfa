"""Metrics by period and group: from one Parquet file of checked orders to every value, by four ways.

Eight quarters, the company as a whole; new and existing customers for the last quarter and those it is compared
with. The rivals work out the values alone, we also their intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from inputs import write_orders
from measuring import Call, Sizes, Task, Way, no_slower

ACTIVE_DAYS = 180
PERIOD, COMPARED = "2024Q4", ("2023Q4", "2024Q3", "2024Q4")
LOOKING_BACK = ("net_revenue_retention", "gross_revenue_retention", "expansion_share")  # no year before 2024
METRICS = (
    "new_customers", "new_customer_first_value", "repeat_purchase_rate", "purchase_frequency", "opening_customers",
    "closing_customers", "returned_customers", "lost_customers", "customer_retention_rate", "customer_churn_rate",
    "churned_value", "customer_growth_rate", *LOOKING_BACK, "winback_rate", "buyers", "revenue_per_customer",
    "historical_clv", "top_decile_share", "revenue", "orders", "average_order_value",
)  # fmt: skip
Values = Iterator[tuple[str, float]]


def quarters() -> list[dict[str, Any]]:
    """The days of every window, and the days it looks back on."""
    import pandas as pd

    firsts = pd.date_range("2023-01-01", periods=8, freq="QS")
    year, active = pd.DateOffset(years=1), pd.Timedelta(days=ACTIVE_DAYS)
    return [
        {
            "period": f"{first.year}Q{first.quarter}", "start": first, "end": first + pd.DateOffset(months=3),
            "opening": first - active, "closing": first + pd.DateOffset(months=3) - active,
            "year_ago": first - year, "year_ago_end": first - year + pd.DateOffset(months=3),
        }
        for first in firsts
    ]  # fmt: skip


def added_up(values: Values) -> dict[str, float]:
    """Each metric's values over all periods and groups added up: what the ways have to agree on."""
    import math

    answer = dict.fromkeys(METRICS, 0.0)
    for metric, value in values:
        if value is not None and math.isfinite(value):
            answer[metric] += float(value)
    return answer


def with_analysis(path: Path) -> Call:
    import sqlglot  # noqa: F401  loading it and scipy is not what is timed

    import analysis.metrics.intervals  # noqa: F401
    from analysis.facts.book import book_of
    from analysis.metrics.measure import measure
    from analysis.params import load_params
    from analysis.periods import parse_period
    from analysis.tables.prepared import Prepared

    company = path.with_suffix(".yml")
    company.write_text(
        "company: Benchmark\ntables: {orders: {file: none.csv, columns: {customer_id: c, ordered_at: d, amount: a}}}\n"
    )
    params = load_params(company)
    prepared = Prepared(path.parent, "", {"orders": path}, [], {})

    def call() -> dict[str, float]:
        book = book_of(params, prepared, parse_period(PERIOD))
        kpis = measure(book, ["customer_status"], [book.catalogue.metric(name) for name in METRICS])
        return added_up(zip(kpis["metric"], kpis["value"], strict=True))

    return call


# --- By hand, in SQL ------------------------------------------------------------------------------

CUSTOMERS_BY_QUARTER = """
create temp table customer_quarters as
select *, coalesce(first_on >= starts and first_on < ends, false) as is_new,
  opening > 0 as is_opening, active > 0 as is_closing, orders > 0 as is_buyer,
  case when first_on >= starts then 'new' else 'existing' end as status
from (
  select period, any_value(w.start) as starts, any_value(w."end") as ends, customer_id,
    min(ordered_on) filter (where bought) as first_on,
    count(*) filter (where bought and ordered_on >= opening and ordered_on < w.start) as opening,
    count(*) filter (where bought and ordered_on >= closing) as active,
    count(*) filter (where bought and ordered_on >= w.start) as orders,
    coalesce(sum(net_amount) filter (where ordered_on >= w.start), 0) as revenue,
    case when year_ago >= date '2023-01-01' then
      coalesce(sum(net_amount) filter (where ordered_on >= year_ago and ordered_on < year_ago_end), 0)
    end as then_revenue,
    coalesce(sum(net_amount) filter (where ordered_on >= year_ago and ordered_on < w.start), 0) as year_before,
    count(*) filter (where bought and ordered_on >= year_ago_end) as year_orders,
    coalesce(sum(net_amount) filter (where ordered_on >= year_ago_end), 0) as year_revenue,
    sum(coalesce(net_amount, 0)) as to_date
  from (select *, history_amount is not null and not is_return as bought from read_parquet('{path}')) o
  join quarters w on o.ordered_on < w."end"
  where customer_id is not null
  group by period, customer_id, year_ago, year_ago_end
)"""
OF_CUSTOMERS = """
select period, {status} as status,
  count(*) filter (where is_new) as new_customers,
  avg(revenue) filter (where is_new) as new_customer_first_value,
  avg((active >= 2)::int) filter (where is_closing) as repeat_purchase_rate,
  avg(orders) filter (where is_buyer) as purchase_frequency,
  count(*) filter (where is_opening) as opening_customers,
  count(*) filter (where is_closing) as closing_customers,
  count(*) filter (where is_closing and not is_opening and not is_new) as returned_customers,
  count(*) filter (where is_opening and not is_closing) as lost_customers,
  count(*) filter (where is_opening and is_closing) / nullif(opening_customers, 0) as customer_retention_rate,
  lost_customers / nullif(opening_customers, 0) as customer_churn_rate,
  sum(year_before) filter (where is_opening and not is_closing) as churned_value,
  (closing_customers - opening_customers) / nullif(opening_customers, 0) as customer_growth_rate,
  sum(revenue) filter (where then_revenue > 0) / nullif(sum(then_revenue) filter (where then_revenue > 0), 0)
    as net_revenue_retention,
  sum(least(revenue, then_revenue)) filter (where then_revenue > 0)
    / nullif(sum(then_revenue) filter (where then_revenue > 0), 0) as gross_revenue_retention,
  sum(case when then_revenue > 0 then greatest(0, revenue - then_revenue) else 0 end)
      filter (where then_revenue is not null and (revenue <> 0 or then_revenue > 0))
    / nullif(sum(revenue) filter (where then_revenue is not null), 0) as expansion_share,
  avg((is_closing and not is_new)::int) filter (where first_on < starts and not is_opening) as winback_rate,
  count(*) filter (where is_buyer) as buyers,
  avg(revenue) filter (where is_buyer) as revenue_per_customer,
  avg(to_date) filter (where first_on < ends) as historical_clv
from customer_quarters {where} group by {by}"""
TOP_TENTH = """
select period, status, sum(year_revenue) filter (where place <= ceil(customers * 0.1)) / nullif(sum(year_revenue), 0)
  as top_decile_share
from (
  select period, {status} as status, year_revenue,
    row_number() over (partition by {by} order by year_revenue desc) as place,
    count(*) over (partition by {by}) as customers
  from customer_quarters {where}
) group by all"""
OF_ORDERS = """
select w.period, {status} as status, sum(net_amount) as revenue,
  count(*) filter (where net_amount is not null and not is_return) as orders,
  sum(net_amount) / nullif(count(*) filter (where net_amount is not null and not is_return), 0) as average_order_value
from read_parquet('{path}') o join quarters w on o.ordered_on >= w.start and o.ordered_on < w."end" {join}
group by {by}"""


def by_hand(path: Path) -> Call:
    import duckdb
    import pandas as pd

    def call() -> dict[str, float]:
        connection = duckdb.connect()
        connection.register("_quarters", pd.DataFrame(quarters()))
        days = ["start", '"end"', "opening", "closing", "year_ago", "year_ago_end"]
        casts = ", ".join(f"cast({day} as date) as {day}" for day in days)
        connection.execute(f"create temp table quarters as select period, {casts} from _quarters")
        connection.execute(CUSTOMERS_BY_QUARTER.format(path=path))
        company, compared = {"status": "null", "by": "period"}, {"status": "status", "by": "period, status"}
        where, of_compared = "where year_orders > 0", f"where period in {COMPARED}"
        joined = (
            "left join customer_quarters c on c.period = w.period and c.customer_id = o.customer_id "
            f"where w.period in {COMPARED}"
        )
        statements = [
            OF_CUSTOMERS.format(**company, where=""),
            OF_CUSTOMERS.format(**compared, where=of_compared),
            TOP_TENTH.format(**company, where=where),
            TOP_TENTH.format(**compared, where=f"{of_compared} and year_orders > 0"),
            OF_ORDERS.format(path=path, join="", status="null", by="w.period"),
            OF_ORDERS.format(path=path, join=joined, status="c.status", by="w.period, c.status"),
        ]
        found = [connection.sql(statement).df() for statement in statements]
        return added_up(
            (name, value) for rows in found for name in rows if name in METRICS for value in rows[name]
        )

    return call


# --- By hand, in frames: group-by as each library does it, the arithmetic on columns shared --------


def values_of_quarter(window: dict[str, Any], c: dict[str, Any], o: dict[str, Any]) -> Values:
    """Every metric of one quarter, for the company and, where compared, new and existing customers.

    ``c`` holds columns of customers, ``o`` of the quarter's orders.
    """
    import numpy as np

    yield from values_of(window, c, o)
    if window["period"] in COMPARED:
        for groups in (c["is_new"], ~c["is_new"], None):
            chosen = {
                name: column[groups] if groups is not None else column[:0] for name, column in c.items()
            }
            if groups is None:
                rows = ~o["has_customer"]
            else:
                rows = o["has_customer"] & (o["of_new"] if groups is c["is_new"] else ~o["of_new"])
            yield from values_of(
                window, chosen, {name: np.asarray(column)[rows] for name, column in o.items()}
            )


def values_of(window: dict[str, Any], c: dict[str, Any], o: dict[str, Any]) -> Values:
    import numpy as np

    def share(top: Any, bottom: Any) -> float:
        return float(top) / float(bottom) if bottom else float("nan")

    opening, closing, buyer = c["opening"] > 0, c["active"] > 0, c["orders"] > 0
    returned, lost = closing & ~opening & ~c["is_new"], opening & ~closing
    revenue, then = c["revenue"], c["then_revenue"]
    inactive = c["was_known"] & ~opening
    yield from (("new_customers", c["is_new"].sum()), ("opening_customers", opening.sum()))
    yield from (("closing_customers", closing.sum()), ("returned_customers", returned.sum()))
    yield from (("lost_customers", lost.sum()), ("buyers", buyer.sum()))
    yield "new_customer_first_value", share(revenue[c["is_new"]].sum(), c["is_new"].sum())
    yield "repeat_purchase_rate", share((c["active"] >= 2).sum(), closing.sum())
    yield "purchase_frequency", share(c["orders"].sum(), buyer.sum())
    yield "customer_retention_rate", share((opening & closing).sum(), opening.sum())
    yield "customer_churn_rate", share(lost.sum(), opening.sum())
    yield "churned_value", c["year_before"][lost].sum()
    yield "customer_growth_rate", share(closing.sum() - opening.sum(), opening.sum())
    yield "winback_rate", share((returned & inactive).sum(), inactive.sum())
    yield "revenue_per_customer", share(revenue[buyer].sum(), buyer.sum())
    yield "historical_clv", share(c["to_date"][c["is_known"]].sum(), c["is_known"].sum())
    if window["period"] >= "2024":
        had = then > 0
        yield "net_revenue_retention", share(revenue[had].sum(), then[had].sum())
        yield "gross_revenue_retention", share(np.minimum(revenue, then)[had].sum(), then[had].sum())
        yield "expansion_share", share(np.maximum(0, revenue - then)[had].sum(), revenue.sum())
    year = np.sort(c["year_revenue"][c["year_orders"] > 0])[::-1]
    yield "top_decile_share", share(year[: -(-len(year) // 10)].sum(), year.sum())
    yield from (("revenue", o["net_amount"].sum()), ("orders", (~o["is_return"]).sum()))
    yield "average_order_value", share(o["net_amount"].sum(), (~o["is_return"]).sum())


def parts_of(window: dict[str, Any]) -> dict[str, tuple[str, Any, Any]]:
    """The columns of customers: what is added up, from which day, up to which."""
    w = window
    return {
        "opening": ("bought", w["opening"], w["start"]), "active": ("bought", w["closing"], w["end"]),
        "orders": ("bought", w["start"], w["end"]), "revenue": ("net_amount", w["start"], w["end"]),
        "then_revenue": ("net_amount", w["year_ago"], w["year_ago_end"]),
        "year_before": ("net_amount", w["year_ago"], w["start"]),
        "year_orders": ("bought", w["year_ago_end"], w["end"]),
        "year_revenue": ("net_amount", w["year_ago_end"], w["end"]), "to_date": ("net_amount", None, w["end"]),
    }  # fmt: skip


def with_pandas(path: Path) -> Call:
    import numpy as np
    import pandas as pd

    def call() -> dict[str, float]:
        columns = ["customer_id", "ordered_on", "net_amount", "history_amount", "is_return"]
        orders = pd.read_parquet(path, columns=columns)
        orders["ordered_on"] = pd.to_datetime(orders["ordered_on"])
        orders["bought"] = (orders["history_amount"].notna() & ~orders["is_return"]).astype("int64")
        orders["number"], _ = pd.factorize(orders["customer_id"])  # -1: nobody known
        named = orders[orders["number"] >= 0]
        first = named[named["bought"] == 1].groupby("number")["ordered_on"].min()

        def of_quarter(w: dict[str, Any]) -> Values:
            known = named[named["ordered_on"] < w["end"]]
            sums = {}
            for name, (what, start, end) in parts_of(w).items():
                rows = (
                    known
                    if start is None
                    else known[(known["ordered_on"] >= start) & (known["ordered_on"] < end)]
                )
                sums[name] = rows.groupby("number")[what].sum()
            c = pd.DataFrame(sums, index=known["number"].unique()).fillna(0)
            seen = first.reindex(c.index)
            c = c.assign(is_known=seen < w["end"], was_known=seen < w["start"])
            c["is_new"] = c["is_known"] & ~c["was_known"]
            rows = orders[(orders["ordered_on"] >= w["start"]) & (orders["ordered_on"] < w["end"])]
            of_new = rows["number"].map(c["is_new"]).fillna(False).to_numpy(bool)
            o = {name: rows[name].to_numpy() for name in ("net_amount", "is_return")}
            o |= {"has_customer": (rows["number"] >= 0).to_numpy(), "of_new": of_new}
            yield from values_of_quarter(w, {name: np.asarray(column) for name, column in c.items()}, o)

        return added_up(value for window in quarters() for value in of_quarter(window))

    return call


def with_polars(path: Path) -> Call:
    import polars as pl

    def call() -> dict[str, float]:
        orders = pl.scan_parquet(path).select(
            "customer_id", "ordered_on", "net_amount", "is_return",
            bought=(pl.col("history_amount").is_not_null() & ~pl.col("is_return")).cast(pl.Int64),
        ).collect()  # fmt: skip
        day = pl.col("ordered_on")

        def of_quarter(w: dict[str, Any]) -> Values:
            w = {name: value if name == "period" else value.date() for name, value in w.items()}
            sums = [
                (pl.col(what) if start is None else pl.col(what).filter((day >= start) & (day < end)))
                .sum()
                .alias(name)
                for name, (what, start, end) in parts_of(w).items()
            ]
            first = day.filter(pl.col("bought") == 1).min().alias("first")
            known = orders.lazy().filter((day < w["end"]) & pl.col("customer_id").is_not_null())
            c = known.group_by("customer_id").agg(first, *sums).with_columns(
                is_known=(pl.col("first") < w["end"]).fill_null(False),
                was_known=(pl.col("first") < w["start"]).fill_null(False),
            ).with_columns(is_new=pl.col("is_known") & ~pl.col("was_known")).collect()  # fmt: skip
            rows = orders.filter((day >= w["start"]) & (day < w["end"]))
            rows = rows.join(c.select("customer_id", of_new="is_new"), on="customer_id", how="left")
            o = {name: rows[name].to_numpy() for name in ("net_amount", "is_return")}
            o |= {"has_customer": rows["customer_id"].is_not_null().to_numpy()}
            o |= {"of_new": rows["of_new"].fill_null(False).to_numpy()}
            numbers = c.drop("customer_id", "first")
            yield from values_of_quarter(w, {name: numbers[name].to_numpy() for name in numbers.columns}, o)

        return added_up(value for window in quarters() for value in of_quarter(window))

    return call


WAYS: dict[str, Callable[[Path], Call]] = {
    "analysis": with_analysis, "DuckDB by hand": by_hand, "Polars": with_polars, "pandas": with_pandas,
}  # fmt: skip
TASKS = (
    Task(
        "Metrics of eight quarters by one dimension",
        {name: Way(way) for name, way in WAYS.items()},
        write=write_orders,
        sizes=Sizes(small=(50_000,), default=(1_000_000, 10_000_000)),
        floors=(no_slower("analysis", "DuckDB by hand", 10_000_000, 1.2),),
    ),
)
