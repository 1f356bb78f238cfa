"""Why a customer left, and when he came back."""

from __future__ import annotations

import pandas as pd
import pytest

ORDERS = """order_id,customer_id,ordered_at,amount
1,stays_away,2026-01-10,10
2,comes_back,2026-01-10,10
3,comes_back,2026-03-01,10
4,comes_back,2026-04-01,10
5,leaves_twice,2026-01-10,10
6,leaves_twice,2026-03-01,10
7,same_day,2026-02-01,10
8,returns_goods,2026-01-10,10
9,returns_goods,2026-03-05,-10
"""
CONTRACTS = """contract_id,customer_id,starts_on,ends_on
k1,signs_again,2026-05-01,
k2,never_ran,2026-05-01,2026-05-01
"""
EXITS = """customer_id,exited_on,kind,reason,comment
stays_away,2026-02-01,voluntary,price,too dear
comes_back,2026-02-01,voluntary,delivery,
leaves_twice,2026-02-01,voluntary,delivery,
leaves_twice,2026-04-10,involuntary,payment default,
same_day,2026-02-01,,  ,
returns_goods,2026-02-01,,service,
signs_again,2026-02-01,voluntary,service,
never_ran,2026-02-01,voluntary,service,
"""


@pytest.fixture(scope="module")
def exits(open_company) -> pd.DataFrame:
    book = open_company({"orders": ORDERS, "contracts": CONTRACTS, "exits": EXITS}, "2026Q2")
    return book.ask("select * from exits order by customer_id, exited_on").set_index("customer_id")


def test_he_came_back_with_his_first_order_or_contract_after_it(exits):
    assert exits.loc["comes_back", "came_back_on"] == pd.Timestamp("2026-03-01")
    assert exits.loc["signs_again", "came_back_on"] == pd.Timestamp("2026-05-01")


def test_who_only_returned_goods_or_signed_what_never_ran_did_not_come_back(exits):
    assert exits.loc[["stays_away", "returns_goods", "never_ran"], "came_back_on"].isna().all()


def test_an_order_on_the_day_he_left_is_no_return(exits):
    assert pd.isna(exits.loc["same_day", "came_back_on"])


def test_of_two_exits_each_has_its_own_return(exits):
    first, second = exits.loc["leaves_twice", "came_back_on"]
    assert first == pd.Timestamp("2026-03-01")
    assert pd.isna(second)


def test_an_empty_reason_is_none(exits):
    assert pd.isna(exits.loc["same_day", "reason"])
    assert pd.isna(exits.loc["same_day", "kind"])
    assert exits.loc["stays_away", "comment"] == "too dear"
