"""Sentences of the scorecard in which metrics lead to their definitions."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

from analysis.catalogue import label
from analysis.report.links import to_definition
from analysis.suite import Results


def also_named(results: Results, names: Sequence[str], key: str, language: str) -> Markup:
    """The other metrics in one line, each a link to its definition."""
    if not names:
        return Markup("")
    metrics = results.book.catalogue.metrics
    links = [to_definition(name, metrics[name].name.in_(language)) for name in dict.fromkeys(names)]
    return small(with_markup(f"appraisal.{key}", language, names=joined(links, language)))


def joined(parts: Sequence[Markup], language: str) -> Markup:
    """Pieces of markup listed as names are."""
    return Markup(escape(label("kpis.name_join", language))).join(parts)


def with_markup(key: str, language: str, **values: Markup | str) -> Markup:
    """The words for a key around pieces of markup; everything else is escaped."""
    marks = {name: f"\ue000{place}\ue001" for place, name in enumerate(values)}
    said = str(escape(label(key, language, **marks)))
    for name, mark in marks.items():
        said = said.replace(mark, str(escape(values[name])))
    return Markup(said)


def small(text: Markup | str) -> Markup:
    """A paragraph in small type."""
    return Markup('<p class="wb-small">{}</p>').format(text)


def nothing_to_list(text: str) -> Markup:
    """A sentence where there is nothing to list."""
    return Markup('<p class="wb-nothing">{}</p>').format(text)
