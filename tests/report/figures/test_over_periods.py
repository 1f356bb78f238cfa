"""A figure over the periods as points with intervals."""

from __future__ import annotations

import pandas as pd
import pytest
from matplotlib.colors import to_hex

from analysis.report.figures.over_periods import draw_points, write_beside
from analysis.report.figures.style import INKS, PALETTE

ROWS = pd.DataFrame(
    {"period": ["2024Q3", "2024Q4"], "value": [0.4, 0.5], "low": [0.3, None], "high": [0.6, None], "n": [1000, 12]}
)  # fmt: skip


def test_points_stand_over_their_period_and_n_with_the_intervals_there_are(drawing):
    ax, language = drawing
    draw_points(ax, ROWS, [True, False], language)
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["2024Q3\n1,000", "2024Q4\n12"]
    points = [line for line in ax.get_lines() if line.get_marker() == "o"]
    assert [to_hex(point.get_markerfacecolor()) for point in points] == [INKS["paper"], PALETTE["main"]]
    [interval] = ax.collections  # only the first has one: from 0.3 to 0.6
    assert interval.get_segments()[0][:, 1].tolist() == pytest.approx([0.3, 0.6])


def test_a_text_stands_at_the_end_of_the_interval_or_at_the_value_without_one(drawing):
    ax, _ = drawing
    first, second = ROWS.itertuples()
    for row, below in ((first, False), (first, True), (second, True)):
        write_beside(ax, row, "x", below=below)
    assert [text.xy for text in ax.texts] == [(0, 0.6), (0, 0.3), (1, 0.5)]
    assert [text.get_verticalalignment() for text in ax.texts] == ["bottom", "top", "top"]
