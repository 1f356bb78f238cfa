"""How a figure of the KPI frame and its change are said on a page: unit, interval, verdict, trend, reason.

Nothing is worked out again here: what is shown stands in the frame of figures or of changes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import dropwhile
from typing import Any

import pandas as pd

from analysis.catalogue import DEFAULT, Metric, label
from analysis.facts import Book
from analysis.metrics.frame import NOT_STATED, reason_text
from analysis.periods import Window
from analysis.report.numbers_shown import (
    CURRENCY_SIGNS,
    MINUS,
    MISSING,
    format_date,
    format_interval,
    format_money,
    format_number,
    format_percent,
    format_value,
    is_missing,
)
from analysis.suite import Results

UNITS_SHOWN = {
    "share": "percent", "money": "money", "count": "number", "number": "number", "days": "number",
    "score": "number", "seconds": "working_time",
}  # fmt: skip
AGAINST = ("previous", "year_ago")

OTHER_BASE = 1 / 3
"""From this relative change of n on, a rate's change is partly a change in who is counted."""

_LARGEST_RELATIVE_CHANGE = 3.0  # beyond ±300 % a change is pictured more easily in the metric's own unit


# --- which figures --------------------------------------------------------------------------------


def comparisons(book: Book) -> list[str]:
    """Which windows the period is held against: ``previous`` and ``year_ago``, once where they are one."""
    bases = book.baselines[book.window.label]
    return [AGAINST[0]] if bases[AGAINST[0]] == bases[AGAINST[1]] else list(AGAINST)


def chosen(book: Book, metric: Metric) -> Metric:
    """The metric under the variant this run has chosen for it."""
    return metric.under(book.settings.variants.get(metric.id, DEFAULT))


def shown_metrics(book: Book) -> list[Metric]:
    """The metrics that pages show, each under the run's own variant, family by family."""
    families = book.catalogue.families.values()
    return [chosen(book, metric) for family in families for metric in family if metric.shown]


def metric_name(metric: Metric, language: str) -> str:
    """The metric's name, with its variant where that is not the default."""
    name, variant = metric.name.in_(language), variant_name(metric, language)
    if metric.variant == DEFAULT:
        return name
    return f"{name}（{variant}）" if language == "zh" else f"{name} – {variant}"


def variant_name(metric: Metric, language: str) -> str:
    """What the variant is called; empty for the default definition."""
    if metric.variant == DEFAULT:
        return ""
    return metric.variant_name.in_(language) if metric.variant_name else metric.variant


def trend_windows(book: Book) -> list[Window]:
    """The windows a trend shows, oldest first: whole periods, then the run's own, be it whole or not."""
    shown = [window for window in book.windows if not window.is_partial or window == book.window]
    return shown[-book.settings.sparkline_periods :]


def trend(results: Results, metric: Metric) -> list[float]:
    """The metric's values over the run's periods, missing where not measured, from the first measured one on.

    Sums and counts of a period still running are left out: they would look like a fall.
    """
    windows = [window.label for window in trend_windows(results.book)]
    if results.book.window.is_partial and metric.kind in ("total", "count"):
        windows = windows[:-1]
    rows = [results.company_figures.get((metric.id, metric.variant, window)) for window in windows]
    values = [float("nan") if row is None else float(row["value"]) for row in rows]
    return list(dropwhile(math.isnan, values))


def looks_back_from(book: Book, window: Window, metric: Metric) -> date | None:
    """The first day a metric looks back to when it asks who was active at the window's start or end."""
    asked = " ".join(text for text in (metric.where, metric.of, metric.per) if text)
    days = timedelta(days=book.settings.activity_window_days)
    if "is_opening" in asked:
        return window.start - days
    return window.end - days if "is_closing" in asked or "orders_in_activity_window" in asked else None


