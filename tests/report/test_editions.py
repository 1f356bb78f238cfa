from __future__ import annotations

from dataclasses import replace

import pytest
from bs4 import BeautifulSoup
from markupsafe import Markup
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from analysis.report import editions, paper
from analysis.report.editions import BoundPage, write_editions
from analysis.report.explanations_shown import Explanation, how_computed
from analysis.report.html import PageBody, PageError, PageLink, page_around, page_body
from analysis.report.links import dead_links, definition_id, figure_id, to_definition, to_page
from analysis.report.page_checks import check_page, read_page

HEADER = {"company": "Harbour & Field", "period": "2026Q3", "run": "3f2a91c"}
LINKS = (
    PageLink("p01", "Scorecard", "p01.en.html", summary="How did we do?"),
    PageLink("p02", "Retention", "p02.en.html", status="gaps"),
    PageLink("p03", "Service <b>", "", status="failed"),
    PageLink("p04", "Bonus", "", status="withheld"),
)


def page(title: str, body: str) -> str:
    return page_around(Markup(body), title=title, language="en", header=HEADER, pages=LINKS)


@pytest.fixture
def whole():
    first = page(
        "Are they <staying>?",
        '<h2 id="a">A</h2><p><a href="p02.en.html#a">there</a> <a href="#a">here</a></p>',
    )
    second = page(
        "Why not?",
        '<h2 id="a">A</h2><h3>B</h3><p aria-labelledby="a">x <a href="p02.en.html">top</a></p>'
        '<p><a href="p01.zh.html">中文</a></p>',
    )
    pages = {"p01": read_page(first), "p02": read_page(second)}
    return editions.single_file(pages, language="en", header=HEADER, links=LINKS)


def test_the_index_lists_every_page_with_its_state():
    html = editions.index_page(LINKS, language="en", header=HEADER)
    lines = [
        line.get_text(" ", strip=True) for line in BeautifulSoup(html, "html.parser").select(".wb-index li")
    ]
    assert lines == [
        "Scorecard ✓ complete How did we do?",
        "Retention ! has gaps",
        "Service <b> ✗ failed",
        "Bonus – withheld",
    ]
    assert check_page(html) == []


def test_the_index_links_only_what_can_be_opened():
    read = BeautifulSoup(editions.index_page(LINKS, language="zh", header=HEADER), "html.parser")
    assert [link["href"] for link in read.select(".wb-index a")] == ["p01.en.html", "p02.en.html"]
    assert read.h1.get_text() == "客户分析报告"


def test_the_index_names_the_files_that_hold_the_whole_report():
    files = {"one_file": "../report-en.html", "on_paper": "../report-en.pdf"}
    html = editions.index_page(LINKS, language="en", header=HEADER, files=files)
    line = BeautifulSoup(html, "html.parser").select_one(".wb-files")
    assert line.get_text() == "The whole report: in one file · for printing (PDF)"
    assert [link["href"] for link in line.find_all("a")] == list(files.values())


def test_one_file_holds_all_pages_and_is_sound(whole):
    assert check_page(whole) == []
    read = BeautifulSoup(whole, "html.parser")
    assert [heading.get_text() for heading in read.find_all("h1")] == ["Customer report"]
    assert [section["id"] for section in read.select("section.wb-part")] == ["p01", "p02"]
    assert [heading.get_text() for heading in read.main.find_all("h2")] == ["Are they <staying>?", "Why not?"]
    assert len(read.find_all("style")) == 1 and len(read.find_all("main")) == 1


def test_headings_of_a_page_step_down_below_its_title(whole):
    second = BeautifulSoup(whole, "html.parser").find(id="p02")
    assert [heading.name for heading in second.find_all(["h2", "h3", "h4"])] == ["h2", "h3", "h4"]


def test_ids_stay_unique_and_references_follow(whole):
    read = BeautifulSoup(whole, "html.parser")
    assert read.find(id="p01--a") and read.find(id="p02--a")
    assert read.find(attrs={"aria-labelledby": True, "class": False})["aria-labelledby"] == "p02--a"


def test_links_between_pages_become_links_within_the_file(whole):
    body = BeautifulSoup(whole, "html.parser").main
    targets = [link["href"] for link in body.select(".wb-part-body a")]
    assert targets == ["#p02--a", "#p01--a", "#p02"]
    assert "中文" in body.get_text()  # the file is sent alone: what leads out of it is no link any more
    assert dead_links({"report-en.html": whole}) == []
    contents = BeautifulSoup(whole, "html.parser").select(".wb-rail a")
    assert [(link["href"], link.get_text()) for link in contents] == [
        ("#p01", "Are they <staying>?"), ("#p02", "Why not?"),
    ]  # fmt: skip


def test_only_finished_pages_are_bound_together():
    with pytest.raises(ValueError, match="p09"):
        editions.single_file({"p09": read_page("<p>draft</p>")}, language="en", header=HEADER)


