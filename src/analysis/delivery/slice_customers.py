"""The customers a letter names: those a manager holds, those of a team for whom something is to be done.

They are held at the window's end, and shown without what they brought in the window: a list of that would add up to a
figure that may be withheld. So would a list of their last orders, which tell who bought in the window and who was lost:
where a manager's figures of orders are withheld, only his customers who are overdue have theirs.

What this cannot do: who holds which customers, and for whom something is to be done, is told to whoever has the list.
"""

from __future__ import annotations

from datetime import timedelta

import pandas as pd

from analysis.delivery.slice_metrics import CUSTOMERS, marks_of, slice_metrics
from analysis.delivery.slices import Slice, check_slice
from analysis.delivery.suppression import MANAGER, TEAM
from analysis.delivery.withheld import withheld_figures
from analysis.report.findings import overdue_customers
from analysis.suite import Results

DAYS_AHEAD = 92
"""Contracts that fall due within so many days after the window are listed."""
CUSTOMER_COLUMNS = [
    "customer_id", "customer_name", "account_manager", "last_order_on", "days_since_last_order", "predicted_clv",
    "churn_score", "is_overdue", "contract_due_on", "contract_value", "open_complaints",
]  # fmt: skip

OF_ORDERS = ["last_order_on", "days_since_last_order", "predicted_clv", "churn_score"]
"""What follows from the days of a customer's orders."""

_HELD = """
select customer_id, cast(account_manager_id as varchar) as account_manager
from holdings
where cast({column} as varchar) = $wanted and held_from < $ends_on and held_until >= $ends_on
"""
_DUE = """
select customer_id, min(due_on) as contract_due_on, sum(yearly_value) as contract_value
from contracts
where due_on >= $ends_on and due_on < $until and renewed_on is null
group by customer_id
"""
_COMPLAINTS = """
select customer_id, count(*) as open_complaints
from tickets
where is_complaint and opened_on < $ends_on and (resolved_on is null or resolved_on >= $ends_on)
group by customer_id
"""


def slice_customers(results: Results, wanted: Slice) -> pd.DataFrame:
    """One row for each customer a manager holds at the window's end; of a team, those that call for something.

    Returns
    -------
    DataFrame
        ``CUSTOMER_COLUMNS``: valuable customers overdue first, then contracts that fall due, the earliest first, then
        open complaints. A team's list leaves out customers nothing is to be done for: all of them together would
        tell what its managers' figures come to. ``OF_ORDERS`` are missing of customers not overdue whose manager's
        figures of orders are withheld.

    Raises
    ------
    SliceError
        If there is no such group.
    """
    check_slice(results, wanted)
    book, column = results.book, results.book.catalogue.dimensions[wanted.dimension].column_name
    ends_on = book.window.end
    held = book.ask(_HELD.format(column=column), wanted=wanted.group, ends_on=ends_on)
    due = book.ask(_DUE, ends_on=ends_on, until=ends_on + timedelta(days=DAYS_AHEAD))
    complaints = book.ask(_COMPLAINTS, ends_on=ends_on)
    rows = held.merge(_values(results), on="customer_id", how="left")
    rows = rows.merge(due, on="customer_id", how="left").merge(complaints, on="customer_id", how="left")
    rows = rows.assign(
        customer_name=rows["customer_name"].fillna(rows["customer_id"]),
        is_overdue=rows["is_overdue"].eq(True), open_complaints=rows["open_complaints"].fillna(0).astype(int),
    )  # fmt: skip
    if wanted.dimension == TEAM:
        rows = rows[rows["is_overdue"] | rows["contract_due_on"].notna() | rows["open_complaints"].gt(0)]
    rows[OF_ORDERS] = rows[OF_ORDERS].mask(_is_of_withheld_orders(results, rows))
    order = ["is_overdue", "contract_due_on", "open_complaints", "predicted_clv", "customer_id"]
    rows = rows.sort_values(
        order, ascending=[False, True, False, False, True], na_position="last", kind="stable"
    )
    return rows[CUSTOMER_COLUMNS].reset_index(drop=True)


def are_orders_withheld(results: Results, customers: pd.DataFrame) -> bool:
    """Whether there are customers among these whose last orders are left out."""
    return bool(_is_of_withheld_orders(results, customers).any())


def _is_of_withheld_orders(results: Results, customers: pd.DataFrame) -> pd.Series:
    return ~customers["is_overdue"] & customers["account_manager"].isin(_managers_withheld(results))


def _managers_withheld(results: Results) -> set[str]:
    """Managers of whom a figure is withheld in the run's window that the days of orders would tell."""
    telling = {(CUSTOMERS, "is_order"), (CUSTOMERS, "is_closing")}
    told = {
        (metric.id, metric.variant)
        for metric in slice_metrics(results, MANAGER)
        if marks_of(results.book, metric) & telling
    }
    hidden = withheld_figures(results, results.book.window.label)
    return {group for *key, by, group in hidden if by == MANAGER and tuple(key) in told}


def _values(results: Results) -> pd.DataFrame:
    customers = results.customers
    overdue = set(overdue_customers(customers)["customer_id"]) if len(customers) else set()
    kept = [name for name in CUSTOMER_COLUMNS if name in customers.columns]
    return customers[kept].assign(is_overdue=customers["customer_id"].isin(overdue))


_HANDED = """
select
  count(case when ended = $wanted and began <> $wanted then 1 end) as taken_over,
  count(case when began = $wanted and ended <> $wanted then 1 end) as handed_on
from (
  select
    customer_id,
    max(case when held_from <= $starts_on and held_until > $starts_on then cast({column} as varchar) end) as began,
    max(case when held_from < $ends_on and held_until >= $ends_on then cast({column} as varchar) end) as ended
  from holdings
  group by customer_id
) own
"""


def handed_over(results: Results, wanted: Slice) -> tuple[int, int]:
    """How many customers a group took over from others, and handed on to others, within the window.

    New customers are left out: with them, it would tell a number of new customers that may be withheld.
    """
    column = results.book.catalogue.dimensions[wanted.dimension].column_name
    window = results.book.window
    asked = results.book.ask(
        _HANDED.format(column=column), wanted=wanted.group, starts_on=window.start, ends_on=window.end
    )
    return int(asked["taken_over"].iloc[0]), int(asked["handed_on"].iloc[0])
