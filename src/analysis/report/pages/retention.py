"""Retention and churn: figures by group, of retention and loyalty, whom to keep and whom to win back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from analysis.appraisal.drivers import Driver
from analysis.catalogue import Metric, label
from analysis.facts import Book, NotMeasured
from analysis.report.figures.retention import GROUPED, groups_of, left_out_note
from analysis.report.findings import overdue_customers
from analysis.report.kpi_tables import (
    change_columns,
    doubt_words,
    interval_column,
    kpi_table,
    not_measured_line,
    table_notes,
)
from analysis.report.kpis_shown import (
    AGAINST,
    base_change,
    change_shown,
    chosen,
    comparisons,
    is_short_at,
    join_sentences,
    kpi_rows,
    measured,
    metric_name,
    say_period,
    say_reason,
    verdict_shown,
)
from analysis.report.numbers_shown import format_date, format_money, format_number, format_percent
from analysis.report.pages.churn_rows import ABOVE
from analysis.report.per_language import html_per_language
from analysis.report.remarks_shown import callout
from analysis.report.stories import Story, find_stories, say_driver, story_title
from analysis.report.tables_shown import Column, table_html
from analysis.suite import Results

LISTED = 20
"""Customers in a list: as many as someone can call in a week."""


# --- by group -------------------------------------------------------------------------------------


@html_per_language
def show_retention_by_group(results: Results, *, language: str) -> Markup | NotMeasured:
    """Retention of every group of the run's dimensions, with its change."""
    figure = results.kpi(GROUPED)
    if isinstance(figure, NotMeasured):
        return figure
    rows = group_rows(results, language)
    if rows.empty:
        return callout(label("retention.groups_none", language), language)
    book = results.book
    period = say_period(book.window.label, book, language)
    shown = [against for against in comparisons(book) if rows[f"{against}_change"].notna().any()]
    note = [
        left_out_note(results, language),
        *table_notes(results, rows, [_metric(results)], shown, language),
    ]
    table = table_html(
        rows, _group_columns(results, shown, language), language=language, group_by="dimension_name",
        phone="cards", note=join_sentences(note, language),
        caption=label("retention.groups_caption", language, period=period),
    )  # fmt: skip
    return _where_it_changed(results, language) + table


def _where_it_changed(results: Results, language: str) -> Markup:
    """The groups the scorecard names as making the change of a figure of this page; empty for none."""
    book = results.book
    told = [(story, driver) for story in find_stories(results) for driver in story.drivers]
    told = [each for each in told if book.catalogue.metrics[each[1].question.metric].family == "retention"]
    if not told:
        return Markup("")
    dimensions = [book.catalogue.dimensions[by] for by in dict.fromkeys(story.by for story, _ in told)]
    meanings = [
        label(
            "retention.driver_dimension",
            language,
            name=each.name.in_(language),
            meaning=each.meaning.in_(language),
        )
        for each in dimensions
    ]
    return callout(
        join_sentences([label("retention.drivers_text", language), *meanings], language), language,
        title=label("retention.drivers_title", language),
        items=[_driver_sentence(book, story, driver, language) for story, driver in told],
    )  # fmt: skip


def _driver_sentence(book: Book, story: Story, driver: Driver, language: str) -> str:
    metric = book.catalogue.metric(driver.question.metric, driver.question.variant)
    group, dimension = story_title(story, book, language)
    values, share = say_driver(driver, book, language)
    return label(
        "retention.driver", language, name=metric_name(metric, language), group=group, dimension=dimension,
        values=values, share=share,
    )  # fmt: skip


def _metric(results: Results) -> Metric:
    return chosen(results.book, results.book.catalogue.metrics[GROUPED])


def group_rows(results: Results, language: str) -> pd.DataFrame:
    """The groups shown, in order, with what changed against the previous and the year-ago window."""
    metric, changes = _metric(results), results.changes
    changes = changes[(changes["metric"] == metric.id) & (changes["variant"] == metric.variant)]
    by_key = {(row["by"], row["group"], row["against"]): row for row in changes.to_dict("records")}
    rows = [
        {
            **row,
            **{
                key: cell
                for against in AGAINST
                for key, cell in _cells(results, row, by_key, metric, against, language)
            },
        }
        for row in groups_of(results, metric, language).to_dict("records")
    ]
    return pd.DataFrame(rows)


