"""A small company in a temporary folder: source files, a params file, and its tables prepared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
import yaml

from analysis.params import Params, load_params
from analysis.tables.prepared import Prepared, prepare, read_quality, read_rejected

ORDERS = {"order_id": "id", "customer_id": "customer", "ordered_at": "date", "amount": "amount"}
LINES = {
    "order_id": "id",
    "customer_id": "customer",
    "ordered_at": "date",
    "quantity": "n",
    "unit_price": "price",
}


@dataclass
class Company:
    """Files and settings below ``root``; ``orders(text)`` prepares one CSV of orders and reads it back."""

    root: Path

    def write(self, name: str, text: str | bytes, encoding: str = "utf-8") -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return path

    def params(self, tables: dict[str, Any], **settings: Any) -> Params:
        path = self.root / "params" / "company.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        values = {"company": "Test", "max_rejected_share": 1.0, "tables": tables, **settings}
        path.write_text(yaml.safe_dump(values, allow_unicode=True, sort_keys=False), encoding="utf-8")
        return load_params(path)

    def prepare_orders(
        self,
        text: str | bytes,
        source: dict[str, Any] | None = None,
        encoding: str = "utf-8",
        **settings: Any,
    ) -> Prepared:
        self.write("orders.csv", text, encoding)
        return prepare(
            self.params({"orders": {"file": "orders.csv", "columns": ORDERS} | (source or {})}, **settings)
        )

    def prepare_lines(self, text: str, source: dict[str, Any] | None = None, **settings: Any) -> Prepared:
        self.write("lines.csv", text)
        given = {"file": "lines.csv", "given_as": "lines", "columns": LINES} | (source or {})
        return prepare(self.params({"orders": given}, **settings))


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return Company(tmp_path)


def _rows(prepared: Prepared, columns: str = "*", table: str = "orders") -> list[tuple]:
    with duckdb.connect() as connection:
        return connection.execute(
            f"select {columns} from read_parquet('{prepared.tables[table]}')"
        ).fetchall()


@pytest.fixture
def rows() -> Callable[..., list[tuple]]:
    """The rows of a checked table as tuples, in its order."""
    return _rows


@pytest.fixture
def rejected() -> Callable[[Prepared], dict[int, str]]:
    """Rule by source row."""

    def by_row(prepared: Prepared) -> dict[int, str]:
        frame = read_rejected(prepared)
        return dict(zip(frame["source_row"], frame["rule"], strict=True))

    return by_row


@pytest.fixture
def counted() -> Callable[..., dict[str | None, int]]:
    """Rows by rule at one stage of the quality frame."""

    def by_rule(prepared: Prepared, stage: str, table: str = "orders") -> dict[str | None, int]:
        frame = read_quality(prepared)
        frame = frame[(frame["stage"] == stage) & (frame["table"] == table)]
        rules = [None if pd.isna(rule) else rule for rule in frame["rule"]]
        return dict(zip(rules, frame["rows"].tolist(), strict=True))

    return by_rule
