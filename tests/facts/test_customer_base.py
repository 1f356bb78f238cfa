"""Who is a customer by orders, by contracts, or by either: the population adds up however it is counted."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from analysis.facts import Coverage, NotMeasured
from analysis.metrics.gaps import missing_tables
from analysis.metrics.measure import measure
from analysis.suite import measure_suite

POPULATION = ("opening", "closing", "new", "came_and_went", "returned", "lost")
# The quarter is 2026Q2 and the activity window 90 days: an order counts on 1 April from 1 January on.
ORDERS = """order_id,customer_id,ordered_at,amount
1,buys,2026-02-01,10
2,buys,2026-05-01,10
3,stops_buying,2026-02-01,10
4,both,2024-03-01,10
5,contract_first,2026-05-01,10
6,buys_then_signs,2025-01-01,10
"""
CONTRACTS = """contract_id,customer_id,starts_on,ends_on
k1,both,2024-06-01,2026-05-01
k2,contract_first,2025-01-01,
k3,signs,2026-05-01,2027-05-01
k4,signs_and_ends,2026-05-01,2026-06-01
k5,signs_again,2024-01-01,2025-01-01
k6,signs_again,2026-06-01,2027-06-01
k7,signs_later,2026-07-01,
k8,never_ran,2026-05-01,2026-05-01
k9,buys_then_signs,2026-05-01,
"""


def rows_of(book, period="2026Q2") -> pd.DataFrame:
    return book.ask(f"select * from customer_periods where period = '{period}'").set_index("customer_id")


def having(rows: pd.DataFrame) -> dict[str, set[str]]:
    return {
        name: set(rows.index[rows[f"is_{name}" if name != "came_and_went" else name]]) for name in POPULATION
    }


@pytest.fixture(scope="module")
def opened(open_company):
    def of(base: str):
        tables = {"orders": ORDERS, "contracts": CONTRACTS}
        return open_company(
            tables, "2026Q2", customer_base=base, activity_window_days=90, data_through=date(2026, 6, 30)
        )

    return of


def test_by_orders_a_contract_makes_nobody_a_customer(opened):
    found = having(rows_of(opened("orders")))
    assert found == {
        "opening": {"buys", "stops_buying"}, "closing": {"buys", "contract_first"}, "new": {"contract_first"},
        "came_and_went": set(), "returned": set(), "lost": {"stops_buying"},
    }  # fmt: skip


def test_by_contracts_an_order_makes_nobody_a_customer(opened):
    rows = rows_of(opened("contracts"))
    assert having(rows) == {
        "opening": {"both", "contract_first"},
        "closing": {"contract_first", "signs", "signs_again", "buys_then_signs"},
        "new": {"signs", "signs_and_ends", "buys_then_signs"},
        "came_and_went": {"signs_and_ends"}, "returned": {"signs_again"}, "lost": {"both"},
    }  # fmt: skip
    assert not rows.loc[["buys", "stops_buying"], "is_known"].any()
    assert rows.loc["both", "first_seen_on"] == pd.Timestamp(
        "2024-06-01"
    )  # the contract, not the order before
    assert not {"signs_later", "never_ran"} & set(rows.index)


def test_by_either_one_of_the_two_is_enough(opened):
    rows = rows_of(opened("either"))
    assert having(rows) == {
        "opening": {"buys", "stops_buying", "both", "contract_first"},
        "closing": {"buys", "contract_first", "signs", "signs_again", "buys_then_signs"},
        "new": {"signs", "signs_and_ends"}, "came_and_went": {"signs_and_ends"},
        "returned": {"signs_again", "buys_then_signs"}, "lost": {"stops_buying", "both"},
    }  # fmt: skip
    assert rows.loc["both", "first_seen_on"] == pd.Timestamp("2024-03-01")  # whichever came first
    assert rows.loc["contract_first", "first_seen_on"] == pd.Timestamp("2025-01-01")


def test_days_as_customer_run_from_first_seen_to_the_windows_end(opened):
    rows = rows_of(opened("contracts"))
    assert rows.loc["signs", "days_as_customer"] == 61  # 1 May to 1 July
    assert pd.isna(rows.loc["buys", "days_as_customer"])


def test_the_companys_own_day_still_comes_first(open_company):
    customers = "customer_id,acquired_on,acquisition_cost\nsigns,2024-01-01,5\nlate,2026-06-01,\n"
    contracts = "contract_id,customer_id,starts_on\nk1,signs,2026-05-01\nk2,late,2026-04-10\n"
    tables = {"customers": customers, "contracts": contracts}
    book = open_company(tables, "2026Q2", customer_base="contracts")
    seen = book.ask("select * from customers").set_index("customer_id")
    assert seen.loc["signs", "first_seen_on"] == pd.Timestamp("2024-01-01")
    assert seen.loc["late", "first_seen_on"] == pd.Timestamp("2026-04-10")  # a contract before that day
    assert seen.loc["signs", "acquisition_cost"] == 5.0
    rows = open_company(
        tables, "2026Q2", customer_base="contracts", new_customers_by="first_order"
    ).ask("select * from customers")  # fmt: skip
    assert rows.set_index("customer_id").loc["signs", "first_seen_on"] == pd.Timestamp("2026-05-01")


# --- Any company ----------------------------------------------------------------------------------


def random_company(seed: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    first = date(2023, 1, 1)

    def day(high: int) -> date:
        return first + timedelta(days=int(rng.integers(0, high)))

    names = [f"c{number}" for number in range(80)]
    orders = pd.DataFrame(
        {"customer_id": rng.choice(names, 300), "ordered_at": [day(1277) for _ in range(300)]}
    )
    orders = orders.assign(order_id=range(300), amount=rng.choice([10.0, 20.0, -5.0], 300))
    contracts = pd.DataFrame(
        {"customer_id": rng.choice(names, 90), "starts_on": [day(1300) for _ in range(90)]}
    )
    lengths = rng.choice([0, 1, 90, 365, 800], 90)
    ends = [start + timedelta(days=int(n)) for start, n in zip(contracts["starts_on"], lengths, strict=True)]
    contracts = contracts.assign(contract_id=range(90), ends_on=ends)
    contracts.loc[rng.random(90) < 0.2, "ends_on"] = None
    customers = pd.DataFrame({"customer_id": names[:40], "acquired_on": [day(1277) for _ in range(40)]})
    return orders, contracts, customers


def active_at(orders: pd.DataFrame, contracts: pd.DataFrame, day: date, base: str) -> set[str]:
    """Who is a customer at a day, the plain way."""
    bought = orders[orders["amount"] > 0]
    bought = bought[(bought["ordered_at"] < day) & (bought["ordered_at"] >= day - timedelta(days=120))]
    runs = contracts["ends_on"].isna() | (contracts["ends_on"].fillna(day) >= day)
    signed = contracts[(contracts["starts_on"] < day) & runs]
    by_orders, by_contracts = set(bought["customer_id"]), set(signed["customer_id"])
    return {"orders": by_orders, "contracts": by_contracts, "either": by_orders | by_contracts}[base]


@pytest.mark.parametrize("base", ["orders", "contracts", "either"])
@pytest.mark.parametrize(("by", "seed"), [("acquired_on", 1), ("first_order", 2)])
def test_the_population_adds_up_in_every_window(open_company, base, by, seed):
    orders, contracts, customers = random_company(seed)
    frames = {"orders": orders, "contracts": contracts, "customers": customers}
    tables = {name: frame.to_csv(index=False) for name, frame in frames.items()}
    book = open_company(
        tables, "2026Q2", customer_base=base, new_customers_by=by, activity_window_days=120,
        data_through=date(2026, 6, 30),
    )  # fmt: skip
    every = book.ask("select * from customer_periods")
    assert every["period"].nunique() == len(book.windows) > 8
    for window in book.windows:
        rows = every[every["period"] == window.label].set_index("customer_id")
        found = having(rows)
        n = {name: len(ids) for name, ids in found.items()}
        assert n["opening"] + n["new"] - n["came_and_went"] + n["returned"] - n["lost"] == n["closing"], (
            window
        )
        assert found["opening"] == active_at(orders, contracts, window.start, base), window
        assert found["closing"] == active_at(orders, contracts, window.end, base), window
        year_ago = window.end.replace(year=window.end.year - 1)
        assert set(rows.index[rows["was_active_year_ago"]]) == active_at(orders, contracts, year_ago, base)


# --- Companies without orders ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def without_orders(open_company):
    return open_company({"contracts": CONTRACTS}, "2026Q2", customer_base="contracts")


def test_without_orders_the_data_begin_with_the_first_contract_and_their_end_is_not_known(without_orders):
    assert without_orders.coverage == Coverage(date(2024, 1, 1), None, 0)
    assert "2023Q4" not in {window.label for window in without_orders.windows}


def test_what_else_is_dated_says_where_the_data_of_such_a_company_end(open_company):
    days = [date(2026, 5, 1) + timedelta(days=number) for number in range(40)]
    costs = "spent_on,kind,amount\n" + "\n".join(f"{day},marketing,1" for day in days)
    book = open_company({"contracts": CONTRACTS, "costs": costs}, "2026Q2", customer_base="contracts")
    assert (book.coverage.start, book.coverage.last_day) == (date(2024, 1, 1), date(2026, 6, 9))


def test_a_company_with_contracts_alone_has_its_retention_measured(without_orders):
    names = (
        "opening_customers", "closing_customers", "new_customers", "lost_customers", "customer_retention_rate",
        "customer_churn_rate", "customer_growth_rate", "winback_rate", "renewal_rate",
    )  # fmt: skip
    rows = measure(without_orders, ["customer_status"], [without_orders.catalogue.metrics[n] for n in names])
    rows = rows[(rows["period"] == "2026Q2") & rows["by"].isna()].set_index("metric")["value"]
    # at the start both and contract_first; at the end contract_first, signs, signs_again and buys_then_signs
    assert rows[["opening_customers", "closing_customers", "new_customers"]].tolist() == [2, 4, 3]
    assert rows[["customer_retention_rate", "customer_churn_rate", "customer_growth_rate"]].tolist() == [
        0.5,
        0.5,
        1,
    ]
    assert rows["winback_rate"] == 1.0  # of signs_again alone


def test_its_customers_are_told_apart_by_what_contracts_tell_of_them(without_orders):
    rate = without_orders.catalogue.metrics["customer_retention_rate"]
    rows = measure(without_orders, ["tenure_band"], [rate])
    groups = rows[(rows["period"] == "2026Q2") & rows["by"].eq("tenure_band")]
    assert groups["n"].sum() == 2  # both at the start
    assert groups["numerator"].sum() == 1


def test_the_whole_suite_of_such_a_company_adds_up(without_orders):
    results = measure_suite(without_orders)
    assert results.is_reconciled
    assert "population" in set(results.identities["identity"])
    assert results.kpi("customer_retention_rate")["value"] == 0.5
    assert isinstance(results.kpi("revenue"), NotMeasured)


def test_what_customers_bought_still_needs_orders(without_orders):
    catalogue = without_orders.catalogue
    for name in ("revenue", "buyers", "churned_value", "repeat_purchase_rate", "cross_sell_rate", "orders"):
        assert missing_tables(without_orders, catalogue.metrics[name]) == ["orders"], name
    assert missing_tables(without_orders, catalogue.metric("customer_retention_rate", "active_again")) == [
        "orders"
    ]


@pytest.mark.parametrize(
    ("base", "tables", "missing"),
    [
        ("orders", ("contracts",), ["orders"]),
        ("contracts", ("orders",), ["contracts"]),
        ("either", ("orders",), []),
        ("either", ("contracts",), []),
        ("either", (), ["contracts", "orders"]),
    ],
)
def test_who_is_a_customer_needs_the_table_that_says_so(open_company, base, tables, missing):
    given = {name: {"orders": ORDERS, "contracts": CONTRACTS}[name] for name in tables}
    given |= {"costs": "spent_on,kind,amount\n2026-05-01,marketing,1\n"}
    book = open_company(given, "2026Q2", customer_base=base)
    assert missing_tables(book, book.catalogue.metrics["customer_retention_rate"]) == missing
