"""Charts of those who left: by whose choice and why, contracts renewed, who came back after being contacted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.catalogue import label
from analysis.facts import Book, NotMeasured
from analysis.report.figures.messages import change_message, first_message
from analysis.report.figures.retention import draw_rate
from analysis.report.figures.style import INKS, PALETTE, contrast, lay_bars
from analysis.report.kpis_shown import (
    chosen,
    group_name,
    join_sentences,
    metric_name,
    say_interval,
    say_level,
    say_n,
    say_period,
    say_value,
)
from analysis.report.numbers_shown import format_number, format_percent
from analysis.report.pages.breakdowns import in_words
from analysis.report.pages.churn_rows import (
    CHOICES,
    MOST_REASONS,
    RENEWAL,
    WIN_BACK,
    churn_by_choice,
    lost_customers,
    ranked_reasons,
    reason_counts,
    won_back,
)
from analysis.report.per_language import describe, figure_per_language
from analysis.suite import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = {"voluntary": PALETTE["worse"], "involuntary": PALETTE["comparison"], "unstated": INKS["line"]}
PALE = PALETTE["muted"]
WORDS_FIT = 0.055
"""A part of a bar is high enough for its figure from this share of the axis on."""


def _words(key: str, language: str, **values: object) -> str:
    return label(f"churn_page.{key}", language, **values)


def _listed(points: Sequence[str], language: str) -> str:
    return label("kpis.list_join", language).join(points)


# --- by whose choice ----------------------------------------------------------------------------------


@figure_per_language
def plot_churn_by_choice(results: Results, *, language: str, ax: Axes) -> Axes | NotMeasured:
    """Stacked bars, one for each period: the share of customers lost by their own choice, without it, not known."""
    rows = churn_by_choice(results)
    if rows.empty:
        figure = results.kpi(CHOICES["voluntary"])
        return figure if isinstance(figure, NotMeasured) else NotMeasured("no_rows")
    top = 1.22 * max(float(rows["lost"].max()), 0.01)
    bottom = np.zeros(len(rows))
    for part in CHOICES:
        shares = rows[part].to_numpy(float)
        ax.bar(
            rows.index, shares, bottom=bottom, width=0.66, color=COLOURS[part],
            label=_words(f"choice_{part}", language),
        )  # fmt: skip
        _write_inside(ax, shares, bottom, COLOURS[part], top, language)
        bottom = bottom + shares
    for place, lost in enumerate(rows["lost"]):
        ax.annotate(
            format_percent(lost, language), (place, lost), (0, 4), textcoords="offset points", ha="center",
            va="bottom", fontsize=11, fontweight="bold",
        )  # fmt: skip
    counts = [format_number(n, language) for n in rows["n"]]
    ax.set_xticks(rows.index, [f"{period}\n{n}" for period, n in zip(rows["period"], counts, strict=True)])
    ax.set_xlim(-0.75, len(rows) - 0.25)
    ax.set_ylim(0, top)
    ax.yaxis.set_visible(False)
    ax.grid(False)
    ax.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=3, handlelength=1.0, columnspacing=1.4)
    return describe(ax, **_choice_words(results, rows, language))


def _write_inside(
    ax: Axes, shares: np.ndarray, bottom: np.ndarray, colour: str, top: float, language: str
) -> None:
    ink = INKS["paper"] if contrast(colour) > 4.5 else INKS["ink"]
    for place, (share, start) in enumerate(zip(shares, bottom, strict=True)):
        if share >= WORDS_FIT * top:
            ax.annotate(
                format_percent(share, language, decimals=0), (place, start + share / 2), ha="center", va="center",
                fontsize=10, color=ink,
            )  # fmt: skip


def _choice_words(results: Results, rows: pd.DataFrame, language: str) -> dict[str, str]:
    rate = chosen(results.book, results.book.catalogue.metrics["customer_churn_rate"])
    points = [
        _words(
            "choice_point", language, period=say_period(row.period, results.book, language),
            lost=format_percent(row.lost, language), n=say_n(row.n, language),
            **{part: format_percent(getattr(row, part), language) for part in CHOICES},
        )
        for row in rows.itertuples()
    ]  # fmt: skip
    return {
        "alt": _words("choice_alt", language, points=_listed(points, language)),
        "title": _words("choice_title", language),
        "message": change_message(results, rate, language),
        "note": _words("choice_note", language),
    }


# --- why ----------------------------------------------------------------------------------------------


@figure_per_language
def plot_churn_reasons(results: Results, *, language: str, ax: Axes) -> Axes | NotMeasured:
    """Pareto chart: customers lost by reason given, most first, with the share of all reasons that come so far."""
    book, lost = results.book, lost_customers(results)
    if isinstance(lost, NotMeasured):
        return in_words(lost, book, language)
    shown = ranked_reasons(lost, book.settings.confidence_level).head(MOST_REASONS)
    if shown.empty:
        return NotMeasured(_words("reasons_none", language))
    ax.figure.set_size_inches(ax.figure.get_figwidth(), 0.6 + 0.38 * len(shown))
    colours = [PALE if kind == "involuntary" else PALETTE["main"] for kind in shown["kind"]]
    ax.barh(range(len(shown)), shown["customers"], color=colours, height=0.62)
    for place, row in enumerate(shown.itertuples()):
        text = _words(
            "reasons_bar", language, customers=format_number(row.customers, language),
            cumulative=format_percent(row.cumulative, language, decimals=0),
        )  # fmt: skip
        ax.annotate(
            text, (row.customers, place), (6, 0), textcoords="offset points", va="center", fontsize=11
        )
    names = [group_name(book, "exit_reason", reason, language) for reason in shown["reason"]]
    lay_bars(ax, names, 1.6 * float(shown["customers"].max()))
    return describe(ax, **_reason_words(results, lost, shown.assign(name=names), language))


def _reason_words(results: Results, lost: pd.DataFrame, shown: pd.DataFrame, language: str) -> dict[str, str]:
    points = [
        _words(
            "reasons_point", language, reason=row.name, customers=format_number(row.customers, language),
            share=format_percent(row.share, language),
        )
        for row in shown.itertuples()
    ]  # fmt: skip
    has_pale = shown["kind"].eq("involuntary").any() and shown["kind"].ne("involuntary").any()
    notes = [stated_note(lost, language), _words("reasons_pale", language) if has_pale else ""]
    return {
        "alt": _words("reasons_alt", language, points=_listed(points, language)),
        "title": _words(
            "reasons_title", language, period=say_period(results.book.window.label, results.book, language)
        ),
        "message": first_message(
            shown["name"].iloc[0],
            shown["customers"],
            reason_counts(lost)["stated"],
            results.book.settings.small_sample,
            language,
        ),
        "note": join_sentences(notes, language),
    }


def stated_note(lost: pd.DataFrame, language: str) -> str:
    """Of how many of the customers lost a reason is known."""
    counts = reason_counts(lost)
    return _words(
        "reasons_stated", language, lost=format_number(counts["lost"], language),
        stated=format_number(counts["stated"], language),
        share=format_percent(counts["stated"] / counts["lost"], language, decimals=0),
    )  # fmt: skip


# --- contracts ----------------------------------------------------------------------------------------


@figure_per_language
def plot_renewal_trend(results: Results, *, language: str, ax: Axes) -> Axes | NotMeasured:
    """Renewal rate over the periods: points with intervals, the contracts due below each."""
    return draw_rate(results, RENEWAL, _words("renewal_note", language), language=language, ax=ax)


# --- winning back -------------------------------------------------------------------------------------


@figure_per_language
def plot_win_back(results: Results, *, language: str, ax: Axes) -> Axes | NotMeasured:
    """Points with intervals: who came back of all inactive customers, of those contacted, by measure, of the others."""
    rows, book = won_back(results), results.book
    if isinstance(rows, NotMeasured):
        return rows
    metric = chosen(book, book.catalogue.metrics[WIN_BACK])
    ax.figure.set_size_inches(ax.figure.get_figwidth(), 0.7 + 0.4 * len(rows))
    ax.axvline(rows["value"].iloc[0], color=PALE, linewidth=1.2, linestyle="--", zorder=0)
    for place, row in enumerate(rows.itertuples()):
        colour = PALETTE["main"] if row.kind != "measure" else PALETTE["comparison"]
        error = [[row.value - row.low], [row.high - row.value]] if pd.notna(row.low) else None
        inside = INKS["paper"] if row.n < book.settings.small_sample else colour
        ax.errorbar(
            row.value, place, xerr=error, fmt="o", color=colour, markersize=7, elinewidth=2.2, capsize=3,
            markerfacecolor=inside, markeredgewidth=1.6,
        )  # fmt: skip
        at = row.high if pd.notna(row.high) else row.value
        ax.annotate(
            say_value(row.value, metric, book, language), (at, place), (7, 0), textcoords="offset points",
            va="center", fontsize=11, bbox={"facecolor": INKS["paper"], "edgecolor": "none", "pad": 1.0},
        )  # fmt: skip
    highest = float(rows["high"].fillna(rows["value"]).max())
    _lay_rows(ax, [_row_name(row, book, language) for row in rows.itertuples()], 1.25 * max(highest, 0.01))
    return describe(ax, **_win_back_words(results, rows, language))


def _lay_rows(ax: Axes, names: Sequence[str], width: float) -> None:
    ax.set_yticks(range(len(names)), names)
    ax.tick_params(axis="y", labelcolor=INKS["ink"])
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.set_xlim(0, width)
    ax.xaxis.set_visible(False)
    ax.spines["bottom"].set_visible(False)
    ax.grid(False)


def _row_name(row: Any, book: Book, language: str) -> str:
    return label(
        "retention.groups_row", language, group=who(row, book, language), n=format_number(row.n, language)
    )


def who(row: Any, book: Book, language: str) -> str:
    """What a row of ``won_back`` is about; measures are set off from the others."""
    if row.kind != "measure":
        return _words(f"win_back_{row.kind}", language)
    name = group_name(book, "measure_taken", row.group, language)
    return _words("win_back_measure", language, measure=name)


def _win_back_words(results: Results, rows: pd.DataFrame, language: str) -> dict[str, str]:
    book = results.book
    metric = chosen(book, book.catalogue.metrics[WIN_BACK])
    points = [
        _words(
            "win_back_point", language, who=who(row, book, language), n=say_n(row.n, language),
            value=say_value(row.value, metric, book, language),
            interval=say_interval(row.low, row.high, metric, book, language),
        )
        for row in rows.itertuples()
    ]  # fmt: skip
    least = book.settings.small_sample
    hollow = _words("win_back_hollow", language, least=least) if (rows["n"] < least).any() else ""
    return {
        "alt": _words("win_back_alt", language, points=_listed(points, language)),
        "title": _words(
            "win_back_title", language, name=metric_name(metric, language), level=say_level(book, language),
            period=say_period(book.window.label, book, language),
        ),
        "note": join_sentences([_words("win_back_caution", language), hollow], language),
    }  # fmt: skip
