"""What the command line prints: the KPI table, an explanation, the check of a company's data."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from difflib import get_close_matches
from typing import Any

import pandas as pd

from analysis.catalogue import DEFAULT, Metric, Page, label, load_catalogue
from analysis.facts import Book
from analysis.facts.book import Coverage, find_coverage
from analysis.facts.value_names import names_of_nothing
from analysis.metrics.frame import NOT_STATED
from analysis.params import Params, Settings
from analysis.periods import Period, quarter_of
from analysis.report.examples_shown import say_example
from analysis.report.explained import Explained, bounds_in_words, fill_in
from analysis.report.kpis_shown import (
    name_and_number,
    say_interval,
    say_level,
    say_reason,
    say_value,
    variant_name,
)
from analysis.report.numbers_shown import format_date, format_date_range
from analysis.report.pages.definitions import FAMILIES_OF, formula_in_words, pages_of
from analysis.report.terminal_words import say_in_terminal, screen_width
from analysis.suite import Results
from analysis.tables.prepared import Prepared, prepare, read_quality, suggest_activity_window_days
from analysis.tables.quality import rule_words


def kpi_table(results: Results, kpis: pd.DataFrame, language: str) -> str:
    """The KPI frame as a text table: value, interval and n, or why there is none."""
    book = results.book
    window = book.window
    days = (
        format_date_range(window.start, window.last_day, language)
        if window.days
        else say_in_terminal("no_days", language)
    )
    title = say_in_terminal("title", language, company=book.settings.company, period=window.label, days=days)
    rows = [_kpi_line(book, row, language) for row in kpis.to_dict("records")]
    heads = [*_heads(("metric", "group", "value", "interval", "n"), language), ""]
    return f"{title}\n\n" + aligned(heads, rows)


def _heads(names: Iterable[str], language: str) -> list[str]:
    return [say_in_terminal(f"head_{name}", language) for name in names]


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
    """What a group is called, with its word in the data where the company names it: ``--group`` takes that."""
    name, number = name_and_number(book, by, group, language)
    is_said = number is None or group in (NOT_STATED, *book.catalogue.dimensions[by].groups)
    return name if is_said else say_in_terminal("group_number", language, name=name, group=number)


def variants_table(results: Results, rows: pd.DataFrame, language: str) -> str:
    """Each metric under all its definitions: value, interval and n; ``*`` marks the one this run uses."""
    book = results.book
    lines = [_variant_line(book, row, language) for row in rows.to_dict("records")]
    in_use = label("data_quality.in_use", language)
    company, period = book.settings.company, book.window.label
    title = say_in_terminal("variants_title", language, company=company, period=period, in_use=in_use)
    metric, *others = _heads(("metric", "definition", "value", "interval", "n"), language)
    return f"{title}\n\n" + aligned([metric, "", *others, ""], lines)


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
    metric = explained.metric
    lines = [
        *_heading_lines(explained, book, language),
        "",
        *_left_aligned(_facts_of(explained, book, language), language),
    ]
    if explained.sql:
        heading = say_in_terminal(
            "sql_of", language, fact=metric.fact
        )  # the grain is told in English, in the fact's own file
        lines += ["", f"{heading} {explained.grain}" if language == "en" else heading, "", explained.sql]
    if explained.source_rows is not None:
        shown = explained.source_rows.to_string(index=False, max_cols=None, line_width=110)
        lines += ["", say_in_terminal("first_rows", language, fact=metric.fact), shown]
    return "\n".join(lines)


def _heading_lines(explained: Explained, book: Book, language: str) -> list[str]:
    metric = explained.metric
    name = metric.name.in_(language)
    more = (metric.variant_name, metric.note, metric.misprint)
    return [
        say_in_terminal("heading", language, name=name, metric=metric.id, variant=metric.variant),
        f"  {fill_in(metric.meaning.in_(language), book.setting_values, language)}",
        *(f"  {text.in_(language)}" for text in more if text),
    ]


def _facts_of(explained: Explained, book: Book, language: str) -> list[tuple[str, str]]:
    """What stands on the left of an explanation, and what is said of it."""
    metric, estimate = explained.metric, explained.estimate
    formula = explained.formula if language == "en" else formula_in_words(metric, language)
    kind = say_in_terminal(
        "kind_is", language, kind=say_in_terminal(f"kind_{metric.kind}", language), formula=formula
    )
    missing = say_in_terminal("not_measured", language)
    return [
        ("period", _period_words(explained, book, language)),
        ("value", _value_words(metric, estimate, book, language)),
        ("counts", _counts(estimate, language)),
        ("kind", kind),
        *_filters(metric),
        *(("range", said) for said in bounds_in_words(metric, language)),
        *(("setting", f"{name} = {value}") for name, value in explained.settings.items()),
        *(
            ("operand", f"{name} = {missing if value is None else value}")
            for name, value in explained.operands.items()
        ),
        *([("example", say_example(metric, book, language))] if metric.example else []),
        *([("other", ", ".join(metric.variants))] if metric.variants else []),
    ]


def _left_aligned(facts: Sequence[tuple[str, str]], language: str) -> list[str]:
    names = [say_in_terminal(name, language) for name, _ in facts]
    width = max(9, *map(screen_width, names))
    return [f"{pad(name, width)} {said}" for name, (_, said) in zip(names, facts, strict=True)]


def _period_words(explained: Explained, book: Book, language: str) -> str:
    if not explained.by:
        return explained.period
    group = _group_words(book, explained.by, explained.group, language)
    return say_in_terminal("of_group", language, period=explained.period, by=explained.by, group=group)


def _value_words(metric: Metric, estimate: Any, book: Book, language: str) -> str:
    if not estimate or estimate["status"] == "not_measured":
        return f"– {say_reason(estimate.get('reason'), book, language)}"
    value, exact = say_value(estimate["value"], metric, book, language), repr(float(estimate["value"]))
    words = say_in_terminal("value_exact", language, value=value, exact=exact)
    interval = _interval(estimate, metric, book, language)
    if not interval:
        return words
    return say_in_terminal(
        "with_interval", language, words=words, level=say_level(book, language), interval=interval
    )


def _counts(estimate: Any, language: str) -> str:
    if not estimate:
        return say_in_terminal("none", language)
    parts = [say_in_terminal("n_is", language, n=f"{int(estimate['n']):,}")]
    parts += [
        say_in_terminal(name, language, value=f"{estimate[name]:,.10g}")
        for name in ("numerator", "denominator")
        if pd.notna(estimate[name])
    ]
    return say_in_terminal("join", language).join(parts)


def _filters(metric: Metric) -> list[tuple[str, str]]:
    parts = (
        ("fact", metric.fact),
        ("at", metric.at),
        ("where", metric.where),
        ("of", metric.of),
        ("per", metric.per),
    )
    return [(name, value) for name, value in parts if value]


def check_text(params: Params, language: str = "en") -> str:
    """What a company's files hold: rows kept and rejected, days covered, what each page and metric lacks."""
    prepared, settings = prepare(params), params.settings
    lines = [say_in_terminal("usable", language, company=settings.company, file=params.path.name), ""]
    heads = _heads(("table", "stage", "rows", "amount", "rule"), language)
    lines.append(aligned(heads, _quality_lines(read_quality(prepared), language)))
    lines += _coverage_lines(settings, prepared, language)
    lines += _name_lines(settings, prepared, language)
    if empty := _nothing_yet(params, prepared, language):
        lines += ["", empty]
    lines += ["", *_page_lines(params, prepared, language)]
    if missing := _missing_lines(prepared, settings, language):
        lines += ["", say_in_terminal("not_supplied", language), *missing]
    return "\n".join(lines).rstrip()


