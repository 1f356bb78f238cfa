"""Which figures of a run's managers and teams are withheld, in each window that its letters show."""

from __future__ import annotations

import pandas as pd

from analysis.delivery.slice_metrics import counted, families, slice_metrics
from analysis.delivery.slices import dimensions_of, teams_of
from analysis.delivery.suppression import MANAGER, suppress
from analysis.metrics.frame import NOT_STATED
from analysis.suite import Results

OPINIONS = ("answers", "responses", "feedback", "mentions")
"""Facts whose rows are what somebody thinks: where all think alike, a figure tells what each one thinks."""


def measured_by_groups(results: Results) -> pd.DataFrame:
    """Figures of all groups of both dimensions, and those that they are worked out from, in all windows compared."""
    return results.remember("measured_by_groups", lambda: _measure(results))


def _measure(results: Results) -> pd.DataFrame:
    from analysis.suite.everything import kpis_by  # heavy, and not every letter needs it

    book, found, dimensions = results.book, [], dimensions_of(results.book)
    # Of both alike: a sum is looked at with its parts, also where letters show but one of the two.
    shown = [each for dimension in dimensions for each in slice_metrics(results, dimension)]
    wanted = [part for each in shown for part in (each, *counted(book, each))]
    for dimension in dimensions:
        kpis = kpis_by(book, dimension, wanted)
        found.append(kpis[kpis["by"].isna() | kpis["by"].eq(dimension)])
    compared = {book.window.label, *book.baselines[book.window.label].values()}
    kpis = pd.concat(found, ignore_index=True).drop_duplicates(["metric", "variant", "period", "by", "group"])
    return kpis[kpis["period"].isin(compared)]


def withheld_figures(results: Results, period: str) -> set[tuple[str, str, str, str]]:
    """What is withheld of a window in every letter of the run: ``(metric, variant, by, group)``."""
    return results.remember(("withheld", period), lambda: _withhold(results, period))


def _withhold(results: Results, period: str) -> set[tuple[str, str, str, str]]:
    cells = cells_of(results, period)
    # Who has no row at all in the window has nothing to be told, and protects nobody. Who has, and holds nobody any
    # more in the run's own window, is one of those that the company was then the sum of.
    present = set(cells.loc[cells["by"].eq(MANAGER) & (cells["n"] > 0), "group"].dropna())
    teams = teams_of(results)
    team_of = {one: teams.get(one) for one in present}
    found = suppress(cells[cells["is_counted"]], team_of, results.book.settings.smallest_cell)
    members = cells.groupby("family")[["metric", "variant"]].apply(
        lambda rows: set(rows.itertuples(index=False))
    )
    return {(*member, by, group) for family, by, group in found for member in members[family]}


def cells_of(results: Results, period: str) -> pd.DataFrame:
    """The figures of a window as ``suppress`` takes them, with their ``variant, value`` and ``is_counted``.

    What is worked out from other figures rests on their rows, which are here too, and counts none itself.
    """
    kpis = measured_by_groups(results)
    kpis = kpis[kpis["period"] == period]
    keys = list(zip(kpis["metric"], kpis["variant"], strict=True))
    records = {key: results.book.catalogue.metric(*key) for key in dict.fromkeys(keys)}
    family = families(results.book, list(records.values()))
    kinds = pd.Series([records[key].kind for key in keys], kpis.index, dtype="str")
    asked = pd.Series([records[key].fact in OPINIONS for key in keys], kpis.index, dtype=bool)
    return kpis[["metric", "variant", "by", "n", "value"]].assign(
        group=kpis["group"].mask(kpis["group"].eq(NOT_STATED)), family=[family[key] for key in keys],
        hits=kpis["numerator"], is_share=kinds.eq("share"), is_counted=kinds.ne("derived"),
        is_alike=asked & _are_alike(kpis, kinds),
    ).reset_index(drop=True)  # fmt: skip


def _are_alike(kpis: pd.DataFrame, kinds: pd.Series) -> pd.Series:
    """Whether all answers behind a figure are the same."""
    share = kinds.eq("share") & kpis["value"].isin([0, 1])
    net = kinds.eq("net_share") & kpis["value"].abs().eq(100)
    mean = kinds.eq("mean") & kpis["standard_error"].eq(0)
    return share | net | mean | kpis["reason"].fillna("").str.contains("no_spread")
