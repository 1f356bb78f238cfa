"""What is open at the end of each window, where it stands, and what it may bring."""

from __future__ import annotations

import pandas as pd
import pytest

# Of those closed by 30 June, a was won and b, c, d lost: 1 of 4. All four had reached lead, a and b offer: 1 of 2.
# By 31 March only b and c had closed, both lost: 0 of 2, and 0 of 1 of those that reached offer.
LEADS = """opportunity_id,customer_id,created_at,closed_at,outcome,stage,value
a,kit,2026-01-01,2026-04-10,won,offer,1000
b,kit,2026-01-01,2026-02-01,lost,offer,100
c,,2026-01-01,2026-03-31,lost,lead,
d,,2026-04-01,2026-06-30,lost,lead,100
in_offer,kit,2026-05-01,,,anything,400
in_lead,,2026-06-30,,,,200
went_back,,2026-05-01,,,,600
in_signing,,2026-05-01,2026-07-01,won,signing,80
unknown_stage,,2026-05-01,,,by its record,40
no_value,,2026-05-01,,,offer,
undated,,2026-01-01,,lost,lead,100
next_quarter,,2026-07-01,,,lead,100
"""
ENTRIES = """opportunity_id,stage,stage_number,entered_at
a,lead,1,2026-01-01
a,offer,2,2026-02-01
b,lead,1,2026-01-01
b,offer,2,2026-01-10
c,lead,1,2026-01-01
d,lead,1,2026-04-01
in_offer,lead,1,2026-05-01
in_offer,offer,2,2026-06-30
in_offer,signing,3,2026-07-01
in_lead,lead,1,2026-06-30
went_back,lead,1,2026-05-01
went_back,offer,2,2026-05-10
went_back,lead,1,2026-05-20
in_signing,lead,1,2026-05-01
in_signing,signing,3,2026-05-02
no_value,offer,2,2026-05-01
"""


@pytest.fixture(scope="module")
def book(open_company):
    return open_company({"opportunities": LEADS, "stage_entries": ENTRIES}, "2026Q2")


def open_at_end_of(book, period: str) -> pd.DataFrame:
    rows = book.ask("select * from pipeline where period = $wanted", wanted=period)
    return rows.set_index("opportunity_id")


def test_open_is_what_is_created_and_not_closed_by_the_last_day(book):
    now = open_at_end_of(book, "2026Q2")
    assert set(now.index) == {"in_offer", "in_lead", "went_back", "in_signing", "unknown_stage", "no_value"}
    before = open_at_end_of(book, "2026Q1")
    assert set(before.index) == {
        "a"
    }  # c closed on the last day of March; an end without a day is in no window


def test_the_stage_is_the_one_last_entered_by_then_else_that_of_the_record(book):
    now = open_at_end_of(book, "2026Q2")
    assert now["stage"].to_dict() == {
        "in_offer": "offer", "in_lead": "lead", "went_back": "lead", "in_signing": "signing",
        "unknown_stage": "by its record", "no_value": "offer",
    }  # fmt: skip
    assert now["stage_number"].dropna().to_dict() == {
        "in_offer": 2, "in_lead": 1, "went_back": 1, "in_signing": 3, "no_value": 2,
    }  # fmt: skip


def test_a_value_is_weighted_with_the_share_won_of_those_that_had_reached_its_stage(book):
    now = open_at_end_of(book, "2026Q2")
    # signing, which a has passed by winning: 1 of 1; the unknown stage: 1 of 4 of all closed
    assert now["stage_win_rate"].to_dict() == pytest.approx({
        "in_offer": 0.5, "no_value": 0.5, "in_lead": 0.25, "went_back": 0.25, "in_signing": 1.0, "unknown_stage": 0.25,
    })  # fmt: skip
    assert now["weighted_value"].dropna().to_dict() == pytest.approx({
        "in_offer": 200.0, "in_lead": 50.0, "went_back": 150.0, "in_signing": 80.0, "unknown_stage": 10.0,
    })  # fmt: skip


def test_an_earlier_window_knows_only_what_had_closed_by_its_own_end(book):
    [row] = open_at_end_of(book, "2026Q1").to_dict("records")
    assert (row["stage"], row["stage_win_rate"], row["weighted_value"]) == ("offer", 0.0, 0.0)


def test_where_nothing_has_closed_the_share_won_is_unknown(open_company):
    leads = "opportunity_id,created_at,value\nx,2026-05-01,100\n"
    [row] = open_at_end_of(open_company({"opportunities": leads}, "2026Q2"), "2026Q2").to_dict("records")
    assert row["value"] == 100 and pd.isna(row["stage_win_rate"]) and pd.isna(row["weighted_value"])


def test_without_stage_entries_the_record_tells_the_stage_of_what_is_still_open(open_company):
    book = open_company({"opportunities": LEADS}, "2026Q2")
    now = open_at_end_of(book, "2026Q2")
    assert now.loc["in_offer", "stage"] == "anything"
    assert now["stage_win_rate"].unique().tolist() == [0.25]  # all closed
    # what the record says of a is from after the end of March
    assert pd.isna(open_at_end_of(book, "2026Q1").loc["a", "stage"])


def test_a_name_of_a_stage_may_hold_anything(open_company):
    stage = "the 'big' 报价 🚀"
    leads = f"opportunity_id,created_at,stage,value\nx,2026-05-01,{stage},100\n"
    now = open_at_end_of(open_company({"opportunities": leads}, "2026Q2"), "2026Q2")
    assert now.loc["x", "stage"] == stage


def test_each_open_one_is_there_once_in_a_window_with_its_traits(open_company):
    leads = """opportunity_id,customer_id,created_at,acquisition_channel,product_id,account_manager_id
x,kit,2026-02-01,fair,p1,
"""
    twice = "opportunity_id,stage,stage_number,entered_at\nx,lead,1,2026-02-01\nx,offer,1,2026-02-01\n"
    assigned = "customer_id,account_manager_id,assigned_from\nkit,ann,2026-01-01\nkit,bob,2026-04-01\n"
    managers = "account_manager_id,team\nann,north\nbob,south\n"
    tables = {"opportunities": leads, "stage_entries": twice, "assignments": assigned}
    book = open_company(tables | {"account_managers": managers}, "2026Q2")
    rows = book.ask("select * from pipeline where period in ('2026Q1', '2026Q2')")
    assert len(rows) == 2 and not rows.duplicated(["period", "opportunity_id"]).any()
    traits = [
        "customer_id",
        "acquisition_channel",
        "product_id",
        "account_manager_id",
        "account_team",
        "stage",
    ]
    # held by ann when it was created; of two stages entered at once with one number the first by name
    assert rows[traits].drop_duplicates().to_numpy().tolist() == [
        ["kit", "fair", "p1", "ann", "north", "lead"]
    ]
