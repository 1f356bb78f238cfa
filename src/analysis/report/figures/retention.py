"""Charts of retention: from the first day to the last, the rate over time and by group, cohorts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.catalogue import Metric, label
from analysis.facts import Book, NotMeasured
from analysis.periods import add_months
from analysis.report.figures.messages import change_message, customers_message
from analysis.report.figures.over_periods import draw_points, write_beside
from analysis.report.figures.style import INKS, PALETTE
from analysis.report.kpi_tables import (
    n_detail,
)
from analysis.report.kpis_shown import (
    chosen,
    figure_by_period,
    group_name,
    join_sentences,
    metric_name,
    say_interval,
    say_level,
    say_n,
    say_period,
    say_value,
    short_history_note,
)
from analysis.report.numbers_shown import format_number, format_percent
from analysis.report.per_language import describe, figure_per_language
from analysis.suite import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GROUPED = "customer_retention_rate"
MOST_GROUPS, MOST_COHORTS, MOST_STEPS = 8, 12, 12


# --- the bridge -----------------------------------------------------------------------------------

STEPS = {"opening": 1, "new": 1, "came_and_went": -1, "returned": 1, "lost": -1, "closing": 1}


def bridge_steps(results: Results) -> pd.DataFrame | NotMeasured:
    """One row for each step from the customers at the start to those at the end.

    Returns
    -------
    DataFrame or NotMeasured
        ``step, customers`` (how many), ``sign``, ``is_total``, ``bottom, top`` (where its bar stands).
    """
    figures = {step: results.kpi(f"{step}_customers") for step in STEPS}
    absent = next((figure for figure in figures.values() if isinstance(figure, NotMeasured)), None)
    if absent is not None:
        return absent
    rows = pd.DataFrame({"step": list(STEPS), "sign": list(STEPS.values())})
    rows["customers"] = [float(figures[step]["value"]) for step in STEPS]
    rows["is_total"] = rows["step"].isin(["opening", "closing"])
    level = (rows["sign"] * rows["customers"]).cumsum()
    before = level.shift(fill_value=0.0).where(~rows["is_total"], 0.0)
    after = level.where(~rows["is_total"], rows["customers"])
    return rows.assign(bottom=np.minimum(before, after), top=np.maximum(before, after))


@figure_per_language
def plot_customer_bridge(results: Results, *, language: str, ax: Axes) -> Axes | NotMeasured:
    """Waterfall of customers: those at the start, who came and went in between, those at the end."""
    rows = bridge_steps(results)
    if isinstance(rows, NotMeasured):
        return rows
    if not rows["customers"].any():
        return NotMeasured("no_rows")
    colours = [_step_colour(row) for row in rows.itertuples()]
    ax.bar(range(len(rows)), rows["top"] - rows["bottom"], bottom=rows["bottom"], color=colours, width=0.62)
    for place, row in enumerate(rows.itertuples()):
        text = format_number(
            row.customers if row.is_total else row.sign * row.customers, language, signed=not row.is_total
        )
        ax.annotate(
            text, (place, row.top), (0, 4), textcoords="offset points", ha="center", va="bottom", fontsize=11,
            color=INKS["ink"],
        )  # fmt: skip
    _draw_levels(ax, rows)
    ax.set_xticks(range(len(rows)), [label(f"retention.step_{step}", language) for step in rows["step"]])
    ax.set_ylim(0, max(1.0, 1.12 * rows["top"].max()))
    ax.yaxis.set_visible(False)
    ax.grid(False)
    return describe(ax, **_bridge_words(results, rows, language))


def _step_colour(row: Any) -> str:
    if row.is_total:
        return PALETTE["main"]
    return PALETTE["better"] if row.sign > 0 else PALETTE["worse"]


def _draw_levels(ax: Axes, rows: pd.DataFrame) -> None:
    """A thin line from each bar to the next at the level reached; through a step of nobody it runs on."""
    level = (rows["sign"] * rows["customers"]).cumsum()
    for place in range(len(rows) - 1):
        ends = [place + 0.31, place + 0.69 if rows["customers"][place + 1] else place + 1.31]
        ax.plot(ends, [level[place]] * 2, color=PALETTE["muted"], linewidth=1, linestyle="-")


def _bridge_words(results: Results, rows: pd.DataFrame, language: str) -> dict[str, str]:
    counts = {row.step: format_number(row.customers, language) for row in rows.itertuples()}
    ends = rows.loc[rows["is_total"], "customers"]
    settings, period = results.book.settings, say_period(results.book.window.label, results.book, language)
    base = f"retention.bridge_note_{settings.customer_base}"
    return {
        "alt": label("retention.bridge_alt", language, **counts),
        "title": label("retention.bridge_title", language, period=period),
        "message": customers_message(*ends, language),
        "note": label(base, language, days=settings.activity_window_days),
    }


# --- over time ------------------------------------------------------------------------------------


@figure_per_language
def plot_retention_trend(results: Results, *, language: str, ax: Axes) -> Axes | NotMeasured:
    """Points with intervals, one for each period, n below; hollow where the period says little."""
    return draw_rate(results, GROUPED, label("retention.trend_note", language), language=language, ax=ax)


def draw_rate(results: Results, name: str, note: str, *, language: str, ax: Axes) -> Axes | NotMeasured:
    """A rate over the periods: points with intervals, n below; ``note`` says what n counts."""
    metric = chosen(results.book, results.book.catalogue.metrics[name])
    rows = figure_by_period(results, metric)
    if rows.empty:
        figure = results.kpi(name)
        return figure if isinstance(figure, NotMeasured) else NotMeasured("no_rows")
    draw_points(ax, rows, rows["is_short"] | rows["is_running"], language)
    for row in rows.itertuples():
        text = say_value(row.value, metric, results.book, language)
        write_beside(ax, row, text, below=_is_dip(rows["value"], row.Index))
    _set_share_axis(ax, rows)
    return describe(ax, **_trend_words(results, rows, metric, note, language))


def _is_dip(values: pd.Series, place: int) -> bool:
    """Whether the line comes down to this point and goes up from it: its figure fits better below."""
    return 0 < place < len(values) - 1 and values[place] < min(values[place - 1], values[place + 1])


def _set_share_axis(ax: Axes, rows: pd.DataFrame) -> None:
    """From 0 where that leaves room to see, else from a tenth below the lowest point; room on top."""
    lowest, highest = rows["low"].fillna(rows["value"]).min(), rows["high"].fillna(rows["value"]).max()
    bottom = 0.0 if lowest < 0.5 else float(np.floor(10 * lowest - 0.5) / 10)
    top = highest + 0.16 * (highest - bottom)
    ax.set_ylim(bottom, top)
    ticks = [tick for tick in ax.get_yticks() if bottom <= tick <= min(top, max(1.0, highest))]
    ax.set_yticks(ticks, [f"{100 * tick:.0f}%" for tick in ticks])


def _trend_words(
    results: Results, rows: pd.DataFrame, metric: Metric, note: str, language: str
) -> dict[str, str]:
    book, name = results.book, metric_name(metric, language)
    points = [
        label(
            "retention.trend_point", language, period=say_period(row.period, book, language),
            value=say_value(row.value, metric, book, language), n=say_n(row.n, language),
            interval=say_interval(row.low, row.high, metric, book, language),
        )
        for row in rows.itertuples()
    ]  # fmt: skip
    notes = [note, *_hollow_notes(rows, book, language)]
    return {
        "alt": label(
            "retention.trend_alt", language, name=name, points=label("kpis.list_join", language).join(points)
        ),
        "title": label("retention.trend_title", language, name=name, level=say_level(book, language)),
        "message": change_message(results, metric, language),
        "note": join_sentences(notes, language),
    }


def _hollow_notes(rows: pd.DataFrame, book: Book, language: str) -> list[str]:
    short = [
        window for window in book.windows if window.label in rows.loc[rows["is_short"], "period"].tolist()
    ]
    reasons = [short_history_note(book, short, language)]
    reasons.append(label("retention.trend_running", language) if rows["is_running"].any() else "")
    return [label("retention.trend_hollow", language, reason=reason) for reason in reasons if reason]


# --- by group -------------------------------------------------------------------------------------


def groups_of(results: Results, metric: Metric, language: str) -> pd.DataFrame:
    """One row for each group of the dimensions that split the customers, in the order they are shown.

    Returns
    -------
    DataFrame
        ``by, dimension_name, group, group_name, value, low, high, n, n_detail``. Dimensions with one group
        are left out; of one with many groups of its own (cohorts, regions) the last eight by name are kept.
    """
    book, rows = results.book, _grouped(results, metric)
    parts = [_ordered(part, book, str(by)) for by, part in rows.groupby("by", sort=False) if len(part) > 1]
    parts.sort(key=lambda part: book.settings.dimensions.index(part["by"].iloc[0]))
    found = pd.concat(parts, ignore_index=True) if parts else rows.head(0)
    return found.assign(
        dimension_name=[book.catalogue.dimensions[by].name.in_(language) for by in found["by"]],
        group_name=[group_name(book, r.by, r.group, language) for r in found.itertuples()],
        n_detail=[n_detail(row, metric, book, language) for row in found.itertuples()],
    )


def _grouped(results: Results, metric: Metric) -> pd.DataFrame:
    kpis = results.kpis
    return kpis[
        (kpis["metric"] == metric.id) & (kpis["variant"] == metric.variant) & kpis["by"].notna()
        & (kpis["period"] == results.book.window.label) & kpis["value"].notna()
    ]  # fmt: skip


def _ordered(part: pd.DataFrame, book: Book, by: str) -> pd.DataFrame:
    declared = list(book.catalogue.dimensions[by].groups)
    places = [declared.index(group) if group in declared else len(declared) for group in part["group"]]
    ordered = part.assign(place=places).sort_values(["place", "group"]).drop(columns="place")
    return ordered if declared else ordered.tail(MOST_GROUPS)


def left_out_note(results: Results, language: str) -> str:
    """Which dimensions are not shown because everyone is in one group, and which are cut; empty for none."""
    book = results.book
    sizes = _grouped(results, chosen(book, book.catalogue.metrics[GROUPED])).groupby("by")["group"].nunique()
    names = {by: book.catalogue.dimensions[by].name.in_(language) for by in sizes.index}
    single = [names[by] for by, size in sizes.items() if size == 1]
    cut = [
        by for by, size in sizes.items() if size > MOST_GROUPS and not book.catalogue.dimensions[by].groups
    ]
    notes = [label("retention.groups_newest", language, dimension=names[by], count=MOST_GROUPS) for by in cut]
    if single:
        listed = label("kpis.name_join", language).join(single)
        notes.append(label("retention.groups_single", language, dimensions=listed))
    return join_sentences(notes, language)


@figure_per_language
def plot_retention_by_group(results: Results, *, language: str, ax: Axes) -> Axes | NotMeasured:
    """Points with intervals, one row for each group under its dimension; a line marks all customers."""
    book = results.book
    metric, whole = chosen(book, book.catalogue.metrics[GROUPED]), results.kpi(GROUPED)
    if isinstance(whole, NotMeasured):
        return whole
    rows = _with_places(groups_of(results, metric, language))
    if rows.empty:
        return NotMeasured("one_group_only")
    ax.figure.set_size_inches(ax.figure.get_size_inches()[0], 0.9 + 0.34 * (rows["place"].max() + 1))
    ax.axvline(whole["value"], color=PALETTE["muted"], linewidth=1.2, linestyle="--", zorder=0)
    for row in rows.itertuples():
        error = [[row.value - row.low], [row.high - row.value]] if pd.notna(row.low) else None
        ax.errorbar(
            row.value,
            row.place,
            xerr=error,
            fmt="o",
            color=PALETTE["main"],
            markersize=7,
            elinewidth=2.2,
            capsize=3,
        )
        text = say_value(row.value, metric, book, language)
        at = row.high if pd.notna(row.high) else row.value
        ax.annotate(
            text, (at, row.place), (7, 0), textcoords="offset points", va="center", fontsize=11,
            bbox={"facecolor": INKS["paper"], "edgecolor": "none", "pad": 1.0},
        )  # fmt: skip
    _name_rows(ax, rows, language)
    all_words = label(
        "retention.groups_all", language, value=say_value(whole["value"], metric, book, language)
    )
    ax.annotate(
        all_words, (whole["value"], -0.9), ha="center", va="bottom", fontsize=10.5, color=INKS["soft"],
        annotation_clip=False,
    )  # fmt: skip
    return describe(ax, **_group_words(results, rows, metric, whole, language))


def _with_places(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with their place on the axis: a free line above each dimension for its name."""
    begins = rows["by"].ne(rows["by"].shift()).cumsum() if len(rows) else pd.Series(dtype=int)
    return rows.assign(place=np.arange(len(rows)) + begins.to_numpy(dtype=int))


