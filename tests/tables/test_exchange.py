"""Orders in other currencies: the rate of their day, or none."""

from __future__ import annotations

import pytest

from analysis.tables.prepared import prepare, read_quality

RATES = [
    {"currency": "USD", "valid_from": "2026-01-01", "rate": 0.5},
    {"currency": "usd", "valid_from": "2026-07-01", "rate": 0.25},
    {"currency": "GBP", "valid_from": "2026-06-01", "rate": 1.5},
]
COLUMNS = {
    "order_id": "id", "customer_id": "customer", "ordered_at": "date", "amount": "amount", "currency": "currency",
}  # fmt: skip
ORDERS = """id,customer,date,amount,currency
1,a,2026-01-01,8,USD
2,a,2026-06-30,8,usd
3,a,2026-07-01,8,USD
4,b,2026-07-01 23:59,-4,USD
5,b,2025-12-31,8,USD
6,b,2026-07-01,2,GBP
7,c,2026-07-01,2,EUR
8,c,2026-07-01,2,
9,c,2026-07-01,2,CHF
10,c,2026-07-01,abc,CHF
"""


def prepared(company, rates=RATES, **more):
    company.write("o.csv", ORDERS)
    return prepare(
        company.params({"orders": {"file": "o.csv", "columns": COLUMNS}, "rates": {"rows": rates}}, **more)
    )


def test_a_rate_holds_from_its_day_until_the_next_one(company, rows):
    # 8 dollars are 4 euros until 30 June and 2 from 1 July; 2 pounds are 3; euros and what says nothing stay
    assert dict(rows(prepared(company), "order_id, amount")) == {
        "1": 4.0, "2": 4.0, "3": 2.0, "4": -1.0, "6": 3.0, "7": 2.0, "8": 2.0,
    }  # fmt: skip


def test_an_order_of_whose_day_no_rate_is_known_is_rejected_and_the_converted_ones_are_counted(
    company, rejected
):
    made = prepared(company)
    assert rejected(made) == {5: "currency.no_rate", 9: "currency.no_rate", 10: "amount.unreadable"}
    quality = read_quality(made).set_index(["table", "rule"])
    assert quality.loc[("orders", "converted"), "rows"] == 5
    kept = read_quality(made).query("table == 'orders' and stage == 'kept'")
    assert kept["amount"].item() == 4 + 4 + 2 - 1 + 3 + 2 + 2


def test_without_rates_money_in_another_currency_is_rejected(company, rejected):
    company.write("o.csv", ORDERS)
    made = prepare(company.params({"orders": {"file": "o.csv", "columns": COLUMNS}}))
    assert {row for row, rule in rejected(made).items() if rule == "currency.other"} == {1, 2, 3, 4, 5, 6, 9}


def test_lines_are_converted_before_they_are_put_together(company, rows):
    company.write(
        "l.csv", "id,customer,date,n,price,currency\n1,a,2026-07-01,3,8,USD\n1,a,2026-07-01,1,5,EUR\n"
    )
    columns = {
        "order_id": "id", "customer_id": "customer", "ordered_at": "date", "quantity": "n", "unit_price": "price",
        "currency": "currency",
    }  # fmt: skip
    orders = {"file": "l.csv", "given_as": "lines", "columns": columns}
    made = prepare(company.params({"orders": orders, "rates": {"rows": RATES}}))
    assert rows(made, "order_id, amount, lines") == [
        ("1", 3 * 2 + 5.0, 2)
    ]  # a dollar is a quarter of a euro in July


def test_rates_given_twice_for_a_day_multiply_no_order(company, rows):
    twice = [*RATES, {"currency": "Usd", "valid_from": "2026-07-01", "rate": 0.75}]
    made = prepared(company, twice)
    assert len(rows(made, "order_id")) == 7


@pytest.mark.slow
def test_spark_converts_the_same(company, rows, spark):
    found = [
        rows(prepared(company, **engine), "order_id, amount")
        for engine in ({}, {"engine": spark.model_dump()})
    ]
    assert len(found[0]) == 7
    assert sorted(found[0]) == sorted(found[1])
