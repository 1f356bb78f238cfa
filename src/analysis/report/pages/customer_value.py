"""Customer value: what the customers are worth, how sure that is, who holds it, how it was worked out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from analysis.catalogue import DEFAULT, label
from analysis.facts import Book, NotMeasured
from analysis.report.kpis_shown import chosen
from analysis.report.numbers_shown import (
    format_date,
    format_interval,
    format_number,
    format_percent,
    is_missing,
)
from analysis.report.pages.customer_groups import (
    MOST_GROUPS,
    top_customers,
    value_by_group,
    value_by_segment,
    value_by_spend,
)
from analysis.report.pages.customer_value_rows import (
    fit_rows,
    holdout_rows,
    latest_error,
    model_name,
    parameter_rows,
    predictive_interval,
    trust_rows,
    valued_customers,
    way_rows,
    worst_verdict,
)
from analysis.report.pages.definitions import show_definitions
from analysis.report.pages.tiles import headline_tile
from analysis.report.per_language import html_per_language
from analysis.report.remarks_shown import callout
from analysis.report.tables_shown import Column, table_html
from analysis.report.tiles_shown import kpi_tiles
from analysis.report.words import label as page_word
from analysis.suite import Results

__all__ = [
    "show_definitions", "show_holdout", "show_models", "show_segments", "show_top_customers", "show_trust",
    "show_value_basis", "show_value_by_group", "show_value_by_spend", "show_value_tiles",
    "show_ways_to_value",
]  # fmt: skip

TILES = ("customer_equity", "predicted_clv", "new_customer_expected_value", "at_risk_share")
TOP_CUSTOMERS = 20


def _words(key: str, language: str, **values: Any) -> str:
    return label(f"customer_value.{key}", language, **values)


def _column(key: str, heading: str, language: str, unit: str = "text", **options: Any) -> Column:
    return Column(key, _words(f"head_{heading}", language), unit, **options)


def _table(
    rows: pd.DataFrame, columns: Sequence[Column], name: str, book: Book, language: str, **options: Any
) -> Markup:
    """A table of the page, under the caption that its name has in the words of the page."""
    values = {"n": len(rows)} if name == "top" else {}
    caption = _words(f"{name}_caption", language, **values)
    return table_html(
        rows, columns, caption=caption, language=language, currency=book.settings.currency, **options
    )


def _sentences(sentences: Sequence[str], language: str) -> str:
    return ("" if language == "zh" else " ").join(sentences)


def _share(share: float, language: str) -> str:
    """A share that was set, without decimals where it is a whole percentage."""
    return format_percent(share, language, decimals=0 if round(100 * share, 6).is_integer() else 1)


# --- first: can it be trusted -------------------------------------------------------------------------


@html_per_language
def show_trust(results: Results, *, language: str) -> Markup | NotMeasured:
    """Whether the values can be used: one verdict, and the checks behind it, each with its rule in words."""
    checks = trust_rows(results, language)
    if checks.empty:
        return _why_no_values(results)
    worst = worst_verdict(checks["verdict"])
    concerned = int((checks["verdict"] != "trusted").sum())
    title = page_word(f"verdict_{worst}", language)
    summary = callout(
        _words(f"trust_{worst}", language, checks=len(checks), concerned=concerned), language,
        kind="note" if worst == "trusted" else "warning", title=title[:1].upper() + title[1:],
    )  # fmt: skip
    columns = [
        _column("check", "check", language, detail_from="of"),
        _column("verdict", "verdict", language, shown_as="verdict"),
        _column("rule", "rule", language),
        _column("meaning", "meaning", language),
    ]
    return summary + _table(checks, columns, "trust", results.book, language, phone="cards")


def _why_no_values(results: Results) -> NotMeasured:
    found = valued_customers(results)
    return found if isinstance(found, NotMeasured) else NotMeasured("no_rows")


# --- what they are worth ------------------------------------------------------------------------------


@html_per_language
def show_value_tiles(results: Results, *, language: str) -> Markup:
    """Customer equity, value per customer, expected value of a new customer and the share at risk."""
    metrics = [chosen(results.book, results.book.catalogue.metrics[name]) for name in TILES]
    return kpi_tiles([headline_tile(results, metric, language) for metric in metrics], language)


@html_per_language
def show_value_basis(results: Results, *, language: str) -> Markup | NotMeasured:
    """What the values count, what their interval holds, and what it does not hold."""
    customers = valued_customers(results)
    if isinstance(customers, NotMeasured):
        return customers
    lines = [*what_counts(results.book, language), *how_sure(results, language)]
    return callout("", language, title=_words("basis_title", language), items=lines)


def what_counts(book: Book, language: str) -> list[str]:
    """How far ahead value looks, how it is discounted, and whether it is revenue or margin."""
    settings, last_day = book.settings, format_date(book.window.last_day, language)
    quarters, rate = settings.horizon_quarters, _share(settings.discount_rate_per_year, language)
    horizon = _words("basis_horizon", language, quarters=quarters, last_day=last_day, rate=rate)
    if settings.gross_margin == 1:
        return [horizon, _words("basis_revenue", language)]
    return [horizon, _words("basis_margin", language, margin=_share(settings.gross_margin, language))]


def how_sure(results: Results, language: str) -> list[str]:
    """The three doubts about the equity: parameters, chance in the purchases, and the model itself."""
    equity = results.kpi("customer_equity", DEFAULT)
    low, high, noise = predictive_interval(equity, results.customers)
    money = {"unit": "money", "language": language, "currency": results.book.settings.currency}
    lines = []
    if not is_missing(equity["low"]):
        interval = format_interval(equity["low"], equity["high"], **money)
        customers = format_number(equity["n"], language)
        lines.append(_words("basis_interval", language, interval=interval, customers=customers))
    if is_missing(low):
        lines.append(_words("basis_noise_unknown", language))
    else:
        interval, share = format_interval(low, high, **money), format_percent(noise, language, decimals=0)
        lines.append(_words("basis_noise", language, interval=interval, share=share))
    return [*lines, _last_error(results, language)]


def _last_error(results: Results, language: str) -> str:
    found = latest_error(results)
    if found is None:
        return _words("basis_no_check", language)
    error = found["relative_error"]
    key = "basis_error_low" if error < 0 else "basis_error_high"
    return _words(key, language, period=found["period"], error=format_percent(abs(error), language))


# --- whether forecasts came true ----------------------------------------------------------------------


@html_per_language
def show_holdout(results: Results, *, language: str) -> Markup:
    """Every earlier period forecast from the data before it, by both models, beside two naive forecasts."""
    if results.holdout.empty:
        return callout(_words("no_holdout", language), language)
    errors = [
        _column(f"relative_error{name}", f"error{name}", language, "percent", signed=True,
                detail_from=f"per_customer{name}", strong=not name)
        for name in ("", "_last_quarter", "_own_rate")
    ]  # fmt: skip
    columns = [
        _column("name", "model", language),
        _column("forecast_total", "forecast", language, "number", decimals=0, detail_from="interval"),
        _column("actual_total", "actual", language, "number", decimals=0, detail_from="inside"),
        *errors,
        _column("gini", "gini", language, "number", decimals=2),
        _column("top_decile_lift", "lift", language, "number", decimals=1),
        _column("verdict", "verdict", language, shown_as="verdict"),
    ]
    rows, note = holdout_rows(results, language), _words("holdout_note", language)
    return _table(rows, columns, "holdout", results.book, language, note=note, group_by="period")


# --- who holds it -------------------------------------------------------------------------------------


@html_per_language
def show_value_by_group(results: Results, *, language: str) -> Markup | NotMeasured:
    """Equity and value per customer of every group of the run's dimensions, with intervals and shares."""
    customers = valued_customers(results)
    if isinstance(customers, NotMeasured):
        return customers
    rows, left_out = value_by_group(results, language)
    names = label("kpis.name_join", language).join(left_out)
    if rows.empty and not left_out:
        return NotMeasured("no_rows")
    if rows.empty:
        return callout(_words("groups_none", language, names=names), language)
    for name in ("equity", "per_customer"):
        rows[f"{name}_interval"] = _intervals(rows, f"{name}_low", f"{name}_high", results.book, language)
    columns = [
        _column("group", "group", language),
        _column("customers", "customers", language, "number", decimals=0),
        *_value_columns(language, "equity_interval", "per_customer_interval"),
    ]
    notes = [_words("groups_note", language)]
    notes += [_words("groups_left_out", language, names=names)] if left_out else []
    is_cut = (rows.groupby("dimension").size() >= MOST_GROUPS).any()
    notes += [_words("groups_most", language, most=MOST_GROUPS)] if is_cut else []
    note = _sentences(notes, language)
    return _table(rows, columns, "groups", results.book, language, note=note, group_by="dimension")


