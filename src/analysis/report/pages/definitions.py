"""The definitions a page ends with: what each of its metrics means, and how its figure came to be."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
from markupsafe import Markup

from analysis.catalogue import DEFAULT, Catalogue, Metric, label, nearest
from analysis.facts import Book, NotMeasured
from analysis.params import Params, Settings
from analysis.report.examples_shown import say_example
from analysis.report.explained import (
    Explained,
    bounds_in_words,
    explain_metric,
    fill_in,
    first_rows,
    formula_kind,
)
from analysis.report.explanations_shown import Explanation, how_computed
from analysis.report.headline import headline_metrics
from analysis.report.kpis_shown import (
    chosen,
    join_sentences,
    metric_name,
    say_interval,
    say_level,
    say_value,
    unit_of,
    variant_name,
)
from analysis.report.links import TOP, definition_id, figure_id, to_page
from analysis.report.numbers_shown import format_number, format_percent, format_value, is_missing
from analysis.report.per_language import html_per_language
from analysis.report.tables_shown import Column, table_html
from analysis.suite import Results

__all__ = ["show_definitions"]

FAMILIES_OF = {
    "acquisition": ("acquisition", "sales"),
    "retention": ("retention", "loyalty"),
    "satisfaction": ("satisfaction",),
    "service": ("service",),
    "customer_value": ("value",),
}
"""The families a page is about. The scorecard explains its headline metrics, data quality lists all."""

MOST_SOURCE_COLUMNS = 7
KEY_COLUMNS = ("order_id", "customer_id", "ordered_on", "spent_on")


@html_per_language
def show_definitions(results: Results, page: str, *, language: str) -> Markup:
    """The page's metrics, each with its meaning and, folded away, formula, variant, row counts, SQL, rows.

    Raises
    ------
    KeyError
        If there is no such page.
    """
    book = results.book
    metrics = [chosen(book, metric) for metric in page_metrics(book.catalogue, book.settings, page)]
    if page == "data_quality":
        return every_definition(book, metrics, language)
    _explain_at_once(results, metrics)
    defined = Markup("").join(define(results, alike, language) for alike in _by_record(metrics))
    return Markup('<div class="wb-definitions">{}</div>').format(defined)


def _explain_at_once(results: Results, metrics: Sequence[Metric]) -> None:
    """Remember how each figure came to be, with few questions to the engine for all of them."""
    todo = [
        metric for metric in metrics if ("explained", metric.id, metric.variant) not in results.remembered
    ]
    rows = first_rows(results.book, todo)
    for metric in todo:
        its = rows.get((metric.id, metric.variant))
        results.remembered["explained", metric.id, metric.variant] = explain_metric(
            results, metric, source_rows=its
        )


def pages_of(params: Params) -> list[str]:
    """The pages of the settings that the company has a table for; its own come last unless the settings place them."""
    known, supplied = params.pages, set(params.settings.tables)
    return [
        name
        for name in dict.fromkeys([*params.settings.pages, *(own.id for own in params.settings.own_pages)])
        if not known[name].needs_any or supplied & {*known[name].needs_any}
    ]


def page_metrics(catalogue: Catalogue, settings: Settings, page: str) -> list[Metric]:
    """The metrics a page defines: its families', the headline ones on the scorecard, all on data quality."""
    if page not in catalogue.pages:
        raise KeyError(f"there is no page {page!r}{nearest(page, catalogue.pages)}")
    if page == "scorecard":
        return [catalogue.metrics[name] for name in headline_metrics(settings)]
    if page in FAMILIES_OF:
        return [m for family in FAMILIES_OF[page] for m in catalogue.families[family] if m.shown]
    return list(catalogue.metrics.values())


def _by_record(metrics: Sequence[Metric]) -> list[list[Metric]]:
    """The metrics in order, those that one record stands for together: they are defined once."""
    alike: dict[tuple[str, str], list[Metric]] = {}
    for metric in metrics:
        column, value = metric.one_of or ("", "")
        alike.setdefault((metric.id.removesuffix(f".{value}"), column), []).append(metric)
    return list(alike.values())


def define(results: Results, metrics: Sequence[Metric], language: str) -> Markup:
    """What metrics of one record mean, and folded away how their figures came to be."""
    settings = results.book.setting_values
    first, names = metrics[0], [metric_name(metric, language) for metric in metrics]
    if first.one_of:
        first = record = _record_of(first, results.book.catalogue)
        names[1:] = [name[len(record.name.in_(language)) :].lstrip(":： ") for name in names[1:]]
    return Markup(
        '<div class="wb-definition"><div class="wb-prose"><p><strong>{}</strong><br>{}</p></div>{}</div>'
    ).format(
        label("kpis.name_join", language).join(names),
        meaning_of(first, settings, language),
        how_computed(
            [explanation(results, metric, language) for metric in metrics], language,
            see_also=see_also(metrics[0], results.book, language),
        ),
    )  # fmt: skip


