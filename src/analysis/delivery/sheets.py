"""What the sheets of the Excel workbook hold: one frame each, with its columns' headings and units.

Nothing is worked out again here: every number stands in the frames of the results.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.appraisal.targets import judge_targets
from analysis.catalogue import Metric, label
from analysis.facts import Book, NotMeasured
from analysis.report.explained import fill_in
from analysis.report.identities_shown import say_subjects
from analysis.report.kpi_tables import doubt_words
from analysis.report.kpis_shown import (
    comparisons,
    group_name,
    join_sentences,
    kpi_rows,
    say_level,
    say_period,
    say_reason,
    shown_metrics,
    trend_windows,
    unit_of,
    variant_name,
    verdict_shown,
)
from analysis.report.numbers_shown import format_date_range, is_missing
from analysis.report.pages.data_quality_rows import read_rows
from analysis.report.pages.definitions import formula_in_words, meaning_of
from analysis.report.pages.settings_rows import setting_rows
from analysis.report.pages.summary import status_lines
from analysis.suite import Results
from analysis.suite.customer_value import CUSTOMER_COLUMNS

RUN_DIGITS = 16
CHANGE_UNITS = {"working_time": "hours", "percent": "relative"}
"""Units of changes that are written otherwise: a shorter time is below zero, which [h]:mm:ss cannot be."""

MONEY_OF_CUSTOMERS = (
    "mean_repeat_spend", "expected_spend", "predicted_clv", "clv_low", "clv_high", "clv_noise_sd",
    "net_revenue_to_date", "net_revenue",
)  # fmt: skip
UNITS_OF_CUSTOMERS = {
    **dict.fromkeys(MONEY_OF_CUSTOMERS, "money"),
    **dict.fromkeys(("p_alive", "churn_score"), "percent"),
    **dict.fromkeys(("first_order_on", "last_order_on"), "date"),
    **dict.fromkeys(("repeat_orders", "days_since_last_order"), "count"),
    "expected_purchases": "number",
    **dict.fromkeys([name for name in CUSTOMER_COLUMNS if name.startswith("is_")], "boolean"),
}


@dataclass(frozen=True)
class SheetColumn:
    """One column of a sheet: where its cells stand in the rows, its heading, and how they are written.

    Attributes
    ----------
    unit
        ``text``, ``date``, ``boolean`` or a unit of numbers: ``percent, relative, points, money, count, number,
        days, score, exact, duration, hours``; ``relative``, ``points`` and ``hours`` are changes, with their sign.
    unit_from
        The column of the rows that holds the unit, where it differs from row to row.
    is_defined
        Whether its cells lead to the definition of what the rows call ``metric_id`` and ``variant_id``.
    is_verdict
        Whether its cells are words of what is good or bad, which get a colour beside.
    """

    name: str
    heading: str
    unit: str = "text"
    unit_from: str | None = None
    is_defined: bool = False
    is_verdict: bool = False

    @property
    def is_text(self) -> bool:
        """Whether its cells are words."""
        return self.unit == "text" and self.unit_from is None


@dataclass(frozen=True)
class Sheet:
    """One sheet: rows under headings, below a line that says whose numbers these are.

    Attributes
    ----------
    lines
        Column whose cells are lines of the numbers in ``lines_over``: of the first so many as the rows'
        ``lines_until`` says.
    frozen_columns
        How many columns stay in sight.
    group_by
        Column at whose changes a rule is drawn.
    """

    key: str
    rows: pd.DataFrame
    columns: Sequence[SheetColumn]
    notes: Sequence[str] = ()
    frozen_columns: int = 0
    group_by: str | None = None
    lines: str | None = None
    lines_over: Sequence[str] = ()


def find_sheets(results: Results, language: str) -> list[Sheet]:
    """Every sheet of the workbook in its order."""
    return [
        scorecard(results, language),
        targets(results, language),
        figures(results, language),
        trends(results, language),
        changes(results, language),
        customers(results, language),
        definitions(results.book, language),
        data_quality(results, language),
        identities(results, language),
        settings(results.book, language),
    ]


def mailed_sheets(results: Results, language: str) -> list[Sheet]:
    """The sheets for a letter: those people read; every figure and change of every group would be most of its size."""
    return [
        scorecard(results, language),
        targets(results, language),
        trends(results, language),
        customers(results, language),
        definitions(results.book, language),
        data_quality(results, language),
    ]


def cover_line(book: Book, language: str) -> str:
    """Company, period, first and last day, and the run the numbers come from."""
    window = book.window
    days = (
        format_date_range(window.start, window.last_day, language)
        if window.days
        else label("excel.no_days", language)
    )
    return label(
        "excel.cover", language, company=book.settings.company, days=days,
        period=say_period(window.label, book, language) if window.days else window.label,
        run=book.fingerprint[:RUN_DIGITS],
    )  # fmt: skip


# --- the company's figures ------------------------------------------------------------------------


def scorecard(results: Results, language: str) -> Sheet:
    """One row for each metric shown: value, interval, n, changes with their verdicts, status with its reason."""
    book, rows = results.book, kpi_rows(results, shown_metrics(results.book))
    records = [book.catalogue.metric(row.metric, row.variant) for row in rows.itertuples()]
    reason = _each_once(lambda code: say_reason(code, book, language))
    rows = rows.assign(
        **_names(records, language), **_ids(records), unit=[number_unit(each) for each in records]
    )
    rows["unit_name"] = [_unit_name(unit, book, language) for unit in rows["unit"]]
    rows["status"] = [label(f"excel.status_{status}", language) for status in rows["status"]]
    rows["reason"] = rows["reason"].map(reason)
    columns = _metric_columns(language)
    columns += _columns(["value", "low", "high"], language, unit_from="unit", level=say_level(book, language))
    columns += _columns(["n"], language, unit="count")
    for against in comparisons(book):
        rows = rows.assign(**_change_in_words(rows, against, reason, language))
        columns += _change_columns(book, against, language)
    columns += _columns(["status", "reason"], language)
    notes = [*_unreconciled(results, language), *status_lines(results, language)]
    notes.append(label("excel.note_scorecard", language))
    return Sheet("scorecard", rows, columns, notes, frozen_columns=2, group_by="family")


def _change_in_words(
    rows: pd.DataFrame, against: str, reason: Callable[[Any], str], language: str
) -> dict[str, list[Any]]:
    """A comparison's cells: the change in a unit that can be written, the verdict's words, what to think of it."""
    cells = rows[[f"{against}_{part}" for part in ("change", "unit", "base_change", "is_short", "reason")]]
    told = list(cells.itertuples(index=False, name=None))
    return {
        f"{against}_unit": [CHANGE_UNITS.get(unit, unit) for _, unit, *_ in told],
        f"{against}_verdict": [
            label(f"report.verdict_{word}", language) for word in rows[f"{against}_verdict"]
        ],
        f"{against}_remark": [
            reason(code) if is_missing(change) else doubt_words(other_base, is_short, language)
            for change, _, other_base, is_short, code in told
        ],
    }


def _change_columns(book: Book, against: str, language: str) -> list[SheetColumn]:
    period = say_period(book.baselines[book.window.label][against], book, language)
    return [
        SheetColumn(
            f"{against}_change", label("excel.change", language, period=period), unit_from=f"{against}_unit"
        ),
        SheetColumn(
            f"{against}_verdict", label("excel.verdict_against", language, period=period), is_verdict=True
        ),
        SheetColumn(f"{against}_remark", label("excel.remark_against", language, period=period)),
    ]


def targets(results: Results, language: str) -> Sheet:
    """One row for each target of the company: figure, target, verdict, and how probable it is that it is reached."""
    book, judged = results.book, judge_targets(results)
    numbers = ["value", "low", "high", "target"]
    columns = [
        *_metric_columns(language),
        *_columns(numbers, language, unit_from="unit", level=say_level(book, language)),
        SheetColumn("verdict", label("excel.verdict", language), is_verdict=True),
        *_columns(["probability"], language, unit="percent"),
        *_columns(["reason"], language),
    ]
    if isinstance(judged, NotMeasured):
        table = book.catalogue.tables["targets"].name.in_(language)
        rows = pd.DataFrame(columns=[*(column.name for column in columns), "unit", "metric_id", "variant_id"])
        return Sheet("targets", rows, columns, [label("appraisal.targets_none", language, table=table)])
    return Sheet("targets", _target_rows(book, judged, language), columns, frozen_columns=2)


def _target_rows(book: Book, judged: pd.DataFrame, language: str) -> pd.DataFrame:
    """The targets with names and words; one for a metric that does not exist keeps the name it was given."""
    rows = judged.assign(metric_id=judged["metric"], variant_id=judged["variant"])
    records = [
        book.catalogue.metric(metric, variant) if metric in book.catalogue.metrics else None
        for metric, variant in zip(judged["metric"], judged["variant"], strict=True)
    ]
    named = [_names([each], language) if each else {} for each in records]
    for column in ("family", "name", "variant_name"):
        rows[column] = [names[column][0] if names else None for names in named]
    rows["name"] = rows["name"].fillna(rows["metric"])
    rows["unit"] = [number_unit(each) if each else "number" for each in records]
    rows["unit_name"] = [_unit_name(unit, book, language) for unit in rows["unit"]]
    rows["verdict"] = [label(f"report.verdict_{verdict}", language) for verdict in judged["verdict"]]
    rows["reason"] = rows["reason"].map(_each_once(lambda code: say_reason(code, book, language)))
    return rows


def trends(results: Results, language: str) -> Sheet:
    """One row for each metric shown, one column for each of the run's periods, and a line over them."""
    book, windows = results.book, trend_windows(results.book)
    records = shown_metrics(book)
    known = results.company_figures
    names = {**_names(records, language), **_ids(records)}
    rows = pd.DataFrame({**names, "unit": [number_unit(each) for each in records]})
    for window in windows:
        found = [known.get((each.id, each.variant, window.label), {}).get("value") for each in records]
        rows[window.label] = pd.Series(found, dtype=float)
    periods = [window.label for window in windows]
    rows["lines_until"] = [
        len(periods) - (book.window.is_partial and each.kind in ("total", "count")) for each in records
    ]
    rows["unit_name"] = [_unit_name(unit, book, language) for unit in rows["unit"]]
    rows = rows[rows[periods].notna().any(axis=1)].reset_index(drop=True)
    columns = [
        *_metric_columns(language),
        SheetColumn("trend", label("excel.trend", language)),
        *(SheetColumn(each, say_period(each, book, language), unit_from="unit") for each in periods),
    ]
    notes = [label("kpis.trend_whole_periods", language)] if book.window.is_partial else []
    return Sheet(
        "trend", rows.assign(trend=None), columns, notes, frozen_columns=2, group_by="family", lines="trend",
        lines_over=periods,
    )  # fmt: skip


