"""What the data-quality page shows of the data: what was read, what is covered, what adds up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd

from analysis.catalogue import label
from analysis.engine import open_engine
from analysis.facts import Book
from analysis.periods import Window
from analysis.report.identities_shown import say_subjects
from analysis.report.kpis_shown import say_period
from analysis.report.numbers_shown import format_date, format_date_range, format_number, is_missing
from analysis.suite import Results
from analysis.suite.reconcile import IDENTITIES
from analysis.tables.quality import STAGES, rule_words

LONGEST_CELL = 60
DAILY_UP_TO_DAYS = 62
FITS_WITHIN = 0.10  # an activity window this near to the suggested one is as good


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
    days = engine.run(_ORDERS_BY_DAY)
    engine.close()
    return days.assign(day=pd.to_datetime(days["day"]))


_ORDERS_BY_DAY = """
select ordered_on as day, count(*) as orders from checked_orders where not is_return group by 1 order by 1
"""


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
    """Every identity of the reconciliation, asked or not: ``identity, words, checks, broken, state``."""
    checks = results.identities
    rows = []
    for name in IDENTITIES:
        held = checks.loc[checks["identity"] == name, "holds"].astype(bool)
        broken = int((~held).sum())
        state = "broken" if broken else "holds" if len(held) else "unchecked"
        rows.append({
            "identity": name, "words": label(f"data_quality.identity_{name}", language), "checks": len(held),
            "broken": broken, "state": label(f"data_quality.state_{state}", language),
        })  # fmt: skip
    return pd.DataFrame(rows)


def broken_rows(results: Results, language: str) -> pd.DataFrame:
    """The checks that do not hold: ``words, subject, left, relation, right``."""
    broken = results.identities[~results.identities["holds"].astype(bool)]
    words = [label(f"data_quality.identity_{name}", language) for name in broken["identity"]]
    subjects = say_subjects(broken, results.book, language)
    return broken.assign(words=words, subject=subjects).reset_index(drop=True)


def number(value: Any, language: str) -> str:
    """A count with thousands separators."""
    return format_number(value, language, decimals=0)
