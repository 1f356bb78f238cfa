"""How often a way reads a table: asked of the plans of all its statements, on a small input."""

from __future__ import annotations

import json
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

OF_FILE = "of_file_"
READ_FILE = re.compile(r"read_parquet\('([^']+)'\)")


def reads_of(
    way: Callable[[Path], Any], write: Callable[[Path, int], None], rows: int, tables: Sequence[str]
) -> dict[str, float]:
    """How many statements run, and how many times they read each table from its file."""
    with tempfile.TemporaryDirectory() as folder, plans_kept() as plans:
        path = Path(folder) / "input"
        write(path, rows)
        way(path)
    read = Counter(name for plan in plans for name in files_read(plan))
    return {"statements": len(plans)} | {f"reads of {name}": read[name] for name in tables}


@contextmanager
def plans_kept() -> Iterator[list[Any]]:
    """While inside, keeps the plan of every query, and of every table made of one, that DuckDB is given."""
    import duckdb

    plans: list[Any] = []
    connect = duckdb.connect
    duckdb.connect = lambda *given, **named: Listening(connect(*given, **named), plans)
    try:
        yield plans
    finally:
        duckdb.connect = connect


class Listening:
    """A connection that keeps the plans of what it is asked.

    Plans name tables, and not files: whatever reads a Parquet file reads a table of the same content instead.
    """

    def __init__(self, connection: Any, plans: list[Any]) -> None:
        self._connection, self._plans = connection, plans

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, statement: str, *values: Any) -> Any:
        # A statement with values keeps house: it asks what there is, and reads no table.
        return self._connection.execute(statement if values else self._heard(statement), *values)

    def sql(self, statement: str) -> Any:
        return self._connection.sql(self._heard(statement))

    def _heard(self, statement: str) -> str:
        statement = READ_FILE.sub(lambda found: self._table_of(found[1]), statement)
        words = [word for word in statement.lower().split()[:4] if word not in ("or", "replace", "temp")]
        if words[0] in ("select", "with") or words[:2] == ["create", "table"]:
            [(_, plan)] = self._connection.execute(f"explain (format json) {statement}").fetchall()
            self._plans.append(json.loads(plan))
        return statement

    def _table_of(self, file: str) -> str:
        name = f"{OF_FILE}{Path(file).stem}"
        self._connection.execute(f"create table if not exists {name} as select * from read_parquet('{file}')")
        return name


def files_read(plan: Any) -> Iterator[str]:
    """The files that a plan reads, each once for every time it does."""
    for node in plan if isinstance(plan, list) else [plan]:
        table = str((node.get("extra_info") or {}).get("Table", "")).rpartition(".")[2]
        if table.startswith(OF_FILE):
            yield table.removeprefix(OF_FILE)
        yield from files_read(node.get("children", []))