def has_short_history(book: Book, window: Window, metric: Metric) -> bool:
    """Whether the data begin too late for the days a metric looks back on.

    Then not every customer of that time is known, and those who are have had little time to lapse.
    """
    first, coverage = looks_back_from(book, window, metric), book.coverage
    if first is None or coverage.start is None:
        return False
    return first + timedelta(days=coverage.silence_days) < coverage.start


def is_short_at(book: Book, window_label: str, metric: Metric) -> bool:
    """The same of the window with this label; false where the run does not measure it."""
    return any(w.label == window_label and has_short_history(book, w, metric) for w in book.windows)


def misleading_windows(results: Results, metrics: Iterable[Metric]) -> list[Window]:
    """The windows of the page whose retention says little, because the data begin too shortly before them."""
    book, kpis = results.book, results.company_kpis
    asked = [metric for metric in metrics if metric.is_sampled]
    named = {book.window.label, *book.baselines[book.window.label].values()}
    known = kpis[kpis["value"].notna()]
    figures = set(zip(known["metric"], known["variant"], known["period"], strict=True))
    return [
        window
        for window in book.windows
        if window.label in named
        and any(
            (m.id, m.variant, window.label) in figures and has_short_history(book, window, m) for m in asked
        )
    ]


# --- words ----------------------------------------------------------------------------------------


def unit_of(metric: Metric) -> str:
    """The unit in which tables write the metric."""
    return UNITS_SHOWN[metric.unit]


def say_value(value: Any, metric: Metric, book: Book, language: str) -> str:
    """A value of the metric in its unit."""
    return format_value(value, unit_of(metric), language, currency=book.settings.currency, **_bounds(metric))


def _bounds(metric: Metric) -> dict[str, Any]:
    """What the metric can be, for the units whose numbers do not say it themselves."""
    return {"bounds": metric.numeric_bounds} if unit_of(metric) == "number" else {}


def say_interval(low: Any, high: Any, metric: Metric, book: Book, language: str) -> str:
    """An interval of the metric in its unit."""
    options = {"currency": book.settings.currency, **_bounds(metric)}
    return format_interval(low, high, unit_of(metric), language, **options)


def say_level(book: Book, language: str) -> str:
    """The level of the run's intervals: ``95%``."""
    level = book.settings.confidence_level
    return format_percent(level, language, decimals=0 if round(100 * level, 6).is_integer() else 1)


def say_period(name: str, book: Book, language: str) -> str:
    """What a window is called: the period's own name, or ``first 46 days of 1997Q3``."""
    window = next((w for w in book.windows if w.label == name), None)
    if window is None or not window.is_partial:
        return name
    words = "kpis.so_far" if window == book.window else "kpis.first_days"
    return label(words, language, days=window.days, period=window.period.label)


def say_reason(reason: Any, book: Book, language: str) -> str:
    """A reason of the frame in words, with tables, metrics, dimensions, periods and days by their names."""
    catalogue = book.catalogue
    records = {**catalogue.metrics, **catalogue.dimensions, **catalogue.tables}
    names = {key: record.name.in_(language) for key, record in records.items()}
    names |= _groups_in(str(reason), book, language)
    names |= {window.label: say_period(window.label, book, language) for window in book.windows}
    days = re.findall(r"\d{4}-\d{2}-\d{2}", str(reason))
    names |= {day: format_date(date.fromisoformat(day), language) for day in days}
    return reason_text(reason, language, names)


def _groups_in(reason: str, book: Book, language: str) -> dict[str, str]:
    """The names of the groups that a reason names; it does not say of which dimension, so they must agree on it."""
    names = {}
    for group in re.findall(r"group_absent\|([^|;]*)", reason):
        called = {
            book.names_of(dimension, language).get(group) for dimension in book.catalogue.dimensions
        } - {None}
        if len(called) == 1:
            names[group] = called.pop()
    return names


