"""Rows that were there before: keys used twice, rows repeated, orders that name several customers.

``read_<table>`` holds each row with the first rule its columns break; ``judged_<table>`` is the same after the
rules of this module. What they reject are few rows, kept in small tables of their own and joined.
"""

from __future__ import annotations

from typing import Any

from analysis.catalogue.records import TableContract
from analysis.engine import Engine
from analysis.params import TableSource
from analysis.tables.contract import output_columns
from analysis.tables.quality import quality_row
from analysis.tables.quoting import quoted

_HEAD = ("_position", "_file", "_row")


def has_key(contract: TableContract, source: TableSource) -> bool:
    """Whether each row has a key of its own to be known by."""
    return (
        source.given_as is None and bool(contract.key) and all(one in source.columns for one in contract.key)
    )


def check_keys(
    engine: Engine, table: str, contract: TableContract, source: TableSource, raw_columns: dict[str, str]
) -> list[dict[str, Any]]:
    """Makes the view ``judged_<table>``, and notes what cannot be recognised.

    Drop ``judged_<table>``, ``before_<table>`` and ``owners_<table>`` when it is no longer needed.
    """
    columns = [name for name, _ in output_columns(contract.columns_given_as(source.given_as))]
    judged, read = f"judged_{table}", f"read_{table}"
    if has_key(contract, source):
        _find_duplicate_keys(engine, table, contract.key, raw_columns)
        engine.create_view(judged, _without_earlier_sql(read, table, columns))
        return []
    if source.given_as is not None:
        read = _give_orders_one_customer(engine, table, columns)
    if source.drop_repeated_rows:
        _find_repeated_rows(engine, table, read)
        engine.create_view(judged, _without_earlier_sql(read, table, columns))
        return _key_notes(table, contract, source)
    engine.create_view(judged, f'select * from "{read}"')
    return [*_key_notes(table, contract, source), *_repeat_notes(engine, table, read)]


def _key_notes(table: str, contract: TableContract, source: TableSource) -> list[dict[str, Any]]:
    is_noted = contract.key and source.given_as is None
    return [quality_row(table, "note", "key_not_given", 0)] if is_noted else []


def _without_earlier_sql(read: str, table: str, columns: list[str]) -> str:
    """The rows of ``read``, those listed in ``before_<table>`` rejected by the rule that stands there."""
    listed = ", ".join(f'own."{name}"' for name in (*_HEAD, *columns))
    ruled = ", ".join(
        f"coalesce(own.{one}, earlier.{one}) as {one}" for one in ("_rule", "_column", "_found")
    )
    return (
        f'select {listed}, {ruled} from "{read}" as own '
        f"left join before_{table} as earlier on own._position = earlier._position"
    )


def _find_duplicate_keys(
    engine: Engine, table: str, key: tuple[str, ...], raw_columns: dict[str, str]
) -> None:
    """The first row of a key stays; identical ones after it are repeats, other ones duplicates."""
    columns = ", ".join(f'"{column}"' for column in key)
    same_key = " and ".join(f'own."{column}" = twice."{column}"' for column in key)
    shown = ", ".join(f'own."{column}"' for column in key)
    is_same = " and ".join(f"own.{one} is not distinct from former.{one}" for one in raw_columns.values())
    engine.create_table(
        f"later_{table}",
        f"""
select own._position, twice.former, concat_ws(', ', {shown}) as _found
from read_{table} as own join (
  select {columns}, min(_position) as former from read_{table} where _rule is null
  group by {columns} having count(*) > 1
) as twice on {same_key}
where own._rule is null and own._position > twice.former""",
    )
    engine.create_table(
        f"before_{table}",
        f"""
select later._position, {quoted(key[0])} as _column, later._found,
  case when {is_same} then '{table}.repeated_row' else '{table}.duplicate_key' end as _rule
from later_{table} as later
join raw as own on own._position = later._position
join raw as former on former._position = later.former""",
    )
    engine.drop(f"later_{table}")


def _give_orders_one_customer(engine: Engine, table: str, columns: list[str]) -> str:
    """A view of the lines, each order belonging to the first customer its lines name.

    Lines of other customers are rejected, lines that name nobody are his.
    """
    engine.create_table(
        f"owners_{table}",
        f"""
select order_id as of_order, arg_min(customer_id, _position) filter (where customer_id is not null) as owner
from read_{table} where _rule is null
group by order_id
having min(customer_id) <> max(customer_id) or count(customer_id) between 1 and count(*) - 1""",
    )
    listed = ", ".join(
        "coalesce(customer_id, owner) as customer_id" if name == "customer_id" else f'"{name}"'
        for name in (*_HEAD, "_mark", "_second_mark", *columns)
    )
    is_other = "_rule is null and customer_id <> owner"
    engine.create_view(
        f"owned_{table}",
        f"""
select {listed}, case when {is_other} then 'order_id.several_customers' else _rule end as _rule,
  case when {is_other} then 'order_id' else _column end as _column,
  case when {is_other} then order_id else _found end as _found
from read_{table} left join owners_{table} on order_id = of_order""",
    )
    return f"owned_{table}"


def _repeated_sql(read: str) -> str:
    """Rows that are the same in every column as an earlier one."""
    return f"""
select own._position, own._row from "{read}" as own join (
  select _mark, _second_mark, min(_position) as former from "{read}" where _rule is null
  group by _mark, _second_mark having count(*) > 1
) as twice on own._mark = twice._mark and own._second_mark = twice._second_mark
where own._rule is null and own._position > twice.former"""


def _find_repeated_rows(engine: Engine, table: str, read: str) -> None:
    engine.create_table(
        f"before_{table}",
        f"""
select _position, '{table}.repeated_row' as _rule, cast(null as text) as _column, '' as _found
from ({_repeated_sql(read)})""",
    )


def _repeat_notes(engine: Engine, table: str, read: str) -> list[dict[str, Any]]:
    [(count, first)] = engine.rows(f"select count(*), min(_row) from ({_repeated_sql(read)})")
    return [quality_row(table, "note", "repeated_rows_kept", count, None, first)] if count else []
