"""The scorecard's chart: the headline metrics and the targets missed, period by period, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.appraisal.targets import judge_targets
from analysis.catalogue import Metric, label
from analysis.facts import NotMeasured
from analysis.report.figures.style import INKS, PALETTE, label_bars, readable
from analysis.report.kpis_shown import (
    chosen,
    join_sentences,
    metric_name,
    say_level,
    say_money_short,
    say_period,
    say_value,
    trend_windows,
)
from analysis.report.per_language import describe, figure_per_language
from analysis.report.tables_shown import (
    CURRENCY_SIGNS,
    MINUS,
    format_money,
    format_number,
    is_missing,
)
from analysis.suite import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_PANELS, COLUMNS = 6, 2
PANEL_HEIGHT_INCHES = 1.75
COMPACT_FROM = 99_999.5
"""From here on an amount of money is given in few signs; the exact one stands in the tables."""

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
    missed = [name for name, (_, verdict) in targets.items() if verdict == "miss"]
    names = dict.fromkeys((*book.settings.headline_metrics, *missed))
    metrics = [chosen(book, book.catalogue.metrics[name]) for name in names]
    panels = [
        Panel(metric, figures_over_time(results, metric), targets.get(metric.id, (None, ""))[0])
        for metric in metrics
    ]
    return [panel for panel in panels if len(panel.rows) >= LEAST_PERIODS][:MOST_PANELS]


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


def short_value(value: Any, metric: Metric, book: Any, language: str) -> str:
    """A value in few signs: large amounts of money as ``CN¥7.81m``, everything else as tables write it."""
    if metric.unit == "money" and not is_missing(value):
        return compact_money(float(value), language, book.settings.currency)
    return say_value(value, metric, book, language)


def compact_money(value: float, language: str, currency: str) -> str:
    """An amount with few digits, ``CN¥7.81m`` or ``¥780.8万``; in full below a hundred thousand."""
    size = abs(value)
    if size < COMPACT_FROM:
        return format_money(value, language, currency=currency)
    steps = {"en": ((1e9, "bn"), (1e6, "m"), (1e3, "k")), "zh": ((1e8, "亿"), (1e4, "万"))}[language]
    scale, word = next((scale, word) for scale, word in steps if size >= 0.9995 * scale)
    shown = size / scale
    places = 2 if shown < 9.995 else 1 if shown < (999.95 if language == "zh" else 99.95) else 0
    sign = CURRENCY_SIGNS[language].get(currency, f"{currency} ")
    return (MINUS if value < 0 else "") + f"{sign}{shown:,.{places}f}{word}"


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
        "note": join_sentences(notes, language),
    }


# --- revenue alone, as mails show it ------------------------------------------------------------------


def revenue_by_period(results: Results) -> pd.DataFrame:
    """One row for each period with revenue, oldest first: ``period, revenue, orders, is_running``."""
    book, kpis = results.book, results.company_kpis
    variants = {name: chosen(book, book.catalogue.metrics[name]).variant for name in ("revenue", "orders")}
    kpis = kpis[kpis["variant"] == kpis["metric"].map(variants)]
    wide = kpis.pivot(index="period", columns="metric", values="value").reindex(columns=list(variants))
    labels = [window.label for window in trend_windows(book)]
    rows = wide.reindex(labels).dropna(subset=["revenue"]).rename_axis("period").reset_index()
    return rows.assign(is_running=rows["period"].eq(book.window.label) & book.window.is_partial)


@figure_per_language
def plot_revenue_trend(results: Results, *, language: str, ax: Axes) -> Axes | NotMeasured:
    """Bars of revenue by period with orders below; a period still running is pale and hatched."""
    rows = revenue_by_period(results)
    if not rows["revenue"].any():
        return NotMeasured("no_rows")
    currency = results.book.settings.currency
    is_own = rows["period"].eq(results.book.window.label)
    colours = is_own.map({True: PALETTE["main"], False: PALETTE["muted"]})
    bars = ax.bar(range(len(rows)), rows["revenue"], color=colours, width=0.62)
    for bar in (bar for bar, running in zip(bars, rows["is_running"], strict=True) if running):
        bar.set(facecolor=INKS["wash"], edgecolor=PALETTE["main"], linewidth=1.2, hatch="///")
    label_bars(ax, lambda amount: say_money_short(amount, language, currency))
    orders = [format_number(count, language) for count in rows["orders"]]
    ax.set_xticks(
        range(len(rows)), [f"{p}\n{count}" for p, count in zip(rows["period"], orders, strict=True)]
    )
    ax.axhline(0, color=INKS["line"], linewidth=1)
    return describe(ax, **_revenue_words(results, rows, language))


def _revenue_words(results: Results, rows: pd.DataFrame, language: str) -> dict[str, str]:
    book, currency = results.book, results.book.settings.currency
    told = [
        label(
            "scorecard.revenue_bar", language, period=say_period(row.period, book, language),
            revenue=format_money(row.revenue, language, currency=currency),
            orders=format_number(row.orders, language),
        )
        for row in rows.itertuples()
    ]  # fmt: skip
    note = label("scorecard.revenue_note", language)
    if rows["is_running"].any():
        note = join_sentences(
            [note, label("scorecard.revenue_running_note", language, days=book.window.days)], language
        )
    return {
        "alt": label("scorecard.revenue_alt", language, bars=label("kpis.list_join", language).join(told)),
        "title": label("scorecard.revenue_title", language, unit=currency),
        "note": note,
    }