def _cells(
    results: Results, row: Any, by_key: Any, metric: Metric, against: str, language: str
) -> list[tuple[str, Any]]:
    change = by_key.get((row["by"], row["group"], against))
    if change is None:
        return [
            (f"{against}_{part}", None) for part in ("change", "verdict", "base_change", "detail", "reason")
        ]
    base = _base_n(results, row, change, metric)
    other, is_short = (
        base_change(row["n"], base, metric),
        is_short_at(results.book, change["base_period"], metric),
    )
    return [
        (f"{against}_change", change_shown(change, metric)[0]),
        (f"{against}_verdict", verdict_shown(change)),
        (f"{against}_base_change", other),
        (f"{against}_detail", doubt_words(other, is_short, language)),
        (f"{against}_reason", _why_no_change(change, results, language)),
    ]


def _why_no_change(change: Any, results: Results, language: str) -> str:
    if "group_absent" in str(change["reason"]):
        return label("retention.group_absent", language)
    return say_reason(change["reason"], results.book, language)


def _base_n(results: Results, row: Any, change: Any, metric: Metric) -> float:
    kpis = results.kpis
    found = kpis[
        (kpis["metric"] == metric.id) & (kpis["variant"] == metric.variant) & (kpis["by"] == row["by"])
        & (kpis["group"] == row["group"]) & (kpis["period"] == change["base_period"])
    ]  # fmt: skip
    return float(found["n"].iloc[0]) if len(found) else 0.0


def _group_columns(results: Results, shown: Sequence[str], language: str) -> list[Column]:
    book, metric = results.book, _metric(results)
    return [
        Column("group_name", label("retention.group", language)),
        Column("value", metric.name.in_(language), unit="percent", strong=True),
        interval_column(book, language, unit="percent"),
        Column("n", label("kpis.n", language), unit="number", detail_from="n_detail"),
        *change_columns(book, shown, language, unit="points"),
    ]


# --- figures --------------------------------------------------------------------------------------


@html_per_language
def show_retention_kpis(results: Results, *, language: str) -> Markup:
    """The figures of retention and churn that have no section of their own, each under all its definitions."""
    return family_table(results, "retention", language, without=ABOVE)


@html_per_language
def show_loyalty_kpis(results: Results, *, language: str) -> Markup:
    """Every figure of loyalty, each under all its definitions."""
    return family_table(results, "loyalty", language)


def family_table(results: Results, family: str, language: str, without: Collection[str] = ()) -> Markup:
    """A family's metrics under every variant, the run's own first, and in one line what is not measured."""
    book = results.book
    wanted = [metric for metric in family_metrics(results, family) if metric.id not in without]
    rows = kpi_rows(results, wanted)
    present = measured(rows)
    period = say_period(book.window.label, book, language)
    caption = label(f"retention.{family}_caption", language, period=period)
    if present.empty:
        table: Any = callout(label("kpis.nothing_measured", language), language)
    else:
        table = kpi_table(results, present, language=language, caption=caption)
    return Markup(table) + not_measured_line(results, rows, language)


def family_metrics(results: Results, family: str) -> list[Metric]:
    """The metrics of a family that are shown, each under the run's variant first, then under the others."""
    book = results.book
    listed = []
    for record in (metric for metric in book.catalogue.families[family] if metric.shown):
        own = chosen(book, record)
        listed += [own, *(other for other in record.all_variants() if other.variant != own.variant)]
    return listed


# --- whom to keep, whom to win back ---------------------------------------------------------------


@html_per_language
def show_at_risk(results: Results, *, language: str) -> Markup | NotMeasured:
    """The most valuable customers at risk who are still active, and how many others are at risk."""
    share = results.kpi("at_risk_share")
    if isinstance(share, NotMeasured):
        return share
    overdue = overdue_customers(results.customers)
    note = at_risk_note(results, language)
    if overdue.empty:
        return callout(label("retention.nobody_at_risk", language) + "\n\n" + note, language)
    return customer_table(
        results, overdue, "at_risk", [note, label("retention.value_note", language)], language
    )


