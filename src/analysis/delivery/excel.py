"""A run as an Excel workbook: numbers as numbers, dates as dates, and no text that could be run as a formula.

Every text goes through one gate (``safe_text``): what no XML file may hold is replaced, what a spreadsheet would run
gets an apostrophe before it, as in the CSV files, so that it stays harmless when the sheet is saved as CSV again.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter
from xlsxwriter.exceptions import XlsxWriterException
from xlsxwriter.utility import xl_range

from analysis.catalogue import label
from analysis.delivery.sheets import Sheet, SheetColumn, cover_line, find_sheets, note_line
from analysis.errors import InputError
from analysis.facts import Book
from analysis.report.figures.style import PALETTE
from analysis.report.tables_shown import CURRENCY_SIGNS, format_value, is_missing
from analysis.report.terminal import screen_width
from analysis.suite import Results
from analysis.tables.quality import neutralised

SHEET_ROWS = 1_048_576
CELL_CHARACTERS = 32_767
HEADER_ROW = 2  # below the cover line and the note, on every sheet
NARROWEST, WIDEST, NOTE_WIDTH = 8, 60, 120
ROWS_LOOKED_AT = 200  # for the width of a column

_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_PLAIN = {
    "exact": "General", "boolean": "General", "percent": "0.0%", "relative": "+0.0%;-0.0%;0.0%",
    "duration": "[h]:mm:ss", "count": "#,##0", "hours": '+#,##0.00"{h}";-#,##0.00"{h}";0.00"{h}"',
    "points": '+0.0"{pp}";-0.0"{pp}";0.0"{pp}"',
}  # fmt: skip
_DATES = {"en": "d mmm yyyy", "zh": 'yyyy"年"m"月"d"日"'}
_FACTORS = {"duration": 1 / 86_400, "hours": 1 / 3_600, "points": 100.0}
"""What a number is multiplied by to be written: Excel counts durations in days."""


class ExcelError(InputError):
    """A workbook that cannot be written; the message says what to do."""


def workbook_path(book: Book, language: str) -> Path:
    """Where the workbook goes unless told otherwise: ``reports/<company>/<company>_<period>_<language>.xlsx``."""
    company = book.params.company_id
    return book.params.root / "reports" / company / f"{company}_{book.period.label}_{language}.xlsx"


def write_excel(results: Results, path: Path, language: str) -> Path:
    """Write the results of a run as a workbook in one language; the same run gives the same bytes.

    Parameters
    ----------
    path
        The file, ending in ``.xlsx``; written aside and renamed, so that an older one stays until the new is whole.
    language
        ``en`` or ``zh``.

    Raises
    ------
    ExcelError
        If the file cannot be written there.
    """
    if path.suffix.lower() != ".xlsx":
        raise ExcelError(f"{path}: an Excel workbook is a file ending in .xlsx")
    sheets = find_sheets(results, language)
    with _written_aside(path) as aside:
        options = {"constant_memory": True, "strings_to_urls": False, "strings_to_formulas": False,
                   "strings_to_numbers": False}  # fmt: skip
        with xlsxwriter.Workbook(str(aside), options) as workbook:
            workbook.set_properties(_properties(results.book, language))
            formats = _Formats(workbook, results.book.settings.currency, language)
            for sheet in sheets:
                _write_sheet(workbook, formats, sheet, results.book, language)
    return path


def safe_text(value: Any) -> tuple[str, bool]:
    """A text that a cell can hold and no spreadsheet runs, and whether it had to be cut.

    Characters that XML cannot hold become U+FFFD: were they left out, what follows them could come to stand first.
    """
    text = neutralised(_ILLEGAL.sub("\ufffd", str(value)))
    # Excel counts UTF-16 units, of which an emoji takes two; Python counts characters.
    if len(text) * 2 <= CELL_CHARACTERS or len(text.encode("utf-16-le")) // 2 <= CELL_CHARACTERS:
        return text, False
    kept = text.encode("utf-16-le")[: 2 * (CELL_CHARACTERS - 1)].decode("utf-16-le", "ignore")
    return f"{kept}…", True


def number_format(value: float | None, unit: str, currency: str, language: str) -> str:
    """The Excel format of a unit: ``"€"#,##0.00``, ``0.0%``, ``[h]:mm:ss``.

    Parameters
    ----------
    value
        The number as it is written, which gets as many decimals as a page gives it; None for a column of them, all
        with two decimals.
    """
    if unit == "date":
        return _DATES[language]
    if unit in _PLAIN:
        hours, points = (
            label(key, language) for key in ("excel.change_in_hours", "report.unit_percentage_points")
        )
        return _PLAIN[unit].replace("{h}", hours).replace("{pp}", points)
    digits = "#,##0.00" if value is None else _digits(value, unit, currency)
    sign = CURRENCY_SIGNS[language].get(currency, f"{currency} ").replace('"', "")
    return f'"{sign}"{digits}' if unit == "money" else digits


def _digits(value: float, unit: str, currency: str) -> str:
    shown = format_value(abs(value), "money" if unit == "money" else "number", "en", currency=currency)
    decimals = len(shown.partition(".")[2])
    return "#,##0" + ("." + "0" * decimals if decimals else "")


# --- one sheet ------------------------------------------------------------------------------------


def _write_sheet(workbook: Any, formats: _Formats, sheet: Sheet, book: Book, language: str) -> None:
    worksheet = workbook.add_worksheet(label(f"excel.sheet_{sheet.key}", language))
    most = SHEET_ROWS - HEADER_ROW - 1
    rows = sheet.rows.head(most).reset_index(drop=True)
    columns, cut = _cells(rows, sheet.columns)
    widths = [_width(column, cells) for column, cells in zip(sheet.columns, columns, strict=True)]
    last = HEADER_ROW + max(1, len(rows))
    _set_up(worksheet, sheet, formats, widths, last)
    note = note_line(sheet, _excuses(len(sheet.rows), most, cut, language), language)
    _write_heading(worksheet, formats, sheet, widths, cover_line(book, language), note)
    rules = _first_of_each(rows, sheet.group_by)
    looks = [formats.of_column(rows, column) for column in sheet.columns]
    for place, cells in enumerate(zip(*columns, strict=True)):
        for number, value in enumerate(cells):
            look = looks[number](place, value, place in rules)
            if value is not None or place in rules:
                _write_cell(worksheet, HEADER_ROW + 1 + place, number, value, look)
    _draw_lines(worksheet, sheet, rows)


def _cells(rows: pd.DataFrame, columns: Sequence[SheetColumn]) -> tuple[list[list[Any]], int]:
    """The cells column by column, as they are written, None for those that stay empty; and how many texts were cut."""
    found, cut = [], 0
    for column in columns:
        cells = [None if is_missing(value) or value == "" else value for value in rows[column.name].tolist()]
        if column.is_text:
            texts = [None if value is None else safe_text(value) for value in cells]
            cut += sum(text is not None and text[1] for text in texts)
            found.append([text and text[0] for text in texts])
        else:
            units = _units(rows, column)
            found.append([_cell(value, unit) for value, unit in zip(cells, units, strict=True)])
    return found, cut


def _units(rows: pd.DataFrame, column: SheetColumn) -> list[str]:
    """The unit of each of a column's cells."""
    return [column.unit] * len(rows) if column.unit_from is None else rows[column.unit_from].tolist()


