"""What each customer of a window buys."""

from __future__ import annotations

import pytest

ORDERS = """order_id,customer_id,ordered_at,amount,category
1,old,2025-05-10,10,books
2,old,2025-12-10,10,books
3,old,2026-05-10,10,games
4,new,2026-04-10,10,games
5,new,2026-05-10,10,books
6,quiet,2025-03-31,10,books
7,lines,2025-06-10,30,books
8,plain,2025-06-10,30,
9,returns,2025-06-10,30,books
10,returns,2025-07-10,-30,games
"""
LINES = """order_id,line,product_id,quantity,amount,category
7,1,pen,1,10,
7,2,pot,1,10,kitchen
7,3,cup,-1,-5,
7,4,unknown,1,15,
"""
PRODUCTS = """product_id,category
pen,paper
pot,pots
cup,cups
"""


def categories(book) -> dict[str, set[str]]:
    rows = book.ask("select * from customer_categories where period = '2026Q2'")
    assert not rows.duplicated().any()
    return rows.groupby("customer_id")["category"].agg(set).to_dict()


@pytest.fixture(scope="module")
def by_order(open_company):
    return categories(open_company({"orders": ORDERS}, "2026Q2"))


@pytest.fixture(scope="module")
def by_line(open_company):
    return categories(open_company({"orders": ORDERS, "order_lines": LINES, "products": PRODUCTS}, "2026Q2"))


def test_a_customer_known_before_is_in_what_he_bought_in_the_year_before(by_order):
    assert by_order["old"] == {"books"}  # games only within the quarter
    assert "quiet" not in by_order  # a day too long ago


def test_a_new_customer_is_in_all_he_bought_within_the_window(by_order):
    assert by_order["new"] == {"books", "games"}


def test_what_was_sent_back_or_has_no_category_is_in_none(by_order):
    assert by_order["returns"] == {"books"}
    assert "plain" not in by_order


def test_lines_tell_by_their_product_else_by_themselves_else_by_their_order(by_line):
    # pen is paper; the pot's product says pots, whatever the line; the cup came back; the last says nothing
    assert by_line["lines"] == {"paper", "pots", "books"}
    assert by_line["old"] == {"books"}  # an order without lines


def test_a_line_has_its_own_category_where_products_are_not_given(open_company):
    found = categories(open_company({"orders": ORDERS, "order_lines": LINES}, "2026Q2"))
    assert found["lines"] == {"kitchen", "books"}
