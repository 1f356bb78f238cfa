"""Excel and Parquet files, whose cells arrive typed: as text in the source's own notation."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pa_parquet

from analysis.catalogue import nearest, say_problem
from analysis.params import TableSource
from analysis.tables import TablesError


def excel_rows(path: Path, name: str, source: TableSource) -> Iterator[list[Any]]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_path(str(path))
        sheet_name = source.sheet or book.sheet_names[0]
        if sheet_name not in book.sheet_names:
            hint = nearest(sheet_name, book.sheet_names)
            raise TablesError(say_problem("no_sheet", file=name, name=sheet_name, hint=hint))
        sheet = book.get_sheet_by_name(sheet_name)
    except (CalamineError, OSError, IndexError) as error:
        raise TablesError(say_problem("not_excel", file=name, error=error)) from None
    yield from sheet.to_python(skip_empty_area=True)


def cell_text(cell: Any, decimal: str) -> str | None:
    """An Excel cell in the source's own notation: whole numbers without decimals, dates in ISO form."""
    if cell is None or cell == "":
        return None
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell).replace(".", decimal)
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, date):
        return cell.isoformat()
    return str(cell)


def parquet_header(path: Path, name: str) -> list[str]:
    try:
        return list(pa_parquet.read_schema(path).names)
    except (pa.ArrowInvalid, OSError) as error:
        raise TablesError(
            f"{name}: cannot be opened as a Parquet file ({' '.join(str(error).split())})"
        ) from None


def parquet_beginning(path: Path, name: str, count: int) -> list[list[str | None]]:
    """The header and the first rows of a Parquet file, as texts."""
    rows = [list(parquet_header(path, name))]
    with pa_parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(count):
            texts = [column_text(column, ".").to_pylist() for column in batch.columns]
            return rows + [list(row) for row in zip(*texts, strict=True)]
    return rows


def column_text(column: pa.Array, decimal: str) -> pa.Array:
    """A typed column as text in the source's own notation, as ``cell_text`` has it; a float NaN is missing."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return column_text(column.dictionary_decode(), decimal)
    if pa.types.is_floating(kind):
        return _pointed(_float_text(column.cast(pa.float64()) if kind == pa.float16() else column), decimal)
    if pa.types.is_decimal(kind):
        whole = pc.replace_substring_regex(column.cast(pa.string()), r"[.]0+$", "")
        return _pointed(whole, decimal)
    if pa.types.is_timestamp(kind):
        return _instant_text(column)
    if _is_plain(kind):
        return column.cast(pa.string())
    return pa.array([None if value is None else str(value) for value in column.to_pylist()], pa.string())


def _is_plain(kind: pa.DataType) -> bool:
    """Whether Arrow writes a type as everybody does."""
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    return is_text or pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_date(kind)


def _float_text(column: pa.Array) -> pa.Array:
    """Whole numbers without decimals, others with as few digits as tell them apart."""
    numbers = column.to_numpy(zero_copy_only=False)
    is_whole = (np.trunc(numbers) == numbers) & (np.abs(numbers) < 1e15)
    whole = pa.array(np.where(is_whole, numbers, 0).astype("int64")).cast(pa.string())
    texts = whole if is_whole.all() else pc.if_else(pa.array(is_whole), whole, column.cast(pa.string()))
    is_number = ~np.isnan(numbers)
    return texts if is_number.all() else pc.if_else(pa.array(is_number), texts, None)


def _pointed(texts: pa.Array, decimal: str) -> pa.Array:
    return texts if decimal == "." else pc.replace_substring(texts, ".", decimal)


def _instant_text(column: pa.Array) -> pa.Array:
    """ISO form without needless decimals; an instant of a zone is written in UTC with its offset."""
    local = column.cast(pa.timestamp(column.type.unit))
    seconds = pc.cast(pc.floor_temporal(local, unit="second"), pa.timestamp("s"))
    texts = seconds.cast(pa.string())
    if not pc.all(pc.equal(seconds.cast(local.type), local), min_count=0).as_py():
        texts = local.cast(pa.string())
        for needless, kept in (("([.][0-9]*?)0+$", r"\1"), ("[.]$", "")):
            texts = pc.replace_substring_regex(texts, needless, kept)
    return texts if column.type.tz is None else pc.binary_join_element_wise(texts, "+00", "")
