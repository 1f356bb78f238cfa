"""What the customer-value page shows of the models: trust, doubt, change, forecasts and ways to value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.catalogue import DEFAULT, Metric, label
from analysis.facts import Book, NotMeasured
from analysis.report.kpis_shown import kpi_rows, say_reason, variant_name
from analysis.report.numbers_shown import (
    format_interval,
    format_money,
    format_number,
    format_percent,
    is_missing,
)
from analysis.suite import Results

if TYPE_CHECKING:
    from analysis.models.fitted import FittedModel

NORMAL_975 = 1.959963984540054
VERDICT_ORDER = ("trusted", "use_with_care", "do_not_use")
WAYS_TO_VALUE = ("historical_clv", "formula_clv", "predicted_clv")
CURVE_POINTS = 500  # more would not be seen
LARGE_PARAMETER = 100  # from here on the digits behind the point say nothing


def valued_customers(results: Results) -> pd.DataFrame | NotMeasured:
    """One row for each known customer with his predicted value; or why customers could not be valued."""
    equity = results.kpi("customer_equity", DEFAULT)
    return equity if isinstance(equity, NotMeasured) else results.customers


def model_name(model: str, language: str) -> str:
    """What a model, or the mean that stands in for one, is called."""
    return label(f"customer_value.model_{model}", language)


def page_verdict(verdict: str) -> str:
    """A model's verdict under the name that its badge has on the page."""
    return "use_with_care" if verdict == "with_care" else verdict


def money(value: Any, book: Book, language: str, **options: Any) -> str:
    """An amount in the company's currency."""
    return format_money(value, language, currency=book.settings.currency, **options)


# --- how far to trust ---------------------------------------------------------------------------------


def trust_rows(results: Results, language: str) -> pd.DataFrame:
    """One row for each check of the models: ``check, of, verdict, rule, meaning``.

    The purchase model's fit, its forecasts of the earlier periods, the spend model's fit, and whether spend
    is independent of frequency.
    """
    fits = results.fits.set_index("role")
    if fits.empty:
        return pd.DataFrame(columns=["check", "of", "verdict", "rule", "meaning"])
    chosen = results.chosen_model
    purchases, spend = (model_name(fits.loc[role, "model"], language) for role in (chosen, "spend"))
    checks = [("purchases_fit", purchases, fits.loc[chosen])]
    forecasts = results.holdout[results.holdout["model"] == chosen]
    if len(forecasts):
        checks.append(("purchases_forecast", _record(forecasts, purchases, language), forecasts.iloc[-1]))
    checks += [("spend_fit", spend, fits.loc["spend"]), ("independence", spend, fits.loc["independence"])]
    return pd.DataFrame([_check(kind, of, found, language) for kind, of, found in checks])


def _record(forecasts: pd.DataFrame, model: str, language: str) -> str:
    """The model, and in how many of the periods that it forecast the actual total lay in the interval."""
    made = forecasts[forecasts["low"].notna()]
    if made.empty:
        return model
    inside = int(made["is_inside"].sum())
    return label("customer_value.forecast_record", language, model=model, inside=inside, periods=len(made))


def _check(kind: str, of: str, found: pd.Series, language: str) -> dict[str, Any]:
    verdict = page_verdict(found["verdict"])
    return {
        "check": label(f"customer_value.check_{kind}", language),
        "of": of,
        "verdict": verdict,
        "rule": found[f"rule_{language}"],
        "meaning": label(f"customer_value.means_{kind}_{verdict}", language),
    }


def worst_verdict(verdicts: pd.Series) -> str:
    """The least trusting of the verdicts."""
    return max(verdicts, key=VERDICT_ORDER.index)


# --- what the total rests on --------------------------------------------------------------------------


def predictive_interval(equity: Mapping[str, Any], customers: pd.DataFrame) -> tuple[float, float, float]:
    """Limits of what the customers will really bring together, and the share of its variance that is chance.

    The total's parameter doubt (the frame's standard error) and the noise of every customer's own purchases
    add up as variances; the limits are the normal distribution's at 95 %. Not numbers where the fitted spend
    has no variance.
    """
    noise = float((customers["clv_noise_sd"].astype(float) ** 2).sum())
    parameters = float(equity["standard_error"]) ** 2
    if not math.isfinite(noise + parameters) or noise + parameters == 0:
        return math.nan, math.nan, math.nan
    half = NORMAL_975 * math.sqrt(noise + parameters)
    value = float(equity["value"])
    return max(0.0, value - half), value + half, noise / (noise + parameters)


