"""Service: what moved, figures in blocks, teams and channels, repeat contacts, self-help, and whose clock runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from analysis.catalogue import Metric, label
from analysis.facts import Book, NotMeasured
from analysis.report.findings import (
    SURE_VERDICTS,
    Finding,
    changes_to_judge,
    find_changes_with_care,
    find_sure_changes,
)
from analysis.report.kpi_tables import doubt_words, heading_of, kpi_table, n_detail, not_measured_line
from analysis.report.kpis_shown import (
    AGAINST,
    base_change,
    change_shown,
    comparisons,
    group_name,
    join_sentences,
    kpi_rows,
    measured,
    metric_name,
    say_change,
    say_interval,
    say_level,
    say_n,
    say_period,
    say_reason,
    say_value,
    unit_of,
    verdict_shown,
)
from analysis.report.pages.service_rows import (
    MOST_GROUPS,
    OF_CHANNELS,
    OF_TEAMS,
    OF_TOPICS,
    block_metrics,
    cut_groups,
    figures_by,
    group_figures,
    in_words,
    missing_from,
    repeats_by_topic,
    repeats_note,
    teams_that_moved,
)
from analysis.report.per_language import html_per_language
from analysis.report.tables_shown import Column, callout, finding_list, table_html
from analysis.suite import Results

FAMILY = "service"
MOST_TOLD = 8
"""Changes told in a sentence; the others are named."""

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


# --- what moved -----------------------------------------------------------------------------------


@html_per_language
def show_service_changes(results: Results, *, language: str) -> Markup:
    """Teams that moved for sure, then the family's changes beyond chance; without any, how many were tested."""
    told = [*find_sure_changes(results), *find_changes_with_care(results)]
    ours = [each for each in told if _is_of_family(results, each.metric)]
    teams = team_changes(results, language)
    room = max(0, MOST_TOLD - len(teams))
    found = [*teams, *((each.sentence[language], each.verdict) for each in ours[:room])]
    if not found:
        return _nothing_moved(results, language)
    return finding_list(found, language) + _also_moved(results, ours[room:], language)


def _also_moved(results: Results, rest: Sequence[Finding], language: str) -> Markup:
    if not rest:
        return Markup("")
    metrics = results.book.catalogue.metrics
    names = label("kpis.name_join", language).join(metrics[each.metric].name.in_(language) for each in rest)
    words = label("service_page.moved_also", language, names=names)
    return Markup('<div class="wb-below"><p>{}</p></div>').format(words)


def team_changes(results: Results, language: str) -> list[tuple[str, str]]:
    """A sentence with its verdict for each team whose time to resolve changed for sure, the worst first."""
    if missing_from(results.book, "tickets"):
        return []
    rows = teams_that_moved(results)
    return [(_team_sentence(results, row, language), verdict_shown(row)) for row in rows.to_dict("records")]


def _team_sentence(results: Results, row: Mapping[str, Any], language: str) -> str:
    book = results.book
    metric = book.catalogue.metric(row["metric"], row["variant"])
    teams = group_figures(results, "team", OF_TEAMS)
    return label(
        f"service_page.moved_team_{'rose' if row['difference'] > 0 else 'fell'}", language,
        team=group_name(book, "team", row["group"], language), name=metric_name(metric, language),
        value=say_value(row["value"], metric, book, language), level=say_level(book, language),
        interval=say_interval(row["low"], row["high"], metric, book, language), n=say_n(row["n"], language),
        base_value=say_value(row["base_value"], metric, book, language),
        base_period=say_period(row["base_period"], book, language), count=int((teams["metric"] == metric.id).sum()),
        change=say_change(dict(row), metric, book, language),
    )  # fmt: skip


def _nothing_moved(results: Results, language: str) -> Markup:
    rows = changes_to_judge(results)
    is_ours = pd.Series([_is_of_family(results, name) for name in rows["metric"]], rows.index, dtype=bool)
    tested = rows[is_ours & rows["verdict"].isin((*SURE_VERDICTS, "no_clear_change"))]
    if tested.empty:
        return callout(label("service_page.moved_untested", language), language)
    periods = [say_period(name, results.book, language) for name in tested["base_period"].unique()]
    listed = label("kpis.name_join", language).join(periods)
    count = tested["metric"].nunique()
    return callout(label("service_page.moved_nothing", language, periods=listed, count=count), language)


def _is_of_family(results: Results, metric: str | None) -> bool:
    return metric is not None and results.book.catalogue.metrics[metric].family == FAMILY


# --- figures in blocks ----------------------------------------------------------------------------


@html_per_language
def show_service_kpis(results: Results, block: str, *, language: str) -> Markup:
    """The figures of one block under all their definitions, and in one line what is not measured.

    Raises
    ------
    KeyError
        If there is no such block.
    """
    book = results.book
    rows = kpi_rows(results, block_metrics(book, block))
    present = measured(rows)
    caption = label(
        "service_page.kpis_caption", language, period=say_period(book.window.label, book, language),
        block=label(f"service_page.block_{block}", language),
    )  # fmt: skip
    if present.empty:
        table: Any = callout(label("kpis.nothing_measured", language), language)
    else:
        table = kpi_table(results, present, language=language, caption=caption)
    return Markup(table) + not_measured_line(results, rows, language)


