"""Customer value: what the customers are worth, how sure that is, who holds it, and how it was worked out."""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup

from analysis.catalogue import DEFAULT, label
from analysis.facts import NotMeasured
from analysis.report.kpis_shown import chosen
from analysis.report.pages.customer_value_rows import (
    MOST_GROUPS,
    chosen_model,
    fit_rows,
    holdout_rows,
    latest_error,
    model_name,
    parameter_rows,
    predictive_interval,
    top_customers,
    trust_rows,
    value_by_group,
    value_by_segment,
    value_by_spend,
    valued_customers,
    way_rows,
    worst_verdict,
)
from analysis.report.pages.scorecard import headline_tile
from analysis.report.per_language import html_per_language
from analysis.report.tables_shown import (
    Column,
    callout,
    format_date,
    format_interval,
    format_number,
    format_percent,
    is_missing,
    kpi_tiles,
    table_html,
)
from analysis.report.tables_shown import label as page_word
from analysis.suite import Results

TILES = ("customer_equity", "predicted_clv", "new_customer_expected_value", "at_risk_share")
TOP_CUSTOMERS = 20


def _words(key: str, language: str, **values: Any) -> str:
    return label(f"customer_value.{key}", language, **values)


def _column(key: str, heading: str, language: str, unit: str = "text", **options: Any) -> Column:
    return Column(key, _words(f"head_{heading}", language), unit, **options)


# --- first: can it be trusted -------------------------------------------------------------------------


@html_per_language
def show_trust(results: Results, *, language: str) -> Markup | NotMeasured:
    """Whether the values can be used: one verdict, and the checks behind it with the rule of each in words."""
    checks = trust_rows(results, language)
    if checks.empty:
        return NotMeasured("no_rows")
    worst = worst_verdict(checks["verdict"])
    concerned = int((checks["verdict"] != "trusted").sum())
    summary = callout(
        _words(f"trust_{worst}", language, checks=len(checks), concerned=concerned), language,
        kind="note" if worst == "trusted" else "warning", title=_sentence_case(page_word(f"verdict_{worst}", language)),
    )  # fmt: skip
    columns = [
        _column("check", "check", language, detail_from="of"),
        _column("verdict", "verdict", language, shown_as="verdict"),
        _column("rule", "rule", language),
        _column("meaning", "meaning", language),
    ]
    table = table_html(
        checks, columns, caption=_words("trust_caption", language), language=language, phone="cards"
    )
    return summary + table


def _sentence_case(words: str) -> str:
    return words[:1].upper() + words[1:]


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
    lines = [*_what_counts(results, language), *_how_sure(results, language)]
    return callout("", language, title=_words("basis_title", language), items=lines)


def _what_counts(results: Results, language: str) -> list[str]:
    book, settings = results.book, results.book.settings
    rate = format_percent(settings.discount_rate_per_year, language, decimals=_decimals(settings.discount_rate_per_year))
    last_day = format_date(book.window.last_day, language)
    basis = (
        _words("basis_revenue", language)
        if settings.gross_margin == 1
        else _words("basis_margin", language, margin=format_percent(settings.gross_margin, language, decimals=_decimals(settings.gross_margin)))
    )
    return [
        _words("basis_horizon", language, quarters=settings.horizon_quarters, last_day=last_day, rate=rate),
        basis,
    ]


def _decimals(share: float) -> int:
    """Decimals with which a share that was set reads best: none for a whole percentage."""
    return 0 if round(100 * share, 6).is_integer() else 1


