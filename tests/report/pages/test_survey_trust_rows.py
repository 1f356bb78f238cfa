"""Whose answers are doubtful or few."""

from __future__ import annotations

from analysis.report.pages.survey_trust_rows import doubtful_groups, small_groups, survey_gate

SCRIPT, FORMULA = "<script>alert(1)</script>", "=cmd|' /C calc'!A0"


def test_answers_of_customers_somebody_chose_are_named_with_their_manager(asked):
    doubts = doubtful_groups(survey_gate(asked)).set_index("group")
    assert "hand_picked|100%" in doubts.loc["m2", "warnings"]
    assert doubts.loc["m2", "by"] == "account_manager"
    assert "too_few" not in doubts.loc["m2", "warnings"]
    assert "m1" not in doubts.index


def test_few_answers_are_counted_by_name(asked):
    few = small_groups(survey_gate(asked))
    told = dict(zip(few["group"], few["answers"], strict=True))
    # m2 holds five customers; each team has twenty answers to each question about a case
    assert told == {"m2": 5, "North": 20, SCRIPT: 20}