# --- the frames as they are -----------------------------------------------------------------------


def figures(results: Results, language: str) -> Sheet:
    """The rows of the KPI frame of the period and of the windows it is compared with, with ids and names."""
    book = results.book
    windows = [book.window.label, *book.baselines[book.window.label].values()]
    rows = results.kpis[results.kpis["period"].isin(windows)]
    rows = _with_names(rows, book, language)
    rows["status"] = rows["status"].map(_each_once(lambda each: label(f"excel.status_{each}", language)))
    columns = [
        *_columns(["metric_id", "name", "variant_id", "variant_name"], language),
        *_columns(["period", "by_id", "by_name", "group_id", "group_name", "unit_name"], language),
        *_columns(["value", "low", "high"], language, unit="exact", level=say_level(book, language)),
        *_columns(["standard_error"], language, unit="exact"),
        *_columns(["n"], language, unit="count"),
        *_columns(["numerator", "denominator"], language, unit="exact"),
        *_columns(["status", "reason"], language),
    ]
    return Sheet("figures", rows, columns, [label("excel.note_figures", language)])


def changes(results: Results, language: str) -> Sheet:
    """Every figure of the period against earlier windows, with the verdict in words."""
    book = results.book
    rows = _with_names(results.changes, book, language)
    verdicts = [verdict_shown(row) for row in results.changes.to_dict("records")]
    rows["verdict"] = [label(f"report.verdict_{verdict}", language) for verdict in verdicts]
    rows["against"] = rows["against"].map(_each_once(lambda each: label(f"excel.against_{each}", language)))
    rows["base_period"] = rows["base_period"].map(_each_once(lambda each: say_period(each, book, language)))
    numbers = ["value", "base_value", "difference", "difference_low", "difference_high"]
    columns = [
        *_columns(["metric_id", "name", "variant_id", "variant_name"], language),
        *_columns(["by_name", "group_id", "group_name", "period", "against", "base_period"], language),
        *_columns(["unit_name"], language),
        *_columns(numbers, language, unit="exact", level=say_level(book, language)),
        *_columns(["relative_change"], language, unit="relative"),
        *_columns(["p_adjusted"], language, unit="exact"),
        *_columns(["verdict"], language, is_verdict=True),
        *_columns(["reason"], language),
    ]
    return Sheet("changes", rows, columns, [label("excel.note_changes", language)])


