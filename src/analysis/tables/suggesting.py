"""A mapping to start from: what of a file looks like which of our columns, and how it is written.

It is only ever suggested, in the message that says why a file cannot be read as the settings have it. Nothing is read
by it before somebody has put it into the settings.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher, get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from analysis.catalogue import load_catalogue, read_yaml
from analysis.catalogue.records import Column
from analysis.errors import InputError
from analysis.params import Params, TableSource
from analysis.tables.encodings import likely_encodings

SAMPLE_BYTES, SAMPLE_ROWS = 1 << 17, 500
SEPARATORS = (",", ";", "\t", "|")
LONGEST_HEADING = 60  # characters; what is longer is a text
MOST_LINES_ABOVE = 20  # a title, a company's name, the day of the export may stand above the header
MUCH = 3  # columns that look like ours make a file one of our tables; fewer, where it has no more
LIKENESS = 0.86  # from which two headings are taken for the same, misspelt
FITTING_SHARE = 0.9  # of cells must read in a format: a total at the end may not

DAYS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y年%m月%d日", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y",
        "%m-%d-%Y", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%b %d, %Y")  # fmt: skip
TIMES = ("", " %H:%M:%S", " %H:%M", "T%H:%M:%S", " %I:%M:%S %p", " %I:%M %p")
READ_WITHOUT = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S")
SIGNS = {
    "€": "EUR",
    "£": "GBP",
    "$": "USD",
    "¥": "CNY",
    "元": "CNY",
    "₹": "INR",
    "₽": "RUB",
    "zł": "PLN",
    "₩": "KRW",
}
TOTALS = {
    "total",
    "totals",
    "grand total",
    "sum",
    "subtotal",
    "summe",
    "gesamt",
    "gesamtsumme",
    "合计",
    "总计",
    "小计",
}
CANCELLED = {
    "cancelled",
    "canceled",
    "void",
    "storniert",
    "annulé",
    "已取消",
    "取消",
    "已作废",
    "作废",
    "已关闭",
}


@dataclass(frozen=True)
class Suggestion:
    """Settings that may read a file as a table, and what they leave open.

    Attributes
    ----------
    values
        The settings of the table, as a params file has them.
    lacking
        Our columns that must be there and that nothing in the file looks like.
    doubtful
        Columns of the file of whose days no one tells whether the day or the month comes first.
    currencies
        Whose signs stand beside amounts.
    unused
        Columns of the file that are not among the values.
    """

    table: str
    values: dict[str, Any]
    lacking: tuple[str, ...]
    doubtful: tuple[str, ...]
    currencies: tuple[str, ...]
    unused: tuple[str, ...]

    def notes(self, currency: str) -> list[str]:
        """What to look at, in sentences; ``currency`` is the company's."""
        is_other = bool(self.currencies) and currency not in self.currencies
        if currency == "JPY" and self.currencies == ("CNY",):
            is_other = False  # one sign for both
        signs = " or ".join(self.currencies)
        return [
            *([f"Still to be found in the file: {', '.join(self.lacking)}."] if self.lacking else []),
            *(f"{name!r}: no day tells whether days or months come first." for name in self.doubtful),
            *(
                [f"The amounts bear the sign of {signs}; the setting currency is {currency}."]
                if is_other
                else []
            ),
        ]