def _how_sure(results: Results, language: str) -> list[str]:
    book, equity = results.book, results.kpi("customer_equity", DEFAULT)
    currency = book.settings.currency
    low, high, noise = predictive_interval(equity, results.customers)
    lines = []
    if not is_missing(equity["low"]):
        interval = format_interval(equity["low"], equity["high"], "money", language, currency=currency)
        lines.append(
            _words(
                "basis_interval", language, interval=interval, customers=format_number(equity["n"], language)
            )
        )
    if is_missing(low):
        lines.append(_words("basis_noise_unknown", language))
    else:
        interval = format_interval(low, high, "money", language, currency=currency)
        lines.append(
            _words(
                "basis_noise", language, interval=interval, share=format_percent(noise, language, decimals=0)
            )
        )
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
    columns = [
        _column("name", "model", language),
        _column("forecast_total", "forecast", language, "number", decimals=0, detail_from="interval"),
        _column("actual_total", "actual", language, "number", decimals=0, detail_from="inside"),
        _column(
            "relative_error",
            "error",
            language,
            "percent",
            signed=True,
            detail_from="per_customer",
            strong=True,
        ),
        _column(
            "relative_error_last_quarter",
            "error_last_quarter",
            language,
            "percent",
            signed=True,
            detail_from="per_customer_last_quarter",
        ),
        _column(
            "relative_error_own_rate",
            "error_own_rate",
            language,
            "percent",
            signed=True,
            detail_from="per_customer_own_rate",
        ),
        _column("gini", "gini", language, "number", decimals=2),
        _column("top_decile_lift", "lift", language, "number", decimals=1),
        _column("verdict", "verdict", language, shown_as="verdict"),
    ]
    return table_html(
        holdout_rows(results, language), columns, caption=_words("holdout_caption", language), language=language,
        note=_words("holdout_note", language), group_by="period",
    )  # fmt: skip


# --- who holds it -------------------------------------------------------------------------------------


@html_per_language
def show_value_by_group(results: Results, *, language: str) -> Markup | NotMeasured:
    """Equity and value per customer of every group of the run's dimensions, with intervals and shares."""
    customers = valued_customers(results)
    if isinstance(customers, NotMeasured):
        return customers
    rows, left_out = value_by_group(results, language)
    names = ("、" if language == "zh" else ", ").join(left_out)
    if rows.empty:
        return (
            callout(_words("groups_none", language, names=names), language)
            if left_out
            else NotMeasured("no_rows")
        )
    notes = [_words("groups_note", language)]
    notes += [_words("groups_left_out", language, names=names)] if left_out else []
    notes += (
        [_words("groups_most", language, most=MOST_GROUPS)]
        if (rows.groupby("dimension").size() == MOST_GROUPS).any()
        else []
    )
    book = results.book
    columns = [
        _column("group", "group", language),
        _column("customers", "customers", language, "number", decimals=0),
        _column(
            "equity", "equity", language, "money", decimals=0, strong=True, detail_from="equity_interval"
        ),
        _column("share", "share", language, "percent"),
        _column("per_customer", "per_customer", language, "money", detail_from="per_customer_interval"),
    ]
    for name in ("equity", "per_customer"):
        rows[f"{name}_interval"] = _money_intervals(
            rows[f"{name}_low"], rows[f"{name}_high"], book.settings.currency, language
        )
    return table_html(
        rows, columns, caption=_words("groups_caption", language), language=language, note=" ".join(notes),
        currency=book.settings.currency, group_by="dimension",
    )  # fmt: skip


def _money_intervals(low: pd.Series, high: pd.Series, currency: str, language: str) -> list[str]:
    return [
        "" if is_missing(a) else format_interval(a, b, "money", language, currency=currency)
        for a, b in zip(low, high, strict=True)
    ]


@html_per_language
def show_value_by_spend(results: Results, *, language: str) -> Markup | NotMeasured:
    """Value of the repeat buyers by thirds of their spend and of one-time buyers, beside what they spent so far."""
    customers = valued_customers(results)
    if isinstance(customers, NotMeasured):
        return customers
    columns = [
        _column("group", "group", language),
        _column("customers", "customers", language, "number"),
        _column("spent", "spent", language, "money"),
        _column("expected_spend", "expected_spend", language, "money"),
        *_value_columns(language),
    ]
    rows = value_by_spend(customers, language)
    return _sums_table(rows, columns, "spend", _words("spend_note", language), results, language)


def _value_columns(language: str) -> list[Column]:
    return [
        _column("equity", "equity", language, "money", decimals=0, strong=True, detail_from="interval"),
        _column("share", "share", language, "percent"),
        _column("per_customer", "per_customer", language, "money"),
    ]


def _sums_table(
    rows: pd.DataFrame,
    columns: list[Column],
    name: str,
    note: str,
    results: Results,
    language: str,
    **options: Any,
) -> Markup:
    currency = results.book.settings.currency
    rows["interval"] = _money_intervals(rows["low"], rows["high"], currency, language)
    return table_html(
        rows,
        columns,
        caption=_words(f"{name}_caption", language),
        language=language,
        note=note,
        currency=currency,
        phone="cards",
        **options,
    )


