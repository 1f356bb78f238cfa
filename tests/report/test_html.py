from __future__ import annotations

import base64
import html as markup
import re
import subprocess
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import analysis.report.html as pages
from analysis.report.display import PHONE_PNG, stylesheet
from analysis.report.editions import BROWSER_FLAGS, find_browser
from analysis.report.figures.style import INKS, PALETTE
from analysis.report.html import PageError, PageLink, render_page
from analysis.report.page_checks import check_page
from analysis.report.remarks_shown import callout
from analysis.report.verdicts_shown import VERDICTS, verdict_badge

PNG = base64.b64encode(
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (1440).to_bytes(4) + (680).to_bytes(4) + b"\x08\x02" + bytes(11)
).decode()
HEADER = {
    "company": "Harbour & Field <Trading>",
    "period": "2026Q3",
    "data_window": ("2026-07-01", "2026-09-30"),
    "run": "3f2a91c",
}


def text_cell(text: str, *tags: str) -> nbformat.NotebookNode:
    return new_markdown_cell(text, metadata={"tags": list(tags)})


def shown(data: dict[str, str], language: str | None = None, **about: str) -> nbformat.NotebookNode:
    metadata = {"workbook": {"language": language, **about}} if language else {}
    return new_output("display_data", data, metadata=metadata)


def code_cell(source: str, *outputs: nbformat.NotebookNode, count: int | None = 1) -> nbformat.NotebookNode:
    return new_code_cell(source, execution_count=count, outputs=list(outputs))


def error(name: str = "NameError") -> nbformat.NotebookNode:
    return new_output(
        "error", ename=name, evalue="boom", traceback=["Traceback (most recent call last)", "boom"]
    )


def notebook(*cells: nbformat.NotebookNode) -> nbformat.NotebookNode:
    titles = [text_cell("# Are they staying?", "lang-en"), text_cell("# 客户留下来了吗？", "lang-zh")]
    return new_notebook(cells=[*titles, *cells])


def render(*cells: nbformat.NotebookNode, language: str = "en", **options) -> BeautifulSoup:
    options = {"header": HEADER, **options}
    return BeautifulSoup(render_page(notebook(*cells), language=language, **options), "html.parser")


def main_text(page: BeautifulSoup) -> str:
    return page.main.get_text(" ", strip=True)


# --- what a reader gets ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "seen", "unseen"), [("en", "English", "中文"), ("zh", "中文", "English")]
)
def test_a_page_holds_one_language_and_what_belongs_to_none(language, seen, unseen):
    page = render(
        text_cell("English prose", "lang-en"), text_cell("中文正文", "lang-zh"), text_cell("42"),
        code_cell("show()", shown({"text/html": "<p>English table</p>"}, "en"),
                  shown({"text/html": "<p>中文表格</p>"}, "zh"), shown({"text/html": "<p>untagged</p>"})),
        language=language,
    )  # fmt: skip
    text = main_text(page)
    assert seen in text and "42" in text and "untagged" in text
    assert unseen not in text
    assert page.html["lang"] == {"en": "en", "zh": "zh-Hans"}[language]


def test_streams_warnings_bare_results_and_scripts_never_reach_a_reader():
    page = render(
        code_cell(
            "noisy()", new_output("stream", name="stdout", text="printed"),
            new_output("stream", name="stderr", text="warned"),
            new_output("execute_result", {"text/plain": "<Axes: >"}, execution_count=1),
            shown({"application/javascript": "alert(1)"}), shown({"text/html": "<p>kept</p>"}),
        )
    )  # fmt: skip
    assert main_text(page) == "kept"
    assert check_page(str(page)) == []


def test_the_style_meant_for_jupyter_is_left_out():
    marked = new_output(
        "display_data", {"text/html": "<style>b{}</style>"}, metadata={"workbook": {"role": "style"}}
    )
    assert render(code_cell("show_style()", marked)).main.style is None


