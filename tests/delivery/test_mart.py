"""The mart holds what the run says, period by period, and is whole or as it was before."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool
from typer.testing import CliRunner

from analysis.cli import app
from analysis.delivery import mart
from analysis.delivery.mart import MartError, check_target, load_mart
from analysis.delivery.mart_sql import PASSWORD_VARIABLE, sql_tables
from analysis.delivery.mart_tables import RENAMED, TABLES, mart_columns, mart_tables
from analysis.metrics.frame import ESTIMATE_COLUMNS, KEYS
from analysis.suite import Results, measure_suite

LOADED_AT = datetime(2024, 7, 1, 8, 30)
# 2024Q1: 30 + 20 = 50; 2024Q2: 40 + 25 + 5 = 70, from a (known), b (known) and c (new).
ORDERS = [
    ("a", "2024-01-10", 30), ("b", "2024-03-05", 20), ("a", "2024-04-10", 40), ("b", "2024-05-20", 25),
    ("c", "2024-06-30", 5),
]  # fmt: skip


@pytest.fixture(scope="module")
def run(open_orders: Callable) -> Callable[[str, str], Results]:
    """The results of a company and a quarter, measured once."""
    measured: dict[tuple[str, str], Results] = {}

    def of(company: str, period: str) -> Results:
        if (company, period) not in measured:
            book = open_orders(ORDERS, period, company_id=company, data_through=date(2024, 6, 30))
            measured[company, period] = measure_suite(book)
        return measured[company, period]

    return of


@pytest.fixture(params=["folder", "duckdb"])
def target(request, tmp_path: Path) -> str:
    """A mart of each kind, not there yet."""
    return str(tmp_path / ("mart" if request.param == "folder" else "mart.duckdb"))


@pytest.fixture(params=["folder", "duckdb", "sqlite", "postgresql"])
def everywhere(request, tmp_path: Path, empty_database: Callable[[str], str]) -> str:
    """A mart of each kind, those in databases too."""
    if request.param in ("sqlite", "postgresql"):
        return empty_database(request.param)
    return str(tmp_path / ("mart" if request.param == "folder" else "mart.duckdb"))


@contextmanager
def opened(target: str | Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A mart of either kind, its tables under their own names."""
    with duckdb.connect() as connection:
        if str(target).endswith(".duckdb"):
            connection.execute(f"attach '{target}' as mart (read_only)")
            connection.execute("use mart")
        else:
            for table in TABLES:
                files = f"read_parquet('{target}/{table}/*/*/*.parquet', hive_partitioning = false)"
                connection.execute(f"create view {table} as select * from {files}")
        yield connection


def engine_of(target: str) -> sa.Engine:
    url = sa.make_url(target)
    password = None if url.get_backend_name() == "sqlite" else os.environ[PASSWORD_VARIABLE]
    return sa.create_engine(url.set(password=password), poolclass=NullPool)


def ask(target: str | Path, sql: str) -> pd.DataFrame:
    if "://" in str(target):
        with engine_of(str(target)).connect() as connection:
            return pd.read_sql(sa.text(sql), connection)
    with opened(target) as connection:
        return connection.execute(sql).df()


def contents(target: str | Path) -> dict[str, list[tuple]]:
    """Every row of every table, in one order whichever the kind."""
    if "://" in str(target):
        with engine_of(str(target)).connect() as connection:
            read = {name: connection.execute(sa.select(table)) for name, table in sql_tables().items()}
            return {name: sorted(map(tuple, rows), key=repr) for name, rows in read.items()}
    with opened(target) as connection:
        return {
            table: sorted(connection.execute(f"select * from {table}").fetchall(), key=repr)
            for table in TABLES
        }


def with_customers(results: Results, customers: pd.DataFrame) -> Results:
    return Results(results.book, {**results.frames, "customers": customers})


def test_the_mart_holds_the_figures_of_the_runs_own_period(run, target):
    results = run("north", "2024Q2")
    counted = load_mart(results, target, LOADED_AT)
    revenue = ask(target, "select * from kpis where metric = 'revenue' and is_headline and dimension is null")
    assert revenue["value"].tolist() == [70.0]  # 40 + 25 + 5; the 50 of 2024Q1 belong to its own run
    assert revenue[["company", "period", "unit"]].to_numpy().tolist() == [["north", "2024Q2", "money"]]
    own = results.kpis[results.kpis["period"] == "2024Q2"].reset_index(drop=True)
    columns = [*KEYS, *ESTIMATE_COLUMNS]
    listed = ", ".join(f'{RENAMED.get(name, name)} as "{name}"' for name in columns)
    found = ask(target, f"select {listed} from kpis")
    pd.testing.assert_frame_equal(found, own[columns], check_dtype=False, check_column_type=False)
    assert counted["kpis"] == len(own) > 0


