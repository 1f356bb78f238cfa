"""Periods of a company's calendar: quarters, months, halves and years, and the windows that are measured.

A period is a stretch of whole local days, ``start`` included and ``end`` excluded. A window is what of it
is measured: the whole, or, while the period is still running, its first days.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from analysis.errors import InputError, Said

FIRST_YEAR, LAST_YEAR = 1800, 2200  # further out there are slips of the hand, and days that no calendar holds
MONTHS_IN = {"month": 1, "quarter": 3, "half": 6, "year": 12}
_KINDS = {"month": "月份", "quarter": "季度", "half": "半年", "year": "年"}  # in Chinese
_LABELS = {
    "month": re.compile(r"^(\d{4})(?:-|M)(\d{1,2})$"),
    "quarter": re.compile(r"^(\d{4})-?Q(\d)$"),
    "half": re.compile(r"^(\d{4})-?H(\d)$"),
    "year": re.compile(r"^(?:FY)?(\d{4})$"),
}


class PeriodError(InputError):
    """A period label that names no period."""


@dataclass(frozen=True, order=True)
class Period:
    """One period of the company's calendar, such as 1997Q4.

    Attributes
    ----------
    start, end
        First local day, and the first local day after it (half-open).
    kind
        ``month``, ``quarter``, ``half`` or ``year``.
    fiscal_year_start_month
        Month in which the company's year begins; a fiscal year is named after the calendar year in which it
        ends, as most companies and accounting systems do.
    """

    start: date
    end: date
    kind: str
    fiscal_year_start_month: int = 1

    @property
    def label(self) -> str:
        """The period's name: ``1997Q4``, ``1997-10``, ``1997H2`` or ``1997``."""
        if self.kind == "month":
            return f"{self.start.year:04d}-{self.start.month:02d}"
        year, months_in = _fiscal_position(self.start, self.fiscal_year_start_month)
        number = months_in // MONTHS_IN[self.kind] + 1
        return {"quarter": f"{year:04d}Q{number}", "half": f"{year:04d}H{number}", "year": f"{year:04d}"}[
            self.kind
        ]

    @property
    def last_day(self) -> date:
        """The last local day inside the period."""
        return self.end - timedelta(days=1)

    @property
    def days(self) -> int:
        """The number of days."""
        return (self.end - self.start).days

    @property
    def previous(self) -> Period:
        """The period of the same kind just before."""
        return self.shifted(-1)

    @property
    def year_ago(self) -> Period:
        """The same period one year earlier."""
        return self.shifted(-12 // MONTHS_IN[self.kind])

    def shifted(self, steps: int) -> Period:
        """The period ``steps`` periods later (earlier where negative)."""
        months = MONTHS_IN[self.kind]
        start = add_months(self.start, steps * months)
        return replace(self, start=start, end=add_months(start, months))

    def __str__(self) -> str:
        return self.label


@dataclass(frozen=True, order=True)
class Window:
    """What is measured of a period: the local days from ``start`` up to, not including, ``end``."""

    start: date
    end: date
    label: str
    period: Period

    @property
    def days(self) -> int:
        """The number of days measured."""
        return (self.end - self.start).days

    @property
    def last_day(self) -> date:
        """The last day measured."""
        return self.end - timedelta(days=1)

    @property
    def is_partial(self) -> bool:
        """Whether only the first days of the period are measured."""
        return self.end < self.period.end


def parse_period(label: str, fiscal_year_start_month: int = 1) -> Period:
    """The period a label names.

    Parameters
    ----------
    label
        ``1997Q4``, ``1997-10`` (or ``1997M10``), ``1997H2``, ``1997`` (or ``FY1997``).
    fiscal_year_start_month
        1 to 12. Months are always calendar months; quarters, halves and years follow the fiscal year, which is
        named after the calendar year in which it ends.

    Raises
    ------
    PeriodError
        If the label names no period.
    """
    text = str(label).strip().upper()
    for kind, pattern in _LABELS.items():
        if found := pattern.match(text):
            return _period(kind, *found.groups(), label=label, start_month=fiscal_year_start_month)
    raise PeriodError(
        Said(
            f"period {label!r} is not understood: write 1997Q4 (quarter), 1997-10 (month), 1997H2 (half) or 1997 "
            "(year)",
            f"无法识别期间“{label}”：请写作 1997Q4（季度）、1997-10（月）、1997H2（半年）或 1997（年）",
        )
    )


def parse_periods(text: str, fiscal_year_start_month: int = 1) -> list[Period]:
    """The periods of a range such as ``1997Q1..1998Q2``, first to last; a single label gives one period.

    Several of these may be joined by commas; a period named twice comes once.

    Raises
    ------
    PeriodError
        If an end names no period, the kinds of a range differ, or its last precedes its first.
    """
    parts = [_parse_range(part, fiscal_year_start_month) for part in str(text).split(",") if part.strip()]
    if not parts:
        raise PeriodError(
            Said(
                "no period is given: write 1997Q4, a range 1997Q1..1998Q2, or a list 1997Q1,1997Q3",
                "未指明期间：请写作 1997Q4、范围 1997Q1..1998Q2 或列表 1997Q1,1997Q3",
            )
        )
    return list(dict.fromkeys(period for part in parts for period in part))


def _parse_range(text: str, fiscal_year_start_month: int) -> list[Period]:
    first_label, dots, last_label = text.partition("..")
    if dots and not (first_label.strip() and last_label.strip()):
        raise PeriodError(
            Said(
                f"range {text!r} lacks an end: write both, such as 1997Q1..1998Q2",
                f"范围“{text}”缺少一端：请写全两端，如 1997Q1..1998Q2",
            )
        )
    first = parse_period(first_label, fiscal_year_start_month)
    last = parse_period(last_label, fiscal_year_start_month) if dots else first
    if first.kind != last.kind:
        raise PeriodError(
            Said(
                f"range {text!r} mixes a {first.kind} and a {last.kind}: both ends must be of one kind",
                f"范围“{text}”的两端不是同一种期间（{_KINDS[first.kind]}与{_KINDS[last.kind]}）：两端须为同一种",
            )
        )
    if last < first:
        raise PeriodError(
            Said(
                f"range {text!r} ends before it starts: write {last_label}..{first_label}",
                f"范围“{text}”的结束早于开始：请写作 {last_label}..{first_label}",
            )
        )
    periods = [first]
    while periods[-1] < last:
        periods.append(periods[-1].shifted(1))
    return periods


def quarter_of(day: date, fiscal_year_start_month: int = 1) -> Period:
    """The quarter a day lies in."""
    months_in = (day.month - fiscal_year_start_month) % 12 % MONTHS_IN["quarter"]
    start = add_months(day.replace(day=1), -months_in)
    return Period(start, add_months(start, MONTHS_IN["quarter"]), "quarter", fiscal_year_start_month)


def whole(period: Period) -> Window:
    """The window that covers the whole period."""
    return Window(period.start, period.end, period.label, period)


def first_days(period: Period, days: int) -> Window:
    """The window of the first ``days`` days of a period (the whole period if it has no more)."""
    if days >= period.days:
        return whole(period)
    return Window(period.start, period.start + timedelta(days=days), f"{period.label}[1-{days}d]", period)


def measured_window(period: Period, data_end: date) -> Window:
    """The window of ``period`` that data up to ``data_end`` (first day without data) can fill.

    The label stays the period's own, so that the running period keeps its name in every frame.
    """
    end = min(period.end, max(data_end, period.start))
    return Window(period.start, end, period.label, period)


def comparison_windows(window: Window) -> dict[str, Window]:
    """The windows to compare with, by name: ``previous`` and ``year_ago``, like for like.

    A running period is compared with the same number of days of the earlier ones.
    """
    earlier = {"previous": window.period.previous, "year_ago": window.period.year_ago}
    if not window.is_partial:
        return {name: whole(period) for name, period in earlier.items()}
    return {name: first_days(period, window.days) for name, period in earlier.items()}


def instant(day: date, time_zone: str) -> datetime:
    """The UTC instant, without zone, at which a local day begins."""
    local = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(time_zone))
    return local.astimezone(ZoneInfo("UTC")).replace(tzinfo=None)


