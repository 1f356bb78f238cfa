"""The numbers a page opens with."""

from __future__ import annotations

from bs4 import BeautifulSoup

from analysis.report.tiles_shown import Tile, kpi_tiles


def soup(markup: str) -> BeautifulSoup:
    return BeautifulSoup(str(markup), "html.parser")


def words(markup: str) -> str:
    return soup(markup).get_text(" ", strip=True)


def test_a_tile_reads_name_value_interval_change_and_verdict():
    tile = Tile("Retention", "63.1%", "61.8–64.4%", [("+1.2 pp on 2026Q2", "no_clear_change")], [0.6, 0.631])
    text = words(kpi_tiles([tile], "en"))
    assert text == "Retention 63.1% 61.8–64.4% +1.2 pp on 2026Q2 ● no clear change"
