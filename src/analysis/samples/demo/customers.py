"""Who the customers are and when they came."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import clock
from .names import customer_names
from .rows import Rows, chance, count, hidden_where, numbered, pick, places
from .truth import Truth

COST_PER_NEW_CUSTOMER = {"search": 820.0, "wechat": 540.0, "direct_sales": 460.0, "trade_fair": 1650.0,
                         "referral": 240.0, "group_buying": 380.0}  # fmt: skip
COST_KNOWN_SHARE, SPREAD_OF_COST = 0.5, 0.35
INDUSTRIES = {
    "Education": 0.16, "Healthcare": 0.12, "Manufacturing": 0.20, "Retail": 0.17, "Technology": 0.18,
    "Professional services": 0.17,
}  # fmt: skip


def draw_customers(truth: Truth) -> Rows:
    """One row for each customer, in order of arrival.

    Beside what the company knows: ``home_team``; ``goodwill``, his own part of latent satisfaction (standard normal);
    ``contact_factor``, how readily he calls (mean 1).
    """
    draws = chance(truth.seed, "customers")
    n = truth.customers
    channels = pick(draws, truth.channels, n)
    segments = pick(draws, {name: one.share for name, one in truth.segments.items()}, n)
    segments[channels == truth.empty_channel.acquisition_channel] = "small"
    return {
        "customer_id": numbered("C", n, 6),
        "acquired_day": _arrival_days(truth, draws),
        "customer_name": customer_names(chance(truth.seed, "customer names"), n),
        "segment": segments,
        "industry": pick(draws, INDUSTRIES, n),
        "region": pick(draws, truth.regions, n),
        "acquisition_channel": channels,
        "home_team": pick(draws, truth.teams, n),
        "goodwill": draws.standard_normal(n),
        "contact_factor": draws.gamma(3.0, 1 / 3.0, n),
    }


def _arrival_days(truth: Truth, draws: np.random.Generator) -> NDArray[np.int64]:
    """The day each customer first orders; the first quarter has more, the company's founding customers."""
    by_day = np.empty(clock.DAYS)
    for place, quarter in enumerate(clock.quarters()):
        first, after = clock.span_of(quarter)
        by_day[first:after] = truth.season[int(quarter[5]) - 1] * (1 + truth.growth_per_quarter) ** place
        by_day[first:after] *= truth.founders_factor if place == 0 else 1.0
    return np.sort(places(draws, by_day, truth.customers))


def customers_table(customers: Rows, truth: Truth) -> Rows:
    """``customers.csv`` as the customer system exports it."""
    shown = {"customer_no": "customer_id", "name": "customer_name"}
    table = {theirs: customers[ours] for theirs, ours in shown.items()}
    table["customer_since"] = clock.dates(customers["acquired_day"])
    for name in ("segment", "industry", "region", "acquisition_channel"):
        table[name] = customers[name]
    return table | {"acquisition_cost": acquisition_costs(customers, truth)}


def acquisition_costs(customers: Rows, truth: Truth) -> np.ma.MaskedArray:
    """What it cost to win each customer, known for about half: what his channel usually costs, give or take."""
    draws = chance(truth.seed, "acquisition costs")
    usual = np.array([COST_PER_NEW_CUSTOMER[name] for name in customers["acquisition_channel"].tolist()])
    cost = np.round(usual * draws.lognormal(-(SPREAD_OF_COST**2) / 2, SPREAD_OF_COST, count(customers)), 2)
    return hidden_where(cost, draws.random(count(customers)) >= COST_KNOWN_SHARE)
