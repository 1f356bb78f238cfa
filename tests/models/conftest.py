"""Histories to fit: the CDNOW sample as published, and customers simulated from planted parameters."""

from __future__ import annotations

import contextlib
import warnings
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="session")
def purchase_days() -> pd.DataFrame:
    """One row for each customer and day of purchase in the CDNOW sample, with the day's total."""
    log = Path(find_spec("lifetimes").origin).parent / "datasets" / "CDNOW_sample.txt"
    lines = pd.read_csv(
        log, sep=r"\s+", header=None, names=["master_id", "customer", "day", "discs", "amount"]
    )
    lines["day"] = pd.to_datetime(lines["day"].astype(str))
    return lines.groupby(["customer", "day"], as_index=False)["amount"].sum()


def histories_until(purchase_days: pd.DataFrame, last_day: str) -> pd.DataFrame:
    """One row for each customer known at the end of that day; times in weeks."""
    seen = purchase_days[purchase_days["day"] <= last_day]
    days = seen.groupby("customer")["day"]
    first, last = days.min(), days.max()
    repeats = seen[seen["day"] > seen["customer"].map(first)]
    return pd.DataFrame(
        {
            "x": days.size() - 1,
            "t_x": (last - first).dt.days / 7,
            "T": (pd.Timestamp(last_day) - first).dt.days / 7,
            "mean_spend": repeats.groupby("customer")["amount"].mean(),
        }
    )


@pytest.fixture(scope="session")
def histories_at(purchase_days):
    """The histories of the CDNOW sample at the end of any day."""
    return lambda last_day: histories_until(purchase_days, last_day)


@pytest.fixture(scope="session")
def cdnow(histories_at) -> pd.DataFrame:
    """2,357 customers over the 39 weeks to 1997-09-30, as in Fader, Hardie and Lee (2005)."""
    return histories_at("1997-09-30")


@pytest.fixture(scope="session")
def repeaters(cdnow) -> pd.DataFrame:
    """The 946 customers with a repeat purchase and a positive mean spend."""
    return cdnow[(cdnow["x"] > 0) & (cdnow["mean_spend"] > 0)]


@pytest.fixture(scope="session")
def bought_after(purchase_days):
    """Repeat purchases of these customers after one day and up to another."""

    def count(customers: pd.Index, after: str, until: str) -> pd.Series:
        first = purchase_days.groupby("customer")["day"].min()
        repeats = purchase_days[purchase_days["day"] > purchase_days["customer"].map(first)]
        within = repeats[(repeats["day"] > after) & (repeats["day"] <= until)]
        return within.groupby("customer").size().reindex(customers).fillna(0.0)

    return count


@pytest.fixture(scope="session")
def lifetimes():
    """The lifetimes package, its warnings contained."""
    with quietly():
        import lifetimes

    return lifetimes


@contextlib.contextmanager
def quietly():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(scope="session")
def quiet():
    """A context without warnings, for calls into lifetimes."""
    return quietly


def simulated_purchases(
    n: int,
    seed: int,
    *,
    r: float = 0.25,
    alpha: float = 4.5,
    a: float = 0.8,
    b: float = 2.5,
    coins_at_start: int = 0,
    observed: float | None = None,
    ahead: float = 0.0,
) -> SimpleNamespace:
    """Customers bought from BG/NBD (or MBG/NBD) in continuous time: histories until T and purchases in the
    time ahead.

    T is the same for all where ``observed`` is given, else uniform over 1 to 80.
    """
    rng = np.random.default_rng(seed)
    T = np.full(n, float(observed)) if observed is not None else rng.uniform(1, 80, n)
    rate, leaves = rng.gamma(r, 1 / alpha, n), rng.beta(a, b, n)
    x, t_x, future, now = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
    staying = np.flatnonzero(rng.random(n) > leaves * coins_at_start)
    while len(staying):
        now[staying] += rng.exponential(size=len(staying)) / rate[staying]
        staying = staying[now[staying] <= T[staying] + ahead]
        before = staying[now[staying] <= T[staying]]
        x[before] += 1
        t_x[before] = now[before]
        future[np.setdiff1d(staying, before, assume_unique=True)] += 1
        staying = staying[rng.random(len(staying)) > leaves[staying]]
    return SimpleNamespace(x=x, t_x=t_x, T=T, future=future)


@pytest.fixture(scope="session")
def simulate():
    return simulated_purchases


def simulated_spend(
    x: np.ndarray, seed: int, *, p: float = 6.0, q: float = 4.0, v: float = 15.0
) -> np.ndarray:
    """Mean spend of x purchases of each customer under Gamma-Gamma; 0 where x is 0."""
    rng = np.random.default_rng(seed)
    level = rng.gamma(q, 1 / v, len(x))
    some = np.maximum(x, 1)
    return np.where(x > 0, rng.gamma(p * some) / level / some, 0.0)


@pytest.fixture(scope="session")
def simulate_spend():
    return simulated_spend
