"""Quality of service, as it is shown."""

from __future__ import annotations

import pandas as pd

from analysis.report.pages.service_quality import quality_shown


def test_a_small_sample_gives_no_reading_whatever_its_interval(asked):
    rows = pd.DataFrame(
        {"dimension": ["a_b", "c"], "low": [-1.0, -1.0], "high": [-0.5, -0.5], "n": [29, 30], "value": -0.8}
    )
    shown = quality_shown(rows, asked, "en")
    assert shown["reading"].tolist() == ["○ too few to say", "▼ short of expectation"]
    assert shown["name"].tolist() == ["a b", "c"]
    assert shown["n_detail"].isna().tolist() == [False, True]
