"""Customer value: expected margin of the coming quarters, discounted, with two kinds of doubt kept apart.

Value of a customer = Σ over quarters of expected purchases × expected spend × gross margin × discount to the
quarter's middle. The models take purchases and spend as independent given the parameters, so it is the
product of a worth of future purchases, which depends on (x, t_x, T), and an expected spend, which is a
straight line in the observed mean.

- *Parameter doubt*: the interval. Both models' parameters are drawn together and everything is worked out
  anew.
- *Noise*: what customers would do by chance even if all parameters were known. Its variance is exact under
  the models; for a total of independent customers the variances add.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from .distinct import distinct_rows
from .expectations import ExpectedValues, check_customers, expect
from .futures import (
    DistinctHistories,
    Horizon,
    age_scale,
    distinct_histories,
    horizon_of,
    staying_over_draws,
    worth_if_staying,
    worths_over_draws,
)
from .histories import check_equal_lengths
from .purchase_fit import PurchaseFit, StayingDraws
from .spend_fit import SpendFit

Floats = NDArray[np.float64]

VALUES_AT_ONCE = 100_000
"""Rows times draws worked out together: 0.8 MB, which the processor's cache holds."""
MOST_REDRAWS = 20
SHARES = (0.025, 0.975)
NORMAL_975 = 1.959963984540054


@dataclass(frozen=True)
class ValueSum:
    """The value of some customers together.

    ``low`` to ``high`` is the 95 % interval of the *expected* total (parameter doubt); ``noise_sd`` the
    standard deviation of the realised total about its expectation; ``predictive_low`` to ``predictive_high``
    covers both, by the normal distribution.
    """

    customers: int
    total: float
    low: float
    high: float
    parameter_sd: float
    noise_sd: float

    def __float__(self) -> float:
        return self.total

    @property
    def predictive_low(self) -> float:
        return self.total - NORMAL_975 * float(np.hypot(self.parameter_sd, self.noise_sd))

    @property
    def predictive_high(self) -> float:
        return self.total + NORMAL_975 * float(np.hypot(self.parameter_sd, self.noise_sd))


@dataclass(frozen=True)
class Draws:
    """What is needed to work out any sum of values anew for each parameter draw.

    Customers of the same history and mean spend share one row: ``history`` and ``mean_spend`` are per row,
    ``of_customer`` says which row each customer has. ``worths`` is per pair (x, T) and draw; ``spend_start``
    and ``spend_slope`` per distinct x and draw, and ``x_row`` says which of those each history has.
    """

    distinct: DistinctHistories
    staying: StayingDraws
    worths: Floats
    spend_start: Floats
    spend_slope: Floats
    x_row: NDArray[np.intp]
    history: NDArray[np.intp]
    mean_spend: Floats
    of_customer: NDArray[np.intp]

    @property
    def n_draws(self) -> int:
        return self.worths.shape[1]


@dataclass(frozen=True)
class CustomerValues:
    """Values of customers, one entry each in the order given, and of all together.

    Attributes
    ----------
    p_alive : probability of still being a customer; NaN where the model does not tell.
    expected_purchases : over the whole horizon.
    expected_spend : per purchase.
    clv, clv_low, clv_high : discounted expected margin over the horizon and its 95 % interval (parameter
        doubt).
    clv_noise_sd : standard deviation of the realised value about ``clv`` were the parameters known; infinite
        where the fitted spend has no variance.
    total : all of them together.
    """

    p_alive: Floats
    expected_purchases: Floats
    expected_spend: Floats
    clv: Floats
    clv_low: Floats
    clv_high: Floats
    clv_noise_sd: Floats
    total: ValueSum
    draws: Draws | None = field(repr=False)

    def sum_interval(self, groups: ArrayLike) -> ValueSum | pd.DataFrame:
        """The value of some customers together, or of every group.

        Parameters
        ----------
        groups : one entry per customer. A mask gives one ``ValueSum``. Anything else names the customer's
            group and gives a frame with one row for each group, indexed by it, with the fields of
            ``ValueSum``; customers without a group (None, NaN) are left out.
        """
        groups = np.asarray(groups)
        check_equal_lengths(groups=groups, customers=self.clv)
        if groups.dtype == bool:
            return self._sums(np.where(groups, 0, -1), 1)[0]
        codes, names = pd.factorize(groups, sort=True)
        sums = self._sums(codes, len(names))
        columns = (
            "customers",
            "total",
            "low",
            "high",
            "parameter_sd",
            "noise_sd",
            "predictive_low",
            "predictive_high",
        )
        return pd.DataFrame(
            {name: [getattr(each, name) for each in sums] for name in columns},
            index=pd.Index(names, name="group"),
        )

    def _sums(self, codes: NDArray[np.integer], n_groups: int) -> list[ValueSum]:
        drawn = (
            np.full((1, n_groups), np.nan) if self.draws is None else drawn_sums(self.draws, codes, n_groups)
        )
        return sums_of(codes, n_groups, self.clv, self.clv_noise_sd, drawn)


