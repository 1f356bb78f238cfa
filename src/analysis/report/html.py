"""From an executed notebook to a finished page: one language, no code or complaint left in, nothing fetched.

The notebook's cells are chosen first, then exported by nbconvert with the template beside this module, then
set into the page around them. `page_checks.check_page` reads a finished page and lists what is wrong with it.
"""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import jinja2
import mistune
from bs4 import BeautifulSoup, NavigableString, Tag
from markupsafe import Markup
from nbconvert.exporters import HTMLExporter, TemplateExporter
from nbconvert.filters import Highlight2HTML
from nbconvert.filters.markdown_mistune import IPythonRenderer
from nbconvert.preprocessors import HighlightMagicsPreprocessor
from nbformat import NotebookNode
from nbformat.v4 import new_output

from analysis.report.display import PHONE_PNG, stylesheet
from analysis.report.figures.style import INKS, PALETTE, SHARPNESS
from analysis.report.links import TOP, resolve
from analysis.report.numbers_shown import MONTHS, format_date, format_date_range
from analysis.report.page_checks import (
    EXTERNAL,
    PAGE_BYTES_LIMIT,
    check_isolation,
    check_size,
)
from analysis.report.remarks_shown import callout
from analysis.report.verdicts_shown import verdict_badge
from analysis.report.words import label

Edition = Literal["manager", "analyst"]
FRAME_BYTES = 100_000
"""More than style, masthead and navigation of a page weigh: the rest of the limit is its body's."""
HTML_LANGUAGES = {"en": "en", "zh": "zh-Hans"}
STATES = ("partial", "unreconciled")
LEGEND = ("better", "worse", "no_clear_change", "hit", "miss", "undetermined")
MARKDOWN_PLUGINS = ("strikethrough", "table", "def_list")
_FOR_ANALYSTS = re.compile(r"<!--(analyst|analyst-cell)-->.*?<!--/\1-->", re.DOTALL)
_MARKS = re.compile(r"<!--/?analyst(?:-cell)?-->")
_BREAKABLE = re.compile(
    r"(?<=\d) (?=(?:h|min|s|pp|days?)\b)|(?<=\d[\s\xa0]h) (?=\d)|(?<=\d[\s\xa0]min) (?=\d)"
    r"|(?<=\bn) (?==)|(?<=\bn[\s\xa0]=) (?=\d)"
    rf"|(?<=\d) (?=(?:{'|'.join(MONTHS)})\b)|(?<=\b(?:{'|'.join(MONTHS)})) (?=\d{{4}}\b)"
)


class PageError(ValueError):
    """A notebook cannot become a page; the message names the cell and says what to mend."""


@dataclass(frozen=True)
class PageLink:
    """One page of a run, as the navigation and the index name it.

    Attributes
    ----------
    page_id, title : str
        The title in the language of the page that shows the link.
    href : str
        Relative address; empty where there is nothing to open.
    status : str
        ``whole``, ``gaps``, ``failed``, ``not_run`` or ``withheld``.
    summary : str
        The question the page answers, for the index.
    """

    page_id: str
    title: str
    href: str = ""
    status: str = "whole"
    summary: str = ""


@dataclass(frozen=True)
class Section:
    """A heading in a page's table of contents, with those below it."""

    id: str
    text: str
    below: list[Section] = field(default_factory=list)


@dataclass(frozen=True)
class PageBody:
    """What stands inside a page, for both editions: what only analysts get is marked in its markup.

    Attributes
    ----------
    title : str, optional
        The notebook's first heading, taken out of the markup.
    contents : list of Section
        Its table of contents.
    ids : frozenset of str
        Every id on the page, for links to lead to.
    """

    html: Markup
    title: str | None
    contents: list[Section] = field(default_factory=list)
    ids: frozenset[str] = frozenset()

    def of(self, edition: Edition) -> Markup:
        """The markup of one edition."""
        return Markup((_MARKS if edition == "analyst" else _FOR_ANALYSTS).sub("", self.html))


