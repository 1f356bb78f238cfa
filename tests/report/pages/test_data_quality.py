"""The data-quality page: what its tables say, in both languages, for good and for bad input."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.report.pages import data_quality
from analysis.report.pages.data_quality import (
    show_absent_tables,
    show_activity_window,
    show_identities,
    show_inputs,
    show_rejected,
    show_settings,
    show_tables_read,
    show_variants,
    show_windows,
)
from analysis.suite import Results
from reading_pages import body_rows, in_each_language, read

SCRIPT, FORMULA = "<script>alert(1)</script>", "=cmd|' /C calc'!A0"
EVERYTHING = [getattr(data_quality, name) for name in data_quality.__all__ if name != "show_definitions"]


@pytest.fixture(scope="module")
def hostile(open_orders) -> Results:
    """Two rows whose amounts are a script and a formula, and one good order."""
    orders = [("a", "2024-10-05", 10), ("b", "2024-10-06", SCRIPT), ("c", "2024-10-07", FORMULA)]
    return Results(open_orders(orders, "2024Q4", max_rejected_share=1.0), {})


def test_the_rows_of_every_table_are_accounted_for(shop):
    page = read(show_tables_read(shop, language="en"))
    assert [row.get_text() for row in page.select(".wb-section")] == [
        "Customers: a row is one customer", "Orders: a row is one order or one return",
    ]  # fmt: skip
    rows = body_rows(show_tables_read(shop, language="en"))
    # 12 orders of k0–k5, 4 of those lost, 4 of those returned, 4 new, 1 that came and went
    assert [row[1:3] for row in rows if row[0] == "Read"] == [["2", "100.0%"], ["25", "100.0%"]]


@in_each_language
def test_hostile_cells_are_shown_as_they_are_and_run_nowhere(hostile, language):
    html = show_rejected(hostile, language=language)
    assert "<script" not in html
    assert [row[2] for row in body_rows(html)] == [SCRIPT, FORMULA]


@pytest.mark.parametrize(("language", "words"), [("en", "2 of 2 shown"), ("zh", "共2行")])
def test_the_page_says_where_all_rejected_rows_are(hostile, language, words):
    note = read(show_rejected(hostile, language=language)).select_one(".wb-below").get_text()
    assert words in note
    assert "rejected.csv" in note


@in_each_language
def test_without_rejected_rows_one_line_says_so(shop, language):
    html = show_rejected(shop, language=language)
    assert "wb-callout" in html
    assert "<table" not in html


def test_both_windows_are_told(shop):
    rows = {row[0]: row[1] for row in body_rows(show_windows(shop, language="en"))}
    assert rows["This period 2024Q4"] == "1 Oct 2024 – 31 Dec 2024"
    assert rows["Previous period 2024Q3"] == "1 Jul 2024 – 30 Sep 2024"


def test_the_activity_window_is_held_against_the_gaps_in_the_data(shop):
    # gaps in days: six of 91 (k), 184 (l0), two of 315 (r); the 90th percentile of these nine is 315
    text = read(show_activity_window(shop, language="en")).get_text()
    assert "for 60 days" in text
    assert "within 315 days" in text


@pytest.mark.parametrize(("language", "words"), [("en", "add up"), ("zh", "一致")])
def test_a_reconciled_run_says_so_in_one_line(shop, language, words):
    page = read(show_identities(shop, language=language))
    assert words in page.select_one(".wb-callout").get_text()
    assert len(page.select("table")) == 1


def test_an_unreconciled_run_lists_what_does_not_hold(shop):
    identities = shop.identities.assign(holds=[False, *([True] * (len(shop.identities) - 1))])
    page = read(show_identities(Results(shop.book, {**shop.frames, "identities": identities}), language="en"))
    assert page.select_one(".wb-is-unreconciled")
    assert len(page.select("table")) == 2
    assert f"1 of {len(identities)} checks" in page.get_text()


def test_settings_files_and_absent_tables_are_told(shop):
    settings = [row[0] for row in body_rows(show_settings(shop, language="en"))]
    assert "Activity window (days) activity_window_days" in settings
    absent = {row[0].partition(" one ")[0] for row in body_rows(show_absent_tables(shop, language="en"))}
    assert {"Costs", "Tickets"} <= absent
    assert "Exchange rates" not in absent  # no metric asks for them
    inputs = show_inputs(shop, language="en")
    assert shop.book.fingerprint in inputs
    assert len(body_rows(inputs)) == 2


def test_a_definition_without_a_value_carries_its_reason_below_the_table(shop):
    page = read(show_variants(shop, language="en"))
    assert [row.get_text() for row in page.select(".wb-section")][:2] == ["Retention and churn", "Loyalty"]
    assert "Customer churn rate" in page.get_text()
    assert "Not measured in this period under any definition" in page.select_one(".wb-below").get_text()


@in_each_language
@pytest.mark.parametrize("show", EVERYTHING, ids=lambda show: show.__name__)
def test_nothing_fails_on_a_company_without_a_single_order(no_orders, show, language):
    html = show(no_orders, language=language)
    assert html
    assert "NotMeasured" not in html


def test_an_empty_frame_of_quality_is_said_to_be_missing(shop):
    nothing = Results(shop.book, shop.frames)
    nothing.__dict__["quality"] = pd.DataFrame(columns=shop.quality.columns)
    assert "Not measured" in show_tables_read(nothing, language="en")
