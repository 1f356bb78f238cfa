"""What moved beyond chance, for the worse and for the better; then large changes without a test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup, escape

from analysis.catalogue import Metric, label
from analysis.facts import Book
from analysis.report.findings import SURE_VERDICTS, changes_to_judge, large_changes, sure_changes
from analysis.report.kpis_shown import (
    chosen,
    metric_name,
    say_change,
    say_change_interval,
    say_level,
    say_n,
    say_period,
    say_value,
    short_value,
)
from analysis.report.links import to_definition
from analysis.report.pages.linked_sentences import also_named, nothing_to_list, small, with_markup
from analysis.report.pages.summary import MOVED_SIGNS, moved_count
from analysis.report.per_language import html_per_language
from analysis.suite import Results

MOST_MOVED, MOST_LARGE = 5, 3


@html_per_language
def show_moved(results: Results, *, language: str) -> Markup:
    """Changes beyond chance, for the worse and for the better side by side; then large ones without a test."""
    moved = sure_changes(results)
    by_verdict = {verdict: [row for row in moved if row.verdict == verdict] for verdict in MOVED_SIGNS}
    told = {verdict: rows for verdict, rows in by_verdict.items() if rows}
    if not told:
        quiet = moved_count(results, language) or label("scorecard.no_findings", language)
        return nothing_to_list(quiet) + _large_line(results, language)
    most = MOST_MOVED if len(told) > 1 else 2 * MOST_MOVED  # alone, a list has the room of two
    columns = [_moved_column(results, verdict, rows, most, language) for verdict, rows in told.items()]
    lists = Markup('<div class="wb-moved">{}</div>').format(Markup("").join(columns))
    return lists + _large_line(results, language)


def _moved_column(results: Results, verdict: str, rows: Sequence[Any], most: int, language: str) -> Markup:
    tone, sign = MOVED_SIGNS[verdict]
    return Markup(
        '<section class="wb-moved-column wb-moved-{tone}" aria-label="{head}"><p class="wb-moved-head">'
        '<span aria-hidden="true">{sign}</span> {head}</p><ul>{lines}</ul>{rest}</section>'
    ).format(
        tone=tone, sign=sign, head=label(f"appraisal.column_{verdict}", language),
        lines=Markup("").join(_moved_line(results, row, language) for row in rows[:most]),
        rest=also_named(results, [row.metric for row in rows[most:]], "moved_also", language),
    )  # fmt: skip


def _moved_line(results: Results, row: Any, language: str) -> Markup:
    book, change = results.book, row._asdict()
    metric = chosen(book, book.catalogue.metrics[row.metric])
    values = label(
        "appraisal.moved_from_to", language, value=say_value(row.value, metric, book, language),
        base_value=say_value(row.base_value, metric, book, language),
        base_period=say_period(row.base_period, book, language),
    )  # fmt: skip
    return Markup(
        '<li><p class="wb-moved-change">{change}</p><div><p class="wb-moved-name">{name}</p>'
        '<p class="wb-moved-values">{values}</p><p class="wb-small">{detail}</p></div></li>'
    ).format(
        change=_large_change(change, metric, book, language), values=values,
        name=to_definition(metric.id, metric_name(metric, language)),
        detail=moved_detail(results, row, metric, language),
    )  # fmt: skip


def _large_change(change: dict[str, Any], metric: Metric, book: Book, language: str) -> Markup:
    """A change in large figures; the unit of points is long, and stands small after them."""
    said, unit = say_change(change, metric, book, language), label("report.unit_percentage_points", language)
    number = said.removesuffix(unit)
    return Markup("{}<span>{}</span>").format(number, unit) if number != said else escape(said)


def moved_detail(results: Results, row: Any, metric: Metric, language: str) -> str:
    """The second line of a change: its interval, n, and what the other comparison says."""
    book = results.book
    limits = say_change_interval(row._asdict(), metric, book, language)
    parts = [
        label("appraisal.moved_interval", language, level=say_level(book, language), interval=limits) if limits else "",
        say_n(row.n, language),
        _other_comparison(results, row, metric, language),
    ]  # fmt: skip
    return " · ".join(part for part in parts if part)


def _other_comparison(results: Results, row: Any, metric: Metric, language: str) -> str:
    rows = changes_to_judge(results)
    other = rows[(rows["metric"] == row.metric) & (rows["against"] != row.against)]
    other = other[~(other["is_other_base"] | other["is_short_history"])]
    if other.empty or other.iloc[0]["verdict"] not in (*SURE_VERDICTS, "no_clear_change"):
        return ""
    told, book = other.iloc[0], results.book
    same_way = (told["difference"] > 0) == (row.difference > 0)
    key = "not_sure" if told["verdict"] == "no_clear_change" else "also_sure" if same_way else "other_way"
    period, change = say_period(told["base_period"], book, language), say_change(told, metric, book, language)
    return label(f"appraisal.{key}", language, period=period, change=change)


def _large_line(results: Results, language: str) -> Markup:
    """The large changes of figures counted in full, in one line; empty for none."""
    book, told = results.book, []
    for row in large_changes(results)[:MOST_LARGE]:
        metric = chosen(book, book.catalogue.metrics[row.metric])
        told.append(
            with_markup(
                "appraisal.moved_large_one", language, name=to_definition(metric.id, metric_name(metric, language)),
                change=say_change(row._asdict(), metric, book, language),
                period=say_period(row.base_period, book, language),
                value=short_value(row.value, metric, book, language),
            )
        )  # fmt: skip
    if not told:
        return Markup("")
    listed = Markup(escape(label("kpis.list_join", language))).join(told)
    return small(with_markup("appraisal.moved_large", language, list=listed))
