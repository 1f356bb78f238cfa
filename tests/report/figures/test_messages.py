"""What stands over a chart says what a test or a full count says, and nothing where neither says anything."""

from __future__ import annotations

import re

import pytest

from analysis.facts import NotMeasured
from analysis.report.figures import scorecard
from analysis.report.figures.churn import plot_churn_by_choice
from analysis.report.figures.letter import alternative_text
from analysis.report.figures.messages import (
    Told,
    backlog_message,
    base_words,
    best_message,
    change_message,
    customers_message,
    first_message,
    groups_message,
    missed_message,
)
from analysis.report.figures.retention import plot_customer_bridge, plot_retention_trend
from analysis.report.figures.scorecard import plot_trends
from analysis.report.figures.service import plot_backlog, plot_queue, plot_service_by_team
from analysis.report.kpis_shown import chosen

LANGUAGES = ("en", "zh")
RATE = "customer_retention_rate"


def metric(results, name=RATE):
    return chosen(results.book, results.book.catalogue.metrics[name])


def figures_in(text: str) -> list[str]:
    """The figures of a text; periods stand elsewhere in a Chinese sentence, so the order does not count."""
    return sorted(re.findall(r"\d+(?:[.,]\d+)*%?", text))


def message_of(plot, results, drawing, *arguments, **options) -> str:
    ax, language = drawing
    drawn = plot(results, *arguments, language=language, ax=ax, **options)
    assert not isinstance(drawn, NotMeasured)
    return drawn.figure._workbook["message"]


# --- changes ------------------------------------------------------------------------------------------


def test_a_change_beyond_chance_is_told_from_what_to_what(shop, retell):
    fell = retell(shop, RATE, verdict="worse", value=0.596, base_value=0.691)
    assert change_message(fell, metric(shop), "en") == (
        "Customer retention rate fell to 59.6%, from 69.1% in 2024Q3"
    )
    assert change_message(fell, metric(shop), "zh") == "客户保留率降至59.6%，2024Q3为69.1%"
    rose = retell(shop, RATE, verdict="better", value=0.7, base_value=0.6)
    assert change_message(rose, metric(shop), "en") == (
        "Customer retention rate rose to 70.0%, from 60.0% in 2024Q3"
    )