def _period(kind: str, year: str, number: str = "1", *, label: str, start_month: int) -> Period:
    months, position = MONTHS_IN[kind], int(number)
    if not FIRST_YEAR <= int(year) <= LAST_YEAR:
        raise PeriodError(
            Said(
                f"period {label!r} is not of our time: its year should be {FIRST_YEAR} to {LAST_YEAR}",
                f"期间“{label}”的年份不合理：应在{FIRST_YEAR}至{LAST_YEAR}之间",
            )
        )
    if not 1 <= position <= 12 // months:
        count = 12 // months
        raise PeriodError(
            Said(
                f"period {label!r} does not exist: a year has {count} {kind}s, 1 to {count}",
                f"期间“{label}”不存在：{_KINDS[kind]}的编号为1至{count}",
            )
        )
    if kind == "month":
        start = date(int(year), position, 1)
    else:
        first_year = int(year) if start_month == 1 else int(year) - 1
        start = add_months(date(first_year, start_month, 1), (position - 1) * months)
    return Period(start, add_months(start, months), kind, start_month)


def _fiscal_position(start: date, start_month: int) -> tuple[int, int]:
    """The fiscal year a month belongs to, and how many of its months have passed."""
    months_in = (start.month - start_month) % 12
    first_year = start.year if start.month >= start_month else start.year - 1
    return (first_year if start_month == 1 else first_year + 1), months_in


def add_months(day: date, months: int) -> date:
    """The same day of the month so many months later, or that month's last day where it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
