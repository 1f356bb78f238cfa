"""Numbers in the language's form."""

from __future__ import annotations

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from analysis.report.numbers_shown import (
    UNITS,
    format_date,
    format_date_range,
    format_duration,
    format_interval,
    format_money,
    format_number,
    format_percent,
    format_points,
    format_value,
)
from analysis.report.words import LANGUAGES


@pytest.mark.parametrize(
    ("value", "options", "expected"),
    [
        (1234.5, {}, "1,234.5"),
        (1234567, {}, "1,234,567"),
        (3.14159, {}, "3.14"),
        (0.034512, {}, "0.035"),
        (-2.25, {"decimals": 1}, "−2.2"),  # halves go to the even digit: 2.25 is exact in binary
        (2, {"signed": True}, "+2"),
        (-0.04, {"decimals": 1, "signed": True}, "0.0"),
        (0, {"signed": True}, "0"),
        (Decimal("10.5"), {}, "10.5"),
        (np.int64(5214), {}, "5,214"),
    ],
)
def test_numbers_have_separators_and_the_decimals_their_size_calls_for(value, options, expected):
    assert format_number(value, "en", **options) == expected


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA, pd.NaT, float("inf"), np.float64("-inf")])
@pytest.mark.parametrize("unit", list(UNITS))
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_missing_value_of_any_unit_is_a_dash(missing, unit, language):
    assert format_value(missing, unit, language, currency="CNY") == "–"


def test_shares_and_their_differences():
    assert format_percent(0.631, "en") == format_percent(0.631, "zh") == "63.1%"
    assert format_percent(1.0475, "en", decimals=0) == "105%"
    assert format_points(0.012, "en") == "+1.2 pp"
    assert format_points(-0.041, "zh") == "−4.1个百分点"


@pytest.mark.parametrize(
    ("value", "currency", "language", "expected"),
    [
        (1234567.8, "CNY", "zh", "¥1,234,568"),
        (1234567.8, "CNY", "en", "CN¥1,234,568"),
        (412.5, "USD", "en", "$412.50"),
        (412.5, "USD", "zh", "US$412.50"),
        (-12.5, "CHF", "en", "−CHF 12.50"),
        (999.996, "EUR", "en", "€1,000"),  # two decimals would round it to 1,000.00
    ],
)
def test_money_shows_its_currency(value, currency, language, expected):
    assert format_money(value, language, currency=currency) == expected


def test_days_in_both_languages():
    assert format_date(datetime.date(1997, 12, 31), "en") == "31 Dec 1997"
    assert format_date(pd.Timestamp("1997-12-31 15:00"), "zh") == "1997年12月31日"
    assert format_date("2026-07-01", "en") == "1 Jul 2026"
    assert format_date_range("2026-07-01", "2026-09-30", "zh") == "2026年7月1日至2026年9月30日"
    assert format_date_range("2026-07-01", "2026-09-30", "en") == "1 Jul 2026 – 30 Sep 2026"


@pytest.mark.parametrize(
    ("seconds", "en", "zh"),
    [
        (0.42, "0.4 s", "0.4秒"),
        (45, "45 s", "45秒"),
        (59.7, "1 min", "1分钟"),  # rounds to 60 s, which nobody writes
        (270, "4 min 30 s", "4分30秒"),
        (3599.6, "1 h", "1小时"),
        (7500, "2 h 05 min", "2小时05分"),
        (172_799, "48 h", "48小时"),
        (276_480, "3.2 days", "3.2天"),  # 276480 / 86400 = 3.2
        (-480, "−8 min", "−8分钟"),
    ],
)
def test_durations_take_the_unit_that_reads_best(seconds, en, zh):
    assert format_duration(seconds, "en") == en
    assert format_duration(seconds, "zh") == zh


def test_business_hours_stay_hours():
    assert format_duration(276_480, "en", unit="hours") == "76.8 h"
    assert format_value(276_480, "hours", "zh") == "76.8小时"
    assert format_value(276_480, "working_time", "en") == "76.8 h"  # not 3.2 days of 24 hours
    assert format_value(11_520, "working_time", "en") == "3 h 12 min"
    assert format_value(11_520, "working_time", "zh") == "3小时12分"
    assert format_value(42, "working_time", "zh") == "42秒"


@pytest.mark.parametrize(
    ("low", "high", "unit", "expected"),
    [
        (0.618, 0.644, "percent", "61.8–64.4%"),
        (-3.1, 2.04, "number", "−3.10 to 2.04"),
        (9.87, 10.2, "number", "9.87–10.20"),
        (995.5, 1002.2, "money", "€996–€1,002"),
        (5820, 6420, "duration", "1 h 37 min – 1 h 47 min"),
        (0.1, None, "percent", "–"),
    ],
)
def test_intervals_read_without_doubt(low, high, unit, expected):
    options = {"currency": "EUR"} if unit == "money" else {}
    assert format_interval(low, high, unit, "en", **options) == expected


def test_unknown_units_and_money_without_currency_are_refused():
    with pytest.raises(ValueError, match="furlong.*percent"):
        format_value(1, "furlong", "en")
    with pytest.raises(ValueError, match="currency"):
        format_value(1, "money", "en")
