"""Every figure in one table, family by family."""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup

from analysis.catalogue import label
from analysis.report.kpi_tables import kpi_table, not_measured_line
from analysis.report.kpis_shown import kpi_rows, measured, say_period, shown_metrics
from analysis.report.per_language import html_per_language
from analysis.report.remarks_shown import callout
from analysis.suite import Results


@html_per_language
def show_scorecard(results: Results, *, language: str) -> Markup:
    """Every metric in one table, family by family, and in one line below those that could not be measured."""
    rows = scorecard_rows(results)
    present = measured(rows)
    table: Any = callout(label("kpis.nothing_measured", language), language)
    if len(present):
        named = present.assign(
            section=[label(f"scorecard.family_{family}", language) for family in present["family"]]
        )
        caption = label(
            "scorecard.table_caption",
            language,
            period=say_period(results.book.window.label, results.book, language),
        )
        table = kpi_table(
            results, named, language=language, caption=caption, group_by="section", has_places=True
        )
    return Markup(table) + not_measured_line(results, rows, language)


def scorecard_rows(results: Results) -> pd.DataFrame:
    """The KPI rows of every metric shown, under the run's variants, with its ``family``, family by family."""
    book = results.book
    rows = kpi_rows(results, shown_metrics(book))
    return rows.assign(family=[book.catalogue.metrics[name].family for name in rows["metric"]])
