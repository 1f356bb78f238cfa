"""The embedded engine: DuckDB in this process, over Parquet files."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

import duckdb
import pandas as pd

from analysis.engine.frames import typed_frame

if TYPE_CHECKING:
    from pathlib import Path

    from analysis.params import EngineSettings


class DuckDBEngine:
    """Runs SQL in DuckDB's dialect as it is written and returns typed frames."""

    def __init__(self, settings: EngineSettings | None = None) -> None:
        config = {"preserve_insertion_order": "true"}
        if settings and settings.threads:
            config["threads"] = str(settings.threads)
        if settings and settings.memory_limit:
            config["memory_limit"] = settings.memory_limit
        self.connection = duckdb.connect(":memory:", config=config)
        self.connection.execute("set TimeZone = 'UTC'")
        self.connection.execute(files("analysis.engine").joinpath("macros_duckdb.sql").read_text())

    def create_view(self, name: str, sql: str) -> None:
        """Make a view that later statements can name."""
        self.connection.execute(f'create or replace view "{name}" as {sql}')

    def create_table(self, name: str, sql: str) -> None:
        """Make a table in memory: what several scans read is worked out once."""
        self.connection.execute(f'create or replace table "{name}" as {sql}')

    def view_parquet(self, name: str, path: Path) -> None:
        """Make a view over a Parquet file."""
        escaped = str(path).replace("'", "''")
        self.create_view(name, f"select * from read_parquet('{escaped}')")

    def view_frame(self, name: str, frame: pd.DataFrame) -> None:
        """Make a table from a frame."""
        self.connection.register("_frame", frame)
        self.connection.execute(f'create or replace table "{name}" as select * from _frame')
        self.connection.unregister("_frame")

    def run(self, sql: str) -> pd.DataFrame:
        """The result of a query: integers, floats, text and dates as declared in ``typed_frame``."""
        return typed_frame(self.connection.sql(sql).to_arrow_table())

    def close(self) -> None:
        """Let go of the memory."""
        self.connection.close()
