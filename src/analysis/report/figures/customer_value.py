"""Figures of the customer-value page: where the value sits, how it changed, and whether forecasts came true."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.catalogue import label
from analysis.facts import Book, NotMeasured
from analysis.report.figures.style import INKS, PALETTE, label_lines
from analysis.report.figures.time_axis import name_months
from analysis.report.pages.customer_value_rows import (
    bridge_bars,
    chosen_model,
    curve_points,
    model_name,
    money,
    percent_of,
    value_curve,
    valued_customers,
)
from analysis.report.per_language import describe, figure_per_language
from analysis.report.tables_shown import format_date, format_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from analysis.suite import Results

INCHES_PER_BAR = 0.52


def _words(key: str, language: str, **values: Any) -> str:
    return label(f"customer_value.{key}", language, **values)


def _listed(parts: list[str], language: str) -> str:
    return _words("list_join", language).join(parts)


# --- where the value sits -----------------------------------------------------------------------------


@figure_per_language
def plot_value_curve(results: Results, *, language: str, ax: Axes) -> Axes | NotMeasured:
    """How much of the predicted value the best customers hold, against an equal share for everybody."""
    customers = valued_customers(results)
    if isinstance(customers, NotMeasured):
        return customers
    values = customers["predicted_clv"]
    if not values.sum() > 0:
        return NotMeasured("zero_denominator")
    curve, points = value_curve(values), curve_points(values)
    ax.plot([0, 1], [0, 1], color=PALETTE["muted"], linestyle=":", linewidth=1.4)
    ax.annotate(
        _words("curve_equal", language),
        (0.72, 0.72),
        (6, -6),
        textcoords="offset points",
        va="top",
        color=INKS["soft"],
    )
    ax.plot(curve["share_of_customers"], curve["share_of_value"], color=PALETTE["main"])
    ax.plot(points["share_of_customers"], points["share_of_value"], "o", color=PALETTE["main"], markersize=6)
    told = [
        _words(
            "curve_point",
            language,
            top=percent_of(p.top, language),
            share=percent_of(p.share_of_value, language),
        )
        for p in points.itertuples()
    ]
    for point, words in zip(points.itertuples(), told, strict=True):
        ax.annotate(
            words,
            (point.share_of_customers, point.share_of_value),
            (9, -4),
            textcoords="offset points",
            va="top",
        )
    ax.set(
        xlim=(0, 1), ylim=(0, 1.02), xlabel=_words("curve_x", language), ylabel=_words("curve_y", language)
    )
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(lambda share, _: percent_of(share, language))
    n, equity = format_number(len(values), language), money(values.sum(), results.book, language)
    return describe(
        ax,
        _words("curve_alt", language, points=_listed(told, language), customers=n),
        title=_words("curve_title", language),
        note=_words("curve_note", language, customers=n, equity=equity),
    )


# --- how it changed -----------------------------------------------------------------------------------


@figure_per_language
def plot_equity_bridge(results: Results, *, language: str, ax: Axes) -> Axes | NotMeasured:
    """From the equity at the end of the previous period to this one's, one bar per step that changed it."""
    book = results.book
    if results.bridge.empty:
        return NotMeasured("no_earlier_period")
    bars, small = bridge_bars(results.bridge)
    names = {"before": book.baselines[book.window.label]["previous"], "now": book.window.label}
    bars["name"] = [_step_name(bar.step, bar.customers, names, language) for bar in bars.itertuples()]
    bars["text"] = [_step_amount(bar.step, bar.amount, book, language) for bar in bars.itertuples()]
    _draw_waterfall(ax, bars)
    change = money(bars["amount"].iloc[-1] - bars["amount"].iloc[0], book, language, signed=True)
    unseen = [
        f"{_words(f'bridge_{s.step}', language)} {money(s.amount, book, language, signed=True)}"
        for s in small.itertuples()
    ]
    note = [_words("bridge_note", language, change=change)]
    note += [_words("bridge_small", language, steps=_listed(unseen, language))] if unseen else []
    steps = [f"{bar.name.replace(chr(10), ', ')}: {bar.text}" for bar in bars.itertuples()]
    return describe(
        ax,
        _words("bridge_alt", language, steps=_listed(steps, language)),
        title=_words("bridge_title", language, **names),
        note=" ".join(note),
    )


