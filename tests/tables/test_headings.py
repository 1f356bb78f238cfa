"""Which of somebody else's headings mean which of our columns."""

from __future__ import annotations

import pytest

from analysis.catalogue import load_catalogue
from analysis.tables.headings import SURE, header_words, is_inverted, likeness_to, match_columns

ORDER_COLUMNS = tuple(load_catalogue().tables["orders"].columns)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (
            ["Order No.", "Customer ID", "Order Date", "Amount (EUR)"],
            ["order_id", "customer_id", "ordered_at", "amount"],
        ),
        (["客户编号", "订单号", "实付金额", "付款时间"], ["customer_id", "order_id", "amount", "ordered_at"]),
        (["KUNDENNUMMER", "beleg_nr", "Nettobetrag"], ["customer_id", "order_id", "amount"]),
        (
            ["N° de commande", "N° client", "Date de commande", "Montant TTC", "Statut"],
            ["order_id", "customer_id", "ordered_at", "amount", "status"],
        ),
        (["Custmer ID", "Colour"], ["customer_id", None]),  # misspelt; nothing of ours
        (["Company", "Customer No"], [None, "customer_id"]),  # a name is a number only where there is none
    ],
)
def test_headings_of_others_are_told_apart(theirs, ours):
    found = {name: column for column, name in match_columns(theirs, "orders", ORDER_COLUMNS).items()}
    assert [found.get(name) for name in theirs] == ours


def test_a_column_whose_cells_do_not_fit_is_left_to_another():
    def fits(name: str, theirs: str) -> bool:
        return theirs != "Date"

    assert match_columns(["Date", "Invoice Date"], "orders", ["ordered_at"])["ordered_at"] == "Invoice Date"
    assert match_columns(["Date", "Sales Date"], "orders", ["ordered_at"], fits) == {
        "ordered_at": "Sales Date"
    }
    assert match_columns(["Date"], "orders", ["ordered_at"], fits) == {}


def test_a_word_that_may_mean_something_else_is_not_sure():
    assert likeness_to("orders", "amount", "Total") >= SURE
    assert 0 < likeness_to("orders", "amount", "Price") < SURE
    assert 0 < likeness_to("contracts", "yearly_value", "合同金额") < SURE  # of a year, or of all years


def test_the_contrary_of_ours_is_known_as_such():
    assert is_inverted("tickets", "is_within_sla", "SLA breached")
    assert is_inverted("tickets", "is_within_sla", "是否超时")
    assert not is_inverted("tickets", "is_within_sla", "SLA met")
    assert likeness_to("tickets", "is_within_sla", "SLA breached") >= SURE


def test_no_word_stands_twice_for_one_column():
    for name, words in header_words().items():
        if name not in ("files", "words"):
            bare = [word.rstrip("*") for word in words]
            assert sorted({word for word in bare if bare.count(word) > 1}) == [], name
