"""The headline metrics as tiles: value, interval, target, changes with verdicts, trend."""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup

from analysis.catalogue import Metric, label
from analysis.facts import Book, NotMeasured
from analysis.report.headline import headline_metrics
from analysis.report.kpi_tables import doubt_words
from analysis.report.kpis_shown import (
    AGAINST,
    COMPACT_FROM,
    chosen,
    compact_money,
    comparisons,
    kpi_rows,
    measured,
    metric_name,
    say_interval,
    say_level,
    say_n,
    say_period,
    say_reason,
    say_value,
    short_value,
)
from analysis.report.links import definition_href
from analysis.report.numbers_shown import MINUS, MISSING, format_value, is_missing
from analysis.report.pages.summary import judged_rows
from analysis.report.per_language import html_per_language
from analysis.report.tiles_shown import Tile, kpi_tiles
from analysis.suite import Results


@html_per_language
def show_headline(results: Results, *, language: str) -> Markup | NotMeasured:
    """The settings' headline metrics as tiles: value, interval, target, changes with verdicts, trend."""
    metrics = headline_shown(results)
    tiles = [headline_tile(results, metric, language) for metric in metrics]
    return kpi_tiles(tiles, language) + _other_base_note(results, metrics, language)


def headline_shown(results: Results) -> list[Metric]:
    """The metrics of the tiles: what stands in for another is left out where it is not measured either."""
    book = results.book
    metrics = [chosen(book, book.catalogue.metrics[name]) for name in headline_metrics(book.settings)]
    own = [metric for metric in metrics if metric.id in book.settings.headline_metrics]
    return [
        metric for metric in metrics if metric in own or len(measured(kpi_rows(results, [metric])))
    ] or own


def headline_tile(results: Results, metric: Metric, language: str) -> Tile:
    """The tile of one metric; where it is not measured, the reason stands for the interval."""
    book, name = results.book, metric_name(metric, language)
    row, link = kpi_rows(results, [metric]), definition_href(metric.id)
    if row.empty or is_missing(row.iloc[0]["value"]):
        reason = row.iloc[0]["reason"] if len(row) else "metric_absent"
        return Tile(name, MISSING, say_reason(reason, book, language), link=link)
    figure = row.iloc[0]
    return Tile(
        name,
        short_value(figure["value"], metric, book, language),
        _tile_interval(figure, metric, book, language),
        [*_tile_target(results, metric, language), *tile_changes(figure, metric, book, language)],
        figure["trend"],
        lambda value: say_value(value, metric, book, language),
        link,
    )


def _tile_target(results: Results, metric: Metric, language: str) -> list[tuple[str, str]]:
    row = {each.metric: each for each in judged_rows(results)}.get(metric.id)
    if row is None or row.verdict == "not_compared":
        return []
    target = short_value(row.target, metric, results.book, language)
    return [(label("scorecard.tile_target", language, target=target), row.verdict)]


def _tile_interval(figure: pd.Series, metric: Metric, book: Book, language: str) -> str:
    n = say_n(figure["n"], language)
    if not is_missing(figure["low"]):
        interval = _short_interval(figure["low"], figure["high"], metric, book, language)
        return label(
            "scorecard.tile_interval", language, level=say_level(book, language), interval=interval, n=n
        )
    key = "tile_census" if str(figure["reason"]).startswith("census") else "tile_no_interval"
    return label(f"scorecard.{key}", language, n=n)


def _short_interval(low: Any, high: Any, metric: Metric, book: Book, language: str) -> str:
    if metric.unit == "money" and not is_missing(high) and max(abs(low), abs(high)) >= COMPACT_FROM:
        ends = [compact_money(float(end), language, book.settings.currency) for end in (low, high)]
        return "–".join(ends) if MINUS not in "".join(ends) else label("report.to", language).join(ends)
    return say_interval(low, high, metric, book, language)


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
