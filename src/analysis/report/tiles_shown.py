"""The numbers a page opens with, side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from analysis.report.sparklines import sparkline
from analysis.report.tables_shown import linked
from analysis.report.verdicts_shown import verdict_badge


@dataclass(frozen=True)
class Tile:
    """One number of the cover, its texts ready in the page's language.

    Attributes
    ----------
    name, value : str
        What is measured, and its value as `format_value` writes it.
    interval : str
        Such as ``61.8–64.4%``; empty for a census.
    changes : sequence of (text, verdict)
        Such as ``("+1.2 pp on 2026Q2", "better")``.
    trend : sequence of float
        Earlier periods up to this one; empty for none.
    show : callable, optional
        Writes a value of the trend in the words for screen readers.
    link : str
        Address that the name leads to, such as ``links.definition_href`` gives; empty for none.
    """

    name: str
    value: str
    interval: str = ""
    changes: Sequence[tuple[str, str]] = ()
    trend: Sequence[float] = ()
    show: Callable[[float], str] | None = None
    link: str = ""


def kpi_tiles(tiles: Sequence[Tile], language: str) -> Markup:
    """The numbers a page opens with, side by side: name, value, interval, changes with verdicts, trend."""
    return Markup('<ul class="wb-tiles">{}</ul>').format(
        Markup("").join(_tile(tile, language) for tile in tiles)
    )


def _tile(tile: Tile, language: str) -> Markup:
    change = Markup('<p class="wb-tile-change"><span>{}</span> {}</p>')
    return Markup(
        '<li class="wb-tile"><p class="wb-tile-name">{}</p><p class="wb-tile-value">{}</p>'
        '<p class="wb-tile-interval">{}</p>{}{}</li>'
    ).format(
        linked(escape(tile.name), tile.link or None),
        tile.value,
        tile.interval or Markup("&nbsp;"),
        Markup("").join(
            change.format(text, verdict_badge(verdict, language)) for text, verdict in tile.changes
        ),
        sparkline(tile.trend, language, show=tile.show, width=150, height=32) if len(tile.trend) else "",
    )
