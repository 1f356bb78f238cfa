"""Run SQL, make a view, return a typed frame: the only floor that knows which engine it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from analysis.params import EngineSettings


class Engine(Protocol):
    """What every floor above may ask of an engine."""

    def create_view(self, name: str, sql: str) -> None: ...
    def create_table(self, name: str, sql: str) -> None: ...
    def view_parquet(self, name: str, path: Path) -> None: ...
    def view_frame(self, name: str, frame: pd.DataFrame) -> None: ...
    def run(self, sql: str) -> pd.DataFrame: ...
    def close(self) -> None: ...


def open_engine(settings: EngineSettings) -> Engine:
    """The engine the settings name."""
    from analysis.engine.duckdb import DuckDBEngine

    return DuckDBEngine(settings)
