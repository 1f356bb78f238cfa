"""A small shop whose every number can be counted by hand, measured once for all tests of the report."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pandas as pd
import pytest

from analysis.suite import Results, measure_suite

SCRIPT, FORMULA = "<script>alert(1)</script>", "=cmd|' /C calc'!A0"


def shop_orders() -> list[tuple[str, str, float]]:
    """Customers by what becomes of them in 2024Q4, with an activity window of 60 days.

    At the start count orders from 2 August to 30 September, at the end from 2 November to 31 December.
    """
    kept = [
        (f"k{i}", day, amount) for i in range(6) for day, amount in (("2024-09-01", 20), ("2024-12-01", 30))
    ]
    lost = [(name, "2024-09-10", 15) for name in ("l0", "l1", "l2")] + [("l0", "2024-03-10", 5)]
    returned = [
        (f"r{i}", day, amount) for i in range(2) for day, amount in (("2024-01-10", 10), ("2024-11-20", 25))
    ]
    new = [(f"n{i}", "2024-11-25", 40) for i in range(4)]
    came_and_went = [("c0", "2024-10-05", 12)]
    return [*kept, *lost, *returned, *new, *came_and_went]


@pytest.fixture(scope="session")
def shop(open_orders: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Results:
    """9 customers at the start of 2024Q4, 5 new (1 of them inactive again), 2 returned, 3 lost, 12 left."""
    names = tmp_path_factory.mktemp("names") / "customers.csv"
    names.write_text(f"id,name\nl0,{SCRIPT}\nl1,{FORMULA}\n", encoding="utf-8")
    customers = {"file": str(names), "columns": {"customer_id": "id", "customer_name": "name"}}
    book = open_orders(
        shop_orders(), "2024Q4", {"customers": customers}, activity_window_days=60, model_draws=20,
        sparkline_periods=3, data_through=date(2024, 12, 31), dimensions=["customer_status", "value_band"],
    )  # fmt: skip
    return measure_suite(book)


@pytest.fixture
def retell() -> Callable[..., Results]:
    """The same results with other figures for one metric: ``retell(results, metric, verdict=…, …)``."""
    return _retold


def _retold(
    results: Results, metric: str, *, verdict: str, value: float, base_value: float, n: float = 1000,
    base_n: float = 1000, against: str = "previous", period: str = "2024Q3",
) -> Results:  # fmt: skip
    kpis, changes = results.kpis.copy(), results.changes.copy()
    own = kpis["by"].isna() & (kpis["metric"] == metric) & (kpis["variant"] == "default")
    figures = {"2024Q4": (value, n), period: (base_value, base_n)}
    for name, (figure, size) in figures.items():
        row = own & (kpis["period"] == name)
        columns = ["value", "low", "high", "n", "status", "reason"]
        kpis.loc[row, columns] = pd.Series(
            [figure, 0.9 * figure, 1.1 * figure, size, "measured", None], columns
        ).to_numpy()
    rows = (
        changes["by"].isna() & (changes["metric"] == metric) & (changes["variant"] == "default")
        & (changes["against"] == against)
    )  # fmt: skip
    difference = value - base_value
    told = {
        "value": value, "base_value": base_value, "difference": difference, "verdict": verdict,
        "difference_low": 0.8 * difference, "difference_high": 1.2 * difference, "reason": None,
        "relative_change": difference / base_value, "base_period": period,
    }  # fmt: skip
    for column, cell in told.items():
        changes.loc[rows, column] = cell
    return Results(results.book, {**results.frames, "kpis": kpis, "changes": changes})
