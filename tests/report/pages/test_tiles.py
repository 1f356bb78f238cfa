"""The headline metrics as tiles."""

from __future__ import annotations

from analysis.catalogue import load_catalogue
from analysis.report.pages.tiles import headline_tile, show_headline
from reading_pages import in_each_language, read

METRICS = load_catalogue().metrics


def test_a_tile_gives_value_interval_n_change_and_trend(shop):
    tile = headline_tile(shop, METRICS["customer_retention_rate"], "en")
    assert (tile.value, tile.interval) == ("66.7%", "95%: 35.4–87.9% · n\u00a0=\u00a09")
    assert tile.changes == []  # nobody was active at the start of 2024Q3
    assert tile.show(tile.trend[-1]) == "66.7%"


def test_a_figure_counted_in_full_has_no_interval_and_no_verdict(shop):
    tile = headline_tile(shop, METRICS["revenue"], "en")
    assert (tile.value, tile.interval) == ("€402.00", "counted in full · n\u00a0=\u00a013")
    assert tile.changes == [("+143.6% against 2024Q3", "higher")]  # 402 / 165 − 1


def test_a_change_measured_on_other_customers_says_so(shop, retell):
    results = retell(
        shop, "customer_retention_rate", verdict="better", value=0.7, base_value=0.3, n=500, base_n=1000
    )
    tile = headline_tile(results, METRICS["customer_retention_rate"], "en")
    assert tile.changes == [("+40.0 pp against 2024Q3 (n\u00a0−50%)", "better")]
    assert "who is counted" in show_headline(results, language="en")


def test_a_tile_that_is_not_measured_gives_the_reason(shop):
    tile = headline_tile(shop, METRICS["customer_acquisition_cost"], "en")
    assert (tile.value, list(tile.changes), list(tile.trend)) == ("–", [], [])
    assert "table Costs is not supplied" in tile.interval


@in_each_language
def test_every_headline_metric_has_a_tile(shop, language):
    tiles = read(show_headline(shop, language=language)).select(".wb-tile-name")
    wanted = [METRICS[name].name.in_(language) for name in shop.book.settings.headline_metrics]
    assert [tile.get_text() for tile in tiles] == wanted
