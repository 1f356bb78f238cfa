"""Which files a table comes from, how they are written, and whether they have the columns that are mapped."""

from __future__ import annotations

import csv
import glob
import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path

from analysis.catalogue import listed, nearest, say_problem
from analysis.errors import Said, joined
from analysis.params import Params, TableSource
from analysis.tables import TablesError
from analysis.tables.encodings import first_text, without_lines
from analysis.tables.typed_files import cell_text, excel_rows, parquet_header

SEPARATORS = (",", ";", "\t", "|")
SAMPLES = ("cdnow", "demo")  # folders of data/ that `workbook sample` writes
_FORMATS = {
    ".csv": "csv", ".txt": "csv", ".tsv": "csv", ".parquet": "parquet", ".pq": "parquet", ".xlsx": "excel",
    ".xlsm": "excel", ".xls": "excel", ".xlsb": "excel", ".ods": "excel",
}  # fmt: skip


@dataclass(frozen=True)
class SourceFile:
    """One file of a table: where it is, what it is called in reports, and its header.

    ``columns`` are the names in the header, stripped, in file order; a column without a name is ``""``.
    """

    path: Path
    name: str
    format: str
    columns: tuple[str, ...]
    separator: str = ","


# --- Which files --------------------------------------------------------------------------------------------


def find_files(params: Params, table: str, source: TableSource) -> list[Path]:
    """The files of a table, in the order they are named; those of a pattern by name.

    Raises
    ------
    TablesError
        If a file does not exist or a pattern matches none.
    """
    found: list[Path] = []
    for name in source.file:
        path = params.resolve(name)
        is_pattern = glob.has_magic(name) and not path.is_file()  # a real file's name may hold a bracket
        matches = _matches(path) if is_pattern else [path]
        if not matches or not all(match.is_file() for match in matches):
            raise TablesError(_no_such_file(params, table, name, path))
        found += [match for match in matches if match not in found]
    if not found and not source.rows:
        raise TablesError(say_problem("no_file_named", table=table))
    return found


def _matches(pattern: Path) -> list[Path]:
    root = Path(pattern.anchor)
    return sorted(match for match in root.glob(str(pattern.relative_to(root))) if match.is_file())


def name_of(params: Params, path: Path) -> str:
    """What a file is called in reports: its path below the project, else its folder and name."""
    root = params.root.resolve()
    return (
        path.relative_to(root).as_posix() if path.is_relative_to(root) else f"{path.parent.name}/{path.name}"
    )


def _no_such_file(params: Params, table: str, name: str, path: Path) -> Said:
    what = "no_match" if glob.has_magic(name) else "no_file"
    of_sample = [one for one in SAMPLES if path.is_relative_to(params.root.resolve() / "data" / one)]
    if of_sample:
        advice = say_problem("write_the_sample", sample=of_sample[0])
    else:
        advice = say_problem("put_it_there", table=table, params=params.path.name)
    return say_problem(what, table=table, path=path, advice=advice)


# --- Headers ------------------------------------------------------------------------------------------------


def open_source(path: Path, name: str, table: str, source: TableSource) -> SourceFile:
    """A file with its header read and checked.

    Raises
    ------
    TablesError
        If the file is empty or unreadable, two columns share a name, or a mapped column is not there; every
        such column is listed with its nearest name.
    """
    form = source.format or _FORMATS.get(path.suffix.lower(), "csv")
    wanted = _wanted(source)
    separator = source.separator or ","
    if form == "parquet":
        header = parquet_header(path, name)
    elif form == "excel":
        header = _excel_header(path, name, source)
    else:
        header, separator = _csv_header(path, name, source, wanted)
    columns = tuple(column.strip().strip("\ufeff").strip() for column in header)
    if not any(columns):
        raise TablesError(say_problem("empty_file", file=name))
    _check_columns(columns, wanted, name, table)
    _check_unpivot(columns, source, name, table)
    return SourceFile(path, name, form, columns, separator)


def is_parquet(path: Path, source: TableSource) -> bool:
    """Whether a file is Parquet, by what the settings or else its name say."""
    return (source.format or _FORMATS.get(path.suffix.lower())) == "parquet"


def is_excel(path: Path, source: TableSource) -> bool:
    """Whether a file is of a spreadsheet, by what the settings or else its name say."""
    return (source.format or _FORMATS.get(path.suffix.lower())) == "excel"


def _excel_header(path: Path, name: str, source: TableSource) -> tuple[str, ...]:
    count = source.lines_above_header
    lines = list(islice(excel_rows(path, name, source), max(count - 1, 0), count + 1))
    texts = [[cell_text(cell, source.decimal) or "" for cell in line] for line in lines]
    if len(texts) < min(count, 1) + 1:
        return ()
    return full_header(texts[-1], texts[0] if count else ())


