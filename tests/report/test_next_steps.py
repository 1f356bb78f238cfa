"""What to do: each step rests on a number, and there are never more than three."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from analysis.appraisal.drivers import Driver, Question
from analysis.report import next_steps
from analysis.report.findings import Finding
from analysis.report.next_steps import PAGE_OF_FAMILY, find_next_steps
from analysis.report.stories import Story
from reading_pages import replaced

from .conftest import FORMULA, SCRIPT


def customers(**columns):
    rows = {
        "customer_id": ["a", "b", "c", "d"], "predicted_clv": [10.0, 30.0, 20.0, 40.0], "is_at_risk": True,
        "is_closing": True, "is_one_time_buyer": False,
    }  # fmt: skip
    return pd.DataFrame(rows | columns)


def told(results, language="en"):
    return [f"{step.sentence[language]} {step.detail[language]}" for step in find_next_steps(results)]


def test_valuable_customers_who_are_overdue_are_counted_with_what_they_are_worth(shop):
    first = told(replaced(shop, customers=customers()))[0]
    assert "the 4 valuable customers" in first
    assert "Predicted value €100.00 over the next 4 quarters" in first
    assert "4位" in told(replaced(shop, customers=customers()), "zh")[0]


def test_without_anyone_to_talk_to_the_table_that_most_metrics_wait_for_is_asked_for(shop):
    [only] = told(replaced(shop, customers=customers(is_at_risk=False)))
    shown = {m.id for m in shop.book.catalogue.metrics.values() if m.shown}
    rows = [
        row for row in shop.company_kpis.itertuples() if row.period == "2024Q4" and row.variant == "default"
    ]
    waiting = [
        str(row.reason) for row in rows if row.metric in shown and "table_absent|contacts" in str(row.reason)
    ]
    # three lack another table too: actions to be followed up, tickets to be resolved, help that was read
    alone = [reason for reason in waiting if reason.count("table_absent") == 1]
    assert len(alone) == len(waiting) - 3
    assert only == f"Supply the table “Contacts”. Metrics that can then be measured: {len(alone)}."


def test_the_group_that_makes_what_went_wrong_comes_first(desk, retell):
    slow = retell(desk, "resolution_time", verdict="worse", value=30755.6, base_value=9000.0)
    step = find_next_steps(slow)[0]
    assert step.sentence["en"].startswith(f"Start with “{SCRIPT}” (service team): ")
    assert step.page == "service"
    assert re.search(r"\d", step.detail["en"])


def test_contracts_due_and_the_reason_of_one_region_are_steps(leaving):
    renew, reason, _ = find_next_steps(leaving)
    # due within 90 days 1,000 and 3,000, in grace 400; those renewed, broken off or over are left out
    assert "3 contracts" in renew.sentence["en"] and "90 days" in renew.sentence["en"]
    assert "€4,400" in renew.detail["en"] and "1 of them" in renew.detail["en"]
    # 18 of the 20 who said why, and none of the 24 in the North
    assert SCRIPT in reason.sentence["en"] and FORMULA in reason.sentence["en"]
    assert reason.detail["en"].startswith("90% of those") and "(n = 20); 0% elsewhere" in reason.detail["en"]
    assert (renew.metric, renew.page, reason.page) == ("renewal_rate", "retention", "retention")


def test_contracts_without_a_value_are_counted(leaving, monkeypatch):
    contracts = pd.DataFrame(
        {"is_renewed_by_then": [False, False, True], "is_overdue": [True, True, True], "yearly_value": None}
    )
    monkeypatch.setattr("analysis.report.pages.churn_rows.open_renewals", lambda _: contracts)
    renew = next(step for step in find_next_steps(leaving) if step.metric == "renewal_rate")
    assert "2 contracts" in renew.sentence["en"]
    assert (renew.detail["en"], "€" in renew.detail["zh"]) == ("2 of them are past due.", False)


def test_the_stage_that_fewer_pass_is_a_step_though_the_win_rate_fell_as_much(seller):
    # of 60 offers 45 were won and 15 are: as large a fall, relative to before, as from 45 to 15 of 100 leads
    first = find_next_steps(seller)[0]
    assert SCRIPT in first.sentence["en"] and first.page == "acquisition"
    assert [number in first.detail["en"] for number in ("25.0%", "75.0%", "2024Q3", "n = 60")] == [True] * 4


# --- what is chosen, and in which order ---------------------------------------------------------------


@pytest.fixture
def planned(monkeypatch, shop):
    """What is told of these candidates, each by its name."""

    def step(name):
        return Finding(None, {"en": name, "zh": name}, "next")

    def told(*, groups=(), stage=(), renew=None, talk=None, reason=(), worst=(), supply=()):
        monkeypatch.setattr(next_steps, "find_stories", lambda _: groups)
        monkeypatch.setattr(next_steps, "_of_story", lambda _, name: step(name) if name else None)
        for name, worth in (("renew", renew), ("talk_to", talk)):
            found = [] if worth is None else [(worth, step(name))]
            monkeypatch.setattr(next_steps, f"_{name}", lambda _, found=found: found)
        for name, given in (
            ("of_stage", stage),
            ("of_reason", reason),
            ("of_worst", worst),
            ("supply", supply),
        ):
            monkeypatch.setattr(next_steps, f"_{name}", lambda _, given=given: [step(each) for each in given])
        return [each.sentence["en"] for each in find_next_steps(shop)]

    return told


@pytest.mark.parametrize(("candidates", "steps"), [
    ({"groups": "abc", "stage": "s", "renew": 1.0, "talk": 2.0, "reason": "r", "worst": "w"}, ["a", "s", "talk_to"]),
    ({"groups": "abc", "renew": 2.0, "talk": 1.0, "reason": "r", "worst": "w"}, ["a", "b", "renew"]),
    ({"groups": "a", "renew": 2.0, "talk": 1.0, "reason": "r", "worst": "w"}, ["a", "renew", "r"]),
    ({"groups": "a", "renew": 2.0, "talk": 1.0, "worst": "w"}, ["a", "renew", "talk_to"]),
    ({"stage": "s", "renew": 1.0, "talk": 2.0, "worst": "w"}, ["s", "talk_to", "renew"]),
    ({"groups": "abc", "worst": "w", "supply": "t"}, ["a", "b", "c"]),
    ({"groups": "abc", "stage": "s", "worst": "w"}, ["a", "s", "b"]),
    ({"groups": ["", "b"], "worst": "w", "supply": "t"}, ["b", "w", "t"]),  # in the first nothing went wrong
    ({"renew": 0.0, "worst": "w", "supply": "t"}, ["renew", "w", "t"]),
    ({"worst": "w", "supply": "w"}, ["w"]),  # nothing is said twice
    ({}, []),
])  # fmt: skip
def test_the_steps_come_in_their_order_and_are_at_most_three(planned, candidates, steps):
    assert planned(**candidates) == steps


def story(*drivers):
    return Story("team", "North", drivers)


def driver(metric, whole, target=None):
    """A group that makes all of a difference in a metric."""
    question = Question(metric, against="" if target else "previous", target=target)
    return Driver(question, "team", "North", 0.5, 0.5 - whole, whole, 0.0, 40, 40, whole, whole, 0.01)


@pytest.mark.parametrize(("metric", "whole", "target", "is_step"), [
    ("sla_attainment", -0.1, None, True), ("sla_attainment", 0.1, None, False), ("sla_attainment", -0.1, 0.9, True),
    ("complaint_rate", 0.1, None, True), ("complaint_rate", -0.1, None, False), ("top_decile_share", -0.1, None, False),
])  # fmt: skip
def test_a_group_is_a_step_where_it_made_something_worse(desk, metric, whole, target, is_step):
    found = next_steps._of_story(desk, story(driver(metric, whole, target)))
    assert (found and found.metric) == (metric if is_step else None)


def test_of_a_groups_changes_the_first_that_went_wrong_is_told(desk):
    better, worse = driver("sla_attainment", 0.1), driver("complaint_rate", 0.1)
    found = next_steps._of_story(desk, story(better, worse, driver("resolution_time", 9.0)))
    assert found.metric == "complaint_rate"
    assert found.sentence["en"].startswith("Start with “North” (service team): all of the change")


def test_the_worst_change_is_one_that_neither_a_group_nor_a_stage_tells_of(seller, retell, monkeypatch):
    both = retell(seller, "purchase_frequency", verdict="worse", value=1.0, base_value=2.0)
    both = retell(both, "average_order_value", verdict="worse", value=1.0, base_value=4.0)
    monkeypatch.setattr(next_steps, "find_stories", lambda _: [])
    monkeypatch.setattr(next_steps, "unexplained", lambda _: ["average_order_value"])
    # one is looked through without a group that stands out; of the other nobody knows
    [first] = next_steps._of_worst(both)
    assert first.metric == "average_order_value"  # of the headline
    assert first.sentence["en"] == "Look into average order value: no group stands out in it."
    told = story(driver("average_order_value", -3.0))
    monkeypatch.setattr(next_steps, "find_stories", lambda _: [told, story(driver("win_rate", -0.3))])
    [second] = next_steps._of_worst(both)
    assert second.sentence["en"] == "Look into purchase frequency."
    assert next_steps._of_worst(seller) == []  # the stage and the win rate are told of


def test_every_step_leads_to_a_page_and_holds_a_number_in_both_languages(shop, desk, leaving, seller):
    for results in (shop, desk, leaving, seller):
        for step in find_next_steps(results):
            assert step.page in results.book.catalogue.pages
            for language in ("en", "zh"):
                assert re.search(r"\d", step.sentence[language] + step.detail[language])
            assert re.search(r"[\u4e00-\u9fff]", step.sentence["zh"])


def test_a_family_leads_to_the_page_that_is_about_it():
    assert (PAGE_OF_FAMILY["sales"], PAGE_OF_FAMILY["loyalty"]) == ("acquisition", "retention")
