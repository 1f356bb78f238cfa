"""Every target of the period: the figure on a line with it, the verdict, and how probable it is that it is reached."""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup

from analysis.appraisal.targets import judge_targets
from analysis.catalogue import Metric, label
from analysis.facts import Book, NotMeasured
from analysis.report.kpis_shown import metric_name, say_interval, say_level, say_period, say_reason, unit_of
from analysis.report.links import definition_href
from analysis.report.numbers_shown import format_percent, is_missing
from analysis.report.pages.linked_sentences import nothing_to_list
from analysis.report.per_language import html_per_language
from analysis.report.tables_shown import Column, table_html
from analysis.suite import Results


@html_per_language
def show_targets(results: Results, *, language: str) -> Markup:
    """Every target of the period: figure with interval, target, verdict, and how probable it is that it is reached."""
    book, judged = results.book, judge_targets(results)
    if isinstance(judged, NotMeasured):
        table = book.catalogue.tables["targets"].name.in_(language)
        return nothing_to_list(label("appraisal.targets_none", language, table=table))
    columns = [
        Column("name", label("kpis.metric", language), link_from="definition"),
        Column("value", label("appraisal.targets_value", language), unit_from="unit", strong=True,
               detail_from="interval", reason_from="why_no_value"),
        Column("picture", label("appraisal.targets_picture", language), shown_as="markup"),
        Column("target", label("appraisal.targets_target", language), unit_from="unit", reason_from="why_no_target"),
        Column("verdict", label("appraisal.targets_verdict", language), shown_as="verdict"),
        Column("probability", label("appraisal.targets_probability", language), detail_from="words",
               reason_from="why_not"),
    ]  # fmt: skip
    period = say_period(book.window.label, book, language)
    table = table_html(
        target_rows(results, judged, language), columns, language=language, phone="cards",
        currency=book.settings.currency, note=_targets_note(book, language),
        caption=label("appraisal.targets_caption", language, period=period),
    )  # fmt: skip
    return Markup('<div class="wb-targets">{}</div>').format(table)


def target_rows(results: Results, judged: pd.DataFrame, language: str) -> pd.DataFrame:
    """The targets as they are shown, misses first: names, pictures, verdicts, probabilities in words."""
    rows = [_target_cells(results.book, row, language) for row in judged.itertuples()]
    # as objects, because a column of texts would take the markup of pictures for text
    return pd.DataFrame(rows, dtype=object).astype({"value": float, "target": float})


def _target_cells(book: Book, row: Any, language: str) -> dict[str, Any]:
    known = row.metric in book.catalogue.metrics
    metric = book.catalogue.metric(row.metric, row.variant) if known else None
    why = say_reason(row.reason, book, language) if row.verdict in ("not_compared", "undetermined") else None
    has_probability = not is_missing(row.probability)
    return {
        "name": metric_name(metric, language) if metric else row.metric,
        "definition": definition_href(row.metric) if metric else None,
        "unit": unit_of(metric) if metric else "number",
        "value": row.value, "target": row.target, "verdict": row.verdict,
        "interval": _interval_of(row, metric, book, language) if metric else None,
        "picture": bullet(row, language) if metric and row.verdict != "not_compared" else None,
        "probability": say_probability(row.probability, language) if has_probability else
            label("appraisal.exact", language) if row.method == "exact" else None,
        "words": probability_words(row, book, language) if has_probability else None,
        "why_not": why, "why_no_value": why, "why_no_target": why,
    }  # fmt: skip


def _interval_of(row: Any, metric: Metric, book: Book, language: str) -> str | None:
    return None if is_missing(row.low) or is_missing(row.high) else say_interval(
        row.low, row.high, metric, book, language
    )  # fmt: skip


def say_probability(probability: float, language: str) -> str:
    """A probability as percent, without pretending to know more than a hundredth."""
    if probability < 0.01:
        return label("appraisal.probability_low", language)
    if probability > 0.99:
        return label("appraisal.probability_high", language)
    return format_percent(probability, language, decimals=0)


def probability_words(row: Any, book: Book, language: str) -> str:
    """The probability in words, from ``practically ruled out`` over ``open`` to ``practically certain``."""
    if row.verdict in ("hit", "miss"):
        return label(f"appraisal.certain_{row.verdict}", language)
    words = "unlikely" if row.probability < 0.2 else "likely" if row.probability > 0.8 else "open"
    return label(f"appraisal.{words}", language)


def bullet(row: Any, language: str, *, width: int = 132, height: int = 24) -> Markup:
    """A figure and its target on one line: the interval, a dot for the value, a bar for the target."""
    ends = [end for end in (row.low, row.high, row.value, row.target) if not is_missing(end)]
    low, high = min(ends), max(ends)
    room = 0.12 * (high - low) or 1.0

    def x(value: float) -> float:
        return round(6 + (width - 12) * (value - low + room) / (high - low + 2 * room), 1)

    middle, has_range = height / 2, not (is_missing(row.low) or is_missing(row.high))
    line = Markup('<line class="wb-bullet-range" x1="{}" x2="{}" y1="{}" y2="{}"/>')
    parts = [
        Markup('<line class="wb-bullet-axis" x1="0" x2="{}" y1="{}" y2="{}"/>').format(width, middle, middle),
        line.format(x(row.low), x(row.high), middle, middle) if has_range else Markup(""),
        Markup('<line class="wb-bullet-target" x1="{}" x2="{}" y1="3" y2="{}"/>').format(
            x(row.target), x(row.target), height - 3
        ),
        Markup('<circle class="wb-bullet-value" cx="{}" cy="{}" r="4.5"/>').format(x(row.value), middle),
    ]  # fmt: skip
    tone = {"hit": "good", "miss": "bad"}.get(row.verdict, "quiet")
    return Markup(
        '<svg class="wb-bullet wb-{}" width="{}" height="{}" viewBox="0 0 {} {}" aria-hidden="true">{}</svg>'
    ).format(tone, width, height, width, height, Markup("").join(parts))


def _targets_note(book: Book, language: str) -> str:
    if book.window.is_partial:
        return label("appraisal.targets_running_note", language)
    rest = format_percent(1 - book.settings.confidence_level, language, decimals=0)
    return label("appraisal.targets_note", language, level=say_level(book, language), rest=rest)
