"""Customer value of a run: both purchase models and the spend model fitted to the facts, and what they say.

Histories come from the facts in days and enter the models in weeks. Everything is done for the end of the period
and, as totals, for the end of every earlier window, so that value has a history and a comparison.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from analysis.catalogue import DEFAULT
from analysis.facts import Book
from analysis.metrics.frame import KPI_COLUMNS, MEASURED, NOT_MEASURED, NOT_STATED, WITH_CARE
from analysis.metrics.gaps import missing_tables, outside_coverage
from analysis.metrics.intervals import wilson_interval
from analysis.metrics.scans import reaches
from analysis.models import bridge, chain, lifetime_value
from analysis.models.badge import worst_of
from analysis.models.gamma_gamma import SpendIndependence, spend_independence
from analysis.models.purchase_fit import PurchaseFit
from analysis.models.spend_fit import SpendFit
from analysis.periods import Window, add_months

DAYS_PER_WEEK = 7.0
CUSTOMER_COLUMNS = [
    "customer_id", "first_order_on", "last_order_on", "repeat_orders", "mean_repeat_spend", "days_since_last_order",
    "p_alive", "churn_score", "expected_purchases", "expected_spend", "predicted_clv", "clv_low", "clv_high",
    "clv_noise_sd", "is_one_time_buyer", "is_valuable", "is_at_risk", "customer_name", "net_revenue_to_date",
    "net_revenue", "is_closing", "is_lost",
]  # fmt: skip
FIT_COLUMNS = ["role", "model", "json", "is_chosen", "verdict", "rule_en", "rule_zh"]


@dataclass(frozen=True)
class Fits:
    """The models as fitted to the histories up to one day, and how far each fit is to be trusted."""

    until: date
    histories: pd.DataFrame
    purchases: dict[str, PurchaseFit]
    purchase_badges: dict[str, Any]
    spend: SpendFit
    spend_badge: Any
    independence: SpendIndependence
    chosen: str

    @property
    def purchase_fit(self) -> PurchaseFit:
        """The fit of the model that values customers."""
        return self.purchases[self.chosen]

    @property
    def verdict(self) -> str:
        """How far values from these fits are to be trusted: the worst of what is said of their parts."""
        return worst_of(self.purchase_badges[self.chosen], self.spend_badge, self.independence.badge).verdict


def weeks(histories: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``x, t_x, T`` of histories, in weeks."""
    return (
        histories["repeat_orders"].to_numpy(float),
        histories["days_first_to_last_order"].to_numpy(float) / DAYS_PER_WEEK,
        histories["days_observed"].to_numpy(float) / DAYS_PER_WEEK,
    )


def mean_spend(histories: pd.DataFrame) -> np.ndarray:
    """Mean spend per repeat occasion; 0 where there was none, or none that brought money."""
    return histories["mean_repeat_spend"].fillna(0.0).to_numpy(float)


def fit_models(book: Book, until: date, model: str = "bg_nbd") -> Fits | None:
    """Both purchase models and the spend model on the histories up to a day; none where nobody was observed."""
    histories = book.histories(until)
    if histories.empty or not (histories["days_observed"] > 0).any():
        return None
    x, t_x, T = weeks(histories)
    fitted = {name: chain.fit_purchases(x, t_x, T, model=name) for name in ("bg_nbd", "mbg_nbd")}
    repeaters = (histories["repeat_orders"] > 0) & (histories["mean_repeat_spend"] > 0)
    repeated, spent = x[repeaters], histories.loc[repeaters, "mean_repeat_spend"].to_numpy(float)
    spend, spend_badge = chain.fit_spend(repeated, spent)
    return Fits(
        until,
        histories,
        {name: fit for name, (fit, _) in fitted.items()},
        {name: badge for name, (_, badge) in fitted.items()},
        spend,
        spend_badge,
        spend_independence(repeated, spent),
        model,
    )


def quarter_lengths(after: date, quarters: int) -> list[float]:
    """Lengths in weeks of the calendar quarters that follow a day (the first day not observed)."""
    edges = [add_months(after, 3 * step) for step in range(quarters + 1)]
    return [(later - earlier).days / DAYS_PER_WEEK for earlier, later in zip(edges, edges[1:], strict=False)]


def value_histories(
    book: Book, fits: Fits, window: Window, model: str | None = None, n_draws: int | None = None
) -> Any:
    """What each customer of the fits is worth at a window's end (see ``models.lifetime_value``)."""
    settings = book.settings
    x, t_x, T = weeks(fits.histories)
    return lifetime_value.value_customers(
        fits.purchases[model or fits.chosen], fits.spend, x, t_x, T, mean_spend(fits.histories),
        quarter_lengths=quarter_lengths(window.end, settings.horizon_quarters), gross_margin=settings.gross_margin,
        discount_rate_per_year=settings.discount_rate_per_year, n_draws=n_draws or settings.model_draws,
        seed=settings.random_seed,
    )  # fmt: skip


