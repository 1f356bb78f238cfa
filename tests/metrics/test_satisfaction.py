"""The satisfaction family on a few typed answers, with the expected values worked out by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.catalogue import load_catalogue
from analysis.facts import Book
from analysis.suite.everything import kpis_by

QUESTIONS = """question_id,construct,item,dimension,scale_min,scale_max
whole,csat,,,1,5
whole7,csat,,,1,7
attitude,csat,service_attitude,,1,5
speed,csat,response_speed,,1,5
recommend,nps,,,0,10
easy,ces,,,1,7
effort,ces_v1,,,1,5
a1,acsi,,,1,10
a2,acsi,,,1,10
a3,acsi,,,1,10
e1,servqual_expectation,clean,tangibles,1,7
p1,servqual_perception,clean,tangibles,1,7
e2,servqual_expectation,kept,reliability,1,7
p2,servqual_perception,kept,reliability,1,7
e3,servqual_expectation,early,reliability,1,7
p3,servqual_perception,early,reliability,1,7
"""
# Customers a to e bought; f never did. r… about the relationship, t… after a contact.
SURVEYS = """survey_id,customer_id,sent_at,answered_at,kind
r1,a,2026-04-02,2026-04-03,relationship
r2,a,2026-05-02,2026-05-03,relationship
r3,b,2026-04-02,2026-04-03,relationship
r4,c,2026-04-02,2026-05-20,relationship
r5,,2026-04-02,2026-04-03,relationship
t1,a,2026-05-10,2026-05-11,transactional
t2,d,2026-05-10,,transactional
r6,d,2026-06-20,,relationship
"""
ANSWERS = {
    "r1": {"whole": 2, "recommend": 0, "easy": 7},
    "r2": {"whole": 5, "recommend": 9, "attitude": 5, "easy": 5, "a1": 10, "a2": 10, "a3": 10},
    "r3": {"whole": 4, "recommend": 6, "attitude": 3, "easy": 4, "a1": 1, "a2": 4, "a3": 4},
    "r4": {"whole": 3, "recommend": 8, "speed": 4, "effort": 2, "a1": 10, "a2": 10},
    "r5": {"whole7": 6, "recommend": 10, "effort": 3, "e1": 7, "p1": 4, "e2": 5, "p2": 6, "e3": 5, "p3": 5},
    "t1": {"recommend": 10, "easy": 6},
}
ORDERS = "order_id,customer_id,ordered_at,amount\n" + "".join(
    f"{number},{customer},2026-05-01,10\n" for number, customer in enumerate("abcde")
)
CONTACTS = """contact_id,customer_id,started_at,direction,outcome,is_complaint
1,a,2026-04-05,inbound,answered,true
2,a,2026-04-06,inbound,abandoned,false
3,b,2026-04-07,inbound,answered,false
4,b,2026-04-08,inbound,answered,true
5,b,2026-04-09,outbound,answered,true
6,b,2026-07-01,inbound,answered,true
"""
TICKETS = """ticket_id,opened_at,is_complaint,severity
1,2026-04-05,true,2
2,2026-04-05,true,5
3,2026-04-05,true,
4,2026-04-05,false,1
"""
MENTIONS = """mention_id,published_at,sentiment
1,2026-04-05,positive
2,2026-04-05,positive
3,2026-04-05,negative
4,2026-04-05,neutral
"""


def answers_text() -> str:
    rows = [
        f"{survey},{question},{score}"
        for survey, given in ANSWERS.items()
        for question, score in given.items()
    ]
    return "\n".join(["survey_id,question_id,score", *rows]) + "\n"


TABLES = {
    "questions": QUESTIONS, "surveys": SURVEYS, "answers": answers_text(), "orders": ORDERS, "contacts": CONTACTS,
    "tickets": TICKETS, "mentions": MENTIONS,
}  # fmt: skip


def measured(book: Book) -> pd.DataFrame:
    """The period's rows, with what is derived from them."""
    kpis = kpis_by(book, "survey_kind")
    return kpis[kpis["period"] == "2026Q2"]


