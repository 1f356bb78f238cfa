"""Pages over a suite worked out on Spark: the readers' rows and the finished HTML are those that DuckDB gives."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable
from datetime import date, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.facts import Book, open_book
from analysis.report.explained import explain_metric
from analysis.report.pages import customer_groups, customer_value_rows, data_quality_rows, settings_rows
from analysis.suite import Results, measure_suite
from analysis.tables.prepared import suggest_activity_window_days

pytestmark = pytest.mark.slow

NAMES = ["O'Brien", 'the "best"', "back\\slash", "😀", "two\nlines", "=cmd|' /C'!A0", "<b>x</b>", "甲乙丙"]
REGIONS = ["north", "south", "O'Neil's", "东部", None]
PERIOD = "2024Q3"


def _write_orders(path: Path, chance: random.Random) -> None:
    """Five quarters of 120 customers.

    Amounts are whole, so that sums are exact in whichever order an engine adds up, and no figure is rounded
    one way on one engine and the other way on the other.
    """
    rows: list[list[Any]] = []
    for number in range(120):
        day, last = date(2023, 7, 1) + timedelta(days=chance.randrange(400)), date(2024, 9, 30)
        every, customer = chance.choice([20, 60, 150]), f"c{number:03d}"
        while day <= last and chance.random() < 0.93:
            rows.append([customer, day, chance.randint(5, 200), chance.choice(["web", "shop", "test"])])
            day += timedelta(days=1 + int(chance.expovariate(1 / every)))
    rows += [["c001", "2024-02-30", 5, "web"], ["c002", "2024-08-20", "five", "web"], [None, "2024-08-20", 7, "web"],
             ["c003", "2024-08-21", -30, "shop"], ["c004", "2024-08-21", 0, "shop"]]  # fmt: skip
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([["id", "customer", "date", "amount", "channel"],
                                      *([f"o{n:05d}", *row] for n, row in enumerate(rows))])  # fmt: skip


def _write_customers(path: Path, chance: random.Random) -> None:
    rows = [[f"c{n:03d}", NAMES[n % len(NAMES)] + str(n), chance.choice(REGIONS)] for n in range(110)]
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([["id", "name", "region"], *rows])


@pytest.fixture(scope="module")
def both(open_orders, spark, tmp_path_factory) -> tuple[Results, Results]:
    """A company with rejected, excluded, anonymous and returned orders, on DuckDB and on Spark."""
    root, chance = tmp_path_factory.mktemp("rows"), random.Random(5)
    _write_orders(root / "orders.csv", chance)
    _write_customers(root / "customers.csv", chance)
    columns = {
        "orders": {"order_id": "id", "customer_id": "customer", "ordered_at": "date", "amount": "amount",
                   "channel": "channel"},
        "customers": {"customer_id": "id", "customer_name": "name", "region": "region"},
    }  # fmt: skip
    tables = {name: {"file": str(root / f"{name}.csv"), "columns": given} for name, given in columns.items()}
    tests = {"where": "channel = 'test'", "out_of": ["revenue", "histories"], "reason": "our own"}
    on_duckdb = open_orders(
        [], PERIOD, tables, exclusions={"tests": tests}, sparkline_periods=2, model_draws=40,
        activity_window_days=120, dimensions=["value_band", "region"],
    )  # fmt: skip
    settings = on_duckdb.settings.model_copy(update={"engine": spark})
    on_spark = open_book(on_duckdb.params.model_copy(update={"settings": settings}), PERIOD)
    # Neither reads what the other has worked out.
    assert on_spark.prepared.folder != on_duckdb.prepared.folder
    return measure_suite(on_duckdb), measure_suite(on_spark)


# --- rows behind the pages --------------------------------------------------------------------------------------

Reader = Callable[[Results], pd.DataFrame]
VALUE, QUALITY, SETTINGS = customer_value_rows, data_quality_rows, settings_rows
READERS: dict[str, Reader] = {
    "trust": lambda run: VALUE.trust_rows(run, "en"),
    "holdout": lambda run: VALUE.holdout_rows(run, "zh"),
    "ways to value": lambda run: VALUE.way_rows(run, "en"),
    "fits": lambda run: VALUE.fit_rows(run, "en"),
    "parameters": lambda run: VALUE.parameter_rows(run, "zh"),
    "value curve": lambda run: VALUE.value_curve(run.customers["predicted_clv"]),
    "best customers": lambda run: VALUE.curve_points(run.customers["predicted_clv"]),
    "bridge": lambda run: VALUE.bridge_bars(run.bridge)[0],
    "value by group": lambda run: customer_groups.value_by_group(run, "en")[0],
    "top customers": lambda run: customer_groups.top_customers(run.customers, 20),
    "read": lambda run: QUALITY.read_rows(run, "en"),
    "rejected": lambda run: QUALITY.rejected_rows(run, 20, "zh"),
    "orders by day": lambda run: QUALITY.orders_by_day(run.book),
    "order rates": lambda run: QUALITY.order_rates(QUALITY.orders_by_day(run.book)),
    "windows": lambda run: QUALITY.window_rows(run.book, QUALITY.orders_by_day(run.book), "en"),
    "identities": lambda run: QUALITY.identity_rows(run, "en"),
    "settings": lambda run: SETTINGS.setting_rows(run.book, "zh"),
    "inputs": lambda run: SETTINGS.input_rows(run.book),
    "absent tables": lambda run: SETTINGS.absent_rows(run.book, "en"),
    "variants": lambda run: SETTINGS.variant_rows(run, "en")[0],
}


@pytest.mark.parametrize("name", READERS)
def test_rows_behind_a_page_are_the_same_on_both(both, name):
    on_duckdb, on_spark = (READERS[name](results) for results in both)
    assert len(on_duckdb)
    _check_same(on_spark, on_duckdb)


def _check_same(on_spark: pd.DataFrame, on_duckdb: pd.DataFrame) -> None:
    """The same rows in the same order: counts, words and days exactly, other numbers to nine digits."""
    floats = [name for name in on_duckdb if on_duckdb[name].dtype == "float64"]
    pd.testing.assert_frame_equal(on_spark.drop(columns=floats), on_duckdb.drop(columns=floats))
    assert list(on_spark.columns) == list(on_duckdb.columns)
    for name in floats:
        np.testing.assert_allclose(on_spark[name], on_duckdb[name], rtol=1e-9, atol=1e-9, err_msg=name)


def test_the_gaps_between_orders_suggest_the_same_activity_window(both):
    days = [suggest_activity_window_days(run.book.prepared, run.book.settings.engine) for run in both]
    assert days[0] == days[1] > 0


@pytest.mark.parametrize(
    ("metric", "group"),
    [("customer_retention_rate", "O'Neil's"), ("revenue", "东部"), ("revenue", "not_stated")],
)
def test_a_group_s_figure_is_explained_by_the_same_rows(both, metric, group):
    explained = [
        explain_metric(run, run.book.catalogue.metric(metric), by="region", group=group) for run in both
    ]
    on_duckdb, on_spark = (one.source_rows for one in explained)
    assert len(on_duckdb)
    _check_same(on_spark, on_duckdb)
    assert explained[0].sql == explained[1].sql


def test_there_is_something_of_everything_to_compare(both):
    results = both[0]
    assert len(results.rejected) == 2
    assert {"read", "rejected", "kept"} <= set(results.quality["stage"])
    assert results.fits.set_index("role")["model"].tolist()[:3] == ["bg_nbd", "mbg_nbd", "gamma_gamma"]
    assert set(results.kpis.loc[results.kpis["by"] == "region", "group"]) >= {
        "O'Neil's",
        "东部",
        "not_stated",
    }
    assert results.is_reconciled


# --- whole pages --------------------------------------------------------------------------------------------------

SHOWN = [
    (page, name)
    for page in ("scorecard", "retention", "customer_value", "data_quality")
    for name in vars(import_module(f"analysis.report.pages.{page}"))
    if name.startswith("show_")
]


@pytest.mark.parametrize(("page", "name"), SHOWN)
def test_what_a_page_shows_is_the_same_on_both(both, page, name):
    show = getattr(import_module(f"analysis.report.pages.{page}"), name)
    which = (page,) if name == "show_definitions" else ()
    on_duckdb, on_spark = (_without_hashes(run.book, show(run, *which, language="en")) for run in both)
    assert on_duckdb
    assert on_spark == on_duckdb


def _without_hashes(book: Book, html: str) -> str:
    """A page's text; tables prepared by another engine have a hash of their own."""
    return str(html).replace(book.fingerprint, "run").replace(book.prepared.content_hash, "tables")
