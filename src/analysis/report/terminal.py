"""What the command line prints: the KPI table, an explanation, the check of a company's data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from analysis.catalogue import DEFAULT, Metric, Page, label, load_catalogue
from analysis.facts import Book
from analysis.facts.book import find_coverage
from analysis.params import Params, Settings
from analysis.report.examples_shown import say_example
from analysis.report.explained import Explained, fill_in
from analysis.report.kpis_shown import say_interval, say_reason, say_value, variant_name
from analysis.report.pages.definitions import FAMILIES_OF, pages_of
from analysis.suite import Results
from analysis.tables.prepared import Prepared, prepare, read_quality, suggest_activity_window_days
from analysis.tables.quality import rule_words

METRICS_NAMED = 2  # of those that a page lacks; the lines of each table name all


def kpi_table(results: Results, kpis: pd.DataFrame, language: str) -> str:
    """The KPI frame as a text table: value, interval and n, or why there is none."""
    book = results.book
    days = f"{book.window.start} … {book.window.last_day}" if book.window.days else "no days with data"
    title = f"{book.settings.company} {book.window.label}: {days}"
    rows = [_kpi_line(book, row, language) for row in kpis.to_dict("records")]
    return f"{title}\n\n" + aligned(["metric", "group", "value", "interval", "n", ""], rows)


def _kpi_line(book: Book, row: dict[str, Any], language: str) -> list[str]:
    metric = book.catalogue.metric(row["metric"], row["variant"])
    name = metric.id if metric.variant == DEFAULT else f"  .{metric.variant}"
    group = _group_words(book, row["by"], row["group"], language) if isinstance(row["group"], str) else ""
    value, interval = (
        say_value(row["value"], metric, book, language),
        _interval(row, metric, book, language),
    )
    note = "" if row["status"] == "measured" else say_reason(row["reason"], book, language)
    return [name, group, value, interval, f"{int(row['n']):,}", note]


def _group_words(book: Book, by: str, group: str, language: str) -> str:
    """What a group is called, with its number where the name stands in a table: it is what ``--group`` takes."""
    if name := book.names_of(by).get(group):
        return name if name.endswith(f"({group})") or name == group else f"{name} ({group})"
    return book.catalogue.dimensions[by].group_name(group, language)


def variants_table(results: Results, rows: pd.DataFrame, language: str) -> str:
    """Each metric under all its definitions: value, interval and n; ``*`` marks the one this run uses."""
    book = results.book
    lines = [_variant_line(book, row, language) for row in rows.to_dict("records")]
    title = f"{book.settings.company} {book.window.label}; * = {label('data_quality.in_use', language)}"
    return f"{title}\n\n" + aligned(["metric", "", "definition", "value", "interval", "n", ""], lines)


def _variant_line(book: Book, row: dict[str, Any], language: str) -> list[str]:
    metric = book.catalogue.metric(row["metric"], row["variant"])
    is_first = metric.variant == DEFAULT
    words = variant_name(metric, language) or label("definitions.variant_default", language)
    return [
        metric.id if is_first else f"  .{metric.variant}",
        "*" if row["is_chosen"] else "",
        words,
        say_value(row["value"], metric, book, language),
        _interval(row, metric, book, language),
        f"{int(row['n']):,}",
        "" if row["status"] == "measured" else say_reason(row["reason"], book, language),
    ]


def _interval(estimate: Any, metric: Metric, book: Book, language: str) -> str:
    return (
        ""
        if pd.isna(estimate["low"])
        else say_interval(estimate["low"], estimate["high"], metric, book, language)
    )


def explained_text(explained: Explained, book: Book, language: str) -> str:
    """One figure explained: definition, variant, settings, counts, SQL and the first rows behind it."""
    metric, settings, estimate = explained.metric, book.setting_values, explained.estimate
    lines = [
        f"{metric.name.in_(language)} ({metric.id}, variant {metric.variant})",
        f"  {fill_in(metric.meaning.in_(language), settings, language)}",
        *([f"  {metric.variant_name.in_(language)}"] if metric.variant_name else []),
        *([f"  {metric.note.in_(language)}"] if metric.note else []),
        *([f"  {metric.misprint.in_(language)}"] if metric.misprint else []),
        "",
        f"period    {explained.period}" + (f", {explained.by} = {explained.group}" if explained.by else ""),
        f"value     {_value_words(metric, estimate, book, language)}",
        f"counts    {_counts(estimate)}",
        f"kind      {metric.kind}: {explained.formula}",
        *_filters(metric),
        *(f"setting   {name} = {value}" for name, value in explained.settings.items()),
        *(
            f"operand   {name} = {'not measured' if value is None else value}"
            for name, value in explained.operands.items()
        ),
        *([f"example   {say_example(metric, book, language)}"] if metric.example else []),
        *([f"other     {', '.join(metric.variants)}"] if metric.variants else []),
    ]
    if explained.sql:
        lines += ["", f"{metric.fact}: {explained.grain}", "", explained.sql]
    if explained.source_rows is not None:
        shown = explained.source_rows.to_string(index=False, max_cols=None, line_width=110)
        lines += ["", f"first rows of {metric.fact} in it:", shown]
    return "\n".join(lines)


def _value_words(metric: Metric, estimate: Any, book: Book, language: str) -> str:
    if not estimate or estimate["status"] == "not_measured":
        return f"– {say_reason(estimate.get('reason'), book, language)}"
    value = say_value(estimate["value"], metric, book, language)
    interval = _interval(estimate, metric, book, language)
    words = f"{value} ({float(estimate['value'])!r})"
    return words + (f", {book.settings.confidence_level:.0%} interval {interval}" if interval else "")


def _counts(estimate: Any) -> str:
    if not estimate:
        return "none"
    parts = [f"n = {int(estimate['n']):,}"]
    parts += [
        f"{name} = {estimate[name]:,.10g}"
        for name in ("numerator", "denominator")
        if pd.notna(estimate[name])
    ]
    return ", ".join(parts)


def _filters(metric: Metric) -> list[str]:
    parts = (
        ("fact", metric.fact),
        ("at", metric.at),
        ("where", metric.where),
        ("of", metric.of),
        ("per", metric.per),
    )
    return [f"{name:10}{value}" for name, value in parts if value]


def check_text(params: Params) -> str:
    """What a company's files hold: rows kept and rejected, days covered, what each page and metric lacks."""
    prepared, settings = prepare(params), params.settings
    coverage = find_coverage(settings, prepared)
    lines = [f"{settings.company} ({params.path.name}): the settings can be used.", ""]
    lines.append(
        aligned(["table", "stage", "rows", "amount", "rule"], _quality_lines(read_quality(prepared)))
    )
    if coverage.start:
        end = f"to {coverage.last_day}" if coverage.end else "with too few order days to say where they end"
        rows = "Orders" if "orders" in prepared.tables else "Rows"
        lines += [
            "",
            f"{rows} from {coverage.start} {end}; a silence of {coverage.silence_days} days is usual.",
        ]
    if (days := suggest_activity_window_days(prepared, settings.engine)) is not None:
        lines.append(
            f"activity_window_days is {settings.activity_window_days}; nine of ten gaps between a customer's purchases "
            f"are at most {days} days."
        )
    if empty := _nothing_yet(params, prepared):
        lines += ["", empty]
    lines += ["", *_page_lines(params, prepared), "", *_missing_lines(prepared, settings)]
    return "\n".join(lines).rstrip()


