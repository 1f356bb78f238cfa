"""What a page of one's own is made of: any figures as a table, by group, and as they are defined."""

from __future__ import annotations

from markupsafe import Markup

from analysis.catalogue import UnknownName, label, nearest
from analysis.facts import NotMeasured
from analysis.report.kpi_tables import kpi_block
from analysis.report.kpis_shown import say_period
from analysis.report.pages.breakdowns import asked_for, breakdown_table, in_words
from analysis.report.pages.definitions import define
from analysis.report.per_language import html_per_language
from analysis.suite import Results

__all__ = ["show_kpis", "show_kpis_by", "show_definition"]


@html_per_language
def show_kpis(results: Results, *names: str, language: str) -> Markup:
    """A table of these figures: value, interval, n, changes with verdicts, trend; below it what is not measured.

    Parameters
    ----------
    names
        Metrics as ``id``, under the definition the run has chosen, or as ``id.variant``.

    Raises
    ------
    UnknownName
        With the nearest right name, if there is no such metric or variant.
    """
    book = results.book
    period = say_period(book.window.label, book, language)
    metrics = [asked_for(book, name) for name in names]
    return kpi_block(
        results, metrics, language=language, caption=label("own_page.kpis", language, period=period)
    )


@html_per_language
def show_kpis_by(results: Results, dimension: str, *names: str, language: str) -> Markup | NotMeasured:
    """These figures for each group of a dimension, worst group first, with intervals, n and changes.

    Parameters
    ----------
    dimension
        Any the catalogue knows, such as ``segment``; it need not be among the run's own.
    names
        As in ``show_kpis``.

    Raises
    ------
    UnknownName
        With the nearest right name, if there is no such dimension, metric or variant.
    """
    book = results.book
    if dimension not in book.catalogue.dimensions:
        known = book.catalogue.dimensions
        raise UnknownName(f"there is no dimension {dimension!r}{nearest(dimension, known)}")
    metrics = [asked_for(book, name) for name in names]
    found = [results.kpi(metric.id, metric.variant) for metric in metrics]
    missing = [figure for figure in found if isinstance(figure, NotMeasured)]
    if len(missing) == len(found) > 0:
        return in_words(missing[0], book, language)
    caption = label(
        "own_page.kpis_by", language, dimension=book.catalogue.dimensions[dimension].name.in_(language),
        period=say_period(book.window.label, book, language),
    )  # fmt: skip
    return breakdown_table(results, dimension, names, language, table=None, caption=caption)


@html_per_language
def show_definition(results: Results, name: str, *, language: str) -> Markup:
    """What one metric means, and folded away how its figure came to be: formula, counts, SQL, first rows.

    Raises
    ------
    UnknownName
        As ``show_kpis`` does.
    """
    return define(results, [asked_for(results.book, name)], language)
