"""What each survey rests on, as it is shown."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup

from analysis.report.pages.survey_trust import show_survey_trust

in_each_language = pytest.mark.parametrize("language", ["en", "zh"])
SCRIPT, FORMULA = "<script>alert(1)</script>", "=cmd|' /C calc'!A0"


def read(html) -> BeautifulSoup:
    return BeautifulSoup(str(html), "html.parser")


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
