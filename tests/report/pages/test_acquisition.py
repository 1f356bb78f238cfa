"""The acquisition page: what moved, figures in blocks, channels, the bottleneck, losses, what is open, targets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analysis.facts import NotMeasured
from analysis.report.pages.acquisition import (
    show_acquisition_changes,
    show_acquisition_kpis,
    show_bottleneck,
    show_channels_that_do_not_last,
    show_lost_reasons,
    show_new_customers_by_channel,
    show_open_by_stage,
    show_sales_by_account_manager,
    show_sales_by_channel,
    show_sales_by_product,
    show_targets_by_account_manager,
    show_time_in_stage,
    show_value_for_cost,
)
from analysis.report.pages.acquisition_rows import BLOCKS, channels
from analysis.report.pages.funnel_rows import funnel, lost_reasons, open_by_stage, time_in_stage
from analysis.suite import Results
from reading_pages import in_each_language, read

SCRIPT, FORMULA = "<script>alert(1)</script>", "=cmd|' /C calc'!A0"
SHOWN = (
    show_acquisition_changes, show_value_for_cost, show_channels_that_do_not_last, show_new_customers_by_channel,
    show_bottleneck, show_time_in_stage, show_lost_reasons, show_sales_by_channel, show_sales_by_product,
    show_sales_by_account_manager, show_open_by_stage, show_targets_by_account_manager,
)  # fmt: skip


def told(show, results, language, *arguments) -> str:
    return read(show(results, *arguments, language=language)).get_text(" ", strip=True)


def cells(html) -> list[list[str]]:
    return [
        [c.get_text(" ", strip=True) for c in row.find_all(["th", "td"])]
        for row in read(html).select("tbody tr")
    ]


def with_rows(results, **rows) -> Results:
    """The results as if the page had found these rows."""
    made = Results(results.book, results.frames)
    made.remembered.update(results.remembered)
    made.remembered.update(rows)
    return made


# --- what moved -----------------------------------------------------------------------------------


@in_each_language
def test_the_narrow_stage_is_told_first_and_once(seller, language):
    lines = read(show_acquisition_changes(seller, language=language)).select("ol.wb-findings > li")
    first = lines[0].p.get_text()
    assert SCRIPT in first and "25.0%" in first and "75.0%" in first
    assert not [line for line in lines[1:] if SCRIPT in line.get_text()]


@in_each_language
def test_without_a_narrow_stage_only_changes_are_told(seller, language):
    calm = with_rows(seller, funnel=funnel(seller).assign(verdict="no_clear_change"))
    html = show_acquisition_changes(calm, language=language)
    assert {"en": "The funnel narrows", "zh": "漏斗在"}[language] not in read(html).get_text()


# --- figures --------------------------------------------------------------------------------------


@in_each_language
@pytest.mark.parametrize("block", BLOCKS)
def test_every_block_has_figures_or_says_why_not(seller, block, language):
    assert told(show_acquisition_kpis, seller, language, block)


def test_there_is_no_block_of_another_name(seller):
    with pytest.raises(KeyError):
        show_acquisition_kpis(seller, "manners", language="en")


@in_each_language
def test_the_cost_of_winning_a_customer_stands_under_every_definition(seller, language):
    rows = cells(show_acquisition_kpis(seller, "cost", language=language))
    values = {row[0]: row[1] for row in rows}
    name = {"en": "Customer acquisition cost (CAC)", "zh": "客户获取成本 CAC"}[language]
    marketing = {"en": "marketing cost only", "zh": "仅营销成本"}[language]
    assert values[f"{name} {marketing}"] == "€28.00"  # 1,400 of marketing for 50 new customers


def test_costs_of_which_there_is_no_row_are_named_as_they_count_as_nothing(seller):
    english = show_acquisition_kpis(seller, "cost", language="en")
    assert "Counted as 0, without a row in this period: Sales cost, Service cost." in english
    chinese = show_acquisition_kpis(seller, "cost", language="zh")
    assert "本期无记录、按0计：销售成本、客服成本。" in chinese


@pytest.mark.parametrize(
    ("value", "low", "high", "words"),
    [
        (0.5, 0.4, 0.6, "Below 1"), (2.0, 1.5, 2.5, "Between 1 and 3"), (4.0, 3.5, 4.5, "Above 3"),
        (0.9, 0.8, 1.1, "across 1"), (2.0, 0.5, 3.5, "across 1, 3"),
    ],
)  # fmt: skip
def test_what_a_customer_brings_for_what_he_costs_is_said_in_words(seller, value, low, high, words):
    figures = dict(seller.company_figures)
    key = ("clv_to_cac", "default", "2024Q4")
    figures[key] = {**figures[key], "value": value, "low": low, "high": high, "status": "measured"}
    made = Results(seller.book, seller.frames)
    made.__dict__["company_figures"] = figures
    assert words in told(show_value_for_cost, made, "en")


@in_each_language
def test_without_a_margin_it_is_said_that_value_is_revenue(seller, language):
    assert {"en": "No margin is set", "zh": "未设定毛利率"}[language] in told(
        show_value_for_cost, seller, language
    )


# --- channels -------------------------------------------------------------------------------------


@in_each_language
def test_a_cheap_channel_nobody_comes_back_from_is_told_with_its_cost(seller, language):
    text = told(show_channels_that_do_not_last, seller, language)
    assert SCRIPT in text and "0.0%" in text and "80.0%" in text
    assert {
        "en": "looks cheap there (€10.00 of marketing, against €28.00",
        "zh": "看似便宜（新客人均营销成本€10.00",
    }[language] in text


@in_each_language
def test_where_every_channel_lasts_the_page_says_so(seller, language):
    calm = with_rows(seller, channels=channels(seller).assign(verdict="no_clear_change"))
    assert {"en": "Channels tested: 2", "zh": "检验了2个渠道"}[language] in told(
        show_channels_that_do_not_last, calm, language
    )


@in_each_language
def test_channels_stand_in_a_table_with_cost_beside_repeat_purchase(seller, language):
    first, second = cells(show_new_customers_by_channel(seller, language=language))
    assert first[0] == SCRIPT
    assert (first[1].split()[0], first[3]) == ("40", "€10.00")
    assert first[4].startswith("0.0% ▼") and second[4].startswith("80.0% ▲")


@in_each_language
def test_a_channel_without_new_customers_or_cost_says_so(seller, language):
    gone = channels(seller).assign(new_customers=float("nan"), cost=float("nan"))
    text = told(show_new_customers_by_channel, with_rows(seller, channels=gone), language)
    assert {"en": "no new customer from this channel", "zh": "该渠道本期没有新客户"}[language] in text
    assert {"en": "no cost names this channel", "zh": "没有注明该渠道的成本"}[language] in text


# --- the funnel -----------------------------------------------------------------------------------


@in_each_language
def test_the_bottleneck_is_named_with_what_to_do(seller, language):
    page = read(show_bottleneck(seller, language=language))
    assert SCRIPT in page.select_one(".wb-callout-title").get_text()
    text = page.get_text(" ")
    assert all(part in text for part in ("25.0%", "75.0%", "60"))
    missed, here = (item.get_text() for item in page.select("li"))
    assert "30" in missed  # (0.75 − 0.25) · 60
    assert "2" in here and "€200.00" in here


@in_each_language
def test_one_period_before_is_no_range_and_several_are(seller, language):
    [once, several] = [
        told(
            show_bottleneck,
            with_rows(seller, funnel=funnel(seller).assign(windows=n, lowest=0.7, highest=0.8)),
            language,
        )
        for n in (1, 8)
    ]
    assert "80.0%" not in once and "80.0%" in several
    assert {"en": "In the period before", "zh": "上期为"}[language] in once
    assert {"en": "In the 8 periods before", "zh": "此前8期合计为"}[language] in several


@in_each_language
def test_without_a_bottleneck_the_lowest_stage_is_named_and_nothing_claimed(seller, language):
    calm = with_rows(seller, funnel=funnel(seller).assign(verdict="no_clear_change"))
    page = read(show_bottleneck(calm, language=language))
    assert not page.select(".wb-is-warning")
    assert {"en": "No stage lets fewer through", "zh": "没有哪个阶段"}[language] in page.get_text()
    assert SCRIPT in page.get_text()


@in_each_language
def test_without_history_no_stage_is_judged(seller, language):
    alone = funnel(seller).assign(verdict="not_comparable", windows=0, usual=float("nan"))
    text = told(show_bottleneck, with_rows(seller, funnel=alone), language)
    assert {"en": "no earlier period", "zh": "没有可与各阶段比较"}[language] in text


@in_each_language
def test_time_in_each_stage_stands_beside_what_it_was(seller, language):
    lead, offer = cells(show_time_in_stage(seller, language=language))
    # mean (100 · 10 + 2 · 2) / 102 = 9.84; before 10 days
    assert (lead[0], lead[1].split()[0], lead[3]) == ("lead", "9.8", "10.0")
    assert offer[0] == SCRIPT
    assert time_in_stage(seller)["n"].tolist() == [102, 60]


# --- losses, sales, what is open ------------------------------------------------------------------


@in_each_language
def test_lost_reasons_stand_with_count_share_running_total_and_value(seller, language):
    first, second = cells(show_lost_reasons(seller, language=language))
    assert first[0] == FORMULA
    assert (first[1], first[2], first[4], first[5]) == ("45", "52.9%", "52.9%", "€4,500")
    assert second[4] == "100.0%"
    assert first[6].startswith({"en": "+25.7 pp", "zh": "+25.7个百分点"}[language])  # from 15/55


@in_each_language
def test_losses_without_a_value_have_no_column_of_it(seller, language):
    bare = lost_reasons(seller).assign(value=float("nan"))
    heads = read(show_lost_reasons(with_rows(seller, lost_reasons=bare), language=language)).select(
        "thead th"
    )
    assert {"en": "Value lost", "zh": "输单金额"}[language] not in [head.get_text() for head in heads]


@in_each_language
def test_losses_of_which_none_says_why_are_said_to_say_nothing(seller, language):
    silent = lost_reasons(seller).head(1).assign(reason="", lost=85)
    text = told(show_lost_reasons, with_rows(seller, lost_reasons=silent), language)
    assert {"en": "no reason is stated for any of the 85", "zh": "输单85条，均未注明原因"}[language] in text


@in_each_language
def test_open_opportunities_without_a_value_have_no_column_of_it(seller, language):
    bare = open_by_stage(seller).assign(value=float("nan"), weighted=float("nan"))
    [lead, *_] = cells(show_open_by_stage(with_rows(seller, open_by_stage=bare), language=language))
    assert len(lead) == 4 and lead[-1] == "30.0%"


@in_each_language
def test_account_managers_stand_by_name_with_verdicts_corrected_for_their_number(seller, language):
    html = show_sales_by_account_manager(seller, language=language)
    names = {row[0] for row in cells(html) if len(row) > 1}
    assert names == {"Ann", FORMULA}
    assert {"en": "corrected for the 2 groups", "zh": "比较的2个分组校正"}[language] in read(html).get_text()


@in_each_language
def test_sales_without_products_say_that_there_is_nothing_to_compare(seller, language):
    text = told(show_sales_by_product, seller, language)
    assert {"en": "Nothing to compare here", "zh": "无可比较"}[language] in text


@in_each_language
def test_what_is_open_adds_up(seller, language):
    lead, offer, total = cells(show_open_by_stage(seller, language=language))
    assert [lead[1], offer[1], total[1]] == ["3", "2", "5"]
    assert total[-1] == "€190"  # 3 · 100 · 0.3 + 2 · 100 · 0.5


@in_each_language
def test_targets_stand_by_name_least_reached_first(seller, language):
    rows = [row for row in cells(show_targets_by_account_manager(seller, language=language)) if len(row) > 1]
    assert rows == [["Ann", "80.0%", "€1,000", "€1,250"], [FORMULA, "160.0%", "€800", "€500"]]


@in_each_language
def test_targets_of_the_company_alone_are_said_to_be_none_of_managers(seller, language):
    from analysis.report.pages.acquisition_rows import targets_of_managers

    none = with_rows(seller, targets_of_managers=targets_of_managers(seller).head(0))
    text = told(show_targets_by_account_manager, none, language)
    assert {"en": "No sales targets", "zh": "未设定"}[language] in text


# --- gaps and hostile names -----------------------------------------------------------------------


@in_each_language
@pytest.mark.parametrize("show", SHOWN, ids=lambda show: show.__name__)
def test_names_from_the_data_do_no_harm(seller, show, language):
    assert not read(show(seller, language=language)).select("script")


@in_each_language
@pytest.mark.parametrize("show", SHOWN, ids=lambda show: show.__name__)
def test_a_company_without_the_tables_gets_a_line_for_every_part(shop, show, language):
    text = told(show, shop, language)
    assert text and len(read(show(shop, language=language)).select("table")) == 0


def test_a_reason_is_given_where_a_table_is_missing(seller):
    absent = replace(seller.book, prepared=replace(seller.book.prepared, tables={
        name: path for name, path in seller.book.prepared.tables.items() if name != "stage_entries"
    }))  # fmt: skip
    assert funnel(Results(absent, seller.frames)) == NotMeasured("table_absent|stage_entries")


HOSTILE = "<img src=x onerror=alert(2)> 报价"
NAMES = {
    "stage": {SCRIPT: {"en": "Offer", "zh": HOSTILE}},
    "lost_reason": {"price": {"en": "Too dear", "zh": "太贵"}},
    "account_manager": {"m2": {"en": "Bo", "zh": "博"}},
    "acquisition_channel": {"web": {"zh": "网店"}},
}


@in_each_language
def test_values_of_the_data_stand_under_the_names_that_the_settings_give_them(seller, with_names, language):
    own = with_names(seller, **NAMES)
    called = {"en": "Offer", "zh": HOSTILE}[language]
    for show in (show_bottleneck, show_time_in_stage, show_open_by_stage, show_acquisition_changes):
        html = show(own, language=language)
        assert called in read(html).get_text() and not read(html).find(["img", "script"]), show.__name__
        assert told(show, own, language).replace(called, SCRIPT) == told(
            show, seller, language
        )  # not a digit differs
    assert {"en": "Too dear", "zh": "太贵"}[language] in told(show_lost_reasons, own, language)
    by_channel = told(show_new_customers_by_channel, own, language)
    assert ("网店" in by_channel) == (language == "zh") and ("web" in by_channel) == (language == "en")
    assert {"en": "Bo", "zh": "博"}[language] in told(show_sales_by_account_manager, own, language)