def value_customers(
    purchase_fit: PurchaseFit,
    spend_fit: SpendFit,
    x: ArrayLike,
    t_x: ArrayLike,
    T: ArrayLike,
    mean_spend: ArrayLike,
    *,
    quarter_lengths: ArrayLike,
    gross_margin: float = 1.0,
    discount_rate_per_year: float = 0.10,
    n_draws: int = 200,
    seed: int = 0,
) -> CustomerValues:
    """What each customer is worth over the coming quarters, and how sure that is.

    Parameters
    ----------
    purchase_fit, spend_fit : models as fitted; values are missing where either is degenerate.
    x, t_x, T : one history per customer, in the purchase model's time unit.
    mean_spend : mean over repeat purchases; not read where ``x`` is 0.
    quarter_lengths : lengths of the coming stretches, in the purchase model's time unit.
    gross_margin : share of spend that is margin; 1 gives values on a revenue basis.
    discount_rate_per_year : annual effective rate; a quarter's margin is discounted to the quarter's middle.
    n_draws, seed : parameter draws behind the intervals.

    Raises
    ------
    ValueError
        For histories or spends that cannot be (the first such row is named), or settings out of range.
    """
    (x, t_x, T), mean_spend = check_customers(x, t_x, T, mean_spend)
    horizon = horizon_of(quarter_lengths, gross_margin, discount_rate_per_year, purchase_fit.time_unit)
    distinct = distinct_histories(x, t_x, T, purchase_fit.time_unit)
    pairs, pair_of = (distinct.pair_x, distinct.pair_T), distinct.pair[distinct.of_customer]
    expected = expect(purchase_fit, spend_fit, horizon, pairs, pair_of, (x, t_x, T), mean_spend)
    if not (purchase_fit.is_usable and spend_fit.is_usable and len(mean_spend)):
        return unvalued(expected)
    draws = draw_values(
        purchase_fit, spend_fit, horizon, distinct, mean_spend, n_draws, np.random.default_rng(seed)
    )
    low, high, drawn_totals = customer_intervals(draws)
    noise_sd = noise_of(purchase_fit, spend_fit, horizon, distinct, mean_spend, expected.clv)
    everybody = np.zeros(len(mean_spend), dtype=np.intp)
    return CustomerValues(
        **vars(expected),
        clv_low=low,
        clv_high=high,
        clv_noise_sd=noise_sd,
        total=sums_of(everybody, 1, expected.clv, noise_sd, drawn_totals[:, None])[0],
        draws=draws,
    )


def unvalued(expected: ExpectedValues) -> CustomerValues:
    """What can be said where a model is degenerate or there is nobody to value: every value is missing.

    Nobody is worth 0.
    """
    nothing = np.full(len(expected.clv), np.nan)
    total = ValueSum(len(nothing), *(5 * (np.nan if len(nothing) else 0.0,)))
    known = vars(expected) | {"clv": nothing}
    return CustomerValues(
        **known, clv_low=nothing, clv_high=nothing, clv_noise_sd=nothing, total=total, draws=None
    )


