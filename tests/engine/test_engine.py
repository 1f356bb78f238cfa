"""What every engine answers: its results, its views, and the scalar functions that facts are written with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from analysis.engine import Engine, EngineError, open_engine
from analysis.params import EngineSettings

DUCKDB = EngineSettings(kind="duckdb", master=None, threads=None, memory_limit=None)


@pytest.fixture(scope="module", params=["duckdb", pytest.param("spark", marks=pytest.mark.slow)])
def settings(request) -> EngineSettings:
    return DUCKDB if request.param == "duckdb" else request.getfixturevalue("spark")


@pytest.fixture(scope="module")
def engine(settings) -> Iterator[Engine]:
    opened = open_engine(settings)
    yield opened
    opened.close()


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
        ("select date '2024-02-29' as x", "datetime64[us]", pd.Timestamp("2024-02-29")),
        (
            "select timestamp '2024-02-29 23:59:59' as x",
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
    ("at", "seconds"),
    [
        ("08:59:59", 0),  # before it opens at nine
        ("09:00:00", 0),
        ("10:30:00.25", 5400.25),
        ("18:00:00", 32400),  # nine hours later it closes
        ("23:59:59", 32400),
    ],
)
def test_seconds_open_by_counts_from_the_opening_to_the_closing(value, at, seconds):
    day = "timestamp '2024-01-01 00:00:00', 32400.0, 64800.0"
    assert value(f"seconds_open_by({day}, timestamp '2024-01-01 {at}')") == seconds
    assert (
        value(f"seconds_open_by(timestamp '2024-01-01 00:00:00', 0.0, 0.0, timestamp '2024-01-01 {at}')") == 0
    )


@pytest.mark.parametrize(
    "call",
    [
        "seconds_open_by(timestamp '2024-01-01', 0.0, 86400.0, cast(null as timestamp))",
        "seconds_open_by(cast(null as timestamp), cast(null as double), cast(null as double), timestamp '2024-01-01')",
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


def test_engines_know_nothing_of_each_other(engine, settings):
    engine.create_view("mine", "select 1 as x")
    with pytest.raises(EngineError, match="mine"):
        open_engine(settings).run("select * from mine")


def test_a_closed_engine_answers_no_more(settings):
    closed = open_engine(settings)
    closed.close()
    closed.close()  # a second time does no harm
    with pytest.raises(EngineError):
        closed.run("select 1")


def test_what_is_dropped_is_forgotten(engine):
    engine.create_view("seen", "select 1 as x")
    engine.create_table("kept", "select 1 as x")
    for name in ("seen", "kept", "never_there"):
        engine.drop(name)
        with pytest.raises(EngineError, match=name):
            engine.run(f"select x from {name}")


def test_a_frame_comes_back_as_it_was_given(engine):
    frame = pd.DataFrame(
        {
            "text": pd.Series(["O'Brien \\ \"x\"", None, "😀\n甲", "007"], dtype="str"),
            "instant": pd.to_datetime(
                ["2024-03-31 02:30:00.123456", None, "1969-12-31", "2024-01-01"], format="ISO8601"
            ),
            "whole": pd.array([1, None, -3, 2**62], dtype="Int64"),
            "number": [0.1, None, float("inf"), -0.5],
            "yes": pd.array([True, None, False, True], dtype="boolean"),
            "day": pd.to_datetime([date(2024, 2, 29), None, date(1970, 1, 1), date(2024, 1, 1)]),
        }
    )  # fmt: skip
    frame = frame.astype({"instant": "datetime64[us]", "day": "datetime64[us]"})
    engine.view_frame("given", frame)
    pd.testing.assert_frame_equal(engine.run("select * from given"), frame)


def test_a_column_of_nothing_is_missing_throughout(engine):
    engine.view_frame("nothing", pd.DataFrame({"x": [None, None], "n": [1, 2]}))
    assert engine.run("select x from nothing where n = 2")["x"].isna().all()


# --- Plain values and types -----------------------------------------------------------------------


def test_rows_are_plain_values(engine):
    rows = engine.rows(
        "select 1 as a, 'x' as b, date '2024-02-29' as c, timestamp '2024-02-29 12:00:00' as d, true as e, "
        "0.5::double as f, cast(null as varchar) as g union all "
        "select 2, 'y', null, null, false, null, 'z' order by a"
    )
    assert rows == [
        (1, "x", date(2024, 2, 29), datetime(2024, 2, 29, 12), True, 0.5, None),
        (2, "y", None, None, False, None, "z"),
    ]
    assert engine.rows("select 1 as a where false") == []


def test_columns_are_told_without_running(engine):
    sql = (
        "select cast('not run' as double) as a, 'x' as b, cast(1 as bigint) as c, date '2024-01-01' as d, "
        "timestamp '2024-01-01 00:00:00' as e, true as f, 1 as g, cast(1 as decimal(18, 2)) as h"
    )
    kinds = ["double", "varchar", "bigint", "date", "timestamp", "boolean", "integer", "decimal(18,2)"]
    assert engine.columns(sql) == dict(zip("abcdefgh", kinds, strict=True))


def test_a_condition_is_boolean(engine):
    engine.create_view("rows_of_text", "select 'a' as status")
    assert engine.columns("select (status = 'b' or status is null) as x from rows_of_text") == {
        "x": "boolean"
    }


# --- Parquet --------------------------------------------------------------------------------------

WRITTEN = (
    "select cast(3 - i as bigint) as n, cast(i / 4 as double) as x, timestamp '2024-03-31 02:30:00' as instant, "
    "date '2024-02-29' as day, 'O''Brien 甲' as text, i = 1 as yes from (values (1), (0), (2)) v(i) order by i"
)


def test_a_parquet_file_is_one_file_in_the_querys_order_with_our_types(engine, tmp_path):
    path = tmp_path / "out.parquet"
    engine.write_parquet(WRITTEN, path)
    assert [p.name for p in tmp_path.iterdir()] == ["out.parquet"]
    with duckdb.connect() as connection:
        found = connection.sql(f"select * from '{path}'")
        assert [str(kind) for kind in found.types] == [
            "BIGINT",
            "DOUBLE",
            "TIMESTAMP",
            "DATE",
            "VARCHAR",
            "BOOLEAN",
        ]
        rows = found.fetchall()
    assert [row[:2] for row in rows] == [(3, 0.0), (2, 0.25), (1, 0.5)]
    assert rows[1][2:] == (datetime(2024, 3, 31, 2, 30), date(2024, 2, 29), "O'Brien 甲", True)


def test_many_rows_are_written_in_order(engine, tmp_path):
    path = tmp_path / "many.parquet"
    sql = "select i, i % 7 as r from range(100_000) t(i) order by r, i desc"
    engine.write_parquet(sql, path)
    found = pd.read_parquet(path)
    assert list(zip(found["r"], -found["i"], strict=True)) == sorted(
        zip(found["r"], -found["i"], strict=True)
    )
    assert len(found) == 100_000


def test_a_file_that_cannot_be_written_is_an_error_in_one_line(engine, tmp_path):
    with pytest.raises(EngineError) as error:
        engine.write_parquet("select 1 as x", tmp_path / "nowhere" / "out.parquet")
    assert "\n" not in str(error.value)


# --- Errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sql",
    [
        "select nothing_known from (select 1 as x)",
        "select * from nowhere",
        "selec 1",
        "select no_such_function(1)",
        "select cast(x as integer) from (values ('1'), ('a')) v(x)",
        "select cast(x as date) from (values ('2024-02-30')) v(x)",
    ],
)
def test_an_error_is_told_in_one_line(engine, sql):
    with pytest.raises(EngineError) as error:
        engine.run(sql)
    assert "\n" not in str(error.value)
    assert 10 < len(str(error.value)) < 500


def test_two_columns_of_one_name_are_an_error(engine):
    with pytest.raises(ValueError, match="the same name"):
        engine.run("select 1 as x, 2 as x")


def test_nothing_is_left_in_the_working_folder(engine, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    engine.create_table("left_behind", "select 1 as x")
    engine.run("select x from left_behind")
    assert list(tmp_path.iterdir()) == []
