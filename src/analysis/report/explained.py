"""How one number came to be: its definition, what was counted, the SQL, and the first rows behind it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from analysis.catalogue import DEFAULT, Metric, label
from analysis.facts import Book
from analysis.facts.compile import WITH_TRAITS, grain, settings_in
from analysis.metrics.formulas import operands
from analysis.metrics.frame import NOT_STATED
from analysis.metrics.gaps import missing_tables
from analysis.metrics.scan_sql import scan_sql
from analysis.metrics.scans import holder_of, plan
from analysis.suite import Results

FIRST_ROWS = 5
_KIND_FORMULAS = {
    "total": "sum({of})", "count": "count of rows", "share": "rows with ({of}) / rows", "mean": "mean of ({of})",
    "ratio": "sum({of}) / sum({per})", "net_share": "100 × (positive − negative) / rows",
    "quantile": "quantile {quantile} of ({of})", "concentration": "sum({of}) over the top {top:.0%} / sum({of})",
    "derived": "{value}", "modelled": "from the fitted models", "target": "as the table of targets says",
}  # fmt: skip
# Chinese has no space beside a number; its texts have one beside a setting's name, where the name ends.
_SETTING = re.compile(r"(?:(?<=[\u4e00-\u9fff]) )?\$(\w+)(?: (?=[\u4e00-\u9fff]))?", re.ASCII)


@dataclass(frozen=True)
class Explained:
    """One metric in one period, and everything needed to work it out again by hand."""

    metric: Metric
    period: str
    by: str | None
    group: str | None
    formula: str
    estimate: Mapping[str, Any]
    settings: Mapping[str, Any] = field(default_factory=dict)
    operands: Mapping[str, float | None] = field(default_factory=dict)
    grain: str = ""
    sql: str = ""
    source_rows: pd.DataFrame | None = None


def fill_in(text: str, settings: Mapping[str, Any], language: str = "en") -> str:
    """A definition with its ``$settings`` replaced by their values, what makes a customer by words for it."""
    if "$customer_base" in text:
        base = label(f"definitions.customer_base_{settings['customer_base']}", language)
        text = text.replace("$customer_base", base)
    return _SETTING.sub(lambda found: str(settings.get(found[1], found[0])), text)


def formula_of(metric: Metric) -> str:
    """What the metric is, in the fact's own columns or other metrics' names."""
    return _KIND_FORMULAS[formula_kind(metric)].format(**metric.model_dump())


def bounds_in_words(metric: Metric, language: str) -> list[str]:
    """Where the metric's intervals end, as far as its record says; what depends on the rows in the fact's columns."""
    told = []
    for end, function, bound in zip(("lowest", "highest"), ("min", "max"), metric.bounds or (), strict=False):
        if bound is not None:
            shown = f"{function}({bound})" if isinstance(bound, str) else f"{bound:g}"
            told.append(label(f"definitions.{end}", language, bound=shown))
    return told


def formula_kind(metric: Metric) -> str:
    """The metric's kind; ``target`` for one that is read off the table of targets and no model makes."""
    return "target" if metric.kind == "modelled" and "targets" in metric.needs else metric.kind


def explain_metric(
    results: Results,
    metric: Metric,
    by: str | None = None,
    group: str | None = None,
    kpis: pd.DataFrame | None = None,
    source_rows: pd.DataFrame | None = None,
) -> Explained:
    """Definition, settings, counts, SQL and first source rows of one figure of the period.

    Parameters
    ----------
    metric
        Under the variant asked for.
    by, group
        A dimension and one of its groups; the company as a whole if not given.
    kpis
        The frame that holds the figure, if not the run's own.
    source_rows
        Its first rows where they have been asked for, with those of others, by ``first_rows``.
    """
    book = results.book
    row = _figure(results.kpis if kpis is None else kpis, metric, book.window.label, by, group)
    shared: dict[str, Any] = {
        "metric": metric, "period": book.window.label, "by": by, "group": group, "formula": formula_of(metric),
        "estimate": row, "settings": _settings_used(results, metric),
    }  # fmt: skip
    if metric.kind == "derived":
        return Explained(**shared, operands=_operands(results, metric))
    if metric.kind == "modelled" or missing_tables(book, metric):
        return Explained(**shared)
    scans = [scan for scan in plan(book, [metric], [by] if by else []) if book.window in scan.windows]
    scan = replace(scans[-1], windows=(book.window,))  # that of a dimension comes after the company's
    return Explained(
        **shared,
        grain=grain(metric.fact),
        sql=book.compile_pretty(_of_group(scan_sql(book, scan), book.window.label, by, group)),
        source_rows=_rows_of_group(book, metric, by, group) if source_rows is None else source_rows,
    )


