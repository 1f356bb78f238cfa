"""Figures broken down by a dimension: groups, their changes and verdicts, and why there are none."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from analysis.facts import NotMeasured
from analysis.report.pages.breakdowns import (
    MOST_GROUPS,
    asked_for,
    cut_groups,
    figures_by,
    group_figures,
    groups_compared,
    in_words,
    missing_from,
)
from analysis.report.pages.service_rows import OF_TEAMS
from analysis.suite import Results
from analysis.suite.everything import kpis_by

SCRIPT = "<script>alert(1)</script>"


# --- groups ---------------------------------------------------------------------------------------


def test_tickets_without_a_team_are_no_team(desk):
    assert set(figures_by(desk, "team", OF_TEAMS)[0]["group"]) == {"North", SCRIPT}


def test_verdicts_are_corrected_for_the_number_of_teams_alone(desk):
    _, changes = figures_by(desk, "team", OF_TEAMS)
    times = changes[(changes["metric"] == "resolution_time") & (changes["against"] == "previous")].set_index(
        "group"
    )
    # Benjamini–Hochberg over two teams: the smaller p-value doubles, the other one (no difference at all) stays 1
    assert times.loc[SCRIPT, "p_adjusted"] == pytest.approx(2 * times.loc[SCRIPT, "p_value"])
    assert times.loc["North", "p_adjusted"] == times.loc["North", "p_value"] == 1


def test_of_many_groups_the_largest_are_kept(desk):
    figures, changes = figures_by(desk, "team", OF_TEAMS)
    now = figures[(figures["metric"] == "resolution_time") & (figures["period"] == "2024Q4")].head(1)
    many = pd.concat([now.assign(group=f"t{i:02d}", n=100 + i, value=float(i)) for i in range(15)])
    crowded = Results(desk.book, desk.frames)
    crowded.remembered["figures_by", "team", *OF_TEAMS] = (many, changes)
    shown = group_figures(crowded, "team", OF_TEAMS)["group"].tolist()
    assert shown == [
        f"t{i:02d}" for i in range(14, 2, -1)
    ]  # the slowest first; the three smallest are left out
    assert (len(shown), cut_groups(crowded, "team", OF_TEAMS)) == (MOST_GROUPS, 15)
    assert groups_compared(crowded, "team", OF_TEAMS) == 15  # those not shown are tested all the same
    assert cut_groups(desk, "team", OF_TEAMS) == 0


def test_a_metric_with_one_group_only_is_left_out(desk):
    figures, changes = figures_by(desk, "team", OF_TEAMS)
    alone = Results(desk.book, desk.frames)
    alone.remembered["figures_by", "team", *OF_TEAMS] = (figures[figures["group"] == "North"], changes)
    assert group_figures(alone, "team", OF_TEAMS).empty


# --- gaps -----------------------------------------------------------------------------------------


def test_why_nothing_can_be_said_is_told_by_table_and_window(desk):
    assert missing_from(desk.book, "contacts") is None
    assert missing_from(desk.book, "shifts") == NotMeasured("table_absent|shifts")
    earlier = next(window for window in desk.book.windows if window.label == "2024Q3")
    assert missing_from(desk.book, "contacts", earlier) == NotMeasured("before_data|2024-10-01")


def test_a_reason_names_tables_as_the_language_does(desk):
    found = missing_from(desk.book, "shifts")
    assert in_words(found, desk.book, "zh") == NotMeasured("未提供数据表“班次”")
    assert in_words(found, desk.book, "en") == NotMeasured("table Shifts is not supplied")


# --- metrics by name and variant ------------------------------------------------------------------


def test_a_metric_is_asked_for_under_the_run_s_variant_or_the_one_named(desk):
    settings = desk.book.settings.model_copy(update={"variants": {"service_level": "of_offered"}})
    book = replace(desk.book, params=desk.book.params.model_copy(update={"settings": settings}))
    assert asked_for(book, "service_level").variant == "of_offered"
    assert asked_for(book, "service_level.answered_only").variant == "answered_only"
    assert asked_for(book, "abandonment_rate").variant == "default"


def test_groups_of_derived_metrics_are_those_of_the_whole_frame(seller):
    names = ("customer_acquisition_cost.marketing_only", "repeat_purchase_rate.lifetime")
    figures, changes = figures_by(seller, "acquisition_channel", names)
    whole = kpis_by(seller.book, "acquisition_channel")
    asked = whole["metric"].isin(["customer_acquisition_cost", "repeat_purchase_rate"])
    asked &= (
        whole["variant"].isin(["marketing_only", "lifetime"]) & whole["by"].notna() & whole["value"].notna()
    )
    keys = ["metric", "period", "group"]
    ours, theirs = (rows.sort_values(keys)[[*keys, "value", "n"]] for rows in (figures, whole[asked]))
    assert len(ours) > 3
    assert ours.to_numpy().tolist() == theirs.to_numpy().tolist()
    assert set(changes["metric"]) == {"customer_acquisition_cost", "repeat_purchase_rate"}


def test_two_variants_of_a_metric_are_sections_of_their_own(seller):
    names = ("lead_conversion_rate", "lead_conversion_rate.won_in_period")
    rows = group_figures(seller, "account_manager", names)
    assert rows["variant"].tolist() == ["default"] * 2 + ["won_in_period"] * 2
