"""Service: what moved, figures in blocks, teams and channels, repeat contacts, self-help, and whose clock runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from analysis.catalogue import label
from analysis.facts import Book, NotMeasured
from analysis.report.kpi_tables import interval_column, kpi_block, small_sample_words
from analysis.report.kpis_shown import (
    group_name,
    metric_name,
    say_change,
    say_interval,
    say_level,
    say_n,
    say_period,
    say_value,
    verdict_shown,
)
from analysis.report.pages.breakdowns import breakdown_table, group_figures, in_words, missing_from
from analysis.report.pages.changes import changes_told
from analysis.report.pages.service_rows import (
    OF_CHANNELS,
    OF_TEAMS,
    OF_TOPICS,
    block_metrics,
    repeats_by_topic,
    repeats_note,
    teams_that_moved,
)
from analysis.report.per_language import html_per_language
from analysis.report.remarks_shown import callout
from analysis.report.tables_shown import Column, table_html
from analysis.suite import Results

FAMILIES = ("service",)

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


# --- what moved -----------------------------------------------------------------------------------


@html_per_language
def show_service_changes(results: Results, *, language: str) -> Markup:
    """Teams that moved for sure, then the family's changes beyond chance; without any, how many were tested."""
    return changes_told(
        results, FAMILIES, team_changes(results, language), page="service_page", language=language
    )


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
    caption = label(
        "service_page.kpis_caption", language, period=say_period(book.window.label, book, language),
        block=label(f"service_page.block_{block}", language),
    )  # fmt: skip
    return kpi_block(results, block_metrics(book, block), language=language, caption=caption)


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
    period = say_period(results.book.window.label, results.book, language)
    return breakdown_table(
        results, dimension, metrics, language, table=table,
        caption=label(f"service_page.by_{dimension}_caption", language, period=period),
        note=label(f"service_page.by_{dimension}_note", language),
    )  # fmt: skip


# --- repeat contacts ------------------------------------------------------------------------------


@html_per_language
def show_repeat_contacts(results: Results, *, language: str) -> Markup | NotMeasured:
    """Every topic's repeat contacts: how many, of how many, and its part of all of them."""
    book, rows = results.book, repeats_by_topic(results)
    if isinstance(rows, NotMeasured):
        return in_words(rows, book, language)
    named = rows.assign(
        name=[group_name(book, "topic", topic, language) for topic in rows["topic"]],
        n_detail=[small_sample_words(row.contacts, book, language) for row in rows.itertuples()],
    )
    keys = ("topic", "repeats", "rate", "of", "share", "sum")
    words = {key: label(f"service_page.repeats_{key}", language) for key in keys}
    columns = [
        Column("name", words["topic"]),
        Column("repeats", words["repeats"], unit="number", strong=True),
        Column("share", words["share"], unit="percent"),
        Column("cumulative", words["sum"], unit="percent"),
        Column("rate", words["rate"], unit="percent"),
        interval_column(book, language, unit="percent"),
        Column("contacts", words["of"], unit="number", detail_from="n_detail"),
    ]
    return table_html(
        named, columns, language=language, phone="cards", note=repeats_note(results, rows, language),
        caption=label(
            "service_page.repeats_caption", language, period=say_period(book.window.label, book, language)
        ),
    )  # fmt: skip


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
