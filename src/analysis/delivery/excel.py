"""A run as an Excel workbook: numbers as numbers, dates as dates, and no text that could be run as a formula.

Every text goes through one gate (``safe_text``): what no XML file may hold is replaced, what a spreadsheet would run
gets an apostrophe before it, as in the CSV files, so that it stays harmless when the sheet is saved as CSV again.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from analysis.report.numbers_shown import CURRENCY_SIGNS, format_value, is_missing
from analysis.report.terminal_words import screen_width
from analysis.suite import Results
from analysis.tables.quality import neutralised

SHEET_ROWS = 1_048_576
CELL_CHARACTERS = 32_767
HEADER_ROW = 2  # below the cover line and the note, on every sheet
NARROWEST, WIDEST, NOTE_WIDTH, HEADING_WIDTH, LINES_WIDTH = 8, 70, 120, 14, 20
ROWS_LOOKED_AT = 200  # for the width of a column of texts
PRINTED_WIDTH = 260  # characters that can still be read side by side on a page, A4 across
LINE_HEIGHT, HIGHEST = 15, 409  # in points; no row of Excel's can be higher

_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_PLAIN = {
    "exact": "General", "boolean": "General", "percent": "0.0%", "relative": "+0.0%;-0.0%;0.0%",
    "duration": "[h]:mm:ss", "count": "#,##0", "hours": '+#,##0.00"{h}";-#,##0.00"{h}";0.00"{h}"',
    "points": '+0.0"{pp}";-0.0"{pp}";0.0"{pp}"',
}  # fmt: skip
_DATES = {"en": "d mmm yyyy", "zh": 'yyyy"年"m"月"d"日"'}
_DECIMALS = {"count": 0, "percent": 1, "relative": 1, "points": 1}
_DATE_WIDTH = 14
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
    return write_sheets(results.book, find_sheets(results, language), path, language)


def write_sheets(book: Book, sheets: Sequence[Sheet], path: Path, language: str) -> Path:
    """Write these sheets as a workbook, as ``write_excel`` does those of a run."""
    if path.suffix.lower() != ".xlsx":
        raise ExcelError(f"{path}: an Excel workbook is a file ending in .xlsx")
    with _written_aside(path) as aside:
        options = {"constant_memory": True, "strings_to_urls": False, "strings_to_formulas": False,
                   "strings_to_numbers": False}  # fmt: skip
        with xlsxwriter.Workbook(str(aside), options) as workbook:
            workbook.set_properties(_properties(book, language))
            formats = _Formats(workbook, book.settings.currency, language)
            definitions = _places_of_definitions(sheets, language)
            for sheet in sheets:
                _write_sheet(workbook, formats, sheet, book, language, definitions)
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


def _write_sheet(
    workbook: Any, formats: _Formats, sheet: Sheet, book: Book, language: str, definitions: Mapping[Any, str]
) -> None:
    worksheet = workbook.add_worksheet(label(f"excel.sheet_{sheet.key}", language))
    most = SHEET_ROWS - HEADER_ROW - 1
    rows = sheet.rows.head(most).reset_index(drop=True)
    columns, cut = _cells(rows, sheet.columns)
    widths = [
        _width(sheet, column, cells, rows, formats)
        for column, cells in zip(sheet.columns, columns, strict=True)
    ]
    last = HEADER_ROW + max(1, len(rows))
    _set_up(worksheet, sheet, formats, widths, last)
    note = note_line(sheet, _excuses(len(sheet.rows), most, cut, language), language)
    _write_heading(worksheet, formats, sheet, widths, cover_line(book, language), note)
    rules = _first_of_each(rows, sheet.group_by)
    heights = _heights(sheet.columns, columns, widths)
    looks = [formats.of_column(rows, column) for column in sheet.columns]
    links = [_links(rows, column, definitions) for column in sheet.columns]
    for place, cells in enumerate(zip(*columns, strict=True)):
        row = HEADER_ROW + 1 + place
        if place in heights:
            worksheet.set_row(row, heights[place])
        for number, value in enumerate(cells):
            if value is not None or place in rules:
                look = looks[number](place, value, place in rules)
                _write_cell(worksheet, row, number, value, look, links[number].get(place))
    _colour_verdicts(worksheet, formats, sheet, last, language)
    _draw_lines(worksheet, sheet, rows)


def _places_of_definitions(sheets: Sequence[Sheet], language: str) -> dict[Any, str]:
    """Where each metric and variant is defined, as a link within the workbook; none where no sheet does."""
    found: dict[Any, str] = {}
    for sheet in sheets:
        if sheet.key == "definitions":
            name = label("excel.sheet_definitions", language)
            keys = zip(sheet.rows["metric_id"], sheet.rows["variant_id"], strict=True)
            found = {key: f"internal:'{name}'!A{HEADER_ROW + 2 + row}" for row, key in enumerate(keys)}
    return found


def _links(rows: pd.DataFrame, column: SheetColumn, definitions: Mapping[Any, str]) -> dict[int, str]:
    """The link of each of a column's cells that has one, by its place."""
    if not column.is_defined:
        return {}
    keys = enumerate(zip(rows["metric_id"], rows["variant_id"], strict=True))
    return {place: definitions[key] for place, key in keys if key in definitions}


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


