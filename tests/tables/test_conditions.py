"""Conditions that people write: understood, or refused with the reason, before a row is read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from analysis.engine import Engine, open_engine
from analysis.params import EngineSettings
from analysis.tables import TablesError
from analysis.tables.conditions import check_condition, truth_of

DUCKDB = EngineSettings(kind="duckdb", master=None, threads=None, memory_limit=None)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    opened = open_engine(DUCKDB)
    opened.create_view("given", "select * from (values ('x', 1), (null, 2)) as t(word, hidden)")
    yield opened
    opened.close()


def check(engine: Engine, condition: str) -> None:
    check_condition(engine, condition, "tables.t.ignore_when", "given", ["word"], "the columns of the file")


@pytest.mark.parametrize(
    "condition", ["word = 'x'", "word like '%;%' -- ; a comment", "word is null or not true"]
)
def test_a_condition_over_the_columns_is_taken(engine, condition):
    check(engine, condition)


@pytest.mark.parametrize(
    "condition", ["hidden = 1", "word", "word = 'x'; select 1", "word = 'x') or (1 = 1", "word = '"]
)
def test_anything_else_is_refused_with_the_setting_and_the_columns(engine, condition):
    with pytest.raises(
        TablesError, match=r"^tables.t.ignore_when: .* the columns of the file .*columns: word$"
    ):
        check(engine, condition)


def test_a_condition_that_cannot_be_answered_does_not_hold(engine):
    truth = truth_of("word = 'x'")
    assert engine.rows(f"select {truth} as holds from given order by hidden") == [(True,), (False,)]
