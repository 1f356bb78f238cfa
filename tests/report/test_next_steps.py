"""What to do: each step rests on a number, and there are never more than three."""

from __future__ import annotations

import re

import pandas as pd

from analysis.report.next_steps import MOST_STEPS, PAGE_OF_FAMILY, find_next_steps
from analysis.suite import Results

from .conftest import SCRIPT


def replaced(results, **frames):
    return Results(results.book, {**results.frames, **frames})


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
    assert "Worth €100.00 over the next 4 quarters" in first
    assert "4位" in told(replaced(shop, customers=customers()), "zh")[0]


def test_without_anyone_to_talk_to_the_table_that_most_metrics_wait_for_is_asked_for(shop):
    [only] = told(replaced(shop, customers=customers(is_at_risk=False)))
    assert re.match(r"Supply the table “Contacts”\. Metrics that can then be measured: \d+\.", only)


def test_the_group_that_makes_what_went_wrong_comes_first(desk, retell):
    slow = retell(desk, "resolution_time", verdict="worse", value=30755.6, base_value=9000.0)
    step = find_next_steps(slow)[0]
    assert step.sentence["en"].startswith(f"Start with “{SCRIPT}” (service team): ")
    assert step.page == "service"
    assert re.search(r"\d", step.detail["en"])


def test_contracts_due_and_the_reason_of_one_region_are_steps(leaving):
    steps = told(leaving)
    assert any(re.match(r"Renew in time: \d+ contracts", step) for step in steps)
    assert len(steps) <= MOST_STEPS


def test_every_step_leads_to_a_page_and_holds_a_number_in_both_languages(shop, desk, leaving, seller):
    for results in (shop, desk, leaving, seller):
        for step in find_next_steps(results):
            assert step.page in results.book.catalogue.pages
            for language in ("en", "zh"):
                assert re.search(r"\d", step.sentence[language] + step.detail[language])
            assert re.search(r"[\u4e00-\u9fff]", step.sentence["zh"])


def test_a_family_leads_to_the_page_that_is_about_it():
    assert (PAGE_OF_FAMILY["sales"], PAGE_OF_FAMILY["loyalty"]) == ("acquisition", "retention")
