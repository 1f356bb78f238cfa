"""The satisfaction page: what can be trusted, scores by question, group and touchpoint, themes, complaints."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from analysis.facts import NotMeasured
from analysis.report.pages.definitions import show_definitions
from analysis.report.pages.satisfaction import (
    of_both,
    overview_metrics,
    quality_shown,
    score_rows,
    section_of,
    show_complaints,
    show_effort,
    show_journey,
    show_marking_words,
    show_mentions,
    show_recommendation,
    show_satisfaction_by_account_manager,
    show_satisfaction_by_customer_group,
    show_satisfaction_by_team,
    show_satisfaction_changes,
    show_satisfaction_index,
    show_satisfaction_items,
    show_satisfaction_kpis,
    show_service_quality,
    show_survey_trust,
    show_themes,
    words_shown,
    worst_line,
)
from analysis.report.pages.satisfaction_rows import (
    complaint_topics,
    doubtful_groups,
    group_scores,
    index_items,
    journey_question,
    journey_rows,
    mention_platforms,
    nps_parts,
    quality_dimensions,
    scores_of,
    small_groups,
    survey_gate,
    theme_rows,
)
from analysis.suite import Results

in_each_language = pytest.mark.parametrize("language", ["en", "zh"])
SCRIPT, FORMULA = "<script>alert(1)</script>", "=cmd|' /C calc'!A0"
SHOWN = (
    show_satisfaction_changes, show_survey_trust, show_satisfaction_kpis, show_satisfaction_items, show_recommendation,
    show_effort, show_service_quality, show_satisfaction_index, show_satisfaction_by_team,
    show_satisfaction_by_account_manager, show_satisfaction_by_customer_group, show_themes, show_marking_words,
    show_journey, show_complaints, show_mentions,
)  # fmt: skip


def read(html) -> BeautifulSoup:
    return BeautifulSoup(str(html), "html.parser")


def text(html) -> str:
    return read(html).get_text(" ", strip=True)


def cells(html, head: str) -> list[str]:
    """The cells of the table row whose heading begins so."""
    rows = read(html).select("tbody tr:not(.wb-section)")
    found = next(row for row in rows if row.th.get_text(" ", strip=True).startswith(head))
    return [cell.get_text(" ", strip=True) for cell in found.select("td")]


# --- everything -----------------------------------------------------------------------------------


@pytest.mark.parametrize("show", SHOWN, ids=lambda show: show.__name__)
@in_each_language
def test_nothing_hostile_gets_onto_the_page_and_nothing_is_left_unsaid(asked, show, language):
    html = str(show(asked, language=language))
    assert "<script" not in html
    assert not re.search(r"\bnan\b|\bNone\b|NaT|\{\w+\}", text(html))


@pytest.mark.parametrize("show", SHOWN, ids=lambda show: show.__name__)
@in_each_language
def test_a_company_that_asks_nobody_is_told_so(no_orders, show, language):
    html = show(no_orders, language=language)
    assert read(html).select(".wb-callout")
    assert not read(html).select("table")


def test_both_languages_give_the_same_numbers(asked):
    for show in SHOWN[1:]:
        english, chinese = (re.findall(r"\d+\.\d", text(show(asked, language=each))) for each in ("en", "zh"))
        assert english == chinese, show.__name__


# --- what moved, what can be trusted --------------------------------------------------------------


@in_each_language
def test_what_moved_is_only_what_moved_beyond_chance(asked, language):
    page = read(show_satisfaction_changes(asked, language=language))
    # Satisfied: 40 of 40 before, 30 of 40 now; the share of each aspect is as before
    told = [line.get_text() for line in page.select(".wb-findings li")]
    assert any("75.0%" in line and "100.0%" in line for line in told)
    assert not any("50.0%" in line for line in told)


def test_answers_of_customers_somebody_chose_are_named_with_their_manager(asked):
    doubts = doubtful_groups(survey_gate(asked)).set_index("group")
    assert "hand_picked|100%" in doubts.loc["m2", "warnings"]
    assert doubts.loc["m2", "by"] == "account_manager"
    assert "too_few" not in doubts.loc["m2", "warnings"]
    assert "m1" not in doubts.index


@in_each_language
def test_the_warning_stands_before_the_table_with_name_and_share(asked, language):
    page = read(show_survey_trust(asked, language=language))
    warning = page.select_one(".wb-is-warning").get_text()
    assert FORMULA in warning and "m2" in warning and "100%" in warning
    assert page.select_one(".wb-is-warning").find_next("table") is not None


def test_few_answers_are_counted_by_name(asked):
    few = small_groups(survey_gate(asked))
    told = dict(zip(few["group"], few["answers"], strict=True))
    # m2 holds five customers; each team has twenty answers to each question about a case
    assert told == {"m2": 5, "North": 20, SCRIPT: 20}


def test_the_gate_says_how_many_answered_and_how_many_were_asked(asked):
    row = cells(show_survey_trust(asked, language="en"), "Recommendation (NPS) about the relationship")
    assert row[0] == "41"  # forty, and c00 once more
    assert row[3] == "40"


# --- figures --------------------------------------------------------------------------------------


def test_the_overview_holds_each_metric_once_and_what_is_apart_beside_it(asked):
    shown = [(metric.id, metric.variant) for metric in overview_metrics(asked)]
    assert len(shown) == len(set(shown))
    assert shown.index(("nps", "transactional")) == shown.index(("nps", "default")) + 1
    assert ("ces", "v1") in shown
    assert not [name for name, _ in shown if name.startswith("csat.") or name == "complaints"]
    sections = [section_of(metric) for metric in overview_metrics(asked)]
    assert sections == sorted(sections, key=sections.index)  # each section in one piece


def test_satisfaction_is_that_of_each_customer_s_last_answer(asked):
    html = show_satisfaction_items(asked, language="en")
    assert (
        cells(html, "Customer satisfaction (CSAT)")[0] == "75.0%"
    )  # with c00's first answer it would be 30 of 41
    assert cells(html, "Satisfaction: Product quality")[0] == "50.0%"  # 20 of 40


@in_each_language
def test_recommendation_after_a_contact_is_never_pooled_with_the_other(asked, language):
    html = show_recommendation(asked, language=language)
    values = [row.td.get_text() for row in read(html).select("tbody tr")]
    # (20 − 10) / 40 of the relationship, (30 − 10) / 40 after a contact
    assert values[:2] == ["25", "50"]


def test_what_the_three_groups_make_is_the_score(asked):
    parts = nps_parts(asked, "default").set_index("period")
    now = parts.loc["2024Q2"]
    assert [now["promoters"], now["passives"], now["detractors"]] == [0.5, 0.25, 0.25]
    score = 100 * (parts["promoters"] - parts["detractors"])
    assert score.tolist() == pytest.approx(parts["value"].tolist())
    assert list(parts.index) == ["2024Q1", "2024Q2"]


def test_effort_counts_those_who_found_it_easy(asked):
    assert cells(show_effort(asked, language="en"), "Customer effort score (CES)")[0] == "50.0%"


# --- quality of service ---------------------------------------------------------------------------


def test_the_gap_is_perception_less_expectation_with_its_interval(asked):
    row = quality_dimensions(asked).iloc[0]
    # Expected 6 by all; perceived 5 by 20 and 4 by 20
    assert (row["dimension"], row["expectation"], row["perception"], row["n"]) == (
        "responsiveness",
        6.0,
        4.5,
        40,
    )
    assert row["value"] == pytest.approx(-1.5)
    assert row["value"] == pytest.approx(asked.kpi("servqual_gap")["value"])
    # t with 39 degrees of freedom 2.0227, s² = 40 · 0.25 / 39, s / √40 = 0.08006
    assert row["high"] == pytest.approx(-1.5 + 2.0227 * 0.08006, abs=1e-4)


def test_a_small_sample_gives_no_reading_whatever_its_interval(asked):
    rows = pd.DataFrame(
        {"dimension": ["a_b", "c"], "low": [-1.0, -1.0], "high": [-0.5, -0.5], "n": [29, 30], "value": -0.8}
    )
    shown = quality_shown(rows, asked, "en")
    assert shown["reading"].tolist() == ["○ too few to say", "▼ short of expectation"]
    assert shown["name"].tolist() == ["a b", "c"]
    assert shown["n_detail"].isna().tolist() == [False, True]


def test_the_index_is_the_weighted_mean_of_its_items(asked):
    items = index_items(asked).set_index("item")
    # 7 of 1–10 by all is 66.7; half 10 and half 1 is 50
    assert items["value"].to_dict() == pytest.approx(
        {"expectations_met": 50.0, "close_to_ideal": 66.6667}, abs=1e-3
    )
    assert (items["value"] * items["weight"]).sum() == pytest.approx(asked.kpi("acsi_style")["value"])


# --- by group -------------------------------------------------------------------------------------


def test_a_manager_s_score_is_that_of_the_customers_he_held(asked):
    scores = scores_of(asked, "account_manager")
    csat = scores[scores["metric"] == "csat"].set_index("group")
    # m1 holds c00 to c34, of whom 30 are satisfied; m2 the other five, none of whom is
    assert csat["value"].to_dict() == pytest.approx({"m1": 30 / 35, "m2": 0.0})
    assert csat["n"].to_dict() == {"m1": 35, "m2": 5}
    assert (csat["low"] < csat["value"].clip(lower=1e-9)).all()


def test_who_chose_his_customers_is_marked_and_his_verdict_is_not_told(asked):
    rows = score_rows(asked, "account_manager", "en").set_index("group")
    assert rows.loc["m2", "csat.default_mark"] == "use_with_care"
    assert "not to be taken at face value" in rows.loc["m2", "detail"]
    changes = group_scores(asked)[1]
    changes = changes[(changes["by"] == "account_manager") & (changes["against"] == "previous")]
    csat = changes[(changes["metric"] == "csat") & (changes["variant"] == "default")]
    # 5 of 5 to 0 of 5 is beyond chance (Fisher: 2 / 252); 35 of 35 to 30 of 35 is not (p = 0.054)
    assert csat.set_index("group")["verdict"].to_dict() == {"m1": "no_clear_change", "m2": "worse"}
    assert pd.isna(rows.loc["m1", "csat.default_mark"])


def test_a_team_has_the_answers_about_its_own_tickets(asked):
    scores = scores_of(asked, "team")
    solved = scores[scores["metric"] == "csat.problem_solving"].set_index("group")["value"]
    assert solved.to_dict() == {"North": 0.2, SCRIPT: 1.0}
    assert "csat" not in set(scores["metric"])  # nobody was asked that after a case


@in_each_language
def test_every_score_has_its_n_and_small_samples_are_marked_in_words(asked, language):
    row = cells(show_satisfaction_by_team(asked, language=language), "North")
    assert all("n\xa0=\xa0" in cell or "n = " in cell for cell in row)
    words = {"en": "small sample", "zh": "样本较少"}[language]
    assert all(words in cell for cell in row)


@in_each_language
def test_without_assignments_the_reason_stands_in_words(no_orders, asked, language):
    absent = text(show_satisfaction_by_account_manager(no_orders, language=language))
    table = asked.book.catalogue.tables["answers"].name.in_(language)
    assert table in absent


# --- comments -------------------------------------------------------------------------------------


def test_low_scores_speak_of_deliveries_in_both_languages(asked):
    rows = theme_rows(asked)
    first = rows.iloc[0]
    assert (first["group"], first["theme"]) == ("low", "delivery")
    # all 17 comments with low scores: 8 English, 8 Chinese, one hostile
    assert (first["mentions"], first["comments"], first["share"]) == (17, 17, 1.0)
    assert first["is_over_represented"]
    assert set(rows.loc[rows["group"] == "high", "theme"]) == {"staff_attitude"}


@in_each_language
def test_examples_are_in_both_languages_and_harmless(asked, language):
    html = str(show_themes(asked, language=language))
    assert "the delivery was late" in html or "&lt;script&gt;" in html
    assert "物流太慢" in html
    assert "<script" not in html


def test_of_examples_the_best_and_one_in_the_other_language_are_shown():
    assert of_both(("slow", "late", "太慢")) == ["slow", "太慢"]
    assert of_both(("slow", "late")) == ["slow", "late"]
    assert of_both(()) == []


def test_a_theme_without_comments_before_says_why_there_is_no_change(asked):
    html = show_themes(asked, language="en")
    assert "no comments in the period before" in text(html)  # low scores had none in 2024Q1


def test_marking_words_stand_under_their_language_with_their_customers():
    found = pd.DataFrame(
        {
            "group": ["low", "low"], "language": ["en", "zh"],
            "terms": [(("late", 12, "delivery"), ("gate", 3, None)), (("太慢", 5, None),)],
        }
    )  # fmt: skip
    rows = words_shown(found, "en")
    assert rows.loc[0, ["en", "zh"]].tolist() == ["late (12), gate (3)", "太慢 (5)"]
    assert rows.loc[1, "en"] == "none beyond chance"


# --- the journey ----------------------------------------------------------------------------------


def test_the_worst_touchpoint_comes_first_with_its_volume(asked):
    rows = journey_rows(asked).set_index("touchpoint")
    assert list(rows.index) == ["courier", "shop"]
    # 4 of 20 against 20 of 20; 10 of 30 contacts repeat one, against 1 of 21 (x39, who called before the quarter)
    assert rows["csat"].to_dict() == {"courier": 0.2, "shop": 1.0}
    assert rows["repeat"].to_dict() == pytest.approx({"courier": 10 / 30, "shop": 1 / 21})
    assert rows["contacts"].to_dict() == {"courier": 30, "shop": 21}
    assert rows["tickets"].to_dict() == {"courier": 20, "shop": 20}
    assert rows.loc["courier", "worse"] == 2
    assert rows.loc["shop", "csat_verdict"] == "better"


def test_the_journey_asks_the_question_that_touchpoints_answer(asked):
    assert journey_question(asked).id == "csat.problem_solving"


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


# --- complaints and mentions ----------------------------------------------------------------------


def test_complaints_are_told_by_topic_with_the_rate_of_each(asked):
    topics = complaint_topics(asked).set_index("topic")
    assert topics["complaints"].to_dict() == {"courier": 8}
    assert topics.loc["courier", "value"] == pytest.approx(8 / 30)


def test_mentions_are_counted_by_platform_and_tone(asked):
    rows = mention_platforms(asked).set_index("platform")
    assert rows.loc["weibo", ["positive", "neutral", "negative", "n"]].tolist() == [3, 0, 1, 4]
    assert rows.loc["weibo", "value"] == pytest.approx(50.0)  # 100 · (3 − 1) / 4
    assert rows.loc[SCRIPT, "neutral"] == 1


def test_a_figure_that_is_not_measured_gives_its_own_reason(asked):
    kpis = asked.kpis.assign(status="not_measured", reason="after_data|2024-01-01", value=float("nan"))
    blind = Results(asked.book, {**asked.frames, "kpis": kpis})
    assert isinstance(blind.kpi("social_sentiment"), NotMeasured)
    assert "data end on" in text(show_mentions(blind, language="en"))


@in_each_language
def test_aspects_are_defined_once_under_all_their_names(asked, language):
    page = read(show_definitions(asked, "satisfaction", language=language))
    heads = [head.get_text() for head in page.select("strong")]
    [aspects] = [head for head in heads if {"en": "Product quality", "zh": "产品质量"}[language] in head]
    assert {"en": "Problem solving", "zh": "问题解决"}[language] in aspects
    # under it, folded away, how each of them came to be
    fold = next(each for each in page.select("strong") if each.get_text() == aspects).find_next("details")
    assert len(fold.select(".wb-explained")) == len(aspects.split({"en": ", ", "zh": "、"}[language])) == 3
