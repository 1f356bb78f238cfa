"""Yearly contracts and their renewal; and who told the company that he left, and why."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import clock
from .comments import NEGATIVE, draw_comments
from .products import UPKEEP_BY_SEGMENT
from .rows import Rows, chance, count, hidden_where, numbered, ordered, pick, stack, take
from .truth import Truth

TERM_DAYS = 365
BROKEN_OFF_SHARE = 0.015
PRICE_RISE = 1.02
STATED_SHARE = 0.62
"""Of those who leave, how many say so."""
REASONS = {
    "price": 0.27,
    "product quality": 0.17,
    "delivery": 0.15,
    "changed supplier": 0.25,
    "service": 0.16,
}
INVOLUNTARY = {"closed business": 0.7, "payment default": 0.3}
INVOLUNTARY_SHARE = 0.14
SAID_OF = {
    "price": "price",
    "product quality": "product_quality",
    "delivery": "delivery",
    "service": "response_speed",
}


# --- Contracts ----------------------------------------------------------------------------------------------


def contracts_table(customers: Rows, leavers: NDArray[np.bool_], truth: Truth) -> Rows:
    """``contracts.csv``: one row a term; one that still runs ends on a day to come."""
    rows = draw_contracts(customers, leavers, truth)
    is_renewed = rows["is_renewed"] & (rows["renewed"] < clock.DAYS)
    return {
        "contract_no": numbered("CT", count(rows), 5),
        "customer_no": customers["customer_id"][rows["owner"]],
        "start_date": clock.dates(rows["starts"]),
        "end_date": clock.dates(rows["ends"]),
        "renewal_due": clock.dates(rows["due"]),
        "renewed_date": hidden_where(clock.dates(rows["renewed"]), ~is_renewed),
        "yearly_value": rows["value"],
        "product_no": np.array(
            [UPKEEP_BY_SEGMENT[name] for name in customers["segment"][rows["owner"]].tolist()]
        ),
    }


def draw_contracts(customers: Rows, leavers: NDArray[np.bool_], truth: Truth) -> Rows:
    """One row for each term. Whether it is renewed depends on the segment alone, and on the planted story."""
    draws = chance(truth.seed, "contracts")
    by_customer = [truth.segments[name] for name in customers["segment"].tolist()]
    signs = draws.random(count(customers)) < np.array([one.contract_share for one in by_customer])
    owner = np.flatnonzero(signs)
    usual = np.array([one.contract_value for one in by_customer])[owner]
    value = np.round(usual * draws.lognormal(-0.08, 0.4, len(owner)), -2)
    starts = customers["acquired_day"][owner] + draws.integers(5, 91, size=len(owner))
    renewal = np.array([one.renewal_probability for one in by_customer])
    leaves_from = clock.span_of(truth.slow_team.left_in)[0]
    terms = []
    while len(owner):
        term = _term(owner, starts, value, draws)
        is_lost = leavers[owner] & (term["due"] >= leaves_from)
        term["is_renewed"] &= (draws.random(len(owner)) < renewal[owner]) & ~is_lost
        terms.append(term)
        goes_on = term["is_renewed"] & (term["due"] < clock.DAYS)
        owner, starts, value = owner[goes_on], term["due"][goes_on], np.round(value[goes_on] * PRICE_RISE, 2)
    rows = stack(*terms)
    return ordered(take(rows, rows["starts"] < clock.DAYS), "starts", "owner")


def _term(owner: NDArray, starts: NDArray, value: NDArray, draws: np.random.Generator) -> Rows:
    """One term of each contract; a few are broken off, which is no renewal."""
    n, due = len(owner), starts + TERM_DAYS
    is_broken = draws.random(n) < BROKEN_OFF_SHARE
    broken_off = starts + draws.integers(60, 330, size=n)
    ends = np.where(is_broken & (broken_off < clock.DAYS), broken_off, due)
    renewed = due - np.round(draws.normal(12.0, 9.0, n)).astype(np.int64).clip(-20, 45)
    return {"owner": owner, "starts": starts, "due": due, "ends": ends, "value": value, "renewed": renewed,
            "is_renewed": ~is_broken}  # fmt: skip


# --- Exits --------------------------------------------------------------------------------------------------


def draw_exits(customers: Rows, orders: Rows, leavers: NDArray[np.bool_], truth: Truth) -> Rows:
    """One row for each customer who left and said so, some weeks after his last order."""
    draws = chance(truth.seed, "exits")
    last = orders["is_last"] & ~leavers[orders["owner"]]
    gone = {
        "owner": orders["owner"][last],
        "after": orders["day"][last],
        "is_leaver": np.full(last.sum(), False),
    }
    owner = np.flatnonzero(leavers)
    left = np.full(len(owner), clock.span_of(truth.slow_team.left_in)[0])
    rows = stack(gone, {"owner": owner, "after": left, "is_leaver": np.full(len(owner), True)})
    rows["day"] = rows["after"] + 10 + np.round(draws.exponential(25.0, count(rows))).astype(np.int64)
    rows["is_voluntary"] = rows["is_leaver"] | (draws.random(count(rows)) >= INVOLUNTARY_SHARE)
    rows["reason"] = _reasons(rows, customers, truth, draws)
    says_so = draws.random(count(rows)) < STATED_SHARE
    return ordered(take(rows, says_so & (rows["day"] < clock.DAYS)), "day", "owner")


def _reasons(rows: Rows, customers: Rows, truth: Truth, draws: np.random.Generator) -> NDArray[np.str_]:
    """Why: leavers of the slow team say service; in one region most say what the story plants."""
    n, story = count(rows), truth.churn_reason
    others = {name: share for name, share in REASONS.items() if name != story.reason}
    is_there = customers["region"][rows["owner"]] == story.region
    share = np.where(is_there, story.share_there, story.share_elsewhere)
    reason = np.where(draws.random(n) < share, story.reason, pick(draws, others, n))
    reason = np.where(rows["is_leaver"] & (draws.random(n) < 0.8) & ~is_there, "service", reason)
    return np.where(rows["is_voluntary"], reason, pick(draws, INVOLUNTARY, n))


def exits_table(rows: Rows, customers: Rows, truth: Truth) -> Rows:
    """``exits.csv``, kept by hand in Chinese; four of ten who leave by choice say it in their own words."""
    draws = chance(truth.seed, "exit comments")
    themes = np.array([SAID_OF.get(reason, "price") for reason in rows["reason"].tolist()])
    said = draw_comments(draws, np.full(count(rows), NEGATIVE), themes)["comment"]
    is_silent = (draws.random(count(rows)) > 0.4) | ~np.isin(rows["reason"], list(SAID_OF))
    return {
        "客户编号": customers["customer_id"][rows["owner"]],
        "流失日期": clock.dates(rows["day"]),
        "类型": np.where(rows["is_voluntary"], "主动", "被动"),
        "原因": rows["reason"],
        "客户原话": hidden_where(said, is_silent),
    }
