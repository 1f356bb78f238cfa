"""The mathematics that BG/NBD and MBG/NBD share.

Customers buy at rate λ ~ Gamma(r, α) while they stay, and toss a coin that makes them leave with probability
p ~ Beta(a, b). In BG/NBD the coin is tossed after every repeat purchase; in MBG/NBD straight after the first
purchase too. So after ``x`` repeat purchases a customer has faced ``x + coins_at_start`` tosses, and this one
number, 0 or 1, is all that separates the two models: every formula below is Fader, Hardie and Lee's (2005)
with the number of tosses in place of ``x`` in the Beta terms.

In logarithms θ = log(r, α, a, b), with ratios of Gamma functions written out as products:

    log L(x, t_x, T) = Σ_{j<x} log(r + j) + r log α − (r + x) log(α + T)
                     + Σ_{j<k} log((b + j) / (a + b + j)) + [k ≥ 1] log(1 + e^u),            k = x +
                     coins_at_start
    u = log a − log(b + k − 1) + (r + x) log((α + T) / (α + t_x))

The first and third terms depend on x alone and are summed over tail counts (how many customers have more than
j purchases), the second on x and T and is summed over distinct T. Only u needs every row, and in BG/NBD only
rows with x ≥ 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import betainccinv, betaincinv, hyp2f1

from .compiled import Days, count_days, leave_terms_of_days
from .distinct import cells_of, mostly_distinct
from .histories import Histories, blocks_of, check_rules
from .newton import Evaluation, Maximum, maximise_in_stages

Floats = NDArray[np.float64]

LEAST_REPEATERS = 10
LEAST_DISTINCT = 5
ROWS_TO_START_FROM = 10_000
"""Larger samples are first fitted on this many rows, drawn at random with a fixed seed, to find where to
start."""
EDGES_OF_SHAPE = np.log([1e-5, 1e4])
EDGES_OF_SCALE = np.log([1e-6, 1e7])
QUANTILES_EACH_SIDE = 34
MOST_TIMES_HELD = 5000
"""Distinct times for which logarithms are held over all draws: 8 MB with 200 draws."""
STARTS = ((0.3, 1.0, 1.0, 3.0), (1.0, 1.2, 0.5, 5.0), (3.0, 1.5, 3.0, 3.0), (0.5, 2.0, 0.2, 0.5))
"""r, α in units of the r of a model without leaving, a, b."""


@dataclass(frozen=True)
class Sums:
    """Histories reduced to what the likelihood needs.

    ``repeats_beyond[j]`` customers with more than j repeat purchases; ``tosses_beyond[j]`` with more than j
    tosses; ``ages`` distinct T with ``customers_at`` and ``repeats_at`` each; ``tossed`` rows that faced a
    toss, in whole days where the compiled loops are used. T counts units of ``days_per_unit`` days.
    """

    repeats_beyond: Floats
    tosses_beyond: Floats
    ages: Floats
    customers_at: Floats
    repeats_at: Floats
    tossed: Histories | Days
    coins_at_start: int
    days_per_unit: float

    @property
    def customers(self) -> float:
        return float(self.customers_at.sum())

    @property
    def time(self) -> float:
        """Time observed, of all customers together."""
        return float(self.ages @ self.customers_at)


def fit_shape(histories: Histories, sums: Sums) -> Maximum:
    """The maximum of the likelihood in θ = log(r, α, a, b).

    Several starts are tried on a sample; the full data are climbed from where the best of them ends.
    """
    sample = None
    if len(histories.x) > 2 * ROWS_TO_START_FROM:
        rows = np.random.default_rng(0).integers(0, len(histories.x), ROWS_TO_START_FROM)
        sample = partial(
            evaluate, sums=sums_of(histories.take(rows), sums.coins_at_start, sums.days_per_unit)
        )
    return maximise_in_stages(sample, partial(evaluate, sums=sums), starts_for(sums), *edges_for(sums))


def why_not_fittable(histories: Histories, sums: Sums) -> tuple[str, dict[str, float]] | None:
    """The code of the message that says why these histories cannot teach a model; None when they can."""
    repeaters = float(sums.repeats_beyond[0]) if len(sums.repeats_beyond) else 0.0
    if sums.customers == 0:
        return "no_customers", {}
    if repeaters == 0:
        return "nobody_repeats", {"customers": sums.customers}
    if repeaters < LEAST_REPEATERS:
        return "too_few_repeaters", {"repeaters": repeaters, "least": LEAST_REPEATERS}
    distinct = count_distinct(histories)
    if distinct < LEAST_DISTINCT:
        return "too_alike", {"distinct": distinct, "least": LEAST_DISTINCT}
    return None


def count_distinct(histories: Histories) -> int:
    """How many different histories there are among the first rows, or among all where those are few."""
    n_distinct = 0
    for looked_at in (slice(1000), slice(None)):
        some = histories.weights[looked_at] > 0
        columns = [each[looked_at][some] for each in (histories.x, histories.t_x, histories.T)]
        n_distinct = len(np.unique(np.column_stack(columns), axis=0))
        if n_distinct >= LEAST_DISTINCT:
            break
    return n_distinct


def starts_for(sums: Sums) -> list[Floats]:
    """Points to climb from, with α scaled so that the mean purchase rate is about right."""
    return [np.log([r, r * scale * sums.time / sums.repeats_at.sum(), a, b]) for r, scale, a, b in STARTS]


def edges_for(sums: Sums) -> tuple[Floats, Floats]:
    """The box for θ: shapes within 1e-5 and 1e4, the scale α within 1e-6 and 1e7 of the mean age."""
    lower, upper = np.full(4, EDGES_OF_SHAPE[0]), np.full(4, EDGES_OF_SHAPE[1])
    lower[1], upper[1] = EDGES_OF_SCALE + np.log(sums.time / sums.customers)
    return lower, upper


def sums_of(histories: Histories, coins_at_start: int, days_per_unit: float) -> Sums:
    """The histories reduced to sums; ``days_per_unit`` is the length in days of what T counts.

    They need not have been checked; errors as in ``check_histories``.
    """
    by_days = count_days(histories, coins_at_start, days_per_unit)
    if by_days is not None:
        customers, tossed = by_days
        by_x, ages, customers_at, repeats_at, _ = sums_of_table(customers, days_per_unit)
    else:
        check_rules(histories)
        by_x, ages, customers_at, repeats_at, at_start = sums_by_age(histories, days_per_unit)
        tossed = histories.take(np.flatnonzero(histories.x > 0))
        if coins_at_start:
            tossed = with_one_time_buyers(tossed, ages, at_start)
    beyond = by_x[::-1].cumsum()[::-1]
    return Sums(
        repeats_beyond=beyond[1:],
        tosses_beyond=beyond if coins_at_start else beyond[1:],
        ages=ages,
        customers_at=customers_at,
        repeats_at=repeats_at,
        tossed=tossed,
        coins_at_start=coins_at_start,
        days_per_unit=days_per_unit,
    )


def sums_by_age(histories: Histories, days_per_unit: float) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Customers for each x; and distinct ages T with their customers, repeat purchases and one-time buyers."""
    x, T, weights = histories.x, histories.T, histories.weights
    cells = cells_of(x, T, days_per_unit)
    if cells is not None:
        cell, is_taken = cells
        customers = np.bincount(cell, weights, minlength=is_taken.size).reshape(is_taken.shape)
        return sums_of_table(customers, days_per_unit)
    by_x = np.bincount(x.astype(np.intp), weights=weights)
    one_time = weights * (x == 0)
    if mostly_distinct(T):
        return by_x, T, weights, weights * x, one_time
    codes, ages = pd.factorize(T)
    return by_x, ages, *(np.bincount(codes, weights=each) for each in (weights, weights * x, one_time))