def latest_error(results: Results) -> pd.Series | None:
    """The last forecast of the model that values customers against what happened; none without one."""
    forecasts = results.holdout[results.holdout["model"] == results.chosen_model]
    known = forecasts[forecasts["relative_error"].notna()]
    return known.iloc[-1] if len(known) else None


def value_curve(values: pd.Series) -> pd.DataFrame:
    """Share of all value that the best customers hold: ``customers, share_of_customers, share_of_value``.

    One row for each number of customers, best first, beginning with none; no more than some hundred rows.
    """
    ordered = np.sort(values.to_numpy(float))[::-1]
    shares = np.concatenate([[0.0], np.cumsum(ordered) / ordered.sum()])
    kept = np.unique(np.linspace(0, len(ordered), min(len(ordered), CURVE_POINTS) + 1).round().astype(int))
    return pd.DataFrame(
        {"customers": kept, "share_of_customers": kept / len(ordered), "share_of_value": shares[kept]}
    )


def curve_points(values: pd.Series, shares: tuple[float, ...] = (0.1, 0.2, 0.5)) -> pd.DataFrame:
    """What the best tenth, fifth and half hold: ``top, customers, share_of_customers, share_of_value``.

    A share of n customers is ceil(n × share); shares that come to the same customers stand once.
    """
    ordered = np.sort(values.to_numpy(float))[::-1]
    rows = [{"top": share, "customers": math.ceil(round(len(ordered) * share, 9))} for share in shares]
    points = pd.DataFrame(rows).drop_duplicates("customers", ignore_index=True)
    points["share_of_customers"] = points["customers"] / len(ordered)
    points["share_of_value"] = np.cumsum(ordered)[points["customers"] - 1] / ordered.sum()
    return points


