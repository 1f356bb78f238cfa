"""Who holds the value: groups sum to the whole, thirds by spend, value × risk, the best customers."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.report.pages.customer_groups import (
    MOST_GROUPS,
    segment_of,
    spend_group,
    top_customers,
    value_by_group,
    value_by_segment,
    value_by_spend,
)
from analysis.suite import Results


def customers(**columns) -> pd.DataFrame:
    """Six customers: three who repeated (spending 10, 20, 30 each time) and three who bought once."""
    rows = pd.DataFrame(
        {
            "customer_id": list("abcdef"),
            "customer_name": None,
            "repeat_orders": [1, 3, 1, 0, 0, 0],
            "mean_repeat_spend": [10.0, 20.0, 30.0, None, None, None],
            "churn_score": [0.1, 0.2, 0.8, 0.6, 0.3, 0.9],
            "expected_spend": [12.0, 20.0, 28.0, 20.0, 20.0, 20.0],
            "predicted_clv": [40.0, 100.0, 30.0, 10.0, 15.0, 5.0],
            "clv_low": [30.0, 90.0, 20.0, 8.0, 12.0, 4.0],
            "clv_high": [50.0, 115.0, 40.0, 12.0, 18.0, 6.0],
            "net_revenue_to_date": [20.0, 90.0, 60.0, 12.0, 14.0, 4.0],
            "is_one_time_buyer": [False, False, False, True, True, True],
            "is_valuable": [True, True, True, False, True, False],
            "is_at_risk": [False, False, True, False, False, False],
        }
    )
    return rows.assign(**columns)


def with_groups(shop: Results, dimension: str, equities: dict[str, float]) -> Results:
    """The shop with these equities by group of one dimension, ten customers in each."""
    keys = {"variant": "default", "period": "2024Q4", "by": dimension, "status": "measured", "reason": None}
    rows = [
        {"metric": metric, "group": group, "n": 10, "value": value / size, "low": 0.9 * value / size,
         "high": 1.1 * value / size, **keys}
        for group, value in equities.items()
        for metric, size in (("customer_equity", 1), ("predicted_clv", 10))
    ]  # fmt: skip
    modelled = shop.kpis["metric"].isin(["customer_equity", "predicted_clv"])
    others = shop.kpis[~(modelled & shop.kpis["by"].notna())]
    kpis = pd.concat([others, pd.DataFrame(rows).reindex(columns=others.columns)], ignore_index=True)
    return Results(shop.book, {**shop.frames, "kpis": kpis})


# --- by dimension --------------------------------------------------------------------------------------


def test_groups_stand_in_their_declared_order_with_share_and_value_each(shop):
    found, left_out = value_by_group(with_groups(shop, "value_band", {"low": 100.0, "high": 300.0}), "en")
    assert found["group"].tolist() == ["top third", "bottom third"]
    assert found["share"].tolist() == [0.75, 0.25]
    assert found["per_customer"].tolist() == [30.0, 10.0]
    assert found["equity_low"].tolist() == [270.0, 90.0]
    assert left_out == []


@pytest.mark.parametrize(("language", "name"), [("en", "New or existing"), ("zh", "新老客户")])
def test_a_dimension_with_one_group_is_left_out_and_named(shop, language, name):
    found, left_out = value_by_group(with_groups(shop, "customer_status", {"existing": 100.0}), language)
    assert found.empty
    assert left_out == [name]


def test_of_many_groups_the_most_valuable_are_kept_and_shares_stay_those_of_the_whole(shop):
    equities = {f"g{i:02d}": 1.0 for i in range(MOST_GROUPS)} | {"best": 15.0}
    found, _ = value_by_group(with_groups(shop, "value_band", equities), "en")
    assert len(found) == MOST_GROUPS
    # 15 of 15 + 15 × 1; names that are not declared stand by name: best before g00
    assert found.loc[0, ["group", "share"]].tolist() == ["best", 0.5]
    assert found["share"].sum() == pytest.approx((30 - 1) / 30)


# --- by spend ------------------------------------------------------------------------------------------


def test_repeat_buyers_fall_into_thirds_by_mean_spend_and_one_time_buyers_stand_apart():
    assert spend_group(customers()).tolist() == ["low", "middle", "high", "once", "once", "once"]


def test_thirds_of_seven_repeat_buyers_hold_two_two_and_three():
    spent = pd.DataFrame({"mean_repeat_spend": [7.0, 1, 2, 3, 4, 5, 6], "is_one_time_buyer": False})
    # ranks 1–7: ceil(3 · rank / 7) = 1 1 2 2 3 3 3
    assert spend_group(spent).tolist() == ["high", "low", "low", "middle", "middle", "high", "high"]


def test_who_repeated_without_spending_is_among_the_low():
    assert spend_group(customers(mean_repeat_spend=[None, 20.0, 30.0, None, None, None])).tolist()[0] == "low"


def test_without_repeat_buyers_all_are_one_time_buyers():
    once = customers().tail(3)
    assert set(spend_group(once)) == {"once"}
    assert value_by_spend(once, "en")["group"].tolist() == ["One-time buyers"]


def test_spend_groups_show_what_was_spent_beside_what_is_expected_and_sum_to_the_equity():
    found = value_by_spend(customers(), "en").set_index("id")
    assert list(found.index) == ["high", "middle", "low", "once"]
    # high: c alone, 60 in 2 purchases; once: 12 + 14 + 4 in 3 purchases
    assert found.loc["high", ["spent", "expected_spend", "equity"]].tolist() == [30.0, 28.0, 30.0]
    assert found.loc["once", ["spent", "expected_spend", "equity"]].tolist() == [10.0, 20.0, 30.0]
    assert found["equity"].sum() == 200.0
    assert found["share"].tolist() == [0.15, 0.5, 0.2, 0.15]
    assert found.loc["once", ["low", "high", "per_customer"]].tolist() == [24.0, 36.0, 10.0]


# --- by value and risk ---------------------------------------------------------------------------------


def test_a_customer_is_at_risk_valuable_or_ineffective():
    expected = ["valuable", "valuable", "at_risk", "ineffective", "valuable", "ineffective"]
    assert segment_of(customers()).tolist() == expected


@pytest.mark.parametrize(
    ("language", "names"),
    [
        ("en", ["Valuable", "At risk", "Valuable", "Ineffective"]),
        ("zh", ["有价值", "有风险", "有价值", "无效"]),
    ],
)
def test_segments_are_counted_apart_for_those_who_bought_once(language, names):
    found = value_by_segment(customers(), language)
    assert found["group"].tolist() == names
    assert found["customers"].tolist() == [2, 1, 1, 2]
    assert found["equity"].tolist() == [140.0, 30.0, 15.0, 15.0]
    assert found["bought"].nunique() == 2
    assert found["share"].tolist() == [0.7, 0.15, 0.075, 0.075]  # of all 200, not of the section
    assert found["chance"].tolist() == pytest.approx([(0.9 + 0.8) / 2, 0.2, 0.7, (0.4 + 0.1) / 2])


# --- single customers ----------------------------------------------------------------------------------


def test_the_best_customers_come_first_and_ties_go_by_id():
    best = top_customers(customers(predicted_clv=[5.0, 7.0, 5.0, 9.0, 1.0, 5.0]), 4)
    assert best["customer_id"].tolist() == ["d", "b", "a", "c"]


def test_a_customer_without_a_name_is_shown_by_his_id():
    best = top_customers(customers(customer_name=[None, "B & Co", None, None, None, None]), 2)
    assert best["name"].tolist() == ["B & Co", "a"]
    assert best["id_below"].tolist() == ["b", None]
    assert best["chance"].tolist() == pytest.approx([0.8, 0.9])
