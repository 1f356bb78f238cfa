"""Periods name the days they say, in calendar and fiscal years."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from analysis.periods import (
    PeriodError,
    comparison_windows,
    instant,
    measured_window,
    parse_period,
    parse_periods,
    quarter_of,
)


@pytest.mark.parametrize(
    ("label", "start", "end"),
    [
        ("1997Q4", date(1997, 10, 1), date(1998, 1, 1)),
        ("1997-10", date(1997, 10, 1), date(1997, 11, 1)),
        ("1997M02", date(1997, 2, 1), date(1997, 3, 1)),
        ("1997H2", date(1997, 7, 1), date(1998, 1, 1)),
        ("1997", date(1997, 1, 1), date(1998, 1, 1)),
        ("1997q1", date(1997, 1, 1), date(1997, 4, 1)),
        ("2024-02", date(2024, 2, 1), date(2024, 3, 1)),  # 29 days
    ],
)
def test_a_label_names_its_days(label, start, end):
    period = parse_period(label)
    assert (period.start, period.end) == (start, end)


@pytest.mark.parametrize("label", ["1997Q4", "1997-10", "1997H2", "1997"])
@pytest.mark.parametrize("start_month", [1, 4, 10])
def test_a_period_and_its_label_are_the_same_thing(label, start_month):
    assert parse_period(label, start_month).label == label


def test_a_fiscal_year_is_named_after_the_year_in_which_it_ends():
    # the year that begins in April 2025 is fiscal 2026; its last quarter is January to March 2026
    assert parse_period("2026Q1", 4).start == date(2025, 4, 1)
    assert parse_period("2026Q4", 4).end == date(2026, 4, 1)
    assert parse_period("FY2026", 4).start == date(2025, 4, 1)


@pytest.mark.parametrize(
    ("label", "previous", "year_ago"),
    [
        ("1998Q1", "1997Q4", "1997Q1"),
        ("1998-01", "1997-12", "1997-01"),
        ("1998H1", "1997H2", "1997H1"),
        ("1998", "1997", "1997"),
    ],
)
def test_previous_and_year_ago(label, previous, year_ago):
    period = parse_period(label)
    assert (period.previous.label, period.year_ago.label) == (previous, year_ago)


def test_a_range_lists_every_period_once():
    labels = [period.label for period in parse_periods("1997Q3..1998Q2")]
    assert labels == ["1997Q3", "1997Q4", "1998Q1", "1998Q2"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("9999Q4", "its year should be 1800 to 2200"),
        ("0026Q3", "its year should be 1800 to 2200"),
        ("2026Q1..9999Q4", "its year should be 1800 to 2200"),
        ("2026Q1..", "lacks an end"),
        ("..2026Q1", "lacks an end"),
        (" , ", "no period is given"),
    ],
)
def test_a_slip_of_the_hand_is_said(text, said):
    with pytest.raises(PeriodError, match=said):
        parse_periods(text)


def test_a_comma_too_many_does_no_harm():
    assert parse_periods("2026Q3,") == parse_periods("2026Q3")


@pytest.mark.parametrize("label", ["1997Q5", "1997Q0", "1997-13", "97Q1", "next", "", "1997H3", "0000Q1"])
def test_a_label_that_names_nothing_is_refused(label):
    with pytest.raises(PeriodError):
        parse_period(label)


@pytest.mark.parametrize("text", ["1997Q4..1997Q1", "1997Q1..1997-12", "1997Q1.."])
def test_a_range_that_makes_no_sense_is_refused(text):
    with pytest.raises(PeriodError):
        parse_periods(text)


def test_a_running_period_is_compared_with_as_many_days_of_the_earlier_ones():
    window = measured_window(parse_period("2011Q4"), date(2011, 12, 10))  # 31 + 30 + 9 days
    assert window.is_partial
    assert window.days == 70
    previous = comparison_windows(window)["previous"]
    assert (previous.start, previous.end) == (date(2011, 7, 1), date(2011, 9, 9))
    assert previous.days == 70


def test_a_closed_period_is_compared_with_whole_periods():
    window = measured_window(parse_period("1997Q4"), date(1998, 7, 1))
    assert not window.is_partial
    assert [w.label for w in comparison_windows(window).values()] == ["1997Q3", "1996Q4"]


def test_instants_are_utc_and_know_summer_time():
    assert instant(date(2026, 1, 1), "Asia/Shanghai") == datetime(2025, 12, 31, 16)
    assert instant(date(2026, 7, 1), "Europe/Berlin") == datetime(2026, 6, 30, 22)
    assert instant(date(2026, 1, 1), "Europe/Berlin") == datetime(2025, 12, 31, 23)


@pytest.mark.parametrize(
    ("day", "start_month", "label"),
    [
        (date(2026, 9, 30), 1, "2026Q3"),
        (date(2026, 10, 1), 1, "2026Q4"),
        (date(2026, 3, 31), 4, "2026Q4"),  # the year begins in April 2025 and is named after 2026
        (date(2026, 2, 28), 2, "2027Q1"),
        (date(2026, 1, 31), 2, "2026Q4"),  # November to January
    ],
)
def test_a_day_lies_in_one_quarter_of_the_fiscal_year(day, start_month, label):
    found = quarter_of(day, start_month)
    assert found == parse_period(label, start_month)
    assert found.start <= day < found.end
