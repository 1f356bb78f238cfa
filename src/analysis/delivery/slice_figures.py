"""What a letter shows of a group's figures: beside the company's, with what changed, against its own targets.

Figures are those of the metrics in ``SLICE_METRICS`` and of those with a target for such groups; ``withheld`` says
what is not shown of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.catalogue import Metric
from analysis.delivery.slice_metrics import group_targets, slice_metrics
from analysis.delivery.slices import Slice, check_slice, groups_of, teams_of
from analysis.delivery.suppression import MANAGER, TEAM
from analysis.delivery.withheld import measured_by_groups, withheld_figures
from analysis.facts import Book
from analysis.report.kpis_shown import AGAINST, comparisons
from analysis.suite import Results

CHANGE_PARTS = ("base_value", "base_n", "difference", "relative_change", "verdict", "reason")
FIGURE_COLUMNS = [
    "metric", "variant", "by", "group", "value", "low", "high", "n", "reason", "company_value", "is_withheld",
    *(f"{against}_{part}" for against in AGAINST for part in CHANGE_PARTS),
    "target", "target_verdict",
]  # fmt: skip
_NUMBERS = ["value", "low", "high", "n", "standard_error", "numerator", "denominator"]


def slice_figures(results: Results, wanted: Slice) -> pd.DataFrame:
    """One row for each metric that reaches the group: his figure, the company's, what changed, his target.

    Returns
    -------
    DataFrame
        ``FIGURE_COLUMNS``. Where ``is_withheld``, every number of the group is missing, but for his target. Verdicts
        on changes are corrected for the metrics shown; a change is given where neither window's figure is withheld.

    Raises
    ------
    SliceError
        If there is no such group.
    """
    check_slice(results, wanted)
    key = ("slice_figures", wanted.dimension, wanted.group)
    return results.remember(key, lambda: _figures(results, wanted, with_changes=True))


def slice_managers(results: Results, wanted: Slice) -> pd.DataFrame:
    """The same rows for each manager of a team, without changes; none for a slice that is no team."""
    check_slice(results, wanted)
    present = groups_of(results, MANAGER)
    names = [one for one in present if teams_of(results).get(one) == wanted.group]
    rows = [_figures(results, Slice(MANAGER, one), with_changes=False) for one in names]
    own = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=FIGURE_COLUMNS)
    return own if wanted.dimension == TEAM else own.head(0)


def _figures(results: Results, wanted: Slice, *, with_changes: bool) -> pd.DataFrame:
    book, own = results.book, _shown_only(results, wanted)
    now = own[own["period"] == book.window.label].set_index(["metric", "variant"])
    changes = _changes(book, own) if with_changes else {}
    rows = []
    for metric in slice_metrics(results, wanted.dimension):
        key = (metric.id, metric.variant)
        if key not in now.index:
            continue
        row = now.loc[key].to_dict() | {"metric": metric.id, "variant": metric.variant}
        row |= {
            "by": wanted.dimension,
            "group": wanted.group,
            "company_value": _company_value(results, metric),
        }
        for against in comparisons(book):
            row |= _change_cells(changes.get((*key, against)), against)
        rows.append(row | _target_cells(results, metric, wanted, bool(row["is_withheld"])))
    return pd.DataFrame(rows, columns=FIGURE_COLUMNS)


def _shown_only(results: Results, wanted: Slice) -> pd.DataFrame:
    """The group's figures of all windows compared, without the numbers of those withheld."""
    kpis = measured_by_groups(results)
    own = kpis[kpis["by"].eq(wanted.dimension) & kpis["group"].eq(wanted.group)]
    own = _with_missing_rows(results, own, wanted)
    shown = {(metric.id, metric.variant) for metric in slice_metrics(results, wanted.dimension)}
    is_shown = [key in shown for key in zip(own["metric"], own["variant"], strict=True)]
    own = own[pd.array(is_shown, dtype=bool)]
    hidden = [_is_withheld(results, row, wanted) for row in own.itertuples()]
    own = own.assign(is_withheld=pd.array(hidden, dtype=bool)).astype(dict.fromkeys(_NUMBERS, "float64"))
    own.loc[own["is_withheld"], _NUMBERS] = float("nan")
    own.loc[own["is_withheld"], "reason"] = None
    return own


def _with_missing_rows(results: Results, own: pd.DataFrame, wanted: Slice) -> pd.DataFrame:
    """The rows with one for each metric that some group has a figure of and this one has not: it counts no row."""
    book = results.book
    kpis = measured_by_groups(results)
    now = kpis[kpis["period"].eq(book.window.label) & kpis["by"].eq(wanted.dimension) & kpis["value"].notna()]
    known = now.drop_duplicates(["metric", "variant"])[["metric", "variant", "period", "by"]]
    known = known.assign(group=wanted.group)
    return own.merge(known, on=list(known.columns), how="outer")


def _is_withheld(results: Results, row: Any, wanted: Slice) -> bool:
    """Whether it is withheld in its own window, or in the run's: what changed would tell."""
    windows = {row.period, results.book.window.label}
    key = (row.metric, row.variant, wanted.dimension, wanted.group)
    return any(key in withheld_figures(results, window) for window in windows)


def _company_value(results: Results, metric: Metric) -> float:
    """The company's figure; missing where it rests on too few rows itself."""
    figure = results.company_figures.get((metric.id, metric.variant, results.book.window.label))
    counted = metric.kind != "derived"
    if figure is None or (counted and figure["n"] < results.book.settings.smallest_cell):
        return float("nan")
    return float(figure["value"])


def _changes(book: Book, own: pd.DataFrame) -> dict[tuple[str, str, str], dict[str, Any]]:
    """What changed in the figures shown, judged as the company's headline figures are: corrected for all of them."""
    from analysis.suite.everything import find_changes

    shown = own[~own["is_withheld"] & own["value"].notna()].drop(columns="is_withheld")
    if shown.empty:
        return {}
    changes = find_changes(book, shown.assign(by=None, group=None))
    sizes = shown.set_index(["metric", "variant", "period"])["n"]
    bases = zip(changes["metric"], changes["variant"], changes["base_period"], strict=True)
    changes = changes.assign(base_n=[sizes.get(key) for key in bases])
    known = changes[changes["difference"].notna()]
    return {(r["metric"], r["variant"], r["against"]): r for r in known.to_dict("records")}


def _change_cells(change: Mapping[str, Any] | None, against: str) -> dict[str, Any]:
    return {f"{against}_{part}": change[part] if change else None for part in CHANGE_PARTS}


def _target_cells(results: Results, metric: Metric, wanted: Slice, is_withheld: bool) -> dict[str, Any]:
    """The group's own target, and the verdict, which would tell on a figure that is withheld."""
    targets = group_targets(results)
    own = targets[targets["by"].eq(wanted.dimension) & targets["group"].eq(wanted.group)]
    own = own[own["metric"].eq(metric.id) & own["variant"].eq(metric.variant)]
    if own.empty:
        return {"target": float("nan"), "target_verdict": ""}
    verdict = "" if is_withheld else str(own["verdict"].iloc[0])
    return {"target": float(own["target"].iloc[0]), "target_verdict": verdict}