def test_the_run_is_entered_with_its_days_and_counts(run, target):
    counted = load_mart(run("north", "2024Q2"), target, LOADED_AT)
    row = ask(target, "select * from runs").iloc[0]
    assert row["loaded_at"] == LOADED_AT
    assert [str(row[name])[:10] for name in ("period_starts_on", "period_ends_on", "data_until")] == [
        "2024-04-01", "2024-06-30", "2024-06-30",
    ]  # fmt: skip
    assert bool(row["is_reconciled"]) and not row["is_partial"]
    assert row["run"] == run("north", "2024Q2").book.fingerprint
    assert (row["kpi_rows"], row["change_rows"], row["customer_rows"]) == (
        counted["kpis"], counted["changes"], 3,
    )  # fmt: skip


def test_every_kind_of_mart_holds_the_same_rows(run, everywhere):
    results = run("north", "2024Q2")
    load_mart(results, everywhere, LOADED_AT)
    given = mart_tables(results, LOADED_AT)
    rows = {
        name: sorted((tuple(row.values()) for row in table.to_pylist()), key=repr)
        for name, table in given.items()
    }
    assert contents(everywhere) == rows
    assert all(rows.values())


def test_loading_again_replaces_exactly_the_rows_of_that_company_and_period(run, everywhere):
    target = everywhere
    for company in ("north", "south"):
        for period in ("2024Q1", "2024Q2"):
            load_mart(run(company, period), target, LOADED_AT)
    counts = "select company, period, count(*) as n from customers group by company, period order by 1, 2"
    # a and b are known at the end of 2024Q1, c also at that of 2024Q2
    assert ask(target, counts)["n"].tolist() == [2, 3, 2, 3]
    before = contents(target)
    fewer = with_customers(run("north", "2024Q2"), run("north", "2024Q2").customers.iloc[:1])
    load_mart(fewer, target, LOADED_AT)
    assert ask(target, counts)["n"].tolist() == [2, 1, 2, 3]
    load_mart(run("north", "2024Q2"), target, LOADED_AT)
    assert contents(target) == before


@pytest.mark.parametrize("table", ["metrics", "changes", "runs"])  # the first, one between, the last
def test_a_load_that_fails_half_way_leaves_what_was_there(run, target, table, monkeypatch):
    load_mart(run("north", "2024Q1"), target, LOADED_AT)
    load_mart(run("north", "2024Q2"), target, LOADED_AT)
    before = contents(target)
    fewer = with_customers(run("north", "2024Q2"), run("north", "2024Q2").customers.iloc[:1])
    _fail_at(table, monkeypatch)
    with pytest.raises(MartError, match="cannot be written"):
        load_mart(fewer, target, datetime(2025, 1, 1))
    monkeypatch.undo()
    assert contents(target) == before
    left = {path.name for path in Path(target).glob("*")} if Path(target).is_dir() else set()
    assert left <= {*TABLES, ".lock"}


def _fail_at(table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full when this table's turn has come to be put in its place."""
    replace_rows, replace_file = mart._replace_rows, Path.replace

    def full_database(connection, path, name, keys):
        replace_rows(connection, path, name, keys)
        if name == table:
            raise duckdb.IOException("no space left")

    def full_folder(self, place):
        if self.name == f"{table}.parquet":
            raise OSError("no space left")
        return replace_file(self, place)

    monkeypatch.setattr(mart, "_replace_rows", full_database)
    monkeypatch.setattr(Path, "replace", full_folder)


def test_what_a_killed_load_left_is_cleared_away(run, tmp_path):
    load_mart(run("north", "2024Q1"), str(tmp_path / "mart"), LOADED_AT)
    left = tmp_path / "mart" / ".loading-of-another"
    left.mkdir()
    (left / "kpis.parquet").write_bytes(b"half a fi")
    load_mart(run("north", "2024Q2"), str(tmp_path / "mart"), LOADED_AT)
    assert not left.exists()
    periods = ask(tmp_path / "mart", "select period from runs order by all")["period"]
    assert periods.tolist() == ["2024Q1", "2024Q2"]


def test_loads_of_several_at_once_into_a_folder_all_arrive(run, tmp_path):
    runs = [run(company, period) for company in ("north", "south") for period in ("2024Q1", "2024Q2")]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: load_mart(one, str(tmp_path / "mart"), LOADED_AT), [*runs, *runs]))
    one_by_one = tmp_path / "one_by_one"
    for one in runs:
        load_mart(one, str(one_by_one), LOADED_AT)
    assert contents(tmp_path / "mart") == contents(one_by_one)