def noise_of(
    purchase_fit: PurchaseFit,
    spend_fit: SpendFit,
    horizon: Horizon,
    distinct: DistinctHistories,
    mean_spend: Floats,
    clv: Floats,
) -> Floats:
    """Standard deviation of each customer's realised value about its expectation, at known parameters.

    With purchases at times u_j of worth w_j and spend Z_j about the customer's own level ζ:
    E[V²] = E[ζ²] · (Σ_{j≠k} E[w_j w_k] + (1 + c) Σ_j E[w_j²]), c the relative variance of one purchase; Var V
    = E[V²] − (E V)².
    """
    x, T = distinct.pair_x, distinct.pair_T
    pairs = purchase_fit.pairs_if_staying(horizon.ends, horizon.worths, x, T)
    squares, _ = worth_if_staying(purchase_fit, Horizon(horizon.ends, horizon.worths**2), x, T)
    of_purchases = pairs + (1 + spend_fit.relative_variance_of_one_purchase) * squares
    stays = purchase_fit.staying_factor(distinct.x, distinct.t_x, distinct.T)
    level = spend_fit.mean_square_of_level(distinct.x[distinct.of_customer], mean_spend)
    variance = (stays * of_purchases[distinct.pair])[distinct.of_customer] * level - clv**2
    return np.sqrt(np.maximum(variance, 0.0))


def draw_values(
    purchase_fit: PurchaseFit,
    spend_fit: SpendFit,
    horizon: Horizon,
    distinct: DistinctHistories,
    mean_spend: Floats,
    n_draws: int,
    rng: np.random.Generator,
) -> Draws:
    """Joint draws of both models' parameters, with what depends on few things worked out for each."""
    if n_draws < 2:
        raise ValueError(f"n_draws must be at least 2; found {n_draws}")
    purchase_fits = purchase_fit.draw(n_draws, rng)
    spend_fits = draw_with_mean(spend_fit, n_draws, rng)
    worths = worths_over_draws(
        purchase_fits, horizon, distinct.pair_x, distinct.pair_T, age_scale(purchase_fit)
    )
    staying = staying_over_draws(purchase_fits, distinct)
    counts, x_row = np.unique(distinct.x, return_inverse=True)
    lines = [each.spend_line(counts) for each in spend_fits]
    start, slope = (np.column_stack(part) for part in zip(*lines, strict=True))
    (mean_spend, history), of_customer = distinct_rows(mean_spend, distinct.of_customer)
    return Draws(distinct, staying, worths, start, slope, x_row, history, mean_spend, of_customer)


def draw_with_mean(spend_fit: SpendFit, n_draws: int, rng: np.random.Generator) -> tuple[SpendFit, ...]:
    """Spend models with drawn parameters whose population mean exists.

    A draw without one (q ≤ 1) is drawn anew: the intervals hold given that customers have a mean spend at
    all. A draw that still has none stays as fitted.
    """
    fits = list(spend_fit.draw(n_draws, rng))
    for _ in range(MOST_REDRAWS):
        without = [i for i, fit in enumerate(fits) if not np.isfinite(fit.population_mean)]
        for i, fit in zip(without, spend_fit.draw(len(without), rng), strict=True):
            fits[i] = fit
    return tuple(fit if np.isfinite(fit.population_mean) else spend_fit for fit in fits)


