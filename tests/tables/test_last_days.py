"""Whether a column of days names the last day of something or the first after it."""

from __future__ import annotations

import pytest

from analysis.tables.last_days import name_last_days


@pytest.mark.parametrize(
    ("begins", "ends", "expected"),
    [
        (["2025-04-01"], ["2026-03-31"], True),  # a fiscal year to its last day
        (["2025-04-01"], ["2026-04-01"], False),
        (["2025-01-01 00:00:00"], ["2025-12-31 00:00:00"], True),  # as spreadsheets write days
        (["04/17/2025", "05/20/2025"], ["04/16/2026", "05/19/2026"], True),
        (["2025-04-01", "2025-04-01"], ["2026-03-31", "2026-04-01"], None),  # one of each
        (["2025-04-01", "2025-04-02"], ["2026-03-20", "2026-03-31"], None),
        (
            ["2025-04-01", "2025-04-01", ""],
            ["2026-03-31", "", "2026-04-01"],
            True,
        ),  # open-ended ones show nothing
        (["2025-04-01"], ["2025-04-01"], None),  # never ran
        ([], [], None),
    ],
)
def test_whole_months_show_which_day_is_named(begins, ends, expected):
    assert name_last_days(begins, ends) is expected
