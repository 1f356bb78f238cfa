"""Figures of the customer-value page: where value sits, how it changed, and whether forecasts came true."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.catalogue import label
from analysis.facts import Book, NotMeasured
from analysis.report.figures.messages import best_message
from analysis.report.figures.style import INKS, PALETTE, label_lines
from analysis.report.figures.time_axis import name_months
from analysis.report.kpis_shown import say_money_short
from analysis.report.numbers_shown import format_date, format_number
from analysis.report.pages.customer_value_rows import (
    bridge_bars,
    curve_points,
    model_name,
    money,
    percent_of,
    value_curve,
    valued_customers,
)
from analysis.report.per_language import describe, figure_per_language

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from analysis.suite import Results

INCHES_PER_BAR = 0.52
WEEKS_SHOWN = 104  # single weeks further back would crowd those that were forecast
STEPS_OF_ALL = ("parameters", "horizon", "settings")  # they concern every customer, so no number is written


def _words(key: str, language: str, **values: Any) -> str:
    return label(f"customer_value.{key}", language, **values)


def _listed(parts: list[str], language: str) -> str:
    return label("kpis.list_join", language).join(parts)


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
    points = curve_points(values)
    told = [_point_words(point, language) for point in points.itertuples()]
    _draw_curve(ax, value_curve(values), points, told, language)
    n, equity = format_number(len(values), language), money(values.sum(), results.book, language)
    return describe(
        ax,
        _words("curve_alt", language, points=_listed(told, language), customers=n),
        title=_words("curve_title", language),
        message=_curve_message(points.iloc[0], results.book, len(values), language),
        note=_words("curve_note", language, customers=n, equity=equity),
    )


def _point_words(point: Any, language: str) -> str:
    top, share = percent_of(point.top, language), percent_of(point.share_of_value, language)
    return _words("curve_point", language, top=top, share=share)


def _curve_message(first: Any, book: Book, customers: int, language: str) -> str:
    """What the few best hold; empty where they are too few to speak of."""
    if first.top * customers < book.settings.small_sample:
        return ""
    return best_message(percent_of(first.top, language), percent_of(first.share_of_value, language), language)


def _draw_curve(ax: Axes, curve: pd.DataFrame, points: pd.DataFrame, told: list[str], language: str) -> None:
    beside = {"textcoords": "offset points", "va": "top"}
    ax.plot([0, 1], [0, 1], color=PALETTE["muted"], linestyle=":", linewidth=1.4)
    equal = _words("curve_equal", language)
    ax.annotate(equal, (0.98, 0.5), (0, 0), ha="right", color=INKS["soft"], **beside)
    ax.plot(curve["share_of_customers"], curve["share_of_value"], color=PALETTE["main"], linestyle="-")
    ax.plot(points["share_of_customers"], points["share_of_value"], "o", color=PALETTE["main"], markersize=6)
    for point, words in zip(points.itertuples(), told, strict=True):
        is_right = point.share_of_customers > 0.6
        place = {"xytext": (-9 if is_right else 9, -4), "ha": "right" if is_right else "left"}
        ax.annotate(words, (point.share_of_customers, point.share_of_value), **place, **beside)
    ax.set(xlim=(0, 1), ylim=(0, 1.02))
    ax.set(xlabel=_words("curve_x", language), ylabel=_words("curve_y", language))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(lambda share, _: percent_of(share, language))


# --- how it changed -----------------------------------------------------------------------------------


@figure_per_language
def plot_equity_bridge(results: Results, *, language: str, ax: Axes) -> Axes | NotMeasured:
    """From the equity at the end of the previous period to this one's, one bar per step that changed it."""
    book = results.book
    if results.bridge.empty:
        return NotMeasured("no_earlier_period")
    bars, small = bridge_bars(results.bridge)
    before, now = (format_date(day, language) for day in _bridged(book))
    names = {"before": before, "now": now}
    bars["name"] = [_step_name(bar, names, language) for bar in bars.itertuples()]
    bars["text"] = [_amount_short(bar, book, language) for bar in bars.itertuples()]
    _draw_waterfall(ax, bars)
    steps = [_step_words(bar, bar.name, book, language) for bar in bars.itertuples()]
    return describe(
        ax,
        _words("bridge_alt", language, steps=_listed(steps, language)),
        title=_words("bridge_title", language, **names),
        note=_bridge_note(bars, small, book, language),
    )


def _bridged(book: Book) -> tuple[date, date]:
    """The last days of the previous window and of this one."""
    before = book.baselines[book.window.label]["previous"]
    return next(w.last_day for w in book.windows if w.label == before), book.window.last_day


def _step_name(bar: Any, names: dict[str, str], language: str) -> str:
    words = _words(f"bridge_{bar.step}", language, **names)
    if bar.step in STEPS_OF_ALL:
        return words
    return f"{words}\n{_words('bridge_customers', language, n=format_number(bar.customers, language))}"


