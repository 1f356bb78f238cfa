"""Who answers several times counts once; one record measures every item asked; net shares, on a few typed answers."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.catalogue import Metric
from analysis.metrics.measure import measure

WORDS = {"name": {"en": "w", "zh": "等"}, "meaning": {"en": "w", "zh": "等"}, "unit": "score", "better": "up"}
QUESTIONS = """question_id,construct,item,scale_min,scale_max
q_nps,nps,,0,10
q_whole,csat,,1,5
q_speed,csat,response_speed,1,5
q_odd,csat,it's odd,1,5"""
SURVEYS = """survey_id,customer_id,sent_at,kind
s1,a,2026-04-01,relationship
s2,a,2026-05-01,relationship
s3,a,2026-06-01,transactional
s4,b,2026-04-01,relationship
s5,c,2026-04-01,relationship
s6,,2026-04-01,relationship
s7,,2026-04-01,relationship
s0,a,2026-01-05,relationship"""
# a: 9, then 3, then 10 after a contact; b: 10; c: 7 and 2 at one instant, in s5 and s8; two who stayed unnamed.
ANSWERS = """survey_id,question_id,customer_id,answered_at,score
s1,q_nps,a,2026-04-02,9
s2,q_nps,a,2026-05-02,3
s3,q_nps,a,2026-06-02,10
s4,q_nps,b,2026-04-03,10
s5,q_nps,c,2026-04-04,7
s8,q_nps,c,2026-04-04,2
s6,q_nps,,2026-04-05,9
s7,q_nps,,2026-04-05,8
s0,q_nps,a,2026-01-06,10
s1,q_whole,a,2026-04-02,5
s2,q_whole,a,2026-05-02,2
s1,q_speed,a,2026-04-02,1
s2,q_speed,a,2026-05-02,4
s4,q_speed,b,2026-04-03,5
s4,q_odd,b,2026-04-03,2"""
TABLES = {"questions": QUESTIONS, "surveys": SURVEYS, "answers": ANSWERS}


@pytest.fixture(scope="module")
def book(open_company):
    return open_company(TABLES, "2026Q2")


@pytest.fixture(scope="module")
def kpis(book):
    return measure(book, ["survey_kind", "item"])


def figure(kpis, metric, variant="default", period="2026Q2", by=None, group=None):
    rows = kpis[(kpis["metric"] == metric) & (kpis["variant"] == variant) & (kpis["period"] == period)]
    rows = rows[rows["by"].isna()] if by is None else rows[(rows["by"] == by) & (rows["group"] == group)]
    assert len(rows) == 1, (metric, variant, by, group, len(rows))
    return rows.iloc[0]


def test_only_the_last_answer_of_a_customer_counts(kpis):
    # a 3, b 10, c 2 (the later survey of two at one instant), 9 and 8 of two unknown: (2 − 2) / 5
    row = figure(kpis, "nps")
    assert (row["value"], row["n"], row["numerator"]) == (0.0, 5, 0.0)


def test_a_row_the_metric_does_not_count_displaces_none(kpis):
    # the answer after a contact is a's last, but of another kind
    assert figure(kpis, "nps", "transactional")["n"] == 1
    assert figure(kpis, "nps", by="survey_kind", group="relationship")["n"] == 5


def test_each_window_has_its_own_last_answers(kpis):
    # s0 is a's last answer of the first quarter, whatever he said later
    row = figure(kpis, "nps", period="2026Q1")
    assert (row["value"], row["n"]) == (100.0, 1)


def test_metrics_that_count_every_row_are_not_disturbed(kpis):
    # 9 3 10 7 2 9 8: three promoters, two detractors of seven
    row = figure(kpis, "nps", "all_answers")
    assert (row["value"], row["n"]) == (pytest.approx(100 * (3 - 2) / 7), 7)


def test_a_net_share_has_the_interval_of_the_adjusted_wald_method(kpis):
    # 5 answers, net 0, 4 not neutral; plus ¾ + ¾ + 1½: centre 0, variance (4 + 1.5) / 8, error sqrt(0.6875 / 8)
    row = figure(kpis, "nps")
    error = 100 * (0.6875 / 8) ** 0.5
    assert row["standard_error"] == pytest.approx(error)
    assert (row["low"], row["high"]) == (
        pytest.approx(-1.959964 * error, rel=1e-6),
        pytest.approx(1.959964 * error, rel=1e-6),
    )
    # one promoter: 1 / 4 ± 1.96 · sqrt((2.5 / 4 − 1 / 16) / 4) = 0.25 ± 0.735, not beyond 100
    row = figure(kpis, "nps", period="2026Q1")
    assert (row["low"], row["high"]) == (pytest.approx(-48.4987, abs=1e-3), 100.0)


