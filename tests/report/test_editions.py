from __future__ import annotations

import re
import stat

import pytest
from bs4 import BeautifulSoup
from markupsafe import Markup

from analysis.report import editions
from analysis.report.html import PageLink, check_page, page_around, read_page

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
    assert targets == ["#p02--a", "#p01--a", "#p02", "p01.zh.html"]
    contents = BeautifulSoup(whole, "html.parser").select(".wb-rail a")
    assert [(link["href"], link.get_text()) for link in contents] == [
        ("#p01", "Are they <staying>?"), ("#p02", "Why not?"),
    ]  # fmt: skip


def test_only_finished_pages_are_bound_together():
    with pytest.raises(ValueError, match="p09"):
        editions.single_file({"p09": read_page("<p>draft</p>")}, language="en", header=HEADER)


def test_without_a_browser_there_is_no_pdf_but_a_reason(tmp_path, monkeypatch):
    source = tmp_path / "page.html"
    source.write_text(page("T", "<p>x</p>"), encoding="utf-8")
    monkeypatch.setattr(editions.shutil, "which", lambda name: None)
    made, reason = editions.pdf(source, tmp_path / "page.pdf")
    assert not made and "chromium" in reason
    assert not (tmp_path / "page.pdf").exists()


def test_a_page_that_is_not_there_is_named(tmp_path):
    assert editions.pdf(tmp_path / "none.html", tmp_path / "x.pdf") == (
        False,
        f"There is no page {tmp_path / 'none.html'} to print.",
    )


def test_a_chinese_page_is_not_printed_in_boxes(tmp_path, monkeypatch):
    source = tmp_path / "page.html"
    source.write_text(
        page_around(Markup("<p>中</p>"), title="题", language="zh", header=HEADER), encoding="utf-8"
    )
    monkeypatch.setattr(editions, "find_browser", lambda: "/bin/false")
    monkeypatch.setattr(editions, "_has_chinese_font", lambda: False)
    made, reason = editions.pdf(source, tmp_path / "page.pdf")
    assert not made and "fonts-noto-cjk" in reason


@pytest.mark.parametrize(
    ("script", "said"), [("echo no display >&2; exit 3", "exit code 3.*no display"), ("sleep 9", "timed out")]
)
def test_a_browser_that_fails_or_hangs_leaves_a_reason(tmp_path, monkeypatch, script, said):
    source, browser = tmp_path / "page.html", tmp_path / "browser"
    source.write_text(page("T", "<p>x</p>"), encoding="utf-8")
    browser.write_text(f"#!/bin/sh\n{script}\n")
    browser.chmod(browser.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(editions, "find_browser", lambda: str(browser))
    made, reason = editions.pdf(source, tmp_path / "page.pdf", timeout_seconds=0.5)
    assert not made
    assert re.search(said, reason), reason


@pytest.mark.slow
@pytest.mark.skipif(editions.find_browser() is None, reason="no Chromium or Chrome on this machine")
def test_a_page_prints_to_pdf(tmp_path, whole):
    source = tmp_path / "page one.html"  # a blank in the name must not matter
    source.write_text(whole, encoding="utf-8")
    made, reason = editions.pdf(source, tmp_path / "page.pdf")
    assert (made, reason) == (True, "")
    printed = (tmp_path / "page.pdf").read_bytes()
    assert printed.startswith(b"%PDF-")
    assert printed.count(b"/Type /Page\n") == 2  # each page of the report starts a new sheet
