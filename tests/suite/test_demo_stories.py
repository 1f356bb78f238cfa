"""The stories planted in the demo company are found by the suite, each where it is, and nothing else is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from analysis.catalogue import Metric, Text
from analysis.facts import open_book
from analysis.metrics.intervals import wilson_interval
from analysis.metrics.measure import measure
from analysis.models.themes import read_comments
from analysis.report.pages.acquisition_rows import channels, channels_that_do_not_last
from analysis.report.pages.funnel_rows import bottleneck, funnel
from analysis.report.pages.service_rows import teams_that_moved
from analysis.samples.demo import TRUTH, write_demo
from analysis.suite import Results, measure_suite
from analysis.suite.survey_gate import find_survey_warnings

pytestmark = pytest.mark.slow

SLOWED = ("first_response_time", "first_solution_time", "resolution_time", "turnaround_time")
QUIET = (
    "nps", "csat", "csat.product_quality", "csat.value", "acsi_style", "servqual_gap", "survey_response_rate",
    "social_sentiment", "average_order_value", "purchase_frequency", "knowledge_base_helpful_rate",
)  # fmt: skip
"""Metrics that no story touches."""
NAMELESS = Text(en="", zh="")


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("demo")
    write_demo(root)
    shutil.copytree(Path(__file__).parents[2] / "params", root / "params", dirs_exist_ok=True)
    return root / "params" / "demo.yml"


@pytest.fixture(scope="module")
def slow_quarter(demo) -> Results:
    return measure_suite(open_book(demo, "2026Q2"))


@pytest.fixture(scope="module")
def quarter_after(demo) -> Results:
    return measure_suite(open_book(demo, "2026Q3"))


def against_previous(results: Results):
    changes = results.company_changes
    return changes[(changes["against"] == "previous") & (changes["variant"] == "default")].set_index("metric")


def test_the_quarter_in_which_a_team_slowed_down_is_slower_beyond_chance(slow_quarter):
    changes = against_previous(slow_quarter).loc[list(SLOWED)]
    assert set(changes["verdict"]) == {"worse"}
    assert (changes["difference_low"] > 0).all()


def test_only_the_team_that_slowed_down_is_told_and_it_recovers_a_quarter_later(slow_quarter, quarter_after):
    [slowed] = teams_that_moved(slow_quarter).itertuples()
    assert (slowed.group, slowed.verdict) == (TRUTH.slow_team.team, "worse")
    low, high = (1 + end / slowed.base_value for end in (slowed.difference_low, slowed.difference_high))
    assert low < TRUTH.slow_team.resolution_factor < high
    [recovered] = teams_that_moved(quarter_after).itertuples()
    assert (recovered.group, recovered.verdict) == (TRUTH.slow_team.team, "better")


def test_more_customers_are_lost_a_quarter_later_and_not_before(slow_quarter, quarter_after):
    assert against_previous(slow_quarter).loc["customer_retention_rate", "verdict"] == "no_clear_change"
    lost = against_previous(quarter_after).loc["customer_retention_rate"]
    assert lost["verdict"] == "worse"
    assert lost["difference_high"] < 0


def test_scores_from_hand_picked_answers_are_told_of_that_manager_alone(quarter_after, slow_quarter):
    found = find_survey_warnings(quarter_after.book)
    suspects = found[found["warnings"].str.contains("hand_picked")]
    assert set(zip(suspects["by"], suspects["group"], strict=True)) == {
        ("account_manager", TRUTH.hand_picked.account_manager_id)
    }
    earlier = find_survey_warnings(slow_quarter.book)
    assert not earlier["warnings"].str.contains("hand_picked").any()


def against(results: Results, baseline: str, metric: str) -> pd.DataFrame:
    """The changes of the metrics made for each stage, by stage."""
    changes = results.company_changes
    mine = changes["metric"].str.startswith(f"{metric}.") & (changes["variant"] == "default")
    found = changes[mine & (changes["against"] == baseline)]
    return found.set_index(found["metric"].str.removeprefix(f"{metric}."))


@pytest.mark.parametrize(
    ("quarter", "baseline"), [("slow_quarter", "previous"), ("quarter_after", "year_ago")]
)
def test_one_stage_of_the_funnel_weakens_and_no_other_moves(request, quarter, baseline):
    """By the day it is decided: the quarter before has none of it, and the one after is against a year ago."""
    stages = against(request.getfixturevalue(quarter), baseline, "stage_conversion_rate")
    assert list(stages.index) == list(TRUTH.stages)
    assert set(stages.index[stages["verdict"] == "worse"]) == {TRUTH.weak_stage.stage}
    assert (stages["verdict"].drop(TRUTH.weak_stage.stage) == "no_clear_change").all()
    # the time it takes does not change with it
    assert (
        against(request.getfixturevalue(quarter), baseline, "stage_days")["verdict"] == "no_clear_change"
    ).all()


def test_the_weak_stage_stays_as_weak_a_quarter_later(quarter_after):
    stages = against(quarter_after, "previous", "stage_conversion_rate")
    assert (stages["verdict"] == "no_clear_change").all()


def test_the_planted_conversion_of_each_stage_lies_inside_its_interval(slow_quarter, quarter_after):
    story = TRUTH.weak_stage
    planted = TRUTH.stages | {story.stage: story.conversion_after}
    for results in (slow_quarter, quarter_after):
        kpis = results.kpis[results.kpis["by"].isna() & (results.kpis["variant"] == "default")]
        now = kpis[kpis["period"] == results.book.window.label].set_index("metric")
        for stage, chance in planted.items():
            row = now.loc[f"stage_conversion_rate.{stage}"]
            assert row["low"] < chance < row["high"], stage
        assert now.loc[f"stage_conversion_rate.{story.stage}", "high"] < story.conversion_before


def test_the_page_names_the_weak_stage_as_the_bottleneck_in_both_quarters(slow_quarter, quarter_after):
    for results in (slow_quarter, quarter_after):
        rows = funnel(results)
        assert rows.loc[rows["verdict"] == "worse", "stage"].tolist() == [TRUTH.weak_stage.stage]
        assert bottleneck(rows).stage == TRUTH.weak_stage.stage


def test_the_page_tells_of_the_channel_that_brings_nobody_back_and_of_no_other(quarter_after):
    rows = channels(quarter_after)
    [told] = channels_that_do_not_last(rows).itertuples()
    assert told.channel == TRUTH.empty_channel.acquisition_channel
    assert set(rows["verdict"]) == {"worse", "no_clear_change"}


def test_customers_of_one_channel_never_order_again(quarter_after):
    book = quarter_after.book
    kpis = measure(book, ["acquisition_channel"], [book.catalogue.metric("repeat_purchase_rate", "lifetime")])
    now = kpis[(kpis["period"] == book.window.label) & kpis["by"].notna()].set_index("group")
    empty = now.loc[TRUTH.empty_channel.acquisition_channel]
    assert empty["value"] == 0.0
    assert empty["n"] > 100
    assert (now.drop(index=TRUTH.empty_channel.acquisition_channel)["low"] > empty["high"]).all()


def test_one_reason_dominates_among_the_lost_of_one_region_who_chose_to_leave(quarter_after):
    story = TRUTH.churn_reason
    metric = Metric(
        id="given_reason", family="retention", name=NAMELESS, meaning=NAMELESS, kind="share", unit="share",
        better="down", fact="customer_dealings", of=f"exit_reason = '{story.reason}'",
        where="is_lost and exit_kind = 'voluntary' and exit_reason is not null",
    )  # fmt: skip
    kpis = measure(quarter_after.book, ["region"], [metric])
    now = kpis[(kpis["period"] == quarter_after.book.window.label) & kpis["by"].notna()].set_index("group")
    there, elsewhere = now.loc[story.region], now.drop(index=story.region)
    assert there["low"] < story.share_there < there["high"]
    low, high = wilson_interval(elsewhere["numerator"].sum(), elsewhere["n"].sum(), 0.95)
    assert low < story.share_elsewhere < high
    assert there["low"] > high
    reasons = quarter_after.book.ask(
        "select region, exit_reason, count(*) as customers from customer_dealings "
        "where is_lost and exit_kind = 'voluntary' group by 1, 2"
    )
    most = reasons.loc[reasons.groupby("region")["customers"].idxmax()].set_index("region")["exit_reason"]
    assert list(most.index[most == story.reason]) == [story.region]


@pytest.mark.parametrize("metric", QUIET)
def test_a_metric_without_a_story_does_not_move(slow_quarter, quarter_after, metric):
    for results in (slow_quarter, quarter_after):
        assert against_previous(results).loc[metric, "verdict"] == "no_clear_change"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_themes_planted_in_comments_are_recovered(demo, language):
    folder = demo.parents[1] / "data" / "demo"
    truth = pd.read_csv(folder / "truth_of_comments.csv").query(
        "table == 'feedback' and language == @language"
    )
    said = truth.merge(pd.read_csv(folder / "feedback.csv"), left_on="id", right_on="feedback_id")
    comments = pd.DataFrame({"text": said["text"], "score_group": None, "source": None, "day": None})
    read = read_comments(comments.assign(customer_id=said["customer_no"]))
    found = pd.DataFrame(read.has_theme[read.comments["text_position"]], columns=[t.id for t in read.themes])
    for theme in said["theme"].unique():
        is_true = said["theme"].eq(theme) | said["second_theme"].eq(theme)
        assert is_true.sum() > 50
        assert (found[theme] & is_true).sum() / is_true.sum() > 0.8, theme
        assert (found[theme] & is_true).sum() / found[theme].sum() > 0.8, theme
