"""Acquisition and unit economics on a company small enough to be worked out by hand."""

from __future__ import annotations

from datetime import date

import pytest

from analysis.catalogue import load_catalogue
from analysis.suite.everything import kpis_by

# In 2026Q2: old was there before; mail and fair are new, 60 and 30 days before its end, with 200 and 100 of revenue.
TABLES = {
    "orders": """order_id,customer_id,ordered_at,amount
1,old,2026-01-10,1000
2,mail,2026-05-02,200
3,fair,2026-06-01,100""",
    "customers": """customer_id,acquired_on,acquisition_channel,acquisition_cost
old,2026-01-10,mail,50
mail,2026-05-02,mail,
fair,2026-06-01,fair,20""",
    "costs": """spent_on,kind,amount,acquisition_channel
2026-01-05,marketing,10,mail
2026-02-05,sales,20,
2026-04-05,marketing,30,mail
2026-04-05,marketing,70,fair
2026-05-05,sales,40,
2026-06-30,service,20,
2026-06-30,general_admin,40,
2026-06-30,customer_management,50,
2026-07-01,marketing,999,mail""",
    "benefits": "gained_on,kind,amount\n2026-04-01,retained,400\n2026-06-30,cross-selling,100\n2026-07-01,retained,999",
    "referrals": """referral_id,customer_id,referred_customer_id,referred_on
r1,old,mail,2026-05-01
r2,old,,2026-05-03
r3,mail,fair,2026-07-01""",
}


@pytest.fixture(scope="module")
def kpis(open_company):
    book = open_company(
        TABLES, "2026Q2", gross_margin=0.5, data_through=date(2026, 6, 30), sparkline_periods=2
    )
    return kpis_by(book, "acquisition_channel")


def row(kpis, name, group=None):
    metric = load_catalogue().named(name)
    own = kpis[
        (kpis["metric"] == metric.id) & (kpis["variant"] == metric.variant) & (kpis["period"] == "2026Q2")
    ]
    own = own[own["by"].isna()] if group is None else own[own["group"] == group]
    assert len(own) == 1
    return own.iloc[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("new_customers", 2),
        ("new_customer_first_value", 150),  # (200 + 100) / 2
        ("customer_management_cost", 50),
        ("total_cost", 250),  # 30 + 70 + 40 + 20 + 40 + 50
        ("benefits_gained", 500),
        ("customer_acquisition_cost", 80),  # (100 + 40 + 20) / 2
        ("customer_acquisition_cost.marketing_only", 50),
        ("customer_acquisition_cost.paid", 70),
        ("customer_acquisition_cost.with_general_admin", 100),
        ("customer_acquisition_cost.lagged", 15),  # (10 + 20) / 2
        ("new_customer_margin_per_month", 150 / (90 / 30.4375)),  # 300 · 0.5 over 60 + 30 days
        ("cac_payback_months", 80 / (150 / (90 / 30.4375))),
        ("crm_roi", 1.0),  # (500 − 250) / 250
        ("crm_roi.programme_only", 9.0),  # (500 − 50) / 50
        ("referral_rate", 1 / 3),  # old; what mail recommends in July is not known yet
        ("referral_rate.in_period", 1 / 3),
        ("referred_share", 1 / 2),  # mail came recommended, fair not before July
        (
            "historical_clv",
            (500 - 50 + 100 + 50 - 20) / 3,
        ),  # half of the revenue, less the costs that are known
        ("historical_clv.revenue_only", 1300 / 3),
    ],
)
def test_the_figures_are_those_worked_out_by_hand(kpis, name, value):
    assert row(kpis, name)["value"] == pytest.approx(value)


def test_channels_are_compared_by_the_cost_that_names_them(kpis):
    assert row(kpis, "customer_acquisition_cost.marketing_only", "mail")["value"] == 30
    assert row(kpis, "customer_acquisition_cost.marketing_only", "fair")["value"] == 70
    mail = row(kpis, "customer_acquisition_cost", "mail")
    assert mail["reason"] == "of|sales_cost|not_measured_by|acquisition_channel"
    assert row(kpis, "crm_roi", "mail")["reason"] == "of|benefits_gained|not_measured_by|acquisition_channel"


def test_a_model_s_figure_that_is_not_known_by_channel_is_said_to_be_so(kpis):
    reason = row(kpis, "clv_to_cac", "mail")["reason"]
    assert reason == "of|new_customer_expected_value|not_measured_by|acquisition_channel"


def test_a_cost_that_names_its_channels_is_that_of_their_customers(open_company):
    costs = TABLES["costs"].replace("sales,40,", "sales,40,fair").replace("service,20,", "service,20,mail")
    book = open_company(
        TABLES | {"costs": costs}, "2026Q2", data_through=date(2026, 6, 30), sparkline_periods=2
    )
    kpis = kpis_by(book, "acquisition_channel", [load_catalogue().metric("customer_acquisition_cost")])
    assert row(kpis, "customer_acquisition_cost", "fair")["value"] == 110  # 70 + 40
    assert row(kpis, "customer_acquisition_cost", "mail")["value"] == 50  # 30 + 20


@pytest.mark.parametrize(
    ("table", "name", "reason"),
    [
        ("costs", "customer_acquisition_cost", "of|marketing_cost|table_absent|costs"),
        ("benefits", "crm_roi", "of|benefits_gained|table_absent|benefits"),
        ("referrals", "referral_rate", "table_absent|referrals"),
    ],
)
def test_without_its_table_a_metric_is_not_measured(open_company, table, name, reason):
    tables = {key: text for key, text in TABLES.items() if key != table}
    book = open_company(tables, "2026Q2", data_through=date(2026, 6, 30), sparkline_periods=2)
    kpis = kpis_by(book, "customer_status", [load_catalogue().metric(name)])
    assert row(kpis, name)["reason"] == reason


def test_nobody_new_costs_nothing_that_can_be_said(open_company):
    tables = TABLES | {"orders": "order_id,customer_id,ordered_at,amount\n1,old,2026-01-10,1000"}
    tables |= {"customers": "customer_id,acquired_on\nold,2026-01-10"}
    book = open_company(tables, "2026Q2", data_through=date(2026, 6, 30), sparkline_periods=2)
    metrics = [load_catalogue().metric(name) for name in ("customer_acquisition_cost", "cac_payback_months")]
    kpis = kpis_by(book, "customer_status", metrics)
    assert row(kpis, "customer_acquisition_cost")["reason"] == "division_by_zero"
    assert row(kpis, "cac_payback_months")["status"] == "not_measured"
