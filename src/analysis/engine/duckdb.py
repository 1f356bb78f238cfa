"""The embedded engine: DuckDB in this process, over Parquet files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd

from analysis.engine import EngineError
from analysis.engine.frames import typed_frame

if TYPE_CHECKING:
    from pathlib import Path

    from analysis.params import EngineSettings


class DuckDBEngine:
    """Runs SQL in DuckDB's dialect as it is written and returns typed frames."""

    def __init__(self, settings: EngineSettings | None = None, scratch: Path | None = None) -> None:
        config = {"preserve_insertion_order": "true"}
        if settings and settings.threads:
            config["threads"] = str(settings.threads)
        if settings and settings.memory_limit:
            config["memory_limit"] = settings.memory_limit
        if scratch:
            config["temp_directory"] = str(scratch)
        self.connection = duckdb.connect(":memory:", config=config)
        self.connection.execute("set TimeZone = 'UTC'")
        self.connection.execute(
            files("analysis.engine").joinpath("macros_duckdb.sql").read_text(encoding="utf-8")
        )

    def create_view(self, name: str, sql: str) -> None:
        """Make a view that later statements can name."""
        self._execute(f'create or replace view "{name}" as {sql}')

    def create_table(self, name: str, sql: str) -> None:
        """Make a table in memory: what several scans read is worked out once."""
        self._execute(f'create or replace table "{name}" as {sql}')

    def view_parquet(self, name: str, path: Path) -> None:
        """Make a view over a Parquet file."""
        self.create_view(name, f"select * from read_parquet({_quoted(path)})")

    def view_frame(self, name: str, frame: pd.DataFrame) -> None:
        """Make a table from a frame."""
        self.connection.register("_frame", frame)
        self._execute(f'create or replace table "{name}" as select * from _frame')
        self.connection.unregister("_frame")

    def drop(self, name: str) -> None:
        """Forget a view or table, and what it holds in memory."""
        held = "select table_type from information_schema.tables where table_name = ?"
        for (kind,) in self.connection.execute(held, [name]).fetchall():
            self._execute(f'drop {"view" if kind == "VIEW" else "table"} "{name}"')

    def columns(self, sql: str) -> dict[str, str]:
        """Names and types of a query's columns, without running it; the types are SQL's, in lower case."""
        with _in_one_line():
            described = self.connection.execute(f"describe {sql}").fetchall()
        return {name: kind.lower() for name, kind, *_ in described}

    def run(self, sql: str) -> pd.DataFrame:
        """The result of a query: integers, floats, text and dates as declared in ``typed_frame``."""
        with _in_one_line():
            return typed_frame(self.connection.sql(sql).to_arrow_table())

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The result of a query as plain values, for the few rows that no frame is wanted of."""
        with _in_one_line():
            return self.connection.execute(sql).fetchall()

    def write_parquet(self, sql: str, path: Path) -> None:
        """Write the result of a query to one Parquet file, in the query's order."""
        self._execute(f"copy ({sql}) to {_quoted(path)} (format parquet)")

    def close(self) -> None:
        """Let go of the memory."""
        self.connection.close()

    def _execute(self, sql: str) -> None:
        with _in_one_line():
            self.connection.execute(sql)


@contextmanager
def _in_one_line() -> Iterator[None]:
    """DuckDB's errors as the engine's own, without the statement it repeats."""
    try:
        yield
    except duckdb.Error as error:
        raise EngineError(" ".join(str(error).split("\n\n")[0].split("LINE ")[0].split())) from error


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
