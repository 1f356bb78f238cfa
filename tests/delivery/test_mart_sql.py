"""A mart in a database: whole or as it was, one load at a time, and silent about passwords."""

from __future__ import annotations

import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.pool import NullPool
from typer.testing import CliRunner

from analysis.cli import app
from analysis.delivery import mart_sql
from analysis.delivery.mart import check_target
from analysis.delivery.mart_sql import PASSWORD_VARIABLE, find_database, load_database, sql_tables
from analysis.delivery.mart_tables import ARROW_TYPES, TABLES, MartError, mart_columns

KEYS = {"company": "north", "period": "2024Q2"}
SECRET = "s3cret:/word"  # as the servers of conftest.py ask for


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request, empty_database: Callable[[str], str]) -> str:
    """The address of an empty database of either kind."""
    return empty_database(request.param)


def rows_of(run: str, count: int, period: str = "2024Q2") -> dict[str, pa.Table]:
    """``count`` rows of every table (one of ``runs``), numbered in their keys, that a run of this name would give."""
    tables = {name: _rows(name, count, run, period) for name in TABLES}
    return tables | {"runs": tables["runs"].slice(0, 1)}


def _rows(table: str, count: int, run: str, period: str) -> pa.Table:
    some = {"VARCHAR": "word", "DOUBLE": 0.1, "BIGINT": 2**40, "BOOLEAN": True, "DATE": date(2024, 4, 1),
            "TIMESTAMP": datetime(2024, 7, 1, 8, 30)}  # fmt: skip
    fixed = {"company": "north", "period": period, "run": run, "kpi_rows": count, "customer_rows": count}
    numbered = ("customer_id", "metric")
    columns = {
        name: pa.array(
            [f"{name} {row}" if name in numbered else fixed.get(name, some[kind]) for row in range(count)],
            ARROW_TYPES[kind],
        )
        for name, kind in mart_columns()[table].items()
    }
    return pa.table(columns)


def load(target: str, tables: dict[str, pa.Table], schema: str | None = None) -> None:
    load_database(find_database(target, schema), tables, KEYS)


def engine_of(target: str) -> sa.Engine:
    url = sa.make_url(target)
    if url.get_backend_name() == "sqlite":
        return sa.create_engine(url, poolclass=NullPool, connect_args={"timeout": 60})
    return sa.create_engine(url.set(password=SECRET), poolclass=NullPool)


def ask(target: str, *statements: str) -> list[tuple]:
    """The rows that the last of some statements gives."""
    with engine_of(target).begin() as connection:
        for statement in statements:
            done = connection.exec_driver_sql(statement)
        return [tuple(row) for row in done] if done.returns_rows else []


def contents(target: str, schema: str | None = None) -> dict[str, list[tuple]]:
    with engine_of(target).connect() as connection:
        read = {name: connection.execute(sa.select(table)) for name, table in sql_tables(schema).items()}
        return {name: sorted(map(tuple, rows), key=repr) for name, rows in read.items()}


def runs_in(target: str) -> set[str]:
    """The runs that any row of any table comes from."""
    return {row[0] for name in TABLES for row in ask(target, f"select distinct run from {name}")}


# --- one transaction ------------------------------------------------------------------------------


@pytest.mark.parametrize("failing", ["metrics", "changes", "runs"])  # the first, one between, the last
def test_a_load_that_fails_half_way_leaves_what_was_there(target, failing, monkeypatch):
    load(target, rows_of("first", 3))
    before = contents(target)
    insert = mart_sql._insert

    def full_disk(connection: Any, table: sa.Table, rows: pa.Table) -> None:
        insert(connection, table, rows)
        if table.name == failing:
            raise OSError("no space left")

    monkeypatch.setattr(mart_sql, "_insert", full_disk)
    with pytest.raises(MartError, match="no space left"):
        load(target, rows_of("second", 5))
    assert contents(target) == before


def test_the_first_load_that_fails_leaves_no_table(target, monkeypatch):
    monkeypatch.setattr(mart_sql, "_insert", lambda *_: (_ for _ in ()).throw(OSError("no space left")))
    with pytest.raises(MartError):
        load(target, rows_of("first", 3))
    assert sa.inspect(engine_of(target)).get_table_names() == []