def test_managers_see_no_code_and_analysts_find_it_folded():
    cell = code_cell("secret = 1  # <b>", shown({"text/html": "<p>result</p>"}))
    assert "secret" not in str(render(cell))
    fold = render(cell, edition="analyst").select_one("details.wb-code")
    assert not fold.has_attr("open")
    assert fold.pre.get_text().strip() == "secret = 1  # <b>"


def test_one_h1_comes_from_the_first_heading_and_later_ones_step_down():
    page = render(text_cell("# Another title"), text_cell("## Section"), language="zh")
    assert [heading.get_text() for heading in page.find_all("h1")] == ["客户留下来了吗？"]
    assert [heading.get_text() for heading in page.find_all("h2")] == ["Another title", "Section"]
    assert page.title.get_text() == "客户留下来了吗？ · Harbour & Field <Trading> · 2026Q3"


def test_a_page_without_title_takes_the_header_s_or_is_refused():
    bare = new_notebook(cells=[text_cell("prose")])
    assert "<h1>Given</h1>" in render_page(bare, language="en", header={**HEADER, "title": "Given"})
    with pytest.raises(PageError, match="title"):
        render_page(bare, language="en", header=HEADER)


def test_contents_lead_to_headings_of_their_own_id():
    page = render(text_cell("## Churn\n\n### By region\n\n## Churn\n\n## ???\n\n## 流失 原因"))
    targets = [heading["id"] for heading in page.main.find_all(["h2", "h3"])]
    assert targets == ["churn", "by-region", "churn-2", "section", "流失-原因"]
    links = page.select(".wb-rail .wb-sections a")
    assert [(link["href"], link.get_text()) for link in links] == [
        ("#churn", "Churn"), ("#by-region", "By region"), ("#churn-2", "Churn"), ("#section", "???"),
        ("#流失-原因", "流失 原因"),
    ]  # fmt: skip
    assert check_page(str(page)) == []


def test_the_header_names_company_period_window_and_run():
    facts = render(language="zh").select_one(".wb-facts").get_text("|", strip=True)
    assert facts == "报告期|2026Q3|数据区间|2026年7月1日至2026年9月30日|运行编号|3f2a91c"
    assert render().select_one(".wb-company").get_text() == HEADER["company"]


def test_the_navigation_marks_this_page_and_what_failed():
    links = [
        PageLink("a", "One", "a.html"),
        PageLink("b", "Two", "b.html"),
        PageLink("c", "Three", "", "failed"),
    ]
    rail = render(pages=links, page_id="b").select_one(".wb-rail")
    assert [link.get_text() for link in rail.select("a[aria-current]")] == ["Two"]
    assert [entry.get_text(" ", strip=True) for entry in rail.select(".wb-pages li")] == [
        "One",
        "Two",
        "Three failed",
    ]
    assert [link["href"] for link in rail.select(".wb-pages a")] == ["a.html", "b.html"]


@pytest.mark.parametrize(
    ("status", "marks"),
    [("whole", []), ("partial", ["PARTIAL"]), (["unreconciled", "partial"], ["PARTIAL", "UNRECONCILED"])],
)
def test_partial_and_unreconciled_runs_are_marked(status, marks):
    header = {**HEADER, "status": status, "status_items": {"unreconciled": ["revenue differs by 213"]}}
    page = render(header=header)
    assert [mark.get_text(strip=True) for mark in page.select(".wb-watermark")] == marks
    assert [title.get_text() for title in page.select("header .wb-callout-title")] == marks
    assert ("revenue differs by 213" in page.header.get_text()) == ("UNRECONCILED" in marks)


def test_an_unknown_status_is_refused():
    with pytest.raises(ValueError, match="doubtful"):
        render(header={**HEADER, "status": "doubtful"})


# --- what fails -----------------------------------------------------------------------------------


def test_a_failed_cell_is_a_labelled_gap_without_trace():
    page = render(
        code_cell("broken()", shown({"text/html": "<p>before</p>"}, "en"), error(), count=7),
        text_cell("An exception was encountered", "papermill-error-cell-tag"),
    )
    assert main_text(page) == (
        "before This part could not be computed The reason is kept in the executed notebook, cell [7]. "
        "The other pages of the report are not affected."
    )
    assert "NameError" not in str(page) and "boom" not in str(page)


