"""Complaints by definition and topic, and what is said in public."""

from __future__ import annotations

import pandas as pd
from markupsafe import Markup

from analysis.facts import NotMeasured
from analysis.report.kpi_tables import interval_column, kpi_block, with_variants
from analysis.report.kpis_shown import group_name, join_sentences
from analysis.report.pages.complaints_rows import complaint_topics, mention_platforms
from analysis.report.pages.satisfaction_rows import metric_of
from analysis.report.pages.satisfaction_words import caption_of, small_marks, why_not, words
from analysis.report.per_language import html_per_language
from analysis.report.remarks_shown import callout
from analysis.report.tables_shown import Column, table_html
from analysis.suite import Results

MOST_TOPICS = 10


@html_per_language
def show_complaints(results: Results, *, language: str) -> Markup:
    """Complaints under every definition, how severe they are, and what they are about."""
    caption = caption_of("complaints_caption", results, language)
    metrics = with_variants(results.book, ["complaint_rate", "complaint_severity"])
    table = kpi_block(results, metrics, language=language, caption=caption)
    if isinstance(results.kpi("complaint_rate"), NotMeasured):
        return table
    topics = complaint_topics(results)
    return table + (
        _topics(results, topics, language)
        if len(topics)
        else callout(words("no_complaints", language), language)
    )


def _topics(results: Results, topics: pd.DataFrame, language: str) -> Markup:
    shown = topics.head(MOST_TOPICS)
    is_cut = len(shown) < len(topics)
    cut = words("topics_cut", language, count=len(shown), all=len(topics)) if is_cut else ""
    shown = shown.assign(name=[group_name(results.book, "topic", name, language) for name in shown["topic"]])
    columns = [
        Column("name", words("topic", language)),
        Column("complaints", words("complaints", language), unit="number", strong=True),
        Column("part", words("complaints_part", language), unit="percent"),
        Column("value", words("complaints_rate", language), unit="percent"),
        interval_column(results.book, language, unit="percent"),
    ]
    return table_html(
        shown, columns, language=language, phone="cards",
        caption=caption_of("topics_caption", results, language),
        note=join_sentences([words("topics_note", language), cut], language),
    )  # fmt: skip


@html_per_language
def show_mentions(results: Results, *, language: str) -> Markup | NotMeasured:
    """What is said in public, by platform: how much, in which tone, with its interval."""
    if metric_of(results, "social_sentiment") is None or isinstance(
        results.kpi("social_sentiment"), NotMeasured
    ):
        return why_not(results, "social_sentiment", language)
    rows = mention_platforms(results)
    rows = rows.assign(
        name=[group_name(results.book, "platform", name, language) for name in rows["platform"]],
        n_detail=small_marks(rows["n"], results.book, language),
    )
    columns = [
        Column("name", words("platform", language)),
        Column("n", words("all_mentions", language), unit="number", detail_from="n_detail"),
        *(Column(tone, words(tone, language), unit="number") for tone in ("positive", "neutral", "negative")),
        Column("value", words("tone", language), unit="number", decimals=1, signed=True, strong=True),
        interval_column(results.book, language, unit="number", decimals=1),
    ]
    return table_html(
        rows, columns, language=language, phone="cards", note=words("mentions_note", language),
        caption=caption_of("mentions_caption", results, language),
    )  # fmt: skip
