"""A table as the user has it: what is wrong with it is named by its place."""

from __future__ import annotations

import pytest

from reading_settings import load, problems


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("a.csv", ["orders: should hold `name: value` lines; found 'a.csv'"]),
        ("null", ["orders: should hold `name: value` lines; found None"]),
        (
            "{file: a.csv}",
            [
                "orders.columns: is missing",
                "orders.columns.ordered_at: is required and not mapped",
                "orders.columns.amount: is required and not mapped",
            ],
        ),
        ("{columns: {ordered_at: d, amount: m}}", ["orders.file: is missing"]),
        (
            "{file: 1, columns: {ordered_at: d, amount: m}}",
            ["orders.file: should be a list, such as [a, b]; found 1"],
        ),
        ("{file: [], columns: {ordered_at: d, amount: m}}", ["orders.file: should not be empty"]),
        (
            "{file: a, columns: {ordered_at: null, amount: m}}",
            ["orders.columns.ordered_at: give either `column` or `constant`"],
        ),
        (
            "{file: a, columns: {ordered_at: {column: d, constant: 1}, amount: m}}",
            ["orders.columns.ordered_at: give either `column` or `constant`"],
        ),
        (
            "{file: a, columns: {ordered_at: d, amount: 3}}",
            ["orders.columns.amount.column: should be text; found 3"],
        ),
        (
            "{file: a, columns: {ordered_at: {column: d, format: 1}, amount: m}}",
            ["orders.columns.ordered_at.format: should be a list, such as [a, b]; found 1"],
        ),
        (
            "{file: a, given_as: line, columns: {ordered_at: d, amount: m}}",
            ["orders.given_as: 'line' is unknown; did you mean 'lines'?"],
        ),
        (
            "{file: a, given_as: [lines], columns: {ordered_at: d, amount: m}}",
            ["orders.given_as: should be text; found ['lines']"],
        ),
        (
            "{file: a, given_as: lines, columns: {order_id: i, ordered_at: d, quantity: n}}",
            ["orders.columns.unit_price: is required and not mapped"],
        ),
        (
            "{file: a, time_zone: Asia/Shangai, columns: {ordered_at: d, amount: m}}",
            ["orders.time_zone: there is no time zone 'Asia/Shangai'; did you mean 'Asia/Shanghai'?"],
        ),
        (
            "{file: a, decimal: ';', columns: {ordered_at: d, amount: m}}",
            ["orders.decimal: should be '.' or ','; found ';'"],
        ),
        (
            "{file: a, decimal: ',', thousands: ',', columns: {ordered_at: d, amount: m}}",
            ["orders: decimal and thousands are both ',': a number could not be read"],
        ),
        (
            "{file: a, columns: {ordered_at: {column: [d, 5]}, amount: {column: []}}}",
            [
                "orders.columns.ordered_at.column.1: should be text; found 5",
                "orders.columns.amount.column: should not be empty",
            ],
        ),
        (
            "{file: a, columns: {ordered_at: {column: d, row_number: true}, amount: {row_number: false}}}",
            [
                "orders.columns.ordered_at: give either `column` or `constant`, not column and row_number together",
                "orders.columns.amount: give either `column` or `constant`",
            ],
        ),
        (
            "{file: a, rows: [{ordered_at: 2024-01-01, amount: 5}], columns: {ordered_at: d, amount: m}}",
            ["orders: give either `file` or `rows`"],
        ),
        ("{rows: [{ordered_at: 2024-01-01}]}", ["orders.columns.amount: is required and not mapped"]),
        (
            "{rows: [{orderd_at: 2024-01-01, amount: 5}]}",
            [
                "orders.columns.orderd_at: table orders has no such column; did you mean 'ordered_at'?",
                "orders.columns.ordered_at: is required and not mapped",
            ],
        ),
        ("{rows: [], columns: {ordered_at: d, amount: m}}", ["orders.rows: should not be empty"]),
        (
            "{rows: [{d: 2024-01-01, m: 5}, [d, m]], columns: {ordered_at: d, amount: m}}",
            ["orders.rows: row 2 should hold `column: value` pairs, such as {day: 2026-10-01}"],
        ),
        (
            "{rows: [{d: 2024-01-01, m: [5, 6]}], columns: {ordered_at: d, amount: m}}",
            ["orders.rows: row 1: m should be one text, number or date; found [5, 6]"],
        ),
        (
            "{file: a, unpivot: {colums: q*, name_to: q, value_to: q}, columns: {ordered_at: d, amount: m}}",
            [
                "orders.unpivot.colums: there is no such setting; did you mean 'columns'?",
                "orders.unpivot.columns: is missing",
            ],
        ),
        (
            "{file: a, unpivot: {columns: q*, name_to: q, value_to: q}, columns: {ordered_at: d, amount: m}}",
            ["orders.unpivot: name_to and value_to are both 'q': one column cannot hold both"],
        ),
        (
            "{file: a, in_order_of: d, columns: {ordered_at: d, amount: m}}",
            ["orders: in_order_of says which row is the last: keep_last_per says for each of what"],
        ),
        (
            "{file: a, keep_last_per: n, in_order_of: {colum: d}, columns: {ordered_at: d, amount: m}}",
            [
                "orders.in_order_of.colum: there is no such setting; did you mean 'column'?",
                "orders.in_order_of.column: is missing",
            ],
        ),
        (
            "{file: a, drop_repeated_rows: 1, columns: {ordered_at: d, amount: m}}",
            ["orders.drop_repeated_rows: should be true or false; found 1"],
        ),
    ],
)
def test_what_is_wrong_with_a_table_is_named_by_its_place(tmp_path, source, said):
    found = problems(tmp_path, f"company: Test\ntables: {{orders: {source}}}\n")
    assert sorted(found) == sorted(f"tables.{line}" for line in said)


def test_a_date_may_be_the_same_for_every_row(tmp_path):
    text = "tables: {orders: {file: a, columns: {ordered_at: {constant: 2024-02-29}, amount: m}}}\n"
    column = load(tmp_path, "company: Test\n" + text).settings.tables["orders"].columns["ordered_at"]
    assert column.constant == "2024-02-29"


def test_one_word_may_stand_for_a_list_of_one_where_files_and_formats_are_named(tmp_path):
    columns = "{ordered_at: {column: d, format: '%d'}, amount: m}"
    text = f"company: Test\ntables: {{orders: {{file: a, missing: '-', columns: {columns}}}}}\n"
    source = load(tmp_path, text).settings.tables["orders"]
    assert (source.file, source.missing, source.columns["ordered_at"].format) == (("a",), ("-",), ("%d",))