def _amount_short(bar: Any, book: Book, language: str) -> str:
    sign = "+" if bar.amount > 0 and bar.step not in ("opening", "closing") else ""
    return sign + say_money_short(bar.amount, language, book.settings.currency)


def _step_words(bar: Any, name: str, book: Book, language: str) -> str:
    signed = bar.step not in ("opening", "closing")
    amount = money(bar.amount, book, language, signed=signed)
    return _words("bridge_step", language, step=name.replace("\n", " – "), amount=amount)


def _bridge_note(bars: pd.DataFrame, small: pd.DataFrame, book: Book, language: str) -> str:
    change = money(bars["amount"].iloc[-1] - bars["amount"].iloc[0], book, language, signed=True)
    notes = [_words("bridge_note", language, change=change)]
    if len(small):
        named = [(step, _words(f"bridge_{step.step}", language)) for step in small.itertuples()]
        steps = [_step_words(step, name, book, language) for step, name in named]
        notes.append(_words("bridge_small", language, steps=_listed(steps, language)))
    return ("" if language == "zh" else " ").join(notes)


def _draw_waterfall(ax: Axes, bars: pd.DataFrame) -> None:
    """Bars from top to bottom, each beginning where the one before ended, its amount written beside it."""
    ax.figure.set_size_inches(ax.figure.get_figwidth(), 0.6 + INCHES_PER_BAR * len(bars))
    rows = list(range(len(bars)))
    colours = [_bar_colour(bar) for bar in bars.itertuples()]
    ax.barh(rows, bars["ends"] - bars["starts"], left=bars["starts"], color=colours, height=0.62)
    for row, bar in zip(rows, bars.itertuples(), strict=True):
        end = max(bar.starts, bar.ends)
        ax.annotate(bar.text, (end, row), (5, 0), textcoords="offset points", va="center")
        if row < rows[-1]:
            joined = ([bar.ends, bar.ends], [row + 0.31, row + 0.69])
            ax.plot(*joined, color=INKS["soft"], linewidth=1, linestyle="-")
    ax.set_yticks(rows, bars["name"])
    ax.tick_params(axis="y", labelcolor=INKS["ink"], labelsize=10.5)
    for name in ax.get_yticklabels():
        name.set_linespacing(1.3)
    ax.invert_yaxis()
    ax.grid(False)
    ax.xaxis.set_visible(False)
    ax.spines["bottom"].set_visible(False)
    lowest, highest = (edge(bars[["starts", "ends"]].to_numpy().ravel()) for edge in (min, max))
    ax.set_xlim(min(0.0, lowest), highest + 0.18 * (highest - min(0.0, lowest)))


def _bar_colour(bar: Any) -> str:
    if bar.step in ("opening", "closing"):
        return PALETTE["main"]
    return PALETTE["better" if bar.amount > 0 else "worse"]


# --- did forecasts come true --------------------------------------------------------------------------


@figure_per_language
def plot_calibration(results: Results, *, language: str, ax: Axes) -> Axes | NotMeasured:
    """Mean purchases in the last period forecast by earlier repeat purchases, as forecast and in fact."""
    bins = results.calibration
    if bins.empty:
        return NotMeasured("no_earlier_period")
    if bins["expected_purchases"].isna().all():
        return NotMeasured("model_degenerate")
    period, until = _last_forecast(results)
    last_day = format_date(until, language)
    _draw_calibration(ax, bins, language)
    ax.set_xlabel(_words("calibration_x", language, last_day=last_day))
    ax.set_ylabel(_words("calibration_y", language, period=period))
    told = [_bin_words(row, language) for row in bins.itertuples()]
    model = model_name(results.chosen_model, language)
    return describe(
        ax,
        _words("calibration_alt", language, period=period, bins=_listed(told, language)),
        title=_words("calibration_title", language, period=period),
        note=_words("calibration_note", language, model=model, last_day=last_day),
    )


def _draw_calibration(ax: Axes, bins: pd.DataFrame, language: str) -> None:
    places = list(range(len(bins)))
    styles = {"expected": ("comparison", "D", "--"), "actual": ("main", "o", "-")}
    for name, (colour, marker, line) in styles.items():
        style = {"color": PALETTE[colour], "marker": marker, "linestyle": line, "linewidth": 1.6}
        ax.plot(places, bins[f"{name}_purchases"], label=_words(name, language), **style)
    counts = [format_number(n, language) for n in bins["customers"]]
    ax.set_xticks(places, [f"{bin_}\n{n}" for bin_, n in zip(bins["frequency"], counts, strict=True)])
    highest = bins[["expected_purchases", "actual_purchases"]].max().max()
    ax.set(xlim=(-0.5, len(bins) - 0.5), ylim=(0, 1.08 * highest if highest > 0 else 1))
    ax.legend(loc="upper left")