def customer_intervals(draws: Draws) -> tuple[Floats, Floats, Floats]:
    """Each customer's interval, low and high, and the total of every draw.

    Rows are taken history by history, a block at a time, so that memory stays bounded.
    """
    n_rows = len(draws.history)
    number = np.bincount(draws.of_customer, minlength=n_rows)
    order = np.argsort(draws.history, kind="stable")
    bounds, totals = np.empty((2, n_rows)), np.zeros(draws.n_draws)
    at_once = max(1, VALUES_AT_ONCE // draws.n_draws)
    for start in range(0, n_rows, at_once):
        rows = order[start : start + at_once]
        values = drawn_values(draws, rows)
        totals += number[rows] @ values
        values.sort(axis=1)
        bounds[:, rows] = [sorted_quantile(values, share) for share in SHARES]
    return *bounds[:, draws.of_customer], totals


def sorted_quantile(values: Floats, share: float) -> Floats:
    """The quantile of each row of sorted values, interpolated as ``np.quantile`` does.

    NumPy sorts rows of this length faster than it parts them at two ranks.
    """
    rank = share * (values.shape[1] - 1)
    below = int(rank)
    return values[:, below] + (rank - below) * (values[:, below + 1] - values[:, below])


def drawn_values(draws: Draws, rows: NDArray[np.intp]) -> Floats:
    """The values of these rows, sorted by history, in every draw: one column each."""
    history = draws.history[rows]
    run = slice(int(history[0]), int(history[-1]) + 1)
    worth = drawn_worths(draws, run)
    x_row = draws.x_row[history]
    values = draws.spend_slope[x_row]
    values *= draws.mean_spend[rows, None]
    values += draws.spend_start[x_row]
    values *= worth[history - run.start]
    return values


def drawn_sums(draws: Draws, codes: NDArray[np.integer], n_groups: int) -> Floats:
    """The value of each group, one column each, in every draw, one row each; code −1 is no group.

    Expected spend is a line in the observed mean, so customers of one group and history enter only by their
    number and the sum of their means.
    """
    member = np.flatnonzero(codes >= 0)
    row = draws.of_customer[member]
    cells, shape = (draws.history[row], codes[member]), (len(draws.distinct.x), n_groups)
    number = csr_array((np.ones(len(row)), cells), shape=shape)
    spends = csr_array((draws.mean_spend[row], cells), shape=shape)
    sums = np.zeros((n_groups, draws.n_draws))
    at_once = max(1, VALUES_AT_ONCE // draws.n_draws)
    for start in range(0, shape[0], at_once):
        run = slice(start, start + at_once)
        if number[run].nnz:
            worth, x_row = drawn_worths(draws, run), draws.x_row[run]
            sums += number[run].T @ (worth * draws.spend_start[x_row]) + spends[run].T @ (
                worth * draws.spend_slope[x_row]
            )
    return sums.T


def drawn_worths(draws: Draws, run: slice) -> Floats:
    """Expected worth of future purchases of these distinct histories, one row each, in every draw."""
    worths = draws.staying.of(run)
    worths *= draws.worths[draws.distinct.pair[run]]
    return worths


def sums_of(
    codes: NDArray[np.integer], n_groups: int, clv: Floats, noise_sd: Floats, drawn: Floats
) -> list[ValueSum]:
    """One ``ValueSum`` for each group from its customers' values and its drawn totals."""
    member = codes >= 0
    number = np.bincount(codes[member], minlength=n_groups)
    total = np.bincount(codes[member], weights=clv[member], minlength=n_groups)
    noise = np.sqrt(np.bincount(codes[member], weights=noise_sd[member] ** 2, minlength=n_groups))
    low, high = np.quantile(drawn, SHARES, axis=0)
    spread = drawn.std(axis=0)
    return [
        ValueSum(
            int(number[g]), float(total[g]), float(low[g]), float(high[g]), float(spread[g]), float(noise[g])
        )
        for g in range(n_groups)
    ]


@dataclass(frozen=True)
class NewCustomerValue:
    """What a customer who just came is worth: the first order's margin and the repeat margin to come.

    Arrays where ``first_order_margin`` is one. ``low`` and ``high`` bound ``value`` at 95 % (parameter doubt;
    the first order is taken as given).
    """

    value: Floats | float
    low: Floats | float
    high: Floats | float
    first_order_margin: Floats | float
    repeat_margin: float
    expected_repeat_purchases: float


def new_customer_value(
    purchase_fit: PurchaseFit,
    spend_fit: SpendFit,
    first_order_margin: ArrayLike,
    *,
    quarter_lengths: ArrayLike,
    gross_margin: float = 1.0,
    discount_rate_per_year: float = 0.10,
    n_draws: int = 200,
    seed: int = 0,
) -> NewCustomerValue:
    """What a new customer is worth, counted from the first order and over the quarters after it.

    The purchase models count repeat purchases only, so the first order's margin is added, undiscounted.
    Repeat orders are expected at the population's mean spend.

    Parameters
    ----------
    first_order_margin : money, already times the gross margin; an array (one entry per channel, say) gives
        arrays.
    quarter_lengths, gross_margin, discount_rate_per_year, n_draws, seed : as for ``value_customers``.
    """
    first = np.asarray(first_order_margin, dtype=np.float64)
    newcomer = np.zeros(1)
    values = value_customers(
        purchase_fit,
        spend_fit,
        newcomer,
        newcomer,
        newcomer,
        newcomer,
        quarter_lengths=quarter_lengths,
        gross_margin=gross_margin,
        discount_rate_per_year=discount_rate_per_year,
        n_draws=n_draws,
        seed=seed,
    )
    value, low, high = ((first + part[0]) for part in (values.clv, values.clv_low, values.clv_high))
    as_given = float if first.ndim == 0 else np.asarray
    return NewCustomerValue(
        as_given(value),
        as_given(low),
        as_given(high),
        as_given(first),
        float(values.clv[0]),
        float(values.expected_purchases[0]),
    )