def next_command(params: Params, argument: str, program: str, language: str) -> str:
    """The command that makes the report of the last quarter the data cover, to be typed after a check.

    Parameters
    ----------
    argument, program
        The params file and the workbook as they are typed.
    """
    prepared = prepare(params)
    if not _tables_with_rows(prepared):
        return ""
    period = last_quarter(params.settings, find_coverage(params.settings, prepared), date.today()).label
    words = shlex.join([program, "run", "--params", argument, "--period", period])
    return "\n".join([say_in_terminal("next", language), f"  {words}"])


def last_quarter(settings: Settings, coverage: Coverage, today: date) -> Period:
    """The last quarter that is over and that the data reach to the end of; the one they lie in, where there is none."""
    end = min(coverage.end or today, today)
    found = quarter_of(end - timedelta(days=1), settings.fiscal_year_start_month)
    is_over = today >= found.end and (found.end - end).days <= coverage.silence_days
    earlier = found if is_over else found.previous
    begun = coverage.start is None or coverage.start < earlier.end
    return earlier if begun else found


def _coverage_lines(settings: Settings, prepared: Prepared, language: str) -> list[str]:
    """Which days the data cover, and whether the activity window suits the gaps between purchases."""
    lines: list[str] = []
    coverage = find_coverage(settings, prepared)
    if coverage.start:
        rows = "orders" if "orders" in prepared.tables else "rows"
        key = f"covers_{rows}" if coverage.end else f"covers_{rows}_open"
        days = {"start": coverage.start, "end": coverage.last_day if coverage.end else None}
        said = {name: format_date(day, language) for name, day in days.items()}
        lines += ["", say_in_terminal(key, language, days=coverage.silence_days, **said)]
    if (found := suggest_activity_window_days(prepared, settings.engine)) is not None:
        lines.append(say_in_terminal("activity", language, set=settings.activity_window_days, found=found))
    return lines