def test_cells_that_never_ran_after_a_failure_leave_one_gap_a_section():
    first, second, third, empty = (code_cell(source, count=None) for source in ("a()", "b()", "c()", ""))
    failed = code_cell("broken()", error(), count=7)
    page = render(failed, first, text_cell("## 下一节", "lang-zh"), second, third, empty, language="zh")
    gaps = [gap.get_text(" ", strip=True) for gap in page.select(".wb-is-gap")]
    assert gaps == [
        "此部分未能计算 原因保存在已执行的笔记本第[7]个单元格中，报告其他页面不受影响。",
        "此部分未能计算 此部分依赖前文未能计算的结果（第[7]个单元格）。",
    ]


def test_cells_without_output_before_any_failure_leave_nothing():
    assert main_text(render(code_cell("kpis = measure()", count=None))) == ""
    assert not pages.has_gaps(notebook(code_cell("x")))
    assert pages.has_gaps(notebook(code_cell("x", error())))


def test_the_notebook_itself_is_not_changed():
    given = notebook(code_cell("broken()", shown({"text/html": "<p>zh</p>"}, "zh"), error()))
    before = nbformat.writes(given)
    render_page(given, language="en", header=HEADER)
    assert nbformat.writes(given) == before


# --- figures --------------------------------------------------------------------------------------


def test_a_figure_has_its_words_its_size_and_a_narrow_twin():
    output = shown(
        {"image/png": PNG, PHONE_PNG: PNG}, "en", alt='Rises "fast" <b>', title="It rises", note="n = 8"
    )
    figure = render(code_cell("plot()", output)).figure
    assert figure.img["alt"] == 'Rises "fast" <b>'
    assert (figure.img["width"], figure.img["height"]) == ("720", "340")
    assert figure.figcaption.get_text() == "It rises" and "n\xa0=\xa08" in figure.get_text()
    assert (
        figure.source["srcset"].startswith("data:image/png;base64,") and "max-width" in figure.source["media"]
    )


def test_the_message_of_a_figure_stands_above_what_it_shows():
    output = shown({"image/png": PNG}, "en", alt="Points", title="Retention by period", message="It <fell>")
    caption = render(code_cell("plot()", output)).figure.figcaption
    assert caption.get_text() == "It <fell> Retention by period"
    assert caption.find(class_="wb-figure-what").get_text() == "Retention by period"


@pytest.mark.parametrize(
    "output",
    [
        shown({"image/png": PNG}, "en"),
        shown({"image/png": PNG}),
        shown({"image/svg+xml": "<svg/>"}, "en", alt=" "),
        shown({"text/html": "<p><img src='data:image/png;base64,AA=='></p>"}, "en"),
    ],
    ids=["tagged png", "stray png", "svg", "html"],
)
def test_a_figure_without_alternative_text_fails_and_names_its_cell(output):
    with pytest.raises(PageError, match=r"Cell \[7\] .*alternative text"):
        render(code_cell("plot()", output, count=7))


def test_a_picture_in_prose_needs_words_too():
    with pytest.raises(PageError, match="Text cell 3"):
        render(text_cell("![ ](picture.png)"))


def test_a_figure_of_the_other_language_is_not_asked_for_words():
    assert render(code_cell("plot()", shown({"image/png": PNG}, "zh"))).img is None


# --- prose ----------------------------------------------------------------------------------------


def test_dollar_signs_are_money_and_html_in_prose_is_text():
    page = render(text_cell("From **$5** to **$10**.\n\n<script>alert(1)</script> <b>x</b>"))
    assert [bold.get_text() for bold in page.main.find_all("strong")] == ["$5", "$10"]
    assert page.main.script is None and page.main.b is None
    assert "<script>alert(1)</script>" in main_text(page)


