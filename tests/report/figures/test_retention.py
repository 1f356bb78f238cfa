"""Charts of retention draw what the frames hold."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import matplotlib
import pandas as pd
import pytest

from analysis.catalogue import load_catalogue
from analysis.facts import NotMeasured
from analysis.metrics.intervals import wilson_interval
from analysis.report.figures.retention import (
    bridge_steps,
    cohort_shares,
    groups_of,
    left_out_note,
    plot_cohort_retention,
    plot_customer_bridge,
    plot_retention_by_group,
    plot_retention_trend,
    shown_part,
)
from analysis.report.kpis_shown import figure_by_period
from analysis.suite import Results

matplotlib.use("agg")
RETENTION = load_catalogue().metrics["customer_retention_rate"]


def texts(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


# --- the bridge -----------------------------------------------------------------------------------


def test_the_bridge_leads_from_the_customers_at_the_start_to_those_at_the_end(shop):
    steps = bridge_steps(shop).set_index("step")
    assert steps["customers"].to_dict() == {
        "opening": 9, "new": 5, "came_and_went": 1, "returned": 2, "lost": 3, "closing": 12,
    }  # fmt: skip
    # Each bar begins where the one before ended: 0–9, 9–14, 13–14, 13–15, 12–15, 0–12
    assert list(zip(steps["bottom"], steps["top"], strict=True)) == [
        (0, 9),
        (9, 14),
        (13, 14),
        (13, 15),
        (12, 15),
        (0, 12),
    ]


def test_the_bars_of_the_bridge_are_those_numbers_with_their_signs(shop, drawing):
    ax, language = drawing
    plot_customer_bridge(shop, language=language, ax=ax)
    assert [bar.get_height() for bar in ax.patches] == [9, 5, 1, 2, 3, 12]
    assert texts(ax) == ["9", "+5", "−1", "+2", "−3", "12"]
    assert all(number in ax.figure._workbook["alt"] for number in ("9", "5", "2", "3", "12"))


def test_no_bridge_without_customers_and_none_where_a_step_is_not_measured(shop, drawing):
    ax, language = drawing
    nobody = Results(shop.book, {**shop.frames, "kpis": shop.kpis.assign(value=0.0)})
    assert plot_customer_bridge(nobody, language=language, ax=ax) == NotMeasured("no_rows")
    kpis = shop.kpis[shop.kpis["metric"] != "lost_customers"]
    assert bridge_steps(Results(shop.book, {**shop.frames, "kpis": kpis})) == NotMeasured("metric_absent")


# --- over time ------------------------------------------------------------------------------------


def test_the_trend_has_a_row_for_each_period_with_customers_at_its_start(shop):
    rows = figure_by_period(shop, RETENTION)
    assert rows["period"].tolist() == ["2024Q2", "2024Q4"]
    assert rows["value"].tolist() == pytest.approx([0, 6 / 9])
    assert rows["n"].tolist() == [1, 9]
    assert rows[["low", "high"]].iloc[1].tolist() == pytest.approx(
        [float(end) for end in wilson_interval(6, 9)]
    )


def test_points_stand_where_the_rates_are_with_n_below_each_period(shop, drawing):
    ax, language = drawing
    plot_retention_trend(shop, language=language, ax=ax)
    assert ax.get_lines()[0].get_ydata().tolist() == pytest.approx([0, 6 / 9])
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["2024Q2\n1", "2024Q4\n9"]
    assert "66.7%" in texts(ax)
    assert "66.7%" in ax.figure._workbook["alt"] and "35.4–87.9%" in ax.figure._workbook["alt"]


def test_a_trend_without_a_figure_says_why(shop, drawing):
    ax, language = drawing
    kpis = shop.kpis.assign(value=float("nan"), status="not_measured", reason="no_rows")
    nothing = Results(shop.book, {**shop.frames, "kpis": kpis})
    assert plot_retention_trend(nothing, language=language, ax=ax) == NotMeasured("no_rows")


# --- by group -------------------------------------------------------------------------------------


def test_groups_come_in_their_declared_order_and_dimensions_of_one_group_are_left_out(shop):
    rows = groups_of(shop, RETENTION, "en")
    # By revenue of the year before: k0–k2; k3–k5 and l0 (20 each); l1 and l2 (15). All are existing ones.
    assert rows["group_name"].tolist() == ["top third", "middle third", "bottom third"]
    assert rows["value"].tolist() == pytest.approx([1, 3 / 4, 0])
    assert rows["n"].tolist() == [3, 4, 2]
    assert rows["n_detail"].tolist() == ["! small sample"] * 3
    assert "New or existing" in left_out_note(shop, "en")
    assert "新老客户" in left_out_note(shop, "zh")


def test_each_group_has_a_point_on_a_line_of_its_own(shop, drawing):
    ax, language = drawing
    plot_retention_by_group(shop, language=language, ax=ax)
    points = [
        (line.get_xdata()[0], line.get_ydata()[0]) for line in ax.get_lines() if line.get_marker() == "o"
    ]
    assert points == [(1, 1), (0.75, 2), (0, 3)]  # line 0 holds the dimension's name
    labels = [tick.get_text() for tick in ax.get_yticklabels()]
    assert labels[-1] == {"en": "Value band", "zh": "价值分层"}[language]
    assert "75.0%" in ax.figure._workbook["alt"]


def test_where_no_dimension_splits_the_customers_it_is_said(shop, drawing):
    ax, language = drawing
    kpis = shop.kpis[shop.kpis["by"].isna()]
    found = plot_retention_by_group(
        Results(shop.book, {**shop.frames, "kpis": kpis}), language=language, ax=ax
    )
    assert isinstance(found, NotMeasured)


# --- cohorts --------------------------------------------------------------------------------------


def cohorts(end=date(2024, 4, 1), months=1, rows=()):
    """Results that hold these cohorts only: (cohort, first day, span, buyers, size)."""
    names = ["cohort", "starts_on", "steps_since", "customers", "size"]
    frame = pd.DataFrame(rows, columns=names)
    frame = frame.assign(
        months=months, starts_on=pd.to_datetime(frame["starts_on"]), share=frame["customers"] / frame["size"]
    )
    return SimpleNamespace(cohorts=frame, book=SimpleNamespace(window=SimpleNamespace(end=end)))


ROWS = [
    ("2024-01", "2024-01-01", 0, 10, 10), ("2024-01", "2024-01-01", 1, 4, 10),
    ("2024-01", "2024-01-01", 2, 3, 10), ("2024-02", "2024-02-01", 0, 5, 5),
    ("2024-03", "2024-03-01", 0, 8, 8),
]  # fmt: skip


def test_cohorts_lie_in_rows_and_a_span_in_which_nobody_bought_is_zero():
    shares = cohort_shares(cohorts(rows=ROWS))
    assert shares.index.tolist() == [("2024-01", 10), ("2024-02", 5)]  # March has no span after its own yet
    assert shares.loc[("2024-01", 10)].tolist() == [0.4, 0.3]
    assert shares.loc[("2024-02", 5), 1] == 0  # March is over, and nobody of February bought in it
    assert pd.isna(shares.loc[("2024-02", 5), 2])


def test_a_month_that_is_not_over_is_left_out():
    shares = cohort_shares(cohorts(end=date(2024, 3, 20), rows=ROWS))
    assert shares.columns.tolist() == [1]
    assert shares.loc[("2024-01", 10), 1] == 0.4


def test_the_newest_cohorts_and_the_first_spans_are_shown():
    index = pd.MultiIndex.from_tuples([(f"c{i:02d}", 1) for i in range(20)], names=["cohort", "size"])
    shown = shown_part(pd.DataFrame(0.5, index, columns=range(1, 31)))
    assert shown.shape == (12, 12)
    assert shown.index[0] == ("c08", 1)
    assert shown.columns.tolist() == list(range(1, 13))


def test_the_cells_of_the_heat_map_hold_the_shares_in_percent(drawing):
    ax, language = drawing
    plot_cohort_retention(cohorts(rows=ROWS), language=language, ax=ax)
    assert [float(cell) for cell in ax.collections[0].get_array().compressed()] == pytest.approx([40, 30, 0])
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["2024-01 · 10", "2024-02 · 5"]
    assert [text for text in texts(ax) if text] == ["40", "30", "0"]
    assert "40.0%" in ax.figure._workbook["alt"]


def test_no_cohort_no_chart(drawing):
    ax, language = drawing
    assert plot_cohort_retention(cohorts(), language=language, ax=ax) == NotMeasured("no_rows")
