"""What the data-quality page shows of settings: those in force, files, absent tables, other definitions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pandas as pd

from analysis.catalogue import DEFAULT, Metric, Text, label
from analysis.facts import Book
from analysis.params import Exclusion
from analysis.report.examples_shown import say_example
from analysis.report.kpis_shown import kpi_rows, not_measured_list, say_reason, say_value, variant_name
from analysis.report.numbers_shown import format_date, format_percent
from analysis.report.pages.customer_value_rows import model_name
from analysis.suite import Results

HASH_DIGITS = 16

SETTINGS_SHOWN: dict[str, tuple[str, ...]] = {
    "data": (
        "currency", "time_zone", "fiscal_year_start_month", "data_through", "settle_days",
        "max_rejected_share", "first_possible_date", "exclusions",
    ),
    "customers": (
        "activity_window_days", "frequent_orders", "new_customers_by", "customer_base", "renewal_grace_days",
    ),
    "sales": ("lead_conversion_days", "stage_conversion_days"),
    "service": (
        "survey_answer_days", "survey_minimum_answers", "survey_maximum_age_days", "first_contact_days",
        "self_service_days", "service_level_seconds", "working_hours", "holidays_country", "comment_themes",
        "comment_words_ignored",
    ),
    "value": (
        "gross_margin", "discount_rate_per_year", "horizon_quarters", "lifetime_cap_years", "model",
        "at_risk_p_alive", "at_risk_value_share", "model_draws", "random_seed",
    ),
    "judging": ("confidence_level", "small_sample", "sparkline_periods", "dimensions", "variants"),
}  # fmt: skip
"""The settings that change numbers, in the order they are shown."""

SETTINGS_LEFT_OUT = (
    "company", "company_id", "languages", "headline_metrics", "pages", "own_pages", "engine", "tables",
    "analyst_edition", "pdf", "smallest_cell", "mail", "page_timeout_minutes", "value_names",
)  # fmt: skip
"""Those that change only what is shown or where it runs; tables have a section of their own."""

SHARES = (
    "max_rejected_share", "gross_margin", "discount_rate_per_year", "at_risk_p_alive", "at_risk_value_share",
    "confidence_level",
)  # fmt: skip


# --- settings, inputs, absent tables ------------------------------------------------------------------


def setting_rows(book: Book, language: str) -> pd.DataFrame:
    """The settings that change numbers: ``section, name, key, value, meaning``."""
    rows = []
    for section, keys in SETTINGS_SHOWN.items():
        for key in keys:
            rows.append({
                "section": label(f"data_quality.settings_{section}", language), "key": key,
                "name": label(f"data_quality.setting_{key}", language),
                "value": setting_value(key, getattr(book.settings, key), book, language),
                "meaning": label(f"data_quality.setting_{key}_why", language),
            })  # fmt: skip
    return pd.DataFrame(rows)


def setting_value(key: str, value: Any, book: Book, language: str) -> str:
    """A setting's value as a reader writes it; what is not set says what holds instead."""
    joined = label("kpis.name_join", language).join
    if key == "model":
        return model_name(value, language)
    if value is None or value in ({}, ()):
        return label(f"data_quality.unset_{key}", language)
    if key in SHARES:
        return format_percent(value, language, decimals=0 if round(100 * value, 6).is_integer() else None)
    if key == "dimensions":
        return joined(book.catalogue.dimensions[name].name.in_(language) for name in value)
    if key == "variants":
        return joined(_chosen_variant(book, name, variant, language) for name, variant in value.items())
    if key == "working_hours":
        return joined(f"{label(f'data_quality.day_{day}', language)} {hours}" for day, hours in value.items())
    if key in ("comment_themes", "comment_words_ignored"):
        return joined(value)
    if key == "exclusions":
        return joined(_exclusion(name, rule, language) for name, rule in value.items())
    if isinstance(value, date):
        return format_date(value, language)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _chosen_variant(book: Book, metric_id: str, variant: str, language: str) -> str:
    metric = book.catalogue.metric(metric_id, variant)
    name, definition = metric.name.in_(language), _definition(metric, language)
    return label("data_quality.chosen", language, metric=name, variant=definition)


def _definition(metric: Metric, language: str) -> str:
    """What the definition is called that a metric is under."""
    return variant_name(metric, language) or label("data_quality.variant_default", language)


def _exclusion(name: str, rule: Exclusion, language: str) -> str:
    parts = [label(f"data_quality.out_of_{part}", language) for part in rule.out_of]
    out_of = label("kpis.name_join", language).join(parts)
    return label("data_quality.exclusion", language, name=name, where=rule.where, out_of=out_of)


def input_rows(book: Book) -> pd.DataFrame:
    """The source files: ``file, rows, hash`` (the first digits of SHA-256)."""
    rows = [
        (name, about["rows"], about["sha256"][:HASH_DIGITS]) for name, about in book.prepared.inputs.items()
    ]
    return pd.DataFrame(rows, columns=["file", "rows", "hash"])


