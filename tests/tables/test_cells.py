"""How the cells of somebody else's column are written."""

from __future__ import annotations

import pytest

from analysis.catalogue import load_catalogue
from analysis.tables.cells import can_be, currencies_of, date_formats, is_number, number_marks, unit_of

TICKETS = load_catalogue().tables["tickets"].columns


@pytest.mark.parametrize(
    ("cells", "formats"),
    [
        (["2026-04-03"], ["%Y-%m-%d"]),
        (["2026/4/3", "2026/12/31"], ["%Y/%m/%d"]),
        (["20260403"], ["%Y%m%d"]),
        (["2026年4月3日"], ["%Y年%m月%d日"]),
        (["17/04/2026"], ["%d/%m/%Y"]),
        (["04/17/2026"], ["%m/%d/%Y"]),
        (["03/04/2026"], ["%d/%m/%Y", "%m/%d/%Y"]),  # no day beyond 12: either
        (["03.04.2026 09:30"], ["%d.%m.%Y %H:%M"]),
        (["04/17/2026 04:05 PM"], ["%m/%d/%Y %I:%M %p"]),
        (["1720923402036", "1787023260194"], ["epoch_ms"]),
        (["1720923402"], ["epoch_s"]),
        (["in April"], []),
        ([], []),
    ],
)
def test_the_format_of_days_is_read_off_the_cells(cells, formats):
    assert date_formats(cells) == formats


@pytest.mark.parametrize(
    ("cells", "marks"),
    [
        (["1250.00", "75.5"], (".", None)),
        (["1,250.00"], (".", ",")),
        (["1.250,00", "75,50"], (",", ".")),
        (["75,50"], (",", None)),
        (["1 250,00"], (",", " ")),
        (["1\u00a0250,00 €"], (",", " ")),  # French spreadsheets put a space there that does not break
        (["1'250.00"], (".", "'")),
        (["1250"], (".", None)),
        (
            ["1.250", "980", "12.400"],
            (",", "."),
        ),  # three digits behind every point: thousands, not thousandths
        (["1.250.000"], (",", ".")),
        (["0.125", "1.250"], (".", None)),  # behind a zero they are thousandths
        (["1.250", "75.5"], (".", None)),
        ([], (".", None)),
    ],
)
def test_the_marks_of_numbers_are_read_off_the_cells(cells, marks):
    assert number_marks(cells) == marks


@pytest.mark.parametrize(
    ("name", "cells", "fits"),
    [
        ("first_replied_at", ["2h 5m", "1d 3h"], False),  # how long it took is no instant
        ("first_replied_at", ["2026-03-05T09:30:00.000-0500"], True),
        ("first_replied_at", ["05/03/2026 09:30"], True),
        ("due_at", ["2026-03-05"], False),  # a deadline is not the midnight its day begins with
        ("due_at", ["2026-03-05 17:00"], True),
        ("is_within_sla", ["true", "false"], True),
        ("is_within_sla", ["Met", "Breached"], False),
        ("severity", ["High"], False),
        ("severity", ["3"], True),
        ("handled_by", ["agent", "bot"], True),
        ("handled_by", ["Ann"], False),  # not one of the allowed words
        ("topic", ["anything"], True),
        ("resolved_at", [], True),  # nothing speaks against it
    ],
)
def test_cells_say_whether_a_column_can_be_ours(name, cells, fits):
    assert can_be(cells, TICKETS[name]) == fits


@pytest.mark.parametrize(
    ("cell", "is_one"),
    [("$1,250.00", True), ("1.250,00 €", True), ("1,234.50元", True), ("(75.50)", True), ("-3", True), ("1e3", True),
     ("2h 5m", False), ("", False), ("12 boxes", False), ("2026-01-02", False)],
)  # fmt: skip
def test_a_number_has_nothing_but_signs_beside_it(cell, is_one):
    assert is_number(cell) == is_one


@pytest.mark.parametrize(
    ("heading", "unit"),
    [("amount_cents", 0.01), ("金额（分）", 0.01), ("订单金额（万元）", 10_000), ("Revenue (thousands)", 1_000),
     ("Umsatz (TEUR)", 1_000), ("Amount", None), ("percentage", None), ("金额（元）", None), ("Scent", None)],
)  # fmt: skip
def test_a_heading_may_say_its_unit(heading, unit):
    assert unit_of(heading) == unit


def test_a_sign_means_all_the_currencies_that_have_it():
    assert currencies_of("9 €") == ("EUR",)
    assert currencies_of("￥9") == ("CNY", "JPY")
    assert currencies_of("$9")[0] == "USD" and "CAD" in currencies_of("$9")
    assert currencies_of("HK$9") == ("HKD",)  # the longer sign says more
    assert currencies_of("9") == ()
