"""Who holds the value: the frames of groups, spend groups, value × risk segments and single customers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.catalogue import DEFAULT, label
from analysis.report.kpis_shown import group_name
from analysis.suite import Results

SEGMENTS = ("valuable", "at_risk", "ineffective")
SPEND_GROUPS = ("high", "middle", "low", "once")
MOST_GROUPS = 15
"""Groups of a dimension that are shown: the most valuable ones."""

_SHOWN_AS = {
    ("customer_equity", "n"): "customers", ("customer_equity", "value"): "equity",
    ("customer_equity", "low"): "equity_low", ("customer_equity", "high"): "equity_high",
    ("predicted_clv", "value"): "per_customer", ("predicted_clv", "low"): "per_customer_low",
    ("predicted_clv", "high"): "per_customer_high",
}  # fmt: skip


# --- by the run's dimensions --------------------------------------------------------------------------


def value_by_group(results: Results, language: str) -> tuple[pd.DataFrame, list[str]]:
    """Equity and value per customer of every group of the run's dimensions, and the dimensions left out.

    A dimension in which all customers stand in one group says nothing and is left out. Of a dimension with
    many groups the most valuable ones are kept, in the order of the groups.

    Returns
    -------
    rows, left_out
        Rows: ``dimension, group, customers, equity, equity_low, equity_high, share, per_customer,
        per_customer_low, per_customer_high``. Left out: names of dimensions.
    """
    book, parts, left_out = results.book, [], []
    valued = _valued_groups(results)
    for name in (name for name in book.settings.dimensions if name in valued):
        groups, dimension = valued[name], book.catalogue.dimensions[name]
        if len(groups) < 2:
            left_out.append(dimension.name.in_(language))
            continue
        groups["share"] = groups["equity"] / groups["equity"].sum()
        most = groups["equity"].nlargest(MOST_GROUPS).index
        kept = groups.loc[sorted(most, key=_in_order(dimension.groups))]
        names = [group_name(book, name, group, language) for group in kept.index]
        parts.append(kept.assign(dimension=dimension.name.in_(language), group=names))
    return (pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()), left_out


def _valued_groups(results: Results) -> dict[str, pd.DataFrame]:
    """The figures of every group of the period, one frame for each dimension, indexed by group."""
    kpis = results.kpis[results.kpis["by"].notna() & results.kpis["value"].notna()]
    now = kpis[(kpis["period"] == results.book.window.label) & (kpis["variant"] == DEFAULT)]
    now = now[now["metric"].isin(["customer_equity", "predicted_clv"])]
    found = {}
    for name, rows in now.groupby("by", sort=False):
        by_metric = {metric: part.set_index("group") for metric, part in rows.groupby("metric")}
        if len(by_metric) == 2:
            columns = {shown: by_metric[metric][column] for (metric, column), shown in _SHOWN_AS.items()}
            found[str(name)] = pd.DataFrame(columns)
    return found


def _in_order(declared: Mapping[str, Any]) -> Any:
    """Sorts declared groups in their order, then those that come from the data, by name."""
    places = {group: place for place, group in enumerate(declared)}
    return lambda group: (places.get(group, len(places)), str(group))


# --- by spend, by value and risk ----------------------------------------------------------------------


def value_by_spend(customers: pd.DataFrame, language: str) -> pd.DataFrame:
    """Value by what customers spend: thirds of the repeat buyers by mean spend, and one-time buyers apart.

    Columns: ``id, group, customers, spent, expected_spend`` (per purchase: so far, and as the model expects),
    ``equity, low, high, share, per_customer``. The limits add up the customers' own, and so are, if anything,
    too wide: the standard deviation of a sum is at most the sum of standard deviations.
    """
    sums = _sums_by(customers, spend_group(customers), SPEND_GROUPS)
    sums["group"] = [label(f"customer_value.spend_{name}", language) for name in sums["id"]]
    return sums


def spend_group(customers: pd.DataFrame) -> pd.Series:
    """``once`` for one-time buyers, else the third of the repeat buyers by mean spend: ``low, middle, high``.

    Thirds by rank, ties in the order of the rows; who repeated without bringing money is among the low.
    """
    repeats = ~customers["is_one_time_buyer"].astype(bool)
    rank = customers.loc[repeats, "mean_repeat_spend"].fillna(0.0).rank(method="first")
    third = np.ceil(3 * rank / max(1, repeats.sum())).astype(int)
    names = third.map({1: "low", 2: "middle", 3: "high"})
    return names.reindex(customers.index).fillna("once")


def value_by_segment(customers: pd.DataFrame, language: str) -> pd.DataFrame:
    """Value × risk: valuable, at risk, ineffective; those who bought twice or more, then one-time buyers.

    Columns as ``value_by_spend``, and ``bought`` (the section), ``what`` (to do) and ``chance`` (mean
    probability of still being a customer). Shares are of all customers' equity.
    """
    once, segments = customers["is_one_time_buyer"].astype(bool), segment_of(customers)
    parts = []
    for section, chosen in (("repeat", ~once), ("once", once)):
        rows = _sums_by(customers[chosen], segments[chosen], SEGMENTS)
        rows["share"] = rows["equity"] / customers["predicted_clv"].sum()
        parts.append(rows.assign(bought=label(f"customer_value.bought_{section}", language)))
    sums = pd.concat(parts, ignore_index=True)
    sums["group"] = [label(f"customer_value.segment_{name}", language) for name in sums["id"]]
    sums["what"] = [label(f"customer_value.segment_{name}_is", language) for name in sums["id"]]
    return sums


def segment_of(customers: pd.DataFrame) -> pd.Series:
    """``ineffective`` outside the share that counts as valuable, else ``at_risk`` or ``valuable``."""
    is_valuable, is_at_risk = (customers[name].astype(bool) for name in ("is_valuable", "is_at_risk"))
    names = np.select([is_at_risk, is_valuable], ["at_risk", "valuable"], "ineffective")
    return pd.Series(names, customers.index)


def _sums_by(customers: pd.DataFrame, groups: pd.Series, order: tuple[str, ...]) -> pd.DataFrame:
    """One row for each group that has customers, in the order given: what they are, spent and will bring."""
    counted = customers.assign(purchases=customers["repeat_orders"] + 1, chance=1 - customers["churn_score"])
    sums = counted.groupby(groups.to_numpy()).agg(
        customers=("predicted_clv", "size"), equity=("predicted_clv", "sum"), low=("clv_low", "sum"),
        high=("clv_high", "sum"), revenue=("net_revenue_to_date", "sum"), purchases=("purchases", "sum"),
        expected_spend=("expected_spend", "mean"), chance=("chance", "mean"),
    )  # fmt: skip
    sums = sums.reindex([name for name in order if name in sums.index]).rename_axis("id").reset_index()
    return sums.assign(
        share=sums["equity"] / sums["equity"].sum(),
        per_customer=sums["equity"] / sums["customers"],
        spent=sums["revenue"] / sums["purchases"],
    )


# --- single customers ---------------------------------------------------------------------------------


def top_customers(customers: pd.DataFrame, n: int) -> pd.DataFrame:
    """The n customers of the highest predicted value, ties by id.

    Their own columns, and ``name`` (the id where there is none), ``id_below`` (missing there) and ``chance``.
    """
    best = customers.sort_values(["predicted_clv", "customer_id"], ascending=[False, True]).head(n)
    has_name = best["customer_name"].notna()
    return best.assign(
        name=best["customer_name"].where(has_name, best["customer_id"]).astype(object),
        id_below=best["customer_id"].astype(object).where(has_name, None),
        chance=1 - best["churn_score"],
    ).reset_index(drop=True)
