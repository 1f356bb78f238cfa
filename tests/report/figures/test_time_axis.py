"""Ticks of a time axis: beginnings of months, named in one language, never more than there is room for."""

from __future__ import annotations

from datetime import timedelta

import matplotlib
import matplotlib.pyplot as plt
import pandas as pd
import pytest

from analysis.report.figures.style import figure_style
from analysis.report.figures.time_axis import name_months

matplotlib.use("agg")


def ticks(days: int, language: str = "en") -> list[str]:
    """What stands below an axis of so many days from 1 January 2024."""
    first = pd.Timestamp("2024-01-01")
    with figure_style(language):
        figure, ax = plt.subplots()
        ax.plot([first, first + timedelta(days=days)], [0, 1])
        name_months(ax, first, first + timedelta(days=days), language)
        figure.canvas.draw()
        low, high = ax.get_xlim()
        named = zip(ax.get_xticks(), ax.get_xticklabels(), strict=True)
        found = [text.get_text() for place, text in named if low <= place <= high]
        plt.close(figure)
    return found


def test_half_a_year_has_a_tick_for_every_month():
    assert ticks(170)[:3] == ["Jan 2024", "Feb 2024", "Mar 2024"]


def test_chinese_months_are_named_in_chinese():
    assert ticks(170, "zh")[:2] == ["2024年1月", "2024年2月"]


def test_a_few_weeks_have_their_days_named():
    assert all(name.endswith("Jan") for name in ticks(20))
    assert all("月" in name and "日" in name for name in ticks(20, "zh"))


@pytest.mark.parametrize("days", [90, 200, 400, 800, 1500, 4000, 9000])
def test_any_span_has_a_few_ticks_at_beginnings_of_months(days):
    assert 2 <= len(ticks(days)) <= 9
