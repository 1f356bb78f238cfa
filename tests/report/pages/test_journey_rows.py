"""What happened at each touchpoint, and where it is worse than at the others."""

from __future__ import annotations

import pytest

from analysis.report.pages.journey_rows import journey_question, journey_rows


def test_the_worst_touchpoint_comes_first_with_its_volume(asked):
    rows = journey_rows(asked).set_index("touchpoint")
    assert list(rows.index) == ["courier", "shop"]
    # 4 of 20 against 20 of 20; 10 of 30 contacts repeat one, against 1 of 21 (x39, who called before the quarter)
    assert rows["csat"].to_dict() == {"courier": 0.2, "shop": 1.0}
    assert rows["repeat"].to_dict() == pytest.approx({"courier": 10 / 30, "shop": 1 / 21})
    assert rows["contacts"].to_dict() == {"courier": 30, "shop": 21}
    assert rows["tickets"].to_dict() == {"courier": 20, "shop": 20}
    assert rows.loc["courier", "worse"] == 2
    assert rows.loc["shop", "csat_verdict"] == "better"


def test_the_journey_asks_the_question_that_touchpoints_answer(asked):
    assert journey_question(asked).id == "csat.problem_solving"
