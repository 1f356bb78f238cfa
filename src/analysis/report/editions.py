"""The editions of a whole run: its pages for managers and for analysts, their index, all in one file, on paper."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from bs4 import BeautifulSoup, Tag
from markupsafe import Markup

from analysis.report.html import Edition, PageBody, PageError, PageLink, Section, page_around, page_of
from analysis.report.links import TOP, dead_links, resolve
from analysis.report.page_checks import PAGE_BYTES_LIMIT, check_page, check_size, read_page
from analysis.report.paper import BROWSER_FLAGS, Printer, find_browser, paper_file
from analysis.report.verdicts_shown import badge
from analysis.report.words import label

__all__ = [
    "BROWSER_FLAGS", "BoundPage", "bind", "find_browser", "index_page", "single_file", "write_editions",
]  # fmt: skip

ONE_FILE_BYTES_LIMIT = 12_000_000
STATUS_BADGES = {
    "whole": ("good", "✓"), "gaps": ("care", "!"), "failed": ("bad", "✗"), "not_run": ("quiet", "–"),
    "withheld": ("quiet", "–"),
}  # fmt: skip
REFERRING = ("aria-labelledby", "aria-describedby", "for", "headers")


# --- a whole run ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class BoundPage:
    """One page of a run: what it says, and how it is named in navigation, by language.

    Attributes
    ----------
    notebook : str
        Path of its executed notebook in the run's folder.
    """

    page_id: str
    notebook: str
    links: Mapping[str, PageLink]
    bodies: Mapping[str, PageBody]


def write_editions(
    folder: Path,
    pages: Sequence[BoundPage],
    headers: Mapping[str, Mapping[str, Any]],
    *,
    has_analyst_edition: bool = True,
    has_pdf: bool = True,
) -> dict[str, Any]:
    """Write every edition of a run into its folder; nothing but the PDFs, if any page is not fit to be sent.

    The manager edition in ``<language>/``, the analyst edition in ``analyst/<language>/``, each with an index;
    ``report-<language>.html`` and, where a browser can print it, ``report-<language>.pdf``.

    Parameters
    ----------
    headers
        What stands at the head of every page, by language; see `html.render_page`.

    Returns
    -------
    dict
        For the run's record: under ``pdf`` by language whether it was made, in which time, or why not.

    Raises
    ------
    PageError
        When a page has a defect or a link leads nowhere; the message lists them.
    """
    editions: tuple[Edition, ...] = ("manager", "analyst") if has_analyst_edition else ("manager",)
    written: dict[str, str] = {}
    printing: dict[str, Future[dict[str, Any]]] = {}
    with Printer() if has_pdf else nullcontext() as printer:
        for language, header in headers.items():
            links = [page.links[language] for page in pages]
            resolved = _resolved(pages, language)
            for edition in editions:
                written |= _edition(
                    pages, resolved, headers, language=language, edition=edition, editions=editions
                )
            parts = bind(
                {page.page_id: _sound(written, f"{language}/{page.links[language].href}") for page in pages},
                links,
            )
            written[f"report-{language}.html"] = one_file(parts, language=language, header=header)
            if printer is not None:
                on_paper = paper_file(parts, language=language, header=header, links=links)
                printing[language] = printer.submit(on_paper, folder / f"report-{language}.pdf")
        printed = {language: future.result() for language, future in printing.items()}
    for edition in editions:
        written |= _indexes(pages, headers, edition=edition, editions=editions, printed=printed)
    _check_all(written, [f"report-{language}.pdf" for language, told in printed.items() if told["made"]])
    for path, html in written.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(html, encoding="utf-8")
    return {"pdf": printed if has_pdf else "not asked for"}


def _resolved(pages: Sequence[BoundPage], language: str) -> dict[str, PageBody]:
    """The bodies of all pages in one language, their links leading to where the run holds what they name."""
    bodies = {page.page_id: page.bodies[language] for page in pages}
    ids = {page_id: body.ids for page_id, body in bodies.items()}
    addresses = {page.page_id: page.links[language].href for page in pages}
    return {
        page_id: replace(body, html=resolve(body.html, page_id, ids, addresses))
        for page_id, body in bodies.items()
    }


def _edition(
    pages: Sequence[BoundPage],
    bodies: Mapping[str, PageBody],
    headers: Mapping[str, Mapping[str, Any]],
    *,
    language: str,
    edition: Edition,
    editions: Sequence[Edition],
) -> dict[str, str]:
    """The finished pages of one edition in one language, by path in the run's folder."""
    links = [page.links[language] for page in pages]
    return {
        f"{_folder_of(edition)}{language}/{link.href}": page_of(
            bodies[page.page_id], language=language, edition=edition, pages=links, page_id=page.page_id,
            header={
                **headers[language], **_elsewhere(link.href, headers, language, edition, editions),
                "title": link.title, "notebook": page.notebook,
            },
        )
        for page, link in zip(pages, links, strict=True)
    }  # fmt: skip


def _indexes(
    pages: Sequence[BoundPage],
    headers: Mapping[str, Mapping[str, Any]],
    *,
    edition: Edition,
    editions: Sequence[Edition],
    printed: Mapping[str, Mapping[str, Any]],
) -> dict[str, str]:
    """The list of pages of one edition in every language, by path in the run's folder."""
    up = "../" if edition == "manager" else "../../"
    made = {}
    for language, header in headers.items():
        files = {"one_file": f"{up}report-{language}.html"}
        if printed.get(language, {}).get("made"):
            files["on_paper"] = f"{up}report-{language}.pdf"
        made[f"{_folder_of(edition)}{language}/index.html"] = index_page(
            [page.links[language] for page in pages], language=language, edition=edition, files=files,
            header={**header, **_elsewhere("index.html", headers, language, edition, editions)},
        )  # fmt: skip
    return made


