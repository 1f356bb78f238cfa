"""A survey tool's export with a column for each question is read as answers and questions."""

from __future__ import annotations

import pytest

from analysis.params import TableSource
from analysis.tables.beginnings import read_beginning
from analysis.tables.wide_surveys import recognise_wide_survey

RECOMMEND = "How likely are you to recommend us to a friend or colleague? (0-10)"


def recognised(tmp_path, text: str):
    file = tmp_path / "export.csv"
    file.write_text(text, encoding="utf-8")
    source = TableSource(file=("export.csv",), columns={})
    return recognise_wide_survey(read_beginning(file, source), "export.csv")


def test_each_question_becomes_a_row_with_its_scale(tmp_path):
    header = f"Respondent ID,Company,Date Submitted,{RECOMMEND},How satisfied are you with delivery?,Why?\n"
    rows = "1,Acme,04/17/2026 01:05:00 PM,9,4,fast\n2,Bolt,04/18/2026 02:05:00 PM,3,,slow\n"
    answers, questions = recognised(tmp_path, header + rows)
    assert answers.table == "answers" and questions.table == "questions"
    assert answers.values["unpivot"]["columns"] == [RECOMMEND, "How satisfied are you with delivery?"]
    columns = answers.values["columns"]
    assert (columns["survey_id"], columns["customer_id"]) == ("Respondent ID", "Company")
    assert columns["answered_at"] == {"column": "Date Submitted", "format": "%m/%d/%Y %I:%M:%S %p"}
    assert [(row["construct"], row["scale_min"], row["scale_max"]) for row in questions.values["rows"]] == [
        ("nps", 0, 10), ("csat", 1, 5),
    ]  # fmt: skip
    assert "1 to 5" in " ".join(questions.asked("en"))  # a scale of which nobody took the end is asked about
    assert answers.unused == ("Why?",)


def test_a_second_question_of_recommendation_is_not_put_together_with_the_first(tmp_path):
    header = "id,date,Would you recommend us?,Would you recommend our support?\n"
    _, questions = recognised(tmp_path, header + "1,2026-04-17,9,2\n")
    assert [row["construct"] for row in questions.values["rows"]] == ["nps", "other"]


@pytest.mark.parametrize(
    "text",
    [
        "id,date,NPS\n1,2026-04-17,promoter\n",  # in words: no score
        "id,date,NPS\n1,2026-04-17,55\n",  # beyond the scale: a figure of the company
        "id,NPS\n1,9\n",  # in no quarter
        "id,date,Colour\n1,2026-04-17,3\n",  # asks nothing we know
    ],
)
def test_what_is_no_survey_is_not_made_one(tmp_path, text):
    assert recognised(tmp_path, text) == ()


def test_rows_without_a_number_are_numbered(tmp_path):
    answers, _ = recognised(tmp_path, "提交时间,您有多大可能推荐我们\n2026-04-17,9\n2026-04-18,10\n")
    assert answers.values["columns"]["survey_id"] == {"row_number": True}