def _quality_lines(quality: pd.DataFrame) -> list[list[str]]:
    return [
        [row["table"], row["stage"], f"{int(row['rows']):,}", "" if pd.isna(row["amount"]) else f"{row['amount']:,.2f}",
         rule_words(row["rule"], "en") if isinstance(row["rule"], str) else ""]
        for row in quality.to_dict("records")
    ]  # fmt: skip


def _nothing_yet(params: Params, prepared: Prepared) -> str | None:
    """What to fill in, where no table has a row."""
    if _tables_with_rows(prepared):
        return None
    named = [file for source in params.settings.tables.values() for file in source.file]
    what = f"fill in {' or '.join(named)}" if named else f"name a file in the tables of {params.path.name}"
    return f"There is nothing to report yet, as no table has a row: {what}, and check again."


def _tables_with_rows(prepared: Prepared) -> set[str]:
    return {row["table"] for row in prepared.quality if row["stage"] == "kept" and row["rows"]}


def _page_lines(params: Params, prepared: Prepared) -> list[str]:
    """For each page whether it is made, from which tables, and which it lacks, with the first metrics they give."""
    made = pages_of(params)
    return [
        f"{page.notebook[:2]} {page.title.en}: {_page_words(page, page.id in made, params.settings, prepared)}"
        for page in load_catalogue().pages.values()
    ]