def root_reason(reason: Any) -> str:
    """The reason behind a reason: ``of|marketing_cost|table_absent|costs`` is ``table_absent|costs``."""
    parts = str(reason).split(";")[0].split("|")
    while parts[0] == "of" and len(parts) > 2:
        parts = parts[2:]
    return "|".join(parts)


def change_shown(change: pd.Series | dict[str, Any], metric: Metric) -> tuple[float, str]:
    """The number that says a change, and its unit: points for shares, else percent where that reads well."""
    if unit_of(metric) == "percent":
        return change["difference"], "points"
    relative = change["relative_change"]
    if is_missing(relative) or abs(relative) > _LARGEST_RELATIVE_CHANGE:
        return change["difference"], unit_of(metric)
    return relative, "percent"


def say_change(change: pd.Series | dict[str, Any], metric: Metric, book: Book, language: str) -> str:
    """A change with its sign: ``+1.2 pp``, ``−18.8%``."""
    number, unit = change_shown(change, metric)
    return format_value(number, unit, language, currency=book.settings.currency, signed=True)


def say_change_interval(change: pd.Series | dict[str, Any], metric: Metric, book: Book, language: str) -> str:
    """The interval of a change, in the unit of the change itself; empty where there is none."""
    unit, low, high = change_shown(change, metric)[1], change["difference_low"], change["difference_high"]
    if is_missing(low) or is_missing(high):
        return ""
    if unit == "percent":
        low, high = low / change["base_value"], high / change["base_value"]
        # Nothing falls by more than all there was.
        low = max(low, -1.0) if metric.numeric_bounds[0] >= 0 else low
    return format_interval(low, high, unit, language, currency=book.settings.currency, signed=True)


def verdict_shown(change: pd.Series | dict[str, Any]) -> str:
    """The badge of a change: its verdict, or where there is none to give only the direction."""
    verdict, difference = change["verdict"], change["difference"]
    if verdict in ("better", "worse", "no_clear_change"):
        return verdict
    if verdict == "not_comparable" or is_missing(difference):
        return "not_compared"
    return "unchanged" if difference == 0 else "higher" if difference > 0 else "lower"


def base_change(n: float, base_n: float, metric: Metric) -> float | None:
    """The relative change of the rows a rate is measured on, where it is large enough to matter; else None.

    Sums are not asked: that more customers are worth more is no change of mix.
    """
    if not metric.is_sampled or metric.additive or not base_n > 0 or not n > 0:
        return None
    change = n / base_n - 1
    return change if abs(change) > OTHER_BASE else None


def group_name(book: Book, dimension: str, group: Any, language: str) -> str:
    """What a group of a dimension is called: by the settings, the company's own table or the catalogue, else as it is.

    Every value of the data that a reader sees comes by here, so that it has one name wherever it stands.
    """
    if is_missing(group) or group in ("", NOT_STATED):
        return label("kpis.not_stated", language)
    return book.names_of(dimension, language).get(group, str(group))


def name_and_number(book: Book, dimension: str, group: str, language: str) -> tuple[str, str | None]:
    """What a group is called, and its number or word in the data where the name does not hold it."""
    name = group_name(book, dimension, group, language)
    return name, None if name == group or name.endswith(f"({group})") else group


COMPACT_FROM = 99_999.5
"""From here on an amount of money is given in few signs; the exact one stands in the tables."""


def short_value(value: Any, metric: Metric, book: Book, language: str) -> str:
    """A value where room is narrow: large amounts of money as ``CN¥7.81m``, everything else as tables write it."""
    if metric.unit == "money" and not is_missing(value):
        return compact_money(float(value), language, book.settings.currency)
    return say_value(value, metric, book, language)


def compact_money(value: float, language: str, currency: str) -> str:
    """An amount with few digits, ``CN¥7.81m`` or ``¥780.8万``; in full below a hundred thousand."""
    size = abs(value)
    if size < COMPACT_FROM:
        return format_money(value, language, currency=currency)
    scale, word = _money_scale(size, language)
    shown = size / scale
    places = 2 if shown < 9.995 else 1 if shown < (999.95 if language == "zh" else 99.95) else 0
    return (MINUS if value < 0 else "") + f"{_money_sign(currency, language)}{shown:,.{places}f}{word}"


