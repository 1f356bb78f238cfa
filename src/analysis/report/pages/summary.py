"""The first lines of the scorecard: what the period comes to, and what must be known before reading on."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from analysis.appraisal.targets import judge_targets
from analysis.catalogue import label
from analysis.facts import Book, NotMeasured
from analysis.periods import Window
from analysis.report.findings import count_tested, find_changes_with_care, large_changes, sure_changes
from analysis.report.identities_shown import say_subjects
from analysis.report.kpis_shown import (
    can_compare,
    chosen,
    comparisons,
    gaps_in_comparison,
    join_sentences,
    metric_name,
    misleading_windows,
    say_change,
    say_period,
    short_history_note,
    short_value,
    shown_metrics,
)
from analysis.report.numbers_shown import format_date_range, format_number
from analysis.report.per_language import html_per_language
from analysis.report.remarks_shown import callout
from analysis.suite import Results

MOVED_SIGNS = {"worse": ("bad", "▼"), "better": ("good", "▲"), "changed": ("quiet", "●")}
"""Tone and sign of the lists of what moved, in their order."""


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
    """The most important thing in words: what moved, and whether it reached its target; else what was missed.

    Where neither is known, a headline figure that is counted in full and moved by a tenth or more.
    """
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
    large = [row for row in large_changes(results) if row.is_headline]
    if large:
        return _lead_of_size(results, large[0], language)
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


def _lead_of_size(results: Results, row: Any, language: str) -> str:
    book = results.book
    metric = chosen(book, book.catalogue.metrics[row.metric])
    return label(
        "findings.size", language, name=metric_name(metric, language),
        value=short_value(row.value, metric, book, language),
        change=say_change(row._asdict(), metric, book, language),
        base_period=say_period(row.base_period, book, language),
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
    return [each for each in (moved_count(results, language), _targets_count(results, language)) if each]


def moved_count(results: Results, language: str) -> str:
    """How many metrics moved and which way; empty where none was tested."""
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
    care = label("appraisal.counts_also_care", language, cautious=cautious) if moved and cautious else ""
    return join_sentences([first, care], language)


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
    notes = [
        *gaps_in_comparison(results, language),
        short_history_note(book, misleading_windows(results, shown_metrics(book)), language),
        label("scorecard.revenue_basis", language)
        if settings.gross_margin == 1 and "orders" in settings.tables
        else "",
    ]
    return [note for note in notes if note]


def status_lines(results: Results, language: str) -> list[str]:
    """One sentence each: the days measured, the days compared, the basis of values, what says nothing."""
    book = results.book
    if book.window.days == 0:
        return [label("scorecard.nothing_yet", language)]
    measured = label(
        "scorecard.measured", language, period=book.period.label, days=_days(book.window, language)
    )
    lines = [measured, _compared_line(results, language), *notes_on_figures(results, language)]
    return [line for line in lines if line]


def _compared_line(results: Results, language: str) -> str:
    """With which days the period is compared; empty where with none."""
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
    if not shown:
        return ""
    return label("scorecard.compared", language, windows=label("kpis.name_join", language).join(shown))


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
