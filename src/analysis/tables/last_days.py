"""Whether a day that ends something is the last on which it runs, or the first on which it no longer does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from analysis.tables.cells import date_formats

MOST = 0.5  # of the spans that show it


def name_last_days(begins: Sequence[str], ends: Sequence[str]) -> bool | None:
    """Whether spans end with the last day on which they run; None where they do not show it.

    Spans of whole months and years show it: from 1 April to 31 March the last day is named, to 1 April the day after.

    Parameters
    ----------
    begins, ends
        The first and the last cells of the same spans.
    """
    first, last = _days(begins), _days(ends)
    spans = [(one, other) for one, other in zip(first, last, strict=True) if one and other and one < other]
    day_after = sum(other.day == one.day for one, other in spans)
    last_day = sum((other + timedelta(days=1)).day == one.day for one, other in spans)
    if max(day_after, last_day) <= MOST * len(spans):
        return None
    return last_day > day_after


def _days(cells: Sequence[str]) -> list[datetime | None]:
    formats = date_formats([cell for cell in cells if cell])
    return [_day(cell, formats[0]) if formats and cell else None for cell in cells]


def _day(cell: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(cell, form)
    except ValueError:
        return None
