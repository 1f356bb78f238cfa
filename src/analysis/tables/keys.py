"""Rows that were there before: keys used twice, rows repeated, orders that name several customers."""

from __future__ import annotations

from typing import Any

import duckdb

from analysis.catalogue.records import TableContract
from analysis.params import TableSource
from analysis.tables.quality import quality_row
from analysis.tables.quoting import quoted


def check_keys(
    connection: duckdb.DuckDBPyConnection, table: str, contract: TableContract, source: TableSource
) -> list[dict[str, Any]]:
    """Rejects rows whose key was there before, and notes what cannot be recognised."""
    if source.given_as is not None:
        _give_orders_one_customer(connection, table)
        return _repeated_rows(connection, table, source)
    if contract.key and all(column in source.columns for column in contract.key):
        _reject_duplicate_keys(connection, table, contract.key)
        return []
    notes = [quality_row(table, "note", "key_not_given", 0)] if contract.key else []
    return notes + _repeated_rows(connection, table, source)


def _reject_duplicate_keys(connection: duckdb.DuckDBPyConnection, table: str, key: tuple[str, ...]) -> None:
    """The first row of a key stays; identical ones after it are repeats, other ones duplicates."""
    columns = ", ".join(f'"{column}"' for column in key)
    connection.execute(f"""
update checked_{table} set _rule = found.rule, _column = {quoted(key[0])}, _found = found.shown
from (
  select _position as position, concat_ws(', ', {columns}) as shown,
    case when _hash = first(_hash) over w and _hash_again = first(_hash_again) over w
      then '{table}.repeated_row' else '{table}.duplicate_key' end as rule,
    row_number() over w as place
  from checked_{table}
  where _rule is null and ({columns}) in (
    select ({columns}) from checked_{table} where _rule is null group by {columns} having count(*) > 1)
  window w as (partition by {columns} order by _position)
) as found
where checked_{table}._position = found.position and found.place > 1""")


def _give_orders_one_customer(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """An order belongs to the first customer its lines name.

    Lines of other customers are rejected, lines that name nobody are his.
    """
    connection.execute(f"""
create or replace temp table owners as
select order_id as of_order, arg_min(customer_id, _position) as owner
from checked_{table} where _rule is null
group by order_id having count(distinct customer_id) > 1 or count(customer_id) between 1 and count(*) - 1""")
    connection.execute(f"""
update checked_{table} set _rule = 'order_id.several_customers', _column = 'order_id', _found = order_id
from owners where order_id = of_order and customer_id <> owner and _rule is null""")
    connection.execute(f"""
update checked_{table} set customer_id = owner
from owners where order_id = of_order and customer_id is null and _rule is null""")


def _repeated_rows(
    connection: duckdb.DuckDBPyConnection, table: str, source: TableSource
) -> list[dict[str, Any]]:
    """Rows that are the same in every column: rejected after the first if asked for, else noted."""
    repeats = f"""
select _position as position, _row as first_row from (
  select _position, _row, row_number() over (partition by _hash, _hash_again order by _position) as place
  from checked_{table} where _rule is null) where place > 1"""
    if source.drop_repeated_rows:
        connection.execute(
            f"update checked_{table} set _rule = '{table}.repeated_row', _found = '' "
            f"from ({repeats}) as found where checked_{table}._position = found.position"
        )
        return []
    count, first = connection.execute(f"select count(*), min(first_row) from ({repeats})").fetchone()
    return [quality_row(table, "note", "repeated_rows_kept", count, None, first)] if count else []
