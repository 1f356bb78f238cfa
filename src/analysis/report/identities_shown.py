"""The things that must add up, in the reader's words: what a check is asked of."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.catalogue import DEFAULT, UnknownName, label
from analysis.facts import Book
from analysis.report.kpis_shown import group_name, metric_name, say_period


def say_subjects(checks: pd.DataFrame, book: Book, language: str) -> list[str]:
    """What each check is asked of: ``Revenue, 2026Q3, by Value band``."""
    return [say_subject(check, book, language) for check in checks.to_dict("records")]


def say_subject(check: dict[str, Any], book: Book, language: str) -> str:
    """What one check is asked of; where it names nothing of that, the subject as it stands."""
    named = {name: check.get(name) for name in ("metric", "cohort", "stage", "table", "period", "by")}
    parts = [
        _say(name, value, check, book, language) for name, value in named.items() if isinstance(value, str)
    ]
    return label("kpis.name_join", language).join(parts) or str(check["subject"])


def _say(name: str, value: str, check: dict[str, Any], book: Book, language: str) -> str:
    if name == "metric":
        return _metric(value, check.get("variant"), book, language)
    if name == "period":
        return say_period(value, book, language)
    if name == "by":
        dimension = book.catalogue.dimensions[value].name.in_(language)
        return label("data_quality.subject_by", language, dimension=dimension)
    if name == "stage":
        value = group_name(book, "stage", value, language)
    if name == "table":
        value = book.catalogue.tables[value].name.in_(language)
    return label(f"data_quality.subject_{name}", language, **{name: value})


def _metric(metric_id: str, variant: Any, book: Book, language: str) -> str:
    try:
        metric = book.catalogue.metric(metric_id, variant if isinstance(variant, str) else DEFAULT)
    except UnknownName:
        return metric_id
    return metric_name(metric, language)
