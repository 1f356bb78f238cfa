"""The figure of coverage draws every order of the files and marks the days that are measured."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest

from analysis.facts import NotMeasured
from analysis.report.figures.data_quality import plot_coverage
from analysis.suite import Results

matplotlib.use("agg")


def steps(ax) -> list:
    return [patch for patch in ax.patches if isinstance(patch, matplotlib.patches.StepPatch)]


def test_the_area_under_the_steps_is_every_order(shop, drawing):
    ax, language = drawing
    plot_coverage(shop, language=language, ax=ax)
    [line] = steps(ax)
    per_day, edges, _ = line.get_data()
    assert (per_day * np.diff(edges)).sum() == pytest.approx(25)  # the shop's 25 orders
    assert "25" in ax.figure._workbook["alt"]


def test_the_measured_and_the_previous_window_are_marked_and_named(shop, drawing):
    ax, language = drawing
    plot_coverage(shop, language=language, ax=ax)
    assert [text.get_text() for text in ax.texts] == ["2024Q4", "2024Q3"]
    shades = [patch for patch in ax.patches if patch not in steps(ax)]
    assert len(shades) == 2  # the data do not reach back a year


def test_orders_after_the_period_are_drawn_apart_and_said_to_be_unused(open_orders, drawing):
    ax, language = drawing
    days = ("2024-10-05", "2024-12-20", "2025-01-20", "2025-02-01")
    orders = [(f"c{number}", day, 10) for number, day in enumerate(days)]
    plot_coverage(Results(open_orders(orders, "2024Q4"), {}), language=language, ax=ax)
    known, unused = steps(ax)
    assert unused.get_linestyle() != known.get_linestyle()
    words = {"en": "2 orders after 31 Dec 2024", "zh": "2024年12月31日之后另有2笔"}[language]
    assert words in ax.figure._workbook["note"]


def test_without_orders_there_is_no_figure(open_orders):
    nothing = Results(open_orders([], "2024Q4"), {})
    assert plot_coverage(nothing, language="en", ax=object()) == NotMeasured("no_rows")
