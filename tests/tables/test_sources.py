"""Which files, how they are written, which columns they have."""

from __future__ import annotations

from datetime import date

import pytest

from analysis.tables import TablesError
from analysis.tables.prepared import prepare, read_rejected

HEADER = "id,customer,date,amount\n"


def test_a_file_that_does_not_exist_is_named_with_its_path_and_what_to_do(company):
    params = company.params({"orders": {"file": "none.csv", "columns": {"ordered_at": "d", "amount": "a"}}})
    with pytest.raises(
        TablesError, match=r"none\.csv; put the file there, or name the right one at tables.orders"
    ):
        prepare(params)
    assert not (company.root / "data").exists()  # nothing is written


def test_the_cdnow_file_is_written_by_a_command_that_the_message_names(company):
    params = company.params(
        {"orders": {"file": "data/cdnow/x.csv", "columns": {"ordered_at": "d", "amount": "a"}}}
    )
    with pytest.raises(TablesError, match="workbook sample cdnow"):
        prepare(params)


def test_a_pattern_without_a_match_is_an_error_and_with_matches_reads_them_by_name(company, rows):
    with pytest.raises(TablesError, match="no file matches"):
        company.prepare_orders("", {"file": "months/*.csv"})
    company.write("months/b.csv", HEADER + "2,x,2024-02-01,2\n")
    company.write("months/a.csv", HEADER + "1,x,2024-01-01,1\n3,x,2024-01-02,1\n")
    prepared = company.prepare_orders("", {"file": "months/*.csv"})
    assert rows(prepared, "order_id, source_file, source_row") == [
        ("1", "months/a.csv", 1), ("3", "months/a.csv", 2), ("2", "months/b.csv", 1),
    ]  # fmt: skip
    assert {name: one["rows"] for name, one in prepared.inputs.items()} == {
        "months/a.csv": 2,
        "months/b.csv": 1,
    }


def test_files_of_one_table_may_have_their_columns_in_another_order(company, rows):
    company.write("a.csv", HEADER + "1,x,2024-01-01,1\n")
    company.write("b.csv", "amount,extra,date,id,customer\n2,?,2024-01-02,2,y\n")
    prepared = company.prepare_orders("", {"file": ["a.csv", "b.csv"]})
    assert rows(prepared, "order_id, customer_id, amount") == [("1", "x", 1.0), ("2", "y", 2.0)]


def test_every_misspelt_column_is_listed_with_its_nearest_name_and_the_columns_found(company):
    source = {
        "columns": {"order_id": "ID", "ordered_at": "dat", "amount": "amount", "customer_id": "custmer"}
    }
    with pytest.raises(TablesError) as caught:
        company.prepare_orders(HEADER, source)
    message = str(caught.value)
    assert "no column 'dat'; did you mean 'date'?" in message
    assert "no column 'custmer'; did you mean 'customer'?" in message
    assert "no column 'ID'" in message  # matched exactly: upper case is another name
    assert "columns found: 'id', 'customer', 'date', 'amount'" in message


def test_two_columns_of_one_name_are_an_error(company):
    with pytest.raises(TablesError, match="more than one column is called 'date'"):
        company.prepare_orders("id,customer,date, date ,amount\n")


def test_problems_of_all_tables_are_said_at_once(company):
    company.write("a.csv", "x\n")
    columns = {"ordered_at": "d", "amount": "a"}
    params = company.params({
        "orders": {"file": "a.csv", "columns": columns},
        "customers": {"file": "a.csv", "columns": {"customer_id": "c"}},
    })  # fmt: skip
    with pytest.raises(TablesError) as caught:
        prepare(params)
    assert "tables.orders.columns" in str(caught.value) and "tables.customers.columns" in str(caught.value)


def test_an_empty_file_is_an_error(company):
    with pytest.raises(TablesError, match="orders.csv: is empty"):
        company.prepare_orders("")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_read_off_the_header(company, rows, separator):
    text = (HEADER + "1,x,2024-01-01,5\n").replace(",", separator)
    assert rows(company.prepare_orders(text), "order_id, amount") == [("1", 5.0)]


