"""Draw once per language: a page's helper is written for one language and called for all of them.

A helper takes the results and a language and returns what is to be shown. Called with the results alone, as
notebooks do, it is shown in every language of the run, each output tagged with its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

from analysis.catalogue import label
from analysis.facts import NotMeasured
from analysis.report.display import display_figure, display_html
from analysis.report.kpis_shown import say_reason
from analysis.report.remarks_shown import callout

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from analysis.suite import Results

LANGUAGES_VARIABLE = "WORKBOOK_LANGUAGES"


def languages_of(results: Results) -> tuple[str, ...]:
    """The languages of this run: those asked for on the command line, else the settings'."""
    asked = os.environ.get(LANGUAGES_VARIABLE)
    return tuple(asked.split(",")) if asked else results.book.settings.languages


def html_per_language(show: Callable[..., Any]) -> Callable[..., Any]:
    """Turn ``show_x(results, language) → HTML`` into a helper that displays it in every language of the run."""

    @wraps(show)
    def shown(results: Results, *arguments: Any, language: str | None = None, **options: Any) -> Any:
        if language is not None:
            return _or_reason(show(results, *arguments, language=language, **options), results, language)
        for each in languages_of(results):
            display_html(_or_reason(show(results, *arguments, language=each, **options), results, each), each)
        return None

    return shown


def figure_per_language(plot: Callable[..., Any]) -> Callable[..., Any]:
    """Turn ``plot_x(results, language, ax) → Axes`` into a helper that displays it in every language of the run.

    With ``ax`` given it draws there and returns the Axes. The plot says what it shows through ``describe``.
    """

    @wraps(plot)
    def drawn(
        results: Results, *arguments: Any, language: str | None = None, ax: Any = None, **options: Any
    ) -> Any:
        if ax is not None:
            return plot(results, *arguments, language=language or "en", ax=ax, **options)
        for each in [language] if language else languages_of(results):
            _display(plot, results, each, arguments, options)
        return None

    return drawn


def describe(ax: Axes, alt: str, *, title: str = "", note: str = "", message: str = "") -> Axes:
    """Say of a figure what it shows: ``alt`` in one sentence with its main numbers, title and note around it.

    A ``message`` says what to take from it, where a test or a full count says something; it stands above the title.
    """
    ax.figure._workbook = {"alt": alt, "title": title, "note": note, "message": message}
    return ax


def not_measured_html(found: NotMeasured, results: Results, language: str) -> str:
    """The line that stands where a number or chart would, with the reason."""
    reason = say_reason(found.reason, results.book, language)
    return str(callout(label("pages.not_measured", language, reason=reason), language))


def _or_reason(found: Any, results: Results, language: str) -> str:
    return not_measured_html(found, results, language) if isinstance(found, NotMeasured) else str(found)


def _display(
    plot: Callable[..., Any], results: Results, language: str, arguments: Sequence[Any], options: Any
) -> None:
    import matplotlib.pyplot as plt

    from analysis.report.figures.style import figure_style

    with figure_style(language):
        figure, ax = plt.subplots(layout="none")  # laid out when it is displayed
        drawn = plot(results, *arguments, language=language, ax=ax, **options)
        if isinstance(drawn, NotMeasured):
            plt.close(figure)
            display_html(not_measured_html(drawn, results, language), language)
            return
        display_figure(figure, language, **figure._workbook)
