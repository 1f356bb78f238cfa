"""Who serves the customers: agents in teams, account managers and whose customer is whose."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import clock
from .names import people_names
from .rows import Rows, chance, count, hidden_where, numbered, ordered, places, stack
from .truth import Truth

AGENTS_PER_TEAM = 6
ON_DUTY_SHARE = 0.5
"""Of a team's agents, how many answer on a day."""
PORTFOLIOS = (640, 520, 410, 330, 250, 190, 140, 100, 70, 45, 28, 16)
"""Customers of each account manager, roughly; whoever is not in one is served by the shop alone."""
MANAGER_TEAMS = ("Key accounts", "Growth", "Regions")
HANDOVERS = ((3, 5, "2025-11-12", 60), (1, 9, "2026-05-18", 45), (4, 8, "2026-08-10", 30))
"""Manager (counted from 0) who hands over, who takes over, on which day, how many customers."""


def draw_agents(truth: Truth) -> Rows:
    """One row for each agent; two of three were there when the company began."""
    draws = chance(truth.seed, "agents")
    n = AGENTS_PER_TEAM * len(truth.teams)
    hired = draws.integers(-900, -30, size=n)
    later = np.arange(n) % AGENTS_PER_TEAM >= 4
    hired[later] = draws.integers(90, 900, size=later.sum())
    return {
        "agent_id": numbered("A", n, 3),
        "name": people_names(draws, n),
        "team": np.repeat(np.array(list(truth.teams)), AGENTS_PER_TEAM),
        "hired_day": hired,
    }


def agents_table(agents: Rows) -> Rows:
    """``agents.csv``."""
    shown = {name: agents[name] for name in ("agent_id", "name", "team")}
    return shown | {"hired": clock.dates(agents["hired_day"])}


def draw_agent(
    agents: Rows, team: NDArray[np.str_], day: NDArray[np.int64], draws: np.random.Generator
) -> NDArray[np.int64]:
    """Who of the team answers on that day: half of those hired by then, by turns of days."""
    place = np.empty(len(team), dtype=np.int64)
    for name in np.unique(team):
        rows, own = np.flatnonzero(team == name), np.flatnonzero(agents["team"] == name)
        hired = np.sort(agents["hired_day"][own])
        own = own[np.argsort(agents["hired_day"][own], kind="stable")]
        staff = np.searchsorted(hired, day[rows], side="right")
        on_duty = np.maximum(1, np.round(staff * ON_DUTY_SHARE).astype(np.int64))
        turn = (draws.random(len(rows)) * on_duty).astype(np.int64)
        place[rows] = own[(day[rows] + turn) % staff]
    return place


def draw_managers(customers: Rows, truth: Truth) -> Rows:
    """One row for each span in which a customer was somebody's: ``owner``, ``manager``, ``from_day``, ``until_day``.

    Larger customers are the first to get one. ``until_day`` is ``clock.DAYS`` where the span goes on.
    """
    draws = chance(truth.seed, "account managers")
    urgency = draws.random(count(customers))
    for segment, least in (("enterprise", 2.0), ("midsize", 1.0)):
        urgency += np.where(customers["segment"] == segment, least, 0.0)
    served = np.sort(np.argsort(-urgency, kind="stable")[: sum(PORTFOLIOS)])
    manager = places(draws, PORTFOLIOS, len(served))
    spans = {"owner": served, "manager": manager, "from_day": customers["acquired_day"][served],
             "until_day": np.full(len(served), clock.DAYS)}  # fmt: skip
    for giver, taker, day, n in HANDOVERS:
        spans = _handed_over(spans, giver, taker, clock.day_of(day), n)
    return ordered(spans, "owner", "from_day")


def _handed_over(spans: Rows, giver: int, taker: int, day: int, n: int) -> Rows:
    """The giver's first ``n`` customers of that day go to the taker."""
    is_held = (spans["manager"] == giver) & (spans["from_day"] < day) & (spans["until_day"] == clock.DAYS)
    given = np.flatnonzero(is_held)[:n]
    spans = {name: column.copy() for name, column in spans.items()}
    spans["until_day"][given] = day
    taken = {"owner": spans["owner"][given], "manager": np.full(len(given), taker),
             "from_day": np.full(len(given), day), "until_day": np.full(len(given), clock.DAYS)}  # fmt: skip
    return stack(spans, taken)


def manager_on(spans: Rows, n_customers: int, day: int) -> NDArray[np.int64]:
    """Whose each customer was on a day; −1 where he was nobody's."""
    holder = np.full(n_customers, -1)
    is_held = (spans["from_day"] <= day) & (day < spans["until_day"])
    holder[spans["owner"][is_held]] = spans["manager"][is_held]
    return holder


def manager_ids() -> NDArray[np.str_]:
    """AM01, AM02, …"""
    return numbered("AM", len(PORTFOLIOS), 2)


def managers_table(truth: Truth) -> Rows:
    """``account_managers.csv``."""
    n = len(PORTFOLIOS)
    teams = np.array(MANAGER_TEAMS)[np.arange(n) % len(MANAGER_TEAMS)]
    return {
        "manager_id": manager_ids(),
        "name": people_names(chance(truth.seed, "manager names"), n),
        "team": teams,
    }


def assignments_table(spans: Rows, customers: Rows) -> Rows:
    """``assignments.csv``."""
    return {
        "customer_no": customers["customer_id"][spans["owner"]],
        "manager_id": manager_ids()[spans["manager"]],
        "valid_from": clock.dates(spans["from_day"]),
        "valid_until": hidden_where(clock.dates(spans["until_day"]), spans["until_day"] == clock.DAYS),
    }
