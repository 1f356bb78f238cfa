"""Tables of figures: one row for each metric with value, interval, n, changes with verdicts, trend."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from analysis.catalogue import Metric, label
from analysis.facts import Book
from analysis.report.kpis_shown import (
    AGAINST,
    chosen,
    comparisons,
    gaps_in_comparison,
    join_sentences,
    kpi_rows,
    measured,
    misleading_windows,
    not_measured_list,
    say_level,
    say_period,
    say_reason,
    short_history_note,
    variant_name,
)
from analysis.report.links import definition_href, figure_id
from analysis.report.numbers_shown import format_percent, is_missing
from analysis.report.remarks_shown import callout
from analysis.report.tables_shown import Column, table_html
from analysis.report.verdicts_shown import VERDICTS
from analysis.suite import Results


def kpi_table(
    results: Results,
    rows: pd.DataFrame,
    *,
    language: str,
    caption: str,
    group_by: str | None = None,
    note: str = "",
    has_places: bool = False,
) -> str:
    """A table of KPI rows in one language: value, interval, n, changes with verdicts, trend.

    Every name leads to its metric's definition. A comparison that no row has is left out; the note says why.

    Parameters
    ----------
    has_places
        Whether its rows are where links to a metric's figure lead (`links.figure_id`): the scorecard's are.
    """
    book = results.book
    shown = [against for against in comparisons(book) if rows[f"{against}_change"].notna().any()]
    words = _in_words(rows, book, language).assign(place=_places(rows) if has_places else None)
    metrics = [book.catalogue.metric(row.metric, row.variant) for row in rows.itertuples()]
    notes = [note, *table_notes(results, rows, metrics, shown, language)]
    notes.append(label("kpis.trend_whole_periods", language) if book.window.is_partial else "")
    return str(
        table_html(
            words, kpi_columns(book, shown, language), caption=caption, language=language, group_by=group_by,
            currency=book.settings.currency, phone="cards", note=join_sentences(notes, language),
        )
    )  # fmt: skip


def _places(rows: pd.DataFrame) -> list[str | None]:
    """An id for the first row of each metric."""
    repeated = rows["metric"].duplicated()
    return [None if again else figure_id(name) for name, again in zip(rows["metric"], repeated, strict=True)]


def kpi_block(
    results: Results,
    metrics: Sequence[Metric],
    *,
    language: str,
    section_of: Callable[[Metric], str] | None = None,
    **options: Any,
) -> Markup:
    """A table of these metrics' figures, and in one line what of them is not measured.

    Parameters
    ----------
    section_of
        The heading under which a metric stands; runs of one heading are a section. Without it there is none.
    options
        As of `kpi_table`: caption, note.
    """
    rows = kpi_rows(results, metrics)
    present = measured(rows)
    if present.empty:
        table: Any = callout(label("kpis.nothing_measured", language), language)
    else:
        if section_of:
            shown = (results.book.catalogue.metric(row.metric, row.variant) for row in present.itertuples())
            present = present.assign(section=[section_of(metric) for metric in shown])
            options["group_by"] = "section"
        table = kpi_table(results, present, language=language, **options)
    return Markup(table) + not_measured_line(results, rows, language)


def with_variants(book: Book, names: Iterable[str]) -> list[Metric]:
    """The metrics of these ids, each under the run's variant first, then under the others."""
    listed = []
    for name in names:
        record = book.catalogue.metrics[name]
        own = chosen(book, record)
        listed += [own, *(other for other in record.all_variants() if other.variant != own.variant)]
    return listed


def kpi_columns(book: Book, shown: Sequence[str], language: str) -> list[Column]:
    """The columns of a table of KPI rows, with those comparisons that can be made."""
    name = Column(
        "name", label("kpis.metric", language), detail_from="variant_name", link_from="definition",
        ids_from="place",
    )  # fmt: skip
    return [
        name,
        Column("value", label("kpis.value", language), unit_from="unit", strong=True),
        interval_column(book, language, unit_from="unit", reason_from="reason"),
        Column("n", label("kpis.n", language), unit="number", detail_from="n_detail"),
        *change_columns(book, shown, language),
        Column("trend", label("kpis.trend", language), unit_from="unit", shown_as="sparkline"),
    ]


