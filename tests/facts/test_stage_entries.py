"""Which stages each opportunity has been through, when it left them, and which it passed in time."""

from __future__ import annotations

import pandas as pd
import pytest

# A funnel of lead (1), proposal (2) and signing (3). The run's cut is 1 July 2026.
LEADS = """opportunity_id,customer_id,created_at,closed_at,outcome,acquisition_channel,product_id,account_manager_id
won,kit,2026-04-01,2026-05-01,won,fair,p1,ann
lost,kit,2026-04-01,2026-05-01,lost,,,
open,,2026-04-01,,,,,
skips,,2026-04-01,,,,,
wins_early,,2026-04-01,2026-05-01,won,,,
goes_back,,2026-04-01,2026-06-01,lost,,,
again,,2026-04-01,,,,,
jumps_back,,2026-04-01,,,,,
after,,2026-04-01,2026-05-01,lost,,,
no_entries,,2026-04-01,2026-05-01,won,,,
undated,,2026-01-01,,won,,,
"""
ENTRIES = """opportunity_id,stage,stage_number,entered_at
won,lead,1,2026-04-01
won,proposal,2,2026-04-11
won,signing,3,2026-04-26
lost,lead,1,2026-04-01
lost,proposal,2,2026-04-11
open,lead,1,2026-04-01
skips,lead,1,2026-04-01
skips,signing,3,2026-04-21
wins_early,lead,1,2026-04-01
goes_back,lead,1,2026-04-01
goes_back,proposal,2,2026-04-11
goes_back,lead,1,2026-04-15
again,lead,1,2026-04-01
again,proposal,2,2026-04-11
again,lead,1,2026-04-15
again,proposal,2,2026-04-20
again,signing,3,2026-05-11
jumps_back,signing,3,2026-04-05
jumps_back,proposal,2,2026-04-20
after,lead,1,2026-04-01
after,signing,3,2026-05-02
undated,lead,1,2026-01-01
undated,proposal,2,2026-01-11
nobody_knows,signing,3,2026-04-01
open,proposal,2,2026-07-01
"""
COLUMNS = ["stage", "entered_on", "left_on", "decided_on", "is_passed", "days_in_stage"]


def entries_of(book) -> pd.DataFrame:
    rows = book.ask("select * from stage_entries order by opportunity_id, stage_number, stage")
    days = ["entered_on", "left_on", "decided_on"]
    rows[days] = rows[days].apply(lambda day: pd.to_datetime(day).dt.strftime("%m-%d"))
    return rows.astype(object).where(rows.notna(), None)


@pytest.fixture(scope="module")
def entries(open_company) -> pd.DataFrame:
    return entries_of(open_company({"opportunities": LEADS, "stage_entries": ENTRIES}, "2026Q2"))


def of(entries: pd.DataFrame, opportunity: str) -> list[tuple]:
    rows = entries[entries["opportunity_id"] == opportunity]
    return list(rows[COLUMNS].itertuples(index=False, name=None))


def test_a_won_one_has_passed_each_stage_when_it_left_it(entries):
    assert of(entries, "won") == [
        ("lead", "04-01", "04-11", "04-11", True, 10),
        ("proposal", "04-11", "04-26", "04-26", True, 15),
        ("signing", "04-26", "05-01", "05-01", True, 5),
    ]


def test_a_lost_one_has_not_passed_the_stage_it_was_lost_in_nor_reached_later_ones(entries):
    assert of(entries, "lost") == [
        ("lead", "04-01", "04-11", "04-11", True, 10),
        ("proposal", "04-11", "05-01", "05-01", False, 20),
    ]


def test_an_open_one_is_undecided_and_what_it_enters_after_the_cut_is_not_known(entries):
    assert of(entries, "open") == [("lead", "04-01", None, "06-30", False, None)]


def test_a_skipped_stage_is_passed_on_the_day_of_what_came_next_and_took_no_days(entries):
    assert of(entries, "skips") == [
        ("lead", "04-01", "04-21", "04-21", True, 20),
        ("proposal", "04-21", "04-21", "04-21", True, None),
        ("signing", "04-21", None, None, None, None),  # 90 days end on 20 July
    ]


