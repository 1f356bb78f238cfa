"""The whole company: every table simulated once, the planted stories in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .contacts import draw_contacts
from .contracts import contracts_table, draw_exits, exits_table
from .customers import customers_table, draw_customers
from .dirt import ANSWERS_OUTSIDE_SCALE, ANSWERS_TO_UNKNOWN_QUESTION, REJECTED, with_dirt
from .leavers import draw_leavers, without_leavers
from .orders import draw_lines, draw_orders, finish_orders, lines_table, orders_table
from .people import agents_table, assignments_table, draw_agents, draw_managers, managers_table
from .plans import actions_table, benchmarks_table, holidays_table, rates_table, targets_table
from .products import products_table
from .questions import questions_table
from .rows import Rows, count, numbered, ordered, stack, take
from .sales import (
    benefits_table,
    costs_table,
    draw_opportunities,
    opportunities_table,
    referrals_table,
    stage_entries_table,
    web_sessions_table,
)
from .service import (
    all_contacts,
    contacts_table,
    draw_tickets,
    help_sessions_table,
    shifts_table,
    tickets_table,
)
from .surveys import answers_table, draw_answers, draw_surveys, surveys_table
from .truth import TRUTH, Truth
from .voices import draw_feedback, feedback_table, mentions_table


@dataclass(frozen=True)
class World:
    """What happened, before anybody wrote it down."""

    truth: Truth
    customers: Rows
    orders: Rows
    agents: Rows
    spans: Rows
    first_contacts: Rows
    tickets: Rows
    leavers: np.ndarray
    surveys: Rows
    answers: Rows
    feedback: Rows
    opportunities: Rows


def live(truth: Truth = TRUTH) -> World:
    """Sixteen quarters of the company's life."""
    customers, agents = draw_customers(truth), draw_agents(truth)
    orders = draw_orders(customers, truth)
    contacts = draw_contacts(orders, customers, truth)
    tickets = ordered(draw_tickets(contacts, customers, agents, truth), "opened", "owner", "contact")
    leavers = draw_leavers(orders, tickets, customers, truth)
    orders, contacts, tickets = without_leavers(orders, contacts, tickets, leavers, truth)
    tickets |= {"ticket_id": numbered("T", count(tickets), 6)}
    spans = draw_managers(customers, truth)
    surveys = draw_surveys(customers, orders, tickets, spans, truth)
    return World(
        truth, customers, orders, agents, spans, contacts, tickets, leavers, surveys,
        answers=draw_answers(surveys, customers, tickets, truth),
        feedback=draw_feedback(customers, orders, truth),
        opportunities=draw_opportunities(customers, orders, spans, truth),
    )  # fmt: skip


def tables_of(world: World) -> dict[str, Rows]:
    """Every table as the company's systems export it, by file name, with the few dirty rows real exports have."""
    return with_dirt(_sold(world) | _served(world) | _asked(world) | _won(world) | _planned(world))


def _sold(world: World) -> dict[str, Rows]:
    truth, customers = world.truth, world.customers
    rows = finish_orders(world.orders, truth)
    lines = draw_lines(rows, customers, truth)
    return {
        "customers": customers_table(customers, truth),
        "orders": orders_table(rows, lines, customers),
        "order_lines": lines_table(rows, lines),
        "products": products_table(),
        "account_managers": managers_table(truth),
        "assignments": assignments_table(world.spans, customers),
    }


def _served(world: World) -> dict[str, Rows]:
    truth, customers, agents, tickets = world.truth, world.customers, world.agents, world.tickets
    contacts = all_contacts(world.first_contacts, tickets, world.orders, agents, truth)
    return {
        "agents": agents_table(agents),
        "tickets": tickets_table(tickets, customers, agents),
        "contacts": contacts_table(contacts, tickets, customers, agents),
        "shifts": shifts_table(contacts, agents, truth),
        "help_sessions": help_sessions_table(world.first_contacts, world.orders, customers, truth),
    }


def _asked(world: World) -> dict[str, Rows]:
    return {
        "questions": questions_table(),
        "surveys": surveys_table(world.surveys, world.customers, world.tickets),
        "answers": answers_table(world.answers, world.surveys),
        "feedback": feedback_table(world.feedback, world.customers),
        "mentions": mentions_table(world.customers, world.orders, world.truth),
    }


def _won(world: World) -> dict[str, Rows]:
    truth, customers, orders = world.truth, world.customers, world.orders
    return {
        "opportunities": opportunities_table(world.opportunities, customers),
        "stage_entries": stage_entries_table(world.opportunities),
        "contracts": contracts_table(customers, world.leavers, truth),
        "exits": exits_table(draw_exits(customers, orders, world.leavers, truth), customers, truth),
        "referrals": referrals_table(customers, orders, truth),
        "web_sessions": web_sessions_table(customers, orders, truth),
    }


def _planned(world: World) -> dict[str, Rows]:
    truth = world.truth
    return {
        "costs": costs_table(truth),
        "benefits": benefits_table(truth),
        "targets": targets_table(world.customers, world.orders, world.opportunities, world.spans),
        "benchmarks": benchmarks_table(),
        "actions": actions_table(world.spans, world.customers, world.orders, truth),
        "holidays": holidays_table(),
        "rates": rates_table(truth),
    }


def planted(world: World) -> dict[str, Any]:
    """What the stories came to in this run, and what checking must find, for ``truth.json``."""
    chosen = world.surveys["chosen_by"] != ""
    return {
        "leavers": world.customers["customer_id"][world.leavers].tolist(),
        "hand_picked_surveys": world.surveys["survey_id"][chosen].tolist(),
        "rejected": list(REJECTED),
        "answers_outside_scale": ANSWERS_OUTSIDE_SCALE,
        "answers_to_unknown_question": ANSWERS_TO_UNKNOWN_QUESTION,
    }


def planted_themes(world: World) -> Rows:
    """One row for each comment of a questionnaire or of ``feedback.csv``: where it stands, and its true themes."""
    said = take(world.answers, world.answers["comment"] != "")
    names = ("language", "tone", "theme", "second_theme")
    answers = {"table": np.full(count(said), "answers"), "id": world.surveys["survey_id"][said["survey"]]}
    feedback = {"table": np.full(count(world.feedback), "feedback"), "id": world.feedback["feedback_id"]}
    return stack(
        answers | {name: said[name] for name in names},
        feedback | {name: world.feedback[name] for name in names},
    )
