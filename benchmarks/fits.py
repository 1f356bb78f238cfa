"""Fitting the customer models: parameters, log-likelihood and standard errors from histories."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from inputs import load_customers, write_customers
from measuring import Call, Sizes, Task, Warmed, Way, times_faster

COMPILED_LEAST = 1_000_000  # fewer rows are not worth loading what is compiled
LIFETIMES_MOST = 10_000_000  # where it takes minutes and gigabytes
SIZES = Sizes(small=(10_000,), default=(10_000, 100_000, 1_000_000, 10_000_000))


def without_numba() -> None:
    """From here on, this process has no numba."""
    sys.modules["numba"] = None  # type: ignore[assignment]


def answer_of(fit: Any) -> dict[str, float]:
    errors = {f"standard error of {name}": error for name, error in fit.standard_errors.items()}
    return {"log_likelihood": fit.log_likelihood, **fit.params, **errors}


def fit_on_numpy(path: Path) -> Call:
    without_numba()
    return bg_nbd_of(load_customers(path))


def bg_nbd_of(data: dict[str, Any]) -> Call:
    from analysis.models import fit_bg_nbd

    return lambda: answer_of(fit_bg_nbd(data["x"], data["t_x"], data["T"]))


def fit_compiled(path: Path) -> Warmed:
    """With numba, compiled from nothing before the clock starts."""
    os.environ["NUMBA_CACHE_DIR"] = tempfile.mkdtemp(dir=path.parent)
    from analysis.models import compile_fits

    start = time.perf_counter()
    assert compile_fits()
    cold_seconds = time.perf_counter() - start
    return Warmed(bg_nbd_of(load_customers(path)), cold_seconds)


def answer_of_lifetimes(fit: Any, n_customers: float, n_repeats: float) -> dict[str, float]:
    """Its likelihood is a mean per customer, in a time unit of its own."""
    import math

    in_its_own_time_unit = -fit._negative_log_likelihood_ * n_customers
    errors = {f"standard error of {name}": error for name, error in fit.standard_errors_.items()}
    log_likelihood = in_its_own_time_unit + n_repeats * math.log(fit._scale)
    return {"log_likelihood": log_likelihood, **fit.params_, **errors}


def fit_with_lifetimes(path: Path) -> Call:
    from lifetimes import BetaGeoFitter

    data = load_customers(path)

    def call() -> dict[str, float]:
        fit = BetaGeoFitter().fit(data["x"], data["t_x"], data["T"])
        return answer_of_lifetimes(fit, len(data["x"]), data["x"].sum())

    return call


def fit_weighted_with_lifetimes(path: Path) -> Call:
    """Like histories are put together first; that is part of the call, as ours puts together what pays."""
    import pandas as pd
    from lifetimes import BetaGeoFitter

    data = load_customers(path)
    customers = pd.DataFrame({name: data[name] for name in ("x", "t_x", "T")})

    def call() -> dict[str, float]:
        rows = customers.groupby(["x", "t_x", "T"], sort=False).size().reset_index(name="weights")
        fit = BetaGeoFitter().fit(rows["x"], rows["t_x"], rows["T"], weights=rows["weights"])
        return answer_of_lifetimes(fit, len(customers), data["x"].sum())

    return call


def repeaters(path: Path) -> tuple[Any, Any]:
    """How often, and for how much on average, customers bought again."""
    data = load_customers(path)
    bought_again = data["spend"] > 0
    return data["x"][bought_again], data["spend"][bought_again]


def fit_spend_on_numpy(path: Path) -> Call:
    from analysis.models import fit_gamma_gamma

    without_numba()
    x, spend = repeaters(path)
    return lambda: answer_of(fit_gamma_gamma(x, spend))


def fit_spend_with_lifetimes(path: Path) -> Call:
    from lifetimes import GammaGammaFitter

    x, spend = repeaters(path)

    def call() -> dict[str, float]:
        fit = GammaGammaFitter().fit(x, spend)
        errors = {f"standard error of {name}": error for name, error in fit.standard_errors_.items()}
        return {"log_likelihood": -fit._negative_log_likelihood_ * len(x), **fit.params_, **errors}

    return call


def tolerances(*parameters: str) -> dict[str, float]:
    """The likelihood is flat at its top: lifetimes stops a little beside it."""
    errors = {f"standard error of {name}": 1e-2 for name in parameters}
    return {"log_likelihood": 1e-8} | dict.fromkeys(parameters, 1e-4) | errors


TASKS = (
    Task(
        "BG/NBD fit with standard errors",
        {
            "analysis, NumPy": Way(fit_on_numpy),
            "analysis, numba": Way(fit_compiled, needs="numba", at_least=COMPILED_LEAST),
            "lifetimes": Way(fit_with_lifetimes, at_most=LIFETIMES_MOST),
            "lifetimes, weighted rows": Way(fit_weighted_with_lifetimes, at_most=LIFETIMES_MOST),
        },
        write=write_customers,
        sizes=SIZES,
        tolerance=tolerances("r", "alpha", "a", "b"),
        floors=(
            times_faster("analysis, NumPy", "lifetimes", 1_000_000, 40),
            times_faster("analysis, numba", "lifetimes", 1_000_000, 100),
        ),
    ),
    Task(
        "Gamma-Gamma fit with standard errors",
        {
            "analysis": Way(fit_spend_on_numpy),
            "lifetimes": Way(fit_spend_with_lifetimes, at_most=LIFETIMES_MOST),
        },
        write=write_customers,
        sizes=Sizes(small=(10_000,), default=(1_000_000, 10_000_000)),
        tolerance=tolerances("p", "q", "v"),
    ),
)
