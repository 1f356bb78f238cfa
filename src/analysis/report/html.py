"""From an executed notebook to a finished page: one language, no code or complaint left in, nothing fetched.

The notebook's cells are chosen first, then exported by nbconvert with the template beside this module, then
set into the page around them. `check_page` reads a finished page and lists what is wrong with it.
"""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import lru_cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import jinja2
import mistune
from bs4 import BeautifulSoup, Tag
from markupsafe import Markup
from nbconvert.exporters import HTMLExporter, TemplateExporter
from nbconvert.filters import Highlight2HTML
from nbconvert.filters.markdown_mistune import IPythonRenderer
from nbformat import NotebookNode
from nbformat.v4 import new_output

from analysis.report.figures.style import INKS, PALETTE, SHARPNESS
from analysis.report.tables_shown import (
    PHONE_PNG,
    callout,
    format_date,
    format_date_range,
    label,
    stylesheet,
    verdict_badge,
)

Edition = Literal["manager", "analyst"]
PAGE_BYTES_LIMIT = 2_000_000
HTML_LANGUAGES = {"en": "en", "zh": "zh-Hans"}
STATES = ("partial", "unreconciled")
LEGEND = ("better", "worse", "no_clear_change", "hit", "miss", "undetermined")
MARKDOWN_PLUGINS = ("strikethrough", "table", "def_list")
EXTERNAL = re.compile(r"^\s*(?:[a-z][a-z0-9+.-]*:)?//|^\s*(?:ftp|file|javascript|vbscript):", re.IGNORECASE)


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
    """What stands inside a page: its markup, its title if the notebook has one, its table of contents."""

    html: Markup
    title: str | None
    contents: list[Section] = field(default_factory=list)


def render_page(
    notebook: NotebookNode,
    *,
    language: str,
    header: Mapping[str, Any],
    edition: Edition = "manager",
    pages: Sequence[PageLink] = (),
    page_id: str | None = None,
) -> str:
    """The finished HTML of one page in one language.

    Parameters
    ----------
    notebook : NotebookNode
        Executed, whole or stopped by an error; it is not changed.
    header : mapping
        ``company``, ``period`` (text), ``data_window`` (text, or first and last day), ``run`` (hash), and
        where wanted ``compared_with`` (text or days), ``made_on`` (day), ``languages`` (address of this page
        in the other languages), ``title`` (where the notebook has no heading of its own), ``status``
        (``partial``, ``unreconciled`` or both) and ``status_items`` (for each of these a list of what is
        missing or does not add up).
    edition : str
        ``manager`` without code, ``analyst`` with each cell's code folded away.
    pages : sequence of PageLink
        Pages of the run, in order; `page_id` is the current one.

    Raises
    ------
    PageError
        When a figure or picture has no alternative text, or the page has no title.
    """
    return page_of(
        page_body(notebook, language=language, edition=edition), language=language, header=header, edition=edition,
        pages=pages, page_id=page_id,
    )  # fmt: skip


def page_body(notebook: NotebookNode, *, language: str, edition: Edition = "manager") -> PageBody:
    """What a notebook says, in one language: what can be made of a page before the run's others are done.

    Raises
    ------
    PageError
        When a figure or picture has no alternative text.
    """
    chosen = choose_cells(notebook, language, edition)
    body = BeautifulSoup(_export(chosen, language, edition), "html.parser")
    title = _take_title(body)
    contents = name_headings(body)
    scope_headings(body)
    say_once(body)
    return PageBody(Markup(str(body)), title, contents if len(contents) > 1 else [])


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
        body.html, title=title, language=language, header=header, edition=edition, pages=pages, page_id=page_id,
        contents=body.contents,
    )  # fmt: skip


# --- which cells and outputs a reader gets --------------------------------------------------------


def choose_cells(notebook: NotebookNode, language: str, edition: Edition) -> NotebookNode:
    """A copy of a notebook with one language's cells and outputs only; what failed is a gap that says so.

    Raises
    ------
    PageError
        When a picture that would be shown has no alternative text; the message names the cell.
    """
    chosen = deepcopy(notebook)
    chosen.cells, failed_at = [], None
    for place, cell in enumerate(notebook.cells, start=1):
        if not _is_for(cell, language):
            continue
        kept = deepcopy(cell)
        if cell.cell_type == "code":
            name = _name_of(cell, place)
            kept.outputs = [output for output in cell.outputs if _is_shown(output, language, edition)]
            _check_alternatives(kept.outputs, name)
            gap, failed_at = _gap_in(cell, name, failed_at, language)
            if gap and not (chosen.cells and _ends_in_gap(chosen.cells[-1])):
                kept.outputs.append(gap)
            if not kept.outputs and edition == "manager":
                continue
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


