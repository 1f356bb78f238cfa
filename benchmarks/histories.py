"""Orders to purchase histories: one row per customer, by customer id, from one Parquet file of checked orders.

Every way but the bare scan gives the same columns as a frame, in the same order. lifetimes sums up what is already
clean: it knows neither returns nor orders without a customer, so these are taken out before, outside the clock.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from inputs import LAST_DAY, write_orders
from measuring import Call, Sizes, Task, Way, no_slower

LARGE, MEMORY_LIMIT = 50_000_000, "2GB"
COLUMNS = ["customer_id", "ordered_on", "history_amount", "is_return"]


def summed_up(histories: Any) -> dict[str, float]:
    """What the ways have to agree on: every column of the frame, added up."""
    return {
        "customers": float(len(histories)),
        "repeat orders": float(histories["repeat_orders"].sum()),
        "days first to last": float(histories["days_first_to_last_order"].sum()),
        "days observed": float(histories["days_observed"].sum()),
        "first amounts": float(histories["first_amount"].sum()),
        "mean repeat spends": float(histories["mean_repeat_spend"].sum()),
    }


def memory_limit(path: Path) -> str | None:
    """Two gigabytes for the largest input, what the engine takes for the others."""
    import pyarrow.parquet as parquet

    return MEMORY_LIMIT if parquet.ParquetFile(path).metadata.num_rows >= LARGE else None


def with_analysis(path: Path) -> Call:
    from datetime import date

    from analysis.engine.duckdb import DuckDBEngine
    from analysis.facts.compile import fact_text, with_settings
    from analysis.params import EngineSettings

    until = {"histories_until": date.fromisoformat(LAST_DAY)}
    statement = with_settings(fact_text("histories"), until)  # also loads sqlglot, which is not what is timed
    settings = EngineSettings(kind="duckdb", master=None, threads=None, memory_limit=memory_limit(path))

    def call() -> dict[str, float]:
        with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
            engine = DuckDBEngine(settings, Path(scratch))
            engine.view_parquet("source_orders", path)
            engine.create_view("purchase_days", fact_text("purchase_days"))
            histories = engine.run(statement)
            engine.close()
        return summed_up(histories)

    return call


HAND_WRITTEN = """
with days as (
  select customer_id, ordered_on, round(sum(history_amount), 6) as amount, count_if(is_return) as returns
  from read_parquet('{path}')
  where customer_id is not null and history_amount is not null and ordered_on <= date '{last_day}'
  group by all
),
spans as (
  select customer_id, min(ordered_on) as first_order_on, max(ordered_on) as last_order_on,
    count(*) - 1 as repeat_orders, arg_min(amount, ordered_on) as first_amount,
    round(sum(amount) - arg_min(amount, ordered_on), 6) as repeat_amount
  from days where amount > 0 or (amount = 0 and returns = 0) group by customer_id
)
select customer_id, first_order_on, last_order_on, repeat_orders,
  last_order_on - first_order_on as days_first_to_last_order,
  date '{last_day}' - first_order_on as days_observed, first_amount,
  case when repeat_amount > 0 then repeat_amount / repeat_orders end as mean_repeat_spend