def _with_names(rows: pd.DataFrame, book: Book, language: str) -> pd.DataFrame:
    """Rows of figures or changes with what their metrics, dimensions, groups, units and reasons are called."""
    records = [book.catalogue.metric(*key) for key in zip(rows["metric"], rows["variant"], strict=True)]
    dimensions, reason = book.catalogue.dimensions, _each_once(lambda code: say_reason(code, book, language))
    groups = _each_once(lambda key: "" if is_missing(key[0]) else group_name(book, *key, language))
    period = _each_once(lambda each: say_period(each, book, language))
    return rows.assign(
        **_names(records, language),
        metric_id=rows["metric"], variant_id=rows["variant"], by_id=rows["by"], group_id=rows["group"],
        by_name=[None if is_missing(by) else dimensions[by].name.in_(language) for by in rows["by"]],
        group_name=[groups(key) for key in zip(rows["by"], rows["group"], strict=True)],
        period=rows["period"].map(period),
        unit_name=[_unit_name(each.unit, book, language) for each in records],
        reason=[reason(code) for code in rows["reason"]],
    )  # fmt: skip


def customers(results: Results, language: str) -> Sheet:
    """The customer value frame, one row for each known customer."""
    book, rows = results.book, results.customers
    dimensions = book.catalogue.dimensions
    first = [name for name in ("customer_id", "customer_name") if name in rows.columns]
    names = [*first, *rows.columns.drop(first)]
    columns = [_customer_column(name, book, language) for name in names]
    group = _each_once(lambda key: None if is_missing(key[1]) else group_name(book, *key, language))
    named = {
        name: [group((name, each)) for each in rows[name]] for name in rows.columns if name in dimensions
    }
    return Sheet("customers", rows.assign(**named), columns, frozen_columns=2)


