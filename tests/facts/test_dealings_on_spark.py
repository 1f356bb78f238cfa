"""Who is a customer, his contracts, exits, actions and dealings are the same on Spark."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

pytestmark = pytest.mark.slow

TABLES = {
    "orders": """order_id,customer_id,ordered_at,amount,category
1,stays,2026-02-01,10,coffee
2,stays,2026-05-01,20,
3,stays,2026-05-02,-5,
4,leaves,2026-02-01,10,
5,comes,2026-05-05,10,machines
6,comes_back,2025-06-01,10,
7,comes_back,2026-06-15,10,
""",
    "order_lines": """order_id,line,product_id,quantity,amount,category
2,1,p1,1,5,
2,2,unknown,2,15,water
2,3,p2,-1,-5,
""",
    "products": "product_id,category\np1,coffee\np2,paper\n",
    "customers": "customer_id,acquired_on,region,acquisition_cost\nstays,2025-01-01,north,5.5\nsigns,,south,\n",
    "contracts": """contract_id,customer_id,starts_on,ends_on,due_on,renewed_on,yearly_value,product_id
k1,stays,2025-05-01,2026-05-01,,2026-05-31,100,p1
k2,leaves,2025-05-01,2026-04-15,2026-05-01,,200,p1
k3,signs,2026-05-01,,,,,
k4,never_ran,2026-05-01,2026-05-01,,,1,
""",
    "exits": """customer_id,exited_on,kind,reason,comment
leaves,2026-02-10,voluntary,price,too dear
leaves,2026-05-10,voluntary,delivery, 
comes_back,2025-07-01,involuntary,,
""",
    "referrals": """referral_id,customer_id,referred_customer_id,referred_on
r1,stays,comes,2026-05-01
r2,leaves,leaves,2026-05-01
r3,signs,,2026-03-01
""",
    "contacts": """contact_id,customer_id,started_at,direction,outcome
c1,comes_back,2026-05-01 10:00,outbound,answered
c2,leaves,2026-05-01 10:00,outbound,failed
""",
    "assignments": "customer_id,account_manager_id,assigned_from,assigned_until\nleaves,ann,2026-01-01,\n",
    "account_managers": "account_manager_id,account_manager_name,team\nann,Ann,north\n",
    "actions": """action_id,kind,measure,account_manager_id,customer_id,planned_on,due_on,done_on
a1,action,offer,,leaves,2026-04-01,2026-05-01,2026-05-01
a2,milestone,,ann,,2026-04-01,2026-07-01,
""",
}
FACTS = (
    "customers", "customer_periods", "customer_contracts", "customer_dealings", "contracts", "exits", "actions",
)  # fmt: skip


def rows_of(book: Any, fact: str) -> pd.DataFrame:
    rows = book.ask(f"select * from {fact}")
    return rows.sort_values(list(rows.columns), na_position="first").reset_index(drop=True)


@pytest.fixture(scope="module")
def books(open_company, spark) -> list[Any]:
    own = {"customer_base": "either", "sparkline_periods": 2, "activity_window_days": 90}
    return [
        open_company(TABLES, "2026Q2", **own, **engine) for engine in ({}, {"engine": spark.model_dump()})
    ]


@pytest.mark.parametrize("fact", FACTS)
def test_every_row_is_the_same_on_both(books, fact):
    on_duckdb, on_spark = (rows_of(book, fact) for book in books)
    assert len(on_duckdb) > 1
    pd.testing.assert_frame_equal(on_spark, on_duckdb, check_dtype=False, rtol=1e-9)
