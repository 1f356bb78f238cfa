"""The frames behind the data-quality page: what was read, covered, reconciled and set, one function each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pandas as pd

from analysis.catalogue import DEFAULT, Metric, label
from analysis.engine import open_engine
from analysis.facts import Book
from analysis.periods import Window
from analysis.report.explained import fill_in
from analysis.report.kpis_shown import kpi_rows, not_measured_list, say_period, say_reason, variant_name
from analysis.report.pages.customer_value_rows import model_name
from analysis.report.pages.definitions import formula_in_words
from analysis.report.tables_shown import (
    format_date,
    format_date_range,
    format_number,
    format_percent,
    is_missing,
)
from analysis.suite import Results
from analysis.suite.reconcile import IDENTITIES
from analysis.tables.quality import STAGES, rule_words

ALL_GOOD, SOME_BROKEN, NOTHING_TO_CHECK = "holds", "broken", "unchecked"
LONGEST_CELL = 60
DAILY_UP_TO_DAYS = 62
HASH_DIGITS = 16
FITS_WITHIN = 0.10  # an activity window this near to the suggested one is as good

SETTINGS_SHOWN: dict[str, tuple[str, ...]] = {
    "data": (
        "currency", "time_zone", "fiscal_year_start_month", "data_through", "settle_days", "max_rejected_share",
        "first_possible_date", "exclusions",
    ),
    "customers": ("activity_window_days", "frequent_orders", "new_customers_by"),
    "value": (
        "gross_margin", "discount_rate_per_year", "horizon_quarters", "lifetime_cap_years", "model", "at_risk_p_alive",
        "at_risk_value_share", "model_draws", "random_seed",
    ),
    "judging": ("confidence_level", "small_sample", "sparkline_periods", "dimensions", "variants"),
}  # fmt: skip
"""The settings that change numbers, in the order they are shown."""

SETTINGS_LEFT_OUT = (
    "company", "company_id", "languages", "headline_metrics", "pages", "engine", "tables",
)  # fmt: skip
"""Those that change only what is shown or where it runs; tables have a section of their own."""

SHARES = (
    "max_rejected_share", "gross_margin", "discount_rate_per_year", "at_risk_p_alive", "at_risk_value_share",
    "confidence_level",
)  # fmt: skip


# --- what was read ------------------------------------------------------------------------------------


def read_rows(results: Results, language: str) -> pd.DataFrame:
    """What became of the rows of every table: ``table, what, words, rows, share, amount, first_row``.

    One row for each stage and rule, in the order of reading; a table without rejected rows says so. ``share``
    is of the rows read.
    """
    rows = []
    for table, part in results.quality.groupby("table", sort=False):
        read = int(part.loc[part["stage"] == "read", "rows"].sum())
        found = part.to_dict("records")
        if not (part["stage"] == "rejected").any():
            found.append({"stage": "rejected", "rule": None, "rows": 0, "amount": None, "first_row": None})
        found.sort(key=lambda row: (STAGES.index(row["stage"]), -row["rows"]))
        rows += [_read_row(results.book, str(table), row, read, language) for row in found]
    return pd.DataFrame(rows)


def _read_row(book: Book, table: str, row: dict[str, Any], read: int, language: str) -> dict[str, Any]:
    is_note = row["stage"] == "note" and not row["rows"]
    return {
        "table": _table_words(book, table, language),
        "what": label(f"data_quality.stage_{row['stage']}", language),
        "words": _rule_in_words(row["rule"], book, language),
        "rows": None if is_note else row["rows"],
        "share": None if is_note or not read else row["rows"] / read,
        "amount": row["amount"],
        "first_row": None if is_missing(row["first_row"]) else int(row["first_row"]),
    }


def _table_words(book: Book, table: str, language: str) -> str:
    contract = book.catalogue.tables[table]
    name, row = contract.name.in_(language), contract.row.in_(language)
    source = book.settings.tables.get(table)
    key = "table_of_lines" if source and source.given_as else "table_of"
    return label(f"data_quality.{key}", language, name=name, row=row)


def _rule_in_words(rule: Any, book: Book, language: str) -> str | None:
    """A rule's words; those of the settings' own exclusions are their reason."""
    if is_missing(rule):
        return None
    exclusion = book.settings.exclusions.get(rule)
    if exclusion is None:
        return rule_words(rule, language)
    return label("data_quality.own_rule", language, name=rule, reason=exclusion.reason or exclusion.where)


def rejected_rows(results: Results, n: int, language: str) -> pd.DataFrame:
    """The first rejected rows: ``place`` (file), ``row``, ``column``, ``found`` and what the rule says."""
    first = results.rejected.sort_values(["table", "source_file", "source_row"], kind="stable").head(n)
    return pd.DataFrame({
        "row": first["source_row"],
        "file": first["source_file"],
        "column": first["column"],
        "found": [None if is_missing(found) else _shortened(str(found)) for found in first["found"]],
        "words": [rule_words(rule, language) for rule in first["rule"]],
    }).reset_index(drop=True)  # fmt: skip


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL - 1] + "…"


# --- what the data cover ------------------------------------------------------------------------------


def orders_by_day(book: Book) -> pd.DataFrame:
    """Orders of the checked table by day, returns left out: ``day, orders``, every day of the files.

    Days after the period are among them: the page is about the files. No metric looks at them.
    """
    if "orders" not in book.prepared.tables:
        return pd.DataFrame({"day": pd.Series(dtype="datetime64[us]"), "orders": pd.Series(dtype="int64")})
    engine = open_engine(book.settings.engine)
    engine.view_parquet("checked_orders", book.prepared.tables["orders"])
    sql = "select ordered_on as day, count(*) as orders from checked_orders where not is_return group by 1 order by 1"
    days = engine.run(sql)
    engine.close()
    return days.assign(day=pd.to_datetime(days["day"]))


def order_rates(days: pd.DataFrame) -> pd.DataFrame:
    """Orders a day over time: ``starts_on, days, orders, per_day``; by weeks, or by days where these are few.

    Weeks count from the first day with an order; the last one may be shorter, and its rate is that of its own
    days. Stretches without orders stand with 0.
    """
    if days.empty:
        return pd.DataFrame(columns=["starts_on", "days", "orders", "per_day"])
    first, last = days["day"].min(), days["day"].max()
    span = (last - first).days + 1
    step = 1 if span <= DAILY_UP_TO_DAYS else 7
    place = (days["day"] - first).dt.days // step
    orders = days["orders"].groupby(place).sum().reindex(range((span - 1) // step + 1), fill_value=0)
    lengths = [min(step, span - step * number) for number in orders.index]
    return pd.DataFrame({
        "starts_on": [first + timedelta(days=step * int(number)) for number in orders.index],
        "days": lengths, "orders": orders.to_numpy(), "per_day": orders.to_numpy() / lengths,
    })  # fmt: skip


def shown_windows(book: Book) -> dict[str, Window]:
    """The window measured and those it is compared with: ``this``, ``previous``, ``year_ago``."""
    by_label = {window.label: window for window in book.windows}
    earlier = {name: by_label.get(other) for name, other in book.baselines[book.window.label].items()}
    return {"this": book.window} | {name: window for name, window in earlier.items() if window}


def window_rows(book: Book, days: pd.DataFrame, language: str) -> pd.DataFrame:
    """The data and every window looked at: ``name, period, range, days, covered``."""
    rows = [_data_row(book, days, language)] if len(days) else []
    for name, window in shown_windows(book).items():
        rows.append({
            "name": label(f"data_quality.window_{name}", language),
            "period": say_period(window.label, book, language),
            "range": format_date_range(window.start, window.last_day, language) if window.days else None,
            "days": window.days,
            "covered": _coverage_words(book, window, language),
        })  # fmt: skip
    return pd.DataFrame(rows)


def _data_row(book: Book, days: pd.DataFrame, language: str) -> dict[str, Any]:
    first, last = days["day"].min().date(), days["day"].max().date()
    set_end = book.settings.data_through
    words = "data_end_set" if set_end else "data_end_found" if book.coverage.end else "data_end_unknown"
    return {
        "name": label("data_quality.window_data", language),
        "period": None,
        "range": format_date_range(first, last, language),
        "days": (last - first).days + 1,
        "covered": label(f"data_quality.{words}", language, end=format_date(set_end, language)),
    }


def _coverage_words(book: Book, window: Window, language: str) -> str:
    coverage, start = book.coverage, format_date(book.coverage.start, language)
    if coverage.start is None or not window.days:
        return label("data_quality.covered_not", language)
    if coverage.is_before(window):
        return label("data_quality.covered_before", language, start=start)
    if coverage.begins_inside(window):
        return label("data_quality.covered_inside", language, start=start)
    if window.is_partial and window == book.window:
        return label("data_quality.covered_partial", language, days=window.days, all_days=window.period.days)
    return label("data_quality.covered", language)


def activity_words(setting_days: int, suggested_days: int | None, language: str) -> str:
    """What the gaps between orders say about the setting of the activity window."""
    if suggested_days is None:
        return label("data_quality.activity_unknown", language, days=setting_days)
    nearness = abs(setting_days - suggested_days) / suggested_days
    fit = "fits" if nearness <= FITS_WITHIN else "short" if setting_days < suggested_days else "long"
    return label(f"data_quality.activity_{fit}", language, days=setting_days, suggested=suggested_days)


# --- what adds up -------------------------------------------------------------------------------------


def identity_rows(results: Results, language: str) -> pd.DataFrame:
    """Every identity of the reconciliation: ``identity, words, checks, broken, state``; also those never asked."""
    checks = results.identities
    rows = []
    for name in IDENTITIES:
        held = checks.loc[checks["identity"] == name, "holds"].astype(bool)
        broken = int((~held).sum())
        state = SOME_BROKEN if broken else ALL_GOOD if len(held) else NOTHING_TO_CHECK
        rows.append({
            "identity": name, "words": label(f"data_quality.identity_{name}", language), "checks": len(held),
            "broken": broken, "state": label(f"data_quality.state_{state}", language),
        })  # fmt: skip
    return pd.DataFrame(rows)


def broken_rows(results: Results, language: str) -> pd.DataFrame:
    """The checks that do not hold: ``words, subject, left, relation, right``."""
    broken = results.identities[~results.identities["holds"].astype(bool)]
    words = [label(f"data_quality.identity_{name}", language) for name in broken["identity"]]
    return broken.assign(words=words).reset_index(drop=True)


# --- settings, inputs, absent tables ------------------------------------------------------------------


def setting_rows(book: Book, language: str) -> pd.DataFrame:
    """The settings that change numbers: ``section, name, key, value, meaning``."""
    rows = []
    for section, keys in SETTINGS_SHOWN.items():
        for key in keys:
            rows.append({
                "section": label(f"data_quality.settings_{section}", language), "key": key,
                "name": label(f"data_quality.setting_{key}", language),
                "value": setting_value(key, getattr(book.settings, key), book, language),
                "meaning": label(f"data_quality.setting_{key}_why", language),
            })  # fmt: skip
    return pd.DataFrame(rows)


def setting_value(key: str, value: Any, book: Book, language: str) -> str:
    """A setting's value as a reader writes it; what is not set says what holds instead."""
    joined = label("kpis.name_join", language).join
    if key == "model":
        return model_name(value, language)
    if value is None or value in ({}, ()):
        return label(f"data_quality.unset_{key}", language)
    if key in SHARES:
        return format_percent(value, language, decimals=0 if round(100 * value, 6).is_integer() else None)
    if key == "dimensions":
        return joined(book.catalogue.dimensions[name].name.in_(language) for name in value)
    if key == "variants":
        return joined(_chosen_variant(book, name, variant, language) for name, variant in value.items())
    if key == "exclusions":
        return joined(_exclusion(name, rule, language) for name, rule in value.items())
    if isinstance(value, date):
        return format_date(value, language)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _chosen_variant(book: Book, metric_id: str, variant: str, language: str) -> str:
    metric = book.catalogue.metric(metric_id, variant)
    name = variant_name(metric, language) or label("data_quality.variant_default", language)
    return f"{metric.name.in_(language)}: {name}" if language == "en" else f"{metric.name.in_(language)}：{name}"


