"""A few rows as real exports have them: names that are code, a number given twice, a day that does not exist.

Rows that break a contract are recorded with the rule that must reject them; the others must be kept and shown
harmlessly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .rows import Rows, count, stack, take

HOSTILE_NAMES = (
    "<script>alert('customer')</script>",
    '=HYPERLINK("http://example.invalid","Prize")',
    'Ping\'s "Best" Coffee, Ltd.',
    "🍵 茶与咖啡 ☕ 商行",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "O'Neil; DROP TABLE customers;--",
    "<b>粗体</b>&amp;贸易有限公司",
    "\u202eغير مرتب Trading",
)
HOSTILE_COMMENTS = (
    "<img src=x onerror=alert(1)> delivery was late.",
    "=cmd|' /C calc'!A0",
    '价格太高😡😡，"便宜点"行吗？',
    'First line.\nSecond line, with a comma and a "quote".',
)
HOSTILE_FROM = 40
IMPOSSIBLE_TIME = "2025-02-30 10:15:00"

REJECTED = (
    {"table": "customers", "rule": "customers.duplicate_key", "rows": 1},
    {"table": "orders", "rule": "orders.repeated_row", "rows": 1},
    {"table": "orders", "rule": "ordered_at.impossible", "rows": 1},
    {"table": "products", "rule": "list_price.too_small", "rows": 1},
    {"table": "tickets", "rule": "severity.too_large", "rows": 1},
)
"""What checking must reject, and why."""
ANSWERS_OUTSIDE_SCALE, ANSWERS_TO_UNKNOWN_QUESTION = 3, 2


def with_dirt(tables: dict[str, Rows]) -> dict[str, Rows]:
    """The tables with the planted dirty rows."""
    return tables | {
        "customers": _customers(tables["customers"]),
        "orders": _orders(tables["orders"]),
        "products": _products(tables["products"]),
        "tickets": _tickets(tables["tickets"]),
        "answers": _answers(tables["answers"]),
    }


def _customers(rows: Rows) -> Rows:
    """Hostile names, and the first customer given once more at the end."""
    places = HOSTILE_FROM + 100 * np.arange(len(HOSTILE_NAMES))
    rows = _changed(rows, "name", places, HOSTILE_NAMES)
    return stack(rows, _changed(take(rows, [0]), "name", [0], ("Given twice",)))


def _orders(rows: Rows) -> Rows:
    """One order given twice, and one on the 30th of February."""
    rows = rows | {"order_time": np.char.replace(np.datetime_as_string(rows["order_time"]), "T", " ")}
    again, impossible = take(rows, [1000]), take(rows, np.flatnonzero(rows["amount_cny"] > 0)[[2000]])
    impossible = _changed(impossible, "order_no", [0], ("SO9999999",))
    return stack(rows, again, _changed(impossible, "order_time", [0], (IMPOSSIBLE_TIME,)))


def _products(rows: Rows) -> Rows:
    """A product that nobody ordered, at a negative price."""
    wrong = _changed(take(rows, [0]), "product_no", [0], ("P999",))
    wrong = _changed(wrong, "product_name", [0], ("Gift, discontinued",))
    return stack(rows, wrong | {"list_price": -wrong["list_price"]})


def _tickets(rows: Rows) -> Rows:
    """The first complaint is given a severity of 9."""
    place = int(np.flatnonzero(~np.ma.getmaskarray(rows["严重程度"]))[0])
    severity = rows["严重程度"].copy()
    severity[place] = 9
    return rows | {"严重程度": severity}


def _answers(rows: Rows) -> Rows:
    """Hostile comments; answers outside the scale; answers to a question nobody asked. All keep the contract."""
    spoken = np.flatnonzero((rows["comment"] != "") & (rows["question"] == "WHY"))
    rows = _changed(rows, "comment", spoken[100 : 100 + len(HOSTILE_COMMENTS)], HOSTILE_COMMENTS)
    score = rows["score"].copy()
    score[np.flatnonzero(rows["question"] == "NPS")[50 : 50 + ANSWERS_OUTSIDE_SCALE]] = 11
    effort = np.flatnonzero(rows["question"] == "T_effort")[:ANSWERS_TO_UNKNOWN_QUESTION]
    return _changed(rows | {"score": score}, "question", effort, ("T_old",) * len(effort))


def _changed(rows: Rows, name: str, places: ArrayLike, texts: tuple[str, ...]) -> Rows:
    """The rows with these texts at these places of one column."""
    width = max(len(text) for text in texts)
    column = rows[name].astype(np.promote_types(rows[name].dtype, f"U{width}"))
    column[places] = texts
    assert len(column) == count(rows)
    return rows | {name: column}
