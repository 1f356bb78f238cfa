"""What moved beyond chance."""

from __future__ import annotations

from analysis.report.pages.what_moved import show_moved
from reading_pages import in_each_language, read

RISE = {"verdict": "better", "value": 0.60, "base_value": 0.50}


@in_each_language
def test_what_moved_stands_with_from_where_to_where_and_a_link_to_its_definition(shop, retell, language):
    page = read(show_moved(retell(shop, "repeat_purchase_rate", **RISE), language=language))
    [line] = page.select(".wb-moved-good li")
    assert line.select_one(".wb-moved-change").get_text().startswith("+10.0")
    assert "50.0%" in line.select_one(".wb-moved-values").get_text()
    assert line.select_one("a.wb-kpi")["href"] == "#definition-repeat_purchase_rate"
    assert not page.select(".wb-moved-bad")
