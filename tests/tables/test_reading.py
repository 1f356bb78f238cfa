"""Texts read as numbers, days and instants, or not at all."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from analysis.catalogue.records import Column, Text
from analysis.engine.duckdb import DuckDBEngine
from analysis.params import ColumnSource, TableSource, load_params
from analysis.periods import instant
from analysis.tables import TablesError
from analysis.tables.quoting import quoted
from analysis.tables.reading import format_shape, number_sql, read_moment, truth_sql

CDNOW = Path(__file__).parents[2] / "params" / "cdnow.yml"


@pytest.fixture(scope="module")
def sql():
    engine = DuckDBEngine()
    yield lambda text: engine.rows(f"select {text}")[0][0]
    engine.close()


NUMBERS = [
    # text, decimal, thousands, currency, expected
    ("12", ".", None, None, 12.0),
    ("-12.50", ".", None, None, -12.5),
    ("+3", ".", None, None, 3.0),
    (".5", ".", None, None, 0.5),
    ("1e3", ".", None, None, 1000.0),
    ("1E-2", ".", None, None, 0.01),
    ("1.234,50", ",", ".", "EUR", 1234.5),
    ("1.234.567,8", ",", ".", None, 1234567.8),
    ("1,5", ",", None, None, 1.5),
    ("1,234.5", ".", ",", None, 1234.5),
    ("1 234,5", ",", " ", None, 1234.5),
    ("1\u202f234,5", ",", " ", None, 1234.5),
    ("1'234.5", ".", "'", "CHF", 1234.5),
    ("1’234.5", ".", "'", "CHF", 1234.5),
    ("€ 12,30", ",", None, "EUR", 12.3),
    ("12,30 €", ",", None, "EUR", 12.3),
    ("EUR 12", ".", None, "EUR", 12.0),
    ("¥1,200", ".", ",", "CNY", 1200.0),
    ("1200元", ".", None, "CNY", 1200.0),
    ("-$5", ".", None, "USD", -5.0),
    ("$-5", ".", None, "USD", -5.0),
    ("(1,234.50)", ".", ",", "USD", -1234.5),
    ("($5)", ".", None, "USD", -5.0),
    ("$(5)", ".", None, "USD", -5.0),
    ("5-", ".", None, None, -5.0),
    ("5.00 -", ".", None, None, -5.0),
    ("\u22125", ".", None, None, -5.0),  # the typographic minus
    ("1e-2-", ".", None, None, -0.01),  # the exponent's sign is not the number's
    ("0", ".", None, None, 0.0),
    ("-0.00", ".", None, None, 0.0),
]


@pytest.mark.parametrize(("text", "decimal", "thousands", "currency", "expected"), NUMBERS)
def test_a_number_is_read_in_its_sources_notation(sql, text, decimal, thousands, currency, expected):
    assert sql(number_sql(quoted(text), decimal, thousands, currency)) == expected


NO_NUMBERS = [
    # text, decimal, thousands, currency
    ("abc", ".", None, "USD"),
    ("nan", ".", None, None),
    ("inf", ".", None, None),
    ("-Infinity", ".", None, None),
    ("1_000", ".", None, None),
    ("0x10", ".", None, None),
    ("1,5", ".", None, None),
    ("1.5", ",", None, None),
    ("1.5", ",", ".", None),
    ("12.34.567", ",", ".", None),
    ("1,2,3", ".", ",", None),
    ("1 234", ".", None, None),
    ("1.234,50", ".", ",", None),
    ("--5", ".", None, None),
    ("(-5)", ".", None, None),
    ("(5", ".", None, None),
    ("5)", ".", None, None),
    ("-5-", ".", None, None),
    ("$", ".", None, "USD"),
    (".", ".", None, None),
    ("£5", ".", None, "USD"),  # another currency's sign: no number of ours
    ("5 EUR", ".", None, "USD"),
    ("$5", ".", None, None),
    ("5%", ".", None, None),
    ("12abc", ".", None, "USD"),
]


@pytest.mark.parametrize(("text", "decimal", "thousands", "currency"), NO_NUMBERS)
def test_what_is_not_surely_a_number_is_none(sql, text, decimal, thousands, currency):
    assert sql(number_sql(quoted(text), decimal, thousands, currency)) is None


def test_a_number_too_large_for_a_float_is_not_finite_and_so_rejected_later(sql):
    assert sql(f"coalesce(not isfinite({number_sql(quoted('1e999'))}), true)")


@pytest.mark.parametrize(
    ("text", "expected"), [("Yes", True), ("是", True), ("0", False), ("FALSE", False), ("2", None)]
)
def test_truth_values_are_read_in_both_languages(sql, text, expected):
    assert sql(truth_sql(quoted(text))) is expected


def read(sql, text, company_zone="UTC", own_zone=None, formats=(), is_typed=False, kind="instant"):
    """(instant, local day, is ambiguous) of a text."""
    settings = load_params(CDNOW).settings.model_copy(update={"time_zone": company_zone})
    source = TableSource(file=("f",), columns={}, time_zone=own_zone)
    column = Column(type=kind, meaning=Text(en="x", zh="x"))
    moment = read_moment(
        "ordered_at", column, ColumnSource(column="x", format=tuple(formats)), source, settings, is_typed
    )
    query = f'(select {quoted(text)} as "ordered_at:text")'
    for layer in moment.layers.values():
        columns = ", ".join(f'{code} as "{name}"' for name, code in layer.items())
        query = f"(select *, {columns} from {query})"
    clash = f"coalesce({moment.is_ambiguous}, false)"
    shown = f"{{'at': ordered_at, 'on': {moment.day}, 'ambiguous': {clash}, 'shape': {moment.has_shape}}}"
    return sql(f"(select {shown} from {query})")


@pytest.mark.parametrize(
    ("text", "at", "on"),
    [
        (
            "2024-02-29",
            datetime(2024, 2, 28, 16),
            date(2024, 2, 29),
        ),  # Shanghai's midnight is 16:00 UTC before
        ("2024-02-29T10:30:00", datetime(2024, 2, 29, 2, 30), date(2024, 2, 29)),
        ("2024-02-29 10:30", datetime(2024, 2, 29, 2, 30), date(2024, 2, 29)),
        ("2024-02-29 10:30:00.25", datetime(2024, 2, 29, 2, 30, 0, 250_000), date(2024, 2, 29)),
        (
            "2024-02-29T20:00:00Z",
            datetime(2024, 2, 29, 20),
            date(2024, 3, 1),
        ),  # 04:00 the next day in Shanghai
        ("2024-02-29T20:00:00+02:00", datetime(2024, 2, 29, 18), date(2024, 3, 1)),
        ("2024-02-29 01:00:00-0530", datetime(2024, 2, 29, 6, 30), date(2024, 2, 29)),
        ("2024-02-29T20:00:00+02", datetime(2024, 2, 29, 18), date(2024, 3, 1)),
    ],
)
def test_iso_texts_become_utc_instants_and_local_days(sql, text, at, on):
    found = read(sql, text, "Asia/Shanghai")
    assert (found["at"], found["on"]) == (at, on)


@pytest.mark.parametrize(
    "text",
    ["2024/02/29", "29.02.2024", "20240229", "2024-2-9", "2024-02-29T", "2024-02-29 10", "infinity", "now"],
)
def test_other_notations_are_not_guessed(sql, text):
    found = read(sql, text)
    assert found["at"] is None and found["on"] is None and not found["shape"]


@pytest.mark.parametrize("text", ["2023-02-29", "2024-02-30", "2024-13-01", "2024-01-01 25:00:00"])
def test_days_and_times_that_do_not_exist_have_the_shape_and_no_value(sql, text):
    found = read(sql, text)
    assert found["at"] is None and found["shape"]


def test_a_text_in_another_zone_than_the_companys(sql):
    # 01:00 in New York (summer, UTC-4) is 05:00 UTC and 07:00 in Berlin; 23:00 is already the next day there
    found = read(sql, "2024-07-01 23:00:00", "Europe/Berlin", "America/New_York")
    assert (found["at"], found["on"]) == (datetime(2024, 7, 2, 3), date(2024, 7, 2))
    day = read(sql, "2024-07-01", "Europe/Berlin", "America/New_York")  # a day is the company's day
    assert (day["at"], day["on"]) == (datetime(2024, 6, 30, 22), date(2024, 7, 1))


def test_a_time_skipped_in_spring_moves_ahead_and_a_repeated_one_is_the_later(sql):
    skipped = read(
        sql, "2024-03-31 02:30:00", "Europe/Berlin"
    )  # 02:00 CET → 03:00 CEST; 03:30 CEST = 01:30 UTC
    assert (skipped["at"], skipped["on"]) == (datetime(2024, 3, 31, 1, 30), date(2024, 3, 31))
    repeated = read(sql, "2024-10-27 02:30:00", "Europe/Berlin")  # CEST would be 00:30 UTC, CET is 01:30 UTC
    assert repeated["at"] == datetime(2024, 10, 27, 1, 30)


@pytest.mark.parametrize(
    "zone", ["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Sydney", "Asia/Kolkata"]
)
def test_local_midnights_are_those_of_the_periods(sql, zone):
    for day in (date(1997, 1, 1), date(2012, 7, 1), date(2024, 3, 31), date(2024, 10, 27), date(2026, 1, 1)):
        found = read(sql, day.isoformat(), zone)
        assert found["at"] == instant(day, zone)
        late = read(sql, f"{day.isoformat()}T23:59:59", zone)["at"]
        assert late == datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=ZoneInfo(zone)).astimezone(
            ZoneInfo("UTC")
        ).replace(tzinfo=None)


@pytest.mark.parametrize(
    ("text", "formats", "at"),
    [
        ("29/02/2024", ["%d/%m/%Y"], datetime(2024, 2, 29)),
        ("5/3/2024", ["%d/%m/%Y"], datetime(2024, 3, 5)),
        ("19970101", ["%Y%m%d"], datetime(1997, 1, 1)),
        ("5 Jan 2024 3:04 PM", ["%d %b %Y %I:%M %p"], datetime(2024, 1, 5, 15, 4)),
        ("2024年1月5日", ["%Y年%m月%d日"], datetime(2024, 1, 5)),
        ("05.01.24 10:00", ["%d.%m.%Y", "%d.%m.%y %H:%M"], datetime(2024, 1, 5, 10)),
        ("2024-01-05 10:00 +0200", ["%Y-%m-%d %H:%M %z"], datetime(2024, 1, 5, 8)),
    ],
)
def test_formats_are_tried_in_turn(sql, text, formats, at):
    found = read(sql, text, formats=formats)
    assert found["at"] == at and not found["ambiguous"]


@pytest.mark.parametrize(
    ("text", "formats"),
    [
        ("1997011", ["%Y%m%d"]),
        ("5/3/24", ["%d/%m/%Y"]),
        ("2024-02-29", ["%d/%m/%Y"]),
        ("29/02/2024 10:00", ["%d/%m/%Y"]),
    ],
)
def test_a_text_that_does_not_have_a_formats_shape_is_not_bent_to_it(sql, text, formats):
    found = read(sql, text, formats=formats)
    assert found["at"] is None and not found["shape"]


def test_two_formats_that_read_a_text_differently_are_ambiguous_and_if_they_agree_not(sql):
    formats = ["%d/%m/%Y", "%m/%d/%Y"]
    assert read(sql, "03/04/2024", formats=formats)["ambiguous"]
    assert not read(sql, "04/04/2024", formats=formats)["ambiguous"]
    only_one = read(sql, "13/04/2024", formats=formats)  # there is no month 13
    assert only_one["at"] == datetime(2024, 4, 13) and not only_one["ambiguous"]


def test_typed_files_read_iso_beside_their_formats(sql):
    assert read(sql, "2024-02-29", formats=["%d/%m/%Y"], is_typed=True)["at"] == datetime(2024, 2, 29)


def test_a_date_column_takes_the_local_day_of_a_time(sql):
    found = read(sql, "2024-02-29T20:00:00Z", "Asia/Shanghai", kind="date")
    assert found["on"] == date(2024, 3, 1)


@pytest.mark.parametrize("fmt", ["%Q", "%d/%m", "%H:%M", "%Y-%m"])
def test_a_format_that_names_no_day_or_is_unknown_is_an_error(fmt):
    with pytest.raises(TablesError, match="column ordered_at: the format"):
        format_shape(fmt, "ordered_at")