def _is_shown(output: NotebookNode, language: str, edition: Edition) -> bool:
    if output.output_type not in ("display_data", "execute_result"):
        return False
    about = output.metadata.get("workbook", {})
    if about.get("role") == "style" or about.get("language", language) != language:
        return False
    only_text = not about and set(output.data) <= {"text/plain"}
    return edition == "analyst" or not only_text  # such as the bare `<Axes: >` a cell ends in


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


def _ends_in_gap(cell: NotebookNode) -> bool:
    outputs = cell.get("outputs") or [{}]
    return outputs[-1].get("metadata", {}).get("workbook", {}).get("role") == "gap"


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


def _export(notebook: NotebookNode, language: str, edition: Edition) -> str:
    resources = {"code_label": label("code", language), "phone_png": PHONE_PNG}
    return _exporter(edition).from_notebook_node(notebook, resources=resources)[0]


@lru_cache(maxsize=2)
def _exporter(edition: Edition) -> HTMLExporter:
    template = Path(str(files("analysis") / "report" / "template"))
    exporter = _CellExporter(
        extra_template_basedirs=[str(template.parent)], template_name=template.name,
        exclude_input=edition == "manager", exclude_input_prompt=True, exclude_output_prompt=True,
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


def _take_title(body: BeautifulSoup) -> str | None:
    """Text of the first h1, taken out of the body; further ones become h2: a page has one title."""
    first, *others = body.find_all("h1") or [None]
    for heading in others:
        heading.name = "h2"
    if first is None:
        return None
    first.extract()
    return first.get_text(" ", strip=True)


def name_headings(body: BeautifulSoup) -> list[Section]:
    """Give every h2 and h3 an id of its own, and return them as a table of contents."""
    sections: list[Section] = []
    used: set[str] = set()
    for heading in body.find_all(["h2", "h3"]):
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
    for heading in body.find_all("th", scope=False):
        heading["scope"] = "col" if heading.find_parent("thead") else "row"


def say_once(body: BeautifulSoup) -> None:
    """Of notes with the same words in one section keep the first: several parts may lack the same table."""
    said: set[str] = set()
    for element in body.select("h2, div.wb-is-note"):
        words = element.get_text(" ", strip=True)
        if element.name == "h2":
            said = set()
        elif words in said:
            element.decompose()
        else:
            said.add(words)


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
        css=Markup(stylesheet()), colours={**PALETTE, **INKS}, states=states, facts=_facts(header, language),
        legend=LEGEND, banners=Markup("").join(_banner(state, header, language) for state in states),
        word=lambda key: label(key, language), word_in=label, badge=partial(verdict_badge, language=language),
        footer_line=_footer_line(header, edition, language),
    )  # fmt: skip


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


def _facts(header: Mapping[str, Any], language: str) -> list[tuple[str, str]]:
    shown = {
        "period": header.get("period"),
        "data_window": _days(header.get("data_window"), language),
        "compared_with": _days(header.get("compared_with"), language),
        "made_on": format_date(header["made_on"], language) if header.get("made_on") else None,
        "run": header.get("run"),
    }
    return [(label(key, language), text) for key, text in shown.items() if text]


def _days(window: Any, language: str) -> str | None:
    return window if window is None or isinstance(window, str) else format_date_range(*window, language)


def _footer_line(header: Mapping[str, Any], edition: Edition, language: str) -> str:
    run = f"{label('run', language)} {header['run']}" if header.get("run") else None
    parts = (header.get("company"), header.get("period"), label(f"edition_{edition}", language), run)
    return " · ".join(part for part in parts if part)


@lru_cache(maxsize=4)
def _template(name: str) -> jinja2.Template:
    source = (files("analysis") / "report" / "template" / name).read_text(encoding="utf-8")
    return jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(source)


# --- is the page as it should be? -----------------------------------------------------------------

FETCHING = (
    "src",
    "srcset",
    "href",
    "xlink:href",
    "poster",
    "data",
    "action",
    "formaction",
    "background",
    "ping",
)
FORBIDDEN = (
    "script",
    "iframe",
    "frame",
    "object",
    "embed",
    "link",
    "base",
    "form",
    "audio",
    "video",
    "noscript",
)


def read_page(html: str) -> BeautifulSoup:
    """A finished page, read once for whoever looks into it."""
    return BeautifulSoup(html, "html.parser")


