"""What `workbook survey` prints: every question once, the sample size, and where answers go."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from analysis.catalogue.questionnaires import load_questionnaires, questionnaire
from analysis.cli import app
from analysis.errors import InputError
from analysis.metrics.sample_size import answers_for_gap, answers_for_mean, answers_for_nps, answers_for_share
from analysis.report.surveys_shown import (
    Plan,
    answers_for_change,
    answers_needed,
    size_lines,
    survey_text,
    width_reached,
)
from reading_pages import in_each_language

ALL = load_questionnaires()
GUIDE = Path(__file__).resolve().parents[2] / "docs" / "surveys.md"
CHINESE = re.compile("[\u4e00-\u9fff]")
each = pytest.mark.parametrize("name", ALL)


@each
@in_each_language
def test_every_question_stands_once_numbered_through_under_its_scale(name, language):
    text = survey_text(ALL[name], Plan(), language)
    numbered = re.findall(r"^(\d+)\. (.+)$", text, re.MULTILINE)
    assert [int(number) for number, _ in numbered] == list(range(1, len(ALL[name].all_questions()) + 1))
    assert [words for _, words in numbered] == [q.wording.in_(language) for q in ALL[name].all_questions()]
    low, high = ALL[name].scale
    lowest, highest = ALL[name].anchors.in_(language)
    assert f"{low} = {lowest}" in text and f"{high} = {highest}" in text


@each
def test_both_languages_say_the_same_numbers(name):
    def numbers(language: str) -> list[str]:
        return sorted(
            re.findall(r"\d[\d,.]*\d|\d", "\n".join(size_lines(ALL[name], Plan(population=900), language)))
        )

    assert numbers("en") == numbers("zh")


@each
def test_the_english_is_english_and_the_chinese_chinese(name):
    assert not CHINESE.search(survey_text(ALL[name], Plan(population=900), "en"))
    lines = survey_text(ALL[name], Plan(population=900), "zh").splitlines()
    assert [line for line in lines if line.strip() and not CHINESE.search(line)] == []


def test_the_sample_size_of_a_share_is_the_textbooks():
    assert answers_needed(questionnaire("csat"), 0.05) == 385
    assert answers_needed(questionnaire("csat"), 0.05, 1000) == 278
    line = size_lines(questionnaire("csat"), Plan(response_rate=0.35), "en")
    assert line[0].startswith("385 answers give an interval of ±5 percentage points at 95%")
    assert "381" in line[0]  # Wilson: 1.96² (100 − 1) = 380.3
    assert "At a response rate of 35%, ask 1,100." in line[1]  # 385 / 0.35


def test_more_to_ask_than_there_are_is_said_with_the_interval_that_all_of_them_give():
    lines = size_lines(questionnaire("csat"), Plan(population=500, response_rate=0.2), "en")
    # 100 answers of 500: 1.96 × 0.5 × √(400 / 499 / 100) = 0.0877
    assert width_reached(questionnaire("csat"), 100, 500) == pytest.approx(0.08774, abs=1e-5)
    assert "more than the 500 there are" in lines[2] and "±8.77 percentage points" in lines[2]
    assert answers_for_share(0.0878, population=500) == 100


def test_the_change_between_periods_takes_more_than_one_interval():
    assert answers_for_change(questionnaire("csat"), 0.05) == 1569  # p = 0.475 and 0.525
    # 2 × ((1.96 + 0.8416) × 100 / 8)² = 2453
    assert answers_for_change(questionnaire("nps"), 8) == 2453


@pytest.mark.parametrize(
    ("name", "half_width", "said"),
    [("nps", 0.05, "in points, such as 8"), ("csat", 5, "is a share, such as 0.05")],
)
def test_a_half_width_in_the_wrong_unit_is_said(name, half_width, said):
    with pytest.raises(InputError, match=said):
        size_lines(questionnaire(name), Plan(half_width), "en")


# --- The command ------------------------------------------------------------------------------------


def test_the_command_prints_the_questionnaire_and_writes_its_questions(tmp_path):
    out = tmp_path / "questions.csv"
    ran = CliRunner().invoke(
        app, ["survey", "nps", "--language", "zh", "--half-width", "10", "--out", str(out)]
    )
    assert ran.exit_code == 0
    assert "区间半宽为±10分需要385份回答" in ran.stdout
    assert "已将2道题写入" in ran.stderr
    assert (
        out.read_text(encoding="utf-8-sig").splitlines()[1].startswith("NPS,nps,,,0,10,false,,您有多大可能")
    )
    again = CliRunner().invoke(app, ["survey", "csat", "--out", str(out)])
    assert again.exit_code == 2 and "is there already" in again.stderr and again.stdout == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["survey", "npss"], "did you mean 'nps'"),
        (["survey", "nps", "--half-width", "0.05"], "in points"),
        (["survey", "csat", "--population", "0"], "population 0"),
        (["survey", "csat", "--response-rate", "20"], "response_rate 20"),
    ],
)
def test_what_cannot_be_ends_with_2(words, said):
    ran = CliRunner().invoke(app, words)
    assert ran.exit_code == 2 and said in ran.stderr


# --- The guide --------------------------------------------------------------------------------------


def test_the_guide_names_every_questionnaire_and_its_metric_in_both_languages():
    english, chinese = GUIDE.read_text(encoding="utf-8").split("\n## 简体中文\n")
    for asked in ALL.values():
        for text in (english, chinese):
            assert re.search(rf"^\| `{asked.id}` .*`{asked.metric}`", text, re.MULTILINE), asked.id


def test_the_numbers_of_the_guide_are_those_of_the_formulas():
    wanted = [
        partial(answers_for_share, 0.05), partial(answers_for_share, 0.03), partial(answers_for_nps, 5),
        partial(answers_for_nps, 10), partial(answers_for_mean, 2, 20), partial(answers_for_gap, 0.2, 1.2, 1.5, 0.3),
    ]  # fmt: skip
    expected = [(ask(), ask(population=1000)) for ask in wanted]
    for text in GUIDE.read_text(encoding="utf-8").split("\n## 简体中文\n"):
        rows = re.findall(r"^\|[^|]*[±][^|]*\| ([\d,]+) \| ([\d,]+) \|$", text, re.MULTILINE)
        assert [tuple(int(cell.replace(",", "")) for cell in row) for row in rows] == expected
