"""Cases and their contacts: tickets, follow-ups, outbound calls, shifts, and the knowledge base."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import clock
from .contacts import JOURNEY, TOPICS, is_slowed
from .people import draw_agent
from .products import PER_CATEGORY, product_ids
from .rows import Rows, chance, count, hidden_where, numbered, ordered, pick, stack, take
from .truth import Truth

TICKET_SHARE, SEVERAL_CONTACTS_SHARE = 0.62, 0.27
PRIORITIES = {"high": 0.16, "normal": 0.62, "low": 0.22}
HOURS_BY_PRIORITY = {"high": (0.4, 3.2, 9.0), "normal": (1.0, 9.0, 24.0), "low": (2.0, 18.0, 45.0)}
"""Median service hours to the first reply and to the resolution, and those allowed."""
SPREAD_OF_REPLY, SPREAD_OF_RESOLUTION = 0.7, 0.75
REOPENED_SHARE, WAITS_FOR_CUSTOMER_SHARE = 0.05, 0.22
OCCUPANCY = 0.74
OUTBOUND_PER_ORDER = 0.05
HELP_ALONE_PER_ORDER, HELP_BEFORE_CONTACT_SHARE = 0.22, 0.16


# --- Tickets ------------------------------------------------------------------------------------------------


def draw_tickets(contacts: Rows, customers: Rows, agents: Rows, truth: Truth) -> Rows:
    """One row for each case, begun by a contact that reached a person; ``order`` as there.

    ``slowness`` is the log of business time to the resolution over what is usual for its priority.
    """
    draws = chance(truth.seed, "tickets")
    is_answered = (contacts["outcome"] == "answered") & contacts["reached_agent"]
    begun = np.flatnonzero(is_answered & (draws.random(count(contacts)) < TICKET_SHARE))
    names = ("order", "owner", "second", "channel", "topic", "team", "is_complaint", "slowed")
    rows = take({name: contacts[name] for name in names}, begun) | {"contact": begun}
    n = len(begun)
    rows["opened"] = rows["second"] + contacts["wait"][begun]
    rows["priority"] = pick(draws, PRIORITIES, n)
    rows["agent"] = draw_agent(agents, rows["team"], rows["opened"] // clock.DAY, draws)
    rows |= _progress(rows, truth, draws)
    rows["severity"] = 1 + draws.binomial(4, 0.45, n)
    rows["reopened"] = (draws.random(n) < np.where(rows["slowed"], 2.0, 1.0) * REOPENED_SHARE).astype(
        np.int64
    )
    rows["reassigned"] = draws.poisson(0.22, n)
    rows["product"] = draws.integers(5 * PER_CATEGORY, size=n)
    return take(rows, rows["opened"] < clock.END)


def _of_priority(rows: Rows, which: int) -> NDArray[np.float64]:
    return np.array([HOURS_BY_PRIORITY[name][which] for name in rows["priority"].tolist()])


def _progress(rows: Rows, truth: Truth, draws: np.random.Generator) -> Rows:
    """When a case was replied to, first solved and resolved: lognormal service hours; the clock stops at closing."""
    n, slow = count(rows), truth.slow_team
    factors = [np.where(rows["slowed"], f, 1.0) for f in (slow.first_response_factor, slow.resolution_factor)]
    reply = 3600 * _of_priority(rows, 0) * factors[0] * draws.lognormal(0.0, SPREAD_OF_REPLY, n)
    noise = draws.normal(0.0, SPREAD_OF_RESOLUTION, n)
    work = 3600 * _of_priority(rows, 1) * factors[1] * np.exp(noise)
    is_waiting = draws.random(n) < WAITS_FOR_CUSTOMER_SHARE
    waiting = np.round(np.where(is_waiting, 3600 * draws.exponential(4.0, n), 0.0)).astype(np.int64)
    resolved = reply + work
    return {
        "replied": clock.after_business_seconds(rows["opened"], reply),
        "offered": clock.after_business_seconds(rows["opened"], reply + 0.75 * work),
        "resolved": clock.after_business_seconds(rows["opened"], resolved + waiting),
        "due": clock.after_business_seconds(rows["opened"], 3600 * _of_priority(rows, 2)),
        "waiting": waiting,
        "slowness": noise + np.log(factors[1]),
    }


def tickets_table(tickets: Rows, customers: Rows, agents: Rows) -> Rows:
    """``tickets.csv``, in Chinese as the service system has it; what is not known yet is empty."""
    unknown = {name: tickets[name] >= clock.END for name in ("replied", "offered", "resolved")}
    instants = {name: hidden_where(clock.instants(tickets[name]), mask) for name, mask in unknown.items()}
    journey = np.array([JOURNEY[topic] for topic in tickets["topic"].tolist()])
    return {
        "工单编号": tickets["ticket_id"],
        "客户编号": customers["customer_id"][tickets["owner"]],
        "创建时间": clock.instants(tickets["opened"]),
        "首次回复时间": instants["replied"],
        "首次方案时间": instants["offered"],
        "解决时间": instants["resolved"],
        "应解决时间": clock.instants(tickets["due"]),
        "等待客户秒数": tickets["waiting"],
        "重开次数": tickets["reopened"],
        "转派次数": tickets["reassigned"],
        "处理方": np.full(count(tickets), "人工"),
        "是否投诉": np.where(tickets["is_complaint"], "是", "否"),
        "严重程度": hidden_where(tickets["severity"], ~tickets["is_complaint"]),
        "主题": tickets["topic"],
        "渠道": tickets["channel"],
        "优先级": tickets["priority"],
        "客服工号": agents["agent_id"][tickets["agent"]],
        "旅程阶段": journey[:, 0],
        "触点": journey[:, 1],
        "产品编号": product_ids()[tickets["product"]],
    }


# --- Contacts -----------------------------------------------------------------------------------------------


def all_contacts(contacts: Rows, tickets: Rows, orders: Rows, agents: Rows, truth: Truth) -> Rows:
    """Inbound, follow-up and outbound contacts in order of time, with ``ticket`` (its place, −1 for none)."""
    draws = chance(truth.seed, "all contacts")
    ticket = np.full(count(contacts), -1)
    ticket[tickets["contact"]] = np.arange(count(tickets))
    agent = draw_agent(agents, contacts["team"], contacts["second"] // clock.DAY, draws)
    agent[tickets["contact"]] = tickets["agent"]
    first = contacts | {"ticket": ticket, "agent": agent, "direction": np.full(count(contacts), "inbound")}
    rows = stack(first, _follow_ups(first, tickets, truth, draws), _outbound(orders, agents, truth, draws))
    rows = take(rows, rows["second"] < clock.END)
    rows = ordered(rows, "second", "owner", "channel")
    return rows | {"contact_id": numbered("K", count(rows), 7)}


def _follow_ups(first: Rows, tickets: Rows, truth: Truth, draws: np.random.Generator) -> Rows:
    """Some cases take more than one contact; the later ones fall between the opening and the resolution."""
    n = count(tickets)
    several = draws.random(n) < np.where(tickets["slowed"], 1.8, 1.0) * SEVERAL_CONTACTS_SHARE
    ticket = np.repeat(np.arange(n), several * draws.geometric(0.7, n))
    rows = take(first, tickets["contact"][ticket])
    opened, resolved = tickets["opened"][ticket], tickets["resolved"][ticket]
    second = opened + ((resolved - opened) * draws.uniform(0.2, 1.0, len(ticket))).astype(np.int64)
    second = np.maximum(clock.after_business_seconds(second, np.full(len(ticket), 60.0)), opened + 1800)
    k = len(ticket)
    work = {"talk": draws.integers(90, 420, size=k), "hold": np.zeros(k, dtype=np.int64),
            "wrap_up": draws.integers(30, 180, size=k)}  # fmt: skip
    wait = np.where(
        rows["channel"] == "email", draws.integers(1800, 9000, size=k), draws.integers(3, 40, size=k)
    )
    same = {"ticket": ticket, "second": second, "wait": wait, "outcome": np.full(k, "answered")}
    return rows | same | work | {"handled_by": np.full(k, "agent"), "reached_agent": np.full(k, True)}


def _outbound(orders: Rows, agents: Rows, truth: Truth, draws: np.random.Generator) -> Rows:
    """Calls the company makes to see whether all is well, some weeks after an order."""
    order = np.flatnonzero(draws.random(count(orders)) < OUTBOUND_PER_ORDER)
    n = len(order)
    day = clock.next_working_day(orders["day"][order] + draws.integers(20, 80, size=n))
    team = pick(draws, truth.teams, n)
    is_answered = draws.random(n) < 0.8
    second = day * clock.DAY + draws.integers(clock.OPENS, clock.CLOSES - 600, size=n)
    none = np.zeros(n, dtype=np.int64)
    return {
        "order": order, "owner": orders["owner"][order], "second": second,
        "channel": np.full(n, "phone"), "topic": pick(draws, TOPICS, n), "team": team,
        "is_complaint": np.full(n, False), "slowed": is_slowed(team, second, truth),
        "handled_by": np.full(n, "agent"), "reached_agent": np.full(n, True), "wait": draws.integers(3, 30, size=n),
        "outcome": np.where(is_answered, "answered", "failed"),
        "talk": np.where(is_answered, draws.integers(60, 400, size=n), 0), "hold": none,
        "wrap_up": draws.integers(20, 90, size=n), "ticket": none - 1,
        "agent": draw_agent(agents, team, day, draws), "direction": np.full(n, "outbound"),
    }  # fmt: skip


def contacts_table(rows: Rows, tickets: Rows, customers: Rows, agents: Rows) -> Rows:
    """``contacts.csv``, as the call centre's system exports it."""
    is_person = rows["reached_agent"] & (rows["outcome"] == "answered")
    journey = np.array([JOURNEY[topic] for topic in rows["topic"].tolist()])
    return {
        "contact_id": rows["contact_id"],
        "customer_no": customers["customer_id"][rows["owner"]],
        "ticket_no": hidden_where(tickets["ticket_id"][rows["ticket"]], rows["ticket"] < 0),
        "start": clock.instants(rows["second"]),
        "direction": rows["direction"],
        "channel": rows["channel"],
        "outcome": rows["outcome"],
        "wait_s": rows["wait"],
        "talk_s": rows["talk"],
        "hold_s": rows["hold"],
        "wrap_up_s": rows["wrap_up"],
        "first_handled_by": rows["handled_by"],
        "reached_agent": rows["reached_agent"],
        "complaint": rows["is_complaint"],
        "topic": rows["topic"],
        "agent_id": hidden_where(agents["agent_id"][rows["agent"]], ~is_person),
        "journey_stage": journey[:, 0],
        "touchpoint": journey[:, 1],
    }