# --- by team, channel, topic ----------------------------------------------------------------------


@html_per_language
def show_service_by_team(results: Results, *, language: str) -> Markup | NotMeasured:
    """Speed and quality of every team with intervals, and changes with verdicts corrected for the teams."""
    return _table_by(results, "team", OF_TEAMS, "tickets", language)


@html_per_language
def show_service_by_channel(results: Results, *, language: str) -> Markup | NotMeasured:
    """How well each channel can be reached, with intervals and changes."""
    return _table_by(results, "channel", OF_CHANNELS, "contacts", language)


@html_per_language
def show_self_help_by_topic(results: Results, *, language: str) -> Markup | NotMeasured:
    """What the knowledge base solves and what not, topic by topic."""
    return _table_by(results, "topic", OF_TOPICS, "help_sessions", language)


def _table_by(
    results: Results, dimension: str, metrics: Sequence[str], table: str, language: str
) -> Markup | NotMeasured:
    book = results.book
    missing = missing_from(book, table)
    if missing:
        return in_words(missing, book, language)
    rows = group_rows(results, dimension, metrics, language)
    name = book.catalogue.dimensions[dimension].name.in_(language)
    if rows.empty:
        return callout(label("service_page.one_group", language, dimension=name), language)
    shown = [against for against in comparisons(book) if rows[f"{against}_change"].notna().any()]
    period = say_period(book.window.label, book, language)
    return table_html(
        rows, _group_columns(book, dimension, shown, language), language=language, group_by="metric_name",
        currency=book.settings.currency, phone="cards", note=_group_note(results, dimension, metrics, rows, language),
        caption=label(f"service_page.by_{dimension}_caption", language, period=period),
    )  # fmt: skip


def group_rows(results: Results, dimension: str, metrics: Sequence[str], language: str) -> pd.DataFrame:
    """The groups shown, metric by metric, worst first, with what changed against the windows compared.

    Returns
    -------
    DataFrame
        ``metric_name, group_name, value, low, high, n, n_detail, unit, reason`` and for each comparison
        ``…_change, …_unit, …_verdict, …_detail, …_reason``.
    """
    book, (figures, changes) = results.book, figures_by(results, dimension, metrics)
    by_key = {(row["metric"], row["group"], row["against"]): row for row in changes.to_dict("records")}
    sizes = figures.set_index(["metric", "group", "period"])["n"].to_dict()
    rows = []
    for row in group_figures(results, dimension, metrics).itertuples():
        metric = book.catalogue.metric(row.metric, row.variant)
        cells = {
            "metric_name": metric_name(metric, language),
            "group_name": group_name(book, dimension, row.group, language), "unit": unit_of(metric),
            "value": row.value, "low": row.low, "high": row.high, "n": row.n,
            "n_detail": n_detail(row, metric, book, language), "reason": say_reason(row.reason, book, language),
        }  # fmt: skip
        for against in AGAINST:
            change = by_key.get((row.metric, row.group, against))
            base_n = sizes.get((row.metric, row.group, change["base_period"]), 0) if change else 0
            cells |= _change_cells(change, base_n, row.n, metric, book, against, language)
        rows.append(cells)
    return pd.DataFrame(rows)


def _change_cells(
    change: Mapping[str, Any] | None, base_n: float, n: float, metric: Metric, book: Book, against: str,
    language: str,
) -> dict[str, Any]:  # fmt: skip
    if change is None:
        cells: dict[str, Any] = dict.fromkeys(["change", "verdict", "detail", "reason"])
        return {f"{against}_{name}": cell for name, cell in (cells | {"unit": unit_of(metric)}).items()}
    number, unit = change_shown(dict(change), metric)
    cells = {
        "change": number, "unit": unit, "verdict": verdict_shown(dict(change)),
        "detail": doubt_words(base_change(n, base_n, metric), False, language),
        "reason": _why_no_change(change, book, language),
    }  # fmt: skip
    return {f"{against}_{name}": cell for name, cell in cells.items()}


def _why_no_change(change: Mapping[str, Any], book: Book, language: str) -> str:
    if "group_absent" in str(change["reason"]) or "period_absent" in str(change["reason"]):
        return label("service_page.group_absent", language)
    return say_reason(change["reason"], book, language)


