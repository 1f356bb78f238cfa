"""Charts of satisfaction: aspects, promoters and detractors, effort, expected and perceived service, groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.catalogue import Metric, label
from analysis.facts import NotMeasured
from analysis.metrics.frame import NOT_STATED
from analysis.report.figures.messages import Told, base_words, change_message, groups_message
from analysis.report.figures.over_periods import draw_points
from analysis.report.figures.style import INKS, PALETTE
from analysis.report.kpis_shown import (
    figure_by_period,
    group_name,
    join_sentences,
    kpi_rows,
    metric_name,
    say_interval,
    say_level,
    say_n,
    say_period,
    say_reason,
    say_value,
)
from analysis.report.numbers_shown import format_interval, format_number, format_percent, is_missing
from analysis.report.pages.satisfaction_rows import item_metrics, item_name, metric_of, nps_parts
from analysis.report.pages.scores_by_group_rows import scores_of, why_no_groups
from analysis.report.pages.service_quality_rows import quality_dimensions, quality_name
from analysis.report.pages.survey_trust_rows import doubtful_scores, is_doubtful
from analysis.report.per_language import describe, figure_per_language
from analysis.suite import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INCHES_PER_ROW, MOST_NAME = 0.36, 26
PASSIVES = "#c9d0da"


def _words(key: str, language: str, **values: Any) -> str:
    return label(f"satisfaction_page.{key}", language, **values)


def _period(results: Results, language: str) -> str:
    return say_period(results.book.window.label, results.book, language)


def _listed(points: list[str], language: str) -> str:
    return label("kpis.list_join", language).join(points)


def plain(text: str) -> str:
    """A text of the data as it stands: not too long, and without a dollar sign's meaning for charts."""
    short = text if len(text) <= MOST_NAME else text[: MOST_NAME - 1] + "…"
    return short.replace("$", r"\$")


def _why_not(results: Results, metric: str, variant: str | None, language: str) -> NotMeasured:
    figure = results.kpi(metric, variant)
    reason = figure.reason if isinstance(figure, NotMeasured) else "no_rows"
    return NotMeasured(say_reason(str(reason), results.book, language))


# --- points in rows -----------------------------------------------------------------------------------


def _draw_rows(ax: Axes, rows: pd.DataFrame, texts: list[str]) -> None:
    """A point with its interval for each row from the top, its text on the right; hollow and crossed ones apart."""
    height = 0.7 + INCHES_PER_ROW * len(rows)
    ax.figure.set_size_inches(ax.figure.get_size_inches()[0], max(1.6, height))
    for place, (row, text) in enumerate(zip(rows.itertuples(), texts, strict=True)):
        has_interval = pd.notna(row.low) and pd.notna(row.high)
        error = [[max(0.0, row.value - row.low)], [max(0.0, row.high - row.value)]] if has_interval else None
        ax.errorbar(
            row.value, place, xerr=error, fmt="X" if row.crossed else "o", markersize=8 if row.crossed else 7,
            color=PALETTE["comparison"] if row.crossed else PALETTE["main"], elinewidth=2.2, capsize=3,
            markerfacecolor=INKS["paper"] if row.hollow and not row.crossed else None, markeredgewidth=1.5,
        )  # fmt: skip
        end = np.nanmax([row.high, row.value, getattr(row, "base", np.nan)])
        ax.annotate(
            text, (end, place), (8, 0), textcoords="offset points", va="center",
            fontsize=11, bbox={"facecolor": INKS["paper"], "edgecolor": "none", "pad": 1.0},
        )  # fmt: skip
    ax.set_yticks(range(len(rows)), rows["name"])
    ax.set_ylim(len(rows) - 0.4, -0.8)
    ends = rows.reindex(columns=["low", "value", "high", "base"])
    low, high = ends.min(axis=None), ends.max(axis=None)
    reach = max(high - low, 1e-9)
    ax.set_xlim(low - 0.06 * reach, high + 0.24 * reach)
    ax.xaxis.set_visible(False)
    ax.grid(False)
    ax.spines["bottom"].set_visible(False)


def _draw_whole(ax: Axes, value: float, text: str) -> None:
    """A dashed line at the figure of all, named above."""
    ax.axvline(value, color=PALETTE["muted"], linewidth=1.2, linestyle="--", zorder=0)
    ax.annotate(
        text,
        (value, -0.8),
        ha="center",
        va="bottom",
        fontsize=10.5,
        color=INKS["soft"],
        annotation_clip=False,
    )


# --- single aspects -----------------------------------------------------------------------------------


