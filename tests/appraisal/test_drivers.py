"""What made a change: the parts sum to the whole, planted causes are found, and chance is not taken for one."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.appraisal.drivers import Question, decompose, dimensions_for, find_drivers, rest_of, shortfall
from analysis.metrics.measure import measure
from analysis.suite import Results, measure_suite

RETENTION = Question("customer_retention_rate", against="previous")


def groups(**given):
    """Rows of one dimension: ``group=(numerator, denominator)``."""
    rows = [
        {"by": "region", "group": name, "value": top / bottom if bottom else np.nan, "numerator": top,
         "denominator": bottom, "standard_error": np.nan, "n": bottom}
        for name, (top, bottom) in given.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


def rate(rows):
    return rows["numerator"].sum() / rows["denominator"].sum()


# --- the arithmetic -------------------------------------------------------------------------------


def test_rate_and_mix_effect_worked_out_by_hand():
    # North keeps its rate of 0.9 and shrinks from half to a quarter; South falls from 0.5 to 0.4.
    base, now = groups(north=(90, 100), south=(50, 100)), groups(north=(45, 50), south=(60, 150))
    parts = decompose(now, base, "share").set_index("group")
    # middle of 0.7 and 0.525 is 0.6125; North: (0.9 − 0.6125)·(−0.25); South: 0.625·(−0.1) and (0.45 − 0.6125)·0.25
    assert parts.loc["north", ["rate_effect", "mix_effect"]].tolist() == pytest.approx([0.0, -0.071875])
    assert parts.loc["south", ["rate_effect", "mix_effect"]].tolist() == pytest.approx([-0.0625, -0.040625])
    assert parts["contribution"].sum() == pytest.approx(0.525 - 0.7)


@pytest.mark.parametrize("kind", ["share", "mean", "ratio", "net_share", "total"])
@pytest.mark.parametrize("seed", range(5))
def test_the_contributions_sum_to_the_change_whatever_groups_there_are(kind, seed):
    draws = np.random.default_rng(seed)

    def drawn(names):
        sizes = draws.integers(1, 500, len(names))
        return groups(
            **{name: (draws.uniform(-1, 1) * size, size) for name, size in zip(names, sizes, strict=True)}
        )

    base, now = drawn("abcdxy"), drawn("abcdz")  # x and y are gone, z is new
    if kind == "total":
        base, now = (rows.assign(value=rows["numerator"]) for rows in (base, now))
        change = now["value"].sum() - base["value"].sum()
    else:
        change = (rate(now) - rate(base)) * (100 if kind == "net_share" else 1)
    assert decompose(now, base, kind)["contribution"].sum() == pytest.approx(change, rel=1e-12, abs=1e-12)


def test_every_dimension_is_parted_by_itself():
    base, now = groups(north=(90, 100), south=(50, 100)), groups(north=(80, 100), south=(50, 100))
    two = [pd.concat([rows, rows.assign(by="segment")]) for rows in (now, base)]
    sums = decompose(*two, "share").groupby("by")["contribution"].sum()
    assert sums.to_dict() == {"region": pytest.approx(-0.05), "segment": pytest.approx(-0.05)}


def test_the_distance_from_a_target_is_shared_by_size_and_distance():
    now = groups(north=(90, 100), south=(40, 100))
    parts = shortfall(now, 0.8, "share").set_index("group")["contribution"]
    # half of 0.9 − 0.8 and half of 0.4 − 0.8; together 0.65 − 0.8
    assert parts.to_dict() == {"north": pytest.approx(0.05), "south": pytest.approx(-0.2)}


def test_the_rest_is_all_other_groups_with_one_success_and_failure_more():
    told = rest_of(groups(a=(10, 10), b=(20, 40), c=(30, 50)), "share").loc[("region", "a")]
    assert (told["rate"], told["rest_rate"]) == (1.0, pytest.approx(50 / 90))
    assert told["error"] == pytest.approx((11 / 12 * 1 / 12 / 12) ** 0.5)  # 11 of 12, never sure
    b, c = 21 / 42 * 21 / 42 / 42, 31 / 52 * 21 / 52 / 52
    assert told["rest_error"] == pytest.approx(((40 / 90) ** 2 * b + (50 / 90) ** 2 * c) ** 0.5)


# --- what stands out ------------------------------------------------------------------------------


def company(open_company, kept, then=(160, 160, 160)):
    """Three regions of 200 customers in each of two quarters, of whom so many order again in the next."""
    names = ("north", "south", "west")
    lines, customers = [], ["customer_id,region"]
    for region, again, before in zip(names, kept, then, strict=True):
        for n in range(200):
            old, new = f"o{region}{n}", f"n{region}{n}"
            customers += [f"{old},{region}", f"{new},{region}"]
            lines += [f"{old},2025-12-10,10"] + ([f"{old},2026-03-10,10"] if n < before else [])
            lines += [f"{new},2026-03-20,10"] + ([f"{new},2026-06-10,10"] if n < again else [])
    # of those who ordered in March, the old ones all come back, so that only the new ones make the difference
    lines += [
        f"o{region}{n},2026-06-10,10"
        for region, before in zip(names, then, strict=True)
        for n in range(before)
    ]
    orders = "\n".join(
        ["order_id,customer_id,ordered_at,amount", *(f"{i},{line}" for i, line in enumerate(lines))]
    )
    book = open_company(
        {"orders": orders, "customers": "\n".join(customers)}, "2026Q2", activity_window_days=40, model_draws=20,
        sparkline_periods=3, data_through=date(2026, 6, 30), dimensions=["customer_status"],
    )  # fmt: skip
    return Results(book, {"kpis": measure(book, ["customer_status"])})  # what is counted alone


@pytest.fixture(scope="module")
def south_fell(open_company):
    return company(open_company, kept=(160, 60, 160))


def test_the_one_group_that_moved_is_found_with_its_part_of_the_change(south_fell):
    [driver] = find_drivers(south_fell, [RETENTION])[RETENTION]
    assert (driver.by, driver.group) == ("region", "south")
    # before 160 of 200 everywhere; now 160 old + 60 new of 360 in the south, 320 of 360 elsewhere
    assert (driver.base_value, driver.value) == (pytest.approx(0.8), pytest.approx(220 / 360))
    assert driver.whole == pytest.approx(860 / 1080 - 0.8)
    assert driver.rest_difference == pytest.approx(640 / 720 - 0.8)
    assert driver.p_adjusted < 1e-6


def test_a_fall_of_all_groups_alike_has_no_driver(open_company):
    assert find_drivers(company(open_company, kept=(60, 60, 60)), [RETENTION])[RETENTION] == []


def test_a_difference_that_chance_allows_is_none(open_company):
    assert find_drivers(company(open_company, kept=(118, 112, 120)), [RETENTION])[RETENTION] == []


def test_against_a_target_it_is_the_group_that_lies_below_the_others(south_fell):
    question = Question("customer_retention_rate", target=0.85)
    [driver] = find_drivers(south_fell, [question])[question]
    assert (driver.group, driver.base_value) == ("south", 0.85)
    assert driver.contribution == pytest.approx((220 / 360 - 0.85) / 3)


def test_of_a_total_the_largest_part_is_given_without_a_test(south_fell):
    # in March 480 old and 600 new orders of 10, in June 480 + 380: 10,800 to 8,600;
    # the south has 1,400 less, 64% of the fall and more than its third of March, the others 400 less each
    question = Question("revenue", against="previous")
    [driver] = find_drivers(south_fell, [question])[question]
    assert (driver.by, driver.group, driver.difference) == ("region", "south", -1400.0)
    assert driver.explained == pytest.approx(1400 / 2200)
    assert np.isnan(driver.p_adjusted)


def test_what_cannot_be_parted_has_no_driver(south_fell):
    asked = [Question("customer_equity", against="previous"), Question("revenue_growth", against="previous")]
    assert find_drivers(south_fell, asked) == {asked[0]: [], asked[1]: []}


def test_a_cohort_and_overlapping_groups_are_not_looked_at(south_fell):
    book = south_fell.book
    looked_at = dimensions_for(book, book.catalogue.metrics["customer_retention_rate"])
    assert {"region", "customer_status"} <= set(looked_at)
    assert not {"cohort", "category", "team"} & set(looked_at)


# --- the demo company -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Path:
    from analysis.samples.demo import write_demo

    root = tmp_path_factory.mktemp("demo")
    write_demo(root)
    shutil.copytree(Path(__file__).parents[2] / "params", root / "params", dirs_exist_ok=True)
    return root / "params" / "demo.yml"


@pytest.mark.slow
@pytest.mark.parametrize(("period", "by", "metrics"), [
    ("2026Q2", "team", ["first_response_time", "first_solution_time", "resolution_time", "sla_attainment"]),
    ("2026Q3", "served_by", ["customer_retention_rate", "voluntary_churn_rate"]),
])  # fmt: skip
def test_the_slow_team_is_found_where_it_was_planted(demo, period, by, metrics):
    from analysis.facts import open_book

    questions = [Question(name, against="previous") for name in metrics]
    found = find_drivers(measure_suite(open_book(demo, period)), questions)
    for question in questions:
        driver = found[question][0]
        assert (driver.by, driver.group) == (by, "Chengdu desk")
        assert driver.explained > 0.45
