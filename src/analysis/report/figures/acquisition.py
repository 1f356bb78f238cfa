"""Charts of acquisition: each stage against its own history, who buys again by channel, why opportunities are lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.catalogue import label
from analysis.facts import Book, NotMeasured
from analysis.report.figures.messages import Told, base_words, first_message, groups_message
from analysis.report.figures.style import INKS, PALETTE, lay_bars
from analysis.report.kpis_shown import group_name, join_sentences, say_level, say_period
from analysis.report.numbers_shown import (
    format_interval,
    format_money,
    format_number,
    format_percent,
    is_missing,
)
from analysis.report.pages.acquisition_rows import AGAIN, channels
from analysis.report.pages.breakdowns import in_words
from analysis.report.pages.funnel_rows import funnel, lost_reasons
from analysis.report.per_language import describe, figure_per_language
from analysis.report.verdicts_shown import VERDICTS
from analysis.report.words import label as word
from analysis.suite import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_REASONS = 12
LONGEST_NAME = 24
"""Signs of a name beside a bar or point; the tables hold the whole of it."""

VERDICT_COLOURS = {"better": PALETTE["better"], "worse": PALETTE["worse"]}


def _words(key: str, language: str, **values: Any) -> str:
    return label(f"acquisition_page.{key}", language, **values)


def _listed(parts: Sequence[str], language: str) -> str:
    return label("kpis.list_join", language).join(parts)


def short_name(name: str) -> str:
    """A name on one line, its end cut off where it would take the chart's room."""
    line = " ".join(name.split())
    return line if len(line) <= LONGEST_NAME else f"{line[: LONGEST_NAME - 1].rstrip()}…"


# --- the funnel ---------------------------------------------------------------------------------------


@figure_per_language
def plot_funnel(results: Results, *, language: str, ax: Axes) -> Axes | NotMeasured:
    """Share that passed each stage, in the order of the funnel, with its interval and what it was before."""
    book, rows = results.book, funnel(results)
    if isinstance(rows, NotMeasured):
        return in_words(rows, book, language)
    for place, row in enumerate(rows.itertuples()):
        if row.windows:
            _draw_history(ax, place, row)
        _draw_point(
            ax, place, row.value, row.low, row.high, VERDICT_COLOURS.get(row.verdict, PALETTE["main"])
        )
        text = f"{format_percent(row.value, language)} {_mark(row.verdict, language)}".rstrip()
        _write_beside(ax, place, _right_end(row.high, row.value, row.highest), text, row.verdict)
    rows = rows.assign(name=[group_name(book, "stage", stage, language) for stage in rows["stage"]])
    names = [
        _words("funnel_row", language, stage=short_name(row.name), n=format_number(row.n, language))
        for row in rows.itertuples()
    ]
    _lay_points(ax, names, rows[["value", "low", "high", "lowest", "highest"]], room=0.6)
    return describe(ax, **_funnel_words(rows, book, language))


def _draw_history(ax: Axes, place: int, row: Any) -> None:
    ax.plot(
        [row.lowest, row.highest], [place] * 2, color=INKS["line"], linewidth=13, linestyle="-",
        solid_capstyle="round", zorder=1,
    )  # fmt: skip
    ax.plot(row.usual, place, marker="|", color=INKS["soft"], markersize=17, markeredgewidth=2, zorder=2)


def _draw_point(ax: Axes, place: int, value: float, low: Any, high: Any, colour: str) -> None:
    error = None if is_missing(low) else [[value - low], [high - value]]
    ax.errorbar(
        value, place, xerr=error, fmt="o", color=colour, markersize=8, elinewidth=2.2, capsize=3, zorder=3
    )


def _right_end(*values: Any) -> float:
    return max(float(value) for value in values if not is_missing(value))


def _write_beside(ax: Axes, place: int, at: float, text: str, verdict: str | None) -> None:
    ax.annotate(
        text, (at, place), (10, 0), textcoords="offset points", va="center", fontsize=11,
        color=VERDICT_COLOURS.get(verdict, INKS["ink"]), zorder=4,
        bbox={"facecolor": INKS["paper"], "edgecolor": "none", "pad": 0.8},
    )  # fmt: skip


