"""Which days each fact covers, what that leaves unmeasured, and companies without orders."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from analysis.facts import Coverage
from analysis.facts.compile import FACTS, OF_CUSTOMERS
from analysis.metrics.measure import measure
from analysis.metrics.scans import reaches
from analysis.suite import measure_suite
from analysis.suite.rows import rows_of_period

ORDERS = "order_id,customer_id,ordered_at,amount\n" + "\n".join(
    f"o{year}{month},{'ab'[month % 2]},{year}-{month:02}-03,10"
    for year in (2024, 2025)
    for month in range(1, 13)
)
CUSTOMERS = "customer_id,region,acquired_on\na,north,2024-01-01\nb,south,"
# Tickets are kept from 10 February 2025; those of a are about the bill, those of b about delivery.
TICKETS = "ticket_id,customer_id,opened_at,resolved_at,topic,team\n" + "\n".join(
    f"t{month},{'ab'[month % 2]},2025-{month:02}-10,2025-{month:02}-10 02:00,{['bill', 'delivery'][month % 2]},one"
    for month in range(2, 13)
)
COMPANY = {"orders": ORDERS, "customers": CUSTOMERS, "tickets": TICKETS}


def figure(kpis, metric, variant="default", period="2025Q4", by=None, group=None):
    rows = kpis[(kpis["metric"] == metric) & (kpis["variant"] == variant) & (kpis["period"] == period)]
    rows = rows[rows["by"].isna()] if by is None else rows[(rows["by"] == by) & (rows["group"] == group)]
    assert len(rows) == 1, (metric, variant, period, by, group, len(rows))
    return rows.iloc[0]


@pytest.fixture(scope="module")
def book(open_company):
    return open_company(COMPANY, "2025Q4")


@pytest.fixture(scope="module")
def kpis(book):
    return measure(book, ["region", "topic"])


def test_a_fact_covers_the_days_of_its_own_rows(book):
    assert book.coverage.start == date(2024, 1, 3)
    # eleven days with tickets say nothing about where they end; 30 days without are usual
    assert book.coverage_of("tickets") == Coverage(date(2025, 2, 10), None, 30)
    assert book.coverage_of("customer_periods") is book.coverage
    assert book.coverage_of("spend") is book.coverage  # nothing is known of a table that is not supplied


def test_a_window_before_a_facts_first_row_is_not_measured(kpis):
    row = figure(kpis, "resolution_time", period="2024Q4")
    assert (row["status"], row["reason"]) == ("not_measured", "before_data|2025-02-10")
    assert figure(kpis, "revenue", period="2024Q4")["value"] == 30.0  # the orders were there


def test_a_window_that_a_fact_begins_inside_is_not_compared(kpis):
    # 10 February is 40 days into the quarter: more than the 30 that are usual
    row = figure(kpis, "resolution_time", period="2025Q1")
    assert (row["status"], row["reason"]) == ("not_measured", "data_begin_inside|2025-02-10")
    assert figure(kpis, "resolution_time", period="2025Q2")["value"] == 7200.0


def test_a_metric_of_two_tables_is_covered_where_both_are(open_company):
    contacts = "contact_id,customer_id,started_at,outcome\n" + "\n".join(
        f"c{month},a,2025-{month:02}-20,answered" for month in range(8, 13)
    )
    kpis = measure_suite(open_company(COMPANY | {"contacts": contacts}, "2025Q4")).company_kpis
    assert figure(kpis, "resolution_time", period="2025Q2")["n"] == 3
    assert figure(kpis, "first_contact_resolution", period="2025Q2")["reason"] == "before_data|2025-08-20"
    assert figure(kpis, "contacts_per_customer", period="2025Q2")["reason"] == "before_data|2025-08-20"


def test_a_fact_that_ended_long_before_a_window_is_not_zero_in_it(open_company):
    # a mention each day of January to March 2025, then none
    days = [f"2025-0{month}-{day:02}" for month in (1, 2, 3) for day in range(1, 29)]
    mentions = "mention_id,published_at,sentiment\n" + "\n".join(
        f"m{n},{day},positive" for n, day in enumerate(days)
    )
    kpis = measure(open_company(COMPANY | {"mentions": mentions}, "2025Q4"))
    assert figure(kpis, "social_sentiment")["reason"] == "after_data|2025-03-28"
    assert figure(kpis, "social_sentiment", period="2025Q1")["value"] == 100.0
    settled = measure(
        open_company(COMPANY | {"mentions": mentions}, "2025Q4", data_through=date(2025, 12, 31))
    )
    assert (
        figure(settled, "social_sentiment")["reason"] == "no_rows"
    )  # who says the data are complete is believed


def test_what_is_supplied_covers_a_company_without_orders(open_company):
    book = open_company({"tickets": TICKETS}, "2025Q4")
    assert book.coverage.start == date(2025, 2, 10)
    assert [window.label for window in book.windows] == ["2024Q4", "2025Q1", "2025Q2", "2025Q3", "2025Q4"]
    kpis = measure(book, ["team", "region"])
    assert figure(kpis, "resolution_time")["value"] == 7200.0
    assert figure(kpis, "resolution_time", by="team", group="one")["n"] == 3
    assert figure(kpis, "revenue")["reason"] == "table_absent|orders"
    assert figure(kpis, "customer_retention_rate")["reason"] == "table_absent|orders"
    assert not kpis["by"].eq("region").any()


def test_the_setting_says_where_the_data_of_a_company_without_orders_end(open_company):
    book = open_company({"tickets": TICKETS}, "2025Q4", data_through=date(2025, 11, 15))
    assert (book.window.last_day, book.window.is_partial) == (date(2025, 11, 15), True)
    assert figure(measure(book), "resolution_time")["n"] == 2


def test_a_company_with_surveys_only_has_a_whole_run(open_company):
    questions = "question_id,construct,scale_min,scale_max\nq,csat,1,5"
    days = [f"{year}-{month:02}-15" for year in (2024, 2025) for month in range(1, 13)]
    answers = [f"s{n},q,c{n % 7},{day},{1 + n % 5}" for n, day in enumerate(days)]
    header = "survey_id,question_id,customer_id,answered_at,score"
    book = open_company({"questions": questions, "answers": "\n".join([header, *answers])}, "2025Q4")
    results = measure_suite(book)
    # the answers 21, 22 and 23 are 2, 3 and 4 of 5: one of three is satisfied
    assert results.kpi("csat")["value"] == pytest.approx(1 / 3)
    assert results.kpi("csat", period="2024Q4")["value"] == pytest.approx(1 / 3)  # 9, 10, 11: 5, 1 and 2
    assert results.kpi("revenue").reason == "table_absent|orders"
    assert results.is_reconciled


def test_traits_of_customers_reach_every_fact_that_names_them(kpis):
    # October and December are a's, November is b's
    assert figure(kpis, "resolution_time", by="region", group="north")["n"] == 2
    assert figure(kpis, "resolution_time", by="region", group="south")["n"] == 1
    assert figure(kpis, "resolution_time", by="topic", group="bill")["n"] == 2
    assert figure(kpis, "revenue", by="region", group="north")["value"] == 20.0


def test_facts_of_customers_are_those_with_a_customer(book):
    named = {fact for fact in FACTS if "customer_id" in book.engine.columns(f"select * from {fact}")}
    inner = {"customers", "customer_stretches", "year_before_buyers", "purchase_days"}
    inner |= {"holdings", "customer_holders", "customer_categories", "customer_served"}
    assert named - inner == set(OF_CUSTOMERS)


def test_a_column_of_rows_stands_in_every_fact_that_a_dimension_names(book):
    for dimension in book.catalogue.dimensions.values():
        for fact in dimension.facts:
            assert dimension.column_name in book.engine.columns(f"select * from {fact}"), (dimension.id, fact)
            assert reaches(book, dimension, fact) or set(dimension.needs) & set(book.absent)


def test_every_fact_can_be_asked_for_first(book):
    for fact in FACTS:
        found = replace(book).ask(f"select count(*) as n from {fact}")
        assert len(found) == 1, fact


def test_a_metric_that_a_dimension_does_not_reach_says_so(book):
    results = measure_suite(book)
    rows = rows_of_period(results, "topic", ["revenue", "resolution_time"])
    [told] = rows[
        rows["by"].eq("topic") & rows["metric"].eq("revenue") & rows["variant"].eq("default")
    ].to_dict("records")
    assert (told["status"], told["reason"]) == ("not_measured", "not_measured_by|topic")
    groups = rows[
        rows["by"].eq("topic") & rows["metric"].eq("resolution_time") & rows["variant"].eq("median")
    ]
    assert groups["group"].tolist() == ["bill", "delivery"]


def test_facts_may_name_the_first_day_that_is_not_known(open_company):
    book = open_company(COMPANY, "2025Q4", settle_days=5)
    assert book.ask("select $known_until as day")["day"].dt.date.tolist() == [date(2026, 1, 6)]
