"""Small lines of values over time."""

from __future__ import annotations

from bs4 import BeautifulSoup

from analysis.report.sparklines import sparkline


def soup(markup: str) -> BeautifulSoup:
    return BeautifulSoup(str(markup), "html.parser")


def words(markup: str) -> str:
    return soup(markup).get_text(" ", strip=True)


def test_a_sparkline_says_in_words_what_it_shows():
    svg = soup(sparkline([0.6, 0.58, 0.64, 0.631], "en", show=lambda share: f"{share:.1%}")).svg
    assert svg["role"] == "img"
    assert svg["aria-label"] == "Trend over 4 periods, from 60.0% to 63.1%; lowest 58.0%, highest 64.0%"


def test_a_sparkline_spans_its_box_from_lowest_to_highest():
    line = soup(sparkline([1, 3, 2], "en", width=96, height=26)).polyline
    # 4 px margins: x at 4, 48, 92; y from 22 (lowest) to 4 (highest), the middle value half way
    assert line["points"] == "4.0,22.0 48.0,4.0 92.0,13.0"


def test_a_missing_period_leaves_a_gap_and_is_told():
    drawing = soup(sparkline([1, 2, None, 4, 5], "en"))
    assert len(drawing.find_all("polyline")) == 2
    assert "1 of 5 periods without a value" in drawing.svg["aria-label"]


def test_one_value_is_a_dot_and_none_is_a_dash():
    single = soup(sparkline([5], "zh"))
    assert single.polyline is None and single.find_all("circle")
    assert words(sparkline([None, float("nan")], "en")) == "–"
