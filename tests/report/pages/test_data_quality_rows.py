"""What was read, covered and reconciled, from the frames and the checked tables to what is shown."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from analysis.catalogue import label
from analysis.report.identities_shown import say_subjects
from analysis.report.pages.data_quality_rows import (
    LONGEST_CELL,
    activity_words,
    broken_rows,
    identity_rows,
    order_rates,
    orders_by_day,
    read_rows,
    rejected_rows,
    shown_windows,
    window_rows,
)
from analysis.suite import Results
from analysis.suite.reconcile import IDENTITIES
from reading_pages import in_each_language, replaced


@pytest.fixture(scope="module")
def flawed(open_orders) -> Results:
    """Two good orders, one of nobody, one without an amount, one left out by a rule of the company."""
    orders = [
        ("a", "2024-10-05", 10),
        ("b", "2024-11-05", 20),
        ("", "2024-11-06", 5),
        ("a", "2024-12-01", "<b>"),
        ("c", "2024-12-02", 9),
    ]
    tests = {"tests": {"where": "amount = 9", "reason": "orders of our own"}}
    return Results(open_orders(orders, "2024Q4", max_rejected_share=0.5, exclusions=tests), {})


# --- rows ----------------------------------------------------------------------------------------------


def test_rows_read_are_those_kept_and_those_rejected(flawed):
    rows = read_rows(flawed, "en")
    found = rows.groupby("what")["rows"].sum()
    assert (found["Read"], found["Kept"], found["Rejected"]) == (5, 4, 1)
    rejected = rows[rows["what"] == "Rejected"].iloc[0]
    assert (rejected["share"], rejected["first_row"]) == (0.2, 4)
    assert "amount" in rejected["words"]


def test_what_is_excluded_stands_apart_with_its_amount_and_its_reason(flawed):
    rows = read_rows(flawed, "en")
    out = rows[rows["what"] == "Kept, out of revenue"].iloc[0]
    assert (out["rows"], out["amount"], out["words"]) == (1, 9.0, "tests: orders of our own")
    histories = rows[rows["what"] == "Kept, out of customer histories"]
    assert sorted(histories["amount"]) == [5.0, 9.0]  # the anonymous order, and the company's own


@pytest.mark.parametrize(("language", "word"), [("en", "Rejected"), ("zh", "拒绝")])
def test_a_table_without_rejected_rows_says_so(shop, language, word):
    rows = read_rows(shop, language)
    tables = rows.groupby("table")["what"].apply(list)
    assert len(tables) == 2  # orders and customers
    assert all(word in whats for whats in tables)
    assert (rows.loc[rows["what"] == word, "rows"] == 0).all()


def test_a_rejected_row_is_shown_with_what_was_found(flawed):
    row = rejected_rows(flawed, 10, "en").iloc[0]
    assert row[["row", "column", "found"]].tolist() == [4, "amount", "<b>"]
    assert row["file"].endswith("orders.csv")


def test_no_more_rejected_rows_are_shown_than_asked_for_and_long_cells_are_cut(flawed):
    one = flawed.rejected.iloc[0].to_dict() | {"found": "x" * 500}
    many = Results(flawed.book, flawed.frames)
    many.__dict__["rejected"] = pd.DataFrame([one] * 30)
    rows = rejected_rows(many, 20, "en")
    assert len(rows) == 20
    assert set(rows["found"].str.len()) == {LONGEST_CELL}


# --- days ----------------------------------------------------------------------------------------------


def test_orders_are_counted_by_day_and_returns_are_not(open_orders):
    sold = [("a", "2024-10-05", 10), ("b", "2024-10-05", 20), ("c", "2024-10-09", 1)]
    orders = [*sold, ("a", "2024-10-07", -5)]
    days = orders_by_day(open_orders(orders, "2024Q4"))
    assert days["day"].dt.day.tolist() == [5, 9]
    assert days["orders"].tolist() == [2, 1]


def test_without_orders_there_are_no_days(open_orders):
    assert orders_by_day(open_orders([], "2024Q4")).empty
    assert order_rates(orders_by_day(open_orders([], "2024Q4"))).empty


def days_of(*dates: str, orders: int = 1) -> pd.DataFrame:
    return pd.DataFrame({"day": pd.to_datetime(list(dates)), "orders": orders})


def test_few_days_are_shown_one_by_one_with_those_without_orders():
    rates = order_rates(days_of("2024-01-01", "2024-01-04", orders=6))
    assert rates["per_day"].tolist() == [6.0, 0.0, 0.0, 6.0]


def test_longer_spans_are_means_of_weeks_and_the_last_one_of_its_own_days():
    rates = order_rates(days_of("2024-01-01", "2024-01-03", "2024-03-05", orders=7))
    # 1 January to 5 March 2024 = 31 + 29 + 5 = 65 days: nine weeks and two days
    assert rates["days"].tolist() == [7] * 9 + [2]
    assert rates["per_day"].iloc[0] == 2.0  # 14 in 7 days
    assert rates["per_day"].iloc[-1] == 3.5  # 7 in 2 days
    assert rates["per_day"].iloc[1:-1].sum() == 0.0


def test_windows_are_told_with_days_and_whether_the_data_cover_them(shop):
    rows = window_rows(shop.book, orders_by_day(shop.book), "en").set_index("name")
    assert rows.loc["This period", ["period", "days", "covered"]].tolist() == ["2024Q4", 92, "yes"]
    assert rows.loc["A year ago", "covered"] == "no: the data begin on 10 Jan 2024"
    # from 10 January to 1 December 2024, a leap year: 336 - 10 + 1
    assert rows.loc["Orders in the files", "days"] == 336 - 10 + 1
    assert "as set" in rows.loc["Orders in the files", "covered"]


def test_a_period_still_running_is_covered_in_part(open_orders):
    orders = [(f"c{i % 7}", str(date(2024, 1 + i % 11, 1 + i % 28)), 5) for i in range(300)]
    book = open_orders(orders, "2024Q4", data_through=date(2024, 11, 14))
    rows = window_rows(book, orders_by_day(book), "en").set_index("name")
    # 31 days of October and 14 of November
    assert rows.loc["This period", "covered"] == "in part: 45 of 92 days so far"
    assert rows.loc["Previous period", "days"] == 45
    assert list(shown_windows(book)) == ["this", "previous", "year_ago"]


@pytest.mark.parametrize(
    ("setting", "suggested", "words"),
    [(180, 200, "the setting fits"), (90, 200, "only between two orders"), (365, 200, "noticed late"),
     (180, None, "cannot say")],
)  # fmt: skip
def test_the_activity_window_is_judged_by_the_gaps(setting, suggested, words):
    assert words in activity_words(setting, suggested, "en")


# --- identities ----------------------------------------------------------------------------------------


@in_each_language
def test_every_identity_has_words_and_its_number_of_checks(shop, language):
    rows = identity_rows(shop, language).set_index("identity")
    assert list(rows.index) == list(IDENTITIES)
    assert rows["checks"].sum() == len(shop.identities)
    assert rows["words"].is_unique
    assert (rows["broken"] == 0).all()


def test_a_broken_identity_is_counted_and_listed(shop):
    identities = shop.identities.copy()
    first = identities.index[identities["identity"] == "revenue_of_rows"][0]
    identities.loc[first, ["left", "holds"]] = [identities.loc[first, "right"] + 1, False]
    found = replaced(shop, identities=identities)
    row = identity_rows(found, "en").set_index("identity").loc["revenue_of_rows"]
    assert (row["broken"], row["state"]) == (1, label("data_quality.state_broken", "en"))
    [listed] = broken_rows(found, "en").to_dict("records")
    assert listed["left"] == listed["right"] + 1
    assert listed["subject"] == identities.loc[first, "period"]


@in_each_language
def test_what_a_check_is_asked_of_is_said_in_words(shop, language):
    parts = shop.identities[shop.identities["identity"] == "parts_make_the_whole"]
    own = parts[
        (parts["metric"] == "revenue") & (parts["variant"] == "gross") & (parts["by"] == "value_band")
    ]
    own = own[own["period"] == "2024Q4"]
    words = {
        "en": "Revenue – before returns, 2024Q4, by Value band",
        "zh": "销售额（退货前）、2024Q4、按价值分层",
    }
    assert say_subjects(own, shop.book, language) == [words[language]]
    rows = shop.identities[shop.identities["table"] == "orders"]
    table = {"en": "table Orders", "zh": "数据表“订单”"}
    assert say_subjects(rows, shop.book, language) == [table[language]]
    unnamed = pd.DataFrame([{"subject": "as it stands"}])
    assert say_subjects(unnamed, shop.book, language) == ["as it stands"]


def test_what_was_not_asked_is_not_said_to_hold(shop):
    found = replaced(shop, identities=shop.identities.head(0))
    assert set(identity_rows(found, "en")["state"]) == {"nothing to check"}
