"""Complaints by topic and public mentions by platform, each with the interval of its metric."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.catalogue import Metric
from analysis.facts import Book
from analysis.metrics.frame import BOUNDS, KPI_COLUMNS, NOT_STATED
from analysis.periods import Window
from analysis.report.pages.satisfaction_rows import counted_sql
from analysis.suite import Results

# --- counted under the rules of a metric --------------------------------------------------------------


def estimates_by(
    book: Book, metric: Metric, group: str, windows: Sequence[Window], *, by: str
) -> pd.DataFrame:
    """Rows as of the KPI frame for a metric (share, mean or net share) in each group of an expression.

    Parameters
    ----------
    group
        SQL over the fact's columns (``f``).
    by
        What the frame calls the grouping.
    """
    from analysis.metrics.intervals import summarise

    counted = counted_sql(metric, f"cast({metric.of} as double) as x", windows, group)
    sums = book.ask(
        "select period, grp, count(x) as n, sum(x) as sum_x, sum(x * x) as sum_xx "
        f"from ({counted}) counted group by period, grp"
    )
    sums = sums.rename(columns={"grp": "group"}).assign(
        metric=metric.id, variant=metric.variant, by=by, kind=metric.kind, sampled=metric.is_sampled,
        sum_y=np.nan, sum_yy=np.nan, sum_xy=np.nan, **dict(zip(BOUNDS, metric.numeric_bounds, strict=True)),
    )  # fmt: skip
    sums["group"] = sums["group"].fillna(NOT_STATED).astype(str)
    return summarise(sums[sums["n"] > 0], book.settings.confidence_level)[KPI_COLUMNS]


# --- complaints and mentions ----------------------------------------------------------------------------


def complaint_topics(results: Results) -> pd.DataFrame:
    """Complaints by topic, most first: ``topic, complaints, part`` of all, ``value, low, high, n`` of its contacts."""
    book, metric = results.book, results.book.catalogue.metrics["complaint_rate"]
    rows = estimates_by(book, metric, "f.topic", [book.window], by="topic")
    rows = rows[rows["numerator"] > 0].rename(columns={"group": "topic", "numerator": "complaints"})
    rows = rows.assign(part=rows["complaints"] / rows["complaints"].sum())
    return rows.sort_values(["complaints", "topic"], ascending=[False, True], ignore_index=True)


def mention_platforms(results: Results) -> pd.DataFrame:
    """Public mentions by platform, most first: ``platform, n, positive, neutral, negative, value, low, high``."""
    book, metric = results.book, results.book.catalogue.metrics["social_sentiment"]
    rows = estimates_by(book, metric, "f.platform", [book.window], by="platform")
    tones = book.ask(
        "select coalesce(platform, 'not_stated') as platform, tone, count(*) as mentions from mentions "
        "where published_on >= $starts_on and published_on < $ends_on group by coalesce(platform, 'not_stated'), tone",
        starts_on=book.window.start, ends_on=book.window.end,
    ).pivot_table(index="platform", columns="tone", values="mentions", aggfunc="sum")  # fmt: skip
    tones = tones.reindex(columns=[1, 0, -1]).fillna(0).set_axis(["positive", "neutral", "negative"], axis=1)
    rows = rows.rename(columns={"group": "platform"}).join(tones, on="platform")
    return rows.sort_values(["n", "platform"], ascending=[False, True], ignore_index=True)
