"""What else passed between a customer and the company: why he left, whom he brought, what he bought, who called him."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.metrics.gaps import missing_tables
from analysis.metrics.measure import measure

# The quarter is 2026Q2, 1 April up to, not including, 1 July; active is who bought in the 90 days before.
ORDERS = """order_id,customer_id,ordered_at,amount,category
1,stays,2026-02-01,10,
2,stays,2026-05-01,10,
3,stays,2026-06-20,10,
4,left_by_choice,2026-02-01,10,
5,left_unwillingly,2026-02-01,10,
6,left_silently,2026-02-01,10,
7,left_without_kind,2026-02-01,10,
8,left_before_and_returned,2026-01-05,10,
9,left_before_and_returned,2026-02-10,10,
10,left_twice,2026-01-05,10,
11,left_twice,2026-02-10,10,
12,back_too_late,2026-02-01,10,
13,back_too_late,2026-07-01,10,
14,came_recommended,2026-05-05,10,machines
15,came_recommended,2026-05-06,-10,paper
16,came_before,2026-04-05,10,coffee
17,silent_then_called,2025-06-01,10,
18,silent_then_called,2026-06-15,10,
19,silent_not_called,2025-06-01,10,
20,silent_and_called_in_vain,2025-06-01,10,
"""
LINES = """order_id,line,product_id,quantity,amount,category
2,1,p1,1,5,
2,2,p2,1,5,
3,1,p1,1,5,
3,2,unknown,1,5,water
3,3,p3,-1,-5,
"""
PRODUCTS = "product_id,category\np1,coffee\np2,coffee\np3,paper\n"
EXITS = """customer_id,exited_on,kind,reason
stays,2026-01-10,voluntary,price
left_by_choice,2026-05-01,voluntary,delivery
left_unwillingly,2026-03-15,involuntary,payment default
left_without_kind,2026-05-01,,moved
left_before_and_returned,2026-01-10,voluntary,price
left_twice,2026-01-10,voluntary,price
left_twice,2026-03-01,involuntary,payment default
back_too_late,2026-05-01,voluntary,service
left_silently,2026-07-01,voluntary,price
"""
REFERRALS = """referral_id,customer_id,referred_customer_id,referred_on
r1,stays,came_recommended,2026-05-01
r2,left_by_choice,left_by_choice,2026-04-10
r3,left_silently,,2025-12-01
r4,stays,came_before,2026-04-20
r5,came_before,,2026-03-01
r6,left_unwillingly,somebody,2026-07-01
"""
CONTACTS = """contact_id,customer_id,started_at,direction,outcome
k1,silent_then_called,2026-05-01 10:00,outbound,answered
k2,silent_and_called_in_vain,2026-05-01 10:00,outbound,failed
k3,stays,2026-05-01 10:00,inbound,answered
k4,left_silently,2026-03-31 10:00,outbound,answered
k5,left_by_choice,2026-06-30 10:00,outbound,voicemail
"""
ACTIONS = """action_id,kind,measure,customer_id,planned_on,due_on,done_on
a1,action,offer,left_twice,2026-04-01,2026-05-01,2026-04-20
a2,action,visit,left_twice,2026-04-01,2026-05-01,2026-05-20
a3,action,,left_by_choice,2026-04-01,2026-05-01,2026-04-20
a4,action,offer,left_without_kind,2026-04-01,2026-05-01,
a5,milestone,offer,back_too_late,2026-04-01,2026-05-01,2026-05-01
a6,action,offer,silent_not_called,2026-04-01,2026-07-20,2026-07-01
"""
TABLES = {
    "orders": ORDERS, "order_lines": LINES, "products": PRODUCTS, "exits": EXITS, "referrals": REFERRALS,
    "contacts": CONTACTS, "actions": ACTIONS,
}  # fmt: skip
SETTINGS = {"activity_window_days": 90, "settle_days": 31}


@pytest.fixture(scope="module")
def book(open_company):
    return open_company(TABLES, "2026Q2", **SETTINGS)


@pytest.fixture(scope="module")
def rows(book) -> pd.DataFrame:
    return book.ask("select * from customer_dealings where period = '2026Q2'").set_index("customer_id")


@pytest.fixture(scope="module")
def kpis(book) -> pd.DataFrame:
    names = (
        "customer_churn_rate", "voluntary_churn_rate", "involuntary_churn_rate", "unstated_churn_rate",
        "winback_rate", "cross_sell_rate",
    )  # fmt: skip
    metrics = [metric for name in names for metric in book.catalogue.metrics[name].all_variants()]
    return measure(book, ["measure_taken"], metrics).query("period == '2026Q2'")


def of_company(kpis: pd.DataFrame, metric: str, variant: str = "default") -> list[float]:
    found = kpis[kpis["by"].isna() & kpis["metric"].eq(metric) & kpis["variant"].eq(variant)]
    return found.iloc[0][["numerator", "n"]].tolist()


def test_every_customer_of_the_window_has_one_row_with_all_that_customer_periods_says(book, rows):
    periods = book.ask("select * from customer_periods where period = '2026Q2'").set_index("customer_id")
    assert rows.index.is_unique
    pd.testing.assert_frame_equal(rows[periods.columns].sort_index(), periods.sort_index())


def test_the_last_exit_without_a_return_is_why_he_left(rows):
    assert rows.loc[["left_by_choice", "left_unwillingly", "left_twice"], "exit_kind"].tolist() == [
        "voluntary", "involuntary", "involuntary",
    ]  # fmt: skip
    assert rows.loc["left_twice", "exit_reason"] == "payment default"
    assert pd.isna(rows.loc["left_without_kind", "exit_kind"])
    assert rows.loc["left_without_kind", "exit_reason"] == "moved"


def test_who_came_back_by_the_windows_end_has_not_left(rows):
    assert rows.loc[["stays", "left_before_and_returned"], "exit_kind"].isna().all()
    assert rows.loc["back_too_late", "exit_reason"] == "service"  # he ordered again on the first day after it


def test_an_exit_after_the_window_does_not_explain_it(rows):
    assert pd.isna(rows.loc["left_silently", "exit_reason"])


def test_voluntary_involuntary_and_unstated_churn_sum_to_churn(kpis):
    # lost: by choice and back too late; unwillingly and twice; silently, without kind and the one who had come back
    assert of_company(kpis, "voluntary_churn_rate") == [2, 8]
    assert of_company(kpis, "involuntary_churn_rate") == [2, 8]
    assert of_company(kpis, "unstated_churn_rate") == [3, 8]
    assert of_company(kpis, "customer_churn_rate") == [7, 8]


def test_who_recommends_himself_recommends_nobody(rows):
    assert set(rows.index[rows["has_referred"]]) == {"stays", "left_silently", "came_before"}


def test_a_recommendation_before_he_was_a_customer_counts_once_he_is_one(rows):
    assert rows.loc["came_before", "has_referred"]
    assert set(rows.index[rows["has_referred_in_period"]]) == {"stays"}


def test_recommended_is_who_was_so_before_he_came(rows):
    # `came_before` was a customer on 5 April, recommended on the 20th
    assert set(rows.index[rows["came_by_referral"]]) == {"came_recommended"}


def test_categories_bought_are_counted_once_each_and_returns_are_not_bought(rows):
    # coffee three times, water from the line of an unknown product; paper only came back
    assert rows.loc["stays", "categories_bought"] == 2
    assert rows.loc["came_recommended", "categories_bought"] == 1
    assert pd.isna(rows.loc["silent_then_called", "categories_bought"])  # nobody knows of what
    assert pd.isna(rows.loc["left_silently", "categories_bought"])  # bought nothing


def test_cross_selling_is_asked_of_buyers_whose_categories_are_known(kpis):
    assert of_company(kpis, "cross_sell_rate") == [1, 3]  # stays, of him and the two who came


def test_contacted_is_who_was_reached_or_for_whom_something_was_done_in_the_window(rows):
    assert set(rows.index[rows["was_contacted"]]) == {"silent_then_called", "left_by_choice", "left_twice"}


def test_the_measure_is_that_of_the_last_action_done_else_the_contact(rows):
    taken = rows["measure_taken"].dropna().to_dict()
    assert taken == {"left_twice": "visit", "left_by_choice": "action", "silent_then_called": "contact"}


def test_winning_back_is_asked_of_the_inactive_or_of_those_contacted(kpis):
    # inactive at the start: three who last bought in June 2025; one of them was called and ordered again
    assert of_company(kpis, "winback_rate") == [1, 3]
    assert of_company(kpis, "winback_rate", "contacted_only") == [1, 1]


def test_what_came_after_the_order_did_not_bring_him_back(open_company):
    # all three bought in June 2025 and again on 10 May: called the day before, that day, the day after
    days = {"before": "2026-05-09", "same_day": "2026-05-10", "after": "2026-05-11"}
    orders = "".join(f"o{who},{who},2025-06-01,10\np{who},{who},2026-05-10,10\n" for who in days)
    calls = "".join(f"k{who},{who},{day} 10:00,outbound,answered\n" for who, day in days.items())
    tables = {
        "orders": "order_id,customer_id,ordered_at,amount\n" + orders,
        "contacts": "contact_id,customer_id,started_at,direction,outcome\n" + calls,
    }
    book = open_company(tables, "2026Q2", **SETTINGS)
    rows = book.ask("select * from customer_dealings where period = '2026Q2'").set_index("customer_id")
    assert rows["was_contacted"].all()
    assert rows["was_contacted_first"].to_dict() == {"before": True, "same_day": True, "after": False}
    assert rows["measure_taken"].dropna().to_dict() == {"before": "contact", "same_day": "contact"}
    rate = measure(book, [], [book.catalogue.metric("winback_rate", "contacted_only")])
    assert of_company(rate.query("period == '2026Q2'"), "winback_rate", "contacted_only") == [2, 2]


def test_winning_back_is_told_apart_by_the_measure_taken(kpis):
    chosen = kpis["by"].eq("measure_taken") & kpis["metric"].eq("winback_rate")
    groups = kpis[chosen & kpis["variant"].eq("contacted_only")].set_index("group")["value"]
    assert groups.to_dict() == {"contact": 1.0}


@pytest.mark.parametrize(
    ("left_out", "missing"),
    [(("contacts",), []), (("actions",), []), (("contacts", "actions"), ["actions", "contacts"])],
)
def test_one_of_contacts_and_actions_is_enough(open_company, left_out, missing):
    book = open_company({name: text for name, text in TABLES.items() if name not in left_out}, "2026Q2")
    assert missing_tables(book, book.catalogue.metric("winback_rate", "contacted_only")) == missing
    assert missing_tables(book, book.catalogue.metric("follow_up_rate")) == missing
