"""What passed between a customer and the company's service in each window, and what agents handled."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.metrics.measure import measure

ORDERS = """order_id,customer_id,ordered_at,amount
1,calls,2026-01-10T10:00:00,10
2,calls,2026-05-10T10:00:00,10
3,reads,2026-06-01T10:00:00,10
4,reads,2026-06-02T10:00:00,10
5,reads,2026-06-03T10:00:00,10
6,happy,2026-06-01T10:00:00,10
7,cross,2026-06-01T10:00:00,10
8,gone,2025-05-01T10:00:00,10
"""
CONTACTS = """contact_id,customer_id,started_at,direction,outcome,agent_id,handled_by
1,calls,2026-03-31T23:59:59,inbound,answered,ann,agent
2,calls,2026-04-01T00:00:00,inbound,answered,ann,agent
3,calls,2026-06-30T23:59:59,inbound,abandoned,,agent
4,calls,2026-05-01T10:00:00,outbound,answered,bob,agent
5,calls,2026-05-01T11:00:00,inbound,failed,bob,agent
6,gone,2026-05-02T10:00:00,inbound,answered,ann,agent
7,stranger,2026-05-02T11:00:00,inbound,answered,ann,agent
8,,2026-05-02T12:00:00,inbound,answered,,agent
9,reads,2026-05-02T13:00:00,inbound,answered,eve,bot
"""
SESSIONS = """session_id,customer_id,started_at,views
1,reads,2026-04-01T00:00:00,2
2,reads,2026-04-02T00:00:00,3
3,gone,2026-04-02T00:00:00,7
"""
SURVEYS = """survey_id,customer_id,sent_at
s1,happy,2026-04-02T10:00:00
s2,happy,2026-05-02T10:00:00
s3,cross,2026-05-02T10:00:00
s4,calls,2026-05-02T10:00:00
s5,gone,2026-05-02T10:00:00
"""
QUESTIONS = """question_id,construct,item,scale_min,scale_max
whole,csat,,1,5
speed,csat,response_speed,1,5
again,loyalty,,1,6
"""
# happy came round: 2, then 5. cross ended badly: 5, then 3, whatever he says of speed and of buying again.
ANSWERS = """survey_id,question_id,answered_at,score
s1,whole,2026-04-03T10:00:00,2
s2,whole,2026-05-03T10:00:00,5
s2,again,2026-05-03T10:00:00,6
s3,whole,2026-05-03T10:00:00,5
s3b,whole,2026-05-04T10:00:00,3
s3,speed,2026-06-04T10:00:00,5
s3,again,2026-05-03T10:00:00,1
s4,speed,2026-05-05T10:00:00,4
s5,whole,2026-05-03T10:00:00,5
"""


@pytest.fixture(scope="module")
def book(open_company):
    surveys = SURVEYS + "s3b,cross,2026-05-03T10:00:00\n"
    tables = {"contacts": CONTACTS, "help_sessions": SESSIONS, "surveys": surveys, "answers": ANSWERS}
    costs = "spent_on,kind,amount\n2026-05-01,service,30\n2026-05-01,sales,1000\n"
    settings = {"activity_window_days": 90, "gross_margin": 0.5}
    return open_company(
        {"orders": ORDERS, "costs": costs, "questions": QUESTIONS} | tables, "2026Q2", **settings
    )


@pytest.fixture(scope="module")
def care(book) -> pd.DataFrame:
    return book.ask("select * from customer_care where period = '2026Q2'").set_index("customer_id")


def figure(book, metric: str, variant: str = "default") -> tuple[float, int]:
    kpis = measure(book, metrics=[book.catalogue.metric(metric, variant)]).set_index("period")
    return kpis.loc["2026Q2", "value"], kpis.loc["2026Q2", "n"]


def test_every_customer_of_the_window_has_one_row(book, care):
    whole = book.ask("select count(*) as n from customer_periods where period = '2026Q2'")["n"].item()
    assert len(care) == care.index.nunique() == whole == 5


def test_contacts_fall_into_their_windows_and_only_inbound_ones_count(book, care):
    assert care["inbound_contacts"].to_dict() == {"calls": 2, "reads": 1, "happy": 0, "cross": 0, "gone": 1}
    earlier = book.ask("select * from customer_care where period = '2026Q1'").set_index("customer_id")
    assert earlier.loc["calls", "inbound_contacts"] == 1  # the last second of March


def test_visits_and_questionnaires_are_counted(care):
    assert (care.loc["reads", "help_sessions"], care.loc["reads", "help_views"]) == (2, 5)
    assert care["surveys_sent"].to_dict() == {"calls": 1, "reads": 0, "happy": 2, "cross": 2, "gone": 1}
    assert care["was_asked"].to_dict() == {
        "calls": True, "reads": False, "happy": True, "cross": True, "gone": True,
    }  # fmt: skip


def test_the_last_answer_on_the_whole_decides_who_is_satisfied(care):
    assert care["csat_is_satisfied"].dropna().to_dict() == {"happy": True, "cross": False, "gone": True}
    assert (
        care.loc["calls", "has_answered"] and not care.loc["reads", "has_answered"]
    )  # calls: on speed alone


def test_customers_who_called_again(book):
    # of calls, reads and gone only calls did so twice; 2 + 1 + 1 contacts
    assert figure(book, "return_contact_rate") == (pytest.approx(1 / 3), 3)
    assert figure(book, "return_contact_rate", "contacts_per_caller") == (pytest.approx(4 / 3), 3)


def test_use_of_the_knowledge_base_is_of_the_customers_active_at_the_end(book):
    # active on 1 July: calls, reads, happy, cross
    assert figure(book, "knowledge_base_use_rate") == (pytest.approx(1 / 4), 4)
    assert figure(book, "knowledge_base_use_rate", "views_per_customer") == (pytest.approx(5 / 4), 4)


def test_loyal_is_who_is_frequent_or_satisfied(book):
    # of the four: reads ordered three times, happy is satisfied; cross is neither, calls has not said
    assert figure(book, "loyalty_index") == (pytest.approx(2 / 4), 4)
    assert figure(book, "loyalty_index", "as_printed") == (pytest.approx(1 / 4 + 1 / 4), 4)
    assert figure(book, "loyalty_index", "surveyed_only") == (pytest.approx(1 / 2), 2)  # happy, not cross
    # 6 of 1–6 is 1, 1 of 1–6 is 0
    assert figure(book, "loyalty_index", "survey_mean") == (pytest.approx(0.5), 2)


def test_as_printed_counts_twice_who_is_frequent_and_satisfied(open_company):
    orders = "order_id,customer_id,ordered_at,amount\n" + "".join(
        f"{n},a,2026-06-0{n}T10:00:00,1\n" for n in (1, 2, 3)
    )
    answers = "survey_id,question_id,customer_id,answered_at,score\ns,whole,a,2026-06-09T10:00:00,4\n"
    book = open_company({"orders": orders, "answers": answers, "questions": QUESTIONS}, "2026Q2")
    assert figure(book, "loyalty_index")[0] == 1
    assert figure(book, "loyalty_index", "as_printed")[0] == 2


def test_contacts_per_agent_is_of_agents_who_handled_any(book):
    # ann: contacts 2, 6 and 7 of the quarter; bob: the outbound one; eve is a bot's name, and contact 8 is no one's
    rows = book.ask("select * from agent_periods where period = '2026Q2'").set_index("agent_id")
    assert rows["handled_contacts"].to_dict() == {"ann": 3, "bob": 1}
    assert figure(book, "contacts_per_agent") == (pytest.approx(2.0), 2)


def test_costs_and_contacts_per_customer(book):
    from analysis.suite.everything import kpis_by

    kpis = kpis_by(book, "customer_status")
    whole = kpis[(kpis["period"] == "2026Q2") & kpis["by"].isna() & (kpis["variant"] == "default")]
    values = whole.set_index("metric")["value"]
    # inbound of the quarter: 2, 3, 6, 7, 8, 9; service cost 30; four customers at the end; revenue 6 × 10
    assert values["inbound_contacts"] == 6
    assert values["service_cost"] == 30
    assert values["cost_per_contact"] == pytest.approx(30 / 6)
    assert values["contacts_per_customer"] == pytest.approx(6 / 4)
    assert values["unit_contribution"] == pytest.approx((60 * 0.5 - 30) / 4)


def test_overlapping_windows_share_days(open_company):
    # A quarter that is still running is compared with as many days of earlier ones, which lie in whole ones.
    days = [str(day.date()) for day in pd.date_range("2026-01-02", "2026-04-30", freq="7D")]
    orders = "order_id,customer_id,ordered_at,amount\n" + "".join(f"{day},a,{day},1\n" for day in days)
    contacts = "contact_id,customer_id,started_at,outcome\n1,a,2026-01-05T10:00:00,answered\n"
    book = open_company(
        {"orders": orders, "contacts": contacts}, "2026Q2", data_through=pd.Timestamp("2026-04-30").date()
    )
    assert book.window.is_partial
    windows = set(book.ask("select period from window_days where day = date '2026-01-05'")["period"])
    assert len(windows) == 2  # 2026Q1 and its first 30 days
    found = book.ask("select period, inbound_contacts from customer_care where inbound_contacts > 0")
    assert set(found["period"]) == windows


@pytest.mark.parametrize(("item", "n", "value"), [("delivery", 0, None), ("", 4, 0.25)])
def test_where_nobody_was_asked_how_satisfied_he_is_overall_nobody_counts_as_not(
    open_company, item, n, value
):
    # at the end of the quarter four are customers, one of whom answered; with a question on delivery alone, nobody did
    tables = {
        "orders": ORDERS,
        "answers": "survey_id,question_id,customer_id,answered_at,score\ns1,q,calls,2026-05-02T10:00:00,5\n",
        "questions": f"question_id,construct,item,scale_min,scale_max\nq,csat,{item},1,5\n",
    }
    book = open_company(tables, "2026Q2", activity_window_days=90)
    [metric] = [
        one for one in book.catalogue.metrics["csat"].all_variants() if one.variant == "over_all_customers"
    ]
    row = measure(book, [], [metric]).set_index("period").loc["2026Q2"]
    assert row["n"] == n
    assert (None if pd.isna(row["value"]) else row["value"]) == value
