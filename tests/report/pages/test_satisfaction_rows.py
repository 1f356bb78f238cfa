"""The rows that the metrics of satisfaction count."""

from __future__ import annotations

import pytest

from analysis.report.pages.satisfaction_rows import nps_parts


def test_what_the_three_groups_make_is_the_score(asked):
    parts = nps_parts(asked, "default").set_index("period")
    now = parts.loc["2024Q2"]
    assert [now["promoters"], now["passives"], now["detractors"]] == [0.5, 0.25, 0.25]
    score = 100 * (parts["promoters"] - parts["detractors"])
    assert score.tolist() == pytest.approx(parts["value"].tolist())
    assert list(parts.index) == ["2024Q1", "2024Q2"]
