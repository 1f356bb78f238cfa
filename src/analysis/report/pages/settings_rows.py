"""What the data-quality page shows of settings: those in force, files, absent tables, other definitions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pandas as pd

from analysis.catalogue import DEFAULT, Metric, label
from analysis.facts import Book
from analysis.params import Exclusion
from analysis.report.explained import fill_in
from analysis.report.kpis_shown import kpi_rows, not_measured_list, say_reason, variant_name
from analysis.report.pages.customer_value_rows import model_name
from analysis.report.pages.definitions import formula_in_words
from analysis.report.tables_shown import format_date, format_percent
from analysis.suite import Results

HASH_DIGITS = 16

SETTINGS_SHOWN: dict[str, tuple[str, ...]] = {
    "data": (
        "currency", "time_zone", "fiscal_year_start_month", "data_through", "settle_days",
        "max_rejected_share", "first_possible_date", "exclusions",
    ),
    "customers": ("activity_window_days", "frequent_orders", "new_customers_by"),
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
    "company", "company_id", "languages", "headline_metrics", "pages", "engine", "tables",
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
    """The metrics that have several definitions (口径), each definition with its value in the period.

    Returns
    -------
    rows, not_measured
        Rows: ``metric`` (the section), ``name, in_use, value, low, high, n, unit, reason, formula``. Metrics
        with no value under any definition are not among them but named, with the reason, in ``not_measured``.
    """
    book = results.book
    several = [metric for metric in book.catalogue.metrics.values() if metric.variants and metric.shown]
    rows = kpi_rows(results, [variant for metric in several for variant in metric.all_variants()])
    metrics = [book.catalogue.metric(row.metric, row.variant) for row in rows.itertuples()]
    rows["is_in_use"] = [_is_in_use(book, metric) for metric in metrics]
    has_value = rows["value"].notna().groupby(rows["metric"]).transform("any")
    shown = rows.assign(
        metric=[metric.name.in_(language) for metric in metrics],
        name=[_definition(metric, language) for metric in metrics],
        in_use=[label("data_quality.in_use", language) if used else None for used in rows["is_in_use"]],
        reason=[say_reason(reason, book, language) for reason in rows["reason"]],
        formula=[_formula(metric, book, language) for metric in metrics],
        n=rows["n"].where(rows["value"].notna()),
    )
    columns = ["metric", "name", "in_use", "value", "low", "high", "n", "unit", "reason", "formula"]
    absent = not_measured_list(results, rows[~has_value & rows["is_in_use"]], language)
    return shown.loc[has_value, columns].reset_index(drop=True), absent


def _is_in_use(book: Book, metric: Metric) -> bool:
    return book.settings.variants.get(metric.id, DEFAULT) == metric.variant


def _formula(metric: Metric, book: Book, language: str) -> str:
    """How the metric is worked out, on which rows."""
    formula = fill_in(formula_in_words(metric, language), book.setting_values)
    where = fill_in(metric.where or "", book.setting_values)
    return label("data_quality.formula_where", language, formula=formula, where=where) if where else formula
