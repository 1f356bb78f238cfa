"""Data quality: what was read and left out, what the data cover, what adds up, what the numbers mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from analysis.catalogue import label
from analysis.facts import Book, NotMeasured
from analysis.report.pages.data_quality_rows import (
    activity_words,
    broken_rows,
    identity_rows,
    number,
    orders_by_day,
    read_rows,
    rejected_rows,
    window_rows,
)
from analysis.report.pages.definitions import show_definitions
from analysis.report.pages.settings_rows import (
    HASH_DIGITS,
    absent_rows,
    example_rows,
    input_rows,
    setting_rows,
    variant_rows,
)
from analysis.report.per_language import html_per_language
from analysis.report.remarks_shown import callout
from analysis.report.tables_shown import Column, table_html
from analysis.suite import Results
from analysis.tables.prepared import suggest_activity_window_days

__all__ = [
    "show_absent_tables", "show_activity_window", "show_definitions", "show_examples", "show_identities",
    "show_inputs", "show_rejected", "show_settings", "show_tables_read", "show_variants", "show_windows",
]  # fmt: skip

FIRST_REJECTED = 20


def _words(key: str, language: str, **values: object) -> str:
    return label(f"data_quality.{key}", language, **values)


def _column(key: str, heading: str, language: str, unit: str = "text", **options: Any) -> Column:
    return Column(key, _words(f"head_{heading}", language), unit, **options)


def _table(
    rows: pd.DataFrame, columns: Sequence[Column], name: str, book: Book, language: str, **options: Any
) -> Markup:
    """A table of the page, under the caption that its name has in the words of the page."""
    caption, currency = _words(f"{name}_caption", language), book.settings.currency
    return table_html(rows, columns, caption=caption, language=language, currency=currency, **options)


@html_per_language
def show_tables_read(results: Results, *, language: str) -> Markup | NotMeasured:
    """Every table with its rows read, rejected by rule, kept, and kept but excluded; with amounts."""
    rows = read_rows(results, language)
    if rows.empty:
        return NotMeasured("no_rows")
    columns = [
        _column("what", "what", language, detail_from="words"),
        _column("rows", "rows", language, "number", decimals=0, strong=True),
        _column("share", "share_read", language, "percent"),
        _column("amount", "amount", language, "money"),
        _column("first_row", "first_row", language, "number", decimals=0),
    ]
    note = _words("read_note", language)
    return _table(rows, columns, "read", results.book, language, note=note, group_by="table", phone="cards")


@html_per_language
def show_rejected(results: Results, n: int = FIRST_REJECTED, *, language: str) -> Markup:
    """The first rejected rows with what was found and what to do, and where all of them are."""
    total = len(results.rejected)
    if not total:
        return callout(_words("none_rejected", language), language)
    rows = rejected_rows(results, n, language)
    columns = [
        _column("row", "source_row", language, "number", decimals=0, detail_from="file"),
        _column("column", "column", language),
        _column("found", "found", language),
        _column("words", "rule", language),
    ]
    note = _words("rejected_note", language, shown=number(len(rows), language), total=number(total, language))
    return _table(rows, columns, "rejected", results.book, language, note=note, phone="cards")


@html_per_language
def show_windows(results: Results, *, language: str) -> Markup:
    """The days the data cover, the days measured, and the days they are compared with."""
    book = results.book
    columns = [
        _column("name", "window", language, detail_from="period"),
        _column("range", "range", language),
        _column("days", "days", language, "number", decimals=0),
        _column("covered", "covered", language),
    ]
    note = _words("windows_partial", language) if book.window.is_partial else None
    rows = window_rows(book, orders_by_day(book), language)
    return _table(rows, columns, "windows", results.book, language, note=note, phone="cards")


@html_per_language
def show_activity_window(results: Results, *, language: str) -> Markup:
    """Whether the days after which a silent customer counts as lost fit the gaps between orders."""
    book = results.book
    suggested = suggest_activity_window_days(book.prepared, book.settings.engine)
    words = activity_words(book.settings.activity_window_days, suggested, language)
    return callout(words, language, title=_words("activity_title", language))


@html_per_language
def show_identities(results: Results, *, language: str) -> Markup:
    """What must add up, how often it was asked, and every check that does not hold."""
    checks = len(results.identities)
    if results.is_reconciled:
        summary = callout(_words("all_hold", language, checks=number(checks, language)), language)
    else:
        broken = number((~results.identities["holds"].astype(bool)).sum(), language)
        words = _words("some_broken", language, broken=broken, checks=number(checks, language))
        summary = callout(words, language, kind="unreconciled")
    columns = [
        _column("words", "identity", language),
        _column("checks", "checks", language, "number", decimals=0),
        _column("state", "state", language),
    ]
    table = _table(identity_rows(results, language), columns, "identities", results.book, language)
    return summary + table + _broken(results, language)


def _broken(results: Results, language: str) -> Markup:
    rows = broken_rows(results, language)
    if rows.empty:
        return Markup("")
    columns = [
        _column("words", "identity", language, detail_from="subject"),
        _column("left", "left", language, "number"),
        _column("relation", "relation", language),
        _column("right", "right", language, "number"),
    ]
    return _table(rows, columns, "broken", results.book, language, phone="cards")


@html_per_language
def show_settings(results: Results, *, language: str) -> Markup:
    """The settings that change numbers, as they were in this run, each with its reason."""
    columns = [
        _column("name", "setting", language, detail_from="key"),
        _column("value", "setting_value", language, strong=True),
        _column("meaning", "reason", language),
    ]
    rows = setting_rows(results.book, language)
    return _table(rows, columns, "settings", results.book, language, group_by="section", phone="cards")


@html_per_language
def show_inputs(results: Results, *, language: str) -> Markup:
    """The files this run read, their rows and the hash that tells whether one was changed since."""
    book = results.book
    columns = [
        _column("file", "file", language),
        _column("rows", "rows", language, "number", decimals=0),
        _column("hash", "hash", language),
    ]
    hashes = {"prepared": book.prepared.content_hash, "run": book.fingerprint}
    note = _words("inputs_note", language, digits=HASH_DIGITS, **hashes)
    return _table(input_rows(book), columns, "inputs", book, language, note=note)


@html_per_language
def show_absent_tables(results: Results, *, language: str) -> Markup:
    """The tables the company does not supply, with the metrics and breakdowns each would add."""
    rows = absent_rows(results.book, language)
    if rows.empty:
        return callout(_words("none_absent", language), language)
    columns = [
        _column("table", "table", language, detail_from="row"),
        _column("metrics", "adds_metrics", language),
        _column("breakdowns", "adds_breakdowns", language),
    ]
    return _table(rows, columns, "absent", results.book, language, phone="cards")


@html_per_language
def show_variants(results: Results, *, language: str) -> Markup:
    """Every metric that can be defined in several ways: the figure used, and what the others would give beside it."""
    columns = [
        _column("metric", "metric", language, detail_from="name"),
        _column("value", "in_use", language, unit_from="unit", strong=True, reason_from="reason"),
        _column("low", "interval", language, unit_from="unit", high="high"),
        _column("others", "other_definitions", language),
    ]
    rows, absent = variant_rows(results, language)
    notes = [_words("variants_note", language)]
    if absent:
        listed = label("kpis.list_join", language).join(absent)
        notes.append(_words("variants_not_measured", language, list=listed))
    look = {"note": ("" if language == "zh" else " ").join(notes), "group_by": "family", "phone": "cards"}
    return _table(rows, columns, "variants", results.book, language, **look)


@html_per_language
def show_examples(results: Results, *, language: str) -> Markup:
    """The worked examples of the source documents, and where what they print is not what their formula gives."""
    columns = [
        _column("metric", "metric", language, detail_from="name"),
        _column("example", "example", language),
        _column("printed", "printed", language),
    ]
    note = _words("examples_note", language)
    rows = example_rows(results.book, language)
    return _table(rows, columns, "examples", results.book, language, note=note, phone="cards")
