"""Which team dealt with a customer before a window began."""

from __future__ import annotations

import pytest

ORDERS = "order_id,customer_id,ordered_at,amount\n1,a,2025-01-10,10\n2,a,2026-05-10,10"
TICKETS = """ticket_id,customer_id,opened_at,agent_id,team
1,a,2026-01-10 09:00,x,
2,a,2026-03-31 09:00,y,
3,b,2026-02-10 09:00,,Own
4,b,2026-04-01 09:00,x,
5,c,2025-12-31 09:00,x,
6,d,2026-02-10 09:00,,
7,,2026-02-10 09:00,x,
"""
AGENTS = "agent_id,team\nx,North\ny,South"


@pytest.fixture(scope="module")
def served(open_company) -> dict[str, dict[str, str]]:
    book = open_company({"orders": ORDERS, "tickets": TICKETS, "agents": AGENTS}, "2026Q2")
    rows = book.ask("select * from customer_served")
    assert not rows.duplicated(["period", "customer_id"]).any()
    return {
        period: dict(zip(part["customer_id"], part["served_by"], strict=True))
        for period, part in rows.groupby("period")
    }


def test_the_last_case_of_the_period_before_says_the_team(served):
    # a's last case of the first quarter was South's; what b had in April is of the quarter itself
    assert served["2026Q2"] == {"a": "South", "b": "Own"}


def test_each_window_looks_at_the_one_before_it(served):
    assert served["2026Q1"] == {"c": "North"}


def test_a_rate_of_customers_is_told_apart_by_it(open_company):
    from analysis.suite.everything import kpis_by

    book = open_company({"orders": ORDERS, "tickets": TICKETS, "agents": AGENTS}, "2026Q2")
    kpis = kpis_by(book, "served_by", [book.catalogue.metrics["buyers"]])
    now = kpis[kpis["period"].eq("2026Q2") & kpis["by"].notna()].set_index("group")["value"]
    assert now.to_dict() == {"South": 1.0}