def test_to_win_is_to_pass_every_stage(entries):
    assert of(entries, "wins_early") == [
        ("lead", "04-01", "05-01", "05-01", True, 30),
        ("proposal", "05-01", "05-01", "05-01", True, None),
        ("signing", "05-01", "05-01", "05-01", True, None),
    ]


def test_who_goes_back_and_is_lost_has_passed_what_he_passed_first_and_not_the_rest(entries):
    assert of(entries, "goes_back") == [
        ("lead", "04-01", "04-11", "04-11", True, 10),
        ("proposal", "04-11", "06-01", "06-01", False, 51),
    ]


def test_a_stage_entered_again_counts_once_from_its_first_entry(entries):
    assert of(entries, "again") == [
        ("lead", "04-01", "04-11", "04-11", True, 10),
        ("proposal", "04-11", "05-11", "05-11", True, 30),
        ("signing", "05-11", None, None, None, None),
    ]


def test_a_stage_entered_only_after_a_later_one_was_passed_with_it(entries):
    assert of(entries, "jumps_back") == [
        ("lead", "04-05", "04-05", "04-05", True, None),
        ("proposal", "04-05", "04-05", "04-05", True, None),
        ("signing", "04-05", None, None, None, None),
    ]


def test_what_is_entered_after_the_closing_does_not_count(entries):
    assert of(entries, "after") == [("lead", "04-01", "05-01", "05-01", False, 30)]


def test_without_a_day_of_closing_nobody_can_say_when_the_last_stage_was_left(entries):
    assert of(entries, "undated") == [
        ("lead", "01-01", "01-11", "01-11", True, 10),
        ("proposal", "01-11", None, None, None, None),
    ]


def test_an_opportunity_without_entries_or_unknown_has_no_rows(entries):
    assert not set(entries["opportunity_id"]) & {"no_entries", "nobody_knows"}


def test_each_opportunity_and_stage_is_there_once_with_its_traits(entries):
    assert not entries.duplicated(["opportunity_id", "stage"]).any()
    traits = entries[["customer_id", "acquisition_channel", "product_id", "account_manager_id"]]
    assert (traits[entries["opportunity_id"] == "won"] == ["kit", "fair", "p1", "ann"]).all(axis=None)


# --- the time a stage has -----------------------------------------------------------------------------------

WINDOWS = """opportunity_id,created_at,closed_at,outcome
last_day,2026-01-01,,
day_after,2026-01-01,,
won_late,2026-01-01,2026-06-01,won
lost_late,2026-01-01,2026-06-01,lost
ends_today,2026-04-01,,
still_runs,2026-04-02,,
later,2026-03-01,2026-07-01,lost
"""
IN_WINDOWS = """opportunity_id,stage,stage_number,entered_at
last_day,a,1,2026-01-01
last_day,b,2,2026-04-01
day_after,a,1,2026-01-01
day_after,b,2,2026-04-02
won_late,a,1,2026-01-01
lost_late,a,1,2026-01-01
ends_today,a,1,2026-04-01
still_runs,a,1,2026-04-02
later,a,1,2026-05-01
"""


def test_a_stage_not_passed_within_its_days_is_decided_on_their_last(open_company):
    entries = entries_of(open_company({"opportunities": WINDOWS, "stage_entries": IN_WINDOWS}, "2026Q2"))
    rows = entries[entries["stage"] == "a"].set_index("opportunity_id")[COLUMNS[1:]]
    found = {name: tuple(row) for name, row in zip(rows.index, rows.to_numpy(), strict=True)}
    assert found == {  # 1 January and 90 days are 1 April
        "last_day": ("01-01", "04-01", "04-01", True, 90),
        "day_after": ("01-01", "04-02", "04-01", False, 91),
        "won_late": ("01-01", "06-01", "04-01", False, 151),
        "lost_late": ("01-01", "06-01", "04-01", False, 151),
        "ends_today": ("04-01", None, "06-30", False, None),
        "still_runs": ("04-02", None, None, None, None),
        "later": ("05-01", None, None, None, None),  # its closing is not known yet
    }