def _customer_column(name: str, book: Book, language: str) -> SheetColumn:
    if name in CUSTOMER_COLUMNS:
        heading = label(f"excel.customer_{name}", language, level=say_level(book, language))
    else:
        dimension = book.catalogue.dimensions.get(name)
        heading = dimension.name.in_(language) if dimension else name
    return SheetColumn(name, heading, UNITS_OF_CUSTOMERS.get(name, "text"))


# --- what they mean and rest on -------------------------------------------------------------------


def definitions(book: Book, language: str) -> Sheet:
    """One row for each metric and definition of it: what it means, how it is worked out and on which rows."""
    records = [metric for record in book.catalogue.metrics.values() for metric in record.all_variants()]
    values = book.setting_values
    rows = pd.DataFrame({
        **_names(records, language),
        "metric_id": [metric.id for metric in records],
        "variant_id": [metric.variant for metric in records],
        "meaning": [meaning_of(metric, values, language) for metric in records],
        "formula": [fill_in(formula_in_words(metric, language), values) for metric in records],
        "rows_counted": [fill_in(metric.where or "", values) for metric in records],
        "unit_name": [_unit_name(metric.unit, book, language) for metric in records],
        "better": [label(f"excel.better_{metric.better}", language) for metric in records],
    })  # fmt: skip
    columns = _columns(["family", "name", "variant_name", "meaning", "formula", "rows_counted"], language)
    columns += _columns(["unit_name", "better", "metric_id", "variant_id"], language)
    return Sheet("definitions", rows, columns, frozen_columns=2, group_by="family")


def data_quality(results: Results, language: str) -> Sheet:
    """Rows read, kept and rejected by rule, of every table."""
    columns = [
        SheetColumn("table", label("excel.table", language)),
        SheetColumn("what", label("data_quality.head_what", language)),
        SheetColumn("words", label("excel.rule", language)),
        SheetColumn("rows", label("data_quality.head_rows", language), "count"),
        SheetColumn("share", label("data_quality.head_share_read", language), "percent"),
        SheetColumn("amount", label("data_quality.head_amount", language), "money"),
        SheetColumn("first_row", label("data_quality.head_first_row", language), "count"),
    ]
    rows = read_rows(results, language).reindex(columns=[column.name for column in columns])
    return Sheet("data_quality", rows, columns, group_by="table")


