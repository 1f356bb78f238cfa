"""The suite: every metric of orders, customers, tickets and questionnaires, eight quarters, by segment.

The company as a whole in every quarter; its segments in the last one and those it is compared with. The rivals work
out each metric's value and how many rows it rests on; we also its interval.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measuring import Call, Sizes, Task, Way, no_slower
from passes import reads_of
from suite_in_pandas import measured_in_pandas
from suite_in_sql import measured_in_sql
from suite_inputs import SEGMENTS, write_suite

if TYPE_CHECKING:
    import pandas as pd

    from analysis.facts import Book

__all__ = ["SEGMENTS", "TASKS"]
PERIOD, COMPARED = "2024Q4", ("2023Q4", "2024Q3", "2024Q4")
TABLES = ("orders", "customers", "tickets", "surveys", "answers", "questions")
DIMENSION = "segment"

_DURATIONS = ("first_response_time", "first_solution_time", "resolution_time", "turnaround_time")
_ITEMS = ("product_quality", "response_speed", "value", "problem_solving")
METRICS = (
    # of customers
    "new_customers", "new_customer_first_value", "new_customer_margin_per_month", "opening_customers",
    "closing_customers", "returned_customers", "lost_customers", "came_and_went_customers",
    "customer_retention_rate", "customer_retention_rate.as_printed", "customer_retention_rate.active_again",
    "customer_churn_rate", "customer_churn_rate.lost_over_all", "customer_churn_rate.lost_over_average",
    "churned_value", "customer_growth_rate", "net_revenue_retention", "net_revenue_retention.previous_period",
    "gross_revenue_retention", "gross_revenue_retention.previous_period", "winback_rate", "yearly_churn_rate",
    "revenue_per_customer", "historical_clv", "historical_clv.revenue_only", "average_order_value_of_year",
    "orders_per_customer_year", "top_decile_share", "repeat_purchase_rate", "repeat_purchase_rate.lifetime",
    "repeat_purchase_rate.in_period", "purchase_frequency", "expansion_share", "buyers", "cross_sell_rate",
    "survey_coverage", "csat.over_all_customers", "loyalty_index", "loyalty_index.as_printed",
    "loyalty_index.surveyed_only",
    # of orders
    "average_order_value", "revenue", "revenue.gross", "orders",
    # of tickets
    *(f"{name}{variant}" for name in _DURATIONS for variant in ("", ".median", ".p90", ".elapsed")),
    "complaint_severity", "reopen_rate", "transfers_per_ticket", "sla_attainment",
    # of questionnaires and answers
    "survey_response_rate", "csat", "csat.mean_score", "csat.top_box", "csat.all_answers",
    *(f"csat.{item}{variant}" for item in _ITEMS for variant in ("", ".mean_score")),
    "nps", "nps.transactional", "nps.fraction", "nps.all_answers",
    "ces", "ces.mean_score", "ces.strict", "ces.v1", "ces.all_answers", "loyalty_index.survey_mean",
    "acsi_style", "acsi_style.all_answers", "servqual_gap", "servqual_gap.items", "servqual_gap.weighted",
    "servqual_gap.servperf",
)  # fmt: skip
# Who is in these is asked of a sum of money, whether it is above zero. What a customer bought and gave back to the
# cent adds up to zero or to a hair beside it, as it happens to be added; of ten million orders that is one customer.
_OF_REVENUE_ABOVE_ZERO = (
    "net_revenue_retention", "net_revenue_retention.previous_period", "gross_revenue_retention",
    "gross_revenue_retention.previous_period", "expansion_share",
)  # fmt: skip
TOLERANCE = {
    part: 1e-5 if name in _OF_REVENUE_ABOVE_ZERO else 1e-9
    for name in METRICS
    for part in (name, f"{name}: n")
}
# What could be measured on these tables too, and why it is not compared.
NOT_COMPARED: dict[str, str] = {}


def book_of_tables(path: Path, tables: tuple[str, ...] = TABLES) -> Book:
    """The Book of a company that has these checked tables."""
    from analysis.facts.book import book_of
    from analysis.params import load_params
    from analysis.periods import parse_period
    from analysis.tables.prepared import Prepared

    listed = "".join(f"  {name}: {{file: none.csv, columns: {columns_of(name)}}}\n" for name in tables)
    company = path.with_name(f"{path.name}.yml")
    company.write_text(f"company: Benchmark\ntables:\n{listed}")
    files = {name: path / f"{name}.parquet" for name in tables}
    return book_of(load_params(company), Prepared(path, "", files, [], {}), parse_period(PERIOD))


def columns_of(table: str) -> str:
    """The columns a table cannot be without, as the settings name them."""
    from analysis.catalogue import load_catalogue

    columns = load_catalogue().tables[table].columns
    return "{" + ", ".join(f"{name}: {name}" for name, column in columns.items() if column.required) + "}"


def name_of(metric: Any) -> str:
    """A metric under its variant, in one word."""
    return metric.id if metric.variant == "default" else f"{metric.id}.{metric.variant}"


def measurable(book: Book) -> list[str]:
    """All that our own measuring finds on the tables of a Book."""
    from analysis.metrics.gaps import missing_tables
    from analysis.metrics.measure import measured_metrics

    return [name_of(each) for each in measured_metrics(book.catalogue) if not missing_tables(book, each)]


def measured_by_analysis(path: Path) -> pd.DataFrame:
    """One row for each metric, period and segment (missing: the company): ``n`` and ``value``."""
    from analysis.metrics.measure import measure

    book = book_of_tables(path)
    kpis = measure(book, [DIMENSION], [book.catalogue.named(name) for name in METRICS])
    variant = kpis["variant"].map(lambda name: "" if name == "default" else f".{name}")
    found = kpis.assign(metric=kpis["metric"] + variant, segment=kpis["group"])
    return found[["metric", "period", "segment", "n", "value"]]


def in_order(found: pd.DataFrame) -> pd.DataFrame:
    """What was measured on any rows at all: metric by metric, the company first, periods in time."""
    some = found[(found["n"] > 0) & found["value"].notna()]
    some = some.assign(segment=some["segment"].fillna(""), n=some["n"].astype(float))
    return some.sort_values(["metric", "segment", "period"]).set_index(["metric", "segment", "period"])


def added_up(found: pd.DataFrame) -> dict[str, float]:
    """Values and sizes of each metric added up, each weighted with its place: what the ways have to agree on."""
    import numpy as np

    answer = {}
    for metric, rows in in_order(found).groupby(level="metric"):
        place = np.arange(1, len(rows) + 1)
        answer[metric] = float((rows["value"] * place).sum())
        answer[f"{metric}: n"] = float((rows["n"] * place).sum())
    return answer


def with_analysis(path: Path) -> Call:
    import sqlglot  # noqa: F401  loading it and scipy is not what is timed

    import analysis.metrics.intervals
    import analysis.metrics.measure  # noqa: F401

    return lambda: added_up(measured_by_analysis(path))


def by_hand(measured: Callable[[Path, tuple[str, ...]], pd.DataFrame]) -> Callable[[Path], Call]:
    def prepare(path: Path) -> Call:
        import duckdb  # noqa: F401
        import pandas  # noqa: F401

        return lambda: added_up(measured(path, COMPARED))

    return prepare


def reads(measured: Callable[[Path], Any]) -> Callable[[Path], Mapping[str, float]]:
    """How many statements a way runs and how often they read each large table: the same for every number of rows."""
    return lambda _: reads_of(measured, write_suite, 2_000, ("orders", "tickets", "answers"))


TASKS = (
    Task(
        "All metrics of orders, tickets and answers",
        {
            "analysis": Way(with_analysis, beside=reads(measured_by_analysis)),
            "DuckDB by hand": Way(
                by_hand(measured_in_sql), beside=reads(lambda path: measured_in_sql(path, COMPARED))
            ),
            "pandas": Way(by_hand(measured_in_pandas)),
        },
        write=write_suite,
        sizes=Sizes(small=(50_000,), default=(1_000_000, 10_000_000)),
        tolerance=TOLERANCE,
        floors=(no_slower("analysis", "DuckDB by hand", 10_000_000, 1.2),),
    ),
)