def _step_name(step: str, customers: int, names: dict[str, str], language: str) -> str:
    words = _words(f"bridge_{step}", language, **names)
    if step in ("parameters", "horizon", "settings"):
        return words
    return f"{words}\n{_words('bridge_customers', language, n=format_number(customers, language))}"


def _step_amount(step: str, amount: float, book: Book, language: str) -> str:
    return money(amount, book, language, signed=step not in ("opening", "closing"))


def _draw_waterfall(ax: Axes, bars: pd.DataFrame) -> None:
    """Bars from top to bottom, each beginning where the one before ended, its amount written at its end."""
    ax.figure.set_size_inches(ax.figure.get_figwidth(), 0.6 + INCHES_PER_BAR * len(bars))
    rows = list(range(len(bars)))
    is_end = bars["step"].isin(("opening", "closing"))
    colours = [
        PALETTE["main"] if end else PALETTE["better" if amount > 0 else "worse"]
        for end, amount in zip(is_end, bars["amount"], strict=True)
    ]
    ax.barh(rows, bars["ends"] - bars["starts"], left=bars["starts"], color=colours, height=0.62)
    for row, bar in zip(rows, bars.itertuples(), strict=True):
        ax.annotate(
            bar.text, (max(bar.starts, bar.ends), row), (5, 0), textcoords="offset points", va="center"
        )
        if row < rows[-1]:
            ax.plot([bar.ends, bar.ends], [row + 0.31, row + 0.69], color=INKS["soft"], linewidth=1, linestyle="-")
    ax.set_yticks(rows, bars["name"])
    ax.tick_params(axis="y", labelcolor=INKS["ink"], labelsize=10.5)
    ax.invert_yaxis()
    ax.grid(False)
    ax.xaxis.set_visible(False)
    ax.spines["bottom"].set_visible(False)
    ax.margins(x=0.18)
    ax.set_xlim(left=min(0.0, bars[["starts", "ends"]].min().min()))


# --- did forecasts come true --------------------------------------------------------------------------


@figure_per_language
def plot_calibration(results: Results, *, language: str, ax: Axes) -> Axes | NotMeasured:
    """Mean purchases in the period by number of earlier repeat purchases, as forecast and as they happened."""
    bins = results.calibration
    if bins.empty:
        return NotMeasured("no_earlier_period")
    period, until = _last_forecast(results)
    places = list(range(len(bins)))
    for column, colour, marker, line in (
        ("expected_purchases", "comparison", "D", "--"), ("actual_purchases", "main", "o", "-"),
    ):  # fmt: skip
        ax.plot(
            places,
            bins[column],
            color=PALETTE[colour],
            marker=marker,
            linestyle=line,
            linewidth=1.6,
            markersize=6,
        )
    _name_pair(ax, places[-1], bins.iloc[-1], language)
    counts = [format_number(n, language) for n in bins["customers"]]
    ax.set_xticks(
        places, [f"{frequency}\n{n}" for frequency, n in zip(bins["frequency"], counts, strict=True)]
    )
    ax.set(
        xlabel=_words("calibration_x", language, last_day=format_date(until, language)),
        ylabel=_words("calibration_y", language, period=period),
    )
    ax.set_ylim(bottom=0, top=1.14 * max(bins[["expected_purchases", "actual_purchases"]].max().max(), 1e-9))
    ax.set_xlim(-0.4, len(bins) - 0.6)
    told = [
        _words(
            "calibration_bin", language, frequency=row.frequency, customers=n,
            expected=format_number(row.expected_purchases, language, decimals=2),
            actual=format_number(row.actual_purchases, language, decimals=2),
        )
        for row, n in zip(bins.itertuples(), counts, strict=True)
    ]  # fmt: skip
    model = model_name(chosen_model(results), language)
    return describe(
        ax,
        _words("calibration_alt", language, period=period, bins=_listed(told, language)),
        title=_words("calibration_title", language, period=period),
        note=_words("calibration_note", language, model=model, last_day=format_date(until, language)),
    )