def _write_cell(
    worksheet: Any, row: int, column: int, value: Any, look: Any, link: str | None = None
) -> None:
    """One cell by the type of what it holds: a text is written as a text, whatever it begins with."""
    if value is None:
        worksheet.write_blank(row, column, None, look)
    elif link is not None:
        worksheet.write_url(row, column, link, look, value)
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
    worksheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    worksheet.fit_to_pages(math.ceil(sum(widths) / PRINTED_WIDTH), 0)
    worksheet.repeat_rows(HEADER_ROW)
    if sheet.frozen_columns:
        worksheet.repeat_columns(0, sheet.frozen_columns - 1)
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
        worksheet.set_row(1, _height(note, width))
        worksheet.merge_range(1, 0, 1, last, "", formats.note)
        worksheet.write_string(1, 0, safe_text(note)[0], formats.note)
    # beside a heading stands the filter's button
    worksheet.set_row(
        HEADER_ROW, max(_height(c.heading, w - 3) for c, w in zip(sheet.columns, widths, strict=True))
    )
    for number, column in enumerate(sheet.columns):
        look = formats.heading if column.is_text else formats.heading_of_numbers
        worksheet.write_string(HEADER_ROW, number, safe_text(column.heading)[0], look)


def _colour_verdicts(worksheet: Any, formats: _Formats, sheet: Sheet, last: int, language: str) -> None:
    """Words of what is good or bad in its colour, wherever a filter or a new order puts them."""
    for number, column in enumerate(sheet.columns):
        for tone, keys in _TONES.items() if column.is_verdict else ():
            for key in keys:
                word = label(key, language).replace('"', '""')
                rule = {"type": "cell", "criteria": "==", "value": f'"{word}"', "format": formats.tones[tone]}
                worksheet.conditional_format(HEADER_ROW + 1, number, last, number, rule)


_TONES = {
    "better": ("report.verdict_better", "report.verdict_hit"),
    "worse": ("report.verdict_worse", "report.verdict_miss", "excel.broken"),
}


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


def _width(
    sheet: Sheet, column: SheetColumn, cells: Sequence[Any], rows: pd.DataFrame, formats: _Formats
) -> int:
    """How many characters wide a column is: as its heading and cells need, within limits that no number exceeds."""
    if column.name == sheet.lines:
        return LINES_WIDTH
    heading = min(screen_width(column.heading) + 3, HEADING_WIDTH)  # room for the filter's button
    if column.is_text:
        texts = [cell for cell in cells[:ROWS_LOOKED_AT] if cell]
        needed = max((screen_width(text[: 2 * WIDEST]) for text in texts), default=0) + 3
        return min(WIDEST, max(NARROWEST, needed, heading))
    return max(NARROWEST, _width_of_numbers(cells, _units(rows, column), formats) + 2, heading)


