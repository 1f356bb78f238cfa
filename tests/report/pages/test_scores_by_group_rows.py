"""Scores by team and account manager."""

from __future__ import annotations

import pytest

from analysis.report.pages.scores_by_group_rows import scores_of

SCRIPT, FORMULA = "<script>alert(1)</script>", "=cmd|' /C calc'!A0"


def test_a_manager_s_score_is_that_of_the_customers_he_held(asked):
    scores = scores_of(asked, "account_manager")
    csat = scores[scores["metric"] == "csat"].set_index("group")
    # m1 holds c00 to c34, of whom 30 are satisfied; m2 the other five, none of whom is
    assert csat["value"].to_dict() == pytest.approx({"m1": 30 / 35, "m2": 0.0})
    assert csat["n"].to_dict() == {"m1": 35, "m2": 5}
    assert (csat["low"] < csat["value"].clip(lower=1e-9)).all()


def test_a_team_has_the_answers_about_its_own_tickets(asked):
    scores = scores_of(asked, "team")
    solved = scores[scores["metric"] == "csat.problem_solving"].set_index("group")["value"]
    assert solved.to_dict() == {"North": 0.2, SCRIPT: 1.0}
    assert "csat" not in set(scores["metric"])  # nobody was asked that after a case
