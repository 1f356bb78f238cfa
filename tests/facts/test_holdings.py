"""Who held which customer on which day."""

from __future__ import annotations

import pandas as pd
import pytest

ORDERS = "order_id,customer_id,ordered_at,amount\n1,one,2026-04-10,10\n"
MANAGERS = """account_manager_id,account_manager_name,team
ann,Ann,north
bob,Bob,south
"""
ASSIGNMENTS = """customer_id,account_manager_id,assigned_from,assigned_until
one,ann,2026-01-01,2026-05-15
one,bob,2026-05-15,
overlap,ann,2026-01-01,2026-06-01
overlap,bob,2026-05-01,2026-08-01
standin,ann,2026-01-01,
standin,bob,2026-03-01,2026-04-01
gap,ann,2026-01-01,2026-02-01
gap,cai,2026-04-01,2026-05-01
again,ann,2026-01-01,2026-02-01
again,ann,2026-02-01,2026-03-01
never,ann,2026-03-01,2026-03-01
"""
OPEN = "9999-12-31"


@pytest.fixture(scope="module")
def holdings(open_company) -> pd.DataFrame:
    tables = {"orders": ORDERS, "account_managers": MANAGERS, "assignments": ASSIGNMENTS}
    rows = open_company(tables, "2026Q2").ask("select * from holdings order by customer_id, held_from")
    return rows.assign(held_from=rows["held_from"].astype(str), held_until=rows["held_until"].astype(str))


def spans(holdings: pd.DataFrame, customer: str) -> list[tuple[str, str, str]]:
    rows = holdings[holdings["customer_id"] == customer]
    return list(rows[["account_manager_id", "held_from", "held_until"]].itertuples(index=False, name=None))


def test_a_customer_who_is_handed_over_belongs_to_the_new_one_from_that_day(holdings):
    assert spans(holdings, "one") == [("ann", "2026-01-01", "2026-05-15"), ("bob", "2026-05-15", OPEN)]


def test_of_two_at_once_the_one_who_began_last_holds(holdings):
    assert spans(holdings, "overlap") == [
        ("ann", "2026-01-01", "2026-05-01"),
        ("bob", "2026-05-01", "2026-08-01"),
    ]


def test_when_a_stand_in_goes_the_customer_is_the_first_ones_again(holdings):
    assert spans(holdings, "standin") == [
        ("ann", "2026-01-01", "2026-03-01"),
        ("bob", "2026-03-01", "2026-04-01"),
        ("ann", "2026-04-01", OPEN),
    ]


def test_nobody_holds_a_customer_in_a_gap(holdings):
    assert spans(holdings, "gap") == [
        ("ann", "2026-01-01", "2026-02-01"),
        ("cai", "2026-04-01", "2026-05-01"),
    ]


def test_two_spans_of_one_manager_that_meet_are_one(holdings):
    assert spans(holdings, "again") == [("ann", "2026-01-01", "2026-03-01")]


def test_an_assignment_that_ends_on_its_first_day_holds_nobody(holdings):
    assert spans(holdings, "never") == []


def test_a_span_bears_its_managers_team_where_the_table_has_him(holdings):
    teams = holdings.groupby("account_manager_id")["account_team"].unique().map(list)
    assert teams["ann"] == ["north"] and teams["bob"] == ["south"]
    assert holdings.loc[holdings["account_manager_id"] == "cai", "account_team"].isna().all()


def test_no_day_of_a_customer_is_two_managers(holdings):
    ordered = holdings.sort_values(["customer_id", "held_from"])
    until = ordered.groupby("customer_id")["held_until"].shift()
    assert (ordered["held_from"] >= until.fillna("")).all()
    assert (ordered["held_from"] < ordered["held_until"]).all()
