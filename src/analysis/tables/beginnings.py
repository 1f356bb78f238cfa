"""The beginning of a file as it is: its header, some rows, how it is written, what stands above the header."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.catalogue import say_problem
from analysis.errors import InputError
from analysis.params import TableSource
from analysis.tables.cells import plain
from analysis.tables.encodings import likely_encodings
from analysis.tables.headings import LONGEST_HEADING, all_words
from analysis.tables.quoting import identifier, quoted
from analysis.tables.sources import SEPARATORS, full_header, is_excel, is_parquet

SAMPLE_BYTES, SAMPLE_ROWS = 1 << 17, 500
MOST_LINES_ABOVE = 20  # a title, a company's name, the day of the export may stand above the header
TOTALS = (
    "total", "totals", "grand total", "sum", "subtotal", "summe", "gesamt", "gesamtsumme", "sous total", "somme",
    "suma", "totale", "totaal", "合计", "总计", "小计", "共计",
)  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """Some rows of a file below its header, how it is written, and how many lines stand above the header."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    encoding: str = "utf-8"
    lines_above: int = 0

    def cells(self, column: str) -> list[str]:
        """The cells of a column that hold something."""
        place = self.columns.index(column)
        return [row[place].strip() for row in self.rows if len(row) > place and row[place].strip()]


@dataclass(frozen=True)
class Beginning:
    """The first records of a file and its last, split in each way it may be; read once, whatever table it may be."""

    splits: tuple[tuple[tuple[str, ...], ...], ...]
    encoding: str = "utf-8"
    may_merge: bool = False  # cells of a spreadsheet may be merged: a heading stands in the line above then

    def as_table(self, table: str, form: str | None) -> Sample | None:
        """The file under the header most like that of a table; None where it has no line."""
        known = all_words(table, form)
        found = [sample for one in self.splits if (sample := self._under(one, known))]
        return max(found, key=lambda one: (_familiar(one.columns, known), len(one.columns)), default=None)

    def as_is(self) -> Sample | None:
        """The file under its first record as wide as most of the others, whatever its headings mean."""
        found = []
        for records in self.splits:
            widths = [_width(record) for record in records]
            usual = max(set(widths), key=widths.count, default=0)
            place = next((at for at, width in enumerate(widths) if width >= usual), 0)
            if usual:
                found.append(self._below(records, min(place, MOST_LINES_ABOVE)))
        return max(found, key=lambda one: len(one.columns), default=None)

    def _under(self, records: Sequence[tuple[str, ...]], known: frozenset[str]) -> Sample | None:
        """The records below the one that looks most like a header; the first, where none looks more so."""
        candidates = [place for place, record in enumerate(records[:MOST_LINES_ABOVE]) if any(record)]
        place = max(candidates, key=lambda at: (_familiar(records[at], known), -at), default=None)
        return None if place is None else self._below(records, place)

    def _below(self, records: Sequence[tuple[str, ...]], place: int) -> Sample:
        above = records[place - 1] if place and self.may_merge else ()
        rows = tuple(record for record in records[place + 1 :] if any(record))
        return Sample(full_header(records[place], above), rows, self.encoding, place)


def read_beginning(path: Path, source: TableSource) -> Beginning:
    """The first records of a CSV, Excel or Parquet file.

    Raises
    ------
    OSError, ValueError, InputError
        If the file cannot be opened as what its name says.
    """
    from analysis.tables.typed_files import cell_text, excel_rows, parquet_beginning

    if is_parquet(path, source):
        return Beginning((_texts(parquet_beginning(path, path.name, SAMPLE_ROWS)),))
    if is_excel(path, source):
        rows = [[cell_text(cell, ".") for cell in row] for row in excel_rows(path, path.name, source)]
        most = SAMPLE_ROWS + MOST_LINES_ABOVE
        return Beginning((_texts([*rows[:most], *rows[most:][-1:]]),), may_merge=True)
    return _read_csv_beginning(path, source)


def _texts(rows: Sequence[Sequence[str | None]]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(cell or "" for cell in row) for row in rows)


def _read_csv_beginning(path: Path, source: TableSource) -> Beginning:
    with path.open("rb") as stream:
        start = stream.read(SAMPLE_BYTES)
        stream.seek(max(path.stat().st_size - 4096, len(start)))
        end = stream.read()
    encoding = _encoding_of(start, source.encoding)
    text = start.decode(encoding, errors="ignore").lstrip("\ufeff")
    if "\x00" in text:
        raise InputError(say_problem("file_is", file=path.name, what=say_problem("no_table_of_text")))
    last = end.decode(encoding, errors="ignore").splitlines()[-1:]
    separators = (source.separator,) if source.separator else SEPARATORS
    splits = [_records(text, one) + _records(last[0] if last else "", one) for one in separators]
    return Beginning(tuple(_texts(records) for records in splits), encoding)


def _encoding_of(start: bytes, stated: str) -> str:
    try:
        start[: len(start) // 2 * 2].decode(stated)
        return stated
    except UnicodeDecodeError as error:
        if error.start > len(start) - 8 and len(start) == SAMPLE_BYTES:
            return stated  # only the last character is cut
    except LookupError:
        pass
    return likely_encodings(start[:4], start, stated)[0]


def _records(text: str, separator: str) -> list[list[str]]:
    """The first records of a text; of one with a quotation mark left open, those before it."""
    found: list[list[str]] = []
    try:
        for record in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            found.append(record)
            if len(found) >= SAMPLE_ROWS + MOST_LINES_ABOVE:
                break
    except csv.Error:
        pass
    return found


def _width(record: Sequence[str]) -> int:
    return sum(bool(cell.strip()) for cell in record)


def _familiar(cells: Sequence[str], known: frozenset[str]) -> int:
    """How many cells of a record head a column we know, word for word."""
    return sum(plain(cell) in known for cell in cells if len(cell) <= LONGEST_HEADING)


def totals_condition(sample: Sample) -> str | None:
    """The condition that passes over a row of totals, if the sample ends with one; in SQL on the user's columns.

    A customer may be called Total: such a row lacks what every other has, and its word stands in no other.
    """
    usual = max((_width(row) for row in sample.rows), default=0)
    for row in sample.rows[-2:]:
        for column, cell in zip(sample.columns, row, strict=False):
            if (
                column
                and _says_total(cell, _width(row) / usual)
                and sample.cells(column).count(cell.strip()) == 1
            ):
                return (
                    f"{identifier(column)} = {quoted(cell.strip())}"  # a heading may be a word of SQL: Order
                )
    return None


def _says_total(cell: str, filled_share: float) -> bool:
    """Whether a cell of a row of which so much is filled says that the row is a total."""
    words = plain(cell)
    return (words in TOTALS and filled_share < 1) or (
        filled_share <= 0.5 and any(words.startswith(f"{total} ") for total in TOTALS)
    )
