"""Who left, why, which contracts come due, and who was won back: the tables of the retention page on these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup

from analysis.catalogue import DEFAULT, label
from analysis.facts import Book, NotMeasured
from analysis.report.figures.churn import stated_note
from analysis.report.kpi_tables import change_columns, heading_of, interval_column, kpi_block, with_variants
from analysis.report.kpis_shown import (
    AGAINST,
    comparisons,
    group_name,
    join_sentences,
    name_and_number,
    say_level,
    say_period,
)
from analysis.report.numbers_shown import (
    format_date,
    format_interval,
    format_money,
    format_number,
    format_percent,
    is_missing,
)
from analysis.report.pages.breakdowns import group_rows, missing_from
from analysis.report.pages.churn_rows import (
    CHOICES,
    CHURN,
    DAYS_AHEAD,
    FOLLOW_UP,
    LISTED,
    RENEWAL,
    RENEWALS,
    TRAITS,
    WIN_BACK,
    lost_before,
    lost_customers,
    open_renewals,
    ranked_reasons,
    reason_changes,
    reason_counts,
    unusual_reasons,
    with_churn_scores,
)
from analysis.report.per_language import html_per_language
from analysis.report.remarks_shown import callout, finding_list
from analysis.report.tables_shown import Column, table_html
from analysis.suite import Results

MOST_UNUSUAL = 5
RENEWED_BY = ("segment", "product")
SAID_ABOVE = Markup("")
"""In place of a table: each section begins with a chart, which says once what is missing."""


def _words(key: str, language: str, **values: object) -> str:
    return label(f"churn_page.{key}", language, **values)


def _period(book: Book, language: str) -> str:
    return say_period(book.window.label, book, language)


# --- by whose choice ----------------------------------------------------------------------------------


@html_per_language
def show_churn_by_choice(results: Results, *, language: str) -> Markup:
    """Churn and its parts, by whose choice it was, with intervals and changes."""
    book = results.book
    if missing_from(book, "exits"):
        return SAID_ABOVE
    metrics = [book.catalogue.metric(name, DEFAULT) for name in (CHURN, *CHOICES.values())]
    caption = _words("choice_caption", language, period=_period(book, language))
    return kpi_block(
        results, metrics, language=language, caption=caption, note=_words("choice_parts", language)
    )


# --- why ----------------------------------------------------------------------------------------------


@html_per_language
def show_churn_reasons(results: Results, *, language: str) -> Markup:
    """Every reason given by the customers lost: how many, their share, and the value that went with them."""
    book, lost = results.book, lost_customers(results)
    if isinstance(lost, NotMeasured) or lost["reason"].isna().all():
        return SAID_ABOVE
    before = lost_before(results)
    rows = reason_rows(lost, before, book, language)
    keys = ("reason", "customers", "share", "so_far", "value", "value_share")
    words = {key: _words(f"reasons_{key}", language) for key in keys}
    has_value = "orders" not in book.absent  # what a customer brought is known from his orders
    value = [
        Column("value", words["value"], unit="money"),
        Column("value_share", words["value_share"], unit="percent"),
    ]
    columns = [
        Column("name", words["reason"], detail_from="kind_name"),
        Column("customers", words["customers"], unit="number", strong=True),
        Column("share", words["share"], unit="percent"),
        interval_column(book, language, unit="percent"),
        Column("cumulative", words["so_far"], unit="percent"),
        *([] if before is None else [_change_column(book, language)]),
        *(value if has_value else []),
    ]  # fmt: skip
    return table_html(
        rows, columns, language=language, phone="cards", currency=book.settings.currency,
        note=reasons_note(lost, before, has_value, language), strong_from="is_total",
        caption=_words("reasons_caption", language, period=_period(book, language)),
    )  # fmt: skip


def _change_column(book: Book, language: str) -> Column:
    heading = heading_of("previous", book, language)
    return Column("difference", heading, unit="points", verdict_from="verdict", signed=True)


def reason_rows(lost: pd.DataFrame, before: pd.DataFrame | None, book: Book, language: str) -> pd.DataFrame:
    """The reasons as they are listed, and below them those who gave none.

    Returns
    -------
    DataFrame
        As ``ranked_reasons``, with ``name, kind_name, is_total``, and ``difference, verdict`` against those lost
        before, where any are given; the last row has no shares.
    """
    level = book.settings.confidence_level
    ranked = ranked_reasons(lost, level)
    if before is not None:
        ranked = ranked.merge(reason_changes(lost, before, level), on=["kind", "reason"], how="left")
    kinds = {kind: group_name(book, "exit_kind", kind, language) for kind in CHOICES}
    named = ranked.assign(
        name=[group_name(book, "exit_reason", reason, language) for reason in ranked["reason"]],
        kind_name=ranked["kind"].map(kinds), is_total=False,
    )  # fmt: skip
    counts = reason_counts(lost)
    silent = {
        "name": _words("reasons_silent", language), "customers": counts["lost"] - counts["stated"],
        "value": counts["lost_value"] - counts["stated_value"], "is_total": True,
    }  # fmt: skip
    return pd.concat([named, pd.DataFrame([silent])], ignore_index=True).astype({"kind_name": object})


def reasons_note(lost: pd.DataFrame, before: pd.DataFrame | None, has_value: bool, language: str) -> str:
    """Of how many a reason is known, what the shares and the value are of, and how changes are judged."""
    keys = ["note", *(["value_note"] if has_value else []), *([] if before is None else ["compared"])]
    said = [_words(f"reasons_{key}", language) for key in keys]
    return join_sentences([stated_note(lost, language), *said], language)


@html_per_language
def show_unusual_reasons(results: Results, *, language: str) -> Markup:
    """A sentence for each reason given more often or less than before, and for each group with a reason of its own.

    All beyond chance; the changes stand first.
    """
    book, lost = results.book, lost_customers(results)
    if isinstance(lost, NotMeasured) or lost["reason"].isna().all():
        return SAID_ABOVE
    traits = [trait for trait in TRAITS if lost.loc[lost["reason"].notna(), trait].nunique() > 1]
    if not traits:
        return callout(_words("unusual_untested", language), language)
    found = unusual_reasons(lost, traits, book.settings.confidence_level)
    listed = label("kpis.name_join", language).join(
        book.catalogue.dimensions[trait].name.in_(language) for trait in traits
    )
    told = moved_reasons(lost, lost_before(results), book, language)
    shown = finding_list(told, language) if told else Markup("")
    if found.empty:
        return shown + callout(_words("unusual_none", language, dimensions=listed), language)
    sentences = [unusual_sentence(row, book, language) for row in found.to_dict("records")[:MOST_UNUSUAL]]
    title, note = _words("unusual_title", language), _words("unusual_note", language, dimensions=listed)
    return shown + callout(note, language, title=title, items=sentences)


def moved_reasons(
    lost: pd.DataFrame, before: pd.DataFrame | None, book: Book, language: str
) -> list[tuple[str, str]]:
    """A sentence with its verdict for each reason whose share changed beyond chance, most given first."""
    if before is None:
        return []
    level = book.settings.confidence_level
    rows = ranked_reasons(lost, level).merge(reason_changes(lost, before, level), on=["kind", "reason"])
    previous = say_period(book.baselines[book.window.label]["previous"], book, language)
    return [
        (
            _words(
                f"moved_{row.verdict}", language, period=previous, level=say_level(book, language),
                reason=group_name(book, "exit_reason", row.reason, language),
                share=format_percent(row.share, language, decimals=0),
                interval=format_interval(row.low, row.high, "percent", language, decimals=0),
                before=format_percent(row.before_share, language, decimals=0),
            ),
            row.verdict,
        )
        for row in rows[rows["verdict"] != "no_clear_change"].itertuples()
    ]  # fmt: skip


def unusual_sentence(row: Mapping[str, Any], book: Book, language: str) -> str:
    """Where a reason is given more often than elsewhere, with both shares."""
    return _words(
        "unusual", language, dimension=book.catalogue.dimensions[row["by"]].name.in_(language),
        group=group_name(book, row["by"], row["group"], language),
        reason=group_name(book, "exit_reason", row["reason"], language),
        share=format_percent(row["share"], language, decimals=0), n=format_number(row["n"], language),
        level=say_level(book, language),
        interval=format_interval(row["low"], row["high"], "percent", language, decimals=0),
        rest_share=format_percent(row["rest_share"], language, decimals=0),
        rest_n=format_number(row["rest_n"], language),
    )  # fmt: skip


# --- contracts ----------------------------------------------------------------------------------------


@html_per_language
def show_renewals(results: Results, *, language: str) -> Markup:
    """Renewal rate under all its definitions and the contracts due, with intervals and changes."""
    book = results.book
    if missing_from(book, "contracts"):
        return SAID_ABOVE
    caption = _words("renewals_caption", language, period=_period(book, language))
    note = _words("renewals_note", language, days=book.settings.renewal_grace_days)
    metrics = with_variants(book, RENEWALS)
    return kpi_block(results, metrics, language=language, caption=caption, note=note)


@html_per_language
def show_renewals_by_group(results: Results, *, language: str) -> Markup:
    """Renewal rate by segment and by product, the lowest first, with intervals and changes."""
    book = results.book
    if missing_from(book, "contracts"):
        return SAID_ABOVE
    rows = pd.concat([_renewals_by(results, name, language) for name in RENEWED_BY], ignore_index=True)
    if rows.empty:
        return callout(_words("renewals_one_group", language), language)
    shown = [against for against in comparisons(book) if rows[f"{against}_change"].notna().any()]
    has_other_base = rows[[f"{against}_detail" for against in AGAINST]].notna().any(axis=None)
    notes = [
        _words("renewals_corrected", language),
        label("kpis.other_base_note", language) if has_other_base else "",
    ]
    columns = [
        Column("group_name", _words("renewals_group", language)),
        Column("value", rows["metric_name"].iloc[0], unit="percent", strong=True),
        interval_column(book, language, unit="percent"),
        Column("n", label("kpis.n", language), unit="number", detail_from="n_detail"),
        *change_columns(book, shown, language),
    ]
    return table_html(
        rows, columns, language=language, group_by="dimension_name", phone="cards",
        caption=_words("renewals_by_caption", language, period=_period(book, language)),
        note=join_sentences(notes, language),
    )  # fmt: skip


def _renewals_by(results: Results, dimension: str, language: str) -> pd.DataFrame:
    rows = group_rows(results, dimension, [RENEWAL], language)
    return rows.assign(dimension_name=results.book.catalogue.dimensions[dimension].name.in_(language))


@html_per_language
def show_contracts_due(results: Results, *, language: str) -> Markup:
    """The contracts that come due in the next 90 days and are not renewed yet, the largest first."""
    return _contract_list(results, "due", language)


@html_per_language
def show_contracts_overdue(results: Results, *, language: str) -> Markup:
    """The contracts that came due and are not renewed, while the days of grace still run, the largest first."""
    return _contract_list(results, "overdue", language)


def _contract_list(results: Results, kind: str, language: str) -> Markup:
    book, contracts = results.book, open_renewals(results)
    if isinstance(contracts, NotMeasured):
        return SAID_ABOVE
    these = contracts[contracts["is_overdue"] == (kind == "overdue")]
    left = these[~these["is_renewed_by_then"].astype(bool)]
    note = contracts_note(these, left, kind, book, language)
    if left.empty:
        return callout(note, language)
    rows = contract_rows(with_churn_scores(left.head(LISTED), results.customers), book, language)
    if rows["churn_score"].notna().any():
        note = join_sentences([note, _words("contract_score_note", language)], language)
    shown, everyone = len(rows), format_number(len(left), language)
    caption = _words(f"{kind}_caption" if shown < len(left) else f"{kind}_all_caption", language,
                     shown=shown, all=everyone, days=DAYS_AHEAD)  # fmt: skip
    return table_html(
        rows, _contract_columns(rows, kind, language), caption=caption, language=language,
        currency=book.settings.currency, phone="cards", note=note,
    )  # fmt: skip


def contract_rows(contracts: pd.DataFrame, book: Book, language: str) -> pd.DataFrame:
    """Contracts as they are listed: customer and manager by name where there is one, with the number below it."""
    named = contracts["customer_name"].notna() & (contracts["customer_name"] != contracts["customer_id"])
    managers = [
        (None, None) if is_missing(one) else name_and_number(book, "account_manager", one, language)
        for one in contracts["account_manager_id"]
    ]
    return contracts.assign(
        who=contracts["customer_name"].where(named, contracts["customer_id"]),
        id=contracts["customer_id"].where(named, None),
        manager=[name for name, _ in managers],
        manager_id=[number for _, number in managers],
        never_renewed=_words("never_renewed", language),
    )


def _contract_columns(rows: pd.DataFrame, kind: str, language: str) -> list[Column]:
    keys = ("customer", "manager", "value", "due", "grace", "last_renewal", "churn_score")
    words = {key: _words(f"contract_{key}", language) for key in keys}
    grace = [Column("renewal_window_ends_on", words["grace"], unit="date")] if kind == "overdue" else []
    manager = [Column("manager", words["manager"], detail_from="manager_id")]
    score = [Column("churn_score", words["churn_score"], unit="percent", decimals=0)]
    return [
        Column("who", words["customer"], detail_from="id"),
        Column("yearly_value", words["value"], unit="money", strong=True),
        Column("due_on", words["due"], unit="date"),
        *grace,
        Column("last_renewed_on", words["last_renewal"], unit="date", reason_from="never_renewed"),
        *(score if rows["churn_score"].notna().any() else []),
        *(manager if rows["manager"].notna().any() else []),
    ]


def contracts_note(these: pd.DataFrame, left: pd.DataFrame, kind: str, book: Book, language: str) -> str:
    """How many contracts there are and what they are worth a year, and how many of them are renewed already."""
    day = format_date(book.window.last_day, language)
    if these.empty:
        return _words(f"{kind}_none", language, day=day, days=DAYS_AHEAD)
    return _words(
        f"{kind}_note", language, day=day, days=DAYS_AHEAD, all=format_number(len(these), language),
        renewed=format_number(len(these) - len(left), language), left=format_number(len(left), language),
        value=format_money(left["yearly_value"].sum(), language, currency=book.settings.currency),
    )  # fmt: skip


# --- winning back -------------------------------------------------------------------------------------


@html_per_language
def show_win_back_rates(results: Results, *, language: str) -> Markup:
    """Who came back, of all inactive customers and of those contacted, and how many at risk were followed up."""
    metrics = with_variants(results.book, (WIN_BACK, FOLLOW_UP))
    caption = _words("win_back_caption", language, period=_period(results.book, language))
    return kpi_block(results, metrics, language=language, caption=caption)
