"""CDNOW: every order of 23,570 customers who first bought in the first quarter of 1997, until mid-1998."""

from __future__ import annotations

import os
import uuid
from importlib.util import find_spec
from pathlib import Path

HEADER = "customer,date,cds,amount"
MASTER, SAMPLE = "CDNOW_master.txt", "CDNOW_sample.txt"


def write_cdnow(root: Path, sample: bool = False) -> Path:
    """The CDNOW orders as a CSV file below ``root``: ``data/cdnow/orders.csv``, 69,659 rows.

    Columns as a shop would export them: ``customer``, ``date`` (19970101), ``cds``, ``amount`` (US dollars).
    With ``sample``, the 6,919 orders of every tenth customer, in ``data/cdnow/orders_sample.csv``. A file
    that is there already and says the same is left alone.

    Raises
    ------
    FileNotFoundError
        If the package that carries the data is not installed.
    """
    target = root / "data" / "cdnow" / ("orders_sample.csv" if sample else "orders.csv")
    text = "\n".join([HEADER, *_rows(_packaged(SAMPLE if sample else MASTER), sample)]) + "\n"
    if target.is_file() and target.read_text(encoding="utf-8") == text:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.{os.getpid()}.{uuid.uuid4().hex}")
    aside.write_text(text, encoding="utf-8")
    aside.replace(target)
    return target


def _packaged(name: str) -> Path:
    """Where the lifetimes package keeps a data file; the package itself is not imported, it is slow to."""
    spec = find_spec("lifetimes")
    path = Path(spec.origin).parent / "datasets" / name if spec and spec.origin else None
    if path is None or not path.is_file():
        raise FileNotFoundError(f"{name} is not there: install the package `lifetimes`, which carries it")
    return path


def _rows(path: Path, sample: bool) -> list[str]:
    """The lines of a file without heading, separated by commas; the sample has a second customer number."""
    lines = path.read_text(encoding="ascii").splitlines()
    fields = [line.split() for line in lines if line.strip()]
    records = [row for row in fields if row[0].isdigit()]
    return [",".join([row[0], *row[2:]] if sample else row) for row in records]
