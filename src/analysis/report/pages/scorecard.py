"""The scorecard: what moved for sure, what missed its target, why, what to do; then every figure in a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup, escape

from analysis.appraisal.drivers import Driver, dimensions_for
from analysis.appraisal.targets import judge_targets
from analysis.catalogue import Metric, label
from analysis.facts import Book, NotMeasured
from analysis.periods import Window
from analysis.report.findings import (
    SURE_VERDICTS,
    Finding,
    changes_to_judge,
    count_tested,
    find_changes_with_care,
    find_model_cautions,
    find_not_measured,
    find_unreconciled,
    large_changes,
    sure_changes,
)
from analysis.report.identities_shown import say_subjects
from analysis.report.kpi_tables import (
    doubt_words,
    kpi_table,
    not_measured_line,
)
from analysis.report.kpis_shown import (
    AGAINST,
    COMPACT_FROM,
    can_compare,
    chosen,
    compact_money,
    comparisons,
    gaps_in_comparison,
    group_name,
    join_sentences,
    kpi_rows,
    measured,
    metric_name,
    misleading_windows,
    say_change,
    say_change_interval,
    say_interval,
    say_level,
    say_n,
    say_period,
    say_reason,
    say_value,
    short_history_note,
    short_value,
    unit_of,
)
from analysis.report.links import definition_href, to_definition, to_page
from analysis.report.next_steps import find_next_steps, reasons_apart
from analysis.report.pages.definitions import show_definitions
from analysis.report.per_language import html_per_language
from analysis.report.stories import (
    Story,
    ask_why,
    find_stories,
    say_driver,
    story_title,
    unexplained,
)
from analysis.report.tables_shown import (
    MINUS,
    MISSING,
    Column,
    Tile,
    callout,
    format_date_range,
    format_number,
    format_percent,
    format_value,
    is_missing,
    kpi_tiles,
    table_html,
    verdict_badge,
)
from analysis.suite import Results

__all__ = [
    "show_cautions", "show_definitions", "show_headline", "show_moved", "show_next_steps", "show_scorecard",
    "show_summary", "show_targets", "show_why",
]  # fmt: skip

MOST_MOVED, MOST_LARGE, MOST_LINES = 5, 3, 3
MOVED_SIGNS = {"worse": ("bad", "▼"), "better": ("good", "▲"), "changed": ("quiet", "●")}
"""Tone and sign of the lists of what moved, in their order."""


# --- the headline ---------------------------------------------------------------------------------


@html_per_language
def show_summary(results: Results, *, language: str) -> Markup:
    """In two sentences what the period comes to; before them what must be known before reading on."""
    book = results.book
    warnings = [_unreconciled(results, language)]
    if book.window.is_partial and book.window.days:
        warnings.insert(0, callout(running_line(book, language), language, kind="partial",
                                   title=label("scorecard.running_title", language)))  # fmt: skip
    notes = Markup("").join(Markup("<p>{}</p>").format(line) for line in notes_on_figures(results, language))
    return Markup("").join(warnings) + Markup(
        '<div class="wb-lead"><p class="wb-lead-first">{}</p><p class="wb-lead-counts">{}</p>{}</div>'
    ).format(
        lead_sentence(results, language), join_sentences(count_sentences(results, language), language),
        Markup('<div class="wb-lead-notes">{}</div>').format(notes) if notes else "",
    )  # fmt: skip


def lead_sentence(results: Results, language: str) -> str:
    """The most important thing in words: what moved, and whether it reached its target; else what was missed."""
    book, moved, missed = results.book, sure_changes(results), missed_rows(results)
    if book.window.days == 0:
        return label("scorecard.nothing_yet", language)
    if moved:
        return _lead_of_change(results, moved[0], language)
    if missed:
        row, metric = missed[0], book.catalogue.metric(missed[0].metric, missed[0].variant)
        return label(
            "appraisal.lead_miss", language, name=metric_name(metric, language),
            value=short_value(row.value, metric, book, language),
            target=short_value(row.target, metric, book, language),
        )  # fmt: skip
    quiet = "lead_care" if find_changes_with_care(results) else "lead_quiet"
    return label(f"appraisal.{quiet}" if count_tested(results) else "appraisal.lead_untested", language)


def _lead_of_change(results: Results, row: Any, language: str) -> str:
    book = results.book
    metric = chosen(book, book.catalogue.metrics[row.metric])
    judged = {each.metric: each for each in judged_rows(results)}.get(row.metric)
    verdict = judged.verdict if judged is not None else ""
    way = "rose" if row.difference > 0 else "fell"
    key = f"appraisal.lead_{way}" + (f"_{verdict}" if verdict in ("hit", "miss") else "")
    return label(
        key, language, name=metric_name(metric, language), value=short_value(row.value, metric, book, language),
        base_value=short_value(row.base_value, metric, book, language),
        target=short_value(judged.target, metric, book, language) if judged is not None else "",
    )  # fmt: skip


def judged_rows(results: Results) -> list[Any]:
    """The company's targets with their verdicts; none where none is set."""
    judged = judge_targets(results)
    return [] if isinstance(judged, NotMeasured) else list(judged.itertuples())