def test_one_record_measures_every_item_in_the_order_of_their_names(book):
    # in the catalogue after satisfaction as a whole; “overall” is no item of its own
    names = [name for name in book.catalogue.metrics if name.startswith("csat")]
    assert names == ["csat", "csat.it's odd", "csat.response_speed"]
    metric = book.catalogue.named("csat.response_speed.mean_score")
    assert (metric.id, metric.variant) == ("csat.response_speed", "mean_score")
    assert metric.name.en.endswith(": Speed of response")
    assert metric.name.zh.endswith("：响应速度")


def test_each_item_is_measured_by_itself(kpis):
    # speed: a's last 4, b's 5; the odd one: b's 2; on the whole: a's last 2
    assert (figure(kpis, "csat.response_speed")["value"], figure(kpis, "csat.response_speed")["n"]) == (
        1.0,
        2,
    )
    assert figure(kpis, "csat.response_speed", "mean_score")["value"] == 4.5
    assert (figure(kpis, "csat.it's odd")["value"], figure(kpis, "csat.it's odd")["n"]) == (0.0, 1)
    assert (figure(kpis, "csat")["value"], figure(kpis, "csat")["n"]) == (0.0, 1)
    assert figure(kpis, "csat.response_speed", by="item", group="response_speed")["n"] == 2


def test_where_no_such_rows_can_be_there_is_no_such_metric(open_company):
    book = open_company({"surveys": SURVEYS}, "2026Q2")
    assert "csat.response_speed" not in book.catalogue.metrics
    assert figure(measure(book), "csat")["reason"] == "table_absent|answers;table_absent|questions"


def test_the_last_rows_of_other_facts_and_in_ranked_scans(open_company):
    tickets = """ticket_id,customer_id,opened_at,waiting_seconds
t1,a,2026-04-02,100
t2,a,2026-05-02,2
t3,b,2026-04-02,8
t4,b,2026-04-02,4"""
    book = open_company({"tickets": tickets}, "2026Q2")
    shared = {"family": "service", "fact": "tickets", "at": "opened_at", "of": "waiting_seconds", **WORDS}
    last = Metric(id="last", kind="mean", last_per=("customer_id",), **shared)
    middle = Metric(id="middle", kind="quantile", quantile=0.5, last_per=("customer_id",), **shared)
    first = Metric(id="long", kind="mean", last_per=("customer_id",), where="waiting_seconds > 50", **shared)
    kpis = measure(book, metrics=[last, middle, first, Metric(id="all", kind="mean", **shared)])
    assert figure(kpis, "last")["value"] == (2 + 4) / 2  # t2, and t4: two at one instant go by their id
    assert figure(kpis, "middle")["value"] == 3.0
    assert figure(kpis, "long")["value"] == 100.0  # the last of those that wait long
    assert figure(kpis, "all")["value"] == (100 + 2 + 8 + 4) / 4


def test_changes_of_quantiles_are_sure_where_intervals_do_not_touch(open_company):
    from analysis.metrics.compare import compare

    # the first quarter waits 1 … 20, the second 101 … 120
    rows = [f"t{n},2026-0{2 + 3 * (n > 20)}-10,{n if n <= 20 else 80 + n}" for n in range(1, 41)]
    book = open_company({"tickets": "\n".join(["ticket_id,opened_at,waiting_seconds", *rows])}, "2026Q2")
    shared = {"family": "service", "fact": "tickets", "at": "opened_at", "of": "waiting_seconds"}
    metric = Metric(id="middle", kind="quantile", quantile=0.5, **shared, **WORDS | {"better": "down"})
    kpis = measure(book, metrics=[metric])
    changes = compare(kpis, [("2026Q2", "2026Q1", "previous", 91, 90)], [metric])
    [change] = changes.to_dict("records")
    assert (change["value"], change["base_value"], change["verdict"]) == (110.5, 10.5, "worse")
    # the ranks 6 and 15 of 20: 106 … 115 against 6 … 15
    assert (change["difference_low"], change["difference_high"]) == (106 - 15, 115 - 6)
    assert np.isnan(change["p_value"])
