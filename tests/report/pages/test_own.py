"""What a page of one's own is made of: the figures of the frame, in words, and a plain error for a name misspelt."""

from __future__ import annotations

import re

import pytest
from bs4 import BeautifulSoup

from analysis import plot_kpi, show_definition, show_kpis, show_kpis_by
from analysis.catalogue import UnknownName
from analysis.report.kpis_shown import figure_by_period
from analysis.suite import measure_suite

LANGUAGES = ("en", "zh")


@pytest.fixture(scope="module")
def shop(open_company):
    """Three customers; `big` buys for 100 in every quarter, `small` for 10, `gone` for 50 in the first alone."""
    orders = ["order_id,customer_id,ordered_at,amount"]
    days = ("2025-11-10", "2026-02-10", "2026-05-10")
    rows = [(f"b{i}", "big", day, 100) for i, day in enumerate(days)]
    rows += [(f"s{i}", "small", day, 10) for i, day in enumerate(days)] + [("g", "gone", "2025-11-11", 50)]
    orders += [",".join(map(str, row)) for row in rows]
    customers = "customer_id,segment\nbig,gold\nsmall,plain\ngone,plain\n"
    tables = {"orders": "\n".join(orders), "customers": customers}
    options = {"model_draws": 20, "sparkline_periods": 3, "activity_window_days": 100}
    return measure_suite(open_company(tables, "2026Q2", **options))


def table(html, caption):
    found = BeautifulSoup(str(html), "html.parser").find("table")
    assert found.find("caption").get_text(strip=True) == caption
    return [
        [cell.get_text(" ", strip=True) for cell in row.find_all(["th", "td"])]
        for row in found.find_all("tr")
    ]


@pytest.mark.parametrize(
    ("language", "caption", "revenue"),
    [("en", "Figures of 2026Q2", "Revenue"), ("zh", "2026Q2指标", "销售额")],
)
def test_figures_are_shown_in_the_order_asked_for(shop, language, caption, revenue):
    rows = table(show_kpis(shop, "orders", "revenue", language=language), caption)
    assert [row[0] for row in rows[1:]][1] == revenue
    assert "110" in rows[2][1]  # 100 + 10
    assert rows[1][1] == "2"


def test_what_is_not_measured_is_said_below(shop):
    text = BeautifulSoup(str(show_kpis(shop, "revenue", "nps", language="en")), "html.parser").get_text(" ")
    assert re.search(r"Not measured: Net promoter score.*\(table .* is not supplied", text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_groups_are_shown_for_a_dimension_that_the_run_does_not_list(shop, language):
    assert "segment" not in shop.book.settings.dimensions
    text = BeautifulSoup(
        str(show_kpis_by(shop, "segment", "revenue", language=language)), "html.parser"
    ).get_text(" ")
    assert "gold" in text and "plain" in text


def test_groups_of_a_table_that_is_not_supplied_are_its_reason(shop):
    assert "Surveys" in str(show_kpis_by(shop, "segment", "survey_coverage", language="en"))


def test_a_definition_has_its_figure_and_how_it_came_to_be(shop):
    text = BeautifulSoup(
        str(show_definition(shop, "average_order_value", language="en")), "html.parser"
    ).get_text(" ")
    assert "Net revenue per order" in text
    assert "55" in text and "select" in text.lower()  # 110 / 2


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (lambda shop: show_kpis(shop, "revenu", language="en"), "did you mean 'revenue'"),
        (lambda shop: show_kpis(shop, "revenue.gros", language="en"), "did you mean 'gross'"),
        (lambda shop: show_kpis_by(shop, "regin", "revenue", language="en"), "did you mean 'region'"),
        (lambda shop: show_definition(shop, "revenu", language="en"), "did you mean 'revenue'"),
    ],
)
def test_a_name_misspelt_gets_the_nearest_right_one(shop, shown, said):
    with pytest.raises(UnknownName, match=said):
        shown(shop)


def test_a_chart_has_a_point_for_every_period_that_is_measured(shop):
    rows = figure_by_period(shop, shop.book.catalogue.metric("revenue"))
    assert rows.set_index("period")["value"].to_dict() == {"2025Q4": 160.0, "2026Q1": 110.0, "2026Q2": 110.0}
    assert rows["low"].isna().all()  # counted in full


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["revenue", "customer_retention_rate", "revenue.gross"])
def test_a_chart_says_in_words_what_it_shows(shop, language, name):
    import matplotlib.pyplot as plt

    from analysis.report.figures.style import figure_style

    with figure_style(language):
        figure, ax = plt.subplots()
        drawn = plot_kpi(shop, name, language=language, ax=ax)
    assert drawn is ax
    words = figure._workbook
    plt.close(figure)
    assert "2026Q2" in words["alt"] and words["title"]
    assert ("95%" in words["title"]) == (name == "customer_retention_rate")
    if name == "revenue":
        assert "160" in words["alt"]
    if name == "customer_retention_rate":
        assert len(ax.containers) >= 1


def test_a_chart_of_what_is_not_measured_gives_its_reason(shop):
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots()
    found = plot_kpi(shop, "nps", language="en", ax=ax)
    plt.close(figure)
    assert "is not supplied" in found.reason
