"""What tests of figures draw on."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib
import matplotlib.pyplot as plt
import pytest

from analysis.report.figures.style import figure_style

matplotlib.use("agg")


@pytest.fixture(params=["en", "zh"])
def drawing(request) -> Iterator[tuple]:
    """An empty drawing in the report's style, and its language."""
    with figure_style(request.param):
        figure, ax = plt.subplots(layout="constrained")
        yield ax, request.param
        figure.draw_without_rendering()
        plt.close(figure)
