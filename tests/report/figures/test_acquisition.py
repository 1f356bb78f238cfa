"""Charts of acquisition draw what the rows hold."""

from __future__ import annotations

import matplotlib
import pandas as pd
import pytest

from analysis.facts import NotMeasured
from analysis.report.figures.acquisition import (
    LONGEST_NAME,
    plot_funnel,
    plot_lost_reasons,
    plot_repeat_by_channel,
    short_name,
)
from analysis.report.figures.style import PALETTE
from analysis.report.pages.acquisition_rows import channels
from analysis.report.pages.funnel_rows import funnel, lost_reasons
from analysis.suite import Results

matplotlib.use("agg")
SCRIPT, FORMULA = "<script>alert(1)</script>", "=cmd|' /C calc'!A0"


def texts(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


def points(ax) -> list[tuple[float, str]]:
    return [(bar.lines[0].get_xdata()[0], bar.lines[0].get_color()) for bar in ax.containers]


def with_rows(results, **rows) -> Results:
    made = Results(results.book, results.frames)
    made.remembered.update(rows)
    return made


# --- the funnel -----------------------------------------------------------------------------------


def test_stages_stand_in_their_order_and_the_weak_one_in_colour_sign_and_words(seller, drawing):
    ax, language = drawing
    plot_funnel(seller, language=language, ax=ax)
    assert points(ax) == [(pytest.approx(62 / 102), PALETTE["main"]), (0.25, PALETTE["worse"])]
    assert texts(ax) == ["60.8%", {"en": "25.0% ▼ worse", "zh": "25.0% ▼ 变差"}[language]]
    lead, offer = (tick.get_text() for tick in ax.get_yticklabels())
    assert "lead" in lead and "102" in lead and "60" in offer


def test_the_range_of_the_windows_before_and_all_of_them_are_marked(seller, drawing):
    ax, language = drawing
    rows = funnel(seller).assign(lowest=[0.5, 0.7], highest=[0.65, 0.8])
    plot_funnel(with_rows(seller, funnel=rows), language=language, ax=ax)
    ranges = [list(line.get_xdata()) for line in ax.get_lines() if line.get_linewidth() == 13]
    assert ranges == [[0.5, 0.65], [0.7, 0.8]]
    ticks = [
        float(line.get_xdata()[0])
        for line in ax.get_lines()
        if line.get_marker() == "|" and line.get_markersize() == 17
    ]
    assert ticks == pytest.approx([0.6, 0.75])


def test_the_words_of_the_funnel_say_its_numbers(seller, drawing):
    ax, language = drawing
    plot_funnel(seller, language=language, ax=ax)
    words = ax.figure._workbook
    assert SCRIPT in words["alt"] and "25.0%" in words["alt"] and "75.0%" in words["alt"]
    assert {"en": "corrected for 2 stages", "zh": "按2个阶段校正"}[language] in words["note"]


def test_without_history_nothing_but_the_points_is_drawn_and_that_is_said(seller, drawing):
    ax, language = drawing
    empty = dict.fromkeys(["usual", "lowest", "highest"], float("nan"))
    rows = funnel(seller).assign(windows=0, verdict="not_comparable", **empty)
    plot_funnel(with_rows(seller, funnel=rows), language=language, ax=ax)
    assert texts(ax) == ["60.8%", "25.0%"]
    assert {"en": "no earlier period", "zh": "没有更早的期间"}[language] in ax.figure._workbook["note"]


def test_a_company_without_a_funnel_is_told_why(shop, drawing):
    ax, language = drawing
    found = plot_funnel(shop, language=language, ax=ax)
    assert found == NotMeasured(
        {"en": "table Opportunities is not supplied", "zh": "未提供数据表“商机”"}[language]
    )


# --- channels -------------------------------------------------------------------------------------


def test_channels_stand_least_repeat_purchase_first_with_what_a_customer_costs(seller, drawing):
    ax, language = drawing
    plot_repeat_by_channel(seller, language=language, ax=ax)
    assert points(ax) == [(0.0, PALETTE["worse"]), (0.8, PALETTE["better"])]
    assert texts(ax)[0] == {"en": "0.0%, €10", "zh": "0.0%，€10"}[language]
    assert SCRIPT in ax.figure._workbook["alt"]
    everyone = [line.get_xdata()[0] for line in ax.get_lines() if line.get_linestyle() == "--"]
    assert everyone == [pytest.approx(40 / 90)]


def test_one_channel_is_compared_with_nobody(seller, drawing):
    ax, language = drawing
    found = plot_repeat_by_channel(
        with_rows(seller, channels=channels(seller).head(1)), language=language, ax=ax
    )
    assert {"en": "fewer than two", "zh": "不足两个"}[language] in found.reason


# --- lost reasons ---------------------------------------------------------------------------------


def test_bars_are_as_long_as_opportunities_were_lost(seller, drawing):
    ax, language = drawing
    plot_lost_reasons(seller, language=language, ax=ax)
    assert [bar.get_width() for bar in ax.patches] == [45, 40]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == [FORMULA, "price"]
    assert "53%" in texts(ax)[0] and "100%" in texts(ax)[1]


def test_of_many_reasons_the_first_are_shown_and_that_is_said(seller, drawing):
    ax, language = drawing
    row = lost_reasons(seller).head(1)
    many = pd.concat([row.assign(reason=f"r{n}") for n in range(15)], ignore_index=True)
    plot_lost_reasons(with_rows(seller, lost_reasons=many), language=language, ax=ax)
    assert len(ax.patches) == 12
    assert "12" in ax.figure._workbook["note"]


def test_a_long_name_is_cut_and_stays_on_one_line():
    assert short_name("a\nb") == "a b"
    assert short_name("x" * 40) == "x" * (LONGEST_NAME - 1) + "…"
