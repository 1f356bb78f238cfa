"""What customers order: BG/NBD repeat orders, Gamma-Gamma amounts; lines, returns, orders called off.

The process is simulated to the end whoever leaves by the planted story; ``company`` then takes away what the leavers
would have ordered.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import clock
from .products import CATEGORIES, PER_CATEGORY, list_prices, product_ids
from .rows import Rows, chance, count, hidden_where, numbered, pick, places, stack, take
from .truth import Truth

CHANNELS = {"web_shop": 0.48, "app": 0.27, "sales_rep": 0.15, "phone": 0.10}
CANCELLED_SHARE, RETURNED_SHARE, COUNTER_SALES = 0.012, 0.025, 320
HOURS = np.array([0.2, 0.1, 0.1, 0.1, 0.1, 0.2, 0.6, 1.5, 4, 8, 10, 9, 5, 6, 9, 10, 9, 7, 4, 3, 3, 3, 2, 0.8])
FAVOURITE_SHARE = 0.65


def draw_orders(customers: Rows, truth: Truth) -> Rows:
    """One row for each order of a known customer: ``owner`` (his place), ``day``, ``second``, ``amount``.

    ``is_last`` marks the order after which a customer has left for good, in truth.
    """
    draws = chance(truth.seed, "orders")
    owner, day, is_last = _purchases(customers, truth, draws)
    order = np.lexsort([day, owner])
    owner, day, is_last = owner[order], day[order], is_last[order]
    return {
        "owner": owner,
        "day": day,
        "second": day * clock.DAY + times_of_day(draws, HOURS, len(day)),
        "amount": _amounts(owner, customers, truth, draws),
        "is_last": is_last,
    }


def times_of_day(draws: np.random.Generator, hours: NDArray, n: int) -> NDArray[np.int64]:
    """A second of the day for each of ``n`` rows, hours weighted."""
    return places(draws, hours, n) * 3600 + draws.integers(3600, size=n)


def _of_segment(customers: Rows, truth: Truth, name: str) -> NDArray[np.float64]:
    """A parameter of each customer's segment."""
    by_name = {segment: getattr(one, name) for segment, one in truth.segments.items()}
    return np.array([by_name[segment] for segment in customers["segment"].tolist()])