def _bin_words(row: Any, language: str) -> str:
    means = {"expected": row.expected_purchases, "actual": row.actual_purchases}
    numbers = {name: format_number(mean, language, decimals=2) for name, mean in means.items()}
    customers = format_number(row.customers, language)
    return _words("calibration_bin", language, frequency=row.frequency, customers=customers, **numbers)


def _last_forecast(results: Results) -> tuple[str, date]:
    """The last period that was forecast, and the last day of the data it was forecast from."""
    holdout = results.holdout
    period = holdout.loc[holdout["model"] == results.chosen_model, "period"].iloc[-1]
    window = next(w for w in results.book.windows if w.label == period)
    return period, window.start - timedelta(days=1)


@figure_per_language
def plot_cumulative_purchases(results: Results, *, language: str, ax: Axes) -> Axes | NotMeasured:
    """Repeat purchases so far by week, as the previous period's fit has them and as they happened."""
    return _plot_tracking(results, "cumulative", language, ax)


@figure_per_language
def plot_weekly_purchases(results: Results, *, language: str, ax: Axes) -> Axes | NotMeasured:
    """Repeat purchases in each of the last weeks, as the previous period's fit has them and in fact."""
    return _plot_tracking(results, "incremental", language, ax)


def _plot_tracking(results: Results, kind: str, language: str, ax: Axes) -> Axes | NotMeasured:
    weeks = results.tracking
    if weeks.empty:
        return NotMeasured("no_earlier_period")
    if weeks[f"expected_{kind}"].isna().all():
        return NotMeasured("model_degenerate")
    if kind == "incremental":
        weeks = weeks.tail(WEEKS_SHOWN)
    _draw_tracking(ax, weeks, kind, language)
    name = "cumulative" if kind == "cumulative" else "weekly"
    until = format_date(results.book.window.start - timedelta(days=1), language)
    return describe(
        ax,
        _tracking_alt(weeks, kind, language),
        title=_words(f"{name}_title", language),
        note=_words("tracking_note", language, last_day=until),
    )


def _draw_tracking(ax: Axes, weeks: pd.DataFrame, kind: str, language: str) -> None:
    ends_on = weeks["ends_on"]
    if weeks["is_forecast"].any():
        shade_days(ax, first_unseen_day(weeks), ends_on.iloc[-1], _words("forecast_part", language))
    actual, expected = weeks[f"actual_{kind}"], weeks[f"expected_{kind}"]
    model = _words("tracking_model", language)
    ax.plot(ends_on, actual, color=PALETTE["main"], linestyle="-", label=_words("actual", language))
    ax.plot(ends_on, expected, color=PALETTE["comparison"], linestyle="--", label=model)
    ax.set_ylim(bottom=0)
    ax.set_ylabel(_words("cumulative_y" if kind == "cumulative" else "weekly_y", language))
    ax.yaxis.set_major_formatter(lambda count, _: format_number(count, language))
    name_months(ax, ends_on.iloc[0], ends_on.iloc[-1], language)
    label_lines(ax)


def _tracking_alt(weeks: pd.DataFrame, kind: str, language: str) -> str:
    """The main numbers: how far both lines have come, or what they add up to in the weeks not seen."""
    from_day = format_date(first_unseen_day(weeks), language)
    if kind == "cumulative":
        last = weeks.iloc[-1]
        found = {name: last[f"{name}_cumulative"] for name in ("expected", "actual")}
        more = {"last": format_date(last["ends_on"], language)}
        name = "cumulative_alt"
    else:
        unseen = weeks[weeks["is_forecast"]]
        found = {name: unseen[f"{name}_incremental"].sum() for name in ("expected", "actual")}
        more = {"weeks": format_number(len(unseen), language)}
        name = "weekly_alt"
    numbers = {key: format_number(value, language, decimals=0) for key, value in found.items()}
    return _words(name, language, from_day=from_day, **numbers, **more)


def first_unseen_day(weeks: pd.DataFrame) -> pd.Timestamp:
    """The day after the last week that the fit had seen."""
    seen = weeks.loc[~weeks["is_forecast"], "ends_on"]
    return (seen.max() if len(seen) else weeks["ends_on"].iloc[0] - timedelta(days=7)) + timedelta(days=1)


def shade_days(ax: Axes, start: pd.Timestamp, end: pd.Timestamp, words: str) -> None:
    """Shade days on a time axis, first to last, and name them at the top."""
    ax.axvspan(start, end, color=INKS["hair"], linewidth=0, zorder=0)
    ax.annotate(
        words, (start + (end - start) / 2, 1), (0, 3), xycoords=("data", "axes fraction"),
        textcoords="offset points", ha="center", va="bottom", color=INKS["soft"], fontsize=10.5,
        annotation_clip=False,
    )  # fmt: skip