def _name_lines(settings: Settings, prepared: Prepared, language: str) -> list[str]:
    """Values that the settings name and no row holds, most likely misspelt; no error, as they may yet come."""
    lines = []
    for dimension, (unknown, held) in names_of_nothing(settings, prepared).items():
        for value in unknown:
            near = get_close_matches(value, held, n=1)
            hint = say_in_terminal("name_near", language, near=near[0]) if near else ""
            lines.append(
                say_in_terminal("name_of_nothing", language, dimension=dimension, value=value, near=hint)
            )
    return ["", *lines] if lines else []


def _quality_lines(quality: pd.DataFrame, language: str) -> list[list[str]]:
    return [
        [row["table"], say_in_terminal(f"stage_{row['stage']}", language), f"{int(row['rows']):,}",
         "" if pd.isna(row["amount"]) else f"{row['amount']:,.2f}",
         rule_words(row["rule"], language) if isinstance(row["rule"], str) else ""]
        for row in quality.to_dict("records")
    ]  # fmt: skip


def _nothing_yet(params: Params, prepared: Prepared, language: str) -> str | None:
    """What to fill in, where no table has a row."""
    if _tables_with_rows(prepared):
        return None
    named = [file for source in params.settings.tables.values() for file in source.file]
    files = say_in_terminal("or", language).join(named)
    what = (
        say_in_terminal("fill_in", language, files=files)
        if named
        else say_in_terminal("name_a_file", language, file=params.path.name)
    )
    return say_in_terminal("nothing_yet", language, what=what)


def _tables_with_rows(prepared: Prepared) -> set[str]:
    return {row["table"] for row in prepared.quality if row["stage"] == "kept" and row["rows"]}


def _page_lines(params: Params, prepared: Prepared, language: str) -> list[str]:
    """For each page whether it is made, from which tables, and which it lacks."""
    made = pages_of(params)
    return [
        say_in_terminal(
            "page",
            language,
            page=page.id if page.folder else page.notebook[:2],
            title=page.title.in_(language),
            words=_page_words(page, page.id in made, params.settings, prepared, language),
        )
        for page in params.pages.values()
    ]


def _page_words(page: Page, is_made: bool, settings: Settings, prepared: Prepared, language: str) -> str:
    """``made from orders; lacks costs``."""
    if page.folder:
        return say_in_terminal("own_page", language, notebook=page.notebook)
    if page.id not in settings.pages:
        return say_in_terminal("left_out", language)
    lacking = _lacking(page, settings, prepared)
    also = [table for table in lacking if is_made or table not in page.needs_any]
    if not is_made:
        one_of = [table for table in lacking if table in page.needs_any]
        return _say_tables("not_made", one_of, language) + _say_tables("lacks_also", also, language)
    filled = _tables_with_rows(prepared)
    named = [
        name if name in filled else say_in_terminal("no_rows_yet", language, table=name)
        for name in _given(page, settings, prepared)
    ]
    made = _say_tables("made_from", named, language) or say_in_terminal("made", language)
    return made + _say_tables("lacks", also, language)


