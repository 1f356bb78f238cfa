"""What a manager or a team is shown of a small company whose every figure can be counted by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pandas as pd
import pytest

from analysis.delivery.slices import (
    CUSTOMER_COLUMNS,
    Slice,
    SliceError,
    cells_of,
    families,
    groups_of,
    handed_over,
    slice_customers,
    slice_figures,
    slice_managers,
    withheld_figures,
)
from analysis.delivery.suppression import MANAGER, TEAM
from analysis.suite import Results, measure_suite

NOBODY = "(nobody)"

# Customers by manager: a01 … a12 and so on. All buy in 2023Q4; in 2024Q1 all but two; in Q2 not the first few of each.
HELD = {"A": 12, "B": 14, "C": 16, "D": 3, "E": 20}
TEAMS = {"A": "north", "B": "north", "C": "south", "D": "south", "E": "south"}
PAUSING = {"b14", "e20"}  # who do not buy in 2024Q1, and are back in Q2
LOST = {"A": 2, "B": 4, "C": 8, "D": 1, "E": 5}
TARGETS = """metric,period,dimension,group_name,target
customer_retention_rate,,,,0.9
customer_retention_rate,,account_manager,A,0.4
customer_retention_rate,2024Q2,account_manager,B,0.99
customer_retention_rate,,account_manager,D,0.5
revenue,2024Q2,account_team,north,100000
revenue_growth,,account_manager,A,0.1
"""
TICKETS = """ticket_id,customer_id,opened_at,resolved_at,is_complaint
t1,b05,2024-06-20 09:00,,true
t2,b06,2024-06-20 09:00,2024-06-21 09:00,true
t3,b07,2024-06-20 09:00,,false
"""
CONTRACTS = """contract_id,customer_id,starts_on,ends_on,due_on,renewed_on,yearly_value
k1,b08,2023-07-10,2024-07-10,2024-07-10,,1200
k2,b09,2023-07-20,2024-07-20,2024-07-20,2024-06-20,800
k3,b10,2023-12-10,2024-12-10,2024-12-10,,900
"""


def customers_of(manager: str) -> list[str]:
    return [f"{manager.lower()}{number:02d}" for number in range(1, HELD[manager] + 1)]


def tables() -> dict[str, str]:
    orders, assignments, number = ["order_id,customer_id,ordered_at,amount"], [], 0
    for manager in HELD:
        for place, customer in enumerate(customers_of(manager)):
            days = ["2023-08-15", "2023-11-15", *([] if customer in PAUSING else ["2024-02-15"])]
            days += ["2024-05-15"] if place >= LOST[manager] else []
            for day in days:
                number += 1
                orders.append(f"o{number},{customer},{day},{10 * (place + 1)}")
            assignments.append(f"{customer},{manager},2023-01-01,")
    # b01 goes from B to C in the middle of the quarter, a new customer comes to C.
    assignments = [row for row in assignments if not row.startswith("b01,")]
    assignments += ["b01,B,2023-01-01,2024-05-01", "b01,C,2024-05-01,", "new,C,2024-06-01,"]
    orders.append("o999,new,2024-06-02,70")
    names = "\n".join(f"{one},Manager {one},{TEAMS[one]}" for one in HELD)
    return {
        "orders": "\n".join(orders), "tickets": TICKETS, "contracts": CONTRACTS, "targets": TARGETS,
        "assignments": "\n".join(["customer_id,account_manager_id,assigned_from,assigned_until", *assignments]),
        "account_managers": f"account_manager_id,account_manager_name,team\n{names}\nF,Manager F,north\n",
    }  # fmt: skip


SETTINGS = {"activity_window_days": 91, "model_draws": 20, "sparkline_periods": 3, "dimensions": [],
            "data_through": date(2024, 6, 30), "settle_days": 0}  # fmt: skip


@pytest.fixture(scope="module")
def results(open_company) -> Results:
    return measure_suite(open_company(tables(), "2024Q2", **SETTINGS))


def figure(results: Results, wanted: Slice, metric: str) -> pd.Series:
    return slice_figures(results, wanted).set_index("metric").loc[metric]


# --- figures ------------------------------------------------------------------------------------------


def test_a_managers_figures_are_those_of_his_customers_beside_the_companys(results):
    kept = figure(results, Slice(MANAGER, "A"), "customer_retention_rate")
    assert (kept["n"], kept["value"]) == (12, pytest.approx(10 / 12))
    # 63 customers at the start, 20 of whom did not order again.
    assert kept["company_value"] == pytest.approx(43 / 63)
    revenue = figure(results, Slice(MANAGER, "A"), "revenue")
    assert revenue["value"] == sum(10 * place for place in range(3, 13))  # a03 … a12 ordered
    assert revenue["previous_difference"] == -(10 + 20)  # a01 and a02 did in 2024Q1
    assert revenue["previous_verdict"] == "size_only"


def test_an_event_counts_for_whoever_held_the_customer_on_its_day(results):
    # The new customer's order is C's; b01, who went from B to C, did not order, and is lost to B.
    new = figure(results, Slice(MANAGER, "C"), "revenue")
    assert new["is_withheld"]  # with D's
    south = figure(results, Slice(TEAM, "south"), "revenue")
    own = [10 * place for one in "CDE" for place in range(LOST[one] + 1, HELD[one] + 1)]
    assert south["value"] == sum(own) + 70
    assert figure(results, Slice(MANAGER, "B"), "customer_retention_rate")["n"] == 13  # b14 paused
    assert handed_over(results, Slice(MANAGER, "B")) == (0, 1)
    assert handed_over(results, Slice(MANAGER, "C")) == (1, 0)  # the new customer had nobody before
    assert handed_over(results, Slice(TEAM, "south")) == (1, 0)


def test_a_small_figure_is_withheld_with_the_next_smallest_of_the_team(results):
    d, c, e = (figure(results, Slice(MANAGER, one), "customer_retention_rate") for one in "DCE")
    assert (
        d["is_withheld"] and c["is_withheld"] and not e["is_withheld"]
    )  # D has 3; of C's 16 and E's 19 C's go too
    numbers = ["value", "low", "high", "n", "previous_difference", "previous_base_value", "previous_base_n"]
    assert c[numbers].isna().all() and d[numbers].isna().all()
    assert c["company_value"] == pytest.approx(43 / 63)
    assert not figure(results, Slice(TEAM, "south"), "customer_retention_rate")["is_withheld"]


def test_revenue_and_revenue_by_order_are_withheld_together(results):
    rows = slice_figures(results, Slice(MANAGER, "D")).set_index("metric")["is_withheld"]
    assert rows["revenue"] and rows["average_order_value"]
    other = slice_figures(results, Slice(MANAGER, "C")).set_index("metric")["is_withheld"]
    assert other["revenue"] == other["average_order_value"]


def test_metrics_of_the_same_rows_are_one_family_and_others_are_not(results):
    book = results.book
    names = [
        "customer_retention_rate", "customer_churn_rate", "lost_customers", "opening_customers", "revenue",
        "average_order_value", "orders", "buyers", "sales_target_attainment", "renewal_rate", "nps", "csat",
    ]  # fmt: skip
    metrics = [book.catalogue.metrics[name] for name in names]
    family = {name: found for (name, _), found in families(book, metrics).items()}
    assert {family[name] for name in names[:4]} == {"customer_retention_rate"}
    assert {family[name] for name in names[4:9]} == {"revenue"}
    assert [family[name] for name in names[9:]] == names[9:]


def test_a_metric_that_tells_an_earlier_window_is_not_shown_though_it_has_a_target(results):
    assert "revenue_growth" not in set(slice_figures(results, Slice(MANAGER, "A"))["metric"])


def test_a_metric_nobody_in_the_group_has_rows_of_is_withheld_as_if_it_were_small(results):
    rows = slice_figures(results, Slice(MANAGER, "A")).set_index("metric")
    assert rows.loc["new_customers", "is_withheld"]  # C alone has a new customer, and that is one


def test_verdicts_are_corrected_for_all_metrics_shown(results):
    from analysis.metrics.compare import adjust_p_values
    from analysis.suite.everything import find_changes

    shown = slice_figures(results, Slice(MANAGER, "E"))
    kpis = results.remembered["measured_by_groups"]
    told = shown.loc[~shown["is_withheld"], "metric"]
    own = kpis[kpis["by"].eq(MANAGER) & kpis["group"].eq("E") & kpis["metric"].isin(told)]
    changes = find_changes(results.book, own)
    changes = changes[changes["against"].eq("previous") & changes["p_value"].notna()]
    assert len(changes) > 1
    corrected = dict(zip(changes["metric"], adjust_p_values(changes["p_value"]), strict=True))
    for row in shown[shown["metric"].isin(corrected)].itertuples():
        if not pd.isna(row.previous_difference):
            assert (row.previous_verdict == "no_clear_change") == (corrected[row.metric] >= 0.05)


def test_a_teams_letter_has_a_row_for_each_manager_who_held_customers_and_no_verdicts(results):
    rows = slice_managers(results, Slice(TEAM, "north"))
    assert set(rows["group"]) == {"A", "B"}  # F holds nobody
    kept = rows[rows["metric"] == "customer_retention_rate"].set_index("group")["value"]
    assert kept.to_dict() == {"A": pytest.approx(10 / 12), "B": pytest.approx(9 / 13)}
    assert rows["previous_verdict"].isna().all()
    assert slice_managers(results, Slice(MANAGER, "A")).empty


# --- targets ------------------------------------------------------------------------------------------


def test_a_group_has_its_own_targets_judged_and_none_of_the_companys(results):
    a, b = (figure(results, Slice(MANAGER, one), "customer_retention_rate") for one in "AB")
    assert (a["target"], a["target_verdict"]) == (0.4, "hit")  # 10 of 12
    assert (b["target"], b["target_verdict"]) == (0.99, "miss")  # 9 of 13
    e = figure(results, Slice(MANAGER, "E"), "customer_retention_rate")
    assert pd.isna(e["target"]) and e["target_verdict"] == ""
    team = figure(results, Slice(TEAM, "north"), "revenue")
    assert (team["target"], team["target_verdict"]) == (100000, "miss")


def test_a_figure_withheld_has_a_target_but_no_verdict(results):
    d = figure(results, Slice(MANAGER, "D"), "customer_retention_rate")
    assert (d["target"], d["target_verdict"], d["is_withheld"]) == (0.5, "", True)


# --- what the letters tell ------------------------------------------------------------------------------


def attack(
    attacker_of: Callable[..., Any], results: Results, period: str, metric: str
) -> tuple[int, list[tuple[str, str]]]:
    """How many figures of a metric are withheld in a window, and which of them all letters together tell."""
    cells = cells_of(results, period)
    own = cells[cells["metric"].eq(metric) & cells["by"].eq(MANAGER)]
    rows = dict.fromkeys([*TEAMS, NOBODY], (0, 0))
    for row in own.itertuples():
        rows[row.group if isinstance(row.group, str) else NOBODY] = (int(row.n), int(row.hits))
    hidden = {(by, group) for name, _, by, group in withheld_figures(results, period) if name == metric}
    printed = [*((MANAGER, one) for one in TEAMS), *((TEAM, one) for one in set(TEAMS.values()))]
    attacker = attacker_of(rows, TEAMS).read(node for node in printed if node not in hidden)
    return len(hidden), [node for node in hidden if attacker.can_tell(node)]


@pytest.mark.parametrize("period", ["2024Q2", "2024Q1"])
def test_no_figure_withheld_can_be_told_from_all_letters_of_the_run(attacker_of, results, period):
    slice_figures(results, Slice(MANAGER, "A"))
    assert results.book.settings.smallest_cell == 5
    hidden, told = attack(attacker_of, results, period, "customer_retention_rate")
    assert hidden > 0 and told == []


def test_an_earlier_window_shows_no_more_than_its_own_letters_did(results):
    """Else this quarter's letters and the last one's would tell together what neither tells alone."""
    for group in HELD:
        rows = slice_figures(results, Slice(MANAGER, group))
        for row in rows[rows["previous_difference"].notna()].itertuples():
            assert (row.metric, row.variant, MANAGER, group) not in withheld_figures(results, "2024Q1")


def test_figures_of_the_frame_are_withheld_in_every_column(results):
    for one in (*((MANAGER, name) for name in HELD), (TEAM, "north"), (TEAM, "south")):
        rows = slice_figures(results, Slice(*one))
        hidden = rows[rows["is_withheld"]]
        told = hidden.drop(
            columns=["metric", "variant", "by", "group", "company_value", "is_withheld", "target"]
        )
        assert told.replace("", None).isna().all(axis=None)


# --- customers ------------------------------------------------------------------------------------------


def test_a_manager_sees_the_customers_he_holds_at_the_end_and_what_they_call_for(results):
    rows = slice_customers(results, Slice(MANAGER, "B")).set_index("customer_id")
    assert set(rows.index) == set(customers_of("B")) - {"b01"}
    assert rows["open_complaints"].to_dict() == dict.fromkeys(rows.index, 0) | {"b05": 1}
    due = rows[rows["contract_due_on"].notna()]
    assert list(due.index) == ["b08"]  # b09 has renewed, b10 is due in December
    assert due.loc["b08", "contract_value"] == 1200
    assert {"b01", "new"} <= set(slice_customers(results, Slice(MANAGER, "C"))["customer_id"])


def test_lists_of_customers_tell_nothing_they_brought_in_the_window(results):
    for wanted in (Slice(MANAGER, "B"), Slice(TEAM, "north")):
        assert list(slice_customers(results, wanted).columns) == CUSTOMER_COLUMNS
    assert not {"net_revenue", "net_revenue_to_date", "orders", "is_closing", "is_lost"} & set(
        CUSTOMER_COLUMNS
    )


def test_a_teams_list_has_only_those_for_whom_something_is_to_be_done(results):
    rows = slice_customers(results, Slice(TEAM, "north"))
    assert {"b05", "b08"} <= set(rows["customer_id"])
    assert (rows["is_overdue"] | rows["contract_due_on"].notna() | (rows["open_complaints"] > 0)).all()
    assert len(rows) < HELD["A"] + HELD["B"] - 1
    assert set(rows["account_manager"]) <= {"A", "B"}


# --- what cannot be sliced ------------------------------------------------------------------------------


def test_groups_are_those_who_held_a_customer_in_the_window(results):
    assert groups_of(results, MANAGER) == ["A", "B", "C", "D", "E"]
    assert groups_of(results, TEAM) == ["north", "south"]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Slice(MANAGER, "G"), "known"),
        (Slice(MANAGER, "Manager B"), "did you mean 'B' (Manager B)?"),
        (Slice(MANAGER, "Manger B"), "did you mean"),
        (Slice(TEAM, "norht"), "did you mean 'north'?"),
        (Slice(MANAGER, "F"), "held a customer in 2024Q2"),
        (Slice("account_manger", "A"), "did you mean 'account_manager'?"),
    ],
)
def test_a_group_that_is_none_is_refused_with_the_nearest(results, wanted, said):
    for ask in (slice_figures, slice_customers, slice_managers):
        with pytest.raises(SliceError, match="account_|slice") as error:
            ask(results, wanted)
        assert said in str(error.value)


def test_a_company_that_does_not_say_whose_customers_are_whose_has_no_slices(open_company):
    results = measure_suite(open_company({"orders": tables()["orders"]}, "2024Q2", **SETTINGS))
    with pytest.raises(SliceError, match="table assignments is not supplied"):
        groups_of(results, MANAGER)
    with pytest.raises(SliceError, match="mail: recipients"):
        slice_figures(results, Slice(TEAM, "north"))


def test_managers_without_teams_are_sliced_and_teams_are_not(open_company):
    given = {name: text for name, text in tables().items() if name != "account_managers"}
    results = measure_suite(open_company(given, "2024Q2", **SETTINGS))
    assert figure(results, Slice(MANAGER, "E"), "customer_retention_rate")["value"] == pytest.approx(14 / 19)
    assert figure(results, Slice(MANAGER, "A"), "customer_retention_rate")[
        "is_withheld"
    ]  # now the next to D's
    with pytest.raises(SliceError, match="table account_managers is not supplied"):
        groups_of(results, TEAM)


def test_a_quarter_without_data_has_no_figures(open_company):
    results = measure_suite(open_company(tables(), "2024Q3", **SETTINGS))
    rows = slice_figures(results, Slice(MANAGER, "A"))
    assert rows["value"].isna().all()
