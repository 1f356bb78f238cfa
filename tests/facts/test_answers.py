"""Answers that count: on the scale, to a known question, turned where reversed, by whom and when."""

from __future__ import annotations

import pandas as pd
import pytest

QUESTIONS = """question_id,construct,item,scale_min,scale_max,reversed
whole,csat,,1,5,false
seven,csat,,1,7,false
ten,csat,overall,1,10,false
percent,csat,,0,100,false
four,csat,,1,4,false
rude,csat,service_attitude,1,5,true
recommend,nps,,0,10,false
recommend_ten,nps,,1,10,false
easy,ces,,1,7,false
effort,ces_v1,,1,5,true
words,comment,,0,1,false
"""


@pytest.fixture
def answers(open_company):
    """The fact, by survey and question, for answers given as (survey, question, day, score, comment)."""

    def asked(rows: list[tuple], surveys: str | None = None, **tables: str) -> pd.DataFrame:
        lines = [",".join(map(str, row)) for row in rows]
        text = "\n".join(["survey_id,question_id,answered_at,score,comment", *lines]) + "\n"
        given = {"surveys": surveys} if surveys else {}
        book = open_company({"answers": text, "questions": QUESTIONS} | given | tables, "2026Q2")
        return book.ask("select * from answers").set_index(["survey_id", "question_id"]).sort_index()

    return asked


def test_satisfied_begins_at_four_of_five_six_of_seven_nine_of_ten_and_eighty_of_a_hundred(answers):
    edges = {"whole": (3, 4), "seven": (5, 6), "ten": (8, 9), "percent": (79, 80)}
    rows = [
        (f"s{number}", question, "2026-05-01", score, "")
        for question, scores in edges.items()
        for number, score in enumerate(scores)
    ]
    found = answers(rows)["is_satisfied"]
    for question in edges:
        assert [bool(found["s0", question]), bool(found["s1", question])] == [False, True], question


def test_on_a_scale_nobody_knows_nobody_is_satisfied_or_not(answers):
    found = answers([("s", "four", "2026-05-01", 4, "")])
    assert found["is_satisfied"].isna().all()
    assert found["score_share"].tolist() == [1.0]


def test_promoters_begin_at_nine_and_detractors_end_at_six_of_zero_to_ten_only(answers):
    rows = [(f"s{score}", "recommend", "2026-05-01", score, "") for score in (0, 6, 7, 8, 9, 10)]
    found = answers([*rows, ("x", "recommend_ten", "2026-05-01", 10, "")]).droplevel("question_id")
    assert set(found.index[found["is_promoter"].fillna(False).astype(bool)]) == {"s9", "s10"}
    assert set(found.index[found["is_detractor"].fillna(False).astype(bool)]) == {"s0", "s6"}
    assert pd.isna(found.loc["x", "is_promoter"]) and pd.isna(found.loc["x", "is_detractor"])


def given_to_recommend(*scores: int) -> list[tuple]:
    return [(f"s{n}", "recommend", "2026-05-01", score, "") for n, score in enumerate(scores)]


@pytest.mark.parametrize(
    ("scores", "is_known"),
    [
        ([1, 2, 3, 4, 5] * 6, False),  # thirty answers of a scale from 1 to 5
        ([1, 2, 3, 4, 5] * 5 + [1, 2, 3, 4], True),  # one less may be chance
        ([1, 2, 3, 4, 5] * 6 + [6], True),
        ([0, 2, 3, 4, 5] * 6, True),
        ([4, 5] * 15, True),  # two values may be two opinions
        ([70, 80, 100] * 10 + [9] * 29, False),  # of a scale to 100, most of them beyond 10
        ([70, 80, 100] * 10 + [9] * 30, True),  # as many slips as answers
    ],
)
def test_of_a_question_asked_on_another_scale_than_is_said_nobody_is_promoter_or_detractor(
    answers, scores, is_known
):
    found = answers([*given_to_recommend(*scores), ("w", "whole", "2026-05-01", 5, "")])
    recommended = found.xs("recommend", level="question_id")
    assert recommended["is_promoter"].notna().all() == is_known
    assert recommended["is_detractor"].notna().all() == is_known
    assert recommended["is_promoter"].notna().any() == is_known
    assert recommended["score"].between(0, 10).all()  # the answers themselves stay
    assert bool(found.loc[("w", "whole"), "is_satisfied"])  # and so do those to other questions