def _folder_of(edition: Edition) -> str:
    return "analyst/" if edition == "analyst" else ""


def _elsewhere(
    href: str, languages: Mapping[str, Any], language: str, edition: Edition, editions: Sequence[Edition]
) -> dict[str, Any]:
    """The addresses of a page in the other languages and in the other edition."""
    others = {other: f"../{other}/{href}" for other in languages if other != language}
    back = f"../../{language}/{href}" if edition == "analyst" else f"../analyst/{language}/{href}"
    return {"languages": others, "other_edition": back if len(editions) > 1 else ""}


def _sound(written: Mapping[str, str], path: str) -> BeautifulSoup:
    """A finished page as read; refused if anything is wrong with it."""
    read = read_page(written[path])
    if problems := check_page(written[path], read=read):
        raise PageError(f"{path} is not fit to be sent: " + "; ".join(problems))
    return read


def _check_all(written: Mapping[str, str], files: Collection[str]) -> None:
    """Refuse a run with a link that leads nowhere or a file too heavy.

    The analyst edition needs no other check: its bodies were looked through when they were made, and what stands
    around them is that of the manager edition.
    """
    problems = dead_links(written, files)
    for path, html in written.items():
        limit = ONE_FILE_BYTES_LIMIT if path.startswith("report-") else PAGE_BYTES_LIMIT
        problems += [f"{path}: {problem}" for problem in check_size(html, limit)]
    if problems:
        raise PageError("The report is not fit to be sent: " + " ".join(problems[:10]))


# --- the index ------------------------------------------------------------------------------------


def index_page(
    pages: Sequence[PageLink],
    *,
    language: str,
    header: Mapping[str, Any],
    edition: Edition = "manager",
    files: Mapping[str, str] | None = None,
) -> str:
    """The list of a run's pages with the question each answers and whether it is complete.

    Parameters
    ----------
    header : mapping
        As in `html.render_page`; ``title`` is the report's, else a general one.
    files : mapping of str to str
        Addresses of the whole report, by what it is there: ``one_file``, ``on_paper``.
    """
    items = Markup("").join(_index_item(page, language) for page in pages)
    body = Markup('<ol class="wb-index">{}</ol>').format(items) + _file_line(files or {}, language)
    title = header.get("title") or label("report_title", language)
    return page_around(body, title=title, language=language, header=header, edition=edition)


def _file_line(files: Mapping[str, str], language: str) -> Markup:
    if not files:
        return Markup("")
    links = (
        Markup('<a href="{}">{}</a>').format(href, label(name, language)) for name, href in files.items()
    )
    return Markup('<p class="wb-files">{} {}</p>').format(
        label("whole_report", language), Markup(" · ").join(links)
    )


def _index_item(page: PageLink, language: str) -> Markup:
    link = Markup('<a href="{}">{}</a>').format(page.href, page.title) if page.href else page.title
    tone, sign = STATUS_BADGES[page.status]
    summary = Markup('<p class="wb-index-summary">{}</p>').format(page.summary) if page.summary else ""
    return Markup('<li><p class="wb-index-title">{}</p>{}{}</li>').format(
        link, badge(label(f"status_{page.status}", language), tone=tone, sign=sign), summary
    )


# --- all pages in one file ------------------------------------------------------------------------


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
        The run's pages; links among them become links within the file, others are taken off: it is sent alone.

    Raises
    ------
    ValueError
        When a page has no content to take.
    """
    return one_file(bind(pages, links), language=language, header=header)


def bind(pages: Mapping[str, BeautifulSoup], links: Sequence[PageLink] = ()) -> dict[str, Tag]:
    """Every page as a section of one document; see `single_file`."""
    anchors = {link.href: f"#{link.page_id}" for link in links if link.href and link.page_id in pages}
    return {page_id: _part(page_id, page, anchors) for page_id, page in pages.items()}


def one_file(parts: Mapping[str, Tag], *, language: str, header: Mapping[str, Any]) -> str:
    """One HTML document of parts that `bind` has made; they are not changed."""
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
    for heading in content.find_all(["h2", "h3", "h4", "h5"]):
        heading.name = f"h{int(heading.name[1]) + 1}"
    _rename_ids(content, page_id, anchors)
    content.name, content.attrs = "div", {"class": "wb-part-body"}
    title.name = "h2"
    part = page.new_tag("section", id=page_id, attrs={"class": "wb-part"})
    part.extend([title.extract(), content.extract()])
    return part


def _rename_ids(content: Tag, page_id: str, anchors: Mapping[str, str]) -> None:
    for tag in content.find_all(True):
        if "id" in tag.attrs:
            tag["id"] = f"{page_id}--{tag['id']}"
        for name in REFERRING:
            if name in tag.attrs:
                tag[name] = " ".join(f"{page_id}--{target}" for target in str(tag[name]).split())
    for link in content.find_all("a", href=True):
        within = _within_file(unquote(link["href"]), page_id, anchors)
        if within is None:
            link.unwrap()
        else:
            link["href"] = within


def _within_file(address: str, page_id: str, anchors: Mapping[str, str]) -> str | None:
    """A link of a page as it reads in the one file: to the same page or to another one; None for elsewhere."""
    if address == f"#{TOP}":
        return f"#{page_id}"
    if address.startswith("#"):
        return f"#{page_id}--{address[1:]}"
    page, _, place = address.partition("#")
    if page not in anchors:
        return None
    return f"{anchors[page]}--{place}" if place else anchors[page]