@dataclass(frozen=True)
class Sample:
    """The beginning of a file: its header, some rows, how it is written, and how many lines stand above the header."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    encoding: str = "utf-8"
    lines_above: int = 0

    def cells(self, column: str) -> list[str]:
        """The cells of a column that hold something."""
        place = self.columns.index(column)
        return [row[place].strip() for row in self.rows if len(row) > place and row[place].strip()]


def with_suggestion(message: str, path: Path, table: str, source: TableSource, params: Params) -> str:
    """A message about a file, and below it settings that may read the file, if they say anything new."""
    found = suggest_source(path, table, source)
    if found is None:
        return message
    notes = found.notes(params.settings.currency)
    if not notes and _is_said(found.values, source):
        return message
    head = f"To start from, in place of the block `{table}:` in {params.path.name}; look whether each line is true:"
    lines = settings_lines(table, found.values)
    return "\n".join([message, "", head, "", *lines, *(["", *notes] if notes else []), ""])


def suggest_source(path: Path, table: str, source: TableSource) -> Suggestion | None:
    """Settings that may read a file as a table; None where nothing in it looks familiar.

    What the settings map to a column that is in the file stays so.
    """
    try:
        sample = read_sample(path, table, source)
    except (OSError, ValueError, InputError):
        return None
    if sample is None or source.unpivot:
        return None
    columns = load_catalogue().tables[table].columns_given_as(source.given_as)
    found = _mapped_already(sample, source, columns)
    rest = [name for name in columns if name not in found]
    free = [column for column in sample.columns if column not in found.values()]
    found |= match_columns(free, table, rest)
    if not found:
        return None
    found = {name: found[name] for name in columns if name in found}
    cells = _numbers(sample, columns, found)[:200]
    return Suggestion(
        table,
        _values(sample, source, columns, found),
        tuple(name for name, column in columns.items() if column.required and name not in found),
        tuple(theirs for theirs in found.values() if len(date_formats(sample.cells(theirs))) > 1),
        tuple(sorted({code for cell in cells if (code := _currency_of(cell))})),
        tuple(column for column in sample.columns if column and column not in found.values()),
    )


def recognise(path: Path, file: str) -> Suggestion | None:
    """Which of our tables a file is, and settings that may read it; None where it looks like none.

    The file's name decides, where it says which; else the table most of whose columns look alike.

    Parameters
    ----------
    file
        The path as the settings are to have it.
    """
    known = load_catalogue().tables
    named = [table for table in known if _is_named_after(path, table)]
    likely = max(_tables_like(path, file, named or known), key=lambda one: one[0], default=None)
    if likely is None:
        return None
    _, table, source = likely
    return suggest_source(path, table, source)


def _tables_like(path: Path, file: str, tables: Iterable[str]) -> Iterator[tuple[float, str, TableSource]]:
    """The tables of whose columns a file has all that are required, and that make up much of it; with how much."""
    for table, contract in ((name, load_catalogue().tables[name]) for name in tables):
        for form in (None, *contract.given_as):
            source = TableSource(file=(file,), columns={}, given_as=form)
            sample = read_sample(path, table, source)
            ours = contract.columns_given_as(form)
            found = match_columns(sample.columns, table, ours) if sample else {}
            is_much = (
                len(found) >= min(MUCH, len([column for column in sample.columns if column]))
                if sample
                else False
            )
            if is_much and all(name in found for name, column in ours.items() if column.required):
                yield (
                    sum(_likeness(theirs, words_for(table, name)) for name, theirs in found.items()),
                    table,
                    source,
                )


def _is_named_after(path: Path, table: str) -> bool:
    """Whether a file's name says which table it is."""
    words = _plain(path.stem)
    known = [_plain(word) for word in (table, *_header_words()["files"].get(table, []))]
    return any(f" {word} " in f" {words} " or (word in words and not word.isascii()) for word in known)


def _mapped_already(sample: Sample, source: TableSource, columns: Iterable[str]) -> dict[str, str]:
    given = {name: one.column for name, one in source.columns.items() if one.column and len(one.column) == 1}
    return {name: given[name][0] for name in columns if name in given and given[name][0] in sample.columns}


def _values(
    sample: Sample, source: TableSource, columns: Mapping[str, Column], found: Mapping[str, str]
) -> dict[str, Any]:
    decimal, thousands = number_marks(_numbers(sample, columns, found))
    values = {
        "file": source.file[0] if len(source.file) == 1 else list(source.file),
        "encoding": sample.encoding,
        "lines_above_header": sample.lines_above,
        "given_as": source.given_as,
        "decimal": decimal,
        "thousands": thousands,
        "ignore_when": totals_condition(sample),
        "cancelled_when": _cancelled_condition(sample, found),
    }
    usual = {"encoding": "utf-8", "lines_above_header": 0, "decimal": "."}
    said = {key: value for key, value in values.items() if value not in (None, usual.get(key))}
    return said | {"columns": {name: _column(found[name], sample, columns[name]) for name in found}}


def _numbers(sample: Sample, columns: Mapping[str, Column], found: Mapping[str, str]) -> list[str]:
    return [
        cell
        for name, theirs in found.items()
        if columns[name].type in ("money", "number")
        for cell in sample.cells(theirs)
    ]


def _is_said(values: Mapping[str, Any], source: TableSource) -> bool:
    """Whether the settings say all of this already."""
    meant = TableSource.model_validate(dict(values))
    return all(getattr(meant, key) == getattr(source, key) for key in values)


def settings_lines(table: str, values: Mapping[str, Any]) -> list[str]:
    """A table's settings as lines of a params file."""
    lines = [f"  {table}:"]
    lines += [f"    {key}: {_scalar(value)}" for key, value in values.items() if key != "columns"]
    return [
        *lines,
        "    columns:",
        *(f"      {name}: {_scalar(one)}" for name, one in values["columns"].items()),
    ]


