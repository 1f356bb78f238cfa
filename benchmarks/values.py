"""What every customer is expected to do and to be worth over a year, at fitted parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from inputs import SEED, load_customers, write_customers
from measuring import Call, Sizes, Task, Way, times_faster

WEEKS_PER_MONTH = 4.345  # as lifetimes counts them
MONTHS = 12
DEFAULT_MOST = 1_000_000  # beyond, lifetimes and intervals take minutes


def fitted(data: dict[str, Any]) -> tuple[Any, Any]:
    """The models that all sides value customers with."""
    from analysis.models import fit_bg_nbd, fit_gamma_gamma

    bought_again = data["spend"] > 0
    return (
        fit_bg_nbd(data["x"], data["t_x"], data["T"]),
        fit_gamma_gamma(data["x"][bought_again], data["spend"][bought_again]),
    )


def summed(p_alive: Any, expected_purchases: Any, value: Any) -> dict[str, float]:
    return {
        "P(alive)": float(p_alive.sum()),
        "expected purchases": float(expected_purchases.sum()),
        "value": float(value.sum()),
    }


def prepared(path: Path) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What ours is called with: lifetimes' months, and no discount, which it counts in another way."""
    data = load_customers(path)
    histories = (data["x"], data["t_x"], data["T"], data["spend"])
    asked = {"quarter_lengths": [WEEKS_PER_MONTH] * MONTHS, "discount_rate_per_year": 0.0}
    return (*fitted(data), *histories), asked


def expect_with_analysis(path: Path) -> Call:
    from analysis.models import expected_values

    given, asked = prepared(path)

    def call() -> dict[str, float]:
        values = expected_values(*given, **asked)
        return summed(values.p_alive, values.expected_purchases, values.clv)

    return call


def value_with_analysis(path: Path) -> Call:
    from analysis.models import value_customers

    given, asked = prepared(path)

    def call() -> dict[str, float]:
        values = value_customers(*given, **asked, n_draws=200, seed=SEED)
        assert values.total.low < values.total.total < values.total.high
        return summed(values.p_alive, values.expected_purchases, values.clv)

    return call


def value_with_lifetimes(path: Path) -> Call:
    import pandas as pd

    data = load_customers(path)
    purchases, spend = (fit.as_lifetimes() for fit in fitted(data))
    customers = pd.DataFrame(data)
    histories = [customers[name] for name in ("x", "t_x", "T")]

    def call() -> dict[str, float]:
        return summed(
            purchases.conditional_probability_alive(*histories),
            purchases.conditional_expected_number_of_purchases_up_to_time(
                MONTHS * WEEKS_PER_MONTH, *histories
            ),
            spend.customer_lifetime_value(
                purchases, *histories, customers["spend"], time=MONTHS, discount_rate=0, freq="W"
            ),
        )

    return call


TASKS = (
    Task(
        "P(alive), purchases and value over a year",
        {
            "analysis": Way(expect_with_analysis),
            "analysis, with intervals": Way(value_with_analysis, at_most=DEFAULT_MOST),
            "lifetimes": Way(value_with_lifetimes, at_most=DEFAULT_MOST),
        },
        write=write_customers,
        sizes=Sizes(small=(10_000,), default=(1_000_000, 10_000_000)),
        tolerance=1e-8,
        floors=(times_faster("analysis", "lifetimes", 1_000_000, 150),),
    ),
)