def _mark(verdict: str | None, language: str) -> str:
    """Sign and words of a clear verdict; nothing of the others."""
    if verdict not in VERDICT_COLOURS:
        return ""
    return f"{VERDICTS[verdict][0]} {word('verdict_' + verdict, language)}"


def _lay_points(ax: Axes, names: Sequence[str], limits: pd.DataFrame, room: float) -> None:
    """Name the rows, the first on top, and leave room at the right, a share of the points' own, for their texts."""
    least, most = float(limits.min(axis=None)), float(limits.max(axis=None))
    left = least - 0.06 * max(0.1, most - least)
    ax.figure.set_size_inches(ax.figure.get_figwidth(), 0.7 + 0.46 * len(names))
    ax.set_yticks(range(len(names)), names)
    ax.tick_params(axis="y", labelcolor=INKS["ink"])
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.set_xlim(left, most + room * max(0.05, most - left))
    ax.xaxis.set_visible(False)
    ax.spines["bottom"].set_visible(False)
    ax.grid(False)


def _funnel_words(rows: pd.DataFrame, book: Book, language: str) -> dict[str, str]:
    period, level = say_period(book.window.label, book, language), say_level(book, language)
    windows = int(rows["windows"].max())
    note = "funnel_note" if windows else "funnel_note_alone"
    points = [_funnel_point(row, language) for row in rows.itertuples()]
    return {
        "alt": _words("funnel_alt", language, points=_listed(points, language)),
        "title": _words("funnel_title", language, period=period),
        "message": groups_message([_funnel_told(row, language) for row in rows.itertuples()], language),
        "note": _words(note, language, period=period, level=level, windows=windows, stages=len(rows)),
    }


def _funnel_told(row: Any, language: str) -> Told:
    base = base_words(format_percent(row.usual, language), language, of="in_history")
    return Told(row.name, _shown(row.verdict), format_percent(row.value, language), base)


def _funnel_point(row: Any, language: str) -> str:
    return _words(
        "funnel_point" if row.windows else "funnel_point_alone", language, stage=row.name,
        value=format_percent(row.value, language), n=format_number(row.n, language),
        interval=format_interval(row.low, row.high, "percent", language), usual=format_percent(row.usual, language),
        verdict=word(f"verdict_{_shown(row.verdict)}", language),
    )  # fmt: skip


def _shown(verdict: str) -> str:
    return verdict if verdict in (*VERDICT_COLOURS, "no_clear_change") else "not_compared"


# --- who buys again, by channel -----------------------------------------------------------------------


@figure_per_language
def plot_repeat_by_channel(results: Results, *, language: str, ax: Axes) -> Axes | NotMeasured:
    """Share of every channel's customers who ever bought again, and beside it what a new customer costs there."""
    book, found = results.book, channels(results)
    whole = results.kpi(*AGAIN.split("."))
    if isinstance(found, NotMeasured) or isinstance(whole, NotMeasured):
        return in_words(found if isinstance(found, NotMeasured) else whole, book, language)
    rows = found[found["again"].notna()].sort_values(["again", "channel"], ignore_index=True)
    if len(rows) < 2:
        name = book.catalogue.dimensions["acquisition_channel"].name.in_(language)
        return NotMeasured(_words("one_channel", language, dimension=name))
    for place, row in enumerate(rows.itertuples()):
        colour = VERDICT_COLOURS.get(row.verdict, PALETTE["main"])
        _draw_point(ax, place, row.again, row.again_low, row.again_high, colour)
        text = _beside_channel(row, book, language)
        _write_beside(ax, place, _right_end(row.again, row.again_high), text, row.verdict)
    names = [
        _words(
            "again_row", language, n=format_number(row.known, language),
            channel=short_name(group_name(book, "acquisition_channel", row.channel, language)),
        )
        for row in rows.itertuples()
    ]  # fmt: skip
    _lay_points(ax, names, rows[["again", "again_low", "again_high"]], room=1.0)
    _mark_everyone(ax, float(whole["value"]), language)
    return describe(ax, **_again_words(rows, whole, book, language))


