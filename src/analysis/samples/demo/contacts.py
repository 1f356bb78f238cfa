"""What customers call about, and what becomes of a contact before anybody opens a case."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import clock
from .orders import times_of_day
from .queueing import draw_waits
from .rows import Rows, chance, count, pick, take
from .truth import Truth

CHANNELS = {"phone": 0.46, "chat": 0.28, "wechat": 0.14, "email": 0.12}
TOPICS = {"delivery": 0.24, "invoice": 0.13, "machine fault": 0.21, "how to use": 0.16, "return": 0.12,
          "price and offer": 0.14}  # fmt: skip
JOURNEY = {"delivery": ("delivery", "courier"), "invoice": ("payment", "invoice"), "machine fault": ("use", "machine"),
           "how to use": ("use", "manual"), "return": ("after sale", "return desk"),
           "price and offer": ("purchase", "shop")}  # fmt: skip
BOT_SHARE, BOT_PASSES_ON = 0.45, 0.38
COMPLAINT_SHARE = 0.07
AWAY_SHARE = 0.10
"""Cases that go to another than the customer's home team."""
CALLS_BY_HOUR = np.array([0] * 9 + [15, 17, 13, 7, 9, 13, 12, 9, 5] + [0] * 6)
MESSAGES_BY_HOUR = np.array([1, 0, 0, 0, 0, 0, 1, 2, 5, 9, 10, 8, 5, 6, 8, 8, 7, 6, 5, 5, 5, 4, 3, 2])
TYPED = ("chat", "wechat")


def draw_contacts(orders: Rows, customers: Rows, truth: Truth) -> Rows:
    """One row for each inbound contact that begins something, with the ``order`` it follows from.

    ``slowed`` marks those that the slow team met in its slow quarter.
    """
    draws = chance(truth.seed, "contacts")
    rate = truth.contacts_per_order * customers["contact_factor"][orders["owner"]]
    order = np.repeat(np.arange(count(orders)), draws.poisson(rate))
    n = len(order)
    channel = pick(draws, CHANNELS, n)
    second = _when(orders["second"][order], channel, draws)
    owner = orders["owner"][order]
    rows = {
        "order": order, "owner": owner, "second": second, "channel": channel, "topic": pick(draws, TOPICS, n),
        "team": _team(customers["home_team"][owner], truth, draws),
        "is_complaint": draws.random(n) < COMPLAINT_SHARE,
    }  # fmt: skip
    rows["slowed"] = is_slowed(rows["team"], second, truth)
    rows |= _handled(rows, draws)
    rows |= _answered(rows, truth, draws)
    return take(rows, second < clock.END)


def is_slowed(team: NDArray[np.str_], second: NDArray[np.int64], truth: Truth) -> NDArray[np.bool_]:
    """Whether the slow team met it in its slow quarter."""
    return (team == truth.slow_team.team) & clock.is_in(truth.slow_team.quarter, second)


def _when(
    ordered: NDArray[np.int64], channel: NDArray[np.str_], draws: np.random.Generator
) -> NDArray[np.int64]:
    """Some days after the order; calls on working days in service hours, messages at any time."""
    day = ordered // clock.DAY + np.floor(draws.exponential(8.0, len(ordered))).astype(np.int64) + 1
    day = day.clip(max=clock.DAYS + 300)
    called = clock.next_working_day(day) * clock.DAY + times_of_day(draws, CALLS_BY_HOUR, len(day))
    written = day * clock.DAY + times_of_day(draws, MESSAGES_BY_HOUR, len(day))
    return np.where(channel == "phone", called, written)


def _team(home: NDArray[np.str_], truth: Truth, draws: np.random.Generator) -> NDArray[np.str_]:
    away = draws.random(len(home)) < AWAY_SHARE
    return np.where(away, pick(draws, truth.teams, len(home)), home)


def _handled(rows: Rows, draws: np.random.Generator) -> Rows:
    """Who took it first: a bot half of the typed ones, a workflow some mails, people all the rest."""
    u, passed = draws.random(count(rows)), draws.random(count(rows)) < BOT_PASSES_ON
    is_bot = np.isin(rows["channel"], TYPED) & (u < BOT_SHARE)
    is_workflow = (rows["channel"] == "email") & (u < 0.2)
    handled_by = np.where(is_bot, "bot", np.where(is_workflow, "workflow", "agent"))
    return {"handled_by": handled_by, "reached_agent": (handled_by == "agent") | (is_bot & passed)}


def _answered(rows: Rows, truth: Truth, draws: np.random.Generator) -> Rows:
    """Seconds of waiting and of work, and the outcome."""
    n = count(rows)
    load = np.where(rows["slowed"], truth.slow_team.offered_load, truth.offered_load)
    wait, gives_up = draw_waits(draws, load, truth.servers, truth.handling_seconds, truth.patience_seconds)
    is_mail = rows["channel"] == "email"
    factor = np.where(rows["slowed"], truth.slow_team.first_response_factor, 1.0)
    replied = clock.after_business_seconds(rows["second"], 3600 * factor * draws.lognormal(0.6, 0.7, n))
    # a typed message outside service hours waits until they begin
    opened = clock.after_business_seconds(rows["second"], np.zeros(n)) - rows["second"]
    by_machine = rows["handled_by"] != "agent"
    wait = np.where(is_mail, replied - rows["second"], np.where(opened > 60, wait + opened, wait))
    wait = np.where(by_machine, 1, wait)
    u = draws.random(n)
    is_recorded = (u < 0.012) & (rows["channel"] == "phone")
    outcome = np.where(u < 0.004, "failed", np.where(is_recorded, "voicemail", "answered"))
    outcome = np.where(gives_up & ~by_machine & ~is_mail & (opened <= 60), "abandoned", outcome)
    return {"wait": wait, "outcome": outcome, **_work(n, outcome == "answered", truth, draws)}


def _work(n: int, is_answered: NDArray[np.bool_], truth: Truth, draws: np.random.Generator) -> Rows:
    """Talk, hold and wrap-up: lognormal, together ``handling_seconds`` on average."""
    spread = 0.55
    total = truth.handling_seconds * draws.lognormal(-(spread**2) / 2, spread, n) * is_answered
    hold = total * 0.08 * (draws.random(n) < 0.5)
    talk = (total - hold) * 0.68
    return {"talk": np.round(talk).astype(np.int64), "hold": np.round(hold).astype(np.int64),
            "wrap_up": np.round(total - hold - talk).astype(np.int64)}  # fmt: skip
