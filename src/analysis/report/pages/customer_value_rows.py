"""The frames behind the customer-value page: one function each, from the frames of the results to what is shown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.catalogue import DEFAULT, Metric, label
from analysis.facts import Book, NotMeasured
from analysis.models.chain import MODEL_NAMES, MODEL_NAMES_ZH
from analysis.models.fitted import FittedModel
from analysis.report.kpis_shown import group_name, kpi_rows, say_reason, variant_name
from analysis.report.tables_shown import (
    format_interval,
    format_money,
    format_number,
    format_percent,
    is_missing,
)
from analysis.suite import Results

NORMAL_975 = 1.959963984540054
VERDICT_ORDER = ("trusted", "use_with_care", "do_not_use")
SEGMENTS = ("valuable", "at_risk", "ineffective")
SPEND_GROUPS = ("high", "middle", "low", "once")
WAYS_TO_VALUE = ("historical_clv", "formula_clv", "predicted_clv")
MOST_GROUPS = 15  # groups of a dimension that are shown; the most valuable ones
CURVE_POINTS = 500  # more would not be seen


def valued_customers(results: Results) -> pd.DataFrame | NotMeasured:
    """One row for each known customer with his predicted value; or why customers could not be valued."""
    equity = results.kpi("customer_equity", DEFAULT)
    return equity if isinstance(equity, NotMeasured) else results.customers


def model_name(model: str, language: str) -> str:
    """What a model, or the mean that stands in for one, is called."""
    return (MODEL_NAMES_ZH if language == "zh" else MODEL_NAMES).get(model, model)


def page_verdict(verdict: str) -> str:
    """A model's verdict under the name that its badge has on the page."""
    return "use_with_care" if verdict == "with_care" else verdict


def money(value: Any, book: Book, language: str, **options: Any) -> str:
    """An amount in the company's currency."""
    return format_money(value, language, currency=book.settings.currency, **options)


def chosen_model(results: Results) -> str:
    """The purchase model that values customers: the one set or, with ``auto``, the better one on the last holdout."""
    wanted = results.book.settings.model
    if wanted != "auto":
        return wanted
    judged = results.holdout[results.holdout["root_mean_squared_error"].notna()]
    if judged.empty:
        return "bg_nbd"
    latest = judged[judged["period"] == judged["period"].iloc[-1]]
    return str(latest.sort_values(["root_mean_squared_error", "model"])["model"].iloc[0])


# --- how far to trust ---------------------------------------------------------------------------------


def trust_rows(results: Results, language: str) -> pd.DataFrame:
    """One row for each check of the models: ``check, of, verdict, rule, meaning``.

    The purchase model's fit, its forecasts of the earlier periods, the spend model's fit, and whether spend is
    independent of frequency.
    """
    fits = results.fits.set_index("role")
    if fits.empty:
        return pd.DataFrame(columns=["check", "of", "verdict", "rule", "meaning"])
    chosen = chosen_model(results)
    purchases, spend = (model_name(fits.loc[role, "model"], language) for role in (chosen, "spend"))
    checks = [("purchases_fit", purchases, fits.loc[chosen])]
    forecasts = results.holdout[results.holdout["model"] == chosen]
    if len(forecasts):
        record = {"inside": int(forecasts["is_inside"].sum()), "periods": len(forecasts)}
        of = label("customer_value.forecast_record", language, model=purchases, **record)
        checks.append(("purchases_forecast", of, forecasts.iloc[-1]))
    checks += [("spend_fit", spend, fits.loc["spend"]), ("independence", spend, fits.loc["independence"])]
    return pd.DataFrame([_check(kind, of, found, language) for kind, of, found in checks])


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

    The total's parameter doubt (the frame's standard error) and the noise of every customer's own purchases add
    up as variances; the limits are the normal distribution's at 95 %. Not numbers where the fitted spend has no
    variance.
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
    forecasts = results.holdout[results.holdout["model"] == chosen_model(results)]
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
    """One row for each period forecast and model, the latest period first, with what stands under each figure."""
    holdout = results.holdout.iloc[::-1].sort_values("period", ascending=False, kind="stable")
    rows = holdout.assign(
        name=[model_name(model, language) for model in holdout["model"]],
        interval=[_interval(row, "number", language, decimals=0) for row in holdout.to_dict("records")],
        inside=[
            label(f"customer_value.{'inside' if inside else 'outside'}", language)
            for inside in holdout["is_inside"]
        ],
        verdict=[page_verdict(verdict) for verdict in holdout["verdict"]],
    )
    for name in ("", "_last_quarter", "_own_rate"):
        errors = rows[f"root_mean_squared_error{name}"]
        rows[f"per_customer{name}"] = [
            "" if is_missing(error) else label("customer_value.per_customer", language, error=format_number(error, language, decimals=3))
            for error in errors
        ]  # fmt: skip
    rows["order"] = (rows["model"] != chosen_model(results)).astype(int)
    return rows.sort_values(["period", "order"], ascending=[False, True], ignore_index=True)