def _exclusion(name: str, rule: Any, language: str) -> str:
    out_of = label("kpis.name_join", language).join(label(f"data_quality.out_of_{each}", language) for each in rule.out_of)
    return label("data_quality.exclusion", language, name=name, where=rule.where, out_of=out_of)


def input_rows(book: Book) -> pd.DataFrame:
    """The source files: ``file, rows, hash`` (the first digits of SHA-256)."""
    inputs = book.prepared.inputs.items()
    return pd.DataFrame(
        [{"file": name, "rows": about["rows"], "hash": about["sha256"][:HASH_DIGITS]} for name, about in inputs],
        columns=["file", "rows", "hash"],
    )


def absent_rows(book: Book, language: str) -> pd.DataFrame:
    """The tables not supplied, and what each would add: ``table, row, metrics, breakdowns``."""
    join = label("kpis.name_join", language).join
    rows = []
    for name in book.absent:
        contract = book.catalogue.tables[name]
        breakdowns = [d.name.in_(language) for d in book.catalogue.dimensions.values() if name in d.needs]
        rows.append({
            "table": contract.name.in_(language),
            "row": label("data_quality.row_for", language, row=contract.row.in_(language)),
            "metrics": join(_metrics_needing(book, name, language)) or None,
            "breakdowns": join(breakdowns) or None,
        })  # fmt: skip
    return pd.DataFrame(rows, columns=["table", "row", "metrics", "breakdowns"])