def _cell(value: Any, unit: str) -> Any:
    """A number as it is written in its unit; a day or a yes or no as such."""
    if value is None or unit in ("boolean", "date"):
        return value if value is None else bool(value) if unit == "boolean" else value.to_pydatetime()
    return float(value) * _FACTORS[unit] if unit in _FACTORS else value


def _write_cell(worksheet: Any, row: int, column: int, value: Any, look: Any) -> None:
    """One cell by the type of what it holds: a text is written as a text, whatever it begins with."""
    if value is None:
        worksheet.write_blank(row, column, None, look)
    elif isinstance(value, str):
        worksheet.write_string(row, column, value, look)
    elif isinstance(value, bool):
        worksheet.write_boolean(row, column, value, look)
    elif isinstance(value, datetime):
        worksheet.write_datetime(row, column, value, look)
    else:
        worksheet.write_number(row, column, value, look)


def _set_up(worksheet: Any, sheet: Sheet, formats: _Formats, widths: Sequence[int], last: int) -> None:
    """Widths, frozen heading, filter, and how the sheet is printed."""
    for number, width in enumerate(widths):
        worksheet.set_column(number, number, width)
    worksheet.freeze_panes(HEADER_ROW + 1, sheet.frozen_columns)
    worksheet.autofilter(HEADER_ROW, 0, last, len(widths) - 1)
    worksheet.set_landscape()
    worksheet.set_paper(9)  # A4
    worksheet.fit_to_pages(1, 0)
    worksheet.repeat_rows(HEADER_ROW)
    worksheet.set_footer("&L&A&R&P / &N")
    worksheet.hide_gridlines(2)
    worksheet.ignore_errors({"number_stored_as_text": xl_range(HEADER_ROW, 0, last, len(widths) - 1)})


def _write_heading(
    worksheet: Any, formats: _Formats, sheet: Sheet, widths: Sequence[int], cover: str, note: str
) -> None:
    """The cover line, the note over as many columns as it takes, and the columns' headings."""
    worksheet.write_string(0, 0, safe_text(cover)[0], formats.cover)
    if note:
        last, width = 0, widths[0]
        while last + 1 < len(widths) and width < NOTE_WIDTH:
            last, width = last + 1, width + widths[last + 1]
        worksheet.set_row(1, 15 * max(1, math.ceil(1.1 * screen_width(note) / width)))
        worksheet.merge_range(1, 0, 1, last, "", formats.note)
        worksheet.write_string(1, 0, safe_text(note)[0], formats.note)
    for number, column in enumerate(sheet.columns):
        worksheet.write_string(HEADER_ROW, number, safe_text(column.heading)[0], formats.heading)


