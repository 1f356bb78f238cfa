"""A newcomer's file that is not known: what is wrong with it is said, and what can be told of it is shown."""

from __future__ import annotations

import pytest

from analysis.tables.strange_files import StrangeFile, recognise_file

JAPANESE = '注文番号,顧客番号,注文日,金額\n1,C1,2026/04/17,"￥1,200"\n2,C2,2026/04/18,￥900\n'
ARABIC = "رقم الطلب,العميل,تاريخ الطلب,المبلغ\n1,C1,17/04/2026,95.50\n"


def looked_at(tmp_path, content: str | bytes, encoding: str = "utf-8", name: str = "file.csv"):
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return recognise_file(file, name)


@pytest.mark.parametrize(("text", "encoding"), [(JAPANESE, "cp932"), (JAPANESE, "utf-8"), (ARABIC, "utf-8")])
def test_headings_of_an_unknown_language_are_shown_with_what_they_begin_with(tmp_path, text, encoding):
    found = looked_at(tmp_path, text, encoding)
    assert isinstance(found, StrangeFile) and not found.problem
    heading = text.splitlines()[0].split(",")
    assert [column for column, _ in found.columns] == heading
    assert found.columns[1] == (heading[1], "C1")
    assert found.values.get("encoding", "utf-8") == encoding
    # the one column of days and the one of money are told by their cells; number and customer are not
    assert set(found.values["columns"]) == {"ordered_at", "amount"}
    assert found.values["columns"]["amount"] == heading[3]
    assert found.values["columns"]["ordered_at"]["column"] == heading[2]


def test_of_two_columns_of_days_none_is_chosen(tmp_path):
    found = looked_at(tmp_path, "a,b,c\n2026-04-17,2026-04-19,9.50\n")
    assert set(found.values["columns"]) == {"amount"}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.csv", b"", "no line"),
        ("blank.csv", b"\n\n\n", "no line"),
        ("letter.txt", b"Dear all,\nplease find attached.\n", "not split into columns"),
        ("photo.csv", bytes(range(256)) * 40, "no table of text"),
        ("page.xlsx", b"<html><table></table></html>", "save it as .xlsx"),
        ("broken.parquet", b"no parquet", "cannot be opened as a Parquet file"),
    ],
)
def test_a_file_that_is_no_table_is_said_with_the_reason(tmp_path, name, content, said):
    found = looked_at(tmp_path, content, name=name)
    assert isinstance(found, StrangeFile)
    assert said in found.problem


def test_a_file_with_a_header_alone_is_known_by_it(tmp_path):
    (found,) = looked_at(tmp_path, "Order ID,Customer,Order Date,Total\n")
    assert found.table == "orders"
    assert "ignore_when" not in found.values  # Total is a heading, and no total
