"""Charts of satisfaction draw what the frames hold."""

from __future__ import annotations

import matplotlib
import pytest

from analysis.facts import NotMeasured
from analysis.report.figures.satisfaction import (
    effort_metric,
    effort_rows,
    group_points,
    item_rows,
    leading_metric,
    plain,
    plot_effort_trend,
    plot_nps_trend,
    plot_satisfaction_by_group,
    plot_satisfaction_items,
    plot_service_quality,
)
from analysis.report.pages.satisfaction_rows import nps_parts
from analysis.suite import Results

matplotlib.use("agg")
SCRIPT, FORMULA = "<script>alert(1)</script>", "=cmd|' /C calc'!A0"
PLOTS = {
    "items": plot_satisfaction_items, "nps": plot_nps_trend, "effort": plot_effort_trend,
    "quality": plot_service_quality,
    "teams": lambda results, **options: plot_satisfaction_by_group(results, "team", **options),
    "managers": lambda results, **options: plot_satisfaction_by_group(results, "account_manager", **options),
}  # fmt: skip


def texts(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


def names(ax) -> list[str]:
    return [tick.get_text() for tick in ax.get_yticklabels()]


@pytest.mark.parametrize("plot", PLOTS.values(), ids=PLOTS)
def test_every_chart_says_what_it_shows_with_its_numbers_and_n(asked, drawing, plot):
    ax, language = drawing
    plot(asked, language=language, ax=ax)
    said = ax.figure._workbook
    assert said["title"]
    assert "n\xa0=\xa0" in said["alt"] or "n = " in said["alt"]


@pytest.mark.parametrize("plot", PLOTS.values(), ids=PLOTS)
def test_without_answers_there_is_a_reason_in_the_reader_s_words(no_questionnaires, drawing, plot):
    ax, language = drawing
    found = plot(no_questionnaires, language=language, ax=ax)
    assert isinstance(found, NotMeasured)
    assert no_questionnaires.book.catalogue.tables["answers"].name.in_(language) in found.reason


@pytest.fixture
def no_questionnaires(shop) -> Results:
    return shop


BRACKET = {"en": "  (", "zh": "（"}


# --- single aspects -------------------------------------------------------------------------------


def test_aspects_stand_least_satisfied_first_beside_the_previous_period(asked, drawing):
    ax, language = drawing
    rows = item_rows(asked, language)
    # 10 and 20 of 40; four of twenty with the courier and all twenty at the shop, only in 2024Q2
    assert rows["value"].tolist() == [0.25, 0.5, 0.6]
    assert rows["base"].isna().tolist() == [False, False, True]
    plot_satisfaction_items(asked, language=language, ax=ax)
    assert [line.get_xdata()[0] for line in ax.get_lines() if line.get_marker() == "o"] == [0.25, 0.5, 0.6]
    assert "60.0%" in texts(ax)
    assert any("75.0%" in text for text in texts(ax))  # satisfied on the whole: the dashed line


def test_a_dollar_sign_is_no_mathematics_and_long_names_are_cut():
    assert plain("odd $word$") == r"odd \$word\$"
    assert plain("x" * 40) == "x" * 25 + "…"


# --- recommendation -------------------------------------------------------------------------------


def test_bars_are_the_shares_of_the_three_groups_and_add_up(asked, drawing):
    ax, language = drawing
    plot_nps_trend(asked, language=language, ax=ax)
    parts = nps_parts(asked, "default")
    widths = [bar.get_width() for bar in ax.patches]
    assert widths == [*parts["detractors"], *parts["passives"], *parts["promoters"]]
    ends = [bar.get_x() + bar.get_width() for bar in ax.patches[-len(parts) :]]
    assert ends == pytest.approx([1.0] * len(parts))
    assert [text for text in texts(ax) if text.startswith(f"25{BRACKET[language]}")]  # 50% − 25% promote


def test_after_a_contact_is_a_chart_of_its_own(asked, drawing):
    ax, language = drawing
    plot_nps_trend(asked, kind="transactional", language=language, ax=ax)
    assert [bar.get_width() for bar in ax.patches] == [0.25, 0.0, 0.75]  # 30 of 40 promote, only in 2024Q2
    assert [text for text in texts(ax) if text.startswith(f"50{BRACKET[language]}")]


# --- effort, quality ------------------------------------------------------------------------------


def test_effort_is_drawn_by_period_and_hollow_where_few_answered(asked, drawing):
    ax, language = drawing
    rows = effort_rows(asked, effort_metric(asked))
    assert rows[["period", "value", "n", "hollow"]].values.tolist() == [["2024Q2", 0.5, 40, False]]
    plot_effort_trend(asked, language=language, ax=ax)
    assert texts(ax) == ["50.0%"]


def test_expected_and_perceived_stand_where_they_were_measured(asked, drawing):
    ax, language = drawing
    plot_service_quality(asked, language=language, ax=ax)
    points = [line.get_xdata()[0] for line in ax.get_lines() if line.get_marker() == "o"]
    assert points == [6.0, 4.5]
    assert [text for text in texts(ax) if text.startswith(f"−1.50{BRACKET[language]}")]


# --- by group -------------------------------------------------------------------------------------


def test_managers_are_drawn_for_satisfaction_and_the_doubtful_one_apart(asked, drawing):
    ax, language = drawing
    metric = leading_metric(asked, "account_manager")
    assert metric.id == "csat"
    rows = group_points(asked, "account_manager", metric, language).set_index("group")
    assert rows["crossed"].to_dict() == {"m1": False, "m2": True}
    assert rows["hollow"].to_dict() == {"m1": False, "m2": True}
    plot_satisfaction_by_group(asked, "account_manager", language=language, ax=ax)
    assert {line.get_marker() for line in ax.get_lines()} >= {"o", "X"}
    assert names(ax)[0].startswith("Ann")
    assert names(ax)[1].startswith(FORMULA[:10])


def test_teams_are_drawn_for_what_they_were_judged_on(asked, drawing):
    ax, language = drawing
    assert leading_metric(asked, "team").id == "csat.problem_solving"
    plot_satisfaction_by_group(asked, "team", language=language, ax=ax)
    assert "20.0%" in texts(ax) and "100.0%" in texts(ax)