def missed_rows(results: Results) -> list[Any]:
    """The targets missed."""
    return [row for row in judged_rows(results) if row.verdict == "miss"]


def count_sentences(results: Results, language: str) -> list[str]:
    """How many metrics moved and which way, how many targets were hit and missed."""
    return [each for each in (_moved_count(results, language), _targets_count(results, language)) if each]


def _moved_count(results: Results, language: str) -> str:
    tested, moved, cautious = (
        count_tested(results),
        sure_changes(results),
        len(find_changes_with_care(results)),
    )
    if not tested:
        return ""
    counts = {verdict: sum(row.verdict == verdict for row in moved) for verdict in MOVED_SIGNS}
    split = _counted(counts, "count", language)
    key = "counts" if moved else "counts_care" if cautious else "counts_none"
    first = label(
        f"appraisal.{key}", language, moved=len(moved), tested=tested, split=split, cautious=cautious
    )
    return join_sentences(
        [
            first,
            label("appraisal.counts_also_care", language, cautious=cautious) if moved and cautious else "",
        ],
        language,
    )


def _targets_count(results: Results, language: str) -> str:
    rows = judged_rows(results)
    if not rows:
        return ""
    if results.book.window.is_partial:
        counts = {"running": sum(row.verdict == "undetermined" for row in rows)}
    else:
        counts = {name: sum(row.verdict == name for row in rows) for name in ("miss", "hit", "undetermined")}
    counts["not_compared"] = sum(row.verdict == "not_compared" for row in rows)
    return label(
        "appraisal.targets_split", language, count=len(rows), split=_counted(counts, "targets", language)
    )


def _counted(counts: dict[str, int], prefix: str, language: str) -> str:
    told = [
        label(f"appraisal.{prefix}_{name}", language, count=count) for name, count in counts.items() if count
    ]
    return label("kpis.name_join", language).join(told)


def notes_on_figures(results: Results, language: str) -> list[str]:
    """What the masthead does not say: what cannot be compared or says little, and what values are made of."""
    book, settings = results.book, results.book.settings
    if book.window.days == 0:
        return []
    metrics = [chosen(book, metric) for metric in book.catalogue.metrics.values() if metric.shown]
    notes = [
        *gaps_in_comparison(results, language),
        short_history_note(book, misleading_windows(results, metrics), language),
        label("scorecard.revenue_basis", language) if settings.gross_margin == 1 else "",
    ]
    return [note for note in notes if note]


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
    """The settings' headline metrics as tiles: value, interval, target, changes with verdicts, trend."""
    book = results.book
    metrics = [chosen(book, book.catalogue.metrics[name]) for name in book.settings.headline_metrics]
    tiles = [headline_tile(results, metric, language) for metric in metrics]
    return kpi_tiles(tiles, language) + _other_base_note(results, metrics, language)


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


# --- what moved -----------------------------------------------------------------------------------


@html_per_language
def show_moved(results: Results, *, language: str) -> Markup:
    """Changes beyond chance, for the worse and for the better side by side; then large ones without a test."""
    moved = sure_changes(results)
    by_verdict = {verdict: [row for row in moved if row.verdict == verdict] for verdict in MOVED_SIGNS}
    told = {verdict: rows for verdict, rows in by_verdict.items() if rows}
    if not told:
        quiet = _moved_count(results, language) or label("scorecard.no_findings", language)
        return _plain(quiet) + _large_line(results, language)
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
        rest=_also_named(results, [row.metric for row in rows[most:]], "moved_also", language),
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


