"""The reconciliation gate: what must add up does, or the report says it does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from analysis.catalogue import DEFAULT
from analysis.facts import Book

IDENTITIES = (
    "population", "parts_make_the_whole", "retention_and_churn", "gross_below_net", "cohorts_within_size",
    "revenue_of_rows", "rows_accounted_for",
)  # fmt: skip

# Sums of money in another order differ in their last digits.
_RELATIVE_TOLERANCE = 1e-9

Check = dict[str, Any]


def reconcile(book: Book, kpis: pd.DataFrame, cohorts: pd.DataFrame, quality: pd.DataFrame) -> pd.DataFrame:
    """Every identity of the run and whether it holds.

    Returns
    -------
    DataFrame
        One row per identity and thing it is asked of: ``identity, subject, relation, left, right, holds``.
    """
    values = company_values(kpis)
    checks = [
        *check_population(values, [window.label for window in book.windows]),
        *check_parts(book, kpis),
        *check_retention(values, [window.label for window in book.windows]),
        *check_revenue_retention(values, [window.label for window in book.windows]),
        *check_cohorts(cohorts),
        *check_revenue(book, values),
        *check_rows(quality),
    ]
    return pd.DataFrame(checks, columns=["identity", "subject", "relation", "left", "right", "holds"])


def company_values(kpis: pd.DataFrame) -> dict[tuple[str, str, str], float]:
    """The measured values at company level by (metric, variant, period)."""
    rows = kpis[kpis["by"].isna() & kpis["value"].notna()]
    keys = zip(rows["metric"], rows["variant"], rows["period"], strict=True)
    return dict(zip(keys, rows["value"].astype(float), strict=True))


def check_population(values: dict[tuple[str, str, str], float], periods: Iterable[str]) -> Iterator[Check]:
    """opening + (new − came and went) + returned − lost = closing."""
    for period in periods:
        parts = [
            values.get((f"{name}_customers", DEFAULT, period))
            for name in ("opening", "new", "came_and_went", "returned", "lost", "closing")
        ]
        if None not in parts:
            opening, new, went, returned, lost, closing = parts
            yield _equal("population", period, opening + (new - went) + returned - lost, closing)


def check_parts(book: Book, kpis: pd.DataFrame) -> Iterator[Check]:
    """The groups of a dimension without overlap sum to the whole, for every metric that adds up."""
    metrics = book.catalogue.metrics
    keys = ["metric", "variant", "period"]
    rows = kpis[kpis["metric"].map(lambda name: metrics[name].additive) & kpis["value"].notna()]
    whole = rows[rows["by"].isna()].set_index(keys)["value"]
    for (*key, dimension), value in rows[rows["by"].notna()].groupby([*keys, "by"])["value"].sum().items():
        if not book.catalogue.dimensions[dimension].overlapping and tuple(key) in whole.index:
            yield _equal(
                "parts_make_the_whole", f"{key[0]}.{key[1]} {key[2]} by {dimension}", value, whole[tuple(key)]
            )


def check_retention(values: dict[tuple[str, str, str], float], periods: Iterable[str]) -> Iterator[Check]:
    """Retention = 1 − churn."""
    for period in periods:
        kept = values.get(("customer_retention_rate", DEFAULT, period))
        lost = values.get(("customer_churn_rate", DEFAULT, period))
        if kept is not None and lost is not None:
            yield _equal("retention_and_churn", period, kept, 1 - lost)


def check_revenue_retention(
    values: dict[tuple[str, str, str], float], periods: Iterable[str]
) -> Iterator[Check]:
    """Gross revenue retention is at most 1 and at most net revenue retention, on the same base."""
    for period in periods:
        for variant in (DEFAULT, "previous_period"):
            net = values.get(("net_revenue_retention", variant, period))
            gross = values.get(("gross_revenue_retention", variant, period))
            if net is not None and gross is not None:
                yield _at_most("gross_below_net", f"{period} {variant}", gross, min(1.0, net))


def check_cohorts(cohorts: pd.DataFrame) -> Iterator[Check]:
    """No cohort has more buyers later than it has members."""
    for cohort, rows in cohorts.groupby("cohort", sort=False):
        yield _at_most(
            "cohorts_within_size", str(cohort), float(rows["customers"].max()), float(rows["size"].iloc[0])
        )


def check_revenue(book: Book, values: dict[tuple[str, str, str], float]) -> Iterator[Check]:
    """Revenue of the frame = the money of the rows kept and not excluded, summed straight from the checked table."""
    if "orders" in book.absent:
        return
    for window in book.windows:
        if (value := values.get(("revenue", DEFAULT, window.label))) is None:
            continue
        sql = (
            "select coalesce(sum(net_amount), 0) as amount from checked_orders "
            f"where ordered_on >= date '{window.start}' and ordered_on < date '{window.end}'"
        )
        yield _equal("revenue_of_rows", window.label, value, float(book.ask(sql)["amount"].iloc[0]))


def check_rows(quality: pd.DataFrame) -> Iterator[Check]:
    """Rows read = rows kept + rows rejected + rows ignored, for every table."""
    for table, rows in quality.groupby("table", sort=False):
        count = rows.groupby("stage")["rows"].sum()
        accounted = float(sum(count.get(stage, 0) for stage in ("kept", "rejected", "ignored")))
        yield _equal("rows_accounted_for", str(table), float(count.get("read", 0)), accounted)


def _equal(identity: str, subject: str, left: float, right: float) -> Check:
    holds = abs(left - right) <= _RELATIVE_TOLERANCE * max(1.0, abs(left), abs(right))
    return {
        "identity": identity,
        "subject": subject,
        "relation": "=",
        "left": left,
        "right": right,
        "holds": holds,
    }


def _at_most(identity: str, subject: str, left: float, right: float) -> Check:
    holds = left <= right + _RELATIVE_TOLERANCE * max(1.0, abs(right))
    return {
        "identity": identity,
        "subject": subject,
        "relation": "≤",
        "left": left,
        "right": right,
        "holds": holds,
    }
