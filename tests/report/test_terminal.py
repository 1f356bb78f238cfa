"""What the command line prints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from analysis.catalogue import load_catalogue
from analysis.params import load_params
from analysis.report.pages.definitions import pages_of
from analysis.report.terminal import check_text

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


def missing(text: str) -> dict[str, set[str]]:
    """What is not measured for want of each table, as the check says it."""
    lines = [line for line in text.splitlines() if line.startswith("Table ")]
    parts = (
        line.removeprefix("Table ").rstrip(".").split(" is not supplied; without it there is no ")
        for line in lines
    )
    return {table: set(lost.split(", ")) for table, lost in parts}


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
    one = missing(check_text(load_params(company_of({"contracts": CONTRACTS, "actions": action}))))
    assert "follow_up_rate" not in one["contacts"]


def test_a_table_nothing_is_measured_by_is_not_told(company_of):
    lost = missing(check_text(load_params(company_of({"contracts": CONTRACTS}))))
    assert "" not in set().union(*lost.values())
    assert "holidays" not in lost
    assert "stage_conversion_rate.<stage>" in lost["stage_entries"]


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
    assert said["06"] == "made from orders; lacks costs (formula_clv)"
    assert said["04"].startswith("not made without one of answers (csat, nps …), surveys (")
    assert "feedback; lacks also questions (csat, nps …)" in said["04"]
    assert said["10"] == "made"


def test_a_table_that_is_supplied_makes_its_page_and_is_lacking_nowhere(company_of):
    params = load_params(company_of({"orders": ORDERS, "costs": COSTS}))
    said = pages(check_text(params))
    assert said["02"].startswith(
        "made from costs, orders; lacks opportunities (new_leads, won_opportunities …)"
    )
    assert said["06"] == "made from costs, orders"
    assert not any("costs (" in words for words in said.values())
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