def item_rows(results: Results, language: str) -> pd.DataFrame:
    """One row for each aspect, the least satisfied first: ``metric, item, value, low, high, n, base`` (previous)."""
    book = results.book
    before = book.baselines[book.window.label]["previous"]
    rows = []
    for metric in item_metrics(results):
        figure, base = results.kpi(metric.id, metric.variant), results.kpi(metric.id, metric.variant, before)
        if not isinstance(figure, NotMeasured):
            rows.append(
                {
                    "metric": metric, "item": plain(item_name(metric, book, language)), "value": figure["value"],
                    "low": figure["low"], "high": figure["high"], "n": figure["n"],
                    "base": np.nan if isinstance(base, NotMeasured) else base["value"],
                }
            )  # fmt: skip
    columns = ["metric", "item", "value", "low", "high", "n", "base"]
    return pd.DataFrame(rows, columns=columns).sort_values(["value", "item"], ignore_index=True)


@figure_per_language
def plot_satisfaction_items(results: Results, *, language: str, ax: Axes) -> Axes | NotMeasured:
    """Points with intervals, one row for each aspect, least satisfied first; diamonds mark the previous period."""
    book, rows = results.book, item_rows(results, language)
    if rows.empty:
        return _why_no_items(results, language)
    names = [
        _words("items_row", language, name=r.item, n=format_number(r.n, language)) for r in rows.itertuples()
    ]
    shown = rows.assign(name=names, hollow=rows["n"] < book.settings.small_sample, crossed=False)
    _draw_rows(ax, shown, [say_value(r.value, r.metric, book, language) for r in rows.itertuples()])
    ax.plot(
        rows["base"], rows.index, "D", color=PALETTE["comparison"], markersize=4.5, linestyle="none", zorder=3
    )
    if _has_whole(results, rows):
        whole = results.kpi("csat")
        value = say_value(whole["value"], metric_of(results, "csat"), book, language)
        _draw_whole(ax, whole["value"], _words("items_whole", language, value=value))
    return describe(ax, **_item_words(results, rows, language))


def _has_whole(results: Results, rows: pd.DataFrame) -> bool:
    """Whether satisfaction as a whole is measured in the unit of the aspects, so that a line can mark it."""
    whole = metric_of(results, "csat")
    return not isinstance(results.kpi("csat"), NotMeasured) and rows["metric"].iloc[0].unit == whole.unit


def _why_no_items(results: Results, language: str) -> NotMeasured:
    figure = results.kpi("csat")
    if isinstance(figure, NotMeasured) and "table_absent" in str(figure.reason):
        return NotMeasured(say_reason(str(figure.reason), results.book, language))
    return NotMeasured(_words("no_items", language))


def _item_words(results: Results, rows: pd.DataFrame, language: str) -> dict[str, str]:
    book = results.book
    points = [
        _words(
            "items_point", language, name=row.item, value=say_value(row.value, row.metric, book, language),
            interval=say_interval(row.low, row.high, row.metric, book, language), n=say_n(row.n, language),
        )
        for row in rows.itertuples()
    ]  # fmt: skip
    before = say_period(book.baselines[book.window.label]["previous"], book, language)
    notes = [
        _words("items_base", language, base=before) if rows["base"].notna().any() else "",
        _words("items_line", language) if _has_whole(results, rows) else "",
    ]
    return {
        "alt": _words("items_alt", language, points=_listed(points, language)),
        "title": _words(
            "items_title", language, period=_period(results, language), level=say_level(book, language)
        ),
        "message": groups_message(
            [_item_told(results, row, before, language) for row in rows.itertuples()], language
        ),
        "note": join_sentences(notes, language),
    }


def _item_told(results: Results, row: Any, before: str, language: str) -> Told:
    """An aspect, and the verdict on its change since the previous period, which the diamonds show."""
    [cells] = kpi_rows(results, [row.metric]).to_dict("records")
    verdict = cells["previous_verdict"] if is_missing(cells["previous_base_change"]) else "not_compared"
    base = base_words(say_value(row.base, row.metric, results.book, language), language, period=before)
    return Told(row.item, verdict, say_value(row.value, row.metric, results.book, language), base)


# --- recommendation -----------------------------------------------------------------------------------

NPS_BOUNDS = (-100.0, 100.0)
PARTS = {"detractors": PALETTE["worse"], "passives": PASSIVES, "promoters": PALETTE["better"]}