def customer_values(book: Book, fits: Fits, values: Any) -> pd.DataFrame:
    """One row for each known customer: his history, what he is expected to do and bring, and his risk of leaving.

    ``churn_score`` is 1 − P(alive) under MBG/NBD; customers who bought once are marked, because BG/NBD holds them
    alive by construction. ``is_valuable`` marks the top share by value (setting), ``is_at_risk`` those of them with
    P(alive) below the setting.
    """
    histories, settings = fits.histories, book.settings
    x, t_x, T = weeks(histories)
    alive = np.asarray(fits.purchases["mbg_nbd"].p_alive(x, t_x, T), float)
    customers = histories[
        ["customer_id", "first_order_on", "last_order_on", "repeat_orders", "mean_repeat_spend"]
    ].assign(
        days_since_last_order=histories["days_observed"] - histories["days_first_to_last_order"],
        p_alive=values.p_alive,
        churn_score=1 - alive,
        expected_purchases=values.expected_purchases,
        expected_spend=values.expected_spend,
        predicted_clv=values.clv,
        clv_low=values.clv_low,
        clv_high=values.clv_high,
        clv_noise_sd=values.clv_noise_sd,
        is_one_time_buyer=histories["repeat_orders"] == 0,
    )
    customers["is_valuable"] = top_share(
        customers["predicted_clv"], customers["customer_id"], settings.at_risk_value_share
    )
    customers["is_at_risk"] = customers["is_valuable"] & (alive < settings.at_risk_p_alive)
    return customers.merge(_traits(book), on="customer_id", how="left")


def no_customer_values() -> pd.DataFrame:
    """The frame of customer values where nobody has a history: its columns alone."""
    return pd.DataFrame(columns=CUSTOMER_COLUMNS)


def top_share(values: pd.Series, ids: pd.Series, share: float) -> pd.Series:
    """Whether a customer is in the top share by value: ceil(n × share) customers, ties by id."""
    order = pd.DataFrame({"value": values, "id": ids}).sort_values(["value", "id"], ascending=[False, True])
    known = int(values.notna().sum())
    chosen = order.index[: int(np.ceil(known * share))]
    return pd.Series(values.index.isin(chosen), values.index) & values.notna()


def _traits(book: Book) -> pd.DataFrame:
    """What is known of each customer at the end of the period."""
    names = [
        name
        for name, d in book.catalogue.dimensions.items()
        if d.is_trait and reaches(book, d, "customer_periods")
    ]
    columns = ", ".join(f"coalesce(cast(p.{name} as varchar), '{NOT_STATED}') as {name}" for name in names)
    sql = (
        "select p.customer_id, c.customer_name, p.net_revenue_to_date, p.net_revenue, p.is_closing, p.is_lost, "
        f"{columns} from customer_periods p join customers c on c.customer_id = p.customer_id "
        f"where p.period = '{book.window.label}'"
    )
    return book.ask(sql)


def modelled_kpis(
    book: Book, fits_by_window: dict[str, Fits | None], values: dict[str, Any], customers: pd.DataFrame
) -> pd.DataFrame:
    """The KPI rows that models contribute, company level for every window and by group for the period itself.

    A figure whose models are to be used with care is marked so; one whose models are not to be used is not given.
    """
    rows = []
    for window in book.windows:
        fits = fits_by_window.get(window.label)
        found = (
            company_estimates(book, fits, window, values[window.label]) if fits else _without_histories(book)
        )
        keys = {"period": window.label, "by": None, "group": None}
        rows += [{"metric": i, "variant": v, **keys, **judged(e, fits)} for (i, v), e in found.items()]
    rows += follow_up_rates(book, fits_by_window, values)
    fits = fits_by_window.get(book.window.label)
    rows += [judged(row, fits) for row in group_estimates(book, customers, values.get(book.window.label))]
    numbers = dict.fromkeys(("value", "low", "high", "standard_error", "numerator", "denominator"), "float64")
    frame = pd.DataFrame(rows, columns=KPI_COLUMNS).astype(numbers)
    return outside_coverage(book, frame.assign(n=frame["n"].fillna(0).astype("int64")))