def test_a_load_that_is_killed_leaves_what_was_there_and_no_lock(target, tmp_path):
    load(target, rows_of("first", 3))
    before = contents(target)
    dying = "load.mart_sql._insert = lambda *given: insert(*given) or given[1].name == 'kpis' and os._exit(9)"
    given = _written(tmp_path, "second", 500)
    assert _process(target, given, f"insert = load.mart_sql._insert; {dying}; load.once()").wait() == 9
    assert contents(target) == before
    load(target, rows_of("third", 2))
    assert runs_in(target) == {"third"}


@pytest.mark.slow
def test_loads_of_a_period_by_two_processes_at_once_never_double_and_are_never_seen_half_done(
    target, tmp_path
):
    sizes = {"first": 400, "second": 700}
    loaders = [
        _process(target, _written(tmp_path, name, count), "for _ in range(8): load.once()")
        for name, count in sizes.items()
    ]
    seen: set[tuple] = set()
    counted = "select (select count(*) from kpis), (select count(*) from customers), run, kpi_rows from runs"
    while any(loader.poll() is None for loader in loaders):
        if sa.inspect(engine_of(target)).has_table("runs"):
            seen |= set(ask(target, counted))
        time.sleep(0.02)
    assert [loader.wait() for loader in loaders] == [0, 0]
    # kpis, customers, the run and what it says of itself always belong together
    assert seen <= {(count, count, name, count) for name, count in sizes.items()}
    assert len(seen) > 1
    assert len(runs_in(target)) == 1


_LOADER = """
import os, pickle, sys
from types import SimpleNamespace
from analysis.delivery import mart_sql
tables = pickle.load(open(sys.argv[2], "rb"))
database = mart_sql.find_database(sys.argv[1])
keys = {"company": "north", "period": "2024Q2"}
load = SimpleNamespace(mart_sql=mart_sql, once=lambda: mart_sql.load_database(database, tables, keys))
"""


def _written(folder: Path, run: str, count: int) -> Path:
    path = folder / f"{run}.pickle"
    path.write_bytes(pickle.dumps(rows_of(run, count)))
    return path


def _process(target: str, tables: Path, then: str) -> subprocess.Popen[bytes]:
    """A process of its own that loads these tables into the mart."""
    return subprocess.Popen([sys.executable, "-c", f"{_LOADER}\n{then}", target, str(tables)])


def test_a_load_that_waits_too_long_for_another_says_so(target, monkeypatch):
    load(target, rows_of("first", 1))
    monkeypatch.setattr(mart_sql, "SECONDS_TO_WAIT", 1)
    monkeypatch.setitem(mart_sql._CONNECT, "sqlite", {"timeout": 0.1})
    database = find_database(target)
    with mart_sql._engine(database).begin() as connection:
        mart_sql._wait_for_other_loads(connection, database)
        with pytest.raises(MartError, match="another program holds the mart"):
            load(target, rows_of("second", 1))
    assert runs_in(target) == {"first"}


# --- what stands there ----------------------------------------------------------------------------


def test_columns_have_their_declared_types_and_keys(target):
    load(target, rows_of("first", 1))
    inspected = sa.inspect(engine_of(target))
    found = {each["name"]: mart_sql._family(each["type"]) for each in inspected.get_columns("kpis")}
    named = ("dimension", "n", "value", "is_headline", "period_starts_on")
    assert [found[name] for name in named] == ["text", "whole number", "number", "true or false", "day"]
    assert list(found) == list(mart_columns()["kpis"])
    assert inspected.get_pk_constraint("runs")["constrained_columns"] == ["company", "period"]
    assert [each["column_names"] for each in inspected.get_indexes("kpis")] == [
        ["company", "period", "metric", "variant"]
    ]


def test_texts_and_empty_cells_come_back_as_they_were(target):
    tables = rows_of("first", 3)
    names = ["", None, 'x "y", \\. \t\n\\N 蓝桥 😀']
    place = tables["customers"].schema.get_field_index("customer_name")
    tables["customers"] = tables["customers"].set_column(place, "customer_name", pa.array(names))
    load(target, tables)
    assert [
        row[0] for row in ask(target, "select customer_name from customers order by customer_id")
    ] == names


def test_a_zero_byte_which_postgresql_cannot_hold_is_replaced(target):
    tables = rows_of("first", 1)
    place = tables["customers"].schema.get_field_index("customer_name")
    tables["customers"] = tables["customers"].set_column(place, "customer_name", pa.array(["a\0b"]))
    load(target, tables)
    assert ask(target, "select customer_name from customers") == [("a\ufffdb",)]


