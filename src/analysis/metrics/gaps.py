"""What cannot be measured and why: tables that are not supplied, windows that the data do not cover."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from analysis.catalogue import Metric
from analysis.facts import Book, Coverage
from analysis.facts.compile import COLUMNS_OF_ORDERS, OF_ORDERS, days_of
from analysis.metrics.formulas import operands
from analysis.metrics.frame import KPI_COLUMNS, NOT_MEASURED
from analysis.periods import Window, comparison_windows


def missing_tables(book: Book, metric: Metric) -> list[str]:
    """The tables a metric needs that the company does not supply; of those of which one is enough, all."""
    return tables_lacking(metric, book.absent, book.settings.customer_base)


def tables_lacking(metric: Metric, absent: Iterable[str], customer_base: str) -> list[str]:
    """The same for a company that does not supply the ``absent`` tables and counts customers so."""
    absent = set(absent)
    needs = {*metric.needs, *_needed_for_customers(metric, absent, customer_base)} & absent
    return sorted(needs | (set(metric.needs_any) if set(metric.needs_any) <= absent else set()))


def _needed_for_customers(metric: Metric, absent: set[str], customer_base: str) -> set[str]:
    """What says who is a customer (the setting ``customer_base``), and orders where it is about what was ordered."""
    if metric.fact not in OF_ORDERS:
        return set()
    if customer_base == "orders" or metric.fact == "orders" or COLUMNS_OF_ORDERS & words_of(metric):
        return {"orders"}
    either = {"orders", "contracts"}
    return {"contracts"} if customer_base == "contracts" else either if either <= absent else set()


def words_of(metric: Metric) -> set[str]:
    """Every word of a metric's SQL."""
    texts = (metric.where, metric.of, metric.per, *(metric.bounds or ()))
    return set(re.findall(r"\w+", " ".join(text for text in texts if isinstance(text, str))))


def outside_coverage(book: Book, kpis: pd.DataFrame) -> pd.DataFrame:
    """The frame with a window the data do not cover marked as not measured, with the reason."""
    reasons = _reasons_outside(book)
    keys = zip(kpis["metric"], kpis["variant"], kpis["period"], strict=True)
    reason = pd.Series([reasons.get(key) for key in keys], kpis.index, dtype="str")
    uncovered = reason.notna()
    if not uncovered.any():
        return kpis
    kpis = kpis.copy()
    empty = ["value", "low", "high", "standard_error", "numerator", "denominator"]
    kpis.loc[uncovered, empty] = np.nan
    kpis.loc[uncovered, "n"] = 0
    kpis.loc[uncovered, "status"] = NOT_MEASURED
    kpis.loc[uncovered, "reason"] = reason[uncovered]
    return kpis[~(uncovered & kpis["by"].notna())].reset_index(drop=True)


def not_measured_rows(
    metrics: Sequence[Metric], windows: Sequence[Window], reasons: Sequence[str]
) -> pd.DataFrame:
    """Rows that say, for each metric and window, why there is no number."""
    rows = [
        {"metric": metric.id, "variant": metric.variant, "period": window.label, "by": None, "group": None, "n": 0,
         "status": NOT_MEASURED, "reason": reason}
        for metric, reason in zip(metrics, reasons, strict=True)
        for window in windows
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=KPI_COLUMNS)
    numbers = ["value", "low", "high", "standard_error", "numerator", "denominator"]
    return frame.astype(dict.fromkeys(numbers, "float64") | {"n": "int64"})


def _reasons_outside(book: Book) -> dict[tuple[str, str, str], str]:
    """Why a metric is not measured in a window, by metric, variant and window, where the data do not cover it."""
    found = {}
    for metric in (metric for record in book.catalogue.metrics.values() for metric in record.all_variants()):
        covered = [book.coverage_of(fact) for fact in sorted(_facts_behind(book, metric))]
        covered.sort(key=lambda one: (one.start is not None, one.start), reverse=True)
        for window in book.windows:
            reasons = (_uncovered(book, window, one, metric.looks_back_to) for one in covered)
            if reason := next((reason for reason in reasons if reason), None):
                found[metric.id, metric.variant, window.label] = reason
    return found


def _facts_behind(book: Book, metric: Metric, depth: int = 0) -> set[str]:
    """The facts, and the dated tables, that a metric cannot be measured without; orders where it names none."""
    if metric.kind == "derived" and depth < 10:
        names = operands(metric.value, list(book.catalogue.metrics), list(book.setting_values)).metrics
        parts = [_facts_behind(book, book.catalogue.metrics[name.metric], depth + 1) for name in names]
        return set().union(*parts) or {"orders"}
    given = set(metric.needs_any) - set(book.absent)
    dated = {table for table in (*metric.needs, *(given if len(given) == 1 else ())) if days_of(table)}
    return {metric.fact or "orders", *dated}


def _uncovered(book: Book, window: Window, coverage: Coverage, looks_back_to: str | None) -> str | None:
    if coverage.is_before(window):
        return f"before_data|{coverage.start}"
    if window.days == 0:
        return f"after_data|{book.coverage.last_day}" if book.coverage.end else "not_begun"
    if coverage.is_after(window):
        return f"after_data|{coverage.last_day}"
    if coverage.begins_inside(window) and window != book.window:
        return f"data_begin_inside|{coverage.start}"
    if looks_back_to and not coverage.includes(comparison_windows(window)[looks_back_to]):
        return f"before_data|{coverage.start}"
    return None


def absent_rows(book: Book, metrics: Sequence[Metric]) -> pd.DataFrame:
    reasons = [
        ";".join(f"table_absent|{table}" for table in missing_tables(book, metric)) for metric in metrics
    ]
    return not_measured_rows(metrics, book.windows, reasons)
