"""Which scans measure which metrics: one per fact and time column, with the dimensions that its rows reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from analysis.catalogue import Dimension, Metric
from analysis.facts import Book
from analysis.facts.compile import OF_CUSTOMERS, OF_CUSTOMERS_BY_WINDOW, WITH_TRAITS
from analysis.periods import Window

RANKED = ("concentration", "quantile")  # the kinds that need the rows in their order


@dataclass(frozen=True)
class Scan:
    """One query: the metrics of one fact and time column, over windows that do not overlap.

    A dimension in whose groups a customer stands several times has a scan of its own, which says nothing of the
    company as a whole: its rows are there once for every group. ``held`` names the tables that stand for facts while
    several scans read them.
    """

    fact: str
    at: str | None
    metrics: tuple[Metric, ...]
    windows: tuple[Window, ...]
    dimensions: tuple[Dimension, ...]
    with_company: bool = True
    held: Mapping[str, str] = field(default_factory=dict, compare=False)

    def source(self, relation: str) -> str:
        """Where a fact is read from: a table that holds what several scans need of it, else the fact itself."""
        return self.held.get(relation, relation)


@dataclass(frozen=True, order=True)
class Holder:
    """Where the column of a dimension stands for a fact's rows.

    Attributes
    ----------
    relation
        The fact itself, or one that is joined to it by customer.
    also_by
        What joins it besides: ``window``, or the ``day`` on which the row happened; empty for the customer alone.
    """

    relation: str
    also_by: Literal["", "window", "day"] = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that join it to a row and its window."""
        return ("customer_id", "period") if self.also_by == "window" else ("customer_id",)

    def join(self, name: str, at: str | None, period: str, labels: str, source: str | None = None) -> str:
        """The join to rows called ``f``.

        Parameters
        ----------
        name
            What the joined rows are called.
        at, period, labels
            The column that says when a row of ``f`` happened, the column of its window, and the windows there are.
        source
            What is read in place of the relation.
        """
        same_customer, source = f"{name}.customer_id = f.customer_id", source or self.relation
        if self.also_by == "window":
            of_windows = f"(select * from {source} where period in ({labels}))"
            return f"left join {of_windows} {name}\n  on {name}.period = {period} and {same_customer}"
        day = f"f.{day_of(at)}"
        held = f" and {day} >= {name}.held_from and {day} < {name}.held_until" if self.also_by else ""
        return f"left join {source} {name} on {same_customer}{held}"


def plan(book: Book, metrics: Sequence[Metric], dimensions: Sequence[str]) -> list[Scan]:
    """The scans that measure these metrics: one per fact, time column and set of windows without overlap."""
    by_scan: dict[tuple[str, str | None, str], list[Metric]] = {}
    for metric in metrics:
        shape = metric.kind if metric.kind in RANKED else "sums"
        by_scan.setdefault((metric.fact, metric.at, shape), []).append(metric)
    return [
        Scan(fact, at, tuple(group), windows, reached, with_company)
        for (fact, at, _), group in by_scan.items()
        for windows in ([book.windows] if at is None else _without_overlap(book.windows))
        for reached, with_company in _together(book, [book.catalogue.dimensions[d] for d in dimensions], fact)
    ]


def _together(
    book: Book, dimensions: Sequence[Dimension], fact: str
) -> list[tuple[tuple[Dimension, ...], bool]]:
    """The dimensions that one scan can take, with the company as a whole, and each of those that need their own."""
    reached = [dimension for dimension in dimensions if reaches(book, dimension, fact)]
    alone = [dimension for dimension in reached if overlaps(dimension, fact)]
    others = tuple(dimension for dimension in reached if dimension not in alone)
    return [(others, True), *(((dimension,), False) for dimension in alone)]


def reaches(book: Book, dimension: Dimension, fact: str | None) -> bool:
    """Whether a fact's rows can be grouped by a dimension."""
    if fact in dimension.facts:
        return True
    if set(dimension.needs) & set(book.absent):
        return False
    if dimension.of != "customer" or fact not in OF_CUSTOMERS:
        return False
    if dimension.overlapping:
        return fact in OF_CUSTOMERS_BY_WINDOW
    by_contracts = {"contracts"} if book.settings.customer_base != "orders" else set()
    return dimension.changes_hands or not {"orders", "customers", *by_contracts} <= set(book.absent)


def overlaps(dimension: Dimension, fact: str | None) -> bool:
    """Whether a row of the fact can stand in several groups of a dimension: one that carries the column is in one."""
    return dimension.overlapping and fact not in dimension.facts


def holder_of(dimension: Dimension, fact: str, at: str | None) -> Holder:
    """Where the column of a dimension stands for a fact's rows.

    In the fact itself; in what is known of its customer (``customers``); in what he was in a window
    (``customer_periods``, or the fact that the dimension names); or in who held him on a day (``holdings``).
    """
    if fact in dimension.facts or (dimension.is_trait and fact in WITH_TRAITS):
        return Holder(fact)
    if dimension.changes_hands and at is not None:
        return Holder("holdings", "day")
    if dimension.told_in:
        return Holder(dimension.told_in, "window")
    return Holder("customers") if "customers" in dimension.needs else Holder("customer_periods", "window")


def day_of(at: str | None) -> str:
    """The local day of an instant's column."""
    return f"{at.removesuffix('_at')}_on" if at and at.endswith("_at") else str(at)


def _without_overlap(windows: Sequence[Window]) -> list[tuple[Window, ...]]:
    """Whole periods in one set, the first days of earlier periods in another: a row falls in one window of a set."""
    first_days = [window for window in windows if window.is_partial and window != windows[-1]]
    whole = [window for window in windows if window not in first_days]
    return [tuple(part) for part in (whole, first_days) if part]
