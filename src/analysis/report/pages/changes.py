"""What moved for sure in some families of metrics: the list a page begins with."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pandas as pd
from markupsafe import Markup

from analysis.catalogue import label
from analysis.report.findings import (
    SURE_VERDICTS,
    Finding,
    changes_to_judge,
    find_changes_with_care,
    find_sure_changes,
)
from analysis.report.kpis_shown import say_period
from analysis.report.remarks_shown import callout, finding_list
from analysis.suite import Results

MOST_TOLD = 8
"""Changes told in a sentence; the others are named."""


def changes_told(
    results: Results, families: Collection[str], first: Sequence[tuple[str, str]], *, page: str, language: str,
    told: Collection[str] = (),
) -> Markup:  # fmt: skip
    """The page's own findings, then its families' changes beyond chance; without any, how many were tested.

    Parameters
    ----------
    first
        Sentences with their verdicts that stand before the changes.
    page
        The file of words in which ``moved_nothing``, ``moved_untested``, ``moved_exact`` and ``moved_also`` stand.
    told
        Metrics that ``first`` already speaks of.
    """
    changes = [*find_sure_changes(results), *find_changes_with_care(results)]
    ours = [each for each in changes if _is_of(results, families, each.metric) and each.metric not in told]
    room = max(0, MOST_TOLD - len(first))
    found = [*first, *((each.in_full(language), each.verdict) for each in ours[:room])]
    if not ours and not told:
        quiet = _nothing_moved(results, families, page, language)
        return finding_list(found, language) + quiet if found else quiet
    return finding_list(found, language) + _also_moved(results, ours[room:], page, language)


def _also_moved(results: Results, rest: Sequence[Finding], page: str, language: str) -> Markup:
    if not rest:
        return Markup("")
    metrics = results.book.catalogue.metrics
    names = label("kpis.name_join", language).join(metrics[each.metric].name.in_(language) for each in rest)
    words = label(f"{page}.moved_also", language, names=names)
    return Markup('<div class="wb-below"><p>{}</p></div>').format(words)


def _nothing_moved(results: Results, families: Collection[str], page: str, language: str) -> Markup:
    rows = changes_to_judge(results)
    is_ours = pd.Series([_is_of(results, families, name) for name in rows["metric"]], rows.index, dtype=bool)
    tested = rows[is_ours & rows["verdict"].isin((*SURE_VERDICTS, "no_clear_change"))]
    if tested.empty:
        is_compared = bool((is_ours & rows["verdict"].eq("size_only")).any())
        return callout(label(f"{page}.moved_{'exact' if is_compared else 'untested'}", language), language)
    periods = [say_period(name, results.book, language) for name in tested["base_period"].unique()]
    listed = label("kpis.name_join", language).join(periods)
    count = tested["metric"].nunique()
    return callout(label(f"{page}.moved_nothing", language, periods=listed, count=count), language)


def _is_of(results: Results, families: Collection[str], metric: str | None) -> bool:
    return metric is not None and results.book.catalogue.metrics[metric].family in families
