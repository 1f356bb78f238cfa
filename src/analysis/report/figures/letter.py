"""The charts of a letter: one metric over the periods, each with its number, to be read on a telephone too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.catalogue import label
from analysis.report.figures.messages import change_message
from analysis.report.figures.scorecard import Panel
from analysis.report.figures.style import INKS, PALETTE
from analysis.report.kpis_shown import metric_name, say_level, say_period, say_value, short_value
from analysis.report.per_language import describe
from analysis.suite import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEIGHT_INCHES = 2.3
FEW_POINTS = 6
"""From more points on, every second one has no number: the last always has."""


def plot_trend(results: Results, panel: Panel, *, language: str, ax: Axes) -> Axes:
    """A line over the periods with its interval, a number at each point (at every second of many), and the target."""
    rows, places = panel.rows, range(len(panel.rows))
    ax.fill_between(places, rows["low"], rows["high"], color=PALETTE["main"], alpha=0.13, linewidth=0)
    ax.plot(places, rows["value"], color=PALETTE["main"], marker="o", markersize=5)
    last = rows.iloc[-1]
    hollow = {"markerfacecolor": INKS["paper"]} if last["is_running"] else {}
    ax.plot([len(rows) - 1], [last["value"]], marker="o", markersize=9, color=PALETTE["main"], **hollow)
    if panel.target is not None:
        ax.axhline(panel.target, color=PALETTE["comparison"], linewidth=1.4, linestyle=(0, (4, 3)))
    _set_axes(panel, ax)
    _write_values(results, panel, ax, language)
    ax.set_title(_title(results, panel, language))
    return describe(ax, alt=alternative_text(results, panel, language))


def _set_axes(panel: Panel, ax: Axes) -> None:
    """Room above for the numbers; every period named, the scale left out, as the numbers stand beside the points."""
    rows = panel.rows
    ends = [*rows[["value", "low", "high"]].to_numpy().ravel(), panel.target]
    known = [end for end in ends if end is not None and end == end]
    low, high = min(known), max(known)
    room = (high - low) or abs(high) or 1.0
    ax.set_ylim(low - 0.1 * room, high + 0.3 * room)
    ax.set_xlim(-0.45, len(rows) - 0.55)
    ax.set_xticks(range(len(rows)), rows["period"])
    ax.yaxis.set_visible(False)
    ax.grid(False)


def _write_values(results: Results, panel: Panel, ax: Axes, language: str) -> None:
    rows, count = panel.rows, len(panel.rows)
    tops = rows[["value", "high"]].max(axis=1)
    step = 1 if count <= FEW_POINTS else 2
    for place in range(count - 1, -1, -step):
        value, is_last = rows["value"].iloc[place], place == count - 1
        if value == value:
            ax.annotate(
                short_value(value, panel.metric, results.book, language), (place, tops.iloc[place]), (0, 6),
                textcoords="offset points", ha="center", va="bottom", fontsize=12 if is_last else 11,
                fontweight="bold" if is_last else "normal", color=INKS["ink"] if is_last else INKS["soft"],
                bbox={"boxstyle": "square,pad=0.1", "facecolor": INKS["paper"], "edgecolor": "none", "alpha": 0.85},
            )  # fmt: skip


def _title(results: Results, panel: Panel, language: str) -> str:
    """The metric, and the target the dashed line stands for."""
    name = metric_name(panel.metric, language)
    if panel.target is None:
        return name
    target = short_value(panel.target, panel.metric, results.book, language)
    return label("mail.chart_title", language, name=name, target=target)


def alternative_text(results: Results, panel: Panel, language: str) -> str:
    """What the chart shows in words: what changed for sure, every number, and the target."""
    book, metric = results.book, panel.metric
    told = [
        label(
            "mail.chart_point", language, period=say_period(row.period, book, language),
            value=say_value(row.value, metric, book, language),
        )
        for row in panel.rows.itertuples()
    ]  # fmt: skip
    points = label("kpis.list_join", language).join(told)
    words = label("mail.chart_alt", language, name=metric_name(metric, language), points=points)
    if panel.target is not None:
        target = say_value(panel.target, metric, book, language)
        words += label("mail.chart_alt_target", language, target=target)
    if panel.rows["low"].notna().any():
        words += label("mail.chart_alt_interval", language, level=say_level(book, language))
    message = change_message(results, metric, language)
    return label("charts.alt", language, message=message, shown=words) if message else words
