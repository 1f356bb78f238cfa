"""Why figures moved or missed their targets, told group by group: a team, a channel, a reason given."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isnan
from typing import Any

from analysis.appraisal.drivers import TOTALS, Driver, Question, can_be_parted, find_drivers
from analysis.appraisal.targets import judge_targets
from analysis.catalogue import Metric, label
from analysis.facts import Book, NotMeasured
from analysis.report.findings import sure_changes
from analysis.report.kpis_shown import (
    group_name,
    metric_name,
    say_value,
    unit_of,
)
from analysis.report.numbers_shown import format_percent, format_value
from analysis.suite import Results

MOST_CHANGES, MOST_QUESTIONS = 6, 10
"""How many changes are looked into, and how many with the targets missed: each costs a scan."""

MOST_STORIES = 4


@dataclass(frozen=True)
class Story:
    """A group of a dimension, and every figure of which it makes the difference; the most important first."""

    by: str
    group: str
    drivers: tuple[Driver, ...]


def ask_why(results: Results) -> list[Question]:
    """What is to be explained: the changes beyond chance that are told first, then the targets missed besides."""
    changes = [row for row in sure_changes(results) if _can_be_parted(results, row)][:MOST_CHANGES]
    asked = [Question(row.metric, row.variant, row.against) for row in changes]
    # Who made a figure rise is not who keeps it from its target: of those, both are asked.
    known = {row.metric for row in changes if row.verdict != "better"}
    missed = [
        row for row in missed_targets(results) if row.metric not in known and _can_be_parted(results, row)
    ]
    questions = [each for each in (_of_missed(results, row) for row in missed) if each is not None]
    questions.sort(key=lambda question: question.target is None)  # totals, of which no test is possible, last
    return [*asked, *questions][:MOST_QUESTIONS]


def _can_be_parted(results: Results, row: Any) -> bool:
    return can_be_parted(results.book, results.book.catalogue.metric(row.metric, row.variant))


def missed_targets(results: Results) -> list[Any]:
    """The company's targets that were missed, in the catalogue's order."""
    judged = judge_targets(results)
    return [] if isinstance(judged, NotMeasured) else list(judged[judged["verdict"] == "miss"].itertuples())


def _of_missed(results: Results, row: Any) -> Question | None:
    """A rate's distance from its target; of a total its change, if that went the wrong way."""
    metric = results.book.catalogue.metric(row.metric, row.variant)
    if metric.kind not in TOTALS:
        return Question(row.metric, row.variant, "", row.target)
    changes = results.company_changes
    own = changes[(changes["metric"] == row.metric) & (changes["variant"] == row.variant)]
    wrong = own[own["difference"] * (1 if metric.better == "up" else -1) < 0]
    return Question(row.metric, row.variant, "previous") if "previous" in set(wrong["against"]) else None


def explanations(results: Results) -> dict[Question, list[Driver]]:
    """The groups that stand out, for each question asked of this run."""
    return find_drivers(results, ask_why(results))


def find_stories(results: Results) -> list[Story]:
    """The groups that stand out, with all they explain; the one that explains the most important figure first."""
    return results.remember("stories", lambda: _find_stories(results))


def _find_stories(results: Results) -> list[Story]:
    stories: dict[tuple[str, str], Story] = {}
    for drivers in explanations(results).values():
        for driver in _told(drivers, stories):
            story = stories.get((driver.by, driver.group), Story(driver.by, driver.group, ()))
            stories[driver.by, driver.group] = replace(story, drivers=(*story.drivers, driver))
    return list(stories.values())[:MOST_STORIES]


def _told(drivers: list[Driver], known: dict[tuple[str, str], Story]) -> list[Driver]:
    """Of a rate all its groups; of a total, which has no test, only a group that other figures tell of."""
    if drivers and isnan(drivers[0].p_adjusted):
        return [driver for driver in drivers if (driver.by, driver.group) in known][:1]
    return drivers


def unexplained(results: Results) -> list[str]:
    """The rates asked about in which no group stands out; of a total nobody could say so.

    A rate of which a group tells, be it of its change or of its distance from the target, is not among them.
    """
    found = explanations(results)
    metrics = results.book.catalogue.metrics
    told = {question.metric for question, drivers in found.items() if drivers}
    names = dict.fromkeys(question.metric for question in found if question.metric not in told)
    return [name for name in names if metrics[name].kind not in TOTALS]


# --- in words -----------------------------------------------------------------------------------------


def story_title(story: Story, book: Book, language: str) -> tuple[str, str]:
    """The group, and the dimension it belongs to."""
    dimension = book.catalogue.dimensions[story.by].name.in_(language)
    return group_name(book, story.by, story.group, language), dimension


def say_driver(driver: Driver, book: Book, language: str) -> tuple[str, str]:
    """What the group did and what the others did; and what part of the whole that makes."""
    metric = book.catalogue.metric(driver.question.metric, driver.question.variant)
    said = driver_words(driver, metric, book, language)
    kind = "target" if driver.question.target is not None else "total" if metric.kind in TOTALS else "change"
    keys = (f"appraisal.driver_{kind}", f"appraisal.driver_{kind}_share")
    values, share = (label(key, language, **said) for key in keys)
    return values, share


def driver_words(driver: Driver, metric: Metric, book: Book, language: str) -> dict[str, str]:
    """The numbers of a driver, each in its unit."""
    currency, unit = book.settings.currency, unit_of(metric)
    as_change = "points" if unit == "percent" else unit
    target = driver.question.target
    told = {
        "name": in_sentence(metric_name(metric, language), language), "explained": say_explained(driver, language),
        "value": say_value(driver.value, metric, book, language),
        "base_value": say_value(driver.base_value, metric, book, language),
        "difference": format_value(driver.difference, as_change, language, currency=currency, signed=True),
        "rest": format_value(driver.rest_difference, as_change, language, currency=currency, signed=True),
        "whole": format_value(driver.whole, as_change, language, currency=currency, signed=True),
    }  # fmt: skip
    if target is not None:
        told |= {
            "target": say_value(target, metric, book, language),
            "rest": say_value(target + driver.rest_difference, metric, book, language),
        }
    return told


def in_sentence(name: str, language: str) -> str:
    """A name as it stands within a sentence: ``Win rate`` begins small in English, ``SLA attainment`` does not."""
    is_word = len(name) > 1 and name[1].islower()
    return name[0].lower() + name[1:] if language == "en" and is_word else name


def say_explained(driver: Driver, language: str) -> str:
    """The part of the whole difference: ``50%``, or ``all`` where the others stayed or moved back."""
    if driver.explained >= 0.995:
        return label("appraisal.all", language)
    return format_percent(driver.explained, language, decimals=0)
