"""Questionnaires are whole: what they measure is known, scales are ones the workbook reads, nothing is copied twice."""

from __future__ import annotations

from collections import Counter

import pytest

from analysis.catalogue import UnknownName, load_catalogue
from analysis.catalogue.questionnaires import Questionnaire, load_questionnaires, questionnaire

ALL = load_questionnaires()
each = pytest.mark.parametrize("asked", ALL.values(), ids=lambda asked: asked.id)
READ_ON = {  # by facts/answers.sql
    "csat": {(1, 5), (1, 7), (1, 10), (0, 100)}, "nps": {(0, 10)}, "ces": {(1, 7)}, "acsi": {(1, 10)},
    "servqual_expectation": {(1, 7)}, "servqual_perception": {(1, 7)}, "comment": {(0, 1)},
}  # fmt: skip


def test_the_usual_questionnaires_are_there():
    assert list(ALL) == ["csat", "nps", "nps_transactional", "ces", "acsi", "servqual"]
    with pytest.raises(UnknownName, match="did you mean 'servqual'"):
        questionnaire("servqal")


@each
def test_a_questionnaire_measures_what_the_workbook_knows_on_scales_it_reads(asked):
    allowed = load_catalogue().tables["questions"].columns["construct"].allowed
    for question in asked.all_questions():
        assert question.measures in allowed
        assert question.scale in READ_ON[question.measures], question.id
        assert question.is_open or question.anchors
    assert load_catalogue().named(asked.metric).fact in ("answers", "responses")


@each
def test_it_asks_for_reasons_last_and_says_when_to_ask_and_whom_to_cite(asked):
    assert [question.is_open for question in asked.all_questions()].index(True) == len(
        asked.all_questions()
    ) - 1
    assert min(len(text.en) for text in (asked.asks, asked.when, asked.source)) > 40


def test_a_question_has_one_number_in_all_questionnaires():
    ids = Counter(question.id for asked in ALL.values() for question in asked.all_questions())
    assert [name for name, times in ids.items() if times > 1] == []


def test_aspects_of_satisfaction_are_those_the_report_has_names_for():
    items = {q.item for asked in ALL.values() for q in asked.all_questions() if q.measures == "csat"}
    assert items == set(load_catalogue().dimensions["item"].groups)


def test_servqual_asks_22_items_in_five_dimensions_twice():
    asked = ALL["servqual"].all_questions()
    sides = {
        side: [q for q in asked if q.measures == f"servqual_{side}"] for side in ("expectation", "perception")
    }
    assert [len(questions) for questions in sides.values()] == [22, 22]
    # as many of each as the scale of Parasuraman, Zeithaml and Berry (1988) has
    assert Counter(q.dimension for q in sides["perception"]) == {
        "tangibles": 4, "reliability": 5, "responsiveness": 4, "assurance": 4, "empathy": 5,
    }  # fmt: skip
    pairs = zip(*sides.values(), strict=True)
    assert all((one.item, one.dimension) == (other.item, other.dimension) for one, other in pairs)
    assert len({q.item for q in asked if q.item}) == 22


def test_servqual_says_whose_method_it_is_and_whose_words():
    source = ALL["servqual"].source
    assert "Parasuraman" in source.en and "1988" in source.en and "our own" in source.en
    assert "Parasuraman" in source.zh and "自行撰写" in source.zh


def test_a_questionnaire_without_a_question_on_reasons_cannot_be_declared():
    record = ALL["nps"].model_dump() | {"questions": [ALL["nps"].questions[0].model_dump()]}
    with pytest.raises(ValueError, match="asks nobody for reasons"):
        Questionnaire(**record)
