"""Every rule of the contract, through ``prepare`` on small files."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from analysis.errors import InputError
from analysis.tables import TablesError
from analysis.tables.prepared import prepare, read_quality, read_rejected

ORDERS = {"order_id": "id", "customer_id": "customer", "ordered_at": "date", "amount": "amount"}
HEADER = "id,customer,date,amount\n"


def test_semicolons_decimal_commas_a_mark_and_quoted_line_breaks(company, rows):
    text = 'id;customer;date;amount\n1;"Anna\nBerg";2024-01-01;"1.234,50 €"\n2;x;2024-01-02;-5,00\n'
    prepared = company.prepare_orders(text, {"decimal": ",", "thousands": "."}, "utf-8-sig")
    assert rows(prepared, "customer_id, amount, is_return, source_row") == [
        ("Anna\nBerg", 1234.5, False, 1), ("x", -5.0, True, 2),
    ]  # fmt: skip


def test_each_broken_rule_has_its_own_id_and_what_was_found(company, rejected, counted):
    text = HEADER + (
        "1,x,2024-01-01,5\n"  # kept
        "2,x,,5\n"
        "3,x,2024-01-01,\n"
        "4,x,1.1.2024,5\n"
        "5,x,2024-01-01,abc\n"
        "6,x,2023-02-29,5\n"
        ",x,2024-01-01,5\n"
        "8,x,2024-01-01,inf\n"
        "9,x,1960-01-01,5\n"
        "10,x\n"
        "11,x,2024-01-01,5,more\n"
    )
    prepared = company.prepare_orders(text)
    assert rejected(prepared) == {
        2: "ordered_at.missing", 3: "amount.missing", 4: "ordered_at.unreadable", 5: "amount.unreadable",
        6: "ordered_at.impossible", 7: "order_id.missing", 8: "amount.unreadable", 9: "ordered_at.impossible",
        10: "orders.malformed_line", 11: "orders.malformed_line",
    }  # fmt: skip
    assert counted(prepared, "read") == {None: 11} and counted(prepared, "kept") == {None: 1}
    assert sum(counted(prepared, "rejected").values()) == 10
    first = read_rejected(prepared).set_index("source_row")
    assert first.loc[5, "found"] == "abc" and first.loc[5, "column"] == "amount"
    assert first.loc[5, "row"] == '{"id":"5","customer":"x","date":"2024-01-01","amount":"abc"}'
    assert first.loc[10, "found"] == "2 fields, expected 4"


def test_a_row_that_breaks_several_rules_is_counted_once_under_the_first(company, counted):
    assert counted(company.prepare_orders(HEADER + "1,x,bad,bad\n"), "rejected") == {
        "ordered_at.unreadable": 1
    }


def test_29_february_is_kept_in_a_leap_year_and_rejected_in_any_other(company, rows, rejected):
    text = HEADER + "1,x,29/02/2024,5\n2,x,29/02/1997,5\n3,x,30/02/2024,5\n4,x,29/02/2000,5\n"
    columns = {"order_id": "id", "ordered_at": {"column": "date", "format": "%d/%m/%Y"}, "amount": "amount"}
    prepared = company.prepare_orders(text, {"columns": columns})
    assert rows(prepared, "ordered_on") == [(date(2000, 2, 29),), (date(2024, 2, 29),)]
    assert rejected(prepared) == {2: "ordered_at.impossible", 3: "ordered_at.impossible"}


def test_two_formats_in_one_column_are_read_and_what_both_read_differently_is_rejected(
    company, rows, rejected
):
    text = HEADER + "1,x,31/01/2024,5\n2,x,01/31/2024,5\n3,x,02/03/2024,5\n4,x,04/04/2024,5\n"
    given = {"column": "date", "format": ["%d/%m/%Y", "%m/%d/%Y"]}
    columns = {"order_id": "id", "ordered_at": given, "amount": "amount"}
    prepared = company.prepare_orders(text, {"columns": columns})
    assert rows(prepared, "order_id, ordered_on") == [
        ("1", date(2024, 1, 31)), ("2", date(2024, 1, 31)), ("4", date(2024, 4, 4)),
    ]  # fmt: skip
    assert rejected(prepared) == {3: "ordered_at.ambiguous"}


def test_days_after_the_last_complete_day_are_kept(company, rejected):
    text = HEADER + "1,x,2024-06-30T23:59:59,5\n2,x,2024-07-01,5\n"
    assert rejected(company.prepare_orders(text, data_through=date(2024, 6, 30))) == {}


def test_days_in_the_future_are_impossible(company, rejected):
    ahead = datetime.now().date() + timedelta(days=2)
    assert rejected(company.prepare_orders(HEADER + f"1,x,{ahead},5\n")) == {1: "ordered_at.impossible"}


def test_missing_words_and_surrounding_spaces(company, rows):
    text = (
        HEADER
        + "1,  Anna ,2024-01-01, 5 \n2,NULL,2024-01-02,5\n3,\u00a0?\u3000,2024-01-03,5\n4,,2024-01-04,5\n"
    )
    prepared = company.prepare_orders(text, {"missing": ["NULL", "?"]})
    assert rows(prepared, "customer_id") == [("Anna",), (None,), (None,), (None,)]


def test_values_are_mapped_before_they_are_checked_and_constants_fill_every_row(company, rows, rejected):
    company.write(
        "costs.csv",
        "day,what,eur\n2024-01-01,Werbung,5\n2024-01-02,sales,6\n2024-01-03,x,7\n2024-01-04,sales,-1\n",
    )
    columns = {
        "spent_on": "day", "kind": {"column": "what", "values": {"Werbung": "marketing"}}, "amount": "eur",
        "acquisition_channel": {"constant": "fair"},
    }  # fmt: skip
    prepared = prepare(company.params({"costs": {"file": "costs.csv", "columns": columns}}))
    assert rows(prepared, "spent_on, kind, amount, acquisition_channel", "costs") == [
        (date(2024, 1, 1), "marketing", 5.0, "fair"), (date(2024, 1, 2), "sales", 6.0, "fair"),
    ]  # fmt: skip
    assert rejected(prepared) == {3: "kind.not_allowed", 4: "amount.too_small"}


def test_a_constant_number_does_not_depend_on_the_files_decimal_mark(company, rows):
    columns = {"ordered_at": "date", "amount": {"constant": 2.5}}
    prepared = company.prepare_orders("date\n2024-01-01\n", {"columns": columns, "decimal": ","})
    assert rows(prepared, "amount") == [(2.5,)]


def test_money_in_another_currency_is_rejected(company, rows, rejected):
    columns = {"order_id": "id", "ordered_at": "date", "amount": "amount", "currency": "cur"}
    text = "id,date,amount,cur\n1,2024-01-01,5,EUR\n2,2024-01-01,5,USD\n3,2024-01-01,5,eur\n4,2024-01-01,5,\n"
    prepared = company.prepare_orders(text, {"columns": columns})
    assert [order for (order,) in rows(prepared, "order_id")] == ["1", "3", "4"]
    assert rejected(prepared) == {2: "currency.other"}


def test_an_order_at_a_period_boundary_belongs_to_the_companys_local_day(company, rows):
    # New York, winter: the year 1998 begins at 05:00 UTC
    text = (
        HEADER
        + "1,x,1998-01-01T04:59:59Z,5\n2,x,1998-01-01T05:00:00Z,5\n"
        + "3,x,1998-01-01,5\n4,x,1997-12-31 23:59:59,5\n"
    )
    prepared = company.prepare_orders(text, time_zone="America/New_York")
    assert rows(prepared, "order_id, ordered_at, ordered_on") == [
        ("1", datetime(1998, 1, 1, 4, 59, 59), date(1997, 12, 31)),
        ("4", datetime(1998, 1, 1, 4, 59, 59), date(1997, 12, 31)),
        ("2", datetime(1998, 1, 1, 5), date(1998, 1, 1)),
        ("3", datetime(1998, 1, 1, 5), date(1998, 1, 1)),
    ]


def test_hostile_names_are_data_like_any_other(company, rows):
    names = ["<script>alert(1)</script>", "=cmd|' /C calc'!A0", "'; drop table orders; --", "{x}", "a\\b%s"]
    lines = "".join(f'{i},"{name}",2024-01-0{i},5\n' for i, name in enumerate(names, start=1))
    assert [name for (name,) in rows(company.prepare_orders(HEADER + lines), "customer_id")] == names


def test_hostile_column_names_can_be_mapped(company, rows):
    columns = {"order_id": "o\"r'd", "ordered_at": "date; --", "amount": "{amount}"}
    prepared = company.prepare_orders('"o""r\'d",date; --,{amount}\n1,2024-01-01,5\n', {"columns": columns})
    assert rows(prepared, "order_id, amount") == [("1", 5.0)]


def test_an_empty_table_is_prepared_with_no_rows_and_a_note(company, rows, counted):
    prepared = company.prepare_orders(HEADER)
    assert rows(prepared) == []
    assert counted(prepared, "note") == {"empty_table": 0} and counted(prepared, "read") == {None: 0}


def test_too_many_rejected_rows_stop_the_run_with_reasons_and_the_first_rows(company):
    text = HEADER + "".join(f"{i},x,2024-01-01,{'bad' if i <= 12 else i}\n" for i in range(1, 101))
    with pytest.raises(TablesError) as caught:
        company.prepare_orders(text, max_rejected_share=0.05)
    message = str(caught.value)
    assert "12 of 100 rows (12.0%) break the contract; at most 5.0% may" in message
    assert "amount.unreadable: 12 rows" in message
    assert "orders.csv row 1: amount.unreadable, found 'bad'" in message
    assert "row 10:" in message and "row 11:" not in message  # the first ten
    assert not (company.root / "data").exists()


def test_exactly_the_allowed_share_of_rejected_rows_is_still_allowed(company, counted):
    text = HEADER + "".join(f"{i},x,2024-01-01,{'bad' if i <= 5 else i}\n" for i in range(1, 101))
    assert counted(company.prepare_orders(text, max_rejected_share=0.05), "rejected") == {
        "amount.unreadable": 5
    }


def test_parquet_and_excel_give_the_same_checked_rows_as_csv(company, rows):
    import openpyxl
    import pyarrow as pa
    import pyarrow.parquet as pa_parquet

    data = [
        ("1", 17850, datetime(2024, 2, 29, 10, 30), 5.25), ("2", None, datetime(2024, 3, 1), -1234.5),
        ("3", 17850, None, 7.0), ("4", 17851, datetime(2024, 3, 2, 23, 59, 59), 100000.0),
    ]  # fmt: skip
    names = ["id", "customer", "date", "amount"]
    text = HEADER + "".join(
        ",".join("" if cell is None else str(cell) for cell in row) + "\n" for row in data
    )
    book = openpyxl.Workbook()
    for row in [names, *data]:
        book.active.append(row)
    book.save(company.root / "orders.xlsx")
    columns = [list(column) for column in zip(*data, strict=True)]
    columns[1] = pa.array(columns[1], pa.float64())  # how pandas stores ids with gaps
    pa_parquet.write_table(pa.table(columns, names=names), company.root / "orders.parquet")
    wanted = "order_id, customer_id, ordered_at, ordered_on, amount, is_return, source_row"
    found = {
        name: company.prepare_orders(text, {"file": name}, time_zone="Asia/Shanghai")
        for name in ("orders.csv", "orders.xlsx", "orders.parquet")
    }
    csv_rows = rows(found["orders.csv"], wanted)
    assert [row[:2] for row in csv_rows] == [("1", "17850"), ("2", None), ("4", "17851")]
    assert rows(found["orders.xlsx"], wanted) == csv_rows
    assert rows(found["orders.parquet"], wanted) == csv_rows
    counts = [read_quality(prepared).to_dict("list") for prepared in found.values()]
    assert str(counts[0]) == str(counts[1]) == str(counts[2])


def test_typed_files_are_read_whatever_notation_their_texts_have(company, rows):
    import openpyxl

    book = openpyxl.Workbook()
    book.create_sheet("data")
    for row in [
        ["id", "date", "amount"],
        [1, datetime(2024, 2, 29), 1234.5],
        [2, "01.03.2024", "1.234,5"],
        [None] * 3,
    ]:
        book["data"].append(row)
    book.save(company.root / "orders.xlsx")
    given = {"column": "date", "format": "%d.%m.%Y"}
    source = {"file": "orders.xlsx", "decimal": ",", "thousands": ".", "sheet": "data",
              "columns": {"order_id": "id", "ordered_at": given, "amount": "amount"}}  # fmt: skip
    prepared = company.prepare_orders("", source)
    assert rows(prepared, "order_id, ordered_on, amount") == [
        ("1", date(2024, 2, 29), 1234.5), ("2", date(2024, 3, 1), 1234.5),
    ]  # fmt: skip
    with pytest.raises(TablesError, match="no sheet 'dat'; did you mean 'data'"):
        company.prepare_orders("", source | {"sheet": "dat"})


def test_customers_keep_all_contract_columns_and_one_row_per_customer(company, rows, rejected):
    company.write("c.csv", "no,name,since\nb,Bo,2023-05-01\na,Al,\nb,Bo,2023-05-01\nb,Other,\n,Nobody,\n")
    columns = {"customer_id": "no", "customer_name": "name", "acquired_on": "since"}
    prepared = prepare(company.params({"customers": {"file": "c.csv", "columns": columns}}))
    wanted = "customer_id, customer_name, acquired_on, segment, industry, region, acquisition_channel"
    assert rows(prepared, wanted, "customers") == [
        ("a", "Al", None, None, None, None, None), ("b", "Bo", date(2023, 5, 1), None, None, None, None),
    ]  # fmt: skip
    assert rejected(prepared) == {
        3: "customers.repeated_row", 4: "customers.duplicate_key", 5: "customer_id.missing",
    }  # fmt: skip
    assert set(prepared.tables) == {"customers"}  # a table that is not supplied is absent


# --- What a column is made of -----------------------------------------------------------------------------------

CALLS = {"contact_id": {"row_number": True}, "outcome": {"constant": "answered"}}


def contacts(company, text: str, columns: dict, **source):
    company.write("calls.csv", text)
    source = {"file": "calls.csv", "columns": CALLS | columns} | source
    return prepare(company.params({"contacts": source}))


def test_an_instant_may_stand_in_two_columns(company, rows, counted):
    text = "day,at\n990201, 7:02:47 \n990228,23:59:59\n990229,8:00:00\n990201,\n,7:00:00\n,\n"
    columns = {"started_at": {"column": ["day", "at"], "format": "%y%m%d %H:%M:%S"}}
    prepared = contacts(company, text, columns)
    assert rows(prepared, "started_at, started_on", "contacts") == [
        (datetime(1999, 2, 1, 7, 2, 47), date(1999, 2, 1)),
        (datetime(1999, 2, 28, 23, 59, 59), date(1999, 2, 28)),
    ]
    # 29 February 1999 does not exist; a day without a time, or a time without a day, is no instant; two empty
    # cells are nothing
    assert counted(prepared, "rejected", "contacts") == {
        "started_at.unreadable": 2, "started_at.impossible": 1, "started_at.missing": 1,
    }  # fmt: skip
    shown = read_rejected(prepared).set_index("source_row")["found"]
    assert shown[3] == "990229 8:00:00" and shown[4] == "990201" and shown[5] == "7:00:00"


def test_of_several_columns_those_that_are_missing_are_passed_over(company, rows):
    text = "line,no,at\nA,1,2024-01-01\n-,2,2024-01-01\nA,-,2024-01-01\n"
    columns = {"contact_id": {"column": ["line", "no"], "missing": "-"}, "started_at": "at"}
    assert rows(contacts(company, text, columns), "contact_id", "contacts") == [("2",), ("A",), ("A 1",)]


def test_rows_without_a_key_are_known_by_their_number_through_all_files(company, rows, counted):
    company.write("more.csv", "at\n2024-01-01\n")
    text = "at\n2024-01-01\nbad\n2024-01-01\n"
    prepared = contacts(company, text, {"started_at": "at"}, file=["calls.csv", "more.csv"])
    # row 2 of the first file is rejected and keeps its number; the second file goes on counting
    assert rows(prepared, "contact_id, source_file, source_row", "contacts") == [
        ("1", "calls.csv", 1), ("3", "calls.csv", 3), ("4", "more.csv", 1),
    ]  # fmt: skip
    assert counted(prepared, "note", "contacts") == {}  # nothing is said of repeated rows: each has a key


def test_the_rows_that_a_wide_row_becomes_have_its_number(company, rows):
    company.write("wide.csv", "q1,q2\n5,4\n3,2\n")
    source = {
        "file": "wide.csv",
        "unpivot": {"columns": "q*", "name_to": "question", "value_to": "answer"},
        "columns": {"survey_id": {"row_number": True}, "question_id": "question", "score": "answer"},
    }
    found = rows(prepare(company.params({"answers": source})), "survey_id, question_id, score", "answers")
    assert found == [("1", "q1", 5.0), ("1", "q2", 4.0), ("2", "q1", 3.0), ("2", "q2", 2.0)]


def test_words_that_mean_nothing_in_one_column_are_words_in_another(company, rows):
    text = "at,who,topic\n2024-01-01,0,0\n2024-01-01,?,?\n2024-01-01,7,7\n"
    columns = {"started_at": "at", "customer_id": {"column": "who", "missing": "0"}, "topic": "topic"}
    prepared = contacts(company, text, columns, missing="?")
    assert rows(prepared, "customer_id, topic", "contacts") == [(None, "0"), (None, None), ("7", "7")]


def test_days_that_may_lie_ahead_are_no_typing_errors(company, rows, rejected):
    ahead = (datetime.now() + timedelta(days=900)).date()
    company.write("c.csv", f"no,who,from,to,renewed\n1,a,2024-01-01,{ahead},\n2,a,2024-01-01,,{ahead}\n")
    columns = {
        "contract_id": "no",
        "customer_id": "who",
        "starts_on": "from",
        "ends_on": "to",
        "renewed_on": "renewed",
    }
    prepared = prepare(company.params({"contracts": {"file": "c.csv", "columns": columns}}))
    assert rows(prepared, "contract_id, ends_on", "contracts") == [("1", ahead)]
    assert rejected(prepared) == {2: "renewed_on.impossible"}  # what has happened cannot lie ahead


def test_numbers_in_another_unit_are_turned_into_ours(company, rows):
    text = "id,customer,date,amount\n1,a,2024-01-01,1205\n2,a,2024-01-02,-3\n3,b,2024-01-03,\n"
    for unit, expected in ((0.01, [12.05, -0.03]), (10_000, [12_050_000, -30_000])):
        amount = {"column": "amount", "multiply_by": unit}
        prepared = company.prepare_orders(text, {"columns": ORDERS | {"amount": amount}})
        assert rows(prepared, "amount") == [(each,) for each in expected]  # to the last digit: 1205 / 100


def test_a_last_day_ends_the_day_after(company, rows):
    # a contract that runs up to and including 31 December no longer runs on 1 January
    (company.root / "c.csv").write_text("id,customer,start,end\n1,a,2025-01-01,31.12.2025\n2,b,2025-01-01,\n")
    end = {"column": "end", "format": "%d.%m.%Y", "last_day": True}
    columns = {"contract_id": "id", "customer_id": "customer", "starts_on": "start", "ends_on": end}
    prepared = prepare(company.params({"contracts": {"file": "c.csv", "columns": columns}}))
    assert rows(prepared, "contract_id, ends_on", "contracts") == [("1", date(2026, 1, 1)), ("2", None)]


@pytest.mark.parametrize(
    ("form", "month"),
    [
        ("%Y-%m", "2026-04"),
        ("%Y年%m月", "2026年4月"),
        ("%Y%m", "202604"),
        ("%m/%Y", "04/2026"),
        ("%b %Y", "Apr 2026"),
    ],
)
def test_a_month_without_a_day_is_its_first_day_where_costs_are_booked_so(company, rows, form, month):
    (company.root / "c.csv").write_text(f"month,kind,amount\n{month},sales,5\n", encoding="utf-8")
    columns = {"spent_on": {"column": "month", "format": form}, "kind": "kind", "amount": "amount"}
    prepared = prepare(company.params({"costs": {"file": "c.csv", "columns": columns}}))
    assert rows(prepared, "spent_on", "costs") == [(date(2026, 4, 1),)]


@pytest.mark.slow
def test_spark_reads_months_and_last_days_the_same(company, rows, spark):
    (company.root / "c.csv").write_text("month,kind,amount\n2026-04,sales,5\n2025-12,sales,5\n")
    (company.root / "k.csv").write_text("id,customer,start,end\n1,a,2025-01-01,2025-12-31\n2,b,2025-01-01,\n")
    costs = {"spent_on": {"column": "month", "format": "%Y-%m"}, "kind": "kind", "amount": "amount"}
    end = {"column": "end", "last_day": True}
    contracts = {"contract_id": "id", "customer_id": "customer", "starts_on": "start", "ends_on": end}
    tables = {
        "costs": {"file": "c.csv", "columns": costs},
        "contracts": {"file": "k.csv", "columns": contracts},
    }
    prepared = prepare(company.params(tables, engine=spark.model_dump()))
    assert rows(prepared, "spent_on", "costs") == [(date(2026, 4, 1),), (date(2025, 12, 1),)]
    assert rows(prepared, "ends_on", "contracts") == [(date(2026, 1, 1),), (None,)]


def test_an_order_of_a_month_without_a_day_is_refused(company):
    with pytest.raises(TablesError, match="should name year, month and day"):
        company.prepare_orders(
            HEADER + "1,a,2026-04,5\n",
            {"columns": ORDERS | {"ordered_at": {"column": "date", "format": "%Y-%m"}}},
        )


def test_a_last_day_of_what_does_not_end_is_refused(company):
    with pytest.raises(InputError, match="columns.ordered_at.last_day: ordered_at is no day on which"):
        company.prepare_orders("", {"columns": ORDERS | {"ordered_at": {"column": "d", "last_day": True}}})


def test_a_unit_of_what_is_no_number_and_one_of_nothing_are_refused(company):
    with pytest.raises(InputError, match="columns.customer_id.multiply_by: customer_id holds no numbers"):
        company.prepare_orders("", {"columns": ORDERS | {"customer_id": {"column": "c", "multiply_by": 100}}})
    with pytest.raises(InputError, match="greater than 0"):
        company.prepare_orders("", {"columns": ORDERS | {"amount": {"column": "amount", "multiply_by": 0}}})


@pytest.mark.parametrize(("fmt", "zeros"), [("epoch_s", ""), ("epoch_ms", "000")])
def test_instants_may_be_seconds_or_milliseconds_since_1970(company, rows, rejected, fmt, zeros):
    # 1711843200 is 2024-03-31 00:00 UTC: in Berlin 01:00 of that day; an hour and a half before, the 30th still
    text = f"id,customer,date,amount\n1,a,1711843200{zeros},1\n2,a,1711837800{zeros},1\n3,a,soon,1\n"
    columns = ORDERS | {"ordered_at": {"column": "date", "format": fmt}}
    prepared = company.prepare_orders(text, {"columns": columns}, time_zone="Europe/Berlin")
    assert rows(prepared, "order_id, ordered_at, ordered_on") == [
        ("2", datetime(2024, 3, 30, 22, 30), date(2024, 3, 30)), ("1", datetime(2024, 3, 31), date(2024, 3, 31)),
    ]  # fmt: skip
    assert rejected(prepared) == {3: "ordered_at.unreadable"}
