"""What the retention page shows of those who left and may leave: why, contracts that come due, who was won back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pandas as pd

from analysis.catalogue import DEFAULT
from analysis.facts import Book, NotMeasured
from analysis.metrics.frame import NOT_STATED
from analysis.periods import Window
from analysis.report.kpis_shown import trend_windows
from analysis.report.pages.breakdowns import missing_from
from analysis.suite import Results

CHURN = "customer_churn_rate"
CHOICES = {
    "voluntary": "voluntary_churn_rate",
    "involuntary": "involuntary_churn_rate",
    "unstated": "unstated_churn_rate",
}
"""The three parts of churn, and the metric of each."""

RENEWAL = "renewal_rate"
RENEWALS = (RENEWAL, "contracts_due")
WIN_BACK, FOLLOW_UP = "winback_rate", "follow_up_rate"
ABOVE = (*CHOICES.values(), *RENEWALS, WIN_BACK, FOLLOW_UP)
"""Metrics that have a section of their own."""

TRAITS = ("region", "segment", "industry", "acquisition_channel", "value_band")
"""The dimensions by which reasons are looked through for a group that stands out."""

MOST_REASONS, LISTED = 12, 20
DAYS_AHEAD = 90


# --- by whose choice ----------------------------------------------------------------------------------


def churn_by_choice(results: Results) -> pd.DataFrame:
    """One row for each period measured, oldest first: the parts of churn and the customers they are shares of.

    Returns
    -------
    DataFrame
        ``period, n`` (customers at the start), ``voluntary, involuntary, unstated`` (shares of them that were lost),
        and ``lost``, the three together.
    """
    book = results.book
    rows = []
    for window in trend_windows(book):
        found = {part: results.kpi(name, period=window.label) for part, name in CHOICES.items()}
        if not any(isinstance(figure, NotMeasured) for figure in found.values()):
            shares = {part: float(figure["value"]) for part, figure in found.items()}
            n = float(found["unstated"]["n"])
            rows.append({"period": window.label, "n": n, **shares, "lost": sum(shares.values())})
    return pd.DataFrame(rows, columns=["period", "n", *CHOICES, "lost"])


# --- why ----------------------------------------------------------------------------------------------

_LOST_SQL = """
select
  customer_id, exit_kind as kind, exit_reason as reason, year_before_revenue as value,
  region, segment, industry, acquisition_channel, value_band