def _say_tables(key: str, tables: Sequence[str], language: str) -> str:
    """Words that list tables; none where there are none."""
    return (
        say_in_terminal(key, language, tables=say_in_terminal("list_join", language).join(tables))
        if tables
        else ""
    )


def _given(page: Page, settings: Settings, prepared: Prepared) -> list[str]:
    return [name for name in _tables_of(page, settings) if name in prepared.tables]


def _tables_of(page: Page, settings: Settings) -> list[str]:
    """The tables a page can be filled from: those its metrics need, and those one of which it asks for."""
    from analysis.metrics.gaps import tables_lacking

    tables = load_catalogue().tables
    needed = {*page.needs_any}.union(
        *(tables_lacking(record, tables, settings.customer_base) for record in _records_of(page, settings))
    )
    return [name for name in tables if name in needed]


def _lacking(page: Page, settings: Settings, prepared: Prepared) -> list[str]:
    """The tables that are not supplied, those first that most of the page's metrics need."""
    from analysis.metrics.gaps import tables_lacking

    absent = [name for name in _tables_of(page, settings) if name not in prepared.tables]
    lost: dict[str, list[str]] = {name: [] for name in absent}
    for record in _records_of(page, settings):
        for table in tables_lacking(record, absent, settings.customer_base):
            lost[table].append(record.id)
    return sorted(lost, key=lambda table: -len(set(lost[table])))


def _records_of(page: Page, settings: Settings) -> list[Metric]:
    """The metrics a page is about, as declared; data quality lists them all and is about none."""
    records = [record for record in load_catalogue().records if record.shown]
    if page.id == "scorecard":
        return [record for record in records if record.id in settings.headline_metrics]
    return [record for record in records if record.family in FAMILIES_OF.get(page.id, ())]


def _missing_lines(prepared: Prepared, settings: Settings, language: str) -> list[str]:
    """What is not measured, and by what nothing can be told apart, for want of tables that are not supplied.

    Each is told once: with all the tables that it needs together, or of which one is enough.
    """
    catalogue = load_catalogue()
    absent = [name for name in catalogue.tables if name not in prepared.tables]
    lost: dict[str, list[str]] = {}
    for record in (each for each in catalogue.records if each.shown):
        if tables := _tables_wanted(record, absent, settings, language):
            lost.setdefault(tables, []).append(f"{record.id}.<{record.each}>" if record.each else record.id)
    for name, dimension in catalogue.dimensions.items():
        if tables := _and(sorted(set(dimension.needs) & set(absent)), language):
            lost.setdefault(tables, []).append(say_in_terminal("breakdown_by", language, dimension=name))
    join = say_in_terminal("list_join", language).join
    return [
        say_in_terminal("table_absent", language, tables=tables, lost=join(dict.fromkeys(lost[tables])))
        for tables in sorted(lost)
    ]


def _tables_wanted(record: Metric, absent: Sequence[str], settings: Settings, language: str) -> str:
    """``answers and questions``, ``actions or contacts``: the tables that a metric lacks; none where it lacks none."""
    from analysis.metrics.gaps import tables_lacking

    lacking = tables_lacking(record, absent, settings.customer_base)
    makes_customers = {"orders", "contracts"} if settings.customer_base == "either" else set()
    for either in (set(record.needs_any), makes_customers):
        if len(either) > 1 and either <= set(lacking) - set(record.needs):
            one_of = say_in_terminal("or", language).join(sorted(either))
            lacking = [*(table for table in lacking if table not in either), one_of]
    return _and(lacking, language)


def _and(tables: Sequence[str], language: str) -> str:
    return say_in_terminal("together", language).join(tables)


def aligned(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows in columns, as wide as their widest cell on screen."""
    table = [list(header), *map(list, rows)]
    widths = [max(screen_width(row[i]) for row in table) for i in range(len(header))]
    return "\n".join(
        "  ".join(pad(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table
    )


def pad(text: str, width: int) -> str:
    """A text with spaces behind it up to this many columns on screen."""
    return text + " " * (width - screen_width(text))