def test_links_out_of_the_report_are_printed_as_addresses():
    page = render(
        text_cell("[Paper](https://example.org/a?b=1&c) and [next](02.en.html) and [up](#x)\n\n## x")
    )
    assert "Paper ( https://example.org/a?b=1&c )" in main_text(page)
    assert [link["href"] for link in page.main.find_all("a")] == [
        "#x"
    ]  # standing alone, there is no other page
    assert "and next and up" in main_text(page)
    assert check_page(str(page)) == []


def test_tables_in_prose_get_scopes():
    page = render(text_cell("| a | b |\n|---|---|\n| 1 | 2 |"))
    assert [heading["scope"] for heading in page.main.find_all("th")] == ["col", "col"]


@pytest.mark.parametrize("source", ["<script>alert(1)</script>", "%%html\n<script>alert(1)</script>"])
def test_code_is_shown_and_never_run_whatever_it_is_written_in(source):
    page = render(code_cell(source, shown({"text/html": "<p>result</p>"})), edition="analyst")
    assert page.main.script is None
    assert "<script>alert(1)</script>" in page.select_one("details.wb-code").get_text()


def test_markdown_output_is_escaped_like_prose():
    page = render(code_cell("x", shown({"text/markdown": "**bold** <script>alert(1)</script>"})))
    assert page.main.strong.get_text() == "bold" and page.main.script is None


# --- what is mended on the way -------------------------------------------------------------------


def test_headings_never_skip_a_level():
    page = render(text_cell("### A\n\n##### B\n\n## C\n\n#### D\n\n#### E"))
    # Under the title (h1): A steps up to h2, B to the h3 below it; D comes right below C, and E may go below D.
    levels = [(heading.name, heading.get_text()) for heading in page.main.find_all(re.compile("^h[2-6]$"))]
    assert levels == [("h2", "A"), ("h3", "B"), ("h2", "C"), ("h3", "D"), ("h4", "E")]
    assert check_page(str(page)) == []


def test_a_table_without_a_caption_is_heard_under_its_heading():
    frame = "<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table>"
    page = render(text_cell("## Numbers"), code_cell("frame", shown({"text/html": frame})))
    assert page.main.caption.get_text() == "Numbers" and page.main.caption["class"] == ["wb-heard"]
    assert check_page(str(page)) == []


def test_what_is_shown_twice_keeps_its_place_once():
    twice = shown({"text/html": '<p id="definition-csat">CSAT</p>'}, "en")
    page = render(text_cell("## Definition csat"), code_cell("a", twice), code_cell("b", twice))
    assert [tag.name for tag in page.find_all(id="definition-csat")] == ["p"]
    assert page.h2["id"] == "definition-csat-2"  # a heading gives way to what links look for
    assert check_page(str(page)) == []
    assert pages.page_body(notebook(code_cell("a", twice)), language="en").ids == {
        "content",
        "definition-csat",
    }


def test_a_note_is_said_once_under_a_heading_and_again_under_the_next():
    note = shown({"text/html": callout("no orders", "en")}, "en")
    cells = [text_cell("## A"), code_cell("a", note), code_cell("b", note)]
    page = render(*cells, text_cell("### B"), code_cell("c", note), text_cell("## C"), code_cell("d", note))
    assert (
        len(page.select("div.wb-is-note")) == 3
    )  # a heading with nothing below it would ask where the rest is


def test_a_number_stays_with_its_unit_but_code_is_left_alone():
    said = "from 2 h 13 min to 1 h, +1.2 pp (n = 1,719), 3.2 days, in 5 hops, 1 Jul 2026, 5 Mayors"
    html = f"<p>{said}</p><code>interval 3 days</code>"
    text = render(code_cell("x", shown({"text/html": html}, "en"))).main.get_text()
    kept = "from 2~h~13~min to 1~h, +1.2~pp (n~=~1,719), 3.2~days, in 5 hops, 1~Jul~2026, 5 Mayors"
    assert kept.replace("~", "\N{NO-BREAK SPACE}") in text and "interval 3 days" in text


