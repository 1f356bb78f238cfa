"""When a contract comes due, and whether it was renewed in time."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.metrics.measure import measure

# The quarter is 2026Q2; 30 days of grace, so a contract due on 1 May has until 31 May.
CONTRACTS = """contract_id,customer_id,starts_on,ends_on,due_on,renewed_on,yearly_value,product_id
on_the_day,a,2025-05-01,2026-05-01,,2026-05-01,100,p
last_day_of_grace,b,2025-05-01,2026-05-01,,2026-05-31,200,p
one_day_late,c,2025-05-01,2026-05-01,,2026-06-01,400,p
early,d,2025-05-01,2026-05-01,,2026-02-01,800,q
never,e,2025-05-01,2026-05-01,,,1600,q
broken_off,f,2025-05-01,2026-01-15,2026-05-01,,3200,q
renewed_then_broken_off,g,2025-05-01,2026-04-15,2026-05-01,2026-04-01,6400,q
replaced_that_day,h,2025-05-01,2026-04-15,2026-05-01,2026-04-15,12800,q
open_ended,i,2025-05-01,,,,25600,q
ends_later,j,2025-05-01,2027-05-01,,,51200,q
due_before_it_ends,k,2025-05-01,2027-05-01,2026-05-01,2026-05-02,,q
due_late_in_the_quarter,l,2025-06-20,2026-06-20,,2026-06-19,1,q
grace_ends_on_the_last_day,m,2025-05-31,2026-05-31,,2026-06-30,2,q
grace_ends_the_day_after,n,2025-06-01,2026-06-01,,2026-06-02,4,q
"""


@pytest.fixture(scope="module")
def book(open_company):
    return open_company({"contracts": CONTRACTS}, "2026Q2", customer_base="contracts")


@pytest.fixture(scope="module")
def contracts(book) -> pd.DataFrame:
    return book.ask("select * from contracts").set_index("contract_id")


def test_a_contract_comes_due_on_its_own_day_else_at_its_end(contracts):
    assert contracts.loc["on_the_day", "due_on"] == pd.Timestamp("2026-05-01")
    assert contracts.loc["due_before_it_ends", "due_on"] == pd.Timestamp("2026-05-01")
    assert contracts.loc["early", "renewal_window_ends_on"] == pd.Timestamp("2026-05-31")
    assert pd.isna(contracts.loc["open_ended", "due_on"])


def test_renewed_is_what_was_renewed_by_the_last_day_of_grace(contracts):
    settled = contracts["is_renewed"].dropna()
    assert set(settled.index[settled.astype(bool)]) == {
        "on_the_day", "last_day_of_grace", "early", "replaced_that_day", "due_before_it_ends",
        "grace_ends_on_the_last_day",
    }  # fmt: skip
    assert set(settled.index[~settled.astype(bool)]) == {
        "one_day_late", "never", "broken_off", "renewed_then_broken_off",
    }  # fmt: skip


def test_nobody_can_say_before_the_grace_is_over_or_of_what_never_comes_due(contracts):
    assert set(contracts.index[contracts["is_renewed"].isna()]) == {
        "open_ended", "ends_later", "due_late_in_the_quarter", "grace_ends_the_day_after",
    }  # fmt: skip


def test_the_value_renewed_is_that_of_the_contract_before(contracts):
    value = contracts["renewed_value"]
    assert (value["early"], value["never"]) == (800.0, 0.0)
    assert pd.isna(value["due_before_it_ends"])  # nobody says what it was worth
    assert pd.isna(value["ends_later"])


def test_a_renewal_after_the_cut_is_not_known(open_company):
    contracts = "contract_id,customer_id,starts_on,ends_on,renewed_on\nk,a,2025-02-01,2026-02-01,2026-04-02\n"
    book = open_company({"contracts": contracts}, "2026Q1", customer_base="contracts")
    [row] = book.ask("select * from contracts").to_dict("records")
    assert pd.isna(row["renewed_on"])
    assert not row["is_renewed"]  # due on 1 February, grace over on 3 March, known until 31 March


# The same quarter in a list with a row for each term and no day of renewal: 30 days before and after coming due.
TERMS = """contract_id,customer_id,starts_on,ends_on,product_id
day_after,a,2025-05-01,2026-05-01,p
day_after_2,a,2026-05-02,2027-05-01,p
last_day,b,2025-05-01,2026-05-01,p
last_day_2,b,2026-05-31,2027-05-31,p
too_late,c,2025-05-01,2026-05-01,p
too_late_2,c,2026-06-01,2027-06-01,p
first_day,d,2025-05-01,2026-05-01,p
first_day_2,d,2026-04-01,2027-04-01,p
too_early,e,2025-05-01,2026-05-01,p
too_early_2,e,2026-03-31,2027-03-31,p
other_product,f,2025-05-01,2026-05-01,p
other_product_2,f,2026-05-01,2027-05-01,q
other_customer,g,2025-05-01,2026-05-01,p
without_product,h,2025-05-01,2026-05-01,
without_product_2,h,2026-05-01,2027-05-01,
"""


def test_where_no_renewal_is_recorded_the_next_contract_renews_the_one_before(open_company):
    book = open_company({"contracts": TERMS}, "2026Q2", customer_base="contracts")
    rows = measure(book, [], [book.catalogue.metrics["renewal_rate"]]).set_index("period")
    contracts = book.ask("select * from contracts").set_index("contract_id")
    due = contracts[contracts["is_renewed"].notna()]["is_renewed"].astype(bool)
    assert set(due.index[due]) == {"day_after", "last_day", "first_day", "without_product"}
    assert set(due.index[~due]) == {"too_late", "too_early", "other_product", "other_customer"}
    assert contracts.loc["first_day", "renewed_on"] == pd.Timestamp("2026-04-01")
    assert rows.loc["2026Q2", "value"] == 4 / 8


@pytest.mark.slow
def test_spark_finds_the_same_next_contracts(open_company, spark):
    asked = "select contract_id, is_renewed, renewed_on from contracts order by contract_id"
    own = {"customer_base": "contracts", "sparkline_periods": 2}
    found, expected = (
        open_company({"contracts": TERMS}, "2026Q2", **own, **engine).ask(asked)
        for engine in ({"engine": spark.model_dump()}, {})
    )
    assert expected["renewed_on"].notna().sum() == 4
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)


def test_where_one_renewal_is_recorded_no_other_is_guessed(open_company):
    header, *terms = TERMS.splitlines()
    recorded = [
        f"{header},renewed_on",
        "z,z,2025-05-01,2026-05-01,p,2026-05-01",
        *(f"{one}," for one in terms),
    ]
    book = open_company({"contracts": "\n".join(recorded)}, "2026Q2", customer_base="contracts")
    rows = measure(book, [], [book.catalogue.metrics["renewal_rate"]]).set_index("period")
    assert (rows.loc["2026Q2", "numerator"], rows.loc["2026Q2", "n"]) == (1, 9)


@pytest.mark.parametrize(("days", "renewed"), [(30, False), (31, True), (0, False)])
def test_how_long_the_grace_is_is_a_setting(open_company, days, renewed):
    contracts = "contract_id,customer_id,starts_on,ends_on,renewed_on\nk,a,2025-02-01,2026-05-01,2026-06-01\n"
    book = open_company(
        {"contracts": contracts}, "2026Q2", customer_base="contracts", renewal_grace_days=days
    )
    assert bool(book.ask("select is_renewed from contracts")["is_renewed"].iloc[0]) is renewed


@pytest.fixture(scope="module")
def kpis(book):
    names = ("renewal_rate", "contracts_due")
    metrics = [metric for name in names for metric in book.catalogue.metrics[name].all_variants()]
    rows = measure(book, ["product"], metrics)
    return rows[rows["period"] == "2026Q2"].set_index(["metric", "variant"])


def of_company(kpis, metric, variant="default"):
    rows = kpis[kpis["by"].isna()]
    return rows.loc[(metric, variant)]


def test_the_renewal_rate_is_of_the_contracts_whose_grace_ends_in_the_period(kpis):
    # grace over in April to June: nine due on 1 May and one on 31 May (until 30 June), of which 6 were renewed
    row = of_company(kpis, "renewal_rate")
    assert (row["numerator"], row["n"]) == (6, 10)


def test_a_contract_due_in_the_last_days_is_due_but_not_settled(kpis):
    # due in the quarter: those ten, and two in June whose grace still runs: not in the rate, in the count
    settled = of_company(kpis, "renewal_rate", "due_in_period")
    assert of_company(kpis, "contracts_due")["value"] == 12
    assert settled["numerator"] == 6
    assert settled["n"] == 10


def test_by_value_a_large_contract_weighs_more(kpis):
    # renewed: 100 + 200 + 800 + 12,800 + 2; due with a value: those, 400, 1,600, 3,200 and 6,400
    assert of_company(kpis, "renewal_rate", "by_value")["value"] == pytest.approx(13902 / 25502)


def test_contracts_are_told_apart_by_product(kpis):
    rows = kpis[kpis["by"] == "product"].loc[("renewal_rate", "default")].set_index("group")
    assert rows.loc["p", "value"] == pytest.approx(2 / 3)  # on the day and last day, not one day late
    assert rows["n"].sum() == 10


def test_without_contracts_nothing_is_said_of_renewal(open_orders):
    book = open_orders([("a", "2026-05-01", 1.0)], "2026Q2")
    rows = measure(book, [], [book.catalogue.metrics["renewal_rate"]])
    assert rows.set_index("period").loc["2026Q2", "reason"] == "table_absent|contracts"
