"""The scorecard's chart: the headline metrics and the targets missed, period by period, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.appraisal.targets import judge_targets
from analysis.catalogue import Metric, label
from analysis.facts import NotMeasured
from analysis.report.figures.messages import missed_message
from analysis.report.figures.style import INKS, PALETTE, readable
from analysis.report.headline import headline_metrics
from analysis.report.kpis_shown import (
    chosen,
    join_sentences,
    metric_name,
    say_level,
    say_period,
    say_value,
    short_value,
    trend_windows,
)
from analysis.report.per_language import describe, figure_per_language
from analysis.suite import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_PANELS, COLUMNS = 6, 2
PANEL_HEIGHT_INCHES = 1.75
LEAST_PERIODS = 2
"""A line needs two points; a metric measured in fewer periods has no panel."""


@dataclass(frozen=True)
class Panel:
    """One metric over time.

    Attributes
    ----------
    metric
        Under the run's variant.
    rows
        One for each period from the first measured one on: ``period, value, low, high, is_running``.
    target
        To be reached in the run's period; None for none.
    """

    metric: Metric
    rows: pd.DataFrame
    target: float | None = None


def trend_panels(results: Results) -> list[Panel]:
    """The headline metrics and then those that missed their targets, as far as two periods are measured."""
    book, targets = results.book, _targets(results)
    headline = [chosen(book, book.catalogue.metrics[name]) for name in headline_metrics(book.settings)]
    metrics = list({metric.id: metric for metric in (*headline, *_missed(results))}.values())
    panels = [
        Panel(metric, figures_over_time(results, metric), targets.get(metric.id, (None, ""))[0])
        for metric in metrics
    ]
    return [panel for panel in panels if panel.rows["value"].count() >= LEAST_PERIODS][:MOST_PANELS]


def _missed(results: Results) -> list[Metric]:
    """The metrics that missed their targets, under the run's variants."""
    book, targets = results.book, _targets(results)
    return [
        chosen(book, book.catalogue.metrics[name])
        for name, (_, verdict) in targets.items()
        if verdict == "miss"
    ]


def _targets(results: Results) -> dict[str, tuple[float, str]]:
    judged = judge_targets(results)
    if isinstance(judged, NotMeasured):
        return {}
    known = judged[judged["target"].notna() & (judged["verdict"] != "not_compared")]
    return {row.metric: (row.target, row.verdict) for row in known.itertuples()}


def figures_over_time(results: Results, metric: Metric) -> pd.DataFrame:
    """The metric's figures in the windows a trend shows, oldest first, from the first measured one on.

    Sums and counts of a period still running are left out: they would look like a fall.
    """
    book = results.book
    figures = [
        (window.label, results.company_figures.get((metric.id, metric.variant, window.label)))
        for window in trend_windows(book)
        if not (window.is_partial and metric.kind in ("total", "count"))
    ]
    known = [
        {"period": name, **{part: figure[part] for part in ("value", "low", "high")}}
        for name, figure in figures
        if figure is not None
    ]
    rows = pd.DataFrame(known, columns=["period", "value", "low", "high"]).astype(
        dict.fromkeys(("value", "low", "high"), float)
    )
    rows = rows[rows["value"].notna().cummax()].reset_index(drop=True)
    running = book.window.label if book.window.is_partial else None
    return rows.assign(is_running=rows["period"].eq(running)) if rows["value"].notna().any() else rows.head(0)


