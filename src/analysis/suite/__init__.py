"""The suite: measured, modelled and derived metrics come together here, and must add up."""

from __future__ import annotations

from analysis.facts import Book
from analysis.suite.results import Results, kept_by_content

__all__ = ["Results", "measure_suite"]


def measure_suite(book: Book) -> Results:
    """Every number of the run: the KPI frame, changes, customer values, models' validation, reconciliation.

    Worked out once for the same data, settings and period, and read back after that.
    """
    return kept_by_content(book, _measure)


def _measure(book: Book) -> dict:
    # Imported here: results that are read back need neither scipy nor the models.
    from analysis.suite.everything import measure_everything

    return measure_everything(book)
