"""The names a notebook may ask the package for."""

from __future__ import annotations

import subprocess
import sys

import pytest


def test_a_floor_can_be_reached_without_importing_it_first():
    code = "import analysis; fit = analysis.models.fit_bg_nbd([2, 0] * 3, [1, 0] * 3, [5, 5] * 3); print(fit.status)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "degenerate"  # three repeaters are too few to learn from


def test_page_helpers_are_found_by_name():
    import analysis
    from analysis.report.figures.retention import plot_customer_bridge

    assert analysis.plot_customer_bridge is plot_customer_bridge


def test_a_name_that_is_nowhere_is_an_error():
    import analysis

    with pytest.raises(AttributeError, match="no_such"):
        _ = analysis.no_such
