"""The worked examples of definitions, in the reader's words."""

from __future__ import annotations

from analysis.catalogue import Metric, label
from analysis.facts import Book
from analysis.report.kpis_shown import say_value, unit_of
from analysis.report.numbers_shown import format_value


def say_example(metric: Metric, book: Book, language: str) -> str:
    """What goes in and what comes out: ``Marketing cost €100,000, New customers 1,000 → €100``; empty without one."""
    if metric.example is None:
        return ""
    given = [_given(name, value, book, language) for name, value in metric.example.given.items()]
    listed = label("kpis.name_join", language).join(given)
    return f"{listed} → {say_value(metric.example.gives, metric, book, language)}"


def _given(name: str, value: float, book: Book, language: str) -> str:
    """One number that goes in, under the name of its metric or setting; another column under its own."""
    metric, shift = _metric(name, book)
    if metric is None:
        is_setting = name in book.setting_values
        words = label(f"data_quality.setting_{name}", language) if is_setting else name
        return f"{words} {format_value(value, 'number', language)}"
    words = metric.name.in_(language) + (label(f"definitions.shift_{shift}", language) if shift else "")
    return f"{words} {format_value(value, unit_of(metric), language, currency=book.settings.currency)}"


def _metric(name: str, book: Book) -> tuple[Metric | None, str]:
    """The metric that a formula's name, or the column that it counts by, stands for, and the period meant."""
    metrics = book.catalogue.metrics
    head, _, shift = name.rpartition(".")
    if name in metrics or head in metrics:
        return (metrics[name], "") if name in metrics else (metrics[head], shift)
    counting = (metric for metric in metrics.values() if metric.kind == "count" and metric.where == name)
    return next(counting, None), ""
