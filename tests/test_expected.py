"""The KPI frame of the sample period equals the one stored, so that a review sees numbers move."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from analysis.facts import open_book
from analysis.suite import measure_suite
from analysis.suite.rows import rows_with_groups

EXPECTED = Path(__file__).parent / "expected" / "cdnow_1997Q4.csv"
KEYS = ["metric", "variant", "period", "by", "group"]
NUMBERS = ["value", "low", "high", "standard_error", "numerator", "denominator"]

# Optimisers stop where the slope vanishes, to about the square root of the last digit.
MODELLED_TOLERANCE = 1e-6


@pytest.fixture(scope="module")
def frames(cdnow):
    results = measure_suite(open_book(cdnow, "1997Q4"))
    stored = pd.read_csv(EXPECTED, dtype={"by": "str", "group": "str", "reason": "str"})
    modelled = {metric.id for metric in results.book.catalogue.metrics.values() if metric.kind == "modelled"}
    return rows_with_groups(results), stored, modelled


def test_the_rows_are_the_stored_ones(frames):
    now, stored, _ = frames
    pd.testing.assert_frame_equal(now[KEYS].fillna(""), stored[KEYS].fillna(""), check_dtype=False)


def test_counts_statuses_and_reasons_are_equal_exactly(frames):
    now, stored, _ = frames
    columns = ["n", "status", "reason"]
    pd.testing.assert_frame_equal(now[columns].fillna(""), stored[columns].fillna(""), check_dtype=False)


def test_numbers_are_equal_to_nine_digits(frames):
    now, stored, modelled = frames
    is_modelled = stored["metric"].isin(modelled).to_numpy()
    for rows, tolerance in ((~is_modelled, 1e-9), (is_modelled, MODELLED_TOLERANCE)):
        pd.testing.assert_frame_equal(
            now.loc[rows, NUMBERS], stored.loc[rows, NUMBERS], rtol=tolerance, atol=1e-9, check_dtype=False
        )