from spans order by customer_id
"""


def by_hand(path: Path) -> Call:
    import duckdb
    import pandas  # noqa: F401  the result becomes a frame; loading pandas is not what is timed

    limit = memory_limit(path)

    def call() -> dict[str, float]:
        with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
            config = {"temp_directory": scratch} | ({"memory_limit": limit} if limit else {})
            connection = duckdb.connect(config=config)
            histories = connection.sql(HAND_WRITTEN.format(path=path, last_day=LAST_DAY)).df()
            connection.close()
        return summed_up(histories)

    return call


def bare_scan(path: Path) -> Call:
    import duckdb

    def call() -> float:
        read = (
            "count(customer_id), max(customer_id), max(ordered_on), sum(history_amount), count_if(is_return)"
        )
        return float(duckdb.sql(f"select {read} from read_parquet('{path}')").fetchall()[0][0])

    return call


def with_polars(path: Path) -> Call:
    from datetime import date

    import polars as pl

    last_day = date.fromisoformat(LAST_DAY)

    def call() -> dict[str, float]:
        amount, day, repeats = pl.col("amount"), pl.col("ordered_on"), pl.len().cast(pl.Int64) - 1
        kept = (
            pl.col("customer_id").is_not_null() & pl.col("history_amount").is_not_null() & (day <= last_day)
        )
        days = (
            pl.scan_parquet(path).filter(kept).group_by("customer_id", "ordered_on")
            .agg(pl.col("history_amount").sum().round(6).alias("amount"), pl.col("is_return").sum().alias("returns"))
            .filter((amount > 0) | ((amount == 0) & (pl.col("returns") == 0)))
        )  # fmt: skip
        spans = days.group_by("customer_id").agg(
            day.min().alias("first_order_on"), day.max().alias("last_order_on"), repeats.alias("repeat_orders"),
            amount.get(day.arg_min()).alias("first_amount"), amount.sum().alias("all_amounts"),
        )  # fmt: skip
        repeated = (pl.col("all_amounts") - pl.col("first_amount")).round(6)
        first, last = pl.col("first_order_on"), pl.col("last_order_on")
        histories = spans.select(
            "customer_id", "first_order_on", "last_order_on", "repeat_orders",
            (last - first).dt.total_days().alias("days_first_to_last_order"),
            (pl.lit(last_day) - first).dt.total_days().alias("days_observed"), "first_amount",
            pl.when(repeated > 0).then(repeated / pl.col("repeat_orders")).alias("mean_repeat_spend"),
        ).sort("customer_id")  # fmt: skip
        return summed_up(histories.collect(engine="streaming"))

    return call


def with_pandas(path: Path) -> Call:
    import pandas as pd

    def call() -> dict[str, float]:
        orders = pd.read_parquet(path, columns=COLUMNS)
        orders["ordered_on"] = pd.to_datetime(orders["ordered_on"])
        kept = orders[orders["customer_id"].notna() & orders["history_amount"].notna()]
        days = kept.groupby(["customer_id", "ordered_on"], as_index=False).agg(
            amount=("history_amount", "sum"), returns=("is_return", "sum")
        )
        days["amount"] = days["amount"].round(6)
        days = days[(days["amount"] > 0) | ((days["amount"] == 0) & (days["returns"] == 0))]
        histories = days.groupby("customer_id").agg(
            first_order_on=("ordered_on", "first"), last_order_on=("ordered_on", "last"),
            purchases=("ordered_on", "size"), first_amount=("amount", "first"), all_amounts=("amount", "sum"),
        ).reset_index()  # fmt: skip
        histories["repeat_orders"] = histories.pop("purchases") - 1
        first = histories["first_order_on"]
        histories["days_first_to_last_order"] = (histories["last_order_on"] - first).dt.days
        histories["days_observed"] = (pd.Timestamp(LAST_DAY) - first).dt.days
        repeated = (histories.pop("all_amounts") - histories["first_amount"]).round(6)
        histories["mean_repeat_spend"] = (repeated / histories["repeat_orders"]).where(repeated > 0)
        return summed_up(histories)

    return call


def with_lifetimes(path: Path) -> Call:
    import pandas as pd
    from lifetimes.utils import summary_data_from_transaction_data

    orders = pd.read_parquet(path, columns=COLUMNS)
    clean = orders[orders["customer_id"].notna() & ~orders["is_return"]].drop(columns="is_return")

    def call() -> float:
        summary = summary_data_from_transaction_data(
            clean, "customer_id", "ordered_on", "history_amount", observation_period_end=LAST_DAY
        )
        return float(len(summary))

    return call


TASKS = (
    Task(
        "Orders to purchase histories",
        {
            "analysis": Way(with_analysis),
            "DuckDB by hand": Way(by_hand),
            "Polars": Way(with_polars),
            "pandas": Way(with_pandas, at_most=10_000_000),
            "lifetimes": Way(with_lifetimes, at_most=1_000_000, is_compared=False),
            "bare scan": Way(bare_scan, is_compared=False),
        },
        write=write_orders,
        sizes=Sizes(small=(50_000,), default=(1_000_000, 10_000_000, LARGE)),
        floors=tuple(
            no_slower("analysis", "DuckDB by hand", rows, 1.1) for rows in (1_000_000, 10_000_000, LARGE)
        ),
    ),
)
