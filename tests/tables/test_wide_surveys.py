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


@pytest.mark.parametrize(
    ("headings", "items"),
    [
        (["总体满意度（1-5）"], [None]),  # the only one is about the whole, whatever it is called
        (["How satisfied are you?"], [None]),
        (["Satisfied with delivery?", "Overall, how satisfied are you?"], ["Satisfied with delivery?", None]),
        (["物流满意度", "服务满意度"], ["物流满意度", "服务满意度"]),  # none is about the whole
        (["整体满意度", "总体服务满意度"], ["整体满意度", "总体服务满意度"]),  # nobody can tell which
    ],
)
def test_one_question_on_satisfaction_is_about_the_whole(tmp_path, headings, items):
    asked = ",".join(f'"{one}"' for one in headings)
    answers = ",".join("4" for _ in headings)
    _, questions = recognised(tmp_path, f"序号,提交时间,{asked}\n1,2026-04-17,{answers}\n")
    assert [row.get("item") for row in questions.values["rows"]] == items


@pytest.mark.parametrize(
    ("heading", "scores", "scale"),
    [
        ("Would you recommend us?", (5, 3), (1, 5)),  # nobody went beyond 5
        ("Would you recommend us?", (5, 0), (0, 10)),  # 0 is on no scale of 1 to 5
        ("Would you recommend us?", (6, 3), (0, 10)),
        ("Would you recommend us? (0-10)", (5, 3), (0, 10)),  # the heading says it
        ("Would you recommend us? (1 to 10)", (9, 3), (1, 10)),
        ("您有多大可能推荐我们（1–5分）", (5, 3), (1, 5)),
        ("NPS (0–100)", (55, 80), (0, 100)),
    ],
)
def test_the_scale_of_a_recommendation_is_what_its_heading_or_its_answers_say(
    tmp_path, heading, scores, scale
):
    rows = "".join(f"{n},2026-04-17,{score}\n" for n, score in enumerate(scores))
    _, questions = recognised(tmp_path, f"id,date,{heading}\n{rows}")
    [row] = questions.values["rows"]
    assert (row["construct"], row["scale_min"], row["scale_max"]) == ("nps", *scale)
    for language, none_measured in (("en", "none is measured"), ("zh", "不计算")):
        [asked] = questions.asked(language)
        assert (none_measured in asked) == (scale != (0, 10))
        assert all(str(end) in asked for end in scale)


def test_a_heading_that_its_answers_contradict_is_believed_in_nothing(tmp_path):
    assert recognised(tmp_path, "id,date,NPS (0-10)\n1,2026-04-17,55\n") == ()


@pytest.mark.parametrize(("name", "construct"), [("nps_responses.csv", "nps"), ("满意度_2026.csv", "csat")])
def test_a_column_headed_score_is_the_question_that_the_file_is_named_after(tmp_path, name, construct):
    file = tmp_path / name
    file.write_text(
        "Response ID,Email,Score,Submitted At,Comment\n1,a@b.c,4,2026-04-17,fine\n", encoding="utf-8"
    )
    source = TableSource(file=(name,), columns={})
    answers, questions = recognise_wide_survey(read_beginning(file, source), name)
    assert [row["construct"] for row in questions.values["rows"]] == [construct]
    assert (
        answers.values["columns"]["comment"] == "Comment"
    )  # of one question; of several nobody knows of which


def test_a_score_of_nobody_knows_what_is_no_survey(tmp_path):
    assert recognised(tmp_path, "Response ID,Score,Submitted At\n1,4,2026-04-17\n") == ()


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
