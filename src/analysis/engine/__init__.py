"""Run SQL, make a view, return a typed frame: the only floor that knows which engine it is.

Every statement is written in DuckDB's dialect, in the forms of CONTRIBUTING.md; an engine of another dialect
translates it. Floors above never ask which engine answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from analysis.params import EngineSettings


class EngineError(Exception):
    """What the engine says about a statement it cannot run, in one line."""


class Engine(Protocol):
    """What every floor above may ask of an engine."""

    def create_view(self, name: str, sql: str) -> None: ...
    def create_table(self, name: str, sql: str) -> None: ...
    def view_parquet(self, name: str, path: Path) -> None: ...
    def view_frame(self, name: str, frame: pd.DataFrame) -> None: ...
    def drop(self, name: str) -> None: ...
    def columns(self, sql: str) -> dict[str, str]: ...
    def run(self, sql: str) -> pd.DataFrame: ...
    def rows(self, sql: str) -> list[tuple[Any, ...]]: ...
    def write_parquet(self, sql: str, path: Path) -> None: ...
    def close(self) -> None: ...


def open_engine(settings: EngineSettings, scratch: Path | None = None) -> Engine:
    """The engine the settings name.

    Parameters
    ----------
    scratch
        A folder for what does not fit into memory; the engine's own choice if not given.
    """
    if settings.kind == "spark":
        from analysis.engine.spark import SparkEngine

        return SparkEngine(settings, scratch)
    from analysis.engine.duckdb import DuckDBEngine

    return DuckDBEngine(settings, scratch)