def _name_rows(ax: Axes, rows: pd.DataFrame, language: str) -> None:
    heads = rows.drop_duplicates("by")
    places = [*rows["place"], *(heads["place"] - 1)]
    names = [
        *(
            label("retention.groups_row", language, group=r.group_name, n=format_number(r.n, language))
            for r in rows.itertuples()
        ),
        *heads["dimension_name"],
    ]
    ax.set_yticks(places, names)
    for tick in ax.get_yticklabels()[len(rows) :]:
        tick.set(fontweight="bold", color=INKS["ink"])
    ax.set_ylim(rows["place"].max() + 0.7, -0.9)
    low, high = rows["low"].fillna(rows["value"]).min(), rows["high"].fillna(rows["value"]).max()
    left = max(0.0, low - 0.1 * (high - low) - 0.02)
    ax.set_xlim(left, high + 0.25 * max(0.05, high - left))
    ax.xaxis.set_visible(False)
    ax.grid(False)
    ax.spines["bottom"].set_visible(False)


def _group_words(
    results: Results, rows: pd.DataFrame, metric: Metric, whole: Any, language: str
) -> dict[str, str]:
    book, name = results.book, metric_name(metric, language)
    points = [
        label(
            "retention.groups_point", language, dimension=row.dimension_name, group=row.group_name,
            value=say_value(row.value, metric, book, language), n=say_n(row.n, language),
            interval=say_interval(row.low, row.high, metric, book, language),
        )
        for row in rows.itertuples()
    ]  # fmt: skip
    listed, everyone = (
        label("kpis.list_join", language).join(points),
        say_value(whole["value"], metric, book, language),
    )
    period = say_period(book.window.label, book, language)
    return {
        "alt": label("retention.groups_alt", language, name=name, points=listed, all=everyone),
        "title": label(
            "retention.groups_title", language, name=name, period=period, level=say_level(book, language)
        ),
        "note": left_out_note(results, language),
    }


