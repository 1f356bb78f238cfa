"""Stages and touchpoints: contacts, tickets, satisfaction, repeats; those clearly worse than the rest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup

from analysis.facts import Book, NotMeasured
from analysis.report.kpis_shown import group_name, join_sentences, say_n
from analysis.report.numbers_shown import is_missing
from analysis.report.pages.journey_rows import journey_question, journey_rows
from analysis.report.pages.satisfaction_rows import item_name
from analysis.report.pages.satisfaction_words import (
    caption_of,
    listed,
    nothing_there,
    say_share_interval,
    words,
)
from analysis.report.per_language import html_per_language
from analysis.report.tables_shown import Column, table_html
from analysis.suite import Results


@html_per_language
def show_journey(results: Results, *, language: str) -> Markup | NotMeasured:
    """Stages and touchpoints: contacts, tickets, satisfaction, repeats; those clearly worse than the rest first."""
    book, rows = results.book, journey_rows(results)
    if rows.empty:
        absent = {"contacts", "tickets", "answers"} <= set(book.absent)
        reason = "table_absent|contacts" if absent else words("journey_nothing", language)
        return nothing_there(reason, book, language)
    return table_html(
        journey_shown(rows, book, language), _journey_columns(results, language), language=language, phone="cards",
        caption=caption_of("journey_caption", results, language),
        note=join_sentences(
            [worst_line(rows, book, language), words("journey_note", language, days=book.settings.first_contact_days)],
            language,
        ),
    )  # fmt: skip


def journey_shown(rows: pd.DataFrame, book: Book, language: str) -> pd.DataFrame:
    """The touchpoints with names, marks and the reasons for what is missing."""
    small = rows["is_small"] & rows["csat"].notna()
    records = rows.to_dict("records")
    return rows.assign(
        stage_name=[group_name(book, "journey_stage", name, language) for name in rows["stage"]],
        touchpoint_name=[group_name(book, "touchpoint", name, language) for name in rows["touchpoint"]],
        csat_mark=["small_sample" if is_few else None for is_few in small],
        reading=[_reading_of(row, language) for row in rows.itertuples()],
        csat_detail=[_interval_and_n(row, "csat", language) for row in records],
        repeat_detail=[_interval_and_n(row, "repeat", language) for row in records],
        csat_reason=words("journey_no_csat", language),
        repeat_reason=words("journey_no_contacts", language),
    )


def _interval_and_n(row: Mapping[str, Any], name: str, language: str) -> str | None:
    if is_missing(row[name]):
        return None
    interval = say_share_interval(row[f"{name}_low"], row[f"{name}_high"], language)
    return words("interval_and_n", language, interval=interval, n=say_n(row[f"{name}_n"], language))


def _reading_of(row: Any, language: str) -> str:
    """What sets a touchpoint apart from the others, in words; that nothing does; or that nobody could tell."""
    verdicts = {"csat": row.csat_verdict, "repeat": row.repeat_verdict}
    told = [
        words(f"{name}_{verdict}", language)
        for name, verdict in verdicts.items()
        if verdict in ("better", "worse")
    ]
    if told:
        return listed(told, language)
    return words("not_apart" if "no_clear_change" in verdicts.values() else "cannot_tell", language)


def worst_line(rows: pd.DataFrame, book: Book, language: str) -> str:
    """Which touchpoints are worse than the others beyond chance and in what; or that none is."""
    worse = rows[rows["worse"] > 0]
    if worse.empty:
        return words("none_clearly_worse", language)
    names = [_cell_name(row, book, language) for row in worse.to_dict("records")]
    return words("some_clearly_worse", language, names=listed(names, language))


def _cell_name(row: Mapping[str, Any], book: Book, language: str) -> str:
    worse = [name for name in ("csat", "repeat") if row[f"{name}_verdict"] == "worse"]
    return words(
        "cell",
        language,
        stage=group_name(book, "journey_stage", row["stage"], language),
        touchpoint=group_name(book, "touchpoint", row["touchpoint"], language),
        what=listed([words(f"worse_{name}", language) for name in worse], language),
    )


def _journey_columns(results: Results, language: str) -> list[Column]:
    metric = journey_question(results)
    satisfied = words("satisfied", language)
    if metric is not None and metric.id != "csat":
        satisfied = words("satisfied_with", language, item=item_name(metric, results.book, language))
    return [
        Column("touchpoint_name", words("touchpoint", language), detail_from="stage_name"),
        Column("contacts", words("contacts", language), unit="number"),
        Column("tickets", words("tickets", language), unit="number"),
        Column(
            "csat", satisfied, unit="percent", verdict_from="csat_mark", detail_from="csat_detail",
            reason_from="csat_reason", strong=True,
        ),
        Column(
            "repeat", words("repeats", language), unit="percent", detail_from="repeat_detail",
            reason_from="repeat_reason",
        ),
        Column("reading", words("against_others", language)),
    ]  # fmt: skip
