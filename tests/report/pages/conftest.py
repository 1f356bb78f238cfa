"""A company that has sold nothing yet, measured once for the tests of all pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from analysis.suite import Results, measure_suite


@pytest.fixture(scope="session")
def no_orders(open_orders: Callable[..., Any]) -> Results:
    """A table of orders with a header and no rows."""
    return measure_suite(open_orders([], "2024Q4", model_draws=20, sparkline_periods=2))
