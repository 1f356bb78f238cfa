"""Whether the data say anything of the period asked for."""

from __future__ import annotations

from datetime import date

from analysis.catalogue import say_problem
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
        raise NoData(say_problem("begins_later", period=window.label, day=window.start))
    if coverage.start is None and coverage.end is None:
        raise NoData(say_problem("no_rows_kept", period=window.label))
    if coverage.is_before(window):
        raise NoData(say_problem("data_begin_later", period=window.label, day=coverage.start))
    if coverage.is_after(window) or (coverage.end and not window.days):
        raise NoData(say_problem("data_end_before", period=window.label, day=coverage.last_day))