def _figure(
    kpis: pd.DataFrame, metric: Metric, period: str, by: str | None, group: str | None
) -> dict[str, Any]:
    rows = kpis[
        (kpis["metric"] == metric.id) & (kpis["variant"] == metric.variant) & (kpis["period"] == period)
    ]
    rows = rows[rows["by"].isna()] if by is None else rows[(rows["by"] == by) & (rows["group"] == group)]
    return rows.iloc[0].to_dict() if len(rows) else {}


def _settings_used(results: Results, metric: Metric) -> dict[str, Any]:
    values, texts = results.book.setting_values, [metric.meaning.en, metric.of, metric.where, metric.per]
    named = {name for text in texts if text for name in re.findall(r"\$(\w+)", text)}
    if metric.kind == "derived":
        named |= set(operands(metric.value, list(results.book.catalogue.metrics), list(values)).settings)
    if metric.fact:
        from analysis.facts.compile import fact_text

        named |= settings_in(fact_text(metric.fact)) | (
            {"activity_window_days", "customer_base"} if metric.fact in WITH_TRAITS else set()
        )
    return {name: values[name] for name in sorted(named) if name in values}


def _operands(results: Results, metric: Metric) -> dict[str, float | None]:
    book = results.book
    names = operands(metric.value, list(book.catalogue.metrics), list(book.setting_values)).metrics
    found: dict[str, float | None] = {}
    for name in names:
        period = book.baselines[book.window.label][name.shift] if name.shift else book.window.label
        one = results.kpi(name.metric, DEFAULT, period)
        found[name.name] = float(one["value"]) if isinstance(one, pd.Series) else None
    return found


def _of_group(sql: str, period: str, by: str | None, group: str | None) -> str:
    where = f"period = '{period}'"
    if by and group is not None:
        column = "group_name" if "by_dimension" in sql else by
        where += f" and {column} = " + "'" + group.replace("'", "''") + "'"
    return f"select * from ({sql}) as measured where {where}"


def first_rows(book: Book, metrics: Sequence[Metric]) -> dict[tuple[str, str], pd.DataFrame]:
    """The first rows of the facts that enter each metric's figure of the period, by metric and variant.

    One question for each fact and time column, however many metrics: a fact is put together once. Metrics that are not
    counted from rows are not among the keys.
    """
    found: dict[tuple[str, str], pd.DataFrame] = {}
    counted = [metric for metric in metrics if metric.fact and not missing_tables(book, metric)]
    for fact, at in dict.fromkeys((metric.fact, metric.at) for metric in counted):
        its = [metric for metric in counted if (metric.fact, metric.at) == (fact, at)]
        parts = [
            f"select * from (select {number} as metric_number, f.* from rows_of_the_period f "
            f"where {metric.where or 'true'} order by all limit {FIRST_ROWS})"
            for number, metric in enumerate(its)
        ]
        in_period = f"select f.* from {fact} f where {_in_period(book, its[0])}"
        rows = book.ask(f"with rows_of_the_period as ({in_period}) {' union all '.join(parts)} order by all")
        for number, metric in enumerate(its):
            own = rows[rows["metric_number"] == number].drop(columns="metric_number")
            found[metric.id, metric.variant] = own.reset_index(drop=True)
    return found


def _rows_of_group(book: Book, metric: Metric, by: str | None, group: str | None) -> pd.DataFrame:
    """The first rows of the fact that enter the figure of a group, or of the company."""
    conditions, join = [_in_period(book, metric), *([f"({metric.where})"] if metric.where else [])], ""
    if by and group is not None:
        wanted = "'" + group.replace("'", "''") + "'"
        dimension = book.catalogue.dimensions[by]
        holder = holder_of(dimension, metric.fact, metric.at)
        column = f"{'f' if holder.relation == metric.fact else 'p'}.{dimension.column_name}"
        conditions.append(f"coalesce(cast({column} as varchar), '{NOT_STATED}') = {wanted}")
        if holder.relation != metric.fact:
            label = f"'{book.window.label}'"
            join = holder.join("p", metric.at, label, label)
    where = " and ".join(conditions)
    return book.ask(f"select f.* from {metric.fact} f {join} where {where} order by all limit {FIRST_ROWS}")


def _in_period(book: Book, metric: Metric) -> str:
    """The condition that puts a row of the metric's fact into the period."""
    window = book.window
    if metric.at is None:
        return f"f.period = '{window.label}'"
    if metric.at.endswith("_on"):
        return f"f.{metric.at} >= date '{window.start}' and f.{metric.at} < date '{window.end}'"
    start, end = book.instants(window)
    return f"f.{metric.at} >= timestamp '{start}' and f.{metric.at} < timestamp '{end}'"
