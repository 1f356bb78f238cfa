"""What the command line prints."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
import yaml

from analysis.catalogue import load_catalogue
from analysis.facts import Coverage
from analysis.params import load_params
from analysis.report.pages.definitions import pages_of
from analysis.report.terminal import check_text, last_quarter

CONTRACTS = {
    "rows": [
        {"contract_id": "k1", "customer_id": "ann", "starts_on": "2024-01-10", "ends_on": "2025-01-10"},
        {"contract_id": "k2", "customer_id": "bob", "starts_on": "2024-03-01"},
    ]
}


@pytest.fixture
def company_of(tmp_path) -> Callable[..., Path]:
    """Write the settings of a company whose tables are given in them."""

    def written(tables: dict, **settings: object) -> Path:
        path = tmp_path / "company.yml"
        values = {"company": "Test", "currency": "EUR", "tables": tables} | settings
        path.write_text(yaml.safe_dump(values), encoding="utf-8")
        return path

    return written


def missing_together(text: str) -> dict[str, list[str]]:
    """What is not measured for want of tables, as the check says it."""
    _, _, below = text.partition("Tables that are not supplied, and what there would be with them:\n")
    parts = (line.strip().split(": ") for line in below.splitlines())
    return {tables: lost.split(", ") for tables, lost in parts}


def missing(text: str) -> dict[str, set[str]]:
    """What is not measured for want of each table, alone or with others."""
    found: dict[str, set[str]] = {}
    for tables, lost in missing_together(text).items():
        for table in re.split(" and | or ", tables):
            found.setdefault(table, set()).update(lost)
    return found


def test_what_is_missing_follows_who_counts_as_a_customer(company_of):
    by_orders = missing(check_text(load_params(company_of({"contracts": CONTRACTS}))))
    assert {"customer_retention_rate", "new_customers", "revenue"} <= by_orders["orders"]
    by_contracts = missing(
        check_text(load_params(company_of({"contracts": CONTRACTS}, customer_base="contracts")))
    )
    assert not {"customer_retention_rate", "new_customers"} & by_contracts["orders"]
    assert "revenue" in by_contracts["orders"]


def test_a_metric_for_which_one_of_two_tables_is_enough_lacks_both_or_none(company_of):
    action = {"rows": [{"action_id": "a", "planned_on": "2024-01-10", "due_on": "2024-01-20"}]}
    neither = missing(check_text(load_params(company_of({"contracts": CONTRACTS}))))
    assert "follow_up_rate" in neither["contacts"] & neither["actions"]
    together = missing_together(check_text(load_params(company_of({"contracts": CONTRACTS}))))
    assert together["actions or contacts"] == ["follow_up_rate"]
    one = missing(check_text(load_params(company_of({"contracts": CONTRACTS, "actions": action}))))
    assert "follow_up_rate" not in one["contacts"]


def test_a_table_nothing_is_measured_by_is_not_told(company_of):
    lost = missing(check_text(load_params(company_of({"contracts": CONTRACTS}))))
    assert "" not in set().union(*lost.values())
    assert "holidays" not in lost
    assert "stage_conversion_rate.<stage>" in lost["stage_entries"]


@pytest.mark.parametrize("base", ["orders", "contracts", "either"])
def test_everything_that_is_not_measured_is_told_once_with_all_the_tables_it_needs(company_of, base):
    params = load_params(company_of({"costs": COSTS}, customer_base=base))
    together = missing_together(check_text(params))
    told = [name for lost in together.values() for name in lost]
    assert sorted(told) == sorted(set(told))
    assert "csat" in together["answers and questions"]
    assert "questions" not in together  # by itself it gives nothing
    assert "cost_per_contact" in together["contacts"]  # costs are there
    retention = next(tables for tables, lost in together.items() if "customer_retention_rate" in lost)
    assert retention == {"orders": "orders", "contracts": "contracts", "either": "contracts or orders"}[base]


# --- The pages --------------------------------------------------------------------------------------------------

ORDERS = {
    "rows": [
        {"customer_id": "ann", "ordered_at": "2024-01-10", "amount": 5},
        {"customer_id": "bob", "ordered_at": "2024-02-10", "amount": 7},
    ]
}
COSTS = {"rows": [{"spent_on": "2024-01-10", "kind": "marketing", "amount": 3}]}


def pages(text: str) -> dict[str, str]:
    """What the check says of each page, by number."""
    lines = [line for line in text.splitlines() if line[:2].isdigit() and ": " in line]
    return {line[:2]: line.split(": ", 1)[1] for line in lines}


def test_every_page_says_whether_it_is_made_from_what_and_what_it_lacks(company_of):
    said = pages(check_text(load_params(company_of({"orders": ORDERS}))))
    assert list(said) == [page.notebook[:2] for page in load_catalogue().pages.values()]
    assert said["01"] == "made from orders"
    assert said["06"] == "made from orders; lacks costs"
    assert said["04"] == (
        "not made without one of answers, surveys, mentions, feedback; lacks also questions, contacts, tickets"
    )
    assert said["10"] == "made"


def test_a_table_that_is_supplied_makes_its_page_and_is_lacking_nowhere(company_of):
    params = load_params(company_of({"orders": ORDERS, "costs": COSTS}))
    said = pages(check_text(params))
    assert said["02"].startswith("made from costs, orders; lacks opportunities, ")
    assert said["06"] == "made from costs, orders"
    assert not any("costs" in words.partition("lacks")[2] for words in said.values())
    assert {number for number, words in said.items() if words.startswith("made")} == {
        load_catalogue().pages[name].notebook[:2] for name in pages_of(params)
    }


def test_a_page_that_the_settings_leave_out_is_said_to_be(company_of):
    said = pages(check_text(load_params(company_of({"orders": ORDERS}, pages=["scorecard"]))))
    assert said["03"] == "not made, as the setting pages leaves it out"


def test_a_file_of_a_header_alone_is_to_be_filled_in(company_of):
    path = company_of({"orders": {"file": "o.csv", "columns": {"ordered_at": "day", "amount": "money"}}})
    (path.parent / "o.csv").write_text("day,money\n", encoding="utf-8")
    text = check_text(load_params(path))
    assert "no table has a row: fill in o.csv, and check again" in text
    assert pages(text)["01"] == "made from orders (no rows yet)"
    (path.parent / "o.csv").write_text("day,money\n2024-01-10,5\n", encoding="utf-8")
    text = check_text(load_params(path))
    assert "no table has a row" not in text
    assert pages(text)["01"] == "made from orders"


def test_metrics_of_contracts_need_them_where_they_make_the_customers(company_of):
    said = pages(check_text(load_params(company_of({"contracts": CONTRACTS}, customer_base="contracts"))))
    assert said["03"].startswith("made from contracts; lacks")
    assert "customer_retention_rate" not in said["03"]


# --- In Chinese -------------------------------------------------------------------------------------------------

CHINESE = re.compile("[\u4e00-\u9fff]")


def test_the_check_in_chinese_says_the_same_of_every_table_and_page(company_of):
    params = load_params(company_of({"orders": ORDERS, "costs": COSTS, "contracts": CONTRACTS}))
    english, chinese = (check_text(params, language).splitlines() for language in ("en", "zh"))
    assert len(english) == len(chinese)
    assert [numbers(line) for line in english] == [numbers(line) for line in chinese]
    of_ids = ("orders", "costs", "contracts", "  ")
    words = [line for line in chinese if line and not line.startswith(of_ids)]
    assert [line for line in words if not CHINESE.search(line)] == []
    assert "01 记分卡：可生成，数据来自 orders" in chinese
    assert "订单自2024年1月10日开始，有订单的天数过少，无法判断止于何时" in "\n".join(chinese)
    assert any(line.startswith("  answers 和 questions：") for line in chinese)


def numbers(line: str) -> list[str]:
    """Numbers of a line but the days, which each language writes in its own way."""
    without_days = re.sub(r"\d{1,2} [A-Z][a-z]{2} \d{4}|\d{4}年\d{1,2}月\d{1,2}日", "", line)
    return re.findall(r"\d[\d,.]*", re.sub(r"[,.](?!\d)", "", without_days))


def test_the_check_in_chinese_says_what_to_fill_in(company_of):
    path = company_of({"orders": {"file": "o.csv", "columns": {"ordered_at": "day", "amount": "money"}}})
    (path.parent / "o.csv").write_text("day,money\n", encoding="utf-8")
    text = check_text(load_params(path), "zh")
    assert "各数据表均没有数据行，尚无可报告的内容：请填写 o.csv，然后再次检查。" in text
    assert "01 记分卡：可生成，数据来自 orders（尚无数据行）" in text


@pytest.fixture(scope="module")
def quarter(open_orders):
    from analysis.suite import measure_suite

    orders = [(f"c{n % 7}", f"2024-0{1 + n % 6}-1{n % 9}", 10 + n) for n in range(60)]
    return measure_suite(open_orders(orders, "2024Q2"))


def test_figures_in_chinese_have_chinese_headings_days_and_reasons(quarter):
    from analysis.report.terminal import kpi_table, variants_table
    from analysis.suite.rows import rows_of_period, rows_of_variants

    lines = kpi_table(quarter, rows_of_period(quarter, None, ["revenue", "formula_clv"]), "zh").splitlines()
    assert lines[0].startswith("Test 2024Q2：2024年4月1日至2024年6月")
    assert lines[2].split() == ["指标", "分组", "数值", "置信区间", "n"]
    assert next(line for line in lines if line.startswith("formula_clv")).endswith(
        "数据自2024年1月10日才开始"
    )
    heading = variants_table(quarter, rows_of_variants(quarter, ["revenue"]), "zh").splitlines()
    assert heading[0] == "Test 2024Q2；* = 本报告采用"
    assert heading[2].split() == ["指标", "口径", "数值", "置信区间", "n"]


@pytest.mark.parametrize(
    "metric", ["revenue", "customer_retention_rate", "revenue_growth", "customer_equity"]
)
def test_an_explanation_in_chinese_names_everything_in_chinese_but_ids_and_sql(quarter, metric):
    from analysis.report.explained import explain_metric
    from analysis.report.terminal import explained_text

    explained = explain_metric(quarter, quarter.book.catalogue.metrics[metric])
    said = explained_text(explained, quarter.book, "zh").split("\n\nSELECT")[0]
    assert [line for line in said.splitlines() if line.strip() and not CHINESE.search(line)] == []
    assert not re.search(r"\b(variant|period|value|counts|kind|fact|setting|operand|other|interval)\b", said)
    english = explained_text(explained, quarter.book, "en").split("\n\nSELECT")[0]
    assert not CHINESE.search(english)


@pytest.mark.parametrize(
    ("end", "today", "label"),
    [
        ("2026-10-01", "2026-11-20", "2026Q3"),  # all of it, and it is over
        ("2026-09-26", "2026-11-20", "2026Q3"),  # five days of silence are usual here
        ("2026-09-20", "2026-11-20", "2026Q2"),  # eleven are not: the quarter is not whole
        ("2026-11-18", "2026-11-20", "2026Q3"),  # the fourth still runs
        (None, "2026-11-20", "2026Q3"),  # nobody knows where the data end
        ("2026-02-10", "2026-02-12", "2026Q1"),  # there is no earlier one
    ],
)
def test_the_quarter_to_report_is_the_last_whole_one(company_of, end, today, label):
    settings = load_params(company_of({"orders": ORDERS})).settings
    start = date(2026, 1, 5)
    coverage = Coverage(start, date.fromisoformat(end) if end else None, 9)
    assert last_quarter(settings, coverage, date.fromisoformat(today)).label == label