def _beside_channel(row: Any, book: Book, language: str) -> str:
    again = format_percent(row.again, language)
    if is_missing(row.cost):
        return again
    cost = format_money(row.cost, language, currency=book.settings.currency, decimals=0)
    return _words("again_cost", language, again=again, cost=cost)


def _mark_everyone(ax: Axes, value: float, language: str) -> None:
    ax.axvline(value, color=PALETTE["muted"], linewidth=1.2, linestyle="--", zorder=0)
    words = _words("again_all", language, value=format_percent(value, language))
    ax.annotate(
        words,
        (value, -0.65),
        ha="center",
        va="bottom",
        fontsize=10.5,
        color=INKS["soft"],
        annotation_clip=False,
    )


def _again_words(rows: pd.DataFrame, whole: Any, book: Book, language: str) -> dict[str, str]:
    currency = book.settings.currency
    points = [
        _words(
            "again_point", language, channel=group_name(book, "acquisition_channel", row.channel, language),
            again=format_percent(row.again, language), n=format_number(row.known, language),
            interval=format_interval(row.again_low, row.again_high, "percent", language),
            cost=format_money(row.cost, language, currency=currency),
        )
        for row in rows.itertuples()
    ]  # fmt: skip
    everyone = format_percent(whole["value"], language)
    period = say_period(book.window.label, book, language)
    return {
        "alt": _words("again_alt", language, points=_listed(points, language), all=everyone),
        "title": _words("again_title", language, level=say_level(book, language)),
        "message": groups_message(
            [_again_told(row, book, language) for row in rows.itertuples()], language, is_apart=True
        ),
        "note": _words("again_note", language, period=period),
    }


def _again_told(row: Any, book: Book, language: str) -> Told:
    name = group_name(book, "acquisition_channel", row.channel, language)
    base = base_words(format_percent(row.others, language), language, of="in_others")
    return Told(name, _shown(row.verdict), format_percent(row.again, language), base)


# --- lost reasons -------------------------------------------------------------------------------------


@figure_per_language
def plot_lost_reasons(results: Results, *, language: str, ax: Axes) -> Axes | NotMeasured:
    """Pareto chart: opportunities lost by reason, most first, with the share of all that the reasons make so far."""
    book, rows = results.book, lost_reasons(results)
    if isinstance(rows, NotMeasured):
        return in_words(rows, book, language)
    if not rows["reason"].any():
        return NotMeasured(
            _words("lost_unstated", language, lost=format_number(rows["lost"].sum(), language))
        )
    shown = rows.head(MOST_REASONS)
    names = [group_name(book, "lost_reason", reason, language) for reason in shown["reason"]]
    ax.figure.set_size_inches(ax.figure.get_figwidth(), 0.6 + 0.38 * len(shown))
    ax.barh(range(len(shown)), shown["lost"], color=PALETTE["main"], height=0.62)
    for place, row in enumerate(shown.itertuples()):
        lost, so_far = format_number(row.lost, language), format_percent(row.cumulative, language, decimals=0)
        text = _words("lost_bar", language, lost=lost, cumulative=so_far)
        ax.annotate(text, (row.lost, place), (6, 0), textcoords="offset points", va="center", fontsize=11)
    lay_bars(ax, [short_name(name) for name in names], 1.6 * float(shown["lost"].max()))
    return describe(ax, **_lost_words(rows, names, book, language))


def _lost_words(rows: pd.DataFrame, names: Sequence[str], book: Book, language: str) -> dict[str, str]:
    points = [
        _words(
            "lost_point", language, reason=name, lost=format_number(row.lost, language),
            share=format_percent(row.share, language),
        )
        for name, row in zip(names, rows.head(len(names)).itertuples(), strict=True)
    ]  # fmt: skip
    first = names[0] if rows["reason"].iloc[0] else ""
    cut = _words("lost_cut", language, shown=MOST_REASONS) if len(rows) > MOST_REASONS else ""
    return {
        "alt": _words("lost_alt", language, points=_listed(points, language)),
        "title": _words("lost_title", language, period=say_period(book.window.label, book, language)),
        "message": first_message(
            first, rows["lost"], rows["lost"].sum(), book.settings.small_sample, language
        ),
        "note": join_sentences([_words("lost_so_far", language), cut], language),
    }
