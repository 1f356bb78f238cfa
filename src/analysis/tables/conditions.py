"""Conditions that people write in SQL: whether they make sense over a table's columns, asked without reading a row."""

from __future__ import annotations

from collections.abc import Iterable

from analysis.engine import Engine, EngineError
from analysis.tables import TablesError
from analysis.tables.quoting import identifier


def check_condition(
    engine: Engine, condition: str, where: str, relation: str, columns: Iterable[str], over: str
) -> None:
    """Stops where a condition cannot be understood.

    Parameters
    ----------
    where
        The setting it stands in.
    relation, columns
        The view it is about, and the columns of it that it may name.
    over
        What these columns are, in words.

    Raises
    ------
    TablesError
        With what is wrong and the columns there are.
    """
    listed = list(columns)
    known = ", ".join(identifier(name) for name in listed)
    try:
        problem = _problem_with(engine, condition, f"(select {known} from {relation})")
    except EngineError as error:
        problem = str(error)
    if problem:
        raise TablesError(
            f"{where}: {condition!r} is not a condition over {over} ({problem}); columns: {', '.join(listed)}"
        )


def truth_of(condition: str) -> str:
    """SQL for whether a condition holds; one that cannot be answered does not."""
    return f"coalesce(cast((\n{condition}\n) as boolean), false)"


def _problem_with(engine: Engine, condition: str, rows: str) -> str | None:
    """What is wrong with a condition; the engine's own errors are raised."""
    if _has_semicolon(condition):
        return "it is more than one condition"
    engine.columns(f"select 1 as one from {rows} where {condition}\n")
    [kind] = engine.columns(f"select (\n{condition}\n) as given from {rows}").values()
    return None if kind == "boolean" else f"it gives {kind}, not true or false"


def _has_semicolon(condition: str) -> bool:
    """Whether a statement would end inside the condition; in a text or a comment, a semicolon ends none."""
    if ";" not in condition:
        return False
    from sqlglot import tokenize
    from sqlglot.errors import TokenError
    from sqlglot.tokens import TokenType

    try:
        return any(one.token_type == TokenType.SEMICOLON for one in tokenize(condition, read="duckdb"))
    except TokenError:  # it ends in the middle of a word
        return True
