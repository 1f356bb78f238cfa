"""Editions of a whole run: the index of its pages, all pages in one file, and the same on paper."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from bs4 import BeautifulSoup, Tag
from markupsafe import Markup

from analysis.report.html import PageLink, Section, page_around
from analysis.report.tables_shown import badge, label

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-pdf-header-footer",
)  # fmt: skip
STATUS_BADGES = {
    "whole": ("good", "✓"), "gaps": ("care", "!"), "failed": ("bad", "✗"), "not_run": ("quiet", "–"),
    "withheld": ("quiet", "–"),
}  # fmt: skip
REFERRING = ("aria-labelledby", "aria-describedby", "for", "headers")


def index_page(pages: Sequence[PageLink], *, language: str, header: Mapping[str, Any]) -> str:
    """The list of a run's pages with the question each answers and whether it is complete.

    Parameters
    ----------
    header : mapping
        As in `html.render_page`; ``title`` is the report's, else a general one.
    """
    items = Markup("").join(_index_item(page, language) for page in pages)
    title = header.get("title") or label("report_title", language)
    return page_around(
        Markup('<ol class="wb-index">{}</ol>').format(items), title=title, language=language, header=header
    )


def _index_item(page: PageLink, language: str) -> Markup:
    link = Markup('<a href="{}">{}</a>').format(page.href, page.title) if page.href else page.title
    tone, sign = STATUS_BADGES[page.status]
    summary = Markup('<p class="wb-index-summary">{}</p>').format(page.summary) if page.summary else ""
    return Markup('<li><p class="wb-index-title">{}</p>{}{}</li>').format(
        link, badge(label(f"status_{page.status}", language), tone=tone, sign=sign), summary
    )


def single_file(
    pages: Mapping[str, BeautifulSoup],
    *,
    language: str,
    header: Mapping[str, Any],
    links: Sequence[PageLink] = (),
) -> str:
    """All pages of a run in one HTML document, under one masthead and one table of contents.

    Parameters
    ----------
    pages : mapping of str to BeautifulSoup
        Each finished page as ``read_page`` gives it, by its id, in order, all in the same language; taken apart.
    links : sequence of PageLink
        The run's pages; links among them become links within the file.

    Raises
    ------
    ValueError
        When a page has no content to take.
    """
    anchors = {link.href: f"#{link.page_id}" for link in links if link.href and link.page_id in pages}
    parts = {page_id: _part(page_id, page, anchors) for page_id, page in pages.items()}
    titles = {page_id: part.find("h2").get_text(" ", strip=True) for page_id, part in parts.items()}
    back = Markup('<p class="wb-back"><a href="#content">{}</a></p>').format(
        label("back_to_contents", language)
    )
    body = Markup("").join(
        Markup(str(part).removesuffix("</section>")) + back + Markup("</section>") for part in parts.values()
    )
    return page_around(
        body, title=header.get("title") or label("report_title", language), language=language, header=header,
        contents=[Section(page_id, title) for page_id, title in titles.items()], layout="whole",
    )  # fmt: skip


def _part(page_id: str, page: BeautifulSoup, anchors: Mapping[str, str]) -> Tag:
    """One page as a section: title an h2, headings one level down, ids under the page's own name."""
    content, title = page.find("main"), page.find("h1")
    if content is None or title is None:
        raise ValueError(
            f"Page {page_id} has no main element or no title; single_file takes finished pages only."
        )
    for heading in content.find_all(re.compile("^h[2-5]$")):
        heading.name = f"h{int(heading.name[1]) + 1}"
    _rename_ids(content, page_id, anchors)
    content.name, content.attrs = "div", {"class": "wb-part-body"}
    title.name = "h2"
    part = page.new_tag("section", id=page_id, attrs={"class": "wb-part"})
    part.extend([title.extract(), content.extract()])
    return part


def _rename_ids(content: Tag, page_id: str, anchors: Mapping[str, str]) -> None:
    for tag in content.find_all(id=True):
        tag["id"] = f"{page_id}--{tag['id']}"
    for name in REFERRING:
        for tag in content.find_all(attrs={name: True}):
            tag[name] = " ".join(f"{page_id}--{target}" for target in str(tag[name]).split())
    for link in content.find_all("a", href=True):
        link["href"] = _within_file(unquote(link["href"]), page_id, anchors)


def _within_file(address: str, page_id: str, anchors: Mapping[str, str]) -> str:
    """A link of a page as it reads in the one file: to the same page, to another one, or unchanged."""
    if address.startswith("#"):
        return f"#{page_id}--{address[1:]}"
    page, _, place = address.partition("#")
    if page not in anchors:
        return address
    return f"{anchors[page]}--{place}" if place else anchors[page]


def find_browser() -> str | None:
    """Path of a Chromium or Chrome on this machine, if there is one."""
    return next((path for path in map(shutil.which, BROWSERS) if path), None)


def pdf(html_path: Path, pdf_path: Path, *, timeout_seconds: float = 120) -> tuple[bool, str]:
    """Print a page to PDF through headless Chromium: whether it was done, and if not, why.

    The PDF is written aside and put in place only when whole. An absent or failing browser raises nothing:
    the PDF is an extra, and the reason is for the record.
    """
    reason = _reason_against(html_path)
    if reason:
        return False, reason
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "page.pdf"
        failure = _print_page(html_path, made, Path(folder) / "profile", timeout_seconds)
        if failure:
            return False, failure
        shutil.move(made, pdf_path)
    return True, ""


def _reason_against(html_path: Path) -> str:
    if not html_path.is_file():
        return f"There is no page {html_path} to print."
    if find_browser() is None:
        return f"No browser to print with was found; install one of {', '.join(BROWSERS)}."
    language = re.search(r'<html[^>]*\blang="(\w+)', html_path.read_text(encoding="utf-8")[:500])
    if language and language[1] == "zh" and not _has_chinese_font():
        return "No system font holds Chinese, so the PDF would show boxes; on Debian install fonts-noto-cjk."
    return ""


def _has_chinese_font() -> bool:
    """Whether the system's fonts hold Chinese; taken as given where there is no fontconfig to ask."""
    lister = shutil.which("fc-list")
    if lister is None:
        return True
    return bool(
        subprocess.run(
            [lister, ":lang=zh-cn", "family"], capture_output=True, text=True, check=False
        ).stdout.strip()
    )


def _print_page(html_path: Path, made: Path, profile: Path, timeout_seconds: float) -> str:
    """Run the browser; an empty text when the PDF is there, else what went wrong."""
    command = [
        str(find_browser()), *BROWSER_FLAGS, f"--user-data-dir={profile}", f"--print-to-pdf={made}",
        html_path.resolve().as_uri(),
    ]  # fmt: skip
    try:
        ran = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=timeout_seconds, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"The browser could not print the page: {error}"
    if made.is_file() and made.stat().st_size:
        return ""
    return f"The browser printed nothing (exit code {ran.returncode}): {ran.stderr.strip()[-300:]}"
