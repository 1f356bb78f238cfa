"""Who held each customer of a window."""

from __future__ import annotations

import pytest

ORDERS = """order_id,customer_id,ordered_at,amount
1,stays,2025-02-10,10
2,handed,2025-02-10,10
3,comes,2026-05-20,10
4,late,2025-02-10,10
5,nobody,2025-02-10,10
6,lost,2025-02-10,10
7,prospect,2026-08-01,10
"""
ASSIGNMENTS = """customer_id,account_manager_id,assigned_from,assigned_until
stays,ann,2025-01-01,
handed,ann,2025-01-01,2026-05-15
handed,bob,2026-05-15,
comes,ann,2026-04-05,2026-05-15
comes,bob,2026-05-15,
late,cai,2026-05-01,2026-05-20
late,ann,2026-06-10,
lost,ann,2025-01-01,2026-04-01
prospect,bob,2026-02-01,
unheard,bob,2026-04-20,
"""


@pytest.fixture(scope="module")
def held(open_company) -> dict[str, dict[str, str]]:
    rows = open_company({"orders": ORDERS, "assignments": ASSIGNMENTS}, "2026Q2").ask(
        "select * from customer_holders"
    )
    assert not rows.duplicated(["period", "customer_id"]).any()
    return {
        period: dict(zip(part["customer_id"], part["account_manager_id"], strict=True))
        for period, part in rows.groupby("period")
    }


def test_a_customer_known_before_belongs_to_who_held_him_when_the_window_began(held):
    now = held["2026Q2"]
    assert now["stays"] == "ann"
    assert now["handed"] == "ann"  # handed over on 15 May, in the middle


def test_a_new_customer_belongs_to_who_held_him_when_he_was_first_seen(held):
    assert held["2026Q2"]["comes"] == "bob"  # first order on 20 May: ann had him as a prospect until the 15th


def test_a_customer_nobody_held_then_belongs_to_the_first_who_did_later_in_the_window(held):
    assert held["2026Q2"]["late"] == "cai"
    assert "late" not in held["2026Q1"]


def test_a_customer_whom_nobody_holds_in_the_window_is_not_there(held):
    assert "nobody" not in held["2026Q2"]
    assert "lost" not in held["2026Q2"]  # until 31 March
    assert held["2026Q1"]["lost"] == "ann"


def test_a_prospect_has_a_manager_before_his_first_order(held):
    assert held["2026Q2"]["prospect"] == "bob"  # orders in August only, and is held since February
    assert held["2026Q2"]["unheard"] == "bob"  # never ordered at all
