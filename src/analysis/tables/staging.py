"""The rows of a file as text with their numbers, laid down where SQL can read them."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from analysis.catalogue import say_problem
from analysis.params import TableSource
from analysis.tables import TablesError
from analysis.tables.encodings import decoded_chunks, without_lines
from analysis.tables.sources import SourceFile
from analysis.tables.typed_files import cell_text, column_text, excel_rows

BLOCK_BYTES = 1 << 24
BATCH_ROWS = 1 << 17
_UTF8 = ("utf-8", "utf-8-sig", "ascii")


@dataclass(frozen=True)
class MalformedLine:
    """A line that does not have as many fields as the header."""

    row: int
    found_fields: int
    expected_fields: int
    text: str


@dataclass
class StagedFile:
    """One file as all-text rows: Parquet at ``path`` with ``_row`` (1-based data row), ``c0``, ``c1`` …, in order."""

    file: SourceFile
    path: Path
    rows: int
    last_row: int  # the highest row number that occurs
    malformed: list[MalformedLine] = field(default_factory=list)


def stage_file(file: SourceFile, source: TableSource, folder: Path, number: int) -> StagedFile:
    """The rows of a file as text, laid down as Parquet in ``folder``, where every engine reads the same."""
    target = folder / f"{number}.parquet"
    if file.format == "parquet":
        return _stage_parquet(file, source, target)
    if file.format == "excel":
        return _stage_excel(file, source, target)
    if file.format == "rows":
        texts = [[cell_text(row.get(name), source.decimal) for name in file.columns] for row in source.rows]
        return _write_texts(file, texts, target)
    return _stage_csv(file, source, folder, target)


def _schema(file: SourceFile) -> pa.Schema:
    texts = [(f"c{i}", pa.string()) for i in range(len(file.columns))]
    return pa.schema([("_row", pa.int64()), *texts])


def _stage_csv(file: SourceFile, source: TableSource, folder: Path, target: Path) -> StagedFile:
    path = _as_utf8(file, source, folder)
    malformed: list[MalformedLine] = []
    rows = 0
    with pa_parquet.ParquetWriter(target, _schema(file), compression="snappy") as writer:
        for batch in _csv_batches(path, file, malformed):
            rows += batch.num_rows
            writer.write_batch(batch)
    _check_last_quote(path, file, target, rows, malformed)
    return StagedFile(file, target, rows, rows + len(malformed), malformed)


def _as_utf8(file: SourceFile, source: TableSource, folder: Path) -> Path:
    """The file itself if it is sound UTF-8 from its header on, else a temporary copy that is."""
    texts = decoded_chunks(file.path, file.name, source.encoding)
    if codecs.lookup(source.encoding).name in _UTF8 and not source.lines_above_header:
        for _ in texts:
            pass
        return file.path
    copy = folder / f"{file.path.name}.utf8"
    with copy.open("w", encoding="utf-8", newline="") as stream:
        for text in without_lines(texts, source.lines_above_header):
            stream.write(text)
    return copy


def _csv_batches(path: Path, file: SourceFile, malformed: list[MalformedLine]) -> Iterator[pa.RecordBatch]:
    """The rows of a CSV file in order, each with its number; lines of the wrong width go to ``malformed``."""
    width = len(file.columns)

    def set_aside(line: Any) -> str:
        row = line.number - 1  # the header is row 1 of the file
        malformed.append(MalformedLine(row, line.actual_columns, line.expected_columns, line.text))
        return "skip"

    names = [f"c{i}" for i in range(width)]
    try:
        reader = pa_csv.open_csv(
            path,
            # one thread: only so is the number of a malformed row known
            read_options=pa_csv.ReadOptions(use_threads=False, column_names=names, block_size=BLOCK_BYTES),
            parse_options=pa_csv.ParseOptions(
                delimiter=file.separator, newlines_in_values=True, invalid_row_handler=set_aside
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, check_utf8=False
            ),
        )
        yield from _numbered(reader, malformed)
    except pa.ArrowInvalid as error:
        raise TablesError(
            f"{file.name}: cannot be split into rows ({' '.join(str(error).split())}); "
            "look for a quotation mark that is opened and never closed"
        ) from None


def _numbered(reader: Iterable[pa.RecordBatch], malformed: list[MalformedLine]) -> Iterator[pa.RecordBatch]:
    """Batches with the number of each row: one after another, malformed ones left out, the header being 0."""
    last, passed = -1, 0
    for batch in reader:
        skipped = np.array([line.row for line in malformed[passed:]], dtype=np.int64)
        span = np.arange(last + 1, last + 1 + batch.num_rows + len(skipped), dtype=np.int64)
        rows = np.setdiff1d(span, skipped, assume_unique=True)[: batch.num_rows]
        if not len(rows):
            continue
        passed += int(np.searchsorted(skipped, rows[-1]))
        last = int(rows[-1])
        numbered = pa.record_batch([pa.array(rows), *batch.columns], names=["_row", *batch.schema.names])
        yield numbered.slice(1) if rows[0] == 0 else numbered


def _check_last_quote(
    path: Path, file: SourceFile, target: Path, rows: int, malformed: list[MalformedLine]
) -> None:
    """A quotation mark never closed swallows the rest of the file into one value: an error, not a row."""
    last_row, value = _last_row(target) if rows else (0, "")
    is_open = "\n" in value and _ends_with(path, value)  # a closed value has a quotation mark after it
    if malformed and malformed[-1].row > last_row:
        last_row, is_open = malformed[-1].row, _is_open(malformed[-1].text, file.separator)
    if is_open:
        raise TablesError(say_problem("quote_left_open", file=file.name, row=last_row))


def _ends_with(path: Path, text: str) -> bool:
    ending = text.encode()
    with path.open("rb") as stream:
        stream.seek(max(path.stat().st_size - len(ending), 0))
        return stream.read() == ending


def _is_open(line: str, separator: str) -> bool:
    """Whether a line ends inside quotation marks."""
    try:
        list(csv.reader(io.StringIO(line, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        return "unexpected end" in str(error)
    return False


def _last_row(target: Path) -> tuple[int, str]:
    staged = pa_parquet.ParquetFile(target)
    group = staged.read_row_group(staged.num_row_groups - 1)
    row = group.slice(group.num_rows - 1).to_pylist()[0]
    return row["_row"], list(row.values())[-1] or ""


def _stage_excel(file: SourceFile, source: TableSource, target: Path) -> StagedFile:
    rows = list(excel_rows(file.path, file.name, source))[source.lines_above_header + 1 :]
    return _write_texts(file, [[cell_text(cell, source.decimal) for cell in row] for row in rows], target)


def _write_texts(file: SourceFile, texts: list[list[str | None]], target: Path) -> StagedFile:
    """Rows of texts laid down; those without any are passed over."""
    kept = [(number, *row) for number, row in enumerate(texts, start=1) if any(row)]
    schema = _schema(file)
    columns = list(zip(*kept, strict=True)) if kept else [()] * len(schema)
    arrays = [pa.array(column, type=kind) for column, kind in zip(columns, schema.types, strict=True)]
    pa_parquet.write_table(pa.Table.from_arrays(arrays, schema=schema), target)
    return StagedFile(file, target, len(kept), len(texts))


def _stage_parquet(file: SourceFile, source: TableSource, target: Path) -> StagedFile:
    schema = _schema(file)
    rows = 0
    try:
        with (
            pa_parquet.ParquetFile(file.path) as given,
            pa_parquet.ParquetWriter(
                target, schema, use_dictionary=False
            ) as writer,  # quicker, and read but twice
        ):
            for batch in given.iter_batches(BATCH_ROWS):
                texts = [column_text(column, source.decimal) for column in batch.columns]
                numbers = pa.array(np.arange(rows + 1, rows + 1 + batch.num_rows))
                writer.write_batch(pa.record_batch([numbers, *texts], schema=schema))
                rows += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        raise TablesError(f"{file.name}: cannot be read ({' '.join(str(error).split())})") from None
    return StagedFile(file, target, rows, rows)