def _interval(
    row: Mapping[str, Any], unit: str, language: str, low: str = "low", high: str = "high", **options: Any
) -> str:
    if is_missing(row[low]) or is_missing(row[high]):
        return ""
    return format_interval(row[low], row[high], unit, language, **options)


# --- who the value is ---------------------------------------------------------------------------------


def value_by_group(results: Results, language: str) -> tuple[pd.DataFrame, list[str]]:
    """Equity and value per customer of every group of the run's dimensions, and the dimensions left out.

    A dimension in which all customers stand in one group says nothing and is left out. Of a dimension with many
    groups the most valuable ones are kept, in the order of the groups.

    Returns
    -------
    rows, left_out
        Rows: ``dimension, group, customers, equity, equity_low, equity_high, share, per_customer,
        per_customer_low, per_customer_high``. Left out: names of dimensions.
    """
    book, kpis = results.book, results.kpis
    now = kpis[
        (kpis["period"] == book.window.label)
        & (kpis["variant"] == DEFAULT)
        & kpis["by"].notna()
        & kpis["value"].notna()
    ]
    equity = now[now["metric"] == "customer_equity"].set_index(["by", "group"])
    each = now[now["metric"] == "predicted_clv"].set_index(["by", "group"])
    parts, left_out = [], []
    for name in (name for name in book.settings.dimensions if name in equity.index.get_level_values("by")):
        dimension, groups = book.catalogue.dimensions[name], equity.loc[name]
        if len(groups) < 2:
            left_out.append(dimension.name.in_(language))
            continue
        frame = pd.DataFrame({
            "customers": groups["n"], "equity": groups["value"], "equity_low": groups["low"], "equity_high": groups["high"],
            "share": groups["value"] / groups["value"].sum(), "per_customer": each.loc[name]["value"],
            "per_customer_low": each.loc[name]["low"], "per_customer_high": each.loc[name]["high"],
        })  # fmt: skip
        kept = set(frame["equity"].nlargest(MOST_GROUPS).index)
        order = sorted(kept, key=lambda group: _place(dimension.groups, group))
        frame = frame.loc[order].rename_axis("id").reset_index()
        names = [group_name(book, name, group, language) for group in frame["id"]]
        parts.append(frame.assign(dimension=dimension.name.in_(language), group=names))
    return (pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()), left_out


def _place(groups: Mapping[str, Any], group: str) -> tuple[int, str]:
    """Declared groups in their order, then those that come from the data, by name."""
    known = list(groups)
    return (known.index(group) if group in known else len(known), str(group))


def value_by_spend(customers: pd.DataFrame, language: str) -> pd.DataFrame:
    """Value by what customers spend: thirds of the repeat buyers by mean spend, and one-time buyers apart.

    Columns: ``id, group, customers, spent, expected_spend`` (per purchase: so far, and as the model expects),
    ``equity, low, high, share, per_customer``. The limits add up the customers' own.
    """
    return _sums_by(customers, spend_group(customers), SPEND_GROUPS, "spend", language)


def spend_group(customers: pd.DataFrame) -> pd.Series:
    """``once`` for one-time buyers, else the third of the repeat buyers by mean spend: ``low, middle, high``.

    Thirds by rank, ties by order; those whose repeat purchases brought no money are among the low.
    """
    repeats = ~customers["is_one_time_buyer"].astype(bool)
    rank = customers["mean_repeat_spend"].fillna(0.0)[repeats].rank(method="first")
    third = np.ceil(3 * rank / max(1, repeats.sum())).astype(int).map({1: "low", 2: "middle", 3: "high"})
    return third.reindex(customers.index).fillna("once")


def value_by_segment(customers: pd.DataFrame, language: str) -> pd.DataFrame:
    """Value × risk: valuable, at risk, ineffective; those who bought twice or more, then one-time buyers.

    Columns as ``value_by_spend``, and ``bought`` (the section) and ``chance`` (mean probability of still being
    a customer).
    """
    segments = segment_of(customers)
    parts = []
    for section, chosen in (
        ("repeat", ~customers["is_one_time_buyer"]),
        ("once", customers["is_one_time_buyer"]),
    ):
        chosen = chosen.astype(bool)
        rows = _sums_by(
            customers[chosen],
            segments[chosen],
            SEGMENTS,
            "segment",
            language,
            customers["predicted_clv"].sum(),
        )
        rows["bought"] = label(f"customer_value.bought_{section}", language)
        parts.append(rows)
    return pd.concat(parts, ignore_index=True)