def see_also(metric: Metric, book: Book, language: str) -> list[Markup]:
    """Where else a metric stands: in the scorecard, on its page, among all definitions; as far as the run holds it."""
    page = next((name for name, families in FAMILIES_OF.items() if metric.family in families), "")
    known = book.catalogue.pages
    places = [("scorecard", figure_id(metric.id)), (page, TOP), ("data_quality", definition_id(metric.id))]
    return [
        to_page(name, known[name].title.in_(language), place, or_nothing=True)
        for name, place in places
        if name in known
    ]


def _record_of(metric: Metric, catalogue: Catalogue) -> Metric:
    """The record that stands for a metric and others like it, under the same definition."""
    column, value = metric.one_of
    record_id = metric.id.removesuffix(f".{value}")
    record = next(each for each in catalogue.records if (each.id, each.each) == (record_id, column))
    return record.under(metric.variant)


def meaning_of(metric: Metric, settings: dict[str, Any], language: str) -> str:
    """The definition in words with the run's settings filled in, and what is to be noted of it."""
    values = {name: _plain(value) for name, value in settings.items()}
    meaning = fill_in(metric.meaning.in_(language), values, language)
    end = "。" if language == "zh" else "."
    notes = [text.in_(language) for text in (metric.note, metric.misprint) if text]
    return ("" if language == "zh" else " ").join([f"{meaning}{end}", *notes])


def explanation(results: Results, metric: Metric, language: str) -> Explanation:
    """How the period's figure of a metric came to be, in words."""
    _explain_at_once(results, [metric])
    explained = results.remembered["explained", metric.id, metric.variant]
    return Explanation(
        name=figure_line(results, metric, language),
        place=definition_id(metric.id),
        formula=formula_in_words(metric, language),
        variant=variants_in_words(results, metric, language),
        filters=conditions(explained, results.book, language),
        counts=counts(explained, language),
        example=say_example(metric, results.book, language),
        sql=explained.sql,
        source_rows=source_rows(explained),
    )


def figure_line(results: Results, metric: Metric, language: str) -> str:
    """The figure itself: ``Customer retention rate, 1997Q4: 68.7% (95% interval 67.6–69.7%)``."""
    name = f"{metric_name(metric, language)} {results.book.window.label}"
    figure = results.kpi(metric.id, metric.variant)
    if isinstance(figure, NotMeasured):
        return label("definitions.not_now", language, name=name)
    value = say_value(figure["value"], metric, results.book, language)
    return label(
        "definitions.this_run",
        language,
        name=name,
        value=value,
        rest=_interval(figure, metric, results.book, language),
    )


def _interval(figure: pd.Series, metric: Metric, book: Book, language: str) -> str:
    if is_missing(figure["low"]) or is_missing(figure["high"]):
        return ""
    interval = say_interval(figure["low"], figure["high"], metric, book, language)
    text = label("definitions.interval", language, level=say_level(book, language), interval=interval)
    return label("definitions.in_brackets", language, text=text)


def formula_in_words(metric: Metric, language: str) -> str:
    """What the metric is, in the columns of its fact or in other metrics' names."""
    fields = metric.model_dump()
    fields["top"] = "" if metric.top is None else format_percent(metric.top, language, decimals=0)
    return label(f"definitions.formula_{formula_kind(metric)}", language, **fields)


def variants_in_words(results: Results, metric: Metric, language: str) -> str:
    """The variant in use, and what the others would give."""
    book = results.book
    name = variant_name(metric, language) or label("definitions.variant_default", language)
    told = [label("definitions.variant_in_use", language, name=name)]
    others = [
        other for other in book.catalogue.metrics[metric.id].all_variants() if other.variant != metric.variant
    ]
    if others:
        listed = label("kpis.list_join", language).join(
            _variant_value(results, other, language) for other in others
        )
        told.append(label("definitions.other_variants", language, list=listed))
    return join_sentences(told, language)


def _variant_value(results: Results, metric: Metric, language: str) -> str:
    name = variant_name(metric, language) or label("definitions.variant_default", language)
    figure = results.kpi(metric.id, metric.variant)
    if isinstance(figure, NotMeasured):
        return name
    return label(
        "definitions.variant_value",
        language,
        name=name,
        value=say_value(figure["value"], metric, results.book, language),
    )


def conditions(explained: Explained, book: Book, language: str) -> list[str]:
    """The fact, the condition on its rows, the settings it depends on, the figures it is worked out from."""
    metric = explained.metric
    told = [label("definitions.fact", language, fact=metric.fact)] if metric.fact else []
    told += [label("definitions.where", language, condition=metric.where)] if metric.where else []
    told += bounds_in_words(metric, language)
    told += [
        label("definitions.setting", language, name=name, value=_plain(value))
        for name, value in explained.settings.items()
    ]
    return told + [
        label("definitions.operand", language, name=name, value=_operand(name, value, book, language))
        for name, value in explained.operands.items()
    ]


