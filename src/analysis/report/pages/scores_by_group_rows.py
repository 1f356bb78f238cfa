"""The scores of every team, account manager and group of customers, with their changes."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.catalogue import Metric
from analysis.facts import Book, NotMeasured
from analysis.metrics.frame import NOT_STATED
from analysis.report.pages.satisfaction_rows import item_metrics, metric_of
from analysis.suite import Results


def score_metrics(results: Results) -> list[Metric]:
    """The scores that groups are held against: satisfaction (else the index), recommendation of each kind, effort."""
    metrics = results.book.catalogue.metrics
    wanted: list[tuple[str, str | None]] = [
        ("csat", None),
        ("nps", None),
        ("nps", "transactional"),
        ("ces", None),
    ]
    if isinstance(results.kpi("csat"), NotMeasured):
        wanted.append(("acsi_style", None))
    if isinstance(results.kpi("ces"), NotMeasured):
        wanted.append(("ces", "v1"))
    found = [
        metric_of(results, name) if variant is None else metrics[name].under(variant)
        for name, variant in wanted
        if name in metrics
    ]
    return list({(metric.id, metric.variant): metric for metric in found}.values())


def group_scores(results: Results) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The scores of every group of the period, and their changes.

    Returns
    -------
    kpis, changes
        Rows as of the frames of the results, for the run's own dimensions of customers (which stand there
        already), and for ``segment``, ``team`` and ``account_manager``.
    """
    return results.remember("group_scores", lambda: _group_scores(results))


def _group_scores(results: Results) -> tuple[pd.DataFrame, pd.DataFrame]:
    book, metrics = results.book, score_metrics(results)
    own = {name for name in book.settings.dimensions if book.catalogue.dimensions[name].of == "customer"}
    wanted = pd.MultiIndex.from_tuples([(metric.id, metric.variant) for metric in metrics])
    kept = [
        frame[frame["by"].isin(own) & frame.set_index(["metric", "variant"]).index.isin(wanted)]
        for frame in (results.kpis, results.changes)
    ]
    if {"answers", "questions"} & set(book.absent):
        return kept[0], kept[1]
    from analysis.suite.everything import find_changes

    asked = _asked_scores(results, metrics, sorted({"account_manager", "segment"} - own))
    kpis = pd.concat([kept[0], asked], ignore_index=True)
    changes = pd.concat([kept[1], find_changes(book, asked)], ignore_index=True) if len(asked) else kept[1]
    return kpis[kpis["period"] == book.window.label].reset_index(drop=True), changes


def _asked_scores(results: Results, metrics: Sequence[Metric], dimensions: Sequence[str]) -> pd.DataFrame:
    """Scores by what the run does not break down by itself."""
    from analysis.metrics.measure import measure

    book = results.book
    of_team = [*metrics, *item_metrics(results)]
    kpis = measure(book, ["team", *dimensions], of_team)
    is_wanted = kpis["by"].eq("team") | (
        kpis["by"].isin(dimensions) & kpis["metric"].isin([metric.id for metric in metrics])
    )
    return kpis[is_wanted].reset_index(drop=True)


def scores_of(results: Results, by: str) -> pd.DataFrame:
    """The period's rows of one grouping that say something: of scores with a group that is named.

    Answers that are about no ticket have no team and are left out there; what was said right after a contact is
    about the team more than about the customers, so recommendation of that kind is the team's alone where there is
    the other kind.
    """
    kpis = group_scores(results)[0]
    rows = kpis[(kpis["by"] == by) & kpis["value"].notna()]
    if by == "team":
        rows = rows[rows["group"] != NOT_STATED]
    elif ((rows["metric"] == "nps") & (rows["variant"] != "transactional")).any():
        rows = rows[(rows["metric"] != "nps") | (rows["variant"] != "transactional")]
    named = rows.loc[rows["group"] != NOT_STATED].groupby(["metric", "variant"]).size()
    return rows[rows.set_index(["metric", "variant"]).index.isin(named.index)]


def why_no_groups(book: Book, by: str) -> str:
    """The reason why nothing is broken down by a grouping."""
    needed = {
        "team": ("answers", "questions", "tickets"),
        "account_manager": ("answers", "questions", "assignments"),
    }
    absent = next((name for name in needed.get(by, ("answers", "questions")) if name in book.absent), None)
    return f"table_absent|{absent}" if absent else "no_rows"
