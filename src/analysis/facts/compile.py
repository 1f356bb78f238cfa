"""Fact SQL with the settings put in, in DuckDB's dialect: engines of another one translate it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import Any

# Written for one window; the fact is all windows, one after the other.
PER_WINDOW = (
    "year_before_buyers", "customer_periods", "windows", "customer_contracts", "customer_holders",
    "customer_categories", "customer_served", "pipeline",
)  # fmt: skip
# What is told of each window, and what that is made of.
BY_WINDOW = (
    "customer_stretches", "year_before_buyers", "value_cutoffs", "customer_periods", "windows", "window_days",
    "customer_care", "agent_periods", "customer_contracts", "customer_holders", "customer_categories",
    "customer_served", "customer_dealings", "pipeline",
)  # fmt: skip
# Read by several scans, or several times by one, and small: held in memory instead of put together each time.
KEPT = (
    "customer_stretches", "value_cutoffs", "window_days", "ticket_contacts", "holdings",
    "opportunities", "stage_entries",
)  # fmt: skip
# Put together from several tables, and too large to be kept: held while several scans read them.
WIDE = ("tickets", "contacts", "answers", "responses", "surveys", "help_sessions")
FACTS = (
    "orders", "customers", *BY_WINDOW, "purchase_days", "spend", "answers", "responses", "surveys", "mentions",
    "feedback", "ticket_contacts", "tickets", "contacts", "shifts", "help_sessions",
    "opportunities", "stage_entries", "contracts", "exits", "actions", "benefits", "holdings",
)  # fmt: skip
PARAMETERISED = ("histories", "cohort_activity", "purchases_by_day")

# The facts whose rows name a customer, and so can be told apart by his traits.
OF_CUSTOMERS = (
    "customer_periods", "customer_care", "orders", "answers", "responses", "surveys", "mentions", "feedback",
    "tickets", "contacts", "help_sessions", "customer_dealings", "opportunities", "stage_entries", "pipeline",
    "contracts", "exits", "actions", "customer_contracts",
)  # fmt: skip
# The facts of one row for each window and customer; those of them that hold every column of customer_periods.
OF_CUSTOMERS_BY_WINDOW = ("customer_periods", "customer_care", "customer_dealings", "customer_contracts")
WITH_TRAITS = ("customer_periods", "customer_care", "customer_dealings")
# The facts that follow from who is a customer, which orders tell, or contracts, as the setting customer_base says; and
# of those facts, the columns that only orders can fill.
OF_ORDERS = ("orders", "customer_periods", "customer_care", "customer_dealings")
COLUMNS_OF_ORDERS = frozenset({
    "is_buyer", "orders", "net_revenue", "previous_revenue", "year_ago_revenue", "year_before_revenue",
    "trailing_year_orders", "trailing_year_revenue", "orders_in_activity_window", "orders_to_date",
    "net_revenue_to_date", "value_band", "categories_bought",
})  # fmt: skip

# What a row is one of, where the last of several is looked for: no two rows are alike in these.
KEYS_OF_FACTS = {"responses": ("survey_id", "construct")}

# Where the days are on which something happened, by table: what is covered is found from them.
DAYS_OF_TABLES = {
    "orders": "ordered_on", "costs": "spent_on", "surveys": "sent_on", "answers": "answered_on",
    "mentions": "published_on", "feedback": "given_on", "tickets": "opened_on", "contacts": "started_on",
    "shifts": "started_on", "help_sessions": "started_on",
    "opportunities": "created_on", "stage_entries": "entered_on", "exits": "exited_on", "benefits": "gained_on",
    "referrals": "referred_on",
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


# A text, a quoted name, a comment: what stands in these is nobody's `$name`.
_TOKEN = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|\$(\w+)")


def settings_in(sql: str) -> set[str]:
    """The names written as ``$name`` in a statement."""
    return {found[1] for found in _TOKEN.finditer(sql) if found[1]}


def with_settings(sql: str, settings: Mapping[str, Any], pretty: bool = False) -> str:
    """A statement with every ``$name`` replaced by the setting's value as a typed literal, and without comments.

    Raises
    ------
    KeyError
        If a name is no setting.
    """

    def fill(found: re.Match[str]) -> str:
        if found[1]:
            return _literal(settings[found[1]])
        return "" if found[0].startswith("--") else found[0]

    filled = _TOKEN.sub(fill, sql)
    return _laid_out(filled) if pretty else filled


def _laid_out(sql: str) -> str:
    from sqlglot import parse_one  # takes longer than most statements run, so only a reader's own is parsed

    return parse_one(sql, dialect="duckdb").sql(dialect="duckdb", pretty=True, comments=False)


def _literal(value: Any) -> str:
    if isinstance(value, date):
        return f"date '{value}'"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value).lower() if value >= 0 else f"({value})"
