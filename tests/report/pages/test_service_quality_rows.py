"""Quality of service by dimension, and the items of the index."""

from __future__ import annotations

import pytest

from analysis.report.pages.service_quality_rows import index_items, quality_dimensions
from analysis.suite import Results


def test_the_gap_is_perception_less_expectation_with_its_interval(asked):
    row = quality_dimensions(asked).iloc[0]
    # Expected 6 by all; perceived 5 by 20 and 4 by 20
    assert (row["dimension"], row["expectation"], row["perception"], row["n"]) == (
        "responsiveness",
        6.0,
        4.5,
        40,
    )
    assert row["value"] == pytest.approx(-1.5)
    assert row["value"] == pytest.approx(asked.kpi("servqual_gap")["value"])
    # t with 39 degrees of freedom 2.0227, s² = 40 · 0.25 / 39, s / √40 = 0.08006
    assert row["high"] == pytest.approx(-1.5 + 2.0227 * 0.08006, abs=1e-4)


def test_no_gap_of_a_dimension_is_wider_than_its_scale(open_company):
    # gaps −4 and 0 on 1–5: −2 ± 12.7·2; items of the index 1 and 10 of 1–10: 50 ± 12.7·50
    tables = {
        "questions": "question_id,construct,item,dimension,scale_min,scale_max\n"
        "e,servqual_expectation,clean,tangibles,1,5\np,servqual_perception,clean,tangibles,1,5\nx,acsi,,,1,10\n",
        "answers": "survey_id,question_id,answered_at,score\n1,e,2026-05-01,5\n1,p,2026-05-01,1\n1,x,2026-05-01,1\n"
        "2,e,2026-05-01,5\n2,p,2026-05-01,5\n2,x,2026-05-01,10\n",
    }
    results = Results(open_company(tables, "2026Q2"), {})
    assert tuple(quality_dimensions(results)[["value", "low", "high"]].iloc[0]) == (-2, -4, 4)
    assert tuple(index_items(results)[["value", "low", "high"]].iloc[0]) == (50, 0, 100)


def test_the_index_is_the_weighted_mean_of_its_items(asked):
    items = index_items(asked).set_index("item")
    # 7 of 1–10 by all is 66.7; half 10 and half 1 is 50
    assert items["value"].to_dict() == pytest.approx(
        {"expectations_met": 50.0, "close_to_ideal": 66.6667}, abs=1e-3
    )
    assert (items["value"] * items["weight"]).sum() == pytest.approx(asked.kpi("acsi_style")["value"])
