"""Tables of figures show what the frames hold, and say what they do not."""

from __future__ import annotations

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from analysis.catalogue import load_catalogue
from analysis.report.kpi_tables import doubt_words, kpi_table, n_detail, not_measured_line
from analysis.report.kpis_shown import kpi_rows, measured

METRICS = load_catalogue().metrics
RETENTION, REVENUE = METRICS["customer_retention_rate"], METRICS["revenue"]


def test_what_speaks_against_a_change_is_said_in_few_words():
    assert doubt_words(-0.4, False, "en") == "n\u00a0−40%"
    assert doubt_words(-0.4, True, "zh") == "数据起点过晚"
    assert doubt_words(None, False, "en") is None


def test_a_small_sample_and_a_figure_to_use_with_care_are_marked_below_n(shop):
    rows = pd.DataFrame({"n": [29, 30, 30], "status": ["measured", "measured", "with_care"]})
    told = [n_detail(row, RETENTION, shop.book, "en") for row in rows.itertuples()]
    assert told == ["! small sample", None, "! use with care"]
    assert n_detail(next(rows.itertuples()), REVENUE, shop.book, "zh") is None  # a sum has no sample


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_table_shows_each_figure_with_its_change_and_says_what_cannot_be_compared(shop, language):
    rows = measured(kpi_rows(shop, [REVENUE, RETENTION]))
    table = BeautifulSoup(kpi_table(shop, rows, language=language, caption="All"), "html.parser")
    cells = [
        [cell.get_text(" ", strip=True) for cell in row.select("td")] for row in table.select("tbody tr")
    ]
    assert [row[0] for row in cells] == ["€402.00", "66.7%"]
    assert cells[0][3].startswith("+143.6%")
    assert cells[1][1] == "35.4–87.9%"
    assert "2023Q4" in table.select_one(".wb-below").get_text()


def test_the_line_of_what_is_not_measured_is_empty_where_all_is(shop):
    assert not_measured_line(shop, kpi_rows(shop, [REVENUE]), "en") == ""
    line = not_measured_line(shop, kpi_rows(shop, [METRICS["customer_acquisition_cost"]]), "en")
    assert "Not measured: Customer acquisition cost (CAC) (table Costs is not supplied)." in line


def test_every_name_leads_to_its_definition_and_a_row_can_be_found_once(shop):
    retention = [METRICS["customer_retention_rate"], *METRICS["customer_retention_rate"].all_variants()[1:]]
    rows = measured(kpi_rows(shop, [REVENUE, *retention]))
    table = BeautifulSoup(kpi_table(shop, rows, language="en", caption="All", has_places=True), "html.parser")
    links = [link["href"] for link in table.select("tbody th a.wb-kpi")]
    assert links == ["#definition-revenue"] + ["#definition-customer_retention_rate"] * len(retention)
    places = [place["id"] for place in table.select("tbody th [id]")]
    assert places == ["figure-revenue", "figure-customer_retention_rate"]
    without = BeautifulSoup(kpi_table(shop, rows, language="en", caption="All"), "html.parser")
    assert not without.select("[id]") and len(without.select("a.wb-kpi")) == len(rows)
