"""Metrics of service and satisfaction are the same on Spark: last answers, ranks, items, traits of customers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.metrics.frame import KEYS
from analysis.metrics.measure import measure

pytestmark = pytest.mark.slow

ORDERS = """order_id,customer_id,ordered_at,amount,category
1,stays,2023-05-01,20,books
2,leaves,2023-11-15,40,games
3,stays,2024-05-01,30,games
4,comes,2024-05-02,50,books"""
CUSTOMERS = "customer_id,region\nstays,north\nleaves,south\ncomes,south"
# One is handed over in the middle of the quarter, one while another still holds him.
ASSIGNMENTS = """customer_id,account_manager_id,assigned_from,assigned_until
stays,ann,2023-01-01,2024-05-03
stays,bob,2024-05-03,
comes,bob,2024-05-01,
comes,ann,2024-05-11,2024-05-13"""
DIMENSIONS = ("region", "survey_kind", "account_manager", "category")
TABLES = ("tickets", "contacts", "agents", "questions", "surveys", "answers")
METRICS = (
    "nps",
    "csat.response_speed",
    "resolution_time.median",
    "resolution_time.p90",
    "first_contact_resolution",
    "revenue",
    "opening_customers",
    "revenue_per_customer",
    "net_revenue_retention",
    "servqual_gap",
    "acsi_style",
)


@pytest.fixture(scope="module")
def frames(open_company, service_and_surveys, spark) -> list[pd.DataFrame]:
    tables = {
        "orders": ORDERS,
        "customers": CUSTOMERS,
        "assignments": ASSIGNMENTS,
        **{name: service_and_surveys[name] for name in TABLES},
    }
    measured = []
    for own in ({}, {"engine": spark.model_dump()}):
        book = open_company(tables, "2024Q2", sparkline_periods=2, **own)
        wanted = [book.catalogue.named(name) for name in METRICS]
        measured.append(measure(book, DIMENSIONS, wanted).sort_values(KEYS))
    return measured


def test_every_figure_is_the_same_on_both(frames):
    on_duckdb, on_spark = (frame.reset_index(drop=True) for frame in frames)
    floats = [name for name in on_duckdb if on_duckdb[name].dtype == "float64"]
    pd.testing.assert_frame_equal(on_spark.drop(columns=floats), on_duckdb.drop(columns=floats))
    for name in floats:
        np.testing.assert_allclose(on_spark[name], on_duckdb[name], rtol=1e-9, atol=1e-9, err_msg=name)


def test_there_is_something_to_compare(frames):
    now = frames[0][(frames[0]["period"] == "2024Q2") & frames[0]["value"].notna()]
    found = set(zip(now["metric"], now["variant"], strict=True))
    assert found == {(name, "default") for name in METRICS if "_time" not in name} | {
        ("resolution_time", "median"), ("resolution_time", "p90")
    }  # fmt: skip
    assert set(now["by"].dropna()) == set(DIMENSIONS)