def absent_rows(book: Book, language: str) -> pd.DataFrame:
    """The tables not supplied, and what each would add: ``table, row, metrics, breakdowns``.

    Those that would add neither are left out.
    """
    join = label("kpis.name_join", language).join
    rows = []
    for name in book.absent:
        contract = book.catalogue.tables[name]
        breakdowns = [d.name.in_(language) for d in book.catalogue.dimensions.values() if name in d.needs]
        metrics = list(_metrics_needing(book, name, language))
        if not (metrics or breakdowns):
            continue
        rows.append({
            "table": contract.name.in_(language),
            "row": label("data_quality.row_for", language, row=contract.row.in_(language)),
            "metrics": join(metrics) or None,
            "breakdowns": join(breakdowns) or None,
        })  # fmt: skip
    return pd.DataFrame(rows, columns=["table", "row", "metrics", "breakdowns"])


def _metrics_needing(book: Book, table: str, language: str) -> Iterator[str]:
    """The metrics shown that need a table, by name; where only variants do, with these."""
    for metric in (metric for metric in book.catalogue.metrics.values() if metric.shown):
        name = metric.name.in_(language)
        needing = [variant for variant in metric.all_variants() if table in variant.needs]
        if any(variant.variant == DEFAULT for variant in needing):
            yield name
        elif needing:
            variants = label("kpis.name_join", language).join(_definition(each, language) for each in needing)
            yield label("data_quality.with_variants", language, name=name, variants=variants)


# --- one metric under every definition ----------------------------------------------------------------


def variant_rows(results: Results, language: str) -> tuple[pd.DataFrame, list[str]]:
    """The metrics that have several definitions (口径), one row each: the chosen one's figure, the others beside it.

    Returns
    -------
    rows, not_measured
        Rows: ``family`` (the section), ``metric, name`` (of the chosen definition, if it is not the default),
        ``value, low, high, unit, reason, others`` (the other definitions with their values, in words). Metrics
        with no value under any definition are not among them but named, with the reason, in ``not_measured``.
    """
    book = results.book
    several = [metric for metric in book.catalogue.metrics.values() if metric.variants and metric.shown]
    rows = kpi_rows(results, [variant for metric in several for variant in metric.all_variants()])
    named = zip(rows["metric"], rows["variant"], strict=True)
    rows["is_in_use"] = [_is_in_use(book, *one) for one in named]
    has_value = rows["value"].notna().groupby(rows["metric"]).transform("any")
    chosen = rows[rows["is_in_use"]]
    shown = chosen[has_value[chosen.index]]
    others = dict(list(rows[~rows["is_in_use"]].groupby("metric")))
    side_by_side = [
        _side_by_side(results, row, others[row["metric"]], language) for row in shown.to_dict("records")
    ]
    absent = not_measured_list(results, chosen[~has_value[chosen.index]], language)
    columns = ["family", "metric", "name", "value", "low", "high", "unit", "reason", "others"]
    return pd.DataFrame(side_by_side, columns=columns), absent


def _is_in_use(book: Book, metric_id: str, variant: str) -> bool:
    return book.settings.variants.get(metric_id, DEFAULT) == variant


def _side_by_side(
    results: Results, row: dict[str, Any], others: pd.DataFrame, language: str
) -> dict[str, Any]:
    book = results.book
    metric = book.catalogue.metric(row["metric"], row["variant"])
    told = [_other(book, other, language) for other in others.to_dict("records")]
    return {
        **{name: row[name] for name in ("value", "low", "high", "unit")},
        "family": label(f"scorecard.family_{metric.family}", language),
        "metric": metric.name.in_(language),
        "name": variant_name(metric, language) or None,
        "reason": say_reason(row["reason"], book, language),
        "others": label("kpis.list_join", language).join(told),
    }


def _other(book: Book, row: dict[str, Any], language: str) -> str:
    """Another definition with its value: ``over all customers 30.2%``."""
    metric = book.catalogue.metric(row["metric"], row["variant"])
    value = say_value(row["value"], metric, book, language)
    return label("data_quality.variant_value", language, name=_definition(metric, language), value=value)


# --- worked examples ----------------------------------------------------------------------------------


def example_rows(book: Book, language: str) -> pd.DataFrame:
    """The definitions with an example or a misprint in a source document: ``metric, name, example, printed``."""
    rows = [
        {
            "metric": metric.name.in_(language),
            "name": variant_name(metric, language) or None,
            "example": say_example(metric, book, language) or None,
            "printed": ("" if language == "zh" else " ").join(text.in_(language) for text in texts),
        }
        for record in book.catalogue.metrics.values()
        for metric in record.all_variants()
        if metric.one_of is None and (texts := _own_remarks(metric, record))
    ]
    return pd.DataFrame(rows, columns=["metric", "name", "example", "printed"])


def _own_remarks(metric: Metric, record: Metric) -> list[Text]:
    """What is said of a definition's example and of what is printed, unless the default definition says it."""
    example = metric.example if metric is record or metric.example != record.example else None
    misprint = metric.misprint if metric is record or metric.misprint != record.misprint else None
    return [text for text in (example.note if example else None, misprint) if text]
