"""The funnel behind the acquisition page: stages against their own history, time in them, losses, what is open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.catalogue import DEFAULT, Metric
from analysis.facts import Book, NotMeasured
from analysis.metrics.frame import SUMS
from analysis.periods import Window
from analysis.report.kpis_shown import comparisons
from analysis.report.pages.breakdowns import missing_from
from analysis.suite import Results

PASSED, DAYS = "stage_conversion_rate", "stage_days"
HISTORY_COLUMNS = [
    "value", "low", "high", "n", "windows", "usual", "usual_n", "lowest", "highest", "difference", "p_adjusted",
    "verdict",
]  # fmt: skip
EARLIER = "earlier"


# --- against its own history --------------------------------------------------------------------------


def earlier_windows(book: Book) -> list[Window]:
    """The whole windows before the run's own, oldest first: as many as a trend shows."""
    before = [window for window in book.windows if not window.is_partial and window.end <= book.window.start]
    return before[-book.settings.sparkline_periods :]


def against_history(results: Results, metrics: Sequence[Metric]) -> pd.DataFrame:
    """Each metric's figure of the period beside all windows before it taken together; shares and means.

    Returns
    -------
    DataFrame
        Indexed by the metric's id, in the order given, those without a figure left out: ``value, low, high, n``;
        of the windows before how many there are (``windows``), their rows together (``usual``, ``usual_n``), the
        ``lowest`` and ``highest`` of them; ``difference, p_adjusted, verdict`` against ``usual``, corrected for the
        number of metrics.
    """
    from analysis.metrics.compare import compare  # brings scipy, as do the intervals

    book, kinds = results.book, {metric.id: metric.kind for metric in metrics}
    now, before = _now_and_before(results, metrics)
    pooled = _pooled(before, kinds, book.settings.confidence_level)
    pairs = [(book.window.label, EARLIER, "previous")]
    figures = pd.concat([now, pooled], ignore_index=True) if len(pooled) else now
    alpha, own = 1 - book.settings.confidence_level, {metric.id: metric.variant for metric in metrics}
    changes = compare(figures, pairs, metrics, alpha, own).set_index("metric")
    spread = before.groupby("metric")["value"].agg(["size", "min", "max"])
    rows = now.set_index("metric")[["value", "low", "high", "n"]]
    rows = rows.join(changes[["difference", "p_adjusted", "verdict"]])
    rows = rows.join(spread.set_axis(["windows", "lowest", "highest"], axis=1))
    known = pooled.set_index("metric")[["value", "n"]].set_axis(["usual", "usual_n"], axis=1)
    rows = rows.join(known).fillna({"windows": 0, "usual_n": 0})
    return rows.reindex([name for name in kinds if name in rows.index])[HISTORY_COLUMNS]


