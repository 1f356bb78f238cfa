"""The retention page: groups, figures under all definitions, whom to keep and whom to win back."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.appraisal.drivers import Driver, Question
from analysis.facts import NotMeasured
from analysis.report.figures.retention import GROUPED
from analysis.report.pages import retention
from analysis.report.pages.retention import (
    at_risk_parts,
    customer_rows,
    family_metrics,
    group_rows,
    lost_customers,
    show_at_risk,
    show_loyalty_kpis,
    show_retention_by_group,
    show_retention_kpis,
    show_win_back,
)
from analysis.report.per_language import not_measured_html
from analysis.report.stories import Story
from reading_pages import in_each_language, read, replaced

SCRIPT, FORMULA = "<script>alert(1)</script>", "=cmd|' /C calc'!A0"


def customers(size=3, **columns):
    rows = pd.DataFrame(
        {
            "customer_id": [f"c{i:02d}" for i in range(size)], "customer_name": None,
            "predicted_clv": [100.0 - i for i in range(size)], "net_revenue_to_date": 50.0,
            "repeat_orders": 2,
            "last_order_on": pd.Timestamp("2024-11-01"), "days_since_last_order": 60, "churn_score": 0.8,
            "is_valuable": True, "is_at_risk": True, "is_closing": True, "is_one_time_buyer": False,
            "is_lost": False,
        }
    )  # fmt: skip
    return rows.assign(**columns)


@pytest.fixture
def modelled(shop):
    """The shop as if its models had told how many of its customers are at risk."""
    kpis = shop.kpis.copy()
    own = (kpis["metric"] == "at_risk_share") & (kpis["period"] == "2024Q4")
    kpis.loc[own, ["value", "status", "reason"]] = [0.5, "measured", None]
    return replaced(shop, kpis=kpis)


# --- groups and figures ---------------------------------------------------------------------------


def test_every_group_has_a_row_with_its_rate_and_n(shop):
    rows = group_rows(shop, "en")
    # k0–k2 stayed; of k3–k5 and l0 three; of l1 and l2 none (see the chart's test)
    assert list(zip(rows["group_name"], rows["value"], rows["n"], strict=True)) == [
        ("top third", 1.0, 3), ("middle third", 0.75, 4), ("bottom third", 0.0, 2),
    ]  # fmt: skip


@in_each_language
def test_the_table_of_groups_names_what_is_left_out(shop, language):
    page = read(show_retention_by_group(shop, language=language))
    assert len(page.select("tbody tr:not(.wb-section)")) == 3
    assert {"en": "New or existing", "zh": "新老客户"}[language] in page.select_one(".wb-below").get_text()


def test_a_group_without_customers_then_says_so_in_words(shop):
    rows = group_rows(shop, "zh")
    assert rows["previous_change"].isna().all()  # nobody was active at the start of 2024Q3
    assert set(rows["previous_reason"]) == {"当时该组没有客户"}


def test_without_retention_there_are_no_groups_but_a_reason(shop):
    kpis = shop.kpis.assign(status="not_measured", reason="no_rows")
    assert "no rows to measure it on" in show_retention_by_group(replaced(shop, kpis=kpis), language="en")


def test_each_metric_is_listed_under_all_its_definitions_the_run_s_own_first(shop):
    listed = [
        (m.id, m.variant) for m in family_metrics(shop, "retention") if m.id == "customer_retention_rate"
    ]
    assert listed == [
        ("customer_retention_rate", "default"), ("customer_retention_rate", "as_printed"),
        ("customer_retention_rate", "active_again"),
    ]  # fmt: skip


@in_each_language
def test_figures_of_a_family_are_in_the_table_with_their_variants(shop, language):
    text = read(show_retention_kpis(shop, language=language)).get_text(" ", strip=True)
    # as printed: (12 at the end − 5 new) / 9 at the start = 7/9
    assert "77.8%" in text
    assert {"en": "(end − new) / start, as printed", "zh": "原文公式：（期末 − 新增）÷ 期初"}[
        language
    ] in text


@in_each_language
def test_loyalty_has_a_table_of_its_own(shop, language):
    page = read(show_loyalty_kpis(shop, language=language))
    # 13 orders by 13 buyers; net revenue 402 over 13 orders
    assert "€30.92" in page.get_text()


# --- whom to keep ---------------------------------------------------------------------------------


def test_those_at_risk_fall_into_three_parts_without_rest():
    rows = customers(
        6, is_one_time_buyer=[True, True, False, False, False, False], is_at_risk=[True] * 5 + [False],
        is_closing=[True, False, True, True, False, False],
    )  # fmt: skip
    assert at_risk_parts(rows) == {"all": 5, "listed": 2, "inactive": 1, "once": 2}


def test_at_most_twenty_are_listed_the_most_valuable_first(modelled):
    page = read(show_at_risk(replaced(modelled, customers=customers(30)), language="en"))
    heads = [head.get_text() for head in page.select("tbody th")]
    assert heads == [f"c{i:02d}" for i in range(20)]
    assert "the 20 worth most of 30" in page.caption.get_text()
    assert (
        "Of 30 valuable customers at risk (100.0% of the top 50% by value), 30 have bought more than once"
        in page.get_text()
    )


def test_a_row_gives_value_history_and_churn_score(modelled):
    page = read(show_at_risk(replaced(modelled, customers=customers(1)), language="en"))
    cells = [cell.get_text() for cell in page.select("tbody td")]
    assert cells == ["€100.00", "€50.00", "3", "1 Nov 2024", "60", "80%"]


@in_each_language
def test_nobody_at_risk_is_said_and_one_time_buyers_are_still_counted(modelled, language):
    rows = customers(4, is_one_time_buyer=True)
    text = read(show_at_risk(replaced(modelled, customers=rows), language=language)).get_text()
    assert not read(text).select("table")
    assert {"en": "4 have bought only once", "zh": "4位只购买过一次"}[language] in text


def test_without_a_model_the_list_is_not_measured(modelled):
    kpis = modelled.kpis.copy()
    own = kpis["metric"] == "at_risk_share"
    kpis.loc[own, ["value", "status", "reason"]] = [float("nan"), "not_measured", "model_degenerate"]
    assert "could not be fitted" in show_at_risk(replaced(modelled, kpis=kpis), language="en")


# --- whom to win back -----------------------------------------------------------------------------


@in_each_language
def test_the_customers_lost_in_the_period_are_listed_and_hostile_names_do_no_harm(shop, language):
    html = show_win_back(shop, language=language)
    heads = [head.get_text(" ", strip=True) for head in read(html).select("tbody th")]
    assert sorted(heads) == sorted([f"{SCRIPT} l0", f"{FORMULA} l1", "l2"])
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_those_worth_most_come_first_and_without_a_model_those_who_brought_most():
    lost = lost_customers(customers(3, is_lost=True, predicted_clv=[1.0, 3.0, 2.0]))
    assert lost["customer_id"].tolist() == ["c01", "c02", "c00"]
    blind = customers(3, is_lost=True, predicted_clv=float("nan"), net_revenue_to_date=[1.0, 3.0, 2.0])
    assert lost_customers(blind)["customer_id"].tolist() == ["c01", "c02", "c00"]


def test_what_they_are_worth_together_is_only_said_where_it_is_known(shop):
    rows = customers(2, is_lost=True, predicted_clv=[10.0, 5.5])
    assert "€15.50" in show_win_back(replaced(shop, customers=rows), language="en")
    blind = rows.assign(predicted_clv=float("nan"))
    assert "€0.00" not in show_win_back(replaced(shop, customers=blind), language="en")


@in_each_language
def test_nobody_lost_is_said(shop, language):
    page = read(show_win_back(replaced(shop, customers=customers(2)), language=language))
    assert page.select(".wb-callout") and not page.select("table")


def test_a_customer_goes_by_his_name_with_the_id_below_or_by_the_id_alone():
    rows = customer_rows(customers(3, customer_name=["Ann", None, "c02"]))
    assert rows["who"].tolist() == ["Ann", "c01", "c02"]
    assert rows["id"].fillna("–").tolist() == ["c00", "–", "–"]
    assert rows["purchases"].tolist() == [3, 3, 3]  # two repeats and the first


def test_not_measured_is_what_the_figure_says(shop):
    kpis = shop.kpis.assign(status="not_measured", reason="after_data|2024-01-01")
    assert isinstance(replaced(shop, kpis=kpis).kpi("at_risk_share"), NotMeasured)
    assert "data end on 1 Jan 2024" in show_win_back(replaced(shop, kpis=kpis), language="en")


# --- where the change lies --------------------------------------------------------------------------


def driver(metric, value, base_value, whole, contribution):
    asked = Question(metric, against="previous")
    difference = value - base_value
    return Driver(
        asked, "segment", "large", value, base_value, difference, -0.056, 40, 40, whole, contribution, 0.001
    )


@in_each_language
def test_the_groups_of_the_scorecard_that_make_the_change_stand_above_the_groups(shop, monkeypatch, language):
    # of −9.5 points the group makes −4.75: half; a story of service has no place on this page
    drivers = (driver(GROUPED, 0.42, 0.749, -0.095, -0.0475), driver("sla_attainment", 0.8, 0.4, 0.2, 0.1))
    monkeypatch.setattr(retention, "find_stories", lambda results: [Story("segment", "large", drivers)])
    remark = read(show_retention_by_group(shop, language=language)).select_one(".wb-callout")
    [line] = remark.select("li")
    assert "large" in line.get_text()
    assert {"en": "74.9% → 42.0%; all others −5.6 pp", "zh": "74.9% → 42.0%；其他分组合计变化−5.6个百分点"}[
        language
    ] in line.get_text()
    assert {"en": "50% of the change", "zh": "占总变化的50%"}[language] in line.get_text()
    assert shop.book.catalogue.dimensions["segment"].meaning.in_(language) in remark.get_text()


def test_without_a_group_that_makes_the_change_nothing_is_said_of_it(shop):
    assert not read(show_retention_by_group(shop, language="en")).select(".wb-callout")


@in_each_language
def test_a_table_not_supplied_is_called_by_its_name(shop, language):
    said = not_measured_html(NotMeasured("table_absent|exits"), shop, language)
    assert shop.book.catalogue.tables["exits"].name.in_(language) in read(said).get_text()
    assert "exits" not in said
