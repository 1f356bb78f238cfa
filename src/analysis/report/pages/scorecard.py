"""The scorecard: what the figures are, the headline ones, what changed for sure, every metric in a table."""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup

from analysis.catalogue import Metric, label
from analysis.facts import Book, NotMeasured
from analysis.periods import Window
from analysis.report.findings import Finding, find_all
from analysis.report.identities_shown import say_subjects
from analysis.report.kpi_tables import (
    doubt_words,
    kpi_table,
    not_measured_line,
)
from analysis.report.kpis_shown import (
    AGAINST,
    can_compare,
    chosen,
    comparisons,
    gaps_in_comparison,
    kpi_rows,
    measured,
    metric_name,
    misleading_windows,
    say_interval,
    say_level,
    say_n,
    say_period,
    say_reason,
    say_value,
    short_history_note,
)
from analysis.report.pages.definitions import show_definitions
from analysis.report.per_language import html_per_language
from analysis.report.tables_shown import (
    MISSING,
    Tile,
    badge,
    callout,
    format_date_range,
    format_number,
    format_value,
    is_missing,
    kpi_tiles,
    verdict_badge,
)
from analysis.suite import Results

__all__ = ["show_definitions", "show_findings", "show_headline", "show_scorecard", "show_status"]


# --- status ---------------------------------------------------------------------------------------


@html_per_language
def show_status(results: Results, *, language: str) -> Markup:
    """Which days are measured and compared, and what must be known before reading on."""
    book = results.book
    parts = [
        callout(
            "",
            language,
            title=label("scorecard.status_title", language),
            items=status_lines(results, language),
        ),
        _unreconciled(results, language),
    ]
    if book.window.is_partial and book.window.days:
        parts.insert(0, callout(running_line(book, language), language, kind="partial",
                                title=label("scorecard.running_title", language)))  # fmt: skip
    return Markup("").join(parts)


def status_lines(results: Results, language: str) -> list[str]:
    """One sentence each: the days measured, the days compared, the basis of values, what says nothing."""
    book, settings = results.book, results.book.settings
    if book.window.days == 0:
        return [label("scorecard.nothing_yet", language)]
    metrics = [chosen(book, metric) for metric in book.catalogue.metrics.values() if metric.shown]
    lines = [
        label("scorecard.measured", language, period=book.period.label, days=_days(book.window, language)),
        *comparison_lines(results, language),
        short_history_note(book, misleading_windows(results, metrics), language),
        label("scorecard.revenue_basis", language) if settings.gross_margin == 1 else "",
    ]
    return [line for line in lines if line]


def comparison_lines(results: Results, language: str) -> list[str]:
    """With which days the period is compared, and why with none where that is so."""
    book = results.book
    bases = [
        book.baselines[book.window.label][against]
        for against in comparisons(book)
        if can_compare(results, against)
    ]
    windows = [window for window in book.windows if window.label in bases]
    shown = [
        label("scorecard.window", language, name=say_period(w.label, book, language), days=_days(w, language))
        for w in reversed(windows)
    ]
    compared = (
        label("scorecard.compared", language, windows=label("kpis.name_join", language).join(shown))
        if shown
        else ""
    )
    return [compared, *gaps_in_comparison(results, language)]


def running_line(book: Book, language: str) -> str:
    """That the period is not over, and how much of it is measured."""
    return label("scorecard.running", language, days=book.window.days, all_days=book.period.days)


def _days(window: Window, language: str) -> str:
    return format_date_range(window.start, window.last_day, language)


def _unreconciled(results: Results, language: str) -> Markup:
    if results.is_reconciled:
        return Markup("")
    broken = results.identities[~results.identities["holds"]].head(10)
    items = [
        label(
            "scorecard.broken", language, identity=label(f"findings.identity_{row.identity}", language),
            subject=subject, left=format_number(row.left, language), relation=row.relation,
            right=format_number(row.right, language),
        )
        for row, subject in zip(broken.itertuples(), say_subjects(broken, results.book, language), strict=True)
    ]  # fmt: skip
    return callout(label("scorecard.unreconciled", language), language, kind="unreconciled", items=items)


# --- tiles ----------------------------------------------------------------------------------------


@html_per_language
def show_headline(results: Results, *, language: str) -> Markup | NotMeasured:
    """The settings' headline metrics as tiles: value, interval, changes with verdicts, trend."""
    book = results.book
    metrics = [chosen(book, book.catalogue.metrics[name]) for name in book.settings.headline_metrics]
    tiles = [headline_tile(results, metric, language) for metric in metrics]
    return kpi_tiles(tiles, language) + _other_base_note(results, metrics, language)


