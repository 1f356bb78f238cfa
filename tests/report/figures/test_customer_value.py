"""Figures of customer value draw what the frames hold."""

from __future__ import annotations

from datetime import date

import matplotlib
import pandas as pd
import pytest

from analysis.facts import NotMeasured
from analysis.report.figures.customer_value import (
    WEEKS_SHOWN,
    first_unseen_day,
    plot_calibration,
    plot_cumulative_purchases,
    plot_equity_bridge,
    plot_value_curve,
    plot_weekly_purchases,
)
from analysis.report.figures.style import PALETTE
from analysis.suite import Results

matplotlib.use("agg")
TRACKING = [plot_cumulative_purchases, plot_weekly_purchases]
EVERY_PLOT = [plot_value_curve, plot_equity_bridge, plot_calibration, *TRACKING]
NOTHING = object()  # no drawing is needed where nothing is drawn


def replaced(results: Results, **frames: pd.DataFrame) -> Results:
    return Results(results.book, {**results.frames, **frames})


def told(ax) -> dict[str, str]:
    return ax.figure._workbook


# --- where the value sits -----------------------------------------------------------------------------


@pytest.fixture
def valued(shop: Results) -> Results:
    """The shop with ten customers worth 60, 10, and eight times 3.75."""
    customers = pd.DataFrame({"predicted_clv": [60.0, 10.0, *[3.75] * 8]})
    kpis = shop.kpis.copy()
    own = (kpis["metric"] == "customer_equity") & (kpis["period"] == "2024Q4") & kpis["by"].isna()
    columns = ["value", "status", "reason"]
    kpis.loc[own, columns] = pd.Series([100.0, "measured", None], columns).to_numpy()
    return replaced(shop, customers=customers, kpis=kpis)


def test_the_curve_is_drawn_with_its_points_named(valued, drawing):
    ax, language = drawing
    plot_value_curve(valued, language=language, ax=ax)
    _, curve, points = ax.get_lines()
    assert curve.get_ydata()[:3].tolist() == pytest.approx([0.0, 0.6, 0.7])
    assert points.get_xdata().tolist() == [0.1, 0.2, 0.5]
    # 60; 60 + 10; 60 + 10 + 3 · 3.75 of 100
    assert points.get_ydata().tolist() == pytest.approx([0.6, 0.7, 0.8125])
    shares = [text.get_text() for text in ax.texts]
    assert all(any(share in text for text in shares) for share in ("60%", "70%", "81%"))
    assert "60%" in told(ax)["alt"]
    assert "€100" in told(ax)["note"]


def test_value_that_adds_up_to_nothing_has_no_curve(valued):
    nothing = replaced(valued, customers=pd.DataFrame({"predicted_clv": [0.0, 0.0]}))
    assert plot_value_curve(nothing, language="en", ax=NOTHING) == NotMeasured("zero_denominator")


# --- how it changed -----------------------------------------------------------------------------------


def bridge() -> pd.DataFrame:
    amounts = {"opening": 780_202.0, "bought": 130_184.0, "stayed_silent": -166_683.0, "horizon": 0.77,
               "settings": 0.0, "closing": 743_703.77}  # fmt: skip
    return pd.DataFrame({"step": list(amounts), "amount": list(amounts.values()), "customers": 23_570})


def test_the_waterfall_s_bars_are_the_steps(shop, drawing):
    ax, language = drawing
    plot_equity_bridge(replaced(shop, bridge=bridge()), language=language, ax=ax)
    bars = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in ax.patches]
    assert bars == [(0, 780_202), (780_202, 910_386), (910_386, 743_703), (0, pytest.approx(743_703.77))]


def test_a_gain_and_a_loss_differ_in_sign_and_colour(shop, drawing):
    ax, language = drawing
    plot_equity_bridge(replaced(shop, bridge=bridge()), language=language, ax=ax)
    colours = [matplotlib.colors.to_hex(bar.get_facecolor()) for bar in ax.patches]
    assert colours == [PALETTE[role] for role in ("main", "better", "worse", "main")]
    signs = [text.get_text()[0] for text in ax.texts]
    assert signs[1:3] == ["+", "−"]


def test_the_waterfall_says_what_it_does_not_draw(shop, drawing):
    ax, language = drawing
    plot_equity_bridge(replaced(shop, bridge=bridge()), language=language, ax=ax)
    assert "€0.77" in told(ax)["note"]
    assert "€166,683" in told(ax)["alt"]  # whole amounts, where the bars have them rounded
    assert {"en": "30 Sep 2024", "zh": "2024年9月30日"}[language] in told(ax)["title"]


