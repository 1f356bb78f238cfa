"""The satisfaction page as a whole, what moved, and the figures under all their definitions."""

from __future__ import annotations

import re

import pytest

from analysis.report.pages.comments import show_marking_words, show_themes
from analysis.report.pages.complaints import show_complaints, show_mentions
from analysis.report.pages.definitions import show_definitions
from analysis.report.pages.journey import show_journey
from analysis.report.pages.satisfaction import (
    overview_metrics,
    section_of,
    show_effort,
    show_recommendation,
    show_satisfaction_changes,
    show_satisfaction_items,
    show_satisfaction_kpis,
)
from analysis.report.pages.scores_by_group import (
    show_satisfaction_by_account_manager,
    show_satisfaction_by_customer_group,
    show_satisfaction_by_team,
)
from analysis.report.pages.service_quality import show_satisfaction_index, show_service_quality
from analysis.report.pages.service_quality_rows import quality_name
from analysis.report.pages.survey_trust import show_survey_trust
from reading_pages import in_each_language, read, text

SHOWN = (
    show_satisfaction_changes, show_survey_trust, show_satisfaction_kpis, show_satisfaction_items, show_recommendation,
    show_effort, show_service_quality, show_satisfaction_index, show_satisfaction_by_team,
    show_satisfaction_by_account_manager, show_satisfaction_by_customer_group, show_themes, show_marking_words,
    show_journey, show_complaints, show_mentions,
)  # fmt: skip


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


# --- figures --------------------------------------------------------------------------------------


def test_the_overview_holds_each_metric_once_and_what_is_apart_beside_it(asked):
    shown = [(metric.id, metric.variant) for metric in overview_metrics(asked)]
    assert len(shown) == len(set(shown))
    assert shown.index(("nps", "transactional")) == shown.index(("nps", "default")) + 1
    assert ("ces", "v1") in shown
    assert not [name for name, _ in shown if name.startswith("csat.") or name == "complaints"]
    sections = [section_of(metric) for metric in overview_metrics(asked)]
    assert sections == sorted(sections, key=sections.index)  # each section in one piece


def test_satisfaction_is_that_of_each_customer_s_last_answer(asked, cells):
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


def test_effort_counts_those_who_found_it_easy(asked, cells):
    assert cells(show_effort(asked, language="en"), "Customer effort score (CES)")[0] == "50.0%"


# --- complaints and mentions ----------------------------------------------------------------------


@in_each_language
def test_aspects_are_defined_once_under_all_their_names(asked, language):
    page = read(show_definitions(asked, "satisfaction", language=language))
    heads = [head.get_text() for head in page.select("strong")]
    [aspects] = [head for head in heads if {"en": "Product quality", "zh": "产品质量"}[language] in head]
    assert {"en": "Problem solving", "zh": "问题解决"}[language] in aspects
    # under it, folded away, how each of them came to be
    fold = next(each for each in page.select("strong") if each.get_text() == aspects).find_next("details")
    assert len(fold.select(".wb-explained")) == len(aspects.split({"en": ", ", "zh": "、"}[language])) == 3


@in_each_language
def test_dimensions_of_quality_and_items_have_the_names_of_the_settings_before_the_usual_ones(
    asked, with_names, language
):
    names = {"question_dimension": {"tangibles": {"en": "Our shops", "zh": "门店环境"}},
             "item": {"close_to_ideal": {"en": "Dream", "zh": "心中理想"}}}  # fmt: skip
    own = with_names(asked, **names).book
    assert quality_name("tangibles", own, language) == {"en": "Our shops", "zh": "门店环境"}[language]
    assert quality_name("tangibles", asked.book, language) == {"en": "Tangibles", "zh": "有形性"}[language]
    assert (
        quality_name("close_to_ideal", own, language, "index") == {"en": "Dream", "zh": "心中理想"}[language]
    )
    assert quality_name("keeps_faith", own, language) == "keeps faith"