# --- cohorts --------------------------------------------------------------------------------------


def cohort_shares(results: Results) -> pd.DataFrame:
    """Share of each cohort that bought again: one row for each cohort, one column for each span since.

    The span of the first purchase, where it is 100 %, and spans that are not over at the end of the window
    are left out; so are cohorts whose own span is not over. A span without buyers is 0. The index holds
    ``cohort`` and ``size``.
    """
    cohorts, end = results.cohorts, results.book.window.end
    if cohorts.empty:
        return pd.DataFrame()
    months = int(cohorts["months"].iloc[0])
    wide = cohorts.pivot(
        index=["cohort", "size", "starts_on"], columns="steps_since", values="share"
    ).sort_index(level="starts_on")
    wide = wide.reindex(columns=range(1, int(cohorts["steps_since"].max()) + 1)).fillna(0.0)
    for step in wide.columns:
        is_over = [
            add_months(start.date(), (step + 1) * months) <= end
            for start in wide.index.get_level_values("starts_on")
        ]
        wide[step] = wide[step].where(is_over)
    wide = wide.droplevel("starts_on")
    return wide.dropna(how="all").dropna(how="all", axis=1)


def shown_part(shares: pd.DataFrame) -> pd.DataFrame:
    """The newest twelve cohorts and the first twelve spans: as much as can be read."""
    return shares.iloc[-MOST_COHORTS:, :MOST_STEPS].dropna(how="all", axis=1)


