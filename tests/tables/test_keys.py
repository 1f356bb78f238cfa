"""Rows that were there before."""

from __future__ import annotations

HEADER = "id,customer,date,amount\n"


def test_identical_rows_count_once_and_other_rows_of_the_same_key_are_rejected(company, rows, rejected):
    text = HEADER + (
        "7,x,2024-01-01,5\n"
        "8,x,2024-01-01,5\n"
        "7,x,2024-01-01,5\n"  # identical to the first
        "7,x,2024-01-01,6\n"  # same key, other content
        "7,x,2024-01-01,6\n"  # identical to a rejected row: still not the first
    )
    prepared = company.prepare_orders(text)
    assert rows(prepared, "order_id, amount, source_row") == [("7", 5.0, 1), ("8", 5.0, 2)]
    assert rejected(prepared) == {
        3: "orders.repeated_row",
        4: "orders.duplicate_key",
        5: "orders.duplicate_key",
    }


def test_a_difference_in_a_column_that_is_not_mapped_is_a_difference(company, rejected):
    text = "id,customer,date,amount,note\n1,x,2024-01-01,5,a\n1,x,2024-01-01,5,b\n"
    assert rejected(company.prepare_orders(text)) == {2: "orders.duplicate_key"}


def test_a_rejected_row_does_not_take_the_key(company, rows, rejected):
    prepared = company.prepare_orders(HEADER + "1,x,2024-01-01,bad\n1,x,2024-01-01,5\n")
    assert rows(prepared, "order_id, amount") == [("1", 5.0)]
    assert rejected(prepared) == {1: "amount.unreadable"}


def test_keys_are_compared_over_all_files_in_their_order(company, rows, rejected):
    company.write("z.csv", HEADER + "1,x,2024-01-01,5\n")
    company.write("a.csv", HEADER + "1,x,2024-01-01,6\n2,x,2024-01-02,7\n")
    prepared = company.prepare_orders("", {"file": ["z.csv", "a.csv"]})
    assert rows(prepared, "order_id, amount, source_file") == [("1", 5.0, "z.csv"), ("2", 7.0, "a.csv")]
    assert rejected(prepared) == {1: "orders.duplicate_key"}


def test_repeated_lines_are_kept_and_noted_or_dropped_if_asked_for(company, rows, rejected, counted):
    text = "id,customer,date,n,price\nA,x,2024-01-01,1,5\nA,x,2024-01-01,1,5\nA,x,2024-01-01,2,5\n"
    kept = company.prepare_lines(text)
    assert rows(kept, "amount, lines") == [(20.0, 3)]
    assert counted(kept, "note") == {"repeated_rows_kept": 1}
    dropped = company.prepare_lines(text, {"drop_repeated_rows": True})
    assert rows(dropped, "amount, lines") == [(15.0, 2)]
    assert rejected(dropped) == {2: "orders.repeated_row"}
    assert counted(dropped, "note") == {}
