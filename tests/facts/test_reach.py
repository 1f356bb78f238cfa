"""A period of which the data say nothing is refused, with where they begin or end."""

from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace

import pytest

from analysis.facts.book import Coverage
from analysis.facts.reach import NoData, check_reach
from analysis.periods import measured_window, parse_period, quarter_of

FROM, UNTIL = date(2024, 1, 5), date(2024, 7, 1)
KNOWN, OPEN, NONE = Coverage(FROM, UNTIL, 9), Coverage(FROM, None, 9), Coverage(None, None, 0)
TO_COME = quarter_of(date.today() + timedelta(days=100)).label


def book(period, coverage):
    """What is asked of a Book: the window as far as the data fill it, and what they cover."""
    asked = parse_period(period)
    return SimpleNamespace(window=measured_window(asked, coverage.end or asked.end), coverage=coverage)


@pytest.mark.parametrize(
    ("period", "coverage", "said"),
    [
        ("2023Q4", KNOWN, "2023Q4 has no data: they begin on 2024-01-05"),
        ("2025Q1", KNOWN, "2025Q1 has no data: they end on 2024-06-30"),
        (
            "2024Q3",
            KNOWN,
            "2024Q3 has no data: they end on 2024-06-30",
        ),  # silence is usual, but no day is there
        ("2024Q2", NONE, "2024Q2 has no data: no table has a row"),
        (TO_COME, OPEN, f"{TO_COME} begins only on"),
    ],
)
def test_a_period_without_data_is_refused(period, coverage, said):
    with pytest.raises(NoData, match=said):
        check_reach(book(period, coverage))


@pytest.mark.parametrize(("period", "coverage"), [("2024Q1", KNOWN), ("2024H2", Coverage(FROM, date(2024, 7, 2), 9)),
                                                  ("2024Q2", OPEN)])  # fmt: skip
def test_one_of_which_they_say_something_is_not(period, coverage):
    assert check_reach(book(period, coverage)) is None
