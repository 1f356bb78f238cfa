"""Checked tables, quality counts and rejected rows are the same whichever engine prepared them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pytest

from analysis.catalogue.records import Column, Text
from analysis.engine import open_engine
from analysis.params import ColumnSource, EngineSettings, TableSource, load_params
from analysis.tables import TablesError
from analysis.tables.prepared import (
    Prepared,
    prepare,
    read_quality,
    read_rejected,
    suggest_activity_window_days,
)
from analysis.tables.reading import number_sql, read_moment, truth_sql

DUCKDB = EngineSettings(kind="duckdb", master=None, threads=None, memory_limit=None)
CDNOW = Path(__file__).parents[2] / "params" / "cdnow.yml"

pytestmark = pytest.mark.slow


# --- What is compared -------------------------------------------------------------------------------------------


def _table(path: Path) -> tuple[list[tuple], list[tuple]]:
    """Columns with their types, and rows in their order."""
    with duckdb.connect() as connection:
        types = connection.execute(f"describe select * from read_parquet('{path}')").fetchall()
        rows = connection.execute(f"select * from read_parquet('{path}')").fetchall()
    return [column[:2] for column in types], rows


def _check_equal(found: list[tuple], expected: list[tuple]) -> None:
    """Rows equal in all but the last digits of floats; whatever frames write for missing is missing."""
    assert len(found) == len(expected)
    for row, wanted in zip(found, expected, strict=True):
        assert len(row) == len(wanted)
        assert all(_is_same(cell, other) for cell, other in zip(row, wanted, strict=True)), (row, wanted)


def _is_same(cell: object, other: object) -> bool:
    if pd.isna(cell) or pd.isna(other):
        return pd.isna(cell) and pd.isna(other)
    if isinstance(other, float):
        return cell == pytest.approx(other, rel=1e-9, abs=1e-9)
    return type(cell) is type(other) and cell == other


def _check_agree(company, spark: EngineSettings, tables: dict, **settings) -> tuple[Prepared, set[str]]:
    """Prepares a company on both engines; returns what DuckDB prepared and the rules that rows broke."""
    expected, found = (
        prepare(company.params(tables, engine=one.model_dump(), **settings)) for one in (DUCKDB, spark)
    )
    assert expected.folder != found.folder  # each engine keeps its own
    assert found.tables.keys() == expected.tables.keys() and found.inputs == expected.inputs
    for name, path in expected.tables.items():
        (types, rows), (own_types, own_rows) = _table(path), _table(found.tables[name])
        assert own_types == types
        _check_equal(own_rows, rows)
    for read in (read_quality, read_rejected):
        frame, own = read(expected), read(found)
        assert own.columns.tolist() == frame.columns.tolist()
        _check_equal(_tuples(own), _tuples(frame))
    return expected, set(read_rejected(expected)["rule"])


def _tuples(frame: pd.DataFrame) -> list[tuple]:
    return list(frame.itertuples(index=False, name=None))


# --- Companies with every awkward case -----------------------------------------------------------------------

AHEAD = (datetime.now() + timedelta(days=30)).date().isoformat()
HOSTILE = [
    "O'Hara; drop table orders; --", 'say ""hi""', "back\\slash\\n", "line\nbreak", "tab\there", "smile 😀 客户",
    "\u00a0non-breaking\u3000", "<script>", "=cmd|' /C calc'!A0", "{x} %s $1 \\1", "`tick`", "\x01\x1f control",
]  # fmt: skip
MOMENTS = [
    "2024-02-29", "2023-02-29", "2024-02-30", "2024-13-01", "1960-01-01", AHEAD, "29.02.2024", "2024-2-9",
    "2024-02-29T10:30", "2024-02-29 10:30:00.25", "2024-02-29 10:30:00.123456789", "2024-02-29 24:00:00",
    "2024-02-29 25:00:00", "2024-02-29 23:59:60", "2024-02-29T20:00:00Z", "2024-02-29T20:00:00+02:00",
    "2024-02-29 01:00:00-0530", "2024-02-29T20:00+02", "2024-02-29 20:00 +02", "2024-03-31 02:30:00",
    "2024-03-31 01:59:59", "2024-03-31 03:00:00", "2024-10-27 02:30:00", "2024-10-27 01:59:59",
    "2024-10-27 03:00:00", "2024-10-27T02:30:00+02:00", "  2024-05-05  ", "", "now", "0000-01-01", "NULL",
]  # fmt: skip
AMOUNTS = [
    "5", "-5,00", "1.234,50", "1.234.567,8", "12,30 €", "€ 12,30", "EUR 7", "(1.234,50)", "5,00-", "\u22125",
    "1e3", "1E-2", "1e999", "nan", "inf", "12.34", "$5", "--5", "(5", "", ",5", "5,", "+3", "0", "-0,00", "1_000",
    "-", "€ - 5 €", "x" * 300, "0" * 250 + "7", "€" + " " * 300 + "5", "9007199254740993", "0,1",
]  # fmt: skip


def _csv(rows: list[list[str]], separator: str = ",") -> str:
    def cell(text: str) -> str:
        return '"' + text.replace('"', '""') + '"' if any(one in text for one in f'{separator}"\n') else text

    return "".join(separator.join(map(cell, row)) + "\n" for row in rows)


def _orders() -> list[list[str]]:
    rows = [["id", "customer", "when", "amount", "status", "cur", "way"]]
    for i, when in enumerate(MOMENTS):
        rows.append([f"m{i}", f"c{i % 4}", when, "10", "ok", "EUR", "web"])
    for i, amount in enumerate(AMOUNTS):
        rows.append([f"a{i}", "", "2024-01-01", amount, ["ok", "cancelled", "test"][i % 3], "eur", "shop"])
    for i, name in enumerate(HOSTILE):
        rows.append([f"h{i} {name}", name, "2024-01-02", f"{i}", name, "", name])
    rows += [["d1", "x", "2024-01-03", "5", "ok", "", ""]] * 3  # repeated
    rows += [["d1", "x", "2024-01-03", "6", "ok", "", ""], ["d1", "x", "2024-01-03", "6", "ok", "", ""]]
    rows += [["", "x", "2024-01-03", "5", "ok", "", ""], ["u", "x", "2024-01-03", "5", "ok", "USD", ""]]
    rows += [["short", "x"], [*"longlines", "="], ["d2", "x", "bad", "bad", "ok", "", ""]]
    return rows


def _write_others(company) -> dict:
    """Customers as Excel and costs as Parquet, with the cells those files can hold."""
    import openpyxl

    book = openpyxl.Workbook()
    for row in [
        ["no", "name", "since", "ID", "id"], ["b", "Bo", datetime(2023, 5, 1), 1, 2.5],
        ["a", "Al \u00a0", None, 1, None], ["b", "Bo", datetime(2023, 5, 1), 1, 2.5],
        ["b", "Other", "01.02.2023", True, "x"], [None, "Nobody", None, 1, 1],
        [17, "Seventeen", datetime(2023, 5, 1, 10, 30), 1, 1],
        [1.5, 'q"uo\\te', "31.02.2023", 1, 1], [None] * 5,
    ]:  # fmt: skip
        book.active.append(row)
    book.save(company.root / "customers.xlsx")
    late = datetime(2024, 2, 29, 23, 30, 0, 500)
    days = [datetime(2024, 1, 1), late, None, datetime(1950, 1, 1), datetime(2024, 3, 1)]
    costs = pa.table({
        "day": pa.array(days, pa.timestamp("us", "America/New_York")),
        "what": pa.array(["Werbung", "sales", "sales", "marketing", "?"]),
        "eur": pa.array([5.25, 1234567.5, 1.0, 7.0, float("nan")]),
    })  # fmt: skip
    pa_parquet.write_table(costs, company.root / "costs.parquet")
    return {
        "customers": {"file": "customers.xlsx", "columns": {
            "customer_id": "no", "customer_name": "name", "acquired_on": {"column": "since", "format": "%d.%m.%Y"}}},
        "costs": {"file": "costs.parquet", "columns": {
            "spent_on": "day", "amount": "eur", "acquisition_channel": {"constant": "fair"},
            "kind": {"column": "what", "values": {"Werbung": "marketing"}}}},
    }  # fmt: skip


def test_orders_customers_and_costs(company, spark):
    company.write("orders.csv", _csv(_orders(), ";"))
    columns = {"order_id": "id", "customer_id": "customer", "ordered_at": "when", "amount": "amount",
               "currency": "cur", "channel": "way",
               "status": {"column": "status", "values": {"ok": "done", "<script>": "it's"}}}  # fmt: skip
    orders = {"file": "orders.csv", "columns": columns, "decimal": ",", "thousands": ".",
              "missing": ["NULL"], "cancelled_when": "status = 'cancelled'"}  # fmt: skip
    exclusions = {
        "tests": {"where": "status = 'test' or channel like '%\\%'", "out_of": "revenue"},
        'it\'s "odd"': {
            "where": "customer_id like 'O''H%' or amount between 5 and 6",
            "out_of": ["histories"],
        },
    }
    prepared, rules = _check_agree(
        company, spark, {"orders": orders, **_write_others(company)},
        time_zone="Europe/Berlin", currency="EUR", exclusions=exclusions, first_possible_date=date(1980, 1, 1),
    )  # fmt: skip
    assert rules >= {
        "orders.repeated_row", "orders.duplicate_key", "orders.malformed_line", "order_id.missing", "currency.other",
        "ordered_at.impossible", "ordered_at.unreadable", "amount.unreadable", "customers.duplicate_key",
        "customers.repeated_row", "customer_id.missing", "acquired_on.impossible", "kind.not_allowed",
    }  # fmt: skip
    days, own_days = (suggest_activity_window_days(prepared, one) for one in (DUCKDB, spark))
    assert own_days == days and days > 0


LINES = """id,customer,when,n,price,kind
A,,03/04/2024,1,1,book
A,x,13/04/2024 10:00,2,2.5,book
A,y,13/04/2024 09:00,1,4,book
A,x,04/04/2024,1,8,POST
B,,31/12/2023,-1,0.1,a
B,,31/12/2023,-1,0.2,b
B,,31/12/2023,1,0.3,
C1,z,07/04/2024 01:45,-2,5,gift
C2,z,06/10/2024 02:15,3,5,gift
C2,z,06/10/2024 02:15,3,5,gift
D,z,5 Jan 69 3:04 pm,1,1,POST
E,q,5 feb 68 12:00 AM,1,1,gift
E,q,5 Feb 68 0:00 AM,1,1,gift
F,r,2024-060,1,1,gift
F,r,2024-366,1,-1,POST
F,r,2023-366,1,1,x
F,r,04/04/2024 10:00:00,1,1,x
G,r,04/04/2024,1.5,1e-3,POST
"""


@pytest.mark.parametrize("drop_repeated_rows", [False, True])
def test_lines_in_several_formats_and_zones(company, spark, drop_repeated_rows):
    company.write("lines.csv", LINES)
    company.write(
        "more.csv", "price,id,when,customer,extra,n,kind\n2,Z,05/05/2024,w,?,1,\n2,Z,05/05/2024,w,?,1,\n"
    )
    formats = ["%d/%m/%Y", "%m/%d/%Y", "%d/%m/%Y %H:%M", "%d %b %y %I:%M %p", "%Y-%j"]
    columns = {"order_id": "id", "customer_id": "customer", "quantity": "n", "unit_price": "price",
               "ordered_at": {"column": "when", "format": formats}, "category": "kind"}  # fmt: skip
    lines = {"file": ["lines.csv", "more.csv"], "given_as": "lines", "columns": columns,
             "cancelled_when": "order_id like 'C%'", "time_zone": "Australia/Lord_Howe",
             "drop_repeated_rows": drop_repeated_rows}  # fmt: skip
    exclusions = {"postage": {"where": "category = 'POST'"},
                  "gifts": {"where": "category = 'gift' and amount > 0", "out_of": "histories"}}  # fmt: skip
    _, rules = _check_agree(
        company, spark, {"orders": lines}, time_zone="America/New_York", exclusions=exclusions
    )
    assert rules >= {"ordered_at.ambiguous", "order_id.several_customers", "unit_price.too_small",
                     "ordered_at.impossible", "ordered_at.unreadable"}  # fmt: skip
    assert ("orders.repeated_row" in rules) == drop_repeated_rows


EVENTS = """no, step,changed,day,at,p
T1,9,01/02/2024 09:00,240201,7:02:47,low
T1,10,2/1/2024 10:00,240102,10:00:00,mid
T1,1,soon,240102,10:00:00,
T2,1,1/1/2024 00:00,240101,0:00:00, high
,1,1/1/2024 00:00,240101,10:00:00,low
?,2,1/1/2024 00:00,240101,10:00:00,low
T3,2,1/1/2024 00:00,-,10:00:00,low
T4,1,1/1/2024 00:00,240101,25:00:00,\u00a0phantom
T4,,1/1/2024 00:00,240101,24:00:00,phantom
"""


@pytest.mark.parametrize("order", ["step", {"column": "changed", "format": "%d/%m/%Y %H:%M"}])
def test_rows_left_out_and_instants_in_two_columns(company, spark, order):
    company.write("events.csv", EVENTS)
    columns = {"ticket_id": "no", "priority": {"column": "p", "missing": "low"},
               "opened_at": {"column": ["day", "at"], "format": "%y%m%d %H:%M:%S", "missing": "-"}}  # fmt: skip
    source = {"file": "events.csv", "columns": columns, "missing": "?",
              "ignore_when": "p like 'phan%' and step is null", "in_order_of": order,
              "keep_last_per": "no"}  # fmt: skip
    prepared, rules = _check_agree(company, spark, {"tickets": source}, time_zone="Asia/Jerusalem")
    assert rules == {"ticket_id.missing", "opened_at.unreadable", "opened_at.impossible"}
    found = {(row["stage"], row["rule"]): row["rows"] for row in prepared.quality}
    assert found["ignored", "tickets.ignored"] == 1 and found["ignored", "tickets.not_last"] == 2


def test_wide_tables_and_rows_in_the_settings(company, spark):
    company.write("wide.csv", "who;q1;q_2;q10;x\nann;5,5; ;4;a\nann;?;bad;0,1;b\nbob;-1;2;3\n;;;;\n", "utf-8")
    answers = {
        "file": "wide.csv", "decimal": ",", "missing": "?",
        "unpivot": {"columns": ["q*"], "name_to": "question", "value_to": "answer"},
        "columns": {"survey_id": {"row_number": True}, "question_id": "question", "comment": "who",
                    "score": {"column": "answer", "missing": "-1"}},
    }  # fmt: skip
    questions = {"rows": [
        {"question_id": "q1", "construct": "csat", "scale_min": 1, "scale_max": 5.5, "reversed": True},
        {"question_id": "q'2", "construct": "nps", "scale_min": 0, "scale_max": 10, "wording": 'say "客户"'},
        {"question_id": "q3", "construct": "np", "scale_min": 0, "scale_max": 10},
    ]}  # fmt: skip
    prepared, rules = _check_agree(company, spark, {"answers": answers, "questions": questions})
    assert rules == {"score.unreadable", "construct.not_allowed", "answers.malformed_line"}
    found = {
        (row["stage"], row["rule"]): row["rows"] for row in prepared.quality if row["table"] == "answers"
    }
    # nine cells of three whole rows, four of them with something in them, one of which is no number
    assert found["ignored", "answers.empty_cell"] == 5 and found["kept", None] == 3


def test_a_condition_that_makes_no_sense_is_an_error_on_either(company, spark):
    company.write("orders.csv", "id,customer,date,amount\n1,x,2024-01-01,5\n")
    columns = {"order_id": "id", "ordered_at": "date", "amount": "amount"}
    for condition in ("statis = 'x'", "amount", "true; drop table x", "status = 'x') or (1 = 1"):
        source = {"file": "orders.csv", "columns": columns, "cancelled_when": condition}
        with pytest.raises(TablesError, match="cancelled_when: .*is not a condition over the orders"):
            prepare(company.params({"orders": source}, engine=spark.model_dump()))


def test_an_empty_table_and_one_without_keys(company, spark):
    company.write("orders.csv", "id,customer,date,amount\n")
    company.write("costs.csv", "day,eur\n" + "2024-01-01,5\n" * 3 + "2024-01-02,bad\n")
    _, rules = _check_agree(company, spark, {
        "orders": {"file": "orders.csv", "columns": {"ordered_at": "date", "amount": "amount"}},
        "costs": {"file": "costs.csv", "columns": {
            "spent_on": "day", "amount": "eur", "kind": {"constant": "marketing"}}},
    })  # fmt: skip
    assert rules == {"amount.unreadable"}


# --- Single texts -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def engines(spark):
    opened = [open_engine(settings) for settings in (DUCKDB, spark)]
    yield opened
    for engine in opened:
        engine.close()


def _both(engines, texts: list[str], layers: list[dict[str, str]], shown: str) -> list[list[tuple]]:
    """What each engine makes of the texts, in their order."""
    found = []
    for engine in engines:
        frame = pd.DataFrame({"place": range(len(texts)), "ordered_at:text": texts})
        engine.view_frame("texts", frame)
        query = "texts"
        for layer in layers:
            columns = ", ".join(f'{code} as "{name}"' for name, code in layer.items())
            query = f"(select *, {columns} from {query}) as layer"
        found.append(engine.rows(f"select place, {shown} from {query} order by place"))
    return found


@pytest.mark.parametrize(
    ("decimal", "thousands", "currency"),
    [(",", ".", "EUR"), (".", ",", "USD"), (",", " ", None), (".", "'", "CHF"), (".", None, "CNY")],
)
def test_numbers(engines, decimal, thousands, currency):
    texts = [*AMOUNTS, "1 234,5", "1\u202f234,5", "1'234.5", "1’234.5", "$1,200.50", "US$ 5", "¥5", "5元", "$(5)",
             "($5)", "5.00 -", "1e-2-", "12.34.567", "5%", "1.5f", "1d", "0x10", "١٢", "5\n", "\n5",
             "Fr. 5"]  # fmt: skip
    shown = number_sql('"ordered_at:text"', decimal, thousands, currency)
    expected, found = _both(engines, texts, [], f"cast({shown} as double) as number")
    _check_equal(found, expected)
    assert sum(number is not None for _, number in expected) > 10


def test_truth_values(engines):
    texts = ["Yes", "是", "0", "FALSE", "2", "t", "N", "否", "", "yes "]
    expected, found = _both(engines, texts, [], truth_sql('"ordered_at:text"') + " as truth")
    assert found == expected


ZONES = ["Europe/Berlin", "Australia/Lord_Howe", "America/New_York", "Asia/Kathmandu", "America/St_Johns", "UTC",
         "Pacific/Apia", "America/Sao_Paulo"]  # fmt: skip


@pytest.mark.parametrize("zone", ZONES)
def test_local_times_around_every_change_of_the_clock(engines, zone):
    """Every quarter of an hour of the days on which some zone changes its clock."""
    days = ["2011-12-29", "2011-12-30", "2011-12-31", "2018-02-17", "2018-11-04", "2023-04-02", "2023-10-01",
            "2024-03-10", "2024-03-31", "2024-04-07", "2024-10-06", "2024-10-27", "2024-11-03"]  # fmt: skip
    texts = [
        f"{day} {hour:02d}:{minute:02d}:00"
        for day in days
        for hour in range(24)
        for minute in (0, 15, 30, 45)
    ]
    expected, found = _both(engines, texts, *_moment((), zone, None))
    assert found == expected
    assert all(at is not None for _, at, *_ in expected)


FORMATTED = [
    "29/02/2024", "5/3/2024", "30/02/2024", "03/04/2024", "5/3/24", "19970101", "1997011", "19971301",
    "5 Jan 2024 3:04 PM", "5 JAN 2024 12:04 am", "5 Jan 2024 13:04 PM", "5 Jan 2024 0:04 PM", "5 Foo 2024 3:04 PM",
    "05.01.24 10:00", "05.01.68 10:00", "05.01.69 23:59", "05.01.69 24:00",
    "2024-01-05 10:00 +0200", "2024-01-05 10:00 -05:30", "2024-01-05 10:00 Z",
    "2024-01-05 10:00 +02", "2024年1月5日", "2024 060", "2024 366", "2023 366", "2024 0",
    "September 9, 2024", "Sept 9, 2024",
    "Mon 05/02/2024", "Tue 05/02/2024", "Foo 05/02/2024", "01/02/2024 10:20:30.5", "01/02/2024 10:20:30.1234567",
    "01/02/2024 10:20:60", "1/2/2024  10:20:30.5", "", "(05|01|2024)", "0000-01-01", "Thursday 05/02/2024",
]  # fmt: skip


@pytest.mark.parametrize("formats", [
    ("%d/%m/%Y",), ("%d/%m/%Y", "%m/%d/%Y"), ("%Y%m%d",), ("%d %b %Y %I:%M %p",), ("%d.%m.%y %H:%M",),
    ("%Y-%m-%d %H:%M %z",), ("%Y年%m月%d日",), ("%Y %j",), ("%B %d, %Y",), ("%a %d/%m/%Y",), ("%A %d/%m/%Y",),
    ("%d/%m/%Y %H:%M:%S.%f",), ("(%d|%m|%Y)",), ("%-d/%-m/%Y",),
], ids=" or ".join)  # fmt: skip
def test_texts_read_by_formats(engines, formats):
    expected, found = _both(engines, FORMATTED, *_moment(formats, "Europe/Berlin", "Asia/Shanghai"))
    assert found == expected
    assert any(at is not None for _, at, *_ in expected)


def _moment(
    formats: tuple[str, ...], company_zone: str, own_zone: str | None
) -> tuple[list[dict[str, str]], str]:
    settings = load_params(CDNOW).settings.model_copy(update={"time_zone": company_zone})
    source = TableSource(file=("f",), columns={}, time_zone=own_zone)
    column = Column(type="instant", meaning=Text(en="x", zh="x"))
    given = ColumnSource(column="x", format=formats)
    moment = read_moment("ordered_at", column, given, source, settings, is_typed=False)
    is_clash = f"coalesce({moment.is_ambiguous}, false)"
    shown = f"ordered_at, {moment.day} as day, {is_clash} as clash, {moment.has_shape} as shape"
    return list(moment.layers.values()), shown


def test_iso_texts(engines):
    in_python = [text for text in MOMENTS if not text.startswith("0000")]  # which knows no year 0
    texts = [*in_python, "2024-02-29T20:00:00+15:59", "2024-02-29T20:00:00-12:00", "2024-02-29T20:00:00.999999999Z",
             "2024-02-29T20:60:00Z", "2024-02-30T20:00:00Z", "2024-02-29T24:00:00Z", "9999-12-30", "1582-10-10",
             "1800-06-01 12:00:00", "2024-02-29 10:30:00.", "2024-02-29 10:30Z"]  # fmt: skip
    expected, found = _both(engines, texts, *_moment((), "America/New_York", "Europe/Berlin"))
    assert found == expected
