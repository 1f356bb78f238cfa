"""How many of the customers at risk at a window's start were contacted in it."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from analysis.catalogue import DEFAULT, load_catalogue
from analysis.metrics.intervals import wilson_interval
from analysis.suite.customer_value import (
    at_risk,
    customer_values,
    fit_models,
    follow_up_rates,
    value_histories,
)

PERIOD, BEFORE = "2026Q2", "2026Q1"


def some_orders() -> str:
    """Forty customers who buy every month or so; the odd ones have been silent since the middle of 2025."""
    rng = np.random.default_rng(11)
    rows = []
    for number in range(40):
        last = pd.Timestamp("2025-06-30" if number % 2 else "2026-06-28")
        day = pd.Timestamp("2024-01-01") + pd.Timedelta(days=int(rng.integers(0, 60)))
        while day <= last:
            rows.append(f"o{len(rows)},c{number:02},{day:%Y-%m-%d},{rng.uniform(10, 60):.2f}")
            day += pd.Timedelta(days=int(rng.integers(10, 60)))
    return "order_id,customer_id,ordered_at,amount\n" + "\n".join(rows)


def open_with(open_company, tables: dict[str, str]):
    return open_company({"orders": some_orders()} | tables, PERIOD, at_risk_value_share=1.0, model_draws=50)


@pytest.fixture(scope="module")
def fitted(open_company):
    """The company without contacts: its models at the end of 2026Q1, and who was at risk by them."""
    book = open_with(open_company, {})
    window = next(each for each in book.windows if each.label == BEFORE)
    fits = fit_models(book, window.last_day)
    values = value_histories(book, fits, window, n_draws=50)
    return fits, values, sorted(fits.histories["customer_id"][at_risk(book, fits, values)[1]])


def rates(book, fits, values) -> dict[str, dict]:
    rows = follow_up_rates(book, {BEFORE: fits}, {BEFORE: {DEFAULT: values}})
    return {row["period"]: row for row in rows}


def test_at_risk_are_the_silent_ones(fitted):
    _, _, ids = fitted
    assert ids
    assert all(int(one[1:]) % 2 for one in ids)


def test_the_share_is_of_those_at_risk_whom_a_contact_or_an_action_reached(open_company, fitted):
    fits, values, ids = fitted
    assert len(ids) >= 4
    called, visited, in_vain, earlier = ids[:4]
    contacts = f"""contact_id,customer_id,started_at,direction,outcome
k1,{called},2026-04-01 10:00,outbound,answered
k2,{called},2026-05-01 10:00,outbound,answered
k3,{in_vain},2026-05-01 10:00,outbound,failed
k4,{earlier},2026-03-31 10:00,outbound,answered
k5,c00,2026-05-01 10:00,outbound,answered
"""
    actions = (
        f"action_id,customer_id,planned_on,due_on,done_on\na1,{visited},2026-04-01,2026-06-30,2026-06-30\n"
    )
    book = open_with(open_company, {"contacts": contacts, "actions": actions})
    row = rates(book, fits, values)[PERIOD]
    # called twice counts once; in vain, the day before, and one who is not at risk do not
    assert (row["numerator"], row["n"], row["value"]) == (2, len(ids), 2 / len(ids))
    low, high = wilson_interval(2, len(ids), book.settings.confidence_level)
    assert (row["low"], row["high"]) == (float(low), float(high))


def test_at_risk_is_as_in_the_list_of_the_window_before(open_company, fitted):
    fits, values, ids = fitted
    customers = customer_values(open_with(open_company, {}), fits, values)
    assert sorted(customers.loc[customers["is_at_risk"], "customer_id"]) == ids


def test_without_contacts_and_actions_it_is_not_measured(open_company, fitted):
    fits, values, _ = fitted
    row = rates(open_with(open_company, {}), fits, values)[PERIOD]
    assert (row["value"], row["reason"]) == (None, "table_absent|actions;table_absent|contacts")


ACTIONS = {"actions": "action_id,customer_id,planned_on,due_on,done_on\na1,c01,2026-04-01,2026-06-30,\n"}


def test_a_window_before_which_nothing_was_fitted_is_not_measured(open_company, fitted):
    fits, values, _ = fitted
    found = rates(open_with(open_company, ACTIONS), fits, values)
    assert found[PERIOD]["value"] == 0.0
    assert {row["reason"] for label, row in found.items() if label != PERIOD} == {"no_fit_before"}


def test_where_nobody_was_at_risk_it_is_not_measured(open_company, fitted):
    fits, values, _ = fitted
    orders = {"orders": some_orders()} | ACTIONS
    book = open_company(orders, PERIOD, at_risk_p_alive=1e-12, at_risk_value_share=1.0, model_draws=50)
    row = rates(book, fits, values)[PERIOD]
    assert (row["value"], row["reason"], row["status"]) == (None, "nobody_at_risk", "not_measured")


def test_where_the_models_cannot_be_used_neither_can_it(open_company, fitted):
    fits, values, _ = fitted

    @dataclass(frozen=True)
    class Untrusted:
        histories: pd.DataFrame
        purchases: dict
        verdict: str = "do_not_use"

    untrusted = Untrusted(fits.histories, fits.purchases)
    row = rates(open_with(open_company, ACTIONS), untrusted, values)[PERIOD]
    assert (row["value"], row["reason"]) == (None, "model_not_to_be_used")
    unknown = SimpleNamespace(clv=np.full(len(fits.histories), np.nan))
    assert rates(open_with(open_company, ACTIONS), fits, unknown)[PERIOD]["reason"] == "model_degenerate"


def test_its_reasons_have_words():
    from analysis.metrics.frame import REASONS

    assert {"no_fit_before", "nobody_at_risk", "table_absent"} <= set(REASONS)
    assert load_catalogue().metrics["follow_up_rate"].kind == "modelled"
