"""What the acquisition page counts beside the KPI frame: figures in blocks, new customers by channel."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.catalogue import DEFAULT, Metric
from analysis.facts import NotMeasured
from analysis.report.pages.breakdowns import MOST_GROUPS, figures_by, missing_from
from analysis.report.pages.funnel_rows import judged_shares
from analysis.suite import Results

BLOCKS = {
    "new_customers": ("new_customers", "new_customer_first_value", "new_customer_expected_value"),
    "cost": ("customer_acquisition_cost", "clv_to_cac", "cac_payback_months", "crm_roi"),
    "referral": ("referral_rate", "referred_share"),
    "leads": (
        "new_leads", "lead_conversion_rate", "won_opportunities", "lost_opportunities", "win_rate", "won_value",
        "sales_cycle_days",
    ),
    "pipeline": ("open_opportunities", "pipeline_value"),
    "revenue": ("revenue", "revenue_growth", "orders", "buyers", "sales_target_attainment"),
}  # fmt: skip
"""The metrics of each table of figures, in the order shown; those of single stages have tables of their own."""

COST, AGAIN = "customer_acquisition_cost.marketing_only", "repeat_purchase_rate.lifetime"
OF_CHANNELS = ("new_customers", "new_customer_first_value", COST, AGAIN)
COSTS_OF_WINNING = ("marketing_cost", "sales_cost", "service_cost")
OF_SALES = ("win_rate", "lead_conversion_rate")
OF_TARGETS = {
    "sales_target_attainment": ("revenue", "revenue_target"),
    "sales_target_attainment.won_value": ("won_value", "won_value_target"),
}
"""What is reached of a target, and of what: the figure, and its target."""


def costs_without_rows(results: Results) -> list[Metric]:
    """The kinds of cost of winning customers of which the period has no row, while it has rows of others.

    They count as nothing in the cost of a customer, which may mean that nobody supplies them.
    """
    found = {name: results.kpi(name) for name in COSTS_OF_WINNING}
    measured = {name: figure for name, figure in found.items() if not isinstance(figure, NotMeasured)}
    absent = [name for name, figure in measured.items() if figure["n"] == 0]
    return [results.book.catalogue.metrics[name] for name in absent if len(absent) < len(measured)]


def channels(results: Results) -> pd.DataFrame | NotMeasured:
    """One row for each acquisition channel, most new customers first; of more than twelve, these.

    Returns
    -------
    DataFrame or NotMeasured
        ``channel``; ``new_customers`` and, of the previous window, ``before``; their ``first_value`` in the period with
        ``first_low, first_high``; marketing ``cost`` for each; and of everybody whom the channel ever brought
        (``known``) the share that ``again`` bought, ``again_low, again_high``, that of all ``others``, and the
        ``verdict`` on the difference, corrected for the channels.
    """
    return results.remember("channels", lambda: _channels(results))


def _channels(results: Results) -> pd.DataFrame | NotMeasured:
    book = results.book
    missing = missing_from(book, "orders") or missing_from(book, "customers")
    if missing:
        return missing
    figures, _ = figures_by(results, "acquisition_channel", OF_CHANNELS)
    named = _names(figures)
    previous = book.baselines[book.window.label]["previous"]

    def of(metric: str, period: str = book.window.label) -> pd.DataFrame:
        return figures[(named == metric) & (figures["period"] == period)].set_index("group")

    new, first, cost, again = (of(name) for name in OF_CHANNELS)
    rows = pd.DataFrame(
        {"new_customers": new["value"], "before": of("new_customers", previous)["value"], "cost": cost["value"],
         "first_value": first["value"], "first_low": first["low"], "first_high": first["high"], "known": again["n"],
         "again": again["value"], "again_low": again["low"], "again_high": again["high"]}
    )  # fmt: skip
    rows = rows.join(_against_others(again, results)).rename_axis("channel").reset_index()
    order = rows.fillna({"new_customers": 0, "known": 0}).sort_values(
        ["new_customers", "known", "channel"], ascending=[False, False, True]
    )
    return rows.loc[order.index[:MOST_GROUPS]].reset_index(drop=True)


def _against_others(again: pd.DataFrame, results: Results) -> pd.DataFrame:
    """The share of the other groups together, and the verdict on each group against them; by group.

    The group furthest off for sure is set aside before the rest are compared among themselves: one channel nobody
    comes back from would else make every other one look good.
    """
    found = dict.fromkeys(again.index, (np.nan, None))
    rest = again[["numerator", "n"]].astype(float)
    while len(rest) > 1:
        rows = _each_against_the_rest(rest, results)
        found |= {row.Index: (row.base_value, row.verdict) for row in rows.itertuples()}
        sure = rows[rows["verdict"].isin(["better", "worse"])]
        if sure.empty or len(rest) == 2:
            break
        rest = rest.drop(sure.index[0])
    return pd.DataFrame.from_dict(found, orient="index", columns=["others", "verdict"])


def _each_against_the_rest(groups: pd.DataFrame, results: Results) -> pd.DataFrame:
    """``base_value`` (the share of all the others) and ``verdict`` of each group, the surest difference first."""
    own = groups.set_axis(["hits", "n"], axis=1)
    counts = pd.concat([own.assign(period="own"), (own.sum() - own).assign(period="others")])
    counts = counts.rename_axis("group").reset_index()
    _, changes = judged_shares(counts, [("own", "others", "others")], results.book, better="up")
    size = changes["difference"].abs()
    rows = changes.assign(size=-size).sort_values(["p_adjusted", "size", "group"]).set_index("group")
    return rows[["base_value", "verdict"]]


def channels_that_do_not_last(rows: pd.DataFrame) -> pd.DataFrame:
    """The channels whose customers buy again less often than the others' beyond chance, the worst first."""
    return rows[rows["verdict"] == "worse"].sort_values(["again", "channel"], ignore_index=True)