def test_the_setting_says_how_many_days_a_stage_has(open_company):
    tables = {"opportunities": WINDOWS, "stage_entries": IN_WINDOWS}
    entries = entries_of(open_company(tables, "2026Q2", stage_conversion_days=91))
    rows = entries[entries["stage"] == "a"].set_index("opportunity_id")
    assert rows.loc["day_after", "is_passed"] is True
    assert rows.loc["ends_today", "is_passed"] is None


# --- which stages there are --------------------------------------------------------------------------------


def funnel_of(open_company, leads: str, entries: str) -> list[tuple]:
    leads = "opportunity_id,created_at,closed_at,outcome\n" + leads
    entries = "opportunity_id,stage,stage_number,entered_at\n" + entries
    rows = entries_of(open_company({"opportunities": leads, "stage_entries": entries}, "2026Q2"))
    return list(rows[["opportunity_id", "stage", "is_passed"]].itertuples(index=False, name=None))


def test_a_stage_that_is_the_closing_itself_is_none(open_company):
    leads = "w,2026-04-01,2026-05-01,won\nl,2026-04-01,2026-05-01,lost\n"
    entries = """w,lead,1,2026-04-01
l,lead,1,2026-04-01
w,closed won,2,2026-05-01
l,closed lost,3,2026-05-01
"""
    assert funnel_of(open_company, leads, entries) == [("l", "lead", False), ("w", "lead", True)]


def test_a_stage_entered_on_the_day_of_closing_is_one_if_it_ends_either_way_or_lasts(open_company):
    leads = "w,2026-04-01,2026-05-01,won\nl,2026-04-01,2026-05-01,lost\no,2026-04-01,,\n"
    either = "w,lead,1,2026-04-01\nw,signing,2,2026-05-01\nl,signing,2,2026-05-01\n"
    assert funnel_of(open_company, leads, either) == [
        ("l", "lead", True), ("l", "signing", False), ("w", "lead", True), ("w", "signing", True),
    ]  # fmt: skip
    stays = "w,lead,1,2026-04-01\nw,signing,2,2026-05-01\no,signing,2,2026-06-30\n"
    assert funnel_of(open_company, leads, stays) == [
        ("o", "lead", True), ("o", "signing", None), ("w", "lead", True), ("w", "signing", True),
    ]  # fmt: skip


def test_of_stages_that_share_a_number_only_the_one_entered_counts(open_company):
    leads = "a,2026-04-01,,\nb,2026-04-01,,\nc,2026-04-01,,\n"
    entries = """a,trial,1,2026-04-01
a,offer,2,2026-04-11
b,demo,1,2026-04-01
b,offer,2,2026-04-11
c,offer,2,2026-04-11
"""
    assert funnel_of(open_company, leads, entries) == [
        ("a", "trial", True), ("a", "offer", None), ("b", "demo", True), ("b", "offer", None), ("c", "offer", None),
    ]  # fmt: skip


def test_a_stage_given_under_several_numbers_stands_where_it_came_first(open_company):
    leads = "a,2026-01-01,,\nb,2026-04-01,,\n"
    entries = """a,lead,1,2026-04-01
a,offer,2,2026-04-11
b,lead,1,2026-04-01
b,check,2,2026-04-05
b,offer,3,2026-04-11
"""
    found = funnel_of(open_company, leads, entries)
    assert [row for row in found if row[0] == "a"] == [("a", "lead", True), ("a", "offer", None)]
    assert ("b", "lead", True) in found and len(found) == 5


def test_names_of_stages_may_hold_anything(open_company):
    name = "the 'big' 报价 🚀 $1"
    found = funnel_of(open_company, "a,2026-04-01,,\n", f"a,{name},1,2026-04-01\n")
    assert found == [("a", name, False)]  # 90 days from 1 April are over on 30 June


@pytest.mark.parametrize("tables", [{"opportunities": LEADS}, {"stage_entries": ENTRIES}])
def test_without_either_table_there_are_none(open_company, tables):
    assert entries_of(open_company(tables, "2026Q2")).empty