def bridge_bars(bridge: pd.DataFrame, least_share: float = 0.001) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Where each bar of the waterfall begins and ends, and the steps too small to be drawn.

    Steps under ``least_share`` of the larger equity are not drawn; those of exactly zero are not mentioned
    either.

    Returns
    -------
    bars, small : DataFrame
        Bars: ``step, amount, customers, starts, ends``, opening and closing standing on zero. Small: ``step,
        amount``.
    """
    amounts = bridge["amount"].astype(float)
    is_end = bridge["step"].isin(("opening", "closing"))
    ends = amounts.where(~is_end | (bridge["step"] == "opening"), 0.0).cumsum()
    bars = bridge.assign(starts=ends - amounts, ends=ends)
    bars.loc[is_end, "starts"], bars.loc[is_end, "ends"] = 0.0, amounts[is_end]
    is_small = ~is_end & (amounts.abs() < least_share * amounts[is_end].abs().max())
    small = bridge[is_small & (amounts != 0)]
    return bars[~is_small].reset_index(drop=True), small[["step", "amount"]].reset_index(drop=True)


# --- forecasts against what happened ------------------------------------------------------------------


def holdout_rows(results: Results, language: str) -> pd.DataFrame:
    """One row for each period forecast and model, the latest period and the model in use first.

    Beside the columns of the frame: ``name``, ``interval`` and ``inside`` (in words; missing without a
    forecast), ``per_customer…`` (the root mean squared errors in words).
    """
    rows = results.holdout.assign(order=(results.holdout["model"] != results.chosen_model).astype(int))
    rows = rows.sort_values(["period", "order"], ascending=[False, True], ignore_index=True)
    rows["name"] = [model_name(model, language) for model in rows["model"]]
    rows["verdict"] = [page_verdict(verdict) for verdict in rows["verdict"]]
    rows["interval"] = [_interval(row, "number", language, decimals=0) for row in rows.to_dict("records")]
    rows["inside"] = [_inside_words(row, language) for row in rows.itertuples()]
    for name in ("", "_last_quarter", "_own_rate"):
        errors = rows[f"root_mean_squared_error{name}"]
        rows[f"per_customer{name}"] = [_error_each(error, language) for error in errors]
    return rows


def _inside_words(row: Any, language: str) -> str | None:
    if not row.interval:
        return None
    return label(f"customer_value.{'inside' if row.is_inside else 'outside'}", language)


def _error_each(error: float, language: str) -> str | None:
    if is_missing(error):
        return None
    return label("customer_value.per_customer", language, error=format_number(error, language, decimals=3))


def _interval(
    row: Mapping[str, Any], unit: str, language: str, low: str = "low", high: str = "high", **options: Any
) -> str:
    if is_missing(row[low]) or is_missing(row[high]):
        return ""
    return format_interval(row[low], row[high], unit, language, **options)


# --- ways to value, and the models --------------------------------------------------------------------


def way_rows(results: Results, language: str) -> pd.DataFrame:
    """Every way to value a customer, one row each: what it gives for the period, and what it means.

    Columns: ``way`` (the section), ``name, value, low, high, n, reason, meaning``; ``reason`` says why there
    is no value, or no interval.
    """
    book = results.book
    metrics = [metric for name in WAYS_TO_VALUE for metric in book.catalogue.metrics[name].all_variants()]
    rows = kpi_rows(results, metrics)[["metric", "variant", "value", "low", "high", "n", "reason"]]
    metrics = [book.catalogue.metric(row.metric, row.variant) for row in rows.itertuples()]
    model = model_name(_model_used(results), language)
    return rows.assign(
        way=[label(f"customer_value.way_{m.id}", language) for m in metrics],
        name=[_way_name(m, model, language) for m in metrics],
        meaning=[label(f"customer_value.way_{m.id}_{m.variant}", language) for m in metrics],
        reason=[say_reason(reason, book, language) for reason in rows["reason"]],
        n=rows["n"].where(rows["value"].notna()),
    )


def _model_used(results: Results) -> str:
    fits = results.fits.set_index("role")["model"]
    return str(fits.get(results.chosen_model, results.chosen_model))


def _way_name(metric: Metric, model: str, language: str) -> str:
    if metric.variant != DEFAULT:
        return variant_name(metric, language)
    if metric.kind == "modelled":
        return label("customer_value.by_model", language, model=model)
    return label("customer_value.way_default", language)


def fit_rows(results: Results, language: str) -> pd.DataFrame:
    """One row for each model: ``name, models`` (of what), ``customers, log_likelihood, status, message``."""
    rows = [
        {
            "name": model_name(fit.model, language),
            "models": _role_words(role, fit, language),
            "customers": fit.n_customers,
            "log_likelihood": fit.log_likelihood,
            "status": label(f"customer_value.status_{fit.status}", language),
            "message": fit.message_zh if language == "zh" else fit.message,
        }
        for role, fit in results.fit_by_role.items()
    ]
    return pd.DataFrame(rows)


def parameter_rows(results: Results, language: str) -> pd.DataFrame:
    """One row for each parameter of each model.

    Columns: ``model`` (the section), ``parameter, estimate, standard_error, decimals, meaning, reason`` (why
    one is missing).
    """
    rows = [
        {
            "model": f"{model_name(fit.model, language)} · {_role_words(role, fit, language)}",
            "parameter": label(f"customer_value.symbol_{name}", language),
            "estimate": estimate,
            "standard_error": fit.standard_errors[name],
            "decimals": 1 if estimate >= LARGE_PARAMETER else 4,
            "meaning": label(f"customer_value.param_{fit.model}_{name}", language),
            "reason": label("customer_value.not_determined", language),
        }
        for role, fit in results.fit_by_role.items()
        for name, estimate in fit.params.items()
    ]
    return pd.DataFrame(rows)


def _role_words(role: str, fit: FittedModel, language: str) -> str:
    """What the fit is of; where another stands in for the model asked for, in whose place it stands."""
    of = label("customer_value.of_spend" if role == "spend" else "customer_value.of_purchases", language)
    wanted = "gamma_gamma" if role == "spend" else role
    if fit.model == wanted:
        return of
    return label("customer_value.in_place_of", language, of=of, wanted=model_name(wanted, language))


def percent_of(share: float, language: str) -> str:
    """A share in whole percent, as the figures write it."""
    return format_percent(share, language, decimals=0)
