"""What a KPI mart holds: its tables, their columns and types, and their rows for one run.

The types are declared, so that they stay the same for a company without customers, or a metric never measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import pandas as pd
import pyarrow as pa

from analysis.catalogue import DEFAULT, Metric, load_catalogue
from analysis.errors import InputError
from analysis.report.explained import fill_in
from analysis.report.kpis_shown import group_name, say_reason
from analysis.suite import Results

LANGUAGES = ("en", "zh")
ARROW_TYPES = {
    "VARCHAR": pa.string(), "DOUBLE": pa.float64(), "BIGINT": pa.int64(), "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(), "TIMESTAMP": pa.timestamp("us"),
}  # fmt: skip
KEYS = ("company", "period")  # what a load replaces: every table has them
RENAMED = {"by": "dimension", "group": "group_id"}
"""Columns of the KPI frame whose names are words of SQL: not every BI tool puts them in quotes."""


class MartError(InputError):
    """A mart that cannot be loaded into; the message says what to do."""


def other_columns(where: str, table: str, differing: Mapping[str, Sequence[str]]) -> str:
    """The message about a table whose columns are not those of this version: what differs, and what to do."""
    listed = "; ".join(f"{what}: {', '.join(names)}" for what, names in differing.items() if names)
    return (
        f"{where}: table {table} has other columns than this version of the workbook writes ({listed}). "
        "Load into a new mart, and every period you want in it"
    )


def _typed(kind: str, names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), kind)


_METRICS = _typed(
    "VARCHAR",
    "company period metric variant family name_en name_zh variant_name_en variant_name_zh meaning_en meaning_zh "
    "unit better run",
)
_KPIS = {
    **_typed("VARCHAR", "company period"),
    **_typed("DATE", "period_starts_on period_ends_on"),
    **_typed("VARCHAR", "metric variant"),
    "is_headline": "BOOLEAN",
    **_typed("VARCHAR", "dimension group_id group_name_en group_name_zh"),
    **_typed("DOUBLE", "value low high standard_error"),
    "n": "BIGINT",
    **_typed("DOUBLE", "numerator denominator"),
    **_typed("VARCHAR", "status reason reason_en reason_zh unit run"),
}
_CHANGES = {
    **_typed("VARCHAR", "company period metric variant"),
    "is_headline": "BOOLEAN",
    **_typed("VARCHAR", "dimension group_id group_name_en group_name_zh against base_period"),
    **_typed(
        "DOUBLE",
        "value base_value difference difference_low difference_high relative_change p_value p_adjusted",
    ),
    **_typed("VARCHAR", "verdict reason reason_en reason_zh unit run"),
}
_CUSTOMERS = {
    **_typed("VARCHAR", "company period customer_id customer_name"),
    **_typed("DATE", "first_order_on last_order_on"),
    **_typed("BIGINT", "repeat_orders days_since_last_order"),
    **_typed("DOUBLE", "mean_repeat_spend net_revenue_to_date net_revenue"),
    **_typed("DOUBLE", "p_alive churn_score expected_purchases expected_spend"),
    **_typed("DOUBLE", "predicted_clv clv_low clv_high clv_noise_sd"),
    **_typed("BOOLEAN", "is_one_time_buyer is_valuable is_at_risk is_closing is_lost"),
}
_RUNS = {
    **_typed("VARCHAR", "company period run"),
    "loaded_at": "TIMESTAMP",
    **_typed("VARCHAR", "company_name currency workbook_version"),
    **_typed("DATE", "period_starts_on period_ends_on measured_until data_from data_until"),
    **_typed("BOOLEAN", "is_partial is_reconciled"),
    **_typed("BIGINT", "kpi_rows change_rows customer_rows"),
}
TABLES = ("metrics", "customers", "changes", "kpis", "runs")
"""In the order of writing: a run is entered when its rows are there."""

MEANINGS = {
    "metrics": "One row for each metric and variant, as it was defined when the period was measured.",
    "customers": "One row for each customer known at the end of the period: history, expected value, risk.",
    "changes": "One row for each figure of kpis and period it is compared with, with a verdict honest about noise.",
    "kpis": "One row for each metric, variant and group of the period; no dimension, no group: the whole company.",
    "runs": "One row for each company and period loaded: which run, when (UTC), and the days it covers.",
}


@lru_cache(maxsize=1)
def mart_columns() -> dict[str, dict[str, str]]:
    """SQL types of every column by table: the same for every company, whatever it knows of its customers."""
    dimensions = load_catalogue().dimensions
    traits = " ".join(name for name, dimension in dimensions.items() if dimension.is_trait)
    customers = {**_CUSTOMERS, **_typed("VARCHAR", traits), "run": "VARCHAR"}
    return {"metrics": _METRICS, "customers": customers, "changes": _CHANGES, "kpis": _KPIS, "runs": _RUNS}


def mart_tables(results: Results, loaded_at: datetime) -> dict[str, pa.Table]:
    """The rows of one run for every table of the mart, in the declared columns and types.

    Of the KPI frame only the run's own period is taken: an earlier one is loaded with its own run.

    Parameters
    ----------
    loaded_at
        The instant of loading, UTC without zone.
    """
    book = results.book
    own = results.kpis[results.kpis["period"] == book.window.label]
    changes = results.changes[results.changes["period"] == book.window.label]
    frames = {
        "metrics": _metric_rows(results),
        "customers": results.customers,
        "changes": _in_words(results, changes),
        "kpis": _in_words(results, own).assign(
            period_starts_on=pd.Timestamp(book.period.start),
            period_ends_on=pd.Timestamp(book.period.last_day),
        ),
    }
    frames["runs"] = _run_row(results, frames, loaded_at)
    keys = {"company": book.params.company_id, "period": book.window.label, "run": book.fingerprint}
    return {name: _typed_table(name, frames[name].rename(columns=RENAMED).assign(**keys)) for name in TABLES}


def _typed_table(name: str, frame: pd.DataFrame) -> pa.Table:
    """The frame in the declared columns and types; a column it lacks is empty."""
    columns = {
        column: pa.array(frame[column] if column in frame else [None] * len(frame), from_pandas=True).cast(
            ARROW_TYPES[kind]
        )
        for column, kind in mart_columns()[name].items()
    }
    return pa.table(columns)


def _records(results: Results) -> dict[tuple[str, str], Metric]:
    catalogue = results.book.catalogue
    return {(m.id, m.variant): m for record in catalogue.metrics.values() for m in record.all_variants()}


def _metric_rows(results: Results) -> pd.DataFrame:
    rows = []
    for metric in _records(results).values():
        row: dict[str, Any] = {
            "metric": metric.id, "variant": metric.variant, "family": metric.family, "unit": metric.unit,
            "better": metric.better,
        }  # fmt: skip
        for language in LANGUAGES:
            row[f"name_{language}"] = metric.name.in_(language)
            row[f"variant_name_{language}"] = metric.variant_name and metric.variant_name.in_(language)
            meaning = metric.meaning.in_(language)
            row[f"meaning_{language}"] = fill_in(meaning, results.book.setting_values, language)
        rows.append(row)
    return pd.DataFrame(rows)


def _in_words(results: Results, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with what a reader of a BI tool has no other place to look up: unit, names of groups, reasons."""
    book, records = results.book, _records(results)
    metrics = list(zip(rows["metric"], rows["variant"], strict=True))
    added: dict[str, list[Any]] = {
        "unit": [records[key].unit for key in metrics],
        "is_headline": [
            records[id_, variant].shown and variant == book.settings.variants.get(id_, DEFAULT)
            for id_, variant in metrics
        ],
    }
    groups = list(zip(rows["by"], rows["group"], strict=True))
    for language in LANGUAGES:
        added[f"group_name_{language}"] = _said(
            groups,
            lambda pair, spoken=language: group_name(book, pair[0], pair[1], spoken),
            lambda pair: pair[1],
        )
        added[f"reason_{language}"] = _said(
            rows["reason"], lambda reason, spoken=language: say_reason(reason, book, spoken)
        )
    return rows.assign(**added)


def _said(
    values: Any, say: Callable[[Any], str], told: Callable[[Any], Any] = lambda value: value
) -> list[str | None]:
    """Every value in words, each worked out once; nothing where nothing is told."""
    values = list(values)
    words = {value: say(value) if pd.notna(told(value)) else None for value in dict.fromkeys(values)}
    return [words[value] for value in values]


def _run_row(results: Results, frames: dict[str, pd.DataFrame], loaded_at: datetime) -> pd.DataFrame:
    book = results.book
    days = {
        "period_starts_on": book.period.start, "period_ends_on": book.period.last_day,
        "measured_until": book.window.last_day, "data_from": book.coverage.start,
        "data_until": book.coverage.last_day,
    }  # fmt: skip
    row = {
        "loaded_at": loaded_at, "company_name": book.settings.company, "currency": book.settings.currency,
        "workbook_version": version("customer-workbook"), **days, "is_partial": book.window.is_partial,
        "is_reconciled": results.is_reconciled, "kpi_rows": len(frames["kpis"]),
        "change_rows": len(frames["changes"]), "customer_rows": len(frames["customers"]),
    }  # fmt: skip
    return pd.DataFrame([row])