def test_the_separator_is_the_one_that_finds_the_mapped_columns(company, rows):
    text = "id;customer;date;amount, total, in, local, money\n1;x;2024-01-01;5\n"
    source = {
        "columns": {"order_id": "id", "ordered_at": "date", "amount": "amount, total, in, local, money"}
    }
    assert rows(company.prepare_orders(text, source), "order_id, amount") == [("1", 5.0)]


def test_spaces_and_a_byte_order_mark_around_header_names_do_not_matter(company, rows):
    prepared = company.prepare_orders(
        " id , customer, date ,amount\n1,x,2024-01-01,5\n", encoding="utf-8-sig"
    )
    assert rows(prepared, "order_id, customer_id") == [("1", "x")]


def test_a_broken_parquet_or_excel_file_is_said_to_be_unreadable(company):
    for name, words in (("orders.parquet", "Parquet"), ("orders.xlsx", "Excel")):
        company.write(name, b"not what it says")
        with pytest.raises(TablesError, match=f"{name}: cannot be opened as an? {words} file"):
            company.prepare_orders("", {"file": name})


def test_brackets_and_quotes_in_the_names_of_folders_and_files_are_no_patterns(company, rows):
    import pyarrow as pa
    import pyarrow.parquet as pa_parquet

    folder = company.root / "it's [2024]"
    folder.mkdir()
    table = pa.table({"id": ["1"], "customer": ["x"], "date": ["2024-01-01"], "amount": [5.0]})
    pa_parquet.write_table(table, folder / "o[r].parquet")
    prepared = company.prepare_orders("", {"file": "it's [2024]/o[r].parquet"})
    assert rows(prepared, "amount, source_file") == [(5.0, "it's [2024]/o[r].parquet")]


# --- Rows in the settings ---------------------------------------------------------------------------------------


def test_rows_in_the_settings_are_checked_like_a_files(company, rows, counted):
    days = [
        {"day": date(2026, 10, 1), "name": "国庆节"},
        {"day": date(2026, 10, 10), "is_working_day": True},
        {"day": "someday"},
        {"day": date(2026, 10, 1), "name": "国庆节"},
    ]
    prepared = prepare(company.params({"holidays": {"rows": days}}))
    assert rows(prepared, "day, is_working_day, name, source_row", "holidays") == [
        (date(2026, 10, 1), None, "国庆节", 1), (date(2026, 10, 10), True, None, 2),
    ]  # fmt: skip
    assert counted(prepared, "rejected", "holidays") == {"day.unreadable": 1, "holidays.repeated_row": 1}
    assert read_rejected(prepared)["source_file"].unique() == ["company.yml (tables.holidays.rows)"]
    assert prepared.inputs == {}  # the settings are recorded elsewhere


def test_rows_may_have_the_users_own_names_and_notation(company, rows):
    source = {
        "rows": [{"Frage": 1, "Skala": 2.5, "Text": "A"}, {"Frage": "b", "Skala": 7}],
        "decimal": ",",
        "columns": {
            "question_id": "Frage", "construct": {"constant": "csat"}, "scale_min": {"constant": 1},
            "scale_max": "Skala", "item": {"column": "Text", "values": {"A": "service"}},
        },
    }  # fmt: skip
    found = rows(prepare(company.params({"questions": source})), "question_id, scale_max, item", "questions")
    assert found == [("1", 2.5, "service"), ("b", 7.0, None)]


def test_other_rows_are_prepared_anew(company):
    first, same, other = (
        prepare(company.params({"holidays": {"rows": [{"day": date(2026, 1, day)}]}})) for day in (1, 1, 2)
    )
    assert first.content_hash == same.content_hash != other.content_hash


def test_a_column_that_no_row_has_is_said_like_one_that_is_not_in_a_file(company):
    source = {"rows": [{"day": "2026-01-01"}], "columns": {"day": "date"}}
    with pytest.raises(
        TablesError,
        match=r"company.yml \(tables.holidays.rows\): .*(?s:.*)no column 'date'\n  columns found: 'day'",
    ):
        prepare(company.params({"holidays": source}))
