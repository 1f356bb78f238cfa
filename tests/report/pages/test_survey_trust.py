"""What each survey rests on, as it is shown."""

from __future__ import annotations

import pandas as pd

from analysis.report.pages.survey_trust import gate_rows, show_survey_trust
from reading_pages import in_each_language, read

SCRIPT, FORMULA = "<script>alert(1)</script>", "=cmd|' /C calc'!A0"


@in_each_language
def test_the_warning_stands_before_the_table_with_name_and_share(asked, language):
    page = read(show_survey_trust(asked, language=language))
    warning = page.select_one(".wb-is-warning").get_text()
    assert FORMULA in warning and "m2" in warning and "100%" in warning
    assert page.select_one(".wb-is-warning").find_next("table") is not None


def test_the_gate_says_how_many_answered_and_how_many_were_asked(asked, cells):
    row = cells(show_survey_trust(asked, language="en"), "Recommendation (NPS) about the relationship")
    assert row[0] == "41"  # forty, and c00 once more
    assert row[3] == "40"


def test_of_answers_without_questionnaires_no_deadline_is_spoken_of():
    gate = pd.DataFrame(
        {"construct": ["nps", "nps"], "kind": ["relationship"] * 2, "asked": [0, 5], "warnings": ["", ""]}
    )
    without, running = gate_rows(gate, "en")["response_reason"]
    assert "past its time" not in without and "past its time" in running
    assert without == gate_rows(gate, "en")["asked_reason"].iloc[0]
