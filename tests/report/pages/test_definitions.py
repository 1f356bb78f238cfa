"""Every page ends with what its metrics mean and how their figures came to be."""

from __future__ import annotations

import pytest

from analysis.catalogue import label, load_catalogue
from analysis.report.explained import explain_metric
from analysis.report.links import definition_id, figure_id
from analysis.report.pages.definitions import (
    conditions,
    counts,
    explanation,
    figure_line,
    formula_in_words,
    meaning_of,
    page_metrics,
    show_definitions,
    source_rows,
    variants_in_words,
)
from reading_pages import in_each_language, read

CATALOGUE = load_catalogue()
METRICS = CATALOGUE.metrics
RETENTION = METRICS["customer_retention_rate"]


def test_each_page_defines_its_own_metrics(shop):
    settings = shop.book.settings
    assert [m.id for m in page_metrics(CATALOGUE, settings, "scorecard")] == list(settings.headline_metrics)
    assert {m.family for m in page_metrics(CATALOGUE, settings, "retention")} == {"retention", "loyalty"}
    assert {m.family for m in page_metrics(CATALOGUE, settings, "customer_value")} == {"value"}
    assert {m.family for m in page_metrics(CATALOGUE, settings, "acquisition")} == {"acquisition", "sales"}
    assert len(page_metrics(CATALOGUE, settings, "data_quality")) == len(METRICS)


def test_an_unknown_page_is_an_error_that_names_the_nearest(shop):
    with pytest.raises(KeyError, match="did you mean 'retention'"):
        page_metrics(CATALOGUE, shop.book.settings, "retentoin")


@in_each_language
def test_settings_are_filled_into_the_meaning(shop, language):
    meaning = meaning_of(METRICS["opening_customers"], shop.book.setting_values, language)
    assert "60" in meaning and "$" not in meaning  # the shop's activity window


@in_each_language
def test_every_metric_can_be_defined_under_every_variant(shop, language):
    metrics = [metric for record in METRICS.values() for metric in record.all_variants()]
    meanings = {(m.id, m.variant): meaning_of(m, shop.book.setting_values, language) for m in metrics}
    assert [key for key, meaning in meanings.items() if "$" in meaning or len(meaning) < 3] == []
    assert [m.id for m in metrics if not formula_in_words(m, language).strip()] == []


def test_a_share_is_what_it_counts_over_what_it_counts_in(shop):
    assert formula_in_words(RETENTION, "en") == "rows with is_closing ÷ rows"
    explained = explain_metric(shop, RETENTION)
    assert "where is_opening" in conditions(explained, shop.book, "en")
    assert "activity_window_days = 60" in conditions(explained, shop.book, "en")
    assert counts(explained, "en") == {"n": 9, "numerator": 6, "denominator": 9}


def test_the_figure_is_given_with_its_interval(shop):
    assert (
        figure_line(shop, RETENTION, "en")
        == "Customer retention rate 2024Q4: 66.7% (95% interval 35.4–87.9%)"
    )
    assert "not measured" in figure_line(shop, METRICS["customer_acquisition_cost"], "en")


def test_other_variants_are_named_with_what_they_would_give(shop):
    words = variants_in_words(shop, RETENTION, "en")
    assert words.startswith("In use: default definition. Others: ")
    assert "bought again in the period 66.7%" in words  # all six who stayed bought in it
    printed = variants_in_words(shop, RETENTION.under("as_printed"), "zh")
    assert printed.startswith("当前采用：原文公式")
    assert "默认口径 66.7%" in printed


def test_where_an_interval_ends_is_said(shop):
    per_buyer = conditions(explain_metric(shop, METRICS["revenue_per_customer"]), shop.book, "en")
    assert "no interval goes below min(least(0, net_revenue))" in per_buyer
    churn = METRICS["customer_churn_rate"].under("lost_over_average")
    told = conditions(explain_metric(shop, churn), shop.book, "zh")
    assert told[2:4] == ["区间不低于 0", "区间不高于 2"]


def test_the_sql_gives_the_figure_again(shop):
    found = shop.book.engine.run(explanation(shop, METRICS["revenue"], "en").sql)
    assert found["sum_x_0"].tolist() == [402]


def test_a_derived_figure_lists_what_it_is_made_of(shop):
    told = conditions(
        explain_metric(shop, METRICS["revenue_growth"].under("previous_period")), shop.book, "en"
    )
    assert told == ["revenue = €402.00", "revenue.previous = €165.00"]