@figure_per_language
def plot_nps_trend(
    results: Results, *, kind: str = "relationship", language: str, ax: Axes
) -> Axes | NotMeasured:
    """Bars of detractors, passives and promoters, one for each period; the score with its interval beside."""
    variant = "transactional" if kind == "transactional" else "default"
    rows = nps_parts(results, variant)
    if rows.empty:
        return _why_not(results, "nps", variant, language)
    ax.figure.set_size_inches(ax.figure.get_size_inches()[0], 0.7 + 0.5 * len(rows))
    left = np.zeros(len(rows))
    for part, colour in PARTS.items():
        ax.barh(range(len(rows)), rows[part], left=left, color=colour, height=0.66)
        _write_in(ax, rows[part], left, language, dark=part != "passives")
        left += rows[part].to_numpy()
    _name_parts(ax, language)
    for place, row in enumerate(rows.itertuples()):
        text = _words(
            "nps_beside",
            language,
            value=format_number(row.value, language, decimals=0, bounds=NPS_BOUNDS),
            interval=format_interval(row.low, row.high, "number", language, decimals=0, bounds=NPS_BOUNDS),
        )
        ax.annotate(
            text,
            (1, place),
            (8, 0),
            textcoords="offset points",
            va="center",
            fontsize=11,
            annotation_clip=False,
        )
    names = [
        _words("nps_row", language, period=r.period, n=format_number(r.n, language))
        for r in rows.itertuples()
    ]
    ax.set_yticks(range(len(rows)), names)
    ax.set_ylim(len(rows) - 0.5, -0.9)
    ax.set_xlim(0, 1)
    ax.xaxis.set_visible(False)
    ax.grid(False)
    ax.spines["bottom"].set_visible(False)
    return describe(ax, **_nps_words(results, rows, variant, language))


def _write_in(ax: Axes, shares: pd.Series, left: Any, language: str, *, dark: bool) -> None:
    """Each part's share inside it, where there is room."""
    for place, (share, begin) in enumerate(zip(shares, left, strict=True)):
        if share >= 0.09:
            ax.text(
                begin + share / 2, place, format_percent(share, language, decimals=0), ha="center", va="center",
                fontsize=11, color=INKS["paper"] if dark else INKS["ink"],
            )  # fmt: skip


def _name_parts(ax: Axes, language: str) -> None:
    """The parts named above the first bar: the outer ones at its ends, the middle one between."""
    places = {"detractors": (0.0, "left"), "passives": (0.5, "center"), "promoters": (1.0, "right")}
    for part, (x, side) in places.items():
        colour = INKS["soft"] if part == "passives" else PARTS[part]
        ax.text(x, -0.45, _words(part, language), ha=side, va="bottom", fontsize=11, color=colour)
    ax.annotate(
        _words("nps_short", language), (1, -0.45), (8, 0), textcoords="offset points", va="bottom", fontsize=11,
        color=INKS["soft"], annotation_clip=False,
    )  # fmt: skip


def _nps_words(results: Results, rows: pd.DataFrame, variant: str, language: str) -> dict[str, str]:
    book = results.book
    points = [
        _words(
            "nps_point", language, period=say_period(row.period, book, language), n=say_n(row.n, language),
            value=format_number(row.value, language, decimals=0, bounds=NPS_BOUNDS),
            interval=format_interval(row.low, row.high, "number", language, decimals=0, bounds=NPS_BOUNDS),
            **{part: format_percent(getattr(row, part), language, decimals=0) for part in PARTS},
        )
        for row in rows.itertuples()
    ]  # fmt: skip
    return {
        "alt": _words("nps_alt", language, points=_listed(points, language)),
        "title": _words(f"nps_title_{variant}", language),
        "message": change_message(results, book.catalogue.metric("nps", variant), language),
        "note": _words("nps_note", language, level=say_level(book, language)),
    }


# --- effort -------------------------------------------------------------------------------------------


def effort_metric(results: Results) -> Metric | None:
    """Effort under the run's own variant, or in its first version where only that was asked."""
    own = metric_of(results, "ces")
    if own is None or not isinstance(results.kpi("ces"), NotMeasured):
        return own
    first = results.book.catalogue.metrics["ces"].under("v1") if "v1" in own.variants else own
    return own if isinstance(results.kpi("ces", "v1"), NotMeasured) else first


def effort_rows(results: Results, metric: Metric) -> pd.DataFrame:
    """One row for each period measured, oldest first: ``period, value, low, high, n, hollow``."""
    rows = figure_by_period(results, metric)
    return rows.assign(hollow=rows["is_running"] | (rows["n"] < results.book.settings.small_sample))