def targets_of_managers(results: Results) -> pd.DataFrame | NotMeasured:
    """One row for each target set for an account manager's sales, least reached first.

    Returns
    -------
    DataFrame or NotMeasured
        ``metric`` (``revenue`` or ``won_value``), ``account_manager, reached, target, attainment``.
    """
    return results.remember("targets_of_managers", lambda: _targets_of_managers(results))


def _targets_of_managers(results: Results) -> pd.DataFrame | NotMeasured:
    book = results.book
    missing = missing_from(book, "targets")
    if missing:
        return missing
    behind = [name for pair in OF_TARGETS.values() for name in pair]
    figures, _ = figures_by(results, "account_manager", (*OF_TARGETS, *behind))
    now = figures[figures["period"] == book.window.label]
    parts = [_of_target(now, name, *pair) for name, pair in OF_TARGETS.items()]
    return pd.concat(parts, ignore_index=True)


def _of_target(figures: pd.DataFrame, share: str, reached: str, target: str) -> pd.DataFrame:
    of = {name: rows.set_index("group")["value"] for name, rows in figures.groupby(_names(figures))}
    none = pd.Series(dtype=float)
    parts = {
        "attainment": of.get(share, none),
        "reached": of.get(reached, none),
        "target": of.get(target, none),
    }
    rows = pd.DataFrame(parts).assign(metric=reached)
    rows = rows.dropna(subset="attainment").rename_axis("account_manager").reset_index()
    rows = rows.sort_values(["attainment", "account_manager"])
    return rows[["metric", "account_manager", "reached", "target", "attainment"]]


def _names(figures: pd.DataFrame) -> pd.Series:
    """Each row's metric as ``id``, or ``id.variant``."""
    is_default = figures["variant"] == DEFAULT
    return figures["metric"].where(is_default, figures["metric"] + "." + figures["variant"])
