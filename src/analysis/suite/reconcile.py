"""The reconciliation gate: what must add up does, or the report says it does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from analysis.catalogue import DEFAULT
from analysis.facts import Book
from analysis.metrics.scans import overlaps

IDENTITIES = (
    "population", "parts_make_the_whole", "retention_and_churn", "churn_by_kind", "gross_below_net",
    "cohorts_within_size", "one_holder_each", "funnel_never_rises", "leads_accounted_for", "answered_within_sent",
    "revenue_of_rows", "rows_accounted_for",
)  # fmt: skip

CHECK_COLUMNS = [
    "identity", "subject", "relation", "left", "right", "holds",
    "metric", "variant", "period", "by", "cohort", "stage", "table",
]  # fmt: skip
"""What each check says; the last columns name what it is asked of, those that apply."""

# Sums of money in another order differ in their last digits.
_RELATIVE_TOLERANCE = 1e-9

Check = dict[str, Any]


def reconcile(book: Book, kpis: pd.DataFrame, cohorts: pd.DataFrame, quality: pd.DataFrame) -> pd.DataFrame:
    """Every identity of the run and whether it holds.

    Returns
    -------
    DataFrame
        One row per identity and thing it is asked of: ``CHECK_COLUMNS``.
    """
    values, periods = company_values(kpis), [window.label for window in book.windows]
    checks = [
        *check_population(values, periods),
        *check_parts(book, kpis),
        *check_retention(values, periods),
        *check_churn_by_kind(values, periods),
        *check_revenue_retention(values, periods),
        *check_cohorts(cohorts),
        *check_holders(book),
        *check_funnel(book),
        *check_leads(book),
        *check_answered(book),
        *check_revenue(book, values),
        *check_rows(quality),
    ]
    texts = dict.fromkeys(CHECK_COLUMNS[6:], "str")
    return pd.DataFrame(checks, columns=CHECK_COLUMNS).astype(texts)


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
            yield _equal(
                "population", period, opening + (new - went) + returned - lost, closing, period=period
            )


def check_parts(book: Book, kpis: pd.DataFrame) -> Iterator[Check]:
    """The groups of a dimension without overlap sum to the whole, for every metric that adds up."""
    metrics = book.catalogue.metrics
    keys = ["metric", "variant", "period"]
    rows = kpis[kpis["metric"].map(lambda name: metrics[name].additive) & kpis["value"].notna()]
    whole = rows[rows["by"].isna()].set_index(keys)["value"]
    for (*key, dimension), value in rows[rows["by"].notna()].groupby([*keys, "by"])["value"].sum().items():
        is_apart = not overlaps(book.catalogue.dimensions[dimension], metrics[key[0]].fact)
        if is_apart and tuple(key) in whole.index:
            about = dict(zip(["metric", "variant", "period", "by"], [*key, dimension], strict=True))
            subject = "{metric}.{variant} {period} by {by}".format(**about)
            yield _equal("parts_make_the_whole", subject, value, whole[tuple(key)], **about)


def check_retention(values: dict[tuple[str, str, str], float], periods: Iterable[str]) -> Iterator[Check]:
    """Retention = 1 − churn."""
    for period in periods:
        kept = values.get(("customer_retention_rate", DEFAULT, period))
        lost = values.get(("customer_churn_rate", DEFAULT, period))
        if kept is not None and lost is not None:
            yield _equal("retention_and_churn", period, kept, 1 - lost, period=period)


def check_churn_by_kind(values: dict[tuple[str, str, str], float], periods: Iterable[str]) -> Iterator[Check]:
    """Voluntary + involuntary + unstated churn = churn."""
    for period in periods:
        parts = [
            values.get((f"{kind}_churn_rate", DEFAULT, period))
            for kind in ("voluntary", "involuntary", "unstated", "customer")
        ]
        if None not in parts:
            *of_kinds, whole = parts
            yield _equal("churn_by_kind", period, sum(of_kinds), whole, period=period)


def check_revenue_retention(
    values: dict[tuple[str, str, str], float], periods: Iterable[str]
) -> Iterator[Check]:
    """Gross revenue retention is at most 1 and at most net revenue retention, on the same base."""
    for period in periods:
        for variant in (DEFAULT, "previous_period"):
            net = values.get(("net_revenue_retention", variant, period))
            gross = values.get(("gross_revenue_retention", variant, period))
            if net is not None and gross is not None:
                yield _at_most(
                    "gross_below_net", f"{period} {variant}", gross, min(1.0, net), period=period,
                    metric="gross_revenue_retention", variant=variant,
                )  # fmt: skip


def check_cohorts(cohorts: pd.DataFrame) -> Iterator[Check]:
    """No cohort has more buyers later than it has members."""
    for cohort, rows in cohorts.groupby("cohort", sort=False):
        most, size = float(rows["customers"].max()), float(rows["size"].iloc[0])
        yield _at_most("cohorts_within_size", str(cohort), most, size, cohort=str(cohort))


def check_holders(book: Book) -> Iterator[Check]:
    """Every customer of a window is held by one account manager at most."""
    if "assignments" in book.absent:
        return
    for row in book.ask(_HOLDERS).itertuples():
        held, customers = float(row.held), float(row.customers)
        yield _equal("one_holder_each", row.period, held, customers, period=row.period)


_HOLDERS = """
select period, count(*) as held, count(distinct customer_id) as customers
from customer_holders
group by period
order by period
"""


def check_funnel(book: Book) -> Iterator[Check]:
    """Of the leads created in a quarter, no more reach a stage than the stage before it."""
    if {"opportunities", "stage_entries"} & set(book.absent):
        return
    for cohort, rows in book.ask(_FUNNEL).groupby("cohort", sort=False):
        reached, stages = rows["reached"].astype(float).tolist(), rows["stage"].tolist()
        for before, after, stage in zip(reached, reached[1:], stages[1:], strict=False):
            subject = f"{cohort} {stage}"
            yield _at_most("funnel_never_rises", subject, after, before, cohort=cohort, stage=str(stage))


_FUNNEL = """
with leads as (
  select
    opportunity_id,
    concat(cast(year(created_on) as varchar), 'Q', cast(quarter(created_on) as varchar)) as cohort
  from opportunities
),
reached as (
  select l.cohort, s.stage_number, min(s.stage) as stage, count(distinct s.opportunity_id) as reached
  from stage_entries s
  join leads l on l.opportunity_id = s.opportunity_id
  group by l.cohort, s.stage_number
)
select cohort, 0 as is_stage, cast(null as bigint) as stage_number, '' as stage, count(*) as reached
from leads
group by cohort
union all
select cohort, 1, stage_number, stage, reached
from reached
order by 1, 2, 3
"""


def check_leads(book: Book) -> Iterator[Check]:
    """Leads won + lost + open = all leads to date."""
    if "opportunities" in book.absent:
        return
    row = book.ask(_LEADS).iloc[0]
    parts = float(row["won"] + row["lost"] + row["still_open"])
    yield _equal("leads_accounted_for", "opportunities", parts, float(row["leads"]), table="opportunities")


_LEADS = """
with became as (
  select
    count(case when is_won then 1 end) as won,
    count(case when is_lost then 1 end) as lost,
    count(case when is_open then 1 end) as still_open
  from opportunities
),
given as (
  select count(*) as leads
  from source_opportunities
)
select g.leads, b.won, b.lost, b.still_open
from given g
cross join became b
"""


def check_answered(book: Book) -> Iterator[Check]:
    """Of the questionnaires sent in a window, no more came back than were sent."""
    if "surveys" in book.absent:
        return
    for row in book.ask(_ANSWERED).itertuples():
        answered, sent = float(row.answered), float(row.sent)
        yield _at_most("answered_within_sent", row.period, answered, sent, period=row.period)


_ANSWERED = """
with sent as (
  select w.period, count(*) as sent
  from windows w
  join source_surveys s on s.sent_on >= w.starts_on and s.sent_on < w.ends_on
  group by w.period
),
answered as (
  select w.period, count(case when s.is_answered then 1 end) as answered
  from windows w
  join surveys s on s.sent_on >= w.starts_on and s.sent_on < w.ends_on
  group by w.period
)
select s.period, s.sent, a.answered
from sent s
join answered a on a.period = s.period
order by s.period
"""


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
        amount = float(book.ask(sql)["amount"].iloc[0])
        yield _equal("revenue_of_rows", window.label, value, amount, period=window.label)


def check_rows(quality: pd.DataFrame) -> Iterator[Check]:
    """Rows read = rows kept + rows rejected + rows ignored, for every table."""
    for table, rows in quality.groupby("table", sort=False):
        count = rows.groupby("stage")["rows"].sum()
        accounted = float(sum(count.get(stage, 0) for stage in ("kept", "rejected", "ignored")))
        read = float(count.get("read", 0))
        yield _equal("rows_accounted_for", str(table), read, accounted, table=str(table))


def _equal(identity: str, subject: str, left: float, right: float, **about: str) -> Check:
    holds = abs(left - right) <= _RELATIVE_TOLERANCE * max(1.0, abs(left), abs(right))
    return _check(identity, subject, "=", left, right, holds) | about


def _at_most(identity: str, subject: str, left: float, right: float, **about: str) -> Check:
    holds = left <= right + _RELATIVE_TOLERANCE * max(1.0, abs(right))
    return _check(identity, subject, "≤", left, right, holds) | about


def _check(identity: str, subject: str, relation: str, left: float, right: float, holds: bool) -> Check:
    return {
        "identity": identity, "subject": subject, "relation": relation, "left": left, "right": right, "holds": holds,
    }  # fmt: skip
