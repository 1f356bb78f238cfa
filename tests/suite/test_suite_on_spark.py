"""A whole suite worked out on Spark: every frame of the results is the one that DuckDB gives, row by row."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.catalogue import load_catalogue
from analysis.facts import open_book
from analysis.metrics.gaps import missing_tables
from analysis.suite import Results, measure_suite
from analysis.suite.rows import rows_with_groups

pytestmark = pytest.mark.slow

FRAMES = ["kpis", "changes", "customers", "cohorts", "identities", "fits", "bridge", "calibration", "tracking",
          "holdout"]  # fmt: skip
# The last digits of a sum follow the order in which an engine adds up: 1e-9. Fits are not compared with a wider
# margin: both engines hand the same histories over in the same order, so optimisers take the same steps.
TOLERANCE = 1e-9


def _write_company(root: Path, sample: Path) -> dict[str, Any]:
    """Every sixth customer of the sample, with made-up traits, names and costs beside the real orders."""
    with (sample / "orders.csv").open(encoding="utf-8") as lines:
        orders = [row for row in csv.reader(lines) if row[0].isdigit() and int(row[0]) % 6 == 0]
    ids = sorted({row[0] for row in orders}, key=int)
    customers = [
        [
            name,
            f"{name} & Söhne",
            ("north", "south", "")[int(name) // 6 % 3],
            ("web", "门店")[int(name) // 6 % 2],
        ]
        for name in ids[:-20]  # twenty are in no list of customers
    ]
    costs = [
        [date(1997 + month // 12, month % 12 + 1, 15), kind, 100.5 + month, ("web", "门店")[month % 2]]
        for month in range(17)
        for kind in ("marketing", "sales", "service")
    ]
    files = {
        "orders": (
            "customer,date,amount",
            [*orders, [ids[0], "19980230", "5"], [ids[1], "19980401", "five"]],
        ),
        "customers": ("id,name,region,channel", customers),
        "costs": ("day,kind,amount,channel", costs),
    }
    for name, (header, rows) in files.items():
        with (root / f"{name}.csv").open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([header.split(","), *rows])
    columns = {
        "orders": {"customer_id": "customer", "ordered_at": {"column": "date", "format": "%Y%m%d"},
                   "amount": "amount"},
        "customers": {"customer_id": "id", "customer_name": "name", "region": "region",
                      "acquisition_channel": "channel"},
        "costs": {"spent_on": "day", "kind": "kind", "amount": "amount", "acquisition_channel": "channel"},
    }  # fmt: skip
    return {name: {"file": str(root / f"{name}.csv"), "columns": given} for name, given in columns.items()}


@pytest.fixture(scope="module")
def both(open_orders, cdnow_sample, spark, tmp_path_factory) -> tuple[Results, Results]:
    """The company's second quarter of 1998, of which fifty days are known, on DuckDB and on Spark."""
    tables = _write_company(tmp_path_factory.mktemp("suite"), cdnow_sample.parents[1])
    on_duckdb = open_orders(
        [], "1998Q2", tables, time_zone="America/New_York", data_through=date(1998, 5, 20), sparkline_periods=2,
        model_draws=40, dimensions=["value_band", "acquisition_channel", "region"],
        exclusions={"gifts": {"where": "amount > 150", "out_of": ["histories"]}},
    )  # fmt: skip
    settings = on_duckdb.settings.model_copy(update={"engine": spark})
    on_spark = open_book(on_duckdb.params.model_copy(update={"settings": settings}), "1998Q2")
    # Neither reads what the other has worked out.
    assert on_spark.prepared.folder != on_duckdb.prepared.folder
    return measure_suite(on_duckdb), measure_suite(on_spark)


def _check_same(on_spark: pd.DataFrame, on_duckdb: pd.DataFrame) -> None:
    """The same rows in the same order: counts, words, days and types exactly, other numbers to nine digits."""
    floats = [name for name in on_duckdb if on_duckdb[name].dtype == "float64"]
    pd.testing.assert_frame_equal(on_spark.drop(columns=floats), on_duckdb.drop(columns=floats))
    assert list(on_spark.columns) == list(on_duckdb.columns)
    for name in floats:
        # A change may be the small rest of large sums: what is left of its digits is held against 1.
        np.testing.assert_allclose(
            on_spark[name], on_duckdb[name], rtol=TOLERANCE, atol=TOLERANCE, err_msg=name
        )


@pytest.mark.parametrize("name", FRAMES)
def test_every_frame_of_the_results_is_the_same_on_both(both, name):
    on_duckdb, on_spark = (results.frames[name] for results in both)
    assert len(on_duckdb)
    _check_same(on_spark, on_duckdb)


def test_no_frame_of_the_results_is_left_out(both):
    assert [set(results.frames) for results in both] == [set(FRAMES)] * 2


def test_there_is_something_of_everything_to_compare(both):
    results, catalogue = both[0], load_catalogue()
    kpis = results.kpis.merge(
        pd.DataFrame([(m.id, m.kind) for m in catalogue.metrics.values()], columns=["metric", "kind"])
    )
    measured = kpis[kpis["value"].notna()]
    possible = [m for m in catalogue.metrics.values() if not missing_tables(results.book, m)]
    assert set(measured["kind"]) == {metric.kind for metric in possible}
    assert (
        len(set(measured["kind"])) >= 8
    )  # all but those of surveys and durations, which tests/metrics compares
    assert set(measured["by"].dropna()) == {"value_band", "acquisition_channel", "region"}
    assert results.book.window.is_partial
    assert (
        results.fits.set_index("role").loc["bg_nbd", "model"] == "bg_nbd"
    )  # no mean stands in for the model
    assert len(results.customers) > 300 and results.customers["predicted_clv"].notna().all()
    assert results.holdout["verdict"].notna().any() and (results.bridge["amount"] != 0).sum() >= 4


def test_the_run_adds_up_on_spark_too(both):
    assert both[1].is_reconciled


def test_the_same_model_values_customers(both):
    assert both[0].chosen_model == both[1].chosen_model


def test_quality_and_rejected_rows_are_the_same(both):
    on_duckdb, on_spark = both
    assert len(on_duckdb.rejected) == 2
    _check_same(on_spark.rejected, on_duckdb.rejected)
    _check_same(on_spark.quality, on_duckdb.quality)


def test_rows_stand_company_first_then_by_dimension_window_and_group(both):
    kpis = both[0].kpis
    by = list(dict.fromkeys(kpis["by"].fillna("")))
    assert by == ["", "value_band", "acquisition_channel", "region"]
    one = kpis[(kpis["metric"] == "revenue") & (kpis["variant"] == "default")]
    company = one.loc[one["by"].isna(), "period"].tolist()
    assert company == [window.label for window in both[0].book.windows]
    groups = one[one["by"] == "region"].groupby("period", sort=False)["group"].agg(list)
    assert groups.index.tolist() == [name for name in company if name in groups.index]
    assert set(map(tuple, groups)) == {("north", "not_stated", "south")}


def test_what_the_command_line_prints_is_the_same(both):
    _check_same(*(rows_with_groups(results) for results in reversed(both)))