def _draw_lines(worksheet: Any, sheet: Sheet, rows: pd.DataFrame) -> None:
    """Small lines of each row's numbers, drawn by Excel itself."""
    if sheet.lines is None:
        return
    names = [column.name for column in sheet.columns]
    place, first = names.index(sheet.lines), names.index(sheet.lines_over[0])
    for number, length in enumerate(rows["lines_until"]):
        row = HEADER_ROW + 1 + number
        cells = xl_range(row, first, row, first + int(length) - 1)
        worksheet.add_sparkline(row, place, {
            "range": cells, "last_point": True, "series_color": PALETTE["main"], "last_color": PALETTE["main"],
        })  # fmt: skip


def _excuses(count: int, most: int, cut: int, language: str) -> Iterator[str]:
    """What of the rows is not on the sheet as it stands."""
    if count > most:
        yield label("excel.note_rows_left_out", language, most=f"{most:,}", count=f"{count:,}")
    if cut:
        yield label("excel.note_texts_cut", language, most=f"{CELL_CHARACTERS:,}", count=f"{cut:,}")


def _first_of_each(rows: pd.DataFrame, name: str | None) -> set[int]:
    """The places at which another group of rows begins, but for the first."""
    if name is None or rows.empty:
        return set()
    begins = rows[name].ne(rows[name].shift())
    return set(begins.index[begins]) - {0}


def _width(column: SheetColumn, cells: Iterable[Any]) -> int:
    """How many characters wide a column is: as its heading and first cells need, within limits."""
    if column.is_text:
        texts = [cell for cell in list(cells)[:ROWS_LOOKED_AT] if cell]
        needed = max((screen_width(text[: 2 * WIDEST]) for text in texts), default=0)
    else:
        needed = 13
    heading = screen_width(column.heading) + 3  # room for the filter's button
    return min(WIDEST, max(NARROWEST, needed + 1, min(heading, 24)))


# --- formats, properties, the file ----------------------------------------------------------------


class _Formats:
    """The workbook's formats, each made once."""

    def __init__(self, workbook: Any, currency: str, language: str) -> None:
        self.workbook, self.currency, self.language = workbook, currency, language
        self.known: dict[tuple[str | None, bool], Any] = {}
        rule = {"bottom": 1, "bottom_color": PALETTE["main"]}
        self.cover = workbook.add_format({"bold": True, "font_size": 12})
        self.note = workbook.add_format({"text_wrap": True, "valign": "top", "italic": True})
        self.heading = workbook.add_format({"bold": True, "text_wrap": True, "valign": "bottom", **rule})

    def of_column(self, rows: pd.DataFrame, column: SheetColumn) -> Callable[[int, Any, bool], Any]:
        """How a column's cells look, by place, value and whether a group begins there: all alike if of one unit."""
        if column.unit_from is None:
            wanted = (
                None if column.is_text else number_format(None, column.unit, self.currency, self.language)
            )
            looks = [self.of(wanted, is_first) for is_first in (False, True)]
            return lambda place, value, is_first: looks[is_first]
        units = _units(rows, column)
        return lambda place, value, is_first: self.of(
            None if value is None else number_format(value, units[place], self.currency, self.language),
            is_first,
        )

    def of(self, wanted: str | None, is_first: bool) -> Any:
        """The format of a number, of a text where none is given; with a rule above where a group begins."""
        if (wanted, is_first) not in self.known:
            look = {"text_wrap": True} if wanted is None else {"num_format": wanted}
            look |= {"top": 1, "top_color": PALETTE["muted"]} if is_first else {}
            self.known[wanted, is_first] = self.workbook.add_format({"valign": "top", **look})
        return self.known[wanted, is_first]


def _properties(book: Book, language: str) -> dict[str, Any]:
    """Who and what the file is about; its date is the period's end, so that the same run gives the same bytes."""
    company = safe_text(book.settings.company)[0]
    end = book.period.end
    return {
        "title": safe_text(cover_line(book, language))[0][:255], "company": company[:255],
        "created": datetime(end.year, end.month, end.day),
    }  # fmt: skip


@contextmanager
def _written_aside(path: Path) -> Iterator[Path]:
    """A place beside the file to write to; it takes the file's place when whole, and is gone when not."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not os.access(path, os.W_OK):
            raise PermissionError("it is read-only")
        yield aside
        aside.replace(path)
    except (OSError, XlsxWriterException) as error:
        reason = getattr(error, "strerror", None) or error
        raise ExcelError(
            f"{path} cannot be written: {reason}; close it where it is open, or name another file with --out"
        ) from error
    finally:
        with suppress(OSError):
            aside.unlink()
