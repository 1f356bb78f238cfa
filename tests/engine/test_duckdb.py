"""DuckDB as the engine: its results, its views, and the scalar functions that facts are written with."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from analysis.engine import EngineError, open_engine
from analysis.engine.duckdb import DuckDBEngine
from analysis.params import EngineSettings


@pytest.fixture(scope="module")
def engine() -> DuckDBEngine:
    return DuckDBEngine()


@pytest.fixture(scope="module")
def value(engine):
    """What an expression is worth; None where it is missing."""

    def worth(expression: str) -> object:
        found = engine.run(f"select {expression} as x")["x"].iloc[0]
        return None if pd.isna(found) else found

    return worth


# --- Results --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "dtype", "expected"),
    [
        ("select sum(x) as x from (values (1::bigint), (2), (null)) v(x)", "int64", 3),  # a hugeint
        ("select sum(x) as x from (values (1.25::decimal(18, 2)), (0.5), (null)) v(x)", "float64", 1.75),
        ("select count(*) as x from (select 1 where false)", "int64", 0),
        ("select avg(x) as x from (values (1), (2)) v(x)", "float64", 1.5),
        ("select 1 = 1 as x", "bool", True),
        ("select 'a' as x", "str", "a"),
        ("select max(x) as x from (values ('a'::enum('a', 'b')), ('b')) v(x)", "str", "b"),
        ("select date '2024-02-29' as x", "datetime64[us]", pd.Timestamp("2024-02-29")),
        (
            "select timestamp_s '2024-02-29 23:59:59' as x",
            "datetime64[us]",
            pd.Timestamp("2024-02-29 23:59:59"),
        ),
        (
            "select timestamp '2024-02-29 23:59:59.999999' as x",
            "datetime64[us]",
            pd.Timestamp("2024-02-29 23:59:59.999999"),
        ),
    ],
)
def test_a_result_comes_in_the_type_of_its_kind(engine, sql, dtype, expected):
    found = engine.run(sql)["x"]
    assert (found.dtype, found.iloc[0]) == (dtype, expected)


def test_a_sum_of_nothing_is_missing(engine):
    found = engine.run(
        "select sum(x) as x, sum(y) as y from (values (1::bigint, 1.5::double)) v(x, y) where x > 1"
    )
    assert found.dtypes.astype(str).to_dict() == {"x": "Int64", "y": "float64"}
    assert found.isna().all(axis=None)


def test_an_empty_result_keeps_its_columns_and_their_types(engine):
    found = engine.run("select 1 as n, 'a' as word, date '2024-01-01' as day, true as yes where false")
    kinds = {"n": "int64", "word": "str", "day": "datetime64[us]", "yes": "bool"}
    assert found.dtypes.astype(str).to_dict() == kinds
    assert found.empty


def test_rows_come_in_the_order_they_were_given(engine):
    numbers = engine.run("select i from range(300_000) t(i) where i % 3 = 0")["i"]
    assert numbers.tolist() == list(range(0, 300_000, 3))


def test_an_instant_with_an_offset_is_told_in_utc_whatever_the_machines_zone(value):
    assert value("timestamptz '2024-03-31 02:30:00+02'") == pd.Timestamp("2024-03-31 00:30:00")


# --- Our own functions ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        ("date '2024-01-01'", "date '2024-01-01'", 0),
        ("date '2024-02-28'", "date '2024-03-01'", 2),  # 29 February lies between
        ("date '2023-02-28'", "date '2023-03-01'", 1),
        ("date '1999-12-31'", "date '2000-01-01'", 1),
        ("date '2024-03-01'", "date '2024-02-28'", -2),
        ("date '1997-01-01'", "date '1998-07-01'", 546),  # 365 + 181
        # instants: the midnights between them, not the whole days
        ("timestamp '2024-01-01 23:59:59'", "timestamp '2024-01-02 00:00:00'", 1),
        ("timestamp '2024-01-01 00:00:00'", "timestamp '2024-01-01 23:59:59'", 0),
    ],
)
def test_days_between_counts_midnights(value, first, last, days):
    assert value(f"days_between({first}, {last})") == days


@pytest.mark.parametrize(
    ("first", "last", "seconds"),
    [
        ("2024-01-01 00:00:00", "2024-01-01 00:00:00", 0.0),
        ("2024-01-01 00:00:00.25", "2024-01-01 00:00:01", 0.75),
        ("2024-01-01 23:59:59.9", "2024-01-02 00:00:00", 0.1),  # not 1, though a second boundary is passed
        ("2024-02-28 12:00:00", "2024-03-01 12:00:00", 172_800.0),  # two days
        ("2024-01-01 00:00:01", "2024-01-01 00:00:00", -1.0),
        ("1969-12-31 23:59:59", "1970-01-01 00:00:01", 2.0),
    ],
)
def test_seconds_between_measures_and_does_not_count_boundaries(value, first, last, seconds):
    assert value(f"seconds_between(timestamp '{first}', timestamp '{last}')") == pytest.approx(
        seconds, abs=1e-9
    )


@pytest.mark.parametrize(
    ("day", "index"),
    [
        ("date '0001-01-01'", 12),  # 1·12 + 1 − 1
        ("date '1999-12-31'", 23_999),
        ("date '2000-01-01'", 24_000),
        ("date '2000-12-31'", 24_011),
        ("timestamp '2000-01-31 23:59:59'", 24_000),
    ],
)
def test_month_index_goes_up_by_one_each_month_and_by_twelve_each_year(value, day, index):
    assert value(f"month_index({day})") == index


@pytest.mark.parametrize(
    ("day", "days", "expected"),
    [
        ("date '2024-02-28'", "1", date(2024, 2, 29)),
        ("date '2023-02-28'", "1", date(2023, 3, 1)),
        ("date '2024-01-01'", "-1", date(2023, 12, 31)),
        ("date '2024-01-01'", "0", date(2024, 1, 1)),
        ("date '2024-01-01'", "366", date(2025, 1, 1)),
        ("date '2024-01-01'", "cast(31 as bigint)", date(2024, 2, 1)),
        ("timestamp '2024-01-01 23:00:00'", "1", date(2024, 1, 2)),  # a day, whatever the hour
    ],
)
def test_add_days_gives_the_day_so_many_days_on(value, day, days, expected):
    assert value(f"add_days({day}, {days})") == pd.Timestamp(expected)


@pytest.mark.parametrize("day", ["2024-02-29", "1999-12-31", "2000-03-01"])
@pytest.mark.parametrize("days", [-366, -1, 0, 1, 59, 365])
def test_add_days_and_days_between_undo_each_other(value, day, days):
    assert value(f"days_between(date '{day}', add_days(date '{day}', {days}))") == days


@pytest.mark.parametrize(
    "call",
    [
        "days_between(cast(null as date), date '2024-01-01')",
        "days_between(date '2024-01-01', null)",
        "seconds_between(timestamp '2024-01-01', cast(null as timestamp))",
        "month_index(cast(null as date))",
        "add_days(cast(null as date), 1)",
        "add_days(date '2024-01-01', null)",
    ],
)
def test_what_is_missing_makes_the_answer_missing(value, call):
    assert value(call) is None


# --- Views and tables -----------------------------------------------------------------------------


def test_a_view_follows_what_it_reads_and_a_table_does_not(engine):
    engine.view_frame("numbers", pd.DataFrame({"x": [1, 2]}))
    engine.create_view("total_now", "select sum(x) as x from numbers")
    engine.create_table("total_then", "select sum(x) as x from numbers")
    engine.view_frame("numbers", pd.DataFrame({"x": [10]}))
    assert engine.run("select * from total_now")["x"].tolist() == [10]
    assert engine.run("select * from total_then")["x"].tolist() == [3]


def test_a_frame_is_copied_when_it_is_given(engine):
    frame = pd.DataFrame({"day": [date(2024, 2, 29)], "x": [1]})
    engine.view_frame("given", frame)
    frame.loc[0, "x"] = 2
    assert engine.run("select x, day from given").iloc[0].tolist() == [1, pd.Timestamp("2024-02-29")]


def test_a_parquet_file_may_lie_anywhere(engine, tmp_path):
    path = tmp_path / "O'Brien & 甲" / "orders.parquet"
    path.parent.mkdir()
    pd.DataFrame({"x": [7]}).to_parquet(path)
    engine.view_parquet("anywhere", path)
    assert engine.run("select x from anywhere")["x"].tolist() == [7]


def test_a_word_of_sql_can_name_a_view(engine):
    engine.create_view("order", "select 1 as x")
    assert engine.run('select x from "order"')["x"].tolist() == [1]


def test_engines_know_nothing_of_each_other(engine):
    engine.create_view("mine", "select 1 as x")
    with pytest.raises(EngineError, match="mine"):
        DuckDBEngine().run("select * from mine")


def test_the_settings_limit_threads_and_memory():
    limited = open_engine(EngineSettings(kind="duckdb", master=None, threads=1, memory_limit="256MiB"))
    found = limited.run(
        "select current_setting('threads') as threads, current_setting('memory_limit') as memory"
    )
    assert found.iloc[0].tolist() == [1, "256.0 MiB"]


def test_a_closed_engine_answers_no_more():
    closed = DuckDBEngine()
    closed.close()
    with pytest.raises(EngineError):
        closed.run("select 1")