def _intervals(rows: pd.DataFrame, low: str, high: str, book: Book, language: str) -> list[str | None]:
    """Intervals of money in words; missing where there is none."""
    currency = book.settings.currency
    return [
        None if is_missing(first) else format_interval(first, last, "money", language, currency=currency)
        for first, last in zip(rows[low], rows[high], strict=True)
    ]


def _value_columns(language: str, interval: str, interval_each: str | None = None) -> list[Column]:
    """Equity, its share, and value per customer; intervals stand below where there are columns with them."""
    return [
        _column("equity", "equity", language, "money", decimals=0, strong=True, detail_from=interval),
        _column("share", "share", language, "percent"),
        _column("per_customer", "per_customer", language, "money", detail_from=interval_each),
    ]


@html_per_language
def show_value_by_spend(results: Results, *, language: str) -> Markup | NotMeasured:
    """Value of thirds of the repeat buyers by spend and of one-time buyers, beside what they spent so far."""
    customers, book = valued_customers(results), results.book
    if isinstance(customers, NotMeasured):
        return customers
    rows = value_by_spend(customers, language)
    rows["interval"] = _intervals(rows, "low", "high", book, language)
    columns = [
        _column("group", "group", language),
        _column("customers", "customers", language, "number"),
        _column("spent", "spent", language, "money"),
        _column("expected_spend", "expected_spend", language, "money"),
        *_value_columns(language, "interval"),
    ]
    note = _words("spend_note", language)
    return _table(rows, columns, "spend", book, language, note=note, phone="cards")