def test_other_periods_stay_when_one_is_replaced_by_nothing(target):
    load(target, rows_of("first", 3))
    load_database(find_database(target), rows_of("other", 2, "2024Q1"), KEYS | {"period": "2024Q1"})
    load(target, {name: rows.slice(0, 0) for name, rows in rows_of("none", 1).items()})
    assert {name: len(rows) for name, rows in contents(target).items()} == {
        "metrics": 2, "customers": 2, "changes": 2, "kpis": 2, "runs": 1,
    }  # fmt: skip


def test_a_column_that_an_earlier_version_did_not_have_is_added_and_empty_before(target):
    load(target, rows_of("first", 1))
    ask(target, "alter table kpis drop column group_id", "alter table kpis add column own_note text")
    load_database(find_database(target), rows_of("other", 1, "2024Q1"), KEYS | {"period": "2024Q1"})
    groups = ask(target, "select period, group_id, own_note from kpis order by period")
    assert groups == [("2024Q1", "word", None), ("2024Q2", None, None)]


def test_a_column_of_another_type_is_refused(target):
    load(target, rows_of("first", 1))
    ask(target, "alter table kpis drop column n", "alter table kpis add column n text")
    with pytest.raises(MartError, match="of another type: n"):
        load(target, rows_of("second", 1))
    assert runs_in(target) == {"first"}


def test_a_table_of_somebody_else_is_not_touched(target):
    ask(target, "create table customers (id integer, name text)", "insert into customers values (1, 'mine')")
    with pytest.raises(MartError, match=r"a table customers that is not a mart's .*--schema mart"):
        load(target, rows_of("first", 1))
    assert ask(target, "select * from customers") == [(1, "mine")]
    assert sa.inspect(engine_of(target)).get_table_names() == ["customers"]


@pytest.mark.parametrize("target", ["postgresql"], indirect=True)
def test_marts_in_schemas_of_their_own_do_not_meet(target):
    load(target, rows_of("first", 1), schema="Our Mart")
    load(f"{target}?schema=other", rows_of("second", 2))
    assert [len(contents(target, schema)["kpis"]) for schema in ("Our Mart", "other")] == [1, 2]
    assert sa.inspect(engine_of(target)).get_table_names() == []
    with pytest.raises(MartError, match="more than one schema"):
        find_database(f"{target}?schema=other", "mart")


@pytest.mark.parametrize("target", ["postgresql"], indirect=True)
def test_many_rows_at_once_arrive(target, monkeypatch):
    monkeypatch.setattr(mart_sql, "ROWS_AT_A_TIME", 7)
    load(target, rows_of("first", 20))
    assert ask(target, "select count(*), count(distinct metric) from kpis") == [(20, 20)]


@pytest.mark.parametrize("target", ["postgresql"], indirect=True)
def test_who_may_not_write_is_told_what_the_database_says(target, postgresql):
    load(target, rows_of("first", 1))
    reader = f"create role reader login password '{SECRET}'"
    postgresql.ask("postgres", "drop role if exists reader", reader, user="postgres")
    with pytest.raises(MartError, match="permission denied for table"):
        load(target.replace("loader@", "reader@"), rows_of("second", 1))
    assert runs_in(target) == {"first"}


def test_mysql_would_have_keys_of_a_length_that_tell_small_letters_from_capitals():
    written = {
        name: str(sa.schema.CreateTable(table).compile(dialect=mysql.dialect()))
        for name, table in sql_tables().items()
    }
    exact = "customer_id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL"
    assert exact in written["customers"]
    assert "PRIMARY KEY (company, period, customer_id)" in written["customers"]
    assert "value DOUBLE" in written["kpis"] and "reason_zh LONGTEXT" in written["kpis"]


