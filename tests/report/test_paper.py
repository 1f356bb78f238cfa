from __future__ import annotations

import stat
import subprocess
import threading
import time
from datetime import date

import pytest
from bs4 import BeautifulSoup
from markupsafe import Markup

from analysis.report import paper
from analysis.report.editions import bind
from analysis.report.explanations_shown import Explanation, how_computed
from analysis.report.html import PageLink, page_around
from analysis.report.links import dead_links, definition_id, to_definition
from analysis.report.page_checks import check_page, read_page
from analysis.report.paper import Printer, paper_file

HEADER = {
    "company": 'A "quoted" \\ <Company> 公司', "period": "2026Q3", "run": "3f2a91c",
    "data_window": (date(2026, 7, 1), date(2026, 9, 30)),
}  # fmt: skip
LINKS = (
    PageLink("service", "Service", "service.html", summary="How fast?"),
    PageLink("data_quality", "Definitions", "data_quality.html", summary="What does it mean?"),
    PageLink("other", "Not in this run", "other.html"),
)
has_browser = pytest.mark.skipif(paper.find_browser() is None, reason="no Chromium or Chrome on this machine")


def page(title: str, body: str, language: str = "en") -> str:
    return page_around(Markup(body), title=title, language=language, header=HEADER, pages=LINKS)


@pytest.fixture
def printed():
    fold = how_computed([Explanation("CSAT", sql="select 1", place=definition_id("csat"))], "en")
    picture = '<picture><source srcset="data:,a"><img alt="x" src="data:,b"></picture>'
    first = f'<p>{to_definition("csat", "CSAT")}</p>{picture}<div class="wb-definition"><p>CSAT means</p>{fold}</div>'
    chapter = '<details class="wb-fold wb-chapter"><summary>Family</summary><p>every one</p></details>'
    pages = {"service": read_page(page("Service", first)), "data_quality": read_page(page("All", chapter))}
    return paper_file(bind(pages, LINKS), language="en", header=HEADER, links=LINKS)


# --- what is printed ------------------------------------------------------------------------------


def test_a_cover_lists_the_pages_of_the_run_with_their_questions(printed):
    read = BeautifulSoup(printed, "html.parser")
    entries = [entry.get_text(" ", strip=True) for entry in read.select(".wb-cover-contents li")]
    assert entries == ["Service How fast?", "Definitions What does it mean?"]
    assert read.h1.get_text() == "Customer report"
    assert "How to read the signs" in read.select_one(".wb-legend").get_text()
    assert check_page(printed) == [] and dead_links({"paper.html": printed}) == []


def test_nothing_on_paper_waits_to_be_unfolded_and_definitions_keep_their_place(printed):
    read = BeautifulSoup(printed, "html.parser")
    assert read.details is None and "select 1" not in printed and read.source is None
    assert "every one" in read.get_text()
    place = read.find(id=f"service--{definition_id('csat')}")
    assert place.parent["class"] == ["wb-definition"] and place.parent.get_text() == "CSAT means"


def test_the_foot_of_a_sheet_holds_the_company_whatever_its_name(printed):
    style = BeautifulSoup(printed, "html.parser").style.get_text()
    # Every sign but letters and digits is written as its number, so that none can end the text or the style.
    assert 'content: "A \\22 quoted\\22  \\5c  \\3c Company\\3e  \\516c \\53f8  \\b7  2026Q3"' in style


# --- the printer ----------------------------------------------------------------------------------


def test_without_a_browser_there_is_no_pdf_but_a_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(paper.shutil, "which", lambda name: None)
    told = Printer().print_html(page("T", "<p>x</p>"), tmp_path / "page.pdf")
    assert not told["made"] and "chromium" in told["reason"]
    assert not (tmp_path / "page.pdf").exists()


def test_a_chinese_page_is_not_printed_in_boxes(tmp_path, monkeypatch):
    monkeypatch.setattr(paper, "find_browser", lambda: "/bin/false")
    monkeypatch.setattr(paper, "_has_chinese_font", lambda: False)
    told = Printer().print_html(page("题", "<p>中</p>", "zh"), tmp_path / "page.pdf")
    assert not told["made"] and "fonts-noto-cjk" in told["reason"]