def _page_words(page: Page, is_made: bool, settings: Settings, prepared: Prepared) -> str:
    """``made from orders; lacks costs (formula_clv)``."""
    if page.id not in settings.pages:
        return "not made, as the setting pages leaves it out"
    lacking = {table: _with_first(table, lost) for table, lost in _lacking(page, settings, prepared).items()}
    also = [words for table, words in lacking.items() if is_made or table not in page.needs_any]
    if not is_made:
        one_of = [words for table, words in lacking.items() if table in page.needs_any]
        return f"not made without one of {', '.join(one_of)}" + (
            f"; lacks also {', '.join(also)}" if also else ""
        )
    given, filled = _given(page, settings, prepared), _tables_with_rows(prepared)
    named = [name if name in filled else f"{name} (no rows yet)" for name in given]
    return (
        "made"
        + (f" from {', '.join(named)}" if named else "")
        + (f"; lacks {', '.join(also)}" if also else "")
    )


def _given(page: Page, settings: Settings, prepared: Prepared) -> list[str]:
    return [name for name in _tables_of(page, settings) if name in prepared.tables]


def _with_first(table: str, lost: Sequence[str]) -> str:
    """A table with the first metrics that it would give."""
    more = " …" if len(lost) > METRICS_NAMED else ""
    return f"{table} ({', '.join(lost[:METRICS_NAMED])}{more})" if lost else table


def _tables_of(page: Page, settings: Settings) -> list[str]:
    """The tables a page can be filled from: those its metrics need, and those one of which it asks for."""
    from analysis.metrics.measure import tables_lacking

    tables = load_catalogue().tables
    needed = {*page.needs_any}.union(
        *(tables_lacking(record, tables, settings.customer_base) for record in _records_of(page, settings))
    )
    return [name for name in tables if name in needed]


def _lacking(page: Page, settings: Settings, prepared: Prepared) -> dict[str, list[str]]:
    """The tables that are not supplied, those of most metrics first, each with the page's metrics that need it."""
    from analysis.metrics.measure import tables_lacking

    absent = [name for name in _tables_of(page, settings) if name not in prepared.tables]
    lost: dict[str, list[str]] = {name: [] for name in absent}
    for record in _records_of(page, settings):
        for table in tables_lacking(record, absent, settings.customer_base):
            lost[table].append(record.id)
    each_once = {table: list(dict.fromkeys(names)) for table, names in lost.items()}
    return dict(sorted(each_once.items(), key=lambda one: -len(one[1])))


def _records_of(page: Page, settings: Settings) -> list[Metric]:
    """The metrics a page is about, as declared; data quality lists them all and is about none."""
    records = [record for record in load_catalogue().records if record.shown]
    if page.id == "scorecard":
        return [record for record in records if record.id in settings.headline_metrics]
    return [record for record in records if record.family in FAMILIES_OF.get(page.id, ())]


def _missing_lines(prepared: Prepared, settings: Settings) -> list[str]:
    """What is not measured, and by what nothing can be told apart, for want of each table that is not supplied."""
    from analysis.metrics.measure import tables_lacking

    catalogue = load_catalogue()
    absent = [name for name in catalogue.tables if name not in prepared.tables]
    lost: dict[str, list[str]] = {name: [] for name in absent}
    for record in (each for each in catalogue.records if each.shown):
        for table in tables_lacking(record, absent, settings.customer_base):
            lost[table].append(f"{record.id}.<{record.each}>" if record.each else record.id)
    for name, dimension in catalogue.dimensions.items():
        for table in set(dimension.needs) & set(absent):
            lost[table].append(f"breakdown by {name}")
    return [
        f"Table {table} is not supplied; without it there is no {', '.join(dict.fromkeys(names))}."
        for table, names in lost.items()
        if names
    ]


def aligned(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows in columns, as wide as their widest cell on screen."""
    table = [list(header), *map(list, rows)]
    widths = [max(screen_width(row[i]) for row in table) for i in range(len(header))]
    return "\n".join(
        "  ".join(cell + " " * (w - screen_width(cell)) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in table
    )


def screen_width(text: str) -> int:
    """How many columns a text takes on a terminal: Chinese characters take two."""
    from unicodedata import east_asian_width

    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)
