"""Whether a measure was done in time, and who answers for it."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.metrics.measure import measure

ACTIONS = """action_id,kind,measure,account_manager_id,customer_id,planned_on,due_on,done_on
on_the_day,action,call,ann,c1,2026-04-01,2026-05-10,2026-05-10
early,action,call,ann,c1,2026-04-01,2026-05-10,2026-04-02
one_day_late,action,offer,ann,c1,2026-04-01,2026-05-10,2026-05-11
never,,visit,,c1,2026-04-01,2026-05-10,
due_last_day,action, ,,c1,2026-04-01,2026-06-30,2026-06-30
due_next_day,action,call,,c1,2026-04-01,2026-07-01,2026-06-30
done_after_the_cut,action,call,,c2,2026-04-01,2026-06-30,2026-07-02
reached,milestone,,,,2026-04-01,2026-06-30,2026-06-01
missed,milestone,,,,2026-04-01,2026-06-30,
"""
ASSIGNMENTS = """customer_id,account_manager_id,assigned_from,assigned_until
c1,ann,2026-01-01,2026-05-10
c1,bob,2026-05-10,
"""
MANAGERS = "account_manager_id,account_manager_name,team\nann,Ann,north\nbob,Bob,south\n"


@pytest.fixture(scope="module")
def book(open_company):
    tables = {
        "orders": "order_id,customer_id,ordered_at,amount\n1,c1,2026-01-05,10\n2,c2,2026-06-30,10\n",
        "actions": ACTIONS, "assignments": ASSIGNMENTS, "account_managers": MANAGERS,
    }  # fmt: skip
    return open_company(tables, "2026Q2")


@pytest.fixture(scope="module")
def actions(book) -> pd.DataFrame:
    return book.ask("select * from actions").set_index("action_id")


def test_done_in_time_is_done_by_the_due_day(actions):
    in_time = actions["is_done_in_time"]
    assert in_time[["on_the_day", "early", "due_last_day", "reached"]].all()
    assert not in_time[["one_day_late", "never", "done_after_the_cut", "missed"]].any()


def test_nobody_can_say_before_the_due_day_is_over(actions):
    assert pd.isna(actions.loc["due_next_day", "is_done_in_time"])


def test_what_was_done_after_the_cut_is_not_known(actions):
    assert pd.isna(actions.loc["done_after_the_cut", "done_on"])


def test_its_own_manager_answers_else_who_held_the_customer_when_it_was_due(actions):
    # the customer passed from Ann to Bob on 10 May: what was due that day without a name of its own is Bob's
    assert actions.loc["on_the_day", ["account_manager_id", "account_team"]].tolist() == ["ann", "north"]
    assert actions.loc["never", ["account_manager_id", "account_team"]].tolist() == ["bob", "south"]
    assert actions.loc[["done_after_the_cut", "missed"], "account_manager_id"].isna().all()


def test_a_kind_that_is_not_given_is_an_action_and_an_empty_measure_none(actions):
    assert actions.loc["never", "kind"] == "action"
    assert pd.isna(actions.loc["due_last_day", "measure"])


def test_the_rates_are_of_what_was_due_in_the_period(book):
    metrics = [book.catalogue.metrics[name] for name in ("action_completion_rate", "plan_execution_rate")]
    rows = measure(book, ["account_manager"], metrics)
    rows = rows[rows["period"] == "2026Q2"]
    company = rows[rows["by"].isna()].set_index("metric")
    # on the day, early and the last day of six due by 30 June; one of two milestones
    assert company.loc["action_completion_rate", ["numerator", "n"]].tolist() == [3, 6]
    assert company.loc["plan_execution_rate", "value"] == 0.5
    managers = rows[rows["metric"].eq("action_completion_rate") & rows["by"].notna()].set_index("group")
    assert managers.loc["ann", "value"] == pytest.approx(2 / 3)
    assert managers.loc["bob", "value"] == 0.5  # `never` and `due_last_day`
