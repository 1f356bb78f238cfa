"""Tables as markup, and that nothing from data is markup."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from markupsafe import Markup

from analysis.report.explanations_shown import Explanation, how_computed
from analysis.report.remarks_shown import callout, finding_list
from analysis.report.tables_shown import Column, _letters, table_html
from analysis.report.tiles_shown import Tile, kpi_tiles
from analysis.report.verdicts_shown import badge

HOSTILE = "<script>alert('x')</script> & \"Söhne\""


def soup(markup: str) -> BeautifulSoup:
    return BeautifulSoup(str(markup), "html.parser")


def words(markup: str) -> str:
    return soup(markup).get_text(" ", strip=True)


@pytest.fixture
def kpis():
    return pd.DataFrame(
        {
            "family": ["Retention", "Retention", "Service"],
            "metric": ["Retention rate", HOSTILE, "First response"],
            "unit": ["percent", "money", "duration"],
            "value": [0.631, 1234.5, np.nan],
            "low": [0.618, np.nan, np.nan],
            "high": [0.644, np.nan, np.nan],
            "change": [0.012, -20.0, np.nan],
            "change_unit": ["points", "money", "duration"],
            "verdict": ["better", "no_clear_change", None],
            "reason": [None, "A census has no interval", "No tickets table"],
            "trend": [[0.6, 0.61, 0.631], [1.0, None, 3.0], None],
            "is_total": [False, False, True],
        }
    )


COLUMNS = (
    Column("metric", {"en": "Metric", "zh": "指标"}),
    Column("value", {"en": "Value", "zh": "数值"}, unit_from="unit", reason_from="reason"),
    Column("low", {"en": "Interval", "zh": "区间"}, unit_from="unit", high="high", reason_from="reason"),
    Column(
        "change", {"en": "Change", "zh": "变化"}, unit_from="change_unit", signed=True, verdict_from="verdict"
    ),
    Column("trend", {"en": "Trend", "zh": "走势"}, unit_from="unit", shown_as="sparkline"),
)


def scorecard(kpis, language="en", **options):
    return soup(table_html(kpis, COLUMNS, caption="Scorecard", language=language, currency="CNY", **options))


def test_a_table_has_caption_and_scopes(kpis):
    table = scorecard(kpis).table
    assert table.caption.get_text() == "Scorecard"
    assert [heading["scope"] for heading in table.thead.find_all("th")] == ["col"] * 5
    assert [heading["scope"] for heading in table.tbody.find_all("th")] == ["row"] * 3


def test_cells_show_value_interval_change_and_verdict(kpis):
    first = scorecard(kpis).tbody.tr
    assert [cell.get_text(" ", strip=True) for cell in first.find_all("td")][:3] == [
        "63.1%",
        "61.8–64.4%",
        "+1.2 pp ▲ better",
    ]


def test_values_from_data_are_escaped_everywhere(kpis):
    markup = table_html(
        kpis.assign(reason=HOSTILE, family=HOSTILE), COLUMNS, caption=HOSTILE, note=HOSTILE, language="en",
        currency="CNY", group_by="family",
    )  # fmt: skip
    rest = [
        callout(HOSTILE, "en", title=HOSTILE, items=[HOSTILE]),
        kpi_tiles([Tile(HOSTILE, HOSTILE, HOSTILE, [(HOSTILE, "better")])], "en"),
        finding_list([(HOSTILE, "worse")], "en"),
        badge(HOSTILE, sign=HOSTILE),
        how_computed(
            [
                Explanation(
                    HOSTILE, HOSTILE, HOSTILE, HOSTILE, [HOSTILE], {HOSTILE: 1}, HOSTILE,
                    pd.DataFrame({HOSTILE: [HOSTILE]}),
                )
            ],
            "en",
        ),
    ]  # fmt: skip
    for piece in [markup, *rest]:
        assert not soup(piece).find_all("script")
        assert HOSTILE in soup(piece).get_text()


def test_markup_in_a_cell_is_data_too():
    rows = pd.DataFrame({"name": pd.Series([Markup("<b>bold</b>")], dtype=object)})
    cell = soup(table_html(rows, [Column("name", "Name")], caption="c", language="en")).tbody.th
    assert cell.get_text() == "<b>bold</b>"


def test_only_a_column_of_markup_shows_markup_and_text_in_it_is_escaped():
    pieces = pd.Series([Markup("<b>bold</b>"), HOSTILE], dtype=object)
    columns = [Column("name", "Name"), Column("piece", "Piece", shown_as="markup")]
    rows = pd.DataFrame({"name": ["a", "b"], "piece": pieces})
    first, second = soup(table_html(rows, columns, caption="c", language="en")).select("tbody td")
    assert first.b.get_text() == "bold" and "wb-words" in first["class"]
    assert second.get_text() == HOSTILE and not second.find_all("script")


def test_a_value_a_section_and_a_tile_can_lead_to_a_definition_and_a_cell_can_be_found():
    rows = pd.DataFrame(
        {"name": [HOSTILE, "plain"], "to": ["#definition-a", None], "ids": ["figure-a figure-b", None],
         "part": ["P", "P"], "part_to": ["#definition-p", "#definition-p"]}
    )  # fmt: skip
    table = soup(
        table_html(
            rows, [Column("name", "Name", link_from="to", ids_from="ids")], caption="c", language="en",
            group_by="part", group_link_from="part_to",
        )
    )  # fmt: skip
    links = [(link["href"], link.get_text()) for link in table.select("a.wb-kpi")]
    assert links == [("#definition-p", "P"), ("#definition-a", HOSTILE)]
    assert [place["id"] for place in table.select("th [id]")] == ["figure-a", "figure-b"]
    tiles = soup(kpi_tiles([Tile("A", "1", link="#definition-a"), Tile("B", "2")], "en"))
    assert [(link["href"], link.get_text()) for link in tiles.find_all("a")] == [("#definition-a", "A")]


def test_a_missing_value_says_why_once_below(kpis):
    page = scorecard(kpis)
    marks = [(gap["title"], gap.get_text()) for gap in page.select("td .wb-missing[title]")]
    # the census row's interval is a; the unmeasured row's value and interval share b; two gaps give no reason
    assert marks == [
        ("A census has no interval", "–a"),
        ("No tickets table", "–b"),
        ("No tickets table", "–b"),
        ("not available", "–"),
        ("not available", "–"),
    ]
    below = [line.get_text() for line in page.select(".wb-below p")]
    assert below == ["a A census has no interval", "b No tickets table"]


def test_groups_become_headed_sections_and_totals_stand_out(kpis):
    page = scorecard(kpis, group_by="family", strong_from="is_total")
    sections = page.select('th[scope="rowgroup"]')
    assert [heading.get_text() for heading in sections] == ["Retention", "Service"]
    assert [len(body.find_all("tr")) for body in page.find_all("tbody")] == [3, 2]  # heading and rows
    assert [row.th.get_text() for row in page.select("tr.wb-strong")] == ["First response"]


def test_phone_cards_name_every_value(kpis):
    cells = scorecard(kpis, language="zh", phone="cards").select("tbody td")
    assert {cell["data-heading"] for cell in cells} == {"数值", "区间", "变化", "走势"}


def test_decimals_can_differ_by_row():
    rows = pd.DataFrame({"name": ["NPS", "Contacts"], "value": [34.0, 2.345], "places": [1, 2]})
    column = Column("value", "Value", unit="number", decimals_from="places")
    table = soup(table_html(rows, [Column("name", "Name"), column], caption="c", language="en"))
    assert [cell.get_text() for cell in table.find_all("td")] == ["34.0", "2.35"]


def test_an_empty_table_says_so(kpis):
    assert words(scorecard(kpis.iloc[:0], group_by="family").tbody) == "No rows"


def test_a_column_that_is_not_there_is_named(kpis):
    with pytest.raises(KeyError, match="valeu.*metric"):
        table_html(kpis, [Column("metric", "Metric"), Column("valeu", "V")], caption="c", language="en")


def test_reasons_beyond_z_go_on_with_two_letters():
    assert [_letters(place) for place in (0, 25, 26, 27, 52)] == ["a", "z", "aa", "ab", "ba"]
