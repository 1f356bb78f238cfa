"""What a contact was: who dealt with it, how it ended, how long it took."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.metrics.measure import measure

HEADER = "contact_id,customer_id,started_at,direction,outcome,wait_seconds,talk_seconds,hold_seconds,"
HEADER += "wrap_up_seconds,handled_by,reached_agent,agent_id,team\n"
CONTACTS = (
    HEADER
    + """quick,a,2026-04-02T10:00:00,inbound,answered,20,100,20,30,agent,,ann,
late,b,2026-04-02T11:00:00,inbound,answered,21,200,,,agent,,bob,
unknown_wait,c,2026-04-02T12:00:00,inbound,answered,,60,,,agent,,nobody,back
short,d,2026-04-03T10:00:00,inbound,abandoned,20,,,,agent,,,
long,e,2026-04-03T11:00:00,inbound,abandoned,20.5,,,,agent,,,
recorded,f,2026-04-03T12:00:00,inbound,voicemail,60,,,,agent,,,
broken,g,2026-04-03T13:00:00,inbound,failed,5,,,,agent,,,
called,h,2026-04-04T10:00:00,outbound,answered,3,300,,60,agent,,ann,
not_in,h,2026-04-04T11:00:00,outbound,abandoned,30,,,,agent,,ann,
contained,i,2026-04-05T10:00:00,inbound,answered,0,30,,,bot,false,,
passed_on,j,2026-04-05T11:00:00,inbound,answered,10,90,,,bot,true,bob,
nobody_knows,k,2026-04-05T12:00:00,inbound,answered,1,10,,,bot,,,
by_rule,l,2026-04-05T13:00:00,inbound,answered,0,,,,workflow,false,,
"""
)
AGENTS = "agent_id,agent_name,team\nann,Ann,front\nbob,Bob,\n"


@pytest.fixture(scope="module")
def book(open_company):
    return open_company({"contacts": CONTACTS, "agents": AGENTS}, "2026Q2")


@pytest.fixture(scope="module")
def contacts(book) -> pd.DataFrame:
    return book.ask("select * from contacts").set_index("contact_id")


@pytest.fixture(scope="module")
def kpis(book) -> pd.DataFrame:
    service = [m for r in book.catalogue.metrics.values() if r.fact == "contacts" for m in r.all_variants()]
    measured = measure(book, metrics=[metric for metric in service if metric.family == "service"])
    return measured[measured["period"] == "2026Q2"].set_index(["metric", "variant"])


def having(contacts: pd.DataFrame, flag: str) -> set[str]:
    return set(contacts.index[contacts[flag].fillna(False).astype(bool)])


def test_outbound_and_failed_contacts_are_not_inbound(contacts):
    assert set(contacts.index) - having(contacts, "is_inbound") == {"broken", "called", "not_in"}


def test_offered_is_what_came_in_for_a_person(contacts):
    offered = {"quick", "late", "unknown_wait", "short", "long", "recorded", "passed_on"}
    assert having(contacts, "is_offered") == offered
    assert pd.isna(contacts.loc["nobody_knows", "is_offered"])
    assert not contacts.loc["contained", "is_offered"]


def test_handled_is_what_a_person_answered_in_either_direction(contacts):
    assert having(contacts, "is_handled") == {"quick", "late", "unknown_wait", "called", "passed_on"}


def test_twenty_seconds_exactly_are_in_time_and_a_short_abandon(contacts):
    assert having(contacts, "is_short_abandon") == {"short"}
    in_time = {"quick", "called", "contained", "passed_on", "nobody_knows", "by_rule"}
    assert having(contacts, "is_answered_in_time") == in_time
    assert pd.isna(contacts.loc["unknown_wait", "is_answered_in_time"])


def test_handling_is_talk_hold_and_wrap_up(contacts):
    handling = contacts["handling_seconds"]
    assert (handling["quick"], handling["late"], handling["called"]) == (150.0, 200.0, 360.0)
    assert pd.isna(handling["short"])


def test_the_team_is_the_agents_else_the_rows_own_else_none(contacts):
    assert contacts.loc["quick", "team"] == "front"
    assert contacts.loc["unknown_wait", "team"] == "back"  # an agent who is not in the table of agents
    assert pd.isna(contacts.loc["late", "team"])


@pytest.mark.parametrize(
    ("metric", "variant", "numerator", "denominator"),
    [
        # inbound: 13 − broken − 2 outbound = 10; answered: all but short, long, recorded
        ("response_rate", "default", 7, 10),
        # offered 7, less the one given up within 20 s, less the one whose wait nobody knows; quick and passed_on
        ("service_level", "default", 2, 5),
        ("service_level", "answered_only", 2, 3),  # quick, late, passed_on
        ("service_level", "of_offered", 2, 6),
        ("service_level", "abandoned_as_met", 3, 6),  # and short
        ("service_level", "short_abandons_out", 2, 4),  # without recorded
        ("abandonment_rate", "default", 2, 7),
        # of the ten inbound nobody knows of one; contained and by_rule
        ("automation_rate", "default", 2, 9),
        ("bot_containment_rate", "default", 1, 2),  # contained; passed_on is not, nobody_knows is left out
    ],
)
def test_shares_of_contacts(kpis, metric, variant, numerator, denominator):
    row = kpis.loc[(metric, variant)]
    assert (row["numerator"], row["n"]) == (numerator, denominator)
    assert row["value"] == pytest.approx(numerator / denominator)


def test_handling_time_counts_what_people_handled(kpis):
    # quick 150, late 200, unknown_wait 60, called 360, passed_on 90: mean 172, median 150
    assert kpis.loc[("handling_time", "default"), "value"] == pytest.approx(172)
    assert kpis.loc[("handling_time", "median"), "value"] == pytest.approx(150)
    # 90th percentile: place 0.9 · 4 = 3.6 between 200 and 360 → 200 + 0.6 · 160 = 296
    assert kpis.loc[("handling_time", "p90"), "value"] == pytest.approx(296)


def test_response_time_counts_the_inbound_that_were_answered(kpis):
    # quick 20, late 21, contained 0, passed_on 10, nobody_knows 1, by_rule 0: 52 / 6
    row = kpis.loc[("response_time", "default")]
    assert (row["n"], row["value"]) == (6, pytest.approx(52 / 6))
    assert kpis.loc[("response_time", "elapsed"), "value"] == pytest.approx(
        52 / 6
    )  # no working hours are set


def test_there_are_thirteen_contacts_and_ten_are_inbound(kpis, contacts):
    assert len(contacts) == 13
    assert kpis.loc[("inbound_contacts", "default"), "value"] == 10


def test_a_message_of_friday_evening_waits_no_longer_than_the_office_is_open(open_company):
    # New York is at UTC−5 until Sunday 8 March 2026, then at UTC−4; open Monday to Friday 9 to 17.
    # Friday 6 March 16:30 to Monday 9 March 9:15: 30 min + 15 min; by the clock 64 h 45 min less the hour skipped.
    rows = """contact_id,started_at,outcome,wait_seconds
weekend,2026-03-06T16:30:00,answered,229500
inside,2026-03-06T10:00:00,answered,90
closed,2026-03-07T10:00:00,answered,60
"""
    hours = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), "09:00-17:00")
    settings = {"time_zone": "America/New_York", "working_hours": hours}
    book = open_company({"contacts": rows}, "2026Q1", **settings)
    found = book.ask("select * from contacts").set_index("contact_id")
    assert found["response_seconds"].to_dict() == {"weekend": 45 * 60, "inside": 90, "closed": 0}
    assert found.loc["weekend", "response_elapsed_seconds"] == 63.75 * 3600