@pytest.fixture(scope="module")
def kpis(open_company) -> pd.DataFrame:
    return measured(open_company(TABLES, "2026Q2"))


def figure(kpis, metric, variant="default", group=None):
    rows = kpis[(kpis["metric"] == metric) & (kpis["variant"] == variant)]
    rows = rows[rows["by"].isna()] if group is None else rows[rows["group"] == group]
    assert len(rows) == 1, (metric, variant, group, len(rows))
    return rows.iloc[0]


@pytest.mark.parametrize(
    ("metric", "variant", "value", "n"),
    [
        # a's last answer 5, b 4, c 3, the anonymous 6 of 7; a's 2 of April is older
        ("csat", "default", 3 / 4, 4),
        ("csat", "mean_score", (5 + 4 + 3 + (1 + 4 * 5 / 6)) / 4, 4),
        ("csat", "top_box", 1 / 4, 4),
        ("csat", "all_answers", 3 / 5, 5),
        ("csat", "over_all_customers", 2 / 5, 5),  # a and b of a to e
        ("csat.service_attitude", "default", 1 / 2, 2),
        ("csat.response_speed", "default", 1.0, 1),
        ("csat.service_attitude", "mean_score", 4.0, 2),
        # relationship: a 9, b 6, c 8, anonymous 10; a's 10 after a contact is another matter
        ("nps", "default", 100 * (2 - 1) / 4, 4),
        ("nps", "transactional", 100.0, 1),
        ("nps", "fraction", (2 - 1) / 4, 4),
        ("nps", "all_answers", 100 * (2 - 2) / 5, 5),
        ("ces", "default", 1 / 2, 2),  # a's last is 6 (after a contact), b 4
        ("ces", "mean_score", 5.0, 2),
        ("ces", "strict", 1 / 2, 2),
        ("ces", "v1", 1 / 2, 2),  # effort 2 and 3
        ("ces", "all_answers", 3 / 4, 4),  # 7, 5, 4, 6
        ("acsi_style", "default", (100 + 100 * (0 + 3 + 3) / 27) / 2, 2),  # c left one out
        ("servqual_gap", "default", (-3 + 1 / 2) / 2, 1),  # tangibles −3, reliability (1 + 0) / 2
        ("servqual_gap", "items", (-3 + 1 + 0) / 3, 1),
        ("servqual_gap", "weighted", (-3 + 1 / 2) / 2, 1),  # no weights given: all alike
        ("servqual_gap", "servperf", 5.0, 1),
        # in time r1, r2, r3, r5 and t1; not r4 and t2; r6 was sent on 20 June, still open on 1 July
        ("survey_response_rate", "default", 5 / 7, 7),
        ("survey_coverage", "default", 4 / 5, 5),  # a to d of a to e
        ("complaint_rate", "default", 2 / 4, 4),  # of inbound contacts
        ("complaints", "default", 2.0, 2),
        ("complaint_severity", "default", 3.5, 2),
        ("social_sentiment", "default", 100 * (2 - 1) / 4, 4),
    ],
)
def test_values_worked_out_by_hand(kpis, metric, variant, value, n):
    row = figure(kpis, metric, variant)
    assert row["value"] == pytest.approx(value)
    assert row["n"] == n


def test_complaints_per_customer_and_per_order_are_derived_from_counts(kpis):
    assert figure(kpis, "complaint_rate", "per_customer")["value"] == pytest.approx(2 / 5)
    assert figure(kpis, "complaint_rate", "per_order")["value"] == pytest.approx(2 / 5)