def _also_named(results: Results, names: Sequence[str], key: str, language: str) -> Markup:
    """The other metrics in one line, each a link to its definition."""
    if not names:
        return Markup("")
    metrics = results.book.catalogue.metrics
    links = [to_definition(name, metrics[name].name.in_(language)) for name in dict.fromkeys(names)]
    return _small(_with_markup(f"appraisal.{key}", language, names=_joined(links, language)))


def _joined(parts: Sequence[Markup], language: str) -> Markup:
    return Markup(escape(label("kpis.name_join", language))).join(parts)


def _with_markup(key: str, language: str, **values: Markup | str) -> Markup:
    """The words for a key around pieces of markup; everything else is escaped."""
    marks = {name: f"\ue000{place}\ue001" for place, name in enumerate(values)}
    said = str(escape(label(key, language, **marks)))
    for name, mark in marks.items():
        said = said.replace(mark, str(escape(values[name])))
    return Markup(said)


def _small(text: Markup | str) -> Markup:
    return Markup('<p class="wb-small">{}</p>').format(text)


def _plain(text: str) -> Markup:
    """A sentence where there is nothing to list."""
    return Markup('<p class="wb-nothing">{}</p>').format(text)


def _large_line(results: Results, language: str) -> Markup:
    """The large changes of figures counted in full, in one line; empty for none."""
    book, told = results.book, []
    for row in large_changes(results)[:MOST_LARGE]:
        metric = chosen(book, book.catalogue.metrics[row.metric])
        told.append(
            _with_markup(
                "appraisal.moved_large_one", language, name=to_definition(metric.id, metric_name(metric, language)),
                change=say_change(row._asdict(), metric, book, language),
                period=say_period(row.base_period, book, language),
                value=short_value(row.value, metric, book, language),
            )
        )  # fmt: skip
    if not told:
        return Markup("")
    listed = Markup(escape(label("kpis.list_join", language))).join(told)
    return _small(_with_markup("appraisal.moved_large", language, list=listed))


# --- targets --------------------------------------------------------------------------------------


@html_per_language
def show_targets(results: Results, *, language: str) -> Markup:
    """Every target of the period: figure with interval, target, verdict, and how probable it is that it is reached."""
    book, judged = results.book, judge_targets(results)
    if isinstance(judged, NotMeasured):
        table = book.catalogue.tables["targets"].name.in_(language)
        return _plain(label("appraisal.targets_none", language, table=table))
    columns = [
        Column("name", label("kpis.metric", language), link_from="definition"),
        Column("value", label("appraisal.targets_value", language), unit_from="unit", strong=True,
               detail_from="interval", reason_from="why_no_value"),
        Column("picture", label("appraisal.targets_picture", language), shown_as="markup"),
        Column("target", label("appraisal.targets_target", language), unit_from="unit", reason_from="why_no_target"),
        Column("verdict", label("appraisal.targets_verdict", language), shown_as="verdict"),
        Column("probability", label("appraisal.targets_probability", language), detail_from="words",
               reason_from="why_not"),
    ]  # fmt: skip
    period = say_period(book.window.label, book, language)
    table = table_html(
        target_rows(results, judged, language), columns, language=language, phone="cards",
        currency=book.settings.currency, note=_targets_note(book, language),
        caption=label("appraisal.targets_caption", language, period=period),
    )  # fmt: skip
    return Markup('<div class="wb-targets">{}</div>').format(table)


def target_rows(results: Results, judged: pd.DataFrame, language: str) -> pd.DataFrame:
    """The targets as they are shown, misses first: names, pictures, verdicts, probabilities in words."""
    rows = [_target_cells(results.book, row, language) for row in judged.itertuples()]
    # as objects, because a column of texts would take the markup of pictures for text
    return pd.DataFrame(rows, dtype=object).astype({"value": float, "target": float})


def _target_cells(book: Book, row: Any, language: str) -> dict[str, Any]:
    known = row.metric in book.catalogue.metrics
    metric = book.catalogue.metric(row.metric, row.variant) if known else None
    why = say_reason(row.reason, book, language) if row.verdict in ("not_compared", "undetermined") else None
    has_probability = not is_missing(row.probability)
    return {
        "name": metric_name(metric, language) if metric else row.metric,
        "definition": definition_href(row.metric) if metric else None,
        "unit": unit_of(metric) if metric else "number",
        "value": row.value, "target": row.target, "verdict": row.verdict,
        "interval": _interval_of(row, metric, book, language) if metric else None,
        "picture": bullet(row, language) if metric and row.verdict != "not_compared" else None,
        "probability": say_probability(row.probability, language) if has_probability else
            label("appraisal.exact", language) if row.method == "exact" else None,
        "words": probability_words(row, book, language) if has_probability else None,
        "why_not": why, "why_no_value": why, "why_no_target": why,
    }  # fmt: skip