def identities(results: Results, language: str) -> Sheet:
    """Every check of what must add up: both sides, and whether it holds."""
    checks = results.identities
    relations = {"=": "excel.relation_equal", "≤": "excel.relation_at_most"}
    states = ["excel.holds" if holds else "excel.broken" for holds in checks["holds"]]
    rows = checks.assign(
        identity=[label(f"data_quality.identity_{name}", language) for name in checks["identity"]],
        subject=say_subjects(checks, results.book, language),
        relation=[label(relations[each], language) for each in checks["relation"]],
        state=[label(state, language) for state in states],
    )
    columns = [
        *_columns(["identity", "subject"], language),
        SheetColumn("left", label("data_quality.head_left", language), "exact"),
        SheetColumn("relation", label("data_quality.head_relation", language)),
        SheetColumn("right", label("data_quality.head_right", language), "exact"),
        SheetColumn("state", label("data_quality.head_state", language), is_verdict=True),
    ]
    return Sheet("identities", rows, columns, _unreconciled(results, language), group_by="identity")


def settings(book: Book, language: str) -> Sheet:
    """The settings that change numbers, with what each does."""
    columns = [
        *_columns(["section"], language),
        SheetColumn("name", label("data_quality.head_setting", language)),
        *_columns(["key"], language),
        SheetColumn("value", label("data_quality.head_setting_value", language)),
        SheetColumn("meaning", label("data_quality.head_reason", language)),
    ]
    return Sheet("settings", setting_rows(book, language), columns, group_by="section")


def _unreconciled(results: Results, language: str) -> list[str]:
    return [] if results.is_reconciled else [label("scorecard.unreconciled", language)]


# --- words ----------------------------------------------------------------------------------------

_HEADINGS = {
    "name": "metric", "variant_name": "variant", "by_name": "by", "group_name": "group", "unit_name": "unit",
}  # fmt: skip


def number_unit(metric: Metric) -> str:
    """How a sheet writes the metric's numbers."""
    unit = unit_of(metric)
    return {"working_time": "duration", "number": metric.unit}.get(unit, unit)


def _unit_name(unit: str, book: Book, language: str) -> str:
    if unit == "money":
        return book.settings.currency
    return "%" if unit == "percent" else label(f"excel.unit_{unit}", language)


def _names(records: Iterable[Metric], language: str) -> dict[str, list[str]]:
    records = list(records)
    return {
        "family": [label(f"scorecard.family_{metric.family}", language) for metric in records],
        "name": [metric.name.in_(language) for metric in records],
        "variant_name": [
            variant_name(metric, language) or label("definitions.variant_default", language)
            for metric in records
        ],
    }


def _ids(records: Iterable[Metric]) -> dict[str, list[str]]:
    records = list(records)
    return {
        "metric_id": [metric.id for metric in records],
        "variant_id": [metric.variant for metric in records],
    }


def _metric_columns(language: str) -> list[SheetColumn]:
    """What a row of a metric begins with; its name leads to its definition."""
    return [
        *_columns(["family"], language),
        *_columns(["name"], language, is_defined=True),
        *_columns(["variant_name", "unit_name"], language),
    ]


def _columns(names: Iterable[str], language: str, *, level: str = "", **options: Any) -> list[SheetColumn]:
    return [
        SheetColumn(name, label(f"excel.{_HEADINGS.get(name, name)}", language, level=level), **options)
        for name in names
    ]


def _each_once(say: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same words, found once for each of the few things that many rows say."""
    known: dict[Any, Any] = {}

    def said(key: Any) -> Any:
        key = None if not isinstance(key, tuple) and is_missing(key) else key
        if key not in known:
            known[key] = say(key)
        return known[key]

    return said


def note_line(sheet: Sheet, more: Sequence[str], language: str) -> str:
    """What must be known to read the sheet, in one text."""
    empty = [label("excel.note_no_rows", language)] if sheet.rows.empty else []
    return join_sentences([*sheet.notes, *more, *empty], language)