def segment_of(customers: pd.DataFrame) -> pd.Series:
    """``ineffective`` below the share of customers that counts as valuable, else ``at_risk`` or ``valuable``."""
    names = np.where(
        customers["is_at_risk"], "at_risk", np.where(customers["is_valuable"], "valuable", "ineffective")
    )
    return pd.Series(names, customers.index)


def _sums_by(
    customers: pd.DataFrame,
    groups: pd.Series,
    order: tuple[str, ...],
    kind: str,
    language: str,
    whole: float | None = None,
) -> pd.DataFrame:
    purchases = customers["repeat_orders"] + 1
    sums = customers.assign(purchases=purchases, chance=1 - customers["churn_score"]).groupby(groups.to_numpy()).agg(
        customers=("predicted_clv", "size"), equity=("predicted_clv", "sum"), low=("clv_low", "sum"), high=("clv_high", "sum"),
        revenue=("net_revenue_to_date", "sum"), purchases=("purchases", "sum"), expected_spend=("expected_spend", "mean"),
        chance=("chance", "mean"),
    )  # fmt: skip
    sums = sums.reindex([group for group in order if group in sums.index])
    sums["share"] = sums["equity"] / (customers["predicted_clv"].sum() if whole is None else whole)
    sums["per_customer"] = sums["equity"] / sums["customers"]
    sums["spent"] = sums["revenue"] / sums["purchases"]
    sums["group"] = [label(f"customer_value.{kind}_{group}", language) for group in sums.index]
    sums["what"] = [label(f"customer_value.{kind}_{group}_is", language) for group in sums.index]
    return sums.rename_axis("id").reset_index()


def top_customers(customers: pd.DataFrame, n: int, language: str, book: Book) -> pd.DataFrame:
    """The n customers of the highest predicted value, ties by id: ``name, id_below, interval`` and their own columns."""
    best = customers.sort_values(["predicted_clv", "customer_id"], ascending=[False, True]).head(n)
    has_name = best["customer_name"].notna()
    currency = book.settings.currency
    return best.assign(
        name=best["customer_name"].where(has_name, best["customer_id"]).astype(object),
        id_below=best["customer_id"].astype(object).where(has_name, None),
        chance=1 - best["churn_score"],
        interval=[
            _interval(row, "money", language, "clv_low", "clv_high", currency=currency)
            for row in best.to_dict("records")
        ],
    ).reset_index(drop=True)


# --- ways to value, and the models --------------------------------------------------------------------


def way_rows(results: Results, language: str) -> pd.DataFrame:
    """Every way to value a customer, one row each: what it gives for the period, and what it means.

    Columns: ``way`` (the section), ``name, value, low, high, n, reason, meaning``; ``reason`` says why there is no
    value, or no interval.
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
    return str(fits.get(chosen_model(results), chosen_model(results)))


def _way_name(metric: Metric, model: str, language: str) -> str:
    if metric.variant != DEFAULT:
        return variant_name(metric, language)
    if metric.kind == "modelled":
        return label("customer_value.by_model", language, model=model)
    return label("customer_value.way_default", language)


def fit_rows(results: Results, language: str) -> pd.DataFrame:
    """One row for each fitted model: what it models, customers, log-likelihood, status, what it says of itself."""
    rows = []
    for role, fit in results.fit_by_role.items():
        rows.append({
            "name": model_name(fit.model, language), "models": _role_words(role, fit, language),
            "customers": fit.n_customers, "log_likelihood": fit.log_likelihood,
            "status": label(f"customer_value.status_{fit.status}", language),
            "message": fit.message_zh if language == "zh" else fit.message,
        })  # fmt: skip
    return pd.DataFrame(rows)


def parameter_rows(results: Results, language: str) -> pd.DataFrame:
    """One row for each parameter of each model: ``model, parameter, estimate, standard_error, meaning, reason``."""
    rows = []
    for role, fit in results.fit_by_role.items():
        section = f"{model_name(fit.model, language)} · {_role_words(role, fit, language)}"
        for name, estimate in fit.params.items():
            rows.append({
                "model": section, "parameter": label(f"customer_value.symbol_{name}", language), "estimate": estimate,
                "standard_error": fit.standard_errors[name], "reason": label("customer_value.not_determined", language),
                "meaning": label(f"customer_value.param_{fit.model}_{name}", language),
            })  # fmt: skip
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
