"""Quantiles measured in a ranked scan: worked out by hand, by numpy, and with every rank that is needed."""

from __future__ import annotations

import itertools
import random

import duckdb
import numpy as np
import pandas as pd
import pytest

from analysis.catalogue import Metric
from analysis.metrics.frame import KEYS
from analysis.metrics.intervals import quantile_ranks
from analysis.metrics.measure import measure
from analysis.metrics.scan_sql import near_quantile, scan_sql
from analysis.metrics.scans import plan

WORDS = {
    "name": {"en": "w", "zh": "等"},
    "meaning": {"en": "w", "zh": "等"},
    "unit": "seconds",
    "better": "down",
}
WAIT = {"family": "service", "fact": "tickets", "at": "opened_at", "of": "waiting_seconds", **WORDS}
MEDIAN = Metric(id="median_wait", kind="quantile", quantile=0.5, **WAIT)
P90 = Metric(id="long_wait", kind="quantile", quantile=0.9, **WAIT)

# Ten tickets of the quarter wait 1 … 10 seconds, odd ones in team a; one has no waiting time; one is of last year.
TICKETS = "\n".join(
    [
        "ticket_id,customer_id,opened_at,waiting_seconds,team",
        *(
            f"t{n},{'north' if n <= 4 else 'south'},2026-05-{n:02},{n},{'ab'[n % 2 == 0]}"
            for n in range(1, 11)
        ),
        "t11,north,2026-05-20,,a",
        "t12,north,2025-05-20,77,a",
    ]
)
CUSTOMERS = "customer_id,region\nnorth,north\nsouth,south"


@pytest.fixture(scope="module")
def book(open_company):
    return open_company({"tickets": TICKETS, "customers": CUSTOMERS}, "2026Q2")


@pytest.fixture(scope="module")
def kpis(book):
    return measure(book, ["team", "region"], [MEDIAN, P90])


def figure(kpis, metric, period="2026Q2", by=None, group=None):
    rows = kpis[(kpis["metric"] == metric.id) & (kpis["period"] == period)]
    rows = rows[rows["by"].isna()] if by is None else rows[(rows["by"] == by) & (rows["group"] == group)]
    assert len(rows) == 1, (metric.id, period, by, group, len(rows))
    return rows.iloc[0]


def test_the_median_of_ten_lies_between_the_fifth_and_the_sixth(kpis):
    row = figure(kpis, MEDIAN)
    assert (row["value"], row["n"]) == (5.5, 10)  # the ticket without a waiting time does not count
    assert (row["low"], row["high"]) == (2.0, 9.0)  # the ranks 2 and 9 of 10: P(B ≤ 1) = 11/1024 ≤ 0.025
    assert row["status"] == "measured"


def test_a_quantile_between_two_ranks_is_read_off_the_straight_line(kpis):
    row = figure(kpis, P90)
    assert row["value"] == pytest.approx(9.1)  # (10 − 1) · 0.9 = 8.1: 9 + 0.1 · (10 − 9)
    assert row["low"] == 7.0  # P(B ≤ 6) = 0.0128 ≤ 0.025 < P(B ≤ 7) = 0.0702
    assert np.isnan(row["high"])  # P(B = 10) = 0.349: ten rows hold no upper limit
    assert (row["status"], row["reason"]) == ("with_care", "few_for_quantile|10")


@pytest.mark.parametrize(
    ("by", "group", "value", "n"),
    [
        ("team", "a", 5.0, 5),  # 1 3 5 7 9
        ("team", "b", 6.0, 5),  # 2 4 6 8 10
        ("region", "north", 2.5, 4),  # 1 2 3 4, by their customer
        ("region", "south", 7.5, 6),
    ],
)
def test_groups_have_their_own_median(kpis, by, group, value, n):
    row = figure(kpis, MEDIAN, by=by, group=group)
    assert (row["value"], row["n"]) == (value, n)


def test_each_window_has_its_own_and_one_row_is_its_own_median(kpis):
    row = figure(kpis, MEDIAN, period="2025Q2")
    assert (row["value"], row["n"]) == (77.0, 1)
    assert figure(kpis, MEDIAN, period="2026Q1")["reason"] == "no_rows"


