"""One table from staged rows to a checked Parquet file, with its counts and its rejected rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from analysis.catalogue import load_catalogue
from analysis.catalogue.records import TableContract
from analysis.params import Settings, TableSource
from analysis.tables import TablesError
from analysis.tables.contract import checked_sql, output_columns
from analysis.tables.keys import check_keys
from analysis.tables.orders import LINE_AMOUNT, create_flagged, orders_sql
from analysis.tables.quality import MALFORMED, count_checked, count_excluded, quality_row, rule_words
from analysis.tables.quoting import quoted
from analysis.tables.sources import SourceFile
from analysis.tables.staging import MalformedLine, StagedFile

SHOWN_REJECTED, SHOWN_CHARACTERS = 10, 300
KEPT_CHARACTERS = 2_000  # of a malformed line

_REJECTED_COLUMNS = ("table", "source_file", "source_row", "rule", "column", "found", "row")


def create_rejected(connection: duckdb.DuckDBPyConnection) -> None:
    """The table that rejected rows of all tables are listed in."""
    types = {"source_row": "bigint"}
    columns = ", ".join(f'"{name}" {types.get(name, "text")}' for name in _REJECTED_COLUMNS)
    connection.execute(f"create table rejected ({columns})")


def check_table(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    table: str,
    staged: list[StagedFile],
    made: Path,
) -> list[dict[str, Any]]:
    """Checks one table, writes ``<table>.parquet``, lists its rejected rows and returns its quality rows.

    Raises
    ------
    TablesError
        If too many rows are rejected, or a condition of the settings makes no sense.
    """
    source, contract = settings.tables[table], load_catalogue().tables[table]
    raw_columns = _create_raw(connection, staged)
    is_typed = any(one.file.format != "csv" for one in staged)
    checked = checked_sql(contract, source, settings, raw_columns, is_typed)
    connection.execute(f"create or replace table checked_{table} as {checked}")
    notes = check_keys(connection, table, contract, source)
    _list_rejected(connection, table, raw_columns)
    _list_malformed(connection, table, staged)
    quality = count_checked(connection, table, _amount_of(contract, source), _malformed(staged))
    _check_share(connection, table, quality, settings.max_rejected_share)
    if quality[0]["rows"] == 0:
        notes.append(quality_row(table, "note", "empty_table", 0))
    excluded, sql = [], _kept_sql(table, contract)
    if table == "orders":
        create_flagged(connection, source, settings)
        excluded, sql = count_excluded(connection), orders_sql(source)
    connection.execute(f"copy ({sql}) to {quoted(str(made / f'{table}.parquet'))} (format parquet)")
    connection.execute(
        f"drop view if exists kept_orders; drop table if exists flagged; drop table checked_{table}"
    )
    return [*quality, *excluded, *notes]


def _amount_of(contract: TableContract, source: TableSource) -> str | None:
    return LINE_AMOUNT if source.given_as == "lines" else contract.amount


def _malformed(staged: list[StagedFile]) -> list[MalformedLine]:
    return [line for one in staged for line in one.malformed]


def _kept_sql(table: str, contract: TableContract) -> str:
    """SQL for the kept rows of a table that is given as it is, by key, else in the order of the file."""
    names = ", ".join(f'"{name}"' for name, _ in output_columns(contract.columns))
    order = ", ".join([*contract.key, "_position"])
    return (
        f"select {names}, _file as source_file, _row as source_row from checked_{table} "
        f"where _rule is null order by {order}"
    )


def _create_raw(connection: duckdb.DuckDBPyConnection, staged: list[StagedFile]) -> dict[str, str]:
    """View ``raw``: the rows of all files, numbered through; returns its column for each of the user's."""
    names = dict.fromkeys(name for one in staged for name in _named(one.file))
    raw_columns = {name: f"c{i}" for i, name in enumerate(names)}
    selects, before = [], 0
    for one in staged:
        own = {name: f"c{i}" for i, name in enumerate(_named(one.file))}
        columns = [f"{own.get(name, 'cast(null as text)')} as {raw_columns[name]}" for name in names]
        head = f"select {before} + _row as _position, {quoted(one.file.name)} as _file, _row"
        selects.append(f"{', '.join([head, *columns])} from ({one.sql})")
        before += one.last_row
    connection.execute(f"create or replace view raw as {' union all '.join(selects)}")
    return raw_columns


def _named(file: SourceFile) -> list[str]:
    """The columns of a file; one without a name is called by its place."""
    return [name or f"column {i}" for i, name in enumerate(file.columns, start=1)]


def _list_rejected(connection: duckdb.DuckDBPyConnection, table: str, raw_columns: dict[str, str]) -> None:
    """Adds the rows that broke a rule, with the rule, what was found, and the raw row as JSON."""
    pairs = ", ".join(f"{quoted(name)}, {column}" for name, column in raw_columns.items())
    broken = f"select _position, _rule, _column, _found from checked_{table} where _rule is not null"
    connection.execute(f"create or replace temp table broken as {broken}")
    connection.execute(f"""
insert into rejected
select {quoted(table)}, raw._file, raw._row, _rule, _column, _found, cast(json_object({pairs}) as text)
from raw join broken using (_position) order by _position""")


def _list_malformed(connection: duckdb.DuckDBPyConnection, table: str, staged: list[StagedFile]) -> None:
    """Adds the lines that could not be split."""
    rows = [
        (table, one.file.name, line.row, f"{table}.{MALFORMED}", None,
         f"{line.found_fields} fields, expected {line.expected_fields}",
         json.dumps({"line": line.text[:KEPT_CHARACTERS]}, ensure_ascii=False))
        for one in staged for line in one.malformed
    ]  # fmt: skip
    if rows:
        listed = pa.table(list(map(list, zip(*rows, strict=True))), names=list(_REJECTED_COLUMNS))
        connection.register("listed", listed)
        connection.execute("insert into rejected select * from listed")
        connection.unregister("listed")


def _check_share(
    connection: duckdb.DuckDBPyConnection, table: str, quality: list[dict[str, Any]], highest_share: float
) -> None:
    """Stops where too much of a table is rejected to trust the rest."""
    read = quality[0]["rows"]
    rejected = [row for row in quality if row["stage"] == "rejected"]
    count = sum(row["rows"] for row in rejected)
    if read == 0 or count / read <= highest_share:
        return
    reasons = [
        f"  - {row['rule']}: {row['rows']:,} rows. {rule_words(row['rule'], 'en')}" for row in rejected[:5]
    ]
    shown = connection.execute(
        'select source_file, source_row, rule, found, "row" from rejected where "table" = ? limit ?',
        [table, SHOWN_REJECTED],
    ).fetchall()
    rows = [
        f"  - {file} row {row}: {rule}, found {found!r} in {raw[:SHOWN_CHARACTERS]}"
        for file, row, rule, found, raw in shown
    ]
    raise TablesError(
        "\n".join([
            f"table {table}: {count:,} of {read:,} rows ({count / read:.1%}) break the contract; at most "
            f"{highest_share:.1%} may (max_rejected_share). Reasons:", *reasons, "The first of them:", *rows,
        ])
    )  # fmt: skip
