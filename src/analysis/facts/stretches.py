"""What customers ordered in each window, without a row for every order and window.

The bounds of all windows cut time into few stretches of days. One pass over the orders adds up, for each customer,
what he ordered in each stretch; what a window looks at is then a sum of columns. Facts write it as
``orders_between($starts_on, $ends_on)`` or ``revenue_before($ends_on)``; here these words become columns.

``is_active($closing_from, $ends_on)`` is who counts as a customer at the second day: one who ordered since the first,
one with a contract in force, or either (the setting ``customer_base``). Contracts become a column for each such day.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

# What is added up in a stretch, over the rows of one customer.
_SUMS = {
    "orders": "cast(count(case when is_purchase and orders_stretch = {number} then 1 end) as int)",
    "revenue": "sum(case when revenue_stretch = {number} then net_amount end)",
}
_NOTHING = {"orders": "0", "revenue": "cast(0 as double)"}
# Who counts as a customer at the end of a stretch.
_ACTIVE_BY = {
    "orders": r"orders_between(\1, \2) > 0",
    "contracts": r"in_force_at(\2)",
    "either": r"(orders_between(\1, \2) > 0 or in_force_at(\2))",
}
_IN_FORCE = "max(case when starts_on < {day} and (ends_on is null or ends_on >= {day}) then 1 else 0 end) = 1"
_ACTIVE = re.compile(r"\bis_active\((\$\w+), (\$\w+)\)")
_AT = re.compile(r"\bin_force_at\(\$(\w+)\)")
_CALL = re.compile(r"\b(orders|revenue)_(between|before)\(([^()]*)\)")
_NAME = re.compile(r"\$(\w+)")
Bounds = Mapping[str, Any]


@dataclass(frozen=True)
class Stretches:
    """Where the stretches of each measure begin.

    Attributes
    ----------
    first_day
        The first day with an order; none if there is no order.
    bounds
        For ``orders`` and ``revenue``, the first days of all stretches but the earliest, in order.
    customer_base
        What makes a customer: ``orders``, ``contracts`` or ``either``.
    contract_days
        The days at which it is asked whether a contract is in force.
    """

    first_day: date | None
    bounds: Mapping[str, tuple[date, ...]]
    customer_base: str = "orders"
    contract_days: tuple[date, ...] = ()

    def columns(self, measure: str) -> list[str]:
        """The stretches' columns, the earliest first."""
        return [f"{measure}_earlier", *(f"{measure}_from_{day:%Y%m%d}" for day in self.bounds[measure])]

    def between(self, measure: str, start: date | None, end: date) -> list[str]:
        """The columns of the stretches from a day (the beginning, if none) up to, not including, another."""
        if self.first_day is None or end <= self.first_day:
            return []
        start = start if start and start > self.first_day else date.min
        firsts = zip((date.min, *self.bounds[measure]), self.columns(measure), strict=True)
        return [name for first, name in firsts if start <= first < end]


def find_stretches(
    texts: Iterable[str],
    windows: Sequence[Bounds],
    first_day: date | None,
    end: date,
    customer_base: str = "orders",
) -> Stretches:
    """The stretches from which facts can be put together for every window.

    Parameters
    ----------
    texts
        The facts' SQL.
    windows
        What ``$name`` stands for in each window.
    first_day, end
        The first day with an order, and a day from which on there is none: no bound is needed outside.
    customer_base
        What makes a customer: ``orders``, ``contracts`` or ``either``.
    """
    texts = [_as_of(text, customer_base) for text in texts]
    asked: dict[str, set[date]] = {measure: set() for measure in _SUMS}
    for measure, _, names in (call for text in texts for call in _CALL.findall(text)):
        asked[measure] |= {window[name] for window in windows for name in _NAME.findall(names)}
    inside = {
        measure: tuple(sorted(day for day in days if first_day and first_day < day < end))
        for measure, days in asked.items()
    }
    contract_days = {window[name] for text in texts for name in _AT.findall(text) for window in windows}
    return Stretches(first_day, inside, customer_base, tuple(sorted(contract_days)))


def _as_of(text: str, customer_base: str) -> str:
    """The fact with ``is_active`` in terms of orders and contracts."""
    return _ACTIVE.sub(_ACTIVE_BY[customer_base], text)


def with_every_stretch(text: str, stretches: Stretches) -> str:
    """The SQL of the fact that adds up each stretch, with a column for every one of them."""
    sums = {
        name: sql.format(number=number)
        for measure, sql in _SUMS.items()
        for number, name in enumerate(stretches.columns(measure))
    }
    in_force = {_at(day): _IN_FORCE.format(day=f"date '{day}'") for day in stretches.contract_days}
    columns = [f"coalesce(o.{name}, 0) as {name}" for name in sums]
    columns += [f"coalesce(k.{name}, false) as {name}" for name in in_force]
    written = {
        "stretch_of_orders(ordered_on)": _place("ordered_on", stretches.bounds["orders"]),
        "stretch_of_revenue(ordered_on)": _place("ordered_on", stretches.bounds["revenue"]),
        "sums_of_stretches()": ",\n    ".join(f"{sql} as {name}" for name, sql in sums.items()),
        "columns_of_stretches()": ",\n  ".join(columns),
        "contracts_at_bounds()": ", ".join(
            ["count(*) as contracts", *(f"{sql} as {name}" for name, sql in in_force.items())]
        ),
        "$customer_base": f"'{stretches.customer_base}'",
    }
    for short, long in written.items():
        text = text.replace(short, long)
    return text


def over_windows(text: str, windows: Sequence[Bounds], stretches: Stretches) -> str:
    """The SQL of a fact of one window as that of all windows, one after the other."""
    text = _without_comments(text).strip()
    if text.lower().startswith("with "):  # such a query stands alone: no union takes it as it is
        text = f"select * from (\n{text}\n) one_window"
    return "\nunion all\n".join(_in_window(text, window, stretches) for window in windows)


def _in_window(text: str, window: Bounds, stretches: Stretches) -> str:
    def summed(call: re.Match[str]) -> str:
        measure, names = call[1], _NAME.findall(call[3])
        start = window[names[0]] if call[2] == "between" else None
        columns = stretches.between(measure, start, window[names[-1]])
        return "(" + " + ".join(columns or [_NOTHING[measure]]) + ")"

    text = _CALL.sub(summed, _as_of(text, stretches.customer_base))
    text = _AT.sub(lambda name: _at(window[name[1]]), text)
    return _NAME.sub(lambda name: _literal(window[name[1]]), text)


def _at(day: date) -> str:
    """The column that says whether a customer has a contract in force at a day."""
    return f"in_force_at_{day:%Y%m%d}"


def _place(day: str, bounds: Sequence[date]) -> str:
    """The number of the stretch a day falls into."""
    before = " ".join(f"when {day} < date '{first}' then {number}" for number, first in enumerate(bounds))
    return f"case {before} else {len(bounds)} end" if bounds else "0"


def _literal(value: date | bool | int | float | str) -> str:
    if isinstance(value, bool | int | float):
        return str(value).lower()
    return f"date '{value}'" if isinstance(value, date) else "'" + value.replace("'", "''") + "'"


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith("--"))
