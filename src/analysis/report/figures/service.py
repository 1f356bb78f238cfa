"""Charts of service: time to resolve by period and by team, the queue by hour, repeat contacts, the backlog."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.catalogue import Metric, label
from analysis.facts import Book, NotMeasured
from analysis.report.figures.messages import (
    Told,
    backlog_message,
    base_words,
    change_message,
    first_message,
    groups_message,
)
from analysis.report.figures.style import INKS, PALETTE, label_lines, lay_bars, readable
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
    trend_windows,
    verdict_shown,
)
from analysis.report.numbers_shown import SECONDS_IN, format_number, format_percent, is_missing
from analysis.report.pages.breakdowns import figures_by, group_figures, in_words
from analysis.report.pages.service_rows import (
    AGE_LIMITS_DAYS,
    OF_TEAMS,
    TIMED,
    band_key,
    open_by_age,
    queue_by_hour,
    repeats_by_topic,
)
from analysis.report.per_language import describe, figure_per_language
from analysis.report.verdicts_shown import VERDICTS
from analysis.report.words import label as word
from analysis.suite import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

QUEUE_MEASURES = {"offered": "offered_per_day", "abandoned": "abandonment_rate", "in_time": "service_level"}
MOST_TOPICS = 12
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _words(key: str, language: str, **values: Any) -> str:
    return label(f"service_page.{key}", language, **values)


def _listed(parts: Sequence[str], language: str) -> str:
    return label("kpis.list_join", language).join(parts)


# --- time to resolve, by period -----------------------------------------------------------------------


def resolution_by_period(results: Results) -> pd.DataFrame:
    """One row for each period with tickets resolved: ``period, median, low, high, p90, n, is_running``; seconds."""
    book, figures = results.book, results.company_figures
    rows = []
    for window in trend_windows(book):
        median, p90 = (figures.get((TIMED, name, window.label)) for name in ("median", "p90"))
        if median and not is_missing(median["value"]):
            rows.append(
                {
                    "period": window.label, "median": median["value"], "low": median["low"],
                    "high": median["high"], "n": median["n"], "is_running": window.is_partial,
                    "p90": p90["value"] if p90 else np.nan,
                }
            )  # fmt: skip
    columns = ["period", "median", "low", "high", "p90", "n", "is_running"]
    return pd.DataFrame(rows, columns=columns)


def unit_for(seconds: float, *, most: str = "hours") -> str:
    """The unit in which durations up to this one are drawn: the largest that keeps it at two or more."""
    units = [unit for unit in SECONDS_IN if SECONDS_IN[unit] <= SECONDS_IN[most]]
    return next((unit for unit in reversed(units) if seconds >= 2 * SECONDS_IN[unit]), "seconds")


@figure_per_language
def plot_resolution_trend(results: Results, *, language: str, ax: Axes) -> Axes | NotMeasured:
    """Median time to resolve with its interval, and the time within which nine in ten were, by period."""
    rows = resolution_by_period(results)
    if rows.empty:
        return _why_no_times(results, language)
    unit = unit_for(float(np.nanmax(rows[["median", "high", "p90"]].to_numpy(float))))
    scale = SECONDS_IN[unit]
    shown = rows[["median", "low", "high", "p90"]].astype(float) / scale
    _draw_times(ax, shown, rows["is_running"], language)
    counts = [format_number(n, language) for n in rows["n"]]
    ax.set_xticks(rows.index, [f"{period}\n{n}" for period, n in zip(rows["period"], counts, strict=True)])
    ax.set_xlim(-0.5, len(rows) - 0.5)
    ax.set_ylim(0, 1.15 * float(np.nanmax(shown.to_numpy())))
    label_lines(ax, gap_points=15)
    return describe(ax, **_trend_words(results, rows, unit, language))


def _why_no_times(results: Results, language: str) -> NotMeasured:
    figure = results.kpi(TIMED)
    found = figure if isinstance(figure, NotMeasured) else NotMeasured("no_rows")
    return in_words(found, results.book, language)


def _draw_times(ax: Axes, shown: pd.DataFrame, is_running: pd.Series, language: str) -> None:
    ax.plot(
        shown.index, shown["p90"], color=PALETTE["comparison"], marker="s", linestyle="--", linewidth=1.6,
        label=_words("trend_p90", language),
    )  # fmt: skip
    ax.plot(
        shown.index,
        shown["median"],
        color=PALETTE["main"],
        linestyle="-",
        label=_words("trend_median", language),
    )
    for place, row in enumerate(shown.itertuples()):
        has_interval = pd.notna(row.low) and pd.notna(row.high)
        error = [[row.median - row.low], [row.high - row.median]] if has_interval else None
        ax.errorbar(
            place, row.median, yerr=error, fmt="o", color=PALETTE["main"], markersize=7, elinewidth=2, capsize=3,
            markerfacecolor=INKS["paper"] if is_running.iloc[place] else PALETTE["main"], markeredgewidth=1.6,
        )  # fmt: skip
        _write_above(ax, place, row.high if has_interval else row.median, row.median, PALETTE["main"])
        if pd.notna(row.p90):
            _write_above(ax, place, row.p90, row.p90, PALETTE["comparison"])


def _write_above(ax: Axes, place: int, height: float, value: float, colour: str) -> None:
    ax.annotate(
        f"{value:.1f}", (place, height), (0, 5), textcoords="offset points", ha="center", va="bottom",
        fontsize=10.5, color=readable(colour),
        bbox={"facecolor": INKS["paper"], "edgecolor": "none", "pad": 0.6},
    )  # fmt: skip


def _trend_words(results: Results, rows: pd.DataFrame, unit: str, language: str) -> dict[str, str]:
    book = results.book
    median, p90 = (book.catalogue.metric(TIMED, name) for name in ("median", "p90"))
    points = [
        _words(
            "trend_point", language, period=say_period(row.period, book, language), n=say_n(row.n, language),
            median=say_value(row.median, median, book, language), p90=say_value(row.p90, p90, book, language),
            interval=say_interval(row.low, row.high, median, book, language),
        )
        for row in rows.itertuples()
    ]  # fmt: skip
    notes = [
        _words("trend_note", language, level=say_level(book, language)), clock_note(book, language),
        _words("trend_running", language) if rows["is_running"].any() else "",
    ]  # fmt: skip
    return {
        "alt": _words("trend_alt", language, points=_listed(points, language)),
        "title": _words("trend_title", language, unit=_words(f"unit_{unit}", language)),
        "message": change_message(results, median, language),
        "note": join_sentences(notes, language),
    }


def clock_note(book: Book, language: str) -> str:
    """Whether durations count working hours only, in a sentence."""
    return _words("clock_working" if book.settings.working_hours else "clock_always", language)


# --- by team ------------------------------------------------------------------------------------------


def teams_now_and_before(results: Results) -> pd.DataFrame:
    """One row for each team, slowest first: ``group, value, low, high, n``, ``before`` and the ``verdict`` on it."""
    _, changes = figures_by(results, "team", OF_TEAMS)
    rows = group_figures(results, "team", OF_TEAMS)
    rows = rows[rows["metric"] == TIMED].reset_index(drop=True)
    is_base = (changes["metric"] == TIMED) & (changes["against"] == "previous")
    base = changes[is_base].set_index("group")
    verdicts = {
        group: verdict_shown(row) for group, row in zip(base.index, base.to_dict("records"), strict=True)
    }
    return rows.assign(
        before=[float(base["base_value"].get(group, np.nan)) for group in rows["group"]],
        verdict=[verdicts.get(group, "not_compared") for group in rows["group"]],
    )


@figure_per_language
def plot_service_by_team(results: Results, *, language: str, ax: Axes) -> Axes | NotMeasured:
    """Time to resolve of each team with its interval, where it stood before, and the verdict on the change."""
    book, whole = results.book, results.kpi(TIMED)
    if isinstance(whole, NotMeasured):
        return in_words(whole, book, language)
    rows = teams_now_and_before(results)
    if rows.empty:
        return NotMeasured(_words("one_team", language))
    unit = unit_for(float(rows[["value", "before"]].max(axis=None)))
    _draw_teams(ax, results, rows, SECONDS_IN[unit], language)
    mean = float(whole["value"]) / SECONDS_IN[unit]
    ax.axvline(mean, color=PALETTE["muted"], linewidth=1.2, linestyle="--", zorder=0)
    metric = chosen(book, book.catalogue.metrics[TIMED])
    everyone = _words("teams_all", language, value=say_value(whole["value"], metric, book, language))
    ax.annotate(
        everyone, (mean, -0.75), ha="center", va="bottom", fontsize=10.5, color=INKS["soft"],
        annotation_clip=False,
    )  # fmt: skip
    return describe(ax, **_team_words(results, rows, metric, whole, language))


VERDICT_COLOURS = {"better": PALETTE["better"], "worse": PALETTE["worse"]}


def _draw_teams(ax: Axes, results: Results, rows: pd.DataFrame, scale: float, language: str) -> None:
    book = results.book
    metric = chosen(book, book.catalogue.metrics[TIMED])
    ax.figure.set_size_inches(ax.figure.get_figwidth(), 0.8 + 0.5 * len(rows))
    for place, row in enumerate(rows.itertuples()):
        colour = VERDICT_COLOURS.get(row.verdict, PALETTE["main"])
        value, before = row.value / scale, row.before / scale
        if pd.notna(before):
            ax.plot(
                [before, value], [place] * 2, color=PALETTE["muted"], linewidth=1, linestyle="-", zorder=1
            )
            ax.plot(
                before,
                place,
                "o",
                markersize=7,
                markerfacecolor=INKS["paper"],
                markeredgecolor=PALETTE["muted"],
            )
        error = [[value - row.low / scale], [row.high / scale - value]] if pd.notna(row.low) else None
        ax.errorbar(value, place, xerr=error, fmt="o", color=colour, markersize=8, elinewidth=2.2, capsize=3)
        text = say_value(row.value, metric, book, language)
        at = np.nanmax([value if pd.isna(row.high) else row.high / scale, before])
        ax.annotate(
            f"{text} {_mark(row.verdict, language)}", (at, place), (8, 0), textcoords="offset points", va="center",
            fontsize=11, color=colour, bbox={"facecolor": INKS["paper"], "edgecolor": "none", "pad": 1.0},
        )  # fmt: skip
    names = [
        _words(
            "teams_row",
            language,
            team=group_name(book, "team", r.group, language),
            n=format_number(r.n, language),
        )
        for r in rows.itertuples()
    ]
    ax.set_yticks(range(len(rows)), names)
    ax.tick_params(axis="y", labelcolor=INKS["ink"])
    ax.set_ylim(len(rows) - 0.4, -0.7)
    ends = rows[["value", "low", "high", "before"]].to_numpy(float) / scale
    least, most = float(np.nanmin(ends)), float(np.nanmax(ends))
    reach = max(most - least, 0.2 * most)
    # At the right as much room again, for the words of the last point.
    ax.set_xlim(least - 0.06 * reach, most + reach)
    ax.xaxis.set_visible(False)
    ax.spines["bottom"].set_visible(False)
    ax.grid(False)


def _mark(verdict: str, language: str) -> str:
    """Sign and words of a clear verdict; nothing of the others."""
    return (
        f"{VERDICTS[verdict][0]} {word('verdict_' + verdict, language)}" if verdict in VERDICT_COLOURS else ""
    )


def _team_words(
    results: Results, rows: pd.DataFrame, metric: Metric, whole: Any, language: str
) -> dict[str, str]:
    book = results.book
    points = [
        _words(
            "teams_point", language, team=group_name(book, "team", row.group, language), n=say_n(row.n, language),
            value=say_value(row.value, metric, book, language), verdict=word(f"verdict_{row.verdict}", language),
            interval=say_interval(row.low, row.high, metric, book, language),
            before=say_value(row.before, metric, book, language),
        )
        for row in rows.itertuples()
    ]  # fmt: skip
    previous = say_period(book.baselines[book.window.label]["previous"], book, language)
    name, period = metric_name(metric, language), say_period(book.window.label, book, language)
    told = [
        Told(
            group_name(book, "team", row.group, language), row.verdict, say_value(row.value, metric, book, language),
            base_words(say_value(row.before, metric, book, language), language, period=previous),
        )
        for row in rows.itertuples()
    ]  # fmt: skip
    has_before = rows["before"].notna().any()
    notes = [
        _words("teams_note", language, previous=previous, count=len(rows)) if has_before else "",
        clock_note(book, language),
    ]
    return {
        "alt": _words(
            "teams_alt", language, name=name, previous=previous, points=_listed(points, language),
            all=say_value(whole["value"], metric, book, language),
        ),
        "title": _words("teams_title", language, name=name, period=period, level=say_level(book, language)),
        "message": groups_message(told, language),
        "note": join_sentences(notes, language),
    }  # fmt: skip


# --- the queue by hour --------------------------------------------------------------------------------


def queue_matrix(rows: pd.DataFrame, measure: str, least: int) -> pd.DataFrame:
    """Hours down, weekdays across: what came in per day, or a rate where at least so many contacts make it."""
    column = QUEUE_MEASURES[measure]
    known = rows if measure == "offered" else rows[rows[f"{column}_base"] >= least]
    wide = known.pivot(index="hour", columns="weekday", values=column).reindex(columns=range(7))
    hours = rows.loc[rows["offered"] >= least, "hour"] if (rows["offered"] >= least).any() else rows["hour"]
    wide = wide.reindex(range(int(hours.min()), int(hours.max()) + 1))
    return wide.fillna(0.0) if measure == "offered" else wide


@figure_per_language
def plot_queue(results: Results, measure: str, *, language: str, ax: Axes) -> Axes | NotMeasured:
    """Heat map of the queue by local hour and weekday: ``offered``, ``abandoned`` or ``in_time``.

    Raises
    ------
    KeyError
        If there is no such measure.
    """
    book, rows = results.book, queue_by_hour(results)
    if isinstance(rows, NotMeasured):
        return in_words(rows, book, language)
    shown = queue_matrix(rows, measure, book.settings.small_sample)
    if shown.notna().sum(axis=None) == 0:
        return NotMeasured(_words("queue_too_few", language, least=book.settings.small_sample))
    _draw_heat(ax, shown, measure, language)
    return describe(ax, **_queue_words(results, rows, shown, measure, language))


def _draw_heat(ax: Axes, shown: pd.DataFrame, measure: str, language: str) -> None:
    import seaborn

    ax.figure.set_size_inches(ax.figure.get_figwidth(), 0.7 + 0.29 * len(shown))
    texts = shown.map(lambda value: _cell_text(value, measure, language))
    lightest, darkest, colours = _colours(shown, measure)
    seaborn.heatmap(
        shown, ax=ax, annot=texts, fmt="", cmap=colours, vmin=lightest, vmax=darkest, cbar=False, linewidths=1.2,
        linecolor=INKS["paper"], annot_kws={"fontsize": 10.5},
    )  # fmt: skip
    ax.set_yticks(np.arange(len(shown)) + 0.5, [f"{hour:02d}:00" for hour in shown.index], rotation=0)
    days = [_words(f"day_{day}", language) for day in _DAYS]
    ax.set_xticks(np.arange(7) + 0.5, days)
    ax.xaxis.tick_top()
    ax.set(xlabel="", ylabel="")
    ax.tick_params(length=0)
    ax.grid(False)


def _cell_text(value: float, measure: str, language: str) -> str:
    if pd.isna(value):
        return ""
    if measure == "offered":
        return f"{value:.0f}" if value >= 10 else f"{value:.1f}"
    return format_percent(value, language, decimals=0).removesuffix("%")


def _colours(shown: pd.DataFrame, measure: str) -> tuple[float, float, str]:
    """Lightest and darkest value and the scale: dark is much in the queue, many given up, few in time."""
    lowest, highest = float(np.nanmin(shown)), float(np.nanmax(shown))
    if measure == "in_time":
        return lowest - 0.25 * max(0.05, highest - lowest), max(highest, lowest + 0.05), "Oranges_r"
    return 0.0, max(1.15 * highest, 1e-9), "Blues" if measure == "offered" else "Oranges"


def _queue_words(
    results: Results, rows: pd.DataFrame, shown: pd.DataFrame, measure: str, language: str
) -> dict[str, str]:
    book = results.book
    period = say_period(book.window.label, book, language)
    cells = shown.stack()
    worst = cells.nsmallest(3) if measure == "in_time" else cells.nlargest(3)
    told = [
        _words(
            "queue_cell", language, day=_words(f"day_{_DAYS[day]}", language), hour=f"{hour:02d}:00",
            value=_cell_words(value, measure, language),
        )
        for (hour, day), value in worst.items()
    ]  # fmt: skip
    return {
        "alt": _words(f"queue_{measure}_alt", language, cells=_listed(told, language)),
        "title": _queue_title(book, measure, period, language),
        "note": join_sentences(_queue_notes(results, rows, measure, language), language),
    }


def _cell_words(value: float, measure: str, language: str) -> str:
    if measure == "offered":
        return format_number(value, language, decimals=1)
    return format_percent(value, language, decimals=0)


def _queue_title(book: Book, measure: str, period: str, language: str) -> str:
    if measure == "offered":
        return _words("queue_offered_title", language, period=period)
    name = metric_name(chosen(book, book.catalogue.metrics[QUEUE_MEASURES[measure]]), language)
    return _words("queue_rate_title", language, name=name, period=period)


def _queue_notes(results: Results, rows: pd.DataFrame, measure: str, language: str) -> list[str]:
    book, channels = results.book, rows.attrs.get("channels", [])
    join = label("kpis.name_join", language)
    if measure == "abandoned":
        return [_words("queue_blank", language, least=book.settings.small_sample)]
    if measure == "in_time":
        blank = _words("queue_blank", language, least=book.settings.small_sample)
        return [_words("queue_seconds", language, seconds=book.settings.service_level_seconds), blank]
    told = [_words("queue_local", language, zone=book.settings.time_zone)]
    if channels:
        names = [group_name(book, "channel", channel, language) for channel in channels]
        told.append(_words("queue_channels", language, channels=join.join(names)))
    return told


# --- repeat contacts ----------------------------------------------------------------------------------


@figure_per_language
def plot_repeat_contacts(results: Results, *, language: str, ax: Axes) -> Axes | NotMeasured:
    """Pareto chart: repeat contacts by topic, most first, with the share of all that the topics make so far."""
    book, rows = results.book, repeats_by_topic(results)
    if isinstance(rows, NotMeasured):
        return in_words(rows, book, language)
    shown = rows[rows["repeats"] > 0].head(MOST_TOPICS)
    if shown.empty:
        return NotMeasured(_words("repeats_none", language))
    names = [group_name(book, "topic", topic, language) for topic in shown["topic"]]
    ax.figure.set_size_inches(ax.figure.get_figwidth(), 0.6 + 0.38 * len(shown))
    ax.barh(range(len(shown)), shown["repeats"], color=PALETTE["main"], height=0.62)
    told = [
        _words(
            "repeats_bar", language, repeats=format_number(row.repeats, language),
            cumulative=format_percent(row.cumulative, language, decimals=0),
        )
        for row in shown.itertuples()
    ]  # fmt: skip
    for place, (row, text) in enumerate(zip(shown.itertuples(), told, strict=True)):
        ax.annotate(text, (row.repeats, place), (6, 0), textcoords="offset points", va="center", fontsize=11)
    lay_bars(ax, names, 1.6 * float(shown["repeats"].max()))
    return describe(ax, **_repeat_words(results, rows, shown, names, language))


def _repeat_words(
    results: Results, rows: pd.DataFrame, shown: pd.DataFrame, names: Sequence[str], language: str
) -> dict[str, str]:
    points = [
        _words(
            "repeats_point", language, topic=name, repeats=format_number(row.repeats, language),
            contacts=format_number(row.contacts, language), rate=format_percent(row.rate, language),
        )
        for name, row in zip(names, shown.itertuples(), strict=True)
    ]  # fmt: skip
    first = names[0] if rows["topic"].iloc[0] else ""
    cut = _words("repeats_cut", language, shown=MOST_TOPICS) if len(rows) > MOST_TOPICS else ""
    return {
        "alt": _words("repeats_alt", language, points=_listed(points, language)),
        "title": _words(
            "repeats_title", language, period=say_period(results.book.window.label, results.book, language)
        ),
        "message": first_message(
            first, rows["repeats"], rows["repeats"].sum(), results.book.settings.small_sample, language
        ),
        "note": join_sentences([_words("repeats_so_far", language), cut], language),
    }


# --- the backlog --------------------------------------------------------------------------------------


@figure_per_language
def plot_backlog(results: Results, *, language: str, ax: Axes) -> Axes | NotMeasured:
    """Bars of the tickets open at the period's end by age, and beside them those open a period before."""
    book, rows = results.book, open_by_age(results)
    if isinstance(rows, NotMeasured):
        return in_words(rows, book, language)
    own, before = (rows[rows["against"] == key].set_index("from_days") for key in ("own", "previous"))
    if not rows["tickets"].any():
        return NotMeasured(_words("backlog_none", language))
    has_before = len(before) > 0
    ax.figure.set_size_inches(ax.figure.get_figwidth(), 0.6 + (0.52 if has_before else 0.38) * len(own))
    places = np.arange(len(AGE_LIMITS_DAYS))
    series = [(own, -0.2 if has_before else 0.0, PALETTE["main"], INKS["ink"])]
    series += [(before, 0.2, PALETTE["muted"], INKS["soft"])] if has_before else []
    for part, shift, colour, ink in series:
        ax.barh(places + shift, part["tickets"], height=0.36 if has_before else 0.62, color=colour)
        for place, row in zip(places, part.itertuples(), strict=True):
            text = _bar_text(row, part is own, language)
            ax.annotate(
                text, (row.tickets, place + shift), (6, 0), textcoords="offset points", va="center",
                fontsize=10.5, color=ink,
            )  # fmt: skip
    lay_bars(
        ax,
        [_words(f"age_{band_key(day)}", language) for day in own.index],
        1.4 * float(rows["tickets"].max()),
    )
    return describe(ax, **_backlog_words(results, rows, language))


