"""The groups that stand out in what moved or missed its target, and in which figures nobody does."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from analysis.appraisal.drivers import Driver, dimensions_for
from analysis.catalogue import label
from analysis.facts import Book
from analysis.report.findings import count_tested, find_changes_with_care, sure_changes
from analysis.report.kpis_shown import chosen, group_name, metric_name
from analysis.report.links import to_definition
from analysis.report.next_steps import reasons_apart
from analysis.report.numbers_shown import format_number, format_percent
from analysis.report.pages.linked_sentences import also_named, joined, nothing_to_list, small, with_markup
from analysis.report.per_language import html_per_language
from analysis.report.stories import (
    Story,
    ask_why,
    find_stories,
    missed_targets,
    say_driver,
    story_title,
    unexplained,
)
from analysis.suite import Results

MOST_LINES = 3


@html_per_language
def show_why(results: Results, *, language: str) -> Markup:
    """The groups that stand out in what moved or missed its target, and in which figures nobody does."""
    if not ask_why(results):
        return nothing_to_list(label(f"appraisal.why_{_nothing_to_explain(results)}", language))
    stories = Markup("").join(_story(results, story, language) for story in find_stories(results))
    reasons = _reason_story(results, language)
    lists = (
        Markup('<ul class="wb-stories">{}</ul>').format(stories + reasons)
        if stories + reasons
        else Markup("")
    )
    return lists + _spread_line(results, language)


def _nothing_to_explain(results: Results) -> str:
    """Why no figure is asked about: nothing moved or was missed, or what did says nothing of groups."""
    if sure_changes(results) or missed_targets(results):
        return "not_split"
    if find_changes_with_care(results):
        return "care"
    return "nothing" if count_tested(results) else "untested"


def _story(results: Results, story: Story, language: str) -> Markup:
    group, dimension = story_title(story, results.book, language)
    lines = [_driver_line(results.book, driver, language) for driver in story.drivers[:MOST_LINES]]
    rest = [driver.question.metric for driver in story.drivers[MOST_LINES:]]
    return _story_item(group, dimension, lines, also_named(results, rest, "why_also", language))


def _driver_line(book: Book, driver: Driver, language: str) -> Markup:
    metric = book.catalogue.metric(driver.question.metric, driver.question.variant)
    name, (said, share) = metric_name(metric, language), say_driver(driver, book, language)
    return _line(to_definition(metric.id, name), said, share)


def _line(name: Markup | str, said: str, share: str) -> Markup:
    return Markup(
        '<li><p class="wb-story-name">{}</p><p class="wb-story-values">{}</p><p class="wb-story-share">{}</p></li>'
    ).format(name, said, share)


def _story_item(title: str, over: str, lines: Sequence[Markup], rest: Markup | str = "") -> Markup:
    return Markup(
        '<li class="wb-story"><p class="wb-story-title"><span>{}</span> {}</p><ul>{}</ul>{}</li>'
    ).format(over, title, Markup("").join(lines), rest)


def _reason_story(results: Results, language: str) -> Markup:
    """The reason one group of customers leaves for more often than others, where customers were lost beyond chance."""
    found = reasons_apart(results)
    if found.empty:
        return Markup("")
    book, row = results.book, found.to_dict("records")[0]
    shares = {name: format_percent(row[name], language, decimals=0) for name in ("share", "rest_share")}
    words = label("appraisal.why_reason_values", language, n=format_number(row["n"], language), **shares)
    reason = group_name(book, "exit_reason", row["reason"], language)
    name = label("appraisal.why_reason", language, reason=reason)
    dimension = book.catalogue.dimensions[row["by"]].name.in_(language)
    return _story_item(
        group_name(book, row["by"], row["group"], language), dimension, [_line(name, words, "")]
    )


def _spread_line(results: Results, language: str) -> Markup:
    names = unexplained(results)
    if not names:
        return Markup("")
    book = results.book
    metrics = [chosen(book, book.catalogue.metrics[name]) for name in names]
    dimensions = dict.fromkeys(name for metric in metrics for name in dimensions_for(book, metric))
    links = joined([to_definition(metric.id, metric_name(metric, language)) for metric in metrics], language)
    names_looked_at = [book.catalogue.dimensions[name].name.in_(language) for name in dimensions]
    looked = label("kpis.name_join", language).join(names_looked_at)
    return small(with_markup("appraisal.why_spread", language, names=links, dimensions=looked))
