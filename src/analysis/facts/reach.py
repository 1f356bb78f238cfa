"""Whether the data say anything of the period asked for."""

from __future__ import annotations

from datetime import date

from analysis.errors import InputError
from analysis.facts.book import Book


class NoData(InputError):
    """A period of which the data say nothing; the message says when they begin or end."""


def check_reach(book: Book) -> None:
    """Refuse a period of which the data say nothing: its report would be pages of dashes.

    Raises
    ------
    NoData
        If the period is still to come, before or after the data, or there are none.
    """
    coverage, window = book.coverage, book.window
    if window.start > date.today():
        raise NoData(f"{window.label} begins only on {window.start}; check the period")
    if coverage.start is None and coverage.end is None:
        raise NoData(
            f"{window.label} has no data: no table has a row that could be kept; `workbook check` says what was read"
        )
    if coverage.is_before(window):
        raise NoData(f"{window.label} has no data: they begin on {coverage.start}; check the period")
    if coverage.is_after(window) or (coverage.end and not window.days):
        raise NoData(
            f"{window.label} has no data: they end on {coverage.last_day}; check the period, or bring the company's "
            "files (or the setting data_through) up to date"
        )
