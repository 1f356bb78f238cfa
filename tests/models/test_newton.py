"""The maximum is found, and what is no maximum is not called one."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.models.newton import maximise, maximise_in_stages

BOX = np.full(2, -10.0), np.full(2, 10.0)
PEAK = np.array([1.0, -2.0])
BEND = np.array([[-4.0, 1.0], [1.0, -2.0]])


def bowl(theta):
    """A quadratic with its peak of 5 at (1, −2)."""
    off = theta - PEAK
    return 5 + off @ BEND @ off / 2, BEND @ off, BEND


def banana(theta):
    """Rosenbrock's function upside down: a curved ridge with its peak of 0 at (1, 1)."""
    x, y = theta
    value = -((1 - x) ** 2 + 100 * (y - x**2) ** 2)
    slope = np.array([2 * (1 - x) + 400 * x * (y - x**2), -200 * (y - x**2)])
    return value, slope, np.array([[-2 + 400 * y - 1200 * x**2, 400 * x], [400 * x, -200.0]])


def test_a_quadratic_takes_one_step():
    found = maximise(bowl, [PEAK + [0.5, 0.5]], *BOX)
    assert found.theta == pytest.approx(PEAK, abs=1e-12)
    assert (found.converged, found.method, found.n_evaluations) == (True, "Newton", 2)


def test_a_curved_ridge_is_climbed_to_its_peak():
    found = maximise(banana, [np.array([-1.2, 1.0])], *BOX)
    assert found.converged
    assert found.theta == pytest.approx([1, 1], abs=1e-4)


def test_the_highest_of_several_peaks_wins():
    def two_peaks(theta):
        x = theta[0]  # −(x² − 1)² + x/2: peaks near −0.93 and 1.06, the second higher
        value = -((x**2 - 1) ** 2) + x / 2
        return value, np.array([-4 * x * (x**2 - 1) + 0.5]), np.array([[4 - 12 * x**2]])

    one = np.full(1, -3.0), np.full(1, 3.0)
    assert maximise(two_peaks, [np.array([-1.0])], *one).theta[0] < 0
    assert maximise(two_peaks, [np.array([-1.0]), np.array([2.0])], *one).theta[0] == pytest.approx(
        1.0575, abs=1e-3
    )


def test_a_saddle_is_left():
    def saddle(theta):  # x − x⁴ curvature: upwards along x at 0, peaks at x = ±1/√2
        x, y = theta
        value = x**2 - x**4 - y**2
        return value, np.array([2 * x - 4 * x**3, -2 * y]), np.array([[2 - 12 * x**2, 0], [0, -2]])

    found = maximise(saddle, [np.array([0.01, 1.0])], *BOX)
    assert abs(found.theta[0]) == pytest.approx(0.5**0.5, abs=1e-5)


def test_a_function_that_rises_for_ever_ends_at_the_edge_and_says_so():
    def rising(theta):
        tail = np.exp(-theta[0])
        return -tail - theta[1] ** 2, np.array([tail, -2 * theta[1]]), np.array([[-tail, 0], [0, -2.0]])

    found = maximise(rising, [np.zeros(2)], *BOX)
    assert found.at_edge.tolist() == [True, False]
    assert found.theta[0] == 10


def test_a_useless_hessian_falls_back_on_another_method():
    def blind(theta):
        value, slope, _ = bowl(theta)
        return value, slope, np.full((2, 2), np.nan)

    found = maximise(blind, [np.zeros(2)], *BOX)
    assert (found.converged, found.method) == (True, "L-BFGS-B")
    assert found.theta == pytest.approx(PEAK, abs=1e-4)


def test_a_function_without_values_has_no_maximum():
    def nowhere(theta):
        return np.nan, np.zeros(2), np.zeros((2, 2))

    assert not maximise(nowhere, [np.zeros(2)], *BOX).converged


def test_a_misleading_sample_does_not_decide():
    def misleading(theta):  # rises towards the upper edge, where the full function is flat
        return theta.sum(), np.ones(2), np.zeros((2, 2))

    def hill(theta):
        height = np.exp(-((theta - PEAK) ** 2).sum() / 2)
        off = theta - PEAK
        return 100 * height, -100 * height * off, 100 * height * (np.outer(off, off) - np.eye(2))

    found = maximise_in_stages(misleading, hill, [np.zeros(2)], *BOX)
    assert found.theta == pytest.approx(PEAK, abs=1e-5)
