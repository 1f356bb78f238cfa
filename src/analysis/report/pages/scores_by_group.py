"""The scores of every team, account manager and group of customers, doubtful ones marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from analysis.catalogue import Metric
from analysis.facts import Book, NotMeasured
from analysis.metrics.frame import NOT_STATED
from analysis.report.figures.retention import MOST_GROUPS
from analysis.report.kpis_shown import (
    group_name,
    join_sentences,
    metric_name,
    name_and_number,
    say_level,
    say_n,
    say_period,
    unit_of,
)
from analysis.report.numbers_shown import format_interval, is_missing
from analysis.report.pages.satisfaction_rows import item_name
from analysis.report.pages.satisfaction_words import caption_of, nothing_there, words
from analysis.report.pages.scores_by_group_rows import group_scores, scores_of, why_no_groups
from analysis.report.pages.survey_trust_rows import doubtful_scores, is_doubtful
from analysis.report.per_language import html_per_language
from analysis.report.tables_shown import Column, table_html
from analysis.suite import Results


@html_per_language
def show_satisfaction_by_team(results: Results, *, language: str) -> Markup | NotMeasured:
    """The scores of every team of the tickets they are about."""
    return _one_grouping(results, "team", language)


@html_per_language
def show_satisfaction_by_account_manager(results: Results, *, language: str) -> Markup | NotMeasured:
    """The scores of every account manager's customers, doubtful ones marked."""
    return _one_grouping(results, "account_manager", language)


def _one_grouping(results: Results, by: str, language: str) -> Markup | NotMeasured:
    book = results.book
    rows = score_rows(results, by, language)
    if rows.empty:
        return nothing_there(why_no_groups(book, by), book, language)
    notes = [_table_note(results, language), words("team_note", language) if by == "team" else ""]
    return table_html(
        rows, _score_columns(results, [by], language), language=language, phone="cards",
        caption=caption_of(f"{by}_caption", results, language),
        note=join_sentences(notes, language),
    )  # fmt: skip


@html_per_language
def show_satisfaction_by_customer_group(results: Results, *, language: str) -> Markup | NotMeasured:
    """The scores of every group of customers: by segment, and by each of the run's own dimensions."""
    book = results.book
    dimensions = customer_dimensions(results)
    parts = {by: score_rows(results, by, language) for by in dimensions}
    parts = {by: rows for by, rows in parts.items() if len(rows) > 1}
    if not parts:
        return nothing_there(why_no_groups(book, "customer"), book, language)
    catalogue = book.catalogue.dimensions
    cut = [by for by in parts if len(parts[by]) > MOST_GROUPS and not catalogue[by].groups]
    shown = [
        (rows.tail(MOST_GROUPS) if by in cut else rows).assign(section=catalogue[by].name.in_(language))
        for by, rows in parts.items()
    ]
    newest = [
        words("groups_newest", language, dimension=catalogue[by].name.in_(language), count=MOST_GROUPS)
        for by in cut
    ]
    rows = pd.concat(shown, ignore_index=True)
    return table_html(
        rows, _score_columns(results, list(parts), language), language=language, phone="cards", group_by="section",
        caption=caption_of("customers_caption", results, language),
        note=join_sentences([_table_note(results, language), *newest], language),
    )  # fmt: skip


def customer_dimensions(results: Results) -> list[str]:
    """The dimensions that say what a customer is: the segment, and those of the run."""
    catalogue = results.book.catalogue.dimensions
    own = [name for name in results.book.settings.dimensions if catalogue[name].of == "customer"]
    return list(dict.fromkeys(["segment", *own]))


def _score_metrics(results: Results, groupings: Sequence[str]) -> list[Metric]:
    """The scores measured in any of these groupings, in the order they are shown."""
    found = pd.concat([scores_of(results, by) for by in groupings])
    keys = dict.fromkeys(zip(found["metric"], found["variant"], strict=True))
    order = list(results.book.catalogue.metrics)
    return sorted((results.book.catalogue.metric(*key) for key in keys), key=lambda m: order.index(m.id))