def headline_tile(results: Results, metric: Metric, language: str) -> Tile:
    """The tile of one metric; where it is not measured, the reason stands for the interval."""
    book, name = results.book, metric_name(metric, language)
    row = kpi_rows(results, [metric])
    if row.empty or is_missing(row.iloc[0]["value"]):
        reason = row.iloc[0]["reason"] if len(row) else "metric_absent"
        return Tile(name, MISSING, say_reason(reason, book, language))
    figure = row.iloc[0]
    return Tile(
        name,
        say_value(figure["value"], metric, book, language),
        _tile_interval(figure, metric, book, language),
        tile_changes(figure, metric, book, language),
        figure["trend"],
        lambda value: say_value(value, metric, book, language),
    )


def _tile_interval(figure: pd.Series, metric: Metric, book: Book, language: str) -> str:
    n = say_n(figure["n"], language)
    if not is_missing(figure["low"]):
        interval = say_interval(figure["low"], figure["high"], metric, book, language)
        return label(
            "scorecard.tile_interval", language, level=say_level(book, language), interval=interval, n=n
        )
    key = "tile_census" if str(figure["reason"]).startswith("census") else "tile_no_interval"
    return label(f"scorecard.{key}", language, n=n)


def tile_changes(figure: pd.Series, metric: Metric, book: Book, language: str) -> list[tuple[str, str]]:
    """The changes that can be shown for a figure, each with its verdict and with what speaks against it."""
    told = []
    for against in comparisons(book):
        number, unit = figure[f"{against}_change"], figure[f"{against}_unit"]
        if is_missing(number):
            continue
        doubt = doubt_words(figure[f"{against}_base_change"], figure[f"{against}_is_short"], language)
        words = label(
            "scorecard.tile_change_doubtful" if doubt else "scorecard.tile_change", language, doubt=doubt,
            change=format_value(number, unit, language, currency=book.settings.currency, signed=True),
            period=say_period(book.baselines[book.window.label][against], book, language),
        )  # fmt: skip
        told.append((words, figure[f"{against}_verdict"]))
    return told


def _other_base_note(results: Results, metrics: list[Metric], language: str) -> Markup:
    rows = kpi_rows(results, metrics)
    if rows[[f"{against}_base_change" for against in AGAINST]].notna().any(axis=None):
        return Markup('<div class="wb-below"><p>{}</p></div>').format(label("kpis.other_base_note", language))
    return Markup("")


# --- findings -------------------------------------------------------------------------------------


@html_per_language
def show_findings(results: Results, *, language: str) -> Markup:
    """What changed for sure, what is large, what could not be measured, what to do next, in this order."""
    findings = find_all(results)
    if not findings:
        return callout(label("scorecard.no_findings", language), language)
    lines = Markup("").join(_finding(finding, language) for finding in findings)
    return Markup('<ol class="wb-findings">{}</ol>').format(lines)


def _finding(finding: Finding, language: str) -> Markup:
    step = badge(label("scorecard.step", language), sign="→")
    mark = verdict_badge(finding.verdict, language) if finding.verdict else step
    return Markup("<li><p>{}</p>{}</li>").format(finding.sentence[language], mark)


# --- the table ------------------------------------------------------------------------------------


@html_per_language
def show_scorecard(results: Results, *, language: str) -> Markup:
    """Every metric in one table, family by family, and in one line below those that could not be measured."""
    rows = scorecard_rows(results)
    present = measured(rows)
    table: Any = callout(label("kpis.nothing_measured", language), language)
    if len(present):
        named = present.assign(
            section=[label(f"scorecard.family_{family}", language) for family in present["family"]]
        )
        caption = label(
            "scorecard.table_caption",
            language,
            period=say_period(results.book.window.label, results.book, language),
        )
        table = kpi_table(results, named, language=language, caption=caption, group_by="section")
    return Markup(table) + not_measured_line(results, rows, language)


def scorecard_rows(results: Results) -> pd.DataFrame:
    """The KPI rows of every metric shown, under the run's variants, with its ``family``, family by family."""
    book = results.book
    metrics = [chosen(book, m) for family in book.catalogue.families.values() for m in family if m.shown]
    rows = kpi_rows(results, metrics)
    return rows.assign(family=[book.catalogue.metrics[name].family for name in rows["metric"]])
