"""Comments from everywhere, once each, with the score that came with them."""

from __future__ import annotations

import pytest

QUESTIONS = """question_id,construct,scale_min,scale_max
recommend,nps,0,10
happy,csat,1,5
why,comment,0,1
"""
ANSWERS = """survey_id,question_id,customer_id,answered_at,score,comment
s1,recommend,a,2026-05-01,8,
s1,happy,a,2026-05-01,5,
s1,why,a,2026-05-01,,could be faster
s2,happy,b,2026-05-02,2,broke at once
s3,why,,2026-05-03,,no name
s4,recommend,c,2026-05-04,9,fine
s5,why,d,2026-05-05,,told twice
"""
FEEDBACK = """feedback_id,given_at,source,customer_id,comment,score,scale_max
f1,2026-05-06,interview,a,a long talk,4,5
f2,2026-05-06,review,,half and half,3,5
f3,2026-05-06,focus_group,,bad,2,5
f4,2026-05-05,survey,d,told twice ,,
f5,2026-05-05,contact,d,told twice,,
"""


@pytest.fixture(scope="module")
def comments(open_company):
    book = open_company({"questions": QUESTIONS, "answers": ANSWERS, "feedback": FEEDBACK}, "2026Q2")
    return book.ask("select * from feedback").set_index("feedback_id")


def test_comments_come_from_the_list_and_from_questionnaires(comments):
    assert set(comments.index) == {
        "f1",
        "f2",
        "f3",
        "f4",
        "f5",
        "s1 why",
        "s2 happy",
        "s3 why",
        "s4 recommend",
    }
    assert set(comments.loc[["s1 why", "s2 happy"], "source"]) == {"survey"}


def test_a_comment_of_a_questionnaire_that_the_list_repeats_counts_once(comments):
    # d's answer stands in the list as f4; the same words in a call (f5) are another comment
    assert (comments["comment"] == "told twice").sum() == 2
    assert "s5 why" not in comments.index


def test_a_score_is_high_middle_or_low(comments):
    groups = comments["score_group"].dropna().to_dict()
    assert groups == {
        "s1 why": "middle",  # a passive, 8 of 10, whatever else he answered
        "s4 recommend": "high",  # a promoter
        "s2 happy": "low",  # 2 of 5
        "f1": "high", "f2": "middle", "f3": "low",  # 4, 3 and 2 of 5
    }  # fmt: skip


def test_without_questionnaires_the_list_is_all(open_company):
    assert len(open_company({"feedback": FEEDBACK}, "2026Q2").ask("select * from feedback")) == 5
    assert open_company({}, "2026Q2").ask("select * from feedback").empty
