"""One table from staged rows to a checked Parquet file, with its counts and its rejected rows.

The steps are tables and views built one from the other: ``given`` (texts of all files) → ``raw`` (those to be
checked, in their shape) → ``read_<table>`` (typed,
with the first rule each row breaks) → ``judged_<table>`` (with the rules of keys) → kept rows, and
``rejected_<table>``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.catalogue import load_catalogue, say_problem
from analysis.catalogue.records import TableContract
from analysis.engine import Engine
from analysis.errors import Said, joined
from analysis.params import Settings, TableSource
from analysis.tables import TablesError
from analysis.tables.contract import output_columns, read_sql
from analysis.tables.exchange import RATES, convert_orders, has_rates
from analysis.tables.keys import check_keys, has_key
from analysis.tables.orders import LINE_AMOUNT, create_flagged, orders_sql
from analysis.tables.quality import MALFORMED, count_checked, count_excluded, quality_row, rule_words
from analysis.tables.quoting import quoted
from analysis.tables.shaping import drop_shaping, shape_rows
from analysis.tables.sources import SourceFile
from analysis.tables.staging import MalformedLine, StagedFile

if TYPE_CHECKING:
    import pandas as pd

SHOWN_REJECTED, SHOWN_CHARACTERS = 10, 300
KEPT_CHARACTERS = 2_000  # of a malformed line

_REJECTED_TYPES = {"table": "text", "source_file": "text", "source_row": "bigint", "rule": "text",
                   "column": "text", "found": "text", "row": "text"}  # fmt: skip
_REJECTED_COLUMNS = ", ".join(f'"{name}"' for name in _REJECTED_TYPES)
_IN_ORDER = "_is_malformed, _position"


def check_table(
    engine: Engine, settings: Settings, table: str, staged: list[StagedFile], made: Path
) -> list[dict[str, Any]]:
    """Checks one table, writes ``<table>.parquet`` and returns its quality rows.

    Orders in other currencies need the rates to lie there already. Its rejected rows stay in ``rejected_<table>``,
    for ``write_rejected``.

    Raises
    ------
    TablesError
        If too many rows are rejected, or a condition of the settings makes no sense.
    """
    source, contract = settings.tables[table], load_catalogue().tables[table]
    shaped = shape_rows(engine, table, source, _create_given(engine, table, staged))
    raw_columns = shaped.columns
    is_typed, is_marked = any(one.file.format != "csv" for one in staged), not has_key(contract, source)
    is_converted = table == "orders" and "currency" in source.columns and has_rates(settings)
    read = "unpriced_orders" if is_converted else f"read_{table}"
    engine.create_table(read, read_sql(contract, source, settings, raw_columns, is_typed, is_marked))
    converted = convert_orders(engine, source, settings, made / f"{RATES}.parquet") if is_converted else []
    notes = [*shaped.notes, *converted, *check_keys(engine, table, contract, source, raw_columns)]
    _create_rejected(engine, table, raw_columns, staged)
    quality = count_checked(engine, table, _amount_of(contract, source), _malformed(staged), shaped.left_out)
    _check_share(engine, table, quality, settings.max_rejected_share)
    if quality[0]["rows"] == 0:
        notes.append(quality_row(table, "note", "empty_table", 0))
    excluded, sql = [], _kept_sql(table, contract)
    if table == "orders":
        create_flagged(engine, source, settings)
        excluded, sql = count_excluded(engine), orders_sql(source)
    engine.write_parquet(sql, made / f"{table}.parquet")
    _drop_steps(engine, table, len(staged))
    return [*quality, *excluded, *notes]


def write_rejected(engine: Engine, tables: list[str], path: Path) -> None:
    """The rejected rows of all tables as one Parquet file, in the order of tables, files and rows."""
    parts = [
        f"select {place} as _place, {_IN_ORDER}, {_REJECTED_COLUMNS} from rejected_{table}"
        for place, table in enumerate(tables)
    ]
    rows = f"select {_REJECTED_COLUMNS} from ({' union all '.join(parts)}) order by _place, {_IN_ORDER}"
    engine.write_parquet(rows if parts else _no_rejected(), path)


def _amount_of(contract: TableContract, source: TableSource) -> str | None:
    return LINE_AMOUNT if source.given_as == "lines" else contract.amount


def _malformed(staged: list[StagedFile]) -> list[MalformedLine]:
    return [line for one in staged for line in one.malformed]


def _drop_steps(engine: Engine, table: str, files: int) -> None:
    """Lets go of everything that only this table needed, its rejected rows aside."""
    own = [f"{step}_{table}" for step in ("judged", "before", "owned", "owners", "read", "malformed")]
    for name in ("flagged", "kept_orders", *own, "raw"):
        engine.drop(name)
    drop_shaping(engine, table)
    for name in ("given", *(f"staged_{table}_{i}" for i in range(files))):
        engine.drop(name)


def _kept_sql(table: str, contract: TableContract) -> str:
    """SQL for the kept rows of a table that is given as it is, by key, else in the order of the file."""
    names = ", ".join(f'"{name}"' for name, _ in output_columns(contract.columns))
    order = ", ".join([*contract.key, "_position"])
    return (
        f"select {names}, _file as source_file, _row as source_row from judged_{table} "
        f"where _rule is null order by {order}"
    )


# --- The rows as they were given ------------------------------------------------------------------------------


def _create_given(engine: Engine, table: str, staged: list[StagedFile]) -> dict[str, str]:
    """View ``given``: the rows of all files, numbered through; returns its column for each of the user's."""
    names = dict.fromkeys(name for one in staged for name in _named(one.file))
    columns_of = {name: f"c{i}" for i, name in enumerate(names)}
    selects, before = [], 0
    for number, one in enumerate(staged):
        engine.view_parquet(f"staged_{table}_{number}", one.path)
        own = {name: f"c{i}" for i, name in enumerate(_named(one.file))}
        columns = [f"{own.get(name, 'cast(null as text)')} as {columns_of[name]}" for name in names]
        place = f"{before} + _row"
        head = f"select {place} as _position, {place} as _given, {quoted(one.file.name)} as _file, _row"
        selects.append(f"{', '.join([head, *columns])} from staged_{table}_{number}")
        before += one.last_row
    engine.create_view("given", " union all ".join(selects))
    return columns_of


