"""The workbook that goes with a group's letter: its figures, those of a team's managers, its customers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from analysis.catalogue import Metric, label
from analysis.delivery.letter import GROUP_COLUMNS, MEDIA, Attachment
from analysis.delivery.letter_parts import plain
from analysis.delivery.sheets import CHANGE_UNITS, Sheet, SheetColumn, number_unit
from analysis.delivery.slice_customers import are_orders_withheld
from analysis.delivery.slice_figures import slice_managers
from analysis.delivery.slices import Slice
from analysis.delivery.suppression import MANAGER, TEAM
from analysis.report.kpis_shown import (
    AGAINST,
    change_shown,
    comparisons,
    group_name,
    metric_name,
    say_period,
    unit_of,
    verdict_shown,
)
from analysis.report.numbers_shown import format_date, is_missing
from analysis.suite import Results


def metric_of(results: Results, row: Mapping[str, Any]) -> Metric:
    """The metric that a row is of, under its variant."""
    return results.book.catalogue.metric(row["metric"], row["variant"])


def change_of(row: Mapping[str, Any], against: str) -> dict[str, Any] | None:
    """A row's change against a window, named as in the frame of changes; None where there is none to show."""
    if is_missing(row[f"{against}_difference"]):
        return None
    return {
        name: row[f"{against}_{name}"] for name in ("base_value", "difference", "relative_change", "verdict")
    }


def withheld_note(results: Results, figures: pd.DataFrame, language: str) -> str:
    """Why figures are withheld; empty where none is."""
    if not figures["is_withheld"].any():
        return ""
    return label("mail.withheld_note", language, count=results.book.settings.smallest_cell)


def slice_workbook(
    results: Results, wanted: Slice, figures: pd.DataFrame, customers: pd.DataFrame, language: str
) -> Attachment:
    """The group's figures and customers as an Excel workbook, without formulas."""
    from analysis.delivery.excel import write_sheets

    managers = slice_managers(results, wanted)
    sheets = [_figure_sheet(results, figures, "slice_figures", language)]
    if len(managers):
        sheets.append(_figure_sheet(results, managers, "slice_managers", language))
    sheets.append(_customer_sheet(results, wanted, customers, language))
    group = re.sub(r"[^\w-]+", "_", plain(wanted.group, GROUP_COLUMNS)).strip("_") or "group"
    book = results.book
    with TemporaryDirectory() as folder:
        content = write_sheets(book, sheets, Path(folder) / "slice.xlsx", language).read_bytes()
    return Attachment(
        f"{book.params.company_id}_{book.period.label}_{group}_{language}.xlsx", content, MEDIA["xlsx"]
    )


def _figure_sheet(results: Results, figures: pd.DataFrame, key: str, language: str) -> Sheet:
    book = results.book
    shown = [against for against in comparisons(book) if figures[f"{against}_difference"].notna().any()]
    rows = pd.DataFrame([_sheet_row(results, row, language) for row in figures.to_dict("records")])
    columns = _figure_columns(results, shown, key, language)
    note = withheld_note(results, figures, language) if len(figures) else ""
    notes = [note] if note else []
    return Sheet(key, rows.reindex(columns=_columns_of(columns)), columns, notes, frozen_columns=1)


def _columns_of(columns: Sequence[SheetColumn]) -> list[str]:
    return list(dict.fromkeys(name for column in columns for name in (column.name, column.unit_from) if name))


def _sheet_row(results: Results, row: Mapping[str, Any], language: str) -> dict[str, Any]:
    metric = metric_of(results, row)
    cells = {
        **row, "name": metric_name(metric, language), "unit": number_unit(metric),
        "group_name": group_name(results.book, row["by"], row["group"], language),
        "remark": label("mail.withheld", language) if row["is_withheld"] else None,
        "target_verdict": _verdict_text(row["target_verdict"], language),
    }  # fmt: skip
    for against in AGAINST:
        change = change_of(row, against)
        number, unit = change_shown(change, metric) if change else (None, unit_of(metric))
        cells |= {
            f"{against}change_of": number, f"{against}_unit": CHANGE_UNITS.get(unit, unit),
            f"{against}_verdict": _verdict_text(verdict_shown(change) if change else "", language),
        }  # fmt: skip
    return cells


def _verdict_text(verdict: str, language: str) -> str | None:
    return label(f"report.verdict_{verdict}", language) if verdict else None


def _figure_columns(results: Results, shown: Sequence[str], key: str, language: str) -> list[SheetColumn]:
    book = results.book
    who = [SheetColumn("group_name", label("mail.manager", language))] if key == "slice_managers" else []
    columns = [
        *who, SheetColumn("name", label("excel.metric", language)),
        SheetColumn("value", label("excel.value", language), unit_from="unit"),
        SheetColumn("remark", label("mail.remark", language)),
        SheetColumn("n", label("excel.n", language), "count"),
        SheetColumn("company_value", label("mail.company", language), unit_from="unit"),
        SheetColumn("target", label("mail.target", language), unit_from="unit"),
        SheetColumn("target_verdict", label("mail.verdict", language)),
    ]  # fmt: skip
    for against in shown:
        period = say_period(book.baselines[book.window.label][against], book, language)
        columns += [
            SheetColumn(
                f"{against}change_of",
                label("excel.change", language, period=period),
                unit_from=f"{against}_unit",
            ),
            SheetColumn(f"{against}_verdict", label("excel.verdict_against", language, period=period)),
        ]
    return columns


def _customer_sheet(results: Results, wanted: Slice, customers: pd.DataFrame, language: str) -> Sheet:
    book = results.book
    day = format_date(book.window.last_day, language) if book.window.days else book.period.label
    note = "mail.note_customers_team" if wanted.dimension == TEAM else "mail.note_customers"
    names = {
        one: group_name(book, MANAGER, one, language)
        for one in customers["account_manager"].dropna().unique()
    }
    rows = customers.assign(account_manager=customers["account_manager"].map(names))
    days = {name: pd.to_datetime(rows[name]) for name in ("last_order_on", "contract_due_on")}
    units = {
        "last_order_on": "date", "contract_due_on": "date", "days_since_last_order": "count", "churn_score": "percent",
        "predicted_clv": "money", "contract_value": "money", "is_overdue": "boolean", "open_complaints": "count",
    }  # fmt: skip
    columns = [SheetColumn(name, _heading(name, language), units.get(name, "text")) for name in rows.columns]
    notes = [label(note, language, day=day)]
    if are_orders_withheld(results, customers):
        notes.append(label("mail.note_orders_withheld", language))
    return Sheet("slice_customers", rows.assign(**days), columns, notes, frozen_columns=2)


_HEADINGS = {
    "account_manager": "mail.manager", "is_overdue": "mail.overdue_heading", "contract_due_on": "mail.contract_due",
    "contract_value": "mail.yearly_value", "open_complaints": "mail.complaints",
}  # fmt: skip


def _heading(name: str, language: str) -> str:
    return label(_HEADINGS.get(name, f"excel.customer_{name}"), language)
