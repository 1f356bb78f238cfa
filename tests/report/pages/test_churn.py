"""The sections of the retention page on those who left, in both languages, hostile names and reasons in them."""

from __future__ import annotations

from datetime import date

import pytest

from analysis.report.pages.churn import (
    show_churn_by_choice,
    show_churn_reasons,
    show_contracts_due,
    show_contracts_overdue,
    show_renewals,
    show_renewals_by_group,
    show_unusual_reasons,
    show_win_back_rates,
)
from analysis.report.pages.churn_rows import ABOVE
from analysis.report.pages.retention import show_retention_kpis
from analysis.suite import Results, measure_suite
from reading_pages import in_each_language, read

SCRIPT, FORMULA = "<script>alert(1)</script>", "=cmd|' /C calc'!A0"


def cells(html):
    """The rows of a table, each as its cells' texts."""
    rows = read(html).select("tbody tr")
    return [[" ".join(cell.get_text(" ").split()) for cell in row.select("th, td")] for row in rows]


@in_each_language
def test_churn_stands_with_its_three_parts(leaving, language):
    rows = {row[0]: row[1] for row in cells(show_churn_by_choice(leaving, language=language))}
    names = [leaving.book.catalogue.metrics[name].name.in_(language) for name in ABOVE[:3]]
    assert [rows[name] for name in names] == ["40.0%", "4.0%", "16.0%"]
    whole = leaving.book.catalogue.metrics["customer_churn_rate"].name.in_(language)
    assert rows[whole] == "60.0%"


@in_each_language
def test_reasons_are_listed_with_value_and_change_and_the_silent_last(leaving, language):
    html = show_churn_reasons(leaving, language=language)
    rows = cells(html)
    assert [row[0].split(" ")[0] for row in rows] == ["price", "=cmd|'", "closed", "delivery",
                                                      {"en": "not", "zh": "未注明"}[language]]  # fmt: skip
    assert [row[1] for row in rows] == ["20", "18", "4", "2", "16"]
    higher = {"en": "↑ higher", "zh": "↑ 上升"}[language]
    assert rows[1][5].startswith("+40.9") and rows[1][5].endswith(higher)
    assert rows[4][2] == "–"
    assert "73%" in read(html).select_one(".wb-below").get_text()  # 44 of 60


@in_each_language
def test_what_was_lost_with_a_customer_is_not_told_where_there_are_no_orders(open_company, language):
    contracts = "".join(f"k{n},c{n},2024-01-01,2024-11-0{n}\n" for n in range(1, 4))
    tables = {
        "contracts": "contract_id,customer_id,starts_on,ends_on\n" + contracts,
        "exits": "customer_id,exited_on,kind,reason\nc1,2024-11-01,voluntary,price\n",
    }
    book = open_company(tables, "2024Q4", customer_base="contracts", data_through=date(2024, 12, 31))
    html = show_churn_reasons(measure_suite(book), language=language)
    assert [row[:2] for row in cells(html)] == [["price " + {"en": "Voluntary", "zh": "自愿"}[language], "1"],
                                                [{"en": "not stated", "zh": "未注明"}[language], "2"]]  # fmt: skip
    assert "€" not in html
    assert {"en": "Value", "zh": "价值为"}[language] not in html


@in_each_language
def test_a_reason_that_is_markup_is_shown_as_it_is(leaving, language):
    html = str(show_unusual_reasons(leaving, language=language))
    assert "<script" not in html
    lower, higher = [line.get_text() for line in read(html).select("ol.wb-findings > li p")]
    groups = [line.get_text() for line in read(html).select(".wb-callout li")]
    # price 20 of 44 after 20 of 20, the formula 18 of 44 after none
    assert "price" in lower and "45%" in lower and "100%" in lower
    assert FORMULA in higher and "41%" in higher
    [region] = [line for line in groups if SCRIPT in line]
    assert FORMULA in region and "90%" in region and "0%" in region


@in_each_language
def test_where_no_group_stands_out_it_is_said(leaving, language):
    quiet = Results(leaving.book, leaving.frames)
    everyone = leaving.remembered["lost_customers", "2024Q4"].assign(reason="price")
    quiet.remembered["lost_customers", "2024Q4"] = everyone
    text = read(show_unusual_reasons(quiet, language=language)).get_text()
    assert {"en": "No group gives a reason more often", "zh": "均未超出随机波动"}[language] in text


@in_each_language
def test_contracts_due_are_those_not_renewed_with_the_sum_they_are_worth(leaving, language):
    html = show_contracts_due(leaving, language=language)
    rows = cells(html)
    assert [row[0] for row in rows] == ["Acme k1", f"{SCRIPT} k0"]
    assert rows[0][1] == "€3,000" and rows[1][1] == "€1,000"
    assert rows[0][-1].startswith(FORMULA) and rows[1][-1] == "Ann m1"
    assert "€4,000" in read(html).select_one(".wb-below").get_text()
    assert "<script" not in str(html)
    assert rows[1][3] == "– a"  # k0's first term, as is said below
    assert {"en": "first term", "zh": "首个合同期"}[language] in read(html).select_one(".wb-below").get_text()


@in_each_language
def test_contracts_overdue_say_until_when_grace_runs(leaving, language):
    [row] = cells(show_contracts_overdue(leaving, language=language))
    assert row[0] == "k5"
    assert {"en": "9 Jan 2025", "zh": "2025年1月9日"}[language] in row


@in_each_language
def test_no_contract_to_come_is_one_line(leaving, language):
    none = Results(leaving.book, leaving.frames)
    none.remembered["open_renewals"] = leaving.remembered["open_renewals"].head(0)
    html = show_contracts_due(none, language=language)
    assert not cells(html)
    assert {"en": "no contract comes due", "zh": "没有到期的合同"}[language] in read(html).get_text()


@in_each_language
def test_a_segment_that_renews_less_stands_first(leaving, language):
    rows = [row for row in cells(show_renewals_by_group(leaving, language=language)) if len(row) > 1]
    # of segment A 5 of 5, of B 1 of 5 and the one due on 1 December
    assert [(row[0], row[1]) for row in rows] == [("B", "16.7%"), ("A", "100.0%")]


@in_each_language
def test_rates_of_winning_back_stand_beside_each_other(leaving, language):
    values = [row[1] for row in cells(show_win_back_rates(leaving, language=language))]
    assert values[:2] == ["30.0%", "50.0%"]


@in_each_language
@pytest.mark.parametrize(
    "show",
    [
        show_churn_by_choice, show_churn_reasons, show_unusual_reasons, show_renewals, show_renewals_by_group,
        show_contracts_due, show_contracts_overdue,
    ],
)  # fmt: skip
def test_without_its_table_a_section_says_so_once_in_its_chart(shop, language, show):
    assert str(show(shop, language=language)) == ""


@in_each_language
def test_figures_with_a_section_of_their_own_are_not_repeated(leaving, language):
    names = {row[0] for row in cells(show_retention_kpis(leaving, language=language))}
    assert not names & {leaving.book.catalogue.metrics[name].name.in_(language) for name in ABOVE}
