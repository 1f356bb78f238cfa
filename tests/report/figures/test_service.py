"""Charts of service draw what the frames hold."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
import pytest

from analysis.facts import NotMeasured
from analysis.report.figures.service import (
    plot_backlog,
    plot_queue,
    plot_repeat_contacts,
    plot_resolution_trend,
    plot_service_by_team,
    queue_matrix,
    resolution_by_period,
    teams_now_and_before,
    unit_for,
)
from analysis.report.figures.style import PALETTE
from analysis.report.pages.service_rows import queue_by_hour
from analysis.suite import Results

matplotlib.use("agg")
SCRIPT, FORMULA = "<script>alert(1)</script>", "=cmd|' /C calc'!A0"


def texts(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


# --- time to resolve ------------------------------------------------------------------------------


def test_the_trend_has_median_and_nine_in_ten_of_each_period_with_tickets(desk):
    rows = resolution_by_period(desk).set_index("period")
    # 2024Q3: 20 each of 1, 2, 3, 4 h: between the 40th and 41st 2.5 h, at nine tenths 4 h
    assert rows.loc["2024Q3", ["median", "p90", "n"]].tolist() == [9000.0, 14400.0, 80]
    # 2024Q4: 10 each of 1–3 h, 20 of 4 h, 10 each of 8, 12, 16 h and one of 192 h: the 41st, and the 73rd of 81
    assert rows.loc["2024Q4", ["median", "p90", "n"]].tolist() == [14400.0, 57600.0, 81]


def test_lines_are_drawn_in_hours_with_n_below_each_period(desk, drawing):
    ax, language = drawing
    plot_resolution_trend(desk, language=language, ax=ax)
    upper, median = ax.get_lines()[:2]
    assert upper.get_ydata().tolist() == [4.0, 16.0]
    assert median.get_ydata().tolist() == [2.5, 4.0]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["2024Q3\n80", "2024Q4\n81"]
    words = ax.figure._workbook
    assert {"en": "in hours", "zh": "（小时）"}[language] in words["title"]
    assert {"en": "round the clock", "zh": "自然时间"}[language] in words["note"]
    assert {"en": "2 h 30 min", "zh": "2小时30分"}[language] in words["alt"]


@pytest.mark.parametrize(
    ("seconds", "unit"), [(90, "seconds"), (120, "minutes"), (7199, "minutes"), (9e5, "hours")]
)
def test_the_unit_keeps_the_largest_time_at_two_or_more_and_is_never_a_day(seconds, unit):
    assert unit_for(seconds) == unit


def test_a_trend_without_tickets_says_why(shop, drawing):
    ax, language = drawing
    found = plot_resolution_trend(shop, language=language, ax=ax)
    assert found == NotMeasured({"en": "table Tickets is not supplied", "zh": "未提供数据表“工单”"}[language])


# --- teams ----------------------------------------------------------------------------------------


def test_teams_stand_slowest_first_beside_what_they_took_before(desk):
    rows = teams_now_and_before(desk)
    assert rows[["group", "value", "before", "verdict"]].to_numpy().tolist() == [
        [SCRIPT, 36000.0, 9000.0, "worse"], ["North", 9000.0, 9000.0, "no_clear_change"],
    ]  # fmt: skip


def test_the_slow_team_stands_out_in_colour_sign_and_words(desk, drawing):
    ax, language = drawing
    plot_service_by_team(desk, language=language, ax=ax)
    [slow] = [text for text in ax.texts if "▼" in text.get_text()]
    assert slow.get_color() == PALETTE["worse"]
    assert slow.get_text() == {"en": "10 h ▼ worse", "zh": "10小时 ▼ 变差"}[language]
    [now] = [c.lines[0].get_xdata()[0] for c in ax.containers if c.lines[0].get_color() == PALETTE["worse"]]
    assert now == pytest.approx(10.0)
    assert SCRIPT in ax.figure._workbook["alt"]  # escaped where it is put on the page
    # What is drawn takes 1 of 2.06 parts of the width: 0.06 before it, 1 behind it for the words of the last point.
    drawn = teams_now_and_before(desk)[["low", "value", "high", "before"]].astype(float) / 3600
    (left, right), reach = ax.get_xlim(), drawn.max(axis=None) - drawn.min(axis=None)
    assert right - left == pytest.approx(2.06 * reach) and left == pytest.approx(
        drawn.min(axis=None) - 0.06 * reach
    )


def test_one_team_is_compared_with_nobody(desk, drawing):
    from analysis.report.pages.breakdowns import figures_by
    from analysis.report.pages.service_rows import OF_TEAMS

    ax, language = drawing
    figures, changes = figures_by(desk, "team", OF_TEAMS)
    alone = Results(desk.book, desk.frames)
    alone.remembered["figures_by", "team", *OF_TEAMS] = (figures[figures["group"] == "North"], changes)
    found = plot_service_by_team(alone, language=language, ax=ax)
    assert isinstance(found, NotMeasured)
    assert {"en": "fewer than two teams", "zh": "不足两个"}[language] in found.reason


# --- the queue ------------------------------------------------------------------------------------


def test_the_matrix_holds_hours_down_and_weekdays_across(desk):
    shown = queue_matrix(queue_by_hour(desk), "offered", 10)
    assert shown.index.tolist() == [9, 10, 11, 12, 13, 14, 15]
    assert shown.columns.tolist() == list(range(7))
    assert (shown.loc[9, 0], shown.loc[14, 1], shown.loc[10, 0]) == (4.0, 1.0, 0.0)


def test_a_rate_of_too_few_contacts_is_left_blank(desk):
    shown = queue_matrix(queue_by_hour(desk), "in_time", 30)
    assert shown.loc[9, 0] == 0.5
    assert shown.notna().sum().sum() == 1  # of the Tuesdays' hours there are 14 contacts each


@pytest.mark.parametrize(("measure", "told"), [("offered", "4.0"), ("abandoned", "25"), ("in_time", "50")])
def test_cells_show_what_the_matrix_holds(desk, drawing, measure, told):
    ax, language = drawing
    plot_queue(desk, measure, language=language, ax=ax)
    assert told in texts(ax)
    assert [tick.get_text() for tick in ax.get_xticklabels()][0] == {"en": "Mon", "zh": "周一"}[language]
    assert told in ax.figure._workbook["alt"]


@pytest.mark.parametrize("measure", ["abandoned", "in_time"])
def test_blank_cells_are_explained_wherever_there_may_be_any(desk, drawing, measure):
    ax, language = drawing
    plot_queue(desk, measure, language=language, ax=ax)
    least = desk.book.settings.small_sample
    said = {"en": f"Blank: fewer than {least} contacts", "zh": f"空白：不足{least}次联系"}[language]
    assert said in ax.figure._workbook["note"]


def test_a_queue_too_thin_for_any_rate_says_so(desk, drawing):
    ax, language = drawing
    thin = Results(desk.book, desk.frames)
    rows = queue_by_hour(desk)
    thin.remembered["queue_by_hour"] = rows.assign(abandonment_rate_base=3)
    found = plot_queue(thin, "abandoned", language=language, ax=ax)
    assert "30" in found.reason


# --- repeats and backlog --------------------------------------------------------------------------


def test_bars_of_repeats_are_as_long_as_there_are_repeats(desk, drawing):
    ax, language = drawing
    plot_repeat_contacts(desk, language=language, ax=ax)
    assert [bar.get_width() for bar in ax.patches] == [27, 25]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == [FORMULA, "bill"]
    assert texts(ax)[0].startswith("27") and "52%" in texts(ax)[0]


def test_no_repeats_at_all_is_said(desk, drawing):
    ax, language = drawing
    none = Results(desk.book, desk.frames)
    none.remembered["repeats_by_topic"] = pd.DataFrame({"topic": ["bill"], "repeats": [0], "contacts": [5]})
    found = plot_repeat_contacts(none, language=language, ax=ax)
    assert {"en": "no customer", "zh": "没有客户"}[language] in found.reason


def test_the_backlog_s_bars_are_this_end_and_the_one_before(desk, drawing):
    ax, language = drawing
    plot_backlog(desk, language=language, ax=ax)
    widths = [bar.get_width() for bar in ax.patches]
    assert widths == [1, 1, 0, 1, 0, 1, *[0, 0, 1, 0, 0, 0]]
    assert {"en": "1, overdue 1", "zh": "1，其中逾期1"}[language] in texts(ax)
    assert np.isfinite(widths).all()
    assert "2024Q3" in ax.figure._workbook["note"]


def test_without_tickets_there_is_no_backlog(shop, drawing):
    ax, language = drawing
    assert isinstance(plot_backlog(shop, language=language, ax=ax), NotMeasured)