def _column(theirs: str, sample: Sample, column: Column) -> Any:
    """One column as it is mapped; days and times with their format."""
    formats = date_formats(sample.cells(theirs)) if column.type in ("instant", "date") else []
    if not formats or formats[0] in READ_WITHOUT:
        return theirs
    return {"column": theirs, "format": formats[0]}


def _scalar(value: Any) -> str:
    """A value as YAML writes it on one line."""
    plain = yaml.safe_dump(
        [value], allow_unicode=True, default_flow_style=True, width=10_000, sort_keys=False
    )
    return plain.strip()[1:-1]


# --- The beginning of the file --------------------------------------------------------------------------------


def read_sample(path: Path, table: str, source: TableSource) -> Sample | None:
    """The header and the first rows of a file, and its last line; None where it has no header.

    Raises
    ------
    OSError, ValueError
        If the file cannot be opened as what its name says.
    """
    from analysis.tables.typed_files import cell_text, excel_rows, parquet_header

    suffix = path.suffix.lower()
    if suffix in (".parquet", ".pq") or source.format == "parquet":
        return Sample(tuple(parquet_header(path, path.name)), ())
    if suffix in (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods") or source.format == "excel":
        rows = [[cell_text(cell, ".") or "" for cell in row] for row in excel_rows(path, path.name, source)]
        return _with_header([*rows[: SAMPLE_ROWS + MOST_LINES_ABOVE], *rows[-1:]], table, source, "utf-8")
    return _read_csv_sample(path, table, source)


def _read_csv_sample(path: Path, table: str, source: TableSource) -> Sample | None:
    with path.open("rb") as stream:
        start = stream.read(SAMPLE_BYTES)
        stream.seek(max(path.stat().st_size - 4096, 0))
        end = stream.read()
    encoding = _encoding_of(start, source.encoding)
    text = start.decode(encoding, errors="ignore").lstrip("\ufeff")
    last = end.decode(encoding, errors="ignore").splitlines()[-1:]
    separators = (source.separator,) if source.separator else SEPARATORS
    samples = [
        _with_header(_records(text, separator) + _records(last[0] if last else "", separator), table, source, encoding)
        for separator in separators
    ]  # fmt: skip
    found = [sample for sample in samples if sample]
    return max(found, key=lambda one: (_familiar(one.columns, table, source), len(one.columns)), default=None)


def _encoding_of(start: bytes, stated: str) -> str:
    try:
        start[: len(start) // 2 * 2].decode(stated)
        return stated
    except (UnicodeDecodeError, LookupError):
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


def _with_header(
    records: Sequence[Sequence[str]], table: str, source: TableSource, encoding: str
) -> Sample | None:
    """The records below the one that looks most like a header; the first, where none looks more so."""
    candidates = [place for place, record in enumerate(records[:MOST_LINES_ABOVE]) if any(record)]
    if not candidates:
        return None
    place = max(candidates, key=lambda at: (_familiar(records[at], table, source), -at))
    header = tuple(cell.strip().strip("\ufeff").strip() for cell in records[place])
    rows = tuple(tuple(record) for record in records[place + 1 :] if any(record))
    return Sample(header, rows, encoding, place)


def _familiar(cells: Sequence[str], table: str, source: TableSource) -> int:
    """How many cells of a record head one of our columns, word for word."""
    known = _all_words(table, source.given_as)
    return sum(_plain(cell) in known for cell in cells if len(cell) <= LONGEST_HEADING)


@lru_cache(maxsize=64)
def _all_words(table: str, form: str | None) -> frozenset[str]:
    ours = load_catalogue().tables[table].columns_given_as(form)
    return frozenset(word for name in ours for word in words_for(table, name))


# --- Which column is which ------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _header_words() -> dict[str, list[str]]:
    return read_yaml("header_words.yml")


@lru_cache(maxsize=512)
def words_for(table: str, name: str) -> tuple[str, ...]:
    """How others head one of our columns; its own name first."""
    known = _header_words()
    return tuple(_plain(word) for word in (name, *known.get(f"{table}.{name}", known.get(name, []))))


def match_columns(columns: Sequence[str], table: str, ours: Iterable[str]) -> dict[str, str]:
    """Which of a file's columns looks like which of ours, in our order; none of theirs is taken twice.

    The same word counts most, those earlier in the list of words before later ones, then a word within a longer
    heading, then a misspelt one.
    """
    names = list(ours)
    likeness = {
        (name, theirs): _likeness(theirs, words_for(table, name)) for name in names for theirs in columns
    }
    found: dict[str, str] = {}
    for (name, theirs), score in sorted(likeness.items(), key=lambda one: -one[1]):
        if score > 0 and name not in found and theirs not in found.values():
            found[name] = theirs
    return {name: found[name] for name in names if name in found}


@lru_cache(maxsize=4096)
def _likeness(heading: str, words: tuple[str, ...]) -> float:
    """From 0 to 3; between two that are equally like, the word that stands earlier."""
    plain = _plain(heading)
    if not plain or len(plain) > LONGEST_HEADING:
        return 0.0
    if plain in words:
        return 3 - words.index(plain) / 1000
    within = [place for place, word in enumerate(words) if _is_within(word, plain)]
    if within:
        return 2 - within[0] / 1000
    near = get_close_matches(plain, words, n=1, cutoff=LIKENESS) if len(plain) > 4 else []
    return SequenceMatcher(None, plain, near[0]).ratio() if near else 0.0


def _is_within(word: str, heading: str) -> bool:
    """Whether a word of some length ends or begins a longer heading, such as 订单金额 in 本期订单金额."""
    if re.search(r"[\u4e00-\u9fff]", word):
        return len(word) >= 3 and word in heading
    return len(word) >= 5 and f" {word} " in f" {heading} "


@lru_cache(maxsize=4096)
def _plain(text: str) -> str:
    """A heading without case, brackets and marks."""
    folded = unicodedata.normalize("NFKC", str(text)).casefold()
    bare = re.sub(r"[(\[（【].*?[)\]）】]", " ", folded)
    return " ".join(re.sub(r"[\W_]+", " ", bare).split())


# --- How it is written ----------------------------------------------------------------------------------------


def date_formats(cells: Sequence[str]) -> list[str]:
    """The formats in which nearly all of these cells read; several where the cells do not tell days from months."""
    shown = list(dict.fromkeys(cells))[:200]
    if not shown:
        return []
    fitting = [
        f"{day}{time}"
        for day in DAYS
        for time in TIMES
        if sum(_reads(cell, f"{day}{time}") for cell in shown) >= FITTING_SHARE * len(shown)
    ]
    return fitting[:2]


def _reads(cell: str, form: str) -> bool:
    try:
        found = datetime.strptime(cell, form)
    except ValueError:
        return False
    is_touching = form.startswith("%Y%m%d")
    return 1970 <= found.year < 2100 and (not is_touching or re.match(r"\d{8}(\D|$)", cell) is not None)


def number_marks(cells: Sequence[str]) -> tuple[str, str | None]:
    """The decimal and the thousands mark of numbers as they are written; a point and none where nothing else shows."""
    bare = [re.sub(r"[^\d.,'’ ]", "", cell).strip() for cell in cells]
    decimal_comma = sum(bool(re.search(r",\d{1,2}$", cell)) for cell in bare)
    decimal_point = sum(bool(re.search(r"\.\d{1,2}$", cell)) for cell in bare)
    decimal = "," if decimal_comma > decimal_point else "."
    mark = r"\." if decimal == "," else ","
    for thousands, pattern in (
        ("," if decimal == "." else ".", mark),
        (" ", "[ \u00a0\u202f]"),
        ("'", "['’]"),
    ):
        if any(re.search(rf"\d{pattern}\d{{3}}(?!\d)", cell) for cell in bare):
            return decimal, thousands
    return decimal, None


def _currency_of(cell: str) -> str | None:
    text = unicodedata.normalize("NFKC", cell)
    return next((code for sign, code in SIGNS.items() if sign in text), None)


def totals_condition(sample: Sample) -> str | None:
    """The condition that passes over a row of totals, if the sample ends with one; in SQL on the user's columns."""
    for row in sample.rows[-2:]:
        for column, cell in zip(sample.columns, row, strict=False):
            if column and _plain(cell) in TOTALS:
                name = column if re.fullmatch(r"[^\W\d]\w*", column) else f'"{column}"'
                return f"{name} = '{cell.strip()}'"
    return None


def _cancelled_condition(sample: Sample, found: Mapping[str, str]) -> str | None:
    words = sample.cells(found["status"]) if "status" in found else []
    called_off = sorted({word for word in words if _plain(word) in CANCELLED})
    return " or ".join(f"status = '{word}'" for word in called_off) or None