def test_source_rows_name_their_row_and_hold_what_the_metric_is_made_of(shop):
    rows = source_rows(explain_metric(shop, RETENTION))
    assert rows.columns.tolist() == ["customer_id", "is_opening", "is_closing"]
    assert len(rows) == 5
    assert source_rows(explain_metric(shop, METRICS["customer_acquisition_cost"])) is None


def test_days_and_numbers_of_source_rows_are_written_as_in_the_file(shop):
    rows = source_rows(explain_metric(shop, METRICS["revenue"]))
    assert set(rows["ordered_on"]) <= {"2024-10-05", "2024-11-20", "2024-11-25", "2024-12-01"}
    assert set(rows["net_amount"]) <= {"12", "25", "40", "30"}


@in_each_language
@pytest.mark.parametrize("page", ["scorecard", "retention"])
def test_a_page_s_definitions_have_a_fold_out_each_and_harm_nobody(shop, page, language):
    html = show_definitions(shop, page, language=language)
    metrics = page_metrics(CATALOGUE, shop.book.settings, page)
    assert len(read(html).select("details")) == len(metrics)
    assert all(metric.name.in_(language) in html for metric in metrics)
    assert "<script" not in html


@in_each_language
def test_data_quality_lists_every_definition_by_family(shop, language):
    page = read(show_definitions(shop, "data_quality", language=language))
    folds = page.select("details.wb-chapter")
    assert len(folds) == len({metric.family for metric in METRICS.values()})
    rows = page.select("tbody tr")
    told = {row.select_one(".wb-under").get_text() for row in rows}
    assert {metric.id for metric in METRICS.values() if not metric.one_of} <= told
    assert len(told) == len(rows)


def test_metrics_of_one_record_stand_once_and_other_definitions_with_their_formula(asked):
    page = read(show_definitions(asked, "data_quality", language="en"))
    ids = [cell.get_text() for cell in page.select("th .wb-under")]
    assert [name for name in ids if name.startswith("csat.")] == ["csat.<item>"]
    [row] = [row for row in page.select("tbody tr") if "customer_churn_rate" in row.get_text()]
    assert (
        "over all customers of the period: rows with is_lost ÷ rows; rows where is_opening or is_closing or is_new"
        in (row.get_text())
    )


@in_each_language
def test_an_example_and_what_is_printed_stand_in_the_definition(shop, language):
    roi = METRICS["crm_roi"]
    assert "2.5" in meaning_of(roi, shop.book.setting_values, language)
    shown = explanation(shop, METRICS["customer_acquisition_cost"], language)
    assert "€125" in shown.example
    html = show_definitions(shop, "customer_value", language=language)
    assert label("report.example", language) in html


@in_each_language
def test_a_definition_can_be_jumped_to_and_leads_to_the_figure_its_page_and_all_others(shop, language):
    page = read(show_definitions(shop, "scorecard", language=language))
    places = [place["id"] for place in page.select("details .wb-explained[id]")]
    assert places == [definition_id(name) for name in shop.book.settings.headline_metrics]
    first = shop.book.settings.headline_metrics[0]
    wanted = [
        ("scorecard", f"#{figure_id(first)}"), ("acquisition", "#content"),  # revenue belongs to sales
        ("data_quality", f"#{definition_id(first)}"),
    ]  # fmt: skip
    assert first == "revenue"
    links = page.select_one(".wb-see-also").find_all("a")
    assert [(link["data-page"], link["href"]) for link in links] == wanted
    assert [link.get_text() for link in links] == [
        CATALOGUE.pages[name].title.in_(language) for name, _ in wanted
    ]


@in_each_language
def test_the_list_of_all_definitions_has_a_place_for_every_metric(shop, language):
    page = read(show_definitions(shop, "data_quality", language=language))
    places = [place["id"] for place in page.select("details [id]")]
    assert sorted(places) == sorted(definition_id(name) for name in METRICS)
    row = page.find(id=definition_id("revenue")).find_parent("th")
    assert row.a["href"] == f"#{figure_id('revenue')}"


def test_a_target_is_read_off_the_table_and_comes_from_no_model():
    metrics = load_catalogue().metrics
    assert formula_in_words(metrics["revenue_target"], "zh") == "取自目标表"
    assert formula_in_words(metrics["revenue_target"], "en") == "as the table of targets says"
    assert formula_in_words(metrics["customer_equity"], "en") == "from the fitted models"
