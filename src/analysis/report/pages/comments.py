"""What customers say in their own words: themes by score group, and the words that mark each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from analysis.catalogue import label
from analysis.report.kpis_shown import join_sentences, say_period, say_reason
from analysis.report.numbers_shown import format_number, is_missing
from analysis.report.pages.comments_rows import (
    LEAST_MENTIONS,
    MOST_THEMES,
    SCORE_GROUPS,
    read_periods,
    term_rows,
    theme_rows,
)
from analysis.report.pages.satisfaction_words import caption_of, listed, say_share_interval, words
from analysis.report.per_language import html_per_language
from analysis.report.remarks_shown import callout
from analysis.report.tables_shown import Column, table_html
from analysis.suite import Results


@html_per_language
def show_themes(results: Results, *, language: str) -> Markup:
    """What comments are about by score group, with the change since the previous period and customers' words."""
    now, _ = read_periods(results)
    if now.comments.empty:
        return callout(label("themes.no_comments", language), language)
    read, rows = (
        Markup('<div class="wb-prose"><p>{}</p></div>').format(read_line(results, language)),
        theme_rows(results),
    )
    if rows.empty:
        return read + callout(words("no_theme", language, least=LEAST_MENTIONS), language)
    caption = caption_of("themes_caption", results, language)
    note = words("theme_note", language, most=MOST_THEMES, least=LEAST_MENTIONS)
    scored = now.comments["score_group"].notna().any()
    table = table_html(
        theme_shown(results, rows, language), _theme_columns(results, language), caption=caption, language=language,
        phone="cards", group_by="section",
        note=join_sentences([note, "" if scored else label("themes.no_scores", language)], language),
    )  # fmt: skip
    return read + table


def read_line(results: Results, language: str) -> str:
    """How many comments were read, in which languages and from where."""
    comments = read_periods(results)[0].comments
    return words(
        "read",
        language,
        comments=format_number(len(comments), language),
        customers=format_number(comments["customer_id"].nunique(), language),
        languages=_counted(comments["language"], "language", language),
        sources=_counted(comments["source"], "source", language),
    )


def _counted(values: pd.Series, prefix: str, language: str) -> str:
    """How many comments have each value, most first: ``Chinese 244, English 177``."""
    counts = values.value_counts().items()
    names = [
        (label(f"themes.{prefix}_{name}", language), format_number(count, language)) for name, count in counts
    ]
    return listed([words("read_part", language, name=name, count=count) for name, count in names], language)


def theme_shown(results: Results, rows: pd.DataFrame, language: str) -> pd.DataFrame:
    """The themes in words: section with its size, what marks them, change with its reason, two examples."""
    names = {theme.id: theme.name.in_(language) for theme in read_periods(results)[0].themes}
    examples = [[words("quote", language, text=text) for text in of_both(each)] for each in rows["examples"]]
    return rows.assign(
        section=[_score_group(row, language) for row in rows.itertuples()],
        name=[names[theme] for theme in rows["theme"]],
        mark=[_theme_mark(row, language) for row in rows.itertuples()],
        interval=[say_share_interval(row.low, row.high, language) for row in rows.itertuples()],
        difference_reason=[_theme_reason(row.reason, results, language) for row in rows.itertuples()],
        change_reason=[_theme_reason(reason, results, language) for reason in rows["change_reason"]],
        example=[each[0] if each else None for each in examples],
        example_2=[each[1] if len(each) > 1 else None for each in examples],
    )  # fmt: skip


def _score_group(row: Any, language: str) -> str:
    group, n = words(f"score_group_{row.group}", language), format_number(row.comments, language)
    return words("score_group_of", language, group=group, n=n)


def of_both(examples: Sequence[str]) -> list[str]:
    """Two of the examples: the best, and with it the best in the other language where there is one."""
    is_chinese = [any("\u4e00" <= sign <= "\u9fff" for sign in text) for text in examples]
    other = [text for text, chinese in zip(examples, is_chinese, strict=True) if chinese != is_chinese[0]]
    return list(dict.fromkeys([*examples[:1], *other, *examples[1:]]))[:2]


def _theme_mark(row: Any, language: str) -> str | None:
    marks = [
        words("said_more", language) if row.is_over_represented else None,
        words("few_comments", language) if row.status == "with_care" else None,
    ]
    return " ".join(filter(None, marks)) or None


def _theme_reason(reason: Any, results: Results, language: str) -> str | None:
    """A reason of the themes' frames in words."""
    if is_missing(reason) or not reason:
        return None
    code, *values = str(reason).split("|")
    if code == "few_comments":
        return label(
            "themes.few_comments", language, n=values[0], least=results.book.settings.survey_minimum_answers
        )
    if code in ("no_others", "no_comments_now", "no_comments_before"):
        return label(f"themes.{code}", language)
    return say_reason(reason, results.book, language)


def _theme_columns(results: Results, language: str) -> list[Column]:
    book = results.book
    before = say_period(book.baselines[book.window.label]["previous"], book, language)
    return [
        Column("name", words("theme", language), detail_from="mark"),
        Column("mentions", words("mentions", language), unit="number"),
        Column(
            "share", words("theme_share", language), unit="percent", decimals=0, detail_from="interval", strong=True,
        ),
        Column(
            "difference", words("theme_others", language), unit="points", decimals=0, signed=True,
            reason_from="difference_reason",
        ),
        Column(
            "change", words("theme_change", language, period=before), unit="points", decimals=0, signed=True,
            verdict_from="change_verdict", reason_from="change_reason",
        ),
        Column("example", words("theme_examples", language), detail_from="example_2"),
    ]  # fmt: skip


@html_per_language
def show_marking_words(results: Results, *, language: str) -> Markup:
    """The words that mark each score group against the others, in English and in Chinese comments."""
    now, _ = read_periods(results)
    if now.comments.empty:
        return callout(label("themes.no_comments", language), language)
    if not now.comments["score_group"].notna().any():
        return callout(label("themes.no_scores", language), language)
    found = term_rows(results)
    if found.empty:
        return callout(label("themes.no_terms", language), language)
    columns = [
        Column("name", words("terms_group", language)),
        Column("en", words("terms_en", language)),
        Column("zh", words("terms_zh", language)),
    ]
    return table_html(
        words_shown(found, language), columns, language=language, phone="cards", note=words("terms_note", language),
        caption=caption_of("terms_caption", results, language),
    )  # fmt: skip


def words_shown(found: pd.DataFrame, language: str) -> pd.DataFrame:
    """One row for each score group with its words in each language, each with the customers who used it."""
    told = {(row.group, row.language): row.terms for row in found.itertuples()}
    nothing = words("no_term", language)

    def terms_of(group: str, of: str) -> str:
        terms = told.get((group, of), ())
        return (
            listed([words("term", language, term=term, count=count) for term, count, _ in terms], language)
            or nothing
        )

    rows = [
        {
            "name": words(f"score_group_{group}", language),
            "en": terms_of(group, "en"),
            "zh": terms_of(group, "zh"),
        }
        for group in SCORE_GROUPS
    ]
    return pd.DataFrame(rows)