def _metrics_needing(book: Book, table: str, language: str) -> Iterator[str]:
    """The metrics shown that need a table, by name; where only variants do, with these."""
    for metric in (metric for metric in book.catalogue.metrics.values() if metric.shown):
        needing = [variant for variant in metric.all_variants() if table in variant.needs]
        if any(variant.variant == DEFAULT for variant in needing):
            yield metric.name.in_(language)
        elif needing:
            names = label("kpis.name_join", language).join(variant_name(variant, language) for variant in needing)
            yield label("data_quality.with_variants", language, name=metric.name.in_(language), variants=names)


# --- one metric under every definition ----------------------------------------------------------------


def variant_rows(results: Results, language: str) -> tuple[pd.DataFrame, list[str]]:
    """The metrics that have several definitions (口径), each definition with its value in the period.

    Returns
    -------
    rows, not_measured
        Rows: ``metric`` (the section), ``name, in_use, value, low, high, n, unit, reason, formula``. Metrics with
        no value under any definition are not among them but named, with the reason, in ``not_measured``.
    """
    book = results.book
    several = [metric for metric in book.catalogue.metrics.values() if metric.variants and metric.shown]
    rows = kpi_rows(results, [variant for metric in several for variant in metric.all_variants()])
    has_value = rows["value"].notna().groupby(rows["metric"]).transform("any")
    absent = rows[~has_value & (rows["variant"] == [book.settings.variants.get(m, DEFAULT) for m in rows["metric"]])]
    rows = rows[has_value][["metric", "variant", "unit", "value", "low", "high", "n", "reason"]]
    metrics = [book.catalogue.metric(row.metric, row.variant) for row in rows.itertuples()]
    in_use = label("data_quality.in_use", language)
    shown = rows.assign(
        metric=[metric.name.in_(language) for metric in metrics],
        name=[variant_name(m, language) or label("data_quality.variant_default", language) for m in metrics],
        in_use=[in_use if _is_in_use(book, metric) else None for metric in metrics],
        reason=[say_reason(reason, book, language) for reason in rows["reason"]],
        formula=[_formula(metric, book, language) for metric in metrics],
        n=rows["n"].where(rows["value"].notna()),
    )
    return shown.reset_index(drop=True), not_measured_list(results, absent, language)


def _is_in_use(book: Book, metric: Metric) -> bool:
    return book.settings.variants.get(metric.id, DEFAULT) == metric.variant


def _formula(metric: Metric, book: Book, language: str) -> str:
    """How the metric is worked out, on which rows."""
    formula, where = (fill_in(text or "", book.setting_values) for text in (formula_in_words(metric, language), metric.where))
    return label("data_quality.formula_where", language, formula=formula, where=where) if where else formula


def number(value: Any, language: str) -> str:
    """A count with thousands separators."""
    return format_number(value, language, decimals=0)


