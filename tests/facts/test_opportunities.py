"""What became of each opportunity, as known before the cut, and whose it is."""

from __future__ import annotations

import pandas as pd
import pytest

# The run's cut is 1 July 2026: nothing of July is known. 1 January and 90 days are 1 April.
LEADS = """opportunity_id,customer_id,created_at,closed_at,outcome,stage,value,lost_reason
won,kit,2026-01-05T10:00:00,2026-02-14T09:00:00,won,signing,500,
same_day,kit,2026-01-05T10:00:00,2026-01-05T09:00:00,won,signing,100,
last_day,,2026-01-01T10:00:00,2026-04-01T23:59:00,won,signing,,
day_after,,2026-01-01T10:00:00,2026-04-02T00:00:00,won,signing,200,
before,kit,2026-01-05T10:00:00,2026-01-04T10:00:00,won,signing,300,ignored
lost,ann's 😀,2026-01-05T10:00:00,2026-01-20T10:00:00,lost,"the ""big"" one's 报价 🚀",400,price
open,,2026-03-01T10:00:00,,,lead,50,
expected,,2026-03-01T10:00:00,2026-06-01T10:00:00,,lead,60,
running,,2026-04-02T10:00:00,2026-06-30T10:00:00,won,signing,70,
over,,2026-04-01T10:00:00,,,lead,80,
later,,2026-03-01T10:00:00,2026-07-01T00:00:00,lost,lead,90,price
undated_won,,2026-01-05T10:00:00,,won,signing,10,
undated_lost,,2026-01-05T10:00:00,,lost,lead,10,price
not_yet,,2026-07-01T00:00:00,,,lead,10,
"""


@pytest.fixture(scope="module")
def leads(open_company) -> pd.DataFrame:
    book = open_company({"opportunities": LEADS}, "2026Q2")
    return book.ask("select * from opportunities").set_index("opportunity_id")


def test_each_lead_of_before_the_cut_has_a_row_with_what_was_known_then(leads):
    assert set(leads.index) == {line.split(",")[0] for line in LEADS.splitlines()[1:]} - {"not_yet"}
    states = leads[["is_won", "is_lost", "is_open"]]
    assert (states.sum(axis=1) == 1).all()
    assert set(states.index[states["is_open"]]) == {"open", "expected", "over", "later"}
    assert set(states.index[states["is_lost"]]) == {"lost", "undated_lost"}


def test_what_is_open_has_no_day_value_or_reason_of_an_end(leads):
    ends = ["closed_at", "closed_on", "outcome", "won_value", "lost_reason", "cycle_days"]
    assert leads.loc[leads["is_open"], ends].isna().all(axis=None)


def test_only_what_was_won_has_won_value_and_only_what_was_lost_a_reason(leads):
    assert leads["won_value"].dropna().to_dict() == {
        "won": 500, "same_day": 100, "day_after": 200, "before": 300, "running": 70, "undated_won": 10,
    }  # fmt: skip
    assert leads["lost_reason"].dropna().to_dict() == {"lost": "price", "undated_lost": "price"}


def test_the_cycle_is_whole_calendar_days_from_creation_to_winning(leads):
    # 5 January to 14 February: 26 + 14; won in the morning of a day and entered at ten o'clock: 0; won the day before
    # it was created: none
    assert leads["cycle_days"].dropna().to_dict() == {
        "won": 40, "same_day": 0, "last_day": 90, "day_after": 91, "running": 89,
    }  # fmt: skip


def test_a_lead_is_converted_if_won_by_the_last_day_of_its_window(leads):
    converted = leads["is_won_in_window"]
    assert converted.dropna().to_dict() == {
        "won": True, "same_day": True, "before": True, "last_day": True, "day_after": False, "lost": False,
        "open": False, "expected": False, "later": False, "over": False, "undated_lost": False,
    }  # fmt: skip
    # `over` was created on 1 April: its window ends on 30 June, the last day known; that of `running` a day later
    assert str(leads.loc["over", "conversion_window_ends_on"])[:10] == "2026-06-30"
    assert set(converted.index[converted.isna()]) == {"running", "undated_won"}


def test_the_setting_says_how_long_the_window_is(open_company):
    book = open_company({"opportunities": LEADS}, "2026Q2", lead_conversion_days=91)
    converted = book.ask("select * from opportunities").set_index("opportunity_id")["is_won_in_window"]
    assert converted["day_after"] and pd.isna(converted["over"])


def test_names_of_any_kind_are_kept_as_they_are(leads):
    assert leads.loc["lost", "stage"] == 'the "big" one\'s 报价 🚀'
    assert leads.loc["lost", "customer_id"] == "ann's 😀"


def test_of_a_reopened_lead_the_last_record_tells(open_orders):
    """A log of changes is read by its last row, so that an earlier loss leaves nothing."""
    names = ("opportunity_id", "created_at", "closed_at", "outcome", "changed")
    log = [
        ("x", "2026-04-01", "2026-04-20", "lost", "1"),
        ("x", "2026-04-01", None, None, "2"),
        ("x", "2026-04-01", "2026-05-11", "won", "3"),
    ]
    source = {"rows": [dict(zip(names, row, strict=True)) for row in log], "columns": {n: n for n in names[:4]},
              "keep_last_per": "opportunity_id", "in_order_of": "changed"}  # fmt: skip
    book = open_orders([("kit", "2026-05-01", 1)], "2026Q2", {"opportunities": source})
    [row] = book.ask("select * from opportunities").to_dict("records")
    assert row["is_won"] and not row["is_lost"] and row["cycle_days"] == 40  # 1 April to 11 May


# --- whose it is ------------------------------------------------------------------------------------

OWNED = """opportunity_id,customer_id,created_at,account_manager_id,acquisition_channel
own,kit,2026-05-01,cid,fair
unknown_own,kit,2026-05-01,zed,
day_before,kit,2026-04-30,,
day_of_change,kit,2026-05-01,,
too_early,kit,2025-12-31,,
nobodys,,2026-05-01,,
"""
MANAGERS = "account_manager_id,account_manager_name,team\nann,Ann,north\nbob,Bob,south\ncid,Cid,\n"
ASSIGNED = """customer_id,account_manager_id,assigned_from,assigned_until
kit,ann,2026-01-01,2026-05-01
kit,bob,2026-05-01,
"""
CUSTOMERS = "customer_id,acquired_on,acquisition_channel\nkit,2026-01-01,search\n"


def test_a_lead_is_worked_on_by_whom_it_names_else_by_the_holder_of_its_customer_that_day(open_company):
    tables = {"opportunities": OWNED, "assignments": ASSIGNED, "account_managers": MANAGERS}
    tables["customers"] = CUSTOMERS
    owned = open_company(tables, "2026Q2").ask("select * from opportunities").set_index("opportunity_id")
    assert owned["account_manager_id"].dropna().to_dict() == {
        "own": "cid", "unknown_own": "zed", "day_before": "ann", "day_of_change": "bob",
    }  # fmt: skip
    assert owned["account_team"].dropna().to_dict() == {"day_before": "north", "day_of_change": "south"}
    # its own channel, else that which brought its customer
    assert owned["acquisition_channel"].dropna().to_dict() == {
        "own": "fair", **dict.fromkeys(("unknown_own", "day_before", "day_of_change", "too_early"), "search"),
    }  # fmt: skip


def test_without_assignments_and_customers_each_lead_is_there_once(open_company):
    owned = open_company({"opportunities": OWNED}, "2026Q2").ask("select * from opportunities")
    assert len(owned) == 6
    assert set(owned["account_manager_id"].dropna()) == {"cid", "zed"}