@figure_per_language
def plot_effort_trend(results: Results, *, language: str, ax: Axes) -> Axes | NotMeasured:
    """Points with intervals, the share who found it easy by period, n below; hollow where it says little."""
    metric = effort_metric(results)
    rows = pd.DataFrame() if metric is None else effort_rows(results, metric)
    if rows.empty:
        return _why_not(results, "ces", None, language)
    book = results.book
    draw_points(ax, rows, rows["hollow"], language)
    for row in rows.itertuples():
        ax.annotate(
            say_value(row.value, metric, book, language), (row.Index, row.high if pd.notna(row.high) else row.value),
            (0, 5), textcoords="offset points", ha="center", va="bottom", fontsize=11,
        )  # fmt: skip
    low, high = rows["low"].fillna(rows["value"]).min(), rows["high"].fillna(rows["value"]).max()
    ax.set_ylim(low - 0.15 * (high - low), high + 0.25 * (high - low))
    ax.yaxis.set_visible(False)
    return describe(ax, **_effort_words(results, rows, metric, language))


def _effort_words(results: Results, rows: pd.DataFrame, metric: Metric, language: str) -> dict[str, str]:
    book, name = results.book, metric_name(metric, language)
    points = [
        _words(
            "effort_point", language, period=say_period(row.period, book, language), n=say_n(row.n, language),
            value=say_value(row.value, metric, book, language),
            interval=say_interval(row.low, row.high, metric, book, language),
        )
        for row in rows.itertuples()
    ]  # fmt: skip
    hollow = (
        _words("effort_hollow", language, least=book.settings.small_sample) if rows["hollow"].any() else ""
    )
    return {
        "alt": _words("effort_alt", language, name=name, points=_listed(points, language)),
        "title": _words("effort_title", language, name=name, level=say_level(book, language)),
        "message": change_message(results, metric, language),
        "note": _words("effort_note", language, hollow=hollow),
    }


# --- expected and perceived ---------------------------------------------------------------------------


@figure_per_language
def plot_service_quality(results: Results, *, language: str, ax: Axes) -> Axes | NotMeasured:
    """For each dimension of service what was expected and what was perceived; the gap with its interval beside."""
    rows = quality_dimensions(results)
    if rows.empty:
        return _why_not(results, "servqual_gap", None, language)
    names = [quality_name(name, results.book, language) for name in rows["dimension"]]
    ax.figure.set_size_inches(ax.figure.get_size_inches()[0], 0.9 + 0.42 * len(rows))
    ends = rows[["expectation", "perception"]]
    for place, row in enumerate(rows.itertuples()):
        ax.plot(
            [row.expectation, row.perception],
            [place, place],
            color=INKS["line"],
            linewidth=4,
            linestyle="-",
            zorder=1,
        )
        ax.plot(
            row.expectation, place, "o", color=PALETTE["main"], markerfacecolor=INKS["paper"], markersize=8
        )
        ax.plot(row.perception, place, "o", color=PALETTE["main"], markersize=8)
        ax.annotate(
            _gap_words(row, language), (1, place), (8, 0), xycoords=("axes fraction", "data"),
            textcoords="offset points", va="center", fontsize=11, annotation_clip=False,
        )  # fmt: skip
    _name_ends(ax, rows.iloc[0], language)
    for end, shift, side in (("min", -8, "right"), ("max", 8, "left")):
        for place, (_, pair) in enumerate(ends.iterrows()):
            value = getattr(pair, end)()
            ax.annotate(
                format_number(value, language, decimals=1), (value, place), (shift, 0), textcoords="offset points",
                ha=side, va="center", fontsize=11, color=INKS["soft"],
            )  # fmt: skip
    low, high = ends.min(axis=None), ends.max(axis=None)
    ax.set_xlim(low - 0.24 * (high - low) - 0.05, high + 0.24 * (high - low) + 0.05)
    ax.set_yticks(range(len(rows)), [plain(name) for name in names])
    ax.set_ylim(len(rows) - 0.5, -1.0)
    ax.xaxis.set_visible(False)
    ax.grid(False)
    ax.spines["bottom"].set_visible(False)
    return describe(ax, **_quality_words(results, rows, names, language))


def _gap_words(row: Any, language: str) -> str:
    gap = format_number(row.value, language, decimals=2, signed=True)
    if pd.isna(row.low):
        return gap
    interval = format_interval(row.low, row.high, "number", language, decimals=2)
    return label("satisfaction_page.nps_beside", language, value=gap, interval=interval)


def _name_ends(ax: Axes, first: Any, language: str) -> None:
    """The two points of the first row named above it, outwards from each other."""
    is_short = first.perception <= first.expectation
    for key, value, is_left in (
        ("perceived", first.perception, is_short), ("expected", first.expectation, not is_short),
    ):  # fmt: skip
        ax.annotate(
            _words(key, language), (value, -0.25), (3 if is_left else -3, 0), textcoords="offset points",
            ha="center", va="bottom", fontsize=10.5, color=INKS["soft"],
        )  # fmt: skip


