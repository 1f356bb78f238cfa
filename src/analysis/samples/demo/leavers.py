"""The first planted story: whom the slow team served in its slow quarter leaves more often in the next."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import clock
from .rows import Rows, chance, count, take
from .truth import Truth


def draw_leavers(orders: Rows, tickets: Rows, customers: Rows, truth: Truth) -> NDArray[np.bool_]:
    """Which customers leave because of the slow team: of those with a case of its slow quarter, the planted share.

    Nobody leaves who in truth had left before.
    """
    story = truth.slow_team
    touched = np.zeros(count(customers), dtype=bool)
    touched[tickets["owner"][tickets["slowed"]]] = True
    first_day = clock.span_of(story.left_in)[0]
    is_last = orders["is_last"] & (orders["day"] < first_day)
    touched[orders["owner"][is_last]] = False
    draws = chance(truth.seed, "leavers")
    return touched & (draws.random(count(customers)) < story.leaving_probability)


def without_leavers(
    orders: Rows, contacts: Rows, tickets: Rows, leavers: NDArray[np.bool_], truth: Truth
) -> tuple[Rows, Rows, Rows]:
    """Orders, contacts and tickets as they came about: leavers order nothing from the quarter they left in."""
    first_day = clock.span_of(truth.slow_team.left_in)[0]
    ordered = ~(leavers[orders["owner"]] & (orders["day"] >= first_day))
    contacted = ordered[contacts["order"]]
    begun = contacted[tickets["contact"]]
    new_order, new_contact = np.cumsum(ordered) - 1, np.cumsum(contacted) - 1
    tickets = take(tickets, begun)
    tickets |= {"contact": new_contact[tickets["contact"]], "order": new_order[tickets["order"]]}
    contacts = take(contacts, contacted)
    return take(orders, ordered), contacts | {"order": new_order[contacts["order"]]}, tickets
