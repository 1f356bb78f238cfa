from __future__ import annotations

import base64
import datetime
import re
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from markupsafe import Markup

from analysis.catalogue import read_yaml
from analysis.report import tables_shown as shown
from analysis.report.figures.style import figure_style
from analysis.report.tables_shown import Column, Explanation, Tile

HOSTILE = "<script>alert('x')</script> & \"Söhne\""


def soup(markup: str) -> BeautifulSoup:
    return BeautifulSoup(str(markup), "html.parser")


def words(markup: str) -> str:
    return soup(markup).get_text(" ", strip=True)


@pytest.fixture
def published(monkeypatch):
    """What has been put on the page: pairs of data and metadata."""
    seen = []
    monkeypatch.setattr(
        "IPython.display.display", lambda data, *, raw, metadata: seen.append((data, metadata))
    )
    return seen


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
    return soup(
        shown.table_html(kpis, COLUMNS, caption="Scorecard", language=language, currency="CNY", **options)
    )


# --- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "options", "expected"),
    [
        (1234.5, {}, "1,234.5"),
        (1234567, {}, "1,234,567"),
        (3.14159, {}, "3.14"),
        (0.034512, {}, "0.035"),
        (-2.25, {"decimals": 1}, "−2.2"),  # halves go to the even digit: 2.25 is exact in binary
        (2, {"signed": True}, "+2"),
        (-0.04, {"decimals": 1, "signed": True}, "0.0"),
        (0, {"signed": True}, "0"),
        (Decimal("10.5"), {}, "10.5"),
        (np.int64(5214), {}, "5,214"),
    ],
)
def test_numbers_have_separators_and_the_decimals_their_size_calls_for(value, options, expected):
    assert shown.format_number(value, "en", **options) == expected


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA, pd.NaT, float("inf"), np.float64("-inf")])
@pytest.mark.parametrize("unit", list(shown.UNITS))
@pytest.mark.parametrize("language", shown.LANGUAGES)
def test_a_missing_value_of_any_unit_is_a_dash(missing, unit, language):
    assert shown.format_value(missing, unit, language, currency="CNY") == "–"


def test_shares_and_their_differences():
    assert shown.format_percent(0.631, "en") == shown.format_percent(0.631, "zh") == "63.1%"
    assert shown.format_percent(1.0475, "en", decimals=0) == "105%"
    assert shown.format_points(0.012, "en") == "+1.2 pp"
    assert shown.format_points(-0.041, "zh") == "−4.1个百分点"


@pytest.mark.parametrize(
    ("value", "currency", "language", "expected"),
    [
        (1234567.8, "CNY", "zh", "¥1,234,568"),
        (1234567.8, "CNY", "en", "CN¥1,234,568"),
        (412.5, "USD", "en", "$412.50"),
        (412.5, "USD", "zh", "US$412.50"),
        (-12.5, "CHF", "en", "−CHF 12.50"),
        (999.996, "EUR", "en", "€1,000"),  # two decimals would round it to 1,000.00
    ],
)
def test_money_shows_its_currency(value, currency, language, expected):
    assert shown.format_money(value, language, currency=currency) == expected


def test_days_in_both_languages():
    assert shown.format_date(datetime.date(1997, 12, 31), "en") == "31 Dec 1997"
    assert shown.format_date(pd.Timestamp("1997-12-31 15:00"), "zh") == "1997年12月31日"
    assert shown.format_date("2026-07-01", "en") == "1 Jul 2026"
    assert shown.format_date_range("2026-07-01", "2026-09-30", "zh") == "2026年7月1日至2026年9月30日"
    assert shown.format_date_range("2026-07-01", "2026-09-30", "en") == "1 Jul 2026 – 30 Sep 2026"


@pytest.mark.parametrize(
    ("seconds", "en", "zh"),
    [
        (0.42, "0.4 s", "0.4秒"),
        (45, "45 s", "45秒"),
        (59.7, "1 min", "1分钟"),  # rounds to 60 s, which nobody writes
        (270, "4 min 30 s", "4分30秒"),
        (3599.6, "1 h", "1小时"),
        (7500, "2 h 05 min", "2小时05分"),
        (172_799, "48 h", "48小时"),
        (276_480, "3.2 days", "3.2天"),  # 276480 / 86400 = 3.2
        (-480, "−8 min", "−8分钟"),
    ],
)
def test_durations_take_the_unit_that_reads_best(seconds, en, zh):
    assert shown.format_duration(seconds, "en") == en
    assert shown.format_duration(seconds, "zh") == zh


def test_business_hours_stay_hours():
    assert shown.format_duration(276_480, "en", unit="hours") == "76.8 h"
    assert shown.format_value(276_480, "hours", "zh") == "76.8小时"
    assert shown.format_value(276_480, "working_time", "en") == "76.8 h"  # not 3.2 days of 24 hours
    assert shown.format_value(11_520, "working_time", "en") == "3 h 12 min"
    assert shown.format_value(11_520, "working_time", "zh") == "3小时12分"
    assert shown.format_value(42, "working_time", "zh") == "42秒"


