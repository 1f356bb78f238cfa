"""Quality of service by dimension: expected, perceived, the gap; and the satisfaction index with its items."""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup

from analysis.catalogue import label
from analysis.facts import NotMeasured
from analysis.report.kpi_tables import interval_column, kpi_block, with_variants
from analysis.report.numbers_shown import is_missing
from analysis.report.pages.satisfaction_words import caption_of, small_marks, why_not, words
from analysis.report.pages.service_quality_rows import index_items, quality_dimensions, quality_name
from analysis.report.per_language import html_per_language
from analysis.report.tables_shown import Column, table_html
from analysis.suite import Results


@html_per_language
def show_service_quality(results: Results, *, language: str) -> Markup | NotMeasured:
    """SERVQUAL by dimension: expected, perceived, the gap with its interval, largest shortfall first."""
    rows = quality_dimensions(results)
    if rows.empty:
        return why_not(results, "servqual_gap", language)
    rows = quality_shown(rows, results, language)
    return table_html(
        rows, _quality_columns(results, language), language=language, phone="cards",
        caption=caption_of("quality_caption", results, language),
        note=words("quality_table_note", language),
    )  # fmt: skip


def quality_shown(rows: pd.DataFrame, results: Results, language: str) -> pd.DataFrame:
    """The dimensions with their names, what the gap says in words, and small samples marked."""
    return rows.assign(
        name=[quality_name(name, results.book, language) for name in rows["dimension"]],
        reading=[
            words(_reading(row, results.book.settings.small_sample), language) for row in rows.itertuples()
        ],
        n_detail=small_marks(rows["n"], results.book, language),
    )


def _reading(row: Any, small_sample: int) -> str:
    if row.n < small_sample or is_missing(row.low):
        return "too_few_to_say"
    if row.high < 0:
        return "short_of"
    return "above" if row.low > 0 else "as_expected"


def _quality_columns(results: Results, language: str) -> list[Column]:
    return [
        Column("name", words("quality_dimension", language)),
        Column("expectation", words("expectation", language), unit="number", decimals=2),
        Column("perception", words("perception", language), unit="number", decimals=2),
        Column("value", words("gap", language), unit="number", decimals=2, signed=True, strong=True),
        interval_column(results.book, language, unit="number", decimals=2),
        Column("n", label("kpis.n", language), unit="number", detail_from="n_detail"),
        Column("reading", words("against_expectation", language)),
    ]


@html_per_language
def show_satisfaction_index(results: Results, *, language: str) -> Markup:
    """The indices under every definition, and the items that the satisfaction index is made of."""
    metrics = with_variants(results.book, ["acsi_style", "servqual_gap"])
    caption = caption_of("index_caption", results, language)
    table = kpi_block(results, metrics, language=language, caption=caption)
    rows = index_items(results)
    if rows.empty:
        return table
    rows = rows.assign(
        name=[quality_name(name, results.book, language, "index") for name in rows["item"]],
        n_detail=small_marks(rows["n"], results.book, language),
    )
    columns = [
        Column("name", words("index_item", language)),
        Column("value", words("index_score", language), unit="number", decimals=1, strong=True),
        interval_column(results.book, language, unit="number", decimals=1),
        Column("n", label("kpis.n", language), unit="number", detail_from="n_detail"),
        Column("mean", words("index_mean", language), unit="number", decimals=2),
        Column("weight", words("index_weight", language), unit="percent", decimals=0),
    ]
    caption = caption_of("index_items_caption", results, language)
    return table + table_html(rows, columns, caption=caption, language=language, phone="cards")