@figure_per_language
def plot_trends(results: Results, *, language: str, ax: Axes) -> Axes | NotMeasured:
    """Small multiples: a line for each metric with its interval, its latest value and its target, on its own scale."""
    panels = trend_panels(results)
    if not panels:
        return NotMeasured("no_earlier_period")
    figure = ax.figure
    grid = ax.get_subplotspec()
    lines = -(-len(panels) // COLUMNS)
    figure.set_size_inches(figure.get_size_inches()[0], 0.25 + PANEL_HEIGHT_INCHES * lines)
    ax.remove()
    columns = min(COLUMNS, len(panels))
    axes = grid.subgridspec(lines, columns, wspace=0.12, hspace=0.1).subplots(squeeze=False).ravel()
    for panel, own in zip(panels, axes, strict=False):
        _draw(panel, own, results, language)
    for unused in axes[len(panels) :]:
        unused.set_visible(False)
    return describe(axes[0], **_words(results, panels, language))


def _draw(panel: Panel, ax: Axes, results: Results, language: str) -> None:
    rows, places = panel.rows, range(len(panel.rows))
    ax.fill_between(places, rows["low"], rows["high"], color=PALETTE["main"], alpha=0.13, linewidth=0)
    ax.plot(places, rows["value"], color=PALETTE["main"], linewidth=2, label="_value")
    last = rows.iloc[-1]
    hollow = {"markerfacecolor": INKS["paper"]} if last["is_running"] else {}
    ax.plot([len(rows) - 1], [last["value"]], marker="o", markersize=7, color=PALETTE["main"], **hollow)
    if panel.target is not None:
        ax.axhline(panel.target, color=PALETTE["comparison"], linewidth=1.4, linestyle=(0, (4, 3)))
    _set_limits(panel, ax)
    _annotate(panel, ax, results, language)


def _set_limits(panel: Panel, ax: Axes) -> None:
    """Room above for the target's word, and right of the last point for its value."""
    ends = [*panel.rows[["value", "low", "high"]].to_numpy().ravel(), panel.target]
    known = [end for end in ends if end is not None and end == end]
    low, high = min(known), max(known)
    room = (high - low) or abs(high) or 1.0
    ax.set_ylim(low - 0.2 * room, high + 0.22 * room)
    ax.set_xlim(-0.2, 1.27 * (len(panel.rows) - 1))


def _annotate(panel: Panel, ax: Axes, results: Results, language: str) -> None:
    """Title, first and last period, the values at both ends and at the target, in place of axes."""
    rows, metric, book = panel.rows, panel.metric, results.book
    ax.set_title(metric_name(metric, language), fontsize=11.5, pad=4)
    ax.yaxis.set_visible(False)
    ax.grid(False)
    last = len(rows) - 1
    ax.set_xticks([0, last], [rows["period"].iloc[place] for place in (0, last)])
    first_label, last_label = ax.get_xticklabels()
    first_label.set_horizontalalignment("left")
    last_label.set_horizontalalignment("center")
    values = rows["value"]
    _say(
        ax,
        short_value(values.iloc[last], metric, book, language),
        last,
        values.iloc[last],
        (8, 0),
        weight="bold",
    )
    rises = values.dropna().iloc[1:2].gt(values.iloc[0]).any()
    side = {"va": "top" if rises else "bottom", "color": INKS["soft"]}
    _say(
        ax,
        short_value(values.iloc[0], metric, book, language),
        0,
        values.iloc[0],
        (0, -5 if rises else 5),
        **side,
    )
    if panel.target is not None:
        target = short_value(panel.target, metric, book, language)
        words, gold = label("scorecard.tile_target", language, target=target), readable(PALETTE["comparison"])
        _say(ax, words, 0.42 * last, panel.target, (0, 2), ha="center", va="bottom", color=gold)


def _say(ax: Axes, words: str, x: float, y: float, shift: tuple[float, float], **look: Any) -> None:
    """Words beside a point, on a rim of paper so that lines behind do not run through them."""
    from matplotlib.patheffects import withStroke

    rim = [withStroke(linewidth=3, foreground=INKS["paper"])]
    options = {
        "ha": "left",
        "va": "center",
        "fontsize": 10.5,
        "color": INKS["ink"],
        "annotation_clip": False,
    } | look
    ax.annotate(words, (x, y), shift, textcoords="offset points", path_effects=rim, **options)


def _words(results: Results, panels: list[Panel], language: str) -> dict[str, str]:
    book = results.book
    told = [
        label(
            "scorecard.trend_alt_one", language, name=metric_name(panel.metric, language),
            first=say_value(panel.rows["value"].iloc[0], panel.metric, book, language),
            last=say_value(panel.rows["value"].iloc[-1], panel.metric, book, language),
            from_=say_period(panel.rows["period"].iloc[0], book, language),
            to=say_period(panel.rows["period"].iloc[-1], book, language),
        )
        for panel in panels
    ]  # fmt: skip
    notes = [label("scorecard.trend_note", language, level=say_level(book, language))]
    if any(panel.target is not None for panel in panels):
        notes.append(label("scorecard.trend_target_note", language))
    if book.window.is_partial:
        notes.append(label("scorecard.running_note", language, days=book.window.days))
    return {
        "alt": label("scorecard.trend_alt", language, list=label("kpis.list_join", language).join(told)),
        "title": label("scorecard.trend_title", language),
        "message": missed_message(_missed(results), language),
        "note": join_sentences(notes, language),
    }
