"""Excel and Parquet files, whose cells arrive typed: as text in the source's own notation."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pa_parquet

from analysis.catalogue import nearest
from analysis.params import TableSource
from analysis.tables import TablesError
from analysis.tables.quoting import quoted


def excel_rows(path: Path, name: str, source: TableSource) -> Iterator[list[Any]]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_path(str(path))
        sheet_name = source.sheet or book.sheet_names[0]
        if sheet_name not in book.sheet_names:
            raise TablesError(
                f"{name}: there is no sheet {sheet_name!r}{nearest(sheet_name, book.sheet_names)}"
            )
        sheet = book.get_sheet_by_name(sheet_name)
    except (CalamineError, OSError, IndexError) as error:
        raise TablesError(f"{name}: cannot be opened as an Excel file ({error})") from None
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


def parquet_text(column: str, kind: pa.DataType, decimal: str) -> str:
    """SQL that writes a typed column as text in the source's own notation; a float NaN is missing."""
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        text = (
            f"case when {column} = trunc({column}) and abs({column}) < 1e15 "
            f"then cast(cast({column} as bigint) as text) else cast({column} as text) end"
        )
        text = text if decimal == "." else f"replace({text}, '.', {quoted(decimal)})"
        return f"case when not isnan(cast({column} as double)) then {text} end"
    return f"cast({column} as text)"
