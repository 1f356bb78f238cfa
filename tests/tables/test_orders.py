"""Orders: returns, cancellations, exclusions, anonymous customers, and lines put together."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from analysis.tables import TablesError
from analysis.tables.prepared import prepare, read_quality

HEADER = "id,customer,date,amount\n"
LINES = "id,customer,date,n,price\n"
MONEY = "order_id, amount, net_amount, history_amount, is_return, excluded_by"


def test_negative_amounts_are_returns_zero_amounts_are_orders(company, rows):
    prepared = company.prepare_orders(HEADER + "1,x,2024-01-01,5\n2,x,2024-01-02,0\n3,x,2024-01-03,-5\n")
    assert rows(prepared, MONEY) == [
        ("1", 5.0, 5.0, 5.0, False, None),
        ("2", 0.0, 0.0, 0.0, False, None),
        ("3", -5.0, -5.0, -5.0, True, None),
    ]


def test_anonymous_orders_are_revenue_and_in_nobodys_history(company, rows, counted):
    prepared = company.prepare_orders(HEADER + "1,,2024-01-01,5\n2,x,2024-01-02,7\n")
    assert rows(prepared, MONEY) == [("1", 5.0, 5.0, None, False, None), ("2", 7.0, 7.0, 7.0, False, None)]
    assert counted(prepared, "excluded_from_histories") == {"anonymous": 1}
    assert counted(prepared, "excluded_from_revenue") == {}


def test_without_order_ids_rows_are_numbered_over_all_files(company, rows, counted):
    columns = {"customer_id": "customer", "ordered_at": "date", "amount": "amount"}
    company.write("b.csv", HEADER + "1,x,2024-01-03,5\n")
    prepared = company.prepare_orders(
        HEADER + "1,x,2024-01-01,5\n1,x,2024-01-01,5\n", {"file": ["orders.csv", "b.csv"], "columns": columns}
    )
    assert rows(prepared, "order_id, source_row") == [("row-1", 1), ("row-2", 2), ("row-3", 1)]
    assert counted(prepared, "note") == {"key_not_given": 0, "repeated_rows_kept": 1}
    assert counted(prepared, "kept") == {None: 3}


STATUS = {"columns": {"order_id": "id", "customer_id": "customer", "ordered_at": "date", "amount": "amount",
                      "status": "status"}}  # fmt: skip


def test_a_cancelled_sale_is_called_off_a_cancelled_negative_amount_is_the_return(company, rows, counted):
    text = (
        "id,customer,date,amount,status\n1,x,2024-01-01,5,ok\n2,x,2024-01-02,9,cancelled\n"
        "3,x,2024-01-03,-4,cancelled\n4,x,2024-01-04,0,cancelled\n5,x,2024-01-05,8,\n"
    )
    prepared = company.prepare_orders(text, STATUS | {"cancelled_when": "status = 'cancelled'"})
    assert rows(prepared, MONEY) == [
        ("1", 5.0, 5.0, 5.0, False, None),
        ("2", 9.0, None, None, False, "cancelled"),
        ("3", -4.0, -4.0, -4.0, True, None),
        ("4", 0.0, 0.0, 0.0, True, None),
        ("5", 8.0, 8.0, 8.0, False, None),  # an empty status is not cancelled
    ]
    assert counted(prepared, "excluded_from_revenue") == {"cancelled": 1}


def test_exclusions_take_money_out_of_revenue_histories_or_both(company, rows):
    text = "id,customer,date,amount,status\n" + "".join(
        f"{i},x,2024-01-0{i},{i},{status}\n"
        for i, status in enumerate(["ok", "test", "internal", "gift"], start=1)
    )
    exclusions = {
        "test_orders": {"where": "status = 'test'", "reason": "tests"},
        "internal": {"where": "status = 'internal'", "out_of": "revenue"},
        "gifts \"n' more": {"where": "status = 'gift' or order_id = '2'", "out_of": ["histories"]},
    }
    prepared = company.prepare_orders(text, STATUS, exclusions=exclusions)
    assert rows(prepared, MONEY) == [
        ("1", 1.0, 1.0, 1.0, False, None),
        ("2", 2.0, None, None, False, "test_orders, gifts \"n' more"),
        ("3", 3.0, None, 3.0, False, "internal"),
        ("4", 4.0, 4.0, None, False, "gifts \"n' more"),
    ]
    quality = read_quality(prepared)
    money = {
        (row.stage, row.rule): (row.rows, row.amount) for row in quality.itertuples() if row.stage != "note"
    }
    # order 2 breaks two rules and is counted once, under the first
    assert money["excluded_from_revenue", "test_orders"] == (1, 2.0)
    assert money["excluded_from_revenue", "internal"] == (1, 3.0)
    assert money["excluded_from_histories", "test_orders"] == (1, 2.0)
    assert money["excluded_from_histories", "gifts \"n' more"] == (1, 4.0)


def test_revenue_is_what_is_kept_less_what_is_excluded(company, rows):
    text = "id,customer,date,amount,status\n" + "".join(
        f"{i},{'x' if i % 3 else ''},2024-01-01,{i * 1.1:.2f},{'abc'[i % 3]}{i % 4}\n" for i in range(1, 200)
    )
    exclusions = {"one": {"where": "status like 'a%'"}, "two": {"where": "status like '%1'"}}
    prepared = company.prepare_orders(
        text, STATUS | {"cancelled_when": "status = 'b2'"}, exclusions=exclusions
    )
    quality = read_quality(prepared).groupby("stage")["amount"].sum()
    net, history = rows(prepared, "sum(net_amount), sum(history_amount)")[0]
    assert net == pytest.approx(quality["kept"] - quality["excluded_from_revenue"], rel=1e-12)
    assert history == pytest.approx(quality["kept"] - quality["excluded_from_histories"], rel=1e-12)


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("statis = 'x'", "statis"), ("status = ", "syntax error"), ("amount", "double, not true or false"),
        ("status = 'x') or (1 = 1", "syntax error"),
        ("true; drop table checked_orders", "more than one|syntax"),
        ("true); drop table checked_orders; select (true", "more than one|syntax"),
        ("sum(amount) > 3", "aggregates"), ("_position = 1", "_position"),
    ],
)  # fmt: skip
def test_a_condition_that_makes_no_sense_is_an_error_that_names_it(company, condition, words):
    text = "id,customer,date,amount,status\n1,x,2024-01-01,5,a\n2,x,2024-01-01,5,b\n"
    with pytest.raises(TablesError, match=f"exclusions.mine.where: .*is not a condition.*({words})"):
        company.prepare_orders(text, STATUS, exclusions={"mine": {"where": condition}})
    with pytest.raises(TablesError, match="tables.orders.cancelled_when: .*columns: order_id, customer_id"):
        company.prepare_orders(text, STATUS | {"cancelled_when": condition})


def test_the_names_the_workbook_uses_itself_are_no_names_for_exclusions(company):
    with pytest.raises(TablesError, match="exclusions.anonymous: this name is the workbook's own"):
        company.prepare_orders(HEADER, exclusions={"anonymous": {"where": "amount > 1"}})


def test_lines_become_one_order_each_with_their_sum_and_earliest_time(company, rows):
    text = LINES + (
        "A,x,2024-01-02 10:00,2,5.00\n"
        "A,x,2024-01-02 09:00,1,2.50\n"
        "A,x,2024-01-02 11:00,-1,2.50\n"  # a mixed order stays one order
        "B,y,2024-01-03,1,0\n"  # a zero amount is an order
        "C,x,2024-01-04,-2,5.00\n"
    )
    wanted = (
        "order_id, customer_id, ordered_at, amount, net_amount, history_amount, is_return, lines, source_row"
    )
    assert rows(company.prepare_lines(text), wanted) == [
        ("A", "x", datetime(2024, 1, 2, 9), 10.0, 10.0, 10.0, False, 3, 1),
        ("B", "y", datetime(2024, 1, 3), 0.0, 0.0, 0.0, False, 1, 4),
        ("C", "x", datetime(2024, 1, 4), -10.0, -10.0, -10.0, True, 1, 5),
    ]


def test_an_order_of_lines_that_cancel_out_is_no_return_by_a_rounding_error(company, rows):
    # 0.1 + 0.2 - 0.3 is 5.6e-17 in floats, and with the signs turned -5.6e-17
    text = LINES + "A,x,2024-01-01,-1,0.1\nA,x,2024-01-01,-1,0.2\nA,x,2024-01-01,1,0.3\n"
    assert rows(company.prepare_lines(text), "amount, is_return") == [(0.0, False)]


def test_lines_of_a_second_customer_are_rejected_and_lines_of_nobody_belong_to_the_first(
    company, rows, rejected
):
    text = LINES + (
        "A,,2024-01-01,1,1\nA,x,2024-01-01,1,2\nA,y,2024-01-01,1,4\nA,x,2024-01-01,1,8\nB,,2024-01-01,1,16\n"
    )
    prepared = company.prepare_lines(text)
    assert rows(prepared, "order_id, customer_id, amount, history_amount, lines") == [
        ("A", "x", 11.0, 11.0, 3), ("B", None, 16.0, None, 1),
    ]  # fmt: skip
    assert rejected(prepared) == {3: "order_id.several_customers"}


def test_excluded_lines_take_their_money_out_and_an_order_without_other_lines_is_excluded(
    company, rows, counted
):
    text = "id,customer,date,n,price,product\n" + (
        "A,x,2024-01-01,1,10,book\nA,x,2024-01-01,1,3,POST\nB,x,2024-01-02,1,4,POST\nC,x,2024-01-03,1,7,gift\n"
    )
    columns = {"order_id": "id", "customer_id": "customer", "ordered_at": "date", "quantity": "n",
               "unit_price": "price", "product_id": "product"}  # fmt: skip
    exclusions = {
        "postage": {"where": "product_id = 'POST'"},
        "gifts": {"where": "product_id = 'gift' and amount > 5", "out_of": "histories"},
    }
    prepared = company.prepare_lines(text, {"columns": columns}, exclusions=exclusions)
    assert rows(prepared, MONEY) == [
        ("A", 13.0, 10.0, 10.0, False, None),  # only partly excluded: no rule is named
        ("B", 4.0, None, None, False, "postage"),
        ("C", 7.0, 7.0, None, False, "gifts"),
    ]
    assert counted(prepared, "excluded_from_revenue") == {"postage": 2}  # lines, as the source has them


def test_cancelled_lines(company, rows):
    text = LINES + "C1,x,2024-01-01,-1,5\nC2,x,2024-01-02,1,5\nD,x,2024-01-03,1,5\nC4,x,2024-01-04,-1,0\n"
    prepared = company.prepare_lines(text, {"cancelled_when": "order_id like 'C%'"})
    assert rows(prepared, MONEY) == [
        ("C1", -5.0, -5.0, -5.0, True, None), ("C2", 5.0, None, None, False, "cancelled"),
        ("D", 5.0, 5.0, 5.0, False, None), ("C4", 0.0, 0.0, 0.0, True, None),
    ]  # fmt: skip


def test_status_channel_and_category_are_the_lines_own_where_they_agree(company, rows):
    text = "id,date,n,price,way,kind\nA,2024-01-01,1,1,web,a\nA,2024-01-01,1,1,web,b\nA,2024-01-01,1,1,,\n"
    columns = {"order_id": "id", "ordered_at": "date", "quantity": "n", "unit_price": "price",
               "channel": "way", "category": "kind"}  # fmt: skip
    prepared = company.prepare_lines(text, {"columns": columns})
    assert rows(prepared, "channel, category, status") == [("web", None, None)]


SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "online_retail" / "online_retail.parquet"


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_file(), reason="the Online Retail data are not here")
def test_online_retail_comes_out_with_its_published_totals(company, rows, counted):
    columns = {
        "order_id": "InvoiceNo", "customer_id": "CustomerID", "ordered_at": "InvoiceDate",
        "quantity": "Quantity", "unit_price": "UnitPrice", "product_id": "StockCode",
    }  # fmt: skip
    source = {
        "file": str(SHARED),
        "given_as": "lines",
        "columns": columns,
        "cancelled_when": "order_id like 'C%'",
    }
    exclusions = {"bad_debt": {"where": "order_id like 'A%'", "reason": "adjusted bad debt"}}
    settings = {"time_zone": "Europe/London", "currency": "GBP", "exclusions": exclusions}
    prepared = prepare(company.params({"orders": source}, **settings))
    # 541,909 lines; two bad-debt lines have a negative price and break the contract: 541,907 kept
    assert counted(prepared, "read") == {None: 541_909}
    assert counted(prepared, "rejected") == {"unit_price.too_small": 2}
    assert counted(prepared, "note") == {"repeated_rows_kept": 5_268}
    assert counted(prepared, "excluded_from_revenue") == {"bad_debt": 1}
    # 135,080 lines without customer, three of them the bad-debt ones (two rejected, one already counted)
    assert counted(prepared, "excluded_from_histories") == {"anonymous": 135_077, "bad_debt": 1}
    orders, customers, lines, amount, first, last = rows(
        prepared,
        "count(*), count(distinct customer_id), sum(lines), sum(amount), min(ordered_on), max(ordered_on)",
    )[0]
    # 25,900 invoices less the two that were only a rejected line; £9,747,747.93 less 2 × -£11,062.06
    assert (orders, customers, lines) == (25_898, 4_372, 541_907)
    assert amount == pytest.approx(9_747_747.93 + 2 * 11_062.06, abs=0.005)
    assert (first, last) == (date(2010, 12, 1), date(2011, 12, 9))
    net = rows(prepared, "sum(net_amount)")[0][0]
    assert net == pytest.approx(9_747_747.93 + 11_062.06, abs=0.005)  # without the third, positive one
