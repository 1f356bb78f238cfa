"""Retention, churn and growth by hand, and what the documents' misprints would make of the same customers."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.metrics.measure import measure
from analysis.report.pages.definitions import meaning_of

# The quarter is 2026Q2, the activity window 90 days. Each name is followed by how many there are.
HISTORIES = {
    "stays": (8, ["2026-02-01", "2026-05-01"]),
    "leaves": (2, ["2026-02-01"]),
    "returns": (5, ["2025-06-01", "2026-06-01"]),
    "new": (3, ["2026-06-01"]),
    "comes_and_goes": (1, ["2026-04-01"]),  # 91 days before 1 July
    "silent": (4, ["2025-06-01"]),
}
ORDERS = [
    (f"{name}{number}", day, 10.0)
    for name, (count, days) in HISTORIES.items()
    for number in range(count)
    for day in days
]


@pytest.fixture(scope="module")
def figures(open_orders) -> pd.DataFrame:
    book = open_orders(ORDERS, "2026Q2", activity_window_days=90)
    metrics = [m for record in book.catalogue.families["retention"] for m in record.all_variants() if m.fact]
    metrics.append(book.catalogue.metrics["new_customers"])
    rows = measure(book, [], metrics)
    return rows[rows["period"] == "2026Q2"].set_index(["metric", "variant"])


def value(figures: pd.DataFrame, metric: str, variant: str = "default") -> float:
    return figures.loc[(metric, variant), "value"]


def test_the_population_by_hand(figures):
    # at the start 8 + 2; at the end 8 + 5 + 3; new 3 + 1
    counts = ("opening", "closing", "new", "returned", "lost", "came_and_went")
    assert [value(figures, f"{name}_customers") for name in counts] == [10, 16, 4, 5, 2, 1]


def test_retention_and_churn_are_of_those_at_the_start(figures):
    assert value(figures, "customer_retention_rate") == 0.8
    assert value(figures, "customer_retention_rate", "active_again") == 0.8
    assert value(figures, "customer_churn_rate") == 0.2


def test_retention_as_printed_exceeds_1_where_customers_return(figures):
    # (16 at the end − 4 new) / 10 at the start, though two of those ten left
    assert value(figures, "customer_retention_rate", "as_printed") == 1.2


def test_churn_as_printed_is_growth(figures):
    # (16 − 10) / 10, while 2 of 10 left
    assert value(figures, "customer_growth_rate") == 0.6
    assert value(figures, "customer_churn_rate") == 0.2


def test_other_bases_of_churn(figures):
    # two of all 10 + 5 + 3 + 1 who were customers in the period, or of the mean of 10 and 16
    assert value(figures, "customer_churn_rate", "lost_over_all") == pytest.approx(2 / 19)
    assert value(figures, "customer_churn_rate", "lost_over_average") == pytest.approx(2 / 13)


def test_winning_back_is_of_those_known_and_inactive(figures):
    assert value(figures, "winback_rate") == pytest.approx(5 / 9)


def test_taking_new_customers_off_the_start_lifts_retention_above_1(open_orders):
    # the note's example: 100 at the start, of whom 80 stay, and 20 new
    orders = [(f"old{n}", "2026-02-01", 1.0) for n in range(100)]
    orders += [(f"old{n}", "2026-05-01", 1.0) for n in range(80)]
    orders += [(f"new{n}", "2026-05-01", 1.0) for n in range(20)]
    book = open_orders(orders, "2026Q2", activity_window_days=90)
    names = ("opening_customers", "closing_customers", "new_customers", "customer_retention_rate")
    rows = measure(book, [], [book.catalogue.metrics[name] for name in names])
    found = rows[rows["period"] == "2026Q2"].set_index("metric")["value"]
    assert found["closing_customers"] / (found["opening_customers"] - found["new_customers"]) == 1.25
    assert found["customer_retention_rate"] == 0.8
    printed = book.catalogue.metrics["customer_retention_rate"].misprint
    assert "100 / 80 = 125%" in printed.en and "100 ÷ 80 = 125%" in printed.zh


def test_the_note_on_growth_says_what_churn_as_printed_would_give(open_orders):
    # 100 customers, all of whom stay, and 20 new: (120 − 100) / 100
    orders = [(f"c{n}", day, 1.0) for n in range(100) for day in ("2026-02-01", "2026-05-01")]
    orders += [(f"new{n}", "2026-05-01", 1.0) for n in range(20)]
    book = open_orders(orders, "2026Q2", activity_window_days=90)
    names = ("customer_growth_rate", "customer_churn_rate")
    rows = measure(book, [], [book.catalogue.metrics[name] for name in names])
    found = rows[rows["period"] == "2026Q2"].set_index("metric")["value"]
    assert found.tolist() == [0.2, 0.0]
    printed = book.catalogue.metrics["customer_growth_rate"].misprint
    assert "from 100 customers to 120 it gives +20%" in printed.en and "+20%" in printed.zh


@pytest.mark.parametrize(
    ("base", "en", "zh"),
    [
        ("orders", "who bought in the 90 days before.", "（此前90天内有购买）"),
        ("contracts", "who had a contract in force.", "（当时有有效合同）"),
        (
            "either",
            "who bought in the 90 days before or had a contract in force.",
            "（此前90天内有购买，或当时有有效合同）",
        ),
    ],
)
def test_the_definition_says_what_makes_a_customer(open_orders, base, en, zh):
    book = open_orders([("a", "2026-05-01", 1.0)], "2026Q2", customer_base=base, activity_window_days=90)
    for name in ("opening_customers", "closing_customers"):
        metric = book.catalogue.metrics[name]
        assert meaning_of(metric, book.setting_values, "en").endswith(en)
        assert zh in meaning_of(metric, book.setting_values, "zh")