def test_a_reversed_question_is_turned_and_effort_is_not(answers):
    found = answers([("s", "rude", "2026-05-01", 2, ""), ("s", "effort", "2026-05-01", 2, "")])
    assert found.loc[("s", "rude"), "score"] == 4  # 1 + 5 − 2
    assert bool(found.loc[("s", "rude"), "is_satisfied"])
    assert found.loc[("s", "effort"), "score"] == 2  # little effort, whatever `reversed` says


def test_what_lies_outside_the_scale_or_belongs_to_no_question_does_not_count(answers):
    found = answers([
        ("s", "whole", "2026-05-01", 6, ""), ("s", "seven", "2026-05-01", 0, ""),
        ("s", "forgotten", "2026-05-01", 5, ""), ("s", "percent", "2026-05-01", 100, ""),
    ])  # fmt: skip
    assert list(found.index) == [("s", "percent")]


def test_an_empty_answer_is_none_and_words_without_a_score_are_one(answers):
    found = answers([("s", "whole", "2026-05-01", "", " "), ("s", "words", "2026-05-01", "", " too slow ")])
    assert list(found.index) == [("s", "words")]
    assert found["comment"].tolist() == ["too slow"]
    assert found["score"].isna().all()


SURVEYS = """survey_id,customer_id,sent_at,answered_at,kind,journey_stage,touchpoint,ticket_id
known,a,2026-04-01,2026-04-05,transactional,use,hotline,t1
nobody,,2026-04-01,2026-04-06,relationship,,,t2
"""


def test_the_questionnaire_says_who_when_and_what_kind(answers):
    tickets = "ticket_id,opened_at,agent_id,team\nt1,2026-03-30,g1,old\nt2,2026-03-30,g2,own\n"
    agents = "agent_id,team\ng1,blue\n"
    rows = [
        ("known", "whole", "", 5, ""),
        ("nobody", "whole", "2026-04-07", 5, ""),
        ("lost", "whole", "2026-04-08", 5, ""),
    ]
    found = answers(rows, SURVEYS, tickets=tickets, agents=agents).droplevel("question_id")
    assert found["kind"].to_dict() == {
        "known": "transactional",
        "nobody": "relationship",
        "lost": "relationship",
    }
    days = {name: str(day.date()) for name, day in found["answered_on"].items()}
    assert days == {"known": "2026-04-05", "nobody": "2026-04-07", "lost": "2026-04-08"}
    assert found["respondent_id"].to_dict() == {
        "known": "a",
        "nobody": "survey nobody",
        "lost": "survey lost",
    }
    # the agent's team, else the ticket's own
    assert found["team"].dropna().to_dict() == {"known": "blue", "nobody": "own"}
    assert found.loc["known", ["journey_stage", "touchpoint", "agent"]].tolist() == ["use", "hotline", "g1"]


def test_an_anonymous_answer_is_never_taken_for_a_customers(open_company):
    given = (
        "survey_id,question_id,customer_id,answered_at,score\n7,whole,,2026-05-01,5\n8,whole,7,2026-05-01,1\n"
    )
    book = open_company({"answers": given, "questions": QUESTIONS}, "2026Q2")
    assert book.ask("select distinct respondent_id from answers")["respondent_id"].nunique() == 2


def test_an_answer_without_a_day_or_after_the_end_is_not_known(answers):
    found = answers([
        ("s1", "whole", "", 5, ""), ("s2", "whole", "2026-07-01", 5, ""), ("s3", "whole", "2026-06-30", 5, ""),
    ])  # fmt: skip
    assert list(found.index) == [("s3", "whole")]


def test_the_question_on_the_whole_is_the_one_without_an_item(answers):
    rows = [("s", question, "2026-05-01", 3, "") for question in ("whole", "ten", "rude")]
    found = answers(rows).loc["s"]
    assert found["is_overall"].to_dict() == {"whole": True, "ten": True, "rude": False}
    assert found["item"].to_dict() == {"whole": "overall", "ten": "overall", "rude": "service_attitude"}


def test_without_a_table_of_questions_nothing_counts(open_company):
    given = "survey_id,question_id,answered_at,score\ns,whole,2026-05-01,5\n"
    book = open_company({"answers": given}, "2026Q2")
    assert book.ask("select * from answers").empty