@html_per_language
def show_segments(results: Results, *, language: str) -> Markup | NotMeasured:
    """Valuable, at-risk and ineffective customers with their equity; one-time buyers apart."""
    customers, book = valued_customers(results), results.book
    if isinstance(customers, NotMeasured):
        return customers
    rows = value_by_segment(customers, language)
    rows["interval"] = _intervals(rows, "low", "high", book, language)
    columns = [
        _column("group", "segment", language, detail_from="what"),
        _column("customers", "customers", language, "number"),
        _column("chance", "chance", language, "percent", decimals=0),
        *_value_columns(language, "interval"),
    ]
    limits = (book.settings.at_risk_value_share, book.settings.at_risk_p_alive)
    share, p_alive = (_share(limit, language) for limit in limits)
    note = _words("segments_note", language, share=share, p_alive=p_alive)
    return _table(rows, columns, "segments", book, language, note=note, group_by="bought", phone="cards")


@html_per_language
def show_top_customers(results: Results, n: int = TOP_CUSTOMERS, *, language: str) -> Markup | NotMeasured:
    """The customers of the highest predicted value, and what it rests on."""
    customers, book = valued_customers(results), results.book
    if isinstance(customers, NotMeasured):
        return customers
    rows = top_customers(customers, n)
    rows["interval"] = _intervals(rows, "clv_low", "clv_high", book, language)
    columns = [
        _column("name", "customer", language, detail_from="id_below"),
        _column("predicted_clv", "clv", language, "money", strong=True, detail_from="interval"),
        _column("expected_purchases", "purchases", language, "number", decimals=1),
        _column("expected_spend", "spend", language, "money"),
        _column("chance", "chance", language, "percent", decimals=0),
        _column("last_order_on", "last_order", language, "date"),
        _column("net_revenue_to_date", "so_far", language, "money"),
    ]
    note = _words("top_note", language, quarters=book.settings.horizon_quarters)
    return _table(rows, columns, "top", book, language, note=note)


# --- how it was worked out ----------------------------------------------------------------------------


@html_per_language
def show_ways_to_value(results: Results, *, language: str) -> Markup:
    """Historical, formula and predicted value of a customer side by side, with what each means."""
    columns = [
        _column("name", "way", language),
        _column("value", "value", language, "money", strong=True, reason_from="reason"),
        _column("low", "interval", language, "money", high="high", reason_from="reason"),
        _column("n", "n", language, "number", decimals=0),
        _column("meaning", "what", language),
    ]
    rows = way_rows(results, language)
    note = _words("ways_note", language, quarters=results.book.settings.horizon_quarters)
    return _table(rows, columns, "ways", results.book, language, note=note, group_by="way", phone="cards")


@html_per_language
def show_models(results: Results, *, language: str) -> Markup | NotMeasured:
    """Both purchase models and the spend model: how the fit went, every parameter with its standard error."""
    if results.fits.empty:
        return _why_no_values(results)
    return _fits(results, language) + _parameters(results, language)


def _fits(results: Results, language: str) -> Markup:
    columns = [
        _column("name", "model", language, detail_from="models"),
        _column("customers", "customers", language, "number", decimals=0),
        _column("log_likelihood", "log_likelihood", language, "number", decimals=1),
        _column("status", "status", language),
        _column("message", "message", language),
    ]
    used = model_name(results.fits.set_index("role").loc[results.chosen_model, "model"], language)
    rows, note = fit_rows(results, language), _words("fits_note", language, chosen=used)
    return _table(rows, columns, "fits", results.book, language, note=note, phone="cards")


def _parameters(results: Results, language: str) -> Markup:
    shown = {"unit": "number", "decimals_from": "decimals", "reason_from": "reason"}
    columns = [
        _column("parameter", "parameter", language),
        _column("estimate", "estimate", language, **shown),
        _column("standard_error", "standard_error", language, **shown),
        _column("meaning", "what", language),
    ]
    rows = parameter_rows(results, language)
    return _table(rows, columns, "parameters", results.book, language, group_by="model")
