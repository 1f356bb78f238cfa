"""Figures broken down by a dimension: every group's figure and change, and the table that shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from analysis.catalogue import Metric, label
from analysis.facts import Book, NotMeasured
from analysis.metrics.frame import NOT_STATED
from analysis.periods import Window
from analysis.report.kpi_tables import change_columns, doubt_words, interval_column, n_detail
from analysis.report.kpis_shown import (
    AGAINST,
    base_change,
    change_shown,
    chosen,
    comparisons,
    group_name,
    join_sentences,
    metric_name,
    say_reason,
    unit_of,
    verdict_shown,
)
from analysis.report.links import definition_href
from analysis.report.remarks_shown import callout
from analysis.report.tables_shown import Column, table_html
from analysis.suite import Results

MOST_GROUPS = 12


# --- the figures of groups ----------------------------------------------------------------------------


def figures_by(results: Results, dimension: str, metrics: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The period's figures of every group of a dimension, and their changes.

    Groups of rows that do not say theirs are left out. Verdicts are corrected for the groups of the dimension.

    Parameters
    ----------
    metrics
        Each as ``id``, under the variant the run has chosen, or as ``id.variant``.

    Returns
    -------
    figures, changes : DataFrame
        Rows as in the KPI frame (all windows compared) and in the frame of changes.
    """
    key = ("figures_by", dimension, *metrics)
    return results.remember(key, lambda: _figures_by(results, dimension, metrics))