@pytest.mark.parametrize(
    ("low", "high", "unit", "expected"),
    [
        (0.618, 0.644, "percent", "61.8–64.4%"),
        (-3.1, 2.04, "number", "−3.10 to 2.04"),
        (9.87, 10.2, "number", "9.87–10.20"),
        (995.5, 1002.2, "money", "€996–€1,002"),
        (5820, 6420, "duration", "1 h 37 min – 1 h 47 min"),
        (0.1, None, "percent", "–"),
    ],
)
def test_intervals_read_without_doubt(low, high, unit, expected):
    options = {"currency": "EUR"} if unit == "money" else {}
    assert shown.format_interval(low, high, unit, "en", **options) == expected


def test_unknown_units_and_money_without_currency_are_refused():
    with pytest.raises(ValueError, match="furlong.*percent"):
        shown.format_value(1, "furlong", "en")
    with pytest.raises(ValueError, match="currency"):
        shown.format_value(1, "money", "en")


# --- verdicts, sparklines, labels -----------------------------------------------------------------


@pytest.mark.parametrize("language", shown.LANGUAGES)
@pytest.mark.parametrize("verdict", shown.VERDICTS)
def test_every_verdict_has_a_sign_and_a_word(verdict, language):
    sign, text = words(shown.verdict_badge(verdict, language)).split(" ", 1)
    assert sign == shown.VERDICTS[verdict][0]
    assert re.search(r"[a-z]" if language == "en" else r"[一-鿿]", text)


def test_an_unknown_verdict_is_refused():
    with pytest.raises(ValueError, match="splendid"):
        shown.verdict_badge("splendid", "en")


def test_every_label_has_both_languages_with_the_same_blanks():
    for key, texts in read_yaml("labels/report.yml").items():
        assert set(texts) == {"en", "zh"}, key
        assert all(text.strip() for text in texts.values()), key
        blanks = [set(re.findall(r"\{(\w+)\}", text)) for text in texts.values()]
        assert blanks[0] == blanks[1], key


def test_a_sparkline_says_in_words_what_it_shows():
    svg = soup(shown.sparkline([0.6, 0.58, 0.64, 0.631], "en", show=lambda share: f"{share:.1%}")).svg
    assert svg["role"] == "img"
    assert svg["aria-label"] == "Trend over 4 periods, from 60.0% to 63.1%; lowest 58.0%, highest 64.0%"


def test_a_sparkline_spans_its_box_from_lowest_to_highest():
    line = soup(shown.sparkline([1, 3, 2], "en", width=96, height=26)).polyline
    # 4 px margins: x at 4, 48, 92; y from 22 (lowest) to 4 (highest), the middle value half way
    assert line["points"] == "4.0,22.0 48.0,4.0 92.0,13.0"


def test_a_missing_period_leaves_a_gap_and_is_told():
    drawing = soup(shown.sparkline([1, 2, None, 4, 5], "en"))
    assert len(drawing.find_all("polyline")) == 2
    assert "1 of 5 periods without a value" in drawing.svg["aria-label"]


def test_one_value_is_a_dot_and_none_is_a_dash():
    single = soup(shown.sparkline([5], "zh"))
    assert single.polyline is None and single.find_all("circle")
    assert words(shown.sparkline([None, float("nan")], "en")) == "–"


