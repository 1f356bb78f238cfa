"""The windows' bounds cut time into stretches; what a window asks for is a sum over some of them."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from analysis.facts.stretches import Stretches, find_stretches, over_windows, with_every_stretch

JANUARY, APRIL, JULY = date(2026, 1, 1), date(2026, 4, 1), date(2026, 7, 1)
ASKED = (
    "select orders_between($starts_on, $ends_on), revenue_before($ends_on), $covers, $period, $ends_on from t"
)
WINDOWS = [
    {"period": "2026Q1", "starts_on": JANUARY, "ends_on": APRIL, "covers": False},
    {"period": "2026Q2", "starts_on": APRIL, "ends_on": JULY, "covers": True},
]


def test_only_bounds_inside_the_data_cut():
    found = find_stretches([ASKED], WINDOWS, first_day=date(2026, 1, 20), end=JULY)
    assert found.bounds == {"orders": (APRIL,), "revenue": (APRIL,)}  # January is before, July after the data
    assert found.columns("orders") == ["orders_earlier", "orders_from_20260401"]


def test_a_window_becomes_the_sum_of_its_stretches():
    stretches = Stretches(JANUARY, {"orders": (date(2026, 2, 1), APRIL), "revenue": (APRIL,)})
    assert stretches.between("orders", JANUARY, APRIL) == ["orders_earlier", "orders_from_20260201"]
    assert stretches.between("orders", APRIL, JULY) == ["orders_from_20260401"]
    assert stretches.between("revenue", None, JULY) == ["revenue_earlier", "revenue_from_20260401"]
    assert stretches.between("revenue", date(2025, 1, 1), date(2026, 1, 1)) == []  # before the first order


def test_the_sql_of_all_windows_is_that_of_each_one_after_the_other():
    stretches = find_stretches([ASKED], WINDOWS, first_day=JANUARY, end=JULY)
    first, second = over_windows(ASKED, WINDOWS, stretches).split("\nunion all\n")
    assert first == "select (orders_earlier), (revenue_earlier), false, '2026Q1', date '2026-04-01' from t"
    assert second == (
        "select (orders_from_20260401), (revenue_earlier + revenue_from_20260401), true, '2026Q2', "
        "date '2026-07-01' from t"
    )


def test_without_an_order_every_sum_is_nothing():
    stretches = find_stretches([ASKED], WINDOWS, first_day=None, end=JULY)
    assert "select (0), (cast(0 as double))" in over_windows(ASKED, WINDOWS, stretches)


def test_each_stretch_has_a_column():
    stretches = Stretches(JANUARY, {"orders": (APRIL,), "revenue": ()})
    text = with_every_stretch("stretch_of_orders(ordered_on), stretch_of_revenue(ordered_on)", stretches)
    assert text == "case when ordered_on < date '2026-04-01' then 0 else 1 end, 0"
    columns = with_every_stretch("columns_of_stretches()", stretches)
    assert columns.count("coalesce(") == 3  # two of orders, one of revenue


@pytest.fixture(scope="module")
def company(open_orders):
    """Three years of 120 customers, amounts of few values so that many tie, some of them returns."""
    rng = np.random.default_rng(7)
    days = pd.Timestamp("2023-01-01") + pd.to_timedelta(np.sort(rng.integers(0, 1096, 900)), "D")
    amounts = rng.choice([-5.1, 0.1, 0.2, 0.3, 10.0, 25.5], 900)
    names = [f"c{number:03}" for number in rng.integers(0, 120, 900)]
    rows = [(name, day.date(), amount) for name, day, amount in zip(names, days, amounts, strict=True)]
    book = open_orders(rows, "2025Q4", activity_window_days=100)
    orders = pd.DataFrame(rows, columns=["customer_id", "day", "amount"])
    return book, orders.assign(day=pd.to_datetime(orders["day"]), bought=orders["amount"] > 0)


@pytest.mark.parametrize("period", ["2023Q1", "2024Q1", "2024Q4", "2025Q3", "2025Q4"])
def test_every_window_is_what_its_own_orders_say(company, period):
    book, orders = company
    rows = book.ask(f"select * from customer_periods where period = '{period}'").set_index("customer_id")
    start = pd.Period(period).start_time
    end, year = start + pd.DateOffset(months=3), pd.DateOffset(years=1)

    def summed(what: str, since: pd.Timestamp | None, until: pd.Timestamp) -> pd.Series:
        chosen = orders[(orders["day"] < until) & ((orders["day"] >= since) if since is not None else True)]
        return chosen.groupby("customer_id")[what].sum().reindex(rows.index, fill_value=0)

    assert sorted(rows.index) == sorted(orders.loc[orders["day"] < end, "customer_id"].unique())
    active = pd.Timedelta(days=100)
    expected = {
        "is_opening": summed("bought", start - active, start) > 0,
        "is_closing": summed("bought", end - active, end) > 0,
        "orders": summed("bought", start, end),
        "net_revenue": summed("amount", start, end),
        "trailing_year_orders": summed("bought", end - year, end),
        "trailing_year_revenue": summed("amount", end - year, end),
        "year_before_revenue": summed("amount", start - year, start),
        "orders_to_date": summed("bought", None, end),
        "net_revenue_to_date": summed("amount", None, end),
        "was_active_year_ago": summed("bought", end - year - active, end - year) > 0,
    }
    for name, column in expected.items():
        assert rows[name].to_numpy(float) == pytest.approx(column.to_numpy(float), abs=1e-9), name


def test_value_bands_are_the_ranks_of_each_window_ties_by_id(company):
    book, _ = company
    rows = book.ask("select * from customer_periods")
    buyers = book.ask("select * from year_before_buyers").sort_values(
        ["period", "revenue", "customer_id"], ascending=[True, False, True]
    )
    assert buyers.duplicated(["period", "revenue"]).any()  # there are ties to be broken
    place, size = (
        buyers.groupby("period").cumcount() + 1,
        buyers.groupby("period")["revenue"].transform("size"),
    )
    buyers["band"] = np.select([place * 3 <= size, place * 3 <= size * 2], ["high", "middle"], "low")
    both = rows.merge(buyers, on=["period", "customer_id"], how="left")
    assert both["value_band"].tolist() == both["band"].fillna("none").tolist()
