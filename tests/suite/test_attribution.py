"""What is whose: an account manager hands customers over on 15 May, in the middle of the second quarter."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.metrics.measure import measure
from analysis.metrics.scans import plan
from analysis.report.explained import explain_metric
from analysis.report.terminal import kpi_table
from analysis.suite import Results, measure_suite
from analysis.suite.reconcile import check_parts
from analysis.suite.rows import check_group, rows_of_period

NOW = "2026Q2"
# stays was and remains ann's; handed goes from ann to bob; lost goes with him and orders no more; free is nobody's.
ORDERS = """order_id,customer_id,ordered_at,amount,category
1,stays,2026-01-10T10:00,10,books
2,handed,2026-01-10T10:00,10,books
3,handed,2026-02-10T10:00,10,games
4,lost,2026-01-10T10:00,10,games
5,free,2026-01-10T10:00,10,books
6,handed,2026-05-14T23:59,100,books
7,handed,2026-05-15T00:00,40,games
8,stays,2026-05-20T10:00,7,books
9,free,2026-06-20T10:00,3,books
10,,2026-06-21T10:00,5,books
"""
ASSIGNMENTS = """customer_id,account_manager_id,assigned_from,assigned_until
stays,ann,2025-01-01,
handed,ann,2025-01-01,2026-05-15
handed,bob,2026-05-15,
lost,ann,2025-01-01,2026-05-15
lost,bob,2026-05-15,
"""
MANAGERS = """account_manager_id,account_manager_name,team
ann,Li Wei,north
bob,Li Wei,south
"""
TICKETS = """ticket_id,customer_id,opened_at,first_replied_at,resolved_at
t1,handed,2026-05-14T09:00,2026-05-14T09:01,2026-05-14T10:00
t2,handed,2026-05-15T09:00,2026-05-15T09:02,2026-05-15T12:00
t3,handed,2026-05-16T09:00,2026-05-16T09:04,2026-05-16T14:00
t4,free,2026-05-16T09:00,2026-05-16T09:05,2026-05-16T09:30
"""
QUESTIONS = "question_id,construct,scale_min,scale_max\nq,nps,0,10\n"
ANSWERS = """survey_id,question_id,customer_id,answered_at,score
s1,q,handed,2026-05-14T09:00,10
s2,q,lost,2026-05-15T09:00,2
s3,q,stays,2026-06-01T09:00,9
"""
OPPORTUNITIES = """opportunity_id,customer_id,created_at,value,account_manager_id
o1,handed,2026-05-01T09:00,100,
o2,handed,2026-05-20T09:00,200,
o3,handed,2026-05-20T09:00,400,ann
"""


@pytest.fixture(scope="module")
def results(open_company) -> Results:
    tables = {
        "orders": ORDERS, "assignments": ASSIGNMENTS, "account_managers": MANAGERS, "tickets": TICKETS,
        "questions": QUESTIONS, "answers": ANSWERS,
    }  # fmt: skip
    dimensions = ["customer_status", "account_manager", "category"]
    return measure_suite(
        open_company(tables, NOW, dimensions=dimensions, activity_window_days=90, sparkline_periods=2)
    )


def groups(results: Results, metric: str, by: str = "account_manager", variant: str = "default") -> dict:
    rows = results.kpis[(results.kpis["metric"] == metric) & (results.kpis["variant"] == variant)]
    rows = rows[(rows["by"] == by) & (rows["period"] == NOW)]
    return rows.set_index("group")["value"].to_dict()


def test_orders_belong_to_who_held_the_customer_that_day(results):
    # ann: 100 of handed on the 14th, 7 of stays; bob: 40 on the 15th; nobody's: free and the anonymous
    assert groups(results, "revenue") == {"ann": 107.0, "bob": 40.0, "not_stated": 8.0}


def test_tickets_belong_to_who_held_the_customer_when_they_were_resolved(results):
    # hours: ann 1; bob 3 and 5; nobody ½
    assert groups(results, "turnaround_time") == {"ann": 3600.0, "bob": 4 * 3600.0, "not_stated": 1800.0}


def test_a_median_has_the_same_groups_as_a_mean(results):
    assert groups(results, "turnaround_time", variant="median") == groups(results, "turnaround_time")


def test_answers_belong_to_who_held_the_customer_when_he_gave_them(results):
    assert groups(results, "nps") == {"ann": 100.0, "bob": -100.0}


def test_retention_belongs_to_who_held_the_customer_at_the_start(results):
    # ann held stays, handed and lost on 1 April, and two of them are customers on 1 July; free is, too
    assert groups(results, "customer_retention_rate") == {"ann": pytest.approx(2 / 3), "not_stated": 1.0}
    assert groups(results, "opening_customers") == {"ann": 3.0, "not_stated": 1.0}


def test_the_top_part_is_that_of_a_managers_own_customers(results):
    # of the trailing year: ann's are stays 17, handed 160 and lost 10, at the window's start; the top tenth is one
    assert groups(results, "top_decile_share")["ann"] == pytest.approx(160 / 187)


def test_the_managers_parts_make_the_company(results):
    checks = pd.DataFrame(check_parts(results.book, results.kpis))
    assert checks["holds"].all()
    named = checks["subject"].str.endswith("by account_manager")
    assert {"revenue", "opening_customers", "churned_value"} <= set(checks.loc[named, "metric"])


def test_a_customer_of_two_categories_stands_in_both_and_the_company_stays_as_it_is(results):
    # in the year before: stays and free bought books, lost games, handed both
    assert groups(results, "opening_customers", "category") == {"books": 3.0, "games": 2.0}
    assert results.kpi("opening_customers")["value"] == 4.0
    assert groups(results, "revenue", "category") == {"books": 115.0, "games": 40.0}
    assert results.kpi("revenue")["value"] == 155.0


def test_customers_in_several_groups_need_not_make_the_company_but_orders_must(results):
    checks = pd.DataFrame(check_parts(results.book, results.kpis))
    of_categories = set(checks.loc[checks["subject"].str.endswith("by category"), "metric"])
    assert "revenue" in of_categories and "opening_customers" not in of_categories


def test_other_dimensions_are_untouched_by_one_that_overlaps(results):
    alone = measure(results.book, ["customer_status"])
    alone = alone[(alone["by"] == "customer_status") & (alone["period"] == NOW)]
    beside = results.kpis[(results.kpis["by"] == "customer_status") & (results.kpis["period"] == NOW)]
    keys = ["metric", "variant", "group"]
    both = alone[[*keys, "value", "n"]].merge(
        beside[[*keys, "value", "n"]], on=keys, suffixes=("", "_beside")
    )
    assert len(both) > 30
    pd.testing.assert_series_equal(both["value"], both["value_beside"], check_names=False)
    pd.testing.assert_series_equal(both["n"], both["n_beside"], check_names=False)


def test_a_scan_of_what_overlaps_says_nothing_of_the_company(results):
    book = results.book
    scans = plan(book, [book.catalogue.metrics["opening_customers"]], ["customer_status", "category"])
    assert [(len(scan.dimensions), scan.with_company) for scan in scans] == [(1, True), (1, False)]


@pytest.mark.parametrize(
    ("metric", "by", "group", "customers"),
    [
        ("revenue", "account_manager", "bob", ["handed"]),
        ("nps", "account_manager", "ann", ["handed", "stays"]),
        ("opening_customers", "account_manager", "ann", ["handed", "lost", "stays"]),
        ("opening_customers", "category", "games", ["handed", "lost"]),
        ("top_decile_share", "category", "games", ["handed", "lost"]),
    ],
)
def test_a_groups_figure_is_explained_by_its_own_rows_and_a_query_that_gives_it(
    results, metric, by, group, customers
):
    record = results.book.catalogue.metrics[metric]
    explained = explain_metric(results, record, by, group)
    assert sorted(explained.source_rows["customer_id"]) == customers
    found = results.book.ask(explained.sql)
    assert len(found) == 1
    measured = [explained.estimate[name] for name in ("numerator", "n")]
    assert measured[1] == found.filter(regex="^n(_0)?$").iloc[0, 0]


def test_managers_of_one_name_are_told_apart_by_their_numbers(results):
    assert results.book.names_of("account_manager", "en") == {"ann": "Li Wei (ann)", "bob": "Li Wei (bob)"}


def test_the_table_on_screen_gives_the_name_and_what_the_command_line_takes(results):
    rows = rows_of_period(results, "account_manager", ["revenue"])
    shown = kpi_table(results, rows, "en")
    assert "Li Wei (ann)" in shown and "Li Wei (bob)" in shown
    check_group(rows, "account_manager", "ann")


def test_who_works_on_an_opportunity_is_known_without_assignments(open_company):
    tables = {"orders": ORDERS, "opportunities": OPPORTUNITIES}
    results = measure_suite(open_company(tables, NOW, sparkline_periods=2))
    rows = rows_of_period(results, "account_manager", ["open_opportunities"])
    found = rows.dropna(subset="group").set_index("group")["value"].to_dict()
    assert found == {"ann": 1.0, "not_stated": 2.0}
    reasons = rows_of_period(results, "account_manager", ["revenue"])["reason"].tolist()
    assert "not_measured_by|account_manager" in reasons
