"""What the retention page says of those who left: reasons, contracts and win-back, counted by hand."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.facts import NotMeasured
from analysis.report.pages.churn_rows import (
    churn_by_choice,
    lost_before,
    lost_customers,
    open_renewals,
    ranked_reasons,
    reason_changes,
    reason_counts,
    unusual_reasons,
    with_churn_scores,
    won_back,
)

SCRIPT, FORMULA = "<script>alert(1)</script>", "=cmd|' /C calc'!A0"


def lost(**reasons: int) -> pd.DataFrame:
    """So many customers lost for each reason, all by their own choice, each worth 10; ``none`` gave no reason."""
    rows = [
        (None if reason == "none" else reason, "x") for reason, count in reasons.items() for _ in range(count)
    ]
    frame = pd.DataFrame(rows, columns=["reason", "region"])
    return frame.assign(customer_id=frame.index.astype(str), value=10.0, kind=frame["reason"].notna().map(
        {True: "voluntary", False: None}))  # fmt: skip


# --- by whose choice ----------------------------------------------------------------------------------


def test_the_parts_of_churn_add_up_to_it(leaving):
    rows = churn_by_choice(leaving).set_index("period")
    # of 100: 40 by choice (n, s), 4 not (i), 16 (u) without a word; a quarter before all 20 by choice
    assert rows.loc[
        "2024Q4", ["n", "voluntary", "involuntary", "unstated", "lost"]
    ].tolist() == pytest.approx([100, 0.40, 0.04, 0.16, 0.60])
    assert rows.loc["2024Q3", ["n", "voluntary", "unstated"]].tolist() == [20, 1.0, 0.0]
    assert rows["lost"].tolist() == pytest.approx(
        [leaving.kpi("customer_churn_rate", period=period)["value"] for period in rows.index]
    )


def test_without_exits_nothing_is_said_of_choice_or_reason(shop):
    assert churn_by_choice(shop).empty
    assert lost_customers(shop) == NotMeasured("table_absent|exits")
    assert open_renewals(shop) == NotMeasured("table_absent|contracts")
    assert isinstance(won_back(shop), NotMeasured)


# --- why ----------------------------------------------------------------------------------------------


def test_reasons_come_most_given_first_with_what_was_lost_with_them(leaving):
    rows = ranked_reasons(lost_customers(leaving), 0.95)
    assert rows[["kind", "reason", "customers", "value"]].to_numpy().tolist() == [
        ["voluntary", "price", 20, 18 * 10.0 + 2 * 20.0], ["voluntary", FORMULA, 18, 18 * 20.0],
        ["involuntary", "closed", 4, 20.0], ["voluntary", "delivery", 2, 20.0],
    ]  # fmt: skip
    assert rows["share"].tolist() == pytest.approx([20 / 44, 18 / 44, 4 / 44, 2 / 44])
    assert rows["cumulative"].tolist() == pytest.approx([20 / 44, 38 / 44, 42 / 44, 1.0])
    assert rows["value_share"].tolist() == pytest.approx([220 / 620, 360 / 620, 20 / 620, 20 / 620])
    # Wilson's interval of 20 out of 44, by SciPy
    wilson = stats.binomtest(20, 44).proportion_ci(method="wilson")
    assert rows.loc[0, ["low", "high"]].tolist() == pytest.approx([wilson.low, wilson.high])


def test_who_gave_no_reason_is_counted_apart(leaving):
    # u0–u15 are worth 1 each
    assert reason_counts(lost_customers(leaving)) == {
        "lost": 60, "stated": 44, "lost_value": 636.0, "stated_value": 620.0,
    }  # fmt: skip


def test_where_nobody_gave_a_reason_there_are_no_rows():
    assert ranked_reasons(lost(none=3), 0.95).empty
    assert reason_counts(lost(none=3))["stated"] == 0


def test_value_of_nothing_has_no_shares():
    assert ranked_reasons(lost(price=2).assign(value=0.0), 0.95)["value_share"].isna().all()


def test_a_reason_is_called_higher_or_lower_beyond_chance_only(leaving):
    rows = reason_changes(lost_customers(leaving), lost_before(leaving), 0.95).set_index("reason")
    assert rows["before_share"].to_dict() == {"price": 1.0, FORMULA: 0.0, "closed": 0.0, "delivery": 0.0}
    assert rows["difference"].to_dict() == pytest.approx(
        {"price": 20 / 44 - 1, FORMULA: 18 / 44, "closed": 4 / 44, "delivery": 2 / 44}
    )
    assert rows["verdict"].to_dict() == {
        "price": "lower", FORMULA: "higher", "closed": "no_clear_change", "delivery": "no_clear_change",
    }  # fmt: skip


def test_one_reason_among_many_is_not_called_higher_by_chance():
    """The same 9 of 40 against 3 of 40 alone is beyond chance at 10 %, not when five reasons are asked at once."""
    before, now = lost(a=3, b=9, c=9, d=9, e=10), lost(a=9, b=8, c=8, d=8, e=7)
    row = reason_changes(now, before, 0.90).set_index("reason").loc["a"]
    table = [[9, 31], [3, 37]]
    assert stats.chi2_contingency(table, correction=False).pvalue < 0.10
    assert row["p_adjusted"] > 0.10
    assert row["verdict"] == "no_clear_change"


def test_the_group_with_a_reason_of_its_own_is_found(leaving):
    rows = unusual_reasons(lost_customers(leaving), ["region"], 0.95)
    told = rows[["by", "group", "reason", "customers", "n", "rest_n"]].to_numpy().tolist()
    assert told == [["region", SCRIPT, FORMULA, 18, 20, 24], ["region", "North", "price", 18, 24, 20]]
    assert rows[["share", "rest_share"]].to_numpy().tolist() == [[0.9, 0.0], [0.75, 0.1]]


def test_the_test_is_fishers_where_few_are_expected_and_corrected_for_all_questions():
    frame = lost(a=6, b=30)
    frame["region"] = ["x"] * 5 + ["y"] + ["x"] * 5 + ["y"] * 25
    rows = unusual_reasons(frame, ["region"], 0.95)
    exact = stats.fisher_exact([[5, 5], [1, 25]]).pvalue
    # four questions (two groups, two reasons) with the same answer: Benjamini–Hochberg leaves it as it is
    assert rows[["group", "reason"]].to_numpy().tolist() == [["x", "a"], ["y", "b"]]
    assert rows["p_adjusted"].tolist() == pytest.approx([exact, exact])


def test_reasons_without_a_difference_are_not_told():
    frame = lost(a=20, b=20)
    frame["region"] = ["x", "y"] * 20
    assert unusual_reasons(frame, ["region"], 0.95).empty


@pytest.mark.slow
def test_noise_names_a_group_in_about_one_run_of_twenty():
    """200 simulated companies (seed 5), 500 reasons of five kinds in five regions, no story in any of them."""
    draws = np.random.default_rng(5)
    told = 0
    for _ in range(200):
        found = {"reason": draws.choice(list("abcde"), 500), "region": draws.choice(list("vwxyz"), 500)}
        told += len(unusual_reasons(pd.DataFrame(found), ["region"], 0.95)) > 0
    # at most 5 % where nothing is true, three standard errors of 1.5 points above
    assert told / 200 < 0.05 + 3 * 0.0154


def test_a_trait_of_one_group_asks_nothing():
    assert unusual_reasons(lost(a=3, b=5), ["region"], 0.95).empty
    assert unusual_reasons(lost(a=3, b=5), [], 0.95).empty


# --- contracts ----------------------------------------------------------------------------------------


def test_contracts_to_come_are_those_of_ninety_days_and_those_overdue_in_grace(leaving):
    rows = open_renewals(leaving)
    assert rows["contract_id"].tolist() == ["large", "due", "late_renewed", "renewed", "late"]
    assert dict(zip(rows["contract_id"], rows["is_overdue"], strict=True)) == {
        "large": False, "due": False, "late_renewed": True, "renewed": False, "late": True,
    }  # fmt: skip
    assert rows.loc[rows["is_renewed_by_then"].astype(bool), "contract_id"].tolist() == [
        "late_renewed",
        "renewed",
    ]


def test_a_contract_knows_its_customers_manager_and_last_renewal(leaving):
    rows = open_renewals(leaving).set_index("contract_id")
    assert rows.loc["large", ["customer_name", "account_manager_id"]].tolist() == ["Acme", "m2"]
    assert pd.Timestamp(rows.loc["large", "last_renewed_on"]).date() == date(2024, 3, 20)
    assert pd.isna(rows.loc["due", "last_renewed_on"])
    assert pd.Timestamp(rows.loc["late", "renewal_window_ends_on"]).date() == date(2025, 1, 9)


def test_churn_scores_are_their_customers(leaving):
    contracts = open_renewals(leaving)
    scores = pd.DataFrame({"customer_id": ["k1"], "churn_score": [0.25]})
    found = with_churn_scores(contracts, scores).set_index("contract_id")["churn_score"]
    assert found["large"] == 0.25
    assert found.drop("large").isna().all()
    assert with_churn_scores(contracts, pd.DataFrame())["churn_score"].isna().all()


# --- winning back -------------------------------------------------------------------------------------


def test_who_was_won_back_is_told_by_what_was_done(leaving):
    rows = won_back(leaving)
    told = [(row.kind, row.group, row.numerator, row.n) for row in rows.itertuples()]
    assert told == [
        ("all", "", 6, 20), ("contacted", "", 5, 10), ("measure", "offer", 5, 6), ("measure", SCRIPT, 0, 4),
        ("not_contacted", "not_stated", 1, 10),
    ]  # fmt: skip
    assert rows["value"].tolist() == pytest.approx([0.3, 0.5, 5 / 6, 0.0, 0.1])