def _last_forecast(results: Results) -> tuple[str, Any]:
    """The last period that was forecast, and the last day of the data it was forecast from."""
    period = results.holdout["period"].iloc[-1]
    window = next(w for w in results.book.windows if w.label == period)
    return period, window.start - timedelta(days=1)


@figure_per_language
def plot_cumulative_purchases(results: Results, *, language: str, ax: Axes) -> Axes | NotMeasured:
    """Repeat purchases so far by week, as the previous period's fit has them and as they happened."""
    weeks = results.tracking
    if weeks.empty:
        return NotMeasured("no_earlier_period")
    _draw_tracking(ax, results, "cumulative", language)
    last = weeks.iloc[-1]
    alt = _words(
        "cumulative_alt", language, expected=format_number(last["expected_cumulative"], language, decimals=0),
        actual=format_number(last["actual_cumulative"], language, decimals=0),
        last=format_date(last["ends_on"], language), from_day=format_date(_first_unseen(weeks), language),
    )  # fmt: skip
    return _told(ax, results, alt, "cumulative_title", language)


@figure_per_language
def plot_weekly_purchases(results: Results, *, language: str, ax: Axes) -> Axes | NotMeasured:
    """Repeat purchases in each week, as the previous period's fit has them and as they happened."""
    weeks = results.tracking
    if weeks.empty:
        return NotMeasured("no_earlier_period")
    _draw_tracking(ax, results, "incremental", language)
    forecast = weeks[weeks["is_forecast"]]
    alt = _words(
        "weekly_alt", language, weeks=len(forecast), from_day=format_date(_first_unseen(weeks), language),
        expected=format_number(forecast["expected_incremental"].sum(), language, decimals=0),
        actual=format_number(forecast["actual_incremental"].sum(), language, decimals=0),
    )  # fmt: skip
    return _told(ax, results, alt, "weekly_title", language)


def _draw_tracking(ax: Axes, results: Results, kind: str, language: str) -> None:
    weeks = results.tracking
    ends_on = weeks["ends_on"]
    if weeks["is_forecast"].any():
        shade_days(ax, _first_unseen(weeks), ends_on.iloc[-1], _words("forecast_part", language))
    ax.plot(ends_on, weeks[f"actual_{kind}"], color=PALETTE["main"], label=_words("actual", language))
    ax.plot(
        ends_on,
        weeks[f"expected_{kind}"],
        color=PALETTE["comparison"],
        linestyle="--",
        label=_words("tracking_model", language),
    )
    ax.set_ylim(bottom=0)
    ax.set_ylabel(_words("cumulative_y" if kind == "cumulative" else "weekly_y", language))
    ax.yaxis.set_major_formatter(lambda count, _: format_number(count, language))
    name_months(ax, ends_on.iloc[0], ends_on.iloc[-1], language)
    label_lines(ax)


def _first_unseen(weeks: pd.DataFrame) -> pd.Timestamp:
    """The first day of the first week that the fit had not seen (the day after the last week it had, if any)."""
    seen = weeks.loc[~weeks["is_forecast"], "ends_on"]
    return (seen.max() if len(seen) else weeks["ends_on"].iloc[0] - timedelta(days=7)) + timedelta(days=1)


def shade_days(ax: Axes, start: pd.Timestamp, end: pd.Timestamp, words: str) -> None:
    """Shade days on a time axis, first to last, and name them at the top."""
    ax.axvspan(start, end, color=INKS["hair"], linewidth=0, zorder=0)
    ax.annotate(
        words, (start + (end - start) / 2, 1), (0, 3), xycoords=("data", "axes fraction"), textcoords="offset points",
        ha="center", va="bottom", color=INKS["soft"], fontsize=10.5, annotation_clip=False,
    )  # fmt: skip


def _told(ax: Axes, results: Results, alt: str, title: str, language: str) -> Axes:
    until = results.book.window.start - timedelta(days=1)
    note = _words("tracking_note", language, last_day=format_date(until, language))
    return describe(ax, alt, title=_words(title, language), note=note)