def _operand(name: str, value: float | None, book: Book, language: str) -> str:
    """An operand in its own unit; a shift such as ``.previous`` does not change what it is."""
    metric = book.catalogue.metrics.get(name.partition(".")[0])
    unit = unit_of(metric) if metric else "number"
    return format_value(value, unit, language, currency=book.settings.currency)


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def counts(explained: Explained, language: str) -> dict[str, Any]:
    """n, numerator and denominator of the figure, those that there are."""
    given = {name: explained.estimate.get(name) for name in ("n", "numerator", "denominator")}
    return {
        label(f"definitions.count_{name}", language): value
        for name, value in given.items()
        if not is_missing(value)
    }


def source_rows(explained: Explained) -> pd.DataFrame | None:
    """The first rows that enter the figure, with the columns that name them and those it is made of."""
    rows, metric = explained.source_rows, explained.metric
    if rows is None or rows.empty:
        return None
    named = set(re.findall(r"\w+", " ".join(text for text in (metric.where, metric.of, metric.per) if text)))
    keys = [name for name in KEY_COLUMNS if name in rows.columns]
    used = [name for name in rows.columns if name in named and name not in keys]
    return _as_text(rows[[*keys, *used][:MOST_SOURCE_COLUMNS]])


def _as_text(rows: pd.DataFrame) -> pd.DataFrame:
    """Values as they stand in the fact: days without a time of day, numbers with the digits they have."""
    days = {name: rows[name].dt.strftime("%Y-%m-%d") for name in rows.select_dtypes("datetime")}
    numbers = {name: rows[name].map(_number, na_action="ignore") for name in rows.select_dtypes("float")}
    return rows.assign(**days, **numbers)


def _number(value: float) -> str:
    return format_number(value, "en", decimals=0 if value.is_integer() else 2)


# --- the data-quality page's list -----------------------------------------------------------------


def every_definition(book: Book, metrics: list[Metric], language: str) -> Markup:
    """All metrics, each family folded away: name, meaning, formula, and the formulas of other definitions."""
    families: dict[str, list[list[Metric]]] = {}
    for alike in _by_record(metrics):
        families.setdefault(alike[0].family, []).append(alike)
    return Markup("").join(_family(book, name, records, language) for name, records in families.items())


def _family(book: Book, name: str, records: list[list[Metric]], language: str) -> Markup:
    family = label(f"scorecard.family_{name}", language)
    rows = pd.DataFrame([_definition_row(book, alike, language) for alike in records])
    below = {"metric": "id", "meaning": None, "formula": "other"}
    columns = [
        Column(key, label(f"definitions.{key}", language), detail_from=detail)
        for key, detail in below.items()
    ]
    columns[0] = replace(columns[0], link_from="figure", ids_from="places")
    caption = label("definitions.family_caption", language, family=family)
    table = table_html(rows, columns, caption=caption, language=language, phone="cards")
    summary = label("definitions.family", language, family=family, count=len(records))
    return Markup('<details class="wb-fold wb-chapter"><summary>{}</summary>{}</details>').format(
        summary, table
    )


def _definition_row(book: Book, alike: list[Metric], language: str) -> dict[str, str | None]:
    """One definition; of metrics that one record stands for, the record's."""
    metric = _record_of(alike[0], book.catalogue) if alike[0].one_of else alike[0]
    name = f"{metric.id}.<{metric.each}>" if metric.each else metric.id
    record = metric if metric.each else book.catalogue.metrics[metric.id]
    others = [other for other in record.all_variants() if other.variant != metric.variant]
    listed = label("kpis.list_join", language).join(_other(each, book, language) for each in others)
    return {
        "metric": metric_name(metric, language),
        "figure": f"#{figure_id(alike[0].id)}",
        "places": " ".join(definition_id(each.id) for each in alike),
        "id": name if metric.variant == DEFAULT else f"{name}.{metric.variant}",
        "meaning": meaning_of(metric, book.setting_values, language),
        "formula": _whole_formula(metric, book, language),
        "other": label("definitions.others", language, list=listed) if others else None,
    }


def _other(metric: Metric, book: Book, language: str) -> str:
    name = variant_name(metric, language) or label("definitions.variant_default", language)
    return label(
        "definitions.other_formula", language, name=name, formula=_whole_formula(metric, book, language)
    )


def _whole_formula(metric: Metric, book: Book, language: str) -> str:
    """How the metric is worked out, on which rows."""
    formula = fill_in(formula_in_words(metric, language), book.setting_values)
    where = fill_in(metric.where or "", book.setting_values)
    return label("definitions.formula_where", language, formula=formula, where=where) if where else formula