def score_rows(results: Results, by: str, language: str) -> pd.DataFrame:
    """One row for each group with all its scores: value, interval and n in words, what to mark.

    Returns
    -------
    DataFrame
        ``group, name, detail``; for each score (``metric.variant``) ``<score>``, ``<score>_detail``,
        ``<score>_mark`` (a key of the badges) and ``<score>_reason``. By name, groups that are declared in their
        order, those not stated last.
    """
    book, scores = results.book, scores_of(results, by)
    if scores.empty:
        return pd.DataFrame()
    doubts, verdicts = doubtful_scores(results, by), _verdicts(results, by)
    doubtful = {group for group, _, _ in doubts}
    metrics = _score_metrics(results, [by])
    figures = {(row.metric, row.variant, row.group): row for row in scores.itertuples()}
    groups = _in_order(book, by, list(dict.fromkeys(scores["group"])))
    rows = []
    for group in groups:
        row = {"group": group, **_group_cells(book, by, group, group in doubtful, language)}
        for metric in metrics:
            figure = figures.get((metric.id, metric.variant, group))
            verdict = verdicts.get((metric.id, metric.variant, group))
            row |= _score_cells(
                results, metric, figure, verdict, is_doubtful(doubts, group, metric), language
            )
        rows.append(row)
    return pd.DataFrame(rows)


def _in_order(book: Book, by: str, groups: Sequence[str]) -> list[str]:
    dimension = book.catalogue.dimensions.get(by)
    declared = list(dimension.groups) if dimension else []

    def place(group: str) -> tuple[bool, int, str]:
        return group == NOT_STATED, declared.index(group) if group in declared else len(declared), group

    return sorted(groups, key=place)


def _group_cells(book: Book, by: str, group: str, doubted: bool, language: str) -> dict[str, Any]:
    mark = words("looks_doubtful", language) if doubted else None
    if by == "account_manager" and group == NOT_STATED:
        return {"name": words("unassigned", language), "detail": None}
    if by == "account_manager":
        name, number = name_and_number(book, by, group, language)
        return {"name": name, "detail": " ".join(filter(None, [number, mark])) or None}
    return {"name": group_name(book, by, group, language), "detail": mark}


def _score_cells(
    results: Results, metric: Metric, figure: Any, verdict: str | None, doubted: bool, language: str
) -> dict[str, Any]:
    key = f"{metric.id}.{metric.variant}"
    if figure is None:
        return {
            key: None,
            f"{key}_detail": None,
            f"{key}_mark": None,
            f"{key}_reason": words("no_score_here", language),
        }
    n, book = say_n(figure.n, language), results.book
    interval = "" if is_missing(figure.low) else say_score_interval(figure, metric, language)
    detail = words("interval_and_n", language, interval=interval, n=n) if interval else n
    mark = verdict if verdict in ("better", "worse") else None
    if figure.n < book.settings.small_sample:
        mark = "small_sample"
    if doubted:
        mark = "use_with_care"
    return {key: figure.value, f"{key}_detail": detail, f"{key}_mark": mark, f"{key}_reason": None}


def say_score_interval(figure: Any, metric: Metric, language: str) -> str:
    """The interval of a score with one decimal, as the score itself has."""
    return format_interval(figure.low, figure.high, unit_of(metric), language, decimals=1)


def _verdicts(results: Results, by: str) -> dict[tuple[str, str, str], str]:
    changes = group_scores(results)[1]
    own = changes[(changes["by"] == by) & (changes["against"] == "previous")]
    return {(row.metric, row.variant, row.group): row.verdict for row in own.itertuples()}


def _score_columns(results: Results, groupings: Sequence[str], language: str) -> list[Column]:
    def named(metric: Metric) -> str:
        if metric.id.startswith("csat."):
            return words("satisfied_with", language, item=item_name(metric, results.book, language))
        return metric_name(metric, language)

    scores = [(f"{metric.id}.{metric.variant}", metric) for metric in _score_metrics(results, groupings)]
    return [
        Column("name", words("group", language), detail_from="detail"),
        *(
            Column(
                key, named(metric), unit=unit_of(metric), verdict_from=f"{key}_mark", detail_from=f"{key}_detail",
                reason_from=f"{key}_reason", decimals=1,
            )
            for key, metric in scores
        ),
    ]  # fmt: skip


def _table_note(results: Results, language: str) -> str:
    book = results.book
    values = {"level": say_level(book, language), "least": book.settings.small_sample}
    changes = group_scores(results)[1]
    if not changes.loc[changes["against"] == "previous", "difference"].notna().any():
        return words("group_table_note_no_base", language, **values)
    base = say_period(book.baselines[book.window.label]["previous"], book, language)
    return words("group_table_note", language, base=base, **values)