def say_money_short(value: float, language: str, currency: str) -> str:
    """An amount in few signs, for charts: ``$301k``, ``$1.2m``; ``US$30.1万``, ``US$1.2亿``."""
    size = abs(value)
    scale, word = _money_scale(size, language)
    shown = f"{size / scale:,.0f}" if size / scale >= 99.95 or not word else f"{size / scale:,.1f}"
    return (MINUS if value < 0 and shown.strip("0.") else "") + _money_sign(currency, language) + shown + word


def _money_scale(size: float, language: str) -> tuple[float, str]:
    """What an amount is divided by to be short, and the word for it."""
    steps = {"en": ((1e9, "bn"), (1e6, "m"), (1e3, "k")), "zh": ((1e8, "亿"), (1e4, "万"))}[language]
    return next(((scale, word) for scale, word in steps if size >= 0.9995 * scale), (1.0, ""))


def _money_sign(currency: str, language: str) -> str:
    return CURRENCY_SIGNS[language].get(currency, f"{currency} ")


def figure_by_period(results: Results, metric: Metric) -> pd.DataFrame:
    """One row for each period measured, oldest first: ``period, value, low, high, n``, and what is doubtful.

    ``is_short`` marks periods the data begin too shortly before, ``is_running`` the one still running.
    """
    book, figures = results.book, results.company_figures
    rows = [
        figures[metric.id, metric.variant, window.label]
        | {"is_short": has_short_history(book, window, metric), "is_running": window.is_partial}
        for window in trend_windows(book)
        if (metric.id, metric.variant, window.label) in figures
    ]
    columns = ["period", "value", "low", "high", "n", "is_short", "is_running"]
    return pd.DataFrame(rows, columns=columns).dropna(subset=["value"]).reset_index(drop=True)


def short_history_note(book: Book, windows: Sequence[Window], language: str) -> str:
    """What to think of retention in windows the data begin too shortly before; empty where there are none."""
    if not windows:
        return ""
    names = label("kpis.name_join", language).join(say_period(w.label, book, language) for w in windows)
    start, days = format_date(book.coverage.start, language), book.settings.activity_window_days
    return label("kpis.short_history_note", language, periods=names, start=start, days=days)


# --- figures with their changes -------------------------------------------------------------------

CHANGE_PARTS = ("change", "unit", "verdict", "base_change", "is_short", "reason")
KPI_ROW_COLUMNS = [
    "metric", "variant", "unit", "value", "low", "high", "n", "status", "reason",
    *(f"{against}_{part}" for against in AGAINST for part in CHANGE_PARTS),
    "trend",
]  # fmt: skip


def kpi_rows(results: Results, metrics: Sequence[Metric]) -> pd.DataFrame:
    """One row for each metric, in the order given: the period's figure, its changes, its trend.

    Returns
    -------
    DataFrame
        ``KPI_ROW_COLUMNS``. ``…_base_change`` is the relative change of n where it is larger than a third,
        ``…_verdict`` a key of the badges, ``trend`` a list of values in time order.
    """
    book, figures = results.book, results.company_figures
    changes = {(r.metric, r.variant, r.against): r._asdict() for r in results.company_changes.itertuples()}
    rows = []
    for metric in metrics:
        figure = figures.get((metric.id, metric.variant, book.window.label))
        if figure is None:
            continue
        row = {"unit": unit_of(metric), "trend": trend(results, metric), **figure}
        for against in AGAINST:
            change = changes.get((metric.id, metric.variant, against))
            row |= _change_cells(change, figure, figures, metric, book, against)
        rows.append(row)
    return pd.DataFrame(rows, columns=KPI_ROW_COLUMNS)