def render_page(
    notebook: NotebookNode,
    *,
    language: str,
    header: Mapping[str, Any],
    edition: Edition = "manager",
    pages: Sequence[PageLink] = (),
    page_id: str | None = None,
) -> str:
    """The finished HTML of one page in one language, standing alone: links to other pages' contents are taken off.

    Parameters
    ----------
    notebook : NotebookNode
        Executed, whole or stopped by an error; it is not changed.
    header : mapping
        ``company``, ``period`` (text), ``data_window`` (text, or first and last day), ``run`` (hash), and
        where wanted ``compared_with`` (text or days), ``made_on`` (day), ``languages`` (address of this page
        in the other languages), ``other_edition`` (address of this page in the other edition), ``notebook`` (path of
        the executed notebook, named in the analyst edition), ``title`` (where the notebook has no heading of its
        own), ``status`` (``partial``, ``unreconciled`` or both) and ``status_items`` (for each of these a list of
        what is missing or does not add up).
    edition : str
        ``manager`` without code, ``analyst`` with each cell's code folded away.
    pages : sequence of PageLink
        Pages of the run, in order; `page_id` is the current one.

    Raises
    ------
    PageError
        When a figure or picture has no alternative text, or the page has no title.
    """
    body, name = page_body(notebook, language=language), page_id or "page"
    alone = replace(body, html=resolve(body.html, name, {name: body.ids}, {name: ""}))
    return page_of(alone, language=language, header=header, edition=edition, pages=pages, page_id=page_id)


def page_body(notebook: NotebookNode, *, language: str) -> PageBody:
    """What a notebook says, in one language: what can be made of a page before the run's others are done.

    Raises
    ------
    PageError
        When it is not fit to be sent: a figure without alternative text, a script, more than a page may weigh.
    """
    chosen = choose_cells(notebook, language)
    body = BeautifulSoup(_export(chosen, language), "html.parser")
    title = _take_title(body)
    step_headings(body)
    contents = name_headings(body)
    scope_headings(body)
    caption_tables(body)
    say_once(body)
    keep_together(body)
    ids = name_once(body)
    html = Markup(str(body))
    if problems := [*check_isolation(body.find_all(True)), *check_size(html, PAGE_BYTES_LIMIT - FRAME_BYTES)]:
        raise PageError(" ".join(problems[:5]))
    return PageBody(html, title, contents if len(contents) > 1 else [], frozenset(ids))


def page_of(
    body: PageBody,
    *,
    language: str,
    header: Mapping[str, Any],
    edition: Edition = "manager",
    pages: Sequence[PageLink] = (),
    page_id: str | None = None,
) -> str:
    """The finished HTML around a body; see `render_page`.

    Raises
    ------
    PageError
        When the page has no title.
    """
    title = body.title or header.get("title")
    if not title:
        raise PageError("The page has no title: its notebook needs a first heading (`# …`) in this language.")
    return page_around(
        body.of(edition), title=title, language=language, header=header, edition=edition, pages=pages, page_id=page_id,
        contents=body.contents,
    )  # fmt: skip


# --- which cells and outputs a reader gets --------------------------------------------------------


def choose_cells(notebook: NotebookNode, language: str) -> NotebookNode:
    """A copy of a notebook with one language's cells and outputs only; what failed is a gap that says so.

    Cells and outputs that only analysts get, such as code that shows nothing, have `analyst_only` in their metadata.

    Raises
    ------
    PageError
        When a picture that would be shown has no alternative text; the message names the cell.
    """
    chosen, failed_at = NotebookNode({**notebook, "cells": []}), None
    for place, cell in enumerate(notebook.cells, start=1):
        if not _is_for(cell, language):
            continue
        kept = deepcopy(cell)
        if cell.cell_type == "code":
            name = _name_of(cell, place)
            kept.outputs = [output for output in kept.outputs if _is_shown(output, language)]
            _check_alternatives(kept.outputs, name)
            gap, failed_at = _gap_in(cell, name, failed_at, language)
            if gap and not _ends_in_gap(chosen.cells):
                kept.outputs.append(gap)
            for output in kept.outputs:
                output.metadata["analyst_only"] = _is_bare(output)
            kept.metadata["analyst_only"] = all(output.metadata["analyst_only"] for output in kept.outputs)
        elif re.search(r"!\[\s*\]\(", cell.source):
            raise PageError(
                f"Text cell {place} shows a picture without alternative text: write it between the brackets."
            )
        chosen.cells.append(kept)
    return chosen


def _is_for(cell: NotebookNode, language: str) -> bool:
    tags = set(cell.metadata.get("tags", ()))
    languages = {tag for tag in tags if tag.startswith("lang-")}
    if "papermill-error-cell-tag" in tags or cell.cell_type == "raw":
        return False
    return not languages or f"lang-{language}" in languages


def _name_of(cell: NotebookNode, place: int) -> str:
    """A cell as its reader finds it in Jupyter: by execution number, else by its place in the notebook."""
    return f"[{cell.execution_count}]" if cell.get("execution_count") else f"#{place}"