def check_page(
    html: str, *, read: BeautifulSoup | None = None, bytes_limit: int | None = PAGE_BYTES_LIMIT
) -> list[str]:
    """What is wrong with a finished page, one sentence each; an empty list for a page fit to be sent.

    Looks at: language, title, one h1, alternative texts, scopes of table headings, ids used twice, links to
    nowhere, anything that would be fetched or run, the content security policy, a stack trace, size.
    `read` is the same page as ``read_page`` gives it, where somebody has read it before.
    """
    page = read or read_page(html)
    problems = [
        *_check_frame(page),
        *_check_pictures_and_tables(page),
        *_check_anchors(page),
        *_check_isolation(page),
        *(
            ["A stack trace reached the page."]
            if "Traceback (most recent call last)" in page.get_text()
            else []
        ),
    ]
    return problems + (check_size(html, bytes_limit) if bytes_limit else [])


def check_size(html: str, bytes_limit: int = PAGE_BYTES_LIMIT) -> list[str]:
    """One sentence when a page is heavier than allowed, else none."""
    size = len(html.encode())
    if size <= bytes_limit:
        return []
    return [f"The page has {size / 1e6:.1f} MB; at most {bytes_limit / 1e6:.1f} MB are allowed."]


def _check_frame(page: BeautifulSoup) -> list[str]:
    root, titles = page.find("html"), page.find_all("h1")
    policy = page.find("meta", attrs={"http-equiv": re.compile("^content-security-policy$", re.IGNORECASE)})
    has_policy = isinstance(policy, Tag) and "default-src 'none'" in policy.get("content", "")
    found = {
        "The html element has no lang.": not (isinstance(root, Tag) and root.get("lang", "").strip()),
        "The page has no title element.": not (page.title and page.title.get_text(strip=True)),
        f"The page has {len(titles)} h1 headings; it needs exactly one.": len(titles) != 1,
        "The page has no content security policy with default-src 'none'.": not has_policy,
    }
    return [sentence for sentence, wrong in found.items() if wrong]


def _check_pictures_and_tables(page: BeautifulSoup) -> list[str]:
    pictures, drawings = page.find_all("img"), page.find_all("svg")
    silent = [place for place, picture in enumerate(pictures, 1) if not picture.get("alt", "").strip()]
    mute = [place for place, drawing in enumerate(drawings, 1) if not _speaks_or_hides(drawing)]
    unscoped = [heading.get_text(" ", strip=True)[:40] for heading in page.find_all("th", scope=False)]
    return [
        *(f"Picture {place} has no alternative text." for place in silent),
        *(f"Drawing {place} (svg) is neither labelled nor hidden." for place in mute),
        *(f"Table heading “{words}” has no scope." for words in unscoped),
    ]


def _speaks_or_hides(drawing: Tag) -> bool:
    return bool(drawing.get("aria-label", "").strip()) or drawing.get("aria-hidden") == "true"


def _check_anchors(page: BeautifulSoup) -> list[str]:
    names = [tag["id"] for tag in page.find_all(id=True)]
    twice = sorted({name for name in names if names.count(name) > 1})
    targets = {link["href"][1:] for link in page.find_all("a", href=re.compile("^#."))}
    return [f"The id “{name}” is used more than once." for name in twice] + [
        f"A link points to “#{name}”, which is not on the page." for name in sorted(targets - set(names))
    ]


def _check_isolation(page: BeautifulSoup) -> list[str]:
    problems = [f"The page holds a {tag.name} element." for tag in page.find_all(FORBIDDEN)]
    for tag in page.find_all(True):
        problems += [
            f"A {tag.name} element has the script attribute {name}."
            for name in tag.attrs
            if name.startswith("on")
        ]
        problems += [
            _address_problem(tag, name) for name in FETCHING if name in tag.attrs and _leaves(tag, name)
        ]
    styles = [sheet.get_text() for sheet in page.find_all("style")] + [
        tag["style"] for tag in page.find_all(style=True)
    ]
    fetched = [
        match
        for style in styles
        for match in re.findall(r"url\(\s*['\"]?(?!data:|#)[^)]*\)|@import[^;]*", style)
    ]
    refresh = page.find_all("meta", attrs={"http-equiv": re.compile("^refresh$", re.IGNORECASE)})
    return (
        problems
        + [f"A style fetches {found[:60]}." for found in fetched]
        + ["The page forwards its reader." for _ in refresh]
    )


def _leaves(tag: Tag, name: str) -> bool:
    """True for an address that is fetched or leads off the report; data, anchors, relative links stay."""
    address = str(tag[name]).strip()
    is_link = name == "href" and tag.name == "a"
    return bool(EXTERNAL.match(address)) or not (is_link or address.startswith(("data:", "#")))


def _address_problem(tag: Tag, name: str) -> str:
    return f"The {name} of a {tag.name} element leaves the page: {str(tag[name])[:60]}."