def sums_of_table(customers: Floats, days_per_unit: float) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """The same from customers in a table of purchases by days."""
    days = np.flatnonzero(customers.any(axis=0))
    at = customers[:, days]
    return customers.sum(axis=1), days / days_per_unit, at.sum(axis=0), np.arange(len(at)) @ at, at[0]


def with_one_time_buyers(tossed: Histories, ages: Floats, customers: Floats) -> Histories:
    """The rows and, one for each age, the customers who never came back."""
    some = customers > 0
    none = np.zeros(int(some.sum()))
    joined = ((tossed.x, none), (tossed.t_x, none), (tossed.T, ages[some]), (tossed.weights, customers[some]))
    return Histories(*(np.concatenate(pair) for pair in joined))


def evaluate(theta: Floats, sums: Sums) -> Evaluation:
    """Log-likelihood, gradient and Hessian in θ."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        parts = (
            purchase_terms(theta, sums),
            age_terms(theta, sums),
            toss_terms(theta, sums),
            leave_terms(theta, sums),
        )
    value = sum(part[0] for part in parts)
    gradient, hessian = np.zeros(4), np.zeros((4, 4))
    for _, slope, bend, at in parts:
        gradient[at] += slope
        hessian[at, at] += bend
    return float(value), gradient, hessian


def purchase_terms(theta: Floats, sums: Sums):
    """Σ_{j<x} log(r + j)."""
    r = np.exp(theta[0])
    j = np.arange(len(sums.repeats_beyond))
    share = r / (r + j)
    value = sums.repeats_beyond @ np.log(r + j)
    return value, sums.repeats_beyond @ share, sums.repeats_beyond @ (share * (1 - share)), slice(0, 1)


def age_terms(theta: Floats, sums: Sums):
    """r log α − (r + x) log(α + T), written as −(r + x) log(1 + T/α) − x log α."""
    r, alpha = np.exp(theta[:2])
    passed = sums.ages / (alpha + sums.ages)
    stretch = np.log1p(sums.ages / alpha)
    by_r = -r * (sums.customers_at @ stretch)
    value = by_r - sums.repeats_at @ stretch - sums.repeats_at.sum() * theta[1]
    both = r * (sums.customers_at @ passed)
    by_alpha = both - sums.repeats_at @ (1 - passed)
    twice_alpha = -(r * sums.customers_at + sums.repeats_at) @ (passed * (1 - passed))
    return value, np.array([by_r, by_alpha]), np.array([[by_r, both], [both, twice_alpha]]), slice(0, 2)


def toss_terms(theta: Floats, sums: Sums):
    """Σ_{j<k} log((b + j) / (a + b + j)): every toss so far but the last had to be survived."""
    a, b = np.exp(theta[2:])
    j = np.arange(len(sums.tosses_beyond))
    beyond, left, both = sums.tosses_beyond, b + j, a + b + j
    value = beyond @ np.log1p(-a / both)
    slope = np.array([-(beyond @ (a / both)), beyond @ (a * b / (left * both))])
    twice_a, twice_b = -(beyond @ (a * left / both**2)), beyond @ (b * j / left**2 - b * (a + j) / both**2)
    mixed = beyond @ (a * b / both**2)
    return value, slope, np.array([[twice_a, mixed], [mixed, twice_b]]), slice(2, 4)


def leave_terms(theta: Floats, sums: Sums):
    """log(1 + e^u): the last toss was survived and then nothing was bought, or it was not survived."""
    most = int(sums.tossed.x.max(initial=0))
    tosses_before_last = np.maximum(np.arange(most + 1.0) + sums.coins_at_start - 1, 0)
    tossed = sums.tossed
    if isinstance(tossed, Days):
        return *leave_terms_of_days(theta, tossed, tosses_before_last, sums.days_per_unit), slice(0, 4)
    value, slope, bend = 0.0, np.zeros(4), np.zeros((4, 4))
    for rows in blocks_of(len(tossed.x)):
        parts = leave_terms_of(theta, tossed.take(rows), tosses_before_last)
        value, slope, bend = value + parts[0], slope + parts[1], bend + parts[2]
    return value, slope, bend, slice(0, 4)


def leave_terms_of(theta: Floats, rows: Histories, tosses_before_last: Floats):
    """The sums of log(1 + e^u) and its derivatives over some rows."""
    r, alpha, a, b = np.exp(theta)
    x = rows.x.astype(np.intp)
    purchases = r + rows.x
    age, last = alpha + rows.T, alpha + rows.t_x
    silence = np.log(age / last)
    at_age, at_last = alpha / age, alpha / last
    by_alpha = at_age - at_last
    u = (theta[2] - np.log(b + tosses_before_last)).take(x)
    u += purchases * silence
    odds = np.exp(-np.abs(u))  # of the less likely side, so that nothing overflows
    both = 1 + odds
    left = np.where(u > 0, 1.0, odds) / both

    slopes = np.empty((4, len(x)))
    np.multiply(r, silence, out=slopes[0])
    np.multiply(purchases, by_alpha, out=slopes[1])
    slopes[2] = 1
    slopes[3] = (-b / (b + tosses_before_last)).take(x)
    weighted = rows.weights * left
    slope = slopes @ weighted
    bend = (slopes * (weighted * (1 - left))) @ slopes.T
    bend[0, 0] += slope[0]
    bend[0, 1] += r * (weighted @ by_alpha)
    bend[1, 0] = bend[0, 1]
    bend[1, 1] += weighted @ (slopes[1] * (1 - at_age - at_last))
    bend[3, 3] += weighted @ (slopes[3] * (1 + slopes[3]))
    return rows.weights @ (np.maximum(u, 0) + np.log(both)), slope, bend


def staying_probability(
    params: dict[str, float], coins_at_start: int, x: Floats, t_x: Floats, T: Floats
) -> Floats:
    """P(alive) at T; 1 for a customer who has faced no toss."""
    r, alpha, a, b = params.values()
    staying = np.ones_like(T)
    faced = slice(None) if coins_at_start else np.flatnonzero(x > 0)
    x = x[faced]
    with np.errstate(over="ignore"):  # infinite odds of having left are a probability of 0
        silence = np.exp((r + x) * np.log((alpha + T[faced]) / (alpha + t_x[faced])))
        staying[faced] = 1 / (1 + a / (b + x + (coins_at_start - 1)) * silence)
    return staying


@dataclass(frozen=True)
class StayingDraws:
    """``staying_probability`` of histories at every draw of the parameters.

    ``params`` has a row for each parameter and a column for each draw. log(α + t) is held in ``logs`` for
    every draw and distinct time, where times recur; ``last`` and ``age`` say which time is each history's t_x
    and T.
    """

    params: Floats
    coins_at_start: int
    x: Floats
    times: Floats
    last: NDArray[np.intp]
    age: NDArray[np.intp]
    logs: Floats | None

    @classmethod
    def of_histories(
        cls, params: Floats, coins_at_start: int, x: Floats, t_x: Floats, T: Floats
    ) -> StayingDraws:
        """Ready to be asked about these histories."""
        times, which = np.unique(np.concatenate([t_x, T]), return_inverse=True)
        logs = np.log(params[1] + times[:, None]) if len(times) <= MOST_TIMES_HELD else None
        return cls(params, coins_at_start, x, times, *np.split(which, 2), logs)

    def logs_at(self, which: NDArray[np.intp]) -> Floats:
        """log(α + t) at these times, one row each."""
        return np.log(self.params[1] + self.times[which, None]) if self.logs is None else self.logs[which]

    def of(self, run: slice) -> Floats:
        """P(alive) of a run of the histories, one row each, in every draw, one column each."""
        r, _, a, b = self.params
        x = self.x[run]
        tosses = x + self.coins_at_start
        odds = self.logs_at(self.age[run])
        odds -= self.logs_at(self.last[run])
        odds *= r + x[:, None]
        with np.errstate(over="ignore"):  # as in staying_probability
            np.exp(odds, out=odds)
            odds *= a / (b + np.maximum(tosses - 1, 0)[:, None])
        odds += 1
        np.divide(1, odds, out=odds)
        odds[tosses == 0] = 1
        return odds


def purchases_if_staying(
    params: dict[str, float], coins_at_start: int, t: Floats, x: Floats, T: Floats
) -> Floats:
    """Expected purchases in (T, T + t] of a customer who is there at T.

    With R = r + x, A = α + T, B = b + tosses, z = t / (A + t):

        (a + B − 1) / (a − 1) · [1 − (1 − z)^(a−1) · 2F1(a − 1, a + B − 1 − R; a + B − 1; z)]

    which is Fader, Hardie and Lee's (2005) eq. 10 without its denominator, after Euler's transformation of
    2F1: as printed, its 2F1 overflows for some hundred purchases.

    It is the average over p ~ Beta(a, B) of h(p) = (1 − (1 + p t/A)^−R) / p, which falls and is convex, so it
    lies between h(mean p) and R t / A. Values of SciPy's hyp2f1 that break this, and values near a = 1, where
    the bracket loses its digits, are replaced by that average.
    """
    r, alpha, a, b = params.values()
    R, A, B = r + x, alpha + T, b + x + coins_at_start
    y = t / A
    with np.errstate(all="ignore"):
        stays = -np.log1p(y) * (a - 1)
        bracket = 1 - np.exp(stays) * hyp2f1(a - 1, a + B - 1 - R, a + B - 1, y / (1 + y))
        expected = (a + B - 1) / (a - 1) * bracket
        bad = ~(
            (np.abs(bracket) > 1e-9)
            & (expected <= R * y * (1 + 1e-9))
            & (expected >= purchases_at(a / (a + B), R, y) * (1 - 1e-9))
        )
    bad &= (y > 0) & np.isfinite(B)
    if bad.any():
        R, y = R[bad, None], y[bad, None]
        expected[bad] = mean_over_leaving(lambda p: purchases_at(p, R, y), a, B[bad])
    return np.where(t > 0, expected, 0.0)


def purchases_at(p: Floats, R: Floats, y: Floats) -> Floats:
    """Expected purchases at a given leaving probability: (1 − (1 + p y)^−R) / p."""
    return -np.expm1(-R * np.log1p(p * y)) / p


def pairs_if_staying(
    params: dict[str, float], coins_at_start: int, ends: Floats, worths: Floats, x: Floats, T: Floats
) -> Floats:
    """Expected sum, over ordered pairs of different future purchases, of the product of their worths.

    A purchase in (T + ends[j−1], T + ends[j]] is worth ``worths[j]`` (1 makes this the second factorial
    moment). Given λ and p the second of two purchases at u comes at rate λ² (1 − p) e^(−λ p u), whenever the
    first came before it; averaged over λ ~ Gamma(R, A) and p ~ Beta(a, B):

        2 R (R + 1) / A² · B / (a + B) · ∫ w(u) W(u) 2F1(R + 2, a; a + B + 1; −u/A) du,     W(u) = ∫_0^u w

    which is integrated by Gauss and Legendre's rule, 2F1 by Pfaff's transformation.
    """
    r, alpha, a, b = params.values()
    R, A, B = r + x, alpha + T, b + x + coins_at_start
    integral = np.zeros_like(A)
    for u, weight in zip(*instants_in(ends, worths), strict=True):
        integral += weight * both_made(R, a, B, u / A)
    return 2 * R * (R + 1) / A**2 * B / (a + B) * integral


def instants_in(ends: Floats, worths: Floats, n_instants: int = 32) -> tuple[Floats, Floats]:
    """Gauss–Legendre instants u in each stretch, and their weights times w(u) W(u)."""
    nodes, weights = np.polynomial.legendre.leggauss(max(4, n_instants // len(ends)))
    starts = np.concatenate([[0.0], ends[:-1]])
    lengths = ends - starts
    u = starts[:, None] + lengths[:, None] * (nodes + 1) / 2
    worth_before = np.concatenate([[0.0], np.cumsum(worths * lengths)[:-1]])
    worth_until = worth_before[:, None] + worths[:, None] * (u - starts[:, None])
    return u.ravel(), (weights / 2 * lengths[:, None] * worths[:, None] * worth_until).ravel()


def both_made(R: Floats, a: float, B: Floats, y: Floats) -> Floats:
    """(1 + p y)^−(R + 2) averaged over p ~ Beta(a, B + 1)."""
    with np.errstate(all="ignore"):
        average = np.exp(-a * np.log1p(y)) * hyp2f1(a, a + B - R - 1, a + B + 1, y / (1 + y))
        least = np.exp(-(R + 2) * np.log1p(a / (a + B + 1) * y))
        bad = ~((average <= 1 + 1e-9) & (average >= least * (1 - 1e-9))) & np.isfinite(B)
    if bad.any():
        R, y = R[bad, None], y[bad, None]
        average[bad] = mean_over_leaving(lambda p: np.exp(-(R + 2) * np.log1p(p * y)), a, B[bad] + 1)
    return average


def mean_over_leaving(h: Callable[[Floats], Floats], a: float, B: Floats) -> Floats:
    """h averaged over p ~ Beta(a, B), for each B.

    The average over quantiles of p, by the tanh–sinh rule, which bears the steep ends of the quantile
    function; for the h used here its error is below 1e-8. ``h`` takes one row for each B and one column for
    each quantile.
    """
    steps = np.linspace(0.0, 3.2, QUANTILES_EACH_SIDE)
    beyond = 1 / (
        1 + np.exp(np.pi * np.sinh(steps))
    )  # chance beyond the quantile, on either side of the median
    weights = np.cosh(steps) * beyond * (1 - beyond)
    distinct, codes = np.unique(B, return_inverse=True)
    lower, upper = (inverse(a, distinct[:, None], beyond) for inverse in (betaincinv, betainccinv))
    p = np.clip(np.hstack([lower, upper[:, 1:]]), 1e-300, 1.0)
    weights = np.append(weights, weights[1:])
    return h(p[codes]) @ (weights / weights.sum())
