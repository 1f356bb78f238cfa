"""What the tests of pages share: a page read as its words and rows, and results with other frames in them."""

from __future__ import annotations

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from analysis.suite import Results

in_each_language = pytest.mark.parametrize("language", ["en", "zh"])


def read(html: object) -> BeautifulSoup:
    """A page, or a part of one, to be searched."""
    return BeautifulSoup(str(html), "html.parser")


def text(html: object) -> str:
    """All its words."""
    return read(html).get_text(" ", strip=True)


def body_rows(html: object) -> list[list[str]]:
    """The cells of the rows of its tables' bodies, headings of sections left out."""
    rows = read(html).select("tbody tr:not(.wb-section)")
    return [[cell.get_text(" ", strip=True) for cell in row.select("th, td")] for row in rows]


def replaced(results: Results, **frames: pd.DataFrame) -> Results:
    """The results as if these frames had been found."""
    return Results(results.book, {**results.frames, **frames})