def _now_and_before(results: Results, metrics: Sequence[Metric]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The company's figures of these metrics in the period, and those of the windows before it."""
    kpis, wanted = results.company_kpis, {metric.id: metric.variant for metric in metrics}
    rows = kpis[kpis["variant"].eq(kpis["metric"].map(wanted)) & kpis["value"].notna()]
    earlier = [window.label for window in earlier_windows(results.book)]
    return rows[rows["period"] == results.book.window.label], rows[rows["period"].isin(earlier)]


def _pooled(before: pd.DataFrame, kinds: Mapping[str, str], level: float) -> pd.DataFrame:
    """One figure of all windows before for each metric: the sums behind the windows' figures, added up."""
    from analysis.metrics.intervals import summarise

    if before.empty:
        return before
    n, value, error = before["n"].astype(float), before["value"], before["standard_error"].fillna(0.0)
    # Σx² = (n − 1)·s² + n·mean², and the standard error is s/√n.
    squares = (n - 1) * n * error**2 + n * value**2
    is_share = before["metric"].map(kinds).eq("share")
    parts = pd.DataFrame(
        {"metric": before["metric"], "variant": before["variant"], "n": n, "sum_x": n * value,
         "sum_xx": squares.mask(is_share, n * value)}
    )  # fmt: skip
    sums = parts.groupby(["metric", "variant"], sort=False, as_index=False).sum()
    sums["sum_x"] = sums["sum_x"].where(~sums["metric"].map(kinds).eq("share"), sums["sum_x"].round())
    return summarise(_as_sums(sums.assign(kind=sums["metric"].map(kinds), period=EARLIER)), level)


def _as_sums(sums: pd.DataFrame) -> pd.DataFrame:
    absent = {name: np.nan for name in SUMS if name not in sums}
    keys = {name: None for name in ("by", "group") if name not in sums}
    return sums.assign(**absent, **keys, sampled=True)


# --- the funnel ---------------------------------------------------------------------------------------


def stages_of(book: Book, record: str) -> dict[str, Metric]:
    """The metrics that a record stands for, one for each stage of the funnel, by stage and in their order."""
    named = (metric for metric in book.catalogue.metrics.values() if metric.one_of)
    return {m.one_of[1]: m for m in named if m.id == f"{record}.{m.one_of[1]}"}


def funnel(results: Results) -> pd.DataFrame | NotMeasured:
    """One row for each stage in which anything came to a decision, in the order of the funnel.

    Returns
    -------
    DataFrame or NotMeasured
        ``stage``; ``value``, the share that passed of the ``n`` that came to a decision in it, and the other columns
        of ``against_history``.
    """
    return results.remember("funnel", lambda: _by_stage(results, PASSED))


def time_in_stage(results: Results) -> pd.DataFrame | NotMeasured:
    """One row for each stage that anything left: ``stage``, mean days (``value``) as in ``funnel``, ``median, p90``."""
    return results.remember("time_in_stage", lambda: _days_by_stage(results))


def _days_by_stage(results: Results) -> pd.DataFrame | NotMeasured:
    rows = _by_stage(results, DAYS)
    if isinstance(rows, NotMeasured):
        return rows
    figures, period = results.company_figures, results.book.window.label
    found = {
        variant: [
            figures.get((f"{DAYS}.{s}", variant, period), {}).get("value", np.nan) for s in rows["stage"]
        ]
        for variant in ("median", "p90")
    }
    return rows.assign(**found)


def _by_stage(results: Results, record: str) -> pd.DataFrame | NotMeasured:
    book = results.book
    missing = missing_from(book, "opportunities") or missing_from(book, "stage_entries")
    if missing:
        return missing
    stages = stages_of(book, record)
    rows = against_history(results, list(stages.values()))
    if rows.empty:
        return NotMeasured("no_rows")
    names = {metric.id: stage for stage, metric in stages.items()}
    return rows.assign(stage=[names[name] for name in rows.index]).reset_index(drop=True)


def bottleneck(rows: pd.DataFrame) -> Any | None:
    """The stage that lies lowest against its own history beyond chance; None where none does."""
    worse = rows[rows["verdict"] == "worse"]
    return next(worse.sort_values("difference", kind="stable").itertuples(), None)


# --- shares with verdicts -----------------------------------------------------------------------------


def judged_shares(
    counts: pd.DataFrame, pairs: Iterable[tuple[Any, ...]], book: Book, *, better: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The share of every group in every period, and how it differs between periods, corrected for the groups.

    Parameters
    ----------
    counts
        ``group, period, hits, n``.
    pairs
        ``period, base_period, against``.
    better
        ``up``, ``down`` or ``neither``.

    Returns
    -------
    figures, changes : DataFrame
        As the KPI frame and the frame of changes.
    """
    from analysis.metrics.compare import compare
    from analysis.metrics.intervals import summarise

    level = book.settings.confidence_level
    named = {"metric": "share", "variant": DEFAULT, "kind": "share"}
    sums = counts.drop(columns="hits").assign(
        by="group", sum_x=counts["hits"], sum_xx=counts["hits"], **named
    )
    figures = summarise(_as_sums(sums), level)
    records = pd.DataFrame([{**named, "better": better, "sampled": True}])
    return figures, compare(figures, pairs, records, 1 - level)


# --- lost reasons -------------------------------------------------------------------------------------

_LOST_SQL = """
select coalesce(lost_reason, '') as reason, period, count(*) as lost, sum(value) as value
from (
  select lost_reason, value, {placed} as period
  from opportunities
  where is_lost and closed_on is not null
) placed
where period is not null
group by 1, 2
"""


def lost_reasons(results: Results) -> pd.DataFrame | NotMeasured:
    """One row for each reason for which opportunities were lost in the period, most first.

    Returns
    -------
    DataFrame or NotMeasured
        ``reason`` (empty where none is stated), ``lost, value``, ``share`` of all lost with ``low, high``,
        ``cumulative`` from the first reason on; and for each comparison ``…_share, …_lost`` (of all reasons),
        ``…_verdict``: whether the share differs beyond chance, corrected for the reasons.
    """
    return results.remember("lost_reasons", lambda: _lost_reasons(results))


def _lost_reasons(results: Results) -> pd.DataFrame | NotMeasured:
    book = results.book
    missing = missing_from(book, "opportunities")
    if missing:
        return missing
    windows = _compared_windows(book, "opportunities")
    placed, days = _placed("closed_on", windows)
    found = book.ask(_LOST_SQL.format(placed=placed), **days)
    own = found[found["period"] == book.window.label]
    if own.empty:
        return NotMeasured("no_rows")
    order = own.sort_values(["lost", "reason"], ascending=[False, True])["reason"].tolist()
    figures, changes = _reason_shares(found, order, windows, book)
    rows = own.set_index("reason").loc[order, ["lost", "value"]]
    rows = rows.join(figures[book.window.label].rename(columns={"value": "share"}))
    rows["cumulative"] = rows["share"].cumsum()
    for against in (name for name in windows if name != "own"):
        base = figures[windows[against].label]
        rows[f"{against}_share"] = base["value"]
        rows[f"{against}_lost"] = base["n"]
        rows[f"{against}_verdict"] = changes[changes["against"] == against].set_index("group")["verdict"]
    return rows.rename_axis("reason").reset_index()


def _reason_shares(
    found: pd.DataFrame, reasons: Sequence[str], windows: Mapping[str, Window], book: Book
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """The reasons' shares by window, a reason nobody gave then at 0, and the changes."""
    wide = found.pivot(index="reason", columns="period", values="lost").reindex(reasons)
    totals = found.groupby("period")["lost"].sum()
    counts = wide.fillna(0).stack().rename("hits").reset_index().set_axis(["group", "period", "hits"], axis=1)
    counts["n"] = counts["period"].map(totals)
    pairs = [(book.window.label, each.label, key) for key, each in windows.items() if key != "own"]
    figures, changes = judged_shares(counts, pairs, book, better="neither")
    none = pd.DataFrame(np.nan, index=list(reasons), columns=["value", "low", "high", "n"])
    by_window = {label: part.set_index("group")[none.columns] for label, part in figures.groupby("period")}
    return {each.label: by_window.get(each.label, none) for each in windows.values()}, changes


def _compared_windows(book: Book, table: str) -> dict[str, Window]:
    """The run's window (``own``) and those it is compared with, as far as the table's rows reach back."""
    windows = {"own": book.window}
    for against in comparisons(book):
        name = book.baselines[book.window.label][against]
        window = next((each for each in book.windows if each.label == name), None)
        if window and book.coverage_of(table).includes(window):
            windows[against] = window
    return windows


def _placed(column: str, windows: Mapping[str, Window]) -> tuple[str, dict[str, Any]]:
    """SQL that names the window a day falls in (null for none), and the days it asks for."""
    cases = [f"when {column} >= ${key}_from and {column} < ${key}_until then ${key}_label" for key in windows]
    days: dict[str, Any] = {}
    for key, window in windows.items():
        days |= {f"{key}_from": window.start, f"{key}_until": window.end, f"{key}_label": window.label}
    return f"case {' '.join(cases)} end", days


# --- what is open -------------------------------------------------------------------------------------

_OPEN_SQL = """
select
  coalesce(stage, '') as stage,
  min(stage_number) as stage_number,
  sum(case when period = $own then 1 else 0 end) as opportunities,
  sum(case when period = $own then value end) as value,
  sum(case when period = $own then weighted_value end) as weighted,
  max(case when period = $own then stage_win_rate end) as win_rate,
  sum(case when period = $previous then 1 else 0 end) as before
from pipeline
where period in ($own, $previous)
group by 1
"""


def open_by_stage(results: Results) -> pd.DataFrame | NotMeasured:
    """One row for each stage in which opportunities stood at the period's end, or at that of the one before.

    Returns
    -------
    DataFrame or NotMeasured
        In the order of the funnel: ``stage`` (empty where it is not known), ``opportunities, value``, ``win_rate`` (of
        those that had reached the stage and closed), ``weighted`` (value times that), ``before`` (opportunities open
        at the end of the previous window; missing where opportunities are not known that far back).
    """
    return results.remember("open_by_stage", lambda: _open_by_stage(results))


def _open_by_stage(results: Results) -> pd.DataFrame | NotMeasured:
    book = results.book
    missing = missing_from(book, "opportunities")
    if missing:
        return missing
    rows = book.ask(_OPEN_SQL, own=book.window.label, previous=book.baselines[book.window.label]["previous"])
    if not rows["opportunities"].sum():
        return NotMeasured("no_rows")
    rows = rows.sort_values(["stage_number", "stage"], na_position="last", ignore_index=True)
    knows_before = "previous" in _compared_windows(book, "opportunities")
    return rows.assign(before=rows["before"].astype(float) if knows_before else np.nan)
