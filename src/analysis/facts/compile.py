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

# Written for one window; the fact is all windows, one after the other.
PER_WINDOW = ("year_before_buyers", "customer_periods", "windows")
# What is told of each window, and what that is made of.
BY_WINDOW = (
    "customer_stretches", "year_before_buyers", "value_cutoffs", "customer_periods", "windows", "window_days",
    "customer_care", "agent_periods",
)  # fmt: skip
# Read by several scans, or several times by one, and small: held in memory instead of put together each time.
KEPT = ("customer_stretches", "value_cutoffs", "window_days", "ticket_contacts")
FACTS = (
    "orders", "customers", *BY_WINDOW, "purchase_days", "spend", "answers", "responses", "surveys", "mentions",
    "feedback", "ticket_contacts", "tickets", "contacts", "shifts", "help_sessions",
)  # fmt: skip
PARAMETERISED = ("histories", "cohort_activity", "purchases_by_day")

# The facts whose rows name a customer, and so can be told apart by his traits.
OF_CUSTOMERS = (
    "customer_periods", "customer_care", "orders", "answers", "responses", "surveys", "mentions", "feedback",
    "tickets", "contacts", "help_sessions",
)  # fmt: skip
# The facts that follow from who is a customer, which only orders can tell.
OF_ORDERS = ("orders", "customer_periods", "customer_care")

# What a row is one of, where the last of several is looked for: no two rows are alike in these.
KEYS_OF_FACTS = {"responses": ("survey_id", "construct")}

# Where the days are on which something happened, by table: what is covered is found from them.
DAYS_OF_TABLES = {
    "orders": "ordered_on", "costs": "spent_on", "surveys": "sent_on", "answers": "answered_on",
    "mentions": "published_on", "feedback": "given_on", "tickets": "opened_on", "contacts": "started_on",
    "shifts": "started_on", "help_sessions": "started_on",
}  # fmt: skip
# The same of facts that are not named after their table, or know the day better than it.
_DAYS_OF_FACTS = {
    "spend": ("costs", "source_costs", "spent_on"), "answers": ("answers", "answers", "answered_on"),
    "responses": ("answers", "answers", "answered_on"), "agent_periods": ("contacts", "source_contacts", "started_on"),
}  # fmt: skip


def days_of(fact: str) -> tuple[str, str, str] | None:
    """The table behind a fact (or of that name), and the relation and column that hold its days; none if undated."""
    if fact in _DAYS_OF_FACTS:
        return _DAYS_OF_FACTS[fact]
    return (fact, f"source_{fact}", DAYS_OF_TABLES[fact]) if fact in DAYS_OF_TABLES else None


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