@html_per_language
def show_segments(results: Results, *, language: str) -> Markup | NotMeasured:
    """Valuable, at-risk and ineffective customers with their equity; one-time buyers apart."""
    customers = valued_customers(results)
    if isinstance(customers, NotMeasured):
        return customers
    settings = results.book.settings
    columns = [
        _column("group", "segment", language, detail_from="what"),
        _column("customers", "customers", language, "number"),
        _column("chance", "chance", language, "percent", decimals=0),
        *_value_columns(language),
    ]
    note = _words(
        "segments_note", language, share=format_percent(settings.at_risk_value_share, language, decimals=0),
        p_alive=format_percent(settings.at_risk_p_alive, language, decimals=0),
    )  # fmt: skip
    return _sums_table(
        value_by_segment(customers, language), columns, "segments", note, results, language, group_by="bought"
    )


@html_per_language
def show_top_customers(results: Results, n: int = TOP_CUSTOMERS, *, language: str) -> Markup | NotMeasured:
    """The customers of the highest predicted value, and what it rests on."""
    customers = valued_customers(results)
    if isinstance(customers, NotMeasured):
        return customers
    book = results.book
    rows = top_customers(customers, n, language, book)
    columns = [
        _column("name", "customer", language, detail_from="id_below"),
        _column("predicted_clv", "clv", language, "money", strong=True, detail_from="interval"),
        _column("expected_purchases", "purchases", language, "number", decimals=1),
        _column("expected_spend", "spend", language, "money"),
        _column("chance", "chance", language, "percent", decimals=0),
        _column("last_order_on", "last_order", language, "date"),
        _column("net_revenue_to_date", "so_far", language, "money"),
    ]
    return table_html(
        rows, columns, caption=_words("top_caption", language, n=len(rows)), language=language, currency=book.settings.currency,
        note=_words("top_note", language, quarters=book.settings.horizon_quarters),
    )  # fmt: skip


# --- how it was worked out ----------------------------------------------------------------------------


@html_per_language
def show_ways_to_value(results: Results, *, language: str) -> Markup:
    """Historical, formula and predicted value of a customer side by side, with what each means."""
    book = results.book
    columns = [
        _column("name", "way", language),
        _column("value", "value", language, "money", strong=True, reason_from="reason"),
        _column("low", "interval", language, "money", high="high", reason_from="reason"),
        _column("n", "n", language, "number", decimals=0),
        _column("meaning", "what", language),
    ]
    return table_html(
        way_rows(results, language), columns, caption=_words("ways_caption", language), language=language, phone="cards",
        note=_words("ways_note", language, quarters=book.settings.horizon_quarters), currency=book.settings.currency,
        group_by="way",
    )  # fmt: skip


@html_per_language
def show_models(results: Results, *, language: str) -> Markup | NotMeasured:
    """Both purchase models and the spend model: how the fit went, and every parameter with its standard error."""
    if results.fits.empty:
        return NotMeasured("no_rows")
    fitted = [
        _column("name", "model", language, detail_from="models"),
        _column("customers", "customers", language, "number", decimals=0),
        _column("log_likelihood", "log_likelihood", language, "number", decimals=1),
        _column("status", "status", language),
        _column("message", "message", language),
    ]
    parameters = [
        _column("parameter", "parameter", language),
        _column("estimate", "estimate", language, "number", decimals=4, reason_from="reason"),
        _column("standard_error", "standard_error", language, "number", decimals=4, reason_from="reason"),
        _column("meaning", "what", language),
    ]
    chosen = model_name(results.fits.set_index("role").loc[chosen_model(results), "model"], language)
    note = _words("fits_note", language, chosen=chosen)
    fits = table_html(
        fit_rows(results, language),
        fitted,
        caption=_words("fits_caption", language),
        language=language,
        note=note,
        phone="cards",
    )
    return fits + table_html(
        parameter_rows(results, language), parameters, caption=_words("parameters_caption", language), language=language,
        group_by="model",
    )  # fmt: skip
