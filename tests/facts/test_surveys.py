"""Questionnaires sent: whether they came back, and in time."""

from __future__ import annotations

import pandas as pd
import pytest

# The quarter is 2026Q2, known until 1 July; 30 days to answer.
SURVEYS = """survey_id,customer_id,sent_at,answered_at,chosen_by
in_time,a,2026-04-01T10:00:00,2026-05-01T10:00:00,
too_late,b,2026-04-01T10:00:00,2026-05-01T10:00:01,
never,c,2026-04-01T10:00:00,,system
last_closed,d,2026-05-31T10:00:00,2026-05-31T11:00:00,
still_open,e,2026-06-01T10:00:00,2026-06-01T11:00:00,
from_the_future,f,2026-04-20T10:00:00,2026-07-01T10:00:00,
before_sent,g,2026-04-20T10:00:00,2026-04-19T10:00:00,
by_answer,h,2026-04-01T10:00:00,,lina
anonymous,,2026-04-01T10:00:00,2026-04-02T10:00:00, system
"""
ANSWERS = """survey_id,question_id,answered_at,score
by_answer,q,2026-04-09T10:00:00,4
by_answer,r,2026-04-08T10:00:00,4
never,q,2026-04-08T10:00:00,
"""


@pytest.fixture(scope="module")
def surveys(open_company) -> pd.DataFrame:
    book = open_company({"surveys": SURVEYS, "answers": ANSWERS}, "2026Q2")
    return book.ask("select * from surveys").set_index("survey_id")


def test_answered_within_thirty_days_of_being_sent_to_the_second(surveys):
    in_time = surveys["is_answered_in_time"]
    assert bool(in_time["in_time"]) and not in_time["too_late"] and not in_time["never"]
    assert bool(in_time["anonymous"])


def test_nobody_can_say_while_the_days_are_running_or_the_clocks_disagree(surveys):
    unknown = surveys.index[surveys["is_answered_in_time"].isna()]
    # 1 June + 30 days is 1 July, the first day not known; 31 May + 30 days is 30 June, the last one that is
    assert set(unknown) == {"still_open", "before_sent"}
    assert bool(surveys.loc["last_closed", "is_answered_in_time"])
    assert bool(surveys.loc["still_open", "is_answered"])


def test_what_came_back_after_the_end_has_not_come_back_yet(surveys):
    assert not surveys.loc["from_the_future", "is_answered"]
    assert pd.isna(surveys.loc["from_the_future", "answered_at"])
    assert not surveys.loc["from_the_future", "is_answered_in_time"]


def test_a_questionnaire_came_back_with_its_first_answer_where_nothing_else_says_so(surveys):
    assert str(surveys.loc["by_answer", "answered_at"]) == "2026-04-08 10:00:00"
    assert bool(surveys.loc["by_answer", "is_answered_in_time"])
    assert not surveys.loc["never", "is_answered"]  # its only answer is empty


def test_chosen_by_anybody_but_the_system_is_hand_picked(surveys):
    assert set(surveys.index[surveys["is_hand_picked"]]) == {"by_answer"}


def test_the_days_allowed_are_a_setting(open_company):
    book = open_company({"surveys": SURVEYS}, "2026Q2", survey_answer_days=7)
    rows = book.ask("select * from surveys").set_index("survey_id")["is_answered_in_time"]
    assert not rows["in_time"] and bool(rows["still_open"])


def test_a_window_begins_and_ends_at_the_companys_midnight(open_company):
    one = "survey_id,sent_at\nfirst,2026-03-31T23:59:59\nsecond,2026-04-01T00:00:00\n"
    book = open_company({"surveys": one}, "2026Q2", time_zone="Asia/Shanghai")
    days = book.ask("select survey_id, sent_on from surveys order by 1")["sent_on"]
    assert [str(day.date()) for day in days] == ["2026-03-31", "2026-04-01"]
