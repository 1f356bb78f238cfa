"""Rows → CSV files, byte for byte the same: fixed formats, one line ending, written aside and renamed."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .rows import Rows

NEEDS_QUOTES = frozenset(',"\r\n')


def write_table(table: Rows, path: Path) -> Path:
    """One table as UTF-8 CSV with a heading; money and other fractions with two decimals."""
    columns = [_texts(column) for column in table.values()]
    lines = [",".join(_quoted(name) for name in table), *map(",".join, zip(*columns, strict=True))]
    return write_text("\n".join(lines) + "\n", path)


def write_text(text: str, path: Path) -> Path:
    """A text file that is there whole or not at all; one that says the same already is left alone."""
    content = text.encode("utf-8")
    if path.is_file() and path.read_bytes() == content:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.{uuid.uuid4().hex}")
    aside.write_bytes(content)
    aside.replace(path)
    return path


def _texts(column: NDArray) -> list[str]:
    """A column's cells as they stand in the file; hidden ones are empty."""
    if np.ma.isMaskedArray(column):
        shown = _texts(column.data)
        return [
            "" if hidden else text for text, hidden in zip(shown, np.ma.getmaskarray(column), strict=True)
        ]
    return _cells(column)


def _cells(column: NDArray) -> list[str]:
    kind = column.dtype.kind
    if kind == "M":
        return "\n".join(np.datetime_as_string(column).tolist()).replace("T", " ").split("\n")
    if kind == "f":
        return [f"{value:.2f}" for value in column.tolist()]
    if kind == "b":
        return ["yes" if value else "no" for value in column.tolist()]
    if kind in "iu":
        return list(map(str, column.tolist()))
    return _safe(column.tolist())


def _safe(texts: list[str]) -> list[str]:
    """The texts, those in quotation marks that need them; most columns have none, which one look tells."""
    return list(map(_quoted, texts)) if NEEDS_QUOTES & set("".join(texts)) else texts


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if NEEDS_QUOTES & set(text) else text