# --- did forecasts come true --------------------------------------------------------------------------


def calibrated(shop: Results) -> Results:
    bins = pd.DataFrame({
        "frequency": ["0", "1", "7+"], "customers": [1411, 439, 64], "expected_purchases": [0.23, 0.52, 6.16],
        "actual_purchases": [0.24, 0.70, 6.36],
    })  # fmt: skip
    return replaced(shop, calibration=bins)


def test_both_lines_of_the_calibration_are_the_frame_s(shop, drawing):
    ax, language = drawing
    plot_calibration(calibrated(shop), language=language, ax=ax)
    expected, actual = (line.get_ydata().tolist() for line in ax.get_lines())
    assert expected == [0.23, 0.52, 6.16]
    assert actual == [0.24, 0.70, 6.36]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0\n1,411", "1\n439", "7+\n64"]
    assert "6.36" in told(ax)["alt"]


def weeks(n: int, forecast_from: int) -> pd.DataFrame:
    """n weeks from the beginning of 2024, ten purchases expected and eleven made in each."""
    ends = pd.Timestamp("2024-01-01") + pd.to_timedelta(7 * pd.Series(range(1, n + 1)), unit="D")
    frame = pd.DataFrame({"time": range(1, n + 1), "ends_on": ends})
    return frame.assign(
        is_forecast=[week >= forecast_from for week in frame["time"]],
        expected_incremental=10.0,
        actual_incremental=11.0,
        expected_cumulative=10.0 * frame["time"],
        actual_cumulative=11.0 * frame["time"],
    )


def test_the_forecast_weeks_are_shaded_from_the_day_after_the_last_week_seen(shop, drawing):
    ax, language = drawing
    plot_cumulative_purchases(replaced(shop, tracking=weeks(52, 40)), language=language, ax=ax)
    # week 39 ends 273 days after 1 January 2024: on 30 September
    [shade] = ax.patches
    assert matplotlib.dates.num2date(shade.get_x()).date() == date(2024, 10, 1)
    actual, expected = ax.get_lines()
    assert actual.get_ydata()[-1] == 572
    assert expected.get_ydata()[-1] == 520
    assert "572" in told(ax)["alt"]


def test_weekly_purchases_are_summed_over_the_forecast_weeks_in_words(shop, drawing):
    ax, language = drawing
    plot_weekly_purchases(replaced(shop, tracking=weeks(52, 40)), language=language, ax=ax)
    # 13 weeks: 130 expected, 143 in fact
    assert all(number in told(ax)["alt"] for number in ("13", "130", "143"))
    assert set(ax.get_lines()[0].get_ydata()) == {11.0}


def test_of_a_long_history_single_weeks_are_drawn_for_the_last_two_years(shop, drawing):
    ax, language = drawing
    plot_weekly_purchases(replaced(shop, tracking=weeks(300, 290)), language=language, ax=ax)
    assert len(ax.get_lines()[0].get_ydata()) == WEEKS_SHOWN


def test_where_no_week_had_been_seen_the_first_day_is_the_first_week_s():
    assert first_unseen_day(weeks(3, 1)) == pd.Timestamp("2024-01-02")


# --- nothing to draw ----------------------------------------------------------------------------------


@pytest.mark.parametrize("plot", EVERY_PLOT, ids=lambda plot: plot.__name__)
def test_without_data_there_is_a_reason_instead_of_a_figure(shop, plot):
    frames = {name: shop.frames[name].head(0) for name in ("bridge", "calibration", "tracking", "holdout")}
    kpis = shop.kpis.assign(status="not_measured", reason="no_rows")
    found = plot(replaced(shop, kpis=kpis, **frames), language="en", ax=NOTHING)
    assert isinstance(found, NotMeasured)


@pytest.mark.parametrize("plot", [plot_calibration, *TRACKING], ids=lambda plot: plot.__name__)
def test_a_model_without_a_forecast_has_no_figure(shop, plot):
    bins = calibrated(shop).calibration.assign(expected_purchases=float("nan"))
    tracked = weeks(9, 5).assign(expected_incremental=float("nan"), expected_cumulative=float("nan"))
    found = plot(replaced(shop, calibration=bins, tracking=tracked), language="en", ax=NOTHING)
    assert found == NotMeasured("model_degenerate")
