"""The tables of the mart: every column declared, every figure with its words."""

from __future__ import annotations

from datetime import date, datetime

import duckdb
import pandas as pd
import pytest
from sqlalchemy.dialects import mssql, mysql, oracle, postgresql, sqlite

from analysis.delivery.mart_tables import KEYS, MEANINGS, RENAMED, TABLES, mart_columns, mart_tables
from analysis.metrics.compare import CHANGE_COLUMNS
from analysis.metrics.frame import KPI_COLUMNS
from analysis.suite import measure_suite
from analysis.suite.customer_value import CUSTOMER_COLUMNS


@pytest.fixture(scope="module")
def results(open_company):
    orders = (
        "order_id,customer_id,ordered_at,amount\n1,a,2024-01-10,30\n2,a,2024-04-10,40\n3,b,2024-05-20,25\n"
    )
    customers = "customer_id,customer_name,region\na,Ann,north\nb,Bob,\n"
    book = open_company(
        {"orders": orders, "customers": customers},
        "2024Q2",
        data_through=date(2024, 6, 30),
        dimensions=["region"],
    )
    return measure_suite(book)


@pytest.fixture(scope="module")
def rows(results):
    tables = mart_tables(results, datetime(2024, 7, 1))
    return {name: table.to_pandas() for name, table in tables.items()}


def test_every_column_of_the_runs_frames_is_declared(results):
    declared = mart_columns()
    named = {name: RENAMED.get(name, name) for name in (*KPI_COLUMNS, *CHANGE_COLUMNS)}
    assert {named[name] for name in KPI_COLUMNS} <= set(declared["kpis"])
    assert {named[name] for name in CHANGE_COLUMNS} <= set(declared["changes"])
    assert set(CUSTOMER_COLUMNS) <= set(declared["customers"])
    for frame in ("kpis", "changes", "customers"):
        assert {RENAMED.get(name, name) for name in results.frames[frame].columns} <= set(declared[frame])


def test_no_name_needs_quotes_in_any_database():
    preparers = [
        dialect().identifier_preparer
        for dialect in (postgresql.dialect, mysql.dialect, sqlite.dialect, mssql.dialect, oracle.dialect)
    ]
    names = {*TABLES, *(name for columns in mart_columns().values() for name in columns)}
    reserved = {name for name in names for preparer in preparers if preparer.quote(name) != name}
    keywords = duckdb.sql(
        "select keyword_name from duckdb_keywords() where keyword_category = 'reserved'"
    ).fetchall()
    assert reserved | (names & {word for (word,) in keywords}) == set()


def test_every_table_has_the_keys_that_a_load_replaces_its_run_and_a_meaning():
    assert set(mart_columns()) == set(TABLES) == set(MEANINGS)
    assert all({*KEYS, "run"} <= set(columns) for columns in mart_columns().values())


def test_every_figure_finds_its_definition(rows):
    keys = ["company", "period", "metric", "variant"]
    defined = rows["metrics"]
    assert not defined.duplicated(keys).any()
    for facts in (rows["kpis"], rows["changes"]):
        joined = facts.merge(defined, on=keys, how="left", suffixes=("", "_defined"))
        assert (joined["unit"] == joined["unit_defined"]).all()


def test_each_shown_metric_has_one_headline_for_the_company(rows, results):
    kpis = rows["kpis"]
    headlines = kpis[kpis["dimension"].isna() & kpis["is_headline"]]
    shown = [metric.id for metric in results.book.catalogue.metrics.values() if metric.shown]
    assert sorted(headlines["metric"]) == sorted(shown)


def test_definitions_name_the_settings_values_in_both_languages(rows, results):
    texts = pd.concat([rows["metrics"]["meaning_en"], rows["metrics"]["meaning_zh"]])
    assert not texts.str.contains(r"\$[a-z]", regex=True).any()
    days = str(results.book.settings.activity_window_days)
    assert texts.str.contains(days).any()


def test_groups_and_reasons_are_told_in_both_languages(rows):
    kpis = rows["kpis"]
    by_region = kpis[kpis["dimension"].eq("region") & kpis["metric"].eq("revenue") & kpis["is_headline"]]
    told = by_region.set_index("group_id")[["value", "group_name_en", "group_name_zh"]]
    assert told.loc["north"].tolist() == [40.0, "north", "north"]  # customer a's order of April
    assert told.loc["not_stated"].tolist() == [25.0, "not stated", "未注明"]  # b's, whose region is empty
    missing = kpis[kpis["status"] == "not_measured"]
    assert len(missing) and missing[["reason", "reason_en", "reason_zh"]].notna().all(axis=None)
    assert kpis.loc[kpis["reason"].isna(), ["reason_en", "reason_zh"]].isna().all(axis=None)


def test_the_names_of_the_settings_stand_beside_the_values_and_not_for_them(results, with_names, rows):
    own = with_names(results, region={"north": {"zh": "北区"}})
    kpis = mart_tables(own, datetime(2024, 7, 1))["kpis"].to_pandas()
    north = kpis[kpis["group_id"] == "north"]
    assert len(north) and set(north["group_name_zh"]) == {"北区"} and set(north["group_name_en"]) == {"north"}
    pd.testing.assert_series_equal(kpis["value"], rows["kpis"]["value"])
    assert set(kpis["run"]) != set(rows["kpis"]["run"])  # other words: another run