def _is_shown(output: NotebookNode, language: str) -> bool:
    if output.output_type not in ("display_data", "execute_result"):
        return False
    about = output.metadata.get("workbook", {})
    return about.get("role") != "style" and about.get("language", language) == language


def _is_bare(output: NotebookNode) -> bool:
    """Whether an output is text only, such as the `<Axes: >` a cell ends in: for analysts."""
    return not output.metadata.get("workbook") and set(output.data) <= {"text/plain"}


def _check_alternatives(outputs: Iterable[NotebookNode], name: str) -> None:
    advice = "give it one, as in display_figure(figure, language, alt='…')."
    for output in outputs:
        if "text/html" in output.data:
            if "<img" not in output.data["text/html"].lower():
                continue  # most are tables, and reading them takes time
            pictures = BeautifulSoup(output.data["text/html"], "html.parser").find_all("img")
            silent = any(not picture.get("alt", "").strip() for picture in pictures)
        else:
            has_picture = any(media.startswith("image/") for media in output.data)
            silent = has_picture and not output.metadata.get("workbook", {}).get("alt", "").strip()
        if silent:
            raise PageError(f"Cell {name} shows a figure without alternative text: {advice}")


def _gap_in(
    cell: NotebookNode, name: str, failed_at: str | None, language: str
) -> tuple[NotebookNode | None, str | None]:
    """The gap a cell leaves, if any, and the cell at which the notebook has failed so far."""
    if any(output.output_type == "error" for output in cell.outputs):
        return _gap(label("gap_text", language, cell=name), language), name
    never_ran = failed_at and cell.source.strip() and not cell.get("execution_count") and not cell.outputs
    return (_gap(label("gap_follows", language, cell=failed_at), language) if never_ran else None), failed_at


def _gap(text: str, language: str) -> NotebookNode:
    about = {"language": language, "role": "gap"}
    return new_output(
        "display_data", {"text/html": callout(text, language, kind="gap")}, metadata={"workbook": about}
    )


def _ends_in_gap(cells: Sequence[NotebookNode]) -> bool:
    """Whether the last thing that the cells show every reader is a gap."""
    shown = [cell for cell in cells if not cell.metadata.get("analyst_only")]
    outputs = (shown[-1].get("outputs") if shown else None) or [{}]
    return outputs[-1].get("metadata", {}).get("workbook", {}).get("role") == "gap"


def gap_body(title: str, language: str) -> PageBody:
    """What stands on a page that could not be made of its notebook: that it could not."""
    return PageBody(Markup(callout(label("gap_page", language), language, kind="gap")), title)


def has_gaps(notebook: NotebookNode) -> bool:
    """True when a cell of an executed notebook failed, so that its page has the status `gaps`."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", ()))
    return any(output.output_type == "error" for output in outputs)


# --- the notebook's cells as HTML -----------------------------------------------------------------


class _TextRenderer(IPythonRenderer):
    """Markdown without raw HTML and without links that leave the page: their address is printed instead."""

    def link(self, text: str, url: str, title: str | None = None) -> str:
        if not EXTERNAL.match(url):
            return super().link(text, url, title)
        address = self.escape_html(url)
        return text if text == address else f'{text} (<span class="wb-address">{address}</span>)'


class _CellExporter(HTMLExporter):
    """nbconvert's HTML exporter with markdown that knows no mathematics: a dollar sign is a dollar sign."""

    def from_notebook_node(
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **options: Any
    ) -> tuple[str, dict[str, Any]]:
        """The same as HTMLExporter's, which then reads all it has made to look for what `choose_cells` has seen."""
        lexer = nb.metadata.get("language_info", {}).get("pygments_lexer", "ipython3")
        self.register_filter("highlight_code", Highlight2HTML(pygments_lexer=lexer, parent=self))
        return TemplateExporter.from_notebook_node(self, nb, resources, **options)

    @jinja2.pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        attachments = context.get("cell", {}).get("attachments", {})
        renderer = _TextRenderer(escape=True, exclude_anchor_links=True, attachments=attachments)
        return str(mistune.create_markdown(renderer=renderer, plugins=list(MARKDOWN_PLUGINS))(source))


def _export(notebook: NotebookNode, language: str) -> str:
    resources = {"code_label": label("code", language), "phone_png": PHONE_PNG}
    return _exporter().from_notebook_node(notebook, resources=resources)[0]