def _group_columns(book: Book, dimension: str, shown: Sequence[str], language: str) -> list[Column]:
    changes = [
        Column(
            f"{against}_change", heading_of(against, book, language), unit_from=f"{against}_unit",
            verdict_from=f"{against}_verdict", detail_from=f"{against}_detail",
            reason_from=f"{against}_reason", signed=True,
        )
        for against in shown
    ]  # fmt: skip
    interval = label("kpis.interval", language, level=say_level(book, language))
    return [
        Column("group_name", book.catalogue.dimensions[dimension].name.in_(language)),
        Column("value", label("kpis.value", language), unit_from="unit", strong=True),
        Column("low", interval, unit_from="unit", high="high", reason_from="reason"),
        Column("n", label("kpis.n", language), unit="number", detail_from="n_detail"),
        *changes,
    ]


def _group_note(
    results: Results, dimension: str, metrics: Sequence[str], rows: pd.DataFrame, language: str
) -> str:
    groups, has_verdicts = rows["group_name"].nunique(), rows["previous_change"].notna().any()
    cut = cut_groups(results, dimension, metrics)
    has_other_base = rows[[f"{against}_detail" for against in AGAINST]].notna().any(axis=None)
    notes = [
        label("service_page.corrected", language, count=groups) if has_verdicts else "",
        label(f"service_page.by_{dimension}_note", language),
        label("service_page.groups_cut", language, shown=MOST_GROUPS, all=cut) if cut else "",
        label("kpis.other_base_note", language) if has_other_base else "",
    ]
    return join_sentences(notes, language)


# --- repeat contacts ------------------------------------------------------------------------------


@html_per_language
def show_repeat_contacts(results: Results, *, language: str) -> Markup | NotMeasured:
    """Every topic's repeat contacts: how many, of how many, and its part of all of them."""
    book, rows = results.book, repeats_by_topic(results)
    if isinstance(rows, NotMeasured):
        return in_words(rows, book, language)
    named = rows.assign(
        name=[topic or label("kpis.not_stated", language) for topic in rows["topic"]],
        n_detail=[_few(row.contacts, book, language) for row in rows.itertuples()],
    )
    keys = ("topic", "repeats", "rate", "of", "share", "sum")
    words = {key: label(f"service_page.repeats_{key}", language) for key in keys}
    columns = [
        Column("name", words["topic"]),
        Column("repeats", words["repeats"], unit="number", strong=True),
        Column("share", words["share"], unit="percent"),
        Column("cumulative", words["sum"], unit="percent"),
        Column("rate", words["rate"], unit="percent"),
        Column(
            "low",
            label("kpis.interval", language, level=say_level(book, language)),
            unit="percent",
            high="high",
        ),
        Column("contacts", words["of"], unit="number", detail_from="n_detail"),
    ]
    return table_html(
        named, columns, language=language, phone="cards", note=repeats_note(results, rows, language),
        caption=label(
            "service_page.repeats_caption", language, period=say_period(book.window.label, book, language)
        ),
    )  # fmt: skip


def _few(n: int, book: Book, language: str) -> str | None:
    return f"! {label('report.verdict_small_sample', language)}" if n < book.settings.small_sample else None


# --- whose clock runs -----------------------------------------------------------------------------


@html_per_language
def show_service_hours(results: Results, *, language: str) -> Markup:
    """Whether durations count working hours or the clock round, and which days are closed."""
    return callout(
        "",
        language,
        title=label("service_page.hours_title", language),
        items=hours_lines(results.book, language),
    )


def hours_lines(book: Book, language: str) -> list[str]:
    """One sentence each: what durations count, when the company is open, which days it is closed."""
    settings = book.settings
    zone = label("service_page.hours_zone", language, zone=settings.time_zone)
    if not settings.working_hours:
        return [label("service_page.hours_always", language), zone]
    country = settings.holidays_country
    key = "hours_holidays" if country else "hours_no_holidays"
    closed = label(f"service_page.{key}", language, country=country)
    own = "" if "holidays" in book.absent else label("service_page.hours_own_days", language)
    lines = [
        label("service_page.hours_set", language, hours=say_hours(settings.working_hours, language)), closed, own,
        label("service_page.hours_elapsed", language), zone,
    ]  # fmt: skip
    return [line for line in lines if line]


def say_hours(working_hours: Mapping[str, str], language: str) -> str:
    """Opening hours in words, days with the same hours in one: ``Mon–Fri 09:00–18:00, Sat 10:00–16:00``."""
    runs: list[list[str]] = []
    for day in (day for day in WEEKDAYS if day in working_hours):
        is_next = runs and WEEKDAYS.index(day) == WEEKDAYS.index(runs[-1][-1]) + 1
        if is_next and working_hours[day] == working_hours[runs[-1][-1]]:
            runs[-1].append(day)
        else:
            runs.append([day])
    told = [_say_run(run, working_hours[run[0]], language) for run in runs]
    return label("kpis.name_join", language).join(told)


def _say_run(days: Sequence[str], hours: str, language: str) -> str:
    ends = dict.fromkeys([days[0], days[-1]])
    join = label("service_page.days_to", language)
    named = join.join(label(f"service_page.day_{day}", language) for day in ends)
    return label("service_page.days_and_hours", language, days=named, hours=hours.replace("-", "–"))