# --- addresses and secrets ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("odd://host/db", "knows no database 'odd'"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:///x.db?schema=mart", "SQLite has no schemas"),
        ("duckdb:///mart.duckdb", "give its path, NAME.duckdb"),
        ("postgresql://me@host:port/db", "is no address such as"),
        ("env:WORKBOOK_MART_ABSENT", "variable WORKBOOK_MART_ABSENT is not set"),
        ("postgresql://me:s3cret@host/db", "a password does not belong on the command line"),
        ("postgresql://me@host/db?password=s3cret", "a password does not belong on the command line"),
        ("postgresql://me:s3@cret@host/db", "written %40"),
        ("postgresql://me@host/db?sslToken=s3cret", "a password does not belong on the command line"),
        ("jdbc:postgresql://host/db?user=me&password=s3cret", "neither an address such as"),
        ("postgresql:me:s3cret@host/db", "neither an address such as"),
        ("postgres//me:s3cret@host/db", "neither an address such as"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_its_password(address, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MartError, match=said) as refused:
        check_target(address)
    assert not list(tmp_path.iterdir())  # nor is it a folder's name now
    assert "s3" not in str(refused.value) and "cret" not in str(refused.value)


def test_a_schema_is_only_for_databases(tmp_path):
    with pytest.raises(MartError, match="files have no schemas"):
        check_target(str(tmp_path / "mart"), "mart")


def test_an_address_without_a_driver_means_the_one_that_is_installed_by_the_extra(monkeypatch):
    assert find_database("postgresql://me@host/db").url.drivername == "postgresql+psycopg"
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MartError, match=r"pip install customer-workbook\[postgres\]"):
        find_database("postgresql://me@host/db")


@pytest.mark.parametrize("target", ["postgresql"], indirect=True)
@pytest.mark.parametrize("given", ["whole address", "password", "libpq's"])
def test_a_password_comes_from_the_environment(target, given, monkeypatch):
    monkeypatch.delenv(PASSWORD_VARIABLE)
    if given == "whole address":
        url = sa.make_url(target).set(password=SECRET)
        monkeypatch.setenv("WORKBOOK_MART_URL", url.render_as_string(hide_password=False))
        address = "env:WORKBOOK_MART_URL"
    else:
        monkeypatch.setenv(PASSWORD_VARIABLE if given == "password" else "PGPASSWORD", SECRET)
        address = target
    load(address, rows_of("first", 1))
    assert runs_in(target) == {"first"}


def _addresses(target: str) -> Sequence[str]:
    """Ones that fail for a password, a host that is not there, a database that is not there, and a query."""
    url = sa.make_url(target).set(password=f"{SECRET}-wrong")
    made = [url, url.set(port=1), url.set(database="absent"), url.update_query_dict({"odd": SECRET})]
    return [each.render_as_string(hide_password=False) for each in made]


@pytest.mark.parametrize("target", ["postgresql"], indirect=True)
@pytest.mark.parametrize("number", range(4))
def test_no_message_repeats_a_password(target, number, open_orders, monkeypatch):
    monkeypatch.setenv("WORKBOOK_MART_URL", _addresses(target)[number])
    params = str(open_orders([("a", "2024-01-10", 30)], "2024Q1", data_through=date(2024, 3, 31)).params.path)
    to = ["--to", "env:WORKBOOK_MART_URL"]
    done = CliRunner().invoke(app, ["mart", "-f", params, "-p", "2024Q1", *to])
    assert done.exit_code == 2, done.output
    assert "env:WORKBOOK_MART_URL: " in done.output
    assert "s3cret" not in done.output and "word-wrong" not in done.output


def test_an_error_half_way_repeats_neither_the_statement_nor_a_customer(target, monkeypatch):
    tables = rows_of("first", 2)
    twice = tables["customers"].take([0, 0])
    with pytest.raises(MartError) as refused:
        load(target, tables | {"customers": twice})
    assert "unique" in str(refused.value).lower()
    assert not any(word in str(refused.value) for word in ("customer_id 0", "insert into", "copy ", "word-"))


def test_the_command_loads_a_range_of_periods_and_prints_no_secret(target, open_orders):
    params = str(
        open_orders(
            [("a", "2024-01-10", 30), ("a", "2024-04-10", 40)], "2024Q2", data_through=date(2024, 6, 30)
        ).params.path
    )
    done = CliRunner().invoke(app, ["mart", "-f", params, "-p", "2024Q1..2024Q2", "--to", target])
    assert done.exit_code == 0, done.output
    values = ask(
        target,
        "select value from kpis where metric = 'revenue' and is_headline and dimension is null order by period",
    )
    assert [value for (value,) in values] == [30.0, 40.0]
    assert SECRET not in done.output
    loaded = ask(target, "select loaded_at from runs order by period")
    now = datetime.now(UTC).replace(tzinfo=None)
    moments = [datetime.fromisoformat(str(moment)) for (moment,) in loaded]
    assert all(abs((now - moment).total_seconds()) < 600 for moment in moments)
