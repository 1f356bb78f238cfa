"""Targets stand in the frame as rows, the specific before the general, and never where they do not fit."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from analysis.errors import InputError
from analysis.suite.everything import kpis_by
from analysis.suite.targets import target_rows

# 40 in 2025Q2, 100 in 2026Q1, 30 + 60 in 2026Q2: 30 north, 60 south
ORDERS = """order_id,customer_id,ordered_at,amount
1,n,2025-05-10,40
2,n,2026-02-10,100
3,n,2026-05-20,30
4,s,2026-06-15,60"""
CUSTOMERS = "customer_id,region\nn,north\ns,south"
HEADING = "metric,variant,period,dimension,group_name,target"


def company(open_company, *targets: str, period="2026Q2", orders=ORDERS, **settings):
    tables = {"orders": orders, "customers": CUSTOMERS, "targets": "\n".join([HEADING, *targets])}
    given = {"data_through": date(2026, 6, 30), "sparkline_periods": 3} | settings
    return open_company(tables, period, **given)


def of(rows, period, by=None, group=None, metric="revenue_target"):
    own = rows[(rows["metric"] == metric) & (rows["period"] == period)]
    own = own[own["by"].isna() if by is None else (own["by"] == by) & (own["group"] == group)]
    assert len(own) == 1
    return own.iloc[0]


def test_the_targets_own_period_stands_before_every_period(open_company):
    book = company(open_company, "revenue,default,,,,50", "revenue,,2026-q2,,,120", "won_value,,,,,7")
    rows = target_rows(book)
    assert of(rows, "2026Q2")["value"] == 120  # its period written in another way, its variant left out
    assert of(rows, "2026Q1")["value"] == of(rows, "2025Q2")["value"] == 50
    assert of(rows, "2026Q2", metric="won_value_target")["value"] == 7
    assert set(rows["status"]) == {"measured"}
    assert len(rows) == 2 * len(book.windows)


def test_groups_have_targets_where_they_are_asked_for(open_company):
    book = company(
        open_company, "revenue,,2026Q2,region,north,25", "revenue,,,region,south,50", "revenue,,,industry,x,9"
    )
    assert target_rows(book)["by"].isna().all()
    rows = target_rows(book, ["region"])
    assert of(rows, "2026Q2", "region", "north")["value"] == 25
    assert of(rows, "2026Q1", "region", "south")["value"] == 50
    assert set(rows["by"].dropna()) == {"region"}
    assert of(rows, "2026Q2")["reason"] == "no_target"  # the groups' targets are none of the company


def test_attainment_is_revenue_over_target_for_company_and_groups(open_company):
    book = company(open_company, "revenue,,2026Q2,,,120", "revenue,,,region,north,25")
    kpis = kpis_by(book, "region")
    kpis = kpis[kpis["variant"] == "default"]
    company_row = of(kpis, "2026Q2", metric="sales_target_attainment")
    assert company_row["value"] == pytest.approx(90 / 120)
    assert company_row["reason"] == "census"  # both sides are exact
    assert of(kpis, "2026Q2", "region", "north", "sales_target_attainment")["value"] == pytest.approx(30 / 25)
    south = of(kpis, "2026Q2", "region", "south", "sales_target_attainment")
    assert south["status"] == "not_measured"
    assert of(kpis, "2025Q2", metric="sales_target_attainment")["reason"] == "of|revenue_target|no_target"


def test_another_definitions_target_is_not_taken(open_company):
    rows = target_rows(company(open_company, "revenue,gross,,,,120", "nps,,,,,30"))
    assert set(rows["reason"]) == {"no_target"}
    assert rows["value"].isna().all()


def test_different_targets_for_one_thing_are_none_and_equal_ones_are_one(open_company):
    rows = target_rows(
        company(open_company, "revenue,,2026Q2,,,120", "revenue,,2026Q2,,,130", "revenue,,,,,50")
    )
    assert of(rows, "2026Q2")["reason"] == "targets_differ|2"
    assert of(rows, "2026Q1")["value"] == 50
    same = target_rows(company(open_company, "revenue,,2026Q2,,,120", "revenue,,2026Q2,,,120.0"))
    assert of(same, "2026Q2")["value"] == 120


def test_without_the_table_each_row_says_so(open_company):
    book = open_company({"orders": ORDERS}, "2026Q2", data_through=date(2026, 6, 30))
    assert set(target_rows(book)["reason"]) == {"table_absent|targets"}


def test_a_running_period_has_the_whole_target_with_care_and_first_days_none(open_company):
    weekly = [f"w{n},n,{date(2025, 4, 1) + timedelta(days=7 * n)},0" for n in range(61)]  # up to 26 May 2026
    orders = "\n".join([*ORDERS.splitlines(), *weekly])  # orders so dense that June is seen to be missing
    book = company(open_company, "revenue,,,,,120", orders=orders, data_through=date(2026, 5, 31))
    assert book.window.is_partial
    rows = target_rows(book)
    now, then = of(rows, "2026Q2"), of(rows, book.baselines["2026Q2"]["previous"])
    assert (now["value"], now["status"]) == (120, "with_care")
    assert now["reason"] == "census;target_of_whole_period|2026Q2"
    assert then["reason"] == "target_of_whole_period|2026Q1"
    attained = of(
        kpis_by(book, "region").query("variant == 'default'"), "2026Q2", metric="sales_target_attainment"
    )
    assert (attained["value"], attained["status"]) == (pytest.approx(30 / 120), "with_care")


def test_a_target_for_what_is_no_period_is_an_error_that_says_so(open_company):
    with pytest.raises(InputError, match="table targets: period 'next spring' is not understood"):
        target_rows(company(open_company, "revenue,,next spring,,,120"))