# --- what is refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("html", "problem"),
    [
        ("x " * 1_050_000, "The page has 2.1 MB; at most 1.9 MB are allowed."),
        ("<script>alert(1)</script>", "The page holds a script element."),
        ("<img alt='x' src='https://example.org/a.png'>", "leaves the page"),
    ],
)
def test_a_notebook_that_is_not_fit_to_be_sent_is_refused_before_the_others_are_done(html, problem):
    with pytest.raises(PageError, match=re.escape(problem)):
        pages.page_body(notebook(code_cell("show()", shown({"text/html": html}, "en"))), language="en")


# --- colours --------------------------------------------------------------------------------------


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb`` (WCAG 2.2)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_worked_out_as_published():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(
        4.54, abs=0.005
    )  # the lightest grey that passes on white
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


def text_colours() -> set[str]:
    """Every colour that the style sheet gives to text."""
    rules = re.findall(r"([^{}]*)\{([^{}]*)\}", re.sub(r"/\*.*?\*/", "", stylesheet(), flags=re.DOTALL))
    given = {
        colour.strip().removesuffix("!important").strip()
        for selector, rule in rules if "watermark" not in selector  # behind the text, and said in words above it
        for colour in re.findall(r"(?<![-\w])color:([^;]*)", rule)
    }  # fmt: skip
    named = {f"var(--{name})": colour for name, colour in {**PALETTE, **INKS}.items()}
    return {named.get(colour, colour) for colour in given} - {"inherit"}


def test_every_text_can_be_read_on_every_ground():
    colours = text_colours()
    assert {INKS["ink"], INKS["soft"], PALETTE["main"], PALETTE["better"], PALETTE["worse"]} <= colours
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in colours), colours
    for ground in (INKS["paper"], INKS["wash"]):
        faint = {
            colour: round(contrast(colour, ground), 2) for colour in colours if contrast(colour, ground) < 4.5
        }
        assert faint == {}, ground


def test_colour_never_speaks_alone():
    for verdict, (sign, _) in VERDICTS.items():
        for language in ("en", "zh"):
            words = BeautifulSoup(verdict_badge(verdict, language), "html.parser").get_text()
            assert words.startswith(sign) and re.search(r"\w{2}", words.removeprefix(sign)), verdict


# --- the whole way --------------------------------------------------------------------------------

DEMO = """
import matplotlib.pyplot as plt
import pandas as pd
from analysis.report.figures.style import figure_style, label_lines
from analysis.report.display import display_figure, display_html, show_style
from analysis.report.tables_shown import Column, table_html
from analysis.report.tiles_shown import Tile, kpi_tiles
from analysis.report.words import LANGUAGES
show_style()
kpis = pd.DataFrame({
    "metric": ["Retention rate <script>alert(1)</script>", "First response time, agent-handled tickets"],
    "unit": ["percent", "duration"], "value": [0.631, 6120.0], "low": [0.618, 5820.0],
    "high": [0.644, 6420.0], "n": [5214, 8431], "change": [0.012, -480.0],
    "change_unit": ["points", "duration"], "verdict": ["no_clear_change", "better"],
    "trend": [[0.60, 0.61, None, 0.631], [7000.0, 6600.0, 6500.0, 6120.0]],
})
columns = [
    Column("metric", {"en": "Metric", "zh": "指标"}),
    Column("value", {"en": "2026Q3", "zh": "2026Q3"}, unit_from="unit", strong=True),
    Column("low", {"en": "95% interval", "zh": "95% 区间"}, unit_from="unit", high="high"),
    Column("n", "n", unit="number"),
    Column("change", {"en": "On 2026Q2", "zh": "环比"}, unit_from="change_unit", verdict_from="verdict"),
    Column("trend", {"en": "Last 4 quarters", "zh": "近四个季度"}, unit_from="unit", shown_as="sparkline"),
]
shares = {f"q{k}": [0.9 - k / 20, 0.8 - k / 20] for k in range(12)}
matrix = pd.DataFrame({"cohort": ["2025Q1", "2025Q2"]} | shares)
for language in LANGUAGES:
    name = {"en": "Retention", "zh": "客户保留率"}[language]
    tile = Tile(name, "63.1%", "61.8–64.4%", [("+1.2 pp", "better")], [0.6, 0.631])
    display_html(kpi_tiles([tile] * 4, language), language)
    heading = {"en": "Scorecard", "zh": "计分卡"}
    display_html(table_html(kpis, columns, caption=heading, language=language, phone="cards"), language)
    quarters = [Column(key, key, unit="percent") for key in shares]
    columns_of_matrix = [Column("cohort", name), *quarters]
    display_html(table_html(matrix, columns_of_matrix, caption="Cohorts", language=language), language)
    with figure_style(language):
        figure, axes = plt.subplots()
        axes.plot(["2026Q1", "2026Q2", "2026Q3"], [0.60, 0.61, 0.631], label=name)
        label_lines(axes)
    display_figure(figure, language, "A line that rises from 60% to 63%.", title=name)
axes
"""


