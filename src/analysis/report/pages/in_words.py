"""A figure of the KPI frame as a reader meets it: value, interval, change and reason, in one language."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.catalogue import DEFAULT, Catalogue, Metric, label
from analysis.facts import Book, NotMeasured
from analysis.metrics.intervals import reason_text
from analysis.report.explained import fill_in
from analysis.report.tables_shown import MISSING, Tile, format_interval, format_points, format_value, is_missing
from analysis.suite import Results

UNITS = {
    "share": "percent", "money": "money", "count": "number", "number": "number", "days": "number", "score": "number",
}  # fmt: skip
"""How the page writes each unit of the catalogue."""


def write_figure(value: Any, metric: Metric, book: Book, language: str, **options: Any) -> str:
    """One value of a metric, in its unit and the company's currency."""
    return format_value(value, UNITS[metric.unit], language, currency=book.settings.currency, **options)


def write_interval(row: Mapping[str, Any], metric: Metric, book: Book, language: str) -> str:
    """The interval of a figure; empty where it has none."""
    if is_missing(row["low"]) or is_missing(row["high"]):
        return ""
    return format_interval(row["low"], row["high"], UNITS[metric.unit], language, currency=book.settings.currency)


def money(value: Any, book: Book, language: str, **options: Any) -> str:
    """An amount in the company's currency."""
    return format_value(value, "money", language, currency=book.settings.currency, **options)


def names_of(catalogue: Catalogue, language: str) -> dict[str, str]:
    """What tables, dimensions and metrics are called, by id."""
    records = {**catalogue.tables, **catalogue.dimensions, **catalogue.metrics}
    return {key: record.name.in_(language) for key, record in records.items()}


def write_reason(reason: Any, book: Book, language: str) -> str:
    """Why a figure is missing or stands without an interval; empty where there is no reason."""
    return "" if is_missing(reason) else reason_text(str(reason), language, names_of(book.catalogue, language))


def write_meaning(metric: Metric, book: Book, language: str) -> str:
    """What a metric means, with the settings it names filled in."""
    return fill_in(metric.meaning.in_(language), book.setting_values)


def page_verdict(verdict: str, difference: Any = None) -> str:
    """A model's or a comparison's verdict under the name it has on the page.

    A change that carries no verdict (a census, or a metric for which neither direction is better) is called
    higher, lower or unchanged.
    """
    if verdict == "with_care":
        return "use_with_care"
    if verdict == "not_comparable":
        return "not_compared"
    if verdict not in ("size_only", "changed"):
        return verdict
    if is_missing(difference):
        return "not_compared"
    return "higher" if difference > 0 else "lower" if difference < 0 else "unchanged"


def write_change(change: Mapping[str, Any], metric: Metric, book: Book, language: str) -> str:
    """How much a figure changed: points for shares, else percent, else the plain difference."""
    if metric.unit == "share":
        return format_points(change["difference"], language)
    if not is_missing(change["relative_change"]):
        return format_value(change["relative_change"], "percent", language, signed=True)
    return write_figure(change["difference"], metric, book, language, signed=True)


def metric_tile(results: Results, metric_id: str, language: str) -> Tile:
    """The tile of one metric under the run's own variant: value, interval, changes that can be judged, trend."""
    book = results.book
    variant = book.settings.variants.get(metric_id, DEFAULT)
    metric, found = book.catalogue.metric(metric_id, variant), results.kpi(metric_id)
    if isinstance(found, NotMeasured):
        return Tile(metric.name.in_(language), MISSING, write_reason(found.reason, book, language))
    return Tile(
        name=metric.name.in_(language),
        value=write_figure(found["value"], metric, book, language),
        interval=write_interval(found, metric, book, language),
        changes=_changes(results, metric, language),
        trend=trend_of(results, metric),
        show=lambda value: write_figure(value, metric, book, language),
    )


def _changes(results: Results, metric: Metric, language: str) -> list[tuple[str, str]]:
    changes = results.changes
    rows = changes[
        (changes["metric"] == metric.id) & (changes["variant"] == metric.variant) & changes["by"].isna()
        & (changes["verdict"] != "not_comparable")
    ]  # fmt: skip
    return [
        (
            label(
                "customer_value.change_on", language, base=row["base_period"],
                change=write_change(row, metric, results.book, language),
            ),
            page_verdict(row["verdict"], row["difference"]),
        )
        for row in rows.to_dict("records")
    ]  # fmt: skip


def trend_of(results: Results, metric: Metric) -> list[float]:
    """The metric in the last windows of the run, oldest first; empty where only one of them has a value."""
    kpis, whole = results.kpis, [w.label for w in results.book.windows if not w.label.endswith("d]")]
    rows = kpis[(kpis["metric"] == metric.id) & (kpis["variant"] == metric.variant) & kpis["by"].isna()]
    values = rows.set_index("period")["value"].reindex(whole[-results.book.settings.sparkline_periods :])
    known = [value for value in values.astype(float) if math.isfinite(value)]
    return list(values.astype(float)) if len(known) > 1 else []


def figures_of(results: Results, metrics: list[Metric], language: str) -> pd.DataFrame:
    """The company's figures of the period under the metrics given, one row each, ready to be shown.

    Columns: ``metric, variant, value, low, high, n, unit, decimals, reason, interval_reason``; ``reason`` says
    in words why there is no value, ``interval_reason`` why a value stands without an interval.
    """
    kpis, book = results.kpis, results.book
    now = kpis[(kpis["period"] == book.window.label) & kpis["by"].isna()].set_index(["metric", "variant"])
    rows = []
    for metric in metrics:
        key = (metric.id, metric.variant)
        found = now.loc[key].to_dict() if key in now.index else {"reason": "metric_absent"}
        words = write_reason(found.get("reason"), book, language)
        has_value = not is_missing(found.get("value"))
        rows.append({
            "metric": metric.id, "variant": metric.variant, "unit": UNITS[metric.unit],
            "decimals": 0 if metric.unit == "count" else None,
            **{name: found.get(name) for name in ("value", "low", "high")},
            "n": found.get("n") if has_value else None,
            "reason": "" if has_value else words, "interval_reason": words,
        })  # fmt: skip
    return pd.DataFrame(rows)