def _change_cells(
    change: Any, figure: Any, figures: Any, metric: Metric, book: Book, against: str
) -> dict[str, Any]:
    if change is None:
        return {
            f"{against}_verdict": "not_compared",
            f"{against}_unit": unit_of(metric),
            f"{against}_is_short": False,
        }
    number, unit = change_shown(change, metric)
    base = figures.get((metric.id, metric.variant, change["base_period"]), {})
    cells = {
        "change": number, "unit": unit, "verdict": verdict_shown(change), "reason": change["reason"],
        "base_change": base_change(figure["n"], base.get("n", 0), metric),
        "is_short": is_short_at(book, change["base_period"], metric),
    }  # fmt: skip
    return {f"{against}_{name}": cell for name, cell in cells.items()}


def measured(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that have a value."""
    return rows[rows["value"].notna()]


# --- what cannot be said --------------------------------------------------------------------------


def gaps_in_comparison(results: Results, language: str) -> list[str]:
    """Which windows nothing can be compared with, and why: one sentence for each reason."""
    book, missing = (
        results.book,
        [each for each in comparisons(results.book) if not can_compare(results, each)],
    )
    if book.window.days == 0:
        return []
    by_reason: dict[str, list[str]] = {}
    for against in missing:
        name = say_period(book.baselines[book.window.label][against], book, language)
        by_reason.setdefault(why_not_compared(results, against, language), []).append(name)
    join = label("kpis.name_join", language)
    return [
        label("kpis.no_comparison", language, period=join.join(names), reason=reason)
        for reason, names in by_reason.items()
    ]


def can_compare(results: Results, against: str) -> bool:
    """Whether any figure of the company can be compared with the previous or the year-ago window."""
    changes = results.company_changes
    return bool(changes.loc[changes["against"] == against, "difference"].notna().any())


def why_not_compared(results: Results, against: str, language: str) -> str:
    """The reason why a window has no figures to compare with."""
    book = results.book
    name = book.baselines[book.window.label][against]
    figures = results.company_kpis
    reasons = figures.loc[(figures["period"] == name) & figures["reason"].notna(), "reason"].map(root_reason)
    if len(reasons):
        return say_reason(reasons.mode().iloc[0], book, language)
    if book.coverage.start:
        return say_reason(f"before_data|{book.coverage.start}", book, language)
    return say_reason("no_earlier_period", book, language)


def join_sentences(sentences: Iterable[str], language: str) -> str:
    """Sentences one after the other as the language sets them, empty ones left out."""
    return ("" if language == "zh" else " ").join(each for each in sentences if each)


def not_measured_list(
    results: Results, rows: pd.DataFrame, language: str, most_names: int | None = None
) -> list[str]:
    """What could not be measured, gathered by the reason behind it: ``CAC, CLV:CAC (table costs is …)``."""
    book = results.book
    absent = rows[rows["value"].isna()]
    absent = absent.assign(root=absent["reason"].map(root_reason))
    told = []
    for root, part in sorted(absent.groupby("root", sort=False), key=lambda item: -len(item[1])):
        listed = zip(part["metric"], part["variant"], strict=True)
        names = [metric_name(book.catalogue.metric(*one), language) for one in listed]
        reason = say_reason(root, book, language) or MISSING
        told.append(
            label("kpis.names_and_reason", language, names=some(names, most_names, language), reason=reason)
        )
    return told


def some(names: Sequence[str], most: int | None, language: str) -> str:
    """The first names, and how many more there are."""
    join = label("kpis.name_join", language)
    if most is None or len(names) <= most:
        return join.join(names)
    return label(
        "kpis.and_more", language, names=join.join(names[:most]), count=len(names) - most, total=len(names)
    )


def say_n(n: Any, language: str) -> str:
    """``n = 7,249``."""
    return label("kpis.n_is", language, n=format_number(n, language))
