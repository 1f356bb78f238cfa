"""Tables as markup: accessible, every value from data escaped, every gap with its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd
from markupsafe import Markup, escape

from analysis.report.numbers_shown import (
    MISSING,
    format_interval,
    format_value,
    is_missing,
)
from analysis.report.sparklines import sparkline
from analysis.report.verdicts_shown import verdict_badge
from analysis.report.words import Text, in_language, label

SHORT_TABLE_ROWS = 15


@dataclass(frozen=True)
class Column:
    """One column of a table on a page.

    Attributes
    ----------
    key : str
        Column of the rows that holds the values.
    heading : str or mapping
        Heading, or one for each language.
    unit, unit_from : str
        Unit of the values (`UNITS`), or the column of the rows that names each row's own.
    shown_as : str
        ``"value"``; ``"verdict"`` for keys of `VERDICTS`; ``"sparkline"`` for lists of numbers in time order;
        ``"markup"`` for pieces of the page's own, which no other column takes for anything but text.
    high : str, optional
        Column with the upper ends; the cell then shows an interval.
    verdict_from, detail_from, reason_from : str, optional
        Columns with the verdict set under the value, a small second line, and why a value is missing.
    link_from, ids_from : str, optional
        Columns with the address that a value leads to (none for a missing one), and with the ids under which
        the cell is found, apart by blanks.
    decimals, signed
        As in `format_number`; `decimals_from` names the column with each row's own.
    strong : bool
        For the one column a reader should see first.
    """

    key: str
    heading: Text
    unit: str = "text"
    unit_from: str | None = None
    shown_as: Literal["value", "verdict", "sparkline", "markup"] = "value"
    high: str | None = None
    verdict_from: str | None = None
    detail_from: str | None = None
    reason_from: str | None = None
    link_from: str | None = None
    ids_from: str | None = None
    decimals: int | None = None
    decimals_from: str | None = None
    signed: bool = False
    strong: bool = False

    @property
    def is_text(self) -> bool:
        return self.shown_as in ("verdict", "markup") or (
            self.unit == "text" and not self.unit_from and self.shown_as == "value"
        )


@dataclass
class _Sheet:
    """What the cells of one table share: language, currency, and the reasons noted so far."""

    language: str
    currency: str | None
    reasons: dict[str, str] = field(default_factory=dict)

    def mark(self, reason: str) -> str:
        """The letter under which a reason stands below the table, the same for the same reason."""
        return self.reasons.setdefault(reason, _letters(len(self.reasons)))


def _letters(place: int) -> str:
    """a, b, …, z, aa, ab, …"""
    return (_letters(place // 26 - 1) if place >= 26 else "") + "abcdefghijklmnopqrstuvwxyz"[place % 26]


def table_html(
    rows: pd.DataFrame,
    columns: Sequence[Column],
    *,
    caption: Text,
    language: str,
    note: Text | None = None,
    currency: str | None = None,
    phone: Literal["scroll", "cards"] = "scroll",
    group_by: str | None = None,
    group_link_from: str | None = None,
    strong_from: str | None = None,
) -> Markup:
    """An accessible table: caption, scoped headings, aligned numbers, escaped values, reasons for gaps below.

    Parameters
    ----------
    rows : DataFrame
        One row for each row shown, in order; the first column named in `columns` heads its row.
    phone : str
        What becomes of it on a phone: ``"scroll"`` sideways with the first column held (a matrix), or
        ``"cards"``, each row a card (a few wide rows, such as a scorecard).
    group_by : str, optional
        Column of the rows whose runs of equal values become headed sections.
    group_link_from : str, optional
        Column of the rows with the address that a section's heading leads to.
    strong_from : str, optional
        Column of the rows that is true for totals.

    Raises
    ------
    KeyError
        When a column named is not in the rows.
    """
    _check_columns(rows, columns, group_by, group_link_from, strong_from)
    sheet = _Sheet(language, currency)
    width = len(columns)
    sections = _sections(rows, group_by, group_link_from)
    body = Markup("").join(_section(title, part, columns, sheet, strong_from) for title, part in sections)
    empty = Markup('<tbody role="rowgroup"><tr role="row"><td role="cell" colspan="{}">{}</td></tr></tbody>')
    words = in_language(caption, language)
    return Markup(
        '<div class="wb-table wb-phone-{phone}{short}">'
        '<div class="wb-scroll" role="region" tabindex="0" aria-label="{region}">'
        '<table role="table"><caption><span>{caption}</span></caption>'
        '<thead role="rowgroup"><tr role="row">{head}</tr></thead>{body}</table></div>{below}</div>'
    ).format(
        phone=phone,
        short=" wb-short" if len(rows) <= SHORT_TABLE_ROWS else "",
        region=f"{words}. {label('scroll_hint', language)}",
        caption=words,
        head=_headings(columns, language),
        body=body if len(rows) else empty.format(width, label("no_rows", language)),
        below=_below(sheet, note),
    )


FROM_ROWS = (
    "key", "unit_from", "high", "verdict_from", "detail_from", "reason_from", "decimals_from", "link_from",
    "ids_from",
)  # fmt: skip


def _check_columns(rows: pd.DataFrame, columns: Sequence[Column], *others: str | None) -> None:
    named = {getattr(column, name) for column in columns for name in FROM_ROWS}
    absent = sorted(key for key in named | set(others) if key and key not in rows.columns)
    if absent:
        raise KeyError(f"The rows have no column {', '.join(absent)}; they have {', '.join(map(str, rows))}.")


def _headings(columns: Sequence[Column], language: str) -> Markup:
    cell = Markup('<th role="columnheader" scope="col"{}>{}</th>')
    return Markup("").join(
        cell.format(_class("" if column.is_text else "wb-number"), in_language(column.heading, language))
        for column in columns
    )


def _class(names: str) -> Markup:
    return Markup(' class="{}"').format(names.strip()) if names.strip() else Markup("")


def _sections(
    rows: pd.DataFrame, group_by: str | None, link_from: str | None
) -> list[tuple[Markup | None, pd.DataFrame]]:
    if group_by is None or rows.empty:
        return [(None, rows)]
    run = rows[group_by].ne(rows[group_by].shift()).cumsum()
    return [
        (linked(escape(part[group_by].iloc[0]), part[link_from].iloc[0] if link_from else None), part)
        for _, part in rows.groupby(run, sort=False)
    ]


def linked(shown: Markup, address: Any) -> Markup:
    """What is shown of a metric, as a link to its definition where an address is given."""
    return (
        shown if is_missing(address) else Markup('<a class="wb-kpi" href="{}">{}</a>').format(address, shown)
    )


def _section(
    title: Markup | None,
    rows: pd.DataFrame,
    columns: Sequence[Column],
    sheet: _Sheet,
    strong_from: str | None,
) -> Markup:
    head = Markup(
        '<tr role="row" class="wb-section"><th role="rowheader" scope="rowgroup" colspan="{}">{}</th></tr>'
    )
    lines = [] if title is None else [head.format(len(columns), title)]
    for row in rows.to_dict("records"):
        strong = _class("wb-strong" if strong_from and row[strong_from] else "")
        cells = Markup("").join(
            _cell(row, column, sheet, first=place == 0) for place, column in enumerate(columns)
        )
        lines.append(Markup('<tr role="row"{}>{}</tr>').format(strong, cells))
    return Markup('<tbody role="rowgroup">{}</tbody>').format(Markup("").join(lines)) if lines else Markup("")


def _cell(row: Mapping[str, Any], column: Column, sheet: _Sheet, *, first: bool) -> Markup:
    names = _cell_names(column)
    content = _places(row, column) + _content(row, column, sheet)
    if first:
        return Markup('<th role="rowheader" scope="row"{}>{}</th>').format(_class(names), content)
    heading = in_language(column.heading, sheet.language)
    return Markup('<td role="cell"{} data-heading="{}">{}</td>').format(_class(names), heading, content)


def _cell_names(column: Column) -> str:
    names = {
        "wb-words": column.is_text,
        "wb-number": not column.is_text,
        f"wb-as-{column.shown_as}": column.shown_as != "value",
        "wb-judged": column.verdict_from,
        "wb-key": column.strong,
    }
    return " ".join(name for name, holds in names.items() if holds)


def _places(row: Mapping[str, Any], column: Column) -> Markup:
    """The ids under which a cell is found, each on an empty element of its own."""
    given = row[column.ids_from] if column.ids_from else None
    names = [] if is_missing(given) else str(given).split()
    return Markup("").join(Markup('<span class="wb-place" id="{}"></span>').format(name) for name in names)


def _content(row: Mapping[str, Any], column: Column, sheet: _Sheet) -> Markup:
    value = row[column.key]
    if is_missing(value) or (column.high and is_missing(row[column.high])):
        return _gap(row, column, sheet)
    shown = [linked(_shown(row, column, sheet), row[column.link_from] if column.link_from else None)]
    if column.verdict_from and not is_missing(row[column.verdict_from]):
        shown.append(
            Markup(' <span class="wb-under">{}</span>').format(
                verdict_badge(row[column.verdict_from], sheet.language)
            )
        )
    if column.detail_from and not is_missing(row[column.detail_from]):
        shown.append(Markup(' <span class="wb-under">{}</span>').format(row[column.detail_from]))
    return Markup("").join(shown)


def _shown(row: Mapping[str, Any], column: Column, sheet: _Sheet) -> Markup:
    if column.shown_as == "verdict":
        return verdict_badge(row[column.key], sheet.language)
    if column.shown_as == "markup":
        return escape(row[column.key])  # which leaves markup as it is
    unit = row[column.unit_from] if column.unit_from else column.unit
    options: dict[str, Any] = {"currency": sheet.currency}
    decimals = row[column.decimals_from] if column.decimals_from else column.decimals
    if not is_missing(decimals):
        options["decimals"] = int(decimals)
    if column.signed:
        options["signed"] = True
    if column.shown_as == "sparkline":
        unit = "number" if unit == "text" else unit
        return sparkline(
            row[column.key],
            sheet.language,
            show=lambda number: format_value(number, unit, sheet.language, **options),
        )
    if column.high:
        return escape(format_interval(row[column.key], row[column.high], unit, sheet.language, **options))
    return escape(format_value(row[column.key], unit, sheet.language, **options))


def _gap(row: Mapping[str, Any], column: Column, sheet: _Sheet) -> Markup:
    """A dash that says why: in its title, and by a letter that is explained below the table."""
    reason = row[column.reason_from] if column.reason_from else None
    if is_missing(reason) or not str(reason).strip():
        return Markup('<span class="wb-missing" title="{}">{}</span>').format(
            label("not_available", sheet.language), MISSING
        )
    return Markup('<span class="wb-missing" title="{}">{}<sup>{}</sup></span>').format(
        reason, MISSING, sheet.mark(str(reason))
    )


def _below(sheet: _Sheet, note: Text | None) -> Markup:
    lines = [Markup("<p><sup>{}</sup> {}</p>").format(mark, reason) for reason, mark in sheet.reasons.items()]
    if note:
        lines.insert(0, Markup("<p>{}</p>").format(in_language(note, sheet.language)))
    return Markup('<div class="wb-below">{}</div>').format(Markup("").join(lines)) if lines else Markup("")
