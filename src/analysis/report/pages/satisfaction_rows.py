"""The metrics of satisfaction, and the rows that they count: under the rules of the metric, asked of the facts."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.catalogue import Metric
from analysis.facts import Book
from analysis.periods import Window
from analysis.report.findings import Finding, find_changes_with_care, find_sure_changes
from analysis.report.kpis_shown import chosen, trend_windows
from analysis.suite import Results

FAMILY = "satisfaction"
KEYS = {
    "answers": ("survey_id", "question_id"), "responses": ("survey_id", "construct"),
    "contacts": ("contact_id",), "mentions": ("mention_id",),
}  # fmt: skip


# --- the family ---------------------------------------------------------------------------------------


def metric_of(results: Results, name: str) -> Metric | None:
    """A metric under the run's own variant; None where the run knows none of this name."""
    metric = results.book.catalogue.metrics.get(name)
    return None if metric is None else chosen(results.book, metric)


def item_metrics(results: Results) -> list[Metric]:
    """Satisfaction with each single aspect that was asked."""
    metrics = results.book.catalogue.families[FAMILY]
    return [chosen(results.book, metric) for metric in metrics if metric.id.startswith("csat.")]


def item_name(metric: Metric, book: Book, language: str) -> str:
    """What an aspect is called: by the catalogue, else by the company's own word for it."""
    item = metric.id.partition(".")[2]
    return book.names_of("item", language).get(item) or item.replace("_", " ")


def findings_of_family(results: Results) -> list[Finding]:
    """What of satisfaction changed beyond chance, most important first, and what did so with a caution."""
    family = {metric.id for metric in results.book.catalogue.families[FAMILY]}
    found = [*find_sure_changes(results), *find_changes_with_care(results)]
    return [finding for finding in found if finding.metric in family]


def was_anything_tested(results: Results) -> bool:
    """Whether any change of satisfaction could be tested at all."""
    family = {metric.id for metric in results.book.catalogue.families[FAMILY]}
    changes = results.company_changes
    return bool((changes["metric"].isin(family) & changes["p_value"].notna()).any())


# --- counted under the rules of a metric --------------------------------------------------------------


def counted_sql(metric: Metric, columns: str, windows: Sequence[Window], group: str = "null") -> str:
    """The rows that a metric counts in each window, of several answers of one respondent the last."""
    on = metric.at.removesuffix("_at") + "_on"
    keys = KEYS[metric.fact]
    labels = ", ".join(f"'{window.label}'" for window in windows)
    within = ", ".join(["period", *(metric.last_per or keys)])
    order = ", ".join(f"{name} desc" for name in (metric.at, *keys, "grp"))
    return f"""
  select period, grp, {columns}
  from (
    select *, row_number() over (partition by {within} order by {order}) as from_last
    from (
      select f.*, w.period, {group} as grp
      from {metric.fact} f
      join windows w on f.{on} >= w.starts_on and f.{on} < w.ends_on
      where w.period in ({labels})
    ) placed
    where {metric.where or "true"}
  ) numbered
  where from_last = 1"""


# --- recommendation -----------------------------------------------------------------------------------


def nps_parts(results: Results, variant: str) -> pd.DataFrame:
    """One row for each period with answers, oldest first: the score as measured, and the three groups it is made of.

    Returns
    -------
    DataFrame
        ``period, value, low, high, n``, and the shares ``promoters, passives, detractors`` of ``n``.
    """
    book, windows = results.book, trend_windows(results.book)
    kpis = results.company_kpis
    kpis = kpis[(kpis["metric"] == "nps") & (kpis["variant"] == variant) & kpis["value"].notna()]
    shown = [window for window in windows if window.label in set(kpis["period"])]
    if not shown:
        return pd.DataFrame(
            columns=["period", "value", "low", "high", "n", "promoters", "passives", "detractors"]
        )
    metric = book.catalogue.metrics["nps"].under(variant)
    counted = counted_sql(metric, "is_promoter, is_detractor", shown)
    parts = book.ask(f"""
select period, count(*) as answers, count(case when is_promoter then 1 end) as promoters,
  count(case when is_detractor then 1 end) as detractors
from ({counted}) counted group by period""").set_index("period")
    rows = kpis.set_index("period").loc[[window.label for window in shown], ["value", "low", "high", "n"]]
    shares = parts[["promoters", "detractors"]].div(parts["answers"], axis=0)
    shares["passives"] = 1 - shares.sum(axis=1)
    return rows.join(shares).rename_axis("period").reset_index()
