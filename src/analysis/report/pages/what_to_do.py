"""What to do, and what is to be read with care: sentences with the numbers they rest on and links to their pages."""

from __future__ import annotations

from markupsafe import Markup

from analysis.catalogue import label
from analysis.report.findings import (
    Finding,
    find_changes_with_care,
    find_model_cautions,
    find_not_measured,
    find_unreconciled,
)
from analysis.report.links import to_page
from analysis.report.next_steps import find_next_steps
from analysis.report.pages.linked_sentences import also_named, nothing_to_list
from analysis.report.per_language import html_per_language
from analysis.report.verdicts_shown import verdict_badge
from analysis.suite import Results

MOST_CAUTIONS = 3


@html_per_language
def show_next_steps(results: Results, *, language: str) -> Markup:
    """What to do, at most three steps, each with the number it rests on and a link to its page."""
    steps = find_next_steps(results)
    if not steps:
        return nothing_to_list(label("appraisal.steps_none", language))
    return Markup('<ol class="wb-steps">{}</ol>').format(
        Markup("").join(_step(results, step, language) for step in steps)
    )


def _step(results: Results, step: Finding, language: str) -> Markup:
    return Markup('<li><p class="wb-step">{}</p><p class="wb-small">{} {}</p></li>').format(
        step.sentence[language], step.detail.get(language, ""), _page_link(results, step.page, language)
    )


def _page_link(results: Results, page: str, language: str) -> Markup:
    pages = results.book.catalogue.pages
    if page not in pages:
        return Markup("")
    return to_page(page, label("appraisal.to_page", language, page=pages[page].title.in_(language)))


@html_per_language
def show_cautions(results: Results, *, language: str) -> Markup:
    """What is to be read with care: changes of other customers, doubtful models, and what is not known."""
    changes = find_changes_with_care(results)
    cautions = [
        *find_unreconciled(results), *changes[:MOST_CAUTIONS], *find_model_cautions(results),
        *find_not_measured(results),
    ]  # fmt: skip
    if not cautions:
        return nothing_to_list(label("appraisal.care_none", language))
    return Markup('<ul class="wb-cautions">{}</ul>').format(
        Markup("").join(_caution(results, caution, language) for caution in cautions)
    ) + also_named(results, [each.metric for each in changes[MOST_CAUTIONS:]], "care_also", language)


def _caution(results: Results, caution: Finding, language: str) -> Markup:
    return Markup('<li><p class="wb-caution">{}</p>{}<p class="wb-small">{} {}</p></li>').format(
        caution.sentence[language], verdict_badge(caution.verdict, language), caution.detail.get(language, ""),
        _page_link(results, caution.page, language),
    )  # fmt: skip
