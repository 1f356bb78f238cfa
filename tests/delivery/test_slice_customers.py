"""Which customers a letter names, and what it tells of them."""

from __future__ import annotations

import pandas as pd

from analysis.delivery.slice_customers import (
    CUSTOMER_COLUMNS,
    OF_ORDERS,
    are_orders_withheld,
    handed_over,
    slice_customers,
)
from analysis.delivery.slices import Slice
from analysis.delivery.suppression import MANAGER, TEAM


def test_a_manager_sees_the_customers_he_holds_at_the_end_and_what_they_call_for(sliced, five_managers):
    rows = slice_customers(sliced, Slice(MANAGER, "B")).set_index("customer_id")
    assert set(rows.index) == set(five_managers.customers_of("B")) - {"b01"}
    assert rows["open_complaints"].to_dict() == dict.fromkeys(rows.index, 0) | {"b05": 1}
    due = rows[rows["contract_due_on"].notna()]
    assert list(due.index) == ["b08"]  # b09 has renewed, b10 is due in December
    assert due.loc["b08", "contract_value"] == 1200
    assert {"b01", "new"} <= set(slice_customers(sliced, Slice(MANAGER, "C"))["customer_id"])


def test_contracts_and_complaints_are_those_of_the_windows_end_and_the_92_days_after(sliced):
    rows = slice_customers(sliced, Slice(MANAGER, "E")).set_index("customer_id")
    due = rows[rows["contract_due_on"].notna()]
    # e06 has two, of which the first is due on 1 July; e07's is due on the last of 92 days, e08's a day later.
    assert {one: pd.Timestamp(day) for one, day in due["contract_due_on"].items()} == {
        "e06": pd.Timestamp("2024-07-01"), "e07": pd.Timestamp("2024-09-30"),
    }  # fmt: skip
    assert due["contract_value"].to_dict() == {"e06": 150, "e07": 10}
    # e10 has one from May and one of the last hour; e11's was resolved on the last day.
    assert rows.loc[rows["open_complaints"] > 0, "open_complaints"].to_dict() == {"e10": 2}


def test_a_list_begins_with_what_is_most_urgent(sliced):
    rows = slice_customers(sliced, Slice(MANAGER, "E"))
    assert rows["is_overdue"].is_monotonic_decreasing
    calm = rows[~rows["is_overdue"]]
    assert list(calm["customer_id"].head(3)) == ["e06", "e07", "e10"]
    assert calm["predicted_clv"].iloc[3:].is_monotonic_decreasing


def test_lists_of_customers_tell_nothing_they_brought_in_the_window(sliced):
    for wanted in (Slice(MANAGER, "B"), Slice(TEAM, "north")):
        assert list(slice_customers(sliced, wanted).columns) == CUSTOMER_COLUMNS
    assert not {"net_revenue", "net_revenue_to_date", "orders", "is_closing", "is_lost"} & set(
        CUSTOMER_COLUMNS
    )


def test_a_teams_list_has_only_those_for_whom_something_is_to_be_done(sliced, five_managers):
    rows = slice_customers(sliced, Slice(TEAM, "north"))
    assert {"b05", "b08"} <= set(rows["customer_id"])
    assert (rows["is_overdue"] | rows["contract_due_on"].notna() | (rows["open_complaints"] > 0)).all()
    assert len(rows) < five_managers.held["A"] + five_managers.held["B"] - 1
    assert set(rows["account_manager"]) <= {"A", "B"}


def test_customers_taken_over_from_others_are_counted_without_new_ones(sliced):
    assert handed_over(sliced, Slice(MANAGER, "B")) == (0, 1)
    assert handed_over(sliced, Slice(MANAGER, "C")) == (1, 0)  # the new customer had nobody before
    assert handed_over(sliced, Slice(TEAM, "south")) == (1, 0)
    # e19, whom C handed on when the quarter began, is E's from its first day
    assert handed_over(sliced, Slice(MANAGER, "E")) == (0, 0)


def test_last_orders_that_would_tell_withheld_figures_are_left_out(sliced):
    """C's retention and revenue are withheld with D's; from last orders anybody could count who of C's was lost."""
    rows = slice_customers(sliced, Slice(MANAGER, "C"))
    assert len(rows) == 18 and are_orders_withheld(sliced, rows)  # c01 … c16, b01 and the new one
    assert rows.loc[~rows["is_overdue"], OF_ORDERS].isna().all(axis=None)
    assert rows.loc[rows["is_overdue"], "last_order_on"].lt(pd.Timestamp("2024-04-01")).all()


def test_last_orders_are_told_of_whoever_has_figures(sliced):
    rows = slice_customers(sliced, Slice(MANAGER, "A"))
    days = rows.set_index("customer_id")["last_order_on"].map(pd.Timestamp)
    lost = {"a01": pd.Timestamp("2024-02-15"), "a02": pd.Timestamp("2024-02-15")}
    assert days.to_dict() == dict.fromkeys(days.index, pd.Timestamp("2024-05-15")) | lost
    assert not are_orders_withheld(sliced, rows) and rows["predicted_clv"].notna().all()


def test_in_a_teams_list_it_goes_by_each_customers_manager(sliced):
    rows = slice_customers(sliced, Slice(TEAM, "south"))
    hidden = rows["account_manager"].isin(["C", "D"]) & ~rows["is_overdue"]
    assert rows.loc[hidden, OF_ORDERS].isna().all(axis=None)
    assert rows.loc[~hidden, "last_order_on"].notna().all()