# --- a whole run ----------------------------------------------------------------------------------


def bound(page_id: str, *cells: NotebookNode) -> BoundPage:
    title = new_markdown_cell(f"# {page_id.title()}")
    body = page_body(new_notebook(cells=[title, *cells]), language="en")
    links = {
        language: PageLink(page_id, f"{page_id.title()} {language}", f"{page_id}.html", "whole", "Why?")
        for language in ("en", "zh")
    }
    return BoundPage(page_id, f"notebooks/{page_id}.ipynb", links, {"en": body, "zh": body})


def code(source: str, html: str = "") -> NotebookNode:
    outputs = [new_output("display_data", {"text/html": html})] if html else []
    return new_code_cell(source, execution_count=1, outputs=outputs)


SOURCE = "results = measure_suite(open_book(params, period))"


@pytest.fixture
def run_of_three():
    fold = how_computed(
        [Explanation("CSAT 74%", formula="x", place=definition_id("csat"))], "en",
        see_also=[to_page(name, name, place, or_nothing=True) for name, place in
                  (("scorecard", figure_id("csat")), ("service", "content"), ("data_quality", definition_id("csat")))],
    )  # fmt: skip
    links = "".join(to_definition(name, name) for name in ("csat", "nps", "ces"))
    return [
        bound("scorecard", code(SOURCE), code("show()", f'<p id="{figure_id("csat")}">{links}</p>')),
        bound("service", code(SOURCE), new_markdown_cell("## Definitions"), code("show()", str(fold))),
        bound("data_quality", code("show()", f'<p id="{definition_id("nps")}">NPS</p>')),
    ]


HEADERS = {"en": HEADER, "zh": HEADER}


def test_a_run_is_written_in_every_edition_and_language(run_of_three, tmp_path):
    told = write_editions(tmp_path, run_of_three, HEADERS, has_pdf=False)
    names = {"scorecard.html", "service.html", "data_quality.html", "index.html"}
    for folder in ("en", "zh", "analyst/en", "analyst/zh"):
        assert {path.name for path in (tmp_path / folder).iterdir()} == names
    assert {path.name for path in tmp_path.iterdir()} == {
        "en",
        "zh",
        "analyst",
        "report-en.html",
        "report-zh.html",
    }
    assert told == {"pdf": "not asked for"}
    for path in tmp_path.rglob("*.html"):
        assert check_page(path.read_text(encoding="utf-8")) == [], path
    pages = {
        str(path.relative_to(tmp_path)): path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.html")
    }
    assert dead_links(pages) == []


def test_the_analyst_edition_is_the_manager_s_with_code_folded(run_of_three, tmp_path):
    write_editions(tmp_path, run_of_three, HEADERS, has_pdf=False)
    manager = (tmp_path / "en" / "service.html").read_text(encoding="utf-8")
    analyst = (tmp_path / "analyst" / "en" / "service.html").read_text(encoding="utf-8")
    assert "measure_suite" not in manager and "wb-code" not in read_page(manager).main.decode()
    folds = read_page(analyst).select("details.wb-code")
    assert [fold.pre.get_text().strip() for fold in folds] == [SOURCE, "show()"]
    assert not any(fold.has_attr("open") for fold in folds)
    assert "notebooks/service.ipynb" in read_page(analyst).get_text() and "notebooks/" not in manager
    assert "<!--" not in manager.partition("<body")[2] and "<!--" not in analyst.partition("<body")[2]
    without_code = read_page(analyst).main
    for fold in without_code.select(".wb-code"):
        fold.decompose()
    assert without_code.get_text(" ", strip=True) == read_page(manager).main.get_text(" ", strip=True)


