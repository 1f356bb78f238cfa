"""The company's days and hours: seconds and days count from 1 October 2022, local time in Shanghai.

China has known no summer time since 1991, so local clocks run evenly.
"""

from __future__ import annotations

from datetime import date

import numpy as np
from numpy.typing import ArrayLike, NDArray

FIRST_DAY = np.datetime64("2022-10-01")
DAYS = 1461
DAY = 86_400
END = DAYS * DAY
"""The first second that the export of 1 October 2026 does not know."""
OPENS, CLOSES = 9 * 3600, 18 * 3600
"""Service hours of a working day."""
OPEN_SECONDS = CLOSES - OPENS

# Public holidays as announced by the General Office of the State Council: name, first and last day, and the
# weekend days that are worked instead.
_ANNOUNCED = (
    ("国庆节", "2022-10-01", "2022-10-07", ("2022-10-08", "2022-10-09")),
    ("元旦", "2022-12-31", "2023-01-02", ()),
    ("春节", "2023-01-21", "2023-01-27", ("2023-01-28", "2023-01-29")),
    ("清明节", "2023-04-05", "2023-04-05", ()),
    ("劳动节", "2023-04-29", "2023-05-03", ("2023-04-23", "2023-05-06")),
    ("端午节", "2023-06-22", "2023-06-24", ("2023-06-25",)),
    ("中秋节、国庆节", "2023-09-29", "2023-10-06", ("2023-10-07", "2023-10-08")),
    ("元旦", "2024-01-01", "2024-01-01", ()),
    ("春节", "2024-02-10", "2024-02-17", ("2024-02-04", "2024-02-18")),
    ("清明节", "2024-04-04", "2024-04-06", ("2024-04-07",)),
    ("劳动节", "2024-05-01", "2024-05-05", ("2024-04-28", "2024-05-11")),
    ("端午节", "2024-06-10", "2024-06-10", ()),
    ("中秋节", "2024-09-15", "2024-09-17", ("2024-09-14",)),
    ("国庆节", "2024-10-01", "2024-10-07", ("2024-09-29", "2024-10-12")),
    ("元旦", "2025-01-01", "2025-01-01", ()),
    ("春节", "2025-01-28", "2025-02-04", ("2025-01-26", "2025-02-08")),
    ("清明节", "2025-04-04", "2025-04-06", ()),
    ("劳动节", "2025-05-01", "2025-05-05", ("2025-04-27",)),
    ("端午节", "2025-05-31", "2025-06-02", ()),
    ("国庆节、中秋节", "2025-10-01", "2025-10-08", ("2025-09-28", "2025-10-11")),
    ("元旦", "2026-01-01", "2026-01-03", ("2026-01-04",)),
    ("春节", "2026-02-15", "2026-02-23", ("2026-02-14", "2026-02-28")),
    ("清明节", "2026-04-04", "2026-04-06", ()),
    ("劳动节", "2026-05-01", "2026-05-05", ("2026-05-09",)),
    ("端午节", "2026-06-19", "2026-06-21", ()),
    ("中秋节", "2026-09-25", "2026-09-27", ()),
    ("国庆节", "2026-10-01", "2026-10-07", ("2026-09-20", "2026-10-10")),
)


def day_of(when: date | str) -> int:
    """The number of a calendar day."""
    return int((np.datetime64(when) - FIRST_DAY).astype(int))


def dates(days: ArrayLike) -> NDArray[np.datetime64]:
    """Calendar days of day numbers."""
    return FIRST_DAY + np.asarray(days).astype("timedelta64[D]")


def instants(seconds: ArrayLike) -> NDArray[np.datetime64]:
    """Local instants of second numbers."""
    return FIRST_DAY.astype("datetime64[s]") + np.asarray(seconds).astype("timedelta64[s]")


def span_of(quarter: str) -> tuple[int, int]:
    """First day of a quarter such as ``2026Q2``, and the first day after it."""
    year, number = int(quarter[:4]), int(quarter[5])
    after = (year + 1, 1) if number == 4 else (year, 3 * number + 1)
    return day_of(date(year, 3 * number - 2, 1)), day_of(date(*after, 1))


def quarters() -> list[str]:
    """The sixteen quarters, 2022Q4 to 2026Q3."""
    return ["2022Q4", *(f"{year}Q{n}" for year in (2023, 2024, 2025) for n in (1, 2, 3, 4)),
            "2026Q1", "2026Q2", "2026Q3"]  # fmt: skip


def is_in(quarter: str, seconds: ArrayLike) -> NDArray[np.bool_]:
    """Which instants lie in a quarter."""
    first, after = span_of(quarter)
    return (np.asarray(seconds) >= first * DAY) & (np.asarray(seconds) < after * DAY)


def holidays() -> list[tuple[np.datetime64, bool, str]]:
    """Every announced day with whether it is worked, and its name; in order of days."""
    listed = []
    for name, first, last, worked in _ANNOUNCED:
        free = np.arange(np.datetime64(first), np.datetime64(last) + 1)
        listed += [(day, False, name) for day in free]
        listed += [(np.datetime64(day), True, f"{name}调休") for day in worked]
    return sorted(listed)


def working_days(days: int = DAYS + 400) -> NDArray[np.int64]:
    """The numbers of the days that are worked: announced ones as announced, others Monday to Friday."""
    numbers = np.arange(days)
    is_worked = (numbers + FIRST_DAY.astype(int) + 3) % 7 < 5  # day 0 of the epoch was a Thursday
    for day, worked, _ in holidays():
        if 0 <= (number := day_of(day)) < days:
            is_worked[number] = worked
    return numbers[is_worked]


_WORKED = working_days()


def next_working_day(days: ArrayLike) -> NDArray[np.int64]:
    """The day itself where it is worked, else the next one that is."""
    return _WORKED[np.searchsorted(_WORKED, days)]


def after_business_seconds(seconds: ArrayLike, passed: ArrayLike) -> NDArray[np.int64]:
    """The instant at which so many seconds of service hours have passed since ``seconds``."""
    seconds = np.asarray(seconds)
    day, clock = seconds // DAY, seconds % DAY
    place = np.searchsorted(_WORKED, day)
    is_worked = _WORKED[place] == day
    so_far = np.where(is_worked, (clock - OPENS).clip(0, OPEN_SECONDS), 0)
    total = place * OPEN_SECONDS + so_far + np.asarray(passed).round().astype(np.int64)
    # an instant at closing time stays on its day: that is where the last of its seconds was worked
    place, rest = np.divmod((total - 1).clip(0), OPEN_SECONDS)
    return np.maximum(_WORKED[place] * DAY + OPENS + rest + 1, seconds)
