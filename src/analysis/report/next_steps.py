"""What to do: up to three steps, each resting on a number of the report and leading to the page where more stands."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pandas as pd

from analysis.appraisal.drivers import Driver
from analysis.catalogue import Metric, label
from analysis.facts import NotMeasured
from analysis.report.findings import (
    LANGUAGES,
    TABLE_ABSENT,
    Finding,
    change_sentence,
    overdue_customers,
    shown_figures,
    sure_changes,
)
from analysis.report.kpis_shown import chosen, group_name, metric_name, say_period, say_value
from analysis.report.numbers_shown import format_money, format_number, format_percent
from analysis.report.pages.definitions import FAMILIES_OF
from analysis.report.stories import (
    Story,
    driver_words,
    find_stories,
    in_sentence,
    story_title,
    unexplained,
)
from analysis.suite import Results

MOST_STEPS = 3
STAGE_RATES = "stage_conversion_rate."
"""What the ids of the rates begin with at which the stages of the funnel are passed."""

_ABSENT = re.compile(re.escape(TABLE_ABSENT) + r"([^|;]+)")
PAGE_OF_FAMILY = {family: page for page, families in FAMILIES_OF.items() for family in families}


def find_next_steps(results: Results) -> list[Finding]:
    """What to do, at most three: what turned worse or missed its target, whom to talk to, what to renew, to supply.

    In this order: the group that makes most of what went wrong; another such group, or a stage of the funnel; contracts
    that come due or customers who are overdue, whichever is worth more; the reason one group of customers leaves for;
    the other of those two; more such groups; the worst change without such a group or stage; the table that most
    metrics wait for alone.
    """
    found: list[Finding] = []
    for step in _candidates(results):
        if len(found) < MOST_STEPS and step.sentence not in [each.sentence for each in found]:
            found.append(step)
    return found


def _candidates(results: Results) -> Iterator[Finding]:
    groups = [step for story in find_stories(results) if (step := _of_story(results, story))]
    lists = sorted([*_renew(results), *_talk_to(results)], key=lambda pair: -pair[0])
    at_hand = [step for _, step in lists]
    yield from groups[:1]
    yield from [*_of_stage(results), *groups[1:]][:1]
    yield from at_hand[:1]
    yield from _of_reason(results)
    yield from at_hand[1:]
    yield from groups[1:]
    yield from _of_worst(results)
    yield from _supply(results)


def _step(words: Callable[[str], tuple[str, str]], metric: str | None, page: str) -> Finding:
    told = {language: words(language) for language in LANGUAGES}
    sentence, detail = ({language: pair[place] for language, pair in told.items()} for place in (0, 1))
    return Finding(metric, sentence, "next", "", detail, page)


# --- what went wrong ----------------------------------------------------------------------------------


def _of_story(results: Results, story: Story) -> Finding | None:
    """The first thing that went wrong because of a group; None where nothing did."""
    for driver in story.drivers:
        metric = results.book.catalogue.metric(driver.question.metric, driver.question.variant)
        if _is_bad(driver, metric):
            words = partial(_story_words, results, story, driver, metric)
            return _step(words, metric.id, PAGE_OF_FAMILY.get(metric.family, ""))
    return None


def _is_bad(driver: Driver, metric: Metric) -> bool:
    return driver.whole * {"up": 1, "down": -1, "neither": 0}[metric.better] < 0


def _story_words(
    results: Results, story: Story, driver: Driver, metric: Metric, language: str
) -> tuple[str, str]:
    book, (group, dimension) = results.book, story_title(story, results.book, language)
    words = driver_words(driver, metric, book, language)
    key = "step_shortfall" if driver.question.target is not None else "step_driver"
    first = label(
        f"appraisal.{key}", language, group=group, dimension=in_sentence(dimension, language), **words
    )
    return first, label(f"appraisal.{key}_detail", language, **words)


def _of_stage(results: Results) -> list[Finding]:
    """The stage of the funnel that fewer pass than before, beyond chance; be it that the win rate fell as much."""
    metrics = results.book.catalogue.metrics
    for row in sure_changes(results, [name for name in metrics if name.startswith(STAGE_RATES)]):
        if row.verdict == "worse":
            metric = chosen(results.book, metrics[row.metric])
            return [_step(partial(_stage_words, results, row, metric), metric.id, "acquisition")]
    return []


def _stage_words(results: Results, row: Any, metric: Metric, language: str) -> tuple[str, str]:
    book = results.book
    stage = group_name(book, "stage", metric.one_of[1], language)
    values = {
        "value": say_value(row.value, metric, book, language),
        "base_value": say_value(row.base_value, metric, book, language),
        "base_period": say_period(row.base_period, book, language), "n": format_number(row.n, language),
    }  # fmt: skip
    first = label("appraisal.step_stage", language, stage=stage)
    return first, label("appraisal.step_stage_detail", language, **values)


def _of_reason(results: Results) -> list[Finding]:
    """The reason for leaving that one group of customers gives more often than all others, beyond chance."""
    found = reasons_apart(results)
    if found.empty:
        return []
    row = found.to_dict("records")[0]
    return [_step(partial(reason_words, results, row), None, "retention")]


def reasons_apart(results: Results) -> pd.DataFrame:
    """As ``unusual_reasons`` finds them among the customers lost in the period, the surest first; empty for none."""
    from analysis.report.pages.churn_rows import TRAITS, lost_customers, unusual_reasons

    lost = lost_customers(results)
    if isinstance(lost, NotMeasured) or lost["reason"].isna().all():
        return pd.DataFrame()
    traits = [trait for trait in TRAITS if lost.loc[lost["reason"].notna(), trait].nunique() > 1]
    level = results.book.settings.confidence_level
    return results.remember("reasons_apart", lambda: unusual_reasons(lost, traits, level))


def reason_words(results: Results, row: dict[str, Any], language: str) -> tuple[str, str]:
    """What a group of customers leaves for, and how often it and others say so."""
    book = results.book
    first = label(
        "appraisal.step_reason", language, reason=group_name(book, "exit_reason", row["reason"], language),
        group=group_name(book, row["by"], row["group"], language),
        dimension=in_sentence(book.catalogue.dimensions[row["by"]].name.in_(language), language),
    )  # fmt: skip
    detail = label(
        "appraisal.step_reason_detail", language, share=format_percent(row["share"], language, decimals=0),
        n=format_number(row["n"], language), rest_share=format_percent(row["rest_share"], language, decimals=0),
    )  # fmt: skip
    return first, detail


def _of_worst(results: Results) -> list[Finding]:
    """The most important change for the worse of which neither a group nor a stage of the funnel tells."""
    told = {driver.question.metric for story in find_stories(results) for driver in story.drivers}
    for row in sure_changes(results):
        if row.verdict == "worse" and row.metric not in told and not row.metric.startswith(STAGE_RATES):
            metric = chosen(results.book, results.book.catalogue.metrics[row.metric])
            words = partial(_worst_words, results, row, metric)
            return [_step(words, metric.id, PAGE_OF_FAMILY.get(metric.family, ""))]
    return []


def _worst_words(results: Results, row: Any, metric: Metric, language: str) -> tuple[str, str]:
    key = "step_worst" if metric.id in unexplained(results) else "step_look"
    first = label(f"appraisal.{key}", language, name=in_sentence(metric_name(metric, language), language))
    return first, change_sentence(row, metric, results.book, language)


# --- whom to talk to, what to renew, what to supply ---------------------------------------------------


def _talk_to(results: Results) -> list[tuple[float, Finding]]:
    """Valuable customers who are overdue, with what they are worth."""
    settings, overdue = results.book.settings, overdue_customers(results.customers)
    if overdue.empty:
        return []
    value = float(overdue["predicted_clv"].sum())

    def words(language: str) -> tuple[str, str]:
        worth = format_money(value, language, currency=settings.currency)
        detail = label(
            "appraisal.step_talk_detail", language, value=worth, quarters=settings.horizon_quarters,
            score=format_percent(1 - settings.at_risk_p_alive, language, decimals=0),
        )  # fmt: skip
        return label("appraisal.step_talk", language, n=format_number(len(overdue), language)), detail

    return [(value, _step(words, "at_risk_share", "retention"))]


def _renew(results: Results) -> list[tuple[float, Finding]]:
    """Contracts not renewed yet that are due, with what they are worth in a year."""
    from analysis.report.pages.churn_rows import DAYS_AHEAD, open_renewals

    contracts = open_renewals(results)
    if isinstance(contracts, NotMeasured):
        return []
    due = contracts[~contracts["is_renewed_by_then"].astype(bool)]
    if due.empty:
        return []
    value, overdue, currency = _worth(due), int(due["is_overdue"].sum()), results.book.settings.currency

    def words(language: str) -> tuple[str, str]:
        first = label("appraisal.step_renew", language, n=format_number(len(due), language), days=DAYS_AHEAD)
        worth = format_money(value, language, currency=currency)
        key = "step_renew_value" if value > 0 else "step_renew_count"
        told = label(f"appraisal.{key}", language, value=worth, overdue=format_number(overdue, language))
        return first, told

    return [(value, _step(words, "renewal_rate", "retention"))]


def _worth(contracts: pd.DataFrame) -> float:
    return float(contracts["yearly_value"].astype(float).sum())


def _supply(results: Results) -> list[Finding]:
    """The table whose absence alone leaves most metrics without a figure; those that lack two would still lack one."""
    shown = shown_figures(results)
    lacking = shown.loc[shown["value"].isna(), "reason"].map(lambda reason: set(_ABSENT.findall(str(reason))))
    alone = Counter(table for tables in lacking if len(tables) == 1 for table in tables)
    if not alone:
        return []
    [(table, count)] = alone.most_common(1)
    name = results.book.catalogue.tables[table].name

    def words(language: str) -> tuple[str, str]:
        first = label("appraisal.step_supply", language, table=name.in_(language))
        return first, label("appraisal.step_supply_detail", language, count=count)

    return [_step(words, None, "data_quality")]