def _purchases(
    customers: Rows, truth: Truth, draws: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Owner, day and whether it is the last, of every purchase: Fader, Hardie and Lee (2005), section 3.

    Gaps are exponential, rounded to whole days and at least one, since histories know one purchase a day.
    """
    n = count(customers)
    r, alpha, a, b = (_of_segment(customers, truth, name) for name in ("r", "alpha", "a", "b"))
    mean_gap_days = 7.0 / draws.gamma(r, 1 / alpha)
    leaving = draws.beta(a, b)
    never_again = customers["acquisition_channel"] == truth.empty_channel.acquisition_channel
    active, day = np.flatnonzero(~never_again), customers["acquired_day"][~never_again].astype(float)
    found = [(np.arange(n), customers["acquired_day"], never_again)]
    while len(active):
        day = day + np.maximum(1.0, np.round(draws.exponential(mean_gap_days[active])))
        is_seen = day < clock.DAYS
        active, day = active[is_seen], day[is_seen]
        leaves = draws.random(len(active)) < leaving[active]
        found.append((active, day.astype(np.int64), leaves))
        active, day = active[~leaves], day[~leaves]
    owner, days, is_last = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return owner, days, is_last


def _amounts(
    owner: NDArray[np.int64], customers: Rows, truth: Truth, draws: np.random.Generator
) -> NDArray[np.float64]:
    """Gamma-Gamma: an order is Gamma(p, ν), its customer's ν Gamma(q, v)."""
    p, q, v = (_of_segment(customers, truth, name) for name in ("p", "q", "v"))
    level = draws.gamma(q, 1 / v)
    return np.round(np.maximum(1.0, draws.gamma(p[owner], 1 / level[owner])), 2)


def finish_orders(orders: Rows, truth: Truth) -> Rows:
    """All rows of the order system: orders, orders called off, returns, and sales over the counter; numbered."""
    draws = chance(truth.seed, "order rows")
    done = _with_status(orders, "completed")
    rows = stack(done, _called_off(done, draws), _returned(done, draws), _counter_sales(draws))
    rows = take(rows, rows["second"] < clock.END)
    rows = take(rows, np.lexsort([rows["amount"], rows["owner"], rows["second"]]))
    n = count(rows)
    rows["order_id"] = numbered("SO", n, 7)
    rows["channel"] = pick(draws, CHANNELS, n)
    return rows


def _with_status(orders: Rows, status: str) -> Rows:
    rows = {name: orders[name] for name in ("owner", "second", "amount")}
    return rows | {"status": np.full(count(orders), status, dtype="U9")}


def _called_off(done: Rows, draws: np.random.Generator) -> Rows:
    """Orders placed twice by mistake, one of them called off."""
    rows = take(done, draws.random(count(done)) < CANCELLED_SHARE)
    return rows | {"second": rows["second"] + 60, "status": np.full(count(rows), "cancelled", dtype="U9")}


def _returned(done: Rows, draws: np.random.Generator) -> Rows:
    """Part of an order brought back a few days later."""
    rows = take(done, draws.random(count(done)) < RETURNED_SHARE)
    n = count(rows)
    later = draws.integers(3, 26, size=n) * clock.DAY
    part = draws.uniform(0.2, 0.9, n)
    return rows | {
        "second": rows["second"] + later,
        "amount": -np.round(rows["amount"] * part, 2),
        "status": np.full(n, "returned", dtype="U9"),
    }


def _counter_sales(draws: np.random.Generator) -> Rows:
    """Sales to nobody known: owner −1."""
    day = clock.next_working_day(draws.integers(clock.DAYS - 10, size=COUNTER_SALES))
    return {
        "owner": np.full(COUNTER_SALES, -1),
        "second": day * clock.DAY + draws.integers(clock.OPENS, clock.CLOSES, size=COUNTER_SALES),
        "amount": np.round(draws.gamma(2.0, 90.0, COUNTER_SALES) + 5, 2),
        "status": np.full(COUNTER_SALES, "completed", dtype="U9"),
    }


def draw_lines(rows: Rows, customers: Rows, truth: Truth) -> Rows:
    """One row for each line: ``order`` (its place), ``line``, ``product`` (its place), ``quantity``, ``amount``.

    The lines of an order sum to its amount, to the cent.
    """
    draws = chance(truth.seed, "order lines")
    n = count(rows)
    lines = np.minimum(1 + draws.poisson(0.9, n), 5)
    order = np.repeat(np.arange(n), lines)
    line = np.arange(len(order)) - np.repeat(np.cumsum(lines) - lines, lines) + 1
    amount = _split(rows["amount"], order, line, lines, draws)
    product = _products(rows["owner"][order], count(customers), draws)
    quantity = np.maximum(1, np.round(np.abs(amount) / list_prices()[product])).astype(np.int64)
    return {"order": order, "line": line, "product": product, "amount": amount,
            "quantity": np.where(amount < 0, -quantity, quantity)}  # fmt: skip


def _split(
    amounts: NDArray, order: NDArray, line: NDArray, lines: NDArray, draws: np.random.Generator
) -> NDArray[np.float64]:
    """Each order's cents cut into lines by random shares; what rounding leaves goes to the first."""
    cents = np.round(amounts * 100).astype(np.int64)
    part = draws.uniform(0.3, 1.0, len(order))
    share = part / np.bincount(order, part)[order]
    own = np.trunc(cents[order] * share).astype(np.int64)
    left = cents - np.bincount(order, own, minlength=len(lines)).astype(np.int64)
    own[line == 1] += left
    return own / 100


def _products(owner: NDArray, n_customers: int, draws: np.random.Generator) -> NDArray[np.int64]:
    """A product for each line, mostly of its customer's favourite category."""
    sold = len(CATEGORIES) - 1  # upkeep is sold by contract
    favourite = draws.integers(sold, size=n_customers + 1)[owner]
    other = draws.integers(sold, size=len(owner))
    category = np.where(draws.random(len(owner)) < FAVOURITE_SHARE, favourite, other)
    return category * PER_CATEGORY + draws.integers(PER_CATEGORY, size=len(owner))


def orders_table(rows: Rows, lines: Rows, customers: Rows) -> Rows:
    """``orders.csv``."""
    first = lines["line"] == 1
    category = np.array(CATEGORIES)[lines["product"][first] // PER_CATEGORY]
    return {
        "order_no": rows["order_id"],
        "customer_no": hidden_where(customers["customer_id"][rows["owner"]], rows["owner"] < 0),
        "order_time": clock.instants(rows["second"]),
        "amount_cny": rows["amount"],
        "status": rows["status"],
        "sales_channel": rows["channel"],
        "main_category": category,
    }


def lines_table(rows: Rows, lines: Rows) -> Rows:
    """``order_lines.csv``."""
    return {
        "order_no": rows["order_id"][lines["order"]],
        "line_no": lines["line"],
        "product_no": product_ids()[lines["product"]],
        "quantity": lines["quantity"],
        "line_amount": lines["amount"],
    }