def _width_of_numbers(cells: Sequence[Any], units: Sequence[str], formats: _Formats) -> int:
    """The characters of the longest of these numbers as they are shown."""
    largest: dict[str, float] = {}
    for value, unit in zip(cells, units, strict=True):
        if value is not None and unit not in ("date", "boolean", "exact"):
            largest[unit] = max(largest.get(unit, 0.0), abs(value))
    fixed = [_DATE_WIDTH if "date" in units else 11 if "exact" in units else 5]
    return max([*fixed, *(_shown_width(value, unit, formats) for unit, value in largest.items())])


def _shown_width(value: float, unit: str, formats: _Formats) -> int:
    """The characters of a number, at most; its sign, and the words that its format adds, included."""
    if unit == "duration":
        return len(f"{int(24 * value)}:00:00")
    shown = f"{100 * value if unit in ('percent', 'relative') else value:,.{_DECIMALS.get(unit, 2)}f}"
    added = re.findall(
        r'"([^"]*)"', number_format(None, unit, formats.currency, formats.language).partition(";")[0]
    )
    return 2 + len(shown) + sum(map(screen_width, added))


def _heights(
    columns: Sequence[SheetColumn], cells: Sequence[Sequence[Any]], widths: Sequence[int]
) -> dict[int, float]:
    """Heights of the rows in which a text takes more than one line: not every program finds them itself."""
    found: dict[int, float] = {}
    for column, texts, width in zip(columns, cells, widths, strict=True):
        for place, text in enumerate(texts) if column.is_text else ():
            if text and (2 * len(text) > width or "\n" in text):
                height = _height(text, width)
                if height > found.get(place, LINE_HEIGHT):
                    found[place] = height
    return found


def _height(text: str, width: int) -> float:
    """Points that a text takes at this width; letters vary, and a line breaks before a word."""
    widths = [screen_width(line) for line in text.split("\n")]
    lines = sum(1 if needed < width else math.ceil(1.15 * needed / max(1, width)) for needed in widths)
    return min(HIGHEST, LINE_HEIGHT * lines)


# --- formats, properties, the file ----------------------------------------------------------------


class _Formats:
    """The workbook's formats, each made once."""

    def __init__(self, workbook: Any, currency: str, language: str) -> None:
        self.workbook, self.currency, self.language = workbook, currency, language
        self.known: dict[tuple[str | None, bool, bool], Any] = {}
        rule = {"bottom": 1, "bottom_color": PALETTE["main"]}
        self.cover = workbook.add_format({"bold": True, "font_size": 12})
        self.note = workbook.add_format({"text_wrap": True, "valign": "top", "italic": True})
        heading = {"bold": True, "text_wrap": True, "valign": "bottom", **rule}
        self.heading = workbook.add_format(heading | {"align": "left", "indent": 1})
        self.heading_of_numbers = workbook.add_format(heading | {"align": "right", "indent": 2})
        self.tones = {
            tone: workbook.add_format({"bold": True, "font_color": PALETTE[tone]}) for tone in _TONES
        }

    def of_column(self, rows: pd.DataFrame, column: SheetColumn) -> Callable[[int, Any, bool], Any]:
        """How a column's cells look, by place, value and whether a group begins there: all alike if of one unit."""
        if column.unit_from is None:
            wanted = (
                None if column.is_text else number_format(None, column.unit, self.currency, self.language)
            )
            looks = [self.of(wanted, is_first, column.is_defined) for is_first in (False, True)]
            return lambda place, value, is_first: looks[is_first]
        units = _units(rows, column)
        return lambda place, value, is_first: self.of(
            None if value is None else number_format(value, units[place], self.currency, self.language),
            is_first,
        )

    def of(self, wanted: str | None, is_first: bool, is_link: bool = False) -> Any:
        """The format of a number, of a text where none is given; with a rule above where a group begins."""
        key = (wanted, is_first, is_link)
        if key not in self.known:
            number = {"num_format": wanted, "align": "right"}
            look = {"text_wrap": True, "align": "left", "indent": 1} if wanted is None else number
            look |= {"top": 1, "top_color": PALETTE["muted"]} if is_first else {}
            look |= {"font_color": PALETTE["main"], "underline": 1} if is_link else {}
            self.known[key] = self.workbook.add_format({"valign": "top", **look})
        return self.known[key]


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
