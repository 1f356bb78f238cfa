"""The rows of the files as the contract is to see them: some passed over, the last of several, wide made long.

View ``given`` holds the rows of all files as texts; view ``raw`` those that are checked. Between them, in this
order: rows that meet ``ignore_when`` are passed over, of the rows of one key only the last is kept, and columns
of a wide table become rows. What is left out is no error: it is counted under a rule of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from analysis.engine import Engine, EngineError
from analysis.params import InOrderOf, TableSource, Unpivot
from analysis.tables import TablesError
from analysis.tables.conditions import check_condition, truth_of
from analysis.tables.quality import quality_row
from analysis.tables.quoting import identifier, quoted
from analysis.tables.reading import number_sql, read_by_formats
from analysis.tables.sources import matching_columns
from analysis.tables.texts import present, stripped

OWN_COLUMNS = (
    "_position",
    "_given",
    "_file",
    "_row",
)  # _given: the row's place in the files, whatever became of it
_NAME, _VALUE = "unpivoted_name", "unpivoted_value"


@dataclass
class Shaped:
    """What became of the rows: the user's column names with the columns of ``raw``, and what to say."""

    columns: dict[str, str]
    left_out: list[dict[str, Any]] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)


def shape_rows(engine: Engine, table: str, source: TableSource, columns: Mapping[str, str]) -> Shaped:
    """Makes the view ``raw`` of the view ``given``.

    Parameters
    ----------
    columns
        The user's column names and the columns of ``given`` that hold them.

    Raises
    ------
    TablesError
        If the condition makes no sense, or no row says where it stands in the order asked for.
    """
    shaped = Shaped(dict(columns))
    rows = "given"
    if source.ignore_when is not None:
        rows = _pass_over(engine, table, source.ignore_when, shaped)
    if source.keep_last_per:
        rows = _keep_last(engine, table, source, rows, shaped)
    if source.unpivot:
        _make_long(engine, table, source, source.unpivot, rows, shaped)
    else:
        engine.create_view("raw", f"select {_listed(shaped)} from {rows}")
    return shaped


def drop_shaping(engine: Engine, table: str) -> None:
    """Lets go of what the steps held."""
    for step in ("long", "lasting", "ordered", "earlier", "considered", "ignored", "named"):
        engine.drop(f"{step}_{table}")


def _listed(shaped: Shaped) -> str:
    return ", ".join([*OWN_COLUMNS, *shaped.columns.values()])


# --- Rows passed over -----------------------------------------------------------------------------------------


def _pass_over(engine: Engine, table: str, condition: str, shaped: Shaped) -> str:
    """A view of the rows that do not meet the condition."""
    where = f"tables.{table}.ignore_when"
    names = _nameable(shaped.columns)
    texts = [f"nullif({stripped(column)}, '') as {identifier(name)}" for name, column in names.items()]
    engine.create_view(f"named_{table}", f"select {', '.join(['_position', '_row', *texts])} from given")
    check_condition(engine, condition, where, f"named_{table}", names, "the columns of the file")
    sql = f"select _position, _row from named_{table} where {truth_of(condition)}"
    try:
        engine.create_table(f"ignored_{table}", sql)
    except EngineError as error:
        raise TablesError(
            f"{where}: {condition!r} cannot be worked out ({error}); every column holds text: a number is "
            "try_cast(column as double)"
        ) from error
    _count_left_out(engine, f"ignored_{table}", table, "ignored", shaped)
    engine.create_view(f"considered_{table}", _without(f"ignored_{table}", "given", shaped))
    return f"considered_{table}"


def _nameable(columns: Mapping[str, str]) -> dict[str, str]:
    """The columns that SQL can tell apart: it does not look at upper and lower case."""
    lowered = [name.lower() for name in columns]
    taken = {name for name in lowered if lowered.count(name) > 1} | set(OWN_COLUMNS)
    return {name: column for name, column in columns.items() if name.lower() not in taken}


def _count_left_out(engine: Engine, rows: str, table: str, rule: str, shaped: Shaped) -> None:
    [(count, first)] = engine.rows(f"select count(*), min(_row) from {rows}")
    shaped.left_out.append(quality_row(table, "ignored", f"{table}.{rule}", count, None, first))


def _without(left_out: str, rows: str, shaped: Shaped) -> str:
    listed = ", ".join(f"own.{name}" for name in (*OWN_COLUMNS, *shaped.columns.values()))
    return (
        f"select {listed} from {rows} as own left join {left_out} as gone on own._position = gone._position "
        "where gone._position is null"
    )


# --- The last row of each key ---------------------------------------------------------------------------------