def _bar_text(row: Any, is_own: bool, language: str) -> str:
    tickets = format_number(row.tickets, language)
    if not is_own or not row.overdue:
        return tickets
    return _words("backlog_bar", language, tickets=tickets, overdue=format_number(row.overdue, language))


def _backlog_words(results: Results, rows: pd.DataFrame, language: str) -> dict[str, str]:
    book = results.book
    sums = rows.groupby("against", sort=False).agg(
        period=("period", "first"), tickets=("tickets", "sum"), overdue=("overdue", "sum")
    )
    own = rows[rows["against"] == "own"]
    points = [
        _words(
            "backlog_point", language, age=_words(f"age_{band_key(row.from_days)}", language),
            tickets=format_number(row.tickets, language), overdue=format_number(row.overdue, language),
        )
        for row in own.itertuples()
    ]  # fmt: skip
    ends = [
        _words(
            "backlog_end", language, period=say_period(row.period, book, language),
            tickets=format_number(row.tickets, language), overdue=format_number(row.overdue, language),
        )
        for row in sums.itertuples()
    ]  # fmt: skip
    previous = sums["period"].get("previous")
    pale = _words("backlog_pale", language, period=say_period(previous, book, language)) if previous else ""
    total = _words("backlog_total", language, ends=_listed(ends, language))
    return {
        "alt": _words("backlog_alt", language, points=_listed(points, language), total=total),
        "title": _words("backlog_title", language, period=say_period(book.window.label, book, language)),
        "message": _backlog_message(sums, book, language),
        "note": join_sentences([pale, total, _words("backlog_note", language)], language),
    }


def _backlog_message(sums: pd.DataFrame, book: Book, language: str) -> str:
    """How many are open, and how many were at the previous period's end; empty without one."""
    if "previous" not in sums.index:
        return ""
    now, before = sums.loc["own"], sums.loc["previous"]
    ends = [say_period(row["period"], book, language) for row in (now, before)]
    return backlog_message(now["tickets"], ends[0], before["tickets"], ends[1], language)