from customer_dealings
where period = $shown_period and is_lost
"""


def lost_customers(results: Results, window: Window | None = None) -> pd.DataFrame | NotMeasured:
    """One row for each customer lost in a window (the run's own, if not given): who he was, and why he left.

    Returns
    -------
    DataFrame or NotMeasured
        ``customer_id, kind`` (voluntary, involuntary), ``reason, value`` (net revenue in the year before the period),
        and a column for each of ``TRAITS``; kind and reason are missing where nothing is recorded.
    """
    window = window or results.book.window
    return results.remember(("lost_customers", window.label), lambda: _lost_customers(results.book, window))


def _lost_customers(book: Book, window: Window) -> pd.DataFrame | NotMeasured:
    missing = missing_from(book, "orders", window) if book.settings.customer_base == "orders" else None
    missing = missing or missing_from(book, "exits", window)
    if missing:
        return missing
    rows = book.ask(_LOST_SQL, shown_period=window.label)
    return rows.sort_values("customer_id", ignore_index=True) if len(rows) else NotMeasured("no_rows")


def ranked_reasons(lost: pd.DataFrame, level: float) -> pd.DataFrame:
    """One row for each reason and kind of exit, given most often first.

    Parameters
    ----------
    lost
        As ``lost_customers`` gives them.
    level
        Of the intervals.

    Returns
    -------
    DataFrame
        ``kind, reason, customers, share`` of those who gave a reason, ``low, high`` (Wilson), ``cumulative`` from the
        first reason on, ``value`` (lost with them), ``value_share`` of the value lost with a reason given.
    """
    from analysis.metrics.intervals import wilson_interval

    stated = lost[lost["reason"].notna()].assign(kind=lambda rows: rows["kind"].fillna(""))
    rows = stated.groupby(["kind", "reason"], as_index=False).agg(
        customers=("customer_id", "size"), value=("value", "sum")
    )
    rows = rows.sort_values(
        ["customers", "value", "reason"], ascending=[False, False, True], ignore_index=True
    )
    low, high = wilson_interval(rows["customers"], len(stated), level)
    share, whole = rows["customers"] / max(1, len(stated)), rows["value"].sum()
    value_share = rows["value"] / whole if whole > 0 else float("nan")
    return rows.assign(share=share, low=low, high=high, cumulative=share.cumsum(), value_share=value_share)


def reason_counts(lost: pd.DataFrame) -> dict[str, float]:
    """How many were lost and how many of them gave a reason, and the value lost with either: ``…_value``."""
    stated = lost["reason"].notna()
    return {
        "lost": len(lost),
        "stated": int(stated.sum()),
        "lost_value": float(lost["value"].sum()),
        "stated_value": float(lost.loc[stated, "value"].sum()),
    }


def lost_before(results: Results) -> pd.DataFrame | None:
    """The customers lost in the window before, where anything is known of why; else None."""
    book = results.book
    label = book.baselines[book.window.label]["previous"]
    window = next((each for each in book.windows if each.label == label), None)
    lost = lost_customers(results, window) if window else NotMeasured("no_earlier_period")
    return None if isinstance(lost, NotMeasured) or lost["reason"].isna().all() else lost


def reason_changes(lost: pd.DataFrame, before: pd.DataFrame, level: float) -> pd.DataFrame:
    """How the share of each reason among those given changed, corrected for the number of reasons.

    Returns
    -------
    DataFrame
        One row for each kind and reason given in the later window: ``kind, reason, before_share, difference,
        p_adjusted, verdict`` (``higher``, ``lower`` or ``no_clear_change``).
    """
    from analysis.metrics.compare import adjust_p_values, share_p_value

    now, then = ranked_reasons(lost, level), ranked_reasons(before, level)
    rows = now.merge(then, on=["kind", "reason"], how="left", suffixes=("", "_before"))
    earlier, n, n_before = rows["customers_before"].fillna(0), now["customers"].sum(), then["customers"].sum()
    p_value = share_p_value(rows["customers"], n, earlier, n_before)
    rows = rows.assign(
        before_share=earlier / n_before, difference=rows["share"] - earlier / n_before,
        p_adjusted=adjust_p_values(pd.Series(p_value, rows.index)),
    )  # fmt: skip
    moved = rows["p_adjusted"] < 1 - level
    verdict = rows["difference"].gt(0).map({True: "higher", False: "lower"}).where(moved, "no_clear_change")
    columns = ["kind", "reason", "before_share", "difference", "p_adjusted", "verdict"]
    return rows.assign(verdict=verdict)[columns]


def unusual_reasons(lost: pd.DataFrame, traits: Sequence[str], level: float) -> pd.DataFrame:
    """Reasons that one group of customers gives more often than all others, beyond chance.

    For every group and reason the share of the group's stated reasons is held against that of all other customers
    (two-proportion z, or Fisher's exact test where few are expected), corrected for all of these questions at once
    (Benjamini and Hochberg). That others then give a reason less often is the same news and is not told.

    Returns
    -------
    DataFrame
        The surest first: ``by, group, reason, customers, n, share, low, high, rest_n, rest_share, p_adjusted``.
    """
    from analysis.metrics.compare import adjust_p_values, share_p_value
    from analysis.metrics.intervals import wilson_interval

    stated = lost[lost["reason"].notna()]
    parts = [_group_counts(stated, trait) for trait in traits]
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    if rows.empty:
        return rows
    rest = rows["all_customers"] - rows["customers"]
    p_value = share_p_value(rows["customers"], rows["n"], rest, rows["rest_n"])
    low, high = wilson_interval(rows["customers"], rows["n"], level)
    rows = rows.assign(
        share=rows["customers"] / rows["n"], low=low, high=high, rest_share=rest / rows["rest_n"],
        p_adjusted=adjust_p_values(pd.Series(p_value, rows.index)),
    )  # fmt: skip
    sure = rows[(rows["p_adjusted"] < 1 - level) & (rows["share"] > rows["rest_share"])]
    return sure.sort_values(["p_adjusted", "by", "group"], ignore_index=True).drop(columns="all_customers")


def _group_counts(stated: pd.DataFrame, trait: str) -> pd.DataFrame:
    """How often every reason is given by every group of a trait, and by all; traits of one group have no rows."""
    known = stated[stated[trait].notna()]
    counts = pd.crosstab(known[trait].astype(str), known["reason"])
    if len(counts) < 2:
        return pd.DataFrame()
    rows = counts.rename_axis("group").reset_index().melt("group", var_name="reason", value_name="customers")
    n = counts.sum(axis=1)
    return rows.assign(
        by=trait, n=rows["group"].map(n), rest_n=len(known) - rows["group"].map(n),
        all_customers=rows["reason"].map(counts.sum()),
    )  # fmt: skip


# --- contracts ----------------------------------------------------------------------------------------

# Seen from the end of the period: what was renewed, or broken off, only later is still open.
_CONTRACTS_SQL = """
select
  c.contract_id, c.customer_id, u.customer_name, u.segment, c.product_id, c.due_on, c.yearly_value,
  c.renewal_window_ends_on, coalesce(c.renewed_on < $end_day, false) as is_renewed_by_then,
  r.last_renewed_on, h.account_manager_id
from contracts c
left join customers u on u.customer_id = c.customer_id
left join (
  select customer_id, max(renewed_on) as last_renewed_on from contracts where renewed_on < $end_day group by customer_id
) r on r.customer_id = c.customer_id
left join holdings h on h.customer_id = c.customer_id and h.held_from < $end_day and h.held_until >= $end_day
where c.starts_on < $end_day and c.due_on < $last_day and c.renewal_window_ends_on >= $end_day
  and not coalesce(c.ends_on < c.due_on and c.ends_on < $end_day, false)
"""


def open_renewals(results: Results) -> pd.DataFrame | NotMeasured:
    """One row for each contract due in the 90 days after the period, or due before it with the grace still running.

    Contracts broken off are left out. What is known stands as on the period's last day.

    Returns
    -------
    DataFrame or NotMeasured
        ``contract_id, customer_id, customer_name, segment, product_id, due_on, yearly_value, renewal_window_ends_on,
        is_renewed_by_then, last_renewed_on`` (of any contract of the customer's), ``account_manager_id`` (who
        held the customer on the last day), ``is_overdue``; the largest value first.
    """
    return results.remember("open_renewals", lambda: _open_renewals(results.book))


def _open_renewals(book: Book) -> pd.DataFrame | NotMeasured:
    missing = missing_from(book, "contracts")
    if missing:
        return missing
    end = book.window.end
    rows = book.ask(_CONTRACTS_SQL, end_day=end, last_day=end + timedelta(days=DAYS_AHEAD))
    rows = rows.assign(is_overdue=pd.to_datetime(rows["due_on"]) < pd.Timestamp(end))
    return rows.sort_values(
        ["yearly_value", "due_on", "contract_id"], ascending=[False, True, True], ignore_index=True
    )


def with_churn_scores(contracts: pd.DataFrame, customers: pd.DataFrame) -> pd.DataFrame:
    """The contracts with the churn score of their customers, missing where there is none."""
    if "churn_score" not in customers or customers.empty:
        return contracts.assign(churn_score=float("nan"))
    scores = customers.set_index("customer_id")["churn_score"]
    return contracts.assign(churn_score=contracts["customer_id"].map(scores).astype(float))


# --- winning back -------------------------------------------------------------------------------------


def won_back(results: Results) -> pd.DataFrame | NotMeasured:
    """Who came back of those inactive at the start: all of them, those contacted, by measure taken, the others.

    Returns
    -------
    DataFrame or NotMeasured
        ``kind`` (``all``, ``contacted``, ``measure``, ``not_contacted``), ``group`` (the measure, else empty), and
        ``value, low, high, n, numerator, status, reason`` as in the KPI frame; measures with most customers first.
    """
    return results.remember("won_back", lambda: _won_back(results))


def _won_back(results: Results) -> pd.DataFrame | NotMeasured:
    whole = results.kpi(WIN_BACK)
    contacted = results.kpi(WIN_BACK, "contacted_only")
    if isinstance(whole, NotMeasured) or isinstance(contacted, NotMeasured):
        return whole if isinstance(whole, NotMeasured) else contacted
    by_measure = _by_measure(results)
    return pd.DataFrame(
        [
            {**whole, "kind": "all", "group": ""},
            {**contacted, "kind": "contacted", "group": ""},
            *({**row, "kind": "measure"} for row in by_measure if row["group"] != NOT_STATED),
            *({**row, "kind": "not_contacted"} for row in by_measure if row["group"] == NOT_STATED),
        ]
    )


def _by_measure(results: Results) -> list[dict]:
    """The rate of every measure taken, and of customers for whom nothing was done, most customers first."""
    from analysis.metrics.measure import measure  # heavy, and not every part of a page needs it

    book = results.book
    # by the fact that knows what was done; it has the same rows and columns as the rate's own, and these besides
    rate = book.catalogue.metric(WIN_BACK, DEFAULT).model_copy(update={"fact": "customer_dealings"})
    kpis = measure(book, ["measure_taken"], [rate])
    is_now = kpis["by"].eq("measure_taken") & kpis["period"].eq(book.window.label) & kpis["value"].notna()
    return kpis[is_now].sort_values(["n", "group"], ascending=[False, True]).to_dict("records")