def test_relationship_and_contact_surveys_are_never_pooled_in_nps(kpis):
    assert figure(kpis, "nps", group="relationship")["n"] == 4
    assert figure(kpis, "nps", "transactional", group="transactional")["n"] == 1
    assert not (
        (kpis["metric"] == "nps") & (kpis["variant"] == "default") & (kpis["group"] == "transactional")
    ).any()


def test_every_metric_of_the_plan_is_there_under_every_variant():
    planned = {
        "csat": {"mean_score", "top_box", "over_all_customers", "all_answers"},
        "nps": {"transactional", "fraction", "all_answers"}, "ces": {"mean_score", "strict", "v1"},
        "acsi_style": set(), "servqual_gap": {"items", "weighted", "servperf"}, "survey_response_rate": set(),
        "survey_coverage": set(), "complaint_rate": {"per_customer", "per_order"}, "complaint_severity": set(),
        "social_sentiment": set(),
    }  # fmt: skip
    metrics = load_catalogue().metrics
    for name, variants in planned.items():
        assert metrics[name].family == "satisfaction"
        assert variants <= set(metrics[name].variants), name


def test_an_item_is_a_metric_of_its_own_with_a_name_in_both_languages(open_company):
    catalogue = open_company(TABLES, "2026Q2").catalogue
    items = [m for m in catalogue.families["satisfaction"] if m.id.startswith("csat.")]
    assert [m.id for m in items] == ["csat.response_speed", "csat.service_attitude"]
    assert items[1].name.zh == "分项满意度：服务态度" and items[1].name.en == "Satisfaction: Service attitude"
    assert catalogue.named("csat.mean_score").variant == "mean_score"


def test_without_surveys_what_can_be_said_is_said(open_company):
    dated = "survey_id,question_id,answered_at,score\n1,recommend,2026-05-01,9\n2,recommend,2026-05-01,3\n"
    kpis = measured(open_company({"questions": QUESTIONS, "answers": dated}, "2026Q2"))
    assert figure(kpis, "nps")["value"] == 0.0  # one promoter, one detractor
    assert figure(kpis, "nps", "transactional")["reason"] == "table_absent|surveys"
    assert figure(kpis, "survey_response_rate")["reason"] == "table_absent|surveys"
    assert figure(kpis, "csat")["reason"] == "no_rows"


def test_no_gap_is_wider_than_the_scale_it_was_asked_on(open_company):
    # Two customers on 1–5: gaps −4 and 0, mean −2 ± 12.7·2; perceptions 1 and 5, mean 3 ± 12.7·2.
    questions = "question_id,construct,item,scale_min,scale_max\n" + "".join(
        f"{name},{construct},clean,1,5\n" for name, construct in
        (("e", "servqual_expectation"), ("p", "servqual_perception"))
    )  # fmt: skip
    answers = "survey_id,question_id,answered_at,score\n" + "".join(
        f"{survey},{question},2026-05-01,{score}\n" for survey, question, score in
        ((1, "e", 5), (1, "p", 1), (2, "e", 5), (2, "p", 5))
    )  # fmt: skip
    kpis = measured(open_company({"questions": questions, "answers": answers}, "2026Q2"))
    for variant, wanted in (("default", (-2, -4, 4)), ("items", (-2, -4, 4)), ("servperf", (3, 1, 5))):
        assert tuple(figure(kpis, "servqual_gap", variant)[["value", "low", "high"]]) == wanted


NO_ANSWERS = "survey_id,question_id,answered_at,score\n"


def test_nobody_answered_and_nothing_is_measured(open_company):
    kpis = measured(open_company({"questions": QUESTIONS, "answers": NO_ANSWERS}, "2026Q2"))
    assert figure(kpis, "nps")["status"] == "not_measured"
    assert figure(kpis, "acsi_style")["status"] == "not_measured"


def test_bands_of_recommendation_part_at_nought():
    nps = load_catalogue().metrics["nps"]
    assert nps.bands == {"poor": 0, "fair": 0}
    assert nps.unit == "score"  # −100 to 100 is no percentage