def _named(file: SourceFile) -> list[str]:
    """The columns of a file; one without a name is called by its place."""
    return [name or f"column {i}" for i, name in enumerate(file.columns, start=1)]


# --- Rejected rows ----------------------------------------------------------------------------------------------


def _create_rejected(
    engine: Engine, table: str, raw_columns: dict[str, str], staged: list[StagedFile]
) -> None:
    """Table ``rejected_<table>``: the rows that broke a rule, then the lines that could not be split."""
    sql = _broken_sql(table, raw_columns)
    if _malformed(staged):
        engine.view_frame(f"malformed_{table}", _malformed_frame(table, staged))
        cast = ", ".join(f'cast("{name}" as {kind}) as "{name}"' for name, kind in _REJECTED_TYPES.items())
        sql = f"{sql} union all select 1 as _is_malformed, _position, {cast} from malformed_{table}"
    engine.create_table(f"rejected_{table}", sql)


def _broken_sql(table: str, raw_columns: dict[str, str]) -> str:
    """The rows that broke a rule, with the rule, what was found, and the raw row as JSON."""
    pairs = ", ".join(f"{quoted(name)}, {column}" for name, column in raw_columns.items())
    return f"""
select 0 as _is_malformed, raw._position, {quoted(table)} as "table", raw._file as source_file,
  raw._row as source_row, broken._rule as rule, broken._column as "column", broken._found as found,
  cast(json_object({pairs}) as text) as "row"
from raw join (select _position, _rule, _column, _found from judged_{table} where _rule is not null) as broken
  on raw._position = broken._position"""


def _malformed_frame(table: str, staged: list[StagedFile]) -> pd.DataFrame:
    """The lines that could not be split as a frame of the rejected rows' columns, numbered by ``_position``."""
    import pandas as pd

    rows = [
        (table, one.file.name, line.row, f"{table}.{MALFORMED}", None,
         f"{line.found_fields} fields, expected {line.expected_fields}",
         json.dumps({"line": line.text[:KEPT_CHARACTERS]}, ensure_ascii=False))
        for one in staged for line in one.malformed
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=list(_REJECTED_TYPES))
    return frame.assign(_position=range(len(frame)))


def _no_rejected() -> str:
    columns = ", ".join(f'cast(null as {kind}) as "{name}"' for name, kind in _REJECTED_TYPES.items())
    return f"select {columns} where false"


def _check_share(engine: Engine, table: str, quality: list[dict[str, Any]], highest_share: float) -> None:
    """Stops where too much of a table is rejected to trust the rest."""
    read = quality[0]["rows"] - sum(row["rows"] for row in quality if row["stage"] == "ignored")
    rejected = [row for row in quality if row["stage"] == "rejected"]
    count = sum(row["rows"] for row in rejected)
    if read == 0 or count / read <= highest_share:
        return
    reasons = [
        say_problem("rejected_by", rule=row["rule"], count=row["rows"], words=_rule_words(row["rule"]))
        for row in rejected[:5]
    ]
    shown = engine.rows(
        f'select source_file, source_row, rule, found, "row" from rejected_{table} '
        f"order by {_IN_ORDER} limit {SHOWN_REJECTED}"
    )
    rows = [
        say_problem("rejected_row", file=file, row=row, rule=rule, found=found, text=raw[:SHOWN_CHARACTERS])
        for file, row, rule, found, raw in shown
    ]
    shares = {"share": f"{count / read:.1%}", "most": f"{highest_share:.1%}"}
    head = say_problem("too_many_rejected", table=table, count=count, of=read, **shares)
    raise TablesError(joined("\n", [head, *reasons, say_problem("first_rejected"), *rows]))


def _rule_words(rule: str) -> Said:
    return Said(rule_words(rule, "en"), rule_words(rule, "zh"))