# --- tables ---------------------------------------------------------------------------------------


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
    markup = shown.table_html(
        kpis.assign(reason=HOSTILE, family=HOSTILE), COLUMNS, caption=HOSTILE, note=HOSTILE, language="en",
        currency="CNY", group_by="family",
    )  # fmt: skip
    rest = [
        shown.callout(HOSTILE, "en", title=HOSTILE, items=[HOSTILE]),
        shown.kpi_tiles([Tile(HOSTILE, HOSTILE, HOSTILE, [(HOSTILE, "better")])], "en"),
        shown.finding_list([(HOSTILE, "worse")], "en"),
        shown.badge(HOSTILE, sign=HOSTILE),
        shown.how_computed(
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
    cell = soup(shown.table_html(rows, [Column("name", "Name")], caption="c", language="en")).tbody.th
    assert cell.get_text() == "<b>bold</b>"


def test_only_a_column_of_markup_shows_markup_and_text_in_it_is_escaped():
    pieces = pd.Series([Markup("<b>bold</b>"), HOSTILE], dtype=object)
    columns = [Column("name", "Name"), Column("piece", "Piece", shown_as="markup")]
    rows = pd.DataFrame({"name": ["a", "b"], "piece": pieces})
    first, second = soup(shown.table_html(rows, columns, caption="c", language="en")).select("tbody td")
    assert first.b.get_text() == "bold" and "wb-words" in first["class"]
    assert second.get_text() == HOSTILE and not second.find_all("script")


def test_a_value_a_section_and_a_tile_can_lead_to_a_definition_and_a_cell_can_be_found():
    rows = pd.DataFrame(
        {"name": [HOSTILE, "plain"], "to": ["#definition-a", None], "ids": ["figure-a figure-b", None],
         "part": ["P", "P"], "part_to": ["#definition-p", "#definition-p"]}
    )  # fmt: skip
    table = soup(
        shown.table_html(
            rows, [Column("name", "Name", link_from="to", ids_from="ids")], caption="c", language="en",
            group_by="part", group_link_from="part_to",
        )
    )  # fmt: skip
    links = [(link["href"], link.get_text()) for link in table.select("a.wb-kpi")]
    assert links == [("#definition-p", "P"), ("#definition-a", HOSTILE)]
    assert [place["id"] for place in table.select("th [id]")] == ["figure-a", "figure-b"]
    tiles = soup(shown.kpi_tiles([Tile("A", "1", link="#definition-a"), Tile("B", "2")], "en"))
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
    table = soup(shown.table_html(rows, [Column("name", "Name"), column], caption="c", language="en"))
    assert [cell.get_text() for cell in table.find_all("td")] == ["34.0", "2.35"]


def test_an_empty_table_says_so(kpis):
    assert words(scorecard(kpis.iloc[:0], group_by="family").tbody) == "No rows"


def test_a_column_that_is_not_there_is_named(kpis):
    with pytest.raises(KeyError, match="valeu.*metric"):
        shown.table_html(kpis, [Column("metric", "Metric"), Column("valeu", "V")], caption="c", language="en")


def test_reasons_beyond_z_go_on_with_two_letters():
    assert [shown._letters(place) for place in (0, 25, 26, 27, 52)] == ["a", "z", "aa", "ab", "ba"]


# --- tiles, callouts, fold-outs -------------------------------------------------------------------


def test_a_tile_reads_name_value_interval_change_and_verdict():
    tile = Tile("Retention", "63.1%", "61.8–64.4%", [("+1.2 pp on 2026Q2", "no_clear_change")], [0.6, 0.631])
    text = words(shown.kpi_tiles([tile], "en"))
    assert text == "Retention 63.1% 61.8–64.4% +1.2 pp on 2026Q2 ● no clear change"


@pytest.mark.parametrize(
    ("kind", "word"), [("unreconciled", "未核对"), ("partial", "不完整"), ("warning", "注意")]
)
def test_callouts_stand_under_their_word(kind, word):
    assert words(shown.callout("一二三", "zh", kind=kind)) == f"{word} 一二三"


def test_an_unknown_callout_is_refused():
    with pytest.raises(ValueError, match="shout"):
        shown.callout("x", "en", kind="shout")


def test_a_fold_out_shows_how_a_number_came_to_be():
    rows = pd.DataFrame({"customer_id": [1000234], "first_order_on": [datetime.date(2024, 3, 2)]})
    explanation = Explanation(
        "Retention", formula="kept / opening", filters=["window = 180"], counts={"opening": 5214},
        sql="select 1", source_rows=rows,
    )  # fmt: skip
    fold = soup(shown.how_computed([explanation], "en")).details
    assert not fold.has_attr("open")
    assert [term.get_text() for term in fold.find_all("dt")] == ["Formula", "Filters", "Rows", "SQL"]
    assert fold.select_one("pre").get_text() == "select 1"
    assert [cell.get_text() for cell in fold.tbody.find_all(["th", "td"])] == ["1000234", "2024-03-02"]


# --- onto the page --------------------------------------------------------------------------------


def test_pieces_are_tagged_with_their_language(published):
    shown.display_html(shown.callout("x", "zh"), "zh")
    rows = pd.DataFrame({"name": ["a"]})
    shown.show_table(rows, [Column("name", "Name")], caption="c", language="en")
    assert [metadata for _, metadata in published] == [
        {"workbook": {"language": "zh"}},
        {"workbook": {"language": "en"}},
    ]
    assert all(type(data["text/html"]) is str for data, _ in published)


def test_a_figure_is_published_wide_and_narrow_then_closed(published):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    with figure_style("en"):
        figure, axes = plt.subplots()
        axes.plot([1, 2])
    shown.display_figure(figure, "en", "A line that rises.", title="It rises", note="Two points.")
    [(data, metadata)] = published
    assert metadata == {
        "workbook": {
            "language": "en",
            "alt": "A line that rises.",
            "title": "It rises",
            "note": "Two points.",
        }
    }
    widths = [
        int.from_bytes(base64.b64decode(data[media])[16:20]) for media in ("image/png", shown.PHONE_PNG)
    ]
    assert widths == [1440, 960]
    assert not plt.fignum_exists(figure.number)


def test_a_figure_without_alternative_text_is_refused(published):
    from matplotlib.figure import Figure

    with pytest.raises(ValueError, match="alternative text"):
        shown.display_figure(Figure(), "en", "  ")
    assert published == []


def test_the_style_for_jupyter_is_marked_as_such_and_scoped(published):
    shown.show_style()
    [(data, metadata)] = published
    assert metadata == {"workbook": {"role": "style"}}
    assert "@scope" in data["text/html"] and "@page" not in data["text/html"]