def test_a_file_that_another_program_holds_is_said_to_be_in_use(run, tmp_path):
    target = str(tmp_path / "mart.duckdb")
    load_mart(run("north", "2024Q1"), target, LOADED_AT)
    code = (
        f"import duckdb; c = duckdb.connect({target!r}, read_only=True); print('open', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdout.readline() == "open\n"
        with pytest.raises(MartError, match="is in use by another program"):
            load_mart(run("north", "2024Q2"), target, LOADED_AT)
        reader.communicate("\n")
    load_mart(run("north", "2024Q2"), target, LOADED_AT)
    assert len(ask(target, "select * from runs")) == 2


def test_a_new_file_can_be_read_by_older_tools_and_has_no_log_beside_it(run, tmp_path):
    target = tmp_path / "mart.duckdb"
    load_mart(run("north", "2024Q1"), str(target), LOADED_AT)
    tags = ask(
        target, "select tags['storage_version'] as v from duckdb_databases() where database_name = 'mart'"
    )
    assert str(tags["v"].iloc[0]).startswith("v1.0.0")
    assert [path.name for path in tmp_path.iterdir()] == ["mart.duckdb"]


def test_columns_keep_their_declared_types_when_a_table_is_empty(run, target):
    results = run("north", "2024Q2")
    empty = pd.DataFrame(columns=results.customers.columns[:5])  # neither rows nor types nor every column
    load_mart(with_customers(results, empty), target, LOADED_AT)
    for table, declared in mart_columns().items():
        described = ask(target, f"describe select * from {table}")
        assert dict(zip(described["column_name"], described["column_type"], strict=True)) == declared
    assert len(ask(target, "select * from customers")) == 0


def test_a_mart_of_another_version_is_refused_and_left_as_it_is(run, target):
    load_mart(run("north", "2024Q1"), target, LOADED_AT)
    if target.endswith(".duckdb"):
        with duckdb.connect(target) as connection:
            connection.execute("alter table kpis drop column unit")
            connection.execute("alter table kpis alter column n type double")
            connection.execute("alter table kpis add column colour varchar")
    else:
        file = next(Path(target).glob("kpis/*/*/*.parquet"))
        rows = pq.ParquetFile(file).read().drop_columns(["unit"])
        place = rows.schema.get_field_index("n")
        rows = rows.set_column(place, "n", rows["n"].cast("float64")).append_column("colour", rows["metric"])
        pq.write_table(rows, file)
    with pytest.raises(MartError, match="missing: unit; unknown: colour; of another type: n"):
        load_mart(run("north", "2024Q2"), target, LOADED_AT)
    assert ask(target, "select period from runs")["period"].tolist() == ["2024Q1"]


def test_a_file_that_cannot_be_read_is_named(run, tmp_path):
    load_mart(run("north", "2024Q1"), str(tmp_path / "mart"), LOADED_AT)
    broken = next((tmp_path / "mart").glob("kpis/*/*/*.parquet"))
    broken.write_bytes(b"no parquet")
    with pytest.raises(MartError, match=re.escape(str(broken))):
        load_mart(run("north", "2024Q2"), str(tmp_path / "mart"), LOADED_AT)
    (tmp_path / "text.duckdb").write_text("no database " * 1000)
    with pytest.raises(MartError, match="not a valid DuckDB database"):
        load_mart(run("north", "2024Q2"), str(tmp_path / "text.duckdb"), LOADED_AT)


def test_figures_that_do_not_add_up_are_not_loaded(run, target):
    results = run("north", "2024Q2")
    broken = results.identities.assign(holds=False)
    with pytest.raises(MartError, match="do not add up"):
        load_mart(Results(results.book, {**results.frames, "identities": broken}), target, LOADED_AT)
    assert not Path(target).exists()


def test_texts_are_data_whatever_they_say(run, everywhere):
    target, results = everywhere, run("north", "2024Q2")
    said = ["=1+1", "'; drop table kpis; -- %s :x", 'a\nb,"c"\t<script>\\.']
    customers = results.customers.assign(customer_id=said, customer_name=said)
    load_mart(with_customers(results, customers), target, LOADED_AT)
    found = ask(target, "select customer_id, customer_name from customers")
    assert sorted(found["customer_id"]) == sorted(found["customer_name"]) == sorted(said)
    assert len(ask(target, "select * from kpis")) > 0


@pytest.mark.parametrize("company", ["../o'neil", "蓝桥=办公", "50%"])
def test_a_company_of_any_name_has_its_own_rows(run, target, company):
    results = run("north", "2024Q2")
    path = results.book.params.path.with_name("x.yml")
    settings = results.book.settings.model_copy(update={"company_id": company})
    params = results.book.params.model_copy(update={"settings": settings, "path": path})
    load_mart(results, target, LOADED_AT)
    load_mart(Results(replace(results.book, params=params), results.frames), target, LOADED_AT)
    assert set(ask(target, "select company from runs")["company"]) == {"north", company}
    assert {path.name for path in Path(target).parent.iterdir()} == {Path(target).name}


def test_pandas_reads_a_folder_of_the_mart_as_one_frame(run, tmp_path):
    load_mart(run("north", "2024Q1"), str(tmp_path / "mart"), LOADED_AT)
    load_mart(run("south", "2024Q2"), str(tmp_path / "mart"), LOADED_AT)
    kpis = pd.read_parquet(tmp_path / "mart" / "kpis")
    revenue = kpis[kpis["metric"].eq("revenue") & kpis["is_headline"] & kpis["dimension"].isna()]
    assert dict(zip(revenue["company"], revenue["value"], strict=True)) == {"north": 50.0, "south": 70.0}


def test_a_year_is_a_text_as_every_period_is(run, everywhere):
    load_mart(run("42", "2023"), everywhere, LOADED_AT)
    assert ask(everywhere, "select distinct company, period from kpis").to_numpy().tolist() == [
        ["42", "2023"]
    ]


def test_what_is_no_mart_is_not_written_into(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(MartError, match="holds other files"):
        check_target(str(tmp_path))
    with pytest.raises(MartError, match="is a file; give a folder"):
        check_target(str(tmp_path / "notes.txt"))
    (tmp_path / "odd.duckdb").mkdir()
    with pytest.raises(MartError, match="is a folder"):
        check_target(str(tmp_path / "odd.duckdb"))


def test_the_command_loads_a_range_of_periods(open_orders, tmp_path):
    target = str(tmp_path / "mart")
    params = str(open_orders(ORDERS, "2024Q2", data_through=date(2024, 6, 30)).params.path)
    done = CliRunner().invoke(app, ["mart", "-f", params, "-p", "2024Q1..2024Q2", "--to", target])
    assert done.exit_code == 0, done.output
    values = ask(
        target,
        "select value from kpis where metric = 'revenue' and is_headline and dimension is null order by period",
    )
    assert values["value"].tolist() == [50.0, 70.0]
    refused = CliRunner().invoke(app, ["mart", "-f", params, "-p", "2024Q1", "--to", "odd://host/db"])
    assert refused.exit_code == 2 and "knows no database" in refused.output
    empty = CliRunner().invoke(app, ["mart", "-f", params, "-p", "2021Q1..2021Q2", "--to", target])
    assert empty.exit_code == 2 and "2021Q1 has no data: they begin on" in empty.output
    in_chinese = CliRunner().invoke(app, ["mart", "-f", params, "-p", "2024Q2", "--to", target, "-l", "zh"])
    counted = re.search(r"2024Q2: ([\d,]+) figures, (\d+) customers", done.stderr)
    assert in_chinese.stderr == f"2024Q2：{counted[1]}个指标值，{counted[2]}位客户\n"


def test_a_folder_of_any_name_is_a_path_and_no_address(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    load_mart(run("demo", "2024Q2"), "./a:b@c")
    assert [path.name for path in tmp_path.iterdir()] == ["a:b@c"] and ask(
        "./a:b@c", "select 1 from runs"
    ).size == 1


def test_the_guides_queries_run_on_a_mart(run, everywhere):
    target = everywhere
    guide = (Path(__file__).resolve().parents[2] / "docs" / "mart.md").read_text(encoding="utf-8")
    load_mart(run("north", "2024Q1"), target, LOADED_AT)
    load_mart(run("north", "2024Q2"), target, LOADED_AT)
    queries = [text for text in re.findall(r"```sql\n(.*?)```", guide, re.S) if "from kpis" in text]
    trend, scorecard = (
        ask(target, query.replace("'demo'", "'north'").replace("'2026Q3'", "'2024Q2'")) for query in queries
    )
    assert trend["period"].tolist() == ["2024Q1", "2024Q2"]
    shown = [metric for metric in run("north", "2024Q2").book.catalogue.metrics.values() if metric.shown]
    assert sorted(scorecard["name_en"]) == sorted(metric.name.en for metric in shown)