@pytest.mark.parametrize("verdict", ["no_clear_change", "size_only", "not_comparable"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_change_that_no_test_calls_sure_is_not_told(shop, retell, verdict, language):
    assert (
        change_message(retell(shop, RATE, verdict=verdict, value=0.2, base_value=0.9), metric(shop), language)
        == ""
    )


def test_a_sure_change_of_other_customers_than_before_is_not_told(shop, retell):
    # 1,000 customers after 700: 43% more, beyond the third from which on a rate is of others
    others = retell(shop, RATE, verdict="worse", value=0.5, base_value=0.7, base_n=700)
    assert change_message(others, metric(shop), "en") == ""
    much_the_same = retell(shop, RATE, verdict="worse", value=0.5, base_value=0.7, base_n=900)
    assert change_message(much_the_same, metric(shop), "en") != ""


def test_the_chart_of_a_rate_bears_the_message_and_keeps_its_plain_title(shop, retell, drawing):
    told = message_of(
        plot_retention_trend, retell(shop, RATE, verdict="worse", value=0.5, base_value=0.7), drawing
    )
    assert figures_in(told) == ["2024", "3", "50.0%", "70.0%"]
    title = drawing[0].figure._workbook["title"]
    assert "95%" in title and "50.0%" not in title


def test_the_chart_of_a_rate_without_a_sure_change_bears_none(shop, retell, drawing):
    same = retell(shop, RATE, verdict="no_clear_change", value=0.5, base_value=0.7)
    assert message_of(plot_retention_trend, same, drawing) == ""


def test_the_bars_of_the_lost_tell_of_the_whole_churn(leaving, retell, drawing):
    more = retell(leaving, "customer_churn_rate", verdict="worse", value=0.4, base_value=0.3)
    assert figures_in(message_of(plot_churn_by_choice, more, drawing)) == ["2024", "3", "30.0%", "40.0%"]


def test_the_words_for_a_letter_s_chart_begin_with_the_change(shop, retell):
    fell = retell(shop, RATE, verdict="worse", value=0.596, base_value=0.691)
    [panel] = [panel for panel in scorecard.trend_panels(fell) if panel.metric.id == RATE]
    words = alternative_text(fell, panel, "en")
    assert words.startswith("Customer retention rate fell to 59.6%, from 69.1% in 2024Q3. ")
    same = retell(shop, RATE, verdict="no_clear_change", value=0.596, base_value=0.691)
    assert words.endswith(alternative_text(same, panel, "en"))


# --- groups -------------------------------------------------------------------------------------------


def told(name: str, verdict: str) -> Told:
    return Told(name, verdict, "18 h", "38 h in 2026Q2")


def test_groups_with_a_verdict_are_told_with_their_figures():
    groups = [told("Chengdu", "better"), told("Wuhan", "no_clear_change")]
    assert groups_message(groups, "en") == "Chengdu better: 18 h, against 38 h in 2026Q2"
    assert groups_message([told("成都", "better")], "zh").startswith("成都好转：18 h")


def test_of_many_groups_the_names_alone_stand_the_worse_ones_first():
    groups = [told("A", "better"), told("B", "worse"), told("C", "worse")]
    assert groups_message(groups, "en") == "Worse: B, C; better: A"
    assert groups_message(groups, "zh") == "变差：B、C；好转：A"


def test_a_group_apart_from_the_others_has_not_become_worse():
    group = Told("Search", "worse", "0.0%", base_words("93.5%", "en", of="in_others"))
    assert groups_message([group], "en", is_apart=True) == "Search: 0.0%, against 93.5% of all others"
    beside = Told("搜索", "worse", "0.0%", base_words("93.5%", "zh", of="in_others"))
    assert groups_message([beside], "zh", is_apart=True) == "搜索为0.0%，其他合计为93.5%"
    many = [told("A", "better"), told("B", "worse"), told("C", "worse")]
    assert (
        groups_message(many, "en", is_apart=True) == "Worse than the others: B, C; better than the others: A"
    )


@pytest.mark.parametrize("verdict", ["no_clear_change", "not_compared", "higher", "lower", "unchanged"])
def test_where_no_group_stands_out_nothing_is_said(verdict):
    assert groups_message([told("A", verdict)], "en") == ""


def test_the_slow_team_stands_over_its_chart_with_both_its_times(desk, drawing):
    # The desk named by a script took 10 h, and 2.5 h in the quarter before; North is as it was.
    said = message_of(plot_service_by_team, desk, drawing)
    assert {"en": "worse: 10 h, against 2 h 30 min", "zh": "变差：10小时，2024Q3为2小时30分"}[
        drawing[1]
    ] in said
    assert "North" not in said


def test_what_a_group_is_compared_with_is_named():
    assert base_words("56.6%", "en", of="in_history") == "56.6% in all periods before"
    assert base_words("94%", "zh", of="in_others") == "其他合计为94%"
    assert base_words("38 h", "en", period="2026Q2") == "38 h in 2026Q2"


# --- full counts --------------------------------------------------------------------------------------


def test_what_comes_first_is_told_with_its_part_of_all():
    # 227 of 654: 34.709…%
    assert first_message("Price", [227, 130], 654, 30, "en") == "Price comes first: 227 of 654 (34.7%)"
    assert first_message("价格", [227, 130], 654, 30, "zh") == "价格居首，占34.7%（227/654）"


@pytest.mark.parametrize(
    ("name", "counts", "total"),
    [
        ("Price", [40, 40], 80),  # two share the place
        ("", [40, 20], 60),  # nothing is stated
        ("Price", [20, 9], 29),  # too few to speak of: 30 are
        ("Price", [60], 60),  # there is nothing it comes before
        ("Price", [60, 0], 60),
    ],
)
def test_a_first_place_that_says_nothing_is_not_told(name, counts, total):
    assert first_message(name, counts, total, 30, "en") == ""


def test_thirty_are_enough_to_speak_of():
    assert first_message("Price", [20, 10], 30, 30, "en") == "Price comes first: 20 of 30 (66.7%)"


def test_the_bridge_tells_by_how_many_the_customers_became_more(shop, drawing):
    # 9 at the start, 12 at the end
    said = message_of(plot_customer_bridge, shop, drawing)
    assert said == {"en": "Customers rose by 3, from 9 to 12", "zh": "客户数增加3，由9升至12"}[drawing[1]]


def test_customers_who_are_as_many_as_before_need_no_message():
    assert customers_message(7, 7, "en") == ""
    assert customers_message(1855, 1729, "en") == "Customers fell by 126, from 1,855 to 1,729"


def test_the_backlog_tells_both_ends(desk, drawing):
    said = message_of(plot_backlog, desk, drawing)
    assert "2024Q4" in said and "2024Q3" in said


def test_a_heat_map_of_many_cells_has_no_message(desk, drawing):
    assert message_of(plot_queue, desk, drawing, "offered") == ""


# --- targets ------------------------------------------------------------------------------------------


def test_targets_missed_are_named(shop):
    missed = [metric(shop), metric(shop, "revenue")]
    assert missed_message(missed, "en") == "Targets missed: Customer retention rate, Revenue"
    assert missed_message([], "en") == ""


def test_the_trends_name_the_targets_missed_and_not_those_reached(shop, drawing, monkeypatch):
    targets = {"revenue": (400.0, "hit"), "buyers": (99.0, "miss"), "orders": (99.0, "undetermined")}
    monkeypatch.setattr(scorecard, "_targets", lambda _: targets)
    said = message_of(plot_trends, shop, drawing)
    assert said == {"en": "Targets missed: Customers who bought", "zh": "未达标：购买客户数"}[drawing[1]]


def test_without_a_missed_target_the_trends_have_no_message(shop, drawing):
    assert message_of(plot_trends, shop, drawing) == ""


@pytest.mark.parametrize(
    "say",
    [
        lambda each: groups_message([told("A", "worse"), told("B", "better")], each),
        lambda each: first_message("A", [227, 130], 654, 30, each),
        lambda each: customers_message(1855, 1729, each),
        lambda each: backlog_message(36, "2026Q3", 66, "2026Q2", each),
        lambda each: best_message("10%", "75%", each),
    ],
)
def test_both_languages_say_the_same_figures_and_end_without_a_full_stop(say):
    english, chinese = say("en"), say("zh")
    assert figures_in(english) == figures_in(chinese) != []
    assert not english.endswith(".") and not chinese.endswith("。")