def full_header(header: Sequence[str], above: Sequence[str]) -> tuple[str, ...]:
    """The names of the columns; where a cell is merged with the one above it, its name stands there."""
    names = [column.strip().strip("\ufeff").strip() for column in header]
    uppers = [cell.strip() for cell in above[: len(names)]] if len(above) == len(names) else []
    for place, upper in enumerate(uppers):
        if not names[place] and upper not in names:
            names[place] = upper
    return tuple(names)


def open_rows(params: Params, table: str, source: TableSource) -> SourceFile:
    """The rows that stand in the settings, as if they were a file.

    Raises
    ------
    TablesError
        As ``open_source`` does.
    """
    name = f"{params.path.name} (tables.{table}.rows)"
    columns = tuple(dict.fromkeys(column for row in source.rows for column in row))
    _check_columns(columns, _wanted(source), name, table)
    _check_unpivot(columns, source, name, table)
    return SourceFile(params.path, name, "rows", columns)


def _wanted(source: TableSource) -> dict[str, str]:
    """The columns of theirs that the settings name one by one, each with the setting that does."""
    made = (source.unpivot.name_to, source.unpivot.value_to) if source.unpivot else ()
    named = [(name, "columns") for given in source.columns.values() for name in given.column or ()]
    wanted = {name.strip(): where for name, where in named if name.strip() not in made}
    elsewhere = [(name, "keep_last_per") for name in source.keep_last_per]
    if source.in_order_of:
        elsewhere.append((source.in_order_of.column, "in_order_of"))
    if source.unpivot:
        elsewhere += [(name, "unpivot") for name in source.unpivot.columns if not glob.has_magic(name)]
    return {name.strip(): where for name, where in elsewhere} | wanted


def _check_unpivot(columns: tuple[str, ...], source: TableSource, name: str, table: str) -> None:
    unpivot = source.unpivot
    if unpivot is None:
        return
    for pattern in unpivot.columns:
        if not matching_columns((pattern,), columns):
            found = ", ".join(repr(column) for column in columns if column)
            raise TablesError(
                f"{name}: no column is called {pattern!r} (tables.{table}.unpivot.columns); columns found: {found}"
            )
    for made in (unpivot.name_to, unpivot.value_to):
        if made in columns:
            raise TablesError(
                f"{name}: there is a column {made!r} already; choose another name at tables.{table}.unpivot"
            )


def matching_columns(patterns: Iterable[str], columns: Iterable[str]) -> list[str]:
    """The columns that names and patterns mean, in the order of the file."""
    meant = [pattern.strip() for pattern in patterns]
    return [name for name in columns if any(name == one or fnmatchcase(name, one) for one in meant)]


def _check_columns(columns: tuple[str, ...], wanted: Mapping[str, str], name: str, table: str) -> None:
    twice = sorted({column for column in columns if column and columns.count(column) > 1})
    if twice:
        raise TablesError(say_problem("same_heading", file=name, names=listed(twice, is_quoted=True)))
    missing = [column for column in wanted if column not in columns]
    if not missing:
        return
    hints = {column: nearest(column, columns) for column in missing}
    lines = [
        say_problem("column_lacking", name=column, hint=hint if "did you mean" in hint else "")
        for column, hint in hints.items()
    ]
    settings = dict.fromkeys(f"tables.{table}.{wanted[column]}" for column in missing)
    raise TablesError(
        joined("\n", [
            say_problem("columns_lacking", file=name, where=joined(say_problem("and"), settings)),
            *lines,
            say_problem("columns_found", names=listed(filter(None, columns), is_quoted=True)),
            say_problem("write_your_columns"),
        ])
    )  # fmt: skip


def _csv_header(path: Path, name: str, source: TableSource, wanted: Collection[str]) -> tuple[list[str], str]:
    """The first record of a CSV file, split by the separator that finds most of the wanted columns."""
    text = "".join(without_lines([first_text(path, name, source.encoding)], source.lines_above_header))
    if "\x00" in text:
        raise TablesError(say_problem("zero_bytes", file=name, encoding=source.encoding))
    candidates = (source.separator,) if source.separator else SEPARATORS
    split = [(_first_record(text, separator), separator) for separator in candidates]

    def fits(one: tuple[list[str], str]) -> tuple[int, int]:
        return sum(column.strip() in wanted for column in one[0]), len(one[0])

    return max(split, key=fits)  # the first of equals: a comma


def _first_record(text: str, separator: str) -> list[str]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    return next((record for record in reader if record), [])