def browser_that(does: str, tmp_path, monkeypatch) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f"#!/bin/sh\n{does}\n")
    browser.chmod(browser.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(paper, "find_browser", lambda: str(browser))


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("echo no display >&2; exit 3", "The browser printed nothing (exit code 3): no display"),
        ("sleep 9", "The browser had not printed the page after 0.5 seconds."),
    ],
)
def test_a_browser_that_fails_or_hangs_leaves_a_reason(tmp_path, monkeypatch, does, said):
    browser_that(does, tmp_path, monkeypatch)
    told = Printer(timeout_seconds=0.5).print_html(page("T", "<p>x</p>"), tmp_path / "page.pdf")
    assert told == {"made": False, "reason": said}


def test_a_browser_that_cannot_be_started_leaves_a_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(paper, "find_browser", lambda: str(tmp_path / "gone"))
    told = Printer().print_html(page("T", "<p>x</p>"), tmp_path / "page.pdf")
    assert not told["made"] and "could not be started" in told["reason"]


def test_a_folder_that_takes_no_file_leaves_a_reason(tmp_path, monkeypatch):
    browser_that(
        'for a; do case $a in --print-to-pdf=*) echo PDF > "${a#*=}";; esac; done', tmp_path, monkeypatch
    )
    assert Printer().print_html(page("T", "<p>x</p>"), tmp_path / "page.pdf")["made"]
    told = Printer().print_html(page("T", "<p>x</p>"), tmp_path / "no such folder" / "page.pdf")
    assert not told["made"] and "could not be written" in told["reason"]


def test_an_interrupted_run_does_not_wait_for_its_browsers(tmp_path, monkeypatch):
    browser_that(f"touch {tmp_path}/begun; sleep 600", tmp_path, monkeypatch)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt), Printer() as printer:
        printing = printer.submit(page("T", "<p>x</p>"), tmp_path / "page.pdf")
        while not (tmp_path / "begun").exists():
            assert time.monotonic() - began < 100
            threading.Event().wait(0.02)
        raise KeyboardInterrupt
    assert time.monotonic() - began < 300  # the browser would take ten minutes
    assert not printing.result(0)["made"]


@pytest.mark.slow
@has_browser
def test_a_report_prints_with_title_outline_numbers_and_every_page_on_a_new_sheet(tmp_path, printed):
    told = Printer().print_html(printed, tmp_path / "page one.pdf")  # a blank in the name must not matter
    assert told["made"], told
    content = (tmp_path / "page one.pdf").read_bytes()
    assert content.startswith(b"%PDF-") and told["bytes"] == len(content)
    assert (
        content.count(b"/Type /Page\n") == 3
    )  # the cover, and each page of the report on a sheet of its own
    assert (
        b"/Type /Outlines" in content and b"/MarkInfo" in content
    )  # a table of contents, and tags for who hears it


@pytest.mark.slow
@has_browser
@pytest.mark.skipif(
    paper.shutil.which("pdftotext") is None, reason="no pdftotext (poppler-utils) on this machine"
)
def test_sheets_are_numbered_and_no_heading_stands_alone_at_the_foot(tmp_path):
    parts = "".join(
        f"<div class='wb-prose'><h2>Heading {n}</h2><p>Words of {n}. {'More words. ' * (n % 7) * 9}</p></div>"
        f"<div class='wb-table'><table><caption>Table {n}</caption><thead><tr><th scope='col'>Head</th></tr></thead>"
        f"<tbody>{''.join(f'<tr><td>row {row} of {n}</td></tr>' for row in range(n % 9 + 2))}</tbody></table></div>"
        for n in range(40)
    )  # fmt: skip
    pages = {"service": read_page(page("Service", parts))}
    html = paper_file(bind(pages, LINKS), language="en", header=HEADER, links=LINKS)
    assert Printer().print_html(html, tmp_path / "long.pdf")["made"]
    command = ["pdftotext", "-layout", tmp_path / "long.pdf", "-"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    sheets = [
        [line.strip() for line in sheet.splitlines() if line.strip()] for sheet in text.split("\f")[:-1]
    ]
    assert len(sheets) > 6
    for number, sheet in enumerate(sheets, start=1):
        assert sheet[-1].endswith(f"{number} / {len(sheets)}") and "2026Q3" in sheet[-1]
        last = sheet[-2]
        assert not last.startswith(("Heading", "Table", "Head")), (number, last)
        assert number == 1 or not last.startswith("row 0 of"), (number, last)  # no first row alone