def _interval_of(row: Any, metric: Metric, book: Book, language: str) -> str | None:
    return None if is_missing(row.low) or is_missing(row.high) else say_interval(
        row.low, row.high, metric, book, language
    )  # fmt: skip


def say_probability(probability: float, language: str) -> str:
    """A probability as percent, without pretending to know more than a hundredth."""
    if probability < 0.01:
        return label("appraisal.probability_low", language)
    if probability > 0.99:
        return label("appraisal.probability_high", language)
    return format_percent(probability, language, decimals=0)


def probability_words(row: Any, book: Book, language: str) -> str:
    """The probability in words, from ``practically ruled out`` over ``open`` to ``practically certain``."""
    if row.verdict in ("hit", "miss"):
        return label(f"appraisal.certain_{row.verdict}", language)
    words = "unlikely" if row.probability < 0.2 else "likely" if row.probability > 0.8 else "open"
    return label(f"appraisal.{words}", language)


def bullet(row: Any, language: str, *, width: int = 132, height: int = 24) -> Markup:
    """A figure and its target on one line: the interval, a dot for the value, a bar for the target."""
    ends = [end for end in (row.low, row.high, row.value, row.target) if not is_missing(end)]
    low, high = min(ends), max(ends)
    room = 0.12 * (high - low) or 1.0

    def x(value: float) -> float:
        return round(6 + (width - 12) * (value - low + room) / (high - low + 2 * room), 1)

    middle, has_range = height / 2, not (is_missing(row.low) or is_missing(row.high))
    line = Markup('<line class="wb-bullet-range" x1="{}" x2="{}" y1="{}" y2="{}"/>')
    parts = [
        Markup('<line class="wb-bullet-axis" x1="0" x2="{}" y1="{}" y2="{}"/>').format(width, middle, middle),
        line.format(x(row.low), x(row.high), middle, middle) if has_range else Markup(""),
        Markup('<line class="wb-bullet-target" x1="{}" x2="{}" y1="3" y2="{}"/>').format(
            x(row.target), x(row.target), height - 3
        ),
        Markup('<circle class="wb-bullet-value" cx="{}" cy="{}" r="4.5"/>').format(x(row.value), middle),
    ]  # fmt: skip
    tone = {"hit": "good", "miss": "bad"}.get(row.verdict, "quiet")
    return Markup(
        '<svg class="wb-bullet wb-{}" width="{}" height="{}" viewBox="0 0 {} {}" aria-hidden="true">{}</svg>'
    ).format(tone, width, height, width, height, Markup("").join(parts))


def _targets_note(book: Book, language: str) -> str:
    if book.window.is_partial:
        return label("appraisal.targets_running_note", language)
    rest = format_percent(1 - book.settings.confidence_level, language, decimals=0)
    return label("appraisal.targets_note", language, level=say_level(book, language), rest=rest)


# --- why ------------------------------------------------------------------------------------------


@html_per_language
def show_why(results: Results, *, language: str) -> Markup:
    """The groups that stand out in what moved or missed its target, and in which figures nobody does."""
    if not ask_why(results):
        return _plain(label("appraisal.why_nothing", language))
    stories = Markup("").join(_story(results, story, language) for story in find_stories(results))
    reasons = _reason_story(results, language)
    lists = (
        Markup('<ul class="wb-stories">{}</ul>').format(stories + reasons)
        if stories + reasons
        else Markup("")
    )
    return lists + _spread_line(results, language)


def _story(results: Results, story: Story, language: str) -> Markup:
    group, dimension = story_title(story, results.book, language)
    lines = [_driver_line(results.book, driver, language) for driver in story.drivers[:MOST_LINES]]
    rest = [driver.question.metric for driver in story.drivers[MOST_LINES:]]
    return _story_item(group, dimension, lines, _also_named(results, rest, "why_also", language))


def _driver_line(book: Book, driver: Driver, language: str) -> Markup:
    metric = book.catalogue.metric(driver.question.metric, driver.question.variant)
    name, (said, share) = metric_name(metric, language), say_driver(driver, book, language)
    return _line(to_definition(metric.id, name), said, share)


