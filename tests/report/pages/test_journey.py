"""The journey, as it is shown."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup

from analysis.report.pages.journey import show_journey, worst_line
from analysis.report.pages.journey_rows import journey_rows

in_each_language = pytest.mark.parametrize("language", ["en", "zh"])


def read(html) -> BeautifulSoup:
    return BeautifulSoup(str(html), "html.parser")


def cells(html, head: str) -> list[str]:
    """The cells of the table row whose heading begins so."""
    rows = read(html).select("tbody tr:not(.wb-section)")
    found = next(row for row in rows if row.th.get_text(" ", strip=True).startswith(head))
    return [cell.get_text(" ", strip=True) for cell in found.select("td")]


@in_each_language
def test_the_worst_is_said_in_words_not_by_colour(asked, language):
    row = cells(show_journey(asked, language=language), "courier")
    told = {"en": "▼ less satisfied, ▼ more repeats", "zh": "▼ 满意度偏低、▼ 重复联系偏多"}[language]
    assert row[-1] == told
    line = worst_line(journey_rows(asked), asked.book, language)
    assert "courier" in line and "shop" not in line


def test_where_nothing_differs_the_page_says_so(asked):
    rows = journey_rows(asked).assign(worse=0)
    assert worst_line(rows, asked.book, "en").startswith("No touchpoint is worse")
