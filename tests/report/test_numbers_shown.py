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
from analysis.report.tables_shown import Column, table_html
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


@pytest.mark.parametrize(
    ("share", "shown", "without_decimals"),
    [
        (0, "0.0%", "0%"),
        (0.0002, "<0.1%", "<1%"),
        (0.00051, "0.1%", "<1%"),
        (0.4, "40.0%", "40%"),
        (0.99949, "99.9%", ">99%"),
        (0.9997, ">99.9%", ">99%"),
        (1, "100.0%", "100%"),
        (0.1 * 3 + 0.7 - 1e-16, "100.0%", "100%"),  # what sums miss in their last digits is no customer
        (1.0004, "100.0%", "100%"),  # can exceed 1: there 100% is no end
        (-0.9997, "<−99.9%", "<−99%"),  # −99.97 is less than −99.9: not all was lost
        (-1, "−100.0%", "−100%"),
        (Decimal("0.9997"), ">99.9%", ">99%"),
    ],
)
def test_all_and_nothing_are_written_only_where_it_is_all_or_nothing(share, shown, without_decimals):
    for language in LANGUAGES:
        assert format_percent(share, language) == shown
        assert format_percent(share, language, decimals=0) == without_decimals


def test_a_change_may_round_to_none_and_to_a_doubling_but_not_to_a_loss_of_all():
    assert format_percent(0.0002, "en", signed=True) == format_percent(-0.0002, "en", signed=True) == "0.0%"
    assert format_percent(0.9997, "en", signed=True) == "+100.0%"
    assert format_percent(-0.9997, "en", signed=True) == "<−99.9%"


@pytest.mark.parametrize(
    ("value", "options", "shown"),
    [
        (99.97, {"bounds": (-100, 100)}, ">99.9"),
        (100.0, {"bounds": (-100, 100)}, "100"),
        (-99.6, {"bounds": (-100, 100), "decimals": 0}, "<−99"),
        (0.3, {"bounds": (-100, 100), "decimals": 0}, "0"),  # nought is no end of −100 to 100
        (4.998, {"bounds": (1, 5)}, ">4.99"),
        (1.004, {"bounds": (1, 5)}, "<1.01"),
        (0.04, {"decimals": 1}, "<0.1"),
        (0.04, {"decimals": 1, "signed": True}, "0.0"),
    ],
)
def test_no_other_number_is_written_as_an_end_it_did_not_reach(value, options, shown):
    assert format_number(value, "en", **options) == shown


def test_what_costs_or_takes_a_little_does_not_cost_or_take_nothing():
    assert format_money(0.003, "zh", currency="CNY") == "<¥0.01"
    assert format_money(0, "zh", currency="CNY") == "¥0.00"
    assert format_duration(0.02, "en") == "<0.1 s"
    assert format_duration(0, "en") == "0 s"
    assert format_duration(1000, "zh", unit="days") == "<0.1天"  # 0.0116 days


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
        (0.992, 0.9999, "percent", "99.2% to >99.9%"),
        (0.0001, 0.004, "percent", "<0.1% to 0.4%"),
        (0.0001, 0.0004, "percent", "<0.1%"),
        (0, 432_000, "working_time", "0 s – 120.0 h"),
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


# --- What the pages would print --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["shop", "desk", "asked", "leaving", "seller"])
def test_no_interval_of_any_company_reaches_beyond_what_its_metric_can_be(name, request):
    results = request.getfixturevalue(name)
    metrics = {
        (m.id, m.variant): m for one in results.book.catalogue.metrics.values() for m in one.all_variants()
    }
    kpis = results.kpis[results.kpis["low"].notna() & results.kpis["high"].notna()]
    assert len(kpis) > 20
    for row in kpis.itertuples():
        metric = metrics[row.metric, row.variant]
        least, most = metric.numeric_bounds
        where = (row.metric, row.variant, row.by, row.group)
        assert least <= row.low <= row.value <= row.high <= most, where
        if metric.unit in ("days", "seconds", "count", "number"):
            assert row.low >= 0, where


def test_the_signs_of_less_and_more_are_text_on_a_page():
    rows = pd.DataFrame({"share": [0.0002, 0.9997], "low": [0.0001, 0.99], "high": [0.004, 0.9999]})
    columns = [
        Column("share", "Share", unit="percent"),
        Column("low", "Interval", unit="percent", high="high"),
    ]
    html = table_html(rows, columns, caption="Shares", language="en")
    assert "&lt;0.1%" in html and "&gt;99.9%" in html
    assert "&lt;0.1% to 0.4%" in html and "<0.1" not in html


@pytest.mark.parametrize("sum_of_rows", [7_804_827.64999998, 7_804_827.65, 7_804_827.65000001])
def test_a_sum_is_written_alike_in_whatever_order_its_rows_were_added(sum_of_rows):
    assert format_number(sum_of_rows, "en") == "7,804,827.7"
    assert format_number(sum_of_rows / 7_804_827.65 * 100, "en") == "100"