def _quality_words(results: Results, rows: pd.DataFrame, names: list[str], language: str) -> dict[str, str]:
    points = [
        _words(
            "quality_point", language, name=name, n=say_n(row.n, language),
            expectation=format_number(row.expectation, language, decimals=1),
            perception=format_number(row.perception, language, decimals=1),
            gap=format_number(row.value, language, decimals=2, signed=True),
            interval=format_interval(row.low, row.high, "number", language, decimals=2),
        )
        for name, row in zip(names, rows.itertuples(), strict=True)
    ]  # fmt: skip
    return {
        "alt": _words("quality_alt", language, points=_listed(points, language)),
        "title": _words("quality_title", language, period=_period(results, language)),
        "note": _words("quality_note", language, level=say_level(results.book, language)),
    }


# --- by group -----------------------------------------------------------------------------------------


def leading_metric(results: Results, by: str) -> Metric | None:
    """The score a grouping is drawn for: satisfaction, else an aspect of it, else the first that is measured."""
    scores = scores_of(results, by)
    found = list(dict.fromkeys(zip(scores["metric"], scores["variant"], strict=True)))
    if not found:
        return None

    def place(key: tuple[str, str]) -> int:
        return 0 if key[0] == "csat" else 1 if key[0].startswith("csat.") else 2

    return results.book.catalogue.metric(*min(found, key=place))


def group_points(results: Results, by: str, metric: Metric, language: str) -> pd.DataFrame:
    """One row for each named group, most answers first: ``group, name, value, low, high, n, hollow, crossed``."""
    book, rows = results.book, scores_of(results, by)
    rows = rows[
        (rows["metric"] == metric.id) & (rows["variant"] == metric.variant) & (rows["group"] != NOT_STATED)
    ].sort_values(["n", "group"], ascending=[False, True], ignore_index=True)  # fmt: skip
    doubts = doubtful_scores(results, by)
    called = [group_name(book, by, group, language) for group in rows["group"]]
    return rows.assign(
        called=called,
        name=[
            _words("items_row", language, name=plain(name), n=format_number(n, language))
            for name, n in zip(called, rows["n"], strict=True)
        ],
        hollow=rows["n"] < book.settings.small_sample,
        crossed=[is_doubtful(doubts, group, metric) for group in rows["group"]],
    )


@figure_per_language
def plot_satisfaction_by_group(results: Results, by: str, *, language: str, ax: Axes) -> Axes | NotMeasured:
    """Points with intervals, one row for each team or account manager; small samples hollow, doubtful ones crossed."""
    book, metric = results.book, leading_metric(results, by)
    rows = pd.DataFrame() if metric is None else group_points(results, by, metric, language)
    if rows.empty:
        return NotMeasured(say_reason(why_no_groups(book, by), book, language))
    _draw_rows(ax, rows, [say_value(row.value, metric, book, language) for row in rows.itertuples()])
    whole = results.kpi(metric.id, metric.variant)
    if by != "team" and not isinstance(whole, NotMeasured):
        _draw_whole(
            ax,
            whole["value"],
            _words("group_all", language, value=say_value(whole["value"], metric, book, language)),
        )
    return describe(ax, **_group_words(results, by, rows, metric, language))


def _group_words(
    results: Results, by: str, rows: pd.DataFrame, metric: Metric, language: str
) -> dict[str, str]:
    book = results.book
    points = [
        _words(
            "group_point", language, group=row.called, value=say_value(row.value, metric, book, language),
            interval=say_interval(row.low, row.high, metric, book, language), n=say_n(row.n, language),
            care=_words("group_doubtful", language) if row.crossed
            else _words("group_small", language) if row.hollow else "",
        )
        for row in rows.itertuples()
    ]  # fmt: skip
    name = metric_name(metric, language)
    if metric.id.startswith("csat."):
        name = _words("satisfied_with", language, item=item_name(metric, book, language))
    notes = [
        _words("group_note", language, least=book.settings.small_sample) if rows["hollow"].any() else "",
        _words("group_note_doubtful", language) if rows["crossed"].any() else "",
    ]
    words = {"name": name, "by": _words(f"by_{by}", language)}
    return {
        "alt": _words("group_alt", language, points=_listed(points, language), **words),
        "title": _words(
            "group_title",
            language,
            period=_period(results, language),
            level=say_level(book, language),
            **words,
        ),
        "note": join_sentences(notes, language),
    }