def test_without_an_analyst_edition_nothing_leads_to_one(run_of_three, tmp_path):
    write_editions(tmp_path, run_of_three, HEADERS, has_analyst_edition=False, has_pdf=False)
    assert not (tmp_path / "analyst").exists()
    assert all("analyst/" not in path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.html"))


@pytest.mark.parametrize(
    ("path", "other_edition", "other_language"),
    [
        ("en/service.html", "../analyst/en/service.html", "../zh/service.html"),
        ("analyst/en/service.html", "../../en/service.html", "../zh/service.html"),
        ("en/index.html", "../analyst/en/index.html", "../zh/index.html"),
        ("analyst/en/index.html", "../../en/index.html", "../zh/index.html"),
    ],
)
def test_a_page_leads_to_itself_in_the_other_edition_and_language(
    run_of_three, tmp_path, path, other_edition, other_language
):
    write_editions(tmp_path, run_of_three, HEADERS, has_pdf=False)
    page = read_page((tmp_path / path).read_text(encoding="utf-8"))
    assert page.select_one(".wb-editions a")["href"] == other_edition
    language = page.select_one(".wb-languages a")
    assert (language["href"], language["lang"], language["hreflang"]) == (
        other_language,
        "zh-Hans",
        "zh-Hans",
    )


def test_figures_lead_to_definitions_across_pages_and_within_the_one_file(run_of_three, tmp_path):
    write_editions(tmp_path, run_of_three, HEADERS, has_pdf=False)
    page = read_page((tmp_path / "en" / "scorecard.html").read_text(encoding="utf-8"))
    links = {link.get_text(): link["href"] for link in page.select("a.wb-kpi")}
    assert links == {"csat": "service.html#definition-csat", "nps": "data_quality.html#definition-nps"}
    assert "ces" in page.main.get_text()  # nobody defines it here: its name is no link
    whole = read_page((tmp_path / "report-en.html").read_text(encoding="utf-8"))
    assert [link["href"] for link in whole.select("a.wb-kpi")] == [
        "#service--definition-csat", "#data_quality--definition-nps",
    ]  # fmt: skip
    assert whole.find(id="service--definition-csat").find_parent("details")  # which opens for who jumps there


def test_a_definition_leads_back_to_the_figure_and_nowhere_in_vain(run_of_three, tmp_path):
    write_editions(tmp_path, run_of_three, HEADERS, has_pdf=False)
    page = read_page((tmp_path / "en" / "service.html").read_text(encoding="utf-8"))
    # Not to the page itself, nor to definitions of all metrics where this one is not among them.
    assert [link["href"] for link in page.select(".wb-see-also a")] == ["scorecard.html#figure-csat"]


def test_pages_are_turned_one_by_one(run_of_three, tmp_path):
    write_editions(tmp_path, run_of_three, HEADERS, has_pdf=False)
    turned = {
        name: [(link["rel"], link["href"]) for link in
               read_page((tmp_path / "en" / f"{name}.html").read_text(encoding="utf-8")).select(".wb-turn a")]
        for name in ("scorecard", "service", "data_quality")
    }  # fmt: skip
    assert turned == {
        "scorecard": [(["next"], "service.html")],
        "service": [(["prev"], "scorecard.html"), (["next"], "data_quality.html")],
        "data_quality": [(["prev"], "service.html")],
    }


def test_a_run_with_a_defect_is_not_written(run_of_three, tmp_path):
    broken = replace(run_of_three[1].bodies["zh"], html=Markup("<h4>deep</h4>"))
    pages = [run_of_three[0], replace(run_of_three[1], bodies={**run_of_three[1].bodies, "zh": broken})]
    with pytest.raises(
        PageError, match="zh/service.html is not fit to be sent: A heading h4 follows one of level 1"
    ):
        write_editions(tmp_path, pages, HEADERS, has_pdf=False)
    assert list(tmp_path.iterdir()) == []


def test_a_link_that_leads_nowhere_stops_the_run(run_of_three, tmp_path, monkeypatch):
    monkeypatch.setattr(editions, "resolve", lambda body, *_: body)
    with pytest.raises(PageError, match="nowhere|not on the page"):
        write_editions(tmp_path, run_of_three, HEADERS, has_pdf=False)


def test_a_file_too_heavy_to_be_mailed_stops_the_run(run_of_three, tmp_path, monkeypatch):
    monkeypatch.setattr(editions, "ONE_FILE_BYTES_LIMIT", 20_000)
    with pytest.raises(PageError, match=r"report-en.html: The page has 0.0 MB"):
        write_editions(tmp_path, run_of_three, HEADERS, has_pdf=False)


def test_a_run_without_a_browser_says_so_and_goes_on(run_of_three, tmp_path, monkeypatch):
    monkeypatch.setattr(paper, "find_browser", lambda: None)
    told = write_editions(tmp_path, run_of_three, HEADERS)
    assert not told["pdf"]["en"]["made"] and "chromium" in told["pdf"]["zh"]["reason"]
    assert not list(tmp_path.glob("*.pdf")) and (tmp_path / "en" / "index.html").is_file()
    assert "PDF" not in (tmp_path / "en" / "index.html").read_text(encoding="utf-8")


def test_a_run_names_its_pdf_once_it_is_made(run_of_three, tmp_path, monkeypatch):
    def printed(self, html, pdf_path):
        pdf_path.write_bytes(b"%PDF-")
        return {"made": True, "seconds": 0.1, "bytes": 5}

    monkeypatch.setattr(paper.Printer, "print_html", printed)
    told = write_editions(tmp_path, run_of_three, HEADERS)
    assert told["pdf"]["en"] == {"made": True, "seconds": 0.1, "bytes": 5}
    for path, address in {"en": "../report-en.pdf", "analyst/zh": "../../report-zh.pdf"}.items():
        index = read_page((tmp_path / path / "index.html").read_text(encoding="utf-8"))
        assert index.select(".wb-files a")[1]["href"] == address


def test_a_body_without_any_page_is_the_same_in_both_editions():
    body = PageBody(Markup("<p>x</p>"), "T")
    assert body.of("manager") == body.of("analyst") == "<p>x</p>"
