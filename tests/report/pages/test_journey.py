"""The journey, as it is shown."""

from __future__ import annotations

from analysis.report.pages.journey import show_journey, worst_line
from analysis.report.pages.journey_rows import journey_rows
from reading_pages import in_each_language


@in_each_language
def test_the_worst_is_said_in_words_not_by_colour(asked, language, cells):
    row = cells(show_journey(asked, language=language), "courier")
    told = {"en": "▼ less satisfied, ▼ more repeats", "zh": "▼ 满意度偏低、▼ 重复联系偏多"}[language]
    assert row[-1] == told
    line = worst_line(journey_rows(asked), asked.book, language)
    assert "courier" in line and "shop" not in line


def test_where_nothing_differs_the_page_says_so(asked):
    rows = journey_rows(asked).assign(worse=0)
    assert worst_line(rows, asked.book, "en").startswith("No touchpoint is worse")