@lru_cache(maxsize=1)
def _exporter() -> HTMLExporter:
    template = Path(str(files("analysis") / "report" / "template"))
    exporter = _CellExporter(
        extra_template_basedirs=[str(template.parent)], template_name=template.name,
        exclude_input_prompt=True, exclude_output_prompt=True, default_preprocessors=[HighlightMagicsPreprocessor],
        filters={"picture_size": _picture_size, "one_line": lambda text: "".join(text.split())},
    )  # fmt: skip
    exporter.display_data_priority = [
        "text/html", "text/markdown", "image/png", "image/svg+xml", "image/jpeg", "text/plain",
    ]  # fmt: skip
    return exporter


def _picture_size(data: str, media: str) -> str:
    """Width and height of a PNG as attributes, in a screen's pixels: a page must not jump as it loads."""
    if media != "image/png":
        return ""
    width, height = struct.unpack(">II", base64.b64decode("".join(data.split())[:64])[16:24])
    return f' width="{width // SHARPNESS}" height="{height // SHARPNESS}"'


def _elements(body: BeautifulSoup, *names: str) -> list[Tag]:
    """Every element, or those of these names, in order; the parser's own search by attribute or list is slow."""
    return [tag for tag in body.find_all(True) if not names or tag.name in names]


def _with_id(body: BeautifulSoup) -> list[Tag]:
    return [tag for tag in _elements(body) if "id" in tag.attrs]


def _take_title(body: BeautifulSoup) -> str | None:
    """Text of the first h1, taken out of the body; further ones become h2: a page has one title."""
    first, *others = body.find_all("h1") or [None]
    for heading in others:
        heading.name = "h2"
    if first is None:
        return None
    first.extract()
    return first.get_text(" ", strip=True)


def step_headings(body: BeautifulSoup) -> None:
    """Raise headings that skip a level, so that each is at most one below the one before: the title is the h1."""
    above = 1
    for heading in _elements(body, "h2", "h3", "h4", "h5", "h6"):
        above = min(int(heading.name[1]), above + 1)
        heading.name = f"h{above}"


def name_headings(body: BeautifulSoup) -> list[Section]:
    """Give every h2 and h3 an id of its own, and return them as a table of contents."""
    sections: list[Section] = []
    used = {TOP, *(tag["id"] for tag in _with_id(body) if tag.name not in ("h2", "h3"))}
    for heading in _elements(body, "h2", "h3"):
        text = heading.get_text(" ", strip=True)
        heading["id"] = _unused(re.sub(r"[^\w]+", "-", text.lower()).strip("-") or "section", used)
        entry = Section(heading["id"], text)
        below = sections and heading.name == "h3"
        (sections[-1].below if below else sections).append(entry)
    return sections


def _unused(name: str, used: set[str]) -> str:
    candidates = (name if count == 1 else f"{name}-{count}" for count in range(1, len(used) + 2))
    found = next(candidate for candidate in candidates if candidate not in used)
    used.add(found)
    return found


def scope_headings(body: BeautifulSoup) -> None:
    """Give a scope to every table heading that lacks one: columns in the head, rows elsewhere."""
    for heading in _elements(body, "th"):
        if "scope" not in heading.attrs:
            heading["scope"] = "col" if heading.find_parent("thead") else "row"


def caption_tables(body: BeautifulSoup) -> None:
    """Give every table that has none the words of the heading above it as a caption, for those who hear the page."""
    for table in body.find_all("table"):
        if table.find("caption") is None:
            heading = table.find_previous(["h2", "h3", "h4"])
            caption = body.new_tag("caption", attrs={"class": "wb-heard"})
            caption.string = heading.get_text(" ", strip=True) if heading else "–"
            table.insert(0, caption)


def keep_together(body: BeautifulSoup) -> None:
    """Keep what belongs together on one line: ``2 h 13 min``, ``n = 494``, ``1 Jul 2026``; code stays as it is."""
    for text in [node for node in body.descendants if isinstance(node, NavigableString)]:
        if _BREAKABLE.search(text) and text.find_parent(["pre", "code"]) is None:
            text.replace_with(kept_together(text))


def kept_together(text: str) -> str:
    """The text with blanks that do not break between a number and its unit, and within a date."""
    return _BREAKABLE.sub("\N{NO-BREAK SPACE}", text)


def name_once(body: BeautifulSoup) -> set[str]:
    """Take an id off every element but the first that has it: a page may show a table twice; return all ids."""
    named: set[str] = {TOP}
    for tag in _with_id(body):
        if tag["id"] in named:
            del tag["id"]
        else:
            named.add(tag["id"])
    return named