def _line(name: Markup | str, said: str, share: str) -> Markup:
    return Markup(
        '<li><p class="wb-story-name">{}</p><p class="wb-story-values">{}</p><p class="wb-story-share">{}</p></li>'
    ).format(name, said, share)


def _story_item(title: str, over: str, lines: Sequence[Markup], rest: Markup | str = "") -> Markup:
    return Markup(
        '<li class="wb-story"><p class="wb-story-title"><span>{}</span> {}</p><ul>{}</ul>{}</li>'
    ).format(over, title, Markup("").join(lines), rest)


def _reason_story(results: Results, language: str) -> Markup:
    """The reason one group of customers leaves for more often than others, where customers were lost beyond chance."""
    found = reasons_apart(results)
    if found.empty:
        return Markup("")
    book, row = results.book, found.to_dict("records")[0]
    shares = {name: format_percent(row[name], language, decimals=0) for name in ("share", "rest_share")}
    words = label("appraisal.why_reason_values", language, n=format_number(row["n"], language), **shares)
    name = label("appraisal.why_reason", language, reason=row["reason"])
    dimension = book.catalogue.dimensions[row["by"]].name.in_(language)
    return _story_item(
        group_name(book, row["by"], row["group"], language), dimension, [_line(name, words, "")]
    )


def _spread_line(results: Results, language: str) -> Markup:
    names = unexplained(results)
    if not names:
        return Markup("")
    book = results.book
    metrics = [chosen(book, book.catalogue.metrics[name]) for name in names]
    dimensions = dict.fromkeys(name for metric in metrics for name in dimensions_for(book, metric))
    links = _joined([to_definition(metric.id, metric_name(metric, language)) for metric in metrics], language)
    names_looked_at = [book.catalogue.dimensions[name].name.in_(language) for name in dimensions]
    looked = label("kpis.name_join", language).join(names_looked_at)
    return _small(_with_markup("appraisal.why_spread", language, names=links, dimensions=looked))


# --- what to do, and what to be careful with ------------------------------------------------------


@html_per_language
def show_next_steps(results: Results, *, language: str) -> Markup:
    """What to do, at most three steps, each with the number it rests on and a link to its page."""
    steps = find_next_steps(results)
    if not steps:
        return _plain(label("appraisal.steps_none", language))
    return Markup('<ol class="wb-steps">{}</ol>').format(
        Markup("").join(_step(results, step, language) for step in steps)
    )


def _step(results: Results, step: Finding, language: str) -> Markup:
    return Markup('<li><p class="wb-step">{}</p><p class="wb-small">{} {}</p></li>').format(
        step.sentence[language], step.detail.get(language, ""), _page_link(results, step.page, language)
    )


def _page_link(results: Results, page: str, language: str) -> Markup:
    pages = results.book.catalogue.pages
    if page not in pages:
        return Markup("")
    return to_page(page, label("appraisal.to_page", language, page=pages[page].title.in_(language)))


@html_per_language
def show_cautions(results: Results, *, language: str) -> Markup:
    """What is to be read with care: changes of other customers, doubtful models, and what is not known."""
    cautions = [
        *find_unreconciled(results), *find_changes_with_care(results)[:MOST_LINES], *find_model_cautions(results),
        *find_not_measured(results),
    ]  # fmt: skip
    if not cautions:
        return _plain(label("appraisal.care_none", language))
    return Markup('<ul class="wb-cautions">{}</ul>').format(
        Markup("").join(_caution(results, caution, language) for caution in cautions)
    )


def _caution(results: Results, caution: Finding, language: str) -> Markup:
    return Markup('<li><p class="wb-caution">{}</p>{}<p class="wb-small">{} {}</p></li>').format(
        caution.sentence[language], verdict_badge(caution.verdict, language), caution.detail.get(language, ""),
        _page_link(results, caution.page, language),
    )  # fmt: skip


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
        table = kpi_table(
            results, named, language=language, caption=caption, group_by="section", has_places=True
        )
    return Markup(table) + not_measured_line(results, rows, language)


def scorecard_rows(results: Results) -> pd.DataFrame:
    """The KPI rows of every metric shown, under the run's variants, with its ``family``, family by family."""
    book = results.book
    metrics = [chosen(book, m) for family in book.catalogue.families.values() for m in family if m.shown]
    rows = kpi_rows(results, metrics)
    return rows.assign(family=[book.catalogue.metrics[name].family for name in rows["metric"]])
