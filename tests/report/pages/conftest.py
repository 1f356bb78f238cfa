"""A company that has sold nothing yet, measured once for the tests of all pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from analysis.suite import Results, measure_suite


@pytest.fixture(scope="session")
def no_orders(open_orders: Callable[..., Any]) -> Results:
    """A table of orders with a header and no rows."""
    return measure_suite(open_orders([], "2024Q4", model_draws=20, sparkline_periods=2))


@pytest.fixture(scope="session")
def cells() -> Callable[[Any, str], list[str]]:
    """Reads the cells of the table row whose heading begins with some words."""

    def read(html: Any, head: str) -> list[str]:
        rows = BeautifulSoup(str(html), "html.parser").select("tbody tr:not(.wb-section)")
        found = next(row for row in rows if row.th.get_text(" ", strip=True).startswith(head))
        return [cell.get_text(" ", strip=True) for cell in found.select("td")]

    return read


@pytest.fixture
def judged() -> pd.DataFrame:
    """Three targets: one missed, one hit, one too close to call."""
    rows = pd.DataFrame(
        [
            {"metric": "repeat_purchase_rate", "value": 0.6, "low": 0.5, "high": 0.66, "target": 0.7, "verdict": "miss",
             "probability": 0.004, "method": "score"},
            {"metric": "revenue", "value": 402.0, "target": 400.0, "verdict": "hit", "method": "exact"},
            {"metric": "customer_retention_rate", "value": 0.667, "low": 0.354, "high": 0.879, "target": 0.6,
             "verdict": "undetermined", "probability": 0.66, "method": "score"},
        ]
    )  # fmt: skip
    return rows.assign(variant="default", by=None, group=None, reason=None)
