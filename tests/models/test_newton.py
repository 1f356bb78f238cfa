"""The maximum is found, and what is no maximum is not called one."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.models import beta_geometric, newton
from analysis.models.histories import check_histories
from analysis.models.newton import is_doubtful, maximise, maximise_in_stages

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


def saddle(theta):
    """Level at the origin, where it bends upwards along x; peaks of ¼ at x = ±1/√2."""
    x, y = theta
    value = x**2 - x**4 - y**2
    return value, np.array([2 * x - 4 * x**3, -2 * y]), np.array([[2 - 12 * x**2, 0], [0, -2]])


@pytest.mark.parametrize("start", [(0.01, 1.0), (0.0, 1.0), (0.0, 0.0)])
def test_a_saddle_is_left_even_by_one_who_starts_on_it(start):
    found = maximise(saddle, [np.array(start)], *BOX)
    assert (found.converged, found.method) == (True, "Newton")
    assert abs(found.theta[0]) == pytest.approx(0.5**0.5, abs=1e-5)
    assert found.value == pytest.approx(0.25, abs=1e-9)


def test_a_level_plain_is_a_maximum_and_is_doubtful():
    def ridge(theta):
        return -(theta.sum() ** 2), -2 * np.full(2, theta.sum()), np.full((2, 2), -2.0)

    found = maximise(ridge, [np.array([1.0, 2.0])], *BOX)
    assert found.converged and found.theta.sum() == pytest.approx(0, abs=1e-6)
    assert is_doubtful(found)


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


def test_the_simplex_is_reached_where_slopes_are_missing():
    """No slope further than 0.3 from the peak: L-BFGS-B cannot start, the simplex gets there."""

    def half_blind(theta):
        value, slope, bend = bowl(theta)
        return value, np.where(np.linalg.norm(theta - PEAK) > 0.3, np.nan, slope), bend

    found = maximise(half_blind, [np.zeros(2)], *BOX)
    assert (found.converged, found.method) == (True, "Nelder-Mead")
    assert found.theta == pytest.approx(PEAK, abs=1e-6)


def test_where_slopes_are_missing_everywhere_nothing_is_called_a_maximum():
    found = maximise(lambda theta: (bowl(theta)[0], np.full(2, np.nan), BEND), [np.zeros(2)], *BOX)
    assert not found.converged


def test_a_higher_point_that_did_not_settle_is_followed_up():
    """Newton settles on the lower peak near −0.93 and is blind right of 0; L-BFGS-B climbs the higher at 1.06."""

    def two_peaks(theta):
        x = theta[0]
        value = -((x**2 - 1) ** 2) + x / 2
        bend = np.nan if x > 0 else 4 - 12 * x**2
        return value, np.array([-4 * x * (x**2 - 1) + 0.5]), np.array([[bend]])

    found = maximise(two_peaks, [np.array([-1.0]), np.array([1.3])], np.full(1, -3.0), np.full(1, 3.0))
    assert (found.converged, found.method) == (True, "L-BFGS-B")
    assert found.theta[0] == pytest.approx(1.0575, abs=1e-3)


@pytest.mark.parametrize("method", ["L-BFGS-B", "Nelder-Mead"])
def test_other_methods_find_the_maximum_of_the_likelihood_itself(cdnow, method, monkeypatch):
    """With no Newton step allowed, CDNOW's published maximum of −9582.4 is found all the same."""
    sums = beta_geometric.sums_of(check_histories(cdnow["x"], cdnow["t_x"], cdnow["T"]), 0, 7.0)
    monkeypatch.setattr(newton, "MOST_STEPS", 0)
    monkeypatch.setattr(newton, "OTHER_METHODS", {method: newton.OTHER_METHODS[method]})
    found = maximise(
        lambda theta: beta_geometric.evaluate(theta, sums),
        beta_geometric.starts_for(sums),
        *beta_geometric.edges_for(sums),
    )
    assert (found.converged, found.method) == (True, method)
    assert np.exp(found.theta) == pytest.approx([0.2426, 4.4136, 0.7929, 2.4259], abs=2e-3)
    assert found.value == pytest.approx(-9582.4292, abs=1e-3)


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
