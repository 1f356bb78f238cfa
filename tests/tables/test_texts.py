"""Texts as people see them."""

from __future__ import annotations

import pytest

from analysis.engine.duckdb import DuckDBEngine
from analysis.tables.quoting import quoted
from analysis.tables.texts import present, stripped


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain", "plain"), ("  a b ", "a b"), ("\u00a0x\u3000", "x"), ("\ufeffid", "id"), ("客户 ", "客户"),
        ("é", "é"), ("\t\r\n", ""), ("", ""),
    ],
)  # fmt: skip
def test_spaces_of_every_kind_around_a_text_are_not_seen(text, seen):
    assert DuckDBEngine().rows(f"select {stripped(quoted(text))}") == [(seen,)]


@pytest.mark.parametrize(
    ("text", "seen"), [("?", None), ("", None), ("n/a", None), ("N/A", "N/A"), ("??", "??")]
)
def test_words_that_mean_nothing_are_missing_as_they_are_written(text, seen):
    assert DuckDBEngine().rows(f"select {present(quoted(text), ['?', ' n/a ', '?'])}") == [(seen,)]
