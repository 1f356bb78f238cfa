"""The funnel behind the acquisition page: stages against their history, time in them, losses, what is open."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.facts import NotMeasured, open_book
from analysis.metrics.compare import share_p_value
from analysis.metrics.intervals import wilson_interval
from analysis.report.pages.funnel_rows import (
    against_history,
    bottleneck,
    earlier_windows,
    funnel,
    judged_shares,
    lost_reasons,
    open_by_stage,
    time_in_stage,
)
from analysis.suite import Results

SCRIPT, FORMULA = "<script>alert(1)</script>", "=cmd|' /C calc'!A0"


# --- stages against their own history -------------------------------------------------------------


def test_stages_come_in_the_order_of_the_funnel_with_their_own_history(seller):
    rows = funnel(seller).set_index("stage")
    assert rows.index.tolist() == ["lead", SCRIPT]
    # Q4: 60 of 100 get an offer, and both open offers passed the lead stage; of 60 offers 15 are won. Q3: 60, 45.
    assert rows["n"].tolist() == [102, 60]
    assert rows["value"].tolist() == pytest.approx([62 / 102, 0.25])
    assert rows["usual"].tolist() == pytest.approx([0.6, 0.75])
    assert rows["windows"].tolist() == [1, 1]
    low, high = wilson_interval(15, 60)
    assert rows.loc[SCRIPT, ["low", "high"]].tolist() == pytest.approx([float(low), float(high)])


def test_only_the_stage_that_weakened_is_called_worse_corrected_for_the_stages(seller):
    rows = funnel(seller).set_index("stage")
    assert rows["verdict"].tolist() == ["no_clear_change", "worse"]
    # Benjamini–Hochberg over two: the smaller p-value doubles
    assert rows.loc[SCRIPT, "p_adjusted"] == pytest.approx(
        2 * float(share_p_value([15], [60], [45], [60])[0])
    )
    assert bottleneck(funnel(seller)).stage == SCRIPT


def test_without_a_stage_lower_than_usual_for_sure_there_is_no_bottleneck(seller):
    assert bottleneck(funnel(seller).assign(verdict="no_clear_change")) is None


def test_of_several_weak_stages_the_one_furthest_below_its_history_is_the_bottleneck():
    rows = pd.DataFrame(
        {"stage": ["a", "b", "c"], "verdict": ["worse", "worse", "better"], "difference": [-0.1, -0.2, 0.3]}
    )
    assert bottleneck(rows).stage == "b"


def several_windows(seller, rows) -> Results:
    """The results with other figures for the stage `lead` in windows that the run is made to have."""
    kpis = seller.kpis
    template = kpis[kpis["metric"].eq("stage_conversion_rate.lead") & kpis["by"].isna()].head(1)
    made = pd.concat([template.assign(period=period, value=x / n, n=n, numerator=float(x), denominator=float(n),
                                      standard_error=0.01, status="measured", reason=None)
                      for period, (x, n) in rows.items()])  # fmt: skip
    others = kpis[kpis["metric"] != "stage_conversion_rate.lead"]
    return Results(seller.book, {**seller.frames, "kpis": pd.concat([others, made], ignore_index=True)})


def test_earlier_windows_are_pooled_row_by_row_and_their_range_is_told(seller):
    labels = [window.label for window in earlier_windows(seller.book)]
    assert labels[-1] == "2024Q3"
    results = several_windows(seller, {"2024Q3": (30, 40), "2024Q4": (50, 100)})
    rows = against_history(results, [seller.book.catalogue.metrics["stage_conversion_rate.lead"]])
    assert rows[["usual", "usual_n", "lowest", "highest"]].iloc[0].tolist() == [0.75, 40, 0.75, 0.75]


def test_a_stage_without_any_earlier_window_is_not_compared(seller):
    results = several_windows(seller, {"2024Q4": (50, 100)})
    [row] = against_history(
        results, [seller.book.catalogue.metrics["stage_conversion_rate.lead"]]
    ).itertuples()
    assert (row.value, row.windows, row.verdict) == (0.5, 0, "not_comparable")


def test_days_in_a_stage_are_those_of_the_opportunities_that_left_it(seller):
    rows = time_in_stage(seller).set_index("stage")
    # Q4: 100 leads after ten days, two after two; 60 offers after ten days. Q3: all after ten.
    assert rows["value"].tolist() == pytest.approx([1004 / 102, 10.0])
    assert rows["usual"].tolist() == [10.0, 10.0]
    assert rows[["median", "p90"]].to_numpy().tolist() == [[10.0, 10.0], [10.0, 10.0]]
    assert rows["n"].tolist() == [102, 60]


def test_without_stage_entries_there_is_no_funnel_and_the_reason_is_told(shop, asked):
    assert funnel(shop) == time_in_stage(shop) == NotMeasured("table_absent|opportunities")


def test_means_of_windows_pool_to_the_mean_and_spread_of_all_their_rows(seller):
    from analysis.report.pages.funnel_rows import _pooled

    first, second = pd.Series([1.0, 2.0, 6.0]), pd.Series([4.0, 4.0, 8.0, 9.0])
    windows = pd.DataFrame(
        {"metric": "m", "variant": "default", "n": [3, 4], "value": [first.mean(), second.mean()],
         "standard_error": [first.sem(), second.sem()]}
    )  # fmt: skip
    [pooled] = _pooled(windows, {"m": "mean"}, 0.95).itertuples()
    every = pd.concat([first, second])
    assert (pooled.n, pooled.value, pooled.standard_error) == pytest.approx((7, every.mean(), every.sem()))


# --- shares with verdicts -------------------------------------------------------------------------


def test_shares_of_groups_are_compared_and_corrected_for_the_groups(seller):
    counts = pd.DataFrame(
        {
            "group": ["a", "b"] * 2,
            "period": ["now", "now", "then", "then"],
            "hits": [10, 50, 50, 50],
            "n": 100,
        }
    )
    figures, changes = judged_shares(counts, [("now", "then", "previous")], seller.book, better="up")
    assert figures["value"].tolist() == [0.1, 0.5, 0.5, 0.5]
    by_group = changes.set_index("group")
    assert by_group["verdict"].to_dict() == {"a": "worse", "b": "no_clear_change"}
    assert by_group.loc["a", "p_adjusted"] == pytest.approx(2 * by_group.loc["a", "p_value"])


# --- lost reasons ---------------------------------------------------------------------------------


def test_reasons_come_most_lost_first_with_their_running_total_and_value(seller):
    rows = lost_reasons(seller)
    # Q4: 45 of 60 offers and 40 leads are lost, at 100 each
    assert rows["reason"].tolist() == [FORMULA, "price"]
    assert rows["lost"].tolist() == [45, 40]
    assert rows["value"].tolist() == [4500, 4000]
    assert rows["cumulative"].tolist() == pytest.approx([45 / 85, 1.0])


def test_a_reason_s_share_is_judged_against_its_share_before(seller):
    rows = lost_reasons(seller).set_index("reason")
    # Q3: 15 of 60 offers and 40 leads; 15/55 to 45/85 is beyond chance, and neither better nor worse
    assert rows["previous_share"].tolist() == pytest.approx([15 / 55, 40 / 55])
    assert rows["previous_verdict"].tolist() == ["changed", "changed"]
    assert "year_ago_share" not in rows  # nothing is known of 2023


def test_no_loss_and_no_table_are_told(seller, shop):
    assert lost_reasons(shop) == NotMeasured("table_absent|opportunities")


# --- what is open ---------------------------------------------------------------------------------


def test_what_is_open_stands_in_its_stage_with_what_is_to_be_expected(seller):
    rows = open_by_stage(seller)
    assert rows["stage"].tolist() == ["lead", SCRIPT]
    assert rows["opportunities"].tolist() == [3, 2]
    # of 200 leads closed 60 were won; of 120 offers, 60
    assert rows["win_rate"].tolist() == pytest.approx([0.3, 0.5])
    assert rows["weighted"].tolist() == pytest.approx([3 * 100 * 0.3, 2 * 100 * 0.5])


def test_stages_open_a_period_ago_are_counted_as_they_were_then(seller):
    assert open_by_stage(seller)["before"].sum() == 0  # everything of the third quarter was closed in it


# --- on another engine ----------------------------------------------------------------------------


@pytest.mark.slow
def test_rows_are_the_same_on_spark(seller, spark):
    settings = seller.book.settings.model_copy(update={"engine": spark})
    book = open_book(seller.book.params.model_copy(update={"settings": settings}), "2024Q4")
    on_spark = Results(book, seller.frames)
    for read in (lost_reasons, open_by_stage):
        pd.testing.assert_frame_equal(read(on_spark), read(seller), check_dtype=False, rtol=1e-9)
