"""The compiled loops give what NumPy gives, refuse what it refuses, and are asked for only where they pay."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest

from analysis.models import beta_geometric, compiled, fit_bg_nbd, fit_mbg_nbd
from analysis.models.histories import Histories, check_histories

BOTH = pytest.mark.parametrize("coins_at_start", [0, 1])
POINTS = [(0.25, 4.5, 0.8, 2.5), (5.0, 40.0, 30.0, 2e3), (0.05, 0.1, 1e-4, 0.3), (1e-5, 1e7, 1e4, 1e-5)]


@pytest.fixture
def anew():
    """What was loaded before is forgotten, here and afterwards."""
    compiled.compiled_loops.cache_clear()
    yield
    compiled.compiled_loops.cache_clear()


@pytest.fixture
def loaded(anew):
    """The loops, compiled."""
    pytest.importorskip("numba", reason="numba is not installed (the `speed` extra)")
    assert compiled.compile_fits()
    return compiled.compiled_loops()


@pytest.fixture
def plain(anew, monkeypatch):
    """The loops as plain Python in the place of the compiled ones."""
    loops = compiled.Loops(compiled.count_rows, compiled.sum_leave_terms)
    monkeypatch.setattr(compiled, "compiled_loops", lambda: loops)
    monkeypatch.setattr(compiled, "loops_for", lambda n_rows: loops)
    return loops


@pytest.fixture
def customers(simulate) -> Histories:
    """5,002 rows in whole days with weights from 0 to 3, two of them with many purchases."""
    people = simulate(5_000, seed=71, r=0.6)
    weights = np.random.default_rng(72).integers(0, 4, 5_000).astype(float)
    times = [np.floor(each * 7) / 7 for each in (people.t_x, people.T)]
    many = (300.0, 1_000.0), (30.0, 31.0), (31.0, 31.0), (1.0, 2.0)
    return check_histories(
        *(np.append(*both) for both in zip((people.x, *times, weights), many, strict=True))
    )


def by_numpy(histories, coins_at_start, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(beta_geometric, "count_days", lambda *anything: None)
        return beta_geometric.sums_of(histories, coins_at_start, 7.0)


def assert_equal_sums(histories, coins_at_start, points, monkeypatch):
    """Both ways of counting agree, and at every point so do the sums with all their derivatives."""
    ours = beta_geometric.sums_of(histories, coins_at_start, 7.0)
    theirs = by_numpy(histories, coins_at_start, monkeypatch)
    assert isinstance(ours.tossed, compiled.Days) and isinstance(theirs.tossed, Histories)
    for part in ("repeats_beyond", "tosses_beyond", "ages", "customers_at", "repeats_at"):
        assert getattr(ours, part).tolist() == getattr(theirs, part).tolist()
    for params in points:
        pairs = zip(
            *(beta_geometric.leave_terms(np.log(params), each) for each in (ours, theirs)), strict=True
        )
        for one, other in list(pairs)[:3]:
            assert one == pytest.approx(other, rel=1e-12, abs=1e-12 * np.abs(other).max())


@BOTH
def test_counts_value_gradient_and_hessian_equal_numpys(customers, coins_at_start, loaded, monkeypatch):
    assert_equal_sums(customers, coins_at_start, POINTS, monkeypatch)


@BOTH
def test_the_loops_do_the_same_before_they_are_compiled(customers, coins_at_start, plain, monkeypatch):
    assert_equal_sums(customers.take(np.arange(4_200, 5_002)), coins_at_start, POINTS[:1], monkeypatch)


def test_log_one_plus_e_to_the_u_is_right_to_the_last_digit(plain):
    """x = 1, t_x = T and b = 1 make u = log a."""
    rows = compiled.Days(*np.array([[1], [0], [0]]), np.ones(1))
    many = np.concatenate([np.linspace(-30, 30, 241), [-800.0, -740.0, -100.0, 100.0, 1e4]])
    with np.errstate(over="ignore"):
        sums = [compiled.leave_terms_of_days(np.array([0, 0, u, 0]), rows, np.zeros(2), 7.0) for u in many]
    values, slopes = [value for value, _, _ in sums], [slope[2] for _, slope, _ in sums]
    assert values == pytest.approx(np.logaddexp(0, many), rel=1e-15, abs=1e-300)
    assert slopes == pytest.approx(np.exp(-np.logaddexp(0, -many)), rel=1e-14, abs=1e-300)


def test_no_number_stays_no_number(customers, loaded):
    sums = beta_geometric.sums_of(customers, 0, 7.0)
    for theta in (np.full(4, np.nan), np.array([0.0, 0.0, np.nan, 0.0])):
        assert np.isnan(beta_geometric.leave_terms(theta, sums)[0])


@pytest.mark.parametrize("fit_one", [fit_bg_nbd, fit_mbg_nbd])
def test_the_fit_is_the_same(customers, fit_one, loaded, monkeypatch):
    columns = customers.x[:5_000], customers.t_x[:5_000], customers.T[:5_000]
    fast = fit_one(*columns)
    monkeypatch.setattr(beta_geometric, "count_days", lambda *anything: None)
    numpys = fit_one(*columns)
    assert fast.params == pytest.approx(numpys.params, rel=1e-9)
    assert fast.log_likelihood == pytest.approx(numpys.log_likelihood, rel=1e-12)
    assert fast.covariance == pytest.approx(numpys.covariance, rel=1e-8)


BROKEN = {
    "x": [np.nan, np.inf, -np.inf, -1.0, 1.5, 2e6, 1e300],
    "t_x": [np.nan, np.inf, -np.inf, -1.0, 1e9, 1e300],
    "T": [np.nan, np.inf, -np.inf, -1.0, -1e300],
    "weights": [np.nan, np.inf, -1.0],
}


@pytest.mark.parametrize(
    ("column", "value"), [(name, each) for name, all_ in BROKEN.items() for each in all_]
)
def test_what_cannot_be_is_refused_in_the_same_words(customers, column, value, loaded):
    """Row 5,001, the last, is broken; its x and t_x are not 0."""
    values = getattr(customers, column).copy()
    values[-1] = value
    broken = replace(customers, **{column: values})
    assert compiled.count_days(broken, 0, 7.0) is None
    with pytest.raises(ValueError, match="row 5001") as refused:
        check_histories(broken.x, broken.t_x, broken.T, broken.weights)
    with pytest.raises(ValueError) as refused_by_fit:
        fit_bg_nbd(broken.x, broken.t_x, broken.T, broken.weights)
    assert str(refused_by_fit.value) == str(refused.value)


def test_a_last_purchase_without_purchases_is_refused(customers, loaded):
    x = customers.x.copy()
    x[-1] = 0
    with pytest.raises(ValueError, match="t_x must be 0 where x is 0; row 5001"):
        fit_bg_nbd(x, customers.t_x, customers.T)


@pytest.mark.parametrize("column", ["t_x", "T"])
def test_times_within_days_and_far_ages_are_left_to_numpy(customers, column, loaded):
    assert compiled.count_days(customers, 0, 7.0) is not None
    values = getattr(customers, column)
    assert compiled.count_days(replace(customers, **{column: values * 0.999}), 0, 7.0) is None
    assert compiled.count_days(replace(customers, T=customers.T + 1_000), 0, 7.0) is None


def test_columns_that_may_not_be_written_are_read_by_the_same_code(customers, loaded):
    """Pandas gives out such columns; compiling anew for them would take seconds."""
    columns = customers.x.copy(), customers.t_x.copy(), customers.T.copy()
    for column in columns:
        column.flags.writeable = False
    assert compiled.count_days(Histories(*columns, customers.weights), 0, 7.0) is not None
    assert [len(loop.signatures) for loop in loaded] == [1, 1]


def test_numba_is_not_asked_for_on_few_rows_or_unasked(anew):
    assert compiled.loops_for(compiled.ROWS_WORTH_LOADING - 1) is None
    assert compiled.compiled_loops.cache_info().currsize == 0  # it has not even been looked for


def test_few_rows_are_left_to_numpy(loaded):
    assert compiled.loops_for(compiled.LEAST_ROWS) is loaded
    assert compiled.loops_for(compiled.LEAST_ROWS - 1) is None


def test_without_numba_fits_are_numpys(monkeypatch, anew):
    monkeypatch.setitem(sys.modules, "numba", None)
    assert not compiled.compile_fits()
    assert compiled.loops_for(10**9) is None


def test_where_the_compiled_code_cannot_be_kept_it_is_compiled_all_the_same(monkeypatch, anew):
    numba = pytest.importorskip("numba", reason="numba is not installed (the `speed` extra)")

    def njit(signature, cache=False, **settings):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: (function, settings["nogil"])

    monkeypatch.setattr(numba, "njit", njit)
    assert compiled.compiled_loops() == ((compiled.count_rows, True), (compiled.sum_leave_terms, True))
