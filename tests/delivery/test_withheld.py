"""What is withheld in the windows of a run, and that no letter gives it away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import pytest

from analysis.delivery.slice_figures import slice_figures
from analysis.delivery.slices import Slice
from analysis.delivery.suppression import MANAGER, TEAM
from analysis.delivery.withheld import cells_of, withheld_figures
from analysis.metrics.frame import NOT_STATED
from analysis.suite import Results, measure_suite

NOBODY = "(nobody)"


def attack(
    attacker_of: Callable[..., Any], results: Results, teams: Mapping[str, str], period: str, metric: str
) -> tuple[int, list[tuple[str, str]]]:
    """How many figures of a metric are withheld in a window, and which of them all letters together tell."""
    cells = cells_of(results, period)
    own = cells[cells["metric"].eq(metric) & cells["by"].eq(MANAGER)]
    rows = dict.fromkeys([*teams, NOBODY], (0, 0))
    for row in own.itertuples():
        rows[row.group if isinstance(row.group, str) else NOBODY] = (int(row.n), int(row.hits))
    hidden = {(by, group) for name, _, by, group in withheld_figures(results, period) if name == metric}
    printed = [*((MANAGER, one) for one in teams), *((TEAM, one) for one in set(teams.values()))]
    attacker = attacker_of(rows, teams).read(node for node in printed if node not in hidden)
    return len(hidden), [node for node in hidden if attacker.can_tell(node)]


@pytest.mark.parametrize("period", ["2024Q2", "2024Q1"])
def test_no_figure_withheld_can_be_told_from_all_letters_of_the_run(
    attacker_of, sliced, period, five_managers
):
    slice_figures(sliced, Slice(MANAGER, "A"))
    assert sliced.book.settings.smallest_cell == 5
    hidden, told = attack(attacker_of, sliced, five_managers.teams, period, "customer_retention_rate")
    assert hidden > 0 and told == []


def test_an_earlier_window_shows_no_more_than_its_own_letters_did(sliced, five_managers):
    """Else this quarter's letters and the last one's would tell together what neither tells alone."""
    for group in five_managers.held:
        rows = slice_figures(sliced, Slice(MANAGER, group))
        for row in rows[rows["previous_difference"].notna()].itertuples():
            assert (row.metric, row.variant, MANAGER, group) not in withheld_figures(sliced, "2024Q1")


def test_whoever_left_since_is_still_one_of_those_an_earlier_window_was_made_of(open_company, five_managers):
    """A held 3 customers in 2024Q1 and none after: his figure was withheld then, and B's that would have told it.

    Were A forgotten in Q2, its letters would show B's figure of Q1, and the company's less all others' were A's.
    """
    held = {"A": 3, "B": 9, "C": 30, "D": 40}
    orders, assignments = (
        ["order_id,customer_id,ordered_at,amount"],
        ["customer_id,account_manager_id,assigned_from,assigned_until"],
    )
    for manager, count in held.items():
        for place in range(count):
            one, is_back = f"{manager}{place}", place % 3 > 0  # of three, one does not buy in 2024Q1
            days = ["2023-11-15", *(["2024-02-15"] if is_back else []), "2024-05-15"]
            orders += [f"{one}-{day},{one},{day},10" for day in days]
            until = "2024-04-01" if manager == "A" else ""
            assignments.append(f"{one},{manager},2023-01-01,{until}")
            assignments += [f"{one},D,2024-04-01,"] if until else []
    tables = {"orders": "\n".join(orders), "assignments": "\n".join(assignments)}
    results = measure_suite(open_company(tables, "2024Q2", **five_managers.settings))
    hidden = {
        group
        for metric, _, _, group in withheld_figures(results, "2024Q1")
        if metric == "customer_retention_rate"
    }
    assert hidden == {"A", "B"}
    b, c = (
        slice_figures(results, Slice(MANAGER, one)).set_index("metric").loc["customer_retention_rate"]
        for one in "BC"
    )
    assert (b["n"], b["is_withheld"]) == (6, False) and b["previous_base_value"] is None
    assert (c["n"], c["previous_base_n"]) == (20, 30)
    assert c["previous_base_value"] == pytest.approx(20 / 30)


def kpi(
    metric: str,
    group: str | None,
    n: int,
    value: float,
    hits: float = 0.0,
    error: float = 0.1,
    reason: str | None = None,
):
    """A row of the KPI frame of 2024Q2, of a manager or of the company."""
    return {
        "metric": metric, "variant": "default", "period": "2024Q2", "by": group and MANAGER, "group": group,
        "value": value, "n": n, "numerator": hits, "standard_error": error, "reason": reason,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("metric", "figure", "is_alike"),
    [
        ("csat", {"value": 1.0, "hits": 20}, True),
        ("csat", {"value": 0.0}, True),
        ("csat", {"value": 0.95, "hits": 19}, False),
        ("nps", {"value": -100.0, "hits": -20}, True),
        ("nps", {"value": 100.0, "hits": 20}, True),
        ("nps", {"value": 95.0, "hits": 19}, False),
        ("nps", {"value": 0.0, "error": 0.0, "reason": "no_spread"}, True),  # nobody promotes or detracts
        ("social_sentiment", {"value": 100.0}, True),
        ("acsi_style", {"value": 5.0, "error": 0.0}, True),
        ("acsi_style", {"value": 5.0}, False),
        ("acsi_style", {"value": 1.0}, False),  # one of the scale's marks, and not the only one given
        ("sla_attainment", {"value": 1.0, "hits": 20}, False),  # what was done is nobody's opinion
        ("win_rate", {"value": 0.0}, False),
    ],
)
def test_a_figure_that_tells_what_each_one_thinks_is_withheld_however_many_answered(
    sliced, metric, figure, is_alike
):
    results = Results(sliced.book, sliced.frames)
    kpis = [
        kpi(metric, "A", 20, **figure),
        kpi(metric, "B", 20, 0.5),
        kpi(metric, NOT_STATED, 9, 0.5),
        kpi(metric, None, 49, 0.5),
    ]
    results.remembered["measured_by_groups"] = pd.DataFrame(kpis)
    cells = cells_of(results, "2024Q2")
    assert cells["is_alike"].tolist() == [is_alike, False, False, False]
    assert cells["group"].fillna("").tolist() == ["A", "B", "", ""]


def test_a_target_of_one_dimension_alone_withholds_nothing_of_the_other(sliced):
    """Orders have a target for a team, churn for a manager; both tell on figures that all letters show."""
    cells = cells_of(sliced, "2024Q2")
    assert not cells.duplicated(["metric", "variant", "by", "group"]).any()
    for metric in ("orders", "customer_churn_rate"):
        own = cells[cells["metric"].eq(metric) & cells["group"].notna()]
        assert set(own.loc[own["n"] > 0, "by"]) == {MANAGER, TEAM}
    hidden = {(metric, group) for metric, _, _, group in withheld_figures(sliced, "2024Q2")}
    for metric in ("revenue", "orders", "customer_retention_rate", "customer_churn_rate"):
        assert {group for name, group in hidden if name == metric} == {"C", "D"}
