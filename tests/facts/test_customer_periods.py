"""Who was a customer when: one row for each customer and window."""

from __future__ import annotations

import pandas as pd
import pytest

ORDERS = [
    # activity window 90 days; the quarter is 2026Q2, 1 April to 30 June
    ("stays", "2026-01-15", 10.0),  # active on 1 April (75 days before)
    ("stays", "2026-05-10", 20.0),
    ("lost", "2026-01-10", 40.0),  # active on 1 April (81 days), not on 1 July
    ("returned", "2025-06-01", 5.0),  # inactive on 1 April, back in June
    ("returned", "2026-06-01", 5.0),
    ("new", "2026-05-01", 30.0),
    ("edge_in", "2026-01-01", 1.0),  # exactly 90 days before 1 April: still active
    ("edge_out", "2025-12-31", 1.0),  # 91 days before: not
    ("first_day", "2026-04-01", 7.0),  # ordered at the boundary: new in this quarter
    ("later", "2026-07-01", 9.0),  # ordered at the end instant: belongs to the next quarter
]


@pytest.fixture(scope="module")
def customers(open_orders) -> pd.DataFrame:
    book = open_orders(ORDERS, "2026Q2", activity_window_days=90)
    rows = book.ask("select * from customer_periods where period = '2026Q2'")
    return rows.set_index("customer_id")


def having(customers: pd.DataFrame, flag: str) -> set[str]:
    return set(customers.index[customers[flag]])


def test_opening_and_closing_are_the_active_at_the_two_instants(customers):
    assert having(customers, "is_opening") == {"stays", "lost", "edge_in"}
    # closing looks back from 1 July to 2 April: the order of 1 April is one day too old
    assert having(customers, "is_closing") == {"stays", "returned", "new"}


def test_new_returned_and_lost(customers):
    assert having(customers, "is_new") == {"new", "first_day"}
    assert having(customers, "is_returned") == {"returned"}
    assert having(customers, "is_lost") == {"lost", "edge_in"}
    assert having(customers, "came_and_went") == {"first_day"}


def test_the_population_adds_up(customers):
    opening, closing = customers["is_opening"].sum(), customers["is_closing"].sum()
    new, went = customers["is_new"].sum(), customers["came_and_went"].sum()
    assert opening + (new - went) + customers["is_returned"].sum() - customers["is_lost"].sum() == closing


def test_nobody_is_known_before_he_was_seen(customers):
    assert "later" not in customers.index
    assert customers["is_known"].all()


def test_money_falls_into_its_windows(customers):
    stays = customers.loc["stays"]
    assert (stays["orders"], stays["net_revenue"], stays["net_revenue_to_date"]) == (1, 20.0, 30.0)
    assert stays["previous_revenue"] == 10.0  # 2026Q1
    assert customers.loc["returned", "year_ago_revenue"] == 5.0  # 2025Q2
    assert customers.loc["lost", "year_before_revenue"] == 40.0


def test_a_return_lowers_revenue_and_makes_nobody_active(open_orders):
    book = open_orders(
        [("a", "2025-06-01", 50.0), ("a", "2026-05-01", -20.0)], "2026Q2", activity_window_days=90
    )
    [row] = book.ask("select * from customer_periods where period = '2026Q2'").to_dict("records")
    assert row["net_revenue"] == -20.0
    assert row["orders"] == 0
    assert not row["is_closing"] and not row["is_buyer"]


def test_the_companys_own_acquisition_date_decides_who_is_new(open_orders, tmp_path):
    (tmp_path / "customers.csv").write_text("customer,since\nold,2020-02-03\nlead,2026-05-05\n")
    table = {
        "customers": {
            "file": str(tmp_path / "customers.csv"),
            "columns": {"customer_id": "customer", "acquired_on": "since"},
        }
    }
    orders = [("old", "2026-05-01", 10.0), ("plain", "2026-05-02", 10.0)]
    book = open_orders(orders, "2026Q2", table)
    rows = book.ask("select * from customer_periods where period = '2026Q2'").set_index("customer_id")
    assert set(rows.index[rows["is_new"]]) == {
        "plain",
        "lead",
    }  # the order of `old` is merely the first in the file
    assert rows.loc["old", "is_returned"]
    assert rows.loc["lead", "came_and_went"]  # acquired, never active

    by_order = open_orders(orders, "2026Q2", table, new_customers_by="first_order")
    rows = by_order.ask("select * from customer_periods where period = '2026Q2'").set_index("customer_id")
    assert set(rows.index[rows["is_new"]]) == {"old", "plain"}
    assert "lead" not in rows.index


def test_value_bands_are_thirds_and_ties_go_by_id(open_orders):
    orders = [(name, "2026-02-01", 10.0) for name in "abcdef"]
    book = open_orders([*orders, ("z", "2026-05-01", 99.0)], "2026Q2")
    rows = book.ask("select * from customer_periods where period = '2026Q2'").set_index("customer_id")[
        "value_band"
    ]
    assert rows.to_dict() == {
        "a": "high", "b": "high", "c": "middle", "d": "middle", "e": "low", "f": "low", "z": "none",
    }  # fmt: skip