def at_risk_note(results: Results, language: str) -> str:
    """How many valuable customers are at risk, and into which three groups they fall."""
    settings, parts = results.book.settings, at_risk_parts(results.customers)
    share = parts["all"] / max(1, int(results.customers["is_valuable"].sum()))
    return label(
        "retention.at_risk_note", language, share=format_percent(share, language),
        top=format_percent(settings.at_risk_value_share, language, decimals=0),
        **{name: format_number(count, language) for name, count in parts.items()},
    )  # fmt: skip


def at_risk_parts(customers: pd.DataFrame) -> dict[str, int]:
    """Valuable customers at risk, ``all`` = ``listed`` + ``inactive`` (both bought repeatedly) + ``once``."""
    at_risk = customers[customers["is_at_risk"]]
    once, active = at_risk["is_one_time_buyer"], at_risk["is_closing"]
    return {
        "all": len(at_risk),
        "listed": int((~once & active).sum()),
        "inactive": int((~once & ~active).sum()),
        "once": int(once.sum()),
    }


@html_per_language
def show_win_back(results: Results, *, language: str) -> Markup | NotMeasured:
    """The most valuable of the customers lost in the period."""
    share = results.kpi(GROUPED)
    if isinstance(share, NotMeasured):
        return share
    lost = lost_customers(results.customers)
    if lost.empty:
        return callout(label("retention.nobody_lost", language), language)
    settings = results.book.settings
    notes = []
    if lost["predicted_clv"].notna().any():
        together = format_money(lost["predicted_clv"].sum(), language, currency=settings.currency)
        notes = [
            label("retention.win_back_note", language, value=together, quarters=settings.horizon_quarters)
        ]
    return customer_table(results, lost, "win_back", notes, language)


def lost_customers(customers: pd.DataFrame) -> pd.DataFrame:
    """The customers lost in the period, most valuable first; without a model, by what they brought so far."""
    if customers.empty:
        return customers
    lost = customers[customers["is_lost"].fillna(False).astype(bool)]
    return lost.sort_values(
        ["predicted_clv", "net_revenue_to_date", "customer_id"], ascending=[False, False, True]
    )


def customer_table(
    results: Results, customers: pd.DataFrame, kind: str, notes: Sequence[str], language: str
) -> Markup:
    """A list of customers with value, history and churn score; at most twenty."""
    settings = results.book.settings
    shown, everyone = min(LISTED, len(customers)), format_number(len(customers), language)
    key = f"retention.{kind}_caption" if shown < len(customers) else f"retention.{kind}_all_caption"
    return table_html(
        customer_rows(customers.head(LISTED)), _customer_columns(results, language),
        caption=label(key, language, shown=shown, all=everyone), language=language,
        currency=settings.currency, phone="cards", note=join_sentences(notes, language),
    )  # fmt: skip


def customer_rows(customers: pd.DataFrame) -> pd.DataFrame:
    """Customers as they are listed: by name where there is one, with the id below it."""
    named = customers["customer_name"].notna() & (customers["customer_name"] != customers["customer_id"])
    return customers.assign(
        who=customers["customer_name"].where(named, customers["customer_id"]),
        id=customers["customer_id"].where(named, None),
        purchases=customers["repeat_orders"] + 1,
    )


def _customer_columns(results: Results, language: str) -> list[Column]:
    day = format_date(results.book.window.last_day, language)
    words = {
        key: label(f"retention.{key}", language, date=day, quarters=results.book.settings.horizon_quarters)
        for key in (
            "customer",
            "value",
            "revenue_so_far",
            "orders",
            "last_order",
            "days_since",
            "churn_score",
        )
    }
    return [
        Column("who", words["customer"], detail_from="id"),
        Column("predicted_clv", words["value"], unit="money", strong=True),
        Column("net_revenue_to_date", words["revenue_so_far"], unit="money"),
        Column("purchases", words["orders"], unit="number"),
        Column("last_order_on", words["last_order"], unit="date"),
        Column("days_since_last_order", words["days_since"], unit="number"),
        Column("churn_score", words["churn_score"], unit="percent", decimals=0),
    ]
