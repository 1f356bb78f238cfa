"""Who helped himself, and of whom nobody can say yet."""

from __future__ import annotations

import pytest

from analysis.metrics.measure import measure

SESSIONS = """session_id,customer_id,started_at,views,is_helpful
alone,a,2026-05-01T10:00:00,2,true
called,b,2026-05-01T10:00:00,1,false
at_once,c,2026-05-01T10:00:00,1,
third_day,d,2026-05-01T10:00:00,3,true
day_after,e,2026-05-01T10:00:00,1,
was_called,f,2026-05-01T10:00:00,1,
before,g,2026-05-01T10:00:00,1,true
stranger,,2026-05-01T10:00:00,1,
again,h,2026-05-01T10:00:00,1,
again_later,h,2026-05-06T10:00:00,1,
open,a,2026-06-28T10:00:00,1,
"""
CONTACTS = """contact_id,customer_id,started_at,direction,outcome
c1,b,2026-05-02T08:00:00,inbound,answered
c2,c,2026-05-01T10:00:00,inbound,abandoned
c3,d,2026-05-04T09:59:59,inbound,answered
c4,e,2026-05-04T10:00:00,inbound,answered
c5,f,2026-05-02T10:00:00,outbound,answered
c6,g,2026-05-01T09:59:59,inbound,answered
c7,h,2026-05-07T10:00:00,inbound,answered
"""


@pytest.fixture(scope="module")
def book(open_company):
    return open_company({"help_sessions": SESSIONS, "contacts": CONTACTS}, "2026Q2")


def test_solved_alone_is_silent_for_three_days_from_the_visit_on(book):
    sessions = book.ask("select * from help_sessions").set_index("session_id")
    solved = sessions["is_solved_alone"]
    # exactly three days later is no longer within them; a call by the company, or one before, is no cry for help
    assert set(solved.index[solved.fillna(False).astype(bool)]) == {
        "alone", "day_after", "was_called", "before", "again",
    }  # fmt: skip
    assert set(solved.index[solved.isna()]) == {"stranger", "open"}  # 28 June + 3 days is not over on 1 July


def test_self_service_counts_visits_whose_days_ended_in_the_period(book):
    # five of the nine of known customers whose three days are over
    kpis = measure(book, metrics=[book.catalogue.metrics["self_service_rate"]]).set_index("period")
    assert (kpis.loc["2026Q2", "numerator"], kpis.loc["2026Q2", "n"]) == (5, 9)


def test_helpful_is_of_those_who_said_so(book):
    kpis = measure(book, metrics=[book.catalogue.metrics["knowledge_base_helpful_rate"]]).set_index("period")
    assert (kpis.loc["2026Q2", "numerator"], kpis.loc["2026Q2", "n"]) == (3, 4)


def test_a_visit_shortly_before_the_period_is_counted_in_it(open_company):
    sessions = "session_id,customer_id,started_at\nlast,a,2026-03-30T10:00:00\nfirst,a,2026-01-02T10:00:00\n"
    contacts = "contact_id,customer_id,started_at,outcome\nc,z,2026-01-01T10:00:00,answered\n"
    book = open_company({"help_sessions": sessions, "contacts": contacts}, "2026Q2")
    kpis = measure(book, metrics=[book.catalogue.metrics["self_service_rate"]]).set_index("period")
    assert (kpis.loc["2026Q2", "n"], kpis.loc["2026Q1", "n"]) == (1, 1)  # its days end on 2 April
