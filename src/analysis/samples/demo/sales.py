"""Leads through six stages; what bringing customers costs and gains; who recommended whom; visits to the site."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import clock
from .customers import COST_PER_NEW_CUSTOMER
from .orders import times_of_day
from .people import manager_ids, manager_on
from .products import UPKEEP_BY_SEGMENT
from .rows import Rows, chance, count, hidden_where, numbered, ordered, pick, places, stack, take
from .truth import Truth

LEADS_PER_DAY = 9.0
STAGE_DAYS = {
    "lead": 6.0,
    "qualified": 9.0,
    "site_visit": 10.0,
    "proposal": 11.0,
    "negotiation": 9.0,
    "signing": 5.0,
}
"""Mean days in each stage; Gamma with shape 2."""
LOST_REASONS = {
    "price": 0.34,
    "no budget": 0.22,
    "chose a competitor": 0.20,
    "no reply": 0.16,
    "missing feature": 0.08,
}
LEAD_CHANNELS = {"search": 0.30, "wechat": 0.22, "direct_sales": 0.22, "trade_fair": 0.14, "referral": 0.12}
KNOWN_SHARE = 0.45
"""Of the leads, how many are customers already."""
NEW_CUSTOMERS_PER_MONTH = 98
OTHER_COSTS = {"sales": 185_000.0, "service": 96_000.0, "general_admin": 140_000.0}
"""A month, in the company's first year."""
PROGRAMME_COST = 40_000.0
"""A month, for managing customers: the programme's own people and tools."""
BENEFITS = {"retained revenue": 260_000.0, "fewer repeat calls": 34_000.0, "cross-selling": 120_000.0}
"""A quarter."""
VISITS_PER_ORDER, PROSPECT_VISITS_PER_DAY = 1.6, 22.0


# --- Opportunities --------------------------------------------------------------------------------------------


def draw_opportunities(customers: Rows, orders: Rows, spans: Rows, truth: Truth) -> Rows:
    """One row for each lead; ``entered`` has a column of instants for each stage and one for the end.

    ``reached`` is the number of stages entered, 6 for those that were won too; ``is_won`` says which.
    """
    draws = chance(truth.seed, "opportunities")
    created = _created(truth, draws)
    n = len(created)
    entered = _entered(created, truth, draws)
    passes = _passes(entered, truth, draws)
    reached = np.where(passes.all(axis=1), passes.shape[1], np.argmin(passes, axis=1) + 1)
    rows = {
        "created": created, "entered": entered, "reached": reached, "is_won": passes.all(axis=1),
        "closed": np.take_along_axis(entered, reached[:, None], axis=1)[:, 0],
        "channel": pick(draws, LEAD_CHANNELS, n), "value": np.round(draws.lognormal(8.9, 0.7, n), -1),
        "lost_reason": pick(draws, LOST_REASONS, n),
        "product": pick(draws, dict.fromkeys(UPKEEP_BY_SEGMENT.values(), 1.0), n),
    }  # fmt: skip
    return rows | _whose(rows, customers, orders, spans, draws)


def _created(truth: Truth, draws: np.random.Generator) -> NDArray[np.int64]:
    """When leads come in: on working days, with mild growth."""
    days = clock.working_days(clock.DAYS)
    expected = LEADS_PER_DAY * (1 + truth.growth_per_quarter) ** (days / 91.3)
    day = np.repeat(days, draws.poisson(expected))
    return np.sort(day * clock.DAY + draws.integers(clock.OPENS, clock.CLOSES, size=len(day)))


def _entered(created: NDArray, truth: Truth, draws: np.random.Generator) -> NDArray[np.int64]:
    """When each stage would be entered, and left for good after the last."""
    columns = [created]
    for stage in truth.stages:
        spent = draws.gamma(2.0, STAGE_DAYS[stage] / 2, len(created)) * clock.DAY
        columns.append(columns[-1] + np.round(spent).astype(np.int64) + 60)
    return np.stack(columns, axis=1)


def _passes(entered: NDArray, truth: Truth, draws: np.random.Generator) -> NDArray[np.bool_]:
    """Which stages each lead would pass; the weak one passes fewer of those who enter it in the planted quarters."""
    story = truth.weak_stage
    chances = np.tile(np.array(list(truth.stages.values())), (len(entered), 1))
    place = list(truth.stages).index(story.stage)
    is_weak = np.any([clock.is_in(quarter, entered[:, place]) for quarter in story.quarters], axis=0)
    chances[:, place] = np.where(is_weak, story.conversion_after, story.conversion_before)
    return draws.random(chances.shape) < chances


