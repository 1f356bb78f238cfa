"""What made a change: the parts sum to the whole, planted causes are found, and chance is not taken for one."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.appraisal import drivers
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


def test_groups_without_rows_make_nothing_and_take_nothing():
    base = groups(north=(90, 100), south=(0, 0), west=(30, 100), east=(0, 0))
    now = groups(north=(80, 100), south=(20, 50), west=(0, 0), east=(0, 0))
    parts = decompose(now, base, "share").set_index("group")
    assert parts["contribution"].sum() == pytest.approx(100 / 150 - 120 / 200)
    # south is new and west is gone: no rate of theirs moved, and each weighs half of what it does where it is
    middle = (100 / 150 + 120 / 200) / 2
    assert parts.loc["south", ["rate_effect", "mix_effect"]].tolist() == pytest.approx(
        [0.0, (0.4 - middle) / 3]
    )
    assert parts.loc["west", ["rate_effect", "mix_effect"]].tolist() == pytest.approx(
        [0.0, (0.3 - middle) / -2]
    )
    assert parts.loc["east", "contribution"] == 0.0
    # a group of one is one: of eleven, it makes all of the fall from 6 to 5
    one = decompose(groups(a=(0, 1), b=(5, 10)), groups(a=(1, 1), b=(5, 10)), "share")
    assert one["rate_effect"].tolist() == pytest.approx([-1 / 11, 0.0])


def test_from_a_window_without_any_rows_a_rate_has_no_change_and_a_total_all_of_it():
    nothing, now = groups(north=(0, 0), south=(0, 0)), groups(north=(90, 100), south=(50, 100))
    assert decompose(now, nothing, "share")["contribution"].isna().all()
    totals = [rows.assign(value=rows["numerator"]) for rows in (now, nothing)]
    parts = decompose(*totals, "total")
    assert parts["contribution"].tolist() == parts["value"].tolist() == [90.0, 50.0]
    assert parts["base_value"].tolist() == [0.0, 0.0]
    assert decompose(totals[0], totals[1].head(0), "total")["contribution"].tolist() == [90.0, 50.0]


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


def test_the_rest_of_a_mean_is_as_uncertain_as_its_groups_and_one_row_tells_no_error():
    rows = groups(a=(500, 100), b=(60, 20), c=(7, 1)).assign(standard_error=[0.5, 2.0, np.nan])
    told = rest_of(rows, "mean").droplevel("by")
    assert told.loc["a", ["rest_rate", "rest_error"]].tolist() == pytest.approx([67 / 21, 40 / 21])
    assert told.loc["c", "rest_error"] == pytest.approx((50**2 + 40**2) ** 0.5 / 120)
    two = rest_of(rows.iloc[[0, 2]], "mean").droplevel("by")  # all others of a are one row
    assert two["rest_error"].isna().to_dict() == {"a": True, "c": False}


def by_dimension(*rows):
    """Rows of a window, ``(by, group, numerator, denominator)``; the company has None for both."""
    frame = pd.DataFrame(rows, columns=["by", "group", "numerator", "denominator"])
    return frame.assign(
        period="2026Q2", value=frame["numerator"] / frame["denominator"], n=frame["denominator"]
    )


def test_only_dimensions_whose_groups_come_to_the_company_are_looked_at():
    rows = by_dimension(
        (None, None, 100.0, 200.0), ("region", "n", 60.0, 50.0), ("region", "s", 40.00005, 150.0),  # a last digit
        ("segment", "a", 60.0, 50.0), ("segment", "b", 39.0, 150.0),  # a row is in none of them
        ("served_by", "x", 60.0, 120.0), ("served_by", "y", 40.0, 120.0),  # customers are in both
        ("category", "all", 100.0, 200.0),  # one group
        ("team", "t", 100.0, 200.0), ("team", "u", np.nan, np.nan),  # one of them not measured
    )  # fmt: skip
    assert set(drivers._whole_dimensions(rows, "2026Q2")["by"]) == {"region"}
    assert drivers._whole_dimensions(rows, "2026Q1").empty
    totals = rows.assign(denominator=np.nan)  # which have none
    assert set(drivers._whole_dimensions(totals, "2026Q2")["by"]) == {"region", "served_by"}
    company = rows[rows["by"].isna()]
    assert drivers._parts(company, Question("m", target=0.8), "share", "2026Q2", "").empty


def test_the_dimension_with_the_least_p_value_is_kept_and_its_largest_part_comes_first():
    told = pd.DataFrame(
        [("b", "x", 0.01, 0.002, -1.0), ("a", "y", 0.01, 0.001, 1.0), ("a", "z", 0.04, 0.04, -3.0),
         ("a", "v", 0.03, 0.03, 2.0), ("c", "w", 0.02, 0.0001, 9.0)],
        columns=["by", "group", "p_adjusted", "p_value", "contribution"],
    )  # fmt: skip
    assert drivers._of_best_dimension(told)["group"].tolist() == ["z", "v", "y"]
    alike = told.assign(p_value=0.5)  # then the name decides: a before b
    assert drivers._of_best_dimension(alike)["group"].tolist() == ["z", "v", "y"]
    assert drivers._of_best_dimension(told.assign(p_adjusted=0.5))["group"].tolist() == ["w"]


def parted(*rows):
    """Parts of a change of −10 in one dimension after the other: ``(by, group, base_value, contribution)``."""
    frame = pd.DataFrame(rows, columns=["by", "group", "base_value", "contribution"])
    made = frame["contribution"]
    frame = frame.assign(value=frame["base_value"] + made, difference=made, rest_difference=-10 - made)
    return frame.assign(whole=-10.0, n=5.0, base_n=6.0, p_adjusted=np.nan)


def test_of_each_dimension_of_a_total_the_group_that_makes_more_than_its_size_is_given():
    rows = parted(
        ("region", "n", 50.0, -4.0), ("region", "s", 50.0, -6.0),  # the south makes more than its half
        ("segment", "a", 90.0, -9.0), ("segment", "b", 10.0, -1.0),  # just as much as their sizes
        ("team", "x", 10.0, -7.0), ("team", "y", 10.0, -2.0), ("team", "z", 80.0, -1.0),
        ("served_by", "not_stated", 10.0, -9.5), ("served_by", "o", 90.0, -0.5),  # nobody knows who
        ("category", "small", 1.0, -1.0), ("category", "up", 99.0, -9.0),  # a tenth is enough
    )  # fmt: skip
    found = drivers._largest(rows, Question("revenue", against="previous"), "2026Q1")
    assert [(one.by, one.group) for one in found] == [("team", "x"), ("region", "s"), ("category", "small")]
    first = found[0]
    assert (first.explained, first.rest_difference, first.n, first.base_n) == (0.7, -3.0, 5.0, 6.0)
    assert (first.value, first.base_value, first.base_period) == (3.0, 10.0, "2026Q1")


def test_a_group_stands_out_that_goes_the_way_of_the_whole_by_more_than_its_size_and_surely():
    names = [
        "sure",
        "sure_too",
        "changed",
        "not_stated",
        "other_way",
        "size",
        "little",
        "chance",
        "unsure",
        "ago",
    ]
    parts = pd.DataFrame({"by": "region", "group": names, "weight": 0.05, "base_weight": 0.15}).assign(
        difference=-1.0, whole=-10.0, contribution=-2.0, p_adjusted=0.01
    )  # each weighs a tenth and makes a fifth
    parts.loc[4, "difference"] = 1.0
    parts.loc[5, "base_weight"] = 0.36  # with 0.05 now it weighs more than a fifth
    parts.loc[6, ["contribution", "weight", "base_weight"]] = [-0.9, 0.0, 0.0]
    parts.loc[7, "p_adjusted"] = 0.05
    verdicts = ["better", "worse", "changed", *["worse"] * 5, "no_clear_change", "worse"]
    changes = pd.DataFrame({"by": "region", "group": names, "verdict": verdicts}).assign(
        metric="m", variant="default", against=["previous"] * 9 + ["year_ago"]
    )
    found = drivers._stands_out(parts, Question("m", against="previous"), changes, 0.05)
    assert parts.loc[found, "group"].tolist() == ["sure", "sure_too", "changed"]
    # another metric's changes say nothing of it; against a target none are needed
    assert not drivers._stands_out(parts, Question("other", against="previous"), changes, 0.05).any()
    against_target = drivers._stands_out(parts, Question("m", target=1.0), changes, 0.05)
    assert parts.loc[against_target, "group"].tolist() == ["sure", "sure_too", "changed", "unsure", "ago"]


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
    assert (driver.base_period, driver.n, driver.base_n) == ("2026Q1", 360, 200)


def test_two_questions_are_answered_each_by_its_own_figures(south_fell):
    churn = Question("customer_churn_rate", against="previous")
    found = find_drivers(south_fell, [RETENTION, churn])
    [kept], [lost] = found[RETENTION], found[churn]
    assert (lost.group, lost.value) == ("south", pytest.approx(1 - kept.value))
    assert lost.difference == pytest.approx(-kept.difference) and lost.question == churn


def test_a_fall_of_all_groups_alike_has_no_driver(open_company):
    assert find_drivers(company(open_company, kept=(60, 60, 60)), [RETENTION])[RETENTION] == []


def test_a_difference_that_chance_allows_is_none(open_company):
    assert find_drivers(company(open_company, kept=(118, 112, 120)), [RETENTION])[RETENTION] == []


def test_against_a_target_it_is_the_group_that_lies_below_the_others(south_fell):
    question = Question("customer_retention_rate", target=0.85)
    [driver] = find_drivers(south_fell, [question])[question]
    assert (driver.group, driver.base_value) == ("south", 0.85)
    assert driver.rest_difference == pytest.approx(640 / 720 - 0.85)
    assert (driver.whole, driver.base_period) == (pytest.approx(860 / 1080 - 0.85), "")
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