def judged(estimate: dict[str, Any], fits: Fits | None) -> dict[str, Any]:
    """The estimate with its status: not given where the models are not to be used, marked where with care."""
    verdict = fits.verdict if fits else "trusted"
    if estimate["value"] is not None and verdict == "do_not_use":
        keys = {
            name: estimate[name]
            for name in ("metric", "variant", "period", "by", "group")
            if name in estimate
        }
        estimate = {**keys, "value": None, "reason": "model_not_to_be_used"}
    if estimate["value"] is None:
        return estimate | {"status": NOT_MEASURED}
    return estimate | (
        {"status": WITH_CARE, "reason": "model_with_care"} if verdict == "with_care" else {"status": MEASURED}
    )


def _without_histories(book: Book) -> dict[tuple[str, str], dict[str, Any]]:
    modelled = [
        m
        for record in book.catalogue.metrics.values()
        if record.kind == "modelled"
        and record.id != "follow_up_rate"  # it asks for the histories before the window
        for m in record.all_variants()
    ]
    return {(metric.id, metric.variant): {"value": None, "reason": "no_histories"} for metric in modelled}


def company_estimates(
    book: Book, fits: Fits, window: Window, values: dict[str, Any]
) -> dict[tuple[str, str], dict[str, Any]]:
    """Value, interval and size of each modelled metric, or the reason why it has none."""
    total = values[DEFAULT].total
    other = values["mbg_nbd"].total
    return {
        ("predicted_clv", DEFAULT): _mean_of(total),
        ("predicted_clv", "mbg_nbd"): _mean_of(other),
        ("customer_equity", DEFAULT): _sum_of(total),
        ("at_risk_share", DEFAULT): _at_risk(book, fits, values[DEFAULT]),
        ("new_customer_expected_value", DEFAULT): _of_new_customers(book, fits, window),
    }


def _sum_of(total: Any) -> dict[str, Any]:
    if not np.isfinite(total.total):
        return {"value": None, "reason": "model_degenerate"}
    return {
        "value": total.total, "low": total.low, "high": total.high, "standard_error": total.parameter_sd,
        "n": total.customers, "numerator": total.total,
    }  # fmt: skip


def _mean_of(total: Any) -> dict[str, Any]:
    if not np.isfinite(total.total) or not total.customers:
        return {"value": None, "reason": "model_degenerate"}
    n = total.customers
    return {
        "value": total.total / n, "low": total.low / n, "high": total.high / n,
        "standard_error": total.parameter_sd / n, "n": n, "numerator": total.total, "denominator": n,
    }  # fmt: skip


def at_risk(book: Book, fits: Fits, values: Any) -> tuple[np.ndarray, np.ndarray] | None:
    """Who of the fits' histories is of the top share by value, and who of those is at risk; none if nobody can say."""
    x, t_x, T = weeks(fits.histories)
    alive = np.asarray(fits.purchases["mbg_nbd"].p_alive(x, t_x, T), float)
    valuable = top_share(
        pd.Series(values.clv), fits.histories["customer_id"], book.settings.at_risk_value_share
    ).to_numpy()
    if not valuable.any() or np.isnan(alive[valuable]).any():
        return None
    return valuable, valuable & (alive < book.settings.at_risk_p_alive)


def _at_risk(book: Book, fits: Fits, values: Any) -> dict[str, Any]:
    found = at_risk(book, fits, values)
    if found is None:
        return {"value": None, "reason": "model_degenerate"}
    valuable, in_danger = found
    return _share_of(book, int(in_danger.sum()), int(valuable.sum()))


def _share_of(book: Book, hits: int, n: int) -> dict[str, Any]:
    low, high = wilson_interval(hits, n, book.settings.confidence_level)
    return {
        "value": hits / n,
        "low": float(low),
        "high": float(high),
        "n": n,
        "numerator": hits,
        "denominator": n,
    }


def follow_up_rates(
    book: Book, fits_by_window: dict[str, Fits | None], values: dict[str, Any]
) -> list[dict[str, Any]]:
    """For each window, how many of the customers at risk at its start were contacted in it.

    At risk is who was so at the end of the window before, by the models as fitted then.
    """
    metric = book.catalogue.metric("follow_up_rate")
    contacted = {} if missing_tables(book, metric) else _contacted(book)
    rows = []
    for window in book.windows:
        before = next((each.label for each in book.windows if each.end == window.start), "")
        earlier = fits_by_window.get(before)
        if absent := missing_tables(book, metric):
            found = {"value": None, "reason": ";".join(f"table_absent|{table}" for table in absent)}
        elif earlier is None:
            found = {"value": None, "reason": "no_fit_before"}
        else:
            found = _follow_up(book, earlier, values[before][DEFAULT], contacted.get(window.label, set()))
        keys = {"metric": metric.id, "variant": DEFAULT, "period": window.label, "by": None, "group": None}
        rows.append({**keys, **judged(found, earlier)})
    return rows