def _whose(rows: Rows, customers: Rows, orders: Rows, spans: Rows, draws: np.random.Generator) -> Rows:
    """The customer and the account manager: known ones who order, new ones who first order after the lead was won."""
    n = count(rows)
    owner = np.full(n, -1)
    known = np.flatnonzero(draws.random(n) < KNOWN_SHARE)
    by_time = np.argsort(orders["second"], kind="stable")
    place = np.searchsorted(orders["second"][by_time], rows["created"][known]) - 1
    back = np.floor(draws.random(len(known)) * np.minimum(place + 1, 3000)).astype(np.int64)
    owner[known] = np.where(place >= 0, orders["owner"][by_time[(place - back).clip(0)]], -1)
    won_new = np.flatnonzero(rows["is_won"] & (owner < 0) & (rows["closed"] < clock.END))
    owner[won_new] = _first_after(rows["closed"][won_new] // clock.DAY, customers)
    manager = draws.integers(len(manager_ids()), size=n)
    for quarter in clock.quarters():
        first, after = clock.span_of(quarter)
        held = manager_on(spans, count(customers), (first + after) // 2)[owner]
        mine = (owner >= 0) & (held >= 0) & clock.is_in(quarter, rows["created"])
        manager[mine] = held[mine]
    return {"owner": owner, "manager": manager}


def _first_after(days: NDArray[np.int64], customers: Rows) -> NDArray[np.int64]:
    """For each day the first new customer from then on who has not been taken yet; −1 where there is none."""
    taken = np.full(len(days), -1)
    place = 0
    for row in np.argsort(days, kind="stable"):
        place = max(place, int(np.searchsorted(customers["acquired_day"], days[row])))
        if place < count(customers):
            taken[row] = place
            place += 1
    return taken


def opportunities_table(rows: Rows, customers: Rows) -> Rows:
    """``opportunities.csv``, as it stood on the day of the export."""
    is_open = rows["closed"] >= clock.END
    seen = (rows["entered"][:, :-1] < clock.END).sum(axis=1)
    stages = np.array(list(STAGE_DAYS))[np.minimum(rows["reached"], seen) - 1]
    return {
        "opportunity_no": numbered("OP", count(rows), 6),
        "customer_no": hidden_where(customers["customer_id"][rows["owner"]], rows["owner"] < 0),
        "created": clock.instants(rows["created"]),
        "closed": hidden_where(clock.instants(rows["closed"]), is_open),
        "outcome": hidden_where(np.where(rows["is_won"], "won", "lost"), is_open),
        "stage": stages,
        "value": rows["value"],
        "lost_reason": hidden_where(rows["lost_reason"], is_open | rows["is_won"]),
        "source": rows["channel"],
        "product_no": rows["product"],
        "manager_id": manager_ids()[rows["manager"]],
    }


def stage_entries_table(rows: Rows) -> Rows:
    """``stage_entries.csv``."""
    lead, stage = np.nonzero(np.arange(len(STAGE_DAYS)) < rows["reached"][:, None])
    entered, left = rows["entered"][lead, stage], rows["entered"][lead, stage + 1]
    is_seen = entered < clock.END
    lead, stage, entered, left = (column[is_seen] for column in (lead, stage, entered, left))
    return {
        "opportunity_no": numbered("OP", count(rows), 6)[lead],
        "stage": np.array(list(STAGE_DAYS))[stage],
        "stage_no": stage + 1,
        "entered": clock.instants(entered),
        "left": hidden_where(clock.instants(left), left >= clock.END),
    }


# --- Costs and benefits ---------------------------------------------------------------------------------------


def _months() -> NDArray[np.datetime64]:
    return np.arange(np.datetime64("2022-10"), np.datetime64("2026-10"))


def costs_table(truth: Truth) -> Rows:
    """``costs.csv``: on the fifth of each month what each channel cost, on the last what people and rooms cost."""
    draws = chance(truth.seed, "costs")
    months = _months()
    growth = (1 + truth.growth_per_quarter) ** (np.arange(len(months)) / 3)
    parts = []
    for channel, share in truth.channels.items():
        usual = COST_PER_NEW_CUSTOMER[channel] * share * NEW_CUSTOMERS_PER_MONTH * growth
        parts.append(_spent(months.astype("datetime64[D]") + 4, "marketing", channel, usual, draws))
    for kind, usual in OTHER_COSTS.items():
        parts.append(_spent(_last_days(months), kind, "", usual * growth, draws))
    own = chance(truth.seed, "programme costs")
    parts.append(_spent(_last_days(months), "customer_management", "", PROGRAMME_COST * growth, own))
    rows = stack(*parts)
    rows = ordered(rows, "spent_on", "kind", "channel")
    slashed = [text.replace("-", "/") for text in np.datetime_as_string(rows["spent_on"]).tolist()]
    return {
        "date": np.array(slashed),
        "kind": rows["kind"],
        "channel": rows["channel"],
        "amount": rows["amount"],
    }


def _last_days(months: NDArray) -> NDArray:
    return (months + 1).astype("datetime64[D]") - 1


def _spent(days: NDArray, kind: str, channel: str, usual: NDArray, draws: np.random.Generator) -> Rows:
    n = len(days)
    return {"spent_on": days, "kind": np.full(n, kind, dtype="U19"), "channel": np.full(n, channel, dtype="U12"),
            "amount": np.round(usual * draws.lognormal(-0.00125, 0.05, n), 2)}  # fmt: skip


def benefits_table(truth: Truth) -> Rows:
    """``benefits.csv``: what managing customers gained, by kind, at the end of each quarter."""
    draws = chance(truth.seed, "benefits")
    ends = np.array([clock.span_of(quarter)[1] - 1 for quarter in clock.quarters()])
    kinds = np.tile(np.array(list(BENEFITS)), len(ends))
    usual = np.tile(np.array(list(BENEFITS.values())), len(ends))
    amounts = np.round(usual * draws.lognormal(-0.00125, 0.05, len(kinds)), 2)
    return {"date": clock.dates(np.repeat(ends, len(BENEFITS))), "kind": kinds, "amount": amounts}


# --- Referrals and visits -------------------------------------------------------------------------------------


def referrals_table(customers: Rows, orders: Rows, truth: Truth) -> Rows:
    """``referrals.csv``: whoever came by referral was recommended by a customer; half as many again came to nothing."""
    draws = chance(truth.seed, "referrals")
    came = np.flatnonzero((customers["acquisition_channel"] == "referral") & (customers["acquired_day"] > 30))
    vain = draws.integers(40, clock.DAYS, size=len(came) // 2)
    referred = np.concatenate([came, np.full(len(vain), -1)])
    day = np.concatenate(
        [customers["acquired_day"][came] - draws.integers(0, 20, size=len(came)), vain]
    ).clip(20)
    by_day = np.argsort(orders["day"], kind="stable")
    known = np.searchsorted(orders["day"][by_day], day)
    by_whom = orders["owner"][by_day[np.floor(draws.random(len(day)) * known).astype(np.int64)]]
    rows = ordered({"day": day, "by": by_whom, "referred": referred}, "day", "by", "referred")
    return {
        "referral_no": numbered("R", count(rows), 5),
        "recommended_by": customers["customer_id"][rows["by"]],
        "new_customer": hidden_where(customers["customer_id"][rows["referred"]], rows["referred"] < 0),
        "date": clock.dates(rows["day"]),
    }


def web_sessions_table(customers: Rows, orders: Rows, truth: Truth) -> Rows:
    """``web_sessions.csv``: customers around their orders, and prospects nobody knows."""
    draws = chance(truth.seed, "web sessions")
    order = np.repeat(np.arange(count(orders)), draws.poisson(VISITS_PER_ORDER, count(orders)))
    before = draws.integers(0, 12, size=len(order))
    day = np.concatenate(
        [
            orders["day"][order] - before,
            places(draws, np.ones(clock.DAYS), int(PROSPECT_VISITS_PER_DAY * clock.DAYS)),
        ]
    )
    owner = np.concatenate([orders["owner"][order], np.full(len(day) - len(order), -1)])
    hours = np.array([1, 0.5, 0.3, 0.2, 0.2, 0.4, 1, 2, 4, 7, 8, 8, 6, 6, 7, 7, 7, 6, 5, 5, 5, 4, 3, 2])
    rows = {"second": day * clock.DAY + times_of_day(draws, hours, len(day)), "owner": owner}
    rows = ordered(take(rows, day >= 0), "second", "owner")
    n = count(rows)
    return {
        "session_id": numbered("W", n, 6),
        "customer_no": hidden_where(customers["customer_id"][rows["owner"]], rows["owner"] < 0),
        "started": clock.instants(rows["second"]),
        "page_views": 1 + draws.poisson(np.where(rows["owner"] >= 0, 6.0, 2.5)),
        "source": pick(draws, truth.channels, n),
    }