def interval_column(
    book: Book, language: str, *, low: str = "low", high: str = "high", **options: Any
) -> Column:
    """The column of an interval, its ends in two columns of the rows; options as of ``Column``."""
    heading = label("kpis.interval", language, level=say_level(book, language))
    return Column(low, heading, high=high, **options)


def change_columns(
    book: Book, shown: Sequence[str], language: str, *, unit: str | None = None
) -> list[Column]:
    """A column of changes with verdicts for each window compared; without a unit, each row has its own."""
    return [
        Column(
            f"{against}_change", heading_of(against, book, language), unit=unit or "text",
            unit_from=None if unit else f"{against}_unit", verdict_from=f"{against}_verdict",
            detail_from=f"{against}_detail", reason_from=f"{against}_reason", signed=True,
        )
        for against in shown
    ]  # fmt: skip


def heading_of(against: str, book: Book, language: str) -> str:
    """The heading of a column of changes: ``Against 1997Q3``."""
    period = say_period(book.baselines[book.window.label][against], book, language)
    return label("kpis.against", language, period=period)


def _in_words(rows: pd.DataFrame, book: Book, language: str) -> pd.DataFrame:
    metrics = [book.catalogue.metric(row.metric, row.variant) for row in rows.itertuples()]
    words = rows.assign(
        name=[metric.name.in_(language) for metric in metrics],
        variant_name=[variant_name(metric, language) or None for metric in metrics],
        definition=[definition_href(metric.id) for metric in metrics],
        n_detail=[
            n_detail(row, metric, book, language)
            for row, metric in zip(rows.itertuples(), metrics, strict=True)
        ],
        reason=[say_reason(reason, book, language) for reason in rows["reason"]],
    )
    for against in AGAINST:
        doubts = zip(rows[f"{against}_base_change"], rows[f"{against}_is_short"], strict=True)
        words[f"{against}_detail"] = [doubt_words(change, is_short, language) for change, is_short in doubts]
        words[f"{against}_reason"] = [
            say_reason(reason, book, language) for reason in rows[f"{against}_reason"]
        ]
    return words


def n_detail(row: Any, metric: Metric, book: Book, language: str) -> str | None:
    """Sign and words below n where it is small, or where something else asks for care; None for nothing."""
    small = small_sample_words(row.n, book, language) if metric.is_sampled else None
    return small or (_sign_and_words("use_with_care", language) if row.status == "with_care" else None)


def small_sample_words(n: float, book: Book, language: str) -> str | None:
    """Sign and words below a number of rows that is small; None where it is not."""
    return _sign_and_words("small_sample", language) if n < book.settings.small_sample else None


def _sign_and_words(verdict: str, language: str) -> str:
    return f"{VERDICTS[verdict][0]} {label('report.verdict_' + verdict, language)}"


def doubt_words(change_of_n: Any, is_short: bool, language: str) -> str | None:
    """What speaks against a change in few words: ``data begin too late``, ``n −69%``; None for nothing."""
    if is_short:
        return label("kpis.short_history", language)
    if is_missing(change_of_n):
        return None
    return label(
        "kpis.other_base", language, change=format_percent(change_of_n, language, decimals=0, signed=True)
    )


def table_notes(
    results: Results, rows: pd.DataFrame, metrics: Iterable[Metric], shown: Sequence[str], language: str
) -> list[str]:
    """What must be known to read a table's changes: gaps in comparison, other bases, short histories."""
    book = results.book
    has_other_base = rows[[f"{against}_base_change" for against in shown]].notna().any(axis=None)
    return [
        *gaps_in_comparison(results, language),
        label("kpis.other_base_note", language) if has_other_base else "",
        short_history_note(book, misleading_windows(results, metrics), language),
    ]


def not_measured_line(results: Results, rows: pd.DataFrame, language: str) -> Markup:
    """One line with what is not measured, gathered by reason; empty where everything is."""
    told = not_measured_list(results, rows, language)
    if not told:
        return Markup("")
    words = label("kpis.not_measured_list", language, list=label("kpis.list_join", language).join(told))
    return Markup('<div class="wb-below"><p>{}</p></div>').format(words)
