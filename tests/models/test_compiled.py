"""The compiled sum gives what NumPy gives, and is asked for only where it pays."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from analysis.models import beta_geometric, compiled, fit_bg_nbd
from analysis.models.histories import check_histories

POINTS = [(0.25, 4.5, 0.8, 2.5), (5.0, 40.0, 30.0, 2e3), (0.05, 0.1, 1e-4, 0.3), (1e-5, 1e7, 1e4, 1e-5)]


@pytest.fixture
def anew():
    """What was loaded before is forgotten, here and afterwards."""
    compiled.compiled_leave_terms.cache_clear()
    yield
    compiled.compiled_leave_terms.cache_clear()


@pytest.fixture
def tossed(simulate):
    people = simulate(5_000, seed=71, r=0.6)
    weights = np.random.default_rng(72).integers(0, 4, 5_000).astype(float)
    many = np.array([300.0, 2_000.0])
    columns = (people.x, many), (people.t_x, [30.0, 31.0]), (people.T, [31.0, 31.0]), (weights, [1.0, 2.0])
    return check_histories(*(np.concatenate(each) for each in columns))


def both_ways(theta, sums, monkeypatch):
    """The parts of ``leave_terms`` row by row in plain Python or compiled, and by NumPy."""
    by_numpy = beta_geometric.leave_terms(theta, sums)[:3]
    kernel = compiled.compiled_leave_terms() or compiled.sum_leave_terms
    monkeypatch.setattr(beta_geometric, "leave_terms_for", lambda n_rows: kernel)
    return beta_geometric.leave_terms(theta, sums)[:3], by_numpy


def assert_equal_to_rounding(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        assert one == pytest.approx(other, rel=1e-12, abs=1e-12 * np.abs(other).max())


@pytest.mark.parametrize("coins_at_start", [0, 1])
@pytest.mark.parametrize("params", POINTS)
def test_value_gradient_and_hessian_equal_numpys(tossed, coins_at_start, params, monkeypatch):
    pytest.importorskip("numba", reason="numba is not installed (the `speed` extra)")
    sums = beta_geometric.sums_of(tossed, coins_at_start, 7.0)
    assert_equal_to_rounding(*both_ways(np.log(params), sums, monkeypatch))


@pytest.mark.parametrize("coins_at_start", [0, 1])
def test_the_sum_is_the_same_before_it_is_compiled(tossed, coins_at_start, monkeypatch, anew):
    monkeypatch.setitem(sys.modules, "numba", None)
    sums = beta_geometric.sums_of(tossed.take(np.arange(4_600, 5_002)), coins_at_start, 7.0)
    assert_equal_to_rounding(*both_ways(np.log(POINTS[0]), sums, monkeypatch))


def test_the_fit_is_the_same(simulate, monkeypatch, anew):
    pytest.importorskip("numba", reason="numba is not installed (the `speed` extra)")
    people = simulate(8_000, seed=73)
    plain = fit_bg_nbd(people.x, people.t_x, people.T)
    monkeypatch.setattr(compiled, "LEAST_ROWS", 1_000)
    assert compiled.compile_fits()
    assert compiled.leave_terms_for(1_000) is not None
    fast = fit_bg_nbd(people.x, people.t_x, people.T)
    assert fast.params == pytest.approx(plain.params, rel=1e-9)
    assert fast.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-12)
    assert fast.covariance == pytest.approx(plain.covariance, rel=1e-8)


def test_numba_is_not_asked_for_on_few_rows_or_unasked(anew):
    assert compiled.leave_terms_for(compiled.ROWS_WORTH_LOADING - 1) is None
    assert compiled.compiled_leave_terms.cache_info().currsize == 0  # it has not even been looked for


def test_without_numba_fits_are_numpys(monkeypatch, anew):
    monkeypatch.setitem(sys.modules, "numba", None)
    assert not compiled.compile_fits()
    assert compiled.leave_terms_for(10**9) is None


def test_where_the_compiled_code_cannot_be_kept_it_is_compiled_all_the_same(monkeypatch, anew):
    def njit(cache=False, **settings):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: (function, settings["nogil"])

    monkeypatch.setitem(sys.modules, "numba", type("numba", (), {"njit": staticmethod(njit)}))
    assert compiled.compiled_leave_terms() == (compiled.sum_leave_terms, True)
