"""The x axis of figures over time: months by their names in one language, as many as there is room for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analysis.report.numbers_shown import MONTHS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_MONTHS = 6
DAYS_PER_MONTH = 365.25 / 12
SHORT_SPAN_DAYS = 45


def name_months(ax: Axes, first: Any, last: Any, language: str) -> Axes:
    """Set ticks at the beginnings of months from ``first`` to ``last``, named ``Jan 1997`` or ``1997年1月``.

    A span of some weeks has its days named instead.
    """
    from matplotlib.dates import AutoDateLocator, MonthLocator, num2date
    from matplotlib.ticker import FuncFormatter

    days = (last - first).days
    if days <= SHORT_SPAN_DAYS:
        ax.xaxis.set_major_locator(AutoDateLocator(minticks=2, maxticks=MOST_MONTHS))
        name = _day_name
    else:
        ax.xaxis.set_major_locator(_every(MonthLocator, days / DAYS_PER_MONTH))
        name = _month_name
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: name(num2date(value), language)))
    return ax


def _every(locator: Any, months: float) -> Any:
    """A tick every month, quarter, half year or every so many years, so that no more than some six stand."""
    for step in (1, 2, 3, 6):
        if months / step <= MOST_MONTHS:
            return locator(bymonth=range(1, 13, step))
    from matplotlib.dates import YearLocator

    return YearLocator(base=max(1, round(months / 12 / MOST_MONTHS)))


def _month_name(day: Any, language: str) -> str:
    return f"{day.year}年{day.month}月" if language == "zh" else f"{MONTHS[day.month - 1]} {day.year}"


def _day_name(day: Any, language: str) -> str:
    return f"{day.month}月{day.day}日" if language == "zh" else f"{day.day} {MONTHS[day.month - 1]}"
