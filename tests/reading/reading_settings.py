"""What the tests of settings share: a file written and loaded, and the lines that a file is refused with."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.params import Params, ParamsError, load_params

PARAMS = Path(__file__).resolve().parents[2] / "params"
BASE = PARAMS / "base.yml"
ORDERS = "tables: {orders: {file: orders.csv, columns: {ordered_at: date, amount: money}}}\n"
GOOD = "company: Test\n" + ORDERS


def load(root: Path, text: str, name: str = "params/company.yml") -> Params:
    """The settings of a file with this text, below a folder."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return load_params(path)


def problems(root: Path, text: str) -> list[str]:
    """The lines of the message a file is refused with."""
    with pytest.raises(ParamsError) as raised:
        load(root, text)
    first, *listed = str(raised.value).splitlines()
    assert first == "company.yml cannot be used:"
    return [line.removeprefix("  - ") for line in listed]