def _keep_last(engine: Engine, table: str, source: TableSource, rows: str, shaped: Shaped) -> str:
    """A view of the last row of each key; rows without a key stay, for the contract to judge."""
    keys = [_text_of(name, source, shaped) for name in source.keep_last_per]
    named = [f"{sql} as _key{i}" for i, sql in enumerate(keys)]
    order = source.in_order_of
    text = "cast(null as text)" if order is None else _text_of(order.column, source, shaped)
    place, number = _places(order, source)
    engine.create_view(
        f"ordered_{table}",
        f"select *, {place} as _at, {number} as _number from "
        f"(select _position, _row, {', '.join(named)}, {text} as _order from {rows})",
    )
    if order is not None and order.format:
        _check_order(engine, table, order, shaped)
    engine.create_table(f"earlier_{table}", _earlier_sql(table, len(keys)))
    _count_left_out(engine, f"earlier_{table}", table, "not_last", shaped)
    engine.create_view(f"lasting_{table}", _without(f"earlier_{table}", rows, shaped))
    return f"lasting_{table}"


def _text_of(name: str, source: TableSource, shaped: Shaped) -> str:
    return present(stripped(shaped.columns[name.strip()]), source.missing)


def _places(order: InOrderOf | None, source: TableSource) -> tuple[str, str]:
    """SQL for a row's place in the order: the instant its text writes, or the number."""
    if order is not None and order.format:
        return read_by_formats("_order", order.format, "in_order_of"), "cast(null as double)"
    return "cast(null as timestamp)", number_sql("_order", source.decimal, source.thousands)


def _check_order(engine: Engine, table: str, order: InOrderOf, shaped: Shaped) -> None:
    """An order that no row states is an error; rows that do not are noted, and count as the earliest."""
    [(given, unread, first)] = engine.rows(
        "select count(_order), count(case when _at is null then _order end), "
        f"min(case when _order is not null and _at is null then _row end) from ordered_{table}"
    )
    if given and given == unread:
        [(text,)] = engine.rows(f"select min(_order) from ordered_{table}")
        raise TablesError(
            f"tables.{table}.in_order_of: no row of column {order.column!r} is as the format "
            f"{' or '.join(order.format)} says; found {text!r}"
        )
    if unread:
        shaped.notes.append(quality_row(table, "note", "order_unreadable", unread, None, first))


def _earlier_sql(table: str, key_columns: int) -> str:
    """The rows after which another one of the same key comes."""
    keys = [f"_key{i}" for i in range(key_columns)]
    backwards = "_at desc nulls last, _number desc nulls last, _order desc nulls last, _position desc"
    return f"""
select _position, _row from (
  select _position, _row,
    row_number() over (partition by {", ".join(keys)} order by {backwards}) as _from_last
  from ordered_{table} where {" and ".join(f"{key} is not null" for key in keys)}
) where _from_last > 1"""


# --- Wide made long -------------------------------------------------------------------------------------------


def _make_long(
    engine: Engine, table: str, source: TableSource, unpivot: Unpivot, rows: str, shaped: Shaped
) -> None:
    """View ``raw``: a row for each cell of the columns named that is not empty, beside its row's other columns."""
    names = matching_columns(unpivot.columns, shaped.columns)
    cells = range(len(names))
    name_cases = " ".join(f"when {i} then {quoted(name)}" for i, name in zip(cells, names, strict=True))
    value_cases = " ".join(
        f"when {i} then {shaped.columns[name]}" for i, name in zip(cells, names, strict=True)
    )
    others = ", ".join(shaped.columns.values())
    engine.create_view(
        f"long_{table}",
        f"""
select _position * {len(names)} + _cell as _position, _given, _file, _row, {others},
  case _cell {name_cases} end as {_NAME}, case _cell {value_cases} end as {_VALUE}
from {rows} cross join (select i as _cell from range({len(names)}) cells(i))""",
    )
    value = present(stripped(_VALUE), (*source.missing, *_missing_of(source, unpivot.value_to)))
    [(wide,)] = engine.rows(f"select count(*) from {rows}")
    shaped.notes.append(quality_row(table, "note", "unpivoted", wide))
    empty = f"(select _row from long_{table} where {value} is null)"
    [(count, first)] = engine.rows(f"select count(*), min(_row) from {empty}")
    if count:
        shaped.left_out.append(quality_row(table, "ignored", f"{table}.empty_cell", count, None, first))
    shaped.columns |= {unpivot.name_to: _NAME, unpivot.value_to: _VALUE}
    engine.create_view("raw", f"select {_listed(shaped)} from long_{table} where {value} is not null")


def _missing_of(source: TableSource, name: str) -> tuple[str, ...]:
    """The words that mean nothing in every column of ours that a column of theirs goes to."""
    words = [set(given.missing) for given in source.columns.values() if given.column == (name,)]
    return tuple(sorted(set.intersection(*words))) if words else ()