def shifts_table(rows: Rows, agents: Rows, truth: Truth) -> Rows:
    """``shifts.csv``: an agent's time in the queue on a day he had contacts, and what of it was work."""
    draws = chance(truth.seed, "shifts")
    is_person = rows["reached_agent"] & (rows["outcome"] == "answered")
    handling = (rows["talk"] + rows["hold"] + rows["wrap_up"])[is_person]
    spans, place = np.unique(
        rows["agent"][is_person] * 10_000 + rows["second"][is_person] // clock.DAY, return_inverse=True
    )
    agent, day = np.divmod(spans, 10_000)
    worked = np.bincount(place, handling)
    n = len(spans)
    free = worked * (1 - OCCUPANCY) / OCCUPANCY * draws.lognormal(-0.02, 0.2, n)
    begins = day * clock.DAY + clock.OPENS - draws.integers(0, 900, size=n)
    return {
        "agent_id": agents["agent_id"][agent],
        "logged_in": clock.instants(begins),
        "available_s": np.round(free).astype(np.int64),
        "handling_s": np.round(worked).astype(np.int64),
    }


# --- The knowledge base ---------------------------------------------------------------------------------------


def help_sessions_table(contacts: Rows, orders: Rows, customers: Rows, truth: Truth) -> Rows:
    """``help_sessions.csv``: visits that were enough, and visits after which the customer called all the same."""
    draws = chance(truth.seed, "help sessions")
    before = np.flatnonzero(draws.random(count(contacts)) < HELP_BEFORE_CONTACT_SHARE)
    alone = np.flatnonzero(draws.random(count(orders)) < HELP_ALONE_PER_ORDER)
    earlier = contacts["second"][before] - draws.integers(600, 30 * 3600, size=len(before))
    later = orders["second"][alone] + draws.integers(2 * clock.DAY, 40 * clock.DAY, size=len(alone))
    rows = {
        "owner": np.concatenate([contacts["owner"][before], orders["owner"][alone]]),
        "second": np.concatenate([earlier, later]),
        "topic": np.concatenate([contacts["topic"][before], pick(draws, TOPICS, len(alone))]),
        "enough": np.repeat([False, True], [len(before), len(alone)]),
    }
    rows = ordered(take(rows, (rows["second"] >= 0) & (rows["second"] < clock.END)), "second", "owner")
    n = count(rows)
    helpful = draws.random(n) < np.where(rows["enough"], 0.82, 0.25)
    return {
        "session_id": numbered("H", n, 6),
        "customer_no": customers["customer_id"][rows["owner"]],
        "started": clock.instants(rows["second"]),
        "articles": 1 + draws.poisson(1.3, n),
        "helpful": hidden_where(helpful, draws.random(n) > 0.4),
        "topic": rows["topic"],
    }
