"""Whose contract was in force when."""

from __future__ import annotations

import pandas as pd
import pytest

# The quarter is 2026Q2, 1 April up to, not including, 1 July.
CONTRACTS = """contract_id,customer_id,starts_on,ends_on,yearly_value
k1,open_ended,2024-01-01,,100
k2,ends_on_first_day,2025-04-01,2026-04-01,100
k3,ends_a_day_later,2025-04-01,2026-04-02,100
k4,starts_on_first_day,2026-04-01,2027-04-01,100
k5,ends_at_the_end,2026-05-01,2026-07-01,100
k6,ends_before_the_end,2026-05-01,2026-06-30,100
k7,never_ran,2026-05-01,2026-05-01,100
k8,two,2026-01-01,2027-01-01,30
k9,two,2026-05-01,2027-01-01,40
k10,unpriced,2026-01-01,2027-01-01,
"""


@pytest.fixture(scope="module")
def rows(open_company) -> pd.DataFrame:
    book = open_company({"contracts": CONTRACTS}, "2026Q2", customer_base="contracts")
    return book.ask("select * from customer_contracts where period = '2026Q2'").set_index("customer_id")


def test_in_force_at_a_day_is_what_runs_just_before_it(rows):
    def having(flag: str) -> set[str]:
        return set(rows.index[rows[flag]])

    # one whose first day without it is 1 April still ran on 31 March; one that begins on 1 April did not
    assert having("in_force_at_start") == {
        "open_ended", "ends_on_first_day", "ends_a_day_later", "two", "unpriced",
    }  # fmt: skip
    assert having("in_force_at_end") == {
        "open_ended", "starts_on_first_day", "ends_at_the_end", "two", "unpriced",
    }  # fmt: skip
    assert having("in_force_year_ago") == {"open_ended", "ends_on_first_day", "ends_a_day_later"}


def test_a_contract_that_never_ran_is_none(rows):
    assert "never_ran" not in rows.index


def test_contracts_in_force_at_the_end_add_up(rows):
    value = rows["contracts_value_at_end"]
    assert (value["two"], value["ends_before_the_end"]) == (70.0, 0.0)
    assert pd.isna(value["unpriced"])
