"""What agents did while they were logged in."""

from __future__ import annotations

import pytest

from analysis.metrics.measure import measure

SHIFTS = """agent_id,started_at,available_seconds,handling_seconds,team
ann,2026-04-01T08:00:00,3600,10800,
bob,2026-04-01T08:00:00,7200,3600,
cid,2026-04-02T08:00:00,0,0,night
ann,2026-07-01T08:00:00,0,9999,
"""
AGENTS = "agent_id,team\nann,front\nbob,\n"


@pytest.fixture(scope="module")
def book(open_company):
    return open_company({"shifts": SHIFTS, "agents": AGENTS}, "2026Q2")


def test_occupancy_is_handling_of_the_time_logged_in(book):
    # (10,800 + 3,600) / (14,400 + 10,800 + 0); the shift of 1 July is the next quarter's
    kpis = measure(book, metrics=[book.catalogue.metrics["occupancy"]]).set_index("period")
    assert kpis.loc["2026Q2", "value"] == pytest.approx(14_400 / 25_200)


def test_occupancy_by_team_names_those_in_no_team(book):
    kpis = measure(book, ["team"], [book.catalogue.metrics["occupancy"]])
    groups = kpis[(kpis["period"] == "2026Q2") & (kpis["by"] == "team")].set_index("group")["value"]
    assert groups["front"] == pytest.approx(10_800 / 14_400)
    assert groups["not_stated"] == pytest.approx(3_600 / 10_800)  # bob


def test_the_team_is_the_agents_else_the_rows_own(book):
    teams = book.ask("select distinct agent_id, team from shifts").set_index("agent_id")["team"]
    assert (teams["ann"], teams["cid"]) == ("front", "night")
    assert teams.isna()["bob"]