def _figures_by(
    results: Results, dimension: str, metrics: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    from analysis.suite.everything import (  # heavy, and not every part of a page needs it
        find_changes,
        kpis_by,
    )

    book = results.book
    kpis = kpis_by(book, dimension, [asked_for(book, name) for name in metrics])
    figures = kpis[kpis["by"].eq(dimension) & kpis["group"].ne(NOT_STATED) & kpis["value"].notna()]
    return figures, find_changes(book, figures) if len(figures) else results.changes.head(0)


def asked_for(book: Book, name: str) -> Metric:
    """The metric that ``id`` names, under the variant the run has chosen, or that ``id.variant`` names."""
    metrics = book.catalogue.metrics
    return chosen(book, metrics[name]) if name in metrics else book.catalogue.named(name)


def group_figures(results: Results, dimension: str, metrics: Sequence[str]) -> pd.DataFrame:
    """The period's rows of ``figures_by``: in the metrics' order, worst group first; metrics with one group left out.

    Of more than twelve groups those with most rows are kept.
    """
    figures, _ = figures_by(results, dimension, metrics)
    now = figures[figures["period"] == results.book.window.label]
    wanted = [asked_for(results.book, name) for name in metrics]
    parts = [
        _worst_first(metric, now[(now["metric"] == metric.id) & (now["variant"] == metric.variant)])
        for metric in wanted
    ]
    parts = [part for part in parts if len(part) > 1]
    return pd.concat(parts, ignore_index=True) if parts else now.head(0)


def _worst_first(metric: Metric, rows: pd.DataFrame) -> pd.DataFrame:
    most = rows.sort_values(["n", "group"], ascending=[False, True]).head(MOST_GROUPS)
    return most.sort_values(["value", "group"], ascending=[metric.better == "up", True])


def cut_groups(results: Results, dimension: str, metrics: Sequence[str]) -> int:
    """How many groups there are where more than twelve would have to be shown; 0 where all are."""
    most = groups_compared(results, dimension, metrics)
    return most if most > MOST_GROUPS else 0


def groups_compared(results: Results, dimension: str, metrics: Sequence[str]) -> int:
    """How many groups the period has figures of, shown or not: verdicts are corrected for all of them."""
    figures, _ = figures_by(results, dimension, metrics)
    now = figures[figures["period"] == results.book.window.label]
    return int(now.groupby("metric")["group"].nunique().max()) if len(now) else 0


# --- why something is missing -------------------------------------------------------------------------


def missing_from(book: Book, table: str, window: Window | None = None) -> NotMeasured | None:
    """Why nothing can be said from a table's rows about a window (the run's own, if not given); None if it can."""
    window = window or book.window
    if table in book.absent:
        return NotMeasured(f"table_absent|{table}")
    coverage = book.coverage_of(table)
    if coverage.start is None:
        return NotMeasured("no_rows")
    if coverage.is_before(window):
        return NotMeasured(f"before_data|{coverage.start}")
    if window.days == 0 or coverage.is_after(window):
        return NotMeasured(f"after_data|{coverage.last_day}" if coverage.end else "not_begun")
    return None


def in_words(missing: NotMeasured, book: Book, language: str) -> NotMeasured:
    """The reason with tables and days as the language names them."""
    return NotMeasured(say_reason(missing.reason, book, language))


# --- the table ----------------------------------------------------------------------------------------


def breakdown_table(
    results: Results, dimension: str, metrics: Sequence[str], language: str, *, table: str | None, caption: str,
    note: str = "",
) -> Markup | NotMeasured:  # fmt: skip
    """A section for each metric, a row for each group: value, interval, n, changes with verdicts; worst first.

    Parameters
    ----------
    table
        The table whose rows it is made of: where nothing can be said from that, the reason stands instead.
        None where they are made of several.
    caption, note
        In the page's language.
    """
    book = results.book
    missing = missing_from(book, table) if table else None
    if missing:
        return in_words(missing, book, language)
    rows = group_rows(results, dimension, metrics, language)
    if rows.empty:
        name = book.catalogue.dimensions[dimension].name.in_(language)
        return callout(label("breakdowns.one_group", language, dimension=name), language)
    shown = [against for against in comparisons(book) if rows[f"{against}_change"].notna().any()]
    return table_html(
        rows, _columns(book, dimension, shown, language), language=language, group_by="metric_name",
        group_link_from="definition",
        currency=book.settings.currency, phone="cards", caption=caption,
        note=_note(results, dimension, metrics, rows, note, language),
    )  # fmt: skip


def group_rows(results: Results, dimension: str, metrics: Sequence[str], language: str) -> pd.DataFrame:
    """The groups shown, metric by metric, worst first, with what changed against the windows compared.

    Returns
    -------
    DataFrame
        ``metric_name, definition, group_name, value, low, high, n, n_detail, unit, reason`` and for each comparison
        ``…_change, …_unit, …_verdict, …_detail, …_reason``.
    """
    book, (figures, changes) = results.book, figures_by(results, dimension, metrics)
    by_key = {(r["metric"], r["variant"], r["group"], r["against"]): r for r in changes.to_dict("records")}
    sizes = figures.set_index(["metric", "variant", "group", "period"])["n"].to_dict()
    rows = []
    for row in group_figures(results, dimension, metrics).itertuples():
        metric, key = book.catalogue.metric(row.metric, row.variant), (row.metric, row.variant, row.group)
        cells = {
            "metric_name": metric_name(metric, language), "definition": definition_href(metric.id),
            "group_name": group_name(book, dimension, row.group, language), "unit": unit_of(metric),
            "value": row.value, "low": row.low, "high": row.high, "n": row.n,
            "n_detail": n_detail(row, metric, book, language), "reason": say_reason(row.reason, book, language),
        }  # fmt: skip
        for against in AGAINST:
            change = by_key.get((*key, against))
            base_n = sizes.get((*key, change["base_period"]), 0) if change else 0
            cells |= change_cells(change, base_n, row.n, metric, book, against, language)
        rows.append(cells)
    return pd.DataFrame(rows)


def change_cells(
    change: Mapping[str, Any] | None, base_n: float, n: float, metric: Metric, book: Book, against: str,
    language: str,
) -> dict[str, Any]:  # fmt: skip
    """A group's change against one window, as the cells that a column of changes shows."""
    if change is None:
        cells: dict[str, Any] = dict.fromkeys(["change", "verdict", "detail", "reason"])
        return {f"{against}_{name}": cell for name, cell in (cells | {"unit": unit_of(metric)}).items()}
    number, unit = change_shown(dict(change), metric)
    cells = {
        "change": number, "unit": unit, "verdict": verdict_shown(dict(change)),
        "detail": doubt_words(base_change(n, base_n, metric), False, language),
        "reason": _why_no_change(change, book, language),
    }  # fmt: skip
    return {f"{against}_{name}": cell for name, cell in cells.items()}


def _why_no_change(change: Mapping[str, Any], book: Book, language: str) -> str:
    if "group_absent" in str(change["reason"]) or "period_absent" in str(change["reason"]):
        return label("breakdowns.group_absent", language)
    return say_reason(change["reason"], book, language)


def _columns(book: Book, dimension: str, shown: Sequence[str], language: str) -> list[Column]:
    return [
        Column("group_name", book.catalogue.dimensions[dimension].name.in_(language)),
        Column("value", label("kpis.value", language), unit_from="unit", strong=True),
        interval_column(book, language, unit_from="unit", reason_from="reason"),
        Column("n", label("kpis.n", language), unit="number", detail_from="n_detail"),
        *change_columns(book, shown, language),
    ]


def _note(
    results: Results, dimension: str, metrics: Sequence[str], rows: pd.DataFrame, note: str, language: str
) -> str:
    groups, has_verdicts = groups_compared(results, dimension, metrics), rows["previous_change"].notna().any()
    cut = cut_groups(results, dimension, metrics)
    has_other_base = rows[[f"{against}_detail" for against in AGAINST]].notna().any(axis=None)
    notes = [
        label("breakdowns.corrected", language, count=groups) if has_verdicts else "",
        note,
        label("breakdowns.groups_cut", language, shown=MOST_GROUPS, all=cut) if cut else "",
        label("kpis.other_base_note", language) if has_other_base else "",
    ]
    return join_sentences(notes, language)
