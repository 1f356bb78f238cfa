"""What the command line prints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from analysis.params import load_params
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