@pytest.fixture(scope="module")
def executed():
    """A notebook run by a real kernel: cells that work, then one that fails, then one that never runs."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    source = Path(pages.__file__).parents[2]
    demo = notebook(
        text_cell("## Scorecard", "lang-en"), text_cell("## 计分卡", "lang-zh"), new_code_cell(DEMO),
        text_cell("## More", "lang-en"), new_code_cell("1 / 0"), new_code_cell("figure"),
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch, pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        patch.setenv("PYTHONPATH", str(source))
        NotebookClient(demo, timeout=120, kernel_name="python3").execute()
    return demo


@pytest.mark.slow
@pytest.mark.parametrize("edition", ["manager", "analyst"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_executed_notebook_becomes_a_sound_page(executed, language, edition):
    page = render_page(executed, language=language, header=HEADER, edition=edition)
    assert check_page(page) == []
    read = BeautifulSoup(page, "html.parser")
    assert [len(read.main.find_all(name)) for name in ("table", "figure")] == [2, 1]
    assert read.figcaption.get_text() == {"en": "Retention", "zh": "客户保留率"}[language]
    assert len(read.select(".wb-is-gap")) == 1
    assert "ZeroDivisionError" not in page
    assert ("Axes" in read.main.get_text()) == (edition == "analyst")


@pytest.mark.slow
@pytest.mark.skipif(find_browser() is None, reason="no Chromium or Chrome on this machine")
@pytest.mark.parametrize("width_pixels", [390, 1280])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_sticks_out_of_the_page_at_phone_or_desk_width(executed, language, width_pixels, tmp_path):
    page = render_page(executed, language=language, header=HEADER)
    frame, flags = tmp_path / "frame.html", [*BROWSER_FLAGS, "--hide-scrollbars", "--window-size=1400,1000"]
    measure = "document.title = this.contentDocument.documentElement.scrollWidth + ' wide'"
    frame.write_text(
        f'<title></title><iframe style="border:0;width:{width_pixels}px;height:900px" onload="{measure}"'
        f' srcdoc="{markup.escape(page)}"></iframe>'
    )
    command = [
        find_browser(),
        *flags,
        f"--user-data-dir={tmp_path / 'profile'}",
        "--dump-dom",
        frame.as_uri(),
    ]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert f"<title>{width_pixels} wide</title>" in ran.stdout


def test_a_note_in_the_same_words_is_said_once_in_a_section():
    note, other = str(callout("Table Customers is not supplied.", "en")), str(callout("No rows.", "en"))
    notebook = new_notebook(
        cells=[
            text_cell("# Sales"), text_cell("## Channels"),
            *(code_cell("", shown({"text/html": html})) for html in (note, other, note)),
            text_cell("## Products"), code_cell("", shown({"text/html": note})),
        ]
    )  # fmt: skip
    page = BeautifulSoup(render_page(notebook, language="en", header=HEADER), "html.parser")
    said = [each.get_text(" ", strip=True) for each in page.select("h2[id], div.wb-callout")]
    missing = "Note Table Customers is not supplied."
    assert said == ["Channels", missing, "Note No rows.", "Products", missing]