def _contacted(book: Book) -> dict[str, set[str]]:
    """Who was contacted in each window, by its label."""
    rows = book.ask("select period, customer_id from customer_dealings where was_contacted")
    return {period: set(ids) for period, ids in rows.groupby("period")["customer_id"]}


def _follow_up(book: Book, earlier: Fits, values: Any, contacted: set[str]) -> dict[str, Any]:
    found = at_risk(book, earlier, values)
    if found is None:
        return {"value": None, "reason": "model_degenerate"}
    ids = set(earlier.histories.loc[found[1], "customer_id"])
    if not ids:
        return {"value": None, "reason": "nobody_at_risk"}
    return _share_of(book, len(ids & contacted), len(ids))


def _of_new_customers(book: Book, fits: Fits, window: Window) -> dict[str, Any]:
    new = fits.histories[fits.histories["first_order_on"] >= pd.Timestamp(window.start)]
    if new.empty:
        return {"value": None, "reason": "no_new_customers"}
    if not (fits.purchase_fit.is_usable and fits.spend.is_usable):
        return {"value": None, "reason": "model_degenerate"}
    settings = book.settings
    one = lifetime_value.new_customer_value(
        fits.purchase_fit, fits.spend, float(new["first_amount"].mean()) * settings.gross_margin,
        quarter_lengths=quarter_lengths(window.end, settings.horizon_quarters), gross_margin=settings.gross_margin,
        discount_rate_per_year=settings.discount_rate_per_year, n_draws=settings.model_draws, seed=settings.random_seed,
    )  # fmt: skip
    return {"value": one.value, "low": one.low, "high": one.high, "n": len(new)}


def group_estimates(
    book: Book, customers: pd.DataFrame, values: dict[str, Any] | None
) -> list[dict[str, Any]]:
    """Predicted value and equity of each group of the run's dimensions, at the end of the period."""
    if values is None or values[DEFAULT].draws is None:
        return []
    rows = []
    for dimension in (name for name in book.settings.dimensions if name in customers.columns):
        sums = values[DEFAULT].sum_interval(customers[dimension].to_numpy())
        for group, total in sums.iterrows():
            keys = {"variant": DEFAULT, "period": book.window.label, "by": dimension, "group": group}
            rows.append({"metric": "customer_equity", **keys, **_sum_of(total)})
            rows.append({"metric": "predicted_clv", **keys, **_mean_of(total)})
    return rows


def equity_bridge(book: Book, fits_by_window: dict[str, Fits | None]) -> pd.DataFrame:
    """From the previous window's customer equity to this one's: one row per step, in order."""
    before = next((w for w in book.windows if w.label == book.baselines[book.window.label]["previous"]), None)
    last, this = fits_by_window.get(before.label if before else ""), fits_by_window.get(book.window.label)
    if before is None or last is None or this is None or not all(_is_usable(f) for f in (last, this)):
        return pd.DataFrame(columns=["step", "amount", "customers"])
    found = bridge.equity_bridge(_bridge_inputs(book, last, before), _bridge_inputs(book, this, book.window))
    steps = [("opening", found.opening, len(last.histories))]
    steps += [(name, amount, found.customers[name]) for name, amount in found.steps.items()]
    return pd.DataFrame(
        [*steps, ("closing", found.closing, len(this.histories))], columns=["step", "amount", "customers"]
    )


def _is_usable(fits: Fits) -> bool:
    return fits.purchase_fit.is_usable and fits.spend.is_usable


def _bridge_inputs(book: Book, fits: Fits, window: Window) -> bridge.EquityInputs:
    x, t_x, T = weeks(fits.histories)
    return bridge.EquityInputs(
        fits.histories["customer_id"], x, t_x, T, mean_spend(fits.histories), fits.purchase_fit, fits.spend,
        quarter_lengths(window.end, book.settings.horizon_quarters), book.settings.gross_margin,
        book.settings.discount_rate_per_year,
    )  # fmt: skip


def fits_frame(fits: Fits | None) -> pd.DataFrame:
    """One row for each model: the fit as JSON, whether it values customers, and its badge in both languages."""
    if fits is None:
        return pd.DataFrame(columns=FIT_COLUMNS)
    parts: Sequence[tuple[str, Any, Any]] = [
        *((name, fits.purchases[name], fits.purchase_badges[name]) for name in fits.purchases),
        ("spend", fits.spend, fits.spend_badge),
    ]
    rows = [
        (role, fit.model, fit.to_json(), role == fits.chosen, badge.verdict, badge.rule, badge.rule_zh)
        for role, fit, badge in parts
    ]
    badge = fits.independence.badge
    rows.append(("independence", "spearman", "{}", False, badge.verdict, badge.rule, badge.rule_zh))
    return pd.DataFrame(rows, columns=FIT_COLUMNS)
