"""Fact SQL with the settings put in, in DuckDB's dialect: engines of another one translate it.

sqlglot is imported where a statement is compiled: results that are read back need none.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlglot import exp

# In the order they build on each other.
BY_WINDOW = ("customer_stretches", "year_before_buyers", "value_cutoffs", "customer_periods")
FACTS = ("orders", "customers", *BY_WINDOW, "purchase_days", "spend")
PARAMETERISED = ("histories", "cohort_activity", "purchases_by_day")


@lru_cache(maxsize=64)
def fact_text(name: str) -> str:
    """The SQL of a fact as it stands in its file, heading comment included."""
    return files("analysis.facts").joinpath(f"{name}.sql").read_text(encoding="utf-8")


def grain(name: str) -> str:
    """What one row of a fact is, as its heading comment says."""
    lines = [
        line.removeprefix("--").strip() for line in fact_text(name).splitlines() if line.startswith("--")
    ]
    return " ".join(lines)


def settings_in(sql: str) -> set[str]:
    """The names written as ``$name`` in a statement."""
    from sqlglot import exp

    return {_name(node) for node in _parsed(sql).find_all(exp.Parameter, exp.Placeholder)}


def with_settings(sql: str, settings: Mapping[str, Any], pretty: bool = False) -> str:
    """A statement with every ``$name`` replaced by the setting's value as a typed literal.

    Raises
    ------
    KeyError
        If a name is no setting.
    """

    from sqlglot import exp

    def fill(node: exp.Expression) -> exp.Expression:
        return _literal(settings[_name(node)]) if isinstance(node, exp.Parameter | exp.Placeholder) else node

    return _parsed(sql).copy().transform(fill).sql(dialect="duckdb", pretty=pretty, comments=False)


@lru_cache(maxsize=512)
def _parsed(sql: str) -> exp.Expression:
    from sqlglot import parse_one

    return parse_one(sql, dialect="duckdb")


def _name(node: exp.Expression) -> str:
    return node.name or str(node.this)


def _literal(value: Any) -> exp.Expression:
    from sqlglot import exp

    if isinstance(value, date):
        return exp.cast(exp.Literal.string(value.isoformat()), "date")
    return exp.convert(value)