def say_once(body: BeautifulSoup) -> None:
    """Of notes with the same words under one heading keep the first: several parts may lack the same table."""
    said: set[str] = set()
    for element in [tag for tag in _elements(body, "h2", "h3", "div") if tag.name != "div" or _is_note(tag)]:
        words = element.get_text(" ", strip=True)
        if element.name != "div":
            said = set()
        elif words in said:
            element.decompose()
        else:
            said.add(words)


def _is_note(tag: Tag) -> bool:
    return "wb-is-note" in tag.get("class", ())


# --- the page around them -------------------------------------------------------------------------


def page_around(
    body: Markup,
    *,
    title: str,
    language: str,
    header: Mapping[str, Any],
    edition: Edition = "manager",
    pages: Sequence[PageLink] = (),
    page_id: str | None = None,
    contents: Sequence[Section] = (),
    layout: str = "single",
) -> str:
    """A whole HTML document around a body: masthead, navigation, footer, style; see `render_page`."""
    states = states_of(header)
    return _template("page.html.j2").render(
        body=body, title=title, language=language, lang=HTML_LANGUAGES[language], lang_of=HTML_LANGUAGES.get,
        header=header, pages=pages, page_id=page_id, contents=contents, layout=layout,
        css=Markup(stylesheet()), colours={**PALETTE, **INKS}, states=states, facts=_facts(header, edition, language),
        legend=LEGEND, banners=Markup("").join(_banner(state, header, language) for state in states),
        word=lambda key: label(key, language), word_in=label, badge=partial(verdict_badge, language=language),
        footer_line=_footer_line(header, edition, language), edition=edition, neighbours=_neighbours(pages, page_id),
        paper_foot=_css_text(" · ".join(filter(None, (header.get("company"), header.get("period"))))),
    )  # fmt: skip


def _neighbours(pages: Sequence[PageLink], page_id: str | None) -> dict[str, PageLink]:
    """The pages before and after this one, those that there are."""
    order = [page for page in pages if page.href or page.page_id == page_id]
    place = next((place for place, page in enumerate(order) if page.page_id == page_id), None)
    if place is None:
        return {}
    around = {"previous_page": order[place - 1] if place else None, "next_page": [*order, None][place + 1]}
    return {name: page for name, page in around.items() if page}


def states_of(header: Mapping[str, Any]) -> list[str]:
    """The states a run must warn of, from its header: none, `partial`, `unreconciled` or both."""
    given = header.get("status", ())
    given = [given] if isinstance(given, str) else list(given)
    unknown = sorted(set(given) - {*STATES, "whole"})
    if unknown:
        raise ValueError(f"Unknown status {', '.join(unknown)}; known are whole, {', '.join(STATES)}.")
    return [state for state in STATES if state in given]


def _banner(state: str, header: Mapping[str, Any], language: str) -> Markup:
    items = header.get("status_items", {}).get(state, ())
    return callout(label(f"{state}_text", language), language, kind=state, items=items)


def _facts(header: Mapping[str, Any], edition: Edition, language: str) -> list[tuple[str, str]]:
    shown = {
        "period": header.get("period"),
        "data_window": _days(header.get("data_window"), language),
        "compared_with": _days(header.get("compared_with"), language),
        "made_on": format_date(header["made_on"], language) if header.get("made_on") else None,
        "run": header.get("run"),
        "edition": label("edition_analyst", language) if edition == "analyst" else None,
    }
    return [(label(key, language), kept_together(text)) for key, text in shown.items() if text]


def _days(window: Any, language: str) -> str | None:
    return window if window is None or isinstance(window, str) else format_date_range(*window, language)


def _footer_line(header: Mapping[str, Any], edition: Edition, language: str) -> str:
    run = f"{label('run', language)} {header['run']}" if header.get("run") else None
    parts = (header.get("company"), header.get("period"), label(f"edition_{edition}", language), run)
    return " · ".join(part for part in parts if part)


def _css_text(text: str) -> Markup:
    """A text as a string of a style sheet: signs but letters and digits as numbers, so that none ends it early."""
    coded = re.sub(r"[^A-Za-z0-9 ]", lambda found: f"\\{ord(found[0]):x} ", text)
    return Markup(f'"{coded}"')


@lru_cache(maxsize=4)
def _template(name: str) -> jinja2.Template:
    source = (files("analysis") / "report" / "template" / name).read_text(encoding="utf-8")
    return jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(source)
