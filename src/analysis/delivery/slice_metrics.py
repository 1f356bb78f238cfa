"""Which metrics a letter to a group shows, and which of them tell on each other."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pandas as pd

from analysis.appraisal.targets import TARGET_COLUMNS, judge_targets
from analysis.catalogue import DEFAULT, Metric
from analysis.delivery.slices import dimensions_of
from analysis.facts import Book, NotMeasured
from analysis.facts.compile import OF_CUSTOMERS_BY_WINDOW
from analysis.metrics.formulas import Operand, operands
from analysis.report.kpis_shown import chosen
from analysis.suite import Results
from analysis.suite.targets import TARGETS_OF

SLICE_METRICS = (
    "revenue", "average_order_value", "customer_retention_rate", "new_customers", "renewal_rate", "nps", "csat",
    "complaint_rate", "sla_attainment", "first_contact_resolution", "lead_conversion_rate", "win_rate",
    "pipeline_value", "action_completion_rate",
)  # fmt: skip
"""What a letter to a manager shows, in this order; metrics with a target for a group come after these."""

CUSTOMERS = "customers"
"""What facts of each window's customers, and their orders, are about."""

# Columns that say the same of the same customers in other words.
_SAME = {
    "net_revenue": ("net_amount",), "is_buyer": ("is_order",), "orders": ("is_order",),
    "is_lost": ("is_opening", "is_closing"), "is_returned": ("is_opening", "is_closing", "is_new"),
    "came_and_went": ("is_opening", "is_closing", "is_new"),
}  # fmt: skip
# A condition that picks rows by a word tells nothing of their number.
_KEPT_BY_WORD = re.compile(r"\w+ = '[^']*'")


def slice_metrics(results: Results, dimension: str) -> list[Metric]:
    """The metrics shown to the groups of a dimension, each under the run's variant.

    A metric that is worked out from an earlier window too (growth) is left out: it would tell what that came to.
    """
    book, metrics = results.book, results.book.catalogue.metrics
    targets = group_targets(results)
    targeted = targets.loc[targets["by"].eq(dimension), "metric"]
    names = [name for name in dict.fromkeys([*SLICE_METRICS, *targeted]) if name in metrics]
    wanted = [chosen(book, metrics[name]) for name in names]
    return [metric for metric in wanted if metric.kind != "modelled" and not _looks_back(book, metric)]


def _looks_back(book: Book, metric: Metric) -> bool:
    used = _operands(book, metric)
    return metric.looks_back_to is not None or any(
        each.shift is not None or _looks_back(book, book.catalogue.named(each.metric)) for each in used
    )


def _operands(book: Book, metric: Metric) -> tuple[Operand, ...]:
    """What a formula names, targets left out: they are nobody's secret."""
    if metric.kind != "derived":
        return ()
    records = (each for record in book.catalogue.metrics.values() for each in record.all_variants())
    names = [each.id if each.variant == DEFAULT else f"{each.id}.{each.variant}" for each in records]
    used = operands(metric.value, names, list(book.setting_values)).metrics
    return tuple(each for each in used if each.metric not in TARGETS_OF)


def counted(book: Book, metric: Metric) -> list[Metric]:
    """The metric itself where it is counted; of one worked out from others, those that are counted."""
    if metric.kind != "derived":
        return [metric] if metric.fact else []
    return [
        part for each in _operands(book, metric) for part in counted(book, book.catalogue.named(each.metric))
    ]


def families(book: Book, metrics: Sequence[Metric]) -> dict[tuple[str, str], str]:
    """For each metric and variant the family of those that tell on each other, named after its first.

    Two do where they are worked out from the same columns of the same rows, or one from the other: retention and
    churn, orders and revenue by order.
    """
    marks = {(metric.id, metric.variant): marks_of(book, metric) for metric in metrics}
    family: dict[tuple[str, str], str] = {}
    for key in marks:
        if key not in family:
            family |= dict.fromkeys(_reached(key, marks), key[0])
    return family


def _reached(key: tuple[str, str], marks: Mapping[tuple[str, str], set]) -> set[tuple[str, str]]:
    """All that share a mark with it, or with one that does."""
    own: set[tuple[str, str]] = {key}
    while True:
        seen = set().union(*(marks[one] for one in own))
        more = own | {other for other, marked in marks.items() if marked & seen}
        if more == own:
            return own
        own = more


def marks_of(book: Book, metric: Metric) -> set[tuple[str, str]]:
    """The rows and columns it is worked out from; the rows as such where no condition picks among them."""
    marks: set[tuple[str, str]] = set()
    for part in counted(book, metric):
        words = [_columns(book, part, text) for text in (part.where, part.of, part.per)]
        same = {name for word in set().union(*words) for name in _SAME.get(word, (word,))}
        every_row = (
            set() if words[0] else {f"every row by {part.at}"}
        )  # its n is what a count of them comes to
        marks |= {(_rows_of(part.fact), name) for name in same | every_row}
    return marks


def _columns(book: Book, metric: Metric, text: str | None) -> set[str]:
    """The columns of its fact that a condition or a value names."""
    return set(re.findall(r"\w+", _KEPT_BY_WORD.sub("", text or ""))) & set(book.columns_of(metric.fact))


def _rows_of(fact: str | None) -> str:
    """Facts of each window's customers, and their orders, are about the same things."""
    return CUSTOMERS if fact in (*OF_CUSTOMERS_BY_WINDOW, "orders") else str(fact)


def group_targets(results: Results) -> pd.DataFrame:
    """The judged targets of the company, its managers and teams for the period (see ``judge_targets``)."""
    judged = judge_targets(results, tuple(dimensions_of(results.book)))
    return pd.DataFrame(columns=list(TARGET_COLUMNS)) if isinstance(judged, NotMeasured) else judged
