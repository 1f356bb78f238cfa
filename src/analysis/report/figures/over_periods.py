"""A figure over the periods as points with intervals: what charts of it share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.report.figures.style import INKS, PALETTE
from analysis.report.numbers_shown import format_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_points(ax: Axes, rows: pd.DataFrame, hollow: Iterable[bool], language: str) -> None:
    """A point with its interval for each row of ``kpis_shown.figure_by_period``, joined by dots; n below.

    Parameters
    ----------
    hollow
        For each row whether its point is hollow: the period says little, or is still running.
    """
    ax.plot(rows.index, rows["value"], color=PALETTE["muted"], linewidth=1.2, linestyle=":")
    for row, is_hollow in zip(rows.itertuples(), hollow, strict=True):
        ax.errorbar(
            row.Index, row.value, yerr=_reach(row), fmt="o", color=PALETTE["main"], markersize=8, elinewidth=2.2,
            capsize=4, markerfacecolor=INKS["paper"] if is_hollow else PALETTE["main"], markeredgewidth=1.6,
        )  # fmt: skip
    counts = [format_number(n, language) for n in rows["n"]]
    ax.set_xticks(rows.index, [f"{period}\n{n}" for period, n in zip(rows["period"], counts, strict=True)])
    ax.set_xlim(-0.5, len(rows) - 0.5)


def _reach(row: Any) -> list[list[float]] | None:
    """How far the interval reaches down and up; None without one."""
    if pd.isna(row.low) or pd.isna(row.high):
        return None
    return [[row.value - row.low], [row.high - row.value]]


def write_beside(ax: Axes, row: Any, text: str, *, below: bool = False) -> None:
    """The value's text above the end of its interval, or below it."""
    end = row.low if below else row.high
    at = (row.Index, row.value if pd.isna(end) else end)
    ax.annotate(
        text, at, (0, -7 if below else 6), textcoords="offset points", ha="center",
        va="top" if below else "bottom", fontsize=11,
        bbox={"facecolor": INKS["paper"], "edgecolor": "none", "pad": 1.0},
    )  # fmt: skip