@figure_per_language
def plot_cohort_retention(results: Results, *, language: str, ax: Axes) -> Axes | NotMeasured:
    """Heat map: cohorts down, spans since the first purchase across, the share that bought in each cell."""
    shares = cohort_shares(results)
    if shares.empty:
        return NotMeasured("no_rows")
    import seaborn

    shown, months = shown_part(shares), int(results.cohorts["months"].iloc[0])
    ax.figure.set_size_inches(ax.figure.get_size_inches()[0], 1.1 + 0.42 * len(shown))
    texts = shown.map(
        lambda share: "" if pd.isna(share) else format_percent(share, language, decimals=0).removesuffix("%")
    )
    seaborn.heatmap(
        100 * shown, ax=ax, annot=texts, fmt="", cmap="Blues", vmin=0, vmax=_top_of_scale(shown), cbar=False,
        linewidths=1.5, linecolor=INKS["paper"], annot_kws={"fontsize": 11},
    )  # fmt: skip
    names = [
        label("retention.cohort_row", language, cohort=c, size=format_number(n, language))
        for c, n in shown.index
    ]
    ax.set_yticks(np.arange(len(shown)) + 0.5, names, rotation=0)
    ax.set(ylabel="", xlabel=label(f"retention.cohort_axis_{months}", language))
    ax.tick_params(length=0)
    ax.grid(False)
    return describe(ax, **_cohort_words(shares, shown, months, language))


def _top_of_scale(shown: pd.DataFrame) -> float:
    """The darkest colour stands a little above the highest share, so that its figure can be read."""
    return max(1.0, 115 * float(np.nanmax(shown.to_numpy())))


def _cohort_words(shares: pd.DataFrame, shown: pd.DataFrame, months: int, language: str) -> Mapping[str, str]:
    cut = shown.shape != shares.shape
    newest = (
        label("retention.cohort_newest", language, cohorts=len(shown), steps=shown.shape[1]) if cut else ""
    )
    rows = [
        label(
            "retention.cohort_alt_row", language, cohort=cohort, size=format_number(size, language),
            first=format_percent(known.iloc[0], language), last=format_percent(known.iloc[-1], language),
        )
        for (cohort, size), known in ((key, row.dropna()) for key, row in shown.iterrows())
    ]  # fmt: skip
    return {
        "alt": label("retention.cohort_alt", language, rows=label("kpis.list_join", language).join(rows)),
        "title": label(f"retention.cohort_title_{months}", language),
        "note": label("retention.cohort_note", language, newest=newest),
    }
