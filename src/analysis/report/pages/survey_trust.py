"""What each survey rests on and what to mind, and whose answers are not to be taken at face value."""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup

from analysis.catalogue import label
from analysis.facts import Book, NotMeasured
from analysis.report.kpis_shown import group_name, join_sentences, name_and_number, say_reason
from analysis.report.numbers_shown import format_number, is_missing
from analysis.report.pages.satisfaction_words import caption_of, listed, nothing_there, words
from analysis.report.pages.survey_trust_rows import doubtful_groups, small_groups, survey_gate
from analysis.report.per_language import html_per_language
from analysis.report.remarks_shown import callout
from analysis.report.tables_shown import Column, table_html
from analysis.suite import Results


def absent_table(book: Book, *tables: str, language: str) -> NotMeasured | None:
    """Why nothing is shown: the first of these tables that the company does not supply, in words."""
    absent = next((name for name in tables if name in book.absent), None)
    return NotMeasured(say_reason(f"table_absent|{absent}", book, language)) if absent else None


@html_per_language
def show_survey_trust(results: Results, *, language: str) -> Markup | NotMeasured:
    """What each survey rests on and what to mind, then whose answers are not to be taken at face value."""
    book, gate = results.book, survey_gate(results)
    if gate.empty:
        return absent_table(book, "answers", "questions", language=language) or nothing_there(
            "no_rows", book, language
        )
    company = gate[gate["by"].isna()]
    table = table_html(
        gate_rows(company, language), _gate_columns(language), language=language, phone="cards",
        caption=caption_of("gate_caption", results, language),
        note=words("gate_note", language),
    )  # fmt: skip
    return _doubts(results, gate, language) + table


def gate_rows(company: pd.DataFrame, language: str) -> pd.DataFrame:
    """The company's rows of the gate as they are shown: names and warnings in words, reasons for what is missing."""
    from analysis.suite.survey_gate import say_warnings

    nothing = label("satisfaction.nothing_to_warn", language)
    kinds = [
        None if is_missing(kind) else label(f"satisfaction.kind_{kind}", language) for kind in company["kind"]
    ]
    return company.assign(
        survey=[label(f"satisfaction.construct_{name}", language) for name in company["construct"]],
        kind_name=kinds,
        asked=company["asked"].where(company["asked"] > 0),
        asked_reason=words("no_surveys", language),
        share_reason=words("no_orders", language),
        response_reason=[
            words("no_deadline_over" if count else "no_surveys", language) for count in company["asked"]
        ],
        alpha_reason=words("one_item", language),
        mind=[
            join_sentences(say_warnings(each, language), language) or nothing for each in company["warnings"]
        ],
    )


def _gate_columns(language: str) -> list[Column]:
    def word(name: str) -> str:
        return label(f"satisfaction.{name}", language)

    return [
        Column("survey", word("survey"), detail_from="kind_name"),
        Column("asked", word("asked"), unit="number", reason_from="asked_reason"),
        Column("asked_share", word("asked_share"), unit="percent", decimals=0, reason_from="share_reason"),
        Column(
            "response_rate", word("response_rate"), unit="percent", decimals=0, reason_from="response_reason"
        ),
        Column("answers", word("answers"), unit="number", strong=True),
        Column("last_answered_on", word("last_answered_on"), unit="date"),
        Column("alpha", word("alpha"), unit="number", decimals=2, reason_from="alpha_reason"),
        Column("mind", word("warnings")),
    ]


def _doubts(results: Results, gate: pd.DataFrame, language: str) -> Markup:
    """A warning of the groups whose answers are doubtful, with those that are merely few."""
    doubts, few = doubt_lines(results, gate, language), few_line(results, gate, language)
    if not doubts:
        return callout(few, language) if few else Markup("")
    text = join_sentences([words("doubts_lead", language)], language)
    title = words("doubts_title", language)
    return callout(text, language, kind="warning", title=title, items=[*doubts, *([few] if few else [])])


def doubt_lines(results: Results, gate: pd.DataFrame, language: str) -> list[str]:
    """One sentence for each account manager or team whose answers are doubtful, with the reasons."""
    return [_doubt_line(results.book, row, language) for row in doubtful_groups(gate).itertuples()]


def _doubt_line(book: Book, row: Any, language: str) -> str:
    from analysis.suite.survey_gate import say_warnings

    by = words(f"by_{row.by}", language)
    name, number = name_and_number(book, row.by, row.group, language)
    constructs = [label(f"satisfaction.construct_{name}", language) for name in row.constructs]
    return words(
        "doubt",
        language,
        by=by[:1].upper() + by[1:],
        group=name
        if number is None or row.by == "team"
        else words("name_and_id", language, name=name, id=number),
        constructs=listed(constructs, language),
        warnings=join_sentences(say_warnings(row.warnings, language), language),
    )


def few_line(results: Results, gate: pd.DataFrame, language: str) -> str:
    """Which account managers and teams have too few answers, with how many; empty for none."""
    few = small_groups(gate)
    if few.empty:
        return ""
    book = results.book
    names = [
        words(
            "few_of", language, name=group_name(book, r.by, r.group, language),
            answers=format_number(r.answers, language),
        )
        for r in few.itertuples()
    ]  # fmt: skip
    return words("few", language, limit=book.settings.survey_minimum_answers, names=listed(names, language))
