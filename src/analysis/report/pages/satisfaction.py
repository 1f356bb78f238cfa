"""Satisfaction: what moved, and the figures under all their definitions."""

from __future__ import annotations

from markupsafe import Markup

from analysis.catalogue import Metric
from analysis.report.kpi_tables import kpi_block, with_variants
from analysis.report.kpis_shown import chosen
from analysis.report.pages.satisfaction_rows import (
    FAMILY,
    findings_of_family,
    item_metrics,
    was_anything_tested,
)
from analysis.report.pages.satisfaction_words import caption_of, words
from analysis.report.per_language import html_per_language
from analysis.report.remarks_shown import callout, finding_list
from analysis.suite import Results

SECTIONS = {
    "csat": "satisfaction", "acsi_style": "satisfaction", "servqual_gap": "satisfaction", "nps": "recommendation",
    "ces": "effort", "survey_response_rate": "surveys", "survey_coverage": "surveys", "complaint_rate": "voice",
    "complaint_severity": "voice", "social_sentiment": "voice",
}  # fmt: skip
APART = {"nps": "transactional", "ces": "v1"}
"""Variants that answer another question, and so stand in the overview beside the run's own."""


@html_per_language
def show_satisfaction_changes(results: Results, *, language: str) -> Markup:
    """What of satisfaction changed beyond chance, or that nothing did."""
    findings = findings_of_family(results)
    if findings:
        return finding_list([(finding.in_full(language), finding.verdict) for finding in findings], language)
    key = "nothing_moved" if was_anything_tested(results) else "nothing_tested"
    return callout(words(key, language), language)


@html_per_language
def show_satisfaction_kpis(results: Results, *, language: str) -> Markup:
    """The figures of satisfaction under the run's own definitions, by what they are about."""
    return kpi_block(
        results, overview_metrics(results), language=language, caption=caption_of("kpis_caption", results, language),
        section_of=lambda metric: words(f"section_{section_of(metric)}", language),
    )  # fmt: skip


def overview_metrics(results: Results) -> list[Metric]:
    """The family under the run's own variants, section by section; variants on another question beside them."""
    book, found = results.book, []
    for metric in book.catalogue.families[FAMILY]:
        if not metric.shown or metric.id.startswith("csat."):
            continue
        own, apart = chosen(book, metric), APART.get(metric.id)
        found.append(own)
        if apart in metric.variants and apart != own.variant:
            found.append(metric.under(apart))
    order = list(dict.fromkeys((*SECTIONS.values(), "other")))
    return sorted(found, key=lambda metric: order.index(section_of(metric)))


def section_of(metric: Metric) -> str:
    """Under which heading of the overview a metric stands."""
    return SECTIONS.get(metric.id, "other")


@html_per_language
def show_satisfaction_items(results: Results, *, language: str) -> Markup:
    """Satisfaction on the whole under every definition, then each aspect, with changes."""
    metrics = [*with_variants(results.book, ["csat"]), *item_metrics(results)]
    return kpi_block(
        results, metrics, language=language, caption=caption_of("items_caption", results, language),
        section_of=lambda metric: words(f"items_section_{'whole' if metric.id == 'csat' else 'items'}", language),
    )  # fmt: skip


@html_per_language
def show_recommendation(results: Results, *, language: str) -> Markup:
    """The net promoter score under every definition; after a contact stands apart."""
    caption = caption_of("nps_caption", results, language)
    return kpi_block(results, with_variants(results.book, ["nps"]), language=language, caption=caption)


@html_per_language
def show_effort(results: Results, *, language: str) -> Markup:
    """Effort under every definition; the two versions of the question are never pooled."""
    caption = caption_of("effort_caption", results, language)
    return kpi_block(results, with_variants(results.book, ["ces"]), language=language, caption=caption)