def test_a_condition_and_a_second_value_stay_apart(book):
    long_ones = MEDIAN.model_copy(update={"id": "of_long", "where": "waiting_seconds > 6"})
    squared = MEDIAN.model_copy(update={"id": "squared", "of": "waiting_seconds * waiting_seconds"})
    mean = Metric(id="mean_wait", kind="mean", **WAIT)
    kpis = measure(book, metrics=[long_ones, squared, mean, MEDIAN])
    assert figure(kpis, long_ones)["value"] == 8.5  # 7 8 9 10
    assert figure(kpis, squared)["value"] == 30.5  # between 25 and 36
    assert (figure(kpis, mean)["value"], figure(kpis, MEDIAN)["value"]) == (5.5, 5.5)


def test_quantiles_of_one_value_share_a_scan_of_their_own(book):
    mean = Metric(id="mean_wait", kind="mean", **WAIT)
    scans = plan(book, [MEDIAN, mean, P90], [])
    assert [[metric.id for metric in scan.metrics] for scan in scans] == [
        ["median_wait", "long_wait"],
        ["mean_wait"],
    ]


def test_the_statement_can_be_run_as_it_is_explained(book):
    [scan] = plan(book, [MEDIAN], ["team"])
    rows = book.ask(scan_sql(book, scan))
    own = rows[(rows["period"] == "2026Q2") & (rows["group_name"] == "a")].sort_values("place")
    assert own["x"].tolist() == [1.0, 3.0, 5.0, 7.0, 9.0]


def test_any_numbers_give_numpys_quantiles(open_company):
    chance = random.Random(5)
    waits = [round(chance.expovariate(1 / 300), chance.choice([0, 1, 3])) for _ in range(1500)]
    days = [f"2026-0{chance.randint(1, 6)}-1{chance.randint(0, 9)}" for _ in waits]
    teams = [chance.choice("abcd") for _ in waits]
    lines = [
        f"t{n},{day},{wait},{team}"
        for n, (day, wait, team) in enumerate(zip(days, waits, teams, strict=True))
    ]
    header = "ticket_id,opened_at,waiting_seconds,team"
    book = open_company({"tickets": "\n".join([header, *lines])}, "2026Q2")
    wanted = [
        Metric(id=f"q{q:g}", kind="quantile", quantile=q, **WAIT) for q in (0.05, 0.25, 0.5, 0.7, 0.9, 0.99)
    ]
    kpis = measure(book, ["team"], wanted)
    tickets = pd.DataFrame({"day": days, "wait": waits, "team": teams})
    tickets = tickets[tickets["day"] >= "2026-04"]
    groups = [(None, None, tickets), *(("team", team, rows) for team, rows in tickets.groupby("team"))]
    for metric, (by, group, rows) in itertools.product(wanted, groups):
        row, ordered = figure(kpis, metric, by=by, group=group), np.sort(rows["wait"])
        assert row["value"] == pytest.approx(np.quantile(ordered, metric.quantile), rel=1e-12)
        ranks = quantile_ranks(len(ordered), metric.quantile)
        for limit, rank in (("low", ranks.low), ("high", ranks.high)):
            assert row[limit] == ordered[rank - 1] if rank else np.isnan(row[limit])


@pytest.mark.parametrize("confidence_level", [0.6, 0.8, 0.9, 0.95, 0.99, 0.999, 0.99999])
def test_every_rank_needed_is_among_those_asked_for(confidence_level):
    n = np.unique(np.concatenate([np.arange(1, 700), np.geomspace(700, 5e7, 400).astype(int)]))
    for q in (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.7, 0.75, 0.9, 0.95, 0.99, 0.999):
        ranks = quantile_ranks(n, q, confidence_level)
        needed = pd.DataFrame(
            {"n": np.tile(n, 4), "place": np.concatenate([ranks.low, ranks.lower, ranks.upper, ranks.high])}
        )
        needed = needed[needed["place"] > 0]
        sql = f"select count(*) from needed where not {near_quantile(q, confidence_level)}"
        assert duckdb.sql(sql).fetchall() == [(0,)], q


def test_what_is_held_for_several_scans_gives_the_same_and_is_forgotten(book):
    asked = [MEDIAN, P90, MEDIAN.model_copy(update={"id": "mean", "kind": "mean", "quantile": None})]
    together = measure(book, ["team", "region"], asked)
    for metric in asked:
        alone = measure(book, ["team", "region"], [metric]).sort_values(KEYS, ignore_index=True)
        its = together[together["metric"] == metric.id].sort_values(KEYS, ignore_index=True)
        pd.testing.assert_frame_equal(its, alone)
    assert not book.engine.rows("select 1 from information_schema.tables where table_name like 'held%'")
